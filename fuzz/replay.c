/*
 * main() for a fuzzer without libFuzzer: plays every seed of the corpus, and mutations of each
 * that depend on nothing but the corpus, so that a run on any machine is the same run.
 *
 *   replay_NAME [-m MUTATIONS] FILE|DIRECTORY...
 *
 * Each input is given in a heap block of exactly its size, so that the address sanitizer sees
 * the first byte too many. An input that crashes is written to ./crash-<hash>; play it again
 * with -m 0. Exit: 0 all played, 1 no seed found or one that cannot be read, a signal when the
 * fuzzer found something.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#ifndef __has_feature
#define __has_feature(x) 0
#endif

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
__attribute__((weak)) int LLVMFuzzerInitialize(int *argc, char ***argv);

enum {
    MAX_INPUT_BYTES = 1 << 16, /* longer seeds are cut; mutations do not grow beyond it */
    DEFAULT_MUTATIONS = 3000,
};

struct seed {
    char *path;
    uint8_t *data;
    size_t size;
};

static struct seed *seeds;
static size_t n_seeds;

/* What is being played, for the signal handler. */
static const char *playing_path = "?";
static unsigned playing_mutation;
static const uint8_t *playing;
static size_t playing_size;

static uint64_t rng_state;

static uint64_t rng(void)
{
    /* splitmix64 */
    uint64_t z = (rng_state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static size_t below(size_t n)
{
    return n ? (size_t)(rng() % n) : 0;
}

static uint64_t fnv1a(const uint8_t *data, size_t size)
{
    uint64_t h = 0xcbf29ce484222325u;
    for (size_t i = 0; i < size; i++) {
        h = (h ^ data[i]) * 0x100000001b3u;
    }
    return h;
}

static void put(int fd, const void *data, size_t size)
{
    ssize_t ignored = write(fd, data, size);
    (void)ignored;
}

static void on_signal(int signo)
{
    char line[512];
    char name[32];
    int n;
    int fd;

    snprintf(name, sizeof name, "crash-%016llx",
             (unsigned long long)fnv1a(playing, playing_size));
    n = snprintf(line, sizeof line,
                 "replay: signal %d at mutation %u of %.300s, input is in %s\n", signo,
                 playing_mutation, playing_path, name);
    if (n > 0) {
        put(STDERR_FILENO, line, (size_t)n);
    }
    fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd >= 0) {
        put(fd, playing, playing_size);
        close(fd);
    }
    raise(signo); /* SA_RESETHAND: this time for real */
}

static void catch_signals(void)
{
    struct sigaction sa = {.sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND | SA_NODEFER};
    sigaction(SIGABRT, &sa, NULL);
    /* The sanitizer's own report is better; ASAN_OPTIONS=abort_on_error=1 then leads here. */
#if !defined(__SANITIZE_ADDRESS__) && !__has_feature(address_sanitizer)
    sigaction(SIGSEGV, &sa, NULL);
    sigaction(SIGBUS, &sa, NULL);
    sigaction(SIGFPE, &sa, NULL);
    sigaction(SIGILL, &sa, NULL);
#endif
}

static void *check_alloc(void *p)
{
    if (!p) {
        fputs("replay: out of memory\n", stderr);
        exit(1);
    }
    return p;
}

static void play(const uint8_t *data, size_t size)
{
    uint8_t *copy = check_alloc(malloc(size ? size : 1));
    uint8_t *start =
        size ? copy : copy + 1; /* of an empty input not even one byte may be read */
    if (size) {
        memcpy(copy, data, size);
    }
    playing = data;
    playing_size = size;
    LLVMFuzzerTestOneInput(start, size);
    free(copy);
}

/* One change to buf, which has room for MAX_INPUT_BYTES. Returns the new size. */
static size_t mutate_once(uint8_t *buf, size_t size)
{
    static const uint8_t edges[] = {0x00, 0x01, 0x3f, 0x40, 0x7f, 0x80, 0x81, 0xc0, 0xfe, 0xff};
    size_t at = below(size);
    size_t len;

    switch (below(9)) {
    case 0: /* one bit */
        if (size) {
            buf[at] ^= (uint8_t)(1u << below(8));
        }
        return size;
    case 1: /* one byte, at the edge of something */
        if (size) {
            buf[at] = edges[below(sizeof edges)];
        }
        return size;
    case 2: /* one byte, any */
        if (size) {
            buf[at] = (uint8_t)rng();
        }
        return size;
    case 3: /* a big-endian 16-bit number: a length or a type, near its size */
        if (size >= 2) {
            uint16_t v = (uint16_t)(below(2) ? size - below(8) : below(2048));
            at = below(size - 1);
            buf[at] = (uint8_t)(v >> 8);
            buf[at + 1] = (uint8_t)v;
        }
        return size;
    case 4: /* cut the end */
        return at;
    case 5: /* drop a few bytes */
        len = below(size - at < 16 ? size - at + 1 : 17);
        memmove(buf + at, buf + at + len, size - at - len);
        return size - len;
    case 6: /* put a few bytes in */
        len = 1 + below(16);
        if (size + len > MAX_INPUT_BYTES) {
            return size;
        }
        memmove(buf + at + len, buf + at, size - at);
        for (size_t i = 0; i < len; i++) {
            buf[at + i] = (uint8_t)rng();
        }
        return size + len;
    case 7: /* repeat a part of itself */
        len = 1 + below(size - at);
        if (!size || size + len > MAX_INPUT_BYTES) {
            return size;
        }
        memmove(buf + at + len, buf + at, size - at);
        return size + len;
    default: { /* go on as another seed does */
        const struct seed *other = &seeds[below(n_seeds)];
        size_t from = below(other->size);
        len = other->size - from;
        if (len > MAX_INPUT_BYTES - at) {
            len = MAX_INPUT_BYTES - at;
        }
        if (len) {
            memcpy(buf + at, other->data + from, len);
        }
        return at + len;
    }
    }
}

/* Mutation number n of a seed; 0 is the seed itself. */
static void play_mutation(const struct seed *seed, unsigned n)
{
    static uint8_t buf[MAX_INPUT_BYTES];
    size_t size = seed->size;

    playing_path = seed->path;
    playing_mutation = n;
    if (size) {
        memcpy(buf, seed->data, size);
    }
    if (n > 0) {
        rng_state = fnv1a(seed->data, seed->size) + n * 0xd1342543de82ef95u;
        for (size_t changes = 1 + below(4); changes > 0; changes--) {
            size = mutate_once(buf, size);
        }
    }
    play(buf, size);
}

static int add_file(const char *path)
{
    FILE *f = fopen(path, "rb");
    uint8_t *data = check_alloc(malloc(MAX_INPUT_BYTES));
    size_t size;
    int bad;

    if (!f) {
        fprintf(stderr, "replay: %s: %s\n", path, strerror(errno));
        free(data);
        return 1;
    }
    size = fread(data, 1, MAX_INPUT_BYTES, f);
    bad = ferror(f);
    fclose(f);
    if (bad) {
        fprintf(stderr, "replay: %s cannot be read\n", path);
        free(data);
        return 1;
    }
    seeds = check_alloc(realloc(seeds, (n_seeds + 1) * sizeof *seeds));
    seeds[n_seeds++] = (struct seed){check_alloc(strdup(path)), data, size};
    return 0;
}

static int not_hidden(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static int add_path(const char *path)
{
    struct dirent **names;
    struct stat st;
    int n;
    int bad = 0;

    if (stat(path, &st) == 0 && !S_ISDIR(st.st_mode)) {
        return add_file(path);
    }
    n = scandir(path, &names, not_hidden, alphasort);
    if (n < 0) {
        fprintf(stderr, "replay: %s: %s\n", path, strerror(errno));
        return 1;
    }
    for (int i = 0; i < n; i++) {
        size_t len = strlen(path) + strlen(names[i]->d_name) + 2;
        char *file = check_alloc(malloc(len));
        snprintf(file, len, "%s/%s", path, names[i]->d_name);
        bad |= add_file(file);
        free(file);
        free(names[i]);
    }
    free(names);
    return bad;
}

static void free_seeds(void)
{
    for (size_t i = 0; i < n_seeds; i++) {
        free(seeds[i].path);
        free(seeds[i].data);
    }
    free(seeds);
}

int main(int argc, char **argv)
{
    unsigned mutations = DEFAULT_MUTATIONS;
    int bad = 0;
    int opt;

    if (LLVMFuzzerInitialize) {
        LLVMFuzzerInitialize(&argc, &argv);
    }
    while ((opt = getopt(argc, argv, "m:")) != -1) {
        if (opt != 'm') {
            fprintf(stderr, "usage: %s [-m mutations] file|directory...\n", argv[0]);
            return 1;
        }
        mutations = (unsigned)strtoul(optarg, NULL, 10);
    }
    for (int i = optind; i < argc; i++) {
        bad |= add_path(argv[i]);
    }
    if (bad || !n_seeds) {
        fputs(bad ? "" : "replay: no seed found\n", stderr);
        free_seeds();
        return 1;
    }
    catch_signals();
    for (size_t i = 0; i < n_seeds; i++) {
        for (unsigned n = 0; n <= mutations; n++) {
            play_mutation(&seeds[i], n);
        }
    }
    printf("%zu seeds, %zu inputs\n", n_seeds, n_seeds * ((size_t)mutations + 1));
    free_seeds();
    return 0;
}
