/* SPDX-License-Identifier: MIT */
/* Reads the description of a segment or packet from the words of a line. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rig/rig.h"

struct reader {
    struct wh_rig *rig;
    struct spec *spec;
    bool arriving;
    char **word;
    unsigned words, next;
};

/* The next word, if there is one. */
static const char *peek(const struct reader *in)
{
    return in->next < in->words ? in->word[in->next] : NULL;
}

static bool number(struct reader *in, int64_t *out)
{
    const char *word = peek(in);
    if (word == NULL || !value_expression(word, flow_lookup, in->rig->at, out))
        return rig_fail(in->rig, "expected a number after `%s`", in->word[in->next - 1]);
    in->next++;
    return true;
}

static bool small(struct reader *in, int *out)
{
    int64_t value = 0;
    if (!number(in, &value))
        return false;
    *out = (int)value;
    return true;
}

/* A sequence number: relative to `base`, or absolute after "=", or "*". */
static bool sequence(struct reader *in, uint32_t base, bool *any, uint32_t *out)
{
    const char *word = peek(in);
    int64_t value = 0;
    if (word != NULL && any != NULL && strcmp(word, "*") == 0) {
        *any = true;
        in->next++;
        return true;
    }
    bool absolute = word != NULL && word[0] == '=';
    if (word == NULL || !value_expression(word + absolute, flow_lookup, in->rig->at, &value))
        return rig_fail(in->rig, "expected a sequence number after `%s`", in->word[in->next - 1]);
    in->next++;
    *out = (uint32_t)value + (absolute ? 0 : base);
    return true;
}

bool condition_parse(struct wh_rig *rig, struct condition *condition, const char *word)
{
    condition->compare = COMPARE_EQUAL;
    if (word[0] == '>' || word[0] == '<') {
        bool equal = word[1] == '=';
        condition->compare = word[0] == '>' ? (equal ? COMPARE_LEAST : COMPARE_MORE)
                                            : (equal ? COMPARE_MOST : COMPARE_LESS);
        word += 1 + equal;
    }
    if (!value_expression(word, flow_lookup, rig->at, &condition->value))
        return rig_fail(rig, "`%s` is not a number", word);
    return true;
}

bool condition_holds(const struct condition *condition, int64_t value)
{
    switch (condition->compare) {
    case COMPARE_EQUAL: return value == condition->value;
    case COMPARE_LESS: return value < condition->value;
    case COMPARE_MOST: return value <= condition->value;
    case COMPARE_MORE: return value > condition->value;
    case COMPARE_LEAST: return value >= condition->value;
    default: return true;
    }
}

char *condition_text(const struct condition *condition, char *text)
{
    static const char *const sign[] = { "", "", "<", ">=", ">", "<=" };
    snprintf(text, 40, "%s%lld", sign[condition->compare], (long long)condition->value);
    return text;
}

static bool condition(struct reader *in, struct condition *out)
{
    const char *word = peek(in);
    if (word == NULL)
        return rig_fail(in->rig, "expected a number after `%s`", in->word[in->next - 1]);
    in->next++;
    return condition_parse(in->rig, out, word);
}

/* SACK blocks: words of the form left:right. */
static bool sack(struct reader *in)
{
    const struct numbers *is = &in->rig->at->is;
    uint32_t base = in->arriving ? is->iss : is->peer_iss;
    struct spec *spec = in->spec;
    const char *word = peek(in);
    spec->sack = SAID_VALUE;
    if (word != NULL && strcmp(word, "*") == 0) {
        spec->sack = SAID_PRESENT;
        in->next++;
        return true;
    }
    for (; (word = peek(in)) != NULL && strchr(word, ':') != NULL && word[0] != '"'; in->next++) {
        char left[64];
        int64_t a, b;
        size_t length = strcspn(word, ":");
        if (length >= sizeof left || spec->sacks == WH_SACK_BLOCKS)
            return rig_fail(in->rig, "too many SACK blocks");
        memcpy(left, word, length);
        left[length] = 0;
        if (!value_expression(left, flow_lookup, in->rig->at, &a) ||
            !value_expression(word + length + 1, flow_lookup, in->rig->at, &b))
            return rig_fail(in->rig, "`%s` is not a SACK block", word);
        spec->sack_block[spec->sacks].left = (uint32_t)a + base;
        spec->sack_block[spec->sacks++].right = (uint32_t)b + base;
    }
    return spec->sacks != 0 || rig_fail(in->rig, "expected SACK blocks left:right after `sack`");
}

/* "ts", "ts VALUE ECHO"; "*" for any value. */
static bool stamps(struct reader *in)
{
    struct spec *spec = in->spec;
    const char *word = peek(in);
    int64_t value = 0;
    spec->stamps = SAID_PRESENT;
    if (word == NULL || !value_expression(word, flow_lookup, in->rig->at, &value)) {
        if (word == NULL || strcmp(word, "*") != 0)
            return true;
    } else {
        spec->stamps = SAID_VALUE;
        spec->tsval = (uint32_t)value;
    }
    in->next++;
    if (!number(in, &value))
        return false;
    spec->tsecr = (uint32_t)value;
    spec->has_tsecr = true;
    return true;
}

/* "fo request", "fo 0102030405060708", "fo given": the host's own; "fo *" where it leaves. */
static bool fast_open(struct reader *in)
{
    struct spec *spec = in->spec;
    const char *word = peek(in);
    spec->fast_open = SAID_VALUE;
    if (word != NULL && strcmp(word, "request") == 0) {
        spec->cookie_length = 0;
    } else if (word != NULL && strcmp(word, "*") == 0 && !in->arriving) {
        spec->cookie_length = -1;
    } else if (word != NULL && strcmp(word, "given") == 0) {
        if (in->rig->cookie_length == 0)
            return rig_fail(in->rig, "the host has given no Fast Open cookie");
        spec->cookie_length = in->rig->cookie_length;
        memcpy(spec->cookie, in->rig->cookie, sizeof spec->cookie);
    } else {
        spec->cookie_length = word == NULL ? -1 : value_hex(word, spec->cookie, FAST_OPEN_MOST);
        if (spec->cookie_length < 0)
            return rig_fail(in->rig, "expected after `fo`: request, given, * or at most %d bytes",
                            FAST_OPEN_MOST);
    }
    in->next++;
    return true;
}

/* "accecn0 1:0:1", "accecn1 1001:0", "accecn0 empty": counters in the order of the wire; "accecn *". */
static bool accurate_ecn(struct reader *in, const char *name)
{
    struct spec *spec = in->spec;
    const char *word = peek(in);
    if (word == NULL)
        return rig_fail(in->rig, "expected counters a:b:c, `empty` or * after `%s`", name);
    in->next++;
    spec->accecn = SAID_PRESENT;
    if (strcmp(word, "*") == 0)
        return true;
    spec->accecn = SAID_VALUE;
    spec->accecn_order = name[6] == '1';
    if (strcmp(word, "empty") == 0)
        return true;
    for (bool more = true; more; spec->accecn_fields++) {
        char one[64];
        int64_t value;
        size_t length = strcspn(word, ":");
        if (length >= sizeof one || spec->accecn_fields == ACCECN_FIELDS)
            return rig_fail(in->rig, "too many counters");
        memcpy(one, word, length);
        one[length] = 0;
        if (!value_expression(one, flow_lookup, in->rig->at, &value))
            return rig_fail(in->rig, "`%s` is not a counter", one);
        spec->accecn_counter[spec->accecn_fields] = (uint32_t)value & ACCECN_MASK;
        more = word[length] == ':';
        word += length + more;
    }
    return true;
}

/* "ace N": the three flags read as a counter (RFC 9768 3.2.2). */
static bool ace(struct reader *in)
{
    int64_t value = 0;
    if (!number(in, &value))
        return false;
    in->spec->flags |= (uint16_t)((value & 7) << 6);
    return true;
}

static bool absent(struct reader *in)
{
    static const char *const names[] = { "mss", "wscale", "sackok", "ts", "sack", "fo", "accecn" };
    enum said *const said[] = { &in->spec->mss,    &in->spec->wscale, &in->spec->sackok,
                                &in->spec->stamps, &in->spec->sack,   &in->spec->fast_open,
                                &in->spec->accecn };
    const char *word = peek(in);
    for (size_t i = 0; word != NULL && i < sizeof names / sizeof *names; i++)
        if (strcmp(word, names[i]) == 0) {
            *said[i] = SAID_ABSENT;
            in->next++;
            return true;
        }
    return rig_fail(in->rig, "expected mss, wscale, sackok, ts, sack, fo or accecn after `no`");
}

/* Options of the IPv4 header, in hexadecimal. */
static bool ip_options(struct reader *in)
{
    const char *word = peek(in);
    int length = word == NULL ? -1 : value_hex(word, in->spec->ip_options, 40);
    if (length < 0 || length % 4 != 0)
        return rig_fail(in->rig, "expected at most 40 bytes in hexadecimal, a multiple of 4");
    in->spec->ip_options_length = (unsigned)length;
    in->next++;
    return true;
}

static bool options(struct reader *in, bool only)
{
    const char *word = peek(in);
    in->spec->raw_only = only;
    in->spec->raw_length = word == NULL ? -1 : value_hex(word, in->spec->raw, 40);
    if (in->spec->raw_length < 0)
        return rig_fail(in->rig, "expected at most 40 bytes in hexadecimal");
    in->next++;
    return true;
}

static bool address(struct reader *in, bool from)
{
    struct spec *spec = in->spec;
    const char *word = peek(in);
    wh_addr *addr = from ? &spec->from : &spec->to;
    if (word == NULL || (!packet_address(in->rig, word, addr) && wh_addr_parse(word, addr) < 0))
        return rig_fail(in->rig, "expected an address after `%s`", in->word[in->next - 1]);
    *(from ? &spec->has_from : &spec->has_to) = true;
    in->next++;
    return true;
}

/* An option with a number: "mss 1460"; "mss *" where it leaves. */
static bool numbered(struct reader *in, enum said *said, uint32_t *out)
{
    int64_t value = 0;
    const char *word = peek(in);
    if (word != NULL && strcmp(word, "*") == 0) {
        *said = SAID_PRESENT;
        in->next++;
        return true;
    }
    if (!number(in, &value))
        return false;
    *said = SAID_VALUE;
    *out = (uint32_t)value;
    return true;
}

static bool data_length(struct reader *in)
{
    struct spec *spec = in->spec;
    const char *word = peek(in);
    if (word != NULL && !in->arriving &&
        (strcmp(word, "*") == 0 || word[0] == '<' || word[0] == '>')) {
        spec->any_length = true;
        if (word[0] != '*')
            return condition(in, &spec->length_is);
        in->next++;
        return true;
    }
    int64_t value = 0;
    if (!number(in, &value))
        return false;
    spec->length = (uint64_t)value;
    return true;
}

static bool tcp_sequence(struct reader *in, const struct numbers *is)
{
    struct spec *spec = in->spec;
    const char *word = peek(in);
    spec->has_seq = true;
    spec->absolute_seq = word != NULL && word[0] == '=';
    return sequence(in, in->arriving ? is->peer_iss : is->iss, &spec->any_seq, &spec->seq);
}

/* Attributes of TCP's own. *known is false if the word is none. */
static bool tcp_attribute(struct reader *in, const char *word, bool *known)
{
    struct spec *spec = in->spec;
    const struct numbers *is = &in->rig->at->is;
    int value;
    if (strcmp(word, "seq") == 0)
        return tcp_sequence(in, is);
    if (strcmp(word, "ack") == 0)
        return spec->has_ack = true,
               sequence(in, in->arriving ? is->iss : is->peer_iss, &spec->any_ack, &spec->ack);
    if (strcmp(word, "win") == 0)
        return condition(in, &spec->win);
    if (strcmp(word, "window") == 0)
        return condition(in, &spec->window);
    if (strcmp(word, "mss") == 0)
        return numbered(in, &spec->mss, &spec->mss_value);
    if (strcmp(word, "wscale") == 0)
        return numbered(in, &spec->wscale, &spec->wscale_value);
    if (strcmp(word, "sackok") == 0)
        return spec->sackok = SAID_PRESENT, true;
    if (strcmp(word, "ts") == 0)
        return stamps(in);
    if (strcmp(word, "sack") == 0)
        return sack(in);
    if (strcmp(word, "fo") == 0)
        return fast_open(in);
    if (strcmp(word, "accecn0") == 0 || strcmp(word, "accecn1") == 0 || strcmp(word, "accecn") == 0)
        return accurate_ecn(in, word);
    if (strcmp(word, "ace") == 0)
        return ace(in);
    if (strcmp(word, "urg") == 0)
        return numbered(in, &spec->urgent, &spec->urgent_value);
    if (strcmp(word, "no") == 0)
        return absent(in);
    if (strcmp(word, "opt") == 0 || strcmp(word, "opts") == 0)
        return options(in, word[3] == 's');
    if (strcmp(word, "offset") == 0)
        return small(in, &spec->offset);
    if (strcmp(word, "reserved") == 0)
        return small(in, &spec->reserved);
    if (strcmp(word, "new") == 0)
        return spec->new_iss = true;
    if (strcmp(word, "above-old") == 0)
        return spec->new_iss = spec->above_old = true;
    if (strcmp(word, "gso") == 0) {
        if (!small(in, &value))
            return false;
        spec->segment_size = (uint16_t)value;
        return true;
    }
    *known = false;
    return true;
}

/* Attributes of the packet around it, and of ICMP. */
static bool packet_attribute(struct reader *in, const char *word, bool *known)
{
    struct spec *spec = in->spec;
    int64_t value = 0;
    if (strcmp(word, "len") == 0)
        return data_length(in);
    if (strcmp(word, "hops") == 0)
        return small(in, &spec->hops);
    if (strcmp(word, "tos") == 0)
        return small(in, &spec->tos);
    if (strcmp(word, "ip-options") == 0)
        return ip_options(in);
    if (strcmp(word, "cut") == 0)
        return small(in, &spec->cut);
    if (strcmp(word, "badsum") == 0)
        return spec->bad_checksum = true;
    if (strcmp(word, "badipsum") == 0)
        return spec->bad_ip_checksum = true;
    if (strcmp(word, "partial") == 0)
        return spec->partial = true;
    if (strcmp(word, "from") == 0 || strcmp(word, "to") == 0)
        return address(in, word[0] == 'f');
    if (strcmp(word, "from-port") == 0)
        return small(in, &spec->from_port);
    if (strcmp(word, "to-port") == 0)
        return small(in, &spec->to_port);
    if (strcmp(word, "quote") == 0)
        return spec->has_quote_seq = true,
               sequence(in, in->rig->at->is.iss, NULL, &spec->quote_seq);
    if (strcmp(word, "mtu") == 0 || strcmp(word, "id") == 0 || strcmp(word, "number") == 0) {
        if (!number(in, &value))
            return false;
        *(word[0] == 'm'   ? &spec->mtu
          : word[0] == 'i' ? &spec->id
                           : &spec->sequence) = (uint32_t)value;
        return true;
    }
    *known = false;
    return true;
}

/* The first word says what it is. */
static bool kind(struct reader *in)
{
    struct spec *spec = in->spec;
    const char *word = peek(in);
    if (word == NULL)
        return rig_fail(in->rig, "expected flags, icmp, udp or hex after the arrow");
    in->next++;
    if (strcmp(word, "udp") == 0) {
        spec->kind = SPEC_UDP;
    } else if (strcmp(word, "icmp") == 0) {
        spec->kind = SPEC_ICMP;
        spec->message = peek(in);
        if (spec->message == NULL || icmp_by_name(spec->message) == NULL)
            return rig_fail(in->rig, "expected the name of an ICMP message after `icmp`");
        in->next++;
    } else if (strcmp(word, "hex") == 0) {
        spec->kind = SPEC_HEX;
        spec->hex = peek(in);
        if (spec->hex == NULL)
            return rig_fail(in->rig, "expected bytes in hexadecimal after `hex`");
        in->next++;
    } else {
        int flags = value_flags(word, in->arriving ? NULL : &spec->without);
        if (flags < 0)
            return rig_fail(in->rig, "`%s` is not a list of TCP flags", word);
        spec->flags = (uint16_t)flags;
    }
    return true;
}

bool spec_parse(struct wh_rig *rig, struct spec *spec, bool arriving, char **word, unsigned words)
{
    struct reader in = { rig, spec, arriving, word, words, 0 };
    memset(spec, 0, sizeof *spec);
    spec->offset = spec->reserved = spec->hops = spec->tos = spec->cut = -1;
    spec->from_port = spec->to_port = -1;
    if (!kind(&in))
        return false;
    const char *next;
    while ((next = peek(&in)) != NULL) {
        bool known = true;
        in.next++;
        if (next[0] == '"') {
            spec->text = next + 1;
            spec->length = strlen(next + 1);
            continue;
        }
        if (spec->kind == SPEC_TCP && !tcp_attribute(&in, next, &known))
            return false;
        if (spec->kind != SPEC_TCP)
            known = false;
        if (!known) {
            known = true;
            if (!packet_attribute(&in, next, &known))
                return false;
        }
        if (!known)
            return rig_fail(rig, "`%s` says nothing about a segment", next);
    }
    return true;
}
