/* DNS servers of one interface, through systemd-resolved's command. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/err.h"
#include "platform/linux/errno.h"
#include "platform/linux/program.h"
#include "platform/platform.h"

#define SERVERS_MAX 8
#define TIMEOUT_MS  3000

/* Waits for the child and kills it when it takes too long. Returns its exit status, or -1. */
static int wait_for(pid_t pid)
{
    struct pollfd watch = {.fd = (int)syscall(SYS_pidfd_open, pid, 0), .events = POLLIN};
    int status;

    if (watch.fd < 0 || poll(&watch, 1, TIMEOUT_MS) != 1)
        kill(pid, SIGKILL);
    if (watch.fd >= 0)
        close(watch.fd);
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int run(const char *path, char *const argv[])
{
    static char *const environment[] = {"PATH=" LP_PROGRAM_SEARCH, NULL};
    posix_spawn_file_actions_t actions;
    pid_t pid;
    int number;

    posix_spawn_file_actions_init(&actions);
    for (int fd = 0; fd <= 2; fd++)
        posix_spawn_file_actions_addopen(&actions, fd, "/dev/null", O_RDWR, 0);
    number = posix_spawn(&pid, path, &actions, NULL, argv, environment);
    posix_spawn_file_actions_destroy(&actions);
    return number != 0 ? -1 : wait_for(pid);
}

int lp_dns_use(const char *interface, const struct lp_addr servers[], unsigned count,
               char why[LP_WHY_LEN])
{
    char path[LP_PROGRAM_PATH_LEN];
    char texts[SERVERS_MAX][LP_ADDR_TEXT_LEN];
    char *argv[4 + SERVERS_MAX] = {"resolvectl", "dns", (char *)(uintptr_t)interface};
    unsigned used = count < SERVERS_MAX ? count : SERVERS_MAX;

    if (used == 0)
        return lp_why(LP_ERR_INVALID, why, "the party names no DNS server: keep your own");
    for (unsigned i = 0; i < used; i++)
        argv[3 + i] = lp_addr_format_ip(&servers[i], texts[i]);
    if (!lp_program_find("resolvectl", path))
        return lp_why(
            LP_ERR_UNSUPPORTED, why,
            "the party's DNS servers cannot be used: resolvectl is not there; install the "
            "package systemd-resolved, or keep your own DNS");
    if (run(path, argv) != 0)
        return lp_why(
            LP_ERR_IO, why,
            "the party's DNS servers cannot be used: 'resolvectl dns %s' failed; is the "
            "service systemd-resolved running?",
            interface);
    return 0;
}

void lp_dns_restore(const char *interface)
{
    char path[LP_PROGRAM_PATH_LEN];
    char *argv[] = {"resolvectl", "revert", (char *)(uintptr_t)interface, NULL};

    if (lp_program_find("resolvectl", path))
        run(path, argv);
}
