/* SPDX-License-Identifier: MIT */
/* `wavehand fsm`: its options, its exit status and what it complains about. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "caught.h"
#include "cli/commands.h"

static char output[1 << 16]; /* standard output, then standard error */

static int fsm(const char *first, ...)
{
    char *argv[CAUGHT_WORDS];
    va_list list;
    va_start(list, first);
    int argc = caught_words(argv, "fsm", first, list);
    va_end(list);
    return caught_run(cmd_fsm, argc, argv, output, sizeof output);
}

static void three_forms(void **state)
{
    (void)state;
    assert_int_equal(fsm(NULL, NULL), 0);
    assert_int_equal(strncmp(output, "CLOSED        passive open ", 27), 0);
    assert_int_equal(fsm("--mermaid", NULL), 0);
    assert_int_equal(strncmp(output, "stateDiagram-v2\n", 16), 0);
    assert_int_equal(fsm("--dot", "--text", "--dot", NULL), 0);
    assert_int_equal(strncmp(output, "digraph tcp {\n", 14), 0);
}

static void a_state_in_any_case(void **state)
{
    (void)state;
    assert_int_equal(fsm("--state", "last-ACK", NULL), 0);
    assert_int_equal(strncmp(output, "CLOSE-WAIT    close ", 20), 0);
    assert_null(strstr(output, "LISTEN"));
    assert_null(strstr(output, "abort"));
    assert_int_equal(fsm("--all", "--state=LAST-ACK", NULL), 0);
    assert_non_null(strstr(output, "LAST-ACK      abort "));
}

static void wrong_usage(void **state)
{
    (void)state;
    assert_int_equal(fsm("--state", "last", NULL), EXIT_USAGE);
    assert_string_equal(
        output, "wavehand fsm: --state: no state is called 'last'; one of them is 'syn-sent'\n");
    assert_int_equal(fsm("--state", NULL), EXIT_USAGE);
    assert_string_equal(
        output, "wavehand fsm: option '--state' needs a value; try 'wavehand fsm --help'\n");
    assert_int_equal(fsm("--what", NULL), EXIT_USAGE);
    assert_int_equal(fsm("operand", NULL), EXIT_USAGE);
    assert_string_equal(output, "wavehand fsm: 'operand': nothing is expected after the options\n");
}

static void help(void **state)
{
    (void)state;
    assert_int_equal(fsm("--help", NULL), 0);
    assert_string_equal(output, fsm_help);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(three_forms),
        cmocka_unit_test(a_state_in_any_case),
        cmocka_unit_test(wrong_usage),
        cmocka_unit_test(help),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
