/* SPDX-License-Identifier: MIT */
/* The FIFO of TIME-WAIT entries beside a plain array, across slabs and across 2^32. */
#include "../tcp/arena.h"

#include "stack/time_wait_table.h"

#define SLAB 1024 /* entries; the table's own unit */
#define MOST 40000

struct model {
    struct arena arena;
    struct time_wait_table table;
    struct {
        uint32_t position, number;
        bool gone;
    } entry[MOST]; /* oldest at `first` */
    uint32_t first, count, used;
};

static struct model *begin(uint32_t at)
{
    struct model *m = calloc(1, sizeof *m);
    arena_begin(&m->arena, (size_t)1 << 26);
    time_wait_table_init(&m->table, &m->arena.memory);
    assert_int_equal(m->table.head, 1);
    m->table.head = m->table.tail = at; /* as after that many entries */
    return m;
}

static void end(struct model *m)
{
    time_wait_table_free(&m->table);
    arena_end(&m->arena);
    free(m);
}

static void append(struct model *m)
{
    uint32_t position = 0;
    struct time_wait *entry = time_wait_append(&m->table, &position);
    assert_non_null(entry);
    assert_int_not_equal(position, 0);
    assert_int_equal(entry->record.state, WH_CLOSED);
    assert_int_equal(entry->snd_nxt, 0);
    entry->record.state = WH_TIME_WAIT;
    entry->snd_nxt = m->count;
    m->entry[m->count].position = position;
    m->entry[m->count].number = m->count;
    m->count++;
    m->used++;
}

static void drop(struct model *m, uint32_t which)
{
    if (!m->entry[which].gone) {
        time_wait_remove(&m->table, m->entry[which].position);
        m->entry[which].gone = true;
        m->used--;
    }
}

static void check_first(struct model *m)
{
    uint32_t position = 0;
    while (m->first < m->count && m->entry[m->first].gone) {
        m->first++;
    }
    const struct time_wait *first = time_wait_first(&m->table, &position);
    if (m->first == m->count) {
        assert_null(first);
        return;
    }
    assert_non_null(first);
    assert_int_equal(position, m->entry[m->first].position);
    assert_int_equal(first->snd_nxt, m->entry[m->first].number);
}

/* Every entry by its position and in a walk. */
static void check_all(const struct model *m)
{
    uint32_t position = m->table.head;
    const struct time_wait *entry;
    assert_int_equal(m->table.used, m->used);
    for (uint32_t i = m->first; i < m->count; i++) {
        if (m->entry[i].gone) {
            continue;
        }
        assert_int_equal(time_wait_at(&m->table, m->entry[i].position)->snd_nxt, i);
        entry = time_wait_walk(&m->table, &position);
        assert_non_null(entry);
        assert_int_equal(entry->snd_nxt, i);
        assert_int_equal(position, m->entry[i].position);
        position++;
    }
    assert_null(time_wait_walk(&m->table, &position));
}

static void walk(uint32_t at, uint64_t dice)
{
    struct model *m = begin(at);
    while (m->count < 12000) {
        uint32_t more = any_below(&dice, 2500);
        for (uint32_t i = 0; i < more; i++) {
            append(m);
        }
        uint32_t holes = any_below(&dice, 800);
        for (uint32_t i = 0; i < holes && m->first < m->count; i++) {
            drop(m, m->first + any_below(&dice, m->count - m->first));
        }
        uint32_t expired = any_below(&dice, 3000);
        for (uint32_t i = 0; i < expired && m->used > 0; i++) {
            check_first(m);
            drop(m, m->first);
        }
        check_first(m);
        check_all(m);
    }
    while (m->used > 0) {
        check_first(m);
        drop(m, m->first);
    }
    check_first(m);
    /* Empty: only the directory remains. */
    assert_int_equal(m->arena.bytes, m->table.directory * sizeof m->table.slab[0]);
    end(m);
}

static void first_in_first_out_across_slabs(void **state)
{
    (void)state;
    walk(1, 1);
    walk(SLAB - 1, 2);
    walk(5 * SLAB, 3);
}

static void positions_wrap(void **state)
{
    (void)state;
    walk(UINT32_MAX - 10, 4);
    walk(UINT32_MAX - 5 * SLAB, 5);
    walk(UINT32_MAX - SLAB + 1, 6);
    walk(UINT32_MAX, 7);
}

/* With as many entries as always, the directory does not grow, wherever the positions are. */
static void memory_is_bounded_across_the_wrap(void **state)
{
    (void)state;
    struct model *m = begin(UINT32_MAX - 3 * SLAB);
    for (uint32_t i = 0; i < 8 * SLAB; i++) {
        append(m);
        if (m->used > SLAB) {
            check_first(m);
            drop(m, m->first);
        }
        assert_true(m->table.directory <= 4);
    }
    check_all(m);
    end(m);
}

/* Head and tail in one slab, the whole circle used: growing keeps every position. */
static void the_directory_grows_where_head_and_tail_meet(void **state)
{
    (void)state;
    for (uint32_t offset = 1; offset < SLAB; offset += 341) {
        struct model *m = begin(3 * SLAB + offset);
        for (unsigned i = 0; i < 9 * SLAB; i++) {
            append(m);
        }
        check_first(m);
        check_all(m);
        end(m);
    }
}

static void without_memory_nothing_changes(void **state)
{
    (void)state;
    struct model *m = begin(1);
    uint32_t position;
    m->arena.refuse_all = true;
    assert_null(time_wait_append(&m->table, &position));
    assert_null(time_wait_first(&m->table, &position));
    m->arena.refuse_all = false;
    for (unsigned i = 0; i < 2 * SLAB - 1; i++) {
        append(m);
    }
    m->arena.refuse_all = true;
    assert_null(time_wait_append(&m->table, &position));
    check_all(m);
    m->arena.refuse_all = false;
    m->arena.grants = 1; /* the directory grows, the slab fails */
    assert_null(time_wait_append(&m->table, &position));
    check_all(m);
    m->arena.grants = -1;
    append(m);
    check_all(m);
    end(m);
}

/* A walk that is continued after entries have gone begins again at the oldest. */
static void a_walk_survives_what_ends_meanwhile(void **state)
{
    (void)state;
    struct model *m = begin(1);
    for (unsigned i = 0; i < 3 * SLAB; i++) {
        append(m);
    }
    uint32_t position = m->entry[5].position;
    for (unsigned i = 0; i < 2 * SLAB; i++) {
        drop(m, i);
    }
    check_first(m);
    const struct time_wait *entry = time_wait_walk(&m->table, &position);
    assert_non_null(entry);
    assert_int_equal(entry->snd_nxt, 2 * SLAB);
    for (unsigned i = 2 * SLAB; i < 3 * SLAB; i++) {
        drop(m, i);
    }
    check_first(m);
    position = m->entry[7].position;
    assert_null(time_wait_walk(&m->table, &position));
    end(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(first_in_first_out_across_slabs),
        cmocka_unit_test(positions_wrap),
        cmocka_unit_test(memory_is_bounded_across_the_wrap),
        cmocka_unit_test(the_directory_grows_where_head_and_tail_meet),
        cmocka_unit_test(without_memory_nothing_changes),
        cmocka_unit_test(a_walk_survives_what_ends_meanwhile),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
