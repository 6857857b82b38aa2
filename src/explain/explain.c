/* SPDX-License-Identifier: MIT */
/*
 * The explainer: finds each packet's connection, in one hash table that grows, and
 * lets connections go when they are over and quiet, when the capture ends, or, the
 * longest quiet first, when memory is short.
 */
#include "explain/explain.h"

#include <stdlib.h>
#include <string.h>

#include "base/prefetch.h"
#include "explain/dossier.h"
#include "explain/fragments.h"
#include "wire/tuple.h"

/* After this, stray segments of a connection that is over are not expected: twice an MSL (RFC 9293 3.4.2). */
#define PATIENCE (240 * WH_SECOND)
/* A leap this long is a clock's, not a pause. */
#define CLOCK_LEAP (24 * 3600 * WH_SECOND)
#define BUCKETS_FIRST 1024
/* Connections that are over are remembered as long as they are no more than those that are not, and these. */
#define OVER_LEAST 4096
/* Packets in the queue; a power of two. */
#define QUEUE 8
/* Of a connection's record, what every packet touches. */
#define TOUCHED (16 * (size_t)CACHE_LINE)
/* How many of the longest quiet are looked at for each packet. */
#define SWEEP 2

/* A packet in the queue. */
struct queued {
    struct seen seen;
    uint64_t hash;
};

struct explain {
    struct explain_options options;
    struct explain_counts counts;
    struct dossier_rules rules;
    struct dossier **bucket;
    size_t buckets;            /* a power of two */
    struct list phase[PHASES]; /* the longest quiet first; in the order of letting go */
    size_t in_phase[PHASES];
    struct siphash_key key;
    struct fragments *fragments;
    const struct checksum *sums; /* NULL: not looked at */
    uint64_t lost[32];
    wh_time now;
    struct queued queue[QUEUE];
    unsigned entered, left; /* packets, modulo 2^32 */
};

void explain_options_init(struct explain_options *options)
{
    *options = (struct explain_options){
        .check_sums = true,
        .memory = (size_t)1 << 30,
        .lines = 200,
        .patience = PATIENCE,
        .points = 1,
    };
}

struct explain *explain_new(const struct explain_options *options)
{
    struct explain *explain = calloc(1, sizeof *explain);
    if (explain == NULL) {
        return NULL;
    }
    explain->options = *options;
    explain->rules = (struct dossier_rules){ .lines = options->lines,
                                             .plot_points = options->plot_points,
                                             .several_points = options->points > 1 };
    explain->bucket = calloc(BUCKETS_FIRST, sizeof(struct dossier *));
    explain->buckets = BUCKETS_FIRST;
    explain->fragments = fragments_new();
    explain->sums = options->check_sums ? checksum_best() : NULL;
    for (int phase = 0; phase < PHASES; phase++) {
        list_init(&explain->phase[phase]);
    }
    /* Whoever made a capture cannot know where the table will lie in memory. */
    explain->key =
        (struct siphash_key){ (uint64_t)(uintptr_t)explain, (uint64_t)(uintptr_t)&explain };
    if (explain->bucket == NULL || explain->fragments == NULL) {
        explain_free(explain);
        return NULL;
    }
    return explain;
}

/* ---------------------------------------------------------------- the table -- */

/* The same for both directions. */
static struct tuple ordered(const struct tuple *tuple)
{
    int order = memcmp(&tuple->local, &tuple->remote, sizeof tuple->local);
    if (order > 0 || (order == 0 && tuple->local_port > tuple->remote_port)) {
        return (struct tuple){ tuple->remote, tuple->local, tuple->remote_port, tuple->local_port };
    }
    return *tuple;
}

static bool same_ends(const struct tuple *a, const struct tuple *b)
{
    if (memcmp(a, b, sizeof *a) == 0) {
        return true;
    }
    return a->local_port == b->remote_port && a->remote_port == b->local_port &&
           wh_addr_equal(&a->local, &b->remote) && wh_addr_equal(&a->remote, &b->local);
}

static struct dossier *find(const struct explain *explain, const struct tuple *tuple, uint64_t hash)
{
    struct dossier *conn = explain->bucket[hash & (explain->buckets - 1)];
    while (conn != NULL && !(conn->hash == hash && same_ends(&conn->tuple, tuple))) {
        conn = conn->next_in_bucket;
    }
    return conn;
}

static void grow(struct explain *explain)
{
    size_t buckets = explain->buckets * 2;
    struct dossier **bucket = calloc(buckets, sizeof(struct dossier *));
    if (bucket == NULL) {
        return; /* longer chains are slower, not wrong */
    }
    for (size_t i = 0; i < explain->buckets; i++) {
        for (struct dossier *conn = explain->bucket[i]; conn != NULL;) {
            struct dossier *next = conn->next_in_bucket;
            struct dossier **place = &bucket[conn->hash & (buckets - 1)];
            conn->next_in_bucket = *place;
            *place = conn;
            conn = next;
        }
    }
    free(explain->bucket);
    explain->bucket = bucket;
    explain->buckets = buckets;
}

static void unlink_conn(struct explain *explain, struct dossier *conn)
{
    struct dossier **place = &explain->bucket[conn->hash & (explain->buckets - 1)];
    while (*place != conn) {
        place = &(*place)->next_in_bucket;
    }
    *place = conn->next_in_bucket;
    link_remove(&conn->age);
    explain->in_phase[conn->phase]--;
    explain->counts.open--;
}

/* ------------------------------------------------------------ lives and ends -- */

static void tell(struct explain *explain, struct dossier *conn)
{
    dossier_settle_twins(conn, explain->now, true);
    story_finish(&conn->story);
    for (unsigned point = 0; point < 32; point++) {
        conn->capture_loss =
            conn->capture_loss || ((conn->points >> point & 1) && explain->lost[point] > 0);
    }
    struct explanation explanation;
    dossier_explain(conn, explain->now, &explanation);
    if (explain->options.done != NULL) {
        explain->options.done(explain->options.context, &explanation);
    }
}

/* Explains a connection that is in no table any more, after the one whose ports it took. */
static void release(struct explain *explain, struct dossier *conn)
{
    if (conn->earlier != NULL) {
        struct dossier *earlier = conn->earlier;
        earlier->replaced_challenged = ref_set(&conn->challenge);
        earlier->replaced_reset = ref_set(&conn->challenge_reset);
        earlier->replaced_accepted = conn->end[SERVER].syn_acks > 0;
        conn->earlier = NULL;
        release(explain, earlier);
    }
    tell(explain, conn);
    explain->counts.memory -= conn->charged;
    dossier_clear(conn);
    free(conn);
}

static void end_conn(struct explain *explain, struct dossier *conn)
{
    unlink_conn(explain, conn);
    release(explain, conn);
}

static struct dossier *begin(struct explain *explain, const struct seen *seen, uint64_t hash)
{
    struct dossier *conn = malloc(sizeof *conn);
    if (conn == NULL) {
        return NULL;
    }
    const struct segment *segment = &seen->segment;
    struct tuple tuple = segment->tuple;
    bool syn = (segment->flags & WH_SYN) != 0;
    bool by_server = syn ? (segment->flags & WH_ACK) != 0 : tuple.local_port < tuple.remote_port;
    if (by_server) {
        tuple = (struct tuple){ tuple.remote, tuple.local, tuple.remote_port, tuple.local_port };
    }
    dossier_init(conn, &tuple, ++explain->counts.connections, seen->when);
    conn->roles_known = syn;
    conn->hash = hash;
    struct dossier **place = &explain->bucket[hash & (explain->buckets - 1)];
    conn->next_in_bucket = *place;
    *place = conn;
    conn->phase = PHASE_OPENING;
    list_append(&explain->phase[PHASE_OPENING], &conn->age);
    explain->in_phase[PHASE_OPENING]++;
    if (++explain->counts.open > explain->buckets) {
        grow(explain);
    }
    if (explain->counts.open > explain->counts.open_most) {
        explain->counts.open_most = explain->counts.open;
    }
    return conn;
}

/* A SYN with other numbers: the old connection is explained, or waits for what becomes of the new one. */
static struct dossier *begin_again(struct explain *explain, struct dossier *old,
                                   const struct seen *seen)
{
    struct former former;
    uint64_t hash = old->hash;
    dossier_to_former(old, &former);
    old->replaced = (struct ref){ seen->number, seen->when, seen->point };
    unlink_conn(explain, old);
    struct dossier *conn = begin(explain, seen, hash);
    bool waits = conn != NULL && !former.over && old->earlier == NULL;
    if (conn != NULL) {
        conn->former = former;
        conn->earlier = waits ? old : NULL;
    }
    if (!waits) {
        release(explain, old);
    }
    return conn;
}

static void charge(struct explain *explain, struct dossier *conn)
{
    size_t size = dossier_size(conn);
    explain->counts.memory += size - conn->charged;
    conn->charged = size;
    if (explain->counts.memory > explain->counts.memory_most) {
        explain->counts.memory_most = explain->counts.memory;
    }
}

static struct dossier *longest_quiet(const struct explain *explain, enum phase phase)
{
    const struct list *list = &explain->phase[phase];
    return list_empty(list) ? NULL : CONTAINER(list->ring.next, struct dossier, age);
}

static void make_room(struct explain *explain, const struct dossier *keep)
{
    for (int phase = 0; phase < PHASES;) {
        if (explain->counts.memory <= explain->options.memory) {
            return;
        }
        struct dossier *conn = longest_quiet(explain, (enum phase)phase);
        if (conn == NULL || conn == keep) {
            phase++;
            continue;
        }
        conn->evicted = phase != PHASE_OVER;
        explain->counts.evicted += conn->evicted;
        end_conn(explain, conn);
    }
}

/* Too many are over for those that are not: what was live decides how much memory is used. */
static bool over_too_many(const struct explain *explain, int phase)
{
    size_t over = explain->in_phase[PHASE_OVER];
    return phase == PHASE_OVER && over > OVER_LEAST && over > explain->counts.open - over;
}

/* Connections that are over, or never opened, and have been quiet long enough. */
static void sweep(struct explain *explain, unsigned most)
{
    for (int phase = PHASE_OVER; phase <= PHASE_OPENING; phase++) {
        for (unsigned n = 0; n < most; n++) {
            struct dossier *conn = longest_quiet(explain, (enum phase)phase);
            bool quiet = conn != NULL && conn->latest + explain->options.patience <= explain->now;
            if (conn == NULL || !(quiet || over_too_many(explain, phase))) {
                break;
            }
            end_conn(explain, conn);
        }
    }
}

/* It is the one heard last now, among those as far as it. */
static void touch(struct explain *explain, struct dossier *conn)
{
    enum phase phase = dossier_phase(conn);
    link_remove(&conn->age);
    list_append(&explain->phase[phase], &conn->age);
    explain->in_phase[conn->phase]--;
    explain->in_phase[phase]++;
    conn->phase = phase;
}

/* ----------------------------------------------------------------- packets -- */

static void take_segment(struct explain *explain, const struct seen *seen, uint64_t hash)
{
    const struct segment *segment = &seen->segment;
    struct dossier *conn = find(explain, &segment->tuple, hash);
    bool opens = (segment->flags & (WH_SYN | WH_ACK | WH_RST)) == WH_SYN;
    if (conn == NULL) {
        conn = begin(explain, seen, hash);
    } else if (opens && seen->sum != SUM_WRONG &&
               dossier_is_other_life(conn, dossier_sender(conn, &segment->tuple), segment->seq)) {
        conn = begin_again(explain, conn, seen);
    }
    const struct line *line;
    if (conn == NULL) {
        explain->counts.evicted++;
        return;
    }
    enum taken taken = dossier_take(conn, seen, &explain->rules, &line);
    explain->counts.copies += taken == TAKEN_COPY;
    charge(explain, conn);
    touch(explain, conn);
    if (line != NULL && explain->options.line != NULL) {
        struct explanation so_far;
        dossier_explain(conn, explain->now, &so_far);
        explain->options.line(explain->options.context, &so_far, line);
    }
    make_room(explain, conn);
}

static void take_icmp(struct explain *explain, const struct seen *seen, uint64_t hash)
{
    struct dossier *conn = find(explain, &seen->segment.tuple, hash);
    if (conn != NULL) {
        dossier_take_icmp(conn, seen, &explain->rules);
        charge(explain, conn);
    }
}

static void take_time(struct explain *explain, wh_time when)
{
    struct explain_counts *counts = &explain->counts;
    bool back = when + WH_SECOND < explain->now;
    bool leap = explain->now != 0 && when > explain->now + CLOCK_LEAP;
    counts->clock_jumps += back || leap;
    counts->first = counts->first == 0 || when < counts->first ? when : counts->first;
    counts->last = when > counts->last ? when : counts->last;
    /* After a jump back the new time counts, or nothing would grow old any more. */
    explain->now = when > explain->now || back ? when : explain->now;
}

/* The packet whose turn it is. */
static void take_next(struct explain *explain)
{
    struct queued *queued = &explain->queue[explain->left++ % QUEUE];
    const struct seen *seen = &queued->seen;
    struct explain_counts *counts = &explain->counts;
    take_time(explain, seen->when);
    switch (seen->kind) {
    case PACKET_SEGMENT:
        counts->segments++;
        take_segment(explain, seen, queued->hash);
        break;
    case PACKET_ICMP:
        counts->icmp++;
        take_icmp(explain, seen, queued->hash);
        break;
    case PACKET_OTHER: counts->other++; break;
    case PACKET_PIECE: counts->pieces++; break;
    case PACKET_ODD:
        counts->odd++;
        counts->odd_by_reason[seen->reason]++;
        break;
    }
    sweep(explain, SWEEP);
}

static void take_all(struct explain *explain)
{
    while (explain->left != explain->entered) {
        take_next(explain);
    }
}

static struct dossier **bucket_of(const struct explain *explain, const struct queued *queued)
{
    return &explain->bucket[queued->hash & (explain->buckets - 1)];
}

void explain_frame(struct explain *explain, uint32_t point, const struct captured *captured)
{
    struct queued *queued = &explain->queue[explain->entered % QUEUE];
    packet_see(&queued->seen, captured, explain->fragments, explain->sums);
    queued->seen.point = point;
    explain->counts.packets++;
    explain->entered++;
    /* What lies in the frame is gone with the next one; the dossiers look at headers alone. */
    queued->seen.segment.data = NULL;
    queued->seen.comment = NULL;
    queued->hash = 0;
    if (queued->seen.kind == PACKET_SEGMENT || queued->seen.kind == PACKET_ICMP) {
        struct tuple key = ordered(&queued->seen.segment.tuple);
        queued->hash = tuple_hash13(&explain->key, &key);
    }
    prefetch(bucket_of(explain, queued), 1);
    unsigned waiting = explain->entered - explain->left;
    if (waiting > QUEUE / 2) {
        prefetch(*bucket_of(explain, &explain->queue[(explain->left + QUEUE / 4) % QUEUE]),
                 TOUCHED);
    }
    if (waiting == QUEUE) {
        take_next(explain);
    }
}

void explain_lost(struct explain *explain, uint32_t point, uint64_t packets)
{
    explain->lost[point & 31] = packets;
}

void explain_idle(struct explain *explain, wh_time now)
{
    take_all(explain);
    explain->now = now > explain->now ? now : explain->now;
    sweep(explain, 1000);
}

void explain_finish(struct explain *explain)
{
    take_all(explain);
    for (int phase = 0; phase < PHASES; phase++) {
        struct dossier *conn;
        while ((conn = longest_quiet(explain, (enum phase)phase)) != NULL) {
            end_conn(explain, conn);
        }
    }
}

const struct explain_counts *explain_counts(const struct explain *explain)
{
    return &explain->counts;
}

static void forget(struct dossier *conn)
{
    if (conn->earlier != NULL) {
        forget(conn->earlier);
    }
    dossier_clear(conn);
    free(conn);
}

void explain_free(struct explain *explain)
{
    if (explain == NULL) {
        return;
    }
    for (size_t i = 0; explain->bucket != NULL && i < explain->buckets; i++) {
        for (struct dossier *conn = explain->bucket[i]; conn != NULL;) {
            struct dossier *next = conn->next_in_bucket;
            forget(conn);
            conn = next;
        }
    }
    free(explain->bucket);
    fragments_free(explain->fragments);
    free(explain);
}
