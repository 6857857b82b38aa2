/* SPDX-License-Identifier: MIT */
#include "view/comment.h"

#include <stdio.h>

#include "view/words.h"

/* The states, and the arc between them if one was taken. */
static int states(const wh_trace_record *record, char *text)
{
    const char *before = wh_state_name((wh_state)record->state_before);
    const char *after = wh_state_name((wh_state)record->state_after);
    if (record->kind == WH_TRACE_DROP) {
        return snprintf(text, COMMENT_TEXT, "dropped");
    }
    if (record->state_before == record->state_after) {
        return snprintf(text, COMMENT_TEXT, "%s", before);
    }
    if (record->arc == WH_ON_NOTHING) {
        return snprintf(text, COMMENT_TEXT, "%s -> %s", before, after);
    }
    return snprintf(text, COMMENT_TEXT, "%s -> %s on %s", before, after,
                    wh_arc_name((wh_arc_event)record->arc));
}

char *comment_text(const wh_trace_record *record, char *text)
{
    wh_reason reason = (wh_reason)record->reason;
    int length = states(record, text);
    if (!words_reason_quiet(reason)) {
        const char *source = wh_reason_source(reason);
        snprintf(text + length, COMMENT_TEXT - (size_t)length, "%s %s%s%s%s",
                 record->kind == WH_TRACE_DROP ? ":" : ";", wh_reason_text(reason),
                 source[0] != '\0' ? " [" : "", source, source[0] != '\0' ? "]" : "");
    }
    return text;
}
