/* SPDX-License-Identifier: MIT */
/* A route to the other end alone, whose lowest retransmission timeout is ours to say. */
#define _GNU_SOURCE
#include "linux.h"

#include "unit/link/namespace.h"

#include <linux/netlink.h>
#include <linux/rtnetlink.h>

struct request {
    struct nlmsghdr header;
    struct rtmsg route;
    uint8_t attributes[128];
};

/* Appends an attribute; where its payload is. */
static void *append(struct request *request, uint16_t type, const void *payload, size_t length)
{
    uint8_t *at = (uint8_t *)request + NLMSG_ALIGN(request->header.nlmsg_len);
    struct rtattr attribute = { .rta_len = (uint16_t)RTA_LENGTH(length), .rta_type = type };
    memcpy(at, &attribute, sizeof attribute);
    if (length > 0)
        memcpy(at + RTA_LENGTH(0), payload, length);
    request->header.nlmsg_len =
        (uint32_t)(NLMSG_ALIGN(request->header.nlmsg_len) + RTA_ALIGN(attribute.rta_len));
    return at;
}

static void describe(struct request *request, bool six, uint32_t milliseconds)
{
    const wh_addr other = other_addr(six);
    const uint32_t device = if_nametoindex("wave0"), lock = 1U << RTAX_RTO_MIN;
    *request = (struct request){
        .header = { .nlmsg_len = NLMSG_LENGTH(sizeof request->route),
                    .nlmsg_type = RTM_NEWROUTE,
                    .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE },
        .route = { .rtm_family = six ? AF_INET6 : AF_INET,
                   .rtm_dst_len = six ? 128 : 32,
                   .rtm_table = RT_TABLE_MAIN,
                   .rtm_protocol = RTPROT_STATIC,
                   .rtm_scope = RT_SCOPE_LINK,
                   .rtm_type = RTN_UNICAST },
    };
    append(request, RTA_DST, other.bytes + (six ? 0 : 12), six ? 16 : 4);
    append(request, RTA_OIF, &device, sizeof device);
    uint8_t *metrics = append(request, RTA_METRICS, NULL, 0);
    append(request, RTAX_LOCK, &lock, sizeof lock);
    append(request, RTAX_RTO_MIN, &milliseconds, sizeof milliseconds);
    uint16_t length = (uint16_t)((uint8_t *)request + request->header.nlmsg_len - metrics);
    memcpy(metrics, &length, sizeof length);
}

void linux_slow_timers(bool six, wh_time time)
{
    struct request request;
    struct {
        struct nlmsghdr header;
        struct nlmsgerr error;
        uint8_t rest[256];
    } answer;
    describe(&request, six, (uint32_t)(time / WH_MILLISECOND));
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
    CHECK(fd >= 0 && send(fd, &request, request.header.nlmsg_len, 0) > 0);
    CHECK(recv(fd, &answer, sizeof answer, 0) >= (ssize_t)sizeof answer.header);
    CHECK(answer.header.nlmsg_type == NLMSG_ERROR && answer.error.error == 0);
    close(fd);
}
