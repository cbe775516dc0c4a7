#include "base/err.h"

const char *lp_err_name(int err)
{
    switch (err) {
    case LP_OK:
        return "OK";
#define X(name, number, text)                                                                  \
    case LP_ERR_##name:                                                                        \
        return #name;
        LP_ERR_TABLE(X)
#undef X
    default:
        return "UNKNOWN";
    }
}

const char *lp_err_text(int err)
{
    switch (err) {
    case LP_OK:
        return "success";
#define X(name, number, text)                                                                  \
    case LP_ERR_##name:                                                                        \
        return text;
        LP_ERR_TABLE(X)
#undef X
    default:
        return "unknown error";
    }
}
