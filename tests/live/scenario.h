/* SPDX-License-Identifier: MIT */
/* What two live ends do with each other: the scenarios, and the settings they are played in. */
#ifndef WAVEHAND_LIVE_SCENARIO_H
#define WAVEHAND_LIVE_SCENARIO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Who goes through TIME-WAIT. */
enum waits { WAITS_NOBODY, WAITS_CLIENT, WAITS_SERVER, WAITS_BOTH, WAITS_ANYONE };

struct scenario {
    const char *title;
    const char *client, *server; /* scripts */
    enum waits waits;            /* undisturbed */
    enum waits or_waits;         /* also right when a segment was harmed, if not NOBODY */
    const char *options[2];      /* of each side; NULL: none */
    bool loop;                   /* the client's end is the server's too */
    bool eager;                  /* applications act before their host has answered */
    unsigned repeats;            /* retransmissions, undisturbed */
    unsigned segments;           /* undisturbed, in the plain setting; 0: does not matter */
    bool brief;                  /* short enough for every pair of losses */
};

extern const struct scenario scenarios[];
extern const size_t scenario_count;

/* How a scenario is played. The first setting is the plain one. */
struct setting {
    const char *name;
    const char *options[2];
    uint32_t mtu; /* 0: 1500 */
};

extern const struct setting settings[];
extern const size_t setting_count;

#endif
