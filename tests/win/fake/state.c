#include "state.h"

#include <stdio.h>
#include <string.h>

#include <windows.h>

#define STATE_PATH STATE_FOLDER "state"
#define STATE_NEW  STATE_FOLDER "state.new"

static void read_line(struct state *state, const char *line)
{
    struct state_interface *iface = &state->iface[state->interfaces];
    struct state_route *route = &state->route[state->routes];
    struct state_dns *dns = &state->dns[state->dnses];
    struct state_dns *lease = &state->lease[state->leases];
    char automatic[8], default_routes[8];

    if (state->interfaces < STATE_ROWS &&
        sscanf(line, "interface %63s %d %lu %lu %7s %7s", iface->name, &iface->family,
               &iface->mtu, &iface->metric, automatic, default_routes) == 6) {
        iface->automatic = strcmp(automatic, "auto") == 0;
        iface->default_routes = strcmp(default_routes, "on") == 0;
        state->interfaces++;
    } else if (state->routes < STATE_ROWS &&
               sscanf(line, "route %63s %63s %63s %lu", route->prefix, route->next_hop,
                      route->name, &route->metric) == 4) {
        state->routes++;
    } else if (state->dnses < STATE_ROWS && /* before "dns", whose pattern this fits too */
               sscanf(line, "dns6 %63s %255s", dns->name, dns->servers) == 2) {
        dns->family = 6;
        state->dnses++;
    } else if (state->dnses < STATE_ROWS &&
               sscanf(line, "dns %63s %255s", dns->name, dns->servers) == 2) {
        dns->family = 4;
        state->dnses++;
    } else if (state->leases < STATE_ROWS &&
               sscanf(line, "lease %63s %255s", lease->name, lease->servers) == 2) {
        state->leases++;
    }
}

void state_open(struct state *state)
{
    char line[512];
    FILE *file;

    memset(state, 0, sizeof(*state));
    state->mutex = CreateMutexA(NULL, FALSE, "softlan-test-state");
    WaitForSingleObject(state->mutex, INFINITE);
    file = fopen(STATE_PATH, "r");
    if (file == NULL)
        return;
    while (fgets(line, sizeof(line), file) != NULL)
        read_line(state, line);
    fclose(file);
}

static void write_rows(const struct state *state, FILE *file)
{
    for (unsigned i = 0; i < state->interfaces; i++) {
        const struct state_interface *row = &state->iface[i];

        fprintf(file, "interface %s %d %lu %lu %s %s\n", row->name, row->family, row->mtu,
                row->metric, row->automatic ? "auto" : "fixed",
                row->default_routes ? "on" : "off");
    }
    for (unsigned i = 0; i < state->routes; i++) {
        const struct state_route *row = &state->route[i];

        fprintf(file, "route %s %s %s %lu\n", row->prefix, row->next_hop, row->name,
                row->metric);
    }
    for (unsigned i = 0; i < state->dnses; i++)
        fprintf(file, "%s %s %s\n", state->dns[i].family == 4 ? "dns" : "dns6",
                state->dns[i].name, state->dns[i].servers);
    for (unsigned i = 0; i < state->leases; i++)
        fprintf(file, "lease %s %s\n", state->lease[i].name, state->lease[i].servers);
}

/* Replaced as a whole: a program that is killed in between leaves no half of it. */
void state_done(struct state *state, int changed)
{
    FILE *file = changed ? fopen(STATE_NEW, "w") : NULL;

    if (file != NULL) {
        write_rows(state, file);
        fclose(file);
        MoveFileExA(STATE_NEW, STATE_PATH, MOVEFILE_REPLACE_EXISTING);
    }
    ReleaseMutex(state->mutex);
    CloseHandle(state->mutex);
}

struct state_interface *state_interface(struct state *state, const char *name, int family)
{
    struct state_interface *row;

    for (unsigned i = 0; i < state->interfaces; i++) {
        row = &state->iface[i];
        if (row->family == family && strcmp(row->name, name) == 0)
            return row;
    }
    if (state->interfaces == STATE_ROWS)
        return NULL;
    row = &state->iface[state->interfaces++];
    *row = (struct state_interface){
        .family = family, .mtu = 1500, .metric = 25, .automatic = 1, .default_routes = 1};
    snprintf(row->name, sizeof(row->name), "%s", name);
    return row;
}

struct state_dns *state_dns(struct state *state, const char *name, int family)
{
    struct state_dns *row;

    for (unsigned i = 0; i < state->dnses; i++) {
        if (state->dns[i].family == family && strcmp(state->dns[i].name, name) == 0)
            return &state->dns[i];
    }
    if (state->dnses == STATE_ROWS)
        return NULL;
    row = &state->dns[state->dnses++];
    row->family = family;
    snprintf(row->name, sizeof(row->name), "%s", name);
    snprintf(row->servers, sizeof(row->servers), "-");
    return row;
}

struct state_route *state_find_route(struct state *state, const struct state_route *like)
{
    for (unsigned i = 0; i < state->routes; i++) {
        struct state_route *row = &state->route[i];

        if (strcmp(row->prefix, like->prefix) == 0 && strcmp(row->name, like->name) == 0 &&
            strcmp(row->next_hop, like->next_hop) == 0)
            return row;
    }
    return NULL;
}

int state_add_route(struct state *state, const struct state_route *route)
{
    if (state->routes == STATE_ROWS)
        return 0;
    state->route[state->routes++] = *route;
    return 1;
}

void state_remove_route(struct state *state, struct state_route *route)
{
    *route = state->route[--state->routes];
}
