/* SPDX-License-Identifier: MIT */
#include "cases.h"

/* clang-format off */
#define SEG(...) { .act = SEGMENT, __VA_ARGS__ }
#define DO(what) { .act = (what) }

/* -------------------------------------------------------- ways into states -- */

static const struct way closed = { "CLOSED", WH_CLOSED, NULL, { { NOTHING } } };
static const struct way listening = { "LISTEN", WH_LISTEN, NULL, { DO(LISTEN) } };
static const struct way syn_sent = { "SYN-SENT", WH_SYN_SENT, NULL, { DO(CONNECT) } };
static const struct way half_open = {
    "SYN-RECEIVED", WH_SYN_RECEIVED, &listening, { SEG(.flags = WH_SYN) } };
static const struct way crossed = {
    "SYN-RECEIVED (simultaneous)", WH_SYN_RECEIVED, &syn_sent, { SEG(.flags = WH_SYN) } };
static const struct way handshaken = {
    "ESTABLISHED", WH_ESTABLISHED, &half_open, { SEG(.flags = WH_ACK) } };
static const struct way established = {
    "ESTABLISHED", WH_ESTABLISHED, &handshaken, { DO(ACCEPT) } };
static const struct way connected = {
    "ESTABLISHED (active)", WH_ESTABLISHED, &syn_sent, { SEG(.flags = WH_SYN | WH_ACK) } };
static const struct way shut = {
    "ESTABLISHED (window shut)", WH_ESTABLISHED, &established, { DO(FILL) } };
static const struct way fin_wait_1 = {
    "FIN-WAIT-1", WH_FIN_WAIT_1, &established, { DO(SHUTDOWN) } };
static const struct way fin_wait_2 = {
    "FIN-WAIT-2", WH_FIN_WAIT_2, &fin_wait_1, { SEG(.flags = WH_ACK) } };
static const struct way close_wait = {
    "CLOSE-WAIT", WH_CLOSE_WAIT, &established, { SEG(.flags = WH_FIN | WH_ACK) } };
static const struct way closing = {
    "CLOSING", WH_CLOSING, &fin_wait_1, { SEG(.flags = WH_FIN | WH_ACK, .ack = -1) } };
static const struct way last_ack = {
    "LAST-ACK", WH_LAST_ACK, &close_wait, { DO(SHUTDOWN) } };
static const struct way time_wait = {
    "TIME-WAIT", WH_TIME_WAIT, &fin_wait_2, { SEG(.flags = WH_FIN | WH_ACK) } };
static const struct way orphan_1 = {
    "FIN-WAIT-1 (closed)", WH_FIN_WAIT_1, &established, { DO(CLOSE) } };
static const struct way orphan_2 = {
    "FIN-WAIT-2 (closed)", WH_FIN_WAIT_2, &orphan_1, { SEG(.flags = WH_ACK) } };
static const struct way orphan_closing = {
    "CLOSING (closed)", WH_CLOSING, &orphan_1, { SEG(.flags = WH_FIN | WH_ACK, .ack = -1) } };
static const struct way orphan_last = {
    "LAST-ACK (closed)", WH_LAST_ACK, &close_wait, { DO(CLOSE) } };
static const struct way orphan_wait = {
    "TIME-WAIT (closed)", WH_TIME_WAIT, &orphan_2, { SEG(.flags = WH_FIN | WH_ACK) } };

/* What is put to several states. */
#define OPEN_FOUR &established, &fin_wait_1, &fin_wait_2, &close_wait
#define SYNCHRONIZED OPEN_FOUR, &closing, &last_ack

const struct scenario scenarios[] = {
    /* -------------------------------------------------------------- opening -- */
    { "H01", "an active open", { &closed }, .steps = { DO(CONNECT) } },
    { "H02", "SYN", { &listening }, .steps = { SEG(.flags = WH_SYN) } },
    { "H02 O04 O05 O06", "SYN with every option", { &listening },
      .options = WH_HAS_WINDOW_SCALE | WH_HAS_SACK_PERMITTED | WH_HAS_TIMESTAMPS,
      .steps = { SEG(.flags = WH_SYN) } },
    { "H03", "SYN,ACK", { &syn_sent }, .steps = { SEG(.flags = WH_SYN | WH_ACK) } },
    { "H04", "the third ACK", { &half_open }, .steps = { SEG(.flags = WH_ACK) } },
    { "H05 H06", "the third ACK with data", { &half_open },
      .steps = { SEG(.flags = WH_ACK, .data = 10) } },
    { "H07 C27", "the third ACK with data and FIN", { &half_open },
      .steps = { SEG(.flags = WH_ACK | WH_FIN, .data = 10) } },
    { "H12", "the SYN again", { &half_open },
      .steps = { SEG(.flags = WH_SYN, .from = AT_FIRST), SEG(.flags = WH_ACK) } },
    { "H12", "the SYN again, now with data", { &half_open },
      .steps = { SEG(.flags = WH_SYN, .from = AT_FIRST, .data = 10), SEG(.flags = WH_ACK) } },
    { "H12", "the crossing SYN again", { &crossed },
      .steps = { SEG(.flags = WH_SYN, .from = AT_FIRST) } },
    { "H13", "the SYN,ACK again", { &connected },
      .steps = { SEG(.flags = WH_SYN | WH_ACK, .from = AT_FIRST) } },
    { "H14", "the third ACK again", { &handshaken, &established },
      .steps = { SEG(.flags = WH_ACK) } },
    { "H14", "the third ACK again, after data", { &established },
      .steps = { SEG(.flags = WH_ACK, .data = 10), SEG(.flags = WH_ACK, .seq = -10) } },
    { "H16", "SYN with data", { &listening },
      .steps = { SEG(.flags = WH_SYN, .from = AT_FIRST, .seq = 0, .data = 10),
                 SEG(.flags = WH_ACK, .seq = -10), SEG(.flags = WH_ACK, .seq = -10, .data = 10) } },
    { "H17", "SYN,ACK with data", { &syn_sent },
      .steps = { SEG(.flags = WH_SYN | WH_ACK, .data = 10) } },
    { "H19", "SYN with FIN", { &listening }, .steps = { SEG(.flags = WH_SYN | WH_FIN) } },
    { "H20", "a bare SYN", { &syn_sent }, .steps = { SEG(.flags = WH_SYN) } },
    { "H21", "the crossing SYN,ACK", { &crossed },
      .steps = { SEG(.flags = WH_SYN | WH_ACK, .from = AT_FIRST), SEG(.flags = WH_ACK) } },
    { "H24", "SYN,ACK with data and FIN", { &syn_sent },
      .steps = { SEG(.flags = WH_SYN | WH_ACK | WH_FIN, .data = 10) } },
    { "H25", "a bare SYN with data", { &syn_sent },
      .steps = { SEG(.flags = WH_SYN, .data = 10) } },
    { "H26", "the good ACK on data beyond a hole", { &half_open },
      .steps = { SEG(.flags = WH_ACK, .seq = 10, .data = 10) } },

    /* -------------------------------------------------------------- options -- */
    { "O03", "MSS on a data segment", { &established },
      .steps = { SEG(.flags = WH_ACK, .data = 10, .options = WH_HAS_MSS) } },
    { "O05", "a data segment without the agreed timestamps", { &established },
      .options = WH_HAS_TIMESTAMPS, .steps = { SEG(.flags = WH_ACK, .data = 10, .bare = true) } },
    { "O10", "an ECN-setup SYN", { &listening },
      .steps = { SEG(.flags = WH_SYN | WH_ECE | WH_CWR) } },
    { "O10", "an Accurate-ECN SYN", { &listening },
      .steps = { SEG(.flags = WH_SYN | WH_ECE | WH_CWR | WH_AE) } },
    { "O14", "SYN,ACK without our options", { &syn_sent },
      .steps = { SEG(.flags = WH_SYN | WH_ACK), SEG(.flags = WH_ACK, .data = 10) } },

    /* ------------------------------------------- old duplicates, half-open -- */
    { "D01", "SYN,ACK for a SYN never sent", { &syn_sent },
      .steps = { SEG(.flags = WH_SYN | WH_ACK, .ack = 100),
                 SEG(.flags = WH_SYN | WH_ACK, .from = AT_FIRST) } },
    { "D01", "SYN,ACK for nothing", { &syn_sent },
      .steps = { SEG(.flags = WH_SYN | WH_ACK, .ack = -1) } },
    { "D02", "an old SYN's RST, then the real SYN", { &half_open },
      .steps = { SEG(.flags = WH_RST), SEG(.flags = WH_SYN, .seq = 1000) } },
    { "D03", "RST with an unacceptable ACK", { &syn_sent },
      .steps = { SEG(.flags = WH_RST | WH_ACK, .ack = 100) } },
    { "D04", "a good ACK without SYN", { &syn_sent }, .steps = { SEG(.flags = WH_ACK) } },
    { "D05", "an unacceptable ACK without SYN", { &syn_sent },
      .steps = { SEG(.flags = WH_ACK, .ack = 100) } },
    { "D06", "data without ACK", { &listening, &syn_sent, &half_open, &established },
      .steps = { SEG(.flags = 0, .data = 10) } },
    { "D06 C27", "FIN without ACK", { &listening, &syn_sent, &half_open, &established },
      .steps = { SEG(.flags = WH_FIN) } },
    { "D06", "no flags, no data", { &listening, &syn_sent, &half_open, &established },
      .steps = { SEG(.flags = 0) } },
    { "D07", "ACK", { &listening },
      .steps = { SEG(.flags = WH_ACK, .ack = 5000), SEG(.flags = WH_SYN, .from = AT_FIRST) } },
    { "D07", "SYN,ACK", { &listening }, .steps = { SEG(.flags = WH_SYN | WH_ACK, .ack = 5000) } },
    { "D07", "FIN,ACK", { &listening }, .steps = { SEG(.flags = WH_FIN | WH_ACK, .ack = 5000) } },
    { "B03", "ACK with data and no cookie", { &listening },
      .steps = { SEG(.flags = WH_ACK, .ack = 5000, .data = 10) } },
    { "D08", "another SYN in the window", { &half_open },
      .steps = { SEG(.flags = WH_SYN, .seq = 100), SEG(.flags = WH_ACK) } },
    { "D08", "another SYN outside the window", { &half_open },
      .steps = { SEG(.flags = WH_SYN, .from = AT_HALF), SEG(.flags = WH_ACK) } },
    { "D09", "ACK outside the window", { &half_open },
      .steps = { SEG(.flags = WH_ACK, .from = AT_EDGE, .seq = 1) } },
    { "D09", "data below the window", { &half_open },
      .steps = { SEG(.flags = WH_ACK, .seq = -11, .data = 10), SEG(.flags = WH_ACK) } },
    { "D10", "an ACK too high", { &half_open, &crossed },
      .steps = { SEG(.flags = WH_ACK, .ack = 100), SEG(.flags = WH_ACK) } },
    { "D10", "an ACK too low", { &half_open, &crossed },
      .steps = { SEG(.flags = WH_ACK, .ack = -1), SEG(.flags = WH_ACK) } },
    { "D11", "SYN at RCV.NXT", { SYNCHRONIZED }, .steps = { SEG(.flags = WH_SYN, .seq = 0, .from = AT_FIRST, .ack = 0), SEG(.flags = WH_SYN, .seq = 100) } },
    { "D11", "SYN outside the window", { SYNCHRONIZED },
      .steps = { SEG(.flags = WH_SYN, .from = AT_HALF) } },
    { "D11", "SYN with data in the window", { SYNCHRONIZED },
      .steps = { SEG(.flags = WH_SYN, .seq = 1, .data = 10) } },
    { "D11", "SYN,ACK in the window", { SYNCHRONIZED },
      .steps = { SEG(.flags = WH_SYN | WH_ACK, .seq = 1) } },
    { "D12", "the peer rebooted and reconnects", { &established },
      .steps = { SEG(.flags = WH_SYN, .seq = 100000), SEG(.flags = WH_RST),
                 SEG(.flags = WH_SYN, .seq = 100000) } },
    { "D13", "the peer rebooted and we send", { &established },
      .steps = { { .act = SEND, .data = 10 }, SEG(.flags = WH_RST) } },
    { "D14", "an ACK of what was never sent", { SYNCHRONIZED },
      .steps = { SEG(.flags = WH_ACK, .ack = 1) } },
    { "D14", "... with data", { &established, &fin_wait_1, &fin_wait_2 },
      .steps = { SEG(.flags = WH_ACK, .ack = 1, .data = 10) } },
    { "D15", "an ACK older than any window, with data", { &established, &fin_wait_2 },
      .steps = { SEG(.flags = WH_ACK, .ack = -200000, .data = 10) } },
    { "D18", "another SYN in the window of a simultaneous open", { &crossed },
      .steps = { SEG(.flags = WH_SYN, .seq = 100) } },

    /* --------------------------------------------------------------- resets -- */
    { "R01", "SYN", { &closed }, .steps = { SEG(.flags = WH_SYN) } },
    { "R01", "SYN with data", { &closed }, .steps = { SEG(.flags = WH_SYN, .data = 10) } },
    { "R02", "ACK", { &closed }, .steps = { SEG(.flags = WH_ACK, .ack = 5000) } },
    { "R02", "SYN,ACK", { &closed }, .steps = { SEG(.flags = WH_SYN | WH_ACK, .ack = 5000) } },
    { "R02", "FIN,ACK with data", { &closed },
      .steps = { SEG(.flags = WH_FIN | WH_ACK, .ack = 5000, .data = 10) } },
    { "R03", "data without ACK", { &closed }, .steps = { SEG(.flags = 0, .data = 10) } },
    { "R03", "FIN without ACK", { &closed }, .steps = { SEG(.flags = WH_FIN) } },
    { "R04", "RST", { &closed, &listening }, .steps = { SEG(.flags = WH_RST) } },
    { "R04", "RST,ACK", { &closed, &listening }, .steps = { SEG(.flags = WH_RST | WH_ACK, .ack = 5000) } },
    { "R05", "RST,ACK of the SYN", { &syn_sent },
      .steps = { SEG(.flags = WH_RST | WH_ACK) } },
    { "R05", "RST,ACK of the SYN, whatever its number", { &syn_sent },
      .steps = { SEG(.flags = WH_RST | WH_ACK, .seq = 123456) } },
    { "R06", "RST without ACK", { &syn_sent }, .steps = { SEG(.flags = WH_RST) } },
    { "R07", "RST at RCV.NXT", { &half_open },
      .steps = { SEG(.flags = WH_RST), SEG(.flags = WH_ACK) } },
    { "R08", "RST at RCV.NXT", { &crossed }, .steps = { SEG(.flags = WH_RST) } },
    { "R09", "RST in the window but not exact", { &half_open, &crossed },
      .steps = { SEG(.flags = WH_RST, .seq = 1), SEG(.flags = WH_ACK) } },
    { "R09", "RST outside the window", { &half_open, &crossed },
      .steps = { SEG(.flags = WH_RST, .from = AT_EDGE, .seq = 1), SEG(.flags = WH_ACK) } },
    { "R10", "RST at RCV.NXT", { OPEN_FOUR }, .steps = { SEG(.flags = WH_RST) } },
    { "R11", "RST one beyond RCV.NXT", { OPEN_FOUR }, .steps = { SEG(.flags = WH_RST, .seq = 1) } },
    { "R11", "RST at the last number of the window", { OPEN_FOUR },
      .steps = { SEG(.flags = WH_RST, .from = AT_EDGE, .seq = -1) } },
    { "R12", "RST one below RCV.NXT", { OPEN_FOUR }, .steps = { SEG(.flags = WH_RST, .seq = -1) } },
    { "R12", "RST at the right edge of the window", { OPEN_FOUR },
      .steps = { SEG(.flags = WH_RST, .from = AT_EDGE) } },
    { "R12", "RST beyond the right edge of the window", { OPEN_FOUR },
      .steps = { SEG(.flags = WH_RST, .from = AT_EDGE, .seq = 1) } },
    { "R13", "RST at RCV.NXT", { &closing, &last_ack }, .steps = { SEG(.flags = WH_RST) } },
    { "R13", "RST in the window", { &closing, &last_ack },
      .steps = { SEG(.flags = WH_RST, .seq = 1) } },
    { "R13", "RST below the window", { &closing, &last_ack },
      .steps = { SEG(.flags = WH_RST, .seq = -1) } },
    { "R14", "RST at RCV.NXT against a shut window", { &shut },
      .small = true, .steps = { SEG(.flags = WH_RST) } },
    { "R15", "RST with data", { OPEN_FOUR }, .steps = { SEG(.flags = WH_RST, .data = 10) } },
    { "R15", "RST,ACK with a nonsense ACK", { OPEN_FOUR },
      .steps = { SEG(.flags = WH_RST | WH_ACK, .ack = 123456) } },
    { "R16", "RST without the agreed timestamps", { &established },
      .options = WH_HAS_TIMESTAMPS, .steps = { SEG(.flags = WH_RST, .bare = true) } },
    { "R16", "RST with an old timestamp", { &established },
      .options = WH_HAS_TIMESTAMPS, .steps = { SEG(.flags = WH_RST, .stamp = -5000) } },
    { "R17", "RST at RCV.NXT with data held beyond a hole", { &established },
      .options = WH_HAS_SACK_PERMITTED,
      .steps = { SEG(.flags = WH_ACK, .seq = 10, .data = 10), SEG(.flags = WH_RST) } },
    { "R17", "RST at the end of the data held beyond a hole", { &established },
      .options = WH_HAS_SACK_PERMITTED,
      .steps = { SEG(.flags = WH_ACK, .seq = 10, .data = 10), SEG(.flags = WH_RST, .seq = 20) } },
    { "R18", "SYN,RST at RCV.NXT", { &half_open, OPEN_FOUR },
      .steps = { SEG(.flags = WH_SYN | WH_RST) } },
    { "R18", "SYN,RST", { &closed, &listening }, .steps = { SEG(.flags = WH_SYN | WH_RST) } },

    /* --------------------------------------------------- listen, failed opens -- */
    { "B05", "the listener closes over a half-open entry", { &half_open },
      .steps = { DO(UNLISTEN), SEG(.flags = WH_ACK) } },
    { "B05", "the listener closes over a connection not accepted", { &handshaken },
      .steps = { DO(UNLISTEN), SEG(.flags = WH_ACK, .data = 10) } },
    { "E08", "the listener closes", { &listening },
      .steps = { DO(UNLISTEN), SEG(.flags = WH_SYN) } },
    { "E01", "ICMP port unreachable", { &syn_sent },
      .steps = { { .act = MESSAGE, .kind = ICMP_PORT_UNREACHABLE, .from = AT_OWN_SYN } } },
    { "E01", "ICMP protocol unreachable", { &syn_sent },
      .steps = { { .act = MESSAGE, .kind = ICMP_PROTOCOL_UNREACHABLE, .from = AT_OWN_SYN } } },
    { "E02", "ICMP host unreachable", { &syn_sent },
      .steps = { { .act = MESSAGE, .kind = ICMP_HOST_UNREACHABLE, .from = AT_OWN_SYN } } },
    { "E02", "ICMP net unreachable", { &syn_sent },
      .steps = { { .act = MESSAGE, .kind = ICMP_NET_UNREACHABLE, .from = AT_OWN_SYN } } },
    { "E02", "ICMP time exceeded", { &syn_sent },
      .steps = { { .act = MESSAGE, .kind = ICMP_TIME_EXCEEDED, .from = AT_OWN_SYN } } },
    { "E03", "ICMP port unreachable that quotes another number", { &syn_sent, &established },
      .steps = { { .act = MESSAGE, .kind = ICMP_PORT_UNREACHABLE, .seq = 1000 } } },
    { "E10", "ICMP port unreachable about data in flight", { &established },
      .steps = { { .act = SEND, .data = 10 },
                 { .act = MESSAGE, .kind = ICMP_PORT_UNREACHABLE, .seq = -10 } } },
    { "E05", "close", { &syn_sent }, .steps = { DO(CLOSE), SEG(.flags = WH_SYN | WH_ACK) } },
    { "E05", "abort", { &syn_sent }, .steps = { DO(ABORT), SEG(.flags = WH_SYN | WH_ACK) } },
    { "E06", "close", { &crossed }, .steps = { DO(CLOSE), SEG(.flags = WH_ACK, .ack_from = AT_OWN_SYN, .ack = 1) } },
    { "E07", "abort", { &crossed }, .steps = { DO(ABORT) } },

    /* -------------------------------------------------------------- closing -- */
    { "C01", "close", { &established }, .steps = { DO(CLOSE) } },
    { "C02", "send and close", { &established },
      .steps = { { .act = SEND, .data = 100 }, DO(CLOSE) } },
    { "C03", "ACK of all but the FIN, then of the FIN", { &fin_wait_1, &orphan_1 },
      .steps = { SEG(.flags = WH_ACK, .ack = -1), SEG(.flags = WH_ACK) } },
    { "C04", "FIN", { &fin_wait_2, &orphan_2 }, .steps = { SEG(.flags = WH_FIN | WH_ACK) } },
    { "C05", "FIN,ACK of our FIN", { &fin_wait_1, &orphan_1 },
      .steps = { SEG(.flags = WH_FIN | WH_ACK) } },
    { "C06", "data, FIN and ACK of our FIN", { &fin_wait_1 },
      .steps = { SEG(.flags = WH_FIN | WH_ACK, .data = 10) } },
    { "C07", "FIN", { &established }, .steps = { SEG(.flags = WH_FIN | WH_ACK) } },
    { "C08", "data and FIN", { &established },
      .steps = { SEG(.flags = WH_FIN | WH_ACK, .data = 10) } },
    { "C09 C10", "close, and the ACK of the FIN", { &close_wait },
      .steps = { DO(CLOSE), SEG(.flags = WH_ACK), SEG(.flags = WH_ACK) } },
    { "C10", "ACK of our FIN", { &last_ack, &orphan_last },
      .steps = { SEG(.flags = WH_ACK), SEG(.flags = WH_ACK) } },
    { "C13", "the FIN again, not covering ours", { &close_wait, &closing, &last_ack, &orphan_closing, &orphan_last },
      .steps = { SEG(.flags = WH_FIN | WH_ACK, .seq = -1, .ack_from = AT_OWN_SYN, .ack = 1) } },
    { "C14", "FIN beyond a hole, then the hole", { &established },
      .steps = { SEG(.flags = WH_FIN | WH_ACK, .seq = 10, .data = 10),
                 SEG(.flags = WH_ACK, .data = 10) } },
    { "C14", "FIN beyond a hole, with SACK", { &established }, .options = WH_HAS_SACK_PERMITTED,
      .steps = { SEG(.flags = WH_FIN | WH_ACK, .seq = 10, .data = 10),
                 SEG(.flags = WH_ACK, .data = 10) } },
    { "C15", "old data, new data and FIN", { &established },
      .steps = { SEG(.flags = WH_ACK, .data = 10),
                 SEG(.flags = WH_FIN | WH_ACK, .seq = -10, .data = 20) } },
    { "C16", "data and FIN past the right edge", { &established }, .small = true,
      .steps = { SEG(.flags = WH_ACK, .from = AT_EDGE, .seq = -100, .data = 10),
                 SEG(.flags = WH_FIN | WH_ACK, .from = AT_EDGE, .seq = -10, .data = 20) } },
    { "C17", "FIN against a shut window", { &shut }, .small = true,
      .steps = { SEG(.flags = WH_FIN | WH_ACK, .from = AT_EDGE) } },
    { "C30", "data against a shut window", { &shut }, .small = true,
      .steps = { SEG(.flags = WH_ACK, .from = AT_EDGE, .data = 1) } },
    { "C19", "data after shutdown", { &fin_wait_1, &fin_wait_2 },
      .steps = { SEG(.flags = WH_ACK, .data = 10) } },
    { "C20", "sending", { &close_wait }, .steps = { { .act = SEND, .data = 100 } } },
    { "C21", "send after shutdown, then close", { &fin_wait_1, &fin_wait_2, &last_ack },
      .steps = { { .act = SEND, .data = 10 }, DO(CLOSE) } },
    { "C22", "data beyond the peer's FIN", { &close_wait, &closing, &last_ack },
      .steps = { SEG(.flags = WH_ACK, .data = 10) } },
    { "C22", "FIN beyond the peer's FIN", { &close_wait, &closing, &last_ack },
      .steps = { SEG(.flags = WH_FIN | WH_ACK) } },
    { "C23", "FIN that does not cover ours", { &fin_wait_1, &orphan_1 },
      .steps = { SEG(.flags = WH_FIN | WH_ACK, .ack = -1) } },
    { "C24", "an ACK that does not cover our FIN, one that does", { &closing, &orphan_closing },
      .steps = { SEG(.flags = WH_ACK, .ack = -1), SEG(.flags = WH_ACK) } },
    { "C25", "the FIN again, now covering ours", { &closing, &last_ack, &orphan_closing, &orphan_last },
      .steps = { SEG(.flags = WH_FIN | WH_ACK, .seq = -1) } },
    { "C32", "FIN with an old timestamp", { &established }, .options = WH_HAS_TIMESTAMPS,
      .steps = { SEG(.flags = WH_FIN | WH_ACK, .stamp = -5000) } },
    { "D17", "an ACK out of the window", { SYNCHRONIZED },
      .steps = { SEG(.flags = WH_ACK, .from = AT_HALF) } },
    { "D17", "data below the window", { OPEN_FOUR },
      .steps = { SEG(.flags = WH_ACK, .seq = -10, .data = 10) } },
    { "C29", "a keep-alive probe", { &established, &fin_wait_2, &close_wait },
      .steps = { SEG(.flags = WH_ACK, .seq = -1) } },

    /* --------------------------------------------------------------- aborts -- */
    { "A01", "abort", { OPEN_FOUR }, .steps = { DO(ABORT) } },
    { "A01", "abort with data in flight", { &established },
      .steps = { { .act = SEND, .data = 100 }, DO(ABORT) } },
    { "A02", "abort", { &closing, &last_ack, &time_wait }, .steps = { DO(ABORT) } },
    { "A04", "close over unread data", { &established, &fin_wait_1, &fin_wait_2 },
      .steps = { SEG(.flags = WH_ACK, .data = 10), DO(CLOSE) } },
    { "A04", "close over unread data and FIN", { &established },
      .steps = { SEG(.flags = WH_FIN | WH_ACK, .data = 10), DO(CLOSE) } },
    { "A05", "data after close", { &orphan_1, &orphan_2 },
      .steps = { SEG(.flags = WH_ACK, .data = 10) } },
    { "A05", "data and FIN after close", { &orphan_1, &orphan_2 },
      .steps = { SEG(.flags = WH_FIN | WH_ACK, .data = 10) } },
    { "A05", "old data after close", { &orphan_1, &orphan_2 },
      .steps = { SEG(.flags = WH_ACK, .seq = -1, .data = 1) } },
    { "A06", "abort, and what still comes", { &established },
      .steps = { DO(ABORT), SEG(.flags = WH_ACK, .data = 10), SEG(.flags = WH_RST) } },

    /* ------------------------------------------------------------ TIME-WAIT -- */
    { "T02", "the FIN again", { &time_wait, &orphan_wait },
      .steps = { SEG(.flags = WH_FIN | WH_ACK, .seq = -1), SEG(.flags = WH_FIN | WH_ACK, .seq = -1) } },
    { "T04", "old data", { &time_wait, &orphan_wait },
      .steps = { SEG(.flags = WH_ACK, .seq = -11, .data = 10) } },
    { "T04", "data beyond the FIN", { &time_wait, &orphan_wait },
      .steps = { SEG(.flags = WH_ACK, .data = 10) } },
    { "T05", "the final ACK again", { &time_wait, &orphan_wait }, .steps = { SEG(.flags = WH_ACK) } },
    { "T06", "RST at RCV.NXT", { &time_wait, &orphan_wait },
      .steps = { SEG(.flags = WH_RST), SEG(.flags = WH_FIN | WH_ACK, .seq = -1) } },
    { "T06", "RST in the window", { &time_wait, &orphan_wait },
      .steps = { SEG(.flags = WH_RST, .seq = 1), SEG(.flags = WH_FIN | WH_ACK, .seq = -1) } },
    { "T07", "a SYN above the old numbers", { &time_wait, &orphan_wait },
      .steps = { SEG(.flags = WH_SYN, .seq = 1000), SEG(.flags = WH_ACK, .seq = 1001) } },
    { "T07", "a SYN at RCV.NXT", { &orphan_wait },
      .steps = { SEG(.flags = WH_SYN, .seq = 0) } },
    { "T08", "a later SYN below the old numbers, timestamps", { &orphan_wait },
      .options = WH_HAS_TIMESTAMPS, .steps = { SEG(.flags = WH_SYN, .seq = -1000, .stamp = 5000) } },
    { "T09", "an older SYN above the old numbers, timestamps", { &orphan_wait },
      .options = WH_HAS_TIMESTAMPS, .steps = { SEG(.flags = WH_SYN, .seq = 1000, .stamp = -5000) } },
    { "T10", "a SYN with timestamps below the old numbers, which had none", { &orphan_wait },
      .steps = { SEG(.flags = WH_SYN, .seq = -1000, .options = WH_HAS_TIMESTAMPS) } },
    { "T11", "a SYN reopens, a RST ends that", { &orphan_wait },
      .steps = { SEG(.flags = WH_SYN, .seq = 1000), SEG(.flags = WH_RST, .seq = 1001),
                 SEG(.flags = WH_FIN | WH_ACK, .seq = -1) } },
    { "T12", "a SYN below the old numbers", { &time_wait, &orphan_wait },
      .steps = { SEG(.flags = WH_SYN, .seq = -1000) } },
    { "T12", "SYN,ACK", { &time_wait, &orphan_wait },
      .steps = { SEG(.flags = WH_SYN | WH_ACK, .seq = 1000) } },
    { "T13", "an active open between the same ports", { &orphan_wait },
      .steps = { DO(UNLISTEN), DO(CONNECT) } },

    /* ------------------------------------------------------------- the wrap -- */
    { "W05", "data half way round", { &established },
      .steps = { SEG(.flags = WH_ACK, .from = AT_HALF, .data = 10) } },
    { "W05", "RST half way round", { &established },
      .steps = { SEG(.flags = WH_RST, .from = AT_HALF) } },
};
/* clang-format on */

const size_t scenario_count = sizeof scenarios / sizeof *scenarios;
