/* SPDX-License-Identifier: MIT */
/*
 * ICMP (RFC 792), ICMPv6 (RFC 4443) and neighbour discovery (RFC 4861).
 *
 * Both versions' messages get one name for what they mean; two small tables hold
 * what type and code that is. An error's quoted packet is read as far as it was
 * sent: without ports `quoted` stays false, without a sequence number `has_seq`
 * does, and it is the caller who finds that such an error concerns nobody.
 */
#include "wire/icmp.h"

#include "base/bytes.h"

enum {
    V4_ECHO_REPLY = 0,
    V4_UNREACHABLE = 3,
    V4_SOURCE_QUENCH = 4,
    V4_ECHO_REQUEST = 8,
    V4_TIME_EXCEEDED = 11,
    V4_PARAMETER_PROBLEM = 12,
};

enum {
    V6_UNREACHABLE = 1,
    V6_TOO_BIG = 2,
    V6_TIME_EXCEEDED = 3,
    V6_PARAMETER_PROBLEM = 4,
    V6_ECHO_REQUEST = 128,
    V6_ECHO_REPLY = 129,
    V6_NEIGHBOUR_SOLICITATION = 135,
    V6_NEIGHBOUR_ADVERTISEMENT = 136,
};

enum {
    ND_LENGTH = 24, /* up to the options */
    ND_OPTION = 8,
    ND_HOPS = 255,
    ND_SOURCE_STATION = 1,
    ND_TARGET_STATION = 2,
    ND_SOLICITED = 0x40,
    ND_OVERRIDE = 0x20,
};

enum {
    DEFAULT_HOPS = 64,
    ERROR_MAX_V4 = 576,  /* RFC 1812 4.3.2.3 */
    ERROR_MAX_V6 = 1280, /* RFC 4443 2.4 (c) */
};

/* Destination unreachable by code: RFC 792, RFC 1122 3.2.2.1, RFC 1812 5.2.7.1. */
static enum icmp_kind unreachable_v4(uint8_t code)
{
    switch (code) {
    case 0: return ICMP_NET_UNREACHABLE;
    case 1: return ICMP_HOST_UNREACHABLE;
    case 2: return ICMP_PROTOCOL_UNREACHABLE;
    case 3: return ICMP_PORT_UNREACHABLE;
    case 4: return ICMP_TOO_BIG;
    case 5: return ICMP_SOURCE_ROUTE_FAILED;
    case 9:
    case 10:
    case 13: return ICMP_PROHIBITED;
    default: return ICMP_UNREACHABLE_OTHER;
    }
}

/* RFC 4443 3.1; codes 5 and 6 are kinds of code 1. */
static enum icmp_kind unreachable_v6(uint8_t code)
{
    switch (code) {
    case 0: return ICMP_NET_UNREACHABLE;
    case 1:
    case 5:
    case 6: return ICMP_PROHIBITED;
    case 3: return ICMP_HOST_UNREACHABLE;
    case 4: return ICMP_PORT_UNREACHABLE;
    default: return ICMP_UNREACHABLE_OTHER;
    }
}

static enum icmp_kind kind_v4(uint8_t type, uint8_t code)
{
    switch (type) {
    case V4_ECHO_REPLY: return ICMP_ECHO_REPLY;
    case V4_UNREACHABLE: return unreachable_v4(code);
    case V4_SOURCE_QUENCH: return ICMP_SOURCE_QUENCH;
    case V4_ECHO_REQUEST: return ICMP_ECHO_REQUEST;
    case V4_TIME_EXCEEDED: return ICMP_TIME_EXCEEDED;
    case V4_PARAMETER_PROBLEM: return ICMP_PARAMETER_PROBLEM;
    default: return ICMP_OTHER;
    }
}

static enum icmp_kind kind_v6(uint8_t type, uint8_t code)
{
    switch (type) {
    case V6_UNREACHABLE: return unreachable_v6(code);
    case V6_TOO_BIG: /* the code is ignored (RFC 4443 3.2) */ return ICMP_TOO_BIG;
    case V6_TIME_EXCEEDED: return ICMP_TIME_EXCEEDED;
    case V6_PARAMETER_PROBLEM:
        return code == 1 ? ICMP_PROTOCOL_UNREACHABLE : ICMP_PARAMETER_PROBLEM;
    case V6_ECHO_REQUEST: return ICMP_ECHO_REQUEST;
    case V6_ECHO_REPLY: return ICMP_ECHO_REPLY;
    case V6_NEIGHBOUR_SOLICITATION: return ICMP_NEIGHBOUR_SOLICITATION;
    case V6_NEIGHBOUR_ADVERTISEMENT: return ICMP_NEIGHBOUR_ADVERTISEMENT;
    default: return ICMP_OTHER;
    }
}

/* The packet that an error is about, as far as it is there. */
static void parse_quoted(struct icmp *icmp, uint8_t version)
{
    struct packet *about = &icmp->packet;
    if (ip_parse_quoted(about, icmp->body, icmp->length) != WH_WHY_NONE ||
        about->version != version)
        return;
    if (about->protocol == IP_TCP || about->protocol == IP_UDP) {
        if (about->length < 4)
            return;
        icmp->source_port = get16(about->payload);
        icmp->destination_port = get16(about->payload + 2);
    }
    icmp->quoted = true;
    if (about->protocol == IP_TCP && about->length >= 8) {
        icmp->seq = get32(about->payload + 4);
        icmp->has_seq = true;
    }
}

/* Options from bytes[ND_LENGTH] on; takes the station from the one of kind `wanted`. */
static wh_reason parse_nd_options(struct icmp *icmp, const uint8_t *bytes, size_t length,
                                  uint8_t wanted)
{
    size_t at = ND_LENGTH;
    while (at < length) {
        if (length - at < 2)
            return WH_WHY_ND_MALFORMED;
        size_t option = 8U * bytes[at + 1];
        if (option == 0 || option > length - at)
            return WH_WHY_ND_MALFORMED;
        if (bytes[at] == wanted && option == ND_OPTION) {
            memcpy(icmp->station.bytes, bytes + at + 2, sizeof(icmp->station.bytes));
            icmp->has_station = true;
        }
        at += option;
    }
    return WH_WHY_NONE;
}

static bool is_solicited_node_group(const wh_addr *addr)
{
    static const uint8_t prefix[13] = { 0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff };
    return memcmp(addr->bytes, prefix, sizeof(prefix)) == 0;
}

/* RFC 4861 7.1.1 and 7.1.2. */
static wh_reason parse_nd(struct icmp *icmp, const struct packet *packet)
{
    static const wh_addr unspecified;
    const uint8_t *bytes = packet->payload;
    if (packet->hops != ND_HOPS || icmp->code != 0 || packet->length < ND_LENGTH)
        return WH_WHY_ND_MALFORMED;
    memcpy(icmp->target.bytes, bytes + 8, sizeof(icmp->target.bytes));
    if (ip_is_group(&icmp->target) || wh_is_ipv4(&icmp->target))
        return WH_WHY_ND_MALFORMED;
    bool advertisement = icmp->kind == ICMP_NEIGHBOUR_ADVERTISEMENT;
    wh_reason reason = parse_nd_options(icmp, bytes, packet->length,
                                        advertisement ? ND_TARGET_STATION : ND_SOURCE_STATION);
    if (reason != WH_WHY_NONE)
        return reason;
    if (advertisement) {
        icmp->solicited = (bytes[4] & ND_SOLICITED) != 0;
        icmp->override = (bytes[4] & ND_OVERRIDE) != 0;
        if (icmp->solicited && ip_is_group(&packet->destination))
            return WH_WHY_ND_MALFORMED;
    } else if (wh_addr_equal(&packet->source, &unspecified)) {
        /* somebody asks whether it may take this address (RFC 4862 5.4.2) */
        if (icmp->has_station || !is_solicited_node_group(&packet->destination))
            return WH_WHY_ND_MALFORMED;
    }
    return WH_WHY_NONE;
}

static bool checksum_right(const struct packet *packet, const struct checksum *sum)
{
    uint64_t start = packet->version == 6 ? ip_pseudo_sum(&packet->source, &packet->destination,
                                                          IP_ICMPV6, packet->length)
                                          : 0;
    return checksum_fold(sum->add(packet->payload, packet->length, start)) == 0xffff;
}

wh_reason icmp_parse(struct icmp *icmp, const struct packet *packet, const struct checksum *sum,
                     bool checksum_known)
{
    const uint8_t *bytes = packet->payload;
    memset(icmp, 0, sizeof(*icmp));
    if (packet->length < ICMP_HEADER)
        return WH_WHY_ICMP_MALFORMED;
    if (!checksum_known && !checksum_right(packet, sum))
        return WH_WHY_ICMP_CHECKSUM;
    icmp->type = bytes[0];
    icmp->code = bytes[1];
    icmp->kind =
        packet->version == 6 ? kind_v6(icmp->type, icmp->code) : kind_v4(icmp->type, icmp->code);
    icmp->body = bytes + ICMP_HEADER;
    icmp->length = packet->length - ICMP_HEADER;
    switch (icmp->kind) {
    case ICMP_OTHER: break;
    case ICMP_ECHO_REQUEST:
    case ICMP_ECHO_REPLY:
        icmp->id = get16(bytes + 4);
        icmp->sequence = get16(bytes + 6);
        break;
    case ICMP_NEIGHBOUR_SOLICITATION:
    case ICMP_NEIGHBOUR_ADVERTISEMENT: return parse_nd(icmp, packet);
    case ICMP_TOO_BIG: /* RFC 1191 4 has 16 bits for the MTU, RFC 4443 3.2 has 32 */
        icmp->mtu = packet->version == 6 ? get32(bytes + 4) : get16(bytes + 6);
        parse_quoted(icmp, packet->version);
        break;
    default: parse_quoted(icmp, packet->version); break;
    }
    return WH_WHY_NONE;
}

bool icmp_error_allowed(const struct packet *about)
{
    if (ip_source_invalid(&about->source) || ip_is_group(&about->destination))
        return false;
    if (about->protocol == IP_ICMPV6 && about->version == 6) /* errors lack the highest bit */
        return about->length > 0 && about->payload[0] >= 128;
    if (about->protocol != IP_ICMP || about->version != 4)
        return true;
    if (about->length == 0)
        return false;
    switch (kind_v4(about->payload[0], 0)) {
    case ICMP_ECHO_REQUEST:
    case ICMP_ECHO_REPLY: return true;
    default: return false;
    }
}

/* Room for an ICMP message of `length` bytes: writes the IP header, returns the message or NULL. */
static uint8_t *begin(uint8_t *at, size_t room, const wh_addr *source, const wh_addr *destination,
                      uint8_t hops, uint8_t traffic_class, size_t length)
{
    bool v4 = wh_is_ipv4(source);
    size_t header = ip_header_length(source);
    if (length > UINT16_MAX - (v4 ? header : 0) || room < header + length)
        return NULL;
    struct packet packet = {
        .source = *source,
        .destination = *destination,
        .protocol = v4 ? IP_ICMP : IP_ICMPV6,
        .hops = hops,
        .traffic_class = traffic_class,
        .length = (uint32_t)length,
    };
    return at + ip_build(at, &packet, 0);
}

/* Copies the body behind a message's header, whose checksum field is zero; sets the checksum. */
static void finish(uint8_t *message, size_t header, const void *body, size_t length,
                   const wh_addr *source, const wh_addr *destination, const struct checksum *sum)
{
    uint64_t partial = 0;
    if (!wh_is_ipv4(source))
        partial = ip_pseudo_sum(source, destination, IP_ICMPV6, (uint32_t)(header + length));
    partial = sum->add(message, header, partial);
    if (length > 0)
        partial = sum->copy(message + header, body, length, partial);
    uint16_t field = (uint16_t)~checksum_fold(partial);
    memcpy(message + 2, &field, sizeof(field));
}

static void write_header(uint8_t *message, uint8_t type, uint8_t code, uint32_t rest)
{
    put32(message, (uint32_t)type << 24 | (uint32_t)code << 16);
    put32(message + 4, rest);
}

size_t icmp_build_echo_reply(uint8_t *at, size_t room, const struct packet *request,
                             const struct icmp *icmp, const struct checksum *sum)
{
    const wh_addr *source = &request->destination, *destination = &request->source;
    size_t length = ICMP_HEADER + (size_t)icmp->length;
    uint8_t *message =
        begin(at, room, source, destination, DEFAULT_HOPS, request->traffic_class, length);
    if (message == NULL)
        return 0;
    write_header(message, wh_is_ipv4(source) ? V4_ECHO_REPLY : V6_ECHO_REPLY, 0,
                 (uint32_t)icmp->id << 16 | icmp->sequence);
    finish(message, ICMP_HEADER, icmp->body, icmp->length, source, destination, sum);
    return ip_header_length(source) + length;
}

struct code {
    uint8_t type, code;
    bool sent; /* this kind is sent in this version */
};

static struct code error_code(enum icmp_kind kind, bool v4)
{
    switch (kind) {
    case ICMP_NET_UNREACHABLE:
        return (struct code){ v4 ? V4_UNREACHABLE : V6_UNREACHABLE, 0, true };
    case ICMP_HOST_UNREACHABLE:
        return (struct code){ v4 ? V4_UNREACHABLE : V6_UNREACHABLE, v4 ? 1 : 3, true };
    case ICMP_PROTOCOL_UNREACHABLE:
        return (struct code){ v4 ? V4_UNREACHABLE : V6_PARAMETER_PROBLEM, v4 ? 2 : 1, true };
    case ICMP_PORT_UNREACHABLE:
        return (struct code){ v4 ? V4_UNREACHABLE : V6_UNREACHABLE, v4 ? 3 : 4, true };
    case ICMP_TOO_BIG: return (struct code){ v4 ? V4_UNREACHABLE : V6_TOO_BIG, v4 ? 4 : 0, true };
    case ICMP_PROHIBITED:
        return (struct code){ v4 ? V4_UNREACHABLE : V6_UNREACHABLE, v4 ? 13 : 1, true };
    case ICMP_TIME_EXCEEDED:
        return (struct code){ v4 ? V4_TIME_EXCEEDED : V6_TIME_EXCEEDED, 0, true };
    default: return (struct code){ 0, 0, false };
    }
}

/* The second word of an error: MTU, pointer, or nothing. */
static uint32_t error_rest(const struct icmp_error *error, bool v4)
{
    struct packet about;
    if (error->kind == ICMP_TOO_BIG)
        return v4 ? MIN(error->mtu, (uint32_t)UINT16_MAX) : error->mtu;
    if (error->kind == ICMP_PROTOCOL_UNREACHABLE && !v4 &&
        ip_parse_quoted(&about, error->quoted, error->quoted_length) == WH_WHY_NONE)
        return about.protocol_at;
    return 0;
}

size_t icmp_build_error(uint8_t *at, size_t room, const struct icmp_error *error,
                        const struct checksum *sum)
{
    const wh_addr *source = error->source, *destination = error->destination;
    bool v4 = wh_is_ipv4(source);
    struct code code = error_code(error->kind, v4);
    if (!code.sent)
        return 0;
    size_t header = ip_header_length(source);
    size_t most = (v4 ? ERROR_MAX_V4 : ERROR_MAX_V6) - header - ICMP_HEADER;
    size_t length = MIN(error->quoted_length, most);
    uint8_t *message = begin(at, room, source, destination, DEFAULT_HOPS, 0, ICMP_HEADER + length);
    if (message == NULL)
        return 0;
    write_header(message, code.type, code.code, error_rest(error, v4));
    finish(message, ICMP_HEADER, error->quoted, length, source, destination, sum);
    return header + ICMP_HEADER + length;
}

/* A neighbour discovery message to be built; without a station it has no option. */
struct discovery {
    const wh_addr *source, *destination, *target;
    const struct station *station;
    uint8_t type;
    uint8_t flags;
    uint8_t option; /* what the station is called */
};

static size_t build_nd(uint8_t *at, size_t room, const struct discovery *nd,
                       const struct checksum *sum)
{
    size_t length = ND_LENGTH + (nd->station != NULL ? (size_t)ND_OPTION : 0);
    uint8_t *message = begin(at, room, nd->source, nd->destination, ND_HOPS, 0, length);
    if (message == NULL)
        return 0;
    write_header(message, nd->type, 0, (uint32_t)nd->flags << 24);
    memcpy(message + 8, nd->target->bytes, sizeof(nd->target->bytes));
    if (nd->station != NULL) {
        message[ND_LENGTH] = nd->option;
        message[ND_LENGTH + 1] = 1; /* in units of 8 bytes */
        memcpy(message + ND_LENGTH + 2, nd->station->bytes, sizeof(nd->station->bytes));
    }
    finish(message, length, NULL, 0, nd->source, nd->destination, sum);
    return ip_header_length(nd->source) + length;
}

wh_addr nd_solicited_node_group(const wh_addr *addr)
{
    const uint8_t *b = addr->bytes;
    return (wh_addr){ { 0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff, b[13], b[14], b[15] } };
}

size_t nd_build_solicitation(uint8_t *at, size_t room, const wh_addr *source, const wh_addr *target,
                             const struct station *station, const struct checksum *sum)
{
    wh_addr group = nd_solicited_node_group(target);
    struct discovery nd = {
        .source = source,
        .destination = &group,
        .target = target,
        .station = station,
        .type = V6_NEIGHBOUR_SOLICITATION,
        .option = ND_SOURCE_STATION,
    };
    return build_nd(at, room, &nd, sum);
}

size_t nd_build_probe(uint8_t *at, size_t room, const wh_addr *source, const wh_addr *target,
                      const struct station *station, const struct checksum *sum)
{
    struct discovery nd = {
        .source = source,
        .destination = target,
        .target = target,
        .station = station,
        .type = V6_NEIGHBOUR_SOLICITATION,
        .option = ND_SOURCE_STATION,
    };
    return build_nd(at, room, &nd, sum);
}

size_t nd_build_advertisement(uint8_t *at, size_t room, const wh_addr *source,
                              const wh_addr *destination, const wh_addr *target,
                              const struct station *station, bool solicited,
                              const struct checksum *sum)
{
    struct discovery nd = {
        .source = source,
        .destination = destination,
        .target = target,
        .station = station,
        .type = V6_NEIGHBOUR_ADVERTISEMENT,
        .flags = solicited ? ND_OVERRIDE | ND_SOLICITED : ND_OVERRIDE,
        .option = ND_TARGET_STATION,
    };
    return build_nd(at, room, &nd, sum);
}
