#include "apps/svc-win/caller.h"

#include <stdbool.h>
#include <stdlib.h>

#include "base/err.h"
#include "platform/windows/errno.h"

/* The caller's token while the thread is impersonated; NULL on failure. */
static HANDLE token_of(HANDLE pipe)
{
    HANDLE token = NULL;

    if (!ImpersonateNamedPipeClient(pipe))
        return NULL;
    /* as the service itself: an identification token may not open itself */
    if (!OpenThreadToken(GetCurrentThread(), TOKEN_QUERY | TOKEN_DUPLICATE, TRUE, &token))
        token = NULL;
    if (!RevertToSelf())
        abort(); /* going on as somebody else would be worse */
    return token;
}

/* Whether the token has the group, enabled. */
static bool has_group(HANDLE token, WELL_KNOWN_SID_TYPE type)
{
    BYTE sid[SECURITY_MAX_SID_SIZE];
    DWORD size = sizeof(sid);
    BOOL member = FALSE;

    return CreateWellKnownSid(type, NULL, sid, &size) &&
           CheckTokenMembership(token, sid, &member) && member;
}

static bool is_of_session(HANDLE token, DWORD session)
{
    DWORD own = 0;
    DWORD size = 0;

    return GetTokenInformation(token, TokenSessionId, &own, sizeof(own), &size) &&
           own == session;
}

static bool is_sandboxed(HANDLE token)
{
    union {
        TOKEN_MANDATORY_LABEL label;
        BYTE room[sizeof(TOKEN_MANDATORY_LABEL) + SECURITY_MAX_SID_SIZE];
    } info;
    DWORD size = 0;
    PSID sid;

    if (!GetTokenInformation(token, TokenIntegrityLevel, &info, sizeof(info), &size))
        return true;
    sid = info.label.Label.Sid;
    return *GetSidSubAuthority(sid, (DWORD)(*GetSidSubAuthorityCount(sid) - 1)) <
           SECURITY_MANDATORY_MEDIUM_RID;
}

int lp_caller_check(HANDLE pipe, struct lp_caller *ret_caller, char why[LP_WHY_LEN])
{
    struct lp_caller caller;
    const char *what = NULL;
    HANDLE token;

    if (!GetNamedPipeClientProcessId(pipe, &caller.process) ||
        !GetNamedPipeClientSessionId(pipe, &caller.session))
        return lp_why(LP_ERR_PERMISSION, why, "the caller is not known");
    token = token_of(pipe);
    if (token == NULL)
        return lp_why(LP_ERR_PERMISSION, why, "process %lu cannot be identified",
                      caller.process);
    if (has_group(token, WinNetworkSid))
        what = "calls over the network";
    else if (!has_group(token, WinInteractiveSid))
        what = "is nobody who works at this computer";
    else if (!is_of_session(token, caller.session))
        what = "is of another session than it says";
    else if (is_sandboxed(token))
        what = "runs in a sandbox";
    CloseHandle(token);
    if (what != NULL)
        return lp_why(LP_ERR_PERMISSION, why, "process %lu %s", caller.process, what);
    *ret_caller = caller;
    return 0;
}
