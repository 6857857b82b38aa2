/* SPDX-License-Identifier: MIT */
/*
 * Debian's liblwip on the same tasks as `wavehand bench`: both ends in one process and
 * on one core, in whose time all is measured, through lwIP's raw API, its fastest.
 *
 *   bench_lwip [SECONDS [full]]
 *
 * A line a figure, each of about SECONDS of the core's time; "full" adds what takes long.
 * Where the set-ups differ from ours:
 *
 * - The package is built for threads, so all of it runs under the core lock, which is
 *   taken once; the thread that would run timers waits for ever, and timers are run from
 *   here, by the real clock.
 * - lwIP has one stack a process, so both ends stand in the same lists. Two interfaces
 *   stand back to back: what one puts out is copied, as any link would, and given to the
 *   other. Checksums are made and verified (the package's default).
 * - The package's segments bear at most 1460 bytes, so there is no bulk_9000; it knows
 *   no super-segments. Window and send buffer are its own, 64 KiB.
 * - TIME-WAIT lasts two minutes of the real clock. Entries beyond those that a row wants
 *   are taken away between two rounds of it, untimed: that flatters lwIP a little.
 * - Sizes are of IPv4 connections; its records are the same for both families.
 */
#define _GNU_SOURCE
#include <malloc.h>
#include <sched.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "figure.h"
#include "lwip_stack.h"

enum {
    PORT = 5000,
    QUEUE = 32768, /* frames on their way */
    MESSAGE = 64,
    PIECE = 16384,
    IDLE = 10000,
    RECORDS = 5000, /* that a size is the mean of */
    BURST = 65536,  /* bytes each way before the rest */
    LIVES = 256,    /* lifecycles between two looks at the clock */
};

/* ------------------------------------------------------------------ link -- */

struct end {
    struct netif netif;
    struct pbuf *queue[QUEUE]; /* copies on their way to the other end */
    unsigned first, count;
};

#define REST 1.0 /* seconds */

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
static unsigned long answers;      /* bytes back at the client; of lifecycles, answers */
static bool echo;
static bool life;   /* a client says a byte when it is connected, and closes at the answer */
static bool closes; /* a client closes when it is connected */
static unsigned long connected, opened, closed;

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
        answers += life ? 1 : data->tot_len;
        tcp_recved(pcb, data->tot_len);
        pbuf_free(data);
        if (life) {
            tcp_close(pcb);
        }
    }
    return ERR_OK;
}

static err_t client_connected(void *context, struct tcp_pcb *pcb, err_t error)
{
    (void)context;
    (void)error;
    connected++;
    if (life) {
        tcp_write(pcb, "x", 1, TCP_WRITE_FLAG_COPY);
        tcp_output(pcb);
    } else if (closes) {
        tcp_close(pcb);
    }
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

static struct tcp_pcb *begin_one(void)
{
    struct tcp_pcb *pcb = tcp_new();
    tcp_bind_netif(pcb, &ends[0].netif);
    tcp_nagle_disable(pcb);
    tcp_recv(pcb, client_got);
    if (tcp_connect(pcb, &ends[1].netif.ip_addr, PORT, client_connected) != ERR_OK) {
        fprintf(stderr, "lwip_bench: cannot connect\n");
        exit(1);
    }
    opened++;
    return pcb;
}

static struct tcp_pcb *open_one(void)
{
    unsigned long before = connected;
    struct tcp_pcb *pcb = begin_one();
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

/* Leaves the newest n entries in TIME-WAIT, which stand in one list that every segment walks. */
static void trim_time_wait(unsigned n)
{
    struct tcp_pcb **link = &tcp_tw_pcbs;
    while (*link != NULL && n-- > 0) {
        link = &(*link)->next;
    }
    while (*link != NULL) {
        tcp_abort(*link);
    }
}

/* Connections whose last ACK has arrived; a turn behind those that the server has closed. */
static unsigned long over;

/* So many lives more, in_flight of them at once; whenever one is over, the next begins. */
static void live(unsigned in_flight, unsigned lives)
{
    unsigned long goal = closed + lives;
    while (closed < goal) {
        unsigned long before = closed;
        while (opened - over < in_flight) {
            begin_one();
        }
        carry();
        over = before;
        run_timers();
    }
}

/* Every other kind of row opens connections of its own, which no server closes. */
static void begin_lives(bool fully)
{
    while (carry()) {
    }
    over = closed = opened;
    life = echo = fully;
    closes = !fully;
}

static void end_lives(void)
{
    while (closed < opened) {
        carry();
    }
    while (carry()) {
    }
    life = echo = closes = false;
    trim_time_wait(0);
}

static void lifecycle(const char *key, double length, unsigned in_flight, unsigned time_wait)
{
    double spent = 0;
    unsigned long lives = 0;
    unsigned standing = 0;
    begin_lives(true);
    for (unsigned made = 0; made < time_wait; made += LIVES) {
        live(1, LIVES);
    }
    live(in_flight, in_flight); /* until as many are at each of its stages */
    while (spent < length) {
        trim_time_wait(time_wait);
        unsigned long before = closed;
        double start = cpu_seconds();
        live(in_flight, LIVES);
        spent += cpu_seconds() - start;
        lives += closed - before;
        sys_check_timeouts();
    }
    for (struct tcp_pcb *pcb = tcp_tw_pcbs; pcb != NULL; pcb = pcb->next) {
        standing++;
    }
    figure(key, (double)lives / spent, "1/s");
    fprintf(stderr, "# %s: %u in TIME-WAIT at the end\n", key, standing);
    end_lives();
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
            unsigned long goal = answers + MESSAGE;
            turn = (turn + 7919) % n;
            tcp_write(pcbs[turn], message, MESSAGE, TCP_WRITE_FLAG_COPY);
            tcp_output(pcbs[turn]);
            while (answers < goal) {
                carry();
            }
            run_timers();
        }
        now = cpu_seconds();
    }
    figure(key, (double)trips / (now - start), "1/s");
}

static void all_round_trips(double length)
{
    static struct tcp_pcb *pcbs[IDLE + 1];
    pcbs[0] = open_one();
    round_trips("core.round_trips.lwip", length, pcbs, 1);
    for (unsigned i = 1; i <= IDLE; i++) {
        pcbs[i] = open_one();
    }
    /* Its list of connections brings the one last used to the front, which helps here and not below. */
    round_trips("core.round_trips_10k_idle.lwip", length, pcbs, 1);
    round_trips("core.round_trips_among_10k.lwip", length, pcbs, IDLE);
    echo = false;
    for (unsigned i = 0; i <= IDLE; i++) {
        tcp_abort(pcbs[i]);
        carry();
    }
    while (carry()) {
    }
}

/* ------------------------------------------------------------------- sizes -- */

static size_t held_before, resident_before;

/* Bytes of this process that are in memory (RSS). */
static size_t resident(void)
{
    unsigned long pages = 0, in_memory = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (file != NULL) {
        if (fscanf(file, "%lu %lu", &pages, &in_memory) != 2) {
            in_memory = 0;
        }
        fclose(file);
    }
    return in_memory * 4096;
}

static void begin_sizes(void)
{
    malloc_trim(0);
    held_before = mallinfo2().uordblks;
    resident_before = resident();
}

/* What malloc has given out since, with what it adds itself, and what the process holds. */
static void end_sizes(const char *key, const char *key_resident, unsigned records)
{
    figure(key, (double)(mallinfo2().uordblks - held_before) / records, "bytes");
    figure(key_resident, (double)(resident() - resident_before) / records, "bytes");
}

/* Until what a delayed acknowledgement still holds is given back: lwIP's timers are real ones. */
static void rest(void)
{
    double start = seconds();
    while (seconds() - start < REST) {
        sys_msleep(10);
        sys_check_timeouts();
        while (carry()) {
        }
    }
}

static void bytes_established(void)
{
    static struct tcp_pcb *pcbs[RECORDS];
    static char burst[PIECE];
    begin_sizes();
    echo = true;
    for (unsigned i = 0; i < RECORDS; i++) {
        unsigned long goal = answers + BURST;
        pcbs[i] = open_one();
        for (unsigned sent = 0; answers < goal; carry()) {
            u16_t room = tcp_sndbuf(pcbs[i]);
            unsigned more = sent + PIECE <= BURST && room >= PIECE ? PIECE : 0;
            if (more > 0 && tcp_write(pcbs[i], burst, (u16_t)more, TCP_WRITE_FLAG_COPY) == ERR_OK) {
                sent += more;
                tcp_output(pcbs[i]);
            }
        }
        carry();
    }
    rest();
    echo = false;
    end_sizes("core.bytes_established.lwip", "core.bytes_established_rss.lwip", 2 * RECORDS);
    for (unsigned i = 0; i < RECORDS; i++) {
        tcp_abort(pcbs[i]);
        carry();
    }
}

/* The SYNs arrive, their answers are lost. */
static void bytes_half_open(void)
{
    begin_sizes();
    for (unsigned i = 0; i < RECORDS; i++) {
        struct tcp_pcb *pcb = begin_one();
        struct end *from = &ends[0], *to = &ends[1];
        struct pbuf *syn = from->queue[from->first];
        from->first = (from->first + 1) % QUEUE;
        from->count--;
        to->netif.input(syn, &to->netif);
        for (; to->count > 0; to->count--) {
            pbuf_free(to->queue[to->first]);
            to->first = (to->first + 1) % QUEUE;
        }
        tcp_abort(pcb);
        for (; from->count > 0; from->count--) { /* nor does a RST */
            pbuf_free(from->queue[from->first]);
            from->first = (from->first + 1) % QUEUE;
        }
    }
    end_sizes("core.bytes_half_open.lwip", "core.bytes_half_open_rss.lwip", RECORDS);
    while (tcp_active_pcbs != NULL) {
        tcp_abort(tcp_active_pcbs);
        carry();
    }
}

static void bytes_time_wait(void)
{
    begin_sizes();
    begin_lives(false);
    live(1, RECORDS);
    while (carry()) {
    }
    end_sizes("core.bytes_time_wait.lwip", "core.bytes_time_wait_rss.lwip", RECORDS);
    end_lives();
}

static void stay_on_one_core(void)
{
    cpu_set_t here;
    CPU_ZERO(&here);
    CPU_SET((size_t)sched_getcpu(), &here);
    if (sched_setaffinity(0, sizeof here, &here) != 0) {
        fprintf(stderr, "lwip_bench: cannot stay on one core\n");
    }
}

int main(int argc, char **argv)
{
    double length = argc > 1 ? atof(argv[1]) : 1.0;
    bool full = argc > 2 && strcmp(argv[2], "full") == 0;
    stay_on_one_core();
    set_up();
    listen_there();
    bulk(length);
    lifecycle("core.lifecycle_1.lwip", length, 1, 0);
    lifecycle("core.lifecycle_100.lwip", length, 100, 0);
    lifecycle("core.lifecycle_tw_0.lwip", length, 100, 0);
    lifecycle("core.lifecycle_tw_10k.lwip", length, 100, 10000);
    all_round_trips(length);
    if (full) { /* each segment walks a list of thousands */
        lifecycle("core.lifecycle_10k.lwip", length, 10000, 0);
        bytes_established();
        bytes_half_open();
        bytes_time_wait();
    }
    return 0;
}
