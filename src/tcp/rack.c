/* SPDX-License-Identifier: MIT */
/*
 * RACK (RFC 8985 6): a range is lost when something sent sufficiently later has been
 * delivered. "Sufficiently" is the reordering window: nothing once three segments were
 * SACKed on a path that has never reordered, else a quarter of the shortest round trip and
 * more where DSACKs have shown that this was too short. Ranges stand in the order of
 * their send times, so each is looked at once, and one more that is not lost yet.
 */
#include "base/bytes.h"
#include "tcp/recovery.h"

/* RFC 8985 6.2: after so many recoveries without DSACK the window is short again. */
#define PERSIST 16

/* RACK_sent_after(): sent later, or at the same time with higher numbers. */
static bool sent_before_newest(const struct flight *flight, const struct range *range)
{
    return range->sent < flight->rack_sent ||
           (range->sent == flight->rack_sent && seq_lt(range->end, flight->rack_end));
}

/* Step 4: DSACKs make the window larger, at most once a round trip. */
static void adapt_window(struct wh_conn *conn, const struct acknowledged *what)
{
    struct flight *flight = conn->flight;
    if (flight->dsack_seen && seq_geq(conn->snd_una, flight->dsack_round)) {
        flight->dsack_seen = false;
    }
    if (what->dsack && !flight->dsack_seen) {
        flight->dsack_seen = true;
        flight->dsack_round = conn->snd_nxt;
        flight->reo_mult = (uint8_t)MIN(flight->reo_mult + 1, UINT8_MAX);
        flight->reo_persist = PERSIST;
    }
}

void rack_update(struct wh_conn *conn, const struct acknowledged *what)
{
    struct flight *flight = conn->flight;
    const struct delivery *delivery = &what->delivery;
    if (delivery->newest != 0 && (delivery->newest > flight->rack_sent ||
                                  (delivery->newest == flight->rack_sent &&
                                   seq_gt(delivery->newest_end, flight->rack_end)))) {
        flight->rack_sent = delivery->newest;
        flight->rack_end = delivery->newest_end;
        flight->rack_rtt = conn->tcp->now - delivery->newest;
    }
    flight->reordering_seen = flight->reordering_seen || delivery->reordered;
    adapt_window(conn, what);
}

void rack_recovered(struct wh_conn *conn)
{
    struct flight *flight = conn->flight;
    if (flight->reo_persist > 0 && --flight->reo_persist == 0) {
        flight->reo_mult = 1;
    }
}

/* Segments that the scoreboard shows, or that arrived one by one: small ones count as well. */
static bool three_sacked(const struct wh_conn *conn)
{
    const struct flight *flight = conn->flight;
    return flight->dup_acks >= DUP_THRESH || flight->sacked > (DUP_THRESH - 1) * conn_mss(conn);
}

wh_time rack_window(const struct wh_conn *conn)
{
    const struct flight *flight = conn->flight;
    if (flight == NULL ||
        (!flight->reordering_seen && (conn->recovery != RECOVERY_NONE || three_sacked(conn)))) {
        return 0;
    }
    uint64_t quarter = conn->min_rtt == UINT32_MAX ? 0 : conn->min_rtt / 4;
    return MIN(flight->reo_mult * quarter, conn->srtt) * WH_MICROSECOND;
}

wh_time rack_detect(struct wh_conn *conn)
{
    struct flight *flight = conn->flight;
    struct range *range = flight_first(flight, &flight->flying);
    if (range == NULL || !sent_before_newest(flight, range)) {
        return 0; /* as nearly always */
    }
    wh_time now = conn->tcp->now;
    wh_time window = rack_window(conn);
    for (; range != NULL && sent_before_newest(flight, range);
         range = flight_first(flight, &flight->flying)) {
        bool again = (range->flags & RANGE_RETRANSMITTED) != 0;
        /* What is sent again at this instant is not lost at this instant, however short the round trip. */
        wh_time due = range->sent + MAX(flight->rack_rtt, again) + window;
        if (due > now) {
            return due - now;
        }
        recovery_lose(conn, range, again);
    }
    return 0;
}

void rack_timeout(struct wh_conn *conn)
{
    struct flight *flight = conn->flight;
    wh_time window = rack_window(conn);
    for (uint32_t i = 0; i < flight->count; i++) {
        struct range *range = flight_at(flight, i);
        bool late = !conn->sack || flight->rack_sent == 0 ||
                    range->sent + flight->rack_rtt + window <= conn->tcp->now;
        if (i == 0 || late) {
            bool first = i == 0; /* to be sent again, too (RFC 6298 5.4) */
            recovery_lose(conn, range, first);
        }
    }
}

void rack_lose_first(struct wh_conn *conn)
{
    struct flight *flight = conn->flight;
    struct range *first = flight_at(flight, 0);
    uint32_t mss = conn_mss(conn);
    if (first->end - first->start > mss + seq_gt(first->end, conn->snd_end) &&
        flight_split(&conn->flight, &conn->tcp->chunks, 0, first->start + mss)) {
        flight = conn->flight;
        first = flight_at(flight, 0);
    }
    recovery_lose(conn, first, true);
}
