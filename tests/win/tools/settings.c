/*
 * Drives wincfg.h, and the service's pipe, by a script of steps, so that the tests see each one's effect:
 *
 *   settings STEP...
 *     local | service            opens in this process, or through the service
 *     prepare GUID MAC | pin ADDRESS | configure MTU METRIC | check | close
 *     party-dns                  as configure 1380 1, with the party's DNS servers used
 *     recover                    undoes what an earlier run has left
 *     pipe                       opens the service's pipe as a hostile caller would
 *     send HEX | flood N         one message, or one of N octets; `flood` reads no reply
 *     stuff HEX                  the message again and again, without a look at any answer, until it
 *                                is not taken any more
 *     crowd N                    opens the pipe that many times more, and keeps what it gets
 *     read                       prints a message: "reply HEX" or "closed"
 *     drop                       closes the pipe without a word
 *     wait                       says "waiting" and waits for a line on stdin, or its end
 *     die                        ends at once, as a crash does
 *
 * Each step prints one line: "STEP: 0 ..." or "STEP: ERROR_NAME sentence". Exit: 0 unless a step is
 * not known.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/hex.h"
#include "platform/windows/svcpipe.h"
#include "platform/windows/win.h"
#include "platform/windows/wincfg.h"

#define FLOOD_MAX     200000
#define READ_MS       15000
#define STUFF_MAX     100000
#define CROWD_WAIT_MS 10

struct drive {
    struct lp_wincfg *cfg;
    HANDLE pipe;
    HANDLE event;
    char **arg; /* the step's own arguments */
    char why[LP_WHY_LEN];
};

typedef int step_fn(struct drive *drive);

static int open_local(struct drive *drive)
{
    return lp_wincfg_open_local(NULL, &drive->cfg, drive->why);
}

static int open_service(struct drive *drive)
{
    return lp_wincfg_open_service(&drive->cfg, drive->why);
}

static int prepare(struct drive *drive)
{
    char guid[LP_ADAPTER_GUID_LEN];
    struct lp_mac mac;

    snprintf(guid, sizeof(guid), "%s", drive->arg[0]);
    if (lp_mac_parse(drive->arg[1], &mac) != 0)
        return LP_ERR_MALFORMED;
    return lp_wincfg_prepare(drive->cfg, guid, &mac, drive->why);
}

static int pin(struct drive *drive)
{
    struct lp_addr relay;

    if (lp_addr_parse_ip(drive->arg[0], 443, &relay) != 0)
        return LP_ERR_MALFORMED;
    return lp_wincfg_pin(drive->cfg, &relay, drive->why);
}

static int configure(struct drive *drive)
{
    const struct lp_wincfg_settings settings = {.mtu = (unsigned)atoi(drive->arg[0]),
                                                .metric = (unsigned)atoi(drive->arg[1])};

    return lp_wincfg_configure(drive->cfg, &settings, drive->why);
}

static int party_dns(struct drive *drive)
{
    const struct lp_wincfg_settings settings = {
        .mtu = 1380, .metric = 1, .use_party_dns = true};

    return lp_wincfg_configure(drive->cfg, &settings, drive->why);
}

static int check(struct drive *drive)
{
    struct lp_wincfg_status status;
    char hop[LP_ADDR_TEXT_LEN];
    int err = lp_wincfg_check(drive->cfg, &status, drive->why);

    if (err == 0)
        snprintf(
            drive->why, sizeof(drive->why),
            "pinned=%d borrowed=%d hold=%d reasserted=%u private=%d dns=%d prefix=%u via=%s",
            status.route_pinned, status.route_borrowed, status.settings_hold, status.reasserted,
            status.category_private, status.dns_kept, status.route.prefix_len,
            lp_addr_format_ip(&status.route.next_hop, hop));
    return err;
}

static int close_cfg(struct drive *drive)
{
    lp_wincfg_close(drive->cfg, drive->why);
    drive->cfg = NULL;
    return 0;
}

static int recover(struct drive *drive)
{
    return lp_wincfg_recover(NULL, drive->why);
}

static int open_pipe(struct drive *drive)
{
    DWORD mode = PIPE_READMODE_MESSAGE;

    drive->event = CreateEventW(NULL, TRUE, FALSE, NULL);
    drive->pipe = CreateFileW(
        LP_SERVICE_PIPE, LP_SERVICE_PIPE_ACCESS, 0, NULL, OPEN_EXISTING,
        FILE_FLAG_OVERLAPPED | SECURITY_SQOS_PRESENT | SECURITY_IDENTIFICATION, NULL);
    if (drive->pipe == INVALID_HANDLE_VALUE ||
        !SetNamedPipeHandleState(drive->pipe, &mode, NULL, NULL)) {
        snprintf(drive->why, sizeof(drive->why), "error %lu", GetLastError());
        return LP_ERR_IO;
    }
    return 0;
}

static int write_pipe(struct drive *drive, const void *bytes, size_t len)
{
    DWORD number =
        lp_svcpipe_write(drive->pipe, drive->event, NULL, bytes, (DWORD)len, READ_MS);

    snprintf(drive->why, sizeof(drive->why), "error %lu", number);
    return number == NO_ERROR ? 0 : LP_ERR_IO;
}

static int send_hex(struct drive *drive)
{
    uint8_t bytes[2048];
    size_t len = strlen(drive->arg[0]);

    if (len > 2 * sizeof(bytes) || lp_hex_decode(drive->arg[0], len, bytes) != 0)
        return LP_ERR_MALFORMED;
    return write_pipe(drive, bytes, len / 2);
}

static int flood(struct drive *drive)
{
    static uint8_t bytes[FLOOD_MAX];
    size_t len = (size_t)atoi(drive->arg[0]);

    if (len > sizeof(bytes))
        return LP_ERR_RANGE;
    memset(bytes, 'A', len);
    return write_pipe(drive, bytes, len);
}

static int stuff(struct drive *drive)
{
    char last[LP_WHY_LEN];
    unsigned sent = 0;

    while (sent < STUFF_MAX && send_hex(drive) == 0)
        sent++;
    strcpy(last, drive->why);
    snprintf(drive->why, sizeof(drive->why), "%.40s after %u", last, sent);
    return 0;
}

/* Who finds no place waits for one a moment, and goes on without. */
static int crowd(struct drive *drive)
{
    unsigned wanted = (unsigned)atoi(drive->arg[0]), got = 0;

    for (unsigned i = 0; i < wanted; i++) {
        HANDLE pipe = CreateFileW(LP_SERVICE_PIPE, LP_SERVICE_PIPE_ACCESS, 0, NULL,
                                  OPEN_EXISTING, FILE_FLAG_OVERLAPPED, NULL);

        if (pipe != INVALID_HANDLE_VALUE)
            got++; /* kept until the process ends */
        else
            (void)WaitNamedPipeW(LP_SERVICE_PIPE, CROWD_WAIT_MS);
    }
    snprintf(drive->why, sizeof(drive->why), "%u of %u came in", got, wanted);
    return 0;
}

static int read_pipe(struct drive *drive)
{
    uint8_t bytes[128]; /* of a longer reply the start: all is said there */
    DWORD len = 0;
    DWORD number =
        lp_svcpipe_read(drive->pipe, drive->event, NULL, bytes, sizeof(bytes), READ_MS, &len);

    if (number == NO_ERROR || number == ERROR_MORE_DATA) {
        strcpy(drive->why, "reply ");
        lp_hex_encode(bytes, len, drive->why + strlen(drive->why));
        return 0;
    }
    if (number == ERROR_TIMEOUT)
        return LP_ERR_TIMEOUT;
    snprintf(drive->why, sizeof(drive->why), "closed");
    return 0;
}

static int drop(struct drive *drive)
{
    CloseHandle(drive->pipe);
    return 0;
}

static int wait_for_line(struct drive *drive)
{
    char line[16];

    (void)drive;
    printf("waiting\n");
    return fgets(line, sizeof(line), stdin) != NULL ? 0 : LP_ERR_CLOSED;
}

static int die(struct drive *drive)
{
    (void)drive;
    TerminateProcess(GetCurrentProcess(), 9);
    return 0;
}

static const struct {
    const char *name;
    int args;
    step_fn *run;
} steps[] = {
    {"local", 0, open_local},
    {"service", 0, open_service},
    {"prepare", 2, prepare},
    {"pin", 1, pin},
    {"configure", 2, configure},
    {"check", 0, check},
    {"close", 0, close_cfg},
    {"recover", 0, recover},
    {"pipe", 0, open_pipe},
    {"send", 1, send_hex},
    {"flood", 1, flood},
    {"stuff", 1, stuff},
    {"crowd", 1, crowd},
    {"read", 0, read_pipe},
    {"drop", 0, drop},
    {"wait", 0, wait_for_line},
    {"die", 0, die},
    {"party-dns", 0, party_dns},
};

/* How many arguments it took, -1 when the step is not known. */
static int run_step(struct drive *drive, char **arg, int left)
{
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        int result;

        if (strcmp(arg[0], steps[i].name) != 0 || left <= steps[i].args)
            continue;
        drive->why[0] = '\0';
        drive->arg = arg + 1;
        result = steps[i].run(drive);
        if (result < 0)
            printf("%s: %s %s\n", arg[0], lp_err_name(result), drive->why);
        else
            printf("%s: %d%s%s\n", arg[0], result, drive->why[0] != '\0' ? " " : "",
                   drive->why);
        return 1 + steps[i].args;
    }
    return -1;
}

int main(int argc, char **argv)
{
    struct drive drive = {.pipe = INVALID_HANDLE_VALUE};

    setvbuf(stdout, NULL, _IONBF, 0);
    for (int at = 1; at < argc;) {
        int took = run_step(&drive, argv + at, argc - at);

        if (took < 0) {
            fprintf(stderr, "settings: %s is no step\n", argv[at]);
            return 2;
        }
        at += took;
    }
    return 0;
}
