/* SPDX-License-Identifier: MIT */
/*
 * The work of another row on two cores at once: on each, a thread with two stacks of its
 * own. Nothing is shared, so two cores should do twice what one does; what they do less
 * is lost to what processors share (caches, memory, clock) and to what we may have
 * overlooked (the allocator, a cache line).
 *
 * A round measures one core alone, both at once, and the other alone. Time here is what
 * passes, since a thread that waits for the other uses no core, less the time that
 * another program had it.
 */
#define _POSIX_C_SOURCE 200809L /* barriers */
#include <pthread.h>
#include <string.h>

#include "bench/kinds.h"
#include "bench/machine.h"

/* One thread's share of a round. */
struct share {
    struct bench_task task;
    pthread_barrier_t *start;
    int core;
    double rate; /* per second, as above */
};

static const struct bench_row *row_named(const char *name)
{
    for (size_t i = 0; i < bench_row_count; i++) {
        if (strcmp(bench_rows[i].name, name) == 0) {
            return &bench_rows[i];
        }
    }
    return NULL;
}

static void *work(void *argument)
{
    struct share *share = argument;
    const struct bench_kind *kind = share->task.row->kind;
    if (!machine_pin(share->core)) {
        bench_fail(&share->task, "a thread cannot stay on its core");
    }
    if (share->task.failed[0] == '\0') {
        kind->prepare(&share->task);
    }
    pthread_barrier_wait(share->start);
    if (share->task.failed[0] == '\0') {
        double core = machine_core_seconds(), passed = machine_seconds();
        double waited = machine_waited_seconds();
        kind->measure(&share->task, share->task.plan->seconds);
        core = machine_core_seconds() - core;
        passed = machine_seconds() - passed - (machine_waited_seconds() - waited);
        share->rate = share->task.value * (core < passed ? core / passed : 1);
    }
    pthread_barrier_wait(share->start); /* who is ready first leaves the other undisturbed */
    kind->release(&share->task);
    return NULL;
}

/* Runs the row on n of the plan's cores, from the first-th on; the sum of their rates. */
static double run(struct bench_task *task, unsigned first, unsigned n)
{
    const struct cores *cores = task->row->parameters;
    struct share share[2] = { 0 };
    pthread_t thread[2];
    pthread_barrier_t start;
    double rate = 0;
    unsigned started = 0;
    pthread_barrier_init(&start, NULL, n);
    for (unsigned i = 0; i < n; i++) {
        share[i].task = (struct bench_task){ .row = row_named(cores->row), .plan = task->plan };
        share[i].start = &start;
        share[i].core = task->plan->core[first + i];
    }
    while (started < n && pthread_create(&thread[started], NULL, work, &share[started]) == 0) {
        started++;
    }
    if (started < n) {
        bench_fail(task, "cannot make a thread");
    }
    if (started == 1 && n == 2) { /* in the place of the one that never comes */
        pthread_barrier_wait(&start);
        pthread_barrier_wait(&start);
    }
    for (unsigned i = 0; i < started; i++) {
        pthread_join(thread[i], NULL);
        bench_fail(task, share[i].task.failed[0] != '\0' ? share[i].task.failed : NULL);
        rate += share[i].rate;
    }
    pthread_barrier_destroy(&start);
    return rate;
}

static void prepare(struct bench_task *task) { (void)task; }

static void measure(struct bench_task *task, double seconds)
{
    (void)seconds; /* each of its threads has the plan's */
    double first = run(task, 0, 1), both = run(task, 0, 2), second = run(task, 1, 1);
    double one = (first + second) / 2;
    task->value = one > 0 ? both / one : 0;
    bench_note(task, "one", one);
    bench_note(task, "both", both);
}

static void release(struct bench_task *task) { (void)task; }

const struct bench_kind cores_kind = { prepare, measure, release, false };
