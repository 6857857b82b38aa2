/* SPDX-License-Identifier: MIT */
/*
 * Memory: the cap holds whatever happens, with ten thousand connections open; an
 * allocation may fail at any moment and nothing worse follows than a connection
 * that could not be made or a segment that comes again.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "world.h"

#define MANY 10000
#define EACH 8192

static struct world world;
static wh_conn *server_conn[MANY];

static bool report(bool good, const char *what)
{
    printf("%s - %s%s%s\n", good ? "ok" : "not ok", what, good ? "" : ": ", good ? "" : world.why);
    return good;
}

/* Everything that can happen now happens. */
static void settle(void)
{
    while (world.why[0] == 0) {
        wh_time next = wh_sim_settle(world.sim);
        if (next == WH_NEVER || next > wh_sim_now(world.sim) + 100 * WH_MILLISECOND) {
            return;
        }
        wh_sim_advance(world.sim, next);
    }
}

static void advance(wh_time span)
{
    wh_time until = wh_sim_now(world.sim) + span;
    for (;;) {
        wh_time next = wh_sim_settle(world.sim);
        if (next > until) {
            break;
        }
        wh_sim_advance(world.sim, next);
    }
    wh_sim_advance(world.sim, until);
}

static bool check(const char *when)
{
    for (int side = 0; side < 2; side++) {
        const char *broken = wh_check(world.host[side]);
        if (broken != NULL) {
            return world_fail(&world, "%s: host %d: %s", when, side, broken);
        }
        size_t cap = world.plan.cap[side];
        if (cap != 0 && world.memory[side].peak > cap) {
            return world_fail(&world, "%s: cap %zu exceeded: %zu", when, cap,
                              world.memory[side].peak);
        }
    }
    return world.why[0] == 0;
}

static bool open_many(wh_conn **client, uint32_t *opened)
{
    wh_connect_options options;
    wh_connect_options_init(&options);
    options.remote = (wh_endpoint){ world.address[1], 7 };
    for (uint32_t i = 0; i < MANY; i++) {
        if (wh_connect(world.host[0], &options, wh_sim_now(world.sim), &client[i]) < 0) {
            return world_fail(&world, "connect %u failed", i);
        }
        if (i % 100 == 99) {
            settle();
            while (wh_accept(world.listener, NULL, &server_conn[*opened]) >= 0) {
                ++*opened;
            }
        }
    }
    advance(10 * WH_SECOND);
    while (*opened < MANY && wh_accept(world.listener, NULL, &server_conn[*opened]) >= 0) {
        ++*opened;
    }
    return *opened == MANY || world_fail(&world, "%u of %u connections opened", *opened, MANY);
}

/* Reads what waits on every connection; returns the bytes. */
static uint64_t read_all(void)
{
    static uint8_t data[EACH];
    uint64_t total = 0;
    for (uint32_t i = 0; i < MANY; i++) {
        int64_t n;
        while ((n = wh_recv(server_conn[i], data, sizeof data)) > 0) {
            for (int64_t k = 0; k < n; k++) {
                if (data[k] != 0x5a) {
                    world_fail(&world, "a wrong byte");
                    return total;
                }
            }
            total += (uint64_t)n;
        }
    }
    return total;
}

/*
 * Ten thousand connections each carry more than their share of the server's cap
 * while nobody reads; the cap holds, all live on, and once the reader reads every
 * byte arrives.
 */
static bool cap_holds(void)
{
    static wh_conn *client[MANY];
    static uint8_t data[EACH];
    struct plan plan = { .seed = 1, .talks = 1, .at_once = MANY, .cap = { 0, 32 << 20 } };
    uint32_t opened = 0;
    uint64_t total = 0;
    bool good = world_make(&world, &plan) && open_many(client, &opened) && check("opened");
    memset(data, 0x5a, sizeof data);
    for (uint32_t i = 0; good && i < MANY; i++) {
        good = wh_send(client[i], data, EACH, 0) == EACH || world_fail(&world, "send %u", i);
        if (i % 500 == 0) {
            settle();
        }
    }
    if (good) {
        advance(5 * WH_SECOND);
        good = check("filled");
    }
    if (good && wh_count(world.host[1], WH_WHY_MEMORY_CAP) == 0) {
        good = world_fail(&world, "the cap was never reached; the test shows nothing");
    }
    for (int round = 0; good && round < 100 && total < (uint64_t)MANY * EACH; round++) {
        total += read_all();
        advance(2 * WH_SECOND);
        good = check("reading");
    }
    if (good && total != (uint64_t)MANY * EACH) {
        good = world_fail(&world, "%" PRIu64 " of %" PRIu64 " bytes arrived", total,
                          (uint64_t)MANY * EACH);
    }
    printf("# peak %zu of a cap of %zu with %u connections; %" PRIu64 " refusals\n",
           world.memory[1].peak, plan.cap[1], opened, wh_count(world.host[1], WH_WHY_MEMORY_CAP));
    for (uint32_t i = 0; i < MANY; i++) {
        if (client[i] != NULL) {
            wh_abort(client[i]);
        }
        if (i < opened) {
            wh_abort(server_conn[i]);
        }
    }
    good = good && world_settle(&world);
    good = world_free(&world) && good;
    return report(good, "the cap holds with 10,000 connections open and no reader");
}

/* One small world in which allocations fail on one side; they stop failing before the end. */
static bool with_failures(int side, uint64_t at, uint64_t every)
{
    struct plan plan = {
        .seed = at, .v6 = at % 2 == 0, .talks = 6, .at_once = 6, .most_bytes = 20000
    };
    bool good = world_make(&world, &plan);
    world.lenient = true;
    world.memory[side].fail_at = world.memory[side].calls + at;
    world.memory[side].fail_every = every;
    good = good && world_run(&world) && check("with failures");
    world.memory[side].fail_at = 0;
    good = good && world_settle(&world);
    good = world_free(&world) && good;
    if (!good) {
        printf("# host %d, allocation %" PRIu64 ", then each %" PRIu64 "th: %s\n", side, at, every,
               world.why);
    }
    return good;
}

static bool single_failures(void)
{
    bool good = true;
    for (int side = 0; side < 2; side++) {
        for (uint64_t at = 1; at <= 80; at++) {
            good = with_failures(side, at, UINT64_MAX) && good;
        }
    }
    return report(good, "any single allocation may fail");
}

static bool repeated_failures(void)
{
    bool good = true;
    for (int side = 0; side < 2; side++) {
        for (uint64_t every = 1; every <= 20; every++) {
            good = with_failures(side, every, every) && good;
            good = with_failures(side, 10 + every, every) && good;
        }
    }
    return report(good, "every k-th allocation may fail");
}

/* Also while the stack is being made. */
static bool failures_at_birth(void)
{
    bool made = false, good = true;
    for (uint64_t at = 1; at <= 100 && !made; at++) {
        struct counted memory = { .fail_at = at, .fail_every = 1 };
        wh_stack *host = NULL;
        wh_config config;
        wh_config_init(&config);
        config.memory = counted_memory(&memory);
        wh_seed(config.seed, 1);
        config.trace_records = 16;
        int result = wh_stack_new(&host, &config, 1);
        made = result >= 0;
        if (made) {
            wh_stack_free(host);
        } else if (result != WH_E_NOMEM) {
            good = world_fail(&world, "allocation %" PRIu64 " failed and the answer was %d", at,
                              result);
        }
        if (memory.now != 0) {
            good = world_fail(&world, "allocation %" PRIu64 " failed and %zu bytes stayed", at,
                              memory.now);
        }
    }
    memset(&world, 0, sizeof world);
    return report(good && made, "a stack that cannot be made leaves nothing behind");
}

/* A cap too small for anything but the stack itself. */
static bool smallest_cap(void)
{
    struct plan plan = { .seed = 3,
                         .talks = 300,
                         .at_once = 300,
                         .most_bytes = 100000,
                         .cap = { 512 << 10, 256 << 10 } };
    bool good = world_make(&world, &plan);
    world.lenient = true;
    good = good && world_run(&world) && check("at the end") && world_settle(&world);
    printf("# %" PRIu64 " bytes arrived; peaks %zu and %zu\n", world.bytes, world.memory[0].peak,
           world.memory[1].peak);
    good = world_free(&world) && good;
    return report(good, "the smallest caps hold, and what arrives is right");
}

int main(void)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    bool good = failures_at_birth();
    good = single_failures() && good;
    good = repeated_failures() && good;
    good = smallest_cap() && good;
    good = cap_holds() && good;
    return good ? 0 : 1;
}
