#include "bed.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

bool bed_enter(void)
{
    if (unshare(CLONE_NEWNET | CLONE_NEWNS) != 0 ||
        mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
        mount("sysfs", "/sys", "sysfs", 0, NULL) != 0 ||
        access("/dev/net/tun", R_OK | W_OK) != 0) {
        printf("1..0 # SKIP network namespaces need root: %s\n", strerror(errno));
        return false;
    }
    if (!bed_try("ip link set lo up")) {
        printf("1..0 # SKIP no command ip\n");
        return false;
    }
    return true;
}

bool bed_try(const char *format, ...)
{
    char command[1024];
    char full[1100];
    va_list args;

    va_start(args, format);
    vsnprintf(command, sizeof(command), format, args);
    va_end(args);
    snprintf(full, sizeof(full), "{ %s; } >&2", command);
    return system(full) == 0;
}

static void be_neighbour(int to_parent, int from_parent, const char *address,
                         void (*work)(void *user), void *user)
{
    char go;

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (unshare(CLONE_NEWNET) != 0 || write(to_parent, "n", 1) != 1 ||
        read(from_parent, &go, 1) != 1)
        _exit(1);
    if (!bed_try("ip link set lo up && ip addr add %s dev peer && ip link set peer up",
                 address))
        _exit(1);
    if (write(to_parent, "u", 1) != 1)
        _exit(1);
    work(user);
    _exit(0);
}

pid_t bed_neighbour(const char *name, const char *address, void (*work)(void *user), void *user)
{
    int up[2], down[2];
    char word;
    pid_t pid;

    assert_int_equal(pipe2(up, O_CLOEXEC), 0);
    assert_int_equal(pipe2(down, O_CLOEXEC), 0);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0)
        be_neighbour(up[1], down[0], address, work, user);
    assert_int_equal(read(up[0], &word, 1), 1);
    bed_run("ip link add %s type veth peer name peer netns %d && ip link set %s up", name,
            (int)pid, name);
    assert_int_equal(write(down[1], "g", 1), 1);
    assert_int_equal(read(up[0], &word, 1), 1);
    close(up[0]);
    close(up[1]);
    close(down[0]);
    close(down[1]);
    return pid;
}

void bed_end(pid_t pid, const char *name)
{
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    bed_try("ip link del %s", name);
}
