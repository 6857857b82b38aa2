/* SPDX-License-Identifier: MIT */
/*
 * Theory of operation. A rule is an action word, its arguments in fixed order (both
 * from one list in fault.h), then any number of limits. Words are separated by
 * blanks. The reader stops at the first word that cannot stand where it stands and
 * says at which column that was and what could have stood there.
 */
#include "link/fault.h"

#include <stdio.h>
#include <string.h>

#include "link/dice.h"

enum argument { NOTHING, PERCENT, TIME, RATE, SIZE, KIND, COUNT, AFTER, LARGEST };

#define ACTION_ROW(id, word, first, second) { word, { first, second } },
static const struct {
    const char *word;
    enum argument argument[2];
} actions[] = { FAULT_ACTIONS(ACTION_ROW) };
#undef ACTION_ROW

#define KIND_ROW(id, word) word,
static const char *const kinds[] = { SEGMENT_KINDS(KIND_ROW) };
#undef KIND_ROW

struct unit {
    const char *word;
    uint64_t factor;
};

/* Each list ends with a NULL word. */
static const struct unit percent_units[] = { { "%", DICE_CERTAIN / 100 }, { NULL, 0 } };
static const struct unit time_units[] = {
    { "ns", 1 },        { "us", WH_MICROSECOND }, { "ms", WH_MILLISECOND },
    { "s", WH_SECOND }, { "m", 60 * WH_SECOND },  { NULL, 0 },
};
static const struct unit rate_units[] = {
    { "bit", 1 }, { "kbit", 1000 }, { "mbit", 1000000 }, { "gbit", 1000000000 }, { NULL, 0 },
};
static const struct unit size_units[] = {
    { "b", 1 }, { "kb", 1 << 10 }, { "mb", 1 << 20 }, { "gb", 1 << 30 }, { NULL, 0 },
};
static const struct unit no_units[] = { { "", 1 }, { NULL, 0 } };

static const char actions_expected[] =
    "loss, bursts, delay, jitter, rate, reorder, duplicate, corrupt, oversize, black-hole, drop, "
    "hold, refuse, reset, silence or zero-window";
static const char kinds_expected[] = "a kind of segment: syn, syn-ack, ack-of-syn, data, fin, "
                                     "ack-of-fin or rst";

/* Where the reader stands, and where complaints go. */
struct reader {
    const char *spec;
    const char *word; /* the current word; at the end of the spec it is empty */
    size_t length;
    char *error;
    size_t error_size;
};

static bool blank(char c) { return c == ' ' || c == '\t'; }

static void next_word(struct reader *reader)
{
    const char *at = reader->word + reader->length;
    while (blank(*at))
        at++;
    reader->word = at;
    while (*at != '\0' && !blank(*at))
        at++;
    reader->length = (size_t)(at - reader->word);
}

static bool word_is(const struct reader *reader, const char *word)
{
    return strlen(word) == reader->length && memcmp(reader->word, word, reader->length) == 0;
}

static int complain(const struct reader *reader, const char *expected)
{
    size_t column = (size_t)(reader->word - reader->spec) + 1;
    if (reader->length == 0)
        snprintf(reader->error, reader->error_size,
                 "column %zu: expected %s, but the rule ends there", column, expected);
    else
        snprintf(reader->error, reader->error_size, "column %zu: expected %s, not \"%.*s\"", column,
                 expected, reader->length > 40 ? 40 : (int)reader->length, reader->word);
    return WH_E_INVAL;
}

/* Decimal digits with at most 9 after the point; the value times 10^decimals. */
static bool read_digits(const char **at, const char *end, uint64_t *value, unsigned *decimals)
{
    bool point = false, any = false;
    *value = 0;
    *decimals = 0;
    for (; *at < end; (*at)++) {
        char c = **at;
        if (c == '.' && !point && any) {
            point = true;
            continue;
        }
        if (c < '0' || c > '9')
            break;
        if (*value > (UINT64_MAX - 9) / 10 || *decimals == 9)
            return false;
        *value = *value * 10 + (uint64_t)(c - '0');
        *decimals += point;
        any = true;
    }
    return any && (*at)[-1] != '.';
}

/* Reads the current word as a number with one of these units, at least 1 of the smallest, at most `most`. */
static bool read_number(const struct reader *reader, const struct unit *units, uint64_t most,
                        uint64_t *amount)
{
    const char *at = reader->word, *end = reader->word + reader->length;
    uint64_t value;
    unsigned decimals;
    if (!read_digits(&at, end, &value, &decimals))
        return false;
    size_t rest = (size_t)(end - at);
    while (units->word != NULL &&
           (strlen(units->word) != rest || memcmp(units->word, at, rest) != 0))
        units++;
    if (units->word == NULL)
        return false;
    /* Parts smaller than the smallest unit are cut off. */
    uint64_t factor = units->factor, divisor = 1;
    for (; decimals > 0; decimals--)
        divisor *= 10;
    uint64_t whole = value / divisor, part = value % divisor;
    if (whole > most / factor || part > UINT64_MAX / factor)
        return false;
    *amount = whole * factor + part * factor / divisor;
    return *amount >= 1 && *amount <= most;
}

static int read_kind(struct reader *reader, struct fault *fault)
{
    for (unsigned i = 0; i < KIND_COUNT; i++) {
        if (word_is(reader, kinds[i])) {
            fault->kind = (enum segment_kind)i;
            return WH_OK;
        }
    }
    return complain(reader, kinds_expected);
}

static int read_argument(struct reader *reader, enum argument argument, struct fault *fault)
{
    uint64_t chance = 0;
    switch (argument) {
    case NOTHING: return WH_OK;
    case PERCENT:
        if (!read_number(reader, percent_units, DICE_CERTAIN, &chance))
            return complain(reader, "a percentage above 0% up to 100%, such as 0.5%");
        fault->chance = (uint32_t)chance;
        break;
    case TIME:
        /* An upper bound that leaves room to be added to any time. */
        if (!read_number(reader, time_units, UINT64_C(1000000) * WH_SECOND, &fault->amount))
            return complain(reader, "a time such as 50ms (ns, us, ms, s or m)");
        break;
    case RATE:
        if (!read_number(reader, rate_units, UINT64_C(1000000000000), &fault->amount))
            return complain(reader, "a rate such as 10mbit (bit, kbit, mbit or gbit a second)");
        break;
    case SIZE:
        if (!read_number(reader, size_units, UINT64_C(1) << 62, &fault->amount))
            return complain(reader, "a size such as 64kb (b, kb, mb or gb)");
        break;
    case COUNT:
        if (!read_number(reader, no_units, UINT32_MAX, &fault->amount))
            return complain(reader, fault->action == FAULT_BURSTS
                                        ? "how many frames a burst takes on average, from 1"
                                        : "which one of that kind to drop, counted from 1");
        break;
    case LARGEST:
        if (!read_number(reader, no_units, UINT16_MAX, &fault->amount) || fault->amount < 68)
            return complain(reader, "the largest packet that passes, from 68 to 65535 bytes");
        break;
    case AFTER:
        if (!word_is(reader, "after"))
            return complain(reader, "after");
        break;
    case KIND:
        if (read_kind(reader, fault) != WH_OK)
            return WH_E_INVAL;
        break;
    }
    next_word(reader);
    return WH_OK;
}

static int read_port(struct reader *reader, uint16_t *port)
{
    uint64_t number;
    if (*port != 0)
        return complain(reader, "only one port here");
    next_word(reader);
    if (!read_number(reader, no_units, UINT16_MAX, &number))
        return complain(reader, "a port from 1 to 65535");
    *port = (uint16_t)number;
    next_word(reader);
    return WH_OK;
}

/* An address, or one of the words for a side of the path; both name the same. */
static int read_place(struct reader *reader, struct fault_end *end, bool to)
{
    char text[64];
    bool near = word_is(reader, "client") || word_is(reader, "program");
    bool far = word_is(reader, "server") || word_is(reader, "network");
    if (near || far) {
        if (end->side_given)
            return complain(reader, "only one side here");
        /* To the far side and from the near side is one direction, the rest the other. */
        end->side_given = true;
        end->side = far == to ? WH_A_TO_B : WH_B_TO_A;
    } else {
        if (reader->length == 0 || reader->length >= sizeof text)
            return complain(reader, "an address, port, client or server");
        memcpy(text, reader->word, reader->length);
        text[reader->length] = '\0';
        wh_addr addr;
        if (wh_addr_parse(text, &addr) != WH_OK)
            return complain(reader, "an address, port, client or server");
        if (end->addr_given)
            return complain(reader, "only one address here");
        end->addr_given = true;
        end->addr = addr;
    }
    next_word(reader);
    return WH_OK;
}

/* Limits, up to the end of the spec. */
static int read_limits(struct reader *reader, struct fault *fault)
{
    while (reader->length > 0) {
        int result;
        if (word_is(reader, "port")) {
            result = read_port(reader, &fault->port);
        } else if (word_is(reader, "to") || word_is(reader, "from")) {
            bool to = word_is(reader, "to");
            struct fault_end *end = to ? &fault->to : &fault->from;
            next_word(reader);
            result = word_is(reader, "port") ? read_port(reader, &end->port)
                                             : read_place(reader, end, to);
        } else {
            return complain(reader, "to, from, port or the end of the rule");
        }
        if (result != WH_OK)
            return result;
    }
    return WH_OK;
}

int fault_parse(struct fault *fault, const char *spec, char *error, size_t error_size)
{
    struct reader reader = { .spec = spec, .word = spec, .error = error, .error_size = error_size };
    *fault = (struct fault){ .action = FAULT_ACTION_COUNT };
    next_word(&reader);
    for (unsigned i = 0; i < FAULT_ACTION_COUNT; i++) {
        if (word_is(&reader, actions[i].word))
            fault->action = (enum fault_action)i;
    }
    if (fault->action == FAULT_ACTION_COUNT)
        return complain(&reader, actions_expected);
    next_word(&reader);
    for (unsigned i = 0; i < 2; i++) {
        int result = read_argument(&reader, actions[fault->action].argument[i], fault);
        if (result != WH_OK)
            return result;
    }
    return read_limits(&reader, fault);
}

static bool end_applies(const struct fault_end *end, const struct sight *sight, const wh_addr *addr,
                        uint16_t port, wh_direction direction)
{
    if (end->side_given && end->side != direction)
        return false;
    if (end->addr_given && !(sight->ip && wh_addr_equal(&end->addr, addr)))
        return false;
    return end->port == 0 || (sight->ports && end->port == port);
}

bool fault_applies(const struct fault *fault, const struct sight *sight, wh_direction direction)
{
    if (fault->port != 0 && !(sight->ports && (fault->port == sight->source_port ||
                                               fault->port == sight->destination_port)))
        return false;
    return end_applies(&fault->from, sight, &sight->packet.source, sight->source_port, direction) &&
           end_applies(&fault->to, sight, &sight->packet.destination, sight->destination_port,
                       direction);
}
