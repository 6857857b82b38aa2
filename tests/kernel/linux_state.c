/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "linux.h"

#include "unit/link/namespace.h"

#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>

/* By the numbers of the kernel's enum in include/net/tcp_states.h; 12 is a half-open entry. */
static wh_state state_of(unsigned number)
{
    static const wh_state states[] = { WH_CLOSED,       WH_ESTABLISHED, WH_SYN_SENT,
                                       WH_SYN_RECEIVED, WH_FIN_WAIT_1,  WH_FIN_WAIT_2,
                                       WH_TIME_WAIT,    WH_CLOSED,      WH_CLOSE_WAIT,
                                       WH_LAST_ACK,     WH_LISTEN,      WH_CLOSING,
                                       WH_SYN_RECEIVED };
    CHECK(number < sizeof states / sizeof *states);
    return states[number];
}

static void put_address(uint32_t to[4], const wh_addr *addr)
{
    if (wh_is_ipv4(addr))
        memcpy(to, addr->bytes + 12, 4);
    else
        memcpy(to, addr->bytes, 16);
}

struct question {
    struct nlmsghdr header;
    struct inet_diag_req_v2 body;
};

static struct question ask_about(bool six, uint16_t port, uint16_t peer_port)
{
    wh_addr own = linux_addr(six), peer = other_addr(six);
    struct question question = {
        .header = { .nlmsg_len = sizeof question,
                    .nlmsg_type = SOCK_DIAG_BY_FAMILY,
                    .nlmsg_flags = NLM_F_REQUEST },
        .body = { .sdiag_family = six ? AF_INET6 : AF_INET,
                  .sdiag_protocol = IPPROTO_TCP,
                  .idiag_states = UINT32_MAX,
                  .id = { .idiag_sport = htons(port),
                          .idiag_dport = htons(peer_port),
                          .idiag_cookie = { INET_DIAG_NOCOOKIE, INET_DIAG_NOCOOKIE } } },
    };
    put_address(question.body.id.idiag_src, &own);
    put_address(question.body.id.idiag_dst, &peer);
    return question;
}

wh_state linux_state(bool six, uint16_t port, uint16_t peer_port)
{
    struct question question = ask_about(six, port, peer_port);
    union {
        struct nlmsghdr header;
        uint8_t bytes[4096];
    } answer;
    struct inet_diag_msg message = { 0 };
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
    CHECK(fd >= 0 && send(fd, &question, sizeof question, 0) == sizeof question);
    ssize_t length = recv(fd, &answer, sizeof answer, 0);
    CHECK(length >= (ssize_t)sizeof answer.header);
    close(fd);
    if (answer.header.nlmsg_type != SOCK_DIAG_BY_FAMILY) {
        struct nlmsgerr error;
        memcpy(&error, NLMSG_DATA(&answer.header), sizeof error);
        CHECK(answer.header.nlmsg_type == NLMSG_ERROR && error.error == -ENOENT);
        return WH_CLOSED;
    }
    memcpy(&message, NLMSG_DATA(&answer.header), sizeof message);
    return state_of(message.idiag_state);
}
