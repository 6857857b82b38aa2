/* SPDX-License-Identifier: MIT */
/*
 * Each judge knows one kind of story. It looks at the facts of a connection and
 * either gives its verdict or answers false; the first to answer is heard, so the
 * order (judge.c) is that of what explains most.
 */
#ifndef WAVEHAND_EXPLAIN_JUDGE_H
#define WAVEHAND_EXPLAIN_JUDGE_H

#include "explain/dossier.h"

struct hearing {
    const struct dossier *conn;
    const struct dossier_end *client, *server;
    wh_time now; /* the capture's last moment */
    bool opened; /* the handshake was completed, or its opening was not seen */
    struct verdict *verdict;
    size_t length; /* of its text so far */
};

typedef bool judge_of(struct hearing *hearing);

/* judge_opening.c: connections that never opened, and those that did with trouble */
bool judge_refused(struct hearing *hearing);
bool judge_unreachable(struct hearing *hearing);
bool judge_former(struct hearing *hearing);
bool judge_no_answer(struct hearing *hearing);
bool judge_unfinished(struct hearing *hearing);
bool judge_lost_opening(struct hearing *hearing);
bool judge_accept_queue(struct hearing *hearing);
bool judge_stripped(struct hearing *hearing);
bool judge_opening_trouble(struct hearing *hearing);
/* judge_reset.c: who reset, and why */
bool judge_injected(struct hearing *hearing);
bool judge_half_open(struct hearing *hearing);
bool judge_assassinated(struct hearing *hearing);
bool judge_reset(struct hearing *hearing);
/* judge_path.c: what the path or the far end swallowed */
bool judge_paws(struct hearing *hearing);
bool judge_black_hole(struct hearing *hearing);
bool judge_keep_alive(struct hearing *hearing);
bool judge_retransmission(struct hearing *hearing);
bool judge_zero_window(struct hearing *hearing);
/* judge_closing.c: applications that stay silent, and closes of every kind */
bool judge_close_wait(struct hearing *hearing);
bool judge_silent(struct hearing *hearing);
bool judge_fin_repeated(struct hearing *hearing);
bool judge_closed(struct hearing *hearing);
bool judge_open(struct hearing *hearing);

/* ------------------------------------------------------------------ words -- */

/* Begins the verdict: what it is and how sure. */
void decide(struct hearing *hearing, enum verdict_kind kind, enum confidence confidence,
            enum doubt doubt);
/*
 * Adds to its sentence. %s a string, %u an unsigned, %t a wh_time as a duration,
 * %b a uint64_t of bytes, %@ a const struct ref * as "packet 12", which is cited.
 */
void say(struct hearing *hearing, const char *format, ...);

static inline const char *the(unsigned side)
{
    return side == CLIENT ? "the client" : "the server";
}
static inline const char *The(unsigned side)
{
    return side == CLIENT ? "The client" : "The server";
}

/* "ESTABLISHED", "FIN-WAIT-2 or TIME-WAIT": in text[OBSERVER_TEXT]. */
char *states_text(state_set states, char *text);

#endif
