/* SPDX-License-Identifier: MIT */
/*
 * Frames in: link header, IP, transport, and then the record that the segment belongs
 * to. Whatever is malformed is counted under its reason and goes no further.
 *
 * A frame is taken in two steps, so that a batch can take them for many (batch.c): it is
 * looked at, which changes nothing, and then dealt with.
 */
#include <string.h>

#include "base/bytes.h"
#include "stack/stack.h"

/* A frame that never became a segment. */
static void drop(struct wh_stack *host, wh_reason reason)
{
    struct tcp *tcp = &host->tcp;
    tcp->count[reason]++;
    if (trace_on(&tcp->trace)) {
        wh_trace_record *record = trace_next(&tcp->trace);
        record->time = tcp->now;
        record->kind = WH_TRACE_DROP;
        record->frame = tcp->frames_in;
        record->reason = (uint16_t)reason;
    }
}

/* ------------------------------------------------------------ to a record -- */

static void arrive_closed(struct wh_stack *host, const struct segment *segment)
{
    struct tcp *tcp = &host->tcp;
    if (segment->flags & WH_RST) {
        because(tcp, WH_WHY_RST_IN_CLOSED); /* a RST is never answered by a RST */
        return;
    }
    because(tcp, WH_WHY_NO_CONNECTION);
    reply_reset(tcp, segment, WH_CLOSED, WH_WHY_NO_CONNECTION);
}

/* For no record: a listener's, or nobody's. Returns the state it found. */
static wh_state arrive_unknown(struct wh_stack *host, const struct segment *segment)
{
    struct wh_listener *listener = listener_find(host, &segment->tuple);
    if (listener == NULL) {
        arrive_closed(host, segment);
        return WH_CLOSED;
    }
    return listener_arrive(host, listener, segment, 0);
}

static void arrive_time_wait(struct wh_stack *host, uint32_t position,
                             const struct segment *segment)
{
    struct time_wait *entry = time_wait_at(&host->time_waits, position);
    switch (time_wait_arrive(&host->tcp, entry, segment, host->config.rst_ends_time_wait)) {
    case TIME_WAIT_RESTARTS:
        entry->expires = tcp_milliseconds_after(&host->tcp, 2 * host->config.msl);
        entry->flags |= TIME_WAIT_RESTARTED;
        break;
    case TIME_WAIT_REOPENS: {
        struct wh_listener *listener = listener_find(host, &segment->tuple);
        if (listener != NULL) {
            (void)listener_arrive(host, listener, segment, position);
        } else {
            time_wait_answer(&host->tcp, entry, WH_WHY_CHALLENGE_ACK, 0);
        }
        break;
    }
    case TIME_WAIT_ENDS:
        stack_end_time_wait(host, position, WH_ON_GOT_RST, WH_WHY_PEER_RESET);
        break;
    case TIME_WAIT_STAYS: break;
    }
}

/*
 * Hands the segment to its record. Returns the state it found; *scale: how the window
 * field is to be read.
 */
static wh_state dispatch(struct wh_stack *host, const struct segment *segment, uint32_t hash,
                         unsigned *scale)
{
    struct demux_entry found = demux_find(&host->demux, hash, &segment->tuple);
    *scale = 0;
    if (found.index == 0) {
        return arrive_unknown(host, segment);
    }
    switch (found.kind) {
    case RECORD_CONNECTION: {
        struct wh_conn *conn = pool_at(&host->connections, found.index);
        wh_state before = conn_state(conn);
        tcp_arrive(conn, segment);
        *scale = conn->snd_scale;
        stack_settle(host, conn);
        return before;
    }
    case RECORD_HALF_OPEN: {
        const struct half_open *entry = pool_at(&host->half_opens, found.index);
        *scale = (entry->flags & HALF_OPEN_SCALING) ? entry->snd_scale : 0;
        half_open_stack_arrive(host, found.index, segment);
        return WH_SYN_RECEIVED;
    }
    case RECORD_TIME_WAIT:
        if (stack_time_wait_ended(host, found.index)) {
            return arrive_unknown(host, segment);
        }
        arrive_time_wait(host, found.index, segment);
        return WH_TIME_WAIT;
    default: held_arrive(host, pool_at(&host->helds, found.index), segment); return WH_LISTEN;
    }
}

static void arrive_segment(struct wh_stack *host, const struct segment *segment, uint32_t hash)
{
    struct tcp *tcp = &host->tcp;
    unsigned scale;
    if (segment->options.malformed) {
        tcp->count[WH_WHY_TCP_OPTION_LENGTH]++;
    }
    tcp->segments_in++;
    tcp->reason = WH_WHY_NONE;
    tcp->arc = WH_ON_NOTHING;
    tcp->in_segment = true;
    struct sender_look look;
    sender_look_begin(host, &segment->tuple, &look);
    wh_state before = dispatch(host, segment, hash, &scale);
    tcp->in_segment = false;
    if (trace_on(&tcp->trace)) {
        wh_trace_record *record = trace_next(&tcp->trace);
        trace_segment(record, segment, scale);
        record->time = tcp->now;
        record->kind = WH_TRACE_IN;
        record->frame = segment->frame;
        record->state_before = (uint8_t)before;
        record->state_after = (uint8_t)(tcp->arc == WH_ON_NOTHING ? before : tcp->after);
        record->arc = (uint8_t)tcp->arc;
        record->reason = (uint16_t)tcp->reason;
        sender_look_end(host, &segment->tuple, &look);
    }
}

/* -------------------------------------------------------------- transport -- */

/*
 * The sum of the IP payload. Of a frame that the link has summed, it is the link's sum less all that
 * is not payload: what stands before it, and what may follow it (RFC 894 padding).
 */
static uint64_t payload_sum(const struct tcp *tcp, const struct packet *packet,
                            const wh_frame *frame)
{
    const uint8_t *base = frame->slice[0].base;
    size_t before = (size_t)(packet->payload - base);
    if ((frame->flags & WH_FRAME_SUMMED) == 0 || (before & 1) != 0 ||
        before + packet->length != frame->slice[0].length) {
        return tcp->checksum->add(packet->payload, packet->length, 0);
    }
    /* A sound IPv4 header adds nothing. */
    size_t others = packet->version == 4 ? before - packet->header : before;
    uint64_t headers = others > 0 ? tcp->checksum->add(base, others, 0) : 0;
    return frame->sum + (uint64_t)(uint16_t)~checksum_fold(headers);
}

bool arrive_checksum_wrong(const struct tcp *tcp, const struct packet *packet,
                           const wh_frame *frame)
{
    if ((frame->flags & (WH_FRAME_CHECKSUM_PARTIAL | WH_FRAME_CHECKSUM_VALID)) != 0) {
        return false;
    }
    uint64_t sum = ip_pseudo_sum(&packet->source, &packet->destination, IP_TCP, packet->length);
    return checksum_fold(sum + payload_sum(tcp, packet, frame)) != 0xffff;
}

/* A run that its connection would not take whole. */
static void arrive_one_by_one(struct wh_stack *host, const struct segment *run, uint32_t hash)
{
    uint32_t seq = run->seq;
    for (uint32_t i = 0; i < run->pieces; i++) {
        struct segment segment = coalesced_at(run, i, &seq);
        arrive_segment(host, &segment, hash);
    }
}

static void arrive_run(struct wh_stack *host, const struct segment *run, uint32_t hash)
{
    struct tcp *tcp = &host->tcp;
    struct demux_entry found = demux_find(&host->demux, hash, &run->tuple);
    struct wh_conn *conn = found.index != 0 && found.kind == RECORD_CONNECTION
                               ? pool_at(&host->connections, found.index)
                               : NULL;
    if (conn == NULL || !tcp_takes_run(conn, run)) {
        arrive_one_by_one(host, run, hash);
        return;
    }
    tcp->segments_in += run->pieces;
    tcp->reason = WH_WHY_NONE;
    tcp->arc = WH_ON_NOTHING;
    tcp->in_segment = true;
    tcp_arrive_run(conn, run);
    stack_settle(host, conn);
    tcp->in_segment = false;
}

/* Between these addresses the last good segment came: there is nothing to be said against them. */
static bool judged_before(const struct wh_stack *host, const struct packet *packet)
{
    const struct recent *recent = &host->recent;
    return recent->known && packet->protocol == IP_TCP &&
           wh_addr_equal(&packet->destination, &recent->tuple.local) &&
           wh_addr_equal(&packet->source, &recent->tuple.remote);
}

/* The tuple's hash, which is kept with it; `same`: its addresses are those of the last. */
static uint32_t hash_of(struct wh_stack *host, const struct tuple *tuple, bool same)
{
    struct recent *recent = &host->recent;
    if (!same || tuple->local_port != recent->tuple.local_port ||
        tuple->remote_port != recent->tuple.remote_port) {
        *recent = (struct recent){ *tuple, demux_hash(&host->demux, tuple), true };
    }
    return recent->hash;
}

static wh_reason look_at_tcp(struct wh_stack *host, const struct packet *packet, bool judged,
                             struct arrival *arrival)
{
    const wh_frame *frame = arrival->frame;
    struct segment *segment = &arrival->segment;
    wh_reason reason = arrive_checksum_wrong(&host->tcp, packet, frame)
                           ? WH_WHY_TCP_CHECKSUM
                           : segment_parse(segment, packet->payload, packet->length);
    if (reason == WH_WHY_NONE && !judged &&
        (ip_is_group(&packet->destination) ||
         address_is_network_broadcast(host, &packet->destination))) {
        reason = WH_WHY_IP_DESTINATION_GROUP; /* RFC 9293 3.9.2.3, MUST-57 */
    }
    if (reason != WH_WHY_NONE) {
        return reason;
    }
    segment->tuple.local = packet->destination;
    segment->tuple.remote = packet->source;
    segment->hops = packet->hops;
    segment->traffic_class = packet->traffic_class;
    segment->segment_size = segment->length > frame->segment_size ? frame->segment_size : 0;
    segment->buffer = frame->buffer;
    segment->piece = NULL;
    segment->pieces = 0;
    arrival->kind = ARRIVAL_SEGMENT;
    arrival->frames = coalesce(&host->tcp, segment, packet, frame, arrival->most, arrival->pieces);
    arrival->hash = hash_of(host, &segment->tuple, judged);
    return WH_WHY_NONE;
}

static bool is_for_us(const struct wh_stack *host, const struct packet *packet)
{
    return host->config.any_address || address_is_ours(host, &packet->destination) ||
           ip_is_group(&packet->destination) ||
           address_is_network_broadcast(host, &packet->destination);
}

/* RFC 9293 3.9.2.3, MUST-63. Loopback may speak to loopback: hosts that an embedder has numbered so. */
static bool source_impossible(const struct wh_stack *host, const struct packet *packet)
{
    return ip_source_invalid(&packet->source) ||
           address_is_network_broadcast(host, &packet->source) ||
           (ip_is_loopback(&packet->source) && !ip_is_loopback(&packet->destination));
}

static wh_reason look_at_ip(struct wh_stack *host, const uint8_t *bytes, size_t length,
                            struct arrival *arrival)
{
    struct packet packet;
    wh_reason reason = ip_parse(&packet, bytes, length);
    /* RFC 4861 4.1: a host that has no address yet may solicit from the unspecified one. */
    bool neighbour = reason == WH_WHY_NONE && packet.protocol == IP_ICMPV6;
    bool judged = reason == WH_WHY_NONE && judged_before(host, &packet);
    if (reason == WH_WHY_NONE && !judged && !neighbour && source_impossible(host, &packet)) {
        reason = WH_WHY_IP_SOURCE_INVALID;
    }
    if (reason == WH_WHY_NONE && !judged && !is_for_us(host, &packet)) {
        reason = WH_WHY_IP_NOT_FOR_US;
    }
    if (reason != WH_WHY_NONE) {
        return reason;
    }
    if (packet.protocol == IP_TCP) {
        return look_at_tcp(host, &packet, judged, arrival);
    }
    if (packet.protocol == IP_UDP) {
        arrival->kind = ARRIVAL_DATAGRAM;
    } else if (packet.protocol == (packet.version == 4 ? IP_ICMP : IP_ICMPV6)) {
        arrival->kind = ARRIVAL_ICMP;
    } else {
        return WH_WHY_IP_PROTOCOL_UNKNOWN;
    }
    arrival->packet = packet;
    return WH_WHY_NONE;
}

/* ------------------------------------------------------------------- link -- */

static wh_reason look_at_ethernet(struct wh_stack *host, const uint8_t *bytes, size_t length,
                                  struct arrival *arrival)
{
    struct ethernet ethernet;
    wh_reason reason = ethernet_parse(&ethernet, bytes, length);
    bool group = reason == WH_WHY_NONE && (ethernet.destination.bytes[0] & 1) != 0;
    if (reason == WH_WHY_NONE && !group &&
        memcmp(ethernet.destination.bytes, host->config.ethernet, sizeof host->config.ethernet) !=
            0) {
        reason = WH_WHY_ETHERNET_NOT_FOR_US;
    }
    if (reason != WH_WHY_NONE) {
        return reason;
    }
    if (ethernet.type == ETHERTYPE_IPV4 || ethernet.type == ETHERTYPE_IPV6) {
        return look_at_ip(host, bytes + ETHERNET_HEADER, length - ETHERNET_HEADER, arrival);
    }
    arrival->kind = ARRIVAL_ARP;
    return ethernet.type == ETHERTYPE_ARP ? WH_WHY_NONE : WH_WHY_ETHERTYPE_UNKNOWN;
}

void arrival_look(struct wh_stack *host, struct arrival *arrival)
{
    const uint8_t *bytes = arrival->frame->slice[0].base;
    size_t length = arrival->frame->slice[0].length;
    arrival->frames = 1;
    arrival->reason = host->config.link == WH_LINK_ETHERNET
                          ? look_at_ethernet(host, bytes, length, arrival)
                          : look_at_ip(host, bytes, length, arrival);
    if (arrival->reason != WH_WHY_NONE) {
        arrival->kind = ARRIVAL_DROPPED;
    }
}

void arrival_take(struct wh_stack *host, struct arrival *arrival)
{
    const wh_frame *frame = arrival->frame;
    bool known = (frame->flags & (WH_FRAME_CHECKSUM_PARTIAL | WH_FRAME_CHECKSUM_VALID)) != 0;
    host->tcp.frames_in++;
    switch (arrival->kind) {
    case ARRIVAL_SEGMENT:
        arrival->segment.frame = host->tcp.frames_in;
        if (arrival->frames > 1) {
            arrive_run(host, &arrival->segment, arrival->hash);
        } else {
            arrive_segment(host, &arrival->segment, arrival->hash);
        }
        break;
    case ARRIVAL_DATAGRAM: datagram_arrive(host, &arrival->packet, known); break;
    case ARRIVAL_ICMP: icmp_arrive(host, &arrival->packet, known); break;
    case ARRIVAL_ARP:
        hop_arp(host, (const uint8_t *)frame->slice[0].base + ETHERNET_HEADER,
                frame->slice[0].length - ETHERNET_HEADER);
        break;
    case ARRIVAL_DROPPED: drop(host, arrival->reason); break;
    }
    host->tcp.frames_in += arrival->frames - 1;
    for (uint32_t i = 0; i < arrival->frames; i++) {
        if (frame[i].buffer != NULL) {
            chunk_drop(&host->tcp.chunks, frame[i].buffer);
        }
    }
}
