/* SPDX-License-Identifier: MIT */
/* What the files of the plot share: the model of a connection, and its drawing. */
#ifndef WAVEHAND_VIEW_PLOT_PARTS_H
#define WAVEHAND_VIEW_PLOT_PARTS_H

#include "view/plot.h"
#include "view/plot_axis.h"
#include "view/plot_series.h"

/* Marks a series holds at most, and marks that are drawn of one: 1000 columns want no more. */
#define PLOT_MARKS 8192
#define PLOT_DRAWN 4000
#define PLOT_SACKED 32
#define PLOT_PENDING 8192

/* Why a segment was sent that had been sent before, or what is seen of one that arrives. */
enum plot_repeat {
    REPEAT_ACKS,    /* acknowledgements told that it was lost */
    REPEAT_TIMEOUT, /* the retransmission timer did */
    REPEAT_PROBE,   /* to hear from the peer: probes of the tail, of the window, keep-alives */
    REPEAT_LATE,    /* arrived behind later data: sent again, or overtaken */
    REPEAT_TWICE,   /* arrived although it was here already */
    REPEATS
};

/* One direction of the connection's data. Offsets count from its first byte. */
struct plot_way {
    bool known;     /* base holds */
    uint32_t base;  /* sequence number of the first byte */
    int64_t high;   /* end of the highest data sent or seen */
    int64_t acked;  /* by the receiving end */
    uint64_t bytes; /* sent or seen, repetitions included */
    uint64_t segments;
    uint64_t repeated[REPEATS]; /* segments */
    uint64_t repeated_bytes;
    uint64_t lost;              /* segments dropped by fault rules */
    uint64_t twice;             /* DSACKs */
    bool finished;              /* its FIN was seen */
    struct plot_series sent;    /* values: bytes in all */
    struct plot_series fresh;   /* ranges: data for the first time */
    struct plot_series repeats; /* ranges by enum plot_repeat */
    struct plot_series drops;   /* ranges: dropped on the path */
    struct plot_series acks;    /* values: offset acknowledged */
    struct plot_series edges;   /* values: offset that the window ends at */
    struct plot_series sacks;   /* ranges: held beyond a gap, when that was first told */
    struct {
        int64_t low, high;
    } sacked[PLOT_SACKED]; /* told already */
    unsigned sackeds;
};

/* A segment that waits for its acknowledgement, for its round-trip time. */
struct plot_pending {
    int64_t end;
    wh_time sent;
    bool spoilt; /* sent again, or already sampled */
};

/* What was recorded of a connection. */
struct plot_life {
    wh_time first, last; /* first and last segment */
    bool any;            /* a segment was seen */
    struct plot_way out, in;
    /* Our end as a sender. */
    struct plot_series cwnd, ssthresh, in_flight, srtt, rto, rtt, delivery, pacing;
    struct plot_series stances; /* ranges: when in which recovery; open is left out */
    uint32_t stance;
    uint64_t recoveries, timeouts; /* times that it came to */
    struct plot_pending *pending;  /* a ring of PLOT_PENDING, or NULL */
    unsigned pending_head, pendings;
};

struct plot_conn {
    wh_endpoint ours, theirs;
    uint32_t number;
    bool over;
    bool has_iss, has_irs;
    uint32_t iss, irs;
    struct plot_life *life; /* NULL: not worth keeping */
    struct plot_conn *next_in_bucket;
    struct plot_conn *next; /* of all, in order of their numbers */
};

/* plot_follow.c */
struct plot_life *life_new(void);
void life_free(struct plot_life *life);
/* A segment or what a sender thinks; `most`: marks in a series. */
void life_take(struct plot_life *life, const wh_trace_record *record, size_t most);
/* A segment of one of our end's (out) or of the other end's was dropped on the path. */
void life_drop(struct plot_life *life, bool out, const wh_path_note *note, size_t most);
/* Bytes of data both ways, each counted once. */
uint64_t life_bytes(const struct plot_life *life);

/* What is to be drawn, chosen by plot.c. */
struct plot_page {
    const struct plot_conn *conn; /* NULL: there is none */
    const char *ours, *theirs;
    uint32_t wanted; /* a connection asked for by number, or 0 */
    uint32_t connections;
    uint64_t lost; /* records */
};

/* plot_draw.c */
bool page_draw(const struct plot_page *page, FILE *out);

/* plot_panel.c: one picture on the page, and what is drawn in it. */
struct plot_panel {
    FILE *out;
    const char *name; /* unique on the page */
    double left, right, top, bottom;
    wh_time start; /* where the time axis begins */
    struct plot_axis x, y;
};

/* A line of the legend: what a class of marks looks like, and means. */
enum plot_shape {
    SHAPE_LINE,
    SHAPE_AREA,
    SHAPE_BAR,
    SHAPE_DOT,
    SHAPE_TRIANGLE,
    SHAPE_DIAMOND,
    SHAPE_CIRCLE,
    SHAPE_CROSS,
};
struct plot_legend {
    const char *class;
    const char *label;
    enum plot_shape shape;
    bool shown; /* false: there are none, and nothing is said of them */
};

#define PANEL_TICKS 5
#define PANEL_TIME_TICKS 10

/* The heading with the unit of the y axis and the legend; grid and labels; then the clip begins. */
void panel_begin(const struct plot_panel *panel, const char *heading,
                 const struct plot_legend *legend, size_t n);
/* The clip ends, and the frame closes. */
void panel_end(const struct plot_panel *panel);
/* Values that hold until the next one, as steps; as an area down to zero if `filled`. */
void panel_steps(const struct plot_panel *panel, const char *class,
                 const struct plot_series *series, bool filled);
/* Values on their own. */
void panel_dots(const struct plot_panel *panel, const char *class,
                const struct plot_series *series);
/* Pieces [low, high), each where it was seen. */
void panel_ranges(const struct plot_panel *panel, const char *class,
                  const struct plot_series *series);
/* The same as marks of one shape at their middle, of one kind alone. */
void panel_marks(const struct plot_panel *panel, const char *class,
                 const struct plot_series *series, uint32_t kind, enum plot_shape shape);
/* Stretches of time of one kind, as a ground. */
void panel_ground(const struct plot_panel *panel, const char *class,
                  const struct plot_series *series, uint32_t kind);

#endif
