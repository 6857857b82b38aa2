/* SPDX-License-Identifier: MIT */
/* `wavehand explain`: reads captures and says why connections lived or died. */
#define _GNU_SOURCE
#include <errno.h>
#include <langinfo.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/explain_options.h"
#include "cli/options.h"
#include "cli/terminal.h"
#include "explain/explain.h"
#include "explain/results.h"
#include "explain/source.h"
#include "view/explain_json.h"
#include "view/explain_text.h"

#define COMMAND "wavehand explain"

const char explain_help[] =
    "Usage: wavehand explain [OPTION...] FILE...\n"
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
};

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
    options.points = run->choices.file_count;
    options.done = done;
    options.context = run;
    return explain_new(&options);
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
    source_close(source);
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
                               .counts = *explain_counts(explain) };
    results_sum(run->results, &summary);
    if (run->choices.json) {
        show_json(run, &summary);
    } else {
        show_text(run, &summary);
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
    run.results = results_new(&run.choices.wanted,
                              run.choices.all || run.choices.narrowed || run.choices.json);
    struct explain *explain = make_explain(&run);
    if (run.results == NULL || explain == NULL) {
        options_complain(COMMAND, "cannot keep results: %s", strerror(errno));
        result = EXIT_EXPLAIN_TROUBLE;
    } else if (read_all(&run, explain) < 0) {
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
