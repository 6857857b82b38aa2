/* SPDX-License-Identifier: MIT */
/*
 * Theory of operation. A connection begins with the size that both ends' links allow.
 * Three things make it smaller. ICMP: at once while nothing of the present size has
 * arrived, later only if the segment that it names gets lost (RFC 5927 7.2). Silence: two
 * timeouts in a row of a segment that a smaller size would have divided (RFC 4821 7.7). And
 * the search itself, which begins small where it is wanted from the beginning.
 *
 * What made it smaller may have been a lie, an outage, or a path that is gone: so the search
 * goes upwards again, after a black hole soon, after ICMP and at the end of every search in ten
 * minutes (RFC 1191 6.3, RFC 8201 4). It sends probes: one segment of data that is larger than
 * what is known to arrive. One that arrives raises the size. One that is lost while all else
 * arrives says nothing of congestion, and cwnd stays (RFC 4821 7.6.2); its data goes again in
 * small segments. Where other data is lost as well, the probe has told nothing.
 *
 * No timer of its own: it acts when something is sent, acknowledged or given up.
 */
#include "tcp/path_mtu.h"

#include "base/bytes.h"
#include "tcp/protocol.h"
#include "tcp/recovery.h"
#include "wire/ip.h"

/* Packets of this size pass nearly everywhere: IPv6 is promised it, and what carries IPv6 has it. */
#define BASE 1280
#define IPV6_LEAST 1280
/* So many timeouts in a row make a black hole; so many probes lost alone, a size too large. */
#define TIMEOUTS 2
#define PROBES 2
/* After a lost probe the next waits for a while, so that congestion can be told from it (RFC 4821 7.6.4). */
#define PAUSE (500 * WH_MILLISECOND)
#define PAUSE_ROUNDS 4
/* Minutes until a size is doubted that is smaller than it might be (RFC 1191 6.3, RFC 8201 4). */
#define AGAIN 10
/* A gap that no common size lies in is not worth probes, if it is smaller than this. */
#define CLOSE_ENOUGH 32
/* What should follow a probe, so that its loss is seen soon: segments of the present size. */
#define FOLLOWERS DUP_THRESH

/* Packet sizes that links and tunnels have (RFC 1191 7, and what is common now). */
static const uint16_t common[] = {
    576,  1006, 1200, 1280, 1300, 1320, 1340, 1360, 1380, 1400, 1412, 1420, 1432, 1440,
    1450, 1454, 1460, 1472, 1480, 1488, 1492, 1500, 2002, 2304, 4352, 4470, 8166, 9000,
};

static uint32_t headers_of(const struct wh_conn *conn)
{
    return ip_header_length(&conn->tuple.remote) + 20;
}

static uint32_t size_of_packet(const struct wh_conn *conn, uint32_t packet)
{
    uint32_t headers = headers_of(conn);
    return packet > headers + 8 ? packet - headers : 8;
}

/* No word and no silence makes it smaller than this. */
static uint32_t least_size(const struct wh_conn *conn)
{
    bool ipv4 = wh_is_ipv4(&conn->tuple.remote);
    return size_of_packet(conn,
                          ipv4 ? (uint32_t)conn_option(conn, WH_OPT_PATH_MTU_MIN) : IPV6_LEAST);
}

static uint32_t base_size(const struct wh_conn *conn)
{
    return MAX(size_of_packet(conn, BASE), least_size(conn));
}

static uint16_t minutes(const struct wh_conn *conn)
{
    return (uint16_t)(conn->tcp->now / (60 * WH_SECOND));
}

/* ----------------------------------------------------------- the search -- */

/* The common size between snd_mss and mtu_high that is nearest to their middle; 0: none. */
static uint32_t common_between(const struct wh_conn *conn)
{
    uint32_t middle = (conn->snd_mss + (uint32_t)conn->mtu_high) / 2;
    uint32_t best = 0;
    uint32_t distance = UINT32_MAX;
    for (size_t i = 0; i < sizeof common / sizeof common[0]; i++) {
        uint32_t size = size_of_packet(conn, common[i]);
        uint32_t far = size > middle ? size - middle : middle - size;
        if (size > conn->snd_mss && size <= conn->mtu_high && far < distance) {
            best = size;
            distance = far;
        }
    }
    return best;
}

/* What to try next; 0: it is known well enough. */
static uint32_t candidate(const struct wh_conn *conn)
{
    if (conn->mtu_high <= conn->snd_mss) {
        return 0;
    }
    if (conn->mtu_state & MTU_HIGH_FIRST) {
        return conn->mtu_high;
    }
    uint32_t size = common_between(conn);
    if (size == 0 && conn->mtu_high - conn->snd_mss >= CLOSE_ENOUGH) {
        size = (conn->snd_mss + (uint32_t)conn->mtu_high + 1) / 2;
    }
    return size;
}

static void search(struct wh_conn *conn, uint32_t high)
{
    conn->mtu_high = (uint16_t)high;
    conn->mtu_failures = 0;
    conn->mtu_state = (uint8_t)((conn->mtu_state & MTU_PROVEN) | MTU_SEARCHING | MTU_HIGH_FIRST);
}

static void settle(struct wh_conn *conn)
{
    conn->mtu_high = conn->snd_mss;
    conn->mtu_failures = 0;
    conn->mtu_again = (uint16_t)(minutes(conn) + AGAIN);
    conn->mtu_state = (uint8_t)(conn->mtu_state & MTU_PROVEN);
    if (conn->snd_mss < conn->mtu_most) {
        conn->mtu_state |= MTU_SETTLED;
    }
}

static void settle_if_done(struct wh_conn *conn)
{
    if ((conn->mtu_state & MTU_SEARCHING) && candidate(conn) == 0) {
        settle(conn);
    }
}

void path_mtu_begin(struct wh_conn *conn, uint32_t most)
{
    conn->mtu_most = (uint16_t)most;
    conn->snd_mss = (uint16_t)MIN(conn->snd_mss, most);
    if (conn_option(conn, WH_OPT_MTU_PROBING) == 2 && conn->snd_mss > base_size(conn)) {
        uint32_t high = conn->snd_mss;
        conn->snd_mss = (uint16_t)base_size(conn);
        search(conn, high);
        return;
    }
    settle(conn);
}

/* ------------------------------------------------------------- smaller -- */

/* The probe under way has become pointless; what has not been found lost is like any other data. */
static void forget_probe(struct wh_conn *conn)
{
    struct flight *flight = conn->flight;
    if (flight == NULL || flight->mtu_probe == 0) {
        return;
    }
    uint32_t end = flight->mtu_probe_at + flight->mtu_probe;
    for (uint32_t i = flight_find(flight, flight->mtu_probe_at); i < flight->count; i++) {
        struct range *range = flight_at(flight, i);
        if (seq_geq(range->start, end)) {
            break;
        }
        if ((range->flags & RANGE_LOST) == 0) {
            range->flags &= (uint8_t)~RANGE_PROBE;
        }
    }
    flight->mtu_probe = 0;
    flight->mtu_lost = false;
}

static void shrink(struct wh_conn *conn, uint32_t size)
{
    forget_probe(conn);
    conn->snd_mss = (uint16_t)size;
    conn->mtu_state &= (uint8_t)~MTU_PROVEN;
    if (conn->flight != NULL) {
        conn->flight->mtu_full_sent = false;
        conn->flight->mtu_claim = 0;
    }
}

/* What is longer than a segment now is lost from this number on, but not to congestion. */
static void lose_longer(struct wh_conn *conn, uint32_t from)
{
    struct flight *flight = conn->flight;
    if (flight_empty(flight)) {
        return;
    }
    for (uint32_t i = flight_find(flight, from); i < flight->count; i++) {
        struct range *range = flight_at(flight, i);
        if ((range->flags & (RANGE_SACKED | RANGE_LOST)) == 0 &&
            range->end - range->start > conn_mss(conn)) {
            range->flags |= RANGE_PROBE;
            flight_mark_lost(flight, range, false);
        }
    }
    conn->rtx_reason = WH_WHY_ICMP_TOO_BIG;
    flight->rtx_now = true;
    conn_want_output(conn);
}

/* The range that this number stands in, or NULL. */
static struct range *range_of(struct wh_conn *conn, uint32_t seq)
{
    struct flight *flight = conn->flight;
    if (flight_empty(flight) || seq_lt(seq, flight_at(flight, 0)->start)) {
        return NULL;
    }
    uint32_t position = flight_find(flight, seq);
    return position < flight->count ? flight_at(flight, position) : NULL;
}

/* Could what stands at this number have been larger than `size`? (RFC 5927 7.2: else it is a lie.) */
static bool was_larger(struct wh_conn *conn, uint32_t seq, uint32_t size)
{
    const struct range *range = range_of(conn, seq);
    if (range != NULL) {
        return range->end - range->start + (conn->timestamps ? 12 : 0) > size;
    }
    return conn->fast_open == FAST_OPEN_SENT; /* a bare SYN is smaller than any path */
}

static bool names_probe(const struct flight *flight, uint32_t seq)
{
    return flight != NULL && flight->mtu_probe != 0 &&
           seq - flight->mtu_probe_at < flight->mtu_probe;
}

/* The probe was too large, and a router says so: that is as good as known. */
static void probe_refused(struct wh_conn *conn, uint32_t size)
{
    struct flight *flight = conn->flight;
    uint32_t at = flight->mtu_probe_at;
    flight->mtu_probe = 0;
    conn->mtu_high = (uint16_t)size;
    conn->mtu_failures = 0;
    conn->mtu_state |= MTU_HIGH_FIRST;
    settle_if_done(conn);
    struct range *range = range_of(conn, at);
    if (range != NULL && (range->flags & RANGE_PROBE)) {
        flight_mark_lost(flight, range, true);
        conn->rtx_reason = WH_WHY_MTU_PROBE_LOST;
        flight->rtx_now = true;
        conn_want_output(conn);
    }
    conn->tcp->count[WH_WHY_MTU_PROBE_LOST]++;
}

void tcp_path_mtu(struct wh_conn *conn, uint32_t mtu, uint32_t seq)
{
    struct tcp *tcp = conn->tcp;
    uint32_t size = MAX(size_of_packet(conn, mtu), least_size(conn));
    struct flight *flight = conn->flight;
    if (names_probe(flight, seq) && size >= conn->snd_mss && size < flight->mtu_probe) {
        tcp->count[WH_WHY_ICMP_TOO_BIG]++;
        probe_refused(conn, size);
        return;
    }
    if (size >= conn->snd_mss || !was_larger(conn, seq, size)) {
        tcp->count[WH_WHY_ICMP_IGNORED]++;
        return;
    }
    if (conn->mtu_state & MTU_PROVEN) {
        /* RFC 5927 7.2: such segments have arrived. If this one does as well, it is a lie. */
        tcp->count[WH_WHY_ICMP_TOO_BIG_DOUBTED]++;
        if (size > flight->mtu_claim) {
            flight->mtu_claim = (uint16_t)size;
            flight->mtu_claim_at = seq;
        }
        return;
    }
    tcp->count[WH_WHY_ICMP_TOO_BIG]++;
    shrink(conn, size);
    settle(conn);
    lose_longer(conn, conn->snd_una);
}

/*
 * The next size to fall back to, when one of this size gets no answer. The base is not left
 * where it has passed before, nor is something smaller that has been told or found.
 */
static uint32_t smaller(const struct wh_conn *conn)
{
    uint32_t base = base_size(conn);
    bool known = (conn->mtu_state & (MTU_PROVEN | MTU_SETTLED)) != 0;
    return conn->snd_mss > base || known ? base : least_size(conn);
}

bool path_mtu_timeout(struct wh_conn *conn)
{
    struct flight *flight = conn->flight;
    if (flight_empty(flight) || conn_option(conn, WH_OPT_MTU_PROBING) == 0 ||
        (conn->retries + 1U) % TIMEOUTS != 0) {
        return false;
    }
    uint32_t size = smaller(conn);
    const struct range *first = flight_at(flight, 0);
    uint32_t options = conn->timestamps ? 12 : 0;
    if (size >= conn->snd_mss || first->end - first->start + options <= size) {
        return false; /* the segment would not be smaller: it is something else */
    }
    bool proven = (conn->mtu_state & MTU_PROVEN) != 0;
    /* The old size comes first: if it was an outage, and no black hole, one probe tells. */
    uint32_t high = MAX(conn->mtu_high, conn->snd_mss);
    because(conn->tcp, WH_WHY_MTU_BLACK_HOLE);
    shrink(conn, size);
    search(conn, high);
    flight->mtu_next = 0;
    if (!proven && flight->undo) {
        /* None of them has ever arrived, so nothing tells of congestion: slow start finds cwnd. */
        conn->ssthresh = MAX(conn->ssthresh, flight->prior_ssthresh);
    }
    return true;
}

/* -------------------------------------------------------------- larger -- */

static void pause_search(struct wh_conn *conn)
{
    wh_time rounds = (wh_time)PAUSE_ROUNDS * conn->srtt * WH_MICROSECOND;
    conn->flight->mtu_next = conn->tcp->now + MAX(PAUSE, rounds);
}

/* After ten minutes the path may have become another. */
static void doubt(struct wh_conn *conn)
{
    if ((int16_t)(uint16_t)(minutes(conn) - conn->mtu_again) < 0) {
        return;
    }
    if (conn_option(conn, WH_OPT_MTU_PROBING) != 0 && conn->sack) {
        search(conn, conn->mtu_most);
        return;
    }
    conn->snd_mss = conn->mtu_most; /* RFC 1191 6.3: ICMP will say if that is too much */
    conn->mtu_state = 0;
    settle(conn);
}

uint32_t path_mtu_probe(struct wh_conn *conn, uint32_t options)
{
    struct flight *flight = conn->flight;
    if (conn->mtu_state & MTU_SETTLED) {
        doubt(conn);
    }
    if ((conn->mtu_state & MTU_SEARCHING) == 0 || conn->recovery != RECOVERY_NONE || !conn->sack ||
        conn->urgent_out || conn->cwr_due || conn_syn_outstanding(conn)) {
        return 0;
    }
    if (flight != NULL &&
        (flight->mtu_probe != 0 || flight->lost > 0 || conn->tcp->now < flight->mtu_next)) {
        return 0;
    }
    uint32_t size = candidate(conn);
    uint32_t followers = FOLLOWERS * conn_mss(conn);
    uint32_t edge = conn->snd_una + conn->snd_wnd;
    uint32_t window = seq_gt(edge, conn->snd_nxt) ? edge - conn->snd_nxt : 0;
    uint32_t ready = MIN(window, conn->snd_end - conn->snd_nxt);
    if (size <= options || ready < size + followers || conn->cwnd < size + followers) {
        return 0;
    }
    return size;
}

void path_mtu_probe_sent(struct wh_conn *conn, uint32_t start, uint32_t size)
{
    struct flight *flight = conn->flight;
    uint32_t last = flight->count - 1U;
    if (flight_at(flight, last)->start != start) {
        if (!flight_split(&conn->flight, &conn->tcp->chunks, last, start)) {
            pause_search(conn);
            return; /* no room to tell it from the rest */
        }
        flight = conn->flight;
        last++;
    }
    flight_at(flight, last)->flags |= RANGE_PROBE;
    flight->mtu_probe = (uint16_t)size;
    flight->mtu_probe_at = start;
    flight->mtu_lost = false;
    conn->tcp->count[WH_WHY_MTU_PROBE]++;
}

void path_mtu_sent(struct wh_conn *conn, uint32_t seq, uint32_t length, uint32_t mss)
{
    struct flight *flight = conn->flight;
    if (flight != NULL && !flight->mtu_full_sent && length >= mss &&
        (conn->mtu_state & MTU_PROVEN) == 0) {
        flight->mtu_full_sent = true;
        flight->mtu_full = seq + mss;
    }
}

static void raise(struct wh_conn *conn)
{
    struct flight *flight = conn->flight;
    conn->snd_mss = flight->mtu_probe;
    conn->mtu_failures = 0;
    conn->mtu_state &= (uint8_t)~MTU_HIGH_FIRST;
    conn->mtu_state |= MTU_PROVEN;
    flight->mtu_probe = 0;
    flight->mtu_lost = false;
    because(conn->tcp, WH_WHY_MTU_RAISED);
    settle_if_done(conn);
}

void path_mtu_acknowledged(struct wh_conn *conn, const struct delivery *delivery)
{
    struct flight *flight = conn->flight;
    if (flight->mtu_probe != 0) {
        if (delivery->probe && flight->mtu_probe > conn->snd_mss) {
            raise(conn);
        } else if (seq_geq(conn->snd_una, flight->mtu_probe_at + flight->mtu_probe)) {
            forget_probe(conn); /* it was sent again before anything was known */
            pause_search(conn);
        }
    }
    if (flight->mtu_full_sent && seq_geq(conn->snd_una, flight->mtu_full)) {
        flight->mtu_full_sent = false;
        conn->mtu_state |= MTU_PROVEN;
    }
    if (flight->mtu_claim != 0 && seq_gt(conn->snd_una, flight->mtu_claim_at)) {
        flight->mtu_claim = 0; /* it has arrived, whatever was said */
    }
}

/* --------------------------------------------------------------- losses -- */

void path_mtu_losing(struct wh_conn *conn, const struct range *range)
{
    struct flight *flight = conn->flight;
    if (flight->mtu_probe != 0 && (range->flags & RANGE_PROBE)) {
        flight->mtu_lost = true;
        if (conn->recovery != RECOVERY_NONE) {
            flight->mtu_probe = 0; /* other data is lost as well: inconclusive */
            pause_search(conn);
        }
    }
    if (flight->mtu_claim != 0 && seq_leq(range->start, flight->mtu_claim_at) &&
        seq_lt(flight->mtu_claim_at, range->end)) {
        uint32_t from = flight->mtu_claim_at;
        uint32_t size = flight->mtu_claim;
        conn->tcp->count[WH_WHY_ICMP_TOO_BIG]++;
        shrink(conn, size);
        settle(conn);
        lose_longer(conn, from);
    }
}

bool path_mtu_congestion(struct wh_conn *conn)
{
    struct flight *flight = conn->flight;
    bool alone = flight->lost == flight->spared;
    if (!flight->mtu_lost || flight->mtu_probe == 0) {
        return !alone;
    }
    uint32_t size = flight->mtu_probe;
    flight->mtu_lost = false;
    flight->mtu_probe = 0;
    pause_search(conn);
    if (!alone) {
        return true;
    }
    because(conn->tcp, WH_WHY_MTU_PROBE_LOST);
    conn->rtx_reason = WH_WHY_MTU_PROBE_LOST;
    flight->rtx_now = true;
    if (++conn->mtu_failures >= PROBES) {
        conn->mtu_failures = 0;
        conn->mtu_high = (uint16_t)(size - 1);
        conn->mtu_state &= (uint8_t)~MTU_HIGH_FIRST;
        settle_if_done(conn);
    }
    return false;
}
