#include "machine.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"

#define ADAPTER "{0F6C0C34-52E4-4B5E-9C5C-2C3C0A1B2D3E}"

static const struct {
    struct lp_setting setting;
    const char *value;
} originals[MACHINE_SETTINGS] = {
    {{LP_SETTING_IPV4_MTU, ADAPTER}, "1500"},
    {{LP_SETTING_IPV4_METRIC, ADAPTER}, "auto"},
    {{LP_SETTING_IPV4_DEFAULT_ROUTES, ADAPTER}, "enabled"},
    {{LP_SETTING_HOST_ROUTE, "192.0.2.9/1689399632756736"}, "none"},
    {{LP_SETTING_NETWORK_CATEGORY, ADAPTER}, "public"},
    {{LP_SETTING_DNS_SERVERS, ADAPTER}, "automatic"},
};

static void append(char *text, size_t size, const char *part, const char *end)
{
    size_t len = strlen(text);

    snprintf(text + len, size - len, "%s%s", part, end);
}

/* Goes out when it is time: true when the call must not do anything. */
static bool power_before(struct machine *m)
{
    if (m->off)
        return true;
    m->step++;
    if (m->cut != CUT_BEFORE || m->step != m->cut_step)
        return false;
    m->off = true;
    if (m->jumps)
        longjmp(m->power_cut, 1);
    return true;
}

static bool power_after(struct machine *m)
{
    if (m->cut != CUT_AFTER || m->step != m->cut_step)
        return false;
    m->off = true;
    if (m->jumps)
        longjmp(m->power_cut, 1);
    return true;
}

static struct machine_setting *at(struct machine *m, const struct lp_setting *setting)
{
    for (size_t i = 0; i < MACHINE_SETTINGS; i++) {
        struct machine_setting *s = &m->setting[i];

        if (s->setting.kind == setting->kind &&
            strcmp(s->setting.target, setting->target) == 0 && !s->gone)
            return s;
    }
    return NULL;
}

static int fake_get(void *user, const struct lp_setting *setting,
                    char ret_value[LP_SETTING_VALUE_LEN])
{
    struct machine *m = user;
    const struct machine_setting *s = at(m, setting);

    if (power_before(m))
        return LP_ERR_IO;
    if (s == NULL)
        return LP_ERR_NOTFOUND;
    if (s->get_error < 0)
        return s->get_error;
    strcpy(ret_value, s->value);
    return power_after(m) ? LP_ERR_IO : 0;
}

static int fake_set(void *user, const struct lp_setting *setting, const char *value)
{
    struct machine *m = user;
    struct machine_setting *s = at(m, setting);

    if (power_before(m))
        return LP_ERR_IO;
    if (s == NULL)
        return LP_ERR_NOTFOUND;
    if (s->set_error < 0 && !s->set_took)
        return s->set_error;
    snprintf(s->value, sizeof(s->value), "%s", value);
    s->strangers = false;
    append(m->log, sizeof(m->log), "set ", lp_setting_name(setting->kind));
    append(m->log, sizeof(m->log), " ", value);
    append(m->log, sizeof(m->log), ";", "");
    return power_after(m) ? LP_ERR_IO : s->set_error;
}

static bool number_within(const char *text, unsigned long low, unsigned long high)
{
    char *end;
    unsigned long number = strtoul(text, &end, 10);

    return text[0] >= '1' && text[0] <= '9' && *end == '\0' && number >= low && number <= high;
}

static bool fake_valid(void *user, const struct lp_setting *setting, const char *value)
{
    bool is_adapter = strcmp(setting->target, ADAPTER) == 0;

    switch (setting->kind) {
    case LP_SETTING_IPV4_MTU:
        return is_adapter && number_within(value, 576, 9000);
    case LP_SETTING_IPV4_METRIC:
        return is_adapter && (strcmp(value, "auto") == 0 || number_within(value, 1, 9999));
    case LP_SETTING_IPV4_DEFAULT_ROUTES:
        return is_adapter && (strcmp(value, "enabled") == 0 || strcmp(value, "disabled") == 0);
    case LP_SETTING_HOST_ROUTE:
        return strncmp(setting->target, "192.0.2.", 8) == 0 &&
               (strcmp(value, "none") == 0 || strncmp(value, "198.51.100.", 11) == 0);
    case LP_SETTING_NETWORK_CATEGORY:
        return is_adapter && (strcmp(value, "public") == 0 || strcmp(value, "private") == 0);
    case LP_SETTING_DNS_SERVERS:
        return is_adapter && value[0] != '-';
    default:
        return false;
    }
}

static int fake_load(void *user, char *text, size_t capacity)
{
    struct machine *m = user;

    if (power_before(m))
        return LP_ERR_IO;
    if (m->load_error < 0)
        return m->load_error;
    if (m->journal_len > capacity)
        return LP_ERR_RANGE;
    memcpy(text, m->journal, m->journal_len);
    return power_after(m) ? LP_ERR_IO : (int)m->journal_len;
}

static int fake_save(void *user, const char *text, size_t len)
{
    struct machine *m = user;

    assert(len <= LP_JOURNAL_TEXT_MAX);
    if (power_before(m))
        return LP_ERR_IO;
    if (m->save_error < 0 && !m->save_took)
        return m->save_error;
    memcpy(m->journal, text, len);
    m->journal_len = len;
    append(m->log, sizeof(m->log), "save;", "");
    return power_after(m) ? LP_ERR_IO : m->save_error;
}

void machine_init(struct machine *m)
{
    memset(m, 0, sizeof(*m));
    for (size_t i = 0; i < MACHINE_SETTINGS; i++) {
        m->setting[i].setting = originals[i].setting;
        m->setting[i].original = originals[i].value;
        strcpy(m->setting[i].value, originals[i].value);
    }
    m->backend = (struct lp_settings_backend){fake_get, fake_set, fake_valid, m};
    m->store = (struct lp_journal_store){fake_load, fake_save, m};
}

void machine_restart(struct machine *m)
{
    m->off = false;
    m->step = 0;
    m->cut = CUT_NEVER;
    m->log[0] = '\0';
    m->report[0] = '\0';
}

void machine_cut_at(struct machine *m, enum machine_cut cut, unsigned step, bool jumps)
{
    m->cut = cut;
    m->cut_step = step;
    m->step = 0;
    m->jumps = jumps;
}

struct machine_setting *machine_find(struct machine *m, enum lp_setting_kind kind)
{
    for (size_t i = 0; i < MACHINE_SETTINGS; i++) {
        if (m->setting[i].setting.kind == kind)
            return &m->setting[i];
    }
    abort();
}

void machine_meddle(struct machine *m, enum lp_setting_kind kind, const char *value)
{
    struct machine_setting *s = machine_find(m, kind);

    strcpy(s->value, value);
    s->strangers = s->touched = true;
}

void machine_report(void *user, const char *sentence)
{
    struct machine *m = user;

    append(m->report, sizeof(m->report), sentence, "\n");
}

bool machine_journal_has(const struct machine *m, const char *text)
{
    size_t len = strlen(text);

    for (size_t i = 0; i + len <= m->journal_len; i++) {
        if (memcmp(m->journal + i, text, len) == 0)
            return true;
    }
    return false;
}

void machine_write_journal(struct machine *m, const struct lp_scope_entry entries[],
                           unsigned count)
{
    int len = lp_journal_format(entries, count, m->journal, sizeof(m->journal));

    assert(len > 0);
    m->journal_len = (size_t)len;
}
