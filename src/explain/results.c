/* SPDX-License-Identifier: MIT */
#include "explain/results.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What stands in front of each stored explanation. */
struct head {
    uint64_t size; /* of all that follows */
    struct explanation explanation;
};

struct results {
    struct wanted wanted;
    bool store_clean, failed;
    FILE *file;
    struct patterns *patterns;
    uint64_t by_verdict[VERDICT_COUNT], example[VERDICT_COUNT];
    uint64_t unwanted;
    void *buffer; /* for the parts of one explanation */
    size_t room;
};

static bool same_prefix(const wh_addr *a, const wh_addr *b, unsigned bits)
{
    unsigned bytes = bits / 8, rest = bits % 8;
    if (memcmp(a->bytes, b->bytes, bytes) != 0) {
        return false;
    }
    return rest == 0 || ((a->bytes[bytes] ^ b->bytes[bytes]) >> (8 - rest)) == 0;
}

bool wanted_is(const struct wanted *wanted, const struct explanation *explanation)
{
    const wh_endpoint *end = explanation->end;
    bool number = wanted->numbers == 0;
    for (size_t i = 0; i < wanted->numbers; i++) {
        number = number || wanted->number[i] == explanation->number;
    }
    bool address = !wanted->by_address ||
                   same_prefix(&end[0].addr, &wanted->address, wanted->prefix) ||
                   same_prefix(&end[1].addr, &wanted->address, wanted->prefix);
    bool port = wanted->port == 0 || end[0].port == wanted->port || end[1].port == wanted->port;
    enum verdict_kind kind = explanation->verdict.kind;
    bool verdict = wanted->verdicts == 0 || (wanted->verdicts >> kind & 1);
    bool grade = wanted->grades == 0 || (wanted->grades >> verdict_grade(kind) & 1);
    return number && address && port && verdict && grade;
}

struct results *results_new(const struct wanted *wanted, bool store_clean)
{
    struct results *results = calloc(1, sizeof *results);
    if (results == NULL) {
        return NULL;
    }
    results->wanted = *wanted;
    results->store_clean = store_clean;
    results->file = tmpfile();
    results->patterns = patterns_new();
    if (results->file == NULL || results->patterns == NULL) {
        int cause = errno;
        results_free(results);
        errno = cause;
        return NULL;
    }
    return results;
}

void results_free(struct results *results)
{
    if (results == NULL) {
        return;
    }
    if (results->file != NULL) {
        fclose(results->file);
    }
    patterns_free(results->patterns);
    free(results->buffer);
    free(results);
}

static bool put(FILE *file, const void *bytes, size_t size)
{
    return size == 0 || fwrite(bytes, size, 1, file) == 1;
}

bool results_take(struct results *results, const struct explanation *explanation)
{
    if (!wanted_is(&results->wanted, explanation)) {
        results->unwanted++;
        return true;
    }
    enum verdict_kind kind = explanation->verdict.kind;
    if (results->by_verdict[kind]++ == 0 || explanation->number < results->example[kind]) {
        results->example[kind] = explanation->number;
    }
    patterns_take(results->patterns, explanation);
    enum grade grade = verdict_grade(kind);
    if ((!results->store_clean && (grade == GRADE_CLEAN || grade == GRADE_OPEN)) ||
        results->failed) {
        return !results->failed;
    }
    size_t lines = explanation->line_count * sizeof *explanation->line;
    size_t plot[2] = { explanation->point_count[0] * sizeof *explanation->plot[0],
                       explanation->point_count[1] * sizeof *explanation->plot[1] };
    struct head head = { .size = lines + plot[0] + plot[1], .explanation = *explanation };
    results->failed = !put(results->file, &head, sizeof head) ||
                      !put(results->file, explanation->line, lines) ||
                      !put(results->file, explanation->plot[0], plot[0]) ||
                      !put(results->file, explanation->plot[1], plot[1]);
    return !results->failed;
}

/* -------------------------------------------------------------------- again -- */

static bool fill(struct results *results, struct head *head)
{
    if (head->size > results->room) {
        void *buffer = realloc(results->buffer, head->size);
        if (buffer == NULL) {
            return false;
        }
        results->buffer = buffer;
        results->room = head->size;
    }
    if (head->size > 0 && fread(results->buffer, head->size, 1, results->file) != 1) {
        return false;
    }
    struct explanation *explanation = &head->explanation;
    char *at = results->buffer;
    explanation->line = (const struct line *)(void *)at;
    at += explanation->line_count * sizeof *explanation->line;
    for (int side = 0; side < 2; side++) {
        explanation->plot[side] = (const struct traffic_point *)(void *)at;
        at += explanation->point_count[side] * sizeof(struct traffic_point);
    }
    return true;
}

bool results_each(struct results *results, enum verdict_kind kind,
                  bool (*each)(void *context, const struct explanation *explanation), void *context)
{
    struct head head;
    if (fflush(results->file) != 0 || fseek(results->file, 0, SEEK_SET) != 0) {
        return false;
    }
    while (fread(&head, sizeof head, 1, results->file) == 1) {
        bool asked = (kind == VERDICT_COUNT || head.explanation.verdict.kind == kind) &&
                     patterns_of(results->patterns, &head.explanation) == NULL;
        if (!asked) {
            if (fseek(results->file, (long)head.size, SEEK_CUR) != 0) {
                return false;
            }
            continue;
        }
        if (!fill(results, &head)) {
            return false;
        }
        if (!each(context, &head.explanation)) {
            return true;
        }
    }
    return !ferror(results->file);
}

const struct pattern *results_pattern(struct results *results, unsigned i)
{
    return patterns_nth(results->patterns, i);
}

/* What is folded into a pattern does not count under its own verdict. */
static void take_out(struct results *results, struct summary *summary)
{
    struct head head;
    if (patterns_nth(results->patterns, 0) == NULL || fflush(results->file) != 0 ||
        fseek(results->file, 0, SEEK_SET) != 0) {
        return;
    }
    while (fread(&head, sizeof head, 1, results->file) == 1 &&
           fseek(results->file, (long)head.size, SEEK_CUR) == 0) {
        if (patterns_of(results->patterns, &head.explanation) != NULL) {
            summary->by_verdict[head.explanation.verdict.kind]--;
            summary->in_patterns++;
        }
    }
}

void results_sum(struct results *results, struct summary *summary)
{
    memcpy(summary->by_verdict, results->by_verdict, sizeof summary->by_verdict);
    memcpy(summary->example, results->example, sizeof summary->example);
    summary->unwanted = results->unwanted;
    take_out(results, summary);
    for (unsigned i = 0; results_pattern(results, i) != NULL; i++) {
        const struct pattern *pattern = results_pattern(results, i);
        if (summary->by_verdict[pattern->kind]++ == 0) {
            summary->example[pattern->kind] = pattern->first;
        }
    }
}
