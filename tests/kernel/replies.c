/* SPDX-License-Identifier: MIT */
/*
 * Cases are put in batches, all of a batch beside each other: each is brought into its
 * state; then each is given its first step, and for WINDOW whatever leaves is kept;
 * then its second, and so on. What a TCP answers it answers at once, and within a
 * delayed acknowledgement at the latest. A batch must be over before the first timer
 * of the kernel's can speak (SYN and SYN,ACK are repeated after a second, the rest is
 * put off by its route); where the machine was too slow, everything is done again.
 */
#include "replies.h"

#include "peer.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BATCH = 40 };

#define WINDOW (150 * WH_MILLISECOND)
#define LIMIT (950 * WH_MILLISECOND)
#define PATIENCE (5 * WH_SECOND)

struct run {
    struct answer *answer;
    unsigned slot;
    struct peer peer;
    uint32_t edge; /* when the step began */
    size_t filled; /* bytes that shut the window */
    bool lost;     /* it never came into its state */
    bool listening, spoke;
};

struct batch {
    struct subject *subject;
    struct run run[BATCH];
    unsigned n;
    unsigned first_slot;
};

static void add(struct run *run, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void add(struct run *run, const char *format, ...)
{
    size_t used = strlen(run->answer->words);
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(run->answer->words + used, WORDS - used, format, arguments);
    va_end(arguments);
}

static const char *error_name(int error)
{
    switch (error) {
#define NAME(id, value, words)                                                                     \
    case value: return #id;
        WH_ERRORS(NAME)
#undef NAME
    default: return "?";
    }
}

/* Everything that has left by now goes to the peer it is for. */
static bool collect(struct batch *batch)
{
    struct frame frame;
    struct segment segment;
    bool any = false;
    while (batch->subject->kind->collect(batch->subject, &frame)) {
        any = true;
        if (!wire_take(&segment, frame.bytes, frame.length))
            continue; /* router solicitations, and what a listener of another batch repeats */
        unsigned index = segment.tuple.local_port - SUBJECT_PORT - batch->first_slot;
        if (index >= batch->n)
            continue;
        struct run *run = &batch->run[index];
        if (run->listening) {
            char words[200];
            peer_words(&run->peer, &segment, run->edge, words, sizeof words);
            add(run, "%s%s", run->spoke ? ", " : "", words);
            run->spoke = true;
        }
        peer_take(&run->peer, &segment, &frame);
    }
    return any;
}

static void deliver(struct batch *batch, struct run *run, const struct step *step)
{
    struct frame frame;
    if (step->act == MESSAGE)
        peer_message(&run->peer, step, &frame);
    else
        peer_segment(&run->peer, step, &frame);
    for (unsigned i = 0; i < (step->times ? step->times : 1U); i++) {
        batch->subject->kind->deliver(batch->subject, &frame);
        (void)collect(batch);
    }
}

/* Data until the window is shut. */
static void fill(struct batch *batch, struct run *run)
{
    struct subject *subject = batch->subject;
    wh_time end = subject->kind->now(subject) + PATIENCE;
    struct peer *peer = &run->peer;
    while (subject->kind->now(subject) < end &&
           (peer->edge != peer->nxt || peer->acked != peer->nxt)) {
        uint32_t room = peer->edge - peer->nxt;
        struct step step = { .act = SEGMENT,
                             .flags = WH_ACK | WH_PSH,
                             .data = room > 1000 ? 1000 : (uint16_t)room };
        run->filled += step.data;
        if (step.data > 0)
            deliver(batch, run, &step);
        if (!collect(batch) && (peer->acked != peer->nxt || step.data == 0))
            subject->kind->pass(subject, WH_MILLISECOND);
    }
}

static void take_step(struct batch *batch, struct run *run, const struct step *step)
{
    int result = 0;
    switch (step->act) {
    case NOTHING: return;
    case SEGMENT:
    case MESSAGE: deliver(batch, run, step); break;
    case FILL: fill(batch, run); break;
    default:
        batch->subject->small = run->answer->scenario->small;
        result = batch->subject->kind->call(batch->subject, run->slot, step);
        if (result != 0)
            add(run, "(%s) ", error_name(result));
        (void)collect(batch);
    }
}

/* -------------------------------------------------------- into the state -- */

static bool arrived(struct batch *batch, const struct run *run, const struct way *way)
{
    const struct peer *peer = &run->peer;
    bool fin = way->state == WH_FIN_WAIT_1 || way->state == WH_FIN_WAIT_2 ||
               way->state == WH_CLOSING || way->state == WH_LAST_ACK || way->state == WH_TIME_WAIT;
    if (batch->subject->kind->state(batch->subject, run->slot) != way->state)
        return false;
    if (way->state == WH_CLOSED || way->state == WH_LISTEN)
        return true;
    return peer->syn && (!fin || peer->fin) &&
           (way->state == WH_SYN_SENT || peer->acked == peer->nxt);
}

static bool go(struct batch *batch, struct run *run, const struct way *way)
{
    struct subject *subject = batch->subject;
    if (way->before != NULL && !go(batch, run, way->before))
        return false;
    for (size_t i = 0; i < sizeof way->steps / sizeof *way->steps; i++)
        take_step(batch, run, &way->steps[i]);
    for (wh_time end = subject->kind->now(subject) + PATIENCE; !arrived(batch, run, way);) {
        if (subject->kind->now(subject) >= end) {
            add(run, "never came to %s of %s, is in %s", wh_state_name(way->state), way->name,
                wh_state_name(subject->kind->state(subject, run->slot)));
            return false;
        }
        if (!collect(batch))
            subject->kind->pass(subject, WH_MILLISECOND);
    }
    return true;
}

/* ------------------------------------------------------ steps and answers -- */

static bool step_all(struct batch *batch, unsigned number)
{
    struct subject *subject = batch->subject;
    bool any = false;
    for (unsigned i = 0; i < batch->n; i++) {
        struct run *run = &batch->run[i];
        const struct step *step = &run->answer->scenario->steps[number];
        if (number >= STEPS || step->act == NOTHING || run->lost)
            continue;
        any = true;
        if (number > 0)
            add(run, "%s / ", run->spoke ? "" : "nothing");
        run->listening = true;
        run->spoke = false;
        run->edge = run->peer.edge;
        take_step(batch, run, step);
    }
    if (!any)
        return false;
    for (wh_time end = subject->kind->now(subject) + WINDOW; subject->kind->now(subject) < end;) {
        wh_time left = end - subject->kind->now(subject);
        if (!collect(batch))
            subject->kind->pass(subject, left);
    }
    (void)collect(batch);
    return true;
}

static void add_outcome(struct batch *batch, struct run *run)
{
    struct subject *subject = batch->subject;
    wh_state state = subject->kind->state(subject, run->slot);
    size_t bytes = 0;
    add(run, "%s", run->spoke ? "" : "nothing");
    run->listening = false;
    if (state != run->answer->way->state)
        add(run, "; to %s", wh_state_name(state));
    int result = subject->kind->read(subject, run->slot, &bytes);
    if (bytes > 0 && bytes == run->filled)
        add(run, "; reads all that filled it");
    else if (bytes > 0)
        add(run, "; reads %zu", bytes);
    if (result == 0)
        add(run, "; end of file");
    else if (result != WH_E_AGAIN && result != WH_E_NOENT)
        add(run, "; %s", error_name(result));
    (void)collect(batch);
}

/* True if it was quick enough. */
static bool run_batch(struct batch *batch)
{
    struct subject *subject = batch->subject;
    wh_time begin = subject->kind->now(subject);
    for (unsigned i = 0; i < batch->n; i++)
        batch->run[i].lost = !go(batch, &batch->run[i], batch->run[i].answer->way);
    for (unsigned number = 0; step_all(batch, number); number++)
        ;
    bool quick = subject->kind->now(subject) - begin < LIMIT;
    for (unsigned i = 0; i < batch->n; i++)
        if (!batch->run[i].lost)
            add_outcome(batch, &batch->run[i]);
    return quick;
}

/* Every case in every state it names. */
static void list_all(struct answers *answers)
{
    answers->n = 0;
    for (size_t i = 0; i < scenario_count; i++)
        for (size_t way = 0; way < WAYS && scenarios[i].in[way] != NULL; way++) {
            if (answers->n == RUNS)
                abort();
            answers->answer[answers->n++] =
                (struct answer){ .scenario = &scenarios[i], .way = scenarios[i].in[way] };
        }
}

bool replies_collect(struct answers *answers, struct subject *subject, unsigned first_slot)
{
    static struct batch batch;
    bool quick = true;
    list_all(answers);
    for (size_t at = 0; quick && at < answers->n; at += batch.n) {
        batch = (struct batch){ .subject = subject, .first_slot = first_slot + (unsigned)at };
        for (batch.n = 0; batch.n < BATCH && at + batch.n < answers->n; batch.n++) {
            struct run *run = &batch.run[batch.n];
            run->answer = &answers->answer[at + batch.n];
            run->slot = batch.first_slot + batch.n;
            peer_init(&run->peer, subject->six, (uint16_t)(SUBJECT_PORT + run->slot),
                      (uint16_t)(PEER_PORT + run->slot), run->answer->scenario);
        }
        quick = run_batch(&batch);
    }
    subject->kind->free(subject);
    return quick;
}
