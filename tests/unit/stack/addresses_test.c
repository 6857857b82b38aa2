/* SPDX-License-Identifier: MIT */
#include "../tcp/arena.h"

#include "stack/stack.h"

static wh_addr addr(const char *text)
{
    wh_addr parsed;
    assert_int_equal(wh_addr_parse(text, &parsed), WH_OK);
    return parsed;
}

static struct wh_stack *begin(struct arena *arena)
{
    wh_config config;
    struct wh_stack *host;
    arena_begin(arena, (size_t)1 << 24);
    wh_config_init(&config);
    config.memory = arena_hooks(arena);
    config.seed[0] = 1;
    assert_int_equal(wh_stack_new(&host, &config, 0), WH_OK);
    return host;
}

static void end(struct arena *arena, struct wh_stack *host)
{
    wh_stack_free(host);
    assert_int_equal(arena->bytes, 0);
}

static void own(struct wh_stack *host, const char *text, unsigned prefix)
{
    wh_addr one = addr(text);
    assert_int_equal(wh_address_add(host, &one, prefix), WH_OK);
}

static bool is_broadcast(const struct wh_stack *host, const char *text)
{
    wh_addr one = addr(text);
    return address_is_network_broadcast(host, &one);
}

static bool on_link(const struct wh_stack *host, const char *text)
{
    wh_addr one = addr(text);
    return address_on_link(host, &one);
}

static void assert_source(const struct wh_stack *host, const char *destination, const char *source)
{
    wh_addr to = addr(destination), from;
    if (source == NULL) {
        assert_false(address_choose(host, &to, &from));
        return;
    }
    wh_addr expected = addr(source);
    assert_true(address_choose(host, &to, &from));
    if (!wh_addr_equal(&from, &expected)) {
        char text[WH_TEXT];
        fail_msg("to %s from %s, expected %s", destination, wh_addr_text(&from, text), source);
    }
}

static void what_cannot_be_ours_is_refused(void **state)
{
    (void)state;
    struct arena arena;
    struct wh_stack *host = begin(&arena);
    static const char *const invalid[] = { "0.0.0.0", "::", "224.0.0.1", "ff02::1",
                                           "255.255.255.255" };
    for (size_t i = 0; i < sizeof invalid / sizeof invalid[0]; i++) {
        wh_addr one = addr(invalid[i]);
        assert_int_equal(wh_address_add(host, &one, 8), WH_E_INVAL);
        assert_false(address_is_ours(host, &one));
    }
    wh_addr one = addr("10.0.0.1");
    assert_int_equal(wh_address_add(host, &one, 33), WH_E_INVAL);
    assert_int_equal(wh_address_add(host, &one, 32), WH_OK);
    assert_int_equal(wh_address_add(host, &one, 8), WH_E_ADDRINUSE);
    one = addr("fd00::1");
    assert_int_equal(wh_address_add(host, &one, 129), WH_E_INVAL);
    assert_int_equal(wh_address_add(host, &one, 128), WH_OK);
    for (unsigned i = 2; i < MAX_ADDRESSES; i++) {
        one = wh_ipv4(10, 1, 0, (uint8_t)i);
        assert_int_equal(wh_address_add(host, &one, 24), WH_OK);
        assert_true(address_is_ours(host, &one));
    }
    one = wh_ipv4(10, 2, 0, 1);
    assert_int_equal(wh_address_add(host, &one, 24), WH_E_NOMEM);
    end(&arena, host);
}

/* RFC 1122 3.2.1.3; RFC 3021: networks of two or one addresses have none. */
static void network_broadcasts(void **state)
{
    (void)state;
    struct arena arena;
    struct wh_stack *host = begin(&arena);
    assert_false(is_broadcast(host, "10.0.2.255"));
    own(host, "10.0.2.2", 24);
    own(host, "172.16.5.1", 20);
    own(host, "192.168.0.1", 30);
    own(host, "192.0.2.1", 31);
    own(host, "192.0.2.9", 32);
    own(host, "fd00::2", 64);
    assert_true(is_broadcast(host, "10.0.2.255"));
    assert_false(is_broadcast(host, "10.0.2.2"));
    assert_false(is_broadcast(host, "10.0.3.255"));
    assert_false(is_broadcast(host, "10.0.2.127"));
    assert_true(is_broadcast(host, "172.16.15.255"));
    assert_false(is_broadcast(host, "172.16.7.255"));
    assert_true(is_broadcast(host, "192.168.0.3"));
    assert_false(is_broadcast(host, "192.168.0.2"));
    assert_false(is_broadcast(host, "192.0.2.1"));
    assert_false(is_broadcast(host, "192.0.2.9"));
    assert_false(is_broadcast(host, "fd00::ffff:ffff:ffff:ffff"));
    end(&arena, host);
}

static void on_the_link(void **state)
{
    (void)state;
    struct arena arena;
    struct wh_stack *host = begin(&arena);
    own(host, "10.0.2.2", 23);
    own(host, "fd00::2", 65);
    assert_true(on_link(host, "10.0.3.9"));
    assert_false(on_link(host, "10.0.4.9"));
    assert_true(on_link(host, "fd00::7fff:0:0:1"));
    assert_false(on_link(host, "fd00::8000:0:0:1"));
    assert_true(on_link(host, "fe80::1")); /* always */
    assert_false(on_link(host, "fec0::1"));
    end(&arena, host);
}

/* RFC 6724 5: of the same family, of the same scope, and of those the longest common prefix of ours. */
static void the_source_that_fits_best(void **state)
{
    (void)state;
    struct arena arena;
    struct wh_stack *host = begin(&arena);
    assert_source(host, "10.0.2.9", NULL);
    own(host, "fe80::2", 64);
    own(host, "10.9.9.9", 24);
    assert_source(host, "fd00::9", "fe80::2"); /* better than none */
    own(host, "10.0.2.2", 24);
    own(host, "10.0.0.1", 8);
    own(host, "fd00::2", 64);
    own(host, "fd00:0:0:1::2", 64);
    assert_source(host, "10.0.2.9", "10.0.2.2");
    assert_source(host, "10.77.0.1", "10.0.0.1");
    assert_source(host, "10.9.9.1", "10.9.9.9");
    assert_source(host, "8.8.8.8", "10.9.9.9"); /* no network of ours: the first */
    assert_source(host, "fd00::9", "fd00::2");
    assert_source(host, "fd00:0:0:1::9", "fd00:0:0:1::2");
    assert_source(host, "2001:db8::1", "fd00::2");
    assert_source(host, "fe80::9", "fe80::2");
    end(&arena, host);
}

static void gateways(void **state)
{
    (void)state;
    struct arena arena;
    struct wh_stack *host = begin(&arena);
    wh_addr group = addr("ff02::1"), router = addr("10.0.2.1"), router6 = addr("fe80::1");
    assert_int_equal(wh_gateway_set(host, &group), WH_E_INVAL);
    assert_int_equal(wh_gateway_set(host, &router), WH_OK);
    assert_int_equal(wh_gateway_set(host, &router6), WH_OK);
    assert_true(wh_addr_equal(&host->gateway[0], &router));
    assert_true(wh_addr_equal(&host->gateway[1], &router6));
    end(&arena, host);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_cannot_be_ours_is_refused),
        cmocka_unit_test(network_broadcasts),
        cmocka_unit_test(on_the_link),
        cmocka_unit_test(the_source_that_fits_best),
        cmocka_unit_test(gateways),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
