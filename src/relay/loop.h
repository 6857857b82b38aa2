/* SPDX-License-Identifier: MIT */
/* The relay's record, for its own files. */
#ifndef WAVEHAND_RELAY_LOOP_H
#define WAVEHAND_RELAY_LOOP_H

#include "base/siphash.h"
#include "relay/datagrams.h"
#include "relay/exchange.h"
#include "relay/relay.h"

/* Whatever epoll watches: its first member says what to do when it is ready. */
struct source {
    void (*ready)(struct relay *relay, struct source *source, uint32_t events);
};

struct tcp_flow;
struct publisher;
struct watcher;

/* What the host lacked, said once each. */
enum shortage { SHORT_OF_DESCRIPTORS, SHORT_OF_PORTS, SHORT_OF_MEMORY, PING_FORBIDDEN, SHORTAGES };

enum {
    RELAY_FRAMES = 64,     /* frames moved between device and stack at a time */
    RELAY_ROUNDS = 4,      /* such batches a turn */
    RELAY_EVENTS = 256,    /* events asked of epoll and of the stack at a time */
    RELAY_SCRATCH = 65536, /* one datagram */
};

struct relay {
    wh_stack *host;
    wh_tun *tun;
    wh_path *path;
    struct relay_tap tap;
    bool host_loopback;
    int epoll;
    wh_time now; /* of this turn */
    bool busy;   /* work is left: do not sleep */
    bool device_gone;
    wh_time wake; /* when the next turn must come */
    struct exchange *exchange;
    uint32_t share; /* our number among its relays */
    struct source device, bell;
    wh_listener *listener;

    /* tcp.c */
    uint32_t next_port; /* of connections to published servers, for one relay of several */
    struct list flows;  /* all of them */
    size_t flow_count;
    struct list ready;   /* to be served this turn */
    struct list parting; /* to be reset at a time, earliest first */
    struct list dead;    /* freed at the end of the turn */

    /* udp.c, icmp.c */
    wh_dgram *udp, *echo;
    struct datagrams datagrams;

    struct publisher *publishers;
    wh_time accept_again; /* when listeners that were left alone are asked again, or WH_NEVER */
    struct watcher *watchers;

    wh_frame frames[RELAY_FRAMES];
    uint8_t scratch[RELAY_SCRATCH];
};

/* relay.c */
int relay_poll_add(struct relay *relay, int descriptor, struct source *source, uint32_t events);
/* Says so, once a run. */
void relay_short_of(struct relay *relay, enum shortage what);

/* device.c */
void device_ready(struct relay *relay, struct source *source, uint32_t events);
/* Takes in what has come through the path. */
void device_path_input(struct relay *relay);
/* Takes in what other relays have handed over. */
void device_take_over(struct relay *relay);
/* Everything that the stack has to say goes to the device, or through the path. */
void device_output(struct relay *relay);

/* tcp.c */
void tcp_offered(struct relay *relay, wh_syn *syn);
void tcp_withdrawn(struct relay *relay, wh_syn *syn, struct tcp_flow *flow);
void tcp_event(struct relay *relay, struct tcp_flow *flow, uint32_t ready);
/* Connects to a server inside for this accepted socket, which it takes over. */
void tcp_published(struct relay *relay, int descriptor, uint16_t port);
/* Serves every ready flow once. */
void tcp_serve(struct relay *relay);
/* When a flow must be reset at last, or WH_NEVER. */
wh_time tcp_wake(const struct relay *relay);
void tcp_load(const struct relay *relay, struct relay_load *load);
/* Frees what ended in this turn. */
void tcp_bury(struct relay *relay);
void tcp_free(struct relay *relay);

/* publish.c */
void publish_resume(struct relay *relay);

/* udp.c, icmp.c */
void udp_receive(struct relay *relay);
void udp_ready(struct relay *relay, struct source *source, uint32_t events);
void icmp_receive(struct relay *relay);
void icmp_ready(struct relay *relay, struct source *source, uint32_t events);

#endif
