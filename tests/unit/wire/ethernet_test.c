/* SPDX-License-Identifier: MIT */
#include "wire.h"

#include "wire/ethernet.h"

static const uint8_t request[ETHERNET_HEADER + ARP_LENGTH] = {
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2,  0, 0, 0, 0, 1, 0x08, 0x06, /* broadcast */
    0,    1,    8,    0,    6,    4,    0,  1,                         /* Ethernet, IPv4, request */
    2,    0,    0,    0,    0,    1,    10, 0, 0, 1,                   /* sender */
    0,    0,    0,    0,    0,    0,    10, 0, 0, 2,                   /* target */
};

static void reads_and_writes_headers(void **state)
{
    (void)state;
    struct ethernet ethernet;
    for (size_t length = 0; length <= ETHERNET_HEADER; length++) {
        uint8_t *bytes = exact(request, length);
        assert_int_equal(ethernet_parse(&ethernet, bytes, length),
                         length < ETHERNET_HEADER ? WH_WHY_FRAME_TRUNCATED : WH_WHY_NONE);
        free(bytes);
    }
    assert_int_equal(ethernet.type, ETHERTYPE_ARP);
    assert_memory_equal(ethernet.destination.bytes, request, 6);
    assert_memory_equal(ethernet.source.bytes, request + 6, 6);
    uint8_t at[ETHERNET_HEADER + 1] = { [ETHERNET_HEADER] = 0xee };
    ethernet_build(at, &ethernet);
    assert_memory_equal(at, request, ETHERNET_HEADER);
    assert_int_equal(at[ETHERNET_HEADER], 0xee);
}

static void reads_and_writes_arp(void **state)
{
    (void)state;
    struct arp arp;
    const uint8_t *packet = request + ETHERNET_HEADER;
    for (size_t length = 0; length < ARP_LENGTH; length++) {
        uint8_t *bytes = exact(packet, length);
        assert_int_equal(arp_parse(&arp, bytes, length), WH_WHY_ARP_MALFORMED);
        free(bytes);
    }
    assert_int_equal(arp_parse(&arp, packet, ARP_LENGTH), WH_WHY_NONE);
    wh_addr sender = wh_ipv4(10, 0, 0, 1), target = wh_ipv4(10, 0, 0, 2);
    assert_int_equal(arp.operation, ARP_REQUEST);
    assert_true(wh_addr_equal(&arp.sender, &sender));
    assert_true(wh_addr_equal(&arp.target, &target));
    assert_memory_equal(arp.sender_station.bytes, packet + 8, 6);
    assert_memory_equal(arp.target_station.bytes, packet + 18, 6);
    uint8_t at[ARP_LENGTH + 1] = { [ARP_LENGTH] = 0xee };
    arp_build(at, &arp);
    assert_memory_equal(at, packet, ARP_LENGTH);
    assert_int_equal(at[ARP_LENGTH], 0xee);

    uint8_t padded[46] = { 0 }; /* as short frames come */
    memcpy(padded, packet, ARP_LENGTH);
    assert_int_equal(arp_parse(&arp, padded, sizeof(padded)), WH_WHY_NONE);
}

/* Only Ethernet and IPv4: any other value of the first six bytes is refused. */
static void refuses_other_arp(void **state)
{
    (void)state;
    struct arp arp;
    for (size_t bit = 0; bit < 6 * 8; bit++) {
        uint8_t bytes[ARP_LENGTH];
        memcpy(bytes, request + ETHERNET_HEADER, sizeof(bytes));
        bytes[bit / 8] ^= (uint8_t)(1U << bit % 8);
        assert_int_equal(arp_parse(&arp, bytes, sizeof(bytes)), WH_WHY_ARP_MALFORMED);
    }
}

static void names_the_station_of_a_group(void **state)
{
    (void)state;
    static const struct {
        const char *addr;
        uint8_t station[6];
    } cases[] = {
        { "224.0.0.1", { 0x01, 0x00, 0x5e, 0x00, 0x00, 0x01 } },
        { "239.255.1.2", { 0x01, 0x00, 0x5e, 0x7f, 0x01, 0x02 } },
        { "255.255.255.255", { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff } },
        { "ff02::1:ff12:3456", { 0x33, 0x33, 0xff, 0x12, 0x34, 0x56 } },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        wh_addr addr;
        assert_int_equal(wh_addr_parse(cases[i].addr, &addr), 0);
        struct station station = ethernet_group(&addr);
        assert_memory_equal(station.bytes, cases[i].station, 6);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_and_writes_headers),
        cmocka_unit_test(reads_and_writes_arp),
        cmocka_unit_test(refuses_other_arp),
        cmocka_unit_test(names_the_station_of_a_group),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
