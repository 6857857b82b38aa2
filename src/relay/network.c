/* SPDX-License-Identifier: MIT */
/*
 * The sandbox's network, configured through rtnetlink from inside: the addresses
 * that users of slirp4netns and QEMU know.
 *
 * IPv6 is given up, with a note, where the kernel lacks it or the MTU is below
 * the 1280 bytes it needs (RFC 8200 5).
 */
#define _GNU_SOURCE
#include "relay/inside.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <libmnl/libmnl.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "relay/sandbox.h"

/* Packets that may wait in the device: a full window of super-segments for dozens of connections. */
enum { DEVICE_QUEUE = 4096, IPV6_MINIMUM_MTU = 1280 };

/* One request at a time; its answer is read before the next. */
struct netlink {
    struct mnl_socket *socket;
    char buffer[1024];
    uint32_t sequence;
};

static struct nlmsghdr *begin(struct netlink *netlink, uint16_t type, uint16_t flags)
{
    struct nlmsghdr *message = mnl_nlmsg_put_header(netlink->buffer);
    message->nlmsg_type = type;
    message->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | NLM_F_ACK | flags);
    message->nlmsg_seq = ++netlink->sequence;
    return message;
}

/* Sends the request and waits for the kernel's verdict: 0, or -1 with errno. */
static int finish(struct netlink *netlink, const struct nlmsghdr *message)
{
    if (mnl_socket_sendto(netlink->socket, message, message->nlmsg_len) < 0)
        return -1;
    char answer[2048];
    ssize_t n = mnl_socket_recvfrom(netlink->socket, answer, sizeof answer);
    if (n < 0)
        return -1;
    return mnl_cb_run(answer, (size_t)n, netlink->sequence, mnl_socket_get_portid(netlink->socket),
                      NULL, NULL) < 0
               ? -1
               : 0;
}

/* Brings a device up, with an MTU and a queue length unless they are 0. */
static int device_up(struct netlink *netlink, unsigned index, uint32_t mtu, uint32_t queue)
{
    struct nlmsghdr *message = begin(netlink, RTM_NEWLINK, 0);
    struct ifinfomsg *link = mnl_nlmsg_put_extra_header(message, sizeof *link);
    link->ifi_family = AF_UNSPEC;
    link->ifi_index = (int)index;
    link->ifi_flags = IFF_UP;
    link->ifi_change = IFF_UP;
    if (mtu)
        mnl_attr_put_u32(message, IFLA_MTU, mtu);
    if (queue)
        mnl_attr_put_u32(message, IFLA_TXQLEN, queue);
    return finish(netlink, message);
}

static int address_add(struct netlink *netlink, unsigned index, const char *text, uint8_t prefix)
{
    uint8_t address[16];
    int family = strchr(text, ':') ? AF_INET6 : AF_INET;
    size_t length = family == AF_INET6 ? 16 : 4;
    inet_pton(family, text, address);
    struct nlmsghdr *message = begin(netlink, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL);
    struct ifaddrmsg *header = mnl_nlmsg_put_extra_header(message, sizeof *header);
    header->ifa_family = (uint8_t)family;
    header->ifa_prefixlen = prefix;
    /* Nobody else can have it: no duplicate address detection, usable at once. */
    header->ifa_flags = family == AF_INET6 ? IFA_F_NODAD : 0;
    header->ifa_scope = RT_SCOPE_UNIVERSE;
    header->ifa_index = index;
    mnl_attr_put(message, IFA_LOCAL, length, address);
    mnl_attr_put(message, IFA_ADDRESS, length, address);
    return finish(netlink, message);
}

static int default_route(struct netlink *netlink, unsigned index, const char *text)
{
    uint8_t gateway[16];
    int family = strchr(text, ':') ? AF_INET6 : AF_INET;
    inet_pton(family, text, gateway);
    struct nlmsghdr *message = begin(netlink, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL);
    struct rtmsg *route = mnl_nlmsg_put_extra_header(message, sizeof *route);
    route->rtm_family = (uint8_t)family;
    route->rtm_table = RT_TABLE_MAIN;
    route->rtm_protocol = RTPROT_STATIC;
    route->rtm_scope = RT_SCOPE_UNIVERSE;
    route->rtm_type = RTN_UNICAST;
    mnl_attr_put(message, RTA_GATEWAY, family == AF_INET6 ? 16 : 4, gateway);
    mnl_attr_put_u32(message, RTA_OIF, index);
    return finish(netlink, message);
}

static int write_setting(const char *path, const char *value)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    ssize_t n = write(fd, value, strlen(value));
    close(fd);
    return n < 0 ? -1 : 0;
}

static int device_setting(const char *device, const char *name, const char *value)
{
    char path[128];
    snprintf(path, sizeof path, "/proc/sys/net/ipv6/conf/%s/%s", device, name);
    return write_setting(path, value);
}

/* Low ports and ping for programs without privilege: this network is theirs alone. */
static void grant(char *note)
{
    char groups[32];
    unsigned gid = (unsigned)getegid();
    /* In a user namespace only a mapped group may be named. */
    snprintf(groups, sizeof groups, "%u %u", gid, gid);
    int failed = write_setting("/proc/sys/net/ipv4/ip_unprivileged_port_start", "0");
    if (write_setting("/proc/sys/net/ipv4/ping_group_range", "0 2147483647") < 0)
        failed |= write_setting("/proc/sys/net/ipv4/ping_group_range", groups);
    if (failed && !note[0])
        snprintf(note, SANDBOX_TEXT,
                 "cannot open low ports and ping to the program (%s): /proc/sys is closed here",
                 strerror(errno));
}

/* IPv6 as far as the kernel has it. 0, or -1 with errno. */
static int configure_ipv6(struct netlink *netlink, unsigned index, const char *device)
{
    device_setting(device, "disable_ipv6", "0");
    return address_add(netlink, index, "fd00::100", 64) < 0 ||
                   default_route(netlink, index, "fd00::2") < 0
               ? -1
               : 0;
}

static int configure(struct netlink *netlink, const char *device, uint32_t mtu, char *error,
                     char *note)
{
    unsigned index = if_nametoindex(device), lo = if_nametoindex("lo");
    /* No link-local address and no router is wanted: the device speaks when the program does. */
    device_setting(device, "addr_gen_mode", "1");
    device_setting(device, "accept_ra", "0");
    const char *step = "bring up lo";
    if (device_up(netlink, lo, 0, 0) < 0)
        goto failed;
    step = mtu ? "bring up the TUN device with this --mtu" : "bring up the TUN device";
    if (device_up(netlink, index, mtu, DEVICE_QUEUE) < 0)
        goto failed;
    step = "set addresses and routes";
    if (address_add(netlink, index, "10.0.2.100", 24) < 0 ||
        default_route(netlink, index, "10.0.2.2") < 0)
        goto failed;
    if (mtu < IPV6_MINIMUM_MTU) {
        if (!note[0])
            snprintf(note, SANDBOX_TEXT, "no IPv6 inside: it needs an MTU of %d", IPV6_MINIMUM_MTU);
    } else if (configure_ipv6(netlink, index, device) < 0 && !note[0]) {
        snprintf(note, SANDBOX_TEXT, "no IPv6 inside: %s", strerror(errno));
    }
    grant(note);
    return 0;
failed:
    snprintf(error, SANDBOX_TEXT, "cannot %s in the sandbox: %s", step, strerror(errno));
    return -1;
}

int inside_network(const char *device, uint32_t mtu, char *error, char *note)
{
    struct netlink netlink = { .socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC) };
    if (!netlink.socket || mnl_socket_bind(netlink.socket, 0, MNL_SOCKET_AUTOPID) < 0) {
        snprintf(error, SANDBOX_TEXT, "cannot talk to the kernel over netlink: %s",
                 strerror(errno));
        return -1;
    }
    int done = configure(&netlink, device, mtu, error, note);
    mnl_socket_close(netlink.socket);
    return done;
}
