/* SPDX-License-Identifier: MIT */
/* The flight beside a model that keeps one record a byte. */
#include "arena.h"

#include "tcp/flight.h"

#define MOST 6000 /* bytes in flight in the model */

struct byte {
    uint64_t sent;
    bool sacked, lost, again;
};

struct model {
    struct arena arena;
    struct flight *flight;
    uint32_t una, nxt;
    struct byte byte[MOST]; /* from una */
    uint64_t now;
};

static void model_begin(struct model *m, uint32_t start)
{
    memset(m, 0, sizeof *m);
    arena_begin(&m->arena, (size_t)1 << 24);
    m->una = m->nxt = start;
    m->now = 1000;
}

static void model_end(struct model *m)
{
    flight_free(&m->flight, &m->arena.store);
    arena_end(&m->arena);
}

/* Ranges in order, without gaps; every byte's marks, and the sums, as in the model. */
static void compare(struct model *m)
{
    struct flight *f = m->flight;
    uint32_t sacked = 0, lost = 0, high = 0, first_lost = UINT32_MAX;
    if (m->una == m->nxt) {
        assert_null(f);
        return;
    }
    uint32_t next = m->una;
    for (uint32_t i = 0; i < f->count; i++) {
        const struct range *range = flight_at(f, i);
        assert_int_equal(range->start, next);
        assert_true(seq_lt(range->start, range->end));
        next = range->end;
        for (uint32_t seq = range->start; seq != range->end; seq++) {
            const struct byte *byte = &m->byte[seq - m->una];
            assert_int_equal((range->flags & RANGE_SACKED) != 0, byte->sacked);
            assert_int_equal((range->flags & RANGE_LOST) != 0, byte->lost);
            assert_int_equal((range->flags & RANGE_RETRANSMITTED) != 0, byte->again);
            assert_int_equal(range->sent, byte->sent);
            sacked += byte->sacked;
            lost += byte->lost;
            high = byte->sacked ? seq + 1 : high;
        }
        if ((range->flags & RANGE_LOST) && first_lost == UINT32_MAX) {
            first_lost = i;
        }
    }
    assert_int_equal(next, m->nxt);
    assert_int_equal(f->sacked, sacked);
    assert_int_equal(f->lost, lost);
    if (sacked > 0) {
        assert_int_equal(f->high_sacked, high);
    }
    assert_int_equal(flight_first_lost(f), first_lost == UINT32_MAX ? f->count : first_lost);
}

static void do_send(struct model *m, uint64_t *dice)
{
    uint32_t room = MOST - (m->nxt - m->una);
    uint32_t length = 1 + any_below(dice, 200);
    if (length > room) {
        return;
    }
    m->now += any_below(dice, 3); /* often within the same instant */
    assert_true(flight_send(&m->flight, &m->arena.store, m->nxt, m->nxt + length, m->now));
    for (uint32_t i = 0; i < length; i++) {
        m->byte[m->nxt - m->una + i] = (struct byte){ .sent = m->now };
    }
    m->nxt += length;
}

static void do_acknowledge(struct model *m, uint64_t *dice)
{
    uint32_t n = any_below(dice, m->nxt - m->una + 1);
    uint64_t sent, expected_sent = 0;
    uint32_t delivered, expected = 0;
    for (uint32_t i = 0; i < n; i++) {
        const struct byte *byte = &m->byte[i];
        expected += !byte->sacked;
        if (!byte->sacked && !byte->again) {
            expected_sent = byte->sent;
        }
    }
    memmove(m->byte, m->byte + n, (MOST - n) * sizeof m->byte[0]);
    m->una += n;
    flight_acknowledge(m->flight, m->una, &sent, &delivered);
    assert_int_equal(delivered, expected);
    assert_int_equal(sent, expected_sent);
}

static void do_sack(struct model *m, uint64_t *dice)
{
    uint32_t outstanding = m->nxt - m->una;
    uint32_t left = any_below(dice, outstanding);
    uint32_t right = left + 1 + any_below(dice, outstanding - left);
    uint64_t sent = 0, expected_sent = 0;
    uint32_t expected = 0;
    for (uint32_t i = left; i < right; i++) {
        struct byte *byte = &m->byte[i];
        if (byte->sacked) {
            continue;
        }
        expected++;
        if (!byte->again && byte->sent > expected_sent) {
            expected_sent = byte->sent;
        }
        byte->sacked = true;
        byte->lost = false;
    }
    uint32_t newly = flight_sack(&m->flight, &m->arena.store, m->una + left, m->una + right, &sent);
    assert_int_equal(newly, expected);
    assert_int_equal(sent, expected_sent);
}

/* A range, perhaps cut in two first, is lost or sent again. */
static void do_mark(struct model *m, uint64_t *dice, bool lost)
{
    uint32_t seq = m->una + any_below(dice, m->nxt - m->una);
    uint32_t position = flight_find(m->flight, seq);
    struct range *range = flight_at(m->flight, position);
    assert_true(seq_leq(range->start, seq) && seq_lt(seq, range->end));
    if (!lost && (range->flags & RANGE_SACKED)) {
        return; /* nobody sends again what the peer holds */
    }
    if (seq != range->start) {
        assert_true(flight_split(&m->flight, &m->arena.store, position, seq));
        assert_int_equal(flight_at(m->flight, position)->end, seq);
        range = flight_at(m->flight, ++position);
    }
    uint32_t start = range->start, end = range->end;
    if (lost) {
        flight_mark_lost(m->flight, range);
    } else {
        flight_mark_sent_again(m->flight, range, ++m->now);
    }
    for (uint32_t at = start; at != end; at++) {
        struct byte *byte = &m->byte[at - m->una];
        if (!lost) {
            *byte = (struct byte){ .sent = m->now, .again = true };
        } else if (!byte->sacked) {
            byte->lost = true;
        }
    }
}

static void do_reset(struct model *m, bool forget, bool lost)
{
    flight_reset(m->flight, forget, lost);
    for (uint32_t i = 0; i < m->nxt - m->una; i++) {
        struct byte *byte = &m->byte[i];
        byte->sacked = byte->sacked && !forget;
        byte->lost = byte->lost || (lost && !byte->sacked);
    }
}

static void walk(uint64_t seed, uint32_t start)
{
    struct model *m = malloc(sizeof *m);
    uint64_t dice = seed;
    model_begin(m, start);
    for (unsigned i = 0; i < 600; i++) {
        unsigned what = any_below(&dice, 20);
        if (m->una == m->nxt || what < 9) {
            do_send(m, &dice);
        } else if (what < 11) {
            do_acknowledge(m, &dice);
        } else if (what < 15) {
            do_sack(m, &dice);
        } else if (what < 17) {
            do_mark(m, &dice, true);
        } else if (what < 19) {
            do_mark(m, &dice, false);
        } else if (any_below(&dice, 4) == 0) {
            do_reset(m, any_below(&dice, 2), any_below(&dice, 2));
        }
        compare(m);
    }
    model_end(m);
    free(m);
}

static void agrees_with_a_byte_by_byte_model(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 30; seed++) {
        walk(seed, (uint32_t)(seed * 0x10001));
    }
}

static void agrees_across_the_wrap(void **state)
{
    (void)state;
    for (uint64_t seed = 100; seed <= 120; seed++) {
        walk(seed, UINT32_MAX - (uint32_t)(seed - 100) * 300);
    }
}

/* What leaves at one instant is one entry, whatever came before. */
static void one_instant_is_one_range(void **state)
{
    (void)state;
    struct arena arena;
    struct flight *flight = NULL;
    arena_begin(&arena, (size_t)1 << 24);
    for (uint32_t i = 0; i < 1000; i++) {
        assert_true(flight_send(&flight, &arena.store, i * 10, i * 10 + 10, 77));
    }
    assert_int_equal(flight->count, 1);
    assert_true(flight_send(&flight, &arena.store, 10000, 10010, 78));
    assert_int_equal(flight->count, 2);
    /* A range with marks is not added to, even at the same instant. */
    flight_mark_lost(flight, flight_at(flight, 1));
    assert_true(flight_send(&flight, &arena.store, 10010, 10020, 78));
    assert_int_equal(flight->count, 3);
    flight_free(&flight, &arena.store);
    arena_end(&arena);
}

/* The number of ranges ends at what the largest chunk holds, and refusal leaves all as it was. */
static void the_number_of_ranges_is_bounded(void **state)
{
    (void)state;
    struct arena arena;
    struct flight *flight = NULL;
    uint32_t n = 0;
    arena_begin(&arena, (size_t)1 << 24);
    while (n < 100000 && flight_send(&flight, &arena.store, n, n + 1, n + 1)) {
        n++;
    }
    assert_in_range(n, 1000, chunk_max() / sizeof(struct range));
    assert_int_equal(flight->count, n);
    assert_int_equal(flight->capacity, n);
    assert_int_equal(flight_at(flight, n - 1)->end, n);
    /* A SACK that needs a cut finds no room: not SACKed, and nothing changes. */
    uint64_t sent;
    uint32_t delivered;
    flight_acknowledge(flight, 2, &sent, &delivered);
    assert_int_equal(sent, 2);
    assert_true(flight_send(&flight, &arena.store, n, n + 100, 1));
    assert_true(flight_send(&flight, &arena.store, n + 100, n + 101, 2));
    assert_false(flight_send(&flight, &arena.store, n + 101, n + 102, 3));
    sent = 0;
    assert_int_equal(flight_sack(&flight, &arena.store, n + 50, n + 60, &sent), 0);
    assert_int_equal(sent, 0);
    assert_int_equal(flight->sacked, 0);
    /* One that ends with its range needs none. */
    assert_int_equal(flight_sack(&flight, &arena.store, n, n + 100, &sent), 100);
    flight_free(&flight, &arena.store);
    arena_end(&arena);
}

static void refused_memory_changes_nothing(void **state)
{
    (void)state;
    struct arena arena;
    struct flight *flight = NULL;
    uint64_t sent = 0;
    arena_begin(&arena, (size_t)1 << 24);
    arena.refuse_all = true;
    assert_false(flight_send(&flight, &arena.store, 0, 10, 1));
    assert_null(flight);
    arena.refuse_all = false;
    uint32_t n = 0;
    do {
        assert_true(flight_send(&flight, &arena.store, n * 10, n * 10 + 10, n + 1));
        n++;
    } while (flight->count < flight->capacity);
    arena.refuse_all = true;
    assert_false(flight_send(&flight, &arena.store, n * 10, n * 10 + 10, n + 1));
    assert_false(flight_split(&flight, &arena.store, 0, 5));
    assert_int_equal(flight_sack(&flight, &arena.store, 13, 17, &sent), 0);
    assert_int_equal(flight->count, n);
    assert_int_equal(flight_at(flight, 0)->end, 10);
    assert_int_equal(flight_at(flight, 1)->flags, 0);
    flight_free(&flight, &arena.store);
    assert_null(flight);
    arena.refuse_all = false;
    arena_end(&arena);
}

/* Karn: what was sent again, or SACKed before, gives no sample. */
static void samples_come_from_what_was_sent_once(void **state)
{
    (void)state;
    struct arena arena;
    struct flight *flight = NULL;
    uint64_t sent;
    uint32_t delivered;
    arena_begin(&arena, (size_t)1 << 24);
    for (uint32_t i = 0; i < 4; i++) {
        assert_true(flight_send(&flight, &arena.store, i * 100, i * 100 + 100, 10 + i));
    }
    flight_mark_sent_again(flight, flight_at(flight, 1), 50);
    sent = 0;
    assert_int_equal(flight_sack(&flight, &arena.store, 200, 300, &sent), 100);
    assert_int_equal(sent, 12);
    flight_acknowledge(flight, 300, &sent, &delivered);
    assert_int_equal(sent, 10);
    assert_int_equal(delivered, 200);
    flight_acknowledge(flight, 300, &sent, &delivered);
    assert_int_equal(sent, 0);
    assert_int_equal(delivered, 0);
    flight_acknowledge(flight, 400, &sent, &delivered);
    assert_int_equal(sent, 13);
    assert_null(flight);
    flight_acknowledge(flight, 400, &sent, &delivered);
    assert_int_equal(delivered, 0);
    arena_end(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_with_a_byte_by_byte_model),
        cmocka_unit_test(agrees_across_the_wrap),
        cmocka_unit_test(one_instant_is_one_range),
        cmocka_unit_test(the_number_of_ranges_is_bounded),
        cmocka_unit_test(refused_memory_changes_nothing),
        cmocka_unit_test(samples_come_from_what_was_sent_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
