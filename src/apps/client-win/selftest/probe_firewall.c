/* The firewall in private networks, by INetFwPolicy2: read only. */
#define COBJMACROS /* before the first of the system's headers */
#include "apps/client-win/selftest/bench.h"

#include <stdio.h>
#include <string.h>

#include "platform/windows/errno.h"

#define INITGUID
#include <initguid.h>
#include <netfw.h>

#define PROGRAMS_SHOWN 4
#define NAME_LEN       96

struct blocked {
    unsigned count;
    bool ours;
    char names[PROGRAMS_SHOWN][NAME_LEN];
    unsigned shown;
};

static bool is_blocking(INetFwRule *rule)
{
    VARIANT_BOOL enabled = VARIANT_FALSE;
    NET_FW_RULE_DIRECTION direction;
    NET_FW_ACTION action;
    LONG profiles = 0;

    return SUCCEEDED(INetFwRule_get_Enabled(rule, &enabled)) && enabled != VARIANT_FALSE &&
           SUCCEEDED(INetFwRule_get_Direction(rule, &direction)) &&
           direction == NET_FW_RULE_DIR_IN && SUCCEEDED(INetFwRule_get_Action(rule, &action)) &&
           action == NET_FW_ACTION_BLOCK &&
           SUCCEEDED(INetFwRule_get_Profiles(rule, &profiles)) &&
           (profiles & NET_FW_PROFILE2_PRIVATE) != 0;
}

/* The program that the rule is about, without its path; rules for ports and services have none. */
static void note_program(INetFwRule *rule, struct blocked *blocked)
{
    const wchar_t *file;
    BSTR path = NULL;
    char name[NAME_LEN];

    if (FAILED(INetFwRule_get_ApplicationName(rule, &path)) || path == NULL)
        return;
    file = wcsrchr(path, L'\\');
    if (file != NULL && lp_utf8_from_wide(file + 1, name, sizeof(name)) == 0) {
        bool known = false;

        blocked->count++;
        blocked->ours |= _stricmp(name, "softlan.exe") == 0 ||
                         _stricmp(name, "lanparty-client-win.exe") == 0;
        for (unsigned i = 0; i < blocked->shown; i++)
            known |= _stricmp(blocked->names[i], name) == 0;
        if (!known && blocked->shown < PROGRAMS_SHOWN)
            memcpy(blocked->names[blocked->shown++], name, sizeof(name));
    }
    SysFreeString(path);
}

static HRESULT walk_rules(INetFwPolicy2 *policy, struct blocked *blocked)
{
    IEnumVARIANT *each = NULL;
    INetFwRules *rules = NULL;
    IUnknown *unknown = NULL;
    VARIANT item;
    HRESULT result = INetFwPolicy2_get_Rules(policy, &rules);

    if (FAILED(result))
        return result;
    result = INetFwRules_get__NewEnum(rules, &unknown);
    if (SUCCEEDED(result)) {
        result = IUnknown_QueryInterface(unknown, &IID_IEnumVARIANT, (void **)&each);
        IUnknown_Release(unknown);
    }
    VariantInit(&item);
    while (SUCCEEDED(result) && IEnumVARIANT_Next(each, 1, &item, NULL) == S_OK) {
        INetFwRule *rule = NULL;

        if (item.vt == VT_DISPATCH && SUCCEEDED(IDispatch_QueryInterface(
                                          item.pdispVal, &IID_INetFwRule, (void **)&rule))) {
            if (is_blocking(rule))
                note_program(rule, blocked);
            INetFwRule_Release(rule);
        }
        VariantClear(&item);
    }
    if (each != NULL)
        IEnumVARIANT_Release(each);
    INetFwRules_Release(rules);
    return result;
}

static void say(bool is_on, const struct blocked *blocked,
                struct lp_selftest_result *ret_result)
{
    char names[PROGRAMS_SHOWN * NAME_LEN + 16] = "";
    size_t at = 0;

    for (unsigned i = 0; i < blocked->shown; i++)
        at += (size_t)snprintf(names + at, sizeof(names) - at, "%s%s", i > 0 ? ", " : "",
                               blocked->names[i]);
    if (!is_on)
        lp_selftest_say(ret_result, LP_SELFTEST_OK,
                        "the firewall of Windows is off in private networks");
    else if (blocked->ours)
        lp_selftest_say(ret_result, LP_SELFTEST_WARNING,
                        "the firewall blocks SoftLAN itself in private networks: allow it in "
                        "\"Allow an app through Windows Firewall\"");
    else if (blocked->count > 0)
        lp_selftest_say(ret_result, LP_SELFTEST_WARNING,
                        "the firewall blocks what comes in for %s (%u rules): for a game that "
                        "you host, allow it in \"Allow an app through Windows Firewall\"",
                        names, blocked->count);
    else
        lp_selftest_say(ret_result, LP_SELFTEST_OK,
                        "the firewall is on in private networks and blocks no program by name");
}

static HRESULT ask_policy(struct lp_selftest_result *ret_result)
{
    struct blocked blocked = {.count = 0};
    VARIANT_BOOL on = VARIANT_FALSE;
    INetFwPolicy2 *policy = NULL;
    HRESULT result = CoCreateInstance(&CLSID_NetFwPolicy2, NULL, CLSCTX_INPROC_SERVER,
                                      &IID_INetFwPolicy2, (void **)&policy);

    if (FAILED(result))
        return result;
    result = INetFwPolicy2_get_FirewallEnabled(policy, NET_FW_PROFILE2_PRIVATE, &on);
    if (SUCCEEDED(result))
        result = walk_rules(policy, &blocked);
    INetFwPolicy2_Release(policy);
    if (SUCCEEDED(result))
        say(on != VARIANT_FALSE, &blocked, ret_result);
    return result;
}

void lp_probe_firewall(void *user, struct lp_selftest_result *ret_result)
{
    HRESULT entered = CoInitializeEx(NULL, COINIT_MULTITHREADED);
    HRESULT result = FAILED(entered) ? entered : ask_policy(ret_result);

    (void)user;
    if (SUCCEEDED(entered))
        CoUninitialize();
    if (FAILED(result))
        lp_selftest_say(ret_result, LP_SELFTEST_NOT_TESTED,
                        "Windows does not tell its firewall's rules (%08lx); another firewall "
                        "must be looked at by hand",
                        (unsigned long)result);
}
