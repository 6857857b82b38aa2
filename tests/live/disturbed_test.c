/* SPDX-License-Identifier: MIT */
/*
 * disturbed_test [--every N] [--thorough]
 * disturbed_test --list
 * disturbed_test --only TITLE [--setting NAME] [--ipv6] [--wrap N] [--half]
 *                [--harm NUMBER KIND]...
 *
 * Plays every scenario undisturbed and then again and again, each time with harm
 * done to one segment, and the short ones with every pair of segments lost (X01);
 * all of that over IPv6, and with the sequence numbers wrapping at the SYN, in the
 * data and at the FIN, where segment for segment the same must happen (X02). Results
 * are lines of the Test Anything Protocol. --every N plays each N-th trial of the
 * long lists only, for builds that are slow; --thorough harms pairs in every way and
 * in every scenario, for minutes. The last form plays one trial and draws it; a
 * failure prints the words for it.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "trial.h"

/*
 * What one harmed segment may cost in virtual time: the SYN's second, a second of
 * backing off from there (RFC 6298 5.7 makes the first RTO 3 s after a lost SYN), or
 * a probe's interval that had grown to several seconds. Two cost more.
 */
#define ALLOWANCE (7 * WH_SECOND)
#define ALLOWANCE_PAIR (16 * WH_SECOND)
/* Pairs reach this far beyond the undisturbed run, so that repeats are lost too. */
#define BEYOND 3
#define PLACES (1 + 2 * (WRAP_POINTS - 1))

static const char *const harm_words[] = {
#define HARM_WORD(id, word, title) word,
    HARMS(HARM_WORD)
#undef HARM_WORD
};
static const char *const harm_titles[] = {
#define HARM_TITLE(id, word, title) title,
    HARMS(HARM_TITLE)
#undef HARM_TITLE
};

struct report {
    unsigned long passed, failed, trials;
    unsigned every;
    bool thorough;
    uint64_t turn;      /* counts the trials that `every` chooses from */
    wh_time slowest[2]; /* most virtual time that harm cost: one segment's, two segments' */
};

/* One line of the report: trials until the first failure. */
struct line {
    struct report *report;
    const struct scenario *scenario;
    unsigned trials;
    bool failed;
    struct circumstances culprit;
    char why[500];
};

/* -------------------------------------------------------------- results -- */

static void show_again(const struct line *line)
{
    const struct circumstances *culprit = &line->culprit;
    printf("# again: disturbed_test --only '%s' --setting '%s'%s", line->scenario->title,
           culprit->setting->name, culprit->v6 ? " --ipv6" : "");
    if (culprit->wrap != WRAP_NOWHERE) {
        printf(" --wrap %d%s", (int)culprit->wrap, culprit->half ? " --half" : "");
    }
    for (int i = 0; i < HARMS_MOST && culprit->harm[i].number != 0; i++) {
        printf(" --harm %" PRIu64 " %s", culprit->harm[i].number,
               harm_words[culprit->harm[i].harm]);
    }
    printf("\n");
}

/* Plays a trial with its ladder, each line of it a comment. */
static void show_ladder(const struct scenario *scenario, const struct circumstances *circumstances,
                        struct outcome *outcome)
{
    struct drawing drawing;
    drawing_begin(&drawing);
    trial(scenario, circumstances, outcome, &drawing);
    drawing_print(&drawing, outcome->end);
}

static void finish_line(struct line *line, const char *id, const char *what)
{
    struct report *report = line->report;
    report->trials += line->trials;
    ++*(line->failed ? &report->failed : &report->passed);
    printf("%s %lu - %s %s: %s (%u trials)\n", line->failed ? "not ok" : "ok",
           report->passed + report->failed, id, line->scenario->title, what, line->trials);
    if (line->failed) {
        struct outcome outcome;
        printf("# %s\n#   client: %s\n#   server: %s\n", line->why, line->scenario->client,
               line->scenario->server);
        show_again(line);
        show_ladder(line->scenario, &line->culprit, &outcome);
    }
    fflush(stdout);
}

static void fail_line(struct line *line, const struct circumstances *circumstances, const char *why)
{
    if (!line->failed) {
        line->failed = true;
        line->culprit = *circumstances;
        snprintf(line->why, sizeof line->why, "%.450s", why);
    }
}

/* A trial for this line; false if it failed. */
static bool try_one(struct line *line, const struct circumstances *circumstances,
                    struct outcome *outcome)
{
    line->trials++;
    trial(line->scenario, circumstances, outcome, NULL);
    if (outcome->why[0] != 0) {
        fail_line(line, circumstances, outcome->why);
    }
    return outcome->why[0] == 0;
}

/* ------------------------------------------------------------------ X01 -- */

static void compare_plain(struct line *line, const struct circumstances *circumstances,
                          const struct outcome *plain, const struct outcome *outcome,
                          wh_time allowance)
{
    struct report *report = line->report;
    if (memcmp(plain->bytes, outcome->bytes, sizeof plain->bytes) != 0) {
        fail_line(line, circumstances, "other bytes were delivered than undisturbed");
    }
    if (outcome->took > plain->took + allowance) {
        char text[80];
        snprintf(text, sizeof text, "it took %.3f s instead of %.3f s", (double)outcome->took / 1e9,
                 (double)plain->took / 1e9);
        fail_line(line, circumstances, text);
    }
    wh_time *slowest = &report->slowest[circumstances->harm[1].number != 0];
    if (outcome->took > plain->took && outcome->took - plain->took > *slowest) {
        *slowest = outcome->took - plain->took;
    }
    /* Where another end went through TIME-WAIT, it is another end that has a table for it. */
    if (plain->waits == outcome->waits &&
        (plain->kept[0] < outcome->kept[0] || plain->kept[1] < outcome->kept[1])) {
        fail_line(line, circumstances, "more memory is held afterwards than undisturbed");
    }
}

/* Lets each n-th of the trials through. */
static bool chosen(struct report *report) { return report->turn++ % report->every == 0; }

/* Harm of one kind to every segment in turn, in every setting. */
static void disturb(struct report *report, const struct scenario *scenario, enum harm harm,
                    const struct outcome plain[])
{
    struct line line = { .report = report, .scenario = scenario };
    for (size_t s = 0; s < setting_count && !line.failed; s++) {
        for (uint64_t i = 1; i <= plain[s].segments && !line.failed; i++) {
            struct circumstances circumstances = { .setting = &settings[s],
                                                   .harm = { { i, harm } } };
            struct outcome outcome;
            if ((s == 0 || chosen(report)) && try_one(&line, &circumstances, &outcome)) {
                compare_plain(&line, &circumstances, &plain[s], &outcome, ALLOWANCE);
            }
        }
    }
    finish_line(&line, "X01", harm_titles[harm]);
}

/* Harm to two segments; each further kind of harm only where the report is to be thorough. */
static void try_pair(struct line *line, uint64_t first, uint64_t second,
                     const struct outcome *plain)
{
    enum harm last = line->report->thorough ? HARM_KINDS : HARM_DROP + 1;
    for (enum harm one = HARM_DROP; one < last; one++) {
        for (enum harm two = HARM_DROP; two < last && !line->failed; two++) {
            const struct circumstances circumstances = {
                .setting = &settings[0], .harm = { { first, one }, { second, two } }
            };
            struct outcome outcome;
            if (chosen(line->report) && try_one(line, &circumstances, &outcome)) {
                compare_plain(line, &circumstances, plain, &outcome, ALLOWANCE_PAIR);
            }
        }
    }
}

static void disturb_pairs(struct report *report, const struct scenario *scenario,
                          const struct outcome *plain)
{
    struct line line = { .report = report, .scenario = scenario };
    for (uint64_t i = 1; i <= plain->segments && !line.failed; i++) {
        for (uint64_t j = i + 1; j <= plain->segments + BEYOND && !line.failed; j++) {
            try_pair(&line, i, j, plain);
        }
    }
    finish_line(&line, "X01", report->thorough ? "two harmed in any way" : "two dropped");
}

static bool play_undisturbed(struct report *report, const struct scenario *scenario,
                             struct outcome plain[])
{
    struct line line = { .report = report, .scenario = scenario };
    for (size_t s = 0; s < setting_count && !line.failed; s++) {
        const struct circumstances circumstances = { .setting = &settings[s] };
        try_one(&line, &circumstances, &plain[s]);
    }
    char what[64];
    snprintf(what, sizeof what, "undisturbed, %" PRIu64 " segments", plain[0].segments);
    finish_line(&line, "X01", what);
    return !line.failed;
}

/* ------------------------------------------------------------------ X02 -- */

/* Segment for segment the same, at the same moments. */
static void compare_exactly(struct line *line, const struct circumstances *circumstances,
                            const struct outcome *first, const struct outcome *second)
{
    if (first->segments != second->segments) {
        fail_line(line, circumstances, "another number of segments than over IPv4");
    } else if (first->print != second->print) {
        fail_line(line, circumstances, "other segments, or at other moments, than over IPv4");
    } else if (memcmp(first->bytes, second->bytes, sizeof first->bytes) != 0 ||
               first->waits != second->waits || first->resets != second->resets ||
               first->took != second->took) {
        fail_line(line, circumstances, "another result than over IPv4");
    }
}

/* The same trial over IPv6 and at each place where numbers may wrap. */
static void elsewhere(struct line *line, const struct circumstances *first,
                      const struct outcome *plain, struct line *wrapping)
{
    struct outcome here, there;
    line->trials++;
    trial(line->scenario, first, &here, NULL);
    struct circumstances v6 = *first;
    v6.v6 = true;
    if (try_one(line, &v6, &there)) {
        compare_exactly(line, &v6, &here, &there);
    }
    for (int place = 0; place < PLACES && !wrapping->failed; place++) {
        struct circumstances wrap = *first;
        wrap.wrap = (enum wrap_point)(place == 0 ? WRAP_ZERO : 1 + (place + 1) / 2);
        wrap.half = place > 0 && place % 2 == 0;
        wrap.v6 = place % 2 == 1;
        wrap.bytes[0] = plain->bytes[1];
        wrap.bytes[1] = plain->bytes[0];
        if (first->harm[0].number != 0 && !chosen(line->report)) {
            continue;
        }
        if (try_one(wrapping, &wrap, &there)) {
            compare_exactly(wrapping, &wrap, &here, &there);
        }
    }
}

static void play_elsewhere(struct report *report, const struct scenario *scenario,
                           const struct outcome *plain)
{
    struct line line = { .report = report, .scenario = scenario };
    struct line wrapping = line;
    for (size_t i = 0; i < setting_count && !line.failed; i++) {
        const struct circumstances circumstances = { .setting = &settings[i] };
        elsewhere(&line, &circumstances, plain, &wrapping);
    }
    for (enum harm harm = HARM_NONE + 1; harm < HARM_KINDS; harm++) {
        for (uint64_t i = 1; i <= plain->segments && !line.failed; i++) {
            const struct circumstances circumstances = { .setting = &settings[0],
                                                         .harm = { { i, harm } } };
            if (chosen(report)) {
                elsewhere(&line, &circumstances, plain, &wrapping);
            }
        }
    }
    finish_line(&line, "X02", "over IPv6 as over IPv4, every disturbance");
    finish_line(&wrapping, "X02", "numbers that wrap, every disturbance");
}

/* ----------------------------------------------------------------- runs -- */

/* What the command line asks for. */
struct wish {
    const char *only;
    unsigned every;
    bool thorough, once;
    struct circumstances circumstances;
};

static void play_scenario(struct report *report, const struct scenario *scenario)
{
    struct outcome plain[8] = { 0 };
    if (setting_count > sizeof plain / sizeof plain[0]) {
        abort();
    }
    if (!play_undisturbed(report, scenario, plain)) {
        return;
    }
    for (enum harm harm = HARM_NONE + 1; harm < HARM_KINDS; harm++) {
        disturb(report, scenario, harm, plain);
    }
    if (scenario->brief || report->thorough) {
        disturb_pairs(report, scenario, &plain[0]);
    }
    play_elsewhere(report, scenario, &plain[0]);
}

static int play_all(const struct wish *wish)
{
    const char *only = wish->only;
    struct report report = { .every = wish->every, .thorough = wish->thorough };
    printf("TAP version 13\n");
    for (size_t i = 0; i < scenario_count; i++) {
        if (only == NULL || strstr(scenarios[i].title, only) != NULL) {
            play_scenario(&report, &scenarios[i]);
        }
    }
    printf("1..%lu\n# %lu trials; one harm cost %.3f s of virtual time at most, two %.3f s\n"
           "# %lu passed, %lu failed\n",
           report.passed + report.failed, report.trials, (double)report.slowest[0] / 1e9,
           (double)report.slowest[1] / 1e9, report.passed, report.failed);
    return report.failed == 0 && report.passed > 0 ? 0 : 1;
}

static const struct scenario *scenario_called(const char *title)
{
    for (size_t i = 0; title != NULL && i < scenario_count; i++) {
        if (strcmp(scenarios[i].title, title) == 0) {
            return &scenarios[i];
        }
    }
    return NULL;
}

static int play_once(const struct scenario *scenario, struct circumstances *circumstances)
{
    struct circumstances plain = { .setting = circumstances->setting };
    struct outcome outcome;
    trial(scenario, &plain, &outcome, NULL);
    circumstances->bytes[0] = outcome.bytes[1];
    circumstances->bytes[1] = outcome.bytes[0];
    show_ladder(scenario, circumstances, &outcome);
    printf("# %s\n# %" PRIu64 " segments, %" PRIu64 " and %" PRIu64
           " bytes read, %.3f s, print %016" PRIx64 "\n",
           outcome.why[0] != 0 ? outcome.why : "went well", outcome.segments, outcome.bytes[0],
           outcome.bytes[1], (double)outcome.took / 1e9, outcome.print);
    return outcome.why[0] == 0 ? 0 : 1;
}

/* -------------------------------------------------------------- options -- */

static bool read_harm(struct wish *wish, const char *number, const char *kind)
{
    int i = wish->circumstances.harm[0].number != 0;
    wish->circumstances.harm[i].number = strtoull(number, NULL, 10);
    for (int harm = 0; harm < HARM_KINDS; harm++) {
        if (strcmp(harm_words[harm], kind) == 0) {
            wish->circumstances.harm[i].harm = (enum harm)harm;
            return true;
        }
    }
    return false;
}

/* Reads one option; returns how many arguments it took, or 0. */
static int read_option(struct wish *wish, int left, char **argument)
{
    const char *name = argument[0];
    if (strcmp(name, "--thorough") == 0) {
        wish->thorough = true;
        return 1;
    }
    wish->once = wish->once || (strcmp(name, "--only") != 0 && strcmp(name, "--every") != 0);
    if (strcmp(name, "--ipv6") == 0 || strcmp(name, "--half") == 0) {
        *(name[2] == 'i' ? &wish->circumstances.v6 : &wish->circumstances.half) = true;
        return 1;
    }
    if (strcmp(name, "--harm") == 0 && left > 2) {
        return read_harm(wish, argument[1], argument[2]) ? 3 : 0;
    }
    if (left < 2) {
        return 0;
    }
    if (strcmp(name, "--only") == 0) {
        wish->only = argument[1];
        return 2;
    }
    if (strcmp(name, "--every") == 0 || strcmp(name, "--wrap") == 0) {
        unsigned long value = strtoul(argument[1], NULL, 10);
        if (name[2] == 'e') {
            wish->every = value > 0 ? (unsigned)value : 1;
        } else {
            wish->circumstances.wrap = (enum wrap_point)(value % WRAP_POINTS);
        }
        return 2;
    }
    for (size_t i = 0; strcmp(name, "--setting") == 0 && i < setting_count; i++) {
        if (strcmp(settings[i].name, argument[1]) == 0) {
            wish->circumstances.setting = &settings[i];
            return 2;
        }
    }
    return 0;
}

int main(int argc, char **argv)
{
    for (size_t i = 0; argc == 2 && strcmp(argv[1], "--list") == 0; i++) {
        if (i == scenario_count) {
            return 0;
        }
        printf("%s\n", scenarios[i].title);
    }
    struct wish wish = { .every = 1, .circumstances = { .setting = &settings[0] } };
    for (int i = 1, took; i < argc; i += took) {
        took = read_option(&wish, argc - i, argv + i);
        if (took == 0) {
            fprintf(stderr, "disturbed_test: cannot make sense of '%s'\n", argv[i]);
            return 2;
        }
    }
    const struct scenario *scenario = scenario_called(wish.only);
    if (wish.once && scenario == NULL) {
        fprintf(stderr, "disturbed_test: --only TITLE names no scenario\n");
        return 2;
    }
    return wish.once ? play_once(scenario, &wish.circumstances) : play_all(&wish);
}
