/* SPDX-License-Identifier: MIT */
/*
 * The table of datagram flows: which socket of the host speaks for which pair of
 * endpoints. Bounded: at the limit the flow that has been silent longest gives
 * way. A flow stands in the list of its class, whose timeout is one constant, so
 * the list is in order of expiry and every operation is O(1).
 */
#ifndef WAVEHAND_RELAY_DATAGRAMS_H
#define WAVEHAND_RELAY_DATAGRAMS_H

#include <wavehand/wavehand.h>

#include "base/list.h"
#include "base/siphash.h"

/* X(class, seconds without traffic) */
#define DATAGRAM_CLASSES(X)                                                                        \
    X(FRESH, 30)     /* no answer yet (RFC 4787 4.3 has no lower bound for these) */               \
    X(ANSWERED, 120) /* RFC 4787 4.3: two minutes at least */                                      \
    X(LOOKUP, 10)    /* a name: resolvers give up on a server after five seconds */                \
    X(PING, 20)

#define DATAGRAM_ENUM(id, seconds) DATAGRAM_##id,
enum datagram_class { DATAGRAM_CLASSES(DATAGRAM_ENUM) DATAGRAM_CLASS_COUNT };
#undef DATAGRAM_ENUM

enum { DATAGRAM_FLOWS = 4096, DATAGRAM_BUCKETS = 4096 };

/* Bytes of the key are compared whole: clear it before filling it in. */
struct datagram_key {
    wh_addr local, remote;            /* the far end, and the program */
    uint16_t local_port, remote_port; /* echo: 0, and the identifier */
    uint32_t kind;                    /* wh_dgram_kind */
};

struct datagram_flow;

struct datagrams {
    struct siphash_key key;
    struct datagram_flow *bucket[DATAGRAM_BUCKETS];
    struct list list[DATAGRAM_CLASS_COUNT]; /* the longest silent first */
    struct datagram_flow *dead;             /* may still be named by the events of this turn */
    size_t count, limit;
};

/* limit: most flows; DATAGRAM_FLOWS for all relays together. */
void datagrams_init(struct datagrams *table, const struct siphash_key *key, size_t limit);
struct datagram_flow *datagrams_find(struct datagrams *table, const struct datagram_key *key);
/* A new flow without a socket (-1), its own key's; makes room if need be. NULL without memory. */
struct datagram_flow *datagrams_add(struct datagrams *table, const struct datagram_key *key,
                                    enum datagram_class class, wh_time now);
/* There was traffic: the flow's time begins anew, in this class. */
void datagrams_touch(struct datagrams *table, struct datagram_flow *flow, enum datagram_class class,
                     wh_time now);
/* Closes the flow's socket and takes it out of the table. */
void datagrams_remove(struct datagrams *table, struct datagram_flow *flow);
void datagrams_expire(struct datagrams *table, wh_time now);
/* When the next flow expires, or WH_NEVER. */
wh_time datagrams_wake(const struct datagrams *table);
/* Frees what was removed since the last call. */
void datagrams_bury(struct datagrams *table);
void datagrams_free(struct datagrams *table);

#endif
