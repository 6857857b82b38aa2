/* SPDX-License-Identifier: MIT */
#include "bench/delay.h"

#include <stdlib.h>
#include <string.h>

#define LEAST_ROOM 256U /* a power of two, as every room */

static struct delayed *nth(const struct delay *delay, uint32_t n)
{
    return &delay->queue[(delay->first + n) & (delay->room - 1)];
}

static bool grow(struct delay *delay)
{
    struct delay more = { .room = delay->room > 0 ? 2 * delay->room : LEAST_ROOM };
    more.queue = malloc(more.room * sizeof *more.queue);
    if (more.queue == NULL) {
        return false;
    }
    for (; more.count < delay->count; more.count++) {
        more.queue[more.count] = *nth(delay, more.count);
    }
    free(delay->queue);
    *delay = more;
    return true;
}

bool delay_put(struct delay *delay, const wh_frame *frames, size_t n, wh_time due)
{
    for (size_t i = 0; i < n; i++) {
        if (delay->count == delay->room && !grow(delay)) {
            return false;
        }
        *nth(delay, delay->count++) = (struct delayed){ frames[i], due };
    }
    return true;
}

size_t delay_take(struct delay *delay, wh_frame *frames, size_t cap, wh_time now)
{
    size_t n = 0;
    while (n < cap && delay->count > 0 && nth(delay, 0)->due <= now) {
        frames[n++] = nth(delay, 0)->frame;
        delay->first = (delay->first + 1) & (delay->room - 1);
        delay->count--;
    }
    return n;
}

void delay_free(struct delay *delay, wh_stack *receiver)
{
    for (uint32_t i = 0; i < delay->count; i++) {
        wh_buffer_free(receiver, nth(delay, i)->frame.buffer);
    }
    free(delay->queue);
    memset(delay, 0, sizeof *delay);
}
