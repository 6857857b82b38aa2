/* SPDX-License-Identifier: MIT */
/* The ends of a cell in real time: Linux's sockets, and our stack behind a TUN device. */
#ifndef BENCH_PATH_REAL_END_H
#define BENCH_PATH_REAL_END_H

#include "outcome.h"

struct end_options {
    const struct cell *cell;
    const char *text; /* of the cell */
    wh_addr own, other;
    const char *device; /* of wavehand's ends */
};

/* Each runs to its end and answers the program's exit status. */
int linux_send(const struct end_options *options);
int linux_receive(const struct end_options *options);
int wavehand_send(const struct end_options *options);
int wavehand_receive(const struct end_options *options);

/* True once standard input has ended, which is how a sender is told to stop. */
bool end_told(void);
/* The sender's line: bytes sent again and timeouts, all flows together. */
void end_print_sender(uint64_t retransmitted, uint64_t timeouts);

#endif
