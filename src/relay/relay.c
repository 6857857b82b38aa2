/* SPDX-License-Identifier: MIT */
/* The relay's turn; the theory is in relay.h. */
#define _GNU_SOURCE
#include "relay/relay.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/bytes.h"
#include "relay/loop.h"
#include "relay/upstream.h"

/*
 * Queue limits of a connection. A megabyte each way fills a path of 50 ms at 160
 * Mbit/s, and leaves ten thousand connections room to be slow in.
 */
enum {
    SEND_QUEUE = 1 << 20,
    SEND_ROOM = 1 << 16, /* free space worth waking up for */
    RECEIVE_WINDOW = 1 << 20,
    FIRST_WINDOW = (1 << 16) - 1, /* what a SYN,ACK can tell: no update must follow a request */
    TRACE_RECORDS = 1 << 15,
};

/* A SYN waits for the host's connect() as long as the host's kernel tries (tcp_syn_retries: 127 s). */
#define HELD_TIME (150 * WH_SECOND)

struct watcher {
    struct source source;
    void (*call)(void *context);
    void *context;
    struct watcher *next;
};

static const char *const shortage_text[SHORTAGES] = {
    [SHORT_OF_DESCRIPTORS] =
        "no file descriptor left for another connection; new ones wait unanswered "
        "(raise the limit: ulimit -n)",
    [SHORT_OF_PORTS] =
        "no free port or buffer left on the host for another connection; new ones wait "
        "unanswered",
    [SHORT_OF_MEMORY] = "no memory left for another connection; new ones wait unanswered",
    [PING_FORBIDDEN] =
        "ping is not relayed: the host's net.ipv4.ping_group_range forbids it to this user",
};

void relay_short_of(struct relay *relay, enum shortage what)
{
    if (exchange_first(relay->exchange, what))
        fprintf(stderr, "wavehand: %s\n", shortage_text[what]);
}

int relay_poll_add(struct relay *relay, int descriptor, struct source *source, uint32_t events)
{
    struct epoll_event event = { .events = events, .data.ptr = source };
    return epoll_ctl(relay->epoll, EPOLL_CTL_ADD, descriptor, &event);
}

/* ------------------------------------------------------------- the turn --- */

static void dispatch(struct relay *relay, const wh_event *event)
{
    if (event->syn) {
        if (event->ready & WH_WITHDRAWN)
            tcp_withdrawn(relay, event->syn, event->user);
        else if (event->ready & WH_OFFERED)
            tcp_offered(relay, event->syn);
    } else if (event->conn) {
        tcp_event(relay, event->user, event->ready);
    } else if (event->dgram == relay->udp) {
        udp_receive(relay);
    } else if (event->dgram == relay->echo) {
        icmp_receive(relay);
    }
}

static void serve_stack(struct relay *relay)
{
    wh_event events[RELAY_EVENTS];
    size_t n = wh_events(relay->host, events, RELAY_EVENTS);
    for (size_t i = 0; i < n; i++)
        dispatch(relay, &events[i]);
    relay->busy |= n == RELAY_EVENTS;
}

/* When something is due if nothing happens before. */
static wh_time next_wake(const struct relay *relay)
{
    wh_time when = wh_wake(relay->host);
    when = MIN(when, tcp_wake(relay));
    when = MIN(when, relay->accept_again);
    when = MIN(when, datagrams_wake(&relay->datagrams));
    if (relay->path)
        when = MIN(when, wh_path_wake(relay->path));
    if (relay->tap.wake)
        when = MIN(when, relay->tap.wake(relay->tap.context));
    return when;
}

/* epoll_pwait2, or the nearest that the kernel has; `left`: at most so long. */
static int wait_events(const struct relay *relay, struct epoll_event *events, wh_time left)
{
    struct timespec patience = { .tv_sec = (time_t)(left / WH_SECOND),
                                 .tv_nsec = (long)(left % WH_SECOND) };
    bool forever = left == WH_NEVER;
    int n = epoll_pwait2(relay->epoll, events, RELAY_EVENTS, forever ? NULL : &patience, NULL);
    if (n < 0 && errno == ENOSYS) /* before Linux 5.11: whole milliseconds, rounded up */
        n = epoll_wait(relay->epoll, events, RELAY_EVENTS,
                       forever ? -1
                               : (int)MIN((left + WH_MILLISECOND - 1) / WH_MILLISECOND, 60000U));
    return n;
}

/* Waits for sockets, device and the other relays; answers how many events there are. */
static int wait_ready(struct relay *relay, struct epoll_event *events, wh_time until)
{
    wh_time when = relay->busy ? 0 : MIN(until, relay->wake);
    wh_time left = when;
    if (when != 0 && when != WH_NEVER) {
        wh_time now = wh_clock();
        left = when > now ? when - now : 0;
    }
    if (left == 0 || exchange_members(relay->exchange) == 1)
        return wait_events(relay, events, left);
    if (!exchange_sleep(relay->exchange, relay->share))
        left = 0;
    int n = wait_events(relay, events, left);
    exchange_awake(relay->exchange, relay->share);
    return n;
}

/* Marks what is ready. */
static void dispatch_ready(struct relay *relay, const struct epoll_event *events, int n)
{
    relay->now = wh_clock();
    relay->busy = n == RELAY_EVENTS;
    for (int i = 0; i < n; i++) {
        struct source *source = events[i].data.ptr;
        source->ready(relay, source, events[i].events);
    }
}

/* What is done in one turn, from the frames that have come to those that go. */
static void work(struct relay *relay)
{
    wh_input(relay->host, NULL, 0, relay->now); /* calls happen now, not when the last frame came */
    device_take_over(relay);
    device_path_input(relay);
    serve_stack(relay);
    tcp_serve(relay);
    publish_resume(relay);
    datagrams_expire(&relay->datagrams, relay->now);
    if (relay->tap.calls)
        relay->tap.calls(relay->tap.context, relay->host);
    device_output(relay);
    if (relay->path && relay->tap.path)
        relay->tap.path(relay->tap.context, relay->path);
    if (relay->tap.flush)
        relay->tap.flush(relay->tap.context, relay->now);
    tcp_bury(relay);
    datagrams_bury(&relay->datagrams);
}

int relay_turn(struct relay *relay, wh_time until)
{
    struct epoll_event events[RELAY_EVENTS];
    int n = wait_ready(relay, events, until);
    exchange_turn_begin(relay->exchange);
    dispatch_ready(relay, events, n);
    work(relay);
    relay->wake = next_wake(relay);
    exchange_turn_end(relay->exchange);
    return relay->device_gone ? -1 : 0;
}

struct relay_load relay_load(const struct relay *relay)
{
    struct relay_load load;
    wh_stats stats = { .size = sizeof stats };
    tcp_load(relay, &load);
    wh_stats_get(relay->host, &stats);
    load.closing = stats.connections + stats.half_open;
    return load;
}

/* ------------------------------------------------------- opening, ending -- */

static void watcher_ready(struct relay *relay, struct source *source, uint32_t events)
{
    struct watcher *watcher = (struct watcher *)source;
    (void)relay;
    (void)events;
    watcher->call(watcher->context);
}

/* That we are awake is all that the bell has to say. */
static void bell_ready(struct relay *relay, struct source *source, uint32_t events)
{
    (void)relay;
    (void)source;
    (void)events;
}

int relay_watch(struct relay *relay, int descriptor, void (*ready)(void *context), void *context)
{
    struct watcher *watcher = calloc(1, sizeof *watcher);
    if (!watcher)
        return -1;
    *watcher = (struct watcher){
        .source.ready = watcher_ready, .call = ready, .context = context, .next = relay->watchers
    };
    relay->watchers = watcher;
    return relay_poll_add(relay, descriptor, &watcher->source, EPOLLIN);
}

/* All stacks together keep to the limits of one. */
static void share_limits(wh_config *config, uint32_t stacks)
{
    config->memory_cap /= stacks;
    config->max_half_open /= stacks;
    config->max_time_wait /= stacks;
    config->max_held /= stacks;
}

static int open_stack(struct relay *relay, const struct relay_plan *plan)
{
    wh_config config;
    wh_config_init(&config);
    config.memory = wh_memory_malloc();
    /* A stack of its own, with numbers of its own. */
    wh_seed(config.seed, plan->seed ? plan->seed + ((uint64_t)plan->share << 32) : 0);
    share_limits(&config, exchange_members(plan->exchange));
    config.mtu = plan->mtu;
    config.link_features = wh_tun_features(relay->tun);
    config.any_address = true;
    config.held_timeout = HELD_TIME;
    config.trace_records = plan->trace ? TRACE_RECORDS : 0;
    config.trace_sender = plan->trace_sender;
    struct siphash_key key;
    memcpy(&key, config.seed, sizeof key);
    key.k1 = ~key.k1; /* not a key that the stack uses */
    relay->next_port = (uint32_t)siphash13(&key, "ports", 5);
    datagrams_init(&relay->datagrams, &key, DATAGRAM_FLOWS / exchange_members(plan->exchange));
    int result = wh_stack_new(&relay->host, &config, wh_clock());
    for (int ipv4 = 0; result == WH_OK && ipv4 < 2; ipv4++) {
        const wh_addr own[] = { upstream_gateway(ipv4), upstream_resolver(ipv4) };
        for (size_t i = 0; result == WH_OK && i < 2; i++)
            result = wh_address_add(relay->host, &own[i], ipv4 ? 24 : 64);
    }
    return result;
}

/* Options, and the sockets that take whatever comes. */
static int open_sockets(struct relay *relay)
{
    wh_listen_options listen;
    wh_listen_options_init(&listen);
    listen.flags = WH_LISTEN_HOLD | WH_LISTEN_ANY_PORT;
    const wh_endpoint any = { .port = 0 };
    int result;
    if ((result = wh_stack_set(relay->host, WH_OPT_SEND_BUFFER, SEND_QUEUE)) < 0 ||
        (result = wh_stack_set(relay->host, WH_OPT_SEND_BUFFER_INITIAL, SEND_QUEUE)) < 0 ||
        (result = wh_stack_set(relay->host, WH_OPT_SEND_LOW_WATER, SEND_ROOM)) < 0 ||
        (result = wh_stack_set(relay->host, WH_OPT_RECEIVE_BUFFER, RECEIVE_WINDOW)) < 0 ||
        (result = wh_stack_set(relay->host, WH_OPT_RECEIVE_BUFFER_INITIAL, FIRST_WINDOW)) < 0 ||
        (result = wh_stack_set(relay->host, WH_OPT_NAGLE, 0)) < 0 ||
        (result = wh_listen(relay->host, &listen, &relay->listener)) < 0 ||
        (result = wh_dgram_open(relay->host, WH_UDP, &any, true, NULL, &relay->udp)) < 0)
        return result;
    return wh_dgram_open(relay->host, WH_ECHO, &any, true, NULL, &relay->echo);
}

/* Watches the device and, if there are others, for what they hand over. */
static int watch_device(struct relay *relay)
{
    relay->device.ready = device_ready;
    relay->bell.ready = bell_ready;
    if (relay->epoll < 0 ||
        relay_poll_add(relay, wh_tun_fd(relay->tun), &relay->device, EPOLLIN) < 0)
        return -1;
    if (exchange_members(relay->exchange) == 1)
        return 0;
    return relay_poll_add(relay, exchange_bell(relay->exchange, relay->share), &relay->bell,
                          EPOLLIN | EPOLLET);
}

static struct relay *new_record(const struct relay_plan *plan)
{
    struct relay *relay = calloc(1, sizeof *relay);
    if (!relay)
        return NULL;
    relay->exchange = plan->exchange;
    relay->share = plan->share;
    relay->path = plan->path;
    relay->tap = plan->tap;
    relay->host_loopback = plan->host_loopback;
    relay->accept_again = WH_NEVER;
    list_init(&relay->flows);
    list_init(&relay->ready);
    list_init(&relay->parting);
    list_init(&relay->dead);
    relay->epoll = epoll_create1(EPOLL_CLOEXEC);
    return relay;
}

struct relay *relay_new(const struct relay_plan *plan, char *error, size_t error_size)
{
    struct relay *relay = new_record(plan);
    if (!relay) {
        snprintf(error, error_size, "no memory");
        close(plan->tun);
        return NULL;
    }
    wh_tun_options options;
    wh_tun_options_init(&options);
    options.fd = plan->tun;
    options.mtu = plan->mtu;
    if (wh_tun_open(&relay->tun, &options, error, error_size) < 0) {
        close(plan->tun);
        relay_free(relay);
        return NULL;
    }
    int result = open_stack(relay, plan);
    if (result == WH_OK)
        result = open_sockets(relay);
    if (result < 0)
        snprintf(error, error_size, "cannot make the stack: %s", wh_strerror(result));
    else if (watch_device(relay) < 0)
        snprintf(error, error_size, "cannot watch the TUN device: %s", strerror(errno));
    else
        return relay;
    relay_free(relay);
    return NULL;
}

void relay_free(struct relay *relay)
{
    if (!relay)
        return;
    relay_unpublish(relay);
    if (relay->host) {
        relay->now = wh_clock();
        tcp_free(relay);
        datagrams_free(&relay->datagrams);
        wh_stack_free(relay->host);
    }
    if (relay->tun)
        wh_tun_close(relay->tun);
    while (relay->watchers) {
        struct watcher *watcher = relay->watchers;
        relay->watchers = watcher->next;
        free(watcher);
    }
    if (relay->epoll >= 0)
        close(relay->epoll);
    free(relay);
}
