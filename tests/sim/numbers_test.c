/* SPDX-License-Identifier: MIT */
/*
 * Initial sequence numbers and ports (lifecycle O13; MUST-8, MUST-9, SHLD-1; RFC 6528,
 * RFC 6056): what an observer of a thousand opens can and cannot see. Seeds are fixed,
 * so each bound either holds for ever or never; they are six standard deviations wide.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "tap.h"
#include "world.h"

#define OPENS 1000
/* One step of the clock of RFC 9293 3.4.1, and the time in which 2^32 of them pass. */
#define STEP (4 * WH_MICROSECOND)
#define CYCLE ((UINT64_C(1) << 32) * STEP)

static struct counted memory;

static wh_stack *new_host(uint64_t seed, uint8_t number, wh_time now)
{
    wh_config config;
    wh_stack *host = NULL;
    wh_addr us = wh_ipv4(10, 0, 0, number);
    wh_config_init(&config);
    config.memory = counted_memory(&memory);
    wh_seed(config.seed, seed);
    if (wh_stack_new(&host, &config, now) < 0 || wh_address_add(host, &us, 8) < 0) {
        abort();
    }
    return host;
}

/* The one frame that leaves now, as bytes. */
static size_t take_frame(wh_stack *host, wh_time now, uint8_t bytes[100])
{
    wh_frame frame;
    size_t length = 0;
    if (wh_output(host, &frame, 1, now) != 1) {
        return 0;
    }
    for (uint32_t s = 0; s < frame.slices && length + frame.slice[s].length <= 100; s++) {
        memcpy(bytes + length, frame.slice[s].base, frame.slice[s].length);
        length += frame.slice[s].length;
    }
    wh_sent(host, &frame, 1);
    return length;
}

struct opening {
    wh_addr remote;
    uint16_t remote_port, port; /* port 0: chosen */
};

/* Opens at `now`, returns the ISS, tells the port, and forgets the attempt. The SYN is left in `syn`. */
static uint32_t open_once(wh_stack *host, struct opening *opening, wh_time now, uint8_t syn[100])
{
    wh_connect_options options;
    wh_conn *conn;
    wh_connect_options_init(&options);
    options.local.port = opening->port;
    options.remote = (wh_endpoint){ opening->remote, opening->remote_port };
    if (wh_connect(host, &options, now, &conn) < 0 || take_frame(host, now, syn) < 40) {
        tap_expect(false, "an open sends its SYN at once");
        return 0;
    }
    opening->port = get16(syn + 20);
    wh_abort(conn);
    return get32(syn + 24);
}

static uint32_t open_to(wh_stack *host, wh_addr remote, uint16_t remote_port, uint16_t port,
                        wh_time now)
{
    struct opening opening = { remote, remote_port, port };
    uint8_t syn[100];
    return open_once(host, &opening, now, syn);
}

static void one_tuple_advances_by_the_clock(void)
{
    wh_stack *host = new_host(1, 1, WH_SECOND);
    wh_addr remote = wh_ipv4(10, 0, 0, 2);
    wh_time now = WH_SECOND;
    uint32_t first = open_to(host, remote, 80, 5000, now), last = first;
    for (int i = 1; i < OPENS; i++) {
        wh_time step = (wh_time)i * 37 * STEP;
        now += step;
        uint32_t next = open_to(host, remote, 80, 5000, now);
        tap_expect(next - last == (uint32_t)(step / STEP), "one step in 4 microseconds");
        last = next;
    }
    tap_expect(open_to(host, remote, 80, 5000, now + 3) - last <= 1, "no more than the clock says");
    tap_expect(open_to(host, remote, 80, 5000, WH_SECOND + CYCLE) == first,
               "the same number after 4.77 hours, and not before");
    wh_stack_free(host);
    tap_expect(memory.now == 0, "no memory is left behind");
}

/* The number of a SYN,ACK: a fresh host of the same seed each time, so that nothing but time differs. */
static uint32_t answer_once(const uint8_t *syn, size_t length, wh_time now)
{
    wh_stack *host = new_host(5, 2, now);
    wh_listen_options options;
    wh_listener *listener;
    uint8_t answer[100] = { 0 };
    wh_listen_options_init(&options);
    options.local.port = 80;
    tap_expect(wh_listen(host, &options, &listener) >= 0, "a listener");
    wh_frame frame = { .slice = { { syn, length } }, .slices = 1, .length = (uint32_t)length };
    wh_input(host, &frame, 1, now);
    tap_expect(take_frame(host, now, answer) >= 40, "a SYN is answered");
    wh_stack_free(host);
    return get32(answer + 24);
}

static void answers_advance_by_the_clock(void)
{
    wh_stack *host = new_host(1, 1, WH_SECOND);
    struct opening opening = { wh_ipv4(10, 0, 0, 2), 80, 5000 };
    uint8_t syn[100];
    (void)open_once(host, &opening, WH_SECOND, syn);
    wh_stack_free(host);
    uint32_t first = answer_once(syn, get16(syn + 2), WH_SECOND);
    for (int i = 1; i < 100; i++) {
        uint32_t next = answer_once(syn, get16(syn + 2), WH_SECOND + (wh_time)i * 1000 * STEP);
        tap_expect(next - first == (uint32_t)i * 1000, "one step in 4 microseconds");
    }
    /* What a listener answers is no more to be guessed from its SYN than what it would open with. */
    tap_expect(first - get32(syn + 24) > 1000000 || get32(syn + 24) - first > 1000000,
               "it does not follow the peer's number");
}

/* Every bit of a thousand numbers at one instant is set in about half of them. */
static void look_random(const uint32_t *number, const char *what)
{
    unsigned set[32] = { 0 }, changed[32] = { 0 };
    for (unsigned i = 0; i < OPENS; i++) {
        for (unsigned bit = 0; bit < 32; bit++) {
            set[bit] += number[i] >> bit & 1;
            changed[bit] += i > 0 ? (number[i] ^ number[i - 1]) >> bit & 1 : 0;
        }
    }
    for (unsigned bit = 0; bit < 32; bit++) {
        tap_expect(set[bit] > 405 && set[bit] < 595, what);
        tap_expect(changed[bit] > 405 && changed[bit] < 595, what);
    }
}

static void tuples_are_unrelated(void)
{
    wh_stack *host = new_host(2, 1, WH_SECOND);
    uint32_t number[OPENS];
    for (unsigned i = 0; i < OPENS; i++) {
        wh_addr remote = wh_ipv4(10, 1, (uint8_t)(i / 200), (uint8_t)(2 + i % 200));
        number[i] = open_to(host, remote, 80, 5000, WH_SECOND);
    }
    look_random(number, "one address more, a number as far away as any");
    for (unsigned i = 0; i < OPENS; i++) {
        number[i] = open_to(host, wh_ipv4(10, 0, 0, 2), (uint16_t)(1 + i), 5000, WH_SECOND);
    }
    look_random(number, "one port of the peer's more, a number as far away as any");
    for (unsigned i = 0; i < OPENS; i++) {
        number[i] = open_to(host, wh_ipv4(10, 0, 0, 2), 80, (uint16_t)(5000 + i), WH_SECOND);
    }
    look_random(number, "one port of ours more, a number as far away as any");
    wh_stack_free(host);
}

/* Who knows the program and the time, and sees every number of another host, learns nothing of ours. */
static void the_secret_decides(void)
{
    uint32_t distance[OPENS];
    wh_stack *one = new_host(7, 1, WH_SECOND), *other = new_host(8, 1, WH_SECOND);
    wh_stack *same = new_host(7, 1, WH_SECOND);
    for (unsigned i = 0; i < OPENS; i++) {
        wh_addr remote = wh_ipv4(10, 1, (uint8_t)(i / 200), (uint8_t)(2 + i % 200));
        uint32_t number = open_to(one, remote, 80, 5000, WH_SECOND);
        distance[i] = number - open_to(other, remote, 80, 5000, WH_SECOND);
        tap_expect(number == open_to(same, remote, 80, 5000, WH_SECOND), "same seed, same number");
    }
    look_random(distance, "two secrets, numbers that have nothing to do with each other");
    wh_stack_free(one);
    wh_stack_free(other);
    wh_stack_free(same);
}

static void ports_do_not_count_up(void)
{
    wh_stack *host = new_host(3, 1, WH_SECOND);
    uint16_t last = 0;
    unsigned steps = 0, high = 0, different = 0;
    static uint8_t seen[65536];
    for (unsigned i = 0; i < OPENS; i++) {
        uint8_t syn[100];
        struct opening opening = { wh_ipv4(10, 1, (uint8_t)(i / 200), (uint8_t)(2 + i % 200)), 80,
                                   0 };
        (void)open_once(host, &opening, WH_SECOND, syn);
        tap_expect(opening.port >= 49152, "a port of the dynamic range");
        steps += i > 0 && (uint16_t)(opening.port - last + 16) <= 32;
        high += opening.port >= 57344;
        different += seen[opening.port] == 0;
        seen[opening.port] = 1;
        last = opening.port;
    }
    /* Of 16384 ports: two in a row are this near by chance two times in a thousand. */
    tap_expect(steps < 15, "the port to one peer does not tell the port to the next");
    tap_expect(high > 405 && high < 595, "both halves of the range are used");
    tap_expect(different > 900, "a thousand peers, nearly as many ports");
    wh_stack_free(host);
}

int main(void)
{
    static const struct tap_test tests[] = {
        { "MUST-8 O13 the numbers of one tuple advance by the clock of 4 microseconds",
          one_tuple_advances_by_the_clock },
        { "MUST-8 O13 so do those of SYN,ACKs", answers_advance_by_the_clock },
        { "SHLD-1 O13 between tuples numbers are unrelated", tuples_are_unrelated },
        { "MUST-9 SHLD-1 O13 the secret decides, and nobody else has it", the_secret_decides },
        { "O13 ports to different peers do not tell of each other (RFC 6056)",
          ports_do_not_count_up },
    };
    return tap_main(tests, sizeof tests / sizeof tests[0]);
}
