/* SPDX-License-Identifier: MIT */
/*
 * The scripted peer: tests of a program that stands on libwavehand, in virtual
 * time.
 *
 * A script says what arrives from the peer and what must leave, when; see
 * testing-scripts.md for its language. A program under test takes part through
 * the hooks below: it gets a stack with one address, opens what it wants to
 * open, and is called whenever something may have happened, as its own loop
 * would call it. Nothing here reads a clock or touches a network, and a run is
 * the same each time.
 *
 * Link with libwavehand-rig (pkg-config wavehand-rig) in place of libwavehand:
 * it holds the whole stack.
 */
#ifndef WAVEHAND_RIG_PUBLIC_H
#define WAVEHAND_RIG_PUBLIC_H

#include <stdio.h>

#include <wavehand/wavehand.h>

#ifdef __cplusplus
extern "C" {
#endif

/* One scenario while it runs. */
typedef struct wh_rig wh_rig;

/*
 * The program under test. Every hook may be NULL. `user` is the caller's and is
 * handed to configure and begin; what begin returns is handed to all the others.
 */
typedef struct wh_rig_program {
    size_t size; /* sizeof(wh_rig_program) */
    void *user;
    /* Before the stack is made: change the configuration. Memory, seed and link are the rig's. */
    void (*configure)(void *user, wh_config *config);
    /* The stack is there and has its address: open listeners, connect. Returns the program's state. */
    void *(*begin)(void *user, wh_rig *rig, wh_stack *host, wh_time now);
    /* Something may have happened: take wh_events and act. Called until nothing more leaves. */
    void (*serve)(void *state, wh_stack *host, wh_time now);
    /* When the program wants to be served even if nothing happens; WH_NEVER. */
    wh_time (*wake)(void *state);
    /*
     * A line of the script that the rig does not know: its words, a quoted one with its opening
     * quote. Returns false if the program does not know it either; what goes wrong is told by
     * wh_rig_fail. What it sends leaves before the next line.
     */
    bool (*statement)(void *state, wh_rig *rig, char *const *word, unsigned words);
    /* The scenario is over: close every handle and free the state. */
    void (*end)(void *state, wh_stack *host);
} wh_rig_program;

typedef struct wh_rig_options {
    size_t size;
    FILE *out;        /* where results go; default stdout */
    const char *only; /* run the scenarios with this ID alone; NULL: all */
    unsigned width;   /* columns of a failure's ladder; 80 at least, the default */
    bool ascii;       /* draw it in ASCII */
    bool quiet;       /* no lines for runs that passed */
    /*
     * Run each scenario over IPv4 alone, and follow its line by one for each arc of the state
     * machine that its lines took, with tabs between:
     *     # arc  FILE:LINE  by itself | in a macro  FROM  EVENT  TO
     */
    bool arcs;
} wh_rig_options;

/* What was run so far. Zero to begin. */
typedef struct wh_rig_tally {
    unsigned long passed, failed;
} wh_rig_tally;

WH_API void wh_rig_options_init(wh_rig_options *options);
/*
 * Runs every scenario of a script's text, in both address families and at
 * several places of the sequence space, each with a new stack, and prints a line
 * for each run in the Test Anything Protocol; for a failure what passed, as a
 * ladder with the expected line marked. `name` stands for the text in messages;
 * program and options may be NULL. Adds to the tally. False if the text is no
 * script, which is said in a "Bail out!" line.
 */
WH_API bool wh_rig_run(const char *name, const char *text, const wh_rig_program *program,
                       const wh_rig_options *options, wh_rig_tally *tally);
/*
 * A whole test program: reads the files named by its arguments ("[--only ID]
 * [--quiet] [--arcs] FILE..."), runs them, prints plan and totals, and returns an exit status: 0 if
 * all passed, 1 if something failed or nothing ran, 2 for wrong usage.
 */
WH_API int wh_rig_main(int argc, char **argv, const wh_rig_program *program);

/* Fails the scenario; only the first failure is told. Returns false. */
WH_API bool wh_rig_fail(wh_rig *rig, const char *format, ...)
#if defined(__GNUC__)
    __attribute__((format(printf, 2, 3)))
#endif
    ;
/* Both ends of the flow that the running line speaks of. Local port 80 unless the script says otherwise. */
WH_API void wh_rig_endpoints(const wh_rig *rig, wh_endpoint *local, wh_endpoint *remote);

#ifdef __cplusplus
}
#endif

#endif
