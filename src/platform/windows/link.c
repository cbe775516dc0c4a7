/* lp_link of platform.h: a TAP-Windows6 adapter, its thread's frames brought into the loop. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "base/err.h"
#include "platform/platform.h"
#include "platform/windows/adapters.h"
#include "platform/windows/errno.h"
#include "platform/windows/tap.h"

#define ETHERNET_HEADER_LEN 14u

/* The first version without known faults of its own: older ones can crash the machine. */
#define VERSION_MAJOR_GOOD 9u
#define VERSION_MINOR_GOOD 27u

struct lp_link {
    uv_async_t async;
    struct lp_tap *tap; /* NULL when closing */
    struct lp_tap_adapter adapter;
    lp_ready_fn *ready;
    void *user;
    struct lp_link_counters counters;
};

/* ---- the loop ---- */

/*
 * A wake-up stands for any number of frames, and whoever reads may stop before the last: then
 * the loop's next turn goes on.
 */
static void on_wake(uv_async_t *async)
{
    struct lp_link *link = async->data;

    if (link->tap == NULL || !lp_tap_is_readable(link->tap))
        return;
    link->ready(link->user, LP_READY_READ);
    /* it may have closed the link; the memory stays until the loop's next turn */
    if (link->tap != NULL && lp_tap_is_readable(link->tap))
        uv_async_send(&link->async);
}

/* In the device's thread. */
static void wake_loop(void *user)
{
    struct lp_link *link = user;

    uv_async_send(&link->async);
}

static void on_closed(uv_handle_t *handle)
{
    free(handle->data);
}

void lp_link_close(struct lp_link *link)
{
    if (link == NULL)
        return;
    lp_tap_close(link->tap);
    link->tap = NULL;
    uv_close((uv_handle_t *)&link->async, on_closed);
}

/* ---- opening ---- */

/* The address is the one that the system uses: a different one would be refused by the relay. */
static int check_mac(const struct lp_link *link, const struct lp_mac *wanted, char *why)
{
    char is_text[LP_MAC_TEXT_LEN], wanted_text[LP_MAC_TEXT_LEN];
    struct lp_mac is;

    lp_tap_mac(link->tap, &is);
    if (lp_mac_equal(&is, wanted))
        return 0;
    return lp_why(
        LP_ERR_CONFIG, why,
        "adapter '%s' has the MAC address %s and not %s: disable and enable it in the "
        "network connections, then try again",
        link->adapter.name, lp_mac_format(&is, is_text), lp_mac_format(wanted, wanted_text));
}

static void warn_of_old_driver(const struct lp_link *link, char *why)
{
    struct lp_tap_version is;

    why[0] = '\0';
    lp_tap_version(link->tap, &is);
    if (is.major > VERSION_MAJOR_GOOD ||
        (is.major == VERSION_MAJOR_GOOD && is.minor >= VERSION_MINOR_GOOD))
        return;
    lp_why(0, why,
           "the driver of adapter '%s' is TAP-Windows6 %u.%u; %u.%u or later is recommended: "
           "install SoftLAN again, with the driver",
           link->adapter.name, is.major, is.minor, VERSION_MAJOR_GOOD, VERSION_MINOR_GOOD);
}

int lp_link_open_tap(struct uv_loop_s *loop, const struct lp_tap_options *options,
                     lp_ready_fn *ready, void *user, struct lp_link **ret_link,
                     char why[LP_WHY_LEN])
{
    struct lp_tap_adapter adapter;
    struct lp_link *link;
    int err = lp_adapter_find(options->name, &adapter, why);

    if (err < 0)
        return err;
    link = calloc(1, sizeof(*link));
    if (link == NULL)
        return lp_why(LP_ERR_NOMEM, why, "out of memory for the adapter: close other programs");
    link->adapter = adapter;
    link->ready = ready;
    link->user = user;
    link->async.data = link;
    if (uv_async_init(loop, &link->async, on_wake) != 0) {
        free(link);
        return lp_why(LP_ERR_IO, why, "adapter '%s' cannot be watched: restart the program",
                      adapter.name);
    }
    err = lp_tap_open(&adapter, wake_loop, link, &link->tap, why);
    if (err == 0)
        err = check_mac(link, &options->mac, why);
    if (err < 0) {
        lp_link_close(link);
        return err;
    }
    warn_of_old_driver(link, why);
    *ret_link = link;
    return 0;
}

/* ---- frames ---- */

int lp_link_read(struct lp_link *link, struct lp_superframe *ret_frame)
{
    const uint8_t *bytes;
    size_t len;
    int err;

    do {
        err = lp_tap_read(link->tap, &bytes, &len);
        if (err == 0 && len < ETHERNET_HEADER_LEN)
            link->counters.rx_unsupported++;
    } while (err == 0 && len < ETHERNET_HEADER_LEN);
    if (err == 0)
        *ret_frame = (struct lp_superframe){.bytes = bytes, .len = len, .gso = LP_GSO_NONE};
    return err;
}

int lp_link_write(struct lp_link *link, const uint8_t *frame, size_t len)
{
    int err;

    if (len < ETHERNET_HEADER_LEN)
        return LP_ERR_INVALID;
    err = lp_tap_write(link->tap, frame, len);
    if (err == LP_ERR_AGAIN)
        link->counters.tx_full++;
    else if (err < 0 && err != LP_ERR_CLOSED)
        link->counters.tx_errors++;
    return err;
}

/* TAP-Windows6 takes plain frames only. */
int lp_link_write_super(struct lp_link *link, const struct lp_superframe *super)
{
    (void)link;
    (void)super;
    return LP_ERR_UNSUPPORTED;
}

int lp_link_set_media(struct lp_link *link, bool connected)
{
    return lp_tap_set_media(link->tap, connected);
}

/* ---- diagnostics ---- */

void lp_link_info(struct lp_link *link, struct lp_link_info *ret_info)
{
    struct lp_link_info info = {.up = !lp_tap_is_gone(link->tap)};
    struct lp_adapter_state state;

    memcpy(info.name, link->adapter.name, sizeof(info.name));
    lp_tap_mac(link->tap, &info.mac);
    info.carrier = lp_tap_has_media(link->tap);
    if (lp_adapter_state(link->adapter.instance, &state) == 0) {
        info.index = state.index;
        info.mtu = state.mtu;
    }
    *ret_info = info;
}

void lp_link_counters(const struct lp_link *link, struct lp_link_counters *ret_counters)
{
    uint64_t failed;

    *ret_counters = link->counters;
    lp_tap_lost(link->tap, &ret_counters->rx_kernel_drops, &failed);
    ret_counters->rx_unsupported += failed;
}
