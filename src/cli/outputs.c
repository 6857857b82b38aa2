/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "cli/outputs.h"

#include <errno.h>
#include <langinfo.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/numbers.h"
#include "cli/terminal.h"
#include "link/sight.h"
#include "view/comment.h"
#include "view/plot.h"
#include "view/trace_json.h"

struct outputs {
    struct outputs_plan plan;
    const char *command;
    struct ladder *ladder;
    FILE *ladder_file; /* to be closed, or NULL */
    const char *ladder_name;
    FILE *trace;
    const char *trace_name;
    int trace_cause; /* errno of the first line that could not be written */
    struct plot *plot;
    FILE *plot_file;
    const char *plot_name;
    wh_capture *capture;
    const char *capture_name;
    struct numbers numbers[2]; /* of frames, at each end */
    wh_trace_record *records;  /* of the last drain */
    size_t record_count, record_room;
    uint8_t *copy; /* of arriving frames: the stack owns them once it has them */
    size_t copy_room;
};

/* ------------------------------------------------------------------ open -- */

static FILE *create(const char *command, const char *what, const char *name)
{
    FILE *file = fopen(name, "we");
    if (file == NULL) {
        options_complain(command, "%s: cannot write '%s': %s", what, name, strerror(errno));
    }
    return file;
}

static bool open_ladder(struct outputs *outputs, const struct options *options)
{
    const struct outputs_plan *plan = &outputs->plan;
    FILE *out = plan->ladder_stream != NULL ? plan->ladder_stream : stderr;
    if (options->ladder == LADDER_HIDDEN || (options->ladder == LADDER_BY_TERMINAL &&
                                             !plan->ladder_by_default && !isatty(fileno(out)))) {
        return true;
    }
    if (options->ladder_file != NULL) {
        out = outputs->ladder_file = create(options->command, "--ladder", options->ladder_file);
        outputs->ladder_name = options->ladder_file;
        if (out == NULL) {
            return false;
        }
    }
    bool utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
    struct ladder_options ladder = {
        .out = out,
        .width = options->width > 0 ? options->width : terminal_columns(fileno(out)),
        .colour = terminal_wants_colour(fileno(out)),
        .ascii = options->ascii || !utf8,
        .terminal = isatty(fileno(out)) && !plan->both_ends,
        .both_ends = plan->both_ends,
        .left = plan->left,
        .right = plan->right,
        .start = plan->start,
        .two_msl = plan->two_msl,
    };
    outputs->ladder = ladder_new(&ladder);
    if (outputs->ladder == NULL) {
        options_complain(options->command, "no memory");
    }
    return outputs->ladder != NULL;
}

/* A line was written, or not: the first failure is the one to tell. */
static void note_trace(struct outputs *outputs, bool written)
{
    if (!written && outputs->trace_cause == 0) {
        outputs->trace_cause = errno != 0 ? errno : EIO;
    }
}

static bool open_trace(struct outputs *outputs, const struct options *options)
{
    if (options->trace == NULL) {
        return true;
    }
    const struct outputs_plan *plan = &outputs->plan;
    outputs->trace = create(options->command, "--trace", options->trace);
    outputs->trace_name = options->trace;
    if (outputs->trace == NULL) {
        return false;
    }
    note_trace(outputs, trace_json_begin(outputs->trace, plan->left, plan->right, plan->wall));
    return true;
}

/* The right end is the one that is ours in `run`, and the one that has the page in `demo`. */
static bool open_plot(struct outputs *outputs, const struct options *options)
{
    if (options->plot == NULL && options->plot_connection > 0) {
        options_complain(options->command, "--plot-connection: no file given; add --plot FILE");
        return false;
    }
    if (options->plot == NULL) {
        return true;
    }
    const struct outputs_plan *plan = &outputs->plan;
    outputs->plot_file = create(options->command, "--plot", options->plot);
    outputs->plot_name = options->plot;
    if (outputs->plot_file == NULL) {
        return false;
    }
    outputs->plot = plot_new(&(struct plot_options){ .ours = plan->right,
                                                     .theirs = plan->left,
                                                     .connection = options->plot_connection,
                                                     .right = true });
    if (outputs->plot == NULL) {
        options_complain(options->command, "no memory");
    }
    return outputs->plot != NULL;
}

static bool open_capture(struct outputs *outputs, const struct options *options)
{
    char error[256];
    if (options->pcap == NULL) {
        return true;
    }
    outputs->capture_name = options->pcap;
    if (wh_capture_open(&outputs->capture, options->pcap, WH_LINK_IP, error, sizeof error) < 0) {
        options_complain(options->command, "--pcap: %s", error);
        return false;
    }
    return true;
}

static void release(struct outputs *outputs)
{
    ladder_free(outputs->ladder);
    plot_free(outputs->plot);
    free(outputs->records);
    free(outputs->copy);
    free(outputs);
}

struct outputs *outputs_open(const struct options *options, const struct outputs_plan *plan)
{
    struct outputs *outputs = calloc(1, sizeof *outputs);
    if (outputs == NULL) {
        options_complain(options->command, "no memory");
        return NULL;
    }
    outputs->plan = *plan;
    outputs->command = options->command;
    if (open_ladder(outputs, options) && open_trace(outputs, options) &&
        open_plot(outputs, options) && open_capture(outputs, options)) {
        return outputs;
    }
    if (outputs->ladder_file != NULL) {
        fclose(outputs->ladder_file);
    }
    if (outputs->trace != NULL) {
        fclose(outputs->trace);
    }
    if (outputs->plot_file != NULL) {
        fclose(outputs->plot_file);
    }
    release(outputs);
    return NULL;
}

bool outputs_wanted(const struct outputs *outputs)
{
    return outputs->ladder != NULL || outputs->trace != NULL || outputs->plot != NULL ||
           outputs->capture != NULL;
}

bool outputs_want_sender(const struct outputs *outputs)
{
    return outputs->trace != NULL || outputs->plot != NULL;
}

/* --------------------------------------------------------------- records -- */

/* Reads all that the stack's trace holds into outputs->records. */
static void drain(struct outputs *outputs, enum ladder_side end, wh_stack *host)
{
    const char *name = end == LADDER_LEFT ? outputs->plan.left : outputs->plan.right;
    outputs->record_count = 0;
    uint64_t lost = 0, more;
    size_t n;
    do {
        if (outputs->record_room - outputs->record_count < 256) {
            size_t room = outputs->record_room * 2 + 512;
            wh_trace_record *records = realloc(outputs->records, room * sizeof *records);
            if (records == NULL) {
                break; /* the rest stays in the trace until there is memory */
            }
            outputs->records = records;
            outputs->record_room = room;
        }
        size_t cap = outputs->record_room - outputs->record_count;
        n = wh_trace(host, outputs->records + outputs->record_count, cap, &more);
        outputs->record_count += n;
        lost += more;
    } while (n > 0);
    if (lost > 0 && outputs->ladder != NULL) {
        ladder_lost(outputs->ladder, lost);
    }
    if (lost > 0 && outputs->trace != NULL) {
        note_trace(outputs, trace_json_lost(outputs->trace, name, lost));
    }
    if (lost > 0 && outputs->plot != NULL && end == LADDER_RIGHT) {
        plot_lost(outputs->plot, lost);
    }
}

static void tell(struct outputs *outputs, enum ladder_side end, const wh_stack *host)
{
    const char *name = end == LADDER_LEFT ? outputs->plan.left : outputs->plan.right;
    numbers_apply(&outputs->numbers[end], host, outputs->records, outputs->record_count);
    if (outputs->ladder != NULL) {
        ladder_records(outputs->ladder, end, outputs->records, outputs->record_count);
    }
    if (outputs->plot != NULL && end == LADDER_RIGHT) {
        plot_records(outputs->plot, outputs->records, outputs->record_count);
    }
    for (size_t i = 0; i < outputs->record_count && outputs->trace != NULL; i++) {
        note_trace(outputs, trace_json_record(outputs->trace, name, &outputs->records[i],
                                              outputs->plan.start));
    }
}

/* Writes frames to the capture file, each with what its record tells. first: number of frames[0]. */
static void capture(struct outputs *outputs, const wh_frame *frames, size_t n, uint64_t first,
                    bool outgoing, wh_time now)
{
    uint64_t when = outputs->plan.wall + (now - outputs->plan.start);
    size_t at = 0; /* records come in the order of their frames */
    for (size_t i = 0; i < n; i++) {
        uint64_t number = outgoing ? frames[i].serial : first + i;
        const wh_trace_record *record = NULL;
        for (size_t k = at; k < outputs->record_count && record == NULL; k++) {
            const wh_trace_record *candidate = &outputs->records[k];
            bool out = candidate->kind == WH_TRACE_OUT;
            bool framed = candidate->kind != WH_TRACE_STATE && candidate->frame == number;
            if (framed && out == outgoing) {
                record = candidate;
                at = k + 1;
            }
        }
        char text[COMMENT_TEXT];
        const char *comment = record != NULL ? comment_text(record, text) : NULL;
        /* Once a write has failed, closing says so again. */
        (void)wh_capture_write(outputs->capture, when, outgoing, &frames[i], comment);
    }
}

/* Arriving frames as they were, in memory of ours; false if there is none. */
static bool copy_frames(struct outputs *outputs, const wh_frame *frames, size_t n, wh_frame *copies)
{
    size_t bytes = 0;
    for (size_t i = 0; i < n; i++) {
        bytes += frames[i].slice[0].length;
    }
    if (bytes > outputs->copy_room) {
        uint8_t *copy = realloc(outputs->copy, bytes);
        if (copy == NULL) {
            return false;
        }
        outputs->copy = copy;
        outputs->copy_room = bytes;
    }
    uint8_t *at = outputs->copy;
    for (size_t i = 0; i < n; i++) {
        copies[i] = frames[i];
        memcpy(at, frames[i].slice[0].base, frames[i].slice[0].length);
        copies[i].slice[0].base = at;
        at += frames[i].slice[0].length;
    }
    return true;
}

#define BATCH 64

static void input_batch(struct outputs *outputs, enum ladder_side end, wh_stack *host,
                        const wh_frame *frames, size_t n, wh_time now)
{
    wh_frame copies[BATCH];
    uint64_t first = numbers_arrive(&outputs->numbers[end], host, n);
    bool captured = outputs->capture != NULL && outputs->plan.capture == end &&
                    copy_frames(outputs, frames, n, copies);
    wh_input(host, frames, n, now);
    if (outputs_wanted(outputs)) {
        drain(outputs, end, host);
        if (captured) {
            capture(outputs, copies, n, first, false, now);
        }
        tell(outputs, end, host);
    }
}

void outputs_input(struct outputs *outputs, enum ladder_side end, wh_stack *host,
                   const wh_frame *frames, size_t n, wh_time now)
{
    for (size_t i = 0; i < n; i += BATCH) {
        input_batch(outputs, end, host, frames + i, n - i < BATCH ? n - i : BATCH, now);
    }
}

size_t outputs_output(struct outputs *outputs, enum ladder_side end, wh_stack *host,
                      wh_frame *frames, size_t cap, wh_time now)
{
    size_t n = wh_output(host, frames, cap, now);
    numbers_depart(&outputs->numbers[end], host, n);
    if (outputs_wanted(outputs)) {
        drain(outputs, end, host);
        if (outputs->capture != NULL && outputs->plan.capture == end) {
            capture(outputs, frames, n, 0, true, now);
        }
        if (outputs->record_count > 0) {
            tell(outputs, end, host);
        }
    }
    return n;
}

void outputs_calls(struct outputs *outputs, enum ladder_side end, wh_stack *host)
{
    if (outputs_wanted(outputs)) {
        drain(outputs, end, host);
        if (outputs->record_count > 0) {
            tell(outputs, end, host);
        }
    }
}

static void tell_notes(struct outputs *outputs, const wh_path_note *notes, size_t n)
{
    if (outputs->ladder != NULL) {
        ladder_notes(outputs->ladder, notes, n);
    }
    if (outputs->plot != NULL) {
        plot_notes(outputs->plot, notes, n);
    }
    for (size_t i = 0; i < n && outputs->trace != NULL; i++) {
        note_trace(outputs, trace_json_note(outputs->trace, &notes[i], outputs->plan.start));
    }
}

void outputs_path(struct outputs *outputs, wh_path *path)
{
    wh_path_note notes[64];
    size_t n;
    while ((n = wh_path_notes(path, notes, sizeof notes / sizeof notes[0])) > 0) {
        tell_notes(outputs, notes, n);
    }
}

void outputs_lost(struct outputs *outputs, const wh_frame *frame, wh_time now)
{
    struct sight sight;
    sight_take(&sight, WH_LINK_IP, (uint8_t *)(uintptr_t)frame->slice[0].base, frame->length);
    const wh_path_note note = {
        .time = now,
        .direction = WH_A_TO_B,
        .reason = WH_WHY_HANDOFF_FULL,
        .seq = sight.seq,
        .flags = sight.flags,
        .length = sight.tcp ? sight.data : frame->length,
        .source = { .addr = sight.packet.source, .port = sight.source_port },
        .destination = { .addr = sight.packet.destination, .port = sight.destination_port },
    };
    tell_notes(outputs, &note, 1);
}

void outputs_flush(struct outputs *outputs, wh_time now)
{
    if (outputs->ladder != NULL) {
        ladder_flush(outputs->ladder, now);
    }
}

wh_time outputs_wake(const struct outputs *outputs)
{
    return outputs->ladder != NULL ? ladder_wake(outputs->ladder) : WH_NEVER;
}

/* ----------------------------------------------------------------- close -- */

static void complain_unwritten(const struct outputs *outputs, const char *what, const char *name)
{
    options_complain(outputs->command, "%s: '%s' could not be written in full: %s", what, name,
                     errno != 0 ? strerror(errno) : "input/output error");
}

int outputs_close(struct outputs *outputs)
{
    int result = 0;
    errno = 0;
    if (outputs->ladder != NULL && !ladder_finish(outputs->ladder, WH_NEVER - WH_SECOND)) {
        outputs->ladder_name =
            outputs->ladder_name != NULL ? outputs->ladder_name : "(the terminal)";
        complain_unwritten(outputs, "--ladder", outputs->ladder_name);
        result = -1;
    }
    if (outputs->ladder_file != NULL && fclose(outputs->ladder_file) != 0 && result == 0) {
        complain_unwritten(outputs, "--ladder", outputs->ladder_name);
        result = -1;
    }
    if (outputs->trace != NULL) {
        note_trace(outputs, fclose(outputs->trace) == 0);
    }
    if (outputs->plot != NULL) {
        bool drawn = plot_draw(outputs->plot, outputs->plot_file);
        if (fclose(outputs->plot_file) != 0 || !drawn) {
            complain_unwritten(outputs, "--plot", outputs->plot_name);
            result = -1;
        }
    }
    if (outputs->trace_cause != 0) {
        errno = outputs->trace_cause;
        complain_unwritten(outputs, "--trace", outputs->trace_name);
        result = -1;
    }
    if (outputs->capture != NULL && wh_capture_close(outputs->capture) < 0) {
        complain_unwritten(outputs, "--pcap", outputs->capture_name);
        result = -1;
    }
    release(outputs);
    return result;
}
