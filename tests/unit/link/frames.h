/* SPDX-License-Identifier: MIT */
/* Frames for the tests of this folder: made from a few words, and looked into again. */
#ifndef WAVEHAND_TESTS_LINK_FRAMES_H
#define WAVEHAND_TESTS_LINK_FRAMES_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <wavehand/link.h>

#include "base/bytes.h"
#include "base/checksum.h"
#include "link/sight.h"
#include "wire/ethernet.h"
#include "wire/segment.h"
#include "wire/udp.h"

enum { CLIENT_PORT = 40000, SERVER_PORT = 80 };

/* A TCP segment between the client (10.0.2.100 or fd00::100) and the server (10.0.2.2 or fd00::2). */
struct shape {
    wh_direction direction;
    bool six, ethernet, partial;
    uint16_t client_port, server_port; /* 0: as above */
    uint32_t seq, ack;
    uint16_t flags, window, urgent;
    uint32_t data; /* bytes; they count up from `first` */
    uint32_t first;
    uint16_t segment_size;
    bool timestamps;
};

/* A frame in memory of its own. */
struct made {
    uint8_t *bytes;
    wh_frame frame;
};

static inline wh_addr client_addr(bool six)
{
    wh_addr addr;
    wh_addr_parse(six ? "fd00::100" : "10.0.2.100", &addr);
    return addr;
}

static inline wh_addr server_addr(bool six)
{
    wh_addr addr;
    wh_addr_parse(six ? "fd00::2" : "10.0.2.2", &addr);
    return addr;
}

/* The byte of a stream at this place: no two neighbouring places, and no period near a power of two. */
static inline uint8_t stream_byte(uint32_t at) { return (uint8_t)(at * 7 + at / 251); }

static inline void store_checksum(uint8_t *field, uint64_t sum)
{
    uint16_t check = (uint16_t)~checksum_fold(sum);
    memcpy(field, &check, sizeof check);
}

static inline struct made make(const struct shape *shape)
{
    bool forth = shape->direction == WH_A_TO_B;
    uint16_t client = shape->client_port ? shape->client_port : CLIENT_PORT;
    uint16_t server = shape->server_port ? shape->server_port : SERVER_PORT;
    wh_addr from = forth ? client_addr(shape->six) : server_addr(shape->six);
    wh_addr to = forth ? server_addr(shape->six) : client_addr(shape->six);
    struct segment segment = {
        .tuple = { from, to, forth ? client : server, forth ? server : client },
        .seq = shape->seq,
        .ack = shape->ack,
        .flags = shape->flags,
        .window = shape->window ? shape->window : 1000,
        .urgent = shape->urgent,
    };
    if (shape->timestamps)
        segment.options =
            (struct segment_options){ .has = WH_HAS_TIMESTAMPS, .tsval = 5, .tsecr = 6 };
    uint8_t tcp[SEGMENT_HEADER_MAX], ip[IP_HEADER_MAX];
    size_t tcp_length = segment_build(tcp, &segment);
    struct packet packet = { .source = from,
                             .destination = to,
                             .protocol = IP_TCP,
                             .hops = 64,
                             .length = (uint32_t)tcp_length + shape->data };
    size_t ip_length = ip_build(ip, &packet, 0xfffe);
    size_t link = shape->ethernet ? 14 : 0, headers = link + ip_length + tcp_length;
    struct made made = { .bytes = malloc(headers + shape->data) };
    if (shape->ethernet) {
        struct ethernet ethernet = { .type = shape->six ? ETHERTYPE_IPV6 : ETHERTYPE_IPV4 };
        ethernet.source.bytes[5] = forth ? 1 : 2;
        ethernet.destination.bytes[5] = forth ? 2 : 1;
        ethernet_build(made.bytes, &ethernet);
    }
    memcpy(made.bytes + link, ip, ip_length);
    memcpy(made.bytes + link + ip_length, tcp, tcp_length);
    for (uint32_t i = 0; i < shape->data; i++)
        made.bytes[headers + i] = stream_byte(shape->first + i);
    uint64_t pseudo = ip_pseudo_sum(&from, &to, IP_TCP, packet.length);
    uint8_t *transport = made.bytes + link + ip_length;
    if (!shape->partial)
        store_checksum(transport + 16, checksum_add_portable(transport, packet.length, pseudo));
    made.frame = (wh_frame){
        .slice = { { made.bytes, headers + shape->data } },
        .slices = 1,
        .length = (uint32_t)headers + shape->data,
        .flags = shape->partial ? WH_FRAME_CHECKSUM_PARTIAL : 0,
        .segment_size = shape->segment_size,
        .headers = (uint16_t)headers,
        .checksum_start = (uint16_t)(link + ip_length),
        .checksum_offset = 16,
        .transport = (uint16_t)(link + ip_length),
        .serial = 77,
    };
    return made;
}

/* True if the frame is TCP, UDP or ICMP with every checksum right. */
static inline bool checksums_right(const struct sight *sight)
{
    if (!sight->ip)
        return false;
    uint8_t protocol = sight->packet.protocol;
    uint64_t sum = protocol == IP_ICMP
                       ? 0
                       : ip_pseudo_sum(&sight->packet.source, &sight->packet.destination, protocol,
                                       sight->packet.length);
    return checksum_fold(checksum_add_portable(sight->packet.payload, sight->packet.length, sum)) ==
           0xffff;
}

/* Looks into a frame that lies in one slice. */
static inline struct sight look(const wh_frame *frame, wh_link_kind link)
{
    struct sight sight;
    sight_take(&sight, link, (uint8_t *)(uintptr_t)frame->slice[0].base, frame->length);
    return sight;
}

#endif
