/* SPDX-License-Identifier: MIT */
/* Macros that every script file may use. */
#ifndef WAVEHAND_RIG_PRELUDE_H
#define WAVEHAND_RIG_PRELUDE_H

extern const char prelude_text[];

#endif
