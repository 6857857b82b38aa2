/* SPDX-License-Identifier: MIT */
/* The orders in which connections open and close, for the million cycles. */
#ifndef WAVEHAND_LIVE_ORDERS_H
#define WAVEHAND_LIVE_ORDERS_H

#include <stddef.h>

struct order {
    const char *title;
    const char *client, *server; /* scripts; neither keeps a handle */
    unsigned rest;               /* seconds until the ports are free at both ends; 0: a few */
};

extern const struct order orders[];
extern const size_t order_count;

#endif
