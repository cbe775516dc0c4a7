#include "platform/linux/errno.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/err.h"
#include "platform/platform.h"

int lp_err_from_errno(int number)
{
    switch (number) {
    case 0:
        return LP_OK;
    case EINVAL:
    case EBADF:
    case EDESTADDRREQ:
        return LP_ERR_INVALID;
    case ENOMEM:
    case ENOBUFS:
        return LP_ERR_NOMEM;
    case EMSGSIZE:
    case ERANGE:
    case E2BIG:
        return LP_ERR_RANGE;
    case EEXIST:
        return LP_ERR_EXISTS;
    case ENOENT:
    case ENODEV:
    case ENXIO:
    case ESRCH:
    case EADDRNOTAVAIL:
    case ENETUNREACH:
    case EHOSTUNREACH:
        return LP_ERR_NOTFOUND;
    case EAGAIN:
    case EINTR:
        return LP_ERR_AGAIN;
    case ENETDOWN:
    case EBADFD:
    case EPIPE:
        return LP_ERR_CLOSED;
    case EPERM:
    case EACCES:
    case EROFS:
        return LP_ERR_PERMISSION;
    case EBUSY:
    case EADDRINUSE:
        return LP_ERR_BUSY;
    case ETIMEDOUT:
        return LP_ERR_TIMEOUT;
    case EOPNOTSUPP:
    case ENOSYS:
    case ENOPROTOOPT:
    case EPROTONOSUPPORT:
    case EAFNOSUPPORT:
        return LP_ERR_UNSUPPORTED;
    case EMFILE:
    case ENFILE:
        return LP_ERR_FULL;
    default:
        return LP_ERR_IO;
    }
}

int lp_why(int err, char *why, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(why, LP_WHY_LEN, format, args);
    va_end(args);
    return err;
}
