/* SPDX-License-Identifier: MIT */
/* One panel of the plot: axes, legend, and series as lines, dots, pieces and marks. */
#include "base/bytes.h"
#include "view/plot_parts.h"
#include "view/plot_svg.h"

#define FONT 12.0
#define LINE_DRAWN 1100 /* marks of a line: one a column */
#define SMALL_FROM 250  /* so many marks of a shape, or dots, are drawn small */

static double at_time(const struct plot_panel *panel, wh_time time)
{
    return axis_at(&panel->x, time > panel->start ? (double)(time - panel->start) : 0);
}

static double at_value(const struct plot_panel *panel, int64_t value)
{
    return axis_at(&panel->y, (double)value);
}

/* ---------------------------------------------------------------- shapes -- */

/* Where a shape begins, seen from its middle, and how it goes on; large and small. */
static const struct {
    double dx, dy;
    const char *commands;
} shapes[][2] = {
    [SHAPE_DOT] = { { 0, 0, "h0" }, { 0, 0, "h0" } },
    [SHAPE_TRIANGLE] = { { 0, -4.8, "l4.2 8h-8.4z" }, { 0, -3.2, "l2.8 5.4h-5.6z" } },
    [SHAPE_DIAMOND] = { { 0, -5.2, "l4.2 5.2l-4.2 5.2l-4.2-5.2z" },
                        { 0, -3.6, "l3 3.6l-3 3.6l-3-3.6z" } },
    [SHAPE_CIRCLE] = { { -3.8, 0, "a3.8 3.8 0 1 0 7.6 0a3.8 3.8 0 1 0-7.6 0z" },
                       { -2.6, 0, "a2.6 2.6 0 1 0 5.2 0a2.6 2.6 0 1 0-5.2 0z" } },
    [SHAPE_CROSS] = { { -3.5, -3.5, "l7 7m0-7l-7 7" }, { -2.3, -2.3, "l4.6 4.6m0-4.6l-4.6 4.6" } },
};

static void put_shape(FILE *out, enum plot_shape shape, bool small, double x, double y)
{
    svg_shape(out, x + shapes[shape][small].dx, y + shapes[shape][small].dy,
              shapes[shape][small].commands);
}

static void put_sample(FILE *out, const struct plot_legend *legend, double x, double y)
{
    switch (legend->shape) {
    case SHAPE_LINE: svg_line(out, legend->class, x, y, x + 18, y); break;
    case SHAPE_AREA: svg_rect(out, legend->class, x, y - 5, 18, 10); break;
    case SHAPE_BAR:
        svg_path_begin(out, legend->class);
        svg_shape(out, x + 5, y + 5, "v-6m4 3v-6m4 3v-6");
        svg_path_end(out);
        break;
    default:
        svg_path_begin(out, legend->class);
        put_shape(out, legend->shape, false, x + 9, y);
        svg_path_end(out);
        break;
    }
}

/* ------------------------------------------------------------------ axes -- */

static void put_legend(const struct plot_panel *panel, const struct plot_legend *legend, size_t n,
                       double x)
{
    double y = panel->top - 13;
    for (size_t i = 0; i < n; i++) {
        if (legend[i].shown) {
            put_sample(panel->out, &legend[i], x, y);
            svg_text(panel->out, "label", SVG_START, x + 23, y + 4, legend[i].label);
            x += 23 + svg_width(legend[i].label, FONT) + 16;
        }
    }
}

static void put_grid(const struct plot_panel *panel)
{
    FILE *out = panel->out;
    double ticks[AXIS_TICKS];
    char text[AXIS_TEXT];
    size_t n = axis_ticks(&panel->x, PANEL_TIME_TICKS, ticks);
    svg_path_begin(out, "grid");
    for (size_t i = 0; i < n; i++) {
        svg_move(out, axis_at(&panel->x, ticks[i]), panel->top);
        svg_down(out, panel->bottom);
    }
    double values[AXIS_TICKS];
    size_t lines = axis_ticks(&panel->y, PANEL_TICKS, values);
    for (size_t i = 0; i < lines; i++) {
        svg_move(out, panel->left, axis_at(&panel->y, values[i]));
        svg_across(out, panel->right);
    }
    svg_path_end(out);
    for (size_t i = 0; i < n; i++) {
        svg_text(out, "tick", SVG_MIDDLE, axis_at(&panel->x, ticks[i]), panel->bottom + 15,
                 axis_label(&panel->x, PANEL_TIME_TICKS, ticks[i], text));
    }
    for (size_t i = 0; i < lines; i++) {
        svg_text(out, "tick", SVG_END, panel->left - 7, axis_at(&panel->y, values[i]) + 4,
                 axis_label(&panel->y, PANEL_TICKS, values[i], text));
    }
}

void panel_begin(const struct plot_panel *panel, const char *heading,
                 const struct plot_legend *legend, size_t n)
{
    char words[96];
    snprintf(words, sizeof words, "%s, %s", heading, panel->y.unit.name);
    svg_text(panel->out, "heading", SVG_START, panel->left, panel->top - 9, words);
    put_legend(panel, legend, n, panel->left + svg_width(words, 14.5) + 20);
    put_grid(panel);
    svg_clip_begin(panel->out, panel->name, panel->left, panel->top, panel->right - panel->left,
                   panel->bottom - panel->top);
}

void panel_end(const struct plot_panel *panel)
{
    svg_clip_end(panel->out);
    svg_path_begin(panel->out, "frame");
    svg_move(panel->out, panel->left, panel->top);
    svg_across(panel->out, panel->right);
    svg_down(panel->out, panel->bottom);
    svg_across(panel->out, panel->left);
    svg_close(panel->out);
    svg_path_end(panel->out);
}

/* ---------------------------------------------------------------- series -- */

void panel_steps(const struct plot_panel *panel, const char *class,
                 const struct plot_series *series, bool filled)
{
    struct plot_series drawn;
    if (series->count == 0 || !series_copy(series, &drawn, LINE_DRAWN)) {
        return;
    }
    FILE *out = panel->out;
    svg_path_begin(out, class);
    double begin = at_time(panel, drawn.marks[0].first);
    for (size_t i = 0; i < drawn.count; i++) {
        const struct plot_mark *mark = &drawn.marks[i];
        if (i == 0) {
            svg_move(out, begin, filled ? panel->bottom : at_value(panel, mark->value));
        } else {
            svg_across(out, at_time(panel, mark->first));
        }
        if (mark->count > 1) {
            svg_down(out, at_value(panel, mark->low));
            svg_down(out, at_value(panel, mark->high));
        }
        svg_down(out, at_value(panel, mark->value));
    }
    svg_across(out, panel->right);
    if (filled) {
        svg_down(out, panel->bottom);
        svg_close(out);
    }
    svg_path_end(out);
    series_free(&drawn);
}

void panel_dots(const struct plot_panel *panel, const char *class, const struct plot_series *series)
{
    struct plot_series drawn;
    if (series->count == 0 || !series_copy(series, &drawn, LINE_DRAWN)) {
        return;
    }
    char words[64];
    snprintf(words, sizeof words, "%s%s", class, drawn.count < SMALL_FROM ? " few" : "");
    svg_path_begin(panel->out, words);
    for (size_t i = 0; i < drawn.count; i++) {
        const struct plot_mark *mark = &drawn.marks[i];
        double low = at_value(panel, mark->low), high = at_value(panel, mark->high);
        svg_move(panel->out, at_time(panel, mark->first), low);
        svg_down(panel->out, low - high < 0.1 ? low : high);
    }
    svg_path_end(panel->out);
    series_free(&drawn);
}

void panel_ranges(const struct plot_panel *panel, const char *class,
                  const struct plot_series *series)
{
    struct plot_series drawn;
    if (series->count == 0 || !series_copy(series, &drawn, PLOT_DRAWN)) {
        return;
    }
    svg_path_begin(panel->out, class);
    for (size_t i = 0; i < drawn.count; i++) {
        const struct plot_mark *mark = &drawn.marks[i];
        double x1 = at_time(panel, mark->first), x2 = at_time(panel, mark->last);
        double y1 = at_value(panel, mark->low), y2 = at_value(panel, mark->high);
        if (y1 - y2 < 1.6) { /* seen, however small */
            y2 = (y1 + y2) / 2 - 0.8;
            y1 = y2 + 1.6;
        } else if (y1 - y2 > 5) { /* and apart from the next one */
            y2 += 1.2;
        }
        svg_move(panel->out, x1, y1);
        if (x2 - x1 < 0.1) {
            svg_down(panel->out, y2);
        } else {
            svg_to(panel->out, x2, y2);
        }
    }
    svg_path_end(panel->out);
    series_free(&drawn);
}

void panel_marks(const struct plot_panel *panel, const char *class,
                 const struct plot_series *series, uint32_t kind, enum plot_shape shape)
{
    struct plot_series drawn;
    if (series->count == 0 || !series_copy(series, &drawn, PLOT_DRAWN)) {
        return;
    }
    size_t n = 0;
    for (size_t i = 0; i < drawn.count; i++) {
        n += drawn.marks[i].kind == kind;
    }
    if (n > 0) {
        svg_path_begin(panel->out, class);
        for (size_t i = 0; i < drawn.count; i++) {
            const struct plot_mark *mark = &drawn.marks[i];
            if (mark->kind == kind) {
                double y = (at_value(panel, mark->low) + at_value(panel, mark->high)) / 2;
                put_shape(panel->out, shape, n > SMALL_FROM, at_time(panel, mark->first), y);
            }
        }
        svg_path_end(panel->out);
    }
    series_free(&drawn);
}

void panel_ground(const struct plot_panel *panel, const char *class,
                  const struct plot_series *series, uint32_t kind)
{
    struct plot_series drawn;
    if (series->count == 0 || !series_copy(series, &drawn, LINE_DRAWN)) {
        return;
    }
    for (size_t i = 0; i < drawn.count; i++) {
        const struct plot_mark *mark = &drawn.marks[i];
        if (mark->kind == kind) {
            double x1 = at_time(panel, mark->first), x2 = at_time(panel, mark->last);
            svg_rect(panel->out, class, x1, panel->top, MAX(x2 - x1, 1.0),
                     panel->bottom - panel->top);
        }
    }
    series_free(&drawn);
}
