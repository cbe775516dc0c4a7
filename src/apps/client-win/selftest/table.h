/*
 * What `--selftest` checks, in the order in which it is done: one row for each check. The programs, the
 * tests and docs/windows.md have the ids from here; an id that was once given keeps its meaning.
 *
 * A check is done when what it needs is there; what it gives is there once it was ok or gave a warning.
 * The limits are such that a PC on which everything works is far from them.
 */
#ifndef LP_APPS_CLIENT_WIN_SELFTEST_TABLE_H
#define LP_APPS_CLIENT_WIN_SELFTEST_TABLE_H

/* X(NAME, bit, which check gives it or what is to be done) */
#define LP_SELFTEST_NEEDS_TABLE(X)                                                             \
    X(ADMIN, 0x01, "it needs administrator rights: start it again as administrator")           \
    X(ADAPTER, 0x02, "there is no adapter for it: see adapter")                                \
    X(DRIVER, 0x04, "the adapter's driver must answer first: see driver-answer")               \
    X(PREPARED, 0x08, "the adapter must be prepared first: see mac-restart")                   \
    X(PINNED, 0x10, "a route must be pinned first: see relay-route")                           \
    X(CONFIGURED, 0x20, "the settings must be made first: see settings")                       \
    X(MEDIA, 0x40, "the media must be connected first: see media")                             \
    X(ADDRESS, 0x80, "the adapter must have an address first: see lease")                      \
    X(RELAY, 0x100, "no relay was given: add --relay HOST")

enum lp_selftest_needs {
#define X(name, bit, text) LP_SELFTEST_##name = (bit),
    LP_SELFTEST_NEEDS_TABLE(X)
#undef X
    /* Done also when time is up or the player has interrupted: it puts things back. */
    LP_SELFTEST_ALWAYS = 0x1000,
};

/* What a check that does not end may still be working on: nobody else may then. */
#define LP_SELFTEST_EXCLUSIVE                                                                  \
    (LP_SELFTEST_DRIVER | LP_SELFTEST_PREPARED | LP_SELFTEST_PINNED | LP_SELFTEST_CONFIGURED | \
     LP_SELFTEST_MEDIA | LP_SELFTEST_ADDRESS)

#define LP_SELFTEST_TO_PREPARE (LP_SELFTEST_ADMIN | LP_SELFTEST_ADAPTER | LP_SELFTEST_DRIVER)

/* X(NAME, "id", probe, needs, gives, limit in ms, "what it shows", "what is expected") */
#define LP_SELFTEST_TABLE(X)                                                                   \
    X(WINDOWS, "windows", windows, 0, 0, 2000, "version and build of Windows",                 \
      "Windows 10 build 19041 (version 2004) or later, 64-bit")                                \
    X(ELEVATION, "elevation", elevation, 0, LP_SELFTEST_ADMIN, 2000,                           \
      "whether the adapter's settings may be changed", "administrator rights")                 \
    X(ADAPTER, "adapter", adapter, 0, LP_SELFTEST_ADAPTER, 4000,                               \
      "which TAP-Windows6 adapters there are", "one that is named SoftLAN")                    \
    X(DRIVER, "driver", driver, LP_SELFTEST_ADAPTER, 0, 5000,                                  \
      "version and provider of the adapter's driver", "version 9.21 or later")                 \
    X(DRIVER_SIGNATURE, "driver-signature", driver_signature, LP_SELFTEST_ADAPTER, 0, 8000,    \
      "the signature of the driver's package and of its .sys file",                            \
      "a catalog that Windows trusts")                                                         \
    X(SERVICE, "service", service, 0, 0, 8000,                                                 \
      "the service softlan-svc: installed, running, answering",                                \
      "an answer on its pipe within seconds")                                                  \
    X(DRIVER_ANSWER, "driver-answer", driver_answer, LP_SELFTEST_ADAPTER, LP_SELFTEST_DRIVER,  \
      8000, "whether the driver opens and tells address and version",                          \
      "a unicast MAC address and version 9")                                                   \
    X(MAC_RESTART, "mac-restart", mac_restart, LP_SELFTEST_TO_PREPARE, LP_SELFTEST_PREPARED,   \
      20000, "whether the adapter takes a new MAC address by a restart",                       \
      "the driver has the address after one restart")                                          \
    X(RELAY_NAME, "relay-name", relay_name, LP_SELFTEST_RELAY, 0, 10000,                       \
      "whether the relay's name can be resolved", "an address")                                \
    X(RELAY_ROUTE, "relay-route", relay_route, LP_SELFTEST_PREPARED, LP_SELFTEST_PINNED, 5000, \
      "whether the way to the relay can be pinned",                                            \
      "a host route that Windows uses, not through the adapter")                               \
    X(SETTINGS, "settings", settings, LP_SELFTEST_PINNED, LP_SELFTEST_CONFIGURED, 8000,        \
      "whether MTU, metric and default routes can be set", "Windows takes all of them")        \
    X(MEDIA, "media", media, LP_SELFTEST_CONFIGURED, LP_SELFTEST_MEDIA, 12000,                 \
      "media connected, disconnected and connected again", "Windows sees each within 3 s")     \
    X(LEASE, "lease", lease, LP_SELFTEST_MEDIA, LP_SELFTEST_ADDRESS, 14000,                    \
      "whether Windows asks for an address and takes it", "the one that the test offers")      \
    X(MTU, "mtu", mtu, LP_SELFTEST_CONFIGURED, 0, 3000, "the IPv4 MTU that Windows uses",      \
      "1380, as set")                                                                          \
    X(METRIC, "metric", metric, LP_SELFTEST_CONFIGURED, 0, 3000,                               \
      "whether the adapter is the first of all by its IPv4 metric",                            \
      "1, and every other one is higher")                                                      \
    X(DEFAULT_ROUTES, "default-routes", default_routes, LP_SELFTEST_CONFIGURED, 0, 3000,       \
      "whether the party can become the way to the internet",                                  \
      "default routes disabled, and none on the adapter")                                      \
    X(USO, "uso", uso, 0, 0, 4000, "UDP segmentation offload, sending",                        \
      "accepted, and ten segments arrive whole on loopback")                                   \
    X(URO, "uro", uro, 0, 0, 4000, "UDP receive offload", "accepted, and nothing is lost")     \
    X(UDP_SPEED, "udp-speed", udp_speed, 0, 0, 6000, "datagrams through UDP on loopback",      \
      "20000 a second or more, 200 Mbit/s")                                                    \
    X(TAP_SPEED, "tap-speed", tap_speed, LP_SELFTEST_MEDIA, 0, 6000, "frames into the driver", \
      "20000 a second or more, 200 Mbit/s")                                                    \
    X(TIMER, "timer", timer, 0, 0, 5000, "how late a deadline in 1 ms is",                     \
      "half of them less than 1 ms late")                                                      \
    X(FIREWALL, "firewall", firewall, 0, 0, 8000,                                              \
      "the firewall in private networks, and programs that it blocks there",                   \
      "no rule that blocks SoftLAN or a game")                                                 \
    X(BROADCAST, "broadcast", broadcast, LP_SELFTEST_ADDRESS, 0, 6000,                         \
      "whether a game's broadcast leaves through the adapter",                                 \
      "the one that was sent is read from the adapter")                                        \
    X(DNS, "dns", dns, 0, 0, 4000, "whose DNS servers are asked first",                        \
      "those of the player's own network, also while the adapter is up")                       \
    X(OVERLAP, "overlap", overlap, LP_SELFTEST_ADAPTER, 0, 3000,                               \
      "whether the party's subnet is also that of another network", "no overlap")              \
    X(CATEGORY, "network-category", category, LP_SELFTEST_ADAPTER, 0, 6000,                    \
      "the category of the adapter's network", "private")                                      \
    X(UNDO, "undo", undo, LP_SELFTEST_TO_PREPARE | LP_SELFTEST_ALWAYS, 0, 12000,               \
      "whether everything is put back, the MAC address too", "all as before")

enum lp_selftest_id {
#define X(name, id, probe, needs, gives, limit_ms, shows, expected) LP_SELFTEST_ID_##name,
    LP_SELFTEST_TABLE(X)
#undef X
        LP_SELFTEST_COUNT,
};

#endif
