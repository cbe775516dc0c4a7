/*
 * What one frame costs in each step of the path, alone in a warm cache: nanoseconds, the
 * smallest and the median of many runs.
 *
 *   lp-bench-micro [--json] [RUNS]        200
 *
 * Real frames of 64 flows, 1400 octets each: IPv4 TCP, between a client and the gateway. The
 * steps are rows of a table below; a step that depends on time gets time that advances.
 */
#include <openssl/evp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/egress.h"
#include "core/policy.h"
#include "core/room.h"
#include "proto/safety.h"
#include "tool.h"

#define FLOWS       64
#define FRAME_LEN   1400
#define RUN_FRAMES  2048 /* in one run */
#define RUNS_MAX    100000
#define QUEUE_DEPTH 32 /* frames that wait: a turn's worth */
#define ROOM_ID     7
#define AEAD_TAG    16
#define AEAD_NONCE  12
#define QUIC_HEADER 20

struct world {
    uint8_t datagram[FLOWS][LP_OVERLAY_HEADER_LEN + FRAME_LEN];
    struct lp_overlay overlay[FLOWS];
    struct lp_flow flow[FLOWS];
    struct lp_room room;
    struct lp_member client;
    struct lp_member gateway;
    struct lp_packet_pool pool;
    struct lp_counters counters;
    struct lp_egress queue;
    EVP_CIPHER_CTX *cipher;
    uint8_t sealed[FRAME_LEN + AEAD_TAG];
    uint64_t now_ns;
    uint64_t sum; /* of results, so that no step can be left out by the compiler */
};

static const uint8_t *frame_of(const struct world *w, unsigned i)
{
    return w->datagram[i % FLOWS] + LP_OVERLAY_HEADER_LEN;
}

static void must(bool holds, const char *what)
{
    if (!holds) {
        fprintf(stderr, "lp-bench-micro: %s failed\n", what);
        exit(1);
    }
}

/* ---- the steps: each handles RUN_FRAMES frames ---- */

static void parse(struct world *w)
{
    for (unsigned i = 0; i < RUN_FRAMES; i++) {
        struct lp_overlay overlay;
        struct lp_eth eth = {0};

        must(lp_overlay_decode(w->datagram[i % FLOWS], sizeof(w->datagram[0]), 0, &overlay) ==
                     0 &&
                 lp_eth_parse(overlay.payload, overlay.payload_len, &eth) == 0,
             "parse");
        w->sum += eth.ethertype;
    }
}

static void classify(struct world *w)
{
    for (unsigned i = 0; i < RUN_FRAMES; i++) {
        struct lp_eth eth;

        must(lp_eth_parse(frame_of(w, i), FRAME_LEN, &eth) == 0, "parse");
        w->sum += lp_safety_classify(&eth, FRAME_LEN);
    }
}

static void judge(struct world *w)
{
    for (unsigned i = 0; i < RUN_FRAMES; i++) {
        struct lp_decision decision;

        lp_room_judge(&w->room, &w->client, w->datagram[i % FLOWS], sizeof(w->datagram[0]),
                      &decision, w->now_ns);
        must(decision.verdict == LP_FORWARD, "judge");
        w->sum += decision.target_count;
    }
    w->now_ns += LP_NS_PER_MS;
}

static void push_some(struct world *w, unsigned first)
{
    for (unsigned i = 0; i < QUEUE_DEPTH; i++) {
        unsigned n = (first + i) % FLOWS;

        must(lp_egress_push(&w->queue, &w->overlay[n], &w->flow[n], w->now_ns) == LP_FORWARD,
             "push");
    }
}

static void queue(struct world *w)
{
    for (unsigned done = 0; done < RUN_FRAMES; done += QUEUE_DEPTH) {
        const struct lp_packet *packet;

        push_some(w, done);
        w->now_ns += 10 * LP_NS_PER_US;
        while ((packet = lp_egress_head(&w->queue, w->now_ns)) != NULL) {
            w->sum += packet->overlay.payload_len;
            lp_egress_pop(&w->queue, LP_FORWARD);
        }
    }
}

/* As QUIC's packet protection does it: key and cipher stay, each packet has its own nonce. */
static void seal(struct world *w)
{
    for (unsigned i = 0; i < RUN_FRAMES; i++) {
        uint8_t nonce[AEAD_NONCE] = {0};
        int len = 0;

        memcpy(nonce, &i, sizeof(i));
        must(
            EVP_EncryptInit_ex(w->cipher, NULL, NULL, NULL, nonce) == 1 &&
                EVP_EncryptUpdate(w->cipher, NULL, &len, w->datagram[i % FLOWS], QUIC_HEADER) ==
                    1 &&
                EVP_EncryptUpdate(w->cipher, w->sealed, &len, frame_of(w, i), FRAME_LEN) == 1 &&
                EVP_EncryptFinal_ex(w->cipher, w->sealed + len, &len) == 1 &&
                EVP_CIPHER_CTX_ctrl(w->cipher, EVP_CTRL_AEAD_GET_TAG, AEAD_TAG,
                                    w->sealed + FRAME_LEN) == 1,
            "encrypt");
        w->sum += w->sealed[0];
    }
}

static const struct {
    const char *name;
    const char *what;
    void (*run)(struct world *w);
} steps[] = {
    {"parse", "overlay and Ethernet header", parse},
    {"classify", "Ethernet header and safety classes", classify},
    {"judge", "the switch: overlay, safety, addresses, buckets, targets", judge},
    {"queue", "egress: push, head, pop, 32 at a time, 64 flows", queue},
    {"encrypt", "AES-128-GCM, 1400 octets", seal},
};

#define STEPS (sizeof(steps) / sizeof(steps[0]))

/* ---- the world ---- */

static void make_frame(uint8_t *frame, const struct lp_member *from, const struct lp_mac *to,
                       unsigned flow)
{
    static const uint8_t ip_tcp[] = {0x45, 0, 0x05, 0x6a, 0, 0, 0x40, 0, 64, 6, 0, 0};

    memset(frame, (int)flow, FRAME_LEN);
    memcpy(frame, to->octet, sizeof(to->octet));
    memcpy(frame + 6, from->mac.octet, sizeof(from->mac.octet));
    frame[12] = 0x08;
    frame[13] = 0x00;
    memcpy(frame + 14, ip_tcp, sizeof(ip_tcp));
    memcpy(frame + 26, "\x0a\x4d\x00\x02\x0a\x4d\x00\x01", 8);
    frame[34] = 0x80;
    frame[35] = (uint8_t)flow;
    frame[46] = 0x50; /* TCP header of 20 octets */
    frame[47] = 0x10; /* ACK */
}

static void make_room(struct world *w)
{
    struct lp_eth eth;
    const struct lp_limits limits = {.burst_bytes = UINT64_C(1) << 30,
                                     .broadcast_burst_frames = 64,
                                     .unknown_burst_frames = 64};
    const struct lp_mac lan_host = {{0x00, 0x16, 0x3e, 0, 0, 9}};
    uint8_t frame[LP_OVERLAY_HEADER_LEN + FRAME_LEN];
    static const struct lp_fdb_salt salt = {.factor = 0x9e3779b97f4a7c15, .addend = 1};
    struct lp_overlay overlay = {.type = LP_OVERLAY_FRAME, .room_id = ROOM_ID};
    struct lp_decision decision;

    lp_room_init(&w->room, ROOM_ID, "BENCH", LP_ETH_MTU_MAX, &salt);
    w->client.role = LP_ROLE_CLIENT;
    w->client.mac = (struct lp_mac){{0x02, 0, 0, 0, 0, 1}};
    w->gateway.role = LP_ROLE_GATEWAY;
    must(lp_room_add(&w->room, &w->client, &limits, 16, w->now_ns) == 0 &&
             lp_room_add(&w->room, &w->gateway, &limits, 16, w->now_ns) == 0,
         "join");
    for (unsigned i = 0; i < FLOWS; i++) {
        overlay.peer_id = w->client.peer_id;
        must(lp_overlay_encode(&overlay, 0, w->datagram[i], sizeof(w->datagram[i])) ==
                 LP_OVERLAY_HEADER_LEN,
             "encode");
        make_frame(w->datagram[i] + LP_OVERLAY_HEADER_LEN, &w->client, &lan_host, i);
        w->overlay[i] = overlay;
        w->overlay[i].payload = frame_of(w, i);
        w->overlay[i].payload_len = FRAME_LEN;
        must(lp_eth_parse(frame_of(w, i), FRAME_LEN, &eth) == 0, "parse");
        w->flow[i] = lp_flow_of(&eth, &w->room.flow_key);
    }
    /* A frame of the LAN host, so that the switch knows where it is. */
    overlay.peer_id = w->gateway.peer_id;
    must(lp_overlay_encode(&overlay, 0, frame, sizeof(frame)) == LP_OVERLAY_HEADER_LEN,
         "encode");
    make_frame(frame + LP_OVERLAY_HEADER_LEN, &(struct lp_member){.mac = lan_host},
               &w->client.mac, 0);
    lp_room_judge(&w->room, &w->gateway, frame, sizeof(frame), &decision, w->now_ns);
    must(decision.verdict == LP_FORWARD, "judge");
}

static void make_world(struct world *w)
{
    static const uint8_t key[16] = {1, 2, 3};

    w->now_ns = LP_NS_PER_S;
    make_room(w);
    lp_packet_pool_init(&w->pool, 1024);
    lp_egress_init(&w->queue, &w->pool, &w->counters, LP_EGRESS_BYTES_MAX,
                   LP_EGRESS_AGE_MAX_NS);
    w->cipher = EVP_CIPHER_CTX_new();
    must(w->cipher != NULL &&
             EVP_EncryptInit_ex(w->cipher, EVP_aes_128_gcm(), NULL, key, NULL) == 1,
         "cipher");
}

static void end_world(struct world *w)
{
    EVP_CIPHER_CTX_free(w->cipher);
    lp_egress_clear(&w->queue);
    lp_packet_pool_deinit(&w->pool);
    lp_room_remove(&w->room, &w->client);
    lp_room_remove(&w->room, &w->gateway);
    lp_room_deinit(&w->room);
}

/* ---- measuring ---- */

static void measure(struct world *w, size_t step, uint64_t *samples, size_t runs, bool json)
{
    double min, median;

    steps[step].run(w); /* into the cache */
    for (size_t i = 0; i < runs; i++) {
        uint64_t start_ns = lp_tool_now_ns();

        steps[step].run(w);
        samples[i] = lp_tool_now_ns() - start_ns;
    }
    lp_tool_sort(samples, runs);
    min = (double)samples[0] / RUN_FRAMES;
    median = (double)lp_tool_quantile(samples, runs, 0.5) / RUN_FRAMES;
    if (json)
        printf("%s\n  \"%s\": {\"min_ns\": %.1f, \"median_ns\": %.1f}", step == 0 ? "" : ",",
               steps[step].name, min, median);
    else
        printf("%-9s %7.1f %7.1f   %s\n", steps[step].name, min, median, steps[step].what);
}

int main(int argc, char **argv)
{
    bool json = argc > 1 && strcmp(argv[1], "--json") == 0;
    int at = json ? 2 : 1;
    size_t runs = argc > at ? (size_t)lp_tool_number(argv[at], 1, RUNS_MAX) : 200;
    uint64_t *samples = calloc(runs, sizeof(*samples));
    struct world *world = calloc(1, sizeof(*world));

    must(samples != NULL && world != NULL, "memory");
    make_world(world);
    if (json)
        printf("{");
    else
        printf("ns/frame      min  median\n");
    for (size_t i = 0; i < STEPS; i++)
        measure(world, i, samples, runs, json);
    if (json)
        printf("\n}\n");
    end_world(world);
    free(world);
    free(samples);
    return 0;
}
