/*
 * The settings that Wine has no place for: interface rows, routes, DNS servers. They are kept in a
 * text file, C:\softlan-test\state, so that they outlive the program that made them, as Windows's
 * do, and so that tests read and change them. One line each:
 *
 *     interface NAME 4|6 MTU METRIC auto|fixed on|off      (default routes)
 *     route PREFIX/LEN NEXT_HOP NAME METRIC
 *     dns NAME SERVERS|-                                   (IPv4, set by hand)
 *     dns6 NAME SERVERS|-                                  (IPv6, set by hand)
 *     lease NAME SERVERS                                   (of both, as the network gives them)
 *
 * NAME is "tap" for the fake adapter, else what Wine calls the interface.
 */
#ifndef TESTS_WIN_FAKE_STATE_H
#define TESTS_WIN_FAKE_STATE_H

#define STATE_ROWS   32
#define STATE_NAME   64
#define STATE_TEXT   64
#define STATE_DNS    256
#define STATE_FOLDER "C:\\softlan-test\\"

struct state_interface {
    char name[STATE_NAME];
    int family; /* 4 or 6 */
    unsigned long mtu;
    unsigned long metric;
    int automatic;
    int default_routes;
};

struct state_route {
    char prefix[STATE_TEXT]; /* "address/len" */
    char next_hop[STATE_TEXT];
    char name[STATE_NAME];
    unsigned long metric;
};

struct state_dns {
    char name[STATE_NAME];
    int family; /* 4 or 6; of a lease 0 */
    char servers[STATE_DNS];
};

struct state {
    void *mutex;
    unsigned interfaces, routes, dnses, leases;
    struct state_interface iface[STATE_ROWS];
    struct state_route route[STATE_ROWS];
    struct state_dns dns[STATE_ROWS];
    struct state_dns lease[STATE_ROWS];
};

/* The file as it is now, locked until state_done. */
void state_open(struct state *state);
void state_done(struct state *state, int changed);

/* Made with Windows's defaults when it is not there; NULL when there is no room. */
struct state_interface *state_interface(struct state *state, const char *name, int family);
struct state_dns *state_dns(struct state *state, const char *name, int family);
struct state_route *state_find_route(struct state *state, const struct state_route *like);
int state_add_route(struct state *state, const struct state_route *route);
void state_remove_route(struct state *state, struct state_route *route);

#endif
