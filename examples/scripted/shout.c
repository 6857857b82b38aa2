/* SPDX-License-Identifier: MIT */
#include "shout.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define LINE 128

struct client {
    wh_conn *conn;
    struct client *next;
    char line[LINE];
    size_t length;
};

struct shout {
    wh_listener *listener;
    struct client *clients;
};

struct shout *shout_new(wh_stack *host, uint16_t port)
{
    struct shout *shout = calloc(1, sizeof *shout);
    wh_listen_options options;
    wh_listen_options_init(&options);
    options.local.port = port;
    if (shout == NULL || wh_listen(host, &options, &shout->listener) < 0) {
        free(shout);
        return NULL;
    }
    return shout;
}

static void let_go(struct shout *shout, struct client *client)
{
    struct client **at = &shout->clients;
    while (*at != client) {
        at = &(*at)->next;
    }
    *at = client->next;
    wh_close(client->conn);
    free(client);
}

static void welcome(struct shout *shout)
{
    struct client *client = calloc(1, sizeof *client);
    if (client == NULL || wh_accept(shout->listener, client, &client->conn) < 0) {
        free(client);
        return;
    }
    client->next = shout->clients;
    shout->clients = client;
}

/* Answers one line; false if the client is to be let go. */
static bool answer(struct client *client)
{
    if (client->length == 4 && memcmp(client->line, "bye\n", 4) == 0) {
        return false;
    }
    for (size_t i = 0; i < client->length; i++) {
        client->line[i] = (char)toupper((unsigned char)client->line[i]);
    }
    bool whole = wh_send(client->conn, client->line, client->length, 0) == (int64_t)client->length;
    client->length = 0;
    return whole;
}

/* Reads what there is: false at the end. */
static bool listen_to(struct client *client)
{
    int64_t n;
    while ((n = wh_recv(client->conn, client->line + client->length, 1)) > 0) {
        client->length++;
        bool full = client->line[client->length - 1] == '\n' || client->length == LINE;
        if (full && !answer(client)) {
            return false;
        }
    }
    return n == WH_E_AGAIN;
}

void shout_serve(struct shout *shout, wh_stack *host)
{
    wh_event event[16];
    size_t n = wh_events(host, event, 16);
    for (size_t i = 0; i < n; i++) {
        if (event[i].ready & WH_ACCEPTABLE) {
            welcome(shout);
        } else if (!listen_to(event[i].user)) {
            let_go(shout, event[i].user);
        }
    }
}

void shout_free(struct shout *shout)
{
    while (shout->clients != NULL) {
        let_go(shout, shout->clients);
    }
    wh_listener_close(shout->listener);
    free(shout);
}
