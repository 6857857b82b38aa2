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

size_t udp_build(uint8_t *at, size_t room, const wh_addr *source, uint16_t source_port,
                 const wh_addr *destination, uint16_t destination_port, uint8_t hops,
                 uint8_t traffic_class, uint16_t id, const void *data, size_t length,
                 const struct checksum *sum)
{
    size_t header = ip_header_length(source);
    size_t most = UINT16_MAX - UDP_HEADER - (wh_is_ipv4(source) ? header : 0);
    if (length > most || room < header + UDP_HEADER + length)
        return 0;
    struct packet packet = {
        .source = *source,
        .destination = *destination,
        .protocol = IP_UDP,
        .hops = hops,
        .traffic_class = traffic_class,
        .length = (uint32_t)(UDP_HEADER + length),
    };
    uint8_t *udp = at + ip_build(at, &packet, id);
    put16(udp, source_port);
    put16(udp + 2, destination_port);
    put16(udp + 4, packet.length);
    put16(udp + 6, 0);
    uint64_t partial = ip_pseudo_sum(source, destination, IP_UDP, packet.length);
    partial = sum->add(udp, UDP_HEADER, partial);
    if (length > 0)
        partial = sum->copy(udp + UDP_HEADER, data, length, partial);
    uint16_t field = (uint16_t)~checksum_fold(partial);
    if (field == 0) /* zero would say "no checksum" (RFC 768) */
        field = 0xffff;
    memcpy(udp + 6, &field, sizeof(field));
    return header + packet.length;
}
