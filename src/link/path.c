/* SPDX-License-Identifier: MIT */
/*
 * Theory of operation. A path carries frames both ways between side A and side B.
 * What is put on it is copied, cut to segments of at most the MTU and given its
 * complete checksums: from there on a frame is a parcel, as it would be on a wire.
 * Each parcel passes the rules (mischief.c), which drop it, change it or say when
 * it arrives, and then waits in a heap for its direction until that time. Parcels
 * that arrive at the same time arrive in the order in which they were sent.
 *
 * Nothing depends on anything but the frames, the times and the seed.
 */
#include "link/path.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "link/split.h"

void wh_path_options_init(wh_path_options *options)
{
    *options = (wh_path_options){
        .size = sizeof *options,
        .link = WH_LINK_IP,
        .mtu = 1500,
        .queue_limit = 1 << 20,
    };
}

int wh_path_new(wh_path **answer, const wh_path_options *given)
{
    wh_path_options options;
    wh_path_options_init(&options);
    if (given->size == 0 || given->size > sizeof options)
        return WH_E_INVAL;
    memcpy(&options, given, given->size);
    if (options.mtu < 68 || options.mtu > 65535 || options.queue_limit == 0 ||
        (options.link != WH_LINK_IP && options.link != WH_LINK_ETHERNET))
        return WH_E_INVAL;
    wh_path *path = calloc(1, sizeof *path);
    if (path == NULL)
        return WH_E_NOMEM;
    path->link = options.link;
    path->mtu = options.mtu;
    path->queue_limit = options.queue_limit;
    path->sum = checksum_best();
    path->note_room = options.notes;
    dice_seed(&path->dice, options.seed);
    if (options.notes > 0) {
        path->notes = calloc(options.notes, sizeof *path->notes);
        if (path->notes == NULL) {
            free(path);
            return WH_E_NOMEM;
        }
    }
    *answer = path;
    return WH_OK;
}

void wh_path_free(wh_path *path)
{
    if (path == NULL)
        return;
    for (unsigned d = 0; d < 2; d++) {
        underway_free(&path->lane[d].underway);
        parcel_free_list(path->lane[d].handed);
    }
    flow_table_free(&path->flows);
    free(path->notes);
    free(path);
}

static bool needs_tracking(const struct fault *fault)
{
    switch (fault->action) {
    case FAULT_DROP:
    case FAULT_HOLD:
    case FAULT_RESET:
    case FAULT_SILENCE:
    case FAULT_ZERO_WINDOW: return true;
    default: return false;
    }
}

int wh_path_fault(wh_path *path, const char *spec, char *error, size_t error_size)
{
    struct fault fault;
    int result = fault_parse(&fault, spec, error, error_size);
    if (result != WH_OK)
        return result;
    if (path->rule_count == PATH_RULES_MAX) {
        snprintf(error, error_size, "more than %d rules", PATH_RULES_MAX);
        return WH_E_NOMEM;
    }
    if (needs_tracking(&fault) && !path->tracking) {
        uint64_t k0 = dice_throw(&path->dice), k1 = dice_throw(&path->dice);
        if (flow_table_init(&path->flows, k0, k1) != WH_OK) {
            snprintf(error, error_size, "no memory to follow connections");
            return WH_E_NOMEM;
        }
        path->tracking = true;
    }
    path->rules[path->rule_count++] = (struct rule){ .fault = fault };
    return WH_OK;
}

bool wh_path_faulty(const wh_path *path) { return path->rule_count > 0; }

void path_note(wh_path *path, wh_direction direction, const struct sight *sight, wh_reason reason,
               wh_time now)
{
    if (path->note_room == 0)
        return;
    if (path->note_count == path->note_room) {
        path->note_first = (path->note_first + 1) % path->note_room;
        path->note_count--;
    }
    wh_path_note *note = &path->notes[(path->note_first + path->note_count++) % path->note_room];
    *note = (wh_path_note){
        .time = now,
        .direction = direction,
        .reason = reason,
        .seq = sight->seq,
        .flags = sight->flags,
        .length = sight->tcp ? sight->data : (uint32_t)sight->length,
        .source = { sight->packet.source, sight->source_port },
        .destination = { sight->packet.destination, sight->destination_port },
    };
}

size_t wh_path_notes(wh_path *path, wh_path_note *notes, size_t cap)
{
    size_t n = 0;
    while (n < cap && path->note_count > 0) {
        notes[n++] = path->notes[path->note_first];
        path->note_first = (path->note_first + 1) % path->note_room;
        path->note_count--;
    }
    return n;
}

/* One more parcel goes by those that wait to be overtaken; who was overtaken enough follows it. */
static void overtake(wh_path *path, struct lane *lane, wh_time due)
{
    unsigned kept = 0;
    for (unsigned i = 0; i < lane->lates; i++) {
        struct parcel *late = lane->late[i];
        if (--late->passes > 0)
            lane->late[kept++] = late;
        else if (due < late->due)
            underway_hasten(&lane->underway, late, MAX(due, late->natural), ++path->order);
    }
    lane->lates = kept;
}

void path_carry(wh_path *path, wh_direction direction, struct parcel *parcel)
{
    struct lane *lane = &path->lane[direction];
    parcel->order = ++path->order;
    if (lane->underway.bytes + parcel->length > PATH_BYTES_MAX ||
        !underway_add(&lane->underway, parcel)) {
        struct sight sight;
        sight_take(&sight, path->link, parcel->bytes, parcel->length);
        path_note(path, direction, &sight, WH_WHY_FAULT_QUEUE, parcel->due);
        parcel_free(parcel);
        return;
    }
    if (parcel->passes > 0 && lane->lates < PATH_LATE_MAX)
        lane->late[lane->lates++] = parcel;
    else
        overtake(path, lane, parcel->due);
}

static void send_pieces(wh_path *path, wh_direction direction, const wh_frame *frame, wh_time now)
{
    struct split split;
    split_begin(&split, frame, path->link, path->sum);
    size_t longest = path->mtu + link_header_length(path->link);
    for (size_t length; (length = split_length(&split)) > 0;) {
        struct parcel *parcel = parcel_new(length);
        if (parcel == NULL)
            return; /* lost, as frames are; there is no memory to say so */
        split_next(&split, parcel->bytes);
        parcel->serial = frame->serial;
        if (length <= longest) {
            mischief(path, direction, parcel, now);
            continue;
        }
        struct sight sight;
        sight_take(&sight, path->link, parcel->bytes, length);
        path_note(path, direction, &sight, WH_WHY_FRAME_TOO_LONG, now);
        parcel_free(parcel);
    }
}

void wh_path_send(wh_path *path, wh_direction direction, const wh_frame *frames, size_t n,
                  wh_time now)
{
    for (size_t i = 0; i < n; i++)
        send_pieces(path, direction, &frames[i], now);
}

/* Takes the parcel off the list of late ones: its time came before it was overtaken. */
static void forget_late(struct lane *lane, const struct parcel *parcel)
{
    for (unsigned i = 0; i < lane->lates; i++) {
        if (lane->late[i] == parcel) {
            lane->late[i] = lane->late[--lane->lates];
            return;
        }
    }
}

size_t wh_path_receive(wh_path *path, wh_direction direction, wh_frame *frames, size_t cap,
                       wh_time now)
{
    struct lane *lane = &path->lane[direction];
    parcel_free_list(lane->handed);
    lane->handed = NULL;
    size_t n = 0;
    while (n < cap) {
        const struct parcel *first = underway_first(&lane->underway);
        if (first == NULL || first->due > now)
            break;
        struct parcel *parcel = underway_take(&lane->underway);
        if (parcel->passes > 0)
            forget_late(lane, parcel);
        parcel->next = lane->handed;
        lane->handed = parcel;
        frames[n++] = (wh_frame){
            .slice = { { parcel->bytes, parcel->length } },
            .slices = 1,
            .length = parcel->length,
            .serial = parcel->serial,
        };
    }
    return n;
}

wh_time wh_path_wake(const wh_path *path)
{
    const struct parcel *a = underway_first(&path->lane[WH_A_TO_B].underway);
    const struct parcel *b = underway_first(&path->lane[WH_B_TO_A].underway);
    wh_time when = a != NULL ? a->due : WH_NEVER;
    return b != NULL ? MIN(when, b->due) : when;
}

void wh_path_stats_get(const wh_path *path, wh_direction direction, wh_path_stats *stats)
{
    wh_path_stats all = path->lane[direction].stats;
    all.size = stats->size;
    memcpy(stats, &all, MIN(stats->size, sizeof all));
}

size_t wh_path_under_way(const wh_path *path)
{
    return path->lane[WH_A_TO_B].underway.count + path->lane[WH_B_TO_A].underway.count;
}
