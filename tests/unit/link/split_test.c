/* SPDX-License-Identifier: MIT */
/* Segmentation in software: the same bytes, right numbers, right checksums. */
#include "frames.h"

#include "link/split.h"

/* The next piece, looked into; *at gets its memory. */
static struct sight next_piece(struct split *split, wh_link_kind link, uint8_t **at)
{
    size_t length = split_length(split);
    *at = malloc(length); /* exactly, so that a byte too many is seen */
    split_next(split, *at);
    struct sight sight;
    sight_take(&sight, link, *at, length);
    assert_true(sight.tcp);
    assert_true(checksums_right(&sight));
    assert_int_equal(sight.packet.length + sight.packet.header + sight.link_header, length);
    return sight;
}

/* Cuts a super-segment and checks every piece of it. */
static void cut_and_check(const struct shape *shape)
{
    struct made made = make(shape);
    wh_link_kind link = shape->ethernet ? WH_LINK_ETHERNET : WH_LINK_IP;
    struct split split;
    split_begin(&split, &made.frame, link, checksum_best());
    uint32_t at = 0, pieces = 0;
    while (split_length(&split) > 0) {
        uint8_t *bytes;
        struct sight sight = next_piece(&split, link, &bytes);
        bool first = at == 0, last = at + sight.data == shape->data;
        assert_int_equal(sight.seq, shape->seq + at);
        assert_int_equal(sight.ack, shape->ack);
        assert_true(last ? sight.data > 0 : sight.data == shape->segment_size);
        uint16_t expected = shape->flags;
        if (!last)
            expected &= (uint16_t) ~(WH_FIN | WH_PSH);
        if (!first)
            expected &= (uint16_t)~WH_CWR;
        assert_int_equal(sight.flags, expected);
        const uint8_t *data = bytes + sight.length - sight.data;
        for (uint32_t i = 0; i < sight.data; i++)
            assert_int_equal(data[i], stream_byte(at + i));
        if (!shape->six)
            assert_int_equal(get16(bytes + sight.link_header + 4), (uint16_t)(0xfffe + pieces));
        at += sight.data;
        pieces++;
        free(bytes);
    }
    assert_int_equal(at, shape->data);
    assert_int_equal(pieces, (shape->data + shape->segment_size - 1) / shape->segment_size);
    free(made.bytes);
}

static void super_segments_are_cut(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 16; i++) {
        struct shape shape = {
            .six = i & 1,
            .ethernet = (i & 2) != 0,
            .partial = (i & 4) != 0,
            .timestamps = (i & 8) != 0,
            .seq = 0xfffff000,
            .ack = 9,
            .flags = WH_ACK | WH_PSH | WH_FIN | WH_CWR,
            .data = 60000,
            .segment_size = 1448,
        };
        cut_and_check(&shape);
        shape.data = 2896;
        cut_and_check(&shape);
        shape.data = 2897;
        shape.segment_size = 1;
        cut_and_check(&shape);
    }
}

static void the_urgent_pointer_keeps_its_place(void **state)
{
    (void)state;
    const struct shape shape = {
        .seq = 100, .flags = WH_ACK | WH_URG, .urgent = 1500, .data = 3000, .segment_size = 1000
    };
    struct made made = make(&shape);
    struct split split;
    split_begin(&split, &made.frame, WH_LINK_IP, checksum_best());
    static const uint16_t urgent[] = { 1500, 500, 0 };
    for (unsigned i = 0; i < 3; i++) {
        uint8_t *bytes;
        struct sight sight = next_piece(&split, WH_LINK_IP, &bytes);
        assert_int_equal(get16(bytes + 20 + 18), urgent[i]);
        assert_int_equal(sight.flags, urgent[i] ? WH_ACK | WH_URG : WH_ACK);
        free(bytes);
    }
    free(made.bytes);
}

static void slices_are_gathered_wherever_they_are_cut(void **state)
{
    (void)state;
    const struct shape shape = {
        .six = true, .seq = 1, .flags = WH_ACK, .data = 999, .segment_size = 100, .partial = true
    };
    struct made made = make(&shape);
    wh_frame whole = made.frame, frame = made.frame;
    static const size_t lengths[] = { 60, 1, 0, 333, 1, 7, 90 };
    size_t at = 0;
    for (unsigned i = 0; i < 7; i++) {
        frame.slice[i] = (wh_slice){ made.bytes + at, lengths[i] };
        at += lengths[i];
    }
    frame.slice[7] = (wh_slice){ made.bytes + at, frame.length - at };
    frame.slices = 8;
    struct split one, other;
    split_begin(&one, &whole, WH_LINK_IP, checksum_best());
    split_begin(&other, &frame, WH_LINK_IP, checksum_best());
    for (size_t length; (length = split_length(&one)) > 0;) {
        uint8_t a[200], b[200];
        assert_int_equal(split_length(&other), length);
        split_next(&one, a);
        split_next(&other, b);
        assert_memory_equal(a, b, length);
    }
    assert_int_equal(split_length(&other), 0);
    free(made.bytes);
}

/* One piece: what goes in comes out, but for a checksum left partial. */
static void frames_that_need_nothing_stay_as_they_are(void **state)
{
    (void)state;
    const struct shape shape = { .seq = 1, .flags = WH_ACK, .data = 100, .segment_size = 100 };
    struct made made = make(&shape);
    made.bytes[40] ^= 1; /* a wrong checksum is the sender's affair and stays wrong */
    struct split split;
    uint8_t out[140];
    split_begin(&split, &made.frame, WH_LINK_IP, checksum_best());
    assert_int_equal(split_length(&split), 140);
    split_next(&split, out);
    assert_memory_equal(out, made.bytes, 140);
    assert_int_equal(split_length(&split), 0);
    free(made.bytes);
}

static void partial_checksums_are_completed(void **state)
{
    (void)state;
    struct shape shape = { .seq = 1, .flags = WH_ACK, .data = 101, .six = true };
    struct made whole = make(&shape);
    shape.partial = true;
    struct made partial = make(&shape);
    uint8_t out[200];
    struct split split;
    split_begin(&split, &partial.frame, WH_LINK_IP, checksum_best());
    split_next(&split, out);
    assert_memory_equal(out, whole.bytes, whole.frame.length);
    free(whole.bytes);
    free(partial.bytes);
}

static void padding_is_not_summed(void **state)
{
    (void)state;
    struct shape shape = { .seq = 1, .flags = WH_ACK, .ethernet = true, .partial = true };
    struct made made = make(&shape);
    uint8_t padded[60], out[60];
    memset(padded, 0xee, sizeof padded);
    memcpy(padded, made.bytes, made.frame.length);
    made.frame.slice[0] = (wh_slice){ padded, sizeof padded };
    made.frame.length = sizeof padded;
    struct split split;
    split_begin(&split, &made.frame, WH_LINK_ETHERNET, checksum_best());
    split_next(&split, out);
    struct sight sight;
    sight_take(&sight, WH_LINK_ETHERNET, out, sizeof out);
    assert_true(checksums_right(&sight));
    free(made.bytes);
}

static void super_datagrams_become_datagrams(void **state)
{
    (void)state;
    for (int six = 0; six < 2; six++) {
        uint8_t data[2500], packet[2600];
        for (uint32_t i = 0; i < sizeof data; i++)
            data[i] = stream_byte(i);
        struct packet ip = { .source = client_addr(six),
                             .destination = server_addr(six),
                             .hops = 64 };
        struct datagram udp = { 5, 53, data, sizeof data };
        size_t length = udp_build(packet, sizeof packet, &ip, &udp, 1, checksum_best());
        wh_frame frame = { .slice = { { packet, length } },
                           .slices = 1,
                           .length = (uint32_t)length,
                           .segment_size = 1200,
                           .flags = WH_FRAME_CHECKSUM_PARTIAL };
        struct split split;
        uint32_t at = 0;
        split_begin(&split, &frame, WH_LINK_IP, checksum_best());
        for (size_t piece; (piece = split_length(&split)) > 0;) {
            uint8_t out[1400];
            struct packet parsed;
            struct datagram datagram;
            split_next(&split, out);
            assert_int_equal(ip_parse(&parsed, out, piece), WH_WHY_NONE);
            assert_int_equal(udp_parse(&datagram, &parsed, checksum_best(), false), WH_WHY_NONE);
            assert_int_equal(datagram.length, at < 2400 ? 1200 : 100);
            assert_memory_equal(datagram.data, data + at, datagram.length);
            at += datagram.length;
        }
        assert_int_equal(at, sizeof data);
    }
}

/* Whatever a frame claims, it is one piece of its own length, and nothing is read or written beyond. */
static void nonsense_is_carried_as_it_is(void **state)
{
    (void)state;
    for (unsigned seed = 0; seed < 4000; seed++) {
        size_t length = 1 + seed % 90;
        uint8_t *bytes = malloc(length), *out = malloc(length);
        for (size_t i = 0; i < length; i++)
            bytes[i] = (uint8_t)((seed * 2654435761U + i * 40503U) >> 7);
        if (seed % 3 == 0)
            bytes[0] = (uint8_t)(seed % 2 ? 0x45 : 0x60);
        if (seed % 6 == 0 && length > 9)
            bytes[seed % 2 ? 9 : 6] = seed % 4 ? IP_TCP : IP_UDP;
        wh_frame frame = { .slice = { { bytes, length } },
                           .slices = 1,
                           .length = (uint32_t)length,
                           .flags = seed % 5 ? 0 : WH_FRAME_CHECKSUM_PARTIAL,
                           .checksum_start = (uint16_t)(seed % 97),
                           .checksum_offset = (uint16_t)(seed % 89) };
        struct split split;
        split_begin(&split, &frame, seed % 7 ? WH_LINK_IP : WH_LINK_ETHERNET, checksum_best());
        assert_int_equal(split_length(&split), length);
        split_next(&split, out);
        if (seed % 5)
            assert_memory_equal(out, bytes, length);
        assert_int_equal(split_length(&split), 0);
        free(bytes);
        free(out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(super_segments_are_cut),
        cmocka_unit_test(the_urgent_pointer_keeps_its_place),
        cmocka_unit_test(slices_are_gathered_wherever_they_are_cut),
        cmocka_unit_test(frames_that_need_nothing_stay_as_they_are),
        cmocka_unit_test(partial_checksums_are_completed),
        cmocka_unit_test(padding_is_not_summed),
        cmocka_unit_test(super_datagrams_become_datagrams),
        cmocka_unit_test(nonsense_is_carried_as_it_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
