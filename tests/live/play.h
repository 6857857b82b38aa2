/* SPDX-License-Identifier: MIT */
/*
 * A play: the scripts of both ends of one connection under way. Each end does its
 * steps when it can; every byte read is checked by its position. A step that comes
 * out otherwise than its script says fails the stage.
 */
#ifndef WAVEHAND_LIVE_PLAY_H
#define WAVEHAND_LIVE_PLAY_H

#include "script.h"
#include "stage.h"

struct play;

struct party {
    struct play *play;
    int side;
    wh_endpoint here, there;
    wh_conn *conn;
    wh_listener *listener;
    wh_syn *syn;
    unsigned step; /* the one to be done next */
    bool begun;    /* it has begun */
    bool done;     /* all are done */
    bool eof;      /* the end of file was read */
    wh_time until; /* of a step that waits */
    uint64_t goal; /* of a step that sends or reads: a position in the stream */
    uint64_t last; /* of a step that sends in drops: the position after all of them */
    uint64_t sent, received;
};

struct play {
    struct stage *stage;
    const struct script *script[2];
    wh_time began;
    bool mute[2], echo[2];               /* what the wire is to do with an end's segments */
    void (*finished)(struct play *play); /* both ends are done; may be NULL */
    struct party end[2];
};

/* Where the client's end is; the server's follows from it. */
struct place {
    bool v6;
    unsigned address; /* number of the client's address */
    uint16_t port;
};

/*
 * Sets both scripts up. Which port of the server's is meant follows from how the
 * server's script opens.
 */
void play_begin(struct play *play, struct stage *stage, const struct script *client,
                const struct script *server, const struct place *place);
/* Does what an end can do now; true if it did anything. */
bool play_act(struct party *end);
/* Hands an end what arrived for it. */
void play_arrived(void *user, wh_conn *conn, wh_syn *syn);
/* Fails the stage, saying where in the play. */
bool play_fail(const struct party *end, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
