/*
 * The directory of journal and log. Everybody may make directories in %ProgramData%, so one that is
 * there already is trusted only when SYSTEM, Administrators or this process's own user own it and it is
 * no link to elsewhere; its access list is then written anew.
 */
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "platform/windows/errno.h"
#include "platform/windows/journal_store.h"
#include "platform/windows/win.h"

#include <aclapi.h>
#include <initguid.h>
#include <knownfolders.h>
#include <sddl.h>
#include <shlobj.h>

/* Protected from what the parent would hand down: SYSTEM and Administrators alone, files included. */
#define DIRECTORY_SDDL L"O:BAD:P(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)"
#define DIRECTORY_NAME L"\\SoftLAN"

static int default_path(wchar_t path[LP_DIR_PATH_MAX])
{
    wchar_t *base = NULL;
    int err = LP_ERR_NOTFOUND;

    /* not the environment's: whoever starts an elevated program may have set that */
    if (SUCCEEDED(SHGetKnownFolderPath(&FOLDERID_ProgramData, 0, NULL, &base)) &&
        wcslen(base) + wcslen(DIRECTORY_NAME) < LP_DIR_PATH_MAX) {
        wcscpy(path, base);
        wcscat(path, DIRECTORY_NAME);
        err = 0;
    }
    CoTaskMemFree(base);
    return err;
}

/* The process's own user; the caller frees. NULL on failure. */
static TOKEN_USER *own_user(void)
{
    TOKEN_USER *user = NULL;
    DWORD size = 0;
    HANDLE token;

    if (!OpenProcessToken(GetCurrentProcess(), TOKEN_QUERY, &token))
        return NULL;
    GetTokenInformation(token, TokenUser, NULL, 0, &size);
    if (size > 0)
        user = malloc(size);
    if (user != NULL && !GetTokenInformation(token, TokenUser, user, size, &size)) {
        free(user);
        user = NULL;
    }
    CloseHandle(token);
    return user;
}

static bool is_trusted_owner(PSID owner)
{
    TOKEN_USER *user;
    bool trusted;

    if (IsWellKnownSid(owner, WinLocalSystemSid) ||
        IsWellKnownSid(owner, WinBuiltinAdministratorsSid))
        return true;
    user = own_user();
    trusted = user != NULL && EqualSid(owner, user->User.Sid);
    free(user);
    return trusted;
}

static bool has_trusted_owner(HANDLE directory)
{
    PSECURITY_DESCRIPTOR descriptor = NULL;
    PSID owner = NULL;
    bool trusted = false;

    if (GetSecurityInfo(directory, SE_FILE_OBJECT, OWNER_SECURITY_INFORMATION, &owner, NULL,
                        NULL, NULL, &descriptor) == ERROR_SUCCESS)
        trusted = owner != NULL && is_trusted_owner(owner);
    LocalFree(descriptor);
    return trusted;
}

static bool is_plain_directory(HANDLE directory)
{
    FILE_ATTRIBUTE_TAG_INFO info;

    return GetFileInformationByHandleEx(directory, FileAttributeTagInfo, &info, sizeof(info)) &&
           (info.FileAttributes & FILE_ATTRIBUTE_DIRECTORY) != 0 &&
           (info.FileAttributes & FILE_ATTRIBUTE_REPARSE_POINT) == 0;
}

/* A Windows error number. Owner and list are set by the handle: the path may not change meanwhile. */
static DWORD check_directory(HANDLE directory, PSECURITY_DESCRIPTOR wanted)
{
    BOOL present = FALSE, defaulted = FALSE;
    ACL *list = NULL;

    if (!is_plain_directory(directory) || !has_trusted_owner(directory))
        return ERROR_INVALID_OWNER;
    if (!GetSecurityDescriptorDacl(wanted, &present, &list, &defaulted))
        return GetLastError();
    return SetSecurityInfo(directory, SE_FILE_OBJECT,
                           DACL_SECURITY_INFORMATION | PROTECTED_DACL_SECURITY_INFORMATION,
                           NULL, NULL, list, NULL);
}

static DWORD make_and_check(const wchar_t *path)
{
    SECURITY_ATTRIBUTES attributes = {.nLength = sizeof(attributes)};
    HANDLE directory;
    DWORD err = NO_ERROR;

    if (!ConvertStringSecurityDescriptorToSecurityDescriptorW(
            DIRECTORY_SDDL, SDDL_REVISION_1, &attributes.lpSecurityDescriptor, NULL))
        return GetLastError();
    if (!CreateDirectoryW(path, &attributes) && GetLastError() != ERROR_ALREADY_EXISTS)
        err = GetLastError();
    if (err == NO_ERROR) {
        directory =
            CreateFileW(path, READ_CONTROL | WRITE_DAC | FILE_READ_ATTRIBUTES,
                        FILE_SHARE_READ | FILE_SHARE_WRITE, NULL, OPEN_EXISTING,
                        FILE_FLAG_BACKUP_SEMANTICS | FILE_FLAG_OPEN_REPARSE_POINT, NULL);
        if (directory == INVALID_HANDLE_VALUE) {
            err = GetLastError();
        } else {
            err = check_directory(directory, attributes.lpSecurityDescriptor);
            CloseHandle(directory);
        }
    }
    LocalFree(attributes.lpSecurityDescriptor);
    return err;
}

int lp_settings_dir(const char *path, wchar_t ret_path[LP_DIR_PATH_MAX], char why[LP_WHY_LEN])
{
    char text[LP_WIN_TEXT_LEN];
    int err = path != NULL ? lp_wide_from_utf8(path, ret_path, LP_DIR_PATH_MAX)
                           : default_path(ret_path);
    DWORD number;

    if (err < 0)
        return lp_why(err, why,
                      "the directory for SoftLAN's settings has no usable name: "
                      "%%ProgramData%% must lead to a directory");
    number = make_and_check(ret_path);
    if (number == ERROR_INVALID_OWNER)
        return lp_why(
            LP_ERR_PERMISSION, why,
            "the directory %ls belongs to somebody else or leads elsewhere: remove it "
            "as an administrator",
            ret_path);
    if (number == ERROR_ACCESS_DENIED)
        return lp_why(LP_ERR_PERMISSION, why,
                      "the directory %ls cannot be written: run as an administrator", ret_path);
    if (number != NO_ERROR)
        return lp_why(lp_err_from_win32(number), why,
                      "the directory %ls cannot be used, look whether the disk is full: %s",
                      ret_path, lp_win_text(number, text));
    return 0;
}
