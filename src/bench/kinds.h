/* SPDX-License-Identifier: MIT */
/* The kinds of work that rows are made of, and their parameters. */
#ifndef WAVEHAND_BENCH_KINDS_H
#define WAVEHAND_BENCH_KINDS_H

#include <stdbool.h>
#include <stdint.h>

#include "bench/bench.h"
#include "bench/world.h"

/* One connection, one way, as much as goes. Gbit/s of payload. */
struct bulk {
    uint32_t mtu;    /* bytes of a packet */
    bool super;      /* over a link that cuts super-segments and makes checksums */
    bool reference;  /* sent from where the bytes lie (wh_send_ref), not copied */
    uint32_t buffer; /* bytes of queue and window; 0: 256 KiB */
    wh_time rtt;     /* of a path of 10 Gbit/s; 0: back to back */
};
extern const struct bench_kind bulk_kind;

/* Open, a byte each way, close by both sides. Connections a second. */
struct lifecycle {
    uint32_t in_flight; /* at once */
    uint32_t time_wait; /* entries that stand in TIME-WAIT all the while; 0: as few as can be */
};
extern const struct bench_kind lifecycle_kind;

/* A message of 64 bytes there and back, then the next. Round trips a second. */
struct round_trips {
    uint32_t idle; /* connections beside the one that speaks */
    bool among;    /* the idle ones take turns to speak */
};
extern const struct bench_kind round_trips_kind;

/* What a record costs when nothing happens. Bytes. */
enum record {
    RECORD_ESTABLISHED, /* an endpoint, at rest after 64 KiB went each way */
    RECORD_HALF_OPEN,
    RECORD_IN_TIME_WAIT,
};
struct memory_cost {
    enum record record;
    bool resident;  /* as the system counts (RSS); else what the stack asks its hooks for */
    uint32_t count; /* records that share what there is but once; 0: as the plan has time for */
};
extern const struct bench_kind memory_kind;

/* So many pairs established in one process, then all closed. GiB at the most. */
struct crowd {
    uint32_t pairs;
};
extern const struct bench_kind crowd_kind;

/* Another row's work on two cores at once, nothing shared, as a multiple of the same on one. */
struct cores {
    const char *row;
};
extern const struct bench_kind cores_kind;

/* What all kinds' worlds have from the plan. NULL, and the task has failed, if there is none. */
struct world *bench_world(struct bench_task *task, struct world_options *options);

#endif
