/* SPDX-License-Identifier: MIT */
#include "view/ladder_conn.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static unsigned bucket_of(const wh_endpoint *left, const wh_endpoint *right)
{
    uint64_t hash = UINT64_C(14695981039346656037);
    const wh_endpoint *ends[2] = { left, right };
    for (unsigned e = 0; e < 2; e++) {
        for (unsigned i = 0; i < sizeof ends[e]->addr.bytes; i++) {
            hash = (hash ^ ends[e]->addr.bytes[i]) * UINT64_C(1099511628211);
        }
        hash = (hash ^ ends[e]->port) * UINT64_C(1099511628211);
    }
    return (unsigned)((hash ^ hash >> 32) % LADDER_BUCKETS);
}

static bool same(const wh_endpoint *a, const wh_endpoint *b)
{
    return a->port == b->port && wh_addr_equal(&a->addr, &b->addr);
}

struct ladder_conn *conn_table_find(const struct conn_table *table, const wh_endpoint *left,
                                    const wh_endpoint *right)
{
    struct ladder_conn *conn = table->bucket[bucket_of(left, right)];
    while (conn != NULL && !(same(&conn->endpoint[LADDER_LEFT], left) &&
                             same(&conn->endpoint[LADDER_RIGHT], right))) {
        conn = conn->next_in_bucket;
    }
    return conn;
}

static void list_take_off(struct conn_table *table, struct ladder_conn *conn)
{
    *(conn->older != NULL ? &conn->older->newer : &table->oldest) = conn->newer;
    *(conn->newer != NULL ? &conn->newer->older : &table->newest) = conn->older;
}

static void list_put_newest(struct conn_table *table, struct ladder_conn *conn)
{
    conn->older = table->newest;
    conn->newer = NULL;
    *(table->newest != NULL ? &table->newest->newer : &table->oldest) = conn;
    table->newest = conn;
}

struct ladder_conn *conn_table_add(struct conn_table *table, const wh_endpoint *left,
                                   const wh_endpoint *right)
{
    struct ladder_conn *conn = calloc(1, sizeof *conn);
    if (conn == NULL) {
        return NULL;
    }
    conn->endpoint[LADDER_LEFT] = *left;
    conn->endpoint[LADDER_RIGHT] = *right;
    unsigned bucket = bucket_of(left, right);
    conn->next_in_bucket = table->bucket[bucket];
    table->bucket[bucket] = conn;
    list_put_newest(table, conn);
    table->count++;
    return conn;
}

void conn_table_touch(struct conn_table *table, struct ladder_conn *conn)
{
    if (table->newest != conn) {
        list_take_off(table, conn);
        list_put_newest(table, conn);
    }
}

static void conn_free(struct ladder_conn *conn)
{
    for (unsigned i = 0; i < conn->departures; i++) {
        free(conn->departure[i]);
    }
    free(conn);
}

void conn_table_remove(struct conn_table *table, struct ladder_conn *conn)
{
    struct ladder_conn **at =
        &table->bucket[bucket_of(&conn->endpoint[LADDER_LEFT], &conn->endpoint[LADDER_RIGHT])];
    while (*at != conn) {
        at = &(*at)->next_in_bucket;
    }
    *at = conn->next_in_bucket;
    list_take_off(table, conn);
    table->count--;
    conn_free(conn);
}

void conn_table_clear(struct conn_table *table)
{
    for (struct ladder_conn *conn = table->oldest, *newer; conn != NULL; conn = newer) {
        newer = conn->newer;
        conn_free(conn);
    }
    *table = (struct conn_table){ .count = 0 };
}

void ladder_conn_restart(struct ladder_conn *conn, unsigned number, bool both_ends)
{
    struct ladder_conn *next = conn->next_in_bucket, *older = conn->older, *newer = conn->newer;
    wh_endpoint left = conn->endpoint[LADDER_LEFT], right = conn->endpoint[LADDER_RIGHT];
    memset(conn, 0, sizeof *conn);
    conn->next_in_bucket = next;
    conn->older = older;
    conn->newer = newer;
    conn->endpoint[LADDER_LEFT] = left;
    conn->endpoint[LADDER_RIGHT] = right;
    conn->number = number;
    conn->reset_by = -1;
    conn->end[LADDER_RIGHT].known = true;
    conn->end[LADDER_LEFT].known = both_ends;
    observer_init(&conn->end[LADDER_LEFT].observer);
}

void end_state_text(const struct end *end, char text[OBSERVER_TEXT])
{
    if (end->known) {
        snprintf(text, OBSERVER_TEXT, "%s", wh_state_name(end->state));
    } else {
        observer_text(&end->observer, text);
    }
}

bool end_is_within(const struct end *end, state_set states)
{
    state_set now = end->observer.states;
    if (end->known) {
        now = STATE_BIT(end->state);
    }
    return (now & ~states) == 0;
}
