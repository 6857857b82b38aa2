/* SPDX-License-Identifier: MIT */
/* Puts all cases to a subject; its answers in words. */
#ifndef WAVEHAND_TESTS_KERNEL_REPLIES_H
#define WAVEHAND_TESTS_KERNEL_REPLIES_H

#include "subject.h"

enum { WORDS = 600, RUNS = 400 };

/* A case in one of its states. */
struct answer {
    const struct scenario *scenario;
    const struct way *way;
    char words[WORDS];
};

struct answers {
    size_t n;
    struct answer answer[RUNS];
};

/* Frees the subject. False if the machine was too slow for the answers to be told from timers. */
bool replies_collect(struct answers *answers, struct subject *subject, unsigned first_slot);

#endif
