/* SPDX-License-Identifier: MIT */
/* Scales of a plot: from values to places on the page, ticks at round values, and their units. */
#ifndef WAVEHAND_VIEW_PLOT_AXIS_H
#define WAVEHAND_VIEW_PLOT_AXIS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum plot_quantity {
    QUANTITY_BYTES,    /* B, kB, MB, GB, TB, powers of ten */
    QUANTITY_TIME,     /* of nanoseconds: ns, us, ms, s, min, h */
    QUANTITY_BIT_RATE, /* of bits/s: bit/s, kbit/s, Mbit/s, Gbit/s */
};

struct plot_unit {
    double size; /* of one, in the quantity's own unit */
    const char *name;
};

/* The largest unit that is not larger than the value. */
struct plot_unit axis_unit(enum plot_quantity quantity, double value);

/* 1, 2 or 5 times a power of ten: the least that is not below a value. */
double axis_round(double value);

struct plot_axis {
    double low, high; /* values at the ends; low < high, and 0 < low if logarithmic */
    double from, to;  /* places of low and high */
    bool logarithmic;
    struct plot_unit unit; /* of the ticks' labels */
};

/* An axis from low to high. An empty range is made a small one. */
struct plot_axis axis_new(enum plot_quantity quantity, double low, double high, double from,
                          double to);
/* Logarithmic; `low` is at least a billionth of `high`. */
struct plot_axis axis_new_logarithmic(enum plot_quantity quantity, double low, double high,
                                      double from, double to);
/* Where a value stands; values beyond the ends stand beyond them. */
double axis_at(const struct plot_axis *axis, double value);

#define AXIS_TICKS 16
#define AXIS_TEXT 24
/*
 * Values for ticks, about `wanted` of them and never more than AXIS_TICKS, at 1, 2 or 5 times a
 * power of ten in the axis' unit. Returns how many.
 */
size_t axis_ticks(const struct plot_axis *axis, unsigned wanted, double *ticks);
/* The label of a tick, "0.25", without the unit, to text[AXIS_TEXT]; returns text. */
char *axis_label(const struct plot_axis *axis, unsigned wanted, double tick, char *text);
/* A value with its unit and up to three digits, "24.9 Mbit/s", to text[AXIS_TEXT]; returns text. */
char *axis_value(enum plot_quantity quantity, double value, char *text);

#endif
