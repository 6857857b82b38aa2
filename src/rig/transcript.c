/* SPDX-License-Identifier: MIT */
/* What happened, in the words of the script; a failure draws its ladder from it. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rig/rig.h"

/* A flow without a record is LISTEN where the port has a listener. */
static wh_state drawn_state(struct wh_rig *rig, const struct flow *flow)
{
    wh_state state = flow_state(rig, flow);
    wh_cursor cursor = { 0 };
    wh_entry entry;
    while (state == WH_CLOSED && wh_each(rig->host, &cursor, &entry))
        if (entry.listener != NULL && entry.state == WH_LISTEN &&
            (entry.local.port == flow->ours.port || entry.local.port == 0))
            state = WH_LISTEN;
    return state;
}

void note_add(struct wh_rig *rig, char mark, wh_time time, const char *format, ...)
{
    if (rig->notes == rig->note_room) {
        rig->note_room = rig->note_room == 0 ? 64 : rig->note_room * 2;
        rig->note = realloc(rig->note, rig->note_room * sizeof *rig->note);
        if (rig->note == NULL)
            abort();
    }
    struct note *note = &rig->note[rig->notes++];
    note->time = time;
    note->mark = mark;
    note->line = rig->line;
    va_list list;
    va_start(list, format);
    vsnprintf(note->text, sizeof note->text, format, list);
    va_end(list);
    note->flow = 'a';
    if (note->text[0] >= 'a' && note->text[0] <= 'z' && note->text[1] == ':')
        note->flow = note->text[0];
    note->before = rig->drawing && rig->host != NULL
                       ? drawn_state(rig, &rig->flow[note->flow - 'a'])
                       : WH_CLOSED;
}

/* Appends to text[room] at *used. */
static void add(char *text, size_t room, size_t *used, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
static void add(char *text, size_t room, size_t *used, const char *format, ...)
{
    va_list list;
    if (*used >= room)
        return;
    va_start(list, format);
    int n = vsnprintf(text + *used, room - *used, format, list);
    va_end(list);
    *used += n > 0 ? (size_t)n : 0;
}

void segment_text(const struct flow *flow, const struct segment *segment, bool arriving, char *text,
                  size_t room)
{
    char flags[48];
    size_t used = 0;
    uint32_t ours = flow == NULL ? 0 : flow->is.iss_known || arriving ? flow->is.iss : segment->seq;
    uint32_t theirs = flow == NULL ? 0 : flow->is.peer_iss;
    uint32_t seq_base = arriving ? theirs : ours, ack_base = arriving ? ours : theirs;
    const struct segment_options *options = &segment->options;
    if (flow != NULL && flow->name != 'a')
        add(text, room, &used, "%c: ", flow->name);
    add(text, room, &used, "%s seq %" PRId32, value_flags_text(segment->flags, flags),
        (int32_t)(segment->seq - seq_base));
    if (segment->flags & WH_ACK)
        add(text, room, &used, " ack %" PRId32, (int32_t)(segment->ack - ack_base));
    if (segment->length != 0)
        add(text, room, &used, " len %" PRIu32, segment->length);
    add(text, room, &used, " win %u", segment->window);
    if (segment->flags & WH_URG)
        add(text, room, &used, " urg %u", segment->urgent);
    if (options->has & WH_HAS_MSS)
        add(text, room, &used, " mss %u", options->mss);
    if (options->has & WH_HAS_WINDOW_SCALE)
        add(text, room, &used, " wscale %u", options->window_scale);
    if (options->has & WH_HAS_SACK_PERMITTED)
        add(text, room, &used, " sackok");
    if (options->has & WH_HAS_TIMESTAMPS)
        add(text, room, &used, " ts %" PRIu32 " %" PRIu32, options->tsval, options->tsecr);
    if (options->has & WH_HAS_FAST_OPEN)
        add(text, room, &used, options->fast_open_length == 0 ? " fo request" : " fo ");
    for (unsigned i = 0; options->has & WH_HAS_FAST_OPEN && i < options->fast_open_length; i++)
        add(text, room, &used, "%02x", options->fast_open[i]);
    if (options->has & WH_HAS_ACCECN)
        add(text, room, &used, " accecn%u%s", options->accecn_order,
            options->accecn_fields == 0 ? " empty" : "");
    for (unsigned i = 0; options->has & WH_HAS_ACCECN && i < options->accecn_fields; i++)
        add(text, room, &used, "%s%" PRIu32, i == 0 ? " " : ":",
            options->accecn[accecn_field_at(options->accecn_order, i)]);
    for (unsigned i = 0; i < options->sacks; i++)
        add(text, room, &used, "%s %" PRIu32 ":%" PRIu32, i == 0 ? " sack" : "",
            options->sack[i].left - ack_base, options->sack[i].right - ack_base);
}

void rig_fail_list(struct wh_rig *rig, const char *format, va_list list)
{
    if (rig->failed)
        return;
    rig->failed = true;
    vsnprintf(rig->why, sizeof rig->why, format, list);
    for (size_t i = 0; rig->drawing && rig->host != NULL && i < RIG_FLOWS; i++)
        if (rig->flow[i].name != 0)
            rig->failed_state[i] = drawn_state(rig, &rig->flow[i]);
}

bool rig_fail(struct wh_rig *rig, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    rig_fail_list(rig, format, list);
    va_end(list);
    return false;
}
