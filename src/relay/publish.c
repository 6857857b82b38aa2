/* SPDX-License-Identifier: MIT */
/*
 * Published ports: the host listens, and every connection it accepts becomes one
 * from the gateway to a server inside. Only the loopback is listened on unless
 * an address is given: what runs in a sandbox is not shown to the network by
 * accident.
 *
 * With several relays each of them accepts, and opens its own connections from ports that
 * make them its own (exchange.h).
 */
#define _GNU_SOURCE
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "relay/loop.h"

enum { BACKLOG = 1024, ACCEPTS = 64 /* a turn */ };

struct publisher {
    struct source source;
    int fd;
    uint16_t port;
    bool paused;
    struct publisher *next;
};

/* How long a listener is left alone that cannot be served for want of descriptors. */
#define PAUSE_TIME (WH_SECOND / 2)

/* Several relays may listen together: one of those that sleep is woken, not all. */
static int start_watching(struct relay *relay, struct publisher *publisher)
{
    bool shared = exchange_members(relay->exchange) > 1;
    publisher->paused = false;
    return relay_poll_add(relay, publisher->fd, &publisher->source,
                          shared ? EPOLLIN | EPOLLEXCLUSIVE : EPOLLIN);
}

/* EPOLLEXCLUSIVE cannot be modified, only taken back. */
static void stop_watching(const struct relay *relay, struct publisher *publisher)
{
    if (!publisher->paused)
        epoll_ctl(relay->epoll, EPOLL_CTL_DEL, publisher->fd, NULL);
    publisher->paused = true;
}

void publish_resume(struct relay *relay)
{
    if (relay->now < relay->accept_again)
        return;
    relay->accept_again = WH_NEVER;
    for (struct publisher *publisher = relay->publishers; publisher; publisher = publisher->next)
        if (publisher->paused)
            start_watching(relay, publisher);
}

/* Reads a port number that fills the text up to `end`. */
static bool read_port(const char *text, const char *end, uint16_t *port)
{
    unsigned number = 0;
    if (text == end || end - text > 5)
        return false;
    for (; text < end; text++) {
        if (*text < '0' || *text > '9')
            return false;
        number = number * 10 + (unsigned)(*text - '0');
    }
    *port = (uint16_t)number;
    return number >= 1 && number <= 65535;
}

/* Reads a numeric address, IPv6 with or without brackets. */
static bool read_address(const char *text, size_t length, struct relay_publish *publish)
{
    char host[80];
    if (length >= 2 && text[0] == '[' && text[length - 1] == ']') {
        text++;
        length -= 2;
    }
    if (length == 0 || length >= sizeof host)
        return false;
    memcpy(host, text, length);
    host[length] = '\0';
    const struct addrinfo hints = { .ai_flags = AI_NUMERICHOST, .ai_socktype = SOCK_STREAM };
    struct addrinfo *found;
    if (getaddrinfo(host, NULL, &hints, &found) != 0)
        return false;
    memcpy(&publish->listen, found->ai_addr, found->ai_addrlen);
    publish->listen_length = found->ai_addrlen;
    freeaddrinfo(found);
    return true;
}

static void set_port(struct sockaddr_storage *address, uint16_t port)
{
    if (address->ss_family == AF_INET6)
        ((struct sockaddr_in6 *)address)->sin6_port = htons(port);
    else
        ((struct sockaddr_in *)address)->sin_port = htons(port);
}

int relay_publish_parse(const char *spec, struct relay_publish *publish, char *error,
                        size_t error_size)
{
    memset(publish, 0, sizeof *publish);
    const char *end = spec + strlen(spec);
    const char *last = strrchr(spec, ':');
    const char *middle = last;
    while (middle && middle > spec && middle[-1] != ':')
        middle--;
    /* middle: the host's port; what stands before it and its colon is the address. */
    uint16_t host_port;
    const char *address = "127.0.0.1";
    size_t address_length = strlen(address);
    if (middle && middle > spec) {
        address = spec;
        address_length = (size_t)(middle - 1 - spec);
    }
    if (!last || !read_port(middle, last, &host_port) ||
        !read_port(last + 1, end, &publish->port) ||
        !read_address(address, address_length, publish)) {
        snprintf(error, error_size,
                 "--publish %s: expected [ADDRESS:]HOSTPORT:PORT, such as 8080:80 or [::1]:8080:80",
                 spec);
        return -1;
    }
    set_port(&publish->listen, host_port);
    return 0;
}

static void accept_ready(struct relay *relay, struct source *source, uint32_t events)
{
    struct publisher *publisher = (struct publisher *)source;
    (void)events;
    for (int n = 0; n < ACCEPTS; n++) {
        int fd = accept4(publisher->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            tcp_published(relay, fd, publisher->port);
            continue;
        }
        if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
            relay_short_of(relay, SHORT_OF_DESCRIPTORS);
            stop_watching(relay, publisher);
            relay->accept_again = relay->now + PAUSE_TIME;
            return;
        }
        if (errno != ECONNABORTED && errno != EINTR)
            return;
    }
}

static int open_listener(const struct relay_publish *publish)
{
    int fd = socket(publish->listen.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    const int on = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    setsockopt(fd, SOL_SOCKET, SO_OOBINLINE, &on, sizeof on); /* what it accepts inherits this */
    if (publish->listen.ss_family == AF_INET6)
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
    if (bind(fd, (const struct sockaddr *)&publish->listen, publish->listen_length) < 0 ||
        listen(fd, BACKLOG) < 0) {
        int reason = errno;
        close(fd);
        errno = reason;
        return -1;
    }
    return fd;
}

int relay_publish_open(const struct relay_publish *publish, char *error, size_t error_size)
{
    int fd = open_listener(publish);
    if (fd < 0) {
        char host[80] = "?", port[8] = "?";
        int reason = errno;
        getnameinfo((const struct sockaddr *)&publish->listen, publish->listen_length, host,
                    sizeof host, port, sizeof port, NI_NUMERICHOST | NI_NUMERICSERV);
        snprintf(error, error_size, "cannot publish port %s of %s: %s%s", port, host,
                 strerror(reason), reason == EADDRINUSE ? "; choose another host port" : "");
    }
    return fd;
}

int relay_publish(struct relay *relay, int listener, uint16_t port)
{
    struct publisher *publisher = calloc(1, sizeof *publisher);
    if (!publisher) {
        close(listener);
        errno = ENOMEM;
        return -1;
    }
    *publisher = (struct publisher){
        .source.ready = accept_ready, .fd = listener, .port = port, .next = relay->publishers
    };
    relay->publishers = publisher;
    return start_watching(relay, publisher);
}

void relay_unpublish(struct relay *relay)
{
    while (relay->publishers) {
        struct publisher *publisher = relay->publishers;
        relay->publishers = publisher->next;
        stop_watching(relay, publisher); /* a duplicate of it may live on in another relay */
        close(publisher->fd);
        free(publisher);
    }
}
