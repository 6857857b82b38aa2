/* SPDX-License-Identifier: MIT */
#include "wire.h"

#include <stdio.h>
#include <string.h>

void wire_flatten(struct frame *flat, const wh_frame *frame)
{
    flat->length = 0;
    for (uint32_t i = 0; i < frame->slices; i++) {
        size_t length = frame->slice[i].length;
        if (length > sizeof flat->bytes - flat->length)
            length = sizeof flat->bytes - flat->length;
        memcpy(flat->bytes + flat->length, frame->slice[i].base, length);
        flat->length += length;
    }
}

wh_frame wire_frame(const struct frame *flat)
{
    return (wh_frame){ .slice = { { flat->bytes, flat->length } },
                       .slices = 1,
                       .length = (uint32_t)flat->length };
}

bool wire_take(struct segment *segment, const uint8_t *bytes, size_t length)
{
    struct packet packet;
    memset(segment, 0, sizeof *segment);
    if (ip_parse(&packet, bytes, length) != WH_WHY_NONE || packet.protocol != IP_TCP ||
        segment_parse(segment, packet.payload, packet.length) != WH_WHY_NONE)
        return false;
    /* The parser reads as the receiver does: source is remote. */
    uint16_t source = segment->tuple.remote_port;
    segment->tuple.remote_port = segment->tuple.local_port;
    segment->tuple.local_port = source;
    segment->tuple.local = packet.source;
    segment->tuple.remote = packet.destination;
    return true;
}

char *wire_flags(uint16_t flags, char *text)
{
    static const struct {
        uint16_t flag;
        const char *name;
    } names[] = { { WH_SYN, "SYN" }, { WH_FIN, "FIN" }, { WH_RST, "RST" }, { WH_ACK, "ACK" },
                  { WH_URG, "URG" }, { WH_ECE, "ECE" }, { WH_CWR, "CWR" }, { WH_AE, "AE" } };
    char *at = text;
    *at = 0;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (flags & names[i].flag)
            at += sprintf(at, "%s%s", at == text ? "" : ",", names[i].name);
    if (at == text)
        memcpy(text, "none", sizeof "none");
    return text;
}
