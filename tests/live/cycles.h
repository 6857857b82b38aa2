/* SPDX-License-Identifier: MIT */
/*
 * Cycles: connections opened and closed in every order there is, many at once,
 * between the same two hosts, over both address families, until so many are done.
 */
#ifndef WAVEHAND_LIVE_CYCLES_H
#define WAVEHAND_LIVE_CYCLES_H

#include "drawing.h"
#include "orders.h"
#include "play.h"

struct cycles {
    struct stage stage;
    struct script (*script)[2]; /* of each order */
    uint64_t *finished;         /* cycles of each order that ran to their end */
    struct slot *slot;          /* cycles under way */
    struct slot **idle;         /* those that wait for a next cycle */
    size_t slots, idles;
    struct slot **by_place; /* the cycle at each place, or NULL */
    uint8_t *muted;         /* bit of each side at each place; lasts beyond the cycle's end */
    wh_time *free_at;       /* when nothing of the last one is left there */
    uint32_t place;         /* where the next one may be */
    size_t next, only;      /* order of the next cycle; the only order, or order_count */
    uint64_t to_start, under_way;
    struct drawing *drawing;
    size_t culprit; /* the order that failed, or order_count */
};

/* A drawing asks for a trace; NULL: none. `only` is an order's number, or order_count for all. */
bool cycles_make(struct cycles *cycles, size_t slots, size_t only, struct drawing *drawing);
/* Plays so many cycles to their end, and on until nothing at all is due. False: stage.why tells. */
bool cycles_play(struct cycles *cycles, uint64_t count, bool eager);
bool cycles_free(struct cycles *cycles);

#endif
