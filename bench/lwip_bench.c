/* SPDX-License-Identifier: MIT */
/*
 * Debian's liblwip on the same tasks as `wavehand bench`: both ends in one process and
 * on one core, through lwIP's raw API, its fastest. The package is built for
 * threads, so all of it runs under the core lock, which is taken once; the
 * thread that would run timers waits for ever, and timers are run from here.
 *
 * lwIP has one stack a process. Two interfaces stand back to back: what one puts
 * out is copied, as any link would, and given to the other. Checksums are made
 * and verified (the package's default).
 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "figure.h"
#include "lwip_stack.h"

enum { PORT = 5000, QUEUE = 4096, MESSAGE = 64, PIECE = 16384, IDLE = 10000 };

/* ------------------------------------------------------------------ link -- */

struct end {
    struct netif netif;
    struct pbuf *queue[QUEUE]; /* copies on their way to the other end */
    unsigned first, count;
};

static struct end ends[2];

static err_t put_out(struct netif *netif, struct pbuf *frame, const ip4_addr_t *to)
{
    struct end *end = netif->state;
    struct pbuf *copy = pbuf_alloc(PBUF_RAW, frame->tot_len, PBUF_RAM);
    (void)to;
    if (copy == NULL || end->count == QUEUE) {
        fprintf(stderr, "lwip_bench: the link is full\n");
        exit(1);
    }
    pbuf_copy(copy, frame);
    end->queue[(end->first + end->count++) % QUEUE] = copy;
    return ERR_OK;
}

/* Carries what is on its way; false if nothing was. */
static bool carry(void)
{
    bool any = false;
    for (int i = 0; i < 2; i++) {
        struct end *from = &ends[i], *to = &ends[1 - i];
        for (unsigned n = from->count; n > 0; n--) {
            struct pbuf *frame = from->queue[from->first];
            from->first = (from->first + 1) % QUEUE;
            from->count--;
            to->netif.input(frame, &to->netif);
            any = true;
        }
    }
    return any;
}

/* Timers need the clock; asked for now and then, as a poll loop would. */
static void run_timers(void)
{
    static unsigned calls;
    if (++calls % 1024 == 0) {
        sys_check_timeouts();
    }
}

static void set_up(void)
{
    lwip_stack_begin();
    for (u8_t i = 0; i < 2; i++) {
        lwip_stack_add(&ends[i].netif, i, 1500, put_out, &ends[i]);
    }
}

/* ------------------------------------------------------------ connections -- */

static unsigned long long arrived; /* bytes at the server */
static unsigned long answers;      /* messages back at the client */
static bool echo;
static unsigned connected, closed;

static err_t server_got(void *context, struct tcp_pcb *pcb, struct pbuf *data, err_t error)
{
    (void)context;
    (void)error;
    if (data == NULL) {
        tcp_recv(pcb, NULL);
        tcp_close(pcb);
        closed++;
        return ERR_OK;
    }
    u16_t length = data->tot_len;
    arrived += length;
    if (echo) {
        tcp_write(pcb, data->payload, data->len, TCP_WRITE_FLAG_COPY);
        tcp_output(pcb);
    }
    tcp_recved(pcb, length);
    pbuf_free(data);
    return ERR_OK;
}

static err_t server_accepts(void *context, struct tcp_pcb *pcb, err_t error)
{
    (void)context;
    (void)error;
    tcp_nagle_disable(pcb);
    tcp_recv(pcb, server_got);
    return ERR_OK;
}

static err_t client_got(void *context, struct tcp_pcb *pcb, struct pbuf *data, err_t error)
{
    (void)context;
    (void)error;
    if (data != NULL) {
        answers++;
        tcp_recved(pcb, data->tot_len);
        pbuf_free(data);
    }
    return ERR_OK;
}

static err_t client_connected(void *context, struct tcp_pcb *pcb, err_t error)
{
    (void)context;
    (void)pcb;
    (void)error;
    connected++;
    return ERR_OK;
}

static void listen_there(void)
{
    struct tcp_pcb *pcb = tcp_new();
    tcp_bind(pcb, &ends[1].netif.ip_addr, PORT);
    tcp_bind_netif(pcb, &ends[1].netif);
    pcb = tcp_listen_with_backlog(pcb, 255);
    tcp_accept(pcb, server_accepts);
}

static struct tcp_pcb *open_one(void)
{
    unsigned before = connected;
    struct tcp_pcb *pcb = tcp_new();
    tcp_bind_netif(pcb, &ends[0].netif);
    tcp_nagle_disable(pcb);
    tcp_recv(pcb, client_got);
    if (tcp_connect(pcb, &ends[1].netif.ip_addr, PORT, client_connected) != ERR_OK) {
        fprintf(stderr, "lwip_bench: cannot connect\n");
        exit(1);
    }
    while (connected == before) {
        carry();
    }
    carry();
    return pcb;
}

/* ---------------------------------------------------------------- figures -- */

static void bulk(double length)
{
    static char piece[PIECE];
    struct tcp_pcb *pcb = open_one();
    arrived = 0;
    double start = cpu_seconds(), now = start;
    while (now - start < length) {
        for (int i = 0; i < 64; i++) {
            u16_t room = tcp_sndbuf(pcb);
            if (room > 0) {
                tcp_write(pcb, piece, room < PIECE ? room : PIECE, TCP_WRITE_FLAG_COPY);
                tcp_output(pcb);
            }
            carry();
            run_timers();
        }
        now = cpu_seconds();
    }
    figure("core.bulk_1500.lwip", (double)arrived * 8e-9 / (now - start), "Gbit/s");
    tcp_abort(pcb);
    while (carry()) {
    }
}

/* TIME-WAIT entries stand in one list that every segment walks; taken away, untimed, they cost nothing. */
static void forget_time_wait(void)
{
    while (tcp_tw_pcbs != NULL) {
        tcp_abort(tcp_tw_pcbs);
    }
}

static void open_and_close(double length)
{
    double spent = 0;
    unsigned long connections = 0;
    echo = true;
    while (spent < length) {
        double start = cpu_seconds();
        for (int i = 0; i < 256; i++) {
            struct tcp_pcb *pcb = open_one();
            unsigned long answers_before = answers;
            unsigned closed_before = closed;
            tcp_write(pcb, "x", 1, TCP_WRITE_FLAG_COPY);
            tcp_output(pcb);
            while (answers == answers_before) {
                carry();
            }
            tcp_close(pcb);
            while (carry() || closed == closed_before) {
            }
        }
        spent += cpu_seconds() - start;
        connections += 256;
        forget_time_wait();
        sys_check_timeouts();
    }
    figure("core.lifecycle_1.lwip", (double)connections / spent, "1/s");
}

/* One round trip after the other, each on the next of n connections in an order that skips about. */
static void round_trips(const char *key, double length, struct tcp_pcb **pcbs, unsigned n)
{
    static const char message[MESSAGE];
    unsigned long trips = 0;
    unsigned turn = 0;
    echo = true;
    double start = cpu_seconds(), now = start;
    while (now - start < length) {
        for (int i = 0; i < 256; i++, trips++) {
            unsigned long before = answers;
            turn = (turn + 7919) % n;
            tcp_write(pcbs[turn], message, MESSAGE, TCP_WRITE_FLAG_COPY);
            tcp_output(pcbs[turn]);
            while (answers == before) {
                carry();
            }
            run_timers();
        }
        now = cpu_seconds();
    }
    figure(key, (double)trips / (now - start), "1/s");
}

int main(int argc, char **argv)
{
    static struct tcp_pcb *pcbs[IDLE + 1];
    double length = argc > 1 ? atof(argv[1]) : 1.0;
    set_up();
    listen_there();
    bulk(length);
    open_and_close(length);
    pcbs[0] = open_one();
    round_trips("core.round_trips.lwip", length, pcbs, 1);
    for (unsigned i = 1; i <= IDLE; i++) {
        pcbs[i] = open_one();
    }
    /* Its list of connections brings the one last used to the front, which helps here and not below. */
    round_trips("core.round_trips_10k_idle.lwip", length, pcbs, 1);
    round_trips("core.round_trips_among_10k.lwip", length, pcbs, IDLE);
    return 0;
}
