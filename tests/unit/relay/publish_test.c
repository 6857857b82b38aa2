/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <netdb.h>

#include <cmocka.h>

#include "relay/relay.h"

/* What a spec says: "address hostport port", or "wrong". */
static const char *parsed(const char *spec)
{
    static char text[128];
    char host[64], port[8], error[256] = "";
    struct relay_publish publish;
    if (relay_publish_parse(spec, &publish, error, sizeof error) < 0) {
        assert_non_null(strstr(error, spec));
        assert_null(strchr(error, '\n'));
        return "wrong";
    }
    getnameinfo((struct sockaddr *)&publish.listen, publish.listen_length, host, sizeof host, port,
                sizeof port, NI_NUMERICHOST | NI_NUMERICSERV);
    snprintf(text, sizeof text, "%s %s %u", host, port, publish.port);
    return text;
}

static void reads_every_form(void **state)
{
    (void)state;
    assert_string_equal(parsed("8080:80"), "127.0.0.1 8080 80");
    assert_string_equal(parsed("1:65535"), "127.0.0.1 1 65535");
    assert_string_equal(parsed("0.0.0.0:8080:80"), "0.0.0.0 8080 80");
    assert_string_equal(parsed("192.0.2.1:8080:80"), "192.0.2.1 8080 80");
    assert_string_equal(parsed("[::1]:8080:80"), "::1 8080 80");
    assert_string_equal(parsed("[::]:8080:80"), ":: 8080 80");
}

static void refuses_everything_else(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "",          ":",          "80",       "80:",       ":80",         "0:80",
        "80:0",      "65536:80",   "80:65536", "80:000080", "8o:80",       "80:80 ",
        " 80:80",    "-1:80",      "::80:80",  ":80:80",    "host:80:80",  "[::1:80:80",
        "1.2.3:4:x", "1.2.3.4::8", "[]:80:80", "80:80:",    "1.2.3.4:80:", "99999999999:1",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_string_equal(parsed(wrong[i]), "wrong");
}

static void refuses_a_long_address(void **state)
{
    (void)state;
    char spec[300];
    memset(spec, '1', sizeof spec);
    memcpy(spec + 250, ":80:80", 7);
    char error[256];
    struct relay_publish publish;
    assert_int_equal(relay_publish_parse(spec, &publish, error, sizeof error), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_every_form),
        cmocka_unit_test(refuses_everything_else),
        cmocka_unit_test(refuses_a_long_address),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
