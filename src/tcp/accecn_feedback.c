/* SPDX-License-Identifier: MIT */
/*
 * The data sender's half of Accurate ECN: what the peer's counters say.
 *
 * ACE is three bits wide. An acknowledgement that covers eight packets or more may hide
 * a turn of the counter. Where options come they tell the bytes, and so whether it has
 * turned; until one comes, ACE is believed as it stands, and what was believed is settled
 * against the bytes. Where none come, the worst that fits is assumed (RFC 9768 A.2.1),
 * unless the peer is one whose acknowledgements cover much as a rule.
 *
 * The path is tested as well (RFC 9768 3.2.2.3, 3.2.2.4, 3.2.3.2.5): if it changes the
 * ECN field of what cannot be marked, clears it, marks everything, or zeroes the
 * feedback, nothing more is sent as ECT. Of marks on such a path only those are believed
 * that could be true.
 */
#include "base/bytes.h"
#include "tcp/accecn.h"
#include "tcp/ecn.h"

#define ACE_TURN (ACE_MASK + 1)
/* Round trips after which a path that marks everything, or nothing as ECT, is taken for broken. */
#define TRIAL_ROUNDS 4
/* Above so many segments an acknowledgement on the average, in 16ths, stretches say nothing. */
#define STRETCH_USUAL (4 * 16)

static void stop_ect(struct wh_conn *conn, wh_reason reason)
{
    if (conn->ecn_send) {
        because(conn->tcp, reason);
    }
    conn->ecn_send = false;
}

/* --------------------------------------------------------------- handshake -- */

/* What arrived of our SYN or SYN,ACK, which leave as Not-ECT: anything else was the path's doing. */
static void take_code(struct wh_conn *conn, unsigned flags)
{
    struct accecn *a = conn->accecn;
    bool unchanged = flags == accecn_code(ECN_NOT_ECT) || flags == (WH_AE | WH_ECE);
    if (!unchanged) {
        stop_ect(conn, WH_WHY_ECN_MANGLED);
        a->echo_due = a->echo_due || flags == accecn_code(ECN_CE);
    }
}

/* RFC 9768, table 4: the ACK that opens, with the handshake's code. */
static void take_final_ack(struct wh_conn *conn, unsigned flags)
{
    struct accecn *a = conn->accecn;
    switch (flags >> ACE_SHIFT) {
    case 0:
        stop_ect(conn, WH_WHY_ECN_ZEROED);
        a->deaf = true;
        break;
    case 1:
    case 5:
    case 7: break; /* reserved */
    default: take_code(conn, flags); break;
    }
    if (flags == accecn_code(ECN_CE)) {
        a->s_cep++;
        a->cep_at_option++;
    }
}

/* The first option that could come: is there one, and has it survived (RFC 9768 3.2.3.2.3, .4)? */
static void test_option(struct accecn *a, const struct segment_options *options)
{
    bool e0b = accecn_tells(options, ACCECN_E0B) && options->accecn[ACCECN_E0B] == 0;
    bool e1b = accecn_tells(options, ACCECN_E1B) && options->accecn[ACCECN_E1B] == 0;
    a->options_bad = e0b || e1b;
    a->had_option = a->options_come = (options->has & WH_HAS_ACCECN) != 0 && !a->options_bad;
}

/* ---------------------------------------------------------------- counters -- */

/* What one acknowledgement adds. */
struct added {
    uint32_t newly;   /* bytes acknowledged or SACKed */
    uint32_t packets; /* CE, by ACE */
    uint32_t marked;  /* bytes */
};

/* RFC 9768 A.2.1: the largest number of marks that ACE and the bytes acknowledged allow. */
static uint32_t safe_marks(struct accecn *a, uint32_t marks, uint32_t newly, uint32_t mss)
{
    uint32_t covered = (newly + mss - 1) / mss;
    uint32_t usual = a->stretch;
    uint32_t now = MIN(covered, 256U) * 16;
    if (newly > 0) {
        a->stretch = (uint16_t)(usual + now / 8 - usual / 8);
    }
    if (covered <= marks || a->options_come || usual >= STRETCH_USUAL) {
        return marks;
    }
    return covered - ((covered - marks) & ACE_MASK);
}

/* RFC 9768 A.1: the smallest step forward that leads to the counter's low bits. */
static uint32_t forward(uint64_t *counter, uint32_t low)
{
    uint32_t step = (low - (uint32_t)*counter) & ACCECN_MASK;
    *counter += step;
    return step;
}

/* ACE and bytes must fit: no packet is larger than a segment (RFC 9768 A.2.2, 3.2.3.2.5). */
static void reconcile(struct wh_conn *conn, uint32_t ce_bytes, uint32_t mss)
{
    struct accecn *a = conn->accecn;
    uint64_t told = (uint64_t)(a->s_cep - a->cep_at_option) * mss;
    if (ce_bytes > told && a->s_cep == a->cep_at_option && a->ect_sent < ACE_TURN) {
        stop_ect(conn, WH_WHY_ECN_MANGLED); /* not even a turn explains it */
    } else if (ce_bytes > told) {
        uint64_t turn = (uint64_t)mss * ACE_TURN;
        a->s_cep += (uint32_t)((ce_bytes - told + turn - 1) / turn) * ACE_TURN;
    }
    a->cep_at_option = a->s_cep;
    if (conn->snd_una == conn->snd_nxt) {
        a->ect_sent = 0;
    }
}

static void take_option(struct wh_conn *conn, const struct segment_options *options,
                        struct added *added, uint32_t mss)
{
    struct accecn *a = conn->accecn;
    uint32_t steps[ACCECN_FIELDS] = { 0 };
    for (unsigned field = 0; field < ACCECN_FIELDS; field++) {
        if (accecn_tells(options, field)) {
            steps[field] = forward(&a->s[field], options->accecn[field]);
        }
        a->ect_heard = a->ect_heard || steps[field] > 0;
    }
    uint32_t ce = steps[ACCECN_CEB];
    a->options_come = true;
    added->marked = ce > a->guessed ? (uint32_t)(ce - a->guessed) : 0;
    a->guessed -= MIN(a->guessed, ce);
    reconcile(conn, ce, mss);
}

static void take_counters(struct wh_conn *conn, const struct segment *segment, struct added *added)
{
    struct accecn *a = conn->accecn;
    uint32_t mss = conn_mss(conn);
    uint32_t marks = ((segment->flags >> ACE_SHIFT) - a->s_cep) & ACE_MASK;
    added->packets = safe_marks(a, marks, added->newly, mss);
    a->s_cep += added->packets;
    a->ect_heard = a->ect_heard || added->packets > 0;
    if ((segment->options.has & WH_HAS_ACCECN) && !a->options_bad) {
        take_option(conn, &segment->options, added, mss);
        return;
    }
    /* RFC 9768 A.3, with full segments. */
    uint32_t bytes = added->packets * mss;
    added->marked = added->newly > 0 ? MIN(bytes, added->newly) : bytes;
    a->guessed += added->marked;
}

/* RFC 9768 3.2.2.3: is everything marked, from the beginning? Or nothing even capable of it? */
static void judge_path(struct wh_conn *conn, const struct added *added)
{
    struct accecn *a = conn->accecn;
    if (!a->on_trial || added->newly == 0) {
        return;
    }
    bool all = added->marked >= added->newly;
    a->unmarked = a->unmarked || !all;
    if (a->rounds == 0 || seq_gt(conn->snd_una, a->round_end)) {
        a->rounds++;
        a->round_end = conn->snd_nxt;
    }
    if (a->rounds > TRIAL_ROUNDS) {
        if (!a->unmarked) {
            stop_ect(conn, WH_WHY_ECN_MANGLED);
            a->deaf = true;
        } else if (!a->ect_heard && a->had_option) {
            stop_ect(conn, WH_WHY_ECN_MANGLED);
        }
        a->on_trial = false;
    } else if (a->unmarked && (a->ect_heard || !a->had_option)) {
        a->on_trial = false;
    }
}

/* RFC 9768 A.1: has this been overtaken by a later acknowledgement? */
static bool superseded(struct wh_conn *conn, const struct segment *segment, uint32_t newly)
{
    struct accecn *a = conn->accecn;
    bool stamped = conn->timestamps && (segment->options.has & WH_HAS_TIMESTAMPS);
    bool newer = stamped && seq_gt(segment->options.tsval, a->tsval);
    if (newer) {
        a->tsval = segment->options.tsval;
    }
    /* Before the first data is acknowledged there is nothing of ours that could be marked. */
    bool nothing = segment->ack == conn->iss + 1 && newly == 0;
    return segment->ack != conn->snd_una || nothing || (newly == 0 && !newer);
}

/* RFC 9768 3.2.2.4: the first counter cannot be zero. */
static void test_zero(struct wh_conn *conn, const struct segment *segment)
{
    struct accecn *a = conn->accecn;
    if (!a->heard && segment->flags >> ACE_SHIFT == 0) {
        stop_ect(conn, WH_WHY_ECN_ZEROED);
        a->deaf = true;
    }
    a->heard = true;
}

void accecn_feedback(struct wh_conn *conn, const struct segment *segment, struct acknowledged *what,
                     bool opening)
{
    struct accecn *a = conn->accecn;
    bool syn = (segment->flags & WH_SYN) != 0;
    bool pure = segment->length == 0 && !(segment->options.has & WH_HAS_SACK);
    if (syn || opening) {
        test_option(a, &segment->options);
        a->tsval = segment->options.tsval;
    }
    if (syn) {
        take_code(conn, segment->flags & ECN_FLAGS);
    } else if (opening && pure) {
        take_final_ack(conn, segment->flags & ECN_FLAGS);
    } else {
        test_zero(conn, segment);
    }
    what->echo = a->echo_due;
    a->echo_due = false;
    if (a->probe_out && seq_gt(conn->snd_una, a->probe)) {
        a->probe_out = false; /* the option has come through */
        a->losses = 0;
    }
    struct added added = { .newly = what->delivery.bytes };
    if (!syn && !(opening && pure) && !a->deaf && !superseded(conn, segment, added.newly)) {
        take_counters(conn, segment, &added);
        judge_path(conn, &added);
    }
    if (!a->deaf && (added.marked > 0 || added.packets > 0)) {
        what->marked = added.marked;
        what->echo = true;
    }
    conn->echoes_in += what->echo;
}
