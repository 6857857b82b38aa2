/* SPDX-License-Identifier: MIT */
/*
 * Segmentation in software: what a network card does with a super-segment and
 * with a checksum left partial.
 */
#ifndef WAVEHAND_LINK_SPLIT_H
#define WAVEHAND_LINK_SPLIT_H

#include <wavehand/wavehand.h>

#include "base/checksum.h"

/* Enough for Ethernet, IPv6 with some extension headers and a full TCP header. */
#define SPLIT_HEADERS_MAX 256

struct split {
    const wh_frame *frame;
    const struct checksum *sum;
    size_t link_header; /* where IP begins */
    size_t transport;   /* where TCP or UDP begins; 0: neither */
    size_t headers;     /* where the payload begins */
    uint8_t version, protocol;
    uint32_t pieces;                  /* in all */
    uint32_t piece;                   /* next one, from 0 */
    uint32_t size;                    /* payload bytes of every piece but the last */
    uint32_t payload;                 /* payload bytes in all */
    uint64_t pseudo;                  /* sum of the addresses and the protocol */
    uint8_t bytes[SPLIT_HEADERS_MAX]; /* the headers, contiguous */
};

/* Copies length bytes from offset of a frame's slices; returns how many there were. */
size_t frame_copy(const wh_frame *frame, size_t offset, void *to, size_t length);

/*
 * Begins to cut `frame`, which must stay as it is meanwhile. A frame without a
 * segment size, or that is neither TCP nor UDP, is one piece.
 */
void split_begin(struct split *split, const wh_frame *frame, wh_link_kind link,
                 const struct checksum *sum);
/* Bytes of the next piece, 0 when there is none left. */
size_t split_length(const struct split *split);
/*
 * Writes the next piece, of split_length bytes, to `to`; a partial checksum is
 * completed, a checksum that was complete is left as it is unless the frame is cut.
 */
void split_next(struct split *split, uint8_t *to);

#endif
