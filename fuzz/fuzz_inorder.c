/*
 * Input: steps of five octets: what (bit 0: may wait, 1: the time is in milliseconds, not microseconds,
 * 2: the pool is dry, 3: twice), tag, number (2), time that goes by. Whatever an origin numbers:
 * each push comes out once, is a duplicate or waits; no number of a flow comes out twice in a row;
 * nothing waits for longer than the bound, and everything comes back to the pool.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/wire.h"
#include "core/inorder.h"

#define STEP_LEN  5
#define STEPS_MAX 8192
#define POOL      1200

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct play {
    struct lp_packet_pool pool;
    struct lp_inorder *inorder;
    uint64_t now_ns;
    unsigned pushed, out, duplicates, inside;
    uint64_t pushed_ns[STEPS_MAX]; /* by serial number; 0 = has come out */
    uint16_t last[256];            /* of each tag */
    bool known[256];               /* that one was a duplicate when it came again */
};

static void require(bool holds)
{
    if (!holds)
        abort();
}

static void comes_out(struct play *play, uint32_t serial)
{
    require(serial < play->pushed && play->pushed_ns[serial] != 0);
    require(play->now_ns - play->pushed_ns[serial] <= LP_INORDER_WAIT_MAX_NS);
    play->pushed_ns[serial] = 0; /* never again */
    play->out++;
}

static void drain(struct play *play)
{
    struct lp_packet *packet;

    while ((packet = lp_inorder_pop(play->inorder)) != NULL) {
        require(packet->overlay.payload == packet->bytes && packet->overlay.payload_len == 4);
        comes_out(play, lp_load_be32(packet->bytes));
        play->inside--;
        lp_packet_give(&play->pool, packet);
    }
}

static void check(const struct play *play)
{
    struct lp_inorder_stats stats;

    lp_inorder_stats(play->inorder, &stats);
    require(stats.held == play->inside && stats.held <= LP_INORDER_HELD_MAX);
    require(stats.wait_ns <= LP_INORDER_WAIT_MAX_NS && stats.duplicates == play->duplicates);
    require((lp_inorder_next_deadline(play->inorder) == LP_TIME_NEVER) == (play->inside == 0));
    require(play->pushed == play->out + play->duplicates + play->inside);
}

static void pass_deadlines(struct play *play)
{
    while (lp_inorder_next_deadline(play->inorder) <= play->now_ns) {
        lp_inorder_on_deadline(play->inorder, play->now_ns);
        drain(play);
    }
}

static enum lp_inorder_result push(struct play *play, uint16_t tag, uint16_t number, bool hold)
{
    uint8_t payload[4];
    uint32_t serial = play->pushed++;
    struct lp_overlay overlay = {.flags = LP_OVERLAY_FLAG_SEQUENCE,
                                 .sequence = {.flow = tag, .number = number},
                                 .payload = payload,
                                 .payload_len = sizeof(payload)};
    enum lp_inorder_result result;

    lp_store_be32(payload, serial);
    play->pushed_ns[serial] = play->now_ns;
    result = lp_inorder_push(play->inorder, &overlay, hold, play->now_ns);
    require(hold || result != LP_INORDER_HELD);
    play->inside += result == LP_INORDER_HELD;
    play->duplicates += result == LP_INORDER_DUPLICATE;
    if (result == LP_INORDER_PASS)
        comes_out(play, serial);
    drain(play);
    if (result == LP_INORDER_PASS_LAST)
        comes_out(play, serial);
    check(play);
    return result;
}

/* Time goes by in steps no longer than a wait, as it does for a loop that keeps its deadlines. */
static void wait(struct play *play, uint64_t ns)
{
    uint64_t end_ns = play->now_ns + ns;

    while (play->now_ns < end_ns) {
        uint64_t due_ns = lp_inorder_next_deadline(play->inorder);

        play->now_ns = due_ns < end_ns ? due_ns : end_ns;
        pass_deadlines(play);
    }
}

/*
 * What follows closely on a number that is known is known itself from then on, unless so much is held
 * that nothing more can be taken in.
 */
static void push_twice(struct play *play, unsigned tag, uint16_t number)
{
    bool near =
        play->inside == 0 && play->known[tag] && (uint16_t)(number - play->last[tag] - 1) < 100;
    bool held = push(play, (uint16_t)(tag * 16), number, true) == LP_INORDER_HELD;

    play->known[tag] = push(play, (uint16_t)(tag * 16), number, true) == LP_INORDER_DUPLICATE;
    play->last[tag] = number;
    require(play->known[tag] || !(near || held));
}

static void step(struct play *play, const uint8_t *data)
{
    unsigned tag = data[1];
    uint16_t number = lp_load_be16(data + 2);

    wait(play, data[4] * ((data[0] & 2) != 0 ? LP_NS_PER_MS : LP_NS_PER_US));
    play->pool.capacity = (data[0] & 4) != 0 ? play->pool.allocated : POOL;
    if ((data[0] & 8) != 0) {
        push_twice(play, tag, number);
        return;
    }
    push(play, (uint16_t)(tag * 16), number, (data[0] & 1) != 0);
    play->known[tag] = false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct play *play = calloc(1, sizeof(*play));

    require(play != NULL);
    lp_packet_pool_init(&play->pool, POOL);
    play->inorder = lp_inorder_new(&play->pool);
    play->now_ns = 100 * LP_NS_PER_S;
    require(play->inorder != NULL);
    for (size_t at = 0; at + STEP_LEN <= size && play->pushed + 2 <= STEPS_MAX; at += STEP_LEN)
        step(play, data + at);
    if (size % 2 == 0) {
        wait(play, LP_INORDER_WAIT_MAX_NS);
        require(play->inside == 0);
        check(play);
    }
    lp_inorder_free(play->inorder); /* with or without something held */
    lp_packet_pool_deinit(&play->pool);
    free(play);
    return 0;
}
