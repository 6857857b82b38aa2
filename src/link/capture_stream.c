/* SPDX-License-Identifier: MIT */
/*
 * Theory of operation. One buffer; what was not taken yet is moved to its front when
 * more is needed, so that a record always lies in one piece. read(2), not a mapping:
 * a file that shrinks meanwhile must not kill the reader. gzip is zlib's business, fed
 * through a second buffer, so that a pipe will do; whether a stream is compressed is
 * seen from its first two bytes.
 */
#define _GNU_SOURCE
#include "link/capture_stream.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#define ROOM_FIRST ((size_t)256 << 10)
#define PACKED_ROOM (64U << 10)
/* zlib: the largest window, and a gzip header is expected. */
#define WINDOW_GZIP (15 + 16)

struct unpacking {
    z_stream zlib;
    bool within; /* a member of the file has begun and not ended */
    uint8_t packed[PACKED_ROOM];
};

static ssize_t read_some(struct capture_stream *stream, uint8_t *at, size_t room)
{
    ssize_t n;
    do {
        n = read(stream->fd, at, room);
    } while (n < 0 && errno == EINTR);
    if (n < 0) {
        stream->cause = errno;
    }
    return n;
}

/* Sees to it that there is something to unpack; false at the end of the file, and when reading fails. */
static bool feed(struct capture_stream *stream)
{
    struct unpacking *unpacking = stream->unpacking;
    z_stream *zlib = &unpacking->zlib;
    if (zlib->avail_in > 0) {
        return true;
    }
    ssize_t n = read_some(stream, unpacking->packed, sizeof unpacking->packed);
    if (n == 0 && unpacking->within) {
        stream->damage = "the compressed file is cut short";
    }
    zlib->next_in = unpacking->packed;
    zlib->avail_in = n > 0 ? (uInt)n : 0;
    return n > 0;
}

static ssize_t read_packed(struct capture_stream *stream, uint8_t *at, size_t room)
{
    struct unpacking *unpacking = stream->unpacking;
    z_stream *zlib = &unpacking->zlib;
    zlib->next_out = at;
    zlib->avail_out = room < UINT32_MAX ? (uInt)room : UINT32_MAX;
    while (zlib->next_out == at && feed(stream)) {
        unpacking->within = true;
        int result = inflate(zlib, Z_NO_FLUSH);
        if (result == Z_STREAM_END) { /* another member may follow (RFC 1952 2.2) */
            unpacking->within = false;
            result = inflateReset(zlib);
        }
        if (result != Z_OK && result != Z_BUF_ERROR) {
            stream->damage = "its compression is damaged";
            break;
        }
    }
    return zlib->next_out - at;
}

static bool make_room(struct capture_stream *stream, size_t n)
{
    if (stream->start > 0) {
        memmove(stream->buffer, stream->buffer + stream->start, stream->end - stream->start);
        stream->end -= stream->start;
        stream->start = 0;
    }
    if (n <= stream->room) {
        return true;
    }
    size_t room = stream->room;
    while (room < n) {
        room *= 2;
    }
    uint8_t *buffer = realloc(stream->buffer, room);
    if (buffer == NULL) {
        stream->cause = ENOMEM;
        return false;
    }
    stream->buffer = buffer;
    stream->room = room;
    return true;
}

static bool fill(struct capture_stream *stream, size_t n)
{
    if (!make_room(stream, n)) {
        return false;
    }
    while (stream->end - stream->start < n && !stream->over) {
        size_t room = stream->room - stream->end;
        uint8_t *at = stream->buffer + stream->end;
        ssize_t got =
            stream->unpacking != NULL ? read_packed(stream, at, room) : read_some(stream, at, room);
        stream->over = got <= 0;
        stream->end += got > 0 ? (size_t)got : 0;
    }
    return stream->end - stream->start >= n;
}

const uint8_t *capture_stream_peek(struct capture_stream *stream, size_t n)
{
    if (stream->end - stream->start < n && (n > CAPTURE_RECORD_MOST || !fill(stream, n))) {
        return NULL;
    }
    return stream->buffer + stream->start;
}

const uint8_t *capture_stream_take(struct capture_stream *stream, size_t n)
{
    const uint8_t *bytes = capture_stream_peek(stream, n);
    stream->start += bytes != NULL ? n : 0;
    return bytes;
}

size_t capture_stream_left(const struct capture_stream *stream)
{
    return stream->cause != 0 || stream->damage != NULL ? 1 : stream->end - stream->start;
}

const char *capture_stream_trouble(const struct capture_stream *stream)
{
    if (stream->damage != NULL) {
        return stream->damage;
    }
    return stream->cause != 0 ? strerror(stream->cause) : "the file ends in the middle of a record";
}

/* Compressions that zlib does not know, by their first bytes, and what unpacks them. */
static const char *foreign(const uint8_t *magic)
{
    static const struct {
        uint8_t magic[4];
        const char *words;
    } kinds[] = {
        { { 0x28, 0xb5, 0x2f, 0xfd },
          "compressed by zstd; try: zstd -dc FILE | wavehand explain -" },
        { { 0x04, 0x22, 0x4d, 0x18 }, "compressed by lz4; try: lz4 -dc FILE | wavehand explain -" },
        { { 0xfd, 0x37, 0x7a, 0x58 }, "compressed by xz; try: xz -dc FILE | wavehand explain -" },
        { { 0x42, 0x5a, 0x68, 0x39 },
          "compressed by bzip2; try: bzip2 -dc FILE | wavehand explain -" },
    };
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (memcmp(magic, kinds[i].magic, 4) == 0) {
            return kinds[i].words;
        }
    }
    return NULL;
}

/* What was read to look at it is the first to be unpacked. */
static bool begin_unpacking(struct capture_stream *stream)
{
    struct unpacking *unpacking = calloc(1, sizeof *unpacking);
    if (unpacking == NULL || inflateInit2(&unpacking->zlib, WINDOW_GZIP) != Z_OK) {
        free(unpacking);
        stream->cause = ENOMEM;
        return false;
    }
    size_t read = stream->end - stream->start;
    size_t kept = read < sizeof unpacking->packed ? read : sizeof unpacking->packed;
    memcpy(unpacking->packed, stream->buffer + stream->start, kept);
    unpacking->zlib.next_in = unpacking->packed;
    unpacking->zlib.avail_in = (uInt)kept;
    stream->unpacking = unpacking;
    stream->start = stream->end = 0;
    stream->over = false;
    return true;
}

bool capture_stream_open(struct capture_stream *stream, const char *file)
{
    memset(stream, 0, sizeof *stream);
    stream->fd = strcmp(file, "-") == 0 ? dup(STDIN_FILENO) : open(file, O_RDONLY | O_CLOEXEC);
    stream->buffer = stream->fd >= 0 ? calloc(1, ROOM_FIRST) : NULL;
    stream->room = PACKED_ROOM; /* no more than can be handed on to be unpacked */
    if (stream->buffer == NULL) {
        stream->cause = errno;
        capture_stream_close(stream);
        return false;
    }
    const uint8_t *magic = capture_stream_peek(stream, 4);
    bool good = true;
    if (magic != NULL && magic[0] == 0x1f && magic[1] == 0x8b) {
        good = begin_unpacking(stream);
    } else if (magic != NULL && foreign(magic) != NULL) {
        stream->damage = foreign(magic);
        good = false;
    }
    stream->room = ROOM_FIRST;
    if (!good || stream->cause != 0) {
        capture_stream_close(stream);
        return false;
    }
    return true;
}

void capture_stream_close(struct capture_stream *stream)
{
    if (stream->unpacking != NULL) {
        (void)inflateEnd(&stream->unpacking->zlib);
        free(stream->unpacking);
    }
    if (stream->fd >= 0) {
        (void)close(stream->fd);
    }
    free(stream->buffer);
    stream->buffer = NULL;
    stream->unpacking = NULL;
    stream->fd = -1;
}
