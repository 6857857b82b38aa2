/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "relay/datagrams.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "relay/datagram_flow.h"

#define DATAGRAM_TIMEOUT(id, seconds) [DATAGRAM_##id] = (seconds)*WH_SECOND,
static const wh_time timeout[DATAGRAM_CLASS_COUNT] = { DATAGRAM_CLASSES(DATAGRAM_TIMEOUT) };

static struct datagram_flow **bucket_of(struct datagrams *table, const struct datagram_key *key)
{
    return &table->bucket[siphash13(&table->key, key, sizeof *key) % DATAGRAM_BUCKETS];
}

static void enlist(struct datagrams *table, struct datagram_flow *flow, enum datagram_class class,
                   wh_time now)
{
    flow->class = (uint8_t) class;
    flow->deadline = now + timeout[class];
    list_append(&table->list[class], &flow->silence);
}

/* The longest silent flow of a class; NULL if it has none. */
static struct datagram_flow *first_of(const struct datagrams *table, size_t class)
{
    const struct list *list = &table->list[class];
    return list_empty(list) ? NULL : CONTAINER(list->ring.next, struct datagram_flow, silence);
}

void datagrams_init(struct datagrams *table, const struct siphash_key *key, size_t limit)
{
    memset(table, 0, sizeof *table);
    table->key = *key;
    table->limit = limit;
    for (size_t i = 0; i < DATAGRAM_CLASS_COUNT; i++)
        list_init(&table->list[i]);
}

struct datagram_flow *datagrams_find(struct datagrams *table, const struct datagram_key *key)
{
    struct datagram_flow *flow = *bucket_of(table, key);
    while (flow && memcmp(&flow->key, key, sizeof *key) != 0)
        flow = flow->chain;
    return flow;
}

/* The flow that has been silent longest, of any class. */
static struct datagram_flow *most_silent(const struct datagrams *table)
{
    struct datagram_flow *found = NULL;
    wh_time oldest = WH_NEVER;
    for (size_t i = 0; i < DATAGRAM_CLASS_COUNT; i++) {
        struct datagram_flow *flow = first_of(table, i);
        if (flow && flow->deadline - timeout[i] < oldest) {
            oldest = flow->deadline - timeout[i];
            found = flow;
        }
    }
    return found;
}

struct datagram_flow *datagrams_add(struct datagrams *table, const struct datagram_key *key,
                                    enum datagram_class class, wh_time now)
{
    if (table->count >= table->limit)
        datagrams_remove(table, most_silent(table));
    struct datagram_flow *flow = calloc(1, sizeof *flow);
    if (!flow)
        return NULL;
    flow->fd = -1;
    flow->key = *key;
    struct datagram_flow **bucket = bucket_of(table, key);
    flow->chain = *bucket;
    *bucket = flow;
    enlist(table, flow, class, now);
    table->count++;
    return flow;
}

void datagrams_touch(struct datagrams *table, struct datagram_flow *flow, enum datagram_class class,
                     wh_time now)
{
    link_remove(&flow->silence);
    enlist(table, flow, class, now);
}

void datagrams_remove(struct datagrams *table, struct datagram_flow *flow)
{
    struct datagram_flow **link = bucket_of(table, &flow->key);
    while (*link != flow)
        link = &(*link)->chain;
    *link = flow->chain;
    link_remove(&flow->silence);
    if (flow->fd >= 0)
        close(flow->fd);
    flow->fd = -1;
    table->count--;
    flow->chain = table->dead;
    table->dead = flow;
}

void datagrams_expire(struct datagrams *table, wh_time now)
{
    for (size_t i = 0; i < DATAGRAM_CLASS_COUNT; i++) {
        struct datagram_flow *flow;
        while ((flow = first_of(table, i)) && flow->deadline <= now)
            datagrams_remove(table, flow);
    }
}

wh_time datagrams_wake(const struct datagrams *table)
{
    wh_time when = WH_NEVER;
    for (size_t i = 0; i < DATAGRAM_CLASS_COUNT; i++) {
        const struct datagram_flow *flow = first_of(table, i);
        if (flow && flow->deadline < when)
            when = flow->deadline;
    }
    return when;
}

void datagrams_bury(struct datagrams *table)
{
    while (table->dead) {
        struct datagram_flow *flow = table->dead;
        table->dead = flow->chain;
        free(flow);
    }
}

void datagrams_free(struct datagrams *table)
{
    for (size_t i = 0; i < DATAGRAM_CLASS_COUNT; i++) {
        struct datagram_flow *flow;
        while ((flow = first_of(table, i)))
            datagrams_remove(table, flow);
    }
    datagrams_bury(table);
}
