/* SPDX-License-Identifier: MIT */
/*
 * The ceiling for any relay in user space: epoll, splice, loopback to loopback,
 * and no TCP of its own.
 *
 *   bare_relay PORT TARGET-PORT
 *
 * Each connection is two halves; what arrives at one is spliced through a pipe
 * of its own to the other. The end of file is passed on as a half-close.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PIECE = 1 << 20, EVENTS = 256 };

struct half {
    struct half *other;
    int fd;
    int pipe[2];    /* from this half to the other */
    size_t waiting; /* bytes in the pipe */
    bool ended;     /* this half has sent its end of file */
    bool passed_on; /* ... and the other half was told */
};

static int poller;

static int tcp_socket(void)
{
    int one = 1;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    return fd;
}

static struct sockaddr_in loopback(int port)
{
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return at;
}

/* Moves what can be moved from one half to the other; false when the connection is broken. */
static bool move(struct half *from)
{
    struct half *to = from->other;
    for (;;) {
        ssize_t in = 0;
        if (!from->ended && from->waiting == 0) {
            in = splice(from->fd, NULL, from->pipe[1], NULL, PIECE,
                        SPLICE_F_NONBLOCK | SPLICE_F_MOVE);
            if (in < 0 && errno != EAGAIN) {
                return errno == ENOTCONN;
            }
            from->ended = in == 0;
            from->waiting += in > 0 ? (size_t)in : 0;
        }
        if (from->waiting > 0) {
            ssize_t out = splice(from->pipe[0], NULL, to->fd, NULL, from->waiting,
                                 SPLICE_F_NONBLOCK | SPLICE_F_MOVE);
            if (out < 0) {
                return errno == EAGAIN || errno == ENOTCONN;
            }
            from->waiting -= (size_t)out;
        } else if (in <= 0) {
            break;
        }
    }
    if (from->ended && !from->passed_on) {
        shutdown(to->fd, SHUT_WR);
        from->passed_on = true;
    }
    return true;
}

static struct half *make_half(int fd)
{
    struct half *half = calloc(1, sizeof *half);
    if (half == NULL || fd < 0 || pipe2(half->pipe, O_NONBLOCK) != 0) {
        perror("bare_relay");
        exit(1);
    }
    half->fd = fd;
    fcntl(half->pipe[0], F_SETPIPE_SZ, PIECE);
    return half;
}

static void watch(struct half *half)
{
    struct epoll_event event = { .events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET,
                                 .data.ptr = half };
    epoll_ctl(poller, EPOLL_CTL_ADD, half->fd, &event);
}

static void open_connection(int fd, const struct sockaddr_in *target)
{
    int one = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    struct half *near = make_half(fd), *far = make_half(tcp_socket());
    near->other = far;
    far->other = near;
    connect(far->fd, (const struct sockaddr *)target, sizeof *target);
    watch(near);
    watch(far);
}

/* Memory is freed at the end of the round: another event of this round may name the other half. */
static struct half *dead[2 * EVENTS];
static size_t dead_count;

static void close_connection(struct half *half)
{
    struct half *both[2] = { half, half->other };
    for (int i = 0; i < 2; i++) {
        close(both[i]->fd);
        close(both[i]->pipe[0]);
        close(both[i]->pipe[1]);
        both[i]->fd = -1;
        dead[dead_count++] = both[i];
    }
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: bare_relay PORT TARGET-PORT\n");
        return 2;
    }
    struct sockaddr_in own = loopback(atoi(argv[1])), target = loopback(atoi(argv[2]));
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    signal(SIGPIPE, SIG_IGN);
    int listener = tcp_socket();
    if (bind(listener, (struct sockaddr *)&own, sizeof own) != 0 || listen(listener, 4096) != 0) {
        perror("bare_relay: listen");
        return 1;
    }
    poller = epoll_create1(0);
    struct epoll_event event = { .events = EPOLLIN, .data.ptr = NULL }, events[EVENTS];
    epoll_ctl(poller, EPOLL_CTL_ADD, listener, &event);
    for (;;) {
        int n = epoll_wait(poller, events, EVENTS, -1);
        for (int i = 0; i < n; i++) {
            struct half *half = events[i].data.ptr;
            int fd;
            if (half == NULL) {
                while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
                    open_connection(fd, &target);
                }
            } else if (half->fd >= 0 && (!move(half) || !move(half->other) ||
                                         (half->passed_on && half->other->passed_on))) {
                close_connection(half);
            }
        }
        while (dead_count > 0) {
            free(dead[--dead_count]);
        }
    }
}
