/* SPDX-License-Identifier: MIT */
/*
 * The numbers of frames at one end, where several stacks share it. Each stack counts its
 * own frames from 1; what is shown of them counts all together, in the order in which they
 * came and went. With one stack nothing changes.
 */
#ifndef WAVEHAND_CLI_NUMBERS_H
#define WAVEHAND_CLI_NUMBERS_H

#include <wavehand/wavehand.h>

enum { NUMBERS_STACKS = 16 };

struct numbers {
    uint64_t arrived, departed; /* frames of all stacks */
    struct stack_numbers {
        const wh_stack *host;
        uint64_t arrived, departed;           /* its own */
        uint64_t arrived_more, departed_more; /* to be added to the numbers in its records */
    } stack[NUMBERS_STACKS];
};

/* Frames are about to go into this stack; returns the stack's own number of the first. */
uint64_t numbers_arrive(struct numbers *numbers, const wh_stack *host, size_t n);
/* Frames have come out of this stack. */
void numbers_depart(struct numbers *numbers, const wh_stack *host, size_t n);
/* Makes the stack's own numbers in its newest records those of all. */
void numbers_apply(struct numbers *numbers, const wh_stack *host, wh_trace_record *records,
                   size_t n);

#endif
