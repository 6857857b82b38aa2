/* SPDX-License-Identifier: MIT */
/*
 * What the two halves of `wavehand demo` share: demo.c has the hosts, the path and
 * the verdict, demo_programs.c the two programs that talk over them.
 */
#ifndef WAVEHAND_CLI_DEMO_PARTS_H
#define WAVEHAND_CLI_DEMO_PARTS_H

#include "cli/options.h"
#include "cli/outputs.h"

#define DEMO_COMMAND "wavehand demo"
#define CLIENT LADDER_LEFT
#define SERVER LADDER_RIGHT
#define SIDE(side) (1U << (side))

/* One end's program. */
struct program {
    wh_conn *conn;
    wh_listener *listener;
    bool established; /* its handshake is complete */
    bool time_wait;   /* its host went through TIME-WAIT */
    int error;        /* what its connection died of */
    wh_time close_at; /* WH_NEVER: not yet, or done */
};

/* What the client has read. */
struct page {
    uint64_t announced, arrived; /* bytes */
    char header[256];
    size_t header_length;
    bool header_read, corrupt, whole;
};

/* What the server has heard and said. */
struct answer {
    char request[256];
    size_t request_length;
    bool begun, finished;
    uint64_t queued; /* bytes */
};

struct demo {
    struct options options;
    uint64_t bytes;
    bool ipv6, silent;           /* silent: no page, nobody says anything */
    bool both_open;              /* both connect, nobody listens */
    unsigned closing, resetting; /* SIDE()s that end the connection: with a FIN, with a RST */
    bool waits;                  /* the other end's program waits ... */
    wh_time wait;                /* ... this long until it closes too */

    struct outputs *outputs;
    wh_stack *host[2];
    wh_path *path;
    wh_time now;
    struct program program[2];
    struct page page;
    struct answer answer;
    bool over; /* all is said; the closing has been arranged */
};

/* Gives the programs on this side their events; true if there were any. */
bool programs_hear(struct demo *demo, enum ladder_side side);
/* Closes what is due to be closed; true if something was. */
bool programs_close(struct demo *demo);
/* When programs_close next has something to do, or WH_NEVER. */
wh_time programs_wake(const struct demo *demo);

#endif
