/* SPDX-License-Identifier: MIT */
/*
 * The page: what is told in words, and which panels there are. The direction that carried more
 * data is drawn. When that is ours to send, windows and round-trip times are known; when it is
 * the other end's, they are its own business, and the page says so.
 */
#include <inttypes.h>
#include <string.h>

#include "base/bytes.h"
#include "view/plot_parts.h"
#include "view/plot_svg.h"

#define WIDTH 1120
#define LEFT 66.0
#define RIGHT (WIDTH - 22.0)
#define HEADER 92.0
#define ABOVE 32.0 /* heading and legend of a panel */
#define BELOW 26.0 /* labels of its time axis */
#define WINDOWS 120
#define MARGIN 1.012 /* of the time axis, so that what is last is seen whole */

struct sheet {
    FILE *out;
    const struct plot_page *page;
    const struct plot_life *life;
    const struct plot_way *way; /* the one that is drawn */
    bool ours;                  /* our end sends it */
    wh_time start, span;
    double y; /* where the next panel begins */
};

/* ----------------------------------------------------------------- words -- */

static const char *bytes(uint64_t count, char *text)
{
    return axis_value(QUANTITY_BYTES, (double)count, text);
}

/* From its first byte to the last acknowledgement. */
static wh_time duration(const struct plot_way *way)
{
    if (way->fresh.count == 0) {
        return 0;
    }
    wh_time begin = way->fresh.marks[0].first;
    wh_time end = way->sent.marks[way->sent.count - 1].last;
    if (way->acks.count > 0) {
        end = MAX(end, way->acks.marks[way->acks.count - 1].last);
    }
    return end - begin;
}

static void title_words(const struct sheet *sheet, char *words, size_t size)
{
    const struct plot_way *way = sheet->way;
    char amount[AXIS_TEXT], time[AXIS_TEXT], rate[AXIS_TEXT];
    wh_time took = duration(way);
    const char *from = sheet->ours ? sheet->page->ours : sheet->page->theirs;
    const char *to = sheet->ours ? sheet->page->theirs : sheet->page->ours;
    int n = snprintf(words, size, "%s → %s: %s", from, to, bytes((uint64_t)way->high, amount));
    if (took > 0 && n > 0 && (size_t)n < size) {
        double bits = (double)way->high * 8e9 / (double)took;
        snprintf(words + n, size - (size_t)n, " in %s, %s",
                 axis_value(QUANTITY_TIME, (double)took, time),
                 axis_value(QUANTITY_BIT_RATE, bits, rate));
    }
}

static void ends_words(const struct sheet *sheet, char *words, size_t size)
{
    const struct plot_conn *conn = sheet->page->conn;
    char ours[WH_TEXT], theirs[WH_TEXT], other[AXIS_TEXT];
    wh_endpoint_text(&conn->ours, ours);
    wh_endpoint_text(&conn->theirs, theirs);
    const struct plot_way *back = sheet->ours ? &sheet->life->in : &sheet->life->out;
    snprintf(words, size, "%s → %s · %s the other way · connection %" PRIu32 " of %" PRIu32,
             sheet->ours ? ours : theirs, sheet->ours ? theirs : ours,
             bytes((uint64_t)back->high, other), conn->number, sheet->page->connections);
}

/* Words piled up in a line of text. */
struct pile {
    char *text;
    size_t size, length;
};

static void pile_on(struct pile *pile, const char *words)
{
    size_t n = strlen(words);
    if (pile->length + n < pile->size) {
        memcpy(pile->text + pile->length, words, n + 1);
        pile->length += n;
    }
}

static void pile_count(struct pile *pile, uint64_t count, const char *words)
{
    char text[96];
    if (count > 0) {
        snprintf(text, sizeof text, "%s%" PRIu64 " %s", pile->length > 0 ? ", " : "", count, words);
        pile_on(pile, text);
    }
}

static void again_words(const struct sheet *sheet, char *words, size_t size)
{
    const struct plot_way *way = sheet->way;
    struct pile pile = { words, size, 0 };
    char text[96];
    uint64_t all = 0;
    words[0] = '\0';
    for (unsigned kind = 0; kind < REPEATS; kind++) {
        all += way->repeated[kind];
    }
    uint64_t thousandths = way->segments > 0 ? (all * 1000 + way->segments / 2) / way->segments : 0;
    snprintf(text, sizeof text, "%" PRIu64 " segment%s %s", way->segments,
             way->segments == 1 ? "" : "s", sheet->ours ? "sent" : "arrived");
    pile_on(&pile, text);
    if (all > 0) {
        snprintf(text, sizeof text, ", %" PRIu64 " of them %s (%" PRIu64 ".%" PRIu64 " %%): ", all,
                 sheet->ours ? "again" : "behind later ones", thousandths / 10, thousandths % 10);
        pile_on(&pile, text);
        char why[160] = "";
        struct pile reasons = { why, sizeof why, 0 };
        pile_count(&reasons, way->repeated[REPEAT_ACKS], "told lost by acknowledgements");
        pile_count(&reasons, way->repeated[REPEAT_TIMEOUT], "after a timeout");
        pile_count(&reasons, way->repeated[REPEAT_PROBE], "as probes");
        pile_count(&reasons, way->repeated[REPEAT_LATE], "sent again or overtaken");
        pile_count(&reasons, way->repeated[REPEAT_TWICE], "that were here already");
        pile_on(&pile, why);
    } else if (sheet->ours) {
        pile_on(&pile, ", none of them again");
    }
    pile_count(&pile, way->lost, "dropped by fault rules");
}

static void gap_words(const struct sheet *sheet, char *words, size_t size)
{
    words[0] = '\0';
    if (sheet->page->lost > 0) {
        snprintf(words, size, "%" PRIu64 " events came too fast to be recorded: there are gaps",
                 sheet->page->lost);
    }
}

/* ---------------------------------------------------------------- panels -- */

static struct plot_panel new_panel(struct sheet *sheet, const char *name, double height)
{
    struct plot_panel panel = { .out = sheet->out,
                                .name = name,
                                .left = LEFT,
                                .right = RIGHT,
                                .top = sheet->y + ABOVE,
                                .bottom = sheet->y + ABOVE + height,
                                .start = sheet->start };
    panel.x = axis_new(QUANTITY_TIME, 0, (double)sheet->span * MARGIN, LEFT, RIGHT);
    sheet->y = panel.bottom + BELOW;
    return panel;
}

static void put_ground(const struct plot_panel *panel, const struct sheet *sheet)
{
    if (sheet->ours) {
        const struct plot_series *stances = &sheet->life->stances;
        panel_ground(panel, "in-recovery", stances, WH_RECOVERY_FAST);
        panel_ground(panel, "in-loss", stances, WH_RECOVERY_LOSS);
        panel_ground(panel, "in-reduced", stances, WH_RECOVERY_REDUCED);
    }
}

static int64_t least_of(const struct plot_series *series, int64_t least)
{
    for (size_t i = 0; i < series->count; i++) {
        least = MIN(least, series->marks[i].low);
    }
    return least;
}

static void put_sequence(struct sheet *sheet)
{
    const struct plot_way *way = sheet->way;
    struct plot_panel panel = new_panel(sheet, "sequence", 340);
    double top = (double)way->high;
    int64_t edge = series_greatest(&way->edges, 0);
    if (edge > way->high && edge - way->high < way->high / 2) {
        top = (double)edge;
    }
    panel.y = axis_new(QUANTITY_BYTES, 0, top * 1.04, panel.bottom, panel.top);
    bool ours = sheet->ours;
    bool edge_seen = way->edges.count > 0 && (double)least_of(&way->edges, edge) < panel.y.high;
    const struct plot_legend legend[] = {
        { "data", ours ? "data sent" : "data arrived", SHAPE_BAR, true },
        { "acks", "again: ACKs told of a loss", SHAPE_TRIANGLE, way->repeated[REPEAT_ACKS] > 0 },
        { "timeout", "again: timeout", SHAPE_DIAMOND, way->repeated[REPEAT_TIMEOUT] > 0 },
        { "probe", "probe", SHAPE_CIRCLE, way->repeated[REPEAT_PROBE] > 0 },
        { "late", "again, or overtaken", SHAPE_TRIANGLE, way->repeated[REPEAT_LATE] > 0 },
        { "twice", "was here already", SHAPE_DIAMOND, way->repeated[REPEAT_TWICE] > 0 },
        { "drop", "dropped on the path", SHAPE_CROSS, way->lost > 0 },
        { "sack", "SACKed", SHAPE_BAR, way->sacks.count > 0 },
        { "ack", "acknowledged", SHAPE_LINE, true },
        { "edge", "window's edge", SHAPE_LINE, edge_seen },
    };
    panel_begin(&panel, "Data", legend, sizeof legend / sizeof legend[0]);
    put_ground(&panel, sheet);
    panel_steps(&panel, "edge", &way->edges, false);
    panel_steps(&panel, "ack", &way->acks, false);
    panel_ranges(&panel, "sack", &way->sacks);
    panel_ranges(&panel, "data", &way->fresh);
    panel_marks(&panel, "drop", &way->drops, 0, SHAPE_CROSS);
    panel_marks(&panel, "late", &way->repeats, REPEAT_LATE, SHAPE_TRIANGLE);
    panel_marks(&panel, "twice", &way->repeats, REPEAT_TWICE, SHAPE_DIAMOND);
    panel_marks(&panel, "acks", &way->repeats, REPEAT_ACKS, SHAPE_TRIANGLE);
    panel_marks(&panel, "probe", &way->repeats, REPEAT_PROBE, SHAPE_CIRCLE);
    panel_marks(&panel, "timeout", &way->repeats, REPEAT_TIMEOUT, SHAPE_DIAMOND);
    panel_end(&panel);
}

static void put_windows(struct sheet *sheet)
{
    const struct plot_life *life = sheet->life;
    struct plot_panel panel = new_panel(sheet, "windows", 180);
    int64_t top = MAX(series_greatest(&life->cwnd, 1), series_greatest(&life->in_flight, 1));
    int64_t threshold = series_greatest(&life->ssthresh, 0);
    top = threshold > top && threshold < 2 * top ? threshold : top;
    panel.y = axis_new(QUANTITY_BYTES, 0, (double)top * 1.06, panel.bottom, panel.top);
    bool fast = false, loss = false, reduced = false;
    for (size_t i = 0; i < life->stances.count; i++) {
        fast |= life->stances.marks[i].kind == WH_RECOVERY_FAST;
        loss |= life->stances.marks[i].kind == WH_RECOVERY_LOSS;
        reduced |= life->stances.marks[i].kind == WH_RECOVERY_REDUCED;
    }
    const struct plot_legend legend[] = {
        { "cwnd", "congestion window", SHAPE_LINE, true },
        { "ssthresh", "slow start ends (ssthresh)", SHAPE_LINE, life->ssthresh.count > 0 },
        { "flight", "in flight", SHAPE_AREA, true },
        { "in-recovery", "recovery", SHAPE_AREA, fast },
        { "in-loss", "after a timeout", SHAPE_AREA, loss },
        { "in-reduced", "marked (ECN)", SHAPE_AREA, reduced },
    };
    panel_begin(&panel, "Windows", legend, sizeof legend / sizeof legend[0]);
    put_ground(&panel, sheet);
    panel_steps(&panel, "flight", &life->in_flight, true);
    panel_steps(&panel, "ssthresh", &life->ssthresh, false);
    panel_steps(&panel, "cwnd", &life->cwnd, false);
    panel_end(&panel);
}

static void put_round_trips(struct sheet *sheet)
{
    const struct plot_life *life = sheet->life;
    struct plot_panel panel = new_panel(sheet, "round-trips", 150);
    int64_t top = MAX(series_greatest(&life->rtt, 1), series_greatest(&life->srtt, 1));
    int64_t least = MAX(least_of(&life->rtt, least_of(&life->srtt, top)), 1);
    top = MAX(top, series_greatest(&life->rto, 1));
    bool wide = top > 12 * least; /* a timeout far above the round trip would flatten it */
    panel.y = wide ? axis_new_logarithmic(QUANTITY_TIME, (double)least / 1.4, (double)top * 1.4,
                                          panel.bottom, panel.top)
                   : axis_new(QUANTITY_TIME, 0, (double)top * 1.06, panel.bottom, panel.top);
    if (wide) {
        int64_t middle = least; /* of the decades between them */
        for (int64_t above = top; middle < above; above /= 2) {
            middle *= 2;
        }
        panel.y.unit = axis_unit(QUANTITY_TIME, (double)middle);
    }
    const struct plot_legend legend[] = {
        { "sample few", "samples", SHAPE_DOT, life->rtt.count > 0 },
        { "srtt", "smoothed", SHAPE_LINE, life->srtt.count > 0 },
        { "rto", "retransmission timeout", SHAPE_LINE, life->rto.count > 0 },
    };
    panel_begin(&panel, wide ? "Round-trip time (logarithmic)" : "Round-trip time", legend,
                sizeof legend / sizeof legend[0]);
    panel_dots(&panel, "sample", &life->rtt);
    panel_steps(&panel, "rto", &life->rto, false);
    panel_steps(&panel, "srtt", &life->srtt, false);
    panel_end(&panel);
}

/* ------------------------------------------------------------ throughput -- */

/*
 * A round length of time, so that about WINDOWS of them make the span, or fewer that last a round
 * trip: data goes out in a burst a round trip, and a shorter window would show nothing else.
 */
static wh_time window_of(const struct sheet *sheet)
{
    const struct plot_series *srtt = &sheet->life->srtt;
    wh_time trip = srtt->count > 0 ? (wh_time)srtt->marks[srtt->count - 1].value : 0;
    wh_time window = MAX(sheet->span / WINDOWS, MIN(trip, sheet->span / 8));
    return (wh_time)axis_round((double)MAX(window, WH_MICROSECOND));
}

/* Bits per second in each window, from a count that grows. */
static void rates_of(const struct sheet *sheet, const struct plot_series *counts, wh_time window,
                     struct plot_series *rates)
{
    int64_t before = 0;
    *rates = (struct plot_series){ .fold = FOLD_VALUES };
    for (wh_time at = 0; at < sheet->span && counts->count > 0; at += window) {
        int64_t now = series_at(counts, sheet->start + at + window, 0);
        double rate = (double)(now - before) * 8e9 / (double)window;
        series_value(rates, sheet->start + at, (int64_t)rate, PLOT_MARKS);
        before = now;
    }
}

/* Rates that the sender tells, in bytes a second, as bits. */
static void told_rates(const struct plot_series *told, struct plot_series *rates)
{
    if (!series_copy(told, rates, PLOT_DRAWN)) {
        *rates = (struct plot_series){ .fold = FOLD_VALUES };
    }
    for (size_t i = 0; i < rates->count; i++) {
        rates->marks[i].low *= 8;
        rates->marks[i].high *= 8;
        rates->marks[i].value *= 8;
    }
}

static void put_throughput(struct sheet *sheet)
{
    struct plot_panel panel = new_panel(sheet, "throughput", 160);
    wh_time window = window_of(sheet);
    struct plot_series goodput, sent, delivery, pacing;
    rates_of(sheet, &sheet->way->acks, window, &goodput);
    rates_of(sheet, &sheet->way->sent, window, &sent);
    told_rates(&sheet->life->delivery, &delivery);
    told_rates(&sheet->life->pacing, &pacing);
    int64_t top = MAX(series_greatest(&goodput, 1), series_greatest(&sent, 1));
    int64_t told = series_greatest(&delivery, 0);
    top = told > top && told < 2 * top ? told : top;
    panel.y = axis_new(QUANTITY_BIT_RATE, 0, (double)top * 1.06, panel.bottom, panel.top);
    bool ours = sheet->ours;
    const struct plot_legend legend[] = {
        { "goodput", "acknowledged", SHAPE_AREA, true },
        { "sent", ours ? "sent" : "arrived", SHAPE_LINE, true },
        { "delivery", "delivery rate", SHAPE_LINE, ours && delivery.count > 0 },
        { "pacing", "pacing rate", SHAPE_LINE, ours && pacing.count > 0 },
    };
    char heading[64], text[AXIS_TEXT];
    snprintf(heading, sizeof heading, "Throughput over %s",
             axis_value(QUANTITY_TIME, (double)window, text));
    panel_begin(&panel, heading, legend, sizeof legend / sizeof legend[0]);
    panel_steps(&panel, "goodput", &goodput, true);
    panel_steps(&panel, "sent", &sent, false);
    if (ours) {
        panel_steps(&panel, "delivery", &delivery, false);
        panel_steps(&panel, "pacing", &pacing, false);
    }
    panel_end(&panel);
    series_free(&goodput);
    series_free(&sent);
    series_free(&delivery);
    series_free(&pacing);
}

/* ------------------------------------------------------------------ page -- */

/* A page without a picture. */
static void draw_words(FILE *out, const char *title, const char *words)
{
    svg_begin(out, WIDTH, 120, title);
    svg_text(out, "title", SVG_START, LEFT, 44, title);
    svg_text(out, "facts", SVG_START, LEFT, 76, words);
    svg_end(out);
}

static void draw_nothing(const struct plot_page *page, FILE *out)
{
    char words[160];
    if (page->connections == 0) {
        draw_words(out, "No connection", "No TCP connection was seen.");
    } else if (page->wanted > page->connections) {
        snprintf(words, sizeof words,
                 "Connection %" PRIu32 " was asked for, and there were %" PRIu32 ".", page->wanted,
                 page->connections);
        draw_words(out, "No such connection", words);
    } else if (page->conn == NULL) {
        draw_words(out, "No connection", "There was no memory to follow it.");
    } else {
        snprintf(words, sizeof words, "Connection %" PRIu32 " of %" PRIu32 " carried no data.",
                 page->conn->number, page->connections);
        draw_words(out, "No data", words);
    }
}

static void put_header(struct sheet *sheet, const char *title)
{
    char words[400];
    svg_text(sheet->out, "title", SVG_START, LEFT, 34, title);
    ends_words(sheet, words, sizeof words);
    svg_text(sheet->out, "facts", SVG_START, LEFT, 57, words);
    again_words(sheet, words, sizeof words);
    svg_text(sheet->out, "facts", SVG_START, LEFT, 76, words);
    gap_words(sheet, words, sizeof words);
    if (words[0] != '\0') {
        svg_text(sheet->out, "facts", SVG_START, LEFT, 95, words);
        sheet->y += 19;
    }
}

static void put_footer(struct sheet *sheet, double height)
{
    char words[200], note[160] = "";
    struct plot_unit unit = axis_unit(QUANTITY_TIME, (double)sheet->span * MARGIN);
    snprintf(words, sizeof words, "time since the first segment, %s", unit.name);
    svg_text(sheet->out, "label", SVG_END, RIGHT, height - 14, words);
    if (!sheet->ours) {
        snprintf(note, sizeof note,
                 "The sender is the %s: its windows and round-trip times cannot be seen from here.",
                 sheet->page->theirs);
        svg_text(sheet->out, "label", SVG_START, LEFT, height - 14, note);
    }
}

static void draw_connection(struct sheet *sheet)
{
    char title[200];
    double panels = 2 * (ABOVE + BELOW) + 340 + 160;
    panels += sheet->ours ? 2 * (ABOVE + BELOW) + 180 + 150 : 0;
    double height = HEADER + (sheet->page->lost > 0 ? 19 : 0) + panels + 30;
    title_words(sheet, title, sizeof title);
    svg_begin(sheet->out, WIDTH, (unsigned)height, title);
    put_header(sheet, title);
    put_sequence(sheet);
    if (sheet->ours) {
        put_windows(sheet);
        put_round_trips(sheet);
    }
    put_throughput(sheet);
    put_footer(sheet, height);
    svg_end(sheet->out);
}

bool page_draw(const struct plot_page *page, FILE *out)
{
    const struct plot_life *life = page->conn != NULL ? page->conn->life : NULL;
    if (life == NULL || life_bytes(life) == 0) {
        draw_nothing(page, out);
    } else {
        struct sheet sheet = {
            .out = out, .page = page, .life = life, .start = life->first, .y = HEADER
        };
        sheet.ours = life->out.high >= life->in.high;
        sheet.way = sheet.ours ? &life->out : &life->in;
        sheet.span = MAX(life->last - life->first, WH_MICROSECOND);
        draw_connection(&sheet);
    }
    return ferror(out) == 0;
}
