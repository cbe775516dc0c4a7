/* What may be asked of the service when, and what answers it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "platform/settings/svcmsg.h"

static char why[LP_WHY_LEN];

static const enum lp_svcmsg_type requests[] = {LP_SVCMSG_HELLO, LP_SVCMSG_PREPARE,
                                               LP_SVCMSG_PIN,   LP_SVCMSG_CONFIGURE,
                                               LP_SVCMSG_CHECK, LP_SVCMSG_END};

static int allows(enum lp_svc_state state, enum lp_svcmsg_type type)
{
    const struct lp_svcmsg request = {.type = type, .version = 1};

    return lp_svc_allows(state, &request, why);
}

static void test_what_is_allowed_when(void **state)
{
    static const char allowed[LP_SVC_ENDED + 1][7] = {
        [LP_SVC_START] = "y-----",      [LP_SVC_GREETED] = "-y---y",
        [LP_SVC_PREPARED] = "--y--y",   [LP_SVC_PINNED] = "--yyyy",
        [LP_SVC_CONFIGURED] = "--yyyy", [LP_SVC_ENDED] = "------",
    };

    for (int at = LP_SVC_START; at <= LP_SVC_ENDED; at++) {
        for (size_t i = 0; i < 6; i++)
            assert_int_equal(allows((enum lp_svc_state)at, requests[i]),
                             allowed[at][i] == 'y' ? 0 : LP_ERR_INVALID);
        assert_int_equal(allows((enum lp_svc_state)at, LP_SVCMSG_OK), LP_ERR_INVALID);
        assert_int_equal(allows((enum lp_svc_state)at, LP_SVCMSG_STATUS), LP_ERR_INVALID);
        assert_int_equal(allows((enum lp_svc_state)at, (enum lp_svcmsg_type)77),
                         LP_ERR_INVALID);
    }
    allows(LP_SVC_START, LP_SVCMSG_PIN);
    assert_string_equal(why,
                        "\"pin\" cannot be asked of the SoftLAN service now: connect again");
}

static void test_other_versions(void **state)
{
    struct lp_svcmsg hello = {.type = LP_SVCMSG_HELLO, .version = 2};

    assert_int_equal(lp_svc_allows(LP_SVC_START, &hello, why), LP_ERR_UNSUPPORTED);
    assert_non_null(strstr(why, "install SoftLAN again"));
    hello.version = LP_SVCMSG_VERSION;
    assert_int_equal(lp_svc_allows(LP_SVC_START, &hello, why), 0);
}

static void test_an_evening(void **state)
{
    static const struct {
        enum lp_svcmsg_type request;
        bool succeeded;
        enum lp_svc_state after;
    } steps[] = {
        {LP_SVCMSG_HELLO, false, LP_SVC_START},
        {LP_SVCMSG_HELLO, true, LP_SVC_GREETED},
        {LP_SVCMSG_PREPARE, false, LP_SVC_GREETED},
        {LP_SVCMSG_PREPARE, true, LP_SVC_PREPARED},
        {LP_SVCMSG_PIN, false, LP_SVC_PREPARED},
        {LP_SVCMSG_PIN, true, LP_SVC_PINNED},
        {LP_SVCMSG_CHECK, true, LP_SVC_PINNED},
        {LP_SVCMSG_PIN, true, LP_SVC_PINNED},
        {LP_SVCMSG_CONFIGURE, false, LP_SVC_PINNED},
        {LP_SVCMSG_CONFIGURE, true, LP_SVC_CONFIGURED},
        {LP_SVCMSG_CHECK, false, LP_SVC_CONFIGURED},
        {LP_SVCMSG_CHECK, true, LP_SVC_CONFIGURED},
        {LP_SVCMSG_PIN, false, LP_SVC_CONFIGURED},
        {LP_SVCMSG_PIN, true, LP_SVC_CONFIGURED},
        {LP_SVCMSG_CONFIGURE, true, LP_SVC_CONFIGURED},
        {LP_SVCMSG_END, false, LP_SVC_ENDED},
    };
    enum lp_svc_state at = LP_SVC_START;

    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        assert_int_equal(allows(at, steps[i].request), 0);
        at = lp_svc_next(at, steps[i].request, steps[i].succeeded);
        assert_int_equal(at, steps[i].after);
    }
    assert_int_equal(lp_svc_next(LP_SVC_PINNED, LP_SVCMSG_END, true), LP_SVC_ENDED);
}

static void test_answers(void **state)
{
    for (size_t i = 0; i < 6; i++) {
        bool is_check = requests[i] == LP_SVCMSG_CHECK;

        assert_true(lp_svc_answers(requests[i], LP_SVCMSG_ERROR));
        assert_int_equal(lp_svc_answers(requests[i], LP_SVCMSG_OK), !is_check);
        assert_int_equal(lp_svc_answers(requests[i], LP_SVCMSG_STATUS), is_check);
        assert_false(lp_svc_answers(requests[i], requests[i]));
        assert_false(lp_svc_answers(LP_SVCMSG_OK, requests[i]));
    }
    assert_false(lp_svc_answers(LP_SVCMSG_OK, LP_SVCMSG_OK));
    assert_false(lp_svc_answers(LP_SVCMSG_ERROR, LP_SVCMSG_ERROR));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_allowed_when),
        cmocka_unit_test(test_other_versions),
        cmocka_unit_test(test_an_evening),
        cmocka_unit_test(test_answers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
