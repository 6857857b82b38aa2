/* SPDX-License-Identifier: MIT */
/*
 * One run of a program.
 *
 * Signals. All are blocked and read from a descriptor. The program is in our
 * process group, so what the terminal sends (Ctrl-C, Ctrl-Z, a hang-up) has
 * reached it already; what somebody sent to us alone is passed on. We never stop
 * or die of a signal by ourselves: when the program stops, we stop, when it
 * dies, we end with its status.
 *
 * The end. When the program has ended its sockets may still hold data. The relay
 * goes on until all of it has reached the host's sockets, for ten seconds at
 * most; then a moment longer for the last segments of each close to be
 * exchanged, where the far ends close at all.
 */
#define _GNU_SOURCE
#include "relay/launch.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "relay/crew.h"
#include "relay/dns.h"
#include "relay/sandbox.h"

enum { STATUS_OURS = 125 };

/* How long data may take to leave after the program's end, and how long closes may take after that. */
#define DRAIN_TIME (10 * WH_SECOND)
#define CLOSE_TIME (250 * WH_MILLISECOND)

struct launch {
    struct sandbox sandbox;
    struct crew *crew;
    int signals;
    bool ended;
    int status;
    wh_time ended_at;
    wh_time look_again; /* when to ask for the sockets inside next */
    int terminal;       /* our controlling terminal, if we were in its foreground; or -1 */
};

static int complain(const char *text)
{
    fprintf(stderr, "wavehand: %s\n", text);
    return STATUS_OURS;
}

/* Every connection takes a descriptor. The program keeps the limits it was given. */
static void raise_descriptor_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return;
    const struct rlimit most = { .rlim_cur = 1 << 20, .rlim_max = 1 << 20 };
    if (limit.rlim_max < most.rlim_max && setrlimit(RLIMIT_NOFILE, &most) == 0)
        return; /* privileged */
    limit.rlim_cur = limit.rlim_max < most.rlim_max ? limit.rlim_max : most.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

static void signals_ready(void *context)
{
    struct launch *launch = context;
    struct signalfd_siginfo info;
    while (read(launch->signals, &info, sizeof info) == (ssize_t)sizeof info) {
        bool from_terminal = info.ssi_code == SI_KERNEL;
        int signal = (int)info.ssi_signo;
        if (signal != SIGCHLD && signal != SIGPIPE && !from_terminal && !launch->ended)
            sandbox_signal(&launch->sandbox, signal);
    }
}

static void report_ready(void *context)
{
    struct launch *launch = context;
    int value = 0;
    for (;;) {
        switch (sandbox_report(&launch->sandbox, &value)) {
        case SANDBOX_NOTHING: return;
        case SANDBOX_STOPPED:
            /* The shell that waits for us sees a stopped job; `fg` continues the whole group. */
            kill(getpid(), SIGSTOP);
            sandbox_signal(&launch->sandbox, SIGCONT);
            break;
        case SANDBOX_GONE:
            if (!launch->ended)
                launch->status = complain("the sandbox was killed");
            launch->ended = true;
            launch->ended_at = 0;
            return;
        case SANDBOX_ENDED:
            launch->ended = true;
            launch->status = value;
            launch->ended_at = wh_clock();
            break;
        }
    }
}

/* A shell inside may have taken the terminal for itself and died: take it back, as its parent would. */
static void reclaim_terminal(const struct launch *launch)
{
    if (launch->terminal >= 0 && tcgetpgrp(launch->terminal) != getpgrp())
        tcsetpgrp(launch->terminal, getpgrp()); /* SIGTTOU is blocked */
}

/* True when nothing is left to wait for; says what is given up. */
static bool drained(struct launch *launch, wh_time now)
{
    const struct relay_load load = crew_load(launch->crew);
    if (load.connections + load.closing == 0)
        return true;
    if (launch->ended_at == 0)
        return true; /* the network is gone: nobody is left to drain */
    wh_time waited = now - launch->ended_at;
    if (load.sending == 0)
        return waited >= CLOSE_TIME;
    /* A connection whose other end gave up, unheard, keeps nobody waiting. */
    if (waited >= CLOSE_TIME && load.waiting == 0 && now >= launch->look_again) {
        launch->look_again = now + CLOSE_TIME;
        if (sandbox_sockets(&launch->sandbox) == 0)
            return true;
    }
    if (waited < DRAIN_TIME)
        return false;
    fprintf(
        stderr,
        "wavehand: %zu connection%s still had data to send 10 s after the program ended: reset\n",
        load.sending, load.sending == 1 ? "" : "s");
    return true;
}

static int serve(struct launch *launch)
{
    while (!launch->ended)
        if (crew_turn(launch->crew, WH_NEVER) < 0)
            return complain("the TUN device is gone");
    reclaim_terminal(launch);
    crew_ending(launch->crew);
    /* At least one more turn: what the dead sent last may still wait in the device. */
    wh_time now = wh_clock();
    do {
        if (crew_turn(launch->crew, now + CLOSE_TIME / 8) < 0)
            break;
        now = wh_clock();
    } while (!drained(launch, now));
    return launch->status;
}

/* Opens everything that must be there before the program starts. */
static int open_crew(struct launch *launch, const struct launch_plan *plan, char *error)
{
    const struct sandbox *sandbox = &launch->sandbox;
    launch->crew = crew_new(&plan->relay, sandbox->tuns, sandbox->queues, error, SANDBOX_TEXT);
    if (!launch->crew)
        return -1;
    for (size_t i = 0; i < plan->publish_count; i++)
        if (crew_publish(launch->crew, &plan->publish[i], error, SANDBOX_TEXT) < 0)
            return -1;
    if (launch->signals < 0 ||
        crew_watch(launch->crew, launch->signals, signals_ready, launch) < 0 ||
        crew_watch(launch->crew, launch->sandbox.control, report_ready, launch) < 0) {
        snprintf(error, SANDBOX_TEXT, "cannot watch for signals: %s", strerror(errno));
        return -1;
    }
    return crew_start(launch->crew, error, SANDBOX_TEXT);
}

/* The terminal of standard input, output or error whose foreground we are. */
static int foreground_terminal(void)
{
    for (int fd = 0; fd <= 2; fd++)
        if (tcgetpgrp(fd) == getpgrp())
            return fd;
    return -1;
}

int launch(const struct launch_plan *plan)
{
    struct launch launch = { .terminal = foreground_terminal() };
    sigset_t all, before;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, &before);
    char host_conf[DNS_CONF], conf[DNS_CONF], error[SANDBOX_TEXT], note[SANDBOX_TEXT];
    dns_read("/etc/resolv.conf", host_conf);
    dns_inside(host_conf, conf);
    const struct sandbox_plan sandbox_plan = { .program = plan->program,
                                               .map_root = plan->map_root,
                                               .mtu = plan->relay.mtu,
                                               .queues = plan->threads,
                                               .resolv_conf = conf,
                                               .signals = &before };
    int status;
    if (sandbox_open(&launch.sandbox, &sandbox_plan, error, note) < 0) {
        status = complain(error);
    } else {
        if (note[0])
            fprintf(stderr, "wavehand: %s\n", note);
        raise_descriptor_limit();
        launch.signals = signalfd(-1, &all, SFD_NONBLOCK | SFD_CLOEXEC);
        if (open_crew(&launch, plan, error) < 0) {
            status = complain(error);
        } else {
            sandbox_start(&launch.sandbox);
            status = serve(&launch);
        }
        crew_free(launch.crew);
        sandbox_close(&launch.sandbox);
        if (launch.signals >= 0)
            close(launch.signals);
    }
    sigprocmask(SIG_SETMASK, &before, NULL);
    return status;
}
