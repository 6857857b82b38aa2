/* SPDX-License-Identifier: MIT */
/*
 * What a program sees of a connection: does one socket call after the other, as
 * its arguments say, and prints for each what came of it, errors by their names.
 *
 *   probe [udp|tcp] STEP...
 *
 *   connect ADDRESS PORT   blocking connect
 *   begin ADDRESS PORT     connect without blocking, then poll and SO_ERROR
 *   send N                 send N bytes, all of them
 *   recv N                 receive until N bytes, the end of file or an error
 *   recv-all               receive until the end of file or an error
 *   error                  wait for POLLERR, then print SO_ERROR
 *   shutdown               no more sending
 *   reset                  close with a linger time of zero
 *   close
 *   syncnt N, user-timeout MS, nodelay, low-receive-buffer
 *   pause MS               say nothing for a while
 *   when FILE              wait until the file exists
 *   touch FILE             make it
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int fd = -1;
static int type = SOCK_STREAM;
static int syn_count, user_timeout, low_receive_buffer, nodelay;

static void say(const char *step, long count, int result)
{
    printf("%s", step);
    if (count >= 0) {
        printf(" %ld", count);
    }
    printf(" %s\n", result == 0 ? "ok" : result < 0 ? "EOF" : strerrorname_np(result));
    fflush(stdout);
}

static socklen_t address(const char *text, const char *port, struct sockaddr_storage *at)
{
    struct sockaddr_in *v4 = (struct sockaddr_in *)at;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)at;
    memset(at, 0, sizeof *at);
    if (inet_pton(AF_INET, text, &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        v4->sin_port = htons((uint16_t)atoi(port));
        return sizeof *v4;
    }
    if (inet_pton(AF_INET6, text, &v6->sin6_addr) == 1) {
        v6->sin6_family = AF_INET6;
        v6->sin6_port = htons((uint16_t)atoi(port));
        return sizeof *v6;
    }
    fprintf(stderr, "probe: not an address: %s\n", text);
    exit(2);
}

static void open_socket(int family)
{
    int one = 1, small = 4096;
    fd = socket(family, type, 0);
    if (fd < 0) {
        say("socket", -1, errno);
        exit(1);
    }
    if (syn_count) {
        setsockopt(fd, IPPROTO_TCP, TCP_SYNCNT, &syn_count, sizeof syn_count);
    }
    if (user_timeout) {
        setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &user_timeout, sizeof user_timeout);
    }
    if (low_receive_buffer) {
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    }
    if (nodelay) {
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    }
}

static int pending_error(short events)
{
    struct pollfd waited = { .fd = fd, .events = events };
    int error = 0;
    socklen_t length = sizeof error;
    if (poll(&waited, 1, 60000) <= 0) {
        return ETIME;
    }
    getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length);
    return error;
}

static void step_connect(const char *step, const char *text, const char *port)
{
    struct sockaddr_storage at;
    socklen_t length = address(text, port, &at);
    open_socket(at.ss_family);
    if (strcmp(step, "begin") == 0) {
        fcntl(fd, F_SETFL, O_NONBLOCK);
    }
    int result = connect(fd, (struct sockaddr *)&at, length) == 0 ? 0 : errno;
    if (result == EINPROGRESS) {
        result = pending_error(POLLOUT);
    }
    fcntl(fd, F_SETFL, 0);
    say(step, -1, result);
}

static void step_send(long want)
{
    static char bytes[65536];
    long sent = 0;
    int result = 0;
    memset(bytes, 'w', sizeof bytes);
    while (sent < want) {
        size_t piece = (size_t)(want - sent) < sizeof bytes ? (size_t)(want - sent) : sizeof bytes;
        ssize_t n = send(fd, bytes, piece, MSG_NOSIGNAL);
        if (n < 0) {
            result = errno;
            break;
        }
        sent += n;
    }
    say("send", result ? -1 : sent, result);
}

static void step_recv(const char *step, long want)
{
    static char bytes[65536];
    long got = 0;
    int result = 0;
    while (want < 0 || got < want) {
        size_t piece =
            want < 0 || want - got > (long)sizeof bytes ? sizeof bytes : (size_t)(want - got);
        ssize_t n = recv(fd, bytes, piece, 0);
        if (n <= 0) {
            result = n == 0 ? -1 : errno;
            break;
        }
        got += n;
        if (type == SOCK_DGRAM) {
            break;
        }
    }
    say(step, got, result);
}

static void step_reset(void)
{
    struct linger now = { .l_onoff = 1, .l_linger = 0 };
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    close(fd);
}

/* Takes one step; answers how many arguments it used. */
static int take(char **arg)
{
    const char *step = arg[0];
    const char *first = arg[1] ? arg[1] : "0";
    if (strcmp(step, "connect") == 0 || strcmp(step, "begin") == 0) {
        step_connect(step, first, arg[1] && arg[2] ? arg[2] : "0");
        return 3;
    }
    if (strcmp(step, "send") == 0) {
        step_send(atol(first));
    } else if (strcmp(step, "recv") == 0) {
        step_recv(step, atol(first));
    } else if (strcmp(step, "syncnt") == 0) {
        syn_count = atoi(first);
    } else if (strcmp(step, "user-timeout") == 0) {
        user_timeout = atoi(first);
    } else if (strcmp(step, "pause") == 0) {
        usleep((useconds_t)atoi(first) * 1000);
    } else if (strcmp(step, "when") == 0) {
        while (access(first, F_OK) != 0) {
            usleep(20000);
        }
    } else if (strcmp(step, "touch") == 0) {
        close(open(first, O_CREAT | O_WRONLY, 0666));
    } else {
        if (strcmp(step, "recv-all") == 0) {
            step_recv(step, -1);
        } else if (strcmp(step, "error") == 0) {
            say(step, -1, pending_error(0));
        } else if (strcmp(step, "shutdown") == 0) {
            say(step, -1, shutdown(fd, SHUT_WR) == 0 ? 0 : errno);
        } else if (strcmp(step, "reset") == 0) {
            step_reset();
        } else if (strcmp(step, "close") == 0) {
            close(fd);
        } else if (strcmp(step, "low-receive-buffer") == 0) {
            low_receive_buffer = 1;
        } else if (strcmp(step, "nodelay") == 0) {
            nodelay = 1;
        } else if (strcmp(step, "udp") == 0) {
            type = SOCK_DGRAM;
        } else {
            fprintf(stderr, "probe: no such step: %s\n", step);
            exit(2);
        }
        return 1;
    }
    return 2;
}

int main(int argc, char **argv)
{
    int i = 1;
    signal(SIGPIPE, SIG_IGN);
    alarm(100);
    while (i < argc) {
        i += take(argv + i);
    }
    return 0;
}
