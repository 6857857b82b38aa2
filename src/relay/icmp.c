/* SPDX-License-Identifier: MIT */
/*
 * ICMP echo, relayed through the host's unprivileged ping sockets (icmp(7)), one
 * for each far end and identifier. The host's kernel puts an identifier of its
 * own on the wire and gives us only our replies; the sequence number passes
 * through. Where net.ipv4.ping_group_range keeps us out, the program is told
 * that this is prohibited. The gateway's own addresses are answered by the stack.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "base/bytes.h"
#include "relay/datagram_flow.h"

enum {
    FROM_PROGRAM = 64,
    FROM_HOST = 16,
    ECHO_HEADER = 8,
    ECHO_REQUEST_4 = 8,
    ECHO_REPLY_4 = 0, /* RFC 792 */
    ECHO_REQUEST_6 = 128,
    ECHO_REPLY_6 = 129, /* RFC 4443 4 */
};

static struct datagram_key key_of(const wh_datagram *datagram)
{
    struct datagram_key key;
    memset(&key, 0, sizeof key);
    key.local = datagram->local.addr;
    key.remote = datagram->remote.addr;
    key.remote_port = datagram->echo_id;
    key.kind = WH_ECHO;
    return key;
}

static struct datagram_flow *open_flow(struct relay *relay, const wh_datagram *datagram,
                                       const struct datagram_key *key)
{
    struct upstream upstream;
    const wh_endpoint destination = { .addr = datagram->local.addr };
    if (upstream_find(&destination, relay->host_loopback, &upstream) != UPSTREAM_GO)
        return NULL;
    bool ipv4 = upstream.address.ss_family == AF_INET;
    int fd = socket(upstream.address.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
                    ipv4 ? IPPROTO_ICMP : IPPROTO_ICMPV6);
    if (fd < 0) {
        bool forbidden = errno == EACCES || errno == EPERM;
        relay_short_of(relay, forbidden ? PING_FORBIDDEN : SHORT_OF_DESCRIPTORS);
        if (forbidden)
            wh_dgram_refuse(relay->echo, datagram, WH_REFUSE_PROHIBITED);
        return NULL;
    }
    return datagram_flow_open(relay, fd, &upstream, key, DATAGRAM_PING, datagram);
}

static void forward(struct relay *relay, const wh_datagram *datagram)
{
    const struct datagram_key key = key_of(datagram);
    struct datagram_flow *flow = datagrams_find(&relay->datagrams, &key);
    if (!flow)
        flow = open_flow(relay, datagram, &key);
    else
        datagrams_touch(&relay->datagrams, flow, DATAGRAM_PING, relay->now);
    if (!flow || datagram->length > sizeof relay->scratch - ECHO_HEADER)
        return;
    uint8_t *message = relay->scratch;
    memset(message, 0, ECHO_HEADER); /* the kernel fills in checksum and identifier */
    message[0] = wh_is_ipv4(&key.local) ? ECHO_REQUEST_4 : ECHO_REQUEST_6;
    put16(message + 6, datagram->echo_sequence);
    memcpy(message + ECHO_HEADER, datagram->data, datagram->length);
    if (send(flow->fd, message, ECHO_HEADER + datagram->length, 0) >= 0)
        return;
    wh_refusal how;
    if (upstream_answer(errno, &how) == ANSWER_REFUSE)
        wh_dgram_refuse(relay->echo, datagram,
                        how == WH_REFUSE_RESET ? WH_REFUSE_HOST_UNREACHABLE : how);
}

void icmp_receive(struct relay *relay)
{
    datagram_flow_receive(relay, relay->echo, FROM_PROGRAM, forward);
}

void icmp_ready(struct relay *relay, struct source *source, uint32_t events)
{
    struct datagram_flow *flow = (struct datagram_flow *)source;
    (void)events;
    for (int n = 0; n < FROM_HOST && flow->fd >= 0; n++) {
        ssize_t length = recv(flow->fd, relay->scratch, sizeof relay->scratch, 0);
        if (length < 0)
            return; /* nothing waits, or an error that the next request meets too */
        uint8_t reply = wh_is_ipv4(&flow->key.local) ? ECHO_REPLY_4 : ECHO_REPLY_6;
        if (length < ECHO_HEADER || relay->scratch[0] != reply)
            continue;
        const wh_datagram datagram = { .kind = WH_ECHO,
                                       .local = { .addr = flow->key.local },
                                       .remote = { .addr = flow->key.remote },
                                       .echo_id = flow->key.remote_port,
                                       .echo_sequence = get16(relay->scratch + 6),
                                       .data = relay->scratch + ECHO_HEADER,
                                       .length = (size_t)length - ECHO_HEADER };
        datagrams_touch(&relay->datagrams, flow, DATAGRAM_PING, relay->now);
        wh_dgram_send(relay->echo, &datagram);
    }
}
