/* SPDX-License-Identifier: MIT */
#include "tape.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"

#define MAGIC_MICROSECONDS UINT32_C(0xa1b2c3d4)
#define MAGIC_NANOSECONDS UINT32_C(0xa1b23c4d)
#define LINKTYPE_ETHERNET 1
#define LINKTYPE_RAW 101
#define ETHERNET_HEADER 14
#define FRAME_MAX 65600

static void *enough(void *memory, size_t size)
{
    memory = realloc(memory, size);
    if (memory == NULL) {
        fputs("make-truth: no memory\n", stderr);
        exit(1);
    }
    return memory;
}

void tape_add(struct tape *tape, wh_time when, bool outgoing, const uint8_t *bytes, uint32_t length)
{
    if (tape->used + length > tape->room) {
        tape->room = 2 * (tape->used + length) + 65536;
        tape->bytes = enough(tape->bytes, tape->room);
    }
    if (tape->count == tape->packet_room) {
        tape->packet_room = 2 * tape->count + 64;
        tape->packet = enough(tape->packet, tape->packet_room * sizeof *tape->packet);
    }
    memcpy(tape->bytes + tape->used, bytes, length);
    tape->packet[tape->count++] = (struct taped){
        .when = when,
        .at = tape->used,
        .length = length,
        .outgoing = outgoing,
    };
    tape->used += length;
}

void tape_free(struct tape *tape)
{
    free(tape->bytes);
    free(tape->packet);
    memset(tape, 0, sizeof *tape);
}

/* The frame as the link carries it, to `frame`; returns its length. */
static uint32_t frame_of(const struct tape *tape, const struct taped *packet, bool ethernet,
                         uint8_t *frame)
{
    const uint8_t *ip = tape->bytes + packet->at;
    uint32_t header = ethernet ? ETHERNET_HEADER : 0;
    if (ethernet) {
        /* The near station's address ends in 1, the router's in 2. */
        static const uint8_t near[6] = { 2, 0, 0, 0, 0, 1 }, far[6] = { 2, 0, 0, 0, 0, 2 };
        memcpy(frame, packet->outgoing ? far : near, 6);
        memcpy(frame + 6, packet->outgoing ? near : far, 6);
        put16(frame + 12, ip[0] >> 4 == 4 ? 0x0800 : 0x86dd);
    }
    memcpy(frame + header, ip, packet->length);
    return header + packet->length;
}

static bool write_blocks(const struct tape *tape, const char *file, const struct tape_form *form,
                         uint64_t start)
{
    static uint8_t bytes[FRAME_MAX];
    char error[256];
    wh_capture *capture;
    wh_link_kind link = form->ethernet ? WH_LINK_ETHERNET : WH_LINK_IP;
    if (wh_capture_open(&capture, file, link, error, sizeof error) < 0) {
        fprintf(stderr, "make-truth: %s\n", error);
        return false;
    }
    for (size_t i = 0; i < tape->count; i++) {
        const struct taped *packet = &tape->packet[i];
        if (packet->lost) {
            continue;
        }
        uint32_t length = frame_of(tape, packet, form->ethernet, bytes);
        wh_frame frame = { .slice = { { bytes, length } }, .slices = 1, .length = length };
        (void)wh_capture_write(capture, start + packet->when, packet->outgoing, &frame, NULL);
    }
    return wh_capture_close(capture) == WH_OK;
}

static bool write_records(const struct tape *tape, FILE *out, const struct tape_form *form,
                          uint64_t start)
{
    static uint8_t bytes[FRAME_MAX];
    const uint32_t header[6] = {
        form->coarse ? MAGIC_MICROSECONDS : MAGIC_NANOSECONDS,
        2 | 4 << 16, /* version 2.4, two halves */
        0,
        0,
        form->snap,
        form->ethernet ? LINKTYPE_ETHERNET : LINKTYPE_RAW,
    };
    fwrite(header, sizeof header, 1, out);
    for (size_t i = 0; i < tape->count; i++) {
        const struct taped *packet = &tape->packet[i];
        if (packet->lost) {
            continue;
        }
        uint32_t length = frame_of(tape, packet, form->ethernet, bytes);
        uint64_t when = start + packet->when;
        const uint32_t record[4] = {
            (uint32_t)(when / WH_SECOND),
            (uint32_t)(when % WH_SECOND / (form->coarse ? 1000 : 1)),
            MIN(length, form->snap),
            length,
        };
        fwrite(record, sizeof record, 1, out);
        fwrite(bytes, record[2], 1, out);
    }
    return fflush(out) == 0 && ferror(out) == 0;
}

bool tape_write(const struct tape *tape, const char *file, const struct tape_form *form,
                uint64_t start)
{
    if (form->blocks) {
        return write_blocks(tape, file, form, start);
    }
    FILE *out = fopen(file, "wb");
    bool good = out != NULL && write_records(tape, out, form, start);
    if (!good) {
        fprintf(stderr, "make-truth: %s: %s\n", file, strerror(errno));
    }
    if (out != NULL) {
        fclose(out);
    }
    return good;
}
