/* SPDX-License-Identifier: MIT */
/* A path from the inside, for path.c (frames in and out) and mischief.c (rules). */
#ifndef WAVEHAND_LINK_PATH_H
#define WAVEHAND_LINK_PATH_H

#include <wavehand/link.h>

#include "base/checksum.h"
#include "link/dice.h"
#include "link/fault.h"
#include "link/flow.h"
#include "link/parcel.h"

/* Rules of one path. */
#define PATH_RULES_MAX 64
/* Frames held back at a time in one direction, waiting to be overtaken. */
#define PATH_LATE_MAX 8
/* Bytes under way in one direction; what comes beyond is dropped. */
#define PATH_BYTES_MAX ((size_t)256 << 20)

struct rule {
    struct fault fault;
    wh_time last[2];  /* jitter, rate: when the last frame came out, by direction */
    wh_time first[2]; /* silence, for frames of no connection: the first it met */
    bool met[2];
    bool bad[2]; /* bursts: a burst is going on */
};

/* One direction of travel. */
struct lane {
    struct underway underway;
    struct parcel *handed; /* lent out by wh_path_receive */
    struct parcel *late[PATH_LATE_MAX];
    unsigned lates;
    wh_path_stats stats;
};

struct wh_path {
    wh_link_kind link;
    uint32_t mtu;
    size_t queue_limit;
    struct dice dice;
    const struct checksum *sum;
    struct rule rules[PATH_RULES_MAX];
    unsigned rule_count;
    bool tracking; /* some rule needs the connections */
    struct flow_table flows;
    struct lane lane[2];
    uint64_t order;      /* of the last parcel */
    wh_path_note *notes; /* a ring */
    uint32_t note_room, note_first, note_count;
};

/* A parcel enters the path: every rule has its say. The parcel is the callee's. */
void mischief(wh_path *path, wh_direction direction, struct parcel *parcel, wh_time now);

/* Lets a parcel, all rules done with it, arrive when it is due. The parcel is the callee's. */
void path_carry(wh_path *path, wh_direction direction, struct parcel *parcel);

/* Adds a note, if notes are wanted; the oldest makes room. */
void path_note(wh_path *path, wh_direction direction, const struct sight *sight, wh_reason reason,
               wh_time now);

#endif
