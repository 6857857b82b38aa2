/* SPDX-License-Identifier: MIT */
/* Frames out where the link takes few or none at a time: two hosts, and frames carried by hand. */
#include "pair.h"

/*
 * The persist timer fires while the link takes nothing; before the probe can leave the
 * window opens, and data and FIN go out: no probe behind them.
 */
static void a_probe_that_waited_does_not_follow_the_fin(void **state)
{
    (void)state;
    struct pair *p = begin(4096);
    uint8_t bytes[6000] = { 1 };
    assert_int_equal(wh_send(p->conn[0], bytes, sizeof bytes, 0), sizeof bytes);
    pass(p, p->now + 300 * WH_MILLISECOND, 64); /* the buffer is full, the window shut */
    p->now += 10 * WH_SECOND;
    assert_int_equal(wh_output(p->host[0], NULL, 0, p->now), 0);
    assert_int_equal(read_all(p, 1), 4096);
    carry(p, 1, 64);
    assert_int_equal(wh_shutdown(p->conn[0], WH_WRITE), WH_OK);
    pass(p, p->now + 10 * WH_SECOND, 64);
    assert_int_equal(read_all(p, 1), 6000 - 4096);
    assert_true((wh_ready(p->conn[1]) & WH_EOF) != 0);
    end(p);
}

/* One frame a call brings the same as sixty-four, and a host with more to say says "at once". */
static void one_frame_at_a_time(void **state)
{
    (void)state;
    struct pair *p = begin(65535);
    uint8_t bytes[60000];
    wh_frame frame;
    memset(bytes, 7, sizeof bytes);
    assert_int_equal(wh_send(p->conn[0], bytes, sizeof bytes, 0), sizeof bytes);
    assert_true(wh_wake(p->host[0]) <= p->now);
    assert_int_equal(wh_output(p->host[0], &frame, 1, p->now), 1);
    assert_true(wh_wake(p->host[0]) <= p->now);
    wh_sent(p->host[0], &frame, 1); /* lost */
    assert_int_equal(wh_shutdown(p->conn[0], WH_WRITE), WH_OK);
    pass(p, p->now + 60 * WH_SECOND, 1);
    assert_int_equal(read_all(p, 1), sizeof bytes);
    assert_true((wh_ready(p->conn[1]) & WH_EOF) != 0);
    assert_int_equal(wh_shutdown(p->conn[1], WH_WRITE), WH_OK);
    pass(p, p->now + WH_SECOND, 1);
    assert_int_equal(wh_conn_state(p->conn[0]), WH_TIME_WAIT);
    assert_int_equal(wh_conn_state(p->conn[1]), WH_CLOSED);
    pass(p, p->now + 61 * WH_SECOND, 1);
    assert_true(wh_wake(p->host[0]) == WH_NEVER);
    assert_true(wh_wake(p->host[1]) == WH_NEVER);
    end(p);
}

/* Without memory for a frame, the host asks to be woken a little later, not at once. */
static void short_of_memory_it_does_not_spin(void **state)
{
    (void)state;
    struct pair *p = begin(65535);
    uint8_t bytes[14600] = { 1 };
    wh_frame frames[64];
    assert_int_equal(wh_send(p->conn[0], bytes, sizeof bytes, 0), sizeof bytes);
    chunk_store_trim(&p->host[0]->tcp.chunks);
    p->arena.refuse_all = true;
    size_t n = wh_output(p->host[0], frames, 64, p->now);
    assert_true(n < 10);
    wh_time wake = wh_wake(p->host[0]);
    assert_true(wake > p->now && wake <= p->now + WH_SECOND);
    assert_null(wh_check(p->host[0]));
    p->arena.refuse_all = false;
    wh_sent(p->host[0], frames, n); /* lost */
    pass(p, p->now + 10 * WH_SECOND, 64);
    assert_int_equal(read_all(p, 1), sizeof bytes);
    end(p);
}

/* A stack that is freed while the link has its frames leaves nothing behind. */
static void frames_with_the_link_die_with_the_stack(void **state)
{
    (void)state;
    struct pair *p = begin(65535);
    uint8_t bytes[5000] = { 1 };
    wh_frame frames[64];
    assert_int_equal(wh_send(p->conn[0], bytes, sizeof bytes, 0), sizeof bytes);
    assert_true(wh_output(p->host[0], frames, 64, p->now) > 0);
    end(p);
}

/* ---------------------------------------------------------------- bursts -- */

static uint32_t below(uint64_t *seed, uint32_t bound)
{
    *seed = *seed * 6364136223846793005U + 1442695040888963407U;
    return (uint32_t)(*seed >> 33) % bound;
}

static wh_addr ipv6_of(unsigned which)
{
    return (wh_addr){ { 0xfd, [15] = (uint8_t)(which + 1) } };
}

/* A pair, and a connection over IPv6 if wanted; host 0 sums with the n-th of the checksums. */
static struct pair *begin_bursts(bool ipv6, unsigned n)
{
    struct pair *p = begin(400000);
    if (ipv6) {
        wh_connect_options options;
        wh_connect_options_init(&options);
        options.remote = (wh_endpoint){ ipv6_of(1), 80 };
        for (unsigned i = 0; i < 2; i++) {
            wh_addr addr = ipv6_of(i);
            assert_int_equal(wh_address_add(p->host[i], &addr, 64), WH_OK);
        }
        assert_int_equal(wh_connect(p->host[0], &options, p->now, &p->conn[0]), WH_OK);
        exchange(p, 64);
        assert_int_equal(wh_accept(p->listener, NULL, &p->conn[1]), WH_OK);
    }
    assert_int_equal(wh_set(p->conn[0], WH_OPT_PACING, 0), WH_OK);
    p->host[0]->tcp.checksum = checksum_nth(n);
    return p;
}

struct caught {
    uint8_t bytes[256][1600];
    wh_frame frame[256];
    size_t n;
};

/* All that host 0 has to say, `cap` frames a call; of these every `lose`th is lost. */
static void catch (struct pair *p, size_t cap, unsigned lose, struct caught *c)
{
    wh_frame frames[64];
    size_t n;
    c->n = 0;
    while (c->n + cap <= 256 && (n = wh_output(p->host[0], frames, cap, p->now)) > 0) {
        for (size_t i = 0; i < n; i++, c->n++) {
            uint8_t *at = c->bytes[c->n];
            c->frame[c->n] = frames[i];
            for (uint32_t k = 0; k < frames[i].slices; k++) {
                memcpy(at, frames[i].slice[k].base, frames[i].slice[k].length);
                at += frames[i].slice[k].length;
            }
            wh_frame in = { .slice[0] = { c->bytes[c->n], frames[i].length }, .slices = 1 };
            in.length = frames[i].length;
            if (lose == 0 || frames[i].serial % lose != 0) {
                wh_input(p->host[1], &in, 1, p->now);
            }
        }
        wh_sent(p->host[0], frames, n);
    }
}

static void same_frames(const struct caught *a, const struct caught *b)
{
    assert_int_equal(a->n, b->n);
    for (size_t i = 0; i < a->n; i++) {
        const wh_frame *f = &a->frame[i];
        const wh_frame *g = &b->frame[i];
        assert_int_equal(f->length, g->length);
        assert_memory_equal(a->bytes[i], b->bytes[i], f->length);
        assert_int_equal(f->serial, g->serial);
        assert_int_equal(f->flags, g->flags);
        assert_int_equal(f->headers, g->headers);
        assert_int_equal(f->transport, g->transport);
        assert_int_equal(f->segment_size, g->segment_size);
        assert_int_equal(f->checksum_start, g->checksum_start);
        assert_int_equal(f->checksum_offset, g->checksum_offset);
    }
}

/*
 * The same calls on two pairs: from the one come bursts, from the other, whose link has room for
 * one frame a call, segments one by one. On the wire they are the same, and right.
 */
static void bursts(uint64_t seed, bool ipv6, unsigned implementation, unsigned lose)
{
    static struct caught a, b;
    static uint8_t stream[1 << 20];
    struct pair *p = begin_bursts(ipv6, implementation);
    struct pair *q = begin_bursts(ipv6, implementation);
    size_t sent = 0;
    for (size_t i = 0; i < sizeof stream; i++) {
        stream[i] = (uint8_t)below(&seed, 256);
    }
    for (unsigned round = 0; round < 60; round++) {
        for (unsigned writes = below(&seed, 4); writes > 0; writes--) {
            size_t length = 1 + below(&seed, below(&seed, 2) == 0 ? 5000 : 100000);
            length = MIN(length, sizeof stream - sent);
            int64_t n = length > 0 ? wh_send(p->conn[0], stream + sent, length, 0) : 0;
            assert_true(length == 0 || wh_send(q->conn[0], stream + sent, length, 0) == n);
            sent += n > 0 ? (size_t)n : 0;
        }
        catch (p, 64, lose, &a);
        catch (q, 1, lose, &b);
        same_frames(&a, &b);
        assert_int_equal(read_all(p, 1), read_all(q, 1));
        carry(p, 1, 64);
        carry(q, 1, 64);
        assert_int_equal(p->conn[0]->segments_out, q->conn[0]->segments_out);
        assert_int_equal(p->host[0]->tcp.segments_out, q->host[0]->tcp.segments_out);
        assert_int_equal(p->host[1]->tcp.count[WH_WHY_TCP_CHECKSUM], 0);
        assert_int_equal(p->host[1]->tcp.count[WH_WHY_IP_CHECKSUM], 0);
        p->now += 1 + below(&seed, 3) * 40 * WH_MILLISECOND;
        q->now = p->now;
    }
    assert_true(sent > 0);
    end(p);
    end(q);
}

static void a_burst_is_what_would_leave_one_by_one(void **state)
{
    (void)state;
    for (unsigned n = 0; checksum_nth(n) != NULL; n++) {
        for (uint64_t seed = 1; seed <= 6; seed++) {
            bursts(seed, seed % 2 == 0, n, 0);
            bursts(seed, seed % 2 == 0, n, 17);
        }
    }
}

/* The link that is short of room, or we of memory, gets a shorter burst, and the rest later. */
static void a_burst_takes_what_room_there_is(void **state)
{
    (void)state;
    static uint8_t bytes[14480];
    wh_frame frames[64];
    struct pair *p = begin_bursts(false, 0);
    assert_int_equal(wh_send(p->conn[0], bytes, sizeof bytes, 0), sizeof bytes);
    assert_int_equal(wh_output(p->host[0], frames, 4, p->now), 4);
    assert_int_equal(wh_output(p->host[0], frames + 4, 60, p->now), 6);
    for (unsigned i = 0; i < 10; i++) {
        assert_int_equal(frames[i].length, 1500);
        assert_int_equal(frames[i].segment_size, 0);
    }
    wh_sent(p->host[0], frames, 10); /* lost */
    pass(p, p->now + 10 * WH_SECOND, 64);
    assert_int_equal(read_all(p, 1), sizeof bytes);
    end(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_probe_that_waited_does_not_follow_the_fin),
        cmocka_unit_test(one_frame_at_a_time),
        cmocka_unit_test(short_of_memory_it_does_not_spin),
        cmocka_unit_test(frames_with_the_link_die_with_the_stack),
        cmocka_unit_test(a_burst_is_what_would_leave_one_by_one),
        cmocka_unit_test(a_burst_takes_what_room_there_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
