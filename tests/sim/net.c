#include "net.h"

#include <stdlib.h>
#include <string.h>

#include "base/time.h"
#include "trace.h"

#define STREAM_NET   0x4e4554
#define FIRST_PORT   40000
#define IPV4_UDP_LEN 28

struct packet {
    unsigned to;
    struct lp_addr local;
    struct lp_addr remote;
    uint8_t ecn;
    size_t len;
    uint8_t bytes[];
};

void sim_net_init(struct sim_net *net, struct sim_agenda *agenda, uint64_t seed, uint64_t *hash)
{
    *net = (struct sim_net){.agenda = agenda, .hash = hash};
    sim_prng_seed(&net->prng, seed, STREAM_NET);
    for (unsigned i = 0; i < SIM_ENDPOINTS_MAX; i++)
        net->path[i].payload_max = 1472;
}

struct lp_addr sim_net_relay_addr(void)
{
    return (struct lp_addr){.family = LP_ADDR_IPV4, .port = 443, .ip = {192, 0, 2, 1}};
}

void sim_net_attach(struct sim_net *net, unsigned endpoint)
{
    static const uint8_t peer_ip[] = {198, 51, 100, 0};
    struct lp_addr *addr = &net->addr[endpoint];

    if (endpoint == SIM_RELAY_ENDPOINT) {
        *addr = sim_net_relay_addr();
        return;
    }
    addr->family = LP_ADDR_IPV4;
    addr->port = addr->port == 0 ? FIRST_PORT : (uint16_t)(addr->port + 1);
    memcpy(addr->ip, peer_ip, sizeof(peer_ip));
    addr->ip[3] = (uint8_t)endpoint;
}

void sim_net_detach(struct sim_net *net, unsigned endpoint)
{
    net->addr[endpoint].family = LP_ADDR_NONE;
}

static bool find_endpoint(const struct sim_net *net, const struct lp_addr *addr,
                          unsigned *ret_endpoint)
{
    for (unsigned i = 0; i < SIM_ENDPOINTS_MAX; i++) {
        if (net->addr[i].family != LP_ADDR_NONE && lp_addr_equal(&net->addr[i], addr)) {
            *ret_endpoint = i;
            return true;
        }
    }
    return false;
}

static void arrive(void *user, void *data, uint64_t now_ns)
{
    struct sim_net *net = user;
    const struct packet *packet = data;

    if (!lp_addr_equal(&net->addr[packet->to], &packet->local)) {
        net->figures.lost++; /* sent to an address of the past */
        return;
    }
    net->figures.delivered++;
    net->deliver(net->user, packet->to, &packet->local, &packet->remote, packet->ecn,
                 packet->bytes, packet->len, now_ns);
}

/* When the link has sent the packet; false when its buffer is full. */
static bool pass_link(struct sim_path *path, bool to_relay, size_t len, uint64_t now_ns,
                      uint64_t *ret_out_ns)
{
    uint64_t *free_ns = &path->free_ns[to_relay];

    *ret_out_ns = now_ns;
    if (path->rate == 0)
        return true;
    if (*free_ns > now_ns + path->buffer_ns)
        return false;
    *free_ns = (*free_ns > now_ns ? *free_ns : now_ns) +
               (len + IPV4_UDP_LEN) * 8 * LP_NS_PER_S / path->rate;
    *ret_out_ns = *free_ns;
    return true;
}

static uint64_t arrival_time(struct sim_net *net, struct sim_path *path, bool to_relay,
                             uint64_t now_ns)
{
    uint64_t *last_ns = &path->last_arrival_ns[to_relay];
    uint64_t at_ns = now_ns + path->delay_ns;

    if (path->jitter_ns > 0)
        at_ns += sim_prng_below(&net->prng, path->jitter_ns);
    if (path->reorder_ppm > 0 && sim_prng_chance(&net->prng, path->reorder_ppm))
        return at_ns + sim_prng_below(&net->prng, path->reorder_ns);
    if (at_ns < *last_ns)
        at_ns = *last_ns;
    *last_ns = at_ns;
    return at_ns;
}

static void trace(struct sim_net *net, unsigned from, const struct lp_addr *to,
                  const uint8_t *bytes, size_t len, uint64_t now_ns)
{
    *net->hash = sim_trace_number(*net->hash, now_ns);
    *net->hash = sim_trace_number(*net->hash, from);
    *net->hash = sim_trace_number(*net->hash, (uint64_t)to->ip[3] << 16 | to->port);
    *net->hash = sim_trace_number(*net->hash, len);
    *net->hash = lp_fnv1a(*net->hash, bytes, len);
}

static void send_one(struct sim_net *net, unsigned from, const struct lp_quic_tx *tx,
                     const uint8_t *bytes, size_t len, uint64_t now_ns)
{
    struct sim_path *path;
    unsigned copies = 1;
    unsigned to;

    trace(net, from, &tx->remote, bytes, len, now_ns);
    net->figures.sent++;
    net->figures.bytes += len;
    if (!find_endpoint(net, &tx->remote, &to)) {
        net->figures.lost++;
        return;
    }
    path = &net->path[from == SIM_RELAY_ENDPOINT ? to : from];
    if (len > path->payload_max) {
        net->figures.too_big++;
        return;
    }
    if (path->cut || (path->loss_ppm > 0 && sim_prng_chance(&net->prng, path->loss_ppm))) {
        net->figures.lost++;
        return;
    }
    if (path->duplicate_ppm > 0 && sim_prng_chance(&net->prng, path->duplicate_ppm))
        copies = 2;
    while (copies-- > 0) {
        bool to_relay = to == SIM_RELAY_ENDPOINT;
        uint64_t out_ns;
        struct packet *packet;

        if (!pass_link(path, to_relay, len, now_ns, &out_ns)) {
            net->figures.lost++;
            continue;
        }
        packet = sim_alloc(sizeof(*packet) + len);

        packet->to = to;
        packet->local = tx->remote;
        packet->remote = net->addr[from];
        packet->ecn = tx->ecn;
        packet->len = len;
        memcpy(packet->bytes, bytes, len);
        sim_agenda_add(net->agenda, arrival_time(net, path, to_relay, out_ns), arrive, net,
                       packet);
    }
}

void sim_net_send(struct sim_net *net, unsigned from, const struct lp_quic_tx *tx,
                  uint64_t now_ns)
{
    if (net->addr[from].family == LP_ADDR_NONE)
        return;
    for (size_t at = 0; at < tx->len; at += tx->segment_len) {
        size_t left = tx->len - at;

        send_one(net, from, tx, tx->bytes + at, left < tx->segment_len ? left : tx->segment_len,
                 now_ns);
    }
}

void sim_net_heal(struct sim_net *net)
{
    for (unsigned i = 0; i < SIM_ENDPOINTS_MAX; i++) {
        net->path[i].cut = false;
        net->path[i].loss_ppm = 0;
        net->path[i].duplicate_ppm = 0;
        net->path[i].reorder_ppm = 0;
        net->path[i].jitter_ns = 0;
    }
}
