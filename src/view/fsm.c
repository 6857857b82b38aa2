/* SPDX-License-Identifier: MIT */
#include "view/fsm.h"

#include <wavehand/wavehand.h>

/* Diagrams want names without hyphens: the identifiers of the list. */
static const char *identifier(wh_state state)
{
#define STATE_IDENTIFIER(id, name) #id,
    static const char *const identifiers[] = { WH_STATES(STATE_IDENTIFIER) };
#undef STATE_IDENTIFIER
    return identifiers[state];
}

static bool ends_early(wh_arc_event event)
{
    return event == WH_ON_GOT_RST || event == WH_ON_ABORT || event == WH_ON_GAVE_UP;
}

static void draw_arc(FILE *out, enum fsm_form form, wh_state from, wh_arc_event event, wh_state to)
{
    switch (form) {
    case FSM_TEXT:
        fprintf(out, "%-13s %-30s %s\n", wh_state_name(from), wh_arc_name(event),
                wh_state_name(to));
        break;
    case FSM_MERMAID:
        fprintf(out, "    %s --> %s: %s\n", identifier(from), identifier(to), wh_arc_name(event));
        break;
    case FSM_DOT:
        fprintf(out, "    %s -> %s [label=\"%s\"];\n", identifier(from), identifier(to),
                wh_arc_name(event));
        break;
    }
}

static void draw_states(FILE *out, enum fsm_form form)
{
    if (form == FSM_TEXT) {
        return;
    }
    fputs(form == FSM_MERMAID ? "stateDiagram-v2\n    [*] --> CLOSED\n"
                              : "digraph tcp {\n    node [shape=box, style=rounded];\n",
          out);
    for (int s = 0; s < WH_STATE_COUNT; s++) {
        fprintf(out, form == FSM_MERMAID ? "    %s: %s\n" : "    %s [label=\"%s\"];\n",
                identifier((wh_state)s), wh_state_name((wh_state)s));
    }
}

bool fsm_draw(FILE *out, enum fsm_form form, bool all)
{
    draw_states(out, form);
    for (int s = 0; s < WH_STATE_COUNT; s++) {
        for (int e = 1; e < WH_ARC_EVENT_COUNT; e++) {
            int to = wh_arc((wh_state)s, (wh_arc_event)e);
            if (to >= 0 && (all || !ends_early((wh_arc_event)e))) {
                draw_arc(out, form, (wh_state)s, (wh_arc_event)e, (wh_state)to);
            }
        }
    }
    if (form == FSM_DOT) {
        fputs("}\n", out);
    }
    return !ferror(out);
}
