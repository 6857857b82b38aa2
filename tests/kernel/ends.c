/* SPDX-License-Identifier: MIT */
/* One set of calls for both kinds of end. */
#define _GNU_SOURCE
#include "pair.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

enum { SMALL_BUFFER = 16384, CHUNK = 65536 };

/* The byte at this place of the stream; no period near a power of two. */
static uint8_t byte_at(uint64_t at) { return (uint8_t)(at * 7 + at / 251); }

static bool six_of(const struct end *end) { return end->pair->six; }

static wh_endpoint own_name(const struct end *end)
{
    return (wh_endpoint){ end->ours ? other_addr(six_of(end)) : linux_addr(six_of(end)),
                          end->port };
}

/* --------------------------------------------------------------- opening -- */

int end_listen(struct end *end, unsigned backlog)
{
    if (!end->ours) {
        int fd = linux_listen(six_of(end), end->port, (int)backlog);
        end->listening = fd < 0 ? 0 : fd;
        return fd < 0 ? fd : 0;
    }
    wh_listen_options options;
    wh_listen_options_init(&options);
    options.local = own_name(end);
    options.backlog = backlog;
    return wh_listen(end->pair->host, &options, &end->listener);
}

void end_unlisten(struct end *end)
{
    if (end->ours)
        wh_listener_close(end->listener);
    else
        close(end->listening);
    end->listener = NULL;
    end->listening = 0;
}

/* A new connection has new streams. */
static void fresh(struct end *end)
{
    end->sent = end->received = 0;
    end->result = WH_E_AGAIN;
}

int end_accept(struct end *end)
{
    fresh(end);
    if (end->ours)
        return wh_accept(end->listener, NULL, &end->conn);
    int fd = accept4(end->listening, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0)
        return linux_error(errno);
    end->fd = fd;
    return 0;
}

int end_connect(struct end *end, const struct end *to)
{
    fresh(end);
    if (!end->ours) {
        int fd = linux_connect(six_of(end), end->port, to->port);
        end->fd = fd < 0 ? 0 : fd;
        return fd < 0 ? fd : 0;
    }
    wh_connect_options options;
    wh_connect_options_init(&options);
    options.local = own_name(end);
    options.remote = own_name(to);
    return wh_connect(end->pair->host, &options, wh_clock(), &end->conn);
}

bool end_connected(const struct end *end)
{
    struct tcp_info info = { 0 };
    socklen_t length = sizeof info;
    if (end->ours)
        return end->conn != NULL && (wh_conn_state(end->conn) == WH_ESTABLISHED ||
                                     wh_conn_state(end->conn) == WH_CLOSE_WAIT);
    return end->fd != 0 && getsockopt(end->fd, IPPROTO_TCP, TCP_INFO, &info, &length) == 0 &&
           (info.tcpi_state == TCP_ESTABLISHED || info.tcpi_state == TCP_CLOSE_WAIT);
}

/* ------------------------------------------------------------------ data -- */

int64_t end_send(struct end *end, size_t length, bool more)
{
    static uint8_t data[CHUNK];
    length = length < sizeof data ? length : sizeof data;
    for (size_t i = 0; i < length; i++)
        data[i] = byte_at(end->sent + i);
    int64_t n = end->ours ? wh_send(end->conn, data, length, more ? WH_SEND_MORE : 0)
                          : send(end->fd, data, length, MSG_NOSIGNAL | (more ? MSG_MORE : 0));
    if (n > 0)
        end->sent += (uint64_t)n;
    return n >= 0 || end->ours ? n : linux_error(errno);
}

int end_read(struct end *end)
{
    static uint8_t data[CHUNK];
    int64_t n;
    do {
        n = end->ours ? wh_recv(end->conn, data, sizeof data) : recv(end->fd, data, sizeof data, 0);
        if (n < 0 && !end->ours)
            n = linux_error(errno);
        for (int64_t i = 0; i < n; i++)
            EXPECT(end->pair, data[i] == byte_at(end->received + (uint64_t)i));
        end->received += n > 0 ? (uint64_t)n : 0;
    } while (n > 0);
    /* How it ended is told once only by the kernel. */
    if (n != WH_E_AGAIN && end->result == WH_E_AGAIN)
        end->result = (int)n;
    return end->result;
}

/* --------------------------------------------------------------- closing -- */

int end_shutdown(struct end *end)
{
    if (end->ours)
        return wh_shutdown(end->conn, WH_WRITE);
    return shutdown(end->fd, SHUT_WR) == 0 ? 0 : linux_error(errno);
}

void end_close(struct end *end)
{
    if (end->ours)
        wh_close(end->conn);
    else
        close(end->fd);
    end->conn = NULL;
    end->fd = 0;
}

void end_abort(struct end *end)
{
    if (end->ours)
        wh_abort(end->conn);
    else
        linux_abort(end->fd);
    end->conn = NULL;
    end->fd = 0;
}

void end_close_lingering_zero(struct end *end)
{
    if (!end->ours) {
        end_abort(end); /* which the kernel knows in no other way */
        return;
    }
    EXPECT(end->pair, wh_set(end->conn, WH_OPT_LINGER, 0) == WH_OK);
    end_close(end);
}

void end_forget(struct end *end)
{
    if (end->ours) {
        end->conn = NULL;
        end->listener = NULL;
        pair_new_stack(end->pair);
        return;
    }
    const int on = 1; /* what is under repair leaves without a word */
    EXPECT(end->pair, setsockopt(end->fd, IPPROTO_TCP, TCP_REPAIR, &on, sizeof on) == 0);
    close(end->fd);
    end->fd = 0;
}

wh_state end_state(const struct end *end)
{
    const struct pair *pair = end->pair;
    uint16_t peer = end == &pair->y ? pair->x.port : pair->y.port;
    wh_state state = WH_CLOSED;
    if (!end->ours) {
        state = linux_state(pair->six, end->port, peer);
        return state == WH_LISTEN ? WH_CLOSED : state;
    }
    wh_cursor cursor = { 0 };
    wh_entry entry;
    while (pair->host != NULL && wh_each(pair->host, &cursor, &entry))
        if (entry.local.port == end->port && entry.remote.port == peer && entry.state != WH_CLOSED)
            state = entry.state;
    return state;
}

/* --------------------------------------------------------------- options -- */

static void set_linux(struct end *end, int level, int option, int value)
{
    EXPECT(end->pair, setsockopt(end->fd, level, option, &value, sizeof value) == 0);
}

static void set_ours(struct end *end, wh_option option, wh_time value)
{
    EXPECT(end->pair, wh_set(end->conn, option, (int64_t)value) == WH_OK);
}

void end_keep_alive(struct end *end)
{
    if (end->ours) {
        set_ours(end, WH_OPT_KEEPALIVE_IDLE, 300 * WH_MILLISECOND);
        set_ours(end, WH_OPT_KEEPALIVE_INTERVAL, 300 * WH_MILLISECOND);
        set_ours(end, WH_OPT_KEEPALIVE_PROBES, 2);
        set_ours(end, WH_OPT_KEEPALIVE, 1);
        return;
    }
    set_linux(end, IPPROTO_TCP, TCP_KEEPIDLE, 1); /* seconds: the kernel's shortest */
    set_linux(end, IPPROTO_TCP, TCP_KEEPINTVL, 1);
    set_linux(end, IPPROTO_TCP, TCP_KEEPCNT, 2);
    set_linux(end, SOL_SOCKET, SO_KEEPALIVE, 1);
}

void end_give_up_soon(struct end *end)
{
    if (end->ours)
        set_ours(end, WH_OPT_USER_TIMEOUT, 700 * WH_MILLISECOND);
    else
        set_linux(end, IPPROTO_TCP, TCP_USER_TIMEOUT, 700);
}

void end_short_fin_wait_2(struct end *end)
{
    if (end->ours)
        set_ours(end, WH_OPT_FIN_WAIT_2_TIMEOUT, WH_SECOND);
    else
        set_linux(end, IPPROTO_TCP, TCP_LINGER2, 1);
}

void end_small_buffer(struct end *end)
{
    const int bytes = SMALL_BUFFER;
    if (end->ours)
        EXPECT(end->pair, wh_stack_set(end->pair->host, WH_OPT_RECEIVE_BUFFER, bytes) == WH_OK);
    else
        EXPECT(end->pair,
               setsockopt(end->listening, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes) == 0);
}
