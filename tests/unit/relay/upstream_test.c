/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <errno.h>
#include <netdb.h>

#include <cmocka.h>

#include "relay/upstream.h"

/* Where a destination is: "address port", "refused" or "unreachable". */
static const char *found(const char *address, uint16_t port, bool host_loopback)
{
    static char text[96];
    char host[64], service[8];
    struct upstream upstream;
    wh_endpoint destination = { .port = port };
    assert_int_equal(wh_addr_parse(address, &destination.addr), 0);
    switch (upstream_find(&destination, host_loopback, &upstream)) {
    case UPSTREAM_REFUSED: return "refused";
    case UPSTREAM_UNREACHABLE: return "unreachable";
    case UPSTREAM_GO: break;
    }
    getnameinfo((struct sockaddr *)&upstream.address, upstream.length, host, sizeof host, service,
                sizeof service, NI_NUMERICHOST | NI_NUMERICSERV);
    snprintf(text, sizeof text, "%s%s %s%s", upstream.loopback ? "this host " : "",
             upstream.resolver ? "resolver" : host, service, upstream.resolver ? "!" : "");
    return text;
}

static void gateway_is_the_hosts_loopback(void **state)
{
    (void)state;
    assert_string_equal(found("10.0.2.2", 80, true), "this host 127.0.0.1 80");
    assert_string_equal(found("fd00::2", 443, true), "this host ::1 443");
    assert_string_equal(found("10.0.2.2", 80, false), "refused");
    assert_string_equal(found("fd00::2", 443, false), "refused");
}

static void resolver_has_one_port(void **state)
{
    (void)state;
    assert_string_equal(found("10.0.2.3", 53, true), "resolver 53!");
    assert_string_equal(found("fd00::3", 53, false), "resolver 53!");
    assert_string_equal(found("10.0.2.3", 54, true), "refused");
    assert_string_equal(found("fd00::3", 80, true), "refused");
}

static void others_are_themselves(void **state)
{
    (void)state;
    assert_string_equal(found("192.0.2.7", 80, false), "192.0.2.7 80");
    assert_string_equal(found("2001:db8::7", 80, false), "2001:db8::7 80");
    assert_string_equal(found("10.0.3.2", 80, true), "10.0.3.2 80");
    assert_string_equal(found("fd00::1:2", 80, true), "fd00::1:2 80");
    assert_string_equal(found("fd01::2", 80, true), "fd01::2 80");
}

/* A forged packet must not find a way around --no-host-loopback. */
static void this_host_and_groups_are_out_of_reach(void **state)
{
    (void)state;
    static const char *const never[] = {
        "127.0.0.1", "127.9.9.9", "0.0.0.0", "0.1.2.3",         "224.0.0.1",        "239.1.1.1",
        "240.0.0.1", "::",        "::1",     "255.255.255.255", "::ffff:127.0.0.1", "ff02::1",
    };
    for (size_t i = 0; i < sizeof never / sizeof *never; i++)
        assert_string_equal(found(never[i], 80, true), "unreachable");
}

static void programs_own_addresses(void **state)
{
    (void)state;
    wh_addr expected, address = upstream_program(true);
    wh_addr_parse("10.0.2.100", &expected);
    assert_true(wh_addr_equal(&address, &expected));
    address = upstream_program(false);
    wh_addr_parse("fd00::100", &expected);
    assert_true(wh_addr_equal(&address, &expected));
}

static void errors_become_answers(void **state)
{
    (void)state;
    static const struct {
        int error;
        enum upstream_answer answer;
        wh_refusal how;
    } cases[] = {
        { ECONNREFUSED, ANSWER_REFUSE, WH_REFUSE_RESET },
        { ECONNRESET, ANSWER_REFUSE, WH_REFUSE_RESET },
        { EHOSTUNREACH, ANSWER_REFUSE, WH_REFUSE_HOST_UNREACHABLE },
        { ENETUNREACH, ANSWER_REFUSE, WH_REFUSE_NET_UNREACHABLE },
        { EACCES, ANSWER_REFUSE, WH_REFUSE_PROHIBITED },
        { EPERM, ANSWER_REFUSE, WH_REFUSE_PROHIBITED },
        { EINVAL, ANSWER_REFUSE, WH_REFUSE_NET_UNREACHABLE },
        { ETIMEDOUT, ANSWER_SILENCE, 0 },
        { EMFILE, ANSWER_SHORTAGE, 0 },
        { EADDRNOTAVAIL, ANSWER_SHORTAGE, 0 },
        { ENOBUFS, ANSWER_SHORTAGE, 0 },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        wh_refusal how = WH_REFUSE_PORT_UNREACHABLE;
        assert_int_equal(upstream_answer(cases[i].error, &how), cases[i].answer);
        if (cases[i].answer == ANSWER_REFUSE)
            assert_int_equal(how, cases[i].how);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gateway_is_the_hosts_loopback),
        cmocka_unit_test(resolver_has_one_port),
        cmocka_unit_test(others_are_themselves),
        cmocka_unit_test(this_host_and_groups_are_out_of_reach),
        cmocka_unit_test(programs_own_addresses),
        cmocka_unit_test(errors_become_answers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
