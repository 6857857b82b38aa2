/* SPDX-License-Identifier: MIT */
/*
 * How a failed scenario is shown: why, what passed as a ladder with the host's
 * state on the left rail and the script's lines on the right, the expected line
 * marked where it should have come, and the script itself.
 *
 * States cost a look at every record, so they are not noted while scenarios
 * pass: a failed one is run once more with `drawing` set. It fails the same way,
 * since nothing in it depends on anything but the script.
 */
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "rig/rig.h"
#include "view/rung.h"

/* Of a long history the end is what matters. */
#define SHOWN 60

struct picture {
    const struct wh_rig *rig;
    struct drawing drawing;
    FILE *out;
};

/* Lines of text, each behind the TAP comment mark and a margin that marks what went wrong. */
static void print_lines(FILE *out, const char *margin, const char *text)
{
    while (*text != '\0') {
        size_t length = strcspn(text, "\n");
        fprintf(out, "# %s%.*s\n", margin, (int)length, text);
        text += length + (text[length] == '\n');
    }
}

static void print_rung(const struct picture *picture, bool marked, const struct rung *rung)
{
    struct text text = { 0 };
    rung_draw(&text, &picture->drawing, rung);
    if (!text.failed && text.bytes != NULL)
        print_lines(picture->out, marked ? "> " : "  ", text.bytes);
    text_free(&text);
}

/* "b: SYN seq 0 win 100 mss 1460" into number, head, detail and what may stand below. */
static void split_words(const char *words, struct rung *rung)
{
    rung->number = 1;
    if (words[0] >= 'a' && words[0] <= 'z' && words[1] == ':' && words[2] == ' ') {
        rung->number = (unsigned)(words[0] - 'a') + 1;
        words += 3;
    }
    size_t head = strcspn(words, " ");
    snprintf(rung->head, sizeof rung->head, "%.*s", (int)MIN(head, WORDS - 1), words);
    words += head + (words[head] == ' ');
    const char *rest = strstr(words, "win ");
    size_t detail = rest != NULL ? (size_t)(rest - words) : strlen(words);
    while (detail > 0 && words[detail - 1] == ' ')
        detail--;
    snprintf(rung->detail, sizeof rung->detail, "%.*s", (int)MIN(detail, WORDS - 1), words);
    snprintf(rung->extra, sizeof rung->extra, "%s", rest != NULL ? rest : "");
}

/* The host's state once this note's event is over: what the flow's next note began with. */
static wh_state state_after(const struct wh_rig *rig, size_t n)
{
    char name = rig->note[n].flow;
    for (size_t i = n + 1; i < rig->notes; i++)
        if (rig->note[i].flow == name)
            return rig->note[i].before;
    return rig->failed_state[name - 'a'];
}

static void draw_note(const struct picture *picture, size_t n)
{
    const struct wh_rig *rig = picture->rig;
    const struct note *note = &rig->note[n];
    struct rung rung = { .time = note->time - rig->start, .style = STYLE_PLAIN };
    rung.from = note->mark == '<' ? LADDER_RIGHT : LADDER_LEFT;
    if (note->mark == ' ') {
        rung.shape = RUNG_STATE;
        rung.number = 1 + (unsigned)(note->flow - 'a');
        const char *words =
            note->text[0] != '\0' && note->text[1] == ':' ? note->text + 3 : note->text;
        snprintf(rung.head, sizeof rung.head, "%s", words);
    } else {
        rung.shape = RUNG_SEGMENT;
        split_words(note->text, &rung);
    }
    struct rail *left = &rung.rail[LADDER_LEFT], *right = &rung.rail[LADDER_RIGHT];
    snprintf(left->before, sizeof left->before, "%s", wh_state_name(note->before));
    snprintf(left->after, sizeof left->after, "%s", wh_state_name(state_after(rig, n)));
    if (note->mark == '!')
        snprintf(right->after, sizeof right->after, "unexpected");
    else if (note->line != NULL)
        snprintf(right->after, sizeof right->after, "line %u", note->line->number);
    memcpy(right->before, right->after, sizeof right->before);
    print_rung(picture, note->mark == '!', &rung);
}

/* The line that should have been fulfilled here, as a rung that never reached the peer. */
static void draw_expected(const struct picture *picture)
{
    const struct wh_rig *rig = picture->rig;
    const struct line *line = rig->macro_line != NULL ? rig->macro_line : rig->line;
    struct rung rung = { .time = rig->now - rig->start, .style = STYLE_PLAIN };
    rung.number = 1 + (unsigned)(rig->at->name - 'a');
    rung.from = LADDER_LEFT;
    struct rail *left = &rung.rail[LADDER_LEFT], *right = &rung.rail[LADDER_RIGHT];
    snprintf(left->after, sizeof left->after, "%s",
             wh_state_name(rig->failed_state[rig->at->name - 'a']));
    memcpy(left->before, left->after, sizeof left->before);
    if (rig->line == NULL) {
        snprintf(right->after, sizeof right->after, "the end");
    } else {
        snprintf(right->after, sizeof right->after, "line %u", rig->line->number);
    }
    memcpy(right->before, right->after, sizeof right->before);
    const char *leaves = line != NULL ? strstr(line->text, "-->") : NULL;
    if (leaves != NULL) {
        rung.shape = RUNG_LOST;
        split_words(leaves + 3 + strspn(leaves + 3, " "), &rung);
        rung.number = 1 + (unsigned)(rig->at->name - 'a');
        snprintf(rung.note, sizeof rung.note, "expected: %s", line->text);
    } else {
        rung.shape = RUNG_STATE;
        snprintf(rung.head, sizeof rung.head, "%s", line != NULL ? line->text : "silence");
    }
    print_rung(picture, true, &rung);
}

static void print_ladder(const struct picture *picture)
{
    const struct wh_rig *rig = picture->rig;
    size_t first = rig->notes > SHOWN ? rig->notes - SHOWN : 0;
    bool came_instead = rig->notes != 0 && rig->note[rig->notes - 1].mark == '!';
    struct text header = { 0 };
    fprintf(picture->out, "#\n");
    rung_header(&header, &picture->drawing, 0, WH_NEVER, "host", "script");
    if (header.bytes != NULL)
        print_lines(picture->out, "  ", header.bytes);
    text_free(&header);
    if (first != 0)
        fprintf(picture->out, "#   (%zu earlier ones)\n", first);
    for (size_t i = first; i < rig->notes - came_instead; i++)
        draw_note(picture, i);
    draw_expected(picture);
    if (came_instead)
        draw_note(picture, rig->notes - 1);
}

static void print_script(const struct wh_rig *rig, FILE *out)
{
    const struct block *scenario = rig->scenario;
    fprintf(out, "#\n# the script:\n");
    for (size_t i = 0; i < scenario->lines; i++) {
        const struct line *line = &scenario->line[i];
        fprintf(out, "# %c %4u  %*s%s\n", line == rig->line ? '>' : ' ', line->number,
                (int)line->indent, "", line->text);
        if (line == rig->line && rig->macro_line != NULL)
            fprintf(out, "# >         in it: %s\n", rig->macro_line->text);
    }
    if (rig->line == NULL)
        fprintf(out, "# >       (after the last line: the end of the scenario)\n");
}

void failure_print(const struct wh_rig *rig, const wh_rig_options *options)
{
    struct picture picture = { rig,
                               { .width = MAX(options->width, 80U), .ascii = options->ascii },
                               options->out };
    if (rig->line != NULL)
        fprintf(options->out, "# %s:%u: %s\n", rig->script->file, rig->line->number,
                rig->line->text);
    else
        fprintf(options->out, "# %s:%u: at the end of the scenario\n", rig->script->file,
                rig->scenario->number);
    print_lines(options->out, "  ", rig->why);
    print_ladder(&picture);
    print_script(rig, options->out);
}
