/* SPDX-License-Identifier: MIT */
/* Ends that are not a close: aborts, silence; shut windows; and what stays behind. */
#include "play.h"

/* ---------------------------------------------------------------- aborts -- */

static void hears_of_a_reset(struct pair *pair, struct end *end)
{
    UNTIL(pair, end_read(end) != WH_E_AGAIN);
    EXPECT(pair, end->result == WH_E_CONNRESET);
    EXPECT(pair, end_send(end, 1, false) < 0);
}

static void aborted(struct pair *pair)
{
    end_abort(&pair->x);
    hears_of_a_reset(pair, &pair->y);
    pair_states(pair, WH_CLOSED, WH_CLOSED);
    EXPECT(pair, pair_count(pair, &pair->x, WH_RST, WH_RST, 0) == 1);
    EXPECT(pair, pair_count(pair, &pair->y, WH_RST, WH_RST, 0) == 0);
}

static void lingering_zero(struct pair *pair)
{
    pair_fault(pair, (struct fault){ .from = &pair->x, .data = true });
    EXPECT(pair, end_send(&pair->x, 100, false) == 100);
    end_close_lingering_zero(&pair->x);
    hears_of_a_reset(pair, &pair->y);
    EXPECT(pair, pair->y.received == 0);
    EXPECT(pair, pair_count(pair, &pair->x, WH_FIN, WH_FIN, 0) == 0);
}

static void aborted_in_fin_wait_2(struct pair *pair)
{
    EXPECT(pair, end_shutdown(&pair->x) == 0);
    pair_states(pair, WH_FIN_WAIT_2, WH_CLOSE_WAIT);
    end_abort(&pair->x);
    pair_states(pair, WH_CLOSED, WH_CLOSED);
    EXPECT(pair, pair_count(pair, &pair->x, WH_RST, WH_RST, 0) == 1);
    EXPECT(pair, end_send(&pair->y, 1, false) < 0);
}

static void aborted_in_close_wait(struct pair *pair)
{
    EXPECT(pair, end_shutdown(&pair->y) == 0);
    pair_states(pair, WH_CLOSE_WAIT, WH_FIN_WAIT_2);
    end_abort(&pair->x);
    hears_of_a_reset(pair, &pair->y);
    pair_states(pair, WH_CLOSED, WH_CLOSED);
}

static void aborted_in_last_ack(struct pair *pair)
{
    EXPECT(pair, end_shutdown(&pair->y) == 0);
    pair_states(pair, WH_CLOSE_WAIT, WH_FIN_WAIT_2);
    pair_fault(pair, (struct fault){ .from = &pair->x, .mask = WH_FIN, .want = WH_FIN });
    EXPECT(pair, end_shutdown(&pair->x) == 0);
    pair_states(pair, WH_LAST_ACK, WH_FIN_WAIT_2);
    end_abort(&pair->x);
    pair_states(pair, WH_CLOSED, WH_FIN_WAIT_2);
    EXPECT(pair, pair_count(pair, &pair->x, WH_RST, WH_RST, 0) == 0);
}

static void unread(struct pair *pair)
{
    EXPECT(pair, end_send(&pair->y, 100, false) == 100);
    unsigned from = pair->crossings;
    UNTIL(pair, pair_count(pair, &pair->x, KIND, WH_ACK, from) > 0);
    end_close(&pair->x);
    hears_of_a_reset(pair, &pair->y);
    EXPECT(pair, pair_count(pair, &pair->x, WH_FIN, WH_FIN, 0) == 0);
}

static void spoken_to_after_close(struct pair *pair)
{
    end_close(&pair->x);
    pair_states(pair, WH_FIN_WAIT_2, WH_CLOSE_WAIT);
    EXPECT(pair, end_send(&pair->y, 100, false) == 100);
    pair_states(pair, WH_CLOSED, WH_CLOSED);
    EXPECT(pair, pair_count(pair, &pair->x, WH_RST, WH_RST, 0) == 1);
    EXPECT(pair, end_send(&pair->y, 1, false) < 0);
}

/* --------------------------------------------------------------- silence -- */

static void cut(struct pair *pair)
{
    pair_fault(pair, (struct fault){ .from = &pair->x });
    pair_fault(pair, (struct fault){ .from = &pair->y });
}

static void nobody_answers(struct pair *pair)
{
    end_give_up_soon(&pair->x);
    cut(pair);
    EXPECT(pair, end_send(&pair->x, 100, false) == 100);
    UNTIL(pair, end_read(&pair->x) != WH_E_AGAIN);
    EXPECT(pair, pair->x.result == WH_E_TIMEDOUT);
    EXPECT(pair, end_state(&pair->y) == WH_ESTABLISHED);
}

static void nobody_answers_the_fin(struct pair *pair)
{
    end_give_up_soon(&pair->x);
    cut(pair);
    EXPECT(pair, end_shutdown(&pair->x) == 0);
    UNTIL(pair, end_read(&pair->x) != WH_E_AGAIN);
    EXPECT(pair, pair->x.result == WH_E_TIMEDOUT);
    pair_states(pair, WH_CLOSED, WH_ESTABLISHED);
    EXPECT(pair, pair_count(pair, &pair->x, WH_FIN, WH_FIN, 0) >= 2);
}

/* Probes stand one below what has been acknowledged; those of x alone, y has nothing to say. */
static unsigned probes(struct pair *pair, unsigned from)
{
    unsigned count = 0;
    uint32_t fin = pair_find(pair, &pair->x, WH_FIN, WH_FIN, 0)->segment.seq;
    for (unsigned i = from; i < pair->crossings; i++)
        count += pair->crossing[i].ours == pair->x.ours && pair->crossing[i].segment.seq == fin;
    return count;
}

static void kept_alive(struct pair *pair)
{
    EXPECT(pair, end_shutdown(&pair->x) == 0);
    pair_states(pair, WH_FIN_WAIT_2, WH_CLOSE_WAIT);
    unsigned from = pair->crossings;
    end_keep_alive(&pair->x);
    UNTIL(pair, probes(pair, from) >= 2);
    UNTIL(pair, pair_count(pair, &pair->y, KIND, WH_ACK, from) >= 2);
    pair_states(pair, WH_FIN_WAIT_2, WH_CLOSE_WAIT);
    cut(pair);
    UNTIL(pair, end_read(&pair->x) != WH_E_AGAIN);
    EXPECT(pair, pair->x.result == WH_E_TIMEDOUT && probes(pair, from) >= 4);
}

/* The kernel's probes, in CLOSE-WAIT, and ours: the end that has not closed asks. */
static void kept_alive_in_close_wait(struct pair *pair)
{
    EXPECT(pair, end_shutdown(&pair->y) == 0);
    pair_states(pair, WH_CLOSE_WAIT, WH_FIN_WAIT_2);
    unsigned from = pair->crossings;
    end_keep_alive(&pair->x);
    UNTIL(pair, pair_count(pair, &pair->x, KIND, WH_ACK, from) >= 2);
    UNTIL(pair, pair_count(pair, &pair->y, KIND, WH_ACK, from) >= 2);
    pair_states(pair, WH_CLOSE_WAIT, WH_FIN_WAIT_2);
}

static void an_orphan_waits_no_longer(struct pair *pair)
{
    end_short_fin_wait_2(&pair->x);
    end_close(&pair->x);
    pair_states(pair, WH_FIN_WAIT_2, WH_CLOSE_WAIT);
    pair_states(pair, WH_CLOSED, WH_CLOSE_WAIT);
    EXPECT(pair, end_shutdown(&pair->y) == 0);
    UNTIL(pair, pair_count(pair, &pair->x, WH_RST, WH_RST, 0) == 1);
    pair_states(pair, WH_CLOSED, WH_CLOSED);
}

/* --------------------------------------------------------------- windows -- */

static bool window_shut(const struct pair *pair, const struct end *end)
{
    for (unsigned i = 0; i < pair->crossings; i++) {
        const struct crossing *crossing = &pair->crossing[i];
        if (crossing->ours == end->ours && (crossing->segment.flags & KIND) == WH_ACK &&
            crossing->segment.window == 0)
            return true;
    }
    return false;
}

/* y reads nothing until its window is shut; x has sent all that it may and a FIN is behind it. */
static void behind_a_shut_window(struct pair *pair)
{
    EXPECT(pair, end_listen(&pair->y, 8) == 0);
    end_small_buffer(&pair->y);
    pair_open(pair, &pair->x, &pair->y);
    for (unsigned i = 0; i < 4; i++)
        EXPECT(pair, end_send(&pair->x, 50000, false) == 50000);
    end_close(&pair->x);
    UNTIL(pair, window_shut(pair, &pair->y));
    EXPECT(pair, end_state(&pair->x) == WH_FIN_WAIT_1 && end_state(&pair->y) == WH_ESTABLISHED);
    unsigned from = pair->crossings;
    UNTIL(pair, pair_count(pair, &pair->x, KIND, WH_ACK, from) >= 2); /* probes */
    pair_receive(pair, &pair->y, 200000);
    pair_end_of_file(pair, &pair->y);
    EXPECT(pair, end_shutdown(&pair->y) == 0);
    pair_states(pair, WH_TIME_WAIT, WH_CLOSED);
}

/* Just so much data that only the FIN waits before the shut window. */
static void only_the_fin_is_left(struct pair *pair)
{
    EXPECT(pair, end_listen(&pair->y, 8) == 0);
    end_small_buffer(&pair->y);
    pair_open(pair, &pair->x, &pair->y);
    while (!window_shut(pair, &pair->y)) {
        int64_t n = end_send(&pair->x, 1000, false);
        EXPECT(pair, n > 0);
        uint64_t sent = pair->x.sent;
        const struct segment *syn = &pair_find(pair, &pair->x, KIND, WH_SYN, 0)->segment;
        uint32_t all = syn->seq + 1 + (uint32_t)sent;
        UNTIL(pair, window_shut(pair, &pair->y) ||
                        pair->crossing[pair->crossings - 1].segment.ack == all);
    }
    EXPECT(pair, end_shutdown(&pair->x) == 0);
    pair_move(pair);
    uint64_t all = pair->x.sent;
    pair_receive(pair, &pair->y, all);
    pair_end_of_file(pair, &pair->y);
    pair_states(pair, WH_FIN_WAIT_2, WH_CLOSE_WAIT);
}

/* clang-format off */
const struct play ending_plays[] = {
    { "A01 A07 R10", "abort", aborted, EITHER, true },
    { "A03", "linger of zero", lingering_zero, EITHER, true },
    { "A01 R10", "abort in FIN-WAIT-2", aborted_in_fin_wait_2, EITHER, true },
    { "A01 A07 R10", "abort in CLOSE-WAIT", aborted_in_close_wait, EITHER, true },
    { "A02", "abort in LAST-ACK", aborted_in_last_ack, EITHER, true },
    { "A04", "close over unread data", unread, EITHER, true },
    { "A05 A06", "data after close", spoken_to_after_close, EITHER, true },
    { "E09 A07 MUST-20", "nobody answers", nobody_answers, EITHER, true },
    { "C12 MUST-20", "nobody answers the FIN", nobody_answers_the_fin, EITHER, true },
    { "C29 MUST-24 MUST-27", "keep-alive in FIN-WAIT-2: answered, then not", kept_alive, EITHER, true },
    { "C29", "keep-alive in CLOSE-WAIT", kept_alive_in_close_wait, EITHER, true },
    { "C28", "closed, and the peer never closes", an_orphan_waits_no_longer, EITHER, true },
    { "C18 C30 MUST-36", "closed with data unsent before a shut window", behind_a_shut_window, EITHER, false },
    { "C17 C31", "only the FIN is left before a shut window", only_the_fin_is_left, EITHER, false },
    { 0 },
};
/* clang-format on */
