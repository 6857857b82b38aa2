/* SPDX-License-Identifier: MIT */
/*
 * Results in the Test Anything Protocol, from jobs that run beside each other: each
 * is a child in a network namespace of its own, so waiting costs the time of the
 * slowest alone, and whatever the kernel still holds goes with the namespace.
 */
#ifndef WAVEHAND_TESTS_KERNEL_REPORT_H
#define WAVEHAND_TESTS_KERNEL_REPORT_H

#include <stdbool.h>
#include <stddef.h>

struct job {
    const char *name;
    void (*run)(const struct job *job);
    bool six;        /* IPv6 */
    unsigned number; /* for the job's own use */
};

/* Within a job: one result; `format` is IDs and title. */
void report_result(bool good, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Within a job: a line of explanation after a result. */
void report_note(const char *format, ...) __attribute__((format(printf, 1, 2)));

/*
 * Runs the jobs, each for at most `seconds`, and prints their results in order and
 * numbered. What a program's main returns: 0, 1, or 77 where no job could run.
 */
int report_jobs(const struct job *jobs, size_t n, unsigned seconds);

#endif
