/* SPDX-License-Identifier: MIT */
/* A server that answers every line in capitals, and "bye" by closing. Knows nothing of links or clocks. */
#ifndef SHOUT_H
#define SHOUT_H

#include <wavehand/wavehand.h>

struct shout;

/* Listens on the port. NULL if that is not possible. */
struct shout *shout_new(wh_stack *host, uint16_t port);
/* Takes the events that wait and acts on them. */
void shout_serve(struct shout *shout, wh_stack *host);
void shout_free(struct shout *shout);

#endif
