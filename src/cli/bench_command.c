/* SPDX-License-Identifier: MIT */
/* `wavehand bench`: what the stack does in memory alone, in figures. */
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/bench.h"
#include "cli/commands.h"
#include "cli/options.h"

#define COMMAND "wavehand bench"
#define SECONDS_LEAST 0.001
#define SECONDS_MOST 3600.0

const char bench_help[] =
    "Usage: wavehand bench [--quick | --full] [--only PATTERN] [--rounds N]\n"
    "                      [--seconds N] [--checksum scalar|best] [--json]\n"
    "       wavehand bench --growth [OPTION...]\n"
    "       wavehand bench --list\n"
    "\n"
    "Measures two stacks back to back in memory, on one core and in its time.\n"
    "Prints a line a figure: its name, the median of several rounds, the least,\n"
    "the most, and the unit.\n"
    "\n"
    "  --quick             short rounds, and nothing that takes long to set up\n"
    "  --full              also what wants most of a large machine's memory\n"
    "  --only PATTERN      these rows alone; '*' and '?' as in the shell, commas between\n"
    "  --rounds N          of each row; 5, or 3 with --quick\n"
    "  --seconds N         of a core's time a round; 0.5, or 0.1 with --quick\n"
    "  --checksum scalar   the portable checksum; best: the fastest here (the default)\n"
    "  --json              an object a line, with every round\n"
    "  --growth            points of curves instead of rows: the same work over decades of\n"
    "                      connections, buffers and round-trip time; an object a line\n"
    "  --list              the rows and the curves there are\n"
    "  --help              this\n";

struct bench_options {
    struct bench_plan plan;
    bool list, growth;
    unsigned rounds;
    double seconds;
};

static bool seconds_from(const char *text, double *seconds)
{
    char *end;
    double value = strtod(text, &end);
    if (end == text || *end != '\0' || !isfinite(value) || value < SECONDS_LEAST ||
        value > SECONDS_MOST) {
        options_complain(COMMAND, "--seconds takes a number from 0.001 to 3600, not '%s'", text);
        return false;
    }
    *seconds = value;
    return true;
}

/* The portable one is the last that the processor runs. */
static const struct checksum *portable(void)
{
    const struct checksum *found = checksum_best(), *next;
    for (unsigned n = 0; (next = checksum_nth(n)) != NULL; n++) {
        found = next;
    }
    return found;
}

static bool checksum_from(const char *text, struct bench_plan *plan)
{
    if (strcmp(text, "scalar") == 0) {
        plan->checksum = portable();
        plan->who = "wavehand_scalar";
        return true;
    }
    if (strcmp(text, "best") == 0) {
        plan->checksum = checksum_best();
        plan->who = "wavehand";
        return true;
    }
    options_complain(COMMAND, "--checksum is 'scalar' or 'best', not '%s'", text);
    return false;
}

static bool take(struct bench_options *options, int option, const char *argument)
{
    uint64_t number;
    switch (option) {
    case 'q': options->plan.quick = true; return true;
    case 'f': options->plan.full = true; return true;
    case 'j': options->plan.json = true; return true;
    case 'g': options->growth = true; return true;
    case 'l': options->list = true; return true;
    case 'o': options->plan.only = argument; return true;
    case 's': return seconds_from(argument, &options->seconds);
    case 'c': return checksum_from(argument, &options->plan);
    default:
        if (!options_number(COMMAND, "--rounds", argument, 1, BENCH_ROUNDS_MOST, &number)) {
            return false;
        }
        options->rounds = (unsigned)number;
        return true;
    }
}

/* Reads the options: 0, or the status to exit with plus one. */
static int take_options(int argc, char **argv, struct bench_options *options)
{
    static const struct option table[] = {
        { "quick", no_argument, NULL, 'q' },
        { "full", no_argument, NULL, 'f' },
        { "only", required_argument, NULL, 'o' },
        { "rounds", required_argument, NULL, 'r' },
        { "seconds", required_argument, NULL, 's' },
        { "checksum", required_argument, NULL, 'c' },
        { "json", no_argument, NULL, 'j' },
        { "growth", no_argument, NULL, 'g' },
        { "list", no_argument, NULL, 'l' },
        { "help", no_argument, NULL, 'h' },
        { 0 },
    };
    int result;
    optind = 0;
    opterr = 0;
    while ((result = getopt_long(argc, argv, ":h", table, NULL)) != -1) {
        if (result == 'h') {
            fputs(bench_help, stdout);
            return EXIT_SUCCESS + 1;
        }
        if (result == ':' || result == '?') {
            options_complain(COMMAND, "%s '%s'%s; try '" COMMAND " --help'",
                             result == ':' ? "option" : "unknown option", argv[optind - 1],
                             result == ':' ? " needs a value" : "");
            return EXIT_USAGE + 1;
        }
        if (!take(options, result, optarg)) {
            return EXIT_USAGE + 1;
        }
    }
    if (optind < argc) {
        options_complain(COMMAND, "'%s': nothing is expected after the options", argv[optind]);
        return EXIT_USAGE + 1;
    }
    if (options->plan.quick && options->plan.full) {
        options_complain(COMMAND, "--quick and --full exclude each other");
        return EXIT_USAGE + 1;
    }
    return 0;
}

int cmd_bench(int argc, char **argv)
{
    struct bench_options options = { 0 };
    bench_plan_init(&options.plan);
    int status = take_options(argc, argv, &options);
    if (status != 0) {
        return status - 1;
    }
    if (options.list) {
        bench_list(stdout);
        puts("\nCurves, with --growth:");
        bench_growth_list(stdout);
        return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_BENCH_FAILED;
    }
    struct bench_plan *plan = &options.plan;
    if (plan->quick) {
        plan->rounds = 3;
        plan->seconds = 0.1;
    }
    plan->rounds = options.rounds != 0 ? options.rounds : plan->rounds;
    plan->seconds = options.seconds > 0 ? options.seconds : plan->seconds;
    int result =
        options.growth ? bench_growth(plan, stdout, stderr) : bench_run(plan, stdout, stderr);
    return result == 0 ? EXIT_SUCCESS : EXIT_BENCH_FAILED;
}
