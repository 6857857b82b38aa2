/* SPDX-License-Identifier: MIT */
/*
 * The trace of what a sender thinks of its path: cwnd, RTT, what is in flight and
 * lost. Whatever may change it (a segment in, a visit of the output, a timer) is
 * looked at from before and after, and a difference is one record. A connection
 * has no room to remember what was told last, and needs none.
 */
#include <string.h>

#include "stack/stack.h"

static const struct wh_conn *connection_of(const struct wh_stack *host, const struct tuple *tuple)
{
    struct demux_entry found = demux_find(&host->demux, demux_hash(&host->demux, tuple), tuple);
    return found.index != 0 && found.kind == RECORD_CONNECTION
               ? pool_at(&host->connections, found.index)
               : NULL;
}

/* Without padding they can be compared as bytes. */
_Static_assert(sizeof(wh_sender) ==
                   6 * sizeof(uint64_t) + 9 * sizeof(uint32_t) + sizeof(wh_recovery),
               "a wh_sender has no padding");

static bool wanted(const struct wh_stack *host)
{
    return host->config.trace_sender && trace_on(&host->tcp.trace);
}

void sender_look_begin(const struct wh_stack *host, const struct tuple *tuple,
                       struct sender_look *look)
{
    look->known = false;
    const struct wh_conn *conn = wanted(host) ? connection_of(host, tuple) : NULL;
    if (conn != NULL) {
        look->known = true;
        inspect_sender(conn, &look->before);
    }
}

void sender_look_end(struct wh_stack *host, const struct tuple *tuple,
                     const struct sender_look *look)
{
    const struct wh_conn *conn = wanted(host) ? connection_of(host, tuple) : NULL;
    if (conn == NULL || conn_over(conn)) {
        return;
    }
    wh_sender after;
    inspect_sender(conn, &after);
    if (look->known && memcmp(&look->before, &after, sizeof after) == 0) {
        return;
    }
    wh_trace_record *record = trace_next(&host->tcp.trace);
    record->time = host->tcp.now;
    record->kind = WH_TRACE_SENDER;
    record->arc = WH_ON_NOTHING;
    record->state_before = record->state_after = conn->record.state;
    record->local = (wh_endpoint){ tuple->local, tuple->local_port };
    record->remote = (wh_endpoint){ tuple->remote, tuple->remote_port };
    record->sender = after;
}
