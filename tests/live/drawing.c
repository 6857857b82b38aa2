/* SPDX-License-Identifier: MIT */
#define _POSIX_C_SOURCE 200809L /* open_memstream */
#include "drawing.h"

#include <stdlib.h>
#include <string.h>

#include "link/sight.h"

void drawing_begin(struct drawing *drawing)
{
    memset(drawing, 0, sizeof *drawing);
    drawing->stream = open_memstream(&drawing->text, &drawing->size);
    if (drawing->stream == NULL) {
        abort();
    }
    const struct ladder_options options = {
        .out = drawing->stream,
        .width = 100,
        .ascii = true,
        .both_ends = true,
        .left = "client",
        .right = "server",
        .start = STAGE_START,
        .two_msl = 60 * WH_SECOND,
    };
    drawing->ladder = ladder_new(&options);
    if (drawing->ladder == NULL) {
        abort();
    }
}

void drawing_records(struct drawing *drawing, int side, const wh_trace_record *records, size_t n)
{
    if (drawing != NULL) {
        ladder_records(drawing->ladder, side == 0 ? LADDER_LEFT : LADDER_RIGHT, records, n);
    }
}

void drawing_harm(struct drawing *drawing, wh_time now, int from, enum harm harm, uint8_t *bytes,
                  size_t length)
{
    static const wh_reason reasons[HARM_KINDS] = {
        [HARM_DROP] = WH_WHY_FAULT_DROP,      [HARM_DOUBLE] = WH_WHY_FAULT_DUPLICATE,
        [HARM_ECHO] = WH_WHY_FAULT_DUPLICATE, [HARM_SWAP] = WH_WHY_FAULT_REORDER,
        [HARM_DELAY] = WH_WHY_FAULT_HOLD,
    };
    if (drawing == NULL || harm == HARM_NONE) {
        return;
    }
    struct sight sight;
    sight_take(&sight, WH_LINK_IP, bytes, length);
    const wh_path_note note = { .time = now,
                                .direction = from == 0 ? WH_A_TO_B : WH_B_TO_A,
                                .reason = reasons[harm],
                                .seq = sight.seq,
                                .flags = sight.flags,
                                .length = sight.data,
                                .source = { sight.packet.source, sight.source_port },
                                .destination = { sight.packet.destination,
                                                 sight.destination_port } };
    ladder_notes(drawing->ladder, &note, 1);
}

void drawing_print(struct drawing *drawing, wh_time now)
{
    ladder_finish(drawing->ladder, now);
    ladder_free(drawing->ladder);
    fclose(drawing->stream);
    for (char *at = drawing->text, *end; at < drawing->text + drawing->size; at = end + 1) {
        end = strchr(at, '\n');
        end = end != NULL ? end : drawing->text + drawing->size;
        printf("#   %.*s\n", (int)(end - at), at);
    }
    free(drawing->text);
}
