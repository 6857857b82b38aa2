/* SPDX-License-Identifier: MIT */
/*
 * A hierarchical timing wheel: arming, moving and disarming a timer costs O(1),
 * from microseconds to months. Intrusive: the timer lives in its owner's record.
 */
#ifndef WAVEHAND_BASE_WHEEL_H
#define WAVEHAND_BASE_WHEEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Resolution: timers fire up to one tick late, never early. */
#define WHEEL_TICK_BITS 16 /* 65.536 microseconds */
#define WHEEL_SLOT_BITS 6
#define WHEEL_SLOTS (1 << WHEEL_SLOT_BITS)
/* Enough for every 64-bit time: there is no horizon. */
#define WHEEL_LEVELS ((64 - WHEEL_TICK_BITS + WHEEL_SLOT_BITS - 1) / WHEEL_SLOT_BITS)

struct timer {
    struct timer *next;
    struct timer **link; /* what points at this timer; NULL: not armed */
    uint64_t deadline;   /* nanoseconds; set by wheel_arm */
};

struct wheel {
    uint64_t tick; /* the last tick that has been run; timers are due in its slot of level 0 */
    uint32_t armed;
    uint64_t occupied[WHEEL_LEVELS]; /* a bit for every slot that holds a timer */
    struct timer *slot[WHEEL_LEVELS][WHEEL_SLOTS];
};

void wheel_init(struct wheel *wheel, uint64_t now);
static inline bool timer_armed(const struct timer *timer) { return timer->link != NULL; }
/* Arms the timer, or moves it. A deadline in the past fires at the next wheel_expire. */
void wheel_arm(struct wheel *wheel, struct timer *timer, uint64_t deadline);
void wheel_disarm(struct wheel *wheel, struct timer *timer);
/*
 * Takes one timer that is due at `now`, disarmed; NULL when none is left. Call
 * until NULL. Timers come in order of their ticks; within a tick the order is
 * not specified, but the same calls give the same order. Time may jump by any
 * amount: what no timer waits for costs nothing.
 */
struct timer *wheel_expire(struct wheel *wheel, uint64_t now);
/* The timer that wheel_expire would probably take next, or NULL: worth asking memory for. */
static inline struct timer *wheel_peek(const struct wheel *wheel)
{
    return wheel->slot[0][wheel->tick & (WHEEL_SLOTS - 1)];
}
/*
 * A time not after the earliest deadline's due moment: calling wheel_expire then
 * is early enough. Exact when the next timer is near or few share its slot; at
 * worst, one early wake-up a level. UINT64_MAX if nothing is armed.
 */
uint64_t wheel_next(const struct wheel *wheel);

#endif
