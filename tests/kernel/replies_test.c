/* SPDX-License-Identifier: MIT */
/*
 * replies_test [--write] PAGE
 *
 * The same segments and calls (cases.c) are put to Linux and to wavehand, and the
 * answers compared. A difference must be explained in differences.c, word by word; a
 * difference that is explained must be there. PAGE, docs/linux-differences.md, is made
 * from what is explained and must be up to date; --write makes it so.
 */
#include "page.h"
#include "replies.h"
#include "report.h"

#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

enum { SECONDS = 90, TRIES = 5 };

_Static_assert(TRIES *RUNS <= SLOTS, "each try has ports of its own");

/* Puts the cases to a fresh subject, on fresh ports, until the machine was quick enough. */
static bool ask(struct answers *answers, struct subject *(*subject)(bool six), bool six)
{
    for (unsigned i = 0; i < TRIES; i++)
        if (replies_collect(answers, subject(six), i * RUNS))
            return true;
    return false;
}

static bool same(const struct answers *linux_, const struct answers *ours, size_t i)
{
    return strcmp(linux_->answer[i].words, ours->answer[i].words) == 0;
}

/* The ways in that give the same two answers to a case, from run `first` on. */
static void list_ways(const struct answers *linux_, const struct answers *ours, size_t first,
                      char *text, size_t room)
{
    const struct answer *a = &linux_->answer[first], *b = &ours->answer[first];
    size_t used = 0;
    text[0] = 0;
    for (size_t i = first; i < linux_->n && linux_->answer[i].scenario == a->scenario; i++)
        if (strcmp(linux_->answer[i].words, a->words) == 0 &&
            strcmp(ours->answer[i].words, b->words) == 0 && used < room)
            used += (size_t)snprintf(text + used, room - used, "%s%s", used ? ", " : "",
                                     linux_->answer[i].way->name);
}

static bool is_of(const struct difference *difference, const char *family)
{
    return difference->family == NULL || strcmp(difference->family, family) == 0;
}

static bool explains(const struct difference *difference, const struct answer *linux_,
                     const struct answer *ours, const char *ways)
{
    return strcmp(difference->title, linux_->scenario->title) == 0 &&
           strcmp(difference->ids, linux_->scenario->ids) == 0 &&
           strcmp(difference->linux, linux_->words) == 0 &&
           strcmp(difference->wavehand, ours->words) == 0 &&
           (difference->kernels != NULL || strcmp(difference->states, ways) == 0);
}

static const struct difference *find(const struct answers *linux_, const struct answers *ours,
                                     size_t i, bool *used, const char *family)
{
    char ways[300];
    size_t first = i;
    while (first > 0 && linux_->answer[first - 1].scenario == linux_->answer[i].scenario)
        first--;
    while (strcmp(linux_->answer[first].words, linux_->answer[i].words) != 0 ||
           strcmp(ours->answer[first].words, ours->answer[i].words) != 0)
        first++;
    list_ways(linux_, ours, first, ways, sizeof ways);
    for (size_t at = 0; at < difference_count; at++)
        if (is_of(&differences[at], family) &&
            explains(&differences[at], &linux_->answer[i], &ours->answer[i], ways)) {
            used[at] = true;
            return &differences[at];
        }
    report_note("unexplained:");
    report_note("{ \"%s\", \"%s\", \"%s\",", linux_->answer[i].scenario->ids,
                linux_->answer[i].scenario->title, ways);
    report_note("  \"%s\",", linux_->answer[i].words);
    report_note("  \"%s\",", ours->answer[i].words);
    return NULL;
}

/* An explanation of nothing is as wrong as none, on the kernel that the table was made with. */
static void report_stale(const bool *used, const char *family)
{
    struct utsname name;
    bool here = uname(&name) == 0 &&
                strncmp(name.release, DIFFERENCES_SEEN ".", sizeof DIFFERENCES_SEEN) == 0;
    for (size_t i = 0; i < difference_count; i++) {
        const struct difference *difference = &differences[i];
        if (used[i] || difference->kernels != NULL || !is_of(difference, family))
            continue;
        if (here)
            report_result(false, "%s %s: is explained, and there is no such difference (%s)",
                          difference->ids, difference->title, family);
        else
            report_note("%s %s: Linux %s does not differ so", difference->ids, difference->title,
                        name.release);
    }
}

static void compare(const struct job *job)
{
    static struct answers linux_, ours;
    static bool used[200];
    const char *family = job->six ? "IPv6" : "IPv4";
    if (!ask(&linux_, subject_linux, job->six) || !ask(&ours, subject_wavehand, job->six)) {
        report_result(false, "SLOW the machine lets no answer be told from a timer's (%s)", family);
        return;
    }
    for (size_t i = 0; i < linux_.n; i++) {
        const struct answer *answer = &linux_.answer[i];
        bool alike = same(&linux_, &ours, i);
        bool good = alike || find(&linux_, &ours, i, used, family) != NULL;
        report_result(good, "%s %s in %s: %s (%s)", answer->scenario->ids, answer->scenario->title,
                      answer->way->name,
                      alike  ? "as Linux"
                      : good ? "differs, explained"
                             : "differs",
                      family);
        report_note("%s", answer->words);
    }
    report_stale(used, family);
}

int main(int argc, char **argv)
{
    static const struct job jobs[] = {
        { .name = "IPv4", .run = compare },
        { .name = "IPv6", .run = compare, .six = true },
    };
    bool write = argc == 3 && strcmp(argv[1], "--write") == 0;
    const char *page = argv[argc - 1];
    if (argc != 2 + write) {
        fprintf(stderr, "usage: replies_test [--write] PAGE\n");
        return 2;
    }
    if (write)
        return page_write(page) ? 0 : 1;
    int status = report_jobs(jobs, sizeof jobs / sizeof *jobs, SECONDS);
    if (!page_current(page)) {
        printf("# %s is stale: replies_test --write %s\n", page, page);
        return 1;
    }
    return status;
}
