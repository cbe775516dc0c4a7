/* The diagnostics as sentences. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "apps/tunnel/clientreport.h"
#include "apps/tunnel/reporttext.h"

static struct lp_report_text text;

static void format(const char *json)
{
    json_error_t error;
    json_t *report = json_loads(json, 0, &error);

    if (report == NULL)
        fail_msg("test data: %s at %d", error.text, error.position);
    lp_report_text_format(report, &text);
    json_decref(report);
}

static void a_player_in_the_room(void **state)
{
    (void)state;
    format(
        "{\"role\": \"client\", \"state\": \"joined\","
        " \"relay\": {\"name\": \"relay.example:443\", \"rtt_ms\": 12.345, \"attempts\": 0},"
        " \"room\": {\"gateway_present\": true, \"peers\": ["
        "  {\"peer_id\": 1, \"role\": \"gateway\", \"name\": \"party\"},"
        "  {\"peer_id\": 2, \"role\": \"client\", \"name\": \"anna\"},"
        "  {\"peer_id\": 3, \"role\": \"client\", \"name\": \"\"}]},"
        " \"adapter\": {\"status\": \"open\", \"name\": \"softlan0\", \"mtu\": 1380,"
        "  \"up\": true, \"carrier\": true,"
        "  \"addresses\": [\"10.77.0.5/24\", \"10.77.0.50/24\", \"fe80::1/64\"]},"
        " \"route\": {\"pinned\": true, \"interface\": \"eth0\", \"next_hop\": \"192.0.2.1\"},"
        " \"dhcp\": {\"asked\": true, \"bound\": true, \"address\": \"10.77.0.5\"},"
        " \"counters\": {\"rx_frames\": 10, \"rx_broadcast\": 2, \"tx_frames\": 20,"
        "  \"tx_broadcast\": 3, \"rx_dropped_no_target\": 4, \"tx_dropped_vlan\": 5,"
        "  \"tx_dropped_queue_full\": 6}}");
    assert_string_equal(text.line[0], "state: joined, round trip 12.3 ms, gateway party, "
                                      "other players anna, peer 3");
    assert_string_equal(text.line[1],
                        "adapter: softlan0 up, MTU 1380, 10.77.0.5/24 (DHCP), 10.77.0.50/24, "
                        "fe80::1/64; relay by eth0 via 192.0.2.1, pinned");
    assert_string_equal(text.line[2],
                        "traffic: 10 frames from the party (2 broadcast), 20 to it (3 "
                        "broadcast); dropped of what came: 4 no_target; dropped of what went: "
                        "5 vlan, 6 queue_full");
}

static void a_player_alone(void **state)
{
    (void)state;
    format("{\"role\": \"client\", \"state\": \"joined\", \"relay\": {},"
           " \"room\": {\"gateway_present\": false, \"peers\": []},"
           " \"adapter\": {\"status\": \"closed\", \"addresses\": []},"
           " \"route\": {\"pinned\": false},"
           " \"dhcp\": {\"asked\": true, \"bound\": false}, \"counters\": {}}");
    assert_string_equal(text.line[0], "state: joined, no gateway, no other players");
    assert_string_equal(text.line[1],
                        "adapter: none now, no address from DHCP yet; no route to the relay");
    assert_string_equal(text.line[2], "traffic: 0 frames from the party (0 broadcast), 0 to it "
                                      "(0 broadcast); nothing dropped");
}

static void a_player_outside(void **state)
{
    (void)state;
    format(
        "{\"role\": \"client\", \"state\": \"waiting\","
        " \"relay\": {\"name\": \"relay.example:443\", \"attempts\": 7},"
        " \"room\": {\"gateway_present\": false, \"peers\": []},"
        " \"adapter\": {\"status\": \"open\", \"name\": \"softlan0\", \"mtu\": 1380,"
        "  \"up\": false, \"addresses\": []},"
        " \"route\": {\"pinned\": false, \"interface\": \"eth0\", \"next_hop\": \"on-link\"},"
        " \"dhcp\": {\"asked\": false, \"bound\": false}, \"counters\": {}}");
    assert_string_equal(text.line[0], "state: waiting, attempt 7 to reach relay.example:443");
    assert_string_equal(text.line[1],
                        "adapter: softlan0 down, MTU 1380; relay by eth0, not pinned");
}

static void a_gateway(void **state)
{
    (void)state;
    format("{\"role\": \"gateway\", \"state\": \"joined\", \"relay\": {\"rtt_ms\": 0.04},"
           " \"room\": {\"gateway_present\": true, \"peers\": ["
           "  {\"peer_id\": 2, \"role\": \"client\", \"name\": \"anna\"}]},"
           " \"adapter\": {\"status\": \"open\", \"name\": \"eth0\", \"mtu\": 1500,"
           "  \"up\": true, \"carrier\": false, \"addresses\": []},"
           " \"lan\": {\"dhcp_probe\": \"no offer\"},"
           " \"counters\": {\"rx_frames\": 1, \"rx_broadcast\": 2, \"tx_frames\": 3,"
           "  \"tx_broadcast\": 4, \"rx_dropped_edge_error\": 5}}");
    assert_string_equal(text.line[0], "state: joined, round trip 0.0 ms, player anna");
    assert_string_equal(text.line[1],
                        "adapter: eth0 without carrier, MTU 1500; DHCP of the LAN: no offer");
    assert_string_equal(text.line[2],
                        "traffic: 1 frames from the players (2 broadcast), 3 to them (4 "
                        "broadcast); dropped of what came: 5 edge_error");
}

/* 40 players with the worst of names: the line is cut, stays one, and is plain ASCII. */
static void hostile_names(void **state)
{
    json_t *peers = json_array();
    json_t *report;

    (void)state;
    for (int i = 0; i < 40; i++)
        json_array_append_new(peers,
                              json_pack("{si ss ss}", "peer_id", i, "role", "client", "name",
                                        "\n\x1b[31m, state: joined \"\xe2\x80\xae"));
    report =
        json_pack("{ss ss s{} s{sb so} s{} s{}}", "role", "client", "state", "joined", "relay",
                  "room", "gateway_present", 0, "peers", peers, "adapter", "counters");
    assert_non_null(report);
    lp_report_text_format(report, &text);
    json_decref(report);
    assert_non_null(strstr(text.line[0], "other players \"\\x0a\\x1b[31m, state: joined "
                                         "\\\"\\xe2\\x80\\xae\", \""));
    for (const char *at = text.line[0]; *at != '\0'; at++)
        assert_in_range(*at, ' ', '~');
}

static void many_players_are_counted(void **state)
{
    char json[4096];
    size_t len = 0;

    (void)state;
    len += (size_t)snprintf(json, sizeof(json),
                            "{\"role\": \"gateway\", \"state\": \"joined\", \"room\": "
                            "{\"peers\": [");
    for (unsigned i = 1; i <= 18; i++)
        len += (size_t)snprintf(json + len, sizeof(json) - len,
                                "%s{\"peer_id\": %u, \"role\": \"client\", \"name\": \"p%u\"}",
                                i > 1 ? ", " : "", i, i);
    snprintf(json + len, sizeof(json) - len, "]}}");
    format(json);
    assert_string_equal(text.line[0],
                        "state: joined, players p1, p2, p3, p4, p5, p6, p7, p8, p9, p10, p11, "
                        "p12, p13, p14, p15, p16 and 2 more");
}

static void assert_json(json_t *object, const char *text_of_it)
{
    char *is = json_dumps(object, JSON_COMPACT | JSON_SORT_KEYS);

    assert_string_equal(is, text_of_it);
    free(is);
    json_decref(object);
}

/* The parts that a player's program has on every system. */
static void the_way_to_the_relay(void **state)
{
    struct lp_route route = {.interface = "eth0", .prefix_len = 32, .metric = 7};

    (void)state;
    assert_json(lp_client_route_report(NULL, false), "{\"pinned\":false}");
    assert_int_equal(lp_addr_parse_ip("192.0.2.9", 0, &route.source), 0);
    assert_json(lp_client_route_report(&route, false),
                "{\"interface\":\"eth0\",\"metric\":7,\"next_hop\":\"on-link\","
                "\"pinned\":false,\"prefix_len\":32,\"source\":\"192.0.2.9\"}");
    assert_int_equal(lp_addr_parse_ip("192.0.2.1", 0, &route.next_hop), 0);
    assert_json(lp_client_route_report(&route, true),
                "{\"interface\":\"eth0\",\"metric\":7,\"next_hop\":\"192.0.2.1\","
                "\"pinned\":true,\"prefix_len\":32,\"source\":\"192.0.2.9\"}");
}

static void the_partys_address(void **state)
{
    struct lp_addr address;

    (void)state;
    assert_int_equal(lp_addr_parse_ip("10.77.0.5", 0, &address), 0);
    assert_json(lp_client_dhcp_report(false, NULL, 24), "{\"asked\":false,\"bound\":false}");
    assert_json(lp_client_dhcp_report(true, &address, 24),
                "{\"address\":\"10.77.0.5\",\"asked\":true,\"bound\":true,"
                "\"prefix_len\":24}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_player_in_the_room), cmocka_unit_test(a_player_alone),
        cmocka_unit_test(a_player_outside),     cmocka_unit_test(a_gateway),
        cmocka_unit_test(hostile_names),        cmocka_unit_test(many_players_are_counted),
        cmocka_unit_test(the_way_to_the_relay), cmocka_unit_test(the_partys_address),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
