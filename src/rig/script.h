/* SPDX-License-Identifier: MIT */
/*
 * The text of scripts: a file becomes scenarios, a scenario becomes lines of
 * words. Nothing is executed here. A file holds
 *
 *     define NAME ... end                macros: lines to put where NAME stands, $1 $2 ... $* its words
 *     scenario ID [more IDs] "title"     and its lines, up to the next scenario or define
 *
 * and right below a scenario's first line `for NAME in A B C` lines: the scenario
 * is run once for every combination, with $NAME replaced. `#` begins a comment.
 */
#ifndef WAVEHAND_RIG_SCRIPT_H
#define WAVEHAND_RIG_SCRIPT_H

#include <stdbool.h>
#include <stddef.h>

#define SCRIPT_WORDS 48
#define SCRIPT_LOOPS 4

struct line {
    unsigned number;  /* in its file, from 1 */
    const char *text; /* as written, without indentation */
    unsigned indent;
    unsigned words;
    char **word; /* a quoted word keeps its opening quote and is unescaped */
};

struct block {
    char *name; /* of a macro: its name; of a scenario: its IDs */
    char *title;
    unsigned number;
    struct line *line;
    size_t lines;
    struct loop {
        char *name;
        char **value;
        unsigned values;
    } loop[SCRIPT_LOOPS];
    unsigned loops;
};

struct script {
    const char *file;
    struct block *scenario, *macro;
    size_t scenarios, macros;
    char *bytes; /* what all words point into */
    char error[160];
};

/* Reads the text (which is copied). False: script->error tells the line and what is wrong. */
bool script_parse(struct script *script, const char *file, const char *text);
void script_free(struct script *script);
const struct block *script_macro(const struct script *script, const char *name);
/* How many times a scenario runs: the product of its loops. */
unsigned script_combinations(const struct block *scenario);

/*
 * Writes `word` to out[room] with each $NAME replaced by what `value` answers for
 * it; a name it does not know stays. False if it does not fit.
 */
typedef const char *script_value(void *context, const char *name, size_t length);
bool script_substitute(const char *word, script_value *value, void *context, char *out,
                       size_t room);

#endif
