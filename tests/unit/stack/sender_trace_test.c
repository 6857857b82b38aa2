/* SPDX-License-Identifier: MIT */
/* What the trace and wh_info tell of a sender, and when they do. */
#include "pair.h"

#define BUFFER (1 << 20)

/* Reads all records of one host; returns how many are a sender's, the last of them in *last. */
static unsigned senders(struct pair *p, unsigned which, wh_trace_record *last)
{
    wh_trace_record record;
    unsigned n = 0;
    while (wh_trace(p->host[which], &record, 1, NULL) == 1) {
        if (record.kind == WH_TRACE_SENDER) {
            n++;
            *last = record;
        }
    }
    return n;
}

static void send_bytes(struct pair *p, size_t n)
{
    static uint8_t bytes[1 << 16];
    assert_int_equal(wh_send(p->conn[0], bytes, n, 0), n);
}

/* Gives host 0's frames to host 1, but for those that fall on a set bit of `drop`. */
static void carry_some(struct pair *p, uint64_t drop)
{
    wh_frame frames[64];
    size_t n = wh_output(p->host[0], frames, 64, p->now);
    for (size_t i = 0; i < n; i++) {
        uint8_t bytes[2048];
        size_t at = 0;
        for (uint32_t k = 0; k < frames[i].slices; k++) {
            memcpy(bytes + at, frames[i].slice[k].base, frames[i].slice[k].length);
            at += frames[i].slice[k].length;
        }
        wh_frame in = { .slice[0] = { bytes, at }, .slices = 1, .length = (uint32_t)at };
        if (!(drop >> i & 1)) {
            wh_input(p->host[1], &in, 1, p->now);
        }
    }
    wh_sent(p->host[0], frames, n);
}

static void nothing_is_told_unless_asked_for(void **state)
{
    (void)state;
    wh_trace_record last = { 0 };
    struct pair *p = begin_with(BUFFER, 1024);
    send_bytes(p, 10000);
    exchange(p, 64);
    assert_int_equal(senders(p, 0, &last), 0);
    end(p);
}

static void a_sender_is_told_when_it_changes(void **state)
{
    (void)state;
    wh_trace_record last = { 0 };
    struct pair *p = begin_traced(BUFFER, 1024, true);
    assert_true(senders(p, 0, &last) >= 1); /* the handshake brought a window and an RTT */
    assert_int_equal(last.state_before, WH_ESTABLISHED);
    assert_int_equal(last.remote.port, 80);
    assert_int_equal(last.frame, 0);
    uint32_t cwnd = last.sender.cwnd;
    assert_int_equal(last.sender.ssthresh, UINT32_MAX);
    assert_int_equal(last.sender.recovery, WH_RECOVERY_OPEN);

    send_bytes(p, 3 * 1448);
    carry_some(p, 0);
    assert_int_equal(senders(p, 0, &last), 1); /* one visit of the output: one record */
    assert_int_equal(last.sender.in_flight, 3 * 1448);
    assert_int_equal(last.sender.snd_nxt - last.sender.snd_una, 3 * 1448);
    assert_int_equal(last.time, p->now);
    p->now += 10 * WH_MILLISECOND;
    carry(p, 1, 64);
    assert_true(senders(p, 0, &last) >= 1);
    exchange(p, 64);
    senders(p, 0, &last);
    pass(p, p->now + WH_SECOND, 64);
    assert_int_equal(senders(p, 0, &last), 0); /* nothing happens: nothing is told */

    send_bytes(p, 100);
    p->now += WH_MILLISECOND;
    exchange(p, 64);
    pass(p, p->now + WH_SECOND, 64);
    assert_true(senders(p, 0, &last) >= 1);
    assert_int_equal(last.sender.in_flight, 0);
    assert_true(last.sender.cwnd >= cwnd);
    assert_true(last.sender.window_edge - last.sender.snd_una >= 16384);
    end(p);
}

/* Whoever only receives has nothing new to think about its path. */
static void a_receiver_is_silent(void **state)
{
    (void)state;
    wh_trace_record last = { 0 };
    struct pair *p = begin_traced(BUFFER, 1024, true);
    senders(p, 1, &last);
    for (unsigned i = 0; i < 20; i++) {
        send_bytes(p, 3000);
        exchange(p, 64);
        read_all(p, 1);
        exchange(p, 64);
    }
    assert_int_equal(senders(p, 1, &last), 0);
    end(p);
}

static void losses_are_told(void **state)
{
    (void)state;
    wh_trace_record last = { 0 };
    struct pair *p = begin_traced(BUFFER, 1024, true);
    senders(p, 0, &last);
    send_bytes(p, 6 * 1448);
    carry_some(p, 1); /* all but the first segment arrive */
    p->now += 10 * WH_MILLISECOND;
    carry(p, 1, 64);
    senders(p, 0, &last);
    assert_int_equal(last.sender.recovery, WH_RECOVERY_FAST);
    assert_int_equal(last.sender.sacked, 5 * 1448);
    assert_int_equal(last.sender.lost, 1448);
    assert_int_equal(last.sender.in_flight, 0);
    wh_info info = { .size = sizeof info };
    wh_info_get(p->conn[0], &info);
    assert_int_equal(info.recovery, WH_RECOVERY_FAST);
    assert_int_equal(info.sacked, 5 * 1448);
    assert_int_equal(info.lost, 1448);
    exchange(p, 64);
    wh_info_get(p->conn[0], &info);
    assert_int_equal(info.lost + info.sacked, 0);
    assert_true(senders(p, 0, &last) >= 2);
    assert_int_equal(last.sender.recovery, WH_RECOVERY_OPEN);
    assert_true(last.sender.ssthresh < UINT32_MAX);
    end(p);
}

/* One SACK makes a sender think, whether or not it calls something lost already. */
static void doubt_is_told(void **state)
{
    (void)state;
    wh_trace_record last = { 0 };
    struct pair *p = begin_traced(BUFFER, 1024, true);
    send_bytes(p, 2 * 1448);
    carry_some(p, 1);
    p->now += 10 * WH_MILLISECOND;
    carry(p, 1, 64);
    senders(p, 0, &last);
    assert_int_equal(last.sender.sacked, 1448);
    assert_int_not_equal(last.sender.recovery, WH_RECOVERY_OPEN);
    end(p);
}

static void a_timeout_is_told(void **state)
{
    (void)state;
    wh_trace_record last = { 0 };
    struct pair *p = begin_traced(BUFFER, 1024, true);
    senders(p, 0, &last);
    send_bytes(p, 1000);
    carry_some(p, 1);
    senders(p, 0, &last);
    wh_time rto = last.sender.rto;
    for (unsigned i = 0; i < 8 && last.sender.recovery != WH_RECOVERY_LOSS; i++) {
        wh_frame frame;
        p->now = MAX(p->now + 1, wh_wake(p->host[0]));
        while (wh_output(p->host[0], &frame, 1, p->now) > 0) {
            wh_sent(p->host[0], &frame, 1); /* and lost */
        }
        senders(p, 0, &last);
    }
    assert_int_equal(last.sender.recovery, WH_RECOVERY_LOSS);
    assert_true(last.sender.rto > rto);
    end(p);
}

static void info_tells_ages_and_sizes(void **state)
{
    (void)state;
    struct pair *p = begin(BUFFER);
    wh_info info = { .size = sizeof info };
    p->now += 3 * WH_SECOND;
    send_bytes(p, 100);
    exchange(p, 64);
    pass(p, p->now + 5 * WH_SECOND, 64);
    assert_int_equal(wh_output(p->host[0], NULL, 0, p->now), 0);
    assert_int_equal(wh_output(p->host[1], NULL, 0, p->now), 0);
    wh_info_get(p->conn[0], &info);
    assert_int_equal(info.last_sent, 5 * WH_SECOND);
    assert_true(info.last_heard > 4 * WH_SECOND && info.last_heard <= 5 * WH_SECOND);
    assert_int_equal(info.path_mtu, 1500);
    wh_info_get(p->conn[1], &info);
    assert_int_equal(info.last_heard, 5 * WH_SECOND);
    assert_true(info.receive_limit > 0 && info.receive_limit <= BUFFER);

    /* A caller that knows less gets less: what lies behind its size is not touched. */
    memset(&info, 0x55, sizeof info);
    info.size = offsetof(wh_info, reordering_seen);
    wh_info_get(p->conn[0], &info);
    assert_int_equal(info.path_mtu, 0x55555555);
    end(p);
}

static void stances_have_names(void **state)
{
    (void)state;
    assert_string_equal(wh_recovery_name(WH_RECOVERY_OPEN), "open");
    assert_string_equal(wh_recovery_name(WH_RECOVERY_LOSS), "loss");
    assert_non_null(wh_recovery_name((wh_recovery)99));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_told_unless_asked_for),
        cmocka_unit_test(a_sender_is_told_when_it_changes),
        cmocka_unit_test(a_receiver_is_silent),
        cmocka_unit_test(losses_are_told),
        cmocka_unit_test(doubt_is_told),
        cmocka_unit_test(a_timeout_is_told),
        cmocka_unit_test(info_tells_ages_and_sizes),
        cmocka_unit_test(stances_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
