/* SPDX-License-Identifier: MIT */
#include "outcome.h"

#include <string.h>

static uint64_t total(const uint64_t bytes[CELL_FLOWS])
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < CELL_FLOWS; i++)
        sum += bytes[i];
    return sum;
}

void outcome_begin(struct outcome *outcome, const struct cell *cell, const char *ends, wh_time now)
{
    memset(outcome, 0, sizeof *outcome);
    outcome->cell = cell;
    outcome->ends = ends;
    outcome->start = outcome->end = now;
    outcome->retransmitted = outcome->timeouts = UINT64_MAX;
}

static wh_time tick_time(const struct outcome *outcome, unsigned tick)
{
    return outcome->start + (tick + 1) * (outcome->cell->time / OUTCOME_TICKS);
}

wh_time outcome_next(const struct outcome *outcome)
{
    return outcome->ticks < OUTCOME_TICKS ? tick_time(outcome, outcome->ticks)
                                          : outcome->start + outcome->cell->time;
}

bool outcome_over(struct outcome *outcome, wh_time now)
{
    const struct cell *cell = outcome->cell;
    while (outcome->ticks < OUTCOME_TICKS && tick_time(outcome, outcome->ticks) <= now)
        memcpy(outcome->tick[outcome->ticks++], outcome->bytes, sizeof outcome->bytes);
    outcome->end = now;
    return now >= outcome->start + cell->time || total(outcome->bytes) >= cell->bytes;
}

static double seconds_of(wh_time time) { return (double)time / (double)WH_SECOND; }

double outcome_goodput(const struct outcome *outcome)
{
    wh_time time = outcome->end - outcome->start;
    return time == 0 ? 0 : (double)total(outcome->bytes) * 8 / seconds_of(time);
}

/* Bytes that each flow had brought when half the time was over, and when that was. */
static wh_time half(const struct outcome *outcome, uint64_t bytes[CELL_FLOWS])
{
    memset(bytes, 0, CELL_FLOWS * sizeof *bytes);
    if (outcome->ticks < 2)
        return outcome->start;
    unsigned tick = outcome->ticks / 2 - 1;
    memcpy(bytes, outcome->tick[tick], CELL_FLOWS * sizeof *bytes);
    return tick_time(outcome, tick);
}

double outcome_late(const struct outcome *outcome)
{
    uint64_t bytes[CELL_FLOWS];
    wh_time time = outcome->end - half(outcome, bytes);
    return time == 0 ? 0 : (double)(total(outcome->bytes) - total(bytes)) * 8 / seconds_of(time);
}

double jain(const double *share, unsigned n)
{
    double sum = 0, squares = 0;
    for (unsigned i = 0; i < n; i++) {
        sum += share[i];
        squares += share[i] * share[i];
    }
    return squares > 0 ? sum * sum / (n * squares) : 1;
}

double outcome_fairness(const struct outcome *outcome)
{
    uint64_t bytes[CELL_FLOWS];
    double share[CELL_FLOWS];
    half(outcome, bytes);
    for (unsigned i = 0; i < outcome->cell->flows; i++)
        share[i] = (double)(outcome->bytes[i] - bytes[i]);
    return jain(share, outcome->cell->flows);
}

static void print_number(FILE *out, const char *name, uint64_t value)
{
    if (value != UINT64_MAX)
        fprintf(out, ", \"%s\": %llu", name, (unsigned long long)value);
}

void outcome_print(const struct outcome *outcome, const char *text, FILE *out)
{
    const wh_path_stats *path = &outcome->path;
    fprintf(out, "{\"cell\": \"%s\", \"ends\": \"%s\"", text, outcome->ends);
    fprintf(out, ", \"goodput\": %.0f, \"late\": %.0f", outcome_goodput(outcome),
            outcome_late(outcome));
    fprintf(out, ", \"ideal\": %.0f", cell_ideal(outcome->cell));
    fprintf(out, ", \"seconds\": %.6f", seconds_of(outcome->end - outcome->start));
    print_number(out, "bytes", total(outcome->bytes));
    if (outcome->cell->flows > 1)
        fprintf(out, ", \"jain\": %.4f", outcome_fairness(outcome));
    print_number(out, "retransmitted", outcome->retransmitted);
    print_number(out, "timeouts", outcome->timeouts);
    if (outcome->core > 0)
        fprintf(out, ", \"core_seconds\": %.4f", outcome->core);
    if (path->size > 0) {
        uint64_t waiting = path->frames - path->lost - path->overflows;
        double mean = waiting == 0 ? 0 : (double)path->waited / (double)waiting;
        print_number(out, "frames", path->frames);
        print_number(out, "lost", path->lost);
        print_number(out, "overflows", path->overflows);
        fprintf(out, ", \"queued_ms\": %.4f, \"queued_most_ms\": %.4f", mean / 1e6,
                (double)path->waited_most / 1e6);
    }
    fprintf(out, "}\n");
    fflush(out);
}
