/*
 * Cursors over octets in network byte order. The reader never reads past its end and the writer
 * never writes past its limit: the first operation that would marks the cursor failed, later
 * ones do nothing and read zeros, so a parser checks lp_wire_reader_ok() once at the end of a
 * group of fields. Both borrow the memory they walk.
 */
#ifndef LP_BASE_WIRE_H
#define LP_BASE_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline uint16_t lp_load_be16(const uint8_t *p)
{
    return (uint16_t)(p[0] << 8 | p[1]);
}

static inline uint32_t lp_load_be32(const uint8_t *p)
{
    return (uint32_t)lp_load_be16(p) << 16 | lp_load_be16(p + 2);
}

static inline void lp_store_be16(uint8_t *p, uint16_t value)
{
    p[0] = (uint8_t)(value >> 8);
    p[1] = (uint8_t)value;
}

static inline void lp_store_be32(uint8_t *p, uint32_t value)
{
    lp_store_be16(p, (uint16_t)(value >> 16));
    lp_store_be16(p + 2, (uint16_t)value);
}

struct lp_wire_reader {
    const uint8_t *at;
    const uint8_t *end;
    bool failed;
};

static inline struct lp_wire_reader lp_wire_reader_init(const uint8_t *bytes, size_t len)
{
    return (struct lp_wire_reader){.at = bytes, .end = bytes + len, .failed = false};
}

static inline bool lp_wire_reader_ok(const struct lp_wire_reader *r)
{
    return !r->failed;
}

static inline size_t lp_wire_reader_left(const struct lp_wire_reader *r)
{
    return (size_t)(r->end - r->at);
}

/* Steps over `len` octets and returns where they start; NULL (and failed) when there are fewer.
 */
static inline const uint8_t *lp_wire_read_bytes(struct lp_wire_reader *r, size_t len)
{
    const uint8_t *start = r->at;

    if (r->failed || lp_wire_reader_left(r) < len) {
        r->failed = true;
        return NULL;
    }
    r->at += len;
    return start;
}

static inline uint8_t lp_wire_read_u8(struct lp_wire_reader *r)
{
    const uint8_t *p = lp_wire_read_bytes(r, 1);

    return p != NULL ? *p : 0;
}

static inline uint16_t lp_wire_read_u16(struct lp_wire_reader *r)
{
    const uint8_t *p = lp_wire_read_bytes(r, 2);

    return p != NULL ? lp_load_be16(p) : 0;
}

static inline uint32_t lp_wire_read_u32(struct lp_wire_reader *r)
{
    const uint8_t *p = lp_wire_read_bytes(r, 4);

    return p != NULL ? lp_load_be32(p) : 0;
}

struct lp_wire_writer {
    uint8_t *start;
    uint8_t *at;
    uint8_t *end;
    bool failed;
};

static inline struct lp_wire_writer lp_wire_writer_init(uint8_t *bytes, size_t capacity)
{
    return (struct lp_wire_writer){
        .start = bytes, .at = bytes, .end = bytes + capacity, .failed = false};
}

static inline bool lp_wire_writer_ok(const struct lp_wire_writer *w)
{
    return !w->failed;
}

static inline size_t lp_wire_writer_len(const struct lp_wire_writer *w)
{
    return (size_t)(w->at - w->start);
}

static inline uint8_t *lp_wire_write_space(struct lp_wire_writer *w, size_t len)
{
    uint8_t *start = w->at;

    if (w->failed || (size_t)(w->end - w->at) < len) {
        w->failed = true;
        return NULL;
    }
    w->at += len;
    return start;
}

static inline void lp_wire_write_bytes(struct lp_wire_writer *w, const uint8_t *bytes,
                                       size_t len)
{
    uint8_t *p = lp_wire_write_space(w, len);

    if (p != NULL && len > 0)
        memcpy(p, bytes, len);
}

static inline void lp_wire_write_u8(struct lp_wire_writer *w, uint8_t value)
{
    lp_wire_write_bytes(w, &value, 1);
}

static inline void lp_wire_write_u16(struct lp_wire_writer *w, uint16_t value)
{
    uint8_t *p = lp_wire_write_space(w, 2);

    if (p != NULL)
        lp_store_be16(p, value);
}

static inline void lp_wire_write_u32(struct lp_wire_writer *w, uint32_t value)
{
    uint8_t *p = lp_wire_write_space(w, 4);

    if (p != NULL)
        lp_store_be32(p, value);
}

#endif
