/* SPDX-License-Identifier: MIT */
/* Measures the rows of a plan, one after the other. */
#include <string.h>

#include "bench/bench.h"
#include "bench/kinds.h"
#include "bench/machine.h"
#include "bench/report.h"

void bench_plan_init(struct bench_plan *plan)
{
    *plan = (struct bench_plan){
        .rounds = 5,
        .seconds = 0.5,
        .checksum = checksum_best(),
        .who = "wavehand",
        .core = { machine_core(0), machine_core(1) },
    };
}

void bench_fail(struct bench_task *task, const char *what)
{
    if (what != NULL && task->failed[0] == '\0') {
        snprintf(task->failed, sizeof task->failed, "%s", what);
    }
}

void bench_note(struct bench_task *task, const char *name, double value)
{
    unsigned i = 0;
    while (i < task->notes && strcmp(task->note[i].name, name) != 0) {
        i++;
    }
    if (i < BENCH_NOTES) {
        task->note[i] = (struct bench_note){ name, value };
        task->notes = i == task->notes ? i + 1 : task->notes;
    }
}

struct world *bench_world(struct bench_task *task, struct world_options *options)
{
    options->checksum = task->plan->checksum;
    struct world *world = world_new(options);
    if (world == NULL || world->failed != NULL) {
        bench_fail(task, world == NULL ? "no memory" : world->failed);
        world_free(world);
        return NULL;
    }
    world->spoil = task->plan->spoil;
    return world;
}

bool bench_possible(const struct bench_row *row, const struct bench_plan *plan, FILE *errors)
{
    uint64_t there = machine_free_memory();
    if (row->gib > 0 && there > 0 && there >> 30 < row->gib) {
        fprintf(errors, "wavehand bench: without %s: it needs %u GiB of memory, %.1f are free\n",
                row->name, row->gib, (double)there / (1 << 30));
        return false;
    }
    if (row->cores > 1 && plan->core[1] < 0) {
        fprintf(errors, "wavehand bench: without %s: it needs two cores, one may be used\n",
                row->name);
        return false;
    }
    return true;
}

void bench_stay(const struct bench_plan *plan, FILE *errors)
{
    if (!machine_pin(plan->core[0])) {
        fputs("wavehand bench: cannot stay on one core; figures will vary more\n", errors);
    }
}

unsigned bench_rounds(struct bench_task *task, double *rounds, FILE *errors)
{
    const struct bench_kind *kind = task->row->kind;
    unsigned n = 0, wanted = kind->once ? 1 : task->plan->rounds;
    kind->prepare(task);
    while (n < wanted && n < BENCH_ROUNDS_MOST && task->failed[0] == '\0') {
        kind->measure(task, task->plan->seconds);
        rounds[n++] = task->value;
    }
    kind->release(task);
    if (task->failed[0] != '\0') {
        fprintf(errors, "wavehand bench: %s: %s\n", task->row->name, task->failed);
        return 0;
    }
    return n;
}

static bool measure_row(const struct bench_row *row, const struct bench_plan *plan, FILE *out,
                        FILE *errors)
{
    double rounds[BENCH_ROUNDS_MOST];
    struct bench_task task = { .row = row, .plan = plan };
    unsigned n = bench_rounds(&task, rounds, errors);
    if (n == 0) {
        return false;
    }
    if (!report_figure(&task, rounds, n, out)) {
        fputs("wavehand bench: could not write\n", errors);
        return false;
    }
    return true;
}

int bench_run(const struct bench_plan *plan, FILE *out, FILE *errors)
{
    enum bench_level level = plan->full ? BENCH_FULL : plan->quick ? BENCH_QUICK : BENCH_NORMAL;
    unsigned measured = 0, named = 0;
    bench_stay(plan, errors);
    for (size_t i = 0; i < bench_row_count; i++) {
        const struct bench_row *row = &bench_rows[i];
        if (!bench_named(plan, row->name)) {
            continue;
        }
        named++;
        if (row->level <= level && bench_possible(row, plan, errors)) {
            if (!measure_row(row, plan, out, errors)) {
                return -1;
            }
            measured++;
        }
    }
    if (measured == 0) {
        fprintf(errors, "wavehand bench: %s '%s'; 'wavehand bench --list' tells more\n",
                named > 0 ? "nothing was measured of" : "no row is called", plan->only);
        return -1;
    }
    return 0;
}
