/* SPDX-License-Identifier: MIT */
/* wavehand under test, in a time of its own that passes at once. */
#include "linux.h"
#include "subject.h"

#include <stdlib.h>
#include <string.h>

struct wavehand_subject {
    struct subject subject;
    wh_stack *host;
    wh_time now;
    wh_listener *listener[SLOTS];
    wh_conn *conn[SLOTS];
};

static struct wavehand_subject *of(struct subject *subject)
{
    return (struct wavehand_subject *)subject;
}

static void set_buffer(struct wavehand_subject *ours)
{
    wh_stack_set(ours->host, WH_OPT_RECEIVE_BUFFER, ours->subject.small ? 4096 : 65535);
}

static int do_listen(struct wavehand_subject *ours, unsigned slot)
{
    wh_listen_options options;
    wh_listen_options_init(&options);
    options.local = (wh_endpoint){ linux_addr(ours->subject.six), (uint16_t)(SUBJECT_PORT + slot) };
    set_buffer(ours);
    return wh_listen(ours->host, &options, &ours->listener[slot]);
}

static int do_connect(struct wavehand_subject *ours, unsigned slot)
{
    wh_connect_options options;
    wh_connect_options_init(&options);
    options.local = (wh_endpoint){ linux_addr(ours->subject.six), (uint16_t)(SUBJECT_PORT + slot) };
    options.remote = (wh_endpoint){ other_addr(ours->subject.six), (uint16_t)(PEER_PORT + slot) };
    set_buffer(ours);
    return wh_connect(ours->host, &options, ours->now, &ours->conn[slot]);
}

static int do_accept(struct wavehand_subject *ours, unsigned slot)
{
    if (ours->listener[slot] == NULL)
        return WH_E_AGAIN;
    return wh_accept(ours->listener[slot], NULL, &ours->conn[slot]);
}

static int wavehand_read(struct subject *subject, unsigned slot, size_t *bytes)
{
    static uint8_t data[65536];
    int64_t n;
    *bytes = 0;
    if (of(subject)->conn[slot] == NULL && do_accept(of(subject), slot) != 0)
        return WH_E_NOENT;
    while ((n = wh_recv(of(subject)->conn[slot], data, sizeof data)) > 0)
        *bytes += (size_t)n;
    return (int)n;
}

static int do_send(struct wavehand_subject *ours, unsigned slot, size_t length)
{
    static const uint8_t data[65536];
    int64_t n = wh_send(ours->conn[slot], data, length, 0);
    return n < 0 ? (int)n : 0;
}

static int wavehand_call(struct subject *subject, unsigned slot, const struct step *step)
{
    struct wavehand_subject *ours = of(subject);
    size_t bytes;
    switch (step->act) {
    case LISTEN: return do_listen(ours, slot);
    case UNLISTEN:
        wh_listener_close(ours->listener[slot]);
        ours->listener[slot] = NULL;
        return 0;
    case ACCEPT: return do_accept(ours, slot);
    case CONNECT: return do_connect(ours, slot);
    case SEND: return do_send(ours, slot, step->data);
    case RECEIVE: (void)wavehand_read(subject, slot, &bytes); return 0;
    case SHUTDOWN: return wh_shutdown(ours->conn[slot], WH_WRITE);
    case CLOSE:
        wh_close(ours->conn[slot]);
        ours->conn[slot] = NULL;
        return 0;
    case ABORT:
        wh_abort(ours->conn[slot]);
        ours->conn[slot] = NULL;
        return 0;
    default: return WH_E_INVAL;
    }
}

static void wavehand_deliver(struct subject *subject, const struct frame *frame)
{
    wh_frame in = wire_frame(frame);
    wh_input(of(subject)->host, &in, 1, of(subject)->now);
}

static bool wavehand_collect(struct subject *subject, struct frame *frame)
{
    wh_frame out;
    if (wh_output(of(subject)->host, &out, 1, of(subject)->now) == 0)
        return false;
    wire_flatten(frame, &out);
    wh_sent(of(subject)->host, &out, 1);
    return true;
}

static void wavehand_pass(struct subject *subject, wh_time time)
{
    struct wavehand_subject *ours = of(subject);
    wh_time wake = wh_wake(ours->host), end = ours->now + time;
    ours->now = wake > ours->now && wake < end ? wake : wake <= ours->now ? ours->now : end;
}

static wh_time wavehand_now(struct subject *subject) { return of(subject)->now; }

static wh_state wavehand_state(struct subject *subject, unsigned slot)
{
    wh_cursor cursor = { 0 };
    wh_entry entry;
    while (wh_each(of(subject)->host, &cursor, &entry))
        if (entry.local.port == SUBJECT_PORT + slot && entry.remote.port == PEER_PORT + slot &&
            entry.state != WH_CLOSED) /* a dead one with a handle; there may be a living one */
            return entry.state;
    return of(subject)->listener[slot] != NULL ? WH_LISTEN : WH_CLOSED;
}

static void wavehand_free(struct subject *subject)
{
    wh_stack_free(of(subject)->host);
    free(subject);
}

static const struct subject_kind kind = {
    .name = "wavehand",
    .call = wavehand_call,
    .deliver = wavehand_deliver,
    .collect = wavehand_collect,
    .pass = wavehand_pass,
    .now = wavehand_now,
    .state = wavehand_state,
    .read = wavehand_read,
    .free = wavehand_free,
};

struct subject *subject_wavehand(bool six)
{
    struct wavehand_subject *ours = calloc(1, sizeof *ours);
    wh_addr addr = linux_addr(six);
    wh_config config;
    wh_config_init(&config);
    config.memory = wh_memory_malloc();
    wh_seed(config.seed, 1);
    if (ours == NULL)
        abort();
    ours->subject = (struct subject){ .kind = &kind, .six = six };
    ours->now = WH_SECOND;
    if (wh_stack_new(&ours->host, &config, ours->now) != WH_OK ||
        wh_address_add(ours->host, &addr, six ? 64 : 24) != WH_OK)
        abort();
    wh_stack_set(ours->host, WH_OPT_RTO_MIN, (int64_t)(5 * WH_SECOND));
    wh_stack_set(ours->host, WH_OPT_NAGLE, 0);
    wh_stack_set(ours->host, WH_OPT_ECN, 0); /* as tcp_ecn is at the kernel's side */
    return &ours->subject;
}
