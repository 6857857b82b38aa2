/* SPDX-License-Identifier: MIT */
/*
 * Threads around relays. They share nothing but the exchange, and with the caller's
 * thread a few flags and, once the program has ended, how much each has left.
 *
 * All signals are blocked when the threads begin, and so in all of them.
 */
#define _GNU_SOURCE
#include "relay/crew.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "relay/exchange.h"
#include "relay/sandbox.h"

_Static_assert((int)EXCHANGE_MOST == (int)SANDBOX_QUEUES, "a relay for each queue");

struct worker {
    struct crew *crew;
    struct relay *relay;
    pthread_t thread;
    bool started;
    /* told after each turn once the crew is ending */
    atomic_bool told;
    atomic_size_t connections, sending, waiting, closing;
};

struct crew {
    struct exchange *exchange;
    uint32_t count;
    atomic_bool ending, stop, device_gone;
    struct worker worker[EXCHANGE_MOST]; /* the first has no thread */
};

static int open_relays(struct crew *crew, const struct relay_plan *plan, const int *tuns,
                       char *error, size_t error_size)
{
    struct relay_plan own = *plan;
    own.exchange = crew->exchange;
    bool opened = true;
    for (uint32_t i = 0; i < crew->count; i++) {
        own.tun = tuns[i];
        own.share = i;
        if (opened)
            crew->worker[i] =
                (struct worker){ .crew = crew, .relay = relay_new(&own, error, error_size) };
        else
            close(tuns[i]);
        opened = opened && crew->worker[i].relay;
    }
    return opened ? 0 : -1;
}

struct crew *crew_new(const struct relay_plan *plan, const int *tuns, uint32_t count, char *error,
                      size_t error_size)
{
    struct crew *crew = calloc(1, sizeof *crew);
    /* A path and a tap are one for all. */
    bool in_turns = count > 1 && (plan->path || plan->tap.input);
    if (crew)
        crew->exchange = exchange_new(count, in_turns);
    if (!crew || !crew->exchange) {
        snprintf(error, error_size, "no memory");
        for (uint32_t i = 0; i < count; i++)
            close(tuns[i]);
        free(crew);
        return NULL;
    }
    crew->count = count;
    if (open_relays(crew, plan, tuns, error, error_size) == 0)
        return crew;
    crew_free(crew);
    return NULL;
}

int crew_publish(struct crew *crew, const struct relay_publish *publish, char *error,
                 size_t error_size)
{
    int listener = relay_publish_open(publish, error, error_size);
    if (listener < 0)
        return -1;
    for (uint32_t i = 0; i < crew->count; i++) {
        bool last = i + 1 == crew->count;
        int own = last ? listener : fcntl(listener, F_DUPFD_CLOEXEC, 0);
        if (own >= 0 && relay_publish(crew->worker[i].relay, own, publish->port) == 0)
            continue;
        snprintf(error, error_size, "cannot watch a published port: %s", strerror(errno));
        if (!last)
            close(listener);
        return -1;
    }
    return 0;
}

int crew_watch(struct crew *crew, int descriptor, void (*ready)(void *context), void *context)
{
    return relay_watch(crew->worker[0].relay, descriptor, ready, context);
}

/* -------------------------------------------------------------- threads --- */

/* Tells what is left, and wakes who waits for it when that is nothing. */
static void tell_load(struct worker *worker)
{
    const struct relay_load load = relay_load(worker->relay);
    atomic_store(&worker->connections, load.connections);
    atomic_store(&worker->sending, load.sending);
    atomic_store(&worker->waiting, load.waiting);
    atomic_store(&worker->closing, load.closing);
    atomic_store(&worker->told, true);
    if (load.connections + load.closing == 0)
        exchange_ring_bell(worker->crew->exchange, 0);
}

static void *work(void *context)
{
    struct worker *worker = context;
    struct crew *crew = worker->crew;
    while (!atomic_load(&crew->stop)) {
        bool ending = atomic_load(&crew->ending);
        if (ending)
            relay_unpublish(worker->relay);
        /* The bell may have rung for a turn that did not know yet: the first that does waits for none. */
        bool first = ending && !atomic_load(&worker->told);
        if (relay_turn(worker->relay, first ? 0 : WH_NEVER) < 0) {
            atomic_store(&crew->device_gone, true);
            exchange_ring_bell(crew->exchange, 0);
            break;
        }
        if (ending)
            tell_load(worker);
    }
    return NULL;
}

/* Something has changed that they look at between turns. */
static void call_all(const struct crew *crew)
{
    for (uint32_t i = 1; i < crew->count; i++)
        exchange_ring_bell(crew->exchange, i);
}

int crew_start(struct crew *crew, char *error, size_t error_size)
{
    for (uint32_t i = 1; i < crew->count; i++) {
        struct worker *worker = &crew->worker[i];
        int reason = pthread_create(&worker->thread, NULL, work, worker);
        if (reason != 0) {
            snprintf(error, error_size, "cannot start a thread: %s", strerror(reason));
            return -1;
        }
        worker->started = true;
    }
    return 0;
}

int crew_turn(struct crew *crew, wh_time until)
{
    return relay_turn(crew->worker[0].relay, until) < 0 || atomic_load(&crew->device_gone) ? -1 : 0;
}

void crew_ending(struct crew *crew)
{
    relay_unpublish(crew->worker[0].relay);
    atomic_store(&crew->ending, true);
    call_all(crew);
}

struct relay_load crew_load(const struct crew *crew)
{
    struct relay_load load = relay_load(crew->worker[0].relay);
    for (uint32_t i = 1; i < crew->count; i++) {
        const struct worker *worker = &crew->worker[i];
        load.connections += atomic_load(&worker->connections);
        load.sending += atomic_load(&worker->sending);
        load.waiting += atomic_load(&worker->waiting);
        load.closing += atomic_load(&worker->closing) + !atomic_load(&worker->told);
    }
    return load;
}

void crew_free(struct crew *crew)
{
    if (!crew)
        return;
    atomic_store(&crew->stop, true);
    call_all(crew);
    for (uint32_t i = 0; i < crew->count; i++)
        if (crew->worker[i].started)
            pthread_join(crew->worker[i].thread, NULL);
    for (uint32_t i = 0; i < crew->count; i++)
        relay_free(crew->worker[i].relay);
    size_t lost = exchange_lost(crew->exchange);
    if (lost > 0)
        fprintf(stderr, "wavehand: %zu frame%s lost between threads: %s (%s)\n", lost,
                lost == 1 ? "" : "s", wh_reason_text(WH_WHY_HANDOFF_FULL),
                wh_reason_name(WH_WHY_HANDOFF_FULL));
    exchange_free(crew->exchange);
    free(crew);
}
