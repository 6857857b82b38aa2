/* SPDX-License-Identifier: MIT */
/*
 * Two ends of a connection, one of them a socket of the kernel's and one a connection
 * of ours, with a TUN device between them and one loop that moves everything. What a
 * play says of an end, it says of either: plays are run with the parts given both ways.
 *
 * Time is real. Nothing waits for a fixed time: UNTIL moves frames until a condition
 * holds, and fails the play when it does not come to hold within its patience.
 */
#ifndef WAVEHAND_TESTS_KERNEL_PAIR_H
#define WAVEHAND_TESTS_KERNEL_PAIR_H

#include <setjmp.h>

#include "linux.h"
#include "wire.h"

struct pair;

struct end {
    struct pair *pair;
    bool ours;
    uint16_t port;
    int fd, listening;     /* Linux: 0 is none */
    wh_conn *conn;         /* ours */
    wh_listener *listener; /* ours */
    uint64_t sent, received;
    int result; /* of the last read: 0 is the end of file, else a wh_error */
};

/* A segment that crossed the device. */
struct crossing {
    bool ours; /* from our end */
    bool lost;
    wh_time time;
    struct segment segment;
};

/* What goes wrong with segments of one end. */
struct fault {
    const struct end *from;
    uint16_t mask, want;  /* flags looked at, and as they must be */
    bool bare, data;      /* without data; with data */
    unsigned skip, times; /* passes the first of them; then so many; 0: all */
    unsigned every;       /* of the ones that match only each so many'th */
    bool twice;           /* arrives twice instead of never */
    unsigned met, hit;
};

enum { CROSSINGS = 4096, FAULTS = 4, CROWD = 4 };

struct pair {
    bool six;
    wh_tun *tun;
    wh_stack *host;
    struct end x, y;
    struct end crowd[CROWD]; /* more ends of x's kind, for plays that need them */
    uint16_t next_port;
    struct crossing crossing[CROSSINGS]; /* the first of a play */
    unsigned crossings;
    struct fault fault[FAULTS];
    unsigned faults;
    jmp_buf failed;
    char why[400];
};

/* Ends of fresh ports, and a fresh stack with MSL of one second. */
void pair_begin(struct pair *pair, bool ours_first);
/* Closes what is open. NULL, or what is wrong with the stack. */
const char *pair_end(struct pair *pair);
/* A new stack in place of the old one, which goes without a word. */
void pair_new_stack(struct pair *pair);

/* ------------------------------------------------------------ the device -- */

void pair_out(struct pair *pair); /* what our end has to send */
void pair_in(struct pair *pair);  /* what the kernel has sent, all at once */
/* Both, one frame of the kernel's after the other, as on a slow wire. */
void pair_move(struct pair *pair);
/* A moment's wait for either, when nothing moves. */
void pair_wait(struct pair *pair);
void pair_fault(struct pair *pair, struct fault fault);
void pair_mend(struct pair *pair); /* no more faults */
void pair_fail(struct pair *pair, const char *file, int line, const char *what)
    __attribute__((noreturn));

#define EXPECT(pair, condition)                                                                    \
    do {                                                                                           \
        if (!(condition))                                                                          \
            pair_fail(pair, __FILE__, __LINE__, #condition);                                       \
    } while (0)

#define PATIENCE (8 * WH_SECOND)

#define UNTIL(pair, condition)                                                                     \
    do {                                                                                           \
        wh_time end_of_patience = wh_clock() + PATIENCE;                                           \
        for (pair_move(pair); !(condition); pair_move(pair)) {                                     \
            if (wh_clock() > end_of_patience)                                                      \
                pair_fail(pair, __FILE__, __LINE__, "never came true: " #condition);               \
            pair_wait(pair);                                                                       \
        }                                                                                          \
    } while (0)

/* ------------------------------------------------------ what crossed it -- */

/* Segments of an end with these flags, from crossing `from` on. */
unsigned pair_count(const struct pair *pair, const struct end *end, uint16_t mask, uint16_t want,
                    unsigned from);
/* The same, or with `end` NULL those of both, counting what is said again once: a machine that stands
 * still for a moment makes the kernel repeat itself. */
unsigned pair_distinct(const struct pair *pair, const struct end *end, uint16_t mask, uint16_t want,
                       unsigned from);
/* The number'th of them, from 0; the play fails where there is none. */
const struct crossing *pair_find(struct pair *pair, const struct end *end, uint16_t mask,
                                 uint16_t want, unsigned number);

/* -------------------------------------------------------------- the ends -- */

/* Calls answer 0, a count, or a wh_error, whatever end they are of. */
int end_listen(struct end *end, unsigned backlog);
void end_unlisten(struct end *end);
/* Takes a connection from the queue of this end's listener. */
int end_accept(struct end *end);
int end_connect(struct end *end, const struct end *to);
/* Sends bytes of a stream that the other end knows; what was taken. */
int64_t end_send(struct end *end, size_t length, bool more);
/* Reads all there is, checks it, and answers as `result`. */
int end_read(struct end *end);
int end_shutdown(struct end *end);
void end_close(struct end *end);
void end_abort(struct end *end);
void end_close_lingering_zero(struct end *end);
/* Forgets its connection without a word, as a machine does that loses its power. */
void end_forget(struct end *end);
/* Of its connection with the other end; a listener is none. */
wh_state end_state(const struct end *end);
/* Connected, as far as the application can see. */
bool end_connected(const struct end *end);
/* Of an open connection: probes an idle peer, gives up on data, leaves FIN-WAIT-2, all within seconds. */
void end_keep_alive(struct end *end);
void end_give_up_soon(struct end *end);
void end_short_fin_wait_2(struct end *end);
/* Connections that this listening end will accept have a small receive buffer. */
void end_small_buffer(struct end *end);

/* y listens, x connects, y accepts: both ESTABLISHED. The other way about: pair_open(pair, y, x). */
void pair_open(struct pair *pair, struct end *client, struct end *server);
/* Reads until that many bytes have come in all. */
void pair_receive(struct pair *pair, struct end *end, uint64_t all);
void pair_end_of_file(struct pair *pair, struct end *end);
void pair_states(struct pair *pair, wh_state x, wh_state y);

#endif
