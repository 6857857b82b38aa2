/* SPDX-License-Identifier: MIT */
/* Frames out where the link takes few or none at a time: two hosts, and frames carried by hand. */
#include "../tcp/arena.h"

#include "stack/stack.h"

struct pair {
    struct arena arena;
    wh_stack *host[2];
    wh_listener *listener;
    wh_conn *conn[2]; /* opened by host 0, accepted by host 1 */
    wh_time now;
};

static wh_addr address_of(unsigned which) { return wh_ipv4(10, 0, 0, (uint8_t)(which + 1)); }

/* Moves what one host has to say to the other, at most `cap` frames a call, until it is silent. */
static unsigned carry(struct pair *p, unsigned from, size_t cap)
{
    unsigned carried = 0;
    wh_frame frames[64];
    size_t n;
    while ((n = wh_output(p->host[from], frames, cap, p->now)) > 0) {
        for (size_t i = 0; i < n; i++) {
            uint8_t bytes[2048];
            wh_frame in = { .slice[0] = { bytes, frames[i].length }, .slices = 1 };
            size_t at = 0;
            for (uint32_t k = 0; k < frames[i].slices; k++) {
                memcpy(bytes + at, frames[i].slice[k].base, frames[i].slice[k].length);
                at += frames[i].slice[k].length;
            }
            in.length = frames[i].length;
            wh_input(p->host[1 - from], &in, 1, p->now);
        }
        wh_sent(p->host[from], frames, n);
        carried += (unsigned)n;
    }
    return carried;
}

static void exchange(struct pair *p, size_t cap)
{
    while (carry(p, 0, cap) + carry(p, 1, cap) > 0) {
    }
    assert_null(wh_check(p->host[0]));
    assert_null(wh_check(p->host[1]));
}

/* Lets time pass up to `end`, waking whoever wants to be woken. */
static void pass(struct pair *p, wh_time end, size_t cap)
{
    for (;;) {
        wh_time wake = MIN(wh_wake(p->host[0]), wh_wake(p->host[1]));
        if (wake > end) {
            break;
        }
        p->now = MAX(p->now, wake);
        exchange(p, cap);
        if (wake <= p->now && MIN(wh_wake(p->host[0]), wh_wake(p->host[1])) <= p->now) {
            p->now++; /* an early wake-up: never twice at the same instant */
        }
    }
    p->now = end;
}

static struct pair *begin(int64_t receive_buffer)
{
    struct pair *p = calloc(1, sizeof *p);
    wh_config config;
    wh_listen_options listen;
    wh_connect_options connect;
    arena_begin(&p->arena, (size_t)1 << 26);
    p->now = WH_SECOND;
    wh_config_init(&config);
    config.memory = arena_hooks(&p->arena);
    for (unsigned i = 0; i < 2; i++) {
        wh_addr addr = address_of(i);
        config.seed[0] = (uint8_t)(i + 1);
        assert_int_equal(wh_stack_new(&p->host[i], &config, p->now), WH_OK);
        assert_int_equal(wh_address_add(p->host[i], &addr, 24), WH_OK);
    }
    assert_int_equal(wh_stack_set(p->host[1], WH_OPT_RECEIVE_BUFFER, receive_buffer), WH_OK);
    wh_listen_options_init(&listen);
    listen.local.port = 80;
    assert_int_equal(wh_listen(p->host[1], &listen, &p->listener), WH_OK);
    wh_connect_options_init(&connect);
    connect.remote = (wh_endpoint){ address_of(1), 80 };
    assert_int_equal(wh_connect(p->host[0], &connect, p->now, &p->conn[0]), WH_OK);
    exchange(p, 64);
    assert_int_equal(wh_accept(p->listener, NULL, &p->conn[1]), WH_OK);
    return p;
}

static void end(struct pair *p)
{
    wh_stack_free(p->host[0]);
    wh_stack_free(p->host[1]);
    assert_int_equal(p->arena.bytes, 0);
    free(p);
}

static size_t read_all(struct pair *p, unsigned which)
{
    uint8_t bytes[4096];
    size_t n = 0;
    int64_t got;
    while ((got = wh_recv(p->conn[which], bytes, sizeof bytes)) > 0) {
        n += (size_t)got;
    }
    return n;
}

/*
 * The persist timer fires while the link takes nothing; before the probe can leave the
 * window opens, and data and FIN go out: no probe behind them.
 */
static void a_probe_that_waited_does_not_follow_the_fin(void **state)
{
    (void)state;
    struct pair *p = begin(4096);
    uint8_t bytes[6000] = { 1 };
    assert_int_equal(wh_send(p->conn[0], bytes, sizeof bytes, 0), sizeof bytes);
    pass(p, p->now + 300 * WH_MILLISECOND, 64); /* the buffer is full, the window shut */
    p->now += 10 * WH_SECOND;
    assert_int_equal(wh_output(p->host[0], NULL, 0, p->now), 0);
    assert_int_equal(read_all(p, 1), 4096);
    carry(p, 1, 64);
    assert_int_equal(wh_shutdown(p->conn[0], WH_WRITE), WH_OK);
    pass(p, p->now + 10 * WH_SECOND, 64);
    assert_int_equal(read_all(p, 1), 6000 - 4096);
    assert_true((wh_ready(p->conn[1]) & WH_EOF) != 0);
    end(p);
}

/* One frame a call brings the same as sixty-four, and a host with more to say says "at once". */
static void one_frame_at_a_time(void **state)
{
    (void)state;
    struct pair *p = begin(65535);
    uint8_t bytes[60000];
    wh_frame frame;
    memset(bytes, 7, sizeof bytes);
    assert_int_equal(wh_send(p->conn[0], bytes, sizeof bytes, 0), sizeof bytes);
    assert_true(wh_wake(p->host[0]) <= p->now);
    assert_int_equal(wh_output(p->host[0], &frame, 1, p->now), 1);
    assert_true(wh_wake(p->host[0]) <= p->now);
    wh_sent(p->host[0], &frame, 1); /* lost */
    assert_int_equal(wh_shutdown(p->conn[0], WH_WRITE), WH_OK);
    pass(p, p->now + 60 * WH_SECOND, 1);
    assert_int_equal(read_all(p, 1), sizeof bytes);
    assert_true((wh_ready(p->conn[1]) & WH_EOF) != 0);
    assert_int_equal(wh_shutdown(p->conn[1], WH_WRITE), WH_OK);
    pass(p, p->now + WH_SECOND, 1);
    assert_int_equal(wh_conn_state(p->conn[0]), WH_TIME_WAIT);
    assert_int_equal(wh_conn_state(p->conn[1]), WH_CLOSED);
    pass(p, p->now + 61 * WH_SECOND, 1);
    assert_true(wh_wake(p->host[0]) == WH_NEVER);
    assert_true(wh_wake(p->host[1]) == WH_NEVER);
    end(p);
}

/* Without memory for a frame, the host asks to be woken a little later, not at once. */
static void short_of_memory_it_does_not_spin(void **state)
{
    (void)state;
    struct pair *p = begin(65535);
    uint8_t bytes[14600] = { 1 };
    wh_frame frames[64];
    assert_int_equal(wh_send(p->conn[0], bytes, sizeof bytes, 0), sizeof bytes);
    chunk_store_trim(&p->host[0]->tcp.chunks);
    p->arena.refuse_all = true;
    size_t n = wh_output(p->host[0], frames, 64, p->now);
    assert_true(n < 10);
    wh_time wake = wh_wake(p->host[0]);
    assert_true(wake > p->now && wake <= p->now + WH_SECOND);
    assert_null(wh_check(p->host[0]));
    p->arena.refuse_all = false;
    wh_sent(p->host[0], frames, n); /* lost */
    pass(p, p->now + 10 * WH_SECOND, 64);
    assert_int_equal(read_all(p, 1), sizeof bytes);
    end(p);
}

/* A stack that is freed while the link has its frames leaves nothing behind. */
static void frames_with_the_link_die_with_the_stack(void **state)
{
    (void)state;
    struct pair *p = begin(65535);
    uint8_t bytes[5000] = { 1 };
    wh_frame frames[64];
    assert_int_equal(wh_send(p->conn[0], bytes, sizeof bytes, 0), sizeof bytes);
    assert_true(wh_output(p->host[0], frames, 64, p->now) > 0);
    end(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_probe_that_waited_does_not_follow_the_fin),
        cmocka_unit_test(one_frame_at_a_time),
        cmocka_unit_test(short_of_memory_it_does_not_spin),
        cmocka_unit_test(frames_with_the_link_die_with_the_stack),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
