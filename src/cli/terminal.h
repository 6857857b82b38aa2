/* SPDX-License-Identifier: MIT */
/* What a descriptor can show. */
#ifndef WAVEHAND_CLI_TERMINAL_H
#define WAVEHAND_CLI_TERMINAL_H

#include <stdbool.h>

/* Columns: of $COLUMNS, the terminal, or 80; 1000 at most. */
unsigned terminal_columns(int fd);
/* A terminal that shows colours, and $NO_COLOR (https://no-color.org) does not say no. */
bool terminal_wants_colour(int fd);

#endif
