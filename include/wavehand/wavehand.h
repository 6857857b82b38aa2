/* SPDX-License-Identifier: MIT */
/*
 * wavehand: a TCP/IP stack without I/O of its own.
 *
 * A stack is one host with one link. Frames from the link go in through
 * wh_input, frames for the link come out of wh_output, time is an argument,
 * and what happened is asked for with wh_events. Nothing here blocks, reads a
 * clock, calls back into the application or keeps state outside the stack.
 * A stack belongs to one thread at a time; several stacks know nothing of each
 * other.
 *
 * Conventions: times are nanoseconds on any monotonic clock of the caller's
 * choice; ports are in host byte order; results are >= 0 or a negative
 * wh_error; structures that may grow carry their size, set by their _init
 * function.
 */
#ifndef WAVEHAND_WAVEHAND_H
#define WAVEHAND_WAVEHAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <wavehand/errors.h>
#include <wavehand/reasons.h>
#include <wavehand/states.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define WH_API __attribute__((visibility("default")))
#else
#define WH_API
#endif

typedef struct wh_stack wh_stack;
typedef struct wh_listener wh_listener;
typedef struct wh_conn wh_conn;
typedef struct wh_syn wh_syn;
typedef struct wh_dgram wh_dgram;

/* Nanoseconds. */
typedef uint64_t wh_time;
#define WH_NEVER UINT64_MAX
#define WH_MICROSECOND UINT64_C(1000)
#define WH_MILLISECOND UINT64_C(1000000)
#define WH_SECOND UINT64_C(1000000000)

/* ------------------------------------------------------------ addresses -- */

/* An IPv6 address, or an IPv4 address as ::ffff:a.b.c.d (RFC 4291 2.5.5.2). All zero: any. */
typedef struct wh_addr {
    uint8_t bytes[16];
} wh_addr;

typedef struct wh_endpoint {
    wh_addr addr;
    uint16_t port; /* host byte order; 0: any or choose one */
} wh_endpoint;

/* The IPv4 address a.b.c.d. */
WH_API wh_addr wh_ipv4(uint8_t a, uint8_t b, uint8_t c, uint8_t d);
/* True if the address is an IPv4 address. */
WH_API bool wh_is_ipv4(const wh_addr *addr);
WH_API bool wh_addr_equal(const wh_addr *a, const wh_addr *b);
/* Longest text of an endpoint, "[ffff:...:255.255.255.255]:65535" and its NUL. */
#define WH_TEXT 56
/*
 * Writes an address as text (RFC 5952 for IPv6) to text[WH_TEXT]; returns text.
 * wh_endpoint_text adds the port, with brackets around IPv6.
 */
WH_API char *wh_addr_text(const wh_addr *addr, char *text);
WH_API char *wh_endpoint_text(const wh_endpoint *endpoint, char *text);
/* Reads "1.2.3.4" or "fd00::2". WH_E_INVAL if text is neither. */
WH_API int wh_addr_parse(const char *text, wh_addr *addr);

/* -------------------------------------------------------------- options -- */

/*
 * X(identifier, default, lowest, highest, unit, meaning). Options are set per
 * stack (the value new connections start from) or per connection, at any time
 * unless the meaning says "before opening".
 */
#define WH_OPTIONS(X)                                                                              \
    X(SEND_BUFFER, 16777216, 2048, 1073741824, "bytes",                                            \
      "most unacknowledged and unsent data; the queue's limit follows the congestion window up "   \
      "to this; less, down to 16 KiB, as memory becomes short")                                    \
    X(SEND_BUFFER_INITIAL, 262144, 2048, 1073741824, "bytes",                                      \
      "where that limit starts, and its least; from SEND_BUFFER on the size is fixed")             \
    X(RECEIVE_BUFFER, 16777216, 2048, 1073741824, "bytes",                                         \
      "most the receive window may become; sets the window scale, before opening")                 \
    X(RECEIVE_BUFFER_INITIAL, 65536, 2048, 1073741824, "bytes",                                    \
      "where it starts, to grow with what is read; from RECEIVE_BUFFER on the size is fixed")      \
    X(SEND_LOW_WATER, 1, 1, 1073741824, "bytes",                                                   \
      "free send space that makes a connection writable")                                          \
    X(RECEIVE_LOW_WATER, 1, 1, 1073741824, "bytes", "waiting data that makes it readable")         \
    X(NAGLE, 1, 0, 1, "switch", "coalesce small writes (RFC 9293 3.7.4)")                          \
    X(CORK, 0, 0, 1, "switch", "send nothing but full segments until cleared or 200 ms pass")      \
    X(ACK_DELAY, 40000000, 0, 499000000, "ns",                                                     \
      "longest delay of an acknowledgement (RFC 9293 3.8.6.3)")                                    \
    X(KEEPALIVE, 0, 0, 1, "switch", "probe an idle peer (RFC 9293 3.8.4)")                         \
    X(KEEPALIVE_IDLE, 7200000000000, 1000000, 4000000000000000, "ns",                              \
      "silence before the first probe")                                                            \
    X(KEEPALIVE_INTERVAL, 75000000000, 1000000, 4000000000000000, "ns", "between probes")          \
    X(KEEPALIVE_PROBES, 9, 1, 255, "probes", "unanswered ones that end the connection")            \
    X(KEEPALIVE_GARBAGE, 0, 0, 1, "switch",                                                        \
      "probes carry a byte, for peers that answer no other (RFC 9293 3.8.4)")                      \
    X(USER_TIMEOUT, 300000000000, 0, 4000000000000000, "ns",                                       \
      "R2: unacknowledged data ends the connection; 0 for never (RFC 9293 3.8.3)")                 \
    X(CONNECT_TIMEOUT, 190000000000, 0, 4000000000000000, "ns",                                    \
      "R2 for a SYN; 0 for never (RFC 9293 3.8.3)")                                                \
    X(R1_RETRIES, 3, 1, 255, "retransmissions", "R1: after these the path is suspect")             \
    X(RTO_INITIAL, 1000000000, 1000000, 60000000000, "ns", "before any sample (RFC 6298 2.1)")     \
    X(RTO_MIN, 200000000, 1000000, 60000000000, "ns",                                              \
      "least the retransmission timeout exceeds the mean RTT")                                     \
    X(RTO_MAX, 60000000000, 1000000000, 600000000000, "ns",                                        \
      "upper bound of the retransmission timeout")                                                 \
    X(INITIAL_WINDOW, 10, 1, 1000, "segments", "initial congestion window (RFC 6928)")             \
    X(PACING, 1, 0, 1, "switch", "spread a window over the round trip instead of bursts of it")    \
    X(MSS, 0, 0, 65495, "bytes",                                                                   \
      "largest segment to offer and send; 0: from the MTU; before opening")                        \
    X(MTU_PROBING, 1, 0, 2, "level",                                                               \
      "search for the path's packet size (RFC 4821): 0 never, 1 after a black hole, 2 always")     \
    X(PATH_MTU_MIN, 576, 68, 65535, "bytes",                                                       \
      "packets of IPv4 that no ICMP message makes smaller; IPv6: 1280")                            \
    X(SACK, 1, 0, 1, "switch", "selective acknowledgements (RFC 2018), before opening")            \
    X(TIMESTAMPS, 1, 0, 1, "switch", "timestamps (RFC 7323), before opening")                      \
    X(WINDOW_SCALING, 1, 0, 1, "switch", "window scaling (RFC 7323), before opening")              \
    X(ECN, 1, 0, 3, "level",                                                                       \
      "congestion marks: 0 never, 1 when the peer asks, 2 ask for those of RFC 3168 as well, "     \
      "3 ask for Accurate ECN (RFC 9768); before opening")                                         \
    X(LINGER, -1, -1, 4000000000000000, "ns",                                                      \
      "-1: close in the background; 0: close resets; else reset what is left after this time")     \
    X(FIN_WAIT_2_TIMEOUT, 60000000000, 0, 4000000000000000, "ns",                                  \
      "a closed connection waits this long for the peer's FIN; 0 for ever")                        \
    X(TTL, 64, 1, 255, "hops", "time to live, hop limit (RFC 9293 3.9.2)")                         \
    X(DSCP, 0, 0, 63, "code point", "differentiated services (RFC 9293 3.9.1.9)")

#define WH_OPTION_ENUM(id, def, low, high, unit, meaning) WH_OPT_##id,
typedef enum wh_option { WH_OPTIONS(WH_OPTION_ENUM) WH_OPTION_COUNT } wh_option;
#undef WH_OPTION_ENUM

/* The option's name in lower case with dashes ("send-buffer"), or NULL past the end. */
WH_API const char *wh_option_name(wh_option option);

/* ---------------------------------------------------------------- stack -- */

/*
 * Where memory comes from. alloc answers NULL when there is none; memory is
 * aligned for any type. free gets the size that alloc was asked for.
 */
typedef struct wh_memory {
    void *context;
    void *(*alloc)(void *context, size_t size);
    void (*free)(void *context, void *memory, size_t size);
} wh_memory;

typedef enum wh_link_kind {
    WH_LINK_IP,       /* bare IP packets: TUN devices, tunnels */
    WH_LINK_ETHERNET, /* Ethernet II frames, with ARP and neighbour discovery */
} wh_link_kind;

/* What a link can do with frames of the stack's (TX) and what it may hand in (RX). */
enum {
    WH_TX_CHECKSUM = 1 << 0,     /* completes a checksum left partial */
    WH_TX_SEGMENTATION = 1 << 1, /* cuts super-segments of up to 64 KiB; implies TX_CHECKSUM */
};

typedef struct wh_config {
    size_t size;       /* set by wh_config_init */
    wh_memory memory;  /* required */
    size_t memory_cap; /* bytes, never exceeded; at least 256 KiB; default 1 GiB */
    uint8_t seed[32]; /* randomness; same seed and same inputs give the same frames. Must be set. */

    wh_link_kind link;
    uint32_t mtu;           /* bytes of an IP packet: 68 to 65535; default 1500 */
    uint32_t link_features; /* WH_TX_...; default none */
    uint8_t ethernet[6];    /* our station address, for WH_LINK_ETHERNET */
    /* Take segments for every destination address (tunnels, `wavehand run`); ARP and neighbour
     * discovery answer for the host's own alone. Default false. */
    bool any_address;

    wh_time msl;            /* maximum segment lifetime; TIME-WAIT lasts twice this; default 30 s */
    uint32_t max_half_open; /* half-open entries, all listeners together; default 16384 */
    uint32_t max_time_wait; /* TIME-WAIT entries; the oldest is recycled; default 262144 */
    uint32_t max_held;      /* SYNs held for the application; default 4096 */
    wh_time held_timeout;   /* oldest held SYN; default 120 s */
    uint32_t trace_records; /* capacity of the trace; 0 (default): no trace */
    bool rst_ends_time_wait; /* the letter of 3.10.7.4 instead of RFC 1337; default false */
    /* Where there is no room for a half-open entry, answer the SYN with a cookie instead of dropping
     * it (RFC 4987 3.6): no state, and the ACK that returns it within 67 to 134 s opens the
     * connection. A SYN without timestamps then gets neither window scaling nor SACK, and the
     * peer's MSS is rounded down to 64, 256, 536, 1220, 1360, 1440, 1460 or 8940. Default true. */
    bool syn_cookies;
    /* The trace also tells what each connection's sender thinks of its path (WH_TRACE_SENDER),
     * whenever that changes: about twice as many records. Default false. */
    bool trace_sender;
} wh_config;

/* Fills in every default; memory and seed are left zero for the caller. */
WH_API void wh_config_init(wh_config *config);

/*
 * Makes a stack. The configuration is copied. WH_E_INVAL for a configuration
 * that makes no sense, WH_E_NOMEM.
 */
WH_API int wh_stack_new(wh_stack **host, const wh_config *config, wh_time now);

/* Frees the stack and all its records at once, silently; frames still with the link become invalid. */
WH_API void wh_stack_free(wh_stack *host);

/* Gives the host an address, with the length of its network prefix (for IPv4 mapped: 0 to 32). */
WH_API int wh_address_add(wh_stack *host, const wh_addr *addr, unsigned prefix_length);
/* The router for destinations outside every prefix, one per family; only Ethernet needs it. */
WH_API int wh_gateway_set(wh_stack *host, const wh_addr *router);

/* Default options of connections made from now on; WH_E_INVAL outside the option's range. */
WH_API int wh_stack_set(wh_stack *host, wh_option option, int64_t value);
WH_API int wh_stack_get(const wh_stack *host, wh_option option, int64_t *value);
/*
 * Congestion control of connections made from now on, by name, in lower case: "cubic" (the
 * default; RFC 9438), "newreno" (RFC 5681), "bbr" (version 3, draft-ietf-ccwg-bbr) or "dctcp"
 * (RFC 8257; it wants ECN on both ends, or it is NewReno). Those that exist keep theirs.
 * WH_E_NOENT if there is none so called, WH_E_NOMEM; then nothing changes.
 */
WH_API int wh_stack_set_congestion(wh_stack *host, const char *name);

/* --------------------------------------------------------------- frames -- */

typedef struct wh_slice {
    const void *base;
    size_t length;
} wh_slice;

/* Most slices of an outgoing frame: its headers, then data. */
#define WH_FRAME_SLICES 8

enum {
    /* Out: the link completes the checksum: sum from checksum_start, store at + checksum_offset.
     * In: the checksum was left partial and may be trusted (virtio NEEDS_CSUM). */
    WH_FRAME_CHECKSUM_PARTIAL = 1 << 0,
    /* In: the link has verified the transport checksum. */
    WH_FRAME_CHECKSUM_VALID = 1 << 1,
    /* In: the link has summed the frame (wh_frame.sum), and the checksum is to be judged by that. */
    WH_FRAME_SUMMED = 1 << 2,
};

/*
 * A frame as the link sees it. Incoming frames lie in slice[0] alone. A frame
 * with segment_size > 0 is a super-segment: the link cuts its payload into
 * pieces of that size (out), or put it together from such pieces (in).
 */
typedef struct wh_frame {
    wh_slice slice[WH_FRAME_SLICES];
    uint32_t slices;
    uint32_t length;          /* sum of all slices */
    uint16_t flags;           /* WH_FRAME_... */
    uint16_t segment_size;    /* bytes of payload a segment, or 0 */
    uint16_t headers;         /* out: length of all headers before the payload */
    uint16_t checksum_start;  /* out, partial: where the sum begins */
    uint16_t checksum_offset; /* out, partial: from there to the field */
    uint16_t transport;       /* out: where the transport header begins */
    uint32_t sum;             /* in, summed: what wh_copy_sum tells of all of slice[0] */
    uint64_t serial;          /* out: number of this frame among all the stack sent, from 1 */
    void *buffer;             /* in: from wh_buffer or _lend, or NULL. out: private to the stack */
} wh_frame;

/*
 * A receive buffer of the stack's own memory, for links that can read straight
 * into it. Pass it on in wh_frame.buffer with slice[0] inside it: wh_input then
 * owns it and may keep data in place instead of copying. NULL at the memory cap.
 * *base and *length tell the usable bytes, at least `size`.
 */
WH_API void *wh_buffer(wh_stack *host, size_t size, void **base, size_t *length);
/*
 * Makes a buffer of the link's own memory, base[length], to be passed on in the same way: data that
 * is kept stays there, to be read in place (wh_peek), until `release` is called with `argument`,
 * exactly once, from within any call that names the stack; it must not call the stack itself. NULL
 * at the memory cap, and then it is never called. The memory is not counted under the cap; where
 * little of a buffer is data, the data is copied rather than keeping it.
 */
WH_API void *wh_buffer_lend(wh_stack *host, void *base, size_t length,
                            void (*release)(void *argument), void *argument);
/* Gives back a buffer that was not passed to wh_input. */
WH_API void wh_buffer_free(wh_stack *host, void *buffer);

/*
 * memcpy, which also tells the ones-complement sum of the bytes (RFC 1071; in memory order, an
 * odd last byte padded with 0) at little more than the cost of the copy. A link that copies what
 * arrives hands the sum over with the frame, so that nobody has to read the bytes once more.
 */
WH_API uint32_t wh_copy_sum(const wh_stack *host, void *to, const void *from, size_t length);
/*
 * Makes of a frame that another stack put out one that arrives at this: the link between two stacks
 * of one process. The frame is copied, and summed on the way unless its checksum is partial, to a
 * buffer of this stack's, for wh_input. False, and counted, at the memory cap.
 */
WH_API bool wh_carry(wh_stack *host, const wh_frame *out, wh_frame *in);

/*
 * Takes n frames that arrived at `now`. Data is copied or, with a buffer, kept;
 * the caller's memory is free again on return. Frames may be malformed in any
 * way: each is counted under a reason. Frames are numbered from 1 in order of
 * arrival, across calls; trace records name that number.
 */
WH_API void wh_input(wh_stack *host, const wh_frame *frames, size_t n, wh_time now);

/*
 * Runs the timers that are due at `now`, then fills up to `cap` frames for the
 * link; returns how many. Fewer than cap: there is nothing more to send now.
 * Each frame stays valid until handed back through wh_sent.
 */
WH_API size_t wh_output(wh_stack *host, wh_frame *frames, size_t cap, wh_time now);

/* The link is done with these frames, whether they were sent or lost. */
WH_API void wh_sent(wh_stack *host, const wh_frame *frames, size_t n);

/* When wh_output must next be called if nothing else happens; WH_NEVER, or 0 for "at once". */
WH_API wh_time wh_wake(const wh_stack *host);

/* --------------------------------------------------------------- events -- */

/* What a connection, listener, held SYN or datagram socket is ready for. */
enum {
    WH_ACCEPTABLE = 1 << 0, /* listener: wh_accept has a connection */
    WH_OFFERED = 1 << 1,    /* held SYN: decide with wh_syn_accept, _refuse or _ignore; once */
    WH_WITHDRAWN =
        1 << 2, /* held SYN: reset or expired; call wh_syn_ignore to be rid of it; once */
    WH_CONNECTED = 1 << 3, /* connection: the handshake is complete; once */
    WH_READABLE =
        1 << 4, /* data waits (at least the low-water mark, or the end of file behind it) */
    WH_WRITABLE = 1 << 5, /* send space is free; not watched unless asked for */
    WH_EOF = 1 << 6,      /* the peer has closed its side; all its data may be read before */
    WH_DEAD = 1 << 7,     /* the connection is over; wh_conn_error says how; stays until closed */
    WH_ACKED =
        1 << 8, /* everything sent, FIN included, is acknowledged; not watched unless asked */
    WH_URGENT = 1 << 9,   /* urgent data appeared or its end moved on; once each time */
    WH_TROUBLE = 1 << 10, /* soft error: ICMP or R1; wh_info tells; once each time */
    WH_ANY_EVENT = 0xffff,
};
/* What wh_watch is for a new connection. */
#define WH_WATCH_DEFAULT (WH_ANY_EVENT & ~(WH_WRITABLE | WH_ACKED))

typedef struct wh_event {
    uint32_t ready;        /* WH_ACCEPTABLE ... */
    void *user;            /* the pointer given for this handle */
    wh_listener *listener; /* exactly one of these four is not NULL */
    wh_syn *syn;
    wh_conn *conn;
    wh_dgram *dgram;
} wh_event;

/*
 * Asks what is ready, at most cap answers. Level-triggered and coalesced: a
 * handle appears at most once a call, in turn, for as long as a condition it
 * watches holds ("once" conditions are told once). Never names a closed handle.
 */
WH_API size_t wh_events(wh_stack *host, wh_event *events, size_t cap);

/* ---------------------------------------------------------- connections -- */

/* Listen on any port, for any_address hosts; such a listener comes after every specific one. */
#define WH_LISTEN_ANY_PORT (1U << 0)
/* Offer each SYN as a WH_OFFERED event instead of answering it. */
#define WH_LISTEN_HOLD (1U << 1)

typedef struct wh_listen_options {
    size_t size;
    wh_endpoint local; /* address all zero: any of both families; 0.0.0.0 mapped: any IPv4 */
    uint32_t backlog;  /* connections that wait for wh_accept; default 128 */
    uint32_t flags;    /* WH_LISTEN_... */
    void *user;
    /*
     * Fast Open (RFC 7413): connections that may be open at once without their handshake being
     * complete, at most so many; 0 (default): none. A peer with a good cookie is offered as
     * soon as its SYN is here, with the data of the SYN to read, and may be sent to; when its
     * handshake is complete, WH_CONNECTED follows, and WH_DEAD if it never is. Beyond the limit,
     * without a cookie or with a wrong one the handshake is the ordinary one. The data of a
     * SYN that the network duplicates can be delivered twice: only for requests that bear it
     * (RFC 7413 6.1). Not with WH_LISTEN_HOLD.
     */
    uint32_t fast_open;
} wh_listen_options;

WH_API void wh_listen_options_init(wh_listen_options *options);
/* Passive open (RFC 9293 3.10.1). WH_E_ADDRINUSE if the same endpoint has a listener. */
WH_API int wh_listen(wh_stack *host, const wh_listen_options *options, wh_listener **listener);
/* Closes it. Connections not yet accepted are reset, half-open entries forgotten (RFC 9293 3.10.4). */
WH_API void wh_listener_close(wh_listener *listener);
/* Takes the next established (or Fast Open) connection; WH_E_AGAIN if there is none. */
WH_API int wh_accept(wh_listener *listener, void *user, wh_conn **conn);

/*
 * The key of the stack's Fast Open cookies, instead of the one made from the seed: several hosts
 * behind one address share one. Cookies of the key before it stay good, those of older ones not;
 * so a key that is changed every hour lets a cookie live for one to two hours.
 */
WH_API void wh_fast_open_key(wh_stack *host, const uint8_t key[16]);

/* Both ends of a held SYN. */
WH_API void wh_syn_endpoints(const wh_syn *syn, wh_endpoint *local, wh_endpoint *remote);
/* The pointer that events about this SYN carry. */
WH_API void wh_syn_set_user(wh_syn *syn, void *user);
/*
 * Answers the SYN. The connection is returned at once, in SYN-RECEIVED, and
 * WH_CONNECTED or WH_DEAD follows. The wh_syn is gone, except on an error:
 * WH_E_NOMEM, or WH_E_CONNRESET after it was withdrawn.
 */
WH_API int wh_syn_accept(wh_syn *syn, void *user, wh_conn **conn);

typedef enum wh_refusal {
    WH_REFUSE_RESET,            /* RST: nobody listens there */
    WH_REFUSE_NET_UNREACHABLE,  /* ICMP */
    WH_REFUSE_HOST_UNREACHABLE, /* ICMP */
    WH_REFUSE_PORT_UNREACHABLE, /* ICMP */
    WH_REFUSE_PROHIBITED,       /* ICMP: administratively prohibited */
} wh_refusal;

/* Refuses the SYN; the wh_syn is gone. */
WH_API void wh_syn_refuse(wh_syn *syn, wh_refusal how);
/* Stays silent; the wh_syn is gone. A repeat of the SYN is offered again. */
WH_API void wh_syn_ignore(wh_syn *syn);

/*
 * Fast Open (RFC 7413). What wh_send queues before the next wh_output leaves with the SYN, up to
 * a segment, if the peer has given us a cookie before; otherwise the SYN asks for one. Nothing
 * else changes: what the peer does not take is sent again, and a peer or path that cannot bear
 * it is left alone for a while. The stack remembers 64 peers. Data on a SYN may reach the
 * peer's application twice (RFC 7413 6.1): only for requests that bear it.
 */
#define WH_CONNECT_FAST_OPEN (1U << 0)

typedef struct wh_connect_options {
    size_t size;
    /* Address all zero: chosen; port 0: chosen (RFC 6056). Any address on any_address hosts. */
    wh_endpoint local;
    wh_endpoint remote;
    void *user;
    uint32_t flags; /* WH_CONNECT_... */
} wh_connect_options;

WH_API void wh_connect_options_init(wh_connect_options *options);
/*
 * Active open (RFC 9293 3.10.1). Returns the connection in SYN-SENT; WH_CONNECTED
 * or WH_DEAD follows. WH_E_INVAL for a broadcast or multicast address,
 * WH_E_ADDRINUSE, WH_E_ADDRNOTAVAIL, WH_E_NETUNREACH, WH_E_NOMEM.
 */
WH_API int wh_connect(wh_stack *host, const wh_connect_options *options, wh_time now,
                      wh_conn **conn);

enum {
    WH_SEND_MORE = 1 << 0,   /* more follows at once: hold back a partial segment */
    WH_SEND_URGENT = 1 << 1, /* the last byte of this call ends urgent data (RFC 9293 3.8.5) */
};

/*
 * Queues a copy of data (RFC 9293 3.10.2). Returns how many bytes were taken,
 * at least 1, or WH_E_AGAIN (no space), WH_E_PIPE (after shutdown or close),
 * WH_E_NOTCONN, or how the connection died.
 */
WH_API int64_t wh_send(wh_conn *conn, const void *data, size_t length, unsigned flags);
/*
 * Queues the bytes themselves, base[length], length 1 to 2^30: they are sent, and sent again, from
 * where they lie, and must stay there unchanged until `done` is called with `argument`. That happens
 * exactly once, when all of them are acknowledged or dropped (wh_flush, the connection is over, the
 * stack is freed) and no frame with the link refers to them any more. It may be within any call that
 * names the stack; it must not call the stack itself. The bytes are not counted under the memory cap.
 *
 * Taken whole, even beyond the send buffer, or not at all: returns length, or an error as wh_send,
 * WH_E_INVAL for an impossible length or WH_E_NOMEM, and then `done` is never called. Small pieces
 * are cheaper to copy (wh_send).
 */
WH_API int64_t wh_send_ref(wh_conn *conn, const void *base, size_t length, unsigned flags,
                           void (*done)(void *argument), void *argument);
/*
 * Send without a copy of ours: wh_reserve names up to `cap` writable slices
 * (returned: how many) of together at most `want` bytes at the end of the send
 * queue; write there, then wh_commit the bytes written, in order, before any
 * other call that names this stack: an acknowledgement may free what was named.
 * Reserving again replaces the earlier reservation. Errors as wh_send.
 */
WH_API int wh_reserve(wh_conn *conn, size_t want, wh_slice *slices, size_t cap);
WH_API int64_t wh_commit(wh_conn *conn, size_t length, unsigned flags);

/*
 * Takes back what was queued and has not left yet (FLUSH of RFC 9293 3.9.1.7); a
 * reservation is void. What left once, a window probe's byte included, stays and is
 * repeated until it is acknowledged. After wh_shutdown a FIN that has not left
 * follows what is kept. Urgent data ends where the data now ends. Returns the bytes
 * dropped, which may be 0, or WH_E_NOTCONN, or how the connection died.
 */
WH_API int64_t wh_flush(wh_conn *conn);

/*
 * Reads what arrived in order (RFC 9293 3.10.3). Returns the bytes copied, 0 at
 * the end of file, WH_E_AGAIN when nothing waits, or how the connection died
 * (after all data that arrived before was read).
 */
WH_API int64_t wh_recv(wh_conn *conn, void *data, size_t length);
/*
 * Reads in place: names up to cap slices of waiting data, from the front.
 * Returns how many; 0 at the end of file; errors as wh_recv. Valid until
 * wh_consume, wh_recv, wh_close or wh_abort of this connection.
 */
WH_API int wh_peek(wh_conn *conn, wh_slice *slices, size_t cap);
/* Releases bytes from the front of what waits; this alone opens the window. WH_E_INVAL if fewer wait. */
WH_API int wh_consume(wh_conn *conn, size_t length);

#define WH_READ (1U << 0)
#define WH_WRITE (1U << 1)
/*
 * WH_WRITE: FIN after all queued data (RFC 9293 3.10.4); reading goes on for as
 * long as the peer sends. WH_READ: what waits and what comes is thrown away.
 */
WH_API int wh_shutdown(wh_conn *conn, unsigned sides);
/*
 * Ends the handle. Queued data and a FIN still go out in the background; a RST
 * instead if data was left unread (RFC 9293 3.6.1) or the linger time is 0. On
 * a dead connection it only frees the handle.
 */
WH_API void wh_close(wh_conn *conn);
/* Ends the handle and the connection at once, with a RST where RFC 9293 3.10.5 has one. */
WH_API void wh_abort(wh_conn *conn);

/* Conditions that wh_events tells of this connection: WH_READABLE | ... */
WH_API void wh_watch(wh_conn *conn, uint32_t conditions);
/* Conditions that hold now, watched or not, without waiting for wh_events. */
WH_API uint32_t wh_ready(const wh_conn *conn);
WH_API void wh_set_user(wh_conn *conn, void *user);
WH_API void *wh_user(const wh_conn *conn);
WH_API int wh_set(wh_conn *conn, wh_option option, int64_t value);
WH_API int wh_get(const wh_conn *conn, wh_option option, int64_t *value);
/*
 * Congestion control of this connection, at any time; names and errors as for
 * wh_stack_set_congestion. cwnd, ssthresh, the round-trip times and a recovery that goes on
 * stay; what the algorithm before has learnt is forgotten. wh_info tells the name.
 */
WH_API int wh_set_congestion(wh_conn *conn, const char *name);
WH_API void wh_endpoints(const wh_conn *conn, wh_endpoint *local, wh_endpoint *remote);
WH_API wh_state wh_conn_state(const wh_conn *conn);
/* How it died: 0 while it lives and after an orderly close, else WH_E_CONNRESET, WH_E_TIMEDOUT, ... */
WH_API int wh_conn_error(const wh_conn *conn);
WH_API wh_stack *wh_conn_stack(const wh_conn *conn);

/* Where a sender stands with losses. */
typedef enum wh_recovery {
    WH_RECOVERY_OPEN,     /* nothing is amiss */
    WH_RECOVERY_DISORDER, /* SACKs or duplicate ACKs have come; nothing is deemed lost yet */
    WH_RECOVERY_REDUCED,  /* with ECN: the window was cut in this round trip; nothing is lost now */
    WH_RECOVERY_FAST,     /* acknowledgements told of a loss (RFC 8985, RFC 6582) */
    WH_RECOVERY_LOSS,     /* the retransmission timer told of one (RFC 5681 3.1) */
} wh_recovery;

/* A connection from the inside; STATUS of RFC 9293 3.10.6 and what Linux's TCP_INFO tells. */
typedef struct wh_info {
    size_t size;
    wh_state state;
    int error;             /* as wh_conn_error */
    wh_reason reason;      /* of the last change of state */
    wh_reason soft_reason; /* last trouble reported by ICMP or R1; WH_WHY_NONE */
    bool sack, timestamps, window_scaling, passive;
    bool fast_open; /* data went with the SYN, or could have, and was taken (RFC 7413) */
    uint8_t send_scale, receive_scale;
    uint32_t mss; /* bytes of data in a full segment now */
    uint32_t iss, irs, snd_una, snd_nxt, snd_wnd, rcv_nxt, rcv_wnd;
    uint64_t send_queued;    /* bytes accepted and not yet acknowledged */
    uint64_t receive_queued; /* bytes in order and not yet read */
    uint64_t reassembly;     /* bytes held out of order */
    uint32_t urgent_left;    /* bytes up to the end of urgent data, from the next to be read */
    wh_time srtt, rttvar, min_rtt, rto; /* min_rtt: WH_NEVER before a sample */
    uint64_t cwnd, ssthresh, in_flight; /* bytes */
    uint64_t bytes_sent, bytes_acked, bytes_received, bytes_retransmitted;
    /* Of retransmissions a super-segment is one. */
    uint64_t segments_in, segments_out, retransmissions;
    uint32_t retries;       /* consecutive retransmission timeouts */
    const char *congestion; /* name of the congestion control */
    bool ecn;               /* explicit congestion notification is agreed on, in either form */
    bool pushed;  /* the last byte received in order came with PSH; false if it had to be held */
    uint8_t dscp; /* of the last segment that arrived in the window (RFC 9293 3.9.1.9) */
    uint64_t marks_received;        /* data segments that the path marked (CE) */
    uint64_t echoes_received;       /* acknowledgements that told of marks on what we sent (ECE) */
    uint64_t receive_limit;         /* bytes that the receive queue may hold now */
    uint64_t send_limit;            /* bytes that the send queue may hold now */
    bool accurate_ecn;              /* ... in the form of RFC 9768; else the counters below are 0 */
    bool ect;                       /* new data is sent as ECN-capable */
    bool reordering_seen;           /* the path has been seen to reorder (RFC 8985 6.2) */
    bool delivery_rate_app_limited; /* the rate below: while there was not enough to send */
    wh_recovery recovery;           /* where the sender stands with losses */
    uint64_t ce_packets_in;         /* packets that arrived marked, those without data included */
    uint64_t ce_bytes_in, ect0_bytes_in, ect1_bytes_in; /* bytes of data that arrived as such */
    uint64_t ce_packets_told; /* the same of what we sent, as the peer has told */
    uint64_t ce_bytes_told, ect0_bytes_told, ect1_bytes_told;

    /* Losses and reordering, of what was sent. */
    uint64_t lost;             /* bytes deemed lost and not sent again since */
    uint64_t sacked;           /* bytes in flight that the peer holds beyond a gap */
    wh_time reordering_window; /* later than this is lost (RFC 8985 6.2); 0: not in use */
    uint64_t duplicates_told;  /* segments of ours that DSACK said had arrived twice (RFC 2883) */
    uint64_t tail_probes;      /* loss probes sent (RFC 8985 7) */
    uint64_t timeouts;         /* retransmission timeouts, those of a SYN included */
    uint64_t spurious;         /* times that a reduction was found needless and undone */
    /* Speed. */
    uint64_t delivery_rate;      /* bytes/s that arrived at the peer lately; 0: not known */
    uint64_t pacing_rate;        /* bytes/s that sending is spread to; 0: not paced */
    wh_time busy_time;           /* in all with data in flight or waiting to be sent ... */
    wh_time window_limited_time; /* ... of this: held back by the peer's window */
    wh_time buffer_limited_time; /* ... of this: held back by the send buffer */
    wh_time last_sent;           /* since data, or the SYN, was last sent; WH_NEVER: never */
    wh_time last_heard;          /* since a segment last arrived, or since opening */
    uint32_t path_mtu;           /* bytes of the largest IP packet that is sent to this peer */
} wh_info;

/* info->size must be set to sizeof(wh_info); that many bytes are filled at most. */
WH_API void wh_info_get(const wh_conn *conn, wh_info *info);

/* ------------------------------------------------------------ datagrams -- */

typedef enum wh_dgram_kind {
    WH_UDP,
    WH_ECHO, /* ICMP echo: ports are unused; id and sequence below */
} wh_dgram_kind;

typedef struct wh_datagram {
    wh_dgram_kind kind;
    wh_endpoint local, remote;
    uint16_t echo_id, echo_sequence;
    uint8_t hops;     /* received TTL; out: 0 for the default */
    const void *data; /* in: valid until the next call that names this socket */
    size_t length;
} wh_datagram;

/*
 * A socket for UDP datagrams, or (WH_ECHO) for echo requests to addresses that
 * are not the host's own on an any_address host. Port 0 with any_port true:
 * every port that has no socket of its own.
 */
WH_API int wh_dgram_open(wh_stack *host, wh_dgram_kind kind, const wh_endpoint *local,
                         bool any_port, void *user, wh_dgram **dgram);
WH_API void wh_dgram_close(wh_dgram *dgram);
/* Takes the next datagram; WH_E_AGAIN if none waits. The queue holds a bounded number of bytes. */
WH_API int wh_dgram_recv(wh_dgram *dgram, wh_datagram *datagram);
/* Sends a copy; with WH_ECHO it is an echo reply. WH_E_MSGSIZE, WH_E_NOMEM, WH_E_AGAIN (queue full). */
WH_API int wh_dgram_send(wh_dgram *dgram, const wh_datagram *datagram);
/*
 * Tells the remote of a datagram received earlier (its local, remote, kind) by
 * ICMP that it got nowhere.
 */
WH_API int wh_dgram_refuse(wh_dgram *dgram, const wh_datagram *datagram, wh_refusal how);

/* --------------------------------------------------------- what goes on -- */

/* Times each reason occurred. */
WH_API uint64_t wh_count(const wh_stack *host, wh_reason reason);
/* Times the arc was taken, by whatever kind of record; 0 for an arc that does not exist. */
WH_API uint64_t wh_arc_count(const wh_stack *host, wh_state from, wh_arc_event event);

typedef struct wh_stats {
    size_t size;
    uint64_t frames_in, frames_out, segments_in, segments_out;
    size_t memory, memory_peak; /* bytes from the hooks: now, most ever */
    uint32_t connections, half_open, time_wait, held, listeners;
    uint32_t timers;      /* armed */
    uint32_t frames_lent; /* with the link, not yet in wh_sent */
} wh_stats;

WH_API void wh_stats_get(const wh_stack *host, wh_stats *stats);

/* A walk over all records, as ss(8) lists them. */
typedef struct wh_entry {
    wh_state state;
    wh_endpoint local, remote;
    wh_conn *conn; /* NULL for what has no handle: half-open and TIME-WAIT entries, orphans */
    wh_listener *listener;
    uint64_t send_queued, receive_queued;
    wh_time timer; /* next deadline, or WH_NEVER */
} wh_entry;

typedef struct wh_cursor {
    uint64_t position; /* zero to begin */
} wh_cursor;

/* Steps to the next record; false at the end. Records made or ended meanwhile may be missed. */
WH_API bool wh_each(const wh_stack *host, wh_cursor *cursor, wh_entry *entry);

typedef enum wh_trace_kind {
    WH_TRACE_IN,     /* a segment that arrived, and what it did */
    WH_TRACE_OUT,    /* a segment that left, and why */
    WH_TRACE_STATE,  /* a change of state without a segment: a call or a timer */
    WH_TRACE_DROP,   /* a frame that never became a segment */
    WH_TRACE_SENDER, /* what a sender thinks of its path, after the record before (trace_sender) */
} wh_trace_kind;

/* TCP header flags as in the header (RFC 9293 3.1); AE is RFC 9768. */
enum {
    WH_FIN = 0x001,
    WH_SYN = 0x002,
    WH_RST = 0x004,
    WH_PSH = 0x008,
    WH_ACK = 0x010,
    WH_URG = 0x020,
    WH_ECE = 0x040,
    WH_CWR = 0x080,
    WH_AE = 0x100,
};

/* Which TCP options a segment carried. */
enum {
    WH_HAS_MSS = 1 << 0,
    WH_HAS_WINDOW_SCALE = 1 << 1,
    WH_HAS_SACK_PERMITTED = 1 << 2,
    WH_HAS_TIMESTAMPS = 1 << 3,
    WH_HAS_SACK = 1 << 4,
    WH_HAS_FAST_OPEN = 1 << 5, /* a cookie, or a request for one (RFC 7413) */
    WH_HAS_ACCECN = 1 << 6,    /* counters of Accurate ECN (RFC 9768 3.2.3) */
};

#define WH_SACK_BLOCKS 4

typedef struct wh_sack_block {
    uint32_t left, right; /* sequence numbers: [left, right) is held */
} wh_sack_block;

/* A sender and what it thinks of its path; as in wh_info. */
typedef struct wh_sender {
    wh_time srtt, rttvar, min_rtt, rto;  /* srtt: 0, min_rtt: WH_NEVER before a sample */
    uint64_t pacing_rate, delivery_rate; /* bytes/s; 0: not paced, not known */
    uint32_t cwnd, ssthresh;             /* bytes; ssthresh: UINT32_MAX before any loss */
    uint32_t in_flight, lost, sacked;    /* bytes */
    uint32_t snd_una, snd_nxt;           /* sequence numbers */
    uint32_t window_edge;                /* SND.UNA + SND.WND: nothing beyond may be sent */
    uint32_t mss;                        /* bytes of data in a full segment */
    wh_recovery recovery;
} wh_sender;

/*
 * Of WH_TRACE_SENDER: time, states, local, remote and sender are filled in. Of all others,
 * sender is not.
 */
typedef struct wh_trace_record {
    wh_time time;
    uint64_t frame;       /* number of the frame in its direction, from 1; 0: none */
    uint8_t kind;         /* wh_trace_kind */
    uint8_t state_before; /* wh_state */
    uint8_t state_after;
    uint8_t arc;     /* wh_arc_event of the last arc taken, WH_ON_NOTHING if none */
    uint16_t reason; /* wh_reason */
    uint16_t flags;  /* WH_FIN ... */
    wh_endpoint local, remote;
    uint32_t seq, ack;
    uint32_t window;       /* bytes, scaled as both ends understand it (SYN: unscaled) */
    uint32_t length;       /* bytes of data; a super-segment's in all */
    uint16_t segment_size; /* of a super-segment, else 0 */
    uint16_t urgent;
    uint8_t options; /* WH_HAS_... */
    uint8_t sacks;   /* used entries of sack[] */
    uint16_t mss;
    uint8_t window_scale;
    uint8_t hops; /* TTL */
    uint32_t tsval, tsecr;
    union {
        wh_sack_block sack[WH_SACK_BLOCKS];
        wh_sender sender;
    };
    uint8_t accecn_order;  /* of the Accurate ECN option: 0 EE0B, ECEB, EE1B; 1 EE1B, ECEB, EE0B */
    uint8_t accecn_fields; /* how many of these counters it carries, from the first */
    uint32_t ee0b, eceb, ee1b; /* their low 24 bits: bytes that arrived as ECT(0), CE, ECT(1) */
} wh_trace_record;

/*
 * Takes up to cap trace records, oldest first; returns how many. *lost (may be
 * NULL) is how many were overwritten since the last call because the trace was
 * full.
 */
WH_API size_t wh_trace(wh_stack *host, wh_trace_record *records, size_t cap, uint64_t *lost);

/* For tests: the initial sequence number of the next connection opened either way. */
WH_API void wh_next_iss(wh_stack *host, uint32_t iss);
/* For tests: walks every invariant; NULL, or what is broken, in words. */
WH_API const char *wh_check(const wh_stack *host);

/* Names and words from the lists above; never NULL. */
WH_API const char *wh_strerror(int error);
WH_API const char *wh_state_name(wh_state state);
WH_API const char *wh_arc_name(wh_arc_event event);
/* "open", "disorder", "reduced", "recovery", "loss". */
WH_API const char *wh_recovery_name(wh_recovery recovery);
/* "RST_NOT_EXACT", "RST inside the window but not at its edge", "RFC 5961 3.2". */
WH_API const char *wh_reason_name(wh_reason reason);
WH_API const char *wh_reason_text(wh_reason reason);
WH_API const char *wh_reason_source(wh_reason reason);
/* Where the arc leads, WH_CLOSED included; -1 if RFC 9293 has no such arc. */
WH_API int wh_arc(wh_state from, wh_arc_event event);
/*
 * The section behind the arc, "RFC 9293 3.10.7.4, eighth", or "ours: ..." where the RFC
 * leaves it to us; "?" if there is no such arc.
 */
WH_API const char *wh_arc_source(wh_state from, wh_arc_event event);
WH_API const char *wh_version(void);

#ifdef __cplusplus
}
#endif

#endif
