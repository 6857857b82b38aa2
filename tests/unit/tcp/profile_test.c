/* SPDX-License-Identifier: MIT */
#include "arena.h"

#include "tcp/profile.h"

struct bounds {
    int64_t initial, lowest, highest;
};

#define BOUNDS(id, def, low, high, unit, meaning) { (def), (low), (high) },
static const struct bounds bounds[] = { WH_OPTIONS(BOUNDS) };

static int64_t value_of(const struct profile *profile, unsigned option)
{
    int64_t value = -77;
    assert_int_equal(profile_get(profile, (wh_option)option, &value), WH_OK);
    return value;
}

static void defaults_and_ranges_are_those_of_the_list(void **state)
{
    (void)state;
    struct arena arena;
    arena_begin(&arena, (size_t)1 << 20);
    struct profile *profile = profile_new(&arena.memory);
    assert_non_null(profile->congestion);
    for (unsigned i = 0; i < WH_OPTION_COUNT; i++) {
        wh_option option = (wh_option)i;
        assert_in_range(bounds[i].initial - bounds[i].lowest, 0,
                        bounds[i].highest - bounds[i].lowest);
        assert_int_equal(value_of(profile, i), bounds[i].initial);
        assert_int_equal(profile_set(&arena.memory, &profile, option, bounds[i].lowest - 1),
                         WH_E_INVAL);
        assert_int_equal(profile_set(&arena.memory, &profile, option, bounds[i].highest + 1),
                         WH_E_INVAL);
        assert_int_equal(value_of(profile, i), bounds[i].initial);
        assert_int_equal(profile_set(&arena.memory, &profile, option, bounds[i].highest), WH_OK);
        assert_int_equal(value_of(profile, i), bounds[i].highest);
        assert_int_equal(profile_set(&arena.memory, &profile, option, bounds[i].lowest), WH_OK);
        assert_int_equal(value_of(profile, i), bounds[i].lowest);
    }
    profile_drop(&arena.memory, profile);
    arena_end(&arena);
}

static void unknown_options_are_refused(void **state)
{
    (void)state;
    struct arena arena;
    int64_t value;
    arena_begin(&arena, (size_t)1 << 20);
    struct profile *profile = profile_new(&arena.memory);
    assert_int_equal(profile_set(&arena.memory, &profile, WH_OPTION_COUNT, 1), WH_E_INVAL);
    assert_int_equal(profile_set(&arena.memory, &profile, (wh_option)-1, 1), WH_E_INVAL);
    assert_int_equal(profile_get(profile, WH_OPTION_COUNT, &value), WH_E_INVAL);
    profile_drop(&arena.memory, profile);
    arena_end(&arena);
}

/* Whoever sets gets a copy; the others keep what they had. */
static void setting_does_not_touch_who_shares(void **state)
{
    (void)state;
    struct arena arena;
    arena_begin(&arena, (size_t)1 << 20);
    struct profile *first = profile_new(&arena.memory);
    struct profile *second = profile_share(first);
    struct profile *third = profile_share(first);
    size_t before = arena.memory.used;
    assert_ptr_equal(first, second);
    assert_int_equal(first->references, 3);

    /* The value it has already costs nothing. */
    assert_int_equal(profile_set(&arena.memory, &second, WH_OPT_NAGLE, 1), WH_OK);
    assert_ptr_equal(first, second);
    assert_int_equal(arena.memory.used, before);

    assert_int_equal(profile_set(&arena.memory, &second, WH_OPT_NAGLE, 0), WH_OK);
    assert_ptr_not_equal(first, second);
    assert_int_equal(first->references, 2);
    assert_int_equal(second->references, 1);
    assert_int_equal(value_of(first, WH_OPT_NAGLE), 1);
    assert_int_equal(value_of(second, WH_OPT_NAGLE), 0);
    assert_int_equal(value_of(second, WH_OPT_TTL), 64);

    /* A copy of one's own is changed in place. */
    struct profile *own = second;
    assert_int_equal(profile_set(&arena.memory, &second, WH_OPT_TTL, 9), WH_OK);
    assert_ptr_equal(own, second);

    profile_drop(&arena.memory, first);
    assert_int_equal(value_of(third, WH_OPT_NAGLE), 1);
    profile_drop(&arena.memory, third);
    profile_drop(&arena.memory, second);
    arena_end(&arena);
}

static void without_memory_all_stays(void **state)
{
    (void)state;
    struct arena arena;
    arena_begin(&arena, (size_t)1 << 20);
    struct profile *profile = profile_new(&arena.memory);
    struct profile *shared = profile_share(profile);
    arena.refuse_all = true;
    assert_null(profile_new(&arena.memory));
    assert_int_equal(profile_set(&arena.memory, &shared, WH_OPT_NAGLE, 0), WH_E_NOMEM);
    assert_ptr_equal(shared, profile);
    assert_int_equal(profile->references, 2);
    assert_int_equal(value_of(profile, WH_OPT_NAGLE), 1);
    profile_drop(&arena.memory, shared);
    /* Alone it needs none. */
    assert_int_equal(profile_set(&arena.memory, &profile, WH_OPT_NAGLE, 0), WH_OK);
    profile_drop(&arena.memory, profile);
    arena.refuse_all = false;
    arena_end(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_and_ranges_are_those_of_the_list),
        cmocka_unit_test(unknown_options_are_refused),
        cmocka_unit_test(setting_does_not_touch_who_shares),
        cmocka_unit_test(without_memory_all_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
