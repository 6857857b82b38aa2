/* SPDX-License-Identifier: MIT */
/* What frames lie in on their way in: the stack's own buffers, and the link's that it is lent. */
#include "base/bytes.h"
#include "stack/stack.h"

void *wh_buffer(wh_stack *host, size_t size, void **base, size_t *length)
{
    if (size > chunk_max()) {
        return NULL;
    }
    struct chunk *chunk = chunk_take(&host->tcp.chunks, (uint32_t)size, MEMORY_ORDINARY);
    if (chunk == NULL) {
        host->tcp.count[WH_WHY_MEMORY_CAP]++;
        return NULL;
    }
    *base = chunk->data;
    *length = chunk->size;
    return chunk;
}

void *wh_buffer_lend(wh_stack *host, void *base, size_t length, void (*release)(void *argument),
                     void *argument)
{
    if (length > UINT32_MAX / 2) {
        return NULL;
    }
    struct chunk *chunk =
        chunk_refer(&host->tcp.chunks, base, (uint32_t)length, release, argument, MEMORY_ORDINARY);
    if (chunk == NULL) {
        host->tcp.count[WH_WHY_MEMORY_CAP]++;
    }
    return chunk;
}

void wh_buffer_free(wh_stack *host, void *buffer) { chunk_drop(&host->tcp.chunks, buffer); }

uint32_t wh_copy_sum(const wh_stack *host, void *to, const void *from, size_t length)
{
    return checksum_fold(host->tcp.checksum->copy(to, from, length, 0));
}

bool wh_carry(wh_stack *host, const wh_frame *out, wh_frame *in)
{
    void *base;
    size_t room;
    void *buffer = wh_buffer(host, out->length, &base, &room);
    if (buffer == NULL) {
        return false;
    }
    const struct checksum *checksum = host->tcp.checksum;
    bool partial = (out->flags & WH_FRAME_CHECKSUM_PARTIAL) != 0; /* nobody will ask for the sum */
    uint8_t *at = base;
    uint64_t sum = 0;
    for (uint32_t i = 0; i < out->slices; i++) {
        const wh_slice *slice = &out->slice[i];
        if (partial) {
            checksum->move(at, slice->base, slice->length);
        } else {
            uint64_t piece = checksum->copy(at, slice->base, slice->length, 0);
            bool odd = ((at - (uint8_t *)base) & 1) != 0;
            sum += odd ? checksum_swap(piece) : piece;
        }
        at += slice->length;
    }
    /* One by one, for an assignment of the whole would clear slices that nobody looks at. */
    in->slice[0] = (wh_slice){ base, out->length };
    in->slices = 1;
    in->length = out->length;
    in->flags = partial ? out->flags : out->flags | WH_FRAME_SUMMED;
    in->segment_size = out->segment_size;
    in->headers = out->headers;
    in->checksum_start = out->checksum_start;
    in->checksum_offset = out->checksum_offset;
    in->transport = out->transport;
    in->sum = checksum_fold(sum);
    in->serial = out->serial;
    in->buffer = buffer;
    return true;
}
