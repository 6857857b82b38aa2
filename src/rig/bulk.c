/* SPDX-License-Identifier: MIT */
/* Long transfers, for which a line a segment would be too many. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/seq.h"
#include "rig/rig.h"

#define SEGMENT 1460
/* Rounds without any progress before a transfer counts as stuck. */
#define PATIENCE 200

/* An ACK-only segment, or one with data, from the peer. */
static bool peer_sends(struct wh_rig *rig, uint32_t seq, uint32_t length, uint32_t ack)
{
    struct spec spec = { .kind = SPEC_TCP, .flags = WH_ACK, .has_seq = true, .has_ack = true };
    spec.offset = spec.reserved = spec.hops = spec.tos = spec.cut = -1;
    spec.from_port = spec.to_port = -1;
    spec.seq = seq;
    spec.ack = ack;
    spec.length = length;
    return packet_arrives(rig, &spec);
}

/* The application takes all there is. */
static bool drain_reader(struct wh_rig *rig)
{
    struct flow *flow = rig->at;
    uint8_t data[16384];
    int64_t n;
    while ((n = wh_recv(flow->conn, data, sizeof data)) > 0) {
        uint64_t wrong = stream_differs(&flow->received, flow->read_position, data, (size_t)n);
        if (wrong != UINT64_MAX)
            return rig_fail(rig, "byte %" PRIu64 " was delivered with a wrong value", wrong);
        flow->read_position += (uint64_t)n;
    }
    return host_pump(rig);
}

/* Nothing more happens now: on to the next timer. */
static bool next_timer(struct wh_rig *rig, unsigned *idle)
{
    wh_time wake = wh_wake(rig->host);
    if (wake == WH_NEVER || ++*idle > PATIENCE)
        return rig_fail(rig, "the transfer is stuck");
    return host_advance(rig, MAX(wake, rig->now + 1));
}

bool bulk_in(struct wh_rig *rig, uint64_t bytes)
{
    struct flow *flow = rig->at;
    struct numbers *is = &flow->is;
    bool loose = rig->loose;
    unsigned idle = 0;
    if (flow->conn == NULL)
        return rig_fail(rig, "the application has no connection on this flow");
    rig->loose = true;
    uint32_t next = is->peer_nxt, end = next + (uint32_t)bytes;
    while (is->acked != end) {
        bool moved = false;
        while (next != end) {
            uint32_t length = MIN(SEGMENT, end - next);
            if (seq_gt(next + length, is->edge))
                break;
            if (!peer_sends(rig, next, length, is->snd_nxt) || !drain_reader(rig))
                return false;
            next += length;
            moved = true;
        }
        if (is->acked == end)
            break;
        if (!moved && !next_timer(rig, &idle))
            return false;
        idle = moved ? 0 : idle;
    }
    rig->loose = loose;
    return true;
}

/* The receiving side of bulk_out. */
struct receiver {
    uint32_t first;   /* sequence number of got[0] */
    uint32_t highest; /* seen */
    uint64_t next;    /* index of the first byte missing */
    uint64_t bytes;
    uint64_t segments, drop_every;
    uint8_t *got;
};

/* One segment reaches the peer, or is lost; the peer answers. */
static bool peer_takes(struct wh_rig *rig, struct receiver *receiver, const struct segment *segment)
{
    if (segment->length == 0)
        return true;
    uint64_t at = segment->seq - receiver->first;
    if (at + segment->length > receiver->bytes)
        return rig_fail(rig, "more left than was sent");
    bool again = seq_lt(segment->seq, receiver->highest);
    receiver->highest = seq_max(receiver->highest, segment->seq + segment->length);
    receiver->segments++;
    if (!again && receiver->drop_every != 0 && receiver->segments % receiver->drop_every == 0)
        return true;
    memset(receiver->got + at, 1, segment->length);
    while (receiver->next < receiver->bytes && receiver->got[receiver->next])
        receiver->next++;
    return peer_sends(rig, rig->at->is.peer_nxt, 0, receiver->first + (uint32_t)receiver->next);
}

static bool take_all(struct wh_rig *rig, struct receiver *receiver, bool *moved)
{
    while (host_next(rig) != NULL) {
        struct seen seen;
        if (!seen_accept(rig, &seen))
            return false;
        if (seen.flow != rig->at || seen.segment.flags & (WH_SYN | WH_RST | WH_FIN))
            return rig_fail(rig, "that has no place in this transfer: %s",
                            rig->note[rig->notes - 1].text);
        seen_track(&seen);
        uint64_t before = receiver->next;
        if (!peer_takes(rig, receiver, &seen.segment))
            return false;
        *moved |= receiver->next != before;
        host_drop(rig);
    }
    return true;
}

static bool run_out(struct wh_rig *rig, struct receiver *receiver)
{
    struct flow *flow = rig->at;
    uint8_t data[16384];
    uint64_t queued = 0;
    unsigned idle = 0;
    while (receiver->next < receiver->bytes) {
        bool moved = false;
        while (queued < receiver->bytes) {
            size_t part = (size_t)MIN(sizeof data, receiver->bytes - queued);
            stream_fill(&flow->sent, flow->send_position, data, part);
            int64_t n = wh_send(flow->conn, data, part, 0);
            if (n <= 0)
                break;
            queued += (uint64_t)n;
            flow->send_position += (uint64_t)n;
        }
        if (!host_pump(rig) || !take_all(rig, receiver, &moved))
            return false;
        if (!moved && receiver->next < receiver->bytes && !next_timer(rig, &idle))
            return false;
        idle = moved ? 0 : idle;
    }
    return true;
}

bool bulk_out(struct wh_rig *rig, uint64_t bytes, uint64_t drop_every)
{
    struct flow *flow = rig->at;
    struct receiver receiver = { .first = flow->is.snd_nxt,
                                 .highest = flow->is.snd_nxt,
                                 .bytes = bytes,
                                 .drop_every = drop_every };
    if (flow->conn == NULL || rig->loose)
        return rig_fail(rig, "no connection here, or `loose` is on");
    receiver.got = calloc(1, (size_t)bytes);
    if (receiver.got == NULL)
        abort();
    bool good = run_out(rig, &receiver);
    free(receiver.got);
    return good;
}
