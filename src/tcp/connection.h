/* SPDX-License-Identifier: MIT */
/*
 * The connection record (the TCB of RFC 9293 3.3.1) and the one writer of its state.
 *
 * A connection at rest owns nothing but this record: queues are chunks while
 * bytes are in them, the in-flight ranges and the reassembly exist while there
 * is something in flight or out of order. Hot fields come first.
 */
#ifndef WAVEHAND_TCP_CONNECTION_H
#define WAVEHAND_TCP_CONNECTION_H

#include "base/seq.h"
#include "tcp/context.h"
#include "tcp/flight.h"
#include "tcp/machine.h"
#include "tcp/reassembly.h"

/* How every record with a state begins: listeners, half-open, held, TIME-WAIT, connections. */
struct record {
    uint8_t state; /* wh_state; written by step() alone */
};

/* A connection's deadlines; its one wheel node stands at the earliest. */
enum deadline {
    DEADLINE_RETRANSMIT, /* RTO, or the persist timer while nothing is in flight */
    DEADLINE_ACK,        /* a delayed acknowledgement */
    DEADLINE_PUSH,       /* a small segment held back for too long (cork, silly window) */
    DEADLINE_KEEPALIVE,
    DEADLINE_END, /* linger, or FIN-WAIT-2 without a reader */
    DEADLINES
};

/* What DEADLINE_RETRANSMIT stands for, with data in flight or after it. */
enum retransmit_timer {
    TIMER_TIMEOUT, /* RFC 6298's, also for a SYN and for the persist timer */
    TIMER_REORDER, /* RFC 8985 6.2, step 5: what is late now will be lost then */
    TIMER_TAIL,    /* a tail loss probe (RFC 8985 7) */
    TIMER_REST,    /* nothing has been in flight for a while: the flight is given back */
};

/* What sending waits for; wh_info tells the times. */
enum limit {
    LIMIT_PATH,   /* acknowledgements, cwnd, pacing */
    LIMIT_WINDOW, /* the peer's window */
    LIMIT_BUFFER, /* the application, which found no room when it had more */
    LIMITS,
    LIMIT_NONE = FLIGHT_UNLIMITED /* there is nothing to send or to be acknowledged */
};

enum recovery {
    RECOVERY_NONE,
    RECOVERY_FAST, /* after the peer's acknowledgements (RFC 6675, RFC 8985) */
    RECOVERY_LOSS, /* after a timeout */
};

/* How far Fast Open has come (fast_open.c). */
enum fast_open {
    FAST_OPEN_OFF,
    FAST_OPEN_WANTED,      /* the first SYN has not left */
    FAST_OPEN_ASKED,       /* it asked for a cookie */
    FAST_OPEN_SENT,        /* it carried a cookie and data */
    FAST_OPEN_LEFT,        /* the data, or the end of it, must go out again */
    FAST_OPEN_TAKEN,       /* the data on the SYN was taken, ours or the peer's */
    FAST_OPEN_UNCONFIRMED, /* opened by a SYN with a good cookie; our SYN is not acknowledged */
    FAST_OPEN_RENEWING,    /* the same, and our SYN,ACK brings a cookie of the new key */
};

struct wh_conn {
    struct record record;
    uint8_t recovery;             /* enum recovery */
    uint8_t snd_scale, rcv_scale; /* Snd.Wind.Shift, Rcv.Wind.Shift (RFC 7323 2.3) */
    struct tuple tuple;
    struct tcp *tcp;

    /* send sequence (RFC 9293 3.3.1) */
    uint32_t snd_una, snd_nxt;
    uint32_t snd_max; /* highest number ever sent, a window probe's byte included */
    uint32_t snd_wnd; /* bytes */
    uint32_t snd_wl1, snd_wl2;
    uint32_t snd_end;     /* one past the last byte the application queued; the FIN's number */
    uint32_t max_snd_wnd; /* MAX.SND.WND (RFC 5961 5.2) */
    uint32_t iss, irs;
    /* receive sequence */
    uint32_t rcv_nxt;
    uint32_t rcv_edge;      /* right edge of the window as advertised: RCV.NXT + RCV.WND */
    uint32_t last_ack_sent; /* RFC 7323 4.3 */
    uint32_t peer_fin;      /* number of the peer's FIN, if fin_known */
    uint32_t ts_recent;     /* RFC 7323 */
    uint32_t ts_recent_age; /* when, seconds */
    uint32_t ts_offset;
    uint16_t snd_mss; /* bytes of data and options in a segment we send: peer's MSS and path MTU */
    uint16_t rcv_mss; /* largest segment seen, for "every second full segment" */

    /* facts, each one bit */
    unsigned passive : 1;    /* opened by a SYN from outside (MUST-11) */
    unsigned handle : 1;     /* the application has a handle */
    unsigned read_shut : 1;  /* shutdown(READ): arriving data is thrown away */
    unsigned write_shut : 1; /* close or shutdown(WRITE): a FIN follows the queue */
    unsigned fin_sent : 1;
    unsigned fin_known : 1;                         /* peer_fin holds */
    unsigned fin_received : 1;                      /* ... and everything up to it has arrived */
    unsigned sack : 1, timestamps : 1, scaling : 1; /* negotiated */
    unsigned ack_now : 1;                           /* an ACK is owed at once */
    unsigned syn_due : 1;                           /* SYN or SYN,ACK must be sent (again) */
    unsigned probe_due : 1;                         /* window probe */
    unsigned keepalive_due : 1;
    unsigned push_due : 1;                  /* send what there is, however small */
    unsigned urgent_out : 1, urgent_in : 1; /* snd_up, rcv_up hold */
    unsigned more : 1;                      /* WH_SEND_MORE */
    unsigned probing : 1;                   /* the persist timer runs */
    unsigned accepted : 1;                  /* not waiting in a backlog */
    unsigned demuxed : 1;                   /* segments of its tuple come to it */
    unsigned r1_told : 1;
    unsigned ecn : 1;            /* negotiated, or asked for: marks that arrive are told */
    unsigned ecn_send : 1;       /* ... and what we send may be marked */
    unsigned ecn_echo : 1;       /* ECE until the peer says CWR */
    unsigned cwr_due : 1;        /* CWR on the next new data */
    unsigned accurate_asked : 1; /* our SYN asked for Accurate ECN */
    unsigned reduced : 1; /* cwnd was cut, and nothing beyond recovery_point is acknowledged yet */
    unsigned pushed : 1;  /* the last byte in order came with PSH */
    unsigned fast_open : 3; /* enum fast_open */
    uint32_t dsack_left;    /* to be told next: what arrived twice (RFC 2883) ... */

    /* queues */
    struct chunk_queue send;    /* SND.UNA onward; chunk->seq is the number of data[0] */
    struct chunk_queue receive; /* in order, not yet read */
    struct reassembly *reassembly;
    struct flight *flight; /* while it is busy sending */
    struct profile *profile;

    /* congestion and recovery */
    uint32_t cwnd, ssthresh;
    uint32_t recovery_point;  /* RFC 6675; SND.NXT when cwnd was last cut */
    uint16_t dup_acks_owed;   /* one for each out-of-order arrival (RFC 5681 4.2) */
    uint8_t retries;          /* consecutive retransmission timeouts, or unanswered probes */
    uint8_t syn_retries;      /* SYN or SYN,ACK timeouts before ESTABLISHED (H15) */
    uint8_t keepalives;       /* unanswered */
    uint8_t challenges;       /* challenge ACKs in this period (RFC 5961 7) */
    uint8_t timer_kind;       /* enum retransmit_timer: what DEADLINE_RETRANSMIT stands for */
    uint8_t traffic_class;    /* DSCP and ECN of the last segment that arrived in the window */
    uint8_t challenge_period; /* its number, mod 256 */
    bool starved;             /* the application found no room to queue what it had */
    uint16_t dsack_length;    /* ... so many bytes of it */
    uint16_t tail_probes;     /* ever, up to 65535 */
    uint16_t told_twice;      /* DSACKs, likewise */
    uint16_t pending;         /* "once" events not yet told: WH_CONNECTED ... */
    uint16_t watch;           /* conditions the application wants to hear of */
    uint32_t snd_up, rcv_up;  /* urgent: one past the last urgent byte (RFC 6093) */
    int8_t error;             /* wh_error that it died of */
    int8_t soft_error;        /* wh_error that ICMP hinted at */
    uint8_t soft_reason, end_reason, ack_reason; /* wh_reason */
    uint8_t rtx_reason;
    /* RFC 8257 3.2: an ACK is owed for so many bytes not yet acknowledged, with ECE as it was then. */
    uint16_t exact_gap : 15, exact_echo : 1;

    uint32_t srtt, rttvar; /* us; srtt 0: no sample yet */
    uint32_t min_rtt;      /* us; UINT32_MAX: no sample yet */
    uint32_t rto;          /* us */
    uint16_t timeouts;     /* retransmission timeouts ever, up to 65535 */
    uint16_t undos;        /* reductions of cwnd that were undone, likewise */
    uint32_t sent;         /* when data was last sent, ms */
    uint32_t heard;        /* when the peer was last heard of, ms, rounded up: conn_heard */
    uint32_t retransmissions;
    wh_time progress; /* when SND.UNA last advanced or something was first put in flight */

    struct timer timer;
    wh_time deadline[DEADLINES];
    struct link ready_link, event_link, backlog_link;
    void *user;
    struct wh_listener *listener; /* while it waits in a backlog, or counts as unconfirmed */
    uint32_t index;               /* in the stack's pool */
    uint32_t prior;               /* TIME-WAIT entry it reopened, or 0 */

    struct accecn *accecn; /* if Accurate ECN is agreed on */

    /* the receive window follows what the application reads */
    uint32_t rcv_limit; /* bytes: what it has grown to; 0: no measurement has begun */
    uint32_t tune_seq;  /* number of the first byte that the measurement counts */
    uint32_t tune_time; /* when it began, us */
    uint32_t rcv_rtt;   /* us, as a receiver sees it; 0: not known */

    /* search for the path's packet size (path_mtu.h) */
    uint16_t mtu_most;    /* what both ends' links allow, like snd_mss */
    uint16_t mtu_high;    /* larger is known not to arrive */
    uint16_t mtu_again;   /* minutes, mod 2^16: when to look again for a larger one */
    uint8_t mtu_failures; /* probes of the same size lost in a row */
    uint8_t mtu_state;    /* MTU_... */

    uint32_t limited[LIMITS]; /* ms spent so far, by what sending waited for */

    uint64_t bytes_acked, bytes_received, bytes_retransmitted;
    uint32_t segments_in, segments_out;
    uint32_t marks_in, echoes_in; /* CE on data, ECE on acknowledgements */
};

_Static_assert(sizeof(struct wh_conn) <= 512, "a connection at rest costs at most 512 bytes");

_Static_assert(WH_REASON_COUNT <= 256, "connections keep reasons in a byte");

/*
 * The only writer of a state. The arc must be in the table. Notes the reason,
 * raises the trace record of changes that no segment caused, and runs the
 * actions of entering the new state.
 */
void step(struct tcp *tcp, struct record *record, wh_arc_event event, wh_reason reason);
/* The same for a connection, with its entry actions. */
void conn_step(struct wh_conn *conn, wh_arc_event event, wh_reason reason);

/* Makes a cleared record a CLOSED connection with the given options. */
void conn_init(struct wh_conn *conn, struct tcp *tcp, const struct tuple *tuple,
               struct profile *profile);
/* Gives back everything the record holds and takes it off every list. */
void conn_release(struct wh_conn *conn);
/* Gives back queues, flight and reassembly; what has been received stays if `keep_received`. */
void conn_flush(struct wh_conn *conn, bool keep_received);

static inline wh_state conn_state(const struct wh_conn *conn)
{
    return (wh_state)conn->record.state;
}
/* CLOSED, or back to LISTEN: nothing on the wire belongs to it any more. */
static inline bool conn_over(const struct wh_conn *conn)
{
    return conn->record.state == WH_CLOSED || conn->record.state == WH_LISTEN;
}
/* States in which both sides know each other's sequence numbers (RFC 9293 3.5.1). */
static inline bool conn_synchronized(const struct wh_conn *conn)
{
    return conn->record.state >= WH_ESTABLISHED;
}
static inline int64_t conn_option(const struct wh_conn *conn, wh_option option)
{
    return conn->profile->value[option];
}
/* Fast Open lets it send and be read although our SYN is not yet acknowledged. */
static inline bool conn_unconfirmed(const struct wh_conn *conn)
{
    return conn->fast_open >= FAST_OPEN_UNCONFIRMED;
}
/* The retransmission timeout in nanoseconds, like every wh_time. */
static inline wh_time conn_rto(const struct wh_conn *conn) { return conn->rto * WH_MICROSECOND; }
/* When the peer was last heard of, to a millisecond, never too early. */
static inline wh_time conn_heard(const struct wh_conn *conn)
{
    uint32_t now = tcp_milliseconds(conn->tcp);
    wh_time whole = conn->tcp->now - conn->tcp->now % WH_MILLISECOND;
    return conn->heard == now + 1 ? whole + WH_MILLISECOND
                                  : whole - (uint32_t)(now - conn->heard) * WH_MILLISECOND;
}
/* Our SYN is not yet acknowledged. */
static inline bool conn_syn_outstanding(const struct wh_conn *conn)
{
    return conn->snd_una == conn->iss;
}

/* Those of the wanted conditions (WH_READABLE ...) that hold. */
uint32_t conn_ready(const struct wh_conn *conn, uint32_t wanted);
/* Something changed that the application may want to hear: puts it before wh_events. */
void conn_notify(struct wh_conn *conn);
/* It has something to send: wh_output will visit it. */
static inline void conn_want_output(struct wh_conn *conn)
{
    if (!link_listed(&conn->ready_link)) {
        list_append(&conn->tcp->ready, &conn->ready_link);
    }
}

/* An orphan in FIN-WAIT-2 waits only so long for its peer's FIN. */
void conn_limit_fin_wait_2(struct wh_conn *conn);
/* What wh_reserve named for this connection is void. */
void conn_unreserve(struct wh_conn *conn);
/* The earliest of all deadlines, pacing's included. */
wh_time conn_earliest(const struct wh_conn *conn);
/* A deadline has come that may be earlier than the wheel node's. */
void conn_arm(struct wh_conn *conn);
/* Sets or clears (WH_NEVER) a deadline and keeps the wheel node at the earliest. */
void conn_deadline(struct wh_conn *conn, enum deadline which, wh_time when);

/* Bytes that the send queue would still take. */
size_t conn_send_room(const struct wh_conn *conn);
/* RCV.BUFF - RCV.USER: the window we could offer, in bytes. */
uint32_t conn_receive_space(const struct wh_conn *conn);
/* Bytes of data in a full segment: snd_mss less the options of every segment. */
static inline uint32_t conn_mss(const struct wh_conn *conn)
{
    uint32_t options = conn->timestamps ? 12 : 0;
    return conn->snd_mss > options + 8 ? conn->snd_mss - options : 8;
}
/* Bytes in flight by RFC 6675's estimate. */
static inline uint32_t conn_pipe(const struct wh_conn *conn)
{
    const struct flight *flight = conn->flight;
    uint32_t outstanding = conn->snd_nxt - conn->snd_una;
    if (flight_empty(flight)) {
        return outstanding;
    }
    uint32_t gone = flight->lost + flight->sacked;
    if (!conn->sack) {
        /* Without SACK each duplicate ACK says that one segment has left the network (RFC 5681 3.2). */
        gone += MIN((uint32_t)flight->dup_acks * conn_mss(conn), outstanding);
    }
    return gone >= outstanding ? 0 : outstanding - gone;
}

#endif
