/* SPDX-License-Identifier: MIT */
/*
 * The other end of the link: remembers what the stack said on each connection,
 * so that made-up segments can reach the heart of a live one instead of bouncing
 * off its window.
 */
#ifndef WAVEHAND_FUZZ_PEER_H
#define WAVEHAND_FUZZ_PEER_H

#include <wavehand/wavehand.h>

#include "fuzz.h"
#include "wire/ethernet.h"
#include "wire/segment.h"

#define FLOWS 8
#define PACKET_MAX 2048

/* One connection from the peer's side: tuple.local is the peer. */
struct flow {
    bool used;
    struct tuple tuple;
    uint32_t snd_nxt; /* what the stack expects next, as far as it said */
    uint32_t rcv_nxt; /* past all that the stack sent */
    uint32_t tsval;   /* the stack's last */
    bool fast_open;   /* its SYN spoke of Fast Open */
};

struct peer {
    struct flow flow[FLOWS];
    unsigned next;                  /* slot that the next new connection takes */
    bool ethernet;                  /* frames have a link header */
    uint8_t cookie[FAST_OPEN_MOST]; /* the stack's last Fast Open cookie */
    uint8_t cookie_length;
    wh_addr asked; /* whose station the stack asked for last; all zero: nobody's */
};

/* The stack sent this frame: checks that it is well-formed and learns from it. */
void peer_receive(struct peer *peer, const wh_frame *frame, uint32_t mtu);
/* Writes an IP packet as the input asks: at[PACKET_MAX]; returns its length. */
size_t peer_raw(struct input *input, uint8_t *at);
size_t peer_segment(struct peer *peer, struct input *input, uint8_t *at);
size_t peer_syn(struct peer *peer, struct input *input, uint8_t *at);
size_t peer_datagram(struct input *input, uint8_t *at);
size_t peer_icmp_error(struct peer *peer, struct input *input, uint8_t *at);
/* What the last question for a station is answered with, or something like it; *type is ARP or IPv6. */
size_t peer_answer(const struct peer *peer, struct input *input, uint8_t *at, uint16_t *type);

/* The addresses that both ends use; the stack's end in 2. */
wh_addr fuzz_addr(bool ipv4, uint8_t last);
struct station fuzz_station(uint8_t last);

#endif
