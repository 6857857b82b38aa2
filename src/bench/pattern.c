/* SPDX-License-Identifier: MIT */
#include "bench/pattern.h"

#include <string.h>

/* The eight bytes at positions 8 * number on: an odd factor and a fold, so that neighbours differ in all. */
static uint64_t word(uint64_t number)
{
    uint64_t mixed = (number + 1) * UINT64_C(0x9e3779b97f4a7c15);
    return (mixed ^ mixed >> 29) * UINT64_C(0xbf58476d1ce4e5b9);
}

static uint8_t byte_at(uint64_t position)
{
    return (uint8_t)(word(position / 8) >> (position % 8 * 8));
}

void pattern_fill(uint64_t position, void *to, size_t length)
{
    uint8_t *bytes = to;
    size_t i = 0;
    for (; i < length && (position + i) % 8 != 0; i++) {
        bytes[i] = byte_at(position + i);
    }
    for (; i + 8 <= length; i += 8) {
        uint8_t eight[8];
        uint64_t value = word((position + i) / 8);
        for (unsigned k = 0; k < 8; k++) {
            eight[k] = (uint8_t)(value >> 8 * k);
        }
        memcpy(bytes + i, eight, sizeof eight);
    }
    for (; i < length; i++) {
        bytes[i] = byte_at(position + i);
    }
}

size_t pattern_match(uint64_t position, const void *bytes, size_t length)
{
    const uint8_t *at = bytes;
    size_t good = 0;
    while (good < length) {
        uint8_t expected[1024];
        size_t n = length - good < sizeof expected ? length - good : sizeof expected;
        pattern_fill(position + good, expected, n);
        if (memcmp(at + good, expected, n) != 0) {
            break;
        }
        good += n;
    }
    while (good < length && at[good] == byte_at(position + good)) {
        good++;
    }
    return good;
}
