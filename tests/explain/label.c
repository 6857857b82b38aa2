/* SPDX-License-Identifier: MIT */
#include "label.h"

#include <string.h>

#include "paper.h"

/* Any time will do, as long as it looks like one. */
#define EPOCH (UINT64_C(1700000000) * WH_SECOND)

/* What the capture itself did to the case. */
struct harm {
    bool hurt;    /* it lost a packet that tells */
    bool end_hit; /* ... of the end */
    bool late;    /* it began in mid-connection */
    bool lossy;   /* it lost packets by chance, whether they tell or not */
    bool one_way; /* it has one direction only */
};

/* Does this packet belong to the case? Everything that is not noise does. */
static bool of_case(const struct ground *ground, const uint8_t *packet, uint32_t length,
                    struct segment *segment)
{
    if (!packet_read(segment, packet, length)) {
        segment->flags = 0; /* an ICMP error is about the case, since noise has none */
        return true;
    }
    if (ground->pattern != NULL) {
        return true;
    }
    return segment->tuple.local_port == ground->port || segment->tuple.remote_port == ground->port;
}

/* Would its loss hide something? Handshakes, what ends connections, and all that follows. */
static bool tells(const struct ground *ground, const struct segment *segment, wh_time when,
                  bool *ending)
{
    *ending = *ending || (segment->flags & (WH_FIN | WH_RST)) != 0;
    return *ending || (segment->flags & WH_SYN) || segment->flags == 0 || ground->all_matters ||
           ground->opened == WH_NEVER || when <= ground->opened;
}

static void lose_some(struct ground *ground, struct tape *tape, struct harm *harm)
{
    struct luck *luck = &ground->luck;
    bool burst = luck_once_in(luck, 3), ending = false;
    size_t first = burst && tape->count > 0 ? luck_below(luck, tape->count) : 0;
    size_t length = burst ? 1 + luck_below(luck, 6) : 0;
    uint64_t one_in = 20 + luck_below(luck, 80);
    for (size_t i = 0; i < tape->count; i++) {
        struct taped *packet = &tape->packet[i];
        struct segment segment;
        bool mine = of_case(ground, tape->bytes + packet->at, packet->length, &segment);
        bool telling = mine && tells(ground, &segment, packet->when, &ending);
        harm->lossy = true;
        packet->lost = burst ? i - first < length : luck_once_in(luck, one_in);
        harm->hurt |= packet->lost && telling;
        harm->end_hit |= packet->lost && telling && ending;
    }
}

static void begin_late(struct ground *ground, struct tape *tape, struct harm *harm)
{
    wh_time since = ground->opened + 1;
    for (size_t i = 0; i < tape->count && tape->packet[i].when <= since; i++) {
        tape->packet[i].lost = true;
        harm->late = true;
    }
}

/* What only the client sent, or only the server: as on a path whose ways differ. */
static void lose_a_direction(struct ground *ground, struct tape *tape, struct harm *harm)
{
    bool servers = luck_once_in(&ground->luck, 2);
    for (size_t i = 0; i < tape->count; i++) {
        /* In the middle "outgoing" is what the client sent. */
        tape->packet[i].lost = tape->packet[i].outgoing == servers;
    }
    harm->hurt = harm->one_way = true;
}

static void harm_tape(const struct label *label, struct ground *ground, struct tape *tape,
                      struct harm *harm)
{
    if (ground->variety.one_way && ground->variety.vantage == AT_MIDDLE &&
        ground->pattern == NULL) {
        lose_a_direction(ground, tape, harm);
    } else if (ground->variety.lossy && !(label->scenario->flags & NO_LOSS)) {
        lose_some(ground, tape, harm);
    } else if (ground->variety.late && ground->opened != WH_NEVER &&
               !(label->scenario->flags & OPENING_MATTERS)) {
        begin_late(ground, tape, harm);
    }
}

/* Is there a segment of the case? An ICMP error alone opens no connection to speak of. */
static bool anything_left(const struct ground *ground, const struct tape *tape)
{
    struct segment segment;
    for (size_t i = 0; i < tape->count; i++) {
        const struct taped *packet = &tape->packet[i];
        const uint8_t *bytes = tape->bytes + packet->at;
        if (!packet->lost && packet_read(&segment, bytes, packet->length) &&
            of_case(ground, bytes, packet->length, &segment)) {
            return true;
        }
    }
    return false;
}

/* "a,b" as "a","b". */
static void print_list(FILE *out, const char *names, const char *more)
{
    fputc('"', out);
    for (const char *at = names; *at != '\0'; at++) {
        if (*at == ',') {
            fputs("\",\"", out);
        } else {
            fputc(*at, out);
        }
    }
    fprintf(out, "\"%s", more);
}

/* What is true as well, only less, where the capture lacks some of the case. */
static void print_general(FILE *out, const char *expect, const struct harm *harm)
{
    static const char *const resets[] = {
        "reset",
        "half-open-peer",
        "port-reused",
        "half-close",
        "keep-alive",
        "refused",
        "time-wait-assassinated",
        "time-wait-syn-challenged",
    };
    bool reset = false;
    for (size_t i = 0; i < sizeof resets / sizeof resets[0]; i++) {
        reset = reset || strstr(expect, resets[i]) != NULL;
    }
    if (harm->hurt && reset) {
        fputs(",\"reset\"", out);
    }
    if (harm->hurt &&
        (strstr(expect, "syn-ack-lost") != NULL || strstr(expect, "syn-lost") != NULL)) {
        fputs(",\"syn-repeated\"", out);
    }
    /* A lost answer leaves no trace. */
    if (harm->hurt &&
        (strstr(expect, "refused") != NULL || strstr(expect, "unreachable") != NULL)) {
        fputs(",\"no-answer\"", out);
    }
    /* Who came late cannot know that nothing had been said before. */
    if (harm->late && strstr(expect, "silent-after-connect") != NULL) {
        fputs(",\"still-open\"", out);
    }
}

static const char *truth_of(bool so) { return so ? "true" : "false"; }

static void print_label(const struct label *label, const struct ground *ground,
                        const struct harm *harm, const char *files)
{
    static const char *const places[] = { "client", "server", "middle", "both" };
    /* With a FIN or RST missing, an honest reader sees a connection that has not ended, or another end. */
    static const char ends[] = ",\"still-open\",\"still-closing\",\"closed-four-way\","
                               "\"closed-three-segments\",\"closed-simultaneously\"";
    const struct truth *truth = &ground->truth[ground->variety.vantage];
    char client[WH_TEXT], server[WH_TEXT];
    const struct talk *talk = &ground->talk[ground->subject];
    fprintf(label->out, "{\"files\":[%s],", files);
    if (ground->pattern != NULL) {
        wh_endpoint target = { ground->address[SERVER], ground->port };
        fprintf(label->out, "\"pattern\":\"%s\",\"target\":\"%s\",", ground->pattern,
                wh_endpoint_text(&target, server));
    } else {
        fprintf(label->out, "\"client\":\"%s\",\"server\":\"%s\",",
                wh_endpoint_text(&talk->end[CLIENT], client),
                wh_endpoint_text(&talk->end[SERVER], server));
    }
    fprintf(label->out, "\"scenario\":\"%s\",\"cause\":\"%s\",\"vantage\":\"%s\",",
            label->scenario->name, label->scenario->cause, places[ground->variety.vantage]);
    fprintf(label->out, "\"lossy_capture\":%s,\"begins_late\":%s,\"one_direction\":%s,\"expect\":[",
            truth_of(harm->lossy), truth_of(harm->late), truth_of(harm->one_way));
    /* With the trouble of an opening missing, the rest of the connection is all there is to tell. */
    bool opening_hit = harm->hurt && !harm->one_way && ground->opened != WH_NEVER &&
                       (label->scenario->flags & OPENING_MATTERS);
    print_list(label->out, truth->expect, harm->end_hit || opening_hit ? ends : "");
    print_general(label->out, truth->expect, harm);
    fprintf(label->out, "],\"holds\":%s}\n", truth_of(truth->holds && !harm->hurt && !harm->late));
}

/* A place that sees the case: the drawn one, or else the next; false: none does. */
static bool settle_vantage(struct ground *ground)
{
    struct variety *variety = &ground->variety;
    for (int i = 0; i < VANTAGES && ground->truth[variety->vantage].expect == NULL; i++) {
        variety->vantage = (variety->vantage + 1) % VANTAGES;
    }
    variety->form.blocks = variety->form.blocks && variety->vantage != AT_MIDDLE;
    return ground->truth[variety->vantage].expect != NULL;
}

bool label_write(const struct label *label, struct ground *ground)
{
    struct harm harm = { 0 };
    char files[256] = "";
    if (!settle_vantage(ground)) {
        return true;
    }
    enum vantage vantage = ground->variety.vantage;
    enum vantage first = vantage == AT_BOTH ? AT_CLIENT : vantage;
    enum vantage last = vantage == AT_BOTH ? AT_SERVER : vantage;
    for (enum vantage at = first; at <= last; at++) {
        harm_tape(label, ground, &ground->tape[at], &harm);
        if (!anything_left(ground, &ground->tape[at])) {
            return true; /* no case is left */
        }
    }
    for (enum vantage at = first; at <= last; at++) {
        static const char *const places[] = { "client", "server", "middle" };
        char name[64], file[4096];
        snprintf(name, sizeof name, "%06lu-%s.%s", label->number, places[at],
                 ground->variety.form.blocks ? "pcapng" : "pcap");
        snprintf(file, sizeof file, "%s/%s", label->directory, name);
        size_t used = strlen(files);
        snprintf(files + used, sizeof files - used, "%s\"%s\"", used > 0 ? "," : "", name);
        uint64_t start = EPOCH + (at == AT_SERVER ? (uint64_t)ground->variety.skew : 0);
        if (!tape_write(&ground->tape[at], file, &ground->variety.form, start)) {
            return false;
        }
    }
    print_label(label, ground, &harm, files);
    return true;
}
