/* SPDX-License-Identifier: MIT */
/* Connections that a RST ended: whose, and why. */
#include "scenario.h"

static void aborted(struct ground *ground, enum side side)
{
    struct talk *talk = talk_open(ground);
    talk_greet(ground, talk);
    talk_abort(talk, side);
    pause_trips(ground, 3);
    ground_truth(ground, EVERYWHERE, "reset", true);
}

static void aborted_by_client(struct ground *ground) { aborted(ground, CLIENT); }
static void aborted_by_server(struct ground *ground) { aborted(ground, SERVER); }

const struct scenario scenarios_resets[] = {
    { "reset-by-server", "the server's program aborts", aborted_by_server, EITHER, 0 },
    { "reset-by-client", "the client's program aborts", aborted_by_client, EITHER, 0 },
    { 0 },
};
