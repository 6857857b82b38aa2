/* SPDX-License-Identifier: MIT */
/* Whose a packet is: the same in both directions and for what ICMP says about it, and evenly spread. */
#include "frames.h"

#include "link/share.h"
#include "wire/icmp.h"

static uint32_t share_of_made(const struct shape *shape, uint32_t shares)
{
    struct made made = make(shape);
    uint32_t share = share_of_packet(made.bytes, made.frame.length, shares);
    free(made.bytes);
    return share;
}

static uint32_t share_by_ends(bool six, uint16_t port, uint32_t shares)
{
    const wh_endpoint client = { .addr = client_addr(six), .port = port };
    const wh_endpoint server = { .addr = server_addr(six), .port = SERVER_PORT };
    return share_of_ends(&client, &server, shares);
}

static void both_directions_and_the_ends_agree(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 2000; i++) {
        uint16_t port = (uint16_t)(1024 + i);
        uint32_t shares = 1 + i % 16;
        struct shape shape = { .client_port = port, .six = i & 1, .flags = WH_ACK };
        uint32_t share = share_of_made(&shape, shares);
        shape.direction = WH_B_TO_A;
        shape.data = i % 50;
        assert_true(share < shares);
        assert_int_equal(share_of_made(&shape, shares), share);
        assert_int_equal(share_by_ends(shape.six, port, shares), share);
    }
}

static void icmp_errors_follow_their_connection(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 400; i++) {
        bool six = i & 1;
        uint8_t packet[1500];
        struct made about = make(
            &(struct shape){ .client_port = (uint16_t)(2000 + i), .six = six, .flags = WH_ACK });
        const wh_addr from = server_addr(six), to = client_addr(six);
        const struct icmp_error error = { .source = &from,
                                          .destination = &to,
                                          .kind = ICMP_PORT_UNREACHABLE,
                                          .quoted = about.bytes,
                                          .quoted_length = about.frame.length };
        size_t length = icmp_build_error(packet, sizeof packet, &error, checksum_best());
        assert_true(length > 0);
        assert_int_equal(share_of_packet(packet, length, 7),
                         share_by_ends(six, (uint16_t)(2000 + i), 7));
        free(about.bytes);
    }
}

static void shares_are_even(void **state)
{
    (void)state;
    uint32_t count[5] = { 0 };
    for (uint32_t port = 1; port <= 10000; port++)
        count[share_by_ends(port & 1, (uint16_t)port, 5)]++;
    for (unsigned i = 0; i < 5; i++) {
        assert_true(count[i] > 1850);
        assert_true(count[i] < 2150);
    }
}

static void what_has_no_ends_is_anybodys(void **state)
{
    (void)state;
    struct made made = make(&(struct shape){ .flags = WH_ACK, .data = 20 });
    assert_int_equal(share_of_packet(made.bytes, 0, 2), SHARE_ANY);
    assert_int_equal(share_of_packet(made.bytes, 19, 2), SHARE_ANY);
    made.bytes[0] = 0;
    assert_int_equal(share_of_packet(made.bytes, made.frame.length, 2), SHARE_ANY);
    free(made.bytes);
    /* A fragment: the stack does not reassemble, so whoever meets it may count it. */
    made = make(&(struct shape){ .flags = WH_ACK, .data = 20 });
    made.bytes[6] = 0x20;
    made.bytes[7] = 0;
    made.bytes[10] = made.bytes[11] = 0;
    store_checksum(made.bytes + 10, checksum_add_portable(made.bytes, 20, 0));
    assert_int_equal(share_of_packet(made.bytes, made.frame.length, 2), SHARE_ANY);
    free(made.bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_directions_and_the_ends_agree),
        cmocka_unit_test(icmp_errors_follow_their_connection),
        cmocka_unit_test(shares_are_even),
        cmocka_unit_test(what_has_no_ends_is_anybodys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
