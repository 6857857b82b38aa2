/* SPDX-License-Identifier: MIT */
/*
 * The relays of one device, a thread each. The first is the caller's own: it watches what
 * the others need not, and moves when the caller lets it.
 */
#ifndef WAVEHAND_RELAY_CREW_H
#define WAVEHAND_RELAY_CREW_H

#include "relay/relay.h"

struct crew;

/*
 * A relay for each descriptor; all of them are the crew's from now on. plan.tun,
 * plan.exchange and plan.share are filled in here. NULL, with a line in error.
 */
struct crew *crew_new(const struct relay_plan *plan, const int *tuns, uint32_t count, char *error,
                      size_t error_size);
/* Opens the host's port, for all relays. -1, with a line in error. */
int crew_publish(struct crew *crew, const struct relay_publish *publish, char *error,
                 size_t error_size);
/* As relay_watch, in the caller's thread. */
int crew_watch(struct crew *crew, int descriptor, void (*ready)(void *context), void *context);
/* Lets the others work. -1, with a line in error. */
int crew_start(struct crew *crew, char *error, size_t error_size);
/* As relay_turn, of the caller's relay. */
int crew_turn(struct crew *crew, wh_time until);
/* The program has ended: closes published ports and keeps count of what is left from now on. */
void crew_ending(struct crew *crew);
/* What is left, of all relays; one that has not looked since crew_ending counts as not done. */
struct relay_load crew_load(const struct crew *crew);
/* Stops the others, resets what is left and frees everything. Says if frames were lost between relays. */
void crew_free(struct crew *crew);

#endif
