/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

/* The system's reader and writer, as a second opinion. */
#include <arpa/inet.h>

#include <wavehand/wavehand.h>

static uint64_t any(uint64_t *state)
{
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return *state >> 33;
}

static void knows_ipv4_from_ipv6(void **state)
{
    (void)state;
    wh_addr v4 = wh_ipv4(10, 0, 2, 100), same = wh_ipv4(10, 0, 2, 100), v6 = { { 0 } };
    static const uint8_t bytes[16] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 0, 2, 100 };
    assert_memory_equal(v4.bytes, bytes, 16);
    assert_true(wh_is_ipv4(&v4));
    assert_false(wh_is_ipv4(&v6));
    assert_true(wh_addr_equal(&v4, &same));
    for (int bit = 0; bit < 128; bit++) {
        same = v4;
        same.bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_false(wh_addr_equal(&v4, &same));
        assert_int_equal(wh_is_ipv4(&same), bit >= 96);
    }
}

/* Texts that are already as RFC 5952 wants them. */
static void writes_and_reads_canonical_text(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "0.0.0.0",
        "10.0.2.100",
        "255.255.255.255",
        "1.20.100.9",
        "::",
        "::1",
        "1::",
        "fd00::2",
        "2001:db8::1",
        "2001:db8:0:1:1:1:1:1", /* one zero group is no run (4.2.2) */
        "2001:0:0:1::1",        /* the longest run (4.2.3) */
        "2001:db8::1:0:0:1",    /* the first of equals (4.2.3) */
        "::2:3:4:5:6:7",
        "1:2:3:4:5:6::",
        "0:2:3:4:5:6:7:8",
        "1:2:3:4:5:6:7:0",
        "abcd:ef01:2345:6789:abcd:ef01:2345:6789",
        "::fffe:a00:1",
        "::a00:1",
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        wh_addr addr;
        char text[WH_TEXT];
        assert_int_equal(wh_addr_parse(texts[i], &addr), 0);
        assert_ptr_equal(wh_addr_text(&addr, text), text);
        assert_string_equal(text, texts[i]);
    }
}

static void reads_other_spellings(void **state)
{
    (void)state;
    static const char *const pairs[][2] = {
        { "2001:DB8::1", "2001:db8::1" },
        { "2001:0db8:0000:0000:0000:0000:0000:0001", "2001:db8::1" },
        { "1:0:0:2:0:0:0:3", "1:0:0:2::3" },
        { "::ffff:10.0.2.2", "10.0.2.2" },
        { "::ffff:a00:202", "10.0.2.2" },
        { "64:ff9b::192.0.2.33", "64:ff9b::c000:221" },
        { "1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:102:304" },
        { "1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0" },
        { "::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8" },
    };
    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        wh_addr addr;
        char text[WH_TEXT];
        assert_int_equal(wh_addr_parse(pairs[i][0], &addr), 0);
        assert_string_equal(wh_addr_text(&addr, text), pairs[i][1]);
    }
}

static void refuses_what_is_no_address(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        " ",
        "1",
        "1.2.3",
        "1.2.3.",
        "1.2.3.4.",
        "1.2.3.4.5",
        ".1.2.3.4",
        "1..2.3",
        "256.1.1.1",
        "1.2.3.04",
        "01.2.3.4",
        "1.2.3.4 ",
        " 1.2.3.4",
        "+1.2.3.4",
        "0x1.2.3.4",
        "99999999999.1.1.1",
        ":",
        ":::",
        "1:",
        ":1",
        "1::2::3",
        "1:2:3:4:5:6:7",
        "1:2:3:4:5:6:7:8:9",
        "1:2:3:4:5:6:7:8::",
        "::1:2:3:4:5:6:7:8",
        "1::2:3:4:5:6:7:8",
        "12345::",
        "g::",
        "::1%lo",
        "[::1]",
        "::1.2.3",
        "1.2.3.4::",
        "::1.2.3.4:5",
        "1:2:3:4:5:6:7:1.2.3.4",
        "::1.2.3.256",
        "::-1",
        "localhost",
        "1:2:3:4:5:1.2.3.4",
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        wh_addr addr = wh_ipv4(9, 9, 9, 9), before = addr;
        assert_int_equal(wh_addr_parse(texts[i], &addr), WH_E_INVAL);
        assert_true(wh_addr_equal(&addr, &before));
    }
}

static void writes_endpoints(void **state)
{
    (void)state;
    wh_endpoint endpoint = { .addr = wh_ipv4(10, 0, 2, 2), .port = 80 };
    char text[WH_TEXT];
    assert_string_equal(wh_endpoint_text(&endpoint, text), "10.0.2.2:80");
    assert_int_equal(wh_addr_parse("fd00::2", &endpoint.addr), 0);
    endpoint.port = 65535;
    assert_string_equal(wh_endpoint_text(&endpoint, text), "[fd00::2]:65535");
    memset(&endpoint, 0, sizeof(endpoint));
    assert_string_equal(wh_endpoint_text(&endpoint, text), "[::]:0");
    memset(&endpoint, 0xff, sizeof(endpoint));
    assert_string_equal(wh_endpoint_text(&endpoint, text),
                        "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535");
    assert_true(strlen(text) < WH_TEXT);
}

/* Any address is read back from its text, and the system agrees on what the text says. */
static void reads_back_what_it_wrote(void **state)
{
    (void)state;
    uint64_t seed = 5;
    for (int round = 0; round < 20000; round++) {
        wh_addr addr, back;
        uint8_t opinion[16];
        char text[WH_TEXT], theirs[INET6_ADDRSTRLEN];
        for (int i = 0; i < 16; i += 2) {
            bool zero = any(&seed) & 1;
            addr.bytes[i] = zero ? 0 : (uint8_t)any(&seed);
            addr.bytes[i + 1] = zero ? 0 : (uint8_t)any(&seed);
        }
        if (any(&seed) % 8 == 0)
            addr = wh_ipv4(addr.bytes[0], addr.bytes[2], addr.bytes[4], addr.bytes[6]);
        wh_addr_text(&addr, text);
        assert_int_equal(wh_addr_parse(text, &back), 0);
        assert_true(wh_addr_equal(&addr, &back));
        if (wh_is_ipv4(&addr)) {
            assert_non_null(inet_ntop(AF_INET, addr.bytes + 12, theirs, sizeof(theirs)));
            assert_string_equal(text, theirs);
            continue;
        }
        assert_int_equal(inet_pton(AF_INET6, text, opinion), 1);
        assert_memory_equal(opinion, addr.bytes, 16);
    }
}

/* Anything made of likely characters is read, or refused, as the system does. */
static void agrees_with_the_system_on_garbage(void **state)
{
    (void)state;
    static const char likely[] = "::::..0123456789abcdefA";
    uint64_t seed = 6;
    int read = 0;
    for (int round = 0; round < 300000; round++) {
        char *text = malloc(24);
        assert_non_null(text);
        size_t length = any(&seed) % 23;
        for (size_t i = 0; i < length; i++)
            text[i] = likely[any(&seed) % (sizeof(likely) - 1)];
        text[length] = '\0';
        wh_addr addr;
        uint8_t v4[4], v6[16];
        int result = wh_addr_parse(text, &addr);
        if (inet_pton(AF_INET, text, v4) == 1) {
            assert_int_equal(result, 0);
            assert_memory_equal(addr.bytes + 12, v4, 4);
        } else if (inet_pton(AF_INET6, text, v6) == 1) {
            assert_int_equal(result, 0);
            assert_memory_equal(addr.bytes, v6, 16);
        } else {
            assert_int_equal(result, WH_E_INVAL);
        }
        read += result == 0;
        free(text);
    }
    assert_true(read > 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(knows_ipv4_from_ipv6),
        cmocka_unit_test(writes_and_reads_canonical_text),
        cmocka_unit_test(reads_other_spellings),
        cmocka_unit_test(refuses_what_is_no_address),
        cmocka_unit_test(writes_endpoints),
        cmocka_unit_test(reads_back_what_it_wrote),
        cmocka_unit_test(agrees_with_the_system_on_garbage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
