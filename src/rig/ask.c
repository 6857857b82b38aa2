/* SPDX-License-Identifier: MIT */
/* What the application can ask: states, events, errors, figures. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "rig/rig.h"

/* The record of this flow, with or without a handle. */
static bool find_entry(struct wh_rig *rig, const struct flow *flow, wh_entry *entry)
{
    wh_cursor cursor = { 0 };
    while (wh_each(rig->host, &cursor, entry))
        if (entry->local.port == flow->ours.port && entry->remote.port == flow->theirs.port &&
            wh_addr_equal(&entry->local.addr, &flow->ours.addr) &&
            wh_addr_equal(&entry->remote.addr, &flow->theirs.addr))
            return true;
    return false;
}

wh_state flow_state(struct wh_rig *rig, const struct flow *flow)
{
    wh_entry entry;
    if (flow->conn != NULL && wh_conn_state(flow->conn) != WH_CLOSED)
        return wh_conn_state(flow->conn);
    return find_entry(rig, flow, &entry) ? entry.state : WH_CLOSED;
}

/* The flow's connection: the script's, or that of the program under test. NULL after rig_fail. */
static wh_conn *conn_of(struct wh_rig *rig)
{
    wh_entry entry;
    if (rig->at->conn != NULL)
        return rig->at->conn;
    if (program_present(rig) && find_entry(rig, rig->at, &entry) && entry.conn != NULL)
        return entry.conn;
    rig_fail(rig, "the application has no connection on this flow");
    return NULL;
}

static bool ask_state(struct wh_rig *rig, char **word, unsigned words)
{
    int expected = words == 2 ? value_state(word[1]) : -1;
    if (expected < 0)
        return rig_fail(rig, "expected: state NAME");
    wh_state state = flow_state(rig, rig->at);
    return (int)state == expected || rig_fail(rig, "the state is %s", wh_state_name(state));
}

static bool ask_event(struct wh_rig *rig, char **word, unsigned words)
{
    bool negated = strcmp(word[0], "no-event") == 0;
    struct rig_listener *listener = NULL;
    char text[160];
    for (size_t i = 0; i < RIG_LISTENERS; i++)
        if (rig->listener[i].listener != NULL &&
            (rig->listener[i].port == rig->at->ours.port || rig->listener[i].port == 0))
            listener = &rig->listener[i];
    for (unsigned i = 1; i < words; i++) {
        uint32_t event = value_event(word[i]);
        uint32_t *events = &rig->at->events;
        if (event == 0)
            return rig_fail(rig, "`%s` is no event", word[i]);
        if (event == WH_ACCEPTABLE) {
            if (listener == NULL)
                return rig_fail(rig, "nothing listens there");
            events = &listener->events;
        }
        if (negated == ((*events & event) != 0))
            return rig_fail(rig, "events told: %s", value_event_text(*events, text));
        *events &= ~event;
    }
    return true;
}

static bool ask_ready(struct wh_rig *rig, char **word, unsigned words)
{
    char text[160];
    wh_conn *conn = conn_of(rig);
    if (conn == NULL)
        return false;
    uint32_t ready = wh_ready(conn);
    for (unsigned i = 1; i < words; i++) {
        bool negated = word[i][0] == '!';
        uint32_t event = value_event(word[i] + negated);
        if (event == 0)
            return rig_fail(rig, "`%s` is no event", word[i]);
        if (negated == ((ready & event) != 0))
            return rig_fail(rig, "ready: %s", value_event_text(ready, text));
    }
    return true;
}

static bool ask_error(struct wh_rig *rig, char **word, unsigned words)
{
    int expected = words == 2 ? value_error(word[1]) : 1;
    if (expected == 1)
        return rig_fail(rig, "expected: error NAME, or error none");
    wh_conn *conn = conn_of(rig);
    if (conn == NULL)
        return false;
    int error = wh_conn_error(conn);
    return error == expected ||
           rig_fail(rig, "wh_conn_error says: %s", error == 0 ? "none" : wh_strerror(error));
}

/* `NAME condition` */
static bool compare(struct wh_rig *rig, const char *name, int64_t value, const char *word)
{
    struct condition condition;
    if (!condition_parse(rig, &condition, word))
        return false;
    return condition_holds(&condition, value) || rig_fail(rig, "%s is %" PRId64, name, value);
}

struct named {
    const char *name;
    uint64_t value;
};

/* The number that a list gives this name. */
static bool named_value(const struct named *list, size_t n, const char *name, int64_t *out)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(name, list[i].name) == 0) {
            *out = (int64_t)list[i].value;
            return true;
        }
    return false;
}

/* What wh_info tells of losses, speed and the path. */
static bool path_value(const wh_info *info, const char *name, int64_t *out)
{
    const struct named fields[] = {
        { "rttvar", info->rttvar },
        { "recovery", info->recovery },
        { "reordering-seen", info->reordering_seen },
        { "lost", info->lost },
        { "sacked", info->sacked },
        { "reordering-window", info->reordering_window },
        { "duplicates-told", info->duplicates_told },
        { "tail-probes", info->tail_probes },
        { "timeouts", info->timeouts },
        { "spurious", info->spurious },
        { "delivery-rate", info->delivery_rate },
        { "pacing-rate", info->pacing_rate },
        { "busy-time", info->busy_time },
        { "window-limited-time", info->window_limited_time },
        { "buffer-limited-time", info->buffer_limited_time },
        { "last-sent", info->last_sent },
        { "last-heard", info->last_heard },
        { "path-mtu", info->path_mtu },
    };
    return named_value(fields, sizeof fields / sizeof *fields, name, out);
}

static bool info_value(const wh_info *info, const struct flow *flow, const char *name, int64_t *out)
{
    const struct named fields[] = {
        { "sack", info->sack },
        { "timestamps", info->timestamps },
        { "window-scaling", info->window_scaling },
        { "passive", info->passive },
        { "fast-open", info->fast_open },
        { "send-scale", info->send_scale },
        { "receive-scale", info->receive_scale },
        { "mss", info->mss },
        { "snd.una", info->snd_una - flow->is.iss },
        { "snd.nxt", info->snd_nxt - flow->is.iss },
        { "snd.wnd", info->snd_wnd },
        { "rcv.nxt", info->rcv_nxt - flow->is.peer_iss },
        { "rcv.wnd", info->rcv_wnd },
        { "send-queued", info->send_queued },
        { "receive-queued", info->receive_queued },
        { "reassembly", info->reassembly },
        { "urgent-left", info->urgent_left },
        { "srtt", info->srtt },
        { "min-rtt", info->min_rtt },
        { "rto", info->rto },
        { "cwnd", info->cwnd },
        { "ssthresh", info->ssthresh },
        { "in-flight", info->in_flight },
        { "retransmissions", info->retransmissions },
        { "retries", info->retries },
        { "segments-in", info->segments_in },
        { "segments-out", info->segments_out },
        { "bytes-sent", info->bytes_sent },
        { "bytes-acked", info->bytes_acked },
        { "bytes-received", info->bytes_received },
        { "bytes-retransmitted", info->bytes_retransmitted },
        { "ecn", info->ecn },
        { "pushed", info->pushed },
        { "dscp", info->dscp },
        { "marks-received", info->marks_received },
        { "echoes-received", info->echoes_received },
        { "receive-limit", info->receive_limit },
        { "send-limit", info->send_limit },
        { "accurate-ecn", info->accurate_ecn },
        { "ect", info->ect },
        { "ce-packets-in", info->ce_packets_in },
        { "ce-bytes-in", info->ce_bytes_in },
        { "ect0-bytes-in", info->ect0_bytes_in },
        { "ect1-bytes-in", info->ect1_bytes_in },
        { "ce-packets-told", info->ce_packets_told },
        { "ce-bytes-told", info->ce_bytes_told },
        { "ect0-bytes-told", info->ect0_bytes_told },
        { "ect1-bytes-told", info->ect1_bytes_told },
    };
    return named_value(fields, sizeof fields / sizeof *fields, name, out) ||
           path_value(info, name, out);
}

static bool ask_info(struct wh_rig *rig, char **word, unsigned words)
{
    wh_info info = { .size = sizeof info };
    int64_t value;
    wh_conn *conn = conn_of(rig);
    if (conn == NULL)
        return false;
    wh_info_get(conn, &info);
    if (words == 3 && (strcmp(word[1], "reason") == 0 || strcmp(word[1], "soft-reason") == 0)) {
        wh_reason reason = word[1][0] == 'r' ? info.reason : info.soft_reason;
        return (int)reason == value_reason(word[2]) ||
               rig_fail(rig, "the reason is %s", wh_reason_name(reason));
    }
    if (words != 3 || !info_value(&info, rig->at, word[1], &value))
        return rig_fail(rig, "expected: info NAME VALUE");
    return compare(rig, word[1], value, word[2]);
}

static bool ask_get(struct wh_rig *rig, char **word, unsigned words)
{
    int option = words == 3 ? value_option(word[1]) : -1;
    int64_t value;
    if (option < 0)
        return rig_fail(rig, "expected: get OPTION VALUE");
    int result = rig->at->conn != NULL ? wh_get(rig->at->conn, (wh_option)option, &value)
                                       : wh_stack_get(rig->host, (wh_option)option, &value);
    return result >= 0 ? compare(rig, word[1], value, word[2])
                       : rig_fail(rig, "%s", wh_strerror(result));
}

static bool ask_count(struct wh_rig *rig, char **word, unsigned words)
{
    int reason = words == 3 ? value_reason(word[1]) : -1;
    if (reason < 0)
        return rig_fail(rig, "expected: count REASON NUMBER");
    return compare(rig, word[1], (int64_t)wh_count(rig->host, (wh_reason)reason), word[2]);
}

static bool ask_stat(struct wh_rig *rig, char **word, unsigned words)
{
    wh_stats stats = { .size = sizeof stats };
    wh_stats_get(rig->host, &stats);
    const struct {
        const char *name;
        uint64_t value;
    } fields[] = {
        { "connections", stats.connections }, { "half-open", stats.half_open },
        { "time-wait", stats.time_wait },     { "held", stats.held },
        { "listeners", stats.listeners },     { "timers", stats.timers },
        { "memory", stats.memory },           { "memory-peak", stats.memory_peak },
    };
    for (size_t i = 0; words == 3 && i < sizeof fields / sizeof *fields; i++)
        if (strcmp(word[1], fields[i].name) == 0)
            return compare(rig, word[1], (int64_t)fields[i].value, word[2]);
    return rig_fail(rig, "expected: stat NAME NUMBER");
}

/* How many frames have left since `loose`, all or those with a flag; or the bytes of data in them. */
static bool ask_left(struct wh_rig *rig, char **word, unsigned words)
{
    uint64_t value = rig->left_count;
    if (words == 3 && strcmp(word[1], "data") == 0) {
        value = rig->left_data;
    } else if (words == 3) {
        int flag = value_flags(word[1], NULL);
        for (int i = 0; i < 9; i++)
            if (flag == 1 << i)
                value = rig->left_flags[i];
    }
    if (words < 2)
        return rig_fail(rig, "expected: left [FLAG|data] NUMBER");
    return compare(rig, "what left", (int64_t)value, word[words - 1]);
}

static const struct {
    const char *name;
    bool (*run)(struct wh_rig *, char **, unsigned);
} questions[] = {
    { "state", ask_state }, { "event", ask_event }, { "no-event", ask_event },
    { "ready", ask_ready }, { "error", ask_error }, { "info", ask_info },
    { "get", ask_get },     { "count", ask_count }, { "stat", ask_stat },
    { "left", ask_left },
};

bool ask_run(struct wh_rig *rig, char **word, unsigned words, bool *known)
{
    for (size_t i = 0; i < sizeof questions / sizeof *questions; i++)
        if (strcmp(word[0], questions[i].name) == 0) {
            *known = true;
            return questions[i].run(rig, word, words);
        }
    *known = false;
    return true;
}
