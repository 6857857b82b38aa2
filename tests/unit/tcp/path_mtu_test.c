/* SPDX-License-Identifier: MIT */
/* The search for the path's packet size beside a path that carries so much and no more. */
#include "arena.h"

#include "tcp/path_mtu.h"
#include "tcp/protocol.h"
#include "tcp/recovery.h"

struct fixture {
    struct arena arena;
    struct tcp tcp;
    struct wh_conn conn;
};

static struct fixture *begin(bool ipv4, int64_t probing, uint32_t most)
{
    struct fixture *f = calloc(1, sizeof *f);
    struct wh_conn *conn = &f->conn;
    struct tuple tuple = { .local_port = 1 };
    const wh_addr ipv6 = { { 0xfd, [15] = 9 } };
    tuple.remote = tuple.local = ipv4 ? wh_ipv4(10, 0, 0, 1) : ipv6;
    arena_begin(&f->arena, (size_t)1 << 20);
    f->tcp.memory = f->arena.memory;
    f->tcp.now = 77 * WH_SECOND;
    list_init(&f->tcp.ready);
    list_init(&f->tcp.eventful);
    wheel_init(&f->tcp.wheel, 0);
    chunk_store_init(&f->tcp.chunks, &f->tcp.memory);
    f->tcp.defaults = profile_new(&f->tcp.memory);
    conn_init(conn, &f->tcp, &tuple, f->tcp.defaults);
    assert_int_equal(profile_set(&f->tcp.memory, &conn->profile, WH_OPT_MTU_PROBING, probing),
                     WH_OK);
    conn->record.state = WH_ESTABLISHED;
    conn->sack = true;
    conn->iss = UINT32_MAX - 5000; /* numbers wrap */
    conn->snd_una = conn->snd_nxt = conn->snd_max = conn->iss + 1;
    conn->snd_end = conn->snd_nxt + (1U << 30);
    conn->snd_wnd = conn->max_snd_wnd = 1U << 20;
    conn->cwnd = 1U << 20;
    conn->snd_mss = (uint16_t)most;
    path_mtu_begin(conn, most);
    assert_true(flight_begin(&conn->flight, &f->tcp.chunks));
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

static void send(struct fixture *f, uint32_t bytes)
{
    struct wh_conn *conn = &f->conn;
    const struct snapshot then = { 0 };
    assert_true(flight_send(&conn->flight, &f->tcp.chunks, conn->snd_nxt, conn->snd_nxt + bytes,
                            f->tcp.now, &then));
    path_mtu_sent(conn, conn->snd_nxt, bytes, conn->snd_mss);
    conn->snd_nxt += bytes;
    conn->snd_max = conn->snd_nxt;
}

/* Everything in flight is acknowledged. */
static void acknowledge(struct fixture *f)
{
    struct wh_conn *conn = &f->conn;
    struct delivery delivery = { .trusted_to = f->tcp.now };
    conn->snd_una = conn->snd_nxt;
    flight_acknowledge(conn->flight, conn->snd_una, &delivery);
    path_mtu_acknowledged(conn, &delivery);
}

/* Sends a probe, if one is wanted now, over a path that carries `size`. */
static bool probe(struct fixture *f, uint32_t size)
{
    struct wh_conn *conn = &f->conn;
    uint32_t wanted = path_mtu_probe(conn, 0);
    if (wanted == 0) {
        return false;
    }
    assert_true(wanted > conn->snd_mss && wanted <= conn->mtu_most);
    uint32_t start = conn->snd_nxt;
    send(f, 100); /* at the same instant: a range of its own all the same */
    start += 100;
    send(f, wanted);
    path_mtu_probe_sent(conn, start, wanted);
    uint32_t position = flight_find(conn->flight, start);
    struct range *range = flight_at(conn->flight, position);
    assert_true((range->flags & RANGE_PROBE) && range->start == start);
    assert_int_equal(path_mtu_probe(conn, 0), 0); /* one at a time */
    send(f, 100);
    if (wanted > size) {
        uint32_t total = conn->flight->lost_total;
        recovery_lose(conn, range, false);
        assert_false(path_mtu_congestion(conn));
        assert_int_equal(conn->flight->lost_total, total);
        assert_int_equal(conn->flight->spared, wanted);
    }
    acknowledge(f);
    assert_int_equal(conn->flight->spared, 0);
    return true;
}

/* Probes until there is nothing left to find out; returns how many it took. */
static unsigned search(struct fixture *f, uint32_t size)
{
    unsigned n = 0;
    while (f->conn.mtu_state & MTU_SEARCHING) {
        n += probe(f, size);
        f->tcp.now += 600 * WH_MILLISECOND;
        assert_true(n < 60);
    }
    assert_true(f->conn.snd_mss <= size);
    return n;
}

static void the_search_comes_close_to_every_path(void **state)
{
    (void)state;
    for (int ipv4 = 0; ipv4 < 2; ipv4++) {
        uint32_t headers = ipv4 ? 40 : 60;
        for (uint32_t packet = 1280; packet <= 9000; packet += packet < 1501 ? 1 : 37) {
            struct fixture *f = begin(ipv4, 2, 9000 - headers);
            assert_int_equal(f->conn.snd_mss, 1280 - headers);
            unsigned probes = search(f, packet - headers);
            assert_true(f->conn.snd_mss + 64U > packet - headers);
            assert_true(probes <= 32);
            end(f);
        }
    }
}

static void a_path_that_carries_all_takes_one_probe(void **state)
{
    (void)state;
    struct fixture *f = begin(true, 2, 8960);
    assert_int_equal(search(f, 8960), 1);
    assert_int_equal(f->conn.snd_mss, 8960);
    assert_int_equal(f->conn.mtu_state & (MTU_SEARCHING | MTU_SETTLED), 0);
    end(f);
}

/* Sizes that links and tunnels have are found exactly. */
static void common_sizes_are_met(void **state)
{
    (void)state;
    static const uint32_t size[] = { 1400, 1420, 1440, 1450, 1480, 1492 };
    for (size_t i = 0; i < sizeof size / sizeof size[0]; i++) {
        struct fixture *f = begin(true, 2, 1460);
        search(f, size[i] - 40);
        assert_int_equal(f->conn.snd_mss, size[i] - 40);
        end(f);
    }
}

static void a_lost_probe_is_followed_by_a_pause(void **state)
{
    (void)state;
    struct fixture *f = begin(true, 2, 1460);
    f->conn.srtt = 300000;
    assert_true(probe(f, 1240));
    f->tcp.now += 1199 * WH_MILLISECOND;
    assert_int_equal(path_mtu_probe(&f->conn, 0), 0);
    f->tcp.now += 1 * WH_MILLISECOND;
    assert_int_equal(path_mtu_probe(&f->conn, 0), 1460);
    end(f);
}

/* No probe where its loss could not be told, or would cost too much. */
static void probes_need_room(void **state)
{
    (void)state;
    struct fixture *f = begin(true, 2, 1460);
    struct wh_conn *conn = &f->conn;
    const uint32_t enough = 1460 + 3 * 1240;
    assert_int_equal(path_mtu_probe(conn, 0), 1460);
    conn->snd_end = conn->snd_nxt + enough;
    assert_int_equal(path_mtu_probe(conn, 0), 1460);
    conn->snd_end--;
    assert_int_equal(path_mtu_probe(conn, 0), 0);
    conn->snd_end++;
    conn->snd_wnd = enough;
    assert_int_equal(path_mtu_probe(conn, 0), 1460);
    conn->snd_wnd--;
    assert_int_equal(path_mtu_probe(conn, 0), 0);
    conn->snd_wnd++;
    conn->cwnd = enough;
    assert_int_equal(path_mtu_probe(conn, 0), 1460);
    conn->cwnd--;
    assert_int_equal(path_mtu_probe(conn, 0), 0);
    conn->cwnd++;
    conn->recovery = RECOVERY_FAST;
    assert_int_equal(path_mtu_probe(conn, 0), 0);
    conn->recovery = RECOVERY_NONE;
    conn->urgent_out = true;
    assert_int_equal(path_mtu_probe(conn, 0), 0);
    conn->urgent_out = false;
    conn->sack = false;
    assert_int_equal(path_mtu_probe(conn, 0), 0);
    end(f);
}

static void a_probe_lost_with_others_tells_nothing(void **state)
{
    (void)state;
    struct fixture *f = begin(true, 2, 1460);
    struct wh_conn *conn = &f->conn;
    for (int i = 0; i < 5; i++) {
        uint32_t start = conn->snd_nxt;
        assert_int_equal(path_mtu_probe(conn, 0), 1460);
        send(f, 1460);
        path_mtu_probe_sent(conn, start, 1460);
        send(f, 1240);
        recovery_lose(conn, flight_at(conn->flight, 0), false);
        recovery_lose(conn, flight_at(conn->flight, 1), false);
        assert_true(path_mtu_congestion(conn));
        assert_int_equal(conn->flight->lost, 2700);
        acknowledge(f);
        f->tcp.now += WH_SECOND;
    }
    assert_int_equal(conn->mtu_high, 1460);
    assert_int_equal(conn->mtu_failures, 0);
    end(f);
}

/* Minutes are counted modulo 65536: ten of them are ten at any time. */
static void a_small_size_is_doubted_after_ten_minutes(void **state)
{
    (void)state;
    static const uint64_t when[] = { 0, 65530, 65535, 131070 };
    for (size_t i = 0; i < sizeof when / sizeof when[0]; i++) {
        for (int64_t probing = 0; probing < 2; probing++) {
            struct fixture *f = begin(true, probing, 1460);
            struct wh_conn *conn = &f->conn;
            f->tcp.now = when[i] * 60 * WH_SECOND;
            send(f, 1460);
            tcp_path_mtu(conn, 1400, conn->snd_una);
            assert_int_equal(conn->snd_mss, 1360);
            acknowledge(f);
            for (unsigned minute = 0; minute < 9; minute++) {
                f->tcp.now += 60 * WH_SECOND;
                assert_int_equal(path_mtu_probe(conn, 0), 0);
            }
            assert_int_equal(conn->snd_mss, 1360);
            f->tcp.now += 2 * 60 * WH_SECOND;
            assert_int_equal(path_mtu_probe(conn, 0), probing ? 1460 : 0);
            assert_int_equal(conn->snd_mss, probing ? 1360 : 1460);
            end(f);
        }
    }
}

/* RFC 5927 7.2: believed at once before anything of the size has arrived, then only when it comes true. */
static void icmp_is_believed_when_it_comes_true(void **state)
{
    (void)state;
    struct fixture *f = begin(true, 1, 1460);
    struct wh_conn *conn = &f->conn;
    tcp_path_mtu(conn, 1400, conn->snd_una); /* nothing is in flight */
    assert_int_equal(conn->snd_mss, 1460);
    send(f, 1460);
    tcp_path_mtu(conn, 1500, conn->snd_una);
    assert_int_equal(conn->snd_mss, 1460);
    acknowledge(f);
    assert_true(conn->mtu_state & MTU_PROVEN);
    send(f, 1460);
    uint32_t named = conn->snd_una;
    tcp_path_mtu(conn, 1400, named);
    tcp_path_mtu(conn, 600, named); /* a liar asks for more */
    assert_int_equal(conn->snd_mss, 1460);
    acknowledge(f);
    assert_int_equal(conn->flight->mtu_claim, 0);
    f->tcp.now += WH_MILLISECOND;
    send(f, 1460);
    f->tcp.now += WH_MILLISECOND;
    send(f, 1460);
    tcp_path_mtu(conn, 1400, conn->snd_una + 1460);
    recovery_lose(conn, flight_at(conn->flight, 0), false); /* another one */
    assert_int_equal(conn->snd_mss, 1460);
    recovery_lose(conn, flight_at(conn->flight, 1), false);
    assert_int_equal(conn->snd_mss, 1360);
    assert_int_equal(f->tcp.count[WH_WHY_ICMP_TOO_BIG], 1);
    end(f);
}

static void no_word_goes_below_the_floor(void **state)
{
    (void)state;
    for (int ipv4 = 0; ipv4 < 2; ipv4++) {
        for (uint32_t mtu = 0; mtu < 1400; mtu += 7) {
            struct fixture *f = begin(ipv4, 1, 1440);
            send(f, 1440);
            tcp_path_mtu(&f->conn, mtu, f->conn.snd_una);
            uint32_t packet = MAX(mtu, ipv4 ? 576U : 1280U);
            assert_int_equal(f->conn.snd_mss, packet - (ipv4 ? 40 : 60));
            end(f);
        }
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_search_comes_close_to_every_path),
        cmocka_unit_test(a_path_that_carries_all_takes_one_probe),
        cmocka_unit_test(common_sizes_are_met),
        cmocka_unit_test(a_lost_probe_is_followed_by_a_pause),
        cmocka_unit_test(probes_need_room),
        cmocka_unit_test(a_probe_lost_with_others_tells_nothing),
        cmocka_unit_test(a_small_size_is_doubted_after_ten_minutes),
        cmocka_unit_test(icmp_is_believed_when_it_comes_true),
        cmocka_unit_test(no_word_goes_below_the_floor),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
