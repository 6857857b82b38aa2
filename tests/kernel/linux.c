/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "linux.h"

#include "unit/link/namespace.h"

#include <netinet/tcp.h>

wh_addr linux_addr(bool six) { return client_addr(six); }

wh_addr other_addr(bool six) { return server_addr(six); }

wh_tun *linux_device(void)
{
    wh_tun_options options;
    wh_tun *tun;
    char error[300];
    wh_tun_options_init(&options);
    options.name = "wave0";
    options.offload = false;
    options.mtu = 1500;
    if (wh_tun_open(&tun, &options, error, sizeof error) != WH_OK) {
        fprintf(stderr, "%s\n", error);
        _exit(1);
    }
    configure(wh_tun_name(tun));
    return tun;
}

bool linux_switch(const char *name, const char *value)
{
    char path[128];
    snprintf(path, sizeof path, "/proc/sys/net/ipv4/%s", name);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    bool done = fd >= 0 && write(fd, value, strlen(value)) == (ssize_t)strlen(value);
    if (fd >= 0)
        close(fd);
    return done;
}

union name {
    struct sockaddr any;
    struct sockaddr_in four;
    struct sockaddr_in6 six;
};

static socklen_t name_of(union name *name, const wh_addr *addr, uint16_t port)
{
    memset(name, 0, sizeof *name);
    if (!wh_is_ipv4(addr)) {
        name->six.sin6_family = AF_INET6;
        name->six.sin6_port = htons(port);
        memcpy(&name->six.sin6_addr, addr->bytes, 16);
        return sizeof name->six;
    }
    name->four.sin_family = AF_INET;
    name->four.sin_port = htons(port);
    memcpy(&name->four.sin_addr, addr->bytes + 12, 4);
    return sizeof name->four;
}

static int linux_socket(bool six, uint16_t port)
{
    union name name;
    const int on = 1;
    const wh_addr own = linux_addr(six);
    int fd = socket(six ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0 && six)
        _exit(SKIPPED); /* a kernel without IPv6 */
    CHECK(fd >= 0);
    CHECK(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0);
    CHECK(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) == 0);
    socklen_t length = name_of(&name, &own, port);
    if (bind(fd, &name.any, length) == 0)
        return fd;
    int error = linux_error(errno);
    close(fd);
    return error;
}

int linux_listen(bool six, uint16_t port, int backlog)
{
    int fd = linux_socket(six, port);
    if (fd < 0 || listen(fd, backlog) == 0)
        return fd;
    int error = linux_error(errno);
    close(fd);
    return error;
}

int linux_connect(bool six, uint16_t port, uint16_t to)
{
    union name name;
    const wh_addr other = other_addr(six);
    socklen_t length = name_of(&name, &other, to);
    int fd = linux_socket(six, port);
    if (fd < 0 || connect(fd, &name.any, length) == 0 || errno == EINPROGRESS)
        return fd;
    int error = linux_error(errno);
    close(fd);
    return error;
}

void linux_abort(int fd)
{
    const struct linger reset = { .l_onoff = 1 };
    CHECK(setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset) == 0);
    close(fd);
}

int linux_error(int number)
{
    switch (number) {
    case 0: return 0;
    case EAGAIN: return WH_E_AGAIN;
    case ECONNREFUSED: return WH_E_CONNREFUSED;
    case ECONNRESET: return WH_E_CONNRESET;
    case ETIMEDOUT: return WH_E_TIMEDOUT;
    case EPIPE: return WH_E_PIPE;
    case ENOTCONN: return WH_E_NOTCONN;
    case EADDRINUSE: return WH_E_ADDRINUSE;
    case EADDRNOTAVAIL: return WH_E_ADDRNOTAVAIL;
    case EHOSTUNREACH: return WH_E_HOSTUNREACH;
    case ENETUNREACH: return WH_E_NETUNREACH;
    default: return WH_E_IO;
    }
}
