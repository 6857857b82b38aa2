/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "base/chunk.h"

struct fixture {
    size_t bytes, calls; /* of the heap */
    struct memory memory;
    struct chunk_store store;
    struct chunk_queue queue;
};

static void *heap_alloc(void *context, size_t size)
{
    struct fixture *f = context;

    f->bytes += size;
    f->calls++;
    return malloc(size);
}

static void heap_free(void *context, void *at, size_t size)
{
    struct fixture *f = context;

    f->bytes -= size;
    free(at);
}

static void begin(struct fixture *f, size_t cap)
{
    wh_memory hooks = { .context = f, .alloc = heap_alloc, .free = heap_free };

    memset(f, 0, sizeof(*f));
    memory_init(&f->memory, &hooks, cap);
    chunk_store_init(&f->store, &f->memory);
}

static void end(struct fixture *f)
{
    chunk_queue_clear(&f->queue, &f->store);
    assert_null(f->queue.head);
    assert_null(f->queue.tail);
    assert_int_equal(f->queue.length, 0);
    chunk_store_trim(&f->store);
    assert_int_equal(f->memory.used, 0);
    assert_int_equal(f->bytes, 0);
}

/* The nth byte of the stream that the tests write. */
static uint8_t stream_byte(uint64_t n) { return (uint8_t)(n * 7 + n / 251); }

static size_t append(struct fixture *f, uint64_t from, size_t length)
{
    uint8_t *bytes = malloc(length + 1);
    size_t taken;

    for (size_t i = 0; i < length; i++)
        bytes[i] = stream_byte(from + i);
    taken = chunk_queue_append(&f->queue, &f->store, bytes, length, MEMORY_ORDINARY);
    free(bytes);
    return taken;
}

static void assert_stream(const struct chunk_queue *queue, uint64_t offset, uint64_t from,
                          size_t length)
{
    uint8_t *bytes = malloc(length + 1);

    bytes[length] = 0x5a;
    chunk_queue_copy(queue, offset, bytes, length);
    for (size_t i = 0; i < length; i++)
        assert_int_equal(bytes[i], stream_byte(from + i));
    assert_int_equal(bytes[length], 0x5a);
    free(bytes);
}

static void sizes_fit_what_is_asked_for(void **state)
{
    struct fixture f;

    (void)state;
    begin(&f, 16 << 20);
    assert_true(chunk_max() >= 65535 + 512);
    for (uint32_t want = 0; want <= chunk_max(); want += want < 2000 ? 1 : 997) {
        struct chunk *chunk = chunk_take(&f.store, want, MEMORY_ORDINARY);

        assert_non_null(chunk);
        assert_true(chunk->size >= want);
        assert_true(chunk->size <= 4 * want + 1024 || chunk->size == chunk_max());
        assert_int_equal((uintptr_t)chunk->data % _Alignof(max_align_t), 0);
        assert_int_equal(chunk->references, 1);
        assert_int_equal(chunk_length(chunk), 0);
        assert_int_equal(chunk_room(chunk), chunk->size);
        assert_true(chunk_cost(chunk) > chunk->size);
        memset(chunk->data, 1, chunk->size);
        chunk_drop(&f.store, chunk);
    }
    assert_null(chunk_take(&f.store, chunk_max() + 1, MEMORY_ORDINARY));
    end(&f);
}

static void steady_state_asks_the_hooks_for_nothing(void **state)
{
    struct fixture f;
    size_t calls;

    (void)state;
    begin(&f, 16 << 20);
    assert_int_equal(append(&f, 0, 100000), 100000);
    chunk_queue_consume(&f.queue, &f.store, 100000);
    calls = f.calls;
    for (unsigned i = 0; i < 1000; i++) {
        assert_int_equal(append(&f, 0, 100000), 100000);
        chunk_queue_consume(&f.queue, &f.store, 100000);
    }
    assert_int_equal(f.calls, calls);
    end(&f);
}

static void spares_are_bounded(void **state)
{
    struct fixture f;
    struct chunk *chunk[100];

    (void)state;
    begin(&f, 64 << 20);
    for (unsigned i = 0; i < 100; i++)
        chunk[i] = chunk_take(&f.store, chunk_max(), MEMORY_ORDINARY);
    for (unsigned i = 0; i < 100; i++)
        chunk_drop(&f.store, chunk[i]);
    assert_in_range(f.memory.used, 512 << 10, 1 << 20);
    end(&f);
}

/* At the cap, spares of one class make room for another class, and for everybody else. */
static void spares_give_way_to_any_request(void **state)
{
    struct fixture f;
    struct chunk *small[8];
    void *at;

    (void)state;
    begin(&f, 256 << 10);
    for (unsigned i = 0; i < 8; i++)
        small[i] = chunk_take(&f.store, 10, MEMORY_ORDINARY);
    for (unsigned i = 0; i < 8; i++)
        chunk_drop(&f.store, small[i]);
    assert_int_equal(f.memory.used, 8 << 10);
    at = memory_take(&f.memory, 240 << 10, MEMORY_ORDINARY);
    assert_non_null(at);
    assert_int_equal(f.store.spares[0], 0);
    memory_give(&f.memory, at, 240 << 10);
    end(&f);
}

static void small_writes_take_small_chunks(void **state)
{
    struct fixture f;

    (void)state;
    begin(&f, 16 << 20);
    assert_int_equal(append(&f, 0, 64), 64);
    assert_int_equal(chunk_cost(f.queue.head), 1024);
    chunk_queue_clear(&f.queue, &f.store);
    assert_int_equal(append(&f, 0, 200000), 200000);
    assert_int_equal(f.queue.head->size, chunk_max());
    chunk_queue_clear(&f.queue, &f.store);
    /* Many small writes end up in few large chunks. */
    for (unsigned i = 0; i < 2000; i++)
        assert_int_equal(append(&f, i * 100, 100), 100);
    assert_int_equal(f.queue.tail->size, chunk_max());
    assert_true(f.memory.used < 2 * 200000);
    assert_stream(&f.queue, 0, 0, 200000);
    end(&f);
}

/* Bytes that a frame in flight refers to stay, whatever happens to the queue. */
static void held_bytes_outlive_the_queue(void **state)
{
    struct fixture f;
    struct chunk *held;

    (void)state;
    begin(&f, 1 << 20);
    append(&f, 0, 100);
    held = f.queue.head;
    chunk_hold(held);
    assert_int_equal(append(&f, 100, 50), 50); /* goes to the same chunk, past what is held */
    assert_ptr_equal(f.queue.tail, held);
    chunk_queue_consume(&f.queue, &f.store, 150);
    assert_null(f.queue.head);
    assert_int_equal(append(&f, 150, 100), 100);
    assert_ptr_not_equal(f.queue.head, held);
    for (unsigned i = 0; i < 100; i++)
        assert_int_equal(held->data[i], stream_byte(i));
    assert_int_equal(held->references, 1);
    chunk_drop(&f.store, held);
    end(&f);
}

static void append_takes_what_fits_under_the_cap(void **state)
{
    struct fixture f;
    size_t taken;

    (void)state;
    begin(&f, 256 << 10);
    taken = append(&f, 0, 1 << 20);
    /* Smaller chunks fill what the large ones leave: all but the reserve and less than 1 KiB. */
    assert_true(f.memory.used > (240 << 10) - 1024);
    assert_true(f.memory.used <= 240 << 10);
    assert_int_equal(f.queue.length, taken);
    assert_stream(&f.queue, 0, 0, taken);
    assert_int_equal(append(&f, 0, 1), 0);
    assert_int_equal(chunk_queue_append(&f.queue, &f.store, "x", 1, MEMORY_VITAL), 1);
    end(&f);
}

static void pushed_chunks_keep_their_window(void **state)
{
    struct fixture f;
    struct chunk *chunk;

    (void)state;
    begin(&f, 1 << 20);
    append(&f, 0, 10);
    chunk = chunk_take(&f.store, 2000, MEMORY_ORDINARY);
    chunk->begin = 54;
    chunk->end = 154;
    for (unsigned i = 0; i < 100; i++)
        chunk->data[54 + i] = stream_byte(10 + i);
    chunk_queue_push(&f.queue, chunk);
    append(&f, 110, 10);
    assert_int_equal(f.queue.length, 120);
    assert_stream(&f.queue, 0, 0, 120);
    assert_stream(&f.queue, 9, 9, 2);
    assert_stream(&f.queue, 120, 0, 0);
    end(&f);
}

static void find_names_the_chunk_and_the_place(void **state)
{
    struct fixture f;
    uint64_t n = 0;

    (void)state;
    begin(&f, 16 << 20);
    append(&f, 0, 10);
    append(&f, 10, 150000);
    chunk_queue_consume(&f.queue, &f.store, 3);
    for (const struct chunk *chunk = f.queue.head; chunk != NULL; chunk = chunk->next)
        for (uint32_t i = chunk->begin; i < chunk->end; i++, n++) {
            uint32_t at;

            if (n % 331 != 0 && i != chunk->begin && i + 1 != chunk->end)
                continue;
            assert_ptr_equal(chunk_queue_find(&f.queue, n, &at), chunk);
            assert_int_equal(at, i);
        }
    assert_int_equal(n, f.queue.length);
    end(&f);
}

/* What stands before the cut stays, in place; what is appended next follows it. */
static void a_cut_takes_from_the_end(void **state)
{
    struct fixture f;
    struct chunk *head;

    (void)state;
    begin(&f, 16 << 20);
    append(&f, 0, 150000);
    chunk_queue_consume(&f.queue, &f.store, 100);
    head = f.queue.head;
    chunk_queue_cut(&f.queue, &f.store, 0);
    assert_int_equal(f.queue.length, 149900);
    chunk_queue_cut(&f.queue, &f.store, 149000);
    assert_int_equal(f.queue.length, 900);
    assert_ptr_equal(f.queue.head, head);
    assert_ptr_equal(f.queue.tail, head);
    append(&f, 1000, 90000);
    assert_stream(&f.queue, 0, 100, 90900);
    chunk_queue_cut(&f.queue, &f.store, 90900);
    assert_null(f.queue.head);
    assert_null(f.queue.tail);
    assert_int_equal(f.queue.length, 0);
    end(&f);
}

static uint32_t random_next(uint64_t *seed)
{
    *seed = *seed * 6364136223846793005U + 1442695040888963407U;
    return (uint32_t)(*seed >> 33);
}

/* A stream written, cut short, peeked and consumed in random pieces comes out as it went in. */
static void random_stream_comes_out_whole(void **state)
{
    struct fixture f;
    uint64_t seed = 3, written = 0, read = 0;

    (void)state;
    begin(&f, 4 << 20);
    for (unsigned round = 0; round < 3000; round++) {
        size_t n = random_next(&seed) % (round % 7 == 0 ? 90000 : 300);

        written += append(&f, written, n);
        assert_int_equal(f.queue.length, written - read);
        if (round % 5 == 0) {
            uint64_t cut = random_next(&seed) % (f.queue.length + 1);
            chunk_queue_cut(&f.queue, &f.store, cut);
            written -= cut;
            assert_int_equal(f.queue.length, written - read);
        }
        n = (size_t)(random_next(&seed) % (f.queue.length + 1));
        if (round % 3 == 0)
            n = MIN(n, (size_t)500);
        if (n < f.queue.length)
            assert_stream(&f.queue, n, read + n, (size_t)(f.queue.length - n));
        chunk_queue_consume(&f.queue, &f.store, n);
        read += n;
    }
    end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes_fit_what_is_asked_for),
        cmocka_unit_test(steady_state_asks_the_hooks_for_nothing),
        cmocka_unit_test(spares_are_bounded),
        cmocka_unit_test(spares_give_way_to_any_request),
        cmocka_unit_test(small_writes_take_small_chunks),
        cmocka_unit_test(held_bytes_outlive_the_queue),
        cmocka_unit_test(append_takes_what_fits_under_the_cap),
        cmocka_unit_test(pushed_chunks_keep_their_window),
        cmocka_unit_test(find_names_the_chunk_and_the_place),
        cmocka_unit_test(a_cut_takes_from_the_end),
        cmocka_unit_test(random_stream_comes_out_whole),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
