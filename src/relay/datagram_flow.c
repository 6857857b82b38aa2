/* SPDX-License-Identifier: MIT */
#include "relay/datagram_flow.h"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

struct datagram_flow *datagram_flow_open(struct relay *relay, int fd,
                                         const struct upstream *upstream,
                                         const struct datagram_key *key, enum datagram_class class,
                                         const wh_datagram *datagram)
{
    bool echo = datagram->kind == WH_ECHO;
    struct datagram_flow *flow = NULL;
    if (connect(fd, (const struct sockaddr *)&upstream->address, upstream->length) == 0)
        flow = datagrams_add(&relay->datagrams, key, class, relay->now);
    else
        wh_dgram_refuse(echo ? relay->echo : relay->udp, datagram, WH_REFUSE_NET_UNREACHABLE);
    if (!flow) {
        close(fd);
        return NULL;
    }
    flow->fd = fd;
    flow->source.ready = echo ? icmp_ready : udp_ready;
    if (relay_poll_add(relay, fd, &flow->source, EPOLLIN) < 0) {
        datagrams_remove(&relay->datagrams, flow);
        return NULL;
    }
    return flow;
}

void datagram_flow_receive(struct relay *relay, wh_dgram *socket, int most,
                           void (*forward)(struct relay *relay, const wh_datagram *datagram))
{
    wh_datagram datagram;
    for (int n = 0; wh_dgram_recv(socket, &datagram) == WH_OK; n++) {
        forward(relay, &datagram);
        if (n >= most) {
            relay->busy = true; /* the event comes again */
            return;
        }
    }
}
