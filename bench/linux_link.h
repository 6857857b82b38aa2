/* SPDX-License-Identifier: MIT */
/* What the Linux peer's two ends speak over: the loopback device, or a veth pair between two namespaces. */
#ifndef BENCH_LINUX_LINK_H
#define BENCH_LINUX_LINK_H

#include <netinet/in.h>
#include <stdbool.h>

enum linux_end { LINUX_CLIENT, LINUX_SERVER };

struct linux_link {
    bool veth;
    int space[2]; /* network namespaces; the same one twice for loopback */
    struct in_addr address[2];
};

/* What a row asks of the devices. */
struct linux_way {
    unsigned mtu;
    bool offload; /* super-segments, and checksums left to the device; otherwise neither */
};

/*
 * Makes fresh namespaces, so that nothing of an earlier row stands in a table, and devices in
 * them. Needs the right to do so; ends the program with a line if it cannot.
 */
void linux_link_open(struct linux_link *link, bool veth, struct linux_way way);

/* The namespaces go, with all that is in them, as soon as no socket holds them. */
void linux_link_close(struct linux_link *link);

/* A TCP socket of that end, blocking, with TCP_NODELAY. */
int linux_link_socket(const struct linux_link *link, enum linux_end end);

#endif
