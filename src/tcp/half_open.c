/* SPDX-License-Identifier: MIT */
#include "tcp/half_open.h"

#include "base/bytes.h"
#include "tcp/accecn.h"
#include "tcp/ecn.h"
#include "tcp/fast_open.h"
#include "tcp/protocol.h"
#include "tcp/syn_cookie.h"
#include "tcp/tune.h"

#define CHALLENGES 15

static uint32_t offered_window(const struct tcp *tcp)
{
    return MIN(tune_first_window(tcp->defaults), UINT16_MAX);
}

/* The IP-ECN of the latest SYN (RFC 9768 3.1.5). */
static unsigned syn_ecn(const struct half_open *entry) { return entry->flags / HALF_OPEN_SYN_ECN; }

static void note_syn_ecn(struct half_open *entry, const struct segment *syn)
{
    unsigned rest = entry->flags % HALF_OPEN_SYN_ECN;
    entry->flags = (uint8_t)(rest + (syn->traffic_class & ECN_MASK) * HALF_OPEN_SYN_ECN);
}

/* What the SYN,ACK says of ECN. A repeat may be plainer than the one before (RFC 9768 3.2.3.2.2). */
static uint16_t answer_flags(struct half_open *entry, wh_reason reason)
{
    if (!(entry->flags & HALF_OPEN_ACCURATE)) {
        return (entry->flags & HALF_OPEN_ECN) ? WH_ECE : 0;
    }
    if (reason == WH_WHY_RETRANSMIT_TIMEOUT && entry->plain) {
        entry->flags &= (uint8_t)~HALF_OPEN_ECN; /* no ECT from here on (RFC 9768 3.1.5) */
        return 0;
    }
    entry->plain = entry->plain || reason == WH_WHY_RETRANSMIT_TIMEOUT;
    return accecn_code(syn_ecn(entry));
}

static void fill_answer(struct tcp *tcp, struct half_open *entry, struct reply *reply,
                        wh_reason reason, const struct origins *origins)
{
    reply->flags = WH_SYN | WH_ACK | answer_flags(entry, reason);
    reply->seq = entry->iss;
    reply->ack = entry->irs + 1;
    reply->window = (uint16_t)offered_window(tcp);
    reply->has = WH_HAS_MSS;
    reply->mss = tcp_announced_mss(tcp, tcp->defaults, &entry->tuple.remote);
    if (entry->flags & HALF_OPEN_SCALING) {
        reply->has |= WH_HAS_WINDOW_SCALE;
        reply->window_scale = entry->rcv_scale;
    }
    if (entry->flags & HALF_OPEN_SACK) {
        reply->has |= WH_HAS_SACK_PERMITTED;
    }
    if (entry->flags & HALF_OPEN_TIMESTAMPS) {
        reply->has |= WH_HAS_TIMESTAMPS;
        reply->tsval = tcp_timestamp(tcp, origins->timestamp);
        reply->tsecr = entry->ts_recent;
    }
    if ((entry->flags & HALF_OPEN_ACCURATE) && !entry->plain) {
        reply->has |= WH_HAS_ACCECN;
    }
}

static void answer(struct tcp *tcp, struct half_open *entry, wh_reason reason,
                   const struct origins *origins)
{
    struct reply *reply = reply_add(tcp, &entry->tuple, WH_SYN_RECEIVED, reason);
    if (reply == NULL) {
        return; /* the timer sends the next */
    }
    fill_answer(tcp, entry, reply, reason, origins);
    if ((entry->flags & HALF_OPEN_FAST_OPEN) && reason == WH_WHY_NONE) {
        reply->has |= WH_HAS_FAST_OPEN; /* repeats are bare (RFC 7413 4.2.2) */
        fast_open_cookie(tcp, &entry->tuple, reply->fast_open);
    }
}

void half_open_answer(struct tcp *tcp, struct half_open *entry, wh_reason reason)
{
    struct origins origins = tcp_origins(tcp, &entry->tuple);
    answer(tcp, entry, reason, &origins);
}

bool half_open_answer_cookie(struct tcp *tcp, const struct segment *syn)
{
    struct half_open entry = { .flags = 0 };
    struct reply *reply = reply_add(tcp, &syn->tuple, WH_LISTEN, WH_WHY_COOKIE_SENT);
    if (reply == NULL) {
        return false;
    }
    half_open_negotiate(tcp, &entry, syn);
    syn_cookie_make(tcp, &entry);
    struct origins origins = tcp_origins(tcp, &entry.tuple);
    fill_answer(tcp, &entry, reply, WH_WHY_COOKIE_SENT, &origins);
    reply->tsval = syn_cookie_stamp(&entry, reply->tsval);
    return true;
}

void half_open_negotiate(const struct tcp *tcp, struct half_open *entry, const struct segment *syn)
{
    const struct segment_options *options = &syn->options;
    const int64_t *offer = tcp->defaults->value;
    entry->tuple = syn->tuple;
    entry->irs = syn->seq;
    entry->ts_recent = options->tsval;
    entry->mss = (options->has & WH_HAS_MSS) ? MAX(options->mss, 1) : 0;
    entry->snd_scale = MIN((unsigned)options->window_scale, WINDOW_SCALE_MAX) & 0xfU;
    entry->rcv_scale = tcp_window_scale(offer[WH_OPT_RECEIVE_BUFFER]) & 0xfU;
    if (offer[WH_OPT_SACK] && (options->has & WH_HAS_SACK_PERMITTED)) {
        entry->flags |= HALF_OPEN_SACK;
    }
    if (offer[WH_OPT_TIMESTAMPS] && (options->has & WH_HAS_TIMESTAMPS)) {
        entry->flags |= HALF_OPEN_TIMESTAMPS;
    }
    if (offer[WH_OPT_WINDOW_SCALING] && (options->has & WH_HAS_WINDOW_SCALE)) {
        entry->flags |= HALF_OPEN_SCALING;
    }
    enum ecn_form form = ecn_asked(syn->flags, offer[WH_OPT_ECN]);
    entry->flags |= form == ECN_NONE ? 0 : HALF_OPEN_ECN;
    entry->flags |= form == ECN_ACCURATE ? HALF_OPEN_ACCURATE : 0;
    note_syn_ecn(entry, syn);
}

void half_open_begin(struct tcp *tcp, struct half_open *entry, const struct segment *syn,
                     uint32_t iss, const struct origins *origins)
{
    half_open_negotiate(tcp, entry, syn);
    entry->iss = iss;
    entry->sent = tcp_milliseconds_after(tcp, 0);
    step(tcp, &entry->record, WH_ON_GOT_SYN, WH_WHY_BY_SEGMENT);
    answer(tcp, entry, WH_WHY_NONE, origins);
}

/* <SEQ=SND.NXT><ACK=RCV.NXT>, a bounded number of times. */
static void challenge(struct tcp *tcp, struct half_open *entry, wh_reason reason)
{
    because(tcp, reason);
    if (entry->challenges == CHALLENGES) {
        tcp->count[WH_WHY_CHALLENGE_LIMITED]++;
        return;
    }
    entry->challenges = (entry->challenges + 1U) & CHALLENGES;
    struct reply *reply = reply_add(tcp, &entry->tuple, WH_SYN_RECEIVED, WH_WHY_CHALLENGE_ACK);
    if (reply == NULL) {
        return;
    }
    reply->flags = WH_ACK | ((entry->flags & HALF_OPEN_ACCURATE) ? accecn_first_ace() : 0);
    reply->seq = entry->iss + 1;
    reply->ack = entry->irs + 1;
    reply->scale = (entry->flags & HALF_OPEN_SCALING) ? entry->rcv_scale : 0;
    reply->window = (uint16_t)(offered_window(tcp) >> reply->scale);
    if (entry->flags & HALF_OPEN_TIMESTAMPS) {
        reply->has = WH_HAS_TIMESTAMPS;
        reply->tsval = tcp_timestamp(tcp, tcp_origins(tcp, &entry->tuple).timestamp);
        reply->tsecr = entry->ts_recent;
    }
}

static enum half_open_verdict take_reset(struct tcp *tcp, struct half_open *entry,
                                         const struct segment *segment)
{
    uint32_t rcv_nxt = entry->irs + 1;
    if (segment->seq == rcv_nxt) {
        step(tcp, &entry->record, WH_ON_GOT_RST_PASSIVE, WH_WHY_PEER_RESET);
        return HALF_OPEN_OVER;
    }
    if (seq_in(segment->seq, rcv_nxt, offered_window(tcp))) {
        challenge(tcp, entry, WH_WHY_RST_NOT_EXACT);
    } else {
        because(tcp, WH_WHY_RST_OUTSIDE);
    }
    return HALF_OPEN_STAYS;
}

/* RFC 7323 5.3 for the one timestamp that a half-open entry knows. */
static bool old_timestamp(const struct half_open *entry, const struct segment *segment)
{
    return (entry->flags & HALF_OPEN_TIMESTAMPS) && (segment->options.has & WH_HAS_TIMESTAMPS) &&
           seq_lt(segment->options.tsval, entry->ts_recent);
}

/* RFC 9768 3.1.5: the form stays, whatever later SYNs say. False: one that must be reset. */
static bool ecn_agrees(struct half_open *entry, const struct segment *syn)
{
    enum ecn_form form = ecn_asked(syn->flags, ECN_ANSWER);
    if (entry->flags & HALF_OPEN_ACCURATE) {
        note_syn_ecn(entry, syn);
        entry->plain = entry->plain || form == ECN_ACCURATE; /* the SYN,ACK may have been lost */
    } else if (form == ECN_ACCURATE) {
        return !(entry->flags & HALF_OPEN_ECN);
    }
    if (form == ECN_NONE) {
        entry->flags &= (uint8_t)~HALF_OPEN_ECN; /* the peer has given it up */
    }
    return !(entry->flags & HALF_OPEN_ACCURATE) || form != ECN_CLASSIC;
}

/* Two forms of ECN in one handshake: nobody knows which holds. */
static enum half_open_verdict reset_forms(struct tcp *tcp, struct half_open *entry)
{
    struct reply *reply = reply_add(tcp, &entry->tuple, WH_SYN_RECEIVED, WH_WHY_ECN_FORMS);
    if (reply != NULL) {
        reply->flags = WH_RST | WH_ACK;
        reply->seq = entry->iss + 1;
        reply->ack = entry->irs + 1;
    }
    step(tcp, &entry->record, WH_ON_ABORT, WH_WHY_ECN_FORMS);
    return HALF_OPEN_OVER;
}

enum half_open_verdict half_open_arrive(struct tcp *tcp, struct half_open *entry,
                                        const struct segment *segment)
{
    if (segment->flags & WH_RST) {
        return take_reset(tcp, entry, segment);
    }
    if (segment->flags & WH_SYN) {
        if (segment->seq == entry->irs && !(segment->flags & WH_ACK)) {
            because(tcp, WH_WHY_SYN_REPEATED);
            if ((segment->options.has & WH_HAS_TIMESTAMPS) &&
                seq_gt(segment->options.tsval, entry->ts_recent)) {
                entry->ts_recent = segment->options.tsval; /* RFC 7323 4.3 */
            }
            if (!ecn_agrees(entry, segment)) {
                return reset_forms(tcp, entry);
            }
            half_open_answer(tcp, entry, WH_WHY_SYN_REPEATED);
        } else {
            challenge(tcp, entry, WH_WHY_SYN_IN_CONNECTION);
        }
        return HALF_OPEN_STAYS;
    }
    if ((entry->flags & HALF_OPEN_TIMESTAMPS) && !(segment->options.has & WH_HAS_TIMESTAMPS)) {
        /* RFC 7323 3.2; the connection it would become could not take it either */
        because(tcp, WH_WHY_TIMESTAMP_MISSING);
        return HALF_OPEN_STAYS;
    }
    if (old_timestamp(entry, segment)) {
        challenge(tcp, entry, WH_WHY_PAWS);
        return HALF_OPEN_STAYS;
    }
    if (!tcp_acceptable(entry->irs + 1, offered_window(tcp), segment->seq,
                        segment_length(segment))) {
        challenge(tcp, entry, WH_WHY_OUTSIDE_WINDOW);
        return HALF_OPEN_STAYS;
    }
    if (!(segment->flags & WH_ACK)) {
        because(tcp, WH_WHY_NO_ACK_FLAG);
        return HALF_OPEN_STAYS;
    }
    if (segment->ack != entry->iss + 1) {
        because(tcp, WH_WHY_ACK_BAD_IN_SYN_RECEIVED);
        reply_reset(tcp, segment, WH_SYN_RECEIVED, WH_WHY_ACK_BAD_IN_SYN_RECEIVED);
        return HALF_OPEN_STAYS;
    }
    return HALF_OPEN_DONE;
}

/* What both SYNs agreed on holds, whatever the defaults have become since. */
static void take_agreement(const struct half_open *entry, struct wh_conn *conn)
{
    conn->sack = (entry->flags & HALF_OPEN_SACK) != 0;
    conn->scaling = (entry->flags & HALF_OPEN_SCALING) != 0;
    conn->snd_scale = conn->scaling ? entry->snd_scale : 0;
    conn->rcv_scale = conn->scaling ? entry->rcv_scale : 0;
    if (entry->rcv_scale > 0) {
        /* Who needs a scale has offered all that the SYN,ACK can say. */
        conn->rcv_edge = conn->rcv_nxt + UINT16_MAX;
    }
    conn->timestamps = (entry->flags & HALF_OPEN_TIMESTAMPS) != 0;
    bool ect = (entry->flags & HALF_OPEN_ECN) != 0;
    bool accurate = (entry->flags & HALF_OPEN_ACCURATE) != 0;
    ecn_enter(conn, accurate ? ECN_ACCURATE : ect ? ECN_CLASSIC : ECN_NONE, syn_ecn(entry));
    conn->ecn_send = conn->ecn_send && ect;
    if (conn->accecn != NULL) {
        conn->accecn->quiet = entry->plain;
    }
    if (conn->timestamps) {
        conn->ts_recent = entry->ts_recent;
        conn->ts_recent_age = (uint32_t)(conn->tcp->now / WH_SECOND);
    }
}

void half_open_promote(const struct half_open *entry, struct wh_conn *conn)
{
    struct segment syn = { .tuple = entry->tuple, .seq = entry->irs, .flags = WH_SYN };
    syn.options.mss = entry->mss;
    syn.options.has = entry->mss != 0 ? WH_HAS_MSS : 0;
    conn->record = entry->record; /* the same state in a larger record, not a transition */
    tcp_open_passive(conn, &syn, entry->iss);
    take_agreement(entry, conn);
    conn->snd_max = entry->iss + 1;
    conn->syn_retries = entry->wait;
    conn->prior = entry->prior;
    /* The SYN,ACK left this long ago; a millisecond's clock is too coarse for short paths. */
    int32_t elapsed = (int32_t)(tcp_milliseconds(conn->tcp) - entry->sent);
    if (elapsed >= 10 && entry->wait == 0) {
        rtt_sample(conn, (uint64_t)elapsed * WH_MILLISECOND);
    }
}
