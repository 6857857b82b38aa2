/* SPDX-License-Identifier: MIT */
#include "arena.h"

#include "tcp/protocol.h"

/* The table of RFC 9293 3.10.7.4 as it is written, in numbers that do not wrap. */
static bool by_the_table(int64_t rcv_nxt, int64_t window, int64_t seq, int64_t length)
{
    if (length == 0 && window == 0) {
        return seq == rcv_nxt;
    }
    bool begins = rcv_nxt <= seq && seq < rcv_nxt + window;
    bool ends = rcv_nxt <= seq + length - 1 && seq + length - 1 < rcv_nxt + window;
    if (length == 0) {
        return begins;
    }
    return window != 0 && (begins || ends);
}

static void acceptable_is_what_the_table_says(void **state)
{
    (void)state;
    static const int64_t place[] = { 100, 0x7fffffff, 0x80000003, 0xfffffffd, 0x100000000 };
    for (size_t i = 0; i < sizeof place / sizeof place[0]; i++) {
        for (int64_t window = 0; window < 6; window++) {
            for (int64_t length = 0; length < 8; length++) {
                for (int64_t at = -12; at <= 12; at++) {
                    int64_t seq = place[i] + at;
                    assert_int_equal(tcp_acceptable((uint32_t)place[i], (uint32_t)window,
                                                    (uint32_t)seq, (uint32_t)length),
                                     by_the_table(place[i], window, seq, length));
                }
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(acceptable_is_what_the_table_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
