/* SPDX-License-Identifier: MIT */
/*
 * Theory of operation. The table is set-associative: a keyed hash names a set of
 * FLOW_WAYS entries, and a new connection takes the empty one or the one that was
 * silent for longest. So looking up costs the same however many connections there
 * are, and memory is bounded; a connection that lost its entry starts counting anew.
 *
 * A bare SYN with a sequence number not seen before begins a new connection under
 * an old key, so a rule acts on each of a client's connections alike.
 */
#include "link/flow.h"

#include <stdlib.h>
#include <string.h>

#include "base/seq.h"

int flow_table_init(struct flow_table *table, uint64_t k0, uint64_t k1)
{
    table->flows = calloc((size_t)FLOW_SETS * FLOW_WAYS, sizeof *table->flows);
    table->key = (struct siphash_key){ .k0 = k0, .k1 = k1 };
    table->clock = 0;
    return table->flows != NULL ? WH_OK : WH_E_NOMEM;
}

void flow_table_free(struct flow_table *table)
{
    free(table->flows);
    table->flows = NULL;
}

static void flow_begin(struct flow *flow, const struct flow_key *key, wh_time now)
{
    memset(flow, 0, sizeof *flow);
    flow->key = *key;
    flow->used = true;
    flow->first = now;
}

static struct flow *flow_find(struct flow_table *table, const struct flow_key *key, wh_time now)
{
    uint64_t hash = siphash13(&table->key, key, sizeof *key);
    struct flow *set = &table->flows[(size_t)(hash % FLOW_SETS) * FLOW_WAYS];
    struct flow *oldest = set;
    for (unsigned i = 0; i < FLOW_WAYS; i++) {
        struct flow *flow = &set[i];
        if (flow->used && memcmp(&flow->key, key, sizeof *key) == 0)
            return flow;
        if (oldest->used && (!flow->used || flow->touched < oldest->touched))
            oldest = flow;
    }
    flow_begin(oldest, key, now);
    return oldest;
}

/* True if this bare SYN cannot belong to the connection that stands under its key. */
static bool is_new_connection(const struct flow *flow, const struct sight *sight,
                              wh_direction direction)
{
    const struct flow_half *mine = &flow->half[direction], *other = &flow->half[!direction];
    if ((sight->flags & (WH_SYN | WH_ACK | WH_RST)) != WH_SYN)
        return false;
    if (flow->reset || flow->over)
        return true;
    if (mine->syn)
        return sight->seq != mine->iss;
    /* The other side has opened, and this one now too: simultaneous, unless that was over already. */
    return other->fin_sent || mine->next_known;
}

static unsigned kinds_of(const struct flow *flow, const struct sight *sight, wh_direction direction)
{
    const struct flow_half *mine = &flow->half[direction], *other = &flow->half[!direction];
    unsigned flags = sight->flags;
    if (flags & WH_RST)
        return 1U << KIND_RST;
    unsigned kinds = 0;
    if (flags & WH_SYN)
        kinds |= 1U << (flags & WH_ACK ? KIND_SYN_ACK : KIND_SYN);
    if (flags & WH_FIN)
        kinds |= 1U << KIND_FIN;
    if (sight->data > 0)
        kinds |= 1U << KIND_DATA;
    if (!(flags & WH_ACK))
        return kinds;
    if (!(flags & (WH_SYN | WH_FIN)) && sight->data == 0 && mine->bare_syn && other->syn &&
        sight->ack == other->iss + 1)
        kinds |= 1U << KIND_ACK_OF_SYN;
    if (other->fin_sent && seq_gt(sight->ack, other->fin))
        kinds |= 1U << KIND_ACK_OF_FIN;
    return kinds;
}

/* Moves what is known of this direction's numbers on. */
static void follow(struct flow_half *half, const struct sight *sight)
{
    uint32_t begin = sight->seq;
    if (sight->flags & WH_SYN) {
        half->syn = true;
        half->iss = sight->seq;
        half->bare_syn = half->bare_syn || !(sight->flags & WH_ACK);
        begin++;
    }
    if (!half->next_known) {
        half->next_known = true;
        half->next = begin;
    }
    uint32_t end = begin + sight->data;
    if (seq_gt(end, half->next)) {
        half->bytes += end - half->next;
        half->next = end;
    }
    if (sight->flags & WH_FIN) {
        half->fin_sent = true;
        half->fin = end;
        half->next = seq_max(half->next, end + 1);
    }
}

struct flow *flow_see(struct flow_table *table, const struct sight *sight, wh_direction direction,
                      wh_time now, unsigned *kinds)
{
    struct flow_key key;
    key.addr[direction] = sight->packet.source;
    key.addr[!direction] = sight->packet.destination;
    key.port[direction] = sight->source_port;
    key.port[!direction] = sight->destination_port;
    struct flow *flow = flow_find(table, &key, now);
    if (is_new_connection(flow, sight, direction))
        flow_begin(flow, &key, now);
    flow->touched = ++table->clock;
    *kinds = kinds_of(flow, sight, direction);
    struct flow_half *half = &flow->half[direction];
    for (unsigned kind = 0; kind < KIND_COUNT; kind++)
        half->count[kind] += *kinds >> kind & 1;
    if (sight->flags & WH_RST)
        flow->over = true;
    else
        follow(half, sight);
    return flow;
}
