/* SPDX-License-Identifier: MIT */
#include "wire.h"

#include "wire/segment.h"

/* A SYN,ACK with every SYN option, then a byte of data. */
static const uint8_t syn_ack[] = {
    0x00, 0x50, 0xc0, 0x01,                         /* 80 to 49153 */
    0x01, 0x02, 0x03, 0x04, 0xa1, 0xa2, 0xa3, 0xa4, /* seq, ack */
    0xa0, 0x12, 0xfa, 0xf0, 0x12, 0x34, 0x00, 0x07, /* 40 bytes, window, urgent */
    0x02, 0x04, 0x05, 0xb4,                         /* MSS 1460 */
    0x04, 0x02, 0x08, 0x0a, 0x11, 0x22, 0x33, 0x44,
    0x55, 0x66, 0x77, 0x88, 0x01, 0x03, 0x03, 0x07, /* scale 7 */
    0x5a,
};

static void reads_every_field(void **state)
{
    (void)state;
    struct segment segment;
    uint8_t *bytes = exact(syn_ack, sizeof(syn_ack));
    assert_int_equal(segment_parse(&segment, bytes, sizeof(syn_ack)), WH_WHY_NONE);
    assert_int_equal(segment.tuple.remote_port, 80);
    assert_int_equal(segment.tuple.local_port, 49153);
    assert_int_equal(segment.seq, 0x01020304);
    assert_int_equal(segment.ack, 0xa1a2a3a4);
    assert_int_equal(segment.flags, WH_SYN | WH_ACK);
    assert_int_equal(segment.window, 0xfaf0);
    assert_int_equal(segment.urgent, 7);
    assert_int_equal(segment.length, 1);
    assert_ptr_equal(segment.data, bytes + 40);
    assert_int_equal(segment.options.has,
                     WH_HAS_MSS | WH_HAS_SACK_PERMITTED | WH_HAS_TIMESTAMPS | WH_HAS_WINDOW_SCALE);
    assert_int_equal(segment.options.mss, 1460);
    assert_int_equal(segment.options.window_scale, 7);
    assert_int_equal(segment.options.tsval, 0x11223344);
    assert_int_equal(segment.options.tsecr, 0x55667788);
    assert_false(segment.options.malformed);
    assert_int_equal(segment_length(&segment), 2);
    free(bytes);
}

static void flags_are_nine_and_reserved_bits_are_ignored(void **state)
{
    (void)state;
    struct segment segment;
    uint8_t bytes[20];
    for (unsigned low = 0; low < 256; low++) {
        memcpy(bytes, syn_ack, sizeof(bytes));
        bytes[12] = 0x5e; /* the three reserved bits */
        bytes[13] = (uint8_t)low;
        assert_int_equal(segment_parse(&segment, bytes, sizeof(bytes)), WH_WHY_NONE);
        assert_int_equal(segment.flags, low);
        bytes[12] = 0x51;
        assert_int_equal(segment_parse(&segment, bytes, sizeof(bytes)), WH_WHY_NONE);
        assert_int_equal(segment.flags, low | WH_AE);
    }
}

/* lifecycle O09 */
static void refuses_every_truncation_and_impossible_offset(void **state)
{
    (void)state;
    struct segment segment;
    for (size_t length = 0; length < 40; length++) {
        uint8_t *bytes = exact(syn_ack, length);
        assert_int_equal(segment_parse(&segment, bytes, length), WH_WHY_TCP_HEADER);
        free(bytes);
    }
    for (unsigned offset = 0; offset < 16; offset++) {
        uint8_t *bytes = exact(syn_ack, 40);
        bytes[12] = (uint8_t)(offset << 4);
        assert_int_equal(segment_parse(&segment, bytes, 40),
                         offset < 5 || offset > 10 ? WH_WHY_TCP_HEADER : WH_WHY_NONE);
        free(bytes);
    }
}

static void refuses_port_zero(void **state)
{
    (void)state;
    struct segment segment;
    for (int at = 0; at < 4; at += 2) {
        uint8_t bytes[40];
        memcpy(bytes, syn_ack, sizeof(bytes));
        bytes[at] = bytes[at + 1] = 0;
        assert_int_equal(segment_parse(&segment, bytes, sizeof(bytes)), WH_WHY_TCP_PORT_ZERO);
    }
}

static struct segment_options options_of(const uint8_t *area, size_t length)
{
    struct segment_options options;
    uint8_t *bytes = exact(area, length);
    memset(&options, 0xee, sizeof(options));
    segment_options_parse(&options, bytes, length);
    free(bytes);
    return options;
}

#define OPTIONS_OF(...)                                                                            \
    options_of((const uint8_t[]){ __VA_ARGS__ }, sizeof((const uint8_t[]){ __VA_ARGS__ }))

/* lifecycle O07: unaligned options, NOPs anywhere, unknown kinds skipped by their length. */
static void reads_unaligned_and_unknown_options(void **state)
{
    (void)state;
    struct segment_options o = OPTIONS_OF(1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2, 1, 1, 2, 4, 2, 0);
    assert_int_equal(o.has, WH_HAS_TIMESTAMPS | WH_HAS_MSS);
    assert_int_equal(o.tsval, 1);
    assert_int_equal(o.tsecr, 2);
    assert_int_equal(o.mss, 512);

    o = OPTIONS_OF(253, 2, 254, 5, 9, 9, 9, 3, 3, 14, 77, 3, 2, 4, 2);
    assert_int_equal(o.has, WH_HAS_WINDOW_SCALE | WH_HAS_SACK_PERMITTED);
    assert_int_equal(o.window_scale, 14);
    assert_false(o.malformed);

    for (unsigned kind = 0; kind < 256; kind++) {
        o = OPTIONS_OF((uint8_t)kind, 6, 0, 0, 0, 0, 3, 3, 255);
        bool ends = kind == 0, nop = kind == 1;
        if (kind == 34) {
            assert_int_equal(o.has, WH_HAS_FAST_OPEN | WH_HAS_WINDOW_SCALE);
            continue;
        }
        if (kind == 172 || kind == 174) {
            assert_int_equal(o.has, WH_HAS_ACCECN | WH_HAS_WINDOW_SCALE);
            continue;
        }
        /* after a NOP, the 6 is a kind of its own, of impossible length 0 */
        assert_int_equal(o.has, ends || nop ? 0 : WH_HAS_WINDOW_SCALE);
        assert_int_equal(o.malformed, nop);
    }
}

/* lifecycle O07: nothing after END counts, and END needs no length. */
static void ends_at_end_of_options(void **state)
{
    (void)state;
    struct segment_options o = OPTIONS_OF(3, 3, 1, 0, 2, 4, 5, 180);
    assert_int_equal(o.has, WH_HAS_WINDOW_SCALE);
    assert_false(o.malformed);
    o = OPTIONS_OF(0, 0, 0, 0);
    assert_int_equal(o.has, 0);
    assert_false(o.malformed);
    o = OPTIONS_OF(1, 1, 1, 0);
    assert_int_equal(o.has, 0);
    assert_false(o.malformed);
}

/* lifecycle O08: what stood before an impossible length counts, what follows does not. */
static void stops_at_an_impossible_length(void **state)
{
    (void)state;
    for (unsigned kind = 2; kind < 256; kind++) {
        for (unsigned length = 0; length < 256; length++) {
            if (length >= 2 && length <= 5)
                continue;
            struct segment_options o = OPTIONS_OF(3, 3, 2, (uint8_t)kind, (uint8_t)length, 4, 2, 1);
            assert_true(o.malformed);
            assert_int_equal(o.has, WH_HAS_WINDOW_SCALE);
        }
        struct segment_options o = OPTIONS_OF(3, 3, 2, (uint8_t)kind); /* no length at all */
        assert_true(o.malformed);
        assert_int_equal(o.has, WH_HAS_WINDOW_SCALE);
    }
}

/* A known kind with a length it cannot have is skipped like an unknown one. */
static void skips_known_options_of_wrong_length(void **state)
{
    (void)state;
    static const uint8_t kinds[] = { 2, 3, 4, 8, 5 };
    static const uint8_t right[] = { 4, 3, 2, 10, 10 };
    for (size_t i = 0; i < sizeof(kinds); i++) {
        for (uint8_t length = 2; length <= 37; length++) {
            uint8_t area[40] = { kinds[i], length };
            area[length] = 3;
            area[length + 1] = 3;
            area[length + 2] = 5;
            bool fits = length == right[i] || (kinds[i] == 5 && length > 2 && length % 8 == 2);
            struct segment_options o = options_of(area, length + 3U);
            assert_false(o.malformed);
            assert_true(o.has & WH_HAS_WINDOW_SCALE);
            assert_int_equal(o.window_scale, 5);
            if (kinds[i] != 3)
                assert_int_equal((o.has & ~WH_HAS_WINDOW_SCALE) != 0, fits);
        }
    }
}

static void reads_sack_blocks(void **state)
{
    (void)state;
    for (unsigned blocks = 1; blocks <= 6; blocks++) { /* beyond four: only in captures */
        uint8_t area[64] = { 1, 5, (uint8_t)(2 + 8 * blocks) };
        for (unsigned i = 0; i < 2 * blocks; i++)
            put32(area + 3 + 4 * i, 0x80000000U + i);
        struct segment_options o = options_of(area, 3 + 8 * blocks);
        assert_int_equal(o.has, WH_HAS_SACK);
        assert_int_equal(o.sacks, MIN(blocks, 4U));
        for (unsigned i = 0; i < o.sacks; i++) {
            assert_int_equal(o.sack[i].left, 0x80000000U + 2 * i);
            assert_int_equal(o.sack[i].right, 0x80000001U + 2 * i);
        }
    }
}

/* Every option layout cut off at every byte, without a read past the cut. */
static void survives_every_cut(void **state)
{
    (void)state;
    uint64_t seed = 1;
    for (int round = 0; round < 3000; round++) {
        uint8_t area[40];
        static const uint8_t likely[] = { 0, 1, 2, 3, 4, 5, 8, 10, 11, 18, 26, 34, 40, 172, 174 };
        for (size_t i = 0; i < sizeof(area); i++)
            area[i] = any(&seed) % 4 ? likely[any(&seed) % sizeof(likely)] : (uint8_t)any(&seed);
        size_t length = any(&seed) % (sizeof(area) + 1);
        struct segment_options o = options_of(area, length);
        assert_int_equal((o.has & WH_HAS_SACK) != 0, o.sacks > 0);
        assert_true(o.sacks <= WH_SACK_BLOCKS);
        assert_true(o.accecn_fields <= ACCECN_FIELDS);
    }
}

static struct segment any_segment(uint64_t *seed)
{
    struct segment s;
    memset(&s, 0, sizeof(s));
    s.tuple.local_port = (uint16_t)(any(seed) % 65535 + 1);
    s.tuple.remote_port = (uint16_t)(any(seed) % 65535 + 1);
    s.seq = (uint32_t)any(seed);
    s.ack = (uint32_t)any(seed);
    s.flags = any(seed) & 0x1ff;
    s.window = (uint16_t)any(seed);
    s.urgent = (uint16_t)any(seed);
    s.options.has = any(seed) & 0x5f;
    if (s.options.has & WH_HAS_MSS)
        s.options.mss = (uint16_t)any(seed);
    if (s.options.has & WH_HAS_WINDOW_SCALE)
        s.options.window_scale = (uint8_t)any(seed);
    if (s.options.has & WH_HAS_TIMESTAMPS) {
        s.options.tsval = (uint32_t)any(seed);
        s.options.tsecr = (uint32_t)any(seed);
    }
    if (s.options.has & WH_HAS_SACK) {
        s.options.sacks = (uint8_t)(any(seed) % WH_SACK_BLOCKS + 1);
        for (unsigned i = 0; i < s.options.sacks; i++)
            s.options.sack[i] = (struct sack_block){ (uint32_t)any(seed), (uint32_t)any(seed) };
    }
    if (s.options.has & WH_HAS_ACCECN) {
        s.options.accecn_order = any(seed) % 2;
        s.options.accecn_fields = any(seed) % (ACCECN_FIELDS + 1);
        for (unsigned field = 0; field < ACCECN_FIELDS; field++)
            if (accecn_tells(&s.options, field))
                s.options.accecn[field] = (uint32_t)any(seed) & ACCECN_MASK;
    }
    return s;
}

/* SACK blocks that find room: the wire has 40 bytes, 12 go to timestamps and so on. */
static unsigned blocks_expected(const struct segment_options *o)
{
    unsigned used = (o->has & WH_HAS_MSS ? 4U : 0) + (o->has & WH_HAS_WINDOW_SCALE ? 4U : 0);
    if (o->has & WH_HAS_TIMESTAMPS)
        used += 12;
    else if (o->has & WH_HAS_SACK_PERMITTED)
        used += 4;
    if (o->has & WH_HAS_ACCECN)
        used += o->accecn_fields == 0 ? 4 : o->accecn_fields < 3 ? 8 : 12;
    return used > 36 ? 0 : MIN((unsigned)o->sacks, (36 - used) / 8);
}

static void reads_back_what_it_wrote(void **state)
{
    (void)state;
    uint64_t seed = 2;
    for (int round = 0; round < 20000; round++) {
        struct segment wrote = any_segment(&seed);
        uint8_t at[SEGMENT_HEADER_MAX];
        memset(at, 0xee, sizeof(at));
        size_t length = segment_build(at, &wrote);
        assert_true(length >= 20 && length <= sizeof(at) && length % 4 == 0);
        assert_int_equal(length, 20 + segment_options_length(&wrote.options));
        for (size_t i = length; i < sizeof(at); i++)
            assert_int_equal(at[i], 0xee);
        assert_int_equal(get16(at + 16), 0);

        struct segment read;
        memset(&read, 0, sizeof(read));
        uint8_t *bytes = exact(at, length);
        assert_int_equal(segment_parse(&read, bytes, length), WH_WHY_NONE);
        assert_ptr_equal(read.data, bytes + length);
        assert_int_equal(read.length, 0);
        assert_int_equal(read.tuple.remote_port, wrote.tuple.local_port);
        assert_int_equal(read.tuple.local_port, wrote.tuple.remote_port);
        unsigned fitting = blocks_expected(&wrote.options);
        wrote.options.sacks = (uint8_t)fitting;
        memset(wrote.options.sack + fitting, 0,
               (WH_SACK_BLOCKS - fitting) * sizeof(wrote.options.sack[0]));
        if (fitting == 0)
            wrote.options.has &= (uint8_t)~WH_HAS_SACK;
        read.tuple = wrote.tuple;
        read.data = NULL;
        assert_memory_equal(&read, &wrote, sizeof(read));
        free(bytes);
    }
}

/* RFC 9768 3.2.3: counters as far as they are whole, in either order; the rest is padding. */
static void reads_accurate_ecn_of_every_length(void **state)
{
    (void)state;
    for (unsigned order = 0; order < 2; order++) {
        for (unsigned length = 2; length <= 40; length++) {
            uint8_t area[40] = {
                order == 0 ? 172 : 174, (uint8_t)length, 1, 2, 3, 4, 5, 6, 7, 8, 9
            };
            struct segment_options o = options_of(area, length);
            unsigned fields = MIN((length - 2) / 3, 3U);
            assert_int_equal(o.has, WH_HAS_ACCECN);
            assert_false(o.malformed);
            assert_int_equal(o.accecn_order, order);
            assert_int_equal(o.accecn_fields, fields);
            assert_int_equal(accecn_tells(&o, ACCECN_CEB), fields >= 2);
            assert_int_equal(accecn_tells(&o, ACCECN_E0B), fields >= (order == 0 ? 1U : 3U));
            assert_int_equal(accecn_tells(&o, ACCECN_E1B), fields >= (order == 0 ? 3U : 1U));
            assert_int_equal(o.accecn[order == 0 ? ACCECN_E0B : ACCECN_E1B],
                             fields >= 1 ? 0x010203 : 0);
            assert_int_equal(o.accecn[ACCECN_CEB], fields >= 2 ? 0x040506 : 0);
            assert_int_equal(o.accecn[order == 0 ? ACCECN_E1B : ACCECN_E0B],
                             fields >= 3 ? 0x070809 : 0);
        }
    }
}

/* RFC 7413 4.1.1: a request, or 4 to 16 bytes, an even number; anything else is none. */
static void reads_fast_open_of_right_length(void **state)
{
    (void)state;
    for (unsigned length = 2; length <= 40; length++) {
        uint8_t area[40] = { 34, (uint8_t)length };
        struct segment_options o;
        for (unsigned i = 2; i < length; i++)
            area[i] = (uint8_t)i;
        uint8_t *bytes = exact(area, length);
        segment_options_parse(&o, bytes, length);
        bool right = length == 2 || (length >= 6 && length <= 18 && length % 2 == 0);
        assert_int_equal(o.has, right ? WH_HAS_FAST_OPEN : 0);
        assert_false(o.malformed);
        if (right) {
            assert_int_equal(o.fast_open_length, length - 2);
            assert_ptr_equal(o.fast_open, bytes + 2);
        }
        free(bytes);
    }
}

/* With every other option of a SYN, the longest cookie fills the header to its last byte. */
static void writes_fast_open_beside_everything_else(void **state)
{
    (void)state;
    uint8_t cookie[16];
    for (unsigned i = 0; i < 16; i++)
        cookie[i] = (uint8_t)(0xa0 + i);
    for (unsigned round = 0; round < 16 * 9; round++) {
        struct segment s = { .tuple.local_port = 1, .tuple.remote_port = 2, .flags = WH_SYN };
        uint8_t at[SEGMENT_HEADER_MAX + 4];
        unsigned length = round / 16 * 2;
        if (length == 2)
            continue;
        memset(at, 0xee, sizeof(at));
        s.options = (struct segment_options){ .has = (uint8_t)(WH_HAS_FAST_OPEN | (round & 15)),
                                              .mss = 1460,
                                              .window_scale = 7,
                                              .tsval = 1,
                                              .tsecr = 2,
                                              .fast_open = cookie,
                                              .fast_open_length = (uint8_t)length };
        size_t header = segment_build(at, &s);
        assert_int_equal(header, 20 + segment_options_length(&s.options));
        assert_true(header <= SEGMENT_HEADER_MAX);
        assert_int_equal(at[header], 0xee);
        if ((round & 15) == 15 && length == 16)
            assert_int_equal(header, SEGMENT_HEADER_MAX);
        struct segment_options o;
        segment_options_parse(&o, at + 20, header - 20);
        assert_false(o.malformed);
        assert_int_equal(o.has, s.options.has);
        assert_int_equal(o.fast_open_length, length);
        assert_memory_equal(o.fast_open, cookie, length);
    }
}

/* Only NOPs pad, so that no padding is mistaken for the end of options. */
static void pads_with_nop_and_aligns(void **state)
{
    (void)state;
    struct segment s = { .tuple.local_port = 1, .tuple.remote_port = 2 };
    uint8_t at[SEGMENT_HEADER_MAX];
    static const uint8_t timestamps[] = { 1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2 };
    s.options = (struct segment_options){ .has = WH_HAS_TIMESTAMPS, .tsval = 1, .tsecr = 2 };
    assert_int_equal(segment_build(at, &s), 32);
    assert_memory_equal(at + 20, timestamps, sizeof(timestamps));
    static const uint8_t both[] = { 4, 2, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2, 1, 3, 3, 9 };
    s.options.has = WH_HAS_TIMESTAMPS | WH_HAS_SACK_PERMITTED | WH_HAS_WINDOW_SCALE;
    s.options.window_scale = 9;
    assert_int_equal(segment_build(at, &s), 36);
    assert_memory_equal(at + 20, both, sizeof(both));
    static const uint8_t permitted[] = { 2, 4, 2, 24, 4, 2, 1, 1 };
    s.options = (struct segment_options){ .has = WH_HAS_MSS | WH_HAS_SACK_PERMITTED, .mss = 536 };
    assert_int_equal(segment_build(at, &s), 28);
    assert_memory_equal(at + 20, permitted, sizeof(permitted));
    static const uint8_t sack[] = { 1, 1, 5, 10, 0, 0, 0, 7, 0, 0, 0, 9 };
    s.options = (struct segment_options){ .has = WH_HAS_SACK, .sacks = 1, .sack = { { 7, 9 } } };
    assert_int_equal(segment_build(at, &s), 32);
    assert_memory_equal(at + 20, sack, sizeof(sack));
    s.options = (struct segment_options){ .has = WH_HAS_SACK }; /* no block: no option */
    assert_int_equal(segment_build(at, &s), 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_every_field),
        cmocka_unit_test(flags_are_nine_and_reserved_bits_are_ignored),
        cmocka_unit_test(refuses_every_truncation_and_impossible_offset),
        cmocka_unit_test(refuses_port_zero),
        cmocka_unit_test(reads_unaligned_and_unknown_options),
        cmocka_unit_test(ends_at_end_of_options),
        cmocka_unit_test(stops_at_an_impossible_length),
        cmocka_unit_test(skips_known_options_of_wrong_length),
        cmocka_unit_test(reads_sack_blocks),
        cmocka_unit_test(survives_every_cut),
        cmocka_unit_test(reads_back_what_it_wrote),
        cmocka_unit_test(reads_accurate_ecn_of_every_length),
        cmocka_unit_test(reads_fast_open_of_right_length),
        cmocka_unit_test(writes_fast_open_beside_everything_else),
        cmocka_unit_test(pads_with_nop_and_aligns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
