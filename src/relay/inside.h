/* SPDX-License-Identifier: MIT */
/* What init does to make the sandbox a place to live in. Private to the sandbox's files. */
#ifndef WAVEHAND_RELAY_INSIDE_H
#define WAVEHAND_RELAY_INSIDE_H

#include <stdint.h>

/* Name of the TUN device inside. */
#define INSIDE_DEVICE "wave0"

/*
 * Private /etc/resolv.conf, and /proc of this PID namespace. 0, or -1 with a line
 * in error[SANDBOX_TEXT]; what is merely a pity goes to note[SANDBOX_TEXT] if that is still empty.
 */
int inside_mounts(const char *resolv_conf, char *error, char *note);

/* Brings up lo and the device: addresses, routes, and the settings that need no privilege later. */
int inside_network(const char *device, uint32_t mtu, char *error, char *note);

#endif
