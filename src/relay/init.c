/* SPDX-License-Identifier: MIT */
/*
 * PID 1 of the sandbox.
 *
 * It makes the inside in a fixed order: ids, mounts, device, network. Then it
 * does nothing but wait for its children and for wavehand. Its signals are all
 * blocked: those from the terminal reach the program itself, which stays in
 * wavehand's process group so that Ctrl-C, Ctrl-Z and `fg` do what they always
 * do; those sent to wavehand alone arrive as CONTROL_SIGNAL.
 *
 * When the program has ended, whatever it left behind is killed at once, so that
 * the sockets of the dead begin to close; but init stays, and the network with
 * it, until wavehand has seen the last byte leave.
 */
#define _GNU_SOURCE
#include "relay/init.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <wavehand/link.h>

#include "relay/inside.h"

struct init {
    int control;
    int signals; /* signalfd: SIGCHLD */
    const struct sandbox_plan *plan;
    pid_t program; /* 0: not started; -1: has ended */
};

/* Sends one packet, with so many descriptors. */
static void tell(const struct init *init, enum control_kind kind, int value, const char *text,
                 const int *descriptors, uint32_t count)
{
    struct control_message message = { .kind = (int32_t)kind, .value = value };
    const size_t size = count * sizeof *descriptors;
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(SANDBOX_QUEUES * sizeof *descriptors)];
    } ancillary = { .space = { 0 } };
    struct iovec slice = { .iov_base = &message, .iov_len = sizeof message };
    struct msghdr packet = { .msg_iov = &slice, .msg_iovlen = 1 };
    snprintf(message.text, sizeof message.text, "%s", text);
    if (count > 0) {
        packet.msg_control = &ancillary;
        packet.msg_controllen = CMSG_SPACE(size);
        struct cmsghdr *header = CMSG_FIRSTHDR(&packet);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(size);
        memcpy(CMSG_DATA(header), descriptors, size);
    }
    /* Without wavehand there is no reason to go on. */
    if (sendmsg(init->control, &packet, MSG_NOSIGNAL) < 0)
        _exit(1);
}

_Noreturn static void fail(const struct init *init, const char *error)
{
    tell(init, CONTROL_FAILED, 0, error, NULL, 0);
    _exit(1);
}

/* Waits for the next packet from wavehand; its end is our end. */
static struct control_message hear(const struct init *init)
{
    struct control_message message;
    ssize_t n;
    do
        n = recv(init->control, &message, sizeof message, 0);
    while (n < 0 && errno == EINTR);
    if (n != (ssize_t)sizeof message)
        _exit(1);
    return message;
}

/* Opens the device, all its queues; the first is what tells of it. */
static void open_device(const struct init *init, wh_tun **queues, char *error)
{
    wh_tun_options options;
    wh_tun_options_init(&options);
    options.name = INSIDE_DEVICE;
    options.mtu = init->plan->mtu;
    options.multi_queue = init->plan->queues > 1;
    uint32_t i = 0;
    do
        if (wh_tun_open(&queues[i], &options, error, SANDBOX_TEXT) < 0)
            fail(init, error);
    while (++i < init->plan->queues);
}

/* Makes the inside and hands over the device. */
static void prepare(const struct init *init)
{
    char error[SANDBOX_TEXT] = "", note[SANDBOX_TEXT] = "";
    wh_tun *queues[SANDBOX_QUEUES];
    int descriptors[SANDBOX_QUEUES];
    if (inside_mounts(init->plan->resolv_conf, error, note) < 0)
        fail(init, error);
    open_device(init, queues, error);
    const char *device = wh_tun_name(queues[0]), *lacking = wh_tun_note(queues[0]);
    if (inside_network(device, init->plan->mtu, error, note) < 0)
        fail(init, error);
    if (!note[0] && lacking)
        snprintf(note, sizeof note, "%s", lacking);
    for (uint32_t i = 0; i < init->plan->queues; i++)
        descriptors[i] = wh_tun_fd(queues[i]);
    tell(init, CONTROL_READY, 0, note, descriptors, init->plan->queues);
    /* From now on the device lives exactly as long as wavehand's descriptors. */
    for (uint32_t i = 0; i < init->plan->queues; i++)
        wh_tun_close(queues[i]);
}

/* True if PATH has a file of this name, executable or not. */
static bool on_path(const char *name)
{
    const char *path = getenv("PATH");
    while (path && *path) {
        size_t length = strcspn(path, ":");
        char file[4096];
        int n = snprintf(file, sizeof file, "%.*s/%s", (int)length, path, name);
        if (n > 0 && (size_t)n < sizeof file && access(file, F_OK) == 0)
            return true;
        path += length + (path[length] == ':');
    }
    return false;
}

/* Runs in the child: becomes the program, or says why not. */
_Noreturn static void become_program(const struct sandbox_plan *plan)
{
    sigprocmask(SIG_SETMASK, plan->signals, NULL);
    execvp(plan->program[0], plan->program);
    int reason = errno;
    /* execvp answers EACCES as soon as one directory of PATH is closed to us; that is not "found". */
    if (reason == EACCES && !strchr(plan->program[0], '/') && !on_path(plan->program[0]))
        reason = ENOENT;
    fprintf(stderr, "wavehand: cannot run %s: %s\n", plan->program[0], strerror(reason));
    _exit(reason == ENOENT ? 127 : 126);
}

static void start(struct init *init)
{
    if (init->program != 0)
        return;
    pid_t pid = fork();
    if (pid == 0)
        become_program(init->plan);
    if (pid < 0) {
        char text[SANDBOX_TEXT];
        snprintf(text, sizeof text, "cannot start a process in the sandbox: %s", strerror(errno));
        fprintf(stderr, "wavehand: %s\n", text);
        init->program = -1;
        tell(init, CONTROL_ENDED, 125, "", NULL, 0);
        return;
    }
    init->program = pid;
}

/* Takes every child's news. */
static void reap(struct init *init)
{
    int status;
    pid_t pid;
    while ((pid = waitpid(-1, &status, WNOHANG | WUNTRACED)) > 0) {
        if (pid != init->program)
            continue;
        if (WIFSTOPPED(status)) {
            tell(init, CONTROL_STOPPED, WSTOPSIG(status), "", NULL, 0);
            continue;
        }
        init->program = -1;
        kill(-1, SIGKILL); /* everybody in this PID namespace but us */
        tell(init, CONTROL_ENDED,
             WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status), "", NULL, 0);
    }
}

_Noreturn static void serve(struct init *init)
{
    for (;;) {
        struct pollfd watched[2] = { { .fd = init->control, .events = POLLIN },
                                     { .fd = init->signals, .events = POLLIN } };
        if (poll(watched, 2, -1) < 0)
            continue;
        if (watched[1].revents) {
            struct signalfd_siginfo info;
            ssize_t n = read(init->signals, &info, sizeof info);
            (void)n;
            reap(init);
        }
        if (!watched[0].revents)
            continue;
        struct control_message message = hear(init);
        if (message.kind == CONTROL_START)
            start(init);
        else if (message.kind == CONTROL_SIGNAL && init->program > 0)
            kill(init->program, message.value);
    }
}

_Noreturn void init_main(int control, const struct sandbox_plan *plan)
{
    struct init init = { .control = control, .plan = plan };
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL);
    prctl(PR_SET_NAME, "wavehand-init");
    /* If wavehand died before the next line, hear() finds the socket's end. */
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    hear(&init);
    sigset_t child;
    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    init.signals = signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
    if (init.signals < 0)
        fail(&init, "cannot make a signal descriptor");
    /* SIGCHLD must not be ignored, or there is no status to report. */
    signal(SIGCHLD, SIG_DFL);
    prepare(&init);
    serve(&init);
}
