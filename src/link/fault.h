/* SPDX-License-Identifier: MIT */
/*
 * One fault rule: what goes wrong, and with which frames. The grammar is in
 * docs/faults.md.
 */
#ifndef WAVEHAND_LINK_FAULT_H
#define WAVEHAND_LINK_FAULT_H

#include <wavehand/link.h>

#include "link/sight.h"

/*
 * X(identifier, word, up to two arguments). The order of the list is the order in
 * which the words are named to somebody who mistyped one.
 */
#define FAULT_ACTIONS(X)                                                                           \
    X(LOSS, "loss", PERCENT, NOTHING)                                                              \
    X(BURSTS, "bursts", PERCENT, COUNT)                                                            \
    X(DELAY, "delay", TIME, NOTHING)                                                               \
    X(JITTER, "jitter", TIME, NOTHING)                                                             \
    X(RATE, "rate", RATE, NOTHING)                                                                 \
    X(REORDER, "reorder", PERCENT, NOTHING)                                                        \
    X(DUPLICATE, "duplicate", PERCENT, NOTHING)                                                    \
    X(CORRUPT, "corrupt", PERCENT, NOTHING)                                                        \
    X(OVERSIZE, "oversize", LARGEST, NOTHING)                                                      \
    X(BLACK_HOLE, "black-hole", LARGEST, NOTHING)                                                  \
    X(DROP, "drop", KIND, COUNT)                                                                   \
    X(HOLD, "hold", KIND, TIME)                                                                    \
    X(REFUSE, "refuse", NOTHING, NOTHING)                                                          \
    X(RESET, "reset", AFTER, SIZE)                                                                 \
    X(SILENCE, "silence", AFTER, TIME)                                                             \
    X(ZERO_WINDOW, "zero-window", AFTER, SIZE)

#define FAULT_ACTION_ENUM(id, word, first, second) FAULT_##id,
enum fault_action { FAULT_ACTIONS(FAULT_ACTION_ENUM) FAULT_ACTION_COUNT };
#undef FAULT_ACTION_ENUM

/* Kinds of segments that rules name. A segment may be of several kinds. */
#define SEGMENT_KINDS(X)                                                                           \
    X(SYN, "syn")                                                                                  \
    X(SYN_ACK, "syn-ack")                                                                          \
    X(ACK_OF_SYN, "ack-of-syn")                                                                    \
    X(DATA, "data")                                                                                \
    X(FIN, "fin")                                                                                  \
    X(ACK_OF_FIN, "ack-of-fin")                                                                    \
    X(RST, "rst")

#define SEGMENT_KIND_ENUM(id, word) KIND_##id,
enum segment_kind { SEGMENT_KINDS(SEGMENT_KIND_ENUM) KIND_COUNT };
#undef SEGMENT_KIND_ENUM

/* One end of a frame, as far as a rule limits it. */
struct fault_end {
    bool side_given, addr_given;
    uint16_t port;     /* 0: any */
    wh_direction side; /* if side_given: the direction that travels to (or from) that side */
    wh_addr addr;
};

struct fault {
    enum fault_action action;
    enum segment_kind kind; /* DROP, HOLD */
    uint32_t chance;        /* parts of DICE_CERTAIN */
    uint64_t amount; /* nanoseconds, bits a second, bytes, a burst's length, or which to drop */
    struct fault_end from, to;
    uint16_t port; /* of either end; 0: any */
};

/* Reads a rule. WH_E_INVAL, and one line with the column and what was expected there, in error. */
int fault_parse(struct fault *fault, const char *spec, char *error, size_t error_size);

/* Whether the rule's limits let it act on this frame. */
bool fault_applies(const struct fault *fault, const struct sight *sight, wh_direction direction);

#endif
