/* SPDX-License-Identifier: MIT */
#include "wire.h"

#include "wire/icmp.h"

static wh_addr addr(const char *text)
{
    wh_addr result;
    assert_int_equal(wh_addr_parse(text, &result), 0);
    return result;
}

/* A packet that carries payload[length], its ICMP checksum made right if `fix`. */
static struct packet carrying(bool v4, uint8_t *payload, size_t length, bool fix)
{
    struct packet packet = {
        .source = addr(v4 ? "10.0.0.1" : "fd00::1"),
        .destination = addr(v4 ? "10.0.0.2" : "fd00::2"),
        .version = v4 ? 4 : 6,
        .protocol = v4 ? IP_ICMP : IP_ICMPV6,
        .hops = 255,
        .payload = payload,
        .length = (uint32_t)length,
    };
    if (fix && length >= 4) {
        put16(payload + 2, 0);
        uint32_t start = 0;
        if (!v4) {
            uint8_t pseudo[40] = { 0 };
            memcpy(pseudo, packet.source.bytes, 16);
            memcpy(pseudo + 16, packet.destination.bytes, 16);
            put32(pseudo + 32, (uint32_t)length);
            pseudo[39] = IP_ICMPV6;
            start = sum_by_the_book(pseudo, sizeof(pseudo), 0);
        }
        put16(payload + 2, (uint16_t)~sum_by_the_book(payload, length, start));
    }
    return packet;
}

static void reads_echo(void **state)
{
    (void)state;
    /* 0800 + 0001 + 0001 = 0802, whose complement is f7fd */
    uint8_t echo[10] = { 8, 0, 0xf7, 0xfd, 0, 1, 0, 1 };
    struct packet packet = carrying(true, echo, 8, false);
    struct icmp icmp;
    assert_int_equal(icmp_parse(&icmp, &packet, checksum_best(), false), WH_WHY_NONE);
    assert_int_equal(icmp.kind, ICMP_ECHO_REQUEST);
    assert_int_equal(icmp.id, 1);
    assert_int_equal(icmp.sequence, 1);
    assert_int_equal(icmp.length, 0);

    for (int v4 = 0; v4 < 2; v4++) {
        for (int reply = 0; reply < 2; reply++) {
            uint8_t kind = v4 ? (reply ? 0 : 8) : (reply ? 129 : 128);
            memcpy(echo, (uint8_t[]){ kind, 0, 0, 0, 0xab, 0xcd, 0x12, 0x34, 'h', 'i' }, 10);
            packet = carrying(v4, echo, 10, true);
            assert_int_equal(icmp_parse(&icmp, &packet, checksum_best(), false), WH_WHY_NONE);
            assert_int_equal(icmp.kind, reply ? ICMP_ECHO_REPLY : ICMP_ECHO_REQUEST);
            assert_int_equal(icmp.id, 0xabcd);
            assert_int_equal(icmp.sequence, 0x1234);
            assert_int_equal(icmp.length, 2);
            assert_ptr_equal(icmp.body, echo + 8);
        }
    }
}

static void verifies_the_checksum(void **state)
{
    (void)state;
    struct icmp icmp;
    for (int v4 = 0; v4 < 2; v4++) {
        uint8_t echo[11] = { v4 ? 8 : 128, 0, 0, 0, 1, 2, 3, 4, 'a', 'b', 'c' };
        struct packet packet = carrying(v4, echo, sizeof(echo), true);
        for (size_t bit = 0; bit < sizeof(echo) * 8; bit++) {
            echo[bit / 8] ^= (uint8_t)(1U << bit % 8);
            assert_int_equal(icmp_parse(&icmp, &packet, checksum_best(), false),
                             WH_WHY_ICMP_CHECKSUM);
            echo[bit / 8] ^= (uint8_t)(1U << bit % 8);
        }
        packet.source.bytes[15] ^= 1; /* the pseudo-header is ICMPv6's alone */
        assert_int_equal(icmp_parse(&icmp, &packet, checksum_best(), false),
                         v4 ? WH_WHY_NONE : WH_WHY_ICMP_CHECKSUM);
        assert_int_equal(icmp_parse(&icmp, &packet, checksum_best(), true), WH_WHY_NONE);
    }
}

static void refuses_short_messages(void **state)
{
    (void)state;
    struct icmp icmp;
    for (size_t length = 0; length < ICMP_HEADER; length++) {
        uint8_t *bytes = exact("\x08\0\0\0\0\0\0", length);
        struct packet packet = carrying(true, bytes, length, true);
        assert_int_equal(icmp_parse(&icmp, &packet, checksum_best(), false), WH_WHY_ICMP_MALFORMED);
        free(bytes);
    }
}

static void names_every_type_and_code(void **state)
{
    (void)state;
    static const struct {
        int version;
        uint8_t type, code;
        enum icmp_kind kind;
    } known[] = {
        { 4, 3, 0, ICMP_NET_UNREACHABLE },
        { 4, 3, 1, ICMP_HOST_UNREACHABLE },
        { 4, 3, 2, ICMP_PROTOCOL_UNREACHABLE },
        { 4, 3, 3, ICMP_PORT_UNREACHABLE },
        { 4, 3, 4, ICMP_TOO_BIG },
        { 4, 3, 5, ICMP_SOURCE_ROUTE_FAILED },
        { 4, 3, 6, ICMP_UNREACHABLE_OTHER },
        { 4, 3, 9, ICMP_PROHIBITED },
        { 4, 3, 10, ICMP_PROHIBITED },
        { 4, 3, 13, ICMP_PROHIBITED },
        { 4, 3, 15, ICMP_UNREACHABLE_OTHER },
        { 4, 4, 0, ICMP_SOURCE_QUENCH },
        { 4, 11, 0, ICMP_TIME_EXCEEDED },
        { 4, 12, 1, ICMP_PARAMETER_PROBLEM },
        { 4, 5, 0, ICMP_OTHER },
        { 4, 13, 0, ICMP_OTHER },
        { 4, 128, 0, ICMP_OTHER },
        { 6, 1, 0, ICMP_NET_UNREACHABLE },
        { 6, 1, 1, ICMP_PROHIBITED },
        { 6, 1, 2, ICMP_UNREACHABLE_OTHER },
        { 6, 1, 3, ICMP_HOST_UNREACHABLE },
        { 6, 1, 4, ICMP_PORT_UNREACHABLE },
        { 6, 1, 5, ICMP_PROHIBITED },
        { 6, 1, 6, ICMP_PROHIBITED },
        { 6, 1, 7, ICMP_UNREACHABLE_OTHER },
        { 6, 2, 0, ICMP_TOO_BIG },
        { 6, 2, 9, ICMP_TOO_BIG },
        { 6, 3, 0, ICMP_TIME_EXCEEDED },
        { 6, 4, 0, ICMP_PARAMETER_PROBLEM },
        { 6, 4, 1, ICMP_PROTOCOL_UNREACHABLE },
        { 6, 4, 2, ICMP_PARAMETER_PROBLEM },
        { 6, 8, 0, ICMP_OTHER },
        { 6, 134, 0, ICMP_OTHER },
    };
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        uint8_t bytes[8] = { known[i].type, known[i].code };
        struct packet packet = carrying(known[i].version == 4, bytes, sizeof(bytes), true);
        struct icmp icmp;
        assert_int_equal(icmp_parse(&icmp, &packet, checksum_best(), false), WH_WHY_NONE);
        assert_int_equal(icmp.kind, known[i].kind);
        assert_false(icmp.quoted);
    }
}

/* A TCP packet of ours as an error would quote it; returns its length. */
static size_t quote(uint8_t *at, bool v4, uint8_t protocol)
{
    struct packet packet = {
        .source = addr(v4 ? "10.0.0.2" : "fd00::2"),
        .destination = addr(v4 ? "192.0.2.1" : "2001:db8::1"),
        .protocol = protocol,
        .hops = 1,
        .length = 1000,
    };
    size_t header = ip_build(at, &packet, 0);
    memcpy(at + header, "\xc0\x01\x00\x50\x01\x02\x03\x04\xff\xff\xff\xff", 12);
    return header + 12;
}

/* What is quoted may end at any byte: ports and sequence number are told as far as they are there. */
static void reads_quotes_however_cut(void **state)
{
    (void)state;
    for (int v4 = 0; v4 < 2; v4++) {
        uint8_t whole[8 + 60] = { v4 ? 3 : 1, v4 ? 3 : 4 };
        size_t header = v4 ? 20 : 40, length = quote(whole + 8, v4, IP_TCP);
        for (size_t cut = 0; cut <= length; cut++) {
            uint8_t *bytes = exact(whole, 8 + cut);
            struct packet packet = carrying(v4, bytes, 8 + cut, true);
            struct icmp icmp;
            assert_int_equal(icmp_parse(&icmp, &packet, checksum_best(), false), WH_WHY_NONE);
            assert_int_equal(icmp.kind, ICMP_PORT_UNREACHABLE);
            assert_int_equal(icmp.length, cut);
            assert_int_equal(icmp.quoted, cut >= header + 4);
            assert_int_equal(icmp.has_seq, cut >= header + 8);
            if (icmp.quoted) {
                assert_int_equal(icmp.source_port, 0xc001);
                assert_int_equal(icmp.destination_port, 80);
                wh_addr source = addr(v4 ? "10.0.0.2" : "fd00::2");
                assert_true(wh_addr_equal(&icmp.packet.source, &source));
            }
            assert_int_equal(icmp.seq, icmp.has_seq ? 0x01020304 : 0);
            free(bytes);
        }
    }
}

static void reads_quotes_of_other_protocols(void **state)
{
    (void)state;
    struct icmp icmp;
    for (int v4 = 0; v4 < 2; v4++) {
        uint8_t bytes[8 + 60] = { v4 ? 3 : 1, v4 ? 3 : 4 };
        size_t length = 8 + quote(bytes + 8, v4, IP_UDP);
        struct packet packet = carrying(v4, bytes, length, true);
        assert_int_equal(icmp_parse(&icmp, &packet, checksum_best(), false), WH_WHY_NONE);
        assert_true(icmp.quoted);
        assert_false(icmp.has_seq);
        assert_int_equal(icmp.source_port, 0xc001);
        quote(bytes + 8, v4, 132);
        packet = carrying(v4, bytes, length, true);
        assert_int_equal(icmp_parse(&icmp, &packet, checksum_best(), false), WH_WHY_NONE);
        assert_true(icmp.quoted);
        assert_int_equal(icmp.packet.protocol, 132);
        assert_int_equal(icmp.source_port, 0);
        /* IPv6 quoted in ICMP, IPv4 in ICMPv6: nobody sends that */
        uint8_t other[8 + 60] = { v4 ? 3 : 1, v4 ? 3 : 4 };
        length = 8 + quote(other + 8, !v4, IP_TCP);
        packet = carrying(v4, other, length, true);
        assert_int_equal(icmp_parse(&icmp, &packet, checksum_best(), false), WH_WHY_NONE);
        assert_false(icmp.quoted);
    }
}

static void reads_the_mtu(void **state)
{
    (void)state;
    struct icmp icmp;
    uint8_t v4[8] = { 3, 4, 0, 0, 0xff, 0xff, 0x05, 0x14 };
    struct packet packet = carrying(true, v4, sizeof(v4), true);
    assert_int_equal(icmp_parse(&icmp, &packet, checksum_best(), false), WH_WHY_NONE);
    assert_int_equal(icmp.mtu, 1300);
    uint8_t v6[8] = { 2, 0, 0, 0, 0x00, 0x01, 0x05, 0x00 };
    packet = carrying(false, v6, sizeof(v6), true);
    assert_int_equal(icmp_parse(&icmp, &packet, checksum_best(), false), WH_WHY_NONE);
    assert_int_equal(icmp.mtu, 0x10500);
}

/* A solicitation (135) or advertisement (136) for fd00::9 with a station option. */
static void nd_message(uint8_t bytes[32], uint8_t type)
{
    wh_addr target = addr("fd00::9");
    memset(bytes, 0, 32);
    bytes[0] = type;
    memcpy(bytes + 8, target.bytes, 16);
    memcpy(bytes + 24, (uint8_t[]){ type == 135 ? 1 : 2, 1, 2, 3, 4, 5, 6, 7 }, 8);
}

static wh_reason nd_parse(struct icmp *icmp, uint8_t *bytes, size_t length)
{
    struct packet packet = carrying(false, bytes, length, true);
    return icmp_parse(icmp, &packet, checksum_best(), false);
}

static void reads_neighbour_discovery(void **state)
{
    (void)state;
    struct icmp icmp;
    uint8_t bytes[32];
    wh_addr target = addr("fd00::9");
    nd_message(bytes, 135);
    assert_int_equal(nd_parse(&icmp, bytes, 32), WH_WHY_NONE);
    assert_int_equal(icmp.kind, ICMP_NEIGHBOUR_SOLICITATION);
    assert_true(wh_addr_equal(&icmp.target, &target));
    assert_true(icmp.has_station);
    assert_memory_equal(icmp.station.bytes, "\2\3\4\5\6\7", 6);
    assert_int_equal(nd_parse(&icmp, bytes, 24), WH_WHY_NONE);
    assert_false(icmp.has_station);

    nd_message(bytes, 136);
    for (unsigned flags = 0; flags < 4; flags++) {
        bytes[4] = (uint8_t)(0x80 | flags << 5);
        assert_int_equal(nd_parse(&icmp, bytes, 32), WH_WHY_NONE);
        assert_int_equal(icmp.kind, ICMP_NEIGHBOUR_ADVERTISEMENT);
        assert_int_equal(icmp.override, flags & 1);
        assert_int_equal(icmp.solicited, flags >> 1);
        assert_true(icmp.has_station);
    }
    bytes[24] = 1; /* the source's station says nothing in an advertisement */
    assert_int_equal(nd_parse(&icmp, bytes, 32), WH_WHY_NONE);
    assert_false(icmp.has_station);
}

/* RFC 4861 7.1.1 and 7.1.2, line by line. */
static void refuses_malformed_neighbour_discovery(void **state)
{
    (void)state;
    struct icmp icmp;
    struct packet packet;
    uint8_t bytes[40];
    for (uint8_t type = 135; type <= 136; type++) {
        for (size_t length = 8; length < 32; length++) { /* every truncation */
            nd_message(bytes, type);
            uint8_t *copy = exact(bytes, length);
            assert_int_equal(nd_parse(&icmp, copy, length),
                             length == 24 ? WH_WHY_NONE : WH_WHY_ND_MALFORMED);
            free(copy);
        }
        for (unsigned units = 0; units < 256; units++) {
            nd_message(bytes, type);
            bytes[25] = (uint8_t)units;
            assert_int_equal(nd_parse(&icmp, bytes, 32),
                             units == 1 ? WH_WHY_NONE : WH_WHY_ND_MALFORMED);
        }
        nd_message(bytes, type);
        bytes[1] = 1; /* code */
        assert_int_equal(nd_parse(&icmp, bytes, 32), WH_WHY_ND_MALFORMED);
        nd_message(bytes, type);
        bytes[8] = 0xff; /* target is a group */
        assert_int_equal(nd_parse(&icmp, bytes, 32), WH_WHY_ND_MALFORMED);
        nd_message(bytes, type);
        wh_addr mapped = wh_ipv4(10, 0, 0, 1); /* target would pass for IPv4 */
        memcpy(bytes + 8, mapped.bytes, 16);
        assert_int_equal(nd_parse(&icmp, bytes, 32), WH_WHY_ND_MALFORMED);
        nd_message(bytes, type);
        packet = carrying(false, bytes, 32, true);
        packet.hops = 254; /* came through a router */
        assert_int_equal(icmp_parse(&icmp, &packet, checksum_best(), false), WH_WHY_ND_MALFORMED);
    }
    nd_message(bytes, 136); /* solicited, to a group */
    bytes[4] = 0x40;
    packet = carrying(false, bytes, 32, false);
    packet.destination = addr("ff02::1");
    assert_int_equal(icmp_parse(&icmp, &packet, checksum_best(), true), WH_WHY_ND_MALFORMED);
    bytes[4] = 0;
    assert_int_equal(icmp_parse(&icmp, &packet, checksum_best(), true), WH_WHY_NONE);

    nd_message(bytes, 135); /* from ::, which must be without a station and to the right group */
    packet = carrying(false, bytes, 24, false);
    packet.source = addr("::");
    assert_int_equal(icmp_parse(&icmp, &packet, checksum_best(), true), WH_WHY_ND_MALFORMED);
    packet.destination = addr("ff02::1:ff00:9");
    assert_int_equal(icmp_parse(&icmp, &packet, checksum_best(), true), WH_WHY_NONE);
    packet.length = 32;
    assert_int_equal(icmp_parse(&icmp, &packet, checksum_best(), true), WH_WHY_ND_MALFORMED);
}

static void builds_echo_replies(void **state)
{
    (void)state;
    uint64_t seed = 8;
    static uint8_t body[8 + 65507], at[65535 + 40];
    any_bytes(&seed, body, sizeof(body));
    for (int round = 0; round < 300; round++) {
        bool v4 = any(&seed) & 1;
        size_t length = round == 0 ? sizeof(body) : 8 + any(&seed) % (sizeof(body) - 8) / 40;
        put16(body, v4 ? 0x0800 : 0x8000);
        struct packet request = carrying(v4, body, length, true);
        request.traffic_class = 0x28;
        struct icmp icmp, reply;
        struct packet packet;
        assert_int_equal(icmp_parse(&icmp, &request, checksum_best(), false), WH_WHY_NONE);
        size_t expected = (v4 ? 20 : 40) + length;
        assert_int_equal(icmp_build_echo_reply(at, expected - 1, &request, &icmp, checksum_best()),
                         0);
        assert_int_equal(icmp_build_echo_reply(at, expected, &request, &icmp, checksum_best()),
                         expected);
        assert_int_equal(ip_parse(&packet, at, expected), WH_WHY_NONE);
        assert_true(wh_addr_equal(&packet.source, &request.destination));
        assert_true(wh_addr_equal(&packet.destination, &request.source));
        assert_int_equal(packet.traffic_class, 0x28);
        assert_int_equal(icmp_parse(&reply, &packet, checksum_best(), false), WH_WHY_NONE);
        assert_int_equal(reply.kind, ICMP_ECHO_REPLY);
        assert_int_equal(reply.code, 0);
        assert_int_equal(reply.id, icmp.id);
        assert_int_equal(reply.sequence, icmp.sequence);
        assert_int_equal(reply.length, icmp.length);
        assert_memory_equal(reply.body, icmp.body, icmp.length);
    }
}

static void builds_errors(void **state)
{
    (void)state;
    static const enum icmp_kind kinds[] = {
        ICMP_NET_UNREACHABLE,  ICMP_HOST_UNREACHABLE, ICMP_PROTOCOL_UNREACHABLE,
        ICMP_PORT_UNREACHABLE, ICMP_TOO_BIG,          ICMP_PROHIBITED,
        ICMP_TIME_EXCEEDED,
    };
    uint8_t at[1280], quoted[2000] = { 0 };
    for (int v4 = 0; v4 < 2; v4++) {
        quote(quoted, v4, IP_TCP);
        wh_addr source = addr(v4 ? "192.0.2.1" : "2001:db8::1");
        wh_addr destination = addr(v4 ? "10.0.0.2" : "fd00::2");
        for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
            for (size_t length = 0; length <= sizeof(quoted); length += length < 70 ? 1 : 193) {
                uint8_t *copy = exact(quoted, length);
                struct icmp_error error = { &source, &destination, kinds[i], 1280, copy, length };
                size_t built = icmp_build_error(at, sizeof(at), &error, checksum_best());
                size_t most = v4 ? 576 : 1280, header = v4 ? 20 : 40;
                assert_int_equal(built, MIN(most, header + 8 + length));
                assert_int_equal(icmp_build_error(at, built - 1, &error, checksum_best()), 0);
                struct packet packet;
                struct icmp icmp;
                assert_int_equal(ip_parse(&packet, at, built), WH_WHY_NONE);
                assert_true(wh_addr_equal(&packet.source, &source));
                assert_int_equal(icmp_parse(&icmp, &packet, checksum_best(), false), WH_WHY_NONE);
                assert_int_equal(icmp.kind, kinds[i]);
                assert_int_equal(icmp.mtu, kinds[i] == ICMP_TOO_BIG ? 1280 : 0);
                assert_int_equal(icmp.has_seq, length >= header + 8);
                assert_memory_equal(icmp.body, quoted, icmp.length);
                free(copy);
            }
        }
        struct icmp_error request = { &source, &destination, ICMP_ECHO_REQUEST, 0, quoted, 60 };
        assert_int_equal(icmp_build_error(at, sizeof(at), &request, checksum_best()), 0);
    }
}

/* ICMPv6's pointer shows the byte that named the unknown protocol (RFC 4443 3.4). */
static void points_at_the_unknown_protocol(void **state)
{
    (void)state;
    uint8_t at[1280], quoted[60];
    wh_addr a = addr("fd00::1"), b = addr("fd00::2");
    quote(quoted, false, 60);
    memcpy(quoted + 40, "\x84\x00\x01\x04\x00\x00\x00\x00", 8);
    struct icmp_error error = { &a, &b, ICMP_PROTOCOL_UNREACHABLE, 0, quoted, 52 };
    size_t length = icmp_build_error(at, sizeof(at), &error, checksum_best());
    assert_int_equal(length, 40 + 8 + 52);
    assert_int_equal(get16(at + 40), 4 << 8 | 1);
    assert_int_equal(get32(at + 44), 40);
}

static void builds_neighbour_discovery(void **state)
{
    (void)state;
    uint8_t at[72];
    struct packet packet;
    struct icmp icmp;
    struct station station = { { 2, 0, 0, 0, 0, 7 } };
    wh_addr a = addr("fd00::1"), b = addr("2001:db8::12:3456"), none = addr("::");
    wh_addr group = addr("ff02::1:ff12:3456");
    for (int from_nobody = 0; from_nobody < 2; from_nobody++) {
        size_t length = from_nobody ? 64 : 72;
        const wh_addr *source = from_nobody ? &none : &a;
        const struct station *ours = from_nobody ? NULL : &station;
        assert_int_equal(nd_build_solicitation(at, length - 1, source, &b, ours, checksum_best()),
                         0);
        assert_int_equal(nd_build_solicitation(at, length, source, &b, ours, checksum_best()),
                         length);
        assert_int_equal(ip_parse(&packet, at, length), WH_WHY_NONE);
        assert_true(wh_addr_equal(&packet.destination, &group));
        assert_int_equal(icmp_parse(&icmp, &packet, checksum_best(), false), WH_WHY_NONE);
        assert_int_equal(icmp.kind, ICMP_NEIGHBOUR_SOLICITATION);
        assert_true(wh_addr_equal(&icmp.target, &b));
        assert_int_equal(icmp.has_station, !from_nobody);
    }
    for (int solicited = 0; solicited < 2; solicited++) {
        assert_int_equal(nd_build_advertisement(at, sizeof(at), &a, &b, &a, &station, solicited,
                                                checksum_best()),
                         72);
        assert_int_equal(ip_parse(&packet, at, 72), WH_WHY_NONE);
        assert_int_equal(packet.hops, 255);
        assert_int_equal(icmp_parse(&icmp, &packet, checksum_best(), false), WH_WHY_NONE);
        assert_int_equal(icmp.kind, ICMP_NEIGHBOUR_ADVERTISEMENT);
        assert_true(wh_addr_equal(&icmp.target, &a));
        assert_true(icmp.override);
        assert_int_equal(icmp.solicited, solicited);
        assert_true(icmp.has_station);
        assert_memory_equal(icmp.station.bytes, station.bytes, 6);
    }
}

/* RFC 1122 3.2.2, RFC 4443 2.4 (e). */
static void allows_errors_about_what_may_have_them(void **state)
{
    (void)state;
    uint8_t bytes[8] = { 0 };
    for (int v4 = 0; v4 < 2; v4++) {
        struct packet packet = carrying(v4, bytes, 8, false);
        packet.protocol = IP_TCP;
        assert_true(icmp_error_allowed(&packet));
        packet.source = addr(v4 ? "224.0.0.1" : "::");
        assert_false(icmp_error_allowed(&packet));
        packet = carrying(v4, bytes, 8, false);
        packet.protocol = IP_UDP;
        packet.destination = addr(v4 ? "255.255.255.255" : "ff02::1");
        assert_false(icmp_error_allowed(&packet));
        packet = carrying(v4, bytes, 8, false);
        for (unsigned type = 0; type < 256; type++) {
            bytes[0] = (uint8_t)type;
            assert_int_equal(icmp_error_allowed(&packet),
                             v4 ? type == 0 || type == 8 : type >= 128);
        }
        packet.length = 0;
        assert_false(icmp_error_allowed(&packet));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_echo),
        cmocka_unit_test(verifies_the_checksum),
        cmocka_unit_test(refuses_short_messages),
        cmocka_unit_test(names_every_type_and_code),
        cmocka_unit_test(reads_quotes_however_cut),
        cmocka_unit_test(reads_quotes_of_other_protocols),
        cmocka_unit_test(reads_the_mtu),
        cmocka_unit_test(reads_neighbour_discovery),
        cmocka_unit_test(refuses_malformed_neighbour_discovery),
        cmocka_unit_test(builds_echo_replies),
        cmocka_unit_test(builds_errors),
        cmocka_unit_test(points_at_the_unknown_protocol),
        cmocka_unit_test(builds_neighbour_discovery),
        cmocka_unit_test(allows_errors_about_what_may_have_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
