/* SPDX-License-Identifier: MIT */
#include "tcp/time_wait.h"

#include "tcp/protocol.h"

/* How far the new incarnation's numbers stay clear of the old ones. */
#define ISS_GAP 128000

void time_wait_begin(struct time_wait *entry, const struct wh_conn *conn)
{
    uint32_t window = seq_gt(conn->rcv_edge, conn->rcv_nxt) ? conn->rcv_edge - conn->rcv_nxt : 0;
    entry->record = conn->record; /* the same state in a smaller record, not a transition */
    entry->flags = conn->timestamps ? TIME_WAIT_TIMESTAMPS : 0;
    entry->window = (uint16_t)(window >> conn->rcv_scale);
    entry->tuple = conn->tuple;
    entry->snd_nxt = conn->snd_nxt;
    entry->rcv_nxt = conn->rcv_nxt;
    entry->ts_recent = conn->ts_recent;
}

void time_wait_acknowledge(struct tcp *tcp, const struct time_wait *entry, wh_reason reason,
                           uint16_t marks, uint32_t ts_offset)
{
    struct reply *reply = reply_add(tcp, &entry->tuple, WH_TIME_WAIT, reason);
    if (reply == NULL) {
        return;
    }
    reply->flags = WH_ACK | marks;
    reply->seq = entry->snd_nxt;
    reply->ack = entry->rcv_nxt;
    reply->window = entry->window;
    if (entry->flags & TIME_WAIT_TIMESTAMPS) {
        reply->has = WH_HAS_TIMESTAMPS;
        reply->tsval = tcp_timestamp(tcp, ts_offset);
        reply->tsecr = entry->ts_recent;
    }
}

void time_wait_answer(struct tcp *tcp, const struct time_wait *entry, wh_reason reason,
                      uint16_t marks)
{
    struct origins origins = tcp_origins(tcp, &entry->tuple);
    time_wait_acknowledge(tcp, entry, reason, marks, origins.timestamp);
}

uint32_t time_wait_next_iss(const struct time_wait *entry, uint32_t iss)
{
    uint32_t least = entry->snd_nxt + ISS_GAP;
    return seq_gt(iss, least) ? iss : least;
}

/* Old segments are answered a bounded number of times; the repeated FIN always (lifecycle T04). */
static void answer_old(struct tcp *tcp, struct time_wait *entry, wh_reason reason)
{
    because(tcp, reason);
    if (entry->flags >= (uint8_t)(UINT8_MAX & ~(TIME_WAIT_ANSWER - 1))) {
        tcp->count[WH_WHY_CHALLENGE_LIMITED]++;
        return;
    }
    entry->flags = (uint8_t)(entry->flags + TIME_WAIT_ANSWER);
    time_wait_answer(tcp, entry, WH_WHY_CHALLENGE_ACK, 0);
}

/* RFC 6191 2: may this SYN open a new incarnation? */
static bool reopens(const struct time_wait *entry, const struct segment *segment)
{
    if ((segment->flags & WH_ACK) || (entry->flags & TIME_WAIT_REOPENED)) {
        return false;
    }
    /* What is exactly half way round is neither earlier nor later: it opens nothing (RFC 7323 5.3). */
    bool higher = !seq_lt(segment->seq, entry->rcv_nxt);
    if (!(segment->options.has & WH_HAS_TIMESTAMPS)) {
        /* With timestamps before and none now, only the sequence number can tell. */
        return higher;
    }
    if (!(entry->flags & TIME_WAIT_TIMESTAMPS)) {
        return true;
    }
    if (segment->options.tsval == entry->ts_recent) {
        return higher;
    }
    return !seq_leq(segment->options.tsval, entry->ts_recent);
}

enum time_wait_verdict time_wait_arrive(struct tcp *tcp, struct time_wait *entry,
                                        const struct segment *segment, bool rst_ends)
{
    uint32_t length = segment_length(segment);
    if (segment->flags & WH_RST) {
        /* RFC 1337 3, first fix: a RST does not cut TIME-WAIT short. */
        because(tcp, WH_WHY_TIME_WAIT_RST);
        return rst_ends && segment->seq == entry->rcv_nxt ? TIME_WAIT_ENDS : TIME_WAIT_STAYS;
    }
    if (segment->flags & WH_SYN) {
        if (reopens(entry, segment)) {
            because(tcp, WH_WHY_TIME_WAIT_REUSED);
            return TIME_WAIT_REOPENS;
        }
        answer_old(tcp, entry, WH_WHY_SYN_IN_CONNECTION);
        return TIME_WAIT_STAYS;
    }
    bool stamped = (segment->options.has & WH_HAS_TIMESTAMPS) != 0;
    if ((entry->flags & TIME_WAIT_TIMESTAMPS) && !stamped) {
        because(tcp, WH_WHY_TIMESTAMP_MISSING); /* RFC 7323 3.2 */
        return TIME_WAIT_STAYS;
    }
    bool paws =
        (entry->flags & TIME_WAIT_TIMESTAMPS) && seq_lt(segment->options.tsval, entry->ts_recent);
    if ((segment->flags & WH_FIN) && (segment->flags & WH_ACK) && !paws &&
        segment->seq + length == entry->rcv_nxt) {
        /* Our last ACK was lost; RFC 9293 3.10.7.4, eighth: acknowledge and restart 2MSL. */
        because(tcp, WH_WHY_TIME_WAIT_FIN_AGAIN);
        time_wait_answer(tcp, entry, WH_WHY_TIME_WAIT_FIN_AGAIN, 0);
        return TIME_WAIT_RESTARTS;
    }
    if ((segment->flags & WH_ACK) && seq_gt(segment->ack, entry->snd_nxt)) {
        answer_old(tcp, entry, WH_WHY_ACK_UNSENT); /* RFC 9293 3.5.2, group 3; RFC 5961 5.2 */
        return TIME_WAIT_STAYS;
    }
    if (length == 0 && segment->seq == entry->rcv_nxt) {
        because(tcp, WH_WHY_TIME_WAIT_OLD);
        return TIME_WAIT_STAYS; /* a duplicate of the final ACK: an answer would start a loop (A.2) */
    }
    answer_old(tcp, entry, WH_WHY_TIME_WAIT_OLD);
    return TIME_WAIT_STAYS;
}
