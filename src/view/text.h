/* SPDX-License-Identifier: MIT */
/*
 * A line in the making: bytes and, apart from them, the columns they fill on a
 * terminal. Colour takes bytes but no columns; a character beyond ASCII takes
 * several bytes but one column (none of ours is wide or combining).
 */
#ifndef WAVEHAND_VIEW_TEXT_H
#define WAVEHAND_VIEW_TEXT_H

#include <stdbool.h>
#include <stddef.h>

struct text {
    char *bytes; /* ended by a NUL once something was put */
    size_t length, capacity;
    unsigned column; /* of the line begun last */
    bool failed;     /* there was no memory; what did not fit is missing */
};

enum style {
    STYLE_PLAIN,
    STYLE_DIM,
    STYLE_BOLD,
    STYLE_OPEN,  /* handshake */
    STYLE_CLOSE, /* FIN and what answers it */
    STYLE_RESET, /* RST, losses */
    STYLE_DATA,
    STYLE_NOTE,
    STYLE_LABEL, /* and five more: connections in turn */
};
#define STYLE_LABELS 6

void text_free(struct text *text);
void text_clear(struct text *text);
void text_put(struct text *text, const char *words);
void text_format(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The same mark n times. */
void text_repeat(struct text *text, const char *mark, unsigned n);
/* Spaces up to a column; nothing if the line is there or past it. */
void text_to(struct text *text, unsigned column);
void text_newline(struct text *text);
/* Begins a style, if colour is wanted; STYLE_PLAIN ends it. */
void text_style(struct text *text, bool colour, enum style style);

/* Columns that words fill. */
unsigned text_columns(const char *words);

#endif
