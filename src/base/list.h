/* SPDX-License-Identifier: MIT */
/* A doubly linked list whose links live in the records. A link of zeros stands in no list. */
#ifndef WAVEHAND_BASE_LIST_H
#define WAVEHAND_BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct link {
    struct link *next, *previous;
};

struct list {
    struct link ring; /* next: first, previous: last */
};

/* The record that contains this member. */
#define CONTAINER(pointer, type, member)                                                           \
    ((type *)(void *)((char *)(pointer)-offsetof(type, member)))

static inline void list_init(struct list *list)
{
    list->ring.next = &list->ring;
    list->ring.previous = &list->ring;
}

static inline bool list_empty(const struct list *list) { return list->ring.next == &list->ring; }

static inline bool link_listed(const struct link *link) { return link->next != NULL; }

static inline void list_append(struct list *list, struct link *link)
{
    link->next = &list->ring;
    link->previous = list->ring.previous;
    list->ring.previous->next = link;
    list->ring.previous = link;
}

static inline void list_prepend(struct list *list, struct link *link)
{
    link->next = list->ring.next;
    link->previous = &list->ring;
    list->ring.next->previous = link;
    list->ring.next = link;
}

static inline void link_remove(struct link *link)
{
    if (link->next != NULL) {
        link->next->previous = link->previous;
        link->previous->next = link->next;
        link->next = NULL;
        link->previous = NULL;
    }
}

/* Takes the first link off the list; NULL if it is empty. */
static inline struct link *list_take(struct list *list)
{
    struct link *first = list->ring.next;
    if (first == &list->ring) {
        return NULL;
    }
    /* The analyzer does not see that removing a link before it was freed changed the ring. */
    link_remove(first); /* NOLINT(clang-analyzer-unix.Malloc) */
    return first;
}

#endif
