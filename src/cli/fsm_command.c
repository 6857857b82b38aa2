/* SPDX-License-Identifier: MIT */
/* `wavehand fsm`: the state machine, drawn from its table. */
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include <wavehand/wavehand.h>

#include "cli/commands.h"
#include "cli/options.h"
#include "view/fsm.h"

#define COMMAND "wavehand fsm"

const char fsm_help[] =
    "Usage: wavehand fsm [--text | --mermaid | --dot] [--all] [--state NAME]\n"
    "\n"
    "Draws the state machine of RFC 9293, figure 5, from the table that the stack\n"
    "itself runs on.\n"
    "\n"
    "  --text        an arc a line: state, event, next state, section (the default)\n"
    "  --mermaid     a Mermaid state diagram\n"
    "  --dot         a Graphviz graph\n"
    "  --all         also the arcs that end a connection before its time:\n"
    "                RST received, abort, gave up waiting\n"
    "  --state NAME  only the arcs from and into this state, such as time-wait\n"
    "  --help        this\n";

/* In any case, as RFC 9293 writes it; -1, after one line about it, if there is none. */
static int state_named(const char *name)
{
    for (int s = 0; s < WH_STATE_COUNT; s++) {
        if (strcasecmp(name, wh_state_name((wh_state)s)) == 0) {
            return s;
        }
    }
    options_complain(COMMAND, "--state: no state is called '%s'; one of them is 'syn-sent'", name);
    return -1;
}

/* Reads the options: 0, or the status to exit with plus one. */
static int take_options(int argc, char **argv, struct fsm_options *draw)
{
    static const struct option table[] = {
        { "text", no_argument, NULL, 't' },
        { "mermaid", no_argument, NULL, 'm' },
        { "dot", no_argument, NULL, 'd' },
        { "all", no_argument, NULL, 'a' },
        { "state", required_argument, NULL, 's' },
        { "help", no_argument, NULL, 'h' },
        { 0 },
    };
    int result;
    optind = 0;
    opterr = 0;
    while ((result = getopt_long(argc, argv, ":h", table, NULL)) != -1) {
        switch (result) {
        case 't': draw->form = FSM_TEXT; break;
        case 'm': draw->form = FSM_MERMAID; break;
        case 'd': draw->form = FSM_DOT; break;
        case 'a': draw->all = true; break;
        case 's':
            draw->state = state_named(optarg);
            if (draw->state < 0) {
                return EXIT_USAGE + 1;
            }
            break;
        case 'h': fputs(fsm_help, stdout); return EXIT_SUCCESS + 1;
        case ':':
            options_complain(COMMAND, "option '%s' needs a value; try '" COMMAND " --help'",
                             argv[optind - 1]);
            return EXIT_USAGE + 1;
        default:
            options_complain(COMMAND, "unknown option '%s'; try '" COMMAND " --help'",
                             argv[optind - 1]);
            return EXIT_USAGE + 1;
        }
    }
    if (optind < argc) {
        options_complain(COMMAND, "'%s': nothing is expected after the options", argv[optind]);
        return EXIT_USAGE + 1;
    }
    return 0;
}

int cmd_fsm(int argc, char **argv)
{
    struct fsm_options draw = { .form = FSM_TEXT, .state = FSM_EVERY_STATE };
    int status = take_options(argc, argv, &draw);
    if (status != 0) {
        return status - 1;
    }
    if (!fsm_draw(stdout, &draw) || fflush(stdout) != 0) {
        options_complain(COMMAND, "could not write");
        return EXIT_USAGE;
    }
    return EXIT_SUCCESS;
}
