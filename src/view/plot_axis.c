/* SPDX-License-Identifier: MIT */
#include "view/plot_axis.h"

#include <stdio.h>

#include "base/bytes.h"

struct plot_unit axis_unit(enum plot_quantity quantity, double value)
{
    static const struct plot_unit bytes[] = {
        { 1, "B" }, { 1e3, "kB" }, { 1e6, "MB" }, { 1e9, "GB" }, { 1e12, "TB" }
    };
    static const struct plot_unit times[] = { { 1, "ns" },  { 1e3, "µs" },   { 1e6, "ms" },
                                              { 1e9, "s" }, { 6e11, "min" }, { 1.08e13, "h" } };
    static const struct plot_unit rates[] = {
        { 1, "bit/s" }, { 1e3, "kbit/s" }, { 1e6, "Mbit/s" }, { 1e9, "Gbit/s" }
    };
    static const struct {
        const struct plot_unit *units;
        size_t count;
    } all[] = { { bytes, 5 }, { times, 6 }, { rates, 4 } };
    size_t i = all[quantity].count - 1;
    while (i > 0 && value < all[quantity].units[i].size) {
        i--;
    }
    struct plot_unit unit = all[quantity].units[i];
    if (quantity == QUANTITY_TIME && i >= 4) {
        unit.size = i == 4 ? 6e10 : 3.6e12; /* ten minutes are the first, three hours the next */
    }
    return unit;
}

struct plot_axis axis_new(enum plot_quantity quantity, double low, double high, double from,
                          double to)
{
    high = high > low ? high : low + 1;
    return (struct plot_axis){
        .low = low, .high = high, .from = from, .to = to, .unit = axis_unit(quantity, high)
    };
}

struct plot_axis axis_new_logarithmic(enum plot_quantity quantity, double low, double high,
                                      double from, double to)
{
    struct plot_axis axis = axis_new(quantity, low, high, from, to);
    axis.logarithmic = true;
    axis.low = MAX(axis.low, axis.high / 1e9);
    return axis;
}

/*
 * The logarithm to base two, good to more digits than a page has places: no need of a library
 * for it.
 */
static double log_2(double value)
{
    double whole = 0;
    while (value >= 2) {
        value /= 2;
        whole++;
    }
    while (value < 1 && value > 0) {
        value *= 2;
        whole--;
    }
    /* ln(v) = 2 atanh((v-1)/(v+1)), with v from 1 to 2 */
    double t = (value - 1) / (value + 1);
    double square = t * t;
    double sum =
        t * (1 + square * (1.0 / 3 + square * (1.0 / 5 + square * (1.0 / 7 + square / 9))));
    return whole + 2 * sum / 0.69314718055994531;
}

double axis_at(const struct plot_axis *axis, double value)
{
    double part;
    if (axis->logarithmic) {
        double least = axis->high * 1e-12;
        part = (log_2(value > least ? value : least) - log_2(axis->low)) /
               (log_2(axis->high) - log_2(axis->low));
    } else {
        part = (value - axis->low) / (axis->high - axis->low);
    }
    return axis->from + part * (axis->to - axis->from);
}

/* ----------------------------------------------------------------- ticks -- */

/* The greatest power of ten that is not above a value. */
static double power_below(double value)
{
    double power = 1;
    while (power > value && power > 1e-30) {
        power /= 10;
    }
    while (power * 10 <= value) {
        power *= 10;
    }
    return power;
}

double axis_round(double value)
{
    double power = power_below(value);
    double exact = value / power * (1 - 1e-9);
    return power * (exact <= 1 ? 1 : exact <= 2 ? 2 : exact <= 5 ? 5 : 10);
}

static double step_of(const struct plot_axis *axis, unsigned wanted)
{
    return axis_round((axis->high - axis->low) / axis->unit.size / MAX(wanted, 1U));
}

static size_t logarithmic_ticks(const struct plot_axis *axis, double *ticks)
{
    static const double digits[] = { 1, 2, 5 };
    double decades = (log_2(axis->high) - log_2(axis->low)) / log_2(10);
    unsigned every = decades > 3 ? 3 : 1; /* 1, 10, 100, or 1, 2, 5, 10 */
    double power = power_below(axis->low);
    size_t n = 0;
    while (power <= axis->high && n < AXIS_TICKS) {
        for (unsigned i = 0; i < 3 && n < AXIS_TICKS; i += every) {
            double tick = power * digits[i];
            if (tick >= axis->low * (1 - 1e-9) && tick <= axis->high * (1 + 1e-9)) {
                ticks[n++] = tick;
            }
        }
        power *= 10;
    }
    return n;
}

size_t axis_ticks(const struct plot_axis *axis, unsigned wanted, double *ticks)
{
    if (axis->logarithmic) {
        return logarithmic_ticks(axis, ticks);
    }
    double step = step_of(axis, wanted);
    double first = axis->low / axis->unit.size / step;
    int64_t at = (int64_t)first;
    at += (double)at < first * (1 - 1e-9);
    size_t n = 0;
    for (; n < AXIS_TICKS; at++) {
        double tick = (double)at * step * axis->unit.size;
        if (tick > axis->high * (1 + 1e-9)) {
            break;
        }
        ticks[n++] = tick;
    }
    return n;
}

/* ---------------------------------------------------------------- labels -- */

/* A number with so many decimals, whatever the locale; without the zeros that say nothing. */
static int put_decimal(char *text, double value, unsigned decimals, bool trim)
{
    uint64_t scale = 1;
    for (unsigned i = 0; i < decimals; i++) {
        scale *= 10;
    }
    uint64_t scaled = (uint64_t)(value * (double)scale + 0.5);
    while (trim && decimals > 0 && scaled % 10 == 0) {
        scaled /= 10;
        scale /= 10;
        decimals--;
    }
    unsigned long long whole = scaled / scale, part = scaled % scale;
    if (decimals == 0) {
        return snprintf(text, AXIS_TEXT, "%llu", whole);
    }
    return snprintf(text, AXIS_TEXT, "%llu.%0*llu", whole, (int)decimals, part);
}

char *axis_label(const struct plot_axis *axis, unsigned wanted, double tick, char *text)
{
    double value = tick / axis->unit.size;
    if (axis->logarithmic) {
        put_decimal(text, value, value < 0.0005 ? 6 : 3, true);
        return text;
    }
    unsigned decimals = 0;
    double step = step_of(axis, wanted);
    while (step < 0.999 && decimals < 9) {
        step *= 10;
        decimals++;
    }
    put_decimal(text, value, decimals, false);
    return text;
}

char *axis_value(enum plot_quantity quantity, double value, char *text)
{
    struct plot_unit unit = axis_unit(quantity, value);
    double amount = value / unit.size;
    bool whole = quantity != QUANTITY_TIME && unit.size == 1; /* no parts of a byte */
    unsigned decimals = whole || amount >= 99.95 ? 0 : amount >= 9.995 ? 1 : 2;
    int length = put_decimal(text, amount, decimals, true);
    snprintf(text + length, AXIS_TEXT - (size_t)length, " %s", unit.name);
    return text;
}
