/* SPDX-License-Identifier: MIT */
/*
 * What is remembered of one connection while its packets pass: both ends' possible
 * states, the facts that a verdict may need, each with the packet that shows it,
 * and the lines of its ladder.
 */
#ifndef WAVEHAND_EXPLAIN_DOSSIER_H
#define WAVEHAND_EXPLAIN_DOSSIER_H

#include "base/list.h"
#include "explain/explain.h"
#include "explain/story.h"
#include "explain/twins.h"
#include "tcp/observer.h"

/* A packet worth citing. number 0: none yet. */
struct ref {
    uint64_t number;
    wh_time when;
    uint32_t point;
};

static inline bool ref_set(const struct ref *ref) { return ref->number != 0; }

enum { CLIENT, SERVER };
/* Of the end that goes through TIME-WAIT: it is both, or nobody. */
enum { NOBODY_WAITS = -1, BOTH_WAIT = 2 };

/* What an end offered in its SYN or SYN,ACK. */
struct offer {
    uint8_t has, window_scale;
    uint16_t mss;
    bool blanked; /* NOPs stand where an option must have been */
};

/*
 * The TTL of an end's segments other than RSTs, at one place: on the way it shrinks.
 * Of more than two places some share a record, which then varies and tells nothing.
 */
struct usual_hops {
    uint8_t hops; /* 0: none seen */
    uint8_t seen; /* segments, up to 255 */
    bool vary;
};

/* A RST, and what stood at that moment. */
struct reset {
    struct ref ref;
    uint32_t seq, ack;
    uint16_t flags, window, ip_id;
    uint8_t has, hops, usual_hops; /* TTL; of its alleged sender's segments there */
    state_set sender, receiver;    /* possible states before it */
    bool exact;                    /* its number is the one that its receiver waits for */
    bool answers;                  /* its number is the ACK field of the other end's last segment */
    bool wrong_hops;               /* its TTL is not its alleged sender's */
    bool went_on;                  /* its alleged sender went on as if nothing had been */
    struct ref went_on_by;
    struct ref answered; /* the other end's last segment before it */
    uint16_t answered_flags;
    uint32_t answered_length;
    bool answered_fresh;   /* that segment brought new bytes */
    wh_time silence;       /* since its sender's last segment before it; WH_NEVER: there was none */
    unsigned repeats;      /* of its sender's oldest segment, unanswered */
    unsigned probes;       /* keep-alive probes of its sender, unanswered */
    unsigned peer_repeats; /* of the other end's oldest segment, unanswered */
    uint32_t outstanding;  /* bytes of its sender's not acknowledged */
};

/* One end of a connection; the widest fields first, since there are many of these. */
struct dossier_end {
    struct observer observer;
    struct ref syn, last_syn; /* first and last of either */
    struct ref fin, last_fin;
    struct ref fin_acked;       /* the other end's packet that acknowledges this FIN */
    struct ref data, last_data; /* first and last with new bytes */
    struct ref last;            /* last segment but RSTs, and of it: */
    uint64_t bytes;             /* of data that were new */
    uint64_t bytes_after_fin;   /* ... sent by who knew of the other's FIN */
    struct ref after_fin;       /* the first of those */
    struct ref late;            /* new bytes sent to this end after its FIN was seen */
    int64_t window;             /* what it offered last, in bytes; -1: not known */
    struct reset reset;         /* its first RST */
    struct ref old_timestamp;
    struct ref stripped_at;
    struct ref lost_syn, lost_ack, lost_fin;
    struct ref big_first, big_last;
    struct ref small_acked;    /* a smaller one that was */
    struct ref cut;            /* the same bytes sent again in smaller packets */
    struct ref closed_window;  /* the packet that closed its window for the longest time */
    struct ref closing_window; /* ... that closed it now, or none */
    struct ref opened_window;  /* ... that opened it after the longest time */
    uint32_t first;
    unsigned syns, syn_acks; /* bare SYNs; SYN,ACKs */
    unsigned fins, rsts, segments;
    uint32_t fin_number; /* of the FIN itself */
    uint32_t last_length;
    uint32_t answer;         /* the ACK field of the other end's last segment ... */
    uint32_t end;            /* highest number sent, plus one */
    uint32_t acked;          /* highest number it acknowledged */
    uint32_t edge;           /* right edge of that */
    uint32_t far_ts;         /* newest of its time stamps where they arrive */
    unsigned old_timestamps; /* segments of its that PAWS refuses */
    unsigned lost_syns, lost_acks, lost_fins; /* on the path, as two captures show */
    unsigned big_repeats;                     /* times a segment above the least MTU was repeated */
    uint32_t big;                             /* its size, in bytes of IP packet */
    unsigned big_answers; /* times that it was answered all the same, by an ACK that did not move */
    uint32_t large_end;   /* the last such one sent, not yet acknowledged */
    uint32_t big_seq, big_end;
    uint32_t closed_longest_ms;
    struct offer offer;
    uint16_t last_flags;
    bool first_known;
    bool fin_answers;     /* its first FIN acknowledged the other's */
    bool fin_acked_alone; /* ... before the other end sent a FIN of its own */
    bool last_fresh;
    bool answerable; /* ... which is the number of a RST that answers it */
    bool end_known;
    bool acked_known;
    struct usual_hops usual[2]; /* at the places where it was seen */
    bool edge_held;             /* it acknowledged data last and did not move the edge on */
    bool far_ts_known;
    uint8_t stripped;    /* options of its SYN that the path took away: WH_HAS_... */
    bool big_unanswered; /* ... since it was sent last */
    bool large_passed;   /* a packet above the least MTU was acknowledged as it was */
    bool large_sent;
    bool cut_acked;
};

/* What stood before on the same four names. */
struct former {
    bool exists;
    bool over; /* both ends had closed, or one had reset */
    bool reset;
    int waiter;    /* the end that went through TIME-WAIT, NOBODY_WAITS or BOTH_WAIT */
    wh_time since; /* when TIME-WAIT began */
    struct ref last;
    uint32_t end[2];
    uint64_t number;
};

/* How far a connection is, for all that was seen. */
enum phase {
    PHASE_OVER, /* both ends have closed in order, or one has reset */
    PHASE_OPENING,
    PHASE_OPEN,
    PHASES
};

struct dossier {
    struct dossier *next_in_bucket;
    enum phase phase; /* whose list it stands in */
    struct link age;  /* in order of the last packet */
    uint64_t hash;
    struct tuple tuple; /* local: the client */
    uint64_t number;
    uint64_t packets;
    wh_time began, latest;
    uint32_t points; /* bit set of files */
    bool roles_known;
    bool same_host; /* both ends are on one host */
    enum vantage vantage;
    uint8_t local;  /* ends whose packets leave the capturing host, as a bit set */
    uint8_t remote; /* ends whose packets come in to it */
    struct dossier_end end[2];
    struct ref established; /* the ACK that ends the handshake */
    unsigned acks_of_syn;   /* the client's ACKs of the SYN,ACK before the next SYN,ACK */
    unsigned syn_acks_after_ack, syn_acks_without_ack;
    struct ref syn_ack_after_ack;
    unsigned syns_after_syn_ack;
    struct ref syn_after_syn_ack;
    struct ref challenge;       /* an ACK that answers a SYN with other numbers */
    uint32_t challenge_ack;     /* its ACK field */
    struct ref challenge_reset; /* the RST that it drew (RFC 9293 3.5.1, figure 9) */
    struct ref icmp;            /* the first error about it */
    struct icmp_facts {
        enum icmp_kind kind;
        uint32_t mtu;
        unsigned count, too_big;
        wh_addr source;
    } icmp_facts;
    struct ref paws_ack; /* the ACK that refused an old timestamp */
    struct ref stray;    /* an old segment that met TIME-WAIT */
    bool super_segments, cut_packets, contradiction, clock_jumped, capture_loss, evicted;
    struct ref unseen; /* first sign that the capture lost packets */
    struct former former;
    struct dossier *earlier; /* still open when this one took its ports; judged with it */
    struct ref replaced;     /* the SYN that took this one's ports */
    bool replaced_accepted, replaced_challenged, replaced_reset;
    size_t charged; /* bytes of it that the explainer counts */
    struct traffic *traffic;
    struct story story;
    struct twins twins;
};

void dossier_init(struct dossier *conn, const struct tuple *tuple, uint64_t number, wh_time now);
/* Gives back what it holds, not itself. */
void dossier_clear(struct dossier *conn);
/* What it holds, itself included. */
size_t dossier_size(const struct dossier *conn);
/* Which end sent it: CLIENT or SERVER. */
unsigned dossier_sender(const struct dossier *conn, const struct tuple *tuple);

/* How much is kept, and where from. */
struct dossier_rules {
    unsigned lines, plot_points;
    bool several_points; /* packets may be seen in several files */
};

/* What a packet came to. */
enum taken { TAKEN, TAKEN_COPY, TAKEN_NO_MEMORY };

/* The next segment of this connection. *line: the line it became, or NULL. */
enum taken dossier_take(struct dossier *conn, const struct seen *seen,
                        const struct dossier_rules *rules, const struct line **line);
/* An ICMP error about a segment of this connection. */
void dossier_take_icmp(struct dossier *conn, const struct seen *seen,
                       const struct dossier_rules *rules);
enum phase dossier_phase(const struct dossier *conn);
static inline bool dossier_over(const struct dossier *conn)
{
    return dossier_phase(conn) == PHASE_OVER;
}
/* A SYN from this end with this number begins another connection. */
bool dossier_is_other_life(const struct dossier *conn, unsigned from, uint32_t seq);
/* The bounds of what a later one may know. */
void dossier_to_former(const struct dossier *conn, struct former *former);
/* What waited to be seen elsewhere is lost. */
void dossier_settle_twins(struct dossier *conn, wh_time now, bool all);

/* The verdict. now: the capture's last moment. */
void judge(const struct dossier *conn, wh_time now, struct verdict *verdict);
/* All that a reader needs, of which pointers belong to the connection. */
void dossier_explain(const struct dossier *conn, wh_time now, struct explanation *explanation);

#endif
