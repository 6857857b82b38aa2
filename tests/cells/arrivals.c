/* SPDX-License-Identifier: MIT */
/*
 * The product: each scene is built up on a fresh stack, one segment arrives, and
 * what follows is held against the oracle. A group of cells, one state and one
 * kind of segment, is one TAP line.
 */
#include "cells.h"

#include <stdio.h>
#include <string.h>

#define DATA 100
#define ALL_FLAGS (WH_FIN | WH_SYN | WH_RST | WH_PSH | WH_ACK | WH_URG | WH_ECE | WH_CWR)

/* Both in mid air; the SYNs wrap; windows and flights straddle the wrap; and half way round. */
static const struct placement placements[] = {
    { "plain", 0x10000000, 0x20000000, 1000000 },
    { "syn-wrap", 0xffffffff, 0xffffffff, 0xffffffff },
    { "wrap", 0xfffffd00, 0xfffff600, 0xfffffffe },
    { "half", 0x7ffffd00, 0x7ffff600, 0x7fffffff },
};

struct variant variant_of(unsigned number)
{
    return (struct variant){ .family = number % 2 ? 6 : 4, .numbers = &placements[number / 2] };
}

/* ----------------------------------------------------------------- kinds -- */

struct kind {
    uint16_t flags;
    uint32_t length;
};

/* All sixteen of FIN, SYN, RST and ACK, without and with data; and dressed ones. */
static unsigned list_kinds(struct kind *kind)
{
    static const uint16_t bit[] = { WH_FIN, WH_SYN, WH_RST, WH_ACK };
    static const struct kind dressed[] = {
        { WH_ACK | WH_URG, 0 },          { WH_ACK | WH_URG, DATA }, { WH_ACK | WH_PSH, DATA },
        { WH_ACK | WH_URG | WH_FIN, 0 }, { ALL_FLAGS, 0 },          { ALL_FLAGS, DATA },
    };
    unsigned n = 0;
    for (unsigned i = 0; i < 32; i++, n++) {
        kind[n] = (struct kind){ 0, i & 16 ? DATA : 0 };
        for (unsigned b = 0; b < 4; b++)
            kind[n].flags |= i >> b & 1 ? bit[b] : 0;
    }
    for (unsigned i = 0; i < sizeof dressed / sizeof dressed[0]; i++)
        kind[n++] = dressed[i];
    return n;
}

#define KINDS 38

/* ---------------------------------------------------------------- places -- */

struct place {
    const char *name;
    uint32_t number;
};

#define PLACES 16

/* Adds a place unless its number has one already. */
static void place_add(struct place *place, unsigned *n, const char *name, uint32_t number)
{
    for (unsigned i = 0; i < *n; i++)
        if (place[i].number == number)
            return;
    place[(*n)++] = (struct place){ name, number };
}

static unsigned list_seqs(const struct facts *f, uint32_t seg_len, struct place *place)
{
    unsigned n = 0;
    uint32_t nxt = f->rcv_nxt, edge = nxt + f->rcv_wnd;
    place_add(place, &n, "nxt", nxt);
    place_add(place, &n, "nxt+1", nxt + 1);
    place_add(place, &n, "nxt-1", nxt - 1);
    place_add(place, &n, "nxt-len", nxt - seg_len);
    place_add(place, &n, "irs", f->irs);
    place_add(place, &n, "nxt-100000", nxt - 100000);
    if (f->rcv_wnd > 300)
        place_add(place, &n, "nxt+300", nxt + 300); /* where a scene with a hole has data */
    if (f->rcv_wnd > 400)
        place_add(place, &n, "nxt+400", nxt + 400);
    place_add(place, &n, "edge-len", edge - seg_len);
    place_add(place, &n, "edge-1", edge - 1);
    place_add(place, &n, "edge", edge);
    place_add(place, &n, "edge+100000", edge + 100000);
    place_add(place, &n, "nxt+2^31", nxt + 0x80000000);
    return n;
}

static unsigned list_acks(const struct facts *f, uint16_t flags, struct place *place)
{
    unsigned n = 0;
    if (!(flags & WH_ACK)) {
        place_add(place, &n, "none", 0);
        return n;
    }
    place_add(place, &n, "nxt", f->snd_nxt);
    if (f->state >= WH_ESTABLISHED && (flags & (WH_RST | WH_SYN))) { /* must not matter */
        place_add(place, &n, "una-max-1", f->snd_una - f->max_snd_wnd - 1);
        place_add(place, &n, "nxt+1", f->snd_nxt + 1);
        return n;
    }
    place_add(place, &n, "una", f->snd_una);
    place_add(place, &n, "una+1", f->snd_una + 1);
    place_add(place, &n, "nxt-1", f->snd_nxt - 1);
    place_add(place, &n, "una-1", f->snd_una - 1);
    place_add(place, &n, "una-max", f->snd_una - f->max_snd_wnd);
    place_add(place, &n, "una-max-1", f->snd_una - f->max_snd_wnd - 1);
    place_add(place, &n, "una-2^30", f->snd_una - 0x40000000);
    place_add(place, &n, "nxt+1", f->snd_nxt + 1);
    place_add(place, &n, "nxt+2^30", f->snd_nxt + 0x40000000);
    return n;
}

enum stamp { STAMP_SAME, STAMP_NEWER, STAMP_OLDER, STAMP_MISSING, STAMPS };

static const char *const stamp_name[] = { " stamp same", " stamp newer", " stamp older",
                                          " no stamp" };

static void stamp_segment(struct segment *segment, const struct facts *facts, enum stamp stamp)
{
    segment->options.tsval = facts->ts_recent + (stamp == STAMP_NEWER   ? 1
                                                 : stamp == STAMP_OLDER ? -1U
                                                                        : 0);
    segment->options.has |= WH_HAS_TIMESTAMPS;
    if (stamp == STAMP_MISSING)
        segment->options.has &= (uint8_t)~WH_HAS_TIMESTAMPS;
}

/* ------------------------------------------------------------------ a cell -- */

struct cell {
    struct scene scene;
    struct variant variant;
    struct kind kind;
    unsigned seq, ack; /* places, by number */
    enum stamp stamp;
};

/* "IPv4 wrap, FIN-WAIT-1 passive <- FIN,ACK len 0", to text[300]. */
static char *kind_words(const struct cell *cell, char *text)
{
    char scene[100], flags[48];
    snprintf(text, 300, "IPv%u %s%s, %s <- %s len %u", cell->variant.family,
             cell->variant.numbers->name, cell->variant.rst_ends ? " rst-ends" : "",
             scene_words(&cell->scene, scene), flag_words(cell->kind.flags, flags),
             cell->kind.length);
    return text;
}

/* And the places: all that makes the cell. */
static void cell_words(const struct cell *cell, const struct place *seq, const struct place *ack,
                       char *text)
{
    char kind[300];
    snprintf(text, 400, "%s, seq %s, ack %s%s", kind_words(cell, kind), seq->name, ack->name,
             cell->scene.stamps || cell->stamp != STAMP_SAME ? stamp_name[cell->stamp] : "");
}

/* The segment of the cell, on a stage that stands. */
static struct segment cell_segment(const struct stage *stage, const struct cell *cell,
                                   const struct place *seq, const struct place *ack)
{
    struct segment segment = stage_segment(stage, cell->kind.flags, cell->kind.length);
    segment.seq = seq->number;
    segment.ack = ack->number;
    segment.window = 15000; /* another than before: does the send window follow? */
    segment.urgent = cell->kind.flags & WH_URG ? 50 : 0;
    if (stage->is.stamps || cell->stamp != STAMP_SAME)
        stamp_segment(&segment, &stage->is, cell->stamp);
    return segment;
}

/* Runs it. What places there are is known only when the stage stands: *seqs and *acks are set. */
static void cell_run(struct tally *tally, const struct cell *cell, unsigned *seqs, unsigned *acks)
{
    struct stage stage;
    struct place seq[PLACES], ack[PLACES];
    struct expectation expectation;
    struct observed observed;
    char words[400];
    struct kind kind = cell->kind;
    stage_open(&stage, cell->variant);
    bool stands = scene_reach(&stage, &cell->scene);
    uint32_t length = kind.length + ((kind.flags & WH_SYN) != 0) + ((kind.flags & WH_FIN) != 0);
    *seqs = list_seqs(&stage.is, length, seq);
    *acks = list_acks(&stage.is, kind.flags, ack);
    cell_words(cell, &seq[cell->seq], &ack[cell->ack], words);
    if (!tally_wants(tally, words)) {
        stage_close(&stage);
        return;
    }
    struct facts before = stage.is;
    struct segment segment = cell_segment(&stage, cell, &seq[cell->seq], &ack[cell->ack]);
    tally->group_cells++;
    stage.verbose = tally->verbose;
    if (stage.verbose)
        printf("# %s\n", words);
    if (stands) {
        oracle_arrives(&before, &segment, &expectation);
        stage_arrives(&stage, &segment);
        judge_look(&stage, &before, &observed);
        int outcome = judge(&stage, &before, &expectation, &observed);
        if (outcome >= 0 && expectation.outcomes > 1)
            tally_choice(tally, before.state, expectation.outcome[outcome].choice);
        tally_arcs(tally, stage.host);
    }
    stage_close(&stage);
    if (stage.why[0] != 0)
        tally_failure(tally, words, stage.why);
}

/* All places and timestamps of a kind of segment in one scene. */
static void kind_run(struct tally *tally, struct cell cell)
{
    unsigned seqs = 1, acks = 1;
    unsigned stamps = cell.scene.stamps ? STAMPS : 1;
    if (stamps == 1 && cell.scene.state == WH_TIME_WAIT && (cell.kind.flags & WH_SYN))
        stamps = 2; /* a new incarnation may have timestamps that the old had not (RFC 6191 2) */
    char words[300];
    if (!tally_may_want(tally, kind_words(&cell, words)))
        return;
    for (unsigned stamp = 0; stamp < stamps; stamp++)
        for (cell.seq = 0; cell.seq < seqs; cell.seq++)
            for (cell.ack = 0; cell.ack < acks; cell.ack++) {
                cell.stamp = (enum stamp)stamp;
                cell_run(tally, &cell, &seqs, &acks);
            }
}

/* ---------------------------------------------------------------- groups -- */

/* What the groups of one kind are called, and how their kinds are told. */
static const struct group {
    const char *name;
    uint16_t mask, flags; /* kinds with these of FIN, SYN, RST, ACK */
    uint32_t length;
} group[] = {
    { "RST", WH_RST, WH_RST, 0 },
    { "RST with data", WH_RST, WH_RST, DATA },
    { "SYN", WH_RST | WH_SYN | WH_ACK, WH_SYN, 0 },
    { "SYN with data", WH_RST | WH_SYN | WH_ACK, WH_SYN, DATA },
    { "SYN,ACK", WH_RST | WH_SYN | WH_ACK, WH_SYN | WH_ACK, 0 },
    { "SYN,ACK with data", WH_RST | WH_SYN | WH_ACK, WH_SYN | WH_ACK, DATA },
    { "ACK", WH_RST | WH_SYN | WH_ACK | WH_FIN, WH_ACK, 0 },
    { "data", WH_RST | WH_SYN | WH_ACK | WH_FIN, WH_ACK, DATA },
    { "FIN,ACK", WH_RST | WH_SYN | WH_ACK | WH_FIN, WH_ACK | WH_FIN, 0 },
    { "FIN,ACK with data", WH_RST | WH_SYN | WH_ACK | WH_FIN, WH_ACK | WH_FIN, DATA },
    { "no ACK flag", WH_RST | WH_SYN | WH_ACK, 0, 0 },
    { "data, no ACK flag", WH_RST | WH_SYN | WH_ACK, 0, DATA },
};

#define GROUPS (sizeof group / sizeof group[0])

/* Arrivals are for connections that exist, and for none at all. */
static bool scene_fits(const struct scene *scene, wh_state state)
{
    return scene->state == state && scene->death == DEATH_NONE;
}

/*
 * Unless all are wanted, the placements take turns with the families: half of them in one, half in
 * the other. With timestamps there are four times as many cells, and the sequence space matters less.
 */
static bool by_turns(const struct cell *cell, unsigned variant)
{
    static const bool taken[] = { true, false, false, true, true, false, false, true };
    return taken[variant % 8] && (!cell->scene.stamps || variant == 3 || variant == 4);
}

static void group_run(struct tally *tally, wh_state state, const struct group *g)
{
    struct kind kind[KINDS];
    unsigned kinds = list_kinds(kind), at = 0;
    char title[100];
    struct cell cell = { 0 };
    while (scene_next(&at, &cell.scene))
        for (unsigned k = 0; k < kinds && scene_fits(&cell.scene, state); k++) {
            cell.kind = kind[k];
            if ((kind[k].flags & g->mask) != g->flags || kind[k].length != g->length)
                continue;
            for (unsigned p = 0; p < VARIANTS; p++) {
                cell.variant = variant_of(p);
                if (!tally->all && !by_turns(&cell, p))
                    continue;
                kind_run(tally, cell);
                if (state == WH_TIME_WAIT && (kind[k].flags & WH_RST)) { /* the other setting too */
                    cell.variant.rst_ends = true;
                    kind_run(tally, cell);
                }
            }
        }
    snprintf(title, sizeof title, "%s: %s", wh_state_name(state), g->name);
    tally_group(tally, shown_by_segment(state, g->name), title);
}

void arrivals_run(struct tally *tally)
{
    for (int state = 0; state < WH_STATE_COUNT; state++)
        for (size_t i = 0; i < GROUPS; i++)
            group_run(tally, (wh_state)state, &group[i]);
}
