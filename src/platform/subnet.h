/*
 * IPv4 subnets that interfaces have, and whether two of them overlap: a party whose addresses are
 * also those of the player's own network. Pure; linux/ and windows/ collect the subnets.
 */
#ifndef LP_PLATFORM_SUBNET_H
#define LP_PLATFORM_SUBNET_H

#include <stdbool.h>
#include <stdint.h>

#include "platform/platform.h"

struct lp_subnet {
    struct lp_addr addr; /* IPv4; bits behind the prefix do not matter */
    unsigned prefix_len; /* to 32 */
};

bool lp_subnet_overlap(const struct lp_subnet *a, const struct lp_subnet *b);

/* The sentence with cause and remedy; `name` and `other_name` are interfaces. */
void lp_subnet_describe(const char *name, const struct lp_subnet *own, const char *other_name,
                        const struct lp_subnet *other, char ret_text[LP_WHY_LEN]);

#endif
