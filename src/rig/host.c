/* SPDX-License-Identifier: MIT */
/*
 * The stack under test, its memory, and time. Frames that leave are copied into
 * the queue of expectations at once but handed back through wh_sent only at the
 * next pump, after a look whether they still hold the same bytes: the stack must
 * not touch what the link has.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "rig/rig.h"

#define OUTPUT_CAP 64
/* A stack that asks to be called again this often at one instant without sending is spinning. */
#define SPINS 64

static void *take(void *context, size_t size)
{
    struct wh_rig *rig = context;
    rig->memory.calls++;
    if (rig->memory.fail_from != 0 && rig->memory.calls >= rig->memory.fail_from &&
        (rig->memory.calls - rig->memory.fail_from) % rig->memory.fail_every == 0)
        return NULL;
    void *memory = malloc(size);
    if (memory != NULL)
        rig->memory.now += size;
    if (rig->memory.now > rig->memory.peak)
        rig->memory.peak = rig->memory.now;
    return memory;
}

static void give(void *context, void *memory, size_t size)
{
    struct wh_rig *rig = context;
    rig->memory.now -= size;
    free(memory);
}

bool host_start(struct wh_rig *rig)
{
    if (rig->host != NULL)
        return true;
    program_configure(rig);
    rig->config.memory = (wh_memory){ rig, take, give };
    int result = wh_stack_new(&rig->host, &rig->config, rig->now);
    if (result < 0) {
        rig->host = NULL;
        return rig_fail(rig, "wh_stack_new: %s", wh_strerror(result));
    }
    wh_addr us;
    packet_address(rig, "us", &us);
    result = wh_address_add(rig->host, &us, wh_is_ipv4(&us) ? 24 : 64);
    if (result < 0)
        return rig_fail(rig, "wh_address_add: %s", wh_strerror(result));
    if (rig->variant->numbers)
        wh_next_iss(rig->host, rig->variant->iss);
    return program_begin(rig);
}

static uint64_t hash_frame(const wh_frame *frame)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (uint32_t s = 0; s < frame->slices; s++) {
        const uint8_t *bytes = frame->slice[s].base;
        size_t length = frame->slice[s].length;
        for (size_t i = 0; i < length; i += 8) {
            uint64_t word = 0;
            memcpy(&word, bytes + i, MIN(8, length - i));
            hash = (hash ^ word) * UINT64_C(0x9e3779b97f4a7c15);
            hash ^= hash >> 29;
        }
    }
    return hash;
}

static bool hand_back(struct wh_rig *rig)
{
    for (size_t i = 0; i < rig->lents; i++) {
        if (hash_frame(&rig->lent[i].frame) != rig->lent[i].hash)
            return rig_fail(rig, "frame %" PRIu64 " changed while the link had it",
                            rig->lent[i].frame.serial);
        wh_sent(rig->host, &rig->lent[i].frame, 1);
    }
    rig->lents = 0;
    return true;
}

static void *room_for(void *array, size_t *room, size_t count, size_t size)
{
    if (count < *room)
        return array;
    *room = *room == 0 ? 16 : *room * 2;
    array = realloc(array, *room * size);
    if (array == NULL)
        abort();
    return array;
}

/* Copies a frame into the queue in one piece, its checksum complete. */
static bool capture(struct wh_rig *rig, const wh_frame *frame)
{
    if (frame->length > RIG_FRAME_MAX || frame->slices > WH_FRAME_SLICES)
        return rig_fail(rig, "a frame of %" PRIu32 " bytes in %" PRIu32 " slices", frame->length,
                        frame->slices);
    if (rig->queue_first == rig->queue_count)
        rig->queue_first = rig->queue_count = 0;
    rig->queue = room_for(rig->queue, &rig->queue_room, rig->queue_count, sizeof *rig->queue);
    struct leaving *leaving = &rig->queue[rig->queue_count];
    *leaving = (struct leaving){ rig->now, malloc(frame->length + 1), 0, frame->segment_size };
    if (leaving->bytes == NULL)
        abort();
    for (uint32_t s = 0; s < frame->slices; s++) {
        memcpy(leaving->bytes + leaving->length, frame->slice[s].base, frame->slice[s].length);
        leaving->length += (uint32_t)frame->slice[s].length;
    }
    rig->queue_count++;
    if (leaving->length != frame->length)
        return rig_fail(rig, "a frame says %" PRIu32 " bytes and has %" PRIu32, frame->length,
                        leaving->length);
    if (frame->flags & WH_FRAME_CHECKSUM_PARTIAL) {
        uint8_t *field = leaving->bytes + frame->checksum_start + frame->checksum_offset;
        if (frame->checksum_start + frame->checksum_offset + 2U > leaving->length)
            return rig_fail(rig, "a partial checksum lies outside of its frame");
        uint32_t sum = packet_sum(leaving->bytes + frame->checksum_start,
                                  leaving->length - frame->checksum_start, 0);
        put16(field, (uint16_t)~packet_fold(sum));
    }
    if (frame->serial == 0)
        return rig_fail(rig, "a frame without serial number");
    rig->lent = room_for(rig->lent, &rig->lent_room, rig->lents, sizeof *rig->lent);
    rig->lent[rig->lents++] = (struct lent){ *frame, hash_frame(frame) };
    return true;
}

static bool gather_events(struct wh_rig *rig)
{
    wh_event event[64];
    size_t n = wh_events(rig->host, event, 64);
    for (size_t i = 0; i < n; i++) {
        if (event[i].conn != NULL && event[i].user != NULL) {
            ((struct flow *)event[i].user)->events |= event[i].ready;
        } else if (event[i].listener != NULL && event[i].user != NULL) {
            ((struct rig_listener *)event[i].user)->events |= event[i].ready;
        } else if (event[i].syn != NULL) {
            wh_endpoint ours, theirs;
            wh_syn_endpoints(event[i].syn, &ours, &theirs);
            struct flow *flow = flow_find(rig, &ours, &theirs);
            if (flow == NULL)
                return rig_fail(rig, "a SYN of an unknown flow was offered");
            flow->syn = event[i].syn;
            flow->events |= event[i].ready;
        }
    }
    return true;
}

/* While loose, whatever leaves is checked and counted. */
static bool let_go(struct wh_rig *rig)
{
    while (host_next(rig) != NULL) {
        struct seen seen;
        if (!seen_accept(rig, &seen))
            return false;
        seen_track(&seen);
        rig->left_count++;
        rig->left_data += seen.protocol == 6 ? seen.segment.length : 0;
        for (int i = 0; i < 9 && seen.protocol == 6; i++)
            rig->left_flags[i] += seen.segment.flags >> i & 1;
        host_drop(rig);
    }
    return true;
}

/* Takes all that leaves now; *left counts the frames. */
static bool take_output(struct wh_rig *rig, size_t *left)
{
    wh_frame frame[OUTPUT_CAP];
    size_t n;
    do {
        n = wh_output(rig->host, frame, OUTPUT_CAP, rig->now);
        *left += n;
        for (size_t i = 0; i < n; i++)
            if (!capture(rig, &frame[i]))
                return false;
        if (rig->lents > 4096)
            return rig_fail(rig, "thousands of frames leave at one instant");
    } while (n == OUTPUT_CAP);
    return true;
}

bool host_pump(struct wh_rig *rig)
{
    unsigned servings = 0;
    size_t left;
    if (rig->together)
        return true;
    if (!hand_back(rig))
        return false;
    do {
        left = 0;
        if (!program_serve(rig, &servings) || !take_output(rig, &left))
            return false;
    } while (left != 0 && program_present(rig));
    if (rig->config.memory_cap < rig->memory.peak)
        return rig_fail(rig, "memory cap exceeded: %zu bytes of %zu", rig->memory.peak,
                        rig->config.memory_cap);
    if (!witness_hear(rig))
        return false;
    return (rig->program_runs || gather_events(rig)) && (!rig->loose || let_go(rig));
}

/* When the host or the program next wants to be called. */
static wh_time next_wake(const struct wh_rig *rig)
{
    wh_time host = wh_wake(rig->host), program = program_wake(rig);
    return MIN(host, program);
}

bool host_advance(struct wh_rig *rig, wh_time when)
{
    unsigned spins = 0;
    while (host_next(rig) == NULL) {
        wh_time wake = next_wake(rig);
        if (wake >= when)
            break;
        if (wake > rig->now) {
            rig->now = wake;
            spins = 0;
        } else if (++spins > SPINS) {
            return rig_fail(rig,
                            "wh_wake asks for a call at once, again and again, and nothing leaves");
        }
        if (!host_pump(rig))
            return false;
    }
    if (host_next(rig) == NULL && when > rig->now) {
        rig->now = when;
        return host_pump(rig);
    }
    return true;
}

bool host_quiet(struct wh_rig *rig)
{
    struct leaving *leaving = host_next(rig);
    struct seen seen;
    char text[150], time[24];
    if (leaving == NULL)
        return true;
    if (!seen_parse(rig, &seen, leaving))
        return false;
    seen_text(&seen, text, sizeof text);
    note_add(rig, '!', leaving->time, "%s", text);
    return rig_fail(rig, "something left that no line expects, at %s:\n    --> %s",
                    value_time_text(leaving->time - rig->start, time), text);
}

bool host_silence(struct wh_rig *rig, wh_time when)
{
    if (!host_quiet(rig) || !host_advance(rig, when))
        return false;
    return host_quiet(rig);
}

bool host_arrives(struct wh_rig *rig, const uint8_t *bytes, size_t length, uint16_t segment_size,
                  bool partial)
{
    rig->batch_frame =
        room_for(rig->batch_frame, &rig->batch_room, rig->batches, sizeof *rig->batch_frame);
    uint8_t *copy = malloc(length + 1);
    if (copy == NULL)
        abort();
    memcpy(copy, bytes, length);
    wh_frame frame = { .slice = { { copy, length } },
                       .slices = 1,
                       .length = (uint32_t)length,
                       .flags = partial ? WH_FRAME_CHECKSUM_PARTIAL : 0,
                       .segment_size = segment_size };
    rig->batch_frame[rig->batches++] = frame;
    rig->frames_in++;
    if (rig->together)
        return true; /* cppcheck-suppress memleak; host_flush frees it */
    /* cppcheck-suppress memleak */
    return host_flush(rig) && host_pump(rig);
}

bool host_flush(struct wh_rig *rig)
{
    if (rig->batches != 0)
        wh_input(rig->host, rig->batch_frame, rig->batches, rig->now);
    for (size_t i = 0; i < rig->batches; i++) {
        /* The memory is ours again: the host must not look at it any more. */
        uint8_t *bytes = (uint8_t *)(uintptr_t)rig->batch_frame[i].slice[0].base;
        memset(bytes, 0xee, rig->batch_frame[i].length);
        free(bytes);
    }
    rig->batches = 0;
    return true;
}

struct leaving *host_next(struct wh_rig *rig)
{
    return rig->queue_first < rig->queue_count ? &rig->queue[rig->queue_first] : NULL;
}

void host_drop(struct wh_rig *rig) { free(rig->queue[rig->queue_first++].bytes); }

/* Ends every handle the application still has. */
static void let_handles_go(struct wh_rig *rig)
{
    program_end(rig);
    for (size_t i = 0; i < RIG_FLOWS; i++) {
        struct flow *flow = &rig->flow[i];
        if (flow->conn != NULL)
            wh_abort(flow->conn);
        if (flow->syn != NULL)
            wh_syn_ignore(flow->syn);
        flow->conn = NULL;
        flow->syn = NULL;
    }
    for (size_t i = 0; i < RIG_LISTENERS; i++) {
        if (rig->listener[i].listener != NULL)
            wh_listener_close(rig->listener[i].listener);
        rig->listener[i].listener = NULL;
    }
    for (int i = 0; i < 2; i++) {
        if (rig->dgram[i] != NULL)
            wh_dgram_close(rig->dgram[i]);
        rig->dgram[i] = NULL;
    }
}

/* The peer is silent from here on: every record must go away by itself. */
bool host_drain(struct wh_rig *rig)
{
    wh_stats stats = { .size = sizeof stats };
    rig->memory.fail_from = 0;
    rig->together = false;
    rig->loose = true;
    let_handles_go(rig);
    if (!host_pump(rig))
        return false;
    wh_time limit = rig->now + 4 * 3600 * WH_SECOND;
    while (wh_wake(rig->host) != WH_NEVER && rig->now < limit) {
        wh_time wake = wh_wake(rig->host);
        if (!host_advance(rig, wake > rig->now ? wake : rig->now + 1))
            return false;
    }
    if (!hand_back(rig))
        return false;
    wh_stats_get(rig->host, &stats);
    if (stats.connections + stats.half_open + stats.time_wait + stats.held + stats.listeners +
            stats.timers + stats.frames_lent !=
        0)
        return rig_fail(rig,
                        "left behind hours after everything was closed: %" PRIu32
                        " connections, %" PRIu32 " half-open, %" PRIu32 " in TIME-WAIT, %" PRIu32
                        " held, %" PRIu32 " listeners, %" PRIu32 " timers, %" PRIu32 " frames lent",
                        stats.connections, stats.half_open, stats.time_wait, stats.held,
                        stats.listeners, stats.timers, stats.frames_lent);
    const char *broken = wh_check(rig->host);
    return broken == NULL || rig_fail(rig, "wh_check at the end: %s", broken);
}

bool host_stop(struct wh_rig *rig)
{
    program_end(rig);
    if (rig->host != NULL)
        wh_stack_free(rig->host);
    rig->host = NULL;
    if (rig->memory.now != 0 && !rig->failed)
        return rig_fail(rig, "%zu bytes not given back by wh_stack_free", rig->memory.now);
    return true;
}
