/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include <wavehand/wavehand.h>

static void errors_have_words(void **state)
{
    (void)state;
    assert_string_equal(wh_strerror(0), "success");
    assert_string_equal(wh_strerror(17), "success"); /* a count */
    assert_string_equal(wh_strerror(WH_E_CONNREFUSED), "connection refused");
    assert_string_equal(wh_strerror(WH_E_IO), "input/output error");
    assert_string_equal(wh_strerror(-1000), "?");
#define WORDS_OF(id, value, words) assert_string_equal(wh_strerror(value), words);
    WH_ERRORS(WORDS_OF)
#undef WORDS_OF
}

static void states_and_arcs_have_names(void **state)
{
    (void)state;
    assert_string_equal(wh_state_name(WH_CLOSED), "CLOSED");
    assert_string_equal(wh_state_name(WH_FIN_WAIT_1), "FIN-WAIT-1");
    assert_string_equal(wh_state_name(WH_TIME_WAIT), "TIME-WAIT");
    assert_string_equal(wh_state_name(WH_STATE_COUNT), "?");
    assert_string_equal(wh_arc_name(WH_ON_NOTHING), "nothing");
    assert_string_equal(wh_arc_name(WH_ON_PASSIVE_OPEN), "passive open");
    assert_string_equal(wh_arc_name(WH_ON_TWO_MSL_OVER), "2MSL elapsed");
    assert_string_equal(wh_arc_name(WH_ARC_EVENT_COUNT), "?");
}

static void reasons_have_name_text_and_source(void **state)
{
    (void)state;
    assert_string_equal(wh_reason_name(WH_WHY_RST_NOT_EXACT), "RST_NOT_EXACT");
    assert_string_equal(wh_reason_text(WH_WHY_RST_NOT_EXACT),
                        "RST inside the window but not at its edge");
    assert_string_equal(wh_reason_source(WH_WHY_RST_NOT_EXACT), "RFC 5961 3.2");
    assert_string_equal(wh_reason_name(WH_REASON_COUNT), "?");
    assert_string_equal(wh_reason_text(WH_REASON_COUNT), "?");
    assert_string_equal(wh_reason_source(WH_REASON_COUNT), "?");
    for (int reason = 0; reason < WH_REASON_COUNT; reason++) {
        assert_true(strlen(wh_reason_name((wh_reason)reason)) > 1);
        assert_true(strlen(wh_reason_text((wh_reason)reason)) > 1);
        for (int other = 0; other < reason; other++) /* one reason, one text */
            assert_string_not_equal(wh_reason_text((wh_reason)reason),
                                    wh_reason_text((wh_reason)other));
    }
}

static void check_option_name(wh_option option, const char *id)
{
    const char *name = wh_option_name(option);
    assert_int_equal(strlen(name), strlen(id));
    for (size_t i = 0; id[i] != '\0'; i++) {
        char expected = id[i];
        if (expected == '_')
            expected = '-';
        else if (expected >= 'A' && expected <= 'Z')
            expected = (char)(expected - 'A' + 'a');
        assert_int_equal(name[i], expected);
    }
}

/* Each name is its identifier in lower case, with dashes. */
static void options_are_named_after_their_identifiers(void **state)
{
    (void)state;
#define CHECK_NAME(id, def, low, high, unit, meaning) check_option_name(WH_OPT_##id, #id);
    WH_OPTIONS(CHECK_NAME)
#undef CHECK_NAME
    assert_null(wh_option_name(WH_OPTION_COUNT));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(errors_have_words),
        cmocka_unit_test(states_and_arcs_have_names),
        cmocka_unit_test(reasons_have_name_text_and_source),
        cmocka_unit_test(options_are_named_after_their_identifiers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
