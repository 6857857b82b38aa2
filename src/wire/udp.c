/* SPDX-License-Identifier: MIT */
/* UDP (RFC 768) over IPv4 and IPv6. */
#include "wire/udp.h"

#include "base/bytes.h"

wh_reason udp_parse(struct datagram *datagram, const struct packet *packet,
                    const struct checksum *sum, bool checksum_known)
{
    const uint8_t *bytes = packet->payload;
    if (packet->length < UDP_HEADER)
        return WH_WHY_UDP_MALFORMED;
    uint32_t length = get16(bytes + 4);
    if (length < UDP_HEADER || length > packet->length)
        return WH_WHY_UDP_MALFORMED;
    if (!checksum_known) {
        bool none = get16(bytes + 6) == 0;
        if (none && packet->version == 6) /* RFC 8200 8.1 */
            return WH_WHY_UDP_CHECKSUM;
        uint64_t pseudo = ip_pseudo_sum(&packet->source, &packet->destination, IP_UDP, length);
        if (!none && checksum_fold(sum->add(bytes, length, pseudo)) != 0xffff)
            return WH_WHY_UDP_CHECKSUM;
    }
    datagram->source_port = get16(bytes);
    datagram->destination_port = get16(bytes + 2);
    datagram->data = bytes + UDP_HEADER;
    datagram->length = length - UDP_HEADER;
    return WH_WHY_NONE;
}

size_t udp_build(uint8_t *at, size_t room, const struct packet *packet,
                 const struct datagram *datagram, uint16_t id, const struct checksum *sum)
{
    size_t header = ip_header_length(&packet->source);
    size_t most = UINT16_MAX - UDP_HEADER - (wh_is_ipv4(&packet->source) ? header : 0);
    if (datagram->length > most || room < header + UDP_HEADER + datagram->length)
        return 0;
    struct packet whole = {
        .source = packet->source,
        .destination = packet->destination,
        .protocol = IP_UDP,
        .hops = packet->hops,
        .traffic_class = packet->traffic_class,
        .length = UDP_HEADER + datagram->length,
    };
    uint8_t *udp = at + ip_build(at, &whole, id);
    put16(udp, datagram->source_port);
    put16(udp + 2, datagram->destination_port);
    put16(udp + 4, whole.length);
    put16(udp + 6, 0);
    uint64_t partial = ip_pseudo_sum(&whole.source, &whole.destination, IP_UDP, whole.length);
    partial = sum->add(udp, UDP_HEADER, partial);
    if (datagram->length > 0)
        partial = sum->copy(udp + UDP_HEADER, datagram->data, datagram->length, partial);
    uint16_t field = (uint16_t)~checksum_fold(partial);
    if (field == 0) /* zero would say "no checksum" (RFC 768) */
        field = 0xffff;
    memcpy(udp + 6, &field, sizeof(field));
    return header + whole.length;
}
