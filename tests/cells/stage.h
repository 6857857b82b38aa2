/* SPDX-License-Identifier: MIT */
/*
 * The stage: one stack in virtual time with counted memory, and a peer that is
 * nothing but frames built by hand. The stage keeps the variables of RFC 9293
 * 3.3.1 by itself, from what it sends and sees, so that the oracle need not ask
 * the stack under test for the facts it judges by.
 */
#ifndef CELLS_STAGE_H
#define CELLS_STAGE_H

#include "oracle.h"

#define STAGE_SENT 16
#define STAGE_WINDOW 20000                    /* the peer's window while a scene is built up */
#define STAGE_MSL WH_SECOND                   /* so that 2MSL is short beside the other timers */
#define STAGE_BUFFER 4096                     /* our receive buffer: the largest window */
#define STAGE_PATIENCE (500 * WH_MILLISECOND) /* the latest an ACK may leave (MUST-40) */

/* Where in the sequence space both ends begin. */
struct placement {
    const char *name;
    uint32_t iss, irs;
    uint32_t stamp; /* the peer's timestamp clock */
};

struct variant {
    unsigned family; /* 4 or 6 */
    const struct placement *numbers;
    bool rst_ends;          /* the configuration's rst_ends_time_wait */
    uint32_t max_time_wait; /* 0: plenty */
};

struct stage {
    struct variant variant;
    wh_stack *host;
    wh_listener *listener;
    wh_conn *conn;
    wh_syn *held; /* a SYN that was offered */
    wh_time now;
    size_t memory;
    wh_endpoint ours, theirs;
    struct facts is;
    uint32_t edge; /* right edge of the window the host has advertised */
    bool edge_known;
    uint32_t peer_stamp;
    uint32_t peer_first; /* number of the first byte of data that arrived last */
    struct left {
        struct segment segment;
        wh_time time;
    } sent[STAGE_SENT]; /* what has left since stage_clear */
    unsigned sents;
    uint32_t events; /* of conn, since stage_clear */
    bool loose;      /* whatever leaves is not remembered */
    bool verbose;    /* tell on stdout what comes and goes, as "# " lines */
    char why[200];   /* the first thing that went wrong; empty: nothing */
};

/* A stack with one address. */
void stage_open(struct stage *stage, struct variant variant);
/* Ends every handle, asks wh_check, frees the stack and looks for memory left behind. */
void stage_close(struct stage *stage);

/* Remembers the first failure. Always false. */
bool stage_fail(struct stage *stage, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Data of the peer's at this sequence number. */
uint8_t stage_byte(uint32_t seq);
/* A segment of the peer's with what is natural: SEQ=RCV.NXT, ACK=SND.NXT, the usual window. */
struct segment stage_segment(const struct stage *stage, uint16_t flags, uint32_t length);
/* Lets it arrive, without taking note of it. */
void stage_arrives(struct stage *stage, const struct segment *segment);
/* Lets a good segment arrive and keeps the variables: what scenes are built with. */
void stage_peer(struct stage *stage, uint16_t flags, uint32_t length);
/* Takes what leaves now, and events. */
void stage_pump(struct stage *stage);
/* Lets time pass and takes what leaves meanwhile. */
void stage_wait(struct stage *stage, wh_time span);
/* Forgets what has left and was told. */
void stage_clear(struct stage *stage);

/* The record of the flow, whether it has a handle or not; WH_CLOSED if there is none. */
wh_state stage_state(const struct stage *stage, wh_time *timer);

bool stage_listen(struct stage *stage, unsigned flags);
bool stage_connect(struct stage *stage);
bool stage_accept(struct stage *stage);

/* "ACK,FIN seq +0 ack +0 len 0": numbers relative to RCV.NXT and SND.NXT. To text[120]. */
char *segment_words(const struct facts *facts, const struct segment *segment, char *text);
char *flag_words(uint16_t flags, char *text); /* text[48] */

/* What the receive window has left: the advertised edge less RCV.NXT. */
uint32_t stage_window(const struct stage *stage);

#endif
