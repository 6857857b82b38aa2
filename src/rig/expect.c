/* SPDX-License-Identifier: MIT */
/* Frames that left: taken apart, held against what always holds, and against what a line expects. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/seq.h"
#include "rig/rig.h"
#include "wire/ip.h"

bool seen_parse(struct wh_rig *rig, struct seen *seen, const struct leaving *leaving)
{
    struct packet packet;
    memset(seen, 0, sizeof *seen);
    seen->leaving = leaving;
    wh_reason reason = ip_parse(&packet, leaving->bytes, leaving->length);
    if (reason != WH_WHY_NONE)
        return rig_fail(rig, "what left is no IP packet: %s", wh_reason_text(reason));
    seen->source = packet.source;
    seen->destination = packet.destination;
    seen->protocol = packet.protocol;
    seen->hops = packet.hops;
    seen->traffic_class = packet.traffic_class;
    seen->payload = packet.payload;
    seen->length = packet.length;
    if (!packet.dont_fragment) /* an atomic packet needs no identification (RFC 6864 4) */
        return rig_fail(rig, "an IPv4 packet that may be fragmented left");
    if (packet.header + packet.length != leaving->length)
        return rig_fail(rig, "what left has a wrong IP length");
    if (packet.protocol != IP_TCP)
        return true;
    reason = segment_parse(&seen->segment, packet.payload, packet.length);
    if (reason != WH_WHY_NONE)
        return rig_fail(rig, "what left is no TCP segment: %s", wh_reason_text(reason));
    /* segment_parse puts the ports where an arriving segment has them. */
    wh_endpoint ours = { packet.source, get16(packet.payload) };
    wh_endpoint theirs = { packet.destination, get16(packet.payload + 2) };
    seen->flow = flow_find(rig, &ours, &theirs);
    if (seen->flow == NULL) {
        /* An active open that chose its own port belongs to the flow that waits for one. */
        for (size_t i = 0; i < RIG_FLOWS && seen->flow == NULL; i++) {
            struct flow *flow = &rig->flow[i];
            if (flow->name != 0 && flow->ours.port == 0 && flow->theirs.port == theirs.port &&
                wh_addr_equal(&flow->theirs.addr, &theirs.addr)) {
                flow->ours = ours;
                seen->flow = flow;
            }
        }
    }
    return true;
}

/* The data must be what the application has sent. */
static bool check_data(struct wh_rig *rig, const struct seen *seen)
{
    const struct segment *segment = &seen->segment;
    struct flow *flow = seen->flow;
    if (flow == NULL || segment->length == 0 || !flow->is.iss_known)
        return true;
    uint32_t first = segment->seq + ((segment->flags & WH_SYN) != 0);
    uint64_t at = (uint64_t)(int64_t)(int32_t)(first - flow->is.iss - 1);
    if (flow->send_position >=
        UINT64_C(0x80000000)) /* long transfers: the low half of the position counts */
        at = flow->send_position - (uint32_t)((uint32_t)flow->send_position - (uint32_t)at);
    /* A keep-alive may carry one byte of anything from before SND.UNA. */
    if (segment->length == 1 && seq_lt(segment->seq, flow->is.snd_una))
        return true;
    if (program_present(rig))
        return stream_learn(&flow->sent, at, segment->data, segment->length) ||
               rig_fail(rig, "bytes of the stream left that are not what they were before");
    if (at > flow->send_position || segment->length > flow->send_position - at)
        return rig_fail(rig, "bytes left that the application never sent");
    uint64_t wrong = stream_differs(&flow->sent, at, segment->data, segment->length);
    return wrong == UINT64_MAX ||
           rig_fail(rig, "byte %" PRIu64 " of the stream left with a wrong value", wrong);
}

/* Once advertised, the right edge of the window stays (RFC 9293 3.8.6, SHLD-14); scaling may round it. */
static bool check_edge(struct wh_rig *rig, const struct seen *seen)
{
    const struct segment *segment = &seen->segment;
    const struct numbers *is = &seen->flow->is;
    if (!is->edge_known || !(segment->flags & WH_ACK) || segment->flags & (WH_RST | WH_SYN))
        return true;
    unsigned scale = is->host_scales && is->peer_scales ? is->host_scale : 0;
    uint32_t edge = segment->ack + ((uint32_t)segment->window << scale);
    if (seq_geq(edge + (UINT32_C(1) << scale) - 1, is->edge))
        return true;
    return rig_fail(rig, "the right edge of the window moved back by %" PRIu32 " (RFC 9293 3.8.6)",
                    is->edge - edge);
}

/* Nothing but zeros may stand after an End-of-Options option. */
static bool padded_with_zeros(const uint8_t *header)
{
    size_t end = (size_t)(header[12] >> 4) * 4, at = 20;
    while (at < end && header[at] != 0)
        at += header[at] == 1 ? 1 : header[at + 1];
    for (; at < end; at++)
        if (header[at] != 0)
            return false;
    return true;
}

static bool check_tcp(struct wh_rig *rig, const struct seen *seen)
{
    const struct segment *segment = &seen->segment;
    uint32_t sum = packet_pseudo(&seen->source, &seen->destination, IP_TCP, seen->length);
    if (packet_fold(packet_sum(seen->payload, seen->length, sum)) != 0xffff)
        return rig_fail(rig, "wrong TCP checksum (MUST-2)");
    if ((segment->options.has & WH_HAS_MSS) && !(segment->flags & WH_SYN))
        return rig_fail(rig, "MSS option outside of a SYN (MUST-65)");
    if ((segment->options.has & WH_HAS_FAST_OPEN) && !(segment->flags & WH_SYN))
        return rig_fail(rig, "Fast Open option outside of a SYN (RFC 7413 4.1.1)");
    if ((segment->options.has & WH_HAS_ACCECN) && (segment->flags & (WH_SYN | WH_ACK)) == WH_SYN)
        return rig_fail(rig, "Accurate ECN option on a SYN (RFC 9768 3.2.3.2.1)");
    if (segment->options.malformed)
        return rig_fail(rig, "malformed options");
    if (!padded_with_zeros(seen->payload))
        return rig_fail(rig, "bytes other than zero after the end of the options (MUST-69)");
    if (!(segment->flags & (WH_SYN | WH_RST | WH_ACK)))
        return rig_fail(rig, "a segment without ACK, SYN or RST");
    if ((segment->flags & WH_RST) && (segment->length != 0 || segment->flags & (WH_SYN | WH_FIN)))
        return rig_fail(rig, "a RST with data, SYN or FIN");
    if (seen->flow == NULL)
        return true;
    bool stamped = (segment->options.has & WH_HAS_TIMESTAMPS) != 0;
    if (!(segment->flags & (WH_SYN | WH_RST)) && seen->flow->is.iss_known &&
        stamped != flow_stamps(seen->flow))
        return rig_fail(rig, stamped ? "timestamps without agreement (RFC 7323 3.2)"
                                     : "timestamps are missing (RFC 7323 3.2)");
    return check_edge(rig, seen) && check_data(rig, seen);
}

bool seen_check(struct wh_rig *rig, const struct seen *seen)
{
    if (seen->leaving->segment_size == 0 && seen->leaving->length > rig->config.mtu)
        return rig_fail(rig, "a packet of %" PRIu32 " bytes left; the MTU is %" PRIu32,
                        seen->leaving->length, rig->config.mtu);
    uint32_t sum;
    switch (seen->protocol) {
    case IP_TCP: return check_tcp(rig, seen);
    case IP_ICMP: sum = packet_sum(seen->payload, seen->length, 0); break;
    default:
        sum = packet_pseudo(&seen->source, &seen->destination, seen->protocol, seen->length);
        sum = packet_sum(seen->payload, seen->length, sum);
        break;
    }
    return packet_fold(sum) == 0xffff || rig_fail(rig, "wrong checksum");
}

bool seen_accept(struct wh_rig *rig, struct seen *seen)
{
    const struct leaving *leaving = host_next(rig);
    char text[150];
    if (!seen_parse(rig, seen, leaving))
        return false;
    seen_text(seen, text, sizeof text);
    note_add(rig, '>', leaving->time, "%s", text);
    return seen_check(rig, seen);
}

void seen_track(struct seen *seen)
{
    struct flow *flow = seen->flow;
    if (flow == NULL)
        return;
    flow_left(flow, &seen->segment);
    flow->last_length = MIN(seen->leaving->length, sizeof flow->last);
    memcpy(flow->last, seen->leaving->bytes, flow->last_length);
}

static const char *icmp_text(const struct seen *seen)
{
    static const char *const names[] = {
        "net-unreachable",
        "host-unreachable",
        "protocol-unreachable",
        "port-unreachable",
        "too-big",
        "source-route-failed",
        "prohibited",
        "source-quench",
        "time-exceeded",
        "reassembly-time-exceeded",
        "parameter-problem",
        "unrecognized-option",
        "echo",
        "echo-reply",
    };
    if (seen->length < 8)
        return "cut off";
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const struct icmp_name *name = icmp_by_name(names[i]);
        bool v4 = seen->protocol == IP_ICMP;
        if (seen->payload[0] == (v4 ? name->type4 : name->type6) &&
            seen->payload[1] == (v4 ? name->code4 : name->code6))
            return names[i];
    }
    return "of another kind";
}

void seen_text(const struct seen *seen, char *text, size_t room)
{
    char ours[WH_TEXT], theirs[WH_TEXT];
    if (seen->protocol == IP_TCP) {
        segment_text(seen->flow, &seen->segment, false, text, room);
        size_t n = strlen(text);
        if (seen->flow == NULL)
            snprintf(text + n, room - n, " (%s to %s)", wh_addr_text(&seen->source, ours),
                     wh_addr_text(&seen->destination, theirs));
        else if (seen->leaving->segment_size != 0)
            snprintf(text + n, room - n, " gso %u", seen->leaving->segment_size);
    } else if (seen->protocol == IP_UDP) {
        snprintf(text, room, "udp len %" PRIu32, seen->length - 8);
    } else if (seen->protocol == IP_ICMP || seen->protocol == IP_ICMPV6) {
        snprintf(text, room, "icmp %s", icmp_text(seen));
    } else {
        snprintf(text, room, "protocol %u", seen->protocol);
    }
}

/* What does not fit, to why[room]. */
struct verdict {
    char *why;
    size_t room;
};

static bool no(struct verdict verdict, const char *what, int64_t expected, int64_t came)
{
    snprintf(verdict.why, verdict.room, "%s %" PRId64 " expected, %" PRId64 " came", what, expected,
             came);
    return false;
}

static bool match_said(struct verdict verdict, const char *name, enum said said, bool has,
                       uint32_t expected, uint32_t came)
{
    if (said == SAID_ABSENT && has) {
        snprintf(verdict.why, verdict.room, "no %s expected", name);
        return false;
    }
    if (said >= SAID_PRESENT && !has) {
        snprintf(verdict.why, verdict.room, "%s expected", name);
        return false;
    }
    return said != SAID_VALUE || expected == came || no(verdict, name, expected, came);
}

static bool match_cookie(struct verdict verdict, const struct spec *spec,
                         const struct segment_options *options)
{
    bool has = (options->has & WH_HAS_FAST_OPEN) != 0;
    if (!match_said(verdict, "fo", spec->fast_open, has, 0, 0))
        return false;
    if (spec->fast_open != SAID_VALUE)
        return true;
    if (spec->cookie_length < 0 && options->fast_open_length != 0)
        return true;
    if (spec->cookie_length != options->fast_open_length)
        return no(verdict, "bytes of Fast Open cookie", spec->cookie_length,
                  options->fast_open_length);
    return memcmp(spec->cookie, options->fast_open, options->fast_open_length) == 0 ||
           no(verdict, "first byte of another Fast Open cookie:", spec->cookie[0],
              options->fast_open[0]);
}

static bool match_accecn(struct verdict verdict, const struct spec *spec,
                         const struct segment_options *options)
{
    if (!match_said(verdict, "accecn", spec->accecn, options->has & WH_HAS_ACCECN, 0, 0))
        return false;
    if (spec->accecn != SAID_VALUE)
        return true;
    if (options->accecn_order != spec->accecn_order)
        return no(verdict, "order of the Accurate ECN option", spec->accecn_order,
                  options->accecn_order);
    if (options->accecn_fields != spec->accecn_fields)
        return no(verdict, "counters in the Accurate ECN option", spec->accecn_fields,
                  options->accecn_fields);
    for (unsigned i = 0; i < spec->accecn_fields; i++) {
        uint32_t came = options->accecn[accecn_field_at(spec->accecn_order, i)];
        if (came != spec->accecn_counter[i])
            return no(verdict, "a counter of the Accurate ECN option", spec->accecn_counter[i],
                      came);
    }
    return true;
}

static bool match_options(struct verdict verdict, const struct spec *spec,
                          const struct segment *segment, const struct numbers *is)
{
    const struct segment_options *options = &segment->options;
    if (!match_said(verdict, "mss", spec->mss, options->has & WH_HAS_MSS, spec->mss_value,
                    options->mss) ||
        !match_said(verdict, "wscale", spec->wscale, options->has & WH_HAS_WINDOW_SCALE,
                    spec->wscale_value, options->window_scale) ||
        !match_said(verdict, "sackok", spec->sackok, options->has & WH_HAS_SACK_PERMITTED, 0, 0) ||
        !match_said(verdict, "ts", spec->stamps, options->has & WH_HAS_TIMESTAMPS, spec->tsval,
                    options->tsval))
        return false;
    if (!match_cookie(verdict, spec, options) || !match_accecn(verdict, spec, options))
        return false;
    if (spec->has_tsecr && options->tsecr != spec->tsecr)
        return no(verdict, "timestamp echo", spec->tsecr, options->tsecr);
    if (spec->sack == SAID_PRESENT && options->sacks == 0)
        return match_said(verdict, "sack", SAID_PRESENT, false, 0, 0);
    if (spec->sack != SAID_PRESENT && options->sacks != spec->sacks)
        return no(verdict, "SACK blocks", spec->sacks, options->sacks);
    for (unsigned i = 0; i < spec->sacks; i++) {
        if (options->sack[i].left != spec->sack_block[i].left)
            return no(verdict, "left edge of a SACK block", spec->sack_block[i].left - is->peer_iss,
                      options->sack[i].left - is->peer_iss);
        if (options->sack[i].right != spec->sack_block[i].right)
            return no(verdict, "right edge of a SACK block",
                      spec->sack_block[i].right - is->peer_iss,
                      options->sack[i].right - is->peer_iss);
    }
    return true;
}

static bool match_flags(struct verdict verdict, const struct spec *spec,
                        const struct segment *segment)
{
    char expected[48], came[48];
    /* PSH is the sender's affair unless the line speaks of it. */
    uint16_t mask = (uint16_t) ~(spec->flags & WH_PSH ? 0 : WH_PSH);
    if (((segment->flags ^ spec->flags) & mask) == 0 && (segment->flags & spec->without) == 0)
        return true;
    snprintf(verdict.why, verdict.room, "flags %s expected, %s came",
             value_flags_text(spec->flags, expected), value_flags_text(segment->flags, came));
    return false;
}

static bool match_numbers(struct verdict verdict, const struct spec *spec,
                          const struct segment *segment, const struct flow *flow)
{
    const struct numbers *is = &flow->is;
    bool syn = (spec->flags & WH_SYN) != 0;
    /* The first SYN's number is what "seq 0" means from then on. */
    bool learn = syn && (!is->iss_known || spec->new_iss) &&
                 (!spec->has_seq || (!spec->absolute_seq && spec->seq == is->iss));
    uint32_t seq = spec->has_seq ? spec->seq : syn ? is->iss : is->snd_nxt;
    if (spec->above_old && !seq_gt(segment->seq, flow->was.snd_nxt))
        return no(verdict, "initial number above that of the old connection", flow->was.snd_nxt,
                  segment->seq);
    if (!spec->any_seq && !learn && segment->seq != seq)
        return no(verdict, "seq", (int64_t)(int32_t)(seq - is->iss),
                  (int64_t)(int32_t)(segment->seq - is->iss));
    uint32_t ack = spec->has_ack ? spec->ack : is->peer_nxt;
    if ((spec->flags & WH_ACK) && !spec->any_ack && segment->ack != ack)
        return no(verdict, "ack", (int64_t)(int32_t)(ack - is->peer_iss),
                  (int64_t)(int32_t)(segment->ack - is->peer_iss));
    if (spec->any_length ? !condition_holds(&spec->length_is, segment->length)
                         : segment->length != spec->length)
        return no(verdict, "len", spec->any_length ? spec->length_is.value : (int64_t)spec->length,
                  segment->length);
    if (spec->text != NULL && memcmp(spec->text, segment->data, segment->length) != 0)
        return no(verdict, "the text, data of length", segment->length, segment->length);
    if (!condition_holds(&spec->win, segment->window))
        return no(verdict, "win", spec->win.value, segment->window);
    bool scaled = is->host_scales && is->peer_scales && !syn;
    int64_t window = (int64_t)segment->window << (scaled ? is->host_scale : 0);
    if (!condition_holds(&spec->window, window))
        return no(verdict, "window", spec->window.value, window);
    return match_said(verdict, "urg", spec->urgent, true, spec->urgent_value, segment->urgent);
}

/* Does this frame fit? */
static bool match(struct wh_rig *rig, struct verdict verdict, const struct spec *spec,
                  const struct seen *seen)
{
    bool v4 = rig->variant->family == 4;
    static const uint8_t protocols[2][3] = { { IP_TCP, IP_ICMPV6, IP_UDP },
                                             { IP_TCP, IP_ICMP, IP_UDP } };
    if (spec->kind == SPEC_HEX || seen->protocol != protocols[v4][spec->kind])
        return no(verdict, "protocol", spec->kind == SPEC_HEX ? -1 : protocols[v4][spec->kind],
                  seen->protocol);
    if (spec->hops >= 0 && seen->hops != spec->hops)
        return no(verdict, "hops", spec->hops, seen->hops);
    if (spec->tos >= 0 && seen->traffic_class != spec->tos)
        return no(verdict, "tos", spec->tos, seen->traffic_class);
    const wh_addr *from = spec->has_from ? &spec->from : &rig->at->ours.addr;
    const wh_addr *to = spec->has_to ? &spec->to : &rig->at->theirs.addr;
    if (spec->has_from + spec->has_to != 0 &&
        (!wh_addr_equal(from, &seen->source) || !wh_addr_equal(to, &seen->destination)))
        return no(verdict, "other addresses; protocol", seen->protocol, seen->protocol);
    if (spec->kind == SPEC_ICMP) {
        snprintf(verdict.why, verdict.room, "icmp %s expected", spec->message);
        bool echo = strncmp(spec->message, "echo", 4) == 0;
        return strcmp(icmp_text(seen), spec->message) == 0 &&
               (!echo ||
                (get16(seen->payload + 4) == spec->id &&
                 get16(seen->payload + 6) == spec->sequence && seen->length == spec->length + 8));
    }
    if (spec->kind == SPEC_UDP) {
        if (seen->length != spec->length + 8)
            return no(verdict, "len", (int64_t)spec->length, seen->length - 8);
        return spec->text == NULL ||
               memcmp(spec->text, seen->payload + 8, (size_t)spec->length) == 0 ||
               no(verdict, "the text, data of length", (int64_t)spec->length,
                  (int64_t)spec->length);
    }
    if (seen->flow != rig->at) {
        snprintf(verdict.why, verdict.room, "it belongs to %s",
                 seen->flow != NULL ? "another flow" : "no flow of this scenario");
        return false;
    }
    if (seen->leaving->segment_size != spec->segment_size)
        return no(verdict, "gso", spec->segment_size, seen->leaving->segment_size);
    return match_flags(verdict, spec, &seen->segment) &&
           match_numbers(verdict, spec, &seen->segment, rig->at) &&
           match_options(verdict, spec, &seen->segment, &rig->at->is);
}

bool expect_leaves(struct wh_rig *rig, const struct spec *spec, wh_time from, wh_time to)
{
    char why[200] = "", text[150], due[24], until[24], at[24];
    struct verdict verdict = { why, sizeof why };
    if (!host_advance(rig, to > rig->now ? to : rig->now))
        return false;
    struct leaving *leaving = host_next(rig);
    value_time_text(from - MIN(from, rig->start), due);
    value_time_text(to - rig->start, until);
    if (leaving == NULL)
        return rig_fail(rig, "this should have left by %s, but nothing did", until);
    struct seen seen;
    if (!seen_parse(rig, &seen, leaving))
        return false;
    seen_text(&seen, text, sizeof text);
    value_time_text(leaving->time - rig->start, at);
    if (spec->new_iss && seen.flow != NULL && seen.flow == rig->at && (seen.segment.flags & WH_SYN))
        seen.flow->is.iss_known = false;
    if (!match(rig, verdict, spec, &seen)) {
        note_add(rig, '!', leaving->time, "%s", text);
        return rig_fail(rig, "what came instead, at %s:\n    --> %s\n  %s", at, text, why);
    }
    if (leaving->time < from || leaving->time > to) {
        note_add(rig, '!', leaving->time, "%s", text);
        return rig_fail(rig, "it left at %s; due between %s and %s", at, due, until);
    }
    note_add(rig, '>', leaving->time, "%s", text);
    if (!seen_check(rig, &seen))
        return false;
    if ((seen.segment.options.has & WH_HAS_FAST_OPEN) && seen.segment.options.fast_open_length) {
        rig->cookie_length = seen.segment.options.fast_open_length;
        memcpy(rig->cookie, seen.segment.options.fast_open, (size_t)rig->cookie_length);
    }
    seen_track(&seen);
    host_drop(rig);
    return true;
}
