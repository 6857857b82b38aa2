/* SPDX-License-Identifier: MIT */
/* Runs a scenario: its lines in order, macros and repetitions unfolded on the way. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rig/rig.h"

#define DEPTH 8
#define WORD_ROOM 4096

/* What a macro was called with, and how often a repetition has run. */
struct scope {
    struct wh_rig *rig;
    char **argument;
    unsigned arguments;
    unsigned depth;
    char round[24];
};

static const char *scope_value(void *context, const char *name, size_t length)
{
    const struct scope *scope = context;
    if (length == 1 && name[0] >= '1' && name[0] <= '9') {
        unsigned n = (unsigned)(name[0] - '1');
        return n < scope->arguments ? scope->argument[n] : "";
    }
    if (length == 1 && name[0] == 'I')
        return scope->round;
    unsigned rest = scope->rig->combination;
    for (unsigned i = 0; i < scope->rig->scenario->loops; i++) {
        const struct loop *loop = &scope->rig->scenario->loop[i];
        if (strlen(loop->name) == length && memcmp(loop->name, name, length) == 0)
            return loop->value[rest % loop->values];
        rest /= loop->values;
    }
    return NULL;
}

static bool run_lines(struct scope *scope, const struct line *line, size_t lines);

/* The `end` that belongs to line[0]; lines if there is none. */
static size_t end_of(const struct line *line, size_t lines)
{
    unsigned depth = 0;
    for (size_t i = 0; i < lines; i++) {
        const char *word = line[i].word[0];
        if (strcmp(word, "repeat") == 0 || strcmp(word, "together") == 0)
            depth++;
        else if (strcmp(word, "end") == 0 && --depth == 0)
            return i;
    }
    return lines;
}

static bool run_repeat(struct scope *scope, char **word, unsigned words, const struct line *body,
                       size_t lines)
{
    int64_t times;
    if (words != 2 || !value_number(word[1], &times))
        return rig_fail(scope->rig, "expected: repeat NUMBER");
    for (int64_t i = 0; i < times; i++) {
        snprintf(scope->round, sizeof scope->round, "%lld", (long long)i);
        if (!run_lines(scope, body, lines))
            return false;
    }
    return true;
}

static bool run_together(struct scope *scope, const struct line *body, size_t lines)
{
    struct wh_rig *rig = scope->rig;
    if (!host_start(rig) || !host_quiet(rig))
        return false;
    rig->together = true;
    bool good = run_lines(scope, body, lines);
    rig->together = false;
    return good && host_flush(rig) && host_pump(rig);
}

static bool run_macro(struct scope *scope, const struct block *macro, char **word, unsigned words)
{
    struct scope inner = { scope->rig, word, words, scope->depth + 1, "0" };
    if (inner.depth > DEPTH)
        return rig_fail(scope->rig, "macros call each other without end");
    return run_lines(&inner, macro->line, macro->lines);
}

static const struct block *find_macro(struct wh_rig *rig, char **word, unsigned words,
                                      unsigned *skip)
{
    char name[64];
    *skip = 1;
    snprintf(name, sizeof name, "%s", word[0]);
    if (words > 1 && strcmp(word[0], "reach") == 0) {
        snprintf(name, sizeof name, "reach:%s", word[1]);
        *skip = 2;
    }
    const struct block *macro = script_macro(rig->script, name);
    return macro != NULL ? macro : script_macro(rig->prelude, name);
}

/* "b:" chooses the flow of a line; it may stand behind the time. */
static struct flow *choose_flow(struct wh_rig *rig, char **word, unsigned *words)
{
    for (unsigned i = 0; i < 2 && i < *words; i++)
        if (word[i][0] >= 'a' && word[i][0] <= 'z' && word[i][1] == ':' && word[i][2] == 0) {
            struct flow *flow = &rig->flow[word[i][0] - 'a'];
            if (flow->name == 0)
                flow_init(rig, flow, word[i][0]);
            memmove(word + i, word + i + 1, (*words - i - 1) * sizeof *word);
            --*words;
            return flow;
        }
    return rig->at;
}

/* Which arcs the line has taken; a line that takes one itself is worth more than a macro's. */
static void note_arcs(struct wh_rig *rig)
{
    bool in_macro = rig->macro_line != NULL;
    for (unsigned from = 0; from < WH_STATE_COUNT; from++)
        for (unsigned event = 0; event < WH_ARC_EVENT_COUNT; event++) {
            uint64_t times = wh_arc_count(rig->host, (wh_state)from, (wh_arc_event)event);
            bool first = rig->arc[from][event].line == 0 || rig->arc[from][event].in_macro;
            if (times != rig->arc[from][event].times && first) {
                rig->arc[from][event].line = rig->line->number;
                rig->arc[from][event].in_macro = in_macro;
            }
            rig->arc[from][event].times = times;
        }
}

static bool run_words(struct scope *scope, char **word, unsigned words, const struct line *line,
                      size_t lines)
{
    struct wh_rig *rig = scope->rig;
    struct flow *at = rig->at;
    unsigned skip;
    rig->at = choose_flow(rig, word, &words);
    bool good;
    const struct block *macro = words != 0 ? find_macro(rig, word, words, &skip) : NULL;
    if (words == 0)
        good = rig_fail(rig, "an empty line");
    else if (strcmp(word[0], "repeat") == 0)
        good = run_repeat(scope, word, words, line + 1, end_of(line, lines) - 1);
    else if (strcmp(word[0], "together") == 0)
        good = run_together(scope, line + 1, end_of(line, lines) - 1);
    else if (macro != NULL)
        good = run_macro(scope, macro, word + skip, words - skip);
    else
        good = statement_run(rig, word, words);
    rig->at = at;
    if (good && rig->host != NULL) {
        note_arcs(rig);
        good = rig->together || (witness_hear(rig) && witness_agrees(rig));
    }
    const char *broken = good && rig->host != NULL ? wh_check(rig->host) : NULL;
    return good && (broken == NULL || rig_fail(rig, "wh_check: %s", broken));
}

/* Replaces $NAMEs; "$*" alone becomes all arguments. Returns the number of words, 0 on failure. */
static unsigned substitute(struct scope *scope, const struct line *line, char **word, char *room)
{
    unsigned words = 0;
    size_t used = 0;
    for (unsigned i = 0; i < line->words; i++) {
        if (strcmp(line->word[i], "$*") == 0) {
            for (unsigned k = 0; k < scope->arguments && words < SCRIPT_WORDS; k++)
                word[words++] = scope->argument[k];
            continue;
        }
        if (words == SCRIPT_WORDS ||
            !script_substitute(line->word[i], scope_value, scope, room + used, WORD_ROOM - used))
            return 0;
        word[words] = room + used;
        if (word[words][0] != 0) /* an argument that was not given leaves no word */
            used += strlen(word[words++]) + 1;
    }
    return words;
}

static bool run_lines(struct scope *scope, const struct line *line, size_t lines)
{
    struct wh_rig *rig = scope->rig;
    char *room = malloc(WORD_ROOM), *word[SCRIPT_WORDS];
    bool good = room != NULL;
    for (size_t i = 0; i < lines && good; i++) {
        bool block =
            strcmp(line[i].word[0], "repeat") == 0 || strcmp(line[i].word[0], "together") == 0;
        size_t last = block ? i + end_of(line + i, lines - i) : i;
        if (scope->depth == 0)
            rig->line = &line[i], rig->macro_line = NULL;
        else
            rig->macro_line = &line[i];
        unsigned words = substitute(scope, &line[i], word, room);
        if (last >= lines)
            good = rig_fail(rig, "`%s` without `end`", line[i].word[0]);
        else if (words == 0)
            good = rig_fail(rig, "this line is too long");
        else
            good = run_words(scope, word, words, &line[i], lines - i);
        i = last;
    }
    free(room);
    return good;
}

static void configure(struct wh_rig *rig)
{
    wh_config_init(&rig->config);
    for (size_t i = 0; i < sizeof rig->config.seed; i++)
        rig->config.seed[i] = (uint8_t)(i * 7 + 1);
    rig->config.memory_cap = 64 << 20;
    rig->config.trace_records = 256;
    rig->start = rig->now = 1000 * WH_SECOND;
    rig->at = &rig->flow[0];
    flow_init(rig, rig->at, 'a');
}

bool rig_run(struct wh_rig *rig, const struct rig_case *one)
{
    memset(rig, 0, sizeof *rig);
    rig->script = one->script;
    rig->prelude = one->prelude;
    rig->scenario = one->scenario;
    rig->variant = one->variant;
    rig->combination = one->combination;
    rig->program = one->program;
    rig->drawing = one->drawing;
    configure(rig);
    struct scope scope = { rig, NULL, 0, 0, "0" };
    bool good = run_lines(&scope, one->scenario->line, one->scenario->lines);
    if (good) {
        rig->line = rig->macro_line = NULL;
        good = rig->host == NULL || host_quiet(rig);
    }
    if (good && rig->host != NULL && !rig->undrained)
        good = host_drain(rig);
    return host_stop(rig) && good;
}

void rig_free(struct wh_rig *rig)
{
    for (size_t i = 0; i < RIG_FLOWS; i++) {
        stream_clear(&rig->flow[i].sent);
        stream_clear(&rig->flow[i].received);
    }
    while (host_next(rig) != NULL)
        host_drop(rig);
    for (size_t i = 0; i < rig->batches; i++)
        free((void *)(uintptr_t)rig->batch_frame[i].slice[0].base);
    free(rig->batch_frame);
    free(rig->queue);
    free(rig->lent);
    free(rig->note);
}

unsigned rig_variants(const struct block *scenario, const struct variant **variants)
{
    static const struct variant all[] = {
        { "IPv4", 4, false, 0, 0 },
        { "IPv6", 6, false, 0, 0 },
        { "IPv4, wrap at our SYN", 4, true, 0xffffffff, 0xffffff9b },
        { "IPv6, wrap at the peer's SYN", 6, true, 0xffffff9b, 0xffffffff },
        { "IPv4, half way", 4, true, 0x7fffff9b, 0x7fffffff },
        { "IPv6, wrap in the data", 6, true, 0xfffff000, 0xfffffa00 },
        { "IPv4, from zero", 4, true, 0, 0 },
        { "IPv6, half way in the data", 6, true, 0x7ffffa00, 0x7ffff000 },
    };
    unsigned family = 0, n = 0;
    bool plain = false;
    for (size_t i = 0; i < scenario->lines; i++) {
        const struct line *line = &scenario->line[i];
        if (strcmp(line->word[0], "family") == 0 && line->words == 2)
            family = line->word[1][0] == '4' ? 4 : 6;
        plain |= strcmp(line->word[0], "iss") == 0 || strcmp(line->word[0], "peer-iss") == 0 ||
                 (strcmp(line->word[0], "numbers") == 0 && line->words == 2 &&
                  strcmp(line->word[1], "plain") == 0);
    }
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if ((family == 0 || family == all[i].family) && !(plain && all[i].numbers))
            variants[n++] = &all[i];
    return n;
}

char *rig_combination_text(const struct block *scenario, unsigned combination, char *text)
{
    size_t used = 0;
    text[0] = 0;
    for (unsigned i = 0; i < scenario->loops; i++) {
        const struct loop *loop = &scenario->loop[i];
        int n = snprintf(text + used, 160 - used, "%s%s=%s", i == 0 ? "" : ", ", loop->name,
                         loop->value[combination % loop->values]);
        if (n < 0 || (size_t)n >= 160 - used)
            break;
        used += (size_t)n;
        combination /= loop->values;
    }
    return text;
}
