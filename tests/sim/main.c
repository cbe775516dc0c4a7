/*
 * lp-sim: plays parties from seeds.
 *
 *   lp-sim [--seeds N] [--first S] [--jobs J]   seeds S..S+N-1, in J processes
 *   lp-sim --seed S                             one seed, with everything that happens in it
 *   lp-sim --check-determinism N                each seed three times, in two processes: same
 * trace?
 *
 * Exit 0 when every seed passed, 1 when one failed, 2 for wrong arguments.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "determinism.h"
#include "party.h"

#define JOBS_MAX          64
#define FAILURES_TOLD_MAX 20

struct run {
    const char *program; /* as it was called */
    uint64_t first;
    uint64_t count;
    unsigned jobs;
    uint64_t min_virtual_ns;
    bool determinism;
};

/* What a worker tells the parent; smaller than PIPE_BUF, so that records stay whole. */
struct record {
    bool done;
    bool differs; /* --check-determinism: the two runs in this process did */
    uint64_t seed;
    struct sim_result result;
};

struct worker {
    pid_t pid;
    int fd;      /* -1 = it has ended */
    uint64_t at; /* seed in work, or the last one */
    bool busy;
};

struct totals {
    uint64_t passed;
    uint64_t failed;
    uint64_t virtual_ns;
    uint64_t packets;
    uint64_t frames_sent;
    uint64_t frames_delivered;
};

static void play(uint64_t seed, uint64_t min_virtual_ns, bool verbose,
                 const struct sim_tls *tls, struct sim_result *ret_result)
{
    const struct sim_options options = {
        .seed = seed, .min_virtual_ns = min_virtual_ns, .verbose = verbose};

    sim_party_play(&options, tls, ret_result);
}

static void set_up_process(struct sim_tls *tls)
{
    sim_determinism_init();
    if (sim_tls_init(tls) < 0) {
        fputs("sim: no certificate\n", stderr);
        exit(2);
    }
}

/* ---- one seed
 * ----------------------------------------------------------------------------------- */

static int replay(uint64_t seed, uint64_t min_virtual_ns)
{
    struct sim_result result;
    struct sim_tls tls;

    set_up_process(&tls);
    play(seed, min_virtual_ns, true, &tls, &result);
    sim_tls_deinit(&tls);
    printf("seed %" PRIu64 ": %s (%s), trace %016" PRIx64 ", %.1f virtual s, %" PRIu64
           " packets, %" PRIu64 " frames sent, %" PRIu64 " delivered\n",
           seed, result.failed ? "FAILED" : "passed", result.text, result.hash,
           (double)result.virtual_ns / 1e9, result.packets, result.frames_sent,
           result.frames_delivered);
    return result.failed ? 1 : 0;
}

/* ---- workers
 * ------------------------------------------------------------------------------------ */

static void tell(int fd, const struct record *record)
{
    ssize_t written;

    do {
        written = write(fd, record, sizeof(*record));
    } while (written < 0 && errno == EINTR);
    if (written != (ssize_t)sizeof(*record))
        _exit(3);
}

/* In a process of its own, with another party before it: only the seed may matter. */
static uint64_t hash_elsewhere(const struct run *run, uint64_t seed)
{
    uint64_t hash = 0;
    int fds[2];
    pid_t pid;

    if (pipe(fds) < 0)
        return 0;
    pid = fork();
    if (pid == 0) {
        struct sim_result result;
        struct sim_tls tls;

        close(fds[0]);
        set_up_process(&tls);
        play(seed + 1, run->min_virtual_ns, false, &tls, &result);
        play(seed, run->min_virtual_ns, false, &tls, &result);
        sim_tls_deinit(&tls);
        _exit(write(fds[1], &result.hash, sizeof(result.hash)) == (ssize_t)sizeof(result.hash)
                  ? 0
                  : 1);
    }
    close(fds[1]);
    if (pid < 0 || read(fds[0], &hash, sizeof(hash)) != (ssize_t)sizeof(hash))
        hash = 0;
    close(fds[0]);
    if (pid > 0)
        waitpid(pid, NULL, 0);
    return hash;
}

static void check_determinism(const struct run *run, const struct sim_tls *tls,
                              struct record *record)
{
    struct sim_result again;
    uint64_t elsewhere = hash_elsewhere(run, record->seed);

    play(record->seed, run->min_virtual_ns, false, tls, &again);
    record->differs = again.hash != record->result.hash || elsewhere != record->result.hash;
    if (record->differs && !record->result.failed)
        snprintf(record->result.text, sizeof(record->result.text),
                 "traces differ: %016" PRIx64 ", again %016" PRIx64 ", elsewhere %016" PRIx64,
                 record->result.hash, again.hash, elsewhere);
}

static void work(const struct run *run, uint64_t seed, int fd)
{
    struct record record = {.done = false};
    struct sim_tls tls;

    set_up_process(&tls);
    for (; seed < run->first + run->count; seed += run->jobs) {
        record.seed = seed;
        record.done = false;
        tell(fd, &record);
        play(seed, run->min_virtual_ns, false, &tls, &record.result);
        if (run->determinism)
            check_determinism(run, &tls, &record);
        record.done = true;
        tell(fd, &record);
    }
    sim_tls_deinit(&tls);
    close(fd);
}

static void start_worker(const struct run *run, struct worker *worker, uint64_t seed)
{
    int fds[2];

    fflush(stdout);
    if (pipe(fds) < 0 || (worker->pid = fork()) < 0) {
        perror("sim: cannot start a process");
        exit(2);
    }
    if (worker->pid == 0) {
        close(fds[0]);
        work(run, seed, fds[1]);
        exit(0); /* with what the sanitizers do at the end */
    }
    close(fds[1]);
    worker->fd = fds[0];
    worker->busy = false;
    worker->at = seed;
}

/* ---- results
 * ------------------------------------------------------------------------------------ */

static void count(const struct run *run, struct totals *totals, uint64_t seed, bool failed,
                  const char *text)
{
    totals->failed += failed ? 1 : 0;
    totals->passed += failed ? 0 : 1;
    if (failed && totals->failed <= FAILURES_TOLD_MAX) {
        printf("# seed %" PRIu64 " FAILED %s\n", seed, text);
        printf("# replay: %s --seed %" PRIu64 " --min-virtual-seconds %" PRIu64 "\n",
               run->program, seed, run->min_virtual_ns / LP_NS_PER_S);
    }
    fflush(stdout);
}

static void take_record(const struct run *run, struct worker *worker, struct totals *totals,
                        const struct record *record)
{
    worker->at = record->seed;
    worker->busy = !record->done;
    if (!record->done)
        return;
    totals->virtual_ns += record->result.virtual_ns;
    totals->packets += record->result.packets;
    totals->frames_sent += record->result.frames_sent;
    totals->frames_delivered += record->result.frames_delivered;
    count(run, totals, record->seed, record->result.failed || record->differs,
          record->result.text);
}

/* A worker is gone: well, or in the middle of a seed, which is a failure of that seed. */
static void take_end(const struct run *run, struct worker *worker, struct totals *totals)
{
    char text[128];
    int status = 0;

    close(worker->fd);
    worker->fd = -1;
    waitpid(worker->pid, &status, 0);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0 && !worker->busy)
        return;
    snprintf(text, sizeof(text), "the process ended with %s %d%s",
             WIFSIGNALED(status) ? "signal" : "status",
             WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status),
             worker->busy ? "" : " after this seed (a leak?)");
    count(run, totals, worker->at, true, text);
    if (worker->busy && worker->at + run->jobs < run->first + run->count)
        start_worker(run, worker, worker->at + run->jobs);
}

static void follow_workers(const struct run *run, struct worker *workers, struct totals *totals)
{
    struct pollfd fds[JOBS_MAX];
    struct record record;

    for (;;) {
        bool any = false;

        for (unsigned i = 0; i < run->jobs; i++) {
            fds[i] = (struct pollfd){.fd = workers[i].fd, .events = POLLIN};
            any = any || workers[i].fd >= 0;
        }
        if (!any)
            return;
        if (poll(fds, run->jobs, -1) < 0 && errno != EINTR)
            return;
        for (unsigned i = 0; i < run->jobs; i++) {
            if (workers[i].fd < 0 || fds[i].revents == 0)
                continue;
            if (read(workers[i].fd, &record, sizeof(record)) == (ssize_t)sizeof(record))
                take_record(run, &workers[i], totals, &record);
            else
                take_end(run, &workers[i], totals);
        }
    }
}

static int play_all(const struct run *run)
{
    struct worker workers[JOBS_MAX];
    struct totals totals = {0};
    uint64_t start_ns = sim_real_ns();
    double real_s;

    for (unsigned i = 0; i < run->jobs; i++)
        start_worker(run, &workers[i], run->first + i);
    follow_workers(run, workers, &totals);
    real_s = (double)(sim_real_ns() - start_ns) / 1e9;
    printf("# %.1f seeds/s, %.0f virtual s in %.1f s, %" PRIu64 " packets, %" PRIu64
           " frames sent, %" PRIu64 " delivered\n",
           (double)run->count / real_s, (double)totals.virtual_ns / 1e9, real_s, totals.packets,
           totals.frames_sent, totals.frames_delivered);
    printf("sim: %" PRIu64 " seeds passed, %" PRIu64 " failed\n", totals.passed, totals.failed);
    return totals.failed > 0 || totals.passed < run->count ? 1 : 0;
}

/* ---- arguments
 * ---------------------------------------------------------------------------------- */

static int usage(FILE *to)
{
    fputs("usage: lp-sim [--seeds N] [--first S] [--jobs J] [--min-virtual-seconds V]\n"
          "       lp-sim --seed S [--min-virtual-seconds V]     replay one, with all that "
          "happens\n"
          "       lp-sim --check-determinism N [--first S]      same seed, same trace?\n",
          to);
    return to == stdout ? 0 : 2;
}

static bool parse_number(const char *text, uint64_t max, uint64_t *ret_number)
{
    char *end;
    unsigned long long number;

    errno = 0;
    number = strtoull(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || text[0] == '-' || number > max)
        return false;
    *ret_number = number;
    return true;
}

/* False when they are wrong. */
static bool parse_arguments(int argc, char **argv, struct run *run, bool *ret_one,
                            uint64_t *ret_seed)
{
    static const struct option options[] = {
        {"seeds", required_argument, NULL, 'n'},
        {"first", required_argument, NULL, 'f'},
        {"jobs", required_argument, NULL, 'j'},
        {"seed", required_argument, NULL, 's'},
        {"min-virtual-seconds", required_argument, NULL, 'v'},
        {"check-determinism", required_argument, NULL, 'd'},
        {0},
    };
    uint64_t number;
    int option;

    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (option == '?' || !parse_number(optarg, UINT32_MAX, &number))
            return false;
        switch (option) {
        case 'f':
            run->first = number;
            break;
        case 'j':
            run->jobs = (unsigned)number;
            break;
        case 's':
            *ret_one = true;
            *ret_seed = number;
            break;
        case 'v':
            run->min_virtual_ns = number * LP_NS_PER_S;
            break;
        default:
            run->count = number;
            run->determinism = option == 'd';
            break;
        }
    }
    return optind == argc && run->jobs >= 1 && run->jobs <= JOBS_MAX && run->count >= 1;
}

int main(int argc, char **argv)
{
    struct run run = {
        .program = argv[0],
        .first = 1,
        .count = 20,
        .jobs = 2,
        .min_virtual_ns = 30 * LP_NS_PER_S,
    };
    bool one = false;
    uint64_t seed = 0;

    if (argc == 2 && strcmp(argv[1], "--help") == 0)
        return usage(stdout);
    if (!parse_arguments(argc, argv, &run, &one, &seed))
        return usage(stderr);
    if (one)
        return replay(seed, run.min_virtual_ns);
    if (run.jobs > run.count)
        run.jobs = (unsigned)run.count;
    return play_all(&run);
}
