/* SPDX-License-Identifier: MIT */
#include "wire.h"

#include "wire/ip.h"

/* 192.168.0.1 to 192.168.0.199, UDP, 115 bytes in all; its checksum, added up by hand, is b861. */
static const uint8_t v4_header[20] = {
    0x45, 0x00, 0x00, 0x73, 0x00, 0x00, 0x40, 0x00, 0x40, 0x11,
    0xb8, 0x61, 0xc0, 0xa8, 0x00, 0x01, 0xc0, 0xa8, 0x00, 0xc7,
};

/* fd00::1 to fd00::2, traffic class 0xb8, hop limit 7; no length and no next header yet. */
static const uint8_t v6_header[40] = {
    0x6b, 0x81, 0x23, 0x45, 0,    0, 0, 7, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    0,    0,    0,    1,    0xfd, 0, 0, 0, 0,    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2,
};

static void fix_checksum(uint8_t *bytes)
{
    put16(bytes + 10, 0);
    put16(bytes + 10, (uint16_t)~sum_by_the_book(bytes, (bytes[0] & 0xfU) * 4, 0));
}

static wh_reason parse_exact(struct packet *packet, const uint8_t *bytes, size_t length)
{
    uint8_t *copy = exact(bytes, length);
    wh_reason reason = ip_parse(packet, copy, length);
    if (reason == WH_WHY_NONE) {
        assert_ptr_equal(packet->payload, copy + packet->header);
        assert_true(packet->header + packet->length <= length);
    }
    free(copy);
    return reason;
}

static void reads_ipv4(void **state)
{
    (void)state;
    struct packet packet;
    uint8_t bytes[120] = { 0 }; /* 115 and some padding of the link's */
    memcpy(bytes, v4_header, sizeof(v4_header));
    bytes[1] = 0;
    assert_int_equal(parse_exact(&packet, bytes, sizeof(bytes)), WH_WHY_NONE);
    wh_addr source = wh_ipv4(192, 168, 0, 1), destination = wh_ipv4(192, 168, 0, 199);
    assert_true(wh_addr_equal(&packet.source, &source));
    assert_true(wh_addr_equal(&packet.destination, &destination));
    assert_int_equal(packet.version, 4);
    assert_int_equal(packet.protocol, IP_UDP);
    assert_int_equal(packet.protocol_at, 9);
    assert_int_equal(packet.hops, 64);
    assert_int_equal(packet.traffic_class, 0);
    assert_true(packet.dont_fragment);
    assert_int_equal(packet.header, 20);
    assert_int_equal(packet.length, 95);
    bytes[1] = 0xb9;
    bytes[6] = 0;
    fix_checksum(bytes);
    assert_int_equal(parse_exact(&packet, bytes, sizeof(bytes)), WH_WHY_NONE);
    assert_int_equal(packet.traffic_class, 0xb9);
    assert_false(packet.dont_fragment);
}

static void refuses_truncated_and_impossible_ipv4(void **state)
{
    (void)state;
    struct packet packet;
    uint8_t bytes[115] = { 0 };
    memcpy(bytes, v4_header, sizeof(v4_header));
    for (size_t length = 0; length < sizeof(bytes); length++)
        assert_int_equal(parse_exact(&packet, bytes, length), WH_WHY_FRAME_TRUNCATED);
    for (unsigned words = 0; words < 16; words++) {
        bytes[0] = (uint8_t)(0x40 | words);
        fix_checksum(bytes);
        assert_int_equal(parse_exact(&packet, bytes, sizeof(bytes)),
                         words < 5 ? WH_WHY_IP_HEADER_LENGTH : WH_WHY_NONE);
        if (words > 5) /* header alone, cut */
            assert_int_equal(parse_exact(&packet, bytes, words * 4 - 1), WH_WHY_FRAME_TRUNCATED);
        if (words >= 5) {
            assert_int_equal(packet.header, words * 4);
            assert_int_equal(packet.length, sizeof(bytes) - words * 4);
        }
    }
    bytes[0] = 0x46;
    for (unsigned total = 0; total < 24; total++) {
        put16(bytes + 2, total);
        fix_checksum(bytes);
        assert_int_equal(parse_exact(&packet, bytes, sizeof(bytes)), WH_WHY_IP_HEADER_LENGTH);
    }
    put16(bytes + 2, 24);
    fix_checksum(bytes);
    assert_int_equal(parse_exact(&packet, bytes, sizeof(bytes)), WH_WHY_NONE);
    assert_int_equal(packet.length, 0);
    for (unsigned version = 0; version < 16; version++) {
        bytes[0] = (uint8_t)(version << 4 | 5);
        if (version != 4 && version != 6)
            assert_int_equal(parse_exact(&packet, bytes, sizeof(bytes)), WH_WHY_IP_VERSION);
    }
}

/* Any single wrong bit of the header is found, options included. */
static void verifies_the_ipv4_checksum(void **state)
{
    (void)state;
    struct packet packet;
    uint8_t bytes[115] = { 0 };
    memcpy(bytes, v4_header, sizeof(v4_header));
    bytes[0] = 0x48;
    memcpy(bytes + 20, "\x07\x0b\x04\x01\x02\x03\x04\x05\x06\x07\x08\x00", 12);
    fix_checksum(bytes);
    assert_int_equal(parse_exact(&packet, bytes, sizeof(bytes)), WH_WHY_NONE);
    for (size_t bit = 0; bit < 32 * 8; bit++) {
        if (bit == 5) /* makes it a version 6 */
            continue;
        bytes[bit / 8] ^= (uint8_t)(1U << bit % 8);
        assert_int_not_equal(parse_exact(&packet, bytes, sizeof(bytes)), WH_WHY_NONE);
        if (bit / 8 >= 4)
            assert_int_equal(parse_exact(&packet, bytes, sizeof(bytes)), WH_WHY_IP_CHECKSUM);
        bytes[bit / 8] ^= (uint8_t)(1U << bit % 8);
    }
}

static void refuses_ipv4_fragments(void **state)
{
    (void)state;
    struct packet packet;
    uint8_t bytes[115] = { 0 };
    memcpy(bytes, v4_header, sizeof(v4_header));
    static const uint16_t whole[] = { 0x0000, 0x4000, 0x8000, 0xc000 };
    for (size_t i = 0; i < 4; i++) {
        put16(bytes + 6, whole[i]);
        fix_checksum(bytes);
        assert_int_equal(parse_exact(&packet, bytes, sizeof(bytes)), WH_WHY_NONE);
    }
    for (unsigned bit = 0; bit <= 13; bit++) {
        put16(bytes + 6, 1U << bit);
        fix_checksum(bytes);
        assert_int_equal(parse_exact(&packet, bytes, sizeof(bytes)), WH_WHY_IP_FRAGMENT);
    }
}

static void reads_the_largest_packets(void **state)
{
    (void)state;
    struct packet packet;
    uint8_t *bytes = calloc(1, 40 + 65535);
    assert_non_null(bytes);
    memcpy(bytes, v4_header, sizeof(v4_header));
    put16(bytes + 2, 65535);
    fix_checksum(bytes);
    assert_int_equal(parse_exact(&packet, bytes, 65535), WH_WHY_NONE);
    assert_int_equal(packet.length, 65515);
    assert_int_equal(parse_exact(&packet, bytes, 65534), WH_WHY_FRAME_TRUNCATED);
    memcpy(bytes, v6_header, sizeof(v6_header));
    put16(bytes + 4, 65535);
    bytes[6] = IP_TCP;
    assert_int_equal(parse_exact(&packet, bytes, 40 + 65535), WH_WHY_NONE);
    assert_int_equal(packet.length, 65535);
    assert_int_equal(parse_exact(&packet, bytes, 40 + 65534), WH_WHY_FRAME_TRUNCATED);
    free(bytes);
}

/* An IPv6 packet whose payload begins with the chain, followed by 4 bytes of "TCP". */
struct v6 {
    uint8_t bytes[600];
    size_t length;
    uint8_t *next; /* where the kind of what is added next is written */
};

static void v6_begin(struct v6 *v6)
{
    memset(v6, 0, sizeof(*v6));
    memcpy(v6->bytes, v6_header, sizeof(v6_header));
    v6->length = 40;
    v6->next = v6->bytes + 6;
}

/* Adds a header of kind `kind` with `units` * 8 more bytes, filled with PadN; returns it. */
static uint8_t *v6_add(struct v6 *v6, uint8_t kind, uint8_t units)
{
    uint8_t *at = v6->bytes + v6->length;
    size_t length = 8U + 8U * units;
    assert_true(v6->length + length + 4 <= sizeof(v6->bytes));
    memset(at, 0, length);
    at[1] = units;
    if (kind == 0 || kind == 60) {
        at[2] = 1;
        at[3] = (uint8_t)(length - 4);
    }
    *v6->next = kind;
    v6->next = at;
    v6->length += length;
    return at;
}

static wh_reason v6_parse(struct v6 *v6, struct packet *packet)
{
    uint8_t kind = *v6->next;
    *v6->next = IP_TCP;
    put16(v6->bytes + 4, (uint32_t)(v6->length + 4 - 40));
    wh_reason reason = parse_exact(packet, v6->bytes, v6->length + 4);
    if (reason == WH_WHY_NONE) {
        assert_int_equal(packet->protocol, IP_TCP);
        assert_int_equal(packet->header, v6->length);
        assert_int_equal(packet->length, 4);
        assert_int_equal(packet->protocol_at, v6->next - v6->bytes);
    }
    *v6->next = kind;
    return reason;
}

static void reads_ipv6(void **state)
{
    (void)state;
    struct packet packet;
    struct v6 v6;
    v6_begin(&v6);
    assert_int_equal(v6_parse(&v6, &packet), WH_WHY_NONE);
    assert_int_equal(packet.version, 6);
    assert_int_equal(packet.traffic_class, 0xb8);
    assert_int_equal(packet.hops, 7);
    assert_true(packet.dont_fragment);
    assert_int_equal(packet.source.bytes[0], 0xfd);
    assert_int_equal(packet.source.bytes[15], 1);
    assert_int_equal(packet.destination.bytes[15], 2);
}

static void refuses_truncated_ipv6(void **state)
{
    (void)state;
    struct packet packet;
    struct v6 v6;
    v6_begin(&v6);
    v6_add(&v6, 0, 1);
    v6_add(&v6, 60, 0);
    *v6.next = IP_TCP;
    put16(v6.bytes + 4, (uint32_t)(v6.length + 4 - 40));
    for (size_t length = 0; length < v6.length + 4; length++)
        assert_int_equal(parse_exact(&packet, v6.bytes, length), WH_WHY_FRAME_TRUNCATED);
    /* a payload length that cuts the chain itself */
    for (size_t payload = 0; payload < v6.length - 40; payload++) {
        put16(v6.bytes + 4, (uint32_t)payload);
        assert_int_equal(parse_exact(&packet, v6.bytes, v6.length + 4), WH_WHY_IP_EXTENSION);
    }
    put16(v6.bytes + 4, (uint32_t)(v6.length - 40));
    assert_int_equal(parse_exact(&packet, v6.bytes, v6.length + 4), WH_WHY_NONE);
    assert_int_equal(packet.length, 0);
}

static void walks_extension_headers(void **state)
{
    (void)state;
    struct packet packet;
    struct v6 v6;
    v6_begin(&v6);
    v6_add(&v6, 0, 2);  /* hop-by-hop options */
    v6_add(&v6, 60, 0); /* destination options */
    v6_add(&v6, 43, 4); /* routing, segments left 0 */
    v6_add(&v6, 44, 0); /* atomic fragment */
    v6_add(&v6, 60, 31);
    assert_int_equal(v6_parse(&v6, &packet), WH_WHY_NONE);

    v6_begin(&v6); /* hop-by-hop anywhere else */
    v6_add(&v6, 60, 0);
    v6_add(&v6, 0, 0);
    assert_int_equal(v6_parse(&v6, &packet), WH_WHY_IP_EXTENSION);

    v6_begin(&v6);
    v6_add(&v6, 43, 0)[3] = 1;
    assert_int_equal(v6_parse(&v6, &packet), WH_WHY_IP_EXTENSION);

    v6_begin(&v6); /* the length of the last header past the end */
    v6_add(&v6, 60, 0)[1] = 1;
    assert_int_equal(v6_parse(&v6, &packet), WH_WHY_IP_EXTENSION);
}

static void bounds_the_chain(void **state)
{
    (void)state;
    struct packet packet;
    struct v6 v6;
    v6_begin(&v6);
    for (int headers = 1; headers <= 20; headers++) {
        v6_add(&v6, 60, 0);
        assert_int_equal(v6_parse(&v6, &packet), headers <= 8 ? WH_WHY_NONE : WH_WHY_IP_EXTENSION);
    }
}

static void refuses_ipv6_fragments_but_atomic_ones(void **state)
{
    (void)state;
    struct packet packet;
    struct v6 v6;
    for (unsigned bit = 0; bit < 16; bit++) {
        v6_begin(&v6);
        uint8_t *fragment = v6_add(&v6, 44, 0);
        put16(fragment + 2, 1U << bit);
        fragment[1] = 0xff; /* reserved, not a length */
        put32(fragment + 4, 0x12345678);
        bool reserved = bit == 1 || bit == 2;
        assert_int_equal(v6_parse(&v6, &packet), reserved ? WH_WHY_NONE : WH_WHY_IP_FRAGMENT);
    }
}

/* RFC 8200 4.2: the two highest bits say whether an unknown option may be skipped. */
static void judges_unknown_options(void **state)
{
    (void)state;
    struct packet packet;
    struct v6 v6;
    for (unsigned where = 0; where < 2; where++) {
        for (unsigned kind = 2; kind < 256; kind++) {
            v6_begin(&v6);
            uint8_t *header = v6_add(&v6, where ? 60 : 0, 0);
            memcpy(header + 2, (uint8_t[]){ 0, (uint8_t)kind, 2, 0xc1, 0xff, 0 }, 6);
            assert_int_equal(v6_parse(&v6, &packet),
                             kind < 0x40 ? WH_WHY_NONE : WH_WHY_IP_EXTENSION);
        }
        for (unsigned length = 0; length < 256; length++) {
            v6_begin(&v6);
            uint8_t *header = v6_add(&v6, where ? 60 : 0, 0);
            memcpy(header + 2, (uint8_t[]){ 5, (uint8_t)length, 0, 0, 0, 0 }, 6);
            assert_int_equal(v6_parse(&v6, &packet),
                             length <= 4 ? WH_WHY_NONE : WH_WHY_IP_EXTENSION);
        }
        v6_begin(&v6); /* a kind without a length */
        uint8_t *header = v6_add(&v6, where ? 60 : 0, 0);
        memcpy(header + 2, (uint8_t[]){ 1, 3, 0, 0, 0, 5 }, 6);
        assert_int_equal(v6_parse(&v6, &packet), WH_WHY_IP_EXTENSION);
    }
}

/* Headers that are none of the known extensions are the payload. */
static void ends_at_an_unknown_next_header(void **state)
{
    (void)state;
    struct packet packet;
    uint8_t bytes[48] = { 0 };
    memcpy(bytes, v6_header, sizeof(v6_header));
    put16(bytes + 4, 8);
    for (unsigned next = 0; next < 256; next++) {
        if (next == 0 || next == 43 || next == 44 || next == 60)
            continue;
        bytes[6] = (uint8_t)next;
        assert_int_equal(parse_exact(&packet, bytes, sizeof(bytes)), WH_WHY_NONE);
        assert_int_equal(packet.protocol, next);
        assert_int_equal(packet.length, 8);
    }
}

/* wh_addr keeps IPv4 in ::ffff:0:0/96, so IPv6 may not bring such an address. */
static void refuses_mapped_addresses_by_ipv6(void **state)
{
    (void)state;
    struct packet packet;
    uint8_t bytes[48] = { 0 };
    memcpy(bytes, v6_header, sizeof(v6_header));
    put16(bytes + 4, 8);
    bytes[6] = IP_TCP;
    wh_addr mapped = wh_ipv4(10, 0, 0, 1);
    memcpy(bytes + 8, mapped.bytes, 16);
    assert_int_equal(parse_exact(&packet, bytes, sizeof(bytes)), WH_WHY_IP_SOURCE_INVALID);
    assert_int_equal(ip_parse_quoted(&packet, bytes, sizeof(bytes)), WH_WHY_IP_SOURCE_INVALID);
    memcpy(bytes + 8, v6_header + 8, 16);
    memcpy(bytes + 24, mapped.bytes, 16);
    assert_int_equal(parse_exact(&packet, bytes, sizeof(bytes)), WH_WHY_IP_NOT_FOR_US);
    assert_int_equal(ip_parse_quoted(&packet, bytes, sizeof(bytes)), WH_WHY_IP_NOT_FOR_US);
    bytes[24 + 10] = 0xfe; /* one bit off is an address like any other */
    assert_int_equal(parse_exact(&packet, bytes, sizeof(bytes)), WH_WHY_NONE);
}

/* A quoted packet may end anywhere past its header; lengths and checksum are not looked at. */
static void reads_quoted_packets_however_cut(void **state)
{
    (void)state;
    struct packet packet;
    uint8_t v4[60] = { 0 };
    memcpy(v4, v4_header, sizeof(v4_header));
    v4[0] = 0x47;
    v4[10] ^= 1;
    for (size_t length = 0; length <= sizeof(v4); length++) {
        uint8_t *copy = exact(v4, length);
        wh_reason reason = ip_parse_quoted(&packet, copy, length);
        assert_int_equal(reason, length < 28 ? WH_WHY_FRAME_TRUNCATED : WH_WHY_NONE);
        if (reason == WH_WHY_NONE) {
            assert_ptr_equal(packet.payload, copy + 28);
            assert_int_equal(packet.length, length - 28);
        }
        free(copy);
    }
    put16(v4 + 6, 0x2000); /* first fragment: ports are there */
    assert_int_equal(ip_parse_quoted(&packet, v4, sizeof(v4)), WH_WHY_NONE);
    put16(v4 + 6, 0x2001);
    assert_int_equal(ip_parse_quoted(&packet, v4, sizeof(v4)), WH_WHY_IP_FRAGMENT);

    struct v6 v6;
    v6_begin(&v6);
    v6_add(&v6, 0, 0)[2] = 0xc2;      /* options are for who received it */
    v6_add(&v6, 43, 1)[3] = 1;        /* segments left */
    put16(v6_add(&v6, 44, 0) + 2, 1); /* more fragments, but this is the first */
    *v6.next = IP_TCP;
    put16(v6.bytes + 4, 65535);
    for (size_t length = 0; length <= v6.length + 4; length++) {
        uint8_t *copy = exact(v6.bytes, length);
        wh_reason reason = ip_parse_quoted(&packet, copy, length);
        assert_int_equal(reason, length < 40          ? WH_WHY_FRAME_TRUNCATED
                                 : length < v6.length ? WH_WHY_IP_EXTENSION
                                                      : WH_WHY_NONE);
        if (reason == WH_WHY_NONE)
            assert_int_equal(packet.length, length - v6.length);
        free(copy);
    }
}

static void builds_the_example(void **state)
{
    (void)state;
    struct packet packet = {
        .source = wh_ipv4(192, 168, 0, 1),
        .destination = wh_ipv4(192, 168, 0, 199),
        .protocol = IP_UDP,
        .hops = 64,
        .length = 95,
    };
    uint8_t at[IP_HEADER_MAX];
    assert_int_equal(ip_build(at, &packet, 0), 20);
    assert_memory_equal(at, v4_header, sizeof(v4_header));
}

static void reads_back_what_it_wrote(void **state)
{
    (void)state;
    uint64_t seed = 3;
    uint8_t *bytes = calloc(1, 40 + 65535);
    assert_non_null(bytes);
    for (int round = 0; round < 5000; round++) {
        bool v4 = any(&seed) & 1;
        struct packet wrote;
        memset(&wrote, 0, sizeof(wrote));
        if (v4) {
            wrote.source = wh_ipv4(0, 0, 0, 0);
            wrote.destination = wrote.source;
            any_bytes(&seed, wrote.source.bytes + 12, 4);
            any_bytes(&seed, wrote.destination.bytes + 12, 4);
        } else {
            any_bytes(&seed, wrote.source.bytes, 16);
            any_bytes(&seed, wrote.destination.bytes, 16);
        }
        wrote.version = v4 ? 4 : 6;
        do
            wrote.protocol = (uint8_t)any(&seed);
        while (wrote.protocol == 0 || wrote.protocol == 43 || wrote.protocol == 44 ||
               wrote.protocol == 60);
        wrote.hops = (uint8_t)any(&seed);
        wrote.traffic_class = (uint8_t)any(&seed);
        wrote.dont_fragment = true;
        wrote.header = v4 ? 20 : 40;
        wrote.protocol_at = v4 ? 9 : 6;
        wrote.length = (uint32_t)(any(&seed) % (v4 ? 65516 : 65536));
        wrote.payload = bytes + wrote.header;
        assert_int_equal(ip_build(bytes, &wrote, (uint16_t)any(&seed)), wrote.header);
        assert_int_equal(ip_header_length(&wrote.source), wrote.header);
        if (v4)
            assert_int_equal(sum_by_the_book(bytes, 20, 0), 0xffff);
        struct packet read;
        memset(&read, 0, sizeof(read));
        assert_int_equal(ip_parse(&read, bytes, wrote.header + wrote.length), WH_WHY_NONE);
        assert_memory_equal(&read, &wrote, sizeof(read));
    }
    free(bytes);
}

static void sums_the_pseudo_header(void **state)
{
    (void)state;
    /* by the book: the pseudo-header written out and added up */
    wh_addr a = wh_ipv4(10, 1, 2, 3), b = wh_ipv4(172, 16, 254, 1);
    uint8_t v4[12] = { 10, 1, 2, 3, 172, 16, 254, 1, 0, IP_TCP, 0x12, 0x34 };
    uint16_t folded = checksum_fold(ip_pseudo_sum(&a, &b, IP_TCP, 0x1234));
    uint8_t at[2];
    memcpy(at, &folded, 2);
    assert_int_equal(get16(at), sum_by_the_book(v4, sizeof(v4), 0));

    uint64_t seed = 4;
    for (int round = 0; round < 1000; round++) {
        uint8_t v6[40] = { 0 };
        any_bytes(&seed, v6, 32);
        uint32_t length = (uint32_t)any(&seed) >> (any(&seed) % 32);
        put32(v6 + 32, length);
        v6[39] = IP_ICMPV6;
        memcpy(a.bytes, v6, 16);
        memcpy(b.bytes, v6 + 16, 16);
        folded = checksum_fold(ip_pseudo_sum(&a, &b, IP_ICMPV6, length));
        memcpy(at, &folded, 2);
        assert_int_equal(get16(at), sum_by_the_book(v6, sizeof(v6), 0));
    }
}

static void knows_sources_and_groups(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool invalid, group;
    } cases[] = {
        { "0.0.0.0", true, false },        { "0.1.2.3", true, false },
        { "1.0.0.0", false, false },       { "127.0.0.1", false, false },
        { "10.0.2.2", false, false },      { "223.255.255.255", false, false },
        { "224.0.0.0", true, true },       { "239.255.255.255", true, true },
        { "240.0.0.0", true, false },      { "255.255.255.254", true, false },
        { "255.255.255.255", true, true }, { "::", true, false },
        { "::1", false, false },           { "fe80::1", false, false },
        { "ff02::1", true, true },         { "ff00::", true, true },
        { "feff::1", false, false },       { "2001:db8::1", false, false },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        wh_addr addr;
        assert_int_equal(wh_addr_parse(cases[i].text, &addr), 0);
        assert_int_equal(ip_source_invalid(&addr), cases[i].invalid);
        assert_int_equal(ip_is_group(&addr), cases[i].group);
        assert_int_equal(ip_is_loopback(&addr), strncmp(cases[i].text, "127.", 4) == 0 ||
                                                    strcmp(cases[i].text, "::1") == 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_ipv4),
        cmocka_unit_test(refuses_truncated_and_impossible_ipv4),
        cmocka_unit_test(verifies_the_ipv4_checksum),
        cmocka_unit_test(refuses_ipv4_fragments),
        cmocka_unit_test(reads_the_largest_packets),
        cmocka_unit_test(reads_ipv6),
        cmocka_unit_test(refuses_truncated_ipv6),
        cmocka_unit_test(walks_extension_headers),
        cmocka_unit_test(bounds_the_chain),
        cmocka_unit_test(refuses_ipv6_fragments_but_atomic_ones),
        cmocka_unit_test(judges_unknown_options),
        cmocka_unit_test(ends_at_an_unknown_next_header),
        cmocka_unit_test(refuses_mapped_addresses_by_ipv6),
        cmocka_unit_test(reads_quoted_packets_however_cut),
        cmocka_unit_test(builds_the_example),
        cmocka_unit_test(reads_back_what_it_wrote),
        cmocka_unit_test(sums_the_pseudo_header),
        cmocka_unit_test(knows_sources_and_groups),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
