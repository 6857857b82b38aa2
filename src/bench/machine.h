/* SPDX-License-Identifier: MIT */
/* What the figures are measured with: clocks, cores and the memory of this process. */
#ifndef WAVEHAND_BENCH_MACHINE_H
#define WAVEHAND_BENCH_MACHINE_H

#include <stdbool.h>
#include <stdint.h>

/* Seconds of a core's time that this thread has had: not more on a busy machine. */
double machine_core_seconds(void);
/* Seconds that have passed. */
double machine_seconds(void);
/* Seconds that this thread was ready to run and had no core; 0 where the kernel does not tell. */
double machine_waited_seconds(void);

/* The nth core that this process may use, from 0; -1 if there are not so many. */
int machine_core(unsigned n);
/* Keeps this thread on one core; false if the system will not have it. */
bool machine_pin(int core);

/* Bytes that could be had without swapping; 0 where the kernel does not tell. */
uint64_t machine_free_memory(void);
/* Bytes of this process that are in memory now (RSS), and the most there ever were. */
uint64_t machine_resident(void);
uint64_t machine_resident_peak(void);
/* Lets the most begin anew at what is there now; false if the kernel cannot. */
bool machine_forget_peak(void);

#endif
