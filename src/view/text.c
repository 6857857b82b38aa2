/* SPDX-License-Identifier: MIT */
#include "view/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool make_room(struct text *text, size_t more)
{
    if (text->length + more + 1 <= text->capacity) {
        return true;
    }
    size_t capacity = 2 * text->capacity + more + 256;
    char *bytes = realloc(text->bytes, capacity);
    if (bytes == NULL) {
        text->failed = true;
        return false;
    }
    text->bytes = bytes;
    text->capacity = capacity;
    return true;
}

static void append(struct text *text, const char *bytes, size_t length)
{
    if (make_room(text, length)) {
        memcpy(text->bytes + text->length, bytes, length);
        text->length += length;
        text->bytes[text->length] = '\0';
    }
}

void text_free(struct text *text)
{
    free(text->bytes);
    *text = (struct text){ 0 };
}

void text_clear(struct text *text)
{
    text->length = 0;
    text->column = 0;
    text->failed = false;
}

unsigned text_columns(const char *words)
{
    unsigned columns = 0;
    for (; *words != '\0'; words++) {
        columns += ((unsigned char)*words & 0xc0) != 0x80; /* all but the continuations of UTF-8 */
    }
    return columns;
}

void text_put(struct text *text, const char *words)
{
    append(text, words, strlen(words));
    text->column += text_columns(words);
}

void text_format(struct text *text, const char *format, ...)
{
    char words[512];
    va_list list;
    va_start(list, format);
    vsnprintf(words, sizeof words, format, list);
    va_end(list);
    text_put(text, words);
}

void text_repeat(struct text *text, const char *mark, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        text_put(text, mark);
    }
}

void text_to(struct text *text, unsigned column)
{
    while (text->column < column && !text->failed) {
        text_put(text, " ");
    }
}

void text_newline(struct text *text)
{
    while (text->length > 0 && text->bytes[text->length - 1] == ' ') {
        text->length--;
    }
    append(text, "\n", 1);
    text->column = 0;
}

void text_style(struct text *text, bool colour, enum style style)
{
    static const char *const escapes[] = {
        [STYLE_PLAIN] = "\033[0m",      [STYLE_DIM] = "\033[2m",
        [STYLE_BOLD] = "\033[1m",       [STYLE_OPEN] = "\033[1;32m",
        [STYLE_CLOSE] = "\033[1;35m",   [STYLE_RESET] = "\033[1;31m",
        [STYLE_DATA] = "\033[36m",      [STYLE_NOTE] = "\033[33m",
        [STYLE_LABEL] = "\033[36m",     [STYLE_LABEL + 1] = "\033[33m",
        [STYLE_LABEL + 2] = "\033[35m", [STYLE_LABEL + 3] = "\033[32m",
        [STYLE_LABEL + 4] = "\033[34m", [STYLE_LABEL + 5] = "\033[31m",
    };
    if (colour) {
        append(text, escapes[style], strlen(escapes[style]));
    }
}
