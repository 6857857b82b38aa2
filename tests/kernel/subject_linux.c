/* SPDX-License-Identifier: MIT */
/* Linux under test: its sockets, and a TUN device whose far end is the scripted peer. */
#define _GNU_SOURCE
#include "linux.h"
#include "subject.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

struct linux_subject {
    struct subject subject;
    wh_tun *tun;
    int listener[SLOTS], fd[SLOTS]; /* 0: none */
};

static struct linux_subject *of(struct subject *subject) { return (struct linux_subject *)subject; }

/* A listener's buffer is its connections'. */
static int keep(const struct subject *subject, int fd, int *to)
{
    const int bytes = 4096;
    if (fd < 0)
        return fd;
    if (subject->small)
        (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
    *to = fd;
    return 0;
}

static int do_listen(struct linux_subject *linux_, unsigned slot)
{
    int fd = linux_listen(linux_->subject.six, (uint16_t)(SUBJECT_PORT + slot), 8);
    return keep(&linux_->subject, fd, &linux_->listener[slot]);
}

static int do_connect(struct linux_subject *linux_, unsigned slot)
{
    int fd = linux_connect(linux_->subject.six, (uint16_t)(SUBJECT_PORT + slot),
                           (uint16_t)(PEER_PORT + slot));
    return keep(&linux_->subject, fd, &linux_->fd[slot]);
}

static int do_accept(struct linux_subject *linux_, unsigned slot)
{
    int fd = linux_->listener[slot]
                 ? accept4(linux_->listener[slot], NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)
                 : -1;
    if (fd < 0)
        return WH_E_AGAIN;
    linux_->fd[slot] = fd;
    return 0;
}

static int linux_read(struct subject *subject, unsigned slot, size_t *bytes)
{
    static uint8_t data[65536];
    ssize_t n;
    *bytes = 0;
    if (of(subject)->fd[slot] == 0 && do_accept(of(subject), slot) != 0)
        return WH_E_NOENT;
    while ((n = recv(of(subject)->fd[slot], data, sizeof data, 0)) > 0)
        *bytes += (size_t)n;
    return n == 0 ? 0 : linux_error(errno);
}

static int do_send(struct linux_subject *linux_, unsigned slot, size_t length)
{
    static const uint8_t data[65536];
    return send(linux_->fd[slot], data, length, MSG_NOSIGNAL) >= 0 ? 0 : linux_error(errno);
}

static void leave(int *fd)
{
    close(*fd);
    *fd = 0;
}

static int linux_call(struct subject *subject, unsigned slot, const struct step *step)
{
    struct linux_subject *linux_ = of(subject);
    size_t bytes;
    switch (step->act) {
    case LISTEN: return do_listen(linux_, slot);
    case UNLISTEN: leave(&linux_->listener[slot]); return 0;
    case ACCEPT: return do_accept(linux_, slot);
    case CONNECT: return do_connect(linux_, slot);
    case SEND: return do_send(linux_, slot, step->data);
    case RECEIVE: (void)linux_read(subject, slot, &bytes); return 0;
    case SHUTDOWN: return shutdown(linux_->fd[slot], SHUT_WR) == 0 ? 0 : linux_error(errno);
    case CLOSE: leave(&linux_->fd[slot]); return 0;
    case ABORT:
        linux_abort(linux_->fd[slot]);
        linux_->fd[slot] = 0;
        return 0;
    default: return WH_E_INVAL;
    }
}

static void linux_deliver(struct subject *subject, const struct frame *frame)
{
    wh_frame out = wire_frame(frame);
    while (wh_tun_write(of(subject)->tun, &out, 1) == 0)
        (void)poll(NULL, 0, 1);
}

static bool linux_collect(struct subject *subject, struct frame *frame)
{
    wh_frame in;
    if (wh_tun_read(of(subject)->tun, NULL, &in, 1) != 1)
        return false;
    wire_flatten(frame, &in);
    return true;
}

static void linux_pass(struct subject *subject, wh_time time)
{
    struct pollfd device = { .fd = wh_tun_fd(of(subject)->tun), .events = POLLIN };
    (void)poll(&device, 1, (int)((time + WH_MILLISECOND - 1) / WH_MILLISECOND));
}

static wh_time linux_now(struct subject *subject)
{
    (void)subject;
    return wh_clock();
}

static wh_state linux_state_of(struct subject *subject, unsigned slot)
{
    return linux_state(subject->six, (uint16_t)(SUBJECT_PORT + slot), (uint16_t)(PEER_PORT + slot));
}

static void linux_free(struct subject *subject)
{
    struct linux_subject *linux_ = of(subject);
    for (unsigned i = 0; i < SLOTS; i++) {
        if (linux_->fd[i])
            leave(&linux_->fd[i]);
        if (linux_->listener[i])
            leave(&linux_->listener[i]);
    }
    wh_tun_close(linux_->tun);
    free(linux_);
}

static const struct subject_kind kind = {
    .name = "Linux",
    .call = linux_call,
    .deliver = linux_deliver,
    .collect = linux_collect,
    .pass = linux_pass,
    .now = linux_now,
    .state = linux_state_of,
    .read = linux_read,
    .free = linux_free,
};

struct subject *subject_linux(bool six)
{
    struct linux_subject *linux_ = calloc(1, sizeof *linux_);
    if (linux_ == NULL)
        abort();
    linux_->subject = (struct subject){ .kind = &kind, .six = six };
    linux_->tun = linux_device();
    /* Every answer is wanted, and none that a timer gives; not all kernels have all of these. */
    linux_slow_timers(six, 5 * WH_SECOND);
    linux_switch("tcp_invalid_ratelimit", "0");
    linux_switch("tcp_challenge_ack_limit", "2147483647");
    linux_switch("tcp_early_retrans", "0");
    linux_switch("tcp_congestion_control", "reno");
    linux_switch("tcp_ecn", "0");
    return &linux_->subject;
}
