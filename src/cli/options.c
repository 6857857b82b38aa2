/* SPDX-License-Identifier: MIT */
#include "cli/options.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LADDER_COLUMNS_LEAST 80
#define LADDER_COLUMNS_MOST 1000
#define OPTIONS_MOST 40

/* Above the values that commands give their own options. */
enum {
    OPT_HELP = 0x1000,
    OPT_FAULT,
    OPT_PCAP,
    OPT_TRACE,
    OPT_PLOT,
    OPT_PLOT_CONNECTION,
    OPT_LADDER,
    OPT_NO_LADDER,
    OPT_WIDTH,
    OPT_ASCII,
    OPT_SEED
};

static const struct option shared[] = {
    { "help", no_argument, NULL, OPT_HELP },
    { "fault", required_argument, NULL, OPT_FAULT },
    { "pcap", required_argument, NULL, OPT_PCAP },
    { "trace", required_argument, NULL, OPT_TRACE },
    { "plot", required_argument, NULL, OPT_PLOT },
    { "plot-connection", required_argument, NULL, OPT_PLOT_CONNECTION },
    { "ladder", optional_argument, NULL, OPT_LADDER },
    { "no-ladder", no_argument, NULL, OPT_NO_LADDER },
    { "width", required_argument, NULL, OPT_WIDTH },
    { "ascii", no_argument, NULL, OPT_ASCII },
    { "seed", required_argument, NULL, OPT_SEED },
};
#define SHARED (sizeof shared / sizeof shared[0])

void options_complain(const char *command, const char *format, ...)
{
    char message[1024], line[1100];
    va_list list;
    va_start(list, format);
    vsnprintf(message, sizeof message, format, list);
    va_end(list);
    snprintf(line, sizeof line, "%.64s: %s\n", command, message);
    fputs(line, stderr);
}

bool options_number(const char *command, const char *what, const char *text, uint64_t low,
                    uint64_t high, uint64_t *number)
{
    char *end;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    bool digits = text[0] >= '0' && text[0] <= '9' && *end == '\0';
    if (!digits || errno != 0 || value < low || value > high) {
        options_complain(command, "%s takes a whole number from %llu to %llu, not '%s'", what,
                         (unsigned long long)low, (unsigned long long)high, text);
        return false;
    }
    *number = value;
    return true;
}

static int take_fault(struct options *options, const char *spec)
{
    const char **more = realloc(options->faults, (options->fault_count + 1) * sizeof *more);
    if (more == NULL) {
        options_complain(options->command, "no memory");
        return -1;
    }
    more[options->fault_count++] = spec;
    options->faults = more;
    return 0;
}

static int take_shared(struct options *options, int val, const char *argument)
{
    uint64_t number;
    switch (val) {
    case OPT_FAULT: return take_fault(options, argument);
    case OPT_PCAP: options->pcap = argument; return 0;
    case OPT_TRACE: options->trace = argument; return 0;
    case OPT_PLOT: options->plot = argument; return 0;
    case OPT_PLOT_CONNECTION:
        if (!options_number(options->command, "--plot-connection", argument, 1, UINT32_MAX,
                            &number)) {
            return -1;
        }
        options->plot_connection = (uint32_t)number;
        return 0;
    case OPT_LADDER:
        options->ladder = LADDER_SHOWN;
        options->ladder_file = argument;
        return 0;
    case OPT_NO_LADDER:
        options->ladder = LADDER_HIDDEN;
        options->ladder_file = NULL;
        return 0;
    case OPT_WIDTH:
        if (!options_number(options->command, "--width", argument, LADDER_COLUMNS_LEAST,
                            LADDER_COLUMNS_MOST, &number)) {
            return -1;
        }
        options->width = (unsigned)number;
        return 0;
    case OPT_ASCII: options->ascii = true; return 0;
    default:
        return options_number(options->command, "--seed", argument, 1, UINT64_MAX, &options->seed)
                   ? 0
                   : -1;
    }
}

/* What getopt_long could not make sense of, in words. */
static void complain(const struct options *options, int result, char **argv)
{
    const char *word = argv[optind - 1];
    const char *command = options->command;
    if (result == ':') {
        options_complain(command, "'%s' needs a value; try '%s --help'", word, command);
    } else if (strncmp(word, "--", 2) == 0 && strchr(word, '=') != NULL && optopt != 0) {
        options_complain(command, "'%.*s' takes no value; try '%s --help'", (int)strcspn(word, "="),
                         word, command);
    } else if (strncmp(word, "--", 2) == 0) {
        options_complain(command, "unknown option '%s'; try '%s --help'", word, command);
    } else {
        options_complain(command, "unknown option '-%c'; try '%s --help'", optopt, command);
    }
}

int options_parse(struct options *options, const char *command, int argc, char **argv,
                  const struct option *own,
                  int (*take)(void *context, int val, const char *argument), void *context)
{
    *options = (struct options){ .command = command };
    struct option table[OPTIONS_MOST] = { { 0 } };
    memcpy(table, shared, sizeof shared);
    for (size_t i = 0; own != NULL && own[i].name != NULL && SHARED + i + 1 < OPTIONS_MOST; i++) {
        table[SHARED + i] = own[i];
    }
    optind = 0; /* glibc: begin anew */
    opterr = 0;
    int result;
    /* '+': what follows the first operand belongs to the program; ':': tell a missing value apart. */
    while ((result = getopt_long(argc, argv, "+:h", table, NULL)) != -1) {
        if (result == OPT_HELP || result == 'h') {
            return OPTIONS_HELP;
        }
        if (result == '?' || result == ':') {
            complain(options, result, argv);
            return OPTIONS_WRONG;
        }
        int taken = result > OPT_HELP ? take_shared(options, result, optarg)
                                      : take(context, result, optarg);
        if (taken < 0) {
            return OPTIONS_WRONG;
        }
    }
    return optind;
}

void options_free(struct options *options)
{
    free(options->faults);
    options->faults = NULL;
    options->fault_count = 0;
}

int options_faults(const struct options *options, wh_path *path)
{
    char error[256];
    for (size_t i = 0; i < options->fault_count; i++) {
        if (wh_path_fault(path, options->faults[i], error, sizeof error) < 0) {
            options_complain(options->command, "--fault '%s': %s", options->faults[i], error);
            return -1;
        }
    }
    return 0;
}
