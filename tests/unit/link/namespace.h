/* SPDX-License-Identifier: MIT */
/*
 * For tests with the kernel at the other end of a device: each runs in a child with a
 * network namespace of its own, so it needs no privilege where users may make those,
 * and leaves nothing behind. Included first, after _GNU_SOURCE is defined.
 */
#ifndef WAVEHAND_TESTS_LINK_NAMESPACE_H
#define WAVEHAND_TESTS_LINK_NAMESPACE_H

#include "frames.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SKIPPED = 77 };

/* Ends the child; cmocka's own asserts belong to the parent. */
#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: %s is false (errno %d)\n", __FILE__, __LINE__, #condition,     \
                    errno);                                                                        \
            _exit(1);                                                                              \
        }                                                                                          \
    } while (0)

static inline void write_file(const char *name, const char *text)
{
    int fd = open(name, O_WRONLY | O_CLOEXEC);
    CHECK(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
    close(fd);
}

static inline void enter_namespace(void)
{
    char map[64];
    snprintf(map, sizeof map, "0 %u 1", (unsigned)geteuid());
    if (access("/dev/net/tun", R_OK | W_OK) != 0)
        _exit(SKIPPED);
    if (unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0) {
        if (unshare(CLONE_NEWNET) != 0) /* root may where users may not */
            _exit(SKIPPED);
        return;
    }
    write_file("/proc/self/setgroups", "deny");
    write_file("/proc/self/uid_map", map);
}

/* Runs the test in a child of its own; that child's word is the test's. */
static inline void in_namespace(void (*test)(void))
{
    pid_t child = fork();
    int status = -1;
    assert_true(child >= 0);
    if (child == 0) {
        alarm(20); /* a test that waits for ever has failed */
        enter_namespace();
        test();
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    if (WIFEXITED(status) && WEXITSTATUS(status) == SKIPPED) {
        print_message("skipped: needs /dev/net/tun and user and network namespaces\n");
        skip();
    }
    assert_int_equal(status, 0);
}

/* As Linux has it; <linux/ipv6.h> quarrels with <netinet/in.h>. */
struct address6 {
    struct in6_addr addr;
    uint32_t prefix_length;
    int index;
};

/* The kernel makes a new IPv6 address usable a moment later, in a task of its own. */
static inline void wait_for_address(const struct in6_addr *addr)
{
    struct sockaddr_in6 name = { .sin6_family = AF_INET6, .sin6_addr = *addr };
    for (unsigned tries = 0; tries < 5000; tries++) {
        int fd = socket(AF_INET6, SOCK_DGRAM, 0);
        bool usable = bind(fd, (struct sockaddr *)&name, sizeof name) == 0;
        close(fd);
        if (usable)
            return;
        usleep(1000);
    }
    CHECK(!"the IPv6 address became usable");
}

/* The device's addresses are the client's of frames.h, and it is up. */
static inline void configure(const char *name)
{
    struct ifreq request = { 0 };
    struct sockaddr_in addr = { .sin_family = AF_INET };
    struct address6 six = { .prefix_length = 64, .index = (int)if_nametoindex(name) };
    int fd = socket(AF_INET, SOCK_DGRAM, 0), fd6 = socket(AF_INET6, SOCK_DGRAM, 0);
    memcpy(request.ifr_name, name, strlen(name));
    inet_pton(AF_INET, "10.0.2.100", &addr.sin_addr);
    memcpy(&request.ifr_addr, &addr, sizeof addr);
    CHECK(ioctl(fd, SIOCSIFADDR, &request) == 0);
    inet_pton(AF_INET, "255.255.255.0", &addr.sin_addr);
    memcpy(&request.ifr_netmask, &addr, sizeof addr);
    CHECK(ioctl(fd, SIOCSIFNETMASK, &request) == 0);
    request.ifr_flags = IFF_UP | IFF_RUNNING;
    CHECK(ioctl(fd, SIOCSIFFLAGS, &request) == 0);
    inet_pton(AF_INET6, "fd00::100", &six.addr);
    if (fd6 >= 0) { /* else a kernel without IPv6 */
        CHECK(ioctl(fd6, SIOCSIFADDR, &six) == 0);
        wait_for_address(&six.addr);
    }
    close(fd);
    close(fd6);
}

#endif
