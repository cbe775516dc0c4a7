/*
 * softlan-svc.exe: sets up the SoftLAN adapter for players who are no administrators. Installed by the
 * installer; does nothing for anybody until softlan.exe asks on its pipe.
 */
#include <stdio.h>
#include <string.h>

#include "apps/common/exit.h"
#include "apps/svc-win/install.h"
#include "apps/svc-win/service.h"
#include "platform/windows/wincfg.h"

static int recover(char why[LP_WHY_LEN])
{
    int undone = lp_wincfg_recover(NULL, why);

    if (undone < 0)
        return undone;
    printf("restored %d settings\n", undone);
    return why[0] == '\0' ? 0 : -1;
}

struct command {
    const char *option;
    int (*run)(char why[LP_WHY_LEN]);
    const char *help;
};

static const struct command commands[] = {
    {"--install", lp_service_install, "makes the service and starts it (administrators)"},
    {"--remove", lp_service_remove, "stops the service and removes it (administrators)"},
    {"--recover", recover, "restores what an interrupted run has left (administrators)"},
    {"--run", lp_service_run, "for Windows's service manager"},
};

static int print_help(FILE *to)
{
    fprintf(to, "softlan-svc " LP_VERSION ": sets up the SoftLAN adapter for softlan.exe\n\n");
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
        fprintf(to, "  %-10s %s\n", commands[i].option, commands[i].help);
    return to == stdout ? LP_EXIT_OK : LP_EXIT_USAGE;
}

int main(int argc, char **argv)
{
    char why[LP_WHY_LEN] = "";

    if (argc == 2 && strcmp(argv[1], "--help") == 0)
        return print_help(stdout);
    for (size_t i = 0; argc == 2 && i < sizeof(commands) / sizeof(commands[0]); i++) {
        if (strcmp(argv[1], commands[i].option) != 0)
            continue;
        if (commands[i].run(why) >= 0)
            return LP_EXIT_OK;
        fprintf(stderr, "softlan-svc: %s\n", why);
        return LP_EXIT_FAILURE;
    }
    return print_help(stderr);
}
