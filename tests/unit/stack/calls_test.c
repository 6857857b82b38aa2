/* SPDX-License-Identifier: MIT */
/* The user calls at their edges: what they refuse, what they promise, what they tell. */
#include "pair.h"

/* Reads all there is and holds it against what was written. */
static void assert_received(struct pair *p, const uint8_t *written, size_t length)
{
    uint8_t *bytes = malloc(length + 1);
    size_t n = 0;
    int64_t got;
    assert_non_null(bytes);
    pass(p, p->now + WH_SECOND, 64);
    while (n < length && (got = wh_recv(p->conn[1], bytes + n, length + 1 - n)) > 0) {
        n += (size_t)got;
        pass(p, p->now + WH_SECOND, 64);
    }
    assert_int_equal(n, length);
    assert_memory_equal(bytes, written, length);
    assert_int_equal(wh_recv(p->conn[1], bytes, 1), WH_E_AGAIN);
    free(bytes);
}

/* Fills reserved slices with bytes that go on counting from `from`. */
static size_t fill(const wh_slice *slices, int n, uint8_t *written, size_t from, size_t most)
{
    size_t done = 0;
    for (int i = 0; i < n; i++) {
        size_t length = MIN(slices[i].length, most - done);
        for (size_t k = 0; k < length; k++) {
            written[from + done + k] = (uint8_t)((from + done + k) * 7);
        }
        memcpy((void *)(uintptr_t)slices[i].base, written + from + done, length);
        done += length;
    }
    return done;
}

static size_t room_of(const wh_slice *slices, int n)
{
    size_t room = 0;
    for (int i = 0; i < n; i++) {
        room += slices[i].length;
    }
    return room;
}

/* What was reserved is one buffer, or the rest of the last one and a new one. */
static void reserved_room_joins_the_queue(void **state)
{
    (void)state;
    struct pair *p = begin(65535);
    static uint8_t written[20000];
    wh_slice slices[2];
    wh_conn *conn = p->conn[0];
    assert_int_equal(wh_set(conn, WH_OPT_NAGLE, 0), WH_OK);
    assert_int_equal(wh_reserve(conn, 0, slices, 2), WH_E_AGAIN);
    assert_int_equal(wh_reserve(conn, 100, slices, 0), WH_E_AGAIN);
    assert_int_equal(wh_reserve(conn, 1, slices, 1), 1);
    assert_int_equal(slices[0].length, 1);
    assert_int_equal(wh_reserve(conn, 100, slices, 1), 1);
    assert_int_equal(slices[0].length, 100);
    assert_int_equal(wh_commit(conn, chunk_max() + 1, 0), WH_E_INVAL);
    assert_int_equal(fill(slices, 1, written, 0, 100), 100);
    assert_int_equal(wh_commit(conn, 100, 0), 100);
    assert_int_equal(conn->send.length, 100);

    /* The last buffer has room left: all, and more than it has. */
    uint32_t rest = chunk_room(conn->send.tail);
    assert_int_equal(wh_reserve(conn, rest, slices, 2), 1);
    assert_int_equal(slices[0].length, rest);
    assert_int_equal(wh_reserve(conn, rest + 5000, slices, 1), 1);
    assert_int_equal(room_of(slices, 1), rest);
    assert_int_equal(wh_reserve(conn, rest + 5000, slices, 2), 2);
    assert_int_equal(room_of(slices, 2), rest + 5000);
    size_t n = fill(slices, 2, written, 100, rest + 4000);
    assert_int_equal(wh_commit(conn, n, 0), rest + 4000);
    assert_int_equal(conn->send.length, 100 + rest + 4000);
    assert_received(p, written, 100 + rest + 4000);
    end(p);
}

/* Committed into the rest of the last buffer alone: the other goes back. */
static void what_is_reserved_goes_with_the_connection(void **state)
{
    (void)state;
    struct pair *p = begin(65535);
    wh_slice slices[2];
    assert_int_equal(wh_reserve(p->conn[0], 100, slices, 2), 1);
    wh_abort(p->conn[0]);
    exchange(p, 64);
    end(p);
}

/* One byte is left of the last buffer, one is committed into the next. */
static void one_byte_here_and_one_there(void **state)
{
    (void)state;
    struct pair *p = begin(65535);
    static uint8_t written[5000];
    wh_slice slices[2];
    wh_conn *conn = p->conn[0];
    assert_int_equal(wh_set(conn, WH_OPT_CORK, 1), WH_OK);
    assert_int_equal(wh_reserve(conn, 100, slices, 2), 1);
    size_t size = conn->tcp->reservation.chunk->size - 1;
    assert_int_equal(wh_reserve(conn, size, slices, 2), 1);
    assert_int_equal(fill(slices, 1, written, 0, size), size);
    assert_int_equal(wh_commit(conn, size, 0), size);
    assert_int_equal(wh_reserve(conn, 10, slices, 2), 2);
    assert_int_equal(slices[0].length, 1);
    assert_int_equal(fill(slices, 2, written, size, 2), 2);
    assert_int_equal(wh_commit(conn, 2, 0), 2);
    assert_int_equal(wh_set(conn, WH_OPT_CORK, 0), WH_OK);
    assert_received(p, written, size + 2);
    end(p);
}

static void what_is_not_committed_goes_back(void **state)
{
    (void)state;
    struct pair *p = begin(65535);
    uint8_t written[200];
    wh_slice slices[2];
    wh_conn *conn = p->conn[0];
    assert_int_equal(wh_reserve(conn, 10, slices, 2), 1);
    assert_int_equal(fill(slices, 1, written, 0, 10), 10);
    assert_int_equal(wh_commit(conn, 10, 0), 10);
    assert_int_equal(wh_reserve(conn, 5000, slices, 2), 2);
    assert_int_equal(fill(slices, 2, written, 10, 1), 1);
    assert_int_equal(wh_commit(conn, 1, 0), 1);
    assert_null(conn->tcp->reservation.chunk);
    assert_int_equal(wh_reserve(conn, 5000, slices, 2), 2);
    assert_int_equal(wh_commit(conn, 0, 0), 0);
    assert_null(conn->tcp->reservation.chunk);
    assert_received(p, written, 11);
    assert_int_equal(wh_commit(conn, 0, 0), 0);
    assert_int_equal(wh_commit(conn, 1, 0), WH_E_INVAL);
    end(p);
}

/* A reservation that has become too small is replaced, one that is large enough serves again. */
static void a_reservation_is_kept_while_it_serves(void **state)
{
    (void)state;
    struct pair *p = begin(65535);
    wh_slice slices[2];
    wh_conn *conn = p->conn[0];
    assert_int_equal(wh_reserve(conn, 100, slices, 2), 1);
    const void *small = slices[0].base;
    assert_int_equal(wh_reserve(conn, conn->tcp->reservation.chunk->size, slices, 2), 1);
    assert_ptr_equal(slices[0].base, small);
    assert_int_equal(wh_reserve(conn, conn->tcp->reservation.chunk->size + 1, slices, 2), 1);
    assert_ptr_not_equal(slices[0].base, small);
    assert_int_equal(wh_shutdown(conn, WH_WRITE), WH_OK);
    assert_null(conn->tcp->reservation.chunk);
    assert_int_equal(wh_reserve(conn, 1, slices, 2), WH_E_PIPE);
    end(p);
}

/* No more than the send buffer takes, however much is asked for. */
static void a_reservation_ends_with_the_buffer(void **state)
{
    (void)state;
    struct pair *p = begin(65535);
    wh_slice slices[2];
    wh_conn *conn = p->conn[0];
    assert_int_equal(wh_set(conn, WH_OPT_SEND_BUFFER, 200000), WH_OK);
    assert_int_equal(wh_reserve(conn, 1000000, slices, 2), 1);
    assert_int_equal(slices[0].length, chunk_max());
    assert_int_equal(wh_commit(conn, chunk_max(), 0), chunk_max());
    assert_int_equal(wh_set(conn, WH_OPT_SEND_BUFFER, 70000), WH_OK);
    assert_int_equal(wh_reserve(conn, 1000000, slices, 2), 1);
    assert_int_equal(slices[0].length, 70000 - chunk_max());
    assert_int_equal(wh_reserve(conn, 1, slices, 2), 1);
    end(p);
}

/* Without memory: refused and counted, and what is left of the last buffer is still offered. */
static void memory_that_is_short_is_counted(void **state)
{
    (void)state;
    struct pair *p = begin(65535);
    static uint8_t bytes[20000];
    wh_slice slices[2];
    wh_conn *conn = p->conn[0];
    chunk_store_trim(&p->host[0]->tcp.chunks);
    p->arena.refuse_all = true;
    assert_int_equal(wh_send(conn, bytes, 100, 0), WH_E_NOMEM);
    assert_int_equal(wh_count(p->host[0], WH_WHY_MEMORY_CAP), 1);
    assert_int_equal(wh_reserve(conn, 100, slices, 2), WH_E_NOMEM);
    assert_int_equal(wh_count(p->host[0], WH_WHY_MEMORY_CAP), 2);
    p->arena.refuse_all = false;
    assert_int_equal(wh_send(conn, bytes, 100, 0), 100);
    p->arena.refuse_all = true;
    uint32_t rest = chunk_room(conn->send.tail);
    chunk_store_trim(&p->host[0]->tcp.chunks);
    assert_int_equal(wh_reserve(conn, 30000, slices, 2), 1);
    assert_int_equal(slices[0].length, rest);
    p->arena.refuse_all = false;
    assert_int_equal(wh_count(p->host[0], WH_WHY_MEMORY_CAP), 2);
    end(p);
}

static void peek_shows_what_waits(void **state)
{
    (void)state;
    struct pair *p = begin(65535);
    uint8_t bytes[1] = { 42 };
    wh_slice slices[4];
    assert_int_equal(wh_peek(p->conn[1], slices, 4), WH_E_AGAIN);
    assert_int_equal(wh_send(p->conn[0], bytes, 1, 0), 1);
    pass(p, p->now + WH_SECOND, 64);
    assert_int_equal(wh_peek(p->conn[1], slices, 0), 0);
    assert_int_equal(wh_peek(p->conn[1], slices, 4), 1);
    assert_int_equal(slices[0].length, 1);
    assert_int_equal(((const uint8_t *)slices[0].base)[0], 42);
    assert_int_equal(wh_consume(p->conn[1], 2), WH_E_INVAL);
    assert_int_equal(wh_consume(p->conn[1], 1), WH_OK);
    assert_int_equal(wh_peek(p->conn[1], slices, 4), WH_E_AGAIN);
    end(p);
}

static void a_listener_says_what_it_needs(void **state)
{
    (void)state;
    struct pair *p = begin(65535);
    wh_listen_options options;
    wh_listener *listener = NULL, *other = NULL;
    wh_listen_options_init(&options);
    assert_int_equal(options.backlog, 128);
    assert_int_equal(wh_listen(p->host[0], &options, &listener), WH_E_INVAL); /* no port */
    options.local.port = 90;
    options.flags = WH_LISTEN_ANY_PORT;
    assert_int_equal(wh_listen(p->host[0], &options, &listener), WH_E_INVAL); /* and any port */
    options.flags = 0;
    options.size--;
    assert_int_equal(wh_listen(p->host[0], &options, &listener), WH_E_INVAL);
    options.size++;
    options.backlog = 0;
    assert_int_equal(wh_listen(p->host[0], &options, &listener), WH_E_INVAL);
    options.backlog = 1;
    assert_int_equal(wh_listen(p->host[0], &options, &listener), WH_OK);
    assert_int_equal(wh_listen(p->host[0], &options, &other), WH_E_ADDRINUSE);
    options.local.addr = address_of(0);
    assert_int_equal(wh_listen(p->host[0], &options, &other), WH_OK); /* another address */
    wh_listener_close(other);
    options.local.port = 0;
    options.flags = WH_LISTEN_ANY_PORT;
    assert_int_equal(wh_listen(p->host[0], &options, &other), WH_OK);
    wh_listener *third = NULL;
    assert_int_equal(wh_listen(p->host[0], &options, &third), WH_E_ADDRINUSE);
    memset(&options.local, 0, sizeof options.local);
    assert_int_equal(wh_listen(p->host[0], &options, &third), WH_OK);
    end(p);
}

/* The directory of listeners grows without forgetting, and gives numbers again. */
static void the_directory_of_listeners_grows(void **state)
{
    (void)state;
    struct pair *p = begin(65535);
    wh_listener *listener[100];
    wh_listen_options options;
    wh_listen_options_init(&options);
    for (unsigned i = 0; i < 100; i++) {
        options.local.port = (uint16_t)(1000 + i);
        assert_int_equal(wh_listen(p->host[0], &options, &listener[i]), WH_OK);
        assert_int_equal(listener[i]->number, i + 1);
    }
    for (unsigned i = 0; i < 100; i++) {
        assert_ptr_equal(p->host[0]->listener[i + 1], listener[i]);
    }
    wh_listener_close(listener[40]);
    wh_listener_close(listener[0]);
    options.local.port = 2000;
    assert_int_equal(wh_listen(p->host[0], &options, &listener[0]), WH_OK);
    assert_int_equal(listener[0]->number, 1);
    options.local.port = 2001;
    assert_int_equal(wh_listen(p->host[0], &options, &listener[40]), WH_OK);
    assert_int_equal(listener[40]->number, 41);
    end(p);
}

static void a_listener_without_memory_leaves_nothing(void **state)
{
    (void)state;
    struct pair *p = begin(65535);
    wh_listen_options options;
    wh_listener *listener = NULL;
    wh_listen_options_init(&options);
    options.local.port = 90;
    /* The directory, then the listener: neither, the first only, both. */
    for (long grants = 0; grants < 3; grants++) {
        chunk_store_trim(&p->host[0]->tcp.chunks);
        p->arena.grants = grants;
        int result = wh_listen(p->host[0], &options, &listener);
        p->arena.grants = -1;
        if (result == WH_OK) {
            wh_listener_close(listener);
            break;
        }
        assert_int_equal(result, WH_E_NOMEM);
        assert_int_equal(p->host[0]->listener_count, 0);
    }
    assert_int_equal(wh_listen(p->host[0], &options, &listener), WH_OK);
    end(p);
}

static void connect_refuses_what_is_no_other_end(void **state)
{
    (void)state;
    struct pair *p = begin(65535);
    wh_connect_options options;
    wh_conn *conn = NULL;
    wh_connect_options_init(&options);
    options.remote = (wh_endpoint){ address_of(1), 0 };
    assert_int_equal(wh_connect(p->host[0], &options, p->now, &conn), WH_E_INVAL);
    options.remote.port = 1;
    options.size--;
    assert_int_equal(wh_connect(p->host[0], &options, p->now, &conn), WH_E_INVAL);
    options.size++;
    assert_int_equal(wh_connect(p->host[0], &options, p->now, &conn), WH_OK);
    /* Its time is that of the call, and time does not go back. */
    wh_time now = p->now + 100 * WH_SECOND;
    assert_int_equal(wh_connect(p->host[0], &options, now, &conn), WH_OK);
    assert_int_equal(p->host[0]->tcp.now, now);
    assert_int_equal(wh_connect(p->host[0], &options, p->now, &conn), WH_OK);
    assert_int_equal(p->host[0]->tcp.now, now);
    p->now = now;
    end(p);
}

/* Sixteen bytes in network order; the key before it stays beside it. */
static void a_fast_open_key_is_read_as_bytes(void **state)
{
    (void)state;
    struct pair *p = begin(65535);
    uint8_t key[16];
    struct siphash_key before = p->host[0]->tcp.fast_open_key[0];
    for (uint8_t i = 0; i < 16; i++) {
        key[i] = (uint8_t)(0x81 + 0x11 * i);
    }
    wh_fast_open_key(p->host[0], key);
    const struct siphash_key *now = p->host[0]->tcp.fast_open_key;
    assert_true(now[0].k0 == UINT64_C(0x8192a3b4c5d6e7f8));
    assert_true(now[0].k1 == UINT64_C(0x091a2b3c4d5e6f80));
    assert_true(now[1].k0 == before.k0 && now[1].k1 == before.k1);
    end(p);
}

/* What has not left is taken back, with what was reserved and where the urgent data ends. */
static void a_flush_takes_back_what_has_not_left(void **state)
{
    (void)state;
    struct pair *p = begin(65535);
    static uint8_t bytes[100];
    wh_slice slices[2];
    wh_conn *conn = p->conn[0];
    assert_int_equal(wh_flush(conn), 0);
    assert_int_equal(wh_reserve(conn, 100, slices, 2), 1);
    assert_int_equal(wh_flush(conn), 0);
    assert_null(conn->tcp->reservation.chunk);
    assert_int_equal(wh_send(conn, bytes, 100, WH_SEND_URGENT), 100);
    assert_int_equal(wh_flush(conn), 100);
    assert_int_equal(conn->urgent_out, 0); /* nothing urgent is left */
    assert_int_equal(wh_send(conn, bytes, 10, WH_SEND_MORE), 10);
    assert_int_equal(wh_flush(conn), 10);
    assert_int_equal(conn->more, 0);
    assert_int_equal(wh_send(conn, bytes, 10, 0), 10);
    wh_frame frame;
    assert_int_equal(wh_output(p->host[0], &frame, 1, p->now), 1);
    assert_int_equal(wh_flush(conn), 0);
    wh_sent(p->host[0], &frame, 1);
    end(p);
}

static void congestion_control_goes_by_name(void **state)
{
    (void)state;
    struct pair *p = begin(65535);
    wh_info info = { .size = sizeof info };
    const struct cc_algorithm *usual = p->conn[0]->profile->congestion;
    assert_int_equal(wh_set_congestion(p->conn[0], "newreno"), WH_OK);
    wh_info_get(p->conn[0], &info);
    assert_string_equal(info.congestion, "newreno");
    assert_ptr_not_equal(p->conn[0]->profile, p->host[0]->tcp.defaults); /* its own from now on */
    assert_ptr_equal(p->host[0]->tcp.defaults->congestion, usual);
    assert_int_equal(wh_set_congestion(p->conn[0], "none such"), WH_E_NOENT);
    end(p);
}

static void a_value_out_of_range_is_refused(void **state)
{
    (void)state;
    struct pair *p = begin(65535);
    int64_t value;
    assert_int_equal(wh_set(p->conn[0], WH_OPT_TTL, 1000), WH_E_INVAL);
    assert_int_equal(wh_get(p->conn[0], WH_OPT_TTL, &value), WH_OK);
    assert_int_not_equal(value, 1000);
    end(p);
}

/* A listener that has something to tell, closed before it was asked, tells nothing. */
static void a_closed_listener_is_silent(void **state)
{
    (void)state;
    struct pair *p = begin(65535);
    wh_connect_options connect;
    wh_event event[8];
    wh_conn *conn = NULL;
    wh_connect_options_init(&connect);
    connect.remote = (wh_endpoint){ address_of(1), 80 };
    while (wh_events(p->host[1], event, 8) != 0) {
    }
    assert_int_equal(wh_connect(p->host[0], &connect, p->now, &conn), WH_OK);
    exchange(p, 64);
    assert_true(link_listed(&p->listener->event_link));
    wh_listener_close(p->listener);
    assert_true(list_empty(&p->host[1]->eventful_listeners));
    assert_int_equal(wh_events(p->host[1], event, 8), 0);
    end(p);
}

static void shutdown_wants_a_side(void **state)
{
    (void)state;
    struct pair *p = begin(65535);
    assert_int_equal(wh_shutdown(p->conn[0], 0), WH_E_INVAL);
    assert_int_equal(wh_shutdown(p->conn[0], WH_READ | WH_WRITE | 1U << 7), WH_E_INVAL);
    assert_int_equal(wh_shutdown(p->conn[0], 1U << 7), WH_E_INVAL);
    assert_int_equal(conn_state(p->conn[0]), WH_ESTABLISHED);
    assert_int_equal(wh_shutdown(p->conn[0], WH_READ | WH_WRITE), WH_OK);
    assert_int_equal(conn_state(p->conn[0]), WH_FIN_WAIT_1);
    end(p);
}

/* Pointers come back as they were given: the listener's with the offer, the SYN's own after that. */
static void a_held_syn_bears_a_pointer(void **state)
{
    (void)state;
    struct pair *p = begin(65535);
    wh_listen_options listen;
    wh_connect_options connect;
    wh_listener *listener = NULL;
    wh_event event[8];
    int mine, its;
    wh_listen_options_init(&listen);
    listen.local.port = 81;
    listen.flags = WH_LISTEN_HOLD;
    listen.user = &mine;
    assert_int_equal(wh_listen(p->host[1], &listen, &listener), WH_OK);
    while (wh_events(p->host[1], event, 8) != 0) {
    }
    wh_connect_options_init(&connect);
    connect.remote = (wh_endpoint){ address_of(1), 81 };
    wh_conn *conn = NULL;
    assert_int_equal(wh_connect(p->host[0], &connect, p->now, &conn), WH_OK);
    exchange(p, 64);
    assert_int_equal(wh_events(p->host[1], event, 8), 1);
    assert_ptr_equal(event[0].user, &mine);
    wh_syn *syn = event[0].syn;
    assert_non_null(syn);
    wh_syn_set_user(syn, &its);
    wh_abort(conn);
    p->now += 200 * WH_SECOND;
    exchange(p, 64);
    assert_int_equal(wh_events(p->host[1], event, 8), 1);
    assert_ptr_equal(event[0].syn, syn);
    assert_ptr_equal(event[0].user, &its);
    wh_syn_ignore(syn);
    end(p);
}

/* How many connections wait behind this listener. */
static unsigned entries_of(wh_stack *host, const wh_listener *listener)
{
    wh_cursor cursor = { 0 };
    wh_entry entry;
    unsigned n = 0;
    while (wh_each(host, &cursor, &entry)) {
        n += entry.listener == listener && entry.state == WH_ESTABLISHED;
    }
    return n;
}

/* RFC 6056 and 6335: all of 49152 to 65535 to one other end, each once, one after the other. */
static void every_dynamic_port_serves_once(void **state)
{
    (void)state;
    struct pair *p = begin(65535);
    static bool seen[65536];
    static wh_conn *all[16384];
    wh_connect_options options;
    wh_conn *conn = NULL;
    uint16_t last = 0;
    wh_connect_options_init(&options);
    options.remote = (wh_endpoint){ address_of(1), 7 };
    memset(seen, 0, sizeof seen);
    for (unsigned i = 0; i < 16384; i++) {
        wh_endpoint local, remote;
        assert_int_equal(wh_connect(p->host[0], &options, p->now, &conn), WH_OK);
        wh_endpoints(conn, &local, &remote);
        assert_in_range(local.port, 49152, 65535);
        assert_false(seen[local.port]);
        seen[local.port] = true;
        if (i > 0) {
            assert_int_equal(local.port, last == 65535 ? 49152 : last + 1);
        }
        last = local.port;
        all[i] = conn;
    }
    assert_int_equal(wh_connect(p->host[0], &options, p->now, &conn), WH_E_ADDRNOTAVAIL);
    /* One place is enough, wherever the search begins. */
    for (unsigned i = 0; i < 16384; i += 16383) {
        wh_abort(all[i]);
        assert_int_equal(wh_connect(p->host[0], &options, p->now, &conn), WH_OK);
        assert_int_equal(wh_connect(p->host[0], &options, p->now, &conn), WH_E_ADDRNOTAVAIL);
    }
    options.remote.port = 8; /* to another end all are free */
    assert_int_equal(wh_connect(p->host[0], &options, p->now, &conn), WH_OK);
    end(p);
}

/* The listener that names our address comes before the one for any, whichever came first. */
static void the_closer_listener_takes_the_syn(void **state)
{
    (void)state;
    for (unsigned first = 0; first < 2; first++) {
        struct pair *p = begin(65535);
        wh_listener *listener[2];
        wh_listen_options listen;
        wh_connect_options connect;
        wh_conn *conn = NULL;
        for (unsigned i = 0; i < 2; i++) {
            unsigned which = i ^ first;
            wh_listen_options_init(&listen);
            listen.local.port = 90;
            if (which == 1) {
                listen.local.addr = address_of(1);
            }
            assert_int_equal(wh_listen(p->host[1], &listen, &listener[which]), WH_OK);
        }
        wh_connect_options_init(&connect);
        connect.remote = (wh_endpoint){ address_of(1), 90 };
        assert_int_equal(wh_connect(p->host[0], &connect, p->now, &conn), WH_OK);
        exchange(p, 64);
        assert_int_equal(wh_accept(listener[0], NULL, &p->conn[1]), WH_E_AGAIN);
        assert_int_equal(wh_accept(listener[1], NULL, &p->conn[1]), WH_OK);
        end(p);
    }
}

/* What was accepted goes by the pointer that wh_accept was given, and tells what waits. */
static void accept_gives_a_pointer_and_tells_what_waits(void **state)
{
    (void)state;
    struct pair *p = begin(65535);
    wh_connect_options connect;
    wh_event event[8];
    int mine;
    wh_connect_options_init(&connect);
    connect.remote = (wh_endpoint){ address_of(1), 80 };
    wh_conn *conn = NULL, *accepted = NULL;
    assert_int_equal(wh_connect(p->host[0], &connect, p->now, &conn), WH_OK);
    exchange(p, 64);
    assert_int_equal(wh_send(conn, "hello", 5, 0), 5);
    pass(p, p->now + WH_SECOND, 64);
    assert_int_equal(entries_of(p->host[1], p->listener), 1);
    assert_int_equal(wh_accept(p->listener, &mine, &accepted), WH_OK);
    assert_int_equal(entries_of(p->host[1], p->listener), 0);
    assert_int_equal(wh_accept(p->listener, NULL, &accepted), WH_E_AGAIN);
    size_t n = wh_events(p->host[1], event, 8);
    bool told = false;
    for (size_t i = 0; i < n; i++) {
        if (event[i].conn == accepted) {
            assert_ptr_equal(event[i].user, &mine);
            assert_true((event[i].ready & WH_READABLE) != 0);
            assert_true((event[i].ready & WH_CONNECTED) == 0);
            told = true;
        }
    }
    assert_true(told);
    end(p);
}

/* Keeps the next frame that leaves a host, and hands it to the other as often as one likes. */
static wh_frame keep(struct pair *p, unsigned from, uint8_t *bytes)
{
    wh_frame frame, kept = { .slice[0] = { bytes, 0 }, .slices = 1 };
    assert_int_equal(wh_output(p->host[from], &frame, 1, p->now), 1);
    for (uint32_t k = 0; k < frame.slices; k++) {
        memcpy(bytes + kept.length, frame.slice[k].base, frame.slice[k].length);
        kept.length += (uint32_t)frame.slice[k].length;
    }
    kept.slice[0].length = kept.length;
    wh_sent(p->host[from], &frame, 1);
    return kept;
}

/* Why the last segment left this host, as its trace tells. */
static wh_reason why_last(wh_stack *host)
{
    wh_trace_record record;
    wh_reason reason = WH_WHY_NONE;
    while (wh_trace(host, &record, 1, NULL) != 0) {
        if (record.kind == WH_TRACE_OUT) {
            reason = (wh_reason)record.reason;
        }
    }
    return reason;
}

static void what_leaves_says_why(void **state)
{
    (void)state;
    struct pair *p = begin_with(65535, 256);
    static uint8_t syn[2048], data[2048];
    wh_connect_options options;
    wh_conn *conn = NULL;
    wh_connect_options_init(&options);
    options.remote = (wh_endpoint){ address_of(1), 80 };
    assert_int_equal(wh_connect(p->host[0], &options, p->now, &conn), WH_OK);
    wh_frame first = keep(p, 0, syn);
    assert_int_equal(why_last(p->host[0]), WH_WHY_NONE);
    p->now = wh_wake(p->host[0]);
    first = keep(p, 0, syn);
    assert_int_equal(why_last(p->host[0]), WH_WHY_RETRANSMIT_TIMEOUT);

    /* The SYN, the SYN again while half-open, and once more inside the connection. */
    wh_input(p->host[1], &first, 1, p->now);
    carry(p, 1, 64);
    assert_int_equal(why_last(p->host[1]), WH_WHY_NONE);
    wh_input(p->host[1], &first, 1, p->now);
    carry(p, 1, 64);
    assert_int_equal(why_last(p->host[1]), WH_WHY_SYN_REPEATED);
    exchange(p, 64);
    wh_input(p->host[1], &first, 1, p->now);
    carry(p, 1, 64);
    assert_int_equal(why_last(p->host[1]), WH_WHY_CHALLENGE_ACK);

    /* Data, and the same data again. */
    assert_int_equal(wh_send(conn, "once", 4, 0), 4);
    wh_frame once = keep(p, 0, data);
    wh_input(p->host[1], &once, 1, p->now);
    pass(p, p->now + WH_SECOND, 64);
    assert_int_equal(why_last(p->host[1]), WH_WHY_NONE);
    wh_input(p->host[1], &once, 1, p->now);
    carry(p, 1, 64);
    assert_int_equal(why_last(p->host[1]), WH_WHY_DUPLICATE_ACK);
    end(p);
}

/* A call that changes the state leaves a record that says all about it. */
static void a_change_by_a_call_is_told(void **state)
{
    (void)state;
    struct pair *p = begin_with(65535, 256);
    wh_trace_record record;
    while (wh_trace(p->host[0], &record, 1, NULL) != 0) {
    }
    assert_int_equal(wh_shutdown(p->conn[0], WH_WRITE), WH_OK);
    assert_int_equal(wh_trace(p->host[0], &record, 1, NULL), 1);
    assert_int_equal(record.kind, WH_TRACE_STATE);
    assert_int_equal(record.time, p->now);
    assert_int_equal(record.state_before, WH_ESTABLISHED);
    assert_int_equal(record.state_after, WH_FIN_WAIT_1);
    assert_int_equal(record.arc, WH_ON_CLOSE);
    assert_int_equal(record.reason, WH_WHY_BY_APPLICATION);
    assert_int_equal(record.seq, p->conn[0]->snd_nxt);
    assert_int_equal(record.ack, p->conn[0]->rcv_nxt);
    assert_int_equal(record.remote.port, 80);
    assert_int_equal(record.local.port, p->conn[0]->tuple.local_port);
    end(p);
}

/* The link's buffer stays where it is if the data fills half of it, and is copied if not. */
static void deliver_in_place(struct pair *p, uint32_t length, bool in_place)
{
    static uint8_t bytes[1400];
    wh_frame frames[4];
    assert_int_equal(wh_send(p->conn[0], bytes, length, 0), length);
    assert_int_equal(wh_output(p->host[0], frames, 4, p->now), 1);
    void *base;
    size_t room, at = 0;
    struct chunk *buffer = wh_buffer(p->host[1], frames[0].length, &base, &room);
    assert_non_null(buffer);
    for (uint32_t k = 0; k < frames[0].slices; k++) {
        memcpy((uint8_t *)base + at, frames[0].slice[k].base, frames[0].slice[k].length);
        at += frames[0].slice[k].length;
    }
    wh_frame in = { .slice[0] = { base, at }, .slices = 1, .length = (uint32_t)at };
    in.buffer = buffer;
    wh_sent(p->host[0], frames, 1);
    wh_input(p->host[1], &in, 1, p->now);
    wh_slice slice[1];
    assert_int_equal(wh_peek(p->conn[1], slice, 1), 1);
    assert_int_equal(slice[0].length, length);
    assert_int_equal(p->conn[1]->receive.head == buffer, in_place);
    assert_memory_equal(slice[0].base, bytes, length);
    assert_int_equal(wh_consume(p->conn[1], length), WH_OK);
    exchange(p, 64);
    pass(p, p->now + WH_SECOND, 64);
}

static void a_large_piece_stays_in_the_links_buffer(void **state)
{
    (void)state;
    struct pair *p = begin(65535);
    void *base;
    size_t room;
    void *buffer = wh_buffer(p->host[1], 600, &base, &room); /* the smallest class */
    wh_buffer_free(p->host[1], buffer);
    assert_in_range(room, 900, 1100);
    uint32_t half = (uint32_t)room / 2;
    deliver_in_place(p, half, true);
    deliver_in_place(p, half - 1, false);
    deliver_in_place(p, half + 1, true);
    end(p);
}

/* Bytes are counted beyond the 32 bits of a sequence number; the FIN's number is not one of them. */
static void more_than_all_numbers(void **state)
{
    (void)state;
    const uint32_t before = UINT32_MAX - 20000;
    static uint8_t written[65536];
    struct pair *p = begin(1 << 20);
    wh_info info = { .size = sizeof info };
    p->conn[0]->iss -= before; /* as if so many bytes had gone already */
    p->conn[1]->irs -= before;
    assert_int_equal(wh_send(p->conn[0], written, sizeof written, 0), sizeof written);
    assert_received(p, written, sizeof written);
    wh_info_get(p->conn[0], &info);
    assert_int_equal(info.bytes_acked, before + (uint64_t)sizeof written);
    assert_int_equal(info.bytes_sent, before + (uint64_t)sizeof written);
    wh_info_get(p->conn[1], &info);
    assert_int_equal(info.bytes_received, before + (uint64_t)sizeof written);
    assert_int_equal(wh_shutdown(p->conn[0], WH_WRITE), WH_OK);
    exchange(p, 64);
    wh_info_get(p->conn[0], &info);
    assert_int_equal(info.bytes_acked, before + (uint64_t)sizeof written);
    wh_info_get(p->conn[1], &info);
    assert_int_equal(info.bytes_received, before + (uint64_t)sizeof written);
    end(p);
}

/* The sum made of what was copied is void when more is written behind it in place. */
static void what_is_committed_is_summed_too(void **state)
{
    (void)state;
    struct pair *p = begin(65535);
    uint8_t bytes[600], got[700];
    wh_slice slice[1];
    memset(bytes, 0x5a, sizeof bytes);
    assert_int_equal(wh_send(p->conn[0], bytes, sizeof bytes, 0), sizeof bytes);
    assert_int_equal(wh_reserve(p->conn[0], 100, slice, 1), 1);
    memset((void *)(uintptr_t)slice[0].base, 0x17, 100);
    assert_int_equal(wh_commit(p->conn[0], 100, 0), 100);
    exchange(p, 64);
    assert_int_equal(wh_recv(p->conn[1], got, sizeof got), 700);
    assert_memory_equal(got, bytes, sizeof bytes);
    assert_int_equal(got[699], 0x17);
    assert_int_equal(p->host[1]->tcp.count[WH_WHY_TCP_CHECKSUM], 0);
    end(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reserved_room_joins_the_queue),
        cmocka_unit_test(more_than_all_numbers),
        cmocka_unit_test(what_is_reserved_goes_with_the_connection),
        cmocka_unit_test(one_byte_here_and_one_there),
        cmocka_unit_test(what_is_not_committed_goes_back),
        cmocka_unit_test(a_reservation_is_kept_while_it_serves),
        cmocka_unit_test(a_reservation_ends_with_the_buffer),
        cmocka_unit_test(memory_that_is_short_is_counted),
        cmocka_unit_test(peek_shows_what_waits),
        cmocka_unit_test(a_listener_says_what_it_needs),
        cmocka_unit_test(the_directory_of_listeners_grows),
        cmocka_unit_test(a_listener_without_memory_leaves_nothing),
        cmocka_unit_test(connect_refuses_what_is_no_other_end),
        cmocka_unit_test(every_dynamic_port_serves_once),
        cmocka_unit_test(the_closer_listener_takes_the_syn),
        cmocka_unit_test(a_fast_open_key_is_read_as_bytes),
        cmocka_unit_test(a_flush_takes_back_what_has_not_left),
        cmocka_unit_test(congestion_control_goes_by_name),
        cmocka_unit_test(a_value_out_of_range_is_refused),
        cmocka_unit_test(a_closed_listener_is_silent),
        cmocka_unit_test(shutdown_wants_a_side),
        cmocka_unit_test(a_held_syn_bears_a_pointer),
        cmocka_unit_test(accept_gives_a_pointer_and_tells_what_waits),
        cmocka_unit_test(a_change_by_a_call_is_told),
        cmocka_unit_test(what_leaves_says_why),
        cmocka_unit_test(a_large_piece_stays_in_the_links_buffer),
        cmocka_unit_test(what_is_committed_is_summed_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
