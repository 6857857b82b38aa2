/* SPDX-License-Identifier: MIT */
/*
 * bench_path_sim: runs the cells that standard input names, one a line, wavehand to wavehand in
 * virtual time, and prints a line of JSON for each, in order. A cell that takes more than five
 * seconds of a core (most take a few hundredths) ends the program by SIGPROF. Arguments, if any, are the cells
 * instead. bench/path/run is what calls it.
 */
#include <stdlib.h>
#include <string.h>

#include "sim_end.h"

enum { CORE_SECONDS = 5 };

static struct outcome outcome;

static bool run_line(char *line)
{
    struct cell cell;
    char error[200];
    line[strcspn(line, "\r\n")] = '\0';
    if (!cell_parse(&cell, line, error, sizeof error)) {
        fprintf(stderr, "bench_path_sim: %s\n", error);
        return false;
    }
    double before = cell_core_seconds();
    cell_limit_core(CORE_SECONDS);
    int result = sim_run(&cell, &outcome);
    outcome.core = cell_core_seconds() - before;
    if (result == WH_OK) {
        outcome_print(&outcome, line, stdout);
    } else {
        printf("{\"cell\": \"%s\", \"error\": \"%s\"}\n", line, wh_strerror(result));
        fflush(stdout);
    }
    return true;
}

int main(int argc, char **argv)
{
    char line[512];
    bool fine = true;
    for (int i = 1; i < argc; i++)
        fine = run_line(argv[i]) && fine;
    while (argc == 1 && fine && fgets(line, sizeof line, stdin) != NULL)
        fine = run_line(line);
    return fine ? 0 : 1;
}
