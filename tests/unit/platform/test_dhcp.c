/* The DHCP client against a real server in a network namespace of its own. */
#include "bed.h"

#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

struct player {
    uv_loop_t loop;
    struct lp_dhcp *dhcp;
    struct lp_dhcp_lease lease;
    unsigned changes;
    unsigned wanted;
    bool stop_in_callback;
};

static void on_changed(void *user, const struct lp_dhcp_lease *lease)
{
    struct player *player = user;

    player->lease = *lease;
    player->changes++;
    if (player->stop_in_callback) {
        lp_dhcp_stop(player->dhcp);
        player->dhcp = NULL;
    }
}

static bool is_changed(void *user)
{
    const struct player *player = user;

    return player->changes >= player->wanted;
}

static void serve(void *user)
{
    (void)user;
    /* a default route, a classless route and DNS are offered, as a hostile party would */
    execlp("dnsmasq", "dnsmasq", "-k", "-C", "/dev/null", "-p", "0", "--interface=peer",
           "--bind-interfaces", "--dhcp-range=10.44.0.10,10.44.0.50,255.255.255.0,120",
           "--dhcp-option=option:router,10.44.0.1",
           "--dhcp-option=option:dns-server,10.44.0.53,10.44.0.54",
           "--dhcp-option-force=121,10.99.0.0/16,10.44.0.1", "--no-ping", "--leasefile-ro",
           "--dhcp-authoritative", "--user=root", "--pid-file", "--log-facility=-",
           (char *)NULL);
    _exit(127);
}

static void stay(void *user)
{
    (void)user;
    for (;;)
        pause();
}

static void start(struct player *player, const char *interface)
{
    char why[LP_WHY_LEN] = "";

    memset(player, 0, sizeof(*player));
    uv_loop_init(&player->loop);
    if (lp_dhcp_start(&player->loop, interface, on_changed, player, &player->dhcp, why) != 0)
        fail_msg("%s", why);
}

static void wait_changes(struct player *player, unsigned count, unsigned deadline_ms)
{
    player->wanted = count;
    if (!bed_wait(&player->loop, is_changed, player, deadline_ms))
        fail_msg("%u changes of the lease, not %u", player->changes, count);
}

/* How many processes say that this one is their parent; *ret_pid is one of them, but not
 * `except`. */
static unsigned children(pid_t except, pid_t parent, pid_t *ret_pid)
{
    DIR *folder = opendir("/proc");
    struct dirent *entry;
    unsigned count = 0;

    while ((entry = readdir(folder)) != NULL) {
        char path[300];
        char state;
        int pid, ppid;
        FILE *file;

        snprintf(path, sizeof(path), "/proc/%s/stat", entry->d_name);
        if (entry->d_name[0] < '1' || entry->d_name[0] > '9' ||
            (file = fopen(path, "r")) == NULL)
            continue;
        if (fscanf(file, "%d (%*[^)]) %c %d", &pid, &state, &ppid) == 3 && ppid == parent &&
            pid != except) {
            count++;
            *ret_pid = pid;
        }
        fclose(file);
    }
    closedir(folder);
    return count;
}

static void a_lease_gives_an_address_and_nothing_else(void **state)
{
    struct player player;
    struct lp_addr dns = bed_addr("10.44.0.54", 0), server = bed_addr("10.44.0.1", 0);
    struct lp_if_address address;
    pid_t neighbour = bed_neighbour("d0", "10.44.0.1/24", serve, NULL);
    pid_t pid;

    (void)state;
    bed_run("ip -6 addr flush dev d0");
    bed_run("cp /etc/resolv.conf /run/resolv.before 2>/dev/null || : > /run/resolv.before");
    start(&player, "d0");
    wait_changes(&player, 1, 6000);
    assert_true(player.lease.bound);
    assert_int_equal(player.lease.prefix_len, 24);
    assert_int_equal(player.lease.lease_s, 120);
    assert_int_equal(player.lease.dns_count, 2);
    assert_true(lp_addr_equal(&player.lease.dns[1], &dns));
    assert_true(lp_addr_equal(&player.lease.server, &server));
    assert_int_equal(lp_interface_addresses("d0", &address, 1), 1);
    assert_true(lp_addr_equal(&address.addr, &player.lease.address));
    assert_int_equal(address.prefix_len, 24);
    bed_run("test $(ip -4 route show table all | grep -cv 'table local') = 1");
    bed_run("ip -4 route show | grep -q '^10.44.0.0/24 dev d0 .*metric 9000'");
    bed_run("ip -4 addr show dev d0 | grep -q 'brd 10.44.0.255'");
    bed_run("cmp /run/resolv.before /etc/resolv.conf || ! test -s /run/resolv.before");
    assert_int_equal(children(neighbour, getpid(), &pid), 1);

    lp_dhcp_stop(player.dhcp);
    assert_int_equal(children(neighbour, getpid(), &pid), 0);
    bed_run("test -z \"$(ip -4 addr show dev d0)$(ip -4 route show)\"");
    bed_close_loop(&player.loop);
    bed_end(neighbour, "d0");
}

/* The player came before the host: a restart asks again at once. */
static void a_restart_finds_a_server_that_came_late(void **state)
{
    struct player player;
    pid_t idle = bed_neighbour("d0", "10.44.0.9/24", stay, NULL);
    struct lp_addr first;
    pid_t server, pid;

    (void)state;
    bed_run("ip link add br0 type bridge && ip link set br0 up && ip link set d0 master br0");
    bed_run("ip link add p0 type veth peer name p1 && ip link set p0 master br0 up && "
            "ip link set p1 up");
    start(&player, "p1");
    assert_false(bed_wait(&player.loop, is_changed, (player.wanted = 1, &player), 300));

    server = bed_neighbour("d1", "10.44.0.1/24", serve, NULL);
    bed_run("ip link set d1 master br0");
    assert_int_equal(lp_dhcp_restart(player.dhcp), 0);
    wait_changes(&player, 1, 5000);
    assert_true(player.lease.bound);
    first = player.lease.address;

    /* with the server there the whole exchange takes far less than a second */
    assert_int_equal(lp_dhcp_restart(player.dhcp), 0);
    wait_changes(&player, 2, 1000);
    assert_true(player.lease.bound);
    assert_true(lp_addr_equal(&player.lease.address, &first));
    bed_run("test $(ip -4 -o addr show dev p1 | wc -l) = 1");
    lp_dhcp_stop(player.dhcp);
    assert_int_equal(children(server, getpid(), &pid), 1); /* the idle neighbour */
    bed_close_loop(&player.loop);
    bed_end(server, "d1");
    bed_end(idle, "d0");
    bed_run("ip link del p0; ip link del br0");
}

static void a_killed_child_comes_back(void **state)
{
    struct player player;
    pid_t neighbour = bed_neighbour("d0", "10.44.0.1/24", serve, NULL);
    pid_t pid = 0;

    (void)state;
    start(&player, "d0");
    wait_changes(&player, 1, 6000);
    assert_int_equal(children(neighbour, getpid(), &pid), 1);
    kill(pid, SIGKILL);
    wait_changes(&player, 2, 6000);
    assert_true(player.lease.bound);
    player.stop_in_callback = true;
    assert_int_equal(lp_dhcp_restart(player.dhcp), 0);
    wait_changes(&player, 3, 6000);
    assert_null(player.dhcp);
    lp_dhcp_stop(NULL);
    bed_close_loop(&player.loop);
    bed_end(neighbour, "d0");
}

static bool is_udhcpc(pid_t pid)
{
    char path[64], name[32] = "";
    FILE *file;

    snprintf(path, sizeof(path), "/proc/%d/comm", (int)pid);
    file = fopen(path, "r");
    if (file == NULL)
        return false;
    if (fgets(name, sizeof(name), file) == NULL)
        name[0] = '\0';
    fclose(file);
    return strcmp(name, "udhcpc\n") == 0;
}

/* A client that is killed with -9 leaves no DHCP program behind. */
static void the_child_dies_with_its_parent(void **state)
{
    pid_t neighbour = bed_neighbour("d0", "10.44.0.9/24", stay, NULL);
    pid_t client, child = 0;
    int told[2];
    char word;
    int status;

    (void)state;
    /* orphans come to this process, which so can wait for them */
    assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
    assert_int_equal(pipe2(told, O_CLOEXEC), 0);
    client = fork();
    if (client == 0) {
        struct player player;

        start(&player, "d0");
        if (write(told[1], "s", 1) != 1)
            _exit(1);
        uv_run(&player.loop, UV_RUN_DEFAULT);
        _exit(0);
    }
    assert_int_equal(read(told[0], &word, 1), 1);
    close(told[0]);
    close(told[1]);
    assert_int_equal(children(0, client, &child), 1);
    /* /proc tells no event: looked at until it is more than the helper that becomes it */
    for (uint64_t end = lp_clock_now_ns() + 5 * LP_NS_PER_S;
         !is_udhcpc(child) && lp_clock_now_ns() < end;)
        sched_yield();
    assert_true(is_udhcpc(child));
    kill(client, SIGKILL);
    waitpid(client, NULL, 0);
    alarm(BED_DEADLINE_MS / 1000);
    assert_int_equal(waitpid(child, &status, 0), child);
    alarm(0);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    prctl(PR_SET_CHILD_SUBREAPER, 0);
    bed_end(neighbour, "d0");
}

/* What the event helper makes of a server's values. */
static void events_are_read_with_care(void **state)
{
    char *bound[] = {"x", "bound", NULL}, *other[] = {"x", "leasefail", NULL};
    int status = 77;

    (void)state;
    assert_false(lp_dhcp_is_event_helper(2, bound, &status));
    setenv("SOFTLAN_DHCP_ROLE", "nonsense", 1);
    assert_false(lp_dhcp_is_event_helper(2, bound, &status));
    setenv("SOFTLAN_DHCP_ROLE", "event", 1);
    assert_false(lp_dhcp_is_event_helper(1, bound, &status));
    assert_int_equal(status, 77);
    setenv("ip", "10.0.0.999", 1);
    setenv("mask", "24", 1);
    assert_true(lp_dhcp_is_event_helper(2, bound, &status));
    assert_int_equal(status, 1);
    setenv("ip", "10.0.0.9", 1);
    setenv("mask", "33", 1);
    assert_true(lp_dhcp_is_event_helper(2, bound, &status));
    assert_int_equal(status, 1);
    assert_true(lp_dhcp_is_event_helper(2, other, &status));
    assert_int_equal(status, 0);
    unsetenv("SOFTLAN_DHCP_ROLE");
    unsetenv("ip");
    unsetenv("mask");
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_lease_gives_an_address_and_nothing_else),
        cmocka_unit_test(a_restart_finds_a_server_that_came_late),
        cmocka_unit_test(a_killed_child_comes_back),
        cmocka_unit_test(the_child_dies_with_its_parent),
        cmocka_unit_test(events_are_read_with_care),
    };
    int status;

    if (lp_dhcp_is_event_helper(argc, argv, &status))
        return status;
    if (!bed_enter())
        return 0;
    if (!bed_try("command -v dnsmasq && command -v udhcpc")) {
        printf("1..0 # SKIP dnsmasq or udhcpc is not installed\n");
        return 0;
    }
    bed_try("mount -t tmpfs none /run");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
