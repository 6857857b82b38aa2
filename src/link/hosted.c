/* SPDX-License-Identifier: MIT */
/*
 * What the stack asks of its embedder, from an operating system: memory, random
 * bytes and a clock. The core never calls these by itself.
 */
#define _GNU_SOURCE
#include <wavehand/link.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "link/dice.h"

static void *take(void *context, size_t size)
{
    (void)context;
    return malloc(size);
}

static void give(void *context, void *memory, size_t size)
{
    (void)context;
    (void)size;
    free(memory);
}

wh_memory wh_memory_malloc(void)
{
    return (wh_memory){ .context = NULL, .alloc = take, .free = give };
}

/* For kernels and sandboxes without getrandom. */
static bool read_urandom(uint8_t seed[32])
{
    int fd = open("/dev/urandom", O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    ssize_t got = read(fd, seed, 32);
    close(fd);
    return got == 32;
}

void wh_seed(uint8_t seed[32], uint64_t number)
{
    if (number == 0) {
        if (getrandom(seed, 32, 0) == 32 || read_urandom(seed))
            return;
        /* Sequence numbers that anybody can guess are worse than no stack at all (RFC 6528 2). */
        fputs("wavehand: the system gives no random bytes\n", stderr);
        abort();
    }
    uint8_t start[32] = { 0 };
    for (unsigned i = 0; i < 8; i++)
        start[i] = (uint8_t)(number >> 8 * i);
    struct dice dice;
    dice_seed(&dice, start);
    for (unsigned i = 0; i < 32; i += 8) {
        uint64_t word = dice_throw(&dice);
        for (unsigned byte = 0; byte < 8; byte++)
            seed[i + byte] = (uint8_t)(word >> 8 * byte);
    }
}

wh_time wh_clock(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (wh_time)now.tv_sec * WH_SECOND + (wh_time)now.tv_nsec;
}
