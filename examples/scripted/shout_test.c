/* SPDX-License-Identifier: MIT */
/* Tests the server against scripts, in virtual time: cc shout_test.c shout.c $(pkg-config --cflags --libs wavehand-rig) */
#include <wavehand/rig.h>

#include "shout.h"

static void *begin(void *user, wh_rig *rig, wh_stack *host, wh_time now)
{
    (void)user, (void)now;
    struct shout *shout = shout_new(host, 80);
    if (shout == NULL) {
        wh_rig_fail(rig, "cannot listen");
    }
    return shout;
}

static void serve(void *state, wh_stack *host, wh_time now)
{
    (void)now;
    shout_serve(state, host);
}

static void end(void *state, wh_stack *host)
{
    (void)host;
    if (state != NULL) {
        shout_free(state);
    }
}

int main(int argc, char **argv)
{
    const wh_rig_program program = {
        .size = sizeof program, .begin = begin, .serve = serve, .end = end
    };
    return wh_rig_main(argc, argv, &program);
}
