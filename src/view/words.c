/* SPDX-License-Identifier: MIT */
#include "view/words.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Appends to words[WORDS], after a separator if something stands there. */
static void add(char *words, const char *separator, const char *more)
{
    size_t length = strlen(words);
    snprintf(words + length, WORDS - length, "%s%s", length > 0 ? separator : "", more);
}

char *words_flags(uint16_t flags, char *words)
{
    static const struct {
        uint16_t flag;
        const char *name;
    } names[] = {
        { WH_SYN, "SYN" }, { WH_FIN, "FIN" }, { WH_RST, "RST" }, { WH_ACK, "ACK" },
        { WH_URG, "URG" }, { WH_ECE, "ECE" }, { WH_CWR, "CWR" }, { WH_AE, "AE" },
    };
    words[0] = '\0';
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (flags & names[i].flag) {
            add(words, "+", names[i].name);
        }
    }
    if (words[0] == '\0') {
        add(words, "", flags & WH_PSH ? "PSH" : "no flags");
    }
    return words;
}

/* "marked bytes 1460, ECT(0) 14601": what the other end has counted (RFC 9768 3.2.3). */
static void add_accecn(const wh_trace_record *record, char *words)
{
    const char *const names[] = { "ECT(0)", "marked", "ECT(1)" };
    const uint32_t counters[] = { record->ee0b, record->eceb, record->ee1b };
    char one[48];
    if (record->accecn_fields == 0) {
        add(words, ", ", "no marks counted");
    }
    for (unsigned place = 0; place < record->accecn_fields && place < 3; place++) {
        unsigned field = record->accecn_order == 0 ? place : 2 - place;
        snprintf(one, sizeof one, "%s%s %" PRIu32, place == 0 ? "counted " : "", names[field],
                 counters[field]);
        add(words, place == 0 ? ", " : " ", one);
    }
}

char *words_options(const wh_trace_record *record, uint32_t base, char *words)
{
    char one[48];
    words[0] = '\0';
    if (record->options & WH_HAS_MSS) {
        snprintf(one, sizeof one, "mss %u", record->mss);
        add(words, ", ", one);
    }
    if (record->options & WH_HAS_WINDOW_SCALE) {
        snprintf(one, sizeof one, "window scale %u", record->window_scale);
        add(words, ", ", one);
    }
    if (record->options & WH_HAS_SACK_PERMITTED) {
        add(words, ", ", "sack ok");
    }
    /* On every segment once agreed on: worth a word where it is agreed on. */
    if ((record->options & WH_HAS_TIMESTAMPS) && (record->flags & WH_SYN)) {
        add(words, ", ", "timestamps");
    }
    if (record->options & WH_HAS_FAST_OPEN) {
        add(words, ", ", "fast open");
    }
    if (record->options & WH_HAS_ACCECN) {
        add_accecn(record, words);
    }
    if (record->options & WH_HAS_SACK) {
        for (unsigned i = 0; i < record->sacks && i < WH_SACK_BLOCKS; i++) {
            snprintf(one, sizeof one, "%s%" PRIu32 "-%" PRIu32, i == 0 ? "sack " : "",
                     record->sack[i].left - base, record->sack[i].right - base);
            add(words, i == 0 ? ", " : " ", one);
        }
    }
    return words;
}

char *words_bytes(uint64_t bytes, char *words)
{
    if (bytes < 1000000) {
        snprintf(words, WORDS, "%" PRIu64 " byte%s", bytes, bytes == 1 ? "" : "s");
    } else if (bytes < 1000000000) {
        snprintf(words, WORDS, "%.*f MB", bytes < 100000000 ? 2 : 1, (double)bytes / 1e6);
    } else {
        snprintf(words, WORDS, "%.2f GB", (double)bytes / 1e9);
    }
    return words;
}

char *words_segments(uint64_t segments, char *words)
{
    snprintf(words, WORDS, "%" PRIu64 " segment%s", segments, segments == 1 ? "" : "s");
    return words;
}

char *words_duration(wh_time duration, char *words)
{
    static const struct {
        double size;
        const char *name;
    } units[] = { { 1e3, "us" }, { 1e6, "ms" }, { 1e9, "s" } };
    unsigned unit = 0;
    while (unit < 2 && (double)duration >= 999.5 * units[unit].size) {
        unit++;
    }
    double value = (double)duration / units[unit].size;
    if (value >= 99.5 && unit == 2) {
        uint64_t whole = duration / WH_SECOND;
        snprintf(words, WORDS, "%" PRIu64 " min %" PRIu64 " s", whole / 60, whole % 60);
    } else {
        int decimals = unit == 0 || value >= 99.5 ? 0 : value >= 9.95 ? 1 : 2;
        snprintf(words, WORDS, "%.*f %s", decimals, value, units[unit].name);
    }
    return words;
}

char *words_seconds(wh_time time, char *words)
{
    uint64_t microseconds = time / WH_MICROSECOND;
    char digits[40];
    snprintf(digits, sizeof digits, "%" PRIu64 ".%06" PRIu64, microseconds / 1000000,
             microseconds % 1000000);
    size_t point = strcspn(digits, ".");
    size_t length = point < 6 ? 8 : point + 3; /* two decimals stay, however long it takes */
    snprintf(words, WORDS, "%.*s", (int)length, digits);
    return words;
}

bool words_reason_quiet(wh_reason reason)
{
    switch (reason) {
    case WH_WHY_NONE:
    case WH_WHY_BY_SEGMENT:
    case WH_WHY_BY_APPLICATION:
    case WH_WHY_WINDOW_UPDATE:
    case WH_WHY_SYN_HELD: return true;
    default: return false;
    }
}
