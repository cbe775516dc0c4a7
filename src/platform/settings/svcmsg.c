#include "platform/settings/svcmsg.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/wire.h"
#include "platform/settings/steps.h"
#include "platform/settings/values.h"

#define GUID_LEN     (LP_ADAPTER_GUID_LEN - 1)
#define SENTENCE_MAX (LP_WHY_LEN - 1)

enum status_flag {
    FLAG_PINNED = 1u << 0,
    FLAG_BORROWED = 1u << 1,
    FLAG_SETTINGS_HOLD = 1u << 2,
    FLAG_PRIVATE = 1u << 3,
    FLAG_DNS_KEPT = 1u << 4,
    FLAGS_ALL = (1u << 5) - 1,
};

const char *lp_svcmsg_name(enum lp_svcmsg_type type)
{
    switch (type) {
#define X(name, number, text, states)                                                          \
    case LP_SVCMSG_##name:                                                                     \
        return text;
        LP_SVCMSG_TABLE(X)
#undef X
    }
    return "unknown";
}

/* The states in which it is taken, a bit each. */
static unsigned states_of(enum lp_svcmsg_type type)
{
    switch (type) {
#define X(name, number, text, states)                                                          \
    case LP_SVCMSG_##name:                                                                     \
        return states;
        LP_SVCMSG_TABLE(X)
#undef X
    }
    return 0;
}

bool lp_svcmsg_is_request(enum lp_svcmsg_type type)
{
    return states_of(type) != 0;
}

/* ---- the rules, the same for both directions ---- */

static bool mac_fits(const struct lp_mac *mac)
{
    return lp_mac_is_valid_source(mac) && lp_mac_is_local(mac);
}

static bool relay_fits(const struct lp_addr *relay)
{
    return relay->port != 0 && relay->scope == 0 && lp_addr_is_relay(relay);
}

static bool settings_fit(const struct lp_wincfg_settings *settings)
{
    return settings->mtu >= LP_MTU_IPV4_MIN && settings->mtu <= LP_STEPS_MTU_MAX &&
           settings->metric >= 1 && settings->metric <= LP_STEPS_METRIC_MAX;
}

static bool error_fits(const struct lp_svcmsg_error *error)
{
    return error->code < 0 && strcmp(lp_err_name(error->code), "UNKNOWN") != 0 &&
           error->sentence[0] != '\0' &&
           strnlen(error->sentence, sizeof(error->sentence)) < sizeof(error->sentence);
}

/* An address in the one form that the wire has. */
static bool addr_fits(const struct lp_addr *addr)
{
    static const uint8_t zeros[16] = {0};

    switch (addr->family) {
    case LP_ADDR_NONE:
        return addr->port == 0 && addr->scope == 0 && memcmp(addr->ip, zeros, 16) == 0;
    case LP_ADDR_IPV4:
        return addr->scope == 0 && memcmp(addr->ip + 4, zeros, 12) == 0;
    case LP_ADDR_IPV6:
        return true;
    default:
        return false;
    }
}

static bool status_fits(const struct lp_wincfg_status *status)
{
    const struct lp_route *route = &status->route;
    bool is_ipv4 =
        route->source.family == LP_ADDR_IPV4 || route->next_hop.family == LP_ADDR_IPV4;

    return addr_fits(&route->source) && addr_fits(&route->next_hop) &&
           (route->source.family == LP_ADDR_NONE || route->next_hop.family == LP_ADDR_NONE ||
            route->source.family == route->next_hop.family) &&
           route->prefix_len <= (is_ipv4 ? 32 : 128) &&
           strnlen(route->interface, LP_IF_NAME_LEN) < LP_IF_NAME_LEN &&
           (status->route_pinned || !status->route_borrowed) && status->reasserted <= UINT8_MAX;
}

static bool message_fits(const struct lp_svcmsg *message)
{
    switch (message->type) {
    case LP_SVCMSG_HELLO:
        return message->version != 0;
    case LP_SVCMSG_PREPARE:
        return lp_value_is_guid(message->prepare.adapter) && mac_fits(&message->prepare.mac);
    case LP_SVCMSG_PIN:
        return addr_fits(&message->relay) && relay_fits(&message->relay);
    case LP_SVCMSG_CONFIGURE:
        return settings_fit(&message->settings);
    case LP_SVCMSG_CHECK:
    case LP_SVCMSG_END:
    case LP_SVCMSG_OK:
        return true;
    case LP_SVCMSG_ERROR:
        return error_fits(&message->error);
    case LP_SVCMSG_STATUS:
        return status_fits(&message->status);
    }
    return false;
}

/* ---- writing ---- */

static bool is_printable(char c)
{
    return c >= ' ' && c <= '~';
}

static void write_text(struct lp_wire_writer *w, const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        lp_wire_write_u8(w, (uint8_t)(is_printable(text[i]) ? text[i] : '?'));
}

static void write_addr(struct lp_wire_writer *w, const struct lp_addr *addr)
{
    lp_wire_write_u8(w, addr->family);
    lp_wire_write_u16(w, addr->port);
    lp_wire_write_u32(w, addr->scope);
    lp_wire_write_bytes(w, addr->ip, sizeof(addr->ip));
}

static void write_status(struct lp_wire_writer *w, const struct lp_wincfg_status *status)
{
    static const uint8_t padding[LP_SVCMSG_NAME_LEN] = {0};
    const struct lp_route *route = &status->route;
    size_t name_len = strlen(route->interface);
    unsigned flags = 0;

    write_addr(w, &route->source);
    write_addr(w, &route->next_hop);
    write_text(w, route->interface, name_len);
    lp_wire_write_bytes(w, padding, LP_SVCMSG_NAME_LEN - name_len);
    lp_wire_write_u32(w, route->interface_index);
    lp_wire_write_u8(w, (uint8_t)route->prefix_len);
    lp_wire_write_u32(w, route->metric);
    flags |= status->route_pinned ? FLAG_PINNED : 0;
    flags |= status->route_borrowed ? FLAG_BORROWED : 0;
    flags |= status->settings_hold ? FLAG_SETTINGS_HOLD : 0;
    flags |= status->category_private ? FLAG_PRIVATE : 0;
    flags |= status->dns_kept ? FLAG_DNS_KEPT : 0;
    lp_wire_write_u8(w, (uint8_t)flags);
    lp_wire_write_u8(w, (uint8_t)status->reasserted);
}

static void write_body(struct lp_wire_writer *w, const struct lp_svcmsg *message)
{
    switch (message->type) {
    case LP_SVCMSG_HELLO:
        lp_wire_write_u16(w, message->version);
        break;
    case LP_SVCMSG_PREPARE:
        write_text(w, message->prepare.adapter, GUID_LEN);
        lp_wire_write_bytes(w, message->prepare.mac.octet, LP_MAC_LEN);
        break;
    case LP_SVCMSG_PIN:
        write_addr(w, &message->relay);
        break;
    case LP_SVCMSG_CONFIGURE:
        lp_wire_write_u16(w, (uint16_t)message->settings.mtu);
        lp_wire_write_u16(w, (uint16_t)message->settings.metric);
        lp_wire_write_u8(w, message->settings.use_party_dns);
        break;
    case LP_SVCMSG_ERROR:
        lp_wire_write_u8(w, (uint8_t)-message->error.code);
        write_text(w, message->error.sentence, strlen(message->error.sentence));
        break;
    case LP_SVCMSG_STATUS:
        write_status(w, &message->status);
        break;
    case LP_SVCMSG_CHECK:
    case LP_SVCMSG_END:
    case LP_SVCMSG_OK:
        break;
    }
}

int lp_svcmsg_encode(const struct lp_svcmsg *message, uint8_t *bytes, size_t capacity)
{
    struct lp_wire_writer w = lp_wire_writer_init(bytes, capacity);
    size_t len;

    if (!message_fits(message))
        return LP_ERR_INVALID;
    lp_wire_write_u16(&w, 0); /* the length, when it is known */
    lp_wire_write_u8(&w, LP_SVCMSG_VERSION);
    lp_wire_write_u8(&w, (uint8_t)message->type);
    write_body(&w, message);
    if (!lp_wire_writer_ok(&w))
        return LP_ERR_NOSPACE;
    len = lp_wire_writer_len(&w);
    assert(len <= LP_SVCMSG_MAX);
    lp_store_be16(bytes, (uint16_t)len);
    return (int)len;
}

/* ---- reading ---- */

/* `len` printable octets into a text that has room for them and a NUL. */
static bool read_text(struct lp_wire_reader *r, size_t len, char *text)
{
    const uint8_t *octets = lp_wire_read_bytes(r, len);

    if (octets == NULL)
        return false;
    for (size_t i = 0; i < len; i++) {
        if (!is_printable((char)octets[i]))
            return false;
        text[i] = (char)octets[i];
    }
    text[len] = '\0';
    return true;
}

/* A text of `size` octets padded by NUL, which must fit `capacity`. */
static bool read_padded(struct lp_wire_reader *r, size_t size, size_t capacity, char *text)
{
    const uint8_t *octets = lp_wire_read_bytes(r, size);
    struct lp_wire_reader name;
    size_t len;

    if (octets == NULL)
        return false;
    len = strnlen((const char *)octets, size);
    for (size_t i = len; i < size; i++) {
        if (octets[i] != 0)
            return false;
    }
    name = lp_wire_reader_init(octets, len);
    return len < size && len < capacity && read_text(&name, len, text);
}

static void read_addr(struct lp_wire_reader *r, struct lp_addr *addr)
{
    const uint8_t *ip;

    addr->family = lp_wire_read_u8(r);
    addr->port = lp_wire_read_u16(r);
    addr->scope = lp_wire_read_u32(r);
    ip = lp_wire_read_bytes(r, sizeof(addr->ip));
    if (ip != NULL)
        memcpy(addr->ip, ip, sizeof(addr->ip));
}

static bool read_prepare(struct lp_wire_reader *r, struct lp_svcmsg_prepare *prepare)
{
    const uint8_t *mac;

    if (!read_text(r, GUID_LEN, prepare->adapter))
        return false;
    mac = lp_wire_read_bytes(r, LP_MAC_LEN);
    if (mac == NULL)
        return false;
    prepare->mac = lp_mac_from(mac);
    return true;
}

static bool read_settings(struct lp_wire_reader *r, struct lp_wincfg_settings *settings)
{
    uint8_t use_party_dns;

    settings->mtu = lp_wire_read_u16(r);
    settings->metric = lp_wire_read_u16(r);
    use_party_dns = lp_wire_read_u8(r);
    settings->use_party_dns = use_party_dns != 0;
    return use_party_dns <= 1;
}

static bool read_error(struct lp_wire_reader *r, struct lp_svcmsg_error *error)
{
    error->code = (enum lp_err) - lp_wire_read_u8(r);
    return lp_wire_reader_left(r) <= SENTENCE_MAX &&
           read_text(r, lp_wire_reader_left(r), error->sentence);
}

static bool read_status(struct lp_wire_reader *r, struct lp_wincfg_status *status)
{
    struct lp_route *route = &status->route;
    unsigned flags;

    read_addr(r, &route->source);
    read_addr(r, &route->next_hop);
    if (!read_padded(r, LP_SVCMSG_NAME_LEN, LP_IF_NAME_LEN, route->interface))
        return false;
    route->interface_index = lp_wire_read_u32(r);
    route->prefix_len = lp_wire_read_u8(r);
    route->metric = lp_wire_read_u32(r);
    flags = lp_wire_read_u8(r);
    status->route_pinned = (flags & FLAG_PINNED) != 0;
    status->route_borrowed = (flags & FLAG_BORROWED) != 0;
    status->settings_hold = (flags & FLAG_SETTINGS_HOLD) != 0;
    status->category_private = (flags & FLAG_PRIVATE) != 0;
    status->dns_kept = (flags & FLAG_DNS_KEPT) != 0;
    status->reasserted = lp_wire_read_u8(r);
    return (flags & ~(unsigned)FLAGS_ALL) == 0;
}

static bool read_body(struct lp_wire_reader *r, struct lp_svcmsg *message)
{
    switch (message->type) {
    case LP_SVCMSG_HELLO:
        message->version = lp_wire_read_u16(r);
        return true;
    case LP_SVCMSG_PREPARE:
        return read_prepare(r, &message->prepare);
    case LP_SVCMSG_PIN:
        read_addr(r, &message->relay);
        return true;
    case LP_SVCMSG_CONFIGURE:
        return read_settings(r, &message->settings);
    case LP_SVCMSG_CHECK:
    case LP_SVCMSG_END:
    case LP_SVCMSG_OK:
        return true;
    case LP_SVCMSG_ERROR:
        return read_error(r, &message->error);
    case LP_SVCMSG_STATUS:
        return read_status(r, &message->status);
    }
    return false;
}

int lp_svcmsg_frame_len(const uint8_t *bytes, size_t len)
{
    uint16_t frame_len;

    if (len < 2)
        return 0;
    frame_len = lp_load_be16(bytes);
    if (frame_len < LP_SVCMSG_HEADER_LEN || frame_len > LP_SVCMSG_MAX)
        return LP_ERR_RANGE;
    return frame_len;
}

int lp_svcmsg_decode(const uint8_t *bytes, size_t len, struct lp_svcmsg *ret_message)
{
    struct lp_wire_reader r = lp_wire_reader_init(bytes, len);
    struct lp_svcmsg message;
    uint8_t version;

    memset(&message, 0, sizeof(message));
    if (lp_wire_read_u16(&r) != len || len < LP_SVCMSG_HEADER_LEN || len > LP_SVCMSG_MAX)
        return LP_ERR_MALFORMED;
    version = lp_wire_read_u8(&r);
    if (version != LP_SVCMSG_VERSION)
        return LP_ERR_UNSUPPORTED;
    message.type = (enum lp_svcmsg_type)lp_wire_read_u8(&r);
    if (!read_body(&r, &message) || !lp_wire_reader_ok(&r) || lp_wire_reader_left(&r) != 0 ||
        !message_fits(&message))
        return LP_ERR_MALFORMED;
    *ret_message = message;
    return 0;
}

/* ---- order ---- */

int lp_svc_allows(enum lp_svc_state state, const struct lp_svcmsg *request,
                  char why[LP_WHY_LEN])
{
    if ((states_of(request->type) & 1u << state) == 0) {
        snprintf(why, LP_WHY_LEN,
                 "\"%s\" cannot be asked of the SoftLAN service now: connect again",
                 lp_svcmsg_name(request->type));
        return LP_ERR_INVALID;
    }
    if (request->type == LP_SVCMSG_HELLO && request->version != LP_SVCMSG_VERSION) {
        snprintf(why, LP_WHY_LEN,
                 "the SoftLAN service is of another release than the program: install SoftLAN "
                 "again");
        return LP_ERR_UNSUPPORTED;
    }
    return 0;
}

enum lp_svc_state lp_svc_next(enum lp_svc_state state, enum lp_svcmsg_type request,
                              bool succeeded)
{
    if (request == LP_SVCMSG_END)
        return LP_SVC_ENDED;
    if (!succeeded)
        return state;
    switch (request) {
    case LP_SVCMSG_HELLO:
        return LP_SVC_GREETED;
    case LP_SVCMSG_PREPARE:
        return LP_SVC_PREPARED;
    case LP_SVCMSG_PIN:
        return state == LP_SVC_PREPARED ? LP_SVC_PINNED : state;
    case LP_SVCMSG_CONFIGURE:
        return LP_SVC_CONFIGURED;
    default:
        return state;
    }
}

bool lp_svc_answers(enum lp_svcmsg_type request, enum lp_svcmsg_type reply)
{
    if (!lp_svcmsg_is_request(request))
        return false;
    if (reply == LP_SVCMSG_ERROR)
        return true;
    return reply == (request == LP_SVCMSG_CHECK ? LP_SVCMSG_STATUS : LP_SVCMSG_OK);
}
