/* SPDX-License-Identifier: MIT */
/* The data receiver's half of Accurate ECN: counts, and tells. */
#include "tcp/accecn.h"

#include <string.h>

#include "base/bytes.h"
#include "tcp/ecn.h"

/* RFC 9768 3.2.1: not zero, so that a path that zeroes fields is found out. */
enum { FIRST_CEP = 5, FIRST_E0B = 1, FIRST_E1B = 1 };
enum { OPTIONS_MAX = 40, SACK_HEAD = 4, SACK_SIZE = 8 };
/* So many lost segments, or acknowledgements, with the option are taken for its fault. */
enum { LOSSES_BELIEVED = 2, REAPPEARANCES_BELIEVED = 3 };

uint16_t accecn_code(unsigned ip_ecn)
{
    static const uint16_t code[] = { WH_CWR, WH_CWR | WH_ECE, WH_AE, WH_AE | WH_CWR };
    return code[ip_ecn & ECN_MASK];
}

uint16_t accecn_first_ace(void) { return FIRST_CEP << ACE_SHIFT; }

bool accecn_begin(struct wh_conn *conn, unsigned seen)
{
    struct accecn *a = memory_take(&conn->tcp->memory, sizeof *a, MEMORY_ORDINARY);
    if (a == NULL) {
        conn->tcp->count[WH_WHY_MEMORY_CAP]++;
        return false;
    }
    memset(a, 0, sizeof *a);
    a->r_cep = a->s_cep = a->cep_at_option = FIRST_CEP;
    a->r[ACCECN_E0B] = a->s[ACCECN_E0B] = FIRST_E0B;
    a->r[ACCECN_E1B] = a->s[ACCECN_E1B] = FIRST_E1B;
    a->syn_seen = (uint8_t)seen;
    a->on_trial = true;
    conn->accecn = a;
    return true;
}

void accecn_free(struct wh_conn *conn)
{
    memory_give(&conn->tcp->memory, conn->accecn, sizeof *conn->accecn);
    conn->accecn = NULL;
}

/* ------------------------------------------------------------------ counts -- */

static enum accecn_field counter_of(unsigned ip_ecn)
{
    return ip_ecn == ECN_CE ? ACCECN_CEB : ip_ecn == ECN_ECT0 ? ACCECN_E0B : ACCECN_E1B;
}

static void count_bytes(struct accecn *a, unsigned ip_ecn, uint32_t length)
{
    if (ip_ecn != ECN_NOT_ECT && length > 0) {
        unsigned bit = 1U << counter_of(ip_ecn);
        a->r[counter_of(ip_ecn)] += length;
        a->changed = (uint8_t)(a->changed | bit);
        a->untold = (uint8_t)(a->untold | bit);
    }
}

void accecn_syn_ack_again(struct wh_conn *conn, const struct segment *segment)
{
    struct accecn *a = conn->accecn;
    a->syn_seen = segment->traffic_class & ECN_MASK;
    /* RFC 9768 3.2.2.2: once, however many marked SYN,ACKs come. */
    if (a->syn_seen == ECN_CE && a->r_cep == FIRST_CEP) {
        a->r_cep++;
    }
    a->handshake = true;
    a->offer_ack = true;
}

void accecn_syn_ack(struct wh_conn *conn, const struct segment *segment)
{
    accecn_syn_ack_again(conn, segment);
    conn->accecn->offer_data = true;
    count_bytes(conn->accecn, segment->traffic_class & ECN_MASK, segment->length);
}

static void owe_feedback(struct wh_conn *conn)
{
    conn->ack_now = true;
    if (conn->ack_reason == WH_WHY_NONE) {
        conn->ack_reason = WH_WHY_ECN_FEEDBACK;
    }
    conn_want_output(conn);
}

/* RFC 9768 3.2.2.5.1: a first mark is told at once, and then every second or third. */
static void check_feedback_due(struct wh_conn *conn, const struct segment *segment, bool ce)
{
    struct accecn *a = conn->accecn;
    bool unacknowledged = segment->length > 0 || conn->rcv_nxt != conn->last_ack_sent;
    bool change = ce && segment->length > 0 && !a->last_ce;
    a->alone = a->alone && segment->length == 0;
    if (ce && (change || a->marks_owed >= (unacknowledged ? 2 : 3))) {
        a->alone = !unacknowledged && !conn->ack_now;
        owe_feedback(conn);
    }
    a->last_ce = ce;
}

void accecn_arrived(struct wh_conn *conn, const struct segment *segment)
{
    struct accecn *a = conn->accecn;
    unsigned ip_ecn = segment->traffic_class & ECN_MASK;
    uint32_t size = segment->segment_size != 0 ? segment->segment_size : MAX(segment->length, 1);
    uint32_t packets = MAX((segment->length + size - 1) / size, 1);
    count_bytes(a, ip_ecn, segment->length);
    if (ip_ecn == ECN_CE) {
        because(conn->tcp, WH_WHY_ECN_MARK);
        a->r_cep += packets;
        a->marks_owed = (uint8_t)MIN(a->marks_owed + packets, UINT8_MAX);
        conn->marks_in += segment->length > 0 ? packets : 0;
    }
    check_feedback_due(conn, segment, ip_ecn == ECN_CE);
    if (a->told_last && segment->length > 0) {
        a->reappeared = 0; /* something new, although the option was on our last word */
    }
}

void accecn_reappeared(struct wh_conn *conn)
{
    struct accecn *a = conn->accecn;
    if (!a->told_last) {
        return;
    }
    a->told_last = false; /* once for each acknowledgement that may have been lost */
    if (++a->reappeared >= REAPPEARANCES_BELIEVED && !a->quiet) {
        a->quiet = true;
        conn->tcp->count[WH_WHY_ECN_OPTION_LOST]++;
    }
}

/* ------------------------------------------------------------------- tells -- */

/* How many fields an option of this order needs to carry all these counters; one at least. */
static unsigned fields_for(unsigned order, unsigned counters)
{
    unsigned fields = 1;
    for (unsigned place = 1; place < ACCECN_FIELDS; place++) {
        if (counters & 1U << accecn_field_at(order, place)) {
            fields = place + 1;
        }
    }
    return fields;
}

/* The shorter of the two orders that carries them, if it fits. */
static bool carry(struct segment_options *options, unsigned counters, size_t room)
{
    unsigned order = fields_for(1, counters) < fields_for(0, counters);
    unsigned fields = fields_for(order, counters);
    if (segment_accecn_length(fields) > room) {
        return false;
    }
    options->has |= WH_HAS_ACCECN;
    options->accecn_order = (uint8_t)order;
    options->accecn_fields = (uint8_t)fields;
    return true;
}

/* Room that other options leave: two SACK blocks come first, a third does not (RFC 9768 3.2.3.3). */
static size_t room_for_option(const struct segment_options *options)
{
    struct segment_options others = *options;
    others.has &= (uint8_t)~WH_HAS_ACCECN;
    others.sacks = (uint8_t)MIN(others.sacks, 2U);
    return OPTIONS_MAX - segment_options_length(&others);
}

void accecn_fill_first(struct segment_options *options)
{
    static const uint32_t first[ACCECN_FIELDS] = { FIRST_E0B, 0, FIRST_E1B };
    size_t room = room_for_option(options);
    unsigned fields = ACCECN_FIELDS;
    while (fields > 0 && segment_accecn_length(fields) > room) {
        fields--;
    }
    if (segment_accecn_length(fields) <= room) {
        options->has |= WH_HAS_ACCECN;
        options->accecn_order = 0;
        options->accecn_fields = (uint8_t)fields;
        memcpy(options->accecn, first, sizeof first);
    }
}

/* A retransmission of what had offered the option, and was lost, perhaps for that. True if it is one. */
static bool lost_probe(struct wh_conn *conn, const struct segment *segment)
{
    struct accecn *a = conn->accecn;
    if (!a->probe_out || seq_geq(segment->seq, a->probe_end) ||
        seq_leq(segment->seq + segment->length, a->probe)) {
        return false;
    }
    a->probe_out = false;
    a->offer_data = true;
    if (++a->losses >= LOSSES_BELIEVED) {
        a->quiet = true;
        a->offer_data = false;
        conn->tcp->count[WH_WHY_ECN_OPTION_LOST]++;
    }
    return true;
}

void accecn_fill(struct wh_conn *conn, struct segment *segment)
{
    struct accecn *a = conn->accecn;
    struct segment_options *options = &segment->options;
    bool again = segment->length > 0 && seq_lt(segment->seq, conn->snd_max);
    if (again && lost_probe(conn, segment)) {
        options->has &= (uint8_t)~WH_HAS_ACCECN; /* RFC 9768 3.2.3.2.2 */
        return;
    }
    bool data = segment->length > 0 && !again;
    bool offered = a->offer_ack || (a->offer_data && data);
    if (a->quiet || (options->has & WH_HAS_ACCECN) || (a->untold == 0 && !offered)) {
        return;
    }
    for (unsigned i = 0; i < ACCECN_FIELDS; i++) {
        options->accecn[i] = (uint32_t)a->r[i] & ACCECN_MASK;
    }
    unsigned all = a->offer_ack && segment->length == 0 ? 1U << ACCECN_E0B | 1U << ACCECN_E1B : 0;
    size_t room = room_for_option(options);
    (void)(carry(options, a->changed | all, room) || carry(options, a->changed, room) ||
           carry(options, a->untold, room));
}

static bool is_pure(const struct segment *segment)
{
    return segment->length == 0 && (segment->flags & (WH_SYN | WH_FIN)) == 0 &&
           (segment->options.has & WH_HAS_SACK) == 0;
}

uint16_t accecn_flags(const struct wh_conn *conn, const struct segment *segment)
{
    const struct accecn *a = conn->accecn;
    if (segment->flags & WH_SYN) {
        return 0; /* never a counter there; ecn_syn_flags has set what it says */
    }
    if (a->handshake && is_pure(segment)) {
        return accecn_code(a->syn_seen);
    }
    return (uint16_t)((a->r_cep & ACE_MASK) << ACE_SHIFT);
}

void accecn_sent(struct wh_conn *conn, const struct segment *segment)
{
    struct accecn *a = conn->accecn;
    const struct segment_options *options = &segment->options;
    a->marks_owed = 0;
    a->alone = false;
    a->handshake = a->handshake && !is_pure(segment);
    a->offer_ack = false;
    a->told_last = (options->has & WH_HAS_ACCECN) != 0;
    if (!a->told_last) {
        return;
    }
    for (unsigned field = 0; field < ACCECN_FIELDS; field++) {
        if (accecn_tells(options, field)) {
            a->untold = (uint8_t)(a->untold & ~(1U << field));
        }
    }
    if (a->offer_data && segment->length > 0) {
        a->offer_data = false;
        a->probe_out = true;
        a->probe = segment->seq;
        a->probe_end = segment->seq + segment->length;
    }
}

void accecn_inform(const struct wh_conn *conn, wh_info *info)
{
    const struct accecn *a = conn->accecn;
    info->accurate_ecn = a != NULL;
    if (a == NULL) {
        return;
    }
    info->ce_packets_in = a->r_cep - FIRST_CEP;
    info->ce_bytes_in = a->r[ACCECN_CEB];
    info->ect0_bytes_in = a->r[ACCECN_E0B] - FIRST_E0B;
    info->ect1_bytes_in = a->r[ACCECN_E1B] - FIRST_E1B;
    info->ce_packets_told = a->s_cep - FIRST_CEP;
    info->ce_bytes_told = a->s[ACCECN_CEB] + a->guessed;
    info->ect0_bytes_told = a->s[ACCECN_E0B] - FIRST_E0B;
    info->ect1_bytes_told = a->s[ACCECN_E1B] - FIRST_E1B;
}
