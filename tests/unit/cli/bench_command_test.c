/* SPDX-License-Identifier: MIT */
/* `wavehand bench`: its options, its exit status and what it complains about. */
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

static int bench(const char *first, ...)
{
    char *argv[CAUGHT_WORDS];
    va_list list;
    va_start(list, first);
    int argc = caught_words(argv, "bench", first, list);
    va_end(list);
    return caught_run(cmd_bench, argc, argv, output, sizeof output);
}

static unsigned lines(void)
{
    unsigned n = 0;
    for (const char *at = output; (at = strchr(at, '\n')) != NULL; at++) {
        n++;
    }
    return n;
}

static void a_row_by_name(void **state)
{
    (void)state;
    assert_int_equal(
        bench("--quick", "--rounds", "2", "--seconds", "0.001", "--only", "round_trips", NULL), 0);
    assert_int_equal(strncmp(output, "core.round_trips.wavehand ", 26), 0);
    assert_int_equal(lines(), 1);
}

static void the_scalar_checksum_has_names_of_its_own(void **state)
{
    (void)state;
    assert_int_equal(bench("--checksum=scalar", "--json", "--quick", "--rounds=1",
                           "--seconds=0.001", "--only=bulk_1500", NULL),
                     0);
    assert_non_null(strstr(output, "\"core.bulk_1500.wavehand_scalar\""));
    assert_non_null(strstr(output, "\"checksum\": \"portable\""));
}

static void a_list(void **state)
{
    (void)state;
    assert_int_equal(bench("--list", NULL), 0);
    assert_int_equal(strncmp(output, "bulk_1500 ", 10), 0);
    assert_non_null(strstr(output, "\nten_million "));
}

static void wrong_usage(void **state)
{
    (void)state;
    assert_int_equal(bench("--rounds", "0", NULL), EXIT_USAGE);
    assert_string_equal(output,
                        "wavehand bench: --rounds takes a whole number from 1 to 99, not '0'\n");
    assert_int_equal(bench("--rounds", "100", NULL), EXIT_USAGE);
    assert_int_equal(bench("--seconds", "nan", NULL), EXIT_USAGE);
    assert_string_equal(output,
                        "wavehand bench: --seconds takes a number from 0.001 to 3600, not 'nan'\n");
    assert_int_equal(bench("--seconds", "0", NULL), EXIT_USAGE);
    assert_int_equal(bench("--seconds", "1s", NULL), EXIT_USAGE);
    assert_int_equal(bench("--checksum", "fast", NULL), EXIT_USAGE);
    assert_string_equal(output, "wavehand bench: --checksum is 'scalar' or 'best', not 'fast'\n");
    assert_int_equal(bench("--quick", "--full", NULL), EXIT_USAGE);
    assert_int_equal(bench("--only", NULL), EXIT_USAGE);
    assert_string_equal(
        output, "wavehand bench: option '--only' needs a value; try 'wavehand bench --help'\n");
    assert_int_equal(bench("--what", NULL), EXIT_USAGE);
    assert_int_equal(bench("operand", NULL), EXIT_USAGE);
}

static void nothing_to_measure(void **state)
{
    (void)state;
    assert_int_equal(bench("--only", "bulk", NULL), EXIT_BENCH_FAILED);
    assert_non_null(strstr(output, "no row is called 'bulk'"));
}

static void help(void **state)
{
    (void)state;
    assert_int_equal(bench("--help", NULL), 0);
    assert_string_equal(output, bench_help);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_row_by_name),
        cmocka_unit_test(the_scalar_checksum_has_names_of_its_own),
        cmocka_unit_test(a_list),
        cmocka_unit_test(wrong_usage),
        cmocka_unit_test(nothing_to_measure),
        cmocka_unit_test(help),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
