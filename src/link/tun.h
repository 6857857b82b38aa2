/* SPDX-License-Identifier: MIT */
/* A TUN device from the inside, for tun.c (open, close) and tun_frames.c (read, write). */
#ifndef WAVEHAND_LINK_TUN_H
#define WAVEHAND_LINK_TUN_H

#include <wavehand/link.h>

#include "base/checksum.h"
#include "link/split.h"

/* The header before each frame (virtio 5.1.6), in the machine's byte order as TUN has it. */
struct virtio_net {
    uint8_t flags;
    uint8_t gso;
    uint16_t header_length;
    uint16_t segment_size;
    uint16_t checksum_start;
    uint16_t checksum_offset;
};
_Static_assert(sizeof(struct virtio_net) == 10, "as the kernel lays it out");

enum {
    VIRTIO_NEEDS_CHECKSUM = 1,
    VIRTIO_CHECKSUM_VALID = 2,
    VIRTIO_GSO_NONE = 0,
    VIRTIO_GSO_TCP4 = 1,
    VIRTIO_GSO_TCP6 = 4,
    VIRTIO_GSO_UDP = 5, /* USO: one datagram a segment */
    VIRTIO_GSO_ECN = 0x80,
};

/* Offloads by the numbers of TUNSETOFFLOAD; the last two are too young for many systems' headers. */
enum {
    OFFLOAD_CHECKSUM = 0x01,
    OFFLOAD_TSO4 = 0x02,
    OFFLOAD_TSO6 = 0x04,
    OFFLOAD_USO4 = 0x20,
    OFFLOAD_USO6 = 0x40,
};

/* Frames of one wh_tun_read. */
#define TUN_BATCH 64
/* Frames up to this length are copied, which costs less than a buffer of 64 KiB each. */
#define TUN_SMALL 512
/* The longest frame: 64 KiB of IP payload behind an IPv6 header. */
#define TUN_FRAME_MAX (65535 + 40)
/* Room for the datagrams that a super-datagram is cut into, per read. */
#define TUN_CUT (128 << 10)

struct wh_tun {
    int fd;
    char name[16];
    bool virtio;    /* frames have a struct virtio_net before them */
    char note[128]; /* empty: nothing is lacking */
    const struct checksum *sum;
    bool cutting; /* `split` has pieces of `super` left, which lies in `large` */
    wh_frame super;
    struct split split;
    uint8_t small[TUN_BATCH * TUN_SMALL];
    uint8_t large[TUN_FRAME_MAX + 1];
    uint8_t cut[TUN_CUT];
};

#endif
