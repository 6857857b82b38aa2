/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "stack/neighbour.h"

/* A table, who is ready, and the time. */
struct fixture {
    struct memory memory;
    struct chunk_store chunks;
    struct list ready;
    struct neighbours table;
    wh_time now;
    bool dry;
};

static void *heap_alloc(void *context, size_t size)
{
    const struct fixture *f = context;
    return f->dry ? NULL : malloc(size);
}

static void heap_free(void *context, void *at, size_t size)
{
    (void)context;
    (void)size;
    free(at);
}

static int make(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    wh_memory hooks = { f, heap_alloc, heap_free };
    struct siphash_key key = { 1, 2 };
    memory_init(&f->memory, &hooks, (size_t)64 << 20);
    chunk_store_init(&f->chunks, &f->memory);
    list_init(&f->ready);
    neighbours_init(&f->table, &f->memory, &f->chunks, &f->ready, &key);
    f->now = 100 * WH_SECOND;
    *state = f;
    return 0;
}

static int discard(void **state)
{
    struct fixture *f = *state;
    neighbours_free(&f->table);
    chunk_store_trim(&f->chunks);
    int leaked = f->memory.used != 0;
    free(f);
    return leaked;
}

static wh_addr host_number(uint32_t n)
{
    return wh_ipv4(10, (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n);
}

static struct station station_number(uint32_t n)
{
    return (struct station){ { 2, 0, 0, (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n } };
}

static enum neighbour_answer find(struct fixture *f, uint32_t n, struct station *station)
{
    wh_addr addr = host_number(n);
    return neighbour_find(&f->table, &addr, true, f->now, station);
}

/* The same for what may not wait: replies and packets. */
static enum neighbour_answer find_for_reply(struct fixture *f, uint32_t n)
{
    struct station station;
    wh_addr addr = host_number(n);
    return neighbour_find(&f->table, &addr, false, f->now, &station);
}

static void expect(struct fixture *f, uint32_t n, enum neighbour_answer answer)
{
    struct station station;
    assert_int_equal(find(f, n, &station), answer);
}

static void expect_station(struct fixture *f, uint32_t n, uint32_t at)
{
    struct station station, wanted = station_number(at);
    assert_int_equal(find(f, n, &station), NEIGHBOUR_FOUND);
    assert_memory_equal(&station, &wanted, sizeof station);
}

enum { SOLICITED = 1, OVERRIDE = 2, INTRODUCE = 4, NO_STATION = 8 };

static bool learn(struct fixture *f, uint32_t n, uint32_t at, unsigned how)
{
    struct neighbour_news news = { .addr = host_number(n),
                                   .station = station_number(at),
                                   .has_station = !(how & NO_STATION),
                                   .solicited = (how & SOLICITED) != 0,
                                   .override = (how & OVERRIDE) != 0,
                                   .introduce = (how & INTRODUCE) != 0 };
    return neighbour_learn(&f->table, &news, f->now);
}

/* Takes all questions that are due; returns how many, *last being the last. */
static unsigned questions(struct fixture *f, struct solicitation *last)
{
    struct solicitation question = { 0 };
    unsigned n = 0;
    while (neighbour_solicit(&f->table, f->now, &question)) {
        n++;
        if (last != NULL)
            *last = question;
    }
    return n;
}

/* Lets time pass to what the table waits for. */
static void pass(struct fixture *f)
{
    wh_time wake = neighbours_wake(&f->table);
    assert_true(wake != WH_NEVER && wake > f->now);
    f->now = wake;
}

static void make_reachable(struct fixture *f, uint32_t n)
{
    expect(f, n, NEIGHBOUR_PENDING);
    assert_int_equal(questions(f, NULL), 1);
    assert_true(learn(f, n, n, SOLICITED | OVERRIDE));
}

/* ---------------------------------------------------------------- tests -- */

/* RFC 1122 2.3.2.1: one question a second; three, and then nobody is asked for a while. */
static void asks_three_times(void **state)
{
    struct fixture *f = *state;
    wh_time begin = f->now;
    assert_true(neighbours_wake(&f->table) == WH_NEVER);
    expect(f, 7, NEIGHBOUR_PENDING);
    assert_true(neighbours_wake(&f->table) == f->now);
    for (unsigned i = 0; i < 3; i++) {
        struct solicitation question = { 0 };
        wh_addr wanted = host_number(7);
        assert_true(f->now == begin + i * WH_SECOND);
        assert_int_equal(questions(f, &question), 1);
        assert_false(question.probe);
        assert_true(wh_addr_equal(&question.target, &wanted));
        expect(f, 7, NEIGHBOUR_PENDING);
        assert_int_equal(questions(f, NULL), 0);
        pass(f);
    }
    assert_true(f->now == begin + 3 * WH_SECOND);
    assert_int_equal(questions(f, NULL), 0);
    expect(f, 7, NEIGHBOUR_LOST);
    assert_true(neighbours_wake(&f->table) == WH_NEVER);
    f->now += NEIGHBOUR_UNREACHABLE_TIME - 1;
    expect(f, 7, NEIGHBOUR_LOST);
    f->now++;
    expect(f, 7, NEIGHBOUR_PENDING);
    assert_int_equal(questions(f, NULL), 1);
}

static void an_answer_ends_the_wait(void **state)
{
    struct fixture *f = *state;
    struct link first = { 0 }, second = { 0 };
    wh_addr addr = host_number(7);
    expect(f, 7, NEIGHBOUR_PENDING);
    neighbour_wait(&f->table, &addr, &first, f->now);
    neighbour_wait(&f->table, &addr, &second, f->now);
    assert_int_equal(questions(f, NULL), 1);
    assert_true(list_empty(&f->ready));
    assert_true(learn(f, 7, 70, SOLICITED | OVERRIDE));
    assert_ptr_equal(list_take(&f->ready), &first);
    assert_ptr_equal(list_take(&f->ready), &second);
    expect_station(f, 7, 70);
    assert_true(neighbours_wake(&f->table) == WH_NEVER);
    assert_int_equal(questions(f, NULL), 0);
}

static void who_waits_in_vain_is_told(void **state)
{
    struct fixture *f = *state;
    struct link link = { 0 };
    wh_addr addr = host_number(7);
    expect(f, 7, NEIGHBOUR_PENDING);
    neighbour_wait(&f->table, &addr, &link, f->now);
    for (unsigned i = 0; i < 3; i++) {
        questions(f, NULL);
        assert_true(list_empty(&f->ready));
        pass(f);
    }
    questions(f, NULL);
    assert_ptr_equal(list_take(&f->ready), &link);
    expect(f, 7, NEIGHBOUR_LOST);
}

/* RFC 4861 7.3.3: used while stale, probed alone after the delay, confirmed by its answer. */
static void probes_when_used_after_its_time(void **state)
{
    struct fixture *f = *state;
    struct solicitation question = { 0 };
    struct station wanted = station_number(7);
    make_reachable(f, 7);
    f->now += NEIGHBOUR_REACHABLE_TIME - 1;
    expect_station(f, 7, 7);
    assert_true(neighbours_wake(&f->table) == WH_NEVER);
    f->now++;
    expect_station(f, 7, 7);
    assert_true(neighbours_wake(&f->table) == f->now + NEIGHBOUR_DELAY);
    assert_int_equal(questions(f, NULL), 0);
    pass(f);
    assert_int_equal(questions(f, &question), 1);
    assert_true(question.probe);
    assert_memory_equal(&question.station, &wanted, sizeof wanted);
    expect_station(f, 7, 7);
    assert_true(learn(f, 7, 7, SOLICITED | NO_STATION));
    assert_true(neighbours_wake(&f->table) == WH_NEVER);
    f->now += NEIGHBOUR_REACHABLE_TIME - 1;
    expect_station(f, 7, 7);
    assert_true(neighbours_wake(&f->table) == WH_NEVER);
}

static void a_station_that_is_gone_is_asked_for_anew(void **state)
{
    struct fixture *f = *state;
    struct solicitation question = { 0 };
    make_reachable(f, 7);
    f->now += NEIGHBOUR_REACHABLE_TIME;
    expect_station(f, 7, 7);
    for (unsigned i = 0; i < 3; i++) {
        pass(f);
        assert_int_equal(questions(f, &question), 1);
        assert_true(question.probe);
        expect_station(f, 7, 7);
    }
    pass(f);
    assert_int_equal(questions(f, NULL), 0);
    assert_true(neighbours_wake(&f->table) == WH_NEVER);
    expect(f, 7, NEIGHBOUR_PENDING);
    assert_int_equal(questions(f, &question), 1);
    assert_false(question.probe);
}

/* RFC 1122 3.3.1.4: advice from above has it asked at once, and only once for that. */
static void suspected_stations_are_asked(void **state)
{
    struct fixture *f = *state;
    struct solicitation question = { 0 };
    wh_addr seven = host_number(7), eight = host_number(8);
    neighbour_suspect(&f->table, &seven, f->now); /* nothing is known */
    assert_int_equal(questions(f, NULL), 0);
    make_reachable(f, 7);
    neighbour_suspect(&f->table, &seven, f->now);
    neighbour_suspect(&f->table, &seven, f->now);
    assert_int_equal(questions(f, &question), 1);
    assert_true(question.probe);
    expect_station(f, 7, 7);
    neighbour_suspect(&f->table, &seven, f->now);
    assert_int_equal(questions(f, NULL), 0);
    assert_true(learn(f, 7, 7, SOLICITED | NO_STATION));
    assert_true(neighbours_wake(&f->table) == WH_NEVER);
    /* who is being asked for by everybody is not asked alone */
    expect(f, 8, NEIGHBOUR_PENDING);
    neighbour_suspect(&f->table, &eight, f->now);
    assert_int_equal(questions(f, &question), 1);
    assert_false(question.probe);
}

/* What nobody asked for enters nobody; a request to us does, unconfirmed. */
static void learns_strangers_only_when_introduced(void **state)
{
    struct fixture *f = *state;
    assert_false(learn(f, 7, 7, SOLICITED | OVERRIDE));
    assert_false(learn(f, 7, 7, INTRODUCE | NO_STATION));
    assert_int_equal(f->table.pool.used, 0);
    assert_true(learn(f, 7, 7, OVERRIDE | INTRODUCE));
    expect_station(f, 7, 7);
    assert_true(neighbours_wake(&f->table) == f->now + NEIGHBOUR_DELAY); /* stale, and in use */
}

/* RFC 4861 7.2.5, its cases in order. */
static void advertisements_by_the_book(void **state)
{
    struct fixture *f = *state;
    expect(f, 1, NEIGHBOUR_PENDING); /* INCOMPLETE: without a station it is discarded */
    assert_true(learn(f, 1, 1, SOLICITED | NO_STATION));
    expect(f, 1, NEIGHBOUR_PENDING);
    assert_true(learn(f, 1, 1, 0)); /* not solicited: known, but stale */
    expect_station(f, 1, 1);
    assert_true(neighbours_wake(&f->table) == f->now + NEIGHBOUR_DELAY);

    make_reachable(f, 2); /* REACHABLE, another station, no override: only doubt */
    assert_true(learn(f, 2, 99, SOLICITED));
    assert_int_equal(((struct neighbour *)pool_at(&f->table.pool, 2))->state, NEIGHBOUR_STALE);
    expect_station(f, 2, 2);
    assert_true(learn(f, 2, 98, SOLICITED)); /* and when not REACHABLE: nothing */
    expect_station(f, 2, 2);

    make_reachable(f, 3); /* override, not solicited: the new station, unconfirmed */
    f->now += WH_SECOND;
    assert_true(learn(f, 3, 97, OVERRIDE));
    expect_station(f, 3, 97);
    assert_true(((struct neighbour *)pool_at(&f->table.pool, 3))->state == NEIGHBOUR_DELAYED);

    make_reachable(f, 4); /* the same station, not solicited: unchanged */
    wh_time until = f->now + NEIGHBOUR_REACHABLE_TIME;
    f->now += WH_SECOND;
    assert_true(learn(f, 4, 4, OVERRIDE));
    const struct neighbour *entry = pool_at(&f->table.pool, 4);
    assert_int_equal(entry->state, NEIGHBOUR_REACHABLE);
    assert_true(entry->deadline == until);
    assert_true(learn(f, 4, 96, SOLICITED | OVERRIDE)); /* both: the new station, confirmed */
    expect_station(f, 4, 96);
    assert_true(entry->deadline == until + WH_SECOND);
}

/* About to be probed, it moves: the probe is put off until it is used again. */
static void a_move_puts_off_the_probe(void **state)
{
    struct fixture *f = *state;
    make_reachable(f, 7);
    f->now += NEIGHBOUR_REACHABLE_TIME;
    expect_station(f, 7, 7);
    assert_true(learn(f, 7, 8, OVERRIDE));
    assert_true(neighbours_wake(&f->table) == WH_NEVER);
    f->now += WH_SECOND;
    expect_station(f, 7, 8);
    assert_true(neighbours_wake(&f->table) == f->now + NEIGHBOUR_DELAY);
}

static void a_lost_neighbour_that_speaks_is_found(void **state)
{
    struct fixture *f = *state;
    expect(f, 7, NEIGHBOUR_PENDING);
    for (unsigned i = 0; i < 3; i++) {
        questions(f, NULL);
        pass(f);
    }
    questions(f, NULL);
    expect(f, 7, NEIGHBOUR_LOST);
    assert_true(learn(f, 7, 8, OVERRIDE));
    expect_station(f, 7, 8);
}

static struct chunk *packet(struct fixture *f, uint8_t mark)
{
    struct chunk *chunk = chunk_take(&f->chunks, 100, MEMORY_ORDINARY);
    chunk->data[0] = mark;
    chunk->end = 1;
    return chunk;
}

/* RFC 1122 2.3.2.2, RFC 4861 7.2.2: the latest packet is kept and goes when there is an answer. */
static void keeps_the_latest_packet(void **state)
{
    struct fixture *f = *state;
    wh_addr seven = host_number(7), eight = host_number(8), nine = host_number(9);
    expect(f, 7, NEIGHBOUR_PENDING);
    expect(f, 8, NEIGHBOUR_PENDING);
    assert_true(neighbour_save(&f->table, &seven, packet(f, 1)));
    assert_true(neighbour_save(&f->table, &seven, packet(f, 2)));
    assert_true(neighbour_save(&f->table, &eight, packet(f, 3)));
    struct chunk *unknown = packet(f, 4);
    assert_false(neighbour_save(&f->table, &nine, unknown));
    chunk_drop(&f->chunks, unknown);
    assert_null(neighbour_released(&f->table));
    questions(f, NULL);
    learn(f, 7, 7, SOLICITED | OVERRIDE);
    learn(f, 8, 8, SOLICITED | OVERRIDE);
    assert_true(neighbours_wake(&f->table) == 0);
    unsigned marks = 0;
    for (struct chunk *released; (released = neighbour_released(&f->table)) != NULL;) {
        marks = marks * 10 + released->data[0];
        chunk_drop(&f->chunks, released);
    }
    assert_int_equal(marks, 32);
    assert_true(neighbours_wake(&f->table) == WH_NEVER);
    /* What is kept or released and not taken is freed with the table. */
    expect(f, 9, NEIGHBOUR_PENDING);
    expect(f, 10, NEIGHBOUR_PENDING);
    wh_addr ten = host_number(10);
    assert_true(neighbour_save(&f->table, &nine, packet(f, 5)));
    assert_true(neighbour_save(&f->table, &ten, packet(f, 6)));
    learn(f, 10, 10, SOLICITED | OVERRIDE);
}

/* Strangers fill the table, and those who answered us stay. */
static void strangers_do_not_displace_friends(void **state)
{
    struct fixture *f = *state;
    make_reachable(f, 1);
    for (uint32_t n = 1000; n < 10000; n++) {
        assert_true(learn(f, n, n, OVERRIDE | INTRODUCE));
    }
    assert_int_equal(f->table.pool.used, MAX_NEIGHBOURS);
    expect_station(f, 1, 1);
    expect_station(f, 9999, 9999);
    expect(f, 1000, NEIGHBOUR_PENDING);
    assert_int_equal(f->table.pool.used, MAX_NEIGHBOURS);
}

/* The one used longest ago makes room. */
static void the_oldest_makes_room(void **state)
{
    struct fixture *f = *state;
    for (uint32_t n = 1; n <= MAX_NEIGHBOURS; n++) {
        make_reachable(f, n);
    }
    expect_station(f, 1, 1);
    make_reachable(f, 2000);
    expect_station(f, 1, 1);
    assert_int_equal(f->table.pool.used, MAX_NEIGHBOURS);
    assert_false(learn(f, 2, 2, SOLICITED | OVERRIDE)); /* forgotten */
    assert_true(learn(f, 3, 3, SOLICITED | OVERRIDE));
}

/* Questions for whom no connection waits: bounded, never at the cost of a connection's. */
static void questions_are_bounded(void **state)
{
    struct fixture *f = *state;
    struct link waiting = { 0 };
    wh_addr addr = host_number(1);
    expect(f, 1, NEIGHBOUR_PENDING);
    neighbour_wait(&f->table, &addr, &waiting, f->now);
    for (uint32_t n = 2; n <= MAX_NEIGHBOURS; n++) {
        assert_int_equal(find_for_reply(f, n), NEIGHBOUR_PENDING);
    }
    assert_int_equal(find_for_reply(f, 5000), NEIGHBOUR_NO_ROOM);
    assert_int_equal(find_for_reply(f, 5), NEIGHBOUR_PENDING);
    expect(f, 5001, NEIGHBOUR_PENDING); /* a connection may wait: it takes the place of 2 */
    assert_int_equal(find_for_reply(f, 2), NEIGHBOUR_NO_ROOM);
    assert_int_equal(questions(f, NULL), MAX_NEIGHBOURS);
    assert_true(learn(f, 1, 1, SOLICITED | OVERRIDE));
    assert_ptr_equal(list_take(&f->ready), &waiting);
}

/* More connections than places: the rest wait in the crowd, and their turn comes. */
static void the_crowd_gets_its_turn(void **state)
{
    struct fixture *f = *state;
    static struct link links[MAX_NEIGHBOURS + 1];
    memset(links, 0, sizeof links);
    for (uint32_t n = 1; n <= MAX_NEIGHBOURS; n++) {
        wh_addr addr = host_number(n);
        expect(f, n, NEIGHBOUR_PENDING);
        neighbour_wait(&f->table, &addr, &links[n - 1], f->now);
    }
    wh_addr late = host_number(5000);
    expect(f, 5000, NEIGHBOUR_NO_ROOM);
    neighbour_wait(&f->table, &late, &links[MAX_NEIGHBOURS], f->now);
    assert_false(learn(f, 6000, 1, OVERRIDE | INTRODUCE) && f->table.pool.used > MAX_NEIGHBOURS);
    assert_int_equal(questions(f, NULL), MAX_NEIGHBOURS);
    assert_true(list_empty(&f->ready));
    learn(f, 3, 3, SOLICITED | OVERRIDE);
    assert_ptr_equal(list_take(&f->ready), &links[2]);
    assert_true(neighbours_wake(&f->table) == 0);
    questions(f, NULL);
    assert_ptr_equal(list_take(&f->ready), &links[MAX_NEIGHBOURS]);
    assert_true(list_empty(&f->ready));
    expect(f, 5000, NEIGHBOUR_PENDING);
    for (unsigned i = 0; i < MAX_NEIGHBOURS; i++) { /* they live on this stack no longer */
        link_remove(&links[i]);
    }
}

/* Who finds no memory tries again in a second: nobody would tell that there is some. */
static void waits_for_memory(void **state)
{
    struct fixture *f = *state;
    struct link link = { 0 };
    wh_addr addr = host_number(7);
    f->dry = true;
    expect(f, 7, NEIGHBOUR_NO_ROOM);
    assert_true(learn(f, 7, 7, OVERRIDE | INTRODUCE));
    assert_int_equal(f->table.pool.used, 0);
    neighbour_wait(&f->table, &addr, &link, f->now);
    assert_int_equal(questions(f, NULL), 0);
    assert_true(list_empty(&f->ready));
    assert_true(neighbours_wake(&f->table) == f->now + NEIGHBOUR_RETRY);
    f->dry = false;
    pass(f);
    questions(f, NULL);
    assert_ptr_equal(list_take(&f->ready), &link);
    expect(f, 7, NEIGHBOUR_PENDING);
}

/* Without memory for another entry, the oldest makes room as in a full table. */
static void recycles_without_memory(void **state)
{
    struct fixture *f = *state;
    assert_true(learn(f, 1, 1, OVERRIDE | INTRODUCE));
    f->dry = true;
    for (uint32_t n = 2; n <= 200; n++) {
        assert_true(learn(f, n, n, OVERRIDE | INTRODUCE));
        expect_station(f, n, n);
    }
    assert_in_range(f->table.pool.used, 2, 199);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(asks_three_times, make, discard),
        cmocka_unit_test_setup_teardown(an_answer_ends_the_wait, make, discard),
        cmocka_unit_test_setup_teardown(who_waits_in_vain_is_told, make, discard),
        cmocka_unit_test_setup_teardown(probes_when_used_after_its_time, make, discard),
        cmocka_unit_test_setup_teardown(a_station_that_is_gone_is_asked_for_anew, make, discard),
        cmocka_unit_test_setup_teardown(suspected_stations_are_asked, make, discard),
        cmocka_unit_test_setup_teardown(learns_strangers_only_when_introduced, make, discard),
        cmocka_unit_test_setup_teardown(advertisements_by_the_book, make, discard),
        cmocka_unit_test_setup_teardown(a_move_puts_off_the_probe, make, discard),
        cmocka_unit_test_setup_teardown(a_lost_neighbour_that_speaks_is_found, make, discard),
        cmocka_unit_test_setup_teardown(keeps_the_latest_packet, make, discard),
        cmocka_unit_test_setup_teardown(strangers_do_not_displace_friends, make, discard),
        cmocka_unit_test_setup_teardown(the_oldest_makes_room, make, discard),
        cmocka_unit_test_setup_teardown(questions_are_bounded, make, discard),
        cmocka_unit_test_setup_teardown(the_crowd_gets_its_turn, make, discard),
        cmocka_unit_test_setup_teardown(waits_for_memory, make, discard),
        cmocka_unit_test_setup_teardown(recycles_without_memory, make, discard),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
