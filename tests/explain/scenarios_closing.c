/* SPDX-License-Identifier: MIT */
/* How connections end when nobody resets them, and how far they have come when the capture ends. */
#include "scenario.h"

static void four_way(struct ground *ground)
{
    struct talk *talk = talk_open(ground);
    talk_chat(ground, talk);
    enum side first = any_side(ground);
    talk->answers_eof[other(first)] =
        luck_scale(&ground->luck, 100 * WH_MILLISECOND, 10 * WH_SECOND);
    talk_close(talk, first);
    ground_pass(ground, 11 * WH_SECOND + 4 * ground->variety.rtt);
    ground_truth(ground, EVERYWHERE, "closed-four-way", true);
}

static void three_segments(struct ground *ground)
{
    struct talk *talk = talk_open(ground);
    talk_chat(ground, talk);
    enum side first = any_side(ground);
    talk->answers_eof[other(first)] = 0;
    talk_close(talk, first);
    ground_pass(ground, WH_SECOND + 4 * ground->variety.rtt);
    ground_truth(ground, EVERYWHERE, "closed-three-segments", true);
}

static void at_once(struct ground *ground)
{
    struct talk *talk = talk_open(ground);
    talk_chat(ground, talk);
    talk_close(talk, CLIENT);
    talk_close(talk, SERVER);
    ground_pass(ground, WH_SECOND + 4 * ground->variety.rtt);
    ground_truth(ground, EVERYWHERE, "closed-simultaneously", true);
}

/* The second FIN leaves while the first is still on its way. */
static void almost_at_once(struct ground *ground)
{
    struct talk *talk = talk_open(ground);
    talk_chat(ground, talk);
    enum side first = any_side(ground);
    talk_close(talk, first);
    ground_pass(ground, ground->variety.rtt / 4);
    talk_close(talk, other(first));
    ground_pass(ground, WH_SECOND + 4 * ground->variety.rtt);
    ground_truth(ground, EVERYWHERE, "closed-simultaneously", true);
}

static void half_closed(struct ground *ground, enum side first)
{
    struct talk *talk = talk_open(ground);
    talk_greet(ground, talk);
    talk_shut(talk, first);
    pause_briefly(ground);
    talk_move(ground, talk, other(first), luck_scale(&ground->luck, 100, 40000));
    pause_briefly(ground);
    talk_close(talk, other(first));
    pause_trips(ground, 3);
    talk_close(talk, first);
    ground_pass(ground, WH_SECOND + 4 * ground->variety.rtt);
    ground_truth(ground, EVERYWHERE, "half-close-respected", true);
}

static void half_closed_by_client(struct ground *ground) { half_closed(ground, CLIENT); }
static void half_closed_by_server(struct ground *ground) { half_closed(ground, SERVER); }

static void fin_lost(struct ground *ground)
{
    struct talk *talk = talk_open(ground);
    talk_chat(ground, talk);
    enum side first = any_side(ground), loser = any_side(ground);
    enum half half = any_half(ground);
    ground_fault(ground, half, "drop fin 1 from %s", side_name(loser));
    const char *end = close_in_turn(ground, talk, first);
    ground_pass(ground, 5 * WH_SECOND);
    /* It may have taken the ACK of the other's FIN along: that one comes again as well. */
    for (enum vantage at = AT_CLIENT; at <= AT_MIDDLE; at++) {
        bool again = count_flag(ground, at, CLIENT, WH_FIN) > 1 ||
                     count_flag(ground, at, SERVER, WH_FIN) > 1;
        ground_truth(ground, IN(at), again ? "fin-repeated" : end, true);
    }
    ground_truth(ground, IN(AT_BOTH), "fin-repeated", true);
}

/* Then the FIN comes twice wherever it passes. */
static void ack_of_fin_lost(struct ground *ground)
{
    struct talk *talk = talk_open(ground);
    talk_chat(ground, talk);
    enum side first = any_side(ground);
    ground_fault(ground, any_half(ground), "drop ack-of-fin 1 from %s", side_name(first));
    (void)close_in_turn(ground, talk, first);
    ground_pass(ground, 5 * WH_SECOND);
    ground_truth(ground, EVERYWHERE, "fin-repeated", true);
}

static void open_yet(struct ground *ground)
{
    struct talk *talk = talk_open(ground);
    talk_greet(ground, talk);
    pause_trips(ground, 1);
    ground_truth(ground, EVERYWHERE, "still-open", true);
}

/* In the midst of a transfer. */
static void open_and_busy(struct ground *ground)
{
    struct talk *talk = talk_open(ground);
    talk_greet(ground, talk);
    talk_send(talk, any_side(ground), luck_scale(&ground->luck, 2000, 30000));
    pause_trips(ground, 1);
    ground_truth(ground, EVERYWHERE, "still-open", true);
}

static void closing_yet(struct ground *ground)
{
    struct talk *talk = talk_open(ground);
    talk_greet(ground, talk);
    talk_close(talk, any_side(ground));
    ground_pass(ground, ground->variety.rtt * 5 / 4 + 50 * WH_MILLISECOND);
    ground_truth(ground, EVERYWHERE, "still-closing", true);
}

/* A FIN has passed everywhere and has not been acknowledged yet. */
static void closing_just_now(struct ground *ground)
{
    struct talk *talk = talk_open(ground);
    talk_greet(ground, talk);
    enum side first = any_side(ground);
    talk_close(talk, first);
    ground_pass(ground, ground->variety.rtt * 3 / 4);
    ground_truth(ground, EVERYWHERE, "still-closing", true);
}

/* A server that takes its time and answers in the end. */
static void slow_answer(struct ground *ground)
{
    struct talk *talk = talk_open(ground);
    talk_move(ground, talk, CLIENT, luck_scale(&ground->luck, 10, 1400));
    ground_pass(ground, luck_scale(&ground->luck, 3 * WH_SECOND, 60 * WH_SECOND));
    talk_move(ground, talk, SERVER, luck_scale(&ground->luck, 10, 20000));
    pause_briefly(ground);
    const char *end = close_in_order(ground, talk);
    ground_truth(ground, EVERYWHERE, end, true);
}

/* Long at rest, with probes that are answered. */
static void kept_alive(struct ground *ground)
{
    struct talk *talk = talk_open(ground);
    talk_greet(ground, talk);
    wh_conn *conn = talk->conn[any_side(ground)];
    wh_set(conn, WH_OPT_KEEPALIVE_IDLE,
           (int64_t)luck_scale(&ground->luck, 5 * WH_SECOND, 60 * WH_SECOND));
    wh_set(conn, WH_OPT_KEEPALIVE, 1);
    ground_pass(ground, luck_scale(&ground->luck, 20 * WH_SECOND, 600 * WH_SECOND));
    const char *end = close_in_order(ground, talk);
    ground_truth(ground, EVERYWHERE, end, true);
}

const struct scenario scenarios_closing[] = {
    { "slow-answer", "the server answers after a while, and all ends well", slow_answer, EITHER,
      0 },
    { "kept-alive", "probes are answered, and all ends well", kept_alive, EITHER, 0 },
    { "closed-four-way", "each program closes, the second after a while", four_way, EITHER, 0 },
    { "closed-three-segments", "the second program closes at the end of file", three_segments,
      EITHER, 0 },
    { "closed-simultaneously", "both programs close at once", at_once, EITHER, 0 },
    { "closed-almost-at-once", "the second closes before the first's FIN arrives", almost_at_once,
      FINAL, 0 },
    { "half-close-client", "the client ends its half, the server goes on and closes",
      half_closed_by_client, EITHER, 0 },
    { "half-close-server", "the server ends its half, the client goes on and closes",
      half_closed_by_server, FINAL, 0 },
    { "fin-lost", "a FIN is dropped on the path", fin_lost, EITHER, ALL_MATTERS },
    { "ack-of-fin-lost", "the last ACK is dropped on the path", ack_of_fin_lost, FINAL,
      ALL_MATTERS },
    { "still-open", "the capture ends while both are at rest", open_yet, EITHER, 0 },
    { "still-open-busy", "the capture ends in the midst of a transfer", open_and_busy, FINAL, 0 },
    { "still-closing", "the capture ends after one end has closed", closing_yet, EITHER, 0 },
    { "still-closing-just-now", "the capture ends right after a FIN", closing_just_now, FINAL, 0 },
    { 0 },
};
