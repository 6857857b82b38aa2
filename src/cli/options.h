/* SPDX-License-Identifier: MIT */
/*
 * Options that `run` and `demo` have in common, and the one way in which every
 * command reads its options and complains about them: one line that says what
 * is wrong and where to read on.
 */
#ifndef WAVEHAND_CLI_OPTIONS_H
#define WAVEHAND_CLI_OPTIONS_H

#include <getopt.h>
#include <stdbool.h>
#include <stdint.h>

#include <wavehand/link.h>

enum ladder_choice {
    LADDER_BY_TERMINAL, /* neither option given: drawn when standard error is a terminal */
    LADDER_SHOWN,       /* --ladder, --ladder=FILE */
    LADDER_HIDDEN,      /* --no-ladder */
};

struct options {
    const char *command; /* "wavehand run": begins every message */
    const char **faults; /* --fault SPEC, in the order given; freed by options_free */
    size_t fault_count;
    const char *pcap;         /* --pcap FILE, or NULL */
    const char *trace;        /* --trace FILE, or NULL */
    const char *plot;         /* --plot FILE, or NULL */
    uint32_t plot_connection; /* --plot-connection N, from 1; 0 unless given */
    enum ladder_choice ladder;
    const char *ladder_file; /* --ladder=FILE, or NULL for standard error */
    unsigned width;          /* --width N: columns of the ladder; 0: as wide as the terminal */
    bool ascii;              /* --ascii: no arrows or lines beyond ASCII */
    uint64_t seed;           /* --seed N, from 1; 0 unless given */
};

/* Results of options_parse other than the index of the first operand. */
enum {
    OPTIONS_WRONG = -1, /* a line about it was written to standard error */
    OPTIONS_HELP = -2,  /* --help was asked for */
};

/*
 * Reads the options of one command: the shared ones into *options, and those in
 * own (ended by a zero entry; val from 1 to 0xfff) through take, which answers 0
 * or, after writing a line with options_complain, -1. own may be NULL. Stops at
 * the first operand or after "--". Answers the index of the first operand in
 * argv, OPTIONS_WRONG or OPTIONS_HELP. Call options_free in every case.
 */
int options_parse(struct options *options, const char *command, int argc, char **argv,
                  const struct option *own,
                  int (*take)(void *context, int val, const char *argument), void *context);
void options_free(struct options *options);

/* Writes "wavehand run: MESSAGE" and a newline to standard error, in one write. */
void options_complain(const char *command, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/*
 * Reads a number from low to high in decimal; false, after one line about it,
 * when text is anything else. `what` is the option as the user wrote it ("--mtu").
 */
bool options_number(const char *command, const char *what, const char *text, uint64_t low,
                    uint64_t high, uint64_t *number);

/* Adds every --fault to the path; -1, after one line about it, if one cannot be read. */
int options_faults(const struct options *options, wh_path *path);

#endif
