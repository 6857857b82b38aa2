/* SPDX-License-Identifier: MIT */
/* Tests that say in the Test Anything Protocol what held, the IDs of what they show in front of their titles. */
#ifndef WAVEHAND_SIM_TAP_H
#define WAVEHAND_SIM_TAP_H

#include <stdbool.h>
#include <stddef.h>

struct tap_test {
    const char *title; /* "ID ID what is shown" */
    void (*run)(void); /* calls tap_expect */
};

/* `what` does not hold: the test that runs has failed. The first of them is told. Returns `good`. */
bool tap_expect(bool good, const char *what);
/* Runs them all; answers the exit status of the program. */
int tap_main(const struct tap_test *tests, size_t count);

#endif
