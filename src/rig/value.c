/* SPDX-License-Identifier: MIT */
#include "rig/value.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct unit {
    const char *name;
    uint64_t worth;
};

static const struct unit times[] = {
    { "ns", 1 },        { "us", WH_MICROSECOND }, { "ms", WH_MILLISECOND },
    { "s", WH_SECOND }, { "m", 60 * WH_SECOND },  { "h", 3600 * WH_SECOND },
};
static const struct unit sizes[] = {
    { "", 1 }, { "kb", 1000 }, { "mb", 1000000 }, { "kib", 1024 }, { "mib", 1048576 },
};

/* Digits with an optional decimal part, then one of the units. */
static bool with_unit(const char *text, const struct unit *units, size_t n, uint64_t *out)
{
    uint64_t whole = 0, part = 0, scale = 1;
    const char *p = text;
    if (!isdigit((unsigned char)*p))
        return false;
    for (; isdigit((unsigned char)*p); p++) {
        if (whole > UINT64_MAX / 20)
            return false;
        whole = whole * 10 + (uint64_t)(*p - '0');
    }
    if (*p == '.')
        for (p++; isdigit((unsigned char)*p); p++) {
            if (scale >= 1000000000)
                return false;
            part = part * 10 + (uint64_t)(*p - '0');
            scale *= 10;
        }
    for (size_t i = 0; i < n; i++)
        if (strcmp(p, units[i].name) == 0) {
            *out = whole * units[i].worth + part * units[i].worth / scale;
            return true;
        }
    return false;
}

bool value_duration(const char *text, wh_time *out)
{
    return with_unit(text, times, sizeof times / sizeof *times, out);
}

bool value_size(const char *text, uint64_t *out)
{
    return with_unit(text, sizes, sizeof sizes / sizeof *sizes, out);
}

bool value_number(const char *text, int64_t *out)
{
    char *end;
    if (!isdigit((unsigned char)text[text[0] == '-']))
        return false;
    bool hex = strncasecmp(text + (text[0] == '-'), "0x", 2) == 0;
    *out = strtoll(text, &end, hex ? 16 : 10);
    return *end == 0;
}

bool value_any(const char *text, int64_t *out)
{
    uint64_t value;
    if (value_number(text, out))
        return true;
    if (!value_duration(text, &value) && !value_size(text, &value))
        return false;
    *out = (int64_t)value;
    return true;
}

int value_hex(const char *text, uint8_t *out, size_t room)
{
    size_t n = 0;
    for (; text[0] != 0; text += 2, n++) {
        if (!isxdigit((unsigned char)text[0]) || !isxdigit((unsigned char)text[1]) || n == room)
            return -1;
        char pair[3] = { text[0], text[1], 0 };
        out[n] = (uint8_t)strtoul(pair, NULL, 16);
    }
    return (int)n;
}

static bool is_name(int c) { return isalnum(c) || c == '.' || c == '_'; }

/* A product of numbers and names; *text moves past it. */
static bool product(const char **text, value_lookup *lookup, void *context, int64_t *out)
{
    int64_t result = 1, factor;
    for (;;) {
        char word[32];
        size_t length = 0;
        while (is_name((unsigned char)(*text)[length]))
            length++;
        if (length == 0 || length >= sizeof word)
            return false;
        memcpy(word, *text, length);
        word[length] = 0;
        if (!value_any(word, &factor) &&
            (lookup == NULL || !lookup(context, word, length, &factor)))
            return false;
        result *= factor;
        *text += length;
        if (**text != '*')
            break;
        ++*text;
    }
    *out = result;
    return true;
}

bool value_expression(const char *text, value_lookup *lookup, void *context, int64_t *out)
{
    int64_t sum = 0, term;
    bool minus = false;
    if (*text == '-' || *text == '+')
        minus = *text++ == '-';
    for (;;) {
        if (!product(&text, lookup, context, &term))
            return false;
        sum += minus ? -term : term;
        if (*text == 0)
            break;
        if (*text != '+' && *text != '-')
            return false;
        minus = *text++ == '-';
        if (*text == '-') { /* "a+-1": a name that stood for a negative number */
            minus = !minus;
            text++;
        }
    }
    *out = sum;
    return true;
}

char *value_time_text(wh_time time, char *text)
{
    snprintf(text, 24, "%" PRIu64 ".%06" PRIu64, time / WH_SECOND, time % WH_SECOND / 1000);
    return text;
}

int value_error(const char *name)
{
#define NAME_AND_VALUE(id, value, words) { #id, value },
    static const struct {
        const char *name;
        int value;
    } errors[] = { WH_ERRORS(NAME_AND_VALUE) };
#undef NAME_AND_VALUE
    if (strcmp(name, "none") == 0)
        return 0;
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++)
        if (strcmp(name, errors[i].name) == 0)
            return errors[i].value;
    return 1;
}

int value_state(const char *name)
{
    for (int s = 0; s < WH_STATE_COUNT; s++)
        if (strcmp(name, wh_state_name((wh_state)s)) == 0)
            return s;
    return -1;
}

int value_reason(const char *name)
{
    for (int r = 0; r < WH_REASON_COUNT; r++)
        if (strcmp(name, wh_reason_name((wh_reason)r)) == 0)
            return r;
    return -1;
}

int value_option(const char *name)
{
    for (int o = 0; o < WH_OPTION_COUNT; o++)
        if (strcmp(name, wh_option_name((wh_option)o)) == 0)
            return o;
    return -1;
}

static const char *const event_names[] = {
    "acceptable", "offered", "withdrawn", "connected", "readable", "writable",
    "eof",        "dead",    "acked",     "urgent",    "trouble",
};
#define EVENT_NAMES (sizeof event_names / sizeof *event_names)

uint32_t value_event(const char *name)
{
    for (uint32_t i = 0; i < EVENT_NAMES; i++)
        if (strcmp(name, event_names[i]) == 0)
            return UINT32_C(1) << i;
    return 0;
}

/* Adds a word to a list in text[room]. */
static void add_word(char *text, size_t room, const char *between, const char *word)
{
    size_t used = strlen(text);
    snprintf(text + used, room - used, "%s%s", used != 0 ? between : "", word);
}

char *value_event_text(uint32_t events, char *text)
{
    text[0] = 0;
    for (uint32_t i = 0; i < EVENT_NAMES; i++)
        if (events & UINT32_C(1) << i)
            add_word(text, 160, " ", event_names[i]);
    if (text[0] == 0)
        add_word(text, 160, "", "none");
    return text;
}

static const struct {
    const char *name;
    uint16_t flag;
} flag_names[] = {
    { "SYN", WH_SYN }, { "FIN", WH_FIN }, { "RST", WH_RST }, { "PSH", WH_PSH }, { "ACK", WH_ACK },
    { "URG", WH_URG }, { "ECE", WH_ECE }, { "CWR", WH_CWR }, { "AE", WH_AE },
};
#define FLAG_NAMES (sizeof flag_names / sizeof *flag_names)

int value_flags(const char *text, uint16_t *without)
{
    int flags = 0;
    if (strcmp(text, "none") == 0)
        return 0;
    while (*text != 0) {
        bool negated = *text == '!';
        text += negated;
        size_t length = strcspn(text, ","), i = 0;
        while (i < FLAG_NAMES && (strlen(flag_names[i].name) != length ||
                                  memcmp(text, flag_names[i].name, length) != 0))
            i++;
        if (i == FLAG_NAMES || (negated && without == NULL))
            return -1;
        if (negated)
            *without = (uint16_t)(*without | flag_names[i].flag);
        else
            flags |= flag_names[i].flag;
        text += length;
        text += *text == ',';
    }
    return flags;
}

char *value_flags_text(uint16_t flags, char *text)
{
    text[0] = 0;
    for (size_t i = 0; i < FLAG_NAMES; i++)
        if (flags & flag_names[i].flag)
            add_word(text, 48, ",", flag_names[i].name);
    if (text[0] == 0)
        add_word(text, 48, "", "none");
    return text;
}
