/* SPDX-License-Identifier: MIT */
#include "cli/explain_options.h"

#include <arpa/inet.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/options.h"
#include "explain/source.h"

enum option_id {
    OPT_ALL = 1,
    OPT_CONNECTION,
    OPT_ADDRESS,
    OPT_PORT,
    OPT_VERDICT,
    OPT_LIMIT,
    OPT_JSON,
    OPT_LADDER,
    OPT_NO_CHECKSUMS,
    OPT_MEMORY,
    OPT_STRICT,
    OPT_WIDTH,
    OPT_ASCII,
    OPT_INTERFACE,
    OPT_FILTER,
    OPT_FOLLOW,
    OPT_HTML,
    OPT_HELP,
};

static const struct option table[] = {
    { "all", no_argument, NULL, OPT_ALL },
    { "connection", required_argument, NULL, OPT_CONNECTION },
    { "address", required_argument, NULL, OPT_ADDRESS },
    { "port", required_argument, NULL, OPT_PORT },
    { "verdict", required_argument, NULL, OPT_VERDICT },
    { "limit", required_argument, NULL, OPT_LIMIT },
    { "json", no_argument, NULL, OPT_JSON },
    { "ladder", no_argument, NULL, OPT_LADDER },
    { "no-checksums", no_argument, NULL, OPT_NO_CHECKSUMS },
    { "memory", required_argument, NULL, OPT_MEMORY },
    { "strict", no_argument, NULL, OPT_STRICT },
    { "width", required_argument, NULL, OPT_WIDTH },
    { "ascii", no_argument, NULL, OPT_ASCII },
    { "interface", required_argument, NULL, OPT_INTERFACE },
    { "filter", required_argument, NULL, OPT_FILTER },
    { "html", required_argument, NULL, OPT_HTML },
    { "follow", no_argument, NULL, OPT_FOLLOW },
    { "help", no_argument, NULL, OPT_HELP },
    { 0 },
};

static bool take_connection(struct explain_choices *choices, const char *command, const char *text)
{
    uint64_t number;
    if (!options_number(command, "--connection", text, 1, UINT64_MAX, &number)) {
        return false;
    }
    size_t n = choices->wanted.numbers;
    uint64_t *more = realloc(choices->numbers, (n + 1) * sizeof *more);
    if (more == NULL) {
        options_complain(command, "no memory");
        return false;
    }
    more[n] = number;
    choices->numbers = more;
    choices->wanted.number = more;
    choices->wanted.numbers = n + 1;
    return true;
}

static bool take_address(struct wanted *wanted, const char *command, const char *text)
{
    char host[INET6_ADDRSTRLEN + 1];
    const char *slash = strchr(text, '/');
    size_t length = slash != NULL ? (size_t)(slash - text) : strlen(text);
    uint8_t bytes[16];
    unsigned bits;
    if (length >= sizeof host) {
        length = 0;
    }
    memcpy(host, text, length);
    host[length] = '\0';
    if (inet_pton(AF_INET, host, bytes) == 1) {
        wanted->address = wh_ipv4(bytes[0], bytes[1], bytes[2], bytes[3]);
        bits = 32;
    } else if (inet_pton(AF_INET6, host, bytes) == 1) {
        memcpy(wanted->address.bytes, bytes, sizeof bytes);
        bits = 128;
    } else {
        options_complain(command,
                         "--address takes an IPv4 or IPv6 address, as 10.0.0.1 or 10.0.0.0/8, "
                         "not '%s'",
                         text);
        return false;
    }
    uint64_t prefix = bits;
    if (slash != NULL &&
        !options_number(command, "the prefix length of --address", slash + 1, 0, bits, &prefix)) {
        return false;
    }
    wanted->prefix = (unsigned)prefix + (bits == 32 ? 96 : 0);
    wanted->by_address = true;
    return true;
}

static void list_verdicts(void)
{
    for (int kind = 0; kind < VERDICT_COUNT; kind++) {
        printf("%-26s %s\n", verdict_name((enum verdict_kind)kind),
               verdict_words((enum verdict_kind)kind));
    }
}

/* False after a line about it. */
static bool take_verdicts(struct wanted *wanted, const char *command, const char *text)
{
    while (*text != '\0') {
        size_t length = strcspn(text, ",");
        char name[64];
        snprintf(name, sizeof name, "%.*s", (int)(length < sizeof name ? length : sizeof name - 1),
                 text);
        enum verdict_kind kind = verdict_of_name(name);
        if (kind == VERDICT_COUNT) {
            options_complain(
                command, "--verdict: there is no verdict '%s'; '--verdict help' lists them", name);
            return false;
        }
        wanted->verdicts |= UINT64_C(1) << kind;
        text += length + (text[length] == ',');
    }
    return true;
}

/* "512mb": as in fault rules, 1 kb is 1024 bytes. */
static bool take_size(const char *command, const char *text, size_t *size)
{
    static const char *const units[] = { "b", "kb", "mb", "gb" };
    char *end;
    unsigned long long value = strtoull(text, &end, 10);
    for (unsigned i = 0; i < 4 && text[0] >= '0' && text[0] <= '9'; i++) {
        if (strcmp(end, units[i]) == 0 && value > 0 && value < (1ULL << 40) >> (10 * i)) {
            *size = (size_t)value << (10 * i);
            return true;
        }
    }
    options_complain(command, "--memory takes a size such as 512mb or 4gb, not '%s'", text);
    return false;
}

static bool take_number(const char *command, const char *what, const char *text, uint64_t low,
                        uint64_t high, unsigned *number)
{
    uint64_t value = 0;
    bool good = options_number(command, what, text, low, high, &value);
    *number = (unsigned)value;
    return good;
}

static bool take(struct explain_choices *choices, const char *command, int option, const char *text)
{
    unsigned port;
    switch (option) {
    case OPT_ALL: choices->all = true; return true;
    case OPT_JSON: choices->json = true; return true;
    case OPT_LADDER: choices->ladder = true; return true;
    case OPT_NO_CHECKSUMS: choices->no_checksums = true; return true;
    case OPT_STRICT: choices->strict = true; return true;
    case OPT_ASCII: choices->ascii = true; return true;
    case OPT_FOLLOW: choices->follow = true; return true;
    case OPT_HTML: choices->html = text; return true;
    case OPT_INTERFACE: choices->interface = text; return true;
    case OPT_FILTER: choices->filter = text; return true;
    case OPT_LIMIT: return take_number(command, "--limit", text, 0, UINT32_MAX, &choices->limit);
    case OPT_WIDTH: return take_number(command, "--width", text, 80, 1000, &choices->width);
    case OPT_MEMORY: return take_size(command, text, &choices->memory);
    default: break;
    }
    choices->narrowed = true;
    switch (option) {
    case OPT_CONNECTION: return take_connection(choices, command, text);
    case OPT_ADDRESS: return take_address(&choices->wanted, command, text);
    case OPT_VERDICT: return take_verdicts(&choices->wanted, command, text);
    default:
        if (!take_number(command, "--port", text, 1, 65535, &port)) {
            return false;
        }
        choices->wanted.port = (uint16_t)port;
        return true;
    }
}

/* What fits together: files, or an interface. */
static int check(const struct explain_choices *choices, const char *command)
{
    const char *wrong = NULL;
    if (choices->interface != NULL) {
        wrong = choices->file_count > 0 ? "name files, or an interface with -i, not both"
                : choices->html != NULL ? "--html is for files; capture to a file first"
                                        : NULL;
    } else if (choices->follow || choices->filter != NULL) {
        wrong = "--follow and --filter are for a live capture; name an interface with -i";
    } else if (choices->file_count == 0) {
        wrong = "name a capture file, '-' for standard input, or an interface with -i";
    } else if (choices->file_count > SOURCE_FILES) {
        wrong = "too many files; 32 at most are read together";
    }
    if (wrong != NULL) {
        options_complain(command, "%s; try '%s --help'", wrong, command);
        return EXIT_USAGE;
    }
    return 0;
}

int explain_options_read(int argc, char **argv, const char *command, const char *help,
                         struct explain_choices *choices)
{
    int option;
    memset(choices, 0, sizeof *choices);
    choices->limit = 10;
    optind = 0;
    opterr = 0;
    while ((option = getopt_long(argc, argv, ":hi:", table, NULL)) != -1) {
        if (option == OPT_HELP || option == 'h') {
            fputs(help, stdout);
            return -1;
        }
        if (option == OPT_VERDICT && strcmp(optarg, "help") == 0) {
            list_verdicts();
            return -1;
        }
        if (option == '?' || option == ':') {
            options_complain(command, "%s '%s'; try '%s --help'",
                             option == ':' ? "a value is missing after" : "unknown option",
                             argv[optind - 1], command);
            return EXIT_USAGE;
        }
        if (!take(choices, command, option == 'i' ? OPT_INTERFACE : option, optarg)) {
            return EXIT_USAGE;
        }
    }
    choices->files = (const char *const *)argv + optind;
    choices->file_count = (unsigned)(argc - optind);
    return check(choices, command);
}

void explain_options_free(struct explain_choices *choices)
{
    free(choices->numbers);
    choices->numbers = NULL;
}
