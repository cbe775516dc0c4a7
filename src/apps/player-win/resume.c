#include "apps/player-win/resume.h"

#include <stdlib.h>

#include "platform/windows/win.h"

/* Of powrprof.h and winuser.h, Windows 8; not in every SDK. */
#define NOTIFY_CALLBACK 2u    /* DEVICE_NOTIFY_CALLBACK */
#define RESUMED         0x12u /* PBT_APMRESUMEAUTOMATIC */
struct subscription {
    ULONG(CALLBACK *callback)(void *context, ULONG type, void *setting);
    void *context;
};
typedef DWORD(WINAPI subscribe_fn)(DWORD flags, void *recipient, void **ret_registration);
typedef DWORD(WINAPI unsubscribe_fn)(void *registration);

struct lp_resume {
    uv_async_t async;
    struct subscription subscription;
    void *registration; /* NULL: none */
    unsubscribe_fn *unsubscribe;
    lp_resume_fn *resumed;
    void *user;
};

static void on_wake(uv_async_t *async)
{
    struct lp_resume *resume = async->data;

    resume->resumed(resume->user);
}

/* In a thread of Windows. */
static ULONG CALLBACK on_power(void *context, ULONG type, void *setting)
{
    struct lp_resume *resume = context;

    (void)setting;
    if (type == RESUMED)
        uv_async_send(&resume->async);
    return ERROR_SUCCESS;
}

static void subscribe(struct lp_resume *resume)
{
    HMODULE library = LoadLibraryExW(L"powrprof.dll", NULL, LOAD_LIBRARY_SEARCH_SYSTEM32);
    subscribe_fn *call;

    if (library == NULL)
        return;
    call = (subscribe_fn *)(void *)GetProcAddress(library,
                                                  "PowerRegisterSuspendResumeNotification");
    resume->unsubscribe = (unsubscribe_fn *)(void *)GetProcAddress(
        library, "PowerUnregisterSuspendResumeNotification");
    if (call == NULL || resume->unsubscribe == NULL ||
        call(NOTIFY_CALLBACK, &resume->subscription, &resume->registration) != ERROR_SUCCESS)
        resume->registration = NULL;
}

struct lp_resume *lp_resume_open(uv_loop_t *loop, lp_resume_fn *resumed, void *user)
{
    struct lp_resume *resume = calloc(1, sizeof(*resume));

    if (resume == NULL)
        return NULL;
    if (uv_async_init(loop, &resume->async, on_wake) != 0) {
        free(resume);
        return NULL;
    }
    resume->async.data = resume;
    resume->resumed = resumed;
    resume->user = user;
    resume->subscription = (struct subscription){.callback = on_power, .context = resume};
    subscribe(resume);
    return resume;
}

static void on_closed(uv_handle_t *handle)
{
    free(handle->data);
}

void lp_resume_close(struct lp_resume *resume)
{
    if (resume == NULL)
        return;
    if (resume->registration != NULL)
        resume->unsubscribe(resume->registration);
    uv_close((uv_handle_t *)&resume->async, on_closed);
}
