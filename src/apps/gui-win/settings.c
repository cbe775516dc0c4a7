#include "apps/gui-win/settings.h"

#include <string.h>

#include "base/err.h"
#include "diag/text.h"

#define NAME_WORD  "name "
#define PARTY_WORD "party "

static bool is_same(const struct lp_invite *a, const struct lp_invite *b)
{
    return strcmp(a->host, b->host) == 0 && a->port == b->port && strcmp(a->room, b->room) == 0;
}

static bool is_known(const struct lp_settings *settings, const struct lp_invite *party)
{
    for (unsigned i = 0; i < settings->party_count; i++) {
        if (is_same(&settings->party[i], party))
            return true;
    }
    return false;
}

/* What follows the word when the line begins with it, NULL otherwise. */
static const char *after(const char *line, size_t len, const char *word, size_t *ret_len)
{
    size_t word_len = strlen(word);

    if (len <= word_len || memcmp(line, word, word_len) != 0)
        return NULL;
    *ret_len = len - word_len;
    return line + word_len;
}

static void read_line(const char *line, size_t len, struct lp_settings *settings)
{
    char why[LP_INVITE_WHY_LEN];
    struct lp_invite party;
    const char *value;
    size_t value_len;

    value = after(line, len, NAME_WORD, &value_len);
    if (value != NULL && value_len <= LP_NAME_MAX) {
        memcpy(settings->name, value, value_len);
        settings->name[value_len] = '\0';
        if (!lp_name_valid(settings->name))
            settings->name[0] = '\0';
        return;
    }
    value = after(line, len, PARTY_WORD, &value_len);
    if (value == NULL || settings->party_count == LP_PARTIES_MAX)
        return;
    if (lp_invite_parse(value, value_len, &party, why) == 0 && !is_known(settings, &party))
        settings->party[settings->party_count++] = party;
}

void lp_settings_read(const char *text, struct lp_settings *ret_settings)
{
    memset(ret_settings, 0, sizeof(*ret_settings));
    while (*text != '\0') {
        size_t len = strcspn(text, "\n");
        size_t shorter = len > 0 && text[len - 1] == '\r' ? len - 1 : len;

        read_line(text, shorter, ret_settings);
        text += len;
        text += *text == '\n';
    }
}

int lp_settings_write(const struct lp_settings *settings, char *text, size_t capacity)
{
    char link[LP_INVITE_LINK_MAX + 1];
    struct lp_text t;

    lp_text_init(&t, text, capacity);
    if (settings->name[0] != '\0')
        lp_text_printf(&t, NAME_WORD "%s\n", settings->name);
    for (unsigned i = 0; i < settings->party_count; i++) {
        if (lp_invite_format(&settings->party[i], link, sizeof(link)) >= 0)
            lp_text_printf(&t, PARTY_WORD "%s\n", link);
    }
    return lp_text_truncated(&t) ? LP_ERR_NOSPACE : (int)lp_text_len(&t);
}

void lp_settings_remember(struct lp_settings *settings, const struct lp_invite *party)
{
    char link[LP_INVITE_LINK_MAX + 1];
    unsigned at = 0;

    if (lp_invite_format(party, link, sizeof(link)) < 0)
        return;
    while (at < settings->party_count && !is_same(&settings->party[at], party))
        at++;
    if (at == settings->party_count && at < LP_PARTIES_MAX)
        settings->party_count++;
    if (at == LP_PARTIES_MAX)
        at--;
    memmove(&settings->party[1], &settings->party[0], at * sizeof(settings->party[0]));
    settings->party[0] = *party;
}
