/* SPDX-License-Identifier: MIT */
/*
 * The sandbox: the private network that a program runs in, and the two processes
 * it takes.
 *
 *     wavehand ──control──> init ──fork──> the program
 *     (host's network)      (PID 1 of the sandbox; network, mount, PID and
 *                            perhaps user namespace of its own)
 *
 * init makes everything that has to be made inside (TUN device, addresses,
 * resolv.conf, /proc), hands the device's queues to wavehand, starts the program
 * when told to, and then reaps children, passes signals on and reports. Nobody
 * outlives wavehand: init dies with it (PR_SET_PDEATHSIG, and the end of the
 * control socket), the kernel kills a PID namespace with its init, and network
 * and device go with their last user.
 */
#ifndef WAVEHAND_RELAY_SANDBOX_H
#define WAVEHAND_RELAY_SANDBOX_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum { SANDBOX_TEXT = 400, SANDBOX_QUEUES = 16 };

struct sandbox_plan {
    char *const *program;    /* argv of the program, ended by NULL */
    bool map_root;           /* the program is root inside */
    uint32_t mtu;            /* of the TUN device */
    uint32_t queues;         /* of the TUN device: 1 to SANDBOX_QUEUES */
    const char *resolv_conf; /* text of the program's /etc/resolv.conf */
    const sigset_t *signals; /* the signal mask to start the program with */
};

struct sandbox {
    pid_t init;               /* as wavehand sees it */
    int control;              /* becomes readable when there is a report; -1: ended */
    int tuns[SANDBOX_QUEUES]; /* the device's queues, now the caller's */
    uint32_t queues;
    bool user_namespace; /* the sandbox has one of its own */
};

/*
 * Makes the sandbox, its network up and its program not yet started. -1 on
 * failure, with a line for people in error[SANDBOX_TEXT] and nothing left behind.
 * note[SANDBOX_TEXT] gets a line on what could not be done but is not needed, or "".
 */
int sandbox_open(struct sandbox *sandbox, const struct sandbox_plan *plan, char *error, char *note);
/* Starts the program. */
void sandbox_start(struct sandbox *sandbox);
/* Passes a signal on to the program, if it still runs. */
void sandbox_signal(struct sandbox *sandbox, int signal);

enum sandbox_event {
    SANDBOX_NOTHING, /* no report waits */
    SANDBOX_STOPPED, /* the program was stopped by signal *value */
    SANDBOX_ENDED,   /* the program ended with exit status *value (128 + n: killed by signal n) */
    SANDBOX_GONE,    /* init itself is dead */
};

/* The next report; never blocks. */
enum sandbox_event sandbox_report(struct sandbox *sandbox, int *value);
/*
 * How many TCP sockets inside may still have something to say; -1 if the kernel does not tell.
 * Where a path loses segments, this is more than the far end of the device can know.
 */
int sandbox_sockets(const struct sandbox *sandbox);
/* Kills whatever is left inside and waits until it is gone. The queues stay the caller's. */
void sandbox_close(struct sandbox *sandbox);

#endif
