/* SPDX-License-Identifier: MIT */
#include "bench/report.h"

#include <jansson.h>
#include <string.h>

#include "bench/statistics.h"

#define DIGITS 6 /* that are told of a figure */

static void name_of(const struct bench_task *task, char *name, size_t size)
{
    snprintf(name, size, "core.%s.%s", task->row->name, task->plan->who);
}

/* A number as people write it: 47.31, 1234567. */
static void number(double value, char *text, size_t size)
{
    snprintf(text, size, value < 1000 ? "%.2f" : "%.0f", value);
}

static void print_text(const struct bench_task *task, const struct statistics *told, FILE *out)
{
    char name[96], median[32], least[32], most[32];
    name_of(task, name, sizeof name);
    number(told->median, median, sizeof median);
    number(told->least, least, sizeof least);
    number(told->most, most, sizeof most);
    fprintf(out, "%-36s %12s %12s %12s  %-7s", name, median, least, most, task->row->unit);
    for (unsigned i = 0; i < task->notes; i++) {
        number(task->note[i].value, median, sizeof median);
        fprintf(out, "  %s %s", task->note[i].name, median);
    }
    fputc('\n', out);
}

static json_t *notes_of(const struct bench_task *task)
{
    json_t *notes = json_object();
    for (unsigned i = 0; i < task->notes; i++) {
        json_object_set_new(notes, task->note[i].name, json_real(task->note[i].value));
    }
    return notes;
}

/* Prints a line and is done with it. */
static bool print_line(json_t *line, FILE *out)
{
    bool written = line != NULL &&
                   json_dumpf(line, out, JSON_PRESERVE_ORDER | JSON_REAL_PRECISION(DIGITS)) == 0;
    json_decref(line);
    return fputc('\n', out) != EOF && written;
}

static bool print_json(const struct bench_task *task, const struct statistics *told,
                       const double *rounds, unsigned n, FILE *out)
{
    char name[96];
    name_of(task, name, sizeof name);
    json_t *all = json_array();
    for (unsigned i = 0; i < n; i++) {
        json_array_append_new(all, json_real(rounds[i]));
    }
    json_t *line =
        json_pack("{s:s, s:s, s:f, s:f, s:f, s:o, s:o, s:s}", "name", name, "unit", task->row->unit,
                  "median", told->median, "least", told->least, "most", told->most, "rounds", all,
                  "notes", notes_of(task), "checksum", task->plan->checksum->name);
    return print_line(line, out);
}

bool report_figure(const struct bench_task *task, const double *rounds, unsigned n, FILE *out)
{
    struct statistics told = statistics_of(rounds, n);
    bool written = true;
    if (task->plan->json) {
        written = print_json(task, &told, rounds, n, out);
    } else {
        print_text(task, &told, out);
    }
    return fflush(out) == 0 && written;
}

bool report_point(const struct bench_task *task, const struct report_point *point,
                  const double *rounds, unsigned n, FILE *out)
{
    struct statistics told = statistics_of(rounds, n);
    json_t *line = json_pack("{s:s, s:I, s:s, s:f, s:f, s:f, s:s, s:o, s:s}", "growth",
                             point->curve, "x", (json_int_t)point->x, "x_unit", point->x_unit,
                             "median", told.median, "least", told.least, "most", told.most, "unit",
                             task->row->unit, "notes", notes_of(task), "who", task->plan->who);
    return print_line(line, out) && fflush(out) == 0;
}
