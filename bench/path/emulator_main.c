/* SPDX-License-Identifier: MIT */
/*
 * bench_path_emulator CELL NAMESPACE-A NAMESPACE-B DEVICE: a cell's path in real time, between two TUN
 * devices of that name, one in each network namespace (files such as /proc/PID/ns/net). Side A is
 * where data comes from.
 *
 * Frames are stamped when they are read, cut to the MTU and carried by the same wh_path that the
 * simulation uses; they are written when they are due. What the cell does to data begins with the
 * first data of the last of its connections. Prints "ready", runs until standard input ends, then
 * tells in a line of JSON what it did and how far it was behind its own timetable, which is how
 * one knows that it was the path and not the emulator that was measured.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "cell.h"

enum { BATCH = 64, TURNS = 4 };

struct emulator {
    struct cell cell;
    wh_path *path;
    wh_tun *tun[2]; /* by the direction in which its frames travel */
    bool impaired;
    unsigned flows; /* that have sent data */
    uint8_t seen[CELL_FLOWS][2];
    /* How late the first frame due was each time some were written. */
    uint64_t rounds, refused;
    wh_time late, late_most;
};

static bool enter(const char *name)
{
    int fd = open(name, O_RDONLY | O_CLOEXEC);
    bool fine = fd >= 0 && setns(fd, CLONE_NEWNET) == 0;
    if (!fine)
        fprintf(stderr, "bench_path_emulator: %s: %s\n", name, strerror(errno));
    if (fd >= 0)
        close(fd);
    return fine;
}

static bool open_device(struct emulator *emulator, wh_direction direction, const char *space,
                        const char *name)
{
    wh_tun_options options;
    char error[300];
    if (!enter(space))
        return false;
    wh_tun_options_init(&options);
    options.name = name;
    options.mtu = CELL_MTU;
    if (wh_tun_open(&emulator->tun[direction], &options, error, sizeof error) == WH_OK)
        return true;
    fprintf(stderr, "bench_path_emulator: %s\n", error);
    return false;
}

/* Lets losses begin once every connection has sent data: by then no handshake can meet them. */
static void watch_for_data(struct emulator *emulator, const wh_frame *frame)
{
    const uint8_t *ip = frame->slice[0].base;
    size_t header = (size_t)(ip[0] & 15) * 4;
    if (ip[0] >> 4 != 4 || ip[9] != 6 || frame->length < header + 20)
        return;
    const uint8_t *tcp = ip + header;
    if (frame->length <= header + (size_t)(tcp[12] >> 4) * 4)
        return;
    for (unsigned i = 0; i < emulator->flows; i++) {
        if (memcmp(emulator->seen[i], tcp, 2) == 0)
            return;
    }
    memcpy(emulator->seen[emulator->flows++], tcp, 2);
    if (emulator->flows == emulator->cell.flows) {
        emulator->impaired = true;
        (void)cell_impair(&emulator->cell, emulator->path);
    }
}

/* Takes in what waits in a device, a bounded number of batches. False if the device is gone. */
static bool take_in(struct emulator *emulator, wh_direction direction)
{
    wh_frame frames[BATCH];
    for (unsigned turn = 0; turn < TURNS; turn++) {
        int n = wh_tun_read(emulator->tun[direction], NULL, frames, BATCH);
        if (n <= 0)
            return n == 0;
        for (int i = 0; i < n && direction == WH_A_TO_B && !emulator->impaired; i++)
            watch_for_data(emulator, &frames[i]);
        wh_path_send(emulator->path, direction, frames, (size_t)n, wh_clock());
    }
    return true;
}

/* Writes what is due on one side. */
static bool put_out(struct emulator *emulator, wh_direction direction, wh_time now)
{
    wh_frame frames[BATCH];
    size_t n;
    while ((n = wh_path_receive(emulator->path, direction, frames, BATCH, now)) > 0) {
        int taken = wh_tun_write(emulator->tun[!direction], frames, n);
        if (taken < 0)
            return false;
        emulator->refused += n - (size_t)taken;
    }
    return true;
}

static void keep_time(struct emulator *emulator, wh_time now)
{
    wh_time due = wh_path_wake(emulator->path);
    if (due > now)
        return;
    emulator->rounds++;
    emulator->late += now - due;
    if (now - due > emulator->late_most)
        emulator->late_most = now - due;
}

/* Sleeps until something comes or is due. False once standard input has ended. */
static bool wait_for_work(const struct emulator *emulator)
{
    struct pollfd fds[] = { { .fd = wh_tun_fd(emulator->tun[0]), .events = POLLIN },
                            { .fd = wh_tun_fd(emulator->tun[1]), .events = POLLIN },
                            { .fd = 0, .events = POLLIN } };
    wh_time due = wh_path_wake(emulator->path), now = wh_clock();
    wh_time sleep = due > now ? due - now : 0;
    if (sleep > WH_SECOND / 2)
        sleep = WH_SECOND / 2;
    struct timespec timeout = { .tv_sec = 0, .tv_nsec = (long)sleep };
    char rest[16];
    if (ppoll(fds, 3, &timeout, NULL) < 0 && errno != EINTR)
        return false;
    return fds[2].revents == 0 || read(0, rest, sizeof rest) > 0;
}

static void run(struct emulator *emulator)
{
    do {
        if (!take_in(emulator, WH_A_TO_B) || !take_in(emulator, WH_B_TO_A))
            return;
        wh_time now = wh_clock();
        keep_time(emulator, now);
        if (!put_out(emulator, WH_A_TO_B, now) || !put_out(emulator, WH_B_TO_A, now))
            return;
    } while (wait_for_work(emulator));
}

/* Frames that a device had no room to give us: losses that are in no cell. */
static unsigned long dropped_by(const char *space, const char *name)
{
    char line[512];
    unsigned long dropped = 0;
    FILE *table = enter(space) ? fopen("/proc/thread-self/net/dev", "r") : NULL;
    while (table != NULL && fgets(line, sizeof line, table) != NULL) {
        char *colon = strchr(line, ':');
        const char *at = line + strspn(line, " ");
        if (colon == NULL || (size_t)(colon - at) != strlen(name) ||
            memcmp(at, name, strlen(name)) != 0)
            continue;
        /* Eight columns of what was received, then bytes, packets, errors and drops of what was sent. */
        if (sscanf(colon + 1, "%*u %*u %*u %*u %*u %*u %*u %*u %*u %*u %*u %lu", &dropped) != 1)
            dropped = 0;
    }
    if (table != NULL)
        fclose(table);
    return dropped;
}

static void report(const struct emulator *emulator, unsigned long dropped)
{
    wh_path_stats there = { .size = sizeof there };
    struct rusage use;
    wh_path_stats_get(emulator->path, WH_A_TO_B, &there);
    getrusage(RUSAGE_SELF, &use);
    double core = (double)(use.ru_utime.tv_sec + use.ru_stime.tv_sec) +
                  (double)(use.ru_utime.tv_usec + use.ru_stime.tv_usec) / 1e6;
    uint64_t waiting = there.frames - there.lost - there.overflows;
    printf("{\"frames\": %llu, \"lost\": %llu, \"overflows\": %llu, ",
           (unsigned long long)there.frames, (unsigned long long)there.lost,
           (unsigned long long)there.overflows);
    printf("\"queued_ms\": %.4f, ",
           waiting == 0 ? 0 : (double)there.waited / (double)waiting / 1e6);
    printf("\"late_us\": %.2f, \"late_most_us\": %.1f, ",
           emulator->rounds == 0 ? 0 : (double)emulator->late / (double)emulator->rounds / 1e3,
           (double)emulator->late_most / 1e3);
    printf("\"refused\": %llu, \"dropped\": %lu, \"core_seconds\": %.3f}\n",
           (unsigned long long)emulator->refused, dropped, core);
    fflush(stdout);
}

int main(int argc, char **argv)
{
    static struct emulator emulator;
    char error[200] = "usage: CELL NAMESPACE-A NAMESPACE-B DEVICE";
    if (argc != 5 || !cell_parse(&emulator.cell, argv[1], error, sizeof error)) {
        fprintf(stderr, "bench_path_emulator: %s\n", error);
        return 2;
    }
    if (!open_device(&emulator, WH_A_TO_B, argv[2], argv[4]) ||
        !open_device(&emulator, WH_B_TO_A, argv[3], argv[4]) ||
        cell_path(&emulator.cell, &emulator.path) != WH_OK)
        return 1;
    prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL);
    unsigned long before = dropped_by(argv[2], argv[4]) + dropped_by(argv[3], argv[4]);
    printf("ready\n");
    fflush(stdout);
    run(&emulator);
    report(&emulator, dropped_by(argv[2], argv[4]) + dropped_by(argv[3], argv[4]) - before);
    return 0;
}
