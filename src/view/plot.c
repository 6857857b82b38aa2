/* SPDX-License-Identifier: MIT */
/*
 * Which connections there are, and which one is worth drawing. Of a connection that is over,
 * marks are kept only as long as none carried more.
 */
#include "view/plot.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "view/plot_parts.h"

#define BUCKETS 1024
/* Connections remembered by name; the oldest that are over make room. */
#define CONNECTIONS 16384

struct plot {
    struct plot_options options;
    struct plot_conn *bucket[BUCKETS];
    struct plot_conn *first, *last;
    struct plot_conn *best; /* of those that are over; the one with marks */
    uint32_t number, count;
    uint32_t lives; /* connections with marks */
    uint64_t lost;
};

struct plot *plot_new(const struct plot_options *options)
{
    struct plot *plot = calloc(1, sizeof *plot);
    if (plot != NULL) {
        plot->options = *options;
    }
    return plot;
}

void plot_free(struct plot *plot)
{
    for (struct plot_conn *conn = plot != NULL ? plot->first : NULL, *next; conn != NULL;
         conn = next) {
        next = conn->next;
        life_free(conn->life);
        free(conn);
    }
    free(plot);
}

/* ------------------------------------------------------------ connections -- */

static unsigned bucket_of(const wh_endpoint *ours, const wh_endpoint *theirs)
{
    uint64_t hash = UINT64_C(14695981039346656037);
    const wh_endpoint *ends[2] = { ours, theirs };
    for (unsigned e = 0; e < 2; e++) {
        for (unsigned i = 0; i < sizeof ends[e]->addr.bytes; i++) {
            hash = (hash ^ ends[e]->addr.bytes[i]) * UINT64_C(1099511628211);
        }
        hash = (hash ^ ends[e]->port) * UINT64_C(1099511628211);
    }
    return (unsigned)((hash ^ hash >> 32) % BUCKETS);
}

static bool same(const wh_endpoint *a, const wh_endpoint *b)
{
    return a->port == b->port && wh_addr_equal(&a->addr, &b->addr);
}

/* The newest of this name. */
static struct plot_conn *find(const struct plot *plot, const wh_endpoint *ours,
                              const wh_endpoint *theirs)
{
    struct plot_conn *conn = plot->bucket[bucket_of(ours, theirs)];
    while (conn != NULL && !(same(&conn->ours, ours) && same(&conn->theirs, theirs))) {
        conn = conn->next_in_bucket;
    }
    return conn;
}

static void take_off_bucket(struct plot *plot, struct plot_conn *conn)
{
    struct plot_conn **at = &plot->bucket[bucket_of(&conn->ours, &conn->theirs)];
    while (*at != conn) {
        at = &(*at)->next_in_bucket;
    }
    *at = conn->next_in_bucket;
}

/* The oldest that nobody would draw goes, if it is among the first few. */
static void make_room(struct plot *plot)
{
    struct plot_conn **at = &plot->first;
    struct plot_conn *before = NULL;
    for (unsigned i = 0; i < 64 && *at != NULL; i++) {
        struct plot_conn *conn = *at;
        if (conn->over && conn->life == NULL) {
            take_off_bucket(plot, conn);
            *at = conn->next;
            plot->last = plot->last == conn ? before : plot->last;
            plot->count--;
            free(conn);
            return;
        }
        before = conn;
        at = &conn->next;
    }
}

static struct plot_conn *add(struct plot *plot, const wh_endpoint *ours, const wh_endpoint *theirs)
{
    uint32_t number = ++plot->number;
    if (plot->count >= CONNECTIONS) {
        make_room(plot);
    }
    struct plot_conn *conn = calloc(1, sizeof *conn);
    if (conn == NULL) {
        return NULL;
    }
    conn->ours = *ours;
    conn->theirs = *theirs;
    conn->number = number;
    if (plot->options.connection == 0 || plot->options.connection == number) {
        conn->life = life_new();
        plot->lives += conn->life != NULL;
    }
    unsigned bucket = bucket_of(ours, theirs);
    conn->next_in_bucket = plot->bucket[bucket];
    plot->bucket[bucket] = conn;
    *(plot->last != NULL ? &plot->last->next : &plot->first) = conn;
    plot->last = conn;
    plot->count++;
    return conn;
}

/* It is over: of two such, the one that carried more keeps its marks. */
static void retire(struct plot *plot, struct plot_conn *conn)
{
    conn->over = true;
    if (conn->life == NULL || conn == plot->best) {
        return;
    }
    struct plot_conn *best = plot->best;
    if (best == NULL || life_bytes(conn->life) > life_bytes(best->life)) {
        plot->best = conn;
        conn = best;
    }
    if (conn != NULL) {
        life_free(conn->life);
        conn->life = NULL;
        plot->lives--;
    }
}

/* --------------------------------------------------------------- records -- */

/* A SYN with another number than the one before begins a new connection of the same name. */
static bool begins_anew(const struct plot_conn *conn, const wh_trace_record *record)
{
    if ((record->flags & (WH_SYN | WH_ACK)) != WH_SYN) {
        return false;
    }
    if (record->kind == WH_TRACE_IN) {
        return conn->over && conn->has_irs && conn->irs != record->seq;
    }
    return record->kind == WH_TRACE_OUT && conn->over && conn->has_iss && conn->iss != record->seq;
}

static void note_numbers(struct plot_conn *conn, const wh_trace_record *record)
{
    if (!(record->flags & WH_SYN)) {
        return;
    }
    if (record->kind == WH_TRACE_IN && !conn->has_irs) {
        conn->has_irs = true;
        conn->irs = record->seq;
    } else if (record->kind == WH_TRACE_OUT && !conn->has_iss) {
        conn->has_iss = true;
        conn->iss = record->seq;
    }
}

/* Many connections at once have fewer marks each. */
static size_t most_marks(const struct plot *plot)
{
    size_t most = PLOT_MARKS;
    for (uint32_t n = 64; n < plot->lives && most > 256; n *= 2) {
        most /= 2;
    }
    return most;
}

static void take(struct plot *plot, const wh_trace_record *record)
{
    if (record->kind == WH_TRACE_DROP || record->remote.port == 0) {
        return; /* no connection's */
    }
    struct plot_conn *conn = find(plot, &record->local, &record->remote);
    if (conn == NULL || begins_anew(conn, record)) {
        conn = add(plot, &record->local, &record->remote);
    }
    if (conn == NULL) {
        return;
    }
    note_numbers(conn, record);
    if (conn->life != NULL) {
        life_take(conn->life, record, most_marks(plot));
    }
    if (record->state_after == WH_TIME_WAIT || record->state_after == WH_CLOSED) {
        retire(plot, conn);
    }
}

void plot_records(struct plot *plot, const wh_trace_record *records, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        take(plot, &records[i]);
    }
}

void plot_notes(struct plot *plot, const wh_path_note *notes, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const wh_path_note *note = &notes[i];
        bool dropped = note->reason == WH_WHY_FAULT_LOSS || note->reason == WH_WHY_FAULT_DROP ||
                       note->reason == WH_WHY_FAULT_QUEUE || note->reason == WH_WHY_FAULT_SILENCE ||
                       note->reason == WH_WHY_FAULT_CORRUPT || note->reason == WH_WHY_HANDOFF_FULL;
        bool out = (note->direction == WH_B_TO_A) == plot->options.right;
        const struct plot_conn *conn = find(plot, out ? &note->source : &note->destination,
                                            out ? &note->destination : &note->source);
        if (dropped && conn != NULL && conn->life != NULL) {
            life_drop(conn->life, out, note, most_marks(plot));
        }
    }
}

void plot_lost(struct plot *plot, uint64_t records) { plot->lost += records; }

/* ------------------------------------------------------------------ draw -- */

bool plot_draw(struct plot *plot, FILE *out)
{
    struct plot_page page = { .ours = plot->options.ours,
                              .theirs = plot->options.theirs,
                              .wanted = plot->options.connection,
                              .connections = plot->number,
                              .lost = plot->lost };
    for (const struct plot_conn *conn = plot->first; conn != NULL; conn = conn->next) {
        bool more = page.conn == NULL ||
                    (conn->life != NULL && life_bytes(conn->life) > life_bytes(page.conn->life));
        page.conn = conn->life != NULL && more ? conn : page.conn;
    }
    return page_draw(&page, out);
}
