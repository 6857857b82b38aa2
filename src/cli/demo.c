/* SPDX-License-Identifier: MIT */
/*
 * `wavehand demo`: a client fetches a page from a server, both of them ours, over
 * a simulated path in virtual time. It needs nothing of the system, and its exit
 * status says whether the page arrived whole and the connection closed in order
 * with nothing left behind.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/commands.h"
#include "cli/options.h"
#include "cli/outputs.h"
#include "view/words.h"

#define COMMAND "wavehand demo"
#define CLIENT LADDER_LEFT
#define SERVER LADDER_RIGHT
#define SERVER_PORT 80
#define PAGE_DEFAULT 16384
#define PAGE_MOST 1000000000
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
    "  --ipv6           over IPv6\n"
    "\n"
    "  --ladder[=FILE]  draw to FILE instead of standard output\n"
    "  --no-ladder      draw nothing\n"
    "  --width N        columns of the ladder\n"
    "  --ascii          draw it in ASCII\n"
    "  --pcap FILE      capture what the client's link carries\n"
    "  --trace FILE     write every event as a line of JSON\n"
    "\n"
    "  --fault SPEC     let something go wrong, such as \"drop syn-ack 1\"; repeatable;\n"
    "                   wavehand-run(1) has the grammar\n"
    "  --seed N         choose sequence numbers and faults from N; 1 if not given, so\n"
    "                   that every demo is the same\n"
    "  --help           this\n"
    "\n"
    "The exit status is 0 if the page arrived whole, the connection closed in order\n"
    "and nothing was left behind; 1 if not; 2 for wrong usage.\n";

struct client {
    wh_conn *conn;
    uint64_t page;    /* bytes that the server announced */
    uint64_t arrived; /* bytes of it */
    char header[256];
    size_t header_length;
    bool header_read, corrupt, time_wait, done;
    int error;
};

struct server {
    wh_listener *listener;
    wh_conn *conn;
    char request[256];
    size_t request_length;
    bool answering, finished;
    uint64_t queued; /* bytes of the answer */
};

struct demo {
    struct options options;
    uint64_t bytes;
    bool ipv6;
    struct outputs *outputs;
    wh_stack *host[2];
    wh_path *path;
    wh_time now;
    struct client client;
    struct server server;
};

/* ------------------------------------------------------------- the page -- */

static char page_byte(uint64_t at)
{
    static const char line[] = "From the three-way handshake to the four-way close.\n";
    return line[at % (sizeof line - 1)];
}

static const char request[] = "GET / HTTP/1.1\r\nHost: server\r\nUser-Agent: wavehand\r\n\r\n";

/* --------------------------------------------------------------- server -- */

static void server_reads(struct server *server)
{
    int64_t n;
    char scrap[512];
    while ((n = wh_recv(server->conn, scrap, sizeof scrap)) > 0) {
        size_t room = sizeof server->request - 1 - server->request_length;
        size_t taken = (size_t)n < room ? (size_t)n : room;
        memcpy(server->request + server->request_length, scrap, taken);
        server->request_length += taken;
        server->request[server->request_length] = '\0';
    }
    server->answering = server->answering || strstr(server->request, "\r\n\r\n") != NULL;
}

/* Queues as much of the answer as there is room for; true when all of it is queued. */
static bool server_writes(struct server *server, uint64_t bytes)
{
    char header[128], piece[8192];
    size_t header_length = (size_t)snprintf(header, sizeof header,
                                            "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
                                            "Content-Length: %" PRIu64 "\r\n\r\n",
                                            bytes);
    while (server->queued < header_length + bytes) {
        size_t n = 0;
        for (; n < sizeof piece && server->queued + n < header_length + bytes; n++) {
            uint64_t at = server->queued + n;
            if (at < header_length) {
                piece[n] = header[at];
            } else {
                piece[n] = page_byte(at - header_length);
            }
        }
        bool last = server->queued + n == header_length + bytes;
        int64_t taken = wh_send(server->conn, piece, n, last ? 0 : WH_SEND_MORE);
        if (taken <= 0) {
            return false;
        }
        server->queued += (uint64_t)taken;
    }
    return true;
}

static void server_acts(struct demo *demo, uint32_t ready)
{
    struct server *server = &demo->server;
    if (ready & (WH_READABLE | WH_EOF)) {
        server_reads(server);
    }
    if (server->answering && !server->finished) {
        server->finished = server_writes(server, demo->bytes);
        wh_watch(server->conn,
                 server->finished ? WH_WATCH_DEFAULT : WH_WATCH_DEFAULT | WH_WRITABLE);
    }
    if (ready & (WH_EOF | WH_DEAD)) {
        wh_close(server->conn);
        server->conn = NULL;
    }
}

/* --------------------------------------------------------------- client -- */

static void client_takes(struct client *client, const char *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (client->header_read) {
            client->corrupt = client->corrupt || bytes[i] != page_byte(client->arrived);
            client->arrived++;
        } else if (client->header_length + 1 < sizeof client->header) {
            client->header[client->header_length++] = bytes[i];
            client->header[client->header_length] = '\0';
            if (strstr(client->header, "\r\n\r\n") != NULL) {
                client->header_read = true;
                const char *length = strstr(client->header, "Content-Length: ");
                client->page = length != NULL ? strtoull(length + 16, NULL, 10) : 0;
            }
        } else {
            client->corrupt = true;
        }
    }
}

static void client_acts(struct demo *demo, uint32_t ready)
{
    struct client *client = &demo->client;
    char piece[8192];
    int64_t n;
    if (ready & WH_CONNECTED) {
        wh_send(client->conn, request, sizeof request - 1, 0);
    }
    while (client->conn != NULL && (n = wh_recv(client->conn, piece, sizeof piece)) > 0) {
        client_takes(client, piece, (size_t)n);
    }
    bool whole = client->header_read && client->arrived >= client->page;
    if (whole || (ready & (WH_EOF | WH_DEAD))) {
        client->error = wh_conn_error(client->conn);
        client->done = whole;
        wh_close(client->conn);
        client->conn = NULL;
    }
}

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

static bool begin(struct demo *demo)
{
    wh_listen_options listening;
    wh_listen_options_init(&listening);
    listening.local.port = SERVER_PORT;
    wh_connect_options connecting;
    wh_connect_options_init(&connecting);
    connecting.remote = (wh_endpoint){ address_of(demo, SERVER), SERVER_PORT };
    return make_host(demo, CLIENT) && make_host(demo, SERVER) &&
           wh_listen(demo->host[SERVER], &listening, &demo->server.listener) == WH_OK &&
           wh_connect(demo->host[CLIENT], &connecting, demo->now, &demo->client.conn) == WH_OK;
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

static bool serve_events(struct demo *demo, enum ladder_side side)
{
    wh_event events[8];
    size_t n = wh_events(demo->host[side], events, sizeof events / sizeof events[0]);
    for (size_t i = 0; i < n; i++) {
        if (events[i].listener != NULL) {
            wh_conn *conn;
            if (wh_accept(events[i].listener, NULL, &conn) == WH_OK) {
                demo->server.conn = conn;
                wh_set(conn, WH_OPT_NAGLE,
                       0); /* as web servers do: the end of the page waits for no ACK */
            }
        } else if (side == CLIENT && events[i].conn == demo->client.conn &&
                   events[i].conn != NULL) {
            client_acts(demo, events[i].ready);
        } else if (side == SERVER && events[i].conn == demo->server.conn &&
                   events[i].conn != NULL) {
            server_acts(demo, events[i].ready);
        }
    }
    if (n > 0) {
        outputs_calls(demo->outputs, side, demo->host[side]);
    }
    return n > 0;
}

/* TIME-WAIT is a stretch of time that only the client should go through. */
static void watch_time_wait(struct demo *demo)
{
    wh_cursor cursor = { 0 };
    wh_entry entry;
    while (!demo->client.time_wait && wh_each(demo->host[CLIENT], &cursor, &entry)) {
        demo->client.time_wait = entry.state == WH_TIME_WAIT;
    }
}

static wh_time earliest(const struct demo *demo)
{
    wh_time when = wh_path_wake(demo->path);
    for (int s = 0; s < 2; s++) {
        wh_time wake = wh_wake(demo->host[s]);
        when = wake < when ? wake : when;
    }
    return when;
}

/* What happens at this instant: the hosts first, as on a machine whose programs wait for their turn. */
static void settle(struct demo *demo)
{
    bool busy = true;
    for (unsigned round = 0; busy && round < ROUNDS; round++) {
        busy = move_frames(demo, CLIENT) | move_frames(demo, SERVER);
        if (!busy) {
            busy = serve_events(demo, CLIENT) | serve_events(demo, SERVER);
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

/* One line that says how it went, and the exit status. */
static int verdict(struct demo *demo, wh_time took)
{
    struct client *client = &demo->client;
    char bytes[WORDS], duration[WORDS];
    words_bytes(client->arrived, bytes);
    if (client->error != 0) {
        options_complain(COMMAND, "the page did not arrive: %s", wh_strerror(client->error));
    } else if (!client->done || client->arrived != demo->bytes) {
        options_complain(COMMAND, "only %" PRIu64 " of %" PRIu64 " bytes of the page arrived",
                         client->arrived, demo->bytes);
    } else if (client->corrupt) {
        options_complain(COMMAND, "the page arrived with wrong bytes in it");
    } else if (!client->time_wait) {
        options_complain(COMMAND, "the page arrived whole, but the client never reached TIME-WAIT");
    } else if (!is_empty(demo->host[CLIENT]) || !is_empty(demo->host[SERVER])) {
        options_complain(COMMAND, "something was left behind: connections, timers or frames");
    } else {
        printf("The page arrived whole (%s), the connection closed in order, and after\n"
               "%s of virtual time nothing is left of it at either end.\n",
               bytes, words_duration(took, duration));
        return EXIT_SUCCESS;
    }
    return EXIT_DEMO_FAILED;
}

/* ------------------------------------------------------------- arguments -- */

enum { OPT_BYTES = 1, OPT_IPV6 };

static int take(void *context, int val, const char *argument)
{
    struct demo *demo = context;
    if (val == OPT_IPV6) {
        demo->ipv6 = true;
        return 0;
    }
    return options_number(COMMAND, "--bytes", argument, 0, PAGE_MOST, &demo->bytes) ? 0 : -1;
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
        { 0 },
    };
    struct demo demo = { .bytes = PAGE_DEFAULT };
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
