/* SPDX-License-Identifier: MIT */
/*
 * Theory of operation. Of libpcap 1.10: it reads classic files and pcapng, but
 * nothing compressed, no pcapng with several link types, and it hides interface,
 * comment, direction and drop counts; and its reading through stdio took a fifth of
 * all the time. So files are read here, format by format, from one buffered stream;
 * what happens live is libpcap's (capture_live.c).
 */
#define _GNU_SOURCE /* libpcap's headers want u_char and friends */
#include "link/capture_read.h"

#include <errno.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "link/capture_parts.h"

/* More interfaces than this are no description of a capture. */
#define INTERFACES_MOST 65536

static const char *link_name(uint32_t link)
{
    const char *name = pcap_datalink_val_to_name((int)link);
    return name != NULL ? name : "unknown";
}

struct capture_interface *capture_interface_add(struct capture_reader *reader, uint32_t link)
{
    if (reader->interfaces == INTERFACES_MOST) {
        return NULL;
    }
    if (reader->interfaces == reader->room) {
        uint32_t room = reader->room == 0 ? 4 : reader->room * 2;
        struct capture_interface *more = realloc(reader->interface, room * sizeof *more);
        if (more == NULL) {
            return NULL;
        }
        reader->interface = more;
        reader->room = room;
    }
    struct capture_interface *interface = &reader->interface[reader->interfaces++];
    *interface = (struct capture_interface){ .link = link };
    return interface;
}

void capture_fill(struct capture_reader *reader, struct captured *captured, uint32_t number,
                  const uint8_t *frame, uint32_t length, uint32_t wire_length)
{
    struct capture_interface *interface = &reader->interface[number];
    *captured = (struct captured){ .number = ++reader->number,
                                   .frame = frame,
                                   .length = length,
                                   .wire_length = wire_length,
                                   .interface = number };
    if (capture_link_known(interface->link)) {
        capture_link_look(interface->link, captured);
    } else if (!interface->told) {
        interface->told = true;
        snprintf(
            reader->note, sizeof reader->note,
            "frames of interface %u are of the kind %s, which is not understood; they are skipped",
            number, link_name(interface->link));
    }
}

static bool begin(struct capture_reader *reader)
{
    static const uint8_t section[4] = { 0x0a, 0x0d, 0x0d, 0x0a };
    const uint8_t *magic = capture_stream_peek(&reader->stream, 4);
    if (magic == NULL) {
        return false;
    }
    reader->pcapng = memcmp(magic, section, sizeof section) == 0;
    return reader->pcapng || pcap_begin(reader, magic);
}

int capture_reader_open(struct capture_reader **reader, const char *file, char *error,
                        size_t error_size)
{
    struct capture_reader *made = calloc(1, sizeof *made);
    if (made == NULL) {
        snprintf(error, error_size, "%s: no memory", file);
        return WH_E_NOMEM;
    }
    if (!capture_stream_open(&made->stream, file)) {
        snprintf(error, error_size, "%s: cannot read this capture: %s", file,
                 capture_stream_trouble(&made->stream));
        free(made);
        return WH_E_IO;
    }
    made->name = strdup(file);
    if (!begin(made)) {
        const char *why = made->stream.cause != 0 || made->stream.damage != NULL
                              ? capture_stream_trouble(&made->stream)
                              : "it is neither pcap nor pcapng, or cut short in its header";
        snprintf(error, error_size, "%s: cannot read this capture: %s", file, why);
        capture_reader_close(made);
        return WH_E_IO;
    }
    if (!made->pcapng && !capture_link_known(made->interface[0].link)) {
        snprintf(error, error_size,
                 "%s: captured on a link of kind %s; understood are Ethernet, raw IP, loopback and "
                 "Linux cooked captures",
                 file, link_name(made->interface[0].link));
        capture_reader_close(made);
        return WH_E_INVAL;
    }
    *reader = made;
    return WH_OK;
}

int capture_reader_next(struct capture_reader *reader, struct captured *captured, char *error,
                        size_t error_size)
{
    const char *damage = NULL;
    if (reader->live != NULL) {
        return capture_live_next(reader, captured, error, error_size);
    }
    int result = reader->pcapng ? pcapng_take(reader, captured, &damage)
                                : pcap_take(reader, captured, &damage);
    if (result >= 0) {
        return result;
    }
    snprintf(error, error_size, "%s: after frame %llu: %s",
             reader->name != NULL ? reader->name : "?", (unsigned long long)reader->number, damage);
    return WH_E_IO;
}

uint64_t capture_reader_lost(const struct capture_reader *reader)
{
    if (reader->live != NULL) {
        return capture_live_lost(reader);
    }
    uint64_t lost = reader->lost;
    for (uint32_t i = 0; i < reader->interfaces; i++) {
        lost += reader->interface[i].dropped;
    }
    return lost;
}

const char *capture_reader_note(struct capture_reader *reader)
{
    return reader->note[0] != '\0' ? reader->note : NULL;
}

void capture_reader_close(struct capture_reader *reader)
{
    if (reader == NULL) {
        return;
    }
    if (reader->live != NULL) {
        capture_live_close(reader);
    } else {
        capture_stream_close(&reader->stream);
    }
    free(reader->interface);
    free(reader->name);
    free(reader);
}
