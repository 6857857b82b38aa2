/* SPDX-License-Identifier: MIT */
/* A TCP segment, parsed once, and the building of TCP headers (RFC 9293 3.1, 3.2). No state. */
#ifndef WAVEHAND_WIRE_SEGMENT_H
#define WAVEHAND_WIRE_SEGMENT_H

#include <wavehand/wavehand.h>

/* Both ends of a connection as seen from this host: the key of every lookup; has no padding. */
struct tuple {
    wh_addr local, remote;
    uint16_t local_port, remote_port;
};
_Static_assert(sizeof(struct tuple) == 36, "a tuple is hashed as bytes");

/* RFC 7413 4.1.1: a cookie has 4 to 16 bytes, an even number. */
#define FAST_OPEN_LEAST 4
#define FAST_OPEN_MOST 16

/* The counters of an Accurate ECN option, and how many an option carries at most (RFC 9768 3.2.3). */
enum accecn_field { ACCECN_E0B, ACCECN_CEB, ACCECN_E1B, ACCECN_FIELDS };
/* A counter on the wire is the low 24 bits of the one it tells. */
#define ACCECN_MASK UINT32_C(0xffffff)

struct sack_block {
    uint32_t left, right;
};

/* The options of one segment; `has` (WH_HAS_...) tells which fields count. */
struct segment_options {
    uint8_t has;
    uint8_t window_scale; /* as offered, not yet clamped to 14 */
    uint8_t sacks;        /* blocks in sack[] */
    bool malformed;       /* an impossible length was met; what stood before it counts */
    uint16_t mss;
    uint8_t fast_open_length;       /* bytes of the cookie; 0: one is asked for (RFC 7413 4.1.1) */
    const uint8_t *fast_open;       /* the cookie, where it stands in the frame or is kept */
    uint8_t accecn_order;           /* 0: E0B, CEB, E1B (kind 172); 1: E1B, CEB, E0B (kind 174) */
    uint8_t accecn_fields;          /* how many of them, from the first */
    uint32_t accecn[ACCECN_FIELDS]; /* by enum accecn_field, whatever their order */
    uint32_t tsval, tsecr;
    struct sack_block sack[WH_SACK_BLOCKS];
};

/* Which counter stands in this place of an Accurate ECN option of this order. */
static inline enum accecn_field accecn_field_at(unsigned order, unsigned place)
{
    return order == 0 ? place : ACCECN_FIELDS - 1 - place;
}
/* Does the segment's Accurate ECN option carry this counter? */
static inline bool accecn_tells(const struct segment_options *options, enum accecn_field field)
{
    unsigned place = accecn_field_at(options->accecn_order, field); /* its own inverse */
    return (options->has & WH_HAS_ACCECN) && place < options->accecn_fields;
}

/* What one frame brings to a run of segments that follow each other without a gap. */
struct piece {
    const uint8_t *data;
    uint32_t length;
    uint16_t flags;
    void *buffer; /* as segment.buffer */
};

struct segment {
    struct tuple tuple;
    uint32_t seq, ack;
    uint16_t flags;  /* WH_FIN ... WH_AE */
    uint16_t window; /* as in the header, unscaled */
    uint16_t urgent;
    uint8_t hops;          /* TTL or hop limit it arrived with */
    uint8_t traffic_class; /* DSCP and ECN bits it arrived with */
    uint16_t segment_size; /* of a super-segment, else 0 */
    uint32_t length;       /* bytes of data at `data` */
    const uint8_t *data;
    struct segment_options options;
    uint64_t frame; /* number of the frame it came in */
    void *buffer;   /* the stack's own buffer that data lies in, or NULL */
    const struct piece
        *piece; /* of a run: where its data really lies, `length` all together; or NULL */
    uint32_t pieces;
};

/* SEG.LEN of RFC 9293: SYN and FIN take a number each. */
static inline uint32_t segment_length(const struct segment *segment)
{
    return segment->length + ((segment->flags & WH_SYN) != 0) + ((segment->flags & WH_FIN) != 0);
}

/*
 * Parses the TCP header in bytes[length] (from the TCP header to the end of the
 * IP payload) into segment: ports, seq ... options, data, length. Addresses and
 * what comes from IP are the caller's. Never reads past length. Does not verify
 * the checksum. Answers WH_WHY_NONE, or why the segment must be dropped.
 */
wh_reason segment_parse(struct segment *segment, const uint8_t *bytes, size_t length);

/* Parses an option area by itself (also for captures). */
void segment_options_parse(struct segment_options *options, const uint8_t *bytes, size_t length);

#define SEGMENT_HEADER_MAX 60

/*
 * Writes a TCP header with options (padded with NOP to a multiple of 4) to
 * at[SEGMENT_HEADER_MAX]; the checksum field is zero. SACK blocks that do not fit
 * are left out. Returns its length.
 */
size_t segment_build(uint8_t *at, const struct segment *segment);
/* Bytes that segment_build would use for these options alone. */
size_t segment_options_length(const struct segment_options *options);
/* ... for an Accurate ECN option with so many counters, its padding included. */
size_t segment_accecn_length(unsigned fields);

#endif
