/* SPDX-License-Identifier: MIT */
/*
 * Buffers that follow the path: a long fat one is filled with default options, idle
 * connections hold no buffers, and many fast senders under a small memory cap all get
 * through.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "tap.h"
#include "world.h"

enum { A, B, SIDES };
enum { IDLE = 1000, SENDERS = 64 };

struct net {
    wh_stack *host[SIDES];
    struct counted memory[SIDES];
    wh_sim *sim;
    wh_listener *listener;
    wh_addr server;
};

static void must(bool good, const char *what)
{
    if (!good) {
        fprintf(stderr, "cannot go on: %s\n", what);
        abort();
    }
}

static void begin(struct net *net, size_t cap, const char *const *faults)
{
    memset(net, 0, sizeof *net);
    must(wh_sim_new(&net->sim, WH_SECOND) >= 0, "simulation");
    for (int side = 0; side < SIDES; side++) {
        wh_config config;
        wh_addr addr = wh_ipv4(10, 0, 0, (uint8_t)(side + 1));
        wh_config_init(&config);
        config.memory = counted_memory(&net->memory[side]);
        config.memory_cap = side == B && cap != 0 ? cap : config.memory_cap;
        wh_seed(config.seed, (uint64_t)side + 1);
        must(wh_stack_new(&net->host[side], &config, WH_SECOND) >= 0 &&
                 wh_address_add(net->host[side], &addr, 24) >= 0,
             "stack");
        net->server = addr;
    }
    wh_path_options options;
    wh_path *path;
    char error[200];
    wh_path_options_init(&options);
    options.queue_limit = (size_t)8 << 20;
    wh_seed(options.seed, 3);
    must(wh_path_new(&path, &options) >= 0, "path");
    for (; *faults != NULL; faults++) {
        must(wh_path_fault(path, *faults, error, sizeof error) >= 0, error);
    }
    must(wh_sim_join(net->sim, net->host[A], net->host[B], path) >= 0, "join");
    wh_listen_options listen;
    wh_listen_options_init(&listen);
    listen.local.port = 80;
    listen.backlog = IDLE;
    must(wh_listen(net->host[B], &listen, &net->listener) >= 0, "listener");
}

static void finish(struct net *net)
{
    tap_expect(wh_check(net->host[A]) == NULL && wh_check(net->host[B]) == NULL, "wh_check");
    wh_sim_free(net->sim);
    wh_stack_free(net->host[A]);
    wh_stack_free(net->host[B]);
    tap_expect(net->memory[A].now == 0 && net->memory[B].now == 0, "all memory comes back");
}

static wh_conn *connect(struct net *net)
{
    wh_conn *conn;
    wh_connect_options options;
    wh_connect_options_init(&options);
    options.remote = (wh_endpoint){ net->server, 80 };
    must(wh_connect(net->host[A], &options, wh_sim_now(net->sim), &conn) >= 0, "connect");
    return conn;
}

/* Lets things happen for a time, one instant after the other, and calls `act` at each. */
static void run(struct net *net, wh_time span, bool (*act)(void *), void *context)
{
    wh_time end = wh_sim_now(net->sim) + span;
    while (wh_sim_now(net->sim) < end) {
        wh_time next = wh_sim_settle(net->sim);
        if (act != NULL && !act(context)) {
            return;
        }
        next = MIN(next, wh_sim_settle(net->sim));
        wh_sim_advance(net->sim, MIN(next, end));
    }
}

static wh_info info_of(const wh_conn *conn)
{
    wh_info info = { .size = sizeof info };
    wh_info_get(conn, &info);
    return info;
}

/* ------------------------------------------------- a long and fat path -- */

struct stream {
    struct net *net;
    wh_conn *from, *to;
    uint64_t received, bytes;
};

static bool write_and_read(void *context)
{
    struct stream *stream = context;
    static uint8_t data[65536];
    while (wh_send(stream->from, data, sizeof data, 0) > 0) {
    }
    if (stream->to == NULL && wh_accept(stream->net->listener, NULL, &stream->to) < 0) {
        stream->to = NULL;
    }
    int64_t n;
    while (stream->to != NULL && (n = wh_recv(stream->to, data, sizeof data)) > 0) {
        stream->received += (uint64_t)n;
    }
    return stream->received < stream->bytes;
}

/* How long it takes to bring so many bytes over; `fixed`: a large window from the start. */
static wh_time time_for(uint64_t bytes, bool fixed, wh_info *receiver, wh_info *sender)
{
    static const char *const faults[] = { "delay 100ms", "rate 100mbit", NULL };
    struct net net;
    begin(&net, 0, faults);
    if (fixed) {
        wh_stack_set(net.host[B], WH_OPT_RECEIVE_BUFFER_INITIAL, 1 << 30);
        wh_stack_set(net.host[A], WH_OPT_SEND_BUFFER_INITIAL, 1 << 30);
    }
    struct stream stream = { .net = &net, .bytes = bytes };
    stream.from = connect(&net);
    run(&net, 60 * WH_SECOND, write_and_read, &stream);
    tap_expect(stream.received >= bytes, "everything arrives");
    *receiver = info_of(stream.to);
    *sender = info_of(stream.from);
    wh_time took = wh_sim_now(net.sim) - WH_SECOND;
    finish(&net);
    return took;
}

static void a_long_fat_path_is_filled(void)
{
    wh_info receiver, sender;
    static const uint64_t sizes[] = { 100000, 1000000, 5000000, 50000000 };
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        wh_time fixed = time_for(sizes[i], true, &receiver, &sender);
        wh_time tuned = time_for(sizes[i], false, &receiver, &sender);
        printf("# %" PRIu64
               " bytes over 100 Mbit/s, 200 ms: %.3f s with large buffers, %.3f s with "
               "those that grow, to %" PRIu64 " and %" PRIu64 "\n",
               sizes[i], (double)fixed / 1e9, (double)tuned / 1e9, sender.send_limit,
               receiver.receive_limit);
        tap_expect(tuned <= fixed + 20 * WH_MILLISECOND, "no buffer is in the way");
    }
    tap_expect(receiver.receive_limit >= 2500000, "the window covers the path");
    tap_expect(sender.send_limit >= MIN(2 * sender.cwnd, (uint64_t)16 << 20),
               "so does the queue, as far as its limit lets it");
}

/* ---------------------------------------------------------- at rest -- */

static void idle_connections_hold_no_buffers(void)
{
    static const char *const faults[] = { "delay 10ms", NULL };
    struct net net;
    begin(&net, 0, faults);
    static wh_conn *from[IDLE], *to[IDLE];
    static uint8_t data[200000];
    for (int i = 0; i < IDLE; i++) {
        from[i] = connect(&net);
    }
    run(&net, WH_SECOND, NULL, NULL);
    for (int i = 0; i < IDLE; i++) {
        must(wh_accept(net.listener, NULL, &to[i]) >= 0, "accept");
    }
    wh_time rest = 10 * WH_SECOND;
    run(&net, rest, NULL, NULL);
    size_t before[SIDES] = { net.memory[A].now, net.memory[B].now };
    for (int i = 0; i < IDLE; i++) {
        struct stream stream = { .net = &net, .to = to[i] };
        must(wh_send(from[i], data, sizeof data, 0) == sizeof data, "send");
        for (int k = 0; k < 100 && stream.received < sizeof data; k++) {
            run(&net, 10 * WH_MILLISECOND, NULL, NULL);
            int64_t n;
            while ((n = wh_recv(to[i], data, sizeof data)) > 0) {
                stream.received += (uint64_t)n;
            }
        }
        tap_expect(stream.received == sizeof data, "everything arrives");
    }
    tap_expect(info_of(to[0]).receive_limit > 65536, "windows have grown");
    run(&net, rest, NULL, NULL);
    /* Spare chunks: at most 1 MiB of each of four sizes, whatever the number of connections. */
    for (int side = 0; side < SIDES; side++) {
        printf("# host %d: %zu bytes before a thousand transfers, %zu after\n", side, before[side],
               net.memory[side].now);
        tap_expect(net.memory[side].now <= before[side] + ((size_t)4 << 20),
                   "large windows at rest cost nothing");
    }
    finish(&net);
}

/* ------------------------------------------------ many fast senders -- */

struct crowd {
    struct net *net;
    wh_conn *from[SENDERS], *to[SENDERS];
    uint64_t received[SENDERS];
    unsigned accepted;
    bool reading;
};

static bool crowd_acts(void *context)
{
    struct crowd *crowd = context;
    static uint8_t data[65536];
    for (int i = 0; i < SENDERS; i++) {
        while (wh_send(crowd->from[i], data, sizeof data, 0) > 0) {
        }
    }
    while (crowd->accepted < SENDERS &&
           wh_accept(crowd->net->listener, NULL, &crowd->to[crowd->accepted]) >= 0) {
        crowd->accepted++;
    }
    for (unsigned i = 0; crowd->reading && i < crowd->accepted; i++) {
        int64_t n;
        while ((n = wh_recv(crowd->to[i], data, sizeof data)) > 0) {
            crowd->received[i] += (uint64_t)n;
        }
    }
    return true;
}

static void nobody_stalls_under_the_cap(void)
{
    static const char *const faults[] = { "delay 10ms", "rate 200mbit", "loss 1%", NULL };
    const size_t cap = (size_t)4 << 20;
    struct net net;
    begin(&net, cap, faults);
    static struct crowd crowd;
    crowd = (struct crowd){ .net = &net };
    for (int i = 0; i < SENDERS; i++) {
        crowd.from[i] = connect(&net);
    }
    for (int round = 0; round < 4; round++) {
        crowd.reading = false; /* the memory fills */
        run(&net, 2 * WH_SECOND, crowd_acts, &crowd);
        crowd.reading = true;
        uint64_t before[SENDERS];
        memcpy(before, crowd.received, sizeof before);
        run(&net, 8 * WH_SECOND, crowd_acts, &crowd);
        tap_expect(crowd.accepted == SENDERS, "all are connected");
        uint64_t least = UINT64_MAX, total = 0;
        for (int i = 0; i < SENDERS; i++) {
            least = MIN(least, crowd.received[i] - before[i]);
            total += crowd.received[i] - before[i];
        }
        printf("# round %d: %" PRIu64 " bytes, the slowest %" PRIu64 "; peak %zu; refused %" PRIu64
               ", made way %" PRIu64 "\n",
               round, total, least, net.memory[B].peak, wh_count(net.host[B], WH_WHY_MEMORY_CAP),
               wh_count(net.host[B], WH_WHY_REASSEMBLY_DISCARDED));
        tap_expect(least >= 65536, "everybody gets on");
        tap_expect(net.memory[B].peak <= cap, "the cap holds");
    }
    finish(&net);
}

static const struct tap_test tests[] = {
    { "RIGHT-SIZING a long and fat path is filled as fast as with large buffers",
      a_long_fat_path_is_filled },
    { "RIGHT-SIZING a thousand idle connections with large windows hold no buffers",
      idle_connections_hold_no_buffers },
    { "MEMORY-SHARE many fast senders under a small cap: it holds, and nobody stalls",
      nobody_stalls_under_the_cap },
};

int main(void)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    return tap_main(tests, sizeof tests / sizeof tests[0]);
}
