/* SPDX-License-Identifier: MIT */
/* The ladder, drawn from hand-made records and compared with what a person should see. */
#define _GNU_SOURCE
#include "view/ladder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

#include <cmocka.h>

#include "talk.h"
#include "view/text.h"

#define IN WH_TRACE_IN
#define OUT WH_TRACE_OUT
#define SYN WH_SYN
#define ACK WH_ACK
#define FIN WH_FIN
#define RST WH_RST
#define PSH WH_PSH

static struct ladder *ladder;
static FILE *stream;
static char *drawn;
static size_t drawn_size;
static struct ladder_options options;

static void begin(void)
{
    stream = open_memstream(&drawn, &drawn_size);
    assert_non_null(stream);
    options = (struct ladder_options){ .out = stream,
                                       .width = 80,
                                       .left = "program",
                                       .right = "wavehand",
                                       .two_msl = 60 * WH_SECOND };
}

static void open_ladder(void)
{
    ladder = ladder_new(&options);
    assert_non_null(ladder);
}

static void feed(enum ladder_side end, wh_trace_record record)
{
    ladder_records(ladder, end, &record, 1);
}

static void note(wh_direction direction, wh_reason reason, const wh_trace_record *record)
{
    wh_path_note one = { .time = record->time,
                         .direction = direction,
                         .reason = reason,
                         .seq = record->seq,
                         .flags = record->flags,
                         .length = record->length };
    bool out = record->kind == WH_TRACE_OUT;
    one.source = out ? record->local : record->remote;
    one.destination = out ? record->remote : record->local;
    ladder_notes(ladder, &one, 1);
}

/* Ends the drawing and checks that no line is wider than it may be. */
static void finish(wh_time now)
{
    ladder_flush(ladder, now);
    assert_true(ladder_finish(ladder, now));
    ladder_free(ladder);
    fclose(stream);
    char line[1024];
    for (const char *at = drawn; *at != '\0'; at += strcspn(at, "\n") + 1) {
        size_t length = strcspn(at, "\n");
        assert_true(length < sizeof line);
        memcpy(line, at, length);
        line[length] = '\0';
        if (!options.colour && text_columns(line) > options.width) {
            print_error("too wide: %s\n", line);
            fail();
        }
    }
}

static void expect(const char *text)
{
    if (strcmp(drawn, text) != 0) {
        fprintf(stderr, "drawn:\n%s\nexpected:\n%s\n", drawn, text);
        free(drawn);
        fail_msg("another picture");
    }
    free(drawn);
    drawn = NULL;
}

/* ---- the conversations ---- */

static void handshake(const struct talk *talk, wh_time at)
{
    feed(LADDER_RIGHT, talk_segment(talk, IN, at, WH_LISTEN, WH_SYN_RECEIVED, SYN, 0, 0, 0));
    feed(LADDER_RIGHT,
         talk_segment(talk, OUT, at, WH_SYN_RECEIVED, WH_SYN_RECEIVED, SYN | ACK, 0, 1, 0));
    feed(LADDER_RIGHT,
         talk_segment(talk, IN, at + 50000, WH_SYN_RECEIVED, WH_ESTABLISHED, ACK, 1, 1, 0));
}

static void request(const struct talk *talk, wh_time at)
{
    feed(LADDER_RIGHT,
         talk_segment(talk, IN, at, WH_ESTABLISHED, WH_ESTABLISHED, ACK | PSH, 1, 1, 78));
    feed(LADDER_RIGHT, talk_segment(talk, OUT, at, WH_ESTABLISHED, WH_ESTABLISHED, ACK, 1, 79, 0));
}

static void response(const struct talk *talk, wh_time at)
{
    for (uint32_t i = 0; i < 10; i++) {
        wh_trace_record segment = talk_segment(talk, OUT, at + i * 100000, WH_ESTABLISHED,
                                               WH_ESTABLISHED, ACK, 1 + 1460 * i, 79, 1460);
        feed(LADDER_RIGHT, segment);
        /* What the sender thinks of it is no event of the connection. */
        feed(LADDER_RIGHT,
             talk_record(talk, WH_TRACE_SENDER, at + i * 100000, WH_ESTABLISHED, WH_ESTABLISHED));
        feed(LADDER_RIGHT, talk_segment(talk, IN, at + i * 100000, WH_ESTABLISHED, WH_ESTABLISHED,
                                        ACK, 79, 1461 + 1460 * i, 0));
    }
}

static void program_closes(const struct talk *talk, wh_time at)
{
    feed(LADDER_RIGHT,
         talk_segment(talk, IN, at, WH_ESTABLISHED, WH_CLOSE_WAIT, FIN | ACK, 79, 14601, 0));
    feed(LADDER_RIGHT,
         talk_segment(talk, OUT, at, WH_CLOSE_WAIT, WH_CLOSE_WAIT, ACK, 14601, 80, 0));
    feed(LADDER_RIGHT, talk_step(talk, at + MS, WH_CLOSE_WAIT, WH_ON_CLOSE, WH_WHY_BY_APPLICATION));
    feed(LADDER_RIGHT,
         talk_segment(talk, OUT, at + MS, WH_LAST_ACK, WH_LAST_ACK, FIN | ACK, 14601, 80, 0));
    feed(LADDER_RIGHT,
         talk_segment(talk, IN, at + 2 * MS, WH_LAST_ACK, WH_CLOSED, ACK, 80, 14602, 0));
}

/* A segment told by both ends; lost: only by the sender. */
static void carry(const struct talk *talk, enum ladder_side from, wh_time left, wh_time arrived,
                  wh_state sender, wh_state before, wh_state after, unsigned flags, uint32_t seq,
                  uint32_t ack, uint32_t length)
{
    struct talk out = { .port = talk->port, .from_left = from == LADDER_LEFT };
    struct talk in = { .port = talk->port, .from_left = from != LADDER_LEFT };
    enum ladder_side to = from == LADDER_LEFT ? LADDER_RIGHT : LADDER_LEFT;
    feed(from, talk_segment(&out, OUT, left, sender, sender, flags, seq, ack, length));
    feed(to, talk_segment(&in, IN, arrived, before, after, flags, seq, ack, length));
}

static void fetch(const struct talk *talk)
{
    handshake(talk, 0);
    request(talk, MS);
    response(talk, 2 * MS);
    program_closes(talk, 5 * MS);
}

static void whole_life(void **state)
{
    (void)state;
    begin();
    open_ladder();
    fetch(&(struct talk){ .port = 40122 });
    finish(10 * MS);
    expect("#1   0.000000  program 10.0.2.100:40122                     wavehand 10.0.2.2:80\n"
           "#1             CLOSED                                               LISTEN\n"
           "#1   0.000000  SYN-SENT     ── SYN ── seq 0 ──────────────────────▶ SYN-RECEIVED\n"
           "                            └ mss 1460, window scale 7, sack ok, timestamps\n"
           "#1   0.000000  ESTABLISHED  ◀──────────── seq 0 ack 1 ── SYN+ACK ── SYN-RECEIVED\n"
           "                            └ mss 1460, window scale 7, sack ok, timestamps\n"
           "#1   0.000050  ESTABLISHED  ── ACK ── seq 1 ack 1 ────────────────▶ ESTABLISHED\n"
           "#1   0.001000  ESTABLISHED  ══ 78 bytes ══ 1 segment ═════════════▶ ESTABLISHED\n"
           "#1   0.002000  ESTABLISHED  ◀══ 10 segments, 900 us ═ 14600 bytes ═ ESTABLISHED\n"
           "#1   0.005000  FIN-WAIT-1   ── FIN+ACK ── seq 79 ack 14601 ───────▶ CLOSE-WAIT\n"
           "#1   0.005000  FIN-WAIT-2   ◀─────────── seq 14601 ack 80 ── ACK ── CLOSE-WAIT\n"
           "#1   0.006000  TIME-WAIT    ◀─────── seq 14601 ack 80 ── FIN+ACK ── LAST-ACK\n"
           "#1   0.007000  TIME-WAIT    ── ACK ── seq 80 ack 14602 ───────────▶ CLOSED\n"
           "#1   closed in order after 7.00 ms: 78 bytes there, 14600 bytes back\n");
}

static void wide(void **state)
{
    (void)state;
    begin();
    options.width = 150;
    open_ladder();
    fetch(&(struct talk){ .port = 40122 });
    finish(10 * MS);
    expect(
        "#1   0.000000  program 10.0.2.100:40122                                                   "
        "                             wavehand 10.0.2.2:80\n"
        "#1   0.000000  CLOSED → SYN-SENT          ── SYN ── seq 0, mss 1460, window scale 7, sack "
        "ok, timestamps ────────────▶ LISTEN → SYN-RECEIVED\n"
        "#1   0.000000  SYN-SENT → ESTABLISHED     ◀── seq 0 ack 1, mss 1460, window scale 7, sack "
        "ok, timestamps ── SYN+ACK ── SYN-RECEIVED\n"
        "#1   0.000050  ESTABLISHED                ── ACK ── seq 1 ack 1 "
        "─────────────────────────────────────────────────────▶ SYN-RECEIVED → ESTABLISHED\n"
        "#1   0.001000  ESTABLISHED                ══ 78 bytes ══ 1 segment "
        "══════════════════════════════════════════════════▶ ESTABLISHED\n"
        "#1   0.002000  ESTABLISHED                ◀═════════════════════════════════════ 10 "
        "segments, 900 us ══ 14600 bytes ══ ESTABLISHED\n"
        "#1   0.005000  ESTABLISHED → FIN-WAIT-1   ── FIN+ACK ── seq 79 ack 14601 "
        "────────────────────────────────────────────▶ ESTABLISHED → CLOSE-WAIT\n"
        "#1   0.005000  FIN-WAIT-1 → FIN-WAIT-2    "
        "◀──────────────────────────────────────────────── seq 14601 ack 80 ── ACK ── CLOSE-WAIT\n"
        "#1   0.006000  FIN-WAIT-2 → TIME-WAIT     ◀──────────────────────────────────────────── "
        "seq 14601 ack 80 ── FIN+ACK ── CLOSE-WAIT → LAST-ACK\n"
        "#1   0.007000  TIME-WAIT                  ── ACK ── seq 80 ack 14602 "
        "────────────────────────────────────────────────▶ LAST-ACK → CLOSED\n"
        "#1   closed in order after 7.00 ms: 78 bytes there, 14600 bytes back\n");
}

static void notes_in_the_margin(void **state)
{
    (void)state;
    begin();
    options.width = 180;
    open_ladder();
    const struct talk talk = { .port = 40122 };
    wh_trace_record syn = talk_segment(&talk, IN, 0, WH_LISTEN, WH_SYN_RECEIVED, SYN, 0, 0, 0);
    feed(LADDER_RIGHT, syn);
    syn.time = 1000 * MS;
    syn.state_before = WH_SYN_RECEIVED;
    syn.reason = WH_WHY_SYN_REPEATED;
    feed(LADDER_RIGHT, syn);
    finish(1100 * MS);
    expect("#1   0.000000  program 10.0.2.100:40122                                                "
           "                                wavehand 10.0.2.2:80\n"
           "#1   0.000000  CLOSED → SYN-SENT          ── SYN ── seq 0, mss 1460, window scale 7, "
           "sack ok, timestamps ────────────▶ LISTEN → SYN-RECEIVED\n"
           "#1   1.000000  SYN-SENT                   ── SYN ── seq 0 "
           "───────────────────────────────────────────────────────────▶ SYN-RECEIVED              "
           "  repeated SYN\n"
           "#1   left in SYN-SENT and SYN-RECEIVED after 1.00 s: 0 bytes there, 0 bytes back, 1 "
           "resent\n");
}

static void losses(void **state)
{
    (void)state;
    begin();
    open_ladder();
    const struct talk talk = { .port = 40122 };
    feed(LADDER_RIGHT, talk_segment(&talk, IN, 0, WH_LISTEN, WH_SYN_RECEIVED, SYN, 0, 0, 0));
    wh_trace_record synack =
        talk_segment(&talk, OUT, 0, WH_SYN_RECEIVED, WH_SYN_RECEIVED, SYN | ACK, 0, 1, 0);
    feed(LADDER_RIGHT, synack);
    note(WH_B_TO_A, WH_WHY_FAULT_DROP, &synack);
    synack.time = 1000 * MS;
    synack.reason = WH_WHY_RETRANSMIT_TIMEOUT;
    feed(LADDER_RIGHT, synack);
    feed(LADDER_RIGHT,
         talk_segment(&talk, IN, 1001 * MS, WH_SYN_RECEIVED, WH_ESTABLISHED, ACK, 1, 1, 0));
    wh_trace_record data =
        talk_segment(&talk, OUT, 1100 * MS, WH_ESTABLISHED, WH_ESTABLISHED, ACK, 1, 1, 1000);
    feed(LADDER_RIGHT, data);
    note(WH_B_TO_A, WH_WHY_FAULT_LOSS, &data);
    data.time += 200 * MS;
    data.reason = WH_WHY_RETRANSMIT_TIMEOUT;
    feed(LADDER_RIGHT, data);
    wh_trace_record full =
        talk_segment(&talk, IN, 1400 * MS, WH_ESTABLISHED, WH_ESTABLISHED, ACK, 1, 1001, 0);
    full.window = 0;
    feed(LADDER_RIGHT, full);
    wh_trace_record probe =
        talk_segment(&talk, OUT, 1800 * MS, WH_ESTABLISHED, WH_ESTABLISHED, ACK, 1001, 1, 1);
    probe.reason = WH_WHY_WINDOW_PROBE;
    feed(LADDER_RIGHT, probe);
    feed(LADDER_RIGHT,
         talk_segment(&talk, IN, 2000 * MS, WH_ESTABLISHED, WH_ESTABLISHED, ACK, 1, 1001, 0));
    wh_trace_record rst =
        talk_segment(&talk, IN, 2100 * MS, WH_ESTABLISHED, WH_CLOSED, RST, 1, 0, 0);
    rst.reason = WH_WHY_PEER_RESET;
    feed(LADDER_RIGHT, rst);
    finish(2200 * MS);
    expect("#1   0.000000  program 10.0.2.100:40122                     wavehand 10.0.2.2:80\n"
           "#1             CLOSED                                               LISTEN\n"
           "#1   0.000000  SYN-SENT     ── SYN ── seq 0 ──────────────────────▶ SYN-RECEIVED\n"
           "                            └ mss 1460, window scale 7, sack ok, timestamps\n"
           "#1   0.000000  SYN-SENT         ✕──────── seq 0 ack 1 ── SYN+ACK ── SYN-RECEIVED\n"
           "                            └ mss 1460, window scale 7, sack ok, timestamps\n"
           "                            └ dropped by a fault rule\n"
           "#1   1.000000  ESTABLISHED  ◀──────────── seq 0 ack 1 ── SYN+ACK ── SYN-RECEIVED\n"
           "                            └ sent again: retransmission timeout\n"
           "#1   1.001000  ESTABLISHED  ── ACK ── seq 1 ack 1 ────────────────▶ ESTABLISHED\n"
           "#1   1.100000  ESTABLISHED  ◀═══════════ 1 segment ══ 1000 bytes ══ ESTABLISHED\n"
           "                            └ 1 lost on the way\n"
           "#1   1.300000  ESTABLISHED  ◀─── seq 1 ack 1, 1000 bytes ── DATA ── ESTABLISHED\n"
           "                            └ sent again: retransmission timeout\n"
           "#1   1.400000  ESTABLISHED  ── ACK ── seq 1 ack 1001 ─────────────▶ ESTABLISHED\n"
           "                            └ window closed\n"
           "#1   1.800000  ESTABLISHED  ◀──── seq 1001 ack 1, 1 byte ── DATA ── ESTABLISHED\n"
           "                            └ zero-window probe\n"
           "#1   2.000000  ESTABLISHED  ── ACK ── seq 1 ack 1001 ─────────────▶ ESTABLISHED\n"
           "                            └ window open again: 65535 bytes\n"
           "#1   2.100000  CLOSED       ── RST ── seq 1 ──────────────────────▶ CLOSED\n"
           "                            └ the peer reset the connection\n"
           "#1   reset by program after 2.10 s: 0 bytes there, 1001 bytes back, 2 resent\n");
}

static void swallowed_before_anybody_saw_it(void **state)
{
    (void)state;
    begin();
    open_ladder();
    const struct talk talk = { .port = 40122 };
    wh_trace_record syn = talk_segment(&talk, IN, 0, WH_LISTEN, WH_SYN_RECEIVED, SYN, 0, 0, 0);
    note(WH_A_TO_B, WH_WHY_FAULT_DROP, &syn);
    syn.time = 1000 * MS;
    feed(LADDER_RIGHT, syn);
    wh_trace_record rst =
        talk_segment(&talk, OUT, 1001 * MS, WH_SYN_RECEIVED, WH_SYN_RECEIVED, RST | ACK, 0, 1, 0);
    feed(LADDER_RIGHT, talk_step(&talk, 1001 * MS, WH_SYN_RECEIVED, WH_ON_ABORT, WH_WHY_ABORTED));
    rst.state_before = rst.state_after = WH_CLOSED;
    feed(LADDER_RIGHT, rst);
    finish(1002 * MS);
    expect("#1   0.000000  program 10.0.2.100:40122                     wavehand 10.0.2.2:80\n"
           "#1             CLOSED\n"
           "#1   0.000000  SYN-SENT     ── SYN ── seq 0 ──────────────────✕\n"
           "                            └ dropped by a fault rule\n"
           "#1   1.000000  SYN-SENT     ── SYN ── seq 0 ──────────────────────▶ SYN-RECEIVED\n"
           "                            └ mss 1460, window scale 7, sack ok, timestamps\n"
           "#1   1.001000  CLOSED       ◀───────── seq 5000 ack 1 ── RST+ACK ── CLOSED\n"
           "                            └ aborted by the application\n"
           "#1   refused by wavehand after 1.00 s: 0 bytes there, 0 bytes back\n");
}

static void held_syn_is_not_over(void **state)
{
    (void)state;
    begin();
    options.ascii = true;
    open_ladder();
    const struct talk talk = { .port = 40122 };
    wh_trace_record syn = talk_segment(&talk, IN, 0, WH_LISTEN, WH_LISTEN, SYN, 0, 0, 0);
    syn.reason = WH_WHY_SYN_HELD;
    feed(LADDER_RIGHT, syn);
    ladder_flush(ladder, 10 * MS);
    ladder_flush(ladder, 100 * MS);
    feed(LADDER_RIGHT, talk_step(&talk, 200 * MS, WH_LISTEN, WH_ON_GOT_SYN, WH_WHY_BY_APPLICATION));
    feed(LADDER_RIGHT,
         talk_segment(&talk, OUT, 200 * MS, WH_SYN_RECEIVED, WH_SYN_RECEIVED, SYN | ACK, 0, 1, 0));
    finish(201 * MS);
    expect("#1   0.000000  program 10.0.2.100:40122                     wavehand 10.0.2.2:80\n"
           "#1             CLOSED                                               LISTEN\n"
           "#1   0.000000  SYN-SENT     -- SYN -- seq 0 ----------------------> LISTEN\n"
           "                            ` mss 1460, window scale 7, sack ok, timestamps\n"
           "#1   0.200000  ESTABLISHED  <------------ seq 0 ack 1 -- SYN+ACK -- SYN-RECEIVED\n"
           "                            ` mss 1460, window scale 7, sack ok, timestamps\n"
           "#1   left in ESTABLISHED and SYN-RECEIVED after 200 ms: 0 bytes there, 0 bytes\n"
           "#1   back\n");
}

static void interleaved_in_ascii(void **state)
{
    (void)state;
    begin();
    options.ascii = true;
    open_ladder();
    const struct talk one = { .port = 40122 }, two = { .port = 40123 };
    feed(LADDER_RIGHT, talk_segment(&one, IN, 0, WH_LISTEN, WH_SYN_RECEIVED, SYN, 0, 0, 0));
    feed(LADDER_RIGHT, talk_segment(&two, IN, 1000, WH_LISTEN, WH_SYN_RECEIVED, SYN, 0, 0, 0));
    feed(LADDER_RIGHT,
         talk_segment(&one, OUT, 2000, WH_SYN_RECEIVED, WH_SYN_RECEIVED, SYN | ACK, 0, 1, 0));
    feed(LADDER_RIGHT,
         talk_segment(&two, OUT, 3000, WH_SYN_RECEIVED, WH_SYN_RECEIVED, SYN | ACK, 0, 1, 0));
    feed(LADDER_RIGHT, talk_segment(&one, IN, 9000, WH_SYN_RECEIVED, WH_ESTABLISHED, ACK, 1, 1, 0));
    feed(LADDER_RIGHT, talk_segment(&two, IN, 9000, WH_SYN_RECEIVED, WH_ESTABLISHED, ACK, 1, 1, 0));
    finish(1 * MS);
    expect("#1   0.000000  program 10.0.2.100:40122                     wavehand 10.0.2.2:80\n"
           "#1             CLOSED                                               LISTEN\n"
           "#1   0.000000  SYN-SENT     -- SYN -- seq 0 ----------------------> SYN-RECEIVED\n"
           "                            ` mss 1460, window scale 7, sack ok, timestamps\n"
           "#2   0.000001  program 10.0.2.100:40123                     wavehand 10.0.2.2:80\n"
           "#2             CLOSED                                               LISTEN\n"
           "#2   0.000001  SYN-SENT     -- SYN -- seq 0 ----------------------> SYN-RECEIVED\n"
           "                            ` mss 1460, window scale 7, sack ok, timestamps\n"
           "#1             SYN-SENT                                             SYN-RECEIVED\n"
           "#1   0.000002  ESTABLISHED  <------------ seq 0 ack 1 -- SYN+ACK -- SYN-RECEIVED\n"
           "                            ` mss 1460, window scale 7, sack ok, timestamps\n"
           "#2             SYN-SENT                                             SYN-RECEIVED\n"
           "#2   0.000003  ESTABLISHED  <------------ seq 0 ack 1 -- SYN+ACK -- SYN-RECEIVED\n"
           "                            ` mss 1460, window scale 7, sack ok, timestamps\n"
           "#1             ESTABLISHED                                          SYN-RECEIVED\n"
           "#1   0.000009  ESTABLISHED  -- ACK -- seq 1 ack 1 ----------------> ESTABLISHED\n"
           "#2             ESTABLISHED                                          SYN-RECEIVED\n"
           "#2   0.000009  ESTABLISHED  -- ACK -- seq 1 ack 1 ----------------> ESTABLISHED\n"
           "#1   left ESTABLISHED after 9 us: 0 bytes there, 0 bytes back\n"
           "#2   left ESTABLISHED after 8 us: 0 bytes there, 0 bytes back\n");
}

static void both_ends_and_segments_that_cross(void **state)
{
    (void)state;
    begin();
    options.both_ends = true;
    options.left = "client";
    options.right = "server";
    open_ladder();
    const struct talk talk = { .port = 40122 };
    const struct talk left = { .port = 40122, .from_left = true };
    const wh_state est = WH_ESTABLISHED, fw1 = WH_FIN_WAIT_1, closing = WH_CLOSING,
                   tw = WH_TIME_WAIT;
    feed(LADDER_LEFT, talk_step(&left, 0, WH_CLOSED, WH_ON_ACTIVE_OPEN, WH_WHY_BY_APPLICATION));
    carry(&talk, LADDER_LEFT, 0, 10 * MS, WH_SYN_SENT, WH_LISTEN, WH_SYN_RECEIVED, SYN, 0, 0, 0);
    carry(&talk, LADDER_RIGHT, 10 * MS, 20 * MS, WH_SYN_RECEIVED, WH_SYN_SENT, est, SYN | ACK, 0, 1,
          0);
    carry(&talk, LADDER_LEFT, 20 * MS, 30 * MS, est, WH_SYN_RECEIVED, est, ACK, 1, 1, 0);
    /* simultaneous close: both FINs are under way at once */
    feed(LADDER_LEFT, talk_step(&left, 40 * MS, est, WH_ON_CLOSE, WH_WHY_BY_APPLICATION));
    feed(LADDER_LEFT, talk_segment(&left, OUT, 40 * MS, fw1, fw1, FIN | ACK, 1, 1, 0));
    feed(LADDER_RIGHT, talk_step(&talk, 45 * MS, est, WH_ON_CLOSE, WH_WHY_BY_APPLICATION));
    feed(LADDER_RIGHT, talk_segment(&talk, OUT, 45 * MS, fw1, fw1, FIN | ACK, 1, 1, 0));
    feed(LADDER_RIGHT, talk_segment(&talk, IN, 50 * MS, fw1, closing, FIN | ACK, 1, 1, 0));
    feed(LADDER_RIGHT, talk_segment(&talk, OUT, 50 * MS, closing, closing, ACK, 2, 2, 0));
    feed(LADDER_LEFT, talk_segment(&left, IN, 55 * MS, fw1, closing, FIN | ACK, 1, 1, 0));
    feed(LADDER_LEFT, talk_segment(&left, OUT, 55 * MS, closing, closing, ACK, 2, 2, 0));
    feed(LADDER_LEFT, talk_segment(&left, IN, 60 * MS, closing, tw, ACK, 2, 2, 0));
    feed(LADDER_RIGHT, talk_segment(&talk, IN, 65 * MS, closing, tw, ACK, 2, 2, 0));
    ladder_flush(ladder, 66 * MS);
    feed(LADDER_LEFT, talk_step(&left, 60060 * MS, tw, WH_ON_TWO_MSL_OVER, WH_WHY_TWO_MSL));
    feed(LADDER_RIGHT, talk_step(&talk, 60065 * MS, tw, WH_ON_TWO_MSL_OVER, WH_WHY_TWO_MSL));
    finish(61000 * MS);
    expect("#1   0.000000  client 10.0.2.100:40122                        server 10.0.2.2:80\n"
           "#1             CLOSED                                               LISTEN\n"
           "#1   0.000000  SYN-SENT     ── SYN ── seq 0 ──────────────────────▶ SYN-RECEIVED\n"
           "                            └ mss 1460, window scale 7, sack ok, timestamps\n"
           "#1   0.010000  ESTABLISHED  ◀──────────── seq 0 ack 1 ── SYN+ACK ── SYN-RECEIVED\n"
           "                            └ mss 1460, window scale 7, sack ok, timestamps\n"
           "#1   0.020000  ESTABLISHED  ── ACK ── seq 1 ack 1 ────────────────▶ ESTABLISHED\n"
           "#1   0.040000  FIN-WAIT-1   ── FIN+ACK ── seq 1 ack 1 ────────────…\n"
           "#1   0.045000               …──────────── seq 1 ack 1 ── FIN+ACK ── FIN-WAIT-1\n"
           "#1   0.050000               …── FIN+ACK ── seq 1 ack 1 ───────────▶ CLOSING\n"
           "#1   0.050000               …──────────────── seq 2 ack 2 ── ACK ── CLOSING\n"
           "#1   0.055000  CLOSING      ◀─────────── seq 1 ack 1 ── FIN+ACK ──…\n"
           "#1   0.055000  CLOSING      ── ACK ── seq 2 ack 2 ────────────────…\n"
           "#1   0.060000  TIME-WAIT    ◀─────────────── seq 2 ack 2 ── ACK ──…\n"
           "#1   0.065000               …── ACK ── seq 2 ack 2 ───────────────▶ TIME-WAIT\n"
           "#1   closed in order after 65.0 ms: 0 bytes there, 0 bytes back\n"
           "#1   60.06000  CLOSED        2MSL elapsed                           TIME-WAIT\n"
           "#1   60.06500  CLOSED                                 2MSL elapsed  CLOSED\n");
}

static void long_conversation_is_folded(void **state)
{
    (void)state;
    begin();
    open_ladder();
    const struct talk talk = { .port = 40122 };
    handshake(&talk, 0);
    for (uint32_t i = 0; i < 500; i++) {
        wh_time at = (1 + i) * MS;
        feed(LADDER_RIGHT, talk_segment(&talk, IN, at, WH_ESTABLISHED, WH_ESTABLISHED, ACK,
                                        1 + 20 * i, 1 + 30 * i, 20));
        feed(LADDER_RIGHT, talk_segment(&talk, OUT, at, WH_ESTABLISHED, WH_ESTABLISHED, ACK,
                                        1 + 30 * i, 21 + 20 * i, 30));
    }
    finish(600 * MS);
    expect("#1   0.000000  program 10.0.2.100:40122                     wavehand 10.0.2.2:80\n"
           "#1             CLOSED                                               LISTEN\n"
           "#1   0.000000  SYN-SENT     ── SYN ── seq 0 ──────────────────────▶ SYN-RECEIVED\n"
           "                            └ mss 1460, window scale 7, sack ok, timestamps\n"
           "#1   0.000000  ESTABLISHED  ◀──────────── seq 0 ack 1 ── SYN+ACK ── SYN-RECEIVED\n"
           "                            └ mss 1460, window scale 7, sack ok, timestamps\n"
           "#1   0.000050  ESTABLISHED  ── ACK ── seq 1 ack 1 ────────────────▶ ESTABLISHED\n"
           "#1   0.001000  ESTABLISHED  ══ 20 bytes ══ 1 segment ═════════════▶ ESTABLISHED\n"
           "#1   0.001000  ESTABLISHED  ◀═════════════ 1 segment ══ 30 bytes ══ ESTABLISHED\n"
           "#1   0.002000  ESTABLISHED  ══ 20 bytes ══ 1 segment ═════════════▶ ESTABLISHED\n"
           "#1   0.002000  ESTABLISHED  ◀═════════════ 1 segment ══ 30 bytes ══ ESTABLISHED\n"
           "#1   0.003000  ESTABLISHED  ══ 20 bytes ══ 1 segment ═════════════▶ ESTABLISHED\n"
           "#1   0.003000  ESTABLISHED  ◀═════════════ 1 segment ══ 30 bytes ══ ESTABLISHED\n"
           "#1   0.004000  ESTABLISHED  ◀══ 9940 bytes ══ 14910 bytes back ═══▶ ESTABLISHED\n"
           "                            └ 994 segments, 496 ms\n"
           "#1   left ESTABLISHED after 500 ms: 10000 bytes there, 15000 bytes back\n");
}

static void timeout_without_a_segment(void **state)
{
    (void)state;
    begin();
    open_ladder();
    const struct talk talk = { .port = 40122 };
    handshake(&talk, 0);
    feed(LADDER_RIGHT,
         talk_step(&talk, 300 * WH_SECOND, WH_ESTABLISHED, WH_ON_GAVE_UP, WH_WHY_TIMEOUT_DATA));
    ladder_flush(ladder, 300 * WH_SECOND);
    assert_true(ladder_wake(ladder) <= 300 * WH_SECOND + 50 * MS);
    ladder_flush(ladder, 301 * WH_SECOND);
    finish(301 * WH_SECOND);
    expect("#1   0.000000  program 10.0.2.100:40122                     wavehand 10.0.2.2:80\n"
           "#1             CLOSED                                               LISTEN\n"
           "#1   0.000000  SYN-SENT     ── SYN ── seq 0 ──────────────────────▶ SYN-RECEIVED\n"
           "                            └ mss 1460, window scale 7, sack ok, timestamps\n"
           "#1   0.000000  ESTABLISHED  ◀──────────── seq 0 ack 1 ── SYN+ACK ── SYN-RECEIVED\n"
           "                            └ mss 1460, window scale 7, sack ok, timestamps\n"
           "#1   0.000050  ESTABLISHED  ── ACK ── seq 1 ack 1 ────────────────▶ ESTABLISHED\n"
           "#1   300.0000  ESTABLISHED        data unacknowledged for too long  CLOSED\n"
           "#1   ended: data unacknowledged for too long after 5 min 0 s: 0 bytes there, 0\n"
           "#1   bytes back\n");
}

static void frames_dropped_are_counted_not_repeated(void **state)
{
    (void)state;
    begin();
    open_ladder();
    for (unsigned i = 0; i < 3000; i++) {
        wh_trace_record drop = { .kind = WH_TRACE_DROP,
                                 .time = (1 + i) * MS,
                                 .reason = WH_WHY_TCP_CHECKSUM };
        feed(LADDER_RIGHT, drop);
        drop.reason = WH_WHY_ICMP_IGNORED; /* no news */
        feed(LADDER_RIGHT, drop);
    }
    finish(3001 * MS);
    expect("     0.001000  frame dropped: TCP checksum wrong\n"
           "     1.001000  frame dropped: TCP checksum wrong (and 999 more before)\n"
           "     2.001000  frame dropped: TCP checksum wrong (and 999 more before)\n");
}

static void records_overwritten_are_told(void **state)
{
    (void)state;
    begin();
    open_ladder();
    ladder_lost(ladder, 0);
    ladder_lost(ladder, 1234);
    finish(0);
    expect("     1234 events came too fast to be drawn\n");
}

static void long_addresses(void **state)
{
    (void)state;
    begin();
    open_ladder();
    wh_trace_record syn = {
        .kind = IN, .flags = SYN, .state_before = WH_LISTEN, .state_after = WH_SYN_RECEIVED
    };
    memset(syn.local.addr.bytes, 0xfd, 16);
    memset(syn.remote.addr.bytes, 0xfe, 16);
    syn.local.port = 65535;
    syn.remote.port = 65534;
    feed(LADDER_RIGHT, syn);
    finish(1);
    expect("#1   0.000000  program [fefe:fefe:fefe:fefe:fefe:fefe:fefe:fefe]:65534\n"
           "#1                      wavehand [fdfd:fdfd:fdfd:fdfd:fdfd:fdfd:fdfd:fdfd]:65535\n"
           "#1             CLOSED                                               LISTEN\n"
           "#1   0.000000  SYN-SENT     ── SYN ── seq 0 ──────────────────────▶ SYN-RECEIVED\n"
           "#1   left in SYN-SENT and SYN-RECEIVED after 0 us: 0 bytes there, 0 bytes back\n");
}

static void colour_only_when_asked(void **state)
{
    (void)state;
    begin();
    open_ladder();
    fetch(&(struct talk){ .port = 40122 });
    finish(10 * MS);
    assert_null(strchr(drawn, '\033'));
    char *uncoloured = drawn;
    begin();
    options.colour = true;
    open_ladder();
    fetch(&(struct talk){ .port = 40122 });
    finish(10 * MS);
    assert_non_null(strstr(drawn, "\033[1;32m SYN \033[0m"));
    /* Without the escapes it is the same picture. */
    char *to = drawn;
    for (const char *from = drawn; *from != '\0';) {
        if (*from == '\033') {
            from += strcspn(from, "m") + 1;
        } else {
            *to++ = *from++;
        }
    }
    *to = '\0';
    assert_string_equal(drawn, uncoloured);
    free(drawn);
    free(uncoloured);
}

/* ---- how it is written ---- */

static unsigned writes, broken_writes;

static ssize_t count_write(void *cookie, const char *bytes, size_t length)
{
    (void)cookie;
    writes++;
    broken_writes += length == 0 || bytes[0] != '\r' || bytes[length - 1] != '\n';
    return (ssize_t)length;
}

static void whole_lines_in_one_write(void **state)
{
    (void)state;
    options = (struct ladder_options){
        .width = 80, .left = "program", .right = "wavehand", .terminal = true
    };
    options.out = fopencookie(NULL, "w", (cookie_io_functions_t){ .write = count_write });
    assert_non_null(options.out);
    writes = broken_writes = 0;
    open_ladder();
    fetch(&(struct talk){ .port = 40122 });
    assert_true(ladder_finish(ladder, 10 * MS));
    ladder_free(ladder);
    fclose(options.out);
    assert_int_not_equal(writes, 0);
    assert_int_equal(broken_writes, 0);
}

static ssize_t refuse_write(void *cookie, const char *bytes, size_t length)
{
    (void)cookie;
    (void)bytes;
    (void)length;
    return 0;
}

static void full_disk_is_told(void **state)
{
    (void)state;
    options = (struct ladder_options){ .width = 80, .left = "program", .right = "wavehand" };
    options.out = fopencookie(NULL, "w", (cookie_io_functions_t){ .write = refuse_write });
    assert_non_null(options.out);
    open_ladder();
    fetch(&(struct talk){ .port = 40122 });
    assert_false(ladder_finish(ladder, 10 * MS));
    ladder_free(ladder);
    fclose(options.out);
}

/* ---- whatever comes ---- */

static uint64_t dice;

static uint32_t roll(uint32_t sides)
{
    dice = dice * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(dice >> 33) % sides;
}

static wh_trace_record any_record(wh_time time)
{
    const struct talk talk = { .port = (uint16_t)(1 + roll(5)),
                               .from_left = options.both_ends && roll(2) };
    unsigned flags = roll(4) == 0 ? roll(512) : ACK;
    wh_trace_record record =
        talk_segment(&talk, (wh_trace_kind)roll(4), time, (wh_state)roll(WH_STATE_COUNT),
                     (wh_state)roll(WH_STATE_COUNT), flags, roll(3) ? roll(5) : roll(UINT32_MAX),
                     roll(3) ? roll(5) : roll(UINT32_MAX), roll(2) ? 0 : roll(70000));
    record.reason = roll(3) ? WH_WHY_NONE : (uint16_t)roll(WH_REASON_COUNT);
    record.arc = (uint8_t)roll(WH_ARC_EVENT_COUNT);
    record.window = roll(10) ? roll(65536) : 0;
    record.segment_size = (uint16_t)(roll(2) ? 0 : roll(1460));
    record.sacks = (uint8_t)roll(5);
    record.options |= (uint8_t)(record.sacks > 0 ? WH_HAS_SACK : 0);
    for (unsigned i = 0; i < WH_SACK_BLOCKS; i++) {
        record.sack[i].left = roll(UINT32_MAX);
        record.sack[i].right = roll(UINT32_MAX);
    }
    return record;
}

static void no_record_breaks_the_picture(void **state)
{
    (void)state;
    for (unsigned round = 0; round < 60; round++) {
        dice = round;
        begin();
        options.width = 80 + 3 * round;
        options.ascii = roll(2);
        options.both_ends = roll(2);
        options.left = "a program with a rather long name";
        open_ladder();
        wh_time time = 0;
        for (unsigned i = 0; i < 400; i++) {
            time += roll(20) * roll(20) * MS;
            wh_trace_record record = any_record(time);
            wh_endpoint left = { wh_ipv4(10, 0, 2, 100), record.local.port };
            bool from_left = wh_addr_equal(&record.local.addr, &left.addr);
            feed(from_left ? LADDER_LEFT : LADDER_RIGHT, record);
            if (roll(5) == 0) {
                note(roll(2) ? WH_A_TO_B : WH_B_TO_A, (wh_reason)(WH_WHY_FAULT_LOSS + roll(6)),
                     &record);
            }
            if (roll(9) == 0) {
                ladder_flush(ladder, time);
            }
        }
        finish(time);
        free(drawn);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_life),
        cmocka_unit_test(wide),
        cmocka_unit_test(notes_in_the_margin),
        cmocka_unit_test(losses),
        cmocka_unit_test(swallowed_before_anybody_saw_it),
        cmocka_unit_test(held_syn_is_not_over),
        cmocka_unit_test(interleaved_in_ascii),
        cmocka_unit_test(both_ends_and_segments_that_cross),
        cmocka_unit_test(long_conversation_is_folded),
        cmocka_unit_test(timeout_without_a_segment),
        cmocka_unit_test(frames_dropped_are_counted_not_repeated),
        cmocka_unit_test(records_overwritten_are_told),
        cmocka_unit_test(long_addresses),
        cmocka_unit_test(colour_only_when_asked),
        cmocka_unit_test(whole_lines_in_one_write),
        cmocka_unit_test(full_disk_is_told),
        cmocka_unit_test(no_record_breaks_the_picture),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
