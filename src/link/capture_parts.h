/* SPDX-License-Identifier: MIT */
/* The insides of the capture reader: one file for each format, and what they share. */
#ifndef WAVEHAND_LINK_CAPTURE_PARTS_H
#define WAVEHAND_LINK_CAPTURE_PARTS_H

#include "link/capture_read.h"
#include "link/capture_stream.h"

#define CAPTURE_COMMENT 256

/* What packets were captured on. */
struct capture_interface {
    uint32_t link;    /* LINKTYPE_... of the file */
    uint32_t snap;    /* bytes of a packet at most; 0: no limit told */
    bool binary;      /* times count powers of two of a second ... */
    uint8_t exponent; /* ... or of ten: this one */
    int64_t offset;   /* seconds to be added */
    uint64_t dropped; /* by the last statistics of it */
    bool told;        /* that its kind of link is not understood */
};

struct capture_reader {
    struct capture_stream stream;
    char *name;
    uint64_t number;
    bool swapped; /* numbers in the file are in the other byte order */
    bool pcapng;
    struct capture_interface *interface;
    uint32_t interfaces, room;
    uint32_t section; /* first interface of the present section */
    wh_time last;     /* of the last packet, for those without */
    uint64_t lost;    /* before single packets, as they say */
    char comment[CAPTURE_COMMENT];
    char note[200]; /* to be told, once */
    void *live;     /* a pcap_t, or NULL */
};

static inline uint16_t capture_u16(const struct capture_reader *reader, const uint8_t *at)
{
    uint32_t value = at[0] | (uint32_t)at[1] << 8;
    return (uint16_t)(reader->swapped ? value << 8 | value >> 8 : value);
}

static inline uint32_t capture_u32(const struct capture_reader *reader, const uint8_t *at)
{
    uint32_t low = capture_u16(reader, at), high = capture_u16(reader, at + 2);
    return reader->swapped ? low << 16 | high : high << 16 | low;
}

static inline uint64_t capture_u64(const struct capture_reader *reader, const uint8_t *at)
{
    uint64_t low = capture_u32(reader, at), high = capture_u32(reader, at + 4);
    return reader->swapped ? low << 32 | high : high << 32 | low;
}

/* Adds an interface; NULL when there is no memory, or there are too many. */
struct capture_interface *capture_interface_add(struct capture_reader *reader, uint32_t link);
/* Fills in what every format knows (number: of the interface), and finds the IP packet in the frame. */
void capture_fill(struct capture_reader *reader, struct captured *captured, uint32_t number,
                  const uint8_t *frame, uint32_t length, uint32_t wire_length);
/* False if frames of this kind of link (LINKTYPE_...) are not understood. */
bool capture_link_known(uint32_t link);
/* Where the IP packet is in a frame, and what the link says of its direction. */
void capture_link_look(uint32_t link, struct captured *captured);

/*
 * Each format: what follows the magic number is read. begin: false when the header is
 * not whole; next: 1 a packet, 0 a clean end, -1 damage, told in *damage.
 */
bool pcap_begin(struct capture_reader *reader, const uint8_t magic[4]);
int pcap_take(struct capture_reader *reader, struct captured *captured, const char **damage);
int pcapng_take(struct capture_reader *reader, struct captured *captured, const char **damage);

/* capture_live.c */
int capture_live_next(struct capture_reader *reader, struct captured *captured, char *error,
                      size_t error_size);
uint64_t capture_live_lost(const struct capture_reader *reader);
void capture_live_close(struct capture_reader *reader);

#endif
