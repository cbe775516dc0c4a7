#include "proto/invite.h"

#include <stdio.h>
#include <string.h>

#include "base/addr.h"
#include "base/err.h"
#include "base/hex.h"

#define START     "softlan://join"
#define LABEL_MAX 63

/* X(KEY, text); `relay` and `room` must be there. */
#define KEY_TABLE(X)                                                                           \
    X(RELAY, "relay")                                                                          \
    X(ROOM, "room")                                                                            \
    X(PIN, "pin")                                                                              \
    X(NAME, "name")

enum key {
#define X(key, text) KEY_##key,
    KEY_TABLE(X)
#undef X
        KEY_COUNT,
};

static const char *const key_text[KEY_COUNT] = {
#define X(key, text) [KEY_##key] = text,
    KEY_TABLE(X)
#undef X
};

struct span {
    const char *at;
    size_t len;
};

/* The reason; never with a word of the link in it. */
static int refuse(char why[LP_INVITE_WHY_LEN], const char *reason)
{
    snprintf(why, LP_INVITE_WHY_LEN, "%s", reason);
    return LP_ERR_MALFORMED;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool is_letter(char c)
{
    return lower(c) >= 'a' && lower(c) <= 'z';
}

/* ---- hosts ---- */

/* RFC 1123 2.1, at most 63 octets; letters, digits and inner hyphens. */
static bool is_label(const char *label, size_t len)
{
    if (len == 0 || len > LABEL_MAX || label[0] == '-' || label[len - 1] == '-')
        return false;
    for (size_t i = 0; i < len; i++) {
        if (!is_letter(label[i]) && !is_digit(label[i]) && label[i] != '-')
            return false;
    }
    return true;
}

/* What some resolvers take for a part of an IPv4 address: "12", "0x7f". */
static bool is_number(const char *label, size_t len)
{
    static const char digits[] = "0123456789abcdefABCDEF";
    bool is_hex = len >= 2 && label[0] == '0' && lower(label[1]) == 'x';

    return strspn(label + (is_hex ? 2 : 0), is_hex ? digits : "0123456789") >=
           len - (is_hex ? 2 : 0);
}

/* A DNS name without a final dot, whose last label nobody can take for a number. */
static bool is_dns_name(const char *name)
{
    const char *label = name;
    size_t len;

    if (strlen(name) > LP_INVITE_HOST_MAX)
        return false;
    for (;; label += len + 1) {
        len = strcspn(label, ".");
        if (!is_label(label, len))
            return false;
        if (label[len] == '\0')
            return !is_number(label, len);
    }
}

static bool is_ip_of_a_host(const struct lp_addr *addr)
{
    static const uint8_t zeros[12] = {0};
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

    if (addr->family == LP_ADDR_IPV4) /* neither 0.0.0.0/8 nor multicast, reserved, broadcast */
        return addr->ip[0] != 0 && addr->ip[0] < 224;
    if (memcmp(addr->ip, mapped, sizeof(mapped)) == 0)
        return false;                                /* an IPv4 address in disguise */
    if (memcmp(addr->ip, zeros, sizeof(zeros)) == 0) /* of ::/96 loopback alone */
        return memcmp(addr->ip + 12, "\0\0\0\1", 4) == 0;
    return addr->ip[0] != 0xff;
}

static void make_lower(char *text)
{
    for (; *text != '\0'; text++)
        *text = lower(*text);
}

/* The one spelling of a host: in place. False: it is none. */
static bool canonicalize_host(char host[LP_INVITE_HOST_MAX + 1])
{
    char text[LP_ADDR_TEXT_LEN];
    struct lp_addr addr;

    make_lower(host);
    if (lp_addr_parse_ip(host, 0, &addr) < 0)
        return is_dns_name(host);
    if (!is_ip_of_a_host(&addr))
        return false;
    memset(host, 0, LP_INVITE_HOST_MAX + 1);
    strcpy(host, lp_addr_format_ip(&addr, text));
    return true;
}

/* ---- values ---- */

static int read_port(const char *text, uint16_t *ret_port)
{
    size_t len = strlen(text);
    unsigned port = 0;

    if (len == 0 || len > 5 || strspn(text, "0123456789") != len || text[0] == '0')
        return LP_ERR_MALFORMED;
    for (size_t i = 0; i < len; i++)
        port = port * 10 + (unsigned)(text[i] - '0');
    if (port > UINT16_MAX)
        return LP_ERR_MALFORMED;
    *ret_port = (uint16_t)port;
    return 0;
}

static int read_relay(const char *text, struct lp_invite *invite, char why[LP_INVITE_WHY_LEN])
{
    bool bracketed = text[0] == '[';
    const char *host = text + (bracketed ? 1 : 0);
    size_t len = strcspn(host, bracketed ? "]" : ":");
    const char *rest = host + len;

    if (len > LP_INVITE_HOST_MAX || (bracketed && *rest != ']'))
        return refuse(why, "The invite's relay is not a valid name or address.");
    memcpy(invite->host, host, len);
    invite->host[len] = '\0';
    if (!canonicalize_host(invite->host) || bracketed != (strchr(invite->host, ':') != NULL))
        return refuse(why, "The invite's relay is not a valid name or address.");
    rest += bracketed ? 1 : 0;
    invite->port = LP_INVITE_PORT_DEFAULT;
    if (*rest != '\0' && (*rest != ':' || read_port(rest + 1, &invite->port) < 0))
        return refuse(why, "The invite's relay port is not a number from 1 to 65535.");
    return 0;
}

static bool is_room(const char *room)
{
    return lp_room_code_valid(room) &&
           (is_letter(room[0]) || is_digit(room[0]) || room[0] == '_');
}

static int read_room(const char *text, struct lp_invite *invite, char why[LP_INVITE_WHY_LEN])
{
    if (!is_room(text))
        return refuse(why, "The invite's room code is not valid: 1 to 64 letters, digits, '.', "
                           "'_' or '-', the first a letter, digit or '_'.");
    strcpy(invite->room, text);
    return 0;
}

static int read_pin(const char *text, struct lp_invite *invite, char why[LP_INVITE_WHY_LEN])
{
    size_t len = strlen(text);

    if (len != sizeof(invite->pin) * 2 || lp_hex_decode(text, len, invite->pin) < 0)
        return refuse(why, "The invite's certificate fingerprint is not 64 hex digits.");
    invite->has_pin = true;
    return 0;
}

static int read_name(const char *text, struct lp_invite *invite, char why[LP_INVITE_WHY_LEN])
{
    if (!is_dns_name(text))
        return refuse(why, "The invite's server name is not a valid DNS name.");
    strcpy(invite->server_name, text);
    make_lower(invite->server_name);
    return 0;
}

static int read_value(enum key key, const char *text, struct lp_invite *invite,
                      char why[LP_INVITE_WHY_LEN])
{
    switch (key) {
    case KEY_RELAY:
        return read_relay(text, invite, why);
    case KEY_ROOM:
        return read_room(text, invite, why);
    case KEY_PIN:
        return read_pin(text, invite, why);
    case KEY_NAME:
        return read_name(text, invite, why);
    case KEY_COUNT:
        break;
    }
    return LP_ERR_INVALID;
}

/* ---- links ---- */

/* What a value may hold as it stands; all else must not be there, encoded or not. */
static bool is_plain(char c)
{
    return is_letter(c) || is_digit(c) || (c != '\0' && strchr("-._~:[]", c) != NULL);
}

/* Decodes once. What comes out is a text of plain characters: no NUL, no second '%'. */
static bool decode(struct span value, char text[LP_INVITE_LINK_MAX + 1])
{
    size_t len = 0;

    for (size_t i = 0; i < value.len; i++) {
        uint8_t octet = (uint8_t)value.at[i];

        if (octet == '%') {
            if (value.len - i < 3 || lp_hex_decode(value.at + i + 1, 2, &octet) < 0)
                return false;
            i += 2;
        }
        if (!is_plain((char)octet))
            return false;
        text[len++] = (char)octet;
    }
    text[len] = '\0';
    return true;
}

/* Takes what stands before `end` off `rest`, and `end` itself; false when it is not there. */
static bool take_until(struct span *rest, char end, struct span *ret_part)
{
    const char *found = memchr(rest->at, end, rest->len);
    size_t len = found != NULL ? (size_t)(found - rest->at) : rest->len;

    *ret_part = (struct span){rest->at, len};
    rest->at += len + (found != NULL ? 1 : 0);
    rest->len -= len + (found != NULL ? 1 : 0);
    return found != NULL;
}

static enum key find_key(const struct span *name)
{
    unsigned key = 0;

    while (key < KEY_COUNT && (name->len != strlen(key_text[key]) ||
                               memcmp(name->at, key_text[key], name->len) != 0))
        key++;
    return (enum key)key;
}

static int read_query(struct span query, struct lp_invite *invite, char why[LP_INVITE_WHY_LEN])
{
    char text[LP_INVITE_LINK_MAX + 1];
    bool seen[KEY_COUNT] = {false};
    struct span name;
    struct span pair;
    bool more;

    do {
        enum key key;
        int err;

        more = take_until(&query, '&', &pair);
        if (!take_until(&pair, '=', &name))
            return refuse(why, "The invite has a part without a value.");
        key = find_key(&name);
        if (key == KEY_COUNT)
            return refuse(why, "The invite asks for something that no invite can ask for.");
        if (seen[key])
            return refuse(why, "The invite says the same thing twice.");
        seen[key] = true;
        if (!decode(pair, text))
            return refuse(why, "The invite holds a character that none may hold.");
        err = read_value(key, text, invite, why);
        if (err < 0)
            return err;
    } while (more);
    if (!seen[KEY_RELAY] || !seen[KEY_ROOM])
        return refuse(why, "The invite lacks the relay or the room.");
    return 0;
}

/* Scheme and authority are compared without case (RFC 3986 3.1, 3.2.2). */
static bool take_start(struct span *link)
{
    if (link->len < sizeof(START) - 1)
        return false;
    for (size_t i = 0; i < sizeof(START) - 1; i++) {
        if (lower(link->at[i]) != START[i])
            return false;
    }
    link->at += sizeof(START) - 1;
    link->len -= sizeof(START) - 1;
    if (link->len > 0 && link->at[0] == '/') { /* the empty path, which some programs put in */
        link->at++;
        link->len--;
    }
    if (link->len == 0 || link->at[0] != '?')
        return false;
    link->at++;
    link->len--;
    return true;
}

int lp_invite_parse(const char *link, size_t len, struct lp_invite *ret_invite,
                    char why[LP_INVITE_WHY_LEN])
{
    struct lp_invite invite = {.port = 0};
    struct span rest = {link, len};
    int err;

    if (len > LP_INVITE_LINK_MAX)
        return refuse(why, "The invite is too long.");
    for (size_t i = 0; i < len; i++) {
        if (link[i] <= ' ' || link[i] > '~')
            return refuse(why, "The invite holds a character that none may hold.");
    }
    if (!take_start(&rest))
        return refuse(why, "This is no invite: those begin with " START "?");
    err = read_query(rest, &invite, why);
    if (err == 0)
        *ret_invite = invite;
    return err;
}

/* ---- writing ---- */

static bool text_ends(const char *text, size_t size)
{
    return strnlen(text, size) < size;
}

/* Whether parsing gives back what is to be written. */
static bool is_good(const struct lp_invite *invite)
{
    char host[LP_INVITE_HOST_MAX + 1];
    char name[LP_INVITE_HOST_MAX + 1];

    if (!text_ends(invite->host, sizeof(invite->host)) ||
        !text_ends(invite->room, sizeof(invite->room)) ||
        !text_ends(invite->server_name, sizeof(invite->server_name)))
        return false;
    strcpy(host, invite->host);
    strcpy(name, invite->server_name);
    make_lower(name);
    return canonicalize_host(host) && strcmp(host, invite->host) == 0 && invite->port != 0 &&
           is_room(invite->room) && strcmp(name, invite->server_name) == 0 &&
           (name[0] == '\0' || is_dns_name(name));
}

int lp_invite_format(const struct lp_invite *invite, char *link, size_t capacity)
{
    char pin[2 * LP_INVITE_PIN_LEN + 1] = "";
    char port[8] = "";
    bool bracketed;
    int len;

    if (!is_good(invite))
        return LP_ERR_INVALID;
    bracketed = strchr(invite->host, ':') != NULL;
    if (invite->port != LP_INVITE_PORT_DEFAULT)
        snprintf(port, sizeof(port), ":%u", (unsigned)invite->port);
    if (invite->has_pin)
        lp_hex_encode(invite->pin, sizeof(invite->pin), pin);
    len = snprintf(link, capacity, START "?relay=%s%s%s%s&room=%s%s%s%s%s",
                   bracketed ? "[" : "", invite->host, bracketed ? "]" : "", port, invite->room,
                   invite->has_pin ? "&pin=" : "", pin,
                   invite->server_name[0] != '\0' ? "&name=" : "", invite->server_name);
    return (size_t)len < capacity ? len : LP_ERR_NOSPACE;
}
