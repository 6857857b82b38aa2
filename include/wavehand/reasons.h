/* SPDX-License-Identifier: MIT */
/*
 * Why. Every dropped frame, every RST, every state change and every
 * retransmission carries one of these reasons. Counters, trace records, the
 * ladder's margin notes and error messages all take their words from this list.
 */
#ifndef WAVEHAND_REASONS_H
#define WAVEHAND_REASONS_H

/* X(identifier, one line in plain words, where it is decided) */
#define WH_REASONS(X)                                                                              \
    X(NONE, "nothing out of the ordinary", "")                                                     \
    /* frames that never reach a connection */                                                     \
    X(FRAME_TRUNCATED, "frame shorter than its own headers say", "RFC 791 3.1")                    \
    X(FRAME_TOO_LONG, "frame longer than the link can carry", "RFC 894")                           \
    X(ETHERTYPE_UNKNOWN, "neither IPv4, IPv6 nor ARP", "RFC 894")                                  \
    X(ETHERNET_NOT_FOR_US, "Ethernet frame addressed to another station", "RFC 894")               \
    X(IP_VERSION, "IP version is neither 4 nor 6", "RFC 791 3.1")                                  \
    X(IP_HEADER_LENGTH, "impossible IP header length", "RFC 791 3.1")                              \
    X(IP_CHECKSUM, "IPv4 header checksum wrong", "RFC 1122 3.2.1.2")                               \
    X(IP_FRAGMENT, "IP fragment; fragments are not reassembled", "RFC 791 3.2")                    \
    X(IP_EXTENSION, "IPv6 extension headers malformed or unknown", "RFC 8200 4")                   \
    X(IP_SOURCE_INVALID, "source address cannot be answered", "RFC 9293 3.9.2.3")                  \
    X(IP_DESTINATION_GROUP, "TCP to a broadcast or multicast address", "RFC 9293 3.9.2.3")         \
    X(IP_NOT_FOR_US, "destination address is not ours", "RFC 1122 3.2.1.3")                        \
    X(IP_PROTOCOL_UNKNOWN, "transport protocol not spoken here", "RFC 1122 3.2.2.1")               \
    X(ARP_MALFORMED, "malformed ARP packet", "RFC 826")                                            \
    X(ND_MALFORMED, "malformed neighbour discovery message", "RFC 4861 7.1")                       \
    X(NEIGHBOUR_UNRESOLVED, "no answer to ARP or neighbour solicitation", "RFC 1122 2.3.2.2")      \
    X(NEIGHBOUR_UNASKED, "tells of a neighbour that nobody here asked for", "RFC 4861 7.2.5")      \
    X(ADDRESS_CONFLICT, "another station claims an address of ours", "RFC 5227 2.4")               \
    X(NO_ROUTE, "beyond the link, and there is no gateway", "RFC 1122 3.3.1.1")                    \
    X(ICMP_MALFORMED, "malformed ICMP message", "RFC 792")                                         \
    X(ICMP_CHECKSUM, "ICMP checksum wrong", "RFC 792")                                             \
    X(ICMP_IGNORED, "ICMP message of a kind that needs no action", "RFC 1122 3.2.2")               \
    X(ICMP_NO_MATCH, "ICMP error about no connection of ours", "RFC 9293 3.9.2.2")                 \
    X(ICMP_NOT_IN_FLIGHT, "ICMP error quoting a sequence number not in flight", "RFC 5927 4.1")    \
    X(ICMP_TOO_BIG_DOUBTED, "such packets have arrived; believed if this one gets lost",           \
      "RFC 5927 7.2")                                                                              \
    X(ICMP_SOURCE_QUENCH, "Source Quench is ignored", "RFC 9293 3.9.2.2")                          \
    X(UDP_MALFORMED, "malformed UDP header", "RFC 768")                                            \
    X(UDP_CHECKSUM, "UDP checksum wrong", "RFC 768")                                               \
    X(UDP_NO_SOCKET, "UDP datagram to a port nobody reads", "RFC 1122 4.1.3.1")                    \
    X(UDP_QUEUE_FULL, "datagram queue full", "RFC 768")                                            \
    X(TCP_HEADER, "TCP header shorter or longer than its segment", "RFC 9293 3.1")                 \
    X(TCP_CHECKSUM, "TCP checksum wrong", "RFC 9293 3.1")                                          \
    X(TCP_PORT_ZERO, "TCP port zero", "RFC 6335 6")                                                \
    X(TCP_OPTION_LENGTH, "impossible TCP option length; later options ignored", "RFC 9293 3.1")    \
    X(MEMORY_CAP, "no memory under the stack's cap", "RFC 9293 3.8.6")                             \
    X(REPLY_QUEUE_FULL, "too many replies waiting for the link", "RFC 9293 3.5.2")                 \
    /* segments judged by section 3.10.7 */                                                        \
    X(NO_CONNECTION, "segment for no connection", "RFC 9293 3.10.7.1")                             \
    X(RST_IN_CLOSED, "RST for no connection", "RFC 9293 3.10.7.1")                                 \
    X(RST_IN_LISTEN, "RST to a listener", "RFC 9293 3.10.7.2")                                     \
    X(ACK_IN_LISTEN, "ACK to a listener that expects a SYN", "RFC 9293 3.10.7.2")                  \
    X(NOT_A_SYN_IN_LISTEN, "neither SYN, ACK nor RST, to a listener", "RFC 9293 3.10.7.2")         \
    X(SYN_FIN, "SYN with FIN to a listener", "RFC 9293 3.10.7.2")                                  \
    X(BACKLOG_FULL, "accept queue full", "RFC 4987 3")                                             \
    X(HALF_OPEN_FULL, "half-open queue full", "RFC 4987 3")                                        \
    X(COOKIE_SENT, "no room for a half-open entry; answered with a SYN cookie", "RFC 4987 3.6")    \
    X(COOKIE_ACCEPTED, "acknowledges a SYN cookie of ours", "RFC 4987 3.6")                        \
    X(COOKIE_WRONG, "acknowledges no SYN cookie of ours, or too late", "RFC 4987 3.6")             \
    X(FAST_OPEN_ACCEPTED, "SYN with a good Fast Open cookie; open at once", "RFC 7413 4.2.2")      \
    X(FAST_OPEN_COOKIE_WRONG, "Fast Open cookie is not ours any more", "RFC 7413 4.2.2")           \
    X(FAST_OPEN_FULL, "too many Fast Open connections unconfirmed", "RFC 7413 5.1")                \
    X(HELD_FULL, "too many held SYNs", "RFC 4987 3")                                               \
    X(SYN_REPEATED, "repeated SYN", "RFC 9293 3.10.7.4")                                           \
    X(SYN_HELD, "SYN offered to the application", "RFC 9293 3.9.1.1")                              \
    X(SYN_IGNORED, "application chose not to answer this SYN", "RFC 9293 3.9.1.1")                 \
    X(SYN_SENT_BAD_ACK, "acknowledges something we never sent", "RFC 9293 3.10.7.3")               \
    X(SYN_SENT_NO_SYN, "neither SYN nor RST while opening", "RFC 9293 3.10.7.3")                   \
    X(SYN_SENT_BAD_RST, "RST that does not acknowledge our SYN", "RFC 9293 3.10.7.3")              \
    X(OUTSIDE_WINDOW, "sequence number outside the receive window", "RFC 9293 3.10.7.4")           \
    X(OLD_DUPLICATE, "everything in it had arrived before", "RFC 9293 3.10.7.4")                   \
    X(WINDOW_CLOSED, "data beyond our closed window", "RFC 9293 3.10.7.4")                         \
    X(BEYOND_WINDOW, "bytes beyond the right edge of the window", "RFC 9293 3.10.7.4")             \
    X(RST_NOT_EXACT, "RST inside the window but not at its edge", "RFC 5961 3.2")                  \
    X(RST_OUTSIDE, "RST outside the window", "RFC 5961 3.2")                                       \
    X(SYN_IN_CONNECTION, "SYN inside a connection", "RFC 5961 4.2")                                \
    X(NO_ACK_FLAG, "segment without ACK", "RFC 9293 3.10.7.4")                                     \
    X(ACK_UNSENT, "acknowledges something not yet sent", "RFC 5961 5.2")                           \
    X(ACK_TOO_OLD, "acknowledgement older than any window we were given", "RFC 5961 5.2")          \
    X(ACK_BAD_IN_SYN_RECEIVED, "does not acknowledge our SYN,ACK", "RFC 9293 3.10.7.4")            \
    X(PAWS, "timestamp older than the last one", "RFC 7323 5.3")                                   \
    X(TIMESTAMP_MISSING, "timestamp option missing", "RFC 7323 3.2")                               \
    X(CHALLENGE_LIMITED, "challenge ACK limit reached", "RFC 5961 7")                              \
    X(REASSEMBLY_FULL, "no room to hold out-of-order data", "RFC 9293 3.10.7.4")                   \
    X(REASSEMBLY_DISCARDED, "out-of-order data thrown away for want of memory", "RFC 2018 8")      \
    X(TEXT_AFTER_FIN, "data beyond the peer's FIN", "RFC 9293 3.10.7.4")                           \
    X(DATA_AFTER_CLOSE, "data arrived after close; nobody can read it", "RFC 9293 3.6.1")          \
    X(UNREAD_AT_CLOSE, "closed with unread data", "RFC 9293 3.6.1")                                \
    X(OUT_OF_ORDER, "arrived ahead of a hole", "RFC 9293 3.10.7.4")                                \
    X(TIME_WAIT_OLD, "old segment in TIME-WAIT", "RFC 9293 3.10.7.4")                              \
    X(TIME_WAIT_FIN_AGAIN, "repeated FIN in TIME-WAIT; 2MSL restarts", "RFC 9293 3.10.7.4")        \
    X(TIME_WAIT_RST, "RST ignored in TIME-WAIT", "RFC 1337 3")                                     \
    X(TIME_WAIT_REUSED, "new SYN reopens a connection in TIME-WAIT", "RFC 6191 2")                 \
    X(TIME_WAIT_RESTORED, "old duplicate SYN; back to TIME-WAIT", "RFC 9293 3.6.1")                \
    X(TIME_WAIT_RECYCLED, "oldest TIME-WAIT entry recycled", "RFC 9293 3.6.1")                     \
    /* why the state changed */                                                                    \
    X(BY_APPLICATION, "the application asked for it", "RFC 9293 3.9.1")                            \
    X(BY_SEGMENT, "a segment arrived", "RFC 9293 3.10.7")                                          \
    X(PEER_RESET, "the peer reset the connection", "RFC 9293 3.10.7.4")                            \
    X(REFUSED, "the peer refused the connection", "RFC 9293 3.10.7.3")                             \
    X(ICMP_HARD, "ICMP says the destination cannot be reached", "RFC 9293 3.9.2.2")                \
    X(ICMP_SOFT, "ICMP reports trouble on the path", "RFC 9293 3.9.2.2")                           \
    X(ICMP_TOO_BIG, "ICMP says the packet is too big", "RFC 1191 3")                               \
    X(TIMEOUT_SYN, "no answer to SYN", "RFC 9293 3.8.3")                                           \
    X(TIMEOUT_SYN_ACK, "no answer to SYN,ACK", "RFC 9293 3.8.3")                                   \
    X(TIMEOUT_DATA, "data unacknowledged for too long", "RFC 9293 3.8.3")                          \
    X(TIMEOUT_USER, "user timeout", "RFC 9293 3.9.1")                                              \
    X(TIMEOUT_KEEPALIVE, "keep-alive probes unanswered", "RFC 9293 3.8.4")                         \
    X(TIMEOUT_FIN_WAIT_2, "peer never sent its FIN and nobody waits for it", "RFC 9293 3.6")       \
    X(TIMEOUT_LINGER, "linger time over", "RFC 9293 3.10.5")                                       \
    X(TIMEOUT_HELD, "held SYN not answered in time", "RFC 9293 3.8.3")                             \
    X(TWO_MSL, "2MSL elapsed", "RFC 9293 3.6")                                                     \
    X(LISTENER_CLOSED, "the listener was closed", "RFC 9293 3.10.4")                               \
    X(LINGER_ZERO, "closed with a linger time of zero", "RFC 9293 3.10.5")                         \
    X(ABORTED, "aborted by the application", "RFC 9293 3.10.5")                                    \
    X(STACK_FREED, "the stack was shut down", "RFC 9293 3.10.5")                                   \
    /* why a segment left */                                                                       \
    X(RETRANSMIT_TIMEOUT, "retransmission timeout", "RFC 6298 5")                                  \
    X(RETRANSMIT_FAST, "fast retransmit", "RFC 6675 5")                                            \
    X(RETRANSMIT_PARTIAL, "partial acknowledgement", "RFC 6582 3.2")                               \
    X(RETRANSMIT_RESCUE, "rescue retransmission", "RFC 6675 4")                                    \
    X(RETRANSMIT_TAIL_PROBE, "tail loss probe", "RFC 8985 7")                                      \
    X(SPURIOUS, "nothing had been lost; the reduction is undone", "RFC 4015 3")                    \
    X(SACK_RENEGED, "the peer discarded what it had SACKed", "RFC 2018 8")                         \
    X(MTU_PROBE, "a larger segment, to see whether the path carries it", "RFC 4821 7.4")           \
    X(MTU_PROBE_LOST, "a probe was too large for the path: again in smaller segments",             \
      "RFC 4821 7.6.2")                                                                            \
    X(MTU_RAISED, "a probe arrived: larger segments from now on", "RFC 4821 7.6.1")                \
    X(MTU_BLACK_HOLE, "large segments get no answer: smaller ones from now on", "RFC 4821 7.7")    \
    X(DSACK, "the peer tells of what arrived twice", "RFC 2883 4")                                 \
    X(SYN_DATA_AGAIN, "the peer did not take this from the SYN", "RFC 7413 4.2.2")                 \
    X(WINDOW_PROBE, "zero-window probe", "RFC 9293 3.8.6.1")                                       \
    X(KEEPALIVE_PROBE, "keep-alive probe", "RFC 9293 3.8.4")                                       \
    X(CHALLENGE_ACK, "challenge ACK", "RFC 5961 7")                                                \
    X(DUPLICATE_ACK, "duplicate ACK", "RFC 5681 2")                                                \
    X(WINDOW_UPDATE, "window update", "RFC 9293 3.8.6")                                            \
    X(ECHO_REPLY, "echo reply", "RFC 792")                                                         \
    /* congestion that the network marks instead of losing something */                            \
    X(ECN_MARK, "the path marked this instead of dropping it", "RFC 3168 6.1.3")                   \
    X(ECN_ECHO, "the peer tells of a mark: a smaller congestion window", "RFC 3168 6.1.2")         \
    X(ECN_FEEDBACK, "tells of congestion marks at once", "RFC 9768 3.2.2.5.1")                     \
    X(ECN_FORMS, "asked for two forms of ECN in one handshake", "RFC 9768 3.1.5")                  \
    X(ECN_MANGLED, "the path falsifies congestion marks: ECN is not used", "RFC 9768 3.2.2.3")     \
    X(ECN_ZEROED, "the peer tells nothing of congestion marks: ECN is not used",                   \
      "RFC 9768 3.2.2.4")                                                                          \
    X(ECN_OPTION_LOST, "what carries the Accurate ECN option gets lost: sent without",             \
      "RFC 9768 3.2.3.2.2")                                                                        \
    /* what the link did to a frame on purpose */                                                  \
    X(FAULT_LOSS, "lost by the simulated path", "")                                                \
    X(FAULT_DROP, "dropped by a fault rule", "")                                                   \
    X(FAULT_OVERSIZE, "larger than a fault rule lets pass", "")                                    \
    X(FAULT_QUEUE, "path queue full", "")                                                          \
    X(FAULT_DUPLICATE, "duplicated by the simulated path", "")                                     \
    X(FAULT_REORDER, "reordered by the simulated path", "")                                        \
    X(FAULT_CORRUPT, "corrupted by the simulated path", "")                                        \
    X(FAULT_HOLD, "held back by a fault rule", "")                                                 \
    X(FAULT_SILENCE, "path went silent by a fault rule", "")                                       \
    X(FAULT_REFUSE, "refused by a fault rule", "")                                                 \
    X(FAULT_RESET, "reset by a fault rule", "")                                                    \
    X(FAULT_ZERO_WINDOW, "window closed by a fault rule", "")                                      \
    /* between the threads of `wavehand run` */                                                    \
    X(HANDOFF_FULL, "lost on its way to the thread that serves its connection", "")

#define WH_REASON_ENUM(id, text, source) WH_WHY_##id,
typedef enum wh_reason { WH_REASONS(WH_REASON_ENUM) WH_REASON_COUNT } wh_reason;
#undef WH_REASON_ENUM

#endif
