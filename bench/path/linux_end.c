/* SPDX-License-Identifier: MIT */
/*
 * Plain sockets. No buffer size is set: Linux tuns them itself, up to what tcp_rmem and tcp_wmem
 * of the namespace allow.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <poll.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ends.h"
#include "real_end.h"

enum { PIECE = 1 << 18 };

/* Headers are older than kernels: what Linux 6.7 has behind the window that the peer advertises. */
struct newer_info {
    union {
        struct tcp_info known;
        struct {
            uint8_t before[offsetof(struct tcp_info, tcpi_snd_wnd) + sizeof(uint32_t)];
            uint32_t rcv_wnd, rehash;
            uint16_t total_rto;
            uint8_t more[64];
        };
    };
};

static int fail(const char *what)
{
    fprintf(stderr, "bench_path_end: %s: %s\n", what, strerror(errno));
    return 1;
}

static struct sockaddr_in name_of(const wh_addr *addr, uint16_t port)
{
    struct sockaddr_in name = { .sin_family = AF_INET, .sin_port = htons(port) };
    memcpy(&name.sin_addr, addr->bytes + 12, 4);
    return name;
}

/* Linux calls it reno. */
static bool choose_congestion(int fd, const char *name)
{
    const char *theirs = strcmp(name, "newreno") == 0 ? "reno" : name;
    return setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, theirs, (socklen_t)strlen(theirs)) == 0;
}

static int open_one(const struct end_options *options)
{
    const struct sockaddr_in own = name_of(&options->own, 0);
    const struct sockaddr_in other = name_of(&options->other, ENDS_PORT);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || !choose_congestion(fd, options->cell->congestion) ||
        bind(fd, (const struct sockaddr *)&own, sizeof own) != 0 ||
        connect(fd, (const struct sockaddr *)&other, sizeof other) != 0 ||
        fcntl(fd, F_SETFL, O_NONBLOCK) != 0)
        return -1;
    return fd;
}

int linux_send(const struct end_options *options)
{
    static const char piece[PIECE];
    struct pollfd fds[CELL_FLOWS + 1] = { { .fd = 0, .events = POLLIN } };
    const unsigned flows = options->cell->flows;
    for (unsigned i = 1; i <= flows; i++) {
        fds[i] = (struct pollfd){ .fd = open_one(options), .events = POLLOUT };
        if (fds[i].fd < 0)
            return fail("cannot connect");
    }
    while (poll(fds, flows + 1, 500) >= 0 && !(fds[0].revents != 0 && end_told())) {
        for (unsigned i = 1; i <= flows; i++) {
            if ((fds[i].revents & POLLOUT) && send(fds[i].fd, piece, PIECE, MSG_NOSIGNAL) < 0 &&
                errno != EAGAIN)
                fds[i].events = 0; /* the receiver had enough */
        }
    }
    uint64_t again = 0, timeouts = 0;
    for (unsigned i = 1; i <= flows; i++) {
        struct newer_info info = { 0 };
        socklen_t length = sizeof info;
        if (getsockopt(fds[i].fd, IPPROTO_TCP, TCP_INFO, &info, &length) == 0) {
            again += info.known.tcpi_bytes_retrans;
            timeouts += info.total_rto;
        }
    }
    end_print_sender(again, timeouts);
    return 0;
}

static int listen_there(const struct end_options *options)
{
    const struct sockaddr_in own = name_of(&options->own, ENDS_PORT);
    const int on = 1;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
        bind(fd, (const struct sockaddr *)&own, sizeof own) != 0 || listen(fd, 16) != 0)
        return -1;
    return fd;
}

int linux_receive(const struct end_options *options)
{
    static struct outcome outcome;
    static char piece[PIECE];
    struct pollfd fds[CELL_FLOWS];
    const unsigned flows = options->cell->flows;
    int listener = listen_there(options);
    if (listener < 0)
        return fail("cannot listen");
    printf("ready\n");
    fflush(stdout);
    for (unsigned i = 0; i < flows; i++) {
        fds[i] = (struct pollfd){ .fd = accept(listener, NULL, NULL), .events = POLLIN };
        if (fds[i].fd < 0 || fcntl(fds[i].fd, F_SETFL, O_NONBLOCK) != 0)
            return fail("cannot accept");
    }
    outcome_begin(&outcome, options->cell, "linux", wh_clock());
    while (!outcome_over(&outcome, wh_clock())) {
        wh_time now = wh_clock(), next = outcome_next(&outcome);
        struct timespec timeout = { .tv_nsec = (long)(next > now ? next - now : 0) };
        if (ppoll(fds, flows, &timeout, NULL) < 0 && errno != EINTR)
            return fail("cannot wait");
        for (unsigned i = 0; i < flows; i++) {
            ssize_t got = fds[i].revents != 0 ? recv(fds[i].fd, piece, PIECE, 0) : -1;
            if (got > 0)
                outcome.bytes[i] += (uint64_t)got;
            else if (got == 0)
                fds[i].fd = -1;
        }
    }
    outcome_print(&outcome, options->text, stdout);
    return 0;
}
