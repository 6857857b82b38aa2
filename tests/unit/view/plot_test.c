/* SPDX-License-Identifier: MIT */
/* From trace records to a picture: what is seen in the SVG of conversations whose course is known. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "talk.h"
#include "view/plot.h"
#include "view/plot_parts.h"

#define IN WH_TRACE_IN
#define OUT WH_TRACE_OUT
#define EST WH_ESTABLISHED
#define SEGMENT 1000

static struct talk talk = { .port = 40122, .from_left = false };
static struct plot *plot;
static char *svg;

static void begin_with(uint32_t connection)
{
    const struct plot_options options = {
        .ours = "wavehand", .theirs = "program", .connection = connection, .right = true
    };
    talk = (struct talk){ .port = 40122, .from_left = false };
    plot = plot_new(&options);
    assert_non_null(plot);
}

static int begin(void **state)
{
    (void)state;
    begin_with(0);
    return 0;
}

static int release(void **state)
{
    (void)state;
    plot_free(plot);
    free(svg);
    plot = NULL;
    svg = NULL;
    return 0;
}

static void feed(wh_trace_record record) { plot_records(plot, &record, 1); }

static void handshake(wh_time at)
{
    feed(talk_segment(&talk, IN, at, WH_LISTEN, WH_SYN_RECEIVED, WH_SYN, 0, 0, 0));
    feed(talk_segment(&talk, OUT, at, WH_SYN_RECEIVED, WH_SYN_RECEIVED, WH_SYN | WH_ACK, 0, 1, 0));
    feed(talk_segment(&talk, IN, at + 10, WH_SYN_RECEIVED, EST, WH_ACK, 1, 1, 0));
}

static void over(wh_time at)
{
    wh_trace_record record = talk_record(&talk, WH_TRACE_STATE, at, WH_LAST_ACK, WH_CLOSED);
    feed(record);
}

/* The n-th segment of ours, counted from 0. */
static void send_segment(wh_time at, uint32_t n, wh_reason reason)
{
    wh_trace_record record =
        talk_segment(&talk, OUT, at, EST, EST, WH_ACK, 1 + n * SEGMENT, 1, SEGMENT);
    record.reason = (uint16_t)reason;
    feed(record);
}

/* Everything before the n-th has arrived, and [from, to) beyond it. */
static void hear_ack(wh_time at, uint32_t n, uint32_t from, uint32_t to)
{
    wh_trace_record record = talk_segment(&talk, IN, at, EST, EST, WH_ACK, 1, 1 + n * SEGMENT, 0);
    if (from < to) {
        record.options |= WH_HAS_SACK;
        record.sacks = 1;
        record.sack[0].left = 5001 + from * SEGMENT;
        record.sack[0].right = 5001 + to * SEGMENT;
    }
    feed(record);
}

static void think(wh_time at, const wh_sender *sender)
{
    wh_trace_record record = talk_record(&talk, WH_TRACE_SENDER, at, EST, EST);
    record.sender = *sender;
    feed(record);
}

/* ------------------------------------------------------------- the picture -- */

/* Draws, and reads the document as strictly as is needed: tags match, text is escaped. */
static void draw(void)
{
    size_t size = 0;
    FILE *out = open_memstream(&svg, &size);
    assert_true(plot_draw(plot, out));
    fclose(out);
    const char *open[16];
    size_t lengths[16];
    unsigned depth = 0;
    for (const char *at = svg; (at = strchr(at, '<')) != NULL;) {
        const char *end = strchr(at, '>');
        assert_non_null(end);
        const char *next = strchr(at + 1, '<');
        assert_true(next == NULL || next > end);
        bool closes = at[1] == '/', alone = end[-1] == '/';
        const char *name = at + 1 + closes;
        size_t length = strcspn(name, " />");
        if (closes) {
            assert_true(depth > 0 && length == lengths[depth - 1]);
            assert_memory_equal(name, open[--depth], length);
        } else if (!alone) {
            assert_true(depth < 16);
            open[depth] = name;
            lengths[depth++] = length;
        }
        at = end;
    }
    assert_int_equal(depth, 0);
    assert_non_null(strstr(svg, "prefers-color-scheme:dark"));
    assert_null(strstr(svg, "<script"));
    for (const char *at = svg; (at = strchr(at, '&')) != NULL; at++) {
        assert_true(strncmp(at, "&amp;", 5) == 0 || strncmp(at, "&lt;", 4) == 0 ||
                    strncmp(at, "&gt;", 4) == 0 || strncmp(at, "&quot;", 6) == 0);
    }
}

static void expect_words(const char *words)
{
    if (strstr(svg, words) == NULL) {
        fail_msg("no \"%s\" in the picture", words);
    }
}

static void expect_none(const char *words)
{
    if (strstr(svg, words) != NULL) {
        fail_msg("\"%s\" in the picture", words);
    }
}

/* Commands of this letter in all paths of a class within a panel; 0 if there is no such path. */
static unsigned commands(const char *panel, const char *class, char letter)
{
    char clip[80], path[80];
    snprintf(clip, sizeof clip, "<g clip-path=\"url(#%s)\">", panel);
    snprintf(path, sizeof path, "<path class=\"%s\" d=\"", class);
    const char *begin = strstr(svg, clip);
    assert_non_null(begin);
    const char *end = strstr(begin, "</g>");
    unsigned n = 0;
    for (const char *at = begin; (at = strstr(at, path)) != NULL && at < end;) {
        for (at += strlen(path); *at != '"'; at++) {
            n += *at == letter;
        }
    }
    return n;
}

/* ------------------------------------------------------------------ tests -- */

static void nothing_was_seen(void **state)
{
    (void)state;
    draw();
    expect_words("No TCP connection was seen.");
}

static void a_handshake_carries_no_data(void **state)
{
    (void)state;
    handshake(1000);
    draw();
    expect_words("Connection 1 of 1 carried no data.");
}

static void one_segment(void **state)
{
    (void)state;
    handshake(WH_SECOND);
    send_segment(WH_SECOND + WH_MILLISECOND, 0, WH_WHY_NONE);
    draw();
    expect_words("wavehand → program: 1 kB</text>");
    expect_words("10.0.2.2:80 → 10.0.2.100:40122");
    expect_words("1 segment sent, none of them again");
    assert_int_equal(commands("sequence", "data", 'M'), 1);
    assert_int_equal(commands("sequence", "acks", 'M'), 0);
    expect_none("SACKed");
}

/* A single segment at the very instant of everything else: no span, no division by it. */
static void one_instant(void **state)
{
    (void)state;
    send_segment(WH_SECOND, 0, WH_WHY_NONE);
    draw();
    expect_words("1 kB");
    expect_none("nan");
    expect_none("inf\"");
}

static void repetitions_by_reason(void **state)
{
    (void)state;
    handshake(0);
    for (uint32_t n = 0; n < 10; n++) {
        send_segment(1000 + n, n, WH_WHY_NONE);
    }
    hear_ack(21000, 1, 2, 4);
    hear_ack(21001, 1, 2, 6); /* tells of two more */
    send_segment(21002, 1, WH_WHY_RETRANSMIT_FAST);
    send_segment(21003, 6, WH_WHY_RETRANSMIT_PARTIAL);
    send_segment(41000, 7, WH_WHY_RETRANSMIT_TIMEOUT);
    send_segment(41001, 9, WH_WHY_RETRANSMIT_RESCUE);
    hear_ack(61000, 10, 0, 0);
    draw();
    assert_int_equal(commands("sequence", "data", 'M'), 10);
    assert_int_equal(commands("sequence", "acks", 'M'), 2);
    assert_int_equal(commands("sequence", "timeout", 'M'), 1);
    assert_int_equal(commands("sequence", "probe", 'M'), 1);
    assert_int_equal(commands("sequence", "sack", 'M'), 2); /* each piece when it was first told */
    expect_words("14 segments sent, 4 of them again (28.6 %): 2 told lost by acknowledgements, "
                 "1 after a timeout, 1 as probes");
}

static void what_rules_drop_is_crossed_out(void **state)
{
    (void)state;
    handshake(0);
    send_segment(1000, 0, WH_WHY_NONE);
    send_segment(1001, 1, WH_WHY_NONE);
    wh_path_note note = { .time = 1001,
                          .direction = WH_B_TO_A,
                          .reason = WH_WHY_FAULT_LOSS,
                          .seq = 5001 + SEGMENT,
                          .length = SEGMENT,
                          .source = { wh_ipv4(10, 0, 2, 2), 80 },
                          .destination = { wh_ipv4(10, 0, 2, 100), 40122 } };
    plot_notes(plot, &note, 1);
    note.reason = WH_WHY_FAULT_DUPLICATE; /* not lost */
    plot_notes(plot, &note, 1);
    note.reason = WH_WHY_FAULT_LOSS;
    note.source.port = 81; /* nobody's */
    plot_notes(plot, &note, 1);
    draw();
    assert_int_equal(commands("sequence", "drop", 'l'), 2); /* two strokes */
    expect_words("1 dropped by fault rules");
}

/* Offsets go on where sequence numbers wrap. */
static void numbers_wrap(void **state)
{
    (void)state;
    handshake(0);
    wh_trace_record record;
    uint64_t sent = 0;
    uint32_t step = 1U << 20;
    for (unsigned i = 0; i < 5000; i++, sent += step) { /* 5 GB: more than once around */
        record =
            talk_segment(&talk, OUT, 1000 + i * 100, EST, EST, WH_ACK, 1 + (uint32_t)sent, 1, step);
        feed(record);
        if (i % 7 == 0) {
            feed(talk_segment(&talk, IN, 1050 + i * 100, EST, EST, WH_ACK, 1,
                              1 + (uint32_t)(sent + step), 0));
        }
    }
    draw();
    expect_words("wavehand → program: 5.24 GB");
    expect_words("none of them again");
    expect_words("Data, GB");
}

/* However long: few marks, and every repetition among them. */
static void long_ones_stay_small(void **state)
{
    (void)state;
    handshake(0);
    wh_sender sender = { .srtt = 100, .rto = 1000, .ssthresh = UINT32_MAX };
    const uint32_t n = 300000;
    unsigned repeats = 0;
    for (uint32_t i = 0; i < n; i++) {
        wh_time now = 1000 + (wh_time)i * 1000;
        send_segment(now, i, WH_WHY_NONE);
        if (i % 500 == 499) {
            send_segment(now + 1, i - 20, WH_WHY_RETRANSMIT_FAST);
            repeats++;
        }
        sender.cwnd = i == n / 2 ? 7777777 : 10000 + i % 100;
        think(now + 2, &sender);
        hear_ack(now + 3, i, 0, 0);
    }
    draw();
    assert_true(strlen(svg) < 400000);
    assert_int_equal(commands("sequence", "acks", 'M'), repeats);
    assert_true(commands("sequence", "data", 'M') <= PLOT_DRAWN);
    assert_true(commands("sequence", "ack", 'H') <= PLOT_DRAWN);
    assert_true(commands("windows", "cwnd", 'V') <= PLOT_DRAWN);
    expect_words("300600 segments sent, 600 of them again (0.2 %)");
    expect_words("Windows, MB"); /* the one peak makes the scale */
}

static void recovery_is_a_ground(void **state)
{
    (void)state;
    handshake(0);
    send_segment(1000, 0, WH_WHY_NONE);
    send_segment(1000, 1, WH_WHY_NONE);
    wh_sender sender = { .srtt = 20, .rto = 200, .cwnd = 5000, .ssthresh = UINT32_MAX };
    think(1001, &sender);
    sender.recovery = WH_RECOVERY_DISORDER;
    think(2000, &sender);
    sender.recovery = WH_RECOVERY_FAST;
    sender.ssthresh = 2500;
    think(3000, &sender);
    think(3500, &sender);
    sender.recovery = WH_RECOVERY_LOSS;
    think(4000, &sender);
    sender.recovery = WH_RECOVERY_OPEN;
    think(5000, &sender);
    hear_ack(6000, 2, 0, 0);
    draw();
    const char *recovery = strstr(svg, "<g clip-path=\"url(#windows)\">");
    assert_non_null(recovery);
    recovery = strstr(recovery, "<rect class=\"in-recovery\"");
    assert_non_null(recovery);
    const char *loss = strstr(recovery, "<rect class=\"in-loss\"");
    assert_non_null(loss);
    assert_null(strstr(loss + 1, "<rect class=\"in-"));
    assert_int_equal(commands("windows", "ssthresh", 'M'), 1);
    assert_int_equal(commands("round-trips", "rto", 'M'), 1);
}

/* Samples: of what was sent once, from its acknowledgement or its SACK, whichever is first. */
static void round_trips_are_sampled(void **state)
{
    (void)state;
    handshake(0);
    for (uint32_t n = 0; n < 4; n++) {
        send_segment(1000 * WH_MILLISECOND, n, WH_WHY_NONE);
    }
    hear_ack(1020 * WH_MILLISECOND, 1, 2, 4); /* 20 ms, twice told */
    send_segment(1021 * WH_MILLISECOND, 1, WH_WHY_RETRANSMIT_FAST);
    hear_ack(1500 * WH_MILLISECOND, 4, 0, 0); /* of what was sent again or told: no sample */
    draw();
    assert_int_equal(commands("round-trips", "sample few", 'M'), 2);
    expect_words(">Round-trip time, ms<");
    expect_words(">20</text>"); /* and none of 500 ms */
    expect_none("(logarithmic)");
}

/* The other end's data: its windows are its own. */
static void an_upload(void **state)
{
    (void)state;
    handshake(0);
    for (uint32_t n = 0; n < 6; n++) {
        uint32_t at = n == 2 ? 5 : n == 5 ? 2 : n; /* the third comes last */
        feed(
            talk_segment(&talk, IN, 1000 + n * 10, EST, EST, WH_ACK, 1 + at * SEGMENT, 1, SEGMENT));
    }
    feed(talk_segment(&talk, OUT, 1100, EST, EST, WH_ACK, 1, 6001, 0));
    feed(talk_segment(&talk, IN, 1200, EST, EST, WH_ACK, 1, 1, SEGMENT));
    send_segment(1300, 0, WH_WHY_NONE);
    draw();
    expect_words("program → wavehand: 6 kB");
    expect_words("10.0.2.100:40122 → 10.0.2.2:80 · 1 kB the other way");
    expect_words("The sender is the program: its windows");
    assert_int_equal(commands("sequence", "late", 'M'), 3);
    assert_int_equal(commands("sequence", "twice", 'M'), 1);
    expect_none("Round-trip");
    expect_none("congestion window");
}

/* A RST out of nowhere: its numbers are not the connection's. */
static void resets_tell_no_numbers(void **state)
{
    (void)state;
    handshake(0);
    send_segment(1000, 0, WH_WHY_NONE);
    feed(talk_segment(&talk, IN, 2000, EST, WH_CLOSED, WH_RST | WH_ACK, 70000, 900000, 0));
    feed(talk_segment(&talk, OUT, 2000, EST, EST, WH_RST, 80000, 0, 5));
    draw();
    expect_words("wavehand → program: 1 kB<");
    expect_words("1 segment sent, none");
}

static void conversation(uint16_t port, wh_time at, uint32_t segments)
{
    talk.port = port;
    handshake(at);
    for (uint32_t n = 0; n < segments; n++) {
        send_segment(at + 100 + n, n, WH_WHY_NONE);
    }
    hear_ack(at + 1000, segments, 0, 0);
    over(at + 2000);
}

static void the_one_that_carried_most(void **state)
{
    (void)state;
    conversation(1001, 0, 3);
    conversation(1002, 5000, 9);
    conversation(1003, 10000, 5);
    draw();
    expect_words("10.0.2.100:1002 ·");
    expect_words("connection 2 of 3");
}

static void the_one_asked_for(void **state)
{
    (void)state;
    release(state);
    begin_with(3);
    conversation(1001, 0, 3);
    conversation(1002, 5000, 9);
    conversation(1003, 10000, 5);
    draw();
    expect_words("10.0.2.100:1003 ·");
    expect_words("connection 3 of 3");
}

static void one_that_never_was(void **state)
{
    (void)state;
    release(state);
    begin_with(9);
    conversation(1001, 0, 3);
    draw();
    expect_words("Connection 9 was asked for, and there were 1.");
}

/* The same ports again: another connection, with other numbers. */
static void ports_used_again(void **state)
{
    (void)state;
    conversation(1001, 0, 3);
    conversation(1001, 5000, 3); /* a late SYN of the first: nothing new */
    wh_trace_record syn =
        talk_segment(&talk, IN, 9000, WH_LISTEN, WH_SYN_RECEIVED, WH_SYN, 700000, 0, 0);
    feed(syn);
    draw();
    expect_words("connection 1 of 2");
}

static void many_connections_are_bounded(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 40000; i++) {
        conversation((uint16_t)(1024 + i), i * 10000, i == 20000 ? 4 : 2);
    }
    draw();
    expect_words("connection 20001 of 40000");
    expect_words("wavehand → program: 4 kB");
}

static void gaps_are_told(void **state)
{
    (void)state;
    conversation(1001, 0, 3);
    plot_lost(plot, 17);
    draw();
    expect_words("17 events came too fast to be recorded: there are gaps");
}

static void names_are_escaped(void **state)
{
    (void)state;
    release(state);
    plot = plot_new(&(struct plot_options){ .ours = "a<b>&\"\x01", .theirs = "c", .right = true });
    conversation(1001, 0, 3);
    draw();
    expect_words("a&lt;b&gt;&amp;&quot;  → c: 3 kB");
}

/* Whatever the records say, the document is well-formed, and nothing is read out of bounds. */
static void no_record_breaks_the_picture(void **state)
{
    (void)state;
    uint32_t seed = 7;
    for (unsigned i = 0; i < 200000; i++) {
        wh_trace_record record;
        uint8_t *bytes = (uint8_t *)&record;
        for (size_t k = 0; k < sizeof record; k++) {
            seed = seed * 1103515245 + 12345;
            bytes[k] = (uint8_t)(seed >> 16);
        }
        talk.port = (uint16_t)(1000 + i % 4);
        wh_trace_record plain = talk_record(&talk, IN, (wh_time)i * 1000, EST, EST);
        record.time = plain.time;
        record.kind = (uint8_t)(i % 7);
        record.state_before = record.state_after = EST;
        record.local = plain.local;
        record.remote = plain.remote;
        record.segment_size %= 3;
        feed(record);
    }
    draw();
    assert_true(strlen(svg) < 2000000);
}

static void full_disk_is_told(void **state)
{
    (void)state;
    FILE *full = fopen("/dev/full", "w");
    if (full == NULL) {
        skip();
    }
    setbuf(full, NULL);
    conversation(1001, 0, 3);
    assert_false(plot_draw(plot, full));
    fclose(full);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, begin, release)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(nothing_was_seen),
        CASE(a_handshake_carries_no_data),
        CASE(one_segment),
        CASE(one_instant),
        CASE(repetitions_by_reason),
        CASE(what_rules_drop_is_crossed_out),
        CASE(numbers_wrap),
        CASE(long_ones_stay_small),
        CASE(recovery_is_a_ground),
        CASE(round_trips_are_sampled),
        CASE(an_upload),
        CASE(resets_tell_no_numbers),
        CASE(the_one_that_carried_most),
        CASE(the_one_asked_for),
        CASE(one_that_never_was),
        CASE(ports_used_again),
        CASE(many_connections_are_bounded),
        CASE(gaps_are_told),
        CASE(names_are_escaped),
        CASE(no_record_breaks_the_picture),
        CASE(full_disk_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
