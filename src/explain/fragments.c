/* SPDX-License-Identifier: MIT */
#include "explain/fragments.h"
#include <stdlib.h>
struct fragments {
    int x;
};
struct fragments *fragments_new(void) { return calloc(1, sizeof(struct fragments)); }
void fragments_free(struct fragments *f) { free(f); }
