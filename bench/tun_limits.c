/* SPDX-License-Identifier: MIT */
/*
 * What a TUN device itself can do, without any stack: the limits that `wavehand run` lives
 * in. Needs a network namespace of its own, with the right to make a device in it:
 *
 *   unshare --user --map-root-user --net bench_tun_limits [THREADS]
 *
 * Each thread has a queue of its own. Writing: frames to an address that nobody has, which
 * the kernel copies, routes and drops. Reading: datagrams that wait in the device, put
 * there before the clock runs, super-datagrams of 64 KiB for the large ones. Times are each
 * thread's processor time, so rates are what one core does; with several threads, what each
 * of them does while the others do the same.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif

enum {
    MOST = 16,
    WAITING = 200, /* frames in the device at a time; it holds 500 */
    ROUNDS = 200,
    HEADER = 10, /* struct virtio_net_hdr */
    SMALL = 64,
    LARGE = 64000,
    SEGMENT = 1400,
    OFFLOADS = 0x01 | 0x02 | 0x04 | 0x20 | 0x40, /* checksum, TSO4, TSO6, USO4, USO6 */
};

enum { WRITE_SMALL, WRITE_LARGE, READ_SMALL, READ_LARGE, KINDS };

struct thread {
    pthread_t id;
    int queue;
    unsigned number;
    struct tally {
        double frames, seconds;
    } tally[KINDS];
};

static pthread_barrier_t together;

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static double cpu_time(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static int open_queue(void)
{
    struct ifreq request = { .ifr_flags = IFF_TUN | IFF_NO_PI | IFF_VNET_HDR | IFF_MULTI_QUEUE };
    strcpy(request.ifr_name, "limits0");
    int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
    if (fd < 0 || ioctl(fd, TUNSETIFF, &request) != 0 ||
        ioctl(fd, TUNSETOFFLOAD, (unsigned long)OFFLOADS) != 0)
        die("a TUN device with offloads");
    return fd;
}

/* 10.9.0.1/16, up, MTU 65520. */
static void configure(void)
{
    struct ifreq request = { .ifr_name = "limits0" };
    struct sockaddr_in addr = { .sin_family = AF_INET };
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    inet_pton(AF_INET, "10.9.0.1", &addr.sin_addr);
    memcpy(&request.ifr_addr, &addr, sizeof addr);
    if (ioctl(fd, SIOCSIFADDR, &request) != 0)
        die("an address");
    inet_pton(AF_INET, "255.255.0.0", &addr.sin_addr);
    memcpy(&request.ifr_netmask, &addr, sizeof addr);
    if (ioctl(fd, SIOCSIFNETMASK, &request) != 0)
        die("a netmask");
    request.ifr_mtu = 65520;
    if (ioctl(fd, SIOCSIFMTU, &request) != 0)
        die("an MTU");
    request.ifr_flags = IFF_UP;
    if (ioctl(fd, SIOCSIFFLAGS, &request) != 0)
        die("up");
    close(fd);
}

/* ------------------------------------------------------------- writing ---- */

static uint16_t header_checksum(const uint8_t *ip)
{
    uint32_t sum = 0;
    for (unsigned i = 0; i < 20; i += 2)
        sum += (uint32_t)ip[i] << 8 | ip[i + 1];
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)~sum;
}

/* A TCP segment from 10.9.1.x to 10.9.2.x, which is nobody's; a super-segment if it is long. */
static void build(uint8_t *frame, size_t length, unsigned number)
{
    const bool super = length > SEGMENT + 40;
    const uint16_t header_length = 40, size = SEGMENT, start = 20, offset = 16;
    uint8_t *ip = frame + HEADER;
    memset(frame, 0, HEADER + 40);
    frame[0] = 1; /* the checksum is yours to complete */
    frame[1] = super ? 1 : 0;
    memcpy(frame + 2, &header_length, 2);
    if (super)
        memcpy(frame + 4, &size, 2);
    memcpy(frame + 6, &start, 2);
    memcpy(frame + 8, &offset, 2);
    const uint8_t fixed[20] = { 0x45,
                                0,
                                (uint8_t)(length >> 8),
                                (uint8_t)length,
                                0,
                                0,
                                0x40,
                                0,
                                64,
                                6,
                                0,
                                0,
                                10,
                                9,
                                1,
                                (uint8_t)number,
                                10,
                                200,
                                2,
                                (uint8_t)number };
    memcpy(ip, fixed, sizeof fixed);
    uint16_t sum = header_checksum(ip);
    ip[10] = (uint8_t)(sum >> 8);
    ip[11] = (uint8_t)sum;
    ip[20 + 12] = 5 << 4;
    ip[20 + 13] = 0x10;
}

static struct tally time_writes(const struct thread *thread, size_t length)
{
    static uint8_t frames[MOST][HEADER + LARGE];
    uint8_t *frame = frames[thread->number];
    build(frame, length, thread->number + 1);
    double start = cpu_time();
    for (unsigned i = 0; i < ROUNDS * WAITING; i++)
        if (write(thread->queue, frame, HEADER + length) < 0)
            die("write");
    return (struct tally){ ROUNDS * WAITING, cpu_time() - start };
}

/* ------------------------------------------------------------- reading ---- */

/* A socket whose datagrams leave through the device. */
static int open_sender(unsigned number, bool large)
{
    const int size = SEGMENT, room = 64 << 20;
    struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons((uint16_t)(2000 + number)) };
    inet_pton(AF_INET, "10.9.3.1", &to.sin_addr);
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (const struct sockaddr *)&to, sizeof to) != 0)
        die("a sender");
    setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &room, sizeof room);
    if (large && setsockopt(fd, IPPROTO_UDP, UDP_SEGMENT, &size, sizeof size) != 0)
        die("UDP_SEGMENT");
    return fd;
}

static struct tally time_reads(const struct thread *thread, bool large)
{
    static uint8_t rooms[MOST][HEADER + 65536];
    static const uint8_t data[LARGE];
    uint8_t *room = rooms[thread->number];
    const size_t length = large ? SEGMENT * (LARGE / SEGMENT) : SMALL - 28;
    int sender = open_sender(thread->number, large);
    struct tally tally = { 0 };
    fcntl(thread->queue, F_SETFL, O_RDWR | O_NONBLOCK);
    for (unsigned i = 0; i < ROUNDS; i++) {
        for (unsigned k = 0; k < WAITING; k++)
            if (send(sender, data, length, 0) < 0)
                die("send");
        /* Other threads' datagrams may come out here, and ours there: by hash. */
        double start = cpu_time();
        while (read(thread->queue, room, sizeof rooms[0]) > 0)
            tally.frames++;
        tally.seconds += cpu_time() - start;
    }
    close(sender);
    fcntl(thread->queue, F_SETFL, O_RDWR);
    return tally;
}

static void *measure(void *context)
{
    struct thread *thread = context;
    for (unsigned kind = 0; kind < KINDS; kind++) {
        pthread_barrier_wait(&together);
        switch (kind) {
        case WRITE_SMALL: thread->tally[kind] = time_writes(thread, SMALL); break;
        case WRITE_LARGE: thread->tally[kind] = time_writes(thread, LARGE); break;
        case READ_SMALL: thread->tally[kind] = time_reads(thread, false); break;
        default: thread->tally[kind] = time_reads(thread, true); break;
        }
    }
    return NULL;
}

int main(int argc, char **argv)
{
    static const char *const names[KINDS] = { "write_small", "write_super", "read_small",
                                              "read_super" };
    static struct thread threads[MOST];
    long count = argc > 1 ? strtol(argv[1], NULL, 10) : 1;
    if (count < 1 || count > MOST) {
        fprintf(stderr, "usage: bench_tun_limits [THREADS], at most %d\n", MOST);
        return 2;
    }
    for (unsigned i = 0; i < (unsigned)count; i++)
        threads[i] = (struct thread){ .queue = open_queue(), .number = i };
    configure();
    pthread_barrier_init(&together, NULL, (unsigned)count);
    for (long i = 0; i < count; i++)
        if (pthread_create(&threads[i].id, NULL, measure, &threads[i]) != 0)
            die("a thread");
    for (long i = 0; i < count; i++)
        pthread_join(threads[i].id, NULL);
    for (unsigned kind = 0; kind < KINDS; kind++) {
        struct tally all = { 0 };
        for (long i = 0; i < count; i++) {
            all.frames += threads[i].tally[kind].frames;
            all.seconds += threads[i].tally[kind].seconds;
        }
        double rate = all.frames / all.seconds;
        bool super = kind == WRITE_LARGE || kind == READ_LARGE;
        double value = super ? rate * LARGE * 8 / 1e9 : rate;
        printf("tun.%s\t%.6g\t%s\n", names[kind], value, super ? "Gbit/s" : "1/s");
    }
    return 0;
}
