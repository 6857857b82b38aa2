/* SPDX-License-Identifier: MIT */
/* Two hosts whose frames are carried by hand, for tests that need more than a script can say. */
#ifndef WAVEHAND_TESTS_PAIR_H
#define WAVEHAND_TESTS_PAIR_H

#include "../tcp/arena.h"

#include "stack/stack.h"

struct pair {
    struct arena arena;
    wh_stack *host[2];
    wh_listener *listener;
    wh_conn *conn[2]; /* opened by host 0, accepted by host 1 */
    wh_time now;
};

static inline wh_addr address_of(unsigned which) { return wh_ipv4(10, 0, 0, (uint8_t)(which + 1)); }

/* Moves what one host has to say to the other, at most `cap` frames a call, until it is silent. */
static inline unsigned carry(struct pair *p, unsigned from, size_t cap)
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

static inline void exchange(struct pair *p, size_t cap)
{
    while (carry(p, 0, cap) + carry(p, 1, cap) > 0) {
    }
    assert_null(wh_check(p->host[0]));
    assert_null(wh_check(p->host[1]));
}

/* Lets time pass up to `end`, waking whoever wants to be woken. */
static inline void pass(struct pair *p, wh_time end, size_t cap)
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

static inline struct pair *begin_traced(int64_t receive_buffer, uint32_t trace_records,
                                        bool trace_sender)
{
    struct pair *p = calloc(1, sizeof *p);
    wh_config config;
    wh_listen_options listen;
    wh_connect_options connect;
    arena_begin(&p->arena, (size_t)1 << 26);
    p->now = WH_SECOND;
    wh_config_init(&config);
    config.memory = arena_hooks(&p->arena);
    config.trace_records = trace_records;
    config.trace_sender = trace_sender;
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

static inline struct pair *begin_with(int64_t receive_buffer, uint32_t trace_records)
{
    return begin_traced(receive_buffer, trace_records, false);
}

static inline struct pair *begin(int64_t receive_buffer) { return begin_with(receive_buffer, 0); }

static inline void end(struct pair *p)
{
    wh_stack_free(p->host[0]);
    wh_stack_free(p->host[1]);
    assert_int_equal(p->arena.bytes, 0);
    free(p);
}

static inline size_t read_all(struct pair *p, unsigned which)
{
    uint8_t bytes[4096];
    size_t n = 0;
    int64_t got;
    while ((got = wh_recv(p->conn[which], bytes, sizeof bytes)) > 0) {
        n += (size_t)got;
    }
    return n;
}

#endif
