/* SPDX-License-Identifier: MIT */
/* Segments that a path makes itself, in answer to one that passed. */
#ifndef WAVEHAND_LINK_ANSWER_H
#define WAVEHAND_LINK_ANSWER_H

#include "base/checksum.h"
#include "link/parcel.h"
#include "link/sight.h"

/*
 * A RST with this sequence number (and, with WH_ACK in flags, acknowledgement) on
 * the connection of the segment seen: towards its sender if `back`, else towards
 * its receiver. NULL without memory.
 */
struct parcel *answer_reset(const struct sight *sight, bool back, uint32_t seq, uint32_t ack,
                            uint16_t flags, const struct checksum *sum);

/*
 * ICMP to the sender of the packet seen, as if from its destination: no larger packet
 * than `mtu` passes. NULL without memory, and where no error may be sent (RFC 1122 3.2.2).
 */
struct parcel *answer_too_big(const struct sight *sight, uint32_t mtu, const struct checksum *sum);

/*
 * Sets the window field to zero and corrects the checksum by the difference (RFC
 * 1624), so that a wrong checksum stays wrong.
 */
void zero_window(struct sight *sight);

/*
 * Flips one bit of the transport part such that its checksum must tell. False if
 * there is nothing that a checksum covers.
 */
bool corrupt(struct sight *sight, uint64_t random);

#endif
