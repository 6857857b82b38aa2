/* SPDX-License-Identifier: MIT */
/*
 * What the application at one end of a connection does, in words: steps that are
 * done one after the other, each waiting until it can be done, as in
 * "connect; send 500; shut; read-all". The words are those of the table below.
 */
#ifndef WAVEHAND_LIVE_SCRIPT_H
#define WAVEHAND_LIVE_SCRIPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* X(identifier, word, arguments: n a number, o an option, s a state, e an error; meaning) */
#define VERBS(X)                                                                                   \
    X(CONNECT, "connect", "", "active open")                                                       \
    X(LISTEN, "listen", "", "a listener for this connection alone")                                \
    X(UNLISTEN, "unlisten", "", "close that listener")                                             \
    X(ACCEPT, "accept", "", "wait for a connection and take it")                                   \
    X(ANSWER, "answer", "", "wait for a held SYN and accept it: SYN-RECEIVED from here")           \
    X(REFUSE, "refuse", "", "wait for a held SYN and refuse it")                                   \
    X(IGNORE, "ignore", "", "wait for a held SYN and ignore it")                                   \
    X(NOBODY, "nobody", "", "nobody is at this end")                                               \
    X(CONNECTED, "connected", "", "wait until the handshake is complete")                          \
    X(SEND, "send", "n", "send n bytes")                                                           \
    X(MORE, "more", "n", "the same, and say that more follows")                                    \
    X(URGENT, "urgent", "n", "the same, the last byte ending urgent data")                         \
    X(WRITES, "writes", "nn", "n times m bytes")                                                   \
    X(DRIP, "drip", "nn", "n times 100 bytes, m milliseconds apart")                               \
    X(PIPE, "pipe", "", "a send that is refused: the sending side is shut")                        \
    X(READ, "read", "n", "read n bytes")                                                           \
    X(READ_ALL, "read-all", "", "read to the end of file")                                         \
    X(SIP, "sip", "nn", "the same, n bytes every m milliseconds")                                  \
    X(URGED, "urged", "n", "wait to be told that urgent data ends with the n-th byte")             \
    X(WAIT, "wait", "n", "n milliseconds")                                                         \
    X(AT, "at", "n", "wait until n milliseconds after the beginning")                              \
    X(SHUT, "shut", "", "shut the sending side")                                                   \
    X(CLOSE, "close", "", "close the handle")                                                      \
    X(ABORT, "abort", "", "abort")                                                                 \
    X(SET, "set", "on", "set an option")                                                           \
    X(IN, "in", "s", "expect this state now")                                                      \
    X(UNTIL, "until", "s", "wait until this state is reached or passed, in the order of RFC 9293") \
    X(DEAD, "dead", "", "wait for the end of the connection, an orderly one")                      \
    X(ERROR, "error", "e", "wait for the end of the connection, by this error")                    \
    X(MUTE, "mute", "", "from now on the wire loses what this end sends")                          \
    X(ECHO, "echo", "", "the wire doubles the next segment of this end")

#define VERB_ENUM(id, word, arguments, meaning) VERB_##id,
enum verb { VERBS(VERB_ENUM) VERB_COUNT };
#undef VERB_ENUM

struct step {
    enum verb verb;
    int64_t a, b;
};

#define STEPS_MOST 32

struct script {
    struct step step[STEPS_MOST];
    unsigned steps;
};

/* False, and why in error[size], if the text cannot be read. An empty text has no steps. */
bool script_read(struct script *script, const char *text, char *error, size_t size);
/* The step as it was written, for messages; returns text. */
char *script_step_text(const struct step *step, char *text, size_t size);

/*
 * Reads "option value; option value" and calls set for each; false if a word is not
 * an option's name or set says so.
 */
bool script_options(const char *text, bool (*set)(void *context, int option, int64_t value),
                    void *context);

#endif
