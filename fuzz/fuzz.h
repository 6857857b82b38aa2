/* SPDX-License-Identifier: MIT */
/* What the fuzz targets share: loud assertions, and input read as a string of decisions. */
#ifndef WAVEHAND_FUZZ_FUZZ_H
#define WAVEHAND_FUZZ_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Holds in every build, and says what did not. */
#define REQUIRE(condition) ((condition) ? (void)0 : broken(#condition, __FILE__, __LINE__))

static inline void broken(const char *what, const char *file, int line)
{
    fprintf(stderr, "%s:%d: broken: %s\n", file, line, what);
    abort();
}

/* The input, taken from the front; zeros when it is used up. */
struct input {
    const uint8_t *at;
    size_t left;
};

static inline uint8_t take8(struct input *input)
{
    if (input->left == 0)
        return 0;
    input->left--;
    return *input->at++;
}

static inline uint16_t take16(struct input *input)
{
    uint16_t high = take8(input);
    return (uint16_t)(high << 8 | take8(input));
}

static inline uint32_t take32(struct input *input)
{
    uint32_t high = take16(input);
    return high << 16 | take16(input);
}

/* Up to `most` bytes, as many as the next byte says. */
static inline size_t take_bytes(struct input *input, const uint8_t **bytes, size_t most)
{
    size_t length = take8(input);
    if (length > most)
        length = most;
    if (length > input->left)
        length = input->left;
    *bytes = input->at;
    input->at += length;
    input->left -= length;
    return length;
}

#endif
