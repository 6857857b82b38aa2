/* SPDX-License-Identifier: MIT */
/* Packets as they come, through libpcap. */
#define _GNU_SOURCE /* libpcap's headers want u_char and friends */
#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "link/capture_parts.h"

/* Links have other numbers in files than within libpcap on some systems; these are ours. */
static uint32_t file_link(int link)
{
    switch (link) {
    case DLT_RAW: return 101;
    case DLT_LOOP: return 108;
    default: return (uint32_t)link;
    }
}

static int fail(pcap_t *pcap, struct capture_reader *reader, const char *interface,
                const char *words, char *error, size_t error_size)
{
    bool permission = strstr(words, "ermi") != NULL; /* "permission", "Operation not permitted" */
    snprintf(error, error_size, "%s: cannot capture: %s%s", interface, words,
             permission ? "; capturing needs root or CAP_NET_RAW (setcap cap_net_raw+ep)" : "");
    if (pcap != NULL) {
        pcap_close(pcap);
    }
    free(reader);
    return WH_E_IO;
}

static bool set_filter(pcap_t *pcap, const char *filter)
{
    struct bpf_program program;
    if (filter == NULL) {
        return true;
    }
    if (pcap_compile(pcap, &program, filter, 1, PCAP_NETMASK_UNKNOWN) != 0) {
        return false;
    }
    bool good = pcap_setfilter(pcap, &program) == 0;
    pcap_freecode(&program);
    return good;
}

int capture_reader_live(struct capture_reader **reader, const char *interface, const char *filter,
                        char *error, size_t error_size)
{
    char words[PCAP_ERRBUF_SIZE] = "";
    struct capture_reader *made = calloc(1, sizeof *made);
    pcap_t *pcap = made != NULL ? pcap_create(interface, words) : NULL;
    if (pcap == NULL) {
        return fail(NULL, made, interface, made == NULL ? "no memory" : words, error, error_size);
    }
    (void)pcap_set_snaplen(pcap, 65535);
    (void)pcap_set_immediate_mode(pcap, 1);
    (void)pcap_set_buffer_size(pcap, 16 << 20);
    (void)pcap_set_tstamp_precision(pcap, PCAP_TSTAMP_PRECISION_NANO);
    int result = pcap_activate(pcap);
    if (result < 0) {
        snprintf(words, sizeof words, "%.150s (%.80s)", pcap_statustostr(result),
                 pcap_geterr(pcap));
        return fail(pcap, made, interface, words, error, error_size);
    }
    if (!set_filter(pcap, filter) || pcap_setnonblock(pcap, 1, words) != 0) {
        snprintf(words, sizeof words, "%.200s", pcap_geterr(pcap));
        return fail(pcap, made, interface, words, error, error_size);
    }
    made->live = pcap;
    if (capture_interface_add(made, file_link(pcap_datalink(pcap))) == NULL) {
        return fail(pcap, made, interface, "no memory", error, error_size);
    }
    made->interface[0].exponent =
        pcap_get_tstamp_precision(pcap) == PCAP_TSTAMP_PRECISION_NANO ? 9 : 6;
    *reader = made;
    return WH_OK;
}

int capture_reader_fd(const struct capture_reader *reader)
{
    return reader->live != NULL ? pcap_get_selectable_fd(reader->live) : -1;
}

int capture_live_next(struct capture_reader *reader, struct captured *captured, char *error,
                      size_t error_size)
{
    struct pcap_pkthdr *header;
    const u_char *bytes;
    int result = pcap_next_ex(reader->live, &header, &bytes);
    if (result == 0) {
        return CAPTURE_NOTHING_YET;
    }
    if (result != 1) {
        snprintf(error, error_size, "the capture ended: %s", pcap_geterr(reader->live));
        return WH_E_IO;
    }
    uint64_t unit = reader->interface[0].exponent == 9 ? 1 : WH_MICROSECOND;
    capture_fill(reader, captured, 0, bytes, header->caplen, header->len);
    captured->when = (wh_time)header->ts.tv_sec * WH_SECOND + (wh_time)header->ts.tv_usec * unit;
    return 1;
}

uint64_t capture_live_lost(const struct capture_reader *reader)
{
    struct pcap_stat stat;
    return pcap_stats(reader->live, &stat) == 0 ? (uint64_t)stat.ps_drop + stat.ps_ifdrop : 0;
}

void capture_live_close(struct capture_reader *reader) { pcap_close(reader->live); }
