/* SPDX-License-Identifier: MIT */
/* The lists of verdict.h as tables. */
#include "explain/verdict.h"

#include <string.h>

static const struct {
    const char *name, *words, *section;
    enum grade grade;
} verdicts[] = {
#define VERDICT_ROW(id, name, grade, words, section) { name, words, section, GRADE_##grade },
    VERDICTS(VERDICT_ROW)
#undef VERDICT_ROW
};

static const struct {
    const char *name, *words;
} doubts[] = {
#define DOUBT_ROW(id, name, words) { name, words },
    DOUBTS(DOUBT_ROW)
#undef DOUBT_ROW
};

const char *verdict_name(enum verdict_kind kind) { return verdicts[kind].name; }
const char *verdict_words(enum verdict_kind kind) { return verdicts[kind].words; }
const char *verdict_section(enum verdict_kind kind) { return verdicts[kind].section; }
enum grade verdict_grade(enum verdict_kind kind) { return verdicts[kind].grade; }
const char *doubt_name(enum doubt doubt) { return doubts[doubt].name; }
const char *doubt_words(enum doubt doubt) { return doubts[doubt].words; }

enum verdict_kind verdict_of_name(const char *name)
{
    int kind = 0;
    while (kind < VERDICT_COUNT && strcmp(verdicts[kind].name, name) != 0) {
        kind++;
    }
    return (enum verdict_kind)kind;
}

const char *grade_name(enum grade grade)
{
    static const char *const names[GRADES] = { "failed", "troubled", "unknown", "open", "clean" };
    return names[grade];
}

const char *confidence_name(enum confidence confidence)
{
    static const char *const names[] = { "certain", "likely", "cannot tell" };
    return names[confidence];
}
