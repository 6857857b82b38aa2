/* SPDX-License-Identifier: MIT */
/*
 * Results. Every call answers zero or a count, or a negative wh_error. The
 * errors mean what the errno of the same name means for POSIX sockets.
 */
#ifndef WAVEHAND_ERRORS_H
#define WAVEHAND_ERRORS_H

/* X(identifier, value, words for people) */
#define WH_ERRORS(X)                                                                               \
    X(AGAIN, -1, "nothing to do right now; try again after an event")                              \
    X(NOMEM, -2, "no memory, or the stack's memory cap is reached")                                \
    X(INVAL, -3, "invalid argument")                                                               \
    X(ADDRINUSE, -4, "address and port are already in use")                                        \
    X(ADDRNOTAVAIL, -5, "no such local address, or no free port left")                             \
    X(AFNOSUPPORT, -6, "local and remote address are of different families")                       \
    X(NETUNREACH, -7, "network unreachable")                                                       \
    X(HOSTUNREACH, -8, "host unreachable")                                                         \
    X(CONNREFUSED, -9, "connection refused")                                                       \
    X(CONNRESET, -10, "connection reset by peer")                                                  \
    X(CONNABORTED, -11, "connection aborted")                                                      \
    X(TIMEDOUT, -12, "connection timed out")                                                       \
    X(PIPE, -13, "the sending side has been shut down")                                            \
    X(NOTCONN, -14, "not connected")                                                               \
    X(MSGSIZE, -15, "datagram too long")                                                           \
    X(NOENT, -16, "no such thing")                                                                 \
    X(IO, -17, "input/output error")

#define WH_ERROR_ENUM(id, value, words) WH_E_##id = (value),
typedef enum wh_error { WH_OK = 0, WH_ERRORS(WH_ERROR_ENUM) } wh_error;
#undef WH_ERROR_ENUM

#endif
