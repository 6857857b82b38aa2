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
    if (relay->shortage[what]++ == 0)
        fprintf(stderr, "wavehand: %s\n", shortage_text[what]);
}

int relay_poll_add(struct relay *relay, int descriptor, struct source *source, uint32_t events)
{
    struct epoll_event event = { .events = events, .data.ptr = source };
    return epoll_ctl(relay->epoll, EPOLL_CTL_ADD, descriptor, &event);
}

/* ---------------------------------------------------- device and stack ---- */

static void input(struct relay *relay, const wh_frame *frames, size_t n)
{
    if (relay->tap.input)
        relay->tap.input(relay->tap.context, relay->host, frames, n, relay->now);
    else
        wh_input(relay->host, frames, n, relay->now);
}

/* Frames that have come through the path to the stack. */
static void path_to_stack(struct relay *relay)
{
    size_t n;
    do {
        n = wh_path_receive(relay->path, WH_A_TO_B, relay->frames, RELAY_FRAMES, relay->now);
        input(relay, relay->frames, n);
    } while (n == RELAY_FRAMES);
}

static void path_to_device(struct relay *relay)
{
    size_t n;
    do {
        n = wh_path_receive(relay->path, WH_B_TO_A, relay->frames, RELAY_FRAMES, relay->now);
        if (n > 0 && wh_tun_write(relay->tun, relay->frames, n) < 0)
            relay->device_gone = true;
    } while (n == RELAY_FRAMES);
}

static void device_ready(struct relay *relay, struct source *source, uint32_t events)
{
    (void)source;
    (void)events;
    for (int round = 0; round < RELAY_ROUNDS; round++) {
        int n = wh_tun_read(relay->tun, relay->host, relay->frames, RELAY_FRAMES);
        if (n < 0)
            relay->device_gone = true;
        if (n <= 0)
            return;
        if (!relay->path) {
            input(relay, relay->frames, (size_t)n);
        } else {
            wh_path_send(relay->path, WH_A_TO_B, relay->frames, (size_t)n, relay->now);
            for (int i = 0; i < n; i++)
                if (relay->frames[i].buffer)
                    wh_buffer_free(relay->host, relay->frames[i].buffer);
        }
        if (n < RELAY_FRAMES)
            return;
    }
}

static size_t output(struct relay *relay)
{
    if (relay->tap.output)
        return relay->tap.output(relay->tap.context, relay->host, relay->frames, RELAY_FRAMES,
                                 relay->now);
    return wh_output(relay->host, relay->frames, RELAY_FRAMES, relay->now);
}

/* Everything that the stack has to say goes to the device, or through the path. */
static void drain_stack(struct relay *relay)
{
    size_t n;
    do {
        n = output(relay);
        if (n == 0)
            break;
        if (relay->path)
            wh_path_send(relay->path, WH_B_TO_A, relay->frames, n, relay->now);
        else if (wh_tun_write(relay->tun, relay->frames, n) < 0)
            relay->device_gone = true;
        /* What a full device did not take is lost, as on any link; TCP sends it again. */
        wh_sent(relay->host, relay->frames, n);
    } while (n == RELAY_FRAMES);
    if (relay->path)
        path_to_device(relay);
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

static wh_time next_wake(const struct relay *relay, wh_time until)
{
    wh_time when = MIN(until, wh_wake(relay->host));
    when = MIN(when, tcp_wake(relay));
    when = MIN(when, relay->accept_again);
    when = MIN(when, datagrams_wake(&relay->datagrams));
    if (relay->path)
        when = MIN(when, wh_path_wake(relay->path));
    if (relay->tap.wake)
        when = MIN(when, relay->tap.wake(relay->tap.context));
    return when;
}

/* Waits for sockets and device, and marks what is ready. */
static void wait_ready(struct relay *relay, wh_time until)
{
    struct epoll_event events[RELAY_EVENTS];
    struct timespec patience, *limit = &patience;
    wh_time when = relay->busy ? 0 : next_wake(relay, until);
    wh_time now = wh_clock();
    wh_time left = when > now ? when - now : 0;
    patience.tv_sec = (time_t)(left / WH_SECOND);
    patience.tv_nsec = (long)(left % WH_SECOND);
    if (when == WH_NEVER)
        limit = NULL;
    int n = epoll_pwait2(relay->epoll, events, RELAY_EVENTS, limit, NULL);
    if (n < 0 && errno == ENOSYS) /* before Linux 5.11: whole milliseconds, rounded up */
        n = epoll_wait(relay->epoll, events, RELAY_EVENTS,
                       limit ? (int)MIN((left + WH_MILLISECOND - 1) / WH_MILLISECOND, 60000U) : -1);
    relay->now = wh_clock();
    relay->busy = false;
    for (int i = 0; i < n; i++) {
        struct source *source = events[i].data.ptr;
        source->ready(relay, source, events[i].events);
    }
    relay->busy |= n == RELAY_EVENTS;
}

int relay_turn(struct relay *relay, wh_time until)
{
    wait_ready(relay, until);
    if (relay->path)
        path_to_stack(relay);
    serve_stack(relay);
    tcp_serve(relay);
    publish_resume(relay);
    datagrams_expire(&relay->datagrams, relay->now);
    if (relay->tap.calls)
        relay->tap.calls(relay->tap.context, relay->host);
    drain_stack(relay);
    if (relay->path && relay->tap.path)
        relay->tap.path(relay->tap.context, relay->path);
    if (relay->tap.flush)
        relay->tap.flush(relay->tap.context, relay->now);
    tcp_bury(relay);
    datagrams_bury(&relay->datagrams);
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

static int open_stack(struct relay *relay, const struct relay_plan *plan)
{
    wh_config config;
    wh_config_init(&config);
    config.memory = wh_memory_malloc();
    wh_seed(config.seed, plan->seed);
    config.mtu = plan->mtu;
    config.link_features = wh_tun_features(relay->tun);
    config.any_address = true;
    config.held_timeout = HELD_TIME;
    config.trace_records = plan->trace ? TRACE_RECORDS : 0;
    config.trace_sender = plan->trace_sender;
    struct siphash_key key;
    memcpy(&key, config.seed, sizeof key);
    key.k1 = ~key.k1; /* not a key that the stack uses */
    datagrams_init(&relay->datagrams, &key);
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
        (result = wh_stack_set(relay->host, WH_OPT_RECEIVE_BUFFER_INITIAL, RECEIVE_WINDOW)) < 0 ||
        (result = wh_stack_set(relay->host, WH_OPT_NAGLE, 0)) < 0 ||
        (result = wh_listen(relay->host, &listen, &relay->listener)) < 0 ||
        (result = wh_dgram_open(relay->host, WH_UDP, &any, true, NULL, &relay->udp)) < 0)
        return result;
    return wh_dgram_open(relay->host, WH_ECHO, &any, true, NULL, &relay->echo);
}

struct relay *relay_new(const struct relay_plan *plan, char *error, size_t error_size)
{
    struct relay *relay = calloc(1, sizeof *relay);
    if (!relay) {
        snprintf(error, error_size, "no memory");
        close(plan->tun);
        return NULL;
    }
    relay->path = plan->path;
    relay->tap = plan->tap;
    relay->host_loopback = plan->host_loopback;
    relay->accept_again = WH_NEVER;
    list_init(&relay->flows);
    list_init(&relay->ready);
    list_init(&relay->parting);
    list_init(&relay->dead);
    relay->epoll = epoll_create1(EPOLL_CLOEXEC);
    relay->device.ready = device_ready;
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
    else if (relay->epoll < 0 || relay_poll_add(relay, plan->tun, &relay->device, EPOLLIN) < 0)
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
