/* SPDX-License-Identifier: MIT */
/*
 * Holds the stack's trace against what the stack is. After every line, the state that the trace
 * has led each flow to is the state of its record; every change is an arc of the table, told at
 * its time, with a reason; and a segment that meets no connection, or none yet, and changes
 * nothing, says why.
 */
#include "rig/rig.h"

#define RECORDS 64

static bool told_of(const struct flow *flow)
{
    return flow->told.known && flow->told.ours.port == flow->ours.port &&
           flow->told.theirs.port == flow->theirs.port &&
           wh_addr_equal(&flow->told.ours.addr, &flow->ours.addr) &&
           wh_addr_equal(&flow->told.theirs.addr, &flow->theirs.addr);
}

/* Some state leads there by this arc. */
static bool leads_to(wh_arc_event arc, wh_state after)
{
    for (unsigned from = 0; from < WH_STATE_COUNT; from++)
        if (wh_arc((wh_state)from, arc) == (int)after)
            return true;
    return false;
}

/* In these states a segment either takes an arc or is dropped or answered for a reason. */
static bool must_explain(const wh_trace_record *record)
{
    return record->kind == WH_TRACE_IN && record->arc == WH_ON_NOTHING &&
           (record->state_before <= WH_SYN_RECEIVED || record->state_before == WH_TIME_WAIT);
}

static bool makes_sense(struct wh_rig *rig, const wh_trace_record *record)
{
    wh_state before = (wh_state)record->state_before, after = (wh_state)record->state_after;
    wh_arc_event arc = (wh_arc_event)record->arc;
    if (record->time > rig->now || record->time < rig->heard)
        return rig_fail(rig, "the trace tells of another time");
    rig->heard = record->time;
    if (record->kind == WH_TRACE_SENDER)
        return true; /* it tells of no change of state */
    if ((record->kind == WH_TRACE_STATE) != (record->frame == 0))
        return rig_fail(rig, "the trace misses the number of a frame");
    if (must_explain(record) && record->reason == WH_WHY_NONE)
        return rig_fail(rig, "a segment changed nothing in %s, for no reason",
                        wh_state_name(before));
    if (arc == WH_ON_NOTHING)
        return record->kind != WH_TRACE_STATE || record->reason == WH_WHY_TIME_WAIT_RESTORED ||
               rig_fail(rig, "the trace tells of a change without an arc");
    if (before == after)
        return rig_fail(rig, "the trace says that %s leads from %s nowhere", wh_arc_name(arc),
                        wh_state_name(before));
    if (record->kind == WH_TRACE_STATE &&
        (wh_arc(before, arc) != (int)after || record->reason == WH_WHY_NONE))
        return rig_fail(rig, "the trace leads from %s by %s to %s, reason %s",
                        wh_state_name(before), wh_arc_name(arc), wh_state_name(after),
                        wh_reason_name((wh_reason)record->reason));
    return leads_to(arc, after) || rig_fail(rig, "the trace says that %s leads to %s",
                                            wh_arc_name(arc), wh_state_name(after));
}

/* Where the trace leads the flow that a record speaks of. */
static void follow(struct wh_rig *rig, const wh_trace_record *record, struct flow **restored)
{
    struct flow *flow = flow_find(rig, &record->local, &record->remote);
    if (flow == NULL || record->kind == WH_TRACE_DROP || record->kind == WH_TRACE_OUT ||
        record->kind == WH_TRACE_SENDER)
        return;
    bool late = record->arc == WH_ON_ABORT && record->state_before == WH_TIME_WAIT;
    if (record->arc == WH_ON_REOPENED || (late && flow->told.state != WH_TIME_WAIT))
        return; /* the old incarnation's end; the new one goes on */
    if (record->reason == WH_WHY_TIME_WAIT_RESTORED && record->kind == WH_TRACE_STATE)
        *restored = flow; /* and the segment that brought it back is told after it */
    else if (*restored == flow)
        return;
    flow->told.known = true;
    flow->told.ours = record->local;
    flow->told.theirs = record->remote;
    flow->told.state = (wh_state)record->state_after;
}

bool witness_hear(struct wh_rig *rig)
{
    wh_trace_record record[RECORDS];
    struct flow *restored = NULL;
    uint64_t lost;
    size_t n;
    while ((n = wh_trace(rig->host, record, RECORDS, &lost)) != 0) {
        for (size_t i = 0; lost != 0 && i < RIG_FLOWS; i++)
            rig->flow[i].told.known = false;
        for (size_t i = 0; i < n; i++) {
            if (!makes_sense(rig, &record[i]))
                return false;
            follow(rig, &record[i], &restored);
        }
    }
    return true;
}

/* A flow without a record may be told as closed, or as back with its listener. */
static wh_state none_if_listening(wh_state state) { return state == WH_LISTEN ? WH_CLOSED : state; }

bool witness_agrees(struct wh_rig *rig)
{
    if (rig->together)
        return true;
    for (size_t i = 0; i < RIG_FLOWS; i++) {
        /* A handle that is back in LISTEN stands before whatever else there may be. */
        const struct flow *flow = &rig->flow[i];
        if (flow->name == 0 || !told_of(flow))
            continue;
        wh_state is = flow_state(rig, flow);
        if (is != WH_LISTEN && is != none_if_listening(flow->told.state))
            return rig_fail(rig, "flow %c is in %s, but the trace has led to %s", flow->name,
                            wh_state_name(is), wh_state_name(flow->told.state));
    }
    return true;
}
