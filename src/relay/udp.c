/* SPDX-License-Identifier: MIT */
/*
 * UDP, relayed: one connected socket of the host for each pair of endpoints, so
 * that the kernel tells us what ICMP says about it and hands us no datagram from
 * anybody else. Datagrams are moved as they are; a full queue on either side
 * loses them, as UDP does.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "relay/datagram_flow.h"

enum { FROM_PROGRAM = 256, FROM_HOST = 64 }; /* datagrams a turn; the second for each flow */

static struct datagram_key key_of(const wh_datagram *datagram)
{
    struct datagram_key key;
    memset(&key, 0, sizeof key);
    key.local = datagram->local.addr;
    key.remote = datagram->remote.addr;
    key.local_port = datagram->local.port;
    key.remote_port = datagram->remote.port;
    key.kind = WH_UDP;
    return key;
}

/* A datagram between the flow's endpoints, towards the program. */
static wh_datagram towards_program(const struct datagram_flow *flow)
{
    return (wh_datagram){ .kind = WH_UDP,
                          .local = { .addr = flow->key.local, .port = flow->key.local_port },
                          .remote = { .addr = flow->key.remote, .port = flow->key.remote_port } };
}

/* Tells the program what the host's kernel told us. */
static void report(struct relay *relay, const struct datagram_flow *flow, int error)
{
    wh_refusal how;
    if (upstream_answer(error, &how) != ANSWER_REFUSE)
        return;
    wh_datagram datagram = towards_program(flow);
    wh_dgram_refuse(relay->udp, &datagram,
                    how == WH_REFUSE_RESET ? WH_REFUSE_PORT_UNREACHABLE : how);
}

static struct datagram_flow *open_flow(struct relay *relay, const wh_datagram *datagram,
                                       const struct datagram_key *key)
{
    struct upstream upstream;
    enum upstream_verdict verdict =
        upstream_find(&datagram->local, relay->host_loopback, &upstream);
    if (verdict == UPSTREAM_REFUSED)
        wh_dgram_refuse(relay->udp, datagram, WH_REFUSE_PORT_UNREACHABLE);
    if (verdict != UPSTREAM_GO)
        return NULL; /* multicast and the like have no one to hear them */
    int fd = socket(upstream.address.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        relay_short_of(relay, SHORT_OF_DESCRIPTORS);
        return NULL;
    }
    return datagram_flow_open(relay, fd, &upstream, key,
                              upstream.resolver ? DATAGRAM_LOOKUP : DATAGRAM_FRESH, datagram);
}

static void forward(struct relay *relay, const wh_datagram *datagram)
{
    const struct datagram_key key = key_of(datagram);
    struct datagram_flow *flow = datagrams_find(&relay->datagrams, &key);
    if (!flow)
        flow = open_flow(relay, datagram, &key);
    else
        datagrams_touch(&relay->datagrams, flow, flow->class, relay->now);
    if (!flow)
        return;
    if (send(flow->fd, datagram->data, datagram->length, 0) >= 0 || errno == EAGAIN)
        return;
    /* That may have been word of an earlier datagram, and this one is not sent yet. */
    report(relay, flow, errno);
    if (send(flow->fd, datagram->data, datagram->length, 0) < 0)
        report(relay, flow, errno);
}

void udp_receive(struct relay *relay)
{
    datagram_flow_receive(relay, relay->udp, FROM_PROGRAM, forward);
}

void udp_ready(struct relay *relay, struct source *source, uint32_t events)
{
    struct datagram_flow *flow = (struct datagram_flow *)source;
    (void)events;
    for (int n = 0; n < FROM_HOST && flow->fd >= 0; n++) {
        ssize_t length = recv(flow->fd, relay->scratch, sizeof relay->scratch, 0);
        if (length < 0) {
            if (errno != EAGAIN && errno != EINTR)
                report(relay, flow, errno);
            return;
        }
        enum datagram_class class =
            flow->class == DATAGRAM_LOOKUP ? DATAGRAM_LOOKUP : DATAGRAM_ANSWERED;
        datagrams_touch(&relay->datagrams, flow, class, relay->now);
        wh_datagram datagram = towards_program(flow);
        datagram.data = relay->scratch;
        datagram.length = (size_t)length;
        wh_dgram_send(relay->udp, &datagram);
    }
}
