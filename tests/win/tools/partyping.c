/* partyping.exe ADAPTER: the round trip that the window shows, once. */
#include <stdio.h>

#include "apps/gui-win/partyping.h"

int main(int argc, char **argv)
{
    struct lp_partyping ping = {.ms = -1};
    uv_loop_t loop;

    if (argc != 2 || uv_loop_init(&loop) != 0 || !lp_partyping_start(&ping, &loop, argv[1]))
        return 1;
    uv_run(&loop, UV_RUN_DEFAULT);
    uv_loop_close(&loop);
    printf("%.1f\n", ping.ms);
    return 0;
}
