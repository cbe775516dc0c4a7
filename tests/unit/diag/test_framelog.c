/* Lines of the frame log: exact text, and that no room code forges one. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <string.h>

#include <jansson.h>

#include "diag/framelog.h"

static const struct lp_frame_event forwarded = {
    .direction = LP_FRAME_FROM_PEER,
    .room = "ABCD",
    .peer_id = 3,
    .has_ethernet = true,
    .src = {{0x02, 0, 0, 0, 0, 0x0a}},
    .dst = {{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}},
    .type_or_len = 0x0806,
    .frame_len = 60,
    .reason = LP_FORWARD,
    .targets = 4,
};

static void a_forwarded_frame(void **state)
{
    char line[LP_FRAMELOG_LINE_MAX];
    size_t len = lp_framelog_format(&forwarded, false, line);

    assert_string_equal(line, "direction=from_peer room=ABCD peer=3 src=02:00:00:00:00:0a "
                              "dst=ff:ff:ff:ff:ff:ff ethertype=0x0806 frame_len=60 "
                              "action=forwarded reason=none targets=4");
    assert_int_equal(len, strlen(line));
    len = lp_framelog_format(&forwarded, true, line);
    assert_string_equal(line, "{\"direction\":\"from_peer\",\"room\":\"ABCD\",\"peer\":3,"
                              "\"src\":\"02:00:00:00:00:0a\",\"dst\":\"ff:ff:ff:ff:ff:ff\","
                              "\"ethertype\":\"0x0806\",\"frame_len\":60,"
                              "\"action\":\"forwarded\",\"reason\":\"none\",\"targets\":4}");
    assert_int_equal(len, strlen(line));
}

static void length_instead_of_a_type(void **state)
{
    struct lp_frame_event event = forwarded;
    char line[LP_FRAMELOG_LINE_MAX];

    event.direction = LP_FRAME_FROM_ADAPTER;
    event.type_or_len = 0x05ff;
    lp_framelog_format(&event, false, line);
    assert_non_null(strstr(line, "direction=from_adapter "));
    assert_non_null(strstr(line, " length=1535 "));
    assert_null(strstr(line, "ethertype"));
    event.type_or_len = 0x0600;
    lp_framelog_format(&event, false, line);
    assert_non_null(strstr(line, " ethertype=0x0600 "));
}

static void a_datagram_without_ethernet(void **state)
{
    struct lp_frame_event event = {
        .direction = LP_FRAME_FROM_TUNNEL,
        .room = "r",
        .reason = LP_DROP_REASON_BAD_OVERLAY,
    };
    char line[LP_FRAMELOG_LINE_MAX];

    lp_framelog_format(&event, false, line);
    assert_string_equal(line, "direction=from_tunnel room=r peer=0 frame_len=0 action=dropped "
                              "reason=bad_overlay targets=0");
}

static void actions_follow_the_reason(void **state)
{
    struct lp_frame_event event = forwarded;
    char line[LP_FRAMELOG_LINE_MAX];

    event.reason = LP_DROP_REASON_VLAN;
    lp_framelog_format(&event, false, line);
    assert_non_null(strstr(line, " action=filtered reason=vlan "));
    event.reason = LP_DROP_REASON_RATE_UNKNOWN;
    lp_framelog_format(&event, false, line);
    assert_non_null(strstr(line, " action=rate_limited reason=rate_unknown "));
}

/* Splits a key=value line the way a reader does and counts a key outside quotes. */
static unsigned count_key(const char *line, const char *key)
{
    unsigned count = 0;
    bool quoted = false;

    for (const char *c = line; *c != '\0'; c++) {
        if (quoted && *c == '\\')
            c++;
        else if (*c == '"')
            quoted = !quoted;
        else if (!quoted && (c == line || c[-1] == ' ') && strncmp(c, key, strlen(key)) == 0)
            count++;
    }
    assert_false(quoted);
    return count;
}

static void hostile_rooms_forge_nothing(void **state)
{
    static const char *const rooms[] = {
        "x action=forwarded",
        "x\" action=forwarded y=\"",
        "x\\",
        "x\\\" action=forwarded \\\"",
        "x\ndirection=from_peer room=y action=forwarded",
        "x\r\nfoo",
        "\",\"action\":\"forwarded\",\"x\":\"",
        "\x1b]0;owned\x07",
        "\xc2\x85\xe2\x80\xa8next",
        "\xff\xfe\xc0\x8a",
    };
    struct lp_frame_event event = forwarded;
    char line[LP_FRAMELOG_LINE_MAX];

    event.reason = LP_DROP_REASON_RATE_BYTES;
    for (size_t i = 0; i < sizeof(rooms) / sizeof(rooms[0]); i++) {
        json_t *json;

        event.room = rooms[i];
        lp_framelog_format(&event, false, line);
        for (const char *c = line; *c != '\0'; c++)
            assert_true(*c >= 0x20 && *c <= 0x7e);
        assert_int_equal(count_key(line, "action="), 1);
        assert_int_equal(count_key(line, "direction="), 1);
        assert_non_null(strstr(line, " action=rate_limited reason=rate_bytes targets=4"));

        lp_framelog_format(&event, true, line);
        assert_null(strpbrk(line, "\n\r\x1b"));
        json = json_loads(line, JSON_REJECT_DUPLICATES, NULL);
        assert_non_null(json);
        assert_int_equal(json_object_size(json), 10);
        assert_string_equal(json_string_value(json_object_get(json, "action")), "rate_limited");
        json_decref(json);
    }
}

/* The longest of everything; a code that is too long is cut, the line is whole. */
static void the_longest_line_fits(void **state)
{
    static const char *const worst[] = {"\x01", "\xef\xbb\xbf", "\xf3\xa0\x80\x81", "\xff",
                                        "\""};
    struct lp_frame_event event = {
        .direction = LP_FRAME_FROM_ADAPTER,
        .peer_id = UINT32_MAX,
        .has_ethernet = true,
        .src = {{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}},
        .dst = {{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}},
        .type_or_len = 0xffff,
        .frame_len = 1514,
        .targets = 255,
    };
    char room[301];
    char line[LP_FRAMELOG_LINE_MAX];

    event.room = room;
    for (size_t i = 0; i < sizeof(worst) / sizeof(worst[0]); i++) {
        room[0] = '\0';
        while (strlen(room) + strlen(worst[i]) < sizeof(room))
            strcat(room, worst[i]);
        for (enum lp_drop r = lp_drop_next(LP_FORWARD); r != LP_FORWARD; r = lp_drop_next(r)) {
            size_t len;

            event.reason = r;
            len = lp_framelog_format(&event, false, line);
            assert_string_equal(line + len - strlen(" targets=255"), " targets=255");
            len = lp_framelog_format(&event, true, line);
            assert_string_equal(line + len - strlen("\"targets\":255}"), "\"targets\":255}");
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_forwarded_frame),
        cmocka_unit_test(length_instead_of_a_type),
        cmocka_unit_test(a_datagram_without_ethernet),
        cmocka_unit_test(actions_follow_the_reason),
        cmocka_unit_test(hostile_rooms_forge_nothing),
        cmocka_unit_test(the_longest_line_fits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
