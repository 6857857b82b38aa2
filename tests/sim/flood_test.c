/* SPDX-License-Identifier: MIT */
/*
 * A flood (lifecycle B04): for ten seconds 100,000 SYNs a second come from addresses
 * that do not exist. Memory stays where the half-open queue has brought it, clients
 * that do exist connect within a round trip, and who was connected before notices
 * nothing. Virtual time; the same frames on every machine.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "world.h"

#define SECONDS 10
#define SYNS_A_MILLISECOND 100
#define ROUND_TRIP (20 * WH_MILLISECOND) /* "delay 10ms" each way */
#define CLIENTS 50
#define HALF_OPEN 16384 /* the default */
#define MESSAGE 1000

static struct world world;
static uint8_t message[MESSAGE];

/* -------------------------------------------------------------- the flood -- */

struct spoofed {
    uint8_t bytes[60];
};

static void put(uint8_t *at, uint32_t value, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++) {
        at[i] = (uint8_t)(value >> 8 * (bytes - 1 - i));
    }
}

static uint16_t checksum(const uint8_t *at, size_t length)
{
    uint32_t sum = 0;
    for (size_t i = 0; i < length; i += 2) {
        sum += (uint32_t)at[i] << 8 | at[i + 1];
    }
    sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t) ~((sum & 0xffff) + (sum >> 16));
}

/* A SYN from 198.18.0.0/15 to the listener; every other one with timestamps, scale and SACK. */
static void spoof(struct spoofed *syn, wh_frame *frame)
{
    static const uint8_t options[20] = { 2, 4, 5, 180, 4, 2, 8, 10, 0, 0,
                                         0, 1, 0, 0,   0, 0, 1, 3,  3, 7 };
    uint64_t dice = luck_next(&world.luck);
    size_t length = (dice >> 60 & 1) ? sizeof syn->bytes : 44;
    uint8_t *ip = syn->bytes, *tcp = ip + 20;
    memset(syn, 0, sizeof *syn);
    put(ip, 0x45000000 | (uint32_t)length, 4);
    put(ip + 8, 0x40060000, 4);
    put(ip + 12, 0xc6120000 | (uint32_t)(dice & 0x1ffff), 4);
    memcpy(ip + 16, world.address[1].bytes + 12, 4);
    put(ip + 10, checksum(ip, 20), 2);
    put(tcp, 1024 + (uint32_t)(dice >> 20 & 0x3fff), 2);
    put(tcp + 2, 7, 2);
    put(tcp + 4, (uint32_t)(dice >> 28), 4);
    put(tcp + 12, (uint32_t)(length - 20) / 4 << 12 | 2, 2);
    put(tcp + 14, 65535, 2);
    memcpy(tcp + 20, options, length - 40);
    *frame = (wh_frame){ .slice = { { ip, length } },
                         .slices = 1,
                         .length = (uint32_t)length,
                         .flags = WH_FRAME_CHECKSUM_VALID };
}

static void flood_once(void)
{
    static struct spoofed syn[SYNS_A_MILLISECOND];
    wh_frame frame[SYNS_A_MILLISECOND];
    for (int i = 0; i < SYNS_A_MILLISECOND; i++) {
        spoof(&syn[i], &frame[i]);
    }
    wh_input(world.host[1], frame, SYNS_A_MILLISECOND, wh_sim_now(world.sim));
}

/* ------------------------------------------------------------------ time -- */

static void advance_to(wh_time until)
{
    wh_time next;
    while ((next = wh_sim_settle(world.sim)) <= until) {
        wh_sim_advance(world.sim, next);
    }
    wh_sim_advance(world.sim, until);
}

/* Lets milliseconds pass, with the flood or without. */
static void pass(unsigned milliseconds, bool flood)
{
    while (milliseconds-- > 0) {
        if (flood) {
            flood_once();
        }
        advance_to(wh_sim_now(world.sim) + WH_MILLISECOND);
    }
}

/* --------------------------------------------------------- real clients -- */

struct pair {
    wh_conn *client, *server;
};

/* One round trip makes the connection, and half of another brings it to the server. */
static bool open_pair(struct pair *pair, bool flood)
{
    wh_connect_options options;
    wh_connect_options_init(&options);
    options.remote = (wh_endpoint){ world.address[1], 7 };
    if (wh_connect(world.host[0], &options, wh_sim_now(world.sim), &pair->client) < 0) {
        return world_fail(&world, "wh_connect");
    }
    pass(ROUND_TRIP / WH_MILLISECOND + 1, flood);
    if (wh_conn_state(pair->client) != WH_ESTABLISHED) {
        return world_fail(&world, "a client is not connected after one round trip");
    }
    pass(ROUND_TRIP / 2 / WH_MILLISECOND, flood);
    if (wh_accept(world.listener, NULL, &pair->server) < 0) {
        return world_fail(&world,
                          "the server knows of no connection after a round trip and a half");
    }
    wh_info info = { .size = sizeof info };
    wh_info_get(pair->server, &info);
    return (info.sack && info.timestamps && info.window_scaling && info.mss == 1448) ||
           world_fail(&world, "the handshake has lost options, or the MSS: %" PRIu32, info.mss);
}

/* A message there and back, each way within half a round trip. */
static bool talk(const struct pair *pair, bool flood)
{
    uint8_t got[MESSAGE];
    wh_conn *from = pair->client, *to = pair->server;
    for (int way = 0; way < 2; way++) {
        if (wh_send(from, message, MESSAGE, 0) != MESSAGE) {
            return world_fail(&world, "wh_send");
        }
        pass(ROUND_TRIP / 2 / WH_MILLISECOND + 1, flood);
        if (wh_recv(to, got, MESSAGE) != MESSAGE || memcmp(got, message, MESSAGE) != 0) {
            return world_fail(&world, "a message did not arrive in half a round trip");
        }
        from = pair->server;
        to = pair->client;
    }
    return true;
}

static bool no_retransmissions(const struct pair *pair)
{
    wh_info info = { .size = sizeof info };
    wh_info_get(pair->client, &info);
    uint64_t again = info.retransmissions;
    wh_info_get(pair->server, &info);
    again += info.retransmissions;
    return again == 0 || world_fail(&world, "%" PRIu64 " retransmissions", again);
}

static size_t server_memory(void)
{
    wh_stats stats = { .size = sizeof stats };
    wh_stats_get(world.host[1], &stats);
    return stats.memory;
}

/* -------------------------------------------------------------- the test -- */

static bool run_flood(void)
{
    static struct pair client[CLIENTS];
    struct pair old = { NULL, NULL };
    if (!open_pair(&old, false) || !talk(&old, false)) {
        return false;
    }
    size_t before = server_memory();
    size_t second = 0; /* after the first second */
    unsigned opened = 0;
    wh_time start = wh_sim_now(world.sim);
    while (wh_sim_now(world.sim) < start + SECONDS * WH_SECOND) {
        if (opened < CLIENTS) {
            if (!open_pair(&client[opened], true) || !talk(&client[opened], true)) {
                return false;
            }
            opened++;
        }
        if (!talk(&old, true)) {
            return false;
        }
        pass(100, true);
        const char *broken = wh_check(world.host[1]);
        if (broken != NULL) {
            return world_fail(&world, "%s", broken);
        }
        if (second == 0 && wh_sim_now(world.sim) >= start + WH_SECOND) {
            second = server_memory();
        }
    }
    size_t after = server_memory();
    printf("# memory %zu before, %zu after one second, %zu at the end; %" PRIu64
           " cookies sent, %" PRIu64 " accepted\n",
           before, second, after, wh_count(world.host[1], WH_WHY_COOKIE_SENT),
           wh_count(world.host[1], WH_WHY_COOKIE_ACCEPTED));
    /* Half-open entries and their places in the table; then only the clients' connections. */
    if (second > before + (size_t)HALF_OPEN * (72 + 32) + (512 << 10) ||
        after > second + (size_t)CLIENTS * 1024 + (256 << 10)) {
        return world_fail(&world, "memory grows with the flood");
    }
    if (opened != CLIENTS || wh_count(world.host[1], WH_WHY_COOKIE_ACCEPTED) < CLIENTS - 1) {
        return world_fail(&world, "the clients were not let in by cookies; the test shows nothing");
    }
    for (unsigned i = 0; i < CLIENTS; i++) {
        if (!no_retransmissions(&client[i])) {
            return false;
        }
    }
    return no_retransmissions(&old);
}

int main(void)
{
    struct plan plan = { .seed = 4, .talks = 1, .at_once = CLIENTS, .faults = { "delay 10ms" } };
    memset(message, 0x6b, sizeof message);
    bool good = world_make(&world, &plan) && run_flood();
    good = world_free(&world) && good;
    printf("%s 1 - B04 B02 100,000 spoofed SYNs a second for ten seconds%s%s\n",
           good ? "ok" : "not ok", good ? "" : ": ", good ? "" : world.why);
    printf("1..1\n# %d passed, %d failed\n", good, !good);
    return good ? 0 : 1;
}
