/* SPDX-License-Identifier: MIT */
/*
 * TCP, relayed: a connection of the program's on one side, a socket of the host
 * on the other, and nothing of ours in between but the stack's own queues.
 *
 * Opening. A SYN is held until the host's connect() has an answer: success is a
 * SYN,ACK, refusal a RST, "unreachable" the ICMP message that says so, silence
 * stays silence (the program repeats its SYN as long as it likes; when it gives
 * up, so do we). A published port goes the other way: accept, then connect.
 *
 * Bytes. From the host they are read straight into the send queue's chunks
 * (wh_reserve, readv, wh_commit), to the host written straight from the receive
 * queue (wh_peek, sendmsg, wh_consume). The queues' limits are the back-pressure:
 * a full send queue stops the reading of the socket, a full socket leaves bytes
 * in the receive queue, which closes the window.
 *
 * Closing. The end of either direction is passed on by itself, for as long as the
 * other goes on. A reset is passed on as a reset, after the bytes that came
 * before it.
 *
 * The socket is watched edge-triggered, once, in both directions: readiness is
 * remembered in `readable` and `writable` and forgotten when the kernel says
 * that it is over. No system call is made for a flow that has nothing to do.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "link/share.h"
#include "relay/loop.h"
#include "relay/tcp_flow.h"
#include "relay/upstream.h"

enum {
    SHARE = 1 << 18,      /* bytes one flow may move in a turn, each way */
    READ_FIRST = 1 << 14, /* bytes asked of a socket that has shown little yet */
    READ_MOST = 1 << 18,
    SLICES = 64,
    SMALLEST_SEGMENT = 536, /* RFC 9293 3.7.1: what every host takes */
    FIRST_PORT = 49152,     /* RFC 6335 6: the dynamic ports */
    PORTS = 16384,
};

/* How long bytes that came before a reset may take to reach the program. */
#define PARTING_TIME WH_SECOND

static void enqueue(struct relay *relay, struct tcp_flow *flow)
{
    if (!link_listed(&flow->ready))
        list_append(&relay->ready, &flow->ready);
}

/* The host's socket is ready for something. */
static void socket_ready(struct relay *relay, struct source *source, uint32_t events)
{
    struct tcp_flow *flow = (struct tcp_flow *)source;
    if (flow->phase == FLOW_GONE)
        return;
    if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR))
        flow->readable = true;
    if (events & (EPOLLOUT | EPOLLHUP | EPOLLERR))
        flow->writable = true;
    if (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR | EPOLLPRI))
        flow->read_to_the_end = true;
    enqueue(relay, flow);
}

static struct tcp_flow *flow_new(struct relay *relay, int descriptor)
{
    struct tcp_flow *flow = calloc(1, sizeof *flow);
    if (!flow) {
        close(descriptor);
        relay_short_of(relay, SHORT_OF_MEMORY);
        return NULL;
    }
    flow->source.ready = socket_ready;
    flow->fd = descriptor;
    flow->want = READ_FIRST;
    flow->watched = WH_WATCH_DEFAULT;
    list_append(&relay->flows, &flow->all);
    relay->flow_count++;
    return flow;
}

/* Closes the host's socket; with `reset`, so that its peer sees a RST. */
static void close_socket(struct tcp_flow *flow, bool reset)
{
    if (flow->fd < 0)
        return;
    const struct linger now = { .l_onoff = 1, .l_linger = 0 };
    if (reset)
        setsockopt(flow->fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    close(flow->fd);
    flow->fd = -1;
}

/* Takes the flow out of everything; its memory goes at the end of the turn. */
static void flow_end(struct relay *relay, struct tcp_flow *flow)
{
    flow->phase = FLOW_GONE;
    link_remove(&flow->ready);
    link_remove(&flow->parting);
    link_remove(&flow->all);
    relay->flow_count--;
    list_append(&relay->dead, &flow->all);
}

/* The program's side is over or unwanted: RST to both. */
static void flow_abort(struct relay *relay, struct tcp_flow *flow)
{
    close_socket(flow, true);
    if (flow->syn)
        wh_syn_ignore(flow->syn);
    if (flow->conn)
        wh_abort(flow->conn);
    flow_end(relay, flow);
}

/* --------------------------------------------------------------- opening -- */

static void refuse(struct relay *relay, struct tcp_flow *flow, int error)
{
    wh_refusal how;
    enum upstream_answer answer = upstream_answer(error, &how);
    if (answer == ANSWER_REFUSE) {
        wh_syn_refuse(flow->syn, how);
        flow->syn = NULL;
    } else if (answer == ANSWER_SHORTAGE) {
        relay_short_of(relay, SHORT_OF_PORTS);
    }
    flow_abort(relay, flow);
}

/* The host's socket is connected: now the program's SYN is answered. */
static void connected(struct relay *relay, struct tcp_flow *flow)
{
    if (wh_syn_accept(flow->syn, flow, &flow->conn) < 0) {
        /* Without memory the SYN stays unanswered; its repeat may find some. */
        relay_short_of(relay, SHORT_OF_MEMORY);
        flow_abort(relay, flow);
        return;
    }
    flow->syn = NULL;
    flow->phase = FLOW_OPENING;
}

/* Something happened to a socket that is connecting. */
static void connect_step(struct relay *relay, struct tcp_flow *flow)
{
    int error = 0;
    socklen_t length = sizeof error;
    if (!flow->writable)
        return;
    if (getsockopt(flow->fd, SOL_SOCKET, SO_ERROR, &error, &length) < 0)
        error = errno;
    if (error)
        refuse(relay, flow, error);
    else
        connected(relay, flow);
}

/* A socket of the right kind; or -errno. */
static int upstream_socket(const struct upstream *upstream)
{
    int fd = socket(upstream->address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    const int on = 1;
    /* Urgent data keeps its place in the stream; taken out of it, it would be lost. */
    setsockopt(fd, SOL_SOCKET, SO_OOBINLINE, &on, sizeof on);
    return fd;
}

/* connect(); 0, or errno. */
static int try_connect(int fd, const struct upstream *upstream)
{
    const struct sockaddr *address = (const struct sockaddr *)&upstream->address;
    if (connect(fd, address, upstream->length) == 0)
        return 0;
    /* On this host the handshake is over by now: asking again tells at once. */
    if (errno == EINPROGRESS && upstream->loopback && connect(fd, address, upstream->length) == 0)
        return 0;
    return errno == EALREADY ? EINPROGRESS : errno;
}

/* Watches the socket in every direction, once for its life. */
static bool watch_socket(struct relay *relay, struct tcp_flow *flow)
{
    return relay_poll_add(relay, flow->fd, &flow->source,
                          EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLPRI | EPOLLET) == 0;
}

void tcp_offered(struct relay *relay, wh_syn *syn)
{
    wh_endpoint destination, program;
    struct upstream upstream;
    wh_syn_endpoints(syn, &destination, &program);
    enum upstream_verdict verdict = upstream_find(&destination, relay->host_loopback, &upstream);
    if (verdict != UPSTREAM_GO) {
        wh_syn_refuse(syn,
                      verdict == UPSTREAM_REFUSED ? WH_REFUSE_RESET : WH_REFUSE_NET_UNREACHABLE);
        return;
    }
    int fd = upstream_socket(&upstream);
    if (fd == -EAFNOSUPPORT) {
        wh_syn_refuse(syn, WH_REFUSE_NET_UNREACHABLE);
        return;
    }
    if (fd < 0) {
        relay_short_of(relay, SHORT_OF_DESCRIPTORS);
        wh_syn_ignore(syn);
        return;
    }
    struct tcp_flow *flow = flow_new(relay, fd);
    if (!flow) {
        wh_syn_ignore(syn);
        return;
    }
    flow->syn = syn;
    flow->phase = FLOW_CONNECTING;
    wh_syn_set_user(syn, flow);
    int error = try_connect(fd, &upstream);
    if (error != 0 && error != EINPROGRESS)
        refuse(relay, flow, error);
    else if (!watch_socket(relay, flow))
        flow_abort(relay, flow);
    else if (error == 0)
        connected(relay, flow);
}

void tcp_withdrawn(struct relay *relay, wh_syn *syn, struct tcp_flow *flow)
{
    if (flow)
        flow_abort(relay, flow);
    else
        wh_syn_ignore(syn);
}

/*
 * wh_connect from a port that makes the connection ours among the relays' (exchange.h). Each
 * of them walks the ports in an order of its own, as RFC 6056 3.3.3 has it, and passes
 * over those of others.
 */
static int connect_as_ours(struct relay *relay, wh_connect_options *options, wh_conn **conn)
{
    const uint32_t relays = exchange_members(relay->exchange);
    if (relays == 1) /* the stack chooses */
        return wh_connect(relay->host, options, relay->now, conn);
    int result = WH_E_ADDRNOTAVAIL;
    for (uint32_t tries = 0; tries < PORTS; tries++) {
        options->local.port = (uint16_t)(FIRST_PORT + relay->next_port++ % PORTS);
        if (share_of_ends(&options->local, &options->remote, relays) != relay->share)
            continue;
        result = wh_connect(relay->host, options, relay->now, conn);
        if (result != WH_E_ADDRINUSE)
            return result;
    }
    return result;
}

/* Opens a connection to a server inside; IPv4 first, then what is left. */
static bool open_inside(struct relay *relay, struct tcp_flow *flow, bool ipv4)
{
    wh_connect_options options;
    wh_connect_options_init(&options);
    options.local.addr = upstream_gateway(ipv4);
    options.remote.addr = upstream_program(ipv4);
    options.remote.port = flow->published;
    options.user = flow;
    flow->tried_ipv6 = !ipv4;
    flow->watched = WH_WATCH_DEFAULT;
    flow->phase = FLOW_OPENING;
    return connect_as_ours(relay, &options, &flow->conn) == WH_OK;
}

void tcp_published(struct relay *relay, int descriptor, uint16_t port)
{
    struct tcp_flow *flow = flow_new(relay, descriptor);
    if (!flow)
        return;
    flow->published = port;
    if (!watch_socket(relay, flow) || !open_inside(relay, flow, true))
        flow_abort(relay, flow);
}

/* ----------------------------------------------------------------- bytes -- */

/*
 * The host's socket failed. What it gave before is on its way to the program;
 * the reset follows behind it, or soon.
 */
static void socket_failed(struct relay *relay, struct tcp_flow *flow)
{
    close_socket(flow, true);
    if (wh_ready(flow->conn) & WH_ACKED) {
        flow_abort(relay, flow);
        return;
    }
    flow->phase = FLOW_PARTING;
    flow->parting_at = relay->now + PARTING_TIME;
    list_append(&relay->parting, &flow->parting);
    wh_watch(flow->conn, WH_DEAD | WH_ACKED);
}

/* The stack's slices as the system calls want them; returns the sum of their lengths. */
static size_t gather(struct iovec *vector, const wh_slice *slices, int n)
{
    size_t length = 0;
    for (int i = 0; i < n; i++) {
        vector[i] = (struct iovec){ .iov_base = (void *)(uintptr_t)slices[i].base,
                                    .iov_len = slices[i].length };
        length += slices[i].length;
    }
    return length;
}

/*
 * Who holds small writes back is for the program to decide, and it has: the host's kernel shall
 * not. A first write that fits into the smallest segment finds nothing under way that it
 * could be held back for, so a connection with one request needs no call for it.
 */
static void never_hold_back(struct tcp_flow *flow, size_t length)
{
    const int on = 1;
    bool first = !flow->written;
    flow->written = true;
    if (flow->no_delay || (first && length <= SMALLEST_SEGMENT))
        return;
    setsockopt(flow->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    flow->no_delay = true;
}

/* Passes the program's end of file on; close() will, if nothing is left to be read. */
static void end_writing(struct tcp_flow *flow)
{
    if (!flow->host_ended)
        shutdown(flow->fd, SHUT_WR);
    flow->program_ended = true;
}

/* Writes what the program has sent to the host's socket. False when the socket failed. */
static bool deliver(struct relay *relay, struct tcp_flow *flow)
{
    for (size_t moved = 0; moved < SHARE;) {
        wh_slice slices[SLICES];
        int n = wh_peek(flow->conn, slices, SLICES);
        if (n == 0) {
            end_writing(flow);
            return true;
        }
        if (n < 0)
            return true; /* nothing waits, or WH_DEAD follows */
        struct iovec vector[SLICES];
        size_t length = gather(vector, slices, n);
        never_hold_back(flow, length);
        const struct msghdr message = { .msg_iov = vector, .msg_iovlen = (size_t)n };
        ssize_t sent = sendmsg(flow->fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent < 0 && errno != EAGAIN && errno != EINTR)
            return false;
        if (sent > 0) {
            wh_consume(flow->conn, (size_t)sent);
            moved += (size_t)sent;
        }
        if (sent < (ssize_t)length) {
            flow->writable = false;
            return true;
        }
    }
    relay->busy = true;
    enqueue(relay, flow);
    return true;
}

/* Reads from the host's socket into the stack's send queue. False when the socket failed. */
static bool fetch(struct relay *relay, struct tcp_flow *flow)
{
    flow->starved = false;
    for (size_t moved = 0; moved < SHARE;) {
        wh_slice slices[SLICES];
        int n = wh_reserve(flow->conn, flow->want, slices, SLICES);
        if (n <= 0) {
            flow->starved = true; /* WH_WRITABLE tells when to go on; or WH_DEAD follows */
            return true;
        }
        struct iovec vector[SLICES];
        size_t length = gather(vector, slices, n);
        ssize_t got = readv(flow->fd, vector, n);
        if (got < 0) {
            flow->readable = false;
            return errno == EAGAIN || errno == EINTR;
        }
        if (got == 0) {
            flow->host_ended = true;
            wh_shutdown(flow->conn, WH_WRITE);
            return true;
        }
        wh_commit(flow->conn, (size_t)got, 0);
        moved += (size_t)got;
        if ((size_t)got == length && flow->want < READ_MOST)
            flow->want *= 2;
        /* A short read means that the socket is empty, except before its end or an urgent mark. */
        if ((size_t)got < length && !flow->read_to_the_end) {
            flow->readable = false;
            return true;
        }
    }
    relay->busy = true;
    enqueue(relay, flow);
    return true;
}

/* Tells the stack what this flow waits for now. */
static void watch(struct tcp_flow *flow)
{
    uint32_t wanted = WH_DEAD | WH_CONNECTED;
    if (!flow->program_ended && flow->writable)
        wanted |= WH_READABLE | WH_EOF;
    if (!flow->host_ended && flow->starved)
        wanted |= WH_WRITABLE;
    if (wanted != flow->watched)
        wh_watch(flow->conn, wanted);
    flow->watched = wanted;
}

static void serve(struct relay *relay, struct tcp_flow *flow)
{
    if (flow->phase == FLOW_CONNECTING) {
        connect_step(relay, flow);
        return;
    }
    if (flow->phase != FLOW_OPEN)
        return;
    bool alive = true;
    if (flow->writable && !flow->program_ended)
        alive = deliver(relay, flow);
    if (flow->readable && !flow->host_ended)
        alive = fetch(relay, flow) && alive;
    if (!alive) {
        socket_failed(relay, flow);
    } else if (flow->program_ended && flow->host_ended) {
        close_socket(flow, false);
        wh_close(flow->conn);
        flow_end(relay, flow);
    } else {
        watch(flow);
    }
}

/* --------------------------------------------------------------- closing -- */

/* The program's connection is over. */
static void dead(struct relay *relay, struct tcp_flow *flow)
{
    int error = wh_conn_error(flow->conn);
    if (flow->phase == FLOW_OPENING && flow->published && error == WH_E_CONNREFUSED &&
        !flow->tried_ipv6) {
        wh_close(flow->conn);
        flow->conn = NULL;
        if (!open_inside(relay, flow, false))
            flow_abort(relay, flow);
        return;
    }
    /* What arrived before a reset is still passed on, as far as the socket takes it. */
    if (flow->phase == FLOW_OPEN && !flow->program_ended)
        deliver(relay, flow);
    bool orderly = error == WH_OK && flow->program_ended && flow->host_ended;
    close_socket(flow, !orderly);
    wh_close(flow->conn);
    flow_end(relay, flow);
}

void tcp_event(struct relay *relay, struct tcp_flow *flow, uint32_t ready)
{
    if (flow->phase == FLOW_GONE)
        return;
    if (ready & WH_DEAD) {
        dead(relay, flow);
    } else if (flow->phase == FLOW_PARTING) {
        if (ready & WH_ACKED)
            flow_abort(relay, flow);
    } else {
        if (ready & WH_CONNECTED)
            flow->phase = FLOW_OPEN;
        enqueue(relay, flow);
    }
}

/* Resets the flows whose time for parting is over. */
static void part(struct relay *relay)
{
    while (!list_empty(&relay->parting)) {
        struct tcp_flow *flow = CONTAINER(relay->parting.ring.next, struct tcp_flow, parting);
        if (flow->parting_at > relay->now)
            return;
        flow_abort(relay, flow);
    }
}

void tcp_serve(struct relay *relay)
{
    /* Flows that come back for more stand behind this mark, for the next turn. */
    struct link mark = { 0 };
    list_append(&relay->ready, &mark);
    for (struct link *link; (link = list_take(&relay->ready)) != &mark;)
        serve(relay, CONTAINER(link, struct tcp_flow, ready));
    part(relay);
}

wh_time tcp_wake(const struct relay *relay)
{
    if (list_empty(&relay->parting))
        return WH_NEVER;
    return CONTAINER(relay->parting.ring.next, struct tcp_flow, parting)->parting_at;
}

static bool may_still_send(const struct tcp_flow *flow)
{
    return (flow->phase == FLOW_OPENING || flow->phase == FLOW_OPEN) && !flow->program_ended;
}

void tcp_load(const struct relay *relay, struct relay_load *load)
{
    load->connections = relay->flow_count;
    load->sending = load->waiting = 0;
    for (const struct link *link = relay->flows.ring.next; link != &relay->flows.ring;
         link = link->next) {
        const struct tcp_flow *flow = CONTAINER(link, struct tcp_flow, all);
        bool sending = may_still_send(flow);
        load->sending += sending;
        load->waiting += sending && (wh_ready(flow->conn) & WH_READABLE);
    }
}

void tcp_bury(struct relay *relay)
{
    for (struct link *link; (link = list_take(&relay->dead));)
        free(CONTAINER(link, struct tcp_flow, all));
}

void tcp_free(struct relay *relay)
{
    while (!list_empty(&relay->flows)) {
        struct tcp_flow *flow = CONTAINER(relay->flows.ring.next, struct tcp_flow, all);
        /* All that the program sent is in the host's hands, which must not throw it away. */
        if (flow->program_ended)
            close_socket(flow, false);
        flow_abort(relay, flow);
    }
    tcp_bury(relay);
}
