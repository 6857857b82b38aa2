/* SPDX-License-Identifier: MIT */
/*
 * The next hop of a packet on an Ethernet link, and what ARP (RFC 826) and neighbour
 * discovery (RFC 4861) say and hear about stations. On a bare IP link there is no hop.
 *
 * A destination in one of our prefixes is its own next hop, any other is the gateway's;
 * groups have stations of their own. Questions for our addresses are answered from here;
 * for any other address not, even where the stack answers for every address: that would
 * be a proxy, and would take the link from everybody else on it.
 *
 * Left out: redirects and router discovery (the gateway is configured), group membership
 * reports (a switch that snoops on them must be told), and asking whether an address is
 * free before using it (RFC 5227, RFC 4862: whoever gives the stack its addresses knows);
 * a station that claims an address of ours is counted.
 */
#include <string.h>

#include "base/bytes.h"
#include "stack/stack.h"

static const struct station everybody = { { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff } };
static const wh_addr all_nodes = { { 0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1 } };
static const wh_addr unspecified = { { 0 } };

/* Room for any question or answer of ours: IPv6 header, message and one option. */
#define QUESTION_ROOM 128

static bool on_ethernet(const struct wh_stack *host)
{
    return host->config.link == WH_LINK_ETHERNET;
}

static struct station our_station(const struct wh_stack *host)
{
    struct station station;
    memcpy(station.bytes, host->config.ethernet, sizeof station.bytes);
    return station;
}

static bool is_our_station(const struct wh_stack *host, const struct station *station)
{
    return memcmp(station->bytes, host->config.ethernet, sizeof station->bytes) == 0;
}

/* One station: not a group, and not nobody. */
static bool is_one_station(const struct station *station)
{
    static const struct station nobody = { { 0 } };
    return (station->bytes[0] & 1) == 0 && memcmp(station, &nobody, sizeof nobody) != 0;
}

/* -------------------------------------------------------------------- out -- */

static void address_to(struct wh_stack *host, struct outbox *outbox, struct station station,
                       uint16_t type)
{
    struct ethernet ethernet = { station, our_station(host), type };
    ethernet_build(host->link_header, &ethernet);
    outbox->link_header = host->link_header;
}

static uint16_t type_of(const wh_addr *addr)
{
    return wh_is_ipv4(addr) ? ETHERTYPE_IPV4 : ETHERTYPE_IPV6;
}

/* RFC 1122 3.3.1.1. NULL: there is no way. */
static const wh_addr *next_hop(const struct wh_stack *host, const wh_addr *destination)
{
    if (address_on_link(host, destination)) {
        return destination;
    }
    const wh_addr *gateway = &host->gateway[wh_is_ipv4(destination) ? 0 : 1];
    return wh_addr_equal(gateway, &unspecified) ? NULL : gateway;
}

enum hop hop_prepare(struct wh_stack *host, struct outbox *outbox, const wh_addr *destination,
                     bool may_wait)
{
    struct station station;
    if (!on_ethernet(host)) {
        outbox->link_header = NULL;
        return HOP_READY;
    }
    if (ip_is_group(destination) || address_is_network_broadcast(host, destination)) {
        address_to(host, outbox, ethernet_group(destination), type_of(destination));
        return HOP_READY;
    }
    const wh_addr *hop = next_hop(host, destination);
    if (hop == NULL) {
        return HOP_NO_ROUTE;
    }
    switch (neighbour_find(&host->neighbours, hop, may_wait, host->tcp.now, &station)) {
    case NEIGHBOUR_FOUND: address_to(host, outbox, station, type_of(destination)); return HOP_READY;
    case NEIGHBOUR_LOST: return HOP_UNREACHABLE;
    default: return HOP_PENDING;
    }
}

void hop_wait(struct wh_stack *host, const wh_addr *destination, struct link *link)
{
    neighbour_wait(&host->neighbours, next_hop(host, destination), link, host->tcp.now);
}

void hop_suspect(struct wh_stack *host, const wh_addr *destination)
{
    const wh_addr *hop = on_ethernet(host) ? next_hop(host, destination) : NULL;
    if (hop != NULL) {
        neighbour_suspect(&host->neighbours, hop, host->tcp.now);
    }
}

static enum hop drop_packet(struct wh_stack *host, struct chunk *packet, enum hop hop)
{
    host->tcp.count[hop == HOP_NO_ROUTE ? WH_WHY_NO_ROUTE : WH_WHY_NEIGHBOUR_UNRESOLVED]++;
    chunk_drop(&host->tcp.chunks, packet);
    return hop;
}

/* Our ARP answers wait among the IP packets; their first byte is no version of IP. */
static bool is_arp(const struct chunk *packet) { return packet->data[packet->begin] >> 4 == 0; }

enum hop hop_packet(struct wh_stack *host, struct outbox *outbox, struct chunk *packet)
{
    struct packet ip;
    struct arp arp;
    const uint8_t *bytes = packet->data + packet->begin;
    size_t length = chunk_length(packet);
    if (is_arp(packet) && arp_parse(&arp, bytes, length) == WH_WHY_NONE) {
        address_to(host, outbox, arp.target_station, ETHERTYPE_ARP);
        return HOP_READY;
    }
    if (ip_parse(&ip, bytes, length) != WH_WHY_NONE) {
        return drop_packet(host, packet, HOP_NO_ROUTE);
    }
    enum hop hop = hop_prepare(host, outbox, &ip.destination, false);
    if (hop == HOP_READY) {
        return hop;
    }
    if (hop == HOP_PENDING &&
        neighbour_save(&host->neighbours, next_hop(host, &ip.destination), packet)) {
        return hop;
    }
    return drop_packet(host, packet, hop);
}

/* -------------------------------------------------------------- questions -- */

/* Writes the question into the chunk and addresses the outbox; false: there is nothing to ask from. */
static bool build_question(struct wh_stack *host, struct outbox *outbox,
                           const struct solicitation *question, struct chunk *chunk)
{
    const struct checksum *sum = host->tcp.checksum;
    const wh_addr *target = &question->target;
    struct station station = our_station(host);
    wh_addr source;
    if (!address_choose(host, target, &source)) {
        return false;
    }
    if (wh_is_ipv4(target)) {
        struct arp arp = { ARP_REQUEST, station, question->station, source, *target };
        arp_build(chunk->data, &arp);
        chunk->end = ARP_LENGTH;
        address_to(host, outbox, question->probe ? question->station : everybody, ETHERTYPE_ARP);
        return true;
    }
    wh_addr group = nd_solicited_node_group(target);
    chunk->end =
        (uint32_t)(question->probe
                       ? nd_build_probe(chunk->data, chunk->size, &source, target, &station, sum)
                       : nd_build_solicitation(chunk->data, chunk->size, &source, target, &station,
                                               sum));
    address_to(host, outbox, question->probe ? question->station : ethernet_group(&group),
               ETHERTYPE_IPV6);
    return true;
}

/* A question that finds no memory comes again in a second. */
static void ask(struct wh_stack *host, struct outbox *outbox, const struct solicitation *question)
{
    struct chunk_store *chunks = &host->tcp.chunks;
    struct chunk *chunk = chunk_take(chunks, QUESTION_ROOM, MEMORY_VITAL);
    if (chunk == NULL) {
        host->tcp.count[WH_WHY_MEMORY_CAP]++;
        return;
    }
    if (!build_question(host, outbox, question, chunk) || !emit_packet(outbox, chunk)) {
        chunk_drop(chunks, chunk);
    }
}

/* Packets whose neighbour is known by now, or known not to answer. */
static void send_released(struct wh_stack *host)
{
    for (struct chunk *packet; (packet = neighbour_released(&host->neighbours)) != NULL;) {
        (void)packet_send(host, packet);
    }
}

void hop_solicit(struct wh_stack *host, struct outbox *outbox)
{
    struct solicitation question;
    if (!on_ethernet(host)) {
        return;
    }
    while (!outbox_full(outbox) && neighbour_solicit(&host->neighbours, host->tcp.now, &question)) {
        ask(host, outbox, &question);
    }
    send_released(host);
}

/* --------------------------------------------------------------------- in -- */

/* An address that may be entered in the table: somebody on the link, or the gateway. */
static bool is_near(const struct wh_stack *host, const wh_addr *addr)
{
    return !ip_source_invalid(addr) && !address_is_network_broadcast(host, addr) &&
           (address_on_link(host, addr) ||
            wh_addr_equal(addr, &host->gateway[wh_is_ipv4(addr) ? 0 : 1]));
}

static bool learn(struct wh_stack *host, const struct neighbour_news *news)
{
    return neighbour_learn(&host->neighbours, news, host->tcp.now);
}

static void answer_arp(struct wh_stack *host, const struct arp *request)
{
    struct chunk *chunk = chunk_take(&host->tcp.chunks, ARP_LENGTH, MEMORY_ORDINARY);
    if (chunk == NULL) {
        host->tcp.count[WH_WHY_MEMORY_CAP]++;
        return;
    }
    struct arp reply = { ARP_REPLY, our_station(host), request->sender_station, request->target,
                         request->sender };
    arp_build(chunk->data, &reply);
    chunk->end = ARP_LENGTH;
    (void)packet_send(host, chunk);
}

static wh_reason arp_heard(struct wh_stack *host, const struct arp *arp)
{
    const wh_addr nobody = wh_ipv4(0, 0, 0, 0);
    bool request = arp->operation == ARP_REQUEST;
    bool to_us = address_is_ours(host, &arp->target);
    bool known = false;
    if ((!request && arp->operation != ARP_REPLY) || !is_one_station(&arp->sender_station)) {
        return WH_WHY_ARP_MALFORMED;
    }
    if (address_is_ours(host, &arp->sender)) {
        return is_our_station(host, &arp->sender_station) ? WH_WHY_NONE : WH_WHY_ADDRESS_CONFLICT;
    }
    if (is_near(host, &arp->sender)) {
        struct neighbour_news news = { .addr = arp->sender,
                                       .station = arp->sender_station,
                                       .has_station = true,
                                       .solicited = !request && to_us,
                                       .override = true,
                                       .introduce = request && to_us };
        known = learn(host, &news);
    } else if (!wh_addr_equal(&arp->sender, &nobody)) { /* RFC 5227 1.1: a probe has no sender */
        return WH_WHY_IP_SOURCE_INVALID;
    }
    if (request && to_us) {
        answer_arp(host, arp);
        return WH_WHY_NONE;
    }
    return known ? WH_WHY_NONE : request ? WH_WHY_IP_NOT_FOR_US : WH_WHY_NEIGHBOUR_UNASKED;
}

void hop_arp(struct wh_stack *host, const uint8_t *bytes, size_t length)
{
    struct arp arp;
    wh_reason reason = arp_parse(&arp, bytes, length);
    if (reason == WH_WHY_NONE) {
        reason = arp_heard(host, &arp);
    }
    if (reason != WH_WHY_NONE) {
        host->tcp.count[reason]++;
    }
}

static void advertise(struct wh_stack *host, const wh_addr *to, const wh_addr *target,
                      bool solicited)
{
    struct tcp *tcp = &host->tcp;
    struct station station = our_station(host);
    struct chunk *chunk = chunk_take(&tcp->chunks, QUESTION_ROOM, MEMORY_ORDINARY);
    if (chunk == NULL) {
        tcp->count[WH_WHY_MEMORY_CAP]++;
        return;
    }
    chunk->end = (uint32_t)nd_build_advertisement(chunk->data, chunk->size, target, to, target,
                                                  &station, solicited, tcp->checksum);
    (void)packet_send(host, chunk);
}

/* RFC 4861 7.2.3 and 7.2.4. */
static wh_reason solicitation_heard(struct wh_stack *host, const struct packet *packet,
                                    const struct icmp *icmp)
{
    if (!address_is_ours(host, &icmp->target)) {
        return WH_WHY_IP_NOT_FOR_US;
    }
    if (wh_addr_equal(&packet->source, &unspecified)) {
        /* Somebody wants to know whether the address is free (RFC 4862 5.4.3). It is not. */
        advertise(host, &all_nodes, &icmp->target, false);
        return WH_WHY_NONE;
    }
    if (address_is_ours(host, &packet->source)) {
        bool own = icmp->has_station && is_our_station(host, &icmp->station);
        return own ? WH_WHY_NONE : WH_WHY_ADDRESS_CONFLICT;
    }
    if (!is_near(host, &packet->source)) {
        return WH_WHY_IP_SOURCE_INVALID;
    }
    if (icmp->has_station) {
        struct neighbour_news news = { .addr = packet->source,
                                       .station = icmp->station,
                                       .has_station = true,
                                       .override = true,
                                       .introduce = true };
        (void)learn(host, &news);
    }
    advertise(host, &packet->source, &icmp->target, true);
    return WH_WHY_NONE;
}

/* RFC 4861 7.2.5. */
static wh_reason advertisement_heard(struct wh_stack *host, const struct icmp *icmp)
{
    if (address_is_ours(host, &icmp->target)) {
        bool own = icmp->has_station && is_our_station(host, &icmp->station);
        return own ? WH_WHY_NONE : WH_WHY_ADDRESS_CONFLICT;
    }
    struct neighbour_news news = { .addr = icmp->target,
                                   .station = icmp->station,
                                   .has_station = icmp->has_station,
                                   .solicited = icmp->solicited,
                                   .override = icmp->override };
    return learn(host, &news) ? WH_WHY_NONE : WH_WHY_NEIGHBOUR_UNASKED;
}

void hop_neighbour(struct wh_stack *host, const struct packet *packet, const struct icmp *icmp)
{
    wh_reason reason;
    if (!on_ethernet(host)) {
        reason = WH_WHY_ICMP_IGNORED;
    } else if (icmp->has_station && !is_one_station(&icmp->station)) {
        reason = WH_WHY_ND_MALFORMED;
    } else if (icmp->kind == ICMP_NEIGHBOUR_SOLICITATION) {
        reason = solicitation_heard(host, packet, icmp);
    } else {
        reason = advertisement_heard(host, icmp);
    }
    if (reason != WH_WHY_NONE) {
        host->tcp.count[reason]++;
    }
}
