/* SPDX-License-Identifier: MIT */
/*
 * Small request and response on one connection, one after the other.
 *
 *   round_trip serve PORT
 *   round_trip ADDRESS PORT SECONDS BYTES    prints round trips a second
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "figure.h"

static bool read_all(int fd, char *bytes, size_t length)
{
    while (length > 0) {
        ssize_t n = read(fd, bytes, length);
        if (n <= 0) {
            return false;
        }
        bytes += n;
        length -= (size_t)n;
    }
    return true;
}

static void no_delay(int fd)
{
    int one = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
}

static int serve(struct sockaddr_in at)
{
    int one = 1, listener = socket(AF_INET, SOCK_STREAM, 0);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(listener, (struct sockaddr *)&at, sizeof at) != 0 || listen(listener, 16) != 0) {
        perror("round_trip: listen");
        return 1;
    }
    for (;;) {
        int fd = accept(listener, NULL, NULL);
        char bytes[65536];
        ssize_t n;
        no_delay(fd);
        while ((n = read(fd, bytes, sizeof bytes)) > 0 && write(fd, bytes, (size_t)n) == n) {
        }
        close(fd);
    }
}

int main(int argc, char **argv)
{
    struct sockaddr_in at = { .sin_family = AF_INET };
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    signal(SIGPIPE, SIG_IGN);
    if (argc == 3 && strcmp(argv[1], "serve") == 0) {
        at.sin_port = htons((uint16_t)atoi(argv[2]));
        return serve(at);
    }
    if (argc != 5 || inet_pton(AF_INET, argv[1], &at.sin_addr) != 1) {
        fprintf(stderr, "usage: round_trip ADDRESS PORT SECONDS BYTES\n");
        return 2;
    }
    at.sin_port = htons((uint16_t)atoi(argv[2]));
    static char bytes[65536];
    size_t length = (size_t)atoi(argv[4]) < sizeof bytes ? (size_t)atoi(argv[4]) : sizeof bytes;
    double start = seconds(), end = start + atof(argv[3]), now = start;
    unsigned long trips = 0;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(fd, (struct sockaddr *)&at, sizeof at) != 0) {
        perror("round_trip: connect");
        return 1;
    }
    no_delay(fd);
    while (now < end) {
        for (int i = 0; i < 16; i++, trips++) {
            if (write(fd, bytes, length) != (ssize_t)length || !read_all(fd, bytes, length)) {
                perror("round_trip");
                return 1;
            }
        }
        now = seconds();
    }
    figure("round_trips", (double)trips / (now - start), "1/s");
    return 0;
}
