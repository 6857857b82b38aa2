/* SPDX-License-Identifier: MIT */
#include "tcp/ecn.h"

#include "base/bytes.h"
#include "tcp/accecn.h"

/* RFC 9768 3.1.4.1: the first repeat of the SYN asks as well, later ones do not. */
#define ACCURATE_SYN_REPEATS 1
/* What exact_gap can hold. */
#define EXACT_GAP_MAX ((UINT32_C(1) << 15) - 1)

/* ------------------------------------------------------------- negotiation -- */

enum ecn_form ecn_asked(uint16_t flags, int64_t level)
{
    switch (level == ECN_NEVER ? 0 : flags & ECN_FLAGS) {
    case 0: return ECN_NONE;
    case WH_CWR | WH_ECE: return ECN_CLASSIC;
    default: return ECN_ACCURATE; /* the unused codes as well (RFC 9768 3.1.3) */
    }
}

/* RFC 9768, table 2: the SYN,ACK to a SYN that asked for Accurate ECN. */
static enum ecn_form answer_to_accurate(uint16_t flags)
{
    switch (flags & ECN_FLAGS) {
    case 0: return ECN_NONE;
    case WH_ECE: return ECN_CLASSIC;
    case ECN_FLAGS: return ECN_NONE; /* a mirror */
    default: return ECN_ACCURATE;
    }
}

void ecn_ask(struct wh_conn *conn)
{
    int64_t level = conn_option(conn, WH_OPT_ECN);
    conn->ecn = level >= ECN_ASK;
    conn->ecn_send = conn->ecn;
    conn->accurate_asked = level >= ECN_ASK_ACCURATE;
}

void ecn_enter(struct wh_conn *conn, enum ecn_form form, unsigned ip_ecn)
{
    if (form == ECN_ACCURATE && conn->accecn == NULL && !accecn_begin(conn, ip_ecn)) {
        form = ECN_NONE; /* ACE will be zero, which tells the peer (RFC 9768 3.2.2.4) */
    }
    conn->ecn = form != ECN_NONE;
    conn->ecn_send = conn->ecn;
}

static uint16_t answer_flags(struct wh_conn *conn)
{
    struct accecn *a = conn->accecn;
    if (a == NULL) {
        return conn->ecn_send ? WH_ECE : 0;
    }
    /* RFC 9768 3.2.3.2.2: at first without the option, then without the flags; no ECT from there on. */
    if (conn->rtx_reason == WH_WHY_RETRANSMIT_TIMEOUT) {
        conn->ecn_send = conn->ecn_send && !a->plain;
        if (a->plain) {
            return 0;
        }
        a->plain = true;
        a->quiet = true;
    }
    return accecn_code(a->syn_seen);
}

uint16_t ecn_syn_flags(struct wh_conn *conn, bool answer, bool again)
{
    if (answer) {
        return answer_flags(conn);
    }
    if (conn->accurate_asked) {
        if (conn->syn_retries > ACCURATE_SYN_REPEATS) {
            conn->ecn_send = false;
        }
        return conn->ecn_send ? ECN_FLAGS : 0;
    }
    if (again) {
        /*
         * RFC 3168 6.1.1.1: what swallowed the SYN may have disliked its flags. Who has sent
         * a SYN without them sets no ECT, but echoes marks if the peer has answered the first.
         */
        conn->ecn_send = false;
    }
    return conn->ecn_send ? WH_ECE | WH_CWR : 0;
}

void ecn_answered(struct wh_conn *conn, const struct segment *segment)
{
    bool answer = (segment->flags & WH_ACK) != 0;
    bool all_asked = conn->ecn_send; /* no SYN without ECN has left */
    enum ecn_form form = ECN_NONE;
    if (conn->ecn && conn->accurate_asked) {
        form = answer ? answer_to_accurate(segment->flags) : ecn_asked(segment->flags, ECN_ASK);
    } else if (conn->ecn) {
        bool agreed = answer ? ecn_setup_syn_ack(segment->flags)
                             : (segment->flags & (WH_ECE | WH_CWR)) == (WH_ECE | WH_CWR);
        form = agreed ? ECN_CLASSIC : ECN_NONE;
    }
    ecn_enter(conn, form, segment->traffic_class & ECN_MASK);
    bool accurate = conn->accecn != NULL;
    if (accurate && answer) {
        accecn_syn_ack(
            conn, segment); /* who opens may send ECT, whatever it has asked (RFC 9768 3.1.5) */
    } else {
        conn->ecn_send = conn->ecn_send && all_asked;
    }
}

bool ecn_syn_again(struct wh_conn *conn, const struct segment *syn)
{
    enum ecn_form form = ecn_asked(syn->flags, ECN_ANSWER);
    if (conn->accecn == NULL) {
        if (form == ECN_ACCURATE && conn->ecn && (conn->passive || conn->accurate_asked)) {
            return false;
        }
        conn->ecn = conn->ecn && form != ECN_NONE; /* the peer has given it up */
        conn->ecn_send = conn->ecn_send && conn->ecn;
        return true;
    }
    conn->accecn->syn_seen = syn->traffic_class & ECN_MASK;
    conn->accecn->plain = conn->accecn->plain || form == ECN_ACCURATE;
    conn->ecn_send = conn->ecn_send && form != ECN_NONE;
    return form != ECN_CLASSIC;
}

bool ecn_crossed(struct wh_conn *conn, const struct segment *syn_ack)
{
    enum ecn_form form = answer_to_accurate(syn_ack->flags);
    if (conn->accecn != NULL) {
        conn->ecn_send = conn->ecn_send && form == ECN_ACCURATE;
        accecn_syn_ack_again(conn, syn_ack);
        return form != ECN_CLASSIC;
    }
    if (form == ECN_ACCURATE && conn->ecn && conn->accurate_asked) {
        return false;
    }
    conn->ecn = conn->ecn && ecn_setup_syn_ack(syn_ack->flags);
    conn->ecn_send = conn->ecn_send && conn->ecn;
    return true;
}

/* --------------------------------------------------------- classic feedback -- */

/* RFC 8257 3.2: ECE stands for the mark of the last data; before it changes, what came before is told. */
static void echo_exactly(struct wh_conn *conn, bool ce)
{
    if (ce == conn->ecn_echo) {
        return;
    }
    uint32_t owed = conn->rcv_nxt - conn->last_ack_sent;
    if (owed > 0 && conn->exact_gap == 0) {
        conn->exact_echo = conn->ecn_echo;
        conn->exact_gap = MIN(owed, EXACT_GAP_MAX) & EXACT_GAP_MAX;
    } else {
        conn->ack_now = true;
    }
    conn->ecn_echo = ce;
    conn_want_output(conn);
}

static bool echoes_exactly(const struct wh_conn *conn)
{
    return conn->profile->congestion->exact_marks;
}

void ecn_arrived(struct wh_conn *conn, const struct segment *segment)
{
    if (!conn->ecn) {
        return;
    }
    if (conn->accecn != NULL) {
        accecn_arrived(conn, segment);
        return;
    }
    bool ce = (segment->traffic_class & ECN_MASK) == ECN_CE;
    if ((segment->flags & WH_CWR) && !echoes_exactly(conn)) {
        conn->ecn_echo = false;
    }
    /* RFC 3168 6.1.3; only data can bear a mark that counts (6.1.4). */
    if (ce && segment->length > 0) {
        uint32_t size = segment->segment_size != 0 ? segment->segment_size : segment->length;
        conn->marks_in += (segment->length + size - 1) / size;
        because(conn->tcp, WH_WHY_ECN_MARK);
    }
    if (segment->length > 0 && echoes_exactly(conn)) {
        echo_exactly(conn, ce);
    } else if (segment->length > 0 && ce) {
        conn->ecn_echo = true;
    }
}

uint16_t ecn_flags(const struct wh_conn *conn, const struct segment *segment)
{
    if (conn->accecn != NULL) {
        return accecn_flags(conn, segment);
    }
    return conn->ecn_echo ? WH_ECE : 0; /* on every ACK until CWR comes (RFC 3168 6.1.3) */
}
