/* SPDX-License-Identifier: MIT */
/* An Ethernet link with the kernel at its other end, on a TAP device: ARP, neighbour discovery, TCP. */
#define _GNU_SOURCE
#include "namespace.h"

#include <linux/if_tun.h>
#include <netinet/icmp6.h>
#include <netinet/ip_icmp.h>
#include <poll.h>
#include <sys/uio.h>

#include "base/checksum.h"

enum { FRAME = 1514, STREAM = 1 << 20 };

struct world {
    int device;
    wh_stack *host;
    wh_listener *listener;
};

static int open_tap(void)
{
    struct ifreq request = { .ifr_flags = IFF_TAP | IFF_NO_PI };
    int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);
    memcpy(request.ifr_name, "wave0", 6);
    CHECK(fd >= 0 && ioctl(fd, TUNSETIFF, &request) == 0);
    configure("wave0");
    return fd;
}

static struct world begin(void)
{
    struct world world = { .device = open_tap() };
    static const uint8_t station[6] = { 2, 0, 0, 0, 0, 1 };
    wh_addr four = server_addr(false), six = server_addr(true);
    wh_config config;
    wh_listen_options listen;
    wh_config_init(&config);
    config.memory = wh_memory_malloc();
    wh_seed(config.seed, 1);
    config.link = WH_LINK_ETHERNET;
    memcpy(config.ethernet, station, sizeof station);
    CHECK(wh_stack_new(&world.host, &config, wh_clock()) == WH_OK);
    CHECK(wh_address_add(world.host, &four, 24) == WH_OK);
    CHECK(wh_address_add(world.host, &six, 64) == WH_OK);
    wh_listen_options_init(&listen);
    listen.local.port = SERVER_PORT;
    CHECK(wh_listen(world.host, &listen, &world.listener) == WH_OK);
    return world;
}

static void finish(struct world *world)
{
    CHECK(wh_check(world->host) == NULL);
    CHECK(wh_count(world->host, WH_WHY_ARP_MALFORMED) == 0);
    CHECK(wh_count(world->host, WH_WHY_ND_MALFORMED) == 0);
    CHECK(wh_count(world->host, WH_WHY_NEIGHBOUR_UNRESOLVED) == 0);
    CHECK(wh_count(world->host, WH_WHY_ADDRESS_CONFLICT) == 0);
    wh_stack_free(world->host);
    close(world->device);
}

static void write_frame(int device, const wh_frame *frame)
{
    struct iovec parts[WH_FRAME_SLICES];
    for (uint32_t i = 0; i < frame->slices; i++) {
        memcpy(&parts[i].iov_base, &frame->slice[i].base, sizeof parts[i].iov_base);
        parts[i].iov_len = frame->slice[i].length;
    }
    CHECK(writev(device, parts, (int)frame->slices) == (ssize_t)frame->length);
}

/* Moves what there is to move, or waits a moment for something. */
static void move(struct world *world)
{
    wh_frame frames[32];
    uint8_t bytes[FRAME];
    size_t n;
    ssize_t length;
    while ((n = wh_output(world->host, frames, 32, wh_clock())) > 0) {
        for (size_t i = 0; i < n; i++)
            write_frame(world->device, &frames[i]);
        wh_sent(world->host, frames, n);
    }
    struct pollfd poll_device = { .fd = world->device, .events = POLLIN };
    (void)poll(&poll_device, 1, 1);
    while ((length = read(world->device, bytes, sizeof bytes)) > 0) {
        wh_frame frame = { .slice = { { bytes, (size_t)length } },
                           .slices = 1,
                           .length = (uint32_t)length };
        wh_input(world->host, &frame, 1, wh_clock());
    }
}

union name {
    struct sockaddr any;
    struct sockaddr_in four;
    struct sockaddr_in6 six;
};

static socklen_t name_of(union name *name, const char *text, bool six, uint16_t port)
{
    memset(name, 0, sizeof *name);
    if (six) {
        name->six.sin6_family = AF_INET6;
        name->six.sin6_port = htons(port);
        inet_pton(AF_INET6, text, &name->six.sin6_addr);
        return sizeof name->six;
    }
    name->four.sin_family = AF_INET;
    name->four.sin_port = htons(port);
    inet_pton(AF_INET, text, &name->four.sin_addr);
    return sizeof name->four;
}

/* ------------------------------------------------------------------ ping -- */

static void ping(struct world *world, bool six)
{
    union name name;
    uint8_t request[16] = { six ? ICMP6_ECHO_REQUEST : ICMP_ECHO, 0, 0, 0, 0, 7, 0, 1, 'w' };
    uint8_t answer[128];
    ssize_t length;
    socklen_t size = name_of(&name, six ? "fd00::2" : "10.0.2.2", six, 0);
    int fd = socket(six ? AF_INET6 : AF_INET, SOCK_RAW | SOCK_NONBLOCK,
                    six ? IPPROTO_ICMPV6 : IPPROTO_ICMP);
    CHECK(fd >= 0);
    if (!six) { /* the kernel does it for IPv6 */
        uint16_t sum = (uint16_t)~checksum_fold(checksum_best()->add(request, sizeof request, 0));
        memcpy(request + 2, &sum, sizeof sum);
    }
    CHECK(sendto(fd, request, sizeof request, 0, &name.any, size) == sizeof request);
    size_t header = six ? 0 : 20;
    for (;;) {
        move(world);
        length = recv(fd, answer, sizeof answer, 0);
        if (length == (ssize_t)(header + sizeof request) &&
            answer[header] == (six ? ICMP6_ECHO_REPLY : ICMP_ECHOREPLY))
            break;
    }
    CHECK(memcmp(answer + header + 4, request + 4, sizeof request - 4) == 0);
    close(fd);
}

static void pings(void)
{
    struct world world = begin();
    ping(&world, false);
    ping(&world, true);
    finish(&world);
}

/* ------------------------------------------------------------------- TCP -- */

/* A stream each way between a kernel socket and a connection of ours, then an end both ways. */
static void exchange(struct world *world, int fd, wh_conn *conn)
{
    static uint8_t data[STREAM], block[65536];
    size_t kernel_sent = 0, kernel_received = 0, sent = 0, received = 0;
    bool kernel_end = false, end = false;
    for (size_t i = 0; i < STREAM; i++)
        data[i] = stream_byte((uint32_t)i);
    while (!kernel_end || !end) {
        move(world);
        ssize_t n = send(fd, data + kernel_sent, STREAM - kernel_sent, MSG_NOSIGNAL);
        kernel_sent += n > 0 ? (size_t)n : 0;
        if (n > 0 && kernel_sent == STREAM)
            shutdown(fd, SHUT_WR);
        while ((n = recv(fd, block, sizeof block, 0)) > 0) {
            CHECK(memcmp(block, data + kernel_received, (size_t)n) == 0);
            kernel_received += (size_t)n;
        }
        kernel_end = n == 0;
        int64_t m = sent < STREAM ? wh_send(conn, data + sent, STREAM - sent, 0) : 0;
        sent += m > 0 ? (size_t)m : 0;
        if (m > 0 && sent == STREAM)
            CHECK(wh_shutdown(conn, WH_WRITE) == WH_OK);
        while ((m = wh_recv(conn, block, sizeof block)) > 0) {
            CHECK(memcmp(block, data + received, (size_t)m) == 0);
            received += (size_t)m;
        }
        end = m == 0;
    }
    CHECK(kernel_received == STREAM && received == STREAM);
    close(fd);
    wh_close(conn);
    move(world);
}

static void accept_from_kernel(struct world *world, bool six)
{
    union name name;
    wh_conn *conn;
    int fd = socket(six ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    socklen_t size = name_of(&name, six ? "fd00::2" : "10.0.2.2", six, SERVER_PORT);
    CHECK(fd >= 0 && connect(fd, &name.any, size) != 0 && errno == EINPROGRESS);
    while (wh_accept(world->listener, NULL, &conn) != WH_OK)
        move(world);
    exchange(world, fd, conn);
}

static void connect_to_kernel(struct world *world, bool six)
{
    union name name;
    wh_conn *conn;
    wh_connect_options options;
    int listener = socket(six ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), fd;
    socklen_t size = name_of(&name, six ? "fd00::100" : "10.0.2.100", six, CLIENT_PORT);
    CHECK(listener >= 0 && bind(listener, &name.any, size) == 0 && listen(listener, 1) == 0);
    wh_connect_options_init(&options);
    options.remote = (wh_endpoint){ client_addr(six), CLIENT_PORT };
    CHECK(wh_connect(world->host, &options, wh_clock(), &conn) == WH_OK);
    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) < 0)
        move(world);
    exchange(world, fd, conn);
    close(listener);
}

/* The kernel asks for our station first ... */
static void kernel_connects(void)
{
    struct world world = begin();
    accept_from_kernel(&world, false);
    accept_from_kernel(&world, true);
    finish(&world);
}

/* ... and here we ask for its. */
static void we_connect(void)
{
    struct world world = begin();
    connect_to_kernel(&world, false);
    connect_to_kernel(&world, true);
    finish(&world);
}

static void test_pings(void **state)
{
    (void)state;
    in_namespace(pings);
}

static void test_kernel_connects(void **state)
{
    (void)state;
    in_namespace(kernel_connects);
}

static void test_we_connect(void **state)
{
    (void)state;
    in_namespace(we_connect);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pings),
        cmocka_unit_test(test_kernel_connects),
        cmocka_unit_test(test_we_connect),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
