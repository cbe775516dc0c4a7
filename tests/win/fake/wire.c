/*
 * wire.exe LOCAL_PORT REMOTE_PORT: loads the fake TAP driver when it is not loaded, then carries
 * frames between the far end of its cable and UDP on 127.0.0.1, where a Linux TAP takes them
 * (bed/cable.py). Ends with the Wine that it runs in.
 */
#include <winsock2.h>
#include <windows.h>
#include <winioctl.h>

#include <stdio.h>
#include <stdlib.h>

#include "faketap.h"

#define DRIVER_PATH "C:\\softlan-test\\faketap.sys"
#define READS       16
#define WRITES      16

struct wire {
    HANDLE device;
    SOCKET socket;
};

static int fail(const char *what, unsigned long error)
{
    printf("%s failed: error %lu\n", what, error);
    return 1;
}

static int load_driver(void)
{
    SC_HANDLE manager = OpenSCManagerA(NULL, NULL, SC_MANAGER_ALL_ACCESS);
    SC_HANDLE service = OpenServiceA(manager, FAKETAP_SERVICE, SERVICE_ALL_ACCESS);

    if (service == NULL)
        service =
            CreateServiceA(manager, FAKETAP_SERVICE, FAKETAP_SERVICE, SERVICE_ALL_ACCESS,
                           SERVICE_KERNEL_DRIVER, SERVICE_DEMAND_START, SERVICE_ERROR_NORMAL,
                           DRIVER_PATH, NULL, NULL, NULL, NULL, NULL);
    if (service == NULL)
        return fail("the driver's service", GetLastError());
    if (!StartServiceA(service, 0, NULL) && GetLastError() != ERROR_SERVICE_ALREADY_RUNNING)
        return fail("starting the driver", GetLastError());
    CloseServiceHandle(service);
    CloseServiceHandle(manager);
    return 0;
}

static int open_socket(struct wire *wire, unsigned short local, unsigned short remote)
{
    struct sockaddr_in addr = {.sin_family = AF_INET};
    int size = 4 << 20;
    WSADATA data;

    addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (WSAStartup(MAKEWORD(2, 2), &data) != 0)
        return fail("WSAStartup", (unsigned long)WSAGetLastError());
    wire->socket = socket(AF_INET, SOCK_DGRAM, 0);
    setsockopt(wire->socket, SOL_SOCKET, SO_RCVBUF, (const char *)&size, sizeof(size));
    addr.sin_port = htons(local);
    if (bind(wire->socket, (struct sockaddr *)&addr, sizeof(addr)) != 0)
        return fail("bind", (unsigned long)WSAGetLastError());
    addr.sin_port = htons(remote);
    if (connect(wire->socket, (struct sockaddr *)&addr, sizeof(addr)) != 0)
        return fail("connect", (unsigned long)WSAGetLastError());
    return 0;
}

static DWORD WINAPI carry_to_linux(void *arg)
{
    struct wire *wire = arg;
    static char bytes[READS][FAKETAP_FRAME_MAX];
    OVERLAPPED pending[READS];
    DWORD len;

    memset(pending, 0, sizeof(pending));
    for (int i = 0; i < READS; i++) {
        pending[i].hEvent = CreateEventA(NULL, TRUE, FALSE, NULL);
        ReadFile(wire->device, bytes[i], FAKETAP_FRAME_MAX, NULL, &pending[i]);
    }
    for (int i = 0;; i = (i + 1) % READS) {
        if (!GetOverlappedResult(wire->device, &pending[i], &len, TRUE))
            return (DWORD)fail("reading the wire", GetLastError());
        send(wire->socket, bytes[i], (int)len, 0);
        ResetEvent(pending[i].hEvent);
        ReadFile(wire->device, bytes[i], FAKETAP_FRAME_MAX, NULL, &pending[i]);
    }
}

static void __attribute__((noreturn)) carry_from_linux(struct wire *wire)
{
    static char bytes[WRITES][FAKETAP_FRAME_MAX];
    OVERLAPPED pending[WRITES];
    DWORD written;

    memset(pending, 0, sizeof(pending));
    for (int i = 0; i < WRITES; i++)
        pending[i].hEvent = CreateEventA(NULL, TRUE, TRUE, NULL);
    for (int i = 0;; i = (i + 1) % WRITES) {
        int len;

        GetOverlappedResult(wire->device, &pending[i], &written, TRUE);
        do
            len = recv(wire->socket, bytes[i], FAKETAP_FRAME_MAX, 0);
        while (len < 0); /* port unreachable, before the other end is there */
        ResetEvent(pending[i].hEvent);
        WriteFile(wire->device, bytes[i], (DWORD)len, NULL, &pending[i]);
    }
}

int main(int argc, char **argv)
{
    static struct wire wire;

    setvbuf(stdout, NULL, _IONBF, 0);
    if (argc != 3 || load_driver() != 0 ||
        open_socket(&wire, (unsigned short)atoi(argv[1]), (unsigned short)atoi(argv[2])) != 0)
        return 1;
    wire.device = CreateFileA("\\\\.\\" FAKETAP_WIRE, GENERIC_READ | GENERIC_WRITE, 0, NULL,
                              OPEN_EXISTING, FILE_FLAG_OVERLAPPED, NULL);
    if (wire.device == INVALID_HANDLE_VALUE)
        return fail("opening the wire", GetLastError());
    CreateThread(NULL, 0, carry_to_linux, &wire, 0, NULL);
    printf("the wire is up\n");
    carry_from_linux(&wire);
}
