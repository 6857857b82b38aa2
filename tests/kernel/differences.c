/* SPDX-License-Identifier: MIT */
#include "cases.h"

const struct difference differences[] = {
    { 0 },
};
const size_t difference_count = 0;
