/* SPDX-License-Identifier: MIT */
/* Numbers that a connection starts from: initial sequence number, timestamp offset, segment size. */
#include "tcp/context.h"
#include "wire/ip.h"

uint32_t tcp_iss_offset(const struct tcp *tcp, const struct tuple *tuple)
{
    return (uint32_t)siphash24(&tcp->isn_key, tuple, sizeof *tuple);
}

uint32_t tcp_choose_iss(struct tcp *tcp, const struct tuple *tuple)
{
    if (tcp->iss_forced) {
        tcp->iss_forced = false;
        return tcp->iss_next;
    }
    /* ISN = M + F(tuple, secret), M steps every 4 microseconds (RFC 9293 3.4.1). */
    uint32_t clock = (uint32_t)(tcp->now / 4000);
    return clock + tcp_iss_offset(tcp, tuple);
}

uint32_t tcp_timestamp_offset(const struct tcp *tcp, const struct tuple *tuple)
{
    return (uint32_t)siphash24(&tcp->timestamp_key, tuple, sizeof *tuple);
}

uint32_t tcp_link_mss(const struct tcp *tcp, const wh_addr *remote)
{
    uint32_t headers = ip_header_length(remote) + 20;
    return tcp->mtu > headers + 8 ? tcp->mtu - headers : 8;
}
