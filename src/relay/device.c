/* SPDX-License-Identifier: MIT */
/*
 * Frames between the device, the path if there is one, the stack, and the stacks of
 * other relays.
 *
 *     own queue ──> path ──> whose? ──ours──────> stack ──> path ──> own queue
 *                              └─another's─> ring ─┘(its)
 *
 * The path comes before the question whose a frame is, so that all relays may share
 * one: whoever is the first to find a frame arrived there carries it on.
 */
#include "link/share.h"
#include "relay/loop.h"

/* ------------------------------------------------------------- inwards ---- */

static void input(struct relay *relay, const wh_frame *frames, size_t n)
{
    if (relay->tap.input)
        relay->tap.input(relay->tap.context, relay->host, frames, n, relay->now);
    else
        wh_input(relay->host, frames, n, relay->now);
}

/* Gives the frame to the relay whose it is. */
static void hand_over(struct relay *relay, uint32_t whose, const wh_frame *frame)
{
    bool taken = handoff_put(exchange_ring(relay->exchange, relay->share, whose), frame);
    if (!taken && relay->tap.lost)
        relay->tap.lost(relay->tap.context, frame, relay->now);
    if (frame->buffer)
        wh_buffer_free(relay->host, frame->buffer);
}

/* Takes what is ours of these frames and hands over the rest. */
static void sort_in(struct relay *relay, wh_frame *frames, size_t n)
{
    const uint32_t relays = exchange_members(relay->exchange);
    uint32_t given = 0; /* a bit for each relay */
    size_t kept = 0;
    for (size_t i = 0; i < n && relays > 1; i++) {
        uint32_t whose = share_of_packet(frames[i].slice[0].base, frames[i].length, relays);
        if (whose == relay->share || whose == SHARE_ANY) {
            if (kept != i)
                frames[kept] = frames[i];
            kept++;
        } else {
            hand_over(relay, whose, &frames[i]);
            given |= 1U << whose;
        }
    }
    for (uint32_t whose = 0; given >> whose; whose++)
        if (given >> whose & 1)
            exchange_wake(relay->exchange, whose);
    if (relays == 1)
        kept = n;
    if (kept > 0)
        input(relay, frames, kept);
}

/* Puts what was read on the path, which copies it. */
static void onto_path(struct relay *relay, const wh_frame *frames, size_t n)
{
    wh_path_send(relay->path, WH_A_TO_B, frames, n, relay->now);
    for (size_t i = 0; i < n; i++)
        if (frames[i].buffer)
            wh_buffer_free(relay->host, frames[i].buffer);
}

void device_ready(struct relay *relay, struct source *source, uint32_t events)
{
    (void)source;
    (void)events;
    for (int round = 0; round < RELAY_ROUNDS; round++) {
        int n = wh_tun_read(relay->tun, relay->host, relay->frames, RELAY_FRAMES);
        if (n < 0)
            relay->device_gone = true;
        if (n <= 0)
            return;
        if (relay->path)
            onto_path(relay, relay->frames, (size_t)n);
        else
            sort_in(relay, relay->frames, (size_t)n);
        if (n < RELAY_FRAMES)
            return;
    }
}

void device_path_input(struct relay *relay)
{
    if (!relay->path)
        return;
    size_t n;
    do {
        n = wh_path_receive(relay->path, WH_A_TO_B, relay->frames, RELAY_FRAMES, relay->now);
        sort_in(relay, relay->frames, n);
    } while (n == RELAY_FRAMES);
}

void device_take_over(struct relay *relay)
{
    const uint32_t relays = exchange_members(relay->exchange);
    for (uint32_t other = 0; other < relays; other++) {
        if (other == relay->share)
            continue;
        struct handoff *ring = exchange_ring(relay->exchange, other, relay->share);
        size_t n = RELAY_FRAMES;
        for (int round = 0; round < RELAY_ROUNDS && n == RELAY_FRAMES; round++) {
            n = handoff_take(ring, relay->frames, RELAY_FRAMES);
            if (n > 0)
                input(relay, relay->frames, n);
            handoff_done(ring);
        }
        relay->busy |= n == RELAY_FRAMES;
    }
}

/* ------------------------------------------------------------ outwards ---- */

static size_t output(struct relay *relay)
{
    if (relay->tap.output)
        return relay->tap.output(relay->tap.context, relay->host, relay->frames, RELAY_FRAMES,
                                 relay->now);
    return wh_output(relay->host, relay->frames, RELAY_FRAMES, relay->now);
}

static void to_device(struct relay *relay, size_t n)
{
    /* What a full device did not take is lost, as on any link; TCP sends it again. */
    if (n > 0 && wh_tun_write(relay->tun, relay->frames, n) < 0)
        relay->device_gone = true;
}

static void path_to_device(struct relay *relay)
{
    size_t n;
    do {
        n = wh_path_receive(relay->path, WH_B_TO_A, relay->frames, RELAY_FRAMES, relay->now);
        to_device(relay, n);
    } while (n == RELAY_FRAMES);
}

void device_output(struct relay *relay)
{
    size_t n;
    do {
        n = output(relay);
        if (n == 0)
            break;
        if (relay->path)
            wh_path_send(relay->path, WH_B_TO_A, relay->frames, n, relay->now);
        else
            to_device(relay, n);
        wh_sent(relay->host, relay->frames, n);
    } while (n == RELAY_FRAMES);
    if (relay->path)
        path_to_device(relay);
}
