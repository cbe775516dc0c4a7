#include <stddef.h>

#include "apps/gui-win/view.h"

#define IDENTITY_FILE "%LOCALAPPDATA%\\SoftLAN\\lanparty-client-identity.json"

/* For a code that this release does not know, too. */
static const struct lp_sentences any_reject = {
    "The relay did not let you in",
    "The relay gave a reason that this SoftLAN does not know.",
    "Install the newest SoftLAN, then try again.",
};

static const struct lp_sentences rejects[] = {
    [LP_REJECT_BAD_VERSION] =
        {
            "Different releases",
            "This SoftLAN and the relay do not speak the same version of the protocol.",
            "Install the release that your host uses, then try again.",
        },
    [LP_REJECT_BAD_ROOM_CODE] =
        {
            "The room code is not valid",
            "The relay does not take this room code.",
            "Ask your host for the code or an invite link: a code has 1 to 64 letters, digits, "
            "dots, underscores and hyphens.",
        },
    [LP_REJECT_BAD_MAC] =
        {
            "The adapter's address was refused",
            "The relay does not take the MAC address of this PC's SoftLAN adapter.",
            "Delete the file " IDENTITY_FILE " and try again: a new address is made.",
        },
    [LP_REJECT_DUPLICATE_MAC] =
        {
            "Somebody has your address",
            "Another player in this room uses the same MAC address. That happens when "
            "SoftLAN's "
            "files were copied from one PC to another, or when you are in this room already.",
            "End SoftLAN on the other PC. If the files were copied, delete " IDENTITY_FILE
            " on one of them, then try again.",
        },
    [LP_REJECT_ROOM_FULL] =
        {
            "The room is full",
            "As many players as the relay allows are in this room.",
            "Ask your host to let somebody out, or the relay's operator to allow more "
            "(--max-clients), then try again.",
        },
    [LP_REJECT_GATEWAY_PRESENT] =
        {
            "The room has its gateway",
            "The relay took this PC for a second gateway.",
            "Install the newest SoftLAN and try again; if it stays, tell the relay's operator.",
        },
    [LP_REJECT_MTU_UNSUPPORTED] =
        {
            "This connection cannot carry the room's packets",
            "The network here passes only packets that are smaller than the room needs.",
            "Try another network, such as a phone's hotspot, and leave other VPN programs off.",
        },
    [LP_REJECT_NOT_AUTHORISED] =
        {
            "This relay does not let you in",
            "The relay admits only players that its operator knows.",
            "Ask your host for an invite to a relay that is open to you.",
        },
    [LP_REJECT_RELAY_FULL] =
        {
            "The relay is full",
            "The relay has as many players as it can serve.",
            "Try again in a few minutes, or ask your host for another relay.",
        },
    [LP_REJECT_REDIRECT] =
        {
            "The room is somewhere else",
            "This room lives on another relay.",
            "Ask your host for a new invite link.",
        },
    [LP_REJECT_BAD_HELLO] =
        {
            "Different releases",
            "The relay did not understand what this SoftLAN said.",
            "Install the release that your host uses, then try again.",
        },
};

static const struct lp_sentences failures[] = {
    [LP_GUI_FAILURE_NONE] =
        {
            "The connection ended",
            "The connection ended without a reason.",
            "Try again.",
        },
    [LP_GUI_FAILURE_REFUSED] =
        {
            "This is not the relay it should be",
            "The relay's certificate is not the one that the invite names, or nobody whom this "
            "PC trusts has signed it.",
            "Ask your host for a new invite link, and whether the relay was set up anew. Until "
            "then do not connect to it.",
        },
    [LP_GUI_FAILURE_ADAPTER] =
        {
            "The network adapter is missing",
            "SoftLAN needs its own virtual network adapter (TAP-Windows6), and this PC does "
            "not "
            "have it ready.",
            "Run SoftLAN's installer again: it adds the adapter. If it says that it has no "
            "driver, "
            "install TAP-Windows6 first: it comes with OpenVPN for Windows "
            "(openvpn.net/community).",
        },
    [LP_GUI_FAILURE_SERVICE] =
        {
            "The SoftLAN service could not help",
            "The service sets up the adapter for this program, and it did not.",
            "Restart the PC or start the service \"SoftLAN\". If that does not help, run "
            "SoftLAN's installer again.",
        },
    [LP_GUI_FAILURE_LOOKUP] =
        {
            "The relay's name was not found",
            "Nobody could say which address the relay's name has.",
            "Check that this PC is online and that the name is spelled right, then try again.",
        },
    [LP_GUI_FAILURE_OTHER] =
        {
            "The connection could not be made",
            "Something on this PC did not work.",
            "Try again. If it stays, look at the details and send the report to your host.",
        },
};

const struct lp_sentences *lp_sentences_of_reject(enum lp_reject_code code)
{
    size_t at = (size_t)code;

    if (at >= sizeof(rejects) / sizeof(rejects[0]) || rejects[at].heading == NULL)
        return &any_reject;
    return &rejects[at];
}

const struct lp_sentences *lp_sentences_of_failure(const struct lp_gui_snapshot *snapshot)
{
    if (snapshot->failure == LP_GUI_FAILURE_REJECTED)
        return lp_sentences_of_reject(snapshot->reject_code);
    return &failures[snapshot->failure];
}

const char *lp_sentence_of_step(enum lp_gui_step step)
{
    switch (step) {
#define X(name, number, text)                                                                  \
    case LP_GUI_STEP_##name:                                                                   \
        return text;
        LP_GUI_STEP_TABLE(X)
#undef X
    }
    return "";
}
