/* SPDX-License-Identifier: MIT */
/* What algorithms share, and their names. */
#include "tcp/cc/cc.h"

#include "base/bytes.h"
#include "tcp/connection.h"

static const struct cc_algorithm *const algorithm[] = { &cc_cubic, &cc_newreno, &cc_dctcp,
                                                        &cc_bbr };

/* The core has no strcmp. */
static bool same(const char *a, const char *b)
{
    while (*a != '\0' && *a == *b) {
        a++;
        b++;
    }
    return *a == *b;
}

const struct cc_algorithm *cc_by_name(const char *name)
{
    for (unsigned i = 0; i < sizeof algorithm / sizeof algorithm[0]; i++) {
        if (same(algorithm[i]->name, name)) {
            return algorithm[i];
        }
    }
    return NULL;
}

uint32_t cc_initial_window(const struct wh_conn *conn)
{
    /* RFC 5681 3.1: after the loss of a SYN or SYN,ACK (here: more than one), one segment. */
    uint32_t segments =
        conn->syn_retries > 1 ? 1 : (uint32_t)conn_option(conn, WH_OPT_INITIAL_WINDOW);
    uint32_t mss = conn_mss(conn);
    /* RFC 6928 2: ten segments, but no more than 14600 bytes unless two segments are larger. */
    if (segments == 10) {
        return MIN(10 * mss, MAX(2 * mss, 14600));
    }
    return segments * mss;
}

uint64_t cc_pacing_rate(const struct wh_conn *conn)
{
    if (conn->srtt == 0) {
        return 0;
    }
    /* Slow start doubles the window each round, so it has to send twice as fast; else a fifth more. */
    uint64_t percent = conn->cwnd < conn->ssthresh / 2 ? 200 : 120;
    return (uint64_t)conn->cwnd * percent * (WH_SECOND / WH_MICROSECOND / 100) / conn->srtt;
}

uint32_t cc_slow_start(struct wh_conn *conn, uint32_t bytes)
{
    uint32_t limit = MIN(conn->ssthresh, CWND_MAX);
    uint32_t room = limit > conn->cwnd ? limit - conn->cwnd : 0;
    uint32_t step = MIN(bytes, room);
    conn->cwnd += step;
    return bytes - step;
}

void cc_additive_increase(struct wh_conn *conn, uint32_t *acked, uint32_t bytes)
{
    /* Appropriate byte counting (RFC 3465 2.1). */
    *acked += bytes;
    if (*acked >= conn->cwnd) {
        *acked = MIN(*acked - conn->cwnd, conn->cwnd);
        conn->cwnd = MIN(conn->cwnd + conn_mss(conn), CWND_MAX);
    }
}
