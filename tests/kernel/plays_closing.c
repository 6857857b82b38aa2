/* SPDX-License-Identifier: MIT */
/* The four-way close, in every order, and what may be lost of it. */
#include "play.h"

#define FIN_ACK (WH_FIN | WH_ACK)

static uint32_t fin_seq(struct pair *pair, const struct end *end, unsigned number)
{
    const struct segment *fin = &pair_find(pair, end, WH_FIN, WH_FIN, number)->segment;
    return fin->seq + fin->length;
}

/* x shuts down, then y; states, ends of file, and four segments. */
static void four_segments(struct pair *pair)
{
    unsigned from = pair->crossings;
    EXPECT(pair, end_shutdown(&pair->x) == 0);
    pair_states(pair, WH_FIN_WAIT_2, WH_CLOSE_WAIT);
    pair_end_of_file(pair, &pair->y);
    EXPECT(pair, end_read(&pair->x) == WH_E_AGAIN);
    EXPECT(pair, pair_count(pair, &pair->y, WH_FIN, WH_FIN, 0) == 0);
    EXPECT(pair, end_shutdown(&pair->y) == 0);
    pair_states(pair, WH_TIME_WAIT, WH_CLOSED);
    pair_end_of_file(pair, &pair->x);
    EXPECT(pair, pair_distinct(pair, NULL, 0, 0, from) == 4);
    EXPECT(pair, pair_distinct(pair, &pair->x, KIND, FIN_ACK, from) == 1);
    EXPECT(pair, pair_distinct(pair, &pair->y, KIND, FIN_ACK, from) == 1);
    const struct segment *last = &pair->crossing[pair->crossings - 1].segment;
    EXPECT(pair, last->seq == fin_seq(pair, &pair->x, 0) + 1);
    EXPECT(pair, last->ack == fin_seq(pair, &pair->y, 0) + 1);
}

/* The same by close(); the one that was connected to closes first. */
static void closed_by_the_server(struct pair *pair)
{
    pair_open(pair, &pair->y, &pair->x);
    end_unlisten(&pair->x);
    end_close(&pair->x);
    pair_states(pair, WH_FIN_WAIT_2, WH_CLOSE_WAIT);
    end_close(&pair->y);
    pair_states(pair, WH_TIME_WAIT, WH_CLOSED);
    EXPECT(pair, pair_count(pair, &pair->x, WH_RST, WH_RST, 0) == 0);
    EXPECT(pair, pair_count(pair, &pair->y, WH_RST, WH_RST, 0) == 0);
}

/* y ends in the same moment that it hears of x's end: its ACK rides on its FIN. */
static void in_three(struct pair *pair)
{
    unsigned from = pair->crossings;
    EXPECT(pair, end_shutdown(&pair->x) == 0);
    pair_in(pair);
    EXPECT(pair, end_read(&pair->y) == 0 && end_shutdown(&pair->y) == 0);
    pair_states(pair, WH_TIME_WAIT, WH_CLOSED);
    EXPECT(pair, pair_distinct(pair, NULL, 0, 0, from) == 3);
    pair_end_of_file(pair, &pair->x);
}

static void closed_with_data_queued(struct pair *pair)
{
    EXPECT(pair, end_send(&pair->x, 50000, false) == 50000);
    end_close(&pair->x);
    pair_receive(pair, &pair->y, 50000);
    pair_end_of_file(pair, &pair->y);
    const struct segment *syn = &pair_find(pair, &pair->x, KIND, WH_SYN, 0)->segment;
    EXPECT(pair, fin_seq(pair, &pair->x, 0) == syn->seq + 1 + 50000);
    EXPECT(pair, end_shutdown(&pair->y) == 0);
    pair_states(pair, WH_TIME_WAIT, WH_CLOSED);
}

static void fin_on_data(struct pair *pair)
{
    EXPECT(pair, end_send(&pair->x, 100, true) == 100 && end_shutdown(&pair->x) == 0);
    pair_receive(pair, &pair->y, 100);
    pair_end_of_file(pair, &pair->y);
    EXPECT(pair, pair_find(pair, &pair->x, WH_FIN, WH_FIN, 0)->segment.length == 100);
    pair_states(pair, WH_FIN_WAIT_2, WH_CLOSE_WAIT);
}

/* Both FINs leave before either arrives, each behind data. */
static void both_at_once(struct pair *pair)
{
    EXPECT(pair,
           end_send(&pair->x, 1000, false) == 1000 && end_send(&pair->y, 1000, false) == 1000);
    EXPECT(pair, end_shutdown(&pair->x) == 0 && end_shutdown(&pair->y) == 0);
    pair_out(pair);
    pair_receive(pair, &pair->x, 1000);
    pair_receive(pair, &pair->y, 1000);
    pair_end_of_file(pair, &pair->x);
    pair_end_of_file(pair, &pair->y);
    pair_states(pair, WH_TIME_WAIT, WH_TIME_WAIT);
    /* Neither FIN acknowledges the other. */
    EXPECT(pair, pair_find(pair, &pair->x, WH_FIN, WH_FIN, 0)->segment.ack !=
                     fin_seq(pair, &pair->y, 0) + 1);
    EXPECT(pair, pair_find(pair, &pair->y, WH_FIN, WH_FIN, 0)->segment.ack !=
                     fin_seq(pair, &pair->x, 0) + 1);
}

/* ... and x's is lost: y is in FIN-WAIT-2 or on the way, x in CLOSING, until it comes again. */
static void both_at_once_one_lost(struct pair *pair)
{
    pair_fault(pair,
               (struct fault){ .from = &pair->x, .mask = WH_FIN, .want = WH_FIN, .times = 1 });
    EXPECT(pair, end_shutdown(&pair->x) == 0 && end_shutdown(&pair->y) == 0);
    pair_out(pair);
    UNTIL(pair, end_state(&pair->x) == WH_TIME_WAIT || end_state(&pair->y) == WH_TIME_WAIT);
    UNTIL(pair, end_state(&pair->x) != WH_CLOSING && end_state(&pair->y) != WH_CLOSING);
    pair_end_of_file(pair, &pair->x);
    pair_end_of_file(pair, &pair->y);
    EXPECT(pair, fin_seq(pair, &pair->x, 0) == fin_seq(pair, &pair->x, 1));
}

/* ---------------------------------------------------------------- losses -- */

static void fin_is_lost(struct pair *pair)
{
    pair_fault(pair,
               (struct fault){ .from = &pair->x, .mask = WH_FIN, .want = WH_FIN, .times = 2 });
    EXPECT(pair, end_shutdown(&pair->x) == 0);
    pair_end_of_file(pair, &pair->y);
    pair_states(pair, WH_FIN_WAIT_2, WH_CLOSE_WAIT);
    const struct crossing *first = pair_find(pair, &pair->x, WH_FIN, WH_FIN, 0);
    wh_time one = pair_find(pair, &pair->x, WH_FIN, WH_FIN, 1)->time - first->time;
    wh_time two = pair_find(pair, &pair->x, WH_FIN, WH_FIN, 2)->time - first->time;
    EXPECT(pair, fin_seq(pair, &pair->x, 0) == fin_seq(pair, &pair->x, 2));
    /* Linux asks the path once before its timer does (RFC 8985 7); after that the interval doubles. */
    EXPECT(pair, two - one > one / 2);
}

static void last_fin_is_lost(struct pair *pair)
{
    EXPECT(pair, end_shutdown(&pair->x) == 0);
    pair_states(pair, WH_FIN_WAIT_2, WH_CLOSE_WAIT);
    pair_fault(pair,
               (struct fault){ .from = &pair->y, .mask = WH_FIN, .want = WH_FIN, .times = 1 });
    EXPECT(pair, end_shutdown(&pair->y) == 0);
    UNTIL(pair, end_state(&pair->y) == WH_LAST_ACK);
    pair_states(pair, WH_TIME_WAIT, WH_CLOSED);
    EXPECT(pair, fin_seq(pair, &pair->y, 0) == fin_seq(pair, &pair->y, 1));
}

static void ack_of_fin_is_lost(struct pair *pair)
{
    pair_fault(pair, (struct fault){ .from = &pair->y, .mask = KIND, .want = WH_ACK, .times = 1 });
    EXPECT(pair, end_shutdown(&pair->x) == 0);
    UNTIL(pair, end_state(&pair->x) == WH_FIN_WAIT_1 && end_state(&pair->y) == WH_CLOSE_WAIT);
    pair_states(pair, WH_FIN_WAIT_2, WH_CLOSE_WAIT);
    EXPECT(pair, fin_seq(pair, &pair->x, 0) == fin_seq(pair, &pair->x, 1));
    pair_end_of_file(pair, &pair->y);
}

static void last_ack_is_lost(struct pair *pair)
{
    EXPECT(pair, end_shutdown(&pair->x) == 0);
    pair_states(pair, WH_FIN_WAIT_2, WH_CLOSE_WAIT);
    pair_fault(pair, (struct fault){ .from = &pair->x, .mask = KIND, .want = WH_ACK, .times = 2 });
    EXPECT(pair, end_shutdown(&pair->y) == 0);
    UNTIL(pair, end_state(&pair->x) == WH_TIME_WAIT && end_state(&pair->y) == WH_LAST_ACK);
    pair_states(pair, WH_TIME_WAIT, WH_CLOSED);
    EXPECT(pair, pair_count(pair, &pair->y, WH_FIN, WH_FIN, 0) >= 3);
}

static void fin_beyond_a_hole(struct pair *pair)
{
    pair_fault(pair, (struct fault){ .from = &pair->x, .data = true, .times = 1 });
    EXPECT(pair, end_send(&pair->x, 5000, false) == 5000 && end_shutdown(&pair->x) == 0);
    pair_receive(pair, &pair->y, 5000);
    pair_end_of_file(pair, &pair->y);
    pair_states(pair, WH_FIN_WAIT_2, WH_CLOSE_WAIT);
}

/* ------------------------------------------------------------ half closed -- */

enum { LONG = 4 << 20 };

/* `from` sends what there is room for, `to` reads what there is. */
static void stream(struct pair *pair, struct end *from, struct end *to, uint64_t all)
{
    while (to->received < all) {
        if (from->sent < all) {
            uint64_t left = all - from->sent;
            int64_t n = end_send(from, left < 65536 ? left : 65536, false);
            EXPECT(pair, n > 0 || n == WH_E_AGAIN);
        }
        uint64_t before = to->received;
        UNTIL(pair, end_read(to) == WH_E_AGAIN && (to->received > before || from->sent < all));
    }
}

/* After its end x reads on, for as long as y has something to say. */
static void the_other_way_goes_on(struct pair *pair)
{
    EXPECT(pair, end_shutdown(&pair->x) == 0);
    pair_end_of_file(pair, &pair->y);
    stream(pair, &pair->y, &pair->x, LONG);
    EXPECT(pair, end_state(&pair->x) == WH_FIN_WAIT_2);
    EXPECT(pair, end_shutdown(&pair->y) == 0);
    pair_end_of_file(pair, &pair->x);
    pair_states(pair, WH_TIME_WAIT, WH_CLOSED);
}

/* x sends on in CLOSE-WAIT, over a path that loses. */
static void sending_in_close_wait(struct pair *pair)
{
    EXPECT(pair, end_shutdown(&pair->y) == 0);
    pair_states(pair, WH_CLOSE_WAIT, WH_FIN_WAIT_2);
    pair_fault(pair, (struct fault){ .from = &pair->x, .data = true, .every = 50 });
    stream(pair, &pair->x, &pair->y, LONG / 4);
    pair_mend(pair);
    EXPECT(pair, end_shutdown(&pair->x) == 0);
    pair_end_of_file(pair, &pair->y);
    pair_states(pair, WH_CLOSED, WH_TIME_WAIT);
}

static void nothing_more_to_say(struct pair *pair)
{
    EXPECT(pair, end_shutdown(&pair->x) == 0);
    EXPECT(pair, end_send(&pair->x, 1, false) == WH_E_PIPE);
    pair_states(pair, WH_FIN_WAIT_2, WH_CLOSE_WAIT);
    end_close(&pair->x);
    EXPECT(pair, end_shutdown(&pair->y) == 0);
    pair_states(pair, WH_TIME_WAIT, WH_CLOSED);
    EXPECT(pair, pair_distinct(pair, &pair->x, WH_FIN, WH_FIN, 0) == 1);
    EXPECT(pair, pair_count(pair, &pair->x, WH_RST, WH_RST, 0) == 0);
}

/* clang-format off */
const struct play closing_plays[] = {
    { "C01 C03 C04 C07 C09 C10", "one after the other", four_segments, EITHER, true },
    { "C01 C09 C10", "the server closes first", closed_by_the_server, EITHER, false },
    { "C05", "three segments", in_three, LINUX_IS_X, true },
    { "C02", "close with data queued", closed_with_data_queued, EITHER, true },
    { "C08", "FIN on data", fin_on_data, EITHER, true },
    { "C23 C24 C26", "both at once, data crossing", both_at_once, EITHER, true },
    { "C11 C25", "both at once, one FIN lost", both_at_once_one_lost, EITHER, true },
    { "C11", "the FIN is lost twice", fin_is_lost, EITHER, true },
    { "C11", "the last FIN is lost", last_fin_is_lost, EITHER, true },
    { "C13", "the ACK of the FIN is lost", ack_of_fin_is_lost, EITHER, true },
    { "T02 T03", "the last ACK is lost twice", last_ack_is_lost, EITHER, true },
    { "C14", "the FIN comes while data is missing", fin_beyond_a_hole, EITHER, true },
    { "C19", "shut down, and reading on", the_other_way_goes_on, EITHER, true },
    { "C20", "sending on in CLOSE-WAIT, with losses", sending_in_close_wait, EITHER, true },
    { "C21", "send after shutdown; close after shutdown", nothing_more_to_say, EITHER, true },
    { 0 },
};
/* clang-format on */
