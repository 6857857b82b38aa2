/* SPDX-License-Identifier: MIT */
/*
 * What the relays of one device have in common. There is one for each queue, in a thread
 * of its own, and none looks into another's stack.
 *
 * Whose. A conversation belongs to the relay whose number is the share of its two ends
 * (link/share.h). What comes out of the wrong queue goes over a ring (link/handoff.h) to
 * the right one, whose answer then teaches the kernel to use the right queue from there
 * on. So what crosses are the first packets of half of all conversations, and of those
 * that were silent for so long that the kernel forgot them.
 *
 * Waking. A ring is looked into once a turn. Only a relay that sleeps is woken, through a
 * descriptor that its epoll watches. It says that it will sleep and then looks once more;
 * who hands over puts the frame in and then asks whether it sleeps. Both do so with one
 * atomic exchange of the same flag, so that one of them sees the other.
 *
 * Turns. A ladder, a trace, a capture, a plot and the simulated path of --fault are one for
 * all relays, and what they tell must be in the order of time. Where there is one of them,
 * the relays take turns: a turn is done under a lock, in the order of asking.
 */
#ifndef WAVEHAND_RELAY_EXCHANGE_H
#define WAVEHAND_RELAY_EXCHANGE_H

#include <wavehand/wavehand.h>

#include "link/handoff.h"

enum { EXCHANGE_MOST = 16 }; /* relays */

struct exchange;

/* For so many relays; with in_turns, they never work at the same time. NULL without memory or descriptors. */
struct exchange *exchange_new(uint32_t members, bool in_turns);
void exchange_free(struct exchange *exchange);
uint32_t exchange_members(const struct exchange *exchange);

/* The ring from one relay to another; two different ones. */
struct handoff *exchange_ring(const struct exchange *exchange, uint32_t from, uint32_t to);
/* What the relay's epoll must watch, edge-triggered: readable when it is to wake up. */
int exchange_bell(const struct exchange *exchange, uint32_t member);
/* Wakes the relay if it sleeps: after frames were handed to it. */
void exchange_wake(struct exchange *exchange, uint32_t member);
/* Wakes the relay, or keeps it from falling asleep: after anything else. */
void exchange_ring_bell(const struct exchange *exchange, uint32_t member);
/* Before and after waiting. False: something was handed over, do not wait. */
bool exchange_sleep(struct exchange *exchange, uint32_t member);
void exchange_awake(struct exchange *exchange, uint32_t member);

/* Around a turn's work. */
void exchange_turn_begin(struct exchange *exchange);
void exchange_turn_end(struct exchange *exchange);

/* True for the first of all relays that asks with this number, below 32. */
bool exchange_first(struct exchange *exchange, unsigned number);
/* Frames lost in rings, of all relays. */
size_t exchange_lost(const struct exchange *exchange);

#endif
