/* SPDX-License-Identifier: MIT */
/* The kernel's side: its device, its sockets, the states of its connections, its switches. */
#ifndef WAVEHAND_TESTS_KERNEL_LINUX_H
#define WAVEHAND_TESTS_KERNEL_LINUX_H

#include <netinet/in.h>
#include <sys/socket.h>

#include <wavehand/link.h>

/* 10.0.2.100 and fd00::100, the kernel's; 10.0.2.2 and fd00::2, of whoever is at the other end. */
wh_addr linux_addr(bool six);
wh_addr other_addr(bool six);

/* A TUN device without offloads, so that what crosses it is what a wire would carry; it is up. */
wh_tun *linux_device(void);

/* A switch of this namespace's TCP, "tcp_sack"; false where this kernel has none of that name. */
bool linux_switch(const char *name, const char *value);

/* No retransmission of a connection comes before this time. (SYN and SYN,ACK keep their second.) */
void linux_slow_timers(bool six, wh_time time);

/* TCP sockets that never block, bound to the kernel's address and this port; or a wh_error. */
int linux_listen(bool six, uint16_t port, int backlog);
/* Has begun to connect to the other's port. */
int linux_connect(bool six, uint16_t port, uint16_t to);
/* close() that resets. */
void linux_abort(int fd);

/*
 * The state of what the kernel has between these two ports of its own and the peer's, with a
 * descriptor or without; a listener where it has only that; else CLOSED. As ss(8) asks for it: unlike
 * TCP_INFO that knows orphans, half-open entries and TIME-WAIT, and unlike /proc/net/tcp it costs no
 * walk through all of the kernel's tables.
 */
wh_state linux_state(bool six, uint16_t port, uint16_t peer_port);

/* The wh_error that means what this errno means, negative; WH_E_IO for one that has none. */
int linux_error(int number);

#endif
