/* SPDX-License-Identifier: MIT */
#include "tap.h"

#include <stdio.h>
#include <stdlib.h>

/* What has gone wrong in the test that runs, or NULL. */
static const char *wrong;

bool tap_expect(bool good, const char *what)
{
    if (!good && wrong == NULL) {
        wrong = what;
    }
    return good;
}

int tap_main(const struct tap_test *tests, size_t count)
{
    size_t failed = 0;
    printf("TAP version 13\n");
    for (size_t i = 0; i < count; i++) {
        wrong = NULL;
        tests[i].run();
        printf("%s %zu - %s\n", wrong == NULL ? "ok" : "not ok", i + 1, tests[i].title);
        if (wrong != NULL) {
            printf("#   this does not hold: %s\n", wrong);
            failed++;
        }
    }
    printf("1..%zu\n# %zu passed, %zu failed\n", count, count - failed, failed);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
