/* SPDX-License-Identifier: MIT */
/* The theory is in exchange.h. */
#define _GNU_SOURCE
#include "relay/exchange.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum {
    CACHE_LINE = 64,
    RING_SIZE = 4 << 20, /* dozens of super-segments: what one turn of the other may bring */
};

struct member {
    _Alignas(CACHE_LINE) atomic_bool asleep;
    int bell;
};

struct exchange {
    uint32_t members;
    bool in_turns;
    atomic_uint asked; /* bits of exchange_first */
    /* Tickets: a lock alone would go to whoever has just had it, again and again. */
    pthread_mutex_t lock;
    pthread_cond_t next;
    uint64_t ticket, served;
    struct handoff *rings[EXCHANGE_MOST][EXCHANGE_MOST];
    struct member member[EXCHANGE_MOST];
};

static bool open_members(struct exchange *exchange)
{
    for (uint32_t i = 0; i < exchange->members; i++) {
        exchange->member[i].bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (exchange->member[i].bell < 0)
            return false;
        for (uint32_t k = 0; k < exchange->members; k++)
            if (i != k && !(exchange->rings[i][k] = handoff_new(RING_SIZE)))
                return false;
    }
    return true;
}

struct exchange *exchange_new(uint32_t members, bool in_turns)
{
    struct exchange *exchange = aligned_alloc(CACHE_LINE, sizeof *exchange);
    if (!exchange)
        return NULL;
    memset(exchange, 0, sizeof *exchange);
    exchange->members = members;
    exchange->in_turns = in_turns;
    for (uint32_t i = 0; i < EXCHANGE_MOST; i++)
        exchange->member[i].bell = -1;
    pthread_mutex_init(&exchange->lock, NULL);
    pthread_cond_init(&exchange->next, NULL);
    if (!open_members(exchange)) {
        exchange_free(exchange);
        return NULL;
    }
    return exchange;
}

void exchange_free(struct exchange *exchange)
{
    if (!exchange)
        return;
    for (uint32_t i = 0; i < EXCHANGE_MOST; i++) {
        if (exchange->member[i].bell >= 0)
            close(exchange->member[i].bell);
        for (uint32_t k = 0; k < EXCHANGE_MOST; k++)
            handoff_free(exchange->rings[i][k]);
    }
    pthread_cond_destroy(&exchange->next);
    pthread_mutex_destroy(&exchange->lock);
    free(exchange);
}

uint32_t exchange_members(const struct exchange *exchange) { return exchange->members; }

struct handoff *exchange_ring(const struct exchange *exchange, uint32_t from, uint32_t to)
{
    return exchange->rings[from][to];
}

/* --------------------------------------------------------------- waking --- */

int exchange_bell(const struct exchange *exchange, uint32_t member)
{
    return exchange->member[member].bell;
}

void exchange_ring_bell(const struct exchange *exchange, uint32_t member)
{
    const uint64_t one = 1;
    /* Nobody reads it: watched for edges, each write is one. It is full after 2^64 of them. */
    ssize_t n = write(exchange->member[member].bell, &one, sizeof one);
    (void)n;
}

void exchange_wake(struct exchange *exchange, uint32_t member)
{
    if (atomic_exchange_explicit(&exchange->member[member].asleep, false, memory_order_acq_rel))
        exchange_ring_bell(exchange, member);
}

bool exchange_sleep(struct exchange *exchange, uint32_t member)
{
    atomic_exchange_explicit(&exchange->member[member].asleep, true, memory_order_acq_rel);
    for (uint32_t i = 0; i < exchange->members; i++)
        if (i != member && handoff_waiting(exchange->rings[i][member])) {
            exchange_awake(exchange, member);
            return false;
        }
    return true;
}

void exchange_awake(struct exchange *exchange, uint32_t member)
{
    atomic_store_explicit(&exchange->member[member].asleep, false, memory_order_relaxed);
}

/* ---------------------------------------------------------------- turns --- */

void exchange_turn_begin(struct exchange *exchange)
{
    if (!exchange->in_turns)
        return;
    pthread_mutex_lock(&exchange->lock);
    uint64_t ticket = exchange->ticket++;
    while (exchange->served != ticket)
        pthread_cond_wait(&exchange->next, &exchange->lock);
    pthread_mutex_unlock(&exchange->lock);
}

void exchange_turn_end(struct exchange *exchange)
{
    if (!exchange->in_turns)
        return;
    pthread_mutex_lock(&exchange->lock);
    exchange->served++;
    pthread_cond_broadcast(&exchange->next);
    pthread_mutex_unlock(&exchange->lock);
}

/* ---------------------------------------------------------------- counts -- */

bool exchange_first(struct exchange *exchange, unsigned number)
{
    unsigned bit = 1U << number;
    return (atomic_fetch_or_explicit(&exchange->asked, bit, memory_order_relaxed) & bit) == 0;
}

size_t exchange_lost(const struct exchange *exchange)
{
    size_t lost = 0;
    for (uint32_t i = 0; i < exchange->members; i++)
        for (uint32_t k = 0; k < exchange->members; k++)
            if (i != k)
                lost += handoff_lost(exchange->rings[i][k]);
    return lost;
}
