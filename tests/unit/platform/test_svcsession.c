/* A session with the service: what callers may do, what hostile ones get, and that all is undone once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"
#include "platform/settings/svcsession.h"

#define TAP "{410EB49D-2381-4FE7-9B36-498E22619DF0}"

struct fake {
    char trace[256];
    int fails; /* what the next step returns */
    const char *why;
    int end_fails;
    struct lp_wincfg_status status;
};

static struct fake fake;
static struct lp_svcsession session;
static uint8_t reply[LP_SVCMSG_MAX];

static int step(const char *name, char *why)
{
    size_t at = strlen(fake.trace);
    int result = fake.fails;

    snprintf(fake.trace + at, sizeof(fake.trace) - at, "%s;", name);
    snprintf(why, LP_WHY_LEN, "%s", fake.why);
    fake.fails = 0;
    return result;
}

static int prepare(void *user, const char *guid, const struct lp_mac *mac, char why[LP_WHY_LEN])
{
    assert_ptr_equal(user, &fake);
    assert_string_equal(guid, TAP);
    assert_int_equal(lp_mac_key(mac), 0x021122334455);
    return step("prepare", why);
}

static int pin(void *user, const struct lp_addr *relay, char why[LP_WHY_LEN])
{
    assert_int_equal(relay->port, 443);
    return step("pin", why);
}

static int configure(void *user, const struct lp_wincfg_settings *settings,
                     char why[LP_WHY_LEN])
{
    assert_int_equal(settings->mtu, 1380);
    assert_int_equal(settings->metric, 1);
    return step(settings->use_party_dns ? "configure-dns" : "configure", why);
}

static int check(void *user, struct lp_wincfg_status *ret_status, char why[LP_WHY_LEN])
{
    *ret_status = fake.status;
    return step("check", why);
}

static int end(void *user, char why[LP_WHY_LEN])
{
    fake.fails = fake.end_fails;
    return step("end", why);
}

static const struct lp_svc_actions actions = {prepare, pin, configure, check, end, &fake};

static int set_up(void **state)
{
    memset(&fake, 0, sizeof(fake));
    fake.why = "";
    lp_svcsession_init(&session, &actions);
    return 0;
}

static struct lp_svcmsg request(enum lp_svcmsg_type type)
{
    struct lp_svcmsg message = {.type = type};

    if (type == LP_SVCMSG_HELLO) {
        message.version = LP_SVCMSG_VERSION;
    } else if (type == LP_SVCMSG_PREPARE) {
        strcpy(message.prepare.adapter, TAP);
        message.prepare.mac = (struct lp_mac){{0x02, 0x11, 0x22, 0x33, 0x44, 0x55}};
    } else if (type == LP_SVCMSG_PIN) {
        assert_int_equal(lp_addr_parse_ip("198.51.100.7", 443, &message.relay), 0);
    } else if (type == LP_SVCMSG_CONFIGURE) {
        message.settings = (struct lp_wincfg_settings){.mtu = 1380, .metric = 1};
    } else if (type == LP_SVCMSG_ERROR) {
        message.error.code = LP_ERR_IO;
        strcpy(message.error.sentence, "x");
    }
    return message;
}

static struct lp_svcmsg take(const uint8_t *bytes, size_t len)
{
    struct lp_svcmsg answer;
    size_t reply_len = lp_svcsession_take(&session, bytes, len, reply);

    assert_int_equal(lp_svcmsg_decode(reply, reply_len, &answer), 0);
    return answer;
}

static struct lp_svcmsg ask_message(const struct lp_svcmsg *message)
{
    uint8_t bytes[LP_SVCMSG_MAX];
    int len = lp_svcmsg_encode(message, bytes, sizeof(bytes));

    assert_true(len > 0);
    return take(bytes, (size_t)len);
}

static struct lp_svcmsg ask(enum lp_svcmsg_type type)
{
    struct lp_svcmsg message = request(type);

    return ask_message(&message);
}

static void assert_error(const struct lp_svcmsg *answer, int code, const char *sentence)
{
    assert_int_equal(answer->type, LP_SVCMSG_ERROR);
    assert_int_equal(answer->error.code, code);
    if (sentence != NULL)
        assert_string_equal(answer->error.sentence, sentence);
}

static void test_whole_session(void **state)
{
    char why[LP_WHY_LEN];
    struct lp_svcmsg with_dns = request(LP_SVCMSG_CONFIGURE);
    struct lp_svcmsg answer;

    with_dns.settings.use_party_dns = true;
    fake.status.route_pinned = fake.status.settings_hold = fake.status.dns_kept = true;
    fake.status.reasserted = 300;
    assert_int_equal(ask(LP_SVCMSG_HELLO).type, LP_SVCMSG_OK);
    assert_int_equal(ask(LP_SVCMSG_PREPARE).type, LP_SVCMSG_OK);
    assert_int_equal(ask(LP_SVCMSG_PIN).type, LP_SVCMSG_OK);
    assert_int_equal(ask(LP_SVCMSG_CHECK).type, LP_SVCMSG_STATUS);
    assert_int_equal(ask(LP_SVCMSG_CONFIGURE).type, LP_SVCMSG_OK);
    answer = ask(LP_SVCMSG_CHECK);
    assert_true(answer.status.route_pinned);
    assert_true(answer.status.settings_hold);
    assert_false(answer.status.category_private);
    assert_true(answer.status.dns_kept);
    assert_int_equal(answer.status.reasserted, 255);
    assert_int_equal(ask(LP_SVCMSG_PIN).type, LP_SVCMSG_OK);
    assert_int_equal(ask(LP_SVCMSG_CONFIGURE).type, LP_SVCMSG_OK);
    assert_int_equal(ask_message(&with_dns).type, LP_SVCMSG_OK);
    assert_false(lp_svcsession_is_over(&session));
    assert_int_equal(ask(LP_SVCMSG_END).type, LP_SVCMSG_OK);
    assert_true(lp_svcsession_is_over(&session));
    assert_int_equal(lp_svcsession_end(&session, why), 0);
    assert_string_equal(fake.trace,
                        "prepare;pin;check;configure;check;pin;configure;configure-dns;end;");
}

static void test_pipe_closes(void **state)
{
    char why[LP_WHY_LEN];

    ask(LP_SVCMSG_HELLO);
    ask(LP_SVCMSG_PREPARE);
    fake.end_fails = LP_ERR_PERMISSION;
    fake.why = "could not be put back";
    assert_int_equal(lp_svcsession_end(&session, why), LP_ERR_PERMISSION);
    assert_string_equal(why, "could not be put back");
    assert_int_equal(lp_svcsession_end(&session, why), 0);
    assert_string_equal(why, "");
    assert_string_equal(fake.trace, "prepare;end;");
}

static void test_failed_step_can_be_tried_again(void **state)
{
    struct lp_svcmsg answer;

    ask(LP_SVCMSG_HELLO);
    fake.fails = LP_ERR_BUSY;
    fake.why = "the adapter is in use";
    answer = ask(LP_SVCMSG_PREPARE);
    assert_error(&answer, LP_ERR_BUSY, "the adapter is in use");
    assert_int_equal(session.state, LP_SVC_GREETED);
    assert_int_equal(ask(LP_SVCMSG_PREPARE).type, LP_SVCMSG_OK);
    fake.fails = -1000; /* no error of ours, and no sentence */
    fake.why = "";
    answer = ask(LP_SVCMSG_PIN);
    assert_error(&answer, LP_ERR_IO, "input/output error");
    assert_false(lp_svcsession_is_over(&session));
    assert_string_equal(fake.trace, "prepare;prepare;pin;");
}

static void test_end_that_leaves_something(void **state)
{
    struct lp_svcmsg answer;

    ask(LP_SVCMSG_HELLO);
    fake.end_fails = LP_ERR_PERMISSION;
    fake.why = "could not be put back";
    answer = ask(LP_SVCMSG_END);
    assert_error(&answer, LP_ERR_PERMISSION, "could not be put back");
    assert_true(lp_svcsession_is_over(&session));
}

static void test_route_without_a_form(void **state)
{
    struct lp_svcmsg answer;

    ask(LP_SVCMSG_HELLO);
    ask(LP_SVCMSG_PREPARE);
    ask(LP_SVCMSG_PIN);
    fake.status.route.prefix_len = 129;
    answer = ask(LP_SVCMSG_CHECK);
    assert_error(&answer, LP_ERR_UNSUPPORTED, NULL);
    assert_false(lp_svcsession_is_over(&session));
}

/* Every request in every state: what is out of order ends the session and undoes everything. */
static void test_out_of_order(void **state)
{
    static const enum lp_svcmsg_type way[] = {LP_SVCMSG_HELLO, LP_SVCMSG_PREPARE, LP_SVCMSG_PIN,
                                              LP_SVCMSG_CONFIGURE};
    static const enum lp_svcmsg_type all[] = {
        LP_SVCMSG_HELLO, LP_SVCMSG_PREPARE, LP_SVCMSG_PIN, LP_SVCMSG_CONFIGURE,
        LP_SVCMSG_CHECK, LP_SVCMSG_END,     LP_SVCMSG_OK,  LP_SVCMSG_ERROR};
    static const char *const allowed[] = {
        "hello", "prepare end", "pin end", "pin configure check end", "pin configure check end",
    };

    for (unsigned reached = 0; reached <= 4; reached++) {
        for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
            struct lp_svcmsg answer;

            set_up(NULL);
            for (unsigned at = 0; at < reached; at++)
                assert_int_equal(ask(way[at]).type, LP_SVCMSG_OK);
            fake.trace[0] = '\0';
            answer = ask(all[i]);
            if (strstr(allowed[reached], lp_svcmsg_name(all[i])) != NULL) {
                assert_int_not_equal(answer.type, LP_SVCMSG_ERROR);
                assert_int_equal(lp_svcsession_is_over(&session), all[i] == LP_SVCMSG_END);
            } else {
                assert_error(&answer, LP_ERR_INVALID, NULL);
                assert_true(lp_svcsession_is_over(&session));
                assert_string_equal(fake.trace, "end;");
            }
        }
    }
}

static void test_garbage(void **state)
{
    static uint8_t huge[70000];
    static const struct {
        uint8_t bytes[8];
        size_t len;
    } row[] = {
        {{0}, 0},          {{0}, 1},          {{0, 4, 1}, 3},          {{0, 4, 1, 5, 0}, 5},
        {{0, 5, 1, 5}, 4}, {{0, 4, 1, 9}, 4}, {{0, 6, 1, 1, 0, 0}, 6}, {{0xff, 0xff, 1, 1}, 4},
    };
    struct lp_svcmsg answer;

    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
        set_up(NULL);
        ask(LP_SVCMSG_HELLO);
        answer = take(row[i].bytes, row[i].len);
        assert_error(&answer, LP_ERR_MALFORMED, NULL);
        assert_true(lp_svcsession_is_over(&session));
        assert_string_equal(fake.trace, "end;");
    }
    memset(huge, 'A', sizeof(huge));
    set_up(NULL);
    answer = take(huge, sizeof(huge));
    assert_error(&answer, LP_ERR_MALFORMED, NULL);
    answer = ask(LP_SVCMSG_HELLO); /* after the end nothing is taken and nothing undone again */
    assert_error(&answer, LP_ERR_INVALID, NULL);
    assert_string_equal(fake.trace, "end;");
}

static void test_other_version(void **state)
{
    struct lp_svcmsg message = request(LP_SVCMSG_HELLO);
    struct lp_svcmsg answer;

    message.version = 2;
    answer = ask_message(&message);
    assert_error(&answer, LP_ERR_UNSUPPORTED, NULL);
    assert_non_null(strstr(answer.error.sentence, "install SoftLAN"));
    assert_true(lp_svcsession_is_over(&session));
}

static void test_refusal(void **state)
{
    char sentence[1000];
    struct lp_svcmsg answer;
    size_t len = lp_svcsession_refusal(LP_ERR_BUSY, "somebody\x1b[2J else", reply);

    assert_int_equal(lp_svcmsg_decode(reply, len, &answer), 0);
    assert_error(&answer, LP_ERR_BUSY, "somebody?[2J else");
    memset(sentence, 'x', sizeof(sentence) - 1);
    sentence[sizeof(sentence) - 1] = '\0';
    len = lp_svcsession_refusal(LP_ERR_BUSY, sentence, reply);
    assert_int_equal(lp_svcmsg_decode(reply, len, &answer), 0);
    assert_int_equal(strlen(answer.error.sentence), LP_WHY_LEN - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_whole_session, set_up),
        cmocka_unit_test_setup(test_pipe_closes, set_up),
        cmocka_unit_test_setup(test_failed_step_can_be_tried_again, set_up),
        cmocka_unit_test_setup(test_end_that_leaves_something, set_up),
        cmocka_unit_test_setup(test_route_without_a_form, set_up),
        cmocka_unit_test_setup(test_out_of_order, set_up),
        cmocka_unit_test_setup(test_garbage, set_up),
        cmocka_unit_test_setup(test_other_version, set_up),
        cmocka_unit_test_setup(test_refusal, set_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
