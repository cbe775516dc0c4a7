/*
 * The system's headers in the order that they need, lean. Their macro "interface" (for COM) goes: it is
 * a field of ours. For platform/windows and the Windows apps.
 */
#ifndef LP_PLATFORM_WINDOWS_WIN_H
#define LP_PLATFORM_WINDOWS_WIN_H

#ifndef WIN32_LEAN_AND_MEAN
#define WIN32_LEAN_AND_MEAN
#endif
#include <winsock2.h>
#include <ws2tcpip.h>
#include <windows.h>
#include <iphlpapi.h>
#include <netioapi.h>

#undef interface

#endif
