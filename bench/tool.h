/*
 * What the benchmark's small programs share: time, addresses, numbers from the command line and
 * the figures of a row of samples. They end with a message when the machine refuses something:
 * a measurement that goes on half is worse than none. Linux only.
 */
#ifndef LP_BENCH_TOOL_H
#define LP_BENCH_TOOL_H

#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>

#define LP_TOOL_US 1000u
#define LP_TOOL_MS 1000000u
#define LP_TOOL_S  UINT64_C(1000000000)

/* CLOCK_MONOTONIC: the same in every network namespace of the machine. */
uint64_t lp_tool_now_ns(void);

/* Ends the program with "what: errno's text" or, when errno is 0, with what alone. */
_Noreturn void lp_tool_die(const char *what);

/* Ends the program when the text is not a number within the bounds. */
double lp_tool_number(const char *text, double min, double max);

/* "192.0.2.1:443"; ends the program when it is not that. */
struct sockaddr_in lp_tool_address(const char *text);

/* A UDP socket with large buffers, bound to `bound` unless NULL. */
int lp_tool_udp(const struct sockaddr_in *bound);
void lp_tool_large_buffers(int fd);

/* The index of a network interface of this namespace; ends the program without it. */
unsigned lp_tool_interface(const char *name);

/* Promiscuous AF_PACKET socket that sees only what comes in. */
int lp_tool_packet(const char *interface);

/* Timers to the microsecond, and SIGTERM and SIGINT set *ret_stop. */
void lp_tool_start(volatile int *ret_stop);

/* Sorts. The p-th part (0..1) of the samples; 0 when there are none. */
void lp_tool_sort(uint64_t *samples, size_t count);
uint64_t lp_tool_quantile(const uint64_t *sorted, size_t count, double part);

#endif
