/* SPDX-License-Identifier: MIT */
/*
 * A batch of frames, taken in three passes. Among a million connections nothing of the record
 * that a segment is for is in the cache, nor the slot of the table that leads to it, and each
 * is a journey to memory of some hundred cycles. What a frame will need is known long
 * before its turn: so all are parsed, and the slots of their tuples asked for; then all slots
 * are read, and their records asked for; then what the records point to; and by the time the
 * first is dealt with, the memory of the last is on its way. While the processor waits for one,
 * it waits for all.
 *
 * None of this decides anything. When its turn comes, each segment is looked up in the table
 * as the frames before it have left it: they may have made its record, or ended it.
 */
#include "base/bytes.h"
#include "stack/stack.h"

/* Arrivals in one pass: enough to keep the memory busy, few enough to stay in the nearest cache. */
#define PASS 16
/* Frames in one pass; a run of them is one arrival (coalesce.c). */
#define PASS_FRAMES 64
/* The records of so few stay in the second-level cache, and need not be asked for. */
#define FEW 1024

/* Asks for the record of a segment; returns it if it is a connection, else NULL. */
static const struct wh_conn *prefetch_record(const struct wh_stack *host,
                                             const struct arrival *arrival)
{
    struct demux_entry found = demux_peek(&host->demux, arrival->hash);
    if (found.index == 0) {
        return NULL;
    }
    switch (found.kind) {
    case RECORD_CONNECTION: {
        const struct wh_conn *conn = pool_at(&host->connections, found.index);
        conn_prefetch(conn);
        return conn;
    }
    case RECORD_HALF_OPEN:
        prefetch(pool_at(&host->half_opens, found.index), sizeof(struct half_open));
        break;
    case RECORD_TIME_WAIT:
        prefetch(time_wait_at(&host->time_waits, found.index), sizeof(struct time_wait));
        break;
    default: prefetch(pool_at(&host->helds, found.index), sizeof(struct wh_syn)); break;
    }
    return NULL;
}

/* Asks for the records of these segments, whose slots are on their way; then for what is around them. */
static void prefetch_records(const struct wh_stack *host, const struct arrival *arrival, size_t n)
{
    const struct wh_conn *conn[PASS];
    for (size_t i = 0; i < n; i++) {
        conn[i] = arrival[i].kind == ARRIVAL_SEGMENT ? prefetch_record(host, &arrival[i]) : NULL;
    }
    for (size_t i = 0; i < n; i++) {
        if (conn[i] != NULL) {
            conn_prefetch_around(conn[i]);
        }
    }
}

/* Returns how many of the frames it has dealt with. */
static size_t pass(struct wh_stack *host, const wh_frame *frames, size_t n)
{
    struct arrival arrival[PASS];
    struct piece pieces[PASS_FRAMES];
    bool many = host->demux.used > FEW;
    size_t count = 0;
    size_t done = 0;
    n = MIN(n, PASS_FRAMES);
    while (done < n && count < PASS) {
        struct arrival *next = &arrival[count++];
        next->frame = &frames[done];
        next->most = (uint32_t)(n - done);
        next->pieces = &pieces[done];
        arrival_look(host, next);
        done += next->frames;
        if (many && next->kind == ARRIVAL_SEGMENT) {
            demux_prefetch(&host->demux, next->hash);
        }
    }
    if (many) {
        prefetch_records(host, arrival, count);
    }
    for (size_t i = 0; i < count; i++) {
        arrival_take(host, &arrival[i]);
    }
    return done;
}

void wh_input(wh_stack *host, const wh_frame *frames, size_t n, wh_time now)
{
    struct tcp *tcp = &host->tcp;
    tcp->now = MAX(now, tcp->now);
    for (size_t done = 0; done < n;) {
        done += pass(host, frames + done, n - done);
    }
}
