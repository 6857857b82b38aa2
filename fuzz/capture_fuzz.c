/* SPDX-License-Identifier: MIT */
/*
 * Bytes as a capture file, through the reader and the explainer, with ladders and
 * plots kept and little memory allowed, so that every bound is met. Of what comes out
 * nothing is expected but that it is whole: texts end, numbers of lines fit.
 */
#define _GNU_SOURCE
#include <sys/mman.h>
#include <unistd.h>

#include "explain/explain.h"
#include "fuzz.h"

static void done(void *context, const struct explanation *explanation)
{
    unsigned *connections = context;
    (*connections)++;
    REQUIRE(explanation->line_count <= 40);
    REQUIRE(memchr(explanation->verdict.text, '\0', VERDICT_TEXT) != NULL);
    REQUIRE(explanation->verdict.cited_count <= VERDICT_CITED);
    REQUIRE(explanation->verdict.kind < VERDICT_COUNT);
    REQUIRE((explanation->verdict.kind == VERDICT_CANNOT_TELL) ==
            (explanation->verdict.confidence == NO_VERDICT));
}

/* A file that exists in memory alone, by its name under /proc; -1 if there is none to be had. */
static int file_of(const uint8_t *data, size_t size, char name[64])
{
    int fd = memfd_create("capture", MFD_CLOEXEC);
    if (fd < 0 || write(fd, data, size) != (ssize_t)size) {
        return -1;
    }
    snprintf(name, 64, "/proc/self/fd/%d", fd);
    return fd;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char name[64], error[400];
    int fd = file_of(data, size, name);
    if (fd < 0) {
        return 0;
    }
    struct capture_reader *reader;
    if (capture_reader_open(&reader, name, error, sizeof error) == WH_OK) {
        unsigned connections = 0;
        struct captured captured;
        struct explain_options options;
        explain_options_init(&options);
        options.memory = (size_t)64 << 10;
        options.lines = 40;
        options.plot_points = 16;
        options.points = 2;
        options.done = done;
        options.context = &connections;
        struct explain *explain = explain_new(&options);
        for (uint32_t n = 0; capture_reader_next(reader, &captured, error, sizeof error) == 1;
             n++) {
            explain_frame(explain, n & 1, &captured);
        }
        explain_lost(explain, 0, capture_reader_lost(reader));
        explain_finish(explain);
        REQUIRE(explain_counts(explain)->memory == 0);
        explain_free(explain);
        capture_reader_close(reader);
    }
    (void)close(fd);
    return 0;
}
