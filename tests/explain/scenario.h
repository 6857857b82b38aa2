/* SPDX-License-Identifier: MIT */
/*
 * Scenarios: each makes one cause happen and says what is right to say of it, from
 * the client's capture, the server's, one in the middle, or both ends' together.
 * What can be known from a place is judged as a careful engineer would: nobody is
 * asked to see a packet that never passed, and a true answer that the place may
 * allow is not held against anybody.
 */
#ifndef WAVEHAND_TRUTH_SCENARIO_H
#define WAVEHAND_TRUTH_SCENARIO_H

#include "acts.h"
#include "ground.h"

/* The set that judges are tuned with, and the one that gives the final figure. */
enum { TUNING = 1, FINAL = 2, EITHER = 3 };

enum {
    OPENING_MATTERS = 1, /* no capture of it begins in mid-connection */
    ALL_MATTERS = 2,     /* a packet that the capture lost may be the one that tells */
    NO_LOSS = 4,         /* the capture loses nothing: what would be right is not clear */
    QUIET = 8,           /* no other connections: a host goes away */
    RST_ENDS_TIME_WAIT = 16,
    NEEDS_TIMESTAMPS = 32,
    NEEDS_NO_TIMESTAMPS = 64,
    NEEDS_OPTIONS = 128, /* window scaling and SACK */
};

struct scenario {
    const char *name;
    const char *cause;
    void (*play)(struct ground *ground);
    unsigned sets;
    unsigned flags;
};

/* Lists that end with an empty entry. */
extern const struct scenario scenarios_opening[], scenarios_closing[], scenarios_resets[],
    scenarios_stuck[], scenarios_path[], scenarios_reuse[], scenarios_patterns[];

/*
 * The truth of a packet from this side that was lost in this half: `seen` where it
 * passed before that, and with captures of both ends; `unseen` elsewhere.
 */
void truth_of_loss(struct ground *ground, enum side from, enum half half, const char *seen,
                   const char *unseen);
/* Closes in one of the clean ways, waits for the end, and answers its verdict. */
const char *close_in_order(struct ground *ground, struct talk *talk);
/* The same, never at once from both ends. */
const char *close_in_turn(struct ground *ground, struct talk *talk, enum side first);
/* How many segments with this flag from this side stand on the tape of this point. */
unsigned count_flag(const struct ground *ground, enum vantage point, enum side from, uint16_t flag);
enum side any_side(struct ground *ground);
enum half any_half(struct ground *ground);
const char *side_name(enum side side);

#endif
