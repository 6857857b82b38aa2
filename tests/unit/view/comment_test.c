/* SPDX-License-Identifier: MIT */
#include "view/comment.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "talk.h"

static char text[COMMENT_TEXT];
static const struct talk talk = { .port = 40122 };

static void arc_and_event(void **state)
{
    (void)state;
    wh_trace_record record =
        talk_segment(&talk, WH_TRACE_IN, 0, WH_SYN_SENT, WH_ESTABLISHED, WH_SYN | WH_ACK, 0, 1, 0);
    record.arc = WH_ON_GOT_SYN_ACK;
    assert_string_equal(comment_text(&record, text), "SYN-SENT -> ESTABLISHED on SYN,ACK received");
    record.arc = WH_ON_NOTHING;
    assert_string_equal(comment_text(&record, text), "SYN-SENT -> ESTABLISHED");
}

static void state_alone(void **state)
{
    (void)state;
    wh_trace_record record =
        talk_segment(&talk, WH_TRACE_OUT, 0, WH_ESTABLISHED, WH_ESTABLISHED, WH_ACK, 1, 1, 9);
    assert_string_equal(comment_text(&record, text), "ESTABLISHED");
}

static void reason_and_its_source(void **state)
{
    (void)state;
    wh_trace_record record =
        talk_segment(&talk, WH_TRACE_OUT, 0, WH_ESTABLISHED, WH_ESTABLISHED, WH_ACK, 1, 1, 9);
    record.reason = WH_WHY_RETRANSMIT_TIMEOUT;
    assert_string_equal(comment_text(&record, text),
                        "ESTABLISHED; retransmission timeout [RFC 6298 5]");
    record.reason = WH_WHY_FAULT_LOSS;
    assert_string_equal(comment_text(&record, text), "ESTABLISHED; lost by the simulated path");
    record.kind = WH_TRACE_DROP;
    record.reason = WH_WHY_TCP_CHECKSUM;
    assert_string_equal(comment_text(&record, text), "dropped: TCP checksum wrong [RFC 9293 3.1]");
}

static void every_record_fits(void **state)
{
    (void)state;
    for (unsigned reason = 0; reason < WH_REASON_COUNT; reason++) {
        wh_trace_record record =
            talk_record(&talk, WH_TRACE_IN, 0, WH_SYN_RECEIVED, WH_ESTABLISHED);
        record.arc = WH_ON_GOT_RST_PASSIVE; /* the longest */
        record.reason = (uint16_t)reason;
        assert_true(strlen(comment_text(&record, text)) < COMMENT_TEXT - 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arc_and_event),
        cmocka_unit_test(state_alone),
        cmocka_unit_test(reason_and_its_source),
        cmocka_unit_test(every_record_fits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
