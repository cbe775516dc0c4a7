#include "platform/linux/packet_ring.h"

#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/virtio_net.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/utsname.h>

#include "platform/linux/link.h"

#define BLOCK_BYTES (64u * 1024)

struct lp_packet_ring {
    uint8_t *memory;
    unsigned next;
    bool lent; /* the slot before `next` is the caller's still */
};

static struct tpacket2_hdr *slot_at(const struct lp_packet_ring *ring, unsigned n)
{
    return (struct tpacket2_hdr *)(void *)(ring->memory +
                                           (size_t)n * LP_PACKET_RING_SLOT_BYTES);
}

/* Its virtio header can say all that its network stack makes: since 6.2 UDP super-frames too. */
static bool kernel_says_all(void)
{
    struct utsname name;
    char *end;
    long major, minor;

    if (uname(&name) != 0)
        return false;
    major = strtol(name.release, &end, 10);
    minor = *end == '.' ? strtol(end + 1, NULL, 10) : 0;
    return major > 6 || (major == 6 && minor >= 2);
}

static bool set_up(int fd)
{
    const struct tpacket_req request = {
        .tp_block_size = BLOCK_BYTES,
        .tp_block_nr = LP_PACKET_RING_BYTES / BLOCK_BYTES,
        .tp_frame_size = LP_PACKET_RING_SLOT_BYTES,
        .tp_frame_nr = LP_PACKET_RING_SLOTS,
    };
    int version = TPACKET_V2;
    int copy = 1; /* what does not fit goes into the queue as well */

    return setsockopt(fd, SOL_PACKET, PACKET_VERSION, &version, sizeof(version)) == 0 &&
           setsockopt(fd, SOL_PACKET, PACKET_COPY_THRESH, &copy, sizeof(copy)) == 0 &&
           setsockopt(fd, SOL_PACKET, PACKET_RX_RING, &request, sizeof(request)) == 0;
}

static void take_down(int fd)
{
    const struct tpacket_req none = {0};
    int version = TPACKET_V1;

    setsockopt(fd, SOL_PACKET, PACKET_RX_RING, &none, sizeof(none));
    setsockopt(fd, SOL_PACKET, PACKET_VERSION, &version, sizeof(version));
}

struct lp_packet_ring *lp_packet_ring_new(int fd)
{
    struct lp_packet_ring *ring;
    void *memory = MAP_FAILED;

    if (!kernel_says_all())
        return NULL;
    ring = calloc(1, sizeof(*ring));
    if (ring != NULL && set_up(fd))
        memory = mmap(NULL, LP_PACKET_RING_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (memory == MAP_FAILED) {
        take_down(fd);
        free(ring);
        return NULL;
    }
    ring->memory = memory;
    return ring;
}

void lp_packet_ring_free(struct lp_packet_ring *ring)
{
    if (ring == NULL)
        return;
    munmap(ring->memory, LP_PACKET_RING_BYTES);
    free(ring);
}

static void give_back(struct lp_packet_ring *ring)
{
    unsigned last = (ring->next + LP_PACKET_RING_SLOTS - 1) % LP_PACKET_RING_SLOTS;

    if (ring->lent)
        __atomic_store_n(&slot_at(ring, last)->tp_status, TP_STATUS_KERNEL, __ATOMIC_RELEASE);
    ring->lent = false;
}

static void take_vlan(const struct tpacket2_hdr *slot, unsigned status,
                      struct lp_superframe *frame)
{
    frame->vlan_tagged = (status & TP_STATUS_VLAN_VALID) != 0;
    frame->vlan_tci = frame->vlan_tagged ? slot->tp_vlan_tci : 0;
}

enum lp_packet_ring_result lp_packet_ring_read(struct lp_packet_ring *ring,
                                               struct lp_superframe *ret_frame)
{
    const struct tpacket2_hdr *slot = slot_at(ring, ring->next);
    struct virtio_net_hdr virtio;
    const uint8_t *frame;
    unsigned status;

    give_back(ring);
    status = __atomic_load_n(&slot->tp_status, __ATOMIC_ACQUIRE);
    if ((status & TP_STATUS_USER) == 0)
        return LP_PACKET_RING_EMPTY;
    ring->next = (ring->next + 1) % LP_PACKET_RING_SLOTS;
    ring->lent = true;
    if ((status & TP_STATUS_COPY) != 0)
        return LP_PACKET_RING_QUEUED;
    if (slot->tp_snaplen < slot->tp_len)
        return LP_PACKET_RING_CUT;
    frame = (const uint8_t *)slot + slot->tp_mac;
    memcpy(&virtio, frame - sizeof(virtio), sizeof(virtio));
    if (lp_link_parse(&virtio, frame, slot->tp_snaplen, ret_frame) < 0)
        return LP_PACKET_RING_CUT;
    take_vlan(slot, status, ret_frame);
    return LP_PACKET_RING_FRAME;
}
