/* SPDX-License-Identifier: MIT */
/* docs/linux-differences.md, made from the table of differences. */
#ifndef WAVEHAND_TESTS_KERNEL_PAGE_H
#define WAVEHAND_TESTS_KERNEL_PAGE_H

#include <stdbool.h>

bool page_write(const char *file);
/* True if the file is what page_write would write. */
bool page_current(const char *file);

#endif
