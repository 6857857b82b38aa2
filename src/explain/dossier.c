/* SPDX-License-Identifier: MIT */
/*
 * One segment after the other becomes facts, moves both observers, and is drawn
 * or folded. What is known about arrival decides how surely the receiver moves:
 * a segment seen at its receiver has arrived; one seen where it left may be lost.
 */
#include "explain/dossier.h"

#include <string.h>

#include "base/seq.h"
#include "explain/facts.h"
#include "wire/ip.h"

/* How long a packet may take to the other capture before it counts as lost. */
#define TWIN_PATIENCE (3 * WH_SECOND)

void dossier_init(struct dossier *conn, const struct tuple *tuple, uint64_t number, wh_time now)
{
    memset(conn, 0, sizeof *conn);
    conn->tuple = *tuple;
    conn->number = number;
    conn->began = now;
    conn->latest = now;
    for (int side = 0; side < 2; side++) {
        observer_init(&conn->end[side].observer);
        conn->end[side].window = -1;
    }
    conn->former.waiter = NOBODY_WAITS;
    conn->same_host = ip_is_loopback(&tuple->local) || wh_addr_equal(&tuple->local, &tuple->remote);
}

void dossier_clear(struct dossier *conn)
{
    traffic_free(conn->traffic);
    story_free(&conn->story);
    twins_free(&conn->twins);
    conn->traffic = NULL;
}

size_t dossier_size(const struct dossier *conn)
{
    return sizeof *conn + conn->story.room * sizeof *conn->story.line +
           conn->twins.room * sizeof *conn->twins.sighting +
           (conn->traffic != NULL ? traffic_size(conn->traffic) : 0);
}

unsigned dossier_sender(const struct dossier *conn, const struct tuple *tuple)
{
    bool client = conn->tuple.local_port == tuple->local_port &&
                  wh_addr_equal(&conn->tuple.local, &tuple->local);
    /* A connection with itself (lifecycle H23) has one name for both ends. */
    return client ? CLIENT : SERVER;
}

/* ----------------------------------------------------------- observers -- */

static struct observed observed_of(const struct passing *passing)
{
    const struct segment *segment = passing->segment;
    return (struct observed){ .time = passing->ref.when,
                              .flags = segment->flags,
                              .seq = segment->seq,
                              .ack = segment->ack,
                              .length = segment->length };
}

/* Seen where its receiver is: a host does not lose what it sends to itself. */
static bool certainly_arrives(const struct dossier *conn, unsigned to)
{
    return conn->same_host || (conn->vantage == VANTAGE_CLIENT && to == CLIENT) ||
           (conn->vantage == VANTAGE_SERVER && to == SERVER);
}

static void observe(struct dossier *conn, const struct passing *passing)
{
    struct observed observed = observed_of(passing);
    struct dossier_end *end = &conn->end[passing->from];
    observer_sent(&end->observer, &observed);
    conn->contradiction = conn->contradiction || end->observer.contradiction;
    bool waits = conn->twins.matched && conn->twins.near[passing->from] == passing->ref.point + 1;
    if (passing->mark != MARK_DAMAGED && !waits) {
        observer_received(&conn->end[passing->to].observer, &observed,
                          certainly_arrives(conn, passing->to));
    }
}

/* --------------------------------------------------------------- lines -- */

static void fill_line(const struct dossier *conn, const struct passing *passing, struct line *line)
{
    const struct segment *segment = passing->segment;
    *line = (struct line){
        .kind = LINE_SEGMENT,
        .from = (uint8_t)passing->from,
        .fate = passing->mark == MARK_DAMAGED          ? FATE_REFUSED
                : certainly_arrives(conn, passing->to) ? FATE_ARRIVED
                                                       : FATE_UNKNOWN,
        .mark = (uint8_t)passing->mark,
        .point = passing->ref.point,
        .number = passing->ref.number,
        .when = passing->ref.when,
        .until = passing->ref.when,
        .flags = segment->flags,
        .window = segment->window,
        .seq = segment->seq,
        .ack = segment->ack,
        .length = segment->length,
        .hops = segment->hops,
        .ip_id = passing->seen->ip_id,
        .options = { .has = segment->options.has,
                     .window_scale = segment->options.window_scale,
                     .sacks = segment->options.sacks,
                     .mss = segment->options.mss,
                     .tsval = segment->options.tsval,
                     .tsecr = segment->options.tsecr,
                     .sack = segment->options.sack[0] },
    };
    for (int side = 0; side < 2; side++) {
        line->states[side] = conn->end[side].observer.states;
        line->arc[side] = (uint8_t)conn->end[side].observer.arc;
    }
}

/* Marks that belong to the ordinary work of recovery: they are counted in the fold. */
static bool mark_is_quiet(enum mark mark)
{
    switch (mark) {
    case MARK_NONE:
    case MARK_DUPLICATE_ACK:
    case MARK_DSACK:
    case MARK_REORDERED:
    case MARK_GAP:
    case MARK_WINDOW_UPDATE:
    case MARK_FAST_RETRANSMIT: return true;
    default: return false;
    }
}

static void fold(struct dossier *conn, const struct passing *passing,
                 const struct dossier_rules *rules)
{
    const struct folded folded = {
        .from = passing->from,
        .length = passing->segment->length,
        .mark = passing->mark,
        .number = passing->ref.number,
        .when = passing->ref.when,
        .states = { conn->end[CLIENT].observer.states, conn->end[SERVER].observer.states },
    };
    struct line *open = story_fold(&conn->story, folded.from, folded.length);
    if (open == NULL) {
        struct line line;
        unsigned bare = conn->story.bare;
        fill_line(conn, passing, &line);
        if (story_stands_alone(&conn->story, folded.length)) {
            (void)story_add(&conn->story, &line, rules->lines);
            conn->story.bare = bare + 1;
            return;
        }
        open = story_begin_fold(&conn->story, &line, rules->lines);
    }
    if (open != NULL) {
        story_join(open, &folded);
    }
}

static const struct line *draw(struct dossier *conn, const struct passing *passing,
                               const struct dossier_rules *rules, struct sighting *sighting)
{
    if (rules->lines == 0) {
        return NULL;
    }
    bool handshake_ack = conn->established.number == passing->ref.number &&
                         conn->established.point == passing->ref.point;
    bool shown = passing->notable || handshake_ack || !mark_is_quiet(passing->mark) ||
                 (passing->segment->flags & (WH_SYN | WH_FIN | WH_RST)) != 0;
    if (!shown) {
        fold(conn, passing, rules);
        return NULL;
    }
    struct line line;
    fill_line(conn, passing, &line);
    const struct line *added = story_add(&conn->story, &line, rules->lines);
    if (added != NULL && sighting != NULL) {
        sighting->line = conn->story.added;
    }
    return added;
}

/* ---------------------------------------------------------------- twins -- */

static void passing_of(struct passing *passing, unsigned from, const struct seen *seen)
{
    const struct segment *segment = &seen->segment;
    *passing = (struct passing){
        .seen = seen,
        .segment = segment,
        .from = from,
        .to = 1U - from,
        .ref = { .number = seen->number, .when = seen->when, .point = seen->point },
        .end = segment->seq + segment_length(segment),
    };
}

/* True if the receiver takes it for an old duplicate (RFC 7323 5.3), though it may not be when it leaves. */
static bool take_far_timestamp(struct dossier_end *end, const struct passing *passing)
{
    const struct segment *segment = passing->segment;
    if (!(segment->options.has & WH_HAS_TIMESTAMPS) || (segment->flags & WH_RST)) {
        return false;
    }
    uint32_t tsval = segment->options.tsval;
    bool old = end->far_ts_known && seq_lt(tsval, end->far_ts) && segment->length > 0;
    if (old) {
        end->old_timestamp = end->old_timestamps++ == 0 ? passing->ref : end->old_timestamp;
    } else if (!end->far_ts_known || seq_gt(tsval, end->far_ts)) {
        end->far_ts = tsval;
        end->far_ts_known = true;
    }
    return old;
}

/* The packet turned up at its receiver's side. */
static void take_twin(struct dossier *conn, const struct passing *passing, struct sighting *first)
{
    const struct segment *segment = passing->segment;
    struct observed observed = observed_of(passing);
    struct dossier_end *end = &conn->end[passing->from], *peer = &conn->end[passing->to];
    if (first->point == passing->ref.point) {
        return; /* another interface of the same host */
    }
    facts_hops(end, passing->ref.point, segment->hops);
    uint8_t missing = first->has & (uint8_t)~segment->options.has;
    if ((segment->flags & WH_SYN) && missing != 0) {
        end->stripped |= missing;
        end->stripped_at = passing->ref;
    }
    if (!take_far_timestamp(end, passing)) {
        observer_received(&peer->observer, &observed, true);
    }
    struct line *line = first->line != 0 ? story_at(&conn->story, first->line - 1) : NULL;
    if (line != NULL && line->number == first->number) {
        line->fate = FATE_ARRIVED;
        line->until = passing->ref.when;
        line->states[passing->to] = peer->observer.states;
        line->arc[passing->to] = (uint8_t)peer->observer.arc;
    }
}

static void lose(struct dossier *conn, struct sighting *sighting)
{
    struct dossier_end *end = &conn->end[sighting->from];
    struct ref ref = { sighting->number, sighting->when, sighting->point };
    sighting->waiting = false;
    struct line *line = sighting->line != 0 ? story_at(&conn->story, sighting->line - 1) : NULL;
    if (line != NULL && line->number == sighting->number) {
        line->fate = FATE_LOST;
    }
    if (sighting->flags & WH_SYN) {
        end->lost_syn = end->lost_syns++ == 0 ? ref : end->lost_syn;
    } else if (sighting->flags & WH_FIN) {
        end->lost_fin = end->lost_fins++ == 0 ? ref : end->lost_fin;
    } else if (sighting->length == 0) {
        end->lost_ack = end->lost_acks++ == 0 ? ref : end->lost_ack;
    }
}

void dossier_settle_twins(struct dossier *conn, wh_time now, bool all)
{
    struct twins *twins = &conn->twins;
    if (!twins->matched) {
        return; /* one place alone: nothing has a twin */
    }
    while (twins->oldest != twins->next) {
        struct sighting *sighting = &twins->sighting[twins->oldest];
        if (!all && sighting->when + TWIN_PATIENCE > now) {
            break;
        }
        bool near = twins->near[sighting->from] == sighting->point + 1;
        if (sighting->waiting && near && sighting->when + WH_SECOND / 2 < now) {
            lose(conn, sighting);
        }
        twins->oldest = (twins->oldest + 1) % twins->room;
    }
}

/*
 * True if the packet is only the second sight of one. Offloading cuts and merges
 * segments, so that what comes at the far place need not be what left; it is an
 * arrival all the same, unless it brings what never was seen to leave.
 */
static bool is_twin(struct dossier *conn, const struct passing *passing)
{
    struct sighting *first = twins_match(&conn->twins, passing->from, passing->seen);
    if (first != NULL) {
        take_twin(conn, passing, first);
        return true;
    }
    const struct dossier_end *end = &conn->end[passing->from];
    bool far = conn->twins.matched && conn->twins.near[passing->from] != 0 &&
               conn->twins.near[passing->from] != passing->ref.point + 1;
    if (far && end->end_known && passing->segment->length > 0 && !seq_gt(passing->end, end->end)) {
        struct observed observed = observed_of(passing);
        observer_received(&conn->end[passing->to].observer, &observed, true);
        return true;
    }
    return false;
}

/* ---------------------------------------------------------------- a segment -- */

static void note_last(struct dossier *conn, const struct passing *passing)
{
    struct dossier_end *end = &conn->end[passing->from], *peer = &conn->end[passing->to];
    const struct segment *segment = passing->segment;
    if (segment->flags & WH_RST) {
        return; /* its TTL and numbers may be anybody's */
    }
    end->segments++;
    facts_hops(end, passing->ref.point, segment->hops);
    end->last = passing->ref;
    end->last_flags = segment->flags;
    end->last_length = segment->length;
    end->last_fresh = passing->fresh;
    peer->answer = segment->ack;
    peer->answerable = (segment->flags & WH_ACK) != 0;
}

static void note_quality(struct dossier *conn, const struct passing *passing)
{
    const struct seen *seen = passing->seen;
    conn->cut_packets = conn->cut_packets || seen->cut_header;
    conn->super_segments = conn->super_segments || seen->ip_length > 9216;
    if (passing->mark == MARK_UNSEEN_ACKED && !ref_set(&conn->unseen)) {
        conn->unseen = passing->ref;
        conn->capture_loss = true;
    }
    if (seen->when < conn->latest) {
        conn->clock_jumped = conn->clock_jumped || conn->latest - seen->when > WH_SECOND;
    } else {
        conn->latest = seen->when;
    }
    conn->packets++;
    conn->points |= UINT32_C(1) << (seen->point & 31);
}

enum taken dossier_take(struct dossier *conn, const struct seen *seen,
                        const struct dossier_rules *rules, const struct line **line)
{
    struct passing passing;
    passing_of(&passing, dossier_sender(conn, &seen->segment.tuple), seen);
    *line = NULL;
    struct sighting *sighting = NULL;
    if (rules->several_points || conn->twins.room > 0) {
        dossier_settle_twins(conn, seen->when, false);
        if (is_twin(conn, &passing)) {
            note_quality(conn, &passing);
            return TAKEN_COPY;
        }
        sighting = twins_add(&conn->twins, passing.from, seen,
                             rules->several_points ? TWINS_FAR : TWINS_NEAR);
    } else if (twins_repeats_last(&conn->twins, passing.from, seen)) {
        (void)twins_add(&conn->twins, passing.from, seen, TWINS_NEAR);
        note_quality(conn, &passing);
        return TAKEN_COPY;
    }
    if (conn->traffic == NULL) {
        conn->traffic = traffic_new(rules->plot_points);
    }
    if (conn->traffic == NULL) {
        return TAKEN_NO_MEMORY;
    }
    passing.mark = traffic_take(conn->traffic, passing.from, seen);
    note_quality(conn, &passing);
    if (passing.mark != MARK_DAMAGED && passing.mark != MARK_COPY) {
        facts_opening(conn, &passing);
        facts_reset(conn, &passing);
        facts_closing(conn, &passing);
        facts_data(conn, &passing);
    }
    facts_place(conn, &passing);
    observe(conn, &passing);
    note_last(conn, &passing);
    *line = draw(conn, &passing, rules, sighting);
    return TAKEN;
}

void dossier_take_icmp(struct dossier *conn, const struct seen *seen,
                       const struct dossier_rules *rules)
{
    struct ref ref = { seen->number, seen->when, seen->point };
    unsigned from = dossier_sender(conn, &seen->segment.tuple);
    struct icmp_facts *facts = &conn->icmp_facts;
    if (!ref_set(&conn->icmp)) {
        conn->icmp = ref;
        facts->kind = seen->icmp.kind;
        facts->source = seen->icmp_source;
    }
    facts->count++;
    if (seen->icmp.kind == ICMP_TOO_BIG) {
        facts->too_big++;
        facts->mtu = seen->icmp.mtu;
    }
    conn->packets++;
    struct line line = { .kind = LINE_ICMP,
                         .from = (uint8_t)(1U - from), /* towards who sent the quoted segment */
                         .point = seen->point,
                         .number = seen->number,
                         .when = seen->when,
                         .until = seen->when,
                         .seq = seen->segment.seq,
                         .icmp_kind = (uint8_t)seen->icmp.kind,
                         .icmp_mtu = seen->icmp.mtu };
    for (int side = 0; side < 2; side++) {
        line.states[side] = conn->end[side].observer.states;
    }
    if (rules->lines > 0) {
        story_add(&conn->story, &line, rules->lines);
    }
}

/* ------------------------------------------------------------- a life's end -- */

enum phase dossier_phase(const struct dossier *conn)
{
    const struct dossier_end *client = &conn->end[CLIENT], *server = &conn->end[SERVER];
    bool closed = ref_set(&client->fin_acked) && ref_set(&server->fin_acked);
    if (closed || client->rsts > 0 || server->rsts > 0) {
        return PHASE_OVER;
    }
    return conn->roles_known && !ref_set(&conn->established) ? PHASE_OPENING : PHASE_OPEN;
}

bool dossier_is_other_life(const struct dossier *conn, unsigned from, uint32_t seq)
{
    const struct dossier_end *end = &conn->end[from];
    if (end->first_known) {
        return end->first != seq;
    }
    /* Before its first SYN nothing is known of an end, except in mid-connection. */
    return end->segments > 0;
}

void dossier_to_former(const struct dossier *conn, struct former *former)
{
    const struct dossier_end *client = &conn->end[CLIENT], *server = &conn->end[SERVER];
    bool closed = ref_set(&client->fin_acked) && ref_set(&server->fin_acked);
    *former = (struct former){ .exists = true,
                               .over = dossier_over(conn),
                               .reset = client->rsts + server->rsts > 0,
                               .waiter = NOBODY_WAITS,
                               .number = conn->number,
                               .end = { client->end, server->end } };
    former->last = client->last.when > server->last.when ? client->last : server->last;
    if (!closed || former->reset) {
        return;
    }
    bool simultaneous = !client->fin_answers && !server->fin_answers;
    former->waiter = simultaneous ? BOTH_WAIT : client->fin_answers ? SERVER : CLIENT;
    former->since = client->fin_acked.when > server->fin_acked.when ? client->fin_acked.when
                                                                    : server->fin_acked.when;
}

void dossier_explain(const struct dossier *conn, wh_time now, struct explanation *explanation)
{
    *explanation = (struct explanation){
        .number = conn->number,
        .end = { { conn->tuple.local, conn->tuple.local_port },
                 { conn->tuple.remote, conn->tuple.remote_port } },
        .opening_seen = conn->roles_known,
        .began = conn->began,
        .over = conn->latest,
        .packets = conn->packets,
        .points = conn->points,
        .line_count = conn->story.count,
        .line = conn->story.line,
    };
    struct metrics *metrics = &explanation->metrics;
    metrics->vantage = conn->vantage;
    for (unsigned side = 0; side < 2; side++) {
        const struct dossier_end *end = &conn->end[side];
        explanation->first[side] = end->first;
        explanation->first_known[side] = end->first_known;
        explanation->states[side] = end->observer.states;
        if (conn->traffic == NULL) {
            continue;
        }
        struct traffic_sums *sums = &metrics->sums[side];
        traffic_sum(conn->traffic, side, conn->latest, sums);
        explanation->plot[side] =
            traffic_points(conn->traffic, side, &explanation->point_count[side]);
        wh_time took = sums->last_data - sums->first_data;
        metrics->bits_per_second[side] =
            took >= WH_MILLISECOND ? sums->fresh_bytes * 8 * 1000 / (took / WH_MILLISECOND) : 0;
    }
    const struct dossier_end *client = &conn->end[CLIENT], *server = &conn->end[SERVER];
    if (ref_set(&conn->established) && ref_set(&client->syn)) {
        metrics->open_time = conn->established.when - client->syn.when;
        if (client->syns == 1 && server->syn_acks == 1) {
            metrics->handshake_rtt = metrics->open_time;
        }
        if (ref_set(&server->data) && server->data.when > conn->established.when) {
            metrics->first_byte_time = server->data.when - conn->established.when;
        }
    }
    judge(conn, now, &explanation->verdict);
}
