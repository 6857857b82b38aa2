/* SPDX-License-Identifier: MIT */
/*
 * Option values, shared. Most connections of a stack have the same options, so
 * they share one reference-counted profile; a connection whose option is set gets
 * a copy of its own first.
 */
#ifndef WAVEHAND_TCP_PROFILE_H
#define WAVEHAND_TCP_PROFILE_H

#include "base/memory.h"

struct cc_algorithm;

struct profile {
    uint32_t references;
    const struct cc_algorithm *congestion;
    int64_t value[WH_OPTION_COUNT];
};

/* The defaults of WH_OPTIONS, one reference; NULL without memory. */
struct profile *profile_new(struct memory *memory);
static inline struct profile *profile_share(struct profile *profile)
{
    profile->references++;
    return profile;
}
void profile_drop(struct memory *memory, struct profile *profile);
/* Makes *profile the only reference, copying if need be. WH_E_NOMEM leaves it as it was. */
int profile_own(struct memory *memory, struct profile **profile);
/* WH_E_INVAL for an unknown option or a value outside its range; WH_E_NOMEM. */
int profile_set(struct memory *memory, struct profile **profile, wh_option option, int64_t value);
int profile_get(const struct profile *profile, wh_option option, int64_t *value);

#endif
