/* SPDX-License-Identifier: MIT */
/*
 * TCP headers (RFC 9293 3.1, 3.2).
 *
 * Reading is from the receiver's point of view (the header's source port is the
 * tuple's remote port), writing from the sender's (the source port is the local
 * one), so that every other file sees a connection from its own end only.
 *
 * Options are read leniently, because a connection is worth more than a point of
 * form: an unknown kind is skipped by its length (MUST-6), and so is a known kind
 * with a length it cannot have. Where a length itself is impossible (0, 1, or past
 * the header) nothing after it can be found; what stood before counts, the rest
 * is ignored, and `malformed` says so (MUST-7). Of an option that is repeated,
 * the last one counts.
 */
#include "wire/segment.h"

#include <string.h>

#include "base/bytes.h"

enum {
    HEADER = 20,
    OPTIONS_MAX = SEGMENT_HEADER_MAX - HEADER,
};

/* Option kinds: RFC 9293 3.2, RFC 7323 2.2 and 3.2, RFC 2018 2 and 3, RFC 7413 4.1.1, RFC 9768 3.2.3. */
enum {
    KIND_END = 0,
    KIND_NOP = 1,
    KIND_MSS = 2,
    KIND_WINDOW_SCALE = 3,
    KIND_SACK_PERMITTED = 4,
    KIND_SACK = 5,
    KIND_TIMESTAMPS = 8,
    KIND_FAST_OPEN = 34,
    KIND_ACCECN0 = 172,
    KIND_ACCECN1 = 174,
};

enum {
    LENGTH_MSS = 4,
    LENGTH_WINDOW_SCALE = 3,
    LENGTH_SACK_PERMITTED = 2,
    LENGTH_SACK_BLOCK = 8,
    LENGTH_TIMESTAMPS = 10,
    LENGTH_FAST_OPEN = 2, /* and the cookie */
    LENGTH_ACCECN = 2,    /* and the counters */
    LENGTH_ACCECN_FIELD = 3,
};

/* The whole option area of most segments: two NOPs and timestamps (RFC 7323 appendix A). */
#define ALIGNED_TIMESTAMPS                                                                         \
    ((uint32_t)KIND_NOP << 24 | (uint32_t)KIND_NOP << 16 | (uint32_t)KIND_TIMESTAMPS << 8 |        \
     (uint32_t)LENGTH_TIMESTAMPS)

/* The first words of the other aligned layouts that segment_build writes. */
#define ALIGNED_WINDOW_SCALE                                                                       \
    ((uint32_t)KIND_NOP << 24 | (uint32_t)KIND_WINDOW_SCALE << 16 |                                \
     (uint32_t)LENGTH_WINDOW_SCALE << 8)
#define ALIGNED_SACK_PERMITTED                                                                     \
    ((uint32_t)KIND_SACK_PERMITTED << 24 | (uint32_t)LENGTH_SACK_PERMITTED << 16)

static void read_timestamps(struct segment_options *options, const uint8_t *at)
{
    options->has |= WH_HAS_TIMESTAMPS;
    options->tsval = get32(at);
    options->tsecr = get32(at + 4);
}

static void read_sack(struct segment_options *options, const uint8_t *at, size_t length)
{
    /* At least one whole block, and nothing but whole blocks (RFC 2018 3). */
    if (length == 0 || length % LENGTH_SACK_BLOCK != 0)
        return;
    size_t blocks = MIN(length / LENGTH_SACK_BLOCK, (size_t)WH_SACK_BLOCKS);
    for (size_t i = 0; i < blocks; i++) {
        options->sack[i].left = get32(at + i * LENGTH_SACK_BLOCK);
        options->sack[i].right = get32(at + i * LENGTH_SACK_BLOCK + 4);
    }
    options->sacks = (uint8_t)blocks;
    options->has |= WH_HAS_SACK;
}

static void read_fast_open(struct segment_options *options, const uint8_t *at, size_t length)
{
    bool cookie = length >= FAST_OPEN_LEAST && length <= FAST_OPEN_MOST && length % 2 == 0;
    if (length != 0 && !cookie)
        return;
    options->has |= WH_HAS_FAST_OPEN;
    options->fast_open_length = (uint8_t)length;
    options->fast_open = at;
}

/* RFC 9768 3.2.3: as many whole counters as there are, and whatever follows them is padding. */
static void read_accecn(struct segment_options *options, const uint8_t *at, size_t length,
                        unsigned order)
{
    size_t fields = MIN(length / LENGTH_ACCECN_FIELD, (size_t)ACCECN_FIELDS);
    for (unsigned place = 0; place < fields; place++, at += LENGTH_ACCECN_FIELD)
        options->accecn[accecn_field_at(order, place)] = (uint32_t)at[0] << 16 | get16(at + 1);
    options->has |= WH_HAS_ACCECN;
    options->accecn_order = (uint8_t)order;
    options->accecn_fields = (uint8_t)fields;
}

/* One option with a possible length: at[length], kind and length bytes included. */
static void read_option(struct segment_options *options, const uint8_t *at, size_t length)
{
    switch (at[0]) {
    case KIND_MSS:
        if (length == LENGTH_MSS) {
            options->has |= WH_HAS_MSS;
            options->mss = get16(at + 2);
        }
        break;
    case KIND_WINDOW_SCALE:
        if (length == LENGTH_WINDOW_SCALE) {
            options->has |= WH_HAS_WINDOW_SCALE;
            options->window_scale = at[2];
        }
        break;
    case KIND_SACK_PERMITTED:
        if (length == LENGTH_SACK_PERMITTED)
            options->has |= WH_HAS_SACK_PERMITTED;
        break;
    case KIND_SACK: read_sack(options, at + 2, length - 2); break;
    case KIND_TIMESTAMPS:
        if (length == LENGTH_TIMESTAMPS)
            read_timestamps(options, at + 2);
        break;
    case KIND_FAST_OPEN: read_fast_open(options, at + 2, length - 2); break;
    case KIND_ACCECN0: read_accecn(options, at + 2, length - 2, 0); break;
    case KIND_ACCECN1: read_accecn(options, at + 2, length - 2, 1); break;
    default: break;
    }
}

void segment_options_parse(struct segment_options *options, const uint8_t *bytes, size_t length)
{
    *options = (struct segment_options){ 0 };
    if (length == LENGTH_TIMESTAMPS + 2 && get32(bytes) == ALIGNED_TIMESTAMPS) {
        read_timestamps(options, bytes + 4);
        return;
    }
    size_t at = 0;
    while (at < length && bytes[at] != KIND_END) {
        if (bytes[at] == KIND_NOP) {
            at++;
            continue;
        }
        if (length - at < 2 || bytes[at + 1] < 2 || bytes[at + 1] > length - at) {
            options->malformed = true;
            return;
        }
        read_option(options, bytes + at, bytes[at + 1]);
        at += bytes[at + 1];
    }
}

wh_reason segment_parse(struct segment *segment, const uint8_t *bytes, size_t length)
{
    if (length < HEADER)
        return WH_WHY_TCP_HEADER;
    size_t header = (size_t)(bytes[12] >> 4) * 4;
    if (header < HEADER || header > length)
        return WH_WHY_TCP_HEADER;

    segment->tuple.remote_port = get16(bytes);
    segment->tuple.local_port = get16(bytes + 2);
    if (segment->tuple.remote_port == 0 || segment->tuple.local_port == 0)
        return WH_WHY_TCP_PORT_ZERO;
    segment->seq = get32(bytes + 4);
    segment->ack = get32(bytes + 8);
    segment->flags = get16(bytes + 12) & 0x1ff; /* reserved bits are ignored (RFC 9293 3.1) */
    segment->window = get16(bytes + 14);
    segment->urgent = get16(bytes + 18);
    segment->data = bytes + header;
    segment->length = (uint32_t)(length - header);
    segment_options_parse(&segment->options, bytes + HEADER, header - HEADER);
    return WH_WHY_NONE;
}

size_t segment_accecn_length(unsigned fields)
{
    return (LENGTH_ACCECN + LENGTH_ACCECN_FIELD * fields + 3U) & ~(size_t)3;
}

/* Bytes of everything but SACK blocks, each option with its padding. */
static size_t plain_options_length(const struct segment_options *options)
{
    uint8_t has = options->has;
    size_t length = 0;
    if (has & WH_HAS_MSS)
        length += 4;
    if (has & WH_HAS_TIMESTAMPS)
        length += 12; /* SACK-permitted takes the place of its two NOPs */
    else if (has & WH_HAS_SACK_PERMITTED)
        length += 4;
    if (has & WH_HAS_WINDOW_SCALE)
        length += 4;
    if (has & WH_HAS_FAST_OPEN)
        length += (LENGTH_FAST_OPEN + options->fast_open_length + 3U) & ~3U;
    if (has & WH_HAS_ACCECN)
        length += segment_accecn_length(options->accecn_fields);
    return length;
}

/* SACK blocks that find room behind the other options. */
static size_t sack_blocks_fitting(const struct segment_options *options)
{
    if (!(options->has & WH_HAS_SACK))
        return 0;
    size_t room = OPTIONS_MAX - plain_options_length(options);
    if (room < 4)
        return 0;
    return MIN(MIN((size_t)options->sacks, (size_t)WH_SACK_BLOCKS), (room - 4) / LENGTH_SACK_BLOCK);
}

size_t segment_options_length(const struct segment_options *options)
{
    size_t blocks = sack_blocks_fitting(options);
    return plain_options_length(options) + (blocks > 0 ? 4 + blocks * LENGTH_SACK_BLOCK : 0);
}

static uint8_t *write_sack(uint8_t *at, const struct segment_options *options)
{
    size_t blocks = sack_blocks_fitting(options);
    if (blocks == 0)
        return at;
    at[0] = KIND_NOP;
    at[1] = KIND_NOP;
    at[2] = KIND_SACK;
    at[3] = (uint8_t)(2 + blocks * LENGTH_SACK_BLOCK);
    at += 4;
    for (size_t i = 0; i < blocks; i++, at += LENGTH_SACK_BLOCK) {
        put32(at, options->sack[i].left);
        put32(at + 4, options->sack[i].right);
    }
    return at;
}

static uint8_t *write_fast_open(uint8_t *at, const struct segment_options *options)
{
    size_t padding = (LENGTH_FAST_OPEN + options->fast_open_length) % 4 != 0 ? 2 : 0;
    memset(at, KIND_NOP, padding);
    at += padding;
    at[0] = KIND_FAST_OPEN;
    at[1] = (uint8_t)(LENGTH_FAST_OPEN + options->fast_open_length);
    memcpy(at + 2, options->fast_open, options->fast_open_length);
    return at + at[1];
}

static uint8_t *write_accecn(uint8_t *at, const struct segment_options *options)
{
    size_t length = LENGTH_ACCECN + LENGTH_ACCECN_FIELD * (size_t)options->accecn_fields;
    size_t padding = segment_accecn_length(options->accecn_fields) - length;
    memset(at, KIND_NOP, padding);
    at += padding;
    at[0] = options->accecn_order == 0 ? KIND_ACCECN0 : KIND_ACCECN1;
    at[1] = (uint8_t)length;
    at += LENGTH_ACCECN;
    for (unsigned place = 0; place < options->accecn_fields; place++, at += LENGTH_ACCECN_FIELD) {
        uint32_t counter = options->accecn[accecn_field_at(options->accecn_order, place)];
        at[0] = (uint8_t)(counter >> 16);
        put16(at + 1, counter & UINT16_MAX);
    }
    return at;
}

/* Every option begins such that its numbers are aligned; returns the end. */
static uint8_t *write_options(uint8_t *at, const struct segment_options *options)
{
    if (options->has & WH_HAS_MSS) {
        put32(at, (uint32_t)KIND_MSS << 24 | (uint32_t)LENGTH_MSS << 16 | options->mss);
        at += 4;
    }
    if (options->has & WH_HAS_TIMESTAMPS) {
        put32(at, options->has & WH_HAS_SACK_PERMITTED
                      ? ALIGNED_SACK_PERMITTED | (ALIGNED_TIMESTAMPS & 0xffff)
                      : ALIGNED_TIMESTAMPS);
        put32(at + 4, options->tsval);
        put32(at + 8, options->tsecr);
        at += 12;
    } else if (options->has & WH_HAS_SACK_PERMITTED) {
        put32(at, ALIGNED_SACK_PERMITTED | (uint32_t)KIND_NOP << 8 | (uint32_t)KIND_NOP);
        at += 4;
    }
    if (options->has & WH_HAS_WINDOW_SCALE) {
        put32(at, ALIGNED_WINDOW_SCALE | options->window_scale);
        at += 4;
    }
    if (options->has & WH_HAS_FAST_OPEN) {
        at = write_fast_open(at, options);
    }
    if (options->has & WH_HAS_ACCECN) {
        at = write_accecn(at, options);
    }
    return write_sack(at, options);
}

size_t segment_build(uint8_t *at, const struct segment *segment)
{
    uint8_t *end = write_options(at + HEADER, &segment->options);
    size_t length = (size_t)(end - at);
    put16(at, segment->tuple.local_port);
    put16(at + 2, segment->tuple.remote_port);
    put32(at + 4, segment->seq);
    put32(at + 8, segment->ack);
    put16(at + 12, (uint32_t)(length / 4) << 12 | (segment->flags & 0x1ffU));
    put16(at + 14, segment->window);
    put16(at + 16, 0);
    put16(at + 18, segment->urgent);
    return length;
}
