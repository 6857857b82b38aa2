/* SPDX-License-Identifier: MIT */
#include "judge.h"

#include <stdio.h>
#include <string.h>

/* --------------------------------------------------------------- looking -- */

static bool fin_received(wh_state state) { return state == WH_CLOSE_WAIT || state >= WH_CLOSING; }

static void read_out(struct stage *stage, const struct facts *before, struct observed *o)
{
    uint8_t bytes[8192];
    uint32_t first = before->rcv_nxt - before->unread; /* number of the first byte to be read */
    if (fin_received(before->state))
        first--;
    if (before->state == WH_SYN_SENT)
        first = stage->peer_first;
    int64_t n = wh_recv(stage->conn, bytes, sizeof bytes);
    for (int64_t i = 0; i < n; i++)
        if (bytes[i] != stage_byte(first + (uint32_t)i))
            stage_fail(stage, "byte %d that is delivered is not the peer's", (int)i);
    o->read = n > 0 ? n : 0;
    if (n > 0)
        n = wh_recv(stage->conn, bytes, sizeof bytes);
    o->eof = n == 0;
    o->error = wh_conn_error(stage->conn);
    if (n < 0 && n != WH_E_AGAIN && n != WH_E_NOTCONN && n != o->error)
        stage_fail(stage, "recv says %s, the handle %s", wh_strerror((int)n),
                   o->error == 0 ? "nothing" : wh_strerror(o->error));
}

void judge_look(struct stage *stage, const struct facts *before, struct observed *o)
{
    wh_time timer = 0, start = stage->now;
    memset(o, 0, sizeof *o);
    o->state = stage_state(stage, &timer);
    o->restarted = o->state == WH_TIME_WAIT && timer >= start + 2 * STAGE_MSL;
    stage_wait(stage, STAGE_PATIENCE);
    if (stage_state(stage, NULL) != o->state)
        stage_fail(stage, "the state is %s at once and another later", wh_state_name(o->state));
    const char *broken = wh_check(stage->host);
    if (broken != NULL)
        stage_fail(stage, "wh_check: %s", broken);
    if (stage->conn == NULL && stage->listener != NULL && before->reader != READER_GONE)
        if (wh_accept(stage->listener, NULL, &stage->conn) < 0)
            stage->conn = NULL;
    o->handle = stage->conn != NULL;
    if (o->handle)
        read_out(stage, before, o);
}

/* --------------------------------------------------------------- judging -- */

static const char *misfit_of(const struct segment *s, const struct reply *r)
{
    static const uint16_t wanted[] = { 0,      WH_ACK,          WH_ACK,
                                       WH_ACK, WH_SYN,          WH_SYN | WH_ACK,
                                       WH_RST, WH_RST | WH_ACK, WH_FIN | WH_ACK,
                                       WH_ACK };
    uint16_t flags = s->flags & (WH_FIN | WH_SYN | WH_RST | WH_ACK | WH_URG);
    bool ack = (flags & WH_ACK) != 0;
    if (r->kind == REPLY_RST && ack && s->ack == r->ack)
        flags &= (uint16_t)~WH_ACK; /* tolerated (lifecycle A01) */
    if (flags != wanted[r->kind])
        return "other flags";
    if (!r->any_seq && (r->above ? (int32_t)(s->seq - r->seq) <= 0 : s->seq != r->seq))
        return "another SEQ";
    if (ack && r->kind != REPLY_RST && s->ack != r->ack)
        return "another ACK";
    return s->length != r->length ? "another length" : NULL;
}

/* NULL if what left is this reply. */
const char *reply_misfit(const struct stage *stage, const struct reply *r, wh_time start)
{
    unsigned n = stage->sents;
    if (r->kind == REPLY_NOTHING)
        return n == 0 ? NULL : "a reply";
    if (n == 0)
        return "no reply";
    if (n > (r->kind == REPLY_ACK_TOO ? 2U : 1U))
        return "more than one reply";
    const struct left *last = &stage->sent[n - 1];
    if (last->time != start && r->kind != REPLY_ACK_SOON && r->kind != REPLY_ACK_TOO)
        return "a late reply";
    if (n == 2 && (stage->sent[0].segment.flags & 0x17) != WH_ACK)
        return "more than one reply";
    return misfit_of(&last->segment, r);
}

static const char *variables_misfit(const struct stage *stage, const struct outcome *e)
{
    wh_info info = { .size = sizeof info };
    wh_info_get(stage->conn, &info);
    if (info.state != e->state)
        return "another state in wh_info";
    if (info.snd_una != e->snd_una)
        return "another SND.UNA";
    if (info.rcv_nxt != e->rcv_nxt)
        return "another RCV.NXT";
    if (!e->any_snd_wnd && info.snd_wnd != e->snd_wnd)
        return "another SND.WND";
    return NULL;
}

static const char *handle_misfit(const struct stage *stage, const struct facts *before,
                                 const struct outcome *e, const struct observed *o)
{
    bool open = e->state != WH_CLOSED && e->state != WH_LISTEN && e->state != WH_SYN_RECEIVED;
    bool ended = fin_received(before->state);
    if (!o->handle)
        return before->reader != READER_GONE && open && before->state != WH_TIME_WAIT ? "no handle"
                                                                                      : NULL;
    if (o->error != e->error)
        return "another error";
    if (before->reader == READER_READS && o->read != (int64_t)before->unread + e->delivered &&
        (e->error == 0 ||
         o->read != 0)) /* "all segment queues should be flushed", or read before */
        return "another number of bytes delivered";
    if (before->reader == READER_DEAF && o->read != 0)
        return "bytes delivered after shutdown(READ)";
    if (before->reader == READER_READS && e->error == 0 && o->eof != (e->eof || ended) && open)
        return "another end of file";
    if (e->urgent != EITHER && open && before->state != WH_SYN_RECEIVED &&
        ((stage->events & WH_URGENT) != 0) != (e->urgent == YES))
        return "another word about urgent data";
    return open && e->state != WH_TIME_WAIT && e->state != WH_SYN_SENT ? variables_misfit(stage, e)
                                                                       : NULL;
}

static const char *misfit(const struct stage *stage, const struct facts *before,
                          const struct outcome *e, const struct observed *o, wh_time start)
{
    const char *what = reply_misfit(stage, &e->reply, start);
    wh_state record = e->state == WH_LISTEN ? WH_CLOSED : e->state;
    if (what != NULL)
        return what;
    if (o->state != record)
        return "another state";
    if (e->state == WH_LISTEN && stage->listener == NULL)
        return "no listener";
    if (e->state == WH_LISTEN && o->handle && before->state == WH_LISTEN)
        return "a connection for the listener";
    if (e->state == WH_TIME_WAIT && before->state == WH_TIME_WAIT && e->restarted != EITHER &&
        o->restarted != (e->restarted == YES))
        return "2MSL restarted, or not";
    return handle_misfit(stage, before, e, o);
}

static void describe(const struct stage *stage, const struct facts *before,
                     const struct observed *o, char *text, size_t room)
{
    char words[120];
    size_t used = (size_t)snprintf(text, room, "came:");
    for (unsigned i = 0; i < stage->sents && used < room; i++)
        used += (size_t)snprintf(text + used, room - used, " [%s]",
                                 segment_words(before, &stage->sent[i].segment, words));
    if (used < room)
        snprintf(text + used, room - used, "%s %s, read %d%s, %s",
                 stage->sents == 0 ? " nothing," : "", wh_state_name(o->state), (int)o->read,
                 o->eof ? " and end of file" : "",
                 o->error == 0 ? "no error" : wh_strerror(o->error));
}

int judge(struct stage *stage, const struct facts *before, const struct expectation *expectation,
          const struct observed *o)
{
    char came[300], allowed[300] = "";
    size_t used = 0;
    wh_time start = stage->now - STAGE_PATIENCE;
    if (stage->why[0] != 0)
        return -1;
    for (unsigned i = 0; i < expectation->outcomes; i++) {
        const struct outcome *e = &expectation->outcome[i];
        const char *what = misfit(stage, before, e, o, start);
        if (what == NULL)
            return (int)i;
        if (used < sizeof allowed)
            used +=
                (size_t)snprintf(allowed + used, sizeof allowed - used, "%s%s -> %s: %s",
                                 i == 0 ? "" : "; or ", e->choice, wh_state_name(e->state), what);
    }
    describe(stage, before, o, came, sizeof came);
    stage_fail(stage, "%s | expected %s", came, allowed);
    return -1;
}
