/*
 * errno to enum lp_err, and the sentence that goes with an error. Internal to platform/linux.
 */
#ifndef LP_PLATFORM_LINUX_ERRNO_H
#define LP_PLATFORM_LINUX_ERRNO_H

/* `number` is a positive errno value; 0 gives LP_OK, an unknown one LP_ERR_IO. */
int lp_err_from_errno(int number);

/* Writes the sentence into why[LP_WHY_LEN], cut to fit, and returns `err`. */
__attribute__((format(printf, 3, 4))) int lp_why(int err, char *why, const char *format, ...);

#endif
