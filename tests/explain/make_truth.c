/* SPDX-License-Identifier: MIT */
/*
 * make-truth DIRECTORY --set tuning|final [--seed N] [--count M] [--only NAME]
 *
 * Writes captures whose cause is known, and DIRECTORY/labels.jsonl, which tells for
 * each what is right to say of it. The same arguments give the same bytes.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "acts.h"
#include "label.h"
#include "scenario.h"

#define SCENARIOS 256

struct order {
    const char *directory;
    unsigned set;
    uint64_t seed;
    unsigned long count;
    const char *only;
    const struct scenario *scenario[SCENARIOS];
    unsigned scenarios;
};

static const char usage[] =
    "Usage: make-truth DIRECTORY --set tuning|final [--seed N] [--count M] [--only NAME]\n";

static void choose(struct order *order)
{
    static const struct scenario *const lists[] = {
        scenarios_opening, scenarios_closing, scenarios_resets,   scenarios_stuck,
        scenarios_path,    scenarios_reuse,   scenarios_patterns,
    };
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        for (const struct scenario *scenario = lists[i]; scenario->name != NULL; scenario++) {
            bool wanted = (scenario->sets & order->set) != 0 &&
                          (order->only == NULL || strcmp(order->only, scenario->name) == 0);
            if (wanted && order->scenarios < SCENARIOS) {
                order->scenario[order->scenarios++] = scenario;
            }
        }
    }
}

/* One case; false if nothing could be written. */
static bool make_case(const struct order *order, unsigned long number, FILE *labels)
{
    static struct ground ground;
    const struct scenario *scenario = order->scenario[number % order->scenarios];
    uint64_t seed = (order->seed << 24) + number + ((uint64_t)order->set << 60);
    ground_make(&ground, seed, scenario->flags);
    scenario->play(&ground);
    struct label label = {
        .directory = order->directory,
        .number = number,
        .scenario = scenario,
        .out = labels,
    };
    bool good = label_write(&label, &ground);
    ground_free(&ground);
    return good;
}

static bool make_all(const struct order *order)
{
    char name[4096];
    if (mkdir(order->directory, 0777) < 0 && errno != EEXIST) {
        fprintf(stderr, "make-truth: %s: %s\n", order->directory, strerror(errno));
        return false;
    }
    snprintf(name, sizeof name, "%s/labels.jsonl", order->directory);
    FILE *labels = fopen(name, "w");
    bool good = labels != NULL;
    for (unsigned long i = 0; good && i < order->count; i++) {
        good = make_case(order, i, labels);
    }
    good = good && fflush(labels) == 0 && !ferror(labels);
    if (!good) {
        fprintf(stderr, "make-truth: %s: %s\n", name, strerror(errno));
    }
    if (labels != NULL) {
        fclose(labels);
    }
    return good;
}

static bool read_arguments(struct order *order, int argc, char **argv)
{
    static const struct option options[] = {
        { "set", required_argument, NULL, 's' },
        { "seed", required_argument, NULL, 'r' },
        { "count", required_argument, NULL, 'n' },
        { "only", required_argument, NULL, 'o' },
        { 0 },
    };
    int c;
    while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (c) {
        case 's':
            order->set = strcmp(optarg, "tuning") == 0  ? TUNING
                         : strcmp(optarg, "final") == 0 ? FINAL
                                                        : 0;
            break;
        case 'r': order->seed = strtoull(optarg, NULL, 10); break;
        case 'n': order->count = strtoul(optarg, NULL, 10); break;
        case 'o': order->only = optarg; break;
        default: return false;
        }
    }
    order->directory = argv[optind];
    return order->directory != NULL && argv[optind + 1] == NULL && order->set != 0;
}

int main(int argc, char **argv)
{
    struct order order = { .seed = 1, .count = 2000 };
    if (!read_arguments(&order, argc, argv)) {
        fputs(usage, stderr);
        return 2;
    }
    choose(&order);
    if (order.scenarios == 0) {
        fputs("make-truth: no such scenario in this set\n", stderr);
        return 2;
    }
    return make_all(&order) ? 0 : 1;
}
