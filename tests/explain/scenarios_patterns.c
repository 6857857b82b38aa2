/* SPDX-License-Identifier: MIT */
/* Many connections that are one thing together: floods and scans. */
#include "paper.h"
#include "scenario.h"

/* A SYN by hand. */
static void emit_syn(struct ground *ground, const struct paper *paper, uint16_t from, uint16_t to)
{
    uint8_t packet[1500];
    const struct segment syn = {
        .tuple = { .local_port = from, .remote_port = to },
        .seq = (uint32_t)luck_below(&ground->luck, UINT32_MAX),
        .flags = WH_SYN,
        .window = 1024,
        .options = { .has = WH_HAS_MSS, .mss = 1460 },
    };
    ground_emit(ground, CLIENT, packet, paper_write(ground, paper, &syn, packet));
}

static uint16_t any_port(struct ground *ground)
{
    return (uint16_t)(1024 + luck_below(&ground->luck, 60000));
}

static void flood(struct ground *ground, bool many_sources)
{
    struct luck *luck = &ground->luck;
    unsigned count = 150 + (unsigned)luck_below(luck, 250);
    wh_time gap = luck_scale(luck, 100 * WH_MICROSECOND, 20 * WH_MILLISECOND);
    ground_listen(ground);
    ground_unplug(ground, CLIENT);
    for (unsigned i = 0; i < count; i++) {
        wh_addr source = ground->address[CLIENT];
        if (many_sources) {
            source.bytes[13] = (uint8_t)luck_below(luck, 256);
            source.bytes[14] = (uint8_t)luck_below(luck, 256);
            source.bytes[15] = (uint8_t)(1 + luck_below(luck, 250));
        }
        struct paper paper = { .from = CLIENT, .hops = 64, .source = &source };
        paper.id = (uint16_t)luck_below(luck, 65536);
        emit_syn(ground, &paper, any_port(ground), ground->port);
        ground_pass(ground, gap);
    }
    ground_pass(ground, 5 * WH_SECOND);
    ground->pattern = "syn-flood";
    ground_truth(ground, EVERYWHERE, "syn-flood", true);
}

static void flood_from_many(struct ground *ground) { flood(ground, true); }
static void flood_from_one(struct ground *ground) { flood(ground, false); }

/* Many ports of one host; what listens answers by a SYN,ACK, which the scanner's host resets. */
static void scan_ports(struct ground *ground, bool answered)
{
    struct luck *luck = &ground->luck;
    unsigned count = 60 + (unsigned)luck_below(luck, 200);
    wh_time gap = luck_scale(luck, 500 * WH_MICROSECOND, 50 * WH_MILLISECOND);
    uint16_t from = any_port(ground), first = (uint16_t)(1 + luck_below(luck, 100));
    ground_listen(ground);
    if (!answered) {
        ground_unplug(ground, SERVER);
    }
    for (unsigned i = 0; i < count; i++) {
        struct paper paper = { .from = CLIENT, .hops = 64 };
        paper.id = (uint16_t)luck_below(luck, 65536);
        emit_syn(ground, &paper, from, (uint16_t)(first + i));
        ground_pass(ground, gap);
    }
    ground_pass(ground, 2 * WH_SECOND);
    ground->pattern = "scan";
    ground_truth(ground, EVERYWHERE, "scan", true);
}

static void scan_open_host(struct ground *ground) { scan_ports(ground, true); }
static void scan_silent_host(struct ground *ground) { scan_ports(ground, false); }

/* One port of many hosts, of which none answers. */
static void scan_hosts(struct ground *ground)
{
    struct luck *luck = &ground->luck;
    unsigned count = 60 + (unsigned)luck_below(luck, 150);
    wh_time gap = luck_scale(luck, 500 * WH_MICROSECOND, 50 * WH_MILLISECOND);
    wh_addr destination = ground->address[SERVER];
    ground_unplug(ground, SERVER);
    for (unsigned i = 0; i < count; i++) {
        destination.bytes[15] = (uint8_t)(1 + i);
        struct paper paper = { .from = CLIENT, .hops = 64, .destination = &destination };
        paper.id = (uint16_t)luck_below(luck, 65536);
        emit_syn(ground, &paper, any_port(ground), ground->port);
        ground_pass(ground, gap);
    }
    ground_pass(ground, WH_SECOND);
    ground->pattern = "scan";
    ground_truth(ground, EVERYWHERE, "scan", true);
}

enum { PATTERN = OPENING_MATTERS | QUIET | NO_LOSS };

const struct scenario scenarios_patterns[] = {
    { "flood-from-many", "SYNs from many addresses, none goes on", flood_from_many, EITHER,
      PATTERN },
    { "flood-from-one", "SYNs from one address, none goes on", flood_from_one, FINAL, PATTERN },
    { "scan-ports", "one host tries many ports of another", scan_open_host, EITHER, PATTERN },
    { "scan-silent-host", "one host tries many ports, and nothing answers", scan_silent_host, FINAL,
      PATTERN },
    { "scan-hosts", "one host tries a port of many hosts", scan_hosts, FINAL, PATTERN },
    { 0 },
};
