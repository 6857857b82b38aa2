/* SPDX-License-Identifier: MIT */
/*
 * A cookie is the initial sequence number that RFC 6528 would choose now,
 *
 *     ISS = M + F(tuple, key)        M: a clock of 4 us a tick
 *
 * but for the low 24 bits of the clock:
 *
 *      31      24 23  21 20                     0
 *     +----------+------+------------------------+
 *     |  M >> 24 | MSS  | hash + peer's ISN      |   + F(tuple, key)
 *     +----------+------+------------------------+
 *
 * So it is never further from the clock than those bits are worth, 67 s, and what
 * RFC 6528 does for one incarnation after the other still holds. The high byte tells
 * in which period of 67 s the cookie was made; that period and the one after it are
 * accepted. The hash covers the tuple, the period, all that the cookie says, and the
 * upper 11 bits of the peer's initial number. A blind sender, who knows neither hash nor
 * F, is right with 16 of 2^32 numbers.
 *
 * The initial number's other 21 bits are added and not hashed, so that a segment that
 * runs ahead can be told from one that is forged: data may overtake the ACK, or the ACK
 * be lost, and a later segment has the right ACK field but does not stand right behind
 * the SYN. It must not open the connection, and a RST would kill what its retransmission
 * is going to open.
 *
 * Eight sizes stand for the peer's MSS, which is rounded down to one of them: better
 * segments a little too small than one too large. A SYN with timestamps gets its other
 * options into the low bits of our TSval, which comes back as TSecr:
 *
 *      5       4     3       0
 *     +-------+------+---------+
 *     |  ECN  | SACK | Snd.WS  |      Snd.WS 15: no window scaling
 *     +-------+------+---------+
 *
 * These bits, that there are timestamps at all, and the window scale that our SYN,ACK
 * announced are under the hash, too: whoever changes one of them has no cookie, and a
 * RST is better than windows that each end reads in its own way. Without timestamps
 * there is neither scaling, SACK nor ECN as RFC 3168 has it. Accurate ECN needs no place:
 * the flags of the peer's ACK tell (RFC 9768 5.1).
 */
#include "tcp/syn_cookie.h"

#include <string.h>

#include "base/bytes.h"
#include "tcp/ecn.h"
#include "tcp/protocol.h"

#define CLOCK_TICK UINT64_C(4000)
#define PERIOD_SHIFT 24
#define PERIODS_ACCEPTED 2

#define CLASS_SHIFT 21
#define LOW_MASK ((UINT32_C(1) << CLASS_SHIFT) - 1)

enum {
    STAMP_SCALE = 0xf,
    STAMP_NO_SCALE = 0xf,
    STAMP_SACK = 1 << 4,
    STAMP_ECN = 1 << 5,
    STAMP_MASK = 0x3f,
    STAMP_PRESENT = 1 << 7, /* under the hash only */
};

/* Ascending; the first is the least that negotiation believes (negotiate.c). */
static const uint16_t class_mss[8] = { 64, 256, 536, 1220, 1360, 1440, 1460, 8940 };

static uint32_t class_of(uint32_t mss)
{
    uint32_t class = 7;
    while (class > 0 && class_mss[class] > mss) {
        class --;
    }
    return class;
}

static uint8_t stamp_of(const struct half_open *entry)
{
    if (!(entry->flags & HALF_OPEN_TIMESTAMPS)) {
        return 0;
    }
    unsigned scale = (entry->flags & HALF_OPEN_SCALING) ? entry->snd_scale : STAMP_NO_SCALE;
    unsigned sack = (entry->flags & HALF_OPEN_SACK) ? STAMP_SACK : 0;
    unsigned forms = entry->flags & (HALF_OPEN_ECN | HALF_OPEN_ACCURATE);
    unsigned ecn = forms == HALF_OPEN_ECN ? STAMP_ECN : 0;
    return (uint8_t)(STAMP_PRESENT | ecn | sack | scale);
}

static uint32_t period_now(const struct tcp *tcp)
{
    return (uint32_t)(tcp->now / CLOCK_TICK >> PERIOD_SHIFT);
}

/* `number`: the peer's initial one, or one that has the same upper bits. */
static uint32_t hash(const struct tcp *tcp, const struct half_open *entry, uint32_t number,
                     uint32_t period, uint8_t stamp)
{
    uint8_t text[sizeof entry->tuple + 12];
    uint8_t *at = text + sizeof entry->tuple;
    memcpy(text, &entry->tuple, sizeof entry->tuple);
    put32(at, number & ~LOW_MASK);
    put32(at + 4, period);
    put32(at + 8, (uint32_t)entry->mss << 16 | (uint32_t)stamp << 8 | entry->rcv_scale);
    return (uint32_t)siphash24(&tcp->cookie_key, text, sizeof text);
}

void syn_cookie_make(const struct tcp *tcp, struct half_open *entry)
{
    if (!(entry->flags & HALF_OPEN_TIMESTAMPS)) {
        entry->flags &= (uint8_t) ~(HALF_OPEN_SCALING | HALF_OPEN_SACK);
        if (!(entry->flags & HALF_OPEN_ACCURATE)) {
            entry->flags &= (uint8_t)~HALF_OPEN_ECN;
        }
    }
    struct segment_options told = { .has = entry->mss != 0 ? WH_HAS_MSS : 0, .mss = entry->mss };
    uint32_t class = class_of(tcp_told_mss(&told, &entry->tuple.remote));
    uint32_t period = period_now(tcp);
    entry->mss = class_mss[class];
    uint32_t low = hash(tcp, entry, entry->irs, period, stamp_of(entry)) + entry->irs;
    entry->iss = tcp_origins(tcp, &entry->tuple).iss + (period << PERIOD_SHIFT) +
                 (class << CLASS_SHIFT | (low & LOW_MASK));
}

uint32_t syn_cookie_stamp(const struct half_open *entry, uint32_t clock)
{
    uint32_t stamp = (clock & ~(uint32_t)STAMP_MASK) | (stamp_of(entry) & STAMP_MASK);
    /* The peer must never see our clock go back (RFC 7323 5.3). */
    return seq_gt(stamp, clock) ? stamp - (STAMP_MASK + 1) : stamp;
}

/* What the low bits of our TSval had said. */
static void read_stamp(struct half_open *entry, uint32_t tsecr)
{
    unsigned scale = tsecr & STAMP_SCALE;
    entry->flags |= HALF_OPEN_TIMESTAMPS;
    entry->flags |= (tsecr & STAMP_SACK) ? HALF_OPEN_SACK : 0;
    entry->flags |= (tsecr & STAMP_ECN) ? HALF_OPEN_ECN : 0;
    if (scale != STAMP_NO_SCALE) {
        entry->flags |= HALF_OPEN_SCALING;
        entry->snd_scale = scale & 0xfU;
    }
}

/*
 * RFC 9768 5.1: nobody who has not been told that we use Accurate ECN acknowledges a
 * SYN,ACK with such flags, so that they are as good as a memory.
 */
static bool accurate_agreed(const struct tcp *tcp, const struct segment *ack)
{
    return tcp->defaults->value[WH_OPT_ECN] != ECN_NEVER && (ack->flags & (WH_AE | WH_CWR)) != 0;
}

/* From the peer's initial number, as the cookie has it, to that of which the segment speaks. */
static enum syn_cookie_verdict how_far(const struct tcp *tcp, const struct half_open *entry,
                                       uint32_t cookie, uint32_t period, uint8_t stamp)
{
    /* No further than our SYN,ACK's window; the upper bits may be those of before it. */
    for (uint32_t back = 0; back <= UINT16_MAX; back += UINT16_MAX) {
        uint32_t near = entry->irs - back;
        uint32_t low = (cookie - hash(tcp, entry, near, period, stamp)) & LOW_MASK;
        uint32_t ahead = entry->irs - ((near & ~LOW_MASK) | low);
        if (ahead <= UINT16_MAX) {
            return ahead == 0 ? SYN_COOKIE_GOOD : SYN_COOKIE_AHEAD;
        }
    }
    return SYN_COOKIE_WRONG;
}

enum syn_cookie_verdict syn_cookie_check(const struct tcp *tcp, const struct segment *ack,
                                         struct half_open *entry)
{
    const struct segment_options *options = &ack->options;
    uint32_t cookie = ack->ack - 1 - tcp_origins(tcp, &ack->tuple).iss;
    uint32_t class = cookie >> CLASS_SHIFT & 7;
    uint32_t now = period_now(tcp);
    uint32_t age = (now - (cookie >> PERIOD_SHIFT)) & 0xff;
    if (age >= PERIODS_ACCEPTED) {
        return SYN_COOKIE_WRONG;
    }
    memset(entry, 0, sizeof *entry);
    entry->tuple = ack->tuple;
    entry->irs = ack->seq - 1;
    entry->iss = ack->ack - 1;
    entry->mss = class_mss[class];
    entry->rcv_scale = tcp_window_scale(tcp->defaults->value[WH_OPT_RECEIVE_BUFFER]) & 0xfU;
    entry->sent = tcp_milliseconds_after(tcp, 0);
    uint8_t stamp = 0;
    if (options->has & WH_HAS_TIMESTAMPS) {
        read_stamp(entry, options->tsecr);
        entry->ts_recent = options->tsval;
        stamp = (uint8_t)(STAMP_PRESENT | (options->tsecr & STAMP_MASK));
    }
    if (!(entry->flags & HALF_OPEN_ECN) && accurate_agreed(tcp, ack)) {
        entry->flags |= HALF_OPEN_ECN | HALF_OPEN_ACCURATE;
    }
    return how_far(tcp, entry, cookie, now - age, stamp);
}
