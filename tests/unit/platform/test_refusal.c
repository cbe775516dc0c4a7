/* What cannot be opened or used, and the sentence that says why: cause and remedy. */
#include "bed.h"

#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void ignore(void *user, unsigned ready)
{
    (void)user;
    (void)ready;
}

static void packet_refused(const char *name, int expected, const char *cause,
                           const char *remedy)
{
    struct lp_link *link = NULL;
    char why[LP_WHY_LEN] = "";
    uv_loop_t loop;

    uv_loop_init(&loop);
    assert_int_equal(lp_link_open_packet(&loop, name, ignore, NULL, &link, why), expected);
    assert_null(link);
    if (strstr(why, cause) == NULL || strstr(why, remedy) == NULL)
        fail_msg("neither '%s' nor '%s' in: %s", cause, remedy, why);
    bed_close_loop(&loop);
}

static void interfaces_that_a_gateway_cannot_use(void **state)
{
    (void)state;
    packet_refused("none9", LP_ERR_NOTFOUND, "no interface 'none9'", "ip link");
    packet_refused("", LP_ERR_NOTFOUND, "no interface ''", "ip link");
    packet_refused("a-name-that-is-far-too-long-for-one", LP_ERR_NOTFOUND, "no interface",
                   "ip link");
    packet_refused("lo", LP_ERR_CONFIG, "lo is the loopback", "wired interface");

    bed_run("ip link add r0 type veth peer name r1");
    packet_refused("r0", LP_ERR_CONFIG, "r0 is down", "ip link set r0 up");
    bed_run("ip link set r0 up");
    packet_refused("r0", LP_ERR_CONFIG, "r0 has no carrier", "cable");
    bed_run("ip link del r0");

    bed_run("ip tuntap add dev rt0 mode tun && ip link set rt0 up");
    packet_refused("rt0", LP_ERR_CONFIG, "rt0 is no Ethernet", "wired interface");
    bed_run("ip link del rt0");
}

/* Wi-Fi as the kernel's /sys shows it, on a veth: the driver's own devices are not to be had.
 */
static void wifi_is_refused(void **state)
{
    static const char *const marks[] = {
        "mkdir -p /sys/class/net/r0/wireless",
        "mkdir -p /sys/class/net/r0/phy80211",
        "printf 'DEVTYPE=wlan\\nINTERFACE=r0\\n' > /sys/class/net/r0/uevent",
    };
    struct lp_link *link = NULL;
    char why[LP_WHY_LEN];
    uv_loop_t loop;

    (void)state;
    bed_run("ip link add r0 type veth peer name r1 && ip link set r0 up && ip link set r1 up");
    for (int i = 0; i < 3; i++) {
        bed_run("index=$(cat /sys/class/net/r0/ifindex) && mount -t tmpfs none /sys && "
                "mkdir -p /sys/class/net/r0 && echo $index > /sys/class/net/r0/ifindex && %s",
                marks[i]);
        packet_refused("r0", LP_ERR_CONFIG, "r0 is a Wi-Fi interface", "plug in a cable");
        /* another network namespace's interface of the same name says nothing about ours */
        bed_run("echo 99999 > /sys/class/net/r0/ifindex");
        uv_loop_init(&loop);
        assert_int_equal(lp_link_open_packet(&loop, "r0", ignore, NULL, &link, why), 0);
        lp_link_close(link);
        bed_close_loop(&loop);
        bed_run("umount /sys");
    }
    bed_run("ip link del r0");
}

static void tap_refused(const char *name, int expected, const char *cause, const char *remedy)
{
    struct lp_tap_options options = {
        .name = name, .mac = bed_mac("02:00:00:00:00:01"), .mtu = 1380};
    struct lp_link *link = NULL;
    char why[LP_WHY_LEN] = "", looked[LP_WHY_LEN] = "";
    uv_loop_t loop;

    uv_loop_init(&loop);
    assert_int_equal(lp_link_open_tap(&loop, &options, ignore, NULL, &link, why), expected);
    assert_null(link);
    if (strstr(why, cause) == NULL || strstr(why, remedy) == NULL)
        fail_msg("neither '%s' nor '%s' in: %s", cause, remedy, why);
    bed_close_loop(&loop);
    /* and the same before it is tried */
    assert_int_equal(lp_link_check_tap(name, looked), expected);
    assert_string_equal(looked, why);
}

static void taps_that_cannot_be_had(void **state)
{
    struct lp_tap_options options = {
        .name = "rb0", .mac = bed_mac("02:00:00:00:00:01"), .mtu = 1380};
    struct lp_link *link = NULL;
    char why[LP_WHY_LEN];
    uv_loop_t loop;

    (void)state;
    tap_refused("", LP_ERR_INVALID, "'' is no interface name", "1 to 15");
    tap_refused("sixteen-letters-", LP_ERR_INVALID, "is no interface name", "1 to 15");
    bed_run("ip link add r0 type veth peer name r1");
    tap_refused("r0", LP_ERR_EXISTS, "r0 exists and is no TAP", "choose another name");
    bed_run("ip link del r0 && ip tuntap add dev rt0 mode tun");
    tap_refused("rt0", LP_ERR_EXISTS, "rt0 exists and is no TAP", "choose another name");
    bed_run("ip link del rt0 && ip tuntap add dev rq0 mode tap multi_queue");
    tap_refused("rq0", LP_ERR_EXISTS, "multi_queue", "choose another name");
    bed_run("ip link del rq0");

    uv_loop_init(&loop);
    assert_int_equal(lp_link_open_tap(&loop, &options, ignore, NULL, &link, why), 0);
    tap_refused("rb0", LP_ERR_BUSY, "rb0 is in use by another program", "choose another name");
    bed_run("ip link show rb0 | grep -q UP");
    lp_link_close(link);
    bed_close_loop(&loop);

    bed_run("mount -t tmpfs none /dev/net");
    tap_refused("rb0", LP_ERR_UNSUPPORTED, "/dev/net/tun is missing", "modprobe tun");
    bed_run("umount /dev/net");
}

/* A look changes nothing: none is made, and one that exists stays what it was. */
static void a_look_at_a_tap_leaves_it_alone(void **state)
{
    char why[LP_WHY_LEN];

    (void)state;
    assert_int_equal(lp_link_check_tap("rl0", why), 0);
    bed_run("! ip link show rl0 2>/dev/null");
    bed_run("ip tuntap add dev rl0 mode tap && "
            "ip link set rl0 address 02:00:00:00:00:77 mtu 1400 up");
    assert_int_equal(lp_link_check_tap("rl0", why), 0);
    bed_run("ip link show rl0 | grep -q 'mtu 1400 ' && "
            "ip link show rl0 | grep -q 02:00:00:00:00:77 && ip link show rl0 | grep -q ',UP'");
    assert_int_equal(lp_link_check_tap("rl0", why), 0); /* and free again */
    bed_run("ip link del rl0");
}

static void adapters_are_listed_on_windows_only(void **state)
{
    struct lp_tap_adapter adapters[1];
    char why[LP_WHY_LEN] = "";

    (void)state;
    assert_int_equal(lp_tap_adapters(adapters, 1, why), LP_ERR_UNSUPPORTED);
    assert_ptr_equal(strstr(why, "unsupported platform: "), why);
}

static void an_mtu_that_the_kernel_refuses_leaves_no_tap(void **state)
{
    struct lp_tap_options options = {
        .name = "rb0", .mac = bed_mac("02:00:00:00:00:01"), .mtu = 100000};
    struct lp_link *link = NULL;
    char why[LP_WHY_LEN] = "";
    uv_loop_t loop;

    (void)state;
    uv_loop_init(&loop);
    assert_true(lp_link_open_tap(&loop, &options, ignore, NULL, &link, why) < 0);
    assert_non_null(strstr(why, "MTU 100000"));
    bed_close_loop(&loop);
    assert_false(bed_try("ip link show rb0 2>/dev/null"));
}

static void bridge_refused(const char *bridge, int expected, const char *cause,
                           const char *remedy)
{
    struct lp_link *link = NULL;
    char why[LP_WHY_LEN] = "";
    uv_loop_t loop;

    uv_loop_init(&loop);
    assert_int_equal(lp_link_open_bridge_port(&loop, bridge, NULL, ignore, NULL, &link, why),
                     expected);
    assert_null(link);
    if (strstr(why, cause) == NULL || strstr(why, remedy) == NULL)
        fail_msg("neither '%s' nor '%s' in: %s", cause, remedy, why);
    bed_close_loop(&loop);
}

static void bridges_that_are_none(void **state)
{
    (void)state;
    bridge_refused("br9", LP_ERR_NOTFOUND, "no bridge 'br9'", "--interface");
    bed_run("ip link add r0 type veth peer name r1");
    bridge_refused("r0", LP_ERR_CONFIG, "r0 is no bridge", "--interface r0");
    bed_run("ip link add br9 type bridge && ip link set r0 master br9");
    bridge_refused("r0", LP_ERR_CONFIG, "r0 is a port of the bridge br9", "--bridge br9");
    bed_run("ip link del r0 && ip link del br9");
}

/* In a child, because capabilities that are gone do not come back. Returns its exit status. */
static int without_rights(int (*work)(void))
{
    int status = -1;
    pid_t pid = fork();

    if (pid == 0) {
        int uid_changed = setuid(65534);

        _exit(uid_changed != 0 ? 9 : work());
    }
    waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int packet_needs_root(void)
{
    struct lp_link *link;
    char why[LP_WHY_LEN] = "";
    uv_loop_t loop;

    uv_loop_init(&loop);
    if (lp_link_open_packet(&loop, "r0", ignore, NULL, &link, why) != LP_ERR_PERMISSION)
        return 1;
    return strstr(why, "run as root") == NULL ? 2 : 0;
}

static int tap_needs_root(void)
{
    struct lp_tap_options options = {.name = "rb0", .mac = {{2, 0, 0, 0, 0, 1}}, .mtu = 1380};
    struct lp_link *link;
    char why[LP_WHY_LEN] = "";
    uv_loop_t loop;

    uv_loop_init(&loop);
    if (lp_link_open_tap(&loop, &options, ignore, NULL, &link, why) != LP_ERR_PERMISSION)
        return 1;
    return strstr(why, "run as root") == NULL ? 2 : 0;
}

static int low_port_needs_root(void)
{
    struct lp_udp_options options = {.bind = {.family = LP_ADDR_IPV4, .port = 443}};
    struct lp_udp *udp;
    char why[LP_WHY_LEN] = "";
    uv_loop_t loop;

    uv_loop_init(&loop);
    if (lp_udp_open(&loop, &options, ignore, NULL, &udp, why) != LP_ERR_PERMISSION)
        return 1;
    return strstr(why, "UDP port 443") == NULL || strstr(why, "above 1023") == NULL ? 2 : 0;
}

static int default_route_needs_root(void)
{
    char why[LP_WHY_LEN] = "";

    if (lp_interface_refuse_default_route("r0", why) != LP_ERR_PERMISSION)
        return 1;
    return strstr(why, "accept_ra_defrtr=0") == NULL ? 2 : 0;
}

static void ordinary_users_are_told_so(void **state)
{
    (void)state;
    bed_run("ip link add r0 type veth peer name r1 && ip link set r0 up && ip link set r1 up");
    assert_int_equal(without_rights(packet_needs_root), 0);
    assert_int_equal(without_rights(tap_needs_root), 0);
    assert_int_equal(without_rights(low_port_needs_root), 0);
    assert_int_equal(without_rights(default_route_needs_root), 0);
    bed_run("ip link del r0");
}

/* ---- programs ---- */

/* Empties /usr/sbin, where udhcpc is, and /run, for what the test writes; in this process
 * alone. */
static int hide(void **state)
{
    (void)state;
    bed_run("mount -t tmpfs none /usr/sbin && mount -t tmpfs none /run");
    if (!bed_try("test /sbin -ef /usr/sbin"))
        bed_run("mount -t tmpfs none /sbin");
    return 0;
}

static void a_missing_dhcp_program_is_named(void **state)
{
    struct lp_dhcp *dhcp = NULL;
    char why[LP_WHY_LEN] = "";
    uv_loop_t loop;

    (void)state;
    uv_loop_init(&loop);
    assert_int_equal(lp_dhcp_start(&loop, "none9", NULL, NULL, &dhcp, why), LP_ERR_NOTFOUND);
    assert_int_equal(lp_dhcp_start(&loop, "lo", NULL, NULL, &dhcp, why), LP_ERR_UNSUPPORTED);
    assert_non_null(strstr(why, "install the package udhcpc"));
    assert_null(dhcp);
    bed_close_loop(&loop);
}

static void dns_goes_through_resolvectl(void **state)
{
    struct lp_addr servers[2] = {bed_addr("10.0.0.53", 0), bed_addr("fd00::53", 0)};
    char why[LP_WHY_LEN] = "";

    (void)state;
    if (bed_try("test -e /usr/bin/resolvectl"))
        bed_run("mount --bind /dev/null /usr/bin/resolvectl");
    assert_int_equal(lp_dns_use("lo", servers, 2, why), LP_ERR_UNSUPPORTED);
    assert_non_null(strstr(why, "systemd-resolved"));
    lp_dns_restore("lo");
    assert_int_equal(lp_dns_use("lo", servers, 0, why), LP_ERR_INVALID);

    bed_run(
        "printf '#!/bin/sh\\necho \"$@\" >> /run/resolvectl.log\\n' > /usr/sbin/resolvectl && "
        "chmod +x /usr/sbin/resolvectl");
    assert_int_equal(lp_dns_use("softlan0", servers, 2, why), 0);
    lp_dns_restore("softlan0");
    bed_run("printf 'dns softlan0 10.0.0.53 fd00::53\\nrevert softlan0\\n' | "
            "cmp - /run/resolvectl.log");

    bed_run("printf '#!/bin/sh\\nexit 1\\n' > /usr/sbin/resolvectl");
    assert_int_equal(lp_dns_use("softlan0", servers, 2, why), LP_ERR_IO);
    assert_non_null(strstr(why, "systemd-resolved running"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(interfaces_that_a_gateway_cannot_use),
        cmocka_unit_test(wifi_is_refused),
        cmocka_unit_test(taps_that_cannot_be_had),
        cmocka_unit_test(a_look_at_a_tap_leaves_it_alone),
        cmocka_unit_test(adapters_are_listed_on_windows_only),
        cmocka_unit_test(an_mtu_that_the_kernel_refuses_leaves_no_tap),
        cmocka_unit_test(bridges_that_are_none),
        cmocka_unit_test(ordinary_users_are_told_so),
        /* from here on /usr/sbin is empty */
        cmocka_unit_test_setup(a_missing_dhcp_program_is_named, hide),
        cmocka_unit_test(dns_goes_through_resolvectl),
    };

    if (!bed_enter())
        return 0;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
