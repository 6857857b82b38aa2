/* SPDX-License-Identifier: MIT */
/*
 * What benchmarks of Debian's lwIP share: its headers, and the library set up with two
 * interfaces. lwIP has one stack a process, so both ends of a connection stand in it.
 */
#ifndef BENCH_LWIP_STACK_H
#define BENCH_LWIP_STACK_H

/* lwIP's headers know nothing of our warnings. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wpedantic"
#include <lwip/ip.h>
#include <lwip/netif.h>
#include <lwip/priv/tcp_priv.h>
#include <lwip/tcp.h>
#include <lwip/timeouts.h>
#pragma GCC diagnostic pop

/*
 * Begins, and takes the core lock for good: the library was built for threads. Its own thread,
 * which would run the timers, waits for the lock for ever; sys_check_timeouts() is the caller's.
 */
void lwip_stack_begin(void);

/* Adds the interface of end 0 or 1, 10.0.END.1; `state` is what `output` finds in netif->state. */
void lwip_stack_add(struct netif *netif, u8_t end, u16_t mtu, netif_output_fn output, void *state);

#endif
