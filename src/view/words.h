/* SPDX-License-Identifier: MIT */
/* Flags, options, sizes and durations in words. */
#ifndef WAVEHAND_VIEW_WORDS_H
#define WAVEHAND_VIEW_WORDS_H

#include <wavehand/wavehand.h>

#define WORDS 160 /* room for any of these */

/*
 * "SYN+ACK", "FIN+ACK", "RST"; PSH is left out, since it says nothing about the
 * connection; "no flags" for none. To words[WORDS]; returns words, as all here do.
 */
char *words_flags(uint16_t flags, char *words);
/* "mss 1460, window scale 7, sack ok, timestamps", "sack 1449-2897"; empty for none. base: of SACK numbers. */
char *words_options(const wh_trace_record *record, uint32_t base, char *words);
/* "1 byte", "78 bytes", "16384 bytes", "1.24 MB" (10^6), "1.07 GB". */
char *words_bytes(uint64_t bytes, char *words);
/* "12 segments", "1 segment". */
char *words_segments(uint64_t segments, char *words);
/* "85 us", "1.52 ms", "3.21 s", "12 min 5 s". */
char *words_duration(wh_time duration, char *words);
/* Seconds in eight columns: "0.000123", "12.34567", "86400.00". */
char *words_seconds(wh_time time, char *words);

/* True for reasons that say that all is as it should be. */
bool words_reason_quiet(wh_reason reason);

#endif
