/* SPDX-License-Identifier: MIT */
/* Active open with ephemeral ports (RFC 6056), and the user calls that may end a connection. */
#include <string.h>

#include "base/bytes.h"
#include "stack/stack.h"
#include "tcp/cc/cc.h"
#include "tcp/fast_open.h"
#include "tcp/recovery.h"
#include "wire/tuple.h"

/* RFC 6335 6: the dynamic ports. */
#define FIRST_PORT 49152
#define PORTS 16384

void wh_connect_options_init(wh_connect_options *options)
{
    memset(options, 0, sizeof *options);
    options->size = sizeof *options;
}

/* *hash: the tuple's, for the table. A TIME-WAIT entry gives way to an active open only after a tick of the timestamp clock (RFC 6191). */
static bool tuple_free(struct wh_stack *host, const struct tuple *tuple, uint32_t *hash)
{
    *hash = demux_hash(&host->demux, tuple);
    struct demux_entry found = demux_find(&host->demux, *hash, tuple);
    return found.index == 0 ||
           (found.kind == RECORD_TIME_WAIT && stack_time_wait_ended(host, found.index));
}

/* RFC 6056 3.3.3: a counter whose origin depends on the other end, keyed. */
static bool choose_port(struct wh_stack *host, struct tuple *tuple, uint32_t *hash)
{
    uint32_t origin = (uint32_t)tuple_hash24(&host->tcp.port_key, tuple);
    for (uint32_t tries = 0; tries < PORTS; tries++) {
        uint32_t port = FIRST_PORT + (origin + host->port_counter++) % PORTS;
        tuple->local_port = (uint16_t)port;
        if (tuple_free(host, tuple, hash)) {
            return true;
        }
    }
    return false;
}

/* Fills in both ends, and their hash; MUST-43 to MUST-46 of RFC 9293 3.9.1.1. */
static int choose_tuple(struct wh_stack *host, const wh_connect_options *options,
                        struct tuple *tuple, uint32_t *hash)
{
    const wh_addr *remote = &options->remote.addr;
    if (options->remote.port == 0 || ip_source_invalid(remote) || ip_is_group(remote) ||
        address_is_network_broadcast(host, remote)) {
        return WH_E_INVAL;
    }
    memset(tuple, 0, sizeof *tuple);
    tuple->remote = *remote;
    tuple->remote_port = options->remote.port;
    if (address_is_any(&options->local.addr)) {
        if (!address_choose(host, remote, &tuple->local)) {
            return WH_E_NETUNREACH;
        }
    } else {
        tuple->local = options->local.addr;
        if (wh_is_ipv4(&tuple->local) != wh_is_ipv4(remote)) {
            return WH_E_AFNOSUPPORT;
        }
        if (!host->config.any_address && !address_is_ours(host, &tuple->local)) {
            return WH_E_ADDRNOTAVAIL;
        }
    }
    if (options->local.port == 0) {
        return choose_port(host, tuple, hash) ? WH_OK : WH_E_ADDRNOTAVAIL;
    }
    tuple->local_port = options->local.port;
    return tuple_free(host, tuple, hash) ? WH_OK : WH_E_ADDRINUSE;
}

int wh_connect(wh_stack *host, const wh_connect_options *options, wh_time now, wh_conn **conn)
{
    struct tuple tuple;
    uint32_t hash;
    if (options->size < sizeof *options || (options->flags & ~WH_CONNECT_FAST_OPEN) != 0) {
        return WH_E_INVAL;
    }
    host->tcp.now = MAX(host->tcp.now, now);
    int result = choose_tuple(host, options, &tuple, &hash);
    if (result != WH_OK) {
        return result;
    }
    struct wh_conn *new = stack_new_connection(host, &tuple);
    if (new == NULL) {
        host->tcp.count[WH_WHY_MEMORY_CAP]++;
        return WH_E_NOMEM;
    }
    if (!demux_insert(&host->demux, hash, (struct demux_entry){ RECORD_CONNECTION, new->index })) {
        stack_free_connection(host, new);
        return WH_E_NOMEM;
    }
    new->demuxed = true;
    new->handle = true;
    new->accepted = true;
    new->user = options->user;
    if (options->flags & WH_CONNECT_FAST_OPEN) {
        fast_open_want(new);
    }
    tcp_open_active(new);
    *conn = new;
    return WH_OK;
}

int wh_shutdown(wh_conn *conn, unsigned sides)
{
    if (sides == 0 || (sides & ~(WH_READ | WH_WRITE)) != 0) {
        return WH_E_INVAL;
    }
    if (conn_over(conn)) {
        return WH_E_NOTCONN;
    }
    tcp_shutdown(conn, sides);
    stack_settle(stack_of(conn), conn);
    return WH_OK;
}

void wh_close(wh_conn *conn)
{
    struct wh_stack *host = stack_of(conn);
    tcp_close(conn);
    stack_settle(host, conn);
}

/* RFC 9293 3.10.5 for a handle whose connection already stands in TIME-WAIT. */
static void abort_time_wait(struct wh_stack *host, const struct wh_conn *conn)
{
    struct demux_entry found =
        demux_find(&host->demux, demux_hash(&host->demux, &conn->tuple), &conn->tuple);
    if (found.index != 0 && found.kind == RECORD_TIME_WAIT) {
        stack_end_time_wait(host, found.index, WH_ON_ABORT, WH_WHY_ABORTED);
    }
}

void wh_abort(wh_conn *conn)
{
    struct wh_stack *host = stack_of(conn);
    if (conn_state(conn) == WH_TIME_WAIT && !conn->demuxed) {
        abort_time_wait(host, conn);
    }
    conn->handle = false;
    link_remove(&conn->event_link);
    if (!conn_over(conn)) {
        tcp_abort(conn, WH_WHY_ABORTED);
    }
    stack_settle(host, conn);
}

/* -------------------------------------------------------------- options -- */

int wh_set(wh_conn *conn, wh_option option, int64_t value)
{
    int result = profile_set(&conn->tcp->memory, &conn->profile, option, value);
    if (result != WH_OK || conn_over(conn)) {
        return result;
    }
    switch (option) {
    case WH_OPT_KEEPALIVE:
    case WH_OPT_KEEPALIVE_IDLE: tcp_keepalive_restart(conn); break;
    case WH_OPT_NAGLE:
    case WH_OPT_CORK:
        conn_want_output(conn); /* what was held back may leave now */
        break;
    case WH_OPT_RECEIVE_BUFFER:
    case WH_OPT_RECEIVE_BUFFER_INITIAL: tcp_window_opened(conn); break;
    default: break;
    }
    conn_notify(conn);
    return WH_OK;
}

int wh_get(const wh_conn *conn, wh_option option, int64_t *value)
{
    return profile_get(conn->profile, option, value);
}

static int set_congestion(struct memory *memory, struct profile **profile, const char *name)
{
    const struct cc_algorithm *algorithm = cc_by_name(name);
    if (algorithm == NULL) {
        return WH_E_NOENT;
    }
    int result = profile_own(memory, profile);
    if (result == WH_OK) {
        (*profile)->congestion = algorithm;
    }
    return result;
}

int wh_set_congestion(wh_conn *conn, const char *name)
{
    bool was_model = conn->profile->congestion->model;
    int result = set_congestion(&conn->tcp->memory, &conn->profile, name);
    if (result == WH_OK && conn->flight != NULL) {
        memset(flight_cc(conn->flight), 0, CC_STATE);
        conn->profile->congestion->begin(conn);
        recovery_algorithm_changed(conn, was_model);
    }
    return result;
}

int wh_stack_set_congestion(wh_stack *host, const char *name)
{
    return set_congestion(&host->tcp.memory, &host->tcp.defaults, name);
}

int wh_stack_set(wh_stack *host, wh_option option, int64_t value)
{
    return profile_set(&host->tcp.memory, &host->tcp.defaults, option, value);
}

int wh_stack_get(const wh_stack *host, wh_option option, int64_t *value)
{
    return profile_get(host->tcp.defaults, option, value);
}
