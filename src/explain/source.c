/* SPDX-License-Identifier: MIT */
/*
 * Theory of operation. With one file there is nothing to do but read. With several,
 * each is read ahead by one packet, and the earliest is next. Before that, the
 * first packets of each file are read once more through a reader of their own, and
 * those of TCP that stand in the first file too are compared: on the way from the
 * first place to the other the time grows by the delay, on the way back it shrinks
 * by it, so that half the sum of the least and the most is what the clocks differ.
 */
#include "explain/source.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "explain/packet.h"

/* Packets of each file that are looked at for the clocks. */
#define AHEAD 20000
#define TABLE 65536

struct place {
    struct capture_reader *reader;
    struct captured next;
    int state; /* of `next`: 1 there, 0 end, negative: an error to be told */
    char error[300];
    int64_t offset;
    unsigned matches;
};

struct source {
    unsigned n;
    struct place place[SOURCE_FILES];
    int last; /* whose packet was given last and is to be replaced; -1: none */
};

/* ------------------------------------------------------------------ clocks -- */

/* Where the same packet was seen; what was seen more than once at a place tells nothing. */
struct known {
    uint64_t print;
    wh_time when[2]; /* in the first file, in the other */
    uint8_t times[2];
    bool up; /* from the lower address to the higher */
};

static uint64_t print_of(const struct segment *segment, uint16_t ip_id)
{
    const uint64_t factor = UINT64_C(0x9e3779b97f4a7c15);
    uint64_t print = (uint64_t)segment->seq << 32 | segment->ack;
    print = print * factor ^ ((uint64_t)segment->tuple.local_port << 32 |
                              (uint64_t)segment->tuple.remote_port << 16 | segment->flags);
    print = print * factor ^ ((uint64_t)segment->length << 16 | ip_id);
    if (segment->options.has & WH_HAS_TIMESTAMPS) {
        print = print * factor ^ segment->options.tsval;
    }
    print ^= print >> 31;
    return print == 0 ? 1 : print;
}

/* The nearest and the farthest time between two places, one way. */
struct spread {
    int64_t least, most;
    unsigned n;
};

static void widen(struct spread *spread, int64_t difference)
{
    spread->least = spread->n == 0 || difference < spread->least ? difference : spread->least;
    spread->most = spread->n == 0 || difference > spread->most ? difference : spread->most;
    spread->n++;
}

/* Calls for each of the first segments of a file. */
static void look_ahead(const char *file, void (*each)(void *context, const struct seen *seen),
                       void *context)
{
    struct capture_reader *reader;
    struct captured captured;
    struct seen seen;
    char error[300];
    if (strcmp(file, "-") == 0 || capture_reader_open(&reader, file, error, sizeof error) < 0) {
        return;
    }
    for (unsigned n = 0; n < AHEAD; n++) {
        if (capture_reader_next(reader, &captured, error, sizeof error) != 1) {
            break;
        }
        packet_see(&seen, &captured, NULL, false);
        if (seen.kind == PACKET_SEGMENT) {
            each(context, &seen);
        }
    }
    capture_reader_close(reader);
}

/* Packets of one file on their way into the table. */
struct gathering {
    struct known *table;
    unsigned file; /* 0: the first, 1: the other */
};

static void gather(void *context, const struct seen *seen)
{
    const struct gathering *gathering = context;
    uint64_t print = print_of(&seen->segment, seen->ip_id);
    struct known *known = &gathering->table[print % TABLE];
    if (known->print == 0 && gathering->file == 0) {
        const struct tuple *tuple = &seen->segment.tuple;
        known->print = print;
        known->up = memcmp(&tuple->local, &tuple->remote, sizeof tuple->local) > 0;
    }
    if (known->print == print && known->times[gathering->file] < UINT8_MAX) {
        known->times[gathering->file]++;
        known->when[gathering->file] = seen->when;
    }
}

static void compare(struct place *place, struct known *table)
{
    struct spread way[2] = { { 0 } };
    for (unsigned i = 0; i < TABLE; i++) {
        struct known *known = &table[i];
        if (known->times[0] == 1 && known->times[1] == 1) {
            widen(&way[known->up], (int64_t)known->when[1] - (int64_t)known->when[0]);
        }
        known->times[1] = 0;
    }
    if (way[0].n == 0 || way[1].n == 0) {
        return; /* one way alone does not tell delay from offset */
    }
    bool swapped = way[0].least < way[1].most;
    const struct spread *there = &way[swapped], *back = &way[!swapped];
    place->offset = back->most + (there->least - back->most) / 2;
    place->matches = there->n + back->n;
}

static void compare_clocks(struct source *source, const char *const *files)
{
    struct known *table = calloc(TABLE, sizeof *table);
    if (table == NULL) {
        return;
    }
    struct gathering gathering = { .table = table };
    look_ahead(files[0], gather, &gathering);
    gathering.file = 1;
    for (unsigned i = 1; i < source->n; i++) {
        look_ahead(files[i], gather, &gathering);
        compare(&source->place[i], table);
    }
    free(table);
}

/* ------------------------------------------------------------------ reading -- */

static void read_one(struct place *place)
{
    place->state =
        capture_reader_next(place->reader, &place->next, place->error, sizeof place->error);
    if (place->state == 1) {
        place->next.when = (wh_time)((int64_t)place->next.when - place->offset);
    }
}

int source_open(struct source **source, const char *const *files, unsigned n, char *error,
                size_t error_size)
{
    struct source *made = calloc(1, sizeof *made);
    if (made == NULL || n > SOURCE_FILES) {
        snprintf(error, error_size, made == NULL ? "no memory" : "%u files at most", SOURCE_FILES);
        free(made);
        return WH_E_NOMEM;
    }
    made->last = -1;
    for (unsigned i = 0; i < n; i++) {
        int result = capture_reader_open(&made->place[i].reader, files[i], error, error_size);
        if (result < 0) {
            source_close(made);
            return result;
        }
        made->n++;
    }
    if (n > 1) {
        compare_clocks(made, files);
    }
    for (unsigned i = 0; i < n && n > 1; i++) {
        read_one(&made->place[i]);
    }
    *source = made;
    return WH_OK;
}

int source_next(struct source *source, struct captured *captured, uint32_t *point, char *error,
                size_t error_size)
{
    *point = 0;
    if (source->n == 1) {
        return capture_reader_next(source->place[0].reader, captured, error, error_size);
    }
    if (source->last >= 0) {
        read_one(&source->place[source->last]);
        source->last = -1;
    }
    int first = -1;
    for (unsigned i = 0; i < source->n; i++) {
        struct place *place = &source->place[i];
        if (place->state < 0) {
            snprintf(error, error_size, "%s", place->error);
            place->state = 0;
            return WH_E_IO;
        }
        if (place->state == 1 && (first < 0 || place->next.when < source->place[first].next.when)) {
            first = (int)i;
        }
    }
    if (first < 0) {
        return 0;
    }
    *captured = source->place[first].next;
    *point = (uint32_t)first;
    source->last = first;
    return 1;
}

int64_t source_offset(const struct source *source, unsigned point, unsigned *matches)
{
    *matches = source->place[point].matches;
    return source->place[point].offset;
}

void source_close(struct source *source)
{
    if (source == NULL) {
        return;
    }
    for (unsigned i = 0; i < source->n; i++) {
        capture_reader_close(source->place[i].reader);
    }
    free(source);
}
