/* SPDX-License-Identifier: MIT */
#include "cli/numbers.h"

/* The stack's entry; a new one if need be. There are never more stacks than entries. */
static struct stack_numbers *find(struct numbers *numbers, const wh_stack *host)
{
    struct stack_numbers *stack = numbers->stack;
    while (stack->host != host && stack->host != NULL &&
           stack < numbers->stack + NUMBERS_STACKS - 1)
        stack++;
    stack->host = host;
    return stack;
}

uint64_t numbers_arrive(struct numbers *numbers, const wh_stack *host, size_t n)
{
    struct stack_numbers *stack = find(numbers, host);
    uint64_t first = stack->arrived + 1;
    stack->arrived_more = numbers->arrived - stack->arrived;
    stack->arrived += n;
    numbers->arrived += n;
    return first;
}

void numbers_depart(struct numbers *numbers, const wh_stack *host, size_t n)
{
    struct stack_numbers *stack = find(numbers, host);
    stack->departed_more = numbers->departed - stack->departed;
    stack->departed += n;
    numbers->departed += n;
}

void numbers_apply(struct numbers *numbers, const wh_stack *host, wh_trace_record *records,
                   size_t n)
{
    const struct stack_numbers *stack = find(numbers, host);
    for (size_t i = 0; i < n; i++)
        if (records[i].frame > 0)
            records[i].frame +=
                records[i].kind == WH_TRACE_OUT ? stack->departed_more : stack->arrived_more;
}
