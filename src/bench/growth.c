/* SPDX-License-Identifier: MIT */
/*
 * How figures grow with what may grow without our doing: connections, buffers, the way.
 * A curve is a kind of work with one parameter left open. What should not depend on it
 * shows as a level line; whatever rises faster than it must is a defect.
 */
#include <string.h>

#include "base/bytes.h"
#include "bench/kinds.h"
#include "bench/report.h"

#define MEGA 1000000U
#define POINTS 12
/* With --quick nothing beyond this many connections. */
#define QUICK_MOST 10000U

/* The parameters of whatever kind a curve is of. */
union parameters {
    struct bulk bulk;
    struct lifecycle lifecycle;
    struct round_trips round_trips;
    struct memory_cost memory_cost;
};

struct curve {
    const char *name, *unit, *x_unit, *what;
    const struct bench_kind *kind;
    void (*at)(union parameters *parameters, uint64_t x);
    uint64_t x[POINTS]; /* ended by UINT64_MAX, or full */
    bool connections;   /* x is their number */
};

static void bulk_buffer(union parameters *parameters, uint64_t x)
{
    parameters->bulk = (struct bulk){ .mtu = 1500, .buffer = (uint32_t)x };
}

/* Queues and windows of twice what is on its way, so that the path alone limits. */
static void bulk_rtt(union parameters *parameters, uint64_t x)
{
    uint64_t on_its_way = WORLD_RATE / 8 * x / MEGA;
    parameters->bulk = (struct bulk){ .mtu = 1500,
                                      .rtt = x * WH_MICROSECOND,
                                      .buffer = (uint32_t)MAX(2 * on_its_way, 262144) };
}

static void lifecycle_in_flight(union parameters *parameters, uint64_t x)
{
    parameters->lifecycle = (struct lifecycle){ .in_flight = (uint32_t)x };
}

static void lifecycle_time_wait(union parameters *parameters, uint64_t x)
{
    parameters->lifecycle = (struct lifecycle){ .in_flight = 100, .time_wait = (uint32_t)x };
}

static void round_trips_idle(union parameters *parameters, uint64_t x)
{
    parameters->round_trips = (struct round_trips){ .idle = (uint32_t)x };
}

static void round_trips_among(union parameters *parameters, uint64_t x)
{
    parameters->round_trips = (struct round_trips){ .idle = (uint32_t)x, .among = true };
}

static void bytes_established(union parameters *parameters, uint64_t x)
{
    parameters->memory_cost =
        (struct memory_cost){ .record = RECORD_ESTABLISHED, .count = (uint32_t)x };
}

static void bytes_time_wait(union parameters *parameters, uint64_t x)
{
    parameters->memory_cost =
        (struct memory_cost){ .record = RECORD_IN_TIME_WAIT, .count = (uint32_t)x };
}

#define END UINT64_MAX
/* clang-format off */
static const struct curve curves[] = {
    { "bulk_buffer", "Gbit/s", "bytes", "bulk_1500 over the size of queue and window", &bulk_kind, bulk_buffer,
      { 1 << 14, 1 << 15, 1 << 16, 1 << 17, 1 << 18, 1 << 19, 1 << 20, 1 << 21, 1 << 22, 1 << 23, 1 << 24, END }, false },
    { "bulk_rtt", "Gbit/s", "us", "bulk_1500 over the round-trip time of a path of 10 Gbit/s, by time of the core",
      &bulk_kind, bulk_rtt, { 100, 300, 1000, 3000, 10000, 30000, 100000, END }, false },
    { "lifecycle_in_flight", "1/s", "connections", "lifecycles over how many are under way at once", &lifecycle_kind,
      lifecycle_in_flight, { 1, 3, 10, 30, 100, 300, 1000, 3000, 10000, 30000, END }, true },
    { "lifecycle_time_wait", "1/s", "entries", "lifecycles, 100 at once, over what stands in TIME-WAIT", &lifecycle_kind,
      lifecycle_time_wait, { 0, 1000, 3000, 10000, 30000, 100000, 300000, MEGA, END }, true },
    { "round_trips_idle", "1/s", "connections", "round trips beside connections that say nothing", &round_trips_kind,
      round_trips_idle, { 0, 10, 100, 1000, 10000, 100000, MEGA, END }, true },
    { "round_trips_among", "1/s", "connections", "round trips, each on another connection", &round_trips_kind,
      round_trips_among, { 1, 10, 100, 1000, 10000, 100000, MEGA, END }, true },
    { "bytes_established", "bytes", "connections", "an endpoint at rest, over how many there are", &memory_kind,
      bytes_established, { 100, 300, 1000, 3000, 10000, 30000, 100000, END }, true },
    { "bytes_time_wait", "bytes", "entries", "an entry in TIME-WAIT, over how many there are", &memory_kind,
      bytes_time_wait, { 100, 300, 1000, 3000, 10000, 30000, 100000, 300000, MEGA, END }, true },
};
/* clang-format on */
#define CURVES (sizeof curves / sizeof curves[0])

void bench_growth_list(FILE *out)
{
    for (size_t i = 0; i < CURVES; i++) {
        fprintf(out, "%-22s %-7s %s\n", curves[i].name, curves[i].unit, curves[i].what);
    }
}

/* Memory that a point may need: a connection is two endpoints, and there is something around them. */
static unsigned gib_for(const struct curve *curve, uint64_t x)
{
    return curve->connections ? (unsigned)(x / 500000) : 0;
}

static bool measure_point(const struct curve *curve, uint64_t x, const struct bench_plan *plan,
                          FILE *out, FILE *errors)
{
    union parameters parameters;
    double rounds[BENCH_ROUNDS_MOST];
    memset(&parameters, 0, sizeof parameters);
    curve->at(&parameters, x);
    const struct bench_row row = { .name = curve->name,
                                   .unit = curve->unit,
                                   .gib = gib_for(curve, x),
                                   .kind = curve->kind,
                                   .parameters = &parameters };
    struct bench_task task = { .row = &row, .plan = plan };
    if (!bench_possible(&row, plan, errors)) {
        return true;
    }
    unsigned n = bench_rounds(&task, rounds, errors);
    const struct report_point point = { curve->name, curve->x_unit, x };
    return n > 0 && report_point(&task, &point, rounds, n, out);
}

int bench_growth(const struct bench_plan *plan, FILE *out, FILE *errors)
{
    unsigned named = 0;
    bench_stay(plan, errors);
    for (size_t i = 0; i < CURVES; i++) {
        const struct curve *curve = &curves[i];
        if (!bench_named(plan, curve->name)) {
            continue;
        }
        named++;
        for (unsigned k = 0; k < POINTS && curve->x[k] != END; k++) {
            bool shown = !plan->quick || !curve->connections || curve->x[k] <= QUICK_MOST;
            if (shown && !measure_point(curve, curve->x[k], plan, out, errors)) {
                return -1;
            }
        }
    }
    if (named == 0) {
        fprintf(errors,
                "wavehand bench: no curve is called '%s'; 'wavehand bench --list' tells more\n",
                plan->only);
        return -1;
    }
    return 0;
}
