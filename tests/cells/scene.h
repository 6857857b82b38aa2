/* SPDX-License-Identifier: MIT */
/*
 * Scenes: every state of RFC 9293 3.3.2, with whatever beside the state decides how
 * a segment or a call is answered. A scene is brought about by an opening, data and
 * closing of the ordinary kind.
 */
#ifndef CELLS_SCENE_H
#define CELLS_SCENE_H

#include "stage.h"

enum opening {
    OPEN_NONE,
    OPEN_PASSIVE,
    OPEN_ACTIVE,
    OPEN_SIMULTANEOUS,
    OPEN_HELD, /* passive, the SYN answered by the application, which has the handle early */
};

/* How a connection that is over ended; its handle is still there. */
enum death { DEATH_NONE, DEATH_RESET, DEATH_REFUSED, DEATH_ORDERLY, DEATH_TIMEOUT };

struct scene {
    wh_state state;
    enum opening opening;
    enum reader reader;
    bool flight; /* data has left and is not acknowledged */
    bool shut;   /* our receive window is closed by unread data */
    bool waits;  /* data has arrived and is unread */
    bool hole;   /* data has arrived beyond a hole and is held */
    bool stamps;
    bool syn_owed; /* closed in SYN-RECEIVED */
    enum death death;
};

/* Every scene that exists, one after the other; false at the end. *at is 0 to begin. */
bool scene_next(unsigned *at, struct scene *scene);
/* Brings it about on an open stage; afterwards stage->is holds the facts. False: stage->why tells. */
bool scene_reach(struct stage *stage, const struct scene *scene);
/* "FIN-WAIT-1 passive gone flight", to text[100]. */
char *scene_words(const struct scene *scene, char *text);

#endif
