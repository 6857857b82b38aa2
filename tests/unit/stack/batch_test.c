/* SPDX-License-Identifier: MIT */
/*
 * A batch has the outcome of its frames one by one, also where an earlier frame makes, changes or
 * ends the record of a later one. One client speaks to two servers that are the same in
 * everything: the one gets its frames in batches, the other each by itself.
 */
#include "../tcp/arena.h"

#include "stack/stack.h"

#define MOST 512
#define CROWD                                                                                      \
    1100 /* connections: more than a table whose records are not asked for ahead (batch.c) */

struct frame {
    uint8_t bytes[1600];
    uint32_t length;
};

struct trio {
    struct arena arena;
    wh_stack *client, *server[2]; /* the batch's, and the one by one */
    wh_listener *listener[2];
    wh_time now;
    struct frame wire[MOST];
    size_t n;
    uint64_t read[2], ended[2];
};

static wh_stack *host(struct trio *t, uint8_t number)
{
    wh_config config;
    wh_stack *host;
    wh_addr address = wh_ipv4(10, 0, 0, number);
    wh_config_init(&config);
    config.memory = arena_hooks(&t->arena);
    config.seed[0] = number;
    assert_int_equal(wh_stack_new(&host, &config, t->now), WH_OK);
    assert_int_equal(wh_address_add(host, &address, 24), WH_OK);
    return host;
}

static struct trio *begin(void)
{
    struct trio *t = calloc(1, sizeof *t);
    assert_non_null(t);
    arena_begin(&t->arena, (size_t)1 << 28);
    t->now = WH_SECOND;
    t->client = host(t, 1);
    for (int i = 0; i < 2; i++) {
        wh_listen_options listen;
        wh_listen_options_init(&listen);
        listen.local.port = 80;
        listen.backlog = 2 * CROWD;
        t->server[i] = host(t, 2);
        assert_int_equal(wh_listen(t->server[i], &listen, &t->listener[i]), WH_OK);
    }
    assert_int_equal(wh_stack_set(t->client, WH_OPT_PACING, 0), WH_OK);
    assert_int_equal(wh_stack_set(t->client, WH_OPT_NAGLE, 0), WH_OK);
    return t;
}

static void end(struct trio *t)
{
    wh_stack_free(t->client);
    wh_stack_free(t->server[0]);
    wh_stack_free(t->server[1]);
    assert_int_equal(t->arena.bytes, 0);
    free(t);
}

static size_t take_from(struct trio *t, wh_stack *host, struct frame *to, size_t most)
{
    wh_frame frames[64];
    size_t n = wh_output(host, frames, MIN(most, 64), t->now);
    for (size_t i = 0; i < n; i++) {
        to[i].length = 0;
        for (uint32_t k = 0; k < frames[i].slices; k++) {
            memcpy(to[i].bytes + to[i].length, frames[i].slice[k].base, frames[i].slice[k].length);
            to[i].length += (uint32_t)frames[i].slice[k].length;
        }
    }
    wh_sent(host, frames, n);
    return n;
}

/* What the client has to say joins what is on the wire. */
static void collect(struct trio *t)
{
    size_t n;
    while ((n = take_from(t, t->client, t->wire + t->n, MOST - t->n)) > 0) {
        t->n += n;
    }
}

static void compare(struct trio *t)
{
    const struct tcp *a = &t->server[0]->tcp;
    const struct tcp *b = &t->server[1]->tcp;
    wh_stats x = { .size = sizeof x };
    wh_stats y = { .size = sizeof y };
    wh_stats_get(t->server[0], &x);
    wh_stats_get(t->server[1], &y);
    assert_memory_equal(a->count, b->count, sizeof a->count);
    assert_memory_equal(a->taken, b->taken, sizeof a->taken);
    assert_int_equal(a->segments_in, b->segments_in);
    assert_int_equal(a->frames_in, b->frames_in);
    assert_int_equal(x.connections, y.connections);
    assert_int_equal(x.half_open, y.half_open);
    assert_int_equal(x.time_wait, y.time_wait);
    assert_null(wh_check(t->server[0]));
    assert_null(wh_check(t->server[1]));
}

/* Everything on the wire arrives: there at once, here one by one. */
static void deliver(struct trio *t)
{
    wh_frame frames[MOST];
    memset(frames, 0, sizeof frames);
    for (size_t i = 0; i < t->n; i++) {
        frames[i].slice[0] = (wh_slice){ t->wire[i].bytes, t->wire[i].length };
        frames[i].slices = 1;
        frames[i].length = t->wire[i].length;
    }
    wh_input(t->server[0], frames, t->n, t->now);
    for (size_t i = 0; i < t->n; i++) {
        wh_input(t->server[1], &frames[i], 1, t->now);
    }
    t->n = 0;
    compare(t);
}

static void serve(struct trio *t, int which, bool close)
{
    wh_event events[64];
    uint8_t bytes[4096];
    size_t n;
    do {
        n = wh_events(t->server[which], events, 64);
        for (size_t i = 0; i < n; i++) {
            wh_conn *conn = events[i].conn;
            if (events[i].listener != NULL) {
                while (wh_accept(t->listener[which], NULL, &conn) == WH_OK) {
                }
                continue;
            }
            int64_t got;
            while ((got = wh_recv(conn, bytes, sizeof bytes)) > 0) {
                t->read[which] += (uint64_t)got;
            }
            if ((events[i].ready & WH_DEAD) || (close && (events[i].ready & WH_EOF))) {
                t->ended[which]++;
                wh_close(conn);
            } else if (events[i].ready & WH_EOF) {
                wh_watch(conn, WH_WATCH_DEFAULT & ~(uint32_t)WH_EOF);
            }
        }
    } while (n > 0);
}

/* The servers read, and answer alike; the client hears it. */
static void answer(struct trio *t, bool close)
{
    static struct frame a[64];
    static struct frame b[64];
    serve(t, 0, close);
    serve(t, 1, close);
    assert_int_equal(t->read[0], t->read[1]);
    assert_int_equal(t->ended[0], t->ended[1]);
    size_t n;
    while ((n = take_from(t, t->server[0], a, 64)) > 0) {
        assert_int_equal(take_from(t, t->server[1], b, 64), n);
        for (size_t i = 0; i < n; i++) {
            assert_int_equal(a[i].length, b[i].length);
            assert_memory_equal(a[i].bytes, b[i].bytes, a[i].length);
            wh_frame in = { .slice[0] = { a[i].bytes, a[i].length }, .slices = 1 };
            in.length = a[i].length;
            wh_input(t->client, &in, 1, t->now);
        }
    }
    assert_int_equal(take_from(t, t->server[1], b, 64), 0);
    compare(t);
}

/* Port 0: chosen. */
static wh_conn *connect_from(struct trio *t, uint8_t number, uint16_t port)
{
    wh_connect_options options;
    wh_conn *conn;
    wh_connect_options_init(&options);
    options.local = (wh_endpoint){ wh_ipv4(10, 0, 0, number), port };
    options.remote = (wh_endpoint){ wh_ipv4(10, 0, 0, 2), 80 };
    assert_int_equal(wh_connect(t->client, &options, t->now, &conn), WH_OK);
    return conn;
}

static wh_conn *connect_one(struct trio *t) { return connect_from(t, 1, 0); }

/* The SYN is there, and the SYN,ACK is back: what the client says next completes the handshake. */
static wh_conn *half_open(struct trio *t)
{
    wh_conn *conn = connect_one(t);
    collect(t);
    deliver(t);
    answer(t, false);
    return conn;
}

static wh_conn *established(struct trio *t)
{
    wh_conn *conn = half_open(t);
    collect(t);
    deliver(t);
    answer(t, false);
    return conn;
}

static void say(wh_conn *conn, size_t length)
{
    static const uint8_t bytes[20000];
    assert_int_equal(wh_send(conn, bytes, length, 0), (int64_t)length);
}

/* ------------------------------------------------------------------ tests -- */

static void a_handshake_and_a_life_in_one_batch(void **state)
{
    (void)state;
    struct trio *t = begin();
    wh_conn *conn = half_open(t);
    say(conn, 5000);
    wh_shutdown(conn, WH_WRITE);
    collect(t); /* third segment, data and FIN: half-open, connection, CLOSE-WAIT */
    assert_true(t->n >= 4);
    deliver(t);
    answer(t, true);
    assert_int_equal(t->read[0], 5000);
    assert_int_equal(t->ended[0], 1);
    end(t);
}

static void a_syn_twice_and_two_handshakes_interleaved(void **state)
{
    (void)state;
    struct trio *t = begin();
    (void)connect_one(t);
    (void)connect_one(t);
    collect(t);
    memcpy(&t->wire[t->n], &t->wire[0], sizeof t->wire[0]); /* the first SYN again, behind both */
    t->n++;
    deliver(t);
    answer(t, false);
    assert_int_equal(t->server[0]->tcp.count[WH_WHY_SYN_REPEATED], 1);
    collect(t);
    deliver(t);
    answer(t, false);
    end(t);
}

static void one_port_of_two_addresses_by_turns(void **state)
{
    (void)state;
    struct trio *t = begin();
    wh_addr other = wh_ipv4(10, 0, 0, 3);
    assert_int_equal(wh_address_add(t->client, &other, 24), WH_OK);
    wh_conn *a = connect_from(t, 1, 5000);
    wh_conn *b = connect_from(t, 3, 5000);
    for (int i = 0; i < 5; i++) {
        collect(t);
        deliver(t);
        answer(t, false);
        if (i >= 1) {
            say(a, 100);
            say(b, 50);
        }
    }
    assert_int_equal(t->read[0], 3 * 150);
    end(t);
}

static void what_follows_a_reset(void **state)
{
    (void)state;
    struct trio *t = begin();
    wh_conn *conn = established(t);
    say(conn, 1000);
    collect(t);
    wh_abort(conn);
    collect(t);
    assert_int_equal(t->n, 2);
    struct frame data = t->wire[0];
    t->wire[2] = data; /* data, RST, and the data once more: nobody is there */
    t->n = 3;
    deliver(t);
    assert_int_equal(t->server[0]->demux.used, 0);
    assert_int_equal(t->server[0]->tcp.replies.count, 1); /* a RST for what came too late */
    answer(t, true);
    end(t);
}

/* The ACK field says one more, and the checksum knows. */
static void acknowledge_one_more(struct frame *frame)
{
    uint8_t *tcp = frame->bytes + 20;
    uint32_t low = (uint32_t)tcp[10] << 8 | tcp[11];
    uint32_t sum = (uint32_t)tcp[16] << 8 | tcp[17];
    assert_true(low < 0xffff && sum > 0);
    put16(tcp + 10, (uint16_t)(low + 1));
    put16(tcp + 16, (uint16_t)(sum - 1));
}

static void a_run_that_acknowledges_what_was_not_sent(void **state)
{
    (void)state;
    struct trio *t = begin();
    wh_conn *conn = established(t);
    say(conn, 14000);
    collect(t);
    assert_int_equal(t->n, 10);
    for (size_t i = 0; i < t->n; i++) {
        acknowledge_one_more(&t->wire[i]);
    }
    deliver(t);
    assert_int_equal(t->server[0]->tcp.count[WH_WHY_TCP_CHECKSUM], 0);
    assert_int_equal(t->server[0]->tcp.count[WH_WHY_ACK_UNSENT], 10);
    answer(t, false);
    end(t);
}

static void time_wait_begins_within_a_batch(void **state)
{
    (void)state;
    struct trio *t = begin();
    (void)established(t);
    for (int i = 0; i < 2; i++) {
        uint32_t at = pool_next(&t->server[i]->connections, 0);
        wh_close(pool_at(&t->server[i]->connections, at)); /* the servers close first */
    }
    answer(t, false);
    wh_event event;
    while (wh_events(t->client, &event, 1) > 0) {
        if (event.ready & (WH_EOF | WH_DEAD)) {
            wh_close(event.conn);
            break;
        }
    }
    collect(t);
    assert_true(t->n > 0 && t->n < MOST);
    t->wire[t->n] = t->wire[t->n - 1]; /* the FIN twice: the second meets TIME-WAIT */
    t->n++;
    deliver(t);
    assert_int_equal(t->server[0]->time_waits.used, 1);
    answer(t, false);
    end(t);
}

/* Ten segments of each of `count` connections, by turns; some damaged, some no frames at all. */
static void crowd(struct trio *t, wh_conn **conn, unsigned count, bool damage)
{
    for (unsigned i = 0; i < count; i++) {
        say(conn[i], 14000);
    }
    collect(t);
    assert_true(t->n > 64);
    for (size_t i = 0; damage && i < t->n; i += 7) {
        if (i % 2 == 0) {
            t->wire[i].bytes[60] ^= 4; /* a bad checksum in the middle of a run */
        } else {
            t->wire[i].length = (uint32_t)(i % 50); /* cut off anywhere in the headers */
        }
    }
    deliver(t);
    answer(t, false);
}

static void more_frames_than_a_pass_takes(void **state)
{
    (void)state;
    struct trio *t = begin();
    wh_conn *conn[16];
    for (unsigned i = 0; i < 16; i++) {
        conn[i] = established(t);
    }
    crowd(t, conn, 16, false);
    assert_int_equal(t->read[0], 16 * 14000);
    crowd(t, conn, 16, true);
    while (t->read[0] < 2 * 16 * 14000 &&
           t->now < 60 * WH_SECOND) { /* all is repaired in the end */
        t->now = MAX(t->now + 1, MIN(wh_wake(t->client), wh_wake(t->server[0])));
        collect(t);
        deliver(t);
        answer(t, false);
    }
    assert_int_equal(t->read[0], 2 * 16 * 14000);
    end(t);
}

static void so_many_that_records_are_asked_for_ahead(void **state)
{
    (void)state;
    struct trio *t = begin();
    static wh_conn *conn[CROWD];
    for (unsigned i = 0; i < CROWD; i++) {
        conn[i] = established(t);
    }
    assert_true(t->server[0]->demux.used > 1024);
    crowd(t, conn, 20, true);
    for (unsigned i = 0; i < 20; i += 2) {
        wh_abort(conn[i]);
        wh_shutdown(conn[i + 1], WH_WRITE);
        (void)connect_one(t);
    }
    collect(t);
    deliver(t);
    answer(t, true);
    end(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_handshake_and_a_life_in_one_batch),
        cmocka_unit_test(a_syn_twice_and_two_handshakes_interleaved),
        cmocka_unit_test(one_port_of_two_addresses_by_turns),
        cmocka_unit_test(what_follows_a_reset),
        cmocka_unit_test(a_run_that_acknowledges_what_was_not_sent),
        cmocka_unit_test(time_wait_begins_within_a_batch),
        cmocka_unit_test(more_frames_than_a_pass_takes),
        cmocka_unit_test(so_many_that_records_are_asked_for_ahead),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
