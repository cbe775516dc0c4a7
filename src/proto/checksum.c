#include "proto/checksum.h"

#include <string.h>

#include "base/wire.h"

static inline uint64_t load_u64(const uint8_t *p)
{
    uint64_t word;

    memcpy(&word, p, sizeof(word));
    return word;
}

/* Ones'-complement addition: the carry out of the top comes back in at the bottom. */
static inline uint64_t add_carry(uint64_t sum, uint64_t word)
{
    sum += word;
    return sum + (sum < word);
}

uint64_t lp_checksum_add(uint64_t sum, const uint8_t *bytes, size_t len)
{
    uint64_t other[3] = {0, 0, 0};
    uint8_t tail[8] = {0};

    /* four chains, because each addition waits for the carry of the one before */
    for (; len >= 32; bytes += 32, len -= 32) {
        sum = add_carry(sum, load_u64(bytes));
        other[0] = add_carry(other[0], load_u64(bytes + 8));
        other[1] = add_carry(other[1], load_u64(bytes + 16));
        other[2] = add_carry(other[2], load_u64(bytes + 24));
    }
    for (; len >= 8; bytes += 8, len -= 8)
        sum = add_carry(sum, load_u64(bytes));
    if (len > 0) {
        memcpy(tail, bytes, len);
        sum = add_carry(sum, load_u64(tail));
    }
    sum = add_carry(sum, other[0]);
    sum = add_carry(sum, other[1]);
    return add_carry(sum, other[2]);
}

uint64_t lp_checksum_add_be16(uint64_t sum, uint16_t value)
{
    uint8_t octets[2];
    uint16_t word;

    lp_store_be16(octets, value);
    memcpy(&word, octets, sizeof(word));
    return add_carry(sum, word);
}

uint16_t lp_checksum_finish(uint64_t sum)
{
    uint8_t octets[2];
    uint16_t word;

    sum = (sum >> 32) + (sum & 0xffffffff);
    sum = (sum >> 16) + (sum & 0xffff);
    sum = (sum >> 16) + (sum & 0xffff);
    sum = (sum >> 16) + (sum & 0xffff);
    word = (uint16_t)~sum;
    memcpy(octets, &word, sizeof(octets));
    return lp_load_be16(octets);
}
