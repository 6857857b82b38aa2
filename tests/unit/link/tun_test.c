/* SPDX-License-Identifier: MIT */
/*
 * TUN devices, with the kernel at their other end: each test runs in a child with
 * a network namespace of its own, so it needs no privilege where users may make
 * those, and leaves nothing behind.
 */
#define _GNU_SOURCE
#include "namespace.h"
#include "stack/stack.h"

#include <netinet/udp.h>
#include <poll.h>
#include <signal.h>

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif

static wh_tun *open_tun(bool offload, uint32_t mtu)
{
    wh_tun_options options;
    wh_tun *tun;
    char error[300];
    wh_tun_options_init(&options);
    options.name = "wave0";
    options.offload = offload;
    options.mtu = mtu;
    if (wh_tun_open(&tun, &options, error, sizeof error) != WH_OK) {
        fprintf(stderr, "%s\n", error);
        _exit(1);
    }
    configure(wh_tun_name(tun));
    return tun;
}

/* The kernel's next TCP or UDP frames (others, such as router solicitations, are passed over). */
static unsigned next_frames(wh_tun *tun, uint8_t protocol, wh_frame *frames, unsigned cap)
{
    for (;;) {
        int n = wh_tun_read(tun, NULL, frames, cap);
        CHECK(n >= 0);
        if (n == 0) {
            struct pollfd device = { .fd = wh_tun_fd(tun), .events = POLLIN };
            CHECK(poll(&device, 1, 10000) == 1);
        }
        unsigned kept = 0;
        for (int i = 0; i < n; i++) {
            struct sight sight = look(&frames[i], WH_LINK_IP);
            if (sight.ip && sight.packet.protocol == protocol)
                frames[kept++] = frames[i];
        }
        if (kept > 0)
            return kept;
    }
}

static struct sight next_segment(wh_tun *tun, wh_frame *frame)
{
    CHECK(next_frames(tun, IP_TCP, frame, 1) == 1);
    return look(frame, WH_LINK_IP);
}

/* Sends a segment to the kernel, its checksum partial as the core leaves it. */
static void tell(wh_tun *tun, struct shape shape, uint16_t port)
{
    shape.direction = WH_B_TO_A;
    shape.partial = true;
    shape.client_port = port;
    shape.window = 65535;
    struct made made = make(&shape);
    struct sight sight = look(&made.frame, WH_LINK_IP);
    uint16_t pseudo = checksum_fold(ip_pseudo_sum(&sight.packet.source, &sight.packet.destination,
                                                  IP_TCP, sight.packet.length));
    memcpy(made.bytes + sight.transport + 16, &pseudo, sizeof pseudo);
    CHECK(wh_tun_write(tun, &made.frame, 1) == 1);
    free(made.bytes);
}

/* The kernel connects to us; its socket, and the first numbers. */
static int be_connected_to(wh_tun *tun, bool six, struct sight *syn)
{
    struct sockaddr_in6 to6 = { .sin6_family = AF_INET6, .sin6_port = htons(SERVER_PORT) };
    struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(SERVER_PORT) };
    wh_frame frame;
    inet_pton(AF_INET, "10.0.2.2", &to.sin_addr);
    inet_pton(AF_INET6, "fd00::2", &to6.sin6_addr);
    int fd = socket(six ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -1;
    CHECK(connect(fd, six ? (void *)&to6 : (void *)&to, six ? sizeof to6 : sizeof to) != 0 &&
          errno == EINPROGRESS);
    *syn = next_segment(tun, &frame);
    CHECK(syn->flags == WH_SYN);
    tell(tun,
         (struct shape){ .six = six, .seq = 1000, .ack = syn->seq + 1, .flags = WH_SYN | WH_ACK },
         syn->source_port);
    struct sight ack = next_segment(tun, &frame);
    CHECK(ack.flags == WH_ACK && ack.ack == 1001);
    return fd;
}

/* The kernel's bytes from `at` on, in a segment that its link may carry. */
static void check_data(const wh_frame *frame, const struct sight *sight, uint32_t begin,
                       uint32_t at, uint32_t mtu)
{
    const uint8_t *data = (const uint8_t *)frame->slice[0].base + frame->length - sight->data;
    if (sight->data > 0)
        CHECK(sight->seq == begin + at);
    for (uint32_t i = 0; i < sight->data; i++)
        CHECK(data[i] == stream_byte(at + i));
    if (frame->length > mtu)
        CHECK(frame->segment_size > 0 && frame->segment_size + sight->packet.header + 20 <= mtu);
    if (!(frame->flags & (WH_FRAME_CHECKSUM_PARTIAL | WH_FRAME_CHECKSUM_VALID)))
        CHECK(checksums_right(sight));
}

/* Takes `all` bytes that the kernel sends, acknowledging each; the longest segment seen. */
static uint32_t take_data(wh_tun *tun, bool six, const struct sight *syn, uint32_t all,
                          uint32_t mtu)
{
    uint32_t longest = 0, at = 0;
    while (at < all) {
        wh_frame frames[8]; /* all of a batch stay valid until the next read */
        unsigned n = next_frames(tun, IP_TCP, frames, 8);
        for (unsigned i = 0; i < n; i++) {
            struct sight sight = look(&frames[i], WH_LINK_IP);
            check_data(&frames[i], &sight, syn->seq + 1, at, mtu);
            longest = MAX(longest, frames[i].length);
            at += sight.data;
        }
        tell(tun,
             (struct shape){ .six = six, .seq = 1001, .ack = syn->seq + 1 + at, .flags = WH_ACK },
             syn->source_port);
    }
    return longest;
}

static void exchange(bool offload, bool six)
{
    enum { OUT = 40000, IN = 40000 };
    static uint8_t data[MAX(OUT, IN)];
    const uint32_t mtu = 1500;
    wh_tun *tun = open_tun(offload, mtu);
    struct sight syn;
    CHECK(wh_tun_features(tun) == (offload ? WH_TX_CHECKSUM | WH_TX_SEGMENTATION : 0));
    int fd = be_connected_to(tun, six, &syn);
    if (fd < 0 && six)
        _exit(SKIPPED); /* a kernel without IPv6 */
    for (uint32_t i = 0; i < OUT; i++)
        data[i] = stream_byte(i);
    CHECK(send(fd, data, OUT, 0) == OUT);
    uint32_t longest = take_data(tun, six, &syn, OUT, mtu);
    CHECK(offload ? longest > mtu : longest <= mtu);
    /* Back: one super-segment, for the kernel or for software to cut. */
    tell(tun,
         (struct shape){ .six = six,
                         .seq = 1001,
                         .ack = syn.seq + 1 + OUT,
                         .flags = WH_ACK | WH_PSH,
                         .data = IN,
                         .segment_size = 1000 },
         syn.source_port);
    for (uint32_t at = 0; at < IN;) {
        struct pollfd socket = { .fd = fd, .events = POLLIN };
        CHECK(poll(&socket, 1, 10000) == 1);
        ssize_t got = recv(fd, data, sizeof data, 0);
        CHECK(got > 0);
        for (uint32_t i = 0; i < (uint32_t)got; i++)
            CHECK(data[i] == stream_byte(at + i));
        at += (uint32_t)got;
    }
    close(fd);
    wh_tun_close(tun);
}

static void offloaded_four(void) { exchange(true, false); }
static void offloaded_six(void) { exchange(true, true); }
static void plain_four(void) { exchange(false, false); }
static void plain_six(void) { exchange(false, true); }

static void super_segments_both_ways(void **state)
{
    (void)state;
    in_namespace(offloaded_four);
    in_namespace(offloaded_six);
}

static void plain_frames_without_offload(void **state)
{
    (void)state;
    in_namespace(plain_four);
    in_namespace(plain_six);
}

static void datagrams(void)
{
    wh_tun *tun = open_tun(true, 1500);
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    const int size = 1000;
    static uint8_t data[6500];
    struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(53) };
    inet_pton(AF_INET, "10.0.2.2", &to.sin_addr);
    for (uint32_t i = 0; i < sizeof data; i++)
        data[i] = stream_byte(i);
    CHECK(setsockopt(fd, IPPROTO_UDP, UDP_SEGMENT, &size, sizeof size) == 0);
    CHECK(sendto(fd, data, sizeof data, 0, (struct sockaddr *)&to, sizeof to) == sizeof data);
    /* Small batches: what does not fit the first waits for the next. */
    for (uint32_t at = 0; at < sizeof data;) {
        wh_frame frames[3];
        unsigned n = next_frames(tun, IP_UDP, frames, 3);
        for (unsigned i = 0; i < n; i++) {
            struct sight sight = look(&frames[i], WH_LINK_IP);
            struct datagram datagram;
            bool partial = frames[i].flags & WH_FRAME_CHECKSUM_PARTIAL;
            CHECK(udp_parse(&datagram, &sight.packet, checksum_best(), partial) == WH_WHY_NONE);
            CHECK(frames[i].segment_size == 0);
            CHECK(datagram.length == (at < 6000 ? 1000 : 500));
            CHECK(memcmp(datagram.data, data + at, datagram.length) == 0);
            at += datagram.length;
        }
    }
    CHECK(wh_tun_note(tun) == NULL);
    wh_tun_close(tun);
}

static void super_datagrams_come_cut(void **state)
{
    (void)state;
    in_namespace(datagrams);
}

static void adoption(void)
{
    wh_tun *tun = open_tun(true, 1500), *again;
    wh_tun_options options;
    char error[300] = "";
    wh_tun_options_init(&options);
    options.fd = dup(wh_tun_fd(tun));
    CHECK(wh_tun_open(&again, &options, error, sizeof error) == WH_OK);
    CHECK(strcmp(wh_tun_name(again), "wave0") == 0);
    CHECK(wh_tun_features(again) == (WH_TX_CHECKSUM | WH_TX_SEGMENTATION));
    wh_tun_close(tun);
    struct sight syn;
    CHECK(be_connected_to(again, false, &syn) >= 0);
    wh_tun_close(again);
    /* No TUN device: the descriptor stays open, and ours no more than before. */
    options.fd = open("/dev/null", O_RDWR);
    CHECK(wh_tun_open(&again, &options, error, sizeof error) == WH_E_INVAL);
    CHECK(strstr(error, "is not attached to a TUN device") != NULL);
    CHECK(fcntl(options.fd, F_GETFD) >= 0);
}

static void attached_descriptors_are_adopted(void **state)
{
    (void)state;
    in_namespace(adoption);
}

/* Sends a datagram from port 1000 to port 53, and answers which of two queues it came out of. */
static unsigned queue_of_a_datagram(wh_tun *const *queue)
{
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    struct sockaddr_in from = { .sin_family = AF_INET, .sin_port = htons(1000) }, to = from;
    to.sin_port = htons(53);
    inet_pton(AF_INET, "10.0.2.2", &to.sin_addr);
    CHECK(bind(fd, (struct sockaddr *)&from, sizeof from) == 0);
    CHECK(sendto(fd, "?", 1, 0, (struct sockaddr *)&to, sizeof to) == 1);
    close(fd);
    for (;;) {
        struct pollfd devices[] = { { .fd = wh_tun_fd(queue[0]), .events = POLLIN },
                                    { .fd = wh_tun_fd(queue[1]), .events = POLLIN } };
        CHECK(poll(devices, 2, 10000) > 0);
        for (unsigned i = 0; i < 2; i++) {
            wh_frame frame;
            while (wh_tun_read(queue[i], NULL, &frame, 1) == 1)
                if (look(&frame, WH_LINK_IP).destination_port == 53)
                    return i;
        }
    }
}

/* Writes the answer to that datagram into a queue. */
static void answer(wh_tun *queue)
{
    uint8_t bytes[100];
    const wh_addr from = server_addr(false), to = client_addr(false);
    const struct packet packet = { .source = from, .destination = to, .hops = 64 };
    const struct datagram datagram = {
        .source_port = 53, .destination_port = 1000, .data = (const uint8_t *)"!", .length = 1
    };
    size_t length = udp_build(bytes, sizeof bytes, &packet, &datagram, 1, checksum_best());
    const wh_frame frame = { .slice = { { bytes, length } },
                             .slices = 1,
                             .length = (uint32_t)length };
    CHECK(length > 0 && wh_tun_write(queue, &frame, 1) == 1);
}

/* A flow goes to one queue, and moves to the one that answers it. */
static void queues(void)
{
    wh_tun_options options;
    wh_tun *queue[2];
    char error[300] = "";
    wh_tun_options_init(&options);
    options.name = "wave0";
    options.multi_queue = true;
    for (unsigned i = 0; i < 2; i++)
        if (wh_tun_open(&queue[i], &options, error, sizeof error) != WH_OK) {
            fprintf(stderr, "%s\n", error);
            _exit(1);
        }
    configure("wave0");
    unsigned first = queue_of_a_datagram(queue);
    CHECK(queue_of_a_datagram(queue) == first);
    answer(queue[!first]);
    CHECK(queue_of_a_datagram(queue) == !first);
    answer(queue[first]);
    CHECK(queue_of_a_datagram(queue) == first);
    wh_tun_close(queue[0]);
    CHECK(if_nametoindex("wave0") != 0);
    wh_tun_close(queue[1]);
    CHECK(if_nametoindex("wave0") == 0);
}

static void a_device_may_have_several_queues(void **state)
{
    (void)state;
    in_namespace(queues);
}

static void refusals(void)
{
    wh_tun *tun = open_tun(true, 1500), *other;
    wh_tun_options options;
    char error[300] = "";
    wh_tun_options_init(&options);
    options.name = "wave0";
    CHECK(wh_tun_open(&other, &options, error, sizeof error) == WH_E_IO);
    CHECK(strstr(error, "another program has it open") != NULL);
    options.name = "a-name-that-is-too-long";
    CHECK(wh_tun_open(&other, &options, error, sizeof error) == WH_E_INVAL);
    CHECK(strstr(error, "is too long") != NULL);
    options.name = "wave1";
    options.mtu = 70000;
    CHECK(wh_tun_open(&other, &options, error, sizeof error) == WH_E_INVAL);
    CHECK(strstr(error, "cannot set the MTU of device wave1 to 70000") != NULL);
    CHECK(if_nametoindex("wave1") == 0);
    wh_tun_close(tun);
    CHECK(if_nametoindex("wave0") == 0);
    wh_tun_close(NULL);
}

static void what_cannot_be_opened_is_told(void **state)
{
    (void)state;
    in_namespace(refusals);
}

/* A device that is down loses frames; one that is gone is an error. */
static void down(void)
{
    wh_tun_options options;
    wh_tun *tun;
    char error[300];
    wh_frame frame;
    wh_tun_options_init(&options);
    CHECK(wh_tun_open(&tun, &options, error, sizeof error) == WH_OK);
    CHECK(wh_tun_read(tun, NULL, &frame, 1) == 0);
    struct made made = make(&(struct shape){ .flags = WH_SYN, .direction = WH_B_TO_A });
    CHECK(wh_tun_write(tun, &made.frame, 1) == 1);
    configure(wh_tun_name(tun));
    made.frame.length = 3; /* nonsense is the kernel's to refuse */
    made.frame.slice[0].length = 3;
    CHECK(wh_tun_write(tun, &made.frame, 1) == 1);
    free(made.bytes);
    wh_tun_close(tun);
}

static void frames_that_go_nowhere_are_lost(void **state)
{
    (void)state;
    in_namespace(down);
}

/* ------------------------------------------------- with a stack of ours -- */

enum { ECHOED = 3000000 };

static volatile int client_is_done;

static void on_child(int signal)
{
    (void)signal;
    client_is_done = 1;
}

/* A program of the kernel's: sends a stream to the echo server, reads it back. */
static void echo_client(bool six)
{
    static uint8_t out[ECHOED], in[ECHOED];
    struct sockaddr_in6 to6 = { .sin6_family = AF_INET6, .sin6_port = htons(7) };
    struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(7) };
    inet_pton(AF_INET, "10.0.2.2", &to.sin_addr);
    inet_pton(AF_INET6, "fd00::2", &to6.sin6_addr);
    for (uint32_t i = 0; i < ECHOED; i++)
        out[i] = stream_byte(i);
    int fd = socket(six ? AF_INET6 : AF_INET, SOCK_STREAM, 0);
    CHECK(fd >= 0);
    CHECK(connect(fd, six ? (void *)&to6 : (void *)&to, six ? sizeof to6 : sizeof to) == 0);
    size_t sent = 0, got = 0;
    while (got < ECHOED) {
        struct pollfd socket = { .fd = fd,
                                 .events = (short)(POLLIN | (sent < ECHOED ? POLLOUT : 0)) };
        CHECK(poll(&socket, 1, 10000) == 1);
        if (sent < ECHOED && (socket.revents & POLLOUT)) {
            ssize_t n = send(fd, out + sent, ECHOED - sent, MSG_DONTWAIT);
            CHECK(n > 0 || errno == EAGAIN);
            sent += n > 0 ? (size_t)n : 0;
            if (sent == ECHOED)
                CHECK(shutdown(fd, SHUT_WR) == 0);
        }
        if (socket.revents & POLLIN) {
            ssize_t n = recv(fd, in + got, ECHOED - got, MSG_DONTWAIT);
            CHECK(n > 0);
            got += (size_t)n;
        }
    }
    CHECK(memcmp(in, out, ECHOED) == 0);
    CHECK(recv(fd, in, 1, 0) == 0);
    _exit(0);
}

/* Sends back what can be sent back of what came. */
static void echo(wh_conn *conn)
{
    for (;;) {
        wh_slice slices[8];
        int n = wh_peek(conn, slices, 8);
        if (n == 0)
            wh_shutdown(conn, WH_WRITE);
        if (n <= 0)
            return;
        int64_t taken = wh_send(conn, slices[0].base, slices[0].length, 0);
        wh_watch(conn,
                 taken > 0 ? WH_WATCH_DEFAULT : (WH_WATCH_DEFAULT & ~WH_READABLE) | WH_WRITABLE);
        if (taken <= 0)
            return;
        wh_consume(conn, (size_t)taken);
    }
}

static void serve_echo(wh_stack *host, void *context)
{
    wh_listener *listener = context;
    wh_event events[16];
    size_t n = wh_events(host, events, 16);
    for (size_t i = 0; i < n; i++) {
        wh_conn *conn = events[i].conn;
        if (events[i].listener != NULL)
            CHECK(wh_accept(listener, NULL, &conn) == WH_OK);
        if (events[i].ready & WH_DEAD)
            wh_close(conn);
        else
            echo(conn);
    }
}

/* Bytes, spare ones aside: tables, and what the peer has got but not yet acknowledged when it is done. */
#define KEPT 2000000

static void loop_echoes(bool offload, bool six)
{
    wh_tun *tun = open_tun(offload, offload ? 65520 : 1500);
    wh_config config;
    wh_stack *host;
    wh_listen_options listen;
    wh_listener *listener;
    wh_config_init(&config);
    config.memory = wh_memory_malloc();
    wh_seed(config.seed, 1);
    config.mtu = offload ? 65520 : 1500;
    config.link_features = wh_tun_features(tun);
    config.any_address = true;
    CHECK(wh_stack_new(&host, &config, wh_clock()) == WH_OK);
    wh_listen_options_init(&listen);
    listen.local.port = 7;
    CHECK(wh_listen(host, &listen, &listener) == WH_OK);
    signal(SIGCHLD, on_child);
    pid_t client = fork();
    CHECK(client >= 0);
    if (client == 0) {
        alarm(20);
        echo_client(six);
    }
    CHECK(wh_tun_loop(tun, host, serve_echo, listener, &client_is_done) == WH_OK);
    int status = -1;
    CHECK(waitpid(client, &status, 0) == client && status == 0);
    CHECK(wh_check(host) == NULL);
    /* No frame is still out, and no receive buffer was forgotten: those are 64 KiB each. */
    wh_stats stats = { .size = sizeof stats };
    wh_stats_get(host, &stats);
    CHECK(stats.frames_lent == 0);
    const struct tcp *tcp = &host->tcp;
    size_t spare = chunk_store_spare(&tcp->chunks) + tcp->slots.spares * sizeof(struct frame_slot);
    CHECK(stats.memory - spare < KEPT);
    wh_stack_free(host);
    wh_tun_close(tun);
}

static void loop_offloaded(void) { loop_echoes(true, false); }

static void loop_offloaded_six(void) { loop_echoes(true, true); }

static void loop_plain(void) { loop_echoes(false, false); }

static void the_loop_serves_a_program_of_the_kernels(void **state)
{
    (void)state;
    in_namespace(loop_offloaded);
    in_namespace(loop_offloaded_six);
    in_namespace(loop_plain);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(super_segments_both_ways),
        cmocka_unit_test(plain_frames_without_offload),
        cmocka_unit_test(super_datagrams_come_cut),
        cmocka_unit_test(attached_descriptors_are_adopted),
        cmocka_unit_test(a_device_may_have_several_queues),
        cmocka_unit_test(what_cannot_be_opened_is_told),
        cmocka_unit_test(frames_that_go_nowhere_are_lost),
        cmocka_unit_test(the_loop_serves_a_program_of_the_kernels),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
