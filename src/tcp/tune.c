/* SPDX-License-Identifier: MIT */
/*
 * The receive window: dynamic right-sizing (Fisk and Feng, 2001). A reader that takes
 * C bytes in a round trip needs 2 C of window for the sender to keep that up: a round
 * trip's worth is under way while the next is being acknowledged; and twice that while
 * the sender may be doubling (RFC 5681 slow start), for what is told now reaches it
 * when the next round trip is in flight. So the window grows to 4 C, but at most
 * doubles in a round trip. It never shrinks. A reader that leaves more than half of
 * the window unread is itself what is slow, and gets no more.
 *
 * The round trip as a receiver sees it: the handshake's to begin with; then what the
 * peer's timestamps echo, which is too long when the sender was idle, so it counts at
 * once when it is shorter and little when it is longer; and never more than the time
 * in which more than a whole window was read, for the last byte of that was sent on
 * hearing of a window from within this time.
 *
 * The send queue: what is in flight, and as much again for the application to be late
 * by a round trip, and a super-segment's worth. So its limit is two congestion windows
 * and a little.
 *
 * Memory: a queue may hold a part of what is free, not a part of the whole (Choudhury
 * and Hahne, 1998). However many ask for more, something is left for the next, and all
 * get less as it becomes less.
 */
#include "tcp/tune.h"

#include "base/bytes.h"

/* Readers come round only so often, however short the path: the window covers that. In us. */
#define READER_TURN 5000
/* Beyond this a clock is wrong. Milliseconds. */
#define LONGEST_TRIP 512000
/* What a send queue gets beyond two congestion windows: the largest super-segment. */
#define SEND_AHEAD 65536
/* Bytes that a send queue may hold however little memory there is. */
#define SEND_FLOOR 16384
/* A queue's part of what is free: one in so many. */
#define MEMORY_PART 4
/* A queued byte costs at most so many of memory (text.c sees to that). */
#define BYTE_COST 2

uint32_t tune_first_window(const struct profile *profile)
{
    return (uint32_t)MIN(profile->value[WH_OPT_RECEIVE_BUFFER],
                         profile->value[WH_OPT_RECEIVE_BUFFER_INITIAL]);
}

/* Bytes that ordinary requests could still get, spare chunks included. */
static size_t memory_left(const struct tcp *tcp)
{
    const struct memory *memory = &tcp->memory;
    size_t most = memory->cap - memory->reserve;
    size_t used = memory->used - chunk_store_spare(&tcp->chunks);
    return used < most ? most - used : 0;
}

/* --------------------------------------------------------------- receiving -- */

uint32_t tune_receive_limit(const struct wh_conn *conn)
{
    uint32_t most = (uint32_t)conn_option(conn, WH_OPT_RECEIVE_BUFFER);
    uint32_t limit = MIN(most, MAX(tune_first_window(conn->profile), conn->rcv_limit));
    /* A buffer made smaller than what scaling can express would never open the window again. */
    return MAX(limit, UINT32_C(2) << conn->rcv_scale);
}

uint32_t tune_affordable(const struct wh_conn *conn, uint32_t space)
{
    const struct memory *memory = &conn->tcp->memory;
    if (memory->used + (size_t)space * BYTE_COST <= memory->cap - memory->reserve) {
        return space; /* as nearly always */
    }
    size_t most = memory_left(conn->tcp) / BYTE_COST;
    if (conn->receive.length == 0 && conn->reassembly == NULL) {
        /*
         * Who holds nothing has no reading to come that would open the window again. Two
         * segments keep it alive: there may be memory by the time they are here.
         */
        most = MAX(most, 2 * (size_t)tcp_link_mss(conn->tcp, &conn->tuple.remote));
    }
    return (uint32_t)MIN((size_t)space, most);
}

/* Number of the next byte that the application will read. */
static uint32_t next_read(const struct wh_conn *conn)
{
    return conn->rcv_nxt - conn->fin_received - conn->receive.length;
}

static uint32_t microseconds(const struct wh_conn *conn)
{
    return (uint32_t)(conn->tcp->now / WH_MICROSECOND);
}

static void begin_measurement(struct wh_conn *conn, uint32_t limit)
{
    conn->rcv_limit = limit;
    conn->tune_seq = next_read(conn);
    conn->tune_time = microseconds(conn);
}

/* What the window should be after `copied` bytes were read in `elapsed` microseconds. */
static uint32_t wanted_window(const struct wh_conn *conn, uint32_t limit, uint32_t copied,
                              uint32_t elapsed)
{
    uint32_t trip = MAX(conn->rcv_rtt, READER_TURN);
    uint64_t a_trip = elapsed > trip ? (uint64_t)copied * trip / elapsed : copied;
    uint64_t most = MIN((uint64_t)conn_option(conn, WH_OPT_RECEIVE_BUFFER),
                        (uint64_t)UINT16_MAX << conn->rcv_scale);
    most = MIN(most, memory_left(conn->tcp) / MEMORY_PART);
    uint64_t wanted = MIN(MIN(4 * a_trip, UINT64_C(2) * limit), most);
    return (uint32_t)MAX(wanted, limit);
}

void tune_read(struct wh_conn *conn)
{
    uint32_t limit = tune_receive_limit(conn);
    if (limit >= (uint64_t)conn_option(conn, WH_OPT_RECEIVE_BUFFER)) {
        return;
    }
    if (conn->rcv_limit == 0) {
        begin_measurement(conn, limit);
        conn->rcv_rtt = conn->rcv_rtt == 0 ? conn->srtt : conn->rcv_rtt;
        return;
    }
    uint32_t elapsed = microseconds(conn) - conn->tune_time;
    uint32_t copied = next_read(conn) - conn->tune_seq;
    if (copied > limit && (conn->rcv_rtt == 0 || elapsed < conn->rcv_rtt)) {
        conn->rcv_rtt = MAX(elapsed, 1);
    }
    if (conn->rcv_rtt == 0 || elapsed < conn->rcv_rtt || conn->receive.length > limit / 2) {
        return;
    }
    begin_measurement(conn, wanted_window(conn, limit, copied, elapsed));
}

void tune_round_trip(struct wh_conn *conn, const struct segment *segment)
{
    bool run = segment->piece != NULL;
    uint32_t size = run ? segment->segment_size : segment->length;
    if (!conn->timestamps || segment->options.tsecr == 0 || size < conn->rcv_mss) {
        return;
    }
    uint32_t ticks = tcp_timestamp(conn->tcp, conn->ts_offset) - segment->options.tsecr;
    if (ticks > LONGEST_TRIP) {
        return;
    }
    uint32_t sample = MAX(ticks, 1) * 1000;
    if (conn->rcv_rtt == 0 || sample < conn->rcv_rtt) {
        conn->rcv_rtt = sample;
        return;
    }
    /* Each full segment of a run bears the sample, which soon adds nothing. */
    uint32_t more = run ? segment->length / size : 1;
    for (uint32_t step = 1; more > 0 && step > 0; more--) {
        step = MIN(sample - conn->rcv_rtt, conn->rcv_rtt) / 8;
        conn->rcv_rtt += step;
    }
}

/* ----------------------------------------------------------------- sending -- */

uint32_t tune_send_limit(const struct wh_conn *conn)
{
    uint64_t windows = UINT64_C(2) * conn->cwnd + SEND_AHEAD;
    uint64_t limit = MAX((uint64_t)conn_option(conn, WH_OPT_SEND_BUFFER_INITIAL), windows);
    limit = MIN(limit, (uint64_t)conn_option(conn, WH_OPT_SEND_BUFFER));
    /* The last quarter of the memory is not for those who are slow to take what they asked for. */
    const struct memory *memory = &conn->tcp->memory;
    size_t most = memory->cap / 4 * 3;
    size_t part = memory->used < most ? (most - memory->used) / MEMORY_PART : 0;
    return (uint32_t)MIN(limit, MAX((uint64_t)part, SEND_FLOOR));
}
