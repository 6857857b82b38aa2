/* SPDX-License-Identifier: MIT */
/*
 * `wavehand demo`: a client fetches a page from a server, both of them ours, over
 * a simulated path in virtual time. It needs nothing of the system, and its exit
 * status says whether the page arrived whole and the connection ended as it was
 * told to, with nothing left behind. What the programs do is in demo_programs.c.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/commands.h"
#include "cli/demo_parts.h"
#include "view/words.h"

#define COMMAND DEMO_COMMAND
#define SERVER_PORT 80
/* Who opens from both ends must know the other's port beforehand. */
#define CLIENT_PORT 50000
#define PAGE_DEFAULT 16384
#define PAGE_MOST 1000000000
#define WAIT_MOST 3600000 /* ms */
/* The virtual day that no conversation outlasts: user timeouts end what hangs long before. */
#define LONGEST (24 * 3600 * WH_SECOND)
#define BATCH 64
/* Rounds at one instant after which something must be going in circles. */
#define ROUNDS 100000

const char demo_help[] =
    "Usage: wavehand demo [OPTION...]\n"
    "\n"
    "Two hosts, both wavehand's own, are joined by a simulated path that takes 10 ms\n"
    "each way. A client fetches a page from a server; every step of the connection is\n"
    "drawn. Time is virtual: the two minutes after the close pass in no time.\n"
    "\n"
    "  --bytes N        size of the page; 16384 if not given\n"
    "  --silent         no page: the connection is opened and, 100 ms later, closed\n"
    "  --open WHO       client (the usual), or both at once\n"
    "  --close WHO      client (the usual), server, or both at once\n"
    "  --reset WHO      client or server: instead of closing, this end resets\n"
    "  --wait MS        milliseconds from one end's close to the other's; with 0 the\n"
    "                   other FIN takes the acknowledgement along\n"
    "  --ipv6           over IPv6\n"
    "\n"
    "  --ladder[=FILE]  draw to FILE instead of standard output\n"
    "  --no-ladder      draw nothing\n"
    "  --width N        columns of the ladder\n"
    "  --ascii          draw it in ASCII\n"
    "  --pcap FILE      capture what the client's link carries\n"
    "  --trace FILE     write every event as a line of JSON\n"
    "  --plot FILE      draw the connection as an SVG: data, windows, round-trip times,\n"
    "                   throughput\n"
    "\n"
    "  --fault SPEC     let something go wrong, such as \"drop syn-ack 1\"; repeatable;\n"
    "                   wavehand-run(1) has the grammar\n"
    "  --seed N         choose sequence numbers and faults from N; 1 if not given, so\n"
    "                   that every demo is the same\n"
    "  --help           this\n"
    "\n"
    "The exit status is 0 if the page arrived whole, the connection ended in order\n"
    "and nothing was left behind; 1 if not; 2 for wrong usage.\n";

/* ---------------------------------------------------------------- world -- */

static wh_addr address_of(const struct demo *demo, enum ladder_side side)
{
    wh_addr v6 = { { 0xfd, [15] = (uint8_t)(side + 1) } };
    return demo->ipv6 ? v6 : wh_ipv4(10, 0, 0, (uint8_t)(side + 1));
}

static bool make_host(struct demo *demo, enum ladder_side side)
{
    wh_config config;
    wh_config_init(&config);
    config.memory = wh_memory_malloc();
    config.trace_records = outputs_wanted(demo->outputs) ? 8192 : 0;
    config.trace_sender = outputs_want_sender(demo->outputs);
    wh_seed(config.seed, demo->options.seed * 4 + side);
    wh_addr address = address_of(demo, side);
    return wh_stack_new(&demo->host[side], &config, demo->now) == WH_OK &&
           wh_address_add(demo->host[side], &address, demo->ipv6 ? 64 : 24) == WH_OK;
}

static int make_path(struct demo *demo)
{
    wh_path_options options;
    wh_path_options_init(&options);
    options.notes = 4096;
    wh_seed(options.seed, demo->options.seed * 4 + 2);
    if (wh_path_new(&demo->path, &options) < 0) {
        options_complain(COMMAND, "no memory");
        return -1;
    }
    bool delayed = false;
    for (size_t i = 0; i < demo->options.fault_count; i++) {
        delayed = delayed || strncmp(demo->options.faults[i], "delay", 5) == 0;
    }
    char error[256];
    if (!delayed) {
        wh_path_fault(demo->path, "delay 10ms", error, sizeof error);
    }
    return options_faults(&demo->options, demo->path);
}

static int open_outputs(struct demo *demo)
{
    wh_config defaults;
    wh_config_init(&defaults);
    const struct outputs_plan plan = {
        .left = "client",
        .right = "server",
        .both_ends = true,
        .ladder_by_default = true,
        .ladder_stream = stdout,
        .start = demo->now,
        .wall = (uint64_t)time(NULL) * WH_SECOND,
        .two_msl = 2 * defaults.msl,
        .capture = CLIENT,
    };
    demo->outputs = outputs_open(&demo->options, &plan);
    return demo->outputs != NULL ? 0 : -1;
}

static bool connect_from(struct demo *demo, enum ladder_side side)
{
    wh_connect_options connecting;
    wh_connect_options_init(&connecting);
    if (demo->both_open) {
        connecting.local.port = side == CLIENT ? CLIENT_PORT : SERVER_PORT;
    }
    connecting.remote.addr = address_of(demo, side == CLIENT ? SERVER : CLIENT);
    connecting.remote.port = side == CLIENT ? SERVER_PORT : CLIENT_PORT;
    return wh_connect(demo->host[side], &connecting, demo->now, &demo->program[side].conn) == WH_OK;
}

static bool begin(struct demo *demo)
{
    wh_listen_options listening;
    wh_listen_options_init(&listening);
    listening.local.port = SERVER_PORT;
    demo->program[CLIENT].close_at = demo->program[SERVER].close_at = WH_NEVER;
    if (!make_host(demo, CLIENT) || !make_host(demo, SERVER)) {
        return false;
    }
    wh_listener **listener = &demo->program[SERVER].listener;
    bool ready = demo->both_open ? connect_from(demo, SERVER)
                                 : wh_listen(demo->host[SERVER], &listening, listener) == WH_OK;
    return ready && connect_from(demo, CLIENT);
}

/* Moves what is ready to move at this instant; false if nothing was. */
static bool move_frames(struct demo *demo, enum ladder_side side)
{
    wh_frame frames[BATCH];
    wh_direction away = side == CLIENT ? WH_A_TO_B : WH_B_TO_A;
    wh_direction here = side == CLIENT ? WH_B_TO_A : WH_A_TO_B;
    size_t sent = outputs_output(demo->outputs, side, demo->host[side], frames, BATCH, demo->now);
    if (sent > 0) {
        wh_path_send(demo->path, away, frames, sent, demo->now);
        wh_sent(demo->host[side], frames, sent);
    }
    outputs_path(demo->outputs, demo->path);
    size_t arrived = wh_path_receive(demo->path, here, frames, BATCH, demo->now);
    if (arrived > 0) {
        outputs_input(demo->outputs, side, demo->host[side], frames, arrived, demo->now);
    }
    return sent + arrived > 0;
}

/* TIME-WAIT is a stretch of time that some end should go through. */
static void watch_time_wait(struct demo *demo)
{
    for (int s = 0; s < 2; s++) {
        wh_cursor cursor = { 0 };
        wh_entry entry;
        while (!demo->program[s].time_wait && wh_each(demo->host[s], &cursor, &entry)) {
            demo->program[s].time_wait = entry.state == WH_TIME_WAIT;
        }
    }
}

static wh_time earliest(const struct demo *demo)
{
    wh_time when = wh_path_wake(demo->path);
    wh_time programs = programs_wake(demo);
    when = programs < when ? programs : when;
    for (int s = 0; s < 2; s++) {
        wh_time wake = wh_wake(demo->host[s]);
        when = wake < when ? wake : when;
    }
    return when;
}

static bool programs_turn(struct demo *demo)
{
    bool busy = programs_hear(demo, CLIENT) | programs_hear(demo, SERVER);
    return programs_close(demo) | busy;
}

/*
 * What happens at this instant: the hosts first, as on a machine whose programs wait for their
 * turn. Programs that wait for nothing, not even their turn, close before the host acknowledges.
 */
static void settle(struct demo *demo)
{
    bool busy = true;
    bool prompt = demo->waits && demo->wait == 0;
    for (unsigned round = 0; busy && round < ROUNDS; round++) {
        busy = move_frames(demo, CLIENT) | move_frames(demo, SERVER);
        if (!busy || prompt) {
            busy |= programs_turn(demo);
        }
    }
}

static void live(struct demo *demo)
{
    wh_time end = demo->now + LONGEST;
    while (demo->now < end) {
        settle(demo);
        watch_time_wait(demo);
        outputs_flush(demo->outputs, demo->now);
        wh_time next = earliest(demo);
        if (next == WH_NEVER) {
            break;
        }
        demo->now = next > demo->now ? next : demo->now + 1;
    }
}

/* --------------------------------------------------------------- verdict -- */

static bool is_empty(wh_stack *host)
{
    wh_stats stats = { .size = sizeof stats };
    wh_stats_get(host, &stats);
    return stats.connections == 0 && stats.half_open == 0 && stats.time_wait == 0 &&
           stats.timers == 0 && stats.frames_lent == 0;
}

/* Who closes first waits 2MSL; of two that close at once, both or (if a FIN was lost) one. */
static bool time_wait_in_order(const struct demo *demo)
{
    bool client = demo->program[CLIENT].time_wait, server = demo->program[SERVER].time_wait;
    switch (demo->closing) {
    case SIDE(CLIENT): return client;
    case SIDE(SERVER): return server;
    case SIDE(CLIENT) | SIDE(SERVER): return client || server;
    default: return true; /* reset: there is nothing to wait for */
    }
}

static const char *closer(const struct demo *demo)
{
    return demo->closing == SIDE(SERVER) ? "server" : "client";
}

/* What the connection died of, if it should not have; to be reset may have been the plan. */
static int died_of(const struct demo *demo)
{
    bool to_be_reset = demo->resetting != 0 && demo->over;
    int client = demo->program[CLIENT].error, server = demo->program[SERVER].error;
    if (client != 0 && !(to_be_reset && client == WH_E_CONNRESET)) {
        return client;
    }
    return demo->silent && server != 0 && !(to_be_reset && server == WH_E_CONNRESET) ? server : 0;
}

/* One line that says how it went, and the exit status. */
static int verdict(const struct demo *demo, wh_time took)
{
    const struct page *page = &demo->page;
    char bytes[WORDS], duration[WORDS];
    words_bytes(page->arrived, bytes);
    words_duration(took, duration);
    const char *end = demo->resetting != 0 ? "was reset" : "closed in order";
    if (died_of(demo) != 0) {
        options_complain(COMMAND, "%s: %s",
                         demo->silent ? "the connection failed" : "the page did not arrive",
                         wh_strerror(died_of(demo)));
    } else if (!demo->silent && (!page->whole || page->arrived != demo->bytes)) {
        options_complain(COMMAND, "only %" PRIu64 " of %" PRIu64 " bytes of the page arrived",
                         page->arrived, demo->bytes);
    } else if (page->corrupt) {
        options_complain(COMMAND, "the page arrived with wrong bytes in it");
    } else if (!time_wait_in_order(demo)) {
        options_complain(COMMAND, "%s the %s never reached TIME-WAIT",
                         demo->silent ? "the connection was opened, but"
                                      : "the page arrived whole, but",
                         closer(demo));
    } else if (!is_empty(demo->host[CLIENT]) || !is_empty(demo->host[SERVER])) {
        options_complain(COMMAND, "something was left behind: connections, timers or frames");
    } else if (demo->silent) {
        printf("The connection %s, and after %s of virtual time nothing is left\n"
               "of it at either end.\n",
               end, duration);
        return EXIT_SUCCESS;
    } else {
        printf("The page arrived whole (%s), the connection %s, and after\n"
               "%s of virtual time nothing is left of it at either end.\n",
               bytes, end, duration);
        return EXIT_SUCCESS;
    }
    return EXIT_DEMO_FAILED;
}

/* ------------------------------------------------------------- arguments -- */

enum { OPT_BYTES = 1, OPT_IPV6, OPT_SILENT, OPT_OPEN, OPT_CLOSE, OPT_RESET, OPT_WAIT };

/* Who is meant: SIDE()s, of which only those in `allowed` go; 0, after one line about it, if none. */
static unsigned who(const char *what, const char *words, unsigned allowed, const char *argument)
{
    static const char *const names[] = { NULL, "client", "server", "both" };
    for (unsigned sides = 1; sides < 4; sides++) {
        if ((allowed & SIDE(sides)) && strcmp(argument, names[sides]) == 0) {
            return sides;
        }
    }
    options_complain(COMMAND, "%s takes %s, not '%s'", what, words, argument);
    return 0;
}

static int take(void *context, int val, const char *argument)
{
    struct demo *demo = context;
    const unsigned client = SIDE(SIDE(CLIENT)), server = SIDE(SIDE(SERVER));
    const unsigned both = SIDE(SIDE(CLIENT) | SIDE(SERVER));
    unsigned sides = 1;
    switch (val) {
    case OPT_IPV6: demo->ipv6 = true; break;
    case OPT_SILENT: demo->silent = true; break;
    case OPT_OPEN:
        sides = who("--open", "client or both", client | both, argument);
        demo->both_open = sides == (SIDE(CLIENT) | SIDE(SERVER));
        break;
    case OPT_CLOSE:
        sides = who("--close", "client, server or both", client | server | both, argument);
        demo->closing = sides;
        demo->resetting = 0;
        break;
    case OPT_RESET:
        sides = who("--reset", "client or server", client | server, argument);
        demo->resetting = sides;
        demo->closing = 0;
        break;
    case OPT_WAIT:
        sides = options_number(COMMAND, "--wait", argument, 0, WAIT_MOST, &demo->wait);
        demo->wait *= WH_MILLISECOND;
        demo->waits = true;
        break;
    default:
        sides = options_number(COMMAND, "--bytes", argument, 0, PAGE_MOST, &demo->bytes);
        break;
    }
    return sides != 0 ? 0 : -1;
}

static int run_demo(struct demo *demo)
{
    demo->now = WH_SECOND;
    demo->options.seed = demo->options.seed > 0 ? demo->options.seed : 1;
    if (make_path(demo) < 0) {
        return EXIT_USAGE;
    }
    if (open_outputs(demo) < 0) {
        return EXIT_DEMO_FAILED;
    }
    int status = EXIT_DEMO_FAILED;
    wh_time start = demo->now;
    bool begun = begin(demo);
    if (begun) {
        live(demo);
    } else {
        options_complain(COMMAND, "no memory");
    }
    int written = outputs_close(demo->outputs);
    if (begun) {
        status = verdict(demo, demo->now - start);
    }
    return written < 0 ? EXIT_DEMO_FAILED : status;
}

int cmd_demo(int argc, char **argv)
{
    static const struct option own[] = {
        { "bytes", required_argument, NULL, OPT_BYTES },
        { "ipv6", no_argument, NULL, OPT_IPV6 },
        { "silent", no_argument, NULL, OPT_SILENT },
        { "open", required_argument, NULL, OPT_OPEN },
        { "close", required_argument, NULL, OPT_CLOSE },
        { "reset", required_argument, NULL, OPT_RESET },
        { "wait", required_argument, NULL, OPT_WAIT },
        { 0 },
    };
    struct demo demo = { .bytes = PAGE_DEFAULT, .closing = SIDE(CLIENT) };
    int status = EXIT_USAGE;
    int first = options_parse(&demo.options, COMMAND, argc, argv, own, take, &demo);
    if (first == OPTIONS_HELP) {
        fputs(demo_help, stdout);
        status = EXIT_SUCCESS;
    } else if (first >= 0 && first < argc) {
        options_complain(COMMAND, "'%s': nothing is expected after the options", argv[first]);
    } else if (first >= 0) {
        status = run_demo(&demo);
    }
    for (int s = 0; s < 2; s++) {
        if (demo.host[s] != NULL) {
            wh_stack_free(demo.host[s]);
        }
    }
    wh_path_free(demo.path);
    options_free(&demo.options);
    return status;
}
