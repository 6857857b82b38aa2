/* SPDX-License-Identifier: MIT */
/*
 * Names: 10.0.2.3 and fd00::3 stand for the host's resolver, the first name
 * server of its resolv.conf, whichever that is at the moment.
 */
#ifndef WAVEHAND_RELAY_DNS_H
#define WAVEHAND_RELAY_DNS_H

#include <stddef.h>
#include <sys/socket.h>

enum { DNS_CONF = 4096 }; /* most that is read of a resolv.conf */

/* The host's name server now; 127.0.0.1 if none is named, as resolv.conf(5) has it. */
void dns_server(struct sockaddr_storage *address, socklen_t *length);
/* The first name server that this text names. */
void dns_server_of(const char *text, struct sockaddr_storage *address, socklen_t *length);
/* The text of a resolv.conf; "" if there is none. conf[DNS_CONF] */
void dns_read(const char *path, char *conf);
/* Makes the program's resolv.conf of the host's: our name server, its search list and options. */
void dns_inside(const char *host_conf, char *conf);

#endif
