/* SPDX-License-Identifier: MIT */
/* `wavehand fsm`: the state machine, drawn from its table. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/options.h"
#include "view/fsm.h"

#define COMMAND "wavehand fsm"

const char fsm_help[] =
    "Usage: wavehand fsm [--text | --mermaid | --dot] [--all]\n"
    "\n"
    "Draws the state machine of RFC 9293, figure 5, from the table that the stack\n"
    "itself runs on.\n"
    "\n"
    "  --text     an arc a line: state, event, next state (the default)\n"
    "  --mermaid  a Mermaid state diagram\n"
    "  --dot      a Graphviz graph\n"
    "  --all      also the arcs that end a connection before its time:\n"
    "             RST received, abort, gave up waiting\n"
    "  --help     this\n";

int cmd_fsm(int argc, char **argv)
{
    static const struct option table[] = {
        { "text", no_argument, NULL, 't' }, { "mermaid", no_argument, NULL, 'm' },
        { "dot", no_argument, NULL, 'd' },  { "all", no_argument, NULL, 'a' },
        { "help", no_argument, NULL, 'h' }, { 0 },
    };
    enum fsm_form form = FSM_TEXT;
    bool all = false;
    int result;
    optind = 0;
    opterr = 0;
    while ((result = getopt_long(argc, argv, "h", table, NULL)) != -1) {
        switch (result) {
        case 't': form = FSM_TEXT; break;
        case 'm': form = FSM_MERMAID; break;
        case 'd': form = FSM_DOT; break;
        case 'a': all = true; break;
        case 'h': fputs(fsm_help, stdout); return EXIT_SUCCESS;
        default:
            options_complain(COMMAND, "unknown option '%s'; try '" COMMAND " --help'",
                             argv[optind - 1]);
            return EXIT_USAGE;
        }
    }
    if (optind < argc) {
        options_complain(COMMAND, "'%s': nothing is expected after the options", argv[optind]);
        return EXIT_USAGE;
    }
    if (!fsm_draw(stdout, form, all) || fflush(stdout) != 0) {
        options_complain(COMMAND, "could not write");
        return EXIT_USAGE;
    }
    return EXIT_SUCCESS;
}
