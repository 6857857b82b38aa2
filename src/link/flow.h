/* SPDX-License-Identifier: MIT */
/*
 * What a path remembers of each TCP connection, for rules that count: in a table
 * of fixed size in which the connection unused for longest makes room.
 */
#ifndef WAVEHAND_LINK_FLOW_H
#define WAVEHAND_LINK_FLOW_H

#include <wavehand/link.h>

#include "base/siphash.h"
#include "link/fault.h"

/* A connection as the path sees it: the end on side A, the end on side B. */
struct flow_key {
    wh_addr addr[2];
    uint16_t port[2];
};
_Static_assert(sizeof(struct flow_key) == 36, "a key is hashed as bytes");

/* One direction of a connection. */
struct flow_half {
    uint32_t iss, next, fin; /* next: one past the highest number sent */
    bool syn, bare_syn;      /* a SYN was sent; one without ACK */
    bool next_known, fin_sent;
    uint64_t bytes; /* of data, each counted once */
    uint32_t count[KIND_COUNT];
};

struct flow {
    struct flow_key key;
    bool used;
    bool reset; /* by a rule: nothing of it passes any more */
    bool over;  /* a RST was seen */
    uint64_t touched;
    wh_time first;            /* its first segment */
    struct flow_half half[2]; /* by direction of travel */
};

struct flow_table {
    struct flow *flows;
    struct siphash_key key;
    uint64_t clock; /* counts uses, for recycling */
};

#define FLOW_WAYS 8
#define FLOW_SETS 2048

/* WH_E_NOMEM. */
int flow_table_init(struct flow_table *table, uint64_t k0, uint64_t k1);
void flow_table_free(struct flow_table *table);

/*
 * Takes note of a TCP segment. Returns its connection, and in *kinds a bit for
 * each segment_kind that it is; those kinds are counted.
 */
struct flow *flow_see(struct flow_table *table, const struct sight *sight, wh_direction direction,
                      wh_time now, unsigned *kinds);

#endif
