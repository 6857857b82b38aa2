/* SPDX-License-Identifier: MIT */
/* What a ladder remembers of one connection, and the table that finds it. */
#ifndef WAVEHAND_VIEW_LADDER_CONN_H
#define WAVEHAND_VIEW_LADDER_CONN_H

#include "tcp/observer.h"
#include "view/ladder.h"
#include "view/words.h"

/* A trace record that waits for word of what the path did to it. */
struct waiting {
    wh_trace_record record;
    enum ladder_side end;
    uint16_t fate;       /* wh_reason of a fault rule, or WH_WHY_NONE */
    bool lost;           /* all of it */
    uint32_t lost_bytes; /* of a super-segment cut and lost in part */
};

/* Data folded into one line, per direction. */
struct folded {
    uint64_t bytes, segments, out_of_order, duplicate_acks, lost;
};

struct fold {
    bool open;
    wh_time first, last;
    enum ladder_side from; /* who spoke first */
    unsigned turns;        /* changes of direction within it */
    struct folded way[2];  /* by sender */
};

/* A segment, and what a bystander learned from it. */
struct passing {
    const wh_trace_record *record;
    enum ladder_side from;
    bool syn_acked,
        fin_acked; /* the first to acknowledge the other's SYN, FIN; or a FIN once more */
    bool window_closed, window_opened;
    bool repeated; /* sent before, all of it */
};

/* A segment worth a line that has left one end and not yet reached the other. */
struct departure {
    wh_trace_record record;
    struct passing passing;    /* of this record */
    char state[OBSERVER_TEXT]; /* the sender's, when it left */
    char note[2 * WORDS];
    bool lost; /* it waits only for what left before it */
};

/* A step of one end's state that no segment has shown yet. */
struct silent_step {
    bool waiting;
    wh_time time;
    wh_arc_event arc;
    wh_reason reason;
};

/* One of the two ends. */
struct end {
    bool known;                /* its own records come: `state` is a fact */
    wh_state state;            /* after its last record */
    struct observer observer;  /* otherwise */
    char shown[OBSERVER_TEXT]; /* on its rail, last drawn; empty before */
    bool base_known;           /* base is its initial sequence number, or stands in for it */
    uint32_t base;
    uint32_t next; /* highest number sent, plus one */
    bool fin_sent;
    uint32_t fin;              /* number of its FIN */
    bool acked_syn, acked_fin; /* it has acknowledged the other's SYN, FIN */
    bool window_zero;          /* its last window was 0 */
    uint64_t bytes;            /* of data, without repeats */
    uint64_t repeats;          /* segments it is known to have sent again */
    struct silent_step silent;
};

#define DEPARTURES 6

struct ladder_conn {
    struct ladder_conn *next_in_bucket;
    struct ladder_conn *older, *newer; /* in order of the last change */
    wh_endpoint endpoint[2];
    unsigned number;
    bool ended;   /* the closing line is written */
    bool closing; /* ... or is about to be */
    bool headed;  /* the opening line is written */
    bool opened;  /* the handshake was completed, or its opening was not seen */
    wh_time first, last;
    struct end end[2];
    struct fold fold;
    unsigned exchanges;                      /* turns drawn one by one so far */
    struct departure *departure[DEPARTURES]; /* in order */
    unsigned departures;
    int reset_by;         /* enum ladder_side, or -1 */
    wh_reason end_reason; /* of a timeout or the like, or WH_WHY_NONE */
};

#define LADDER_BUCKETS 4096
/* Most connections remembered at a time; the longest unchanged makes room. */
#define LADDER_CONNS 16384

struct conn_table {
    struct ladder_conn *bucket[LADDER_BUCKETS];
    struct ladder_conn *oldest, *newest;
    unsigned count;
};

/* Finds the connection, or answers NULL. */
struct ladder_conn *conn_table_find(const struct conn_table *table, const wh_endpoint *left,
                                    const wh_endpoint *right);
/* A cleared connection of these ends, as the newest; NULL without memory. */
struct ladder_conn *conn_table_add(struct conn_table *table, const wh_endpoint *left,
                                   const wh_endpoint *right);
void conn_table_touch(struct conn_table *table, struct ladder_conn *conn);
void conn_table_remove(struct conn_table *table, struct ladder_conn *conn);
void conn_table_clear(struct conn_table *table);

/* Makes a connection new again, with another number, for a later incarnation of its ends. */
void ladder_conn_restart(struct ladder_conn *conn, unsigned number, bool both_ends);
/* Words for an end's state now. */
void end_state_text(const struct end *end, char text[OBSERVER_TEXT]);
/* The end is in one of these, for certain. */
bool end_is_within(const struct end *end, state_set states);

#endif
