#include "agenda.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/time.h"

void *sim_alloc(size_t size)
{
    void *memory = calloc(1, size);

    if (memory == NULL) {
        fputs("sim: out of memory\n", stderr);
        abort();
    }
    return memory;
}

void sim_agenda_init(struct sim_agenda *agenda)
{
    *agenda = (struct sim_agenda){.heap = NULL};
}

void sim_agenda_deinit(struct sim_agenda *agenda)
{
    for (size_t i = 0; i < agenda->count; i++)
        free(agenda->heap[i].data);
    free(agenda->heap);
}

static bool before(const struct sim_entry *a, const struct sim_entry *b)
{
    return a->at_ns != b->at_ns ? a->at_ns < b->at_ns : a->order < b->order;
}

static void grow(struct sim_agenda *agenda)
{
    size_t capacity = agenda->capacity > 0 ? 2 * agenda->capacity : 256;
    struct sim_entry *heap = sim_alloc(capacity * sizeof(*heap));

    for (size_t i = 0; i < agenda->count; i++)
        heap[i] = agenda->heap[i];
    free(agenda->heap);
    agenda->heap = heap;
    agenda->capacity = capacity;
}

void sim_agenda_add(struct sim_agenda *agenda, uint64_t at_ns,
                    void (*fire)(void *user, void *data, uint64_t now_ns), void *user,
                    void *data)
{
    struct sim_entry entry = {
        .at_ns = at_ns,
        .order = agenda->next_order++,
        .fire = fire,
        .user = user,
        .data = data,
    };
    size_t at;

    if (agenda->count == agenda->capacity)
        grow(agenda);
    at = agenda->count++;
    while (at > 0 && before(&entry, &agenda->heap[(at - 1) / 2])) {
        agenda->heap[at] = agenda->heap[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    agenda->heap[at] = entry;
}

uint64_t sim_agenda_next(const struct sim_agenda *agenda)
{
    return agenda->count > 0 ? agenda->heap[0].at_ns : LP_TIME_NEVER;
}

static struct sim_entry take_first(struct sim_agenda *agenda)
{
    struct sim_entry *heap = agenda->heap;
    struct sim_entry first = heap[0];
    struct sim_entry last = heap[--agenda->count];
    size_t at = 0;

    for (;;) {
        size_t child = 2 * at + 1;

        if (child >= agenda->count)
            break;
        if (child + 1 < agenda->count && before(&heap[child + 1], &heap[child]))
            child++;
        if (!before(&heap[child], &last))
            break;
        heap[at] = heap[child];
        at = child;
    }
    heap[at] = last;
    return first;
}

void sim_agenda_run(struct sim_agenda *agenda, uint64_t now_ns)
{
    while (agenda->count > 0 && agenda->heap[0].at_ns <= now_ns) {
        struct sim_entry entry = take_first(agenda);

        entry.fire(entry.user, entry.data, now_ns);
        free(entry.data); /* NOLINT(clang-analyzer-unix.Malloc): it has left the heap */
    }
}
