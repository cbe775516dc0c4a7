/*
 * A driver for Wine's ntoskrnl that behaves as TAP-Windows6 9.27 does towards the program that
 * opens it: device path, control codes, exclusive open, reads and writes cancelled while the media
 * is disconnected, frames for other stations dropped, media dropped when the handle goes. Its MAC
 * address is the registry's NetworkAddress as of the last start of the device.
 *
 * Wine opens a device whatever the driver answers: a handle that was refused is one on which every
 * call fails.
 *
 * A second device, the wire, is the other end of the cable. A third one stands for PnP: it restarts
 * the device (a device that is open is not restarted, as Windows would ask for a reboot).
 */
#include <ntddk.h>

#include "events.h"
#include "faketap.h"

#define WIDE_(text) L##text
#define WIDE(text)  WIDE_(text)
#define CLASS_KEY                                                                              \
    L"\\Registry\\Machine\\System\\CurrentControlSet\\Control\\Class\\" WIDE(FAKETAP_CLASS_KEY)
#define POOL_TAG        0x50415446
#define QUEUE_MAX       1024
#define ETHERNET_HEADER 14
#define MAC_LEN         6

enum side { TAP, WIRE, CONTROL, SIDES };

struct frame {
    LIST_ENTRY link;
    ULONG len;
    UCHAR bytes[FAKETAP_FRAME_MAX];
};

/* One end of the cable: reads that wait for a frame, or frames that wait for a read. */
struct cable_end {
    LIST_ENTRY reads;
    LIST_ENTRY frames;
    ULONG frame_count;
    LONG open;
};

struct fake {
    KSPIN_LOCK lock;
    struct cable_end end[2];
    UCHAR mac[8]; /* the first six */
    ULONG media;
    ULONG dropped;
    DEVICE_OBJECT *device[SIDES];
};

struct extension {
    struct fake *fake;
    enum side side;
};

static struct extension *extension_of(DEVICE_OBJECT *device)
{
    return device->DeviceExtension;
}

static FILE_OBJECT *file_of(IRP *irp)
{
    return IoGetCurrentIrpStackLocation(irp)->FileObject;
}

/* Whether on_create took the handle. */
static int is_refused(IRP *irp)
{
    return file_of(irp)->FsContext == NULL;
}

static NTSTATUS complete(IRP *irp, NTSTATUS status, ULONG_PTR information)
{
    irp->IoStatus.Status = status;
    irp->IoStatus.Information = information;
    IoCompleteRequest(irp, IO_NO_INCREMENT);
    return status;
}

/* ---- reads and frames --------------------------------------------------------------------- */

static NTSTATUS complete_read(IRP *irp, const void *bytes, ULONG len)
{
    if (len > IoGetCurrentIrpStackLocation(irp)->Parameters.Read.Length)
        return complete(irp, STATUS_BUFFER_OVERFLOW, 0); /* the frame is lost */
    RtlCopyMemory(irp->AssociatedIrp.SystemBuffer, bytes, len);
    return complete(irp, STATUS_SUCCESS, len);
}

static void NTAPI on_cancel(DEVICE_OBJECT *device, IRP *irp)
{
    struct fake *fake = extension_of(device)->fake;
    KIRQL irql;

    IoReleaseCancelSpinLock(irp->CancelIrql);
    KeAcquireSpinLock(&fake->lock, &irql);
    RemoveEntryList(&irp->Tail.Overlay.ListEntry);
    KeReleaseSpinLock(&fake->lock, irql);
    (void)complete(irp, STATUS_CANCELLED, 0);
}

/* The oldest read that is not being cancelled; NULL when none waits. Locked. */
static IRP *take_read(struct cable_end *end)
{
    while (!IsListEmpty(&end->reads)) {
        LIST_ENTRY *entry = RemoveHeadList(&end->reads);
        IRP *irp = CONTAINING_RECORD(entry, IRP, Tail.Overlay.ListEntry);

        InitializeListHead(entry); /* on_cancel may still take it out */
        if (IoSetCancelRoutine(irp, NULL) != NULL)
            return irp;
    }
    return NULL;
}

static struct frame *take_frame(struct cable_end *end)
{
    if (IsListEmpty(&end->frames))
        return NULL;
    end->frame_count--;
    return CONTAINING_RECORD(RemoveHeadList(&end->frames), struct frame, link);
}

static void keep_frame(struct fake *fake, struct cable_end *end, const void *bytes, ULONG len)
{
    struct frame *frame = NULL;

    if (end->frame_count < QUEUE_MAX)
        frame = ExAllocatePoolWithTag(NonPagedPool, sizeof(*frame), POOL_TAG);
    if (frame == NULL) {
        fake->dropped++;
        return;
    }
    frame->len = len;
    RtlCopyMemory(frame->bytes, bytes, len);
    InsertTailList(&end->frames, &frame->link);
    end->frame_count++;
}

static void empty(struct fake *fake, struct cable_end *end)
{
    struct frame *frame;
    KIRQL irql;
    IRP *irp;

    do {
        KeAcquireSpinLock(&fake->lock, &irql);
        irp = take_read(end);
        while ((frame = take_frame(end)) != NULL)
            ExFreePoolWithTag(frame, POOL_TAG);
        KeReleaseSpinLock(&fake->lock, irql);
        if (irp != NULL)
            (void)complete(irp, STATUS_CANCELLED, 0);
    } while (irp != NULL);
}

static NTSTATUS NTAPI on_read(DEVICE_OBJECT *device, IRP *irp)
{
    struct fake *fake = extension_of(device)->fake;
    enum side side = extension_of(device)->side;
    struct cable_end *end = &fake->end[side];
    struct frame *frame;
    NTSTATUS status;
    KIRQL irql;

    if (is_refused(irp) || (side == TAP && !fake->media))
        return complete(irp, STATUS_CANCELLED, 0);
    KeAcquireSpinLock(&fake->lock, &irql);
    frame = take_frame(end);
    if (frame == NULL) {
        IoMarkIrpPending(irp);
        InsertTailList(&end->reads, &irp->Tail.Overlay.ListEntry);
        IoSetCancelRoutine(irp, on_cancel);
        if (irp->Cancel && IoSetCancelRoutine(irp, NULL) != NULL) {
            RemoveEntryList(&irp->Tail.Overlay.ListEntry);
            KeReleaseSpinLock(&fake->lock, irql);
            (void)complete(irp, STATUS_CANCELLED, 0);
            return STATUS_PENDING;
        }
        KeReleaseSpinLock(&fake->lock, irql);
        return STATUS_PENDING;
    }
    KeReleaseSpinLock(&fake->lock, irql);
    status = complete_read(irp, frame->bytes, frame->len);
    ExFreePoolWithTag(frame, POOL_TAG);
    return status;
}

/* The adapter's own receive filter: group addresses and its own. */
static int is_for_adapter(const struct fake *fake, const UCHAR *frame)
{
    return (frame[0] & 1) != 0 || RtlCompareMemory(frame, fake->mac, MAC_LEN) == MAC_LEN;
}

static NTSTATUS NTAPI on_write(DEVICE_OBJECT *device, IRP *irp)
{
    struct fake *fake = extension_of(device)->fake;
    enum side side = extension_of(device)->side;
    struct cable_end *other = &fake->end[side == TAP ? WIRE : TAP];
    ULONG len = IoGetCurrentIrpStackLocation(irp)->Parameters.Write.Length;
    const UCHAR *bytes = irp->AssociatedIrp.SystemBuffer;
    IRP *read;
    KIRQL irql;

    if (is_refused(irp) || (side == TAP && !fake->media))
        return complete(irp, STATUS_CANCELLED, 0);
    if (len < ETHERNET_HEADER || len > FAKETAP_FRAME_MAX)
        return complete(irp, STATUS_INVALID_PARAMETER, 0);
    if (!fake->media || (side == TAP && !is_for_adapter(fake, bytes)))
        return complete(irp, STATUS_SUCCESS, len); /* nobody hears it */
    KeAcquireSpinLock(&fake->lock, &irql);
    read = take_read(other);
    if (read == NULL)
        keep_frame(fake, other, bytes, len);
    KeReleaseSpinLock(&fake->lock, irql);
    if (read != NULL)
        (void)complete_read(read, bytes, len);
    return complete(irp, STATUS_SUCCESS, len);
}

/* ---- the device's life -------------------------------------------------------------------- */

static int hex_digit(WCHAR c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* NdisReadNetworkAddress takes hex digits, and '-' between them. */
static int parse_mac(const WCHAR *text, ULONG chars, UCHAR mac[MAC_LEN])
{
    unsigned digits = 0;

    for (ULONG i = 0; i < chars && text[i] != 0; i++) {
        int digit = hex_digit(text[i]);

        if (text[i] == '-')
            continue;
        if (digit < 0 || digits == 2 * MAC_LEN)
            return 0;
        mac[digits / 2] = (UCHAR)(mac[digits / 2] << 4 | digit);
        digits++;
    }
    return digits == 2 * MAC_LEN && (mac[0] & 1) == 0;
}

static int read_network_address(UCHAR mac[MAC_LEN])
{
    union {
        KEY_VALUE_PARTIAL_INFORMATION value;
        UCHAR room[256];
    } buffer;
    OBJECT_ATTRIBUTES attributes;
    UNICODE_STRING name;
    HANDLE key;
    ULONG len;
    NTSTATUS status;

    RtlInitUnicodeString(&name, CLASS_KEY);
    InitializeObjectAttributes(&attributes, &name, OBJ_CASE_INSENSITIVE, NULL, NULL);
    if (ZwOpenKey(&key, KEY_READ, &attributes) != 0)
        return 0;
    RtlInitUnicodeString(&name, L"NetworkAddress");
    status =
        ZwQueryValueKey(key, &name, KeyValuePartialInformation, &buffer, sizeof(buffer), &len);
    ZwClose(key);
    return status == 0 && buffer.value.Type == REG_SZ &&
           parse_mac((const WCHAR *)(const void *)buffer.value.Data,
                     buffer.value.DataLength / sizeof(WCHAR), mac);
}

static void set_media(struct fake *fake, ULONG media)
{
    fake->media = media;
}

static void start_adapter(struct fake *fake)
{
    static const UCHAR permanent[MAC_LEN] = {0x00, 0xff, 0x41, 0x0e, 0xb4, 0x9d};
    UCHAR mac[MAC_LEN] = {0};

    set_media(fake, 0);
    RtlCopyMemory(fake->mac, read_network_address(mac) ? mac : permanent, MAC_LEN);
    if (!events_step("tap start mac=%02x:%02x:%02x:%02x:%02x:%02x", fake->mac[0], fake->mac[1],
                     fake->mac[2], fake->mac[3], fake->mac[4], fake->mac[5]))
        RtlCopyMemory(fake->mac, permanent, MAC_LEN); /* the driver does not take it */
}

static NTSTATUS NTAPI on_create(DEVICE_OBJECT *device, IRP *irp)
{
    struct extension *extension = extension_of(device);
    int is_tap = extension->side == TAP;

    if (extension->side != CONTROL) {
        LONG *open = &extension->fake->end[extension->side].open;

        if (InterlockedCompareExchange(open, 1, 0) != 0) {
            if (is_tap)
                (void)events_step("tap open refused");
            return complete(irp, STATUS_UNSUCCESSFUL, 0);
        }
        if (is_tap && !events_step("tap open")) {
            InterlockedExchange(open, 0);
            return complete(irp, STATUS_UNSUCCESSFUL, 0);
        }
    }
    file_of(irp)->FsContext = extension;
    return complete(irp, STATUS_SUCCESS, 0);
}

static void let_go(struct extension *extension)
{
    if (extension->side == TAP)
        set_media(extension->fake, 0);
    if (extension->side != CONTROL)
        empty(extension->fake, &extension->fake->end[extension->side]);
}

static NTSTATUS NTAPI on_cleanup(DEVICE_OBJECT *device, IRP *irp)
{
    if (!is_refused(irp))
        let_go(extension_of(device));
    return complete(irp, STATUS_SUCCESS, 0);
}

static NTSTATUS NTAPI on_close(DEVICE_OBJECT *device, IRP *irp)
{
    struct extension *extension = extension_of(device);

    if (is_refused(irp))
        return complete(irp, STATUS_SUCCESS, 0);
    let_go(extension); /* a program that was killed has no cleanup before */
    if (extension->side != CONTROL)
        InterlockedExchange(&extension->fake->end[extension->side].open, 0);
    if (extension->side == TAP)
        (void)events_step("tap close");
    return complete(irp, STATUS_SUCCESS, 0);
}

/* ---- control codes ------------------------------------------------------------------------ */

static NTSTATUS answer(IRP *irp, const void *bytes, ULONG len)
{
    IO_STACK_LOCATION *stack = IoGetCurrentIrpStackLocation(irp);

    if (stack->Parameters.DeviceIoControl.OutputBufferLength < len)
        return complete(irp, STATUS_BUFFER_TOO_SMALL, 0);
    RtlCopyMemory(irp->AssociatedIrp.SystemBuffer, bytes, len);
    return complete(irp, STATUS_SUCCESS, len);
}

static NTSTATUS tap_control(struct fake *fake, IRP *irp)
{
    static const ULONG version[3] = {9, 27, 0}, mtu = 1500;
    IO_STACK_LOCATION *stack = IoGetCurrentIrpStackLocation(irp);
    ULONG in = stack->Parameters.DeviceIoControl.InputBufferLength;
    const ULONG *value = irp->AssociatedIrp.SystemBuffer;

    switch (stack->Parameters.DeviceIoControl.IoControlCode) {
    case FAKETAP_GET_MAC:
        if (!events_step("tap get-mac"))
            return complete(irp, STATUS_UNSUCCESSFUL, 0);
        return answer(irp, fake->mac, MAC_LEN);
    case FAKETAP_GET_VERSION:
        return answer(irp, version, sizeof(version));
    case FAKETAP_GET_MTU:
        return answer(irp, &mtu, sizeof(mtu));
    case FAKETAP_SET_MEDIA_STATUS:
        if (in < sizeof(*value))
            return complete(irp, STATUS_INVALID_PARAMETER, 0);
        if (!events_step("tap media %s", *value != 0 ? "connected" : "disconnected"))
            return complete(irp, STATUS_UNSUCCESSFUL, 0);
        set_media(fake, *value != 0);
        return complete(irp, STATUS_SUCCESS, 1);
    case FAKETAP_PRIORITY:
        if (in < sizeof(*value) || *value > 2)
            return complete(irp, STATUS_INVALID_PARAMETER, 0);
        return complete(irp, STATUS_SUCCESS, 1);
    default:
        return complete(irp, STATUS_INVALID_DEVICE_REQUEST, 0);
    }
}

static NTSTATUS test_control(struct fake *fake, IRP *irp)
{
    struct faketap_state state = {
        .media = fake->media, .open = (ULONG)fake->end[TAP].open, .dropped = fake->dropped};

    switch (IoGetCurrentIrpStackLocation(irp)->Parameters.DeviceIoControl.IoControlCode) {
    case FAKETAP_RESTART:
        if (fake->end[TAP].open)
            return complete(irp, STATUS_DEVICE_BUSY, 0);
        start_adapter(fake);
        return complete(irp, STATUS_SUCCESS, 0);
    case FAKETAP_STATE:
        RtlCopyMemory(state.mac, fake->mac, MAC_LEN);
        return answer(irp, &state, sizeof(state));
    default:
        return complete(irp, STATUS_INVALID_DEVICE_REQUEST, 0);
    }
}

static NTSTATUS NTAPI on_control(DEVICE_OBJECT *device, IRP *irp)
{
    struct extension *extension = extension_of(device);

    if (is_refused(irp))
        return complete(irp, STATUS_UNSUCCESSFUL, 0);
    if (extension->side == TAP)
        return tap_control(extension->fake, irp);
    if (extension->side == CONTROL)
        return test_control(extension->fake, irp);
    return complete(irp, STATUS_INVALID_DEVICE_REQUEST, 0);
}

/* ---- driver ------------------------------------------------------------------------------- */

static const WCHAR *const device_names[SIDES] = {
    [TAP] = L"\\Device\\" WIDE(FAKETAP_GUID) L".tap",
    [WIRE] = L"\\Device\\" WIDE(FAKETAP_WIRE),
    [CONTROL] = L"\\Device\\" WIDE(FAKETAP_CONTROL),
};
static const WCHAR *const link_names[SIDES] = {
    [TAP] = L"\\DosDevices\\Global\\" WIDE(FAKETAP_GUID) L".tap",
    [WIRE] = L"\\DosDevices\\" WIDE(FAKETAP_WIRE),
    [CONTROL] = L"\\DosDevices\\" WIDE(FAKETAP_CONTROL),
};

static NTSTATUS add_device(DRIVER_OBJECT *driver, struct fake *fake, enum side side)
{
    UNICODE_STRING name, link;
    DEVICE_OBJECT *device;
    NTSTATUS status;

    RtlInitUnicodeString(&name, device_names[side]);
    RtlInitUnicodeString(&link, link_names[side]);
    status = IoCreateDevice(driver, sizeof(struct extension), &name, FILE_DEVICE_UNKNOWN, 0,
                            FALSE, &device);
    if (status != 0)
        return status;
    extension_of(device)->fake = fake;
    extension_of(device)->side = side;
    fake->device[side] = device;
    device->Flags |= DO_BUFFERED_IO;
    device->Flags &= ~(ULONG)DO_DEVICE_INITIALIZING;
    return IoCreateSymbolicLink(&link, &name);
}

static void NTAPI on_unload(DRIVER_OBJECT *driver)
{
    struct fake *fake = extension_of(driver->DeviceObject)->fake;
    UNICODE_STRING link;

    for (int side = 0; side < SIDES; side++) {
        RtlInitUnicodeString(&link, link_names[side]);
        IoDeleteSymbolicLink(&link);
        if (side != CONTROL)
            empty(fake, &fake->end[side]);
        IoDeleteDevice(fake->device[side]);
    }
    ExFreePoolWithTag(fake, POOL_TAG);
}

NTSTATUS NTAPI DriverEntry(DRIVER_OBJECT *driver, UNICODE_STRING *registry_path);

NTSTATUS NTAPI DriverEntry(DRIVER_OBJECT *driver, UNICODE_STRING *registry_path)
{
    struct fake *fake = ExAllocatePoolWithTag(NonPagedPool, sizeof(*fake), POOL_TAG);
    NTSTATUS status = STATUS_SUCCESS;

    (void)registry_path;
    if (fake == NULL)
        return STATUS_INSUFFICIENT_RESOURCES;
    RtlZeroMemory(fake, sizeof(*fake));
    KeInitializeSpinLock(&fake->lock);
    for (int side = TAP; side <= WIRE; side++) {
        InitializeListHead(&fake->end[side].reads);
        InitializeListHead(&fake->end[side].frames);
    }
    driver->MajorFunction[IRP_MJ_CREATE] = on_create;
    driver->MajorFunction[IRP_MJ_CLEANUP] = on_cleanup;
    driver->MajorFunction[IRP_MJ_CLOSE] = on_close;
    driver->MajorFunction[IRP_MJ_READ] = on_read;
    driver->MajorFunction[IRP_MJ_WRITE] = on_write;
    driver->MajorFunction[IRP_MJ_DEVICE_CONTROL] = on_control;
    driver->DriverUnload = on_unload;
    for (int side = 0; side < SIDES && status == STATUS_SUCCESS; side++)
        status = add_device(driver, fake, (enum side)side);
    if (status == STATUS_SUCCESS)
        start_adapter(fake);
    return status;
}
