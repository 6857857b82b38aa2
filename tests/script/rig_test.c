/* SPDX-License-Identifier: MIT */
/* Tests of the rig itself: the words of scripts, their lines, streams, checksums, how failures look. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
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

/* -------------------------------------------------- whole runs of a text -- */

/* What running the text prints; the caller frees it. */
static char *output_of(const char *text, const wh_rig_program *program, wh_rig_tally *tally)
{
    char *bytes = NULL;
    size_t length = 0;
    wh_rig_options options;
    wh_rig_options_init(&options);
    options.out = open_memstream(&bytes, &length);
    options.ascii = true;
    assert_non_null(options.out);
    memset(tally, 0, sizeof *tally);
    wh_rig_run("text", text, program, &options, tally);
    fclose(options.out);
    return bytes;
}

static void assert_shows(const char *output, const char *line)
{
    if (strstr(output, line) == NULL)
        fail_msg("`%s` is not in:\n%s", line, output);
}

static void a_failure_is_a_ladder_with_the_expected_line_marked(void **state)
{
    wh_rig_tally tally;
    (void)state;
    char *output = output_of("scenario X \"x\"\n"
                             "    family 4\n    numbers plain\n"
                             "    listen\n"
                             "    <-- SYN mss 1460\n"
                             "    --> SYN,ACK ack 7\n",
                             NULL, &tally);
    assert_int_equal(tally.failed, 1);
    assert_shows(output, "not ok 1 - X x (IPv4)\n# text:6: --> SYN,ACK ack 7\n");
    assert_shows(output, "#   #1   0.000000  LISTEN        listen");
    assert_shows(output, "#   #1   0.000000  SYN-RECEIVED <-- seq 0, win 65535 mss 1460");
    assert_shows(output, "# > #1   0.000000  SYN-RECEIVED -- SYN,ACK -- ack 7 -");
    assert_shows(output, "# >                             ` expected: --> SYN,ACK ack 7\n");
    assert_shows(output, "> unexpected\n");
    assert_shows(output, "# >    6      --> SYN,ACK ack 7\n");
    free(output);
}

static void what_leaves_at_the_end_is_marked_too(void **state)
{
    wh_rig_tally tally;
    (void)state;
    char *output = output_of("scenario X \"x\"\n    family 6\n    numbers plain\n"
                             "    <-- ACK seq 5 ack 9\n",
                             NULL, &tally);
    assert_int_equal(tally.failed, 1);
    assert_shows(output, "# text:1: at the end of the scenario\n");
    assert_shows(output, "the end\n# > #1   0.000000  CLOSED       -- RST -- ");
    free(output);
}

static void quiet_tells_failures_alone(void **state)
{
    wh_rig_options options;
    wh_rig_tally tally = { 0, 0 };
    char *bytes = NULL;
    size_t length = 0;
    (void)state;
    wh_rig_options_init(&options);
    options.out = open_memstream(&bytes, &length);
    options.quiet = true;
    assert_true(wh_rig_run("text", "scenario X \"x\"\n    listen\n", NULL, &options, &tally));
    fclose(options.out);
    assert_int_equal(tally.passed, 8);
    assert_int_equal(length, 0);
    free(bytes);
}

static void what_is_no_script_bails_out(void **state)
{
    wh_rig_tally tally;
    (void)state;
    char *output = output_of("listen\n", NULL, &tally);
    assert_int_equal(tally.passed + tally.failed, 0);
    assert_shows(output, "Bail out! text:1");
    free(output);
}

/* A program that greets whoever connects, and does not always say the same. */
struct greeter {
    wh_listener *listener;
    wh_conn *conn;
    wh_time again;
};

static void *greeter_begin(void *user, wh_rig *rig, wh_stack *host, wh_time now)
{
    static struct greeter greeter;
    wh_listen_options options;
    (void)user, (void)now;
    wh_listen_options_init(&options);
    options.local.port = 80;
    memset(&greeter, 0, sizeof greeter);
    greeter.again = WH_NEVER;
    if (wh_listen(host, &options, &greeter.listener) < 0)
        wh_rig_fail(rig, "cannot listen");
    return &greeter;
}

static void greeter_serve(void *at, wh_stack *host, wh_time now)
{
    struct greeter *greeter = at;
    wh_event event[4];
    size_t n = wh_events(host, event, 4);
    for (size_t i = 0; i < n; i++)
        if ((event[i].ready & WH_ACCEPTABLE) &&
            wh_accept(greeter->listener, greeter, &greeter->conn) >= 0) {
            wh_send(greeter->conn, "hello", 5, 0);
            greeter->again = now + WH_SECOND;
        }
    if (greeter->again <= now) {
        wh_send(greeter->conn, "again", 5, 0);
        greeter->again = WH_NEVER;
    }
}

static wh_time greeter_wake(void *at) { return ((struct greeter *)at)->again; }

static bool greeter_statement(void *at, wh_rig *rig, char *const *word, unsigned words)
{
    struct greeter *greeter = at;
    if (strcmp(word[0], "greet") != 0)
        return false;
    if (words != 2)
        wh_rig_fail(rig, "expected: greet TEXT");
    else
        wh_send(greeter->conn, word[1] + 1, strlen(word[1]) - 1, 0);
    return true;
}

static void greeter_end(void *at, wh_stack *host)
{
    struct greeter *greeter = at;
    (void)host;
    if (greeter->conn != NULL)
        wh_abort(greeter->conn);
    wh_listener_close(greeter->listener);
}

static const wh_rig_program greeter = {
    .size = sizeof greeter,
    .begin = greeter_begin,
    .serve = greeter_serve,
    .wake = greeter_wake,
    .statement = greeter_statement,
    .end = greeter_end,
};

#define GREETED                                                                                    \
    "    <-- SYN mss 1460\n    --> SYN,ACK\n    <-- ACK\n"                                         \
    "    --> ACK \"hello\"\n    <-- ACK\n    +1s --> ACK \"again\"\n    <-- ACK\n"

static void a_program_takes_the_applications_place(void **state)
{
    wh_rig_tally tally;
    (void)state;
    char *output = output_of("scenario X \"x\"\n" GREETED "    greet \"you\"\n    --> ACK \"you\"\n"
                             "    <-- ACK\n    info snd.una 14\n",
                             &greeter, &tally);
    assert_int_equal(tally.passed, 8);
    assert_int_equal(tally.failed, 0);
    free(output);
    output = output_of("scenario X \"x\"\n" GREETED "    greet\n", &greeter, &tally);
    assert_int_equal(tally.failed, 8);
    assert_shows(output, "#   expected: greet TEXT\n");
    free(output);
    output = output_of("scenario X \"x\"\n" GREETED "    dance\n", &greeter, &tally);
    assert_int_equal(tally.failed, 8);
    assert_shows(output, "#   `dance` is no statement\n");
    free(output);
}

static void a_programs_bytes_are_learned(void **state)
{
    struct stream stream = { .salt = 1 };
    (void)state;
    assert_true(stream_learn(&stream, 0, (const uint8_t *)"abcd", 4));
    assert_true(stream_learn(&stream, 2, (const uint8_t *)"cdef", 4));
    assert_true(stream_learn(&stream, 0, (const uint8_t *)"abcdef", 6));
    assert_false(stream_learn(&stream, 4, (const uint8_t *)"xf", 2));
    assert_false(stream_learn(&stream, 7, (const uint8_t *)"h", 1)); /* a hole */
    stream_clear(&stream);
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
        cmocka_unit_test(a_failure_is_a_ladder_with_the_expected_line_marked),
        cmocka_unit_test(what_leaves_at_the_end_is_marked_too),
        cmocka_unit_test(quiet_tells_failures_alone),
        cmocka_unit_test(what_is_no_script_bails_out),
        cmocka_unit_test(a_program_takes_the_applications_place),
        cmocka_unit_test(a_programs_bytes_are_learned),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
