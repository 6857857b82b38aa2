/* SPDX-License-Identifier: MIT */
/*
 * A socket belongs to the namespace in which it was made, whatever its process does afterwards:
 * so one process holds both ends of a veth pair, by entering a namespace for the moment in which
 * it makes a socket.
 *
 * What a device offers is set as ethtool does it. The loopback device cannot be told to have
 * checksums made: its rows go without, which is to Linux's advantage.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "linux_link.h"

static void need(bool fine, const char *what)
{
    if (!fine) {
        fprintf(stderr, "bench_linux: %s: %s\n", what, strerror(errno));
        exit(1);
    }
}

static void enter(int space) { need(setns(space, CLONE_NEWNET) == 0, "cannot enter a namespace"); }

static int make_space(void)
{
    need(unshare(CLONE_NEWNET) == 0, "cannot make a network namespace");
    int space = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
    need(space >= 0, "/proc/self/ns/net");
    return space;
}

/* A setting below /proc/sys/net/ipv4 of the namespace we are in; one that a kernel lacks is no loss. */
static void tune(const char *name, const char *value)
{
    char path[100];
    snprintf(path, sizeof path, "/proc/sys/net/ipv4/%s", name);
    FILE *file = fopen(path, "we");
    if (file != NULL) {
        fputs(value, file);
        fclose(file);
    }
}

static void offer(int fd, struct ifreq *device, uint32_t what, bool on)
{
    struct ethtool_value value = { .cmd = what, .data = on };
    device->ifr_data = (void *)&value;
    ioctl(fd, SIOCETHTOOL, device); /* a feature that is fixed stays as it is */
    device->ifr_data = NULL;
}

/* The device of the namespace we are in: what it offers, its address, and up. */
static void set_up(const char *name, struct in_addr address, struct linux_way way)
{
    static const uint32_t features[] = { ETHTOOL_STXCSUM, ETHTOOL_SRXCSUM, ETHTOOL_SSG,
                                         ETHTOOL_STSO,    ETHTOOL_SGSO,    ETHTOOL_SGRO };
    struct ifreq device = { 0 };
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    need(fd >= 0, "socket");
    snprintf(device.ifr_name, sizeof device.ifr_name, "%s", name);
    for (unsigned i = 0; i < sizeof features / sizeof *features; i++)
        offer(fd, &device, features[i], way.offload);
    device.ifr_mtu = (int)way.mtu;
    need(ioctl(fd, SIOCSIFMTU, &device) == 0, "cannot set the MTU");
    struct sockaddr_in own = { .sin_family = AF_INET, .sin_addr = address };
    memcpy(&device.ifr_addr, &own, sizeof own);
    need(ioctl(fd, SIOCSIFADDR, &device) == 0, "cannot set the address");
    own.sin_addr.s_addr = htonl(0xffffff00);
    memcpy(&device.ifr_netmask, &own, sizeof own);
    need(ioctl(fd, SIOCSIFNETMASK, &device) == 0, "cannot set the netmask");
    device.ifr_flags = IFF_UP | IFF_RUNNING;
    need(ioctl(fd, SIOCSIFFLAGS, &device) == 0, "cannot bring the device up");
    close(fd);
}

/* Rows open more connections, and leave more in TIME-WAIT, than a namespace has room for by default. */
static void make_room(void)
{
    tune("ip_local_port_range", "10000 65535");
    tune("tcp_max_tw_buckets", "262144");
}

void linux_link_open(struct linux_link *link, bool veth, struct linux_way way)
{
    link->veth = veth;
    link->space[LINUX_CLIENT] = make_space();
    make_room();
    if (!veth) {
        link->space[LINUX_SERVER] = link->space[LINUX_CLIENT];
        link->address[LINUX_CLIENT].s_addr = link->address[LINUX_SERVER].s_addr =
            htonl(INADDR_LOOPBACK);
        set_up("lo", link->address[LINUX_CLIENT], way);
        return;
    }
    char command[160];
    link->space[LINUX_SERVER] = make_space();
    make_room();
    snprintf(command, sizeof command,
             "exec ip link add bench1 type veth peer name bench0 netns /proc/%d/fd/%d", getpid(),
             link->space[LINUX_CLIENT]);
    need(system(command) == 0, "cannot make a veth pair");
    for (int end = LINUX_CLIENT; end <= LINUX_SERVER; end++) {
        link->address[end].s_addr = htonl(0x0a000001u + (unsigned)end);
        enter(link->space[end]);
        set_up(end == LINUX_CLIENT ? "bench0" : "bench1", link->address[end], way);
    }
}

void linux_link_close(struct linux_link *link)
{
    close(link->space[LINUX_CLIENT]);
    if (link->veth)
        close(link->space[LINUX_SERVER]);
}

int linux_link_socket(const struct linux_link *link, enum linux_end end)
{
    const int on = 1;
    static int inside = -1; /* entering takes longer than making a socket */
    if (inside != link->space[end])
        enter(inside = link->space[end]);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    need(fd >= 0, "socket");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return fd;
}
