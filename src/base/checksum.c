/* SPDX-License-Identifier: MIT */
/* The portable checksum, and the choice among those that this processor runs. */
#include "base/checksum.h"

#include "base/checksum_scalar.h"

uint64_t checksum_add_portable(const void *data, size_t length, uint64_t sum)
{
    return checksum_scalar(NULL, data, length, sum, false);
}

static uint64_t copy_portable(void *to, const void *from, size_t length, uint64_t sum)
{
    return checksum_scalar(to, from, length, sum, true);
}

static void move_portable(void *to, const void *from, size_t length) { memcpy(to, from, length); }

static const struct checksum portable = { checksum_add_portable, copy_portable, move_portable,
                                          "portable" };

const struct checksum *checksum_nth(unsigned n)
{
    const struct checksum *usable[4];
    unsigned count = 0;

#if defined(__x86_64__)
    count = checksum_x86(usable);
#endif
#if defined(__AARCH64EL__)
    usable[count++] = &checksum_neon;
#endif
    usable[count++] = &portable;
    return n < count ? usable[n] : NULL;
}

const struct checksum *checksum_best(void) { return checksum_nth(0); }
