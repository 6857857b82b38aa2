/* SPDX-License-Identifier: MIT */
/*
 * Flows: one pair of endpoints each, and the numbers both ends are at as far as
 * the wire tells. The host's initial number is learned from its SYN.
 */
#include <string.h>

#include "base/seq.h"
#include "rig/rig.h"

/* Numbers further apart than this are out of any window. */
#define NEAR (UINT32_C(1) << 30)
#define OUR_PORT 80
#define FIRST_PEER_PORT 40000

void flow_init(struct wh_rig *rig, struct flow *flow, char name)
{
    flow->name = name;
    packet_address(rig, "us", &flow->ours.addr);
    packet_address(rig, "peer", &flow->theirs.addr);
    flow->ours.port = OUR_PORT;
    flow->theirs.port = (uint16_t)(FIRST_PEER_PORT + (name - 'a'));
    flow->is.peer_iss = rig->variant->numbers ? rig->variant->peer_iss : 1000;
    flow->is.peer_nxt = flow->is.peer_iss;
    flow->sent.salt = 1 + 2 * (uint32_t)(name - 'a');
    flow->received.salt = 2 + 2 * (uint32_t)(name - 'a');
    flow->peer_window = 65535;
    flow->peer_stamp = 100000;
}

static bool same(const wh_endpoint *a, const wh_endpoint *b)
{
    return a->port == b->port && wh_addr_equal(&a->addr, &b->addr);
}

struct flow *flow_find(struct wh_rig *rig, const wh_endpoint *ours, const wh_endpoint *theirs)
{
    for (size_t i = 0; i < RIG_FLOWS; i++) {
        struct flow *flow = &rig->flow[i];
        if (flow->name != 0 && same(&flow->ours, ours) && same(&flow->theirs, theirs))
            return flow;
    }
    return NULL;
}

void flow_again(struct flow *flow, uint32_t peer_iss)
{
    flow->was = flow->is;
    memset(&flow->is, 0, sizeof flow->is);
    flow->is.peer_iss = peer_iss;
    flow->is.peer_nxt = peer_iss;
    flow->send_position = 0;
    flow->read_position = 0;
    stream_clear(&flow->sent);
    stream_clear(&flow->received);
}

bool flow_stamps(const struct flow *flow) { return flow->is.host_stamps && flow->is.peer_stamps; }

void flow_arrived(struct flow *flow, const struct segment *segment)
{
    struct numbers *is = &flow->is;
    const struct segment_options *options = &segment->options;
    if (segment->flags & WH_RST)
        return;
    if ((segment->flags & WH_SYN) && segment->seq == is->peer_iss) {
        is->peer_scales = (options->has & WH_HAS_WINDOW_SCALE) != 0;
        is->peer_scale = options->window_scale > 14 ? 14 : options->window_scale;
        is->peer_stamps = (options->has & WH_HAS_TIMESTAMPS) != 0;
    }
    /* Data on a bare SYN is not in order yet: it is not acknowledged before ESTABLISHED. */
    bool bare_syn = (segment->flags & (WH_SYN | WH_ACK)) == WH_SYN;
    bool stray_syn = (segment->flags & WH_SYN) && segment->seq != is->peer_iss;
    uint32_t end = segment->seq + (bare_syn ? 1 : segment_length(segment));
    if (!stray_syn && is->peer_nxt - segment->seq < NEAR && end - is->peer_nxt < NEAR &&
        end != is->peer_nxt)
        is->peer_nxt = end;
    if ((segment->flags & WH_ACK) && is->iss_known && seq_gt(segment->ack, is->snd_una) &&
        seq_leq(segment->ack, is->snd_nxt))
        is->snd_una = segment->ack;
}

void flow_left(struct flow *flow, const struct segment *segment)
{
    struct numbers *is = &flow->is;
    const struct segment_options *options = &segment->options;
    if (segment->flags & WH_RST)
        return;
    if ((segment->flags & WH_SYN) && !is->iss_known) {
        is->iss_known = true;
        is->iss = is->snd_una = is->snd_nxt = segment->seq;
        is->edge_known = false;
    }
    if (segment->flags & WH_SYN) {
        is->host_scales = (options->has & WH_HAS_WINDOW_SCALE) != 0;
        is->host_scale = options->window_scale;
        is->host_stamps = (options->has & WH_HAS_TIMESTAMPS) != 0;
    }
    if (options->has & WH_HAS_TIMESTAMPS)
        is->host_tsval = options->tsval;
    uint32_t end = segment->seq + segment_length(segment);
    if (is->iss_known && seq_gt(end, is->snd_nxt))
        is->snd_nxt = end;
    bool scaled = is->host_scales && is->peer_scales && !(segment->flags & WH_SYN);
    is->window = (uint32_t)segment->window << (scaled ? is->host_scale : 0);
    if ((segment->flags & WH_SYN) && (segment->flags & WH_ACK) &&
        seq_gt(segment->ack, is->peer_nxt))
        is->peer_nxt = segment->ack; /* Fast Open: data of the peer's SYN was taken */
    if ((segment->flags & WH_ACK) && is->iss_known) {
        is->acked = segment->ack;
        is->edge = segment->ack + is->window;
        is->edge_known = true;
    }
}

bool flow_lookup(void *context, const char *name, size_t length, int64_t *out)
{
    const struct flow *flow = context;
    const struct numbers *is = &flow->is;
    (void)length;
    if (strcmp(name, "rcv.nxt") == 0)
        *out = is->peer_nxt - is->peer_iss;
    else if (strcmp(name, "snd.nxt") == 0)
        *out = is->snd_nxt - is->iss;
    else if (strcmp(name, "snd.una") == 0)
        *out = is->snd_una - is->iss;
    else if (strcmp(name, "wnd") == 0)
        *out = is->edge_known ? (int64_t)(uint32_t)(is->edge - is->peer_nxt) : is->window;
    else if (strcmp(name, "port") == 0)
        *out = flow->ours.port;
    else if (strcmp(name, "tsval") == 0) /* the host's newest timestamp value */
        *out = is->host_tsval;
    else if (strcmp(name, "stamp") == 0) /* what the peer's timestamp clock shows at the start */
        *out = flow->peer_stamp;
    else
        return false;
    return true;
}
