/* SPDX-License-Identifier: MIT */
/* Reassembly beside a bitmap of what has arrived. */
#include "arena.h"

#include "tcp/reassembly.h"

#define SPAN 4000 /* bytes of stream in the model */

struct model {
    struct arena arena;
    struct reassembly *reassembly;
    struct chunk_queue queue;
    uint32_t base, next; /* of the stream; the bitmap begins at base */
    bool held[SPAN + 1];
    uint32_t recent[SPAN]; /* first numbers of segments, newest first */
    uint32_t recents;
};

static uint8_t stream_byte(uint32_t n) { return (uint8_t)(n * 13 + n / 240); }

static void fill(const struct model *m, uint8_t *data, uint32_t seq, uint32_t length)
{
    for (uint32_t i = 0; i < length; i++) {
        data[i] = stream_byte(seq - m->base + i);
    }
}

static struct model *model_begin(uint32_t base)
{
    struct model *m = calloc(1, sizeof *m);
    arena_begin(&m->arena, (size_t)1 << 24);
    m->base = m->next = base;
    return m;
}

static void model_end(struct model *m)
{
    reassembly_free(&m->reassembly, &m->arena.store);
    assert_null(m->reassembly);
    chunk_queue_clear(&m->queue, &m->arena.store);
    arena_end(&m->arena);
    free(m);
}

/* [left, right) of the block around a held number, by the bitmap. */
static struct sack_block block_around(const struct model *m, uint32_t seq)
{
    uint32_t left = seq - m->base, right = left;
    while (left > 0 && m->held[left - 1]) {
        left--;
    }
    while (m->held[right]) {
        right++;
    }
    return (struct sack_block){ m->base + left, m->base + right };
}

/* RFC 2018 4: the block of the latest segment first, then those of the ones before, each once. */
static unsigned expected_sacks(const struct model *m, struct sack_block *sacks, unsigned cap)
{
    unsigned n = 0;
    for (uint32_t i = 0; i < m->recents && n < cap; i++) {
        if (!m->held[m->recent[i] - m->base]) {
            continue; /* in order meanwhile */
        }
        struct sack_block block = block_around(m, m->recent[i]);
        bool told = false;
        for (unsigned k = 0; k < n; k++) {
            told = told || sacks[k].left == block.left;
        }
        if (!told) {
            sacks[n++] = block;
        }
    }
    return n;
}

static void compare(const struct model *m)
{
    struct sack_block expected[4], sacks[4];
    uint32_t held = 0;
    for (uint32_t i = 0; i < SPAN; i++) {
        held += m->held[i];
    }
    if (held == 0) {
        assert_null(m->reassembly);
        assert_int_equal(reassembly_sacks(m->reassembly, sacks, 4), 0);
        return;
    }
    const struct reassembly *r = m->reassembly;
    assert_int_equal(r->held, held);
    uint32_t cost = 0;
    for (uint32_t i = 0; i < r->count; i++) {
        struct sack_block block = block_around(m, r->block[i].left);
        assert_int_equal(r->block[i].left, block.left);
        assert_int_equal(r->block[i].right, block.right);
        assert_int_equal(r->block[i].bytes.length, block.right - block.left);
        assert_true(i == 0 || seq_gt(r->block[i].left, r->block[i - 1].right));
        for (const struct chunk *c = r->block[i].bytes.head; c != NULL; c = c->next) {
            cost += chunk_cost(c);
        }
    }
    assert_int_equal(r->cost, cost);
    unsigned most = expected_sacks(m, expected, 4);
    unsigned n = reassembly_sacks(r, sacks, 4);
    /* The first is a MUST; how far back the memory goes is ours, but what it tells is in order. */
    assert_in_range(n, 1, most);
    for (unsigned i = 0; i < n; i++) {
        assert_int_equal(sacks[i].left, expected[i].left);
        assert_int_equal(sacks[i].right, expected[i].right);
    }
    assert_int_equal(reassembly_sacks(r, sacks, 1), 1);
    assert_int_equal(sacks[0].left, expected[0].left);
}

static void add(struct model *m, uint32_t seq, uint32_t length)
{
    uint8_t data[SPAN];
    fill(m, data, seq, length);
    assert_int_equal(reassembly_add(&m->reassembly, &m->arena.store, seq, data, length, SIZE_MAX),
                     WH_WHY_NONE);
    memset(m->held + (seq - m->base), true, length * sizeof m->held[0]);
    memmove(m->recent + 1, m->recent, m->recents * sizeof m->recent[0]);
    m->recent[0] = seq;
    m->recents++;
}

/* In-order bytes arrive: they go to the queue, and what follows comes out behind them. */
static void grow(struct model *m, uint32_t length)
{
    uint8_t data[SPAN];
    fill(m, data, m->next, length);
    assert_int_equal(chunk_queue_append(&m->queue, &m->arena.store, data, length, MEMORY_ORDINARY),
                     length);
    m->next += length;
    memset(m->held, false, (m->next - m->base) * sizeof m->held[0]);
    uint32_t expected = m->next;
    while (m->held[expected - m->base]) {
        m->held[expected++ - m->base] = false;
    }
    reassembly_take(&m->reassembly, &m->arena.store, &m->next, &m->queue);
    assert_int_equal(m->next, expected);
    assert_int_equal(m->queue.length, m->next - m->base);
}

static void check_stream(const struct model *m)
{
    uint8_t data[SPAN];
    uint32_t n = m->next - m->base;
    chunk_queue_copy(&m->queue, 0, data, n);
    for (uint32_t i = 0; i < n; i++) {
        assert_int_equal(data[i], stream_byte(i));
    }
}

static void walk(uint64_t dice, uint32_t base)
{
    struct model *m = model_begin(base);
    while (m->next - base < SPAN - 600) {
        if (any_below(&dice, 8) != 0) {
            uint32_t seq = m->next + 1 + any_below(&dice, SPAN - (m->next - base) - 300);
            add(m, seq, 1 + any_below(&dice, any_below(&dice, 5) == 0 ? 290 : 30));
        } else {
            grow(m, 1 + any_below(&dice, 100));
        }
        compare(m);
    }
    grow(m, SPAN - (m->next - base));
    compare(m);
    check_stream(m);
    model_end(m);
}

static void agrees_with_a_bitmap(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 25; seed++) {
        walk(seed, (uint32_t)(seed << 20));
    }
}

static void agrees_across_the_wrap(void **state)
{
    (void)state;
    for (uint64_t seed = 50; seed <= 65; seed++) {
        walk(seed, UINT32_MAX - (uint32_t)(seed - 50) * 250);
    }
}

/* The example of RFC 2018 5, case 2 of its table: every other segment is lost. */
static void sack_blocks_newest_first(void **state)
{
    (void)state;
    struct model *m = model_begin(5000);
    struct sack_block sacks[4];
    for (uint32_t i = 0; i < 5; i++) {
        add(m, 5500 + i * 500, 250);
    }
    assert_int_equal(reassembly_sacks(m->reassembly, sacks, 4), 4);
    for (uint32_t i = 0; i < 4; i++) {
        assert_int_equal(sacks[i].left, 7500 - i * 500);
        assert_int_equal(sacks[i].right, 7750 - i * 500);
    }
    /* An old block that grows comes first again. */
    add(m, 6250, 10);
    assert_int_equal(reassembly_sacks(m->reassembly, sacks, 3), 3);
    assert_int_equal(sacks[0].left, 6000);
    assert_int_equal(sacks[0].right, 6260);
    assert_int_equal(sacks[1].left, 7500);
    assert_int_equal(sacks[2].left, 7000);
    /* Two blocks that become one are told once. */
    add(m, 7250, 250);
    assert_int_equal(reassembly_sacks(m->reassembly, sacks, 4), 3);
    assert_int_equal(sacks[0].left, 7000);
    assert_int_equal(sacks[0].right, 7750);
    assert_int_equal(sacks[1].left, 6000);
    assert_int_equal(sacks[2].left, 6500);
    model_end(m);
}

/* What is refused is not told of, and does not push out what is held. */
static void a_full_budget_keeps_telling_what_is_held(void **state)
{
    (void)state;
    struct arena arena;
    struct reassembly *r = NULL;
    struct sack_block sacks[4];
    uint8_t data[100] = { 0 };
    arena_begin(&arena, (size_t)1 << 24);
    assert_int_equal(reassembly_add(&r, &arena.store, 100, data, 50, 1), WH_WHY_NONE);
    assert_int_equal(reassembly_add(&r, &arena.store, 9000, data, 50, 1500), WH_WHY_NONE);
    for (uint32_t i = 0; i < 10; i++) {
        assert_int_equal(reassembly_add(&r, &arena.store, 1000 + i * 200, data, 50, 1500),
                         WH_WHY_REASSEMBLY_FULL);
    }
    assert_int_equal(r->held, 100);
    assert_int_equal(reassembly_sacks(r, sacks, 4), 2);
    assert_int_equal(sacks[0].left, 9000);
    assert_int_equal(sacks[1].left, 100);
    reassembly_free(&r, &arena.store);
    arena_end(&arena);
}

static void the_number_of_blocks_is_bounded(void **state)
{
    (void)state;
    struct arena arena;
    struct reassembly *r = NULL;
    uint8_t byte = 7;
    uint32_t n = 0;
    arena_begin(&arena, (size_t)1 << 26);
    while (n < 100000 &&
           reassembly_add(&r, &arena.store, 10 + n * 2, &byte, 1, SIZE_MAX) == WH_WHY_NONE) {
        n++;
    }
    assert_in_range(n, 1000, chunk_max() / sizeof(struct block));
    assert_int_equal(r->count, n);
    assert_int_equal(r->held, n);
    /* What joins two blocks still finds room. */
    assert_int_equal(reassembly_add(&r, &arena.store, 11, &byte, 1, SIZE_MAX), WH_WHY_NONE);
    assert_int_equal(r->count, n - 1);
    reassembly_free(&r, &arena.store);
    arena_end(&arena);
}

/* Memory ends after n requests, for every n: what was told is held, what was not is not. */
static void refused_memory_loses_only_what_was_refused(void **state)
{
    (void)state;
    for (long n = 0; n < 12; n++) {
        struct arena arena;
        struct reassembly *r = NULL;
        uint8_t data[3000];
        uint32_t held = 0;
        arena_begin(&arena, (size_t)1 << 24);
        arena.grants = n;
        for (uint32_t i = 0; i < 40; i++) {
            wh_reason reason =
                reassembly_add(&r, &arena.store, 100 + i * 4000, data, sizeof data, SIZE_MAX);
            uint32_t now = r == NULL ? 0 : r->held;
            assert_true(reason == WH_WHY_NONE ? now == held + sizeof data
                                              : reason == WH_WHY_MEMORY_CAP && now >= held &&
                                                    now < held + sizeof data);
            held = now;
            for (uint32_t k = 0; r != NULL && k < r->count; k++) {
                assert_int_equal(r->block[k].right - r->block[k].left, r->block[k].bytes.length);
                assert_true(r->block[k].bytes.length > 0);
            }
        }
        reassembly_free(&r, &arena.store);
        arena_end(&arena);
    }
}

/* Blocks that lie before the stream's end are dropped, wholly or in part. */
static void take_drops_what_is_old(void **state)
{
    (void)state;
    struct model *m = model_begin(UINT32_MAX - 20);
    add(m, m->base + 10, 10);
    add(m, m->base + 40, 20);
    add(m, m->base + 100, 5);
    grow(m, 50);
    assert_int_equal(m->next - m->base, 60);
    compare(m);
    grow(m, 200);
    compare(m);
    check_stream(m);
    model_end(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_with_a_bitmap),
        cmocka_unit_test(agrees_across_the_wrap),
        cmocka_unit_test(sack_blocks_newest_first),
        cmocka_unit_test(a_full_budget_keeps_telling_what_is_held),
        cmocka_unit_test(the_number_of_blocks_is_bounded),
        cmocka_unit_test(refused_memory_loses_only_what_was_refused),
        cmocka_unit_test(take_drops_what_is_old),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
