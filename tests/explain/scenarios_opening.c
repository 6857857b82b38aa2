/* SPDX-License-Identifier: MIT */
/* How connections come about, or do not. */
#include "scenario.h"

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
}

static void syn_ack_lost(struct ground *ground) { syn_ack_lost_times(ground, 1); }
static void syn_acks_lost(struct ground *ground) { syn_ack_lost_times(ground, 2); }

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
    { 0 },
};
