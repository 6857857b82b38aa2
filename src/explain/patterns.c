/* SPDX-License-Identifier: MIT */
/*
 * A bounded table of targets and of sources. Whoever forges addresses can fill it
 * with keys that come once; when it is full, the least counted of a few neighbours
 * makes room, so that what comes often stays. How many different ones a key has met
 * is estimated from a map of bits (linear counting, Whang et al. 1990).
 */
#include "explain/patterns.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/siphash.h"

#define PLACES 8192
#define NEIGHBOURS 8
#define MAP_BITS 1024
/* What the map can tell apart at most. */
#define FULL 7000

struct place {
    struct pattern pattern;
    uint64_t map[MAP_BITS / 64];
};

struct patterns {
    struct siphash_key key;
    struct place *place[PLACES];
    struct place *found[PLACES]; /* those that are patterns, in order of their first connection */
    unsigned founds;
    bool looked; /* found[] is up to date */
};

/* The same capture gives the same estimate; whoever chooses addresses may make it smaller. */
static const struct siphash_key map_key = { 1, 2 };

struct patterns *patterns_new(void)
{
    struct patterns *patterns = calloc(1, sizeof *patterns);
    if (patterns != NULL) {
        patterns->key =
            (struct siphash_key){ (uint64_t)(uintptr_t)patterns, (uint64_t)(uintptr_t)&patterns };
    }
    return patterns;
}

void patterns_free(struct patterns *patterns)
{
    for (unsigned i = 0; patterns != NULL && i < PLACES; i++) {
        free(patterns->place[i]);
    }
    free(patterns);
}

/* -------------------------------------------------------------------- keys -- */

struct name {
    wh_addr addr;
    uint16_t port, kind;
};

static struct name name_of(enum verdict_kind kind, const struct explanation *explanation)
{
    struct name name;
    memset(&name, 0, sizeof name);
    const wh_endpoint *end = &explanation->end[kind == VERDICT_SYN_FLOOD];
    name.addr = end->addr;
    name.port = kind == VERDICT_SYN_FLOOD ? end->port : 0;
    name.kind = (uint16_t)kind;
    return name;
}

static bool names(const struct place *place, const struct name *name)
{
    return place->pattern.kind == (enum verdict_kind)name->kind &&
           place->pattern.end.port == name->port &&
           wh_addr_equal(&place->pattern.end.addr, &name->addr);
}

static struct place *find(struct patterns *patterns, const struct name *name, bool make)
{
    uint64_t hash = siphash13(&patterns->key, name, sizeof *name);
    struct place **least = NULL;
    for (unsigned i = 0; i < NEIGHBOURS; i++) {
        struct place **place = &patterns->place[(hash + i) % PLACES];
        if (*place != NULL && names(*place, name)) {
            return *place;
        }
        if (least == NULL ||
            (*least != NULL &&
             (*place == NULL || (*place)->pattern.connections < (*least)->pattern.connections))) {
            least = place;
        }
    }
    if (!make) {
        return NULL;
    }
    if (*least == NULL) {
        *least = malloc(sizeof **least);
    }
    if (*least != NULL) {
        memset(*least, 0, sizeof **least);
        (*least)->pattern.kind = (enum verdict_kind)name->kind;
        (*least)->pattern.end = (wh_endpoint){ name->addr, name->port };
    }
    return *least;
}

/* ------------------------------------------------------------------- counts -- */

static bool never_opened(const struct explanation *explanation)
{
    if (!explanation->opening_seen) {
        return false;
    }
    switch (explanation->verdict.kind) {
    case VERDICT_REFUSED:
    case VERDICT_NO_ANSWER:
    case VERDICT_UNREACHABLE:
    case VERDICT_HANDSHAKE_UNFINISHED:
    case VERDICT_HANDSHAKE_CANCELLED: return true;
    case VERDICT_CANNOT_TELL:
        return explanation->metrics.open_time == 0 && explanation->packets <= 3;
    default: return false;
    }
}

static bool in_pattern(const struct explanation *explanation, enum verdict_kind kind)
{
    if (!never_opened(explanation)) {
        return false;
    }
    /* A port that refuses is not flooded. */
    return kind == VERDICT_SCAN || explanation->verdict.kind != VERDICT_REFUSED;
}

static void count(struct place *place, const struct explanation *explanation)
{
    struct pattern *pattern = &place->pattern;
    if (pattern->connections++ == 0) {
        pattern->first = explanation->number;
        pattern->began = explanation->began;
    }
    pattern->first = explanation->number < pattern->first ? explanation->number : pattern->first;
    pattern->began = explanation->began < pattern->began ? explanation->began : pattern->began;
    pattern->over = explanation->over > pattern->over ? explanation->over : pattern->over;
    enum verdict_kind kind = explanation->verdict.kind;
    pattern->answered[kind == VERDICT_REFUSED                                    ? 0
                      : kind == VERDICT_NO_ANSWER || kind == VERDICT_CANNOT_TELL ? 1
                                                                                 : 2]++;
    struct name other = { explanation->end[0].addr, 0, 0 };
    if (pattern->kind == VERDICT_SCAN) {
        other = (struct name){ explanation->end[1].addr, explanation->end[1].port, 0 };
    }
    uint64_t bit = siphash13(&map_key, &other, sizeof other) % MAP_BITS;
    place->map[bit / 64] |= UINT64_C(1) << bit % 64;
}

void patterns_take(struct patterns *patterns, const struct explanation *explanation)
{
    static const enum verdict_kind kinds[] = { VERDICT_SYN_FLOOD, VERDICT_SCAN };
    patterns->looked = false;
    for (unsigned i = 0; i < 2; i++) {
        if (in_pattern(explanation, kinds[i])) {
            struct name name = name_of(kinds[i], explanation);
            struct place *place = find(patterns, &name, true);
            if (place != NULL) {
                count(place, explanation);
            }
        }
    }
}

/* ----------------------------------------------------------------- answers -- */

static uint64_t estimate(const struct place *place)
{
    unsigned empty = 0;
    for (unsigned i = 0; i < MAP_BITS; i++) {
        empty += !(place->map[i / 64] >> i % 64 & 1);
    }
    double share = empty > 0 ? (double)empty / MAP_BITS : 0.5 / MAP_BITS;
    double number = -(double)MAP_BITS * log(share) + 0.5;
    return number < FULL ? (uint64_t)number : FULL;
}

static bool is_pattern(struct place *place)
{
    struct pattern *pattern = &place->pattern;
    uint64_t least = pattern->kind == VERDICT_SYN_FLOOD ? FLOOD_LEAST : SCAN_LEAST;
    if (pattern->connections < least) {
        return false;
    }
    pattern->others = estimate(place);
    return pattern->kind == VERDICT_SYN_FLOOD || pattern->others >= SCAN_LEAST;
}

static const struct pattern *told(struct place *place)
{
    struct pattern *pattern = &place->pattern;
    char name[WH_TEXT];
    /* A map that is full tells no more than that. */
    const char *about = pattern->others >= FULL ? "more than" : "about";
    double seconds = (double)(pattern->over - pattern->began) / (double)WH_SECOND;
    if (pattern->text[0] != '\0') {
        return pattern;
    }
    if (pattern->kind == VERDICT_SYN_FLOOD) {
        snprintf(pattern->text, sizeof pattern->text,
                 "%llu openings of %s in %.3g s, from %s %llu addresses, were never finished.",
                 (unsigned long long)pattern->connections, wh_endpoint_text(&pattern->end, name),
                 seconds, about, (unsigned long long)pattern->others);
    } else {
        snprintf(
            pattern->text, sizeof pattern->text,
            "%s tried %s %llu ports or hosts in %.3g s: %llu refused, %llu did not answer, %llu "
            "answered and were left.",
            wh_addr_text(&pattern->end.addr, name), about, (unsigned long long)pattern->others,
            seconds, (unsigned long long)pattern->answered[0],
            (unsigned long long)pattern->answered[1], (unsigned long long)pattern->answered[2]);
    }
    return pattern;
}

const struct pattern *patterns_of(struct patterns *patterns, const struct explanation *explanation)
{
    static const enum verdict_kind kinds[] = { VERDICT_SYN_FLOOD, VERDICT_SCAN };
    for (unsigned i = 0; i < 2; i++) {
        if (in_pattern(explanation, kinds[i])) {
            struct name name = name_of(kinds[i], explanation);
            struct place *place = find(patterns, &name, false);
            if (place != NULL && is_pattern(place)) {
                return told(place);
            }
        }
    }
    return NULL;
}

static int by_first(const void *a, const void *b)
{
    const struct pattern *left = &(*(struct place *const *)a)->pattern;
    const struct pattern *right = &(*(struct place *const *)b)->pattern;
    if (left->first != right->first) {
        return left->first < right->first ? -1 : 1;
    }
    return (int)left->kind - (int)right->kind;
}

static void look(struct patterns *patterns)
{
    patterns->founds = 0;
    for (unsigned at = 0; at < PLACES; at++) {
        struct place *place = patterns->place[at];
        if (place != NULL && is_pattern(place)) {
            patterns->found[patterns->founds++] = place;
        }
    }
    qsort(patterns->found, patterns->founds, sizeof(struct place *), by_first);
    patterns->looked = true;
}

const struct pattern *patterns_nth(struct patterns *patterns, unsigned i)
{
    if (!patterns->looked) {
        look(patterns);
    }
    return i < patterns->founds ? told(patterns->found[i]) : NULL;
}
