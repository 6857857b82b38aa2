/* SPDX-License-Identifier: MIT */
/* Making and freeing a host. */
#include "stack/stack.h"

#include <string.h>

#include "base/bytes.h"
#include "tcp/fast_open.h"

#define LEAST_MEMORY (256U * 1024)

void wh_config_init(wh_config *config)
{
    memset(config, 0, sizeof *config);
    config->size = sizeof *config;
    config->memory_cap = (size_t)1 << 30;
    config->link = WH_LINK_IP;
    config->mtu = 1500;
    config->msl = 30 * WH_SECOND;
    config->max_half_open = 16384;
    config->syn_cookies = true;
    config->max_time_wait = 262144;
    config->max_held = 4096;
    config->held_timeout = 120 * WH_SECOND;
}

/* An Ethernet link needs the address of one station: neither none nor a group. */
static bool link_valid(const wh_config *config)
{
    static const uint8_t no_station[6] = { 0 };
    if (config->link == WH_LINK_ETHERNET) {
        return (config->ethernet[0] & 1) == 0 &&
               memcmp(config->ethernet, no_station, sizeof no_station) != 0;
    }
    return config->link == WH_LINK_IP;
}

static bool config_valid(const wh_config *config)
{
    static const uint8_t no_seed[32] = { 0 };
    return config->size >= sizeof *config && config->memory.alloc != NULL &&
           config->memory.free != NULL && config->memory_cap >= LEAST_MEMORY && config->mtu >= 68 &&
           config->mtu <= 65535 && config->max_time_wait > 0 && link_valid(config) &&
           config->msl <= 3600 * WH_SECOND && memcmp(config->seed, no_seed, sizeof no_seed) != 0;
}

static const struct tuple *tuple_of(const void *context, unsigned kind, uint32_t index)
{
    const struct wh_stack *host = context;
    switch (kind) {
    case RECORD_CONNECTION:
        return &((const struct wh_conn *)pool_at(&host->connections, index))->tuple;
    case RECORD_HALF_OPEN:
        return &((const struct half_open *)pool_at(&host->half_opens, index))->tuple;
    case RECORD_TIME_WAIT: return &time_wait_at(&host->time_waits, index)->tuple;
    default: return &((const struct wh_syn *)pool_at(&host->helds, index))->syn.tuple;
    }
}

/* One key for each purpose, all from the seed. */
static struct siphash_key derive(const uint8_t seed[32], uint8_t purpose)
{
    struct siphash_key root, key;
    uint8_t text[17];
    memcpy(&root, seed, sizeof root);
    memcpy(text, seed + 16, 16);
    text[16] = purpose;
    key.k0 = siphash24(&root, text, sizeof text);
    text[16] = (uint8_t)(purpose | 0x80);
    key.k1 = siphash24(&root, text, sizeof text);
    return key;
}

static void init_lists(struct wh_stack *host)
{
    list_init(&host->tcp.ready);
    emit_init(&host->tcp);
    list_init(&host->tcp.eventful);
    list_init(&host->held_by_age);
    list_init(&host->any_port_listeners);
    list_init(&host->dgrams);
    list_init(&host->eventful_listeners);
    list_init(&host->eventful_syns);
    list_init(&host->eventful_dgrams);
    for (unsigned i = 0; i < LISTENER_BUCKETS; i++) {
        list_init(&host->listeners[i]);
    }
}

static void init_tables(struct wh_stack *host)
{
    struct memory *memory = &host->tcp.memory;
    const uint8_t *seed = host->config.seed;
    struct siphash_key demux_key = derive(seed, 1);
    host->tcp.isn_key = derive(seed, 2);
    host->tcp.port_key = derive(seed, 4);
    host->tcp.cookie_key = derive(seed, 6);
    host->tcp.fast_open_key[0] = derive(seed, 7);
    host->tcp.fast_open_key[1] = host->tcp.fast_open_key[0];
    host->port_counter = (uint32_t)host->tcp.port_key.k0;
    demux_init(&host->demux, memory, &demux_key, tuple_of, host);
    pool_init(&host->connections, memory, (sizeof(struct wh_conn) + 31) / 32 * 32, 64);
    pool_init(&host->half_opens, memory, sizeof(struct half_open), 256);
    pool_init(&host->helds, memory, sizeof(struct wh_syn), 32);
    time_wait_table_init(&host->time_waits, memory);
    struct siphash_key neighbour_key = derive(seed, 5);
    neighbours_init(&host->neighbours, memory, &host->tcp.chunks, &host->tcp.ready, &neighbour_key);
}

static int init_tcp(struct wh_stack *host, wh_time now)
{
    struct tcp *tcp = &host->tcp;
    uint32_t replies = host->config.memory_cap < ((size_t)4 << 20) ? 256 : 4096;
    tcp->now = now;
    tcp->mtu = host->config.mtu;
    tcp->features = host->config.link_features;
    if (tcp->features & WH_TX_SEGMENTATION) {
        tcp->features |= WH_TX_CHECKSUM;
    }
    tcp->checksum = checksum_best();
    wheel_init(&tcp->wheel, now);
    chunk_store_init(&tcp->chunks, &tcp->memory);
    tcp->defaults = profile_new(&tcp->memory);
    if (tcp->defaults == NULL) {
        return WH_E_NOMEM;
    }
    int result = trace_init(&tcp->trace, &tcp->memory, host->config.trace_records);
    return result == WH_OK ? reply_queue_init(&tcp->replies, &tcp->memory, replies) : result;
}

int wh_stack_new(wh_stack **host, const wh_config *config, wh_time now)
{
    struct memory memory;
    if (!config_valid(config)) {
        return WH_E_INVAL;
    }
    memory_init(&memory, &config->memory, config->memory_cap);
    struct wh_stack *new = memory_take(&memory, sizeof *new, MEMORY_ORDINARY);
    if (new == NULL) {
        return WH_E_NOMEM;
    }
    memset(new, 0, sizeof *new);
    new->tcp.memory = memory;
    new->config = *config;
    init_lists(new);
    init_tables(new);
    int result = init_tcp(new, now);
    if (result != WH_OK) {
        wh_stack_free(new);
        return result;
    }
    *host = new;
    return WH_OK;
}

static void free_listeners(struct wh_stack *host)
{
    for (uint32_t i = 0; i < host->listener_room; i++) {
        memory_give(&host->tcp.memory, host->listener[i], sizeof *host->listener[i]);
    }
    memory_give(&host->tcp.memory, host->listener, host->listener_room * sizeof *host->listener);
}

static void free_connections(struct wh_stack *host)
{
    for (uint32_t i = 0; (i = pool_next(&host->connections, i)) != 0;) {
        conn_release(pool_at(&host->connections, i));
    }
    pool_free(&host->connections);
}

void wh_stack_free(wh_stack *host)
{
    if (host == NULL) {
        return;
    }
    struct tcp *tcp = &host->tcp;
    free_connections(host);
    free_listeners(host);
    held_free_all(host);
    datagram_free_all(host);
    pool_free(&host->half_opens);
    time_wait_table_free(&host->time_waits);
    demux_free(&host->demux);
    neighbours_free(&host->neighbours);
    reply_queue_free(&tcp->replies, &tcp->memory);
    trace_free(&tcp->trace, &tcp->memory);
    if (tcp->defaults != NULL) {
        profile_drop(&tcp->memory, tcp->defaults);
    }
    fast_open_free(tcp);
    emit_free(tcp);
    chunk_store_trim(&tcp->chunks);
    struct memory memory = tcp->memory;
    memory_give(&memory, host, sizeof *host);
}
