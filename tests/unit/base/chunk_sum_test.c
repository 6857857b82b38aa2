/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "base/chunk_sum.h"

#define CAP ((size_t)8 << 20)
#define STREAM 600000

struct fixture {
    struct memory memory;
    struct chunk_store store;
    struct chunk_queue queue;
    uint8_t *stream;
    uint64_t seed;
};

static void *heap_alloc(void *context, size_t size)
{
    (void)context;
    return malloc(size);
}

static void heap_free(void *context, void *at, size_t size)
{
    (void)context;
    (void)size;
    free(at);
}

static uint32_t below(struct fixture *f, uint32_t bound)
{
    f->seed = f->seed * 6364136223846793005U + 1442695040888963407U;
    return (uint32_t)(f->seed >> 33) % bound;
}

static void begin(struct fixture *f, uint64_t seed)
{
    wh_memory hooks = { .alloc = heap_alloc, .free = heap_free };

    memset(f, 0, sizeof(*f));
    f->seed = seed;
    memory_init(&f->memory, &hooks, CAP);
    chunk_store_init(&f->store, &f->memory);
    f->stream = malloc(STREAM);
    for (size_t i = 0; i < STREAM; i++)
        f->stream[i] = (uint8_t)below(f, 256);
}

static void end(struct fixture *f)
{
    chunk_queue_clear(&f->queue, &f->store);
    chunk_store_trim(&f->store);
    assert_int_equal(f->memory.used, 0);
    free(f->stream);
}

static uint16_t plain_sum(const uint8_t *bytes, size_t length)
{
    return checksum_fold(checksum_add_portable(bytes, length, 0));
}

/* Whatever a chunk says it knows is true; returns how many of its blocks of `block` it knew. */
static unsigned check_chunk(const struct chunk *chunk, uint32_t block)
{
    unsigned known = 0;

    for (uint32_t at = 0; at < chunk->end; at++) {
        const uint32_t lengths[] = { block, chunk->end - at, 1, 700 };

        for (size_t i = 0; i < sizeof(lengths) / sizeof(*lengths); i++) {
            uint16_t sum;

            if (lengths[i] <= chunk->end - at && chunk_sum(chunk, at, lengths[i], &sum)) {
                assert_int_equal(sum, plain_sum(chunk->data + at, lengths[i]));
                known += lengths[i] == block;
            }
        }
    }
    return known;
}

/* Pieces of every length make the same stream and true sums, with each implementation. */
static void pieces_of_any_length(void **state)
{
    (void)state;
    for (unsigned n = 0; checksum_nth(n) != NULL; n++)
        for (uint32_t block = 535; block < 9000; block = block * 2 + 378) {
            struct fixture f;
            size_t at = 0;
            unsigned known = 0, chunks = 0;

            begin(&f, block + n);
            while (at < STREAM / 2) {
                struct summing summing = { checksum_nth(n), block, block - (uint32_t)(at % block) };
                size_t length = 1 + below(&f, below(&f, 4) == 0 ? 70000 : 3000);

                assert_int_equal(chunk_queue_append_summed(&f.queue, &f.store, f.stream + at,
                                                           length, MEMORY_ORDINARY, &summing),
                                 length);
                at += length;
            }
            assert_int_equal(f.queue.length, at);
            uint8_t *copy = malloc(at);
            chunk_queue_copy(&f.queue, 0, copy, at);
            assert_memory_equal(copy, f.stream, at);
            free(copy);
            for (const struct chunk *chunk = f.queue.head; chunk != NULL;
                 chunk = chunk->next, chunks++)
                known += check_chunk(chunk, block);
            /* A block is torn only where a chunk ends. */
            assert_true(known <= at / block && known + chunks >= at / block);
            end(&f);
        }
}

/* The first block of every chunk ends where the stream's does. */
static void blocks_follow_the_stream(void **state)
{
    struct fixture f;
    const uint32_t block = 1448;
    uint32_t at = 0;

    (void)state;
    begin(&f, 7);
    struct summing summing = { checksum_best(), block, 448 };
    assert_int_equal(
        chunk_queue_append_summed(&f.queue, &f.store, f.stream, STREAM, MEMORY_ORDINARY, &summing),
        STREAM);
    for (const struct chunk *chunk = f.queue.head; chunk != NULL; chunk = chunk->next) {
        uint32_t first = block - (at + block - 448) % block;
        uint16_t sum;

        if (first < chunk->end) {
            assert_true(chunk_sum(chunk, 0, first, &sum));
            assert_true(chunk_sum(chunk, first, MIN(block, chunk->end - first), &sum));
            assert_false(chunk_sum(chunk, 1, first - 1, &sum));
        }
        at += chunk->end;
    }
    end(&f);
}

/* Small blocks, and none at all, are copied like others and never known. */
static void small_blocks_are_not_summed(void **state)
{
    static const uint32_t blocks[] = { 0, 8, CHUNK_SUM_LEAST - 1 };

    (void)state;
    for (size_t i = 0; i < sizeof(blocks) / sizeof(*blocks); i++) {
        struct fixture f;
        struct summing summing = { checksum_best(), blocks[i], blocks[i] };
        uint16_t sum;
        uint8_t copy[5000];

        begin(&f, 8);
        assert_int_equal(chunk_queue_append_summed(&f.queue, &f.store, f.stream, sizeof(copy),
                                                   MEMORY_ORDINARY, &summing),
                         sizeof(copy));
        chunk_queue_copy(&f.queue, 0, copy, sizeof(copy));
        assert_memory_equal(copy, f.stream, sizeof(copy));
        assert_false(chunk_sum(f.queue.head, 0, blocks[i], &sum));
        end(&f);
    }
}

/* What others write to a chunk, or cut from it, makes it forget. */
static void changes_are_forgotten(void **state)
{
    struct summing summing = { checksum_best(), 1000, 1000 };
    uint16_t sum;

    (void)state;
    for (unsigned how = 0; how < 3; how++) {
        struct fixture f;

        begin(&f, 9);
        assert_int_equal(chunk_queue_append_summed(&f.queue, &f.store, f.stream, 2500,
                                                   MEMORY_ORDINARY, &summing),
                         2500);
        assert_true(chunk_sum(f.queue.head, 2000, 500, &sum));
        if (how == 0)
            chunk_sum_forget(f.queue.head);
        else if (how == 1)
            (void)chunk_queue_append(&f.queue, &f.store, f.stream, 1, MEMORY_ORDINARY);
        else
            chunk_queue_cut(&f.queue, &f.store, 1);
        assert_false(chunk_sum(f.queue.head, 2000, chunk_length(f.queue.head) - 2000, &sum));
        end(&f);
    }
}

/* A taken chunk knows nothing of who had it before. */
static void a_chunk_begins_anew(void **state)
{
    struct fixture f;
    struct summing summing = { checksum_best(), 1000, 1000 };
    uint16_t sum;

    (void)state;
    begin(&f, 10);
    (void)chunk_queue_append_summed(&f.queue, &f.store, f.stream, 2500, MEMORY_ORDINARY, &summing);
    uint32_t shorter = f.queue.head->size;
    chunk_queue_clear(&f.queue, &f.store);
    struct chunk *chunk = chunk_take(&f.store, 2500, MEMORY_ORDINARY);
    assert_true(chunk->size > shorter);
    chunk->end = 1000;
    assert_false(chunk_sum(chunk, 0, 1000, &sum));
    chunk_drop(&f.store, chunk);
    end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_of_any_length),        cmocka_unit_test(blocks_follow_the_stream),
        cmocka_unit_test(small_blocks_are_not_summed), cmocka_unit_test(changes_are_forgotten),
        cmocka_unit_test(a_chunk_begins_anew),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
