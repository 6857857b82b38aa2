/* SPDX-License-Identifier: MIT */
/* Sentences with packets in them. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "explain/judge.h"

void decide(struct hearing *hearing, enum verdict_kind kind, enum confidence confidence,
            enum doubt doubt)
{
    struct verdict *verdict = hearing->verdict;
    verdict->kind = kind;
    verdict->confidence = kind == VERDICT_CANNOT_TELL ? NO_VERDICT : confidence;
    verdict->doubt = doubt;
    verdict->text[0] = '\0';
    hearing->length = 0;
    verdict->cited_count = 0;
}

static void put_some(struct hearing *hearing, const char *words, size_t length)
{
    struct verdict *verdict = hearing->verdict;
    size_t room = sizeof verdict->text - 1 - hearing->length;
    length = length < room ? length : room;
    memcpy(verdict->text + hearing->length, words, length);
    hearing->length += length;
    verdict->text[hearing->length] = '\0';
}

static void put(struct hearing *hearing, const char *words)
{
    put_some(hearing, words, strlen(words));
}

static void put_packet(struct hearing *hearing, const struct ref *ref)
{
    struct verdict *verdict = hearing->verdict;
    char words[64];
    if (hearing->conn->points > 1) {
        snprintf(words, sizeof words, "packet %" PRIu64 " of file %u", ref->number, ref->point + 1);
    } else {
        snprintf(words, sizeof words, "packet %" PRIu64, ref->number);
    }
    put(hearing, words);
    if (verdict->cited_count < VERDICT_CITED) {
        verdict->cited[verdict->cited_count++] = (struct cited){ ref->number, ref->point };
    }
}

static void put_duration(struct hearing *hearing, wh_time duration)
{
    char words[48];
    double seconds = (double)duration / (double)WH_SECOND;
    if (duration < WH_MILLISECOND) {
        snprintf(words, sizeof words, "%" PRIu64 " us", duration / WH_MICROSECOND);
    } else if (duration < WH_SECOND) {
        snprintf(words, sizeof words, "%.3g ms", seconds * 1000);
    } else if (duration < 100 * WH_SECOND) {
        snprintf(words, sizeof words, "%.3g s", seconds);
    } else {
        uint64_t whole = duration / WH_SECOND;
        snprintf(words, sizeof words, "%" PRIu64 " min %" PRIu64 " s", whole / 60, whole % 60);
    }
    put(hearing, words);
}

void say(struct hearing *hearing, const char *format, ...)
{
    va_list list;
    char words[64];
    va_start(list, format);
    for (const char *at = format; *at != '\0'; at++) {
        size_t plain = strcspn(at, "%");
        put_some(hearing, at, plain);
        at += plain;
        if (*at == '\0') {
            break;
        }
        at++;
        switch (*at) {
        case 's': put(hearing, va_arg(list, const char *)); break;
        case 'u':
            snprintf(words, sizeof words, "%u", va_arg(list, unsigned));
            put(hearing, words);
            break;
        case 'b': {
            uint64_t bytes = va_arg(list, uint64_t);
            snprintf(words, sizeof words, "%" PRIu64 " byte%s", bytes, bytes == 1 ? "" : "s");
            put(hearing, words);
            break;
        }
        case 't': put_duration(hearing, va_arg(list, wh_time)); break;
        case '@': put_packet(hearing, va_arg(list, const struct ref *)); break;
        default: put(hearing, "%"); break;
        }
    }
    va_end(list);
}

char *states_text(state_set states, char *text)
{
    struct observer observer = { .states = states };
    return observer_text(&observer, text);
}
