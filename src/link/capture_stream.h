/* SPDX-License-Identifier: MIT */
/* The bytes of a capture file, from a file or a pipe, unpacked if they are compressed by gzip. */
#ifndef WAVEHAND_LINK_CAPTURE_STREAM_H
#define WAVEHAND_LINK_CAPTURE_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* No capture has a record larger than this; one that claims to is damaged. */
#define CAPTURE_RECORD_MOST ((size_t)16 << 20)

struct capture_stream {
    int fd;
    struct unpacking *unpacking; /* of a compressed file, or NULL */
    uint8_t *buffer;
    size_t room, start, end; /* bytes from start to end are not taken yet */
    bool over;               /* the file has no more */
    int cause;               /* errno of a failed read, or 0 */
    const char *damage;      /* what is wrong with the compression, or NULL */
};

/* "-": standard input. False, with errno or ->damage set. */
bool capture_stream_open(struct capture_stream *stream, const char *file);
void capture_stream_close(struct capture_stream *stream);
/* The next n bytes without taking them, or NULL if there are not as many left. n <= CAPTURE_RECORD_MOST. */
const uint8_t *capture_stream_peek(struct capture_stream *stream, size_t n);
/* ... and takes them; valid until the next call. */
const uint8_t *capture_stream_take(struct capture_stream *stream, size_t n);
/* Bytes that wait, when a peek has failed: 0 at a clean end. */
size_t capture_stream_left(const struct capture_stream *stream);
/* Why there is no more, in words: "the file ends in the middle of a record", or what went wrong. */
const char *capture_stream_trouble(const struct capture_stream *stream);

#endif
