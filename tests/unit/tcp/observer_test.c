/* SPDX-License-Identifier: MIT */
/* Each test is a conversation: what the observed end sent and what reached it, and what it then is in. */
#include "tcp/observer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "tcp/machine.h"

#define SYN WH_SYN
#define ACK WH_ACK
#define FIN WH_FIN
#define RST WH_RST

/* The observed end counts from 100, its peer from 500. */
static struct observer end;
static wh_time now;

static struct observed make(unsigned flags, uint32_t seq, uint32_t ack, uint32_t length)
{
    now += WH_MILLISECOND;
    return (struct observed){
        .time = now, .flags = (uint16_t)flags, .seq = seq, .ack = ack, .length = length
    };
}

static void begin(void)
{
    now = 0;
    observer_init(&end);
}

static void expect(const char *states)
{
    char text[OBSERVER_TEXT];
    assert_string_equal(observer_text(&end, text), states);
    assert_false(end.contradiction);
}

static void sent(unsigned flags, uint32_t seq, uint32_t ack, uint32_t length)
{
    struct observed segment = make(flags, seq, ack, length);
    observer_sent(&end, &segment);
}

static void got(unsigned flags, uint32_t seq, uint32_t ack, uint32_t length)
{
    struct observed segment = make(flags, seq, ack, length);
    observer_received(&end, &segment, true);
}

static void perhaps_got(unsigned flags, uint32_t seq, uint32_t ack, uint32_t length)
{
    struct observed segment = make(flags, seq, ack, length);
    observer_received(&end, &segment, false);
}

/* The observed end opened actively; both data streams stand at their first byte. */
static void establish(void)
{
    begin();
    sent(SYN, 100, 0, 0);
    got(SYN | ACK, 500, 101, 0);
    sent(ACK, 101, 501, 0);
    expect("ESTABLISHED");
}

static void knows_nothing_at_first(void **state)
{
    (void)state;
    begin();
    expect("any state");
    assert_int_equal(observer_state(&end), -1);
}

static void active_open(void **state)
{
    (void)state;
    begin();
    sent(SYN, 100, 0, 0);
    expect("SYN-SENT");
    assert_int_equal(observer_state(&end), WH_SYN_SENT);
    got(SYN | ACK, 500, 101, 0);
    expect("ESTABLISHED");
    assert_int_equal(end.arc, WH_ON_GOT_SYN_ACK);
    sent(ACK, 101, 501, 0);
    expect("ESTABLISHED");
    assert_int_equal(end.arc, WH_ON_NOTHING);
}

static void passive_open(void **state)
{
    (void)state;
    begin();
    got(SYN, 500, 0, 0);
    assert_int_equal(observer_state(&end), -1); /* nobody said that somebody listens */
    sent(SYN | ACK, 100, 501, 0);
    expect("SYN-RECEIVED");
    got(ACK, 501, 101, 0);
    expect("ESTABLISHED");
    assert_int_equal(end.arc, WH_ON_SYN_ACKED);
}

static void passive_open_refused(void **state)
{
    (void)state;
    begin();
    end.states = STATE_BIT(WH_CLOSED) | STATE_BIT(WH_LISTEN);
    got(SYN, 500, 0, 0);
    expect("CLOSED or SYN-RECEIVED");
    sent(RST | ACK, 0, 501, 0);
    expect("CLOSED or LISTEN or SYN-RECEIVED");
}

static void active_open_refused(void **state)
{
    (void)state;
    begin();
    sent(SYN, 100, 0, 0);
    got(RST | ACK, 0, 101, 0);
    expect("CLOSED");
    assert_int_equal(end.arc, WH_ON_GOT_RST);
}

static void rst_for_another_syn_is_ignored(void **state)
{
    (void)state;
    begin();
    sent(SYN, 100, 0, 0);
    got(RST | ACK, 0, 100, 0);
    expect("SYN-SENT");
    got(RST, 0, 0, 0);
    expect("SYN-SENT");
}

static void simultaneous_open(void **state)
{
    (void)state;
    begin();
    sent(SYN, 100, 0, 0);
    got(SYN, 500, 0, 0);
    expect("SYN-RECEIVED");
    sent(SYN | ACK, 100, 501, 0);
    expect("SYN-RECEIVED");
    got(SYN | ACK, 500, 101, 0);
    expect("SYN-RECEIVED or ESTABLISHED");
    sent(ACK, 101, 501, 10);
    expect("ESTABLISHED");
}

static void repeated_syn_keeps_the_state(void **state)
{
    (void)state;
    begin();
    sent(SYN, 100, 0, 0);
    sent(SYN, 100, 0, 0);
    expect("SYN-SENT");
    perhaps_got(SYN | ACK, 500, 101, 0);
    expect("SYN-SENT or ESTABLISHED");
    sent(SYN, 100, 0, 0); /* so the SYN,ACK was lost */
    expect("SYN-SENT");
    perhaps_got(SYN | ACK, 500, 101, 0);
    sent(ACK, 101, 501, 0);
    expect("ESTABLISHED");
    got(SYN | ACK, 500, 101, 0);
    expect("ESTABLISHED");
}

static void repeated_syn_ack_shows_the_lost_ack(void **state)
{
    (void)state;
    begin();
    got(SYN, 500, 0, 0);
    sent(SYN | ACK, 100, 501, 0);
    perhaps_got(ACK, 501, 101, 0);
    expect("SYN-RECEIVED or ESTABLISHED");
    sent(SYN | ACK, 100, 501, 0);
    expect("SYN-RECEIVED");
}

static void handshake_and_fin_in_one_segment(void **state)
{
    (void)state;
    begin();
    got(SYN, 500, 0, 0);
    sent(SYN | ACK, 100, 501, 0);
    got(FIN | ACK, 501, 101, 20);
    expect("CLOSE-WAIT");
    assert_int_equal(end.arc, WH_ON_GOT_FIN);
}

static void syn_ack_with_fin(void **state)
{
    (void)state;
    begin();
    sent(SYN, 100, 0, 0);
    got(SYN | ACK | FIN, 500, 101, 5);
    expect("CLOSE-WAIT");
    sent(ACK, 101, 507, 0);
    expect("CLOSE-WAIT");
}

static void four_way_close_by_the_observed(void **state)
{
    (void)state;
    establish();
    sent(FIN | ACK, 101, 501, 0);
    expect("FIN-WAIT-1");
    assert_int_equal(end.arc, WH_ON_CLOSE);
    got(ACK, 501, 102, 0);
    expect("FIN-WAIT-2");
    got(FIN | ACK, 501, 102, 0);
    expect("TIME-WAIT");
    sent(ACK, 102, 502, 0);
    expect("TIME-WAIT");
}

static void four_way_close_by_the_peer(void **state)
{
    (void)state;
    establish();
    got(FIN | ACK, 501, 101, 0);
    expect("CLOSE-WAIT");
    sent(ACK, 101, 502, 0);
    expect("CLOSE-WAIT");
    sent(FIN | ACK, 101, 502, 0);
    expect("LAST-ACK");
    got(ACK, 502, 102, 0);
    expect("CLOSED");
    assert_int_equal(end.arc, WH_ON_FIN_ACKED);
}

static void three_segment_close(void **state)
{
    (void)state;
    establish();
    sent(FIN | ACK, 101, 501, 0);
    got(FIN | ACK, 501, 102, 0);
    expect("TIME-WAIT");
    establish();
    got(FIN | ACK, 501, 101, 0);
    sent(FIN | ACK, 101, 502, 0);
    expect("LAST-ACK");
}

static void simultaneous_close(void **state)
{
    (void)state;
    establish();
    sent(FIN | ACK, 101, 501, 0);
    got(FIN | ACK, 501, 101, 0);
    expect("CLOSING");
    sent(ACK, 102, 502, 0);
    expect("CLOSING");
    got(ACK, 502, 102, 0);
    expect("TIME-WAIT");
}

static void half_close_lasts(void **state)
{
    (void)state;
    establish();
    sent(FIN | ACK, 101, 501, 10);
    got(ACK, 501, 111, 0); /* all but the FIN */
    expect("FIN-WAIT-1");
    got(ACK, 501, 112, 0);
    expect("FIN-WAIT-2");
    for (uint32_t i = 0; i < 5; i++) {
        got(ACK, 501 + 100 * i, 112, 100);
        sent(ACK, 112, 601 + 100 * i, 0);
        expect("FIN-WAIT-2");
    }
    establish();
    got(FIN | ACK, 501, 101, 0);
    sent(ACK, 101, 502, 0);
    sent(ACK, 101, 502, 1000);
    expect("CLOSE-WAIT");
}

static void fin_beyond_a_hole_waits(void **state)
{
    (void)state;
    establish();
    got(FIN | ACK, 601, 101, 50); /* 501 to 600 were lost */
    expect("ESTABLISHED or CLOSE-WAIT");
    sent(ACK, 101, 501, 0);
    expect("ESTABLISHED");
    got(ACK, 501, 101, 100);
    sent(ACK, 101, 652, 0);
    expect("CLOSE-WAIT");
}

static void lost_fin_is_sent_again(void **state)
{
    (void)state;
    establish();
    perhaps_got(FIN | ACK, 501, 101, 0);
    expect("ESTABLISHED or CLOSE-WAIT");
    sent(ACK, 101, 501, 10); /* does not acknowledge it */
    expect("ESTABLISHED");
    perhaps_got(FIN | ACK, 501, 101, 0);
    sent(ACK, 111, 502, 0);
    expect("CLOSE-WAIT");
}

static void own_fin_again_shows_the_lost_ack(void **state)
{
    (void)state;
    establish();
    sent(FIN | ACK, 101, 501, 0);
    perhaps_got(ACK, 501, 102, 0);
    expect("FIN-WAIT-1 or FIN-WAIT-2");
    sent(FIN | ACK, 101, 501, 0);
    expect("FIN-WAIT-1");
    perhaps_got(FIN | ACK, 501, 102, 0);
    expect("FIN-WAIT-1 or TIME-WAIT");
    sent(ACK, 102, 502, 0);
    expect("CLOSING or TIME-WAIT"); /* the ACK shows the FIN; whether ours was covered stays open */
}

static void segments_that_cross(void **state)
{
    (void)state;
    establish();
    got(FIN | ACK, 501, 101, 0); /* told as it left the peer */
    expect("CLOSE-WAIT");
    sent(ACK, 101, 501, 10); /* left the observed end before that FIN came */
    expect("ESTABLISHED");
    sent(FIN | ACK, 111, 502, 0);
    expect("LAST-ACK");
    begin();
    sent(SYN, 100, 0, 0);
    got(SYN | ACK, 500, 101, 0);
    sent(SYN, 100, 0, 0);
    expect("SYN-SENT");
    sent(ACK, 101, 501, 0);
    expect("ESTABLISHED");
}

static void unseen_ack_of_the_peers_fin(void **state)
{
    (void)state;
    establish();
    perhaps_got(FIN | ACK, 501, 101, 0);
    sent(FIN | ACK, 101, 502, 0); /* acknowledges it and closes */
    expect("LAST-ACK");
    perhaps_got(ACK, 502, 102, 0);
    expect("CLOSED or LAST-ACK");
    sent(FIN | ACK, 101, 502, 0);
    expect("LAST-ACK");
}

static void reset_arrives(void **state)
{
    (void)state;
    establish();
    got(RST, 501, 0, 0);
    expect("CLOSED");
    establish();
    got(RST, 701, 0, 0); /* inside the window, perhaps; not at its edge (RFC 5961 3.2) */
    expect("CLOSED or ESTABLISHED");
    sent(ACK, 101, 501, 0);
    expect("ESTABLISHED");
    got(RST, 400, 0, 0);
    expect("ESTABLISHED");
}

static void reset_leaves(void **state)
{
    (void)state;
    establish();
    sent(RST, 101, 0, 0);
    expect("CLOSED");
    assert_int_equal(end.arc, WH_ON_ABORT);
    begin();
    sent(SYN, 100, 0, 0);
    sent(RST, 77, 0, 0); /* the answer to an old duplicate */
    expect("SYN-SENT");
}

static void reset_of_a_half_open_entry(void **state)
{
    (void)state;
    begin();
    got(SYN, 500, 0, 0);
    sent(SYN | ACK, 100, 501, 0);
    got(RST, 501, 0, 0);
    expect("LISTEN");
    assert_int_equal(end.arc, WH_ON_GOT_RST_PASSIVE);
}

static void reset_in_time_wait_leaves_both_open(void **state)
{
    (void)state;
    establish();
    sent(FIN | ACK, 101, 501, 0);
    got(FIN | ACK, 501, 102, 0);
    got(RST, 502, 0, 0);
    expect("CLOSED or TIME-WAIT");
    sent(ACK, 102, 502, 0);
    expect("TIME-WAIT");
}

static void time_wait_expires(void **state)
{
    (void)state;
    establish();
    sent(FIN | ACK, 101, 501, 0);
    got(FIN | ACK, 501, 102, 0);
    wh_time since = now;
    observer_idle(&end, since + 60 * WH_SECOND - 1, 60 * WH_SECOND);
    expect("TIME-WAIT");
    observer_idle(&end, since + 60 * WH_SECOND, 60 * WH_SECOND);
    expect("CLOSED or TIME-WAIT");
    assert_int_equal(end.arc, WH_ON_TWO_MSL_OVER);
}

static void repeated_fin_restarts_time_wait(void **state)
{
    (void)state;
    establish();
    sent(FIN | ACK, 101, 501, 0);
    got(FIN | ACK, 501, 102, 0);
    now += 50 * WH_SECOND;
    got(FIN | ACK, 501, 102, 0);
    expect("TIME-WAIT");
    observer_idle(&end, now + 59 * WH_SECOND, 60 * WH_SECOND);
    expect("TIME-WAIT");
}

static void new_connection_of_the_same_ends(void **state)
{
    (void)state;
    establish();
    sent(FIN | ACK, 101, 501, 0);
    got(FIN | ACK, 501, 102, 0);
    sent(ACK, 102, 502, 0);
    sent(SYN, 9000, 0, 0);
    expect("SYN-SENT");
    got(SYN | ACK, 8000, 9001, 0);
    expect("ESTABLISHED");
    sent(FIN | ACK, 9001, 8001, 0);
    expect("FIN-WAIT-1");
}

static void new_syn_to_time_wait(void **state)
{
    (void)state;
    establish();
    sent(FIN | ACK, 101, 501, 0);
    got(FIN | ACK, 501, 102, 0);
    got(SYN, 7000, 0, 0);
    expect("SYN-RECEIVED or TIME-WAIT");
    sent(SYN | ACK, 9000, 7001, 0);
    expect("SYN-RECEIVED");
    got(ACK, 7001, 9001, 0);
    expect("ESTABLISHED");
}

static void mid_connection_data(void **state)
{
    (void)state;
    begin();
    sent(ACK, 101, 501, 10);
    expect("ESTABLISHED or FIN-WAIT-1 or CLOSE-WAIT or CLOSING or LAST-ACK");
    got(FIN | ACK, 501, 111, 0);
    sent(ACK, 111, 502, 20);
    expect("CLOSE-WAIT or CLOSING or LAST-ACK");
    sent(FIN | ACK, 131, 502, 0);
    got(ACK, 502, 132, 0);
    expect("CLOSED or TIME-WAIT"); /* which of the two closed first was before our time */
}

static void mid_connection_pure_ack(void **state)
{
    (void)state;
    begin();
    sent(ACK, 101, 501, 0);
    expect("SYN-RECEIVED or ESTABLISHED or FIN-WAIT-1 or FIN-WAIT-2 or CLOSE-WAIT or CLOSING or "
           "LAST-ACK or TIME-WAIT");
    sent(FIN | ACK, 101, 501, 0);
    expect("FIN-WAIT-1 or CLOSING or LAST-ACK");
}

static void mid_connection_ack_arrives(void **state)
{
    (void)state;
    begin();
    got(ACK, 501, 101, 0);
    assert_int_equal(end.states, STATE_ANY); /* it may have meant something, in any of them */
}

static void contradiction_opens_the_set(void **state)
{
    (void)state;
    establish();
    got(RST, 501, 0, 0);
    expect("CLOSED");
    sent(ACK, 101, 501, 10); /* the dead do not send data */
    assert_true(end.contradiction);
    assert_true(end.states & STATE_BIT(WH_ESTABLISHED));
    assert_false(end.states & STATE_BIT(WH_CLOSED));
    got(ACK, 501, 111, 0);
    assert_false(end.contradiction);
}

static void syn_ack_again_after_the_fin_is_a_contradiction(void **state)
{
    (void)state;
    establish();
    got(FIN | ACK, 501, 101, 0);
    sent(SYN | ACK, 100, 501, 0);
    assert_true(end.contradiction);
    assert_int_equal(end.states, STATE_BIT(WH_SYN_RECEIVED) | STATE_BIT(WH_FIN_WAIT_1));
}

static void hidden_ack_field_strikes_nothing_out(void **state)
{
    (void)state;
    establish();
    got(FIN | ACK, 501, 101, 0);
    struct observed lost = make(FIN | ACK, 101, 0, 0);
    lost.ack_hidden = true;
    observer_sent(&end, &lost);
    expect("LAST-ACK");
    assert_int_equal(end.rcv_nxt, 501);
}

static void numbers_wrap(void **state)
{
    (void)state;
    begin();
    sent(SYN, 0xffffffff, 0, 0);
    got(SYN | ACK, 0xfffffffe, 0, 0);
    expect("ESTABLISHED");
    sent(FIN | ACK, 0, 0xffffffff, 0);
    got(FIN | ACK, 0xffffffff, 1, 0);
    expect("TIME-WAIT");
    sent(ACK, 1, 0, 0);
    expect("TIME-WAIT");
}

/* Whatever comes, the set is never empty and every state in it is one of the eleven. */
static void never_empty(void **state)
{
    (void)state;
    uint64_t dice = 1;
    begin();
    for (unsigned i = 0; i < 200000; i++) {
        dice = dice * UINT64_C(6364136223846793005) + 1442695040888963407U;
        uint32_t roll = (uint32_t)(dice >> 32);
        unsigned flags = roll & (SYN | ACK | FIN | RST);
        uint32_t seq = 100 + (roll >> 8) % 4, ack = 100 + (roll >> 12) % 4,
                 length = (roll >> 16) % 3;
        struct observed segment = make(flags, seq, ack, length);
        if (roll & 0x100000) {
            observer_sent(&end, &segment);
        } else {
            observer_received(&end, &segment, (roll & 0x200000) != 0);
        }
        assert_int_not_equal(end.states, 0);
        assert_int_equal(end.states & ~STATE_ANY, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(knows_nothing_at_first),
        cmocka_unit_test(active_open),
        cmocka_unit_test(passive_open),
        cmocka_unit_test(passive_open_refused),
        cmocka_unit_test(active_open_refused),
        cmocka_unit_test(rst_for_another_syn_is_ignored),
        cmocka_unit_test(simultaneous_open),
        cmocka_unit_test(repeated_syn_keeps_the_state),
        cmocka_unit_test(repeated_syn_ack_shows_the_lost_ack),
        cmocka_unit_test(handshake_and_fin_in_one_segment),
        cmocka_unit_test(syn_ack_with_fin),
        cmocka_unit_test(four_way_close_by_the_observed),
        cmocka_unit_test(four_way_close_by_the_peer),
        cmocka_unit_test(three_segment_close),
        cmocka_unit_test(simultaneous_close),
        cmocka_unit_test(half_close_lasts),
        cmocka_unit_test(fin_beyond_a_hole_waits),
        cmocka_unit_test(lost_fin_is_sent_again),
        cmocka_unit_test(own_fin_again_shows_the_lost_ack),
        cmocka_unit_test(segments_that_cross),
        cmocka_unit_test(unseen_ack_of_the_peers_fin),
        cmocka_unit_test(reset_arrives),
        cmocka_unit_test(reset_leaves),
        cmocka_unit_test(reset_of_a_half_open_entry),
        cmocka_unit_test(reset_in_time_wait_leaves_both_open),
        cmocka_unit_test(time_wait_expires),
        cmocka_unit_test(repeated_fin_restarts_time_wait),
        cmocka_unit_test(new_connection_of_the_same_ends),
        cmocka_unit_test(new_syn_to_time_wait),
        cmocka_unit_test(mid_connection_data),
        cmocka_unit_test(mid_connection_pure_ack),
        cmocka_unit_test(mid_connection_ack_arrives),
        cmocka_unit_test(contradiction_opens_the_set),
        cmocka_unit_test(syn_ack_again_after_the_fin_is_a_contradiction),
        cmocka_unit_test(hidden_ack_field_strikes_nothing_out),
        cmocka_unit_test(numbers_wrap),
        cmocka_unit_test(never_empty),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
