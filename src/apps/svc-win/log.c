#include "apps/svc-win/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <wchar.h>

#include "platform/windows/journal_store.h"
#include "platform/windows/win.h"

#define LINE_LEN 512
#define NAME_LEN 16

struct lp_svc_log {
    CRITICAL_SECTION lock;
    wchar_t path[LP_DIR_PATH_MAX + NAME_LEN];
    wchar_t old_path[LP_DIR_PATH_MAX + NAME_LEN];
    HANDLE file;
};

static HANDLE open_file(const wchar_t *path)
{
    HANDLE file = CreateFileW(path, FILE_WRITE_DATA | FILE_APPEND_DATA | FILE_READ_ATTRIBUTES,
                              FILE_SHARE_READ, NULL, OPEN_ALWAYS,
                              FILE_ATTRIBUTE_NORMAL | FILE_FLAG_OPEN_REPARSE_POINT, NULL);
    FILE_ATTRIBUTE_TAG_INFO info;

    if (file == INVALID_HANDLE_VALUE)
        return file;
    if (GetFileInformationByHandleEx(file, FileAttributeTagInfo, &info, sizeof(info)) &&
        (info.FileAttributes & FILE_ATTRIBUTE_REPARSE_POINT) == 0)
        return file;
    CloseHandle(file);
    return INVALID_HANDLE_VALUE;
}

struct lp_svc_log *lp_svc_log_open(void)
{
    struct lp_svc_log *log = calloc(1, sizeof(*log));
    char why[LP_WHY_LEN];

    if (log == NULL)
        return NULL;
    InitializeCriticalSection(&log->lock);
    log->file = INVALID_HANDLE_VALUE;
    if (lp_settings_dir(NULL, log->path, why) == 0) {
        wcscpy(log->old_path, log->path);
        wcscat(log->path, L"\\log.txt");
        wcscat(log->old_path, L"\\log.old.txt");
        log->file = open_file(log->path);
    }
    return log;
}

void lp_svc_log_close(struct lp_svc_log *log)
{
    if (log == NULL)
        return;
    if (log->file != INVALID_HANDLE_VALUE)
        CloseHandle(log->file);
    DeleteCriticalSection(&log->lock);
    free(log);
}

static bool is_full(const struct lp_svc_log *log)
{
    LARGE_INTEGER size;

    return log->file != INVALID_HANDLE_VALUE && GetFileSizeEx(log->file, &size) &&
           size.QuadPart >= LP_SVC_LOG_BYTES_MAX;
}

/* Somebody may have the old file open: then what was said is lost, as the bound holds in any case. */
static void turn_over_when_full(struct lp_svc_log *log)
{
    if (!is_full(log))
        return;
    CloseHandle(log->file);
    MoveFileExW(log->path, log->old_path, MOVEFILE_REPLACE_EXISTING);
    log->file = open_file(log->path);
    if (!is_full(log))
        return;
    SetFilePointer(log->file, 0, NULL, FILE_BEGIN);
    SetEndOfFile(log->file);
}

/* Returns the length with the line's end. */
static int format_line(char line[LINE_LEN], const char *format, va_list args)
{
    SYSTEMTIME now;
    int at, len;

    GetSystemTime(&now);
    at = snprintf(line, LINE_LEN, "%04u-%02u-%02uT%02u:%02u:%02uZ ", now.wYear, now.wMonth,
                  now.wDay, now.wHour, now.wMinute, now.wSecond);
    len = vsnprintf(line + at, (size_t)(LINE_LEN - at - 2), format, args);
    if (len > LINE_LEN - at - 3)
        len = LINE_LEN - at - 3;
    for (int i = at; i < at + len; i++) {
        if (line[i] < 0x20 || line[i] > 0x7e)
            line[i] = '?';
    }
    line[at + len] = '\r';
    line[at + len + 1] = '\n';
    return at + len + 2;
}

void lp_svc_log(struct lp_svc_log *log, const char *format, ...)
{
    char line[LINE_LEN];
    DWORD written;
    va_list args;
    int len;

    if (log == NULL || log->file == INVALID_HANDLE_VALUE)
        return;
    va_start(args, format);
    len = format_line(line, format, args);
    va_end(args);
    EnterCriticalSection(&log->lock);
    if (log->file != INVALID_HANDLE_VALUE) {
        SetFilePointer(log->file, 0, NULL, FILE_END);
        WriteFile(log->file, line, (DWORD)len, &written, NULL);
        turn_over_when_full(log);
    }
    LeaveCriticalSection(&log->lock);
}
