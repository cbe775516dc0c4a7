/* The route to the relay, addresses, overlapping subnets, router advertisements. */
#include "bed.h"

#include <net/if.h>
#include <stdio.h>
#include <string.h>

/* home: the player's own network, with a router; party: the TAP */
static int set_up(void **state)
{
    (void)state;
    bed_run("ip link add home type veth peer name homepeer && ip link set homepeer up && "
            "ip link set home up && ip link add party type veth peer name partypeer && "
            "ip link set partypeer up && ip link set party up && "
            "ip addr add 10.5.0.7/24 dev home && ip addr add fd05::7/64 dev home nodad && "
            "ip addr add 10.6.0.7/16 dev party && ip addr add fd06::7/64 dev party nodad && "
            "ip route add default via 10.5.0.1 metric 77 && "
            "ip -6 route add default via fd05::1 metric 78");
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    bed_run("ip link del home; ip link del party");
    return 0;
}

static struct lp_route look_up(const char *text)
{
    struct lp_addr to = bed_addr(text, 443);
    struct lp_route route;

    assert_int_equal(lp_route_lookup(&to, &route), 0);
    return route;
}

static void assert_way(const struct lp_route *route, const char *interface,
                       const char *next_hop, unsigned prefix_len)
{
    struct lp_addr expected = {.family = LP_ADDR_NONE};

    if (next_hop != NULL)
        expected = bed_addr(next_hop, 0);
    assert_string_equal(route->interface, interface);
    assert_int_equal(route->interface_index, if_nametoindex(interface));
    assert_true(lp_addr_equal(&route->next_hop, &expected));
    assert_int_equal(route->prefix_len, prefix_len);
}

static void lookups_tell_way_and_entry(void **state)
{
    struct lp_addr source4 = bed_addr("10.5.0.7", 0), source6 = bed_addr("fd05::7", 0);
    struct lp_addr none = {.family = LP_ADDR_NONE};
    struct lp_route route = look_up("192.0.2.1");

    (void)state;
    assert_way(&route, "home", "10.5.0.1", 0);
    assert_int_equal(route.metric, 77);
    assert_true(lp_addr_equal(&route.source, &source4));
    route = look_up("2001:db8::1");
    assert_way(&route, "home", "fd05::1", 0);
    assert_int_equal(route.metric, 78);
    assert_true(lp_addr_equal(&route.source, &source6));
    route = look_up("10.6.99.1");
    assert_way(&route, "party", NULL, 16);
    route = look_up("127.0.0.1");
    assert_string_equal(route.interface, "lo");
    route = look_up("::1");
    assert_string_equal(route.interface, "lo");

    assert_int_equal(lp_route_lookup(&none, &route), LP_ERR_INVALID);
    bed_run(
        "ip route add unreachable 192.0.2.0/24 && ip -6 route add unreachable 2001:db8::/32");
    assert_int_equal(
        lp_route_lookup(&(struct lp_addr){.family = LP_ADDR_IPV4, .ip = {192, 0, 2, 1}},
                        &route),
        LP_ERR_NOTFOUND);
    none = bed_addr("2001:db8::1", 0);
    assert_int_equal(lp_route_lookup(&none, &route), LP_ERR_NOTFOUND);
    bed_run(
        "ip route del unreachable 192.0.2.0/24 && ip -6 route del unreachable 2001:db8::/32");
}

/* Pinned; a better route of the party does not capture it; removed it comes back; unpinned it
 * goes. */
static void pin_holds(const char *relay, const char *via, unsigned bits, const char *capture)
{
    struct lp_addr to = bed_addr(relay, 443);
    struct lp_route_pin *pin;
    struct lp_route route;
    char why[LP_WHY_LEN] = "";

    if (lp_route_pin(&to, &pin, why) != 0)
        fail_msg("%s", why);
    route = look_up(relay);
    assert_way(&route, "home", via, bits);
    bed_run("ip route add %s dev party", capture);
    route = look_up(relay);
    assert_way(&route, "home", via, bits);
    assert_int_equal(lp_route_pin_check(pin, &route), 0);
    assert_way(&route, "home", via, bits);

    bed_run("ip route del %s", relay);
    route = look_up(relay);
    assert_string_equal(route.interface, "party");
    assert_int_equal(lp_route_pin_check(pin, &route), 0);
    assert_way(&route, "home", via, bits);

    lp_route_unpin(pin);
    route = look_up(relay);
    assert_string_equal(route.interface, "party");
    bed_run("ip route del %s dev party", capture);
}

static void a_pin_holds(void **state)
{
    (void)state;
    pin_holds("192.0.2.1", "10.5.0.1", 32, "192.0.2.0/24");
    pin_holds("2001:db8::1", "fd05::1", 128, "2001:db8::/32");
    pin_holds("10.5.0.9", NULL, 32, "10.5.0.8/30");
    pin_holds("fd05::9", NULL, 128, "fd05::/96");
}

static void an_existing_host_route_is_borrowed(void **state)
{
    static const char *const relays[] = {"192.0.2.1", "2001:db8::1"};
    static const char *const vias[] = {"10.5.0.1", "fd05::1"};

    (void)state;
    for (int i = 0; i < 2; i++) {
        struct lp_addr to = bed_addr(relays[i], 443);
        struct lp_route_pin *pin;
        struct lp_route route;
        char why[LP_WHY_LEN];

        bed_run("ip route add %s via %s metric 5", relays[i], vias[i]);
        assert_int_equal(lp_route_pin(&to, &pin, why), 0);
        bed_run("test $(ip route show %s | wc -l) = 1 -o %d = 1", relays[i], i);
        assert_int_equal(lp_route_pin_check(pin, &route), 0);
        assert_int_equal(route.metric, 5);
        lp_route_unpin(pin);
        route = look_up(relays[i]);
        assert_way(&route, "home", vias[i], i == 0 ? 32 : 128);
        bed_run("ip route del %s", relays[i]);
    }
}

static void what_a_crash_left_is_replaced(void **state)
{
    struct lp_addr to = bed_addr("192.0.2.1", 443);
    struct lp_route_pin *pin;
    struct lp_route route;
    char why[LP_WHY_LEN];

    (void)state;
    bed_run("ip route add 192.0.2.1 via 10.5.0.200 dev home proto 93");
    assert_int_equal(lp_route_pin(&to, &pin, why), 0);
    route = look_up("192.0.2.1");
    assert_way(&route, "home", "10.5.0.1", 32);
    lp_route_unpin(pin);
    route = look_up("192.0.2.1");
    assert_way(&route, "home", "10.5.0.1", 0);
    lp_route_unpin(NULL);
}

static void this_machine_needs_no_pin(void **state)
{
    static const char *const relays[] = {"127.0.0.1", "::1", "10.5.0.7", "fd05::7"};

    (void)state;
    for (int i = 0; i < 4; i++) {
        struct lp_addr to = bed_addr(relays[i], 443);
        struct lp_route_pin *pin;
        struct lp_route route;
        char why[LP_WHY_LEN];

        assert_int_equal(lp_route_pin(&to, &pin, why), 0);
        assert_int_equal(lp_route_pin_check(pin, &route), 0);
        lp_route_unpin(pin);
    }
    bed_run("test -z \"$(ip route show proto 93)$(ip -6 route show proto 93)\"");
}

static void a_pin_whose_interface_went_is_told(void **state)
{
    struct lp_addr to = bed_addr("192.0.2.1", 443);
    struct lp_route_pin *pin;
    struct lp_route route;
    char why[LP_WHY_LEN] = "";

    (void)state;
    assert_int_equal(lp_route_pin(&to, &pin, why), 0);
    bed_run("ip link set home down");
    assert_true(lp_route_pin_check(pin, &route) < 0);
    lp_route_unpin(pin);
    assert_int_equal(lp_route_pin(&to, &pin, why), LP_ERR_NOTFOUND);
    assert_non_null(strstr(why, "no route to the relay 192.0.2.1"));
    bed_run("ip link set home up");
}

static void addresses_are_listed(void **state)
{
    struct lp_if_address all[LP_IF_ADDRESSES_MAX];
    struct lp_addr v4 = bed_addr("10.6.0.7", 0), v6 = bed_addr("fd06::7", 0);
    bool seen4 = false, seen6 = false, seen_link_local = false;
    int count = lp_interface_addresses("party", all, LP_IF_ADDRESSES_MAX);

    (void)state;
    assert_int_equal(count, 3);
    for (int i = 0; i < count; i++) {
        if (lp_addr_equal(&all[i].addr, &v4))
            seen4 = all[i].prefix_len == 16 && !all[i].link_local;
        else if (lp_addr_equal(&all[i].addr, &v6))
            seen6 = all[i].prefix_len == 64 && !all[i].link_local;
        else
            seen_link_local = all[i].link_local && all[i].addr.ip[0] == 0xfe;
    }
    assert_true(seen4 && seen6 && seen_link_local);
    assert_int_equal(lp_interface_addresses("party", all, 2), 2);
    assert_int_equal(lp_interface_addresses("none9", all, 2), LP_ERR_NOTFOUND);
}

static void overlaps_are_found(void **state)
{
    static const struct {
        const char *home; /* an address that home gets besides */
        int expected;
        const char *named;
    } rows[] = {
        {"10.7.0.1/16", 0, NULL},
        {"10.6.200.1/24", 1, "10.6.200.0/24 on home"},
        {"10.0.0.1/8", 1, "10.0.0.0/8 on home"},
        {"10.6.0.9/16", 1, "10.6.0.0/16 on home"},
        {"10.6.3.3/32", 1, "10.6.3.3/32 on home"},
        {"169.254.1.1/16", 0, NULL},
    };
    char text[LP_WHY_LEN];

    (void)state;
    bed_run("ip addr add 10.6.0.1/32 dev lo && ip addr add 169.254.9.9/16 dev party");
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        bed_run("ip addr add %s dev home", rows[i].home);
        text[0] = '\0';
        assert_int_equal(lp_interface_find_overlap("party", text), rows[i].expected);
        if (rows[i].expected == 1) {
            assert_non_null(strstr(text, rows[i].named));
            assert_non_null(strstr(text, "10.6.0.0/16 on party"));
            assert_non_null(strstr(text, "disconnect home"));
            bed_run("ip link set home down");
            assert_int_equal(lp_interface_find_overlap("party", text), 0);
            bed_run("ip link set home up");
        }
        bed_run("ip addr del %s dev home", rows[i].home);
    }
    bed_run("ip addr del 10.6.0.1/32 dev lo");
    assert_int_equal(lp_interface_find_overlap("none9", text), LP_ERR_NOTFOUND);
}

static void advertisements_give_no_default_route(void **state)
{
    char why[LP_WHY_LEN];

    (void)state;
    assert_int_equal(lp_interface_refuse_default_route("party", why), 0);
    bed_run("cd /proc/sys/net/ipv6/conf/party && test $(cat accept_ra_defrtr) = 0 && "
            "test $(cat accept_ra) = 2 && { ! test -e accept_ra_rt_info_max_plen || "
            "test $(cat accept_ra_rt_info_max_plen) = 0; }");
    bed_run("cd /proc/sys/net/ipv6/conf/home && test $(cat accept_ra_defrtr) = 1");
    assert_int_equal(lp_interface_refuse_default_route("none9", why), LP_ERR_NOTFOUND);

    /* read-only: fine when everything is as it must be, told when not */
    bed_run("mount --bind /proc/sys /proc/sys && mount -o remount,bind,ro /proc/sys");
    assert_int_equal(lp_interface_refuse_default_route("party", why), 0);
    assert_int_equal(lp_interface_refuse_default_route("home", why), LP_ERR_PERMISSION);
    assert_non_null(strstr(why, "accept_ra_defrtr=0"));
    bed_run("umount /proc/sys");
    /* without IPv6 there is no setting */
    bed_run("mount -t tmpfs none /proc/sys/net/ipv6");
    assert_int_equal(lp_interface_refuse_default_route("home", why), 0);
    bed_run("umount /proc/sys/net/ipv6");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(lookups_tell_way_and_entry),
        TEST(a_pin_holds),
        TEST(an_existing_host_route_is_borrowed),
        TEST(what_a_crash_left_is_replaced),
        TEST(this_machine_needs_no_pin),
        TEST(a_pin_whose_interface_went_is_told),
        TEST(addresses_are_listed),
        TEST(overlaps_are_found),
        TEST(advertisements_give_no_default_route),
    };

    if (!bed_enter())
        return 0;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
