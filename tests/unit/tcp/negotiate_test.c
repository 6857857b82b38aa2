/* SPDX-License-Identifier: MIT */
#include "arena.h"

#include "tcp/protocol.h"

struct fixture {
    struct arena arena;
    struct tcp tcp;
    struct wh_conn conn;
};

static struct fixture *begin(bool ipv4, uint32_t mtu)
{
    struct fixture *f = calloc(1, sizeof *f);
    struct tuple tuple = { .local_port = 1 };
    const wh_addr ipv6 = { { 0xfd, [15] = 9 } };
    tuple.remote = tuple.local = ipv4 ? wh_ipv4(10, 0, 0, 1) : ipv6;
    arena_begin(&f->arena, (size_t)1 << 20);
    f->tcp.memory = f->arena.memory;
    f->tcp.mtu = mtu;
    f->tcp.now = 77 * WH_SECOND;
    list_init(&f->tcp.ready);
    list_init(&f->tcp.eventful);
    wheel_init(&f->tcp.wheel, 0);
    chunk_store_init(&f->tcp.chunks, &f->tcp.memory);
    f->tcp.defaults = profile_new(&f->tcp.memory);
    conn_init(&f->conn, &f->tcp, &tuple, f->tcp.defaults);
    return f;
}

static void end(struct fixture *f)
{
    conn_release(&f->conn);
    profile_drop(&f->tcp.memory, f->tcp.defaults);
    assert_int_equal(f->arena.bytes, 0);
    free(f);
}

static void set(struct fixture *f, wh_option option, int64_t value)
{
    assert_int_equal(profile_set(&f->tcp.memory, &f->conn.profile, option, value), WH_OK);
}

/* The smallest shift with which 16 bits reach the buffer's size; never above 14 (RFC 7323 2.3). */
static void the_scale_is_the_smallest_that_reaches(void **state)
{
    (void)state;
    assert_int_equal(tcp_window_scale(2048), 0);
    for (uint8_t scale = 0; scale <= 14; scale++) {
        int64_t reach = (int64_t)65535 << scale;
        assert_int_equal(tcp_window_scale(reach), scale);
        assert_int_equal(tcp_window_scale(reach + 1), MIN(scale + 1, 14));
    }
    assert_int_equal(tcp_window_scale((int64_t)1 << 40), 14);
}

static void announced_mss_follows_the_link(void **state)
{
    (void)state;
    static const struct {
        bool ipv4;
        uint32_t mtu;
        int64_t wanted;
        uint16_t mss;
    } row[] = {
        { true, 1500, 0, 1460 },    { false, 1500, 0, 1440 },  { true, 1500, 1000, 1000 },
        { true, 1500, 9000, 1460 }, { true, 65535, 0, 65495 }, { false, 65535, 0, 65475 },
        { true, 68, 0, 28 },        { false, 68, 0, 8 },
    };
    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        struct fixture *f = begin(row[i].ipv4, row[i].mtu);
        set(f, WH_OPT_MSS, row[i].wanted);
        assert_int_equal(tcp_announced_mss(&f->tcp, f->conn.profile, &f->conn.tuple.remote),
                         row[i].mss);
        tcp_offer(&f->conn);
        assert_int_equal(f->conn.snd_mss, row[i].mss);
        end(f);
    }
}

/* MUST-15, MUST-16: the peer's MSS, or the default of its family, but never more than ours. */
static void the_smaller_mss_counts(void **state)
{
    (void)state;
    static const struct {
        bool ipv4, told;
        uint16_t theirs, mss;
    } row[] = {
        { true, false, 0, 536 },      { false, false, 0, 1220 }, { true, true, 1000, 1000 },
        { true, true, 65535, 1460 },  { true, true, 0, 64 },     { true, true, 63, 64 },
        { false, true, 65535, 1440 },
    };
    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        struct fixture *f = begin(row[i].ipv4, 1500);
        struct segment_options options = { .has = row[i].told ? WH_HAS_MSS : 0,
                                           .mss = row[i].theirs };
        tcp_offer(&f->conn);
        tcp_agree(&f->conn, &options);
        assert_int_equal(f->conn.snd_mss, row[i].mss);
        end(f);
    }
}

/* Scale, timestamps and SACK hold only if both SYNs had them: all 64 combinations. */
static void an_option_holds_only_if_both_had_it(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 64; i++) {
        struct fixture *f = begin(true, 1500);
        struct segment_options options = { .window_scale = 3, .tsval = 4711 };
        bool ours[3], both[3];
        static const uint8_t has[3] = { WH_HAS_SACK_PERMITTED, WH_HAS_TIMESTAMPS,
                                        WH_HAS_WINDOW_SCALE };
        for (unsigned k = 0; k < 3; k++) {
            bool theirs = (i >> (3 + k) & 1) != 0;
            ours[k] = (i >> k & 1) != 0;
            both[k] = ours[k] && theirs;
            options.has = (uint8_t)(options.has | (theirs ? has[k] : 0));
        }
        set(f, WH_OPT_SACK, ours[0]);
        set(f, WH_OPT_TIMESTAMPS, ours[1]);
        set(f, WH_OPT_WINDOW_SCALING, ours[2]);
        tcp_offer(&f->conn);
        tcp_agree(&f->conn, &options);
        assert_int_equal(f->conn.sack, both[0]);
        assert_int_equal(f->conn.timestamps, both[1]);
        assert_int_equal(f->conn.scaling, both[2]);
        assert_int_equal(f->conn.snd_scale, both[2] ? 3 : 0);
        assert_int_equal(f->conn.rcv_scale, both[2] ? 9 : 0); /* for 16 MiB */
        assert_int_equal(f->conn.ts_recent, both[1] ? 4711 : 0);
        assert_int_equal(f->conn.ts_recent_age, both[1] ? 77 : 0);
        end(f);
    }
}

/* RFC 7323 2.3: above 14 counts as 14. */
static void their_scale_is_clamped(void **state)
{
    (void)state;
    static const uint8_t offered[] = { 0, 14, 15, 255 };
    for (size_t i = 0; i < sizeof offered; i++) {
        struct fixture *f = begin(true, 1500);
        struct segment_options options = { .has = WH_HAS_WINDOW_SCALE, .window_scale = offered[i] };
        tcp_offer(&f->conn);
        tcp_agree(&f->conn, &options);
        assert_int_equal(f->conn.snd_scale, MIN(offered[i], 14));
        end(f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_scale_is_the_smallest_that_reaches),
        cmocka_unit_test(announced_mss_follows_the_link),
        cmocka_unit_test(the_smaller_mss_counts),
        cmocka_unit_test(an_option_holds_only_if_both_had_it),
        cmocka_unit_test(their_scale_is_clamped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
