/*
 * softlan-svc.exe: sets up the SoftLAN adapter for players who are no administrators. Installed by the
 * installer; does nothing for anybody until softlan.exe asks on its pipe.
 */
#include <stdio.h>
#include <string.h>

#include "apps/common/exit.h"
#include "apps/svc-win/install.h"
#include "apps/svc-win/leftovers.h"
#include "apps/svc-win/service.h"
#include "apps/svc-win/windows.h"
#include "base/err.h"
#include "platform/windows/adapter_create.h"
#include "platform/windows/errno.h"
#include "platform/windows/win.h"
#include "platform/windows/wincfg.h"

#include <shellapi.h>

static int recover(char why[LP_WHY_LEN])
{
    int undone = lp_wincfg_recover(NULL, why);

    if (undone < 0)
        return undone;
    printf("restored %d settings\n", undone);
    return why[0] == '\0' ? 0 : -1;
}

static int create_adapter(const wchar_t *driver_dir, char *why)
{
    int made = lp_adapter_create(driver_dir, why);

    if (made >= 0)
        printf("%s the adapter \"SoftLAN\"\n", made > 0 ? "made" : "kept");
    return made;
}

/* Wide: the folder may have any name. */
static int create_adapter_from(char why[LP_WHY_LEN])
{
    int argc = 0;
    wchar_t **argv = CommandLineToArgvW(GetCommandLineW(), &argc);
    int err;

    if (argv == NULL || argc != 3)
        err = lp_why(LP_ERR_INVALID, why, "the folder of the driver cannot be read");
    else
        err = create_adapter(argv[2], why);
    LocalFree(argv);
    return err;
}

static int create_adapter_only(char why[LP_WHY_LEN])
{
    return create_adapter(NULL, why);
}

struct command {
    const char *option;
    const char *argument; /* NULL: none */
    int (*run)(char why[LP_WHY_LEN]);
    const char *help;
};

static const struct command commands[] = {
    {"--install", NULL, lp_service_install, "makes the service and starts it"},
    {"--stop", NULL, lp_service_stop, "stops the service"},
    {"--remove", NULL, lp_service_remove, "stops the service and removes it"},
    {"--recover", NULL, recover, "restores what an interrupted run has left"},
    {"--adapter-create", "FOLDER", create_adapter_from,
     "makes the adapter \"SoftLAN\" with the driver in the folder"},
    {"--adapter-create", NULL, create_adapter_only,
     "makes the adapter \"SoftLAN\" with the driver that Windows has"},
    {"--adapter-remove", NULL, lp_adapter_remove, "removes the adapter \"SoftLAN\""},
    {"--close-windows", NULL, lp_windows_close, "ends softlan.exe, for a new version"},
    {"--clean", NULL, lp_leftovers_remove, "as --recover, and removes journal and log"},
    {"--run", NULL, lp_service_run, "for Windows's service manager"},
};

static int print_help(FILE *to)
{
    fprintf(to, "softlan-svc " LP_VERSION ": sets up the SoftLAN adapter for softlan.exe. What "
                "follows is for administrators.\n\n");
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
        const struct command *command = &commands[i];

        fprintf(to, "  %-16s %-7s %s\n", command->option,
                command->argument != NULL ? command->argument : "", command->help);
    }
    return to == stdout ? LP_EXIT_OK : LP_EXIT_USAGE;
}

int main(int argc, char **argv)
{
    char why[LP_WHY_LEN] = "";

    if (argc == 2 && strcmp(argv[1], "--help") == 0)
        return print_help(stdout);
    for (size_t i = 0; argc > 1 && i < sizeof(commands) / sizeof(commands[0]); i++) {
        if (strcmp(argv[1], commands[i].option) != 0 ||
            argc != (commands[i].argument != NULL ? 3 : 2))
            continue;
        if (commands[i].run(why) >= 0)
            return LP_EXIT_OK;
        fprintf(stderr, "softlan-svc: %s\n", why);
        return LP_EXIT_FAILURE;
    }
    return print_help(stderr);
}
