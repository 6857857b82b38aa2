/* SPDX-License-Identifier: MIT */
#define _POSIX_C_SOURCE 200809L
#include "page.h"

#include "cases.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char head[] =
    "# Where Linux answers differently\n"
    "\n"
    "<!-- Made by `build/release/tests/kernel_replies --write docs/linux-differences.md`. -->\n"
    "\n"
    "The same things happen to Linux's TCP and to ours, and the answers are compared. This page "
    "lists where\n"
    "they differ, and why.\n"
    "\n"
    "`tests/kernel/cases.c` is a table of cases: a state, then segments and ICMP messages that "
    "arrive and calls\n"
    "of the application. A scripted peer (`peer.c`) brings a TCP into the state and does the rest. "
    "Behind the\n"
    "two implementations of `subject.h` stand sockets of the kernel, reached through a TUN device "
    "in a network\n"
    "namespace that the test makes, and a stack of ours, whose time is virtual. Whatever leaves "
    "within 150 ms of\n"
    "a step is put into words: flags, numbers relative to what has been sent and received, length, "
    "a window of\n"
    "zero, SACK blocks, the kinds of options on a SYN; after the last step also the state, if it "
    "has changed, and\n"
    "what the application reads. IPv4 and IPv6 must give the same words, but where one is named. "
    "The kernel's limits on\n"
    "challenge ACKs are off in the namespace and its retransmissions are put off by its route, so "
    "that each "
    "step shows its\n"
    "own answer; forty cases run beside each other. Where a machine is so slow that a timer could "
    "have spoken,\n"
    "everything is done again.\n"
    "\n"
    "A difference must stand in `tests/kernel/differences.c` word by word, with its reason; one "
    "that does not\n"
    "fails the test, and so does a reason without its difference. Kernels differ among themselves: "
    "the table was\n"
    "made with Linux " DIFFERENCES_SEEN
    ", on another kernel a difference may be missing, and what only others show is\n"
    "marked so. This page is made from the table, and the test fails when it is stale.\n"
    "\n"
    "How to read an answer: steps are divided by `/`; `SND.NXT` and `RCV.NXT` are what the host "
    "has sent and what\n"
    "the peer has sent in order, so that `ack RCV.NXT-10` leaves ten bytes out; `to STATE` is "
    "where it went, and no\n"
    "word of it means that it stayed.\n"
    "\n";

/* Cases, and pairs of case and state; the IDs in the order of the table, each once. */
static void put_cases(FILE *page)
{
    char ids[4096] = " ";
    size_t runs = 0;
    for (size_t i = 0; i < scenario_count; i++) {
        char own[100];
        for (size_t way = 0; way < WAYS && scenarios[i].in[way] != NULL; way++)
            runs++;
        (void)snprintf(own, sizeof own, "%s", scenarios[i].ids);
        for (char *rest = own, *id; (id = strtok_r(rest, " ", &rest)) != NULL;) {
            char marked[104];
            size_t used = strlen(ids);
            (void)snprintf(marked, sizeof marked, " %s ", id);
            if (strstr(ids, marked) == NULL)
                (void)snprintf(ids + used, sizeof ids - used, "%s ", id);
        }
    }
    fprintf(page, "There are %zu cases in %zu places, of\n", scenario_count, runs);
    size_t column = 0;
    for (char *rest = ids, *id; (id = strtok_r(rest, " ", &rest)) != NULL;) {
        fprintf(page, "%s%s", column == 0 ? "" : column > 100 ? "\n" : " ", id);
        column = (column > 100 ? 0 : column) + strlen(id) + 1;
    }
    fprintf(page, ".\nWhat is not listed below is answered alike.\n");
}

static void put_difference(FILE *page, const struct difference *difference)
{
    fprintf(page, "\n### %s: %s\n\n", difference->ids, difference->title);
    fprintf(page, "In %s%s%s.\n\n", difference->states, difference->family != NULL ? ", over " : "",
            difference->family != NULL ? difference->family : "");
    fprintf(page, "| | |\n|---|---|\n");
    fprintf(page, "| Linux | %s |\n", difference->linux);
    fprintf(page, "| wavehand | %s |\n", difference->wavehand);
    if (difference->kernels != NULL)
        fprintf(page, "| kernels | %s |\n", difference->kernels);
    fprintf(page, "\n%s (%s)\n", difference->why, difference->section);
}

static char *page_make(void)
{
    char *text = NULL;
    size_t length = 0;
    FILE *page = open_memstream(&text, &length);
    if (page == NULL)
        abort();
    fputs(head, page);
    put_cases(page);
    for (size_t i = 0; i < difference_count; i++)
        put_difference(page, &differences[i]);
    fclose(page);
    return text;
}

bool page_write(const char *file)
{
    char *text = page_make();
    FILE *page = fopen(file, "w");
    bool good = page != NULL && fputs(text, page) >= 0;
    if (page == NULL || fclose(page) != 0 || !good) {
        perror(file);
        good = false;
    }
    free(text);
    return good;
}

bool page_current(const char *file)
{
    char *text = page_make(), *at = text;
    FILE *page = fopen(file, "r");
    int c = EOF;
    while (page != NULL && (c = getc(page)) != EOF && *at == (char)c)
        at++;
    bool current = page != NULL && c == EOF && *at == 0;
    if (page != NULL)
        fclose(page);
    free(text);
    return current;
}
