/* SPDX-License-Identifier: MIT */
/* From a plan to an exit status: sandbox, relay, signals, and the end of it all. */
#ifndef WAVEHAND_RELAY_LAUNCH_H
#define WAVEHAND_RELAY_LAUNCH_H

#include "relay/relay.h"
#include "relay/sandbox.h"

struct launch_plan {
    char *const *program; /* argv, ended by NULL */
    bool map_root;
    uint32_t threads;        /* relays, each with a queue of the device; 1 to SANDBOX_QUEUES */
    struct relay_plan relay; /* .tun, .exchange and .share are filled in here */
    const struct relay_publish *publish;
    size_t publish_count;
};

/*
 * Runs the program to its end and everything it has sent to its destination.
 * Answers the program's exit status (128 + n: killed by signal n; 126: cannot be
 * executed; 127: not found), or 125 after a line about why wavehand failed.
 * Messages go to standard error and begin with "wavehand: ".
 */
int launch(const struct launch_plan *plan);

#endif
