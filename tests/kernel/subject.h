/* SPDX-License-Identifier: MIT */
/*
 * A TCP under test, seen from both of its sides: the application's calls and the wire.
 * Linux and wavehand each implement this. Connection `slot` is between port
 * SUBJECT_PORT + slot of the subject's and PEER_PORT + slot of the scripted peer's.
 */
#ifndef WAVEHAND_TESTS_KERNEL_SUBJECT_H
#define WAVEHAND_TESTS_KERNEL_SUBJECT_H

#include "cases.h"
#include "wire.h"

enum { SUBJECT_PORT = 10000, PEER_PORT = 30000, SLOTS = 2048 };

struct subject;

struct subject_kind {
    const char *name;
    /* The application's call; 0 or a wh_error. */
    int (*call)(struct subject *subject, unsigned slot, const struct step *step);
    /* A frame arrives. */
    void (*deliver)(struct subject *subject, const struct frame *frame);
    /* The next frame that left; false if there is none now. */
    bool (*collect)(struct subject *subject, struct frame *frame);
    /* Lets time pass, at most until something leaves. */
    void (*pass)(struct subject *subject, wh_time time);
    /* The subject's clock, whatever it is. */
    wh_time (*now)(struct subject *subject);
    wh_state (*state)(struct subject *subject, unsigned slot);
    /* What the application may still read: bytes, then why it may read no more (0: the end of file,
     * else a wh_error). Takes it from the accept queue if need be; WH_E_NOENT: it has no handle. */
    int (*read)(struct subject *subject, unsigned slot, size_t *bytes);
    void (*free)(struct subject *subject);
};

struct subject {
    const struct subject_kind *kind;
    bool six;
    bool small; /* the next LISTEN or CONNECT has a small receive buffer */
};

struct subject *subject_linux(bool six);
struct subject *subject_wavehand(bool six);

#endif
