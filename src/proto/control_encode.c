#include <jansson.h>

#include "base/err.h"
#include "base/hex.h"
#include "base/wire.h"
#include "proto/control.h"
#include "proto/control_internal.h"

/*
 * An object under construction. A field that cannot be added marks it failed, so that the
 * writers below read as the list of fields that they are. Values were checked before: what can
 * still fail is memory.
 */
struct object {
    json_t *json;
    bool failed;
};

static struct object object_new(void)
{
    json_t *json = json_object();

    return (struct object){.json = json, .failed = json == NULL};
}

/* Consumes `value`. */
static void put(struct object *object, const char *field, json_t *value)
{
    if (json_object_set_new(object->json, field, value) < 0)
        object->failed = true;
}

static void put_uint(struct object *object, const char *field, uint64_t value)
{
    put(object, field, json_integer((json_int_t)value));
}

static void put_text(struct object *object, const char *field, const char *text)
{
    put(object, field, json_string(text));
}

static void put_text_unless_empty(struct object *object, const char *field, const char *text)
{
    if (text[0] != '\0')
        put_text(object, field, text);
}

static void put_mac(struct object *object, bool has_mac, const struct lp_mac *mac)
{
    char text[LP_MAC_TEXT_LEN];

    if (has_mac)
        put_text(object, "mac", lp_mac_format(mac, text));
}

static void put_seat_secret(struct object *object, bool has_secret, const uint8_t *secret)
{
    char text[2 * LP_SEAT_SECRET_LEN + 1];

    if (has_secret)
        put_text(object, "seat_secret", lp_hex_encode(secret, LP_SEAT_SECRET_LEN, text));
}

/* Consumes the object `inner`. */
static void put_object(struct object *object, const char *field, struct object inner)
{
    if (inner.failed)
        object->failed = true;
    put(object, field, inner.json);
}

static void put_capabilities(struct object *object, uint32_t capabilities)
{
    json_t *array = json_array();

#define X(name, text)                                                                          \
    if ((capabilities & LP_CAP_##name) != 0 &&                                                 \
        json_array_append_new(array, json_string(text)) < 0)                                   \
        object->failed = true;
    LP_CAPABILITY_TABLE(X)
#undef X
    put(object, "capabilities", array);
}

static void put_hello(struct object *object, const struct lp_hello *hello)
{
    put_uint(object, "version", hello->version);
    put_text(object, "role", lp_role_name(hello->role));
    put_text(object, "room", hello->room);
    put_mac(object, hello->has_mac, &hello->mac);
    put_uint(object, "datagram_budget", hello->datagram_budget);
    put_capabilities(object, hello->capabilities);
    put_text_unless_empty(object, "name", hello->name);
    put_seat_secret(object, hello->has_seat_secret, hello->seat_secret);
}

static void put_limits(struct object *object, const struct lp_limits *limits)
{
    struct object inner = object_new();

    put_uint(&inner, "broadcast_burst", limits->broadcast_burst_frames);
    put_uint(&inner, "broadcast_rate", limits->broadcast_rate_frames);
    put_uint(&inner, "unknown_burst", limits->unknown_burst_frames);
    put_uint(&inner, "unknown_rate", limits->unknown_rate_frames);
    put_uint(&inner, "burst_bytes", limits->burst_bytes);
    put_uint(&inner, "rate_bytes", limits->rate_bytes);
    put_object(object, "limits", inner);
}

static void put_welcome(struct object *object, const struct lp_welcome *welcome)
{
    put_uint(object, "peer_id", welcome->peer_id);
    put_uint(object, "room_id", welcome->room_id);
    put_uint(object, "mtu", welcome->mtu);
    put(object, "gateway_connected", json_boolean(welcome->gateway_connected));
    if (welcome->gateway_peer_id != 0)
        put_uint(object, "gateway_peer_id", welcome->gateway_peer_id);
    put_text(object, "mode", welcome->mode);
    put_seat_secret(object, welcome->has_seat_secret, welcome->seat_secret);
    put_capabilities(object, welcome->capabilities);
    put_limits(object, &welcome->limits);
}

static void put_reject(struct object *object, const struct lp_reject *reject)
{
    put_text(object, "code", lp_reject_name(reject->code));
    put_text_unless_empty(object, "text", reject->text);
}

static void put_peer_joined(struct object *object, const struct lp_peer_joined *joined)
{
    put_uint(object, "peer_id", joined->peer_id);
    put_uint(object, "seq", joined->seq);
    put_text(object, "role", lp_role_name(joined->role));
    put_mac(object, joined->has_mac, &joined->mac);
    put_text_unless_empty(object, "name", joined->name);
}

static void put_peer_left(struct object *object, const struct lp_peer_left *left)
{
    put_uint(object, "peer_id", left->peer_id);
    put_uint(object, "seq", left->seq);
    put_text(object, "reason", lp_leave_name(left->reason));
}

static void put_stats(struct object *object, const struct lp_stats *stats)
{
    struct object counters = object_new();

    put_uint(object, "rtt_us", stats->rtt_us);
    for (unsigned i = 0; i < stats->count; i++)
        put_uint(&counters, stats->counter[i].name, stats->counter[i].value);
    put_object(object, "counters", counters);
}

static void put_message(struct object *object, const struct lp_control *message)
{
    put_text(object, "type", lp_control_type_name(message->type));
    switch (message->type) {
    case LP_CONTROL_HELLO:
        put_hello(object, &message->hello);
        break;
    case LP_CONTROL_WELCOME:
        put_welcome(object, &message->welcome);
        break;
    case LP_CONTROL_REJECT:
        put_reject(object, &message->reject);
        break;
    case LP_CONTROL_PEER_JOINED:
        put_peer_joined(object, &message->peer_joined);
        break;
    case LP_CONTROL_PEER_LEFT:
        put_peer_left(object, &message->peer_left);
        break;
    case LP_CONTROL_STATS:
        put_stats(object, &message->stats);
        break;
    case LP_CONTROL_DISCONNECT:
        put_text(object, "reason", lp_leave_name(message->disconnect.reason));
        break;
    case LP_CONTROL_NONE:
        break;
    }
}

/* A name given twice would vanish in the object; the reader refuses it too. */
static bool counters_are_unique(const struct lp_stats *stats)
{
    for (unsigned i = 1; i < stats->count; i++) {
        for (unsigned j = 0; j < i; j++) {
            if (strcmp(stats->counter[i].name, stats->counter[j].name) == 0)
                return false;
        }
    }
    return true;
}

static int write_frame(const json_t *json, uint8_t *bytes, size_t capacity)
{
    size_t room = capacity > LP_CONTROL_PREFIX_LEN ? capacity - LP_CONTROL_PREFIX_LEN : 0;
    size_t len = json_dumpb(json, NULL, 0, JSON_COMPACT);

    if (len == 0)
        return LP_ERR_NOMEM;
    if (len > room || len > LP_CONTROL_BODY_MAX)
        return LP_ERR_NOSPACE;
    if (json_dumpb(json, (char *)bytes + LP_CONTROL_PREFIX_LEN, room, JSON_COMPACT) != len)
        return LP_ERR_NOMEM;
    lp_store_be32(bytes, (uint32_t)len);
    return (int)(LP_CONTROL_PREFIX_LEN + len);
}

int lp_control_encode(const struct lp_control *message, uint8_t *bytes, size_t capacity)
{
    struct lp_control_fault fault;
    struct object object;
    int result;

    if (lp_control_check(message, &fault) < 0)
        return LP_ERR_INVALID;
    if (message->type == LP_CONTROL_STATS && !counters_are_unique(&message->stats))
        return LP_ERR_INVALID;

    object = object_new();
    put_message(&object, message);
    result = object.failed ? LP_ERR_NOMEM : write_frame(object.json, bytes, capacity);
    json_decref(object.json);
    return result;
}
