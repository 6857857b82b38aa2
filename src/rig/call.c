/* SPDX-License-Identifier: MIT */
/* The application: every call of the public interface that scripts can make. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "rig/rig.h"

struct call {
    struct wh_rig *rig;
    char **word; /* the first is the name of the call */
    unsigned words;
    const char *result; /* after "=>", or NULL */
};

static const char *result_text(int64_t result)
{
    return result < 0 ? wh_strerror((int)result) : result == 0 ? "0" : "a count";
}

/* The call answered `got`; `usual` is what it answers if the line says nothing. */
static bool answered(const struct call *call, int64_t got, int64_t usual)
{
    int64_t expected = usual;
    if (call->result != NULL && strcmp(call->result, "EOF") == 0) {
        expected = 0;
    } else if (call->result != NULL && !value_any(call->result, &expected)) {
        expected = value_error(call->result);
        if (expected == 1)
            return rig_fail(call->rig, "`%s` is no result", call->result);
    }
    return got == expected ||
           rig_fail(call->rig, "%s answered %" PRId64 " (%s); expected %" PRId64 " (%s)",
                    call->word[0], got, result_text(got), expected, result_text(expected));
}

static bool needs_connection(const struct call *call)
{
    return call->rig->at->conn != NULL ||
           rig_fail(call->rig, "the application has no connection on this flow");
}

/* ------------------------------------------------------------- opening -- */

static struct rig_listener *listener_at(struct wh_rig *rig, uint16_t port, bool make)
{
    struct rig_listener *spare = NULL;
    for (size_t i = 0; i < RIG_LISTENERS; i++) {
        struct rig_listener *slot = &rig->listener[i];
        if (slot->listener != NULL && (slot->port == port || slot->port == 0))
            return slot;
        if (slot->listener == NULL && spare == NULL)
            spare = slot;
    }
    return make ? spare : NULL;
}

static bool do_listen(struct call *call)
{
    struct wh_rig *rig = call->rig;
    wh_listen_options options;
    wh_listen_options_init(&options);
    options.local = rig->at->ours;
    for (unsigned i = 1; i < call->words; i++) {
        int64_t value;
        if (strcmp(call->word[i], "hold") == 0)
            options.flags |= WH_LISTEN_HOLD;
        else if (strcmp(call->word[i], "any-port") == 0)
            options.flags |= WH_LISTEN_ANY_PORT, options.local.port = 0;
        else if (strcmp(call->word[i], "any-address") == 0)
            memset(&options.local.addr, 0, sizeof options.local.addr);
        else if (strcmp(call->word[i], "backlog") == 0 && i + 1 < call->words &&
                 value_number(call->word[i + 1], &value))
            options.backlog = (uint32_t)value, i++;
        else if (strcmp(call->word[i], "fast-open") == 0 && i + 1 < call->words &&
                 value_number(call->word[i + 1], &value))
            options.fast_open = (uint32_t)value, i++;
        else
            return rig_fail(rig, "listen knows no `%s`", call->word[i]);
    }
    bool there = listener_at(rig, options.local.port, false) != NULL;
    if (there && strcmp(call->word[0], "listening") == 0)
        return true;
    struct rig_listener *slot = listener_at(rig, options.local.port, true), another = { 0 };
    if (there || slot == NULL) /* a second one must not disturb the first */
        slot = &another;
    slot->port = options.local.port;
    slot->events = 0;
    options.user = slot;
    int result = wh_listen(rig->host, &options, &slot->listener);
    if (result < 0)
        slot->listener = NULL;
    return answered(call, result, 0);
}

static bool do_unlisten(struct call *call)
{
    struct rig_listener *slot = listener_at(call->rig, call->rig->at->ours.port, false);
    if (slot == NULL)
        return rig_fail(call->rig, "nothing listens there");
    wh_listener_close(slot->listener);
    slot->listener = NULL;
    return true;
}

static bool do_connect(struct call *call)
{
    struct wh_rig *rig = call->rig;
    struct flow *flow = rig->at;
    wh_connect_options options;
    wh_connect_options_init(&options);
    for (unsigned i = 1; i < call->words; i++) {
        if (strcmp(call->word[i], "any-port") == 0)
            flow->ours.port = 0;
        else if (strcmp(call->word[i], "fast-open") == 0)
            options.flags |= WH_CONNECT_FAST_OPEN;
        else if (strcmp(call->word[i], "to") == 0 && i + 1 < call->words) {
            if (!packet_address(rig, call->word[++i], &flow->theirs.addr) &&
                wh_addr_parse(call->word[i], &flow->theirs.addr) < 0)
                return rig_fail(rig, "`%s` is no address", call->word[i]);
        } else if (strcmp(call->word[i], "any-address") != 0)
            return rig_fail(rig, "connect knows no `%s`", call->word[i]);
    }
    options.local = flow->ours;
    options.remote = flow->theirs;
    options.user = flow;
    for (unsigned i = 1; i < call->words; i++)
        if (strcmp(call->word[i], "any-address") == 0)
            memset(&options.local.addr, 0, sizeof options.local.addr);
    flow_again(flow, flow->is.peer_iss);
    wh_conn *conn = NULL;
    int result = wh_connect(rig->host, &options, rig->now, &conn);
    if (result >= 0)
        flow->conn = conn;
    return answered(call, result, 0);
}

/* The key of the host's Fast Open cookies: one byte, repeated. */
static bool do_fast_open_key(struct call *call)
{
    uint8_t key[16];
    int64_t value;
    if (call->words != 2 || !value_number(call->word[1], &value))
        return rig_fail(call->rig, "expected: fast-open-key NUMBER");
    memset(key, (uint8_t)value, sizeof key);
    wh_fast_open_key(call->rig->host, key);
    return true;
}

/* Ties an accepted connection to its flow. */
static bool adopt(struct call *call, wh_conn *conn)
{
    struct wh_rig *rig = call->rig;
    wh_endpoint ours, theirs;
    wh_endpoints(conn, &ours, &theirs);
    struct flow *flow = flow_find(rig, &ours, &theirs);
    if (flow == NULL || flow != rig->at) {
        wh_abort(conn);
        return rig_fail(rig, "the connection accepted belongs to %s",
                        flow == NULL ? "no flow" : "another flow");
    }
    flow->conn = conn;
    wh_set_user(conn, flow);
    return true;
}

static bool do_accept(struct call *call)
{
    struct wh_rig *rig = call->rig;
    struct rig_listener *slot = listener_at(rig, rig->at->ours.port, false);
    if (slot == NULL)
        return rig_fail(rig, "nothing listens there");
    wh_conn *conn = NULL;
    int result = wh_accept(slot->listener, rig->at, &conn);
    slot->events &= ~(uint32_t)WH_ACCEPTABLE;
    if (result >= 0 && !adopt(call, conn))
        return false;
    return answered(call, result, 0);
}

static bool do_syn(struct call *call)
{
    struct wh_rig *rig = call->rig;
    struct flow *flow = rig->at;
    static const char *const refusals[] = { "reset", "net-unreachable", "host-unreachable",
                                            "port-unreachable", "prohibited" };
    if (flow->syn == NULL)
        return rig_fail(rig, "no SYN of this flow is held");
    const char *what = call->words > 1 ? call->word[1] : "";
    wh_syn *syn = flow->syn;
    if (strcmp(what, "accept") == 0) {
        wh_conn *conn = NULL;
        int result = wh_syn_accept(syn, flow, &conn);
        if (result >= 0) {
            flow->syn = NULL;
            flow->conn = conn;
        }
        return answered(call, result, 0);
    }
    flow->syn = NULL;
    if (strcmp(what, "ignore") == 0) {
        wh_syn_ignore(syn);
        return true;
    }
    for (unsigned i = 0; strcmp(what, "refuse") == 0 && call->words == 3 && i < 5; i++)
        if (strcmp(call->word[2], refusals[i]) == 0) {
            wh_syn_refuse(syn, (wh_refusal)i);
            return true;
        }
    return rig_fail(rig,
                    "expected: syn accept, syn ignore, or syn refuse reset|net-unreachable|...");
}

/* ---------------------------------------------------------------- data -- */

/* Through wh_reserve and wh_commit. */
static int64_t send_reserved(struct wh_rig *rig, size_t length, unsigned flags)
{
    struct flow *flow = rig->at;
    wh_slice slice[4];
    int64_t total = 0;
    while (length > 0) {
        int n = wh_reserve(flow->conn, length, slice, 4);
        if (n <= 0)
            return total > 0 ? total : n;
        size_t got = 0;
        for (int i = 0; i < n && got < length; i++) {
            size_t part = MIN(slice[i].length, length - got);
            stream_fill(&flow->sent, flow->send_position + (uint64_t)total + got,
                        (uint8_t *)(uintptr_t)slice[i].base, part);
            got += part;
        }
        int64_t result = wh_commit(flow->conn, got, flags);
        if (result <= 0)
            return total > 0 ? total : result;
        total += result;
        length -= (size_t)result;
    }
    return total;
}

static bool do_send(struct call *call)
{
    struct wh_rig *rig = call->rig;
    struct flow *flow = rig->at;
    const char *word = call->words > 1 ? call->word[1] : "";
    uint64_t length;
    unsigned flags = 0;
    bool reserved = false;
    if (!needs_connection(call))
        return false;
    if (word[0] == '"') {
        length = strlen(word + 1);
        if (!stream_lay(&flow->sent, flow->send_position, word + 1, (size_t)length))
            return rig_fail(rig, "too many texts");
    } else {
        int64_t value;
        if (!value_expression(word, flow_lookup, flow, &value) || value < 0)
            return rig_fail(rig, "expected: send LENGTH or send \"text\"");
        length = (uint64_t)value;
    }
    for (unsigned i = 2; i < call->words; i++) {
        flags |= strcmp(call->word[i], "more") == 0 ? WH_SEND_MORE : 0;
        flags |= strcmp(call->word[i], "urgent") == 0 ? WH_SEND_URGENT : 0;
        reserved |= strcmp(call->word[i], "reserved") == 0;
    }
    int64_t result;
    if (reserved) {
        result = send_reserved(rig, (size_t)length, flags);
    } else {
        uint8_t *data = malloc((size_t)length + 1);
        if (data == NULL)
            abort();
        stream_fill(&flow->sent, flow->send_position, data, (size_t)length);
        result = wh_send(flow->conn, data, (size_t)length, flags);
        free(data);
    }
    flow->send_position += result > 0 ? (uint64_t)result : 0;
    return answered(call, result, (int64_t)length);
}

/* What is taken back was never sent: the stream goes on from before it. */
static bool do_flush(struct call *call)
{
    struct flow *flow = call->rig->at;
    if (!needs_connection(call))
        return false;
    int64_t result = wh_flush(flow->conn);
    flow->send_position -= result > 0 ? (uint64_t)result : 0;
    return answered(call, result, 0);
}

/* Takes n bytes and compares them with what the peer has sent. */
static int64_t receive(struct wh_rig *rig, size_t n, bool *wrong)
{
    struct flow *flow = rig->at;
    uint8_t *data = malloc(n + 1);
    if (data == NULL)
        abort();
    int64_t total = 0, result = 0;
    do {
        result = wh_recv(flow->conn, data, n - (size_t)total);
        if (result > 0) {
            *wrong |= stream_differs(&flow->received, flow->read_position, data, (size_t)result) !=
                      UINT64_MAX;
            flow->read_position += (uint64_t)result;
            total += result;
        }
    } while (result > 0 && (size_t)total < n);
    free(data);
    return total > 0 ? total : result;
}

static bool do_recv(struct call *call)
{
    struct wh_rig *rig = call->rig;
    const char *word = call->words > 1 ? call->word[1] : "1";
    int64_t length;
    bool wrong = false;
    if (!needs_connection(call))
        return false;
    if (word[0] == '"')
        length = (int64_t)strlen(word + 1);
    else if (!value_expression(word, flow_lookup, rig->at, &length) || length <= 0)
        return rig_fail(rig, "expected: recv LENGTH or recv \"text\"");
    if (word[0] == '"') {
        struct flow *flow = rig->at;
        if (stream_differs(&flow->received, flow->read_position, (const uint8_t *)word + 1,
                           (size_t)length) != UINT64_MAX)
            return rig_fail(rig, "that is not what the peer has sent there");
    }
    int64_t result = receive(rig, (size_t)length, &wrong);
    if (wrong)
        return rig_fail(rig, "wrong bytes were delivered");
    return answered(call, result, length);
}

/* Reads in place: compares what waits at the front, takes nothing. */
static bool do_peek(struct call *call)
{
    struct wh_rig *rig = call->rig;
    struct flow *flow = rig->at;
    wh_slice slice[16];
    int64_t total = 0, length = 0;
    if (!needs_connection(call))
        return false;
    if (call->words > 1 && !value_any(call->word[1], &length))
        return rig_fail(rig, "expected: peek LENGTH");
    int n = wh_peek(flow->conn, slice, 16);
    if (n <= 0)
        return answered(call, n, length);
    for (int i = 0; i < n; i++) {
        if (stream_differs(&flow->received, flow->read_position + (uint64_t)total, slice[i].base,
                           slice[i].length) != UINT64_MAX)
            return rig_fail(rig, "wrong bytes wait");
        total += (int64_t)slice[i].length;
    }
    return answered(call, total, length);
}

static bool do_consume(struct call *call)
{
    int64_t length;
    if (!needs_connection(call))
        return false;
    if (call->words != 2 || !value_any(call->word[1], &length))
        return rig_fail(call->rig, "expected: consume LENGTH");
    int result = wh_consume(call->rig->at->conn, (size_t)length);
    call->rig->at->read_position += result >= 0 ? (uint64_t)length : 0;
    return answered(call, result, 0);
}

/* ------------------------------------------------------------- closing -- */

static bool do_shutdown(struct call *call)
{
    const char *side = call->words > 1 ? call->word[1] : "";
    unsigned sides = strcmp(side, "write") == 0  ? WH_WRITE
                     : strcmp(side, "read") == 0 ? WH_READ
                     : strcmp(side, "both") == 0 ? WH_READ | WH_WRITE
                                                 : 0;
    if (sides == 0)
        return rig_fail(call->rig, "expected: shutdown write|read|both");
    return needs_connection(call) && answered(call, wh_shutdown(call->rig->at->conn, sides), 0);
}

static bool do_close(struct call *call)
{
    if (!needs_connection(call))
        return false;
    wh_conn *conn = call->rig->at->conn;
    call->rig->at->conn = NULL;
    if (call->word[0][0] == 'a')
        wh_abort(conn);
    else
        wh_close(conn);
    return true;
}

/* ------------------------------------------------------------- options -- */

static bool set_congestion(struct call *call, bool host)
{
    const char *name = call->word[2];
    if (host)
        return answered(call, wh_stack_set_congestion(call->rig->host, name), 0);
    return needs_connection(call) &&
           answered(call, wh_set_congestion(call->rig->at->conn, name), 0);
}

static bool do_set(struct call *call)
{
    int option = call->words == 3 ? value_option(call->word[1]) : -1;
    int64_t value;
    bool host = strcmp(call->word[0], "option") == 0;
    if (call->words == 3 && strcmp(call->word[1], "congestion") == 0)
        return set_congestion(call, host);
    if (option < 0 || !value_expression(call->word[2], flow_lookup, call->rig->at, &value))
        return rig_fail(call->rig, "expected: %s NAME VALUE", call->word[0]);
    if (host)
        return answered(call, wh_stack_set(call->rig->host, (wh_option)option, value), 0);
    return needs_connection(call) &&
           answered(call, wh_set(call->rig->at->conn, (wh_option)option, value), 0);
}

static bool do_watch(struct call *call)
{
    uint32_t events = 0;
    if (!needs_connection(call))
        return false;
    for (unsigned i = 1; i < call->words; i++) {
        if (value_event(call->word[i]) == 0)
            return rig_fail(call->rig, "`%s` is no event", call->word[i]);
        events |= value_event(call->word[i]);
    }
    wh_watch(call->rig->at->conn, events);
    return true;
}

/* ----------------------------------------------------------- datagrams -- */

static bool dgram_send(struct call *call, wh_dgram *dgram, wh_dgram_kind kind)
{
    struct flow *flow = call->rig->at;
    const char *word = call->words > 2 ? call->word[2] : "0";
    int64_t length = 0;
    uint8_t data[2000];
    wh_datagram out = { .kind = kind, .local = flow->ours, .remote = flow->theirs, .data = data };
    if (word[0] == '"') {
        length = (int64_t)strlen(word + 1);
        memcpy(data, word + 1, (size_t)MIN(length, 2000));
    } else if (!value_any(word, &length)) {
        return rig_fail(call->rig, "expected a length");
    } else {
        stream_fill(&flow->sent, 0, data, (size_t)MIN(length, 2000));
    }
    out.length = (size_t)length;
    if (call->words == 5) { /* id and number of an echo */
        int64_t id, number;
        if (!value_any(call->word[3], &id) || !value_any(call->word[4], &number))
            return rig_fail(call->rig, "expected: echo send LENGTH ID NUMBER");
        out.echo_id = (uint16_t)id;
        out.echo_sequence = (uint16_t)number;
    }
    return answered(call, wh_dgram_send(dgram, &out), 0);
}

static bool dgram_receive(struct call *call, wh_dgram *dgram)
{
    struct flow *flow = call->rig->at;
    const char *word = call->words > 2 ? call->word[2] : NULL;
    wh_datagram in;
    int result = wh_dgram_recv(dgram, &in);
    if (result < 0)
        return answered(call, result, 0);
    int64_t length = 0;
    if (word == NULL || word[0] == '"' || !value_any(word, &length))
        length = word == NULL ? 0 : (int64_t)strlen(word + 1);
    if ((int64_t)in.length != length)
        return rig_fail(call->rig, "a datagram of %zu bytes was delivered", in.length);
    bool same = word != NULL && word[0] == '"'
                    ? memcmp(word + 1, in.data, in.length) == 0
                    : stream_differs(&flow->received, 0, in.data, in.length) == UINT64_MAX;
    if (!same || !wh_addr_equal(&in.remote.addr, &flow->theirs.addr))
        return rig_fail(call->rig, "a wrong datagram was delivered");
    return call->result == NULL || rig_fail(call->rig, "a datagram was delivered");
}

static bool do_dgram(struct call *call)
{
    struct wh_rig *rig = call->rig;
    wh_dgram_kind kind = call->word[0][0] == 'u' ? WH_UDP : WH_ECHO;
    wh_dgram **dgram = &rig->dgram[kind];
    const char *what = call->words > 1 ? call->word[1] : "";
    if (strcmp(what, "open") == 0) {
        bool any = call->words > 2 && strcmp(call->word[2], "any-port") == 0;
        wh_endpoint local = rig->at->ours;
        local.port = any || kind == WH_ECHO ? 0 : local.port;
        wh_dgram *another = NULL;
        int result = wh_dgram_open(rig->host, kind, &local, any, NULL, &another);
        if (result >= 0)
            *dgram = another;
        return answered(call, result, 0);
    }
    if (*dgram == NULL)
        return rig_fail(rig, "no such socket is open");
    if (strcmp(what, "send") == 0)
        return dgram_send(call, *dgram, kind);
    if (strcmp(what, "recv") == 0)
        return dgram_receive(call, *dgram);
    if (strcmp(what, "close") == 0) {
        wh_dgram_close(*dgram);
        *dgram = NULL;
        return true;
    }
    return rig_fail(rig, "expected: %s open|send|recv|close", call->word[0]);
}

static const struct {
    const char *name;
    bool (*run)(struct call *);
} calls[] = {
    { "listen", do_listen },     { "listening", do_listen },
    { "unlisten", do_unlisten }, { "fast-open-key", do_fast_open_key },
    { "connect", do_connect },   { "accept", do_accept },
    { "syn", do_syn },           { "send", do_send },
    { "recv", do_recv },         { "peek", do_peek },
    { "consume", do_consume },   { "shutdown", do_shutdown },
    { "close", do_close },       { "abort", do_close },
    { "set", do_set },           { "option", do_set },
    { "watch", do_watch },       { "udp", do_dgram },
    { "echo", do_dgram },        { "flush", do_flush },
};

bool call_run(struct wh_rig *rig, char **word, unsigned words, bool *known)
{
    struct call call = { rig, word, words, NULL };
    if (words >= 3 && strcmp(word[words - 2], "=>") == 0) {
        call.result = word[words - 1];
        call.words = words - 2;
    }
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++)
        if (strcmp(word[0], calls[i].name) == 0) {
            *known = true;
            char flow[4] = { rig->at->name, ':', ' ', 0 };
            note_add(rig, ' ', rig->now, "%s%s %s %s", rig->at->name == 'a' ? "" : flow, word[0],
                     words > 1 ? word[1] : "", words > 2 ? word[2] : "");
            return host_quiet(rig) && host_flush(rig) && calls[i].run(&call) && host_pump(rig);
        }
    *known = false;
    return true;
}
