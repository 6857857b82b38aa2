/* SPDX-License-Identifier: MIT */
#include "view/trace_json.h"

#include <stdlib.h>

#include <jansson.h>

/* Every event begins with its kind and when it was. */
static json_t *event_new(const char *event, const char *end, wh_time time, wh_time start)
{
    json_t *object = json_pack("{s:s, s:I}", "event", event, "time",
                               (json_int_t)(time > start ? time - start : 0));
    if (object != NULL && end != NULL) {
        json_object_set_new(object, "end", json_string(end));
    }
    return object;
}

static bool write_line(FILE *out, json_t *object)
{
    if (object == NULL) {
        return false;
    }
    char *line = json_dumps(object, JSON_COMPACT);
    json_decref(object);
    bool written = line != NULL && fputs(line, out) >= 0 && fputc('\n', out) != EOF;
    free(line);
    return written;
}

static void set_endpoint(json_t *object, const char *key, const wh_endpoint *endpoint)
{
    char text[WH_TEXT];
    json_object_set_new(object, key, json_string(wh_endpoint_text(endpoint, text)));
}

static void set_integer(json_t *object, const char *key, uint64_t value)
{
    json_object_set_new(object, key, json_integer((json_int_t)value));
}

/* {"name": "...", "text": "...", "source": "..."}, or nothing for NONE. */
static void set_reason(json_t *object, wh_reason reason)
{
    if (reason == WH_WHY_NONE) {
        return;
    }
    json_object_set_new(object, "reason", json_string(wh_reason_name(reason)));
    json_object_set_new(object, "why", json_string(wh_reason_text(reason)));
    if (wh_reason_source(reason)[0] != '\0') {
        json_object_set_new(object, "source", json_string(wh_reason_source(reason)));
    }
}

static json_t *flags_array(uint16_t flags)
{
    static const struct {
        uint16_t flag;
        const char *name;
    } names[] = {
        { WH_SYN, "SYN" }, { WH_FIN, "FIN" }, { WH_RST, "RST" },
        { WH_PSH, "PSH" }, { WH_ACK, "ACK" }, { WH_URG, "URG" },
        { WH_ECE, "ECE" }, { WH_CWR, "CWR" }, { WH_AE, "AE" },
    };
    json_t *array = json_array();
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (flags & names[i].flag) {
            json_array_append_new(array, json_string(names[i].name));
        }
    }
    return array;
}

/* {"order": 0, "ee0b": N, "eceb": N, "ee1b": N}: the counters that the option carries. */
static json_t *accecn_object(const wh_trace_record *record)
{
    json_t *object = json_object();
    const char *const names[] = { "ee0b", "eceb", "ee1b" };
    const uint32_t counters[] = { record->ee0b, record->eceb, record->ee1b };
    set_integer(object, "order", record->accecn_order);
    for (unsigned place = 0; place < record->accecn_fields && place < 3; place++) {
        unsigned field = record->accecn_order == 0 ? place : 2 - place;
        set_integer(object, names[field], counters[field]);
    }
    return object;
}

static json_t *options_object(const wh_trace_record *record)
{
    json_t *object = json_object();
    if (record->options & WH_HAS_MSS) {
        set_integer(object, "mss", record->mss);
    }
    if (record->options & WH_HAS_WINDOW_SCALE) {
        set_integer(object, "window_scale", record->window_scale);
    }
    if (record->options & WH_HAS_SACK_PERMITTED) {
        json_object_set_new(object, "sack_permitted", json_true());
    }
    if (record->options & WH_HAS_TIMESTAMPS) {
        json_object_set_new(
            object, "timestamps",
            json_pack("[I, I]", (json_int_t)record->tsval, (json_int_t)record->tsecr));
    }
    if (record->options & WH_HAS_FAST_OPEN) {
        json_object_set_new(object, "fast_open", json_true());
    }
    if (record->options & WH_HAS_ACCECN) {
        json_object_set_new(object, "accecn", accecn_object(record));
    }
    if (record->options & WH_HAS_SACK) {
        json_t *blocks = json_array();
        for (unsigned i = 0; i < record->sacks && i < WH_SACK_BLOCKS; i++) {
            json_array_append_new(blocks, json_pack("[I, I]", (json_int_t)record->sack[i].left,
                                                    (json_int_t)record->sack[i].right));
        }
        json_object_set_new(object, "sack", blocks);
    }
    return object;
}

static void set_segment(json_t *object, const wh_trace_record *record)
{
    json_object_set_new(object, "flags", flags_array(record->flags));
    set_integer(object, "seq", record->seq);
    if (record->flags & WH_ACK) {
        set_integer(object, "ack", record->ack);
    }
    set_integer(object, "length", record->length);
    set_integer(object, "window", record->window);
    if (record->segment_size > 0) {
        set_integer(object, "segment_size", record->segment_size);
    }
    if (record->flags & WH_URG) {
        set_integer(object, "urgent", record->urgent);
    }
    set_integer(object, "hops", record->hops);
    if (record->options != 0) {
        json_object_set_new(object, "options", options_object(record));
    }
}

/* What does not exist yet, or is not known, is left out. */
static void set_sender(json_t *object, const wh_sender *sender)
{
    if (sender->srtt > 0) {
        set_integer(object, "srtt", sender->srtt);
        set_integer(object, "rttvar", sender->rttvar);
    }
    if (sender->min_rtt != WH_NEVER) {
        set_integer(object, "min_rtt", sender->min_rtt);
    }
    set_integer(object, "rto", sender->rto);
    set_integer(object, "mss", sender->mss);
    set_integer(object, "cwnd", sender->cwnd);
    if (sender->ssthresh != UINT32_MAX) {
        set_integer(object, "ssthresh", sender->ssthresh);
    }
    set_integer(object, "in_flight", sender->in_flight);
    set_integer(object, "lost", sender->lost);
    set_integer(object, "sacked", sender->sacked);
    set_integer(object, "snd_una", sender->snd_una);
    set_integer(object, "snd_nxt", sender->snd_nxt);
    set_integer(object, "window_edge", sender->window_edge);
    json_object_set_new(object, "recovery", json_string(wh_recovery_name(sender->recovery)));
    if (sender->pacing_rate > 0) {
        set_integer(object, "pacing_rate", sender->pacing_rate);
    }
    if (sender->delivery_rate > 0) {
        set_integer(object, "delivery_rate", sender->delivery_rate);
    }
}

bool trace_json_begin(FILE *out, const char *left, const char *right, uint64_t wall)
{
    return write_line(out, json_pack("{s:s, s:i, s:s, s:s, s:s, s:I}", "event", "begin", "version",
                                     TRACE_JSON_VERSION, "wavehand", wh_version(), "left", left,
                                     "right", right, "wall", (json_int_t)wall));
}

bool trace_json_record(FILE *out, const char *end, const wh_trace_record *record, wh_time start)
{
    static const char *const kinds[] = { "in", "out", "state", "drop", "sender" };
    if (record->kind >= sizeof kinds / sizeof kinds[0]) {
        return true;
    }
    json_t *object = event_new(kinds[record->kind], end, record->time, start);
    if (object == NULL) {
        return false;
    }
    if (record->frame > 0) {
        set_integer(object, "frame", record->frame);
    }
    if (record->kind == WH_TRACE_SENDER) {
        set_endpoint(object, "local", &record->local);
        set_endpoint(object, "remote", &record->remote);
        set_sender(object, &record->sender);
        return write_line(out, object);
    }
    if (record->kind != WH_TRACE_DROP) {
        set_endpoint(object, "local", &record->local);
        set_endpoint(object, "remote", &record->remote);
        json_object_set_new(object, "before",
                            json_string(wh_state_name((wh_state)record->state_before)));
        json_object_set_new(object, "after",
                            json_string(wh_state_name((wh_state)record->state_after)));
        if (record->arc != WH_ON_NOTHING) {
            json_object_set_new(object, "arc", json_string(wh_arc_name((wh_arc_event)record->arc)));
        }
    }
    set_reason(object, (wh_reason)record->reason);
    if (record->kind == WH_TRACE_IN || record->kind == WH_TRACE_OUT) {
        set_segment(object, record);
    }
    return write_line(out, object);
}

bool trace_json_note(FILE *out, const wh_path_note *note, wh_time start)
{
    json_t *object = event_new("path", NULL, note->time, start);
    if (object == NULL) {
        return false;
    }
    json_object_set_new(object, "direction",
                        json_string(note->direction == WH_A_TO_B ? "right" : "left"));
    set_endpoint(object, "from", &note->source);
    set_endpoint(object, "to", &note->destination);
    set_reason(object, note->reason);
    json_object_set_new(object, "flags", flags_array(note->flags));
    set_integer(object, "seq", note->seq);
    set_integer(object, "length", note->length);
    return write_line(out, object);
}

bool trace_json_lost(FILE *out, const char *end, uint64_t records)
{
    return write_line(out, json_pack("{s:s, s:s, s:I}", "event", "lost", "end", end, "records",
                                     (json_int_t)records));
}
