/* SPDX-License-Identifier: MIT */
/*
 * Congestion window validation (RFC 7661): cwnd says what the path has carried, and an
 * application that sends less leaves it without proof. The most that was acknowledged in a
 * round trip of late (pipeACK) is the proof. While it is less than half of cwnd (the non-validated phase)
 * cwnd is kept, so that the application may go on at once, but a loss is answered from what
 * was in use, and after five minutes half of it is given up.
 *
 * This is for who sends all the time, but little. After a rest longer than the timeout the
 * initial window comes first (RFC 5681 4.1, output.c): the record is kept with the flight. Bursts
 * of a window unused for long (4.4.2) are kept off by pacing.
 */
#ifndef WAVEHAND_TCP_CC_VALIDATION_H
#define WAVEHAND_TCP_CC_VALIDATION_H

#include <stdbool.h>
#include <stdint.h>

struct wh_conn;

/* Zeroed to begin: nothing is known, which counts as validated (4.2). */
struct validation {
    uint32_t sample_end; /* the sample that is being taken ends when SND.UNA passes this */
    uint32_t sample;     /* bytes acknowledged in it */
    uint32_t most[2];    /* largest sample of this half of the sampling period, and of the last */
    uint32_t half_began; /* us */
    uint32_t valid_at;   /* ms: last known to be validated, or when a reduction took its place */
    uint32_t
        loss_size; /* bytes in use when recovery began in the non-validated phase; 0: it did not */
    bool begun;    /* the times above hold */
    bool known;    /* there is a pipeACK */
    bool sampling; /* a sample is being taken */
};

_Static_assert(sizeof(struct validation) <= 32, "it is part of every flight");

/* Bytes acknowledged in a round trip, the most of the last second or three round trips (4.2). */
uint32_t validation_pipe_ack(const struct validation *validation);
/* cwnd is proved (4.3). */
bool validation_valid(const struct validation *validation, const struct wh_conn *conn);
/*
 * An acknowledgement of so many new bytes, SND.UNA moved, outside of recovery. May
 * reduce cwnd and raise ssthresh after five minutes without proof (4.4.3).
 */
void validation_acked(struct validation *validation, struct wh_conn *conn, uint32_t bytes);
/* A loss or a mark is found with so many bytes in flight: returns how many the answer goes by (4.4.1). */
uint32_t validation_lost(struct validation *validation, const struct wh_conn *conn,
                         uint32_t flight_size);
/*
 * Recovery is over and `retransmitted` bytes were sent again in it: what was lost was more
 * than the path could hold, so ssthresh and cwnd come down by that too (4.4.1).
 */
void validation_recovered(struct validation *validation, struct wh_conn *conn,
                          uint32_t retransmitted);

#endif
