/* SPDX-License-Identifier: MIT */
/* Puts together the frames that arrive: by hand, so that they may be wrong. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "rig/rig.h"
#include "wire/ip.h"

/* The longest IP header: IPv4 with 40 bytes of options. */
#define IP_ROOM 60

bool packet_address(const struct wh_rig *rig, const char *name, wh_addr *addr)
{
    static const struct {
        const char *name, *v4, *v6;
    } named[] = {
        { "us", "192.0.2.1", "2001:db8::1" },
        { "peer", "192.0.2.2", "2001:db8::2" },
        { "other", "192.0.2.3", "2001:db8::3" },
        { "stranger", "198.51.100.9", "2001:db8:9::9" },
        { "router", "192.0.2.254", "2001:db8::fe" },
        { "multicast", "224.0.0.1", "ff02::1" },
        { "broadcast", "255.255.255.255", "ff02::1" },
        { "net-broadcast", "192.0.2.255", "ff02::1" },
        { "any", "0.0.0.0", "::" },
        { "loopback", "127.0.0.1", "::1" },
    };
    for (size_t i = 0; i < sizeof named / sizeof *named; i++)
        if (strcmp(name, named[i].name) == 0)
            return wh_addr_parse(rig->variant->family == 4 ? named[i].v4 : named[i].v6, addr) >= 0;
    return false;
}

const struct icmp_name *icmp_by_name(const char *name)
{
    static const struct icmp_name names[] = {
        { "net-unreachable", 3, 0, 1, 0 },
        { "host-unreachable", 3, 1, 1, 3 },
        { "protocol-unreachable", 3, 2, 4, 1 },
        { "port-unreachable", 3, 3, 1, 4 },
        { "too-big", 3, 4, 2, 0 },
        { "source-route-failed", 3, 5, 1, 0 },
        { "prohibited", 3, 13, 1, 1 },
        { "source-quench", 4, 0, -1, -1 },
        { "time-exceeded", 11, 0, 3, 0 },
        { "reassembly-time-exceeded", 11, 1, 3, 1 },
        { "parameter-problem", 12, 0, 4, 0 },
        { "unrecognized-option", -1, -1, 4, 2 },
        { "echo", 8, 0, 128, 0 },
        { "echo-reply", 0, 0, 129, 0 },
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(name, names[i].name) == 0)
            return &names[i];
    return NULL;
}

uint32_t packet_sum(const uint8_t *bytes, size_t length, uint32_t sum)
{
    for (size_t i = 0; i + 1 < length; i += 2) {
        sum += get16(bytes + i);
        sum = (sum & 0xffff) + (sum >> 16);
    }
    if (length & 1)
        sum += (uint32_t)bytes[length - 1] << 8;
    return (sum & 0xffff) + (sum >> 16);
}

uint16_t packet_fold(uint32_t sum)
{
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)sum;
}

uint32_t packet_pseudo(const wh_addr *source, const wh_addr *destination, uint8_t protocol,
                       uint32_t length)
{
    size_t skip = wh_is_ipv4(source) ? 12 : 0;
    uint32_t sum = packet_sum(source->bytes + skip, 16 - skip, 0);
    sum = packet_sum(destination->bytes + skip, 16 - skip, sum);
    return sum + protocol + (length >> 16) + (length & 0xffff);
}

/* Writes the options of a segment; returns their length, a multiple of 4. */
static size_t build_options(uint8_t *at, const struct spec *spec,
                            const struct segment_options *options)
{
    size_t n = 0;
    if (!spec->raw_only) {
        if (options->has & WH_HAS_MSS) {
            at[n] = 2, at[n + 1] = 4, put16(at + n + 2, options->mss);
            n += 4;
        }
        if (options->has & WH_HAS_WINDOW_SCALE) {
            at[n] = 1, at[n + 1] = 3, at[n + 2] = 3, at[n + 3] = options->window_scale;
            n += 4;
        }
        if (options->has & WH_HAS_SACK_PERMITTED) {
            at[n] = 1, at[n + 1] = 1, at[n + 2] = 4, at[n + 3] = 2;
            n += 4;
        }
        if (options->has & WH_HAS_TIMESTAMPS) {
            at[n] = 1, at[n + 1] = 1, at[n + 2] = 8, at[n + 3] = 10;
            put32(at + n + 4, options->tsval);
            put32(at + n + 8, options->tsecr);
            n += 12;
        }
        if (options->has & WH_HAS_FAST_OPEN) {
            at[n] = 34, at[n + 1] = (uint8_t)(2 + options->fast_open_length);
            memcpy(at + n + 2, options->fast_open, options->fast_open_length);
            n += at[n + 1];
            while (n % 4 != 0)
                at[n++] = 1;
        }
        if (options->has & WH_HAS_ACCECN) {
            at[n] = options->accecn_order == 0 ? 172 : 174;
            at[n + 1] = (uint8_t)(2 + 3 * options->accecn_fields);
            n += 2;
            for (unsigned i = 0; i < options->accecn_fields; i++, n += 3) {
                at[n] = (uint8_t)(spec->accecn_counter[i] >> 16);
                put16(at + n + 1, spec->accecn_counter[i] & 0xffff);
            }
            while (n % 4 != 0)
                at[n++] = 1;
        }
        if (options->sacks != 0 && n + 4 + 8U * options->sacks <= 40) {
            at[n] = 1, at[n + 1] = 1, at[n + 2] = 5, at[n + 3] = (uint8_t)(2 + 8 * options->sacks);
            for (unsigned i = 0; i < options->sacks; i++) {
                put32(at + n + 4 + 8 * i, options->sack[i].left);
                put32(at + n + 8 + 8 * i, options->sack[i].right);
            }
            n += 4 + 8U * options->sacks;
        }
    }
    for (int i = 0; i < spec->raw_length && n < 40; i++)
        at[n++] = spec->raw[i];
    while (n % 4 != 0)
        at[n++] = 0;
    return n;
}

/* What an arriving segment is, with everything natural filled in. */
static void fill_segment(struct wh_rig *rig, const struct spec *spec, struct segment *segment)
{
    struct flow *flow = rig->at;
    const struct numbers *is = &flow->is;
    bool syn = (spec->flags & WH_SYN) != 0;
    memset(segment, 0, sizeof *segment);
    segment->flags = spec->flags;
    segment->seq = spec->has_seq ? spec->seq : syn ? is->peer_iss : is->peer_nxt;
    if (spec->has_ack)
        segment->ack = spec->ack;
    else if (spec->flags & WH_ACK)
        segment->ack = is->snd_nxt;
    segment->window = flow->peer_window;
    bool scaled = !syn && is->peer_scales && is->host_scales;
    if (spec->win.compare != COMPARE_NONE)
        segment->window = (uint16_t)spec->win.value;
    else if (spec->window.compare != COMPARE_NONE)
        segment->window = (uint16_t)(spec->window.value >> (scaled ? is->peer_scale : 0));
    segment->urgent = (uint16_t)spec->urgent_value;
    segment->length = (uint32_t)spec->length;
    struct segment_options *options = &segment->options;
    options->has = (uint8_t)((spec->mss >= SAID_PRESENT ? WH_HAS_MSS : 0) |
                             (spec->wscale >= SAID_PRESENT ? WH_HAS_WINDOW_SCALE : 0) |
                             (spec->sackok >= SAID_PRESENT ? WH_HAS_SACK_PERMITTED : 0) |
                             (spec->sack >= SAID_PRESENT ? WH_HAS_SACK : 0) |
                             (spec->fast_open >= SAID_PRESENT ? WH_HAS_FAST_OPEN : 0) |
                             (spec->accecn >= SAID_PRESENT ? WH_HAS_ACCECN : 0));
    options->accecn_order = (uint8_t)spec->accecn_order;
    options->accecn_fields = (uint8_t)spec->accecn_fields;
    for (unsigned i = 0; i < spec->accecn_fields; i++)
        options->accecn[accecn_field_at(spec->accecn_order, i)] = spec->accecn_counter[i];
    options->fast_open = spec->cookie;
    options->fast_open_length = (uint8_t)spec->cookie_length;
    options->mss = (uint16_t)spec->mss_value;
    options->window_scale = (uint8_t)spec->wscale_value;
    if (spec->stamps >= SAID_PRESENT || (spec->stamps == SAID_NOTHING && flow_stamps(flow) && !syn))
        options->has |= WH_HAS_TIMESTAMPS;
    options->tsval = spec->stamps == SAID_VALUE
                         ? spec->tsval
                         : flow->peer_stamp + (uint32_t)((rig->now - rig->start) / WH_MILLISECOND);
    options->tsecr = spec->has_tsecr ? spec->tsecr : spec->flags & WH_ACK ? is->host_tsval : 0;
    options->sacks = (uint8_t)spec->sacks;
    memcpy(options->sack, spec->sack_block, sizeof options->sack);
}

/* Header, options and data to at[]; returns the length. */
static size_t build_segment(struct wh_rig *rig, const struct spec *spec,
                            const struct segment *segment, const struct packet *packet, uint8_t *at)
{
    struct flow *flow = rig->at;
    size_t options = build_options(at + 20, spec, &segment->options), header = 20 + options;
    put16(at, spec->from_port >= 0 ? (uint32_t)spec->from_port : flow->theirs.port);
    put16(at + 2, spec->to_port >= 0 ? (uint32_t)spec->to_port : flow->ours.port);
    put32(at + 4, segment->seq);
    put32(at + 8, segment->ack);
    unsigned offset = spec->offset >= 0 ? (unsigned)spec->offset : (unsigned)(header / 4);
    unsigned reserved = spec->reserved >= 0 ? (unsigned)spec->reserved << 1 : 0;
    put16(at + 12, offset << 12 | reserved << 8 | segment->flags);
    put16(at + 14, segment->window);
    put16(at + 16, 0);
    put16(at + 18, segment->urgent);
    uint32_t first = segment->seq + ((segment->flags & WH_SYN) != 0);
    uint64_t position = (uint64_t)(int64_t)(int32_t)(first - flow->is.peer_iss - 1);
    stream_fill(&flow->received, position, at + header, segment->length);
    size_t length = header + segment->length;
    uint32_t sum = packet_pseudo(&packet->source, &packet->destination, IP_TCP, (uint32_t)length);
    if (spec->partial)
        put16(at + 16, packet_fold(sum));
    else
        put16(at + 16, (uint16_t)~packet_fold(packet_sum(at, length, sum)));
    if (spec->bad_checksum)
        at[16] ^= 0x55;
    return length;
}

/* Lengthens an IPv4 header by the options that the line asks for; returns their length. */
static size_t add_ip_options(uint8_t *header, const struct spec *spec)
{
    size_t more = spec->ip_options_length;
    if (more == 0)
        return 0;
    memcpy(header + 20, spec->ip_options, more);
    header[0] = (uint8_t)(header[0] + more / 4);
    put16(header + 2, get16(header + 2) + (uint32_t)more);
    put16(header + 10, 0);
    put16(header + 10, (uint16_t)~packet_fold(packet_sum(header, 20 + more, 0)));
    return more;
}

/* The IP header in front of length bytes at at + IP_ROOM, and off it goes. */
static bool send_packet(struct wh_rig *rig, const struct spec *spec, struct packet *packet,
                        uint8_t *at, size_t length)
{
    uint8_t header[IP_ROOM];
    packet->length = (uint32_t)length;
    packet->hops = spec->hops >= 0 ? (uint8_t)spec->hops : 64;
    packet->traffic_class = spec->tos >= 0 ? (uint8_t)spec->tos : 0;
    size_t n = ip_build(header, packet, (uint16_t)rig->frames_in);
    if (spec->ip_options_length > 0 && n != 20)
        return rig_fail(rig, "IPv6 has no such options; say `family 4`");
    n += add_ip_options(header, spec);
    if (spec->bad_ip_checksum && n == 20)
        header[10] ^= 0x55;
    uint8_t *frame = at + IP_ROOM - n;
    memcpy(frame, header, n);
    length += n;
    if (spec->cut >= 0 && (size_t)spec->cut < length)
        length -= (size_t)spec->cut;
    return host_arrives(rig, frame, length, spec->segment_size, spec->partial);
}

static bool tcp_arrives(struct wh_rig *rig, const struct spec *spec, struct packet *packet,
                        uint8_t *at)
{
    struct segment segment;
    char text[150];
    struct flow *flow = rig->at;
    struct spec whole = *spec;
    whole.partial = spec->partial ||
                    spec->segment_size != 0; /* who puts segments together leaves the sum to us */
    spec = &whole;
    fill_segment(rig, spec, &segment);
    uint32_t first = segment.seq + ((segment.flags & WH_SYN) != 0);
    if (spec->text != NULL &&
        !stream_lay(&flow->received, (uint64_t)(int64_t)(int32_t)(first - flow->is.peer_iss - 1),
                    spec->text, segment.length))
        return rig_fail(rig, "too many texts");
    size_t length = build_segment(rig, spec, &segment, packet, at + IP_ROOM);
    segment_text(flow, &segment, true, text, sizeof text);
    note_add(rig, '<', rig->now, "%s%s", text, spec->bad_checksum ? " badsum" : "");
    bool sound = !spec->bad_checksum && spec->cut < 0 && spec->offset < 0 && !spec->has_from &&
                 !spec->has_to && spec->from_port < 0 && spec->to_port < 0 &&
                 !spec->bad_ip_checksum;
    if (sound)
        flow_arrived(flow, &segment);
    return send_packet(rig, spec, packet, at, length);
}

/* The quoted packet is the last that left on this flow. */
static bool icmp_arrives(struct wh_rig *rig, const struct spec *spec, struct packet *packet,
                         uint8_t *at)
{
    const struct icmp_name *name = icmp_by_name(spec->message);
    struct flow *flow = rig->at;
    uint8_t *message = at + IP_ROOM;
    bool v4 = rig->variant->family == 4;
    if ((v4 ? name->type4 : name->type6) < 0)
        return rig_fail(rig, "there is no `%s` in ICMPv%d; say `family %d`", spec->message,
                        v4 ? 4 : 6, v4 ? 6 : 4);
    memset(message, 0, 8);
    message[0] = (uint8_t)(v4 ? name->type4 : name->type6);
    message[1] = (uint8_t)(v4 ? name->code4 : name->code6);
    size_t length = 8;
    if (strncmp(spec->message, "echo", 4) == 0) {
        put16(message + 4, spec->id);
        put16(message + 6, spec->sequence);
        stream_fill(&flow->received, 0, message + 8, (size_t)spec->length);
        length += (size_t)spec->length;
    } else {
        size_t header = v4 ? 20 : 40;
        if (flow->last_length < header + 8)
            return rig_fail(rig, "nothing has left on this flow that could be quoted");
        put32(message + 4, spec->mtu);
        memcpy(message + 8, flow->last, flow->last_length);
        if (spec->has_quote_seq)
            put32(message + 8 + header + 4, spec->quote_seq);
        length += v4 ? header + 8 : flow->last_length;
    }
    uint32_t sum =
        v4 ? 0 : packet_pseudo(&packet->source, &packet->destination, IP_ICMPV6, (uint32_t)length);
    put16(message + 2, (uint16_t)~packet_fold(packet_sum(message, length, sum)));
    if (spec->bad_checksum)
        message[2] ^= 0x55;
    packet->protocol = v4 ? IP_ICMP : IP_ICMPV6;
    note_add(rig, '<', rig->now, "icmp %s", spec->message);
    return send_packet(rig, spec, packet, at, length);
}

static bool udp_arrives(struct wh_rig *rig, const struct spec *spec, struct packet *packet,
                        uint8_t *at)
{
    struct flow *flow = rig->at;
    uint8_t *header = at + IP_ROOM;
    size_t length = 8 + (size_t)spec->length;
    put16(header, spec->from_port >= 0 ? (uint32_t)spec->from_port : flow->theirs.port);
    put16(header + 2, spec->to_port >= 0 ? (uint32_t)spec->to_port : flow->ours.port);
    put16(header + 4, (uint32_t)length);
    put16(header + 6, 0);
    if (spec->text != NULL)
        memcpy(header + 8, spec->text, (size_t)spec->length);
    else
        stream_fill(&flow->received, 0, header + 8, (size_t)spec->length);
    uint32_t sum = packet_pseudo(&packet->source, &packet->destination, IP_UDP, (uint32_t)length);
    uint16_t checksum = (uint16_t)~packet_fold(packet_sum(header, length, sum));
    put16(header + 6, checksum == 0 ? 0xffff : checksum);
    if (spec->bad_checksum)
        header[6] ^= 0x55;
    packet->protocol = IP_UDP;
    note_add(rig, '<', rig->now, "udp len %zu", (size_t)spec->length);
    return send_packet(rig, spec, packet, at, length);
}

static bool hex_arrives(struct wh_rig *rig, const struct spec *spec, uint8_t *at)
{
    int length = value_hex(spec->hex, at, RIG_FRAME_MAX);
    if (length < 0)
        return rig_fail(rig, "`%s` are not bytes in hexadecimal", spec->hex);
    note_add(rig, '<', rig->now, "hex %.120s", spec->hex);
    return host_arrives(rig, at, (size_t)length, 0, false);
}

bool packet_arrives(struct wh_rig *rig, struct spec *spec)
{
    struct packet packet = { .source = spec->has_from ? spec->from : rig->at->theirs.addr,
                             .destination = spec->has_to ? spec->to : rig->at->ours.addr,
                             .protocol = IP_TCP };
    packet.version = wh_is_ipv4(&packet.source) ? 4 : 6;
    if (spec->length > 65400)
        return rig_fail(rig, "a frame carries 65400 bytes at most");
    uint8_t *at = malloc(RIG_FRAME_MAX + IP_ROOM + 64);
    if (at == NULL)
        abort();
    bool good = false;
    switch (spec->kind) {
    case SPEC_TCP: good = tcp_arrives(rig, spec, &packet, at); break;
    case SPEC_ICMP: good = icmp_arrives(rig, spec, &packet, at); break;
    case SPEC_UDP: good = udp_arrives(rig, spec, &packet, at); break;
    case SPEC_HEX: good = hex_arrives(rig, spec, at); break;
    }
    free(at);
    return good;
}
