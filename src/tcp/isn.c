/* SPDX-License-Identifier: MIT */
/* Numbers that a connection starts from: initial sequence number, timestamp offset, segment size. */
#include "tcp/context.h"
#include "wire/ip.h"
#include "wire/tuple.h"

struct origins tcp_origins(const struct tcp *tcp, const struct tuple *tuple)
{
    uint64_t hash = tuple_hash24(&tcp->isn_key, tuple);
    return (struct origins){ .iss = (uint32_t)hash, .timestamp = (uint32_t)(hash >> 32) };
}

uint32_t tcp_iss_from(struct tcp *tcp, const struct origins *origins)
{
    if (tcp->iss_forced) {
        tcp->iss_forced = false;
        return tcp->iss_next;
    }
    /* ISN = M + F(tuple, secret), M steps every 4 microseconds (RFC 9293 3.4.1). */
    uint32_t clock = (uint32_t)(tcp->now / 4000);
    return clock + origins->iss;
}

uint32_t tcp_choose_iss(struct tcp *tcp, const struct tuple *tuple)
{
    struct origins origins = tcp_origins(tcp, tuple);
    return tcp_iss_from(tcp, &origins);
}

uint32_t tcp_link_mss(const struct tcp *tcp, const wh_addr *remote)
{
    uint32_t headers = ip_header_length(remote) + 20;
    return tcp->mtu > headers + 8 ? tcp->mtu - headers : 8;
}
