#include "base/mac.h"

#include "base/err.h"
#include "base/hex.h"

int lp_mac_parse(const char *text, struct lp_mac *ret_mac)
{
    struct lp_mac mac;

    if (strlen(text) != LP_MAC_TEXT_LEN - 1)
        return LP_ERR_MALFORMED;
    for (size_t i = 0; i < LP_MAC_LEN; i++) {
        const char *digits = text + 3 * i;

        if (lp_hex_decode(digits, 2, &mac.octet[i]) < 0)
            return LP_ERR_MALFORMED;
        if (i + 1 < LP_MAC_LEN && digits[2] != text[2])
            return LP_ERR_MALFORMED;
    }
    if (text[2] != ':' && text[2] != '-')
        return LP_ERR_MALFORMED;
    *ret_mac = mac;
    return 0;
}

char *lp_mac_format(const struct lp_mac *mac, char text[LP_MAC_TEXT_LEN])
{
    for (size_t i = 0; i < LP_MAC_LEN; i++) {
        lp_hex_encode(&mac->octet[i], 1, text + 3 * i);
        text[3 * i + 2] = i + 1 < LP_MAC_LEN ? ':' : '\0';
    }
    return text;
}
