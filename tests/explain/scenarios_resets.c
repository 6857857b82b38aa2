/* SPDX-License-Identifier: MIT */
/* Connections that a RST ended: whose, and why. */
#include "paper.h"
#include "scenario.h"

static void aborted(struct ground *ground, enum side side)
{
    struct talk *talk = talk_open(ground);
    talk_greet(ground, talk);
    talk_abort(talk, side);
    pause_trips(ground, 3);
    ground_truth(ground, EVERYWHERE, "reset", true);
}

static void aborted_by_client(struct ground *ground) { aborted(ground, CLIENT); }
static void aborted_by_server(struct ground *ground) { aborted(ground, SERVER); }

/* The end that sends gives up in the midst of it. */
static void aborted_while_sending(struct ground *ground)
{
    struct talk *talk = talk_open(ground);
    talk_greet(ground, talk);
    enum side side = any_side(ground);
    talk_send(talk, side, luck_scale(&ground->luck, 30000, 100000));
    ground_pass(ground, ground->variety.rtt * 3 / 2);
    talk_abort(talk, side);
    pause_trips(ground, 3);
    ground_truth(ground, EVERYWHERE, "reset", true);
}

/* The reader has read nothing of the last message. */
static void unread(struct ground *ground, enum side reader)
{
    struct talk *talk = talk_open(ground);
    talk_greet(ground, talk);
    talk->reads[reader] = false;
    talk_send(talk, other(reader), luck_scale(&ground->luck, 200, 12000));
    pause_trips(ground, 4);
    pause_briefly(ground);
    talk_close(talk, reader);
    pause_trips(ground, 3);
    ground_truth(ground, EVERYWHERE, "reset-unread-data,reset", true);
}

static void unread_by_server(struct ground *ground) { unread(ground, SERVER); }
static void unread_by_client(struct ground *ground) { unread(ground, CLIENT); }

static void data_after_close(struct ground *ground, enum side closer)
{
    struct talk *talk = talk_open(ground);
    talk_greet(ground, talk);
    talk_close(talk, closer);
    pause_trips(ground, 2);
    pause_briefly(ground);
    talk_send(talk, other(closer), luck_scale(&ground->luck, 10, 5000));
    pause_trips(ground, 4);
    ground_truth(ground, EVERYWHERE, "reset-data-after-close", true);
}

static void data_after_client_close(struct ground *ground) { data_after_close(ground, CLIENT); }
static void data_after_server_close(struct ground *ground) { data_after_close(ground, SERVER); }

/* A download that its reader no longer wants. */
static void closed_in_transfer(struct ground *ground)
{
    struct talk *talk = talk_open(ground);
    talk_greet(ground, talk);
    talk_send(talk, SERVER, 200000);
    ground_pass(ground, ground->variety.rtt * 5 / 4);
    talk_close(talk, CLIENT);
    pause_trips(ground, 4);
    ground_truth(ground, EVERYWHERE, "reset-data-after-close", true);
}

static void half_close_cut(struct ground *ground, enum side first, uint64_t data)
{
    struct talk *talk = talk_open(ground);
    talk_greet(ground, talk);
    talk_shut(talk, first);
    pause_trips(ground, 2);
    if (data > 0) {
        talk_move(ground, talk, other(first), data);
        pause_briefly(ground);
    }
    talk_abort(talk, other(first));
    pause_trips(ground, 3);
    ground_truth(ground, EVERYWHERE, "half-close-cut", true);
}

static void half_close_cut_by_server(struct ground *ground)
{
    half_close_cut(ground, CLIENT, luck_scale(&ground->luck, 100, 9000));
}

static void half_close_cut_by_client(struct ground *ground)
{
    half_close_cut(ground, SERVER, luck_scale(&ground->luck, 100, 9000));
}

static void half_close_cut_at_once(struct ground *ground)
{
    half_close_cut(ground, any_side(ground), 0);
    /* Nothing but the program's intention tells this half-close from a whole one. */
    ground_truth(ground, EVERYWHERE, "half-close-cut,reset", true);
}

/* A forged RST with the exact number, which looks like another machine's. */
static void forge(struct ground *ground, struct talk *talk, enum side victim)
{
    static const uint16_t windows[] = { 0, 229, 8192, 0x2000 };
    struct luck *luck = &ground->luck;
    wh_info info = { .size = sizeof info };
    uint8_t packet[1500];
    wh_info_get(talk->conn[victim], &info);
    enum side alleged = other(victim);
    const struct segment rst = {
        .tuple = { .local_port = talk->end[alleged].port, .remote_port = talk->end[victim].port },
        .seq = info.rcv_nxt,
        .ack = info.snd_nxt,
        .flags = luck_once_in(luck, 2) ? WH_RST : WH_RST | WH_ACK,
        .window = windows[luck_below(luck, 4)],
    };
    static const uint8_t hops[] = { 255, 128, 100 };
    struct paper paper = {
        .from = alleged,
        .id = (uint16_t)(20000 + luck_below(luck, 40000)),
        .hops = (uint8_t)(hops[luck_below(luck, 3)] - luck_below(luck, 12)),
    };
    ground_inject(ground, victim, packet, paper_write(ground, &paper, &rst, packet));
}

static void injected_at(struct ground *ground, enum side victim)
{
    struct talk *talk = talk_open(ground);
    talk_greet(ground, talk);
    forge(ground, talk, victim);
    pause_trips(ground, 2);
    pause_briefly(ground);
    talk_send(talk, other(victim), luck_scale(&ground->luck, 1, 1000));
    pause_trips(ground, 4);
    /* Its alleged sender sees only that its own data are answered by a RST. */
    bool middle = ground->variety.box_first == (victim == SERVER);
    unsigned sees = IN(AT_BOTH) | IN(victim == CLIENT ? AT_CLIENT : AT_SERVER);
    ground_truth(ground, EVERYWHERE, "reset,half-open-peer,reset-injected", false);
    ground_truth(ground, sees | (middle ? IN(AT_MIDDLE) : 0), "reset-injected", true);
}

static void injected_at_client(struct ground *ground) { injected_at(ground, CLIENT); }
static void injected_at_server(struct ground *ground) { injected_at(ground, SERVER); }

static void injected_at_both(struct ground *ground)
{
    struct talk *talk = talk_open(ground);
    talk_greet(ground, talk);
    forge(ground, talk, CLIENT);
    forge(ground, talk, SERVER);
    pause_trips(ground, 3);
    ground_truth(ground, EVERYWHERE, "reset-injected", true);
}

static void forgotten_by(struct ground *ground, enum side side, wh_time quiet)
{
    struct talk *talk = talk_open(ground);
    talk_greet(ground, talk);
    ground_reboot(ground, side);
    ground_pass(ground, quiet);
    talk_send(talk, other(side), luck_scale(&ground->luck, 1, 1400));
    pause_trips(ground, 4);
    ground_truth(ground, EVERYWHERE, "half-open-peer", true);
}

static void forgotten_by_server(struct ground *ground)
{
    forgotten_by(ground, SERVER, luck_scale(&ground->luck, 20 * WH_SECOND, 600 * WH_SECOND));
}

static void forgotten_by_client(struct ground *ground)
{
    forgotten_by(ground, CLIENT, luck_scale(&ground->luck, 20 * WH_SECOND, 600 * WH_SECOND));
}

const struct scenario scenarios_resets[] = {
    { "reset-by-server", "the server's program aborts", aborted_by_server, EITHER, ALL_MATTERS },
    { "reset-by-client", "the client's program aborts", aborted_by_client, EITHER, ALL_MATTERS },
    { "reset-while-sending", "a program aborts in the midst of sending", aborted_while_sending,
      FINAL, ALL_MATTERS },
    { "reset-unread-server", "the server closes with data unread", unread_by_server, EITHER,
      ALL_MATTERS },
    { "reset-unread-client", "the client closes with data unread", unread_by_client, FINAL,
      ALL_MATTERS },
    { "reset-after-close-client", "the server sends after the client has closed",
      data_after_client_close, EITHER, ALL_MATTERS },
    { "reset-after-close-server", "the client sends after the server has closed",
      data_after_server_close, FINAL, ALL_MATTERS },
    { "reset-in-transfer", "the client closes in the midst of a download", closed_in_transfer,
      FINAL, ALL_MATTERS },
    { "half-close-cut-by-server", "the client ends its half, the server sends and aborts",
      half_close_cut_by_server, EITHER, ALL_MATTERS },
    { "half-close-cut-by-client", "the server ends its half, the client sends and aborts",
      half_close_cut_by_client, FINAL, ALL_MATTERS },
    { "half-close-cut-at-once", "one ends its half, the other aborts", half_close_cut_at_once,
      EITHER, ALL_MATTERS },
    { "reset-injected-client", "a box forges a RST towards the client", injected_at_client, EITHER,
      ALL_MATTERS },
    { "reset-injected-server", "a box forges a RST towards the server", injected_at_server, FINAL,
      ALL_MATTERS },
    { "reset-injected-both", "a box forges a RST towards either end", injected_at_both, FINAL,
      ALL_MATTERS },
    { "half-open-server", "the server's host restarts, the client sends", forgotten_by_server,
      EITHER, ALL_MATTERS | QUIET },
    { "half-open-client", "the client's host restarts, the server sends", forgotten_by_client,
      FINAL, ALL_MATTERS | QUIET },
    { 0 },
};
