/* SPDX-License-Identifier: MIT */
#include "link/sight.h"

#include "base/bytes.h"
#include "wire/ethernet.h"
#include "wire/segment.h"

/* The IP packet inside the frame, if it is one. */
static bool see_packet(struct sight *sight, wh_link_kind link)
{
    if (link == WH_LINK_ETHERNET) {
        struct ethernet ethernet;
        if (ethernet_parse(&ethernet, sight->frame, sight->length) != WH_WHY_NONE)
            return false;
        if (ethernet.type != ETHERTYPE_IPV4 && ethernet.type != ETHERTYPE_IPV6)
            return false;
    }
    sight->link_header = link_header_length(link);
    return ip_parse(&sight->packet, sight->frame + sight->link_header,
                    sight->length - sight->link_header) == WH_WHY_NONE;
}

void sight_take(struct sight *sight, wh_link_kind link, uint8_t *frame, size_t length)
{
    *sight = (struct sight){ .frame = frame, .length = length };
    sight->ip = see_packet(sight, link);
    if (!sight->ip)
        return;
    const struct packet *packet = &sight->packet;
    sight->transport = sight->link_header + packet->header;
    if ((packet->protocol == IP_TCP || packet->protocol == IP_UDP) && packet->length >= 4) {
        sight->ports = true;
        sight->source_port = get16(packet->payload);
        sight->destination_port = get16(packet->payload + 2);
    }
    struct segment segment;
    if (packet->protocol != IP_TCP ||
        segment_parse(&segment, packet->payload, packet->length) != WH_WHY_NONE)
        return;
    sight->tcp = true;
    sight->seq = segment.seq;
    sight->ack = segment.ack;
    sight->flags = segment.flags;
    sight->data = segment.length;
}
