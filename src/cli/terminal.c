/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "cli/terminal.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

unsigned terminal_columns(int fd)
{
    const char *columns = getenv("COLUMNS");
    struct winsize size;
    unsigned long width = columns != NULL ? strtoul(columns, NULL, 10) : 0;
    if (width == 0 && ioctl(fd, TIOCGWINSZ, &size) == 0) {
        width = size.ws_col;
    }
    return width == 0 ? 80 : width > 1000 ? 1000 : (unsigned)width;
}

bool terminal_wants_colour(int fd)
{
    const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");
    return isatty(fd) && (no_color == NULL || no_color[0] == '\0') &&
           !(term != NULL && strcmp(term, "dumb") == 0);
}
