/*
 * docs/protocol.md against the codec: every golden block is encoded and decoded, every table
 * that repeats one of the program's tables must have exactly its rows.
 */
#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/err.h"
#include "base/hex.h"
#include "proto/control.h"
#include "proto/fragment.h"
#include "proto/mtu.h"
#include "proto/overlay.h"
#include "proto/timing.h"

#define ALL_FLAGS  (LP_OVERLAY_FLAG_PIECE | LP_OVERLAY_FLAG_SEQUENCE)
#define BLOCK_KEYS 16
#define ROW_CELLS  8

struct block {
    char kind[32];
    char name[64];
    unsigned count;
    char *key[BLOCK_KEYS];
    char *value[BLOCK_KEYS];
};

/* The page cut into lines, in place. */
struct page {
    char *text;
    char *at;
};

static struct page page_open(void)
{
    FILE *file = fopen(PROTOCOL_MD, "r");
    char *text = calloc(1, 1 << 18);
    size_t len;

    assert_non_null(file);
    assert_non_null(text);
    len = fread(text, 1, (1 << 18) - 1, file);
    assert_true(len > 0 && len < (1 << 18) - 1);
    fclose(file);
    return (struct page){.text = text, .at = text};
}

static char *next_line(struct page *page)
{
    char *line = page->at;
    char *end;

    if (*line == '\0')
        return NULL;
    end = strchr(line, '\n');
    assert_non_null(end);
    *end = '\0';
    page->at = end + 1;
    return line;
}

/* The next block whose fence begins with "golden KIND"; false at the end of the page. */
static bool next_block(struct page *page, const char *kind, struct block *block)
{
    char *line;

    while ((line = next_line(page)) != NULL) {
        if (sscanf(line, "```golden %31s %63s", block->kind, block->name) != 2 ||
            strcmp(block->kind, kind) != 0)
            continue;
        block->count = 0;
        while ((line = next_line(page)) != NULL && strcmp(line, "```") != 0) {
            char *equals = strstr(line, " = ");

            assert_non_null(equals);
            assert_true(block->count < BLOCK_KEYS);
            *equals = '\0';
            block->key[block->count] = line;
            block->value[block->count++] = equals + 3;
        }
        assert_non_null(line);
        return true;
    }
    return false;
}

static const char *find(const struct block *block, const char *key)
{
    for (unsigned i = 0; i < block->count; i++) {
        if (strcmp(block->key[i], key) == 0)
            return block->value[i];
    }
    return NULL;
}

static const char *get(const struct block *block, const char *key)
{
    const char *value = find(block, key);

    if (value == NULL)
        fail_msg("golden %s %s: no %s", block->kind, block->name, key);
    return value;
}

static unsigned long get_number(const struct block *block, const char *key)
{
    char *end;
    unsigned long number = strtoul(get(block, key), &end, 0);

    assert_string_equal(end, "");
    return number;
}

static size_t get_octets(const struct block *block, const char *key, uint8_t *octets,
                         size_t max)
{
    const char *value = get(block, key);
    size_t len;

    if (sscanf(value, "pattern %zu", &len) == 1) {
        assert_true(len <= max);
        for (size_t i = 0; i < len; i++)
            octets[i] = (uint8_t)i;
        return len;
    }
    len = strlen(value) / 2;
    assert_true(len <= max);
    assert_int_equal(lp_hex_decode(value, strlen(value), octets), 0);
    return len;
}

static struct lp_overlay overlay_from(const struct block *block)
{
    struct lp_overlay overlay = {
        .type = (uint8_t)get_number(block, "type"),
        .flags = (uint8_t)get_number(block, "flags"),
        .room_id = (uint32_t)get_number(block, "room_id"),
        .peer_id = (uint32_t)get_number(block, "peer_id"),
    };

    if (overlay.flags & LP_OVERLAY_FLAG_PIECE) {
        overlay.piece.id = (uint16_t)get_number(block, "piece.id");
        overlay.piece.second = get_number(block, "piece.second") != 0;
        overlay.piece.frame_len = (uint16_t)get_number(block, "piece.frame_len");
    }
    if (overlay.flags & LP_OVERLAY_FLAG_SEQUENCE) {
        overlay.sequence.flow = (uint16_t)get_number(block, "sequence.flow");
        overlay.sequence.number = (uint16_t)get_number(block, "sequence.number");
    }
    return overlay;
}

static void overlay_vectors(void **state)
{
    struct page page = page_open();
    struct block block;
    unsigned count = 0;

    for (; next_block(&page, "overlay", &block); count++) {
        struct lp_overlay want = overlay_from(&block);
        struct lp_overlay got;
        uint8_t datagram[2048];
        uint8_t header[64];
        size_t header_len = get_octets(&block, "header", datagram, sizeof(datagram));
        size_t payload_len =
            get_octets(&block, "payload", datagram + header_len, sizeof(datagram) - header_len);

        print_message("# %s\n", block.name);
        assert_int_equal(lp_overlay_encode(&want, ALL_FLAGS, header, sizeof(header)),
                         (int)header_len);
        assert_memory_equal(header, datagram, header_len);
        assert_int_equal(lp_overlay_decode(datagram, header_len + payload_len, ALL_FLAGS, &got),
                         0);
        assert_int_equal(got.type, want.type);
        assert_int_equal(got.flags, want.flags);
        assert_int_equal(got.room_id, want.room_id);
        assert_int_equal(got.peer_id, want.peer_id);
        assert_int_equal(got.piece.id, want.piece.id);
        assert_int_equal(got.piece.second, want.piece.second);
        assert_int_equal(got.piece.frame_len, want.piece.frame_len);
        assert_int_equal(got.sequence.flow, want.sequence.flow);
        assert_int_equal(got.sequence.number, want.sequence.number);
        assert_ptr_equal(got.payload, datagram + header_len);
        assert_int_equal(got.payload_len, payload_len);
    }
    assert_int_equal(count, 6);
    free(page.text);
}

static void overlay_errors(void **state)
{
    struct page page = page_open();
    struct block block;
    unsigned count = 0;

    for (; next_block(&page, "overlay-error", &block); count++) {
        struct lp_overlay overlay;
        uint8_t datagram[2048];
        size_t len = get_octets(&block, "header", datagram, sizeof(datagram));
        int err;

        len += get_octets(&block, "payload", datagram + len, sizeof(datagram) - len);
        err = lp_overlay_decode(datagram, len, ALL_FLAGS, &overlay);
        print_message("# %s\n", block.name);
        assert_string_equal(lp_err_name(err), get(&block, "error"));
    }
    assert_int_equal(count, 10);
    free(page.text);
}

static void timing_vectors(void **state)
{
    struct page page = page_open();
    struct block block;
    unsigned count = 0;

    for (; next_block(&page, "timing", &block); count++) {
        unsigned long flags = get_number(&block, "flags");
        uint32_t room_id = (uint32_t)get_number(&block, "room_id");
        uint32_t peer_id = (uint32_t)get_number(&block, "peer_id");
        struct lp_timing want = {.asks = (flags & LP_TIMING_FLAG_ASKS) != 0,
                                 .answers = (flags & LP_TIMING_FLAG_ANSWERS) != 0,
                                 .stamp_us = (uint32_t)get_number(&block, "stamp"),
                                 .delay_us = (uint32_t)get_number(&block, "delay")};
        struct lp_timing got;
        uint8_t datagram[64], made[64];
        size_t len = get_octets(&block, "datagram", datagram, sizeof(datagram));

        print_message("# %s\n", block.name);
        assert_int_equal(get_number(&block, "type"), LP_OVERLAY_TIMING);
        assert_int_equal(lp_timing_encode(&want, room_id, peer_id, made, sizeof(made)),
                         (int)len);
        assert_memory_equal(made, datagram, len);
        assert_int_equal(lp_timing_decode(datagram, len, room_id, peer_id, &got), 0);
        assert_int_equal(got.asks, want.asks);
        assert_int_equal(got.answers, want.answers);
        assert_int_equal(got.stamp_us, want.stamp_us);
        assert_int_equal(got.delay_us, want.delay_us);
    }
    assert_int_equal(count, 3);
    free(page.text);
}

static void timing_errors(void **state)
{
    struct page page = page_open();
    struct block block;
    unsigned count = 0;

    for (; next_block(&page, "timing-error", &block); count++) {
        uint8_t datagram[64];
        size_t len = get_octets(&block, "datagram", datagram, sizeof(datagram));
        struct lp_timing timing;
        int err = lp_timing_decode(datagram, len, 1, 7, &timing);

        print_message("# %s\n", block.name);
        assert_string_equal(lp_err_name(err), get(&block, "error"));
    }
    assert_int_equal(count, 6);
    free(page.text);
}

#define MAC_1                                                                                  \
    {                                                                                          \
        {                                                                                      \
            0x02, 0, 0, 0, 0, 0x01                                                             \
        }                                                                                      \
    }
#define SECRET                                                                                 \
    {                                                                                          \
        0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15                                   \
    }
#define LIMITS                                                                                 \
    {                                                                                          \
        64, 32, 64, 32, 4194304, 2097152                                                       \
    }
#define CAPS (LP_CAP_PIECES | LP_CAP_SEQUENCE | LP_CAP_TIMING)

/* What the messages of the page mean. */
static const struct {
    const char *name;
    struct lp_control message;
} meanings[] = {
    {"hello-client",
     {.type = LP_CONTROL_HELLO,
      .hello = {.version = 1,
                .role = LP_ROLE_CLIENT,
                .room = "ABCD",
                .has_mac = true,
                .mac = MAC_1,
                .datagram_budget = 1440,
                .capabilities = CAPS,
                .name = "Zo\xc3\xab",
                .has_seat_secret = true,
                .seat_secret = SECRET}}},
    {"hello-gateway",
     {.type = LP_CONTROL_HELLO,
      .hello = {.version = 1,
                .role = LP_ROLE_GATEWAY,
                .room = "ABCD",
                .datagram_budget = 1414,
                .capabilities = LP_CAP_PIECES}}},
    {"welcome-client",
     {.type = LP_CONTROL_WELCOME,
      .welcome = {.peer_id = 7,
                  .room_id = 1,
                  .mtu = 1380,
                  .gateway_connected = true,
                  .gateway_peer_id = 3,
                  .mode = "relay",
                  .has_seat_secret = true,
                  .seat_secret = SECRET,
                  .capabilities = CAPS,
                  .limits = LIMITS}}},
    {"welcome-first",
     {.type = LP_CONTROL_WELCOME,
      .welcome = {.peer_id = 1,
                  .room_id = 1,
                  .mtu = 1380,
                  .mode = "relay",
                  .has_seat_secret = true,
                  .seat_secret = SECRET,
                  .capabilities = CAPS,
                  .limits = LIMITS}}},
    {"reject",
     {.type = LP_CONTROL_REJECT,
      .reject = {.code = LP_REJECT_ROOM_FULL, .text = "16 of 16 seats are taken"}}},
    {"peer-joined-client",
     {.type = LP_CONTROL_PEER_JOINED,
      .peer_joined = {.peer_id = 7,
                      .seq = 12,
                      .role = LP_ROLE_CLIENT,
                      .has_mac = true,
                      .mac = MAC_1,
                      .name = "Zo\xc3\xab"}}},
    {"peer-joined-gateway",
     {.type = LP_CONTROL_PEER_JOINED,
      .peer_joined = {.peer_id = 3, .seq = 4, .role = LP_ROLE_GATEWAY}}},
    {"peer-left",
     {.type = LP_CONTROL_PEER_LEFT,
      .peer_left = {.peer_id = 7, .seq = 13, .reason = LP_LEAVE_TIMED_OUT}}},
    {"stats",
     {.type = LP_CONTROL_STATS,
      .stats = {.rtt_us = 23456,
                .count = 2,
                .counter = {{"frames_rx", 1200}, {"frames_tx", INT64_MAX}}}}},
    {"disconnect", {.type = LP_CONTROL_DISCONNECT, .disconnect = {.reason = LP_LEAVE_NORMAL}}},
};

static const struct lp_control *meaning_of(const char *name)
{
    for (size_t i = 0; i < sizeof(meanings) / sizeof(meanings[0]); i++) {
        if (strcmp(meanings[i].name, name) == 0)
            return &meanings[i].message;
    }
    fail_msg("golden control %s: this test does not know what it means", name);
    return NULL;
}

static void control_vectors(void **state)
{
    struct page page = page_open();
    struct block block;
    size_t count = 0;

    for (; next_block(&page, "control", &block); count++) {
        const char *json = get(&block, "json");
        size_t len = strlen(json);
        struct lp_control decoded;
        uint8_t prefix[LP_CONTROL_PREFIX_LEN];
        uint8_t frame[4096];
        char why[LP_CONTROL_WHY_LEN] = "";

        print_message("# %s\n", block.name);
        assert_int_equal(get_octets(&block, "prefix", prefix, sizeof(prefix)), sizeof(prefix));

        assert_int_equal(lp_control_encode(meaning_of(block.name), frame, sizeof(frame)),
                         (int)(sizeof(prefix) + len));
        assert_memory_equal(frame, prefix, sizeof(prefix));
        assert_memory_equal(frame + sizeof(prefix), json, len);

        assert_int_equal(lp_control_decode((const uint8_t *)json, len, &decoded, why, NULL), 0);
        memset(frame, 0, sizeof(frame));
        assert_int_equal(lp_control_encode(&decoded, frame, sizeof(frame)),
                         (int)(sizeof(prefix) + len));
        assert_memory_equal(frame + sizeof(prefix), json, len);
    }
    assert_int_equal(count, sizeof(meanings) / sizeof(meanings[0]));
    free(page.text);
}

static void control_errors(void **state)
{
    struct page page = page_open();
    struct block block;
    unsigned count = 0;

    for (; next_block(&page, "control-error", &block); count++) {
        const char *json = get(&block, "json");
        struct lp_control decoded;
        enum lp_reject_code reject = LP_REJECT_REDIRECT;
        char why[LP_CONTROL_WHY_LEN] = "";

        print_message("# %s\n", block.name);
        assert_int_equal(
            lp_control_decode((const uint8_t *)json, strlen(json), &decoded, why, &reject),
            LP_ERR_MALFORMED);
        assert_string_equal(why, get(&block, "why"));
        assert_string_equal(reject == 0 ? "none" : lp_reject_name(reject),
                            get(&block, "reject"));
    }
    assert_int_equal(count, 9);
    free(page.text);
}

/* Cuts "| a | `b` | c |" into its cells, without the back-quotes around one. */
static unsigned cut_row(char *line, char *cell[ROW_CELLS])
{
    unsigned count = 0;

    assert_int_equal(line[0], '|');
    for (char *at = line + 1; *at != '\0';) {
        char *bar = strchr(at, '|');
        char *end = bar;

        assert_non_null(bar);
        while (*at == ' ')
            at++;
        while (end > at && end[-1] == ' ')
            end--;
        if (end - at > 1 && at[0] == '`' && end[-1] == '`') {
            at++;
            end--;
        }
        *end = '\0';
        assert_true(count < ROW_CELLS);
        cell[count++] = at;
        at = bar + 1;
    }
    return count;
}

/* Goes to the first row of the table that the comment names. */
static struct page table_open(const char *name)
{
    struct page page = page_open();
    char marker[64];
    char *line;

    snprintf(marker, sizeof(marker), "<!-- table:%s -->", name);
    while ((line = next_line(&page)) != NULL && strcmp(line, marker) != 0)
        ;
    if (line == NULL)
        fail_msg("no table %s", name);
    assert_non_null(next_line(&page));
    assert_non_null(next_line(&page));
    return page;
}

static bool next_row(struct page *page, char *cell[ROW_CELLS])
{
    char *line = next_line(page);

    if (line == NULL || line[0] != '|')
        return false;
    assert_true(cut_row(line, cell) >= 2);
    return true;
}

struct named {
    unsigned long number;
    const char *name;
    const char *text; /* NULL: not compared */
};

static void compare_table(const char *table, const struct named *rows, size_t count)
{
    struct page page = table_open(table);
    char *cell[ROW_CELLS];

    for (size_t i = 0; i < count; i++) {
        if (!next_row(&page, cell))
            fail_msg("table %s: %s is missing", table, rows[i].name);
        assert_int_equal(strtoul(cell[0], NULL, 10), rows[i].number);
        assert_string_equal(cell[1], rows[i].name);
        if (rows[i].text != NULL)
            assert_string_equal(cell[2], rows[i].text);
    }
    if (next_row(&page, cell))
        fail_msg("table %s: %s is too many", table, cell[1]);
    free(page.text);
}

#define COMPARE(table, rows) compare_table(table, rows, sizeof(rows) / sizeof(rows[0]))

static void name_tables(void **state)
{
#define X(name, number, text) {number, text, NULL},
    static const struct named messages[] = {LP_CONTROL_TABLE(X)};
#undef X
#define X(name, number, wire, text) {number, wire, text},
    static const struct named rejects[] = {LP_REJECT_TABLE(X)};
#undef X
#define X(name, number, wire) {number, wire, NULL},
    static const struct named leaves[] = {LP_LEAVE_TABLE(X)};
#undef X

    COMPARE("messages", messages);
    COMPARE("reject", rejects);
    COMPARE("leave", leaves);
}

/* The names are internal to the codec: they are read back from a message that has them all. */
static void capability_table(void **state)
{
    struct page page = table_open("capabilities");
    uint32_t seen = 0;
    char *cell[ROW_CELLS];

    while (next_row(&page, cell)) {
        struct lp_control decoded;
        char body[256];

        snprintf(body, sizeof(body),
                 "{\"type\":\"hello\",\"version\":1,\"role\":\"gateway\",\"room\":\"R\","
                 "\"datagram_budget\":1414,\"capabilities\":[\"%s\"]}",
                 cell[1]);
        assert_int_equal(
            lp_control_decode((const uint8_t *)body, strlen(body), &decoded, NULL, NULL), 0);
        assert_int_equal(decoded.hello.capabilities, 1u << strtoul(cell[0], NULL, 10));
        seen |= decoded.hello.capabilities;
    }
    assert_int_equal(seen, CAPS);
    free(page.text);
}

static void budget_table(void **state)
{
    struct page page = table_open("budgets");
    unsigned count = 0;
    char *cell[ROW_CELLS];

    for (; next_row(&page, cell); count++) {
        size_t payload = strtoul(cell[0], NULL, 10);
        size_t budget = strtoul(cell[1], NULL, 10);
        size_t frame = strtoul(cell[2], NULL, 10);
        size_t mtu = strtoul(cell[3], NULL, 10);

        assert_int_equal(lp_mtu_datagram_budget(payload), budget);
        assert_int_equal(lp_mtu_udp_payload(budget), payload);
        assert_int_equal(lp_mtu_frame(budget), frame);
        assert_int_equal(lp_mtu_budget_for_frame(frame), budget);
        assert_int_equal(lp_mtu_tap(budget), mtu);
        assert_int_equal(lp_mtu_budget_for_tap(mtu), budget);
    }
    assert_int_equal(count, 6);
    free(page.text);
}

static void constant_table(void **state)
{
#define CONSTANT(name)                                                                         \
    {                                                                                          \
        name, #name, NULL                                                                      \
    }
    static const struct named constants[] = {
        CONSTANT(LP_OVERLAY_HEADER_LEN),
        CONSTANT(LP_OVERLAY_HEADER_MAX),
        CONSTANT(LP_TIMING_LEN),
        CONSTANT(LP_QUIC_CID_LEN),
        CONSTANT(LP_QUIC_PACKET_OVERHEAD),
        CONSTANT(LP_QUIC_DATAGRAM_OVERHEAD),
        CONSTANT(LP_QUIC_PAYLOAD_MIN),
        CONSTANT(LP_QUIC_PAYLOAD_MAX),
        CONSTANT(LP_PIECE_FIRST_LEN),
        CONSTANT(LP_PIECE_SECOND_MAX),
        CONSTANT(LP_PIECE_ID_RELAY),
        CONSTANT(LP_REASSEMBLY_SLOTS),
        CONSTANT(LP_ETH_FRAME_MAX),
        CONSTANT(LP_ROOM_MTU_DEFAULT),
        CONSTANT(LP_ROOM_MTU_MIN),
        CONSTANT(LP_CONTROL_VERSION),
        CONSTANT(LP_CONTROL_BODY_MAX),
        CONSTANT(LP_ROOM_CODE_MAX),
        CONSTANT(LP_NAME_MAX),
        CONSTANT(LP_TEXT_MAX),
        CONSTANT(LP_SEAT_SECRET_LEN),
        CONSTANT(LP_STATS_COUNTERS_MAX),
        CONSTANT(LP_STATS_NAME_MAX),
    };
#undef CONSTANT
    struct page page = table_open("constants");
    char *cell[ROW_CELLS];

    for (size_t i = 0; i < sizeof(constants) / sizeof(constants[0]); i++) {
        assert_true(next_row(&page, cell));
        assert_string_equal(cell[0], constants[i].name);
        assert_int_equal(strtoul(cell[1], NULL, 10), constants[i].number);
    }
    assert_false(next_row(&page, cell));
    free(page.text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(overlay_vectors), cmocka_unit_test(overlay_errors),
        cmocka_unit_test(timing_vectors),  cmocka_unit_test(timing_errors),
        cmocka_unit_test(control_vectors), cmocka_unit_test(control_errors),
        cmocka_unit_test(name_tables),     cmocka_unit_test(capability_table),
        cmocka_unit_test(budget_table),    cmocka_unit_test(constant_table),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
