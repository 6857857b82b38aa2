/* SPDX-License-Identifier: MIT */
/* Ports used again: in TIME-WAIT, and while the connection before is not over. */
#include <string.h>

#include "paper.h"
#include "scenario.h"

/* A connection that its server closed first, so that the server holds it in TIME-WAIT. */
static struct talk *closed_by_server(struct ground *ground, uint32_t *client_next)
{
    struct talk *talk = talk_open(ground);
    talk_greet(ground, talk);
    wh_info info = { .size = sizeof info };
    wh_info_get(talk->conn[CLIENT], &info);
    *client_next = info.snd_nxt;
    (void)close_in_turn(ground, talk, SERVER);
    ground_pass(ground, luck_scale(&ground->luck, 100 * WH_MILLISECOND, 20 * WH_SECOND));
    return talk;
}

/* The same endpoints once more. */
static struct talk *open_again(struct ground *ground, const struct talk *before)
{
    struct talk *talk = talk_new(ground, ground->port);
    talk->end[CLIENT] = before->end[CLIENT];
    talk_connect(ground, talk);
    return talk;
}

static void accepted_in_time_wait(struct ground *ground)
{
    uint32_t next;
    struct talk *before = closed_by_server(ground, &next);
    wh_next_iss(ground->host[CLIENT], next + 1000 + (uint32_t)luck_below(&ground->luck, 1 << 30));
    struct talk *talk = open_again(ground, before);
    pause_trips(ground, 3);
    talk_greet(ground, talk);
    (void)close_in_turn(ground, talk, any_side(ground));
    ground_truth(ground, EVERYWHERE, "time-wait-syn-accepted", true);
}

/* The new number is not beyond the old connection's, but the timestamp is (RFC 6191). */
static void accepted_for_its_timestamp(struct ground *ground)
{
    uint32_t next;
    struct talk *before = closed_by_server(ground, &next);
    wh_next_iss(ground->host[CLIENT], next - 50000 - (uint32_t)luck_below(&ground->luck, 1 << 28));
    struct talk *talk = open_again(ground, before);
    pause_trips(ground, 3);
    talk_greet(ground, talk);
    (void)close_in_turn(ground, talk, any_side(ground));
    ground_truth(ground, EVERYWHERE, "time-wait-syn-accepted", true);
}

static void challenged_for(struct ground *ground, wh_time how_long)
{
    uint32_t next;
    struct talk *before = closed_by_server(ground, &next);
    wh_next_iss(ground->host[CLIENT], next - 50000 - (uint32_t)luck_below(&ground->luck, 1 << 28));
    (void)open_again(ground, before);
    ground_pass(ground, how_long);
    ground_truth(ground, EVERYWHERE, "time-wait-syn-challenged", true);
}

static void challenged_in_time_wait(struct ground *ground)
{
    challenged_for(ground, luck_scale(&ground->luck, WH_SECOND, 6 * WH_SECOND));
}

/* Until TIME-WAIT is over and the SYN gets through, or longer. */
static void challenged_to_the_end(struct ground *ground)
{
    challenged_for(ground, luck_scale(&ground->luck, 70 * WH_SECOND, 180 * WH_SECOND));
}

/* A server that drops the SYN, as some do. */
static void ignored_in_time_wait(struct ground *ground)
{
    uint32_t next;
    struct talk *before = closed_by_server(ground, &next);
    ground_unplug(ground, SERVER);
    (void)open_again(ground, before);
    ground_pass(ground, luck_scale(&ground->luck, 8 * WH_SECOND, 50 * WH_SECOND));
    ground_truth(ground, EVERYWHERE, "time-wait-syn-ignored,no-answer", true);
}

/* ... until its TIME-WAIT is over. */
static void ignored_for_a_while(struct ground *ground)
{
    uint32_t next;
    struct talk *before = closed_by_server(ground, &next);
    ground_unplug(ground, SERVER);
    struct talk *talk = open_again(ground, before);
    ground_pass(ground, luck_scale(&ground->luck, 8 * WH_SECOND, 50 * WH_SECOND));
    ground_reboot(ground, SERVER);
    ground_listen(ground);
    ground_pass(ground, 65 * WH_SECOND);
    talk_greet(ground, talk);
    (void)close_in_turn(ground, talk, any_side(ground));
    ground_truth(ground, EVERYWHERE, "time-wait-syn-ignored,syn-repeated", true);
}

/* ---------------------------------------------------------- assassination -- */

/* The last segment with data from this side, as it passed the box. */
static bool old_data(const struct ground *ground, enum side from, uint8_t *packet, uint32_t *length)
{
    const struct tape *tape = &ground->tape[AT_MIDDLE];
    for (size_t i = tape->count; i-- > 0;) {
        const struct taped *taped = &tape->packet[i];
        struct segment segment;
        memcpy(packet, tape->bytes + taped->at, taped->length);
        *length = taped->length;
        if (packet_read(&segment, packet, taped->length) && segment.length > 0 &&
            (from == CLIENT ? segment.tuple.remote_port : segment.tuple.local_port) ==
                ground->port) {
            return true;
        }
    }
    return false;
}

/*
 * An old duplicate reaches the end in TIME-WAIT, which acknowledges; the other end, which
 * knows nothing any more, answers that by a RST, and this ends TIME-WAIT (RFC 1337).
 */
static void assassinate(struct ground *ground, enum side waits)
{
    uint8_t packet[2048];
    uint32_t length;
    struct talk *talk = talk_open(ground);
    talk_greet(ground, talk);
    (void)close_in_turn(ground, talk, waits);
    if (old_data(ground, other(waits), packet, &length)) {
        ground_inject(ground, waits, packet, length);
    }
    pause_trips(ground, 3);
    ground_truth(ground, EVERYWHERE, "time-wait-assassinated", true);
}

static void assassinate_server(struct ground *ground) { assassinate(ground, SERVER); }
static void assassinate_client(struct ground *ground) { assassinate(ground, CLIENT); }

/* ------------------------------------------------------- not over before -- */

static bool swallow_resets(struct ground *ground, enum side from, uint8_t *packet, uint32_t length)
{
    struct segment segment;
    (void)from;
    return !packet_read(&segment, packet, length) || !(segment.flags & WH_RST) ||
           segment.tuple.remote_port != ground->port || ground->box_count++ > 0;
}

/* The client's RST was lost: the server still has the connection when the new SYN comes. */
static void reused_after_lost_reset(struct ground *ground)
{
    struct talk *before = talk_open(ground);
    talk_greet(ground, before);
    ground->box = swallow_resets;
    talk_abort(before, CLIENT);
    ground_pass(ground, luck_scale(&ground->luck, 500 * WH_MILLISECOND, 20 * WH_SECOND));
    struct talk *talk = open_again(ground, before);
    ground_pass(ground, 5 * WH_SECOND);
    talk_greet(ground, talk);
    (void)close_in_turn(ground, talk, any_side(ground));
    ground_truth(ground, EVERYWHERE, "port-reused,half-open-peer", true);
    /* Where the first RST is seen, the connection before ended by it. */
    ground_truth(ground, IN(AT_CLIENT) | IN(AT_MIDDLE) | IN(AT_BOTH),
                 "port-reused,half-open-peer,reset", true);
}

/* The client's host restarts, and the same port is drawn again (RFC 9293 3.5.1, figure 10). */
static void reused_after_restart(struct ground *ground)
{
    struct talk *before = talk_open(ground);
    talk_greet(ground, before);
    ground_reboot(ground, CLIENT);
    ground_pass(ground, luck_scale(&ground->luck, 5 * WH_SECOND, 100 * WH_SECOND));
    struct talk *talk = open_again(ground, before);
    ground_pass(ground, 5 * WH_SECOND);
    talk_greet(ground, talk);
    (void)close_in_turn(ground, talk, any_side(ground));
    ground_truth(ground, EVERYWHERE, "port-reused,half-open-peer", true);
}

/* Both hosts restart, so nobody objects when the same port is drawn again. */
static void reused_unnoticed(struct ground *ground)
{
    struct talk *before = talk_open(ground);
    talk_greet(ground, before);
    ground_reboot(ground, CLIENT);
    ground_reboot(ground, SERVER);
    ground_listen(ground);
    ground_pass(ground, luck_scale(&ground->luck, 20 * WH_SECOND, 1000 * WH_SECOND));
    struct talk *talk = open_again(ground, before);
    ground_pass(ground, 2 * WH_SECOND);
    talk_greet(ground, talk);
    (void)close_in_turn(ground, talk, any_side(ground));
    ground_truth(ground, EVERYWHERE, "port-reused", true);
}

const struct scenario scenarios_reuse[] = {
    { "port-reused-unnoticed", "both hosts restart, and the client connects from the same port",
      reused_unnoticed, EITHER, ALL_MATTERS | QUIET },
    { "time-wait-accepted", "a SYN with a higher number meets TIME-WAIT", accepted_in_time_wait,
      EITHER, ALL_MATTERS },
    { "time-wait-accepted-timestamp", "a SYN with a later timestamp meets TIME-WAIT",
      accepted_for_its_timestamp, FINAL, ALL_MATTERS | NEEDS_TIMESTAMPS },
    { "time-wait-challenged", "a SYN with a lower number meets TIME-WAIT", challenged_in_time_wait,
      EITHER, ALL_MATTERS | NEEDS_NO_TIMESTAMPS },
    { "time-wait-challenged-long", "SYNs with a lower number meet TIME-WAIT for long",
      challenged_to_the_end, FINAL, ALL_MATTERS | NEEDS_NO_TIMESTAMPS },
    { "time-wait-ignored", "the server drops SYNs in TIME-WAIT", ignored_in_time_wait, EITHER,
      ALL_MATTERS | QUIET },
    { "time-wait-ignored-while", "the server drops SYNs until TIME-WAIT is over",
      ignored_for_a_while, FINAL, ALL_MATTERS | QUIET },
    { "assassinated-server", "an old segment comes to the server's TIME-WAIT", assassinate_server,
      EITHER, ALL_MATTERS | RST_ENDS_TIME_WAIT },
    { "assassinated-client", "an old segment comes to the client's TIME-WAIT", assassinate_client,
      FINAL, ALL_MATTERS | RST_ENDS_TIME_WAIT },
    { "port-reused-reset-lost", "the client's RST is lost, and it connects again",
      reused_after_lost_reset, EITHER, ALL_MATTERS },
    { "port-reused-restart", "the client's host restarts and connects from the same port",
      reused_after_restart, FINAL, ALL_MATTERS | QUIET },
    { 0 },
};
