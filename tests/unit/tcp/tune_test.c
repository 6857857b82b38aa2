/* SPDX-License-Identifier: MIT */
/* How large buffers are: what the reader took in a round trip, how long that is, what memory is left. */
#include "arena.h"

#include "tcp/protocol.h"
#include "tcp/tune.h"

#define CAP ((size_t)64 << 20)

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
    f->conn.rcv_scale = 9;
    f->conn.rcv_nxt = UINT32_MAX - 30000; /* wraps on the way */
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

/* After `span` the reader has taken so many bytes more. */
static uint32_t reads(struct fixture *f, wh_time span, uint32_t bytes)
{
    f->tcp.now += span;
    f->conn.rcv_nxt += bytes;
    tune_read(&f->conn);
    return tune_receive_limit(&f->conn);
}

static void four_times_what_is_read_but_at_most_twice_the_window(void **state)
{
    (void)state;
    struct fixture *f = begin();
    f->conn.srtt = 50000;
    assert_int_equal(reads(f, 0, 1000), 65536);
    assert_int_equal(reads(f, 49999 * WH_MICROSECOND, 20000), 65536);
    assert_int_equal(reads(f, WH_MICROSECOND, 5000), 100000);
    assert_int_equal(reads(f, 50 * WH_MILLISECOND, 99000), 200000);
    /* half the pace: what was read in two round trips counts as half of it in one */
    assert_int_equal(reads(f, 100 * WH_MILLISECOND, 120000), 240000);
    assert_int_equal(reads(f, 50 * WH_MILLISECOND, 1000), 240000);
    end(f);
}

/* No timestamps and no handshake to tell: more than a window takes at least a round trip. */
static void a_windows_worth_tells_the_round_trip(void **state)
{
    (void)state;
    struct fixture *f = begin();
    (void)reads(f, 0, 1000);
    assert_int_equal(reads(f, 30 * WH_MILLISECOND, 65536), 65536);
    assert_int_equal(f->conn.rcv_rtt, 0);
    assert_int_equal(reads(f, 10 * WH_MILLISECOND, 1), 131072);
    assert_int_equal(f->conn.rcv_rtt, 40000);
    (void)reads(f, 20 * WH_MILLISECOND, 131073);
    assert_int_equal(f->conn.rcv_rtt, 20000); /* shorter than was thought */
    end(f);
}

static void timestamps_tell_the_round_trip(void **state)
{
    (void)state;
    struct fixture *f = begin();
    struct segment segment = { .length = 1000 };
    f->conn.rcv_mss = 1000;
    segment.options.tsecr = tcp_timestamp(&f->tcp, 0) - 80;
    tune_round_trip(&f->conn, &segment);
    assert_int_equal(f->conn.rcv_rtt, 0); /* not agreed on */
    f->conn.timestamps = true;
    tune_round_trip(&f->conn, &segment);
    assert_int_equal(f->conn.rcv_rtt, 80000);
    segment.options.tsecr += 40;
    tune_round_trip(&f->conn, &segment);
    assert_int_equal(f->conn.rcv_rtt, 40000); /* shorter: at once */
    segment.options.tsecr -= 100000;
    tune_round_trip(&f->conn, &segment);
    assert_int_equal(f->conn.rcv_rtt, 45000); /* the sender was idle: an eighth more at most */
    segment.length = 999;
    segment.options.tsecr += 100000;
    tune_round_trip(&f->conn, &segment);
    assert_int_equal(f->conn.rcv_rtt, 45000); /* it may have waited for more */
    segment.length = 1000;
    segment.options.tsecr = tcp_timestamp(&f->tcp, 0) + 1;
    tune_round_trip(&f->conn, &segment);
    assert_int_equal(f->conn.rcv_rtt, 45000); /* from the future */
    segment.options.tsecr = tcp_timestamp(&f->tcp, 0);
    tune_round_trip(&f->conn, &segment);
    assert_int_equal(f->conn.rcv_rtt, 1000); /* within the clock's tick */
    end(f);
}

static void a_reader_who_leaves_half_unread_gets_no_more(void **state)
{
    (void)state;
    struct fixture *f = begin();
    f->conn.srtt = 10000;
    (void)reads(f, 0, 1000);
    f->conn.receive.length = 32769;
    assert_int_equal(reads(f, 10 * WH_MILLISECOND, 65536), 65536);
    f->conn.receive.length = 32768;
    assert_int_equal(reads(f, 0, 0), 131072);
    f->conn.receive.length = 0;
    end(f);
}

static void the_memory_bounds_windows_and_queues(void **state)
{
    (void)state;
    struct fixture *f = begin();
    struct memory *memory = &f->tcp.memory;
    size_t used = memory->used;
    size_t most = memory->cap - memory->reserve;
    assert_int_equal(tune_affordable(&f->conn, 1000000), 1000000);
    memory->used = most - 400000;
    assert_int_equal(tune_affordable(&f->conn, 200000), 200000);
    assert_int_equal(tune_affordable(&f->conn, 200001), 200000);
    /* a quarter of what is left */
    f->conn.srtt = 10000;
    (void)reads(f, 0, 1000);
    assert_int_equal(reads(f, 10 * WH_MILLISECOND, 65000), 100000);
    assert_int_equal(reads(f, 10 * WH_MILLISECOND, 90000), 100000);
    /* nothing left */
    memory->used = most;
    assert_int_equal(tune_affordable(&f->conn, 200000), 2 * 1460);
    f->conn.receive.length = 1;
    assert_int_equal(tune_affordable(&f->conn, 200000), 0);
    f->conn.receive.length = 0;
    assert_int_equal(tune_send_limit(&f->conn), 16384);
    memory->used = memory->cap / 4 * 3 - 400000;
    assert_int_equal(tune_send_limit(&f->conn), 100000);
    memory->used = used;
    end(f);
}

static void the_send_queue_follows_the_congestion_window(void **state)
{
    (void)state;
    struct fixture *f = begin();
    f->conn.cwnd = 98304;
    assert_int_equal(tune_send_limit(&f->conn), 262144);
    f->conn.cwnd = 98305;
    assert_int_equal(tune_send_limit(&f->conn), 262146);
    f->tcp.memory.used = 0;
    f->conn.cwnd = UINT32_MAX;
    assert_int_equal(tune_send_limit(&f->conn), CAP / 4 * 3 / 4);
    f->tcp.memory.used = f->arena.memory.used;
    end(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(four_times_what_is_read_but_at_most_twice_the_window),
        cmocka_unit_test(a_windows_worth_tells_the_round_trip),
        cmocka_unit_test(timestamps_tell_the_round_trip),
        cmocka_unit_test(a_reader_who_leaves_half_unread_gets_no_more),
        cmocka_unit_test(the_memory_bounds_windows_and_queues),
        cmocka_unit_test(the_send_queue_follows_the_congestion_window),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
