/* SPDX-License-Identifier: MIT */
/*
 * Ticks are numbered from time zero. A timer's tick and the wheel's own tick are
 * compared as numbers in base 64: the highest digit in which they differ is the
 * timer's level, and the timer's own digit there its slot. So everything on level
 * 0 is due within the current 64 ticks, everything on level 1 within the current
 * 4096 but not within the current 64, and so on; timers on a lower level are due
 * before all timers on a higher one, and the first occupied slot of the lowest
 * occupied level holds the earliest.
 *
 * The place of a timer thus depends on two numbers only. As the wheel's tick moves
 * within a span in which no occupied slot begins, no place changes; when it
 * reaches the beginning of an occupied slot, the timers of that slot, and only
 * they, move to lower levels. A timer moves at most once a level in its life.
 */
#include "base/wheel.h"

#include <string.h>

#include "base/bytes.h"

#define TICK_MAX (UINT64_MAX >> WHEEL_TICK_BITS)
#define NEXT_LOOKS_AT 4

/* The first tick that begins at or after the deadline: never early. */
static uint64_t due_tick(uint64_t deadline)
{
    uint64_t tick = deadline >> WHEEL_TICK_BITS;

    if ((deadline & ((1ULL << WHEEL_TICK_BITS) - 1)) != 0)
        tick++;
    return MIN(tick, TICK_MAX);
}

static struct timer **place(struct wheel *wheel, uint64_t tick)
{
    uint64_t difference = tick ^ wheel->tick;
    unsigned level = 0;

    if (tick <= wheel->tick)
        tick = wheel->tick; /* overdue: the slot of the current tick */
    else
        level = (unsigned)(63 - __builtin_clzll(difference)) / WHEEL_SLOT_BITS;
    return &wheel->slot[level][tick >> level * WHEEL_SLOT_BITS & (WHEEL_SLOTS - 1)];
}

static void slot_mark(struct wheel *wheel, struct timer *const *slot, bool occupied)
{
    size_t number = (size_t)(slot - &wheel->slot[0][0]);
    uint64_t bit = 1ULL << number % WHEEL_SLOTS;

    if (occupied)
        wheel->occupied[number / WHEEL_SLOTS] |= bit;
    else
        wheel->occupied[number / WHEEL_SLOTS] &= ~bit;
}

static void insert(struct wheel *wheel, struct timer *timer)
{
    struct timer **slot = place(wheel, due_tick(timer->deadline));

    timer->next = *slot;
    timer->link = slot;
    if (timer->next != NULL)
        timer->next->link = &timer->next;
    else
        slot_mark(wheel, slot, true);
    *slot = timer;
}

static void unlink_timer(struct wheel *wheel, struct timer *timer)
{
    struct timer **link = timer->link;

    *link = timer->next;
    if (timer->next != NULL)
        timer->next->link = link;
    else if ((uintptr_t)link - (uintptr_t)wheel->slot < sizeof(wheel->slot))
        slot_mark(wheel, link, false); /* it was alone in its slot */
    timer->link = NULL;
    timer->next = NULL;
}

void wheel_init(struct wheel *wheel, uint64_t now)
{
    memset(wheel, 0, sizeof(*wheel));
    wheel->tick = now >> WHEEL_TICK_BITS;
}

void wheel_arm(struct wheel *wheel, struct timer *timer, uint64_t deadline)
{
    if (timer_armed(timer)) {
        /* A timer that is moved a little often stays in its slot. */
        bool stays = place(wheel, due_tick(timer->deadline)) == place(wheel, due_tick(deadline));

        if (stays) {
            timer->deadline = deadline;
            return;
        }
        unlink_timer(wheel, timer);
    } else {
        wheel->armed++;
    }
    timer->deadline = deadline;
    insert(wheel, timer);
}

void wheel_disarm(struct wheel *wheel, struct timer *timer)
{
    if (!timer_armed(timer))
        return;
    unlink_timer(wheel, timer);
    wheel->armed--;
}

/* Finds the earliest occupied slot and the tick at which it begins. False: nothing is armed. */
static bool earliest_slot(const struct wheel *wheel, unsigned *level, unsigned *slot,
                          uint64_t *tick)
{
    for (unsigned l = 0; l < WHEEL_LEVELS; l++) {
        unsigned shift = l * WHEEL_SLOT_BITS;
        uint64_t above;

        if (wheel->occupied[l] == 0)
            continue;
        *level = l;
        *slot = (unsigned)__builtin_ctzll(wheel->occupied[l]);
        /* The wheel's tick with this digit replaced and all lower ones zero. */
        above = wheel->tick >> shift & ~(uint64_t)(WHEEL_SLOTS - 1);
        *tick = (above | *slot) << shift;
        return true;
    }
    return false;
}

/* Moves the timers of a slot, which the wheel's tick has just reached, to lower levels. */
static void cascade(struct wheel *wheel, struct timer **slot)
{
    struct timer *timer = *slot;

    *slot = NULL;
    slot_mark(wheel, slot, false);
    while (timer != NULL) {
        struct timer *next = timer->next;

        insert(wheel, timer);
        timer = next;
    }
}

struct timer *wheel_expire(struct wheel *wheel, uint64_t now)
{
    uint64_t now_tick = now >> WHEEL_TICK_BITS, tick;
    unsigned level, slot;

    for (;;) {
        struct timer *timer = wheel->slot[0][wheel->tick & (WHEEL_SLOTS - 1)];

        if (timer != NULL) {
            wheel_disarm(wheel, timer);
            return timer;
        }
        if (!earliest_slot(wheel, &level, &slot, &tick) || tick > now_tick)
            break;
        wheel->tick = tick;
        if (level != 0)
            cascade(wheel, &wheel->slot[level][slot]);
    }
    /* No occupied slot begins before or at now_tick, so no timer changes its place. */
    if (now_tick > wheel->tick)
        wheel->tick = now_tick;
    return NULL;
}

uint64_t wheel_next(const struct wheel *wheel)
{
    unsigned level, slot, looked = 0;
    uint64_t tick, earliest = TICK_MAX;
    const struct timer *timer;

    if (!earliest_slot(wheel, &level, &slot, &tick))
        return UINT64_MAX;
    if (level == 0)
        return tick << WHEEL_TICK_BITS;
    timer = wheel->slot[level][slot];
    for (; timer != NULL && looked < NEXT_LOOKS_AT; timer = timer->next, looked++)
        earliest = MIN(earliest, due_tick(timer->deadline));
    return (timer == NULL ? earliest : tick) << WHEEL_TICK_BITS;
}
