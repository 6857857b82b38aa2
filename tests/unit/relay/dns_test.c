/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <netdb.h>
#include <netinet/in.h>

#include <cmocka.h>

#include "relay/dns.h"

/* The name server that a resolv.conf names, as "address port". */
static const char *server_of(const char *conf)
{
    static char text[96];
    char host[64] = "?", port[8] = "?";
    struct sockaddr_storage address;
    socklen_t length;
    dns_server_of(conf, &address, &length);
    getnameinfo((struct sockaddr *)&address, length, host, sizeof host, port, sizeof port,
                NI_NUMERICHOST | NI_NUMERICSERV);
    snprintf(text, sizeof text, "%s %s", host, port);
    return text;
}

static void finds_the_first_server(void **state)
{
    (void)state;
    assert_string_equal(server_of("nameserver 192.0.2.1\nnameserver 192.0.2.2\n"), "192.0.2.1 53");
    assert_string_equal(server_of("# a comment\nsearch example\nnameserver\t 127.0.0.53  \n"),
                        "127.0.0.53 53");
    assert_string_equal(server_of("nameserver 2001:db8::1"), "2001:db8::1 53");
    assert_string_equal(server_of("nameserver fe80::1%lo\n"), "fe80::1%lo 53");
}

static void passes_over_what_is_no_server(void **state)
{
    (void)state;
    assert_string_equal(server_of("nameserver\nnameserver nonsense\nnameserver 192.0.2.9\n"),
                        "192.0.2.9 53");
    assert_string_equal(server_of("nameservers 192.0.2.1\n nameserver 192.0.2.2\n"),
                        "127.0.0.1 53");
    assert_string_equal(server_of(";nameserver 192.0.2.1\n"), "127.0.0.1 53");
}

static void none_named_means_this_host(void **state)
{
    (void)state;
    assert_string_equal(server_of(""), "127.0.0.1 53");
    assert_string_equal(server_of("search example\n"), "127.0.0.1 53");
}

static void a_long_line_is_not_an_address(void **state)
{
    (void)state;
    char conf[DNS_CONF];
    memset(conf, '1', sizeof conf - 1);
    conf[sizeof conf - 1] = '\0';
    memcpy(conf, "nameserver ", 11);
    assert_string_equal(server_of(conf), "127.0.0.1 53");
}

static void inside_keeps_search_and_options(void **state)
{
    (void)state;
    char conf[DNS_CONF];
    dns_inside("# made by hand\nnameserver 192.0.2.1\nsearch a.example b.example\noptions edns0",
               conf);
    assert_string_equal(conf, "nameserver 10.0.2.3\nsearch a.example b.example\noptions edns0\n");
    dns_inside("", conf);
    assert_string_equal(conf, "nameserver 10.0.2.3\n");
}

static void inside_is_bounded(void **state)
{
    (void)state;
    char host[DNS_CONF], conf[DNS_CONF];
    memset(host, 'x', sizeof host - 1);
    host[sizeof host - 1] = '\0';
    memcpy(host, "search ", 7);
    dns_inside(host, conf);
    assert_string_equal(conf, "nameserver 10.0.2.3\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_the_first_server),
        cmocka_unit_test(passes_over_what_is_no_server),
        cmocka_unit_test(none_named_means_this_host),
        cmocka_unit_test(a_long_line_is_not_an_address),
        cmocka_unit_test(inside_keeps_search_and_options),
        cmocka_unit_test(inside_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
