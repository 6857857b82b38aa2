/* SPDX-License-Identifier: MIT */
/* A connection's verdict, ladder and figures, line by line. */
#include "view/explain_text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "tcp/observer.h"
#include "view/words.h"

static const char *const side_names[] = { "client", "server" };

/* ------------------------------------------------------------------- rungs -- */

static uint32_t relative(const struct explanation *explanation, unsigned side, uint32_t number)
{
    return explanation->first_known[side] ? number - explanation->first[side] : number;
}

static enum style style_of(const struct line *line)
{
    if (line->flags & WH_RST) {
        return STYLE_RESET;
    }
    if (line->flags & WH_SYN) {
        return STYLE_OPEN;
    }
    if (line->flags & WH_FIN) {
        return STYLE_CLOSE;
    }
    return line->length > 0 ? STYLE_DATA : STYLE_PLAIN;
}

static void options_words(const struct explanation *explanation, const struct line *line,
                          char *words)
{
    wh_trace_record record = { .flags = line->flags,
                               .options = line->options.has,
                               .mss = line->options.mss,
                               .window_scale = line->options.window_scale,
                               .sacks = line->options.sacks > 0 };
    record.sack[0] = (wh_sack_block){ line->options.sack.left, line->options.sack.right };
    /* What these hold is not kept. */
    record.options &= (uint8_t) ~(WH_HAS_FAST_OPEN | WH_HAS_ACCECN);
    words_options(&record, explanation->first[1 - line->from], words);
}

static void note_of(const struct line *line, char *note)
{
    static const char *const fates[] = { "", "", "lost on the path", "refused by its receiver" };
    const char *mark = mark_words((enum mark)line->mark), *fate = fates[line->fate];
    bool damaged = line->mark == MARK_DAMAGED;
    snprintf(note, (size_t)2 * WORDS, "%s%s%s", mark,
             mark[0] != '\0' && fate[0] != '\0' && !damaged ? "; " : "", damaged ? "" : fate);
}

static void segment_words(const struct explanation *explanation, const struct line *line,
                          struct rung *rung)
{
    char options[WORDS], bytes[WORDS];
    words_flags(line->flags, rung->head);
    if (line->length > 0 && !(line->flags & (WH_SYN | WH_FIN | WH_RST | WH_URG))) {
        snprintf(rung->head, sizeof rung->head, "DATA");
    }
    int n = snprintf(rung->detail, sizeof rung->detail, "seq %" PRIu32,
                     relative(explanation, line->from, line->seq));
    if (line->flags & WH_ACK) {
        snprintf(rung->detail + n, sizeof rung->detail - (size_t)n, " ack %" PRIu32,
                 relative(explanation, 1 - line->from, line->ack));
    }
    options_words(explanation, line, options);
    snprintf(rung->extra, sizeof rung->extra, "%.40s%s%.200s",
             line->length > 0 ? words_bytes(line->length, bytes) : "",
             line->length > 0 && options[0] != '\0' ? ", " : "", options);
    note_of(line, rung->note);
}

static void fold_words(const struct line *line, struct rung *rung)
{
    unsigned from = line->from, to = 1U - from;
    char bytes[WORDS], count[WORDS], duration[WORDS];
    uint64_t segments = (uint64_t)line->fold.segments[0] + line->fold.segments[1];
    if (segments == 0) {
        rung->shape = RUNG_DATA;
        snprintf(rung->head, sizeof rung->head, "ACK");
        snprintf(rung->detail, sizeof rung->detail, "%" PRIu32 " acknowledgements",
                 line->fold.acks);
        return;
    }
    words_bytes(line->fold.bytes[from], rung->head);
    words_segments(segments, count);
    words_duration(line->until - line->when, duration);
    if (line->fold.bytes[to] > 0) {
        rung->shape = RUNG_EXCHANGE;
        snprintf(rung->detail, sizeof rung->detail, "%.80s back",
                 words_bytes(line->fold.bytes[to], bytes));
        snprintf(rung->extra, sizeof rung->extra, "%.40s, %.40s", count, duration);
    } else if (segments > 1) {
        rung->shape = RUNG_DATA;
        snprintf(rung->detail, sizeof rung->detail, "%.80s, %.40s", count, duration);
    } else {
        rung->shape = RUNG_DATA;
        snprintf(rung->detail, sizeof rung->detail, "%s", count);
    }
    const struct {
        uint32_t n;
        const char *words;
    } counts[] = { { line->fold.repeated, "sent again" },
                   { line->fold.out_of_order, "out of order" },
                   { line->fold.duplicate_acks, "duplicate ACKs" } };
    size_t length = 0;
    for (int i = 0; i < 3; i++) {
        if (counts[i].n > 0) {
            length += (size_t)snprintf(rung->note + length, sizeof rung->note - length,
                                       "%s%" PRIu32 " %s", length > 0 ? ", " : "", counts[i].n,
                                       counts[i].words);
        }
    }
}

static void icmp_words(const struct explanation *explanation, const struct line *line,
                       struct rung *rung)
{
    snprintf(rung->head, sizeof rung->head, "ICMP");
    snprintf(rung->detail, sizeof rung->detail, "about seq %" PRIu32,
             relative(explanation, 1U - line->from, line->seq));
    if (line->icmp_kind == ICMP_TOO_BIG && line->icmp_mtu > 0) {
        snprintf(rung->note, sizeof rung->note,
                 "packet too big: the next link takes %" PRIu32 " bytes", line->icmp_mtu);
    } else {
        snprintf(rung->note, sizeof rung->note, "%s",
                 packet_icmp_words((enum icmp_kind)line->icmp_kind));
    }
    rung->style = STYLE_RESET;
}

/* Both rails of a line: the sets before and after it. */
static void set_rails(const uint16_t before[2], const struct line *line, struct rung *rung)
{
    for (int side = 0; side < 2; side++) {
        struct observer was = { .states = before[side] }, is = { .states = line->states[side] };
        observer_text(&was, rung->rail[side].before);
        observer_text(&is, rung->rail[side].after);
    }
}

static void draw_line(struct text *text, const struct drawing *drawing,
                      const struct explanation *explanation, const uint16_t before[2],
                      const struct line *line)
{
    struct rung rung = { .number = (unsigned)line->number,
                         .time =
                             line->when > explanation->began ? line->when - explanation->began : 0,
                         .from = line->from == 0 ? LADDER_LEFT : LADDER_RIGHT,
                         .shape = line->fate == FATE_LOST ? RUNG_LOST : RUNG_SEGMENT,
                         .style = style_of(line) };
    set_rails(before, line, &rung);
    switch ((enum line_kind)line->kind) {
    case LINE_SEGMENT: segment_words(explanation, line, &rung); break;
    case LINE_FOLD:
        rung.style = STYLE_DATA;
        fold_words(line, &rung);
        break;
    case LINE_ICMP: icmp_words(explanation, line, &rung); break;
    case LINE_LEFT_OUT: {
        char words[WORDS];
        snprintf(words, sizeof words, "%" PRIu64 " packets left out here", line->left_out);
        rung_words(text, drawing, 0, rung.time, STYLE_NOTE, words);
        return;
    }
    }
    rung_draw(text, drawing, &rung);
}

static unsigned digits(uint64_t number)
{
    unsigned n = 1;
    while (number >= 10) {
        number /= 10;
        n++;
    }
    return n;
}

static struct drawing with_packets(const struct drawing *drawing,
                                   const struct explanation *explanation)
{
    struct drawing made = *drawing;
    made.packets = true;
    uint64_t most = 0;
    for (size_t i = 0; i < explanation->line_count; i++) {
        most = explanation->line[i].number > most ? explanation->line[i].number : most;
    }
    made.indent = digits(most) > 3 ? digits(most) - 3 : 0;
    made.width += made.indent;
    return made;
}

static void draw_ladder(struct text *text, const struct drawing *plain,
                        const struct explanation *explanation)
{
    struct drawing drawing = with_packets(plain, explanation);
    char side[2][WH_TEXT + 16], name[WH_TEXT];
    for (int s = 0; s < 2; s++) {
        snprintf(side[s], sizeof side[s], "%s %s", side_names[s],
                 wh_endpoint_text(&explanation->end[s], name));
    }
    rung_header(text, &drawing, 0, WH_NEVER, side[0], side[1]);
    uint16_t before[2] = { STATE_ANY, STATE_ANY };
    for (size_t i = 0; i < explanation->line_count; i++) {
        const struct line *line = &explanation->line[i];
        draw_line(text, &drawing, explanation, i == 0 ? line->states : before, line);
        memcpy(before, line->states, sizeof before);
    }
}

void explain_text_line(struct text *text, const struct drawing *drawing,
                       const struct explanation *so_far, const struct line *line)
{
    struct drawing shown = *drawing;
    char words[2 * WH_TEXT + 16], name[2][WH_TEXT];
    if (so_far->packets == 1) {
        snprintf(words, sizeof words, "%s %s %s", wh_endpoint_text(&so_far->end[0], name[0]),
                 drawing->ascii ? "->" : "→", wh_endpoint_text(&so_far->end[1], name[1]));
        rung_words(text, &shown, (unsigned)so_far->number, 0, STYLE_BOLD, words);
    }
    struct line copy = *line;
    copy.number = so_far->number; /* live, the connection tells lines apart */
    draw_line(text, &shown, so_far, line->states, &copy);
}

/* ----------------------------------------------------------------- figures -- */

/* Adds "label value" to a line of figures. */
static void figure(struct text *text, bool *first, const char *format, const char *value)
{
    text_put(text, *first ? "" : ", ");
    text_format(text, format, value);
    *first = false;
}

static void opening_figures(struct text *text, const struct metrics *metrics)
{
    char words[WORDS];
    bool first = true;
    static const char *const places[] = { NULL, "captured at the client", "captured at the server",
                                          "captured between the ends", "captured at both ends" };
    if (metrics->handshake_rtt > 0) {
        figure(text, &first, "handshake %s", words_duration(metrics->handshake_rtt, words));
    } else if (metrics->open_time > 0) {
        figure(text, &first, "opened after %s", words_duration(metrics->open_time, words));
    }
    if (metrics->first_byte_time > 0) {
        figure(text, &first, "first byte from the server after %s",
               words_duration(metrics->first_byte_time, words));
    }
    if (places[metrics->vantage] != NULL) {
        figure(text, &first, "%s", places[metrics->vantage]);
    }
    if (!first) {
        text_newline(text);
    }
}

static char *bits_words(uint64_t bits, char *words)
{
    static const struct {
        double size;
        const char *name;
    } units[] = { { 1e9, "Gbit/s" }, { 1e6, "Mbit/s" }, { 1e3, "kbit/s" } };
    for (int i = 0; i < 3; i++) {
        if ((double)bits >= units[i].size) {
            snprintf(words, WORDS, "%.3g %s", (double)bits / units[i].size, units[i].name);
            return words;
        }
    }
    snprintf(words, WORDS, "%" PRIu64 " bit/s", bits);
    return words;
}

static void count_figure(struct text *text, bool *first, uint32_t n, const char *words)
{
    if (n > 0) {
        text_format(text, "%s%" PRIu32 " %s", *first ? "" : ", ", n, words);
        *first = false;
    }
}

static void sent_again(struct text *text, const struct traffic_sums *sums)
{
    if (sums->retransmissions == 0) {
        return;
    }
    bool first = true;
    text_format(text, "; %" PRIu32 " sent again (", sums->retransmissions);
    count_figure(text, &first, sums->fast, "fast");
    count_figure(text, &first, sums->timeouts, "by timeout");
    count_figure(text, &first, sums->tail_probes, "tail probes");
    count_figure(text, &first, sums->spurious, "spurious");
    count_figure(text, &first, sums->syn_fin_again, "SYN or FIN");
    text_put(text, first ? "of unknown kind)" : ")");
}

static void limit_words(struct text *text, const struct traffic_sums *sums)
{
    static const char *const limits[] = { NULL, "by the sender", "by the receiver's window",
                                          "by the network" };
    if (limits[sums->limit] != NULL) {
        text_format(text, "; held back %s %u %% of the time", limits[sums->limit],
                    (unsigned)sums->limited_percent);
    }
}

static void way_figures(struct text *text, const struct explanation *explanation, unsigned side)
{
    const struct traffic_sums *sums = &explanation->metrics.sums[side];
    char words[WORDS], rate[WORDS];
    bool anything = sums->fresh_bytes + sums->retransmissions + sums->zero_windows > 0;
    if (!anything) {
        return;
    }
    text_format(text, "%s sent %s", side_names[side], words_bytes(sums->fresh_bytes, words));
    uint64_t bits = explanation->metrics.bits_per_second[side];
    if (bits > 0) {
        text_format(text, " (%s)", bits_words(bits, rate));
    }
    if (sums->rtt_median > 0) {
        text_format(text, ", acknowledged after %s", words_duration(sums->rtt_median, words));
    }
    sent_again(text, sums);
    bool first = false;
    count_figure(text, &first, sums->reordered, "out of order");
    count_figure(text, &first, sums->copies, "duplicated by the network");
    count_figure(text, &first, sums->damaged, "damaged");
    count_figure(text, &first, sums->duplicate_acks, "duplicate ACKs");
    if (sums->zero_windows > 0) {
        text_format(text, "; closed its window %" PRIu32 " time%s, for %s in all",
                    sums->zero_windows, sums->zero_windows == 1 ? "" : "s",
                    words_duration(sums->zero_window_time, words));
    }
    limit_words(text, sums);
    text_newline(text);
}

/* ------------------------------------------------------------- a connection -- */

/* Words over several lines, two columns in. */
static void paragraph(struct text *text, const struct drawing *drawing, enum style style,
                      const char *words)
{
    unsigned room = drawing->width - 2;
    while (*words != '\0') {
        size_t length = strlen(words);
        if (length > room) {
            length = room;
            while (length > 0 && words[length] != ' ') {
                length--;
            }
            length = length > 0 ? length : room;
        }
        text_put(text, "  ");
        text_style(text, drawing->colour, style);
        text_format(text, "%.*s", (int)length, words);
        text_style(text, drawing->colour, STYLE_PLAIN);
        text_newline(text);
        words += length;
        words += strspn(words, " ");
    }
}

static enum style grade_style(enum grade grade)
{
    switch (grade) {
    case GRADE_FAILED: return STYLE_RESET;
    case GRADE_TROUBLED: return STYLE_NOTE;
    case GRADE_CLEAN: return STYLE_OPEN;
    default: return STYLE_BOLD;
    }
}

static void headline(struct text *text, const struct drawing *drawing,
                     const struct explanation *explanation)
{
    const struct verdict *verdict = &explanation->verdict;
    char name[2][WH_TEXT];
    text_style(text, drawing->colour,
               STYLE_LABEL + (enum style)((explanation->number - 1) % STYLE_LABELS));
    text_format(text, "#%" PRIu64, explanation->number);
    text_style(text, drawing->colour, STYLE_PLAIN);
    text_format(text, " %s %s %s: ", wh_endpoint_text(&explanation->end[0], name[0]),
                drawing->ascii ? "->" : "→", wh_endpoint_text(&explanation->end[1], name[1]));
    text_style(text, drawing->colour, grade_style(verdict_grade(verdict->kind)));
    text_put(text, verdict_name(verdict->kind));
    text_style(text, drawing->colour, STYLE_PLAIN);
    if (verdict->kind != VERDICT_CANNOT_TELL) {
        text_format(text, " (%s)", confidence_name(verdict->confidence));
    }
    text_newline(text);
}

void explain_text_verdict(struct text *text, const struct drawing *drawing,
                          const struct explanation *explanation)
{
    const struct verdict *verdict = &explanation->verdict;
    char words[VERDICT_TEXT + 200];
    headline(text, drawing, explanation);
    const char *doubt = doubt_words(verdict->doubt);
    snprintf(words, sizeof words, "%s%s%s%s", verdict->text, doubt[0] != '\0' ? " (" : "", doubt,
             doubt[0] != '\0' ? ".)" : "");
    paragraph(text, drawing, STYLE_BOLD, words);
}

void explain_text_connection(struct text *text, const struct drawing *drawing,
                             const struct explanation *explanation, const char *const *files)
{
    char words[VERDICT_TEXT + 200];
    explain_text_verdict(text, drawing, explanation);
    for (unsigned point = 0; explanation->points > 1 && point < 32 && files != NULL; point++) {
        if (explanation->points >> point & 1) {
            snprintf(words, sizeof words, "file %u: %s", point + 1, files[point]);
            paragraph(text, drawing, STYLE_DIM, words);
        }
    }
    text_newline(text);
    if (explanation->line_count > 0) {
        draw_ladder(text, drawing, explanation);
        text_newline(text);
    }
    struct text figures = { 0 };
    opening_figures(&figures, &explanation->metrics);
    way_figures(&figures, explanation, 0);
    way_figures(&figures, explanation, 1);
    for (char *line = figures.length > 0 ? strtok(figures.bytes, "\n") : NULL; line != NULL;
         line = strtok(NULL, "\n")) {
        paragraph(text, drawing, STYLE_DIM, line);
    }
    text_free(&figures);
    text_newline(text);
}

/* ----------------------------------------------------------------- summary -- */

static void verdict_row(struct text *text, const struct drawing *drawing,
                        const struct summary *summary, enum verdict_kind kind)
{
    unsigned column = text->column;
    text_format(text, "%10" PRIu64 "  ", summary->by_verdict[kind]);
    text_style(text, drawing->colour, grade_style(verdict_grade(kind)));
    text_put(text, verdict_name(kind));
    text_style(text, drawing->colour, STYLE_PLAIN);
    text_to(text, column + 38);
    text_format(text, "%s (#%" PRIu64 ")", verdict_words(kind), summary->example[kind]);
    text_newline(text);
}

static void oddities(struct text *text, const struct drawing *drawing,
                     const struct summary *summary)
{
    const struct explain_counts *counts = &summary->counts;
    char words[4 * WORDS];
    if (counts->odd > 0) {
        snprintf(words, sizeof words, "%" PRIu64 " packets could not be taken apart:", counts->odd);
        paragraph(text, drawing, STYLE_NOTE, words);
        for (int reason = 0; reason < WH_REASON_COUNT; reason++) {
            if (counts->odd_by_reason[reason] > 0) {
                snprintf(words, sizeof words, "  %" PRIu64 ": %s", counts->odd_by_reason[reason],
                         wh_reason_text((wh_reason)reason));
                paragraph(text, drawing, STYLE_DIM, words);
            }
        }
    }
    const struct {
        uint64_t n;
        const char *words;
    } rows[] = {
        { summary->lost, "packets were lost by the capture itself" },
        { counts->copies,
          "packets were seen more than once, on several interfaces or in several files" },
        { counts->clock_jumps, "times the clock of the capture jumped" },
        { counts->evicted, "connections were let go early: the memory limit (--memory)" },
        { summary->in_patterns, "connections are folded into patterns" },
        { summary->unwanted, "connections were not asked for" },
    };
    for (unsigned i = 1; i < summary->file_count && summary->offset != NULL; i++) {
        char duration[WORDS];
        int64_t off = summary->offset[i];
        if (summary->matches[i] == 0) {
            snprintf(
                words, sizeof words,
                "%s: no packet both ways is in the first file, too; its clock is taken as it is",
                summary->files[i]);
        } else {
            snprintf(words, sizeof words, "%s: its clock is %s %s, by %u packets that both have",
                     summary->files[i], words_duration((wh_time)(off < 0 ? -off : off), duration),
                     off < 0 ? "behind" : "ahead", summary->matches[i]);
        }
        paragraph(text, drawing, STYLE_DIM, words);
    }
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (rows[i].n > 0) {
            snprintf(words, sizeof words, "%" PRIu64 " %s", rows[i].n, rows[i].words);
            paragraph(text, drawing, STYLE_NOTE, words);
        }
    }
}

/* The verdicts of one grade, most frequent first. */
static void grade_rows(struct text *text, const struct drawing *drawing,
                       const struct summary *summary, int grade)
{
    bool done[VERDICT_COUNT] = { false };
    for (;;) {
        int most = -1;
        for (int kind = 0; kind < VERDICT_COUNT; kind++) {
            if (!done[kind] && summary->by_verdict[kind] > 0 &&
                (int)verdict_grade((enum verdict_kind)kind) == grade &&
                (most < 0 || summary->by_verdict[kind] > summary->by_verdict[most])) {
                most = kind;
            }
        }
        if (most < 0) {
            return;
        }
        done[most] = true;
        verdict_row(text, drawing, summary, (enum verdict_kind)most);
    }
}

void explain_text_summary(struct text *text, const struct drawing *drawing,
                          const struct summary *summary)
{
    const struct explain_counts *counts = &summary->counts;
    char duration[WORDS];
    for (unsigned i = 0; i < summary->file_count; i++) {
        text_format(text, "%s%s", i > 0 ? ", " : "", summary->files[i]);
    }
    text_format(text, ": %" PRIu64 " packets in %s, %" PRIu64 " of TCP; %" PRIu64 " connection%s",
                counts->packets, words_duration(counts->last - counts->first, duration),
                counts->segments, counts->connections, counts->connections == 1 ? "" : "s");
    text_newline(text);
    oddities(text, drawing, summary);
    text_newline(text);
    for (int grade = 0; grade < GRADES; grade++) {
        grade_rows(text, drawing, summary, grade);
    }
    text_newline(text);
}

void explain_text_pattern(struct text *text, const struct drawing *drawing,
                          const struct pattern *pattern)
{
    text_style(text, drawing->colour, STYLE_RESET);
    text_put(text, verdict_name(pattern->kind));
    text_style(text, drawing->colour, STYLE_PLAIN);
    text_format(text, " (from #%" PRIu64 "): %s", pattern->first, pattern->text);
    text_newline(text);
    text_newline(text);
}
