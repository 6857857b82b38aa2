/* SPDX-License-Identifier: MIT */
/* A wire with a length: frames, in buffers of the receiver's, that arrive some time after they left. */
#ifndef WAVEHAND_BENCH_DELAY_H
#define WAVEHAND_BENCH_DELAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <wavehand/wavehand.h>

struct delayed {
    wh_frame frame;
    wh_time due;
};

struct delay {
    struct delayed *queue; /* a ring, in order of `due` */
    uint32_t room, first, count;
};

/* n frames arrive at `due`, which is not before what was put in last. False without memory. */
bool delay_put(struct delay *delay, const wh_frame *frames, size_t n, wh_time due);
/* Takes up to cap of those that have arrived by `now`, oldest first. */
size_t delay_take(struct delay *delay, wh_frame *frames, size_t cap, wh_time now);
/* Gives all buffers back to their receiver. */
void delay_free(struct delay *delay, wh_stack *receiver);

#endif
