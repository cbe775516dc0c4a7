/*
 * Input: one octet (bit 0: no TCP over IPv4, 1: no UDP is taken as a super-frame), then frames, each
 * behind its length (2 octets; 0 ends a turn). Each flow's frames come out once and in order,
 * merged ones octet for octet when they are cut again, but for what says in merge.h; and nothing
 * stays behind after a flush.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/wire.h"
#include "proto/merge.h"
#include "proto/offload.h"

#define FRAMES_MAX 512

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct frame {
    const uint8_t *bytes; /* borrowed of the input */
    size_t len;
    bool out;
};

struct play {
    struct lp_merge *merge;
    struct frame frame[FRAMES_MAX];
    unsigned count;
};

static void require(bool holds)
{
    if (!holds)
        abort();
}

static bool is_v4(const uint8_t *bytes)
{
    return lp_load_be16(bytes + 12) == 0x0800;
}

/* Where the IP packet ends: padding behind it need not survive. The frame's end for others. */
static size_t end_of(const uint8_t *bytes, size_t len)
{
    size_t end = len;

    if (is_v4(bytes) && len >= 34)
        end = 14 + (size_t)lp_load_be16(bytes + 16);
    else if (lp_load_be16(bytes + 12) == 0x86dd && len >= 54)
        end = 54 + (size_t)lp_load_be16(bytes + 18);
    return end < len ? end : len;
}

/* Whether the two frames have the same addresses, protocol and ports, as far as both are plain. */
static bool same_flow(const struct frame *a, const uint8_t *bytes, size_t len)
{
    size_t l4 = is_v4(bytes) ? 34 : 54, from = is_v4(bytes) ? 26 : 22;
    size_t protocol = is_v4(bytes) ? 23 : 20;

    return a->len >= l4 + 4 && len >= l4 + 4 && memcmp(a->bytes + 12, bytes + 12, 2) == 0 &&
           a->bytes[protocol] == bytes[protocol] &&
           memcmp(a->bytes + from, bytes + from, l4 + 4 - from) == 0;
}

/* The same but for the identification of what must not be fragmented, and its checksum. */
static bool is_same(const struct frame *in, const uint8_t *bytes, size_t len, bool merged)
{
    size_t end = end_of(in->bytes, in->len);
    bool free_id = is_v4(bytes) && len >= 34 && (bytes[20] & 0x40) != 0;

    if (!merged)
        return in->len == len && memcmp(in->bytes, bytes, len) == 0;
    if (end != len || !free_id)
        return end == len && memcmp(in->bytes, bytes, len) == 0;
    return memcmp(in->bytes, bytes, 18) == 0 && memcmp(in->bytes + 20, bytes + 20, 4) == 0 &&
           memcmp(in->bytes + 26, bytes + 26, len - 26) == 0;
}

/* The oldest that it can be is out now; none of its flow that came before is still inside. */
static void comes_out(struct play *play, const uint8_t *bytes, size_t len, bool merged)
{
    for (unsigned i = 0; i < play->count; i++) {
        struct frame *in = &play->frame[i];

        if (in->out)
            continue;
        if (is_same(in, bytes, len, merged)) {
            in->out = true;
            return;
        }
        require(!merged || !same_flow(in, bytes, len));
    }
    require(false); /* was never put in */
}

static void on_out(void *user, const struct lp_superframe *super, unsigned frames)
{
    static uint8_t segment[LP_ETH_FRAME_MAX];
    struct play *play = user;
    struct lp_offload_iter iter;
    const uint8_t *frame = NULL;
    unsigned count = 0;
    size_t len;

    require(frames > 0 && frames <= LP_MERGE_SEGMENTS_MAX);
    require((frames > 1) == (super->gso != LP_GSO_NONE));
    require(lp_offload_begin(&iter, super, sizeof(segment)) == 0);
    while ((len = lp_offload_next(&iter, segment, &frame)) > 0) {
        comes_out(play, frame, len, frames > 1);
        count++;
    }
    require(count == frames);
}

static void end_turn(struct play *play)
{
    lp_merge_flush(play->merge);
    for (unsigned i = 0; i < play->count; i++)
        require(play->frame[i].out);
    play->count = 0;
}

static void push(struct play *play, const uint8_t *bytes, size_t len)
{
    uint8_t *copy = malloc(len);
    struct frame *in;

    if (play->count == FRAMES_MAX)
        end_turn(play);
    require(copy != NULL);
    memcpy(copy, bytes, len);
    in = &play->frame[play->count++];
    *in = (struct frame){.bytes = bytes, .len = len};
    if (!lp_merge_push(play->merge, copy, len)) {
        in->out = true;
        for (unsigned i = 0; i + 1 < play->count; i++) /* its flow has gone out before it */
            require(play->frame[i].out || !same_flow(&play->frame[i], bytes, len));
    }
    free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct play *play = calloc(1, sizeof(*play));
    size_t at = 1;

    require(play != NULL && lp_merge_new(on_out, play, &play->merge) == 0);
    if (size > 0 && (data[0] & 1) != 0)
        lp_merge_disable(play->merge, LP_GSO_TCPV4);
    if (size > 0 && (data[0] & 2) != 0)
        lp_merge_disable(play->merge, LP_GSO_UDP_L4);
    while (at + 2 <= size) {
        size_t len = lp_load_be16(data + at);

        at += 2;
        if (len > size - at)
            len = size - at;
        if (len > LP_ETH_FRAME_MAX)
            len = LP_ETH_FRAME_MAX;
        if (len < LP_ETH_HEADER_LEN)
            end_turn(play);
        else
            push(play, data + at, len);
        at += len;
    }
    end_turn(play);
    lp_merge_free(play->merge);
    free(play);
    return 0;
}
