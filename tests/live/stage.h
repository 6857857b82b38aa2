/* SPDX-License-Identifier: MIT */
/*
 * The stage of a live test: two of our hosts with counted memory, the wire between
 * them, and virtual time, which moves from one thing due to the next. Side 0 is the
 * client's, side 1 the server's. At one instant the hosts say and hear all they can
 * before any application acts.
 */
#ifndef WAVEHAND_LIVE_STAGE_H
#define WAVEHAND_LIVE_STAGE_H

#include "wire.h"
#include "world.h" /* counted memory */

/* Ports of the server's side. */
enum port {
    PORT_PLAIN = 7,  /* a listener */
    PORT_HOLD = 8,   /* a listener that holds each SYN for the application */
    PORT_NOBODY = 9, /* no listener */
    PORT_ACTIVE = 10 /* where an active open of the server's side comes from */
};

#define CLIENT_ADDRESSES 4
#define STAGE_START (5 * WH_SECOND)

/* A moment that somebody waits for. */
struct alarm {
    wh_time when;
    void *user;
};

struct stage;

/* Who is on the stage. */
struct cast {
    void *context;
    /* The user pointer of a server's side for a connection or held SYN from here, or NULL. */
    void *(*find)(void *context, const wh_endpoint *remote);
    void (*arrived)(void *user, wh_conn *conn, wh_syn *syn);
    /* Acts for this end; true if anything came of it. */
    bool (*act)(void *user);
    /* Called with what the hosts' traces say; may be NULL. */
    void (*records)(void *context, int side, const wh_trace_record *records, size_t n);
    /* Acts without being told to; may be NULL. */
    bool (*idle)(void *context);
};

struct stage_plan {
    bool loop;      /* the client's side alone, its wire leading back to it */
    bool eager;     /* applications act on what a host has heard before it answers */
    uint32_t batch; /* frames handed over in one call */
    uint32_t mtu;
    uint32_t trace_records;
    wh_time msl;
    const char *options[2][2]; /* for each side, "option value; ..."; NULL: none */
};

struct stage {
    wh_stack *host[2];
    struct counted memory[2];
    size_t empty[2]; /* bytes that a host without records holds */
    wh_listener *listener[2];
    struct wire wire;
    struct cast cast;
    struct stage_plan plan;
    wh_time now;
    struct alarm *alarm; /* a heap, the earliest first */
    size_t alarms, room;
    char why[400]; /* empty: no failure */
};

/* Keeps the first failure. */
bool stage_fail(struct stage *stage, const char *format, ...) __attribute__((format(printf, 2, 3)));
bool stage_make(struct stage *stage, const struct stage_plan *plan, const struct cast *cast);
/* An address of a side; the client's has several of each family, each with a partner on the server's. */
wh_addr stage_address(bool v6, int side, unsigned number);
void stage_alarm(struct stage *stage, wh_time when, void *user);
/* All that happens at this instant. Returns when the next thing is due, or WH_NEVER. */
wh_time stage_turn(struct stage *stage);
/* Closes the listeners. */
void stage_close(struct stage *stage);
/* After nothing is due any more: false, and why, if a host still holds anything but listeners. */
bool stage_is_empty(struct stage *stage);
/*
 * Bytes that a host holds besides what it began with, after it has given back the
 * chunks that it keeps for later. What is left then are tables that only grow.
 */
size_t stage_kept(struct stage *stage, int side);
/* False, and why, if memory was not given back. */
bool stage_free(struct stage *stage);

#endif
