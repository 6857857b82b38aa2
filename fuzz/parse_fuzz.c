/* SPDX-License-Identifier: MIT */
/*
 * Every parser of src/wire on any bytes. What a parser accepts must lie inside
 * the input and must come out the same when it is built and parsed again.
 */
#include "fuzz.h"

#include "base/bytes.h"
#include "base/checksum.h"
#include "wire/ethernet.h"
#include "wire/icmp.h"
#include "wire/ip.h"
#include "wire/segment.h"
#include "wire/udp.h"

/* Room for the largest packet of either version. */
static uint8_t built[40 + 65535];

static bool inside(const uint8_t *at, size_t length, const uint8_t *data, size_t size)
{
    return at >= data && at <= data + size && length <= (size_t)(data + size - at);
}

/* ------------------------------------------------------------------- TCP -- */

static void require_same_options(const struct segment_options *a, const struct segment_options *b)
{
    REQUIRE((a->has | WH_HAS_SACK) == (b->has | WH_HAS_SACK));
    REQUIRE(a->mss == b->mss && a->window_scale == b->window_scale);
    REQUIRE(a->tsval == b->tsval && a->tsecr == b->tsecr);
    REQUIRE(a->fast_open_length == b->fast_open_length && a->fast_open_length <= FAST_OPEN_MOST);
    REQUIRE(a->fast_open_length == 0 ||
            memcmp(a->fast_open, b->fast_open, a->fast_open_length) == 0);
    REQUIRE(b->sacks <= a->sacks && !b->malformed);
    REQUIRE(memcmp(a->sack, b->sack, b->sacks * sizeof(a->sack[0])) == 0);
}

static void try_segment(const uint8_t *data, size_t size)
{
    struct segment segment, again;
    if (segment_parse(&segment, data, size) != WH_WHY_NONE)
        return;
    REQUIRE(inside(segment.data, segment.length, data, size));
    REQUIRE(segment.data + segment.length == data + size);
    REQUIRE(segment.options.sacks <= WH_SACK_BLOCKS);
    size_t header = segment_build(built, &segment);
    REQUIRE(header == 20 + segment_options_length(&segment.options) && header <= 60);
    REQUIRE(segment_parse(&again, built, header) == WH_WHY_NONE);
    REQUIRE(again.tuple.local_port == segment.tuple.remote_port);
    REQUIRE(again.tuple.remote_port == segment.tuple.local_port);
    REQUIRE(again.seq == segment.seq && again.ack == segment.ack);
    REQUIRE(again.flags == segment.flags && again.window == segment.window);
    REQUIRE(again.urgent == segment.urgent && again.length == 0);
    require_same_options(&segment.options, &again.options);
}

/* ------------------------------------------------------------ UDP and ICMP -- */

static void try_udp(const struct packet *packet)
{
    struct datagram datagram, again;
    struct packet whole;
    (void)udp_parse(&datagram, packet, checksum_best(), false);
    if (udp_parse(&datagram, packet, NULL, true) != WH_WHY_NONE)
        return;
    REQUIRE(inside(datagram.data, datagram.length, packet->payload, packet->length));
    size_t length = udp_build(built, sizeof(built), packet, &datagram, 0, checksum_best());
    if (length == 0) { /* as IPv6 that would fit, but not as IPv4 */
        REQUIRE(datagram.length > 65507);
        return;
    }
    REQUIRE(ip_parse(&whole, built, length) == WH_WHY_NONE);
    REQUIRE(udp_parse(&again, &whole, checksum_best(), false) == WH_WHY_NONE);
    REQUIRE(again.source_port == datagram.source_port);
    REQUIRE(again.destination_port == datagram.destination_port);
    REQUIRE(again.length == datagram.length);
    REQUIRE(memcmp(again.data, datagram.data, again.length) == 0);
}

static void try_echo_reply(const struct packet *packet, const struct icmp *icmp)
{
    struct icmp again;
    struct packet whole;
    size_t length = icmp_build_echo_reply(built, sizeof(built), packet, icmp, checksum_best());
    if (length == 0)
        return;
    REQUIRE(ip_parse(&whole, built, length) == WH_WHY_NONE);
    REQUIRE(icmp_parse(&again, &whole, checksum_best(), false) == WH_WHY_NONE);
    REQUIRE(again.kind == ICMP_ECHO_REPLY);
    REQUIRE(again.id == icmp->id && again.sequence == icmp->sequence);
    REQUIRE(again.length == icmp->length);
    REQUIRE(memcmp(again.body, icmp->body, again.length) == 0);
}

static void try_icmp(const struct packet *packet)
{
    struct icmp icmp;
    (void)icmp_parse(&icmp, packet, checksum_best(), false);
    (void)icmp_error_allowed(packet);
    if (icmp_parse(&icmp, packet, NULL, true) != WH_WHY_NONE)
        return;
    REQUIRE(inside(icmp.body, icmp.length, packet->payload, packet->length));
    REQUIRE(!icmp.has_seq || icmp.quoted);
    if (icmp.quoted) {
        REQUIRE(icmp.packet.version == packet->version);
        REQUIRE(inside(icmp.packet.payload, icmp.packet.length, icmp.body, icmp.length));
    }
    if (icmp.kind == ICMP_ECHO_REQUEST)
        try_echo_reply(packet, &icmp);
}

static void try_error(const struct packet *about, const uint8_t *data, size_t size)
{
    for (int kind = ICMP_OTHER; kind <= ICMP_NEIGHBOUR_ADVERTISEMENT; kind++) {
        struct packet packet;
        struct icmp icmp;
        struct icmp_error error = { .source = &about->destination,
                                    .destination = &about->source,
                                    .kind = (enum icmp_kind)kind,
                                    .mtu = 1280,
                                    .quoted = data,
                                    .quoted_length = size };
        size_t length = icmp_build_error(built, sizeof(built), &error, checksum_best());
        if (length == 0)
            continue;
        REQUIRE(length <= (about->version == 4 ? 576 : 1280));
        REQUIRE(ip_parse(&packet, built, length) == WH_WHY_NONE);
        REQUIRE(icmp_parse(&icmp, &packet, checksum_best(), false) == WH_WHY_NONE);
        REQUIRE((int)icmp.kind == kind);
    }
}

/* -------------------------------------------------------------------- IP -- */

static void rebuild_packet(const struct packet *packet)
{
    struct packet again;
    size_t header = ip_build(built, packet, 0);
    REQUIRE(header == ip_header_length(&packet->source));
    REQUIRE(ip_parse(&again, built, header + packet->length) == WH_WHY_NONE);
    REQUIRE(wh_addr_equal(&again.source, &packet->source));
    REQUIRE(wh_addr_equal(&again.destination, &packet->destination));
    REQUIRE(again.version == packet->version && again.protocol == packet->protocol);
    REQUIRE(again.hops == packet->hops && again.traffic_class == packet->traffic_class);
    REQUIRE(again.length == packet->length && again.header == header);
}

static void try_ip(const uint8_t *data, size_t size)
{
    struct packet packet;
    if (ip_parse_quoted(&packet, data, size) == WH_WHY_NONE)
        REQUIRE(inside(packet.payload, packet.length, data, size));
    if (ip_parse(&packet, data, size) != WH_WHY_NONE)
        return;
    REQUIRE(inside(packet.payload, packet.length, data, size));
    REQUIRE(packet.payload == data + packet.header && packet.protocol_at < packet.header);
    REQUIRE(wh_is_ipv4(&packet.source) == (packet.version == 4));
    REQUIRE(wh_is_ipv4(&packet.destination) == (packet.version == 4));
    rebuild_packet(&packet);
    if (packet.protocol == IP_TCP)
        try_segment(packet.payload, packet.length);
    try_udp(&packet);
    try_icmp(&packet);
    try_error(&packet, data, size);
}

/* The input as the payload of a packet of either version, so that no header stands in the way. */
static void try_as_payload(const uint8_t *data, size_t size)
{
    for (uint8_t version = 4; version <= 6; version += 2) {
        struct packet packet = { .version = version, .hops = 255 };
        packet.source = version == 4 ? wh_ipv4(10, 0, 0, 1) : (wh_addr){ { 0xfd, 1 } };
        packet.destination = version == 4 ? wh_ipv4(10, 0, 0, 2) : (wh_addr){ { 0xfd, 2 } };
        packet.payload = data;
        packet.length = (uint32_t)size;
        packet.protocol = version == 4 ? IP_ICMP : IP_ICMPV6;
        try_icmp(&packet);
        packet.protocol = IP_UDP;
        try_udp(&packet);
    }
    try_segment(data, size);
}

/* -------------------------------------------------- Ethernet, ARP and text -- */

static void try_link(const uint8_t *data, size_t size)
{
    struct ethernet ethernet;
    struct arp arp;
    if (ethernet_parse(&ethernet, data, size) == WH_WHY_NONE) {
        ethernet_build(built, &ethernet);
        REQUIRE(memcmp(built, data, ETHERNET_HEADER) == 0);
        if (ethernet.type == ETHERTYPE_IPV4 || ethernet.type == ETHERTYPE_IPV6)
            try_ip(data + ETHERNET_HEADER, size - ETHERNET_HEADER);
    }
    if (arp_parse(&arp, data, size) == WH_WHY_NONE) {
        arp_build(built, &arp);
        REQUIRE(memcmp(built, data, ARP_LENGTH) == 0);
    }
}

static void try_text(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1), written[WH_TEXT];
    wh_addr addr, again;
    REQUIRE(text != NULL);
    memcpy(text, data, size);
    text[size] = '\0';
    if (wh_addr_parse(text, &addr) == 0) {
        REQUIRE(strlen(wh_addr_text(&addr, written)) < WH_TEXT);
        REQUIRE(wh_addr_parse(written, &again) == 0);
        REQUIRE(wh_addr_equal(&addr, &again));
    }
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0 || size > 65535)
        return 0;
    struct segment_options options;
    segment_options_parse(&options, data, size);
    REQUIRE(options.sacks <= WH_SACK_BLOCKS);
    try_link(data, size);
    try_ip(data, size);
    try_as_payload(data, size);
    try_text(data, size);
    return 0;
}
