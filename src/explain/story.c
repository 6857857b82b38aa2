/* SPDX-License-Identifier: MIT */
/*
 * The first three quarters of the bound are filled and stay; the rest is a ring
 * for the newest lines, so that beginning and end of a long story are there. The
 * ring's oldest line becomes the one that says how much was left out.
 */
#include "explain/story.h"

#include <stdlib.h>
#include <string.h>

/* Turns of a conversation that get a line each before the rest is folded into one. */
#define TURNS_SHOWN 6

void story_free(struct story *story)
{
    free(story->line);
    memset(story, 0, sizeof *story);
}

static unsigned kept_head(unsigned most) { return most - most / 4; }

static bool grow(struct story *story, unsigned most)
{
    unsigned room = story->room == 0 ? 2 : story->room * 2;
    room = room > most ? most : room;
    struct line *line = realloc(story->line, room * sizeof *line);
    if (line == NULL) {
        story->failed = true;
        return false;
    }
    story->line = line;
    story->room = room;
    return true;
}

static uint64_t packets_of(const struct line *line)
{
    return line->kind == LINE_FOLD ? line->fold.segments[0] + line->fold.segments[1] : 1;
}

/* Where the next line goes; the oldest of the ring makes room. */
static struct line *place(struct story *story, unsigned most)
{
    if (story->count == story->room && story->room < most && !grow(story, most)) {
        return NULL;
    }
    if (story->count < most) {
        return &story->line[story->count++];
    }
    unsigned head = kept_head(most);
    struct line *oldest = &story->line[head + story->tail];
    story->left_out += packets_of(oldest);
    story->tail = (story->tail + 1) % (most - head);
    return oldest;
}

struct line *story_add(struct story *story, const struct line *line, unsigned most)
{
    story->most = most;
    story->fold_open = false;
    struct line *at = most < 8 ? NULL : place(story, most);
    if (at != NULL) {
        *at = *line;
        story->added++;
    }
    return at;
}

struct line *story_at(const struct story *story, uint64_t index)
{
    if (index >= story->added) {
        return NULL;
    }
    unsigned head = kept_head(story->most);
    if (story->added <= story->count || index < head) {
        return &story->line[index];
    }
    uint64_t back = story->added - index; /* 1: the newest */
    unsigned ring = story->most - head;
    if (back > ring) {
        return NULL;
    }
    return &story->line[head + (story->tail + ring - (unsigned)back) % ring];
}

struct line *story_fold(struct story *story, unsigned from, uint32_t length)
{
    if (!story->fold_open) {
        return NULL;
    }
    struct line *fold = story_at(story, story->added - 1);
    bool turn = length > 0 && fold->fold.bytes[from] == 0 && fold->fold.bytes[1 - from] > 0;
    if (turn && story->turns < TURNS_SHOWN) {
        story->turns++;
        story->fold_open = false;
        return NULL;
    }
    return fold;
}

struct line *story_begin_fold(struct story *story, const struct line *line, unsigned most)
{
    struct line made = *line;
    made.kind = LINE_FOLD;
    memset(&made.fold, 0, sizeof made.fold);
    struct line *fold = story_add(story, &made, most);
    story->fold_open = fold != NULL;
    return fold;
}

void story_join(struct line *fold, const struct folded *folded)
{
    fold->last = folded->number;
    fold->until = folded->when;
    fold->states[0] = folded->states[0];
    fold->states[1] = folded->states[1];
    if (folded->length > 0) {
        fold->fold.bytes[folded->from] += folded->length;
        fold->fold.segments[folded->from]++;
    }
    enum mark mark = folded->mark;
    fold->fold.duplicate_acks += mark == MARK_DUPLICATE_ACK || mark == MARK_DSACK;
    fold->fold.out_of_order += mark == MARK_REORDERED || mark == MARK_GAP;
    fold->fold.repeated += mark == MARK_FAST_RETRANSMIT || mark == MARK_RETRANSMISSION;
}

static void reverse(struct line *line, unsigned n)
{
    for (unsigned i = 0; i < n / 2; i++) {
        struct line swap = line[i];
        line[i] = line[n - 1 - i];
        line[n - 1 - i] = swap;
    }
}

void story_finish(struct story *story)
{
    story->fold_open = false;
    if (story->left_out == 0) {
        return;
    }
    unsigned head = kept_head(story->most), ring = story->most - head;
    /* A rotation by three reversals. */
    reverse(story->line + head, story->tail);
    reverse(story->line + head + story->tail, ring - story->tail);
    reverse(story->line + head, ring);
    story->tail = 0;
    struct line *gap = &story->line[head];
    uint64_t left_out = story->left_out + packets_of(gap);
    struct line told = { .kind = LINE_LEFT_OUT,
                         .from = gap->from,
                         .when = gap->when,
                         .until = gap->until,
                         .left_out = left_out };
    memcpy(told.states, gap->states, sizeof told.states);
    *gap = told;
    story->left_out = 0;
}
