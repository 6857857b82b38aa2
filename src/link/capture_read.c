/* SPDX-License-Identifier: MIT */
/*
 * Theory of operation. libpcap knows the file formats; here the link header in
 * front of each IP packet is stepped over, for the kinds of link that captures of
 * TCP commonly come from. Frames that hold no IP packet are given without one.
 */
#define _GNU_SOURCE /* libpcap's headers want u_char and friends */
#include "link/capture_read.h"

#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/bytes.h"

struct capture_reader {
    pcap_t *pcap;
    int link;
    uint64_t number;
};

enum {
    TYPE_IPV4 = 0x0800,
    TYPE_IPV6 = 0x86dd,
    TYPE_VLAN = 0x8100,
    TYPE_VLAN_OUTER = 0x88a8,
};

static bool link_known(int link)
{
    switch (link) {
    case DLT_RAW:
    case DLT_IPV4:
    case DLT_IPV6:
    case DLT_EN10MB:
    case DLT_NULL:
    case DLT_LOOP:
    case DLT_LINUX_SLL:
    case DLT_LINUX_SLL2: return true;
    default: return false;
    }
}

int capture_reader_open(struct capture_reader **reader, const char *file, char *error,
                        size_t error_size)
{
    char reason[PCAP_ERRBUF_SIZE] = "";
    struct capture_reader *made = calloc(1, sizeof *made);
    if (made == NULL) {
        snprintf(error, error_size, "%s: no memory", file);
        return WH_E_NOMEM;
    }
    made->pcap = pcap_open_offline_with_tstamp_precision(file, PCAP_TSTAMP_PRECISION_NANO, reason);
    if (made->pcap == NULL) {
        snprintf(error, error_size, "%s: cannot read this capture: %s", file, reason);
        free(made);
        return WH_E_IO;
    }
    made->link = pcap_datalink(made->pcap);
    if (!link_known(made->link)) {
        const char *name = pcap_datalink_val_to_name(made->link);
        snprintf(error, error_size,
                 "%s: captured on a link of kind %s; understood are Ethernet, raw IP, loopback and "
                 "Linux cooked captures",
                 file, name != NULL ? name : "unknown");
        capture_reader_close(made);
        return WH_E_INVAL;
    }
    *reader = made;
    return WH_OK;
}

/* Steps over up to two VLAN tags behind an EtherType at `at`; the IP packet's offset, or 0. */
static uint32_t after_ethertype(const struct captured *captured, uint32_t at)
{
    for (unsigned tags = 0; tags <= 2 && captured->length >= at + 2; tags++) {
        uint16_t type = get16(captured->frame + at);
        if (type == TYPE_IPV4 || type == TYPE_IPV6)
            return at + 2;
        if (type != TYPE_VLAN && type != TYPE_VLAN_OUTER)
            return 0;
        at += 4;
    }
    return 0;
}

/* Where the IP packet ought to begin. False if there is none. */
static bool find_ip(int link, const struct captured *captured, uint32_t *at)
{
    switch (link) {
    case DLT_EN10MB: *at = after_ethertype(captured, 12); return *at > 0;
    case DLT_LINUX_SLL: *at = after_ethertype(captured, 14); return *at > 0;
    case DLT_LINUX_SLL2: {
        /* The protocol stands in front here, and tags are not in the way. */
        uint16_t type = captured->length >= 20 ? get16(captured->frame) : 0;
        *at = 20;
        return type == TYPE_IPV4 || type == TYPE_IPV6;
    }
    case DLT_NULL:
    case DLT_LOOP:
        *at = 4; /* the address family before it differs between systems; the version will tell */
        return true;
    default: *at = 0; return true;
    }
}

int capture_reader_next(struct capture_reader *reader, struct captured *captured, char *error,
                        size_t error_size)
{
    struct pcap_pkthdr *header;
    const u_char *bytes;
    int result = pcap_next_ex(reader->pcap, &header, &bytes);
    if (result == PCAP_ERROR_BREAK)
        return 0;
    if (result != 1) {
        snprintf(error, error_size, "after frame %llu: %s", (unsigned long long)reader->number,
                 pcap_geterr(reader->pcap));
        return WH_E_IO;
    }
    *captured = (struct captured){
        .number = ++reader->number,
        /* With nanosecond precision tv_usec holds nanoseconds. */
        .when = (uint64_t)header->ts.tv_sec * WH_SECOND + (uint64_t)header->ts.tv_usec,
        .frame = bytes,
        .length = header->caplen,
        .wire_length = header->len,
    };
    uint32_t at;
    if (!find_ip(reader->link, captured, &at) || at >= captured->length)
        return 1;
    uint8_t version = bytes[at] >> 4;
    if (version == 4 || version == 6) {
        captured->ip = bytes + at;
        captured->ip_length = captured->length - at;
    }
    return 1;
}

void capture_reader_close(struct capture_reader *reader)
{
    if (reader == NULL)
        return;
    pcap_close(reader->pcap);
    free(reader);
}
