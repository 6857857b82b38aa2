/* SPDX-License-Identifier: MIT */
/*
 * The client and the server of `wavehand demo`: a page is asked for and sent, or
 * nothing is said at all; then one end closes, or both do, or one resets.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/demo_parts.h"

/* How long a connection on which nothing is said stays open. */
#define SILENCE (100 * WH_MILLISECOND)

static const char request[] = "GET / HTTP/1.1\r\nHost: server\r\nUser-Agent: wavehand\r\n\r\n";

static char page_byte(uint64_t at)
{
    static const char line[] = "From the three-way handshake to the four-way close.\n";
    return line[at % (sizeof line - 1)];
}

/* --------------------------------------------------------------- server -- */

static void server_reads(struct answer *answer, wh_conn *conn)
{
    int64_t n;
    char scrap[512];
    while ((n = wh_recv(conn, scrap, sizeof scrap)) > 0) {
        size_t room = sizeof answer->request - 1 - answer->request_length;
        size_t taken = (size_t)n < room ? (size_t)n : room;
        memcpy(answer->request + answer->request_length, scrap, taken);
        answer->request_length += taken;
        answer->request[answer->request_length] = '\0';
    }
    answer->begun = answer->begun || strstr(answer->request, "\r\n\r\n") != NULL;
}

/* Queues as much of the answer as there is room for; true when all of it is queued. */
static bool server_writes(struct answer *answer, wh_conn *conn, uint64_t bytes)
{
    char header[128], piece[8192];
    size_t header_length = (size_t)snprintf(header, sizeof header,
                                            "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
                                            "Content-Length: %" PRIu64 "\r\n\r\n",
                                            bytes);
    while (answer->queued < header_length + bytes) {
        size_t n = 0;
        for (; n < sizeof piece && answer->queued + n < header_length + bytes; n++) {
            uint64_t at = answer->queued + n;
            if (at < header_length) {
                piece[n] = header[at];
            } else {
                piece[n] = page_byte(at - header_length);
            }
        }
        bool last = answer->queued + n == header_length + bytes;
        int64_t taken = wh_send(conn, piece, n, last ? 0 : WH_SEND_MORE);
        if (taken <= 0) {
            return false;
        }
        answer->queued += (uint64_t)taken;
    }
    return true;
}

static void server_acts(struct demo *demo, wh_conn *conn, uint32_t ready)
{
    struct answer *answer = &demo->answer;
    if (ready & (WH_READABLE | WH_EOF)) {
        server_reads(answer, conn);
    }
    if (answer->begun && !answer->finished) {
        answer->finished = server_writes(answer, conn, demo->bytes);
        wh_watch(conn, answer->finished ? WH_WATCH_DEFAULT : WH_WATCH_DEFAULT | WH_WRITABLE);
    }
}

static void server_accepts(struct program *server)
{
    wh_conn *conn;
    if (wh_accept(server->listener, NULL, &conn) == WH_OK) {
        server->conn = conn;
        server->established = true;
        /* as web servers do: the end of the page waits for no ACK */
        wh_set(conn, WH_OPT_NAGLE, 0);
    }
}

/* --------------------------------------------------------------- client -- */

static void client_takes(struct page *page, const char *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (page->header_read) {
            page->corrupt = page->corrupt || bytes[i] != page_byte(page->arrived);
            page->arrived++;
        } else if (page->header_length + 1 < sizeof page->header) {
            page->header[page->header_length++] = bytes[i];
            page->header[page->header_length] = '\0';
            if (strstr(page->header, "\r\n\r\n") != NULL) {
                page->header_read = true;
                const char *length = strstr(page->header, "Content-Length: ");
                page->announced = length != NULL ? strtoull(length + 16, NULL, 10) : 0;
            }
        } else {
            page->corrupt = true;
        }
    }
}

static void client_acts(struct demo *demo, wh_conn *conn, uint32_t ready)
{
    struct page *page = &demo->page;
    char piece[8192];
    int64_t n;
    if ((ready & WH_CONNECTED) && !demo->silent) {
        wh_send(conn, request, sizeof request - 1, 0);
    }
    while ((n = wh_recv(conn, piece, sizeof piece)) > 0) {
        client_takes(page, piece, (size_t)n);
    }
    page->whole = page->header_read && page->arrived >= page->announced;
}

/* -------------------------------------------------------------- closing -- */

static void arrange(struct demo *demo, enum ladder_side side, wh_time when)
{
    struct program *program = &demo->program[side];
    if (program->conn != NULL && when < program->close_at) {
        program->close_at = when;
    }
}

/* All is said: whoever is to end the connection does so at one and the same moment. */
static void arrange_closing(struct demo *demo)
{
    bool open = demo->program[CLIENT].established && demo->program[SERVER].established;
    if (demo->over || !open || !(demo->silent || demo->page.whole)) {
        return;
    }
    demo->over = true;
    wh_time when = demo->now + (demo->silent ? SILENCE : 0);
    for (int s = 0; s < 2; s++) {
        if ((demo->closing | demo->resetting) & SIDE(s)) {
            arrange(demo, (enum ladder_side)s, when);
        } else if (demo->resetting != 0 && demo->waits) {
            /* It may not hear of the reset, and would hold a half-open connection. */
            arrange(demo, (enum ladder_side)s, when + demo->wait);
        }
    }
}

bool programs_close(struct demo *demo)
{
    bool closed = false;
    arrange_closing(demo);
    for (int s = 0; s < 2; s++) {
        struct program *program = &demo->program[s];
        if (program->close_at > demo->now || program->conn == NULL) {
            continue;
        }
        if (demo->resetting & SIDE(s)) {
            wh_abort(program->conn);
        } else {
            wh_close(program->conn);
        }
        program->conn = NULL;
        program->close_at = WH_NEVER;
        outputs_calls(demo->outputs, (enum ladder_side)s, demo->host[s]);
        closed = true;
    }
    return closed;
}

wh_time programs_wake(const struct demo *demo)
{
    wh_time client = demo->program[CLIENT].close_at, server = demo->program[SERVER].close_at;
    return client < server ? client : server;
}

/* --------------------------------------------------------------- events -- */

static void program_acts(struct demo *demo, enum ladder_side side, uint32_t ready)
{
    struct program *program = &demo->program[side];
    program->established = program->established || (ready & WH_CONNECTED);
    if (side == CLIENT) {
        client_acts(demo, program->conn, ready);
    } else {
        server_acts(demo, program->conn, ready);
    }
    if (ready & WH_DEAD) {
        program->error = wh_conn_error(program->conn);
        wh_close(program->conn);
        program->conn = NULL;
        program->close_at = WH_NEVER;
    } else if (ready & WH_EOF) {
        arrange(demo, side, demo->now + (demo->waits ? demo->wait : 0));
    }
}

bool programs_hear(struct demo *demo, enum ladder_side side)
{
    struct program *program = &demo->program[side];
    wh_event events[8];
    size_t n = wh_events(demo->host[side], events, sizeof events / sizeof events[0]);
    for (size_t i = 0; i < n; i++) {
        if (events[i].listener != NULL) {
            server_accepts(program);
        } else if (events[i].conn == program->conn && events[i].conn != NULL) {
            program_acts(demo, side, events[i].ready);
        }
    }
    if (n > 0) {
        outputs_calls(demo->outputs, side, demo->host[side]);
    }
    return n > 0;
}
