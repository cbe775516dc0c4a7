/*
 * A hostile caller of the service: any messages in any order, with steps that fail now and then. The
 * input is a row of parts: 1 octet (bit 0: the next step fails, bit 1: the pipe closes after this
 * part), 2 octets length, that much of a message.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/wire.h"
#include "platform/settings/svcsession.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

struct fake {
    bool fails;
    bool prepared, pinned, ended;
};

static void must(bool condition)
{
    if (!condition)
        abort();
}

static int result(struct fake *fake, char *why)
{
    bool fails = fake->fails;

    must(!fake->ended);
    fake->fails = false;
    memset(why, 'w', LP_WHY_LEN);
    why[LP_WHY_LEN - 1] = '\0';
    return fails ? LP_ERR_BUSY : 0;
}

static int prepare(void *user, const char *guid, const struct lp_mac *mac, char why[LP_WHY_LEN])
{
    struct fake *fake = user;
    int err = result(fake, why);

    must(!fake->prepared && strlen(guid) == LP_ADAPTER_GUID_LEN - 1);
    must(lp_mac_is_local(mac) && lp_mac_is_valid_source(mac));
    fake->prepared = err == 0;
    return err;
}

static int pin(void *user, const struct lp_addr *relay, char why[LP_WHY_LEN])
{
    struct fake *fake = user;
    int err = result(fake, why);

    must(fake->prepared && relay->port != 0 && relay->scope == 0);
    must(relay->family == LP_ADDR_IPV4 || relay->family == LP_ADDR_IPV6);
    must(relay->family == LP_ADDR_IPV6 || (relay->ip[0] != 0 && relay->ip[0] < 224));
    fake->pinned |= err == 0;
    return err;
}

static int configure(void *user, const struct lp_wincfg_settings *settings,
                     char why[LP_WHY_LEN])
{
    struct fake *fake = user;

    must(fake->pinned && settings->mtu >= 576 && settings->mtu <= 1500);
    must(settings->metric >= 1 && settings->metric <= 9999);
    return result(fake, why);
}

static int check(void *user, struct lp_wincfg_status *ret_status, char why[LP_WHY_LEN])
{
    struct fake *fake = user;

    must(fake->pinned);
    memset(ret_status, 0, sizeof(*ret_status));
    ret_status->route_pinned = true;
    return result(fake, why);
}

static int end(void *user, char why[LP_WHY_LEN])
{
    struct fake *fake = user;
    int err = result(fake, why);

    fake->ended = true;
    return err;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct fake fake = {.fails = false};
    const struct lp_svc_actions actions = {prepare, pin, configure, check, end, &fake};
    struct lp_wire_reader r = lp_wire_reader_init(bytes, len);
    struct lp_svcsession session;
    char why[LP_WHY_LEN];

    lp_svcsession_init(&session, &actions);
    while (lp_wire_reader_left(&r) >= 3) {
        uint8_t reply[LP_SVCMSG_MAX];
        struct lp_svcmsg answer;
        uint8_t control = lp_wire_read_u8(&r);
        size_t part_len = lp_wire_read_u16(&r);
        size_t reply_len;
        uint8_t *part; /* of its own, so that a read past its end is seen */

        if (part_len > lp_wire_reader_left(&r))
            part_len = lp_wire_reader_left(&r);
        part = malloc(part_len + (part_len == 0));
        must(part != NULL);
        if (part_len > 0)
            memcpy(part, lp_wire_read_bytes(&r, part_len), part_len);
        fake.fails = (control & 1) != 0;
        reply_len = lp_svcsession_take(&session, part, part_len, reply);
        must(lp_svcmsg_decode(reply, reply_len, &answer) == 0);
        must(!lp_svcmsg_is_request(answer.type));
        must(lp_svcsession_is_over(&session) == fake.ended);
        free(part);
        if ((control & 2) != 0)
            break;
    }
    lp_svcsession_end(&session, why);
    must(fake.ended);
    return 0;
}
