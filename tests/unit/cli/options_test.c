/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "cli/options.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "caught.h"

static struct options options;
static char complaint[1024];
static int own_value;
static const char *own_argument;

static int take(void *context, int val, const char *argument)
{
    (void)context;
    own_value = val;
    own_argument = argument;
    return val == 2 ? -1 : 0;
}

static const struct option own[] = {
    { "mtu", required_argument, NULL, 1 },
    { "bad", no_argument, NULL, 2 },
    { 0 },
};

static int run_parse(int argc, char **argv)
{
    return options_parse(&options, "wavehand run", argc, argv, own, take, NULL);
}

/* Parses words (ended by NULL) and keeps the complaints. */
static int parse(const char *first, ...)
{
    char *argv[CAUGHT_WORDS];
    va_list list;
    va_start(list, first);
    int argc = caught_words(argv, "run", first, list);
    va_end(list);
    return caught_run(run_parse, argc, argv, complaint, sizeof complaint);
}

static int release(void **state)
{
    (void)state;
    options_free(&options);
    return 0;
}

static void operands_end_the_options(void **state)
{
    (void)state;
    assert_int_equal(parse("--pcap", "a.pcapng", "curl", "--seed", "x", NULL), 3);
    assert_string_equal(options.pcap, "a.pcapng");
    assert_int_equal(options.seed, 0);
    assert_string_equal(complaint, "");
    assert_int_equal(parse("--ascii", "--", "--odd-program", NULL), 3);
    assert_true(options.ascii);
    assert_int_equal(parse(NULL), 1);
}

static void faults_keep_their_order(void **state)
{
    (void)state;
    assert_int_equal(parse("--fault", "loss 5%", "--fault=delay 1ms", "x", NULL), 4);
    assert_int_equal(options.fault_count, 2);
    assert_string_equal(options.faults[0], "loss 5%");
    assert_string_equal(options.faults[1], "delay 1ms");
}

static void plots_are_of_one_connection(void **state)
{
    (void)state;
    assert_int_equal(parse("--plot", "a.svg", "x", NULL), 3);
    assert_string_equal(options.plot, "a.svg");
    assert_int_equal(options.plot_connection, 0);
    assert_int_equal(parse("--plot=a.svg", "--plot-connection", "12", "x", NULL), 4);
    assert_int_equal(options.plot_connection, 12);
    assert_int_equal(parse("--plot-connection", "0", NULL), OPTIONS_WRONG);
    assert_string_equal(complaint, "wavehand run: --plot-connection takes a whole number from 1 to "
                                   "4294967295, not '0'\n");
}

static void ladder_has_three_ways(void **state)
{
    (void)state;
    parse("x", NULL);
    assert_int_equal(options.ladder, LADDER_BY_TERMINAL);
    parse("--ladder", "x", NULL);
    assert_int_equal(options.ladder, LADDER_SHOWN);
    assert_null(options.ladder_file);
    parse("--ladder=file", "x", NULL);
    assert_string_equal(options.ladder_file, "file");
    parse("--ladder=file", "--no-ladder", "x", NULL);
    assert_int_equal(options.ladder, LADDER_HIDDEN);
}

static void own_options_are_passed_on(void **state)
{
    (void)state;
    assert_int_equal(parse("--mtu", "1500", "x", NULL), 3);
    assert_int_equal(own_value, 1);
    assert_string_equal(own_argument, "1500");
    assert_int_equal(parse("--bad", NULL), OPTIONS_WRONG);
}

static void complaints_are_one_line(void **state)
{
    (void)state;
    assert_int_equal(parse("--what", NULL), OPTIONS_WRONG);
    assert_string_equal(complaint,
                        "wavehand run: unknown option '--what'; try 'wavehand run --help'\n");
    assert_int_equal(parse("-x", NULL), OPTIONS_WRONG);
    assert_string_equal(complaint,
                        "wavehand run: unknown option '-x'; try 'wavehand run --help'\n");
    assert_int_equal(parse("--pcap", NULL), OPTIONS_WRONG);
    assert_string_equal(complaint,
                        "wavehand run: '--pcap' needs a value; try 'wavehand run --help'\n");
    assert_int_equal(parse("--ascii=yes", NULL), OPTIONS_WRONG);
    assert_string_equal(complaint,
                        "wavehand run: '--ascii' takes no value; try 'wavehand run --help'\n");
    assert_int_equal(parse("--seed", "many", NULL), OPTIONS_WRONG);
    assert_string_equal(complaint, "wavehand run: --seed takes a whole number from 1 to "
                                   "18446744073709551615, not 'many'\n");
    assert_int_equal(parse("--width", "79", NULL), OPTIONS_WRONG);
    assert_string_equal(complaint,
                        "wavehand run: --width takes a whole number from 80 to 1000, not '79'\n");
}

static void help_is_no_mistake(void **state)
{
    (void)state;
    assert_int_equal(parse("--help", NULL), OPTIONS_HELP);
    assert_int_equal(parse("-h", NULL), OPTIONS_HELP);
    assert_string_equal(complaint, "");
}

static void numbers_are_whole_and_in_range(void **state)
{
    (void)state;
    uint64_t number = 7;
    assert_true(options_number("c", "--n", "42", 0, 42, &number));
    assert_int_equal(number, 42);
    const char *wrong[] = { "", "43", "-1", "+1", " 1", "1x", "0x10", "99999999999999999999999" };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        fflush(stderr);
        int kept = dup(2);
        FILE *nowhere = tmpfile();
        dup2(fileno(nowhere), 2);
        assert_false(options_number("c", "--n", wrong[i], 0, 42, &number));
        dup2(kept, 2);
        close(kept);
        fclose(nowhere);
    }
    assert_int_equal(number, 42);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(operands_end_the_options, release),
        cmocka_unit_test_teardown(faults_keep_their_order, release),
        cmocka_unit_test_teardown(plots_are_of_one_connection, release),
        cmocka_unit_test_teardown(ladder_has_three_ways, release),
        cmocka_unit_test_teardown(own_options_are_passed_on, release),
        cmocka_unit_test_teardown(complaints_are_one_line, release),
        cmocka_unit_test_teardown(help_is_no_mistake, release),
        cmocka_unit_test(numbers_are_whole_and_in_range),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
