/* SPDX-License-Identifier: MIT */
/*
 * The doors of the command line. Each gets the arguments from its own name on
 * (argv[0] is "run", "demo", ...) and answers the exit status of the process.
 */
#ifndef WAVEHAND_CLI_COMMANDS_H
#define WAVEHAND_CLI_COMMANDS_H

/* Exit statuses of wavehand itself; `run` otherwise answers the program's own. */
enum {
    EXIT_BENCH_FAILED = 1,     /* bench: payload was wrong, or a figure could not be had */
    EXIT_DEMO_FAILED = 1,      /* demo: the page or the close was not in order */
    EXIT_EXPLAIN_TROUBLE = 1,  /* explain: a capture could not be read to its end */
    EXIT_EXPLAIN_FAILED = 3,   /* explain --strict: a connection failed */
    EXIT_USAGE = 2,            /* unknown command, option or argument; not for run */
    EXIT_OURS = 125,           /* run: wavehand itself failed, wrong usage included */
    EXIT_NOT_EXECUTABLE = 126, /* run: the program was found but cannot be executed */
    EXIT_NOT_FOUND = 127,      /* run: there is no such program */
};

int cmd_run(int argc, char **argv);
int cmd_demo(int argc, char **argv);
int cmd_script(int argc, char **argv);
int cmd_fsm(int argc, char **argv);
int cmd_bench(int argc, char **argv);
int cmd_explain(int argc, char **argv);

/* What `wavehand run --help` and `wavehand help run` print, and so on; each ends with a newline. */
extern const char run_help[], demo_help[], script_help[], fsm_help[], bench_help[], explain_help[];

#endif
