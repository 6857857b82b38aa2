/* SPDX-License-Identifier: MIT */
/*
 * The host: it owns every record, finds the one a segment belongs to, and settles
 * what a change of state means: a connection in TIME-WAIT becomes a compact entry, a
 * half-open entry becomes a connection, what is over leaves the table.
 *
 * The files around this header:
 *   stack.c      making and freeing, options        batch.c, arrive.c    frames in
 *   coalesce.c   runs of segments in a batch        buffers.c            what frames lie in
 *   emission.c   timers, frames out                 settle.c     records change kind
 *   listen.c     listeners, half-open entries       held.c       SYNs the application decides
 *   cookie.c     SYN cookies                        fast_open.c  connections from the SYN on
 *   connect.c    active open, ports, user calls     time_wait_table.c
 *   addresses.c  ours, source selection   hop.c, neighbour.c     next hops, ARP, neighbour discovery
 *   datagram.c   UDP and echo sockets               icmp.c       errors and echo
 *   events.c     what wh_events tells               inspect.c    walks, statistics, invariants
 */
#ifndef WAVEHAND_STACK_STACK_H
#define WAVEHAND_STACK_STACK_H

#include "stack/demux.h"
#include "stack/neighbour.h"
#include "stack/time_wait_table.h"
#include "tcp/half_open.h"
#include "tcp/protocol.h"
#include "wire/icmp.h"
#include "wire/ip.h"

/* Kinds of record that the demultiplexer names. */
enum record_kind {
    RECORD_CONNECTION,
    RECORD_HALF_OPEN,
    RECORD_TIME_WAIT,
    RECORD_HELD,
};

#define LISTENER_BUCKETS 64
#define MAX_LISTENERS 65535
#define MAX_ADDRESSES 16
/* UDP and ICMP packets that may wait for the link. */
#define MAX_PACKETS 4096

struct wh_listener {
    struct record record; /* LISTEN */
    bool hold, any_port;
    uint16_t number; /* in the stack's directory of listeners */
    wh_endpoint local;
    uint32_t backlog;
    uint32_t waiting; /* established, not yet accepted */
    uint32_t half_open;
    uint32_t fast_open;   /* most connections opened early and not yet confirmed; 0: off */
    uint32_t unconfirmed; /* of those */
    uint32_t resets,
        resets_before; /* reset before they were confirmed, in this minute and the last */
    wh_time resets_since;
    wh_time cookies_until; /* an ACK may acknowledge a SYN cookie before this time */
    struct list accept_queue;
    struct link bucket_link, event_link;
    struct wh_stack *host;
    void *user;
};

/* A SYN that the application decides about; still LISTEN in the state table. */
struct wh_syn {
    struct record record;
    bool offered, told_offered; /* WH_OFFERED is to be told, was told */
    bool withdrawn, told_withdrawn;
    uint32_t index;
    uint32_t prior; /* TIME-WAIT entry it would reopen, or 0 */
    struct segment syn;
    wh_time expires;
    struct link age_link, event_link;
    struct wh_stack *host;
    void *user;
};

struct address {
    wh_addr addr;
    wh_addr broadcast; /* of its IPv4 network (RFC 1122 3.2.1.3); all zero: there is none */
    uint8_t prefix;    /* of the 128-bit form */
};

struct half_open_queue {
    uint32_t first, last; /* indexes, 0: empty */
};

/* An outgoing packet that belongs to no connection: UDP, ICMP, ARP. */
struct packet_queue {
    struct chunk *head, *tail;
    uint32_t count;
};

/* The tuple of the last good segment: the next one's is often the same, and judged already. */
struct recent {
    struct tuple tuple;
    uint32_t hash; /* for the demultiplexer */
    bool known;    /* the above hold */
};

struct wh_stack {
    struct tcp tcp; /* first: a connection's tcp is its stack */
    wh_config config;

    struct demux demux;
    struct recent recent;
    struct pool connections, half_opens, helds;
    struct time_wait_table time_waits;
    struct half_open_queue half_open_queue[HALF_OPEN_WAITS];
    struct list held_by_age;

    struct list listeners[LISTENER_BUCKETS];
    struct list any_port_listeners;
    struct wh_listener **listener; /* directory by number */
    uint32_t listener_room, listener_count;

    struct list dgrams;
    struct packet_queue packets;

    struct list eventful_listeners, eventful_syns, eventful_dgrams;

    struct address address[MAX_ADDRESSES];
    unsigned addresses;
    wh_addr gateway[2];                   /* IPv4, IPv6; all zero: none */
    struct neighbours neighbours;         /* Ethernet only */
    uint8_t link_header[ETHERNET_HEADER]; /* of the frame in progress */

    uint32_t port_counter; /* RFC 6056, algorithm 3 */
    wh_time stalled_until; /* output found no memory: not before this */
};

static inline struct wh_stack *stack_of(const struct wh_conn *conn)
{
    return (struct wh_stack *)(void *)conn->tcp;
}

/* settle.c: what the connection's new state means; it may be gone afterwards. */
void stack_settle(struct wh_stack *host, struct wh_conn *conn);
/* A new connection record in CLOSED, not yet in the table; NULL without memory. */
struct wh_conn *stack_new_connection(struct wh_stack *host, const struct tuple *tuple);
void stack_free_connection(struct wh_stack *host, struct wh_conn *conn);
void stack_end_time_wait(struct wh_stack *host, uint32_t position, wh_arc_event event,
                         wh_reason reason);
/*
 * 2MSL is over. The FIFO may not have come to it yet: an entry that was restarted can stand
 * behind younger ones.
 */
static inline bool stack_time_wait_over(const struct wh_stack *host, const struct time_wait *entry)
{
    return !seq_lt(tcp_milliseconds(&host->tcp), entry->expires);
}
/* True if it is over, and then ended. */
bool stack_time_wait_ended(struct wh_stack *host, uint32_t position);
/*
 * A SYN has reopened the entry at `position` (0: none). Forget: the new incarnation is
 * open. Restore: the SYN was an old duplicate, back to TIME-WAIT (RFC 9293 3.6.1, MAY-2).
 */
/* ... that entry itself; NULL if its 2MSL has ended meanwhile. */
struct time_wait *stack_prior(const struct wh_stack *host, uint32_t position,
                              const struct tuple *tuple);
void stack_forget_prior(struct wh_stack *host, uint32_t position, const struct tuple *tuple);
void stack_restore_prior(struct wh_stack *host, uint32_t position, const struct tuple *tuple);
/* Runs what is due in the FIFO of TIME-WAIT; when the next is due, or WH_NEVER. */
void stack_expire_time_wait(struct wh_stack *host);
wh_time stack_time_wait_wake(const struct wh_stack *host);
/* Lays a record of a change of state without a segment. */
void stack_trace_state(struct wh_stack *host, const struct tuple *tuple, wh_state before,
                       wh_state after, wh_arc_event arc, wh_reason reason);

/*
 * coalesce.c: extends the segment that frames[0] has brought by what follows in the n frames, as far
 * as that is one run; returns how many frames it is now of. Then, unless that is 1, segment->piece is
 * pieces[n], and the segment's flags are those of the last.
 */
uint32_t coalesce(const struct tcp *tcp, struct segment *segment, const struct packet *packet,
                  const wh_frame *frames, size_t n, struct piece *pieces);
/* One segment of a run, which begins at *seq; *seq goes on to the next. */
struct segment coalesced_at(const struct segment *run, uint32_t number, uint32_t *seq);
/* arrive.c: the transport checksum of this packet, which came in the frame, is neither good nor known to be. */
bool arrive_checksum_wrong(const struct tcp *tcp, const struct packet *packet,
                           const wh_frame *frame);

/* inspect.c: what the connection's sender thinks of its path. */
void inspect_sender(const struct wh_conn *conn, wh_sender *sender);

/*
 * sender_trace.c: records of kind WH_TRACE_SENDER. begin looks before something is done for the
 * connection of this tuple, if there is one, and end afterwards; what differs is laid down.
 * Nothing is held meanwhile: the connection may come and go.
 */
struct sender_look {
    bool known; /* false: there was no connection, or nobody wants to know */
    wh_sender before;
};
void sender_look_begin(const struct wh_stack *host, const struct tuple *tuple,
                       struct sender_look *look);
void sender_look_end(struct wh_stack *host, const struct tuple *tuple,
                     const struct sender_look *look);

/* arrive.c: a frame that has been looked at, and is to be dealt with in its turn. */
enum arrival_kind {
    ARRIVAL_DROPPED, /* for `reason` */
    ARRIVAL_SEGMENT,
    ARRIVAL_DATAGRAM,
    ARRIVAL_ICMP,
    ARRIVAL_ARP,
};
struct arrival {
    enum arrival_kind kind;
    wh_reason reason;
    uint32_t hash; /* of the segment's tuple, for the demultiplexer */
    const wh_frame *frame;
    uint32_t most;        /* frames there are from this one on ... */
    uint32_t frames;      /* ... and, after the look, those that it is made of */
    struct piece *pieces; /* `most` of them, for a run */
    union {
        struct segment segment; /* but its `frame`, which is a number for those dealt with */
        struct packet packet;   /* DATAGRAM, ICMP */
    };
};
/*
 * Parses and verifies what `frame`, `most` and `pieces` name; changes nothing but what is remembered
 * of the last, and depends on nothing that a frame may change.
 */
void arrival_look(struct wh_stack *host, struct arrival *arrival);
/* Deals with it, and drops the frames' buffers. */
void arrival_take(struct wh_stack *host, struct arrival *arrival);

/* listen.c */
struct wh_listener *listener_find(struct wh_stack *host, const struct tuple *tuple);
/* Returns the state that the segment found; SYN-RECEIVED if a cookie has brought it back. */
wh_state listener_arrive(struct wh_stack *host, struct wh_listener *listener,
                         const struct segment *segment, uint32_t prior);
/* A new connection that may wait for wh_accept; NULL, with the reason, if there is no room for it. */
struct wh_conn *listener_admit(struct wh_stack *host, const struct wh_listener *listener,
                               const struct tuple *tuple);
/* The connection waits for wh_accept from now on. */
void listener_enqueue(struct wh_stack *host, struct wh_listener *listener, struct wh_conn *conn);
void half_open_free(struct wh_stack *host, uint32_t index, bool leave_table);
void half_open_stack_arrive(struct wh_stack *host, uint32_t index, const struct segment *segment);
void half_open_expire(struct wh_stack *host);
wh_time half_open_wake(const struct wh_stack *host);

/* cookie.c */
/* There is no room to remember this SYN, for this reason: it is answered with a cookie, or dropped. */
void cookie_answer(struct wh_stack *host, struct wh_listener *listener, const struct segment *syn,
                   uint32_t prior, wh_reason reason);
/* Only a listener that has sent a cookie lately looks for one: without pressure no guess counts. */
bool cookie_expected(const struct wh_stack *host, const struct wh_listener *listener,
                     const struct segment *segment);
/*
 * True if the segment acknowledges a cookie, and has been dealt with. *found: the state
 * it met. `half_open`: an entry that stands in its place, or 0.
 */
bool cookie_take(struct wh_stack *host, struct wh_listener *listener, const struct segment *segment,
                 uint32_t half_open, wh_state *found);

/* fast_open.c */
/* A SYN to a listener that does Fast Open: true if it has made a connection. */
bool fast_open_arrive(struct wh_stack *host, struct wh_listener *listener,
                      const struct segment *syn);
/* wh_accept has given it out. */
void fast_open_accepted(struct wh_conn *conn);
/* It is confirmed, or over. */
void fast_open_settle(struct wh_conn *conn);
/* The listener goes away. */
void fast_open_forget(const struct wh_listener *listener);

/* held.c */
void held_begin(struct wh_stack *host, struct wh_listener *listener, const struct segment *syn,
                uint32_t prior);
void held_arrive(struct wh_stack *host, struct wh_syn *held, const struct segment *segment);
void held_expire(struct wh_stack *host);
wh_time held_wake(const struct wh_stack *host);
void held_free_all(struct wh_stack *host);

/* addresses.c */
/* The unspecified address of either family. */
bool address_is_any(const wh_addr *addr);
/* How well a socket bound to `bound` serves `local`: 3 exact, 2 any IPv4, 1 any, 0 not at all. */
int address_fitness(const wh_addr *bound, const wh_addr *local);
bool address_is_ours(const struct wh_stack *host, const wh_addr *addr);
/* The broadcast address of one of our IPv4 networks. */
bool address_is_network_broadcast(const struct wh_stack *host, const wh_addr *addr);
/* The address to speak from to this destination; false if there is none of its family. */
bool address_choose(const struct wh_stack *host, const wh_addr *destination, wh_addr *source);

bool address_on_link(const struct wh_stack *host, const wh_addr *addr);

/* hop.c: the next hop on an Ethernet link. On a bare IP link it is always READY. */
enum hop {
    HOP_READY,
    HOP_PENDING,     /* its station has been asked for */
    HOP_UNREACHABLE, /* its station does not answer */
    HOP_NO_ROUTE,    /* beyond the link, and no gateway */
};
/* Points the outbox at this destination, asking for its station if need be. */
enum hop hop_prepare(struct wh_stack *host, struct outbox *outbox, const wh_addr *destination,
                     bool may_wait);
/* After PENDING: the link, which stands in no list, joins tcp.ready when there is an answer. */
void hop_wait(struct wh_stack *host, const wh_addr *destination, struct link *link);
/* R1 is reached: advice to look whether the next hop is still there (RFC 9293 3.8.3 (b), MUST-20). */
void hop_suspect(struct wh_stack *host, const wh_addr *destination);
/* The same for a whole packet. Unless READY it is kept for later, or dropped and counted. */
enum hop hop_packet(struct wh_stack *host, struct outbox *outbox, struct chunk *packet);
void hop_arp(struct wh_stack *host, const uint8_t *bytes, size_t length);
void hop_neighbour(struct wh_stack *host, const struct packet *packet, const struct icmp *icmp);
/* Emits the questions that are due, and lets those go on who waited for answers. */
void hop_solicit(struct wh_stack *host, struct outbox *outbox);

/* icmp.c */
void icmp_arrive(struct wh_stack *host, const struct packet *packet, bool checksum_known);
/* Tells `remote` that a packet of this tuple and protocol got nowhere. seq: of a TCP segment. */
int icmp_refuse(struct wh_stack *host, const struct tuple *tuple, uint8_t protocol, uint32_t seq,
                wh_refusal how);

/* datagram.c */
void datagram_arrive(struct wh_stack *host, const struct packet *packet, bool checksum_known);
/* True if a socket took the echo request. */
bool datagram_echo(struct wh_stack *host, const struct packet *packet, const struct icmp *icmp);
void datagram_free_all(struct wh_stack *host);
/* Queues a finished IP packet that a chunk holds; drops it when too many wait. */
bool packet_send(struct wh_stack *host, struct chunk *packet);
uint32_t datagram_events(struct wh_stack *host, wh_event *events, size_t cap);

#endif
