/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* gmtime_r */
#include "view/explain_json.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tcp/observer.h"

static json_t *seconds(wh_time time) { return json_real((double)time / (double)WH_SECOND); }

/* RFC 3339, in UTC, to the nanosecond. */
static json_t *moment(wh_time when)
{
    time_t whole = (time_t)(when / WH_SECOND);
    struct tm tm;
    char text[64] = "";
    if (gmtime_r(&whole, &tm) == NULL) {
        return json_null();
    }
    size_t length = strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(text + length, sizeof text - length, ".%09" PRIu64 "Z", (uint64_t)(when % WH_SECOND));
    return json_string(text);
}

static json_t *endpoint(const wh_endpoint *end)
{
    char text[WH_TEXT];
    return json_pack("{s:s, s:i}", "address", wh_addr_text(&end->addr, text), "port",
                     (int)end->port);
}

static json_t *states(uint16_t set)
{
    json_t *array = json_array();
    for (int s = 0; s < WH_STATE_COUNT; s++) {
        if (set >> s & 1) {
            json_array_append_new(array, json_string(wh_state_name((wh_state)s)));
        }
    }
    return array;
}

static json_t *verdict_object(enum verdict_kind kind, const char *text)
{
    return json_pack("{s:s, s:s, s:s, s:s}", "name", verdict_name(kind), "grade",
                     grade_name(verdict_grade(kind)), "text", text, "section",
                     verdict_section(kind));
}

static json_t *verdict(const struct verdict *verdict)
{
    json_t *object = verdict_object(verdict->kind, verdict->text);
    json_object_set_new(object, "confidence", json_string(confidence_name(verdict->confidence)));
    json_object_set_new(object, "doubt", json_string(doubt_name(verdict->doubt)));
    json_t *packets = json_array();
    for (unsigned i = 0; i < verdict->cited_count; i++) {
        json_array_append_new(packets, json_pack("{s:i, s:I}", "file", (int)verdict->cited[i].point,
                                                 "number", (json_int_t)verdict->cited[i].number));
    }
    json_object_set_new(object, "packets", packets);
    return object;
}

/* ----------------------------------------------------------------- metrics -- */

static json_t *way(const struct traffic_sums *sums, uint64_t bits)
{
    static const char *const limits[] = { "unknown", "sender", "receiver", "network" };
    json_t *object = json_object();
    const struct {
        const char *name;
        uint64_t value;
    } counts[] = {
        { "segments", sums->segments },
        { "bytes", sums->bytes },
        { "fresh_bytes", sums->fresh_bytes },
        { "acked_bytes", sums->acked_bytes },
        { "data_segments", sums->data_segments },
        { "pure_acks", sums->pure_acks },
        { "retransmissions", sums->retransmissions },
        { "fast", sums->fast },
        { "timeouts", sums->timeouts },
        { "tail_probes", sums->tail_probes },
        { "spurious", sums->spurious },
        { "syn_fin_again", sums->syn_fin_again },
        { "copies", sums->copies },
        { "reordered", sums->reordered },
        { "duplicate_acks", sums->duplicate_acks },
        { "gaps", sums->gaps },
        { "damaged", sums->damaged },
        { "zero_windows", sums->zero_windows },
        { "largest", sums->largest },
        { "super_segments", sums->super_segments },
        { "bits_per_second", bits },
    };
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        json_object_set_new(object, counts[i].name, json_integer((json_int_t)counts[i].value));
    }
    json_object_set_new(object, "zero_window_time", seconds(sums->zero_window_time));
    json_object_set_new(object, "zero_window_longest", seconds(sums->zero_window_longest));
    json_object_set_new(object, "longest_silence", seconds(sums->longest_silence));
    json_object_set_new(object, "rtt_least", seconds(sums->rtt_least));
    json_object_set_new(object, "rtt_median", seconds(sums->rtt_median));
    json_object_set_new(object, "limit", json_string(limits[sums->limit]));
    json_object_set_new(object, "limited_percent", json_integer(sums->limited_percent));
    return object;
}

static json_t *metrics(const struct metrics *metrics)
{
    static const char *const places[] = { "unknown", "client", "server", "middle", "both" };
    return json_pack("{s:s, s:o, s:o, s:o, s:o, s:o}", "vantage", places[metrics->vantage],
                     "handshake_rtt", seconds(metrics->handshake_rtt), "open_time",
                     seconds(metrics->open_time), "first_byte_time",
                     seconds(metrics->first_byte_time), "client",
                     way(&metrics->sums[0], metrics->bits_per_second[0]), "server",
                     way(&metrics->sums[1], metrics->bits_per_second[1]));
}

/* ------------------------------------------------------------------ ladder -- */

static json_t *flags(uint16_t set)
{
    static const struct {
        uint16_t flag;
        const char *name;
    } names[] = { { WH_SYN, "SYN" }, { WH_FIN, "FIN" }, { WH_RST, "RST" }, { WH_PSH, "PSH" },
                  { WH_ACK, "ACK" }, { WH_URG, "URG" }, { WH_ECE, "ECE" }, { WH_CWR, "CWR" } };
    json_t *array = json_array();
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (set & names[i].flag) {
            json_array_append_new(array, json_string(names[i].name));
        }
    }
    return array;
}

static void segment_fields(json_t *object, const struct line *line)
{
    static const char *const fates[] = { "unknown", "arrived", "lost", "refused" };
    json_object_set_new(object, "flags", flags(line->flags));
    json_object_set_new(object, "seq", json_integer(line->seq));
    json_object_set_new(object, "ack", json_integer(line->ack));
    json_object_set_new(object, "length", json_integer(line->length));
    json_object_set_new(object, "window", json_integer(line->window));
    json_object_set_new(object, "hops", json_integer(line->hops));
    json_object_set_new(object, "mark", json_string(mark_name((enum mark)line->mark)));
    json_object_set_new(object, "fate", json_string(fates[line->fate]));
    if (line->options.has & WH_HAS_MSS) {
        json_object_set_new(object, "mss", json_integer(line->options.mss));
    }
    if (line->options.has & WH_HAS_WINDOW_SCALE) {
        json_object_set_new(object, "window_scale", json_integer(line->options.window_scale));
    }
    if (line->options.has & WH_HAS_SACK_PERMITTED) {
        json_object_set_new(object, "sack_permitted", json_true());
    }
    if (line->options.has & WH_HAS_TIMESTAMPS) {
        json_object_set_new(object, "tsval", json_integer(line->options.tsval));
        json_object_set_new(object, "tsecr", json_integer(line->options.tsecr));
    }
}

static void fold_fields(json_t *object, const struct line *line)
{
    json_object_set_new(object, "last_packet", json_integer((json_int_t)line->last));
    json_object_set_new(object, "client_bytes", json_integer((json_int_t)line->fold.bytes[0]));
    json_object_set_new(object, "server_bytes", json_integer((json_int_t)line->fold.bytes[1]));
    json_object_set_new(object, "segments",
                        json_integer((json_int_t)line->fold.segments[0] + line->fold.segments[1]));
    json_object_set_new(object, "acks", json_integer(line->fold.acks));
    json_object_set_new(object, "sent_again", json_integer(line->fold.repeated));
    json_object_set_new(object, "out_of_order", json_integer(line->fold.out_of_order));
    json_object_set_new(object, "duplicate_acks", json_integer(line->fold.duplicate_acks));
}

static json_t *rung(const struct explanation *explanation, const struct line *line)
{
    static const char *const kinds[] = { "segment", "fold", "icmp", "left-out" };
    json_t *object =
        json_pack("{s:s, s:s, s:i, s:I, s:o, s:{s:o, s:o}}", "kind", kinds[line->kind], "from",
                  line->from == 0 ? "client" : "server", "file", (int)line->point, "packet",
                  (json_int_t)line->number, "time",
                  seconds(line->when > explanation->began ? line->when - explanation->began : 0),
                  "states", "client", states(line->states[0]), "server", states(line->states[1]));
    switch ((enum line_kind)line->kind) {
    case LINE_SEGMENT: segment_fields(object, line); break;
    case LINE_FOLD: fold_fields(object, line); break;
    case LINE_ICMP:
        json_object_set_new(object, "icmp",
                            json_string(packet_icmp_words((enum icmp_kind)line->icmp_kind)));
        json_object_set_new(object, "mtu", json_integer(line->icmp_mtu));
        break;
    case LINE_LEFT_OUT:
        json_object_set_new(object, "packets", json_integer((json_int_t)line->left_out));
        break;
    }
    return object;
}

/* ------------------------------------------------------------------- lines -- */

static bool write_line(FILE *out, json_t *object)
{
    if (object == NULL) {
        return false;
    }
    bool good = json_dumpf(object, out, EXPLAIN_JSON_FORM) == 0 && putc('\n', out) != EOF;
    json_decref(object);
    return good;
}

json_t *explain_json_connection_object(const struct explanation *explanation, bool ladder)
{
    json_t *object = json_pack(
        "{s:s, s:I, s:o, s:o, s:b, s:o, s:o, s:I, s:o, s:{s:o, s:o}, s:o}", "type", "connection",
        "number", (json_int_t)explanation->number, "client", endpoint(&explanation->end[0]),
        "server", endpoint(&explanation->end[1]), "opening_seen", (int)explanation->opening_seen,
        "began", moment(explanation->began), "duration",
        seconds(explanation->over - explanation->began), "packets",
        (json_int_t)explanation->packets, "verdict", verdict(&explanation->verdict), "states",
        "client", states(explanation->states[0]), "server", states(explanation->states[1]),
        "metrics", metrics(&explanation->metrics));
    if (object != NULL && ladder) {
        json_t *rungs = json_array();
        for (size_t i = 0; i < explanation->line_count; i++) {
            json_array_append_new(rungs, rung(explanation, &explanation->line[i]));
        }
        json_object_set_new(object, "ladder", rungs);
    }
    return object;
}

bool explain_json_connection(FILE *out, const struct explanation *explanation, bool ladder)
{
    return write_line(out, explain_json_connection_object(explanation, ladder));
}

bool explain_json_pattern(FILE *out, const struct pattern *pattern)
{
    json_t *object =
        json_pack("{s:s, s:o, s:o, s:I, s:I, s:I, s:o, s:o}", "type", "pattern", "verdict",
                  verdict_object(pattern->kind, pattern->text),
                  pattern->kind == VERDICT_SYN_FLOOD ? "target" : "source", endpoint(&pattern->end),
                  "connections", (json_int_t)pattern->connections, "others",
                  (json_int_t)pattern->others, "first", (json_int_t)pattern->first, "began",
                  moment(pattern->began), "duration", seconds(pattern->over - pattern->began));
    return write_line(out, object);
}

json_t *explain_json_summary_object(const struct summary *summary)
{
    const struct explain_counts *counts = &summary->counts;
    json_t *files = json_array(), *verdicts = json_object(), *odd = json_object();
    for (unsigned i = 0; i < summary->file_count; i++) {
        json_t *name = json_string(summary->files[i]);
        /* A name need not be UTF-8; JSON must. */
        json_array_append_new(files, name != NULL ? name : json_null());
    }
    for (int kind = 0; kind < VERDICT_COUNT; kind++) {
        if (summary->by_verdict[kind] > 0) {
            json_object_set_new(verdicts, verdict_name((enum verdict_kind)kind),
                                json_integer((json_int_t)summary->by_verdict[kind]));
        }
    }
    for (int reason = 0; reason < WH_REASON_COUNT; reason++) {
        if (counts->odd_by_reason[reason] > 0) {
            json_object_set_new(odd, wh_reason_name((wh_reason)reason),
                                json_integer((json_int_t)counts->odd_by_reason[reason]));
        }
    }
    return json_pack(
        "{s:s, s:i, s:o, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:o, s:o, s:o, "
        "s:o}",
        "type", "summary", "schema", EXPLAIN_JSON_SCHEMA, "files", files, "packets",
        (json_int_t)counts->packets, "segments", (json_int_t)counts->segments, "icmp",
        (json_int_t)counts->icmp, "other", (json_int_t)counts->other, "fragments",
        (json_int_t)counts->pieces, "copies", (json_int_t)counts->copies, "lost_by_capture",
        (json_int_t)summary->lost, "clock_jumps", (json_int_t)counts->clock_jumps, "evicted",
        (json_int_t)counts->evicted, "connections", (json_int_t)counts->connections, "in_patterns",
        (json_int_t)summary->in_patterns, "began", moment(counts->first), "duration",
        seconds(counts->last - counts->first), "odd", odd, "verdicts", verdicts);
}

bool explain_json_summary(FILE *out, const struct summary *summary)
{
    return write_line(out, explain_json_summary_object(summary));
}
