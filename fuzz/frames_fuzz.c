/* SPDX-License-Identifier: MIT */
/*
 * A whole stack under a string of frames, time and calls. After every step its
 * invariants hold, what it sent is well-formed, frames on loan keep their bytes,
 * no event names a closed handle, the memory cap holds; at the end nothing is
 * left over.
 */
#include "fuzz.h"
#include "heap.h"
#include "peer.h"

#include <wavehand/wavehand.h>

#define HANDLES 16
#define LOANS 64
#define STEPS_MAX 400
#define FRAME_MAX (ETHERNET_HEADER + PACKET_MAX)

/* A frame with the link, and what its bytes added up to when it went. */
struct loan {
    wh_frame frame;
    uint64_t sum;
};

struct rig {
    struct heap heap;
    wh_stack *host;
    wh_time now;
    uint32_t mtu;
    struct peer peer;
    wh_conn *conn[HANDLES];
    wh_syn *syn[HANDLES];
    wh_listener *listener[2]; /* port 80; any port, holding */
    wh_dgram *dgram[2];       /* UDP, echo */
    struct loan loan[LOANS];
    unsigned loans;
};

/* ----------------------------------------------------------------- frames -- */

static uint64_t sum_of(const wh_frame *frame)
{
    uint64_t sum = 14695981039346656037U;
    for (uint32_t i = 0; i < frame->slices; i++)
        for (size_t k = 0; k < frame->slice[i].length; k++)
            sum = (sum ^ ((const uint8_t *)frame->slice[i].base)[k]) * 1099511628211U;
    return sum;
}

/* Gives back the newest `n` loans, whose bytes must not have changed meanwhile. */
static void give_back(struct rig *rig, unsigned n)
{
    while (n-- > 0 && rig->loans > 0) {
        struct loan *loan = &rig->loan[--rig->loans];
        REQUIRE(sum_of(&loan->frame) == loan->sum);
        wh_sent(rig->host, &loan->frame, 1);
    }
}

static void output(struct rig *rig, size_t cap)
{
    wh_frame frames[LOANS];
    if (cap > LOANS - rig->loans)
        cap = LOANS - rig->loans;
    size_t n = wh_output(rig->host, frames, cap, rig->now);
    REQUIRE(n <= cap);
    for (size_t i = 0; i < n; i++) {
        peer_receive(&rig->peer, &frames[i], rig->mtu);
        rig->loan[rig->loans].frame = frames[i];
        rig->loan[rig->loans++].sum = sum_of(&frames[i]);
    }
    /* All is said: the next time to speak lies ahead, or a loop would spin. */
    if (n < cap)
        REQUIRE(wh_wake(rig->host) > rig->now);
}

static void input_frame(struct rig *rig, struct input *input, const uint8_t *bytes, size_t length)
{
    uint8_t how = take8(input);
    REQUIRE(length <= FRAME_MAX);
    wh_frame frame = { .slices = 1, .length = (uint32_t)length };
    uint8_t *copy = malloc(length > 0 ? length : 1); /* exactly, so that any read past it is seen */
    REQUIRE(copy != NULL);
    if (length > 0)
        memcpy(copy, bytes, length);
    frame.slice[0] = (wh_slice){ copy, length };
    if (how & 1) {
        void *base;
        size_t room;
        frame.buffer = wh_buffer(rig->host, length + 64, &base, &room);
        if (frame.buffer != NULL) {
            REQUIRE(room >= length + 64);
            memcpy((uint8_t *)base + (how >> 3), bytes, length);
            frame.slice[0].base = (uint8_t *)base + (how >> 3);
        }
    }
    if (how & 2)
        frame.flags = WH_FRAME_CHECKSUM_VALID;
    if (how & 4)
        frame.segment_size = 536;
    wh_input(rig->host, &frame, 1, rig->now);
    free(copy);
}

/* An IP or ARP packet, behind a link header where the link has one; type 0: as its version says. */
static void input_packet(struct rig *rig, struct input *input, uint16_t type, const uint8_t *bytes,
                         size_t length)
{
    static uint8_t frame[FRAME_MAX];
    if (!rig->peer.ethernet) {
        input_frame(rig, input, bytes, length);
        return;
    }
    if (type == 0)
        type = length > 0 && bytes[0] >> 4 == 6 ? ETHERTYPE_IPV6 : ETHERTYPE_IPV4;
    struct ethernet header = { fuzz_station(2), fuzz_station(9), type };
    ethernet_build(frame, &header);
    memcpy(frame + ETHERNET_HEADER, bytes, length);
    input_frame(rig, input, frame, ETHERNET_HEADER + length);
}

/* ----------------------------------------------------------------- events -- */

static wh_conn **slot_of(struct rig *rig, const wh_conn *conn)
{
    for (unsigned i = 0; i < HANDLES; i++)
        if (rig->conn[i] == conn)
            return &rig->conn[i];
    return NULL;
}

static void keep_conn(struct rig *rig, wh_conn *conn)
{
    wh_conn **slot = slot_of(rig, NULL);
    if (slot != NULL)
        *slot = conn;
    else
        wh_abort(conn);
}

static wh_syn **syn_slot(struct rig *rig, const wh_syn *syn)
{
    for (unsigned i = 0; i < HANDLES; i++)
        if (rig->syn[i] == syn)
            return &rig->syn[i];
    return NULL;
}

/* What an event names must be a handle that is still ours. */
static void handle_event(struct rig *rig, const wh_event *event)
{
    REQUIRE((event->listener != NULL) + (event->syn != NULL) + (event->conn != NULL) +
                (event->dgram != NULL) ==
            1);
    REQUIRE(event->ready != 0);
    if (event->listener != NULL) {
        wh_conn *conn;
        REQUIRE(event->listener == rig->listener[0] || event->listener == rig->listener[1]);
        if (wh_accept(event->listener, NULL, &conn) == 0)
            keep_conn(rig, conn);
    } else if (event->conn != NULL) {
        REQUIRE(slot_of(rig, event->conn) != NULL);
    } else if (event->syn != NULL) {
        wh_syn **slot = syn_slot(rig, event->syn);
        if (event->ready & WH_WITHDRAWN) {
            if (slot != NULL)
                *slot = NULL;
            wh_syn_ignore(event->syn);
            return;
        }
        REQUIRE(slot == NULL);
        slot = syn_slot(rig, NULL);
        if (slot != NULL)
            *slot = event->syn;
        else
            wh_syn_refuse(event->syn, WH_REFUSE_RESET);
    } else {
        wh_datagram datagram;
        REQUIRE(event->dgram == rig->dgram[0] || event->dgram == rig->dgram[1]);
        while (wh_dgram_recv(event->dgram, &datagram) == 0)
            (void)wh_dgram_send(event->dgram, &datagram);
    }
}

static void drain_events(struct rig *rig)
{
    wh_event events[4];
    for (int round = 0; round < 8; round++) {
        size_t n = wh_events(rig->host, events, 4);
        REQUIRE(n <= 4);
        for (size_t i = 0; i < n; i++)
            handle_event(rig, &events[i]);
        if (n < 4)
            break;
    }
}

/* ------------------------------------------------------------------ calls -- */

static void call_send(struct rig *rig, struct input *input, wh_conn *conn)
{
    static const uint8_t data[4096];
    uint8_t how = take8(input);
    unsigned flags = how & 0x40 ? WH_SEND_MORE : how & 0x80 ? WH_SEND_URGENT : 0;
    (void)rig;
    if (how & 1) {
        wh_slice slices[3];
        int n = wh_reserve(conn, (size_t)how * 16 + 1, slices, 3);
        size_t room = 0;
        for (int i = 0; i < n; i++) {
            memset((void *)(uintptr_t)slices[i].base, 0x5a, slices[i].length);
            room += slices[i].length;
        }
        if (n > 0)
            (void)wh_commit(conn, how & 2 ? room : room / 2, flags);
        return;
    }
    size_t length = ((size_t)how & 0x3f) * 65;
    int64_t taken = wh_send(conn, data, length > 0 ? length : 1, flags);
    REQUIRE(taken != 0 && taken <= 4096);
}

static void call_receive(struct input *input, wh_conn *conn)
{
    uint8_t how = take8(input), data[4096];
    if (how & 1) {
        wh_slice slices[3];
        int n = wh_peek(conn, slices, 3);
        size_t waiting = 0;
        for (int i = 0; i < n; i++) {
            REQUIRE(slices[i].length > 0);
            waiting += slices[i].length;
            data[0] = *(const uint8_t *)slices[i].base;
        }
        if (n > 0)
            REQUIRE(wh_consume(conn, how & 2 ? waiting : waiting / 2) == 0);
        return;
    }
    int64_t got = wh_recv(conn, data, (size_t)how * 16 + 1);
    REQUIRE(got <= (int64_t)how * 16 + 1);
}

static void call_option(struct input *input, wh_conn *conn)
{
    static const int64_t values[] = { 0, 1, 2, 1000, 1000000, 50000000, 2000000000, -1 };
    uint8_t which = take8(input);
    wh_option option = (wh_option)(which & 0x1f);
    int64_t value;
    if (option >= WH_OPTION_COUNT)
        return;
    if (wh_set(conn, option, values[which >> 5]) == 0)
        REQUIRE(wh_get(conn, option, &value) == 0);
}

static void call_status(wh_conn *conn)
{
    wh_endpoint local, remote;
    char text[WH_TEXT];
    wh_info info = { .size = sizeof(info) };
    wh_info_get(conn, &info);
    REQUIRE(info.state == wh_conn_state(conn));
    wh_endpoints(conn, &local, &remote);
    REQUIRE(strlen(wh_endpoint_text(&remote, text)) < WH_TEXT);
    (void)wh_ready(conn);
}

static void call_connection(struct rig *rig, struct input *input)
{
    uint8_t which = take8(input);
    wh_conn **slot = &rig->conn[which % HANDLES];
    if (*slot == NULL)
        return;
    switch (which >> 4) {
    case 0:
    case 1:
    case 2:
    case 3: call_send(rig, input, *slot); break;
    case 4:
    case 5:
    case 6: call_receive(input, *slot); break;
    case 7:
    case 8: (void)wh_shutdown(*slot, WH_WRITE); break;
    case 9: (void)wh_shutdown(*slot, take8(input) & (WH_READ | WH_WRITE)); break;
    case 10:
    case 11:
        wh_close(*slot);
        *slot = NULL;
        break;
    case 12:
        wh_abort(*slot);
        *slot = NULL;
        break;
    case 13: call_option(input, *slot); break;
    case 14: wh_watch(*slot, take16(input)); break;
    default:
        call_status(*slot);
        if (which & 8)
            (void)wh_flush(*slot);
        break;
    }
}

static void call_syn(struct rig *rig, struct input *input)
{
    uint8_t which = take8(input);
    wh_syn **slot = &rig->syn[which % HANDLES];
    wh_conn *conn;
    if (*slot == NULL)
        return;
    if (which < 0x80) {
        int result = wh_syn_accept(*slot, NULL, &conn);
        if (result == WH_E_NOMEM)
            return; /* it is still ours */
        if (result == 0)
            keep_conn(rig, conn);
    } else if (which < 0xc0) {
        wh_syn_refuse(*slot, (wh_refusal)(which >> 4 & 3));
    } else {
        wh_syn_ignore(*slot);
    }
    *slot = NULL;
}

static void call_connect(struct rig *rig, struct input *input)
{
    uint8_t how = take8(input);
    wh_conn *conn;
    wh_connect_options options;
    wh_connect_options_init(&options);
    options.remote = (wh_endpoint){ fuzz_addr(how & 1, 100), (uint16_t)(1024 + (how >> 4)) };
    if (how & 2)
        options.local = (wh_endpoint){ fuzz_addr(how & 1, 2), how & 4 ? 80 : 99 };
    if (how & 8)
        options.flags = WH_CONNECT_FAST_OPEN;
    if (slot_of(rig, NULL) != NULL && wh_connect(rig->host, &options, rig->now, &conn) == 0)
        keep_conn(rig, conn);
}

static void call_listener(struct rig *rig, struct input *input)
{
    uint8_t how = take8(input);
    wh_listener **slot = &rig->listener[how & 1];
    if (*slot != NULL) {
        if (how & 2)
            wh_listener_close(*slot);
        if (how & 2)
            *slot = NULL;
        return;
    }
    wh_listen_options options;
    wh_listen_options_init(&options);
    options.backlog = 4;
    if (how & 1)
        options.flags = WH_LISTEN_ANY_PORT | WH_LISTEN_HOLD;
    else
        options.local.port = 80, options.fast_open = 2;
    if (wh_listen(rig->host, &options, slot) != 0)
        *slot = NULL;
}

/* ---------------------------------------------------------------- the rig -- */

static bool begin(struct rig *rig, struct input *input)
{
    uint8_t how = take8(input);
    wh_config config;
    wh_config_init(&config);
    rig->heap.cap = (size_t)(how & 1 ? 512 : 3072) << 10;
    config.memory = (wh_memory){ &rig->heap, heap_alloc, heap_free };
    config.memory_cap = rig->heap.cap;
    config.seed[0] = 1;
    config.any_address = true;
    config.mtu = rig->mtu = how & 2 ? 1280 : 1500;
    config.link_features = how >> 2 & (WH_TX_CHECKSUM | WH_TX_SEGMENTATION);
    config.max_half_open = 6;
    config.max_time_wait = 6;
    config.max_held = 6;
    config.trace_records = how & 0x10 ? 16 : 0;
    config.trace_sender = how & 0x80;
    config.rst_ends_time_wait = how & 0x20;
    if (how & 0x40) {
        struct station ours = fuzz_station(2);
        config.link = WH_LINK_ETHERNET;
        memcpy(config.ethernet, ours.bytes, sizeof(ours.bytes));
        rig->peer.ethernet = true;
    }
    rig->now = WH_SECOND;
    if (wh_stack_new(&rig->host, &config, rig->now) != 0)
        return false;
    wh_addr v4 = fuzz_addr(true, 2), v6 = fuzz_addr(false, 2);
    REQUIRE(wh_address_add(rig->host, &v4, 24) == 0);
    REQUIRE(wh_address_add(rig->host, &v6, 64) == 0);
    v4 = fuzz_addr(true, 1);
    v6 = fuzz_addr(false, 1);
    REQUIRE(wh_gateway_set(rig->host, &v4) == 0 && wh_gateway_set(rig->host, &v6) == 0);
    struct input listeners = { (const uint8_t[]){ 0, 1 }, 2 };
    call_listener(rig, &listeners);
    call_listener(rig, &listeners);
    wh_endpoint any = { .port = 0 };
    if (wh_dgram_open(rig->host, WH_UDP, &any, true, NULL, &rig->dgram[0]) != 0)
        rig->dgram[0] = NULL;
    if (wh_dgram_open(rig->host, WH_ECHO, &any, true, NULL, &rig->dgram[1]) != 0)
        rig->dgram[1] = NULL;
    return true;
}

/* Every handle is closed in an order of the input's; or none is, and the stack takes them along. */
static void end(struct rig *rig, struct input *input)
{
    uint8_t how = take8(input);
    if (how & 1) /* else they die with the stack */
        give_back(rig, LOANS);
    for (unsigned i = 0; i < HANDLES && (how & 2); i++) {
        if (rig->conn[i] != NULL)
            wh_close(rig->conn[i]);
        if (rig->syn[i] != NULL)
            wh_syn_ignore(rig->syn[i]);
        rig->conn[i] = NULL;
        rig->syn[i] = NULL;
    }
    const char *problem = wh_check(rig->host);
    if (problem != NULL)
        broken(problem, __FILE__, __LINE__);
    rig->heap.refuse = 0;
    wh_stack_free(rig->host);
    REQUIRE(rig->heap.used == 0);
}

static void advance(struct rig *rig, struct input *input)
{
    uint8_t how = take8(input);
    if (how & 0x80) { /* to the next thing due */
        wh_time wake = wh_wake(rig->host);
        if (wake != WH_NEVER && wake > rig->now)
            rig->now = wake;
    } else {
        rig->now += (wh_time)1 << (how % 44); /* from 1 ns to about five hours */
    }
    output(rig, 32);
}

/* Memory runs short, a listener comes or goes, or a neighbour answers; length of the answer. */
static size_t step_rarely(struct rig *rig, struct input *input, uint8_t what, uint8_t *packet,
                          uint16_t *type)
{
    if (what & 0x10) {
        rig->heap.refuse = what >> 5;
        return 0;
    }
    if (rig->peer.ethernet && (take8(input) & 1))
        return peer_answer(&rig->peer, input, packet, type);
    call_listener(rig, input);
    return 0;
}

static void step(struct rig *rig, struct input *input)
{
    static uint8_t packet[PACKET_MAX];
    uint16_t type = 0;
    uint8_t what = take8(input);
    size_t length = 0;
    switch (what & 15) {
    case 0:
        length = peer_raw(input, packet);
        if (what & 0x10)
            input_frame(rig, input, packet, length);
        else
            input_packet(rig, input, 0, packet, length);
        return;
    case 1:
    case 2:
    case 3:
    case 4:
    case 5: length = peer_segment(&rig->peer, input, packet); break;
    case 6: length = peer_syn(&rig->peer, input, packet); break;
    case 7: length = peer_datagram(input, packet); break;
    case 8: length = peer_icmp_error(&rig->peer, input, packet); break;
    case 9: advance(rig, input); return;
    case 10:
    case 11: call_connection(rig, input); return;
    case 12: call_syn(rig, input); return;
    case 13: call_connect(rig, input); return;
    case 14: give_back(rig, take8(input)); return;
    default: length = step_rarely(rig, input, what, packet, &type); break;
    }
    if (length > 0)
        input_packet(rig, input, type, packet, length);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct rig rig;
    struct input input = { data, size };
    memset(&rig, 0, sizeof(rig));
    if (!begin(&rig, &input))
        return 0;
    for (int i = 0; i < STEPS_MAX && input.left > 0; i++) {
        /* a byte says how often the link is served: lately, or a little */
        uint8_t serve = input.at[0] >> 5;
        step(&rig, &input);
        if (serve >= 2)
            output(&rig, serve == 2 ? 1 : LOANS);
        if (serve >= 3)
            drain_events(&rig);
        if (serve >= 5)
            give_back(&rig, LOANS);
        const char *problem = wh_check(rig.host);
        if (problem != NULL)
            broken(problem, __FILE__, __LINE__);
    }
    end(&rig, &input);
    return 0;
}
