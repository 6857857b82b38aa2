/* SPDX-License-Identifier: MIT */
/* Runs whole scripts and tells in the Test Anything Protocol how they went. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "rig/prelude.h"
#include "rig/rig.h"

void wh_rig_options_init(wh_rig_options *options)
{
    memset(options, 0, sizeof *options);
    options->size = sizeof *options;
    options->out = stdout;
    options->width = 80;
}

static void print_arcs(const struct wh_rig *rig, FILE *out)
{
    for (unsigned from = 0; from < WH_STATE_COUNT; from++)
        for (unsigned event = 0; event < WH_ARC_EVENT_COUNT; event++)
            if (rig->arc[from][event].line != 0)
                fprintf(out, "# arc\t%s:%u\t%s\t%s\t%s\t%s\n", rig->script->file,
                        rig->arc[from][event].line,
                        rig->arc[from][event].in_macro ? "in a macro" : "by itself",
                        wh_state_name((wh_state)from), wh_arc_name((wh_arc_event)event),
                        wh_state_name((wh_state)wh_arc((wh_state)from, (wh_arc_event)event)));
}

/* One run; a failed one once more, to draw it. */
static bool run_once(const struct rig_case *one, const wh_rig_options *options,
                     unsigned long number)
{
    struct wh_rig *rig = malloc(sizeof *rig);
    char loops[160];
    if (rig == NULL)
        abort();
    bool good = rig_run(rig, one);
    if (!good) {
        struct rig_case again = *one;
        again.drawing = true;
        rig_free(rig);
        rig_run(rig, &again);
    }
    if (!good || !options->quiet) {
        rig_combination_text(one->scenario, one->combination, loops);
        fprintf(options->out, "%s %lu - %s %s (%s%s%s)\n", good ? "ok" : "not ok", number,
                one->scenario->name, one->scenario->title, one->variant->name, loops[0] ? "; " : "",
                loops);
    }
    if (!good)
        failure_print(rig, options);
    else if (options->arcs)
        print_arcs(rig, options->out);
    rig_free(rig);
    free(rig);
    return good;
}

/* True if one of the scenario's IDs is `only`. */
static bool chosen(const struct block *scenario, const char *only)
{
    size_t length = only == NULL ? 0 : strlen(only);
    for (const char *at = scenario->name; only != NULL && (at = strstr(at, only)) != NULL; at++)
        if ((at == scenario->name || at[-1] == ' ') && (at[length] == 0 || at[length] == ' '))
            return true;
    return only == NULL;
}

static void run_scenario(struct rig_case *one, const wh_rig_options *options, wh_rig_tally *tally)
{
    const struct variant *variant[8];
    unsigned variants = rig_variants(one->scenario, variant);
    variants = options->arcs ? 1 : variants;
    for (one->combination = 0; one->combination < script_combinations(one->scenario);
         one->combination++)
        for (unsigned v = 0; v < variants; v++) {
            one->variant = variant[v];
            bool good = run_once(one, options, tally->passed + tally->failed + 1);
            ++*(good ? &tally->passed : &tally->failed);
        }
}

bool wh_rig_run(const char *name, const char *text, const wh_rig_program *program,
                const wh_rig_options *options, wh_rig_tally *tally)
{
    wh_rig_options usual;
    wh_rig_options_init(&usual);
    if (options != NULL)
        memcpy(&usual, options, MIN(options->size, sizeof usual));
    struct script script, prelude;
    struct rig_case one = { .script = &script, .prelude = &prelude, .program = program };
    bool good = script_parse(&prelude, "prelude", prelude_text);
    if (!good)
        fprintf(usual.out, "Bail out! %s\n", prelude.error);
    if (good && !script_parse(&script, name, text)) {
        fprintf(usual.out, "Bail out! %s\n", script.error);
        good = false;
    }
    for (size_t i = 0; good && i < script.scenarios; i++) {
        one.scenario = &script.scenario[i];
        if (chosen(one.scenario, usual.only))
            run_scenario(&one, &usual, tally);
    }
    script_free(&script);
    script_free(&prelude);
    return good;
}

static char *read_file(const char *name)
{
    FILE *file = fopen(name, "rb");
    char *text = NULL;
    size_t used = 0, room = 0;
    if (file == NULL)
        return NULL;
    do {
        room = room == 0 ? 65536 : room * 2;
        char *more = realloc(text, room + 1);
        if (more == NULL)
            abort();
        text = more;
        used += fread(text + used, 1, room - used, file);
    } while (used == room);
    bool failed = ferror(file) != 0;
    fclose(file);
    text[used] = 0;
    if (failed) {
        free(text);
        return NULL;
    }
    return text;
}

bool rig_run_file(const char *name, const wh_rig_program *program, const wh_rig_options *options,
                  wh_rig_tally *tally)
{
    char *text = read_file(name);
    if (text == NULL) {
        fprintf(options->out, "Bail out! cannot read %s\n", name);
        return false;
    }
    bool good = wh_rig_run(name, text, program, options, tally);
    free(text);
    return good;
}

int wh_rig_main(int argc, char **argv, const wh_rig_program *program)
{
    wh_rig_tally tally = { 0, 0 };
    wh_rig_options options;
    wh_rig_options_init(&options);
    bool good = true;
    int first = 1;
    for (; first < argc && strncmp(argv[first], "--", 2) == 0; first++) {
        if (strcmp(argv[first], "--only") == 0 && first + 1 < argc)
            options.only = argv[++first];
        else if (strcmp(argv[first], "--quiet") == 0)
            options.quiet = true;
        else if (strcmp(argv[first], "--arcs") == 0)
            options.arcs = true;
        else
            first = argc;
    }
    if (first >= argc) {
        fprintf(stderr, "Usage: %s [--only ID] [--quiet] [--arcs] FILE...\n", argv[0]);
        return 2;
    }
    fprintf(options.out, "TAP version 13\n");
    for (int i = first; good && i < argc; i++)
        good = rig_run_file(argv[i], program, &options, &tally);
    return rig_total(&options, &tally) && good ? 0 : 1;
}

bool rig_total(const wh_rig_options *options, const wh_rig_tally *tally)
{
    fprintf(options->out, "1..%lu\n# %lu passed, %lu failed\n", tally->passed + tally->failed,
            tally->passed, tally->failed);
    /* A leak checker may end the program before the library does. */
    return fflush(options->out) == 0 && tally->failed == 0 && tally->passed != 0;
}
