/* SPDX-License-Identifier: MIT */
#include "tcp/ecn.h"

void ecn_ask(struct wh_conn *conn)
{
    conn->ecn = conn_option(conn, WH_OPT_ECN) == ECN_ASK;
    conn->ecn_send = conn->ecn;
}

uint16_t ecn_syn_flags(struct wh_conn *conn, bool answer, bool again)
{
    if (answer) {
        return conn->ecn_send ? WH_ECE : 0;
    }
    if (again) {
        /*
         * RFC 3168 6.1.1.1: what swallowed the SYN may have disliked its flags. Who has sent
         * a SYN without them sets no ECT, but echoes marks if the peer has answered the first.
         */
        conn->ecn_send = false;
    }
    return conn->ecn_send ? WH_ECE | WH_CWR : 0;
}

void ecn_agree(struct wh_conn *conn, uint16_t flags)
{
    bool agreed = (flags & WH_ACK) ? ecn_setup_syn_ack(flags) : ecn_setup_syn(flags);
    conn->ecn = conn->ecn && agreed;
    conn->ecn_send = conn->ecn_send && agreed;
}

void ecn_arrived(struct wh_conn *conn, const struct segment *segment)
{
    if (!conn->ecn) {
        return;
    }
    if (segment->flags & WH_CWR) {
        conn->ecn_echo = false;
    }
    /* RFC 3168 6.1.3; only data can bear a mark that counts (6.1.4). */
    if ((segment->traffic_class & ECN_CE) == ECN_CE && segment->length > 0) {
        uint32_t size = segment->segment_size != 0 ? segment->segment_size : segment->length;
        conn->marks_in += (segment->length + size - 1) / size;
        because(conn->tcp, WH_WHY_ECN_MARK);
        conn->ecn_echo = true;
    }
}
