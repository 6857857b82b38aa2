/* SPDX-License-Identifier: MIT */
#include "view/rung.h"

#include <stdio.h>
#include <string.h>

/* Columns: "#12  " and the time share the first; the rails stand where these say. */
#define TIME_END 13
#define LEFT_RAIL 15
#define WORDS_BEGIN 5
#define NARROW_RAIL 12
#define WIDE_RAIL 26
#define LONGEST_RUNG 76
/* Beside the right rail notes begin after this gap, if this much fits there. */
#define MARGIN_GAP 2
#define MARGIN_LEAST 24

struct marks {
    const char *line, *doubled, *right, *left, *lost, *more, *to, *corner;
};

static const struct marks fine = { "─", "═", "▶", "◀", "✕", "…", "→", "└" };
static const struct marks plain = { "-", "=", ">", "<", "x", "...", "->", "`" };

static const struct marks *marks_of(const struct drawing *drawing)
{
    return drawing->ascii ? &plain : &fine;
}

/* Where things stand at this width. */
struct layout {
    bool wide;
    unsigned rail; /* columns of a rail */
    unsigned rung; /* first column of the rung */
    unsigned span; /* its columns */
    unsigned right;
    unsigned margin; /* where notes begin, or 0 */
};

static struct layout layout_of(const struct drawing *drawing)
{
    struct layout at = { .wide = drawing->width >= RUNG_WIDE };
    at.rail = at.wide ? WIDE_RAIL : NARROW_RAIL;
    at.rung = LEFT_RAIL + drawing->indent + at.rail + 1;
    at.span = drawing->width - at.rung - 1 - at.rail;
    if (at.span > LONGEST_RUNG) {
        at.span = LONGEST_RUNG;
    }
    at.right = at.rung + at.span + 1;
    unsigned end = at.right + at.rail + MARGIN_GAP;
    if (end + MARGIN_LEAST <= drawing->width) {
        at.margin = end;
    }
    return at;
}

static void lead(struct text *text, const struct drawing *drawing, unsigned number, wh_time time,
                 unsigned column)
{
    char label[16] = "", seconds[WORDS] = "";
    if (number > 0) {
        snprintf(label, sizeof label, drawing->packets ? "%u" : "#%u", number);
        text_style(text, drawing->colour,
                   drawing->packets ? STYLE_DIM : STYLE_LABEL + (number - 1) % STYLE_LABELS);
        text_put(text, label);
        text_style(text, drawing->colour, STYLE_PLAIN);
    }
    if (time != WH_NEVER) {
        words_seconds(time, seconds);
        unsigned columns = text_columns(seconds);
        unsigned end = TIME_END + drawing->indent;
        text_to(text, columns + 1 < end ? end - columns : 1);
        if (text->column == text_columns(label) && number > 0) {
            text_put(text, " ");
        }
        text_style(text, drawing->colour, STYLE_DIM);
        text_put(text, seconds);
        text_style(text, drawing->colour, STYLE_PLAIN);
    }
    text_to(text, column + drawing->indent);
}

/* A state in at most `columns`; sets of states that do not fit are told as unknown. */
static const char *fit(const char *state, unsigned columns)
{
    return text_columns(state) <= columns ? state : columns >= 20 ? "one of several" : "?";
}

static void draw_rail(struct text *text, const struct drawing *drawing, const struct layout *at,
                      const struct rail *rail)
{
    if (rail->elsewhere) {
        return;
    }
    bool changes = strcmp(rail->before, rail->after) != 0;
    text_style(text, drawing->colour, changes ? STYLE_BOLD : STYLE_DIM);
    if (at->wide && changes) {
        char both[2 * RUNG_STATE_TEXT + 8];
        snprintf(both, sizeof both, "%s %s %s", rail->before, marks_of(drawing)->to, rail->after);
        if (text_columns(both) > at->rail) {
            snprintf(both, sizeof both, "%s %s", marks_of(drawing)->to,
                     fit(rail->after, at->rail - 3));
        }
        text_put(text, both);
    } else {
        text_put(text, fit(rail->after, at->rail));
    }
    text_style(text, drawing->colour, STYLE_PLAIN);
}

/* Cuts words down to so many columns (they are ASCII). */
static void cut(char *words, unsigned columns)
{
    if (strlen(words) > columns) {
        words[columns] = '\0';
    }
}

/* What is said on the rung, and what of it must go below for want of room. */
struct saying {
    char head[WORDS], detail[4 * WORDS], below[4 * WORDS];
    unsigned lead, between; /* marks before the head and before the detail */
};

/* Ornament: the blanks around head and detail, and one mark before the tip. */
static unsigned columns_of(const struct saying *saying)
{
    unsigned columns = saying->lead + (unsigned)strlen(saying->head) + 2 + 1;
    if (saying->detail[0] != '\0') {
        columns += saying->between + (unsigned)strlen(saying->detail) + 2;
    }
    return columns;
}

static void join(char *words, size_t size, const char *first, const char *second)
{
    snprintf(words, size, "%s%s%s", first, first[0] != '\0' && second[0] != '\0' ? ", " : "",
             second);
}

static void say(const struct rung *rung, unsigned room, struct saying *saying)
{
    *saying = (struct saying){ .lead = 2, .between = 2 };
    snprintf(saying->head, sizeof saying->head, "%s", rung->head);
    cut(saying->head, room - 5);
    join(saying->detail, sizeof saying->detail, rung->detail, rung->extra);
    if (columns_of(saying) <= room) {
        return;
    }
    snprintf(saying->detail, sizeof saying->detail, "%s", rung->detail);
    snprintf(saying->below, sizeof saying->below, "%s", rung->extra);
    if (columns_of(saying) > room) {
        saying->lead = saying->between = 1;
    }
    if (columns_of(saying) > room) {
        saying->lead = 2;
        saying->detail[0] = '\0';
        join(saying->below, sizeof saying->below, rung->detail, rung->extra);
    }
}

static void put_run(struct text *text, const struct drawing *drawing, enum style style,
                    const char *mark, unsigned n)
{
    if (n == 0 || mark[0] == '\0') {
        return;
    }
    text_style(text, drawing->colour, style);
    text_repeat(text, mark, n);
    text_style(text, drawing->colour, STYLE_PLAIN);
}

static void put_head(struct text *text, const struct drawing *drawing, const struct rung *rung,
                     const char *head)
{
    text_style(text, drawing->colour, rung->style);
    text_format(text, " %s ", head);
    text_style(text, drawing->colour, STYLE_PLAIN);
}

/* The rung's two tips, at the sender's side and at the receiver's. */
static const char *far_tip(const struct rung *rung, const struct marks *marks)
{
    switch (rung->shape) {
    case RUNG_LEAVES: return marks->more;
    case RUNG_LOST: return marks->lost;
    default: return rung->from == LADDER_LEFT ? marks->right : marks->left;
    }
}

static const char *near_tip(const struct rung *rung, const struct marks *marks)
{
    switch (rung->shape) {
    case RUNG_ARRIVES: return marks->more;
    case RUNG_EXCHANGE: return rung->from == LADDER_LEFT ? marks->left : marks->right;
    default: return "";
    }
}

/* Columns of a gap that shows that a segment never got to the end of its way. */
#define GAP 4

static void draw_arrow(struct text *text, const struct drawing *drawing, const struct layout *at,
                       const struct rung *rung, struct saying *saying)
{
    const struct marks *marks = marks_of(drawing);
    bool data = rung->shape == RUNG_DATA || rung->shape == RUNG_EXCHANGE;
    const char *line = data ? marks->doubled : marks->line;
    const char *near = near_tip(rung, marks), *far = far_tip(rung, marks);
    unsigned gap = rung->shape == RUNG_LOST ? GAP : 0;
    unsigned room = at->span - text_columns(near) - text_columns(far) - gap;
    enum style far_style = rung->shape == RUNG_LOST ? STYLE_RESET : rung->style;
    say(rung, room, saying);
    unsigned rest = room - columns_of(saying) + 1;
    unsigned between = saying->detail[0] != '\0' ? saying->between : 0;
    const char *blank = saying->detail[0] != '\0' ? " " : "";

    if (rung->from == LADDER_LEFT) {
        put_run(text, drawing, rung->style, near, 1);
        put_run(text, drawing, rung->style, line, saying->lead);
        put_head(text, drawing, rung, saying->head);
        put_run(text, drawing, rung->style, line, between);
        text_format(text, "%s%s%s", blank, saying->detail, blank);
        put_run(text, drawing, rung->style, line, rest);
        put_run(text, drawing, far_style, far, 1);
    } else {
        text_to(text, at->rung + gap);
        put_run(text, drawing, far_style, far, 1);
        put_run(text, drawing, rung->style, line, rest);
        text_format(text, "%s%s%s", blank, saying->detail, blank);
        put_run(text, drawing, rung->style, line, between);
        put_head(text, drawing, rung, saying->head);
        put_run(text, drawing, rung->style, line, saying->lead);
        put_run(text, drawing, rung->style, near, 1);
    }
}

/* Words for a change of state without a segment stand at the side it happened on. */
static void draw_words(struct text *text, const struct drawing *drawing, const struct layout *at,
                       const struct rung *rung)
{
    char head[WORDS];
    snprintf(head, sizeof head, "%s", rung->head);
    cut(head, at->span - 2);
    unsigned indent = rung->from == LADDER_LEFT ? 1 : at->span - 1 - (unsigned)strlen(head);
    text_to(text, at->rung + indent);
    text_style(text, drawing->colour, rung->style);
    text_put(text, head);
    text_style(text, drawing->colour, STYLE_PLAIN);
}

/* Further words below a line, broken between words, from the rung's first column on. */
static void draw_below(struct text *text, const struct drawing *drawing, unsigned column,
                       enum style style, const char *words)
{
    unsigned room = drawing->width - column - 2;
    bool first = true;
    while (*words != '\0') {
        size_t length = strlen(words);
        if (length > room) {
            length = room;
            while (length > 0 && words[length] != ' ') {
                length--;
            }
            length = length > 0 ? length : room;
        }
        text_to(text, column);
        text_style(text, drawing->colour, style);
        text_format(text, "%s %.*s", first ? marks_of(drawing)->corner : " ", (int)length, words);
        text_style(text, drawing->colour, STYLE_PLAIN);
        text_newline(text);
        words += length;
        words += strspn(words, " ");
        first = false;
    }
}

void rung_draw(struct text *text, const struct drawing *drawing, const struct rung *rung)
{
    struct layout at = layout_of(drawing);
    struct saying saying = { .below = "" };
    lead(text, drawing, rung->number, rung->shape == RUNG_RAILS ? WH_NEVER : rung->time, LEFT_RAIL);
    draw_rail(text, drawing, &at, &rung->rail[LADDER_LEFT]);
    text_to(text, at.rung);
    if (rung->shape == RUNG_STATE) {
        draw_words(text, drawing, &at, rung);
    } else if (rung->shape != RUNG_RAILS) {
        draw_arrow(text, drawing, &at, rung, &saying);
    }
    text_to(text, at.right);
    draw_rail(text, drawing, &at, &rung->rail[LADDER_RIGHT]);
    unsigned room = at.margin > 0 ? drawing->width - at.margin : 0;
    bool beside = rung->note[0] != '\0' && strlen(rung->note) <= room;
    if (beside) {
        text_to(text, at.margin);
        text_style(text, drawing->colour, STYLE_NOTE);
        text_put(text, rung->note);
        text_style(text, drawing->colour, STYLE_PLAIN);
    }
    text_newline(text);
    if (saying.below[0] != '\0') {
        draw_below(text, drawing, at.rung, STYLE_DIM, saying.below);
    }
    if (rung->note[0] != '\0' && !beside) {
        draw_below(text, drawing, at.rung, STYLE_NOTE, rung->note);
    }
}

void rung_header(struct text *text, const struct drawing *drawing, unsigned number, wh_time time,
                 const char *left, const char *right)
{
    struct layout at = layout_of(drawing);
    unsigned end = at.right + at.rail;
    lead(text, drawing, number, time, LEFT_RAIL);
    text_style(text, drawing->colour, STYLE_BOLD);
    text_put(text, left);
    unsigned columns = text_columns(right);
    unsigned start = columns < end ? end - columns : 0;
    if (at.right + columns <= drawing->width) {
        start = at.right; /* over its rail, if it fits there */
    }
    if (text->column + 2 > start) {
        text_style(text, drawing->colour, STYLE_PLAIN);
        text_newline(text);
        lead(text, drawing, number, WH_NEVER, LEFT_RAIL);
        text_style(text, drawing->colour, STYLE_BOLD);
    }
    text_to(text, start);
    text_put(text, right);
    text_style(text, drawing->colour, STYLE_PLAIN);
    text_newline(text);
}

void rung_words(struct text *text, const struct drawing *drawing, unsigned number, wh_time time,
                enum style style, const char *words)
{
    unsigned column = time == WH_NEVER ? WORDS_BEGIN : LEFT_RAIL;
    unsigned room = drawing->width - column - drawing->indent;
    bool first = true;
    while (first || *words != '\0') {
        size_t length = strlen(words);
        if (length > room) {
            length = room;
            while (length > 0 && words[length] != ' ') {
                length--;
            }
            length = length > 0 ? length : room;
        }
        lead(text, drawing, number, first ? time : WH_NEVER, column);
        text_style(text, drawing->colour, style);
        text_format(text, "%.*s", (int)length, words);
        text_style(text, drawing->colour, STYLE_PLAIN);
        text_newline(text);
        words += length;
        words += strspn(words, " ");
        first = false;
    }
}
