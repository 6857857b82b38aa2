/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "view/fsm.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <wavehand/wavehand.h>

static char *drawn;
static size_t drawn_size;

static void draw_near(enum fsm_form form, bool all, int near)
{
    const struct fsm_options options = { form, all, near };
    free(drawn);
    FILE *out = open_memstream(&drawn, &drawn_size);
    assert_non_null(out);
    assert_true(fsm_draw(out, &options));
    fclose(out);
}

static void draw(enum fsm_form form, bool all) { draw_near(form, all, FSM_EVERY_STATE); }

static int release(void **state)
{
    (void)state;
    free(drawn);
    drawn = NULL;
    return 0;
}

static unsigned lines(const char *text)
{
    unsigned n = 0;
    for (; *text != '\0'; text++) {
        n += *text == '\n';
    }
    return n;
}

static unsigned arcs(void)
{
    unsigned n = 0;
    for (int s = 0; s < WH_STATE_COUNT; s++) {
        for (int e = 1; e < WH_ARC_EVENT_COUNT; e++) {
            n += wh_arc((wh_state)s, (wh_arc_event)e) >= 0;
        }
    }
    return n;
}

static void every_arc_has_its_line(void **state)
{
    (void)state;
    draw(FSM_TEXT, true);
    assert_int_equal(lines(drawn), arcs());
    assert_non_null(strstr(drawn, "SYN-SENT      SYN,ACK received                ESTABLISHED   "
                                  "RFC 9293 3.10.7.3, fourth\n"));
    assert_non_null(strstr(drawn, "SYN-SENT      RST received                    CLOSED        "
                                  "RFC 9293 3.10.7.3, second\n"));
}

static void without_the_early_ends(void **state)
{
    (void)state;
    draw(FSM_TEXT, false);
    assert_null(strstr(drawn, "abort"));
    assert_null(strstr(drawn, "RST received  "));
    assert_non_null(strstr(
        drawn, "TIME-WAIT     2MSL elapsed                    CLOSED        RFC 9293 3.10.8\n"));
}

static void mermaid(void **state)
{
    (void)state;
    draw(FSM_MERMAID, false);
    assert_int_equal(strncmp(drawn, "stateDiagram-v2\n", 16), 0);
    assert_non_null(strstr(drawn, "\n    FIN_WAIT_1: FIN-WAIT-1\n"));
    assert_non_null(
        strstr(drawn, "\n    FIN_WAIT_2 --> TIME_WAIT: FIN received (3.10.7.4, eighth)\n"));
}

/* Mermaid takes no colon and no semicolon in a label: the arc would not be drawn. */
static void mermaid_labels_are_plain(void **state)
{
    (void)state;
    draw(FSM_MERMAID, true);
    for (char *line = strtok(drawn, "\n"); line != NULL; line = strtok(NULL, "\n")) {
        const char *label = strchr(line, ':');
        assert_true(label == NULL || strpbrk(label + 1, ":;") == NULL);
    }
}

static void dot(void **state)
{
    (void)state;
    draw(FSM_DOT, false);
    assert_int_equal(strncmp(drawn, "digraph tcp {\n", 14), 0);
    assert_non_null(strstr(drawn, "\n    FIN_WAIT_2 -> TIME_WAIT [label=<FIN received<br/>"
                                  "<font point-size=\"8\">3.10.7.4, eighth</font>>];\n"));
    assert_string_equal(drawn + strlen(drawn) - 2, "}\n");
}

static void around_one_state(void **state)
{
    (void)state;
    draw_near(FSM_TEXT, false, WH_CLOSE_WAIT);
    assert_int_equal(lines(drawn), 2);
    assert_int_equal(strncmp(drawn, "ESTABLISHED   FIN received ", 27), 0);
    assert_non_null(strstr(drawn, "\nCLOSE-WAIT    close  "));
    draw_near(FSM_MERMAID, false, WH_CLOSE_WAIT);
    assert_int_equal(lines(drawn), 1 + 3 + 2);
    assert_null(strstr(drawn, "[*]"));
    draw_near(FSM_TEXT, true, WH_CLOSE_WAIT);
    assert_int_equal(lines(drawn), 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(every_arc_has_its_line, release),
        cmocka_unit_test_teardown(without_the_early_ends, release),
        cmocka_unit_test_teardown(mermaid, release),
        cmocka_unit_test_teardown(mermaid_labels_are_plain, release),
        cmocka_unit_test_teardown(dot, release),
        cmocka_unit_test_teardown(around_one_state, release),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
