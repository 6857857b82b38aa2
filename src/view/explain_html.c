/* SPDX-License-Identifier: MIT */
/*
 * The template has places written as @name@. Data go into it as JSON within script
 * elements that no browser runs; "<" is written as an escape there, so that no name
 * from a capture can end the element and become markup.
 */
#include "view/explain_html.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "tcp/machine.h"
#include "view/explain_json.h"
#include "view/words.h"

extern const char explain_page_html[], explain_page_css[], explain_page_js[];

/* -------------------------------------------------------------------- writing -- */

static bool put(FILE *out, const char *words) { return fputs(words, out) != EOF; }

static void put_text(FILE *out, const char *words)
{
    for (; *words != '\0'; words++) {
        switch (*words) {
        case '<': (void)put(out, "&lt;"); break;
        case '&': (void)put(out, "&amp;"); break;
        case '"': (void)put(out, "&quot;"); break;
        default: (void)putc(*words, out); break;
        }
    }
}

/* Takes over the object. */
static bool put_data(FILE *out, const char *attributes, json_t *object)
{
    char *text = object != NULL ? json_dumps(object, EXPLAIN_JSON_FORM) : NULL;
    json_decref(object);
    if (text == NULL) {
        return false;
    }
    fprintf(out, "<script type=\"application/json\" %s>", attributes);
    for (const char *at = text; *at != '\0'; at++) {
        if (*at == '<') {
            (void)put(out, "\\u003c");
        } else {
            (void)putc(*at, out);
        }
    }
    free(text);
    return put(out, "</script>\n");
}

/* ----------------------------------------------------------------------- data -- */

static json_t *words_of_verdicts(void)
{
    json_t *object = json_object();
    for (int kind = 0; kind < VERDICT_COUNT; kind++) {
        enum verdict_kind verdict = (enum verdict_kind)kind;
        json_object_set_new(object, verdict_name(verdict),
                            json_pack("{s:s, s:s}", "grade", grade_name(verdict_grade(verdict)),
                                      "words", verdict_words(verdict)));
    }
    return object;
}

static json_t *words_of_marks(void)
{
    json_t *object = json_object();
    for (int mark = 0; mark < MARK_COUNT; mark++) {
        json_object_set_new(object, mark_name((enum mark)mark),
                            json_string(mark_words((enum mark)mark)));
    }
    return object;
}

static json_t *summary_data(const struct summary *summary, uint64_t left_out)
{
    json_t *object = explain_json_summary_object(summary);
    if (object != NULL) {
        json_object_set_new(object, "words", words_of_verdicts());
        json_object_set_new(object, "marks", words_of_marks());
        json_object_set_new(object, "left_out", json_integer((json_int_t)left_out));
    }
    return object;
}

/* The table that everything here runs on, for the page's diagram. */
static json_t *machine_data(void)
{
    json_t *arcs = json_array();
    for (int from = 0; from < WH_STATE_COUNT; from++) {
        for (int event = WH_ON_NOTHING + 1; event < WH_ARC_EVENT_COUNT; event++) {
            wh_state state = (wh_state)from;
            wh_arc_event arc = (wh_arc_event)event;
            if (arc_exists(state, arc)) {
                json_array_append_new(
                    arcs, json_pack("{s:s, s:s, s:s, s:s}", "from", wh_state_name(state), "event",
                                    wh_arc_name(arc), "to", wh_state_name(arc_target(state, arc)),
                                    "section", wh_arc_source(state, arc)));
            }
        }
    }
    return arcs;
}

static json_t *plot_data(const struct explanation *explanation, unsigned side)
{
    json_t *points = json_array();
    for (size_t i = 0; i < explanation->point_count[side]; i++) {
        const struct traffic_point *point = &explanation->plot[side][i];
        double time = (double)(point->when - explanation->began) / (double)WH_SECOND;
        json_array_append_new(
            points, json_pack("[f, I, I, s]", point->when > explanation->began ? time : 0.0,
                              (json_int_t)(uint32_t)(point->seq - explanation->first[side]),
                              (json_int_t)point->length, mark_name((enum mark)point->mark)));
    }
    return points;
}

/* The shift of a window in a header, or null: both SYNs must have offered one (RFC 7323 2.2). */
static json_t *window_scales(const struct explanation *explanation)
{
    int scale[2] = { -1, -1 };
    for (size_t i = 0; i < explanation->line_count; i++) {
        const struct line *line = &explanation->line[i];
        if (line->kind == LINE_SEGMENT && (line->flags & WH_SYN) &&
            (line->options.has & WH_HAS_WINDOW_SCALE)) {
            scale[line->from] = line->options.window_scale > 14 ? 14 : line->options.window_scale;
        }
    }
    bool both = scale[0] >= 0 && scale[1] >= 0;
    return both ? json_pack("[i, i]", scale[0], scale[1]) : json_pack("[n, n]");
}

static json_t *firsts(const struct explanation *explanation)
{
    json_t *array = json_array();
    for (int side = 0; side < 2; side++) {
        json_array_append_new(array, explanation->first_known[side]
                                         ? json_integer(explanation->first[side])
                                         : json_null());
    }
    return array;
}

bool explain_html_connection(FILE *out, const struct explanation *explanation)
{
    json_t *object = explain_json_connection_object(explanation, true);
    if (object != NULL) {
        json_object_set_new(object, "first", firsts(explanation));
        json_object_set_new(object, "window_scale", window_scales(explanation));
        json_object_set_new(object, "plot",
                            json_pack("{s:o, s:o}", "client", plot_data(explanation, 0), "server",
                                      plot_data(explanation, 1)));
    }
    return put_data(out, "class=\"connection\"", object);
}

/* ------------------------------------------------------------------- the page -- */

static void put_about(FILE *out, const struct summary *summary)
{
    char words[WORDS];
    for (unsigned i = 0; i < summary->file_count; i++) {
        (void)put(out, i > 0 ? ", " : "");
        put_text(out, summary->files[i]);
    }
    const struct explain_counts *counts = &summary->counts;
    fprintf(out, ": %" PRIu64 " packets in %s, %" PRIu64 " of TCP; %" PRIu64 " connection%s",
            counts->packets, words_duration(counts->last - counts->first, words), counts->segments,
            counts->connections, counts->connections == 1 ? "" : "s");
    if (counts->odd > 0) {
        fprintf(out, "; %" PRIu64 " packets could not be taken apart", counts->odd);
    }
    if (summary->lost > 0) {
        fprintf(out, "; the capture lost %" PRIu64 " packets", summary->lost);
    }
}

static void put_patterns(FILE *out, struct results *results)
{
    const struct pattern *pattern;
    for (unsigned i = 0; (pattern = results_pattern(results, i)) != NULL; i++) {
        fprintf(out, "<p class=\"pattern\"><span class=\"grade failed\">%s</span>: ",
                verdict_name(pattern->kind));
        put_text(out, pattern->text);
        (void)put(out, "</p>\n");
    }
}

/* Writes the template from `at` up to the next place; returns where that begins, or the end. */
static const char *put_until_place(FILE *out, const char *at)
{
    const char *place = strchr(at, '@');
    size_t length = place != NULL ? (size_t)(place - at) : strlen(at);
    (void)fwrite(at, 1, length, out);
    return at + length;
}

static bool is_place(const char *at, const char *name)
{
    size_t length = strlen(name);
    return strncmp(at + 1, name, length) == 0 && at[1 + length] == '@';
}

static const char *after_place(const char *at) { return strchr(at + 1, '@') + 1; }

bool explain_html_begin(FILE *out, const struct summary *summary, struct results *results,
                        uint64_t left_out)
{
    const char *at = put_until_place(out, explain_page_html);
    while (!is_place(at, "data")) {
        if (is_place(at, "css")) {
            (void)put(out, explain_page_css);
        } else if (is_place(at, "about")) {
            put_about(out, summary);
        } else if (is_place(at, "patterns")) {
            put_patterns(out, results);
        }
        at = put_until_place(out, after_place(at));
    }
    return put_data(out, "id=\"summary\"", summary_data(summary, left_out)) &&
           put_data(out, "id=\"machine\"", machine_data()) && !ferror(out);
}

bool explain_html_end(FILE *out)
{
    const char *at = strstr(explain_page_html, "@data@");
    at = put_until_place(out, after_place(at));
    if (is_place(at, "js")) {
        (void)put(out, explain_page_js);
        (void)put_until_place(out, after_place(at));
    }
    return fflush(out) == 0 && !ferror(out);
}
