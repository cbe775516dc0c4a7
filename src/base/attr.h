/* Attributes that are not spelled the same for every system. */
#ifndef LP_BASE_ATTR_H
#define LP_BASE_ATTR_H

/*
 * The parameter number `format` is a format as printf's of C99, its arguments begin at `first`.
 * For Windows "printf" means that of its C library, which knows no %zu; what is called there is
 * mingw's own.
 */
#ifdef __MINGW32__
#define LP_PRINTF(format_at, first) __attribute__((format(gnu_printf, format_at, first)))
#else
#define LP_PRINTF(format_at, first) __attribute__((format(printf, format_at, first)))
#endif

#endif
