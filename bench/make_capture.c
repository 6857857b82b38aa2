/* SPDX-License-Identifier: MIT */
/*
 * A large capture of ordinary traffic, for timing readers: connections with a
 * handshake, requests and answers and a close, so many open at a time and taking
 * turns. Classic pcap with Ethernet frames and right checksums, on standard output.
 *
 *   make_capture PACKETS OPEN_AT_ONCE BYTES_A_SEGMENT
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/checksum.h"
#include "wire/ethernet.h"
#include "wire/ip.h"
#include "wire/segment.h"

enum { ROUNDS = 8, MOST = 1460, PORTS = 50000 };

/* A connection on its way through its life. */
struct life {
    uint32_t number; /* its client's address and port */
    uint32_t seq[2]; /* next of each end */
    unsigned step;
};

struct writer {
    uint64_t nanoseconds;
    const struct checksum *sum;
    uint8_t frame[ETHERNET_HEADER + 120 + MOST];
};

static void put_header(void)
{
    uint8_t header[24] = { 0 };
    const uint32_t magic = 0xa1b23c4d, snap = 262144, link = 1;
    const uint16_t version[2] = { 2, 4 };
    memcpy(header, &magic, 4);
    memcpy(header + 4, version, 4);
    memcpy(header + 16, &snap, 4);
    memcpy(header + 20, &link, 4);
    fwrite(header, 1, sizeof header, stdout);
}

static void put_frame(struct writer *writer, size_t length)
{
    uint32_t record[4] = { (uint32_t)(writer->nanoseconds / 1000000000),
                           (uint32_t)(writer->nanoseconds % 1000000000), (uint32_t)length,
                           (uint32_t)length };
    fwrite(record, 1, sizeof record, stdout);
    fwrite(writer->frame, 1, length, stdout);
    writer->nanoseconds += 1000;
}

/* One segment of a life; side 0 is the client's. */
static void put_segment(struct writer *writer, struct life *life, unsigned side, uint16_t flags,
                        uint32_t length)
{
    uint32_t n = life->number;
    wh_addr end[2] = { wh_ipv4(10, (uint8_t)(n / PORTS >> 8), (uint8_t)(n / PORTS), 7),
                       wh_ipv4(192, 168, 1, 1) };
    uint16_t port[2] = { (uint16_t)(1024 + n % PORTS), 443 };
    struct segment segment = { .tuple = { end[side], end[1 - side], port[side], port[1 - side] },
                               .seq = life->seq[side],
                               .ack = (flags & WH_ACK) ? life->seq[1 - side] : 0,
                               .flags = flags,
                               .window = 500,
                               .length = length };
    segment.options.has = WH_HAS_TIMESTAMPS;
    segment.options.tsval = (uint32_t)(writer->nanoseconds / 1000000);
    if (flags & WH_SYN) {
        segment.options.has |= WH_HAS_MSS | WH_HAS_WINDOW_SCALE | WH_HAS_SACK_PERMITTED;
        segment.options.mss = MOST;
        segment.options.window_scale = 7;
    }
    uint8_t *ip = writer->frame + ETHERNET_HEADER, tcp[SEGMENT_HEADER_MAX];
    size_t header = segment_build(tcp, &segment);
    struct packet packet = { .source = end[side],
                             .destination = end[1 - side],
                             .version = 4,
                             .protocol = IP_TCP,
                             .hops = 64,
                             .length = (uint32_t)(header + length) };
    size_t at = ip_build(ip, &packet, (uint16_t)(life->step * 7 + n));
    memcpy(ip + at, tcp, header);
    memset(ip + at + header, 'x', length);
    uint64_t sum = ip_pseudo_sum(&packet.source, &packet.destination, IP_TCP, packet.length);
    uint16_t check = (uint16_t)~checksum_fold(writer->sum->add(ip + at, packet.length, sum));
    memcpy(ip + at + 16, &check, sizeof check);
    put_frame(writer, ETHERNET_HEADER + at + packet.length);
    life->seq[side] += length + ((flags & WH_SYN) != 0) + ((flags & WH_FIN) != 0);
}

/* The next segment; false when the life is over. */
static bool step(struct writer *writer, struct life *life, uint32_t bytes)
{
    unsigned step = life->step++;
    switch (step) {
    case 0: put_segment(writer, life, 0, WH_SYN, 0); return true;
    case 1: put_segment(writer, life, 1, WH_SYN | WH_ACK, 0); return true;
    case 2: put_segment(writer, life, 0, WH_ACK, 0); return true;
    default: break;
    }
    step -= 3;
    if (step < ROUNDS * 4) {
        static const unsigned side[] = { 0, 1, 1, 0 };
        put_segment(writer, life, side[step % 4], WH_ACK | WH_PSH, step % 4 == 3 ? 0 : bytes);
        return true;
    }
    step -= ROUNDS * 4;
    put_segment(writer, life, step == 1, step == 2 ? WH_ACK : WH_FIN | WH_ACK, 0);
    return step < 2;
}

int main(int argc, char **argv)
{
    if (argc != 4) {
        fprintf(stderr, "usage: make_capture PACKETS OPEN_AT_ONCE BYTES_A_SEGMENT\n");
        return 2;
    }
    uint64_t packets = strtoull(argv[1], NULL, 10);
    size_t open = strtoull(argv[2], NULL, 10);
    uint32_t bytes = (uint32_t)strtoul(argv[3], NULL, 10);
    struct life *life = calloc(open, sizeof *life);
    static struct writer writer = { .nanoseconds = UINT64_C(1800000000000000000) };
    if (life == NULL || bytes > MOST) {
        return 1;
    }
    writer.sum = checksum_best();
    ethernet_build(writer.frame, &(struct ethernet){ .type = ETHERTYPE_IPV4 });
    put_header();
    uint32_t number = 0;
    for (size_t i = 0; i < open; i++) {
        life[i] = (struct life){ .number = number++, .seq = { 1000, 5000 } };
    }
    for (uint64_t i = 0; i < packets; i++) {
        struct life *turn = &life[i % open];
        if (!step(&writer, turn, bytes)) {
            *turn = (struct life){ .number = number++, .seq = { 1000, 5000 } };
        }
    }
    free(life);
    return fflush(stdout) == 0 && !ferror(stdout) ? 0 : 1;
}
