/* SPDX-License-Identifier: MIT */
/*
 * script_test [--stop] [--only ID] FILE...
 *
 * Runs every scenario of the files, in both address families and at several
 * places of the sequence space, and prints a line for each in the Test Anything
 * Protocol; for a failure the transcript and the script with the line marked.
 * --only holds for the files behind it, until the next; --stop ends the run at
 * the first failure.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rig/prelude.h"
#include "rig/rig.h"

struct tally {
    unsigned long passed, failed;
    bool stop; /* at the first failure */
};

static bool stopped(const struct tally *tally) { return tally->stop && tally->failed != 0; }

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
    fclose(file);
    text[used] = 0;
    return text;
}

static void run_once(struct tally *tally, const struct script *script, const struct script *prelude,
                     const struct block *scenario, const struct variant *variant,
                     unsigned combination)
{
    static struct rig rig;
    char loops[160];
    bool good = rig_run(&rig, script, prelude, scenario, variant, combination);
    rig_combination_text(scenario, combination, loops);
    printf("%s %lu - %s %s (%s%s%s)\n", good ? "ok" : "not ok", tally->passed + tally->failed + 1,
           scenario->name, scenario->title, variant->name, loops[0] ? "; " : "", loops);
    if (!good)
        transcript_print(&rig);
    ++*(good ? &tally->passed : &tally->failed);
    rig_free(&rig);
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

static bool run_file(struct tally *tally, const struct script *prelude, const char *name,
                     const char *only)
{
    struct script script;
    char *text = read_file(name);
    if (text == NULL) {
        fprintf(stderr, "script_test: cannot read %s\n", name);
        return false;
    }
    bool good = script_parse(&script, name, text);
    if (!good)
        printf("Bail out! %s\n", script.error);
    for (size_t i = 0; good && i < script.scenarios && !stopped(tally); i++) {
        const struct block *scenario = &script.scenario[i];
        const struct variant *variant[8];
        unsigned variants = rig_variants(scenario, variant);
        for (unsigned c = 0; chosen(scenario, only) && c < script_combinations(scenario); c++)
            for (unsigned v = 0; v < variants && !stopped(tally); v++)
                run_once(tally, &script, prelude, scenario, variant[v], c);
    }
    script_free(&script);
    free(text);
    return good;
}

int main(int argc, char **argv)
{
    struct tally tally = { 0, 0, false };
    struct script prelude;
    const char *only = NULL;
    bool good = script_parse(&prelude, "prelude", prelude_text);
    if (!good)
        printf("Bail out! %s\n", prelude.error);
    printf("TAP version 13\n");
    for (int i = 1; good && i < argc && !stopped(&tally); i++) {
        if (strcmp(argv[i], "--stop") == 0)
            tally.stop = true;
        else if (strcmp(argv[i], "--only") == 0 && i + 1 < argc)
            only = argv[++i];
        else
            good = run_file(&tally, &prelude, argv[i], only);
    }
    printf("1..%lu\n# %lu passed, %lu failed\n", tally.passed + tally.failed, tally.passed,
           tally.failed);
    fflush(stdout); /* a leak checker may end the program before the library does */
    script_free(&prelude);
    return good && tally.failed == 0 && tally.passed != 0 ? 0 : 1;
}
