/* SPDX-License-Identifier: MIT */
/*
 * The stations of our neighbours on an Ethernet link: one table for ARP (RFC 826,
 * RFC 1122 2.3.2) and IPv6 neighbour discovery (RFC 4861). The table knows addresses,
 * stations and deadlines; hop.c parses and builds what goes over the link.
 */
#ifndef WAVEHAND_STACK_NEIGHBOUR_H
#define WAVEHAND_STACK_NEIGHBOUR_H

#include "base/list.h"
#include "base/memory.h"
#include "base/siphash.h"
#include "wire/ethernet.h"

/* Addresses remembered at a time; the one unused longest makes room. */
#define MAX_NEIGHBOURS 1024

#endif
