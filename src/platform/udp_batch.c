#include "platform/udp_batch.h"

#include "base/err.h"

static int send_one_by_one(const struct lp_udp_sender *sender, void *user, const uint8_t *bytes,
                           size_t len, size_t segment_len)
{
    for (size_t at = 0; at < len; at += segment_len) {
        size_t part = len - at < segment_len ? len - at : segment_len;
        int number = sender->send(user, bytes + at, part, 0);

        if (number == sender->full && at > 0)
            return 0;
        if (number != 0)
            return number;
    }
    return 0;
}

static int send_group(const struct lp_udp_sender *sender, void *user, bool *segments,
                      const uint8_t *bytes, size_t len, size_t segment_len)
{
    int number;

    if (len <= segment_len)
        return sender->send(user, bytes, len, 0);
    if (!*segments)
        return send_one_by_one(sender, user, bytes, len, segment_len);
    number = sender->send(user, bytes, len, segment_len);
    if (number == 0 || !sender->refuses_segments(number))
        return number;
    number = send_one_by_one(sender, user, bytes, len, segment_len);
    if (number == 0)
        *segments = false; /* the same octets went without: the segments it was */
    return number;
}

static size_t group_bytes(size_t segment_len)
{
    size_t count = LP_UDP_GROUP_BYTES_MAX / segment_len;

    if (count > LP_UDP_GROUP_SEGMENTS_MAX)
        count = LP_UDP_GROUP_SEGMENTS_MAX;
    return count > 0 ? count * segment_len : segment_len;
}

int lp_udp_send_run(const struct lp_udp_sender *sender, void *user, bool *segments,
                    const uint8_t *bytes, size_t len, size_t segment_len)
{
    size_t group_len = group_bytes(segment_len);

    for (size_t at = 0; at < len; at += group_len) {
        size_t part = len - at < group_len ? len - at : group_len;
        int number = send_group(sender, user, segments, bytes + at, part, segment_len);

        if (number == sender->full && at > 0)
            return 0;
        if (number != 0)
            return number;
    }
    return 0;
}

int lp_udp_check_send(uint8_t bound_family, const struct lp_addr *local,
                      const struct lp_addr *remote, size_t len, size_t segment_len)
{
    if (remote->family != bound_family || len == 0 || segment_len == 0)
        return LP_ERR_INVALID;
    if (local != NULL && local->family != LP_ADDR_NONE && local->family != remote->family)
        return LP_ERR_INVALID;
    if (len > segment_len && segment_len > LP_UDP_GROUP_BYTES_MAX)
        return LP_ERR_RANGE;
    return 0;
}
