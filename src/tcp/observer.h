/* SPDX-License-Identifier: MIT */
/*
 * The observer infers the state of an endpoint that cannot be asked, from its
 * segments alone, by driving the arc table of machine.c. It keeps the set of all
 * states that the endpoint may be in; every segment narrows or moves the set.
 * It does not guess: what the segments leave open stays open.
 */
#ifndef WAVEHAND_TCP_OBSERVER_H
#define WAVEHAND_TCP_OBSERVER_H

#include <wavehand/wavehand.h>

/* A set of states: bit s stands for wh_state s. */
typedef uint16_t state_set;
#define STATE_BIT(state) ((state_set)(1U << (state)))
#define STATE_ANY ((state_set)((1U << WH_STATE_COUNT) - 1))

struct observer {
    state_set states; /* what the observed end may be in now; never empty */
    bool iss_known, irs_known;
    uint32_t iss, irs;      /* the observed end's and its peer's first numbers */
    bool opened_actively;   /* a bare SYN of its own has been seen */
    bool sent_fin, got_fin; /* a FIN has been seen leaving / arriving */
    uint32_t fin, peer_fin; /* their sequence numbers */
    bool nxt_known;         /* snd_nxt holds */
    uint32_t snd_nxt;       /* highest number the end has sent, plus one */
    bool acked_known;       /* rcv_nxt holds */
    uint32_t rcv_nxt;       /* highest number the end has acknowledged */
    bool arrived_known;     /* arrived holds */
    uint32_t arrived;       /* everything of the peer's below this has certainly arrived */
    bool contradiction;     /* a segment fitted no possible state; the set was opened again */
    wh_arc_event arc;       /* last arc that all possible states agree on, or WH_ON_NOTHING */
    wh_time time_wait;      /* when TIME-WAIT may have begun or was restarted */
};

/* A segment reduced to what the machine cares for. length: bytes of data. */
struct observed {
    wh_time time;
    uint16_t flags;
    uint32_t seq, ack, length;
    bool ack_hidden; /* its ACK field cannot be read: tells nothing of what had arrived */
};

/* Knows nothing yet: any state, unless the first segments say more. */
void observer_init(struct observer *observer);
/* The observed end sent this segment. */
void observer_sent(struct observer *observer, const struct observed *segment);
/*
 * This segment reached the observed end (certain), or was sent to it and may have
 * been lost or be still under way.
 */
void observer_received(struct observer *observer, const struct observed *segment, bool certain);
/* Time passed: TIME-WAIT may be over after `two_msl`. */
void observer_idle(struct observer *observer, wh_time now, wh_time two_msl);
/* The one state, or -1 if there are several. */
int observer_state(const struct observer *observer);

#define OBSERVER_TEXT 128
/* "FIN-WAIT-1", or "FIN-WAIT-2 or TIME-WAIT", or "any state", to text[OBSERVER_TEXT]; returns text. */
char *observer_text(const struct observer *observer, char *text);

#endif
