/* SPDX-License-Identifier: MIT */
#include "scenario.h"

#include "paper.h"

void truth_of_loss(struct ground *ground, enum side from, enum half half, const char *seen,
                   const char *unseen)
{
    enum half first = from == CLIENT ? NEAR_CLIENT : NEAR_SERVER;
    ground_truth(ground, IN(AT_BOTH) | IN(from == CLIENT ? AT_CLIENT : AT_SERVER), seen, true);
    ground_truth(ground, IN(from == CLIENT ? AT_SERVER : AT_CLIENT), unseen, true);
    ground_truth(ground, IN(AT_MIDDLE), half == first ? unseen : seen, true);
}

const char *close_in_turn(struct ground *ground, struct talk *talk, enum side first)
{
    bool three = luck_once_in(&ground->luck, 2);
    talk->answers_eof[other(first)] =
        three ? 0 : luck_scale(&ground->luck, 100 * WH_MILLISECOND, 2 * WH_SECOND);
    talk_close(talk, first);
    ground_pass(ground, 3 * WH_SECOND + 4 * ground->variety.rtt);
    return three ? "closed-three-segments" : "closed-four-way";
}

const char *close_in_order(struct ground *ground, struct talk *talk)
{
    if (luck_once_in(&ground->luck, 4)) {
        talk_close(talk, CLIENT);
        talk_close(talk, SERVER);
        ground_pass(ground, WH_SECOND + 4 * ground->variety.rtt);
        return "closed-simultaneously";
    }
    return close_in_turn(ground, talk, any_side(ground));
}

unsigned count_flag(const struct ground *ground, enum vantage point, enum side from, uint16_t flag)
{
    const struct tape *tape = &ground->tape[point];
    unsigned count = 0;
    for (size_t i = 0; i < tape->count; i++) {
        struct segment segment;
        const struct taped *packet = &tape->packet[i];
        if (!packet_read(&segment, tape->bytes + packet->at, packet->length)) {
            continue;
        }
        uint16_t port = from == CLIENT ? segment.tuple.remote_port : segment.tuple.local_port;
        count += port == ground->port && (segment.flags & flag) != 0;
    }
    return count;
}

enum side any_side(struct ground *ground)
{
    return luck_once_in(&ground->luck, 2) ? CLIENT : SERVER;
}

enum half any_half(struct ground *ground)
{
    return luck_once_in(&ground->luck, 2) ? NEAR_CLIENT : NEAR_SERVER;
}

const char *side_name(enum side side) { return side == CLIENT ? "client" : "server"; }
