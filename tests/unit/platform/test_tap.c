/*
 * The TAP link of Windows. What cannot be opened is told anywhere; the rest needs the stand-in for
 * the driver (tests/win/fake), which the tests of the whole program load into their Wine.
 */
#include "waiting.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "platform/windows/win.h"

#include <winioctl.h>
#include <winsvc.h>

#include "../../win/fake/faketap.h"

#define WIRE_PATH         "\\\\.\\" FAKETAP_WIRE
#define CONTROL_PATH      "\\\\.\\" FAKETAP_CONTROL
#define FRAME_LEN(number) (60u + (number)*7u % 1455u)

/* ---- the other end of the cable ---- */

static HANDLE open_path(const char *path)
{
    return CreateFileA(path, GENERIC_READ | GENERIC_WRITE, 0, NULL, OPEN_EXISTING,
                       FILE_FLAG_OVERLAPPED, NULL);
}

static HANDLE open_wire(void)
{
    HANDLE wire = open_path(WIRE_PATH);

    assert_true(wire != INVALID_HANDLE_VALUE);
    return wire;
}

static void frame_of(unsigned number, uint8_t frame[1514])
{
    memset(frame, 0xff, 6);
    memset(frame + 6, 2, 6);
    memset(frame + 12, (int)(number & 0xff), 1502);
    memcpy(frame + 14, &number, sizeof(number));
}

static unsigned number_of(const uint8_t *frame, size_t len)
{
    unsigned number;
    uint8_t expected[1514];

    memcpy(&number, frame + 14, sizeof(number));
    frame_of(number, expected);
    assert_int_equal(len, FRAME_LEN(number));
    assert_memory_equal(frame, expected, len);
    return number;
}

static void wire_send(HANDLE wire, unsigned number)
{
    OVERLAPPED overlapped = {.hEvent = CreateEventW(NULL, TRUE, FALSE, NULL)};
    uint8_t frame[1514];
    DWORD done;

    frame_of(number, frame);
    if (!WriteFile(wire, frame, FRAME_LEN(number), NULL, &overlapped))
        assert_int_equal(GetLastError(), ERROR_IO_PENDING);
    assert_true(GetOverlappedResult(wire, &overlapped, &done, TRUE));
    CloseHandle(overlapped.hEvent);
}

/* The length, or 0 when no frame comes within the time. */
static size_t wire_receive(HANDLE wire, uint8_t frame[FAKETAP_FRAME_MAX], DWORD within_ms)
{
    OVERLAPPED overlapped = {.hEvent = CreateEventW(NULL, TRUE, FALSE, NULL)};
    DWORD len = 0;

    if (!ReadFile(wire, frame, FAKETAP_FRAME_MAX, NULL, &overlapped))
        assert_int_equal(GetLastError(), ERROR_IO_PENDING);
    if (WaitForSingleObject(overlapped.hEvent, within_ms) == WAIT_TIMEOUT)
        CancelIoEx(wire, &overlapped);
    if (!GetOverlappedResult(wire, &overlapped, &len, TRUE))
        len = 0;
    CloseHandle(overlapped.hEvent);
    return len;
}

static struct faketap_state driver_state(void)
{
    HANDLE control = open_path(CONTROL_PATH);
    OVERLAPPED overlapped = {.hEvent = CreateEventW(NULL, TRUE, FALSE, NULL)};
    struct faketap_state state;
    DWORD len;

    assert_true(control != INVALID_HANDLE_VALUE);
    if (!DeviceIoControl(control, FAKETAP_STATE, NULL, 0, &state, sizeof(state), NULL,
                         &overlapped))
        assert_int_equal(GetLastError(), ERROR_IO_PENDING);
    assert_true(GetOverlappedResult(control, &overlapped, &len, TRUE));
    CloseHandle(overlapped.hEvent);
    CloseHandle(control);
    return state;
}

/* ---- the link ---- */

struct watched {
    struct lp_link *link;
    unsigned next;    /* number that the next frame must have */
    unsigned wanted;  /* frames until done */
    unsigned at_once; /* frames that one call reads at most, 0 = all */
    unsigned read;
    bool gaps; /* frames may be missing */
    bool close_in_callback;
    bool closed;
};

static void on_ready(void *user, unsigned ready)
{
    struct watched *w = user;
    struct lp_superframe frame;
    unsigned number;
    int err = 0;

    assert_int_equal(ready, LP_READY_READ);
    if (w->close_in_callback) {
        lp_link_close(w->link);
        w->link = NULL;
        w->closed = true;
        return;
    }
    for (unsigned i = 0; w->at_once == 0 || i < w->at_once; i++) {
        err = lp_link_read(w->link, &frame);
        if (err < 0)
            break;
        assert_int_equal(frame.gso, LP_GSO_NONE);
        number = number_of(frame.bytes, frame.len);
        assert_true(number == w->next || (w->gaps && number > w->next));
        w->next = number + 1;
        w->read++;
    }
    if (err == LP_ERR_CLOSED) {
        assert_int_equal(lp_link_read(w->link, &frame), LP_ERR_CLOSED);
        lp_link_close(w->link);
        w->link = NULL;
        w->closed = true;
    }
}

static bool has_all(void *user)
{
    const struct watched *w = user;

    return w->read >= w->wanted;
}

static bool is_closed(void *user)
{
    return ((const struct watched *)user)->closed;
}

static int try_open(uv_loop_t *loop, const char *name, const struct lp_mac *mac,
                    struct watched *w, char why[LP_WHY_LEN])
{
    struct lp_tap_options options = {.name = name, .mac = *mac, .mtu = 1380};

    memset(w, 0, sizeof(*w));
    strcpy(why, "nothing");
    return lp_link_open_tap(loop, &options, on_ready, w, &w->link, why);
}

static void open_link(uv_loop_t *loop, struct watched *w)
{
    struct faketap_state state = driver_state();
    struct lp_mac mac = lp_mac_from(state.mac);
    char why[LP_WHY_LEN];
    int err = try_open(loop, "SoftLAN", &mac, w, why);

    if (err != 0)
        fail_msg("%s", why);
    assert_string_equal(why, "");
}

static void open_connected(uv_loop_t *loop, struct watched *w)
{
    uv_loop_init(loop);
    open_link(loop, w);
    assert_int_equal(lp_link_set_media(w->link, true), 0);
}

static void close_link(uv_loop_t *loop, struct watched *w)
{
    lp_link_close(w->link);
    bed_close_loop(loop);
}

/* ---- anywhere ---- */

static void an_adapter_that_is_not_there_is_told(void **state)
{
    static const struct lp_mac mac = {{2, 0, 0, 0, 0, 1}};
    struct lp_tap_adapter adapters[LP_TAP_ADAPTERS_MAX];
    char why[LP_WHY_LEN];
    struct watched w;
    uv_loop_t loop;
    int count;

    (void)state;
    uv_loop_init(&loop);
    assert_int_equal(try_open(&loop, "no such adapter", &mac, &w, why), LP_ERR_NOTFOUND);
    assert_non_null(strstr(why, "'no such adapter'"));
    count = lp_tap_adapters(adapters, LP_TAP_ADAPTERS_MAX, why);
    assert_true(count >= 0);
    if (count == 0)
        assert_non_null(strstr(why, "install"));
    for (int i = 0; i < count; i++)
        assert_non_null(strstr(why, adapters[i].name));
    assert_null(w.link);
    lp_link_close(NULL);
    bed_close_loop(&loop);
}

/* ---- the registry ---- */

#define CLASS_KEY                                                                              \
    "SYSTEM\\CurrentControlSet\\Control\\Class\\{4D36E972-E325-11CE-BFC1-08002BE10318}"
#define NETWORK_KEY                                                                            \
    "SYSTEM\\CurrentControlSet\\Control\\Network\\{4D36E972-E325-11CE-BFC1-08002BE10318}"

static void set_text(const char *key, const char *value, const wchar_t *text)
{
    wchar_t wide_value[32], wide_key[256];

    MultiByteToWideChar(CP_UTF8, 0, value, -1, wide_value, 32);
    MultiByteToWideChar(CP_UTF8, 0, key, -1, wide_key, 256);
    assert_int_equal(RegSetKeyValueW(HKEY_LOCAL_MACHINE, wide_key, wide_value, REG_SZ, text,
                                     (DWORD)((wcslen(text) + 1) * sizeof(*text))),
                     ERROR_SUCCESS);
}

static void add_adapter(unsigned number, const wchar_t *component, const wchar_t *instance)
{
    char key[256];

    snprintf(key, sizeof(key), CLASS_KEY "\\%04u", number);
    set_text(key, "ComponentId", component);
    set_text(key, "NetCfgInstanceId", instance);
}

static void remove_adapter(unsigned number)
{
    char key[256];

    snprintf(key, sizeof(key), CLASS_KEY "\\%04u", number);
    assert_int_equal(RegDeleteTreeA(HKEY_LOCAL_MACHINE, key), ERROR_SUCCESS);
}

static bool is_listed(const char *instance, const char *name)
{
    struct lp_tap_adapter adapters[LP_TAP_ADAPTERS_MAX];
    char why[LP_WHY_LEN];
    int count = lp_tap_adapters(adapters, LP_TAP_ADAPTERS_MAX, why);

    for (int i = 0; i < count; i++)
        if (strcmp(adapters[i].instance, instance) == 0)
            return strcmp(adapters[i].name, name) == 0 && !adapters[i].own;
    return false;
}

/* Tests do not write into the registry of a real Windows. */
static void adapters_are_those_of_the_driver(void **state)
{
    static const struct lp_mac mac = {{2, 0, 0, 0, 0, 1}};
    char why[LP_WHY_LEN];
    struct watched w;
    uv_loop_t loop;

    (void)state;
    if (!bed_is_wine())
        return;
    add_adapter(9001, L"tap0901", L"{00000000-0000-0000-0000-000000009001}");
    add_adapter(9002, L"ROOT\\TAP0901", L"{00000000-0000-0000-0000-000000009002}");
    add_adapter(9003, L"tap0801", L"{00000000-0000-0000-0000-000000009003}");
    add_adapter(9004, L"tap0901", L"{00000000-0000-0000-0000-00000000900}");
    add_adapter(9005, L"tap0901", L"..\\..\\{00000000-0000-0000-0000-00000000}");
    set_text(NETWORK_KEY "\\{00000000-0000-0000-0000-000000009002}\\Connection", "Name",
             L"Spiel \u00fcberall");
    /* one that has no connection is called by its instance id */
    assert_true(is_listed("{00000000-0000-0000-0000-000000009001}",
                          "{00000000-0000-0000-0000-000000009001}"));
    assert_true(is_listed("{00000000-0000-0000-0000-000000009002}", "Spiel \xc3\xbc"
                                                                    "berall"));
    assert_false(is_listed("{00000000-0000-0000-0000-000000009003}",
                           "{00000000-0000-0000-0000-000000009003}"));
    uv_loop_init(&loop);
    assert_int_equal(try_open(&loop, "none", &mac, &w, why), LP_ERR_NOTFOUND);
    assert_non_null(strstr(why, "900"));
    assert_null(strstr(why, "9003"));
    assert_null(strstr(why, "00900}"));
    assert_null(strstr(why, ".."));
    /* a driver that is not loaded */
    assert_int_equal(try_open(&loop,
                              "Spiel \xc3\xbc"
                              "berall",
                              &mac, &w, why),
                     LP_ERR_NOTFOUND);
    assert_non_null(strstr(why, "does not answer"));
    bed_close_loop(&loop);
    for (unsigned number = 9001; number <= 9005; number++)
        remove_adapter(number);
    assert_int_equal(RegDeleteTreeA(HKEY_LOCAL_MACHINE,
                                    NETWORK_KEY "\\{00000000-0000-0000-0000-000000009002}"),
                     ERROR_SUCCESS);
}

static void what_only_linux_has_is_told(void **state)
{
    struct lp_addr server = bed_addr("10.0.0.53", 0);
    struct lp_link *link = NULL;
    struct lp_dhcp *dhcp = NULL;
    char why[LP_WHY_LEN];
    int status;

    (void)state;
#define REFUSED(call)                                                                          \
    do {                                                                                       \
        strcpy(why, "nothing");                                                                \
        assert_int_equal(call, LP_ERR_UNSUPPORTED);                                            \
        assert_ptr_equal(strstr(why, "unsupported platform: "), why);                          \
    } while (0)
    REFUSED(lp_link_open_packet(NULL, "eth0", NULL, NULL, &link, why));
    REFUSED(lp_link_open_bridge_port(NULL, "br0", NULL, NULL, NULL, &link, why));
    REFUSED(lp_interface_refuse_default_route("SoftLAN", why));
    REFUSED(lp_dhcp_start(NULL, "SoftLAN", NULL, NULL, &dhcp, why));
    REFUSED(lp_dns_use("SoftLAN", &server, 1, why));
#undef REFUSED
    assert_null(link);
    assert_null(dhcp);
    assert_int_equal(lp_dhcp_restart(NULL), LP_ERR_UNSUPPORTED);
    assert_false(lp_dhcp_is_event_helper(0, NULL, &status));
    lp_dhcp_stop(NULL);
    lp_dns_restore("SoftLAN");
}

static void interfaces_have_addresses(void **state)
{
    struct lp_if_address addresses[LP_IF_ADDRESSES_MAX];
    char why[LP_WHY_LEN];

    (void)state;
    assert_int_equal(lp_interface_addresses("no such interface", addresses, 1),
                     LP_ERR_NOTFOUND);
    assert_int_equal(lp_interface_find_overlap("no such interface", why), LP_ERR_NOTFOUND);
}

/* ---- with the driver ---- */

static void it_opens_disconnected_and_by_both_names(void **state)
{
    struct lp_mac mac = lp_mac_from(driver_state().mac);
    struct lp_tap_adapter adapters[LP_TAP_ADAPTERS_MAX];
    struct lp_link_info info;
    char why[LP_WHY_LEN];
    struct watched w;
    uv_loop_t loop;
    int count = lp_tap_adapters(adapters, LP_TAP_ADAPTERS_MAX, why);

    (void)state;
    assert_true(count >= 1);
    assert_string_equal(adapters[0].instance, FAKETAP_GUID);
    assert_string_equal(adapters[0].name, "SoftLAN");
    assert_true(adapters[0].own);
    assert_int_equal(lp_tap_adapters(adapters, 0, why), 0);
    uv_loop_init(&loop);
    assert_int_equal(try_open(&loop, "{410eb49d-2381-4fe7-9b36-498e22619df0}", &mac, &w, why),
                     0);
    lp_link_info(w.link, &info);
    assert_string_equal(info.name, "SoftLAN");
    assert_true(lp_mac_equal(&info.mac, &mac));
    assert_true(info.up && !info.carrier);
    assert_int_equal(driver_state().media, 0);
    assert_int_equal(lp_link_set_media(w.link, true), 0);
    assert_int_equal(lp_link_set_media(w.link, true), 0);
    lp_link_info(w.link, &info);
    assert_true(info.carrier);
    assert_int_equal(driver_state().media, 1);
    close_link(&loop, &w);
    assert_int_equal(driver_state().media, 0);
    assert_int_equal(driver_state().open, 0);
}

static void a_mac_that_the_driver_does_not_have_is_refused(void **state)
{
    static const struct lp_mac other = {{2, 0x12, 0x34, 0x56, 0x78, 0x9a}};
    char is_text[LP_MAC_TEXT_LEN], why[LP_WHY_LEN];
    struct lp_mac mac = lp_mac_from(driver_state().mac);
    struct watched w;
    uv_loop_t loop;

    (void)state;
    uv_loop_init(&loop);
    assert_int_equal(try_open(&loop, "SoftLAN", &other, &w, why), LP_ERR_CONFIG);
    assert_non_null(strstr(why, "02:12:34:56:78:9a"));
    assert_non_null(strstr(why, lp_mac_format(&mac, is_text)));
    assert_int_equal(driver_state().open, 0);
    bed_close_loop(&loop);
}

/* More than the ring holds, read a few at a time: what is left wakes the loop again. */
static void frames_come_in_order(void **state)
{
    HANDLE wire = open_wire();
    struct watched w;
    uv_loop_t loop;

    (void)state;
    open_connected(&loop, &w);
    w.at_once = 7;
    for (unsigned number = 0; number < 2000; number += 100) {
        for (unsigned i = 0; i < 100; i++)
            wire_send(wire, number + i);
        w.wanted = number + 100;
        assert_true(bed_wait(&loop, has_all, &w, BED_DEADLINE_MS));
    }
    close_link(&loop, &w);
    CloseHandle(wire);
}

static void frames_go_in_order(void **state)
{
    HANDLE wire = open_wire();
    uint8_t frame[FAKETAP_FRAME_MAX];
    struct lp_link_counters counters;
    struct watched w;
    uv_loop_t loop;

    (void)state;
    open_connected(&loop, &w);
    for (unsigned number = 0; number < 1000; number++) {
        size_t len;

        frame_of(number, frame);
        assert_int_equal(lp_link_write(w.link, frame, FRAME_LEN(number)), 0);
        len = wire_receive(wire, frame, BED_DEADLINE_MS);
        assert_int_equal(number_of(frame, len), number);
    }
    assert_int_equal(lp_link_write(w.link, frame, 13), LP_ERR_INVALID);
    assert_int_equal(lp_link_write(w.link, frame, FAKETAP_FRAME_MAX + 1), LP_ERR_RANGE);
    lp_link_counters(w.link, &counters);
    assert_int_equal(counters.tx_full, 0);
    assert_int_equal(counters.tx_errors, 1);
    close_link(&loop, &w);
    CloseHandle(wire);
}

/* Faster than the driver: what is taken arrives in order, what is not is counted. */
static void a_burst_is_taken_or_counted(void **state)
{
    HANDLE wire = open_wire();
    uint8_t frame[FAKETAP_FRAME_MAX];
    struct lp_link_counters counters;
    unsigned taken = 0, full = 0, next = 0;
    struct watched w;
    uv_loop_t loop;
    size_t len;

    (void)state;
    open_connected(&loop, &w);
    for (unsigned i = 0; i < 1000; i++) {
        int err;

        frame_of(taken, frame);
        err = lp_link_write(w.link, frame, FRAME_LEN(taken));
        if (err == LP_ERR_AGAIN)
            full++;
        else
            assert_int_equal(err, 0);
        taken += err == 0;
    }
    while (next < taken && (len = wire_receive(wire, frame, BED_DEADLINE_MS)) > 0)
        assert_int_equal(number_of(frame, len), next++);
    assert_int_equal(next, taken);
    lp_link_counters(w.link, &counters);
    assert_int_equal(counters.tx_full, full);
    close_link(&loop, &w);
    CloseHandle(wire);
}

/* A loop that does not run: the ring holds what it can, the rest is lost and counted. */
static void a_full_ring_counts(void **state)
{
    HANDLE wire = open_wire();
    struct lp_link_counters counters;
    struct watched w;
    uv_loop_t loop;

    (void)state;
    open_connected(&loop, &w);
    for (unsigned number = 0; number < 800; number++)
        wire_send(wire, number);
    do {
        lp_link_counters(w.link, &counters);
    } while (counters.rx_kernel_drops < 800 - 512);
    w.wanted = 512;
    assert_true(bed_wait(&loop, has_all, &w, BED_DEADLINE_MS));
    assert_int_equal(w.read, 512);
    w.next = 800;
    w.wanted = 513;
    wire_send(wire, 800);
    assert_true(bed_wait(&loop, has_all, &w, BED_DEADLINE_MS));
    lp_link_counters(w.link, &counters);
    assert_int_equal(counters.rx_kernel_drops, 800 - 512);
    close_link(&loop, &w);
    CloseHandle(wire);
}

/* The driver aborts reads and writes without media: that is no device that went away. */
static void a_cable_is_pulled_and_put_back(void **state)
{
    HANDLE wire = open_wire();
    uint8_t frame[FAKETAP_FRAME_MAX];
    struct lp_link_counters counters;
    struct watched w;
    uv_loop_t loop;

    (void)state;
    open_connected(&loop, &w);
    for (unsigned number = 0; number < 50; number++) {
        wire_send(wire, number);
        w.wanted = number + 1;
        assert_true(bed_wait(&loop, has_all, &w, BED_DEADLINE_MS));
        for (unsigned i = 0; i <= number % 4; i++) {
            assert_int_equal(lp_link_set_media(w.link, false), 0);
            assert_int_equal(driver_state().media, 0);
            frame_of(number, frame);
            assert_int_equal(lp_link_write(w.link, frame, 60), LP_ERR_AGAIN);
            wire_send(wire, 1000); /* nobody hears it; the driver has reads of before */
            assert_int_equal(lp_link_set_media(w.link, true), 0);
        }
    }
    assert_false(w.closed);
    lp_link_counters(w.link, &counters);
    assert_int_equal(counters.rx_kernel_drops, 0);
    close_link(&loop, &w);
    CloseHandle(wire);
}

/* ---- under traffic ---- */

static void send_for_ever(void *arg)
{
    HANDLE wire = open_wire();

    for (unsigned number = 0; WaitForSingleObject(arg, 0) == WAIT_TIMEOUT; number++)
        wire_send(wire, number);
    CloseHandle(wire);
}

/* A read that is begun again just when the cable goes is aborted: that closes nothing either. */
static void a_cable_is_pulled_under_traffic(void **state)
{
    HANDLE stop = CreateEventW(NULL, TRUE, FALSE, NULL);
    uv_thread_t sender;
    struct watched w;
    uv_loop_t loop;

    (void)state;
    assert_int_equal(uv_thread_create(&sender, send_for_ever, stop), 0);
    open_connected(&loop, &w);
    w.gaps = true;
    for (unsigned i = 0; i < 500 && !w.closed; i++) {
        w.wanted = w.read + 1 + i % 3;
        assert_true(bed_wait(&loop, has_all, &w, BED_DEADLINE_MS));
        assert_int_equal(lp_link_set_media(w.link, false), 0);
        assert_int_equal(lp_link_set_media(w.link, true), 0);
    }
    assert_false(w.closed);
    close_link(&loop, &w);
    SetEvent(stop);
    uv_thread_join(&sender);
    CloseHandle(stop);
}

static void it_closes_under_traffic(void **state)
{
    HANDLE stop = CreateEventW(NULL, TRUE, FALSE, NULL);
    uv_thread_t sender;
    struct watched w;
    uv_loop_t loop;

    (void)state;
    assert_int_equal(uv_thread_create(&sender, send_for_ever, stop), 0);
    for (unsigned i = 0; i < 30; i++) {
        open_connected(&loop, &w);
        w.close_in_callback = true;
        assert_true(bed_wait(&loop, is_closed, &w, BED_DEADLINE_MS));
        bed_close_loop(&loop);
        assert_int_equal(driver_state().open, 0);
    }
    SetEvent(stop);
    uv_thread_join(&sender);
    CloseHandle(stop);
}

static void control_driver(bool start)
{
    SC_HANDLE manager = OpenSCManagerW(NULL, NULL, SC_MANAGER_CONNECT);
    SC_HANDLE service = OpenServiceA(manager, FAKETAP_SERVICE, SERVICE_START | SERVICE_STOP);
    SERVICE_STATUS status;

    assert_non_null(service);
    if (start)
        assert_true(StartServiceW(service, 0, NULL));
    else
        assert_true(ControlService(service, SERVICE_CONTROL_STOP, &status));
    CloseServiceHandle(service);
    CloseServiceHandle(manager);
}

/* The last one: afterwards there is no driver. */
static void a_device_that_goes_away_closes(void **state)
{
    struct watched w;
    uv_loop_t loop;

    (void)state;
    open_connected(&loop, &w);
    control_driver(false);
    assert_true(bed_wait(&loop, is_closed, &w, BED_DEADLINE_MS));
    bed_close_loop(&loop);
}

static bool has_driver(void)
{
    HANDLE wire = open_path(WIRE_PATH);

    if (wire == INVALID_HANDLE_VALUE)
        return false;
    CloseHandle(wire);
    return true;
}

int main(void)
{
    const struct CMUnitTest anywhere[] = {
        cmocka_unit_test(an_adapter_that_is_not_there_is_told),
        cmocka_unit_test(adapters_are_those_of_the_driver),
        cmocka_unit_test(what_only_linux_has_is_told),
        cmocka_unit_test(interfaces_have_addresses),
    };
    const struct CMUnitTest with_driver[] = {
        cmocka_unit_test(an_adapter_that_is_not_there_is_told),
        cmocka_unit_test(adapters_are_those_of_the_driver),
        cmocka_unit_test(what_only_linux_has_is_told),
        cmocka_unit_test(interfaces_have_addresses),
        cmocka_unit_test(it_opens_disconnected_and_by_both_names),
        cmocka_unit_test(a_mac_that_the_driver_does_not_have_is_refused),
        cmocka_unit_test(frames_come_in_order),
        cmocka_unit_test(frames_go_in_order),
        cmocka_unit_test(a_burst_is_taken_or_counted),
        cmocka_unit_test(a_full_ring_counts),
        cmocka_unit_test(a_cable_is_pulled_and_put_back),
        cmocka_unit_test(a_cable_is_pulled_under_traffic),
        cmocka_unit_test(it_closes_under_traffic),
        cmocka_unit_test(a_device_that_goes_away_closes),
    };

    if (has_driver())
        return cmocka_run_group_tests(with_driver, NULL, NULL);
    return cmocka_run_group_tests(anywhere, NULL, NULL);
}
