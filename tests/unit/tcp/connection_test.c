/* SPDX-License-Identifier: MIT */
/* What a connection's record says of itself: room, windows, readiness, deadlines. */
#include "arena.h"

#include "tcp/protocol.h"

#define CAP ((size_t)1 << 20)

struct fixture {
    struct arena arena;
    struct tcp tcp;
    struct wh_conn conn;
};

static struct fixture *begin(void)
{
    struct fixture *f = calloc(1, sizeof *f);
    struct tuple tuple = { .local_port = 1 };
    tuple.remote = tuple.local = wh_ipv4(10, 0, 0, 1);
    arena_begin(&f->arena, CAP);
    f->tcp.memory = f->arena.memory;
    f->tcp.mtu = 1500;
    f->tcp.now = 77 * WH_SECOND;
    list_init(&f->tcp.ready);
    list_init(&f->tcp.eventful);
    wheel_init(&f->tcp.wheel, f->tcp.now);
    chunk_store_init(&f->tcp.chunks, &f->tcp.memory);
    f->tcp.defaults = profile_new(&f->tcp.memory);
    conn_init(&f->conn, &f->tcp, &tuple, f->tcp.defaults);
    f->conn.record.state = WH_ESTABLISHED;
    return f;
}

static void end(struct fixture *f)
{
    conn_release(&f->conn);
    profile_drop(&f->tcp.memory, f->tcp.defaults);
    chunk_store_trim(&f->tcp.chunks);
    assert_int_equal(f->arena.bytes, 0);
    free(f);
}

static void set(struct fixture *f, wh_option option, int64_t value)
{
    assert_int_equal(profile_set(&f->tcp.memory, &f->conn.profile, option, value), WH_OK);
}

static void room_is_what_the_buffer_has_left(void **state)
{
    (void)state;
    struct fixture *f = begin();
    set(f, WH_OPT_SEND_BUFFER, 20000);
    assert_int_equal(conn_send_room(&f->conn), 20000);
    f->conn.send.length = 19999;
    assert_int_equal(conn_send_room(&f->conn), 1);
    f->conn.send.length = 20000;
    assert_int_equal(conn_send_room(&f->conn), 0);
    f->conn.send.length = 20001;
    assert_int_equal(conn_send_room(&f->conn), 0);
    f->conn.send.length = 0;
    end(f);
}

/* A quarter of what is free below three quarters of the cap, but 16 KiB; or less if it was to hold less. */
static void room_shrinks_to_a_floor_when_memory_is_short(void **state)
{
    (void)state;
    struct fixture *f = begin();
    size_t used = f->tcp.memory.used;
    set(f, WH_OPT_SEND_BUFFER, 20000);
    size_t now = f->tcp.memory.used;
    f->tcp.memory.used = CAP / 4 * 3 - 4 * 20000;
    assert_int_equal(conn_send_room(&f->conn), 20000);
    f->tcp.memory.used += 4 * 1000;
    assert_int_equal(conn_send_room(&f->conn), 19000);
    f->tcp.memory.used = CAP / 4 * 3;
    assert_int_equal(conn_send_room(&f->conn), 16384);
    f->tcp.memory.used = CAP - 1;
    assert_int_equal(conn_send_room(&f->conn), 16384);
    f->tcp.memory.used = now;
    set(f, WH_OPT_SEND_BUFFER, 5000);
    now = f->tcp.memory.used;
    f->tcp.memory.used = CAP / 4 * 3 + 1;
    assert_int_equal(conn_send_room(&f->conn), 5000);
    f->tcp.memory.used = now;
    assert_true(used < now);
    end(f);
}

/* Writable from the low-water mark on, or from half of a buffer that is smaller than twice the mark. */
static void writable_from_the_mark_on(void **state)
{
    (void)state;
    struct fixture *f = begin();
    set(f, WH_OPT_SEND_BUFFER, 20000);
    set(f, WH_OPT_SEND_LOW_WATER, 3000);
    f->conn.send.length = 17000;
    assert_true((conn_ready(&f->conn, UINT32_MAX) & WH_WRITABLE) != 0);
    f->conn.send.length = 17001;
    assert_true((conn_ready(&f->conn, UINT32_MAX) & WH_WRITABLE) == 0);
    set(f, WH_OPT_SEND_LOW_WATER, 15000);
    f->conn.send.length = 10000;
    assert_true((conn_ready(&f->conn, UINT32_MAX) & WH_WRITABLE) != 0);
    f->conn.write_shut = true;
    assert_true((conn_ready(&f->conn, UINT32_MAX) & WH_WRITABLE) == 0);
    f->conn.write_shut = false;
    f->conn.send.length = 10001;
    assert_true((conn_ready(&f->conn, UINT32_MAX) & WH_WRITABLE) == 0);
    set(f, WH_OPT_SEND_LOW_WATER, 1);
    f->conn.send.length = 19999;
    assert_true((conn_ready(&f->conn, UINT32_MAX) & WH_WRITABLE) != 0);
    f->conn.record.state = WH_SYN_SENT;
    f->conn.send.length = 0;
    assert_true((conn_ready(&f->conn, UINT32_MAX) & WH_WRITABLE) == 0);
    end(f);
}

static void readable_from_the_mark_on(void **state)
{
    (void)state;
    struct fixture *f = begin();
    assert_true((conn_ready(&f->conn, UINT32_MAX) & WH_READABLE) == 0);
    f->conn.receive.length = 1;
    assert_true((conn_ready(&f->conn, UINT32_MAX) & WH_READABLE) != 0);
    set(f, WH_OPT_RECEIVE_LOW_WATER, 100);
    f->conn.receive.length = 99;
    assert_true((conn_ready(&f->conn, UINT32_MAX) & WH_READABLE) == 0);
    f->conn.receive.length = 100;
    assert_true((conn_ready(&f->conn, UINT32_MAX) & WH_READABLE) != 0);
    f->conn.receive.length = 1;
    f->conn.fin_received = true;
    assert_true((conn_ready(&f->conn, UINT32_MAX) & (WH_READABLE | WH_EOF)) ==
                (WH_READABLE | WH_EOF));
    f->conn.receive.length = 0;
    assert_true((conn_ready(&f->conn, UINT32_MAX) & WH_READABLE) == 0);
    f->conn.fin_received = false;
    f->conn.receive.length = 1;
    f->conn.record.state = WH_CLOSED;
    assert_true((conn_ready(&f->conn, UINT32_MAX) & (WH_READABLE | WH_DEAD)) ==
                (WH_READABLE | WH_DEAD));
    f->conn.receive.length = 0;
    end(f);
}

/* Only who has a handle, and was accepted, and watches for it. */
static void told_is_who_wants_to_hear(void **state)
{
    (void)state;
    for (unsigned facts = 0; facts < 8; facts++) {
        struct fixture *f = begin();
        f->conn.handle = (facts & 1) != 0;
        f->conn.accepted = (facts & 2) != 0;
        f->conn.watch = (facts & 4) != 0 ? WH_WRITABLE : WH_READABLE;
        conn_notify(&f->conn);
        assert_int_equal(link_listed(&f->conn.event_link), facts == 7);
        conn_notify(&f->conn); /* once in the list, however often */
        end(f);
    }
}

static void space_is_what_the_window_could_be(void **state)
{
    (void)state;
    struct fixture *f = begin();
    set(f, WH_OPT_RECEIVE_BUFFER, 5000);
    f->conn.receive.length = 4999;
    assert_int_equal(conn_receive_space(&f->conn), 1);
    f->conn.receive.length = 5000;
    assert_int_equal(conn_receive_space(&f->conn), 0);
    f->conn.receive.length = 5001;
    assert_int_equal(conn_receive_space(&f->conn), 0);
    f->conn.receive.length = 0;
    f->conn.rcv_scale = 14; /* two steps of the scale at least */
    assert_int_equal(conn_receive_space(&f->conn), 32768);
    end(f);
}

/* Twelve bytes of timestamps, and never less than eight of data. */
static void the_segment_size_leaves_room_for_options(void **state)
{
    (void)state;
    struct fixture *f = begin();
    static const uint16_t row[][3] = {
        { 1460, 1460, 1448 }, { 21, 21, 9 }, { 20, 20, 8 }, { 19, 19, 8 },
        { 9, 9, 8 },          { 8, 8, 8 },   { 7, 8, 8 },
    };
    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        f->conn.snd_mss = row[i][0];
        f->conn.timestamps = false;
        assert_int_equal(conn_mss(&f->conn), row[i][1]);
        f->conn.timestamps = true;
        assert_int_equal(conn_mss(&f->conn), row[i][2]);
    }
    end(f);
}

/* RFC 6675's estimate, and RFC 5681 3.2 where there is no SACK. */
static void pipe_is_what_is_not_known_to_be_gone(void **state)
{
    (void)state;
    struct fixture *f = begin();
    struct flight flight = { .count = 1, .lost = 1000, .sacked = 500 };
    f->conn.snd_mss = 100;
    f->conn.snd_una = 0xffffff00;
    f->conn.snd_nxt = f->conn.snd_una + 2000;
    assert_int_equal(conn_pipe(&f->conn), 2000);
    f->conn.flight = &flight;
    f->conn.sack = true;
    flight.dup_acks = 3;
    assert_int_equal(conn_pipe(&f->conn), 500);
    f->conn.sack = false;
    assert_int_equal(conn_pipe(&f->conn), 200);
    flight.dup_acks = 5;
    assert_int_equal(conn_pipe(&f->conn), 0);
    flight.dup_acks = 100;
    assert_int_equal(conn_pipe(&f->conn), 0);
    flight.lost = 1500;
    assert_int_equal(conn_pipe(&f->conn), 0);
    flight.lost = 3000; /* more than is outstanding cannot be gone */
    assert_int_equal(conn_pipe(&f->conn), 0);
    f->conn.flight = NULL;
    end(f);
}

/* The wheel node stands no later than the earliest deadline, and nowhere without one. */
static void one_node_serves_all_deadlines(void **state)
{
    (void)state;
    struct fixture *f = begin();
    struct wh_conn *conn = &f->conn;
    wh_time now = f->tcp.now;
    for (unsigned i = 0; i < DEADLINES; i++) {
        assert_true(conn->deadline[i] == WH_NEVER);
    }
    conn_deadline(conn, DEADLINE_ACK, WH_NEVER);
    assert_false(timer_armed(&conn->timer));
    conn_deadline(conn, DEADLINE_END, now + 50 * WH_SECOND);
    assert_true(timer_armed(&conn->timer));
    assert_true(conn->timer.deadline == now + 50 * WH_SECOND);
    conn_deadline(conn, DEADLINE_RETRANSMIT, now + 20 * WH_SECOND);
    assert_true(conn->timer.deadline == now + 20 * WH_SECOND);
    conn_deadline(conn, DEADLINE_RETRANSMIT, now + 30 * WH_SECOND);
    assert_true(conn->timer.deadline <= now + 30 * WH_SECOND);
    conn_deadline(conn, DEADLINE_RETRANSMIT, WH_NEVER);
    assert_true(timer_armed(&conn->timer));
    conn_deadline(conn, DEADLINE_END, WH_NEVER);
    assert_false(timer_armed(&conn->timer));
    end(f);
}

static void scaling_that_is_off_has_no_shift(void **state)
{
    (void)state;
    struct fixture *f = begin();
    set(f, WH_OPT_RECEIVE_BUFFER, 1 << 20);
    tcp_offer(&f->conn);
    assert_int_equal(f->conn.rcv_scale, 5);
    set(f, WH_OPT_WINDOW_SCALING, 0);
    tcp_offer(&f->conn);
    assert_int_equal(f->conn.rcv_scale, 0);
    end(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(room_is_what_the_buffer_has_left),
        cmocka_unit_test(room_shrinks_to_a_floor_when_memory_is_short),
        cmocka_unit_test(writable_from_the_mark_on),
        cmocka_unit_test(readable_from_the_mark_on),
        cmocka_unit_test(told_is_who_wants_to_hear),
        cmocka_unit_test(space_is_what_the_window_could_be),
        cmocka_unit_test(the_segment_size_leaves_room_for_options),
        cmocka_unit_test(pipe_is_what_is_not_known_to_be_gone),
        cmocka_unit_test(one_node_serves_all_deadlines),
        cmocka_unit_test(scaling_that_is_off_has_no_shift),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
