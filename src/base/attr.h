/* Attributes, and what is known of the compiler, that are not spelled the same everywhere. */
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

/*
 * 1 under the address sanitizer, which knows malloc's blocks only: whoever cuts memory up by
 * himself then does not, so that use after free and writing beyond an end are still found.
 */
#if defined(__SANITIZE_ADDRESS__)
#define LP_ADDRESS_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define LP_ADDRESS_SANITIZER 1
#endif
#endif
#ifndef LP_ADDRESS_SANITIZER
#define LP_ADDRESS_SANITIZER 0
#endif

#endif
