/* SPDX-License-Identifier: MIT */
/*
 * pcapng files (draft-ietf-opsawg-pcapng), written.
 *
 * Theory of operation. Whole blocks gather in a buffer, which goes to the file when
 * it is full, when the frames in it are older than flush_after, and at the end. A
 * file that cannot grow any more (a full disk, a quota) may have taken half a block:
 * then it is cut back to the last whole one, so that it stays readable, and nothing
 * more is written. Numbers are in the machine's byte order, which the section header
 * tells the reader.
 */
#define _GNU_SOURCE
#include <wavehand/link.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/checksum.h"
#include "link/split.h"

enum {
    BLOCK_SECTION = 0x0a0d0d0a,
    BLOCK_INTERFACE = 1,
    BLOCK_PACKET = 6,
    OPTION_END = 0,
    OPTION_COMMENT = 1,
    OPTION_PACKET_FLAGS = 2,
    OPTION_INTERFACE_NAME = 2,
    OPTION_TIME_RESOLUTION = 9,
    OPTION_APPLICATION = 4,
    PACKET_INBOUND = 1,
    PACKET_OUTBOUND = 2,
    LINKTYPE_ETHERNET = 1,
    LINKTYPE_RAW = 101,
};

enum {
    BUFFER = 1 << 18,
    COMMENT_MAX = 4096,
    /* Longest frame: 64 KiB of IP payload, an IPv6 header, a link header. */
    FRAME_MAX = 65535 + 40 + 18,
    PACKET_BLOCK_MAX = FRAME_MAX + COMMENT_MAX + 128,
};
_Static_assert(PACKET_BLOCK_MAX < BUFFER, "a block fits the buffer");

static const uint64_t flush_after = WH_SECOND / 10;

struct wh_capture {
    int fd;
    bool standard_output;
    int cause; /* errno of the write that failed; the file cannot grow any more */
    wh_link_kind link;
    const struct checksum *sum;
    uint64_t written; /* bytes of whole blocks in the file */
    uint64_t oldest;  /* when the first frame in the buffer was seen */
    size_t used;      /* bytes in the buffer */
    uint8_t buffer[BUFFER];
};

static void add(wh_capture *capture, const void *data, size_t length)
{
    memcpy(capture->buffer + capture->used, data, length);
    capture->used += length;
}

static void add16(wh_capture *capture, unsigned value)
{
    uint16_t number = (uint16_t)value;
    add(capture, &number, sizeof number);
}

static void add32(wh_capture *capture, uint64_t value)
{
    uint32_t number = (uint32_t)value;
    add(capture, &number, sizeof number);
}

/* Zeros up to a multiple of four from `start`. */
static void pad(wh_capture *capture, size_t start)
{
    static const uint8_t zeros[4];
    add(capture, zeros, (4 - (capture->used - start) % 4) % 4);
}

static void add_option(wh_capture *capture, unsigned code, const void *value, size_t length)
{
    size_t start = capture->used;
    add16(capture, code);
    add16(capture, (unsigned)length);
    add(capture, value, length);
    pad(capture, start);
}

/* Blocks begin with their kind and length and end with their length, set here. */
static size_t begin_block(wh_capture *capture, uint32_t kind)
{
    size_t start = capture->used;
    add32(capture, kind);
    add32(capture, 0);
    return start;
}

static void end_block(wh_capture *capture, size_t start)
{
    uint32_t length = (uint32_t)(capture->used - start + 4);
    add32(capture, length);
    memcpy(capture->buffer + start + 4, &length, sizeof length);
}

static void add_file_header(wh_capture *capture)
{
    static const char application[] = "wavehand", name[] = "wavehand";
    const uint8_t nanoseconds = 9;
    size_t start = begin_block(capture, BLOCK_SECTION);
    add32(capture, 0x1a2b3c4d); /* tells the byte order */
    add16(capture, 1);          /* version 1.0 */
    add16(capture, 0);
    add32(capture, UINT32_MAX); /* length of the section: not told */
    add32(capture, UINT32_MAX);
    add_option(capture, OPTION_APPLICATION, application, sizeof application - 1);
    add_option(capture, OPTION_END, "", 0);
    end_block(capture, start);

    start = begin_block(capture, BLOCK_INTERFACE);
    add16(capture, capture->link == WH_LINK_ETHERNET ? LINKTYPE_ETHERNET : LINKTYPE_RAW);
    add16(capture, 0);
    add32(capture, 0); /* no limit on the length of a frame */
    add_option(capture, OPTION_INTERFACE_NAME, name, sizeof name - 1);
    add_option(capture, OPTION_TIME_RESOLUTION, &nanoseconds, 1);
    add_option(capture, OPTION_END, "", 0);
    end_block(capture, start);
}

/* The end of the last whole block in the first `length` bytes of the buffer. */
static size_t whole_blocks(const wh_capture *capture, size_t length)
{
    size_t end = 0;
    while (end + 8 <= length) {
        uint32_t block;
        memcpy(&block, capture->buffer + end + 4, sizeof block);
        if (end + block > length)
            break;
        end += block;
    }
    return end;
}

static bool is_regular(int fd)
{
    struct stat status;
    return fstat(fd, &status) == 0 && S_ISREG(status.st_mode);
}

/* The answer once a write has failed: errno says again why it did. */
static int failed_before(const wh_capture *capture)
{
    errno = capture->cause;
    return WH_E_IO;
}

/* Gives up: what of the buffer was written in part is taken back where that is possible. */
static int fail(wh_capture *capture, size_t taken)
{
    capture->cause = errno != 0 ? errno : EIO;
    capture->written += whole_blocks(capture, taken);
    capture->used = 0;
    if (is_regular(capture->fd) && !capture->standard_output &&
        ftruncate(capture->fd, (off_t)capture->written) != 0)
        return failed_before(capture); /* readers complain about its last block only */
    return failed_before(capture);
}

int wh_capture_flush(wh_capture *capture)
{
    size_t taken = 0;
    if (capture->cause != 0)
        return failed_before(capture);
    while (taken < capture->used) {
        ssize_t n = write(capture->fd, capture->buffer + taken, capture->used - taken);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return fail(capture, taken);
        taken += (size_t)n;
    }
    capture->written += capture->used;
    capture->used = 0;
    return WH_OK;
}

int wh_capture_open(wh_capture **answer, const char *file, wh_link_kind link, char *error,
                    size_t error_size)
{
    wh_capture *capture = malloc(sizeof *capture);
    if (capture == NULL) {
        snprintf(error, error_size, "%s: no memory for a capture", file);
        return WH_E_NOMEM;
    }
    bool standard_output = strcmp(file, "-") == 0;
    int fd = standard_output ? STDOUT_FILENO
                             : open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    *capture = (wh_capture){
        .fd = fd,
        .standard_output = standard_output,
        .link = link,
        .sum = checksum_best(),
    };
    if (fd < 0) {
        snprintf(error, error_size, "%s: cannot create this capture file: %s", file,
                 strerror(errno));
        free(capture);
        return WH_E_IO;
    }
    add_file_header(capture);
    if (wh_capture_flush(capture) != WH_OK) {
        snprintf(error, error_size, "%s: cannot write to this capture file: %s", file,
                 strerror(errno));
        (void)wh_capture_close(capture);
        return WH_E_IO;
    }
    *answer = capture;
    return WH_OK;
}

/* The frame itself, its checksum completed, uncut even if it is a super-segment. */
static void add_frame(wh_capture *capture, const wh_frame *frame)
{
    wh_frame whole = *frame;
    whole.segment_size = 0;
    struct split split;
    split_begin(&split, &whole, capture->link, capture->sum);
    split_next(&split, capture->buffer + capture->used);
    capture->used += frame->length;
}

int wh_capture_write(wh_capture *capture, uint64_t when, bool outgoing, const wh_frame *frame,
                     const char *comment)
{
    size_t comment_length = comment != NULL ? strnlen(comment, COMMENT_MAX) : 0;
    const uint32_t flags = outgoing ? PACKET_OUTBOUND : PACKET_INBOUND;
    if (capture->cause != 0)
        return failed_before(capture);
    if (frame->length > FRAME_MAX)
        return WH_E_MSGSIZE;
    if (capture->used + PACKET_BLOCK_MAX > BUFFER && wh_capture_flush(capture) != WH_OK)
        return WH_E_IO;
    if (capture->used == 0)
        capture->oldest = when;
    size_t start = begin_block(capture, BLOCK_PACKET);
    add32(capture, 0); /* the only interface */
    add32(capture, when >> 32);
    add32(capture, when);
    add32(capture, frame->length);
    add32(capture, frame->length);
    add_frame(capture, frame);
    pad(capture, start);
    if (comment_length > 0)
        add_option(capture, OPTION_COMMENT, comment, comment_length);
    add_option(capture, OPTION_PACKET_FLAGS, &flags, sizeof flags);
    add_option(capture, OPTION_END, "", 0);
    end_block(capture, start);
    /* A clock set back makes the difference large: that flushes, which does no harm. */
    return when - capture->oldest >= flush_after ? wh_capture_flush(capture) : WH_OK;
}

int wh_capture_close(wh_capture *capture)
{
    if (capture == NULL)
        return WH_OK;
    int result = wh_capture_flush(capture);
    int cause = errno;
    if (!capture->standard_output && close(capture->fd) != 0 && result == WH_OK) {
        result = WH_E_IO;
        cause = errno;
    }
    free(capture);
    errno = cause;
    return result;
}
