/* SPDX-License-Identifier: MIT */
/* wavehand to wavehand over a cell's path, in virtual time. */
#ifndef BENCH_PATH_SIM_END_H
#define BENCH_PATH_SIM_END_H

#include "outcome.h"

/* Runs the cell. WH_OK, or a wh_error: WH_E_NOENT if there is no congestion control of that name. */
int sim_run(const struct cell *cell, struct outcome *outcome);

#endif
