/* SPDX-License-Identifier: MIT */
/*
 * bench_path_lwip: Debian's lwIP to itself over a cell's path, in virtual time. Cells come in and
 * figures go out as with bench_path_sim; cc= is ignored, lwIP has one congestion control.
 *
 * lwIP has one stack a process, so two interfaces of it stand at the ends of the path, and each
 * cell runs in a child of its own: the same cell gives the same figure, whatever ran before. Its
 * clock is ours: the program's sys_now takes the place of the library's. The library was built
 * for threads; everything runs under the core lock, and the thread that would run timers waits
 * for it for ever.
 *
 * Debian's build decides about windows: TCP_WND and TCP_SND_BUF are 65535 bytes and the window
 * scale is 1, so no more than 64 KB are ever on the way, whatever the path could hold. It
 * reads no SACK (and sends none), and its timers tick each 250 ms (TCP_TMR_INTERVAL), the slow
 * ones, retransmission among them, each 500 ms.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lwip_stack.h"
#include "outcome.h"

enum { PORT = 5001, BATCH = 64, PIECE = 16384, CORE_SECONDS = 5 };

static wh_time now = WH_SECOND;

/* Takes the place of the library's own. */
__attribute__((visibility("default"))) u32_t sys_now(void);
u32_t sys_now(void) { return (u32_t)(now / WH_MILLISECOND); }

/* ------------------------------------------------------------------ link -- */

struct end {
    struct netif netif;
    wh_direction direction; /* in which it sends */
};

static struct end ends[2];
static wh_path *path;
static uint64_t spoken; /* frames that either end sent */

static err_t put_out(struct netif *netif, struct pbuf *frame, const ip4_addr_t *to)
{
    const struct end *end = netif->state;
    static uint8_t bytes[CELL_MTU];
    (void)to;
    if (frame->tot_len > sizeof bytes)
        return ERR_BUF;
    pbuf_copy_partial(frame, bytes, frame->tot_len, 0);
    wh_frame out = { .slice = { { bytes, frame->tot_len } },
                     .slices = 1,
                     .length = frame->tot_len };
    wh_path_send(path, end->direction, &out, 1, now);
    spoken++;
    return ERR_OK;
}

/* Hands in what has arrived at one end. True if anything had. */
static bool hear(struct end *end)
{
    wh_frame frames[BATCH];
    size_t n = wh_path_receive(path, (wh_direction)!end->direction, frames, BATCH, now);
    for (size_t i = 0; i < n; i++) {
        struct pbuf *copy = pbuf_alloc(PBUF_RAW, (u16_t)frames[i].length, PBUF_RAM);
        if (copy == NULL)
            continue;
        pbuf_take(copy, frames[i].slice[0].base, (u16_t)frames[i].length);
        if (end->netif.input(copy, &end->netif) != ERR_OK)
            pbuf_free(copy);
    }
    return n > 0;
}

static void set_up(void)
{
    lwip_stack_begin();
    for (u8_t i = 0; i < 2; i++) {
        ends[i].direction = i == 0 ? WH_A_TO_B : WH_B_TO_A;
        lwip_stack_add(&ends[i].netif, i, CELL_MTU, put_out, &ends[i]);
    }
}

/* ----------------------------------------------------------- applications -- */

static struct tcp_pcb *senders[CELL_FLOWS];
static unsigned connected, accepted;
static uint64_t arrived[CELL_FLOWS];
static bool failed;

static void on_error(void *context, err_t error)
{
    (void)context;
    (void)error;
    failed = true;
}

static err_t got(void *context, struct tcp_pcb *pcb, struct pbuf *data, err_t error)
{
    (void)error;
    if (data != NULL) {
        *(uint64_t *)context += data->tot_len;
        tcp_recved(pcb, data->tot_len);
        pbuf_free(data);
    }
    return ERR_OK;
}

static err_t accepts(void *context, struct tcp_pcb *pcb, err_t error)
{
    (void)context;
    (void)error;
    if (accepted == CELL_FLOWS)
        return ERR_MEM;
    tcp_arg(pcb, &arrived[accepted++]);
    tcp_recv(pcb, got);
    return ERR_OK;
}

static err_t connects(void *context, struct tcp_pcb *pcb, err_t error)
{
    (void)context;
    (void)pcb;
    (void)error;
    connected++;
    return ERR_OK;
}

static bool open_all(const struct cell *cell)
{
    struct tcp_pcb *listener = tcp_new();
    tcp_bind(listener, &ends[1].netif.ip_addr, PORT);
    tcp_bind_netif(listener, &ends[1].netif);
    listener = tcp_listen(listener);
    tcp_accept(listener, accepts);
    for (unsigned i = 0; i < cell->flows; i++) {
        senders[i] = tcp_new();
        tcp_bind_netif(senders[i], &ends[0].netif);
        tcp_err(senders[i], on_error);
        if (tcp_connect(senders[i], &ends[1].netif.ip_addr, PORT, connects) != ERR_OK)
            return false;
    }
    return true;
}

static void fill(const struct cell *cell)
{
    static const char piece[PIECE];
    for (unsigned i = 0; i < cell->flows && !failed; i++) {
        u16_t room = 0;
        while ((room = (u16_t)LWIP_MIN(tcp_sndbuf(senders[i]), PIECE)) > 0 &&
               tcp_write(senders[i], piece, room, 0) == ERR_OK)
            ;
        tcp_output(senders[i]);
    }
}

/* ------------------------------------------------------------------- run -- */

/* All that happens at this instant; when the next thing is due. */
static wh_time settle(const struct cell *cell)
{
    uint64_t before;
    bool heard;
    do {
        before = spoken;
        heard = hear(&ends[0]);
        heard = hear(&ends[1]) || heard;
        sys_check_timeouts();
        if (connected == cell->flows)
            fill(cell);
    } while (heard || spoken != before);
    /* Its timers count whole milliseconds of the clock. */
    u32_t sleep = sys_timeouts_sleeptime();
    wh_time timer = (now / WH_MILLISECOND + (sleep > 0 ? sleep : 1)) * WH_MILLISECOND;
    wh_time arrival = wh_path_wake(path);
    return arrival < timer ? arrival : timer;
}

static struct outcome outcome;

static bool run(const struct cell *cell)
{
    const wh_time last = now + 60 * WH_SECOND;
    srand((unsigned)cell->seed);
    if (cell_path(cell, &path) != WH_OK || !open_all(cell))
        return false;
    for (wh_time next = now; connected < cell->flows || accepted < cell->flows; now = next) {
        next = settle(cell);
        if (failed || next > last)
            return false;
    }
    if (cell_impair(cell, path) != WH_OK)
        return false;
    outcome_begin(&outcome, cell, "lwip", now);
    for (;;) {
        wh_time next = settle(cell);
        memcpy(outcome.bytes, arrived, sizeof arrived);
        if (failed || outcome_over(&outcome, now))
            break;
        wh_time tick = outcome_next(&outcome);
        now = next < tick ? next : tick;
    }
    outcome.path.size = sizeof outcome.path;
    wh_path_stats_get(path, WH_A_TO_B, &outcome.path);
    outcome.core = cell_core_seconds();
    return !failed;
}

static bool run_line(char *line)
{
    struct cell cell;
    char error[200];
    int status = 1;
    line[strcspn(line, "\r\n")] = '\0';
    if (!cell_parse(&cell, line, error, sizeof error)) {
        fprintf(stderr, "bench_path_lwip: %s\n", error);
        return false;
    }
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        cell_limit_core(CORE_SECONDS);
        if (run(&cell))
            outcome_print(&outcome, line, stdout);
        else
            printf("{\"cell\": \"%s\", \"error\": \"lwIP gave up\"}\n", line);
        fflush(stdout);
        _exit(0);
    }
    return child > 0 && waitpid(child, &status, 0) == child && status == 0;
}

int main(int argc, char **argv)
{
    char line[512];
    bool fine = true;
    set_up();
    for (int i = 1; i < argc; i++)
        fine = run_line(argv[i]) && fine;
    while (argc == 1 && fine && fgets(line, sizeof line, stdin) != NULL)
        fine = run_line(line);
    return fine ? 0 : 1;
}
