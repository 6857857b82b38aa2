/* SPDX-License-Identifier: MIT */
/* What happened, in the words of the script; printed when a scenario fails. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rig/rig.h"

/* Of a long transcript the end is what matters. */
#define SHOWN 60

void note_add(struct wh_rig *rig, char mark, wh_time time, const char *format, ...)
{
    if (rig->notes == rig->note_room) {
        rig->note_room = rig->note_room == 0 ? 64 : rig->note_room * 2;
        rig->note = realloc(rig->note, rig->note_room * sizeof *rig->note);
        if (rig->note == NULL)
            abort();
    }
    struct note *note = &rig->note[rig->notes++];
    note->time = time;
    note->mark = mark;
    va_list list;
    va_start(list, format);
    vsnprintf(note->text, sizeof note->text, format, list);
    va_end(list);
}

/* Appends to text[room] at *used. */
static void add(char *text, size_t room, size_t *used, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
static void add(char *text, size_t room, size_t *used, const char *format, ...)
{
    va_list list;
    if (*used >= room)
        return;
    va_start(list, format);
    int n = vsnprintf(text + *used, room - *used, format, list);
    va_end(list);
    *used += n > 0 ? (size_t)n : 0;
}

void segment_text(const struct flow *flow, const struct segment *segment, bool arriving, char *text,
                  size_t room)
{
    char flags[48];
    size_t used = 0;
    uint32_t ours = flow == NULL ? 0 : flow->is.iss_known || arriving ? flow->is.iss : segment->seq;
    uint32_t theirs = flow == NULL ? 0 : flow->is.peer_iss;
    uint32_t seq_base = arriving ? theirs : ours, ack_base = arriving ? ours : theirs;
    const struct segment_options *options = &segment->options;
    if (flow != NULL && flow->name != 'a')
        add(text, room, &used, "%c: ", flow->name);
    add(text, room, &used, "%s seq %" PRId32, value_flags_text(segment->flags, flags),
        (int32_t)(segment->seq - seq_base));
    if (segment->flags & WH_ACK)
        add(text, room, &used, " ack %" PRId32, (int32_t)(segment->ack - ack_base));
    if (segment->length != 0)
        add(text, room, &used, " len %" PRIu32, segment->length);
    add(text, room, &used, " win %u", segment->window);
    if (segment->flags & WH_URG)
        add(text, room, &used, " urg %u", segment->urgent);
    if (options->has & WH_HAS_MSS)
        add(text, room, &used, " mss %u", options->mss);
    if (options->has & WH_HAS_WINDOW_SCALE)
        add(text, room, &used, " wscale %u", options->window_scale);
    if (options->has & WH_HAS_SACK_PERMITTED)
        add(text, room, &used, " sackok");
    if (options->has & WH_HAS_TIMESTAMPS)
        add(text, room, &used, " ts %" PRIu32 " %" PRIu32, options->tsval, options->tsecr);
    for (unsigned i = 0; i < options->sacks; i++)
        add(text, room, &used, "%s %" PRIu32 ":%" PRIu32, i == 0 ? " sack" : "",
            options->sack[i].left - ack_base, options->sack[i].right - ack_base);
}

bool rig_fail(struct wh_rig *rig, const char *format, ...)
{
    if (rig->failed)
        return false;
    rig->failed = true;
    va_list list;
    va_start(list, format);
    vsnprintf(rig->why, sizeof rig->why, format, list);
    va_end(list);
    return false;
}

/* Text of several lines, each behind the TAP comment mark. */
static void print_lines(const char *text)
{
    while (*text != 0) {
        size_t length = strcspn(text, "\n");
        printf("#   %.*s\n", (int)length, text);
        text += length + (text[length] == '\n');
    }
}

static void print_script(const struct wh_rig *rig)
{
    const struct block *scenario = rig->scenario;
    printf("#\n# the script:\n");
    for (size_t i = 0; i < scenario->lines; i++) {
        const struct line *line = &scenario->line[i];
        printf("# %c %4u  %*s%s\n", line == rig->line ? '>' : ' ', line->number, (int)line->indent,
               "", line->text);
        if (line == rig->line && rig->macro_line != NULL)
            printf("# >         in it: %s\n", rig->macro_line->text);
    }
    if (rig->line == NULL)
        printf("# >       (after the last line: the end of the scenario)\n");
}

void transcript_print(const struct wh_rig *rig)
{
    char time[24];
    size_t first = rig->notes > SHOWN ? rig->notes - SHOWN : 0;
    if (rig->line != NULL)
        printf("# %s:%u: %s\n", rig->script->file, rig->line->number, rig->line->text);
    else
        printf("# %s:%u: at the end of the scenario\n", rig->script->file, rig->scenario->number);
    print_lines(rig->why);
    printf("#\n# what happened (host on the left, peer on the right):\n");
    if (first != 0)
        printf("#   (%zu earlier lines)\n", first);
    for (size_t i = first; i < rig->notes; i++) {
        const struct note *note = &rig->note[i];
        const char *arrow = note->mark == '<' ? "<--" : note->mark == ' ' ? "   " : "-->";
        printf("# %c %11s  %s %s\n", note->mark == '!' ? '>' : ' ',
               value_time_text(note->time - rig->start, time), arrow, note->text);
    }
    print_script(rig);
}
