/* Addresses as the system has them, there and back. */
#include "waiting.h"

#include <string.h>

#include "platform/sockaddr.h"

static void there_and_back(void **state)
{
    static const struct {
        const char *ip;
        uint16_t port;
        uint32_t scope;
        int family;
        socklen_t len;
    } cases[] = {
        {"0.0.0.0", 0, 0, AF_INET, sizeof(struct sockaddr_in)},
        {"192.0.2.1", 443, 0, AF_INET, sizeof(struct sockaddr_in)},
        {"255.255.255.255", 65535, 0, AF_INET, sizeof(struct sockaddr_in)},
        {"::", 0, 0, AF_INET6, sizeof(struct sockaddr_in6)},
        {"2001:db8::1", 443, 0, AF_INET6, sizeof(struct sockaddr_in6)},
        {"fe80::1", 65535, UINT32_MAX, AF_INET6, sizeof(struct sockaddr_in6)},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct lp_addr addr = bed_addr(cases[i].ip, cases[i].port);
        union lp_sockaddr_ip name;
        struct lp_addr back;

        addr.scope = cases[i].scope;
        memset(&name, 0xff, sizeof(name)); /* what was there does not show */
        assert_int_equal(lp_sockaddr_from(&addr, &name), cases[i].len);
        assert_int_equal(name.any.sa_family, cases[i].family);
        back = lp_sockaddr_addr(&name);
        assert_true(lp_addr_equal(&back, &addr));
    }
}

static void octets_are_in_network_order(void **state)
{
    struct lp_addr addr = bed_addr("192.0.2.1", 0x1234);
    union lp_sockaddr_ip name;

    (void)state;
    lp_sockaddr_from(&addr, &name);
    assert_memory_equal(&name.v4.sin_port, "\x12\x34", 2);
    assert_memory_equal(&name.v4.sin_addr, "\xc0\x00\x02\x01", 4);
}

static void another_family_is_none(void **state)
{
    union lp_sockaddr_ip name;

    (void)state;
    memset(&name, 0xff, sizeof(name));
    name.any.sa_family = AF_UNSPEC;
    assert_int_equal(lp_sockaddr_addr(&name).family, LP_ADDR_NONE);
    assert_int_equal(lp_sockaddr_addr(&name).port, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(there_and_back),
        cmocka_unit_test(octets_are_in_network_order),
        cmocka_unit_test(another_family_is_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
