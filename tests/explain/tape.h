/* SPDX-License-Identifier: MIT */
/*
 * What passed one point of a path, kept in memory until it is known what of it a
 * capture shall hold, and then written as a capture file.
 */
#ifndef WAVEHAND_TRUTH_TAPE_H
#define WAVEHAND_TRUTH_TAPE_H

#include <wavehand/link.h>

struct taped {
    wh_time when;
    size_t at;       /* where in `bytes` */
    uint32_t length; /* of the IP packet */
    bool outgoing;   /* the host at this point has sent it */
    bool lost;       /* the capture shall not have it */
};

struct tape {
    uint8_t *bytes;
    size_t used, room;
    struct taped *packet;
    size_t count, packet_room;
};

/* How a capture file looks. */
struct tape_form {
    bool ethernet; /* else bare IP packets */
    bool blocks;   /* pcapng, which also tells directions; else pcap */
    bool coarse;   /* pcap: microseconds, else nanoseconds */
    uint32_t snap; /* pcap: bytes of a frame that are kept */
};

/* Adds a copy of an IP packet. Ends the program when there is no memory: nothing here can go on. */
void tape_add(struct tape *tape, wh_time when, bool outgoing, const uint8_t *bytes,
              uint32_t length);
void tape_free(struct tape *tape);
/* Writes all that is not lost. `start`: nanoseconds since 1970 of time 0. False, and says why. */
bool tape_write(const struct tape *tape, const char *file, const struct tape_form *form,
                uint64_t start);

#endif
