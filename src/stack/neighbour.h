/* SPDX-License-Identifier: MIT */
/*
 * The stations of our neighbours on an Ethernet link: one table for ARP (RFC 826,
 * RFC 1122 2.3.2) and IPv6 neighbour discovery (RFC 4861 7). The table knows addresses,
 * stations and deadlines; hop.c parses and builds what goes over the link.
 */
#ifndef WAVEHAND_STACK_NEIGHBOUR_H
#define WAVEHAND_STACK_NEIGHBOUR_H

#include "base/chunk.h"
#include "base/list.h"
#include "base/siphash.h"
#include "wire/ethernet.h"

/* Addresses remembered at a time, and the buckets they hash to. */
#define MAX_NEIGHBOURS 1024
#define NEIGHBOUR_BUCKETS 1024

/* RFC 4861 10: RETRANS_TIMER, MAX_MULTICAST_SOLICIT and MAX_UNICAST_SOLICIT, REACHABLE_TIME,
 * DELAY_FIRST_PROBE_TIME; RFC 1122 2.3.2.1 also wants at most one question a second. */
#define NEIGHBOUR_RETRY WH_SECOND
#define NEIGHBOUR_TRIES 3
#define NEIGHBOUR_REACHABLE_TIME (30 * WH_SECOND)
#define NEIGHBOUR_DELAY (5 * WH_SECOND)
/* How long nobody is asked again for a station that did not answer. */
#define NEIGHBOUR_UNREACHABLE_TIME (5 * WH_SECOND)

/* RFC 4861 7.3.2, and one state for "asked in vain". */
enum neighbour_state {
    NEIGHBOUR_INCOMPLETE, /* asking everybody; no station known */
    NEIGHBOUR_REACHABLE,  /* answered us, until the deadline */
    NEIGHBOUR_STALE,      /* the station is known, not whether it still listens */
    NEIGHBOUR_DELAYED,    /* stale and in use: asked at the deadline */
    NEIGHBOUR_PROBED,     /* asking the station itself */
    NEIGHBOUR_UNREACHABLE /* did not answer; not asked again before the deadline */
};

struct neighbour {
    wh_addr addr;
    struct station station;
    uint8_t state;
    uint8_t tries;  /* questions sent in this round */
    bool proven;    /* has answered a question of ours */
    uint16_t index; /* its own, in the pool */
    uint16_t next;  /* in its bucket */
    wh_time deadline;
    struct link due_link; /* among the asked or the delayed */
    struct link age_link; /* among the proven or the unproven, unless somebody waits */
    struct list waiting;  /* whose turn comes when the station is known, or known not to be */
    struct chunk *saved;  /* the latest packet for it (RFC 1122 2.3.2.2, RFC 4861 7.2.2) */
};

struct neighbours {
    struct chunk_store *chunks;
    struct list *ready; /* where those who waited go */
    struct siphash_key key;
    struct pool pool;
    struct list asked;   /* INCOMPLETE and PROBED, by deadline */
    struct list delayed; /* DELAYED, by deadline */
    /* Who makes room for another, least recently used first; the unproven before the proven. */
    struct list unproven, proven;
    struct list crowd; /* waiting for room in the table */
    wh_time crowd_deadline;
    bool room_made;
    struct chunk *released; /* saved packets whose neighbour has answered or will not */
    uint16_t bucket[NEIGHBOUR_BUCKETS];
};

/* Saved packets are chunks of this store; those who waited are appended to `ready`; the key is secret. */
void neighbours_init(struct neighbours *table, struct memory *memory, struct chunk_store *chunks,
                     struct list *ready, const struct siphash_key *key);
/* Nobody may be waiting any more. */
void neighbours_free(struct neighbours *table);

enum neighbour_answer {
    NEIGHBOUR_FOUND,
    NEIGHBOUR_PENDING,
    NEIGHBOUR_LOST,    /* did not answer */
    NEIGHBOUR_NO_ROOM, /* the table is full of neighbours that others wait for */
};

/*
 * Which station has this address; asks for it if that is unknown. Whoever may wait
 * (a connection) can take the place of a question that nobody waits for.
 */
enum neighbour_answer neighbour_find(struct neighbours *table, const wh_addr *addr, bool may_wait,
                                     wh_time now, struct station *station);
/* After PENDING or NO_ROOM: moves to `ready` as soon as asking again makes sense. */
void neighbour_wait(struct neighbours *table, const wh_addr *addr, struct link *link, wh_time now);
/* After PENDING: keeps the packet in place of the last one; false: it is still the caller's. */
bool neighbour_save(struct neighbours *table, const wh_addr *addr, struct chunk *packet);
/* A saved packet that should be tried again, or NULL. */
struct chunk *neighbour_released(struct neighbours *table);

/* What a message says about a neighbour. */
struct neighbour_news {
    wh_addr addr;
    struct station station;
    bool has_station;
    bool solicited; /* answers a question of ours */
    bool override;  /* the station replaces another one */
    bool introduce; /* new neighbours are entered: the message was to us */
};
/* False: nothing is known about this neighbour and nothing was entered. */
bool neighbour_learn(struct neighbours *table, const struct neighbour_news *news, wh_time now);

/* What goes there is not answered (RFC 1122 3.3.1.4): a station believed to be there is asked itself. */
void neighbour_suspect(struct neighbours *table, const wh_addr *addr, wh_time now);

struct solicitation {
    wh_addr target;
    bool probe; /* goes to the station alone, not to everybody */
    struct station station;
};
/* Takes the next question that is due; call until false. Also gives up on who did not answer. */
bool neighbour_solicit(struct neighbours *table, wh_time now, struct solicitation *question);
/* When neighbour_solicit should be called next. */
wh_time neighbours_wake(const struct neighbours *table);

#endif
