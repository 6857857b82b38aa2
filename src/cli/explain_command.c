/* SPDX-License-Identifier: MIT */
/* `wavehand explain`: reads captures and says why connections lived or died. */
#define _GNU_SOURCE
#include <errno.h>
#include <langinfo.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/explain_options.h"
#include "cli/options.h"
#include "cli/terminal.h"
#include "explain/explain.h"
#include "explain/results.h"
#include "explain/source.h"
#include "view/explain_html.h"
#include "view/explain_json.h"
#include "view/explain_text.h"

#define COMMAND "wavehand explain"

const char explain_help[] =
    "Usage: wavehand explain [OPTION...] FILE...\n"
    "       wavehand explain [OPTION...] -i INTERFACE\n"
    "\n"
    "Reads captures (pcap, pcapng, gzip; '-' is standard input) and says for each TCP\n"
    "connection in one line how it lived or died, citing packets, with its ladder.\n"
    "Two captures of the same connections, taken at their two ends, are put together.\n"
    "\n"
    "  --all                  details of every connection, not only of those that are not clean\n"
    "  --connection N         this connection alone (may be given again)\n"
    "  --address ADDRESS[/BITS], --port PORT\n"
    "                         connections with this end\n"
    "  --verdict NAME[,NAME]  connections with one of these verdicts ('help' lists them)\n"
    "  --limit N              details of each verdict at most (default 10; 0: no limit)\n"
    "  --json                 JSON lines instead: a summary, patterns, connections\n"
    "  --ladder               with --json: the ladder of every connection\n"
    "  -i, --interface NAME   capture live ('any': everywhere); each connection is told as it "
    "ends\n"
    "  --filter EXPRESSION    ... what pcap-filter(7) lets through\n"
    "  --follow               ... and show every line of the ladders as it happens\n"
    "  --html FILE            a page besides: ladders to point at, plots; needs nothing else\n"
    "  --no-checksums         do not look at checksums\n"
    "  --memory SIZE          for open connections (default 1gb)\n"
    "  --strict               exit with 3 if any connection failed\n"
    "  --width COLUMNS, --ascii, --help\n"
    "\n"
    "Exit status: 0 explained; 1 a file could not be read to its end; 2 wrong usage;\n"
    "3 with --strict, if a connection failed. wavehand-explain(1) has the verdicts.\n";

struct run {
    struct explain_choices choices;
    struct results *results;
    struct drawing drawing;
    struct text text;
    unsigned shown, left_out; /* of the present verdict */
    bool trouble;             /* something could not be read or written */
    int store_error;
    uint64_t lost; /* packets, by the captures themselves */
    int64_t offset[SOURCE_FILES];
    unsigned matches[SOURCE_FILES];
};

/* Connections in a page, and points of a plot each way, at most: browsers must stay quick. */
#define PAGE_MOST 500
#define PLOT_POINTS 400
/* How often a quiet live capture looks for connections that are over, in milliseconds. */
#define LIVE_TICK 500
/* Who looks on wants to know soon; what a later segment would tell is not waited for. */
#define LIVE_PATIENCE (3 * WH_SECOND)

/* ------------------------------------------------------------------- output -- */

static void emit(struct run *run)
{
    if (run->text.length > 0 &&
        fwrite(run->text.bytes, 1, run->text.length, stdout) != run->text.length) {
        run->trouble = true;
    }
    text_clear(&run->text);
}

static bool show_one(void *context, const struct explanation *explanation)
{
    struct run *run = context;
    if (run->choices.limit > 0 && run->shown >= run->choices.limit) {
        run->left_out++;
        return true;
    }
    run->shown++;
    explain_text_connection(&run->text, &run->drawing, explanation, run->choices.files);
    emit(run);
    return !ferror(stdout);
}

static bool details_wanted(const struct run *run, enum verdict_kind kind)
{
    enum grade grade = verdict_grade(kind);
    return run->choices.all || run->choices.narrowed ||
           (grade != GRADE_CLEAN && grade != GRADE_OPEN);
}

static void show_kind(struct run *run, enum verdict_kind kind)
{
    run->shown = 0;
    run->left_out = 0;
    if (!details_wanted(run, kind)) {
        return;
    }
    if (!results_each(run->results, kind, show_one, run)) {
        run->trouble = true;
    }
    if (run->left_out > 0) {
        text_format(&run->text, "... and %u more: %s --verdict %s --limit 0\n\n", run->left_out,
                    COMMAND, verdict_name(kind));
        emit(run);
    }
}

static void show_text(struct run *run, const struct summary *summary)
{
    explain_text_summary(&run->text, &run->drawing, summary);
    for (unsigned i = 0; results_pattern(run->results, i) != NULL; i++) {
        explain_text_pattern(&run->text, &run->drawing, results_pattern(run->results, i));
    }
    emit(run);
    for (int grade = 0; grade < GRADES; grade++) {
        for (int kind = 0; kind < VERDICT_COUNT; kind++) {
            if ((int)verdict_grade((enum verdict_kind)kind) == grade &&
                summary->by_verdict[kind] > 0 && kind != VERDICT_SYN_FLOOD &&
                kind != VERDICT_SCAN) {
                show_kind(run, (enum verdict_kind)kind);
            }
        }
    }
}

static bool write_json(void *context, const struct explanation *explanation)
{
    struct run *run = context;
    enum grade grade = verdict_grade(explanation->verdict.kind);
    bool ladder = run->choices.ladder || (grade != GRADE_CLEAN && grade != GRADE_OPEN);
    if (!explain_json_connection(stdout, explanation, ladder)) {
        run->trouble = true;
    }
    return !run->trouble;
}

static void show_json(struct run *run, const struct summary *summary)
{
    run->trouble = !explain_json_summary(stdout, summary) || run->trouble;
    for (unsigned i = 0; results_pattern(run->results, i) != NULL; i++) {
        run->trouble =
            !explain_json_pattern(stdout, results_pattern(run->results, i)) || run->trouble;
    }
    run->trouble = !results_each(run->results, VERDICT_COUNT, write_json, run) || run->trouble;
}

struct page {
    FILE *out;
    uint64_t written;
    bool good;
};

static bool write_page(void *context, const struct explanation *explanation)
{
    struct page *page = context;
    if (page->written == PAGE_MOST) {
        return false;
    }
    page->written++;
    page->good = explain_html_connection(page->out, explanation);
    return page->good;
}

/* Those that matter first, since there is room for so many only. */
static void write_pages(struct run *run, const struct summary *summary, struct page *page)
{
    for (int grade = 0; grade < GRADES && page->good; grade++) {
        for (int kind = 0; kind < VERDICT_COUNT && page->good; kind++) {
            enum verdict_kind verdict = (enum verdict_kind)kind;
            if ((int)verdict_grade(verdict) == grade && summary->by_verdict[kind] > 0) {
                page->good = results_each(run->results, verdict, write_page, page) && page->good;
            }
        }
    }
}

static uint64_t connections_told(const struct summary *summary)
{
    uint64_t all = 0;
    for (int kind = 0; kind < VERDICT_COUNT; kind++) {
        bool folded = kind == VERDICT_SYN_FLOOD || kind == VERDICT_SCAN;
        all += folded ? 0 : summary->by_verdict[kind];
    }
    return all;
}

static void show_page(struct run *run, const struct summary *summary)
{
    struct page page = { .out = fopen(run->choices.html, "we") };
    uint64_t all = connections_told(summary);
    if (page.out != NULL) {
        uint64_t left_out = all > PAGE_MOST ? all - PAGE_MOST : 0;
        page.good = explain_html_begin(page.out, summary, run->results, left_out);
        write_pages(run, summary, &page);
        page.good = explain_html_end(page.out) && page.good;
        page.good = fclose(page.out) == 0 && page.good;
    }
    if (!page.good) {
        options_complain(COMMAND, "--html: cannot write '%s': %s", run->choices.html,
                         strerror(errno));
        run->trouble = true;
    }
}

/* A connection that has ended while we look on. */
static void live_done(void *context, const struct explanation *explanation)
{
    struct run *run = context;
    (void)results_take(run->results, explanation); /* for the counts; nothing is read back */
    if (!wanted_is(&run->choices.wanted, explanation)) {
        return;
    }
    if (run->choices.json) {
        (void)write_json(run, explanation);
        return;
    }
    if (run->choices.follow) {
        explain_text_verdict(&run->text, &run->drawing, explanation);
    } else {
        explain_text_connection(&run->text, &run->drawing, explanation, NULL);
    }
    emit(run);
}

static void live_line(void *context, const struct explanation *so_far, const struct line *line)
{
    struct run *run = context;
    if (wanted_is(&run->choices.wanted, so_far)) {
        explain_text_line(&run->text, &run->drawing, so_far, line);
        emit(run);
    }
}

/* ------------------------------------------------------------------- reading -- */

static void done(void *context, const struct explanation *explanation)
{
    struct run *run = context;
    if (!results_take(run->results, explanation) && run->store_error == 0) {
        run->store_error = errno != 0 ? errno : EIO;
    }
}

static struct explain *make_explain(struct run *run)
{
    struct explain_options options;
    explain_options_init(&options);
    options.check_sums = !run->choices.no_checksums;
    options.memory = run->choices.memory > 0 ? run->choices.memory : options.memory;
    options.points = run->choices.file_count > 0 ? run->choices.file_count : 1;
    options.plot_points = run->choices.html != NULL ? PLOT_POINTS : 0;
    options.done = done;
    options.context = run;
    if (run->choices.interface != NULL) {
        options.patience = LIVE_PATIENCE;
        options.done = live_done;
        options.line = run->choices.follow && !run->choices.json ? live_line : NULL;
    }
    return explain_new(&options);
}

/* After the last packet of a file: what else is to be said of it. */
static void close_source(struct run *run, struct source *source, struct explain *explain)
{
    unsigned matches;
    for (unsigned i = 0; i < run->choices.file_count; i++) {
        uint64_t lost = source_lost(source, i);
        explain_lost(explain, i, lost);
        run->lost += lost;
        if (source_note(source, i) != NULL) {
            options_complain(COMMAND, "%s: %s", run->choices.files[i], source_note(source, i));
        }
        if (i > 0) {
            run->offset[i] = source_offset(source, i, &matches);
            run->matches[i] = matches;
        }
    }
    source_close(source);
}

static int read_all(struct run *run, struct explain *explain)
{
    struct source *source;
    struct captured captured;
    char error[400];
    uint32_t point;
    int result =
        source_open(&source, run->choices.files, run->choices.file_count, error, sizeof error);
    if (result < 0) {
        options_complain(COMMAND, "%s", error);
        return -1;
    }
    while ((result = source_next(source, &captured, &point, error, sizeof error)) != 0) {
        if (result < 0) {
            options_complain(COMMAND, "%s", error);
            run->trouble = true;
            if (run->choices.file_count == 1) {
                break;
            }
            continue;
        }
        explain_frame(explain, point, &captured);
    }
    close_source(run, source, explain);
    explain_finish(explain);
    return 0;
}

/* ---------------------------------------------------------------------- live -- */

static volatile sig_atomic_t interrupted;

static void interrupt(int signal)
{
    (void)signal;
    interrupted = 1;
}

static int read_live(struct run *run, struct explain *explain)
{
    struct capture_reader *reader;
    struct captured captured;
    char error[400];
    int result = capture_reader_live(&reader, run->choices.interface, run->choices.filter, error,
                                     sizeof error);
    if (result < 0) {
        options_complain(COMMAND, "%s", error);
        return -1;
    }
    struct sigaction action = { .sa_handler = interrupt };
    (void)sigaction(SIGINT, &action, NULL);
    (void)sigaction(SIGTERM, &action, NULL);
    struct pollfd wait = { .fd = capture_reader_fd(reader), .events = POLLIN };
    while (!interrupted && !run->trouble) {
        result = capture_reader_next(reader, &captured, error, sizeof error);
        if (result == 1) {
            explain_frame(explain, 0, &captured);
        } else if (result == CAPTURE_NOTHING_YET) {
            struct timespec now;
            (void)fflush(stdout);
            (void)poll(&wait, 1, LIVE_TICK);
            (void)clock_gettime(CLOCK_REALTIME, &now);
            explain_idle(explain, (wh_time)now.tv_sec * WH_SECOND + (wh_time)now.tv_nsec);
        } else {
            options_complain(COMMAND, "%s: %s", run->choices.interface, error);
            run->trouble = true;
        }
    }
    run->lost = capture_reader_lost(reader);
    explain_lost(explain, 0, run->lost);
    capture_reader_close(reader);
    explain_finish(explain);
    return 0;
}

static bool any_failed(const struct summary *summary)
{
    for (int kind = 0; kind < VERDICT_COUNT; kind++) {
        if (summary->by_verdict[kind] > 0 &&
            verdict_grade((enum verdict_kind)kind) == GRADE_FAILED) {
            return true;
        }
    }
    return false;
}

static int report(struct run *run, const struct explain *explain)
{
    struct summary summary = { .files = run->choices.files,
                               .file_count = run->choices.file_count,
                               .counts = *explain_counts(explain),
                               .lost = run->lost,
                               .offset = run->offset,
                               .matches = run->matches };
    if (run->choices.interface != NULL) {
        summary.files = &run->choices.interface;
        summary.file_count = 1;
    }
    results_sum(run->results, &summary);
    if (run->choices.interface != NULL && !run->choices.json) {
        explain_text_summary(&run->text, &run->drawing, &summary);
        emit(run);
    } else if (run->choices.interface != NULL) {
        run->trouble = !explain_json_summary(stdout, &summary) || run->trouble;
    } else if (run->choices.json) {
        show_json(run, &summary);
    } else {
        show_text(run, &summary);
    }
    if (run->choices.html != NULL) {
        show_page(run, &summary);
    }
    if (fflush(stdout) != 0 || ferror(stdout)) {
        options_complain(COMMAND, "cannot write to standard output: %s", strerror(errno));
        run->trouble = true;
    }
    if (run->store_error != 0) {
        options_complain(COMMAND,
                         "not every connection could be kept in a temporary file: %s; set "
                         "TMPDIR to a place with room",
                         strerror(run->store_error));
        run->trouble = true;
    }
    if (run->trouble) {
        return EXIT_EXPLAIN_TROUBLE;
    }
    return run->choices.strict && any_failed(&summary) ? EXIT_EXPLAIN_FAILED : EXIT_SUCCESS;
}

int cmd_explain(int argc, char **argv)
{
    struct run run = { .text = { 0 } };
    int result = explain_options_read(argc, argv, COMMAND, explain_help, &run.choices);
    if (result != 0) {
        explain_options_free(&run.choices);
        return result < 0 ? EXIT_SUCCESS : result;
    }
    run.drawing.width = run.choices.width > 0 ? run.choices.width : terminal_columns(STDOUT_FILENO);
    run.drawing.width = run.drawing.width < 80 ? 80 : run.drawing.width;
    run.drawing.colour = terminal_wants_colour(STDOUT_FILENO);
    run.drawing.ascii = run.choices.ascii || strcmp(nl_langinfo(CODESET), "UTF-8") != 0;
    bool store =
        run.choices.all || run.choices.narrowed || run.choices.json || run.choices.html != NULL;
    run.results = results_new(&run.choices.wanted, run.choices.interface == NULL && store);
    struct explain *explain = make_explain(&run);
    if (run.results == NULL || explain == NULL) {
        options_complain(COMMAND, "cannot keep results: %s", strerror(errno));
        result = EXIT_EXPLAIN_TROUBLE;
    } else if ((run.choices.interface != NULL ? read_live(&run, explain)
                                              : read_all(&run, explain)) < 0) {
        result = EXIT_EXPLAIN_TROUBLE;
    } else {
        result = report(&run, explain);
    }
    explain_free(explain);
    results_free(run.results);
    text_free(&run.text);
    explain_options_free(&run.choices);
    return result;
}
