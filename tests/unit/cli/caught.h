/* SPDX-License-Identifier: MIT */
/* Runs a command of the command line, and catches what it writes. */
#ifndef WAVEHAND_TESTS_CAUGHT_H
#define WAVEHAND_TESTS_CAUGHT_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#define CAUGHT_WORDS 16

/* The words from `first` to NULL behind `name`, to argv[CAUGHT_WORDS]; returns how many in all. */
static inline int caught_words(char **argv, const char *name, const char *first, va_list list)
{
    int argc = 1;
    argv[0] = (char *)(uintptr_t)name;
    for (const char *word = first; word != NULL; word = va_arg(list, const char *)) {
        assert_true(argc + 1 < CAUGHT_WORDS);
        argv[argc++] = (char *)(uintptr_t)word;
    }
    argv[argc] = NULL;
    return argc;
}

/* Standard output and error in the order of writing go to output[size] while `command` runs. */
static inline int caught_run(int (*command)(int, char **), int argc, char **argv, char *output,
                             size_t size)
{
    FILE *caught = tmpfile();
    assert_non_null(caught);
    fflush(stdout);
    fflush(stderr);
    int out = dup(1), err = dup(2);
    dup2(fileno(caught), 1);
    dup2(fileno(caught), 2);
    int status = command(argc, argv);
    fflush(stdout);
    fflush(stderr);
    dup2(out, 1);
    dup2(err, 2);
    close(out);
    close(err);
    rewind(caught);
    output[fread(output, 1, size - 1, caught)] = '\0';
    fclose(caught);
    return status;
}

#endif
