/* SPDX-License-Identifier: MIT */
/* The next hop. A bare IP link has none to find. */
#include "stack/stack.h"
enum hop hop_prepare(struct wh_stack *host, struct outbox *outbox, const wh_addr *destination)
{
    (void)host;
    (void)destination;
    outbox->link_header = NULL;
    return HOP_READY;
}
void hop_arp(struct wh_stack *host, const uint8_t *bytes, size_t length)
{
    (void)host;
    (void)bytes;
    (void)length;
}
void hop_neighbour(struct wh_stack *host, const struct packet *packet, const struct icmp *icmp)
{
    (void)host;
    (void)packet;
    (void)icmp;
}
void hop_solicit(struct wh_stack *host, struct outbox *outbox)
{
    (void)host;
    (void)outbox;
}
