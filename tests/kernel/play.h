/* SPDX-License-Identifier: MIT */
/* A play: what two applications do at the ends of a connection, and what they must see. */
#ifndef WAVEHAND_TESTS_KERNEL_PLAY_H
#define WAVEHAND_TESTS_KERNEL_PLAY_H

#include "pair.h"

/* Which end may be x; y is the other. */
enum parts { EITHER, OURS_IS_X, LINUX_IS_X };

struct play {
    const char *ids, *title;
    void (*run)(struct pair *pair);
    enum parts parts;
    bool opened; /* x has already connected to y */
};

/* Each ends with a play that has no IDs. */
extern const struct play opening_plays[], closing_plays[], ending_plays[], time_wait_plays[];

/* Every flag that tells segments apart. */
#define KIND (WH_SYN | WH_FIN | WH_RST | WH_ACK)

#endif
