/* SPDX-License-Identifier: MIT */
/*
 * Datagram sockets: UDP with full tuples both ways, and echo requests to addresses
 * that are not the host's own. Each holds a bounded number of bytes.
 */
#include <string.h>

#include "base/bytes.h"
#include "stack/stack.h"
#include "wire/udp.h"

/* Memory that waiting datagrams of one socket may cost. */
#define QUEUE_LIMIT (1U << 20)

struct wh_dgram {
    wh_dgram_kind kind;
    wh_endpoint local;
    bool any_port;
    struct chunk *head, *tail; /* each holds a struct received, then the data */
    struct chunk *current;     /* what the last wh_dgram_recv answered */
    uint32_t cost;
    struct link link, event_link;
    struct wh_stack *host;
    void *user;
};

/* What stands in front of a waiting datagram's bytes. */
struct received {
    wh_datagram datagram;
};

static struct wh_dgram *find(struct wh_stack *host, wh_dgram_kind kind, const wh_endpoint *local)
{
    struct wh_dgram *any = NULL;
    for (struct link *link = host->dgrams.ring.next; link != &host->dgrams.ring;
         link = link->next) {
        struct wh_dgram *dgram = CONTAINER(link, struct wh_dgram, link);
        if (dgram->kind != kind || address_fitness(&dgram->local.addr, &local->addr) == 0) {
            continue;
        }
        if (kind == WH_ECHO || (!dgram->any_port && dgram->local.port == local->port)) {
            return dgram;
        }
        if (dgram->any_port) {
            any = dgram;
        }
    }
    return any;
}

static void enqueue(struct wh_dgram *dgram, const wh_datagram *datagram)
{
    struct wh_stack *host = dgram->host;
    struct received *head;
    if (dgram->cost >= QUEUE_LIMIT) {
        host->tcp.count[WH_WHY_UDP_QUEUE_FULL]++;
        return;
    }
    uint32_t room = (uint32_t)(sizeof *head + datagram->length);
    struct chunk *chunk = chunk_take(&host->tcp.chunks, room, MEMORY_ORDINARY);
    if (chunk == NULL) {
        host->tcp.count[WH_WHY_MEMORY_CAP]++;
        return;
    }
    head = (struct received *)(void *)chunk->data;
    head->datagram = *datagram;
    head->datagram.data = chunk->data + sizeof *head;
    if (datagram->length > 0) {
        memcpy(chunk->data + sizeof *head, datagram->data, datagram->length);
    }
    chunk->next = NULL;
    if (dgram->tail != NULL) {
        dgram->tail->next = chunk;
    } else {
        dgram->head = chunk;
    }
    dgram->tail = chunk;
    dgram->cost += chunk_cost(chunk);
    if (!link_listed(&dgram->event_link)) {
        list_append(&host->eventful_dgrams, &dgram->event_link);
    }
}

static void refuse_port(struct wh_stack *host, const struct packet *packet)
{
    if (ip_is_group(&packet->destination) ||
        address_is_network_broadcast(host, &packet->destination)) {
        return; /* RFC 1122 3.2.2: never about a group */
    }
    struct tuple tuple = { .local = packet->destination, .remote = packet->source };
    tuple.local_port = get16(packet->payload + 2);
    tuple.remote_port = get16(packet->payload);
    (void)icmp_refuse(host, &tuple, IP_UDP, 0, WH_REFUSE_PORT_UNREACHABLE);
}

void datagram_arrive(struct wh_stack *host, const struct packet *packet, bool checksum_known)
{
    struct datagram parsed;
    wh_reason reason = udp_parse(&parsed, packet, host->tcp.checksum, checksum_known);
    if (reason != WH_WHY_NONE) {
        host->tcp.count[reason]++;
        return;
    }
    wh_datagram datagram = {
        .kind = WH_UDP,
        .local = { packet->destination, parsed.destination_port },
        .remote = { packet->source, parsed.source_port },
        .hops = packet->hops,
        .data = parsed.data,
        .length = parsed.length,
    };
    struct wh_dgram *dgram = find(host, WH_UDP, &datagram.local);
    if (dgram != NULL) {
        enqueue(dgram, &datagram);
    } else {
        host->tcp.count[WH_WHY_UDP_NO_SOCKET]++;
        refuse_port(host, packet);
    }
}

bool datagram_echo(struct wh_stack *host, const struct packet *packet, const struct icmp *icmp)
{
    wh_datagram datagram = {
        .kind = WH_ECHO,
        .local = { packet->destination, 0 },
        .remote = { packet->source, 0 },
        .echo_id = icmp->id,
        .echo_sequence = icmp->sequence,
        .hops = packet->hops,
        .data = icmp->body,
        .length = icmp->length,
    };
    struct wh_dgram *dgram = find(host, WH_ECHO, &datagram.local);
    if (dgram == NULL) {
        return false;
    }
    enqueue(dgram, &datagram);
    return true;
}

uint32_t datagram_events(struct wh_stack *host, wh_event *events, size_t cap)
{
    uint32_t n = 0;
    struct link *link = host->eventful_dgrams.ring.next;
    while (link != &host->eventful_dgrams.ring && n < cap) {
        struct wh_dgram *dgram = CONTAINER(link, struct wh_dgram, event_link);
        link = link->next;
        if (dgram->head == NULL) {
            link_remove(&dgram->event_link);
            continue;
        }
        events[n++] = (wh_event){ .ready = WH_READABLE, .user = dgram->user, .dgram = dgram };
    }
    return n;
}

int wh_dgram_open(wh_stack *host, wh_dgram_kind kind, const wh_endpoint *local, bool any_port,
                  void *user, wh_dgram **dgram)
{
    if ((kind != WH_UDP && kind != WH_ECHO) || (kind == WH_UDP && (local->port == 0) != any_port)) {
        return WH_E_INVAL;
    }
    for (struct link *link = host->dgrams.ring.next; link != &host->dgrams.ring;
         link = link->next) {
        const struct wh_dgram *other = CONTAINER(link, struct wh_dgram, link);
        if (other->kind == kind && other->any_port == any_port &&
            other->local.port == local->port && wh_addr_equal(&other->local.addr, &local->addr)) {
            return WH_E_ADDRINUSE;
        }
    }
    struct wh_dgram *new = memory_take(&host->tcp.memory, sizeof *new, MEMORY_ORDINARY);
    if (new == NULL) {
        return WH_E_NOMEM;
    }
    memset(new, 0, sizeof *new);
    new->kind = kind;
    new->local = *local;
    new->any_port = any_port;
    new->host = host;
    new->user = user;
    list_append(&host->dgrams, &new->link);
    *dgram = new;
    return WH_OK;
}

static void release(struct wh_dgram *dgram)
{
    struct chunk_store *store = &dgram->host->tcp.chunks;
    while (dgram->head != NULL) {
        struct chunk *next = dgram->head->next;
        chunk_drop(store, dgram->head);
        dgram->head = next;
    }
    if (dgram->current != NULL) {
        chunk_drop(store, dgram->current);
    }
    link_remove(&dgram->link);
    link_remove(&dgram->event_link);
    memory_give(&dgram->host->tcp.memory, dgram, sizeof *dgram);
}

void wh_dgram_close(wh_dgram *dgram) { release(dgram); }

void datagram_free_all(struct wh_stack *host)
{
    while (!list_empty(&host->dgrams)) {
        release(CONTAINER(host->dgrams.ring.next, struct wh_dgram, link));
    }
    while (host->packets.head != NULL) {
        struct chunk *next = host->packets.head->next;
        chunk_drop(&host->tcp.chunks, host->packets.head);
        host->packets.head = next;
    }
}

int wh_dgram_recv(wh_dgram *dgram, wh_datagram *datagram)
{
    if (dgram->current != NULL) {
        chunk_drop(&dgram->host->tcp.chunks, dgram->current);
        dgram->current = NULL;
    }
    struct chunk *chunk = dgram->head;
    if (chunk == NULL) {
        return WH_E_AGAIN;
    }
    dgram->head = chunk->next;
    if (dgram->head == NULL) {
        dgram->tail = NULL;
    }
    dgram->cost -= chunk_cost(chunk);
    dgram->current = chunk;
    *datagram = ((const struct received *)(const void *)chunk->data)->datagram;
    return WH_OK;
}

static size_t build(struct wh_dgram *dgram, const wh_datagram *datagram, struct chunk *chunk)
{
    struct wh_stack *host = dgram->host;
    const int64_t *defaults = host->tcp.defaults->value;
    uint8_t hops = datagram->hops != 0 ? datagram->hops : (uint8_t)defaults[WH_OPT_TTL];
    if (dgram->kind == WH_UDP) {
        struct packet packet = { .source = datagram->local.addr,
                                 .destination = datagram->remote.addr,
                                 .hops = hops,
                                 .traffic_class = (uint8_t)(defaults[WH_OPT_DSCP] << 2) };
        struct datagram udp = { .source_port = datagram->local.port,
                                .destination_port = datagram->remote.port,
                                .data = datagram->data,
                                .length = (uint32_t)datagram->length };
        return udp_build(chunk->data, chunk->size, &packet, &udp, (uint16_t)host->tcp.frames_out,
                         host->tcp.checksum);
    }
    /* An echo reply answers a request that came the other way. */
    struct packet request = { .source = datagram->remote.addr,
                              .destination = datagram->local.addr,
                              .version = wh_is_ipv4(&datagram->local.addr) ? 4 : 6 };
    struct icmp icmp = { .kind = ICMP_ECHO_REQUEST,
                         .id = datagram->echo_id,
                         .sequence = datagram->echo_sequence,
                         .body = datagram->data,
                         .length = (uint32_t)datagram->length };
    return icmp_build_echo_reply(chunk->data, chunk->size, &request, &icmp, host->tcp.checksum);
}

int wh_dgram_send(wh_dgram *dgram, const wh_datagram *datagram)
{
    struct wh_stack *host = dgram->host;
    size_t headers = ip_header_length(&datagram->remote.addr) + 8U;
    if (datagram->length + headers > host->tcp.mtu) {
        return WH_E_MSGSIZE; /* fragments are not made */
    }
    if (wh_is_ipv4(&datagram->local.addr) != wh_is_ipv4(&datagram->remote.addr)) {
        return WH_E_AFNOSUPPORT;
    }
    struct chunk *chunk =
        chunk_take(&host->tcp.chunks, (uint32_t)(datagram->length + headers), MEMORY_ORDINARY);
    if (chunk == NULL) {
        host->tcp.count[WH_WHY_MEMORY_CAP]++;
        return WH_E_NOMEM;
    }
    size_t length = build(dgram, datagram, chunk);
    if (length == 0) {
        chunk_drop(&host->tcp.chunks, chunk);
        return WH_E_MSGSIZE;
    }
    chunk->end = (uint32_t)length;
    return packet_send(host, chunk) ? WH_OK : WH_E_AGAIN;
}

int wh_dgram_refuse(wh_dgram *dgram, const wh_datagram *datagram, wh_refusal how)
{
    struct tuple tuple = { .local = datagram->local.addr,
                           .remote = datagram->remote.addr,
                           .local_port = datagram->local.port,
                           .remote_port = datagram->remote.port };
    uint8_t protocol = IP_UDP;
    if (dgram->kind == WH_ECHO) {
        protocol = wh_is_ipv4(&tuple.remote) ? IP_ICMP : IP_ICMPV6;
        tuple.local_port = datagram->echo_id;
        tuple.remote_port = datagram->echo_sequence;
    }
    return icmp_refuse(dgram->host, &tuple, protocol, 0, how);
}
