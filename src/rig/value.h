/* SPDX-License-Identifier: MIT */
/* The small words of scripts: times, sizes, numbers, bytes, names from lists. */
#ifndef WAVEHAND_RIG_VALUE_H
#define WAVEHAND_RIG_VALUE_H

#include <wavehand/wavehand.h>

/* "1.5s", "200ms", "10us", "40ns", "3m", "2h". */
bool value_duration(const char *text, wh_time *out);
/* "100", "64kb", "1mb", "16kib", "1mib". */
bool value_size(const char *text, uint64_t *out);
/* Decimal or 0x hexadecimal. */
bool value_number(const char *text, int64_t *out);
/* A duration, a size or a plain number, whichever the text is. */
bool value_any(const char *text, int64_t *out);
/* "0a1bff", blanks not allowed. Returns the bytes written, or -1. */
int value_hex(const char *text, uint8_t *out, size_t room);

/*
 * What a name in an expression stands for; false if it is unknown. `context` is
 * the caller's.
 */
typedef bool value_lookup(void *context, const char *name, size_t length, int64_t *out);
/* Sums and products of numbers and names: "snd.nxt+2*1460-1". No blanks, no brackets. */
bool value_expression(const char *text, value_lookup *lookup, void *context, int64_t *out);

/* "12.345 678 s"-like times for transcripts: seconds with six decimals. Returns text[24]. */
char *value_time_text(wh_time time, char *text);

/* "CONNRESET" to WH_E_CONNRESET; 1 if there is no such name. "none" is 0. */
int value_error(const char *name);
/* "FIN-WAIT-1" to its wh_state, or -1. */
int value_state(const char *name);
/* "RST_NOT_EXACT" to its wh_reason, or -1. */
int value_reason(const char *name);
/* "send-buffer" to its wh_option, or -1. */
int value_option(const char *name);
/* "connected" to WH_CONNECTED, or 0. */
uint32_t value_event(const char *name);
/* The names of all events in the set, to text[160]; returns text. */
char *value_event_text(uint32_t events, char *text);
/* "SYN,ACK" to flags, or -1. "none" is 0. A "!" before a name puts it into *without instead. */
int value_flags(const char *text, uint16_t *without);
/* "SYN,ACK", or "none", to text[48]; returns text. */
char *value_flags_text(uint16_t flags, char *text);

#endif
