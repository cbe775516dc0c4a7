#include "events.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <ntddk.h>

#define LOG_PATH  L"\\??\\C:\\softlan-test\\events.log"
#define FAIL_PATH L"\\??\\C:\\softlan-test\\fail"
#define SHARE_ALL (FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE)

/* The native calls: the same ones in the driver and in a program. */
static HANDLE open_file(const wchar_t *path, ACCESS_MASK access, ULONG disposition)
{
    OBJECT_ATTRIBUTES attributes;
    UNICODE_STRING name;
    IO_STATUS_BLOCK status;
    HANDLE file;

    RtlInitUnicodeString(&name, path);
    InitializeObjectAttributes(&attributes, &name, OBJ_CASE_INSENSITIVE, NULL, NULL);
    if (ZwCreateFile(&file, access | SYNCHRONIZE, &attributes, &status, NULL,
                     FILE_ATTRIBUTE_NORMAL, SHARE_ALL, disposition,
                     FILE_SYNCHRONOUS_IO_NONALERT, NULL, 0) != 0)
        return NULL;
    return file;
}

static void write_file(const wchar_t *path, ACCESS_MASK access, ULONG disposition, char *text,
                       size_t len)
{
    HANDLE file = open_file(path, access, disposition);
    IO_STATUS_BLOCK status;

    if (file == NULL)
        return;
    (void)ZwWriteFile(file, NULL, NULL, NULL, &status, text, (ULONG)len, NULL, NULL);
    ZwClose(file);
}

static size_t read_rule(char *text, size_t capacity)
{
    HANDLE file = open_file(FAIL_PATH, FILE_READ_DATA, FILE_OPEN);
    IO_STATUS_BLOCK status = {.Information = 0};

    if (file == NULL)
        return 0;
    if (ZwReadFile(file, NULL, NULL, NULL, &status, text, (ULONG)capacity - 1, NULL, NULL) != 0)
        status.Information = 0;
    ZwClose(file);
    text[status.Information] = '\0';
    return status.Information;
}

/* Counts the rule down when the line matches it; true for a step that is to fail. */
static int is_to_fail(const char *line)
{
    char rule[EVENTS_LINE_MAX], *text;
    size_t len = read_rule(rule, sizeof(rule));
    int and_later;

    if (len < 3 || rule[0] < '1' || rule[0] > '9' || (rule[1] != ' ' && rule[1] != '+'))
        return 0;
    and_later = rule[1] == '+';
    text = rule + 2 + and_later;
    if (strncmp(line, text, strlen(text)) != 0)
        return 0;
    if (rule[0] == '1' && and_later)
        return 1;
    rule[0]--;
    write_file(FAIL_PATH, FILE_WRITE_DATA, FILE_OVERWRITE_IF, rule, len);
    return rule[0] == '0';
}

int events_step(const char *format, ...)
{
    static const char failed[] = " -> failed";
    char line[EVENTS_LINE_MAX + sizeof(failed) + 2];
    va_list arguments;
    int len, fails;

    va_start(arguments, format);
    len = _vsnprintf(line, EVENTS_LINE_MAX, format, arguments);
    va_end(arguments);
    if (len < 0 || len >= EVENTS_LINE_MAX)
        len = EVENTS_LINE_MAX - 1;
    line[len] = '\0';
    fails = is_to_fail(line);
    if (fails) {
        memcpy(line + len, failed, sizeof(failed) - 1);
        len += (int)sizeof(failed) - 1;
    }
    line[len++] = '\n';
    write_file(LOG_PATH, FILE_APPEND_DATA, FILE_OPEN_IF, line, (size_t)len);
    return !fails;
}
