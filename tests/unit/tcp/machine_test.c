/* SPDX-License-Identifier: MIT */
/* Every arc of RFC 9293, figure 5, written out once more from the figure and section 3.10, and no other. */
#include "arena.h"

#include "tcp/machine.h"

struct expected {
    wh_state from;
    wh_arc_event event;
    wh_state to;
};

static const struct expected figure[] = {
    /* figure 5 */
    { WH_CLOSED, WH_ON_PASSIVE_OPEN, WH_LISTEN },
    { WH_CLOSED, WH_ON_ACTIVE_OPEN, WH_SYN_SENT },
    { WH_LISTEN, WH_ON_CLOSE, WH_CLOSED },
    { WH_LISTEN, WH_ON_GOT_SYN, WH_SYN_RECEIVED },
    { WH_SYN_SENT, WH_ON_CLOSE, WH_CLOSED },
    { WH_SYN_SENT, WH_ON_GOT_SYN, WH_SYN_RECEIVED },
    { WH_SYN_SENT, WH_ON_GOT_SYN_ACK, WH_ESTABLISHED },
    { WH_SYN_RECEIVED, WH_ON_SYN_ACKED, WH_ESTABLISHED },
    { WH_SYN_RECEIVED, WH_ON_CLOSE, WH_FIN_WAIT_1 },
    { WH_ESTABLISHED, WH_ON_CLOSE, WH_FIN_WAIT_1 },
    { WH_ESTABLISHED, WH_ON_GOT_FIN, WH_CLOSE_WAIT },
    { WH_FIN_WAIT_1, WH_ON_FIN_ACKED, WH_FIN_WAIT_2 },
    { WH_FIN_WAIT_1, WH_ON_GOT_FIN, WH_CLOSING },
    { WH_FIN_WAIT_2, WH_ON_GOT_FIN, WH_TIME_WAIT },
    { WH_CLOSE_WAIT, WH_ON_CLOSE, WH_LAST_ACK },
    { WH_CLOSING, WH_ON_FIN_ACKED, WH_TIME_WAIT },
    { WH_LAST_ACK, WH_ON_FIN_ACKED, WH_CLOSED },
    { WH_TIME_WAIT, WH_ON_TWO_MSL_OVER, WH_CLOSED },
    /* note 1 of the figure: RST, opened passively, in SYN-RECEIVED */
    { WH_SYN_RECEIVED, WH_ON_GOT_RST_PASSIVE, WH_LISTEN },
    /* 3.6.1, MAY-2: a new SYN in TIME-WAIT ends the old incarnation */
    { WH_TIME_WAIT, WH_ON_REOPENED, WH_CLOSED },
};

/* 3.10.7.4 second, 3.10.5, 3.8.3: these three lead from every state but CLOSED to CLOSED. */
static bool ends_everything(wh_arc_event event)
{
    return event == WH_ON_GOT_RST || event == WH_ON_ABORT || event == WH_ON_GAVE_UP;
}

static int expected_target(wh_state from, wh_arc_event event)
{
    for (size_t i = 0; i < sizeof figure / sizeof figure[0]; i++) {
        if (figure[i].from == from && figure[i].event == event) {
            return (int)figure[i].to;
        }
    }
    return from != WH_CLOSED && ends_everything(event) ? (int)WH_CLOSED : -1;
}

static void every_arc_of_figure_5_and_no_other(void **state)
{
    (void)state;
    for (unsigned from = 0; from < WH_STATE_COUNT; from++) {
        for (unsigned event = 0; event < WH_ARC_EVENT_COUNT; event++) {
            int to = expected_target((wh_state)from, (wh_arc_event)event);
            if (wh_arc((wh_state)from, (wh_arc_event)event) != to) {
                fail_msg("%s on %s leads to %d, expected %d", wh_state_name((wh_state)from),
                         wh_arc_name((wh_arc_event)event),
                         wh_arc((wh_state)from, (wh_arc_event)event), to);
            }
            assert_int_equal(arc_exists((wh_state)from, (wh_arc_event)event), to >= 0);
            if (to >= 0) {
                assert_int_equal(arc_target((wh_state)from, (wh_arc_event)event), to);
            }
        }
    }
}

static void nothing_beyond_the_table(void **state)
{
    (void)state;
    assert_false(arc_exists(WH_STATE_COUNT, WH_ON_CLOSE));
    assert_false(arc_exists(WH_ESTABLISHED, WH_ARC_EVENT_COUNT));
    assert_false(arc_exists((wh_state)1000, (wh_arc_event)1000));
    assert_int_equal(wh_arc(WH_STATE_COUNT, WH_ON_CLOSE), -1);
    assert_int_equal(wh_arc(WH_LISTEN, WH_ARC_EVENT_COUNT), -1);
    assert_int_equal(wh_arc(WH_LISTEN, WH_ON_NOTHING), -1);
}

static void every_arc_has_a_source_and_nothing_else_has(void **state)
{
    (void)state;
    for (unsigned from = 0; from < WH_STATE_COUNT; from++) {
        for (unsigned event = 0; event < WH_ARC_EVENT_COUNT; event++) {
            const char *source = wh_arc_source((wh_state)from, (wh_arc_event)event);
            assert_non_null(source);
            bool said =
                strncmp(source, "RFC 9293 3.", 11) == 0 || strncmp(source, "ours: ", 6) == 0;
            assert_int_equal(said, wh_arc((wh_state)from, (wh_arc_event)event) >= 0);
            assert_true(said || strcmp(source, "?") == 0);
        }
    }
    assert_string_equal(wh_arc_source(WH_FIN_WAIT_2, WH_ON_GOT_FIN), "RFC 9293 3.10.7.4, eighth");
    assert_string_equal(wh_arc_source(WH_STATE_COUNT, WH_ON_GOT_FIN), "?");
}

/* From CLOSED every state can be reached, and from every state CLOSED. */
static void every_state_can_be_entered_and_left(void **state)
{
    (void)state;
    bool reached[WH_STATE_COUNT] = { [WH_CLOSED] = true };
    for (unsigned round = 0; round < WH_STATE_COUNT; round++) {
        for (unsigned from = 0; from < WH_STATE_COUNT; from++) {
            for (unsigned event = 0; event < WH_ARC_EVENT_COUNT; event++) {
                int to = wh_arc((wh_state)from, (wh_arc_event)event);
                if (reached[from] && to >= 0) {
                    reached[to] = true;
                }
            }
        }
    }
    for (unsigned from = 0; from < WH_STATE_COUNT; from++) {
        assert_true(reached[from]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_arc_of_figure_5_and_no_other),
        cmocka_unit_test(nothing_beyond_the_table),
        cmocka_unit_test(every_arc_has_a_source_and_nothing_else_has),
        cmocka_unit_test(every_state_can_be_entered_and_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
