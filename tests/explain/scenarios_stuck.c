/* SPDX-License-Identifier: MIT */
/* Connections that do not go on: a program is silent, does not read or does not close, or a peer is gone. */
#include "paper.h"
#include "scenario.h"

/* --------------------------------------------------------------- silence -- */

static void request_unanswered(struct ground *ground)
{
    struct talk *talk = talk_open(ground);
    talk_move(ground, talk, CLIENT, luck_scale(&ground->luck, 50, 1400));
    ground_pass(ground, luck_scale(&ground->luck, 40 * WH_SECOND, 300 * WH_SECOND));
    later_traffic(ground);
    ground_truth(ground, EVERYWHERE, "silent-after-connect", true);
}

static void nobody_speaks(struct ground *ground)
{
    (void)talk_open(ground);
    ground_pass(ground, luck_scale(&ground->luck, 60 * WH_SECOND, 300 * WH_SECOND));
    later_traffic(ground);
    ground_truth(ground, EVERYWHERE, "silent-after-connect", true);
}

/* The client waits in vain and aborts. */
static void request_given_up(struct ground *ground)
{
    struct talk *talk = talk_open(ground);
    talk_move(ground, talk, CLIENT, luck_scale(&ground->luck, 50, 1400));
    ground_pass(ground, luck_scale(&ground->luck, 40 * WH_SECOND, 300 * WH_SECOND));
    talk_abort(talk, CLIENT);
    pause_trips(ground, 3);
    ground_truth(ground, EVERYWHERE, "silent-after-connect,reset", true);
}

/* ------------------------------------------------------------ not closing -- */

static void leak(struct ground *ground, enum side first)
{
    struct talk *talk = talk_open(ground);
    talk_greet(ground, talk);
    talk_shut(talk, first);
    ground_pass(ground, luck_scale(&ground->luck, 150 * WH_SECOND, 1500 * WH_SECOND));
    later_traffic(ground);
    ground_truth(ground, EVERYWHERE, "close-wait-leak", true);
}

static void leak_at_server(struct ground *ground) { leak(ground, CLIENT); }
static void leak_at_client(struct ground *ground) { leak(ground, SERVER); }

/* A minute after its close the first end has forgotten the connection, and refuses the other's FIN. */
static void orphan(struct ground *ground, enum side first)
{
    struct talk *talk = talk_open(ground);
    talk_greet(ground, talk);
    talk_close(talk, first);
    ground_pass(ground, luck_scale(&ground->luck, 75 * WH_SECOND, 600 * WH_SECOND));
    talk_close(talk, other(first));
    pause_trips(ground, 4);
    ground_truth(ground, EVERYWHERE, "fin-wait-2-orphan", true);
}

static void orphan_at_client(struct ground *ground) { orphan(ground, CLIENT); }
static void orphan_at_server(struct ground *ground) { orphan(ground, SERVER); }

/* -------------------------------------------------------------- peers gone -- */

/* From now on nothing of the case passes the box. */
static bool swallow(struct ground *ground, enum side from, uint8_t *packet, uint32_t length)
{
    struct segment segment;
    (void)from;
    return !packet_read(&segment, packet, length) ||
           (segment.tuple.local_port != ground->port && segment.tuple.remote_port != ground->port);
}

/* The other end of `left` goes away: its host with it, or the path alone. */
static void lose_peer(struct ground *ground, enum side left, bool host)
{
    if (host) {
        ground_unplug(ground, other(left));
    } else {
        ground->box = swallow;
    }
}

/* `seen` wherever the lonely end's packets still pass, "still-open" where nothing is seen any more. */
static void truth_of_loneliness(struct ground *ground, enum side left, bool host, const char *seen)
{
    enum vantage beyond = left == CLIENT ? AT_SERVER : AT_CLIENT;
    ground_truth(ground, EVERYWHERE, seen, true);
    if (!host) {
        ground_truth(ground, IN(beyond), "still-open", true);
    }
    if (!host && ground->variety.box_first == (left == CLIENT)) {
        ground_truth(ground, IN(AT_MIDDLE), "still-open", true);
    }
}

static void probe_in_vain(struct ground *ground, bool host, bool garbage)
{
    struct luck *luck = &ground->luck;
    struct talk *talk = talk_open(ground);
    talk_greet(ground, talk);
    enum side left = any_side(ground);
    wh_conn *conn = talk->conn[left];
    wh_set(conn, WH_OPT_KEEPALIVE_IDLE, (int64_t)luck_scale(luck, 5 * WH_SECOND, 120 * WH_SECOND));
    wh_set(conn, WH_OPT_KEEPALIVE_INTERVAL,
           (int64_t)luck_scale(luck, 2 * WH_SECOND, 30 * WH_SECOND));
    wh_set(conn, WH_OPT_KEEPALIVE_PROBES, 3 + (int64_t)luck_below(luck, 6));
    wh_set(conn, WH_OPT_KEEPALIVE_GARBAGE, garbage);
    wh_set(conn, WH_OPT_KEEPALIVE, 1);
    lose_peer(ground, left, host);
    ground_pass(ground, 120 * WH_SECOND + 9 * 31 * WH_SECOND);
    truth_of_loneliness(ground, left, host, "keep-alive-death");
}

static void keep_alive_path(struct ground *ground) { probe_in_vain(ground, false, false); }
static void keep_alive_host(struct ground *ground) { probe_in_vain(ground, true, false); }
static void keep_alive_garbage(struct ground *ground) { probe_in_vain(ground, false, true); }

static void send_in_vain(struct ground *ground, bool host, uint64_t most)
{
    struct luck *luck = &ground->luck;
    struct talk *talk = talk_open(ground);
    talk_greet(ground, talk);
    enum side left = any_side(ground);
    wh_set(talk->conn[left], WH_OPT_USER_TIMEOUT,
           (int64_t)luck_scale(luck, 30 * WH_SECOND, 200 * WH_SECOND));
    lose_peer(ground, left, host);
    talk_send(talk, left, luck_scale(luck, 1, most));
    ground_pass(ground, 400 * WH_SECOND);
    truth_of_loneliness(ground, left, host, "retransmission-death");
}

static void send_into_path(struct ground *ground) { send_in_vain(ground, false, 1400); }
static void send_to_host(struct ground *ground) { send_in_vain(ground, true, 1400); }
static void send_much(struct ground *ground) { send_in_vain(ground, false, 20000); }

/* ------------------------------------------------------------- not reading -- */

/* A reader with a small buffer stops reading while more is sent than the buffer holds. */
static struct talk *stall(struct ground *ground, enum side reader)
{
    struct luck *luck = &ground->luck;
    int64_t buffer = (int64_t)luck_scale(luck, 4096, 32768);
    wh_stack_set(ground->host[reader], WH_OPT_RECEIVE_BUFFER, buffer);
    wh_stack_set(ground->host[reader], WH_OPT_RECEIVE_BUFFER_INITIAL, buffer);
    struct talk *talk = talk_open(ground);
    talk_move(ground, talk, CLIENT, luck_scale(luck, 10, 500));
    talk_move(ground, talk, SERVER, luck_scale(luck, 10, 500));
    talk->reads[reader] = false;
    talk_send(talk, other(reader), (uint64_t)buffer + luck_scale(luck, 4000, 40000));
    ground_pass(ground,
                10 * ground->variety.rtt + luck_scale(luck, 5 * WH_SECOND, 120 * WH_SECOND));
    return talk;
}

static void stall_and_resume(struct ground *ground, enum side reader)
{
    struct talk *talk = stall(ground, reader);
    talk->reads[reader] = true;
    ground_pass(ground, 80 * WH_SECOND);
    (void)close_in_turn(ground, talk, any_side(ground));
    ground_truth(ground, EVERYWHERE, "zero-window-stall", true);
}

static void server_stalls(struct ground *ground) { stall_and_resume(ground, SERVER); }
static void client_stalls(struct ground *ground) { stall_and_resume(ground, CLIENT); }

static void stalled_at_the_end(struct ground *ground)
{
    (void)stall(ground, any_side(ground));
    ground_truth(ground, EVERYWHERE, "zero-window-stall", true);
}

const struct scenario scenarios_stuck[] = {
    { "silent-server", "the server's program never answers the request", request_unanswered, EITHER,
      ALL_MATTERS },
    { "silent-both", "nobody speaks", nobody_speaks, FINAL, ALL_MATTERS },
    { "silent-given-up", "the request is not answered, and the client aborts", request_given_up,
      EITHER, ALL_MATTERS },
    { "close-wait-server", "the server's program never closes", leak_at_server, EITHER,
      ALL_MATTERS },
    { "close-wait-client", "the client's program never closes", leak_at_client, FINAL,
      ALL_MATTERS },
    { "orphan-client", "the client forgets before the server closes", orphan_at_client, EITHER,
      ALL_MATTERS },
    { "orphan-server", "the server forgets before the client closes", orphan_at_server, FINAL,
      ALL_MATTERS },
    { "keep-alive-path", "the path goes silent, one end probes", keep_alive_path, EITHER,
      ALL_MATTERS },
    { "keep-alive-host", "the peer's host is gone, the other probes", keep_alive_host, EITHER,
      ALL_MATTERS | QUIET },
    { "keep-alive-garbage", "the path goes silent, one end probes with a byte", keep_alive_garbage,
      FINAL, ALL_MATTERS },
    { "retransmission-path", "the path goes silent, one end sends", send_into_path, EITHER,
      ALL_MATTERS },
    { "retransmission-host", "the peer's host is gone, the other sends", send_to_host, EITHER,
      ALL_MATTERS | QUIET },
    { "retransmission-much", "the path goes silent, one end sends much", send_much, FINAL,
      ALL_MATTERS },
    { "stall-server", "the server's program stops reading for a while", server_stalls, EITHER,
      ALL_MATTERS },
    { "stall-client", "the client's program stops reading for a while", client_stalls, FINAL,
      ALL_MATTERS },
    { "stall-for-good", "a program stops reading", stalled_at_the_end, FINAL, ALL_MATTERS },
    { 0 },
};
