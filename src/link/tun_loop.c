/* SPDX-License-Identifier: MIT */
/*
 * The loop that most embedders would write: wait for the device or the stack's next
 * timer, move frames, let the application act. Frames that the device has no room
 * for wait here, unreturned, until it has.
 */
#define _GNU_SOURCE
#include <wavehand/link.h>

#include <errno.h>
#include <poll.h>
#include <time.h>

#include "base/bytes.h"

#define BATCH 64

/* `stop` may be set by a signal just before we sleep: look again after this long. */
static const wh_time longest_sleep = WH_SECOND / 4;

struct loop {
    wh_tun *tun;
    wh_stack *host;
    wh_frame out[BATCH];
    size_t begin, end; /* of what waits in out[] */
};

/* Hands in what waits in the device, a bounded number of batches so that others get their turn. */
static int take_in(struct loop *loop)
{
    wh_frame frames[BATCH];
    for (unsigned turn = 0; turn < 4; turn++) {
        int n = wh_tun_read(loop->tun, loop->host, frames, BATCH);
        if (n <= 0)
            return n;
        wh_input(loop->host, frames, (size_t)n, wh_clock());
    }
    return WH_OK;
}

/* Writes until the stack has nothing more to say or the device is full. */
static int put_out(struct loop *loop)
{
    for (;;) {
        if (loop->begin == loop->end) {
            loop->begin = 0;
            loop->end = wh_output(loop->host, loop->out, BATCH, wh_clock());
            if (loop->end == 0)
                return WH_OK;
        }
        int n = wh_tun_write(loop->tun, loop->out + loop->begin, loop->end - loop->begin);
        if (n <= 0)
            return n;
        wh_sent(loop->host, loop->out + loop->begin, (size_t)n);
        loop->begin += (size_t)n;
    }
}

static int wait_for_work(const struct loop *loop)
{
    bool full = loop->begin < loop->end;
    struct pollfd device = { .fd = wh_tun_fd(loop->tun),
                             .events = (short)(POLLIN | (full ? POLLOUT : 0)) };
    wh_time when = wh_wake(loop->host), now = wh_clock();
    wh_time sleep = full || when > now ? longest_sleep : 0;
    if (!full && when > now)
        sleep = MIN(sleep, when - now);
    struct timespec timeout = { .tv_sec = 0, .tv_nsec = (long)sleep };
    if (ppoll(&device, 1, &timeout, NULL) < 0 && errno != EINTR)
        return WH_E_IO;
    return WH_OK;
}

int wh_tun_loop(wh_tun *tun, wh_stack *host, void (*serve)(wh_stack *host, void *context),
                void *context, volatile int *stop)
{
    struct loop loop = { .tun = tun, .host = host };
    int result = WH_OK;
    while (*stop == 0 && result == WH_OK) {
        result = take_in(&loop);
        serve(host, context);
        if (result == WH_OK)
            result = put_out(&loop);
        if (result == WH_OK && *stop == 0)
            result = wait_for_work(&loop);
    }
    wh_sent(host, loop.out + loop.begin, loop.end - loop.begin);
    return result;
}
