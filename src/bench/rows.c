/* SPDX-License-Identifier: MIT */
/* The rows there are, and which of them are asked for. */
#include <fnmatch.h>
#include <string.h>

#include "bench/bench.h"
#include "bench/kinds.h"

#define BULK(mtu_, super_, reference_)                                                             \
    &(const struct bulk) { .mtu = (mtu_), .super = (super_), .reference = (reference_) }
#define LIFECYCLE(in_flight_, time_wait_)                                                          \
    &(const struct lifecycle) { .in_flight = (in_flight_), .time_wait = (time_wait_) }
#define ROUND_TRIPS(idle_, among_)                                                                 \
    &(const struct round_trips) { .idle = (idle_), .among = (among_) }

#define COST(record_, resident_)                                                                   \
    &(const struct memory_cost) { .record = (record_), .resident = (resident_) }

/* clang-format off */
const struct bench_row bench_rows[] = {
    { "bulk_1500", "Gbit/s", BENCH_QUICK, 0, 1, &bulk_kind, BULK(1500, false, false),
      "one connection, one way, MTU 1500, checksums made and verified" },
    { "bulk_1500_ref", "Gbit/s", BENCH_QUICK, 0, 1, &bulk_kind, BULK(1500, false, true),
      "the same, sent from where the bytes lie (wh_send_ref)" },
    { "bulk_9000", "Gbit/s", BENCH_QUICK, 0, 1, &bulk_kind, BULK(9000, false, false),
      "as bulk_1500, MTU 9000" },
    { "bulk_super", "Gbit/s", BENCH_QUICK, 0, 1, &bulk_kind, BULK(65535, true, false),
      "the same over a link with segmentation and checksum offload" },
    { "bulk_super_ref", "Gbit/s", BENCH_QUICK, 0, 1, &bulk_kind, BULK(65535, true, true),
      "the same, sent from where the bytes lie" },
    { "lifecycle_1", "1/s", BENCH_QUICK, 0, 1, &lifecycle_kind, LIFECYCLE(1, 0),
      "open, a byte each way, close by both sides, one after the other" },
    { "lifecycle_100", "1/s", BENCH_QUICK, 0, 1, &lifecycle_kind, LIFECYCLE(100, 0),
      "the same, 100 at once" },
    { "lifecycle_10k", "1/s", BENCH_QUICK, 0, 1, &lifecycle_kind, LIFECYCLE(10000, 0),
      "the same, 10,000 at once" },
    { "lifecycle_tw_0", "1/s", BENCH_QUICK, 0, 1, &lifecycle_kind, LIFECYCLE(100, 0),
      "100 at once, no more in TIME-WAIT than must be" },
    { "lifecycle_tw_10k", "1/s", BENCH_QUICK, 0, 1, &lifecycle_kind, LIFECYCLE(100, 10000),
      "the same while 10,000 stand in TIME-WAIT and expire as fast as new ones come" },
    { "lifecycle_tw_1m", "1/s", BENCH_NORMAL, 1, 1, &lifecycle_kind, LIFECYCLE(100, 1000000),
      "the same with a million" },
    { "round_trips", "1/s", BENCH_QUICK, 0, 1, &round_trips_kind, ROUND_TRIPS(0, false),
      "64 bytes each way, one connection alone" },
    { "round_trips_10k_idle", "1/s", BENCH_QUICK, 0, 1, &round_trips_kind, ROUND_TRIPS(10000, false),
      "the same beside 10,000 that say nothing" },
    { "round_trips_1m_idle", "1/s", BENCH_NORMAL, 2, 1, &round_trips_kind, ROUND_TRIPS(1000000, false),
      "the same beside a million" },
    { "round_trips_among_10k", "1/s", BENCH_QUICK, 0, 1, &round_trips_kind, ROUND_TRIPS(10000, true),
      "each on another of 10,000 connections" },
    { "round_trips_among_1m", "1/s", BENCH_NORMAL, 2, 1, &round_trips_kind, ROUND_TRIPS(1000000, true),
      "each on another of a million" },
    { "bytes_established", "bytes", BENCH_QUICK, 0, 1, &memory_kind, COST(RECORD_ESTABLISHED, false),
      "an endpoint at rest after 64 KiB went each way, IPv6, by what the stack asked for" },
    { "bytes_established_rss", "bytes", BENCH_QUICK, 0, 1, &memory_kind, COST(RECORD_ESTABLISHED, true),
      "the same by what the system says that the process holds" },
    { "bytes_half_open", "bytes", BENCH_QUICK, 0, 1, &memory_kind, COST(RECORD_HALF_OPEN, false),
      "a half-open entry" },
    { "bytes_half_open_rss", "bytes", BENCH_QUICK, 0, 1, &memory_kind, COST(RECORD_HALF_OPEN, true),
      "the same by what the process holds" },
    { "bytes_time_wait", "bytes", BENCH_QUICK, 0, 1, &memory_kind, COST(RECORD_IN_TIME_WAIT, false),
      "an entry in TIME-WAIT" },
    { "bytes_time_wait_rss", "bytes", BENCH_QUICK, 0, 1, &memory_kind, COST(RECORD_IN_TIME_WAIT, true),
      "the same by what the process holds" },
    { "two_cores_bulk", "times", BENCH_QUICK, 0, 2, &cores_kind, &(const struct cores){ "bulk_1500" },
      "bulk_1500 on two cores at once, nothing shared, divided by the same on one" },
    { "two_cores_lifecycle", "times", BENCH_QUICK, 0, 2, &cores_kind, &(const struct cores){ "lifecycle_100" },
      "lifecycle_100 so" },
    { "two_cores_round_trips", "times", BENCH_QUICK, 0, 2, &cores_kind, &(const struct cores){ "round_trips" },
      "round_trips so" },
    { "ten_million", "GiB", BENCH_FULL, 8, 1, &crowd_kind, &(const struct crowd){ 5000000 },
      "five million pairs in one process, all established, IPv6, then all closed: memory at the most" },
};
/* clang-format on */
const size_t bench_row_count = sizeof bench_rows / sizeof bench_rows[0];

bool bench_named(const struct bench_plan *plan, const char *name)
{
    const char *at = plan->only;
    while (at != NULL) {
        char pattern[128];
        size_t length = strcspn(at, ",");
        if (length < sizeof pattern) {
            memcpy(pattern, at, length);
            pattern[length] = '\0';
            const char *bare = strncmp(pattern, "core.", 5) == 0 ? pattern + 5 : pattern;
            if (fnmatch(bare, name, 0) == 0) {
                return true;
            }
        }
        at = at[length] == ',' ? at + length + 1 : NULL;
    }
    return plan->only == NULL;
}

void bench_list(FILE *out)
{
    static const char *const level[] = { "", "not with --quick", "needs --full" };
    for (size_t i = 0; i < bench_row_count; i++) {
        const struct bench_row *row = &bench_rows[i];
        fprintf(out, "%-22s %-7s %s", row->name, row->unit, row->what);
        if (row->level != BENCH_QUICK) {
            fprintf(out, " (%s)", level[row->level]);
        }
        fputc('\n', out);
    }
}
