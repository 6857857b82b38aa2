/* SPDX-License-Identifier: MIT */
#include "arena.h"

#include "tcp/trace.h"

static void note(struct trace *trace, uint64_t number)
{
    wh_trace_record *record = trace_next(trace);
    wh_trace_record cleared;
    memset(&cleared, 0, sizeof cleared);
    assert_memory_equal(record, &cleared, sizeof cleared);
    record->frame = number;
    record->flags = 0xffff;
}

static void no_capacity_no_trace(void **state)
{
    (void)state;
    struct arena arena;
    struct trace trace;
    wh_trace_record record;
    uint64_t lost = 9;
    arena_begin(&arena, (size_t)1 << 20);
    assert_int_equal(trace_init(&trace, &arena.memory, 0), WH_OK);
    assert_int_equal(arena.memory.used, 0);
    assert_false(trace_on(&trace));
    assert_int_equal(trace_drain(&trace, &record, 1, &lost), 0);
    assert_int_equal(lost, 0);
    trace_free(&trace, &arena.memory);
    arena.refuse_all = true;
    assert_int_equal(trace_init(&trace, &arena.memory, 8), WH_E_NOMEM);
    assert_false(trace_on(&trace));
    trace_free(&trace, &arena.memory);
    arena_end(&arena);
}

/* Beside a count of what was written, read and overwritten. */
static void oldest_first_and_what_was_overwritten_is_told(void **state)
{
    (void)state;
    struct arena arena;
    struct trace trace;
    wh_trace_record records[8];
    uint64_t dice = 5, written = 0, next = 1, overwritten = 0;
    arena_begin(&arena, (size_t)1 << 20);
    assert_int_equal(trace_init(&trace, &arena.memory, 7), WH_OK); /* any size */
    for (unsigned i = 0; i < 500; i++) {
        if (any_below(&dice, 4) != 0) {
            note(&trace, ++written);
            if (written - next + 1 > 7) {
                next++;
                overwritten++;
            }
            continue;
        }
        uint64_t lost = 99;
        size_t cap = any_below(&dice, 9);
        size_t n = trace_drain(&trace, records, cap, any_below(&dice, 5) == 0 ? NULL : &lost);
        assert_int_equal(n, MIN(cap, written - next + 1));
        for (size_t k = 0; k < n; k++) {
            assert_int_equal(records[k].frame, next++);
        }
        if (lost != 99) {
            assert_int_equal(lost, overwritten);
            overwritten = 0;
        }
    }
    trace_free(&trace, &arena.memory);
    arena_end(&arena);
}

static void a_segment_is_copied_with_its_window_in_bytes(void **state)
{
    (void)state;
    struct segment segment = {
        .seq = 1,
        .ack = 2,
        .flags = WH_ACK | WH_URG,
        .window = 0xffff,
        .urgent = 3,
        .hops = 9,
        .segment_size = 1000,
        .length = 5000,
        .options = { .has = WH_HAS_SACK | WH_HAS_TIMESTAMPS,
                     .tsval = 4,
                     .tsecr = 5,
                     .sacks = 2,
                     .sack = { { 10, 20 }, { 30, 40 }, { 50, 60 } } },
        .tuple = { .local_port = 80, .remote_port = 81 },
    };
    wh_trace_record record;
    memset(&record, 0, sizeof record);
    trace_segment(&record, &segment, 14);
    assert_int_equal(record.window, 0xffffU << 14);
    assert_int_equal(record.seq, 1);
    assert_int_equal(record.ack, 2);
    assert_int_equal(record.urgent, 3);
    assert_int_equal(record.hops, 9);
    assert_int_equal(record.length, 5000);
    assert_int_equal(record.segment_size, 1000);
    assert_int_equal(record.tsval, 4);
    assert_int_equal(record.tsecr, 5);
    assert_int_equal(record.local.port, 80);
    assert_int_equal(record.remote.port, 81);
    assert_int_equal(record.sacks, 2);
    assert_int_equal(record.sack[1].right, 40);
    assert_int_equal(record.sack[2].left, 0); /* not told by the segment */
    /* RFC 7323 2.2: a SYN's window is never scaled. */
    segment.flags |= WH_SYN;
    trace_segment(&record, &segment, 14);
    assert_int_equal(record.window, 0xffff);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_capacity_no_trace),
        cmocka_unit_test(oldest_first_and_what_was_overwritten_is_told),
        cmocka_unit_test(a_segment_is_copied_with_its_window_in_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
