/* SPDX-License-Identifier: MIT */
/*
 * Writing an SVG: text is escaped, numbers are the same in every locale, and what has no colour
 * of its own gets it from the style sheet, which knows light and dark.
 */
#ifndef WAVEHAND_VIEW_PLOT_SVG_H
#define WAVEHAND_VIEW_PLOT_SVG_H

#include <stdio.h>

/* Opens the document, with its style, and a title for those who do not see it. */
void svg_begin(FILE *out, unsigned width, unsigned height, const char *title);
void svg_end(FILE *out);

/* A number with one decimal at most. */
void svg_number(FILE *out, double value);
/* Characters, with what XML would take for its own replaced. */
void svg_characters(FILE *out, const char *text);

enum svg_anchor { SVG_START, SVG_MIDDLE, SVG_END };
/* Text of a class; `y` is its base line. */
void svg_text(FILE *out, const char *class, enum svg_anchor anchor, double x, double y,
              const char *text);
void svg_rect(FILE *out, const char *class, double x, double y, double width, double height);
void svg_line(FILE *out, const char *class, double x1, double y1, double x2, double y2);

/* A path in the making: `svg_path_begin`, any number of commands, `svg_path_end`. */
void svg_path_begin(FILE *out, const char *class);
void svg_move(FILE *out, double x, double y);
void svg_to(FILE *out, double x, double y);
void svg_across(FILE *out, double x);
void svg_down(FILE *out, double y);
void svg_close(FILE *out);
/* A shape at a place, from there in relative commands: "l4 8h-8z". */
void svg_shape(FILE *out, double x, double y, const char *commands);
void svg_path_end(FILE *out);

/* What is drawn until svg_clip_end is seen only inside this rectangle; `name` is unique. */
void svg_clip_begin(FILE *out, const char *name, double x, double y, double width, double height);
void svg_clip_end(FILE *out);

/* Columns that text takes, roughly; fonts differ. */
double svg_width(const char *text, double size);

#endif
