/* SPDX-License-Identifier: MIT */
/*
 * The words for everything that has a number: errors, states, arcs, reasons,
 * options. All come from the X-macro lists of the public headers, so that a new
 * entry there has its words here at once.
 */
#include <wavehand/wavehand.h>

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/* What is answered for a number that is in no list: a bug of the caller's, made visible. */
static const char outside[] = "?";

const char *wh_strerror(int error)
{
    switch (error) {
    case WH_OK: return "success";
#define ERROR_WORDS(id, value, words)                                                              \
    case WH_E_##id: return words;
        WH_ERRORS(ERROR_WORDS)
#undef ERROR_WORDS
    default: return error > 0 ? "success" : outside;
    }
}

const char *wh_state_name(wh_state state)
{
#define STATE_NAME(id, name) name,
    static const char *const names[] = { WH_STATES(STATE_NAME) };
#undef STATE_NAME
    return (size_t)state < COUNT_OF(names) ? names[state] : outside;
}

const char *wh_arc_name(wh_arc_event event)
{
#define ARC_NAME(id, name) name,
    static const char *const names[] = { "nothing", WH_ARC_EVENTS(ARC_NAME) };
#undef ARC_NAME
    return (size_t)event < COUNT_OF(names) ? names[event] : outside;
}

const char *wh_reason_name(wh_reason reason)
{
#define REASON_NAME(id, text, source) #id,
    static const char *const names[] = { WH_REASONS(REASON_NAME) };
#undef REASON_NAME
    return (size_t)reason < COUNT_OF(names) ? names[reason] : outside;
}

const char *wh_reason_text(wh_reason reason)
{
#define REASON_TEXT(id, text, source) text,
    static const char *const texts[] = { WH_REASONS(REASON_TEXT) };
#undef REASON_TEXT
    return (size_t)reason < COUNT_OF(texts) ? texts[reason] : outside;
}

const char *wh_reason_source(wh_reason reason)
{
#define REASON_SOURCE(id, text, source) source,
    static const char *const sources[] = { WH_REASONS(REASON_SOURCE) };
#undef REASON_SOURCE
    return (size_t)reason < COUNT_OF(sources) ? sources[reason] : outside;
}

const char *wh_recovery_name(wh_recovery recovery)
{
    static const char *const names[] = {
        [WH_RECOVERY_OPEN] = "open",       [WH_RECOVERY_DISORDER] = "disorder",
        [WH_RECOVERY_REDUCED] = "reduced", [WH_RECOVERY_FAST] = "recovery",
        [WH_RECOVERY_LOSS] = "loss",
    };
    return (size_t)recovery < COUNT_OF(names) ? names[recovery] : outside;
}

/* The preprocessor has no lower case, so these are written out; names_test holds them to the list. */
const char *wh_option_name(wh_option option)
{
    static const char *const names[] = {
        [WH_OPT_SEND_BUFFER] = "send-buffer",
        [WH_OPT_SEND_BUFFER_INITIAL] = "send-buffer-initial",
        [WH_OPT_RECEIVE_BUFFER] = "receive-buffer",
        [WH_OPT_RECEIVE_BUFFER_INITIAL] = "receive-buffer-initial",
        [WH_OPT_SEND_LOW_WATER] = "send-low-water",
        [WH_OPT_RECEIVE_LOW_WATER] = "receive-low-water",
        [WH_OPT_NAGLE] = "nagle",
        [WH_OPT_CORK] = "cork",
        [WH_OPT_ACK_DELAY] = "ack-delay",
        [WH_OPT_KEEPALIVE] = "keepalive",
        [WH_OPT_KEEPALIVE_IDLE] = "keepalive-idle",
        [WH_OPT_KEEPALIVE_INTERVAL] = "keepalive-interval",
        [WH_OPT_KEEPALIVE_PROBES] = "keepalive-probes",
        [WH_OPT_KEEPALIVE_GARBAGE] = "keepalive-garbage",
        [WH_OPT_USER_TIMEOUT] = "user-timeout",
        [WH_OPT_CONNECT_TIMEOUT] = "connect-timeout",
        [WH_OPT_R1_RETRIES] = "r1-retries",
        [WH_OPT_RTO_INITIAL] = "rto-initial",
        [WH_OPT_RTO_MIN] = "rto-min",
        [WH_OPT_RTO_MAX] = "rto-max",
        [WH_OPT_PACING] = "pacing",
        [WH_OPT_INITIAL_WINDOW] = "initial-window",
        [WH_OPT_MSS] = "mss",
        [WH_OPT_MTU_PROBING] = "mtu-probing",
        [WH_OPT_PATH_MTU_MIN] = "path-mtu-min",
        [WH_OPT_SACK] = "sack",
        [WH_OPT_TIMESTAMPS] = "timestamps",
        [WH_OPT_WINDOW_SCALING] = "window-scaling",
        [WH_OPT_ECN] = "ecn",
        [WH_OPT_LINGER] = "linger",
        [WH_OPT_FIN_WAIT_2_TIMEOUT] = "fin-wait-2-timeout",
        [WH_OPT_TTL] = "ttl",
        [WH_OPT_DSCP] = "dscp",
    };
    _Static_assert(COUNT_OF(names) == WH_OPTION_COUNT, "every option has a name");
    return (size_t)option < COUNT_OF(names) ? names[option] : NULL;
}

const char *wh_version(void) { return "0.1.0"; }
