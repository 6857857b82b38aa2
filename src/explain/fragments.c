/* SPDX-License-Identifier: MIT */
/*
 * A few dozen packets at a time may be in pieces; the one begun first makes room
 * for a new one, and none waits longer than a host would keep it. A map with a bit
 * for every eight bytes says what is there; whatever comes twice or overlaps ends
 * the packet, since only an attacker sends that.
 */
#include "explain/fragments.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"

enum {
    PACKETS = 32,
    MOST = 65535,
    UNITS = (MOST + 1) / 8,
    HEADER_MOST = 120, /* of the first fragment: what stands before the payload */
    V4_MORE = 0x2000,
    V4_OFFSET = 0x1fff,
    V6_FRAGMENT = 44,
    V6_HEADER = 40,
};
#define PATIENCE (30 * WH_SECOND)

struct broken {
    bool used;
    wh_time began;
    uint8_t name[40];       /* addresses, identification, protocol */
    uint32_t header;        /* bytes of it in `head`; 0: the first fragment is missing */
    uint32_t units, length; /* that are there; that there are, 0 if not known yet */
    uint32_t reach;         /* where the farthest fragment ends */
    uint8_t head[HEADER_MOST];
    uint8_t map[UNITS / 8];
    uint8_t payload[MOST + 1];
};

struct fragments {
    struct broken *packet[PACKETS];
    uint8_t whole[HEADER_MOST + MOST + 1];
};

/* One fragment, the same for both versions. */
struct shard {
    uint8_t name[40];
    uint32_t offset, length, header;
    uint32_t protocol_at; /* v6: where the fragment header's next header value goes */
    uint8_t next;
    bool more, cut;
    const uint8_t *payload;
};

struct fragments *fragments_new(void) { return calloc(1, sizeof(struct fragments)); }

void fragments_free(struct fragments *fragments)
{
    for (int i = 0; fragments != NULL && i < PACKETS; i++) {
        free(fragments->packet[i]);
    }
    free(fragments);
}

/* ------------------------------------------------------------------ reading -- */

static enum fragment read_v4(struct shard *shard, const uint8_t *bytes, size_t length)
{
    uint32_t field = length >= 20 ? get16(bytes + 6) : 0;
    if ((field & (V4_MORE | V4_OFFSET)) == 0) {
        return FRAGMENT_NONE;
    }
    uint32_t header = (bytes[0] & 0xfU) * 4, total = get16(bytes + 2);
    if (header < 20 || header > length || total <= header) {
        return FRAGMENT_BAD;
    }
    shard->header = header;
    shard->offset = (field & V4_OFFSET) * 8;
    shard->more = (field & V4_MORE) != 0;
    shard->length = total - header;
    shard->cut = total > length;
    shard->payload = bytes + header;
    shard->name[0] = 4;
    memcpy(shard->name + 1, bytes + 12, 8);
    memcpy(shard->name + 9, bytes + 4, 2);
    shard->name[11] = bytes[9];
    return FRAGMENT_WAITS;
}

static enum fragment read_v6(struct shard *shard, const uint8_t *bytes, size_t length)
{
    uint32_t at = V6_HEADER, names = 6;
    uint8_t next = length >= V6_HEADER ? bytes[6] : 59;
    for (int i = 0; i < 4 && (next == 0 || next == 43 || next == 60); i++) {
        if (at + 8 > length) {
            return FRAGMENT_NONE;
        }
        next = bytes[at];
        names = at;
        at += 8U + 8U * bytes[at + 1];
    }
    if (next != V6_FRAGMENT || at + 8 > length) {
        return FRAGMENT_NONE;
    }
    uint32_t field = get16(bytes + at + 2), total = V6_HEADER + get16(bytes + 4);
    if ((field & 0xfff9) == 0) {
        return FRAGMENT_NONE; /* an atomic fragment (RFC 6946) */
    }
    if (total <= at + 8) {
        return FRAGMENT_BAD;
    }
    shard->header = at;
    shard->protocol_at = names;
    shard->next = bytes[at];
    shard->offset = field & 0xfff8;
    shard->more = (field & 1) != 0;
    shard->length = total - at - 8;
    shard->cut = total > length;
    shard->payload = bytes + at + 8;
    shard->name[0] = 6;
    memcpy(shard->name + 1, bytes + 8, 32);
    memcpy(shard->name + 33, bytes + at + 4, 4);
    return FRAGMENT_WAITS;
}

/* ------------------------------------------------------------ putting together -- */

static struct broken *find(struct fragments *fragments, const struct shard *shard, wh_time when)
{
    struct broken **oldest = &fragments->packet[0];
    for (int i = 0; i < PACKETS; i++) {
        struct broken **place = &fragments->packet[i];
        if (*place != NULL && (*place)->used && when > (*place)->began + PATIENCE) {
            (*place)->used = false;
        }
        if (*place != NULL && (*place)->used &&
            memcmp((*place)->name, shard->name, sizeof shard->name) == 0) {
            return *place;
        }
        bool free_place = *place == NULL || !(*place)->used;
        bool oldest_free = *oldest == NULL || !(*oldest)->used;
        if (!oldest_free && (free_place || (*place)->began < (*oldest)->began)) {
            oldest = place;
        }
    }
    if (*oldest == NULL) {
        *oldest = malloc(sizeof **oldest);
    }
    struct broken *made = *oldest;
    if (made != NULL) {
        memset(made, 0, offsetof(struct broken, payload));
        made->used = true;
        made->began = when;
        memcpy(made->name, shard->name, sizeof made->name);
    }
    return made;
}

/* Takes the units of a fragment; false if any is there already. */
static bool mark_units(struct broken *packet, uint32_t first, uint32_t units)
{
    for (uint32_t unit = first; unit < first + units; unit++) {
        if (packet->map[unit / 8] >> unit % 8 & 1) {
            return false;
        }
        packet->map[unit / 8] |= (uint8_t)(1U << unit % 8);
    }
    packet->units += units;
    return true;
}

static size_t put_together(struct fragments *fragments, const struct broken *packet)
{
    uint8_t *whole = fragments->whole;
    memcpy(whole, packet->head, packet->header);
    memcpy(whole + packet->header, packet->payload, packet->length);
    size_t length = packet->header + packet->length;
    if (packet->name[0] == 4) {
        uint32_t field = get16(whole + 6) & ~(uint32_t)(V4_MORE | V4_OFFSET);
        put16(whole + 6, (uint16_t)field);
        put16(whole + 2, (uint16_t)(length > UINT16_MAX ? 0 : length));
        put16(whole + 10, 0); /* its checksum was of another header */
    } else {
        put16(whole + 4, (uint16_t)(length - V6_HEADER > UINT16_MAX ? 0 : length - V6_HEADER));
    }
    return length;
}

static bool add(struct broken *packet, const struct shard *shard, const uint8_t *bytes)
{
    uint32_t units = (shard->length + 7) / 8;
    uint32_t end = shard->offset + shard->length;
    bool fits = end <= MOST && (!shard->more || shard->length % 8 == 0) &&
                (packet->length == 0 || end <= packet->length);
    /* The end is the end: units behind it would be counted for those of a hole before it. */
    fits = fits && (shard->more || (packet->length == 0 && end >= packet->reach));
    if (!fits || shard->cut || !mark_units(packet, shard->offset / 8, units)) {
        return false;
    }
    memcpy(packet->payload + shard->offset, shard->payload, shard->length);
    packet->reach = end > packet->reach ? end : packet->reach;
    if (!shard->more) {
        packet->length = end;
    }
    if (shard->offset == 0) {
        if (shard->header > HEADER_MOST) {
            return false;
        }
        memcpy(packet->head, bytes, shard->header);
        packet->header = shard->header;
        if (packet->name[0] == 6) {
            packet->head[shard->protocol_at] = shard->next;
        }
    }
    return true;
}

enum fragment fragments_take(struct fragments *fragments, const uint8_t *bytes, size_t length,
                             wh_time when, const uint8_t **whole, size_t *whole_length)
{
    struct shard shard;
    memset(&shard, 0, sizeof shard);
    enum fragment kind = length == 0          ? FRAGMENT_NONE
                         : bytes[0] >> 4 == 4 ? read_v4(&shard, bytes, length)
                         : bytes[0] >> 4 == 6 ? read_v6(&shard, bytes, length)
                                              : FRAGMENT_NONE;
    if (kind != FRAGMENT_WAITS) {
        return kind;
    }
    struct broken *packet = find(fragments, &shard, when);
    if (packet == NULL) {
        return FRAGMENT_BAD;
    }
    if (!add(packet, &shard, bytes)) {
        packet->used = false;
        return FRAGMENT_BAD;
    }
    if (packet->length == 0 || packet->header == 0 || packet->units < (packet->length + 7) / 8) {
        return FRAGMENT_WAITS;
    }
    *whole_length = put_together(fragments, packet);
    *whole = fragments->whole;
    packet->used = false;
    return FRAGMENT_WHOLE;
}
