/* SPDX-License-Identifier: MIT */
/* The flight beside a model that keeps one record a byte. */
#include "arena.h"

#include "tcp/flight.h"

#define MOST 6000 /* bytes in flight in the model */

struct byte {
    uint64_t sent;
    int64_t stamp; /* what orders it in its list, among those of one instant */
    uint32_t tag;  /* the snapshot it left with */
    uint8_t flags;
};

struct model {
    struct arena arena;
    struct flight *flight;
    uint32_t una, nxt;
    struct byte byte[MOST]; /* from una */
    uint64_t now;
    int64_t stamp, urgent;
    uint32_t tag;
    uint32_t fack, delivered, lost_total;
};

static void model_begin(struct model *m, uint32_t start)
{
    memset(m, 0, sizeof *m);
    arena_begin(&m->arena, (size_t)1 << 24);
    m->una = m->nxt = start;
    m->now = 1000;
    assert_true(flight_begin(&m->flight, &m->arena.store));
}

static void model_end(struct model *m)
{
    flight_free(&m->flight, &m->arena.store);
    assert_null(m->flight);
    arena_end(&m->arena);
}

/* ------------------------------------------------------------ comparison -- */

static const struct byte *byte_of(const struct model *m, const struct range *range)
{
    return &m->byte[range->start - m->una];
}

/* The ranges of a list: linked both ways, all with these flags, in the order of the model's bytes. */
static uint32_t compare_list(struct model *m, const struct range_list *list, bool lost)
{
    struct flight *f = m->flight;
    uint16_t prev = NO_RANGE;
    uint32_t n = 0;
    for (uint16_t at = list->first; at != NO_RANGE; prev = at, at = f->place[at].next) {
        const struct range *range = &f->place[at];
        assert_int_equal(range->prev, prev);
        assert_int_equal(range->flags & (RANGE_SACKED | RANGE_LOST), lost ? RANGE_LOST : 0);
        if (prev != NO_RANGE) {
            const struct byte *a = byte_of(m, &f->place[prev]);
            const struct byte *b = byte_of(m, range);
            bool later = a->stamp < b->stamp ||
                         (a->stamp == b->stamp && seq_lt(f->place[prev].start, range->start));
            assert_true(lost ? later : a->sent < b->sent || (a->sent == b->sent && later));
        }
        n++;
        assert_in_range(n, 1, f->count);
    }
    assert_int_equal(list->last, prev);
    return n;
}

static void compare_range(struct model *m, const struct range *range, uint32_t *sacked,
                          uint32_t *lost)
{
    for (uint32_t seq = range->start; seq != range->end; seq++) {
        const struct byte *byte = &m->byte[seq - m->una];
        assert_int_equal(range->flags, byte->flags);
        if ((byte->flags & RANGE_SACKED) == 0) {
            assert_int_equal(range->sent, byte->sent);
            assert_int_equal(range->then.delivered, byte->tag);
        }
        *sacked += (byte->flags & RANGE_SACKED) != 0;
        *lost += (byte->flags & RANGE_LOST) != 0;
    }
}

/* Ranges in order, without gaps; every byte's marks, both lists, and the sums, as in the model. */
static void compare(struct model *m)
{
    struct flight *f = m->flight;
    uint32_t sacked = 0, lost = 0, held = 0, next = m->una;
    assert_int_equal(flight_empty(f), m->una == m->nxt);
    for (uint32_t i = 0; i < f->count; i++) {
        const struct range *range = flight_at(f, i);
        assert_int_equal(range->start, next);
        assert_true(seq_lt(range->start, range->end));
        next = range->end;
        compare_range(m, range, &sacked, &lost);
        held += (range->flags & RANGE_SACKED) != 0;
        /* SACKed neighbours are one. */
        assert_false(i > 0 && (range->flags & RANGE_SACKED) &&
                     (flight_at(f, i - 1)->flags & RANGE_SACKED));
        assert_int_equal(flight_find(f, range->start), i);
        assert_int_equal(flight_find(f, range->end - 1), i);
    }
    assert_int_equal(next, m->nxt);
    assert_int_equal(flight_find(f, m->nxt), f->count);
    assert_int_equal(f->sacked, sacked);
    assert_int_equal(f->lost, lost);
    uint32_t spared = 0;
    for (uint32_t i = 0; i < m->nxt - m->una; i++) {
        spared += (m->byte[i].flags & RANGE_LOST) && (m->byte[i].flags & RANGE_PROBE);
    }
    assert_int_equal(f->spared, spared);
    assert_int_equal(f->delivered, m->delivered);
    assert_int_equal(f->lost_total, m->lost_total);
    if (f->count > 0) {
        assert_int_equal(f->fack, m->fack);
    }
    uint32_t listed = compare_list(m, &f->flying, false) + compare_list(m, &f->losses, true);
    assert_int_equal(listed + held, f->count);
}

static void compare_delivery(const struct delivery *got, const struct delivery *expected)
{
    assert_int_equal(got->bytes, expected->bytes);
    assert_int_equal(got->sent_once, expected->sent_once);
    assert_int_equal(got->first_once, expected->first_once);
    assert_int_equal(got->newest, expected->newest);
    assert_int_equal(got->newest_end, expected->newest_end);
    assert_int_equal(got->original, expected->original);
    assert_int_equal(got->original_from, expected->original_from);
    assert_int_equal(got->reordered, expected->reordered);
    assert_int_equal(got->probe, expected->probe);
    assert_int_equal(got->then_sent, expected->then_sent);
    if (expected->then_sent != 0) {
        assert_int_equal(got->then.delivered, expected->then.delivered);
        assert_int_equal(got->then_flags, expected->then_flags);
    }
}

/* ------------------------------------------------------------ what happens -- */

/* One byte has been delivered, as flight.h says it is to be noted. `fack` is what it was before. */
static void deliver(struct model *m, uint32_t seq, uint32_t fack, struct delivery *what)
{
    struct byte *byte = &m->byte[seq - m->una];
    if (byte->flags & RANGE_SACKED) {
        return;
    }
    what->bytes++;
    m->delivered++;
    what->probe = what->probe || (byte->flags & RANGE_PROBE);
    if ((byte->flags & RANGE_RETRANSMITTED) == 0) {
        what->sent_once = MAX(what->sent_once, byte->sent);
        what->first_once = what->first_once == 0 ? byte->sent : MIN(what->first_once, byte->sent);
        if (!what->original || seq_lt(seq, what->original_from)) {
            what->original_from = seq;
        }
        what->original = true;
        what->reordered = what->reordered || seq_lt(seq + 1, fack);
    } else if (byte->sent > what->trusted_to) {
        return;
    }
    m->fack = seq_max(m->fack, seq + 1);
    if (byte->sent > what->newest ||
        (byte->sent == what->newest && seq_gt(seq + 1, what->newest_end))) {
        what->newest = byte->sent;
        what->newest_end = seq + 1;
    }
    if (byte->sent >= what->then_sent) {
        what->then_sent = byte->sent;
        what->then.delivered = byte->tag;
        what->then_flags = byte->flags;
    }
}

static void do_send(struct model *m, uint64_t *dice)
{
    uint32_t room = MOST - (m->nxt - m->una);
    uint32_t length = 1 + any_below(dice, 200);
    if (length > room) {
        return;
    }
    m->now += any_below(dice, 3); /* often within the same instant */
    const struct byte *last = m->una == m->nxt ? NULL : &m->byte[m->nxt - m->una - 1];
    struct byte new = { .sent = m->now, .stamp = ++m->stamp, .tag = ++m->tag };
    if (last != NULL && (last->flags & ~RANGE_APP_LIMITED) == 0 && last->sent == m->now) {
        new = *last; /* what leaves at one instant is one range */
    }
    if (m->una == m->nxt) {
        m->fack = m->una;
    }
    struct snapshot then = { .delivered = m->tag };
    assert_true(flight_send(&m->flight, &m->arena.store, m->nxt, m->nxt + length, m->now, &then));
    for (uint32_t i = 0; i < length; i++) {
        m->byte[m->nxt - m->una + i] = new;
    }
    m->nxt += length;
}

/* Sometimes nothing recent is believed. */
static uint64_t trust(struct model *m, uint64_t *dice)
{
    return any_below(dice, 2) ? m->now : m->now - any_below(dice, 40);
}

static void do_acknowledge(struct model *m, uint64_t *dice)
{
    uint32_t n = any_below(dice, m->nxt - m->una + 1);
    struct delivery got = { .trusted_to = trust(m, dice) };
    struct delivery expected = got;
    uint32_t fack = m->fack;
    for (uint32_t i = 0; i < n; i++) {
        deliver(m, m->una + i, fack, &expected);
    }
    memmove(m->byte, m->byte + n, (MOST - n) * sizeof m->byte[0]);
    m->una += n;
    flight_acknowledge(m->flight, m->una, &got);
    compare_delivery(&got, &expected);
}

static void do_sack(struct model *m, uint64_t *dice)
{
    struct delivery got = { .trusted_to = trust(m, dice) };
    struct delivery expected = got;
    for (unsigned blocks = 1 + any_below(dice, 4); blocks > 0; blocks--) {
        uint32_t outstanding = m->nxt - m->una;
        uint32_t left = any_below(dice, outstanding);
        uint32_t right = left + 1 + any_below(dice, outstanding - left);
        uint32_t before = expected.bytes, fack = m->fack;
        for (uint32_t i = left; i < right; i++) {
            deliver(m, m->una + i, fack, &expected);
            m->byte[i].flags = RANGE_SACKED;
        }
        uint32_t newly =
            flight_sack(&m->flight, &m->arena.store, m->una + left, m->una + right, &got);
        assert_int_equal(newly, expected.bytes - before);
    }
    compare_delivery(&got, &expected);
}

/* Some range, perhaps cut in two first. */
static struct range *choose(struct model *m, uint64_t *dice)
{
    uint32_t seq = m->una + any_below(dice, m->nxt - m->una);
    uint32_t position = flight_find(m->flight, seq);
    struct range *range = flight_at(m->flight, position);
    assert_true(seq_leq(range->start, seq) && seq_lt(seq, range->end));
    if ((range->flags & RANGE_SACKED) || seq == range->start) {
        return range; /* nobody cuts what the peer holds */
    }
    assert_true(flight_split(&m->flight, &m->arena.store, position, seq));
    assert_int_equal(flight_at(m->flight, position)->end, seq);
    return flight_at(m->flight, position + 1);
}

static void do_lose(struct model *m, uint64_t *dice)
{
    struct range *range = choose(m, dice);
    bool urgently = any_below(dice, 3) == 0;
    int64_t stamp = urgently ? --m->urgent : ++m->stamp;
    for (uint32_t at = range->start; at != range->end; at++) {
        struct byte *byte = &m->byte[at - m->una];
        if ((byte->flags & (RANGE_SACKED | RANGE_LOST)) == 0) {
            byte->flags |= RANGE_LOST;
            byte->stamp = stamp;
            m->lost_total += (byte->flags & RANGE_PROBE) == 0;
        }
    }
    flight_mark_lost(m->flight, range, urgently);
}

static void do_find(struct model *m, uint64_t *dice)
{
    struct range *range = choose(m, dice);
    if ((range->flags & RANGE_LOST) == 0) {
        return;
    }
    m->stamp++;
    for (uint32_t at = range->start; at != range->end; at++) {
        struct byte *byte = &m->byte[at - m->una];
        byte->flags &= (uint8_t)~RANGE_LOST;
        byte->stamp = m->stamp;
        m->lost_total -= (byte->flags & RANGE_PROBE) == 0;
    }
    flight_mark_found(m->flight, range);
}

static void do_send_again(struct model *m, uint64_t *dice)
{
    struct range *range = choose(m, dice);
    if (range->flags & RANGE_SACKED) {
        return;
    }
    m->now += any_below(dice, 2);
    struct byte again = { m->now, ++m->stamp, ++m->tag, RANGE_RETRANSMITTED };
    struct snapshot then = { .delivered = m->tag };
    for (uint32_t at = range->start; at != range->end; at++) {
        m->byte[at - m->una] = again;
    }
    flight_mark_sent_again(m->flight, range, m->now, &then);
}

/* What the owner of the flight notes at a range stays with its bytes. */
static void do_flag(struct model *m, uint64_t *dice)
{
    struct range *range = choose(m, dice);
    uint8_t flag = any_below(dice, 2) ? RANGE_PROBE : RANGE_APP_LIMITED;
    if (range->flags & (RANGE_SACKED | (flag == RANGE_PROBE ? RANGE_LOST : 0))) {
        return; /* a probe is one from the beginning */
    }
    range->flags |= flag;
    for (uint32_t at = range->start; at != range->end; at++) {
        m->byte[at - m->una].flags |= flag;
    }
}

static void do_forget(struct model *m)
{
    flight_forget_sacks(m->flight);
    for (uint32_t i = 0; i < m->flight->count; i++) {
        const struct range *range = flight_at(m->flight, i);
        m->stamp++;
        for (uint32_t at = range->start; at != range->end; at++) {
            struct byte *byte = &m->byte[at - m->una];
            if (byte->flags & RANGE_SACKED) { /* when it was sent has been lost with the mark */
                *byte = (struct byte){ range->sent, m->stamp, range->then.delivered,
                                       RANGE_RETRANSMITTED };
            }
        }
    }
}

static void do_anything(struct model *m, uint64_t *dice)
{
    unsigned what = any_below(dice, 24);
    if (m->una == m->nxt || what < 9) {
        do_send(m, dice);
        return;
    }
    switch (what) {
    case 9:
    case 10: do_acknowledge(m, dice); break;
    case 11:
    case 12:
    case 13: do_sack(m, dice); break;
    case 14:
    case 15:
    case 16: do_lose(m, dice); break;
    case 17: do_find(m, dice); break;
    case 18: do_flag(m, dice); break;
    case 19: any_below(dice, 4) == 0 ? do_forget(m) : do_send(m, dice); break;
    default: do_send_again(m, dice); break;
    }
}

static void walk(uint64_t seed, uint32_t start)
{
    struct model *m = malloc(sizeof *m);
    uint64_t dice = seed;
    model_begin(m, start);
    for (unsigned i = 0; i < 600; i++) {
        do_anything(m, &dice);
        compare(m);
    }
    model_end(m);
    free(m);
}

static void agrees_with_a_byte_by_byte_model(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 40; seed++) {
        walk(seed, (uint32_t)(seed * 0x10001));
    }
}

static void agrees_across_the_wrap(void **state)
{
    (void)state;
    for (uint64_t seed = 100; seed <= 130; seed++) {
        walk(seed, UINT32_MAX - (uint32_t)(seed - 100) * 300);
    }
}

/* ------------------------------------------------------- cases by themselves -- */

struct alone {
    struct arena arena;
    struct flight *flight;
};

static struct alone *alone_begin(void)
{
    struct alone *a = calloc(1, sizeof *a);
    arena_begin(&a->arena, (size_t)1 << 24);
    assert_true(flight_begin(&a->flight, &a->arena.store));
    return a;
}

static void alone_end(struct alone *a)
{
    flight_free(&a->flight, &a->arena.store);
    arena_end(&a->arena);
    free(a);
}

static bool send(struct alone *a, uint32_t start, uint32_t end, uint64_t now)
{
    struct snapshot then = { .delivered = (uint32_t)now, .in_flight = end };
    return flight_send(&a->flight, &a->arena.store, start, end, now, &then);
}

static uint32_t sack(struct alone *a, uint32_t left, uint32_t right, struct delivery *what)
{
    return flight_sack(&a->flight, &a->arena.store, left, right, what);
}

static void send_again(struct alone *a, uint32_t position, uint64_t now)
{
    struct snapshot then = { .delivered = (uint32_t)now };
    flight_mark_sent_again(a->flight, flight_at(a->flight, position), now, &then);
}

/* What leaves at one instant is one entry, whatever came before. */
static void one_instant_is_one_range(void **state)
{
    (void)state;
    struct alone *a = alone_begin();
    for (uint32_t i = 0; i < 1000; i++) {
        assert_true(send(a, i * 10, i * 10 + 10, 77));
    }
    assert_int_equal(a->flight->count, 1);
    assert_int_equal(flight_at(a->flight, 0)->then.in_flight, 10000); /* all of them included */
    assert_true(send(a, 10000, 10010, 78));
    assert_int_equal(a->flight->count, 2);
    /* A range with marks is not added to, even at the same instant. */
    flight_mark_lost(a->flight, flight_at(a->flight, 1), false);
    assert_true(send(a, 10010, 10020, 78));
    assert_int_equal(a->flight->count, 3);
    alone_end(a);
}

/* As many as there is room for, one byte and one instant each. */
static uint32_t fill(struct alone *a)
{
    uint32_t n = 0;
    while (n < FLIGHT_RANGES) {
        assert_true(send(a, n, n + 1, n + 1));
        assert_int_equal(a->flight->count, ++n);
    }
    assert_int_equal(a->flight->capacity, FLIGHT_RANGES);
    return n;
}

/* The number of ranges is bounded. From there on the last plain one grows. */
static void the_number_of_ranges_is_bounded(void **state)
{
    (void)state;
    struct alone *a = alone_begin();
    uint32_t n = fill(a);
    for (uint32_t i = 0; i < 1000; i++) {
        assert_true(send(a, n + i, n + i + 1, n + i + 1));
        assert_int_equal(a->flight->count, n);
    }
    const struct range *last = flight_at(a->flight, n - 1);
    assert_int_equal(last->start, n - 1);
    assert_int_equal(last->end, n + 1000);
    assert_int_equal(last->sent, n + 1000); /* the latest: nothing of it is lost too early */
    alone_end(a);
}

/* Without room, what counts as sent later stands later in the order of time as well. */
static void a_range_that_grows_moves_back_in_time(void **state)
{
    (void)state;
    struct alone *a = alone_begin();
    uint32_t n = fill(a);
    send_again(a, 0, 50000);
    assert_true(send(a, n, n + 1, 60000));
    const struct range *range;
    uint64_t before = 0;
    for (uint16_t at = a->flight->flying.first; at != NO_RANGE; at = range->next) {
        range = &a->flight->place[at];
        assert_true(range->sent >= before);
        before = range->sent;
    }
    assert_int_equal(before, 60000);
    alone_end(a);
}

/* Refusal leaves all as it was: what would have to be cut counts as not SACKed. */
static void a_full_flight_refuses_cuts(void **state)
{
    (void)state;
    struct alone *a = alone_begin();
    struct delivery what = { .trusted_to = UINT64_MAX };
    uint32_t n = fill(a);
    assert_true(send(a, n, n + 100, n + 100));
    uint32_t last = n - 1; /* its first byte, and the hundred that were added */
    assert_int_equal(sack(a, n + 50, n + 60, &what), 0);
    assert_int_equal(what.bytes, 0);
    assert_int_equal(a->flight->sacked, 0);
    assert_int_equal(a->flight->count, n);
    assert_false(flight_split(&a->flight, &a->arena.store, n - 1, n + 50));
    /* A block that ends with its range needs no cut, and everything before it is taken. */
    assert_int_equal(sack(a, last - 10, n + 100, &what), 111);
    assert_int_equal(a->flight->count, n - 10);
    assert_int_equal(flight_at(a->flight, n - 11)->end, n + 100);
    alone_end(a);
}

/* A SACK needs no room that it gives back at once: its neighbours become one. */
static void blocks_that_grow_cost_nothing(void **state)
{
    (void)state;
    struct alone *a = alone_begin();
    struct delivery what = { .trusted_to = UINT64_MAX };
    assert_true(send(a, 0, 100000, 1));
    for (uint32_t i = 1; i < 1000; i++) {
        assert_int_equal(sack(a, 100 * i, 100 * i + 100, &what), 100);
        assert_in_range(a->flight->count, 2, 3);
    }
    for (uint32_t i = 999; i > 0; i--) { /* the same once more tells nothing */
        assert_int_equal(sack(a, 100 * i, 100 * i + 100, &what), 0);
    }
    assert_int_equal(a->flight->sacked, 99900);
    alone_end(a);
}

/* A receiver that SACKs single bytes at random: bounded ranges, right sums, and no more memory. */
static void blocks_at_random_are_bounded(void **state)
{
    (void)state;
    struct alone *a = alone_begin();
    uint64_t dice = 11;
    size_t most = 0;
    for (uint32_t i = 0; i < 100; i++) {
        assert_true(send(a, i * 1000, i * 1000 + 1000, i + 1));
    }
    for (uint32_t i = 0; i < 60000; i++) {
        struct delivery what = { .trusted_to = UINT64_MAX };
        uint32_t left = any_below(&dice, 100000 - 1);
        (void)sack(a, left, left + 1, &what);
        most = MAX(most, a->arena.memory.used);
        assert_true(a->flight->count <= a->flight->capacity);
    }
    assert_in_range(a->flight->count, 1000, 1100); /* what a chunk holds, however fine the blocks */
    assert_true(most <= (size_t)256 * 1024);
    uint32_t sacked = 0;
    for (uint32_t i = 0; i < a->flight->count; i++) {
        const struct range *range = flight_at(a->flight, i);
        sacked += range->flags & RANGE_SACKED ? range->end - range->start : 0;
    }
    assert_int_equal(a->flight->sacked, sacked);
    alone_end(a);
}

static void refused_memory_changes_nothing(void **state)
{
    (void)state;
    struct alone *a = alone_begin();
    struct delivery what = { .trusted_to = UINT64_MAX };
    flight_free(&a->flight, &a->arena.store);
    chunk_store_trim(&a->arena.store);
    a->arena.refuse_all = true;
    assert_false(flight_begin(&a->flight, &a->arena.store));
    assert_null(a->flight);
    a->arena.refuse_all = false;
    assert_true(flight_begin(&a->flight, &a->arena.store));
    uint32_t n = 0;
    do {
        assert_true(send(a, n * 10, n * 10 + 10, n + 1));
        n++;
    } while (a->flight->count < a->flight->capacity);
    a->arena.refuse_all = true;
    assert_false(flight_split(&a->flight, &a->arena.store, 0, 5));
    assert_int_equal(sack(a, 13, 17, &what), 0);
    assert_int_equal(a->flight->count, n);
    assert_int_equal(flight_at(a->flight, 0)->end, 10);
    assert_int_equal(flight_at(a->flight, 1)->flags, 0);
    /* Sending goes on in the last range, as long as that is plain. */
    assert_true(send(a, n * 10, n * 10 + 10, n + 1));
    assert_int_equal(a->flight->count, n);
    flight_mark_lost(a->flight, flight_at(a->flight, n - 1), false);
    assert_false(send(a, n * 10 + 10, n * 10 + 20, n + 2));
    assert_int_equal(flight_at(a->flight, n - 1)->end, n * 10 + 10);
    a->arena.refuse_all = false;
    assert_true(send(a, n * 10 + 10, n * 10 + 20, n + 2));
    alone_end(a);
}

/* Karn: what was sent again, or SACKed before, gives no sample. */
static void samples_come_from_what_was_sent_once(void **state)
{
    (void)state;
    struct alone *a = alone_begin();
    for (uint32_t i = 0; i < 4; i++) {
        assert_true(send(a, i * 100, i * 100 + 100, 10 + i));
    }
    send_again(a, 1, 50);
    struct delivery what = { .trusted_to = UINT64_MAX };
    assert_int_equal(sack(a, 200, 300, &what), 100);
    assert_int_equal(what.sent_once, 12);
    what = (struct delivery){ .trusted_to = UINT64_MAX };
    flight_acknowledge(a->flight, 300, &what);
    assert_int_equal(what.sent_once, 10);
    assert_int_equal(what.bytes, 200);
    assert_int_equal(what.newest, 50);
    assert_true(what.repeated && what.original);
    what = (struct delivery){ .trusted_to = UINT64_MAX };
    flight_acknowledge(a->flight, 300, &what);
    assert_int_equal(what.bytes, 0);
    flight_acknowledge(a->flight, 400, &what);
    assert_int_equal(what.sent_once, 13);
    assert_true(flight_empty(a->flight));
    flight_acknowledge(a->flight, 400, &what);
    assert_int_equal(what.bytes, 100);
    alone_end(a);
}

/* RFC 8985 6.2, step 2: an acknowledgement that came too soon answers the first sending. */
static void a_second_sending_is_believed_after_a_while(void **state)
{
    (void)state;
    struct alone *a = alone_begin();
    for (uint32_t i = 0; i < 3; i++) {
        assert_true(send(a, i * 100, i * 100 + 100, 10 + i));
    }
    send_again(a, 0, 50);
    struct delivery what = { .trusted_to = 49 };
    flight_acknowledge(a->flight, 100, &what);
    assert_int_equal(what.bytes, 100);
    assert_int_equal(what.newest, 0);
    assert_int_equal(what.then_sent, 0);
    assert_int_equal(a->flight->fack, 0);
    send_again(a, 0, 60);
    what = (struct delivery){ .trusted_to = 60 };
    flight_acknowledge(a->flight, 200, &what);
    assert_int_equal(what.newest, 60);
    assert_int_equal(what.newest_end, 200);
    assert_false(what.original);
    assert_false(what.reordered);
    alone_end(a);
}

/* RFC 8985 6.2, step 3: delivered below what was delivered, and never sent again. */
static void reordering_is_told(void **state)
{
    (void)state;
    struct alone *a = alone_begin();
    for (uint32_t i = 0; i < 4; i++) {
        assert_true(send(a, i * 100, i * 100 + 100, 10 + i));
    }
    struct delivery what = { .trusted_to = UINT64_MAX };
    (void)sack(a, 200, 300, &what);
    assert_false(what.reordered);
    assert_int_equal(a->flight->fack, 300);
    send_again(a, 0, 50);
    flight_acknowledge(a->flight, 100, &what);
    assert_false(what.reordered); /* a retransmission is expected there */
    flight_acknowledge(a->flight, 200, &what);
    assert_true(what.reordered);
    alone_end(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_with_a_byte_by_byte_model),
        cmocka_unit_test(agrees_across_the_wrap),
        cmocka_unit_test(one_instant_is_one_range),
        cmocka_unit_test(the_number_of_ranges_is_bounded),
        cmocka_unit_test(a_range_that_grows_moves_back_in_time),
        cmocka_unit_test(a_full_flight_refuses_cuts),
        cmocka_unit_test(blocks_that_grow_cost_nothing),
        cmocka_unit_test(blocks_at_random_are_bounded),
        cmocka_unit_test(refused_memory_changes_nothing),
        cmocka_unit_test(samples_come_from_what_was_sent_once),
        cmocka_unit_test(a_second_sending_is_believed_after_a_while),
        cmocka_unit_test(reordering_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
