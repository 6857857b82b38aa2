/* SPDX-License-Identifier: MIT */
/* Frames as they cross the device: taken apart, and laid flat. */
#ifndef WAVEHAND_TESTS_KERNEL_WIRE_H
#define WAVEHAND_TESTS_KERNEL_WIRE_H

#include <wavehand/link.h>

#include "wire/ip.h"
#include "wire/segment.h"

/* The device's MTU; no frame is longer. */
#define WIRE_FRAME 1500

struct frame {
    uint8_t bytes[WIRE_FRAME];
    size_t length;
};

/* Copies the slices of a frame of the stack's into one place. */
void wire_flatten(struct frame *flat, const wh_frame *frame);
/* The other way: for wh_input and wh_tun_write. */
wh_frame wire_frame(const struct frame *flat);

/* True if the frame is a TCP segment; it is then in *segment, with its tuple as the sender sees it. */
bool wire_take(struct segment *segment, const uint8_t *bytes, size_t length);

/* "SYN,ACK", in text[40]; PSH is left out. */
char *wire_flags(uint16_t flags, char *text);

#endif
