/* SPDX-License-Identifier: MIT */
/* What proves that an episode was a mistake (RFC 3522, RFC 3708, RFC 5682), and what is restored (RFC 4015). */
#include "sender.h"

/* Ten are out, cwnd is twenty; an episode begins and cuts to ten, and the first has been sent again. */
static struct sender *cut(bool timed_out)
{
    struct sender *s = sender_begin(UINT32_MAX - 3000);
    s->conn.cwnd = 20 * MSS;
    sender_send(s, 10);
    undo_remember(&s->conn, timed_out);
    s->conn.cwnd = s->conn.ssthresh = 10 * MSS;
    s->conn.recovery = timed_out ? RECOVERY_LOSS : RECOVERY_FAST;
    sender_pass(s, 100 * WH_MILLISECOND);
    (void)flight_split(&s->conn.flight, &s->tcp.chunks, 0, s->conn.snd_una + MSS);
    flight_mark_lost(s->conn.flight, flight_at(s->conn.flight, 0), true);
    sender_again(s);
    recovery_sent_again(&s->conn, s->conn.snd_una, MSS);
    return s;
}

static void assert_undone(struct sender *s, bool undone)
{
    assert_int_equal(s->conn.cwnd, undone ? 20 * MSS : 10 * MSS);
    assert_int_equal(s->conn.ssthresh, undone ? UINT32_MAX : 10 * MSS);
    assert_int_equal(s->conn.recovery == RECOVERY_NONE, undone);
    assert_int_equal(s->conn.undos, undone);
    assert_int_equal(s->tcp.count[WH_WHY_SPURIOUS], undone);
}

/* RFC 3522: an echo from before the retransmission, and of nothing else. */
static void eifel(void **state)
{
    (void)state;
    for (int older = 0; older < 2; older++) {
        struct sender *s = cut(false);
        struct acknowledged what = sender_acked(s, 2);
        what.has_tsecr = true;
        what.tsecr = s->conn.flight->undo_stamp - (uint32_t)older;
        assert_int_equal(undo_acknowledged(&s->conn, &what), older);
        assert_undone(s, older);
        sender_end(s);
    }
}

/* RFC 3708: every byte that was sent again has been told of, and none from before the episode. */
static void dsack(void **state)
{
    (void)state;
    struct sender *s = cut(false);
    uint32_t first = s->conn.snd_una;
    recovery_sent_again(&s->conn, first + MSS, MSS);
    (void)sender_acked(s, 5);
    struct acknowledged told = { .dsack = true, .dsack_left = first - MSS, .dsack_right = first };
    assert_false(undo_acknowledged(&s->conn, &told));
    told.dsack_left = first;
    told.dsack_right = first + MSS;
    assert_false(undo_acknowledged(&s->conn, &told)); /* the other may have been needed */
    assert_undone(s, false);
    told.dsack_left = first + MSS;
    told.dsack_right = first + 2 * MSS;
    assert_true(undo_acknowledged(&s->conn, &told));
    assert_undone(s, true);
    assert_false(undo_acknowledged(&s->conn, &told)); /* once */
    sender_end(s);
}

/* A second episode restores what was before it, whatever the first would have restored. */
static void the_latest_episode_counts(void **state)
{
    (void)state;
    struct sender *s = cut(false);
    s->conn.recovery = RECOVERY_NONE;
    undo_remember(&s->conn, false);
    assert_int_equal(s->conn.flight->prior_cwnd, 10 * MSS);
    assert_int_equal(s->conn.flight->prior_ssthresh, 10 * MSS);
    sender_end(s);
}

/* RFC 4015 3, (8): where the path has marked, the cut stands, then and later. */
static void a_mark_keeps_the_cut(void **state)
{
    (void)state;
    struct sender *s = cut(false);
    struct acknowledged what = sender_acked(s, 2);
    what.has_tsecr = true;
    what.tsecr = s->conn.flight->undo_stamp - 1;
    what.echo = true;
    assert_false(undo_acknowledged(&s->conn, &what));
    what.echo = false;
    assert_false(undo_acknowledged(&s->conn, &what));
    assert_undone(s, false);
    sender_end(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(eifel),
        cmocka_unit_test(dsack),
        cmocka_unit_test(the_latest_episode_counts),
        cmocka_unit_test(a_mark_keeps_the_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
