/* SPDX-License-Identifier: MIT */
/* The ladder's insides, shared by the files that make it up. */
#ifndef WAVEHAND_VIEW_LADDER_PARTS_H
#define WAVEHAND_VIEW_LADDER_PARTS_H

#include "view/ladder_conn.h"
#include "view/rung.h"

/* An ended connection, remembered for stray segments. */
struct ended {
    wh_endpoint endpoint[2];
    unsigned number; /* 0: an empty place */
};

/* Frames that became no segment, per reason: the first is told, further ones within a second counted. */
struct dropped {
    wh_time told;
    uint64_t untold;
};

#define LADDER_ENDED 1024
#define LADDER_CLOSING 64
/* How long a fold waits for more, and a step for the segment that shows it. */
#define FOLD_PATIENCE (250 * WH_MILLISECOND)
#define STEP_PATIENCE (50 * WH_MILLISECOND)

struct ladder {
    struct ladder_options options;
    struct drawing drawing;
    struct text text; /* lines not yet written */
    struct conn_table table;
    unsigned number; /* given last */
    unsigned drawn;  /* number of the connection whose line was drawn last */
    struct waiting *waiting;
    size_t waitings, waiting_room;
    struct ladder_conn *closing[LADDER_CLOSING];
    unsigned closings;
    struct ended ended[LADDER_ENDED];
    unsigned ended_next;
    struct dropped dropped[WH_REASON_COUNT];
    wh_time now; /* of the last record or flush */
    wh_time due; /* when something that waits must be drawn, or WH_NEVER */
    bool broken; /* `out` has an error */
};

static inline enum ladder_side other_side(enum ladder_side side)
{
    return side == LADDER_LEFT ? LADDER_RIGHT : LADDER_LEFT;
}
static inline const char *side_name(const struct ladder *ladder, enum ladder_side side)
{
    return side == LADDER_LEFT ? ladder->options.left : ladder->options.right;
}

/* ---- ladder_follow.c: what segments say ---- */

/* Learns from a segment and says what was new in it. */
struct passing follow_segment(struct ladder_conn *conn, enum ladder_side from,
                              const wh_trace_record *record);
/* True if it is part of the handshake or the close, or its shape is out of the ordinary. */
bool passing_matters(const struct passing *passing);
/* True if a reason deserves a line of its own; what belongs to reordering is counted instead. */
bool reason_matters(wh_reason reason);
struct observed observed_of(const wh_trace_record *record);

/* ---- ladder_show.c: lines of one connection ---- */

struct shown_segment {
    const struct passing *passing;
    enum rung_shape shape;
    const char *sender_state; /* NULL: as it is now */
    const char *note;
};

void show_segment(struct ladder *ladder, struct ladder_conn *conn,
                  const struct shown_segment *shown);
/* True, and the step no longer waits, if this segment is what shows it; may name it in the note. */
bool absorb_step(struct silent_step *step, const wh_trace_record *record, char note[2 * WORDS]);
/* The waiting step of an end, as a line of its own. */
void show_step(struct ladder *ladder, struct ladder_conn *conn, enum ladder_side side);
/* The open fold, if there is one; it is closed. */
void show_fold(struct ladder *ladder, struct ladder_conn *conn);
/* A segment that a fault rule swallowed before anybody recorded it. */
void show_swallowed(struct ladder *ladder, struct ladder_conn *conn, const wh_path_note *note);
/* The closing line; conn->ended holds afterwards. */
void show_end(struct ladder *ladder, struct ladder_conn *conn);
/* The reason for a segment, in the words of a margin note. */
void segment_note(const struct passing *passing, wh_reason fate, char note[2 * WORDS]);

/* ---- ladder_lives.c: beginnings, ends, and what waits ---- */

/* Something must be drawn by then even if nothing more happens. */
void become_due(struct ladder *ladder, wh_time when);
/* The connection of a record, new or reborn if need be, as the newest. NULL without memory. */
struct ladder_conn *conn_of(struct ladder *ladder, const struct waiting *waiting);
/* The first n departures, as lines of their own: nobody saw them arrive. */
void draw_departures(struct ladder *ladder, struct ladder_conn *conn, unsigned n);
/* Takes the first n departures out; the caller draws and frees them. */
void forget_departures(struct ladder_conn *conn, unsigned n);
/* Lost segments at the front: they wait for no arrival, only for their turn. */
void draw_lost(struct ladder *ladder, struct ladder_conn *conn);
/* A step that no segment has shown, after what left before it. */
void draw_step(struct ladder *ladder, struct ladder_conn *conn, enum ladder_side side);
/* All that waits, and the closing line. */
void end_conn(struct ladder *ladder, struct ladder_conn *conn);
/* Remembers to end a connection that is over as soon as nothing of it waits. */
void consider_closing(struct ladder *ladder, struct ladder_conn *conn);
void close_ended(struct ladder *ladder);

/* ---- ladder_take.c ---- */

/* One record, with what is known of its fate. */
void take(struct ladder *ladder, const struct waiting *waiting);

#endif
