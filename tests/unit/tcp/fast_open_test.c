/* SPDX-License-Identifier: MIT */
#include "tcp/fast_open.h"

#include "arena.h"

struct fixture {
    struct arena arena;
    struct tcp tcp;
    struct wh_conn conn;
};

static struct tuple tuple_to(uint32_t peer)
{
    struct tuple tuple = { .local_port = 7, .remote_port = 80 };
    tuple.local = wh_ipv4(10, 0, 0, 1);
    tuple.remote = wh_ipv4(10, 1, (uint8_t)(peer >> 8), (uint8_t)peer);
    return tuple;
}

static struct fixture *begin(void)
{
    struct fixture *f = calloc(1, sizeof *f);
    arena_begin(&f->arena, (size_t)1 << 20);
    f->tcp.memory = f->arena.memory;
    f->tcp.now = 5 * WH_SECOND;
    f->tcp.fast_open_key[0] = (struct siphash_key){ 1, 2 };
    f->tcp.fast_open_key[1] = (struct siphash_key){ 3, 4 };
    f->conn.tcp = &f->tcp;
    fast_open_want(&f->conn);
    assert_int_equal(f->conn.fast_open, FAST_OPEN_WANTED);
    return f;
}

static void end(struct fixture *f)
{
    fast_open_free(&f->tcp);
    assert_int_equal(f->arena.bytes, 0);
    free(f);
}

static void without_memory_it_is_not_wanted(void **state)
{
    (void)state;
    struct fixture *f = begin();
    fast_open_free(&f->tcp);
    f->conn.fast_open = FAST_OPEN_OFF;
    f->arena.refuse_all = true;
    fast_open_want(&f->conn);
    assert_int_equal(f->conn.fast_open, FAST_OPEN_OFF);
    struct tuple tuple = tuple_to(1);
    assert_null(fast_open_recall(&f->tcp, &tuple));
    fast_open_learn(&f->tcp, &tuple, (const uint8_t *)"12345678", 8, 1460);
    fast_open_avoid(&f->tcp, &tuple);
    end(f);
}

static void a_cookie_is_good_for_its_addresses_and_two_keys(void **state)
{
    (void)state;
    struct fixture *f = begin();
    uint8_t cookie[FAST_OPEN_COOKIE];
    struct segment syn = { .tuple = tuple_to(1) };
    assert_int_equal(fast_open_check(&f->tcp, &syn), FAST_OPEN_NO_COOKIE);
    syn.options.has = WH_HAS_FAST_OPEN;
    syn.options.fast_open = cookie;
    assert_int_equal(fast_open_check(&f->tcp, &syn), FAST_OPEN_NO_COOKIE);
    syn.options.fast_open_length = FAST_OPEN_COOKIE;
    fast_open_cookie(&f->tcp, &syn.tuple, cookie);
    assert_int_equal(fast_open_check(&f->tcp, &syn), FAST_OPEN_GOOD);
    syn.tuple.remote_port++; /* ports are no part of it */
    syn.tuple.local_port++;
    assert_int_equal(fast_open_check(&f->tcp, &syn), FAST_OPEN_GOOD);
    for (unsigned bit = 0; bit < 8 * FAST_OPEN_COOKIE; bit++) {
        cookie[bit / 8] ^= (uint8_t)(1U << bit % 8);
        assert_int_equal(fast_open_check(&f->tcp, &syn), FAST_OPEN_WRONG);
        cookie[bit / 8] ^= (uint8_t)(1U << bit % 8);
    }
    for (unsigned i = 0; i < 16; i++) {
        syn.tuple.remote.bytes[i] ^= 1;
        assert_int_equal(fast_open_check(&f->tcp, &syn), FAST_OPEN_WRONG);
        syn.tuple.remote.bytes[i] ^= 1;
        syn.tuple.local.bytes[i] ^= 1;
        assert_int_equal(fast_open_check(&f->tcp, &syn), FAST_OPEN_WRONG);
        syn.tuple.local.bytes[i] ^= 1;
    }
    syn.options.fast_open_length = 6;
    assert_int_equal(fast_open_check(&f->tcp, &syn), FAST_OPEN_WRONG);
    syn.options.fast_open_length = FAST_OPEN_COOKIE;
    f->tcp.fast_open_key[1] = f->tcp.fast_open_key[0];
    f->tcp.fast_open_key[0].k0 = 9;
    assert_int_equal(fast_open_check(&f->tcp, &syn), FAST_OPEN_OLD);
    f->tcp.fast_open_key[1].k0 = 9;
    assert_int_equal(fast_open_check(&f->tcp, &syn), FAST_OPEN_WRONG);
    end(f);
}

static void the_peer_not_spoken_to_for_longest_is_forgotten(void **state)
{
    (void)state;
    struct fixture *f = begin();
    for (uint32_t peer = 0; peer < FAST_OPEN_PEERS; peer++) {
        struct tuple tuple = tuple_to(peer);
        uint8_t cookie[4] = { (uint8_t)peer };
        f->tcp.now += WH_SECOND;
        fast_open_learn(&f->tcp, &tuple, cookie, 4, (uint16_t)(1000 + peer));
    }
    struct tuple zero = tuple_to(0), one = tuple_to(1), new = tuple_to(1000);
    f->tcp.now += WH_SECOND;
    assert_int_equal(fast_open_recall(&f->tcp, &zero)->mss, 1000); /* spoken to again */
    fast_open_learn(&f->tcp, &new, (const uint8_t *)"abcdef", 6, 1460);
    assert_null(fast_open_recall(&f->tcp, &one));
    assert_non_null(fast_open_recall(&f->tcp, &zero));
    struct fast_open_peer *peer = fast_open_recall(&f->tcp, &new);
    assert_int_equal(peer->length, 6);
    assert_memory_equal(peer->cookie, "abcdef", 6);
    assert_int_equal(peer->mss, 1460);
    struct tuple from_elsewhere = new;
    from_elsewhere.local = wh_ipv4(10, 0, 0, 2);
    assert_null(fast_open_recall(&f->tcp, &from_elsewhere));
    end(f);
}

static void avoidance_doubles_to_an_hour_and_ends_with_a_cookie(void **state)
{
    (void)state;
    struct fixture *f = begin();
    struct tuple tuple = tuple_to(1);
    for (unsigned i = 0; i < 300; i++) {
        fast_open_avoid(&f->tcp, &tuple);
        struct fast_open_peer *peer = fast_open_recall(&f->tcp, &tuple);
        wh_time minutes = (wh_time)1 << MIN(i, 6U);
        assert_int_equal(peer->avoid_until - f->tcp.now, minutes * 60 * WH_SECOND);
        assert_int_equal(peer->length, 0);
        f->tcp.now = peer->avoid_until;
    }
    fast_open_learn(&f->tcp, &tuple, (const uint8_t *)"1234", 4, 1460);
    assert_int_equal(fast_open_recall(&f->tcp, &tuple)->avoid_until, 0);
    fast_open_avoid(&f->tcp, &tuple);
    struct fast_open_peer *peer = fast_open_recall(&f->tcp, &tuple);
    assert_int_equal(peer->avoid_until - f->tcp.now, 60 * WH_SECOND);
    assert_int_equal(peer->length, 4); /* the cookie is still good, once it is tried again */
    end(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_memory_it_is_not_wanted),
        cmocka_unit_test(a_cookie_is_good_for_its_addresses_and_two_keys),
        cmocka_unit_test(the_peer_not_spoken_to_for_longest_is_forgotten),
        cmocka_unit_test(avoidance_doubles_to_an_hour_and_ends_with_a_cookie),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
