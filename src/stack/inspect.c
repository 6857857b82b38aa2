/* SPDX-License-Identifier: MIT */
/* Looking at a host from outside: walks, statistics, one connection's insides, invariants. */
#include <string.h>

#include "base/bytes.h"
#include "stack/stack.h"
#include "tcp/accecn.h"
#include "tcp/cc/cc.h"
#include "tcp/recovery.h"
#include "tcp/tune.h"
#include "wire/ip.h"

uint64_t wh_count(const wh_stack *host, wh_reason reason)
{
    return (unsigned)reason < WH_REASON_COUNT ? host->tcp.count[reason] : 0;
}

uint64_t wh_arc_count(const wh_stack *host, wh_state from, wh_arc_event event)
{
    return wh_arc(from, event) >= 0 ? host->tcp.taken[from][event] : 0;
}

size_t wh_trace(wh_stack *host, wh_trace_record *records, size_t cap, uint64_t *lost)
{
    return trace_drain(&host->tcp.trace, records, cap, lost);
}

void wh_next_iss(wh_stack *host, uint32_t iss)
{
    host->tcp.iss_forced = true;
    host->tcp.iss_next = iss;
}

void wh_stats_get(const wh_stack *host, wh_stats *stats)
{
    const struct tcp *tcp = &host->tcp;
    wh_stats all = {
        .size = stats->size,
        .frames_in = tcp->frames_in,
        .frames_out = tcp->frames_out,
        .segments_in = tcp->segments_in,
        .segments_out = tcp->segments_out,
        .memory = tcp->memory.used,
        .memory_peak = tcp->memory.peak,
        .connections = host->connections.used,
        .half_open = host->half_opens.used,
        .time_wait = host->time_waits.used,
        .held = host->helds.used,
        .listeners = host->listener_count,
        .timers = tcp->wheel.armed,
        .frames_lent = tcp->slots.lents,
    };
    memcpy(stats, &all, MIN(stats->size, sizeof all));
}

static void endpoints_of(const struct tuple *tuple, wh_endpoint *local, wh_endpoint *remote)
{
    *local = (wh_endpoint){ tuple->local, tuple->local_port };
    *remote = (wh_endpoint){ tuple->remote, tuple->remote_port };
}

void wh_endpoints(const wh_conn *conn, wh_endpoint *local, wh_endpoint *remote)
{
    endpoints_of(&conn->tuple, local, remote);
}

wh_state wh_conn_state(const wh_conn *conn)
{
    const struct wh_stack *host = stack_of(conn);
    if (conn_state(conn) != WH_TIME_WAIT || conn->demuxed) {
        return conn_state(conn);
    }
    /* Only a handle is left here; whether 2MSL is over, the compact entry knows. */
    struct demux_entry found =
        demux_find(&host->demux, demux_hash(&host->demux, &conn->tuple), &conn->tuple);
    bool waits = found.index != 0 && found.kind == RECORD_TIME_WAIT &&
                 !stack_time_wait_over(host, time_wait_at(&host->time_waits, found.index));
    return waits ? WH_TIME_WAIT : WH_CLOSED;
}

int wh_conn_error(const wh_conn *conn) { return conn->error; }

wh_stack *wh_conn_stack(const wh_conn *conn) { return stack_of(conn); }

void wh_set_user(wh_conn *conn, void *user) { conn->user = user; }

void *wh_user(const wh_conn *conn) { return conn->user; }

/* Bytes of data that have left and are not yet acknowledged: neither SYN nor FIN. */
static uint32_t unacknowledged(const struct wh_conn *conn)
{
    uint32_t from = conn->snd_una + conn_syn_outstanding(conn);
    uint32_t to = seq_min(conn->snd_nxt, conn->snd_end);
    return seq_gt(to, from) ? to - from : 0;
}

/* ------------------------------------------------------ one connection -- */

static wh_recovery recovery_of(const struct wh_conn *conn)
{
    switch ((enum recovery)conn->recovery) {
    case RECOVERY_FAST: return WH_RECOVERY_FAST;
    case RECOVERY_LOSS: return WH_RECOVERY_LOSS;
    default: break;
    }
    if (conn->reduced) {
        return WH_RECOVERY_REDUCED;
    }
    bool told = conn->flight != NULL && (conn->flight->dup_acks > 0 || conn->flight->sacked > 0);
    return told ? WH_RECOVERY_DISORDER : WH_RECOVERY_OPEN;
}

/* What wh_info and the trace have in common. */
void inspect_sender(const struct wh_conn *conn, wh_sender *sender)
{
    memset(sender, 0, sizeof *sender); /* padding too: they are compared as bytes */
    sender->srtt = conn->srtt * WH_MICROSECOND;
    sender->rttvar = conn->rttvar * WH_MICROSECOND;
    sender->min_rtt = conn->min_rtt == UINT32_MAX ? WH_NEVER : conn->min_rtt * WH_MICROSECOND;
    sender->rto = conn_rto(conn);
    sender->pacing_rate = pace_rate(conn);
    sender->delivery_rate = rate_delivered(conn);
    sender->cwnd = conn->cwnd;
    sender->ssthresh = conn->ssthresh;
    sender->in_flight = conn_pipe(conn);
    sender->lost = conn->flight != NULL ? conn->flight->lost : 0;
    sender->sacked = conn->flight != NULL ? conn->flight->sacked : 0;
    sender->snd_una = conn->snd_una;
    sender->snd_nxt = conn->snd_nxt;
    sender->window_edge = conn->snd_una + conn->snd_wnd;
    sender->recovery = (uint8_t)recovery_of(conn);
}

static wh_time age(const struct wh_conn *conn, wh_time when)
{
    return when == 0 ? WH_NEVER : conn->tcp->now - when;
}

/* What wh_info tells of losses, speed and the path. */
static void fill_path(const struct wh_conn *conn, wh_info *info)
{
    wh_sender sender;
    inspect_sender(conn, &sender);
    info->srtt = sender.srtt;
    info->rttvar = sender.rttvar;
    info->min_rtt = sender.min_rtt;
    info->rto = sender.rto;
    info->cwnd = sender.cwnd;
    info->ssthresh = sender.ssthresh;
    info->in_flight = sender.in_flight;
    info->recovery = (wh_recovery)sender.recovery;
    info->lost = sender.lost;
    info->sacked = sender.sacked;
    info->reordering_seen = conn->flight != NULL && conn->flight->reordering_seen;
    info->reordering_window = rack_window(conn);
    info->duplicates_told = conn->told_twice;
    info->tail_probes = conn->tail_probes;
    info->timeouts = conn->timeouts + (uint64_t)conn->syn_retries;
    info->spurious = conn->undos;
    info->delivery_rate = sender.delivery_rate;
    info->delivery_rate_app_limited = conn->flight != NULL && conn->flight->rate_limited;
    info->pacing_rate = sender.pacing_rate;
    info->window_limited_time = limits_total(conn, LIMIT_WINDOW) * WH_MILLISECOND;
    info->buffer_limited_time = limits_total(conn, LIMIT_BUFFER) * WH_MILLISECOND;
    info->busy_time = limits_total(conn, LIMIT_PATH) * WH_MILLISECOND + info->window_limited_time +
                      info->buffer_limited_time;
    info->last_sent =
        conn->snd_max == conn->iss ? WH_NEVER : age(conn, conn->sent * WH_MILLISECOND);
    info->last_heard = age(conn, MIN(conn_heard(conn), conn->tcp->now));
    info->path_mtu = conn->snd_mss + 20U + ip_header_length(&conn->tuple.remote);
}

void wh_info_get(const wh_conn *conn, wh_info *info)
{
    uint32_t next_read = conn->rcv_nxt - conn->fin_received - (uint32_t)conn->receive.length;
    wh_info all = {
        .size = info->size,
        .state = wh_conn_state(conn),
        .error = conn->error,
        .reason = (wh_reason)conn->end_reason,
        .soft_reason = (wh_reason)conn->soft_reason,
        .sack = conn->sack,
        .timestamps = conn->timestamps,
        .window_scaling = conn->scaling,
        .passive = conn->passive,
        .fast_open = conn->fast_open >= FAST_OPEN_TAKEN,
        .send_scale = conn->snd_scale,
        .receive_scale = conn->rcv_scale,
        .mss = conn_mss(conn),
        .iss = conn->iss,
        .irs = conn->irs,
        .snd_una = conn->snd_una,
        .snd_nxt = conn->snd_nxt,
        .snd_wnd = conn->snd_wnd,
        .rcv_nxt = conn->rcv_nxt,
        .rcv_wnd = seq_gt(conn->rcv_edge, conn->rcv_nxt) ? conn->rcv_edge - conn->rcv_nxt : 0,
        .send_queued = conn->send.length,
        .receive_queued = conn->receive.length,
        .reassembly = conn->reassembly != NULL ? conn->reassembly->held : 0,
        .urgent_left =
            conn->urgent_in && seq_gt(conn->rcv_up, next_read) ? conn->rcv_up - next_read : 0,
        .bytes_sent = conn_bytes_acked(conn) + unacknowledged(conn),
        .bytes_acked = conn_bytes_acked(conn),
        .bytes_received = conn_bytes_received(conn),
        .bytes_retransmitted = conn->bytes_retransmitted,
        .segments_in = conn->segments_in,
        .segments_out = conn->segments_out,
        .retransmissions = conn->retransmissions,
        .retries = conn->retries,
        .congestion = conn->profile->congestion->name,
        .ecn = conn->ecn,
        .pushed = conn->pushed,
        .dscp = conn->traffic_class >> 2,
        .marks_received = conn->marks_in,
        .echoes_received = conn->echoes_in,
        .receive_limit = tune_receive_limit(conn),
        .send_limit = tune_send_limit(conn),
        .ect = conn->ecn_send,
    };
    accecn_inform(conn, &all);
    fill_path(conn, &all);
    memcpy(info, &all, MIN(info->size, sizeof all));
}

/* ------------------------------------------------------------------ walks -- */

/* A cursor is the kind of record above 32 bits of index. */
enum { WALK_CONNECTIONS, WALK_HALF_OPEN, WALK_TIME_WAIT, WALK_HELD, WALK_LISTENERS, WALK_END };

static bool each_connection(const struct wh_stack *host, uint32_t *index, wh_entry *entry)
{
    while ((*index = pool_next(&host->connections, *index)) != 0) {
        struct wh_conn *conn = pool_at(&host->connections, *index);
        if (conn_state(conn) == WH_TIME_WAIT && !conn->demuxed) {
            continue; /* only a handle; its TIME-WAIT entry is told by itself */
        }
        entry->state = conn_state(conn);
        endpoints_of(&conn->tuple, &entry->local, &entry->remote);
        entry->conn = conn->handle && conn->accepted ? conn : NULL;
        entry->listener = conn->accepted ? NULL : host->listener[conn->listener];
        entry->send_queued = conn->send.length;
        entry->receive_queued = conn->receive.length;
        for (unsigned i = 0; i < DEADLINES; i++) {
            entry->timer = MIN(entry->timer, conn->deadline[i]);
        }
        return true;
    }
    return false;
}

static bool each_half_open(const struct wh_stack *host, uint32_t *index, wh_entry *entry)
{
    *index = pool_next(&host->half_opens, *index);
    if (*index == 0) {
        return false;
    }
    const struct half_open *half = pool_at(&host->half_opens, *index);
    entry->state = (wh_state)half->record.state;
    endpoints_of(&half->tuple, &entry->local, &entry->remote);
    entry->listener = host->listener[half->listener];
    return true;
}

static bool each_time_wait(const struct wh_stack *host, uint32_t *index, wh_entry *entry)
{
    uint32_t position = *index == 0 ? host->time_waits.head : *index + 1;
    const struct time_wait *wait;
    do {
        wait = time_wait_walk(&host->time_waits, &position);
        if (wait == NULL) {
            return false;
        }
        *index = position++;
    } while (stack_time_wait_over(host, wait));
    entry->state = WH_TIME_WAIT;
    endpoints_of(&wait->tuple, &entry->local, &entry->remote);
    int32_t left = (int32_t)(wait->expires - tcp_milliseconds(&host->tcp));
    entry->timer = host->tcp.now + (wh_time)MAX(left, 0) * WH_MILLISECOND;
    return true;
}

static bool each_held(const struct wh_stack *host, uint32_t *index, wh_entry *entry)
{
    *index = pool_next(&host->helds, *index);
    if (*index == 0) {
        return false;
    }
    const struct wh_syn *held = pool_at(&host->helds, *index);
    entry->state = (wh_state)held->record.state;
    endpoints_of(&held->syn.tuple, &entry->local, &entry->remote);
    entry->timer = held->expires;
    return true;
}

static bool each_listener(const struct wh_stack *host, uint32_t *index, wh_entry *entry)
{
    while (++*index < host->listener_room) {
        struct wh_listener *listener = host->listener[*index];
        if (listener != NULL) {
            entry->state = WH_LISTEN;
            entry->local = listener->local;
            entry->listener = listener;
            return true;
        }
    }
    return false;
}

bool wh_each(const wh_stack *host, wh_cursor *cursor, wh_entry *entry)
{
    static bool (*const each[])(const struct wh_stack *, uint32_t *, wh_entry *) = {
        [WALK_CONNECTIONS] = each_connection, [WALK_HALF_OPEN] = each_half_open,
        [WALK_TIME_WAIT] = each_time_wait,    [WALK_HELD] = each_held,
        [WALK_LISTENERS] = each_listener,
    };
    uint32_t kind = (uint32_t)(cursor->position >> 32);
    uint32_t index = (uint32_t)cursor->position;
    for (; kind < WALK_END; kind++, index = 0) {
        memset(entry, 0, sizeof *entry);
        entry->timer = WH_NEVER;
        if (each[kind](host, &index, entry)) {
            cursor->position = (uint64_t)kind << 32 | index;
            return true;
        }
    }
    cursor->position = (uint64_t)WALK_END << 32;
    return false;
}

/* ------------------------------------------------------------- invariants -- */

static const char *check_send_side(const struct wh_conn *conn)
{
    if (seq_gt(conn->snd_una, conn->snd_nxt) || seq_gt(conn->snd_nxt, conn->snd_end + 1)) {
        return "send numbers out of order: SND.UNA =< SND.NXT =< end";
    }
    uint32_t una = conn_syn_outstanding(conn) ? conn->iss + 1 : conn->snd_una;
    uint32_t queued = seq_gt(conn->snd_end, una) ? conn->snd_end - una : 0;
    if (conn->send.length != queued) {
        return "send queue does not hold exactly the bytes from SND.UNA to the end";
    }
    if (conn->send.head != NULL && conn->send.head->seq + conn->send.head->begin != una) {
        return "first chunk of the send queue does not begin at SND.UNA";
    }
    return NULL;
}

/* Ranges in a list, all of them LOST or all not; a wrong one counts for many. */
static uint32_t listed_ranges(const struct flight *flight, const struct range_list *list,
                              unsigned lost)
{
    uint32_t n = 0;
    uint64_t sent = 0;
    for (uint16_t at = list->first; at != NO_RANGE && n <= flight->count;
         at = flight->place[at].next) {
        const struct range *range = &flight->place[at];
        bool sorted = lost || range->sent >= sent;
        n += (range->flags & (RANGE_LOST | RANGE_SACKED)) == lost && sorted ? 1 : UINT16_MAX;
        sent = range->sent;
    }
    return n;
}

static const char *check_flight(const struct wh_conn *conn)
{
    struct flight *flight = conn->flight;
    if (flight_empty(flight)) {
        bool syn = conn_syn_outstanding(conn);
        return conn->snd_nxt == conn->snd_una + syn ? NULL : "bytes in flight without a flight";
    }
    uint32_t sacked = 0;
    uint32_t lost = 0;
    uint32_t listed = 0; /* ranges that should stand in a list */
    uint32_t next = flight_at(flight, 0)->start;
    if (next != conn->snd_una && next != conn->iss + 1) {
        return "flight does not begin at SND.UNA";
    }
    for (uint32_t i = 0; i < flight->count; i++) {
        const struct range *range = flight_at(flight, i);
        listed += (range->flags & RANGE_SACKED) == 0;
        if (range->start != next || !seq_lt(range->start, range->end)) {
            return "ranges in flight overlap, leave a gap or are empty";
        }
        sacked += (range->flags & RANGE_SACKED) ? range->end - range->start : 0;
        lost += (range->flags & RANGE_LOST) ? range->end - range->start : 0;
        next = range->end;
    }
    if (next != conn->snd_nxt) {
        return "flight does not end at SND.NXT";
    }
    if (listed_ranges(flight, &flight->flying, 0) +
            listed_ranges(flight, &flight->losses, RANGE_LOST) !=
        listed) {
        return "lists of the flight are wrong";
    }
    return sacked == flight->sacked && lost == flight->lost ? NULL : "sums of the flight are wrong";
}

static const char *check_connection(const struct wh_stack *host, struct wh_conn *conn)
{
    if (conn->tcp != &host->tcp) {
        return "connection of another stack";
    }
    if (conn_over(conn) || (conn_state(conn) == WH_TIME_WAIT && !conn->demuxed)) {
        if (!conn->handle) {
            return "a connection that is over has neither handle nor end";
        }
        return timer_armed(&conn->timer) && !flight_empty(conn->flight)
                   ? "a dead connection has a timer"
                   : NULL;
    }
    struct demux_entry found =
        demux_find(&host->demux, demux_hash(&host->demux, &conn->tuple), &conn->tuple);
    if (found.index != conn->index || found.kind != RECORD_CONNECTION) {
        return "a live connection is not in the table";
    }
    if (conn->snd_una != conn->snd_nxt && conn->deadline[DEADLINE_RETRANSMIT] == WH_NEVER &&
        !conn->syn_due) {
        return "something is in flight and no timer runs";
    }
    const char *broken = check_send_side(conn);
    return broken != NULL ? broken : check_flight(conn);
}

/* The compact records stand for one state each; one that says otherwise was led astray. */
static const char *check_states(const struct wh_stack *host)
{
    if (host->tcp.strays != 0) {
        return "a record took an arc that is not in the table";
    }
    for (uint32_t i = 0; (i = pool_next(&host->half_opens, i)) != 0;) {
        const struct half_open *entry = pool_at(&host->half_opens, i);
        if (entry->record.state != WH_SYN_RECEIVED) {
            return "a half-open entry is not in SYN-RECEIVED";
        }
    }
    for (uint32_t i = 0; (i = pool_next(&host->helds, i)) != 0;) {
        const struct wh_syn *held = pool_at(&host->helds, i);
        if (held->record.state != (held->withdrawn ? WH_CLOSED : WH_LISTEN)) {
            return "a held SYN is neither in LISTEN nor withdrawn";
        }
    }
    uint32_t position = host->time_waits.head;
    for (const struct time_wait *entry;
         (entry = time_wait_walk(&host->time_waits, &position)) != NULL; position++) {
        if (entry->record.state != WH_TIME_WAIT) {
            return "an entry of the TIME-WAIT table is in another state";
        }
    }
    return NULL;
}

const char *wh_check(const wh_stack *host)
{
    uint32_t in_table = 0;
    uint32_t early = 0;
    if (host->tcp.memory.used > host->tcp.memory.cap) {
        return "the memory cap is exceeded";
    }
    const char *broken = check_states(host);
    for (uint32_t i = 0; (i = pool_next(&host->connections, i)) != 0 && broken == NULL;) {
        struct wh_conn *conn = pool_at(&host->connections, i);
        broken = check_connection(host, conn);
        in_table += conn->demuxed;
        early += conn_unconfirmed(conn) && conn->listener != 0;
    }
    for (uint32_t i = 0; i < host->listener_room; i++) {
        early -= host->listener[i] != NULL ? host->listener[i]->unconfirmed : 0;
    }
    uint32_t position = host->time_waits.head;
    for (const struct time_wait *entry;
         (entry = time_wait_walk(&host->time_waits, &position)) != NULL; position++) {
        in_table += !(entry->flags & TIME_WAIT_REOPENED);
    }
    in_table += host->half_opens.used + host->helds.used;
    if (broken == NULL && in_table != host->demux.used) {
        return "the table does not hold exactly the records that segments may reach";
    }
    if (broken == NULL && early != 0) {
        broken = "listeners count other unconfirmed connections than there are";
    }
    return broken;
}
