/* SPDX-License-Identifier: MIT */
/* How connections come about, or do not. */
#include "paper.h"
#include "scenario.h"
#include "wire/icmp.h"

/* A connection that will not open. */
static struct talk *try_to_open(struct ground *ground, wh_time patience)
{
    struct talk *talk = talk_new(ground, ground->port);
    talk_connect(ground, talk);
    ground_pass(ground, patience);
    return talk;
}

static void closed_port(struct ground *ground)
{
    (void)try_to_open(ground, 4 * ground->variety.rtt + WH_SECOND);
    ground_truth(ground, EVERYWHERE, "refused", true);
}

/* The path answers in the server's place, so the server's capture has nothing of it. */
static void refused_on_the_path(struct ground *ground)
{
    ground_fault(ground, NEAR_SERVER, "refuse");
    (void)try_to_open(ground, 4 * ground->variety.rtt + WH_SECOND);
    ground_truth(ground, IN(AT_CLIENT) | IN(AT_MIDDLE), "refused", true);
}

/* Where the SYN passed, and nothing came back. */
static void silence(struct ground *ground, enum half half)
{
    ground_fault(ground, half, "drop syn %d", 1);
    for (int i = 2; i <= 12; i++) {
        ground_fault(ground, half, "drop syn %d", i);
    }
    (void)try_to_open(ground, luck_scale(&ground->luck, 20 * WH_SECOND, 300 * WH_SECOND));
    ground_truth(ground, IN(AT_CLIENT), "no-answer", true);
    ground_truth(ground, IN(AT_MIDDLE), half == NEAR_SERVER ? "no-answer" : NULL, true);
}

static void no_answer_filtered(struct ground *ground) { silence(ground, any_half(ground)); }

static void no_answer_host_down(struct ground *ground)
{
    ground_unplug(ground, SERVER);
    (void)try_to_open(ground, luck_scale(&ground->luck, 20 * WH_SECOND, 300 * WH_SECOND));
    ground_truth(ground, EVERYWHERE, "no-answer", true);
}

/* At a place that saw only that the SYN was repeated: which of the two was lost? */
static const char *repeated_or(const struct ground *ground, const char *more)
{
    /* An echoed timestamp may tell which SYN was answered. */
    return ground->variety.timestamps ? more : "syn-repeated";
}

static void syn_lost_times(struct ground *ground, int times)
{
    enum half half = any_half(ground);
    for (int i = 1; i <= times; i++) {
        ground_fault(ground, half, "drop syn %d", i);
    }
    struct talk *talk = talk_open(ground);
    talk_chat(ground, talk);
    const char *end = close_in_order(ground, talk);
    truth_of_loss(ground, CLIENT, half, repeated_or(ground, "syn-repeated,syn-lost"), end);
    ground_truth(ground, IN(AT_BOTH), "syn-lost", true);
}

static void syn_lost(struct ground *ground) { syn_lost_times(ground, 1); }
static void syns_lost(struct ground *ground) { syn_lost_times(ground, 2); }

static void syn_ack_lost_times(struct ground *ground, int times)
{
    enum half half = any_half(ground);
    for (int i = 1; i <= times; i++) {
        ground_fault(ground, half, "drop syn-ack %d", i);
    }
    struct talk *talk = talk_open(ground);
    talk_chat(ground, talk);
    (void)close_in_order(ground, talk);
    /* Timing, a second SYN,ACK or an echoed timestamp may tell the client's side which it was. */
    truth_of_loss(ground, SERVER, half, "syn-ack-lost", "syn-repeated,syn-ack-lost");
    if (half == NEAR_CLIENT) {
        /* It passed here, so it was lost behind; to leave that open is true as well. */
        ground_truth(ground, IN(AT_MIDDLE), "syn-ack-lost,syn-repeated", true);
    }
}

static void syn_ack_lost(struct ground *ground) { syn_ack_lost_times(ground, 1); }
static void syn_acks_lost(struct ground *ground) { syn_ack_lost_times(ground, 2); }

static void final_ack_lost_times(struct ground *ground, int times)
{
    enum half half = any_half(ground);
    for (int i = 1; i <= times; i++) {
        ground_fault(ground, half, "drop ack-of-syn %d from client", i);
    }
    struct talk *talk = talk_open(ground);
    talk_chat(ground, talk);
    (void)close_in_order(ground, talk);
    /* Who saw the ACK go by cannot know whether it was lost or the server had no room. */
    ground_truth(ground, EVERYWHERE, "final-ack-lost", true);
    ground_truth(ground, IN(AT_CLIENT), "final-ack-lost", false);
    /* In the middle it may as well have been the SYN,ACK, further on. */
    ground_truth(ground, IN(AT_MIDDLE), "final-ack-lost", false);
}

static void final_ack_lost(struct ground *ground) { final_ack_lost_times(ground, 1); }
static void final_acks_lost(struct ground *ground) { final_ack_lost_times(ground, 2); }

/* Two connections knock, and the queue has room for one, which the program never takes. */
static struct talk *knock_at_full_queue(struct ground *ground)
{
    ground->backlog = 1;
    ground->accepts = false;
    ground_listen(ground);
    struct talk *first = talk_new(ground, ground->port);
    ground->subject = ground->talks;
    struct talk *second = talk_new(ground, ground->port);
    talk_connect(ground, first);
    talk_connect(ground, second);
    ground_pass(ground, luck_scale(&ground->luck, 8 * WH_SECOND, 30 * WH_SECOND));
    return second;
}

static void accept_queue_full(struct ground *ground)
{
    (void)knock_at_full_queue(ground);
    ground_truth(ground, EVERYWHERE, "accept-queue-full", true);
}

/* The program takes its connections in the end, and all goes well. */
static void accept_queue_full_for_a_while(struct ground *ground)
{
    struct talk *talk = knock_at_full_queue(ground);
    ground->accepts = true;
    wh_time limit = ground->now + 60 * WH_SECOND;
    while (!talk_open_at_both(talk) && ground_step(ground, limit)) {
    }
    ground->opened = ground->now;
    talk_greet(ground, talk);
    (void)close_in_order(ground, talk);
    /* Who did not see the ACKs arrive may as well believe that they were lost. */
    ground_truth(ground, IN(AT_SERVER) | IN(AT_BOTH), "accept-queue-full", true);
    ground_truth(ground, IN(AT_CLIENT) | IN(AT_MIDDLE), "accept-queue-full", false);
}

/* The client has something to say, again and again. */
static void accept_queue_full_and_data(struct ground *ground)
{
    ground->backlog = 1;
    ground->accepts = false;
    ground_listen(ground);
    struct talk *first = talk_new(ground, ground->port);
    ground->subject = ground->talks;
    struct talk *second = talk_new(ground, ground->port);
    talk_connect(ground, first);
    talk_connect(ground, second);
    ground_pass(ground, 2 * ground->variety.rtt + WH_MILLISECOND);
    talk_send(second, CLIENT, luck_scale(&ground->luck, 1, 3000));
    ground_pass(ground, luck_scale(&ground->luck, 8 * WH_SECOND, 30 * WH_SECOND));
    ground_truth(ground, EVERYWHERE, "accept-queue-full", true);
}

static void handshake_unfinished(struct ground *ground)
{
    ground_listen(ground);
    struct talk *talk = talk_new(ground, ground->port);
    talk_connect(ground, talk);
    ground_pass(ground, ground->variety.rtt / 8);
    ground_unplug(ground, CLIENT);
    ground_pass(ground, luck_scale(&ground->luck, 8 * WH_SECOND, 200 * WH_SECOND));
    ground_truth(ground, EVERYWHERE, "handshake-unfinished", true);
}

/* A SYN made by hand, by a client that never meant to go on. */
static void handshake_never_meant(struct ground *ground)
{
    uint8_t packet[1500];
    ground_listen(ground);
    ground_unplug(ground, CLIENT);
    struct talk *talk = talk_new(ground, ground->port);
    struct segment syn = {
        .tuple = { .local_port = talk->end[CLIENT].port, .remote_port = ground->port },
        .seq = (uint32_t)luck_below(&ground->luck, UINT32_MAX),
        .flags = WH_SYN,
        .window = 1024,
        .options = { .has = WH_HAS_MSS, .mss = 1460 },
    };
    struct paper paper = { .from = CLIENT, .hops = 64, .id = 54321 };
    ground_emit(ground, CLIENT, packet, paper_write(ground, &paper, &syn, packet));
    ground_pass(ground, luck_scale(&ground->luck, 8 * WH_SECOND, 200 * WH_SECOND));
    ground_truth(ground, EVERYWHERE, "handshake-unfinished", true);
}

static void cancel(struct ground *ground, bool by_reboot)
{
    ground_listen(ground);
    struct talk *talk = talk_new(ground, ground->port);
    talk_connect(ground, talk);
    ground_pass(ground, ground->variety.rtt / 4);
    if (by_reboot) {
        ground_reboot(ground, CLIENT);
    } else {
        talk_abort(talk, CLIENT);
    }
    ground_pass(ground, 4 * ground->variety.rtt + 100 * WH_MILLISECOND);
    ground_truth(ground, EVERYWHERE, "handshake-cancelled", true);
}

static void handshake_cancelled(struct ground *ground) { cancel(ground, false); }
static void handshake_forgotten(struct ground *ground) { cancel(ground, true); }

static void open_from_both(struct ground *ground, wh_time apart)
{
    struct talk *talk = talk_new(ground, ground->port);
    wh_connect_options options;
    wh_connect_options_init(&options);
    options.local = talk->end[SERVER];
    options.remote = talk->end[CLIENT];
    talk_connect(ground, talk);
    ground_pass(ground, apart);
    (void)wh_connect(ground->host[SERVER], &options, ground->now, &talk->conn[SERVER]);
    pause_trips(ground, 3);
    ground->opened = ground->now;
    talk_chat(ground, talk);
    (void)close_in_order(ground, talk);
    ground_truth(ground, EVERYWHERE, "opened-simultaneously", true);
}

static void opened_at_once(struct ground *ground) { open_from_both(ground, 0); }
/* The server's SYN leaves just before the client's arrives. */
static void opened_almost_at_once(struct ground *ground)
{
    open_from_both(ground, ground->variety.rtt / 3);
}

/* A router answers SYNs by ICMP; in the server's name, or in its own. */
static bool answer_by_icmp(struct ground *ground, enum side from, uint8_t *packet, uint32_t length)
{
    static const enum icmp_kind kinds[] = { ICMP_HOST_UNREACHABLE, ICMP_NET_UNREACHABLE,
                                            ICMP_PROHIBITED, ICMP_PORT_UNREACHABLE };
    struct segment segment;
    uint8_t message[1500];
    if (from != CLIENT || !packet_read(&segment, packet, length) ||
        segment.tuple.remote_port != ground->port) {
        return true;
    }
    const struct icmp_error error = {
        .source = ground->box_state,
        .destination = &ground->address[CLIENT],
        .kind = kinds[ground->box_count],
        .quoted = packet,
        .quoted_length = length,
    };
    size_t made = icmp_build_error(message, sizeof message, &error, checksum_best());
    ground_inject(ground, CLIENT, message, (uint32_t)made);
    return false;
}

static void unreachable(struct ground *ground, wh_addr *teller)
{
    ground->box = answer_by_icmp;
    ground->box_state = teller;
    ground->box_count = luck_below(&ground->luck, 4);
    (void)try_to_open(ground, luck_scale(&ground->luck, WH_SECOND, 60 * WH_SECOND));
    ground_truth(ground, IN(AT_CLIENT), "unreachable", true);
    ground_truth(ground, IN(AT_MIDDLE), ground->variety.box_first ? NULL : "unreachable", true);
}

static void unreachable_says_host(struct ground *ground)
{
    unreachable(ground, &ground->address[SERVER]);
}

static void unreachable_says_router(struct ground *ground)
{
    wh_addr router = ground->address[CLIENT];
    router.bytes[15] ^= 0x3c;
    unreachable(ground, &router);
}

const struct scenario scenarios_opening[] = {
    { "refused-closed-port", "nobody listens at the port", closed_port, EITHER, OPENING_MATTERS },
    { "refused-on-path", "the path refuses in the server's name", refused_on_the_path, FINAL,
      OPENING_MATTERS },
    { "no-answer-filtered", "every SYN is dropped on the path", no_answer_filtered, EITHER,
      OPENING_MATTERS },
    { "no-answer-host-down", "nobody lives at the server's address", no_answer_host_down, FINAL,
      OPENING_MATTERS },
    { "syn-lost", "the first SYN is dropped on the path", syn_lost, EITHER, OPENING_MATTERS },
    { "syns-lost", "the first two SYNs are dropped on the path", syns_lost, FINAL,
      OPENING_MATTERS },
    { "syn-ack-lost", "the first SYN,ACK is dropped on the path", syn_ack_lost, EITHER,
      OPENING_MATTERS },
    { "syn-acks-lost", "the first two SYN,ACKs are dropped on the path", syn_acks_lost, FINAL,
      OPENING_MATTERS },
    { "final-ack-lost", "the ACK of the SYN,ACK is dropped on the path", final_ack_lost, EITHER,
      OPENING_MATTERS },
    { "final-acks-lost", "the first two ACKs of the SYN,ACK are dropped", final_acks_lost, FINAL,
      OPENING_MATTERS },
    { "accept-queue-full", "the program never accepts, and the queue is full", accept_queue_full,
      EITHER, OPENING_MATTERS },
    { "accept-queue-full-while", "the queue is full until the program accepts",
      accept_queue_full_for_a_while, EITHER, OPENING_MATTERS },
    { "accept-queue-full-data", "the queue is full, and the client sends",
      accept_queue_full_and_data, FINAL, OPENING_MATTERS },
    { "handshake-unfinished", "the client vanishes after its SYN", handshake_unfinished, EITHER,
      OPENING_MATTERS | QUIET },
    { "handshake-never-meant", "a SYN by hand, whose sender never goes on", handshake_never_meant,
      FINAL, OPENING_MATTERS | QUIET },
    { "handshake-cancelled", "the client aborts before the SYN,ACK comes", handshake_cancelled,
      EITHER, OPENING_MATTERS },
    { "handshake-forgotten", "the client's host restarts after its SYN", handshake_forgotten, FINAL,
      OPENING_MATTERS | QUIET },
    { "opened-simultaneously", "both programs connect at once", opened_at_once, EITHER,
      OPENING_MATTERS },
    { "opened-almost-at-once", "both programs connect before they hear of each other",
      opened_almost_at_once, FINAL, OPENING_MATTERS },
    { "unreachable-host", "ICMP errors in the server's name answer the SYNs", unreachable_says_host,
      EITHER, OPENING_MATTERS },
    { "unreachable-router", "a router's ICMP errors answer the SYNs", unreachable_says_router,
      FINAL, OPENING_MATTERS },
    { 0 },
};
