/* SPDX-License-Identifier: MIT */
/* One cell of the goodput grid: a path, and what shall be sent over it. */
#ifndef BENCH_PATH_CELL_H
#define BENCH_PATH_CELL_H

#include <wavehand/link.h>

enum { CELL_FLOWS = 8, CELL_MTU = 1500 };

struct cell {
    char congestion[16];
    double loss;    /* percent of data frames */
    unsigned burst; /* frames a loss burst takes on average; 1: losses are independent */
    double reorder; /* percent of data frames that later ones overtake */
    wh_time rtt;
    uint64_t rate; /* bits a second, each way */
    double queue;  /* of the bottleneck, in bandwidth-delay products */
    unsigned flows;
    uint64_t seed; /* from 1 */
    /* The run is over after so much time or so many bytes (all flows together), whichever is first. */
    wh_time time;
    uint64_t bytes;
    /* Most that an end may buffer each way; 0: what the stack has when nobody says anything. */
    uint64_t buffers;
};

/*
 * Reads "cc=cubic loss=1% rtt=66ms rate=100mbit queue=1 reorder=0% flows=1 seed=1", in any order;
 * loss=1%/5 is lost in bursts of five; time=10s, bytes=32mb and buffers=64mb overrule what follows
 * from the rest, buffers=0 leaves them to the stack. What is not named is the cell of loss 0, 20 ms,
 * 100 Mbit/s and a queue of 1. False if it makes no sense, with one line in error.
 */
bool cell_parse(struct cell *cell, const char *text, char *error, size_t error_size);

/* Bytes on the way when the path is full; at least 16 full packets, so that queues are some packets. */
uint64_t cell_bdp(const struct cell *cell);
/* Bytes that the bottleneck's queue holds. */
uint64_t cell_queue(const struct cell *cell);
/* Most payload bits a second that fit: full segments with timestamps, as both stacks send them. */
double cell_ideal(const struct cell *cell);

/*
 * A path of the cell's rate, delay and queue. Data goes from side A to side B; what goes wrong
 * is added by cell_impair once the connections are open, so that no handshake is part of a figure.
 * Both answer a wh_error.
 */
int cell_path(const struct cell *cell, wh_path **path);
int cell_impair(const struct cell *cell, wh_path *path);

/*
 * Ends the program by SIGPROF once it has used so many more seconds of a core: a stack that needs
 * longer for a cell has a defect, and the other cells are to be measured all the same.
 */
void cell_limit_core(unsigned seconds);
/* Seconds of a core that this program has used. */
double cell_core_seconds(void);

#endif
