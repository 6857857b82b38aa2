/* SPDX-License-Identifier: MIT */
/*
 * A crowded TIME-WAIT (lifecycle T14): a table of 100,000 entries is filled, and half
 * as many connections again come and go above it. The oldest entries make room and are
 * counted, memory stays, new connections work, and 2MSL later nothing is left.
 */
#include <stdio.h>
#include <string.h>

#include "world.h"

#define TABLE 100000
#define CONNECTIONS 150000
#define PORTS 10000 /* of the client's, for each of the server's */
#define START WH_SECOND
#define STEP (100 * WH_MICROSECOND)

static struct counted memory;
static wh_stack *client, *server;
static wh_listener *listener;
static wh_sim *sim;
static const char *failure;

static bool expect(bool good, const char *what)
{
    if (!good && failure == NULL) {
        failure = what;
    }
    return good;
}

static bool new_host(wh_stack **host, uint8_t number)
{
    wh_config config;
    wh_addr address = wh_ipv4(10, 0, 0, number);
    wh_config_init(&config);
    config.memory = counted_memory(&memory);
    config.max_time_wait = TABLE;
    wh_seed(config.seed, number);
    return expect(wh_stack_new(host, &config, START) == 0 &&
                      wh_address_add(*host, &address, 24) == 0,
                  "a host");
}

static bool make(void)
{
    wh_listen_options listen;
    wh_listen_options_init(&listen);
    listen.flags = WH_LISTEN_ANY_PORT;
    wh_path_options options;
    wh_path *path;
    wh_path_options_init(&options);
    return new_host(&client, 1) && new_host(&server, 2) &&
           expect(wh_path_new(&path, &options) == 0 && wh_sim_new(&sim, START) == 0 &&
                      wh_sim_join(sim, client, server, path) == 0 &&
                      wh_listen(server, &listen, &listener) == 0,
                  "a path and a listener");
}

static wh_stats stats_of(const wh_stack *host)
{
    wh_stats stats = { .size = sizeof stats };
    wh_stats_get(host, &stats);
    return stats;
}

/* Runs what is due until `when`. */
static void pass(wh_time when)
{
    wh_time next;
    while ((next = wh_sim_settle(sim)) <= when) {
        wh_sim_advance(sim, next);
    }
    wh_sim_advance(sim, when);
}

/* The n-th connection: opened, a byte there and back, closed by the client first. */
static bool come_and_go(uint32_t n)
{
    wh_connect_options options;
    wh_conn *ours, *theirs;
    char byte;
    wh_connect_options_init(&options);
    options.local.port = (uint16_t)(20000 + n % PORTS);
    options.remote = (wh_endpoint){ wh_ipv4(10, 0, 0, 2), (uint16_t)(1 + n / PORTS) };
    wh_time now = wh_sim_now(sim);
    bool good = expect(wh_connect(client, &options, now, &ours) == 0, "wh_connect");
    pass(now);
    good =
        good && expect(wh_conn_state(ours) == WH_ESTABLISHED &&
                           wh_accept(listener, NULL, &theirs) == 0 && wh_send(ours, "x", 1, 0) == 1,
                       "a connection opens");
    pass(now);
    good = good && expect(wh_recv(theirs, &byte, 1) == 1 && wh_send(theirs, "y", 1, 0) == 1,
                          "a byte arrives");
    pass(now);
    good = good && expect(wh_recv(ours, &byte, 1) == 1 && byte == 'y', "a byte comes back");
    if (good) {
        wh_close(ours);
        pass(now);
        wh_close(theirs);
        pass(now + STEP);
    }
    return good;
}

static bool run(void)
{
    uint32_t n = 0;
    bool good = make();
    while (good && n < TABLE) {
        good = come_and_go(n++);
    }
    size_t full = stats_of(client).memory;
    good = good && expect(stats_of(client).time_wait == TABLE, "each connection left an entry") &&
           expect(wh_count(client, WH_WHY_TIME_WAIT_RECYCLED) == 0,
                  "none is recycled before its time");
    while (good && n < CONNECTIONS) {
        good = come_and_go(n++);
    }
    good = good && expect(stats_of(client).time_wait == TABLE, "the table stays full") &&
           expect(wh_count(client, WH_WHY_TIME_WAIT_RECYCLED) == CONNECTIONS - TABLE,
                  "the recycled are counted") &&
           expect(stats_of(client).memory <= full + (64 << 10), "memory stays") &&
           expect(stats_of(server).time_wait == 0, "only who closes first has entries") &&
           expect(wh_check(client) == NULL, "wh_check");
    if (good) {
        pass(wh_sim_now(sim) + 61 * WH_SECOND);
        good = expect(stats_of(client).time_wait == 0 && stats_of(client).connections == 0 &&
                          stats_of(server).connections == 0 && stats_of(client).timers == 0,
                      "nothing is left after 2MSL");
    }
    return good;
}

int main(void)
{
    bool good = run();
    if (listener != NULL) {
        wh_listener_close(listener);
    }
    wh_sim_free(sim);
    wh_stack_free(client);
    wh_stack_free(server);
    good = expect(memory.now == 0, "all memory came back") && good;
    printf("%s 1 - T14 T01 a table of 100,000 is full, half as many connections again come and "
           "go%s%s\n",
           good ? "ok" : "not ok", good ? "" : ": ", good ? "" : failure);
    printf("1..1\n# %d passed, %d failed\n", good, !good);
    return good ? 0 : 1;
}
