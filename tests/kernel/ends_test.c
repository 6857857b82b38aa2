/* SPDX-License-Identifier: MIT */
/*
 * Plays with the kernel at one end and us at the other, both driven by this program:
 * what the applications see, the states of both, and what crossed the wire. Each with
 * the parts given both ways, over IPv4 and IPv6.
 *
 * Of the connection's lifecycle neither this test nor the comparison (replies_test)
 * shows what cannot be had from Linux in seconds, and tests/script does in virtual time:
 *
 *   minutes of silence: H09, H11, and at their real length C12, C18, E09, T01, B03;
 *   floods and what limits them: B04, T14, D16 (the comparison switches limits off);
 *   many opens at once: O13; a host that calls itself or a group: H23, O11, O12;
 *   initial numbers that Linux will not choose: W01-W04 from its side;
 *   Fast Open: H18, O15.
 */
#include "play.h"
#include "report.h"

#include <stdio.h>

enum { SECONDS = 90 };

static void print_crossings(const struct pair *pair)
{
    char flags[40];
    for (unsigned i = 0; i < pair->crossings && i < 40; i++) {
        const struct crossing *crossing = &pair->crossing[i];
        const struct segment *segment = &crossing->segment;
        report_note("%s %-8s seq %u ack %u len %u win %u%s",
                    crossing->ours ? "wavehand" : "Linux   ", wire_flags(segment->flags, flags),
                    segment->seq, segment->ack, segment->length, segment->window,
                    crossing->lost ? " (lost)" : "");
    }
}

static void perform(struct pair *pair, const struct play *play, bool ours_first)
{
    const char *broken;
    pair_begin(pair, ours_first);
    if (setjmp(pair->failed) == 0) {
        if (play->opened)
            pair_open(pair, &pair->x, &pair->y);
        play->run(pair);
    }
    broken = pair->why[0] ? pair->why : NULL;
    if (broken != NULL)
        print_crossings(pair);
    const char *inside = pair_end(pair);
    if (broken == NULL)
        broken = inside;
    report_result(broken == NULL, "%s %s (x is %s, %s)", play->ids, play->title,
                  ours_first ? "wavehand" : "Linux", pair->six ? "IPv6" : "IPv4");
    if (broken != NULL)
        report_note("%s", broken);
}

static void run_plays(const struct job *job)
{
    static const struct play *const all[] = { opening_plays, closing_plays, ending_plays,
                                              time_wait_plays };
    static struct pair pair;
    bool ours_first = job->number == 0;
    pair.six = job->six;
    pair.tun = linux_device();
    linux_switch("tcp_congestion_control", "reno");
    linux_switch("tcp_challenge_ack_limit", "2147483647");
    linux_switch("tcp_tw_reuse", "0");
    linux_switch("tcp_wmem", "4096 1048576 4194304"); /* room for what is sent in one go */
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        for (const struct play *play = all[i]; play->ids != NULL; play++)
            if (play->parts == EITHER || (play->parts == OURS_IS_X) == ours_first)
                perform(&pair, play, ours_first);
    wh_tun_close(pair.tun);
}

int main(void)
{
    static const struct job jobs[] = {
        { .name = "wavehand and Linux over IPv4", .run = run_plays },
        { .name = "Linux and wavehand over IPv4", .run = run_plays, .number = 1 },
        { .name = "wavehand and Linux over IPv6", .run = run_plays, .six = true },
        { .name = "Linux and wavehand over IPv6", .run = run_plays, .number = 1, .six = true },
    };
    return report_jobs(jobs, sizeof jobs / sizeof *jobs, SECONDS);
}
