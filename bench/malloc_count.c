/*
 * Counts heap allocations of a program that knows nothing of it (LD_PRELOAD). The counts are in
 * the file that LP_MALLOC_COUNT names, mapped: whoever reads that file sees them at any time,
 * the program need not be asked. Layout: uint64_t allocations, uint64_t frees, uint64_t allocations of
 * the JSON library, native order. Those are counted apart: a peer's statistics go by the clock, every ten
 * seconds, and say nothing of frames.
 * Without the variable nothing is counted. glibc only: it offers its own functions under a
 * second name.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <malloc.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct counts {
    _Atomic uint64_t allocations;
    _Atomic uint64_t frees;
    _Atomic uint64_t json;
};

/* Under these names glibc has them too; no header says so. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *memory, size_t size);
void *__libc_memalign(size_t alignment, size_t size);
void __libc_free(void *memory);

static struct counts nowhere;
static struct counts *counts = &nowhere;
static uintptr_t json_begin, json_end;

static int find_json(struct dl_phdr_info *info, size_t size, void *user)
{
    (void)size;
    (void)user;
    if (strstr(info->dlpi_name, "/libjansson.so") == NULL)
        return 0;
    for (unsigned i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *part = &info->dlpi_phdr[i];

        if (part->p_type != PT_LOAD || (part->p_flags & PF_X) == 0)
            continue;
        json_begin = info->dlpi_addr + part->p_vaddr;
        json_end = json_begin + part->p_memsz;
    }
    return 1;
}

__attribute__((constructor)) static void begin(void)
{
    const char *path = getenv("LP_MALLOC_COUNT");
    int fd = path != NULL ? open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600) : -1;
    void *mapped;

    if (fd < 0)
        return;
    dl_iterate_phdr(find_json, NULL);
    if (ftruncate(fd, sizeof(*counts)) == 0) {
        mapped = mmap(NULL, sizeof(*counts), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        if (mapped != MAP_FAILED)
            counts = mapped;
    }
    close(fd);
}

static void count_one(_Atomic uint64_t *which)
{
    atomic_fetch_add_explicit(which, 1, memory_order_relaxed);
}

static void count_for(const void *caller)
{
    uintptr_t at = (uintptr_t)caller;

    count_one(at >= json_begin && at < json_end ? &counts->json : &counts->allocations);
}

void *malloc(size_t size)
{
    count_for(__builtin_return_address(0));
    return __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
    count_for(__builtin_return_address(0));
    return __libc_calloc(count, size);
}

void *realloc(void *memory, size_t size)
{
    count_for(__builtin_return_address(0));
    return __libc_realloc(memory, size);
}

void *memalign(size_t alignment, size_t size)
{
    count_one(&counts->allocations);
    return __libc_memalign(alignment, size);
}

void *aligned_alloc(size_t alignment, size_t size)
{
    return memalign(alignment, size);
}

int posix_memalign(void **ret_memory, size_t alignment, size_t size)
{
    void *memory = memalign(alignment, size);

    if (memory == NULL)
        return ENOMEM;
    *ret_memory = memory;
    return 0;
}

void free(void *memory)
{
    if (memory != NULL)
        count_one(&counts->frees);
    __libc_free(memory);
}
