/* SPDX-License-Identifier: MIT */
/* `wavehand run`: reads the arguments, opens what is to be seen of it, and launches. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/bytes.h"
#include "cli/commands.h"
#include "cli/numbers.h"
#include "cli/options.h"
#include "cli/outputs.h"
#include "relay/launch.h"

#define COMMAND "wavehand run"

/* TUN devices take no less than IPv4's 68 bytes (RFC 791 3.2) and no more than 65535. */
enum { MTU_LOWEST = 68, MTU_HIGHEST = 65535, MTU_DEFAULT = 65520, PUBLISH_MOST = 256 };

/* Notes of the path between two turns of the relay. */
enum { PATH_NOTES = 4096 };

const char run_help[] =
    "Usage: wavehand run [OPTION...] [--] PROGRAM [ARGUMENT...]\n"
    "\n"
    "Runs PROGRAM in a private network whose other end is wavehand's own TCP. No\n"
    "privilege is needed where the system has user namespaces and /dev/net/tun.\n"
    "\n"
    "Inside, the program is 10.0.2.100 and fd00::100. The gateway, 10.0.2.2 and\n"
    "fd00::2, is this host's loopback; names are resolved at 10.0.2.3 as on this\n"
    "host; every other address is reached as from this host.\n"
    "\n"
    "  --publish [ADDRESS:]HOSTPORT:PORT\n"
    "                     connections to HOSTPORT of this host (at ADDRESS, which is\n"
    "                     127.0.0.1 if not given) reach PORT inside; repeatable\n"
    "  --no-host-loopback refuse connections to the gateway\n"
    "  --root             map your user to root inside\n"
    "  --mtu N            of the network inside; 65520 if not given\n"
    "  --threads N        relay with so many threads, each with its own part of the\n"
    "                     connections; 1 if not given\n"
    "\n"
    "  --ladder[=FILE]    draw every handshake and close, on standard error or to\n"
    "                     FILE; the default when standard error is a terminal\n"
    "  --no-ladder        draw nothing\n"
    "  --width N          columns of the ladder\n"
    "  --ascii            draw it in ASCII\n"
    "  --pcap FILE        capture what passes, with a comment on every packet\n"
    "  --trace FILE       write every event as a line of JSON\n"
    "  --plot FILE        draw the connection that carried most as an SVG: data, windows,\n"
    "                     round-trip times, throughput\n"
    "  --plot-connection N  draw the Nth one instead, as the ladder counts\n"
    "\n"
    "  --fault SPEC       let something go wrong, such as \"loss 5%\" or \"drop fin 1\";\n"
    "                     repeatable; wavehand-run(1) has the grammar\n"
    "  --seed N           choose sequence numbers and faults from N, for a replay\n"
    "  --help             this\n"
    "\n"
    "The exit status is PROGRAM's own, or 128 + N if signal N ended it; 125 if\n"
    "wavehand fails, 126 if PROGRAM cannot be executed, 127 if there is none.\n";

_Static_assert((int)NUMBERS_STACKS >= (int)SANDBOX_QUEUES, "outputs have room for every stack");

struct run {
    struct launch_plan launch;
    struct relay_publish publish[PUBLISH_MOST];
    struct options options;
    struct outputs *outputs;
};

/* ------------------------------------------------------------- options --- */

enum { OPT_PUBLISH = 1, OPT_NO_HOST_LOOPBACK, OPT_ROOT, OPT_MTU, OPT_THREADS };

static const struct option own_options[] = {
    { "publish", required_argument, NULL, OPT_PUBLISH },
    { "no-host-loopback", no_argument, NULL, OPT_NO_HOST_LOOPBACK },
    { "root", no_argument, NULL, OPT_ROOT },
    { "mtu", required_argument, NULL, OPT_MTU },
    { "threads", required_argument, NULL, OPT_THREADS },
    { 0 },
};

static int take_publish(struct run *run, const char *argument)
{
    char error[256];
    if (run->launch.publish_count == PUBLISH_MOST) {
        options_complain(COMMAND, "more than %d --publish", PUBLISH_MOST);
        return -1;
    }
    struct relay_publish *publish = &run->publish[run->launch.publish_count];
    if (relay_publish_parse(argument, publish, error, sizeof error) < 0) {
        options_complain(COMMAND, "%s", error);
        return -1;
    }
    run->launch.publish_count++;
    return 0;
}

static int take(void *context, int val, const char *argument)
{
    struct run *run = context;
    uint64_t number;
    switch (val) {
    case OPT_THREADS:
        if (!options_number(COMMAND, "--threads", argument, 1, SANDBOX_QUEUES, &number))
            return -1;
        run->launch.threads = (uint32_t)number;
        return 0;
    case OPT_PUBLISH: return take_publish(run, argument);
    case OPT_NO_HOST_LOOPBACK: run->launch.relay.host_loopback = false; return 0;
    case OPT_ROOT: run->launch.map_root = true; return 0;
    default:
        if (!options_number(COMMAND, "--mtu", argument, MTU_LOWEST, MTU_HIGHEST, &number))
            return -1;
        run->launch.relay.mtu = (uint32_t)number;
        return 0;
    }
}

/* ------------------------------------------------- what is to be seen ---- */

static void tap_input(void *context, wh_stack *host, const wh_frame *frames, size_t n, wh_time now)
{
    outputs_input(context, LADDER_RIGHT, host, frames, n, now);
}

static size_t tap_output(void *context, wh_stack *host, wh_frame *frames, size_t cap, wh_time now)
{
    return outputs_output(context, LADDER_RIGHT, host, frames, cap, now);
}

static void tap_calls(void *context, wh_stack *host) { outputs_calls(context, LADDER_RIGHT, host); }

static void tap_path(void *context, wh_path *path) { outputs_path(context, path); }

/* A frame for another thread, whose ring was full. */
static void tap_lost(void *context, const wh_frame *frame, wh_time now)
{
    outputs_lost(context, frame, now);
}

static void tap_flush(void *context, wh_time now) { outputs_flush(context, now); }

static wh_time tap_wake(void *context) { return outputs_wake(context); }

static uint64_t wall_clock(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000000000U + (uint64_t)now.tv_nsec;
}

/* Opens ladder, trace and capture; with none of them asked for the relay has no tap. */
static int open_outputs(struct run *run)
{
    wh_config defaults;
    wh_config_init(&defaults);
    const struct outputs_plan plan = { .left = "program",
                                       .right = "wavehand",
                                       .start = wh_clock(),
                                       .wall = wall_clock(),
                                       .two_msl = 2 * defaults.msl,
                                       .capture = LADDER_RIGHT };
    run->outputs = outputs_open(&run->options, &plan);
    if (!run->outputs)
        return -1;
    if (!outputs_wanted(run->outputs))
        return 0;
    run->launch.relay.trace = true;
    run->launch.relay.trace_sender = outputs_want_sender(run->outputs);
    run->launch.relay.tap = (struct relay_tap){ .context = run->outputs,
                                                .input = tap_input,
                                                .output = tap_output,
                                                .calls = tap_calls,
                                                .path = tap_path,
                                                .lost = tap_lost,
                                                .flush = tap_flush,
                                                .wake = tap_wake };
    return 0;
}

/* The path that the faults act on, if there are any. */
static int open_path(struct run *run)
{
    wh_path_options options;
    wh_path_options_init(&options);
    options.link = WH_LINK_IP;
    options.mtu = run->launch.relay.mtu;
    options.notes = PATH_NOTES;
    /* The next number's bytes: the path's dice are not the stack's. */
    wh_seed(options.seed, run->options.seed ? run->options.seed + 1 : 0);
    if (run->options.fault_count == 0)
        return 0;
    if (wh_path_new(&run->launch.relay.path, &options) < 0) {
        options_complain(COMMAND, "no memory");
        return -1;
    }
    return options_faults(&run->options, run->launch.relay.path);
}

int cmd_run(int argc, char **argv)
{
    struct run *run = calloc(1, sizeof *run);
    if (!run) {
        options_complain(COMMAND, "no memory");
        return EXIT_OURS;
    }
    run->launch.publish = run->publish;
    run->launch.relay.host_loopback = true;
    run->launch.relay.mtu = MTU_DEFAULT;
    run->launch.threads = 1;
    int status = EXIT_OURS;
    int first = options_parse(&run->options, COMMAND, argc, argv, own_options, take, run);
    if (first == OPTIONS_HELP) {
        fputs(run_help, stdout);
        status = EXIT_SUCCESS;
    } else if (first >= argc) {
        options_complain(COMMAND, "no program given; try 'wavehand run --help'");
    } else if (first >= 0) {
        run->launch.program = argv + first;
        run->launch.relay.seed = run->options.seed;
        if (open_path(run) == 0 && open_outputs(run) == 0)
            status = launch(&run->launch);
        /* The program has run whatever became of our files; only its success is not to be believed. */
        if (run->outputs && outputs_close(run->outputs) < 0 && status == EXIT_SUCCESS)
            status = EXIT_OURS;
    }
    wh_path_free(run->launch.relay.path);
    options_free(&run->options);
    free(run);
    return status;
}
