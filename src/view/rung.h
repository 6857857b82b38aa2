/* SPDX-License-Identifier: MIT */
/*
 * How the lines of a ladder look. Pure drawing: what is known goes in, a line of
 * text comes out, never wider than asked for.
 *
 *   #1   0.000000  SYN-SENT     ── SYN ── seq 0 ──────────────────▶ SYN-RECEIVED
 *   label    time  left rail    rung                                right rail
 *
 * At 80 columns a rail shows the state after the line's event: the state before
 * stands on the rail above it, as in the figures of RFC 9293. From RUNG_WIDE
 * columns on each rail shows both, "SYN-SENT → ESTABLISHED".
 */
#ifndef WAVEHAND_VIEW_RUNG_H
#define WAVEHAND_VIEW_RUNG_H

#include "view/ladder.h"
#include "view/text.h"
#include "view/words.h"

#define RUNG_WIDE 112

struct drawing {
    unsigned width;
    bool colour, ascii;
    bool packets;    /* lines are numbered by packet ("12"), not by connection ("#1") */
    unsigned indent; /* columns that everything is moved to the right, for long numbers */
};

enum rung_shape {
    RUNG_SEGMENT,  /* left one end and reached the other */
    RUNG_LEAVES,   /* left one end; the other will tell */
    RUNG_ARRIVES,  /* reached an end; left the other earlier */
    RUNG_LOST,     /* left one end and reached nobody */
    RUNG_DATA,     /* folded data one way */
    RUNG_EXCHANGE, /* folded data both ways */
    RUNG_STATE,    /* no segment: a call or a timer */
    RUNG_RAILS,    /* nothing happened; the states as they stand */
};

#define RUNG_STATE_TEXT 128

struct rail {
    char before[RUNG_STATE_TEXT], after[RUNG_STATE_TEXT]; /* words for the state */
    bool elsewhere; /* this end's part of the event is on another line: nothing is shown */
};

struct rung {
    unsigned number; /* of the connection */
    wh_time time;    /* since the start */
    enum rung_shape shape;
    enum ladder_side from; /* who sent it, or whose state changed */
    enum style style;
    char head[WORDS];      /* flags in words */
    char detail[WORDS];    /* sequence numbers, lengths */
    char extra[2 * WORDS]; /* options: on the rung where there is room, else below */
    char note[2 * WORDS];  /* the reason, beside or below */
    struct rail rail[2];
};

/* One line, or several where extra and note need them. */
void rung_draw(struct text *text, const struct drawing *drawing, const struct rung *rung);

/* The line that opens a connection: who stands on which side. */
void rung_header(struct text *text, const struct drawing *drawing, unsigned number, wh_time time,
                 const char *left, const char *right);
/* A line of words that belongs to a connection (number > 0) or to none. */
void rung_words(struct text *text, const struct drawing *drawing, unsigned number, wh_time time,
                enum style style, const char *words);

#endif
