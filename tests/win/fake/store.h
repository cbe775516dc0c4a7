/*
 * Windows's driver store, as far as the TAP driver goes: it has the driver while the file
 * C:\softlan-test\driver-store is there. Another program's adapter uses it while driver-in-use is.
 */
#ifndef TESTS_WIN_FAKE_STORE_H
#define TESTS_WIN_FAKE_STORE_H

#include <windows.h>

#define STORE_FILE   "C:\\softlan-test\\driver-store"
#define STORE_IN_USE "C:\\softlan-test\\driver-in-use"
#define STORE_INF    L"oem7.inf"

static inline int store_has_driver(void)
{
    return GetFileAttributesA(STORE_FILE) != INVALID_FILE_ATTRIBUTES;
}

static inline int store_is_in_use(void)
{
    return GetFileAttributesA(STORE_IN_USE) != INVALID_FILE_ATTRIBUTES;
}

#endif
