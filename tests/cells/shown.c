/* SPDX-License-Identifier: MIT */
/* Which lifecycle lines and requirements a group of cells shows: the words in front of its TAP line. */
#include <string.h>

#include "cells.h"

#define RST_OPEN "R10 R11 R12 R14 R18 MUST-66"
#define RST_OPEN_DATA "R10 R11 R12 R14 R15 SHLD-2 MUST-66"
#define RST_LATE "R13 R14 R18 MUST-66"
#define RST_LATE_DATA "R13 R14 R15 SHLD-2 MUST-66"

static const struct {
    wh_state state;
    const char *group, *ids;
} by_segment[] = {
    { WH_CLOSED, "RST", "R04" },
    { WH_CLOSED, "RST with data", "R04" },
    { WH_CLOSED, "SYN", "R01" },
    { WH_CLOSED, "SYN with data", "R01" },
    { WH_CLOSED, "SYN,ACK", "R02" },
    { WH_CLOSED, "SYN,ACK with data", "R02" },
    { WH_CLOSED, "ACK", "R02" },
    { WH_CLOSED, "data", "R02" },
    { WH_CLOSED, "FIN,ACK", "R02" },
    { WH_CLOSED, "FIN,ACK with data", "R02" },
    { WH_CLOSED, "no ACK flag", "R03" },
    { WH_CLOSED, "data, no ACK flag", "R03" },

    { WH_LISTEN, "RST", "R04" },
    { WH_LISTEN, "RST with data", "R04" },
    { WH_LISTEN, "SYN", "H02 H19" },
    { WH_LISTEN, "SYN with data", "H02 H19" },
    { WH_LISTEN, "SYN,ACK", "D07" },
    { WH_LISTEN, "SYN,ACK with data", "D07" },
    { WH_LISTEN, "ACK", "D07" },
    { WH_LISTEN, "data", "D07" },
    { WH_LISTEN, "FIN,ACK", "D07" },
    { WH_LISTEN, "FIN,ACK with data", "D07" },
    { WH_LISTEN, "no ACK flag", "D06" },
    { WH_LISTEN, "data, no ACK flag", "D06" },

    { WH_SYN_SENT, "RST", "R05 R06 D03" },
    { WH_SYN_SENT, "RST with data", "R05 R06 D03" },
    { WH_SYN_SENT, "SYN", "H20 MUST-10" },
    { WH_SYN_SENT, "SYN with data", "H20" },
    { WH_SYN_SENT, "SYN,ACK", "H03 D01 H24" },
    { WH_SYN_SENT, "SYN,ACK with data", "H17 D01 H24" },
    { WH_SYN_SENT, "ACK", "D04 D05" },
    { WH_SYN_SENT, "data", "D04 D05" },
    { WH_SYN_SENT, "FIN,ACK", "D04 D05" },
    { WH_SYN_SENT, "FIN,ACK with data", "D04 D05" },
    { WH_SYN_SENT, "no ACK flag", "D06" },
    { WH_SYN_SENT, "data, no ACK flag", "D06" },

    { WH_SYN_RECEIVED, "RST", "R07 R08 R09 R18 MUST-11" },
    { WH_SYN_RECEIVED, "RST with data", "R07 R08 R09 R15 MUST-11" },
    { WH_SYN_RECEIVED, "SYN", "H12 D08 D18" },
    { WH_SYN_RECEIVED, "SYN with data", "H12 D08 D18" },
    { WH_SYN_RECEIVED, "SYN,ACK", "H21 MUST-10" },
    { WH_SYN_RECEIVED, "SYN,ACK with data", "H21" },
    { WH_SYN_RECEIVED, "ACK", "H04 D09 D10" },
    { WH_SYN_RECEIVED, "data", "H05 H26 D09 D10" },
    { WH_SYN_RECEIVED, "FIN,ACK", "C27 D09 D10" },
    { WH_SYN_RECEIVED, "FIN,ACK with data", "H07 C27 D09 D10" },
    { WH_SYN_RECEIVED, "no ACK flag", "C27 D09" },
    { WH_SYN_RECEIVED, "data, no ACK flag", "C27 D09" },

    { WH_ESTABLISHED, "RST", RST_OPEN " R16 R17 W03 W05" },
    { WH_ESTABLISHED, "RST with data", RST_OPEN_DATA " R16 W03 W05" },
    { WH_ESTABLISHED, "SYN", "D11 W03" },
    { WH_ESTABLISHED, "SYN with data", "D11 W03" },
    { WH_ESTABLISHED, "SYN,ACK", "D11 H13" },
    { WH_ESTABLISHED, "SYN,ACK with data", "D11" },
    { WH_ESTABLISHED, "ACK", "D14 D15 MAY-12 W05" },
    { WH_ESTABLISHED, "data", "C30 D14 D15 MAY-12 MUST-66 W05" },
    { WH_ESTABLISHED, "FIN,ACK", "C07 C17 C32" },
    { WH_ESTABLISHED, "FIN,ACK with data", "C08 C15 C16 C32 W03" },

    { WH_FIN_WAIT_1, "RST", RST_OPEN },
    { WH_FIN_WAIT_1, "RST with data", RST_OPEN_DATA },
    { WH_FIN_WAIT_1, "SYN", "D11" },
    { WH_FIN_WAIT_1, "SYN with data", "D11" },
    { WH_FIN_WAIT_1, "SYN,ACK", "D11" },
    { WH_FIN_WAIT_1, "SYN,ACK with data", "D11" },
    { WH_FIN_WAIT_1, "ACK", "C03 D14 D15" },
    { WH_FIN_WAIT_1, "data", "A05 D14 D15 SHLD-3" },
    { WH_FIN_WAIT_1, "FIN,ACK", "C05 C23" },
    { WH_FIN_WAIT_1, "FIN,ACK with data", "A05 C06 SHLD-3" },

    { WH_FIN_WAIT_2, "RST", RST_OPEN },
    { WH_FIN_WAIT_2, "RST with data", RST_OPEN_DATA },
    { WH_FIN_WAIT_2, "SYN", "D11" },
    { WH_FIN_WAIT_2, "SYN with data", "D11" },
    { WH_FIN_WAIT_2, "SYN,ACK", "D11" },
    { WH_FIN_WAIT_2, "SYN,ACK with data", "D11" },
    { WH_FIN_WAIT_2, "ACK", "D14 D15" },
    { WH_FIN_WAIT_2, "data", "A05 D14 D15 SHLD-3" },
    { WH_FIN_WAIT_2, "FIN,ACK", "C04" },
    { WH_FIN_WAIT_2, "FIN,ACK with data", "A05 C04 SHLD-3" },

    { WH_CLOSE_WAIT, "RST", RST_OPEN },
    { WH_CLOSE_WAIT, "RST with data", RST_OPEN_DATA },
    { WH_CLOSE_WAIT, "SYN", "D11" },
    { WH_CLOSE_WAIT, "SYN with data", "D11" },
    { WH_CLOSE_WAIT, "SYN,ACK", "D11" },
    { WH_CLOSE_WAIT, "SYN,ACK with data", "D11" },
    { WH_CLOSE_WAIT, "ACK", "D14 D15" },
    { WH_CLOSE_WAIT, "data", "C22 D14 D15" },
    { WH_CLOSE_WAIT, "FIN,ACK", "C13 C22" },
    { WH_CLOSE_WAIT, "FIN,ACK with data", "C22" },

    { WH_CLOSING, "RST", RST_LATE },
    { WH_CLOSING, "RST with data", RST_LATE_DATA },
    { WH_CLOSING, "SYN", "D11" },
    { WH_CLOSING, "SYN with data", "D11" },
    { WH_CLOSING, "SYN,ACK", "D11" },
    { WH_CLOSING, "SYN,ACK with data", "D11" },
    { WH_CLOSING, "ACK", "C24 D14 D15" },
    { WH_CLOSING, "data", "C22 D14 D15" },
    { WH_CLOSING, "FIN,ACK", "C13 C22 C25" },
    { WH_CLOSING, "FIN,ACK with data", "C22" },

    { WH_LAST_ACK, "RST", RST_LATE },
    { WH_LAST_ACK, "RST with data", RST_LATE_DATA },
    { WH_LAST_ACK, "SYN", "D11" },
    { WH_LAST_ACK, "SYN with data", "D11" },
    { WH_LAST_ACK, "SYN,ACK", "D11" },
    { WH_LAST_ACK, "SYN,ACK with data", "D11" },
    { WH_LAST_ACK, "ACK", "C10 D14 D15" },
    { WH_LAST_ACK, "data", "C22 D14 D15" },
    { WH_LAST_ACK, "FIN,ACK", "C13 C22 C25" },
    { WH_LAST_ACK, "FIN,ACK with data", "C22" },

    { WH_TIME_WAIT, "RST", "T06" },
    { WH_TIME_WAIT, "RST with data", "T06" },
    { WH_TIME_WAIT, "SYN", "T07 T08 T09 T10 T12 W04 MAY-2 SHLD-4" },
    { WH_TIME_WAIT, "SYN with data", "T07 T08 T09 T10 T12 W04 MAY-2 SHLD-4" },
    { WH_TIME_WAIT, "SYN,ACK", "T12" },
    { WH_TIME_WAIT, "SYN,ACK with data", "T12" },
    { WH_TIME_WAIT, "ACK", "D14 T04 T05" },
    { WH_TIME_WAIT, "data", "D14 T04" },
    { WH_TIME_WAIT, "FIN,ACK", "T02 T04" },
    { WH_TIME_WAIT, "FIN,ACK with data", "T02 T04" },
};

static const struct {
    wh_state state;
    enum call call;
    const char *ids;
} by_call[] = {
    { WH_CLOSED, CALL_OPEN_ACTIVE, "H01" },
    { WH_CLOSED, CALL_SEND, "A07 MUST-12" },
    { WH_CLOSED, CALL_RECEIVE, "A07 MUST-12" },
    { WH_LISTEN, CALL_OPEN_PASSIVE, "B06 MUST-41" },
    { WH_LISTEN, CALL_CLOSE, "E08" },
    { WH_SYN_SENT, CALL_OPEN_PASSIVE, "B06 MUST-42" },
    { WH_SYN_SENT, CALL_CLOSE, "E05" },
    { WH_SYN_SENT, CALL_ABORT, "E05" },
    { WH_SYN_RECEIVED, CALL_OPEN_PASSIVE, "B06 MUST-41 MUST-42" },
    { WH_SYN_RECEIVED, CALL_CLOSE, "E06" },
    { WH_SYN_RECEIVED, CALL_SHUT_WRITE, "E06" },
    { WH_SYN_RECEIVED, CALL_ABORT, "E07" },
    { WH_ESTABLISHED, CALL_SEND, "SHLD-7" },
    { WH_ESTABLISHED, CALL_RECEIVE, "MUST-39" },
    { WH_ESTABLISHED, CALL_SHUT_WRITE, "C01" },
    { WH_ESTABLISHED, CALL_CLOSE, "A04 C01 MAY-1 SHLD-3" },
    { WH_ESTABLISHED, CALL_ABORT, "A01" },
    { WH_FIN_WAIT_1, CALL_SEND, "C21" },
    { WH_FIN_WAIT_1, CALL_SHUT_WRITE, "C21" },
    { WH_FIN_WAIT_1, CALL_CLOSE, "A04 C21 SHLD-3" },
    { WH_FIN_WAIT_1, CALL_ABORT, "A01" },
    { WH_FIN_WAIT_2, CALL_SEND, "C21" },
    { WH_FIN_WAIT_2, CALL_SHUT_WRITE, "C21" },
    { WH_FIN_WAIT_2, CALL_CLOSE, "A04 C21 SHLD-3" },
    { WH_FIN_WAIT_2, CALL_ABORT, "A01" },
    { WH_CLOSE_WAIT, CALL_SEND, "SHLD-7" },
    { WH_CLOSE_WAIT, CALL_SHUT_WRITE, "C09" },
    { WH_CLOSE_WAIT, CALL_CLOSE, "A04 C09 SHLD-3" },
    { WH_CLOSE_WAIT, CALL_ABORT, "A01" },
    { WH_CLOSING, CALL_SEND, "C21" },
    { WH_CLOSING, CALL_SHUT_WRITE, "C21" },
    { WH_CLOSING, CALL_CLOSE, "C21 SHLD-3" },
    { WH_CLOSING, CALL_ABORT, "A02" },
    { WH_LAST_ACK, CALL_SEND, "C21" },
    { WH_LAST_ACK, CALL_SHUT_WRITE, "C21" },
    { WH_LAST_ACK, CALL_CLOSE, "C21 SHLD-3" },
    { WH_LAST_ACK, CALL_ABORT, "A02" },
    { WH_TIME_WAIT, CALL_OPEN_ACTIVE, "T13" },
    { WH_TIME_WAIT, CALL_SEND, "C21" },
    { WH_TIME_WAIT, CALL_ABORT, "A02" },
};

static const char *const by_silence[WH_STATE_COUNT] = {
    [WH_SYN_SENT] = "MUST-20 MUST-22", [WH_SYN_RECEIVED] = "H11 MUST-22",
    [WH_ESTABLISHED] = "E09 MUST-20",  [WH_FIN_WAIT_1] = "C12 MUST-20",
    [WH_FIN_WAIT_2] = "C28",           [WH_LAST_ACK] = "C12 MUST-20",
    [WH_TIME_WAIT] = "MUST-13",
};

const char *shown_by_segment(wh_state state, const char *group)
{
    for (size_t i = 0; i < sizeof by_segment / sizeof by_segment[0]; i++)
        if (by_segment[i].state == state && strcmp(by_segment[i].group, group) == 0)
            return by_segment[i].ids;
    return "3.10.7.4";
}

const char *shown_by_call(wh_state state, enum call call)
{
    for (size_t i = 0; i < sizeof by_call / sizeof by_call[0]; i++)
        if (by_call[i].state == state && by_call[i].call == call)
            return by_call[i].ids;
    static const char *const section[CALLS] = { "3.10.1", "3.10.1", "3.10.2", "3.10.3", "3.10.4",
                                                "3.10.4", "3.10.4", "3.10.4", "3.10.5", "3.10.6" };
    return section[call];
}

const char *shown_by_silence(wh_state state)
{
    return by_silence[state] != NULL ? by_silence[state] : "3.10.8";
}
