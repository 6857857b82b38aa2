/* SPDX-License-Identifier: MIT */
/*
 * A world for simulations: two of our hosts with counted memory, a path between
 * them, and many conversations over it, each with a plan drawn from a seed: how
 * much each side sends, in what pieces, who closes first and how. Every byte is
 * checked by its position. Nothing here depends on real time or on addresses in
 * memory, so a seed replays exactly.
 */
#ifndef WAVEHAND_SIM_WORLD_H
#define WAVEHAND_SIM_WORLD_H

#include <wavehand/link.h>

/* splitmix64 (Steele, Lea, Flood 2014). */
struct luck {
    uint64_t state;
};

uint64_t luck_next(struct luck *luck);
/* A number from 0 to below - 1. */
uint64_t luck_below(struct luck *luck, uint64_t below);

/* Memory that is counted, and can be made to fail. */
struct counted {
    size_t now, peak;
    uint64_t calls;
    uint64_t fail_at,
        fail_every; /* the fail_at-th call fails (0: none), and then each fail_every-th */
};

wh_memory counted_memory(struct counted *counted);

/* Who ends a conversation, and how. */
enum ending {
    END_CLIENT_FIRST, /* the client shuts down when it has sent all, the server after its end of file */
    END_SERVER_FIRST,
    END_BOTH,       /* both when they have sent all */
    END_HALF_CLOSE, /* the client shuts down at once; the server sends only after the end of file */
    END_CLIENT_ABORT, /* somewhere on the way */
    END_SERVER_ABORT,
    ENDINGS,
};

/* One end of a conversation. */
struct end {
    struct talk *talk;
    wh_conn *conn;
    bool client, connected, eof, shut, done, reset;
    uint64_t to_send, sent, received;
    uint64_t abort_at; /* bytes received and sent after which it aborts; UINT64_MAX: never */
    uint32_t piece;    /* bytes of one send or recv */
    int error;
};

struct talk {
    struct world *world;
    uint32_t number;
    enum ending ending;
    struct end end[2]; /* client, server */
};

struct plan {
    uint64_t seed;
    bool v6;
    uint32_t talks;        /* conversations in all */
    uint32_t at_once;      /* open at the same time */
    uint64_t most_bytes;   /* of one direction */
    bool aborts;           /* aborts among the endings */
    bool client_speaks;    /* the client has at least a byte to say */
    bool fast_open;        /* the client speaks with its SYN where it can */
    bool no_half_open;     /* the server has no half-open entries: every handshake is by cookie */
    const char *faults[8]; /* NULL ends */
    size_t cap[2];         /* memory caps; 0: the default */
    uint32_t mtu;          /* 0: 1500 */
    uint32_t features;
    int64_t options[2][8][2]; /* by host: {option + 1, value} */
    uint32_t trace_records;
    bool trace_sender;
};

/* A plan with everything drawn from the seed: address family, faults, MTU, offloads, options, sizes, endings. */
void plan_draw(struct plan *plan, uint64_t seed);

struct world {
    struct plan plan;
    struct luck luck;
    wh_stack *host[2]; /* client's, server's */
    struct counted memory[2];
    wh_sim *sim;
    wh_path *path;
    wh_listener *listener;
    wh_addr address[2];
    struct talk *talk;
    struct talk *by_port[65536]; /* the conversation of a client's port */
    uint32_t started, finished, failed_opens;
    uint64_t bytes;
    bool lenient;  /* memory fails: opens may fail and connections may die */
    char why[300]; /* empty: no failure yet */
};

/* False: world->why tells. */
bool world_make(struct world *world, const struct plan *plan);
/* Runs until every conversation is over. */
bool world_run(struct world *world);
/* Lets TIME-WAIT pass and looks for anything left behind. */
bool world_settle(struct world *world);
/* Frees everything; false if memory is missing. */
bool world_free(struct world *world);
bool world_fail(struct world *world, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* One round at the present instant: moves frames, serves events. Returns when something is due. */
wh_time world_turn(struct world *world);

uint8_t talk_byte(const struct talk *talk, bool from_client, uint64_t at);

#endif
