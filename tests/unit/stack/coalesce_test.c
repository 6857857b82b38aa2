/* SPDX-License-Identifier: MIT */
/*
 * Runs in a batch have the outcome of one by one: two pairs of hosts that are the same in
 * everything; to the one the frames come in batches, to the other each by itself.
 */
#include "pair.h"

#define BATCH 64

struct twins {
    struct pair *batch, *single;
    uint64_t seed;
};

static uint32_t below(struct twins *t, uint32_t bound)
{
    t->seed = t->seed * 6364136223846793005U + 1442695040888963407U;
    return (uint32_t)(t->seed >> 33) % bound;
}

/* Frames as bytes on a wire, the same for both. */
struct wire {
    uint8_t bytes[BATCH][1600];
    uint32_t length[BATCH];
    size_t n;
};

static void collect(struct pair *p, unsigned from, struct wire *wire)
{
    wh_frame frames[BATCH];
    wire->n = wh_output(p->host[from], frames, BATCH, p->now);
    for (size_t i = 0; i < wire->n; i++) {
        uint32_t at = 0;
        for (uint32_t k = 0; k < frames[i].slices; k++) {
            memcpy(wire->bytes[i] + at, frames[i].slice[k].base, frames[i].slice[k].length);
            at += (uint32_t)frames[i].slice[k].length;
        }
        wire->length[i] = at;
    }
    wh_sent(p->host[from], frames, wire->n);
}

static wh_frame arriving(struct pair *p, unsigned to, const struct wire *wire, size_t i)
{
    void *base;
    size_t room;
    wh_frame in = { .slices = 1, .length = wire->length[i] };
    in.buffer = wh_buffer(p->host[to], wire->length[i], &base, &room);
    assert_non_null(in.buffer);
    in.sum = wh_copy_sum(p->host[to], base, wire->bytes[i], wire->length[i]);
    in.flags = i % 3 == 0 ? 0 : WH_FRAME_SUMMED; /* each kind of run is short, and there are both */
    in.flags = wire->n % 2 == 0 ? WH_FRAME_SUMMED : in.flags;
    in.slice[0] = (wh_slice){ base, wire->length[i] };
    return in;
}

/* Both get the frames; then they must be alike in all that a run could have changed. */
static void deliver_to_both(struct twins *t, unsigned to, const struct wire *wire)
{
    wh_frame frames[BATCH];
    for (size_t i = 0; i < wire->n; i++) {
        frames[i] = arriving(t->batch, to, wire, i);
    }
    wh_input(t->batch->host[to], frames, wire->n, t->batch->now);
    for (size_t i = 0; i < wire->n; i++) {
        wh_frame in = arriving(t->single, to, wire, i);
        wh_input(t->single->host[to], &in, 1, t->single->now);
    }
    const struct tcp *a = &t->batch->host[to]->tcp;
    const struct tcp *b = &t->single->host[to]->tcp;
    assert_memory_equal(a->count, b->count, sizeof a->count);
    assert_int_equal(a->segments_in, b->segments_in);
    assert_int_equal(a->frames_in, b->frames_in);
    const wh_conn *c = t->batch->conn[to];
    const wh_conn *d = t->single->conn[to];
    assert_int_equal(c->rcv_nxt, d->rcv_nxt);
    assert_int_equal(c->rcv_mss, d->rcv_mss);
    assert_int_equal(c->snd_wl1, d->snd_wl1);
    assert_int_equal(c->snd_wl2, d->snd_wl2);
    assert_int_equal(c->snd_wnd, d->snd_wnd);
    assert_int_equal(c->ts_recent, d->ts_recent);
    assert_int_equal(c->pushed, d->pushed);
    assert_int_equal(c->ack_now, d->ack_now);
    assert_int_equal(c->dup_acks_owed, d->dup_acks_owed);
    if (!c->ack_now) { /* else what a first segment has asked for means nothing any more */
        assert_int_equal(c->deadline[DEADLINE_ACK], d->deadline[DEADLINE_ACK]);
    }
    assert_int_equal(c->segments_in, d->segments_in);
    assert_int_equal(conn_bytes_received(c), conn_bytes_received(d));
    assert_int_equal(c->receive.length, d->receive.length);
    assert_int_equal(c->rcv_rtt, d->rcv_rtt);
    assert_int_equal(conn_state(c), conn_state(d));
    assert_null(wh_check(t->batch->host[to]));
    assert_null(wh_check(t->single->host[to]));
}

/* Takes what both have to say, which must be the same. */
static void collect_from_both(struct twins *t, unsigned from, struct wire *wire)
{
    static struct wire other;
    collect(t->batch, from, wire);
    collect(t->single, from, &other);
    assert_int_equal(wire->n, other.n);
    for (size_t i = 0; i < wire->n; i++) {
        assert_int_equal(wire->length[i], other.length[i]);
        assert_memory_equal(wire->bytes[i], other.bytes[i], wire->length[i]);
    }
}

/* The path loses, repeats, swaps, marks and damages, with a checksum that is right or not. */
static void mistreat(struct twins *t, struct wire *wire)
{
    for (size_t i = 0; i < wire->n; i++) {
        size_t other = below(t, (uint32_t)wire->n);
        switch (below(t, 40)) {
        case 0: /* lost */
            wire->n--;
            memmove(wire->bytes[i], wire->bytes[i + 1], (wire->n - i) * sizeof wire->bytes[0]);
            memmove(wire->length + i, wire->length + i + 1, (wire->n - i) * sizeof(uint32_t));
            break;
        case 1: /* instead of another */
            memcpy(wire->bytes[other], wire->bytes[i], sizeof wire->bytes[0]);
            wire->length[other] = wire->length[i];
            break;
        case 2: /* damaged anywhere */
            wire->bytes[i][below(t, wire->length[i])] ^= (uint8_t)(1U << below(t, 8));
            break;
        case 3: { /* as another host might have sent it: a flag more, the checksum right */
            static const uint8_t flags[] = { WH_PSH, WH_URG, WH_ECE, WH_CWR };
            uint8_t *tcp = wire->bytes[i] + 20;
            uint8_t flag = flags[below(t, 4)];
            if ((tcp[13] & flag) == 0) {
                uint32_t sum = (uint32_t)(tcp[16] << 8 | tcp[17]);
                sum = sum >= flag ? sum - flag : sum - flag + 0xffff;
                tcp[13] |= flag;
                tcp[16] = (uint8_t)(sum >> 8);
                tcp[17] = (uint8_t)sum;
            }
            break;
        }
        default: break;
        }
    }
}

static struct twins begin_twins(uint64_t seed, int64_t buffer)
{
    struct twins t = { begin(buffer), begin(buffer), seed };
    struct pair *both[] = { t.batch, t.single };
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(wh_set(both[i]->conn[0], WH_OPT_NAGLE, 0), WH_OK);
        assert_int_equal(wh_set(both[i]->conn[0], WH_OPT_PACING, 0), WH_OK);
    }
    return t;
}

static void check_what_is_read(struct twins *t, const uint8_t *stream, size_t *at)
{
    static uint8_t a[70000], b[70000];
    size_t most = below(t, 4) == 0 ? below(t, 3000) : sizeof a;
    int64_t n = wh_recv(t->batch->conn[1], a, most);
    assert_int_equal(wh_recv(t->single->conn[1], b, most), n);
    if (n > 0) {
        assert_memory_equal(a, stream + *at, (size_t)n);
        assert_memory_equal(b, stream + *at, (size_t)n);
        *at += (size_t)n;
    }
}

/* One round: the application writes, frames go one way, what is answered goes the other. */
static void round_of(struct twins *t, const uint8_t *stream, size_t *sent, bool rough)
{
    static struct wire wire;
    size_t length = 1 + below(t, below(t, 3) == 0 ? 400 : 60000);
    int64_t n = wh_send(t->batch->conn[0], stream + *sent, length, 0);
    assert_int_equal(wh_send(t->single->conn[0], stream + *sent, length, 0), n);
    *sent += n > 0 ? (size_t)n : 0;
    collect_from_both(t, 0, &wire);
    if (rough) {
        mistreat(t, &wire);
    }
    deliver_to_both(t, 1, &wire);
    collect_from_both(t, 1, &wire);
    deliver_to_both(t, 0, &wire);
    wh_time step = below(t, 8) == 0 ? 300 * WH_MILLISECOND : below(t, 2000000);
    t->batch->now += step;
    t->single->now += step;
}

static void run_twins(uint64_t seed, bool rough)
{
    enum { STREAM = 8 << 20 };
    struct twins t = begin_twins(seed, rough ? 65535 : 200000);
    uint8_t *stream = malloc(STREAM);
    size_t sent = 0, read = 0;
    for (size_t i = 0; i < STREAM; i++) {
        stream[i] = (uint8_t)below(&t, 256);
    }
    for (unsigned i = 0; i < 100 && conn_state(t.batch->conn[0]) == WH_ESTABLISHED; i++) {
        round_of(&t, stream, &sent, rough);
        check_what_is_read(&t, stream, &read);
    }
    assert_true(read > 0);
    free(stream);
    end(t.batch);
    end(t.single);
}

static void a_smooth_path(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 10; seed++) {
        run_twins(seed, false);
    }
}

static void a_rough_path(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 60; seed++) {
        run_twins(seed, true);
    }
}

/* Ten segments at once, the window open for so many bytes and one of them here already. */
static void directed(uint32_t window, bool held)
{
    static struct wire wire, one;
    static uint8_t bytes[14480];
    struct twins t = begin_twins(1, 65535);
    wh_send(t.batch->conn[0], bytes, sizeof bytes, 0);
    wh_send(t.single->conn[0], bytes, sizeof bytes, 0);
    collect_from_both(&t, 0, &wire);
    assert_int_equal(wire.n, 10);
    t.batch->conn[1]->rcv_edge = t.single->conn[1]->rcv_edge = t.batch->conn[1]->rcv_nxt + window;
    if (held) {
        memcpy(one.bytes[0], wire.bytes[4], sizeof one.bytes[0]);
        one.length[0] = wire.length[4];
        one.n = 1;
        deliver_to_both(&t, 1, &one);
    }
    deliver_to_both(&t, 1, &wire);
    collect_from_both(&t, 1, &one);
    end(t.batch);
    end(t.single);
}

static void no_run_leaves_the_window_or_meets_what_is_held(void **state)
{
    (void)state;
    directed(14480, false);
    directed(14479, false);
    directed(5000, false);
    directed(0, false);
    directed(14480, true);
}

/* ----------------------------------------------------- what makes a run -- */

/* How many of the frames, the first of which is parsed, are one run. */
static uint32_t run_of(struct pair *p, struct wire *wire, struct segment *segment)
{
    static struct piece pieces[RUN_MAX];
    wh_frame frames[BATCH];
    struct packet packet;
    memset(frames, 0, sizeof frames);
    for (size_t i = 0; i < wire->n; i++) {
        frames[i].slice[0] = (wh_slice){ wire->bytes[i], wire->length[i] };
    }
    memset(segment, 0, sizeof *segment);
    assert_int_equal(ip_parse(&packet, wire->bytes[0], wire->length[0]), WH_WHY_NONE);
    assert_int_equal(segment_parse(segment, packet.payload, packet.length), WH_WHY_NONE);
    return coalesce(&p->host[1]->tcp, segment, &packet, frames, wire->n, pieces);
}

/* Ten full segments, of which the last has PSH. */
static struct pair *ten_segments(struct wire *wire, uint32_t trace_records)
{
    static uint8_t bytes[14480];
    struct pair *p = begin_with(65535, trace_records);
    assert_int_equal(wh_set(p->conn[0], WH_OPT_PACING, 0), WH_OK);
    memset(bytes, 5, sizeof bytes);
    assert_int_equal(wh_send(p->conn[0], bytes, sizeof bytes, 0), sizeof bytes);
    collect(p, 0, wire);
    assert_int_equal(wire->n, 10);
    return p;
}

static void segments_in_order_are_one(void **state)
{
    (void)state;
    static struct wire wire;
    struct segment segment;
    struct pair *p = ten_segments(&wire, 0);
    assert_int_equal(run_of(p, &wire, &segment), 10);
    assert_int_equal(segment.length, 14480);
    assert_int_equal(segment.segment_size, 1448);
    assert_int_equal(segment.pieces, 10);
    assert_int_equal(segment.flags, WH_ACK | WH_PSH);
    uint32_t seq = segment.seq;
    struct segment third = segment;
    for (uint32_t i = 0; i < 3; i++) {
        third = coalesced_at(&segment, i, &seq);
    }
    assert_int_equal(third.seq, segment.seq + 2 * 1448);
    assert_int_equal(third.length, 1448);
    assert_int_equal(third.flags, WH_ACK);
    assert_null(third.piece);
    end(p);
}

/* A bit of the third frame's headers that differs ends the run before it, whichever it is. */
static void every_bit_counts(void **state)
{
    (void)state;
    static struct wire wire;
    struct segment segment;
    struct pair *p = ten_segments(&wire, 0);
    for (uint32_t bit = 0; bit < 52 * 8; bit++) {
        wire.bytes[2][bit / 8] ^= (uint8_t)(1U << bit % 8);
        assert_int_equal(run_of(p, &wire, &segment), 2);
        wire.bytes[2][bit / 8] ^= (uint8_t)(1U << bit % 8);
    }
    wire.bytes[2][1000] ^= 1;
    assert_int_equal(run_of(p, &wire, &segment), 2);
    end(p);
}

static void a_gap_or_a_trace_ends_it(void **state)
{
    (void)state;
    static struct wire wire;
    struct segment segment;
    struct pair *p = ten_segments(&wire, 0);
    memmove(wire.bytes[4], wire.bytes[5], 5 * sizeof wire.bytes[0]);
    assert_int_equal(run_of(p, &wire, &segment), 4);
    end(p);
    p = ten_segments(&wire, 16);
    assert_int_equal(run_of(p, &wire, &segment), 1);
    end(p);
}

/* A run's segments are as long as the first, but for the last. */
static void a_longer_one_begins_anew(void **state)
{
    (void)state;
    static struct wire wire;
    struct segment segment;
    struct pair *p = begin(65535);
    static uint8_t bytes[3500];
    assert_int_equal(wh_set(p->conn[0], WH_OPT_NAGLE, 0), WH_OK);
    assert_int_equal(wh_send(p->conn[0], bytes, 500, 0), 500);
    static struct wire small;
    collect(p, 0, &small);
    assert_int_equal(wh_send(p->conn[0], bytes, 2000, 0), 2000);
    collect(p, 0, &wire);
    assert_int_equal(wire.n, 2);
    assert_int_equal(run_of(p, &wire, &segment), 2); /* the last is shorter */
    memmove(wire.bytes[1], wire.bytes[0], sizeof wire.bytes[0]);
    wire.length[1] = wire.length[0];
    memcpy(wire.bytes[0], small.bytes[0], sizeof wire.bytes[0]);
    wire.length[0] = small.length[0];
    wire.bytes[0][20 + 13] &= (uint8_t)~WH_PSH; /* only the first one's checksum is now wrong */
    assert_int_equal(run_of(p, &wire, &segment), 1);
    end(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_smooth_path),
        cmocka_unit_test(a_rough_path),
        cmocka_unit_test(no_run_leaves_the_window_or_meets_what_is_held),
        cmocka_unit_test(segments_in_order_are_one),
        cmocka_unit_test(a_longer_one_begins_anew),
        cmocka_unit_test(every_bit_counts),
        cmocka_unit_test(a_gap_or_a_trace_ends_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
