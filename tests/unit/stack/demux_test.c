/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "stack/demux.h"

#define SEGMENT_SLOTS (1U << DEMUX_SEGMENT_BITS)

/*
 * The records are an array; record i has a tuple of its own, made from i. What the
 * table should say of a tuple is thus known without searching: kind[i] or nothing.
 */
struct fixture {
    struct memory memory;
    struct demux demux;
    uint32_t count;
    struct tuple *tuple;
    uint32_t *hash;
    int8_t *kind; /* -1: not in the table */
    bool dry;
    unsigned calls;
    size_t largest, bytes;
};

static void *heap_alloc(void *context, size_t size)
{
    struct fixture *f = context;

    if (f->dry)
        return NULL;
    f->calls++;
    f->bytes += size;
    if (size > f->largest)
        f->largest = size;
    return malloc(size);
}

static void heap_free(void *context, void *at, size_t size)
{
    struct fixture *f = context;

    f->bytes -= size;
    free(at);
}

static const struct tuple *tuple_of(const void *context, unsigned kind, uint32_t index)
{
    const struct fixture *f = context;

    assert_true(index > 0 && index < f->count);
    assert_int_equal(f->kind[index], kind);
    return &f->tuple[index];
}

static void begin(struct fixture *f, uint32_t count, size_t cap)
{
    const struct siphash_key key = { 0x0123456789abcdef, 0xfedcba9876543210 };
    const wh_memory hooks = { .context = f, .alloc = heap_alloc, .free = heap_free };

    memset(f, 0, sizeof(*f));
    memory_init(&f->memory, &hooks, cap);
    demux_init(&f->demux, &f->memory, &key, tuple_of, f);
    f->count = count;
    f->tuple = calloc(count, sizeof(*f->tuple));
    f->hash = calloc(count, sizeof(*f->hash));
    f->kind = calloc(count, sizeof(*f->kind));
    for (uint32_t i = 0; i < count; i++) {
        /* Neighbours differ in one field only, sometimes a port, sometimes an address. */
        f->tuple[i].local_port = 80;
        f->tuple[i].remote_port = (uint16_t)i;
        memcpy(&f->tuple[i].remote.bytes[12], &(uint32_t){ i >> 12 }, 4);
        f->hash[i] = demux_hash(&f->demux, &f->tuple[i]);
        f->kind[i] = -1;
    }
}

static void end(struct fixture *f)
{
    demux_free(&f->demux);
    assert_int_equal(f->memory.used, 0);
    assert_int_equal(f->bytes, 0);
    free(f->tuple);
    free(f->hash);
    free(f->kind);
}

static struct demux_entry named(const struct fixture *f, uint32_t i)
{
    return (struct demux_entry){ .kind = (unsigned)f->kind[i], .index = i };
}

static bool insert(struct fixture *f, uint32_t i, unsigned kind)
{
    struct demux_entry entry = { .kind = kind, .index = i };

    if (!demux_insert(&f->demux, f->hash[i], entry))
        return false;
    f->kind[i] = (int8_t)kind;
    return true;
}

static void erase(struct fixture *f, uint32_t i)
{
    assert_true(demux_remove(&f->demux, f->hash[i], named(f, i)));
    f->kind[i] = -1;
}

static void look_up(const struct fixture *f, uint32_t i)
{
    struct demux_entry entry = demux_find(&f->demux, f->hash[i], &f->tuple[i]);

    assert_int_equal(entry.index, f->kind[i] < 0 ? 0 : i);
    if (f->kind[i] >= 0)
        assert_int_equal(entry.kind, f->kind[i]);
}

static void look_up_all(const struct fixture *f)
{
    uint32_t present = 0;

    for (uint32_t i = 1; i < f->count; i++) {
        look_up(f, i);
        present += f->kind[i] >= 0;
    }
    assert_int_equal(f->demux.used, present);
}

static uint32_t random_next(uint64_t *seed)
{
    *seed = *seed * 6364136223846793005U + 1442695040888963407U;
    return (uint32_t)(*seed >> 33);
}

static void empty_table_has_nothing(void **state)
{
    struct fixture f;

    (void)state;
    begin(&f, 10, 1 << 20);
    look_up_all(&f);
    demux_prefetch(&f.demux, f.hash[1]);
    assert_int_equal(demux_peek(&f.demux, f.hash[1]).index, 0);
    assert_false(demux_remove(&f.demux, f.hash[1], (struct demux_entry){ 1, 1 }));
    assert_false(demux_replace(&f.demux, f.hash[1], (struct demux_entry){ 1, 1 },
                               (struct demux_entry){ 2, 1 }));
    assert_int_equal(f.bytes, 0);
    end(&f);
}

static void a_change_of_kind_stays_in_place(void **state)
{
    struct fixture f;

    (void)state;
    begin(&f, 10, 1 << 20);
    for (uint32_t i = 1; i < 10; i++)
        assert_true(insert(&f, i, i % DEMUX_KINDS));
    f.dry = true;
    assert_false(demux_replace(&f.demux, f.hash[5], (struct demux_entry){ 6, 5 }, named(&f, 5)));
    assert_true(demux_replace(&f.demux, f.hash[5], named(&f, 5), (struct demux_entry){ 7, 5 }));
    f.kind[5] = 7;
    look_up_all(&f);
    assert_int_equal(demux_peek(&f.demux, f.hash[5]).index, 5);
    assert_int_equal(demux_peek(&f.demux, f.hash[5]).kind, 7);
    assert_false(demux_remove(&f.demux, f.hash[5], (struct demux_entry){ 5, 5 }));
    assert_int_equal(f.demux.used, 9);
    end(&f);
}

static void small_tables_are_small(void **state)
{
    struct fixture f;

    (void)state;
    begin(&f, 400, 1 << 20);
    assert_true(insert(&f, 1, 0));
    assert_true(f.bytes < 256);
    for (uint32_t i = 2; i < 400; i++)
        assert_true(insert(&f, i, 0));
    assert_true(f.bytes <= 400 * 24);
    for (uint32_t i = 1; i < 400; i++)
        erase(&f, i);
    assert_true(f.bytes < 256);
    end(&f);
}

/* Millions of random operations while the table grows and shrinks by turns. */
static void agrees_with_a_plain_map(void **state)
{
    struct fixture f;
    uint64_t seed = 9;

    (void)state;
    begin(&f, 60000, 64 << 20);
    for (unsigned round = 0; round < 2000000; round++) {
        uint32_t i = 1 + random_next(&seed) % (f.count - 1);
        unsigned chance = random_next(&seed) % 100, kind = random_next(&seed) % DEMUX_KINDS;
        unsigned fill = round / 250000 % 2 == 0 ? 60 : 20;

        if (chance < 10) {
            look_up(&f, i);
        } else if (chance < 20 && f.kind[i] >= 0) {
            struct demux_entry with = { .kind = kind, .index = i };

            assert_true(demux_replace(&f.demux, f.hash[i], named(&f, i), with));
            f.kind[i] = (int8_t)kind;
        } else if (f.kind[i] < 0 && chance < fill + 20) {
            assert_true(insert(&f, i, kind));
        } else if (f.kind[i] >= 0 && chance >= fill) {
            erase(&f, i);
        }
        if (round % 125000 == 0)
            look_up_all(&f);
    }
    look_up_all(&f);
    end(&f);
}

/*
 * Growth to a million and back: no operation asks for more than a segment and a
 * directory, and memory follows the number of entries.
 */
static void grows_and_shrinks_a_segment_at_a_time(void **state)
{
    struct fixture f;
    size_t segment = sizeof(struct demux_segment) + SEGMENT_SLOTS * sizeof(struct demux_slot);

    (void)state;
    begin(&f, 1000001, 64 << 20);
    for (uint32_t i = 1; i < f.count; i++) {
        unsigned calls = f.calls;

        assert_true(insert(&f, i, i & 3));
        assert_true(f.calls - calls <= 2);
        if (i > 10000)
            assert_true(f.bytes < (size_t)i * 22);
    }
    assert_true(f.largest <= segment);
    look_up_all(&f);
    for (uint32_t i = 1; i < f.count; i++) {
        unsigned calls = f.calls;

        erase(&f, i);
        assert_true(f.calls - calls <= 1);
        if (i % 200000 == 0)
            look_up_all(&f);
        if (f.count - i > 10000)
            assert_true(f.bytes < (size_t)(f.count - i) * 36);
    }
    assert_true(f.bytes < 256);
    assert_int_equal(f.demux.depth, 0);
    end(&f);
}

/* At the cap the table fills what it has, loses nothing, and works on after removals. */
static void full_memory_refuses_and_recovers(void **state)
{
    struct fixture f;
    uint32_t entered = 0;

    (void)state;
    begin(&f, 60000, 256 << 10);
    for (uint32_t i = 1; i < f.count; i++)
        entered += insert(&f, i, 1);
    assert_true(entered > 25000 && entered < f.count - 1);
    assert_true(f.memory.used <= f.memory.cap - f.memory.reserve);
    look_up_all(&f);
    f.dry = true;
    for (uint32_t i = 1; i < f.count; i++)
        if (f.kind[i] >= 0 && i % 3 != 0)
            erase(&f, i);
    look_up_all(&f);
    f.dry = false;
    for (uint32_t i = 1; i < 9000; i++)
        if (f.kind[i] < 0)
            assert_true(insert(&f, i, 2));
    look_up_all(&f);
    for (uint32_t i = 1; i < f.count; i++)
        if (f.kind[i] >= 0)
            erase(&f, i);
    assert_true(f.bytes < 256);
    end(&f);
}

static void dry_hooks_leave_an_empty_table(void **state)
{
    struct fixture f;

    (void)state;
    begin(&f, 10, 1 << 20);
    f.dry = true;
    assert_false(insert(&f, 1, 1));
    /* The directory is had, its segment not. */
    f.dry = false;
    f.memory.cap = f.memory.reserve + 16;
    assert_false(insert(&f, 1, 1));
    assert_int_equal(f.bytes, 0);
    look_up_all(&f);
    end(&f);
}

/* The hash is an argument, so the worst can be had: homes that coincide and wrap around. */
static void crowded_homes_survive_any_order(void **state)
{
    uint64_t seed = 77;

    (void)state;
    for (unsigned round = 0; round < 400; round++) {
        uint32_t order[600];
        struct fixture f;

        begin(&f, 600, 16 << 20);
        for (uint32_t i = 0; i < 600; i++) {
            unsigned style = round % 4;
            uint32_t home = style == 0   ? SEGMENT_SLOTS - 1
                            : style == 1 ? SEGMENT_SLOTS - 1 - i % 7
                            : style == 2 ? (SEGMENT_SLOTS - 300 + i / 2) % SEGMENT_SLOTS
                                         : random_next(&seed) % 300;

            f.hash[i] = home << 3 | (style == 1 ? i << 20 : 0);
            order[i] = i;
        }
        for (uint32_t i = 1; i < 600; i++)
            assert_true(insert(&f, i, i & 7));
        look_up_all(&f);
        for (uint32_t i = 599; i > 1; i--) {
            uint32_t j = round < 4 ? i : 1 + random_next(&seed) % i, kept = order[i];

            order[i] = order[j];
            order[j] = kept;
        }
        for (uint32_t i = 1; i < 600; i++) {
            erase(&f, order[i]);
            if (i % 97 == 0)
                look_up_all(&f);
            else
                look_up(&f, order[599]);
        }
        assert_int_equal(f.demux.used, 0);
        end(&f);
    }
}

/* All of one hash: no split can help. The table takes one segment's worth, then refuses. */
static void one_hash_fills_one_segment(void **state)
{
    struct fixture f;
    uint32_t entered = 0;

    (void)state;
    begin(&f, 3000, 16 << 20);
    for (uint32_t i = 1; i < f.count; i++) {
        f.hash[i] = 0xdeadbeef;
        entered += insert(&f, i, 0);
    }
    assert_int_equal(entered, SEGMENT_SLOTS - 1);
    assert_int_equal(f.demux.depth <= DEMUX_DEPTH_MAX, 1);
    look_up_all(&f);
    for (uint32_t i = 1; i < f.count; i++)
        if (f.kind[i] >= 0)
            erase(&f, i);
    /* Empty halves join on the way, step by step. */
    assert_int_equal(f.demux.used, 0);
    end(&f);
}

static void the_key_decides_the_hash(void **state)
{
    struct siphash_key key = { 1, 2 };
    struct fixture f;
    struct demux other;
    unsigned same = 0;

    (void)state;
    begin(&f, 1000, 1 << 20);
    demux_init(&other, &f.memory, &key, tuple_of, &f);
    for (uint32_t i = 0; i < 1000; i++)
        same += demux_hash(&other, &f.tuple[i]) == f.hash[i];
    assert_true(same < 3);
    end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(empty_table_has_nothing),
        cmocka_unit_test(a_change_of_kind_stays_in_place),
        cmocka_unit_test(small_tables_are_small),
        cmocka_unit_test(agrees_with_a_plain_map),
        cmocka_unit_test(grows_and_shrinks_a_segment_at_a_time),
        cmocka_unit_test(full_memory_refuses_and_recovers),
        cmocka_unit_test(dry_hooks_leave_an_empty_table),
        cmocka_unit_test(crowded_homes_survive_any_order),
        cmocka_unit_test(one_hash_fills_one_segment),
        cmocka_unit_test(the_key_decides_the_hash),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
