/* SPDX-License-Identifier: MIT */
/* The bytes of a direction: position-dependent, so that a misplaced byte shows. */
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "rig/rig.h"

static uint8_t pattern(uint32_t salt, uint64_t at)
{
    /* A block of 256 bytes differs from its neighbours by a multiplier, a byte from the next by one. */
    uint64_t block = (at >> 8) + salt;
    return (uint8_t)(at + (block * UINT64_C(0x9e3779b97f4a7c15) >> 56));
}

uint8_t stream_byte(const struct stream *stream, uint64_t at)
{
    for (unsigned i = 0; i < stream->texts; i++)
        if (at >= stream->text[i].at && at - stream->text[i].at < stream->text[i].length)
            return (uint8_t)stream->text[i].bytes[at - stream->text[i].at];
    return pattern(stream->salt, at);
}

void stream_fill(const struct stream *stream, uint64_t at, uint8_t *to, size_t length)
{
    size_t i = 0;
    while (i < length && stream->texts == 0) { /* a block of 256 at a time: one addition a byte */
        uint8_t offset = (uint8_t)(pattern(stream->salt, at + i) - (uint8_t)(at + i));
        do {
            to[i] = (uint8_t)(at + i + offset);
            i++;
        } while (i < length && ((at + i) & 255) != 0);
    }
    for (; i < length; i++) {
        to[i] = stream_byte(stream, at + i);
    }
}

uint64_t stream_differs(const struct stream *stream, uint64_t at, const uint8_t *bytes,
                        size_t length)
{
    uint8_t expected[256];
    for (size_t i = 0; i < length; i += sizeof expected) {
        size_t n = length - i < sizeof expected ? length - i : sizeof expected;
        stream_fill(stream, at + i, expected, n);
        for (size_t k = 0; memcmp(expected, bytes + i, n) != 0 && k < n; k++) {
            if (expected[k] != bytes[i + k]) {
                return at + i + k;
            }
        }
    }
    return UINT64_MAX;
}

bool stream_lay(struct stream *stream, uint64_t at, const char *bytes, size_t length)
{
    if (stream->texts == RIG_TEXTS)
        return false;
    char *copy = malloc(length + 1);
    if (copy == NULL)
        abort();
    memcpy(copy, bytes, length);
    stream->text[stream->texts].at = at;
    stream->text[stream->texts].length = length;
    stream->text[stream->texts++].bytes = copy;
    return true;
}

bool stream_learn(struct stream *stream, uint64_t at, const uint8_t *bytes, size_t length)
{
    if (at > stream->learned_length)
        return false;
    size_t known = MIN(length, stream->learned_length - (size_t)at);
    if (known != 0 && memcmp(stream->learned + at, bytes, known) != 0)
        return false;
    if (known == length)
        return true;
    uint8_t *more = realloc(stream->learned, (size_t)at + length);
    if (more == NULL)
        abort();
    memcpy(more + at + known, bytes + known, length - known);
    stream->learned = more;
    stream->learned_length = (size_t)at + length;
    return true;
}

void stream_clear(struct stream *stream)
{
    free(stream->learned);
    stream->learned = NULL;
    stream->learned_length = 0;
    for (unsigned i = 0; i < stream->texts; i++)
        free(stream->text[i].bytes);
    stream->texts = 0;
}
