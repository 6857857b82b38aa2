/* SPDX-License-Identifier: MIT */
/*
 * ICMP in and out: echo, and errors about our connections. Errors are believed only
 * about sequence numbers that are in flight (RFC 5927 4.1).
 *
 * Hard errors end an attempt to connect (RFC 9293 3.9.2.2). On a connection that is
 * already open they count as soft: one forged packet must not end it (RFC 5927 5.2).
 */
#include <string.h>

#include "base/bytes.h"
#include "stack/stack.h"

/* RFC 1191 7.1: where the next hop's MTU is not told, the next plateau below what was quoted. */
static uint32_t plateau_below(uint32_t size)
{
    static const uint16_t plateau[] = { 32000, 17914, 8166, 4352, 2002, 1492, 1006, 508, 296, 68 };
    for (size_t i = 0; i < sizeof plateau / sizeof plateau[0]; i++) {
        if (plateau[i] < size) {
            return plateau[i];
        }
    }
    return 68;
}

/* What an error means: the result for the application, and whether it ends an opening connection. */
struct meaning {
    wh_error error;
    bool hard;
};

static struct meaning meaning_of(const struct icmp *icmp)
{
    switch (icmp->kind) {
    case ICMP_PROTOCOL_UNREACHABLE:
        /* In ICMPv6 it is one of the parameter problems, and those are soft (MUST-56). */
        return (struct meaning){ WH_E_CONNREFUSED, icmp->packet.version == 4 };
    case ICMP_PORT_UNREACHABLE: return (struct meaning){ WH_E_CONNREFUSED, true };
    case ICMP_PROHIBITED: return (struct meaning){ WH_E_HOSTUNREACH, true };
    case ICMP_NET_UNREACHABLE: return (struct meaning){ WH_E_NETUNREACH, false };
    case ICMP_HOST_UNREACHABLE:
    case ICMP_SOURCE_ROUTE_FAILED:
    case ICMP_UNREACHABLE_OTHER:
    case ICMP_TIME_EXCEEDED:
    case ICMP_PARAMETER_PROBLEM: return (struct meaning){ WH_E_HOSTUNREACH, false };
    default: return (struct meaning){ WH_OK, false };
    }
}

static bool in_flight(const struct wh_conn *conn, uint32_t seq)
{
    return seq_leq(conn->snd_una, seq) && seq_lt(seq, conn->snd_max);
}

static void error_about(struct wh_stack *host, struct wh_conn *conn, const struct icmp *icmp)
{
    struct tcp *tcp = &host->tcp;
    if (!icmp->has_seq || !in_flight(conn, icmp->seq)) {
        tcp->count[WH_WHY_ICMP_NOT_IN_FLIGHT]++;
        return;
    }
    if (icmp->kind == ICMP_TOO_BIG) {
        uint32_t quoted = icmp->packet.header + conn->snd_mss + 20;
        tcp_path_mtu(conn, icmp->mtu != 0 ? icmp->mtu : plateau_below(quoted), icmp->seq);
        return;
    }
    struct meaning meaning = meaning_of(icmp);
    if (meaning.error == WH_OK) {
        tcp->count[WH_WHY_ICMP_IGNORED]++;
        return;
    }
    if (meaning.hard && conn_state(conn) == WH_SYN_SENT) {
        tcp_die(conn, WH_ON_GAVE_UP, WH_WHY_ICMP_HARD, meaning.error);
        stack_settle(host, conn);
        return;
    }
    tcp->count[WH_WHY_ICMP_SOFT]++;
    conn->soft_reason = WH_WHY_ICMP_SOFT;
    conn->soft_error = (int8_t)meaning.error;
    conn->pending |= WH_TROUBLE;
    conn_notify(conn);
}

static void arrive_error(struct wh_stack *host, const struct icmp *icmp)
{
    struct tcp *tcp = &host->tcp;
    if (icmp->kind == ICMP_SOURCE_QUENCH) {
        tcp->count[WH_WHY_ICMP_SOURCE_QUENCH]++; /* RFC 9293 3.9.2.2, MUST-55 */
        return;
    }
    if (!icmp->quoted || icmp->packet.protocol != IP_TCP) {
        tcp->count[WH_WHY_ICMP_IGNORED]++;
        return;
    }
    struct tuple tuple = { .local = icmp->packet.source,
                           .remote = icmp->packet.destination,
                           .local_port = icmp->source_port,
                           .remote_port = icmp->destination_port };
    struct demux_entry found = demux_find(&host->demux, demux_hash(&host->demux, &tuple), &tuple);
    if (found.index == 0 || found.kind != RECORD_CONNECTION) {
        tcp->count[WH_WHY_ICMP_NO_MATCH]++;
        return;
    }
    error_about(host, pool_at(&host->connections, found.index), icmp);
}

static void answer_echo(struct wh_stack *host, const struct packet *packet, const struct icmp *icmp)
{
    struct tcp *tcp = &host->tcp;
    if (ip_is_group(&packet->destination) ||
        address_is_network_broadcast(host, &packet->destination) ||
        ip_source_invalid(&packet->source)) {
        tcp->count[WH_WHY_ICMP_IGNORED]++;
        return;
    }
    if (!address_is_ours(host, &packet->destination) && datagram_echo(host, packet, icmp)) {
        return;
    }
    uint32_t room = 40 + ICMP_HEADER + icmp->length;
    struct chunk *chunk = chunk_take(&tcp->chunks, MIN(room, chunk_max()), MEMORY_ORDINARY);
    if (chunk == NULL) {
        tcp->count[WH_WHY_MEMORY_CAP]++;
        return;
    }
    size_t length = icmp_build_echo_reply(chunk->data, chunk->size, packet, icmp, tcp->checksum);
    if (length == 0 || length > tcp->mtu) {
        tcp->count[WH_WHY_FRAME_TOO_LONG]++;
        chunk_drop(&tcp->chunks, chunk);
        return;
    }
    chunk->end = (uint32_t)length;
    tcp->count[WH_WHY_ECHO_REPLY]++;
    (void)packet_send(host, chunk);
}

void icmp_arrive(struct wh_stack *host, const struct packet *packet, bool checksum_known)
{
    struct icmp icmp;
    wh_reason reason = icmp_parse(&icmp, packet, host->tcp.checksum, checksum_known);
    if (reason != WH_WHY_NONE) {
        host->tcp.count[reason]++;
        return;
    }
    switch (icmp.kind) {
    case ICMP_ECHO_REQUEST: answer_echo(host, packet, &icmp); break;
    case ICMP_NEIGHBOUR_SOLICITATION:
    case ICMP_NEIGHBOUR_ADVERTISEMENT: hop_neighbour(host, packet, &icmp); break;
    case ICMP_OTHER:
    case ICMP_ECHO_REPLY: host->tcp.count[WH_WHY_ICMP_IGNORED]++; break;
    default: arrive_error(host, &icmp); break;
    }
}

static enum icmp_kind kind_of(wh_refusal how)
{
    switch (how) {
    case WH_REFUSE_NET_UNREACHABLE: return ICMP_NET_UNREACHABLE;
    case WH_REFUSE_HOST_UNREACHABLE: return ICMP_HOST_UNREACHABLE;
    case WH_REFUSE_PROHIBITED: return ICMP_PROHIBITED;
    default: return ICMP_PORT_UNREACHABLE;
    }
}

/* The refused packet's beginning as the remote sent it, put together again from its tuple. */
static size_t quote(uint8_t *at, const struct tuple *tuple, uint8_t protocol, uint32_t seq)
{
    uint8_t transport[8] = { 0 };
    struct packet packet = { .source = tuple->remote,
                             .destination = tuple->local,
                             .protocol = protocol,
                             .hops = 64,
                             .length = protocol == IP_TCP ? 20 : 8 };
    size_t length = ip_build(at, &packet, 0);
    if (protocol == IP_ICMP || protocol == IP_ICMPV6) {
        transport[0] = protocol == IP_ICMP ? 8 : 128; /* an echo request */
        put16(transport + 4, tuple->local_port);
        put16(transport + 6, tuple->remote_port);
    } else {
        put16(transport, tuple->remote_port);
        put16(transport + 2, tuple->local_port);
        if (protocol == IP_TCP) {
            put32(transport + 4, seq);
        } else {
            put16(transport + 4, 8);
        }
    }
    memcpy(at + length, transport, sizeof transport);
    return length + sizeof transport;
}

int icmp_refuse(struct wh_stack *host, const struct tuple *tuple, uint8_t protocol, uint32_t seq,
                wh_refusal how)
{
    struct tcp *tcp = &host->tcp;
    uint8_t quoted[IP_HEADER_MAX + 8];
    struct icmp_error error = { .source = &tuple->local,
                                .destination = &tuple->remote,
                                .kind = kind_of(how),
                                .quoted = quoted,
                                .quoted_length = quote(quoted, tuple, protocol, seq) };
    struct chunk *chunk = chunk_take(&tcp->chunks, 256, MEMORY_ORDINARY);
    if (chunk == NULL) {
        tcp->count[WH_WHY_MEMORY_CAP]++;
        return WH_E_NOMEM;
    }
    size_t length = icmp_build_error(chunk->data, chunk->size, &error, tcp->checksum);
    if (length == 0) {
        chunk_drop(&tcp->chunks, chunk);
        return WH_E_INVAL;
    }
    chunk->end = (uint32_t)length;
    return packet_send(host, chunk) ? WH_OK : WH_E_AGAIN;
}
