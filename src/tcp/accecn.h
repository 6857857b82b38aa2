/* SPDX-License-Identifier: MIT */
/*
 * Accurate ECN feedback (RFC 9768 3.2): how many packets and bytes arrived with which
 * mark, told on every acknowledgement. Each end is a data receiver, which counts (r.)
 * and tells, and a data sender, which keeps a copy of the other's counters (s.). Three
 * header flags carry the low bits of the packets marked CE, the ACE field; a TCP option
 * carries the bytes, where there is room and where the path lets it through.
 *
 * What is negotiated, and that the older form may be the outcome, is ecn.c's. The record
 * exists while both ends use this form.
 */
#ifndef WAVEHAND_TCP_ACCECN_H
#define WAVEHAND_TCP_ACCECN_H

#include "tcp/recovery.h"

struct accecn {
    /* as data receiver */
    uint64_t r[ACCECN_FIELDS]; /* r.e0b, r.ceb, r.e1b: bytes of data by their mark */
    uint32_t r_cep;            /* r.cep: packets marked CE, control packets included */
    uint8_t syn_seen;          /* IP-ECN of the peer's last SYN or SYN,ACK */
    uint8_t changed;           /* counters that have ever changed: bits by enum accecn_field */
    uint8_t untold;            /* counters that have changed since the option was last sent */
    uint8_t marks_owed;        /* CE marks since the last acknowledgement, saturating */
    uint8_t losses;            /* of data that had offered the option, in a row */
    uint8_t reappeared;        /* data that came again although an ACK with the option told of it */
    unsigned last_ce : 1;      /* the last packet was marked CE */
    unsigned alone : 1;        /* the acknowledgement owed is one of acknowledgements */
    unsigned handshake : 1;    /* the next pure ACK tells what was on the SYN,ACK (3.2.2.1) */
    unsigned offer_ack : 1;    /* the option is due on the next segment ... */
    unsigned offer_data : 1;   /* ... on the next new data (3.2.3.2.1) */
    unsigned probe_out : 1;    /* data with the option is in flight: [probe, probe_end) */
    unsigned plain : 1;        /* our SYN,ACK has been asked for again: no option on it */
    unsigned quiet : 1;        /* the option does not get through: none is sent (3.2.3.2.2) */
    unsigned told_last : 1;    /* the last segment carried the option */
    uint32_t probe, probe_end;

    /* as data sender */
    uint64_t s[ACCECN_FIELDS]; /* s.e0b, s.ceb, s.e1b */
    uint64_t guessed;          /* CE bytes believed from ACE, not yet part of s.ceb */
    uint32_t s_cep;
    uint32_t cep_at_option; /* s_cep when the option last came */
    uint32_t ect_sent;      /* packets that could be marked, since everything was accounted for */
    uint32_t tsval;         /* of the newest feedback */
    uint32_t round_end;     /* the path is on trial for some round trips: end of the present one */
    uint16_t stretch; /* segments that an acknowledgement covers, a moving average, in 16ths */
    uint8_t rounds;
    unsigned on_trial : 1;
    unsigned unmarked : 1;     /* something has arrived without a mark */
    unsigned ect_heard : 1;    /* something has arrived as ECT or CE */
    unsigned had_option : 1;   /* the peer's handshake had it */
    unsigned options_come : 1; /* ... else ACE is read with care (3.2.3.2.3) */
    unsigned options_bad : 1;  /* the first was zeroed: ignored (3.2.3.2.4) */
    unsigned heard : 1;        /* an ACE counter has come, and was not zero (3.2.2.4) */
    unsigned deaf : 1;         /* what comes is no feedback: not responded to */
    unsigned echo_due : 1;     /* our SYN or SYN,ACK was marked */
};

/* The flags that tell what IP-ECN a SYN or SYN,ACK arrived with (RFC 9768, tables 2 and 3). */
uint16_t accecn_code(unsigned ip_ecn);
/* The flags of a counter that has counted nothing. */
uint16_t accecn_first_ace(void);
/* The option of a SYN,ACK: the initial counters, as many as there is room for. */
void accecn_fill_first(struct segment_options *options);
/* Enters Accurate ECN; `seen`: IP-ECN of the peer's SYN or SYN,ACK. False without memory. */
bool accecn_begin(struct wh_conn *conn, unsigned seen);
void accecn_free(struct wh_conn *conn);
/* The SYN,ACK that agrees: what it tells of our SYN, and that it must be answered in kind. */
void accecn_syn_ack(struct wh_conn *conn, const struct segment *segment);
/* The same SYN,ACK again: its answer uses the handshake's code once more. */
void accecn_syn_ack_again(struct wh_conn *conn, const struct segment *segment);

/* The counters, less what they begin with. */
void accecn_inform(const struct wh_conn *conn, wh_info *info);

/* A segment inside the window, counted; may make an acknowledgement due at once. */
void accecn_arrived(struct wh_conn *conn, const struct segment *segment);
/* Data that has been acknowledged before has come again. */
void accecn_reappeared(struct wh_conn *conn);
/* Adds the option to a segment with timestamps and SACK in place, if it is due and fits. */
void accecn_fill(struct wh_conn *conn, struct segment *segment);
/* The ACE field as flags. */
uint16_t accecn_flags(const struct wh_conn *conn, const struct segment *segment);
/* The segment has left. */
void accecn_sent(struct wh_conn *conn, const struct segment *segment);

/*
 * What the acknowledgement tells of marks; `opening`: it found SYN-RECEIVED. Sets
 * what->marked and what->echo.
 */
void accecn_feedback(struct wh_conn *conn, const struct segment *segment, struct acknowledged *what,
                     bool opening);

#endif
