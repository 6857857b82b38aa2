/* SPDX-License-Identifier: MIT */
/*
 * The bench ends at the first byte that is not what it should be, even where the
 * checksum is right: two words that have changed places, a byte with a checksum to fit.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "bench/bench.h"

enum { HEADERS = 52 }; /* IPv4, TCP with timestamps */

static char output[4096], errors[4096];

/* A run of one short round; its text goes to output and errors. */
static int run(const char *only, void (*spoil)(struct world *, uint8_t *, size_t))
{
    struct bench_plan plan;
    FILE *out = tmpfile(), *err = tmpfile();
    assert_non_null(out);
    assert_non_null(err);
    bench_plan_init(&plan);
    plan.quick = true;
    plan.rounds = 1;
    plan.seconds = 0.001;
    plan.only = only;
    plan.spoil = spoil;
    int result = bench_run(&plan, out, err);
    rewind(out);
    rewind(err);
    output[fread(output, 1, sizeof output - 1, out)] = '\0';
    errors[fread(errors, 1, sizeof errors - 1, err)] = '\0';
    fclose(out);
    fclose(err);
    return result;
}

/* The last two words of a segment with data change places: no checksum sees it. */
static void swap_words(struct world *world, uint8_t *frame, size_t length)
{
    (void)world;
    if (length >= HEADERS + 64) {
        uint8_t *at = frame + HEADERS + 60;
        uint16_t first = get16(at);
        put16(at, get16(at + 2));
        put16(at + 2, first);
    }
}

/* The one byte of a segment changes, and the checksum with it (RFC 1624). */
static void change_byte(struct world *world, uint8_t *frame, size_t length)
{
    (void)world;
    if (length == HEADERS + 1) {
        uint8_t *byte = frame + HEADERS, *field = frame + 20 + 16;
        uint32_t old = (uint32_t)*byte << 8;
        *byte ^= 0x55;
        uint32_t sum =
            (~(uint32_t)get16(field) & 0xffff) + (~old & 0xffff) + ((uint32_t)*byte << 8);
        sum = (sum & 0xffff) + (sum >> 16);
        sum = (sum & 0xffff) + (sum >> 16);
        put16(field, ~sum & 0xffff);
    }
}

static void all_is_well(void **state)
{
    (void)state;
    assert_int_equal(run("bulk*,lifecycle_1,lifecycle_100,round_trips", NULL), 0);
    assert_non_null(strstr(output, "core.bulk_1500.wavehand "));
    assert_non_null(strstr(output, "core.lifecycle_1.wavehand "));
    assert_non_null(strstr(output, "core.round_trips.wavehand "));
    assert_null(strstr(output, "10k"));
    assert_null(strstr(errors, ": "));
}

static void words_out_of_place_end_it(void **state)
{
    static const char *const rows[] = { "bulk_1500", "bulk_9000", "bulk_super" };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(run(rows[i], swap_words), -1);
        assert_string_equal(output, "");
        assert_non_null(strstr(errors, "what arrived is not what was sent"));
    }
    assert_int_equal(run("round_trips", swap_words), -1);
    assert_non_null(strstr(errors, "what arrived is not what was sent"));
}

/* Server and client look at the same bytes in turn: what was right there may be wrong here. */
static void spoil_answers(struct world *world, uint8_t *frame, size_t length)
{
    if (frame[15] == 254) { /* 10.255.255.254, the server, is the source */
        swap_words(world, frame, length);
    }
}

static void a_wrong_answer_ends_it(void **state)
{
    (void)state;
    assert_int_equal(run("round_trips", spoil_answers), -1);
    assert_non_null(strstr(errors, "the answer is not what was said"));
    assert_int_equal(run("lifecycle_100", change_byte), 0); /* twice changed is as it was */
}

static void change_answer(struct world *world, uint8_t *frame, size_t length)
{
    if (frame[15] == 254) {
        change_byte(world, frame, length);
    }
}

static void a_wrong_byte_ends_a_life(void **state)
{
    (void)state;
    assert_int_equal(run("lifecycle_1", change_answer), -1);
    assert_string_equal(errors, "wavehand bench: lifecycle_1: the answer is not what was said\n");
}

static void names(void **state)
{
    struct bench_plan plan;
    (void)state;
    bench_plan_init(&plan);
    assert_true(bench_named(&plan, "bulk_1500"));
    plan.only = "core.bulk_*,round_trips";
    assert_true(bench_named(&plan, "bulk_1500"));
    assert_true(bench_named(&plan, "round_trips"));
    assert_false(bench_named(&plan, "round_trips_10k_idle"));
    assert_false(bench_named(&plan, "lifecycle_1"));
    plan.only = "";
    assert_false(bench_named(&plan, "bulk_1500"));
}

static void nothing_measured_is_an_error(void **state)
{
    (void)state;
    assert_int_equal(run("no_such", NULL), -1);
    assert_non_null(strstr(errors, "no row is called 'no_such'"));
    assert_int_equal(run("ten_million", NULL), -1);
    assert_non_null(strstr(errors, "nothing was measured of 'ten_million'"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_is_well),
        cmocka_unit_test(words_out_of_place_end_it),
        cmocka_unit_test(a_wrong_answer_ends_it),
        cmocka_unit_test(a_wrong_byte_ends_a_life),
        cmocka_unit_test(names),
        cmocka_unit_test(nothing_measured_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
