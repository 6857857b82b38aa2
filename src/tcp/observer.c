/* SPDX-License-Identifier: MIT */
/*
 * Theory of operation. A segment is taken apart into the events of the arc
 * table, in the order of RFC 9293 3.10.7, and each possible state is led along
 * them. Which events apply may differ from state to state: an ACK that covers
 * the end's SYN means something in SYN-RECEIVED only.
 *
 * A segment that the end *received* moves every possible state; if it may have
 * been lost, the old states stay possible beside the new ones. A segment that
 * the end *sent* also narrows: states that cannot have sent it are struck out,
 * and what must have happened before it (a close, a FIN that arrived) is led
 * along the table, which is how calls of the application and segments of
 * uncertain fate come to light. If no state is left, the segment may have crossed
 * with the last arrival, and the states before that are tried. If that fails too
 * it is a contradiction: the end broke the rules or we missed something. Then the
 * segment alone decides anew.
 */
#include "tcp/observer.h"

#include <string.h>

#include "base/seq.h"
#include "tcp/machine.h"

#define HANDSHAKE                                                                                  \
    (STATE_BIT(WH_CLOSED) | STATE_BIT(WH_LISTEN) | STATE_BIT(WH_SYN_SENT) |                        \
     STATE_BIT(WH_SYN_RECEIVED))

/* A possible state on its way along the table, and the last arc it took. */
struct walker {
    wh_state state;
    wh_arc_event arc;
};

static bool in(wh_state state, state_set set) { return (STATE_BIT(state) & set) != 0; }

/* A walk over a set: mostly it has one member. */
static wh_state first_of(state_set set) { return (wh_state)__builtin_ctz(set); }
static state_set without_first(state_set set) { return (state_set)(set & (set - 1U)); }

/* Follows the arc if the table has it here. */
static void follow(struct walker *walker, wh_arc_event event)
{
    if (arc_exists(walker->state, event)) {
        walker->state = arc_target(walker->state, event);
        walker->arc = event;
    }
}

/* What a step of the whole set comes to. */
struct outcome {
    state_set states;
    bool moved, agreed; /* some state took an arc; all that are left took the same last arc */
    wh_arc_event arc;
};

static void outcome_add(struct outcome *outcome, const struct walker *walker)
{
    bool first = outcome->states == 0;
    outcome->states |= STATE_BIT(walker->state);
    outcome->moved = outcome->moved || walker->arc != WH_ON_NOTHING;
    outcome->agreed = first || (outcome->agreed && walker->arc == outcome->arc);
    outcome->arc = walker->arc;
}

static void settle(struct observer *observer, const struct outcome *outcome, wh_time now)
{
    bool was = in(WH_TIME_WAIT, observer->states);
    observer->states = outcome->states;
    observer->arc = outcome->moved && outcome->agreed ? outcome->arc : WH_ON_NOTHING;
    if (!was && in(WH_TIME_WAIT, observer->states)) {
        observer->time_wait = now;
    }
}

void observer_init(struct observer *observer)
{
    memset(observer, 0, sizeof *observer);
    observer->states = STATE_ANY;
}

/* ---------------------------------------------------------------- sent -- */

/* The segment acknowledges the peer's FIN, so the FIN had arrived. */
static bool shows_fin(const struct observer *observer, const struct observed *segment)
{
    return observer->got_fin && (segment->flags & WH_ACK) && !segment->ack_hidden &&
           seq_gt(segment->ack, observer->peer_fin);
}

/* It would acknowledge the peer's FIN, had the FIN arrived. */
static bool lacks_fin(const struct observer *observer, const struct observed *segment)
{
    return observer->got_fin && (segment->flags & WH_ACK) && !segment->ack_hidden &&
           !seq_gt(segment->ack, observer->peer_fin);
}

/* Leads one possible state through sending a SYN; false if it cannot have sent it. */
static bool sent_syn(struct walker *walker, const struct observed *segment, bool repeated)
{
    if (segment->flags & WH_ACK) {
        /* A passive open, if it was one, happened unseen. */
        if (walker->state == WH_CLOSED) {
            follow(walker, WH_ON_PASSIVE_OPEN);
        }
        follow(walker, WH_ON_GOT_SYN);
        /* Closed before its SYN was acknowledged, it still repeats the SYN,ACK (3.10.4). */
        return walker->state == WH_SYN_RECEIVED || (walker->state == WH_FIN_WAIT_1 && repeated);
    }
    if (walker->state == WH_TIME_WAIT) {
        follow(walker, WH_ON_TWO_MSL_OVER);
    }
    follow(walker, WH_ON_ACTIVE_OPEN);
    return walker->state == WH_SYN_SENT;
}

/* Sending a RST: an abort, or the answer to a segment for nobody. */
static void sent_rst(struct outcome *outcome, const struct observer *observer, struct walker walker)
{
    /* These answer with a RST and stay (3.10.7.1 to 3.10.7.3, and 3.10.7.4 on a bad ACK). */
    if (in(walker.state, HANDSHAKE)) {
        outcome_add(outcome, &walker);
    }
    /* An abort of SYN-SENT, CLOSING, LAST-ACK or TIME-WAIT sends nothing (3.10.5): gone before. */
    if (in(walker.state, (state_set)~HANDSHAKE) ||
        (walker.state == WH_SYN_RECEIVED && observer->opened_actively)) {
        follow(&walker, WH_ON_ABORT);
        outcome_add(outcome, &walker);
    } else if (walker.state == WH_SYN_RECEIVED) {
        follow(&walker, WH_ON_GOT_RST_PASSIVE); /* only the entry is gone; the listener remains */
        outcome_add(outcome, &walker);
    }
}

/* Sending anything with neither SYN nor RST. */
static bool sent_text(const struct observer *observer, struct walker *walker,
                      const struct observed *segment)
{
    bool fin = (segment->flags & WH_FIN) != 0;
    if (in(walker->state, STATE_BIT(WH_CLOSED) | STATE_BIT(WH_LISTEN))) {
        return false;
    }
    follow(walker, WH_ON_GOT_SYN_ACK); /* only SYN-SENT has this arc: it waited for nothing else */
    if (walker->state == WH_SYN_RECEIVED && (fin || segment->length > 0)) {
        follow(walker, WH_ON_SYN_ACKED); /* data waits until the handshake is complete (3.10.2) */
    }
    if (shows_fin(observer, segment)) {
        if (walker->state == WH_SYN_RECEIVED) {
            follow(walker, WH_ON_SYN_ACKED);
        }
        follow(walker, WH_ON_GOT_FIN);
        if (!in(walker->state, STATE_BIT(WH_CLOSE_WAIT) | STATE_BIT(WH_CLOSING) |
                                   STATE_BIT(WH_LAST_ACK) | STATE_BIT(WH_TIME_WAIT))) {
            return false;
        }
    } else if (lacks_fin(observer, segment) &&
               in(walker->state, STATE_BIT(WH_CLOSE_WAIT) | STATE_BIT(WH_CLOSING) |
                                     STATE_BIT(WH_LAST_ACK) | STATE_BIT(WH_TIME_WAIT))) {
        return false;
    }
    if (fin) {
        follow(walker, WH_ON_CLOSE);
        /* FIN-WAIT-2 and TIME-WAIT have theirs acknowledged and never send it again. */
        return in(walker->state,
                  STATE_BIT(WH_FIN_WAIT_1) | STATE_BIT(WH_CLOSING) | STATE_BIT(WH_LAST_ACK));
    }
    if (segment->length > 0) {
        return !in(walker->state, STATE_BIT(WH_FIN_WAIT_2) | STATE_BIT(WH_TIME_WAIT));
    }
    return true;
}

static struct outcome sent_from(const struct observer *observer, state_set states,
                                const struct observed *segment, bool repeated)
{
    struct outcome outcome = { 0 };
    for (state_set left = states; left != 0; left = without_first(left)) {
        struct walker walker = { first_of(left), WH_ON_NOTHING };
        if (segment->flags & WH_RST) {
            sent_rst(&outcome, observer, walker);
        } else if (segment->flags & WH_SYN ? sent_syn(&walker, segment, repeated)
                                           : sent_text(observer, &walker, segment)) {
            outcome_add(&outcome, &walker);
        }
    }
    return outcome;
}

/* A SYN with a new number: forgets a former connection of the same two ends. */
static void incarnation(struct observer *observer, const struct observed *segment)
{
    bool former = observer->iss_known || observer->sent_fin || observer->got_fin;
    if (former && !(observer->iss_known && observer->iss == segment->seq)) {
        state_set states = observer->states;
        wh_time time_wait = observer->time_wait;
        observer_init(observer);
        observer->states = states;
        observer->time_wait = time_wait;
    }
    observer->iss = segment->seq;
    observer->iss_known = true;
    if ((segment->flags & WH_ACK) && !segment->ack_hidden) {
        observer->irs = segment->ack - 1;
        observer->irs_known = true;
    }
}

static void note_sent(struct observer *observer, const struct observed *segment)
{
    if (segment->flags & WH_RST) {
        return; /* a RST takes its numbers from what it answers */
    }
    uint32_t end = segment->seq + segment->length;
    if (segment->flags & WH_SYN) {
        incarnation(observer, segment);
        observer->opened_actively = observer->opened_actively || !(segment->flags & WH_ACK);
        end++;
    }
    if (segment->flags & WH_FIN) {
        observer->sent_fin = true;
        observer->fin = end;
        end++;
    }
    if (!observer->nxt_known || seq_gt(end, observer->snd_nxt)) {
        observer->snd_nxt = end;
        observer->nxt_known = true;
    }
}

/* The states that the set may have been in before the last arrival had its effect. */
static state_set before_arrival(const struct observer *observer)
{
    static const wh_arc_event arrivals[] = { WH_ON_GOT_SYN, WH_ON_GOT_SYN_ACK, WH_ON_SYN_ACKED,
                                             WH_ON_FIN_ACKED, WH_ON_GOT_FIN };
    state_set before = 0;
    for (int s = 0; s < WH_STATE_COUNT; s++) {
        for (size_t i = 0; i < sizeof arrivals / sizeof arrivals[0]; i++) {
            bool happened = (arrivals[i] != WH_ON_FIN_ACKED || observer->sent_fin) &&
                            (arrivals[i] != WH_ON_GOT_FIN || observer->got_fin);
            if (happened && arc_exists((wh_state)s, arrivals[i]) &&
                in(arc_target((wh_state)s, arrivals[i]), observer->states)) {
                before |= STATE_BIT(s);
            }
        }
    }
    return before;
}

void observer_sent(struct observer *observer, const struct observed *segment)
{
    bool repeated = observer->iss_known && observer->iss == segment->seq; /* of a SYN */
    note_sent(observer, segment);
    struct outcome outcome = sent_from(observer, observer->states, segment, repeated);
    if (outcome.states == 0) {
        /* It left before what we thought had arrived: the two crossed. */
        outcome = sent_from(observer, before_arrival(observer), segment, repeated);
        outcome.agreed = false;
    }
    observer->contradiction = outcome.states == 0;
    if (observer->contradiction) {
        outcome = sent_from(observer, STATE_ANY, segment, repeated);
        outcome.moved = false;
    }
    if (outcome.states == 0) {
        outcome.states = STATE_ANY;
    }
    settle(observer, &outcome, segment->time);
    if ((segment->flags & WH_ACK) && !(segment->flags & WH_RST) && !segment->ack_hidden &&
        (!observer->acked_known || seq_gt(segment->ack, observer->rcv_nxt))) {
        observer->rcv_nxt = segment->ack;
        observer->acked_known = true;
        if (!observer->arrived_known || seq_gt(segment->ack, observer->arrived)) {
            observer->arrived = segment->ack;
            observer->arrived_known = true;
        }
    }
}

/* ------------------------------------------------------------ received -- */

/* How surely an arriving segment has an effect on a possible state. */
enum effect { NO_EFFECT, PERHAPS, CERTAIN };

static enum effect covers_syn(const struct observer *observer, const struct observed *segment)
{
    if (!(segment->flags & WH_ACK)) {
        return NO_EFFECT;
    }
    if (!observer->iss_known) {
        return PERHAPS;
    }
    return seq_gt(segment->ack, observer->iss) ? CERTAIN : NO_EFFECT;
}

static enum effect covers_fin(const struct observer *observer, const struct observed *segment)
{
    if (!(segment->flags & WH_ACK)) {
        return NO_EFFECT;
    }
    if (!observer->sent_fin) {
        return observer->iss_known ? NO_EFFECT : PERHAPS; /* it may have left before we looked */
    }
    return seq_gt(segment->ack, observer->fin) ? CERTAIN : NO_EFFECT;
}

static enum effect received_rst(const struct observer *observer, struct walker *walker,
                                const struct observed *segment)
{
    enum effect effect = CERTAIN;
    switch (walker->state) {
    case WH_CLOSED:
    case WH_LISTEN: return NO_EFFECT;
    case WH_SYN_SENT: effect = covers_syn(observer, segment); break;
    case WH_TIME_WAIT:
        effect = PERHAPS; /* RFC 1337 against the letter of 3.10.7.4: both are in use */
        break;
    default:
        /* At RCV.NXT it resets; elsewhere in the window it is questioned (RFC 5961 3.2). */
        if (!observer->arrived_known || segment->seq != observer->arrived) {
            bool below = observer->acked_known && seq_lt(segment->seq, observer->rcv_nxt);
            effect = below ? NO_EFFECT : PERHAPS;
        }
        break;
    }
    if (effect != NO_EFFECT) {
        bool passive = walker->state == WH_SYN_RECEIVED && !observer->opened_actively;
        follow(walker, passive ? WH_ON_GOT_RST_PASSIVE : WH_ON_GOT_RST);
    }
    return effect;
}

static enum effect received_syn(const struct observer *observer, struct walker *walker,
                                const struct observed *segment)
{
    if (segment->flags & WH_ACK) {
        enum effect effect = covers_syn(observer, segment);
        if (effect == NO_EFFECT) {
            return NO_EFFECT;
        }
        if (walker->state == WH_SYN_SENT) {
            follow(walker, WH_ON_GOT_SYN_ACK);
            return effect;
        }
        /* Simultaneous open: some take the crossing SYN,ACK at once, some wait for an ACK (A.2). */
        bool crossing = walker->state == WH_SYN_RECEIVED && observer->opened_actively;
        if (crossing) {
            follow(walker, WH_ON_SYN_ACKED);
        }
        return crossing ? PERHAPS : NO_EFFECT;
    }
    if (walker->state == WH_TIME_WAIT) {
        /* May be taken as a new connection (3.6.1, RFC 6191). */
        follow(walker, WH_ON_REOPENED);
        follow(walker, WH_ON_PASSIVE_OPEN);
        follow(walker, WH_ON_GOT_SYN);
        return PERHAPS;
    }
    follow(walker, WH_ON_GOT_SYN);
    return CERTAIN;
}

/* Neither RST nor SYN: the acknowledgement comes first (3.10.7.4, fifth). */
static enum effect received_text(const struct observer *observer, struct walker *walker,
                                 const struct observed *segment)
{
    if (!(segment->flags & WH_ACK)) {
        return NO_EFFECT;
    }
    enum effect effect;
    switch (walker->state) {
    case WH_CLOSED:
    case WH_LISTEN:
    case WH_SYN_SENT: return NO_EFFECT;
    case WH_SYN_RECEIVED:
        effect = covers_syn(observer, segment);
        if (effect != NO_EFFECT) {
            follow(walker, WH_ON_SYN_ACKED);
        }
        return effect;
    case WH_FIN_WAIT_1:
    case WH_CLOSING:
    case WH_LAST_ACK:
        effect = covers_fin(observer, segment);
        if (effect != NO_EFFECT) {
            follow(walker, WH_ON_FIN_ACKED);
        }
        return effect == PERHAPS ? PERHAPS : CERTAIN;
    default: return CERTAIN;
    }
}

/* Adds a state that the acknowledgement led to, led on by the FIN, if there is one (eighth). */
static void finish(struct outcome *outcome, const struct observer *observer, struct walker walker,
                   const struct observed *segment)
{
    if ((segment->flags & WH_FIN) && arc_exists(walker.state, WH_ON_GOT_FIN)) {
        /* A FIN counts only when everything before it has arrived. */
        if (observer->arrived_known && seq_gt(segment->seq, observer->arrived)) {
            outcome_add(outcome, &walker);
        }
        follow(&walker, WH_ON_GOT_FIN);
    }
    outcome_add(outcome, &walker);
}

/* Leads one possible state through the arrival of a segment. */
static void received_in(struct outcome *outcome, const struct observer *observer, wh_state state,
                        const struct observed *segment, bool certain)
{
    const struct walker before = { state, WH_ON_NOTHING };
    struct walker walker = before;
    enum effect effect;
    if (segment->flags & WH_RST) {
        effect = received_rst(observer, &walker, segment);
    } else if (segment->flags & WH_SYN) {
        effect = received_syn(observer, &walker, segment);
    } else {
        effect = received_text(observer, &walker, segment);
    }
    if (!certain || effect == NO_EFFECT) {
        outcome_add(outcome, &before);
    }
    if (effect == NO_EFFECT) {
        return;
    }
    if (segment->flags & WH_RST) {
        if (effect == PERHAPS) {
            outcome_add(outcome, &before);
        }
        outcome_add(outcome, &walker);
        return;
    }
    if (effect == PERHAPS) {
        finish(outcome, observer, before, segment);
    }
    finish(outcome, observer, walker, segment);
}

static struct outcome received_by(const struct observer *observer, const struct observed *segment,
                                  bool certain)
{
    struct outcome outcome = { 0 };
    for (state_set left = observer->states; left != 0; left = without_first(left)) {
        received_in(&outcome, observer, first_of(left), segment, certain);
    }
    return outcome;
}

static void note_received(struct observer *observer, const struct observed *segment, bool certain)
{
    if (segment->flags & WH_RST) {
        return;
    }
    uint32_t end = segment->seq + segment->length;
    if (segment->flags & WH_SYN) {
        observer->irs = segment->seq;
        observer->irs_known = true;
        end++;
        if (certain) {
            observer->arrived = segment->seq;
            observer->arrived_known = true;
        }
    }
    if (segment->flags & WH_FIN) {
        observer->got_fin = true;
        observer->peer_fin = end;
        end++;
    }
    if (!certain) {
        return;
    }
    if (!observer->arrived_known ||
        (seq_leq(segment->seq, observer->arrived) && seq_gt(end, observer->arrived))) {
        observer->arrived = end;
        observer->arrived_known = true;
    }
}

void observer_received(struct observer *observer, const struct observed *segment, bool certain)
{
    bool again =
        (segment->flags & WH_FIN) && observer->got_fin && in(WH_TIME_WAIT, observer->states);
    struct outcome outcome = received_by(observer, segment, certain);
    observer->contradiction = false;
    settle(observer, &outcome, segment->time);
    note_received(observer, segment, certain);
    if (again) {
        observer->time_wait = segment->time; /* a repeated FIN restarts 2MSL (3.10.7.4, eighth) */
    }
}

/* ---------------------------------------------------------------- time -- */

void observer_idle(struct observer *observer, wh_time now, wh_time two_msl)
{
    observer->arc = WH_ON_NOTHING;
    if (in(WH_TIME_WAIT, observer->states) && now >= observer->time_wait &&
        now - observer->time_wait >= two_msl) {
        if (observer->states == STATE_BIT(WH_TIME_WAIT)) {
            observer->arc = WH_ON_TWO_MSL_OVER;
        }
        /* How long an MSL is, the end alone knows: it may be over, it need not. */
        observer->states |= STATE_BIT(arc_target(WH_TIME_WAIT, WH_ON_TWO_MSL_OVER));
    }
}

int observer_state(const struct observer *observer)
{
    for (int s = 0; s < WH_STATE_COUNT; s++) {
        if (observer->states == STATE_BIT(s)) {
            return s;
        }
    }
    return -1;
}

static char *put(char *at, const char *end, const char *words)
{
    while (*words != '\0' && at + 1 < end) {
        *at++ = *words++;
    }
    *at = '\0';
    return at;
}

char *observer_text(const struct observer *observer, char *text)
{
    char *at = text;
    const char *end = text + OBSERVER_TEXT;
    if (observer->states == STATE_ANY) {
        put(at, end, "any state");
        return text;
    }
    for (int s = 0; s < WH_STATE_COUNT; s++) {
        if (in((wh_state)s, observer->states)) {
            at = put(at, end, at == text ? "" : " or ");
            at = put(at, end, wh_state_name((wh_state)s));
        }
    }
    return text;
}
