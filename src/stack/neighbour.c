/* SPDX-License-Identifier: MIT */
/*
 * Theory of operation. An entry is found by a keyed hash, so that nobody outside can
 * choose addresses that collide. An entry that is asking (INCOMPLETE, PROBED) stands in
 * one queue, one that will ask (DELAYED) in another; every wait in a queue is equally
 * long, so each is in order of its deadlines by itself. REACHABLE and UNREACHABLE end
 * when somebody looks at them after their deadline.
 *
 * The table is bounded, and strangers may try to fill it: with requests to us from
 * addresses that do not exist, or with segments whose answers make us ask for such. So
 * an entry that has never answered us makes room before one that has; a question that
 * waits for its answer makes room only for a connection of ours, which may wait itself;
 * and what a connection waits for is never given up before its time. Connections for
 * which there is no room at all wait in the crowd.
 *
 * Left out: hints from TCP that the peer is there (RFC 4861 7.3.1), which would save one
 * small frame every 35 seconds.
 */
#include "stack/neighbour.h"

#include <string.h>

#include "base/bytes.h"

#define PER_SLAB 32

void neighbours_init(struct neighbours *table, struct memory *memory, struct chunk_store *chunks,
                     struct list *ready, const struct siphash_key *key)
{
    memset(table, 0, sizeof *table);
    table->chunks = chunks;
    table->ready = ready;
    table->key = *key;
    pool_init(&table->pool, memory, sizeof(struct neighbour), PER_SLAB);
    list_init(&table->asked);
    list_init(&table->delayed);
    list_init(&table->unproven);
    list_init(&table->proven);
    list_init(&table->crowd);
}

/* ------------------------------------------------------------ the table -- */

static uint16_t *bucket_of(struct neighbours *table, const wh_addr *addr)
{
    uint64_t hash = siphash13(&table->key, addr->bytes, sizeof addr->bytes);
    return &table->bucket[hash % NEIGHBOUR_BUCKETS];
}

static struct neighbour *look_up(struct neighbours *table, const wh_addr *addr)
{
    uint16_t index = *bucket_of(table, addr);
    while (index != 0) {
        struct neighbour *entry = pool_at(&table->pool, index);
        if (wh_addr_equal(&entry->addr, addr)) {
            return entry;
        }
        index = entry->next;
    }
    return NULL;
}

/* Among those who make room, as the one used last; not while somebody waits for it. */
static void place(struct neighbours *table, struct neighbour *entry)
{
    struct list *list = entry->proven ? &table->proven : &table->unproven;
    if (list->ring.previous != &entry->age_link) {
        link_remove(&entry->age_link);
        if (list_empty(&entry->waiting)) {
            list_append(list, &entry->age_link);
        }
    }
}

static void append_all(struct list *to, struct list *from)
{
    for (struct link *link; (link = list_take(from)) != NULL;) {
        list_append(to, link);
    }
}

/* Whoever waited for this neighbour tries again. */
static void release(struct neighbours *table, struct neighbour *entry)
{
    if (entry->saved != NULL) {
        entry->saved->next = table->released;
        table->released = entry->saved;
        entry->saved = NULL;
    }
    if (!link_listed(&entry->age_link)) {
        table->room_made = true;
    }
    append_all(table->ready, &entry->waiting);
    place(table, entry);
}

static void forget(struct neighbours *table, struct neighbour *entry)
{
    uint16_t *at = bucket_of(table, &entry->addr);
    while (*at != entry->index) {
        at = &((struct neighbour *)pool_at(&table->pool, *at))->next;
    }
    *at = entry->next;
    link_remove(&entry->due_link);
    link_remove(&entry->age_link);
    if (entry->saved != NULL) {
        chunk_drop(table->chunks, entry->saved);
    }
    pool_give(&table->pool, entry->index);
}

void neighbours_free(struct neighbours *table)
{
    for (uint32_t i = 0; (i = pool_next(&table->pool, i)) != 0;) {
        struct neighbour *entry = pool_at(&table->pool, i);
        if (entry->saved != NULL) {
            chunk_drop(table->chunks, entry->saved);
        }
    }
    for (struct chunk *packet; (packet = neighbour_released(table)) != NULL;) {
        chunk_drop(table->chunks, packet);
    }
    pool_free(&table->pool);
}

/* Makes room for one. Sparing: not at the cost of a question that has yet to be answered. */
static bool recycle(struct neighbours *table, bool sparing)
{
    struct list *list = list_empty(&table->unproven) ? &table->proven : &table->unproven;
    if (list_empty(list)) {
        return false;
    }
    struct neighbour *oldest = CONTAINER(list->ring.next, struct neighbour, age_link);
    if (sparing && oldest->state == NEIGHBOUR_INCOMPLETE) {
        return false;
    }
    forget(table, oldest);
    return true;
}

static struct neighbour *enter(struct neighbours *table, const wh_addr *addr, bool sparing)
{
    uint32_t index;
    if (table->pool.used >= MAX_NEIGHBOURS && !recycle(table, sparing)) {
        return NULL;
    }
    struct neighbour *entry = pool_take(&table->pool, &index, MEMORY_ORDINARY);
    if (entry == NULL && recycle(table, sparing)) {
        entry = pool_take(&table->pool, &index, MEMORY_ORDINARY);
    }
    if (entry == NULL) {
        return NULL;
    }
    uint16_t *bucket = bucket_of(table, addr);
    entry->addr = *addr;
    entry->index = (uint16_t)index;
    entry->next = *bucket;
    *bucket = entry->index;
    list_init(&entry->waiting);
    place(table, entry);
    return entry;
}

/* --------------------------------------------------------------- states -- */

/* The first question is due at once, before all that wait for a later time. */
static void ask(struct neighbours *table, struct neighbour *entry, enum neighbour_state state,
                wh_time now)
{
    entry->state = (uint8_t)state;
    entry->tries = 0;
    entry->deadline = now;
    link_remove(&entry->due_link);
    list_prepend(&table->asked, &entry->due_link);
}

static void confirm(struct neighbours *table, struct neighbour *entry, wh_time now)
{
    entry->state = NEIGHBOUR_REACHABLE;
    entry->proven = true;
    entry->deadline = now + NEIGHBOUR_REACHABLE_TIME;
    link_remove(&entry->due_link);
    release(table, entry);
}

static void doubt(struct neighbours *table, struct neighbour *entry)
{
    entry->state = NEIGHBOUR_STALE;
    link_remove(&entry->due_link);
    release(table, entry);
}

/* RFC 4861 7.3.3: a station that no longer answers is forgotten, for there may be another. */
static void give_up(struct neighbours *table, struct neighbour *entry, wh_time now)
{
    if (entry->state == NEIGHBOUR_PROBED) {
        forget(table, entry);
        return;
    }
    entry->state = NEIGHBOUR_UNREACHABLE;
    entry->deadline = now + NEIGHBOUR_UNREACHABLE_TIME;
    link_remove(&entry->due_link);
    release(table, entry);
}

/* A packet is on its way to a station that is known. */
static void use(struct neighbours *table, struct neighbour *entry, wh_time now)
{
    if (entry->state == NEIGHBOUR_REACHABLE && now >= entry->deadline) {
        entry->state = NEIGHBOUR_STALE;
    }
    if (entry->state == NEIGHBOUR_STALE) {
        entry->state = NEIGHBOUR_DELAYED;
        entry->deadline = now + NEIGHBOUR_DELAY;
        list_append(&table->delayed, &entry->due_link);
    }
}

void neighbour_suspect(struct neighbours *table, const wh_addr *addr, wh_time now)
{
    struct neighbour *entry = look_up(table, addr);
    if (entry != NULL && (entry->state == NEIGHBOUR_REACHABLE || entry->state == NEIGHBOUR_STALE ||
                          entry->state == NEIGHBOUR_DELAYED)) {
        ask(table, entry, NEIGHBOUR_PROBED, now);
    }
}

/* ---------------------------------------------------------------- asked -- */

enum neighbour_answer neighbour_find(struct neighbours *table, const wh_addr *addr, bool may_wait,
                                     wh_time now, struct station *station)
{
    struct neighbour *entry = look_up(table, addr);
    if (entry == NULL) {
        entry = enter(table, addr, !may_wait);
        if (entry == NULL) {
            return NEIGHBOUR_NO_ROOM;
        }
        ask(table, entry, NEIGHBOUR_INCOMPLETE, now);
        return NEIGHBOUR_PENDING;
    }
    place(table, entry);
    switch (entry->state) {
    case NEIGHBOUR_INCOMPLETE: return NEIGHBOUR_PENDING;
    case NEIGHBOUR_UNREACHABLE:
        if (now < entry->deadline) {
            return NEIGHBOUR_LOST;
        }
        ask(table, entry, NEIGHBOUR_INCOMPLETE, now);
        return NEIGHBOUR_PENDING;
    default: use(table, entry, now); break;
    }
    *station = entry->station;
    return NEIGHBOUR_FOUND;
}

void neighbour_wait(struct neighbours *table, const wh_addr *addr, struct link *link, wh_time now)
{
    struct neighbour *entry = look_up(table, addr);
    if (entry != NULL) {
        list_append(&entry->waiting, link);
        link_remove(&entry->age_link);
        return;
    }
    if (list_empty(&table->crowd)) {
        table->crowd_deadline = now + NEIGHBOUR_RETRY; /* memory may be there without a sign */
        table->room_made = false;
    }
    list_append(&table->crowd, link);
}

bool neighbour_save(struct neighbours *table, const wh_addr *addr, struct chunk *packet)
{
    struct neighbour *entry = look_up(table, addr);
    if (entry == NULL) {
        return false;
    }
    if (entry->saved != NULL) {
        chunk_drop(table->chunks, entry->saved);
    }
    entry->saved = packet;
    return true;
}

struct chunk *neighbour_released(struct neighbours *table)
{
    struct chunk *packet = table->released;
    if (packet != NULL) {
        table->released = packet->next;
        packet->next = NULL;
    }
    return packet;
}

/* -------------------------------------------------------------- learned -- */

/* RFC 4861 7.2.3 and 7.2.5, and RFC 826's merging, which is an advertisement that overrides. */
static void update(struct neighbours *table, struct neighbour *entry,
                   const struct neighbour_news *news, wh_time now)
{
    bool known = entry->state != NEIGHBOUR_INCOMPLETE && entry->state != NEIGHBOUR_UNREACHABLE;
    bool differs =
        news->has_station && memcmp(&entry->station, &news->station, sizeof entry->station) != 0;
    if (!known && !news->has_station) {
        return; /* it is there, but not where */
    }
    if (known && differs && !news->override) {
        if (entry->state == NEIGHBOUR_REACHABLE) {
            doubt(table, entry);
        }
        return;
    }
    if (news->has_station) {
        entry->station = news->station;
    }
    if (news->solicited) {
        confirm(table, entry, now);
    } else if (!known || differs) {
        doubt(table, entry);
    }
}

bool neighbour_learn(struct neighbours *table, const struct neighbour_news *news, wh_time now)
{
    struct neighbour *entry = look_up(table, &news->addr);
    if (entry != NULL) {
        update(table, entry, news, now);
        return true;
    }
    if (!news->introduce || !news->has_station) {
        return false;
    }
    entry = enter(table, &news->addr, false);
    if (entry != NULL) {
        entry->station = news->station;
        entry->state = NEIGHBOUR_STALE;
    }
    return true;
}

/* ----------------------------------------------------------------- time -- */

static struct neighbour *first_due(const struct list *list, wh_time now)
{
    if (list_empty(list)) {
        return NULL;
    }
    struct neighbour *first = CONTAINER(list->ring.next, struct neighbour, due_link);
    return first->deadline <= now ? first : NULL;
}

bool neighbour_solicit(struct neighbours *table, wh_time now, struct solicitation *question)
{
    struct neighbour *entry;
    while ((entry = first_due(&table->delayed, now)) != NULL) {
        ask(table, entry, NEIGHBOUR_PROBED, now);
    }
    while ((entry = first_due(&table->asked, now)) != NULL) {
        if (entry->tries == NEIGHBOUR_TRIES) {
            give_up(table, entry, now);
            continue;
        }
        entry->tries++;
        entry->deadline = now + NEIGHBOUR_RETRY;
        link_remove(&entry->due_link);
        list_append(&table->asked, &entry->due_link);
        *question = (struct solicitation){
            .target = entry->addr,
            .probe = entry->state == NEIGHBOUR_PROBED,
            .station = entry->station,
        };
        return true;
    }
    if (!list_empty(&table->crowd) && (table->room_made || now >= table->crowd_deadline)) {
        append_all(table->ready, &table->crowd);
    }
    return false;
}

static wh_time deadline_of_first(const struct list *list)
{
    return list_empty(list)
               ? WH_NEVER
               : CONTAINER(list->ring.next, const struct neighbour, due_link)->deadline;
}

wh_time neighbours_wake(const struct neighbours *table)
{
    wh_time wake = MIN(deadline_of_first(&table->asked), deadline_of_first(&table->delayed));
    if (!list_empty(&table->crowd)) {
        wake = table->room_made ? 0 : MIN(wake, table->crowd_deadline);
    }
    return table->released != NULL ? 0 : wake;
}
