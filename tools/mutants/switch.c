/* SPDX-License-Identifier: MIT */
/*
 * The switch between mutants, set from the environment before main():
 *
 *   MUTANT=NUMBER          this one is in force
 *   MUTANT_CPU=MILLISECONDS  processor time after which the program is ended
 *   MUTANT_REACHED=FILE    where to note which mutants were reached, a byte for each
 *
 * Children of a test program share the file, so what they reach counts too.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/mutants.h"
#include "base/mutants_count.h"

/* Far above what any test needs, far below what the machine has. */
#define MEMORY_LIMIT (4UL << 30)

static unsigned char nobody_asks[MUTANTS + 1];
unsigned char *mutant_reached = nobody_asks;
unsigned mutant_active;

static void limit(unsigned long milliseconds)
{
    struct rlimit memory = { MEMORY_LIMIT, MEMORY_LIMIT };
    struct itimerval time = { .it_value = { (time_t)(milliseconds / 1000),
                                            (suseconds_t)(milliseconds % 1000 * 1000) } };
    if (setrlimit(RLIMIT_AS, &memory) != 0 || setitimer(ITIMER_PROF, &time, NULL) != 0)
        abort();
}

__attribute__((constructor)) static void set_switch(void)
{
    const char *number = getenv("MUTANT"), *cpu = getenv("MUTANT_CPU");
    const char *reached = getenv("MUTANT_REACHED");
    if (number != NULL)
        mutant_active = (unsigned)strtoul(number, NULL, 10);
    if (cpu != NULL)
        limit(strtoul(cpu, NULL, 10));
    if (reached != NULL) {
        int file = open(reached, O_RDWR | O_CREAT, 0666);
        if (file < 0 || ftruncate(file, MUTANTS + 1) != 0)
            abort();
        mutant_reached = mmap(NULL, MUTANTS + 1, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
        if (mutant_reached == MAP_FAILED)
            abort();
        close(file);
    }
}
