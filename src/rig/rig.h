/* SPDX-License-Identifier: MIT */
/*
 * The scripted-peer rig. One scenario runs against one stack ("the host") in
 * virtual time: the script plays the application above it and the peer across
 * the link, and says which frames must leave, and when. Whatever else leaves is
 * a failure. The language is described in docs/testing-scripts.md.
 *
 * How it works: every line of a scenario is one statement (statement.c). A
 * stimulus (an arriving frame, a call, time passing) is followed by a pump of
 * the stack (host.c), which puts what leaves into a queue; expectations take
 * from that queue (expect.c), and before the next stimulus it must be empty. A
 * flow (flow.c) is one pair of endpoints; it keeps the numbers both ends are at,
 * so that scripts may speak in numbers relative to the initial ones and leave
 * out what is natural. Everything that happened goes into a transcript
 * (transcript.c), which a failure prints. Only the public interface of the
 * library is used, and src/wire to take frames apart; TCP headers that arrive are
 * put together by hand (packet.c), because scripts want them wrong as well.
 */
#ifndef WAVEHAND_RIG_H
#define WAVEHAND_RIG_H

#include <stdarg.h>

#include <wavehand/rig.h>

#include "rig/script.h"
#include "rig/value.h"
#include "wire/segment.h"

#define RIG_FLOWS 26
#define RIG_LISTENERS 16
#define RIG_FRAME_MAX 66000
#define RIG_TEXTS 16

/* Bytes of one direction: made from their position, with texts laid over them. */
struct stream {
    uint32_t salt;
    struct {
        uint64_t at;
        size_t length;
        char *bytes;
    } text[RIG_TEXTS];
    unsigned texts;
    uint8_t *learned; /* of a program under test: what it has sent so far */
    size_t learned_length;
};

uint8_t stream_byte(const struct stream *stream, uint64_t at);
void stream_fill(const struct stream *stream, uint64_t at, uint8_t *to, size_t length);
/* The first position in [at, at + length) whose byte differs, or UINT64_MAX. */
uint64_t stream_differs(const struct stream *stream, uint64_t at, const uint8_t *bytes,
                        size_t length);
/* False if there are too many texts. */
bool stream_lay(struct stream *stream, uint64_t at, const char *bytes, size_t length);
/* The bytes at `at` as they left: new ones are kept, old ones must be what they were. */
bool stream_learn(struct stream *stream, uint64_t at, const uint8_t *bytes, size_t length);
void stream_clear(struct stream *stream);

/* What both ends are at; all numbers absolute. */
struct numbers {
    bool iss_known;
    uint32_t iss;     /* the host's */
    uint32_t snd_nxt; /* the host's highest number sent, plus one */
    uint32_t snd_una; /* highest the peer has acknowledged */
    uint32_t peer_iss;
    uint32_t peer_nxt; /* the peer's next number in order */
    uint32_t acked;    /* what the host has acknowledged last */
    uint32_t edge;     /* right edge of the window the host has advertised */
    uint32_t window;   /* bytes the host advertised last */
    bool edge_known;
    bool host_scales, peer_scales, host_stamps, peer_stamps;
    uint8_t host_scale, peer_scale;
    uint32_t host_tsval; /* the host's newest */
};

struct flow {
    char name; /* 'a' ... ; 0: unused */
    wh_endpoint ours, theirs;
    wh_conn *conn;
    wh_syn *syn;
    struct numbers is, was;       /* `was`: before `again` */
    struct stream sent, received; /* by the host */
    uint64_t send_position, read_position;
    uint32_t events;      /* gathered and not yet named by an `event` line */
    uint16_t peer_window; /* the window field of arriving segments */
    uint32_t peer_stamp;  /* what the peer's timestamp clock showed at the start */
    uint8_t last[128];    /* beginning of the last IP packet that left, for ICMP to quote */
    size_t last_length;
    struct {
        bool known;
        wh_endpoint ours, theirs;
        wh_state state;
    } told; /* where the trace has led it (witness.c) */
};

/* A frame that left the host. */
struct leaving {
    wh_time time;
    uint8_t *bytes; /* one IP packet (or Ethernet frame), checksum complete */
    uint32_t length;
    uint16_t segment_size;
};

struct variant {
    const char *name; /* "IPv4", "IPv6 wrap" */
    unsigned family;  /* 4 or 6 */
    bool numbers;     /* use the two below */
    uint32_t iss, peer_iss;
};

struct rig_listener {
    uint16_t port;
    wh_listener *listener;
    uint32_t events;
};

struct wh_rig {
    const struct script *script, *prelude;
    const struct block *scenario;
    const struct variant *variant;

    wh_config config;
    wh_stack *host; /* NULL until the first line that needs it */
    wh_time start, now;
    struct {
        size_t now, peak, limit;
        uint64_t calls, fail_from, fail_every; /* allocations that are made to fail */
    } memory;

    struct flow flow[RIG_FLOWS];
    struct flow *at; /* the flow of the line being run */
    struct rig_listener listener[RIG_LISTENERS];
    wh_dgram *dgram[2];            /* by wh_dgram_kind */
    const wh_rig_program *program; /* under test, or NULL: the script plays the application */
    void *program_state;

    struct leaving *queue; /* what has left and was not yet expected */
    size_t queue_first, queue_count, queue_room;
    struct lent {
        wh_frame frame;
        uint64_t hash;
    } * lent; /* frames not yet handed back through wh_sent */
    size_t lents, lent_room;
    uint64_t left_count;    /* frames that left while loose */
    uint64_t left_flags[9]; /* of them with flag number i */
    uint64_t left_data;     /* bytes of TCP data while loose */
    uint8_t *batch;         /* arriving frames gathered: wh_frame array is built at the end */
    wh_frame *batch_frame;
    size_t batches, batch_room;
    /* Arcs that the scenario's lines took, not those of clearing up after it. */
    struct {
        uint64_t times;
        unsigned line; /* of the scenario, the first that took it; 0: none did */
        bool in_macro; /* the line only called a macro that took it */
    } arc[WH_STATE_COUNT][WH_ARC_EVENT_COUNT];
    uint8_t cookie[FAST_OPEN_MOST]; /* the last Fast Open cookie that left */
    int cookie_length;
    uint64_t frames_in;
    wh_time heard; /* of the newest record of the trace */

    struct note {
        wh_time time;
        char mark;       /* '>' left, '<' arrived, ' ' a call or remark, '!' came unexpected */
        char flow;       /* its name */
        wh_state before; /* the host's, if drawing */
        const struct line *line; /* of the scenario */
        char text[150];
    } * note;
    size_t notes, note_room;
    wh_state failed_state[RIG_FLOWS]; /* if drawing: the host's states when the scenario failed */
    const struct line *line, *macro_line; /* being run; macro_line inside a macro, else NULL */
    bool failed;
    bool loose;        /* everything may leave; it is only counted */
    bool together;     /* stimuli are gathered, nothing may leave before `end` */
    bool undrained;    /* the scenario's end leaves records behind on purpose */
    bool drawing;      /* note states as well, for the ladder of a failure */
    bool program_runs; /* between its begin and its end */
    unsigned combination;
    char why[700];
};

/* ---------------------------------------------------------------- run.c -- */

/* Everything that makes one run what it is. */
struct rig_case {
    const struct script *script, *prelude;
    const struct block *scenario;
    const struct variant *variant;
    unsigned combination;
    const wh_rig_program *program; /* or NULL */
    bool drawing;
};

/* Runs one scenario once. True if it passed; else rig->why and the notes tell. */
bool rig_run(struct wh_rig *rig, const struct rig_case *one);
void rig_free(struct wh_rig *rig);
/* The variants that this scenario runs in; returns how many, at most 8. */
unsigned rig_variants(const struct block *scenario, const struct variant **variants);
/* The words of the loops' values in this combination, to text[160]; returns text. */
char *rig_combination_text(const struct block *scenario, unsigned combination, char *text);

/* Always false: `return rig_fail(...)`. */
bool rig_fail(struct wh_rig *rig, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* ---------------------------------------------------------- statement.c -- */

/* Runs one statement: words without flow prefix and $NAMEs. */
bool statement_run(struct wh_rig *rig, char **word, unsigned words);

/* --------------------------------------------------------------- host.c -- */

bool host_start(struct wh_rig *rig);
/* Takes everything that leaves now, and the events. */
bool host_pump(struct wh_rig *rig);
/* Lets time pass to `when`, or to the moment at which something leaves. */
bool host_advance(struct wh_rig *rig, wh_time when);
/* The same, but nothing may leave. */
bool host_silence(struct wh_rig *rig, wh_time when);
/* Nothing may have left that no line has named. */
bool host_quiet(struct wh_rig *rig);
/* Hands frames to the host: one now, or with the batch. */
bool host_arrives(struct wh_rig *rig, const uint8_t *bytes, size_t length, uint16_t segment_size,
                  bool partial);
bool host_flush(struct wh_rig *rig);
/* Closes everything, lets time pass, and looks for what was left behind. */
bool host_drain(struct wh_rig *rig);
bool host_stop(struct wh_rig *rig);
struct leaving *host_next(struct wh_rig *rig);
void host_drop(struct wh_rig *rig);

/* ------------------------------------------------------------ witness.c -- */

/* Takes what the trace tells; false if it cannot be. */
bool witness_hear(struct wh_rig *rig);
/* What the trace has told is what is. */
bool witness_agrees(struct wh_rig *rig);

/* --------------------------------------------------------------- flow.c -- */

void flow_init(struct wh_rig *rig, struct flow *flow, char name);
struct flow *flow_find(struct wh_rig *rig, const wh_endpoint *ours, const wh_endpoint *theirs);
/* A new incarnation: forgets the host's numbers; the peer's begin at peer_iss. */
void flow_again(struct flow *flow, uint32_t peer_iss);
/* Keeps track of a segment that arrived or left. */
void flow_arrived(struct flow *flow, const struct segment *segment);
void flow_left(struct flow *flow, const struct segment *segment);
/* Numbers of expressions: "rcv.nxt", "wnd" ... */
value_lookup flow_lookup;
bool flow_stamps(const struct flow *flow);

/* ------------------------------------------------------------- packet.c -- */

/* The addresses scripts can name; false for an unknown name. */
bool packet_address(const struct wh_rig *rig, const char *name, wh_addr *addr);

enum spec_kind { SPEC_TCP, SPEC_ICMP, SPEC_UDP, SPEC_HEX };

enum compare {
    COMPARE_NONE,
    COMPARE_EQUAL,
    COMPARE_LESS,
    COMPARE_LEAST,
    COMPARE_MORE,
    COMPARE_MOST
};

struct condition {
    enum compare compare;
    int64_t value;
};

/* What is said of an option: nothing, that it is absent, that it is present, or its value. */
enum said { SAID_NOTHING, SAID_ABSENT, SAID_PRESENT, SAID_VALUE };

/* A segment or packet as a line describes it. */
struct spec {
    enum spec_kind kind;
    uint16_t flags, without;
    bool has_seq, has_ack, any_seq, any_ack, any_length;
    bool absolute_seq;
    uint32_t seq, ack;
    uint64_t length;
    const char *text; /* of data */
    struct condition win, window, length_is;
    enum said mss, wscale, sackok, stamps, sack, urgent, fast_open;
    uint32_t mss_value, wscale_value, tsval, tsecr, urgent_value;
    bool has_tsecr;
    uint8_t cookie[FAST_OPEN_MOST]; /* Fast Open */
    int cookie_length;              /* 0: a request; -1: any cookie, where it leaves */
    enum said accecn;               /* Accurate ECN's option: its order and counters */
    unsigned accecn_order, accecn_fields;
    uint32_t accecn_counter[ACCECN_FIELDS]; /* in the order of the wire */
    unsigned sacks;
    struct sack_block sack_block[WH_SACK_BLOCKS];
    uint8_t raw[64]; /* options as bytes; hex packets point elsewhere */
    int raw_length;
    bool raw_only;
    bool new_iss, above_old;
    int offset, reserved, hops, tos, cut; /* -1: not said */
    uint8_t ip_options[40];
    unsigned ip_options_length;
    bool bad_checksum, bad_ip_checksum;
    bool partial;
    uint16_t segment_size;
    wh_addr from, to;
    bool has_from, has_to;
    int from_port, to_port; /* -1: the flow's */
    const char *message;    /* ICMP */
    uint32_t mtu, id, sequence, quote_seq;
    bool has_quote_seq;
    const char *hex;
};

/* Reads a line's words from FLAGS on. arriving: whose numbers SEQ and ACK are. */
bool spec_parse(struct wh_rig *rig, struct spec *spec, bool arriving, char **word, unsigned words);
bool condition_parse(struct wh_rig *rig, struct condition *condition, const char *word);
bool condition_holds(const struct condition *condition, int64_t value);
char *condition_text(const struct condition *condition, char *text); /* text[40] */

/* Makes the frame that a line describes and hands it to the host. */
bool packet_arrives(struct wh_rig *rig, struct spec *spec);
/* The Internet checksum of bytes, by hand. */
uint32_t packet_sum(const uint8_t *bytes, size_t length, uint32_t sum);
uint16_t packet_fold(uint32_t sum);
uint32_t packet_pseudo(const wh_addr *source, const wh_addr *destination, uint8_t protocol,
                       uint32_t length);

/* ICMP messages by name, for both versions. */
struct icmp_name {
    const char *name;
    int type4, code4, type6, code6; /* -1: does not exist */
};
const struct icmp_name *icmp_by_name(const char *name);

/* ------------------------------------------------------------- expect.c -- */

/* A frame that left, taken apart. */
struct seen {
    const struct leaving *leaving;
    struct flow *flow; /* NULL: none of ours */
    wh_addr source, destination;
    uint8_t protocol, hops, traffic_class;
    const uint8_t *payload;
    uint32_t length;
    struct segment segment; /* TCP */
};

bool seen_parse(struct wh_rig *rig, struct seen *seen, const struct leaving *leaving);
/* What holds for everything that leaves, whatever the script says. */
bool seen_check(struct wh_rig *rig, const struct seen *seen);
/* Both, for the next frame that left, whatever it is; it is noted. */
bool seen_accept(struct wh_rig *rig, struct seen *seen);
void seen_track(struct seen *seen);
/* In the words of the script, to text[150]. */
void seen_text(const struct seen *seen, char *text, size_t room);
/* The next frame must be this one, leaving between `from` and `to`. */
bool expect_leaves(struct wh_rig *rig, const struct spec *spec, wh_time from, wh_time to);

/* --------------------------------------------------------- transcript.c -- */

void note_add(struct wh_rig *rig, char mark, wh_time time, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
void rig_fail_list(struct wh_rig *rig, const char *format, va_list list);
/* A segment in the words of the script. */
void segment_text(const struct flow *flow, const struct segment *segment, bool arriving, char *text,
                  size_t room);

/* ------------------------------------------------------------ failure.c -- */

/* The failed scenario, run with `drawing`, as lines that begin with "# ". */
void failure_print(const struct wh_rig *rig, const wh_rig_options *options);

/* ------------------------------------------------------------- report.c -- */

/* wh_rig_run for a file; one that cannot be read is said in a "Bail out!" line. */
bool rig_run_file(const char *name, const wh_rig_program *program, const wh_rig_options *options,
                  wh_rig_tally *tally);
/* Prints plan and totals. True if something ran and all of it passed. */
bool rig_total(const wh_rig_options *options, const wh_rig_tally *tally);

/* ------------------------------------------------------------ program.c -- */

bool program_present(const struct wh_rig *rig);
void program_configure(struct wh_rig *rig);
bool program_begin(struct wh_rig *rig);
/* Lets the program act; *servings counts how often it did at this instant. */
bool program_serve(struct wh_rig *rig, unsigned *servings);
wh_time program_wake(const struct wh_rig *rig);
bool program_statement(struct wh_rig *rig, char **word, unsigned words, bool *known);
void program_end(struct wh_rig *rig);

/* --------------------------------------------------------------- call.c -- */

/* What the application does; false in *known if the word is none of its. */
bool call_run(struct wh_rig *rig, char **word, unsigned words, bool *known);
/* The state of the record for this flow, with or without a handle; CLOSED if there is none. */
wh_state flow_state(struct wh_rig *rig, const struct flow *flow);
/* What the application can ask. */
bool ask_run(struct wh_rig *rig, char **word, unsigned words, bool *known);
/* Long transfers. */
bool bulk_in(struct wh_rig *rig, uint64_t bytes);
bool bulk_out(struct wh_rig *rig, uint64_t bytes, uint64_t drop_every);

#endif
