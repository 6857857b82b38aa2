/* SPDX-License-Identifier: MIT */
/* One relayed connection; see tcp.c. */
#ifndef WAVEHAND_RELAY_TCP_FLOW_H
#define WAVEHAND_RELAY_TCP_FLOW_H

#include "relay/loop.h"

enum flow_phase {
    FLOW_CONNECTING, /* the program's SYN is held, the host's socket connects */
    FLOW_OPENING,    /* handshake between stack and program */
    FLOW_OPEN,       /* bytes may pass */
    FLOW_PARTING,    /* the host's side was reset; the program's bytes first, then its RST */
    FLOW_GONE,       /* freed at the end of the turn */
};

struct tcp_flow {
    struct source source;    /* first: epoll names it */
    int fd;                  /* -1: closed */
    uint8_t phase;           /* enum flow_phase */
    bool readable, writable; /* the host's socket, as far as is known */
    bool read_to_the_end;    /* a short read does not mean that the socket is empty */
    bool program_ended;      /* the program's FIN was passed on */
    bool host_ended;         /* the host's end of file was passed on */
    bool starved;            /* the stack's send queue was full */
    bool tried_ipv6;
    bool written, no_delay; /* to the host's socket; with TCP_NODELAY set */
    uint16_t published;     /* port inside, for a connection that came from the host; or 0 */
    uint32_t want;          /* bytes to ask of the socket next time */
    uint32_t watched;       /* as told to wh_watch */
    wh_syn *syn;
    wh_conn *conn;
    wh_time parting_at;
    struct link all, ready, parting;
};

#endif
