/* SPDX-License-Identifier: MIT */
/*
 * The ground on which truth is made: a client and a server, both of them ours, and
 * a path of two halves with a box between them that may change, drop or forge
 * packets. What passes at the client, at the box and at the server is kept. Time is
 * virtual, all chance comes from a seed, and who plays here knows the cause.
 */
#ifndef WAVEHAND_TRUTH_GROUND_H
#define WAVEHAND_TRUTH_GROUND_H

#include <wavehand/link.h>

#include "tape.h"

enum side { CLIENT, SERVER };
static inline enum side other(enum side side) { return side == CLIENT ? SERVER : CLIENT; }

/* Where a capture is taken; BOTH is a file at either end. */
enum vantage { AT_CLIENT, AT_SERVER, AT_MIDDLE, AT_BOTH, VANTAGES };
#define IN(vantage) (1U << (vantage))
#define EVERYWHERE (IN(AT_CLIENT) | IN(AT_SERVER) | IN(AT_MIDDLE) | IN(AT_BOTH))
/* Which half of the path, named by who lives at its end. */
enum half { NEAR_CLIENT, NEAR_SERVER };

struct luck {
    uint64_t state;
};
uint64_t luck_below(struct luck *luck, uint64_t below);
/* True once in `n`. */
static inline bool luck_once_in(struct luck *luck, uint64_t n) { return luck_below(luck, n) == 0; }
/* From least to most, evenly on a logarithmic scale. */
uint64_t luck_scale(struct luck *luck, uint64_t least, uint64_t most);

/* What differs from case to case and is not the cause of anything. */
struct variety {
    enum vantage vantage;
    bool ipv6, timestamps, sack, scaling, jitter, wraps;
    bool box_first; /* the point in the middle is on the server's side of the box */
    wh_time rtt;
    unsigned noise; /* other connections, all clean */
    bool lossy;     /* the capture itself loses packets */
    bool late;      /* the capture begins in mid-connection */
    bool offloads;  /* the hosts leave checksums and cutting into segments to their links */
    bool one_way;   /* a capture in the middle has one direction only */
    int64_t skew;   /* by how much the server's clock is ahead of the client's, ns */
    struct tape_form form;
};

/* A connection and what its two programs are to do by themselves. */
struct talk {
    wh_endpoint end[2];
    wh_conn *conn[2];
    bool reads[2]; /* whatever arrives, at once */
    bool eof[2], dead[2];
    uint64_t received[2];
    wh_time answers_eof[2]; /* closes so long after the peer has: WH_NEVER: not by itself */
    wh_time close_at[2];
    bool noise;
    wh_time start; /* of noise: when it begins */
    bool asked;
};

#define TALKS 12

struct ground;
/* A packet at the box, which may be changed in place (packet_mend); false: it goes no further. */
typedef bool box_function(struct ground *ground, enum side from, uint8_t *packet, uint32_t length);

/* What is right to say, given the cause and the place. */
struct truth {
    const char *expect; /* verdicts, joined by commas; NULL: a capture from here makes no case */
    bool holds;         /* a capture taken here holds the answer */
};

struct ground {
    struct luck luck;
    struct variety variety;
    wh_stack *host[2];
    bool unplugged[2]; /* nobody lives there: what arrives is seen and unanswered */
    bool rst_ends_time_wait;
    uint32_t backlog;
    wh_listener *listener[2]; /* the server's: for the case, for noise */
    bool accepts;             /* the server's program takes its connections */
    wh_path *half[2];
    uint8_t hops[2]; /* routers in each half */
    wh_time now;
    box_function *box;
    void *box_state;
    uint64_t box_count;
    struct tape tape[3]; /* by enum vantage */
    struct talk talk[TALKS];
    unsigned talks;
    uint16_t port; /* the server's, of the case */
    wh_addr address[2];
    struct truth truth[VANTAGES];
    const char *pattern; /* not one connection is the case but a pattern of many: its verdict */
    wh_time opened;      /* when the case's handshake was done, or WH_NEVER */
    bool all_matters;    /* the answer needs every packet of the case */
    unsigned subject;    /* which talk is the case */
};

/* Draws the variety and makes the ground from a seed; flags: those of a scenario. */
void ground_make(struct ground *ground, uint64_t seed, unsigned flags);
void ground_free(struct ground *ground);
/* A host begins anew, knowing nothing: as after a reboot. */
void ground_reboot(struct ground *ground, enum side side);
/* The host is gone, and nothing answers in its place. */
void ground_unplug(struct ground *ground, enum side side);
void ground_listen(struct ground *ground);

/* A fault rule for packets of the case, in one half of the path. */
void ground_fault(struct ground *ground, enum half half, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Puts a packet on the path at the box. */
void ground_inject(struct ground *ground, enum side to, const uint8_t *packet, uint32_t length);
/* Puts a packet on the path at a host, as if the host had sent it. */
void ground_emit(struct ground *ground, enum side from, const uint8_t *packet, uint32_t length);

/* Lets time pass. */
void ground_pass(struct ground *ground, wh_time duration);
/* Goes to the next thing that happens, at most to `limit`; false if nothing does before it. */
bool ground_step(struct ground *ground, wh_time limit);

/* Says what is right from the places given (IN(...) | ...). */
void ground_truth(struct ground *ground, unsigned places, const char *expect, bool holds);

#endif
