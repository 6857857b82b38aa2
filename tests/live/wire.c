/* SPDX-License-Identifier: MIT */
#include "wire.h"

#include <stdlib.h>
#include <string.h>

#define ECHO_DELAY (100 * WH_MILLISECOND)
#define LATE_DELAY (300 * WH_MILLISECOND)
/* A frame held back for the next one does not wait for ever: there may be no next. */
#define SWAP_PATIENCE (2 * WH_SECOND)
#define PROTOCOL_TCP 6

static struct parcel *parcel_of(const wh_frame *frame, wh_time due)
{
    struct parcel *parcel = malloc(sizeof *parcel + frame->length);
    if (parcel == NULL) {
        abort();
    }
    *parcel = (struct parcel){ .due = due, .length = frame->length };
    uint32_t at = 0;
    for (uint32_t i = 0; i < frame->slices; i++) {
        memcpy(parcel->bytes + at, frame->slice[i].base, frame->slice[i].length);
        at += (uint32_t)frame->slice[i].length;
    }
    return parcel;
}

static struct parcel *copy_of(const struct parcel *parcel, wh_time due)
{
    struct parcel *copy = malloc(sizeof *copy + parcel->length);
    if (copy == NULL) {
        abort();
    }
    memcpy(copy, parcel, sizeof *copy + parcel->length);
    copy->next = NULL;
    copy->due = due;
    return copy;
}

static void append(struct lane *lane, struct parcel *parcel)
{
    parcel->next = NULL;
    if (lane->last != NULL) {
        lane->last->next = parcel;
    } else {
        lane->first = parcel;
    }
    lane->last = parcel;
}

static void insert_late(struct lane *lane, struct parcel *parcel)
{
    struct parcel **at = &lane->late;
    while (*at != NULL && (*at)->due <= parcel->due) {
        at = &(*at)->next;
    }
    parcel->next = *at;
    *at = parcel;
}

/* What was held back for the next frame follows it now. */
static void release_swapped(struct lane *lane, wh_time due)
{
    for (struct parcel **at = &lane->late; *at != NULL;) {
        struct parcel *parcel = *at;
        if (!parcel->swapped) {
            at = &parcel->next;
            continue;
        }
        *at = parcel->next;
        parcel->swapped = false;
        parcel->due = due;
        append(lane, parcel);
    }
}

void wire_send(struct wire *wire, int from, const wh_frame *frame, wh_time now)
{
    struct lane *lane = &wire->lane[from];
    wh_time due = now + WIRE_DELAY;
    struct parcel *parcel = parcel_of(frame, due);
    uint8_t *bytes = parcel->bytes;
    uint64_t number = ++wire->frames;
    /* RFC 791 3.1 and RFC 8200 3: where the protocol is named. */
    wire->foreign += (bytes[0] >> 4 == 4 ? bytes[9] : bytes[6]) != PROTOCOL_TCP;
    enum harm harm = HARM_NONE;
    if (wire->judge != NULL) {
        harm = wire->judge(wire->context, from, number, bytes, parcel->length);
    }
    switch (harm) {
    case HARM_DROP: free(parcel); break;
    case HARM_DOUBLE:
        append(lane, parcel);
        append(lane, copy_of(parcel, due));
        break;
    case HARM_ECHO:
        insert_late(lane, copy_of(parcel, due + ECHO_DELAY));
        append(lane, parcel);
        break;
    case HARM_SWAP:
        parcel->swapped = true;
        parcel->due = due + SWAP_PATIENCE;
        insert_late(lane, parcel);
        return;
    case HARM_DELAY:
        parcel->due = due + LATE_DELAY;
        insert_late(lane, parcel);
        break;
    default: append(lane, parcel); break;
    }
    release_swapped(lane, due);
}

struct parcel *wire_take(struct wire *wire, int side, wh_time now)
{
    struct lane *lane = &wire->lane[wire->loop ? side : !side];
    struct parcel *first = lane->first, *late = lane->late;
    if (first != NULL && first->due <= now && (late == NULL || first->due <= late->due)) {
        lane->first = first->next;
        lane->last = lane->first == NULL ? NULL : lane->last;
        return first;
    }
    if (late != NULL && late->due <= now) {
        lane->late = late->next;
        return late;
    }
    return NULL;
}

wh_time wire_wake(const struct wire *wire)
{
    wh_time when = WH_NEVER;
    for (int side = 0; side < 2; side++) {
        const struct lane *lane = &wire->lane[side];
        when = lane->first != NULL && lane->first->due < when ? lane->first->due : when;
        when = lane->late != NULL && lane->late->due < when ? lane->late->due : when;
    }
    return when;
}

void wire_clear(struct wire *wire)
{
    struct parcel *parcel;
    for (int side = 0; side < 2; side++) {
        while ((parcel = wire_take(wire, side, WH_NEVER)) != NULL) {
            free(parcel);
        }
    }
}
