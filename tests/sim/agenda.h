/*
 * What is going to happen: a binary heap by virtual time. Entries of the same instant fire in
 * the order in which they were made. The agenda owns `data` (free()d after it has fired, or at
 * deinit).
 */
#ifndef SIM_AGENDA_H
#define SIM_AGENDA_H

#include <stddef.h>
#include <stdint.h>

struct sim_entry {
    uint64_t at_ns;
    uint64_t order;
    void (*fire)(void *user, void *data, uint64_t now_ns);
    void *user;
    void *data;
};

struct sim_agenda {
    struct sim_entry *heap;
    size_t count;
    size_t capacity;
    uint64_t next_order;
};

void sim_agenda_init(struct sim_agenda *agenda);
void sim_agenda_deinit(struct sim_agenda *agenda);

/* Consumes `data`. */
void sim_agenda_add(struct sim_agenda *agenda, uint64_t at_ns,
                    void (*fire)(void *user, void *data, uint64_t now_ns), void *user,
                    void *data);

/* LP_TIME_NEVER when it is empty. */
uint64_t sim_agenda_next(const struct sim_agenda *agenda);

/* Fires everything that is due. */
void sim_agenda_run(struct sim_agenda *agenda, uint64_t now_ns);

/* malloc that never fails: a simulation without memory has nothing to say. */
void *sim_alloc(size_t size);

#endif
