/* SPDX-License-Identifier: MIT */
/* The least that the judges need, until the whole is here. */
#include "explain/traffic.h"
#include "base/seq.h"
#include <stdlib.h>
#include <string.h>
struct dir {
    uint32_t nxt, una, ts, oldest;
    bool known, acked, ts_known;
    wh_time last, first_sent, closed;
    unsigned repeats, probes;
    int64_t win;
    uint8_t ws;
    bool ws_known, syn;
    struct traffic_sums sums;
    uint32_t repeated_seq;
};
struct traffic {
    struct dir d[2];
    bool scaled;
};
const char *mark_name(enum mark m)
{
    static const char *n[] = {
#define X(id, name, words) name,
        MARKS(X)
#undef X
    };
    return n[m];
}
const char *mark_words(enum mark m)
{
    static const char *n[] = {
#define X(id, name, words) words,
        MARKS(X)
#undef X
    };
    return n[m];
}
struct traffic *traffic_new(unsigned p)
{
    (void)p;
    return calloc(1, sizeof(struct traffic));
}
void traffic_free(struct traffic *t) { free(t); }
size_t traffic_size(const struct traffic *t)
{
    (void)t;
    return sizeof *t;
}
void traffic_place(struct traffic *t, enum vantage v)
{
    (void)t;
    (void)v;
}
enum mark traffic_take(struct traffic *t, unsigned from, const struct seen *seen)
{
    struct dir *d = &t->d[from], *p = &t->d[1 - from];
    const struct segment *s = &seen->segment;
    if (seen->sum == SUM_WRONG)
        return MARK_DAMAGED;
    if (s->flags & WH_RST)
        return MARK_NONE;
    enum mark m = MARK_NONE;
    uint32_t len = segment_length(s), end = s->seq + len;
    if (s->flags & WH_SYN) {
        d->syn = true;
        d->ws = s->options.window_scale;
        d->ws_known = s->options.has & WH_HAS_WINDOW_SCALE;
        if (d->known && end == d->nxt)
            m = (s->flags & WH_ACK) ? MARK_SYN_ACK_AGAIN : MARK_SYN_AGAIN;
    }
    d->win = s->window;
    if (!(s->flags & WH_SYN) && d->ws_known && p->ws_known)
        d->win <<= d->ws;
    if (!(s->flags & WH_SYN)) {
        if (s->window == 0 && !d->closed) {
            d->closed = seen->when;
            m = MARK_WINDOW_CLOSED;
            d->sums.zero_windows++;
        } else if (s->window)
            d->closed = 0;
    }
    if (s->flags & WH_ACK) {
        if (p->acked ? seq_gt(s->ack, p->una) : true) {
            p->una = s->ack;
            p->acked = true;
            p->repeats = 0;
            p->first_sent = 0;
        }
        p->probes = 0;
        if (!seq_lt(s->ack, p->nxt))
            p->probes = 0;
    }
    if ((s->options.has & WH_HAS_TIMESTAMPS)) {
        if (d->ts_known && seq_lt(s->options.tsval, d->ts) && s->length > 0)
            m = MARK_OLD_TIMESTAMP;
        else {
            d->ts = s->options.tsval;
            d->ts_known = true;
        }
    }
    if (d->known && s->length <= 1 && end == d->nxt - (s->length == 0) && s->seq == d->nxt - 1 &&
        !(s->flags & (WH_SYN | WH_FIN)) && d->acked && d->una == d->nxt) {
        if (p->closed)
            m = MARK_WINDOW_PROBE;
        else {
            m = MARK_KEEP_ALIVE;
            d->probes++;
        }
    } else if (len > 0 && d->known && !seq_gt(end, d->nxt) && !(s->flags & WH_SYN)) {
        if (m == MARK_NONE)
            m = (s->flags & WH_FIN) ? MARK_FIN_AGAIN : MARK_TIMEOUT;
        d->repeats++;
        d->sums.retransmissions++;
    }
    if (!d->known || seq_gt(end, d->nxt)) {
        d->nxt = end;
        d->known = true;
        if (s->length) {
            d->sums.fresh_bytes += s->length;
            d->sums.data_segments++;
        }
    }
    d->last = seen->when;
    return m;
}
uint32_t traffic_outstanding(const struct traffic *t, unsigned f)
{
    return t->d[f].acked ? t->d[f].nxt - t->d[f].una : 0;
}
int64_t traffic_window(const struct traffic *t, unsigned f)
{
    return t->d[f].syn ? t->d[f].win : -1;
}
wh_time traffic_closed_since(const struct traffic *t, unsigned f) { return t->d[f].closed; }
unsigned traffic_repeats(const struct traffic *t, unsigned f, wh_time *first)
{
    *first = t->d[f].first_sent;
    return t->d[f].repeats;
}
unsigned traffic_probes(const struct traffic *t, unsigned f) { return t->d[f].probes; }
void traffic_sum(const struct traffic *t, unsigned f, wh_time now, struct traffic_sums *s)
{
    (void)now;
    *s = t->d[f].sums;
}
const struct traffic_point *traffic_points(const struct traffic *t, unsigned f, size_t *n)
{
    (void)t;
    (void)f;
    *n = 0;
    return NULL;
}
