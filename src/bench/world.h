/* SPDX-License-Identifier: MIT */
/*
 * Two stacks back to back in memory. What one puts out is copied once into a buffer
 * of the other's, as any link would, and goes in; there is no device and no system
 * call between them. Checksums are made by the one and verified by the other, unless
 * the link is one that offers segmentation: then super-segments of up to 64 KiB cross
 * it with their checksums left to the link, as on TUN devices and virtual machines'
 * networks. Time is virtual: a turn of the loop takes a tick of it.
 *
 * The server reads in place; it throws away what it gets, or sends it back, and
 * closes when its peer has closed. What the client does is each figure's own affair.
 *
 * The first thing that goes wrong is written to `failed`, and all loops end at it.
 */
#ifndef WAVEHAND_BENCH_WORLD_H
#define WAVEHAND_BENCH_WORLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <wavehand/wavehand.h>

#include "base/checksum.h"
#include "bench/delay.h"

#define WORLD_BATCH 64         /* frames that cross at a time */
#define WORLD_RATE 10000000000 /* bits a second, of a path with a round-trip time */
#define WORLD_EVENTS 64        /* asked for at a time */
/* Connections that one address of the client's opens before the next one's turn: half its ports. */
#define WORLD_PER_ADDRESS 8192

struct world_options {
    bool ipv6;
    uint32_t mtu;                    /* bytes of a packet; of super-segments: of the largest */
    bool super;                      /* the link cuts super-segments and makes checksums */
    const struct checksum *checksum; /* NULL: the fastest */
    uint32_t buffer;                 /* bytes, of either direction's queue and window */
    wh_time msl;                     /* TIME-WAIT lasts twice this */
    uint32_t half_open, time_wait;   /* most entries */
    uint64_t connections;            /* most there may be at once, in any state */
    wh_time rtt; /* of the path, whose rate then is WORLD_RATE; 0: back to back, at any rate */
    wh_memory memory[2]; /* client's and server's hooks; zero: malloc */
};

struct world_end {
    wh_stack *host;
    wh_addr address;
    struct delay coming; /* frames on their way here, on a path with a round-trip time */
};

struct world {
    struct world_end client, server;
    wh_listener *listener;
    uint32_t addresses; /* the client's; more than one need a client that speaks for a network */
    wh_time now, tick;
    wh_time one_way;    /* how long a frame is on its way */
    size_t batch;       /* frames a turn, each way */
    const char *failed; /* what went wrong first, in words; NULL: all is well */

    bool echo;         /* the server sends back what it gets; else it throws it away */
    bool verify;       /* and looks whether it is the pattern, from position `arrived` on */
    uint64_t arrived;  /* bytes at the server */
    uint64_t accepted; /* connections the server has got so far, */
    uint64_t ended;    /* and those it has closed after its peer had */
    uint64_t opened;   /* connections the client has asked for */
    uint64_t connected;
    /* A connection of the client's has something to tell. `owner` is for it to use. */
    void (*heard)(struct world *world, const wh_event *event);
    void *owner;
    /* For tests: gets each frame on its way, to spoil it. NULL: nobody does. */
    void (*spoil)(struct world *world, uint8_t *frame, size_t length);

    wh_frame out[WORLD_BATCH], in[WORLD_BATCH];
};

/* MTU 1500, checksums, buffers of 256 KiB, TIME-WAIT of a minute, ten thousand connections, IPv4. */
void world_options_init(struct world_options *options);
/* NULL if there is no memory for it. Its `failed` is set if it cannot be made as asked for. */
struct world *world_new(const struct world_options *options);
void world_free(struct world *world);

/* Notes what went wrong, if it is the first thing. */
void world_fail(struct world *world, const char *what);

/* A tick passes; what either end has to say crosses once, server and client get their events. */
void world_turn(struct world *world);
/* One batch from an end to the other; false if there was none. */
bool world_carry(struct world *world, struct world_end *from, struct world_end *to);
/* The server's application alone: what came is answered or thrown away. */
void world_serve(struct world *world);
/* Lets this much time pass, with all that timers do in it; nobody speaks but them. */
void world_rest(struct world *world, wh_time duration);

/* Asks for one connection more, in SYN-SENT; NULL if that fails. `user` is the connection's. */
wh_conn *world_connect(struct world *world, void *user);
/* Opens n connections, some at a time, and waits until all stand; conns may be NULL. */
void world_open(struct world *world, wh_conn **conns, uint64_t n);

#endif
