/* SPDX-License-Identifier: MIT */
/* `wavehand script`: runs scripts of a peer on paper against the stack, in virtual time. */
#include <langinfo.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/options.h"
#include "rig/rig.h"

#define COMMAND "wavehand script"

const char script_help[] =
    "Usage: wavehand script [--only ID] [--quiet] [--arcs] [--width COLUMNS] [--ascii] FILE...\n"
    "\n"
    "Runs scenarios against the stack, in virtual time: what the application does,\n"
    "what arrives from a peer on paper, and what must leave, when. Each runs over\n"
    "IPv4 and IPv6 and at several places of the sequence space. Prints a line a\n"
    "run (TAP); for a failure what passed, as a ladder with the expected line marked.\n"
    "\n"
    "  --only ID        the scenarios with this ID alone\n"
    "  --quiet          failures and the totals alone\n"
    "  --arcs           over IPv4 alone, with the arcs that each scenario takes\n"
    "  --width COLUMNS  of a failure's ladder (80 to 1000; default 80)\n"
    "  --ascii          draw it in ASCII\n"
    "  --help           this\n"
    "\n"
    "Exit status: 0 all passed, 1 something failed or nothing ran, 2 wrong usage.\n"
    "The language is in testing-scripts.md; wavehand-script(1) has an outline.\n";

/* Options to *options; 0 to go on, EXIT_USAGE, or -1 after --help. */
static int read_options(int argc, char **argv, wh_rig_options *options)
{
    static const struct option table[] = {
        { "arcs", no_argument, NULL, 'r' },
        { "only", required_argument, NULL, 'o' },
        { "quiet", no_argument, NULL, 'q' },
        { "width", required_argument, NULL, 'w' },
        { "ascii", no_argument, NULL, 'a' },
        { "help", no_argument, NULL, 'h' },
        { 0 },
    };
    uint64_t width;
    int result;
    optind = 0;
    opterr = 0;
    while ((result = getopt_long(argc, argv, ":h", table, NULL)) != -1) {
        switch (result) {
        case 'o': options->only = optarg; break;
        case 'q': options->quiet = true; break;
        case 'r': options->arcs = true; break;
        case 'a': options->ascii = true; break;
        case 'h': fputs(script_help, stdout); return -1;
        case 'w':
            if (!options_number(COMMAND, "--width", optarg, 80, 1000, &width)) {
                return EXIT_USAGE;
            }
            options->width = (unsigned)width;
            break;
        default:
            options_complain(COMMAND, "%s '%s'; try '" COMMAND " --help'",
                             result == ':' ? "an argument is missing after" : "unknown option",
                             argv[optind - 1]);
            return EXIT_USAGE;
        }
    }
    if (optind == argc) {
        options_complain(COMMAND, "name a file of scenarios; try '" COMMAND " --help'");
        return EXIT_USAGE;
    }
    return 0;
}

int cmd_script(int argc, char **argv)
{
    wh_rig_tally tally = { 0, 0 };
    wh_rig_options options;
    wh_rig_options_init(&options);
    options.ascii = strcmp(nl_langinfo(CODESET), "UTF-8") != 0;
    int result = read_options(argc, argv, &options);
    if (result != 0) {
        return result < 0 ? EXIT_SUCCESS : result;
    }
    fputs("TAP version 13\n", stdout);
    bool good = true;
    for (int i = optind; good && i < argc; i++) {
        good = rig_run_file(argv[i], NULL, &options, &tally);
    }
    if (options.only != NULL && tally.passed + tally.failed == 0 && good) {
        options_complain(COMMAND, "no scenario has the ID '%s'", options.only);
    }
    return rig_total(&options, &tally) && good ? EXIT_SUCCESS : EXIT_FAILURE;
}
