/* SPDX-License-Identifier: MIT */
/* The inside of the sandbox: what PID 1 does, and how it talks with wavehand. Private to sandbox.c. */
#ifndef WAVEHAND_RELAY_INIT_H
#define WAVEHAND_RELAY_INIT_H

#include "relay/sandbox.h"

/* One packet on the control socket. */
struct control_message {
    int32_t kind; /* enum control_kind */
    int32_t value;
    char text[SANDBOX_TEXT];
};

enum control_kind {
    /* to init */
    CONTROL_MAPPED, /* user and group ids are mapped: go on */
    CONTROL_START,  /* start the program */
    CONTROL_SIGNAL, /* pass signal `value` on */
    /* from init */
    CONTROL_READY,   /* the network is up; carries the device's queues; text: a note, or "" */
    CONTROL_FAILED,  /* text says why; init is gone */
    CONTROL_STOPPED, /* the program was stopped by signal `value` */
    CONTROL_ENDED,   /* the program ended; value: its exit status */
};

/* Runs as PID 1 with its end of the control socket; never returns. */
_Noreturn void init_main(int control, const struct sandbox_plan *plan);

#endif
