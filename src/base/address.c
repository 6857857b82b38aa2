/* SPDX-License-Identifier: MIT */
/*
 * Addresses and their text. IPv4 addresses are kept IPv4-mapped (RFC 4291
 * 2.5.5.2) and written dotted; IPv6 text follows RFC 5952 section 4. Reading is
 * strict: what has two readings somewhere ("010.1.1.1", "1.2", zone names) is
 * refused. Written without the C library's help, for the core has none.
 */
#include <wavehand/wavehand.h>

#include "base/bytes.h"

enum { GROUPS = 8 };

static const uint8_t mapped_prefix[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };

wh_addr wh_ipv4(uint8_t a, uint8_t b, uint8_t c, uint8_t d)
{
    return (wh_addr){ { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, a, b, c, d } };
}

/* By words: these are asked for every packet, and a call of memcmp costs more than the answer. */

bool wh_is_ipv4(const wh_addr *addr)
{
    uint64_t high, prefix;
    uint32_t low, mapped;
    memcpy(&high, addr->bytes, sizeof(high));
    memcpy(&low, addr->bytes + sizeof(high), sizeof(low));
    memcpy(&prefix, mapped_prefix, sizeof(prefix));
    memcpy(&mapped, mapped_prefix + sizeof(prefix), sizeof(mapped));
    return ((high ^ prefix) | (low ^ mapped)) == 0;
}

bool wh_addr_equal(const wh_addr *a, const wh_addr *b)
{
    uint64_t x[2], y[2];
    memcpy(x, a, sizeof(x));
    memcpy(y, b, sizeof(y));
    return ((x[0] ^ y[0]) | (x[1] ^ y[1])) == 0;
}

/* The writers return one past the last character they wrote; none writes a NUL. */

static char *write_decimal(char *at, unsigned value)
{
    char digits[5]; /* 65535 at most */
    int n = 0;
    do
        digits[n++] = (char)('0' + value % 10);
    while ((value /= 10) > 0);
    while (n > 0)
        *at++ = digits[--n];
    return at;
}

static char *write_group(char *at, unsigned value)
{
    static const char hex[] = "0123456789abcdef";
    int shift = value > 0xfff ? 12 : value > 0xff ? 8 : value > 0xf ? 4 : 0;
    for (; shift >= 0; shift -= 4)
        *at++ = hex[value >> shift & 0xf];
    return at;
}

static char *write_v4(char *at, const uint8_t *bytes)
{
    for (int i = 0; i < 4; i++) {
        if (i > 0)
            *at++ = '.';
        at = write_decimal(at, bytes[i]);
    }
    return at;
}

/*
 * The first of the longest runs of zero groups, if longer than one group, is what
 * "::" stands for (RFC 5952 4.2). *length is 0 if there is none.
 */
static int longest_zero_run(const uint16_t *group, int *length)
{
    int best = 0;
    *length = 1;
    for (int i = 0; i < GROUPS; i++) {
        int run = 0;
        while (i + run < GROUPS && group[i + run] == 0)
            run++;
        if (run > *length) {
            best = i;
            *length = run;
        }
        i += run;
    }
    if (*length == 1)
        *length = 0;
    return best;
}

static char *write_v6(char *at, const uint8_t *bytes)
{
    uint16_t group[GROUPS];
    for (int i = 0; i < GROUPS; i++)
        group[i] = get16(bytes + 2 * i);
    int skip;
    int from = longest_zero_run(group, &skip);
    for (int i = 0; i < GROUPS; i++) {
        if (skip > 0 && i == from) {
            *at++ = ':';
            *at++ = ':';
            i += skip - 1;
            continue;
        }
        if (i > 0 && at[-1] != ':')
            *at++ = ':';
        at = write_group(at, group[i]);
    }
    return at;
}

static char *write_addr(char *at, const wh_addr *addr)
{
    return wh_is_ipv4(addr) ? write_v4(at, addr->bytes + 12) : write_v6(at, addr->bytes);
}

char *wh_addr_text(const wh_addr *addr, char *text)
{
    *write_addr(text, addr) = '\0';
    return text;
}

char *wh_endpoint_text(const wh_endpoint *endpoint, char *text)
{
    bool brackets = !wh_is_ipv4(&endpoint->addr);
    char *at = text;
    if (brackets)
        *at++ = '[';
    at = write_addr(at, &endpoint->addr);
    if (brackets)
        *at++ = ']';
    *at++ = ':';
    *write_decimal(at, endpoint->port) = '\0';
    return text;
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/* Reads "1.2.3.4" up to the NUL. A leading zero would be octal to some readers. */
static bool read_v4(const char *text, uint8_t *bytes)
{
    for (int i = 0; i < 4; i++) {
        if (i > 0 && *text++ != '.')
            return false;
        if (*text < '0' || *text > '9' || (text[0] == '0' && text[1] >= '0' && text[1] <= '9'))
            return false;
        int value = 0;
        for (; *text >= '0' && *text <= '9'; text++) {
            value = value * 10 + (*text - '0');
            if (value > 255)
                return false;
        }
        bytes[i] = (uint8_t)value;
    }
    return *text == '\0';
}

/* Reads one to four hexadecimal digits; NULL if there are none or more. */
static const char *read_group(const char *text, uint8_t *bytes)
{
    unsigned value = 0;
    int digits = 0;
    for (; hex_value(*text) >= 0; text++) {
        if (++digits > 4)
            return NULL;
        value = value << 4 | (unsigned)hex_value(*text);
    }
    put16(bytes, value);
    return digits > 0 ? text : NULL;
}

/* Spreads n bytes of groups, of which those from `gap` stand behind "::", over all 16. */
static bool open_gap(uint8_t *bytes, size_t n, int gap)
{
    if (gap < 0)
        return n == 16;
    if (n == 16) /* "::" stands for at least one group (RFC 4291 2.2) */
        return false;
    size_t behind = n - (size_t)gap;
    memmove(bytes + 16 - behind, bytes + gap, behind);
    memset(bytes + gap, 0, 16 - n);
    return true;
}

static bool read_v6(const char *text, uint8_t *bytes)
{
    size_t n = 0;
    int gap = -1;
    if (text[0] == ':' && text[1] == ':') {
        gap = 0;
        text += 2;
    }
    while (*text != '\0') {
        if (n == 16)
            return false;
        if (n <= 12 && read_v4(text, bytes + n)) { /* a dotted tail (RFC 4291 2.2) */
            n += 4;
            break;
        }
        text = read_group(text, bytes + n);
        if (text == NULL)
            return false;
        n += 2;
        if (text[0] == ':' && text[1] == ':') {
            if (gap >= 0)
                return false;
            gap = (int)n;
            text += 2;
        } else if (text[0] == ':' && text[1] != '\0') {
            text++;
        } else if (text[0] != '\0') {
            return false;
        }
    }
    return open_gap(bytes, n, gap);
}

int wh_addr_parse(const char *text, wh_addr *addr)
{
    uint8_t bytes[16];
    memcpy(bytes, mapped_prefix, sizeof(mapped_prefix));
    if (!read_v4(text, bytes + sizeof(mapped_prefix)) && !read_v6(text, bytes))
        return WH_E_INVAL;
    memcpy(addr->bytes, bytes, sizeof(bytes));
    return WH_OK;
}
