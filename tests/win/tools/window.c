/*
 * What a window says, for tests of programs as they ship: nothing in softlan.exe helps.
 *
 *   window CLASS
 *
 * prints a line of JSON about the window of that class, and one more whenever something of it has
 * changed: {"process":N, "title":T, "visible":B, "menu":B, "controls":[{"id":N, "class":T, "text":T, "visible":B,
 * "enabled":B, "rows":[[T,...],...]}...]}; "rows" is a list view's. Without such a window: {"process":0}.
 * "visible" of a control is its own, whatever the window's; the pages in a dialog and what is on them are
 * controls too.
 *
 * Lines on standard input act on the window as a player would:
 *
 *   press ID        clicks the button, when it can be seen and pressed
 *   text ID TEXT    writes into the field
 *   close           clicks the cross
 *   tray            clicks the icon in the notification area with the right button
 *   key CHARACTER   chooses from the menu that is open
 *
 * and each is answered: {"done":"press"} or {"refused":"press"}. Ends with standard input.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <windows.h>

#include <commctrl.h>

#define TICK_MS     50
#define ANSWER_MS   2000
#define TEXT_LEN    16384
#define JSON_LEN    (1 << 20)
#define ROWS_MAX    128
#define COLUMNS_MAX 4
#define TRAY_CALL   (WM_APP + 2) /* LP_WM_TRAY in apps/gui-win/window.h */

struct page {
    char text[JSON_LEN];
    size_t len;
};

struct watch {
    wchar_t class_name[64];
    HANDLE input_ended;
    CRITICAL_SECTION output;
    struct page now, last, said; /* looks, and what was printed */
    HWND window;
    DWORD process;
    bool first; /* control on the page */
};

/* ---- JSON ---- */

static void put(struct page *page, const char *text)
{
    size_t len = strlen(text);

    if (page->len + len + 1 > sizeof(page->text)) {
        fprintf(stderr, "window: more than a page\n");
        exit(1);
    }
    memcpy(page->text + page->len, text, len + 1);
    page->len += len;
}

/* ASCII alone, so that no code page matters. */
static void put_string(struct page *page, const wchar_t *text)
{
    put(page, "\"");
    for (; *text != 0; text++) {
        char part[8] = {(char)*text, '\0'};

        if (*text < ' ' || *text > '~' || *text == '"' || *text == '\\')
            snprintf(part, sizeof(part), "\\u%04x", (unsigned)*text);
        put(page, part);
    }
    put(page, "\"");
}

static void put_number(struct page *page, const char *key, unsigned long number)
{
    char text[64];

    snprintf(text, sizeof(text), "\"%s\":%lu,", key, number);
    put(page, text);
}

static void put_bool(struct page *page, const char *key, bool value)
{
    put(page, "\"");
    put(page, key);
    put(page, value ? "\":true" : "\":false");
}

/* ---- other processes' windows ---- */

static bool ask(HWND window, UINT message, WPARAM wparam, LPARAM lparam, DWORD_PTR *ret_result)
{
    return SendMessageTimeoutW(window, message, wparam, lparam, SMTO_ABORTIFHUNG, ANSWER_MS,
                               ret_result) != 0;
}

static void read_text(HWND window, wchar_t text[TEXT_LEN])
{
    DWORD_PTR len = 0;

    if (!ask(window, WM_GETTEXT, TEXT_LEN, (LPARAM)text, &len) || len >= TEXT_LEN)
        len = 0;
    text[len] = 0;
}

/* A cell is written by the list's own process into its own memory, and read from there. */
struct remote_cell {
    LVITEMW item;
    wchar_t text[512];
};

static void read_cell(HWND list, HANDLE process, struct remote_cell *remote, int row,
                      int column, wchar_t text[512])
{
    struct remote_cell cell = {.item = {.mask = LVIF_TEXT, .cchTextMax = 512}};
    DWORD_PTR len = 0;

    cell.item.iSubItem = column;
    cell.item.pszText = remote->text;
    text[0] = 0;
    if (WriteProcessMemory(process, remote, &cell, sizeof(cell.item), NULL) &&
        ask(list, LVM_GETITEMTEXTW, (WPARAM)row, (LPARAM)remote, &len) && len < 512 &&
        ReadProcessMemory(process, remote->text, text, 512 * sizeof(*text), NULL))
        text[len] = 0;
}

static int count_of(HWND list, UINT message, int most)
{
    DWORD_PTR count = 0;

    return ask(list, message, 0, 0, &count) && count < (DWORD_PTR)most ? (int)count : most;
}

static int columns_of(HWND list)
{
    DWORD_PTR header = 0;

    if (!ask(list, LVM_GETHEADER, 0, 0, &header) || header == 0)
        return 1;
    return count_of((HWND)header, HDM_GETITEMCOUNT, COLUMNS_MAX);
}

static void put_rows(struct watch *watch, HWND list)
{
    HANDLE process = OpenProcess(PROCESS_VM_OPERATION | PROCESS_VM_READ | PROCESS_VM_WRITE,
                                 FALSE, watch->process);
    struct remote_cell *remote = VirtualAllocEx(process, NULL, sizeof(*remote),
                                                MEM_COMMIT | MEM_RESERVE, PAGE_READWRITE);
    int rows = remote != NULL ? count_of(list, LVM_GETITEMCOUNT, ROWS_MAX) : 0;
    int columns = columns_of(list);
    wchar_t text[512];

    put(&watch->now, ",\"rows\":[");
    for (int row = 0; row < rows; row++) {
        put(&watch->now, row > 0 ? ",[" : "[");
        for (int column = 0; column < columns; column++) {
            read_cell(list, process, remote, row, column, text);
            put(&watch->now, column > 0 ? "," : "");
            put_string(&watch->now, text);
        }
        put(&watch->now, "]");
    }
    put(&watch->now, "]");
    if (remote != NULL)
        VirtualFreeEx(process, remote, 0, MEM_RELEASE);
    CloseHandle(process);
}

static bool is_dialog(HWND window)
{
    wchar_t class_name[64] = L"";

    GetClassNameW(window, class_name, 64);
    return wcscmp(class_name, L"#32770") == 0;
}

static BOOL CALLBACK put_control(HWND control, LPARAM user)
{
    struct watch *watch = (struct watch *)user;
    struct page *page = &watch->now;
    static wchar_t text[TEXT_LEN];
    HWND parent = GetParent(control);
    wchar_t class_name[64] = L"";

    if (parent != watch->window && !is_dialog(parent))
        return TRUE; /* a part of a control */
    GetClassNameW(control, class_name, 64);
    read_text(control, text);
    put(page, watch->first ? "{" : ",{");
    watch->first = false;
    put_number(page, "id", (unsigned long)GetDlgCtrlID(control));
    put(page, "\"class\":");
    put_string(page, class_name);
    put(page, ",\"text\":");
    put_string(page, text);
    put(page, ",");
    put_bool(page, "visible",
             (GetWindowLongW(control, GWL_STYLE) & WS_VISIBLE) != 0 &&
                 (parent == watch->window || IsWindowVisible(parent)));
    put(page, ",");
    put_bool(page, "enabled", IsWindowEnabled(control));
    if (wcscmp(class_name, WC_LISTVIEWW) == 0)
        put_rows(watch, control);
    put(page, "}");
    return TRUE;
}

/* ---- looking ---- */

static HWND open_menu(const struct watch *watch)
{
    HWND menu = NULL;
    DWORD process;

    while ((menu = FindWindowExW(NULL, menu, L"#32768", NULL)) != NULL) {
        if (GetWindowThreadProcessId(menu, &process) != 0 && process == watch->process &&
            IsWindowVisible(menu))
            return menu;
    }
    return NULL;
}

static void look(struct watch *watch)
{
    struct page *page = &watch->now;
    static wchar_t title[TEXT_LEN];

    page->len = 0;
    put(page, "{");
    watch->window = FindWindowW(watch->class_name, NULL);
    watch->process = 0;
    if (watch->window == NULL ||
        GetWindowThreadProcessId(watch->window, &watch->process) == 0) {
        put(page, "\"process\":0}");
        return;
    }
    put_number(page, "process", watch->process);
    read_text(watch->window, title);
    put(page, "\"title\":");
    put_string(page, title);
    put(page, ",");
    put_bool(page, "visible", IsWindowVisible(watch->window));
    put(page, ",");
    put_bool(page, "menu", open_menu(watch) != NULL);
    put(page, ",\"controls\":[");
    watch->first = true;
    EnumChildWindows(watch->window, put_control, (LPARAM)watch);
    put(page, "]}");
}

static void say(struct watch *watch, const char *line)
{
    EnterCriticalSection(&watch->output);
    puts(line);
    LeaveCriticalSection(&watch->output);
}

/* ---- acting ---- */

static bool press(HWND window, const char *arguments)
{
    HWND button = GetDlgItem(window, atoi(arguments));

    return button != NULL && IsWindowVisible(button) && IsWindowEnabled(button) &&
           PostMessageW(button, BM_CLICK, 0, 0);
}

static bool write_text(HWND window, const char *arguments)
{
    const char *space = strchr(arguments, ' ');
    HWND field = GetDlgItem(window, atoi(arguments));
    wchar_t text[TEXT_LEN];
    DWORD_PTR result;

    return space != NULL && field != NULL && IsWindowVisible(field) &&
           MultiByteToWideChar(CP_UTF8, 0, space + 1, -1, text, TEXT_LEN) > 0 &&
           ask(field, WM_SETTEXT, 0, (LPARAM)text, &result);
}

static bool close_it(HWND window, const char *arguments)
{
    (void)arguments;
    return PostMessageW(window, WM_SYSCOMMAND, SC_CLOSE, 0);
}

static bool click_tray(HWND window, const char *arguments)
{
    (void)arguments;
    return PostMessageW(window, TRAY_CALL, 1, WM_RBUTTONUP);
}

static bool type_key(HWND window, const char *arguments)
{
    return PostMessageW(window, WM_CHAR, (WPARAM)arguments[0], 0);
}

static const struct {
    const char *name;
    bool (*run)(HWND window, const char *arguments);
} actions[] = {
    {"press", press},     {"text", write_text}, {"close", close_it},
    {"tray", click_tray}, {"key", type_key},
};

static void act(struct watch *watch, char *line)
{
    HWND window = FindWindowW(watch->class_name, NULL);
    char *arguments = strchr(line, ' ');
    char answer[64];

    if (arguments != NULL)
        *arguments++ = '\0';
    for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++) {
        if (strcmp(actions[i].name, line) != 0)
            continue;
        snprintf(answer, sizeof(answer), "{\"%s\":\"%s\"}",
                 window != NULL && actions[i].run(window, arguments != NULL ? arguments : "")
                     ? "done"
                     : "refused",
                 line);
        say(watch, answer);
        return;
    }
    say(watch, "{\"refused\":\"no such action\"}");
}

static DWORD WINAPI read_input(void *user)
{
    struct watch *watch = user;
    static char line[TEXT_LEN];

    while (fgets(line, sizeof(line), stdin) != NULL) {
        line[strcspn(line, "\r\n")] = '\0';
        act(watch, line);
    }
    SetEvent(watch->input_ended);
    return 0;
}

int main(int argc, char **argv)
{
    static struct watch watch;
    HANDLE reader;

    if (argc != 2 || strlen(argv[1]) >= 64) {
        fprintf(stderr, "window: CLASS is missing\n");
        return 2;
    }
    for (size_t i = 0; argv[1][i] != '\0'; i++)
        watch.class_name[i] = (wchar_t)argv[1][i];
    setvbuf(stdout, NULL, _IONBF, 0);
    InitializeCriticalSection(&watch.output);
    watch.input_ended = CreateEventW(NULL, TRUE, FALSE, NULL);
    reader = CreateThread(NULL, 0, read_input, &watch, 0, NULL);
    if (watch.input_ended == NULL || reader == NULL)
        return 1;
    do {
        look(&watch);
        /* a look at a page that is being changed is half of each: twice the same is one */
        if (strcmp(watch.now.text, watch.last.text) == 0 &&
            strcmp(watch.now.text, watch.said.text) != 0) {
            say(&watch, watch.now.text);
            watch.said = watch.now;
        }
        watch.last = watch.now;
    } while (WaitForSingleObject(watch.input_ended, TICK_MS) == WAIT_TIMEOUT);
    return 0;
}
