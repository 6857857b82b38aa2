/* SPDX-License-Identifier: MIT */
/* `wavehand demo`, whole: the commands that it is given, its exit status and what it writes. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "caught.h"
#include "cli/commands.h"

static char output[1 << 20]; /* standard output, then standard error */

static int demo(const char *first, ...)
{
    char *argv[CAUGHT_WORDS];
    va_list list;
    va_start(list, first);
    int argc = caught_words(argv, "demo", first, list);
    va_end(list);
    return caught_run(cmd_demo, argc, argv, output, sizeof output);
}

static void page_and_ladder(void **state)
{
    (void)state;
    assert_int_equal(demo("--ascii", "--width", "80", NULL), 0);
    assert_non_null(
        strstr(output, "SYN-SENT     -- SYN -- seq 0 ----------------------> SYN-RECEIVED\n"));
    assert_non_null(
        strstr(output, "ESTABLISHED  <------------ seq 0 ack 1 -- SYN+ACK -- SYN-RECEIVED\n"));
    assert_non_null(
        strstr(output, "ESTABLISHED  -- ACK -- seq 1 ack 1 ----------------> ESTABLISHED\n"));
    assert_non_null(strstr(output, "FIN-WAIT-1   -- FIN+ACK -- "));
    assert_non_null(strstr(output, "-- ACK -- CLOSE-WAIT\n"));
    assert_non_null(strstr(output, "-- FIN+ACK -- LAST-ACK\n"));
    assert_non_null(strstr(output, "> CLOSED\n"));
    assert_non_null(
        strstr(output, "closed in order after 90.0 ms: 54 bytes there, 16452 bytes back\n"));
    assert_non_null(strstr(output, "2MSL elapsed"));
    assert_non_null(
        strstr(output, "The page arrived whole (16384 bytes), the connection closed in order"));
}

static void same_seed_same_demo(void **state)
{
    (void)state;
    assert_int_equal(demo("--ascii", "--width=80", "--fault", "loss 10%", "--seed", "5", NULL), 0);
    char *first = strdup(output);
    assert_int_equal(demo("--ascii", "--width=80", "--fault", "loss 10%", "--seed", "5", NULL), 0);
    assert_string_equal(first, output);
    free(first);
}

static void other_sizes_and_families(void **state)
{
    (void)state;
    assert_int_equal(demo("--no-ladder", "--bytes", "0", NULL), 0);
    assert_int_equal(demo("--no-ladder", "--bytes", "1", "--ipv6", NULL), 0);
    assert_int_equal(demo("--no-ladder", "--bytes", "3000000", NULL), 0);
    assert_int_equal(demo("--ascii", "--width=80", "--ipv6", NULL), 0);
    assert_non_null(strstr(output, "server [fd00::2]:80\n"));
}

static void losses_are_survived(void **state)
{
    (void)state;
    static const char *const faults[] = {
        "drop syn 1",  "drop syn-ack 1", "drop ack-of-syn 1", "drop data 1",       "drop data 3",
        "drop fin 1",  "drop fin 2",     "drop ack-of-fin 1", "drop ack-of-fin 2", "duplicate 20%",
        "reorder 20%", "corrupt 5%",     "jitter 8ms",        "rate 1mbit",        "loss 10%",
    };
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        if (demo("--ascii", "--width=80", "--fault", faults[i], NULL) != 0) {
            fprintf(stderr, "--fault '%s':\n%s", faults[i], output);
            fail();
        }
    }
}

static void failure_is_told_and_counts(void **state)
{
    (void)state;
    assert_int_equal(demo("--ascii", "--width=80", "--fault", "refuse", NULL), EXIT_DEMO_FAILED);
    assert_non_null(strstr(output, "refused by server"));
    assert_non_null(strstr(output, "wavehand demo: the page did not arrive: connection refused\n"));
    assert_int_equal(demo("--ascii", "--width=80", "--fault", "reset after 4kb", NULL),
                     EXIT_DEMO_FAILED);
    assert_non_null(strstr(output, "connection reset by peer\n"));
}

/* Nothing is said: seven segments, and the states that they lead through. */
static void seven_segments(void **state)
{
    (void)state;
    assert_int_equal(demo("--ascii", "--width=80", "--silent", "--wait", "500", NULL), 0);
    assert_null(strstr(output, "bytes =="));
    assert_non_null(strstr(output, "0.130000  FIN-WAIT-1   -- FIN+ACK -- seq 1 ack 1 ------------> "
                                   "CLOSE-WAIT\n"));
    assert_non_null(strstr(output, "0.140000  FIN-WAIT-2   <---------------- seq 1 ack 2 -- ACK -- "
                                   "CLOSE-WAIT\n"));
    assert_non_null(strstr(output, "0.640000  TIME-WAIT    <------------ seq 1 ack 2 -- FIN+ACK -- "
                                   "LAST-ACK\n"));
    assert_non_null(strstr(output, "closed in order after 660 ms: 0 bytes there, 0 bytes back\n"));
    assert_non_null(strstr(output, "The connection closed in order, and after 60.6 s"));
}

/* The ACK that counts is the second one: it has a line, though it says what the first said. */
static void fin_acknowledged_again(void **state)
{
    (void)state;
    assert_int_equal(demo("--ascii", "--width=80", "--silent", "--wait", "1000", "--fault",
                          "drop ack-of-fin 1 from server", NULL),
                     0);
    assert_non_null(strstr(output, "0.360041  FIN-WAIT-2   <---------------- seq 1 ack 2 -- ACK -- "
                                   "CLOSE-WAIT\n"));
}

/* The other end closes before its host has acknowledged: one segment less. */
static void six_segments(void **state)
{
    (void)state;
    assert_int_equal(demo("--ascii", "--width=80", "--silent", "--wait", "0", NULL), 0);
    assert_null(strstr(output, "FIN-WAIT-2"));
    assert_non_null(strstr(output, "0.140000  TIME-WAIT    <------------ seq 1 ack 2 -- FIN+ACK -- "
                                   "LAST-ACK\n"));
}

static void whoever_closes_first_waits(void **state)
{
    (void)state;
    assert_int_equal(demo("--ascii", "--width=80", "--close", "server", NULL), 0);
    assert_non_null(strstr(output, "> TIME-WAIT\n"));
    assert_null(strstr(output, "  TIME-WAIT  "));
    assert_int_equal(demo("--ascii", "--width=80", "--silent", "--close", "both", NULL), 0);
    assert_non_null(strstr(output, "  CLOSING "));
    assert_non_null(strstr(output, "> CLOSING\n"));
    assert_non_null(strstr(output, "  TIME-WAIT "));
    assert_non_null(strstr(output, "> TIME-WAIT\n"));
}

static void both_open(void **state)
{
    (void)state;
    assert_int_equal(demo("--ascii", "--width=80", "--silent", "--open", "both", NULL), 0);
    assert_non_null(
        strstr(output, "  SYN-RECEIVED <---------------------- seq 0 -- SYN -- SYN-SENT"));
    assert_non_null(strstr(output, "> SYN-RECEIVED\n"));
    assert_null(strstr(output, "LISTEN"));
    assert_int_equal(demo("--no-ladder", "--open", "both", NULL), 0);
    assert_non_null(strstr(output, "The page arrived whole (16384 bytes)"));
}

static void one_end_resets(void **state)
{
    (void)state;
    assert_int_equal(demo("--ascii", "--width=80", "--silent", "--reset", "server", NULL), 0);
    assert_non_null(
        strstr(output, "CLOSED       <---------------------- seq 1 -- RST -- CLOSED\n"));
    assert_non_null(strstr(output, "The connection was reset, and after 140 ms"));
    assert_int_equal(demo("--no-ladder", "--reset", "client", NULL), 0);
    assert_non_null(
        strstr(output, "The page arrived whole (16384 bytes), the connection was reset"));
}

/* A lost RST leaves the other end in a half-open connection, which its FIN discovers. */
static void half_open_is_found_out(void **state)
{
    (void)state;
    assert_int_equal(demo("--ascii", "--width=80", "--silent", "--reset", "client", "--wait",
                          "2000", "--fault", "drop rst 1", NULL),
                     0);
    assert_non_null(strstr(output, "2.130000  CLOSED       <------------ seq 1 ack 1 -- FIN+ACK -- "
                                   "FIN-WAIT-1\n"));
    assert_int_equal(
        demo("--no-ladder", "--silent", "--reset", "client", "--fault", "drop rst 1", NULL),
        EXIT_DEMO_FAILED);
    assert_non_null(strstr(output, "wavehand demo: something was left behind"));
}

static void losses_without_a_page(void **state)
{
    (void)state;
    static const char *const closing[] = { "client", "server", "both" };
    static const char *const faults[] = { "drop syn 1", "drop syn-ack 1", "drop ack-of-syn 1",
                                          "drop fin 1", "drop fin 2",     "drop ack-of-fin 1",
                                          "loss 20%" };
    for (size_t c = 0; c < 3; c++) {
        for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
            if (demo("--silent", "--close", closing[c], "--open", c == 2 ? "both" : "client",
                     "--fault", faults[i], NULL) != 0) {
                fprintf(stderr, "--close %s --fault '%s':\n%s", closing[c], faults[i], output);
                fail();
            }
        }
    }
}

static void wrong_usage(void **state)
{
    (void)state;
    assert_int_equal(demo("--what", NULL), EXIT_USAGE);
    assert_int_equal(demo("operand", NULL), EXIT_USAGE);
    assert_string_equal(output,
                        "wavehand demo: 'operand': nothing is expected after the options\n");
    assert_int_equal(demo("--bytes", "-1", NULL), EXIT_USAGE);
    assert_int_equal(demo("--open", "server", NULL), EXIT_USAGE);
    assert_string_equal(output, "wavehand demo: --open takes client or both, not 'server'\n");
    assert_int_equal(demo("--close", "nobody", NULL), EXIT_USAGE);
    assert_string_equal(output,
                        "wavehand demo: --close takes client, server or both, not 'nobody'\n");
    assert_int_equal(demo("--reset", "both", NULL), EXIT_USAGE);
    assert_int_equal(demo("--wait", "5s", NULL), EXIT_USAGE);
    assert_int_equal(demo("--fault", "los 5%", NULL), EXIT_USAGE);
    assert_non_null(strstr(output, "wavehand demo: --fault 'los 5%': column 1"));
    assert_int_equal(demo("--pcap", "/no/such/place", NULL), EXIT_DEMO_FAILED);
    assert_int_equal(demo("--trace", "/no/such/place", NULL), EXIT_DEMO_FAILED);
    assert_non_null(
        strstr(output, "--trace: cannot write '/no/such/place': No such file or directory\n"));
}

static void full_disk_fails(void **state)
{
    (void)state;
    if (access("/dev/full", W_OK) != 0) {
        skip();
    }
    assert_int_equal(demo("--no-ladder", "--trace", "/dev/full", NULL), EXIT_DEMO_FAILED);
    assert_non_null(strstr(
        output, "--trace: '/dev/full' could not be written in full: No space left on device\n"));
    assert_int_equal(demo("--ladder=/dev/full", NULL), EXIT_DEMO_FAILED);
    assert_int_equal(demo("--no-ladder", "--pcap", "/dev/full", NULL), EXIT_DEMO_FAILED);
}

static void help(void **state)
{
    (void)state;
    assert_int_equal(demo("--help", NULL), 0);
    assert_string_equal(output, demo_help);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(page_and_ladder),
        cmocka_unit_test(same_seed_same_demo),
        cmocka_unit_test(other_sizes_and_families),
        cmocka_unit_test(losses_are_survived),
        cmocka_unit_test(failure_is_told_and_counts),
        cmocka_unit_test(seven_segments),
        cmocka_unit_test(fin_acknowledged_again),
        cmocka_unit_test(six_segments),
        cmocka_unit_test(whoever_closes_first_waits),
        cmocka_unit_test(both_open),
        cmocka_unit_test(one_end_resets),
        cmocka_unit_test(half_open_is_found_out),
        cmocka_unit_test(losses_without_a_page),
        cmocka_unit_test(wrong_usage),
        cmocka_unit_test(full_disk_fails),
        cmocka_unit_test(help),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
