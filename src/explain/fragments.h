/* SPDX-License-Identifier: MIT */
#ifndef WAVEHAND_EXPLAIN_FRAGMENTS_H
#define WAVEHAND_EXPLAIN_FRAGMENTS_H

struct fragments;
struct fragments *fragments_new(void);
void fragments_free(struct fragments *fragments);

#endif
