#include "platform/windows/driver_store.h"

#include <stdio.h>

#include "base/err.h"
#include "platform/windows/errno.h"
#include "platform/windows/win.h"

#include <setupapi.h>

#define OWN_KEY   L"SOFTWARE\\SoftLAN"
#define INF_VALUE L"DriverInf"

/* The path of the only .inf there. */
static int find_inf(const wchar_t *dir, wchar_t path[MAX_PATH], char *why)
{
    wchar_t full[MAX_PATH], pattern[MAX_PATH + 8];
    DWORD len = GetFullPathNameW(dir, MAX_PATH, full, NULL);
    WIN32_FIND_DATAW file;
    bool several, fits;
    HANDLE find;

    if (len == 0 || len >= MAX_PATH)
        return lp_why(LP_ERR_RANGE, why, "the path of the driver's folder is too long");
    _snwprintf(pattern, MAX_PATH + 8, L"%ls\\*.inf", full);
    find = FindFirstFileW(pattern, &file);
    if (find == INVALID_HANDLE_VALUE)
        return lp_why(LP_ERR_NOTFOUND, why, "there is no driver (.inf) in %ls", full);
    len = (DWORD)_snwprintf(path, MAX_PATH, L"%ls\\%ls", full, file.cFileName);
    fits = len < MAX_PATH; /* also when it is negative */
    several = FindNextFileW(find, &file);
    FindClose(find);
    if (several)
        return lp_why(LP_ERR_CONFIG, why, "there are several drivers (.inf) in %ls", full);
    if (!fits)
        return lp_why(LP_ERR_RANGE, why, "the path of the driver's file is too long");
    return 0;
}

static LSTATUS note_added(const wchar_t *inf)
{
    return RegSetKeyValueW(HKEY_LOCAL_MACHINE, OWN_KEY, INF_VALUE, REG_SZ, inf,
                           (DWORD)((wcslen(inf) + 1) * sizeof(*inf)));
}

int lp_driver_store_add(const wchar_t *dir, char why[LP_WHY_LEN])
{
    wchar_t path[MAX_PATH], stored[MAX_PATH];
    char text[LP_WIN_TEXT_LEN];
    wchar_t *inf = NULL;
    DWORD number;
    int err = find_inf(dir, path, why);

    if (err < 0)
        return err;
    if (!SetupCopyOEMInfW(path, NULL, SPOST_PATH, SP_COPY_NOOVERWRITE, stored, MAX_PATH, NULL,
                          &inf)) {
        number = GetLastError();
        if (number == ERROR_FILE_EXISTS)
            return 0;
        return lp_why(lp_err_from_win32(number), why,
                      "Windows did not take the TAP-Windows6 driver: %s",
                      lp_win_text(number, text));
    }
    number = (DWORD)note_added(inf);
    if (number == NO_ERROR)
        return 0;
    SetupUninstallOEMInfW(inf, 0, NULL);
    return lp_why(lp_err_from_win32(number), why, "the driver could not be noted: %s",
                  lp_win_text(number, text));
}

void lp_driver_store_remove(void)
{
    wchar_t inf[MAX_PATH];
    DWORD size = sizeof(inf);

    if (RegGetValueW(HKEY_LOCAL_MACHINE, OWN_KEY, INF_VALUE, RRF_RT_REG_SZ, NULL, inf, &size) !=
        ERROR_SUCCESS)
        return;
    /* fails while another adapter uses it: then it is theirs from now on */
    SetupUninstallOEMInfW(inf, 0, NULL);
    RegDeleteKeyValueW(HKEY_LOCAL_MACHINE, OWN_KEY, INF_VALUE);
    RegDeleteKeyW(HKEY_LOCAL_MACHINE, OWN_KEY); /* keys below it keep it */
}
