/* SPDX-License-Identifier: MIT */
/*
 * A captured packet, taken apart: which connection it belongs to, its segment, and
 * what else about it tells who made it and where it was seen.
 */
#ifndef WAVEHAND_EXPLAIN_PACKET_H
#define WAVEHAND_EXPLAIN_PACKET_H

#include "link/capture_read.h"
#include "wire/icmp.h"
#include "wire/segment.h"

/* What a packet is to us. */
enum packet_kind {
    PACKET_SEGMENT, /* a TCP segment */
    PACKET_ICMP,    /* an ICMP error about a TCP segment */
    PACKET_OTHER,   /* something else: another protocol, ARP ... */
    PACKET_PIECE,   /* a fragment that waits for the rest */
    PACKET_ODD,     /* cannot be taken apart; `reason` says why */
};

enum packet_sum {
    SUM_GOOD,
    SUM_UNFINISHED, /* as offloading leaves it: left for the device to complete */
    SUM_WRONG,      /* damaged: its receiver will have dropped it */
    SUM_UNKNOWN,    /* cut by the snap length, or asked not to look */
};

struct seen {
    enum packet_kind kind;
    wh_reason reason; /* PACKET_ODD */
    uint64_t number;  /* in its file, from 1 */
    wh_time when;     /* nanoseconds since 1970; of several files, on the first file's clock */
    uint32_t point;   /* which file, from 0 */
    uint32_t interface;
    /*
     * tuple.local is the source. segment.length counts all bytes of data there
     * were; data points to those that were captured. Of ICMP errors: the segment
     * they quote, ports and seq alone, tuple.local its source.
     */
    struct segment segment;
    uint32_t captured_data; /* bytes at segment.data */
    bool cut;               /* by the snap length, somewhere in the data */
    uint8_t nops;           /* of a SYN: the longest run of NOPs among its options */
    bool cut_header;        /* ... in the TCP options: what options there were is not known */
    bool outgoing,
        incoming; /* the capturing host's, as far as the capture says; both false: it does not */
    enum packet_sum sum;
    uint16_t ip_id;      /* IPv4 identification; 0 for IPv6 */
    uint32_t ip_length;  /* the whole IP packet */
    struct icmp icmp;    /* PACKET_ICMP */
    wh_addr icmp_source; /* who sent the error */
    const char *comment; /* of the packet in a pcapng file, or NULL */
};

struct fragments;

/*
 * Takes a captured frame apart. fragments: where pieces wait for the others, or
 * NULL to treat them as PACKET_OTHER. sums: verifies checksums of whole packets, or NULL.
 * What `seen` points to is valid until the next call with these fragments, and as
 * long as captured->frame is.
 */
void packet_see(struct seen *seen, const struct captured *captured, struct fragments *fragments,
                const struct checksum *sums);

/* "host unreachable", "packet too big" ... */
const char *packet_icmp_words(enum icmp_kind kind);

#endif
