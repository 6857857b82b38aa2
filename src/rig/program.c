/* SPDX-License-Identifier: MIT */
/*
 * The program under test, where there is one: it takes the events itself, and
 * what it sends is its own affair, so its bytes are learned when they first
 * leave and must be the same when they leave again.
 */
#include <string.h>

#include "rig/rig.h"

/* A program that is served this often at one instant, and sends each time, will not come to rest. */
#define SERVINGS 4096

bool program_present(const struct wh_rig *rig) { return rig->program != NULL; }

void program_configure(struct wh_rig *rig)
{
    if (rig->program != NULL && rig->program->configure != NULL)
        rig->program->configure(rig->program->user, &rig->config);
}

bool program_begin(struct wh_rig *rig)
{
    if (rig->program == NULL)
        return true;
    rig->program_runs = true;
    if (rig->program->begin != NULL)
        rig->program_state = rig->program->begin(rig->program->user, rig, rig->host, rig->now);
    return !rig->failed && host_pump(rig);
}

bool program_serve(struct wh_rig *rig, unsigned *servings)
{
    if (!rig->program_runs || rig->program->serve == NULL)
        return true;
    if (++*servings > SERVINGS)
        return rig_fail(rig, "the program sends without end at one instant");
    rig->program->serve(rig->program_state, rig->host, rig->now);
    return !rig->failed;
}

wh_time program_wake(const struct wh_rig *rig)
{
    if (!rig->program_runs || rig->program->wake == NULL)
        return WH_NEVER;
    return rig->program->wake(rig->program_state);
}

bool program_statement(struct wh_rig *rig, char **word, unsigned words, bool *known)
{
    *known = false;
    if (!rig->program_runs || rig->program->statement == NULL)
        return true;
    if (!host_quiet(rig) || !host_flush(rig))
        return false;
    *known = rig->program->statement(rig->program_state, rig, word, words);
    return !rig->failed && host_pump(rig);
}

void program_end(struct wh_rig *rig)
{
    if (rig->program_runs && rig->program->end != NULL)
        rig->program->end(rig->program_state, rig->host);
    rig->program_runs = false;
}

bool wh_rig_fail(wh_rig *rig, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    rig_fail_list(rig, format, list);
    va_end(list);
    return false;
}

void wh_rig_endpoints(const wh_rig *rig, wh_endpoint *local, wh_endpoint *remote)
{
    *local = rig->at->ours;
    *remote = rig->at->theirs;
}
