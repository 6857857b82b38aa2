/* SPDX-License-Identifier: MIT */
/*
 * Two of our hosts on an Ethernet link, in virtual time: what they ask, answer, learn
 * and give up, and what a stranger on the same link can do to them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <wavehand/link.h>

#include "base/bytes.h"
#include "wire/icmp.h"
#include "wire/segment.h"

enum { A, B, SIDES };
enum { PORT = 80, BYTES = 300000 };

static const struct station stations[SIDES] = { { { 2, 0, 0, 0, 0, 0xa } },
                                                { { 2, 0, 0, 0, 0, 0xb } } };
static const struct station stranger = { { 2, 0, 0, 0, 0, 0x66 } };
static const struct station everybody = { { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff } };

struct lan {
    wh_stack *host[SIDES];
    wh_listener *listener;
    wh_path *path;
    wh_time now;
    bool cut;                    /* nothing arrives */
    unsigned questions[SIDES];   /* ARP requests and neighbour solicitations sent */
    struct station asked[SIDES]; /* the station the last question went to */
    unsigned rounds;             /* calls of wh_output that moved nothing */
};

static wh_addr address(const char *text)
{
    wh_addr addr;
    assert_int_equal(wh_addr_parse(text, &addr), WH_OK);
    return addr;
}

static wh_stack *new_host(int side, uint32_t features)
{
    static const char *const own[SIDES][2] = { { "10.0.0.1", "fd00::a" },
                                               { "10.0.0.2", "fd00::b" } };
    wh_config config;
    wh_stack *host;
    wh_config_init(&config);
    config.memory = wh_memory_malloc();
    wh_seed(config.seed, (uint64_t)side + 1);
    config.link = WH_LINK_ETHERNET;
    config.link_features = features;
    memcpy(config.ethernet, stations[side].bytes, sizeof config.ethernet);
    assert_int_equal(wh_stack_new(&host, &config, 0), WH_OK);
    /* All that is said goes out and waits to be heard, in one piece. */
    assert_int_equal(wh_stack_set(host, WH_OPT_SEND_BUFFER_INITIAL, 1 << 20), WH_OK);
    assert_int_equal(wh_stack_set(host, WH_OPT_RECEIVE_BUFFER_INITIAL, 1 << 20), WH_OK);
    wh_addr four = address(own[side][0]), six = address(own[side][1]);
    assert_int_equal(wh_address_add(host, &four, 24), WH_OK);
    assert_int_equal(wh_address_add(host, &six, 64), WH_OK);
    return host;
}

static void lan_begin(struct lan *lan, uint32_t features)
{
    wh_path_options options;
    wh_listen_options listen;
    *lan = (struct lan){ .now = WH_SECOND };
    for (int side = 0; side < SIDES; side++)
        lan->host[side] = new_host(side, features);
    wh_path_options_init(&options);
    options.link = WH_LINK_ETHERNET;
    assert_int_equal(wh_path_new(&lan->path, &options), WH_OK);
    wh_listen_options_init(&listen);
    listen.local.port = PORT;
    assert_int_equal(wh_listen(lan->host[B], &listen, &lan->listener), WH_OK);
}

static void lan_end(struct lan *lan)
{
    for (int side = 0; side < SIDES; side++) {
        wh_stats stats = { .size = sizeof stats };
        wh_stats_get(lan->host[side], &stats);
        assert_int_equal(stats.frames_lent, 0);
        assert_null(wh_check(lan->host[side]));
        wh_stack_free(lan->host[side]);
    }
    wh_path_free(lan->path);
}

static void note_question(struct lan *lan, int side, const wh_frame *frame)
{
    uint8_t bytes[128];
    size_t length = 0;
    for (uint32_t i = 0; i < frame->slices && length < sizeof bytes; i++) {
        size_t n = MIN(frame->slice[i].length, sizeof bytes - length);
        memcpy(bytes + length, frame->slice[i].base, n);
        length += n;
    }
    struct ethernet ethernet;
    assert_int_equal(ethernet_parse(&ethernet, bytes, length), WH_WHY_NONE);
    assert_memory_equal(&ethernet.source, &stations[side], sizeof ethernet.source);
    bool arp = ethernet.type == ETHERTYPE_ARP && bytes[14 + 7] == ARP_REQUEST;
    bool nd = ethernet.type == ETHERTYPE_IPV6 && bytes[14 + 6] == IP_ICMPV6 && bytes[54] == 135;
    if (arp || nd) {
        lan->questions[side]++;
        lan->asked[side] = ethernet.destination;
    }
}

static bool turn(struct lan *lan, int side)
{
    wh_frame frames[64];
    size_t n = wh_output(lan->host[side], frames, 64, lan->now);
    size_t sent = n;
    for (size_t i = 0; i < n; i++)
        note_question(lan, side, &frames[i]);
    if (!lan->cut)
        wh_path_send(lan->path, (wh_direction)side, frames, n, lan->now);
    wh_sent(lan->host[side], frames, n);
    while ((n = wh_path_receive(lan->path, (wh_direction)side, frames, 64, lan->now)) > 0)
        wh_input(lan->host[!side], frames, n, lan->now);
    return sent > 0;
}

static void settle(struct lan *lan)
{
    bool moved;
    do {
        moved = turn(lan, A);
        moved |= turn(lan, B);
    } while (moved);
    lan->rounds++;
}

static wh_time lan_wake(const struct lan *lan)
{
    return MIN(wh_wake(lan->host[A]), wh_wake(lan->host[B]));
}

/* Lets this much time pass, waking up only when the hosts want it. */
static void run(struct lan *lan, wh_time span)
{
    wh_time end = lan->now + span;
    settle(lan);
    for (wh_time wake; (wake = lan_wake(lan)) <= end;) {
        lan->now = MAX(wake, lan->now + 1);
        settle(lan);
    }
    lan->now = end;
}

static wh_conn *dial(struct lan *lan, const char *to)
{
    wh_connect_options options;
    wh_conn *conn;
    wh_connect_options_init(&options);
    options.remote = (wh_endpoint){ address(to), PORT };
    assert_int_equal(wh_connect(lan->host[A], &options, lan->now, &conn), WH_OK);
    return conn;
}

static wh_conn *answer(struct lan *lan)
{
    wh_conn *conn;
    settle(lan);
    assert_int_equal(wh_accept(lan->listener, NULL, &conn), WH_OK);
    return conn;
}

static uint8_t stream_byte(uint32_t at) { return (uint8_t)(at * 7 + at / 251); }

static void say(wh_conn *conn, uint32_t bytes)
{
    static uint8_t data[BYTES];
    for (uint32_t i = 0; i < bytes; i++)
        data[i] = stream_byte(i);
    assert_int_equal(wh_send(conn, data, bytes, 0), bytes);
}

static void hear(wh_conn *conn, uint32_t bytes)
{
    static uint8_t data[BYTES];
    assert_int_equal(wh_recv(conn, data, sizeof data), bytes);
    for (uint32_t i = 0; i < bytes; i++)
        assert_int_equal(data[i], stream_byte(i));
}

/* A connection, a stream each way, and an orderly end. */
static void talk(struct lan *lan, const char *to)
{
    wh_conn *client = dial(lan, to), *server = answer(lan);
    say(client, BYTES);
    run(lan, WH_SECOND);
    hear(server, BYTES);
    say(server, BYTES);
    run(lan, WH_SECOND);
    hear(client, BYTES);
    wh_close(client);
    wh_close(server);
    run(lan, 2 * WH_SECOND);
}

static uint64_t count(const struct lan *lan, int side, wh_reason reason)
{
    return wh_count(lan->host[side], reason);
}

/* ------------------------------------------------------------- two hosts -- */

/* One question, and its answer teaches both sides (RFC 826). */
static void talk_on_link(const char *to, uint32_t features)
{
    struct lan lan;
    lan_begin(&lan, features);
    talk(&lan, to);
    assert_int_equal(lan.questions[A], 1);
    assert_int_equal(lan.questions[B], 0);
    assert_int_equal(count(&lan, A, WH_WHY_NEIGHBOUR_UNRESOLVED), 0);
    assert_int_equal(count(&lan, B, WH_WHY_NEIGHBOUR_UNRESOLVED), 0);
    lan_end(&lan);
}

static void talks_on_link(void **state)
{
    (void)state;
    talk_on_link("10.0.0.2", 0);
    talk_on_link("fd00::b", 0);
    talk_on_link("10.0.0.2", WH_TX_SEGMENTATION);
    talk_on_link("fd00::b", WH_TX_SEGMENTATION);
}

/* Beyond the prefix everything goes to the gateway's station, and only the gateway is asked for. */
static void talk_through(const char *gateway, const char *far)
{
    struct lan lan;
    wh_addr router = address(gateway), beyond = address(far);
    lan_begin(&lan, 0);
    assert_int_equal(wh_address_add(lan.host[B], &beyond, wh_is_ipv4(&beyond) ? 32 : 128), WH_OK);
    assert_int_equal(wh_gateway_set(lan.host[A], &router), WH_OK);
    talk(&lan, far);
    talk(&lan, gateway);
    assert_int_equal(lan.questions[A], 1);
    lan_end(&lan);
}

static void talks_through_the_gateway(void **state)
{
    (void)state;
    talk_through("10.0.0.2", "192.0.2.7");
    talk_through("fd00::b", "2001:db8::7");
}

static void without_gateway_there_is_no_way(void **state)
{
    struct lan lan;
    (void)state;
    lan_begin(&lan, 0);
    wh_conn *conn = dial(&lan, "192.0.2.7");
    settle(&lan);
    assert_int_equal(wh_conn_error(conn), WH_E_NETUNREACH);
    assert_int_equal(count(&lan, A, WH_WHY_NO_ROUTE), 1);
    assert_int_equal(lan.questions[A], 0);
    wh_close(conn);
    lan_end(&lan);
}

static void link_needs_a_station(void **state)
{
    wh_config config;
    wh_stack *host;
    (void)state;
    wh_config_init(&config);
    config.memory = wh_memory_malloc();
    wh_seed(config.seed, 1);
    config.link = WH_LINK_ETHERNET;
    assert_int_equal(wh_stack_new(&host, &config, 0), WH_E_INVAL);
    config.ethernet[5] = 1;
    config.ethernet[0] = 1; /* a group */
    assert_int_equal(wh_stack_new(&host, &config, 0), WH_E_INVAL);
    config.ethernet[0] = 2;
    assert_int_equal(wh_stack_new(&host, &config, 0), WH_OK);
    wh_stack_free(host);
}

/* ------------------------------------------------------------ lost, found -- */

static void nobody_answers(const char *to)
{
    struct lan lan;
    lan_begin(&lan, 0);
    lan.cut = true;
    wh_conn *first = dial(&lan, to), *second = dial(&lan, to);
    run(&lan, 3 * WH_SECOND - 1);
    assert_int_equal(wh_conn_state(first), WH_SYN_SENT);
    assert_int_equal(lan.questions[A], 3);
    assert_in_range(lan.rounds, 1, 10); /* nobody spins meanwhile */
    run(&lan, 1);
    assert_int_equal(wh_conn_state(first), WH_CLOSED);
    assert_int_equal(wh_conn_error(first), WH_E_HOSTUNREACH);
    assert_int_equal(wh_conn_error(second), WH_E_HOSTUNREACH);
    assert_int_equal(lan.questions[A], 3);

    wh_conn *third = dial(&lan, to); /* nobody is asked again at once */
    settle(&lan);
    assert_int_equal(wh_conn_error(third), WH_E_HOSTUNREACH);
    assert_int_equal(lan.questions[A], 3);
    lan.cut = false;
    run(&lan, 5 * WH_SECOND);
    wh_close(first);
    wh_close(second);
    wh_close(third);
    talk(&lan, to);
    lan_end(&lan);
}

static void unreachable_neighbours_fail_connects(void **state)
{
    (void)state;
    nobody_answers("10.0.0.2");
    nobody_answers("fd00::b");
}

/* A connection that is aborted while it waits leaves nothing behind. */
static void an_abort_while_waiting(void **state)
{
    struct lan lan;
    (void)state;
    lan_begin(&lan, 0);
    lan.cut = true;
    wh_conn *first = dial(&lan, "10.0.0.2"), *second = dial(&lan, "10.0.0.2");
    settle(&lan);
    wh_abort(first);
    settle(&lan);
    lan.cut = false;
    run(&lan, 2 * WH_SECOND);
    assert_int_equal(wh_conn_state(second), WH_ESTABLISHED);
    wh_abort(second);
    settle(&lan);
    lan_end(&lan);
}

static void lose_and_find(const char *to)
{
    struct lan lan;
    lan_begin(&lan, 0);
    wh_conn *busy = dial(&lan, to), *busy_peer = answer(&lan);
    wh_conn *idle = dial(&lan, to), *idle_peer = answer(&lan);
    wh_conn *brief = dial(&lan, to), *brief_peer = answer(&lan);
    assert_int_equal(wh_set(brief, WH_OPT_USER_TIMEOUT, 20 * (int64_t)WH_SECOND), WH_OK);
    run(&lan, 40 * WH_SECOND);
    lan.cut = true;
    lan.rounds = 0;
    say(busy, 1000);
    run(&lan, 20 * WH_SECOND);
    assert_true(count(&lan, A, WH_WHY_NEIGHBOUR_UNRESOLVED) > 0);
    say(idle, 2000); /* in flight for the first time now that nobody is there */
    say(brief, 1);
    run(&lan, 40 * WH_SECOND);
    assert_int_equal(wh_conn_state(busy), WH_ESTABLISHED);
    assert_int_equal(wh_conn_state(idle), WH_ESTABLISHED);
    assert_int_equal(wh_conn_error(brief), WH_E_TIMEDOUT);
    assert_in_range(lan.rounds, 1, 200);
    lan.cut = false;
    run(&lan, 100 * WH_SECOND);
    hear(busy_peer, 1000);
    hear(idle_peer, 2000);
    wh_conn *all[] = { busy, busy_peer, idle, idle_peer, brief, brief_peer };
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        wh_abort(all[i]);
    settle(&lan);
    lan_end(&lan);
}

static void open_connections_survive_a_lost_neighbour(void **state)
{
    (void)state;
    lose_and_find("10.0.0.2");
    lose_and_find("fd00::b");
}

/* Its time over, a neighbour in use is asked itself, not everybody. */
static void probe_alone(const char *to)
{
    struct lan lan;
    lan_begin(&lan, 0);
    wh_conn *client = dial(&lan, to), *server = answer(&lan);
    run(&lan, 40 * WH_SECOND);
    unsigned before = lan.questions[A];
    assert_true((lan.asked[A].bytes[0] & 1) != 0);
    say(client, 1);
    run(&lan, 5 * WH_SECOND - 1);
    assert_int_equal(lan.questions[A], before);
    run(&lan, WH_SECOND);
    assert_int_equal(lan.questions[A], before + 1);
    assert_memory_equal(&lan.asked[A], &stations[B], sizeof(struct station));
    hear(server, 1);
    wh_abort(client);
    wh_abort(server);
    settle(&lan);
    lan_end(&lan);
}

static void neighbours_in_use_are_probed(void **state)
{
    (void)state;
    probe_alone("10.0.0.2");
    probe_alone("fd00::b");
}

/* MUST-20 (b): at R1, long before its time is over, the next hop is asked whether it is there. */
static void suspect_at_r1(const char *to)
{
    struct lan lan;
    lan_begin(&lan, 0);
    wh_conn *client = dial(&lan, to), *server = answer(&lan);
    run(&lan, WH_SECOND);
    unsigned before = lan.questions[A];
    lan.cut = true;
    assert_int_equal(wh_set(client, WH_OPT_R1_RETRIES, 4), WH_OK);
    say(client, 1);
    run(&lan, 2 * WH_SECOND); /* retransmitted after 0.2, 0.6 and 1.4 s */
    assert_int_equal(lan.questions[A], before);
    run(&lan, 2 * WH_SECOND); /* ... and after 3 s */
    assert_true(lan.questions[A] > before);
    assert_memory_equal(&lan.asked[A], &stations[B], sizeof(struct station));
    lan.cut = false;
    run(&lan, 20 * WH_SECOND);
    hear(server, 1);
    wh_abort(client);
    wh_abort(server);
    settle(&lan);
    lan_end(&lan);
}

static void r1_sends_advice_to_ip(void **state)
{
    (void)state;
    suspect_at_r1("10.0.0.2");
    suspect_at_r1("fd00::b");
}

/* The first datagram waits for the answer instead of being lost (RFC 1122 2.3.2.2). */
static void datagrams_wait(void **state)
{
    struct lan lan;
    wh_dgram *from, *to;
    wh_endpoint any = { .port = 5000 };
    (void)state;
    lan_begin(&lan, 0);
    assert_int_equal(wh_dgram_open(lan.host[A], WH_UDP, &any, false, NULL, &from), WH_OK);
    assert_int_equal(wh_dgram_open(lan.host[B], WH_UDP, &any, false, NULL, &to), WH_OK);
    wh_datagram out = { .kind = WH_UDP,
                        .local = { address("10.0.0.1"), 5000 },
                        .remote = { address("10.0.0.2"), 5000 },
                        .data = "hello",
                        .length = 5 };
    assert_int_equal(wh_dgram_send(from, &out), WH_OK);
    out.local.addr = address("fd00::a");
    out.remote.addr = address("fd00::b");
    assert_int_equal(wh_dgram_send(from, &out), WH_OK);
    settle(&lan);
    for (int i = 0; i < 2; i++) {
        wh_datagram in;
        assert_int_equal(wh_dgram_recv(to, &in), WH_OK);
        assert_int_equal(in.length, 5);
        assert_memory_equal(in.data, "hello", 5);
    }
    out.remote.addr = address("fd00::77"); /* nobody */
    assert_int_equal(wh_dgram_send(from, &out), WH_OK);
    run(&lan, 4 * WH_SECOND);
    assert_int_equal(count(&lan, A, WH_WHY_NEIGHBOUR_UNRESOLVED), 1);
    lan_end(&lan);
}

/* -------------------------------------------------------------- strangers -- */

static void inject(struct lan *lan, const void *bytes, size_t length)
{
    wh_frame frame = { .slice = { { bytes, length } }, .slices = 1, .length = (uint32_t)length };
    wh_input(lan->host[B], &frame, 1, lan->now);
}

/* What B says next, put together; its length, 0 if it is silent. */
static size_t reply(struct lan *lan, uint8_t *bytes)
{
    wh_frame frame;
    size_t length = 0;
    if (wh_output(lan->host[B], &frame, 1, lan->now) == 0)
        return 0;
    for (uint32_t i = 0; i < frame.slices; i++) {
        memcpy(bytes + length, frame.slice[i].base, frame.slice[i].length);
        length += frame.slice[i].length;
    }
    wh_sent(lan->host[B], &frame, 1);
    return length;
}

static void inject_arp(struct lan *lan, const struct station *to, const struct arp *arp)
{
    uint8_t bytes[ETHERNET_HEADER + ARP_LENGTH];
    ethernet_build(bytes, &(struct ethernet){ *to, stranger, ETHERTYPE_ARP });
    arp_build(bytes + ETHERNET_HEADER, arp);
    inject(lan, bytes, sizeof bytes);
}

static struct arp arp_from(uint16_t operation, const char *sender, const char *target)
{
    return (struct arp){ operation, stranger, { { 0 } }, address(sender), address(target) };
}

/* Injects a whole IPv6 packet of neighbour discovery. */
static void inject_nd(struct lan *lan, const struct station *to, const uint8_t *packet,
                      size_t length)
{
    uint8_t bytes[200];
    ethernet_build(bytes, &(struct ethernet){ *to, stranger, ETHERTYPE_IPV6 });
    memcpy(bytes + ETHERNET_HEADER, packet, length);
    inject(lan, bytes, ETHERNET_HEADER + length);
}

static void expect_arp_reply(struct lan *lan, const char *to)
{
    uint8_t bytes[100];
    struct ethernet ethernet;
    struct arp arp;
    wh_addr sender = address("10.0.0.2"), target = address(to);
    size_t length = reply(lan, bytes);
    assert_int_equal(length, ETHERNET_HEADER + ARP_LENGTH);
    ethernet_parse(&ethernet, bytes, length);
    assert_memory_equal(&ethernet.destination, &stranger, sizeof stranger);
    assert_memory_equal(&ethernet.source, &stations[B], sizeof stranger);
    assert_int_equal(ethernet.type, ETHERTYPE_ARP);
    assert_int_equal(arp_parse(&arp, bytes + ETHERNET_HEADER, ARP_LENGTH), WH_WHY_NONE);
    assert_int_equal(arp.operation, ARP_REPLY);
    assert_memory_equal(&arp.sender_station, &stations[B], sizeof stranger);
    assert_memory_equal(&arp.target_station, &stranger, sizeof stranger);
    assert_true(wh_addr_equal(&arp.sender, &sender));
    assert_true(wh_addr_equal(&arp.target, &target));
    assert_int_equal(reply(lan, bytes), 0);
}

static void answers_arp(void **state)
{
    struct lan lan;
    uint8_t bytes[100];
    (void)state;
    lan_begin(&lan, 0);
    struct arp request = arp_from(ARP_REQUEST, "10.0.0.9", "10.0.0.2");
    inject_arp(&lan, &everybody, &request);
    expect_arp_reply(&lan, "10.0.0.9");
    request.sender = wh_ipv4(0, 0, 0, 0); /* is the address free? (RFC 5227 2.1.1) */
    inject_arp(&lan, &everybody, &request);
    expect_arp_reply(&lan, "0.0.0.0");
    request = arp_from(ARP_REQUEST, "10.0.0.9", "10.0.0.3");
    inject_arp(&lan, &everybody, &request);
    request = arp_from(ARP_REQUEST, "192.0.2.1", "10.0.0.2"); /* nobody on this link */
    inject_arp(&lan, &everybody, &request);
    assert_int_equal(count(&lan, B, WH_WHY_IP_SOURCE_INVALID), 1);
    request = arp_from(ARP_REQUEST, "10.0.0.255", "10.0.0.2");
    inject_arp(&lan, &everybody, &request);
    assert_int_equal(count(&lan, B, WH_WHY_IP_SOURCE_INVALID), 2);
    assert_int_equal(reply(&lan, bytes), 0);
    lan_end(&lan);
}

static void expect_advertisement(struct lan *lan, const wh_addr *to, const struct station *at,
                                 bool solicited)
{
    uint8_t bytes[200];
    struct ethernet ethernet;
    struct packet packet;
    struct icmp icmp;
    wh_addr own = address("fd00::b");
    size_t length = reply(lan, bytes);
    assert_true(length > ETHERNET_HEADER);
    ethernet_parse(&ethernet, bytes, length);
    assert_memory_equal(&ethernet.destination, at, sizeof *at);
    assert_int_equal(ethernet.type, ETHERTYPE_IPV6);
    assert_int_equal(ip_parse(&packet, bytes + ETHERNET_HEADER, length - ETHERNET_HEADER),
                     WH_WHY_NONE);
    assert_true(wh_addr_equal(&packet.destination, to));
    assert_true(wh_addr_equal(&packet.source, &own));
    assert_int_equal(icmp_parse(&icmp, &packet, checksum_best(), false), WH_WHY_NONE);
    assert_int_equal(icmp.kind, ICMP_NEIGHBOUR_ADVERTISEMENT);
    assert_true(wh_addr_equal(&icmp.target, &own));
    assert_true(icmp.has_station && icmp.override);
    assert_int_equal(icmp.solicited, solicited);
    assert_memory_equal(&icmp.station, &stations[B], sizeof icmp.station);
    assert_int_equal(reply(lan, bytes), 0);
}

static void answers_solicitations(void **state)
{
    struct lan lan;
    uint8_t packet[128], bytes[200];
    wh_addr own = address("fd00::b"), other = address("fd00::9"), none = address("::");
    wh_addr all = address("ff02::1"), far = address("2001:db8::9");
    struct station all_station = ethernet_group(&all);
    wh_addr group = nd_solicited_node_group(&own);
    struct station group_station = ethernet_group(&group);
    const struct checksum *sum = checksum_best();
    (void)state;
    lan_begin(&lan, 0);
    size_t length = nd_build_solicitation(packet, sizeof packet, &other, &own, &stranger, sum);
    inject_nd(&lan, &group_station, packet, length);
    expect_advertisement(&lan, &other, &stranger, true);
    length = nd_build_solicitation(packet, sizeof packet, &none, &own, NULL, sum);
    inject_nd(&lan, &group_station, packet, length);
    expect_advertisement(&lan, &all, &all_station, false);
    length = nd_build_solicitation(packet, sizeof packet, &far, &own, &stranger, sum);
    inject_nd(&lan, &group_station, packet, length);
    assert_int_equal(count(&lan, B, WH_WHY_IP_SOURCE_INVALID), 1);
    assert_int_equal(reply(&lan, bytes), 0);
    lan_end(&lan);
}

static void malformed_messages_are_counted(void **state)
{
    struct lan lan;
    uint8_t bytes[200], packet[128];
    wh_addr own = address("fd00::b"), other = address("fd00::9");
    const struct checksum *sum = checksum_best();
    static const struct station group = { { 0x33, 0x33, 0, 0, 0, 1 } };
    (void)state;
    lan_begin(&lan, 0);
    ethernet_build(bytes, &(struct ethernet){ everybody, stranger, ETHERTYPE_ARP });
    struct arp arp = arp_from(ARP_REQUEST, "10.0.0.9", "10.0.0.2");
    arp_build(bytes + ETHERNET_HEADER, &arp);
    for (size_t length = ETHERNET_HEADER; length < ETHERNET_HEADER + ARP_LENGTH; length++) {
        uint8_t *exact = malloc(length);
        memcpy(exact, bytes, length);
        inject(&lan, exact, length);
        free(exact);
    }
    assert_int_equal(count(&lan, B, WH_WHY_ARP_MALFORMED), ARP_LENGTH);
    arp.operation = 9;
    inject_arp(&lan, &everybody, &arp);
    arp.operation = ARP_REQUEST;
    arp.sender_station = group;
    inject_arp(&lan, &everybody, &arp);
    arp.sender_station = (struct station){ { 0 } };
    inject_arp(&lan, &everybody, &arp);
    assert_int_equal(count(&lan, B, WH_WHY_ARP_MALFORMED), ARP_LENGTH + 3);

    size_t length = nd_build_solicitation(packet, sizeof packet, &other, &own, &group, sum);
    inject_nd(&lan, &stations[B], packet, length);
    assert_int_equal(count(&lan, B, WH_WHY_ND_MALFORMED), 1);
    length = nd_build_solicitation(packet, sizeof packet, &other, &own, &stranger, sum);
    packet[7] = 254; /* a router has passed it on */
    inject_nd(&lan, &stations[B], packet, length);
    assert_int_equal(count(&lan, B, WH_WHY_ND_MALFORMED), 2);
    assert_int_equal(reply(&lan, bytes), 0);
    assert_int_equal(lan.questions[B], 0);
    lan_end(&lan);
}

static void claims_are_counted(void **state)
{
    struct lan lan;
    uint8_t bytes[200], packet[128];
    wh_addr own = address("fd00::b"), other = address("fd00::9"), all = address("ff02::1");
    const struct checksum *sum = checksum_best();
    (void)state;
    lan_begin(&lan, 0);
    struct arp arp = arp_from(ARP_REQUEST, "10.0.0.2", "10.0.0.2"); /* gratuitous, and ours */
    inject_arp(&lan, &everybody, &arp);
    assert_int_equal(count(&lan, B, WH_WHY_ADDRESS_CONFLICT), 1);
    size_t length =
        nd_build_advertisement(packet, sizeof packet, &own, &all, &own, &stranger, false, sum);
    inject_nd(&lan, &stations[B], packet, length);
    assert_int_equal(count(&lan, B, WH_WHY_ADDRESS_CONFLICT), 2);
    arp.sender_station = stations[B]; /* our own words, come back */
    inject_arp(&lan, &everybody, &arp);
    assert_int_equal(count(&lan, B, WH_WHY_ADDRESS_CONFLICT), 2);

    arp = arp_from(ARP_REPLY, "10.0.0.9", "10.0.0.2"); /* nobody asked */
    inject_arp(&lan, &stations[B], &arp);
    length =
        nd_build_advertisement(packet, sizeof packet, &other, &own, &other, &stranger, true, sum);
    inject_nd(&lan, &stations[B], packet, length);
    assert_int_equal(count(&lan, B, WH_WHY_NEIGHBOUR_UNASKED), 2);
    assert_int_equal(reply(&lan, bytes), 0);
    lan_end(&lan);
}

/* B's next frame goes to this station. */
static void expect_frame_to(struct lan *lan, const struct station *station)
{
    uint8_t bytes[2000];
    struct ethernet ethernet;
    size_t length = reply(lan, bytes);
    assert_int_equal(ethernet_parse(&ethernet, bytes, length), WH_WHY_NONE);
    assert_memory_equal(&ethernet.destination, station, sizeof *station);
    assert_true(ethernet.type == ETHERTYPE_IPV4 || ethernet.type == ETHERTYPE_IPV6);
}

/* A neighbour that moves to another station says so, and is believed (RFC 826, RFC 4861 7.2.6). */
static void a_neighbour_moves(void **state)
{
    struct lan lan;
    uint8_t packet[128];
    wh_addr six = address("fd00::a"), all = address("ff02::1");
    static const struct station group = { { 0x33, 0x33, 0, 0, 0, 1 } };
    (void)state;
    lan_begin(&lan, 0);
    wh_conn *client = dial(&lan, "10.0.0.2"), *server = answer(&lan);
    wh_conn *client6 = dial(&lan, "fd00::b"), *server6 = answer(&lan);
    struct arp arp = arp_from(ARP_REQUEST, "10.0.0.1", "10.0.0.1");
    inject_arp(&lan, &everybody, &arp);
    say(server, 1);
    expect_frame_to(&lan, &stranger);
    size_t length = nd_build_advertisement(packet, sizeof packet, &six, &all, &six, &stranger,
                                           false, checksum_best());
    inject_nd(&lan, &group, packet, length);
    say(server6, 1);
    expect_frame_to(&lan, &stranger);
    wh_conn *ours[] = { client, server, client6, server6 };
    for (size_t i = 0; i < sizeof ours / sizeof ours[0]; i++)
        wh_abort(ours[i]);
    settle(&lan);
    lan_end(&lan);
}

/* Groups and broadcasts have stations that nobody is asked for. */
static void groups_have_stations(void **state)
{
    static const struct station four = { { 0x01, 0x00, 0x5e, 0, 0, 0xfb } };
    static const struct station six = { { 0x33, 0x33, 0, 0, 0, 0xfb } };
    struct lan lan;
    wh_dgram *socket;
    wh_endpoint any = { .port = 5000 };
    (void)state;
    lan_begin(&lan, 0);
    assert_int_equal(wh_dgram_open(lan.host[B], WH_UDP, &any, false, NULL, &socket), WH_OK);
    wh_datagram out = { .kind = WH_UDP,
                        .local = { address("10.0.0.2"), 5000 },
                        .remote = { address("10.0.0.255"), 5000 },
                        .data = "hello",
                        .length = 5 };
    assert_int_equal(wh_dgram_send(socket, &out), WH_OK);
    expect_frame_to(&lan, &everybody);
    out.remote.addr = address("224.0.0.251");
    assert_int_equal(wh_dgram_send(socket, &out), WH_OK);
    expect_frame_to(&lan, &four);
    out.local.addr = address("fd00::b");
    out.remote.addr = address("ff02::fb");
    assert_int_equal(wh_dgram_send(socket, &out), WH_OK);
    expect_frame_to(&lan, &six);
    lan_end(&lan);
}

static size_t memory_of(const struct lan *lan)
{
    wh_stats stats = { .size = sizeof stats };
    wh_stats_get(lan->host[B], &stats);
    return stats.memory;
}

/* Everybody at once: the table stays as it is bounded, and friends keep their places. */
static void floods_are_bounded(void **state)
{
    struct lan lan;
    uint8_t packet[128], bytes[200];
    wh_addr own = address("fd00::b"), other = address("fd00::1:0:0");
    const struct checksum *sum = checksum_best();
    (void)state;
    lan_begin(&lan, 0);
    wh_addr wide = address("11.0.0.1");
    assert_int_equal(wh_address_add(lan.host[B], &wide, 8), WH_OK);
    wh_conn *client = dial(&lan, "10.0.0.2"), *server = answer(&lan);
    run(&lan, 10 * WH_SECOND); /* the other side is proven by now */
    size_t before = memory_of(&lan);
    for (uint32_t i = 0; i < 100000; i++) {
        struct arp arp = arp_from(ARP_REQUEST, "11.0.0.2", "11.0.0.1");
        arp.sender = wh_ipv4(11, (uint8_t)(1 + (i >> 16)), (uint8_t)(i >> 8), (uint8_t)i);
        inject_arp(&lan, &everybody, &arp);
        put32(other.bytes + 12, i);
        size_t length = nd_build_solicitation(packet, sizeof packet, &other, &own, &stranger, sum);
        inject_nd(&lan, &stations[B], packet, length);
        if (i % 64 == 0)
            while (reply(&lan, bytes) > 0)
                ;
    }
    while (reply(&lan, bytes) > 0)
        ;
    assert_in_range(memory_of(&lan), before, before + 1024 * 1024);
    unsigned asked = lan.questions[B];
    say(server, 1);
    settle(&lan);
    hear(client, 1);
    assert_int_equal(lan.questions[B], asked);
    wh_abort(client);
    wh_abort(server);
    settle(&lan);
    lan_end(&lan);
}

/* Segments from addresses nobody has make us ask, within bounds, and cost our own connects nothing. */
static void spoofed_segments_are_bounded(void **state)
{
    struct lan lan;
    struct segment syn = { .flags = WH_SYN, .window = 1000, .hops = 64 };
    wh_addr wide = address("11.0.0.1");
    (void)state;
    lan_begin(&lan, 0);
    assert_int_equal(wh_address_add(lan.host[B], &wide, 8), WH_OK);
    for (uint32_t i = 0; i < 20000; i++) {
        uint8_t bytes[200];
        syn.tuple.local = wh_ipv4(11, 1, (uint8_t)(i >> 8), (uint8_t)i);
        syn.tuple.remote = wide;
        syn.tuple.local_port = 1000;
        syn.tuple.remote_port = PORT + 1; /* closed: answered by a RST */
        ethernet_build(bytes, &(struct ethernet){ stations[B], stranger, ETHERTYPE_IPV4 });
        uint8_t *tcp = bytes + ETHERNET_HEADER + 20;
        size_t length = segment_build(tcp, &syn);
        struct packet ip = { .source = syn.tuple.local,
                             .destination = wide,
                             .protocol = IP_TCP,
                             .hops = 64,
                             .length = (uint32_t)length };
        ip_build(bytes + ETHERNET_HEADER, &ip, 0);
        uint64_t sum = ip_pseudo_sum(&ip.source, &ip.destination, IP_TCP, ip.length);
        uint16_t field = (uint16_t)~checksum_fold(checksum_best()->add(tcp, length, sum));
        memcpy(tcp + 16, &field, sizeof field);
        inject(&lan, bytes, ETHERNET_HEADER + 20 + length);
        if (i % 100 == 99)
            turn(&lan, B);
    }
    settle(&lan);
    assert_int_equal(count(&lan, B, WH_WHY_NO_CONNECTION), 20000);
    assert_in_range(lan.questions[B], 1000, 1024);
    wh_conn *conn;
    wh_connect_options options;
    wh_connect_options_init(&options);
    options.remote = (wh_endpoint){ address("10.0.0.1"), PORT };
    assert_int_equal(wh_connect(lan.host[B], &options, lan.now, &conn), WH_OK);
    settle(&lan);
    assert_int_equal(wh_conn_error(conn), WH_E_CONNREFUSED); /* it was asked, and it answered */
    wh_close(conn);
    lan_end(&lan);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(talks_on_link),
        cmocka_unit_test(talks_through_the_gateway),
        cmocka_unit_test(without_gateway_there_is_no_way),
        cmocka_unit_test(link_needs_a_station),
        cmocka_unit_test(unreachable_neighbours_fail_connects),
        cmocka_unit_test(an_abort_while_waiting),
        cmocka_unit_test(open_connections_survive_a_lost_neighbour),
        cmocka_unit_test(neighbours_in_use_are_probed),
        cmocka_unit_test(r1_sends_advice_to_ip),
        cmocka_unit_test(datagrams_wait),
        cmocka_unit_test(answers_arp),
        cmocka_unit_test(answers_solicitations),
        cmocka_unit_test(malformed_messages_are_counted),
        cmocka_unit_test(claims_are_counted),
        cmocka_unit_test(a_neighbour_moves),
        cmocka_unit_test(groups_have_stations),
        cmocka_unit_test(floods_are_bounded),
        cmocka_unit_test(spoofed_segments_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
