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

uint32_t emit_room(struct outbox *outbox, uint32_t want)
{
    struct tcp *tcp = outbox->tcp;
    want = (uint32_t)MIN((size_t)want, outbox->cap - outbox->n);
    while (tcp->slots.spares < want) {
        struct frame_slot *slot = memory_take(&tcp->memory, sizeof *slot, MEMORY_VITAL);
        if (slot == NULL) {
            return tcp->slots.spares;
        }
        list_prepend(&tcp->slots.spare, &slot->link);
        tcp->slots.spares++;
    }
    return want;
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

/* The chunk that holds seq, this one or one behind it. */
static struct chunk *chunk_with(struct chunk *chunk, uint32_t seq)
{
    while (seq_geq(seq, chunk->seq + chunk->end)) {
        chunk = chunk->next;
    }
    return chunk;
}

uint32_t emit_reach_each(const struct chunk *chunk, uint32_t seq, uint32_t length, uint32_t size)
{
    uint32_t reach = 0;
    while (reach < length) {
        uint32_t want = MIN(size, length - reach);
        while (seq_geq(seq + reach, chunk->seq + chunk->end)) {
            chunk = chunk->next;
        }
        uint32_t fits = emit_reach(chunk, seq + reach, want);
        if (fits < want) {
            return reach > 0 ? reach : fits; /* it lies in too many pieces, and leaves alone */
        }
        reach += fits;
    }
    return reach;
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

/* A frame of its own. */
static bool emit_one(struct outbox *outbox, const struct segment *segment, struct chunk *chunk,
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

/* What all frames of a burst have in common. */
struct template
{
    const wh_frame *frame;
    uint64_t ip_sum, tcp_sum; /* of the headers without what differs */
};

/* A 16-bit field as it counts in a sum, taken out of it. */
static uint64_t without(const uint8_t *field)
{
    uint16_t word;
    memcpy(&word, field, sizeof word);
    return (uint16_t)~word;
}

static struct template template_of(const wh_frame *frame, const struct segment *segment,
                                   const struct checksum *checksum)
{
    const uint8_t *tcp = (const uint8_t *)frame->slice[0].base + frame->transport;
    uint32_t ip_length = ip_header_length(&segment->tuple.remote);
    const uint8_t *ip = tcp - ip_length;
    size_t header = (size_t)frame->headers - frame->transport;
    struct template template = { .frame = frame };
    if (ip_length == 20) {
        template.ip_sum = checksum->add(ip, 20, 0) + without(ip + 4) + without(ip + 10);
    }
    template.tcp_sum = ip_pseudo_sum(&segment->tuple.local, &segment->tuple.remote, IP_TCP,
                                     (uint32_t)header + segment->length);
    template.tcp_sum = checksum->add(tcp, header, template.tcp_sum) + without(tcp + 4) +
                       without(tcp + 6) + without(tcp + 16);
    return template;
}

/* Like the template's frame, with the data at seq. False without a slot. */
static bool emit_like(struct outbox *outbox, const struct template *template, uint32_t seq,
                      uint32_t length, struct chunk *chunk)
{
    struct tcp *tcp = outbox->tcp;
    const wh_frame *like = template->frame;
    struct frame_slot *slot = outbox_full(outbox) ? NULL : slot_take(tcp);
    if (slot == NULL) {
        return false;
    }
    const struct frame_slot *first = like->buffer;
    memcpy(slot->headers, first->headers, sizeof slot->headers);
    uint8_t *header =
        slot->headers + ((const uint8_t *)like->slice[0].base - first->headers) + like->transport;
    uint64_t serial = ++tcp->frames_out;
    wh_frame *frame = &outbox->frames[outbox->n++];
    frame->slice[0] = (wh_slice){ header - like->transport, like->headers };
    frame->slices = 1;
    frame->length = like->length;
    frame->flags = like->flags;
    frame->segment_size = 0;
    frame->headers = like->headers;
    frame->transport = like->transport;
    frame->checksum_start = like->checksum_start;
    frame->checksum_offset = like->checksum_offset;
    frame->serial = serial;
    frame->buffer = slot;
    put32(header + 4, seq);
    gather(frame, slot, chunk, seq, length);
    if (template->ip_sum != 0) {
        uint8_t *ip = header - 20;
        put16(ip + 4, (uint16_t)serial);
        uint64_t sum = template->ip_sum + checksum_word16((uint16_t)serial);
        uint16_t field = (uint16_t)~checksum_fold(sum);
        memcpy(ip + 10, &field, sizeof field);
    }
    if ((tcp->features & WH_TX_CHECKSUM) == 0) { /* else the sum left to complete is the same */
        uint64_t sum = template->tcp_sum + checksum_word32(seq);
        uint16_t field = (uint16_t)~checksum_fold(sum + sum_data(tcp->checksum, frame, slot));
        memcpy(header + 16, &field, sizeof field);
    }
    tcp->segments_out++;
    return true;
}

/* The whole pieces but the last, the second to the last but one of them by the template of the first. */
static bool emit_alike(struct outbox *outbox, struct segment *piece, struct chunk **chunk,
                       uint32_t end, const struct emit_note *note)
{
    struct tcp *tcp = outbox->tcp;
    struct template template = { .frame = NULL };
    for (; seq_lt(piece->seq + piece->length, end); piece->seq += piece->length) {
        *chunk = chunk_with(*chunk, piece->seq);
        if (template.frame == NULL) {
            if (!emit_one(outbox, piece, *chunk, note)) {
                return false;
            }
            template = template_of(&outbox->frames[outbox->n - 1], piece, tcp->checksum);
            continue;
        }
        if (!emit_like(outbox, &template, piece->seq, piece->length, *chunk)) {
            return false;
        }
        if (trace_on(&tcp->trace)) {
            trace_out(tcp, piece, note, outbox->frames[outbox->n - 1].serial);
        }
    }
    return true;
}

static bool emit_cut(struct outbox *outbox, const struct segment *segment, struct chunk *chunk,
                     const struct emit_note *note)
{
    uint32_t end = segment->seq + segment->length;
    struct segment piece = *segment;
    piece.length = segment->segment_size;
    piece.segment_size = 0;
    piece.flags &= (uint16_t) ~(WH_FIN | WH_PSH);
    if (!emit_alike(outbox, &piece, &chunk, end, note)) {
        return false;
    }
    piece.length = end - piece.seq;
    piece.flags = segment->flags;
    return emit_one(outbox, &piece, chunk_with(chunk, piece.seq), note);
}

bool emit_segment(struct outbox *outbox, const struct segment *segment, struct chunk *chunk,
                  const struct emit_note *note)
{
    bool cut = segment->segment_size != 0 && (outbox->tcp->features & WH_TX_SEGMENTATION) == 0;
    return cut ? emit_cut(outbox, segment, chunk, note) : emit_one(outbox, segment, chunk, note);
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
