/* SPDX-License-Identifier: MIT */
#include "script.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <wavehand/wavehand.h>

#define WORD_MOST 32

static const struct {
    const char *word, *arguments;
} verbs[] = {
#define VERB_ROW(id, word, arguments, meaning) { word, arguments },
    VERBS(VERB_ROW)
#undef VERB_ROW
};

static const struct {
    const char *word;
    int value;
} errors[] = {
#define ERROR_ROW(id, value, words) { #id, value },
    WH_ERRORS(ERROR_ROW)
#undef ERROR_ROW
};
#define ERRORS (sizeof errors / sizeof errors[0])

/* Copies the next word and moves on; an empty word at the end of the step. */
static const char *take_word(const char *text, char word[WORD_MOST])
{
    size_t length = 0;
    text += strspn(text, " ");
    while (text[length] != 0 && text[length] != ' ' && text[length] != ';') {
        length++;
    }
    snprintf(word, WORD_MOST, "%.*s", (int)length, text);
    return text + length;
}

static bool find_option(const char *word, int64_t *value)
{
    for (int option = 0; option < WH_OPTION_COUNT; option++) {
        if (strcmp(wh_option_name((wh_option)option), word) == 0) {
            *value = option;
            return true;
        }
    }
    return false;
}

static bool read_argument(char kind, const char *word, int64_t *value)
{
    char *end;
    switch (kind) {
    case 'o': return find_option(word, value);
    case 's':
        for (int state = 0; state < WH_STATE_COUNT; state++) {
            if (strcmp(wh_state_name((wh_state)state), word) == 0) {
                *value = state;
                return true;
            }
        }
        return false;
    case 'e':
        for (size_t i = 0; i < ERRORS; i++) {
            if (strcmp(errors[i].word, word) == 0) {
                *value = errors[i].value;
                return true;
            }
        }
        return false;
    default: *value = strtoll(word, &end, 10); return word[0] != 0 && *end == 0;
    }
}

/* Reads one step; NULL if it makes no sense. */
static const char *read_step(struct step *step, const char *text)
{
    char word[WORD_MOST];
    int64_t *argument[2] = { &step->a, &step->b };
    *step = (struct step){ VERB_COUNT, 0, 0 };
    text = take_word(text, word);
    for (int verb = 0; verb < VERB_COUNT; verb++) {
        step->verb = strcmp(verbs[verb].word, word) == 0 ? (enum verb)verb : step->verb;
    }
    if (step->verb == VERB_COUNT) {
        return NULL;
    }
    const char *kinds = verbs[step->verb].arguments;
    for (unsigned i = 0; kinds[i] != 0; i++) {
        text = take_word(text, word);
        if (!read_argument(kinds[i], word, argument[i])) {
            return NULL;
        }
    }
    text += strspn(text, " ");
    return text[0] == 0 || text[0] == ';' ? text : NULL;
}

bool script_read(struct script *script, const char *text, char *error, size_t size)
{
    memset(script, 0, sizeof *script);
    text += strspn(text, " ");
    while (*text != 0) {
        const char *rest = NULL;
        if (script->steps < STEPS_MOST) {
            rest = read_step(&script->step[script->steps], text);
        }
        if (rest == NULL) {
            snprintf(error, size, "cannot read '%s'", text);
            return false;
        }
        script->steps++;
        text = rest + strspn(rest, "; ");
    }
    return true;
}

static int argument_text(char kind, int64_t value, char *text, size_t size)
{
    if (kind == 'o') {
        return snprintf(text, size, " %s", wh_option_name((wh_option)value));
    }
    if (kind == 's') {
        return snprintf(text, size, " %s", wh_state_name((wh_state)value));
    }
    for (size_t i = 0; kind == 'e' && i < ERRORS; i++) {
        if (errors[i].value == value) {
            return snprintf(text, size, " %s", errors[i].word);
        }
    }
    return snprintf(text, size, " %lld", (long long)value);
}

char *script_step_text(const struct step *step, char *text, size_t size)
{
    const char *kinds = verbs[step->verb].arguments;
    size_t used = (size_t)snprintf(text, size, "%s", verbs[step->verb].word);
    for (unsigned i = 0; kinds[i] != 0 && used < size; i++) {
        int64_t value = i == 0 ? step->a : step->b;
        used += (size_t)argument_text(kinds[i], value, text + used, size - used);
    }
    return text;
}

bool script_options(const char *text, bool (*set)(void *context, int option, int64_t value),
                    void *context)
{
    while (text != NULL && *text != 0) {
        char name[WORD_MOST], number[WORD_MOST];
        int64_t option, value;
        text = take_word(text, name);
        text = take_word(text, number);
        if (!find_option(name, &option) || !read_argument('n', number, &value) ||
            !set(context, (int)option, value)) {
            return false;
        }
        text += strspn(text, "; ");
    }
    return true;
}
