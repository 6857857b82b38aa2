/* SPDX-License-Identifier: MIT */
/*
 * Where a destination really is: addresses of the sandbox's network and what
 * they stand for on the host, and what the host's errors mean to the program.
 */
#ifndef WAVEHAND_RELAY_UPSTREAM_H
#define WAVEHAND_RELAY_UPSTREAM_H

#include <sys/socket.h>

#include <wavehand/wavehand.h>

struct upstream {
    struct sockaddr_storage address;
    socklen_t length;
    bool loopback; /* on this host: answers come at once */
    bool resolver; /* the host's name server */
};

enum upstream_verdict {
    UPSTREAM_GO,          /* connect to *upstream */
    UPSTREAM_REFUSED,     /* nothing there: as a closed port */
    UPSTREAM_UNREACHABLE, /* nowhere that traffic could go */
};

/* Addresses of the sandbox's network. */
wh_addr upstream_gateway(bool ipv4);
wh_addr upstream_resolver(bool ipv4);
wh_addr upstream_program(bool ipv4);

enum upstream_verdict upstream_find(const wh_endpoint *destination, bool host_loopback,
                                    struct upstream *upstream);

/* What to answer a SYN with when connecting upstream failed so. */
enum upstream_answer { ANSWER_REFUSE, ANSWER_SILENCE, ANSWER_SHORTAGE };
enum upstream_answer upstream_answer(int error, wh_refusal *how);

#endif
