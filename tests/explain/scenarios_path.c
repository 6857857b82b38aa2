/* SPDX-License-Identifier: MIT */
#include "scenario.h"

const struct scenario scenarios_path[] = {
    { 0 },
};
