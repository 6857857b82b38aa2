/* SPDX-License-Identifier: MIT */
#include "wire.h"

#include "wire/udp.h"

/*
 * 10.0.0.1 port 1 to 10.0.0.2 port 2, "A". Added up by hand: pseudo-header
 * 0a00+0001+0a00+0002+0011+0009 = 141d, header 0001+0002+0009 = 000c, data 4100:
 * together 5529, whose complement is aad6.
 */
static const uint8_t example[9] = { 0, 1, 0, 2, 0, 9, 0xaa, 0xd6, 'A' };

static struct packet carrying(const uint8_t *payload, size_t length)
{
    return (struct packet){
        .source = wh_ipv4(10, 0, 0, 1),
        .destination = wh_ipv4(10, 0, 0, 2),
        .version = 4,
        .protocol = IP_UDP,
        .payload = payload,
        .length = (uint32_t)length,
    };
}

static void reads_the_example(void **state)
{
    (void)state;
    struct datagram datagram;
    struct packet packet = carrying(example, sizeof(example));
    assert_int_equal(udp_parse(&datagram, &packet, checksum_best(), false), WH_WHY_NONE);
    assert_int_equal(datagram.source_port, 1);
    assert_int_equal(datagram.destination_port, 2);
    assert_int_equal(datagram.length, 1);
    assert_ptr_equal(datagram.data, example + 8);
}

static void refuses_impossible_lengths(void **state)
{
    (void)state;
    struct datagram datagram;
    for (size_t length = 0; length < sizeof(example); length++) {
        uint8_t *bytes = exact(example, length);
        struct packet packet = carrying(bytes, length);
        assert_int_equal(udp_parse(&datagram, &packet, checksum_best(), true),
                         WH_WHY_UDP_MALFORMED);
        free(bytes);
    }
    for (unsigned length = 0; length <= 65535; length++) {
        uint8_t bytes[sizeof(example)];
        memcpy(bytes, example, sizeof(bytes));
        put16(bytes + 4, length);
        struct packet packet = carrying(bytes, sizeof(bytes));
        bool possible = length == 8 || length == 9;
        assert_int_equal(udp_parse(&datagram, &packet, checksum_best(), true),
                         possible ? WH_WHY_NONE : WH_WHY_UDP_MALFORMED);
        if (possible)
            assert_int_equal(datagram.length, length - 8);
    }
}

static void verifies_the_checksum(void **state)
{
    (void)state;
    struct datagram datagram;
    uint8_t bytes[sizeof(example)];
    memcpy(bytes, example, sizeof(bytes));
    struct packet packet = carrying(bytes, sizeof(bytes));
    for (size_t bit = 0; bit < sizeof(bytes) * 8; bit++) {
        if (bit / 8 == 4 || bit / 8 == 5)
            continue;
        bytes[bit / 8] ^= (uint8_t)(1U << bit % 8);
        assert_int_equal(udp_parse(&datagram, &packet, checksum_best(), false),
                         WH_WHY_UDP_CHECKSUM);
        assert_int_equal(udp_parse(&datagram, &packet, checksum_best(), true), WH_WHY_NONE);
        bytes[bit / 8] ^= (uint8_t)(1U << bit % 8);
    }
    packet.source.bytes[15] ^= 4;
    assert_int_equal(udp_parse(&datagram, &packet, checksum_best(), false), WH_WHY_UDP_CHECKSUM);
}

/* No checksum is allowed over IPv4 and forbidden over IPv6 (RFC 8200 8.1). */
static void takes_no_checksum_over_ipv4_only(void **state)
{
    (void)state;
    struct datagram datagram;
    uint8_t bytes[sizeof(example)];
    memcpy(bytes, example, sizeof(bytes));
    struct packet packet = carrying(bytes, sizeof(bytes));
    put16(bytes + 6, 0);
    assert_int_equal(udp_parse(&datagram, &packet, checksum_best(), false), WH_WHY_NONE);
    packet.version = 6;
    assert_int_equal(wh_addr_parse("fd00::1", &packet.source), 0);
    assert_int_equal(wh_addr_parse("fd00::2", &packet.destination), 0);
    assert_int_equal(udp_parse(&datagram, &packet, checksum_best(), false), WH_WHY_UDP_CHECKSUM);
}

static struct packet between_ten(void)
{
    return (struct packet){ .source = wh_ipv4(10, 0, 0, 1),
                            .destination = wh_ipv4(10, 0, 0, 2),
                            .hops = 64 };
}

static void builds_the_example(void **state)
{
    (void)state;
    uint8_t at[29];
    struct packet ip = between_ten();
    struct datagram udp = { 1, 2, (const uint8_t *)"A", 1 }, empty = { 1, 2, NULL, 0 };
    for (size_t room = 0; room < 29; room++)
        assert_int_equal(udp_build(at, room, &ip, &udp, 7, checksum_best()), 0);
    assert_int_equal(udp_build(at, 29, &ip, &udp, 7, checksum_best()), 29);
    assert_memory_equal(at + 20, example, sizeof(example));
    assert_int_equal(get16(at + 4), 7);
    assert_int_equal(udp_build(at, 29, &ip, &empty, 7, checksum_best()), 28);
}

/* A checksum that comes out as zero is sent as ffff, for zero says that there is none. */
static void never_sends_checksum_zero(void **state)
{
    (void)state;
    uint8_t at[30], data[2];
    struct packet packet, ip = between_ten();
    struct datagram datagram, udp = { 1, 2, data, 2 };
    put16(data, (uint16_t) ~(0x0a00 + 1 + 0x0a00 + 2 + 0x11 + 10 + 1 + 2 + 10));
    assert_int_equal(udp_build(at, 30, &ip, &udp, 0, checksum_best()), 30);
    assert_int_equal(get16(at + 26), 0xffff);
    assert_int_equal(ip_parse(&packet, at, 30), WH_WHY_NONE);
    assert_int_equal(udp_parse(&datagram, &packet, checksum_best(), false), WH_WHY_NONE);
}

static void reads_back_what_it_wrote(void **state)
{
    (void)state;
    uint64_t seed = 7;
    static uint8_t data[65535], at[65535 + 40];
    any_bytes(&seed, data, sizeof(data));
    for (int round = 0; round < 600; round++) {
        bool v4 = any(&seed) & 1;
        wh_addr a = wh_ipv4(10, 0, (uint8_t)any(&seed), 1), b = wh_ipv4(10, 9, 8, 7);
        if (!v4) {
            any_bytes(&seed, a.bytes, 16);
            any_bytes(&seed, b.bytes, 16);
        }
        size_t most = v4 ? 65507 : 65527;
        size_t length =
            round < 4 ? most - (size_t)round / 2 : any(&seed) % (most + 1) >> round % 16;
        struct packet ip = { .source = a, .destination = b, .hops = 9, .traffic_class = 0x20 };
        struct datagram udp = { 0, 53, data, (uint32_t)length };
        size_t built = udp_build(at, sizeof(at), &ip, &udp, 5, checksum_best());
        assert_int_equal(built, (v4 ? 28 : 48) + length);
        struct packet packet;
        struct datagram datagram;
        assert_int_equal(ip_parse(&packet, at, built), WH_WHY_NONE);
        assert_int_equal(packet.protocol, IP_UDP);
        assert_int_equal(packet.hops, 9);
        assert_int_equal(packet.traffic_class, 0x20);
        assert_true(wh_addr_equal(&packet.source, &a) && wh_addr_equal(&packet.destination, &b));
        assert_int_equal(udp_parse(&datagram, &packet, checksum_best(), false), WH_WHY_NONE);
        assert_int_equal(datagram.source_port, 0);
        assert_int_equal(datagram.destination_port, 53);
        assert_int_equal(datagram.length, length);
        assert_memory_equal(datagram.data, data, length);
        udp.length = (uint32_t)most + 1;
        assert_int_equal(udp_build(at, sizeof(at), &ip, &udp, 5, checksum_best()), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_the_example),
        cmocka_unit_test(refuses_impossible_lengths),
        cmocka_unit_test(verifies_the_checksum),
        cmocka_unit_test(takes_no_checksum_over_ipv4_only),
        cmocka_unit_test(builds_the_example),
        cmocka_unit_test(never_sends_checksum_zero),
        cmocka_unit_test(reads_back_what_it_wrote),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
