/* SPDX-License-Identifier: MIT */
/* Real stacks on simulated paths: every byte arrives, everything ends, and a seed replays exactly. */
#include "frames.h"

enum { BYTES = 400000 };

/* One host and what its application is about. */
struct host {
    wh_stack *stack;
    wh_conn *conn;
    wh_listener *listener;
    uint32_t sent, received;
    bool opened, finished; /* saw the end of the peer's stream */
    int error;
};

static wh_stack *new_stack(const char *addr, uint8_t seed)
{
    wh_config config;
    wh_stack *stack;
    wh_addr parsed;
    wh_config_init(&config);
    config.memory = wh_memory_malloc();
    wh_seed(config.seed, seed);
    config.msl = WH_SECOND;
    assert_int_equal(wh_stack_new(&stack, &config, 0), WH_OK);
    assert_int_equal(wh_addr_parse(addr, &parsed), WH_OK);
    assert_int_equal(wh_address_add(stack, &parsed, 24), WH_OK);
    return stack;
}

static void send_stream(struct host *host)
{
    while (host->sent < BYTES) {
        uint8_t data[5000];
        uint32_t n = MIN((uint32_t)sizeof data, BYTES - host->sent);
        for (uint32_t i = 0; i < n; i++)
            data[i] = stream_byte(host->sent + i);
        int64_t taken = wh_send(host->conn, data, n, 0);
        if (taken <= 0)
            return;
        host->sent += (uint32_t)taken;
        if (host->sent == BYTES)
            wh_shutdown(host->conn, WH_WRITE);
    }
}

static void receive_stream(struct host *host)
{
    for (;;) {
        uint8_t data[7000];
        int64_t n = wh_recv(host->conn, data, sizeof data);
        if (n == 0)
            host->finished = true;
        if (n <= 0)
            return;
        for (uint32_t i = 0; i < (uint32_t)n; i++)
            assert_int_equal(data[i], stream_byte(host->received + i));
        host->received += (uint32_t)n;
    }
}

static void act(struct host *host)
{
    wh_event events[16];
    size_t n = wh_events(host->stack, events, 16);
    for (size_t i = 0; i < n; i++) {
        if (events[i].ready & WH_ACCEPTABLE) {
            if (wh_accept(host->listener, host, &host->conn) == WH_OK) {
                wh_watch(host->conn, WH_WATCH_DEFAULT | WH_WRITABLE);
                host->opened = true;
            }
            continue;
        }
        if (events[i].ready & WH_CONNECTED)
            host->opened = true;
        if ((events[i].ready & WH_DEAD) && wh_conn_error(host->conn) != 0)
            host->error = wh_conn_error(host->conn);
    }
    if (!host->opened || host->conn == NULL)
        return;
    send_stream(host);
    receive_stream(host);
    if (host->sent == BYTES)
        wh_watch(host->conn, WH_WATCH_DEFAULT);
    if (host->error != 0 || (host->finished && host->sent == BYTES)) {
        wh_close(host->conn);
        host->conn = NULL;
    }
}

/* Two hosts, a path with these rules, and a stream each way. Returns when all of it was over. */
static wh_time exchange(const char *const *rules, uint8_t seed, struct host *client,
                        struct host *server)
{
    wh_sim *sim;
    wh_path *path;
    wh_path_options options;
    char error[200];
    wh_path_options_init(&options);
    wh_seed(options.seed, seed);
    assert_int_equal(wh_path_new(&path, &options), WH_OK);
    for (; *rules != NULL; rules++)
        assert_int_equal(wh_path_fault(path, *rules, error, sizeof error), WH_OK);
    assert_int_equal(wh_sim_new(&sim, 0), WH_OK);
    *client = (struct host){ .stack = new_stack("10.0.2.100", seed) };
    *server = (struct host){ .stack = new_stack("10.0.2.2", (uint8_t)(seed + 100)) };
    assert_int_equal(wh_sim_join(sim, client->stack, server->stack, path), WH_OK);
    assert_int_equal(wh_sim_join(sim, client->stack, server->stack, path), WH_E_INVAL);

    wh_listen_options listen;
    wh_connect_options connect;
    wh_listen_options_init(&listen);
    listen.local.port = SERVER_PORT;
    assert_int_equal(wh_listen(server->stack, &listen, &server->listener), WH_OK);
    wh_connect_options_init(&connect);
    connect.remote = (wh_endpoint){ server_addr(false), SERVER_PORT };
    assert_int_equal(wh_connect(client->stack, &connect, 0, &client->conn), WH_OK);
    wh_watch(client->conn, WH_WATCH_DEFAULT | WH_WRITABLE);

    wh_time last = 0;
    for (unsigned turns = 0;; turns++) {
        wh_time next = wh_sim_settle(sim);
        last = wh_sim_now(sim);
        act(client);
        act(server);
        if (wh_sim_settle(sim) < next)
            next = wh_sim_settle(sim);
        assert_null(wh_check(client->stack));
        assert_null(wh_check(server->stack));
        if (next == WH_NEVER)
            break;
        assert_true(next > last);
        assert_true(turns < 1000000);
        wh_sim_advance(sim, next);
    }
    wh_stack_free(client->stack);
    wh_stack_free(server->stack);
    wh_sim_free(sim);
    return last;
}

static void a_clean_path_carries_everything(void **state)
{
    (void)state;
    const char *rules[] = { NULL };
    struct host client, server;
    exchange(rules, 1, &client, &server);
    assert_int_equal(client.error | server.error, 0);
    assert_int_equal(client.received, BYTES);
    assert_int_equal(server.received, BYTES);
}

static void a_bad_path_carries_everything_and_replays(void **state)
{
    (void)state;
    const char *rules[] = { "loss 3%",      "delay 20ms",   "jitter 2ms",   "reorder 2%",
                            "duplicate 2%", "corrupt 0.5%", "rate 200mbit", NULL };
    for (uint8_t seed = 1; seed < 6; seed++) {
        struct host client, server;
        wh_time took = exchange(rules, seed, &client, &server);
        assert_int_equal(client.error | server.error, 0);
        assert_int_equal(client.received, BYTES);
        assert_int_equal(server.received, BYTES);
        assert_true(took > 60 * WH_MILLISECOND);
        assert_true(exchange(rules, seed, &client, &server) == took);
    }
}

static void each_segment_of_handshake_and_close_may_be_lost(void **state)
{
    (void)state;
    static const char *const drops[] = { "drop syn 1",       "drop syn-ack 1", "drop ack-of-syn 1",
                                         "drop data 1",      "drop fin 1",     "drop fin 2",
                                         "drop ack-of-fin 1" };
    for (size_t i = 0; i < sizeof drops / sizeof drops[0]; i++) {
        const char *rules[] = { drops[i], "delay 5ms", NULL };
        struct host client, server;
        exchange(rules, 9, &client, &server);
        if (client.error != 0 || server.error != 0 || client.received != BYTES ||
            server.received != BYTES)
            fail_msg("%s: errors %d, %d; received %u, %u", drops[i], client.error, server.error,
                     client.received, server.received);
    }
}

static void refusal_reset_and_silence_end_it(void **state)
{
    (void)state;
    const char *refuse[] = { "refuse", NULL },
               *reset[] = { "reset after 100kb", "delay 5ms", NULL };
    const char *silence[] = { "silence after 200ms", "delay 50ms", "rate 10mbit", NULL };
    struct host client, server;
    exchange(refuse, 1, &client, &server);
    assert_int_equal(client.error, WH_E_CONNREFUSED);
    assert_false(server.opened);
    exchange(reset, 1, &client, &server);
    assert_int_equal(client.error, WH_E_CONNRESET);
    assert_int_equal(server.error, WH_E_CONNRESET);
    exchange(silence, 1, &client, &server);
    assert_int_equal(client.error, WH_E_TIMEDOUT);
    assert_int_equal(server.error, WH_E_TIMEDOUT);
}

static void a_stack_has_one_path_and_time_goes_on(void **state)
{
    (void)state;
    wh_sim *sim;
    wh_path *path, *other;
    wh_path_options options;
    wh_path_options_init(&options);
    wh_stack *a = new_stack("10.0.2.100", 1), *b = new_stack("10.0.2.2", 2),
             *c = new_stack("10.0.2.3", 3), *d = new_stack("10.0.2.4", 4);
    assert_int_equal(wh_path_new(&path, &options), WH_OK);
    assert_int_equal(wh_path_new(&other, &options), WH_OK);
    assert_int_equal(wh_sim_new(&sim, 5), WH_OK);
    assert_true(wh_sim_settle(sim) == WH_NEVER);
    assert_int_equal(wh_sim_join(sim, a, a, path), WH_E_INVAL);
    assert_int_equal(wh_sim_join(sim, a, b, path), WH_OK);
    assert_int_equal(wh_sim_join(sim, b, c, other), WH_E_INVAL);
    assert_int_equal(wh_sim_join(sim, c, d, path), WH_E_INVAL);
    wh_sim_advance(sim, 4);
    assert_int_equal(wh_sim_now(sim), 5);
    wh_sim_advance(sim, 6);
    assert_int_equal(wh_sim_now(sim), 6);
    wh_sim_free(sim);
    wh_sim_free(NULL);
    wh_path_free(other);
    wh_stack_free(a);
    wh_stack_free(b);
    wh_stack_free(c);
    wh_stack_free(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_clean_path_carries_everything),
        cmocka_unit_test(a_bad_path_carries_everything_and_replays),
        cmocka_unit_test(each_segment_of_handshake_and_close_may_be_lost),
        cmocka_unit_test(refusal_reset_and_silence_end_it),
        cmocka_unit_test(a_stack_has_one_path_and_time_goes_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
