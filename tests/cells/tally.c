/* SPDX-License-Identifier: MIT */
#include "tally.h"

#include <stdio.h>
#include <string.h>

/* ---------------------------------------------------------------- groups -- */

/* A case's own words, or their beginning up to the end of a word: so a line that failed names itself. */
static bool names(const char *only, const char *words)
{
    size_t length = strlen(only);
    return strncmp(words, only, length) == 0 &&
           (words[length] == 0 || strchr(" ,:", words[length]) != NULL);
}

static bool is_line(const char *only) { return strncmp(only, "IPv", 3) == 0; }

bool tally_wants(const struct tally *tally, const char *words)
{
    for (unsigned i = 0; i < tally->onlys; i++)
        if (is_line(tally->only[i]) ? !names(tally->only[i], words)
                                    : strstr(words, tally->only[i]) == NULL)
            return false;
    return true;
}

bool tally_may_want(const struct tally *tally, const char *beginning)
{
    for (unsigned i = 0; i < tally->onlys; i++)
        if (is_line(tally->only[i]) && !names(tally->only[i], beginning) &&
            !names(beginning, tally->only[i]))
            return false;
    return true;
}

void tally_failure(struct tally *tally, const char *words, const char *why)
{
    /* The first few tell; the rest are counted. */
    if (tally->group_failures++ < 5)
        printf("# %s\n#     %s\n", words, why);
}

void tally_group(struct tally *tally, const char *ids, const char *title)
{
    if (tally->group_cells == 0)
        return;
    bool good = tally->group_failures == 0;
    printf("%s %lu - %s %s (%lu cells", good ? "ok" : "not ok", ++tally->groups, ids, title,
           tally->group_cells);
    if (!good)
        printf(", %lu failed", tally->group_failures);
    printf(")\n");
    tally->failed += !good;
    tally->cells += tally->group_cells;
    tally->group_cells = tally->group_failures = 0;
}

void tally_choice(struct tally *tally, wh_state state, const char *choice)
{
    for (unsigned i = 0; i < tally->choice_count; i++)
        if (tally->choices[i].state == state && strcmp(tally->choices[i].choice, choice) == 0) {
            tally->choices[i].times++;
            return;
        }
    if (tally->choice_count < 128)
        tally->choices[tally->choice_count++] = (struct choice){ choice, state, 1 };
}

/* ------------------------------------------------------------------ arcs -- */

/* A segment may take up to three arcs of which the record names the last: finds the way between. */
static bool count_way(struct tally *tally, wh_state from, wh_state to, int last, int depth)
{
    if (wh_arc(from, (wh_arc_event)last) == (int)to) {
        tally->arcs[from][last]++;
        return true;
    }
    for (int event = 1; depth > 0 && event < WH_ARC_EVENT_COUNT; event++) {
        int next = wh_arc(from, (wh_arc_event)event);
        bool step = event == WH_ON_SYN_ACKED || event == WH_ON_FIN_ACKED ||
                    event == WH_ON_GOT_SYN_ACK || event == WH_ON_GOT_FIN;
        if (next >= 0 && step && count_way(tally, (wh_state)next, to, last, depth - 1)) {
            tally->arcs[from][event]++;
            return true;
        }
    }
    return false;
}

void tally_arcs(struct tally *tally, wh_stack *host)
{
    wh_trace_record record[32];
    size_t n;
    while ((n = wh_trace(host, record, 32, NULL)) > 0)
        for (size_t i = 0; i < n; i++)
            if (record[i].arc != WH_ON_NOTHING)
                count_way(tally, (wh_state)record[i].state_before, (wh_state)record[i].state_after,
                          record[i].arc, 2);
}
