/* SPDX-License-Identifier: MIT */
/*
 * Opening TUN devices.
 *
 * A device is asked for a virtio-net header before each frame and told which
 * offloads we take: partial checksums, TCP super-segments (TSO) of both families,
 * and UDP super-datagrams (USO). The last are cut into datagrams before the stack
 * sees them: one read then fetches up to 64 KiB of a program that sends with
 * UDP_SEGMENT, as QUIC does, where it would otherwise take one each. What the
 * kernel refuses is done without, from the right of that list, and said.
 *
 * What we write needs no agreement: with that header the kernel takes partial
 * checksums and super-segments from anybody.
 *
 * A device may have several queues, a descriptor each. What leaves the system is spread
 * over them by a hash of its flow that is the same in both directions; what we write into
 * a queue makes its flow come back there, for as long as it is not silent for three
 * seconds and the device remembers fewer than 4096 flows. So a queue may at any time be
 * handed what another one began.
 */
#define _GNU_SOURCE
#include "link/tun.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

static const char device[] = "/dev/net/tun";

void wh_tun_options_init(wh_tun_options *options)
{
    *options = (wh_tun_options){ .size = sizeof *options, .fd = -1, .mtu = 65520, .offload = true };
}

static int explain_open(char *error, size_t error_size)
{
    const char *hint = "check that the system supports TUN devices";
    if (errno == ENOENT)
        hint = "load the module with \"modprobe tun\", or create it with \"mknod /dev/net/tun c 10 "
               "200\"";
    else if (errno == ENODEV || errno == ENXIO)
        hint = "load the module with \"modprobe tun\"";
    else if (errno == EACCES || errno == EPERM)
        hint = "let this user read and write it (\"chmod 666 /dev/net/tun\"), or run as root";
    snprintf(error, error_size, "cannot open %s: %s; %s", device, strerror(errno), hint);
    return WH_E_IO;
}

static int explain_create(const char *name, char *error, size_t error_size)
{
    const char *hint = "check that the system supports TUN devices";
    if (errno == EPERM || errno == EACCES)
        hint = "that needs CAP_NET_ADMIN in this network namespace: run as root, or in a user "
               "namespace with a network namespace of its own";
    else if (errno == EBUSY)
        hint = "another program has it open";
    else if (errno == EINVAL)
        hint = "a device of that name and another kind exists, or the name is not valid";
    snprintf(error, error_size, "cannot create the TUN device %s: %s; %s", name, strerror(errno),
             hint);
    return WH_E_IO;
}

/* Creates the device, or attaches to the one of that name. */
static int create(wh_tun *tun, const wh_tun_options *options, char *error, size_t error_size)
{
    struct ifreq request = { 0 };
    unsigned features = 0;
    if (options->name != NULL && strlen(options->name) >= sizeof request.ifr_name) {
        snprintf(error, error_size, "the name \"%.40s\" is too long for a network device",
                 options->name);
        return WH_E_INVAL;
    }
    tun->fd = open(device, O_RDWR | O_CLOEXEC | O_NONBLOCK);
    if (tun->fd < 0)
        return explain_open(error, error_size);
    tun->virtio = options->offload && ioctl(tun->fd, TUNGETFEATURES, &features) == 0 &&
                  (features & IFF_VNET_HDR) != 0;
    if (options->offload && !tun->virtio)
        snprintf(tun->note, sizeof tun->note,
                 "this kernel's TUN devices have no virtio-net header: no segmentation offload");
    if (options->name != NULL)
        memcpy(request.ifr_name, options->name, strlen(options->name));
    request.ifr_flags = (short)(IFF_TUN | IFF_NO_PI | (tun->virtio ? IFF_VNET_HDR : 0) |
                                (options->multi_queue ? IFF_MULTI_QUEUE : 0));
    if (ioctl(tun->fd, TUNSETIFF, &request) != 0)
        return explain_create(options->name != NULL ? options->name : "(any name)", error,
                              error_size);
    memcpy(tun->name, request.ifr_name, sizeof tun->name);
    return WH_OK;
}

/* Takes over a descriptor that is attached to a device. */
static int adopt(wh_tun *tun, const wh_tun_options *options, char *error, size_t error_size)
{
    struct ifreq request = { 0 };
    int flags = fcntl(options->fd, F_GETFL);
    tun->fd = options->fd;
    if (flags < 0 || ioctl(tun->fd, TUNGETIFF, &request) != 0) {
        snprintf(error, error_size, "descriptor %d is not attached to a TUN device: %s", tun->fd,
                 strerror(errno));
        return WH_E_INVAL;
    }
    if ((request.ifr_flags & (IFF_TUN | IFF_NO_PI)) != (IFF_TUN | IFF_NO_PI)) {
        snprintf(error, error_size,
                 "device %.15s must be a TUN device without packet information "
                 "(IFF_TUN, IFF_NO_PI)",
                 request.ifr_name);
        return WH_E_INVAL;
    }
    if (fcntl(tun->fd, F_SETFL, flags | O_NONBLOCK) != 0) {
        snprintf(error, error_size, "cannot make descriptor %d non-blocking: %s", tun->fd,
                 strerror(errno));
        return WH_E_IO;
    }
    tun->virtio = (request.ifr_flags & IFF_VNET_HDR) != 0;
    if (options->offload && !tun->virtio)
        snprintf(tun->note, sizeof tun->note,
                 "device %.15s was set up without a virtio-net header: no segmentation offload",
                 request.ifr_name);
    memcpy(tun->name, request.ifr_name, sizeof tun->name);
    return WH_OK;
}

/* Agrees on the length of the header, and on what the kernel may hand us. */
static int agree(wh_tun *tun, bool offload, char *error, size_t error_size)
{
    static const struct {
        unsigned long offloads;
        const char *note;
    } offers[] = {
        { OFFLOAD_CHECKSUM | OFFLOAD_TSO4 | OFFLOAD_TSO6 | OFFLOAD_USO4 | OFFLOAD_USO6, NULL },
        { OFFLOAD_CHECKSUM | OFFLOAD_TSO4 | OFFLOAD_TSO6,
          NULL }, /* before Linux 6.2 there is no USO */
        { OFFLOAD_CHECKSUM, "this kernel's TUN devices lack TCP segmentation offload" },
        { 0, "this kernel's TUN devices lack checksum and segmentation offload" },
    };
    const int header = sizeof(struct virtio_net);
    if (!tun->virtio)
        return WH_OK;
    if (ioctl(tun->fd, TUNSETVNETHDRSZ, &header) != 0) {
        snprintf(error, error_size, "cannot set the header length of device %s: %s", tun->name,
                 strerror(errno));
        return WH_E_IO;
    }
    if (!offload) {
        (void)ioctl(tun->fd, TUNSETOFFLOAD, 0UL); /* what comes all the same is understood */
        return WH_OK;
    }
    for (unsigned i = 0; i < sizeof offers / sizeof offers[0]; i++) {
        if (ioctl(tun->fd, TUNSETOFFLOAD, offers[i].offloads) != 0)
            continue;
        if (offers[i].note != NULL)
            snprintf(tun->note, sizeof tun->note, "%s", offers[i].note);
        break;
    }
    return WH_OK;
}

/* Of a device that was opened here: it lies in our network namespace. */
static int set_mtu(wh_tun *tun, uint32_t mtu, char *error, size_t error_size)
{
    struct ifreq request = { 0 };
    int result = WH_OK;
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    memcpy(request.ifr_name, tun->name, sizeof request.ifr_name);
    request.ifr_mtu = (int)mtu;
    if (fd < 0 || ioctl(fd, SIOCSIFMTU, &request) != 0) {
        snprintf(error, error_size, "cannot set the MTU of device %s to %u: %s", tun->name, mtu,
                 strerror(errno));
        result = errno == EINVAL ? WH_E_INVAL : WH_E_IO;
    }
    if (fd >= 0)
        close(fd);
    return result;
}

int wh_tun_open(wh_tun **answer, const wh_tun_options *given, char *error, size_t error_size)
{
    wh_tun_options options;
    wh_tun_options_init(&options);
    if (given->size == 0 || given->size > sizeof options) {
        snprintf(error, error_size, "wh_tun_options were not set by wh_tun_options_init");
        return WH_E_INVAL;
    }
    memcpy(&options, given, given->size);
    bool adopted = options.fd >= 0;
    wh_tun *tun = calloc(1, sizeof *tun);
    if (tun == NULL) {
        snprintf(error, error_size, "no memory for a TUN device");
        return WH_E_NOMEM;
    }
    tun->fd = -1;
    tun->sum = checksum_best();
    int result = adopted ? adopt(tun, &options, error, error_size)
                         : create(tun, &options, error, error_size);
    if (result == WH_OK)
        result = agree(tun, options.offload, error, error_size);
    if (result == WH_OK && !adopted)
        result = set_mtu(tun, options.mtu, error, error_size);
    if (result != WH_OK) {
        if (adopted)
            tun->fd = -1;
        wh_tun_close(tun);
        return result;
    }
    *answer = tun;
    return WH_OK;
}

void wh_tun_close(wh_tun *tun)
{
    if (tun == NULL)
        return;
    if (tun->fd >= 0)
        close(tun->fd);
    free(tun);
}

int wh_tun_fd(const wh_tun *tun) { return tun->fd; }

const char *wh_tun_name(const wh_tun *tun) { return tun->name; }

uint32_t wh_tun_features(const wh_tun *tun)
{
    return tun->virtio ? WH_TX_CHECKSUM | WH_TX_SEGMENTATION : 0;
}

const char *wh_tun_note(const wh_tun *tun) { return tun->note[0] != '\0' ? tun->note : NULL; }
