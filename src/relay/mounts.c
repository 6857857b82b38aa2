/* SPDX-License-Identifier: MIT */
/*
 * The sandbox's own files: /etc/resolv.conf and /proc.
 *
 * resolv.conf is often a symbolic link into /run, and programs follow it; so the
 * file that it leads to is covered, by a bind mount from a tmpfs that nobody else
 * sees. The tmpfs needs a directory to be born in; it is unhooked from there
 * before the program starts.
 */
#define _GNU_SOURCE
#include "relay/inside.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "relay/sandbox.h"

/* A directory that exists everywhere; what it holds is covered for a moment, inside only. */
static const char *const birthplaces[] = { "/tmp", "/run", "/var", "/mnt" };

/* Covers `target` by a file of this text on the tmpfs at `place`. */
static int cover(const char *place, const char *target, const char *text)
{
    char file[PATH_MAX];
    snprintf(file, sizeof file, "%s/resolv.conf", place);
    int fd = open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0)
        return -1;
    fchmod(fd, 0644); /* whatever the umask */
    size_t length = strlen(text);
    bool written = write(fd, text, length) == (ssize_t)length;
    close(fd);
    return written ? mount(file, target, NULL, MS_BIND, NULL) : -1;
}

static int private_resolv_conf(const char *text)
{
    char target[PATH_MAX];
    if (!realpath("/etc/resolv.conf", target))
        return -1;
    for (size_t i = 0; i < sizeof birthplaces / sizeof *birthplaces; i++) {
        if (mount("wavehand", birthplaces[i], "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC,
                  "mode=0755,size=64k") < 0)
            continue;
        int done = cover(birthplaces[i], target, text);
        int reason = errno;
        umount2(birthplaces[i], MNT_DETACH);
        if (done == 0)
            return 0;
        errno = reason;
        /* The file to cover may itself lie below this directory; the next one may do. */
    }
    return -1;
}

int inside_mounts(const char *resolv_conf, char *error, char *note)
{
    /* Mounts of the host still come in; ours stay here. */
    if (mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) < 0) {
        snprintf(
            error, SANDBOX_TEXT,
            "cannot make mounts private: %s; where AppArmor restricts user namespaces, set sysctl "
            "kernel.apparmor_restrict_unprivileged_userns=0 or run wavehand as root",
            strerror(errno));
        return -1;
    }
    if (private_resolv_conf(resolv_conf) < 0 && !note[0])
        snprintf(note, SANDBOX_TEXT,
                 "cannot give the program an /etc/resolv.conf of its own (%s); "
                 "names resolve only if the host's names a server that it reaches",
                 strerror(errno));
    if (mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) < 0 && !note[0])
        snprintf(note, SANDBOX_TEXT,
                 "cannot mount a /proc for the sandbox (%s); the program sees the host's",
                 strerror(errno));
    return 0;
}
