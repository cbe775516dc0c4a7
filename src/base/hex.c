#include "base/hex.h"

#include "base/err.h"

static int digit_value(char digit)
{
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    if (digit >= 'a' && digit <= 'f')
        return digit - 'a' + 10;
    if (digit >= 'A' && digit <= 'F')
        return digit - 'A' + 10;
    return LP_ERR_MALFORMED;
}

int lp_hex_decode(const char *text, size_t text_len, uint8_t *octets)
{
    if (text_len % 2 != 0)
        return LP_ERR_MALFORMED;
    for (size_t i = 0; i < text_len; i += 2) {
        int high = digit_value(text[i]);
        int low = digit_value(text[i + 1]);

        if (high < 0 || low < 0)
            return LP_ERR_MALFORMED;
        octets[i / 2] = (uint8_t)(high << 4 | low);
    }
    return 0;
}

char *lp_hex_encode(const uint8_t *octets, size_t len, char *text)
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < len; i++) {
        text[2 * i] = digits[octets[i] >> 4];
        text[2 * i + 1] = digits[octets[i] & 0x0f];
    }
    text[2 * len] = '\0';
    return text;
}
