/* SPDX-License-Identifier: MIT */
/* How facts are gathered from one segment, in the order in which a segment tells them. */
#ifndef WAVEHAND_EXPLAIN_FACTS_H
#define WAVEHAND_EXPLAIN_FACTS_H

#include "explain/dossier.h"

/* A segment on its way into a connection's record. */
struct passing {
    const struct seen *seen;
    const struct segment *segment;
    unsigned from, to;
    struct ref ref;
    enum mark mark;
    bool fresh;   /* brings bytes, or a FIN, that were not seen before */
    bool notable; /* deserves a line of its own */
    uint32_t end; /* SEG.SEQ + SEG.LEN */
};

/* Before the observers learn of it. */
void facts_opening(struct dossier *conn, struct passing *passing);
void facts_reset(struct dossier *conn, struct passing *passing);
void facts_closing(struct dossier *conn, struct passing *passing);
void facts_data(struct dossier *conn, struct passing *passing);
/* The TTL with which a segment of this end was seen at this place. */
void facts_hops(struct dossier_end *end, uint32_t point, uint8_t hops);
/* Where the capture was taken. */
void facts_place(struct dossier *conn, const struct passing *passing);

#endif
