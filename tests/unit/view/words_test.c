/* SPDX-License-Identifier: MIT */
#include "view/words.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static char words[WORDS];

static void flags(void **state)
{
    (void)state;
    assert_string_equal(words_flags(WH_SYN, words), "SYN");
    assert_string_equal(words_flags(WH_SYN | WH_ACK, words), "SYN+ACK");
    assert_string_equal(words_flags(WH_FIN | WH_ACK | WH_PSH, words), "FIN+ACK");
    assert_string_equal(words_flags(WH_PSH, words), "PSH");
    assert_string_equal(words_flags(0, words), "no flags");
    assert_string_equal(words_flags(0x1ff, words), "SYN+FIN+RST+ACK+URG+ECE+CWR+AE");
}

static void options(void **state)
{
    (void)state;
    wh_trace_record record = { .flags = WH_SYN,
                               .mss = 1460,
                               .window_scale = 7,
                               .options = WH_HAS_MSS | WH_HAS_WINDOW_SCALE | WH_HAS_SACK_PERMITTED |
                                          WH_HAS_TIMESTAMPS };
    assert_string_equal(words_options(&record, 0, words),
                        "mss 1460, window scale 7, sack ok, timestamps");
    record = (wh_trace_record){ .flags = WH_SYN, .options = WH_HAS_FAST_OPEN };
    assert_string_equal(words_options(&record, 0, words), "fast open");
    record = (wh_trace_record){ .options = WH_HAS_ACCECN };
    assert_string_equal(words_options(&record, 0, words), "no marks counted");
    record = (wh_trace_record){
        .options = WH_HAS_ACCECN, .accecn_fields = 2, .ee0b = 1, .eceb = 2, .ee1b = 3
    };
    assert_string_equal(words_options(&record, 0, words), "counted ECT(0) 1 marked 2");
    record.accecn_order = 1;
    assert_string_equal(words_options(&record, 0, words), "counted ECT(1) 3 marked 2");
    record = (wh_trace_record){ .flags = WH_ACK, .options = WH_HAS_TIMESTAMPS };
    assert_string_equal(words_options(&record, 0, words), "");
    record = (wh_trace_record){ .flags = WH_ACK,
                                .options = WH_HAS_SACK,
                                .sacks = 2,
                                .sack = { { 1449, 2897 }, { 4345, 5793 } } };
    assert_string_equal(words_options(&record, 1000, words), "sack 449-1897 3345-4793");
    record.sacks = 255; /* more than there can be */
    words_options(&record, 1000, words);
}

static void sizes(void **state)
{
    (void)state;
    assert_string_equal(words_bytes(0, words), "0 bytes");
    assert_string_equal(words_bytes(1, words), "1 byte");
    assert_string_equal(words_bytes(999999, words), "999999 bytes");
    assert_string_equal(words_bytes(1000000, words), "1.00 MB");
    assert_string_equal(words_bytes(123456789, words), "123.5 MB");
    assert_string_equal(words_bytes(1073741824, words), "1.07 GB");
    assert_string_equal(words_segments(1, words), "1 segment");
    assert_string_equal(words_segments(12, words), "12 segments");
}

static void durations(void **state)
{
    (void)state;
    assert_string_equal(words_duration(0, words), "0 us");
    assert_string_equal(words_duration(85 * WH_MICROSECOND, words), "85 us");
    assert_string_equal(words_duration(999600, words), "1.00 ms");
    assert_string_equal(words_duration(1520 * WH_MICROSECOND, words), "1.52 ms");
    assert_string_equal(words_duration(20 * WH_MILLISECOND, words), "20.0 ms");
    assert_string_equal(words_duration(999400 * WH_MICROSECOND, words), "999 ms");
    assert_string_equal(words_duration(3210 * WH_MILLISECOND, words), "3.21 s");
    assert_string_equal(words_duration(725 * WH_SECOND, words), "12 min 5 s");
}

static void seconds(void **state)
{
    (void)state;
    assert_string_equal(words_seconds(0, words), "0.000000");
    assert_string_equal(words_seconds(123 * WH_MICROSECOND, words), "0.000123");
    assert_string_equal(words_seconds(60145 * WH_MILLISECOND, words), "60.14500");
    assert_string_equal(words_seconds(86400 * WH_SECOND, words), "86400.00");
    assert_string_equal(words_seconds(12345678 * WH_SECOND, words), "12345678.00");
}

static void quiet_reasons(void **state)
{
    (void)state;
    assert_true(words_reason_quiet(WH_WHY_NONE));
    assert_true(words_reason_quiet(WH_WHY_BY_SEGMENT));
    assert_false(words_reason_quiet(WH_WHY_RETRANSMIT_TIMEOUT));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(flags),     cmocka_unit_test(options), cmocka_unit_test(sizes),
        cmocka_unit_test(durations), cmocka_unit_test(seconds), cmocka_unit_test(quiet_reasons),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
