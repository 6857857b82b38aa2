/* SPDX-License-Identifier: MIT */
/*
 * What a sending and a receiving application do, on stacks of ours: one sends as much as it may
 * on every connection, the other reads all and counts. For virtual and for real time alike.
 */
#ifndef BENCH_PATH_ENDS_H
#define BENCH_PATH_ENDS_H

#include "cell.h"

enum { ENDS_PORT = 5001 };

struct sender {
    wh_stack *host;
    wh_conn *conn[CELL_FLOWS];
    unsigned flows, connected, dead;
};

struct receiver {
    wh_stack *host;
    wh_listener *listener;
    unsigned flows, accepted, dead;
    uint64_t bytes[CELL_FLOWS];
};

/* A stack with this address, the cell's congestion control and buffers; a wh_error. */
int ends_stack(const struct cell *cell, wh_addr addr, uint32_t link_features, uint64_t seed,
               wh_time now, wh_stack **host);

int sender_open(struct sender *sender, const struct cell *cell, wh_addr to, wh_time now);
/* Takes events and fills send buffers. True if it did anything. */
bool sender_act(struct sender *sender);

int receiver_open(struct receiver *receiver, const struct cell *cell);
/* Takes events, accepts and reads. True if it did anything. */
bool receiver_act(struct receiver *receiver);

#endif
