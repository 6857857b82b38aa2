/* SPDX-License-Identifier: MIT */
/*
 * What the RFCs demand when a segment arrives (oracle.c) and when the application
 * calls (oracle_calls.c): pure functions from the facts of a connection to the set
 * of outcomes that conform. They are written from the text and know nothing of
 * how src/ does it: not its functions, not its table of arcs, not its sequence
 * arithmetic.
 */
#ifndef CELLS_ORACLE_H
#define CELLS_ORACLE_H

#include <wavehand/wavehand.h>

#include "wire/segment.h"

/* Who reads what the peer sends. Beside the state: RFC 9293 3.6.1. */
enum reader {
    READER_READS,
    READER_DEAF, /* shutdown(READ): what comes is thrown away, by the program's own wish */
    READER_GONE, /* close(): nobody can read any more */
};

/* The variables of RFC 9293 3.3.1, and what else decides. All numbers are absolute. */
struct facts {
    wh_state state;
    enum reader reader;
    bool passive;  /* came from LISTEN: decides where a RST leads (MUST-11) */
    bool listener; /* somebody listens on the local port */
    bool fin_sent; /* SND.NXT counts our FIN */
    bool stamps;   /* both SYNs had timestamps (RFC 7323) */
    bool rst_ends; /* a RST ends TIME-WAIT: the letter of 3.10.7.4 */
    bool syn_owed; /* closed before our SYN,ACK was acknowledged */
    bool handle;   /* the program has one, of a connection that lives or is over */
    uint32_t iss, irs;
    uint32_t next_iss; /* what a new SYN,ACK would bear */
    uint32_t snd_una, snd_nxt, snd_wnd, wl1, wl2, max_snd_wnd;
    uint32_t rcv_nxt, rcv_wnd;
    uint32_t ts_recent;
    uint32_t unread; /* bytes delivered and not yet read */
    int error;       /* how it died (CLOSED) */
};

enum reply_kind {
    REPLY_NOTHING,
    REPLY_ACK,      /* at once, without data */
    REPLY_ACK_SOON, /* within half a second (MUST-40) */
    REPLY_ACK_TOO,  /* at once; an acknowledgement of the SYN alone may come before it */
    REPLY_SYN,
    REPLY_SYN_ACK,
    REPLY_RST,     /* without ACK; with it is tolerated where `ack` is RCV.NXT */
    REPLY_RST_ACK, /* with ACK */
    REPLY_FIN,     /* FIN,ACK */
    REPLY_DATA,    /* ACK with data */
};

struct reply {
    enum reply_kind kind;
    uint32_t seq, ack;
    uint32_t length; /* of data */
    bool above;      /* any SEQ above `seq` */
    bool any_seq;
};

enum maybe { NO, YES, EITHER };

/* One way to go on that conforms. */
struct outcome {
    const char *choice; /* which of several, in words */
    struct reply reply;
    wh_state state;
    uint32_t delivered; /* bytes, beyond facts.unread */
    bool eof;
    int error; /* of the handle */
    enum maybe urgent;
    enum maybe restarted; /* 2MSL */
    uint32_t snd_una, rcv_nxt;
    uint32_t snd_wnd;
    bool any_snd_wnd;
};

#define OUTCOMES 12

struct expectation {
    struct outcome outcome[OUTCOMES];
    unsigned outcomes;
};

/* RFC 9293 3.10.7: SEGMENT ARRIVES. */
void oracle_arrives(const struct facts *facts, const struct segment *segment,
                    struct expectation *expectation);

/* The calls of RFC 9293 3.9.1 as the public interface has them. */
enum call {
    CALL_OPEN_ACTIVE,
    CALL_OPEN_PASSIVE,
    CALL_SEND,
    CALL_RECEIVE,
    CALL_SHUT_WRITE,
    CALL_SHUT_READ,
    CALL_SHUT_BOTH,
    CALL_CLOSE,
    CALL_ABORT,
    CALL_STATUS,
    CALLS
};

/* One way to answer a call. */
struct answer {
    const char *choice;
    int64_t result; /* of calls without a result: 0 */
    struct reply reply;
    wh_state state;
};

struct answers {
    struct answer answer[OUTCOMES];
    unsigned answers;
};

/* Bytes that CALL_SEND sends and CALL_RECEIVE has room for. */
#define CALL_BYTES 400

/* RFC 9293 3.10.1 to 3.10.6. */
void oracle_call(const struct facts *facts, enum call call, struct answers *answers);

#endif
