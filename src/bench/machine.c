/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "bench/machine.h"

#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static double clock_seconds(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

double machine_core_seconds(void) { return clock_seconds(CLOCK_THREAD_CPUTIME_ID); }

double machine_seconds(void) { return clock_seconds(CLOCK_MONOTONIC); }

double machine_waited_seconds(void)
{
    char path[64];
    uint64_t ran, waited = 0;
    snprintf(path, sizeof path, "/proc/self/task/%ld/schedstat", syscall(SYS_gettid));
    FILE *file = fopen(path, "re");
    if (file != NULL) {
        if (fscanf(file, "%" SCNu64 " %" SCNu64, &ran, &waited) != 2) {
            waited = 0;
        }
        fclose(file);
    }
    return (double)waited / 1e9;
}

int machine_core(unsigned n)
{
    cpu_set_t allowed;
    if (sched_getaffinity(getpid(), sizeof allowed, &allowed) != 0) {
        return -1;
    }
    for (int core = 0; core < CPU_SETSIZE; core++) {
        if (CPU_ISSET((size_t)core, &allowed) && n-- == 0) {
            return core;
        }
    }
    return -1;
}

bool machine_pin(int core)
{
    cpu_set_t only;
    CPU_ZERO(&only);
    if (core < 0) {
        return false;
    }
    CPU_SET((size_t)core, &only);
    return sched_setaffinity(0, sizeof only, &only) == 0;
}

/* The number of KiB behind a name in one of the kernel's lists, in bytes; 0 if it is not there. */
static uint64_t kib_of(const char *path, const char *name)
{
    char line[256];
    uint64_t kib = 0;
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        return 0;
    }
    while (fgets(line, sizeof line, file) != NULL) {
        if (strncmp(line, name, strlen(name)) == 0 &&
            sscanf(line + strlen(name), ": %" SCNu64, &kib) == 1) {
            break;
        }
    }
    fclose(file);
    return kib << 10;
}

uint64_t machine_free_memory(void) { return kib_of("/proc/meminfo", "MemAvailable"); }

uint64_t machine_resident(void) { return kib_of("/proc/self/status", "VmRSS"); }

uint64_t machine_resident_peak(void) { return kib_of("/proc/self/status", "VmHWM"); }

bool machine_forget_peak(void)
{
    FILE *file = fopen("/proc/self/clear_refs", "we");
    if (file == NULL) {
        return false;
    }
    bool written = fputs("5\n", file) >= 0;
    return fclose(file) == 0 && written;
}
