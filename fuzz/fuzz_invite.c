/*
 * Invite links. What is taken can be written, and reads back to the same invite; what is refused has
 * a printable reason.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "proto/invite.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition)
{
    if (!condition)
        abort();
}

static void check_refusal(const char why[LP_INVITE_WHY_LEN])
{
    size_t len = strnlen(why, LP_INVITE_WHY_LEN);

    require(len > 0 && len < LP_INVITE_WHY_LEN);
    for (size_t i = 0; i < len; i++)
        require(why[i] >= ' ' && why[i] <= '~');
}

/* What a command line or a label in a window must never get. */
static void check_texts(const struct lp_invite *invite)
{
    static const char host[] = "abcdefghijklmnopqrstuvwxyz0123456789.:-";

    require(invite->host[0] != '\0' && strspn(invite->host, host) == strlen(invite->host));
    require(strspn(invite->server_name, host) == strlen(invite->server_name));
    require(invite->host[0] != '-' && invite->server_name[0] != '-');
    require(lp_room_code_valid(invite->room));
    require(invite->room[0] != '-' && invite->room[0] != '.');
    require(invite->port != 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct lp_invite first;
    struct lp_invite second;
    char why[LP_INVITE_WHY_LEN] = "";
    char link[LP_INVITE_LINK_MAX + 1];
    int err = lp_invite_parse((const char *)data, size, &first, why);
    int len;

    if (err < 0) {
        require(err == LP_ERR_MALFORMED);
        check_refusal(why);
        return 0;
    }
    check_texts(&first);
    len = lp_invite_format(&first, link, sizeof(link));
    require(len > 0 && len <= LP_INVITE_LINK_MAX);
    require(lp_invite_parse(link, (size_t)len, &second, why) == 0);
    require(strcmp(first.host, second.host) == 0 && first.port == second.port);
    require(strcmp(first.room, second.room) == 0 && first.has_pin == second.has_pin);
    require(memcmp(first.pin, second.pin, sizeof(first.pin)) == 0);
    require(strcmp(first.server_name, second.server_name) == 0);
    return 0;
}
