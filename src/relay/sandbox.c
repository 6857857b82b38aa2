/* SPDX-License-Identifier: MIT */
/* The sandbox as wavehand sees it; the theory is in sandbox.h. */
#define _GNU_SOURCE
#include "relay/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "relay/init.h"

/* True if we may make network, mount and PID namespaces and configure them as we are. */
static bool privileged(void)
{
    struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
    struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];
    if (syscall(SYS_capget, &header, data) < 0)
        return false;
    uint32_t need = 1U << CAP_SYS_ADMIN | 1U << CAP_NET_ADMIN;
    return (data[0].effective & need) == need;
}

/* Writes one line to /proc/PID/NAME. */
static int write_process_file(pid_t pid, const char *name, const char *line)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, name);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    ssize_t n = write(fd, line, strlen(line));
    close(fd);
    return n < 0 ? -1 : 0;
}

/* Maps one user and one group into the new user namespace: ours, as ourselves or as root. */
static int map_ids(pid_t pid, bool map_root)
{
    char line[64];
    /* Without privilege a group may be mapped only where setgroups(2) is given up. */
    if (write_process_file(pid, "setgroups", "deny") < 0 && errno != ENOENT)
        return -1;
    snprintf(line, sizeof line, "%u %u 1\n", map_root ? 0 : (unsigned)geteuid(),
             (unsigned)geteuid());
    if (write_process_file(pid, "uid_map", line) < 0)
        return -1;
    snprintf(line, sizeof line, "%u %u 1\n", map_root ? 0 : (unsigned)getegid(),
             (unsigned)getegid());
    return write_process_file(pid, "gid_map", line);
}

static void tell(struct sandbox *sandbox, enum control_kind kind, int value)
{
    struct control_message message = { .kind = (int32_t)kind, .value = value };
    /* A dead init is noticed by sandbox_report; there is nobody else to complain to. */
    ssize_t n = send(sandbox->control, &message, sizeof message, MSG_NOSIGNAL);
    (void)n;
}

/* Receives one packet, and the descriptors that may come with it. 0: the other end is gone. */
static ssize_t receive(struct sandbox *sandbox, struct control_message *message, int flags)
{
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(sizeof sandbox->tuns)];
    } ancillary;
    struct iovec slice = { .iov_base = message, .iov_len = sizeof *message };
    struct msghdr packet = { .msg_iov = &slice,
                             .msg_iovlen = 1,
                             .msg_control = &ancillary,
                             .msg_controllen = sizeof ancillary };
    ssize_t n;
    do
        n = recvmsg(sandbox->control, &packet, flags | MSG_CMSG_CLOEXEC);
    while (n < 0 && errno == EINTR);
    struct cmsghdr *header = n > 0 ? CMSG_FIRSTHDR(&packet) : NULL;
    if (header && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS) {
        size_t length = header->cmsg_len - CMSG_LEN(0);
        memcpy(sandbox->tuns, CMSG_DATA(header), length);
        sandbox->queues = (uint32_t)(length / sizeof sandbox->tuns[0]);
    }
    if (n < 0 && errno == ECONNRESET)
        return 0;
    return n;
}

/* Why clone(2) would not make the namespaces, and what to do about it. */
static void explain_clone(int error, bool user_namespace, char *text)
{
    if (user_namespace && (error == EPERM || error == EACCES || error == ENOSPC || error == EUSERS))
        snprintf(
            text, SANDBOX_TEXT,
            "this system forbids user namespaces (%s); allow them (sysctl "
            "user.max_user_namespaces, "
            "kernel.unprivileged_userns_clone or kernel.apparmor_restrict_unprivileged_userns), "
            "or run wavehand as root",
            strerror(error));
    else
        snprintf(text, SANDBOX_TEXT, "cannot make namespaces: %s", strerror(error));
}

/* Makes init. As a fork: no shared memory, the same stack. */
static int clone_init(struct sandbox *sandbox, const struct sandbox_plan *plan, char *error)
{
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0) {
        snprintf(error, SANDBOX_TEXT, "cannot make a socket pair: %s", strerror(errno));
        return -1;
    }
    unsigned long flags = CLONE_NEWNET | CLONE_NEWNS | CLONE_NEWPID | SIGCHLD;
    if (sandbox->user_namespace)
        flags |= CLONE_NEWUSER;
    pid_t pid = (pid_t)syscall(SYS_clone, flags, 0, 0, 0, 0);
    if (pid == 0) {
        close(ends[0]);
        init_main(ends[1], plan);
    }
    int reason = errno;
    close(ends[1]);
    if (pid < 0) {
        close(ends[0]);
        explain_clone(reason, sandbox->user_namespace, error);
        return -1;
    }
    sandbox->init = pid;
    sandbox->control = ends[0];
    return 0;
}

int sandbox_open(struct sandbox *sandbox, const struct sandbox_plan *plan, char *error, char *note)
{
    *sandbox = (struct sandbox){ .init = -1, .control = -1, .user_namespace = !privileged() };
    note[0] = '\0';
    if (clone_init(sandbox, plan, error) < 0)
        return -1;
    if (sandbox->user_namespace && map_ids(sandbox->init, plan->map_root) < 0) {
        snprintf(error, SANDBOX_TEXT, "cannot map user ids into the sandbox: %s", strerror(errno));
        sandbox_close(sandbox);
        return -1;
    }
    tell(sandbox, CONTROL_MAPPED, 0);
    struct control_message message = { 0 };
    ssize_t n = receive(sandbox, &message, 0);
    message.text[SANDBOX_TEXT - 1] = '\0';
    if (n == (ssize_t)sizeof message && message.kind == CONTROL_READY &&
        sandbox->queues == plan->queues) {
        memcpy(note, message.text, SANDBOX_TEXT);
        return 0;
    }
    if (n == (ssize_t)sizeof message && message.kind == CONTROL_FAILED)
        memcpy(error, message.text, SANDBOX_TEXT);
    else
        snprintf(error, SANDBOX_TEXT, "the sandbox died while it was being made");
    sandbox_close(sandbox);
    return -1;
}

void sandbox_start(struct sandbox *sandbox) { tell(sandbox, CONTROL_START, 0); }

void sandbox_signal(struct sandbox *sandbox, int signal) { tell(sandbox, CONTROL_SIGNAL, signal); }

enum sandbox_event sandbox_report(struct sandbox *sandbox, int *value)
{
    struct control_message message = { 0 };
    ssize_t n = receive(sandbox, &message, MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
        return SANDBOX_NOTHING;
    if (n != (ssize_t)sizeof message)
        return SANDBOX_GONE;
    *value = message.value;
    return message.kind == CONTROL_STOPPED ? SANDBOX_STOPPED : SANDBOX_ENDED;
}

/* The sockets of one table of /proc that can still send: not LISTEN, FIN-WAIT-2, TIME-WAIT. */
static int count_sockets(pid_t pid, const char *table)
{
    enum { ESTABLISHED = 1, FIN_WAIT_1 = 4, CLOSE_WAIT = 8, LAST_ACK = 9, CLOSING = 11 };
    char path[64], line[512];
    snprintf(path, sizeof path, "/proc/%d/net/%s", (int)pid, table);
    FILE *file = fopen(path, "re");
    if (!file)
        return -1;
    int count = 0;
    while (fgets(line, sizeof line, file)) {
        unsigned state = 0;
        if (sscanf(line, "%*s %*s %*s %x", &state) == 1)
            count += state == ESTABLISHED || state == FIN_WAIT_1 || state == CLOSE_WAIT ||
                     state == LAST_ACK || state == CLOSING;
    }
    fclose(file);
    return count;
}

int sandbox_sockets(const struct sandbox *sandbox)
{
    int ipv4 = count_sockets(sandbox->init, "tcp");
    int ipv6 = count_sockets(sandbox->init, "tcp6"); /* -1 where there is no IPv6 */
    return ipv4 < 0 ? -1 : ipv4 + (ipv6 > 0 ? ipv6 : 0);
}

void sandbox_close(struct sandbox *sandbox)
{
    if (sandbox->control >= 0)
        close(sandbox->control);
    sandbox->control = -1;
    if (sandbox->init > 0) {
        /* The kernel kills and reaps the whole PID namespace before waitpid answers. */
        kill(sandbox->init, SIGKILL);
        while (waitpid(sandbox->init, NULL, 0) < 0 && errno == EINTR)
            ;
    }
    sandbox->init = -1;
}
