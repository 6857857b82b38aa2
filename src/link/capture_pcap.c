/* SPDX-License-Identifier: MIT */
/* Classic capture files (draft-ietf-opsawg-pcap): a header, then records, in either byte order. */
#include "link/capture_parts.h"

enum {
    HEADER = 24,
    RECORD = 16,
};
#define MAGIC_MICRO UINT32_C(0xa1b2c3d4)
#define MAGIC_NANO UINT32_C(0xa1b23c4d)

bool pcap_begin(struct capture_reader *reader, const uint8_t magic[4])
{
    for (int swapped = 0; swapped < 2; swapped++) {
        reader->swapped = swapped != 0;
        uint32_t number = capture_u32(reader, magic);
        if (number != MAGIC_MICRO && number != MAGIC_NANO) {
            continue;
        }
        const uint8_t *header = capture_stream_take(&reader->stream, HEADER);
        if (header == NULL) {
            return false;
        }
        /* The upper bits tell of a frame check sequence, which does no harm at the end. */
        uint32_t link = capture_u32(reader, header + 20) & 0x3ffffff;
        struct capture_interface *interface = capture_interface_add(reader, link);
        if (interface == NULL) {
            return false;
        }
        interface->exponent = number == MAGIC_NANO ? 9 : 6;
        interface->snap = capture_u32(reader, header + 16);
        return true;
    }
    return false;
}

int pcap_take(struct capture_reader *reader, struct captured *captured, const char **damage)
{
    const uint8_t *record = capture_stream_peek(&reader->stream, RECORD);
    if (record == NULL) {
        *damage = capture_stream_trouble(&reader->stream);
        return capture_stream_left(&reader->stream) == 0 ? 0 : -1;
    }
    uint32_t seconds = capture_u32(reader, record), fraction = capture_u32(reader, record + 4);
    uint32_t length = capture_u32(reader, record + 8), wire = capture_u32(reader, record + 12);
    if (length > CAPTURE_RECORD_MOST - RECORD) {
        *damage = "the file is damaged: a record is longer than any packet";
        return -1;
    }
    record = capture_stream_take(&reader->stream, RECORD + length);
    if (record == NULL) {
        *damage = "truncated: the file ends in the middle of a packet";
        return -1;
    }
    uint64_t unit = reader->interface[0].exponent == 9 ? 1 : WH_MICROSECOND;
    capture_fill(reader, captured, 0, record + RECORD, length, wire);
    captured->when = (wh_time)seconds * WH_SECOND + fraction * unit;
    return 1;
}
