#include "transport/mem.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/attr.h"

#define ALIGNMENT 16
#define STEPS     8 /* sizes to each power of two */
#define LARGE     LP_MEM_CLASSES

static_assert(_Alignof(max_align_t) <= ALIGNMENT, "a piece serves for anything");

struct lp_mem_chunk {
    _Alignas(ALIGNMENT) struct lp_mem_chunk *next;
    _Alignas(ALIGNMENT) uint8_t bytes[];
};

/* In front of each piece. */
struct head {
    _Alignas(ALIGNMENT) size_t size; /* of what follows */
    unsigned class;                  /* LARGE = it is malloc's */
};

struct lp_mem_free {
    struct lp_mem_free *next;
};

static_assert(sizeof(struct head) == ALIGNMENT, "what follows is aligned too");

/* ---- sizes: 16, 32 and so on to 128, then 144 to 256, 288 to 512 ---- */

static unsigned class_of(size_t size)
{
    unsigned class = 0;
    size_t step = ALIGNMENT;

    for (; size > 2 * STEPS * step; step *= 2)
        class += STEPS;
    return class + (unsigned)((size - 1) / step);
}

static size_t size_of(unsigned class)
{
    unsigned doubled = class < 2 * STEPS ? 0 : class / STEPS - 1;

    return (class - doubled * STEPS + 1) * ((size_t)ALIGNMENT << doubled);
}

/* ---- pieces ---- */

static bool add_chunk(struct lp_mem *mem)
{
    size_t len = mem->chunk_bytes;
    struct lp_mem_chunk *chunk;

    if (len < LP_MEM_CHUNK_MIN)
        len = LP_MEM_CHUNK_MIN;
    if (len > LP_MEM_CHUNK_MAX)
        len = LP_MEM_CHUNK_MAX;
    chunk = malloc(sizeof(*chunk) + len);
    if (chunk == NULL)
        return false;
    chunk->next = mem->chunks;
    mem->chunks = chunk;
    mem->rest = chunk->bytes;
    mem->rest_len = len;
    mem->chunk_bytes += len;
    return true;
}

static struct head *cut(struct lp_mem *mem, unsigned class)
{
    size_t len = sizeof(struct head) + size_of(class);
    struct head *head;

    if (mem->rest_len < len && !add_chunk(mem))
        return NULL;
    head = (struct head *)(void *)mem->rest;
    *head = (struct head){.size = size_of(class), .class = class};
    mem->rest += len;
    mem->rest_len -= len;
    return head;
}

static void *take_large(struct lp_mem *mem, size_t size)
{
    struct head *head;

    if (size > SIZE_MAX - sizeof(*head))
        return NULL;
    head = malloc(sizeof(*head) + size);
    if (head == NULL)
        return NULL;
    *head = (struct head){.size = size, .class = LARGE};
    mem->pieces++;
    return head + 1;
}

static void *take(size_t size, void *user)
{
    struct lp_mem *mem = user;
    struct lp_mem_free *piece;
    struct head *head;
    unsigned class;

    if (size > LP_MEM_PIECE_MAX)
        return take_large(mem, size);
    class = class_of(size > 0 ? size : 1);
    piece = mem->free[class];
    if (piece != NULL) {
        mem->free[class] = piece->next;
        mem->pieces++;
        return piece;
    }
    head = cut(mem, class);
    if (head == NULL)
        return NULL;
    mem->pieces++;
    return head + 1;
}

static struct head *head_of(void *bytes)
{
    return (struct head *)bytes - 1;
}

static void give(void *bytes, void *user)
{
    struct lp_mem *mem = user;
    struct lp_mem_free *piece = bytes;
    struct head *head;

    if (bytes == NULL)
        return;
    assert(mem->pieces > 0);
    mem->pieces--;
    head = head_of(bytes);
    if (head->class == LARGE) {
        free(head);
        return;
    }
    piece->next = mem->free[head->class];
    mem->free[head->class] = piece;
}

static void *take_zeroed(size_t count, size_t size, void *user)
{
    void *bytes;

    if (size > 0 && count > SIZE_MAX / size)
        return NULL;
    bytes = take(count * size, user);
    if (bytes != NULL)
        memset(bytes, 0, count * size);
    return bytes;
}

static void *resize(void *bytes, size_t size, void *user)
{
    void *moved;
    size_t had;

    if (bytes == NULL)
        return take(size, user);
    had = head_of(bytes)->size;
    if (size <= had && had <= LP_MEM_PIECE_MAX)
        return bytes; /* never less than asked for, never much more than once needed */
    moved = take(size, user);
    if (moved == NULL)
        return NULL;
    memcpy(moved, bytes, size < had ? size : had);
    give(bytes, user);
    return moved;
}

/* ---- life ---- */

void lp_mem_init(struct lp_mem *mem)
{
    *mem = (struct lp_mem){
        .calls = {mem, take, give, take_zeroed, resize},
    };
    assert(class_of(LP_MEM_PIECE_MAX) == LP_MEM_CLASSES - 1);
}

void lp_mem_deinit(struct lp_mem *mem)
{
    while (mem->chunks != NULL) {
        struct lp_mem_chunk *chunk = mem->chunks;

        mem->chunks = chunk->next;
        free(chunk);
    }
}

const ngtcp2_mem *lp_mem_for_ngtcp2(const struct lp_mem *mem)
{
    return LP_ADDRESS_SANITIZER ? NULL : &mem->calls;
}

void *lp_mem_take(struct lp_mem *mem, size_t size)
{
    return LP_ADDRESS_SANITIZER ? malloc(size) : take(size, mem);
}

void lp_mem_give(struct lp_mem *mem, void *bytes)
{
    if (LP_ADDRESS_SANITIZER)
        free(bytes);
    else
        give(bytes, mem);
}
