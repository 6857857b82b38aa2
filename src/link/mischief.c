/* SPDX-License-Identifier: MIT */
/*
 * Theory of operation. A parcel meets the rules in three stages; within a stage
 * rules act in the order in which they were given.
 *
 *   fate     refuse, reset (once it has struck), silence, oversize, black-hole, drop, loss: the
 *            parcel may end here
 *   change   zero-window, duplicate, corrupt: what goes on, and how often
 *   travel   hold, jitter, rate, delay, reorder: when it arrives
 *
 * In the travel stage a parcel passes, one behind the other, a station that holds
 * it, one whose service time varies but that keeps order (jitter), a bottleneck
 * with a bounded queue (rate), a distance (delay) and a place where others may
 * overtake it (reorder). Segments that the path makes itself are not lost or
 * changed, but they travel like all others.
 *
 * Time per parcel is bounded by the number of rules, which is bounded.
 */
#include "link/path.h"

#include <string.h>

#include "base/bytes.h"
#include "link/answer.h"

/* A parcel kept back to be overtaken arrives this much later at the latest. */
static const wh_time late_most = 10 * WH_MILLISECOND;

/* A parcel on its way through the rules. */
struct passage {
    wh_path *path;
    wh_direction direction;
    wh_time now;
    struct sight sight;
    struct flow *flow; /* NULL: of no connection, or no rule asks */
    unsigned kinds;    /* bits by segment_kind */
};

static void travel(struct passage *passage, struct parcel *parcel);

static void note(const struct passage *passage, wh_reason reason)
{
    path_note(passage->path, passage->direction, &passage->sight, reason, passage->now);
}

/* Sends a RST of the path's own on the connection of the segment in passage. */
static void inject_reset(const struct passage *passage, bool back, uint32_t seq, uint32_t ack,
                         uint16_t flags)
{
    wh_path *path = passage->path;
    struct parcel *parcel = answer_reset(&passage->sight, back, seq, ack, flags, path->sum);
    if (parcel == NULL)
        return;
    struct passage own = {
        .path = path,
        .direction = back ? (wh_direction)!passage->direction : passage->direction,
        .now = passage->now,
        .flow = passage->flow,
        .kinds = 1U << KIND_RST,
    };
    sight_take(&own.sight, path->link, parcel->bytes, parcel->length);
    travel(&own, parcel);
}

/* Answers the segment in passage as a closed port would (RFC 9293 3.10.7.1). */
static void answer_closed(const struct passage *passage)
{
    const struct sight *sight = &passage->sight;
    uint32_t length = sight->data + ((sight->flags & WH_SYN) != 0) + ((sight->flags & WH_FIN) != 0);
    if (sight->flags & WH_RST)
        return;
    if (sight->flags & WH_ACK)
        inject_reset(passage, true, sight->ack, 0, 0);
    else
        inject_reset(passage, true, 0, sight->seq + length, WH_ACK);
}

static bool refused(const struct passage *passage)
{
    if (!passage->sight.tcp || (passage->sight.flags & (WH_SYN | WH_ACK | WH_RST)) != WH_SYN)
        return false;
    note(passage, WH_WHY_FAULT_REFUSE);
    answer_closed(passage);
    return true;
}

/* Larger than what passes; a router says so, or nobody does. */
static bool too_large(const struct passage *passage, const struct rule *rule)
{
    wh_path *path = passage->path;
    const struct sight *sight = &passage->sight;
    uint32_t most = (uint32_t)rule->fault.amount;
    if (sight->length - sight->link_header <= most)
        return false;
    note(passage, WH_WHY_FAULT_OVERSIZE);
    if (rule->fault.action == FAULT_BLACK_HOLE)
        return true;
    struct parcel *parcel = answer_too_big(sight, most, path->sum);
    if (parcel == NULL)
        return true;
    struct passage own = {
        .path = path,
        .direction = (wh_direction)!passage->direction,
        .now = passage->now,
    };
    sight_take(&own.sight, path->link, parcel->bytes, parcel->length);
    travel(&own, parcel);
    return true;
}

static bool silenced(const struct passage *passage, struct rule *rule)
{
    wh_direction direction = passage->direction;
    if (!rule->met[direction]) {
        rule->met[direction] = true;
        rule->first[direction] = passage->now;
    }
    wh_time first = passage->flow != NULL ? passage->flow->first : rule->first[direction];
    if (passage->now < first + rule->fault.amount)
        return false;
    note(passage, WH_WHY_FAULT_SILENCE);
    return true;
}

/* The same segment as if it travelled the other way: do the rule's limits allow that too? */
static bool applies_backwards(const struct fault *fault, const struct sight *sight,
                              wh_direction direction)
{
    struct sight turned = *sight;
    turned.packet.source = sight->packet.destination;
    turned.packet.destination = sight->packet.source;
    turned.source_port = sight->destination_port;
    turned.destination_port = sight->source_port;
    return fault_applies(fault, &turned, (wh_direction)!direction);
}

static bool dropped(const struct passage *passage, const struct rule *rule)
{
    const struct fault *fault = &rule->fault;
    if (passage->flow == NULL || !(passage->kinds >> fault->kind & 1))
        return false;
    uint64_t count = passage->flow->half[passage->direction].count[fault->kind];
    if (applies_backwards(fault, &passage->sight, passage->direction))
        count += passage->flow->half[!passage->direction].count[fault->kind];
    if (count != fault->amount)
        return false;
    note(passage, WH_WHY_FAULT_DROP);
    return true;
}

static bool lost(const struct passage *passage, const struct rule *rule)
{
    if (!dice_chance(&passage->path->dice, rule->fault.chance))
        return false;
    note(passage, WH_WHY_FAULT_LOSS);
    return true;
}

/*
 * The two states of Gilbert (1960): nothing is lost in the good one, everything in
 * the bad one. The bad one is left with a chance of 1/n, so a burst takes n frames on
 * average; the good one with the chance that makes `chance` of all frames lost.
 */
static bool lost_in_burst(const struct passage *passage, struct rule *rule)
{
    struct dice *dice = &passage->path->dice;
    const uint64_t chance = rule->fault.chance, length = rule->fault.amount;
    bool *bad = &rule->bad[passage->direction];
    uint64_t begins = DICE_CERTAIN;
    if (chance < DICE_CERTAIN)
        begins = chance * DICE_CERTAIN / ((DICE_CERTAIN - chance) * length);
    if (*bad)
        *bad = dice_below(dice, length) != 0;
    else
        *bad = dice_chance(dice, (uint32_t)MIN(begins, DICE_CERTAIN));
    if (*bad || chance == DICE_CERTAIN)
        note(passage, WH_WHY_FAULT_LOSS);
    return *bad || chance == DICE_CERTAIN;
}

/* First stage. True if the parcel ends here. */
static bool meets_its_fate(const struct passage *passage)
{
    if (passage->flow != NULL && passage->flow->reset) {
        note(passage, WH_WHY_FAULT_RESET);
        answer_closed(passage);
        return true;
    }
    for (unsigned i = 0; i < passage->path->rule_count; i++) {
        struct rule *rule = &passage->path->rules[i];
        bool ends = false;
        if (!fault_applies(&rule->fault, &passage->sight, passage->direction))
            continue;
        switch (rule->fault.action) {
        case FAULT_REFUSE: ends = refused(passage); break;
        case FAULT_SILENCE: ends = silenced(passage, rule); break;
        case FAULT_OVERSIZE:
        case FAULT_BLACK_HOLE: ends = too_large(passage, rule); break;
        case FAULT_DROP: ends = dropped(passage, rule); break;
        case FAULT_LOSS: ends = lost(passage, rule); break;
        case FAULT_BURSTS: ends = lost_in_burst(passage, rule); break;
        default: break;
        }
        if (ends)
            return true;
    }
    return false;
}

/* Bytes that count for a rule: in this direction, and in the other if the rule applies there too. */
static uint64_t bytes_passed(const struct passage *passage, const struct fault *fault)
{
    uint64_t bytes = 0;
    if (fault_applies(fault, &passage->sight, passage->direction))
        bytes += passage->flow->half[passage->direction].bytes;
    if (applies_backwards(fault, &passage->sight, passage->direction))
        bytes += passage->flow->half[!passage->direction].bytes;
    return bytes;
}

/*
 * Closes the window that this segment tells, once enough data travelled against
 * it. A SYN's window is left alone: without it there would be no data at all.
 */
static void close_window(struct passage *passage, const struct rule *rule)
{
    const struct fault *fault = &rule->fault;
    const struct flow_half *data =
        passage->flow != NULL ? &passage->flow->half[!passage->direction] : NULL;
    if (data == NULL || data->bytes < fault->amount || !(passage->sight.flags & WH_ACK) ||
        (passage->sight.flags & (WH_SYN | WH_RST)) ||
        !applies_backwards(fault, &passage->sight, passage->direction))
        return;
    zero_window(&passage->sight);
    note(passage, WH_WHY_FAULT_ZERO_WINDOW);
}

static void duplicate(struct passage *passage, const struct parcel *parcel)
{
    struct parcel *copy = parcel_new(parcel->length);
    if (copy == NULL)
        return;
    memcpy(copy->bytes, parcel->bytes, parcel->length);
    copy->serial = parcel->serial;
    note(passage, WH_WHY_FAULT_DUPLICATE);
    travel(passage, copy);
}

/* Second stage. Duplicates are made before anything is corrupted. */
static void change(struct passage *passage, const struct parcel *parcel)
{
    wh_path *path = passage->path;
    for (unsigned i = 0; i < path->rule_count; i++) {
        if (path->rules[i].fault.action == FAULT_ZERO_WINDOW)
            close_window(passage, &path->rules[i]);
    }
    for (unsigned i = 0; i < path->rule_count; i++) {
        const struct fault *fault = &path->rules[i].fault;
        if (fault->action == FAULT_DUPLICATE &&
            fault_applies(fault, &passage->sight, passage->direction) &&
            dice_chance(&path->dice, fault->chance))
            duplicate(passage, parcel);
    }
    for (unsigned i = 0; i < path->rule_count; i++) {
        const struct fault *fault = &path->rules[i].fault;
        if (fault->action == FAULT_CORRUPT &&
            fault_applies(fault, &passage->sight, passage->direction) &&
            dice_chance(&path->dice, fault->chance) &&
            corrupt(&passage->sight, dice_throw(&path->dice))) {
            note(passage, WH_WHY_FAULT_CORRUPT);
            return; /* a second bit might hide the first */
        }
    }
}

/* Nanoseconds that `bytes` take at so many bits a second. */
static wh_time transmission(uint64_t bytes, uint64_t rate)
{
    const uint64_t bits = MIN(bytes, UINT64_C(1) << 30) * 8;
    return bits * WH_SECOND / rate;
}

/* Passes a bottleneck at *at; false if its queue is full. */
static bool pass_bottleneck(wh_path *path, struct rule *rule, wh_direction direction, size_t length,
                            wh_time *at)
{
    wh_path_stats *stats = &path->lane[direction].stats;
    uint64_t rate = rule->fault.amount;
    wh_time begin = MAX(*at, rule->last[direction]);
    wh_time time = transmission(length, rate);
    if (begin > *at && begin - *at + time > transmission(path->queue_limit, rate)) {
        stats->overflows++;
        return false;
    }
    stats->waited += begin - *at;
    stats->waited_most = MAX(stats->waited_most, begin - *at);
    *at = rule->last[direction] = begin + time;
    return true;
}

/* Passes one rule of the third stage; false if the parcel was dropped there. */
static bool pass(struct passage *passage, struct rule *rule, struct parcel *parcel, wh_time *at)
{
    wh_path *path = passage->path;
    const struct fault *fault = &rule->fault;
    wh_direction direction = passage->direction;
    switch (fault->action) {
    case FAULT_HOLD:
        if (passage->kinds >> fault->kind & 1) {
            *at += fault->amount;
            note(passage, WH_WHY_FAULT_HOLD);
        }
        break;
    case FAULT_JITTER:
        *at += dice_below(&path->dice, fault->amount + 1);
        *at = rule->last[direction] = MAX(*at, rule->last[direction]);
        break;
    case FAULT_RATE:
        if (!pass_bottleneck(path, rule, direction, parcel->length, at)) {
            note(passage, WH_WHY_FAULT_QUEUE);
            return false;
        }
        break;
    case FAULT_DELAY: *at += fault->amount; break;
    case FAULT_REORDER:
        if (dice_chance(&path->dice, fault->chance)) {
            parcel->natural = *at;
            *at += late_most;
            parcel->passes = (uint8_t)(1 + dice_below(&path->dice, 3));
            path->lane[direction].stats.held_back++;
            note(passage, WH_WHY_FAULT_REORDER);
        }
        break;
    default: break;
    }
    return true;
}

/* Third stage. The rules go by what the segment was before anything was corrupted. */
static void travel(struct passage *passage, struct parcel *parcel)
{
    static const enum fault_action stations[] = { FAULT_HOLD, FAULT_JITTER, FAULT_RATE, FAULT_DELAY,
                                                  FAULT_REORDER };
    wh_path *path = passage->path;
    wh_time at = passage->now;
    for (unsigned station = 0; station < sizeof stations / sizeof stations[0]; station++) {
        for (unsigned i = 0; i < path->rule_count; i++) {
            struct rule *rule = &path->rules[i];
            if (rule->fault.action != stations[station] ||
                !fault_applies(&rule->fault, &passage->sight, passage->direction))
                continue;
            if (!pass(passage, rule, parcel, &at)) {
                parcel_free(parcel);
                return;
            }
        }
    }
    parcel->due = at;
    path_carry(path, passage->direction, parcel);
}

/*
 * Ends the connection when enough data has passed: a RST to either end, with the
 * number that follows all that was sent to it. Where some of that was lost on the
 * way the number is not exact and the end answers with a challenge ACK (RFC 5961
 * 3.2), which names the exact one, and answer_closed has the last word.
 */
static void reset_when_due(const struct passage *passage)
{
    wh_path *path = passage->path;
    for (unsigned i = 0; i < path->rule_count; i++) {
        const struct fault *fault = &path->rules[i].fault;
        if (fault->action != FAULT_RESET || passage->flow->reset || passage->sight.data == 0 ||
            !fault_applies(fault, &passage->sight, passage->direction) ||
            bytes_passed(passage, fault) < fault->amount)
            continue;
        const struct flow_half *there = &passage->flow->half[passage->direction];
        const struct flow_half *back = &passage->flow->half[!passage->direction];
        uint32_t back_next = back->next_known ? back->next : passage->sight.ack;
        passage->flow->reset = true;
        note(passage, WH_WHY_FAULT_RESET);
        inject_reset(passage, false, there->next, back_next, WH_ACK);
        inject_reset(passage, true, back_next, there->next, WH_ACK);
    }
}

void mischief(wh_path *path, wh_direction direction, struct parcel *parcel, wh_time now)
{
    struct passage passage = { .path = path, .direction = direction, .now = now };
    path->lane[direction].stats.frames++;
    path->lane[direction].stats.bytes += parcel->length;
    if (path->rule_count == 0) {
        parcel->due = now;
        path_carry(path, direction, parcel);
        return;
    }
    sight_take(&passage.sight, path->link, parcel->bytes, parcel->length);
    if (path->tracking && passage.sight.tcp)
        passage.flow = flow_see(&path->flows, &passage.sight, direction, now, &passage.kinds);
    if (meets_its_fate(&passage)) {
        path->lane[direction].stats.lost++;
        parcel_free(parcel);
        return;
    }
    change(&passage, parcel);
    /* What may be injected behind the parcel needs its link header after the parcel is gone. */
    uint8_t link_header[14];
    memcpy(link_header, parcel->bytes, passage.sight.link_header);
    travel(&passage, parcel);
    passage.sight.frame = link_header;
    if (passage.flow != NULL)
        reset_when_due(&passage);
}
