#include "apps/svc-win/session.h"

#include "apps/svc-win/caller.h"
#include "base/err.h"
#include "platform/settings/svcsession.h"
#include "platform/windows/errno.h"
#include "platform/windows/nic.h"
#include "platform/windows/svcpipe.h"

/* Who opens the pipe says something at once, and reads its answer at once. */
#define FIRST_WAIT_MS 5000
#define WRITE_WAIT_MS 5000
/* A caller who was told to go has this long to read that. */
#define LAST_WAIT_MS 2000
/* Undoing restarts no adapter of ours: it takes milliseconds, and seconds when something hangs. */
#define LEAVING_WAIT_MS 10000

struct session {
    HANDLE pipe, stop, event;
    struct lp_svc_log *log;
    struct lp_wincfg *cfg; /* NULL until prepared */
};

/* ---- the seat ---- */

void lp_seat_init(struct lp_seat *seat)
{
    InitializeCriticalSection(&seat->lock);
    seat->taken = seat->leaving = false;
    seat->vacant = CreateEventW(NULL, TRUE, TRUE, NULL);
}

void lp_seat_deinit(struct lp_seat *seat)
{
    if (seat->vacant != NULL)
        CloseHandle(seat->vacant);
    DeleteCriticalSection(&seat->lock);
}

static bool try_seat(struct lp_seat *seat, bool *ret_leaving)
{
    bool got;

    EnterCriticalSection(&seat->lock);
    got = !seat->taken;
    *ret_leaving = seat->leaving;
    if (got) {
        seat->taken = true;
        ResetEvent(seat->vacant);
    }
    LeaveCriticalSection(&seat->lock);
    return got;
}

/* A program that starts again after a crash waits for what its predecessor left to be undone. */
static bool take_seat(struct lp_seat *seat, HANDLE stop)
{
    HANDLE events[2] = {stop, seat->vacant};
    bool leaving;

    if (try_seat(seat, &leaving))
        return true;
    if (!leaving ||
        WaitForMultipleObjects(2, events, FALSE, LEAVING_WAIT_MS) != WAIT_OBJECT_0 + 1)
        return false;
    return try_seat(seat, &leaving);
}

static void announce_leaving(struct lp_seat *seat)
{
    EnterCriticalSection(&seat->lock);
    seat->leaving = true;
    LeaveCriticalSection(&seat->lock);
}

static void leave_seat(struct lp_seat *seat)
{
    EnterCriticalSection(&seat->lock);
    seat->taken = seat->leaving = false;
    SetEvent(seat->vacant);
    LeaveCriticalSection(&seat->lock);
}

/* ---- what is done for a caller ---- */

/*
 * The program may name an adapter, but only ours is ever touched: the one whose connection the installer has
 * named "SoftLAN", which takes an administrator.
 */
static int do_prepare(void *user, const char *guid, const struct lp_mac *mac,
                      char why[LP_WHY_LEN])
{
    struct session *session = user;
    struct lp_nic nic;
    int err = lp_nic_find(guid, &nic, why);

    if (err < 0)
        return err;
    if (!nic.own)
        return lp_why(LP_ERR_PERMISSION, why,
                      "this TAP adapter is not SoftLAN's: run the installer again, which makes "
                      "the adapter \"SoftLAN\" (lanparty-client-win.exe --tap-instance-id, as "
                      "an administrator, uses any)");
    if (session->cfg == NULL)
        err = lp_wincfg_open_local(NULL, &session->cfg, why);
    return err < 0 ? err : lp_wincfg_prepare(session->cfg, nic.guid, mac, why);
}

static int do_pin(void *user, const struct lp_addr *relay, char why[LP_WHY_LEN])
{
    struct session *session = user;

    return lp_wincfg_pin(session->cfg, relay, why);
}

static int do_configure(void *user, const struct lp_wincfg_settings *settings,
                        char why[LP_WHY_LEN])
{
    struct session *session = user;

    return lp_wincfg_configure(session->cfg, settings, why);
}

static int do_check(void *user, struct lp_wincfg_status *ret_status, char why[LP_WHY_LEN])
{
    struct session *session = user;

    return lp_wincfg_check(session->cfg, ret_status, why);
}

static int do_end(void *user, char why[LP_WHY_LEN])
{
    struct session *session = user;

    lp_wincfg_close(session->cfg, why);
    session->cfg = NULL;
    if (why[0] == '\0')
        return 0;
    lp_svc_log(session->log, "%s", why);
    return LP_ERR_IO;
}

/* ---- the conversation ---- */

/* How many octets; negative when there are none: the caller has gone, or it is time to stop. */
static int read_message(struct session *session, uint8_t *bytes, DWORD capacity,
                        DWORD timeout_ms)
{
    DWORD len = 0;
    DWORD number = lp_svcpipe_read(session->pipe, session->event, session->stop, bytes,
                                   capacity, timeout_ms, &len);

    /* a longer message than there can be is given on as it begins: it will not be understood */
    return number == NO_ERROR || number == ERROR_MORE_DATA ? (int)len : -1;
}

static bool write_message(struct session *session, const uint8_t *bytes, size_t len)
{
    return lp_svcpipe_write(session->pipe, session->event, session->stop, bytes, (DWORD)len,
                            WRITE_WAIT_MS) == NO_ERROR;
}

/* Disconnecting would take the reply away before it is read: waits until the caller has closed. */
static void let_it_read(struct session *session)
{
    uint8_t bytes[LP_SVCMSG_MAX];

    read_message(session, bytes, sizeof(bytes), LAST_WAIT_MS);
}

static void refuse(struct session *session, int err, const char *sentence)
{
    uint8_t reply[LP_SVCMSG_MAX];
    size_t len = lp_svcsession_refusal(err, sentence, reply);

    if (write_message(session, reply, len))
        let_it_read(session);
}

static void converse(struct session *session, struct lp_seat *seat, uint8_t *bytes, int len)
{
    const struct lp_svc_actions actions = {.prepare = do_prepare,
                                           .pin = do_pin,
                                           .configure = do_configure,
                                           .check = do_check,
                                           .end = do_end,
                                           .user = session};
    struct lp_svcsession service;
    uint8_t reply[LP_SVCMSG_MAX];
    char why[LP_WHY_LEN];

    lp_svcsession_init(&service, &actions);
    for (;;) {
        size_t reply_len = lp_svcsession_take(&service, bytes, (size_t)len, reply);

        if (!write_message(session, reply, reply_len))
            break;
        if (lp_svcsession_is_over(&service)) {
            leave_seat(seat); /* nothing is left to undo */
            let_it_read(session);
            return;
        }
        len = read_message(session, bytes, LP_SVCMSG_MAX + 1, INFINITE);
        if (len < 0)
            break;
    }
    announce_leaving(seat);
    lp_svcsession_end(&service, why);
    leave_seat(seat);
}

static void receive_caller(struct session *session, struct lp_seat *seat)
{
    uint8_t bytes[LP_SVCMSG_MAX + 1];
    char why[LP_WHY_LEN];
    struct lp_caller caller;
    int len = read_message(session, bytes, sizeof(bytes), FIRST_WAIT_MS);

    if (len < 0)
        return;
    if (lp_caller_check(session->pipe, &caller, why) < 0) {
        lp_svc_log(session->log, "refused: %s", why);
        refuse(session, LP_ERR_PERMISSION,
               "the SoftLAN service serves who works at this computer only: start SoftLAN "
               "there, not from a sandbox or the network");
        return;
    }
    if (!take_seat(seat, session->stop)) {
        lp_svc_log(session->log, "process %lu of session %lu was told to wait its turn",
                   caller.process, caller.session);
        refuse(session, LP_ERR_BUSY,
               "SoftLAN is connected already on this computer: disconnect there first");
        return;
    }
    lp_svc_log(session->log, "process %lu of session %lu begins", caller.process,
               caller.session);
    converse(session, seat, bytes, len);
    lp_svc_log(session->log, "process %lu has ended", caller.process);
}

void lp_session_run(HANDLE pipe, HANDLE stop, struct lp_seat *seat, struct lp_svc_log *log)
{
    struct session session = {.pipe = pipe, .stop = stop, .log = log};

    session.event = CreateEventW(NULL, TRUE, FALSE, NULL);
    if (session.event == NULL)
        return;
    receive_caller(&session, seat);
    CloseHandle(session.event);
}
