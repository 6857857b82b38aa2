/* SPDX-License-Identifier: MIT */
/*
 * Held SYNs: the application decides whether a SYN is answered, and how. Repeats join
 * the entry; its number and age are bounded; it is still LISTEN in the state table.
 */
#include <string.h>

#include "base/bytes.h"
#include "stack/stack.h"

static struct wh_syn *syn_of(struct link *link) { return CONTAINER(link, struct wh_syn, age_link); }

static void tell(struct wh_syn *held)
{
    if (!link_listed(&held->event_link)) {
        list_append(&held->host->eventful_syns, &held->event_link);
    }
}

/* A Fast Open cookie stays behind in its frame: the application decides, not the cookie. */
static void forget_cookie(struct wh_syn *held)
{
    held->syn.options.has &= (uint8_t)~WH_HAS_FAST_OPEN;
    held->syn.options.fast_open = NULL;
}

void held_begin(struct wh_stack *host, struct wh_listener *listener, const struct segment *syn,
                uint32_t prior)
{
    struct tcp *tcp = &host->tcp;
    uint32_t index;
    if (host->helds.used >= host->config.max_held) {
        because(tcp, WH_WHY_HELD_FULL);
        return;
    }
    struct wh_syn *held = pool_take(&host->helds, &index, MEMORY_ORDINARY);
    if (held == NULL) {
        because(tcp, WH_WHY_MEMORY_CAP);
        return;
    }
    held->host = host;
    held->index = index;
    held->syn = *syn;
    held->syn.data = NULL;
    held->syn.length = 0;
    held->syn.buffer = NULL;
    forget_cookie(held);
    struct demux_entry slot = { RECORD_HELD, index };
    uint32_t hash = demux_hash(&host->demux, &syn->tuple);
    bool entered = prior != 0 ? demux_replace(&host->demux, hash,
                                              (struct demux_entry){ RECORD_TIME_WAIT, prior }, slot)
                              : demux_insert(&host->demux, hash, slot);
    if (!entered) {
        pool_give(&host->helds, index);
        because(tcp, WH_WHY_MEMORY_CAP);
        return;
    }
    if (prior != 0) {
        time_wait_at(&host->time_waits, prior)->flags |= TIME_WAIT_REOPENED;
        held->prior = prior;
    }
    held->user = listener->user;
    held->offered = true;
    held->expires = tcp->now + host->config.held_timeout;
    step(tcp, &held->record, WH_ON_PASSIVE_OPEN, WH_WHY_SYN_HELD);
    tcp->arc = WH_ON_NOTHING; /* the segment met a LISTEN and left one: no arc of its own */
    list_append(&host->held_by_age, &held->age_link);
    tell(held);
}

static void held_free(struct wh_syn *held, bool in_table)
{
    struct wh_stack *host = held->host;
    uint32_t prior = held->prior;
    struct tuple tuple = held->syn.tuple;
    link_remove(&held->age_link);
    link_remove(&held->event_link);
    if (in_table) {
        demux_remove(&host->demux, demux_hash(&host->demux, &tuple),
                     (struct demux_entry){ RECORD_HELD, held->index });
    }
    pool_give(&host->helds, held->index);
    if (in_table) {
        stack_restore_prior(host, prior, &tuple);
    }
}

static void withdraw(struct wh_syn *held, wh_arc_event event, wh_reason reason)
{
    step(&held->host->tcp, &held->record, event, reason);
    held->withdrawn = true;
    link_remove(&held->age_link);
    tell(held);
}

void held_arrive(struct wh_stack *host, struct wh_syn *held, const struct segment *segment)
{
    struct tcp *tcp = &host->tcp;
    if (segment->flags & WH_RST) {
        /* The opener has given up: its RST stands right after its SYN. */
        bool its = segment->seq == held->syn.seq + 1 || segment->seq == held->syn.seq;
        if (its && !held->withdrawn) {
            withdraw(held, WH_ON_GOT_RST, WH_WHY_PEER_RESET);
        } else {
            because(tcp, WH_WHY_RST_IN_LISTEN);
        }
    } else if (segment->flags & WH_ACK) {
        because(tcp, WH_WHY_ACK_IN_LISTEN);
        reply_reset(tcp, segment, WH_LISTEN, WH_WHY_ACK_IN_LISTEN);
    } else if (segment->flags & WH_SYN) {
        because(tcp, WH_WHY_SYN_REPEATED);
        /* If the opener has begun anew from the same port, its latest SYN is answered. */
        held->syn.seq = segment->seq;
        held->syn.options = segment->options;
        held->syn.flags = (uint16_t)(WH_SYN | (segment->flags & (WH_ECE | WH_CWR | WH_AE)));
        forget_cookie(held);
        held->syn.window = segment->window;
        held->syn.traffic_class = segment->traffic_class;
    } else {
        because(tcp, WH_WHY_NOT_A_SYN_IN_LISTEN);
    }
}

void held_expire(struct wh_stack *host)
{
    while (!list_empty(&host->held_by_age)) {
        struct wh_syn *held = syn_of(host->held_by_age.ring.next);
        if (held->expires > host->tcp.now) {
            break;
        }
        withdraw(held, WH_ON_GAVE_UP, WH_WHY_TIMEOUT_HELD);
    }
}

wh_time held_wake(const struct wh_stack *host)
{
    return list_empty(&host->held_by_age) ? WH_NEVER : syn_of(host->held_by_age.ring.next)->expires;
}

void wh_syn_endpoints(const wh_syn *syn, wh_endpoint *local, wh_endpoint *remote)
{
    const struct tuple *tuple = &syn->syn.tuple;
    *local = (wh_endpoint){ tuple->local, tuple->local_port };
    *remote = (wh_endpoint){ tuple->remote, tuple->remote_port };
}

void wh_syn_set_user(wh_syn *syn, void *user) { syn->user = user; }

int wh_syn_accept(wh_syn *syn, void *user, wh_conn **conn)
{
    struct wh_stack *host = syn->host;
    struct tcp *tcp = &host->tcp;
    if (syn->withdrawn) {
        return WH_E_CONNRESET;
    }
    struct wh_conn *new = stack_new_connection(host, &syn->syn.tuple);
    if (new == NULL) {
        tcp->count[WH_WHY_MEMORY_CAP]++;
        return WH_E_NOMEM;
    }
    uint32_t iss = tcp_choose_iss(tcp, &syn->syn.tuple);
    const struct time_wait *prior = stack_prior(host, syn->prior, &syn->syn.tuple);
    if (prior != NULL) {
        iss = time_wait_next_iss(prior, iss);
        new->prior = syn->prior;
    }
    new->record = syn->record; /* LISTEN goes on in a larger record */
    tcp_open_passive(new, &syn->syn, iss);
    demux_replace(&host->demux, demux_hash(&host->demux, &syn->syn.tuple),
                  (struct demux_entry){ RECORD_HELD, syn->index },
                  (struct demux_entry){ RECORD_CONNECTION, new->index });
    new->demuxed = true;
    new->handle = true;
    new->accepted = true;
    new->user = user;
    conn_step(new, WH_ON_GOT_SYN, WH_WHY_BY_APPLICATION);
    new->syn_due = true;
    conn_want_output(new);
    held_free(syn, false);
    *conn = new;
    return WH_OK;
}

void wh_syn_refuse(wh_syn *syn, wh_refusal how)
{
    struct wh_stack *host = syn->host;
    if (!syn->withdrawn) {
        step(&host->tcp, &syn->record, WH_ON_ABORT, WH_WHY_BY_APPLICATION);
        if (how == WH_REFUSE_RESET) {
            reply_reset(&host->tcp, &syn->syn, WH_CLOSED, WH_WHY_BY_APPLICATION);
        } else {
            (void)icmp_refuse(host, &syn->syn.tuple, IP_TCP, syn->syn.seq, how);
        }
    }
    held_free(syn, true);
}

void wh_syn_ignore(wh_syn *syn)
{
    if (!syn->withdrawn) {
        step(&syn->host->tcp, &syn->record, WH_ON_CLOSE, WH_WHY_SYN_IGNORED);
    }
    held_free(syn, true);
}

void held_free_all(struct wh_stack *host)
{
    list_init(&host->held_by_age);
    list_init(&host->eventful_syns);
    pool_free(&host->helds);
}
