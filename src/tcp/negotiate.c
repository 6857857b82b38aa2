/* SPDX-License-Identifier: MIT */
/* What both SYNs agree on: segment size, window scale, timestamps, SACK. */
#include "base/bytes.h"
#include "tcp/path_mtu.h"
#include "tcp/protocol.h"
#include "wire/ip.h"

/* RFC 9293 3.7.1, MUST-15: without an MSS option the peer takes no more than this. */
#define DEFAULT_MSS_IPV4 536
#define DEFAULT_MSS_IPV6 1220
/* Smaller offers are an attack or an accident; they are not allowed to cost a header a byte. */
#define SMALLEST_MSS 64

uint8_t tcp_window_scale(int64_t receive_buffer)
{
    uint8_t scale = 0;
    while (scale < WINDOW_SCALE_MAX && ((int64_t)UINT16_MAX << scale) < receive_buffer) {
        scale++;
    }
    return scale;
}

uint16_t tcp_announced_mss(const struct tcp *tcp, const struct profile *profile,
                           const wh_addr *remote)
{
    uint32_t mss = tcp_link_mss(tcp, remote);
    uint32_t wanted = (uint32_t)profile->value[WH_OPT_MSS];
    return (uint16_t)(wanted != 0 ? MIN(mss, wanted) : mss);
}

void tcp_offer(struct wh_conn *conn)
{
    conn->sack = conn_option(conn, WH_OPT_SACK) != 0;
    conn->timestamps = conn_option(conn, WH_OPT_TIMESTAMPS) != 0;
    conn->scaling = conn_option(conn, WH_OPT_WINDOW_SCALING) != 0;
    conn->rcv_scale =
        conn->scaling ? tcp_window_scale(conn_option(conn, WH_OPT_RECEIVE_BUFFER)) : 0;
    conn->snd_mss = tcp_announced_mss(conn->tcp, conn->profile, &conn->tuple.remote);
    conn->mtu_most = conn->snd_mss;
}

uint16_t tcp_told_mss(const struct segment_options *options, const wh_addr *remote)
{
    if (options->has & WH_HAS_MSS) {
        return MAX(options->mss, SMALLEST_MSS);
    }
    return wh_is_ipv4(remote) ? DEFAULT_MSS_IPV4 : DEFAULT_MSS_IPV6;
}

void tcp_agree(struct wh_conn *conn, const struct segment_options *options)
{
    uint32_t link = tcp_announced_mss(conn->tcp, conn->profile, &conn->tuple.remote);
    path_mtu_begin(conn, MIN(link, tcp_told_mss(options, &conn->tuple.remote)));
    conn->sack = conn->sack && (options->has & WH_HAS_SACK_PERMITTED);
    conn->scaling = conn->scaling && (options->has & WH_HAS_WINDOW_SCALE);
    conn->timestamps = conn->timestamps && (options->has & WH_HAS_TIMESTAMPS);
    conn->snd_scale = conn->scaling ? MIN(options->window_scale, WINDOW_SCALE_MAX) : 0;
    conn->rcv_scale = conn->scaling ? conn->rcv_scale : 0;
    if (conn->timestamps) {
        conn->ts_recent = options->tsval;
        conn->ts_recent_age = (uint32_t)(conn->tcp->now / WH_SECOND);
    }
}
