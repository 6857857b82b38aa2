/* SPDX-License-Identifier: MIT */
/* What a stack tells of itself: the arcs that its records took. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <wavehand/wavehand.h>

static void *take(void *context, size_t size)
{
    (void)context;
    return malloc(size);
}

static void give(void *context, void *memory, size_t size)
{
    (void)context, (void)size;
    free(memory);
}

static wh_stack *new_host(void)
{
    wh_config config;
    wh_config_init(&config);
    config.memory = (wh_memory){ NULL, take, give };
    config.seed[0] = 1;
    wh_stack *host;
    assert_int_equal(wh_stack_new(&host, &config, WH_SECOND), WH_OK);
    return host;
}

static uint64_t arcs(const wh_stack *host)
{
    uint64_t sum = 0;
    for (unsigned from = 0; from < WH_STATE_COUNT; from++) {
        for (unsigned event = 0; event < WH_ARC_EVENT_COUNT; event++) {
            sum += wh_arc_count(host, (wh_state)from, (wh_arc_event)event);
        }
    }
    return sum;
}

static void arcs_are_counted(void **state)
{
    (void)state;
    wh_stack *host = new_host();
    assert_int_equal(arcs(host), 0);
    wh_listen_options options;
    wh_listen_options_init(&options);
    wh_listener *listener;
    for (uint16_t port = 1; port <= 3; port++) {
        options.local.port = port;
        assert_int_equal(wh_listen(host, &options, &listener), WH_OK);
    }
    assert_int_equal(wh_arc_count(host, WH_CLOSED, WH_ON_PASSIVE_OPEN), 3);
    wh_listener_close(listener);
    assert_int_equal(wh_arc_count(host, WH_LISTEN, WH_ON_CLOSE), 1);
    assert_int_equal(arcs(host), 4);
    wh_stack_free(host);
}

static void what_is_no_arc_was_never_taken(void **state)
{
    (void)state;
    wh_stack *host = new_host();
    assert_int_equal(wh_arc_count(host, WH_STATE_COUNT, WH_ON_CLOSE), 0);
    assert_int_equal(wh_arc_count(host, WH_LISTEN, WH_ARC_EVENT_COUNT), 0);
    assert_int_equal(wh_arc_count(host, WH_LISTEN, WH_ON_NOTHING), 0);
    wh_stack_free(host);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arcs_are_counted),
        cmocka_unit_test(what_is_no_arc_was_never_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
