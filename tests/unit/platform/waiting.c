#include "waiting.h"

#include <string.h>

#ifdef _WIN32
#include "platform/windows/win.h"

bool bed_is_wine(void)
{
    return GetProcAddress(GetModuleHandleW(L"ntdll.dll"), "wine_get_version") != NULL;
}
#else
bool bed_is_wine(void)
{
    return false;
}
#endif

struct lp_addr bed_addr(const char *text, uint16_t port)
{
    struct lp_addr addr;

    assert_int_equal(lp_addr_parse_ip(text, port, &addr), 0);
    return addr;
}

struct lp_mac bed_mac(const char *text)
{
    struct lp_mac mac;

    assert_int_equal(lp_mac_parse(text, &mac), 0);
    return mac;
}

static void on_deadline(uv_timer_t *timer)
{
    *(bool *)timer->data = true;
}

bool bed_wait(uv_loop_t *loop, bool (*done)(void *user), void *user, unsigned deadline_ms)
{
    bool late = false;
    uv_timer_t timer;

    uv_timer_init(loop, &timer);
    timer.data = &late;
    uv_timer_start(&timer, on_deadline, deadline_ms, 0);
    while (!late && !done(user))
        uv_run(loop, UV_RUN_ONCE);
    uv_close((uv_handle_t *)&timer, NULL);
    uv_run(loop, UV_RUN_NOWAIT);
    return done(user);
}

void bed_close_loop(uv_loop_t *loop)
{
    uv_run(loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(loop), 0);
}

void bed_udp_on_ready(void *user, unsigned ready)
{
    struct bed_udp *end = user;

    end->ready |= ready;
    if (end->close_in_callback) {
        lp_udp_close(end->udp);
        end->udp = NULL;
    }
}

void bed_udp_open(uv_loop_t *loop, struct bed_udp *end, const char *ip, bool no_offload)
{
    struct lp_udp_options options = {
        .bind = bed_addr(ip, 0),
        .no_gso = no_offload,
        .no_gro = no_offload,
    };
    char why[LP_WHY_LEN];

    memset(end, 0, sizeof(*end));
    assert_int_equal(lp_udp_open(loop, &options, bed_udp_on_ready, end, &end->udp, why), 0);
}

struct lp_addr bed_udp_addr(const struct bed_udp *end)
{
    struct lp_addr addr;

    lp_udp_local(end->udp, &addr);
    assert_int_not_equal(addr.port, 0);
    return addr;
}

bool bed_udp_is_readable(void *user)
{
    struct bed_udp *end = user;

    return (end->ready & LP_READY_READ) != 0;
}

bool bed_udp_is_writable(void *user)
{
    struct bed_udp *end = user;

    return (end->ready & LP_READY_WRITE) != 0;
}

int bed_udp_receive(uv_loop_t *loop, struct bed_udp *end, struct lp_udp_rx rx[],
                    unsigned capacity)
{
    int got = lp_udp_receive(end->udp, rx, capacity);

    if (got != LP_ERR_AGAIN)
        return got;
    end->ready = 0;
    assert_true(bed_wait(loop, bed_udp_is_readable, end, BED_DEADLINE_MS));
    return lp_udp_receive(end->udp, rx, capacity);
}
