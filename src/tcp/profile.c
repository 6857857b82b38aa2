/* SPDX-License-Identifier: MIT */
#include "tcp/profile.h"

#include <string.h>

#include "tcp/cc/cc.h"

struct range_of_values {
    int64_t initial, lowest, highest;
};

#define RANGE(id, def, low, high, unit, meaning) [WH_OPT_##id] = { (def), (low), (high) },
static const struct range_of_values range[WH_OPTION_COUNT] = { WH_OPTIONS(RANGE) };

struct profile *profile_new(struct memory *memory)
{
    struct profile *profile = memory_take(memory, sizeof *profile, MEMORY_ORDINARY);
    if (profile == NULL) {
        return NULL;
    }
    profile->references = 1;
    profile->congestion = cc_by_name("cubic");
    for (unsigned i = 0; i < WH_OPTION_COUNT; i++) {
        profile->value[i] = range[i].initial;
    }
    return profile;
}

void profile_drop(struct memory *memory, struct profile *profile)
{
    if (--profile->references == 0) {
        memory_give(memory, profile, sizeof *profile);
    }
}

int profile_own(struct memory *memory, struct profile **profile)
{
    struct profile *shared = *profile;
    if (shared->references == 1) {
        return WH_OK;
    }
    struct profile *own = memory_take(memory, sizeof *own, MEMORY_ORDINARY);
    if (own == NULL) {
        return WH_E_NOMEM;
    }
    memcpy(own, shared, sizeof *own);
    own->references = 1;
    shared->references--;
    *profile = own;
    return WH_OK;
}

int profile_set(struct memory *memory, struct profile **profile, wh_option option, int64_t value)
{
    if ((unsigned)option >= WH_OPTION_COUNT || value < range[option].lowest ||
        value > range[option].highest) {
        return WH_E_INVAL;
    }
    if ((*profile)->value[option] == value) {
        return WH_OK;
    }
    int result = profile_own(memory, profile);
    if (result == WH_OK) {
        (*profile)->value[option] = value;
    }
    return result;
}

int profile_get(const struct profile *profile, wh_option option, int64_t *value)
{
    if ((unsigned)option >= WH_OPTION_COUNT) {
        return WH_E_INVAL;
    }
    *value = profile->value[option];
    return WH_OK;
}
