/* SPDX-License-Identifier: MIT */
/* What paths do: they lose, take options away, swallow what is large, or spoil timestamps. */
#include <stdio.h>

#include "paper.h"
#include "scenario.h"

static bool of_the_case(const struct ground *ground, const struct segment *segment)
{
    return segment->tuple.local_port == ground->port || segment->tuple.remote_port == ground->port;
}

/* ------------------------------------------------------------------- loss -- */

/* What comes at the box in data alone is lost by chance: handshake and close are not the cause here. */
static bool lose_data(struct ground *ground, enum side from, uint8_t *packet, uint32_t length)
{
    struct segment segment;
    (void)from;
    return !packet_read(&segment, packet, length) || !of_the_case(ground, &segment) ||
           segment.length == 0 || (segment.flags & WH_FIN) ||
           luck_below(&ground->luck, 1000) >= ground->box_count;
}

static void lossy_path(struct ground *ground)
{
    ground->box = lose_data;
    ground->box_count = 10 + luck_below(&ground->luck, 40);
    struct talk *talk = talk_open(ground);
    talk_move(ground, talk, CLIENT, luck_scale(&ground->luck, 1000, 60000));
    talk_move(ground, talk, SERVER, luck_scale(&ground->luck, 1000, 90000));
    pause_briefly(ground);
    const char *end = close_in_order(ground, talk);
    ground_truth(ground, EVERYWHERE, end, true);
}

static void bursty_path(struct ground *ground)
{
    ground->box = lose_data;
    ground->box_count = 80 + luck_below(&ground->luck, 100);
    struct talk *talk = talk_open(ground);
    talk_move(ground, talk, CLIENT, luck_scale(&ground->luck, 1000, 20000));
    talk_move(ground, talk, SERVER, luck_scale(&ground->luck, 1000, 20000));
    pause_briefly(ground);
    const char *end = close_in_turn(ground, talk, any_side(ground));
    ground_truth(ground, EVERYWHERE, end, true);
}

/* Some data come twice, as a network may have it. */
static bool double_data(struct ground *ground, enum side from, uint8_t *packet, uint32_t length)
{
    struct segment segment;
    if (packet_read(&segment, packet, length) && of_the_case(ground, &segment) &&
        segment.length > 0 && !(segment.flags & WH_FIN) && luck_once_in(&ground->luck, 12)) {
        ground_inject(ground, other(from), packet, length);
    }
    return true;
}

static void doubling_path(struct ground *ground)
{
    ground->box = double_data;
    struct talk *talk = talk_open(ground);
    talk_move(ground, talk, CLIENT, luck_scale(&ground->luck, 1000, 60000));
    talk_move(ground, talk, SERVER, luck_scale(&ground->luck, 1000, 60000));
    pause_briefly(ground);
    const char *end = close_in_order(ground, talk);
    ground_truth(ground, EVERYWHERE, end, true);
}

/* Overtaking takes 10 ms at most: on a longer path handshake and close stay in order. */
static void reordering_path(struct ground *ground)
{
    if (ground->variety.rtt > 50 * WH_MILLISECOND) {
        ground_fault(ground, any_half(ground), "reorder %u%%",
                     3 + (unsigned)luck_below(&ground->luck, 10));
    }
    struct talk *talk = talk_open(ground);
    talk_move(ground, talk, CLIENT, luck_scale(&ground->luck, 1000, 60000));
    talk_move(ground, talk, SERVER, luck_scale(&ground->luck, 1000, 60000));
    pause_briefly(ground);
    const char *end = close_in_turn(ground, talk, any_side(ground));
    ground_truth(ground, EVERYWHERE, end, true);
}

static bool swallow_for_now(struct ground *ground, enum side from, uint8_t *packet, uint32_t length)
{
    struct segment segment;
    (void)from;
    return ground->now >= ground->box_count || !packet_read(&segment, packet, length) ||
           !of_the_case(ground, &segment);
}

/* The path is gone for some seconds, with data under way, and comes back. */
static void outage(struct ground *ground)
{
    struct talk *talk = talk_open(ground);
    talk_greet(ground, talk);
    ground->box = swallow_for_now;
    ground->box_count = ground->now + luck_scale(&ground->luck, WH_SECOND, 20 * WH_SECOND);
    talk_move(ground, talk, any_side(ground), luck_scale(&ground->luck, 10, 3000));
    pause_briefly(ground);
    const char *end = close_in_order(ground, talk);
    ground_truth(ground, EVERYWHERE, end, true);
}

/* ---------------------------------------------------------------- options -- */

enum { KIND_WINDOW_SCALE = 3, KIND_SACK_PERMITTED = 4 };
/* What box_count says: the option, and from whom it is taken. */
enum { FROM_CLIENT = 0x100, FROM_SERVER = 0x200, TRACELESS = 0x400 };

static bool strip_option(struct ground *ground, enum side from, uint8_t *packet, uint32_t length)
{
    struct segment segment;
    bool mine = packet_read(&segment, packet, length) && of_the_case(ground, &segment) &&
                (segment.flags & WH_SYN);
    if (mine && (ground->box_count & (from == CLIENT ? FROM_CLIENT : FROM_SERVER))) {
        (void)packet_strip(packet, length, (uint8_t)ground->box_count,
                           (ground->box_count & TRACELESS) != 0);
    }
    return true;
}

/* Half of these cases are seen at both ends, since only there one can be sure. */
static void prefer_both(struct ground *ground)
{
    if (luck_once_in(&ground->luck, 2)) {
        ground->variety.vantage = AT_BOTH;
    }
}

/*
 * From one place it looks as if the other end did not offer it; but behind the box NOPs
 * may stand where it was, and whoever says so is right as well.
 */
static void stripped(struct ground *ground, unsigned what, const char *verdict)
{
    static char either[64];
    prefer_both(ground);
    ground->box = strip_option;
    ground->box_count = what;
    struct talk *talk = talk_open(ground);
    talk_greet(ground, talk);
    const char *end = close_in_order(ground, talk);
    snprintf(either, sizeof either, "%s,%s", end, verdict);
    /* Without the client's the server sends none of its own that could be taken. */
    bool from_client = (what & FROM_CLIENT) != 0;
    unsigned behind = IN(from_client ? AT_SERVER : AT_CLIENT);
    behind |= ground->variety.box_first == from_client ? IN(AT_MIDDLE) : 0;
    ground_truth(ground, EVERYWHERE, end, true);
    if ((what & TRACELESS) == 0) {
        ground_truth(ground, behind, either, true);
    }
    ground_truth(ground, IN(AT_BOTH), verdict, true);
}

static void scale_stripped(struct ground *ground)
{
    stripped(ground, KIND_WINDOW_SCALE | FROM_CLIENT | FROM_SERVER, "window-scale-stripped");
}

static void sack_stripped(struct ground *ground)
{
    stripped(ground, KIND_SACK_PERMITTED | FROM_CLIENT | FROM_SERVER, "sack-stripped");
}

static void sack_stripped_from_answer(struct ground *ground)
{
    stripped(ground, KIND_SACK_PERMITTED | FROM_SERVER, "sack-stripped");
}

static void sack_stripped_traceless(struct ground *ground)
{
    stripped(ground, KIND_SACK_PERMITTED | FROM_CLIENT | FROM_SERVER | TRACELESS, "sack-stripped");
}

static void scale_stripped_traceless(struct ground *ground)
{
    stripped(ground, KIND_WINDOW_SCALE | FROM_CLIENT | FROM_SERVER | TRACELESS,
             "window-scale-stripped");
}

/*
 * The server believes that it may scale, so its windows look tiny to whoever did not
 * see the option: a hint for a reader at the client's side of the box.
 */
static void scale_stripped_from_answer(struct ground *ground)
{
    static char either[64];
    prefer_both(ground);
    ground->box = strip_option;
    ground->box_count = KIND_WINDOW_SCALE | FROM_SERVER;
    struct talk *talk = talk_open(ground);
    talk_move(ground, talk, CLIENT, luck_scale(&ground->luck, 10, 2000));
    talk_move(ground, talk, SERVER, luck_scale(&ground->luck, 10, 2000));
    pause_briefly(ground);
    const char *end = close_in_order(ground, talk);
    snprintf(either, sizeof either, "window-scale-stripped,%s", end);
    ground_truth(ground, IN(AT_CLIENT) | IN(AT_MIDDLE), either, true);
    ground_truth(ground, IN(AT_SERVER), end, true);
    ground_truth(ground, IN(AT_BOTH), "window-scale-stripped", true);
}

/* ------------------------------------------------------------- black holes -- */

/* Small segments pass both ways, before and meanwhile; large ones from `from` do not. */
static struct talk *black_hole(struct ground *ground, enum side from, enum half half, bool probing)
{
    struct luck *luck = &ground->luck;
    ground_fault(ground, half, "black-hole %u", 1300 + (unsigned)luck_below(luck, 150));
    wh_stack_set(ground->host[from], WH_OPT_MTU_PROBING, probing);
    struct talk *talk = talk_open(ground);
    talk_move(ground, talk, CLIENT, luck_scale(luck, 10, 900));
    talk_move(ground, talk, SERVER, luck_scale(luck, 10, 900));
    wh_set(talk->conn[from], WH_OPT_USER_TIMEOUT,
           (int64_t)luck_scale(luck, 60 * WH_SECOND, 200 * WH_SECOND));
    talk_send(talk, from, luck_scale(luck, 5000, 30000));
    ground_pass(ground, luck_scale(luck, WH_SECOND, 8 * WH_SECOND));
    talk_send(talk, other(from), luck_scale(luck, 10, 500));
    return talk;
}

/* Beyond the hole nothing large is ever seen: something is missing there, and one cannot know why. */
static void truth_of_hole(struct ground *ground, enum side from, enum half half, const char *seen,
                          const char *beyond)
{
    truth_of_loss(ground, from, half, seen, beyond);
    ground->truth[from == CLIENT ? AT_SERVER : AT_CLIENT].holds = false;
    enum half first = from == CLIENT ? NEAR_CLIENT : NEAR_SERVER;
    ground->truth[AT_MIDDLE].holds = half != first;
}

static void black_hole_for_good(struct ground *ground)
{
    enum side from = any_side(ground);
    enum half half = any_half(ground);
    (void)black_hole(ground, from, half, false);
    ground_pass(ground, 400 * WH_SECOND);
    truth_of_hole(ground, from, half, "mtu-black-hole", "mtu-black-hole,reset,still-open");
}

static void black_hole_found_out(struct ground *ground)
{
    static char beyond[64];
    enum side from = any_side(ground);
    enum half half = any_half(ground);
    struct talk *talk = black_hole(ground, from, half, true);
    ground_pass(ground, 100 * WH_SECOND);
    const char *end = close_in_turn(ground, talk, any_side(ground));
    snprintf(beyond, sizeof beyond, "%s,mtu-black-hole", end);
    truth_of_hole(ground, from, half, "mtu-black-hole", beyond);
}

/* -------------------------------------------------------------- timestamps -- */

/* box_count: the direction and how many segments were spoilt. */
struct spoiler {
    enum side from;
    bool all; /* every segment with data bears an old one; else one bears a new one, once */
    unsigned done;
};

/* Adds to the TSval of a segment (RFC 7323 3.2). */
static void shift_timestamp(uint8_t *packet, uint32_t length, uint32_t by)
{
    uint8_t *tcp = packet + (packet[0] >> 4 == 6 ? 40 : 20);
    uint32_t end = tcp[12] / 16 * 4U;
    for (uint32_t at = 20; at + 10 <= end;) {
        if (tcp[at] == 1) {
            at++;
        } else if (tcp[at] == 8) {
            put32(tcp + at + 2, get32(tcp + at + 2) + by);
            packet_mend(packet, length);
            return;
        } else {
            at += tcp[at + 1] > 1 ? tcp[at + 1] : 40U;
        }
    }
}

static bool spoil_timestamps(struct ground *ground, enum side from, uint8_t *packet,
                             uint32_t length)
{
    struct spoiler *spoiler = ground->box_state;
    struct segment segment;
    if (from != spoiler->from || !packet_read(&segment, packet, length) ||
        !of_the_case(ground, &segment) || segment.length == 0) {
        return true;
    }
    if (spoiler->all) {
        shift_timestamp(packet, length, 0U - 100000000U);
    } else if (spoiler->done++ == 0) {
        shift_timestamp(packet, length, 500000000U);
    }
    return true;
}

static void spoil(struct ground *ground, bool all)
{
    static struct spoiler spoiler;
    struct luck *luck = &ground->luck;
    struct talk *talk = talk_open(ground);
    talk_greet(ground, talk);
    enum side from = any_side(ground);
    spoiler = (struct spoiler){ .from = from, .all = all };
    ground->box = spoil_timestamps;
    ground->box_state = &spoiler;
    wh_set(talk->conn[from], WH_OPT_USER_TIMEOUT,
           (int64_t)luck_scale(luck, 20 * WH_SECOND, 100 * WH_SECOND));
    if (!all) {
        talk_move(ground, talk, from, luck_scale(luck, 10, 1000));
    }
    talk_send(talk, from, luck_scale(luck, 10, 4000));
    ground_pass(ground, 200 * WH_SECOND);
    /* Before the box all looks well but for data that the other end will not take. */
    bool middle = ground->variety.box_first == (from == CLIENT);
    enum vantage blind = from == CLIENT ? AT_CLIENT : AT_SERVER;
    ground_truth(ground, EVERYWHERE, "paws-drop", true);
    ground_truth(ground, IN(blind) | (middle ? 0 : IN(AT_MIDDLE)),
                 "paws-drop,retransmission-death,reset", false);
}

static void old_timestamps(struct ground *ground) { spoil(ground, true); }
static void one_new_timestamp(struct ground *ground) { spoil(ground, false); }

const struct scenario scenarios_path[] = {
    { "bursty-path", "many data are lost, and all ends well", bursty_path, FINAL, 0 },
    { "doubling-path", "data come twice, and all ends well", doubling_path, EITHER, 0 },
    { "reordering-path", "packets overtake each other, and all ends well", reordering_path, FINAL,
      0 },
    { "outage", "the path is gone for a while, and all ends well", outage, EITHER, 0 },
    { "lossy-path", "data are lost by chance, and all ends well", lossy_path, EITHER, 0 },
    { "window-scale-stripped", "a box takes window scaling from both SYNs", scale_stripped, EITHER,
      OPENING_MATTERS | NEEDS_OPTIONS },
    { "window-scale-stripped-answer", "a box takes window scaling from the SYN,ACK alone",
      scale_stripped_from_answer, FINAL, OPENING_MATTERS | NEEDS_OPTIONS },
    { "sack-stripped", "a box takes SACK from both SYNs", sack_stripped, EITHER,
      OPENING_MATTERS | NEEDS_OPTIONS },
    { "window-scale-stripped-traceless", "a box takes window scaling, leaving no trace",
      scale_stripped_traceless, FINAL, OPENING_MATTERS | NEEDS_OPTIONS },
    { "sack-stripped-traceless", "a box takes SACK, leaving no trace", sack_stripped_traceless,
      FINAL, OPENING_MATTERS | NEEDS_OPTIONS },
    { "sack-stripped-answer", "a box takes SACK from the SYN,ACK alone", sack_stripped_from_answer,
      FINAL, OPENING_MATTERS | NEEDS_OPTIONS },
    { "black-hole", "large packets vanish on the path", black_hole_for_good, EITHER, ALL_MATTERS },
    { "black-hole-found", "large packets vanish, and the sender finds out", black_hole_found_out,
      FINAL, ALL_MATTERS },
    { "old-timestamps", "a box makes the timestamps of data old", old_timestamps, EITHER,
      ALL_MATTERS | NEEDS_TIMESTAMPS },
    { "one-new-timestamp", "a box makes one timestamp new, and all others are old by it",
      one_new_timestamp, FINAL, ALL_MATTERS | NEEDS_TIMESTAMPS },
    { 0 },
};
