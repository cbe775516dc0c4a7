/*
 * Bodies of control frames. What is taken must be writable, and what was written must read back
 * to the same octets; what is refused must have a printable reason, and a reject code that
 * exists.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "proto/control.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition)
{
    if (!condition)
        abort();
}

static void check_refusal(const char why[LP_CONTROL_WHY_LEN], enum lp_reject_code reject)
{
    size_t len = strnlen(why, LP_CONTROL_WHY_LEN);

    require(len > 0 && len < LP_CONTROL_WHY_LEN);
    for (size_t i = 0; i < len; i++)
        require(why[i] >= 0x20 && why[i] < 0x7f);
    require(reject == 0 || strcmp(lp_reject_name(reject), "unknown") != 0);
}

static void check_round_trip(const struct lp_control *message)
{
    static uint8_t first[LP_CONTROL_PREFIX_LEN + LP_CONTROL_BODY_MAX];
    static uint8_t second[LP_CONTROL_PREFIX_LEN + LP_CONTROL_BODY_MAX];
    struct lp_control again;
    int len = lp_control_encode(message, first, sizeof(first));

    require(len > LP_CONTROL_PREFIX_LEN);
    require(lp_control_frame_len(first, (size_t)len) == len);
    require(lp_control_decode(first + LP_CONTROL_PREFIX_LEN,
                              (size_t)len - LP_CONTROL_PREFIX_LEN, &again, NULL, NULL) == 0);
    require(again.type == message->type);
    require(lp_control_encode(&again, second, sizeof(second)) == len);
    require(memcmp(first, second, (size_t)len) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct lp_control message;
    char why[LP_CONTROL_WHY_LEN] = "";
    enum lp_reject_code reject = LP_REJECT_REDIRECT;
    int err = lp_control_decode(data, size, &message, why, &reject);
    int frame_len = lp_control_frame_len(data, size);

    require(frame_len == LP_ERR_RANGE || frame_len == 0 || frame_len > LP_CONTROL_PREFIX_LEN);
    if (err == 0) {
        require(reject == 0);
        check_round_trip(&message);
    } else {
        require(err == LP_ERR_MALFORMED);
        check_refusal(why, reject);
    }
    return 0;
}
