/* SPDX-License-Identifier: MIT */
/* Handshakes, what may be lost of them, and who will not have one. */
#define _GNU_SOURCE
#include "play.h"

#include <netinet/tcp.h>
#include <stdio.h>

/* A few bytes each way, to see that numbers agree. */
static void exchange(struct pair *pair)
{
    uint64_t x = pair->x.received + 100, y = pair->y.received + 100;
    EXPECT(pair, end_send(&pair->x, 100, false) == 100 && end_send(&pair->y, 100, false) == 100);
    pair_receive(pair, &pair->x, x);
    pair_receive(pair, &pair->y, y);
}

static void three_segments(struct pair *pair)
{
    pair_open(pair, &pair->x, &pair->y);
    pair_states(pair, WH_ESTABLISHED, WH_ESTABLISHED);
    EXPECT(pair, pair_distinct(pair, NULL, 0, 0, 0) == 3);
    const struct segment *syn = &pair_find(pair, &pair->x, KIND, WH_SYN, 0)->segment;
    const struct segment *answer = &pair_find(pair, &pair->y, KIND, WH_SYN | WH_ACK, 0)->segment;
    const struct segment *ack = &pair_find(pair, &pair->x, KIND, WH_ACK, 0)->segment;
    EXPECT(pair, (syn->options.has & WH_HAS_MSS) && syn->length == 0);
    EXPECT(pair, (answer->options.has & WH_HAS_MSS) && answer->ack == syn->seq + 1);
    EXPECT(pair, ack->seq == syn->seq + 1 && ack->ack == answer->seq + 1);
    exchange(pair);
    EXPECT(pair, pair_find(pair, &pair->x, KIND, WH_ACK, 1)->segment.seq == syn->seq + 1);
}

/* The third ACK is lost, or never was: data bears it. */
static void third_bears_data(struct pair *pair)
{
    pair_fault(
        pair,
        (struct fault){ .from = &pair->x, .mask = KIND, .want = WH_ACK, .bare = true, .times = 1 });
    EXPECT(pair, end_listen(&pair->y, 8) == 0 && end_connect(&pair->x, &pair->y) == 0);
    UNTIL(pair, end_connected(&pair->x) && end_state(&pair->y) == WH_SYN_RECEIVED);
    EXPECT(pair, end_accept(&pair->y) == WH_E_AGAIN);
    EXPECT(pair, end_send(&pair->x, 100, false) == 100);
    UNTIL(pair, end_accept(&pair->y) == 0);
    pair_receive(pair, &pair->y, 100);
    pair_states(pair, WH_ESTABLISHED, WH_ESTABLISHED);
    EXPECT(pair, pair_count(pair, &pair->y, WH_RST, WH_RST, 0) == 0);
}

static void third_bears_fin(struct pair *pair)
{
    pair_fault(pair,
               (struct fault){ .from = &pair->x, .mask = KIND, .want = WH_ACK, .bare = true });
    EXPECT(pair, end_listen(&pair->y, 8) == 0 && end_connect(&pair->x, &pair->y) == 0);
    UNTIL(pair, end_connected(&pair->x));
    EXPECT(pair, end_send(&pair->x, 100, true) == 100 && end_shutdown(&pair->x) == 0);
    UNTIL(pair, end_accept(&pair->y) == 0);
    pair_receive(pair, &pair->y, 100);
    pair_end_of_file(pair, &pair->y);
    EXPECT(pair, pair_find(pair, &pair->x, WH_FIN, WH_FIN, 0)->segment.length == 100);
    EXPECT(pair, end_state(&pair->y) == WH_CLOSE_WAIT);
}

/* A second passes between one and the next (less what the first waited to be seen), and the number is
 * the same. */
static void check_repeat(struct pair *pair, const struct end *end, uint16_t flags)
{
    const struct crossing *first = pair_find(pair, end, KIND, flags, 0);
    const struct crossing *again = pair_find(pair, end, KIND, flags, 1);
    EXPECT(pair, again->segment.seq == first->segment.seq);
    EXPECT(pair, again->time - first->time > 700 * WH_MILLISECOND);
}

static void syn_is_lost(struct pair *pair)
{
    pair_fault(pair, (struct fault){ .from = &pair->x, .mask = KIND, .want = WH_SYN, .times = 1 });
    pair_open(pair, &pair->x, &pair->y);
    check_repeat(pair, &pair->x, WH_SYN);
    exchange(pair);
}

/* Then the first data waits three seconds for its ACK, there being no better estimate (6298 5.7). */
static void syn_is_lost_and_data(struct pair *pair)
{
    linux_switch("tcp_timestamps", "0");
    pair_fault(pair, (struct fault){ .from = &pair->x, .mask = KIND, .want = WH_SYN, .times = 1 });
    pair_open(pair, &pair->x, &pair->y);
    linux_switch("tcp_timestamps", "1");
    pair_fault(pair, (struct fault){ .from = &pair->x, .data = true, .times = 1 });
    EXPECT(pair, end_send(&pair->x, 100, false) == 100);
    pair_receive(pair, &pair->y, 100);
    wh_time first = pair_find(pair, &pair->x, KIND, WH_ACK, 1)->time;
    wh_time again = pair_find(pair, &pair->x, KIND, WH_ACK, 2)->time;
    EXPECT(pair, again - first > 2700 * WH_MILLISECOND);
}

/* Either end may be the one that says it again: whichever comes first, one connection comes of it. */
static void syn_ack_is_lost(struct pair *pair)
{
    pair_fault(pair, (struct fault){
                         .from = &pair->y, .mask = KIND, .want = WH_SYN | WH_ACK, .times = 1 });
    pair_open(pair, &pair->x, &pair->y);
    check_repeat(pair, &pair->y, WH_SYN | WH_ACK);
    exchange(pair);
    struct end second = pair->y;
    EXPECT(pair, end_accept(&second) == WH_E_AGAIN);
    EXPECT(pair, pair_count(pair, &pair->y, WH_RST, WH_RST, 0) == 0);
}

static void third_is_lost(struct pair *pair)
{
    pair_fault(pair, (struct fault){ .from = &pair->x, .mask = KIND, .want = WH_ACK, .times = 1 });
    pair_open(pair, &pair->x, &pair->y);
    check_repeat(pair, &pair->y, WH_SYN | WH_ACK);
    EXPECT(pair, pair_count(pair, &pair->x, KIND, WH_ACK, 0) == 2);
    exchange(pair);
}

static void third_comes_twice(struct pair *pair)
{
    pair_fault(pair,
               (struct fault){
                   .from = &pair->x, .mask = KIND, .want = WH_ACK, .times = 1, .twice = true });
    pair_open(pair, &pair->x, &pair->y);
    pair_states(pair, WH_ESTABLISHED, WH_ESTABLISHED);
    pair_move(pair);
    EXPECT(pair, pair_count(pair, &pair->y, KIND, WH_ACK, 0) == 0);
    exchange(pair);
}

/* ----------------------------------------------------- simultaneous open -- */

/* Both SYNs leave before either arrives: the kernel's waits in the device while ours goes out. */
static void cross(struct pair *pair)
{
    EXPECT(pair, end_connect(&pair->x, &pair->y) == 0 && end_connect(&pair->y, &pair->x) == 0);
    UNTIL(pair, end_connected(&pair->x) && end_connected(&pair->y));
    const struct segment *x = &pair_find(pair, &pair->x, KIND, WH_SYN, 0)->segment;
    const struct segment *y = &pair_find(pair, &pair->y, KIND, WH_SYN, 0)->segment;
    EXPECT(pair, pair_find(pair, &pair->x, KIND, WH_SYN | WH_ACK, 0)->segment.seq == x->seq);
    EXPECT(pair, pair_find(pair, &pair->y, KIND, WH_SYN | WH_ACK, 0)->segment.seq == y->seq);
    EXPECT(pair, pair_count(pair, &pair->x, WH_RST, WH_RST, 0) == 0);
    EXPECT(pair, pair_count(pair, &pair->y, WH_RST, WH_RST, 0) == 0);
    exchange(pair);
}

static void crossing_syn_acks_lost(struct pair *pair)
{
    pair_fault(pair, (struct fault){
                         .from = &pair->x, .mask = KIND, .want = WH_SYN | WH_ACK, .times = 1 });
    pair_fault(pair, (struct fault){
                         .from = &pair->y, .mask = KIND, .want = WH_SYN | WH_ACK, .times = 1 });
    cross(pair);
}

/* ------------------------------------------------------ refused, rebooted -- */

static void refused(struct pair *pair)
{
    EXPECT(pair, end_listen(&pair->y, 8) == 0);
    end_unlisten(&pair->y);
    EXPECT(pair, end_connect(&pair->x, &pair->y) == 0);
    UNTIL(pair, end_read(&pair->x) != WH_E_AGAIN && pair->x.result != WH_E_NOTCONN);
    EXPECT(pair, pair->x.result == WH_E_CONNREFUSED);
    const struct segment *syn = &pair_find(pair, &pair->x, KIND, WH_SYN, 0)->segment;
    const struct segment *reset = &pair_find(pair, &pair->y, KIND, WH_RST | WH_ACK, 0)->segment;
    EXPECT(pair, reset->seq == 0 && reset->ack == syn->seq + 1);
    EXPECT(pair, pair_distinct(pair, NULL, 0, 0, 0) == 2);
}

/* x loses its memory and connects from the same port: challenge, reset, and a new connection. */
static void rebooted(struct pair *pair)
{
    exchange(pair);
    end_forget(&pair->x);
    EXPECT(pair, end_connect(&pair->x, &pair->y) == 0);
    UNTIL(pair, end_read(&pair->y) != WH_E_AGAIN);
    EXPECT(pair, pair->y.result == WH_E_CONNRESET);
    EXPECT(pair, pair_count(pair, &pair->x, KIND, WH_RST, 0) == 1);
    end_close(&pair->y);
    UNTIL(pair, end_connected(&pair->x) && end_accept(&pair->y) == 0);
    exchange(pair);
}

static void rebooted_and_spoken_to(struct pair *pair)
{
    end_forget(&pair->x);
    EXPECT(pair, end_send(&pair->y, 100, false) == 100);
    UNTIL(pair, end_read(&pair->y) != WH_E_AGAIN);
    EXPECT(pair, pair->y.result == WH_E_CONNRESET && end_send(&pair->y, 1, false) < 0);
    EXPECT(pair, pair_count(pair, &pair->x, KIND, WH_RST, 0) == 1);
}

/* --------------------------------------------------------------- options -- */

static void switch_linux(unsigned without)
{
    linux_switch("tcp_timestamps", without & 1 ? "0" : "1");
    linux_switch("tcp_sack", without & 2 ? "0" : "1");
    linux_switch("tcp_window_scaling", without & 4 ? "0" : "1");
}

static void check_agreed(struct pair *pair, unsigned without)
{
    const struct end *linux_ = pair->x.ours ? &pair->y : &pair->x;
    const struct end *ours = pair->x.ours ? &pair->x : &pair->y;
    struct tcp_info theirs = { 0 };
    wh_info info = { .size = sizeof info };
    socklen_t length = sizeof theirs;
    wh_info_get(ours->conn, &info);
    EXPECT(pair, getsockopt(linux_->fd, IPPROTO_TCP, TCP_INFO, &theirs, &length) == 0);
    EXPECT(pair, info.timestamps == !(without & 1) && info.sack == !(without & 2) &&
                     info.window_scaling == !(without & 4));
    EXPECT(pair, ((theirs.tcpi_options & TCPI_OPT_TIMESTAMPS) != 0) == info.timestamps);
    EXPECT(pair, ((theirs.tcpi_options & TCPI_OPT_SACK) != 0) == info.sack);
    EXPECT(pair, ((theirs.tcpi_options & TCPI_OPT_WSCALE) != 0) == info.window_scaling);
}

/* Each end without each set of them: what both have is used, and only that. */
static void options(struct pair *pair)
{
    for (unsigned sets = 0; sets < 64; sets++) {
        unsigned linux_ = sets & 7, ours = sets >> 3;
        switch_linux(linux_);
        wh_stack_set(pair->host, WH_OPT_TIMESTAMPS, !(ours & 1));
        wh_stack_set(pair->host, WH_OPT_SACK, !(ours & 2));
        wh_stack_set(pair->host, WH_OPT_WINDOW_SCALING, !(ours & 4));
        pair_open(pair, &pair->x, &pair->y);
        switch_linux(0);
        check_agreed(pair, linux_ | ours);
        exchange(pair);
        end_abort(&pair->x);
        UNTIL(pair, end_read(&pair->y) != WH_E_AGAIN);
        end_close(&pair->y);
    }
}

static uint32_t longest(const struct pair *pair, bool ours)
{
    uint32_t most = 0;
    for (unsigned i = 0; i < pair->crossings; i++)
        if (pair->crossing[i].ours == ours && pair->crossing[i].segment.length > most)
            most = pair->crossing[i].segment.length;
    return most;
}

/* Each end announces a small MSS, and the other counts its options into it (9293 3.7.1). */
static void small_segments(struct pair *pair)
{
    const int mss = 600, own = 500;
    struct end *client = &pair->x, *server = &pair->y;
    wh_stack_set(pair->host, WH_OPT_MSS, own);
    EXPECT(pair, end_listen(server, 8) == 0);
    int fd = client->ours ? server->listening : 0;
    if (fd != 0)
        EXPECT(pair, setsockopt(fd, IPPROTO_TCP, TCP_MAXSEG, &mss, sizeof mss) == 0);
    pair_open(pair, client, server);
    EXPECT(pair,
           end_send(client, 20000, false) == 20000 && end_send(server, 20000, false) == 20000);
    pair_receive(pair, client, 20000);
    pair_receive(pair, server, 20000);
    EXPECT(pair, longest(pair, false) == (uint32_t)own - 12);
    EXPECT(pair, longest(pair, true) <= (uint32_t)mss - 12);
}

static void explicit_congestion(struct pair *pair)
{
    static const char *const ways[] = { "1", "3", "4", "5" }; /* from 6.18 on also Accurate ECN */
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        if (!linux_switch("tcp_ecn", ways[i]))
            continue;
        pair_open(pair, &pair->x, &pair->y);
        linux_switch("tcp_ecn", "2");
        exchange(pair);
        EXPECT(pair, pair_count(pair, &pair->y, WH_RST, WH_RST, 0) == 0);
        end_abort(&pair->x);
        UNTIL(pair, end_read(&pair->y) != WH_E_AGAIN);
        end_close(&pair->y);
        pair->crossings = 0;
    }
}

/* ------------------------------------------------------------- the queue -- */

static void cookies(struct pair *pair)
{
    EXPECT(pair, linux_switch("tcp_syncookies", "2")); /* always */
    pair_open(pair, &pair->x, &pair->y);
    linux_switch("tcp_syncookies", "1");
    exchange(pair);
}

/* More clients than the queue has room for; none is reset, all come through after accept. */
static void full_queue(struct pair *pair)
{
    struct end accepted[CROWD];
    unsigned n = 0;
    linux_switch("tcp_syncookies", "0"); /* else a flood is suspected */
    EXPECT(pair, end_listen(&pair->y, 1) == 0);
    for (unsigned i = 0; i < CROWD; i++)
        EXPECT(pair, end_connect(&pair->crowd[i], &pair->y) == 0);
    UNTIL(pair, end_connected(&pair->crowd[0]));
    while (n < CROWD) {
        UNTIL(pair, end_accept(&pair->y) == 0);
        accepted[n++] = pair->y;
    }
    for (unsigned i = 0; i < CROWD; i++) {
        UNTIL(pair, end_connected(&pair->crowd[i]));
        EXPECT(pair, pair_count(pair, &pair->crowd[i], WH_RST, WH_RST, 0) == 0);
    }
    EXPECT(pair, pair_count(pair, &pair->y, WH_RST, WH_RST, 0) == 0);
    for (unsigned i = 0; i < CROWD; i++)
        end_abort(&accepted[i]);
    pair->y.fd = 0;
    pair->y.conn = NULL;
    linux_switch("tcp_syncookies", "1");
}

static void listener_closed_over_it(struct pair *pair)
{
    EXPECT(pair, end_listen(&pair->y, 8) == 0 && end_connect(&pair->x, &pair->y) == 0);
    UNTIL(pair, end_connected(&pair->x) && end_state(&pair->y) == WH_ESTABLISHED);
    end_unlisten(&pair->y);
    UNTIL(pair, end_read(&pair->x) != WH_E_AGAIN);
    EXPECT(pair, pair->x.result == WH_E_CONNRESET);
}

static void listening_twice(struct pair *pair)
{
    struct end second = pair->y;
    second.listening = 0;
    second.listener = NULL;
    EXPECT(pair, end_listen(&second, 8) == WH_E_ADDRINUSE);
    exchange(pair);
}

/* clang-format off */
const struct play opening_plays[] = {
    { "H01 H02 H03 H04", "three segments", three_segments, EITHER, false },
    { "H05 H06", "the third ACK is lost, data bears the next", third_bears_data, EITHER, false },
    { "H07 C08 C27", "the third ACK comes with data and FIN", third_bears_fin, EITHER, false },
    { "H08", "the SYN is lost", syn_is_lost, EITHER, false },
    { "H15", "the SYN is lost, and the first data", syn_is_lost_and_data, OURS_IS_X, false },
    { "H10 H12", "the SYN,ACK is lost", syn_ack_is_lost, EITHER, false },
    { "H10 H13", "the third ACK is lost, nothing follows", third_is_lost, EITHER, false },
    { "H14", "the third ACK comes twice", third_comes_twice, EITHER, false },
    { "H20 H21 MUST-10", "both connect at once", cross, EITHER, false },
    { "H22 MUST-10", "both connect at once, both SYN,ACKs are lost", crossing_syn_acks_lost, EITHER, false },
    { "R01 R05 E08", "nobody listens any more", refused, EITHER, false },
    { "D12", "x rebooted, and connects again from its port", rebooted, EITHER, true },
    { "D13", "x rebooted, and is spoken to", rebooted_and_spoken_to, EITHER, true },
    { "O04 O05 O06 O14", "timestamps, SACK, window scaling: each end with and without each", options, EITHER, false },
    { "O02", "a small MSS", small_segments, EITHER, false },
    { "O10", "Linux asks for ECN", explicit_congestion, LINUX_IS_X, false },
    { "B02", "Linux answers with cookies", cookies, OURS_IS_X, false },
    { "B01", "a full accept queue", full_queue, EITHER, false },
    { "B05", "the listener closes over a connection not accepted", listener_closed_over_it, EITHER, false },
    { "B06", "a second listener on the port", listening_twice, EITHER, true },
    { 0 },
};
/* clang-format on */
