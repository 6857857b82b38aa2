/* SPDX-License-Identifier: MIT */
/*
 * The verdicts: what can be said of a connection in one line, how sure that is,
 * and what stands against being surer. One list each; summaries, JSON, pages and
 * the documentation take their names and words from here.
 */
#ifndef WAVEHAND_EXPLAIN_VERDICT_H
#define WAVEHAND_EXPLAIN_VERDICT_H

#include <wavehand/wavehand.h>

/*
 * X(identifier, name, grade, what happened, section). The order is that of a
 * connection's life; the grade orders summaries.
 */
#define VERDICTS(X)                                                                                \
    X(REFUSED, "refused", FAILED, "the server refused the connection", "RFC 9293 3.10.7.1")        \
    X(UNREACHABLE, "unreachable", FAILED, "an ICMP error answered the opening",                    \
      "RFC 9293 3.9.2.2")                                                                          \
    X(NO_ANSWER, "no-answer", FAILED, "nothing answered the SYN", "RFC 9293 3.8.3")                \
    X(HANDSHAKE_UNFINISHED, "handshake-unfinished", FAILED,                                        \
      "the client never answered the SYN,ACK", "RFC 9293 3.5")                                     \
    X(HANDSHAKE_CANCELLED, "handshake-cancelled", FAILED,                                          \
      "the client reset the connection instead of finishing the handshake", "RFC 9293 3.10.5")     \
    X(SYN_REPEATED, "syn-repeated", TROUBLED,                                                      \
      "the SYN had to be repeated; it or its answer was lost", "RFC 6298 5")                       \
    X(SYN_LOST, "syn-lost", TROUBLED, "a SYN was lost", "RFC 6298 5")                              \
    X(SYN_ACK_LOST, "syn-ack-lost", TROUBLED, "a SYN,ACK was lost", "RFC 6298 5")                  \
    X(FINAL_ACK_LOST, "final-ack-lost", TROUBLED, "the ACK that ends the handshake was lost",      \
      "RFC 9293 3.10.7.4")                                                                         \
    X(ACCEPT_QUEUE_FULL, "accept-queue-full", FAILED,                                              \
      "the server's queue of connections to accept is full", "RFC 9293 3.10.7.4")                  \
    X(OPENED_SIMULTANEOUSLY, "opened-simultaneously", CLEAN, "both ends opened at once",           \
      "RFC 9293 3.5, figure 7")                                                                    \
    X(HALF_OPEN_PEER, "half-open-peer", FAILED,                                                    \
      "one end no longer knew of the connection, as after a reboot", "RFC 9293 3.5.1")             \
    X(WINDOW_SCALE_STRIPPED, "window-scale-stripped", TROUBLED,                                    \
      "the path took the window scale option away", "RFC 7323 2.2")                                \
    X(SACK_STRIPPED, "sack-stripped", TROUBLED, "the path took the SACK option away",              \
      "RFC 2018 2")                                                                                \
    X(SILENT, "silent-after-connect", FAILED, "connected, and then an application stayed silent",  \
      "RFC 9293 3.10.2")                                                                           \
    X(RESET, "reset", FAILED, "one end reset the connection", "RFC 9293 3.5.2")                    \
    X(RESET_INJECTED, "reset-injected", FAILED,                                                    \
      "a RST that does not look like its alleged sender's ended the connection", "RFC 5961 3")     \
    X(RESET_UNREAD, "reset-unread-data", FAILED,                                                   \
      "one end closed with received data unread, which resets", "RFC 2525 2.17")                   \
    X(RESET_AFTER_CLOSE, "reset-data-after-close", FAILED,                                         \
      "data reached an end that had closed, and was answered by a reset", "RFC 1122 4.2.2.13")     \
    X(HALF_CLOSE_CUT, "half-close-cut", FAILED,                                                    \
      "one end had closed its half only; the other reset the rest", "RFC 9293 3.6.1")              \
    X(KEEP_ALIVE_DEATH, "keep-alive-death", FAILED, "keep-alive probes went unanswered",           \
      "RFC 9293 3.8.4")                                                                            \
    X(RETRANSMISSION_DEATH, "retransmission-death", FAILED,                                        \
      "retransmissions went unanswered until the end", "RFC 9293 3.8.3")                           \
    X(ZERO_WINDOW_STALL, "zero-window-stall", TROUBLED, "the receiver's window stayed closed",     \
      "RFC 9293 3.8.6.1")                                                                          \
    X(MTU_BLACK_HOLE, "mtu-black-hole", FAILED,                                                    \
      "large packets vanish on the path, and no ICMP error says so", "RFC 4821")                   \
    X(PAWS_DROP, "paws-drop", FAILED, "segments with an old timestamp were refused",               \
      "RFC 7323 5.3")                                                                              \
    X(PORT_REUSED, "port-reused", TROUBLED,                                                        \
      "a new connection took the ports of one that was not over", "RFC 9293 3.10.7.4")             \
    X(CLOSE_WAIT_LEAK, "close-wait-leak", FAILED,                                                  \
      "a FIN was acknowledged and never answered: the program has not closed", "RFC 9293 3.6")     \
    X(FIN_WAIT_2_ORPHAN, "fin-wait-2-orphan", FAILED,                                              \
      "the end that closed first gave up waiting for the other's FIN", "RFC 9293 3.6")             \
    X(FIN_REPEATED, "fin-repeated", TROUBLED,                                                      \
      "a FIN had to be repeated before the close was done", "RFC 9293 3.6")                        \
    X(TIME_WAIT_ASSASSINATED, "time-wait-assassinated", FAILED, "a RST ended TIME-WAIT",           \
      "RFC 1337")                                                                                  \
    X(TIME_WAIT_ACCEPTED, "time-wait-syn-accepted", CLEAN,                                         \
      "a SYN reopened the connection from TIME-WAIT", "RFC 6191 2")                                \
    X(TIME_WAIT_CHALLENGED, "time-wait-syn-challenged", TROUBLED,                                  \
      "a SYN met TIME-WAIT and was answered by an ACK", "RFC 5961 4.2")                            \
    X(TIME_WAIT_IGNORED, "time-wait-syn-ignored", FAILED, "a SYN met TIME-WAIT and was ignored",   \
      "RFC 6191 2")                                                                                \
    X(HALF_CLOSE_RESPECTED, "half-close-respected", CLEAN,                                         \
      "one end closed its half, the other went on to its own end", "RFC 9293 3.6.1")               \
    X(CLOSED_FOUR_WAY, "closed-four-way", CLEAN, "closed in order with four segments",             \
      "RFC 9293 3.6, figure 12")                                                                   \
    X(CLOSED_THREE_SEGMENTS, "closed-three-segments", CLEAN,                                       \
      "closed in order with three segments", "RFC 9293 3.6")                                       \
    X(CLOSED_SIMULTANEOUSLY, "closed-simultaneously", CLEAN, "both ends closed at once",           \
      "RFC 9293 3.6, figure 13")                                                                   \
    X(STILL_OPEN, "still-open", OPEN, "open when the capture ended", "RFC 9293 3.3.2")             \
    X(STILL_CLOSING, "still-closing", OPEN, "closing when the capture ended", "RFC 9293 3.6")      \
    X(SYN_FLOOD, "syn-flood", FAILED, "many openings of one port that were never finished",        \
      "RFC 4987")                                                                                  \
    X(SCAN, "scan", FAILED, "one host tried many ports or hosts", "RFC 9293 3.10.7.1")             \
    X(CANNOT_TELL, "cannot-tell", UNKNOWN, "this capture does not tell", "")

#define VERDICT_ENUM(id, name, grade, words, section) VERDICT_##id,
enum verdict_kind { VERDICTS(VERDICT_ENUM) VERDICT_COUNT };
#undef VERDICT_ENUM

/* Worst first: the order of a summary. */
enum grade { GRADE_FAILED, GRADE_TROUBLED, GRADE_UNKNOWN, GRADE_OPEN, GRADE_CLEAN, GRADES };

/* X(identifier, name, in words): what a capture lacks. */
#define DOUBTS(X)                                                                                  \
    X(NONE, "", "")                                                                                \
    X(ONE_DIRECTION, "one-direction", "only one direction was captured")                           \
    X(CONTRADICTORY, "contradictory", "the segments contradict each other")                        \
    X(MID_CONNECTION, "mid-connection", "the capture begins in mid-connection")                    \
    X(MIDDLE_POINT, "middle-point", "it was taken where one cannot see which packets arrived")     \
    X(SUPER_SEGMENTS, "super-segments", "offloading merged segments before they were captured")    \
    X(CLOCK_JUMP, "clock-jump", "the capture's clock jumped")                                      \
    X(SNAP_LENGTH, "snap-length", "packets were cut by the snap length")                           \
    X(CAPTURE_LOSS, "capture-loss", "the capture itself lost packets")                             \
    X(CAPTURE_ENDED, "capture-ended", "the capture ended too early")                               \
    X(MEMORY_LIMIT, "memory-limit", "too many connections at once for the memory limit")           \
    X(AMBIGUOUS, "ambiguous", "several causes would look the same from here")

#define DOUBT_ENUM(id, name, words) DOUBT_##id,
enum doubt { DOUBTS(DOUBT_ENUM) DOUBT_COUNT };
#undef DOUBT_ENUM

enum confidence { CERTAIN_VERDICT, LIKELY_VERDICT, NO_VERDICT };

/* A packet, as one finds it again: its number in its file. */
struct cited {
    uint64_t number; /* from 1, as Wireshark counts */
    uint32_t point;  /* which file, from 0 */
};

#define VERDICT_TEXT 480
#define VERDICT_CITED 6

struct verdict {
    enum verdict_kind kind;
    enum confidence confidence;
    enum doubt doubt;        /* why not surer; with CANNOT_TELL always one */
    char text[VERDICT_TEXT]; /* a whole sentence, cites packets as "packet 12" */
    unsigned cited_count;
    struct cited cited[VERDICT_CITED];
};

const char *verdict_name(enum verdict_kind kind);
const char *verdict_words(enum verdict_kind kind);
const char *verdict_section(enum verdict_kind kind);
enum grade verdict_grade(enum verdict_kind kind);
/* The verdict of this name, or VERDICT_COUNT. */
enum verdict_kind verdict_of_name(const char *name);
/* "failed", "troubled", "unknown", "open", "clean". */
const char *grade_name(enum grade grade);
const char *doubt_name(enum doubt doubt);
const char *doubt_words(enum doubt doubt);
/* "certain", "likely", "cannot tell". */
const char *confidence_name(enum confidence confidence);

#endif
