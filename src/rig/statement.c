/* SPDX-License-Identifier: MIT */
/* One line of a scenario: when, and what. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "rig/rig.h"

/* How far from the moment a line names a frame may leave: a tick of the timing wheel and then some. */
#define TOLERANCE WH_MILLISECOND

struct when {
    bool said, range;
    wh_time from, to;
};

/* "+1s", "@1s", "+1s~10ms", "+1s..2s". False if the word is no time. */
static bool read_when(const struct wh_rig *rig, const char *word, struct when *when)
{
    char text[64];
    wh_time first, second = 0;
    if ((word[0] != '+' && word[0] != '@') || strlen(word) >= sizeof text)
        return false;
    snprintf(text, sizeof text, "%s", word + 1);
    char *dots = strstr(text, ".."), *tilde = strchr(text, '~');
    if (dots != NULL)
        *dots = 0;
    if (tilde != NULL)
        *tilde = 0;
    if (!value_duration(text, &first) || (dots != NULL && !value_duration(dots + 2, &second)) ||
        (tilde != NULL && !value_duration(tilde + 1, &second)))
        return false;
    wh_time base = word[0] == '+' ? rig->now : rig->start;
    wh_time slack = tilde != NULL ? second : TOLERANCE;
    when->said = true;
    when->range = dots != NULL;
    when->from = base + first;
    when->to = dots != NULL ? base + second : when->from;
    if (!when->range && slack != 0) {
        when->from -= MIN(slack, first);
        when->to += slack;
    }
    return true;
}

/* ------------------------------------------------------- configuration -- */

static bool set_config(struct wh_rig *rig, const char *name, int64_t value)
{
    wh_config *config = &rig->config;
    uint32_t small = (uint32_t)value;
    if (strcmp(name, "memory-cap") == 0)
        config->memory_cap = (size_t)value;
    else if (strcmp(name, "mtu") == 0)
        config->mtu = small;
    else if (strcmp(name, "msl") == 0)
        config->msl = (wh_time)value;
    else if (strcmp(name, "max-half-open") == 0)
        config->max_half_open = small;
    else if (strcmp(name, "syn-cookies") == 0)
        config->syn_cookies = value != 0;
    else if (strcmp(name, "max-time-wait") == 0)
        config->max_time_wait = small;
    else if (strcmp(name, "max-held") == 0)
        config->max_held = small;
    else if (strcmp(name, "held-timeout") == 0)
        config->held_timeout = (wh_time)value;
    else if (strcmp(name, "any-address") == 0)
        config->any_address = value != 0;
    else if (strcmp(name, "rst-ends-time-wait") == 0)
        config->rst_ends_time_wait = value != 0;
    else if (strcmp(name, "tso") == 0)
        config->link_features = value != 0 ? WH_TX_CHECKSUM | WH_TX_SEGMENTATION : 0;
    else if (strcmp(name, "checksum-offload") == 0)
        config->link_features = value != 0 ? WH_TX_CHECKSUM : 0;
    else
        return false;
    return true;
}

static bool do_config(struct wh_rig *rig, char **word, unsigned words)
{
    int64_t value;
    if (rig->host != NULL)
        return rig_fail(rig, "`config` stands before the first line that needs the host");
    if (words != 3 || !value_any(word[2], &value) || !set_config(rig, word[1], value))
        return rig_fail(rig, "expected: config NAME VALUE");
    return true;
}

/* Already seen by rig_variants. */
static bool do_nothing(struct wh_rig *rig, char **word, unsigned words)
{
    (void)rig, (void)word, (void)words;
    return true;
}

static bool do_iss(struct wh_rig *rig, char **word, unsigned words)
{
    int64_t value;
    if (words != 2 || !value_number(word[1], &value))
        return rig_fail(rig, "expected: %s NUMBER", word[0]);
    if (word[0][0] == 'i') {
        wh_next_iss(rig->host, (uint32_t)value);
    } else {
        rig->at->is.peer_iss = rig->at->is.peer_nxt = (uint32_t)value;
    }
    return true;
}

/* "peer win 1000", "peer port 7", "peer address other", "peer stamp 5", "our port 81" */
static bool do_peer(struct wh_rig *rig, char **word, unsigned words)
{
    struct flow *flow = rig->at;
    wh_endpoint *end = word[0][0] == 'o' ? &flow->ours : &flow->theirs;
    int64_t value;
    if (words == 3 && strcmp(word[1], "address") == 0)
        return packet_address(rig, word[2], &end->addr) ||
               wh_addr_parse(word[2], &end->addr) >= 0 ||
               rig_fail(rig, "`%s` is no address", word[2]);
    if (words == 3 && value_expression(word[2], flow_lookup, flow, &value)) {
        if (strcmp(word[1], "port") == 0)
            return end->port = (uint16_t)value, true;
        if (strcmp(word[1], "win") == 0)
            return flow->peer_window = (uint16_t)value, true;
        if (strcmp(word[1], "stamp") == 0)
            return flow->peer_stamp = (uint32_t)value, true;
        if (strcmp(word[1], "next") == 0)
            return flow->is.peer_nxt = flow->is.peer_iss + (uint32_t)value, true;
    }
    return rig_fail(rig, "expected: peer address|port|win|stamp|next VALUE");
}

/* ---------------------------------------------------------------- time -- */

static bool do_silence(struct wh_rig *rig, char **word, unsigned words)
{
    wh_time span = 0;
    if (words > 1 && !value_duration(word[1], &span))
        return rig_fail(rig, "expected: %s DURATION", word[0]);
    wh_time until = rig->now + span;
    note_add(rig, ' ', rig->now, "%s %s", word[0], words > 1 ? word[1] : "");
    if (!rig->loose)
        return host_silence(rig, until);
    while (rig->now < until)
        if (!host_advance(rig, until))
            return false;
    return true;
}

static bool do_loose(struct wh_rig *rig, char **word, unsigned words)
{
    (void)words;
    rig->loose = word[0][0] == 'l';
    if (rig->loose) {
        rig->left_count = rig->left_data = 0;
        memset(rig->left_flags, 0, sizeof rig->left_flags);
        return host_pump(rig); /* what has left already counts as well */
    }
    return true;
}

/* ------------------------------------------------- incarnations, memory -- */

static bool do_again(struct wh_rig *rig, char **word, unsigned words)
{
    struct flow *flow = rig->at;
    int64_t value = 0;
    if (words == 3 && strcmp(word[1], "peer-iss") == 0) {
        bool absolute = word[2][0] == '=';
        if (!value_expression(word[2] + absolute, flow_lookup, flow, &value))
            return rig_fail(rig, "`%s` is no number", word[2]);
        value += absolute ? 0 : flow->is.peer_iss;
    } else {
        value = flow->is.peer_iss;
    }
    flow_again(flow, (uint32_t)value);
    return true;
}

static bool do_restore(struct wh_rig *rig, char **word, unsigned words)
{
    (void)word, (void)words;
    rig->at->is = rig->at->was;
    return true;
}

/* "fail-memory 3": the third allocation from here on fails; "fail-memory 3 every 2"; "fail-memory off". */
static bool do_fail_memory(struct wh_rig *rig, char **word, unsigned words)
{
    int64_t from = 0, every = INT64_MAX;
    if (words == 2 && strcmp(word[1], "off") == 0)
        return rig->memory.fail_from = 0, true;
    if ((words != 2 && words != 4) || !value_number(word[1], &from) || from < 1 ||
        (words == 4 && (!value_number(word[3], &every) || every < 1)))
        return rig_fail(rig, "expected: fail-memory NUMBER [every NUMBER], or fail-memory off");
    rig->memory.fail_from = rig->memory.calls + (uint64_t)from;
    rig->memory.fail_every = (uint64_t)every;
    return true;
}

static bool do_undrained(struct wh_rig *rig, char **word, unsigned words)
{
    (void)word, (void)words;
    rig->undrained = true;
    return true;
}

/* Nothing is left now: no record, no timer. */
static bool do_drained(struct wh_rig *rig, char **word, unsigned words)
{
    (void)word, (void)words;
    wh_stats stats = { .size = sizeof stats };
    wh_stats_get(rig->host, &stats);
    if (stats.connections + stats.half_open + stats.time_wait + stats.held + stats.timers == 0)
        return true;
    return rig_fail(rig,
                    "left: %" PRIu32 " connections, %" PRIu32 " half-open, %" PRIu32
                    " in TIME-WAIT, %" PRIu32 " held, %" PRIu32 " timers",
                    stats.connections, stats.half_open, stats.time_wait, stats.held, stats.timers);
}

static bool do_transfer(struct wh_rig *rig, char **word, unsigned words)
{
    uint64_t bytes;
    int64_t drop = 0;
    if (words < 2 || !value_size(word[1], &bytes) || (words == 4 && !value_number(word[3], &drop)))
        return rig_fail(rig,
                        "expected: transfer-in SIZE, or transfer-out SIZE [drop-every NUMBER]");
    if (!host_quiet(rig))
        return false;
    return strcmp(word[0], "transfer-in") == 0 ? bulk_in(rig, bytes)
                                               : bulk_out(rig, bytes, (uint64_t)drop);
}

static const struct {
    const char *name;
    bool (*run)(struct wh_rig *, char **, unsigned);
    bool needs_host;
} statements[] = {
    { "config", do_config, false },
    { "family", do_nothing, false },
    { "numbers", do_nothing, false },
    { "iss", do_iss, true },
    { "peer-iss", do_iss, false },
    { "peer", do_peer, false },
    { "our", do_peer, false },
    { "silence", do_silence, true },
    { "run", do_silence, true },
    { "loose", do_loose, true },
    { "strict", do_loose, true },
    { "again", do_again, true },
    { "restore", do_restore, true },
    { "fail-memory", do_fail_memory, true },
    { "undrained", do_undrained, true },
    { "drained", do_drained, true },
    { "transfer-in", do_transfer, true },
    { "transfer-out", do_transfer, true },
};

static bool arrow(struct wh_rig *rig, char **word, unsigned words, const struct when *when)
{
    struct spec spec;
    bool arriving = word[0][0] == '<';
    if (arriving && !host_quiet(rig))
        return false;
    if (!spec_parse(rig, &spec, arriving, word + 1, words - 1))
        return false;
    if (arriving)
        return packet_arrives(rig, &spec);
    if (rig->loose)
        return rig_fail(rig, "nothing can be expected while `loose` is on");
    return expect_leaves(rig, &spec, when->said ? when->from : rig->now,
                         when->said ? when->to : rig->now);
}

bool statement_run(struct wh_rig *rig, char **word, unsigned words)
{
    struct when when = { 0 };
    bool known;
    if (read_when(rig, word[0], &when)) {
        word++, words--;
        if (words == 0)
            return rig_fail(rig, "a time alone says nothing");
    }
    bool leaves = strcmp(word[0], "-->") == 0, arrives = strcmp(word[0], "<--") == 0;
    if (strcmp(word[0], "config") != 0 && strcmp(word[0], "family") != 0 &&
        strcmp(word[0], "numbers") != 0 && !host_start(rig))
        return false;
    if (when.said && !leaves) {
        if (when.range)
            return rig_fail(rig, "only what leaves has a range of times");
        wh_time at = when.from + (when.to - when.from) / 2;
        if (rig->loose) {
            while (rig->now < at)
                if (!host_advance(rig, at))
                    return false;
        } else if (!host_silence(rig, at)) {
            return false;
        }
    }
    if (leaves || arrives)
        return arrow(rig, word, words, &when);
    for (size_t i = 0; i < sizeof statements / sizeof *statements; i++)
        if (strcmp(word[0], statements[i].name) == 0)
            return statements[i].run(rig, word, words);
    if (!call_run(rig, word, words, &known))
        return false;
    if (!known && !ask_run(rig, word, words, &known))
        return false;
    if (!known && !program_statement(rig, word, words, &known))
        return false;
    return known || rig_fail(rig, "`%s` is no statement", word[0]);
}
