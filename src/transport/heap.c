/* The endpoint's deadlines: a binary heap of connections, the earliest first. */
#include "transport/internal.h"

#include <assert.h>
#include <stdlib.h>

#include "base/err.h"

static void put(struct lp_quic *quic, size_t at, struct lp_quic_conn *conn)
{
    quic->heap[at] = conn;
    conn->heap_at = at;
}

static void sift_up(struct lp_quic *quic, size_t at)
{
    struct lp_quic_conn *conn = quic->heap[at];

    while (at > 0 && conn->deadline_ns < quic->heap[(at - 1) / 2]->deadline_ns) {
        put(quic, at, quic->heap[(at - 1) / 2]);
        at = (at - 1) / 2;
    }
    put(quic, at, conn);
}

static void sift_down(struct lp_quic *quic, size_t at)
{
    struct lp_quic_conn *conn = quic->heap[at];

    for (;;) {
        size_t child = 2 * at + 1;

        if (child >= quic->heap_len)
            break;
        if (child + 1 < quic->heap_len &&
            quic->heap[child + 1]->deadline_ns < quic->heap[child]->deadline_ns)
            child++;
        if (conn->deadline_ns <= quic->heap[child]->deadline_ns)
            break;
        put(quic, at, quic->heap[child]);
        at = child;
    }
    put(quic, at, conn);
}

/* Room is made when a connection is, so that setting a deadline cannot fail. */
int lp_quic_heap_reserve(struct lp_quic *quic, size_t count)
{
    size_t capacity = quic->heap_capacity > 0 ? quic->heap_capacity : 16;
    struct lp_quic_conn **heap;

    if (count <= quic->heap_capacity)
        return 0;
    while (capacity < count)
        capacity *= 2;
    heap = realloc(quic->heap,
                   capacity * sizeof *heap); /* NOLINT(bugprone-sizeof-expression): pointers */
    if (heap == NULL)
        return LP_ERR_NOMEM;
    quic->heap = heap;
    quic->heap_capacity = capacity;
    return 0;
}

static void take_out(struct lp_quic_conn *conn)
{
    struct lp_quic *quic = conn->quic;
    size_t at = conn->heap_at;
    struct lp_quic_conn *last = quic->heap[--quic->heap_len];

    conn->heap_at = SIZE_MAX;
    if (last == conn)
        return;
    put(quic, at, last);
    sift_up(quic, at);
    sift_down(quic, last->heap_at);
}

void lp_quic_heap_set(struct lp_quic_conn *conn, uint64_t deadline_ns)
{
    struct lp_quic *quic = conn->quic;

    conn->deadline_ns = deadline_ns;
    if (deadline_ns == LP_TIME_NEVER) {
        if (conn->heap_at != SIZE_MAX)
            take_out(conn);
        return;
    }
    if (conn->heap_at == SIZE_MAX) {
        assert(quic->heap_len < quic->heap_capacity);
        put(quic, quic->heap_len++, conn);
    }
    sift_up(quic, conn->heap_at);
    sift_down(quic, conn->heap_at);
}
