/* SPDX-License-Identifier: MIT */
/*
 * How long a cell runs. Long enough for a window to find its size and for losses to be
 * many: 150 round trips, ten seconds at least. Short enough for the whole grid to take
 * minutes: 64 MB, or four bandwidth-delay products where that is more, because slow start
 * alone needs two. Fairness takes longer to come about: 400 round trips, four times the bytes.
 */
#define _XOPEN_SOURCE 700
#include "cell.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>

enum { FLOOR_PACKETS = 16 };

struct unit {
    const char *word;
    double factor;
};

static const struct unit times[] = { { "us", 1e3 }, { "ms", 1e6 }, { "s", 1e9 }, { NULL, 0 } };
static const struct unit rates[] = {
    { "kbit", 1e3 }, { "mbit", 1e6 }, { "gbit", 1e9 }, { NULL, 0 }
};
static const struct unit sizes[] = { { "kb", 1e3 }, { "mb", 1e6 }, { "", 1 }, { NULL, 0 } };
static const struct unit percents[] = { { "%", 1 }, { NULL, 0 } };
static const struct unit plain[] = { { "", 1 }, { NULL, 0 } };

/* Reads a number from 0 up and its unit; false if that is not all of the text. */
static bool read(const char *text, const struct unit *units, double *value)
{
    char *end;
    double number = strtod(text, &end);
    if (end == text || !(number >= 0 && number < 1e15))
        return false;
    for (; units->word != NULL; units++) {
        if (strcmp(end, units->word) == 0) {
            *value = number * units->factor;
            return true;
        }
    }
    return false;
}

/* "1%", or "1%/5" for bursts of five. */
static bool read_loss(struct cell *cell, char *text)
{
    double burst = 1;
    char *slash = strchr(text, '/');
    if (slash != NULL) {
        *slash = '\0';
        if (!read(slash + 1, plain, &burst) || burst < 1 || burst > 1000)
            return false;
    }
    cell->burst = (unsigned)burst;
    return read(text, percents, &cell->loss) && cell->loss <= 100;
}

static bool read_field(struct cell *cell, const char *name, char *text)
{
    double value = 0;
    if (strcmp(name, "cc") == 0) {
        snprintf(cell->congestion, sizeof cell->congestion, "%s", text);
        return text[0] != '\0' && strlen(text) < sizeof cell->congestion;
    }
    if (strcmp(name, "loss") == 0)
        return read_loss(cell, text);
    if (strcmp(name, "reorder") == 0)
        return read(text, percents, &cell->reorder) && cell->reorder <= 100;
    if (strcmp(name, "queue") == 0)
        return read(text, plain, &cell->queue) && cell->queue > 0 && cell->queue <= 100;
    const struct unit *units = plain;
    if (strcmp(name, "rtt") == 0 || strcmp(name, "time") == 0)
        units = times;
    else if (strcmp(name, "rate") == 0)
        units = rates;
    else if (strcmp(name, "bytes") == 0 || strcmp(name, "buffers") == 0)
        units = sizes;
    if (!read(text, units, &value))
        return false;
    uint64_t whole = (uint64_t)(value + 0.5);
    if (strcmp(name, "rtt") == 0)
        cell->rtt = whole;
    else if (strcmp(name, "time") == 0)
        cell->time = whole;
    else if (strcmp(name, "rate") == 0)
        cell->rate = whole;
    else if (strcmp(name, "bytes") == 0)
        cell->bytes = whole;
    else if (strcmp(name, "buffers") == 0)
        cell->buffers = whole;
    else if (strcmp(name, "flows") == 0)
        cell->flows = (unsigned)whole;
    else if (strcmp(name, "seed") == 0)
        cell->seed = whole;
    else
        return false;
    return true;
}

static uint64_t larger(uint64_t a, uint64_t b) { return a > b ? a : b; }

/* What was not said follows from what was. */
static void complete(struct cell *cell)
{
    bool many = cell->flows > 1;
    if (cell->time == 0)
        cell->time = larger(10 * WH_SECOND, (many ? 400U : 150U) * cell->rtt);
    if (cell->bytes == 0)
        cell->bytes = larger(64000000, 4 * cell_bdp(cell)) * (many ? 4 : 1);
    if (cell->buffers == UINT64_MAX)
        /* What fills the path and its queue twice, so that buffers are never the limit. */
        cell->buffers = larger(4 << 20, 2 * (cell_bdp(cell) + cell_queue(cell)));
}

bool cell_parse(struct cell *cell, const char *text, char *error, size_t error_size)
{
    *cell = (struct cell){ .congestion = "newreno",
                           .burst = 1,
                           .rtt = 20 * WH_MILLISECOND,
                           .rate = 100000000,
                           .queue = 1,
                           .flows = 1,
                           .seed = 1,
                           .buffers = UINT64_MAX };
    while (*text != '\0') {
        char word[64];
        size_t length = strcspn(text, " \t\r\n");
        snprintf(word, sizeof word, "%.*s", (int)(length < 63 ? length : 63), text);
        text += length;
        text += strspn(text, " \t\r\n");
        char *equals = strchr(word, '=');
        if (length == 0)
            continue;
        char name[16] = "";
        if (equals != NULL)
            snprintf(name, sizeof name, "%.*s", (int)(equals - word < 15 ? equals - word : 15),
                     word);
        if (equals == NULL || !read_field(cell, name, equals + 1)) {
            snprintf(error, error_size, "\"%.*s\" is no part of a cell", (int)length,
                     text - length);
            return false;
        }
    }
    if (cell->rtt < 2 || cell->rate < 1000 || cell->seed == 0 || cell->flows == 0 ||
        cell->flows > CELL_FLOWS) {
        snprintf(error, error_size, "rtt, rate, seed or flows is out of range");
        return false;
    }
    complete(cell);
    return true;
}

uint64_t cell_bdp(const struct cell *cell)
{
    double bytes = (double)cell->rate / 8 * ((double)cell->rtt / (double)WH_SECOND);
    return larger((uint64_t)bytes, FLOOR_PACKETS * CELL_MTU);
}

uint64_t cell_queue(const struct cell *cell)
{
    return (uint64_t)((double)cell_bdp(cell) * cell->queue);
}

double cell_ideal(const struct cell *cell)
{
    /* IPv4 20, TCP 20, timestamps 12. */
    return (double)cell->rate * (CELL_MTU - 52) / CELL_MTU;
}

static int add(wh_path *path, const char *rule)
{
    char error[200];
    int result = wh_path_fault(path, rule, error, sizeof error);
    if (result != WH_OK)
        fprintf(stderr, "\"%s\": %s\n", rule, error);
    return result;
}

int cell_path(const struct cell *cell, wh_path **answer)
{
    wh_path_options options;
    wh_path *path;
    char rate[64], delay[64];
    wh_path_options_init(&options);
    options.mtu = CELL_MTU;
    options.queue_limit = cell_queue(cell);
    wh_seed(options.seed, cell->seed);
    int result = wh_path_new(&path, &options);
    if (result != WH_OK)
        return result;
    snprintf(rate, sizeof rate, "rate %llubit", (unsigned long long)cell->rate);
    snprintf(delay, sizeof delay, "delay %lluns", (unsigned long long)(cell->rtt / 2));
    result = add(path, rate);
    if (result == WH_OK)
        result = add(path, delay);
    if (result == WH_OK)
        *answer = path;
    else
        wh_path_free(path);
    return result;
}

int cell_impair(const struct cell *cell, wh_path *path)
{
    char rule[64];
    int result = WH_OK;
    if (cell->loss > 0 && cell->burst > 1)
        snprintf(rule, sizeof rule, "bursts %.6f%% %u to server", cell->loss, cell->burst);
    else
        snprintf(rule, sizeof rule, "loss %.6f%% to server", cell->loss);
    if (cell->loss > 0)
        result = add(path, rule);
    snprintf(rule, sizeof rule, "reorder %.6f%% to server", cell->reorder);
    if (result == WH_OK && cell->reorder > 0)
        result = add(path, rule);
    return result;
}

void cell_limit_core(unsigned seconds)
{
    const struct itimerval limit = { .it_value = { .tv_sec = seconds } };
    setitimer(ITIMER_PROF, &limit, NULL);
}

double cell_core_seconds(void)
{
    struct timespec time;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}
