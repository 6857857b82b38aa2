/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "report.h"

#include "unit/link/namespace.h"

enum { JOBS_MAX = 16 };

void report_result(bool good, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    printf("%s - ", good ? "ok" : "not ok");
    vprintf(format, arguments);
    printf("\n");
    fflush(stdout); /* whatever happens to the job next */
    va_end(arguments);
}

void report_note(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    printf("#   ");
    vprintf(format, arguments);
    printf("\n");
    fflush(stdout); /* whatever happens to the job next */
    va_end(arguments);
}

/* In the child; results go to a file, for a pipe could fill and stop the clockwork. */
static void run_job(const struct job *job, FILE *results, unsigned seconds)
{
    alarm(seconds); /* a job that waits for ever has failed */
    if (dup2(fileno(results), STDOUT_FILENO) < 0)
        _exit(1);
    enter_namespace();
    job->run(job);
    fflush(stdout);
    _exit(0);
}

/* Prints a job's lines, numbering its results. */
static void print_results(FILE *results, unsigned *passed, unsigned *failed)
{
    char *line = NULL;
    size_t room = 0;
    rewind(results);
    while (getline(&line, &room, results) > 0) {
        if (strncmp(line, "ok - ", 5) == 0)
            printf("ok %u - %s", ++*passed + *failed, line + 5);
        else if (strncmp(line, "not ok - ", 9) == 0)
            printf("not ok %u - %s", *passed + ++*failed, line + 9);
        else
            printf("%s", line);
    }
    free(line);
}

int report_jobs(const struct job *jobs, size_t n, unsigned seconds)
{
    FILE *results[JOBS_MAX];
    pid_t child[JOBS_MAX];
    unsigned passed = 0, failed = 0, skipped = 0;
    CHECK(n <= JOBS_MAX);
    printf("TAP version 13\n");
    fflush(stdout);
    for (size_t i = 0; i < n; i++) {
        results[i] = tmpfile();
        CHECK(results[i] != NULL && (child[i] = fork()) >= 0);
        if (child[i] == 0)
            run_job(&jobs[i], results[i], seconds);
    }
    for (size_t i = 0; i < n; i++) {
        int status = -1;
        CHECK(waitpid(child[i], &status, 0) == child[i]);
        print_results(results[i], &passed, &failed);
        fclose(results[i]);
        if (WIFEXITED(status) && WEXITSTATUS(status) == SKIPPED)
            skipped++;
        else if (status != 0)
            printf("not ok %u - %s did not come to its end (%s %d)\n", passed + ++failed,
                   jobs[i].name, WIFSIGNALED(status) ? "signal" : "status",
                   WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
    }
    printf("1..%u\n# %u passed, %u failed\n", passed + failed, passed, failed);
    if (skipped == n) {
        printf("# skipped: needs /dev/net/tun and network namespaces\n");
        return SKIPPED;
    }
    return failed == 0 && passed > 0 ? 0 : 1;
}
