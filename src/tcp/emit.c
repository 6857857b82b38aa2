/* SPDX-License-Identifier: MIT */
#include "tcp/emit.h"

#include <string.h>

#include "base/bytes.h"
#include "base/chunk_sum.h"
#include "base/seq.h"
#include "tcp/context.h"
#include "wire/ethernet.h"
#include "wire/ip.h"

#define SPARE_SLOTS 4096

static struct frame_slot *slot_of(struct link *link)
{
    return CONTAINER(link, struct frame_slot, link);
}

static struct frame_slot *slot_take(struct tcp *tcp)
{
    struct frame_slot *slot;
    if (tcp->slots.spares > 0) {
        slot = slot_of(list_take(&tcp->slots.spare));
        tcp->slots.spares--;
    } else {
        slot = memory_take(&tcp->memory, sizeof *slot, MEMORY_VITAL);
        if (slot == NULL) {
            tcp->count[WH_WHY_MEMORY_CAP]++;
            return NULL;
        }
    }
    slot->chunks = 0;
    list_append(&tcp->slots.lent, &slot->link);
    tcp->slots.lents++;
    return slot;
}

void emit_return(struct tcp *tcp, void *slot)
{
    struct frame_slot *lent = slot;
    for (uint32_t i = 0; i < lent->chunks; i++) {
        chunk_drop(&tcp->chunks, lent->chunk[i]);
    }
    link_remove(&lent->link);
    tcp->slots.lents--;
    if (tcp->slots.spares >= SPARE_SLOTS) {
        memory_give(&tcp->memory, lent, sizeof *lent);
        return;
    }
    list_prepend(&tcp->slots.spare, &lent->link); /* the one last used is still in the cache */
    tcp->slots.spares++;
}

void emit_init(struct tcp *tcp)
{
    list_init(&tcp->slots.spare);
    list_init(&tcp->slots.lent);
}

void emit_free(struct tcp *tcp)
{
    while (!list_empty(&tcp->slots.lent)) {
        emit_return(tcp, slot_of(tcp->slots.lent.ring.next));
    }
    while (tcp->slots.spares > 0) {
        struct frame_slot *slot = slot_of(list_take(&tcp->slots.spare));
        tcp->slots.spares--;
        memory_give(&tcp->memory, slot, sizeof *slot);
    }
}

uint32_t emit_reach(const struct chunk *chunk, uint32_t seq, uint32_t length)
{
    uint32_t reach = 0;
    for (unsigned slices = 0; slices < WH_FRAME_SLICES - 1 && chunk != NULL && reach < length;
         slices++) {
        reach += chunk->seq + chunk->end - (seq + reach);
        chunk = chunk->next;
    }
    return MIN(reach, length);
}

/* References [seq, seq + length) from the chunks on. */
static void gather(wh_frame *frame, struct frame_slot *slot, struct chunk *chunk, uint32_t seq,
                   uint32_t length)
{
    while (length > 0) {
        uint32_t at = seq - chunk->seq;
        uint32_t n = MIN(length, chunk->end - at);
        frame->slice[frame->slices++] = (wh_slice){ chunk->data + at, n };
        chunk_hold(chunk);
        slot->chunk[slot->chunks++] = chunk;
        seq += n;
        length -= n;
        chunk = chunk->next;
    }
}

/* The sum of all data slices, wherever their odd lengths fall; where it is known it is not made again. */
static uint64_t sum_data(const struct checksum *checksum, const wh_frame *frame,
                         const struct frame_slot *slot)
{
    uint64_t sum = 0;
    bool odd = false;
    for (uint32_t i = 1; i < frame->slices; i++) {
        const wh_slice *slice = &frame->slice[i];
        const struct chunk *chunk = slot->chunk[i - 1];
        uint32_t at = (uint32_t)((const uint8_t *)slice->base - chunk->data);
        uint16_t piece;
        if (!chunk_sum(chunk, at, (uint32_t)slice->length, &piece)) {
            piece = checksum_fold(checksum->add(slice->base, slice->length, 0));
        }
        sum += odd ? checksum_swap(piece) : piece;
        odd = odd != ((slice->length & 1) != 0);
    }
    return sum;
}

static void finish_checksum(struct tcp *tcp, wh_frame *frame, const struct segment *segment,
                            uint8_t *header, size_t header_length)
{
    const struct frame_slot *slot = frame->buffer;
    uint32_t length = (uint32_t)header_length + segment->length;
    uint64_t sum = ip_pseudo_sum(&segment->tuple.local, &segment->tuple.remote, IP_TCP, length);
    uint16_t field;
    if (tcp->features & WH_TX_CHECKSUM) {
        /* The link adds the segment to what stands in the field, and complements. */
        field = checksum_fold(sum);
        frame->flags |= WH_FRAME_CHECKSUM_PARTIAL;
    } else {
        sum = tcp->checksum->add(header, header_length, sum);
        sum += sum_data(tcp->checksum, frame, slot);
        field = (uint16_t)~checksum_fold(sum);
    }
    memcpy(header + 16, &field, sizeof field);
}

static void trace_out(struct tcp *tcp, const struct segment *segment, const struct emit_note *note,
                      uint64_t serial)
{
    wh_trace_record *record = trace_next(&tcp->trace);
    trace_segment(record, segment, note->scale);
    record->time = tcp->now;
    record->kind = WH_TRACE_OUT;
    record->frame = serial;
    record->state_before = (uint8_t)note->state;
    record->state_after = (uint8_t)note->state;
    record->reason = (uint16_t)note->reason;
}

bool emit_segment(struct outbox *outbox, const struct segment *segment, struct chunk *chunk,
                  const struct emit_note *note)
{
    struct tcp *tcp = outbox->tcp;
    struct frame_slot *slot = outbox_full(outbox) ? NULL : slot_take(tcp);
    if (slot == NULL) {
        return false;
    }
    uint32_t ip_length = ip_header_length(&segment->tuple.remote);
    uint8_t *ip = slot->headers + SLOT_LINK_ROOM;
    size_t tcp_length = segment_build(ip + ip_length, segment);
    struct packet packet = {
        .source = segment->tuple.local,
        .destination = segment->tuple.remote,
        .protocol = IP_TCP,
        .hops = segment->hops,
        .traffic_class = segment->traffic_class,
        .length = (uint32_t)tcp_length + segment->length,
    };
    uint64_t serial = ++tcp->frames_out;
    ip_build(ip, &packet, (uint16_t)serial);

    uint32_t link = outbox->link_header != NULL ? ETHERNET_HEADER : 0;
    wh_frame *frame = &outbox->frames[outbox->n++];
    uint32_t headers = link + ip_length + (uint32_t)tcp_length;
    frame->slice[0] = (wh_slice){ ip - link, headers };
    frame->slices = 1;
    frame->length = headers + segment->length;
    frame->flags = 0;
    frame->segment_size = segment->segment_size;
    frame->headers = (uint16_t)headers;
    frame->transport = (uint16_t)(link + ip_length);
    frame->checksum_start = frame->transport;
    frame->checksum_offset = 16;
    frame->serial = serial;
    frame->buffer = slot;
    if (link > 0) {
        memcpy(ip - link, outbox->link_header, link);
    }
    gather(frame, slot, chunk, segment->seq + ((segment->flags & WH_SYN) != 0), segment->length);
    finish_checksum(tcp, frame, segment, ip + ip_length, tcp_length);
    tcp->segments_out++;
    if (trace_on(&tcp->trace)) {
        trace_out(tcp, segment, note, serial);
    }
    return true;
}

bool emit_packet(struct outbox *outbox, struct chunk *packet)
{
    struct tcp *tcp = outbox->tcp;
    struct frame_slot *slot = outbox_full(outbox) ? NULL : slot_take(tcp);
    if (slot == NULL) {
        return false;
    }
    wh_frame *frame = &outbox->frames[outbox->n++];
    memset(frame, 0, sizeof *frame);
    if (outbox->link_header != NULL) {
        uint8_t *link = slot->headers + SLOT_LINK_ROOM - ETHERNET_HEADER;
        memcpy(link, outbox->link_header, ETHERNET_HEADER);
        frame->slice[frame->slices++] = (wh_slice){ link, ETHERNET_HEADER };
    }
    frame->slice[frame->slices++] =
        (wh_slice){ packet->data + packet->begin, chunk_length(packet) };
    slot->chunk[slot->chunks++] = packet;
    frame->length = (outbox->link_header != NULL ? ETHERNET_HEADER : 0) + chunk_length(packet);
    frame->serial = ++tcp->frames_out;
    frame->buffer = slot;
    return true;
}
