/* SPDX-License-Identifier: MIT */
#include "lwip_stack.h"

#include <stdbool.h>
#include <stdint.h>

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wpedantic"
#include <lwip/tcpip.h>
#pragma GCC diagnostic pop

static void began(void *done) { *(volatile bool *)done = true; }

void lwip_stack_begin(void)
{
    volatile bool done = false;
    tcpip_init(began, (void *)(uintptr_t)&done);
    while (!done) {
        sys_msleep(1);
    }
    LOCK_TCPIP_CORE();
}

/* What an interface is follows in lwip_stack_add, which knows its MTU. */
static err_t name_it(struct netif *netif)
{
    netif->name[0] = 'b';
    netif->name[1] = 'e';
    return ERR_OK;
}

void lwip_stack_add(struct netif *netif, u8_t end, u16_t mtu, netif_output_fn output, void *state)
{
    ip4_addr_t address, mask, gateway;
    IP4_ADDR(&address, 10, 0, end, 1);
    IP4_ADDR(&mask, 255, 255, 255, 0);
    IP4_ADDR(&gateway, 10, 0, end, 2);
    netif_add(netif, &address, &mask, &gateway, state, name_it, ip_input);
    netif->mtu = mtu;
    netif->output = output;
    netif->flags = NETIF_FLAG_UP | NETIF_FLAG_LINK_UP;
    netif_set_up(netif);
}
