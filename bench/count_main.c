/* SPDX-License-Identifier: MIT */
/*
 * What bench/instructions counts: a fixed amount of work between two stacks in memory, the same
 * instructions each time. Setting up and warming up happen outside of counted(), which is where
 * callgrind is told to begin and to end.
 *
 *   bench_count round_trip|segment|lifecycle CHECKSUM
 *   bench_count --checksums        those that this processor runs, a line each
 *   bench_count --compiler         what it was built with
 *
 * Prints how many of the things were done inside counted(). CHECKSUM is named ("portable", "avx2"),
 * for a processor's best would make the count depend on the processor.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "bench/world.h"

enum { PIECE = 65536, MESSAGE = 64, WARM_UP = 1000, TRIPS = 2000, LIVES = 2000, TURNS = 200 };

struct work {
    struct world *world;
    wh_conn *conn;
    uint64_t answers; /* at the client */
};

static void heard(struct world *world, const wh_event *event)
{
    struct work *work = world->owner;
    uint8_t answer[MESSAGE];
    if (event->ready & WH_READABLE) {
        work->answers += wh_recv(event->conn, answer, sizeof answer) > 0;
    }
}

/* Waits for one more answer. */
static void converse(struct work *work, wh_conn *conn, const uint8_t *message, size_t length)
{
    uint64_t before = work->answers;
    if (wh_send(conn, message, length, 0) != (int64_t)length) {
        world_fail(work->world, "cannot send");
    }
    while (work->answers == before && work->world->failed == NULL) {
        world_turn(work->world);
    }
}

static void round_trips(struct work *work, unsigned n)
{
    static const uint8_t message[MESSAGE];
    while (n-- > 0 && work->world->failed == NULL) {
        converse(work, work->conn, message, MESSAGE);
    }
}

/* A byte each way, and both ends close, the client first. */
static void lifecycles(struct work *work, unsigned n)
{
    struct world *world = work->world;
    while (n-- > 0 && world->failed == NULL) {
        uint64_t ended = world->ended, connected = world->connected;
        wh_conn *conn = world_connect(world, NULL);
        while (world->connected == connected && world->failed == NULL) {
            world_turn(world);
        }
        converse(work, conn, (const uint8_t *)"x", 1);
        wh_close(conn);
        while (world->ended == ended && world->failed == NULL) {
            world_turn(world);
        }
        world_turn(world);
    }
}

/* The send queue is full whenever output is asked for. */
static void bulk(struct work *work, unsigned turns)
{
    static const uint8_t piece[PIECE];
    while (turns-- > 0 && work->world->failed == NULL) {
        while (wh_send(work->conn, piece, sizeof piece, 0) == PIECE) {
        }
        world_turn(work->world);
    }
}

static const struct kind {
    const char *name;
    void (*work)(struct work *work, unsigned n);
    unsigned warm_up, counted;
    bool echo;
} kinds[] = {
    { "round_trip", round_trips, WARM_UP, TRIPS, true },
    { "segment", bulk, TURNS, TURNS, false },
    { "lifecycle", lifecycles, WARM_UP, LIVES, true },
};

/* Called through a pointer that the compiler cannot see through, so that it stays a function of its own. */
static void counted(const struct kind *kind, struct work *work) { kind->work(work, kind->counted); }
static void (*volatile count)(const struct kind *kind, struct work *work) = counted;

static uint64_t segments(const struct world *world)
{
    wh_stats stats = { .size = sizeof stats };
    wh_stats_get(world->server.host, &stats);
    return stats.segments_in;
}

static int run(const struct kind *kind, const struct checksum *checksum)
{
    struct world_options options;
    world_options_init(&options);
    options.checksum = checksum;
    struct world *world = world_new(&options);
    struct work work = { .world = world };
    if (world == NULL) {
        fputs("bench_count: no memory\n", stderr);
        return 1;
    }
    world->echo = kind->echo;
    world->heard = heard;
    world->owner = &work;
    world_open(world, &work.conn, 1);
    kind->work(&work, kind->warm_up);
    uint64_t before = segments(world);
    count(kind, &work);
    if (world->failed != NULL) {
        fprintf(stderr, "bench_count: %s\n", world->failed);
        return 1;
    }
    printf("%" PRIu64 "\n", kind->work == bulk ? segments(world) - before : kind->counted);
    world_free(world);
    return 0;
}

static const struct checksum *checksum_of(const char *name)
{
    const struct checksum *checksum;
    for (unsigned n = 0; (checksum = checksum_nth(n)) != NULL; n++) {
        if (strcmp(checksum->name, name) == 0) {
            return checksum;
        }
    }
    return NULL;
}

static void print_checksums(void)
{
    const struct checksum *checksum;
    for (unsigned n = 0; (checksum = checksum_nth(n)) != NULL; n++) {
        puts(checksum->name);
    }
}

static void print_compiler(void)
{
#if defined(__clang__)
    printf("clang %d\n", __clang_major__);
#else
    printf("gcc %d\n", __GNUC__);
#endif
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "--checksums") == 0) {
        print_checksums();
        return 0;
    }
    if (argc == 2 && strcmp(argv[1], "--compiler") == 0) {
        print_compiler();
        return 0;
    }
    for (size_t i = 0; argc == 3 && i < sizeof kinds / sizeof *kinds; i++) {
        const struct checksum *checksum = checksum_of(argv[2]);
        if (strcmp(argv[1], kinds[i].name) == 0 && checksum != NULL) {
            return run(&kinds[i], checksum);
        }
    }
    fputs("usage: bench_count round_trip|segment|lifecycle CHECKSUM\n", stderr);
    return 2;
}
