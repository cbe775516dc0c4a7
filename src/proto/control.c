#include "proto/control.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/wire.h"
#include "proto/control_internal.h"
#include "proto/mtu.h"

#define DATAGRAM_BUDGET_MAX 65535

const char *lp_control_type_name(enum lp_control_type type)
{
    switch (type) {
#define X(name, number, text)                                                                  \
    case LP_CONTROL_##name:                                                                    \
        return text;
        LP_CONTROL_TABLE(X)
#undef X
    case LP_CONTROL_NONE:
    default:
        return "unknown";
    }
}

const char *lp_reject_name(enum lp_reject_code code)
{
    switch (code) {
#define X(name, number, wire, text)                                                            \
    case LP_REJECT_##name:                                                                     \
        return wire;
        LP_REJECT_TABLE(X)
#undef X
    default:
        return "unknown";
    }
}

const char *lp_reject_text(enum lp_reject_code code)
{
    switch (code) {
#define X(name, number, wire, text)                                                            \
    case LP_REJECT_##name:                                                                     \
        return text;
        LP_REJECT_TABLE(X)
#undef X
    default:
        return "the relay refused, without a reason that is known here";
    }
}

const char *lp_leave_name(enum lp_leave_reason reason)
{
    switch (reason) {
#define X(name, number, wire)                                                                  \
    case LP_LEAVE_##name:                                                                      \
        return wire;
        LP_LEAVE_TABLE(X)
#undef X
    default:
        return "unknown";
    }
}

const char *lp_role_name(enum lp_role role)
{
    switch (role) {
    case LP_ROLE_CLIENT:
        return "client";
    case LP_ROLE_GATEWAY:
        return "gateway";
    default:
        return "unknown";
    }
}

int lp_control_frame_len(const uint8_t *bytes, size_t len)
{
    uint32_t body_len;

    if (len < LP_CONTROL_PREFIX_LEN)
        return 0;
    body_len = lp_load_be32(bytes);
    if (body_len == 0 || body_len > LP_CONTROL_BODY_MAX)
        return LP_ERR_RANGE;
    return (int)(LP_CONTROL_PREFIX_LEN + body_len);
}

void lp_control_tell(struct lp_control_fault *fault, enum lp_reject_code reject,
                     const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(fault->why, sizeof(fault->why), format, args);
    va_end(args);
    fault->reject = reject;
}

/* A token: 1 to `max` octets of [A-Za-z0-9._-], NUL within them. */
static bool token_valid(const char *token, size_t max)
{
    size_t len = strnlen(token, max + 1);

    return len >= 1 && len <= max &&
           strspn(token, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-") ==
               len;
}

bool lp_room_code_valid(const char *code)
{
    return token_valid(code, LP_ROOM_CODE_MAX);
}

/*
 * Reads one code point (RFC 3629: shortest form, no surrogates). Returns its octets, 0 when
 * there is none. The terminating NUL is no continuation octet, so nothing behind it is read.
 */
static size_t utf8_next(const unsigned char *p, uint32_t *ret_code_point)
{
    static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t len = p[0] < 0x80 ? 1 : p[0] < 0xc0 ? 0 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
    uint32_t code_point = len <= 1 ? p[0] : p[0] & (0xffu >> (len + 1));

    if (len == 0 || p[0] >= 0xf8)
        return 0;
    for (size_t i = 1; i < len; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return 0;
        code_point = code_point << 6 | (p[i] & 0x3f);
    }
    if (code_point < smallest[len] || code_point > 0x10ffff ||
        (code_point >= 0xd800 && code_point <= 0xdfff))
        return 0;
    *ret_code_point = code_point;
    return len;
}

/* Text for people: it reaches terminals and logs, where a control character could forge output.
 */
static int check_text(struct lp_control_fault *fault, const char *field, const char *text,
                      size_t max, enum lp_reject_code reject)
{
    const unsigned char *p = (const unsigned char *)text;

    if (strnlen(text, max + 1) > max)
        return lp_control_fail(fault, reject, "%s: longer than %zu octets", field, max);
    while (*p != '\0') {
        uint32_t code_point = 0;
        size_t len = utf8_next(p, &code_point);

        if (len == 0)
            return lp_control_fail(fault, reject, "%s: not valid UTF-8", field);
        if (code_point < 0x20 || (code_point >= 0x7f && code_point <= 0x9f))
            return lp_control_fail(fault, reject, "%s: has a control character", field);
        p += len;
    }
    return 0;
}

bool lp_name_valid(const char *name)
{
    struct lp_control_fault fault;

    return check_text(&fault, "name", name, LP_NAME_MAX, 0) == 0;
}

static int check_range(struct lp_control_fault *fault, const char *field, uint64_t value,
                       uint64_t min, uint64_t max)
{
    if (value >= min && value <= max)
        return 0;
    return lp_control_fail(fault, 0, "%s: must be %" PRIu64 " to %" PRIu64, field, min, max);
}

static int check_role_and_mac(struct lp_control_fault *fault, enum lp_role role, bool has_mac,
                              const struct lp_mac *mac, bool is_hello)
{
    enum lp_reject_code bad_mac = is_hello ? LP_REJECT_BAD_MAC : 0;

    if (role == LP_ROLE_GATEWAY) {
        if (has_mac)
            return lp_control_fail(fault, bad_mac, "mac: a gateway must give none");
        return 0;
    }
    if (role != LP_ROLE_CLIENT)
        return lp_control_fail(fault, is_hello ? LP_REJECT_BAD_HELLO : 0, "role: unknown");
    if (!has_mac)
        return lp_control_fail(fault, bad_mac, "mac: a client must give one");
    if (lp_mac_is_group(mac) || !lp_mac_is_local(mac))
        return lp_control_fail(fault, bad_mac, "mac: must be locally administered and unicast");
    return 0;
}

static int check_datagram_budget(struct lp_control_fault *fault, uint32_t budget)
{
    uint32_t min = (uint32_t)lp_mtu_budget_for_tap(LP_ROOM_MTU_MIN);
    enum lp_reject_code reject = budget < min ? LP_REJECT_MTU_UNSUPPORTED : LP_REJECT_BAD_HELLO;

    if (budget >= min && budget <= DATAGRAM_BUDGET_MAX)
        return 0;
    return lp_control_fail(fault, reject, "datagram_budget: must be %u to %u", min,
                           DATAGRAM_BUDGET_MAX);
}

static int check_hello(const struct lp_hello *hello, struct lp_control_fault *fault)
{
    int err;

    if (hello->version != LP_CONTROL_VERSION)
        return lp_control_fail(fault, LP_REJECT_BAD_VERSION, "version: must be %d",
                               LP_CONTROL_VERSION);
    if (!lp_room_code_valid(hello->room))
        return lp_control_fail(fault, LP_REJECT_BAD_ROOM_CODE,
                               "room: must be 1 to %d letters, digits, '.', '_' or '-'",
                               LP_ROOM_CODE_MAX);
    err = check_role_and_mac(fault, hello->role, hello->has_mac, &hello->mac, true);
    if (err < 0)
        return err;
    err = check_datagram_budget(fault, hello->datagram_budget);
    if (err < 0)
        return err;
    if ((hello->capabilities & ~LP_CAP_ALL) != 0)
        return lp_control_fail(fault, LP_REJECT_BAD_HELLO, "capabilities: unknown bit");
    return check_text(fault, "name", hello->name, LP_NAME_MAX, LP_REJECT_BAD_HELLO);
}

static int check_welcome(const struct lp_welcome *welcome, struct lp_control_fault *fault)
{
    int err = check_range(fault, "peer_id", welcome->peer_id, 1, UINT32_MAX);

    if (err == 0)
        err = check_range(fault, "mtu", welcome->mtu, LP_ROOM_MTU_MIN, LP_ETH_MTU_MAX);
    if (err == 0)
        err = check_range(fault, "limits.burst_bytes", welcome->limits.burst_bytes, 0,
                          LP_CONTROL_INT_MAX);
    if (err == 0)
        err = check_range(fault, "limits.rate_bytes", welcome->limits.rate_bytes, 0,
                          LP_CONTROL_INT_MAX);
    if (err == 0 && !token_valid(welcome->mode, sizeof(welcome->mode) - 1))
        err =
            lp_control_fail(fault, 0, "mode: must be 1 to %zu letters, digits, '.', '_' or '-'",
                            sizeof(welcome->mode) - 1);
    if (err == 0 && (welcome->capabilities & ~LP_CAP_ALL) != 0)
        err = lp_control_fail(fault, 0, "capabilities: unknown bit");
    return err;
}

static int check_reject(const struct lp_reject *reject, struct lp_control_fault *fault)
{
    switch (reject->code) {
#define X(name, number, wire, text) case LP_REJECT_##name:
        LP_REJECT_TABLE(X)
#undef X
        return check_text(fault, "text", reject->text, LP_TEXT_MAX, 0);
    default:
        return lp_control_fail(fault, 0, "code: unknown");
    }
}

static int check_leave_reason(enum lp_leave_reason reason, struct lp_control_fault *fault)
{
    switch (reason) {
#define X(name, number, wire) case LP_LEAVE_##name:
        LP_LEAVE_TABLE(X)
#undef X
        return 0;
    default:
        return lp_control_fail(fault, 0, "reason: unknown");
    }
}

static int check_peer_joined(const struct lp_peer_joined *joined,
                             struct lp_control_fault *fault)
{
    int err = check_range(fault, "peer_id", joined->peer_id, 1, UINT32_MAX);

    if (err == 0)
        err = check_range(fault, "seq", joined->seq, 0, LP_CONTROL_INT_MAX);
    if (err == 0)
        err = check_role_and_mac(fault, joined->role, joined->has_mac, &joined->mac, false);
    if (err == 0)
        err = check_text(fault, "name", joined->name, LP_NAME_MAX, 0);
    return err;
}

static int check_peer_left(const struct lp_peer_left *left, struct lp_control_fault *fault)
{
    int err = check_range(fault, "peer_id", left->peer_id, 1, UINT32_MAX);

    if (err == 0)
        err = check_range(fault, "seq", left->seq, 0, LP_CONTROL_INT_MAX);
    if (err == 0)
        err = check_leave_reason(left->reason, fault);
    return err;
}

static int check_stats(const struct lp_stats *stats, struct lp_control_fault *fault)
{
    if (stats->count > LP_STATS_COUNTERS_MAX)
        return lp_control_fail(fault, 0, "counters: more than %d", LP_STATS_COUNTERS_MAX);
    for (unsigned i = 0; i < stats->count; i++) {
        if (!token_valid(stats->counter[i].name, LP_STATS_NAME_MAX))
            return lp_control_fail(
                fault, 0, "counters: a name must be 1 to %d letters, digits, '.', '_' or '-'",
                LP_STATS_NAME_MAX);
        if (stats->counter[i].value > LP_CONTROL_INT_MAX)
            return lp_control_fail(fault, 0, "counters: a value must be at most %" PRId64,
                                   LP_CONTROL_INT_MAX);
    }
    return 0;
}

int lp_control_check(const struct lp_control *message, struct lp_control_fault *fault)
{
    switch (message->type) {
    case LP_CONTROL_HELLO:
        return check_hello(&message->hello, fault);
    case LP_CONTROL_WELCOME:
        return check_welcome(&message->welcome, fault);
    case LP_CONTROL_REJECT:
        return check_reject(&message->reject, fault);
    case LP_CONTROL_PEER_JOINED:
        return check_peer_joined(&message->peer_joined, fault);
    case LP_CONTROL_PEER_LEFT:
        return check_peer_left(&message->peer_left, fault);
    case LP_CONTROL_STATS:
        return check_stats(&message->stats, fault);
    case LP_CONTROL_DISCONNECT:
        return check_leave_reason(message->disconnect.reason, fault);
    case LP_CONTROL_NONE:
    default:
        return lp_control_fail(fault, 0, "type: unknown");
    }
}
