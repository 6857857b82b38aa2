/* SPDX-License-Identifier: MIT */
#include "peer.h"

#include "base/bytes.h"
#include "base/checksum.h"
#include "base/seq.h"
#include "wire/icmp.h"
#include "wire/udp.h"

wh_addr fuzz_addr(bool ipv4, uint8_t last)
{
    if (ipv4)
        return wh_ipv4(10, 0, 2, last);
    wh_addr addr = { { 0xfd } };
    addr.bytes[15] = last;
    return addr;
}

struct station fuzz_station(uint8_t last) { return (struct station){ { 2, 0, 0, 0, 0, last } }; }

/* --------------------------------------------------------- what is heard -- */

/* All of a frame's bytes in one piece; their number. */
static size_t gather(const wh_frame *frame, uint8_t *at, size_t room)
{
    size_t length = 0;
    REQUIRE(frame->slices >= 1 && frame->slices <= WH_FRAME_SLICES);
    for (uint32_t i = 0; i < frame->slices; i++) {
        REQUIRE(frame->slice[i].length > 0 && frame->slice[i].length <= room - length);
        memcpy(at + length, frame->slice[i].base, frame->slice[i].length);
        length += frame->slice[i].length;
    }
    REQUIRE(length == frame->length);
    return length;
}

/* bytes: from the IP header on, which stands `link` bytes into the frame. */
static void check_checksum(const wh_frame *frame, size_t link, const uint8_t *bytes,
                           const struct packet *packet)
{
    uint64_t pseudo = packet->version == 4 && packet->protocol == IP_ICMP
                          ? 0
                          : ip_pseudo_sum(&packet->source, &packet->destination, packet->protocol,
                                          packet->length);
    if (frame->flags & WH_FRAME_CHECKSUM_PARTIAL) {
        uint16_t field;
        REQUIRE(frame->checksum_start == link + packet->header);
        REQUIRE(frame->checksum_offset + 2U <= packet->length);
        memcpy(&field, bytes + packet->header + frame->checksum_offset, sizeof(field));
        /* the field holds the pseudo-header's sum; +0 and -0 are the same */
        REQUIRE(field == checksum_fold(pseudo) || (uint16_t)(field + 1) <= 1);
        return;
    }
    REQUIRE(checksum_fold(checksum_add_portable(packet->payload, packet->length, pseudo)) ==
            0xffff);
}

static struct flow *find_flow(struct peer *peer, const struct tuple *tuple)
{
    for (unsigned i = 0; i < FLOWS; i++)
        if (peer->flow[i].used && memcmp(&peer->flow[i].tuple, tuple, sizeof(*tuple)) == 0)
            return &peer->flow[i];
    return NULL;
}

static struct flow *new_flow(struct peer *peer, const struct tuple *tuple)
{
    struct flow *flow = &peer->flow[peer->next++ % FLOWS];
    *flow = (struct flow){ .used = true, .tuple = *tuple, .snd_nxt = 0x7ffffff0 };
    return flow;
}

static void learn(struct peer *peer, const struct segment *segment)
{
    struct flow *flow = find_flow(peer, &segment->tuple);
    if (flow == NULL) {
        if (!(segment->flags & WH_SYN))
            return;
        flow = new_flow(peer, &segment->tuple);
    }
    if (segment->flags & WH_RST)
        return;
    uint32_t end = segment->seq + segment_length(segment);
    if ((segment->flags & WH_SYN) || seq_gt(end, flow->rcv_nxt))
        flow->rcv_nxt = end;
    if (segment->flags & WH_ACK)
        flow->snd_nxt = segment->ack;
    if (segment->options.has & WH_HAS_TIMESTAMPS)
        flow->tsval = segment->options.tsval;
    if (segment->options.has & WH_HAS_FAST_OPEN) {
        REQUIRE(segment->flags & WH_SYN);
        flow->fast_open = true;
        peer->cookie_length = segment->options.fast_open_length;
        memcpy(peer->cookie, segment->options.fast_open, peer->cookie_length);
    }
}

static void receive_segment(struct peer *peer, const wh_frame *frame, size_t link,
                            const struct packet *packet, uint32_t mtu)
{
    struct segment segment;
    REQUIRE(segment_parse(&segment, packet->payload, packet->length) == WH_WHY_NONE);
    REQUIRE(!segment.options.malformed);
    size_t headers = packet->header + packet->length - segment.length;
    if (frame->segment_size > 0) {
        REQUIRE(headers + frame->segment_size <= mtu && segment.length > frame->segment_size);
        REQUIRE(frame->headers == link + headers && frame->transport == link + packet->header);
    } else {
        REQUIRE(headers + segment.length <= mtu);
    }
    segment.tuple.local = packet->destination;
    segment.tuple.remote = packet->source;
    learn(peer, &segment);
}

static void receive_packet(struct peer *peer, const wh_frame *frame, size_t link,
                           const uint8_t *bytes, size_t length, uint32_t mtu)
{
    struct packet packet;
    struct icmp icmp;
    REQUIRE(ip_parse(&packet, bytes, length) == WH_WHY_NONE);
    REQUIRE(packet.header + packet.length == length);
    check_checksum(frame, link, bytes, &packet);
    if (packet.protocol == IP_TCP) {
        receive_segment(peer, frame, link, &packet, mtu);
        return;
    }
    REQUIRE(length <= mtu);
    if (packet.protocol != IP_ICMPV6)
        return;
    REQUIRE(icmp_parse(&icmp, &packet, checksum_best(), true) == WH_WHY_NONE);
    if (icmp.kind == ICMP_NEIGHBOUR_SOLICITATION)
        peer->asked = icmp.target;
}

void peer_receive(struct peer *peer, const wh_frame *frame, uint32_t mtu)
{
    static uint8_t bytes[65535 + 64];
    size_t length = gather(frame, bytes, sizeof(bytes));
    if (!peer->ethernet) {
        receive_packet(peer, frame, 0, bytes, length, mtu);
        return;
    }
    struct ethernet ethernet;
    struct station ours = fuzz_station(2);
    REQUIRE(ethernet_parse(&ethernet, bytes, length) == WH_WHY_NONE);
    REQUIRE(memcmp(&ethernet.source, &ours, sizeof(ours)) == 0);
    const uint8_t *payload = bytes + ETHERNET_HEADER;
    length -= ETHERNET_HEADER;
    if (ethernet.type == ETHERTYPE_ARP) {
        struct arp arp;
        REQUIRE(arp_parse(&arp, payload, length) == WH_WHY_NONE);
        REQUIRE(memcmp(&arp.sender_station, &ours, sizeof(ours)) == 0);
        if (arp.operation == ARP_REQUEST)
            peer->asked = arp.target;
        return;
    }
    REQUIRE(ethernet.type == (payload[0] >> 4 == 4 ? ETHERTYPE_IPV4 : ETHERTYPE_IPV6));
    receive_packet(peer, frame, ETHERNET_HEADER, payload, length, mtu);
}

/* ---------------------------------------------------------- what is said -- */

/* Makes the transport checksum of the packet at[length] right, as far as it has one. */
static void fix_checksums(uint8_t *at, size_t length)
{
    struct packet packet;
    static const struct {
        uint8_t protocol;
        uint32_t field;
    } fields[] = { { IP_TCP, 16 }, { IP_UDP, 6 }, { IP_ICMP, 2 }, { IP_ICMPV6, 2 } };
    if (length >= 20 && at[0] >> 4 == 4) {
        size_t header = MIN((size_t)(at[0] & 0xf) * 4, length);
        put16(at + 10, 0);
        uint16_t sum = (uint16_t)~checksum_fold(checksum_add_portable(at, header, 0));
        memcpy(at + 10, &sum, sizeof(sum));
    }
    if (ip_parse(&packet, at, length) != WH_WHY_NONE)
        return;
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        if (packet.protocol != fields[i].protocol || packet.length < fields[i].field + 2)
            continue;
        uint8_t *payload = at + packet.header;
        uint64_t sum = packet.protocol == IP_ICMP
                           ? 0
                           : ip_pseudo_sum(&packet.source, &packet.destination, packet.protocol,
                                           packet.length);
        put16(payload + fields[i].field, 0);
        uint16_t field =
            (uint16_t)~checksum_fold(checksum_add_portable(payload, packet.length, sum));
        memcpy(payload + fields[i].field, &field, sizeof(field));
    }
}

size_t peer_raw(struct input *input, uint8_t *at)
{
    const uint8_t *bytes;
    bool fix = take8(input) & 1;
    size_t length = take_bytes(input, &bytes, 255);
    if (length > 0)
        memcpy(at, bytes, length);
    if (fix)
        fix_checksums(at, length);
    return length;
}

/* Header, options (raw ones behind those that have a name) and data as one packet. */
static size_t write_segment(uint8_t *at, const struct segment *segment, const uint8_t *raw,
                            size_t raw_length, size_t data_length)
{
    uint8_t header[SEGMENT_HEADER_MAX];
    size_t length = segment_build(header, segment);
    raw_length = MIN(raw_length, SEGMENT_HEADER_MAX - length) / 4 * 4;
    struct packet packet = {
        .source = segment->tuple.local,
        .destination = segment->tuple.remote,
        .protocol = IP_TCP,
        .hops = 64,
        .traffic_class = segment->traffic_class,
        .length = (uint32_t)(length + raw_length + data_length),
    };
    size_t ip = ip_build(at, &packet, 0);
    header[12] = (uint8_t)((length + raw_length) / 4 << 4 | (header[12] & 0xf));
    memcpy(at + ip, header, length);
    if (raw_length > 0)
        memcpy(at + ip + length, raw, raw_length);
    for (size_t i = 0; i < data_length; i++)
        at[ip + length + raw_length + i] = (uint8_t)(segment->seq + i);
    fix_checksums(at, ip + packet.length);
    return ip + packet.length;
}

/* Mostly nothing, sometimes a little, sometimes anything. */
static uint32_t take_offset(struct input *input)
{
    uint8_t how = take8(input);
    if (how < 0x80)
        return 0;
    if (how < 0xc0)
        return (uint32_t)((how & 0x3f) - 0x20);
    if (how < 0xf0)
        return (uint32_t)((int32_t)(int8_t)take8(input) * 64);
    return take32(input);
}

size_t peer_segment(struct peer *peer, struct input *input, uint8_t *at)
{
    static const uint16_t usual[] = { WH_ACK,          WH_ACK | WH_PSH, WH_ACK | WH_FIN,
                                      WH_RST,          WH_ACK | WH_SYN, WH_SYN,
                                      WH_ACK | WH_URG, WH_RST | WH_ACK };
    static const uint16_t lengths[] = { 0, 0, 0, 1, 2, 100, 536, 1448 };
    uint8_t which = take8(input);
    const struct flow *flow = &peer->flow[which % FLOWS];
    if (!flow->used)
        return 0;
    uint8_t shape = take8(input), window = take8(input);
    struct segment segment = { .tuple = flow->tuple };
    segment.flags = which & 0x80 ? take16(input) & 0x1ff : usual[shape & 7];
    segment.seq = flow->snd_nxt + take_offset(input);
    segment.ack = flow->rcv_nxt + take_offset(input);
    segment.window = window < 0x10 ? window : (uint16_t)(window << 8);
    segment.urgent = segment.flags & WH_URG ? take8(input) : 0;
    segment.traffic_class = which & 0x40 ? take8(input) : 0;
    if (!(shape & 0x40)) {
        segment.options.has |= WH_HAS_TIMESTAMPS;
        segment.options.tsval = shape & 0x80 ? take32(input) : 1;
        segment.options.tsecr = flow->tsval;
    }
    if (segment.flags & WH_SYN) {
        segment.options.has |= WH_HAS_MSS | WH_HAS_SACK_PERMITTED | WH_HAS_WINDOW_SCALE;
        segment.options.mss = 1460;
        segment.options.window_scale = 7;
        segment.options.has |= flow->fast_open ? WH_HAS_FAST_OPEN : 0;
        segment.options.fast_open_length = FAST_OPEN_LEAST;
        segment.options.fast_open = peer->cookie;
    } else if (which & 0x20) {
        segment.options.has |= WH_HAS_SACK;
        segment.options.sacks = 1 + (take8(input) & 1);
        for (unsigned i = 0; i < segment.options.sacks; i++) {
            segment.options.sack[i].left = flow->rcv_nxt - take16(input);
            segment.options.sack[i].right = segment.options.sack[i].left + take16(input);
        }
    }
    const uint8_t *raw = NULL;
    size_t raw_length = which & 0x10 ? take_bytes(input, &raw, 40) : 0;
    return write_segment(at, &segment, raw, raw_length, lengths[shape >> 3 & 7]);
}

size_t peer_syn(struct peer *peer, struct input *input, uint8_t *at)
{
    uint8_t how = take8(input);
    bool ipv4 = how & 1;
    struct tuple tuple = {
        .local = fuzz_addr(ipv4, 100),
        .remote = fuzz_addr(ipv4, how & 2 ? 9 : 2),
        .local_port = (uint16_t)(1024 + (how >> 4)),
        .remote_port = how & 4 ? 80 : 99,
    };
    struct flow *flow = find_flow(peer, &tuple);
    if (flow == NULL)
        flow = new_flow(peer, &tuple);
    struct segment segment = { .tuple = tuple, .flags = WH_SYN, .window = 65535 };
    segment.seq = flow->snd_nxt + take_offset(input);
    segment.options.has = take8(input) & (0xf | WH_HAS_FAST_OPEN);
    segment.options.fast_open_length = peer->cookie_length;
    segment.options.fast_open = peer->cookie;
    segment.options.mss = take16(input);
    segment.options.window_scale = take8(input) & 15;
    segment.options.tsval = 1;
    return write_segment(at, &segment, NULL, 0, how & 8 ? 10 : 0);
}

size_t peer_datagram(struct input *input, uint8_t *at)
{
    uint8_t how = take8(input);
    bool ipv4 = how & 1;
    wh_addr source = fuzz_addr(ipv4, 100), destination = fuzz_addr(ipv4, how & 2 ? 9 : 2);
    const uint8_t *data;
    size_t length = take_bytes(input, &data, 255);
    if (how & 4) {
        uint8_t *message = at + (ipv4 ? 20 : 40);
        struct packet packet = { .source = source,
                                 .destination = destination,
                                 .protocol = ipv4 ? IP_ICMP : IP_ICMPV6,
                                 .hops = 255,
                                 .length = (uint32_t)(ICMP_HEADER + length) };
        ip_build(at, &packet, 0);
        memset(message, 0, ICMP_HEADER);
        message[0] = how & 8 ? (ipv4 ? 8 : 128) : take8(input);
        message[1] = how & 8 ? 0 : take8(input);
        if (length > 0)
            memcpy(message + ICMP_HEADER, data, length);
        length = (size_t)(message - at) + packet.length;
        fix_checksums(at, length);
        return length;
    }
    struct packet packet = { .source = source, .destination = destination, .hops = 64 };
    struct datagram datagram = { .source_port = 5000,
                                 .destination_port = how & 8 ? 53 : 7,
                                 .data = data,
                                 .length = (uint32_t)length };
    return udp_build(at, PACKET_MAX, &packet, &datagram, 0, checksum_best());
}

size_t peer_icmp_error(struct peer *peer, struct input *input, uint8_t *at)
{
    uint8_t which = take8(input);
    const struct flow *flow = &peer->flow[which % FLOWS];
    if (!flow->used)
        return 0;
    uint8_t quoted[PACKET_MAX];
    struct segment segment = { .tuple = { flow->tuple.remote, flow->tuple.local,
                                          flow->tuple.remote_port, flow->tuple.local_port } };
    segment.seq = flow->rcv_nxt - 1 + take_offset(input);
    segment.flags = WH_ACK;
    size_t length = write_segment(quoted, &segment, NULL, 0, 0);
    enum icmp_kind kind = (enum icmp_kind)(ICMP_NET_UNREACHABLE + (which >> 4));
    wh_addr router = fuzz_addr(wh_is_ipv4(&flow->tuple.local), 1);
    uint32_t mtu = take16(input);
    size_t quoted_most = (size_t)20 + take8(input);
    struct icmp_error error = { .source = &router,
                                .destination = &flow->tuple.remote,
                                .kind = kind,
                                .mtu = mtu,
                                .quoted = quoted,
                                .quoted_length = MIN(length, quoted_most) };
    return icmp_build_error(at, PACKET_MAX, &error, checksum_best());
}

size_t peer_answer(const struct peer *peer, struct input *input, uint8_t *at, uint16_t *type)
{
    uint8_t how = take8(input);
    bool ipv4 = wh_is_ipv4(&peer->asked);
    wh_addr from = how & 1 ? fuzz_addr(ipv4, take8(input)) : peer->asked;
    wh_addr ours = fuzz_addr(ipv4, how & 2 ? 3 : 2);
    struct station station = fuzz_station(how & 4 ? take8(input) : 9);
    if (ipv4) {
        struct arp arp = { .operation = how & 8 ? ARP_REQUEST : ARP_REPLY,
                           .sender_station = station,
                           .target_station = fuzz_station(2),
                           .sender = from,
                           .target = ours };
        *type = ETHERTYPE_ARP;
        arp_build(at, &arp);
        return ARP_LENGTH;
    }
    *type = ETHERTYPE_IPV6;
    const struct station *told = how & 0x10 ? NULL : &station;
    if (how & 8)
        return nd_build_solicitation(at, PACKET_MAX, &from, &ours, told, checksum_best());
    return nd_build_advertisement(at, PACKET_MAX, &from, &ours, &from, told, !(how & 0x20),
                                  checksum_best());
}
