/* SPDX-License-Identifier: MIT */
/* The command: finds the door that was asked for and opens it. */
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <wavehand/wavehand.h>

#include "cli/commands.h"
#include "cli/options.h"

static const struct command {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *help;
    const char *line; /* what it is for */
} commands[] = {
    { "run", cmd_run, run_help, "run a program in a private network whose other end is wavehand" },
    { "explain", cmd_explain, explain_help, "say from a capture why connections lived or died" },
    { "demo", cmd_demo, demo_help, "fetch a page between two simulated hosts, in virtual time" },
    { "script", cmd_script, script_help, "run scripts of a peer on paper against the stack" },
    { "fsm", cmd_fsm, fsm_help, "draw the state machine that everything here runs on" },
    { "bench", cmd_bench, bench_help, "measure the stack in memory, in time of one core" },
};
#define COMMANDS (sizeof commands / sizeof commands[0])

static const struct command *find(const char *name)
{
    for (size_t i = 0; i < COMMANDS; i++) {
        if (strcmp(commands[i].name, name) == 0) {
            return &commands[i];
        }
    }
    return NULL;
}

static void usage(FILE *out)
{
    fputs("Usage: wavehand COMMAND [OPTION...]\n"
          "\n"
          "TCP, from the three-way handshake to the four-way close, in user space.\n"
          "\n",
          out);
    for (size_t i = 0; i < COMMANDS; i++) {
        fprintf(out, "  %-8s %s\n", commands[i].name, commands[i].line);
    }
    fputs("\n"
          "  --version, --help; 'wavehand COMMAND --help' tells more, as does wavehand(1).\n",
          out);
}

static int help(const char *name)
{
    const struct command *command = name != NULL ? find(name) : NULL;
    if (name != NULL && command == NULL) {
        options_complain("wavehand", "unknown command '%s'; try 'wavehand --help'", name);
        return EXIT_USAGE;
    }
    if (command != NULL) {
        fputs(command->help, stdout);
    } else {
        usage(stdout);
    }
    return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
    setlocale(LC_CTYPE, ""); /* whether the ladder may use more than ASCII */
    if (argc < 2) {
        usage(stderr);
        return EXIT_USAGE;
    }
    const char *name = argv[1];
    if (strcmp(name, "--version") == 0 || strcmp(name, "-V") == 0) {
        printf("wavehand %s\n", wh_version());
        return EXIT_SUCCESS;
    }
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 || strcmp(name, "help") == 0) {
        return help(argc > 2 ? argv[2] : NULL);
    }
    const struct command *command = find(name);
    if (command == NULL) {
        options_complain("wavehand", "unknown %s '%s'; try 'wavehand --help'",
                         name[0] == '-' ? "option" : "command", name);
        return EXIT_USAGE;
    }
    return command->run(argc - 1, argv + 1);
}
