/*
 * One log of what the program under test did to the adapter and to the machine, in the order in
 * which it did it: the driver and the shims append to the same file. A step can be told to fail:
 * C:\softlan-test\fail holds "N TEXT", and the Nth step whose line begins with TEXT then fails; "N+ TEXT":
 * that one and all later ones.
 */
#ifndef TESTS_WIN_FAKE_EVENTS_H
#define TESTS_WIN_FAKE_EVENTS_H

#define EVENTS_LINE_MAX 512

/* Writes the line; returns 0 when the tests want this step to fail (the line then says so). */
int events_step(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
