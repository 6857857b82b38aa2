/* SPDX-License-Identifier: MIT */
/* Our stack behind a TUN device that takes super-segments, moved by the loop that embedders use. */
#define _GNU_SOURCE
#include <poll.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "ends.h"
#include "real_end.h"

struct end {
    const struct end_options *options;
    wh_tun *tun;
    wh_stack *host;
    struct sender sender;
    struct receiver receiver;
    struct outcome outcome;
    bool counting;
    volatile int stop;
};

static struct end end;

static bool set_up(const struct end_options *options)
{
    wh_tun_options device;
    char error[300];
    end.options = options;
    wh_tun_options_init(&device);
    device.name = options->device;
    device.mtu = CELL_MTU;
    if (wh_tun_open(&end.tun, &device, error, sizeof error) != WH_OK) {
        fprintf(stderr, "bench_path_end: %s\n", error);
        return false;
    }
    /* The sender waits to the nanosecond, or pacing would be the timer's. */
    prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL);
    /* The cell's seed is the path's; the stack's is another each time, as Linux's is. */
    int result = ends_stack(options->cell, options->own, wh_tun_features(end.tun),
                            1 + (uint64_t)getpid(), wh_clock(), &end.host);
    if (result != WH_OK)
        fprintf(stderr, "bench_path_end: %s: %s\n", options->cell->congestion, wh_strerror(result));
    return result == WH_OK;
}

static void serve_sender(wh_stack *host, void *context)
{
    (void)host;
    (void)context;
    sender_act(&end.sender);
    struct pollfd input = { .fd = 0, .events = POLLIN };
    static unsigned turns;
    /* Asking costs a system call: each 64th turn, and whenever little happens. */
    static wh_time asked;
    wh_time now = wh_clock();
    if ((++turns % 64 == 0 || now - asked > WH_SECOND / 20) && poll(&input, 1, 0) > 0 && end_told())
        end.stop = 1;
    asked = now;
}

int wavehand_send(const struct end_options *options)
{
    if (!set_up(options))
        return 1;
    end.sender.host = end.host;
    int result = sender_open(&end.sender, options->cell, options->other, wh_clock());
    if (result == WH_OK)
        result = wh_tun_loop(end.tun, end.host, serve_sender, NULL, &end.stop);
    if (result != WH_OK) {
        fprintf(stderr, "bench_path_end: %s\n", wh_strerror(result));
        return 1;
    }
    uint64_t again = 0;
    for (unsigned i = 0; i < end.sender.flows; i++) {
        wh_info info = { .size = sizeof info };
        wh_info_get(end.sender.conn[i], &info);
        again += info.bytes_retransmitted;
    }
    end_print_sender(again, wh_count(end.host, WH_WHY_RETRANSMIT_TIMEOUT));
    return 0;
}

static void serve_receiver(wh_stack *host, void *context)
{
    (void)host;
    (void)context;
    receiver_act(&end.receiver);
    if (end.receiver.accepted < end.receiver.flows)
        return;
    if (!end.counting) {
        end.counting = true;
        outcome_begin(&end.outcome, end.options->cell, "wavehand", wh_clock());
    }
    for (unsigned i = 0; i < end.receiver.flows; i++)
        end.outcome.bytes[i] = end.receiver.bytes[i];
    end.stop = outcome_over(&end.outcome, wh_clock());
}

int wavehand_receive(const struct end_options *options)
{
    if (!set_up(options))
        return 1;
    end.receiver.host = end.host;
    int result = receiver_open(&end.receiver, options->cell);
    if (result == WH_OK) {
        printf("ready\n");
        fflush(stdout);
        result = wh_tun_loop(end.tun, end.host, serve_receiver, NULL, &end.stop);
    }
    if (result != WH_OK) {
        fprintf(stderr, "bench_path_end: %s\n", wh_strerror(result));
        return 1;
    }
    outcome_print(&end.outcome, options->text, stdout);
    return 0;
}

bool end_told(void)
{
    char rest[16];
    return read(0, rest, sizeof rest) <= 0;
}

void end_print_sender(uint64_t retransmitted, uint64_t timeouts)
{
    printf("{\"retransmitted\": %llu, \"timeouts\": %llu}\n", (unsigned long long)retransmitted,
           (unsigned long long)timeouts);
    fflush(stdout);
}
