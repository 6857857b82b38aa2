/* SPDX-License-Identifier: MIT */
/*
 * bench_path_end send|receive linux|wavehand CELL OWN-ADDRESS OTHER-ADDRESS [DEVICE]: one end of a
 * cell in real time, in the network namespace that it is started in. wavehand's stands behind the
 * TUN device of that name.
 *
 * The receiver prints "ready", then, when the cell's time is over, its outcome as a line of JSON. The
 * sender sends until standard input ends and then prints what it had to send again.
 */
#include <stdio.h>
#include <string.h>

#include "real_end.h"

static int usage(const char *why)
{
    fprintf(stderr,
            "bench_path_end: %s\nusage: send|receive linux|wavehand CELL OWN OTHER [DEVICE]\n",
            why);
    return 2;
}

int main(int argc, char **argv)
{
    struct end_options options = { 0 };
    struct cell cell;
    char error[200];
    if (argc < 6)
        return usage("too few arguments");
    bool send = strcmp(argv[1], "send") == 0, linux_end = strcmp(argv[2], "linux") == 0;
    if (!send && strcmp(argv[1], "receive") != 0)
        return usage("neither send nor receive");
    if (!cell_parse(&cell, argv[3], error, sizeof error))
        return usage(error);
    options.cell = &cell;
    options.text = argv[3];
    options.device = argc > 6 ? argv[6] : NULL;
    if (wh_addr_parse(argv[4], &options.own) != WH_OK ||
        wh_addr_parse(argv[5], &options.other) != WH_OK)
        return usage("not an address");
    if (linux_end)
        return send ? linux_send(&options) : linux_receive(&options);
    if (strcmp(argv[2], "wavehand") != 0 || options.device == NULL)
        return usage("neither linux nor wavehand with a device");
    return send ? wavehand_send(&options) : wavehand_receive(&options);
}
