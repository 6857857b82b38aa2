/* SPDX-License-Identifier: MIT */
/* Tests of the rig itself: the words of scripts, their lines, streams, checksums. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "rig/prelude.h"
#include "rig/rig.h"

static void durations_have_units(void **state)
{
    wh_time time;
    (void)state;
    assert_true(value_duration("1.5s", &time));
    assert_int_equal(time, 1500 * WH_MILLISECOND);
    assert_true(value_duration("2h", &time));
    assert_int_equal(time, 7200 * WH_SECOND);
    assert_true(value_duration("40ms", &time));
    assert_int_equal(time, 40 * WH_MILLISECOND);
    assert_false(value_duration("10", &time));
    assert_false(value_duration("s", &time));
    assert_false(value_duration("1.5sec", &time));
    assert_false(value_duration("-1s", &time));
}

static void sizes_and_numbers(void **state)
{
    uint64_t size;
    int64_t number;
    (void)state;
    assert_true(value_size("10mb", &size));
    assert_int_equal(size, 10000000);
    assert_true(value_size("64kib", &size));
    assert_int_equal(size, 65536);
    assert_true(value_number("0xFFFFFFFF", &number));
    assert_int_equal(number, 0xffffffff);
    assert_true(value_number("-3", &number));
    assert_int_equal(number, -3);
    assert_false(value_number("3x", &number));
}

static bool lookup(void *context, const char *name, size_t length, int64_t *out)
{
    (void)context, (void)length;
    *out = 100;
    return strcmp(name, "wnd") == 0;
}

static void expressions_add_and_multiply(void **state)
{
    int64_t out;
    (void)state;
    assert_true(value_expression("1+2*1460-wnd", lookup, NULL, &out));
    assert_int_equal(out, 1 + 2920 - 100);
    assert_true(value_expression("-1", lookup, NULL, &out));
    assert_int_equal(out, -1);
    assert_false(value_expression("1+", lookup, NULL, &out));
    assert_false(value_expression("unknown", lookup, NULL, &out));
    assert_false(value_expression("", lookup, NULL, &out));
}

static void flags_by_name(void **state)
{
    uint16_t without = 0;
    char text[48];
    (void)state;
    assert_int_equal(value_flags("SYN,ACK", NULL), WH_SYN | WH_ACK);
    assert_int_equal(value_flags("none", NULL), 0);
    assert_int_equal(value_flags("ACK,!PSH", &without), WH_ACK);
    assert_int_equal(without, WH_PSH);
    assert_int_equal(value_flags("ACK,!PSH", NULL), -1);
    assert_int_equal(value_flags("ACKS", NULL), -1);
    assert_string_equal(value_flags_text(WH_FIN | WH_ACK, text), "FIN,ACK");
}

static void hexadecimal_bytes(void **state)
{
    uint8_t out[4];
    (void)state;
    assert_int_equal(value_hex("0aFF", out, 4), 2);
    assert_int_equal(out[1], 0xff);
    assert_int_equal(value_hex("0a0", out, 4), -1);
    assert_int_equal(value_hex("0102030405", out, 4), -1);
}

static void a_file_becomes_scenarios(void **state)
{
    struct script script;
    (void)state;
    assert_true(script_parse(&script, "f",
                             "# comment\n"
                             "define twice\n    repeat 2\n        $1\n    end\nend\n"
                             "scenario H01 MUST-8 \"a title\"\n"
                             "    for A in x y\n    for B in 1 2 3\n"
                             "    send \"a \\\"b\\\" #c\\n\"  # not this\n"
                             "scenario H02 \"other\"\n    listen\n"));
    assert_int_equal(script.scenarios, 2);
    assert_int_equal(script.macros, 1);
    assert_int_equal(script_macro(&script, "twice")->lines, 3);
    assert_null(script_macro(&script, "thrice"));
    assert_string_equal(script.scenario[0].name, "H01 MUST-8");
    assert_int_equal(script_combinations(&script.scenario[0]), 6);
    assert_int_equal(script.scenario[0].lines, 1);
    assert_int_equal(script.scenario[0].line[0].words, 2);
    assert_string_equal(script.scenario[0].line[0].word[1], "\"a \"b\" #c\n");
    assert_int_equal(script.scenario[1].line[0].number, 12);
    script_free(&script);
}

static void wrong_files_are_refused_with_their_line(void **state)
{
    static const char *const wrong[] = {
        "listen\n",
        "scenario\n",
        "scenario H01\n",
        "define\n",
        "define a\nlisten\n",
        "scenario A \"b\"\n send \"x\n",
        "scenario A \"b\"\n listen\n for X in a\n",
        "scenario A \"b\"\n for X a\n",
    };
    struct script script;
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_false(script_parse(&script, "f", wrong[i]));
        assert_memory_equal(script.error, "f:", 2);
        script_free(&script);
    }
}

static const char *value_of(void *context, const char *name, size_t length)
{
    (void)context;
    return length == 1 && name[0] == '1'                 ? "one"
           : length == 4 && memcmp(name, "LONG", 4) == 0 ? ""
                                                         : NULL;
}

static void names_are_replaced(void **state)
{
    char out[16];
    (void)state;
    assert_true(script_substitute("a$1-$LONG-$X$", value_of, NULL, out, sizeof out));
    assert_string_equal(out, "aone--$X$");
    assert_false(script_substitute("$1$1$1$1$1$1", value_of, NULL, out, sizeof out));
}

static void misplaced_bytes_show(void **state)
{
    struct stream stream = { .salt = 1 };
    uint8_t bytes[2048];
    (void)state;
    stream_fill(&stream, 0, bytes, sizeof bytes);
    assert_int_equal(stream_differs(&stream, 0, bytes, sizeof bytes), UINT64_MAX);
    for (uint64_t shift = 1; shift < 1500; shift++)
        assert_true(stream_differs(&stream, shift, bytes, 256) != UINT64_MAX);
    assert_true(stream_lay(&stream, 10, "hello", 5));
    stream_fill(&stream, 8, bytes, 16);
    assert_memory_equal(bytes + 2, "hello", 5);
    bytes[9] ^= 1;
    assert_int_equal(stream_differs(&stream, 8, bytes, 16), 17);
    stream_clear(&stream);
}

static void checksums_by_hand(void **state)
{
    /* The example of RFC 1071, section 3: 00 01 f2 03 f4 f5 f6 f7 sums to ddf2. */
    static const uint8_t bytes[] = { 0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7 };
    (void)state;
    assert_int_equal(packet_fold(packet_sum(bytes, sizeof bytes, 0)), 0xddf2);
    assert_int_equal(packet_fold(packet_sum(bytes, 3, 0)), 0x0001 + 0xf200);
}

static void conditions_compare(void **state)
{
    static struct wh_rig rig;
    struct condition condition;
    static struct flow flow;
    rig.at = &flow;
    (void)state;
    assert_true(condition_parse(&rig, &condition, ">=10"));
    assert_true(condition_holds(&condition, 10));
    assert_false(condition_holds(&condition, 9));
    assert_true(condition_parse(&rig, &condition, "<10"));
    assert_false(condition_holds(&condition, 10));
    assert_true(condition_parse(&rig, &condition, "7"));
    assert_true(condition_holds(&condition, 7));
    assert_false(condition_parse(&rig, &condition, ">>1"));
}

static void the_prelude_is_sound(void **state)
{
    struct script script;
    (void)state;
    assert_true(script_parse(&script, "prelude", prelude_text));
    for (int s = WH_LISTEN; s < WH_STATE_COUNT; s++) {
        char name[64] = "reach:";
        assert_non_null(script_macro(&script, strcat(name, wh_state_name((wh_state)s))));
    }
    script_free(&script);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(durations_have_units),
        cmocka_unit_test(sizes_and_numbers),
        cmocka_unit_test(expressions_add_and_multiply),
        cmocka_unit_test(flags_by_name),
        cmocka_unit_test(hexadecimal_bytes),
        cmocka_unit_test(a_file_becomes_scenarios),
        cmocka_unit_test(wrong_files_are_refused_with_their_line),
        cmocka_unit_test(names_are_replaced),
        cmocka_unit_test(misplaced_bytes_show),
        cmocka_unit_test(checksums_by_hand),
        cmocka_unit_test(conditions_compare),
        cmocka_unit_test(the_prelude_is_sound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
