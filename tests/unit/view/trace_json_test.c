/* SPDX-License-Identifier: MIT */
/* Each line is read back by a JSON parser and compared with docs/trace.md field by field. */
#define _GNU_SOURCE
#include "view/trace_json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "talk.h"

static const struct talk talk = { .port = 40122 };
static char *line;
static size_t line_size;
static FILE *out;
static json_t *event;

static void begin(void) { out = open_memstream(&line, &line_size); }

static void parse(void)
{
    fclose(out);
    assert_int_equal(line[strlen(line) - 1], '\n');
    assert_ptr_equal(strchr(line, '\n'), line + strlen(line) - 1);
    json_decref(event);
    event = json_loads(line, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(event);
    free(line);
}

static int release(void **state)
{
    (void)state;
    json_decref(event);
    event = NULL;
    return 0;
}

static const char *string(const char *key)
{
    return json_string_value(json_object_get(event, key));
}
static json_int_t integer(const char *key)
{
    return json_integer_value(json_object_get(event, key));
}

static void first_line(void **state)
{
    (void)state;
    begin();
    assert_true(trace_json_begin(out, "program", "wavehand", 1700000000000000000));
    parse();
    assert_string_equal(string("event"), "begin");
    assert_int_equal(integer("version"), TRACE_JSON_VERSION);
    assert_string_equal(string("left"), "program");
    assert_string_equal(string("right"), "wavehand");
    assert_int_equal(integer("wall"), 1700000000000000000);
}

static void segment_in(void **state)
{
    (void)state;
    wh_trace_record record = talk_segment(&talk, WH_TRACE_IN, 5 * WH_SECOND, WH_LISTEN,
                                          WH_SYN_RECEIVED, WH_SYN, 0, 0, 0);
    record.frame = 7;
    record.arc = WH_ON_GOT_SYN;
    record.tsval = 99;
    record.options |= WH_HAS_FAST_OPEN;
    begin();
    assert_true(trace_json_record(out, "wavehand", &record, 2 * WH_SECOND));
    parse();
    assert_string_equal(string("event"), "in");
    assert_int_equal(integer("time"), 3 * WH_SECOND);
    assert_string_equal(string("end"), "wavehand");
    assert_int_equal(integer("frame"), 7);
    assert_string_equal(string("local"), "10.0.2.2:80");
    assert_string_equal(string("remote"), "10.0.2.100:40122");
    assert_string_equal(string("before"), "LISTEN");
    assert_string_equal(string("after"), "SYN-RECEIVED");
    assert_string_equal(string("arc"), "SYN received");
    assert_null(string("reason"));
    assert_int_equal(json_array_size(json_object_get(event, "flags")), 1);
    assert_int_equal(integer("seq"), 1000);
    assert_null(json_object_get(event, "ack"));
    assert_int_equal(integer("length"), 0);
    assert_int_equal(integer("window"), 65535);
    assert_int_equal(integer("hops"), 64);
    json_t *options = json_object_get(event, "options");
    assert_int_equal(json_integer_value(json_object_get(options, "mss")), 1460);
    assert_int_equal(json_integer_value(json_object_get(options, "window_scale")), 7);
    assert_true(json_is_true(json_object_get(options, "sack_permitted")));
    assert_true(json_is_true(json_object_get(options, "fast_open")));
    assert_int_equal(json_integer_value(json_array_get(json_object_get(options, "timestamps"), 0)),
                     99);
}

static void segment_out_with_a_reason(void **state)
{
    (void)state;
    wh_trace_record record = talk_segment(&talk, WH_TRACE_OUT, 0, WH_ESTABLISHED, WH_ESTABLISHED,
                                          WH_ACK | WH_PSH, 1, 5, 3000);
    record.reason = WH_WHY_RETRANSMIT_FAST;
    record.segment_size = 1448;
    record.options = WH_HAS_SACK;
    record.sacks = 1;
    record.sack[0].left = 3;
    record.sack[0].right = 4000000000;
    begin();
    assert_true(trace_json_record(out, "wavehand", &record, 0));
    parse();
    assert_string_equal(string("event"), "out");
    assert_string_equal(string("reason"), "RETRANSMIT_FAST");
    assert_string_equal(string("why"), "fast retransmit");
    assert_string_equal(string("source"), "RFC 6675 5");
    assert_int_equal(integer("ack"), 1005);
    assert_int_equal(integer("segment_size"), 1448);
    json_t *sack = json_object_get(json_object_get(event, "options"), "sack");
    assert_int_equal(json_integer_value(json_array_get(json_array_get(sack, 0), 1)), 4000000000);
}

static void step_and_drop(void **state)
{
    (void)state;
    wh_trace_record record =
        talk_step(&talk, 0, WH_ESTABLISHED, WH_ON_CLOSE, WH_WHY_BY_APPLICATION);
    begin();
    assert_true(trace_json_record(out, "wavehand", &record, 0));
    parse();
    assert_string_equal(string("event"), "state");
    assert_string_equal(string("arc"), "close");
    assert_null(json_object_get(event, "seq"));
    record = (wh_trace_record){ .kind = WH_TRACE_DROP, .reason = WH_WHY_IP_VERSION, .frame = 3 };
    begin();
    assert_true(trace_json_record(out, "wavehand", &record, 0));
    parse();
    assert_string_equal(string("event"), "drop");
    assert_string_equal(string("reason"), "IP_VERSION");
    assert_null(json_object_get(event, "local"));
}

static void a_sender(void **state)
{
    (void)state;
    wh_trace_record record = talk_record(&talk, WH_TRACE_SENDER, 9, WH_ESTABLISHED, WH_ESTABLISHED);
    record.sender = (wh_sender){ .min_rtt = WH_NEVER,
                                 .rto = WH_SECOND,
                                 .cwnd = 14480,
                                 .ssthresh = UINT32_MAX,
                                 .in_flight = 1448,
                                 .lost = 7,
                                 .sacked = 8,
                                 .mss = 1448,
                                 .snd_una = 4000000000,
                                 .snd_nxt = 4000001448,
                                 .window_edge = 33000,
                                 .recovery = WH_RECOVERY_FAST };
    begin();
    assert_true(trace_json_record(out, "wavehand", &record, 0));
    parse();
    assert_string_equal(string("event"), "sender");
    assert_int_equal(integer("time"), 9);
    assert_string_equal(string("remote"), "10.0.2.100:40122");
    assert_null(json_object_get(event, "before"));
    assert_null(json_object_get(event, "frame"));
    assert_null(json_object_get(event, "seq"));
    assert_int_equal(integer("rto"), WH_SECOND);
    assert_int_equal(integer("cwnd"), 14480);
    assert_int_equal(integer("in_flight"), 1448);
    assert_int_equal(integer("mss"), 1448);
    assert_int_equal(integer("lost"), 7);
    assert_int_equal(integer("sacked"), 8);
    assert_int_equal(integer("snd_una"), 4000000000);
    assert_int_equal(integer("snd_nxt"), 4000001448);
    assert_int_equal(integer("window_edge"), 33000);
    assert_string_equal(string("recovery"), "recovery");
    const char *unknown[] = { "srtt",     "rttvar",      "min_rtt",
                              "ssthresh", "pacing_rate", "delivery_rate" };
    for (size_t i = 0; i < sizeof unknown / sizeof unknown[0]; i++) {
        assert_null(json_object_get(event, unknown[i]));
    }

    record.sender.srtt = 20, record.sender.rttvar = 5, record.sender.min_rtt = 18;
    record.sender.ssthresh = 2896, record.sender.pacing_rate = 3, record.sender.delivery_rate = 4;
    begin();
    assert_true(trace_json_record(out, "wavehand", &record, 0));
    parse();
    assert_int_equal(integer("srtt"), 20);
    assert_int_equal(integer("rttvar"), 5);
    assert_int_equal(integer("min_rtt"), 18);
    assert_int_equal(integer("ssthresh"), 2896);
    assert_int_equal(integer("pacing_rate"), 3);
    assert_int_equal(integer("delivery_rate"), 4);
}

static void path_and_lost(void **state)
{
    (void)state;
    wh_path_note note = { .time = WH_SECOND,
                          .direction = WH_B_TO_A,
                          .reason = WH_WHY_FAULT_DROP,
                          .seq = 17,
                          .flags = WH_FIN | WH_ACK,
                          .source = { wh_ipv4(10, 0, 2, 2), 80 },
                          .destination = { wh_ipv4(10, 0, 2, 100), 40122 } };
    begin();
    assert_true(trace_json_note(out, &note, 0));
    parse();
    assert_string_equal(string("event"), "path");
    assert_string_equal(string("direction"), "left");
    assert_string_equal(string("from"), "10.0.2.2:80");
    assert_string_equal(string("to"), "10.0.2.100:40122");
    assert_string_equal(string("reason"), "FAULT_DROP");
    begin();
    assert_true(trace_json_lost(out, "wavehand", 12));
    parse();
    assert_string_equal(string("event"), "lost");
    assert_int_equal(integer("records"), 12);
}

static void full_disk_is_told(void **state)
{
    (void)state;
    FILE *full = fopen("/dev/full", "w");
    if (full == NULL) {
        skip();
    }
    setvbuf(full, NULL, _IONBF, 0);
    assert_false(trace_json_begin(full, "a", "b", 0));
    fclose(full);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(first_line, release),
        cmocka_unit_test_teardown(segment_in, release),
        cmocka_unit_test_teardown(segment_out_with_a_reason, release),
        cmocka_unit_test_teardown(step_and_drop, release),
        cmocka_unit_test_teardown(a_sender, release),
        cmocka_unit_test_teardown(path_and_lost, release),
        cmocka_unit_test_teardown(full_disk_is_told, release),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
