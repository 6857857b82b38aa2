/* SPDX-License-Identifier: MIT */
/*
 * cycles_test [--cycles N | --order TITLE | --list]
 *
 * A million connections (or N) between two live ends, opened and closed in every
 * order of orders.c in turn, thousands at once (X03). They are played in laps; after
 * each lap both hosts must be empty and hold no more memory than after the lap
 * before. With --order, one cycle of that order alone is played and drawn; a failure
 * prints the words for it. --list names the orders.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cycles.h"

#define CYCLES 1000000
#define LAPS 10
#define SLOTS 4096

struct tally {
    unsigned passed, failed;
};

static void line(struct tally *tally, bool good, const char *text)
{
    ++*(good ? &tally->passed : &tally->failed);
    printf("%s %u - X03 %s\n", good ? "ok" : "not ok", tally->passed + tally->failed, text);
}

/*
 * What a host keeps after a lap is tables that only grow: the directories of its
 * pools of records and one empty slab of each, the table of listeners, the slots of
 * frames, and the directory of the TIME-WAIT queue. Two laps bring them to their
 * size, but for a few bytes where a later lap had some more records at once. One
 * record lost for each order would come to more than this.
 */
#define GROWTH_MOST 256

static bool play_laps(struct cycles *cycles, uint64_t count, size_t kept[2])
{
    uint64_t done = 0;
    for (unsigned lap = 1; lap <= LAPS; lap++) {
        uint64_t upto = count * lap / LAPS;
        if (!cycles_play(cycles, upto - done, lap % 2 == 0)) {
            return false;
        }
        done = upto;
        for (int side = 0; side < 2; side++) {
            size_t now = stage_kept(&cycles->stage, side);
            if (lap > 2 && now > kept[side] + GROWTH_MOST) {
                return stage_fail(&cycles->stage, "lap %u: %zu bytes held, %zu before", lap, now,
                                  kept[side]);
            }
            if (lap <= 2 && now > kept[side]) {
                kept[side] = now;
            }
        }
    }
    return true;
}

static int play_all(uint64_t count)
{
    struct cycles cycles;
    struct tally tally = { 0, 0 };
    char text[600];
    size_t kept[2] = { 0, 0 };
    printf("TAP version 13\n");
    bool good = cycles_make(&cycles, SLOTS, order_count, NULL) && play_laps(&cycles, count, kept);
    wh_time took = cycles.stage.now - STAGE_START;
    uint64_t total = 0;
    for (size_t i = 0; i < order_count; i++) {
        total += cycles.finished[i];
        snprintf(text, sizeof text, "%s: %" PRIu64 " cycles", orders[i].title, cycles.finished[i]);
        line(&tally, i != cycles.culprit && cycles.finished[i] > 0, text);
        if (i == cycles.culprit) {
            printf("# %s\n#   client: %s\n#   server: %s\n# again: cycles_test --order '%s'\n",
                   cycles.stage.why, orders[i].client, orders[i].server, orders[i].title);
        }
    }
    snprintf(text, sizeof text,
             "no record, timer, frame or memory is left after %" PRIu64
             " cycles; tables that only grow hold %zu and %zu bytes",
             total, kept[0], kept[1]);
    good = cycles_free(&cycles) && good;
    line(&tally, good && total == count, text);
    if (!good) {
        printf("# %s\n", cycles.stage.why);
    }
    printf("1..%u\n# %.0f s of virtual time\n# %u passed, %u failed\n", tally.passed + tally.failed,
           (double)took / 1e9, tally.passed, tally.failed);
    return tally.failed == 0 ? 0 : 1;
}

static int play_one(const char *title)
{
    struct cycles cycles;
    struct drawing drawing;
    size_t order = 0;
    while (order < order_count && strcmp(orders[order].title, title) != 0) {
        order++;
    }
    if (order == order_count) {
        fprintf(stderr, "cycles_test: no order is called '%s'\n", title);
        return 2;
    }
    drawing_begin(&drawing);
    bool good = cycles_make(&cycles, 1, order, &drawing) && cycles_play(&cycles, 1, false);
    drawing_print(&drawing, cycles.stage.now);
    good = cycles_free(&cycles) && good;
    printf("# %s\n", good ? "went well" : cycles.stage.why);
    return good ? 0 : 1;
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "--list") == 0) {
        for (size_t i = 0; i < order_count; i++) {
            printf("%s\n", orders[i].title);
        }
        return 0;
    }
    if (argc == 3 && strcmp(argv[1], "--order") == 0) {
        return play_one(argv[2]);
    }
    if (argc == 3 && strcmp(argv[1], "--cycles") == 0) {
        return play_all(strtoull(argv[2], NULL, 10));
    }
    if (argc != 1) {
        fprintf(stderr, "usage: cycles_test [--cycles N | --order TITLE | --list]\n");
        return 2;
    }
    return play_all(CYCLES);
}
