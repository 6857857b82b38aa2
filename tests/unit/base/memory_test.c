/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"

/* Hooks that count, and fail when told to. */
struct heap {
    size_t bytes, pieces;
    bool dry;
};

static void *heap_alloc(void *context, size_t size)
{
    struct heap *heap = context;
    void *at = heap->dry ? NULL : malloc(size);

    if (at == NULL)
        return NULL;
    memset(at, 0xa5, size);
    heap->bytes += size;
    heap->pieces++;
    return at;
}

static void heap_free(void *context, void *at, size_t size)
{
    struct heap *heap = context;

    heap->bytes -= size;
    heap->pieces--;
    free(at);
}

static struct memory memory_on(struct heap *heap, size_t cap)
{
    struct memory memory;
    wh_memory hooks = { .context = heap, .alloc = heap_alloc, .free = heap_free };

    memory_init(&memory, &hooks, cap);
    return memory;
}

static void reserve_is_a_sixteenth_up_to_a_mebibyte(void **state)
{
    struct heap heap = { 0 };

    (void)state;
    assert_int_equal(memory_on(&heap, 256 << 10).reserve, 16 << 10);
    assert_int_equal(memory_on(&heap, (size_t)1 << 30).reserve, 1 << 20);
}

static void cap_and_reserve_hold(void **state)
{
    struct heap heap = { 0 };
    struct memory memory = memory_on(&heap, 1600);
    void *ordinary, *vital;

    (void)state;
    assert_null(memory_take(&memory, 1501, MEMORY_ORDINARY));
    ordinary = memory_take(&memory, 1500, MEMORY_ORDINARY);
    assert_non_null(ordinary);
    assert_null(memory_take(&memory, 1, MEMORY_ORDINARY));
    assert_null(memory_take(&memory, 101, MEMORY_VITAL));
    vital = memory_take(&memory, 100, MEMORY_VITAL);
    assert_non_null(vital);
    assert_int_equal(memory.used, 1600);
    assert_null(memory_take(&memory, SIZE_MAX, MEMORY_VITAL));
    assert_null(memory_take(&memory, SIZE_MAX - 1599, MEMORY_VITAL));
    memory_give(&memory, ordinary, 1500);
    memory_give(&memory, vital, 100);
    memory_give(&memory, NULL, 5);
    assert_int_equal(memory.used, 0);
    assert_int_equal(memory.peak, 1600);
    assert_int_equal(heap.bytes, 0);
}

static void dry_hook_counts_nothing(void **state)
{
    struct heap heap = { .dry = true };
    struct memory memory = memory_on(&heap, 1 << 20);

    (void)state;
    assert_null(memory_take(&memory, 64, MEMORY_VITAL));
    assert_int_equal(memory.used, 0);
    assert_int_equal(memory.peak, 0);
}

struct hoard {
    struct memory *memory;
    void *kept;
    unsigned calls;
};

static void hoard_release(void *context)
{
    struct hoard *hoard = context;

    hoard->calls++;
    memory_give(hoard->memory, hoard->kept, 1000);
    hoard->kept = NULL;
}

static void failing_request_reclaims_once(void **state)
{
    struct heap heap = { 0 };
    struct memory memory = memory_on(&heap, 1600);
    struct hoard hoard = { .memory = &memory };
    void *at;

    (void)state;
    hoard.kept = memory_take(&memory, 1000, MEMORY_ORDINARY);
    memory.reclaim = hoard_release;
    memory.reclaim_context = &hoard;
    at = memory_take(&memory, 1200, MEMORY_ORDINARY);
    assert_non_null(at);
    assert_int_equal(hoard.calls, 1);
    assert_null(memory_take(&memory, 1200, MEMORY_ORDINARY));
    assert_int_equal(hoard.calls, 2);
    memory_give(&memory, at, 1200);
    assert_int_equal(heap.bytes, 0);
}

static void records_come_cleared_and_last_freed_first(void **state)
{
    struct heap heap = { 0 };
    struct memory memory = memory_on(&heap, 1 << 20);
    struct pool pool;
    uint32_t index[5], again;
    uint8_t *record;

    (void)state;
    pool_init(&pool, &memory, 20, 4);
    for (unsigned i = 0; i < 5; i++) {
        record = pool_take(&pool, &index[i], MEMORY_ORDINARY);
        assert_non_null(record);
        assert_int_not_equal(index[i], 0);
        for (unsigned b = 0; b < 20; b++)
            assert_int_equal(record[b], 0);
        assert_ptr_equal(record, pool_at(&pool, index[i]));
        memset(record, (int)i + 1, 20);
    }
    for (unsigned i = 0; i < 5; i++)
        assert_int_equal(((uint8_t *)pool_at(&pool, index[i]))[19], i + 1);
    pool_give(&pool, index[3]);
    pool_give(&pool, index[4]);
    assert_int_equal(pool.used, 3);
    record = pool_take(&pool, &again, MEMORY_ORDINARY);
    assert_int_equal(again, index[4]);
    for (unsigned b = 0; b < 20; b++)
        assert_int_equal(record[b], 0);
    pool_free(&pool);
    assert_int_equal(memory.used, 0);
    assert_int_equal(heap.pieces, 0);
}

static void cache_line_records_are_aligned(void **state)
{
    struct heap heap = { 0 };
    struct memory memory = memory_on(&heap, 1 << 20);
    struct pool pool;
    uint32_t index;

    (void)state;
    pool_init(&pool, &memory, 192, 8);
    for (unsigned i = 0; i < 100; i++)
        assert_int_equal((uintptr_t)pool_take(&pool, &index, MEMORY_ORDINARY) % 64, 0);
    pool_free(&pool);
    assert_int_equal(heap.bytes, 0);
}

static void empty_slabs_go_back_but_one(void **state)
{
    struct heap heap = { 0 };
    struct memory memory = memory_on(&heap, 1 << 20);
    struct pool pool;
    uint32_t index[64], extra;

    (void)state;
    pool_init(&pool, &memory, 8, 8);
    for (unsigned i = 0; i < 63; i++)
        assert_non_null(pool_take(&pool, &index[i], MEMORY_ORDINARY));
    assert_int_equal(heap.pieces, 1 + 8); /* the directory and eight slabs: index 0 is unused */
    for (unsigned i = 0; i < 63; i++)
        pool_give(&pool, index[i]);
    assert_int_equal(pool.used, 0);
    assert_int_equal(heap.pieces, 1 + 1);
    /* A record that comes and goes costs no slab. */
    assert_non_null(pool_take(&pool, &extra, MEMORY_ORDINARY));
    pool_give(&pool, extra);
    assert_int_equal(heap.pieces, 1 + 1);
    /* Vacant entries of the directory are filled before it grows. */
    for (unsigned i = 0; i < 63; i++)
        assert_non_null(pool_take(&pool, &index[i], MEMORY_ORDINARY));
    assert_int_equal(heap.pieces, 1 + 8);
    assert_int_equal(pool.slabs, 8);
    pool_free(&pool);
    assert_int_equal(heap.bytes, 0);
}

static void pool_stays_under_the_cap(void **state)
{
    struct heap heap = { 0 };
    struct memory memory = memory_on(&heap, 64 << 10);
    struct pool pool;
    uint32_t index, vital = 0, ordinary = 0;

    (void)state;
    pool_init(&pool, &memory, 64, 16);
    while (pool_take(&pool, &index, MEMORY_ORDINARY) != NULL)
        ordinary++;
    assert_true(memory.used <= memory.cap - memory.reserve);
    while (pool_take(&pool, &index, MEMORY_VITAL) != NULL)
        vital++;
    assert_true(memory.used <= memory.cap);
    assert_int_equal(memory.used, heap.bytes);
    assert_true(ordinary > 600 && vital > 20);
    pool_free(&pool);
    assert_int_equal(heap.bytes, 0);
}

static uint32_t random_next(uint64_t *seed)
{
    *seed = *seed * 6364136223846793005U + 1442695040888963407U;
    return (uint32_t)(*seed >> 33);
}

/* Random takes and gives against a plain array of flags. */
static void pool_agrees_with_a_plain_set(void **state)
{
    static uint8_t in_use[1 << 14];
    struct heap heap = { 0 };
    struct memory memory = memory_on(&heap, 64 << 20);
    struct pool pool;
    uint64_t seed = 7;
    uint32_t count = 0;

    (void)state;
    pool_init(&pool, &memory, 12, 128);
    for (unsigned round = 0; round < 200000; round++) {
        /* Grow for a while, then shrink for a while. */
        bool grow = random_next(&seed) % 100 < (round / 20000 % 2 == 0 ? 70U : 30U);
        uint32_t index = random_next(&seed) % (1 << 14);

        if (grow && count < 12000) {
            assert_non_null(pool_take(&pool, &index, MEMORY_ORDINARY));
            assert_true(index > 0 && index < 1 << 14);
            assert_int_equal(in_use[index], 0);
            in_use[index] = 1;
            memcpy(pool_at(&pool, index), &index, sizeof(index));
            count++;
        } else if (count != 0) {
            uint32_t kept;

            while (!in_use[index])
                index = (index + 1) % (1 << 14);
            memcpy(&kept, pool_at(&pool, index), sizeof(kept));
            assert_int_equal(kept, index);
            pool_give(&pool, index);
            in_use[index] = 0;
            count--;
        }
        assert_int_equal(pool.used, count);
        if (round % 5000 == 0) {
            uint32_t at = 0;

            for (uint32_t i = 1; i < 1 << 14; i++) {
                assert_int_equal(pool_has(&pool, i), in_use[i]);
                if (in_use[i])
                    assert_int_equal(at = pool_next(&pool, at), i);
            }
            assert_int_equal(pool_next(&pool, at), 0);
        }
    }
    assert_false(pool_has(&pool, 0));
    assert_false(pool_has(&pool, UINT32_MAX));
    pool_free(&pool);
    assert_int_equal(heap.bytes, 0);
    assert_int_equal(memory.used, 0);
}

/* Ten million records: indices stay distinct and each slab is charged. */
static void pool_holds_ten_million(void **state)
{
    struct heap heap = { 0 };
    struct memory memory = memory_on(&heap, (size_t)1 << 30);
    struct pool pool;
    uint32_t index, walked = 0;

    (void)state;
    pool_init(&pool, &memory, 8, 1024);
    for (uint32_t i = 0; i < 10000000; i++) {
        uint32_t *record = pool_take(&pool, &index, MEMORY_ORDINARY);

        assert_true(record != NULL && index == i + 1);
        *record = i;
    }
    for (index = pool_next(&pool, 0); index != 0; index = pool_next(&pool, index))
        walked += *(uint32_t *)pool_at(&pool, index) == index - 1;
    assert_int_equal(walked, 10000000);
    assert_true(memory.used < 10000000 * 9);
    pool_free(&pool);
    assert_int_equal(heap.bytes, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reserve_is_a_sixteenth_up_to_a_mebibyte),
        cmocka_unit_test(cap_and_reserve_hold),
        cmocka_unit_test(dry_hook_counts_nothing),
        cmocka_unit_test(failing_request_reclaims_once),
        cmocka_unit_test(records_come_cleared_and_last_freed_first),
        cmocka_unit_test(cache_line_records_are_aligned),
        cmocka_unit_test(empty_slabs_go_back_but_one),
        cmocka_unit_test(pool_stays_under_the_cap),
        cmocka_unit_test(pool_agrees_with_a_plain_set),
        cmocka_unit_test(pool_holds_ten_million),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
