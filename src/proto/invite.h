/*
 * Invite links: softlan://join?relay=HOST[:PORT]&room=CODE[&pin=HEX][&name=SERVER]. A link
 * comes from a web page or a chat, so it is hostile input: only these keys, each once, each
 * value checked strictly, 1024 octets at most, no other scheme or verb, no flags, no paths.
 * Whoever opens one shows relay and room to the player and asks before anything is contacted.
 *
 * Percent-encoding (RFC 3986 2.1) is accepted in values and decoded once, before they are
 * checked. docs/invite.md has the rules. Pure.
 */
#ifndef LP_PROTO_INVITE_H
#define LP_PROTO_INVITE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/control.h"

#define LP_INVITE_LINK_MAX     1024
#define LP_INVITE_HOST_MAX     253
#define LP_INVITE_PIN_LEN      32 /* SHA-256 */
#define LP_INVITE_PORT_DEFAULT 443
#define LP_INVITE_WHY_LEN      160

struct lp_invite {
    char host[LP_INVITE_HOST_MAX + 1]; /* DNS name or IP literal without brackets, lower case */
    uint16_t port;
    char room[LP_ROOM_CODE_MAX + 1]; /* begins with a letter, digit or '_': never like a flag */
    bool has_pin;
    uint8_t pin[LP_INVITE_PIN_LEN];
    char server_name[LP_INVITE_HOST_MAX + 1]; /* a DNS name, lower case; "" = the host */
};

/* LP_ERR_MALFORMED with a sentence for the player, printable whatever the link holds. */
int lp_invite_parse(const char *link, size_t len, struct lp_invite *ret_invite,
                    char why[LP_INVITE_WHY_LEN]);

/*
 * Writes the link of an invite and a NUL. Returns its length; LP_ERR_INVALID when _parse would
 * not give the same invite back, LP_ERR_NOSPACE.
 */
int lp_invite_format(const struct lp_invite *invite, char *link, size_t capacity);

#endif
