#include <jansson.h>
#include <stdio.h>

#include "base/err.h"
#include "base/hex.h"
#include "proto/control.h"
#include "proto/control_internal.h"

/*
 * Readers of one field each. They judge presence, JSON type and whether the value fits the
 * struct; what values mean is lp_control_check's to judge. Each reports through `from->fault`
 * with the reject code `from->bad` (bad_hello in a hello, 0 elsewhere).
 */
struct source {
    const json_t *object;
    enum lp_reject_code bad;
    struct lp_control_fault *fault;
};

enum presence { REQUIRED, OPTIONAL };

/* 1 with *ret_value, 0 when an optional field is absent. */
static int find_field(const struct source *from, const char *field, enum presence presence,
                      const json_t **ret_value)
{
    const json_t *value = json_object_get(from->object, field);

    if (value == NULL) {
        if (presence == OPTIONAL)
            return 0;
        return lp_control_fail(from->fault, from->bad, "%s: missing", field);
    }
    *ret_value = value;
    return 1;
}

static int read_uint(const struct source *from, const char *field, enum presence presence,
                     uint64_t max, uint64_t *ret_number)
{
    const json_t *value;
    int found = find_field(from, field, presence, &value);
    json_int_t number;

    if (found <= 0)
        return found;
    if (!json_is_integer(value))
        return lp_control_fail(from->fault, from->bad, "%s: must be an integer", field);
    number = json_integer_value(value);
    if (number < 0 || (uint64_t)number > max)
        return lp_control_fail(from->fault, from->bad, "%s: out of range", field);
    *ret_number = (uint64_t)number;
    return 1;
}

static int read_u32(const struct source *from, const char *field, enum presence presence,
                    uint32_t *ret_number)
{
    uint64_t number;
    int found = read_uint(from, field, presence, UINT32_MAX, &number);

    if (found == 1)
        *ret_number = (uint32_t)number;
    return found;
}

static int read_u64(const struct source *from, const char *field, uint64_t *ret_number)
{
    return read_uint(from, field, REQUIRED, LP_CONTROL_INT_MAX, ret_number);
}

static int read_bool(const struct source *from, const char *field, enum presence presence,
                     bool *ret_flag)
{
    const json_t *value;
    int found = find_field(from, field, presence, &value);

    if (found <= 0)
        return found;
    if (!json_is_boolean(value))
        return lp_control_fail(from->fault, from->bad, "%s: must be true or false", field);
    *ret_flag = json_is_true(value);
    return 1;
}

static int read_string(const struct source *from, const char *field, enum presence presence,
                       const char **ret_text)
{
    const json_t *value;
    int found = find_field(from, field, presence, &value);

    if (found <= 0)
        return found;
    if (!json_is_string(value))
        return lp_control_fail(from->fault, from->bad, "%s: must be a string", field);
    *ret_text = json_string_value(value);
    return 1;
}

/* A string of at most `size` - 1 octets; an over-long one has the reject code `too_long`. */
static int read_text(const struct source *from, const char *field, enum presence presence,
                     char *text, size_t size, enum lp_reject_code too_long)
{
    const char *value;
    int found = read_string(from, field, presence, &value);
    size_t len;

    if (found <= 0)
        return found;
    len = strlen(value);
    if (len >= size)
        return lp_control_fail(from->fault, too_long, "%s: longer than %zu octets", field,
                               size - 1);
    memcpy(text, value, len + 1);
    return 1;
}

static int read_mac(const struct source *from, enum lp_reject_code bad_mac, bool *ret_has_mac,
                    struct lp_mac *ret_mac)
{
    const char *text;
    int found = read_string(from, "mac", OPTIONAL, &text);

    if (found <= 0)
        return found;
    if (lp_mac_parse(text, ret_mac) < 0)
        return lp_control_fail(from->fault, bad_mac, "mac: must look like 02:00:00:00:00:01");
    *ret_has_mac = true;
    return 1;
}

static int read_seat_secret(const struct source *from, bool *ret_has_secret, uint8_t *secret)
{
    const char *text;
    int found = read_string(from, "seat_secret", OPTIONAL, &text);

    if (found <= 0)
        return found;
    if (strlen(text) != 2 * LP_SEAT_SECRET_LEN ||
        lp_hex_decode(text, 2 * LP_SEAT_SECRET_LEN, secret) < 0)
        return lp_control_fail(from->fault, from->bad, "seat_secret: must be %d hex digits",
                               2 * LP_SEAT_SECRET_LEN);
    *ret_has_secret = true;
    return 1;
}

/* Names that this release does not know are passed over: that is how capabilities are added. */
static uint32_t capability_bit(const char *name)
{
#define X(bit, text)                                                                           \
    if (strcmp(name, text) == 0)                                                               \
        return LP_CAP_##bit;
    LP_CAPABILITY_TABLE(X)
#undef X
    return 0;
}

static int read_capabilities(const struct source *from, uint32_t *ret_capabilities)
{
    const json_t *array;
    int found = find_field(from, "capabilities", REQUIRED, &array);
    uint32_t capabilities = 0;

    if (found <= 0)
        return found;
    if (!json_is_array(array))
        return lp_control_fail(from->fault, from->bad, "capabilities: must be an array");
    for (size_t i = 0; i < json_array_size(array); i++) {
        const json_t *name = json_array_get(array, i);

        if (!json_is_string(name))
            return lp_control_fail(from->fault, from->bad, "capabilities: must be strings");
        capabilities |= capability_bit(json_string_value(name));
    }
    *ret_capabilities = capabilities;
    return 1;
}

static int read_role(const struct source *from, enum lp_role *ret_role)
{
    const char *text;
    int found = read_string(from, "role", REQUIRED, &text);

    if (found <= 0)
        return found;
    if (strcmp(text, lp_role_name(LP_ROLE_CLIENT)) == 0)
        *ret_role = LP_ROLE_CLIENT;
    else if (strcmp(text, lp_role_name(LP_ROLE_GATEWAY)) == 0)
        *ret_role = LP_ROLE_GATEWAY;
    else
        return lp_control_fail(from->fault, from->bad, "role: must be client or gateway");
    return 1;
}

static int read_leave_reason(const struct source *from, enum lp_leave_reason *ret_reason)
{
    const char *text;
    int found = read_string(from, "reason", REQUIRED, &text);

    if (found <= 0)
        return found;
#define X(name, number, wire)                                                                  \
    if (strcmp(text, wire) == 0) {                                                             \
        *ret_reason = LP_LEAVE_##name;                                                         \
        return 1;                                                                              \
    }
    LP_LEAVE_TABLE(X)
#undef X
    return lp_control_fail(from->fault, from->bad, "reason: unknown");
}

static int read_reject_code(const struct source *from, enum lp_reject_code *ret_code)
{
    const char *text;
    int found = read_string(from, "code", REQUIRED, &text);

    if (found <= 0)
        return found;
#define X(name, number, wire, sentence)                                                        \
    if (strcmp(text, wire) == 0) {                                                             \
        *ret_code = LP_REJECT_##name;                                                          \
        return 1;                                                                              \
    }
    LP_REJECT_TABLE(X)
#undef X
    return lp_control_fail(from->fault, from->bad, "code: unknown");
}

/* First of all fields: a hello of another version may have other fields. */
static int read_version(const struct source *from, uint32_t *ret_version)
{
    const json_t *value;
    int found = find_field(from, "version", REQUIRED, &value);

    if (found <= 0)
        return found;
    if (!json_is_integer(value))
        return lp_control_fail(from->fault, from->bad, "version: must be an integer");
    if (json_integer_value(value) != LP_CONTROL_VERSION)
        return lp_control_fail(from->fault, LP_REJECT_BAD_VERSION, "version: must be %d",
                               LP_CONTROL_VERSION);
    *ret_version = LP_CONTROL_VERSION;
    return 1;
}

static int read_hello(const struct source *from, struct lp_hello *hello)
{
    int err = read_version(from, &hello->version);

    if (err >= 0)
        err = read_role(from, &hello->role);
    if (err >= 0)
        err = read_text(from, "room", REQUIRED, hello->room, sizeof(hello->room),
                        LP_REJECT_BAD_ROOM_CODE);
    if (err >= 0)
        err = read_mac(from, LP_REJECT_BAD_MAC, &hello->has_mac, &hello->mac);
    if (err >= 0)
        err = read_u32(from, "datagram_budget", REQUIRED, &hello->datagram_budget);
    if (err >= 0)
        err = read_capabilities(from, &hello->capabilities);
    if (err >= 0)
        err = read_text(from, "name", OPTIONAL, hello->name, sizeof(hello->name), from->bad);
    if (err >= 0)
        err = read_seat_secret(from, &hello->has_seat_secret, hello->seat_secret);
    return err;
}

static int read_limits(const struct source *from, struct lp_limits *limits)
{
    struct source inner = *from;
    int err = find_field(from, "limits", REQUIRED, &inner.object);

    if (err < 0)
        return err;
    if (!json_is_object(inner.object))
        return lp_control_fail(from->fault, from->bad, "limits: must be an object");
    err = read_u32(&inner, "broadcast_burst", REQUIRED, &limits->broadcast_burst_frames);
    if (err >= 0)
        err = read_u32(&inner, "broadcast_rate", REQUIRED, &limits->broadcast_rate_frames);
    if (err >= 0)
        err = read_u32(&inner, "unknown_burst", REQUIRED, &limits->unknown_burst_frames);
    if (err >= 0)
        err = read_u32(&inner, "unknown_rate", REQUIRED, &limits->unknown_rate_frames);
    if (err >= 0)
        err = read_u64(&inner, "burst_bytes", &limits->burst_bytes);
    if (err >= 0)
        err = read_u64(&inner, "rate_bytes", &limits->rate_bytes);
    return err;
}

/* 0 stands for "not given" in the struct, so it must not be given as a number. */
static int read_gateway_peer_id(const struct source *from, uint32_t *ret_peer_id)
{
    int found = read_u32(from, "gateway_peer_id", OPTIONAL, ret_peer_id);

    if (found == 1 && *ret_peer_id == 0)
        return lp_control_fail(from->fault, from->bad, "gateway_peer_id: must not be 0");
    return found;
}

static int read_welcome(const struct source *from, struct lp_welcome *welcome)
{
    int err = read_u32(from, "peer_id", REQUIRED, &welcome->peer_id);

    memcpy(welcome->mode, "relay", sizeof("relay"));
    if (err >= 0)
        err = read_u32(from, "room_id", REQUIRED, &welcome->room_id);
    if (err >= 0)
        err = read_u32(from, "mtu", REQUIRED, &welcome->mtu);
    if (err >= 0)
        err = read_bool(from, "gateway_connected", OPTIONAL, &welcome->gateway_connected);
    if (err >= 0)
        err = read_gateway_peer_id(from, &welcome->gateway_peer_id);
    if (err >= 0)
        err =
            read_text(from, "mode", OPTIONAL, welcome->mode, sizeof(welcome->mode), from->bad);
    if (err >= 0)
        err = read_seat_secret(from, &welcome->has_seat_secret, welcome->seat_secret);
    if (err >= 0)
        err = read_capabilities(from, &welcome->capabilities);
    if (err >= 0)
        err = read_limits(from, &welcome->limits);
    return err;
}

static int read_reject(const struct source *from, struct lp_reject *reject)
{
    int err = read_reject_code(from, &reject->code);

    if (err >= 0)
        err = read_text(from, "text", OPTIONAL, reject->text, sizeof(reject->text), from->bad);
    return err;
}

static int read_peer_joined(const struct source *from, struct lp_peer_joined *joined)
{
    int err = read_u32(from, "peer_id", REQUIRED, &joined->peer_id);

    if (err >= 0)
        err = read_u64(from, "seq", &joined->seq);
    if (err >= 0)
        err = read_role(from, &joined->role);
    if (err >= 0)
        err = read_mac(from, from->bad, &joined->has_mac, &joined->mac);
    if (err >= 0)
        err = read_text(from, "name", OPTIONAL, joined->name, sizeof(joined->name), from->bad);
    return err;
}

static int read_peer_left(const struct source *from, struct lp_peer_left *left)
{
    int err = read_u32(from, "peer_id", REQUIRED, &left->peer_id);

    if (err >= 0)
        err = read_u64(from, "seq", &left->seq);
    if (err >= 0)
        err = read_leave_reason(from, &left->reason);
    return err;
}

static int read_counter(const struct source *from, const char *name, const json_t *value,
                        struct lp_stats *stats)
{
    size_t len = strlen(name);

    if (stats->count == LP_STATS_COUNTERS_MAX)
        return lp_control_fail(from->fault, from->bad, "counters: more than %d",
                               LP_STATS_COUNTERS_MAX);
    if (len > LP_STATS_NAME_MAX)
        return lp_control_fail(from->fault, from->bad,
                               "counters: a name is longer than %d octets", LP_STATS_NAME_MAX);
    if (!json_is_integer(value) || json_integer_value(value) < 0)
        return lp_control_fail(from->fault, from->bad,
                               "counters: values must be integers that are not negative");
    memcpy(stats->counter[stats->count].name, name, len + 1);
    stats->counter[stats->count].value = (uint64_t)json_integer_value(value);
    stats->count++;
    return 1;
}

static int read_stats(const struct source *from, struct lp_stats *stats)
{
    int err = read_u32(from, "rtt_us", REQUIRED, &stats->rtt_us);
    const json_t *counters;
    const char *name;
    json_t *value;

    if (err >= 0)
        err = find_field(from, "counters", REQUIRED, &counters);
    if (err < 0)
        return err;
    if (!json_is_object(counters))
        return lp_control_fail(from->fault, from->bad, "counters: must be an object");
    json_object_foreach((json_t *)counters, name, value)
    {
        err = read_counter(from, name, value, stats);
        if (err < 0)
            return err;
    }
    return 1;
}

static int read_type(const struct source *from, enum lp_control_type *ret_type)
{
    const char *text;
    int found = read_string(from, "type", REQUIRED, &text);

    if (found <= 0)
        return found;
#define X(name, number, wire)                                                                  \
    if (strcmp(text, wire) == 0) {                                                             \
        *ret_type = LP_CONTROL_##name;                                                         \
        return 1;                                                                              \
    }
    LP_CONTROL_TABLE(X)
#undef X
    return lp_control_fail(from->fault, from->bad, "type: unknown");
}

static int read_fields(const struct source *from, struct lp_control *message)
{
    switch (message->type) {
    case LP_CONTROL_HELLO:
        return read_hello(from, &message->hello);
    case LP_CONTROL_WELCOME:
        return read_welcome(from, &message->welcome);
    case LP_CONTROL_REJECT:
        return read_reject(from, &message->reject);
    case LP_CONTROL_PEER_JOINED:
        return read_peer_joined(from, &message->peer_joined);
    case LP_CONTROL_PEER_LEFT:
        return read_peer_left(from, &message->peer_left);
    case LP_CONTROL_STATS:
        return read_stats(from, &message->stats);
    case LP_CONTROL_DISCONNECT:
        return read_leave_reason(from, &message->disconnect.reason);
    case LP_CONTROL_NONE:
    default:
        return lp_control_fail(from->fault, from->bad, "type: unknown");
    }
}

static int read_message(const json_t *root, struct lp_control *message,
                        struct lp_control_fault *fault)
{
    struct source from = {.object = root, .fault = fault};
    int err;

    if (!json_is_object(root))
        return lp_control_fail(fault, 0, "not a JSON object");
    err = read_type(&from, &message->type);
    if (err < 0)
        return err;
    if (message->type == LP_CONTROL_HELLO)
        from.bad = LP_REJECT_BAD_HELLO;
    err = read_fields(&from, message);
    return err < 0 ? err : lp_control_check(message, fault);
}

/* The parser's own text quotes the input: only what kind of fault it is, or where it is, is
 * told. */
static json_t *load(const uint8_t *body, size_t len, struct lp_control_fault *fault)
{
    json_error_t error;
    json_t *root = json_loadb((const char *)body, len, JSON_REJECT_DUPLICATES, &error);

    if (root != NULL)
        return root;
    if (json_error_code(&error) == json_error_duplicate_key)
        lp_control_tell(fault, 0, "a field is given twice");
    else
        lp_control_tell(fault, 0, "not valid JSON, at octet %d", error.position);
    return NULL;
}

int lp_control_decode(const uint8_t *body, size_t len, struct lp_control *ret_message,
                      char why[LP_CONTROL_WHY_LEN], enum lp_reject_code *ret_reject)
{
    struct lp_control_fault fault = {.reject = 0};
    struct lp_control message = {0};
    int err = LP_ERR_MALFORMED;
    json_t *root = NULL;

    if (len == 0 || len > LP_CONTROL_BODY_MAX)
        lp_control_tell(&fault, 0, "body: must be 1 to %d octets", LP_CONTROL_BODY_MAX);
    else
        root = load(body, len, &fault);
    if (root != NULL)
        err = read_message(root, &message, &fault);
    json_decref(root);

    if (ret_reject != NULL)
        *ret_reject = err < 0 ? fault.reject : 0;
    if (err == 0)
        *ret_message = message;
    else if (why != NULL)
        snprintf(why, LP_CONTROL_WHY_LEN, "%s", fault.why);
    return err;
}
