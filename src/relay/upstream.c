/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "relay/upstream.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "relay/dns.h"

static const uint8_t ours6[15] = { 0xfd };

/* fd00::last, or 10.0.2.last. */
static wh_addr ours(bool ipv4, uint8_t last)
{
    if (ipv4)
        return wh_ipv4(10, 0, 2, last);
    wh_addr addr = { { 0xfd } };
    addr.bytes[15] = last;
    return addr;
}

wh_addr upstream_gateway(bool ipv4) { return ours(ipv4, 2); }

wh_addr upstream_resolver(bool ipv4) { return ours(ipv4, 3); }

wh_addr upstream_program(bool ipv4)
{
    /* 10.0.2.100 and fd00::100, whose last 16 bits are hexadecimal. */
    wh_addr addr = ours(ipv4, ipv4 ? 100 : 0);
    if (!ipv4)
        addr.bytes[14] = 1;
    return addr;
}

static void set_address(struct upstream *upstream, const wh_addr *addr, uint16_t port)
{
    memset(&upstream->address, 0, sizeof upstream->address);
    if (wh_is_ipv4(addr)) {
        struct sockaddr_in *in = (struct sockaddr_in *)&upstream->address;
        in->sin_family = AF_INET;
        in->sin_port = htons(port);
        memcpy(&in->sin_addr, addr->bytes + 12, 4);
        upstream->length = sizeof *in;
    } else {
        struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&upstream->address;
        in6->sin6_family = AF_INET6;
        in6->sin6_port = htons(port);
        memcpy(&in6->sin6_addr, addr->bytes, 16);
        upstream->length = sizeof *in6;
    }
}

/*
 * Addresses that mean "this host" or "many hosts" to the host's kernel. No route
 * leads to them from inside, but a program that forges packets must not reach
 * the host's loopback behind --no-host-loopback.
 */
static bool not_for_relaying(const wh_addr *addr)
{
    const uint8_t *b = addr->bytes;
    if (wh_is_ipv4(addr))
        return b[12] == 0 || b[12] == 127 || b[12] >= 224;
    static const uint8_t zero[15];
    bool any_or_loopback = memcmp(b, zero, 15) == 0 && b[15] <= 1;
    return any_or_loopback || b[0] == 0xff;
}

static enum upstream_verdict find_gateway(bool ipv4, uint16_t port, bool host_loopback,
                                          struct upstream *upstream)
{
    if (!host_loopback)
        return UPSTREAM_REFUSED;
    wh_addr loopback = ipv4 ? wh_ipv4(127, 0, 0, 1) : (wh_addr){ { 0 } };
    if (!ipv4)
        loopback.bytes[15] = 1;
    set_address(upstream, &loopback, port);
    upstream->loopback = true;
    return UPSTREAM_GO;
}

enum upstream_verdict upstream_find(const wh_endpoint *destination, bool host_loopback,
                                    struct upstream *upstream)
{
    const wh_addr *addr = &destination->addr;
    bool ipv4 = wh_is_ipv4(addr);
    upstream->loopback = upstream->resolver = false;
    if (ipv4 ? memcmp(addr->bytes + 12, (uint8_t[]){ 10, 0, 2 }, 3) == 0
             : memcmp(addr->bytes, ours6, sizeof ours6) == 0) {
        if (addr->bytes[15] == 2)
            return find_gateway(ipv4, destination->port, host_loopback, upstream);
        if (addr->bytes[15] == 3) {
            if (destination->port != 53)
                return UPSTREAM_REFUSED;
            upstream->resolver = true;
            dns_server(&upstream->address, &upstream->length);
            return UPSTREAM_GO;
        }
    }
    if (not_for_relaying(addr))
        return UPSTREAM_UNREACHABLE;
    set_address(upstream, addr, destination->port);
    return UPSTREAM_GO;
}

enum upstream_answer upstream_answer(int error, wh_refusal *how)
{
    switch (error) {
    case ECONNREFUSED:
    case ECONNRESET: *how = WH_REFUSE_RESET; return ANSWER_REFUSE;
    case EHOSTUNREACH:
    case EHOSTDOWN: *how = WH_REFUSE_HOST_UNREACHABLE; return ANSWER_REFUSE;
    case EACCES:
    case EPERM: *how = WH_REFUSE_PROHIBITED; return ANSWER_REFUSE;
    case ETIMEDOUT: return ANSWER_SILENCE;
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
    case EAGAIN: /* no free local port */
    case EADDRNOTAVAIL: return ANSWER_SHORTAGE;
    default: /* ENETUNREACH, ENETDOWN, EINVAL, EAFNOSUPPORT: no way from here */
        *how = WH_REFUSE_NET_UNREACHABLE;
        return ANSWER_REFUSE;
    }
}
