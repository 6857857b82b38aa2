/* SPDX-License-Identifier: MIT */
/* What `wavehand explain` was asked for. */
#ifndef WAVEHAND_CLI_EXPLAIN_OPTIONS_H
#define WAVEHAND_CLI_EXPLAIN_OPTIONS_H

#include "explain/results.h"

struct explain_choices {
    const char *const *files; /* what is left of argv */
    unsigned file_count;
    const char *interface, *filter; /* -i and --filter, or NULL */
    const char *html;               /* --html FILE, or NULL */
    bool follow;
    bool all, json, ladder, no_checksums, strict, ascii;
    bool narrowed; /* some connections were asked for by name, port or verdict */
    unsigned limit, width;
    size_t memory; /* bytes; 0: the default */
    struct wanted wanted;
    uint64_t *numbers; /* that wanted points to */
};

/* 0 to go on, EXIT_USAGE after a line about it, or -1 after --help. Call explain_options_free always. */
int explain_options_read(int argc, char **argv, const char *command, const char *help,
                         struct explain_choices *choices);
void explain_options_free(struct explain_choices *choices);

#endif
