/* SPDX-License-Identifier: MIT */
/*
 * What is put to Linux and to wavehand alike. A case brings a TCP into a state, then
 * does a few things to it, one after the other: segments and ICMP messages that
 * arrive, calls of its application. Its answers are put into words (replies.h), and
 * these are compared.
 *
 * Numbers are the scripted peer's: `seq` counts from its next number, `ack` from all
 * that the TCP under test has sent, so that zero is what is natural. A segment with
 * natural numbers is part of the peer's stream; any other leaves no trace in it.
 */
#ifndef WAVEHAND_TESTS_KERNEL_CASES_H
#define WAVEHAND_TESTS_KERNEL_CASES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <wavehand/wavehand.h>

#include "wire/icmp.h"

/* Where `seq` counts from. */
enum place {
    AT_NEXT,   /* the peer's next number: the host's RCV.NXT */
    AT_EDGE,   /* the right edge of the host's window */
    AT_FIRST,  /* the peer's SYN */
    AT_HALF,   /* half way round from the next number */
    AT_OWN_SYN /* for `ack`, and what ICMP quotes: the host's own SYN */
};

enum spoil { WHOLE, WRONG_CHECKSUM, SHORT_OFFSET, LONG_OFFSET };

enum act {
    NOTHING, /* the end of the list */
    SEGMENT, /* arrives */
    MESSAGE, /* an ICMP error arrives, quoting the host's last segment */
    FILL,    /* data arrives until the host's window is shut */
    LISTEN,  /* calls of the host's application from here on */
    UNLISTEN,
    ACCEPT,
    CONNECT,
    SEND,
    RECEIVE,
    SHUTDOWN,
    CLOSE,
    ABORT,
};

struct step {
    enum act act;
    uint16_t flags;
    enum place from, ack_from;
    int32_t seq, ack;
    uint16_t data;    /* bytes; of a SEND too */
    uint8_t options;  /* WH_HAS_...; timestamps by themselves once both SYNs had them */
    bool bare;        /* ... but not on this one */
    int32_t stamp;    /* added to the timestamp that is natural */
    bool shut;        /* the peer's window is zero */
    enum spoil spoil; /* made wrong */
    const char *raw;  /* these bytes in place of all options, a multiple of four */
    uint8_t raw_length;
    uint16_t times; /* arrives so often, at once; 0 is once */
    enum icmp_kind kind;
};

/* A way into a state; the SYN bears the case's options. */
struct way {
    const char *name;
    wh_state state;
    const struct way *before; /* NULL: begins from nothing */
    struct step steps[4];
};

enum { WAYS = 8, STEPS = 6 };

/* For `mss`: the SYN has none. */
#define NO_MSS 65535

struct scenario {
    const char *ids, *title;
    const struct way *in[WAYS];
    uint8_t options; /* of the peer's SYN beside MSS */
    uint16_t mss;    /* on that SYN; 0 is 1000 */
    bool small;      /* a small receive buffer */
    struct step steps[STEPS];
};

extern const struct scenario scenarios[];
extern const size_t scenario_count;

/* A difference between the answers, and why there is one. */
struct difference {
    const char *ids, *title; /* of the case; it may have several differences */
    const char *states;      /* the ways in that show it, in the case's order */
    const char *linux;       /* its answer in words */
    const char *wavehand;    /* and ours */
    const char *why, *section;
    const char *kernels; /* which of them, where it is not the one named below */
    const char *family;  /* "IPv4", "IPv6", or NULL for both */
};

/* The kernel that all differences without `kernels` are seen with; on another one may be missing. */
#define DIFFERENCES_SEEN "6.18"

extern const struct difference differences[];
extern const size_t difference_count;

#endif
