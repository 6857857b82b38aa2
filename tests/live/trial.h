/* SPDX-License-Identifier: MIT */
/*
 * A trial: one scenario, played once in one setting with harm done to chosen
 * segments, and what is known afterwards. What every trial must satisfy by itself
 * is judged here; what trials must have in common, by whoever runs them.
 */
#ifndef WAVEHAND_LIVE_TRIAL_H
#define WAVEHAND_LIVE_TRIAL_H

#include "drawing.h"
#include "scenario.h"

#define HARMS_MOST 2

/* Where the 32 bits of the sequence numbers are made to wrap. */
enum wrap_point {
    WRAP_NOWHERE, /* the numbers that the host chooses */
    WRAP_ZERO,    /* the SYN has number 0 */
    WRAP_SYN,     /* the SYN has the last number, data begins at 0 */
    WRAP_DATA,    /* in the middle of the data */
    WRAP_FIN,     /* the FIN has the last number */
    WRAP_POINTS
};

struct circumstances {
    const struct setting *setting;
    bool v6;
    enum wrap_point wrap;
    bool half;         /* at 2^31, where comparison goes wrong, instead of 2^32 */
    uint64_t bytes[2]; /* that each side will send, for the wrap */
    struct {
        uint64_t number; /* of the segment, from 1, both directions together */
        enum harm harm;
    } harm[HARMS_MOST]; /* number 0: none */
};

struct outcome {
    char why[400];     /* empty: the trial went well */
    uint64_t segments; /* on the wire, repeated ones included, up to the end of the scenario */
    uint64_t bytes[2]; /* that each side's application read */
    unsigned waits;    /* who went through TIME-WAIT: enum waits */
    unsigned repeats;  /* retransmissions */
    unsigned resets;   /* answers to late copies by an end that was over */
    uint64_t print;    /* of every segment: when, whose, and all it says, numbers relative */
    wh_time took;      /* until both ends were in TIME-WAIT or CLOSED */
    size_t kept[2];    /* memory in tables that only grow */
    wh_time end;       /* when nothing was due any more */
};

/* Plays it, and draws it unless drawing is NULL. */
void trial(const struct scenario *scenario, const struct circumstances *circumstances,
           struct outcome *outcome, struct drawing *drawing);

#endif
