/* SPDX-License-Identifier: MIT */
/*
 * Frames from and to a TUN device.
 *
 * Theory of operation. A TUN device gives and takes one frame a system call, so a
 * batch is a loop. A read scatters into the virtio-net header and a buffer of the
 * stack's own; a large frame keeps that buffer, so its data is never copied again,
 * a small one is copied out and the buffer serves the next read. When the stack is
 * at its memory cap frames are still read, into one place of the device's, one a
 * call: among them may be the acknowledgements that free the stack's memory.
 *
 * A write gathers the header and the frame's slices.
 */
#define _GNU_SOURCE
#include "link/tun.h"

#include <errno.h>
#include <string.h>
#include <sys/uio.h>

#include "base/bytes.h"

/* Where the next frame is read to. */
struct target {
    void *buffer; /* of the stack's; NULL: tun->large */
    void *base;
    size_t length;
};

static void choose_target(wh_tun *tun, wh_stack *host, struct target *target)
{
    target->buffer =
        host != NULL ? wh_buffer(host, TUN_FRAME_MAX, &target->base, &target->length) : NULL;
    if (target->buffer == NULL) {
        target->base = tun->large;
        target->length = sizeof tun->large;
    }
}

/* Reads one frame; its length, 0 if none waits, or WH_E_IO. */
static int read_frame(const wh_tun *tun, const struct target *target, struct virtio_net *header)
{
    struct iovec parts[] = { { header, sizeof *header }, { target->base, target->length } };
    size_t before = tun->virtio ? sizeof *header : 0;
    *header = (struct virtio_net){ 0 };
    for (;;) {
        ssize_t got = tun->virtio ? readv(tun->fd, parts, 2) : readv(tun->fd, parts + 1, 1);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return errno == EAGAIN ? 0 : WH_E_IO;
        if ((size_t)got > before)
            return (int)((size_t)got - before);
        return WH_E_IO; /* the kernel gives no empty frames; one would mean the device is gone */
    }
}

static void describe(wh_frame *frame, const struct virtio_net *header, void *base, size_t length)
{
    *frame = (wh_frame){
        .slice = { { base, length } },
        .slices = 1,
        .length = (uint32_t)length,
    };
    if (header->flags & VIRTIO_NEEDS_CHECKSUM) {
        frame->flags |= WH_FRAME_CHECKSUM_PARTIAL;
        frame->checksum_start = header->checksum_start;
        frame->checksum_offset = header->checksum_offset;
    } else if (header->flags & VIRTIO_CHECKSUM_VALID) {
        frame->flags |= WH_FRAME_CHECKSUM_VALID;
    }
    if (header->gso != VIRTIO_GSO_NONE)
        frame->segment_size = header->segment_size;
}

/* Cuts what is left of the super-datagram into frames; returns how many. */
static size_t cut(wh_tun *tun, wh_frame *frames, size_t cap)
{
    size_t n = 0, used = 0, length = 0;
    const struct virtio_net plain = { 0 };
    while (n < cap && (length = split_length(&tun->split)) > 0 && used + length <= TUN_CUT) {
        split_next(&tun->split, tun->cut + used);
        describe(&frames[n++], &plain, tun->cut + used, length);
        used += length;
    }
    tun->cutting = split_length(&tun->split) > 0;
    return n;
}

static void begin_cutting(wh_tun *tun, const wh_frame *frame)
{
    if (frame->slice[0].base != tun->large)
        memcpy(tun->large, frame->slice[0].base, frame->length);
    tun->super = *frame;
    tun->super.slice[0].base = tun->large;
    split_begin(&tun->split, &tun->super, WH_LINK_IP, tun->sum);
    tun->cutting = true;
}

/* Takes the frame in the target as the nth of this call. True if the target is free again. */
static bool keep_target(wh_tun *tun, struct target *target, wh_frame *frame, size_t nth)
{
    if (frame->length <= TUN_SMALL) {
        uint8_t *place = tun->small + nth * TUN_SMALL;
        memcpy(place, target->base, frame->length);
        frame->slice[0].base = place;
        return true;
    }
    frame->buffer = target->buffer;
    return false;
}

int wh_tun_read(wh_tun *tun, wh_stack *host, wh_frame *frames, size_t cap)
{
    size_t most = MIN(cap, (size_t)TUN_BATCH);
    size_t n = tun->cutting ? cut(tun, frames, most) : 0;
    struct target target = { 0 };
    int length = 0;
    if (n > 0 || most == 0)
        return (int)n;
    while (n < most) {
        struct virtio_net header;
        if (target.base == NULL)
            choose_target(tun, host, &target);
        length = read_frame(tun, &target, &header);
        if (length <= 0)
            break;
        describe(&frames[n], &header, target.base, (size_t)length);
        if ((header.gso & ~VIRTIO_GSO_ECN) == VIRTIO_GSO_UDP) {
            begin_cutting(tun, &frames[n]);
            n += cut(tun, frames + n, most - n);
            break;
        }
        bool free_again = keep_target(tun, &target, &frames[n], n);
        n++;
        if (free_again)
            continue;
        bool own = target.buffer == NULL;
        target = (struct target){ 0 };
        if (own)
            break;
    }
    if (target.buffer != NULL)
        wh_buffer_free(host, target.buffer);
    return n > 0 ? (int)n : MIN(length, 0);
}

static void describe_to_kernel(struct virtio_net *header, const wh_frame *frame)
{
    *header = (struct virtio_net){ 0 };
    if (frame->flags & WH_FRAME_CHECKSUM_PARTIAL) {
        header->flags = VIRTIO_NEEDS_CHECKSUM;
        header->checksum_start = frame->checksum_start;
        header->checksum_offset = frame->checksum_offset;
    }
    if (frame->segment_size == 0 || frame->length - frame->headers <= frame->segment_size)
        return;
    const uint8_t *ip = frame->slice[0].base;
    bool cwr =
        frame->slice[0].length > frame->transport + 13U && (ip[frame->transport + 13] & WH_CWR);
    header->gso = (ip[0] >> 4) == 4 ? VIRTIO_GSO_TCP4 : VIRTIO_GSO_TCP6;
    if (cwr)
        header->gso |= VIRTIO_GSO_ECN;
    header->segment_size = frame->segment_size;
    header->header_length = frame->headers;
}

/* Writes parts as one frame: 1, 0 if the device is full, or WH_E_IO. */
static int write_parts(const wh_tun *tun, const struct iovec *parts, int count)
{
    for (;;) {
        if (writev(tun->fd, parts, count) >= 0)
            return 1;
        switch (errno) {
        case EINTR: break;
        case EAGAIN: return 0;
        case EIO: /* the device is down */
        case EINVAL:
        case EMSGSIZE:
        case ENOBUFS:
        case ENOMEM: return 1; /* lost */
        default: return WH_E_IO;
        }
    }
}

/* Without a virtio-net header: cuts and completes in software. A frame cut half is taken as lost. */
static int write_pieces(wh_tun *tun, const wh_frame *frame)
{
    struct split split;
    uint8_t piece[TUN_FRAME_MAX];
    split_begin(&split, frame, WH_LINK_IP, tun->sum);
    for (size_t length; (length = split_length(&split)) > 0 && length <= sizeof piece;) {
        bool first = split.piece == 0;
        split_next(&split, piece);
        struct iovec part = { piece, length };
        int result = write_parts(tun, &part, 1);
        if (result < 0 || (result == 0 && first))
            return result;
    }
    return 1;
}

static int write_frame(wh_tun *tun, const wh_frame *frame)
{
    struct virtio_net header;
    struct iovec parts[1 + WH_FRAME_SLICES];
    int count = 0;
    if (!tun->virtio && (frame->segment_size > 0 || (frame->flags & WH_FRAME_CHECKSUM_PARTIAL)))
        return write_pieces(tun, frame);
    if (tun->virtio) {
        describe_to_kernel(&header, frame);
        parts[count++] = (struct iovec){ &header, sizeof header };
    }
    for (uint32_t i = 0; i < frame->slices; i++) {
        /* The kernel only reads through these: iovec has no const. */
        void *base = (void *)(uintptr_t)frame->slice[i].base;
        parts[count++] = (struct iovec){ base, frame->slice[i].length };
    }
    return write_parts(tun, parts, count);
}

int wh_tun_write(wh_tun *tun, const wh_frame *frames, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        int result = write_frame(tun, &frames[i]);
        if (result == WH_E_IO)
            return i > 0 ? (int)i : result;
        if (result == 0)
            return (int)i;
    }
    return (int)n;
}
