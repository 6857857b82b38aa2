/* SPDX-License-Identifier: MIT */
/*
 * RFC 9293 3.10.7, SEGMENT ARRIVES, in its own order and with its own step
 * numbers, as a function from facts to what may follow. RFC 5961 hardens steps
 * two, four and five, RFC 7323 stands in front of step one, and RFC 6191 and 1337
 * decide in TIME-WAIT. Where the text leaves a choice every conformant outcome is
 * allowed and named.
 */
#include "oracle.h"

/* ---------------------------------------------- numbers modulo 2^32 (3.4) -- */

/* a - b as the shorter way round. */
static int32_t distance(uint32_t a, uint32_t b) { return (int32_t)(a - b); }
static bool below(uint32_t a, uint32_t b) { return distance(a, b) < 0; }
static bool at_most(uint32_t a, uint32_t b) { return distance(a, b) <= 0; }
static bool within(uint32_t x, uint32_t first, uint32_t count) { return x - first < count; }

static bool has(const struct segment *s, uint16_t flag) { return (s->flags & flag) != 0; }

/* SEG.LEN: the octets of data and the SYN and FIN. */
static uint32_t seg_len(const struct segment *s)
{
    return s->length + (has(s, WH_SYN) ? 1 : 0) + (has(s, WH_FIN) ? 1 : 0);
}

/* -------------------------------------------------------------- outcomes -- */

/* Nothing happens: no reply, all variables stay. */
static struct outcome unchanged(const struct facts *f)
{
    return (struct outcome){ .choice = "",
                             .state = f->state,
                             .error = f->error,
                             .snd_una = f->snd_una,
                             .rcv_nxt = f->rcv_nxt,
                             .snd_wnd = f->snd_wnd };
}

static struct outcome *allow(struct expectation *e, const char *choice, struct outcome outcome)
{
    struct outcome *at = &e->outcome[e->outcomes++];
    *at = outcome;
    at->choice = choice;
    return at;
}

static struct outcome replied(struct outcome o, enum reply_kind kind, uint32_t seq, uint32_t ack)
{
    o.reply = (struct reply){ .kind = kind, .seq = seq, .ack = ack };
    return o;
}

/* <SEQ=SND.NXT><ACK=RCV.NXT><CTL=ACK> */
static struct outcome acked(const struct facts *f, struct outcome o)
{
    return replied(o, REPLY_ACK, f->snd_nxt, o.rcv_nxt);
}

static void drop(struct expectation *e, const struct facts *f) { allow(e, "drop", unchanged(f)); }

/* Answer with an acknowledgement, drop the segment. */
static void acknowledge(struct expectation *e, const struct facts *f)
{
    allow(e, "ACK and drop", acked(f, unchanged(f)));
}

/* <SEQ=SEG.ACK><CTL=RST>; the state stays. */
static void refuse(struct expectation *e, const struct facts *f, const struct segment *s)
{
    allow(e, "RST of SEG.ACK", replied(unchanged(f), REPLY_RST, s->ack, 0));
}

static struct outcome closed(const struct facts *f, int error)
{
    struct outcome o = unchanged(f);
    o.state = WH_CLOSED;
    o.error = error;
    return o;
}

/* --------------------------------------------- 3.10.7.1, 3.10.7.2, 3.10.7.3 -- */

static void closed_state(const struct facts *f, const struct segment *s, struct expectation *e)
{
    if (has(s, WH_RST))
        drop(e, f);
    else if (has(s, WH_ACK))
        refuse(e, f, s);
    else
        allow(e, "RST,ACK of SEG.SEQ+SEG.LEN",
              replied(unchanged(f), REPLY_RST_ACK, 0, s->seq + seg_len(s)));
}

/* A SYN for the listener: a new connection in SYN-RECEIVED. */
static struct outcome new_connection(const struct facts *f, const struct segment *s)
{
    struct outcome o = unchanged(f);
    o.state = WH_SYN_RECEIVED;
    o.rcv_nxt = s->seq + 1;
    o.snd_una = f->next_iss;
    o.any_snd_wnd = true;
    return replied(o, REPLY_SYN_ACK, f->next_iss, s->seq + 1);
}

static void listen_state(const struct facts *f, const struct segment *s, struct expectation *e)
{
    if (has(s, WH_RST)) { /* First */
        drop(e, f);
        return;
    }
    if (has(s, WH_ACK)) { /* Second */
        refuse(e, f, s);
        return;
    }
    /* Third: text and FIN would be "queued for processing later". docs/architecture.md: a SYN with FIN
     * is dropped. Fourth: so is all that is left. */
    if (has(s, WH_SYN) && !has(s, WH_FIN))
        allow(e, "SYN,ACK", new_connection(f, s));
    else
        drop(e, f);
}

/* "Continue processing at the sixth step": text and FIN of a SYN,ACK, which begin at IRS+1. */
static void syn_ack_text(const struct facts *f, const struct segment *s, struct outcome *o)
{
    o->delivered = s->length;
    o->rcv_nxt += s->length;
    if (s->length != 0 || has(s, WH_FIN))
        *o = replied(*o, REPLY_ACK_TOO, f->snd_nxt, 0);
    if (has(s, WH_URG))
        o->urgent = YES;
    if (has(s, WH_FIN)) {
        o->rcv_nxt++;
        o->eof = true;
        o->state = WH_CLOSE_WAIT;
    }
    o->reply.ack = o->rcv_nxt;
}

static void syn_sent_state(const struct facts *f, const struct segment *s, struct expectation *e)
{
    struct outcome o = unchanged(f);
    if (has(s, WH_ACK) && (at_most(s->ack, f->iss) || below(f->snd_nxt, s->ack))) { /* First */
        if (has(s, WH_RST))
            drop(e, f);
        else
            refuse(e, f, s);
        return;
    }
    if (has(s, WH_RST)) { /* Second. The text says "reset"; sockets say "refused". */
        if (has(s, WH_ACK))
            allow(e, "refused", closed(f, WH_E_CONNREFUSED));
        else
            drop(e, f);
        return;
    }
    if (!has(s, WH_SYN)) { /* Fifth */
        drop(e, f);
        return;
    }
    o.rcv_nxt = s->seq + 1; /* Fourth */
    o.any_snd_wnd = true;
    if (has(s, WH_ACK)) {
        o.snd_una = s->ack;
        o.state = WH_ESTABLISHED;
        o = acked(f, o);
        syn_ack_text(f, s, &o);
        allow(e, "established", o);
    } else { /* simultaneous open; text and FIN wait, or are sent again by the peer */
        o.state = WH_SYN_RECEIVED;
        allow(e, "simultaneous open", replied(o, REPLY_SYN_ACK, f->iss, o.rcv_nxt));
    }
}

/* ------------------------------------------------- 3.10.7.4, Other States -- */

static bool our_fin_acked(const struct facts *f, uint32_t ack)
{
    return f->fin_sent && ack == f->snd_nxt;
}

/* SND.UNA, SND.WND and the state after an acceptable ACK: what all states of the fifth step share. */
static struct outcome ack_processed(const struct facts *f, const struct segment *s)
{
    struct outcome o = unchanged(f);
    if (f->state == WH_TIME_WAIT)
        return o;
    if (below(f->snd_una, s->ack))
        o.snd_una = s->ack;
    /* SEG.SEQ below RCV.NXT: 3.10.7.4 speaks of the segment as it is after trimming, or as it came. */
    if (below(s->seq, f->rcv_nxt))
        o.any_snd_wnd = true;
    if (at_most(f->snd_una, s->ack) &&
        (below(f->wl1, s->seq) || (f->wl1 == s->seq && at_most(f->wl2, s->ack))))
        o.snd_wnd = s->window;
    if (f->state == WH_SYN_RECEIVED) {
        o.state = WH_ESTABLISHED;
        o.snd_wnd = s->window;
    }
    if (our_fin_acked(f, s->ack)) {
        if (f->state == WH_FIN_WAIT_1)
            o.state = WH_FIN_WAIT_2;
        else if (f->state == WH_CLOSING)
            o.state = WH_TIME_WAIT;
        else if (f->state == WH_LAST_ACK)
            o.state = WH_CLOSED;
    }
    return o;
}

/* The range of RFC 5961 5.2; in SYN-RECEIVED the acceptable ACK is the one that covers our SYN. */
static bool ack_acceptable(const struct facts *f, uint32_t ack)
{
    if (f->state == WH_SYN_RECEIVED)
        return below(f->snd_una, ack) && at_most(ack, f->snd_nxt);
    return at_most(f->snd_una - f->max_snd_wnd, ack) && at_most(ack, f->snd_nxt);
}

/* RFC 9293 table 6. */
static bool sequence_acceptable(const struct facts *f, const struct segment *s)
{
    uint32_t length = seg_len(s);
    if (f->rcv_wnd == 0)
        return length == 0 && s->seq == f->rcv_nxt;
    return within(s->seq, f->rcv_nxt, f->rcv_wnd) ||
           (length != 0 && within(s->seq + length - 1, f->rcv_nxt, f->rcv_wnd));
}

/*
 * Not acceptable by its number, and the ACK field is looked at all the same: the ACK that step one
 * owes, or nothing where the connection is over by it.
 */
static void ack_field_alone(const struct facts *f, const struct segment *s, struct expectation *e)
{
    struct outcome o = ack_processed(f, s);
    o.any_snd_wnd = true;
    o.urgent = EITHER;
    if (o.state == WH_CLOSED)
        allow(e, "ACK field processed, closed silently", o);
    else
        allow(e, "ACK field processed", acked(f, o));
    o.rcv_nxt = f->rcv_nxt;
    if (o.state == WH_ESTABLISHED && f->state == WH_SYN_RECEIVED)
        allow(e, "ACK field processed, no reply", o);
}

/*
 * Appendix A.2: segments one below the window (a crossing SYN,ACK, a FIN again, a probe) and exact
 * duplicates may have their ACK field processed.
 */
static bool appendix_a2(const struct facts *f, const struct segment *s)
{
    return has(s, WH_ACK) && ack_acceptable(f, s->ack) && f->state != WH_TIME_WAIT &&
           (s->seq == f->rcv_nxt - 1 || (seg_len(s) != 0 && s->seq + seg_len(s) == f->rcv_nxt));
}

/*
 * The SYN of this very connection again: our SYN,ACK was lost, and is better sent again than the ACK
 * of step one, to which a peer in SYN-SENT would answer with a RST or not at all (3.10.7.3).
 */
static void syn_again(const struct facts *f, const struct segment *s, struct expectation *e)
{
    if (f->state == WH_SYN_RECEIVED && has(s, WH_SYN) && s->seq == f->irs && !has(s, WH_ACK))
        allow(e, "SYN,ACK again", replied(unchanged(f), REPLY_SYN_ACK, f->iss, f->rcv_nxt));
}

static void first_unacceptable(const struct facts *f, const struct segment *s,
                               struct expectation *e)
{
    struct outcome o = acked(f, unchanged(f));
    if (has(s, WH_RST)) {
        drop(e, f);
        return;
    }
    syn_again(f, s, e);
    /* RFC 9293 3.10.7.4 (1st): "special allowance should be made to accept valid ACKs, URGs, and
     * RSTs" where RCV.WND is zero. */
    if (f->rcv_wnd == 0 && s->seq == f->rcv_nxt && has(s, WH_ACK) && ack_acceptable(f, s->ack) &&
        !has(s, WH_SYN)) {
        ack_field_alone(f, s, e);
        return;
    }
    /* A FIN that needs no buffer may be taken at a closed window (lifecycle C17); see eighth(). */
    if (appendix_a2(f, s))
        ack_field_alone(f, s, e);
    o.any_snd_wnd = appendix_a2(f, s);
    /* The FIN again restarts 2MSL (fifth and eighth step), nothing else does. */
    if (f->state == WH_TIME_WAIT && has(s, WH_FIN) && s->seq + seg_len(s) == f->rcv_nxt)
        o.restarted = has(s, WH_ACK) && ack_acceptable(f, s->ack) && !has(s, WH_SYN) ? YES : EITHER;
    allow(e, "ACK and drop", o);
}

/* RFC 9293 3.10.7.4 second, RFC 5961 3.2. Judged by SEG.SEQ alone, data or none. */
static void second_rst(const struct facts *f, const struct segment *s, struct expectation *e)
{
    struct outcome o = closed(f, WH_E_CONNRESET);
    bool ignored = f->state == WH_TIME_WAIT && !f->rst_ends; /* RFC 1337 3, docs/architecture.md */
    if (ignored || (s->seq != f->rcv_nxt && !within(s->seq, f->rcv_nxt, f->rcv_wnd))) { /* 1) */
        drop(e, f);
        return;
    }
    if (s->seq != f->rcv_nxt) { /* 3) */
        acknowledge(e, f);
        return;
    }
    if (f->state == WH_SYN_RECEIVED && f->passive) /* 2), with a closed window too (MUST-66) */
        o.state = WH_LISTEN;
    else if (f->state == WH_SYN_RECEIVED)
        o.error = WH_E_CONNREFUSED;
    else if (f->state == WH_TIME_WAIT) /* both sides had closed: nobody is told */
        o.error = 0;
    allow(e, "reset", o);
}

/* RFC 9293 3.10.7.4 fourth, RFC 5961 4.2: irrespective of the sequence number. */
static void fourth_syn(const struct facts *f, const struct segment *s, struct expectation *e)
{
    /* The SYN of this very connection again, with data that reaches into the window: as in step one. */
    syn_again(f, s, e);
    if (f->state == WH_SYN_RECEIVED && appendix_a2(f, s))
        ack_field_alone(f, s, e);
    acknowledge(e, f);
}

/* Steps six to eight where the peer's FIN has been received: text, URG and FIN are ignored. */
static void after_fin(const struct facts *f, const struct segment *s, struct outcome o,
                      struct expectation *e)
{
    allow(e, "ignored in silence", o);
    if (seg_len(s) != 0)
        allow(e, "ignored with an ACK", acked(f, o));
}

/* Text that arrives after close(): RFC 9293 3.6.1, SHLD-3. */
static void nobody_reads(const struct facts *f, const struct segment *s, const struct outcome *o,
                         bool in_order, struct expectation *e)
{
    struct outcome gone = closed(f, 0);
    gone.snd_una = o->snd_una;
    allow(e, "RST, nobody reads", replied(gone, REPLY_RST, f->snd_nxt, f->rcv_nxt));
    allow(e, "RST of SEG.ACK, nobody reads", replied(gone, REPLY_RST, s->ack, f->rcv_nxt));
    if (!in_order)
        allow(e, "ACK, held", acked(f, *o));
}

/* The eighth step for a FIN that is the next number. */
static void fin_taken(const struct facts *f, struct outcome o, struct expectation *e)
{
    o.rcv_nxt++;
    o.eof = true;
    switch (o.state) {
    case WH_SYN_RECEIVED:
    case WH_ESTABLISHED: o.state = WH_CLOSE_WAIT; break;
    case WH_FIN_WAIT_1: o.state = WH_CLOSING; break;
    case WH_FIN_WAIT_2: o.state = WH_TIME_WAIT; break;
    default: break;
    }
    allow(e, "FIN taken", acked(f, o));
}

/* Sixth, seventh and eighth step where text is still expected. */
static void text_and_fin(const struct facts *f, const struct segment *s, struct outcome o,
                         struct expectation *e)
{
    if (has(s, WH_URG)) /* Sixth */
        o.urgent = f->reader == READER_READS ? YES : EITHER;
    if (seg_len(s) == 0) {
        allow(e, "no reply", o);
        return;
    }
    bool early = below(f->rcv_nxt, s->seq);
    uint32_t old = early ? 0 : f->rcv_nxt - s->seq;
    uint32_t fresh = s->length > old ? s->length - old : 0;
    if (f->reader == READER_GONE && s->length > old) {
        nobody_reads(f, s, &o, !early, e);
        return;
    }
    if (early) { /* held for later (SHLD-31), or not: the same ACK (RFC 5681 4.2) */
        allow(e, "ACK, held", acked(f, o));
        return;
    }
    bool cut = fresh > f->rcv_wnd; /* Seventh: only what lies in the window */
    if (cut)
        fresh = f->rcv_wnd;
    o.rcv_nxt += fresh;
    o.delivered = f->reader == READER_READS ? fresh : 0;
    if (!has(s, WH_FIN) || cut) {
        allow(e, "text taken", replied(o, REPLY_ACK_SOON, f->snd_nxt, o.rcv_nxt));
        return;
    }
    if (fresh == f->rcv_wnd) /* the FIN alone lies beyond the edge: either */
        allow(e, "text taken, FIN refused", acked(f, o));
    fin_taken(f, o, e);
}

/* Fifth step and what follows it. */
static void fifth_ack(const struct facts *f, const struct segment *s, struct expectation *e)
{
    struct outcome o;
    if (!has(s, WH_ACK)) {
        drop(e, f);
        return;
    }
    if (!ack_acceptable(f, s->ack)) {
        if (f->state == WH_SYN_RECEIVED) {
            refuse(e, f, s);
            return;
        }
        acknowledge(e, f);
        /* MAY-12 is an option; a connection in TIME-WAIT need not remember the largest window. */
        if (f->state == WH_TIME_WAIT && at_most(s->ack, f->snd_nxt))
            after_fin(f, s, unchanged(f), e);
        return;
    }
    o = ack_processed(f, s);
    switch (f->state) {
    case WH_CLOSE_WAIT:
    case WH_CLOSING: after_fin(f, s, o, e); break;
    case WH_TIME_WAIT:
        o.any_snd_wnd = true;
        after_fin(f, s, o, e);
        break;
    case WH_LAST_ACK:
        if (o.state == WH_CLOSED)
            allow(e, "closed", o);
        else
            after_fin(f, s, o, e);
        break;
    default: text_and_fin(f, s, o, e); break;
    }
}

/* ---------------------------------------------------------- in front of it -- */

/*
 * A SYN in TIME-WAIT, with somebody listening: RFC 9293 3.6.1 (MAY-2) without timestamps, RFC 6191 2
 * with them. True if decided here.
 */
static bool time_wait_syn(const struct facts *f, const struct segment *s, struct expectation *e)
{
    bool stamped = (s->options.has & WH_HAS_TIMESTAMPS) != 0;
    /* Beyond the FIN, the last number used. Exactly half way round is outside every window (3.4). */
    bool above = !below(s->seq, f->rcv_nxt);
    bool accept = above;
    if (!f->listener || !has(s, WH_SYN) || has(s, WH_ACK) || has(s, WH_RST))
        return false;
    if (f->stamps && stamped && s->options.tsval != f->ts_recent)
        accept = below(f->ts_recent, s->options.tsval);
    else if (!f->stamps && stamped)
        accept = true;
    if (accept && !has(s, WH_FIN)) {
        struct outcome o = new_connection(f, s);
        o.reply.seq = f->snd_nxt; /* "larger than the largest sequence number it used" */
        o.reply.above = true;
        allow(e, "reopened", o);
        return true;
    }
    if (has(s, WH_FIN)) /* a listener drops it, a connection challenges it */
        drop(e, f);
    else if (f->stamps)
        allow(e, "silence by RFC 6191", unchanged(f));
    acknowledge(e, f);
    if (has(s, WH_FIN) && s->seq + seg_len(s) == f->rcv_nxt)
        e->outcome[e->outcomes - 1].restarted = EITHER;
    return true;
}

/* RFC 7323 5.3 (R1) and 3.2. True if decided here. */
static bool timestamps(const struct facts *f, const struct segment *s, struct expectation *e)
{
    if (!f->stamps || has(s, WH_RST)) /* 5.2: PAWS does not apply to RST */
        return false;
    if ((s->options.has & WH_HAS_TIMESTAMPS) == 0) {
        drop(e, f); /* 3.2: SHOULD silently drop */
        if (has(s, WH_SYN))
            acknowledge(e, f); /* RFC 5961 4.2 */
        /* Nothing is agreed upon before both SYNs are acknowledged (3.2). */
        syn_again(f, s, e);
        if (f->state == WH_SYN_RECEIVED && has(s, WH_SYN) && appendix_a2(f, s))
            ack_field_alone(f, s, e);
        return true;
    }
    if (!below(s->options.tsval, f->ts_recent))
        return false;
    acknowledge(e, f);
    /* A late duplicate of the final ACK, older by nature, is better not answered (lifecycle T05). */
    if (f->state == WH_TIME_WAIT && seg_len(s) == 0 && s->seq == f->rcv_nxt)
        drop(e, f);
    if (f->state == WH_TIME_WAIT && has(s, WH_FIN) && s->seq + seg_len(s) == f->rcv_nxt)
        e->outcome[0].restarted = EITHER;
    syn_again(f, s, e);
    return true;
}

static void other_states(const struct facts *f, const struct segment *s, struct expectation *e)
{
    if (f->state == WH_TIME_WAIT && time_wait_syn(f, s, e))
        return;
    if (timestamps(f, s, e))
        return;
    if (has(s, WH_RST))
        second_rst(f, s, e);
    else if (!sequence_acceptable(f, s))
        first_unacceptable(f, s, e);
    else if (has(s, WH_SYN))
        fourth_syn(f, s, e);
    else
        fifth_ack(f, s, e);
    /* A bare FIN needs no buffer: a closed window may take it all the same (lifecycle C17). */
    bool open_side = f->state == WH_SYN_RECEIVED || f->state == WH_ESTABLISHED ||
                     f->state == WH_FIN_WAIT_1 || f->state == WH_FIN_WAIT_2;
    if (f->rcv_wnd == 0 && open_side && s->seq == f->rcv_nxt && s->length == 0 &&
        (s->flags & (WH_FIN | WH_SYN | WH_RST | WH_ACK)) == (WH_FIN | WH_ACK) &&
        ack_acceptable(f, s->ack)) {
        struct outcome o = ack_processed(f, s);
        o.urgent = EITHER;
        fin_taken(f, o, e);
    }
}

void oracle_arrives(const struct facts *f, const struct segment *s, struct expectation *e)
{
    e->outcomes = 0;
    switch (f->state) {
    case WH_CLOSED: closed_state(f, s, e); break;
    case WH_LISTEN: listen_state(f, s, e); break;
    case WH_SYN_SENT: syn_sent_state(f, s, e); break;
    default: other_states(f, s, e); break;
    }
    /* Nothing lies beyond the peer's FIN: whoever is in TIME-WAIT may hold its window to be closed. */
    if (f->state == WH_TIME_WAIT && f->rcv_wnd != 0) {
        struct facts closed_window = *f;
        closed_window.rcv_wnd = 0;
        other_states(&closed_window, s, e);
    }
}
