/* SPDX-License-Identifier: MIT */
#define _POSIX_C_SOURCE 200809L
#include "page.h"

#include "cases.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *page_make(void)
{
    char *text = NULL;
    size_t length = 0;
    FILE *page = open_memstream(&text, &length);
    if (page == NULL)
        abort();
    fclose(page);
    return text;
}

bool page_write(const char *file)
{
    char *text = page_make();
    FILE *page = fopen(file, "w");
    bool good = page != NULL && fputs(text, page) >= 0;
    if (page == NULL || fclose(page) != 0 || !good) {
        perror(file);
        good = false;
    }
    free(text);
    return good;
}

bool page_current(const char *file)
{
    char *text = page_make(), *at = text;
    FILE *page = fopen(file, "r");
    int c = EOF;
    while (page != NULL && (c = getc(page)) != EOF && *at == (char)c)
        at++;
    bool current = page != NULL && c == EOF && *at == 0;
    if (page != NULL)
        fclose(page);
    free(text);
    return current;
}
