/* SPDX-License-Identifier: MIT */
/* What programs do on the ground: open, send, close, and what they do without being told each time. */
#ifndef WAVEHAND_TRUTH_ACTS_H
#define WAVEHAND_TRUTH_ACTS_H

#include "ground.h"

/* A connection to be, with endpoints drawn. */
struct talk *talk_new(struct ground *ground, uint16_t port);
/* The client opens; nothing has moved yet. */
void talk_connect(struct ground *ground, struct talk *talk);
/* The case's connection: opened, and waited for until both ends have it (at most three minutes). */
struct talk *talk_open(struct ground *ground);
bool talk_open_at_both(const struct talk *talk);
void talk_send(struct talk *talk, enum side from, uint64_t bytes);
/* Sends and waits until all has arrived and been acknowledged. */
void talk_move(struct ground *ground, struct talk *talk, enum side from, uint64_t bytes);
/* Requests and responses as the dice have it, often none; both ends rest at the end. */
void talk_chat(struct ground *ground, struct talk *talk);
/* The same, with at least a byte each way. */
void talk_greet(struct ground *ground, struct talk *talk);
void talk_close(struct talk *talk, enum side side);
/* Ends this half only. */
void talk_shut(struct talk *talk, enum side side);
void talk_abort(struct talk *talk, enum side side);
/* A pause of a program: longer than any round trip here, shorter than what anybody calls a stall. */
void pause_briefly(struct ground *ground);
/* Time for all that is under way to arrive and be answered. */
void pause_trips(struct ground *ground, unsigned trips);
/* An unrelated clean connection, now: who sees it knows that the capture still went on. */
void later_traffic(struct ground *ground);

/* For the ground: programs do what they can; true if anything changed. */
bool talks_act(struct ground *ground);
wh_time talks_wake(const struct ground *ground);

#endif
