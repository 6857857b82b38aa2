/* SPDX-License-Identifier: MIT */
/* IP fragments put together again (RFC 791 3.2, RFC 8200 4.5), within a fixed bound of memory. */
#ifndef WAVEHAND_EXPLAIN_FRAGMENTS_H
#define WAVEHAND_EXPLAIN_FRAGMENTS_H

#include <wavehand/wavehand.h>

struct fragments;

enum fragment {
    FRAGMENT_NONE,  /* not a fragment */
    FRAGMENT_WAITS, /* kept until the others are here */
    FRAGMENT_WHOLE, /* the last one that was missing */
    FRAGMENT_BAD,   /* impossible, overlapping (RFC 5722), or cut short */
};

/* NULL when there is no memory. */
struct fragments *fragments_new(void);
void fragments_free(struct fragments *fragments);
/*
 * Looks at the IP packet in bytes[length], captured at `when`. For FRAGMENT_WHOLE, *whole
 * and *whole_length get the packet as it was before it was taken apart, valid until the
 * next call.
 */
enum fragment fragments_take(struct fragments *fragments, const uint8_t *bytes, size_t length,
                             wh_time when, const uint8_t **whole, size_t *whole_length);

#endif
