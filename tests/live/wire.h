/* SPDX-License-Identifier: MIT */
/*
 * A wire between two hosts in virtual time. Frames take one fixed time to cross it
 * and keep their order, unless a judge, who sees every frame as it is put on the
 * wire, says what harm comes to it. The wire counts frames; those of both
 * directions have one numbering.
 */
#ifndef WAVEHAND_LIVE_WIRE_H
#define WAVEHAND_LIVE_WIRE_H

#include <wavehand/wavehand.h>

/* X(identifier, word for the command line, what a title says) */
#define HARMS(X)                                                                                   \
    X(NONE, "none", "undisturbed")                                                                 \
    X(DROP, "drop", "dropped")                                                                     \
    X(DOUBLE, "double", "duplicated at once")                                                      \
    X(ECHO, "echo", "duplicated 100 ms later")                                                     \
    X(SWAP, "swap", "delayed behind the next")                                                     \
    X(DELAY, "delay", "delayed by 300 ms")

#define HARM_ENUM(id, word, title) HARM_##id,
enum harm { HARMS(HARM_ENUM) HARM_KINDS };
#undef HARM_ENUM

#define WIRE_DELAY (10 * WH_MILLISECOND)

struct parcel {
    struct parcel *next;
    wh_time due;
    uint32_t length;
    bool swapped; /* waits for the next of its direction, or for `due` */
    uint8_t bytes[];
};

/* One direction. */
struct lane {
    struct parcel *first, *last; /* in the order of sending, and of `due` */
    struct parcel *late;         /* out of that order, earliest first */
};

struct wire {
    struct lane lane[2]; /* by the side that sends */
    bool loop;           /* what a host sends comes back to it; there is no other */
    uint64_t frames;     /* ever put on the wire */
    uint64_t foreign;    /* of them not TCP */
    enum harm (*judge)(void *context, int from, uint64_t number, uint8_t *bytes, size_t length);
    void *context;
};

/* Puts a frame on the wire; its bytes are copied. */
void wire_send(struct wire *wire, int from, const wh_frame *frame, wh_time now);
/* Takes the next frame for a side that has arrived by `now`, or NULL; the caller frees it. */
struct parcel *wire_take(struct wire *wire, int side, wh_time now);
/* When the next frame arrives, or WH_NEVER. */
wh_time wire_wake(const struct wire *wire);
void wire_clear(struct wire *wire);

#endif
