/* SPDX-License-Identifier: MIT */
#include "tcp/cc/cc.h"

#include <stddef.h>
#include <string.h>

static const struct cc_algorithm *const algorithm[] = { &cc_newreno };

static int same(const char *a, const char *b)
{
    while (*a != '\0' && *a == *b) {
        a++;
        b++;
    }
    return *a == *b;
}

const struct cc_algorithm *cc_by_name(const char *name)
{
    for (size_t i = 0; i < sizeof algorithm / sizeof algorithm[0]; i++) {
        if (same(algorithm[i]->name, name)) {
            return algorithm[i];
        }
    }
    return NULL;
}
