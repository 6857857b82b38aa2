/* SPDX-License-Identifier: MIT */
/* TIME-WAIT: how long, and who may come back. */
#include "play.h"

/*
 * y has connected to x, and x was the first to close. Few bytes: an initial number that comes from a
 * clock is above the old numbers only if fewer bytes were sent than the clock has ticked (9293 3.4.1).
 */
static void into_time_wait(struct pair *pair)
{
    pair_open(pair, &pair->y, &pair->x);
    EXPECT(pair, end_send(&pair->y, 1, false) == 1);
    pair_receive(pair, &pair->x, 1);
    end_close(&pair->x);
    pair_end_of_file(pair, &pair->y);
    end_close(&pair->y);
    pair_states(pair, WH_TIME_WAIT, WH_CLOSED);
}

/* Ours alone: the kernel's sixty seconds are longer than this test. */
static void two_msl(struct pair *pair)
{
    end_close(&pair->x);
    pair_states(pair, WH_FIN_WAIT_2, WH_CLOSE_WAIT);
    wh_time begun = wh_clock();
    EXPECT(pair, end_shutdown(&pair->y) == 0);
    pair_states(pair, WH_TIME_WAIT, WH_CLOSED);
    pair_states(pair, WH_CLOSED, WH_CLOSED);
    EXPECT(pair, wh_clock() - begun >= 2 * WH_SECOND);
}

static void comes_back(struct pair *pair)
{
    into_time_wait(pair);
    unsigned from = pair->crossings;
    unsigned answers = pair_count(pair, &pair->x, KIND, WH_SYN | WH_ACK, 0);
    uint32_t last = pair->crossing[from - 1].segment.seq; /* x's final ACK: its SND.NXT */
    EXPECT(pair, end_connect(&pair->y, &pair->x) == 0);
    UNTIL(pair, end_connected(&pair->y) && end_accept(&pair->x) == 0);
    EXPECT(pair, pair_distinct(pair, NULL, 0, 0, from) == 3);
    uint32_t iss = pair_find(pair, &pair->x, KIND, WH_SYN | WH_ACK, answers)->segment.seq;
    EXPECT(pair, (int32_t)(iss - last) > 0);
    EXPECT(pair, end_send(&pair->y, 1000, false) == 1000);
    pair_receive(pair, &pair->x, 1000);
}

static void comes_back_without_timestamps(struct pair *pair)
{
    linux_switch("tcp_timestamps", "0");
    comes_back(pair);
    linux_switch("tcp_timestamps", "1");
}

/*
 * The one in TIME-WAIT calls from there itself. We refuse until it is over; the kernel reuses the
 * entry where both had timestamps, above the old numbers.
 */
static void calls_from_there(struct pair *pair)
{
    into_time_wait(pair);
    uint32_t last = pair->crossing[pair->crossings - 1].segment.seq; /* x's SND.NXT */
    end_unlisten(&pair->x);
    EXPECT(pair, end_listen(&pair->y, 8) == 0);
    int result = end_connect(&pair->x, &pair->y);
    if (pair->x.ours) {
        EXPECT(pair, result == WH_E_ADDRINUSE && end_state(&pair->x) == WH_TIME_WAIT);
        UNTIL(pair, end_state(&pair->x) == WH_CLOSED);
        EXPECT(pair, end_connect(&pair->x, &pair->y) == 0);
    } else {
        EXPECT(pair, result == 0);
    }
    UNTIL(pair, end_connected(&pair->x) && end_accept(&pair->y) == 0);
    const struct segment *syn = &pair_find(pair, &pair->x, KIND, WH_SYN, 0)->segment;
    EXPECT(pair, pair->x.ours || (int32_t)(syn->seq - last) > 0);
    EXPECT(pair, end_send(&pair->x, 100, false) == 100);
    pair_receive(pair, &pair->y, 100);
}

/* clang-format off */
const struct play time_wait_plays[] = {
    { "T01 MUST-13", "two MSL, then gone; the other end has none", two_msl, OURS_IS_X, true },
    { "T07 T08 MAY-2", "the peer comes back from the same port", comes_back, EITHER, false },
    { "T07 MAY-2", "... without timestamps", comes_back_without_timestamps, EITHER, false },
    { "T13", "an active open from there", calls_from_there, EITHER, false },
    { 0 },
};
/* clang-format on */
