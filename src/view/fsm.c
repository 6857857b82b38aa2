/* SPDX-License-Identifier: MIT */
#include "view/fsm.h"

#include <string.h>

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

/* True if the table has the arc and the options ask for it. */
static bool wanted(const struct fsm_options *options, wh_state from, wh_arc_event event)
{
    int to = wh_arc(from, event);
    bool near =
        options->state == FSM_EVERY_STATE || options->state == (int)from || options->state == to;
    return to >= 0 && near && (options->all || !ends_early(event));
}

/* Labels are short, and a colon would end a label of Mermaid's. */
static const char *short_source(wh_state from, wh_arc_event event)
{
    static const char rfc[] = "RFC 9293 ";
    const char *source = wh_arc_source(from, event);
    return strncmp(source, rfc, sizeof rfc - 1) == 0 ? source + sizeof rfc - 1 : "ours";
}

static void draw_arc(FILE *out, enum fsm_form form, wh_state from, wh_arc_event event)
{
    wh_state to = (wh_state)wh_arc(from, event);
    switch (form) {
    case FSM_TEXT:
        fprintf(out, "%-12s  %-30s  %-12s  %s\n", wh_state_name(from), wh_arc_name(event),
                wh_state_name(to), wh_arc_source(from, event));
        break;
    case FSM_MERMAID:
        fprintf(out, "    %s --> %s: %s (%s)\n", identifier(from), identifier(to),
                wh_arc_name(event), short_source(from, event));
        break;
    case FSM_DOT:
        fprintf(out, "    %s -> %s [label=<%s<br/><font point-size=\"8\">%s</font>>%s];\n",
                identifier(from), identifier(to), wh_arc_name(event), short_source(from, event),
                ends_early(event) ? ", style=dashed, color=gray50, fontcolor=gray50" : "");
        break;
    }
}

/* One of the arcs to be drawn begins or ends here. */
static bool is_shown(const struct fsm_options *options, wh_state state)
{
    for (int s = 0; s < WH_STATE_COUNT; s++) {
        for (int e = 1; e < WH_ARC_EVENT_COUNT; e++) {
            bool touches = s == (int)state || wh_arc((wh_state)s, (wh_arc_event)e) == (int)state;
            if (touches && wanted(options, (wh_state)s, (wh_arc_event)e)) {
                return true;
            }
        }
    }
    return false;
}

static void draw_states(FILE *out, const struct fsm_options *options)
{
    static const char mermaid[] = "stateDiagram-v2\n";
    static const char dot[] = "digraph tcp {\n"
                              "    label=\"TCP (RFC 9293, figure 5)\";\n"
                              "    graph [fontname=Helvetica, nodesep=0.5, ranksep=0.6];\n"
                              "    node [shape=box, style=rounded, fontname=Helvetica];\n"
                              "    edge [fontname=Helvetica, fontsize=10];\n";
    if (options->form == FSM_TEXT) {
        return;
    }
    fputs(options->form == FSM_MERMAID ? mermaid : dot, out);
    if (options->form == FSM_MERMAID && options->state == FSM_EVERY_STATE) {
        fputs("    [*] --> CLOSED\n", out);
    }
    for (int s = 0; s < WH_STATE_COUNT; s++) {
        if (is_shown(options, (wh_state)s)) {
            fprintf(out, options->form == FSM_MERMAID ? "    %s: %s\n" : "    %s [label=\"%s\"];\n",
                    identifier((wh_state)s), wh_state_name((wh_state)s));
        }
    }
}

bool fsm_draw(FILE *out, const struct fsm_options *options)
{
    draw_states(out, options);
    for (int s = 0; s < WH_STATE_COUNT; s++) {
        for (int e = 1; e < WH_ARC_EVENT_COUNT; e++) {
            if (wanted(options, (wh_state)s, (wh_arc_event)e)) {
                draw_arc(out, options->form, (wh_state)s, (wh_arc_event)e);
            }
        }
    }
    if (options->form == FSM_DOT) {
        fputs("}\n", out);
    }
    return !ferror(out);
}
