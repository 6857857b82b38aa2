/* SPDX-License-Identifier: MIT */
/* Every fault rule, on a path between nobody and nobody: what goes in, what comes out, and when. */
#include "frames.h"

#include "link/path.h"
#include "wire/icmp.h"

static wh_path *path_with(const wh_path_options *options, const char *const *rules)
{
    wh_path *path;
    assert_int_equal(wh_path_new(&path, options), WH_OK);
    for (; *rules != NULL; rules++) {
        char error[200];
        if (wh_path_fault(path, *rules, error, sizeof error) != WH_OK)
            fail_msg("\"%s\": %s", *rules, error);
    }
    return path;
}

static wh_path *path_of(uint8_t seed, const char *rule, const char *second)
{
    const char *rules[] = { rule, second, NULL };
    wh_path_options options;
    wh_path_options_init(&options);
    options.seed[0] = seed;
    options.notes = 4096;
    return path_with(&options, rule != NULL ? rules : rules + 2);
}

static void send(wh_path *path, struct shape shape, wh_time now)
{
    struct made made = make(&shape);
    wh_path_send(path, shape.direction, &made.frame, 1, now);
    free(made.bytes);
}

/* How many arrive by `now`; the last of them in *sight, if that is wanted. */
static unsigned arrivals(wh_path *path, wh_direction direction, wh_time now, struct sight *sight)
{
    wh_frame frames[64];
    unsigned n, all = 0;
    do {
        n = (unsigned)wh_path_receive(path, direction, frames, 64, now);
        all += n;
        if (sight != NULL && n > 0)
            *sight = look(&frames[n - 1], WH_LINK_IP);
    } while (n == 64); /* what was handed out is valid until the next call */
    return all;
}

/* Sends one segment and tells whether it arrives by now. */
static bool passes(wh_path *path, struct shape shape, wh_time now)
{
    send(path, shape, now);
    return arrivals(path, shape.direction, now, NULL) == 1;
}

static unsigned notes_of(wh_path *path, wh_reason reason)
{
    wh_path_note notes[64];
    unsigned found = 0;
    for (size_t n; (n = wh_path_notes(path, notes, 64)) > 0;) {
        for (size_t i = 0; i < n; i++)
            found += notes[i].reason == reason;
    }
    return found;
}

/* ---------------------------------------------------------- no rules -- */

static void frames_arrive_at_once_cut_and_complete(void **state)
{
    (void)state;
    wh_path *path = path_of(1, NULL, NULL);
    wh_frame frames[64];
    assert_false(wh_path_faulty(path));
    assert_true(wh_path_wake(path) == WH_NEVER);
    send(path,
         (struct shape){
             .flags = WH_ACK, .seq = 5, .data = 14480, .segment_size = 1448, .partial = true },
         7);
    assert_int_equal(wh_path_wake(path), 7);
    assert_int_equal(wh_path_under_way(path), 10);
    assert_int_equal(wh_path_receive(path, WH_B_TO_A, frames, 64, 7), 0);
    assert_int_equal(wh_path_receive(path, WH_A_TO_B, frames, 64, 6), 0);
    assert_int_equal(wh_path_receive(path, WH_A_TO_B, frames, 64, 7), 10);
    for (uint32_t i = 0; i < 10; i++) {
        struct sight sight = look(&frames[i], WH_LINK_IP);
        assert_int_equal(sight.seq, 5 + i * 1448);
        assert_true(checksums_right(&sight));
        assert_int_equal(frames[i].flags, 0);
        assert_int_equal(frames[i].serial, 77);
    }
    assert_int_equal(wh_path_under_way(path), 0);
    wh_path_free(path);
}

static void frames_beyond_the_mtu_are_lost(void **state)
{
    (void)state;
    wh_path *path = path_of(1, NULL, NULL);
    assert_true(passes(path, (struct shape){ .flags = WH_ACK, .data = 1460 }, 0));
    assert_false(passes(path, (struct shape){ .flags = WH_ACK, .data = 1461 }, 0));
    assert_int_equal(notes_of(path, WH_WHY_FRAME_TOO_LONG), 1);
    wh_path_free(path);
}

static void options_are_checked(void **state)
{
    (void)state;
    wh_path *path;
    wh_path_options options;
    wh_path_options_init(&options);
    options.mtu = 67;
    assert_int_equal(wh_path_new(&path, &options), WH_E_INVAL);
    options.mtu = 65536;
    assert_int_equal(wh_path_new(&path, &options), WH_E_INVAL);
    wh_path_options_init(&options);
    options.size++;
    assert_int_equal(wh_path_new(&path, &options), WH_E_INVAL);
    wh_path_free(NULL);
}

static void rules_are_bounded(void **state)
{
    (void)state;
    char error[200];
    wh_path *path = path_of(1, NULL, NULL);
    for (unsigned i = 0; i < PATH_RULES_MAX; i++)
        assert_int_equal(wh_path_fault(path, "loss 1%", error, sizeof error), WH_OK);
    assert_int_equal(wh_path_fault(path, "loss 1%", error, sizeof error), WH_E_NOMEM);
    assert_string_equal(error, "more than 64 rules");
    assert_int_equal(wh_path_fault(path, "lose 1%", error, sizeof error), WH_E_INVAL);
    wh_path_free(path);
}

/* ------------------------------------------------------------ chances -- */

static void loss_takes_its_share(void **state)
{
    (void)state;
    wh_path *path = path_of(3, "loss 25% to server", NULL);
    for (uint32_t i = 0; i < 4000; i++) {
        send(path, (struct shape){ .flags = WH_ACK, .seq = i }, i);
        send(path, (struct shape){ .flags = WH_ACK, .seq = i, .direction = WH_B_TO_A }, i);
    }
    unsigned lost = 4000 - arrivals(path, WH_A_TO_B, 4000, NULL);
    assert_in_range(lost, 900, 1100);
    assert_int_equal(arrivals(path, WH_B_TO_A, 4000, NULL), 4000);
    assert_int_equal(notes_of(path, WH_WHY_FAULT_LOSS), lost);
    wh_path_free(path);
}

/* Sends n segments, one a nanosecond; how many were lost, and in how many runs. */
static unsigned lost_of(wh_path *path, uint32_t n, unsigned *runs)
{
    unsigned lost = 0;
    bool before = false;
    *runs = 0;
    for (uint32_t i = 0; i < n; i++) {
        bool gone = !passes(path, (struct shape){ .flags = WH_ACK, .seq = i }, i);
        *runs += gone && !before;
        lost += gone;
        before = gone;
    }
    return lost;
}

static void bursts_take_their_share_in_runs(void **state)
{
    (void)state;
    unsigned runs;
    wh_path *path = path_of(3, "bursts 5% 8 to server", NULL);
    unsigned lost = lost_of(path, 40000, &runs);
    assert_in_range(lost, 1600, 2400);
    assert_in_range(lost / runs, 7, 9);
    assert_true(passes(path, (struct shape){ .flags = WH_ACK, .direction = WH_B_TO_A }, 40000));
    wh_path_stats stats = { .size = sizeof stats };
    wh_path_stats_get(path, WH_A_TO_B, &stats);
    assert_int_equal(stats.frames, 40000);
    assert_int_equal(stats.lost, lost);
    wh_path_free(path);
    path = path_of(3, "bursts 100% 2", NULL);
    assert_int_equal(lost_of(path, 100, &runs), 100);
    wh_path_free(path);
    /* More than bursts so short can take: every second one is what they can. */
    path = path_of(3, "bursts 99% 1", NULL);
    assert_int_equal(lost_of(path, 100, &runs), 50);
    wh_path_free(path);
}

static void duplicates_follow_the_original(void **state)
{
    (void)state;
    wh_path *path = path_of(3, "duplicate 100%", NULL);
    wh_frame frames[8];
    send(path, (struct shape){ .flags = WH_ACK, .seq = 1, .data = 10 }, 0);
    send(path, (struct shape){ .flags = WH_ACK, .seq = 11, .data = 10 }, 0);
    assert_int_equal(wh_path_receive(path, WH_A_TO_B, frames, 8, 0), 4);
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(look(&frames[i], WH_LINK_IP).seq, i < 2 ? 1 : 11);
    assert_memory_equal(frames[0].slice[0].base, frames[1].slice[0].base, frames[0].length);
    assert_int_equal(notes_of(path, WH_WHY_FAULT_DUPLICATE), 2);
    wh_path_free(path);
}

/* However often: the bit lies in the transport part, and its checksum tells. */
static void corruption_is_always_seen_by_the_checksum(void **state)
{
    (void)state;
    wh_path *path = path_of(3, "corrupt 100%", NULL);
    for (uint32_t i = 0; i < 4000; i++) {
        struct shape shape = {
            .flags = WH_ACK, .seq = i, .data = i % 9, .six = i & 1, .partial = i & 2
        };
        struct made made = make(&shape);
        wh_frame frame;
        wh_path_send(path, WH_A_TO_B, &made.frame, 1, i);
        assert_int_equal(wh_path_receive(path, WH_A_TO_B, &frame, 1, i), 1);
        struct sight sight = look(&frame, WH_LINK_IP);
        assert_true(sight.ip);
        assert_false(checksums_right(&sight));
        assert_memory_equal(frame.slice[0].base, made.bytes, sight.packet.header);
        free(made.bytes);
    }
    assert_int_equal(notes_of(path, WH_WHY_FAULT_CORRUPT), 4000);
    wh_path_free(path);
}

static void corrupted_datagrams_never_lose_their_checksum(void **state)
{
    (void)state;
    wh_path *path = path_of(4, "corrupt 100%", NULL);
    struct packet ip = { .source = client_addr(false),
                         .destination = server_addr(false),
                         .hops = 64 };
    struct datagram udp = { 0, 53, (const uint8_t *)"abcdef", 6 };
    for (uint16_t i = 1; i < 4000; i++) {
        uint8_t packet[64];
        udp.source_port = i;
        size_t length = udp_build(packet, sizeof packet, &ip, &udp, 1, checksum_best());
        /* A checksum of one bit: without that bit it would say that there is none. */
        uint32_t word = get16(packet + 28) + (uint32_t)get16(packet + 26) - (1U << i % 16) + 0xffff;
        word = (word & 0xffff) + (word >> 16);
        put16(packet + 28, (uint16_t)(word + (word >> 16)));
        put16(packet + 26, (uint16_t)(1U << i % 16));
        wh_frame frame = { .slice = { { packet, length } },
                           .slices = 1,
                           .length = (uint32_t)length };
        struct packet parsed;
        struct datagram datagram;
        assert_int_equal(ip_parse(&parsed, packet, length), WH_WHY_NONE);
        assert_int_equal(udp_parse(&datagram, &parsed, checksum_best(), false), WH_WHY_NONE);
        wh_path_send(path, WH_A_TO_B, &frame, 1, 0);
        assert_int_equal(wh_path_receive(path, WH_A_TO_B, &frame, 1, 0), 1);
        assert_int_equal(ip_parse(&parsed, frame.slice[0].base, frame.length), WH_WHY_NONE);
        assert_int_not_equal(udp_parse(&datagram, &parsed, checksum_best(), false), WH_WHY_NONE);
    }
    /* Without a checksum nothing would tell: such a datagram is left alone. */
    uint8_t packet[64];
    udp.source_port = 1;
    udp.length = 5;
    size_t length = udp_build(packet, sizeof packet, &ip, &udp, 1, checksum_best());
    put16(packet + 26, 0);
    wh_frame frame = { .slice = { { packet, length } }, .slices = 1, .length = (uint32_t)length };
    wh_path_send(path, WH_A_TO_B, &frame, 1, 0);
    assert_int_equal(wh_path_receive(path, WH_A_TO_B, &frame, 1, 0), 1);
    assert_memory_equal(frame.slice[0].base, packet, length);
    wh_path_free(path);
}

static void reordered_frames_are_overtaken_by_at_most_three(void **state)
{
    (void)state;
    wh_path *path = path_of(5, "reorder 10%", "delay 20ms");
    const uint32_t all = 2000;
    unsigned overtaken = 0;
    for (uint32_t i = 0; i < all; i++)
        send(path, (struct shape){ .flags = WH_ACK, .seq = i }, 1000 * i);
    wh_frame frame;
    uint32_t at = 0;
    bool *seen = calloc(all + 64, sizeof *seen);
    while (wh_path_receive(path, WH_A_TO_B, &frame, 1, WH_NEVER - 1) == 1) {
        uint32_t seq = look(&frame, WH_LINK_IP).seq;
        assert_false(seen[seq]);
        seen[seq] = true;
        unsigned before = 0;
        for (uint32_t later = seq + 1; later < seq + 64; later++)
            before += seen[later];
        /* Three, and others held back at the same time. */
        assert_in_range(before, 0, 3 + PATH_LATE_MAX);
        overtaken += before > 0;
        at++;
    }
    assert_int_equal(at, all);
    assert_in_range(overtaken, 120, 280);
    free(seen);
    wh_path_free(path);
}

static void a_lone_reordered_frame_waits_ten_milliseconds(void **state)
{
    (void)state;
    wh_path *path = path_of(5, "reorder 100%", NULL);
    send(path, (struct shape){ .flags = WH_SYN }, 0);
    assert_int_equal(wh_path_wake(path), 10 * WH_MILLISECOND);
    assert_int_equal(arrivals(path, WH_A_TO_B, 10 * WH_MILLISECOND, NULL), 1);
    wh_path_free(path);
}

/* --------------------------------------------------------------- times -- */

static void delay_is_added_each_way(void **state)
{
    (void)state;
    wh_path *path = path_of(1, "delay 50ms", "delay 1ms to client");
    send(path, (struct shape){ .flags = WH_ACK }, 5);
    assert_int_equal(wh_path_wake(path), 50 * WH_MILLISECOND + 5);
    send(path, (struct shape){ .flags = WH_ACK, .direction = WH_B_TO_A }, 5);
    assert_int_equal(arrivals(path, WH_A_TO_B, 50 * WH_MILLISECOND + 5, NULL), 1);
    assert_int_equal(wh_path_wake(path), 51 * WH_MILLISECOND + 5);
    wh_path_free(path);
}

static void jitter_varies_and_keeps_order(void **state)
{
    (void)state;
    wh_path *path = path_of(1, "jitter 5ms", NULL);
    uint32_t expected = 0, late = 0;
    for (uint32_t i = 0; i < 500; i++)
        send(path, (struct shape){ .flags = WH_ACK, .seq = i }, i * WH_MILLISECOND);
    while (wh_path_wake(path) != WH_NEVER) {
        wh_time when = wh_path_wake(path);
        wh_frame frame;
        assert_int_equal(wh_path_receive(path, WH_A_TO_B, &frame, 1, when), 1);
        assert_int_equal(look(&frame, WH_LINK_IP).seq, expected);
        assert_in_range(when, expected * WH_MILLISECOND, (expected + 5) * WH_MILLISECOND);
        late += when > expected * WH_MILLISECOND + 2 * WH_MILLISECOND;
        expected++;
    }
    assert_int_equal(expected, 500);
    assert_in_range(late, 100, 499);
    wh_path_free(path);
}

static void rate_spaces_frames_and_its_queue_is_bounded(void **state)
{
    (void)state;
    const char *rules[] = { "rate 8mbit", NULL };
    wh_path_options options;
    wh_path_options_init(&options);
    options.queue_limit = 10000;
    options.notes = 100;
    wh_path *path = path_with(&options, rules);
    for (uint32_t i = 0; i < 20; i++) /* 1000 bytes each: a millisecond */
        send(path, (struct shape){ .flags = WH_ACK, .seq = i, .data = 960 }, 0);
    assert_int_equal(wh_path_wake(path), WH_MILLISECOND);
    assert_int_equal(arrivals(path, WH_A_TO_B, 3 * WH_MILLISECOND, NULL), 3);
    assert_int_equal(arrivals(path, WH_A_TO_B, WH_SECOND, NULL), 7);
    assert_int_equal(notes_of(path, WH_WHY_FAULT_QUEUE), 10);
    wh_path_stats stats = { .size = sizeof stats };
    wh_path_stats_get(path, WH_A_TO_B, &stats);
    assert_int_equal(stats.bytes, 20 * 1000);
    assert_int_equal(stats.overflows, 10);
    assert_int_equal(stats.waited, 45 * WH_MILLISECOND);
    assert_int_equal(stats.waited_most, 9 * WH_MILLISECOND);
    /* The other way is a queue of its own. */
    assert_false(passes(path, (struct shape){ .flags = WH_ACK, .direction = WH_B_TO_A }, 0));
    assert_int_equal(wh_path_wake(path), 40 * WH_MICROSECOND);
    wh_path_free(path);
}

static void a_frame_longer_than_the_queue_still_passes_when_idle(void **state)
{
    (void)state;
    const char *rules[] = { "rate 1gbit", NULL };
    wh_path_options options;
    wh_path_options_init(&options);
    options.queue_limit = 100;
    wh_path *path = path_with(&options, rules);
    send(path, (struct shape){ .flags = WH_ACK, .data = 1460 }, 0);
    assert_int_equal(wh_path_under_way(path), 1);
    wh_path_free(path);
}

static void hold_delays_only_that_kind(void **state)
{
    (void)state;
    wh_path *path = path_of(1, "hold fin 5s", NULL);
    assert_true(passes(path, (struct shape){ .flags = WH_ACK, .seq = 1, .data = 5 }, 0));
    assert_false(passes(path, (struct shape){ .flags = WH_ACK | WH_FIN, .seq = 6 }, 0));
    assert_true(
        passes(path, (struct shape){ .flags = WH_ACK, .seq = 7, .direction = WH_B_TO_A }, 0));
    assert_int_equal(wh_path_wake(path), 5 * WH_SECOND);
    assert_int_equal(notes_of(path, WH_WHY_FAULT_HOLD), 1);
    wh_path_free(path);
}

/* ------------------------------------------------------ counted segments -- */

/* Opens a connection on the path: 100 and 500 are the initial numbers. */
static void open_connection(wh_path *path)
{
    assert_true(passes(path, (struct shape){ .flags = WH_SYN, .seq = 100 }, 0));
    assert_true(passes(
        path,
        (struct shape){ .flags = WH_SYN | WH_ACK, .seq = 500, .ack = 101, .direction = WH_B_TO_A },
        0));
    assert_true(passes(path, (struct shape){ .flags = WH_ACK, .seq = 101, .ack = 501 }, 0));
}

/* A whole connection, segment by segment; which of them a rule drops. */
static const struct shape life[] = {
    { .flags = WH_SYN, .seq = 100 },                                              /* 0 */
    { .flags = WH_SYN, .seq = 100 },                                              /* 1: again */
    { .flags = WH_SYN | WH_ACK, .seq = 500, .ack = 101, .direction = WH_B_TO_A }, /* 2 */
    { .flags = WH_ACK, .seq = 101, .ack = 501 },                                  /* 3 */
    { .flags = WH_ACK | WH_PSH, .seq = 101, .ack = 501, .data = 10 },             /* 4 */
    { .flags = WH_ACK, .seq = 501, .ack = 111, .direction = WH_B_TO_A },          /* 5 */
    { .flags = WH_ACK | WH_PSH,
      .seq = 501,
      .ack = 111,
      .data = 20,
      .direction = WH_B_TO_A },                                                   /* 6 */
    { .flags = WH_ACK, .seq = 111, .ack = 521 },                                  /* 7 */
    { .flags = WH_ACK | WH_FIN, .seq = 111, .ack = 521 },                         /* 8 */
    { .flags = WH_ACK | WH_FIN, .seq = 111, .ack = 521 },                         /* 9: again */
    { .flags = WH_ACK, .seq = 521, .ack = 112, .direction = WH_B_TO_A },          /* 10 */
    { .flags = WH_ACK | WH_FIN, .seq = 521, .ack = 112, .direction = WH_B_TO_A }, /* 11 */
    { .flags = WH_ACK, .seq = 112, .ack = 522 },                                  /* 12 */
    { .flags = WH_RST, .seq = 112 },                                              /* 13 */
};
enum { LIFE = sizeof life / sizeof life[0] };

/* Which segments of two connections one after the other (same ports) are dropped; bits. */
static uint32_t dropped_by(const char *rule, uint32_t iss)
{
    wh_path *path = path_of(1, rule, NULL);
    uint32_t dropped = 0;
    for (unsigned round = 0; round < 2; round++) {
        dropped = 0;
        for (unsigned i = 0; i < LIFE; i++) {
            struct shape shape = life[i];
            *(shape.direction == WH_A_TO_B ? &shape.seq : &shape.ack) += iss + round * 7919;
            if (!passes(path, shape, round * WH_SECOND + i))
                dropped |= 1U << i;
        }
    }
    wh_path_free(path);
    return dropped;
}

static void drop_takes_the_nth_of_its_kind(void **state)
{
    (void)state;
    static const struct {
        const char *rule;
        uint32_t dropped;
    } cases[] = {
        { "drop syn 1", 1U << 0 },
        { "drop syn 2", 1U << 1 },
        { "drop syn 3", 0 },
        { "drop syn-ack 1", 1U << 2 },
        { "drop ack-of-syn 1", 1U << 3 },
        { "drop ack-of-syn 2", 0 },
        { "drop data 1", 1U << 4 },
        { "drop data 2", 1U << 6 },
        { "drop data 1 from server", 1U << 6 },
        { "drop data 1 from port 80", 1U << 6 },
        { "drop data 1 to 10.0.2.100", 1U << 6 },
        { "drop data 2 to 10.0.2.100", 0 },
        { "drop data 1 port 81", 0 },
        { "drop fin 1", 1U << 8 },
        { "drop fin 2", 1U << 9 },
        { "drop fin 3", 1U << 11 },
        { "drop fin 1 from server", 1U << 11 },
        { "drop ack-of-fin 1", 1U << 10 },
        { "drop ack-of-fin 2", 1U << 11 },
        { "drop ack-of-fin 1 from client", 1U << 12 },
        { "drop rst 1", 1U << 13 },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        /* Wherever in the connection the numbers wrap. */
        for (uint32_t iss = UINT32_MAX - 7919 - 120; iss < UINT32_MAX - 7919 - 95; iss++) {
            uint32_t dropped = dropped_by(cases[i].rule, iss);
            if (dropped != cases[i].dropped)
                fail_msg("\"%s\" from %u dropped %#x instead of %#x", cases[i].rule, iss, dropped,
                         cases[i].dropped);
        }
    }
}

/* The end that answered the SYN ends no handshake, though its ACKs acknowledge a SYN too. */
static void only_the_opener_acknowledges_the_syn(void **state)
{
    (void)state;
    wh_path *path = path_of(1, "drop ack-of-syn 1 from server", NULL);
    open_connection(path);
    assert_true(passes(
        path, (struct shape){ .flags = WH_ACK, .seq = 501, .ack = 101, .direction = WH_B_TO_A },
        0));
    wh_path_free(path);
}

/* A SYN with another number, or after a RST, is a new connection and counts anew. */
static void a_new_syn_is_a_new_connection(void **state)
{
    (void)state;
    wh_path *path = path_of(1, "drop syn 2", NULL);
    const struct shape syn = { .flags = WH_SYN, .seq = 5 }, other = { .flags = WH_SYN, .seq = 6 };
    assert_true(passes(path, syn, 0));
    assert_true(passes(path, other, 0));
    assert_true(passes(
        path, (struct shape){ .flags = WH_RST | WH_ACK, .ack = 7, .direction = WH_B_TO_A }, 0));
    assert_true(passes(path, other, 0));
    assert_false(passes(path, other, 0));
    wh_path_free(path);
}

static void each_connection_counts_by_itself(void **state)
{
    (void)state;
    wh_path *path = path_of(1, "drop syn 1", NULL);
    for (uint16_t port = 1000; port < 1100; port++)
        assert_false(passes(path, (struct shape){ .flags = WH_SYN, .client_port = port }, port));
    for (uint16_t port = 1000; port < 1100; port++)
        assert_true(passes(path, (struct shape){ .flags = WH_SYN, .client_port = port }, port));
    assert_int_equal(notes_of(path, WH_WHY_FAULT_DROP), 100);
    wh_path_free(path);
}

/* However many connections there are, memory stays the same and the newest are known. */
static void more_connections_than_the_table_holds(void **state)
{
    (void)state;
    wh_path *path = path_of(1, "drop syn 2", NULL);
    for (uint32_t i = 0; i < 50000; i++) {
        struct shape shape = { .flags = WH_SYN,
                               .client_port = (uint16_t)(1 + i % 50000),
                               .server_port = (uint16_t)(1 + i / 50000) };
        assert_true(passes(path, shape, i));
        assert_false(passes(path, shape, i));
    }
    /* One that goes on talking is not forgotten for those that do not. */
    struct shape talker = { .flags = WH_SYN, .client_port = 7, .server_port = 7 };
    assert_true(passes(path, talker, 0));
    for (uint32_t i = 0; i < 50000; i++) {
        talker.flags = WH_ACK;
        assert_true(passes(
            path,
            (struct shape){ .flags = WH_SYN, .client_port = (uint16_t)(1 + i), .server_port = 9 },
            i));
        assert_true(passes(path, talker, i));
    }
    talker.flags = WH_SYN;
    assert_false(passes(path, talker, 0));
    wh_path_free(path);
}

static void simultaneous_open_is_one_connection(void **state)
{
    (void)state;
    wh_path *path = path_of(1, "drop syn 2", NULL);
    assert_true(passes(path, (struct shape){ .flags = WH_SYN, .seq = 1 }, 0));
    assert_false(
        passes(path, (struct shape){ .flags = WH_SYN, .seq = 9, .direction = WH_B_TO_A }, 0));
    wh_path_free(path);
}

/* ------------------------------------------------- what the path says itself -- */

static void a_refused_syn_is_answered_by_the_path(void **state)
{
    (void)state;
    for (int six = 0; six < 2; six++) {
        wh_path *path = path_of(1, "refuse port 80", "delay 3ms");
        struct sight sight;
        assert_false(passes(path, (struct shape){ .flags = WH_SYN, .seq = 41, .six = six }, 0));
        assert_int_equal(wh_path_under_way(path), 1);
        assert_int_equal(arrivals(path, WH_B_TO_A, 3 * WH_MILLISECOND, &sight), 1);
        assert_true(checksums_right(&sight));
        assert_int_equal(sight.flags, WH_RST | WH_ACK);
        assert_int_equal(sight.seq, 0);
        assert_int_equal(sight.ack, 42);
        assert_int_equal(sight.source_port, SERVER_PORT);
        assert_int_equal(sight.destination_port, CLIENT_PORT);
        /* Anything but a SYN passes. */
        send(path, (struct shape){ .flags = WH_ACK, .seq = 42, .six = six }, WH_SECOND);
        assert_int_equal(arrivals(path, WH_A_TO_B, 2 * WH_SECOND, NULL), 1);
        assert_int_equal(notes_of(path, WH_WHY_FAULT_REFUSE), 1);
        wh_path_free(path);
    }
}

/* The longest that passes, and one byte more: an ICMP error that quotes it, or nothing. */
static void what_is_too_large_is_lost_and_its_sender_told(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        bool six = (i & 1) != 0, told = (i & 2) != 0;
        wh_path *path = path_of(1, told ? "oversize 1400" : "black-hole 1400", "delay 3ms");
        uint32_t most = 1400 - 20 - (six ? 40 : 20);
        struct sight sight;
        send(path, (struct shape){ .flags = WH_ACK, .seq = 7, .data = most, .six = six }, 0);
        assert_int_equal(arrivals(path, WH_A_TO_B, 3 * WH_MILLISECOND, NULL), 1);
        send(path, (struct shape){ .flags = WH_ACK, .seq = 41, .data = most + 1, .six = six }, 0);
        assert_int_equal(notes_of(path, WH_WHY_FAULT_OVERSIZE), 1);
        assert_int_equal(wh_path_under_way(path), told);
        assert_int_equal(arrivals(path, WH_A_TO_B, WH_SECOND, NULL), 0);
        assert_int_equal(arrivals(path, WH_B_TO_A, WH_SECOND, &sight), told);
        if (told) {
            struct icmp icmp;
            assert_int_equal(icmp_parse(&icmp, &sight.packet, checksum_best(), false), WH_WHY_NONE);
            assert_int_equal(icmp.kind, ICMP_TOO_BIG);
            assert_int_equal(icmp.mtu, 1400);
            assert_true(icmp.quoted && icmp.has_seq);
            assert_int_equal(icmp.seq, 41);
            wh_addr client = client_addr(six);
            assert_true(wh_addr_equal(&sight.packet.destination, &client));
        }
        wh_path_free(path);
    }
}

static void a_refusal_on_ethernet_finds_its_way_back(void **state)
{
    (void)state;
    const char *rules[] = { "refuse", NULL };
    wh_path_options options;
    wh_path_options_init(&options);
    options.link = WH_LINK_ETHERNET;
    wh_path *path = path_with(&options, rules);
    wh_frame frame;
    send(path, (struct shape){ .flags = WH_SYN, .seq = 41, .ethernet = true }, 0);
    assert_int_equal(wh_path_receive(path, WH_B_TO_A, &frame, 1, 0), 1);
    const uint8_t *bytes = frame.slice[0].base;
    assert_int_equal(bytes[5], 1);
    assert_int_equal(bytes[11], 2);
    struct sight sight = look(&frame, WH_LINK_ETHERNET);
    assert_true(checksums_right(&sight));
    assert_int_equal(sight.flags, WH_RST | WH_ACK);
    wh_path_free(path);
}

static void reset_strikes_both_ends_with_exact_numbers(void **state)
{
    (void)state;
    wh_path *path = path_of(1, "reset after 3000b", NULL);
    struct sight sight;
    open_connection(path);
    send(path, (struct shape){ .flags = WH_ACK, .seq = 101, .ack = 501, .data = 1000 }, 1);
    send(path, (struct shape){ .flags = WH_ACK, .seq = 101, .ack = 501, .data = 1000 },
         1); /* counts once */
    send(path, (struct shape){ .flags = WH_ACK, .seq = 1101, .ack = 501, .data = 1000 }, 1);
    send(path, (struct shape){ .flags = WH_ACK, .seq = 101, .ack = 501, .data = 100 }, 1);
    assert_int_equal(arrivals(path, WH_A_TO_B, 1, NULL), 4);
    assert_int_equal(arrivals(path, WH_B_TO_A, 1, NULL), 0);
    /* Both ways count together: here it is full. */
    send(path,
         (struct shape){
             .flags = WH_ACK, .seq = 501, .ack = 2101, .data = 1000, .direction = WH_B_TO_A },
         2);
    assert_int_equal(arrivals(path, WH_B_TO_A, 2, &sight), 2);
    assert_int_equal(sight.flags, WH_RST | WH_ACK);
    assert_int_equal(sight.seq, 1501);
    assert_true(checksums_right(&sight));
    assert_int_equal(arrivals(path, WH_A_TO_B, 2, &sight), 1);
    assert_int_equal(sight.flags, WH_RST | WH_ACK);
    assert_int_equal(sight.seq, 2101);
    /* A challenge ACK is answered with the number it names; the peer never sees it. */
    send(path, (struct shape){ .flags = WH_ACK, .seq = 2101, .ack = 1001 }, 3);
    assert_int_equal(arrivals(path, WH_A_TO_B, 3, NULL), 0);
    assert_int_equal(arrivals(path, WH_B_TO_A, 3, &sight), 1);
    assert_int_equal(sight.flags, WH_RST);
    assert_int_equal(sight.seq, 1001);
    /* RSTs of the ends themselves are swallowed, and a new connection is a new one. */
    assert_false(passes(path, (struct shape){ .flags = WH_RST, .seq = 2101 }, 4));
    assert_int_equal(arrivals(path, WH_B_TO_A, 4, NULL), 0);
    assert_true(passes(path, (struct shape){ .flags = WH_SYN, .seq = 999999 }, 5));
    wh_path_free(path);
}

static void reset_limited_to_one_direction_counts_that_one(void **state)
{
    (void)state;
    wh_path *path = path_of(1, "reset after 1kb to server", NULL);
    open_connection(path);
    assert_true(
        passes(path,
               (struct shape){
                   .flags = WH_ACK, .seq = 501, .ack = 101, .data = 1400, .direction = WH_B_TO_A },
               1));
    assert_int_equal(arrivals(path, WH_A_TO_B, 1, NULL), 0);
    send(path, (struct shape){ .flags = WH_ACK, .seq = 101, .ack = 1901, .data = 1024 }, 2);
    assert_int_equal(arrivals(path, WH_A_TO_B, 2, NULL), 2);
    assert_int_equal(arrivals(path, WH_B_TO_A, 2, NULL), 1);
    wh_path_free(path);
}

/* -------------------------------------------------- silence, zero window -- */

static void silence_begins_with_each_connection(void **state)
{
    (void)state;
    wh_path *path = path_of(1, "silence after 10s", NULL);
    assert_true(passes(path, (struct shape){ .flags = WH_SYN, .seq = 1 }, WH_SECOND));
    assert_true(passes(path, (struct shape){ .flags = WH_ACK, .seq = 2 }, 11 * WH_SECOND - 1));
    assert_false(passes(path, (struct shape){ .flags = WH_ACK, .seq = 2 }, 11 * WH_SECOND));
    assert_false(passes(path, (struct shape){ .flags = WH_RST, .seq = 2, .direction = WH_B_TO_A },
                        12 * WH_SECOND));
    assert_true(passes(path, (struct shape){ .flags = WH_SYN, .seq = 2, .client_port = 9 },
                       12 * WH_SECOND));
    assert_int_equal(notes_of(path, WH_WHY_FAULT_SILENCE), 2);
    wh_path_free(path);
}

static void zero_window_closes_the_window_in_acknowledgements(void **state)
{
    (void)state;
    for (int six = 0; six < 2; six++) {
        wh_path *path = path_of(1, "zero-window after 1kb to server", NULL);
        struct shape syn = { .flags = WH_SYN, .seq = 100, .six = six };
        struct shape data = { .flags = WH_ACK, .seq = 101, .ack = 501, .data = 1000, .six = six };
        struct shape ack = { .flags = WH_ACK,
                             .seq = 501,
                             .ack = 1101,
                             .direction = WH_B_TO_A,
                             .window = 0xabcd,
                             .timestamps = true,
                             .six = six };
        wh_frame frame;
        assert_true(passes(path, syn, 0));
        assert_true(passes(path, data, 0));
        send(path, ack, 0);
        assert_int_equal(wh_path_receive(path, WH_B_TO_A, &frame, 1, 0), 1);
        struct sight sight = look(&frame, WH_LINK_IP);
        assert_int_equal(get16(sight.packet.payload + 14), 0xabcd);
        data.seq = 1101;
        data.data = 24;
        assert_true(passes(path, data, 0));
        send(path, ack, 0);
        assert_int_equal(wh_path_receive(path, WH_B_TO_A, &frame, 1, 0), 1);
        sight = look(&frame, WH_LINK_IP);
        assert_int_equal(get16(sight.packet.payload + 14), 0);
        assert_true(checksums_right(&sight));
        /* The other direction's window is not touched, whatever came from there. */
        send(path,
             (struct shape){ .flags = WH_ACK,
                             .seq = 501,
                             .ack = 1125,
                             .data = 1400,
                             .direction = WH_B_TO_A,
                             .six = six },
             0);
        assert_int_equal(arrivals(path, WH_B_TO_A, 0, NULL), 1);
        send(path, (struct shape){ .flags = WH_ACK, .seq = 1125, .ack = 501, .six = six }, 0);
        assert_int_equal(wh_path_receive(path, WH_A_TO_B, &frame, 1, 0), 1);
        sight = look(&frame, WH_LINK_IP);
        assert_int_equal(get16(sight.packet.payload + 14), 1000);
        wh_path_free(path);
    }
}

/* ---------------------------------------------------------------- the whole -- */

/* Everything at once, for a hash of all that arrives and when. */
static uint64_t run(uint8_t seed)
{
    const char *rules[] = { "loss 3%",      "delay 20ms", "jitter 5ms",   "reorder 5%",
                            "duplicate 5%", "corrupt 5%", "rate 100mbit", "drop data 3",
                            "hold fin 1s",  NULL };
    wh_path_options options;
    wh_path_options_init(&options);
    options.seed[31] = seed;
    wh_path *path = path_with(&options, rules);
    const struct siphash_key key = { 1, 2 };
    uint64_t hash = 0;
    for (uint32_t i = 0; i < 2000; i++) {
        wh_direction direction = i % 3 ? WH_A_TO_B : WH_B_TO_A;
        send(path,
             (struct shape){ .flags = (uint16_t)(WH_ACK | (i % 50 ? 0 : WH_FIN)),
                             .seq = i,
                             .data = i % 999,
                             .direction = direction,
                             .client_port = (uint16_t)(1 + i % 7) },
             i * 100 * WH_MICROSECOND);
    }
    for (wh_time when; (when = wh_path_wake(path)) != WH_NEVER;) {
        for (unsigned direction = 0; direction < 2; direction++) {
            wh_frame frame;
            while (wh_path_receive(path, (wh_direction)direction, &frame, 1, when) == 1)
                hash = hash * 31 +
                       (siphash13(&key, frame.slice[0].base, frame.length) ^ when ^ direction);
        }
    }
    wh_path_free(path);
    return hash;
}

static void the_same_seed_gives_the_same_frames(void **state)
{
    (void)state;
    assert_true(run(1) == run(1));
    assert_true(run(1) != run(2));
}

static void notes_keep_the_newest(void **state)
{
    (void)state;
    const char *rules[] = { "loss 100%", NULL };
    wh_path_options options;
    wh_path_options_init(&options);
    options.notes = 3;
    wh_path *path = path_with(&options, rules);
    wh_path_note notes[8];
    for (uint32_t i = 0; i < 5; i++)
        send(path, (struct shape){ .flags = WH_ACK | WH_FIN, .seq = i, .data = 9 }, i);
    assert_int_equal(wh_path_notes(path, notes, 8), 3);
    for (uint32_t i = 0; i < 3; i++) {
        assert_int_equal(notes[i].seq, i + 2);
        assert_int_equal(notes[i].time, i + 2);
    }
    wh_addr addr = client_addr(false);
    assert_int_equal(notes[0].flags, WH_ACK | WH_FIN);
    assert_int_equal(notes[0].length, 9);
    assert_int_equal(notes[0].source.port, CLIENT_PORT);
    assert_true(wh_addr_equal(&notes[0].source.addr, &addr));
    assert_int_equal(wh_path_notes(path, notes, 8), 0);
    wh_path_free(path);
}

/* Any frame at all: nothing breaks, whatever rules there are. */
static void nonsense_meets_every_rule(void **state)
{
    (void)state;
    const char *rules[] = { "corrupt 50%",      "duplicate 50%",
                            "drop data 1",      "hold fin 1ms",
                            "refuse",           "reset after 1b",
                            "silence after 1s", "zero-window after 1b",
                            "bursts 1% 3",      "reorder 50%",
                            "rate 1gbit",       "jitter 1ms",
                            "loss 1% port 5",   NULL };
    for (unsigned link = 0; link < 2; link++) {
        wh_path_options options;
        wh_path_options_init(&options);
        options.link = link ? WH_LINK_ETHERNET : WH_LINK_IP;
        options.notes = 10;
        wh_path *path = path_with(&options, rules);
        struct dice dice;
        dice_seed(&dice, options.seed);
        for (unsigned i = 0; i < 20000; i++) {
            wh_direction direction = (wh_direction)(i & 1);
            struct shape shape = { .direction = direction,
                                   .six = i & 2,
                                   .ethernet = link,
                                   .data = i % 60,
                                   .flags = (uint16_t)dice_below(&dice, 64),
                                   .seq = i,
                                   .segment_size = (uint16_t)(i % 11) };
            struct made made = make(&shape);
            for (unsigned flips = (unsigned)dice_below(&dice, 3); flips > 0; flips--)
                made.bytes[dice_below(&dice, made.frame.length)] = (uint8_t)dice_throw(&dice);
            made.frame.length = 1 + (uint32_t)dice_below(&dice, made.frame.length);
            made.frame.slice[0].length = made.frame.length;
            wh_path_send(path, direction, &made.frame, 1, i * WH_MICROSECOND);
            free(made.bytes);
            if (i % 100 == 0) {
                arrivals(path, WH_A_TO_B, i * WH_MICROSECOND, NULL);
                arrivals(path, WH_B_TO_A, i * WH_MICROSECOND, NULL);
            }
        }
        wh_path_free(path);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_arrive_at_once_cut_and_complete),
        cmocka_unit_test(frames_beyond_the_mtu_are_lost),
        cmocka_unit_test(options_are_checked),
        cmocka_unit_test(rules_are_bounded),
        cmocka_unit_test(loss_takes_its_share),
        cmocka_unit_test(bursts_take_their_share_in_runs),
        cmocka_unit_test(duplicates_follow_the_original),
        cmocka_unit_test(corruption_is_always_seen_by_the_checksum),
        cmocka_unit_test(corrupted_datagrams_never_lose_their_checksum),
        cmocka_unit_test(reordered_frames_are_overtaken_by_at_most_three),
        cmocka_unit_test(a_lone_reordered_frame_waits_ten_milliseconds),
        cmocka_unit_test(delay_is_added_each_way),
        cmocka_unit_test(jitter_varies_and_keeps_order),
        cmocka_unit_test(rate_spaces_frames_and_its_queue_is_bounded),
        cmocka_unit_test(a_frame_longer_than_the_queue_still_passes_when_idle),
        cmocka_unit_test(hold_delays_only_that_kind),
        cmocka_unit_test(drop_takes_the_nth_of_its_kind),
        cmocka_unit_test(only_the_opener_acknowledges_the_syn),
        cmocka_unit_test(a_new_syn_is_a_new_connection),
        cmocka_unit_test(each_connection_counts_by_itself),
        cmocka_unit_test(more_connections_than_the_table_holds),
        cmocka_unit_test(simultaneous_open_is_one_connection),
        cmocka_unit_test(a_refused_syn_is_answered_by_the_path),
        cmocka_unit_test(what_is_too_large_is_lost_and_its_sender_told),
        cmocka_unit_test(a_refusal_on_ethernet_finds_its_way_back),
        cmocka_unit_test(reset_strikes_both_ends_with_exact_numbers),
        cmocka_unit_test(reset_limited_to_one_direction_counts_that_one),
        cmocka_unit_test(silence_begins_with_each_connection),
        cmocka_unit_test(zero_window_closes_the_window_in_acknowledgements),
        cmocka_unit_test(the_same_seed_gives_the_same_frames),
        cmocka_unit_test(notes_keep_the_newest),
        cmocka_unit_test(nonsense_meets_every_rule),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
