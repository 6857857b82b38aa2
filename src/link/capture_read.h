/* SPDX-License-Identifier: MIT */
/* Captures, read: files of pcap and pcapng, also compressed by gzip, and live ones through libpcap. */
#ifndef WAVEHAND_LINK_CAPTURE_READ_H
#define WAVEHAND_LINK_CAPTURE_READ_H

#include <wavehand/wavehand.h>

struct capture_reader;

struct captured {
    uint64_t number;         /* from 1, as Wireshark counts */
    uint64_t when;           /* nanoseconds since 1970 */
    const uint8_t *frame;    /* as captured, with its link header; valid until the next read */
    uint32_t length;         /* bytes captured */
    uint32_t wire_length;    /* bytes there were */
    const uint8_t *ip;       /* the IP packet in it, or NULL if it carries none */
    uint32_t ip_length;      /* bytes of it that were captured */
    uint32_t interface;      /* of the file, from 0, in the order in which it describes them */
    bool outgoing, incoming; /* as the file says; neither: it does not */
    const char *comment;     /* of this packet, or NULL; valid until the next read */
};

/*
 * Opens a file ("-": standard input). On failure returns a wh_error and writes a
 * line for people to error: WH_E_IO for what cannot be read, WH_E_INVAL for a kind
 * of link that is not understood.
 */
int capture_reader_open(struct capture_reader **reader, const char *file, char *error,
                        size_t error_size);
/*
 * Takes the next frame. 1; 0 at the end; WH_E_IO, with a line in error, where the
 * file is damaged or cut short.
 */
int capture_reader_next(struct capture_reader *reader, struct captured *captured, char *error,
                        size_t error_size);
/* Packets that the capture itself lost, as far as it has told by now. */
uint64_t capture_reader_lost(const struct capture_reader *reader);
/* What is to be told of the file besides, or NULL: frames of a link that is not understood. */
const char *capture_reader_note(struct capture_reader *reader);

/* Of a live capture: nothing waits. */
#define CAPTURE_NOTHING_YET 2
/*
 * Captures on an interface ("any": on all) from now on; filter: in pcap-filter(7)'s
 * language, or NULL. capture_reader_next then does not wait: poll the descriptor.
 * Errors as capture_reader_open.
 */
int capture_reader_live(struct capture_reader **reader, const char *interface, const char *filter,
                        char *error, size_t error_size);
/* To poll, or -1. */
int capture_reader_fd(const struct capture_reader *reader);
void capture_reader_close(struct capture_reader *reader);

#endif
