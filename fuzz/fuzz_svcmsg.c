/*
 * What a hostile program writes into the service's pipe. The stream is taken message by message as
 * the service does; each that is taken encodes to the same octets, and the steps stay in order. The
 * lowest bit of each message's last octet tells whether its step succeeds.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "platform/settings/svcmsg.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition)
{
    if (!condition)
        abort();
}

/* What must have succeeded before, whatever was asked. */
struct past {
    bool greeted;
    bool prepared;
    bool pinned;
    bool configured;
    bool ended;
};

static void check_past(const struct past *past, enum lp_svcmsg_type request)
{
    require(!past->ended);
    require(past->greeted == (request != LP_SVCMSG_HELLO));
    require(past->prepared || request == LP_SVCMSG_HELLO || request == LP_SVCMSG_PREPARE ||
            request == LP_SVCMSG_END);
    require(!(past->prepared && request == LP_SVCMSG_PREPARE));
    require(past->pinned || (request != LP_SVCMSG_CONFIGURE && request != LP_SVCMSG_CHECK));
}

static void note(struct past *past, enum lp_svcmsg_type request, bool succeeded)
{
    past->ended = request == LP_SVCMSG_END;
    past->greeted = past->greeted || (succeeded && request == LP_SVCMSG_HELLO);
    past->prepared = past->prepared || (succeeded && request == LP_SVCMSG_PREPARE);
    past->pinned = past->pinned || (succeeded && request == LP_SVCMSG_PIN);
    past->configured = past->configured || (succeeded && request == LP_SVCMSG_CONFIGURE);
}

static void check_state(const struct past *past, enum lp_svc_state state)
{
    enum lp_svc_state expected = past->ended        ? LP_SVC_ENDED
                                 : past->configured ? LP_SVC_CONFIGURED
                                 : past->pinned     ? LP_SVC_PINNED
                                 : past->prepared   ? LP_SVC_PREPARED
                                 : past->greeted    ? LP_SVC_GREETED
                                                    : LP_SVC_START;

    require(state == expected);
}

static void check_round_trip(const struct lp_svcmsg *message, const uint8_t *bytes, size_t len)
{
    uint8_t again[LP_SVCMSG_MAX];

    require(lp_svcmsg_encode(message, again, sizeof(again)) == (int)len);
    require(memcmp(again, bytes, len) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum lp_svc_state state = LP_SVC_START;
    struct past past = {.greeted = false};

    for (;;) {
        int len = lp_svcmsg_frame_len(data, size);
        struct lp_svcmsg message;
        char why[LP_WHY_LEN] = "";
        bool succeeded;
        int err;

        if (len <= 0 || (size_t)len > size)
            return 0;
        err = lp_svcmsg_decode(data, (size_t)len, &message);
        require(err == 0 || err == LP_ERR_MALFORMED || err == LP_ERR_UNSUPPORTED);
        if (err == 0) {
            check_round_trip(&message, data, (size_t)len);
            err = lp_svc_allows(state, &message, why);
            require((err < 0) == (why[0] != '\0'));
        }
        if (err == 0) {
            succeeded = (data[len - 1] & 1) != 0 || message.type == LP_SVCMSG_CHECK;
            check_past(&past, message.type);
            note(&past, message.type, succeeded);
            state = lp_svc_next(state, message.type, succeeded);
            check_state(&past, state);
        }
        data += len;
        size -= (size_t)len;
    }
}
