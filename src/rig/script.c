/* SPDX-License-Identifier: MIT */
#include "rig/script.h"

#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *grown(void *array, size_t count, size_t size)
{
    if ((count & (count - 1)) != 0 || (count != 0 && count < 8))
        return array;
    array = realloc(array, (count < 8 ? 8 : count * 2) * size);
    if (array == NULL)
        abort();
    return array;
}

static char *copy_of(const char *text, size_t length)
{
    char *copy = malloc(length + 1);
    if (copy == NULL)
        abort();
    memcpy(copy, text, length);
    copy[length] = 0;
    return copy;
}

static char escape(char c)
{
    switch (c) {
    case 'n': return '\n';
    case 'r': return '\r';
    case 't': return '\t';
    case '0': return 0;
    default: return c;
    }
}

/*
 * Splits text in place into words. A quoted word begins with its quote, which
 * tells it from a bare one, and ends in NUL. Returns how many, -1 for an open
 * quote, -2 for too many.
 */
static int split(char *text, char **word)
{
    int words = 0;
    char *p = text;
    for (;;) {
        while (isspace((unsigned char)*p))
            *p++ = 0;
        if (*p == 0 || *p == '#')
            break;
        if (words == SCRIPT_WORDS)
            return -2;
        word[words++] = p;
        if (*p == '"') {
            char *to = ++p;
            for (; *p != 0 && *p != '"'; p++) {
                if (*p == '\\' && p[1] != 0)
                    *to++ = escape(*++p);
                else
                    *to++ = *p;
            }
            if (*p == 0)
                return -1;
            *p++ = 0;
            *to = 0;
        } else {
            while (*p != 0 && !isspace((unsigned char)*p))
                p++;
        }
    }
    *p = 0;
    return words;
}

static bool complain(struct script *script, unsigned number, const char *what)
{
    snprintf(script->error, sizeof script->error, "%s:%u: %s", script->file, number, what);
    return false;
}

static bool begin_scenario(struct script *script, unsigned number, char **word, unsigned words)
{
    if (words < 3 || word[words - 1][0] != '"')
        return complain(script, number, "expected: scenario ID... \"title\"");
    script->scenario = grown(script->scenario, script->scenarios, sizeof *script->scenario);
    struct block *scenario = &script->scenario[script->scenarios++];
    memset(scenario, 0, sizeof *scenario);
    scenario->number = number;
    scenario->title = word[words - 1] + 1;
    size_t length = 0;
    for (unsigned i = 1; i + 1 < words; i++)
        length += strlen(word[i]) + 1;
    scenario->name = calloc(1, length + 1);
    if (scenario->name == NULL)
        abort();
    size_t used = 0;
    for (unsigned i = 1; i + 1 < words; i++) {
        size_t part = strlen(word[i]);
        memcpy(scenario->name + used, word[i], part);
        used += part;
        scenario->name[used++] = i + 2 < words ? ' ' : 0;
    }
    return true;
}

static bool begin_macro(struct script *script, unsigned number, char **word, unsigned words)
{
    if (words != 2)
        return complain(script, number, "expected: define NAME");
    script->macro = grown(script->macro, script->macros, sizeof *script->macro);
    struct block *macro = &script->macro[script->macros++];
    memset(macro, 0, sizeof *macro);
    macro->number = number;
    macro->name = copy_of(word[1], strlen(word[1]));
    return true;
}

static bool add_loop(struct script *script, struct block *block, unsigned number, char **word,
                     unsigned words)
{
    if (words < 4 || strcmp(word[2], "in") != 0)
        return complain(script, number, "expected: for NAME in VALUE...");
    if (block->lines != 0 || block->loops == SCRIPT_LOOPS)
        return complain(script, number, "`for` stands right below `scenario`, four times at most");
    struct loop *loop = &block->loop[block->loops++];
    loop->name = word[1];
    loop->values = words - 3;
    loop->value = malloc(loop->values * sizeof *loop->value);
    if (loop->value == NULL)
        abort();
    memcpy(loop->value, word + 3, loop->values * sizeof *loop->value);
    return true;
}

static void add_line(struct block *block, unsigned number, const char *text, unsigned indent,
                     char **word, unsigned words)
{
    block->line = grown(block->line, block->lines, sizeof *block->line);
    struct line *line = &block->line[block->lines++];
    line->number = number;
    line->indent = indent;
    line->text = copy_of(text, strlen(text));
    line->words = words;
    line->word = malloc(words * sizeof *line->word);
    if (line->word == NULL)
        abort();
    memcpy(line->word, word, words * sizeof *line->word);
}

/* One line of the file; *block is what lines are being added to. */
static bool take_line(struct script *script, struct block **block, bool *macro, unsigned *depth,
                      char *text, unsigned number)
{
    char *word[SCRIPT_WORDS];
    unsigned indent = (unsigned)strspn(text, " \t");
    char *whole = copy_of(text + indent, strlen(text + indent));
    for (size_t n = strlen(whole); n > 0 && isspace((unsigned char)whole[n - 1]);)
        whole[--n] = 0;
    int words = split(text, word);
    bool good = true;
    if (words < 0)
        good = complain(script, number, words == -1 ? "quote not closed" : "too many words");
    else if (words == 0)
        ;
    else if (strcmp(word[0], "scenario") == 0 && !*macro) {
        good = begin_scenario(script, number, word, (unsigned)words);
        if (good)
            *block = &script->scenario[script->scenarios - 1];
    } else if (strcmp(word[0], "define") == 0 && !*macro) {
        good = begin_macro(script, number, word, (unsigned)words);
        if (good)
            *block = &script->macro[script->macros - 1];
        *macro = good;
        *depth = 0;
    } else if (*macro && *depth == 0 && strcmp(word[0], "end") == 0) {
        *block = NULL;
        *macro = false;
    } else if (*block == NULL) {
        good = complain(script, number, "a line outside of `scenario` and `define`");
    } else if (strcmp(word[0], "for") == 0 && !*macro) {
        good = add_loop(script, *block, number, word, (unsigned)words);
    } else {
        if (strcmp(word[0], "repeat") == 0 || strcmp(word[0], "together") == 0)
            ++*depth;
        else if (strcmp(word[0], "end") == 0 && *depth > 0)
            --*depth;
        add_line(*block, number, whole, indent, word, (unsigned)words);
    }
    free(whole);
    return good;
}

bool script_parse(struct script *script, const char *file, const char *text)
{
    memset(script, 0, sizeof *script);
    script->file = file;
    script->bytes = copy_of(text, strlen(text));
    struct block *block = NULL;
    bool macro = false;
    unsigned depth = 0, number = 1;
    for (char *line = script->bytes, *next; line != NULL; line = next, number++) {
        next = strchr(line, '\n');
        if (next != NULL)
            *next++ = 0;
        if (!take_line(script, &block, &macro, &depth, line, number))
            return false;
    }
    return !macro || complain(script, number, "`define` without `end`");
}

static void free_blocks(struct block *block, size_t blocks)
{
    for (size_t i = 0; i < blocks; i++) {
        for (size_t k = 0; k < block[i].lines; k++) {
            free((char *)(uintptr_t)block[i].line[k].text);
            free(block[i].line[k].word);
        }
        for (unsigned k = 0; k < block[i].loops; k++)
            free(block[i].loop[k].value);
        free(block[i].line);
        free(block[i].name);
    }
    free(block);
}

void script_free(struct script *script)
{
    free_blocks(script->scenario, script->scenarios);
    free_blocks(script->macro, script->macros);
    free(script->bytes);
    memset(script, 0, sizeof *script);
}

const struct block *script_macro(const struct script *script, const char *name)
{
    for (size_t i = 0; i < script->macros; i++)
        if (strcmp(script->macro[i].name, name) == 0)
            return &script->macro[i];
    return NULL;
}

unsigned script_combinations(const struct block *scenario)
{
    unsigned n = 1;
    for (unsigned i = 0; i < scenario->loops; i++)
        n *= scenario->loop[i].values;
    return n;
}

bool script_substitute(const char *word, script_value *value, void *context, char *out, size_t room)
{
    size_t used = 0;
    while (*word != 0) {
        size_t name = 0;
        const char *with = NULL;
        if (*word == '$') {
            while (isalnum((unsigned char)word[1 + name]) || word[1 + name] == '_')
                name++;
            if (name != 0)
                with = value(context, word + 1, name);
        }
        size_t length = with != NULL ? strlen(with) : 1;
        if (used + length + 1 > room)
            return false;
        memcpy(out + used, with != NULL ? with : word, length);
        used += length;
        word += with != NULL ? 1 + name : 1;
    }
    out[used] = 0;
    return true;
}
