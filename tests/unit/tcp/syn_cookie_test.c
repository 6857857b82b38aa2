/* SPDX-License-Identifier: MIT */
#include "tcp/syn_cookie.h"

#include "arena.h"

#include "tcp/protocol.h"

#define PERIOD (UINT64_C(4000) << 24)

struct fixture {
    struct arena arena;
    struct tcp tcp;
};

static struct fixture *begin(void)
{
    struct fixture *f = calloc(1, sizeof *f);
    arena_begin(&f->arena, (size_t)1 << 20);
    f->tcp.defaults = profile_new(&f->arena.memory);
    f->tcp.now = 1000 * WH_SECOND;
    f->tcp.isn_key = (struct siphash_key){ 1, 2 };
    f->tcp.cookie_key = (struct siphash_key){ 5, 6 };
    return f;
}

static void end(struct fixture *f)
{
    profile_drop(&f->arena.memory, f->tcp.defaults);
    arena_end(&f->arena);
    free(f);
}

static struct segment any_syn(uint64_t *dice)
{
    struct segment syn = { .seq = (uint32_t)any(dice), .flags = WH_SYN };
    for (unsigned i = 0; i < 16; i++) {
        syn.tuple.local.bytes[i] = (uint8_t)any(dice);
        syn.tuple.remote.bytes[i] = (uint8_t)any(dice);
    }
    syn.tuple.local_port = (uint16_t)any(dice);
    syn.tuple.remote_port = (uint16_t)any(dice);
    syn.options.has = (uint8_t)any_below(dice, WH_HAS_SACK);
    syn.options.mss = (uint16_t)any(dice);
    syn.options.window_scale = (uint8_t)any_below(dice, 20);
    syn.options.tsval = (uint32_t)any(dice);
    return syn;
}

/* The ACK with which an honest peer answers the SYN,ACK made of the entry. */
static struct segment ack_of(struct fixture *f, const struct segment *syn,
                             const struct half_open *entry)
{
    struct segment ack = {
        .tuple = syn->tuple, .seq = syn->seq + 1, .ack = entry->iss + 1, .flags = WH_ACK
    };
    if (entry->flags & HALF_OPEN_TIMESTAMPS) {
        ack.options.has = WH_HAS_TIMESTAMPS;
        ack.options.tsval = syn->options.tsval + 5;
        ack.options.tsecr = syn_cookie_stamp(entry, tcp_timestamp(&f->tcp, 77));
    }
    return ack;
}

static struct half_open make(struct fixture *f, const struct segment *syn)
{
    struct half_open entry = { .flags = 0 };
    half_open_negotiate(&f->tcp, &entry, syn);
    syn_cookie_make(&f->tcp, &entry);
    return entry;
}

static void what_was_agreed_comes_back(void **state)
{
    (void)state;
    struct fixture *f = begin();
    uint64_t dice = 1;
    for (unsigned i = 0; i < 20000; i++) {
        f->tcp.now = any(&dice) >> 10;
        struct segment syn = any_syn(&dice);
        struct half_open made = make(f, &syn), back;
        struct segment ack = ack_of(f, &syn, &made);
        f->tcp.now += any(&dice) % PERIOD; /* good for a whole period at least */
        assert_int_equal(syn_cookie_check(&f->tcp, &ack, &back), SYN_COOKIE_GOOD);
        assert_memory_equal(&back.tuple, &syn.tuple, sizeof back.tuple);
        assert_int_equal(back.irs, syn.seq);
        assert_int_equal(back.iss, made.iss);
        assert_int_equal(back.mss, made.mss);
        assert_int_equal(back.flags, made.flags);
        assert_int_equal(back.rcv_scale, made.rcv_scale);
        if (made.flags & HALF_OPEN_SCALING) {
            assert_int_equal(back.snd_scale, made.snd_scale);
        }
        if (made.flags & HALF_OPEN_TIMESTAMPS) {
            assert_int_equal(back.ts_recent, syn.options.tsval + 5);
        } else {
            assert_int_equal(made.flags, 0);
        }
    }
    end(f);
}

static void the_mss_is_never_rounded_up(void **state)
{
    (void)state;
    static const uint16_t classes[] = { 64, 256, 536, 1220, 1360, 1440, 1460, 8940, 65535 };
    struct fixture *f = begin();
    uint64_t dice = 2;
    struct segment syn = any_syn(&dice);
    syn.options.has = WH_HAS_MSS;
    for (uint32_t mss = 0, class = 0; mss < 65535; mss++) {
        syn.options.mss = (uint16_t)mss;
        while (mss >= classes[class + 1]) {
            class ++;
        }
        assert_int_equal(make(f, &syn).mss, classes[class]);
    }
    end(f);
}

/* Any one change of what came back, and it is no cookie. */
static void nothing_may_change(void **state)
{
    (void)state;
    struct fixture *f = begin();
    uint64_t dice = 3;
    unsigned believed = 0;
    for (unsigned i = 0; i < 4000; i++) {
        struct segment syn = any_syn(&dice);
        syn.options.has |= WH_HAS_TIMESTAMPS;
        struct half_open made = make(f, &syn), back;
        struct segment ack = ack_of(f, &syn, &made);
        switch (i % 8) {
        case 0: ack.tuple.remote.bytes[any_below(&dice, 16)] ^= 1; break;
        case 1: ack.tuple.local.bytes[any_below(&dice, 16)] ^= 1; break;
        case 2: ack.tuple.remote_port ^= 1; break;
        case 3: ack.tuple.local_port ^= 1; break;
        case 4: ack.seq ^= UINT32_C(1) << any_below(&dice, 32); break;
        case 5: ack.ack ^= UINT32_C(1) << any_below(&dice, 32); break;
        case 6: ack.options.tsecr ^= UINT32_C(1) << any_below(&dice, 6); break;
        default: ack.options.has = 0; break;
        }
        believed += syn_cookie_check(&f->tcp, &ack, &back) == SYN_COOKIE_GOOD;
    }
    assert_int_equal(believed, 0);
    end(f);
}

/* A segment further on in the first window: ours, and never mistaken for what opens the connection. */
static void what_runs_ahead_is_known(void **state)
{
    (void)state;
    struct fixture *f = begin();
    uint64_t dice = 8;
    for (unsigned i = 0; i < 100000; i++) {
        struct segment syn = any_syn(&dice);
        if (i % 2 == 0) {
            syn.seq = (syn.seq & ~(uint32_t)0x1fffff) - any_below(&dice, 65536);
        }
        struct half_open made = make(f, &syn), back;
        struct segment ack = ack_of(f, &syn, &made);
        ack.seq += 1 + any_below(&dice, 65535);
        assert_int_equal(syn_cookie_check(&f->tcp, &ack, &back), SYN_COOKIE_AHEAD);
    }
    end(f);
}

static void another_key_or_scale_is_another_cookie(void **state)
{
    (void)state;
    struct fixture *f = begin();
    uint64_t dice = 4;
    struct segment syn = any_syn(&dice);
    struct half_open made = make(f, &syn), back;
    struct segment ack = ack_of(f, &syn, &made);
    assert_int_equal(syn_cookie_check(&f->tcp, &ack, &back), SYN_COOKIE_GOOD);
    f->tcp.cookie_key.k1++;
    assert_int_equal(syn_cookie_check(&f->tcp, &ack, &back), SYN_COOKIE_WRONG);
    f->tcp.cookie_key.k1--;
    f->tcp.isn_key.k0++;
    assert_int_equal(syn_cookie_check(&f->tcp, &ack, &back), SYN_COOKIE_WRONG);
    f->tcp.isn_key.k0--;
    /* The window scale that our SYN,ACK announced is not what we would announce now. */
    assert_int_equal(
        profile_set(&f->arena.memory, &f->tcp.defaults, WH_OPT_RECEIVE_BUFFER, 65536 * 64), WH_OK);
    assert_int_equal(syn_cookie_check(&f->tcp, &ack, &back), SYN_COOKIE_WRONG);
    end(f);
}

static void good_for_one_period_and_what_is_left_of_its_own(void **state)
{
    (void)state;
    struct fixture *f = begin();
    uint64_t dice = 5;
    for (unsigned i = 0; i < 1000; i++) {
        wh_time begins = (1 + any_below(&dice, 100000)) * PERIOD;
        f->tcp.now = begins + any(&dice) % PERIOD;
        struct segment syn = any_syn(&dice);
        struct half_open made = make(f, &syn), back;
        struct segment ack = ack_of(f, &syn, &made);
        f->tcp.now = begins + 2 * PERIOD - 1;
        assert_int_equal(syn_cookie_check(&f->tcp, &ack, &back), SYN_COOKIE_GOOD);
        f->tcp.now = begins + 2 * PERIOD;
        assert_int_equal(syn_cookie_check(&f->tcp, &ack, &back), SYN_COOKIE_WRONG);
        f->tcp.now = begins + 256 * PERIOD; /* the high byte is the same again */
        assert_int_not_equal(syn_cookie_check(&f->tcp, &ack, &back), SYN_COOKIE_GOOD);
        f->tcp.now = begins - 1; /* from the future */
        assert_int_equal(syn_cookie_check(&f->tcp, &ack, &back), SYN_COOKIE_WRONG);
    }
    end(f);
}

/* RFC 6528: the number moves with the clock, at most a period away from what it would have been. */
static void the_number_keeps_to_the_clock(void **state)
{
    (void)state;
    struct fixture *f = begin();
    uint64_t dice = 6;
    struct segment syn = any_syn(&dice);
    for (unsigned i = 0; i < 5000; i++) {
        f->tcp.now = any(&dice) >> 8;
        syn.seq = (uint32_t)any(&dice);
        uint32_t usual = tcp_choose_iss(&f->tcp, &syn.tuple);
        uint32_t away = make(f, &syn).iss - usual;
        assert_true(away < (1U << 24) || away > UINT32_MAX - (1U << 24));
        f->tcp.now += 2 * PERIOD;
        assert_true(seq_gt(make(f, &syn).iss, usual));
    }
    end(f);
}

static void the_stamp_is_just_below_the_clock(void **state)
{
    (void)state;
    struct half_open entry = { .flags = HALF_OPEN_TIMESTAMPS | HALF_OPEN_SCALING };
    for (uint32_t scale = 0; scale <= 14; scale++) {
        entry.snd_scale = scale & 0xf;
        for (uint32_t clock = UINT32_MAX - 200; clock != 200; clock++) {
            uint32_t stamp = syn_cookie_stamp(&entry, clock);
            assert_true(clock - stamp < 64);
            assert_int_equal(stamp & 0xf, scale);
        }
    }
}

static void a_guess_is_as_good_as_none(void **state)
{
    (void)state;
    struct fixture *f = begin();
    uint64_t dice = 7;
    struct segment ack = any_syn(&dice);
    struct half_open back;
    unsigned believed = 0;
    ack.options.has = 0;
    for (unsigned i = 0; i < 1000000; i++) {
        ack.ack = (uint32_t)any(&dice);
        believed += syn_cookie_check(&f->tcp, &ack, &back) == SYN_COOKIE_GOOD;
    }
    assert_true(believed <= 1); /* 16 of 2^32 */
    end(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_agreed_comes_back),
        cmocka_unit_test(the_mss_is_never_rounded_up),
        cmocka_unit_test(nothing_may_change),
        cmocka_unit_test(what_runs_ahead_is_known),
        cmocka_unit_test(another_key_or_scale_is_another_cookie),
        cmocka_unit_test(good_for_one_period_and_what_is_left_of_its_own),
        cmocka_unit_test(the_number_keeps_to_the_clock),
        cmocka_unit_test(the_stamp_is_just_below_the_clock),
        cmocka_unit_test(a_guess_is_as_good_as_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
