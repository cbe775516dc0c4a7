/*
 * Input: kind (1 octet), flags (1), gso_size, csum_start, csum_offset, frame_max (2 each), then
 * the octets of a super-frame. Whatever it claims to be: no frame is longer than frame_max, the
 * payloads add up to the super-frame's, every checksum verifies, and nothing is read or written
 * beyond.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/wire.h"
#include "proto/offload.h"

#define DESCRIPTION_LEN 10

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds)
        abort();
}

/* Ones'-complement sum, word by word. */
static uint32_t words(uint32_t sum, const uint8_t *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        sum += i % 2 == 0 ? (uint32_t)bytes[i] << 8 : bytes[i];
        sum = (sum & 0xffff) + (sum >> 16);
    }
    return (sum & 0xffff) + (sum >> 16);
}

static void verify_segment(const struct lp_offload_iter *iter, const uint8_t *frame, size_t len)
{
    const uint8_t *ip = frame + iter->l3_at;
    bool udp = iter->super->gso == LP_GSO_UDP_L4;
    size_t l4_len = len - iter->l4_at;
    uint32_t sum;

    if (ip[0] >> 4 == 4) {
        require(lp_load_be16(ip + 2) == len - iter->l3_at);
        require(words(0, ip, iter->l4_at - iter->l3_at) == 0xffff);
        sum = words(0, ip + 12, 8);
    } else {
        require(lp_load_be16(ip + 4) == len - iter->l3_at - 40);
        sum = words(0, ip + 8, 32);
    }
    sum += (uint32_t)l4_len + (udp ? 17 : 6);
    sum = (sum & 0xffff) + (sum >> 16);
    require(words(sum, frame + iter->l4_at, l4_len) == 0xffff);
    if (udp) {
        require(lp_load_be16(frame + iter->l4_at + 4) == l4_len);
        require(lp_load_be16(frame + iter->l4_at + 6) != 0);
    }
}

/* What came out, with the pseudo-header's sum that was in the field, must sum up to ones. */
static void verify_completed(const struct lp_offload_iter *iter, const uint8_t *frame)
{
    const struct lp_superframe *super = iter->super;
    size_t field = (size_t)super->csum_start + super->csum_offset;
    uint32_t sum = words(0, super->bytes + field, 2);

    require(memcmp(frame, super->bytes, field) == 0);
    require(memcmp(frame + field + 2, super->bytes + field + 2, super->len - field - 2) == 0);
    sum = words(sum, frame + super->csum_start, iter->packet_end - super->csum_start);
    require(sum == 0xffff);
}

static void play(const struct lp_superframe *super, size_t frame_max)
{
    struct lp_offload_iter iter;
    uint8_t *frame;
    const uint8_t *got = NULL;
    size_t sum = 0;
    size_t len;

    if (lp_offload_begin(&iter, super, frame_max) < 0)
        return;
    frame = malloc(frame_max);
    require(frame != NULL);
    while ((len = lp_offload_next(&iter, frame, &got)) > 0) {
        require(len <= frame_max);
        if (super->gso == LP_GSO_NONE) {
            require(len == super->len && (got == frame) == super->needs_csum);
            if (super->needs_csum)
                verify_completed(&iter, got);
            continue;
        }
        require(got == frame && len >= iter.header_len);
        require(len - iter.header_len <= super->gso_size);
        require(memcmp(frame + iter.header_len, super->bytes + iter.header_len + sum,
                       len - iter.header_len) == 0);
        verify_segment(&iter, frame, len);
        sum += len - iter.header_len;
    }
    require(super->gso == LP_GSO_NONE || sum == iter.packet_end - iter.header_len);
    free(frame);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct lp_superframe super;
    uint8_t *bytes;

    if (size <= DESCRIPTION_LEN)
        return 0;
    bytes = malloc(size - DESCRIPTION_LEN);
    require(bytes != NULL);
    memcpy(bytes, data + DESCRIPTION_LEN, size - DESCRIPTION_LEN);
    super = (struct lp_superframe){
        .bytes = bytes,
        .len = size - DESCRIPTION_LEN,
        .gso = (enum lp_gso)(data[0] % 5),
        .needs_csum = (data[1] & 1) != 0,
        .ecn = (data[1] & 2) != 0,
        .gso_size = lp_load_be16(data + 2),
        .csum_start = lp_load_be16(data + 4),
        .csum_offset = lp_load_be16(data + 6),
    };
    play(&super, (size_t)lp_load_be16(data + 8) + 1);
    free(bytes);
    return 0;
}
