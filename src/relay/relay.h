/* SPDX-License-Identifier: MIT */
/*
 * The relay: the far end of the sandbox's TUN device. It answers for every
 * address with a stack of its own and carries what arrives to ordinary sockets
 * of the host, and back.
 *
 * One relay serves one queue of one device and belongs to one thread; what it shares with
 * the relays of the device's other queues is in exchange.h, and crew.h runs them all.
 *
 *     TUN ──frames──> stack ──events──> flows ──sockets──> the host's network
 *         <─frames───       <──calls───       <──epoll───
 *
 * A turn is: wait, read a batch of frames, ask the stack what is ready, serve
 * each ready flow a bounded amount, write what the stack has to say. A flow that
 * is not ready costs nothing, and one that moves much cannot keep others waiting
 * longer than its share of a turn.
 */
#ifndef WAVEHAND_RELAY_RELAY_H
#define WAVEHAND_RELAY_RELAY_H

#include <sys/socket.h>

#include <wavehand/link.h>

struct relay;

/*
 * Who wants to see what passes between the device and the stack. Functions may
 * be NULL; input and output stand in for wh_input and wh_output.
 */
struct relay_tap {
    void *context;
    void (*input)(void *context, wh_stack *host, const wh_frame *frames, size_t n, wh_time now);
    size_t (*output)(void *context, wh_stack *host, wh_frame *frames, size_t cap, wh_time now);
    void (*calls)(void *context, wh_stack *host); /* the relay has made calls on connections */
    void (*path)(void *context, wh_path *path);   /* fault rules may have acted */
    void (*lost)(void *context, const wh_frame *frame, wh_time now); /* WH_WHY_HANDOFF_FULL */
    void (*flush)(void *context, wh_time now);                       /* the turn is over */
    wh_time (*wake)(void *context);                                  /* when flush has work again */
};

struct exchange;

/* A host port that leads to a server inside. */
struct relay_publish {
    struct sockaddr_storage listen;
    socklen_t listen_length;
    uint16_t port; /* inside */
};

/* Reads "[ADDRESS:]HOSTPORT:PORT"; ADDRESS is 127.0.0.1 if not given. -1, with a line in error, if it is wrong. */
int relay_publish_parse(const char *spec, struct relay_publish *publish, char *error,
                        size_t error_size);

struct relay_plan {
    int tun; /* a descriptor, open and attached; the relay's from now on */
    uint32_t mtu;
    uint64_t seed;      /* for replays; 0: from the system */
    bool host_loopback; /* 10.0.2.2 and fd00::2 reach the host's loopback */
    bool trace;         /* the tap reads the stack's trace */
    bool trace_sender;  /* ... and wants its records of kind WH_TRACE_SENDER */
    wh_path *path;      /* between device and stack, or NULL; stays the caller's */
    struct relay_tap tap;
    struct exchange *exchange; /* with the relays of the other queues; stays the caller's */
    uint32_t share;            /* our number among them */
};

/* NULL, with a line for people in error, when something is missing. */
struct relay *relay_new(const struct relay_plan *plan, char *error, size_t error_size);
/* Resets every connection that is left and frees everything. */
void relay_free(struct relay *relay);
/* Opens the host's port: a descriptor that listens, or -1 with a line in error. */
int relay_publish_open(const struct relay_publish *publish, char *error, size_t error_size);
/*
 * Serves the connections that come to this descriptor, the relay's from now on, and leads them to
 * this port inside. A duplicate of it may serve another relay. -1, with errno, and it is closed.
 */
int relay_publish(struct relay *relay, int listener, uint16_t port);

/* Closes all published ports; connections that came through them go on. */
void relay_unpublish(struct relay *relay);

/* Calls ready(context) in each turn in which the descriptor is readable (level-triggered). */
int relay_watch(struct relay *relay, int descriptor, void (*ready)(void *context), void *context);
/* Waits for something to do, at most until `until`, and does it. -1 when the device is gone. */
int relay_turn(struct relay *relay, wh_time until);

/* How much is under way, for the end. */
struct relay_load {
    size_t connections; /* relayed connections in any state */
    size_t sending; /* of these: the program's data or FIN has not all reached the host's socket */
    size_t waiting; /* of these: the program's data is here, and the host's socket is full */
    size_t closing; /* connections of the stack that still have segments to exchange */
};

struct relay_load relay_load(const struct relay *relay);

#endif
