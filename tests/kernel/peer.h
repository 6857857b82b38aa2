/* SPDX-License-Identifier: MIT */
/*
 * The scripted peer of one connection: it builds what arrives at the TCP under test,
 * reads what leaves, and remembers no more than is needed to speak in relative
 * numbers. It answers nothing by itself.
 */
#ifndef WAVEHAND_TESTS_KERNEL_PEER_H
#define WAVEHAND_TESTS_KERNEL_PEER_H

#include "cases.h"
#include "wire.h"

struct peer {
    bool six;
    uint16_t host_port, port;
    uint8_t options; /* of its SYN */
    uint16_t mss;
    uint32_t iss, nxt; /* its own numbers */
    uint32_t irs, rcv; /* the host's: its SYN, all that it has sent */
    uint32_t old;      /* `rcv` of the incarnation before, if there was one */
    uint32_t acked, edge;
    bool syn, fin, again; /* of the host's, seen; a second SYN */
    bool timestamps;
    uint8_t scale; /* of the host's windows */
    uint32_t stamp, echo;
    struct frame last; /* the host's last segment */
};

void peer_init(struct peer *peer, bool six, uint16_t host_port, uint16_t port,
               const struct scenario *scenario);
/* Builds the segment of a step. */
void peer_segment(struct peer *peer, const struct step *step, struct frame *frame);
/* Builds the ICMP error of a step. */
void peer_message(struct peer *peer, const struct step *step, struct frame *frame);
/* Reads what the host sent. */
void peer_take(struct peer *peer, const struct segment *segment, const struct frame *frame);
/* What the host sent, in words, before peer_take. `edge`: its window's when it was provoked. */
void peer_words(const struct peer *peer, const struct segment *segment, uint32_t edge, char *text,
                size_t room);

#endif
