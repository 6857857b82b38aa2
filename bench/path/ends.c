/* SPDX-License-Identifier: MIT */
#include "ends.h"

#include <stdlib.h>

enum { EVENTS = 32, PIECE = 65536 };

int ends_stack(const struct cell *cell, wh_addr addr, uint32_t link_features, uint64_t seed,
               wh_time now, wh_stack **answer)
{
    wh_config config;
    wh_stack *host;
    wh_config_init(&config);
    config.memory = wh_memory_malloc();
    config.memory_cap = (size_t)4 << 30;
    config.mtu = CELL_MTU;
    config.link_features = link_features;
    wh_seed(config.seed, seed);
    int result = wh_stack_new(&host, &config, now);
    if (result != WH_OK)
        return result;
    result = wh_address_add(host, &addr, 24);
    if (result == WH_OK)
        result = wh_stack_set_congestion(host, cell->congestion);
    if (result == WH_OK && cell->buffers > 0) {
        result = wh_stack_set(host, WH_OPT_SEND_BUFFER, (int64_t)cell->buffers);
        if (result == WH_OK)
            result = wh_stack_set(host, WH_OPT_RECEIVE_BUFFER, (int64_t)cell->buffers);
    }
    if (result == WH_OK)
        *answer = host;
    else
        wh_stack_free(host);
    return result;
}

/* Sends until the connection takes no more. */
static bool fill(wh_conn *conn)
{
    static const char piece[PIECE];
    bool any = false;
    while (wh_send(conn, piece, sizeof piece, 0) > 0)
        any = true;
    return any;
}

int sender_open(struct sender *sender, const struct cell *cell, wh_addr to, wh_time now)
{
    wh_connect_options options;
    wh_connect_options_init(&options);
    options.remote = (wh_endpoint){ to, ENDS_PORT };
    sender->flows = cell->flows;
    for (unsigned i = 0; i < cell->flows; i++) {
        int result = wh_connect(sender->host, &options, now, &sender->conn[i]);
        if (result != WH_OK)
            return result;
        wh_watch(sender->conn[i], WH_WATCH_DEFAULT | WH_WRITABLE);
    }
    return WH_OK;
}

bool sender_act(struct sender *sender)
{
    wh_event events[EVENTS];
    bool any = false;
    size_t n = wh_events(sender->host, events, EVENTS);
    for (size_t i = 0; i < n; i++) {
        if (events[i].conn == NULL)
            continue;
        if (events[i].ready & WH_CONNECTED)
            sender->connected++;
        if (events[i].ready & WH_DEAD) {
            sender->dead++;
            wh_watch(events[i].conn, 0);
            continue;
        }
        if (events[i].ready & WH_WRITABLE)
            any = fill(events[i].conn) || any;
    }
    return any;
}

int receiver_open(struct receiver *receiver, const struct cell *cell)
{
    wh_listen_options options;
    wh_listen_options_init(&options);
    options.local.port = ENDS_PORT;
    receiver->flows = cell->flows;
    return wh_listen(receiver->host, &options, &receiver->listener);
}

/* Reads in place, as an application does that has a use for the bytes where they are. */
static bool drain(wh_conn *conn, uint64_t *bytes)
{
    wh_slice slices[16];
    bool any = false;
    for (int n; (n = wh_peek(conn, slices, 16)) > 0;) {
        size_t length = 0;
        for (int i = 0; i < n; i++)
            length += slices[i].length;
        *bytes += length;
        wh_consume(conn, length);
        any = true;
    }
    return any;
}

bool receiver_act(struct receiver *receiver)
{
    wh_event events[EVENTS];
    bool any = false;
    size_t n = wh_events(receiver->host, events, EVENTS);
    for (size_t i = 0; i < n; i++) {
        wh_conn *conn;
        while (events[i].listener != NULL && receiver->accepted < CELL_FLOWS &&
               wh_accept(events[i].listener, &receiver->bytes[receiver->accepted], &conn) ==
                   WH_OK) {
            receiver->accepted++;
            any = true;
        }
        if (events[i].conn == NULL)
            continue;
        if (events[i].ready & WH_READABLE)
            any = drain(events[i].conn, events[i].user) || any;
        if (events[i].ready & (WH_DEAD | WH_EOF)) {
            receiver->dead++;
            wh_watch(events[i].conn, 0);
        }
    }
    return any;
}
