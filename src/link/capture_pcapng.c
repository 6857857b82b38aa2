/* SPDX-License-Identifier: MIT */
/*
 * pcapng (draft-ietf-opsawg-pcapng): blocks, each with its length in front and at
 * its end. Several sections with interfaces of their own may follow each other.
 * libpcap reads the format too, but refuses files with several link types and does not tell
 * which interface a packet came from, what its comment is, which way it went, and
 * how many packets the capture lost.
 */
#include <string.h>

#include "link/capture_parts.h"

enum {
    BLOCK_SECTION = 0x0a0d0d0a,
    BLOCK_INTERFACE = 1,
    BLOCK_PACKET_OLD = 2,
    BLOCK_SIMPLE = 3,
    BLOCK_STATISTICS = 5,
    BLOCK_PACKET = 6,
    BYTE_ORDER = 0x1a2b3c4d,
    BLOCK_LEAST = 12,
    OPTION_COMMENT = 1,
    OPTION_FLAGS = 2,
    OPTION_DROPPED = 4,
    OPTION_RESOLUTION = 9,
    OPTION_OFFSET = 14,
    OPTION_IF_DROPPED = 5,
    OPTION_OS_DROPPED = 7,
    DIRECTION_IN = 1,
    DIRECTION_OUT = 2,
};

/* What is left of a block to be looked at. */
struct rest {
    const uint8_t *at;
    size_t length;
};

struct option {
    uint16_t code, length;
    const uint8_t *value;
};

/* The next option; false at their end, and at one that does not fit. */
static bool next_option(const struct capture_reader *reader, struct rest *rest,
                        struct option *option)
{
    if (rest->length < 4) {
        return false;
    }
    option->code = capture_u16(reader, rest->at);
    option->length = capture_u16(reader, rest->at + 2);
    option->value = rest->at + 4;
    size_t padded = 4 + ((size_t)option->length + 3) / 4 * 4;
    if (option->code == 0 || padded > rest->length) {
        return false;
    }
    rest->at += padded;
    rest->length -= padded;
    return true;
}

/* ------------------------------------------------------------------ blocks -- */

static bool take_section(struct capture_reader *reader, const uint8_t *body)
{
    reader->section = reader->interfaces;
    return capture_u32(reader, body) == BYTE_ORDER;
}

static bool take_interface(struct capture_reader *reader, struct rest rest)
{
    if (rest.length < 8) {
        return false;
    }
    struct capture_interface *interface =
        capture_interface_add(reader, capture_u16(reader, rest.at));
    if (interface == NULL) {
        return false;
    }
    interface->snap = capture_u32(reader, rest.at + 4);
    interface->exponent = 6;
    struct option option;
    rest.at += 8;
    rest.length -= 8;
    while (next_option(reader, &rest, &option)) {
        if (option.code == OPTION_RESOLUTION && option.length >= 1) {
            interface->binary = (option.value[0] & 0x80) != 0;
            interface->exponent = option.value[0] & 0x7f;
        } else if (option.code == OPTION_OFFSET && option.length == 8) {
            interface->offset = (int64_t)capture_u64(reader, option.value);
        }
    }
    return true;
}

static void take_statistics(struct capture_reader *reader, struct rest rest)
{
    uint32_t number = rest.length >= 12 ? capture_u32(reader, rest.at) : UINT32_MAX;
    if (number >= reader->interfaces - reader->section) {
        return;
    }
    struct option option;
    uint64_t dropped = 0;
    rest.at += 12;
    rest.length -= 12;
    while (next_option(reader, &rest, &option)) {
        if ((option.code == OPTION_IF_DROPPED || option.code == OPTION_OS_DROPPED) &&
            option.length == 8) {
            dropped += capture_u64(reader, option.value);
        }
    }
    reader->interface[reader->section + number].dropped = dropped;
}

/* Ticks of an interface's clock as nanoseconds since 1970; what does not fit becomes 0. */
static wh_time to_time(const struct capture_interface *interface, uint64_t ticks)
{
    uint64_t seconds, fraction;
    if (interface->binary) {
        if (interface->exponent > 63) {
            return 0;
        }
        seconds = ticks >> interface->exponent;
        fraction = ticks & ((UINT64_C(1) << interface->exponent) - 1);
        unsigned shift = interface->exponent > 33 ? interface->exponent - 33U : 0;
        fraction = (fraction >> shift) * WH_SECOND >> (interface->exponent - shift);
    } else {
        uint64_t unit = 1;
        for (unsigned i = 0; i < interface->exponent && i < 19; i++) {
            unit *= 10;
        }
        seconds = ticks / unit;
        fraction = unit >= WH_SECOND ? ticks % unit / (unit / WH_SECOND)
                                     : ticks % unit * (WH_SECOND / unit);
    }
    seconds += (uint64_t)interface->offset;
    return seconds < UINT64_MAX / WH_SECOND ? seconds * WH_SECOND + fraction : 0;
}

static void take_options(struct capture_reader *reader, struct captured *captured, struct rest rest)
{
    struct option option;
    while (next_option(reader, &rest, &option)) {
        if (option.code == OPTION_FLAGS && option.length == 4) {
            uint32_t direction = capture_u32(reader, option.value) & 3;
            captured->incoming = direction == DIRECTION_IN;
            captured->outgoing = direction == DIRECTION_OUT;
        } else if (option.code == OPTION_DROPPED && option.length == 8) {
            reader->lost += capture_u64(reader, option.value);
        } else if (option.code == OPTION_COMMENT && captured->comment == NULL) {
            size_t n = option.length < CAPTURE_COMMENT - 1 ? option.length : CAPTURE_COMMENT - 1;
            memcpy(reader->comment, option.value, n);
            reader->comment[n] = '\0';
            captured->comment = reader->comment;
        }
    }
}

/* The enhanced packet block, and the obsolete one, which differs in its first words. */
static int take_packet(struct capture_reader *reader, struct rest rest, bool old,
                       struct captured *captured)
{
    if (rest.length < 20) {
        return -1;
    }
    uint32_t number = old ? capture_u16(reader, rest.at) : capture_u32(reader, rest.at);
    uint64_t high = capture_u32(reader, rest.at + 4), low = capture_u32(reader, rest.at + 8);
    uint32_t length = capture_u32(reader, rest.at + 12), wire = capture_u32(reader, rest.at + 16);
    if (number >= reader->interfaces - reader->section || length > rest.length - 20) {
        return -1;
    }
    number += reader->section;
    capture_fill(reader, captured, number, rest.at + 20, length, wire);
    captured->when = to_time(&reader->interface[number], high << 32 | low);
    reader->last = captured->when;
    size_t padded = 20 + ((size_t)length + 3) / 4 * 4;
    if (padded < rest.length) {
        take_options(reader, captured, (struct rest){ rest.at + padded, rest.length - padded });
    }
    return 1;
}

/* A packet of the first interface, without a time: it gets that of the one before. */
static int take_simple(struct capture_reader *reader, struct rest rest, struct captured *captured)
{
    if (rest.length < 4 || reader->section >= reader->interfaces) {
        return -1;
    }
    uint32_t wire = capture_u32(reader, rest.at), length = wire;
    uint32_t snap = reader->interface[reader->section].snap;
    length = snap != 0 && snap < length ? snap : length;
    length = length > rest.length - 4 ? (uint32_t)(rest.length - 4) : length;
    capture_fill(reader, captured, reader->section, rest.at + 4, length, wire);
    captured->when = reader->last;
    return 1;
}

/* ----------------------------------------------------------------- reading -- */

/* A whole block, checked. NULL at the end, or with *damage set. */
static const uint8_t *take_block(struct capture_reader *reader, uint32_t *kind, uint32_t *length,
                                 const char **damage)
{
    struct capture_stream *stream = &reader->stream;
    const uint8_t *head = capture_stream_peek(stream, BLOCK_LEAST);
    if (head == NULL) {
        *damage = capture_stream_left(stream) == 0 ? NULL : capture_stream_trouble(stream);
        return NULL;
    }
    *kind = capture_u32(reader, head);
    if (*kind == BLOCK_SECTION) {
        /* Its byte order holds from its own length on. */
        reader->swapped = head[8] != 0x4d;
    }
    *length = capture_u32(reader, head + 4);
    if (*length < BLOCK_LEAST || *length % 4 != 0 || *length > CAPTURE_RECORD_MOST) {
        *damage = "the file is damaged: a block has an impossible length";
        return NULL;
    }
    const uint8_t *block = capture_stream_take(stream, *length);
    if (block == NULL) {
        *damage = capture_stream_trouble(stream);
    } else if (capture_u32(reader, block + *length - 4) != *length) {
        *damage = "the file is damaged: the two lengths of a block differ";
        block = NULL;
    }
    return block;
}

int pcapng_take(struct capture_reader *reader, struct captured *captured, const char **damage)
{
    uint32_t kind, length;
    const uint8_t *block;
    while ((block = take_block(reader, &kind, &length, damage)) != NULL) {
        struct rest rest = { block + 8, length - BLOCK_LEAST };
        int taken = 0;
        switch (kind) {
        case BLOCK_SECTION:
            taken = rest.length >= 16 && take_section(reader, rest.at) ? 0 : -1;
            break;
        case BLOCK_INTERFACE: taken = take_interface(reader, rest) ? 0 : -1; break;
        case BLOCK_STATISTICS: take_statistics(reader, rest); break;
        case BLOCK_PACKET: taken = take_packet(reader, rest, false, captured); break;
        case BLOCK_PACKET_OLD: taken = take_packet(reader, rest, true, captured); break;
        case BLOCK_SIMPLE: taken = take_simple(reader, rest, captured); break;
        default: break; /* names, keys, what others invent */
        }
        if (taken != 0) {
            *damage = "the file is damaged: a block does not hold what it must";
            return taken;
        }
    }
    return *damage == NULL ? 0 : -1;
}
