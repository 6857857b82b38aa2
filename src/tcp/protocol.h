/* SPDX-License-Identifier: MIT */
/*
 * The protocol's steps, as the stack calls them and as they call each other.
 *
 * None of them frees a connection or touches the demultiplexer: they change the
 * state, and the stack settles afterwards what the new state means for it.
 */
#ifndef WAVEHAND_TCP_PROTOCOL_H
#define WAVEHAND_TCP_PROTOCOL_H

#include "tcp/connection.h"

/* arrival.c: a segment for this connection (RFC 9293 3.10.7.3, 3.10.7.4). */
void tcp_arrive(struct wh_conn *conn, const struct segment *segment);
/* True if some of segment lies in [rcv_nxt, rcv_nxt + window): the four-row table of 3.10.7.4. */
bool tcp_acceptable(uint32_t rcv_nxt, uint32_t window, uint32_t seq, uint32_t length);
/* An ACK in answer to something suspicious, at most ten in five seconds (RFC 5961 7). */
void tcp_challenge(struct wh_conn *conn, wh_reason reason);

/* acknowledgement.c: the fifth step. False: the segment must be dropped. */
bool tcp_acknowledgement(struct wh_conn *conn, const struct segment *segment);
/* Takes the window of the peer's SYN, which every later segment supersedes. */
void tcp_first_window(struct wh_conn *conn, const struct segment *syn);
/* Takes the window from a segment that is not older than the last (RFC 9293 3.10.7.4). */
void tcp_take_window(struct wh_conn *conn, const struct segment *segment);

/* The same, for one that moves SND.UNA over what was sent once and tells nothing else. */
void tcp_acknowledgement_predicted(struct wh_conn *conn, const struct segment *segment);

/* text.c: the sixth to eighth step: URG, text and FIN. */
void tcp_text(struct wh_conn *conn, const struct segment *segment);
/* The same, for text that is wholly new, in the window and next in order, with nothing held beyond it. */
void tcp_text_predicted(struct wh_conn *conn, const struct segment *segment);

/* predicted.c: takes the segment if it is the one that was to be expected. False: it is not. */
bool tcp_predicted(struct wh_conn *conn, const struct segment *segment);
/* arrival.c: the peer has been heard of. */
void tcp_heard(struct wh_conn *conn);

/* [left, right) has arrived a second time: the next acknowledgement says so (RFC 2883). */
void tcp_arrived_twice(struct wh_conn *conn, uint32_t left, uint32_t right);

/* negotiate.c: what both SYNs agree on. */
void tcp_offer(struct wh_conn *conn);
void tcp_agree(struct wh_conn *conn, const struct segment_options *options);
/* The MSS that these options of the peer's SYN mean, with the default of RFC 9293 3.7.1. */
uint16_t tcp_told_mss(const struct segment_options *options, const wh_addr *remote);
#define WINDOW_SCALE_MAX 14
/* The shift that lets 16 bits express a receive buffer (RFC 7323 2.3). */
uint8_t tcp_window_scale(int64_t receive_buffer);
/* The MSS we announce on this tuple's link (RFC 9293 3.7.1). */
uint16_t tcp_announced_mss(const struct tcp *tcp, const struct profile *profile,
                           const wh_addr *remote);

/* rtt.c (RFC 6298). */
/* A round trip took so many nanoseconds; returns it in us, at least 1. */
uint32_t rtt_sample(struct wh_conn *conn, wh_time elapsed);
void rtt_back_off(struct wh_conn *conn);
/*
 * (Re)starts the retransmission timer, or stops it when nothing is outstanding. While there is a
 * flight this notes the time alone: recovery_arm follows, in the end, and sets the deadline.
 */
void rtt_restart_timer(struct wh_conn *conn);

/* pace.c: may nothing leave yet? Then output is wanted again when it may. */
bool pace_waits(struct wh_conn *conn);
/* Bytes a second that sending is spread to; 0: it is not. */
uint64_t pace_rate(const struct wh_conn *conn);
/* So many bytes left, `alone`: with nothing else in flight. */
void pace_sent(struct wh_conn *conn, uint32_t bytes, bool alone);

/* limits.c: something left or arrived: what does sending wait for now? */
void limits_note(struct wh_conn *conn);
/* The flight is about to be given back: what has been waited so far counts. */
void limits_rest(struct wh_conn *conn);
/* ms spent so far waiting for this. */
uint32_t limits_total(const struct wh_conn *conn, enum limit limit);

/* timers.c: runs what is due at tcp->now. */
void tcp_timers(struct wh_conn *conn);
void tcp_keepalive_restart(struct wh_conn *conn);

/*
 * output.c: emits what may leave now. True when nothing is left to send now;
 * false when the outbox is full or memory is short.
 */
bool tcp_output(struct wh_conn *conn, struct outbox *outbox);

/* window.c: the window that we offer. */
/* Reading has made room: sends a window update if it is worth one (RFC 9293 3.8.6.2.2). */
void tcp_window_opened(struct wh_conn *conn);
/* The window field for a segment that leaves now; moves the right edge accordingly. */
uint16_t tcp_window_advertise(struct wh_conn *conn);
/* RCV.WND: bytes up to the right edge as promised. */
uint32_t tcp_window_promised(const struct wh_conn *conn);

/* calls.c: the user calls of RFC 9293 3.10.1 to 3.10.5 on one connection. */
void tcp_open_active(struct wh_conn *conn);
/* A connection in SYN-RECEIVED from a SYN that arrived (held or half-open). */
void tcp_open_passive(struct wh_conn *conn, const struct segment *syn, uint32_t iss);
void tcp_close(struct wh_conn *conn);
/* Ends the connection with a RST where the state calls for one. */
void tcp_abort(struct wh_conn *conn, wh_reason reason);
void tcp_shutdown(struct wh_conn *conn, unsigned sides);
/* It is over by somebody else's doing: remembers the error. */
void tcp_die(struct wh_conn *conn, wh_arc_event event, wh_reason reason, wh_error error);

/* path_mtu.c: ICMP says that the packet with this number in flight was larger than `mtu`. */
void tcp_path_mtu(struct wh_conn *conn, uint32_t mtu, uint32_t seq);

#endif
