#include "apps/common/options.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "apps/common/log.h"
#include "diag/text.h"

#define HELP_COLUMN 30
#define HELP_WIDTH  92

/* ---- values ---- */

static bool parse_number(const struct lp_option *option, const char *text, uint64_t *ret_value)
{
    uint64_t unit = 1;
    char *end;

    if (!isdigit((unsigned char)text[0]))
        return false;
    errno = 0;
    *ret_value = strtoull(text, &end, 10);
    if (errno != 0)
        return false;
    if (option->kind == LP_OPTION_BYTES && end[0] != '\0' && end[1] == '\0') {
        const char *suffix = strchr("KMG", toupper((unsigned char)end[0]));

        if (suffix == NULL)
            return false;
        unit = UINT64_C(1) << 10 * (suffix - "KMG" + 1);
        end++;
    }
    if (*end != '\0' || *ret_value > UINT64_MAX / unit)
        return false;
    *ret_value *= unit;
    return *ret_value >= option->min && *ret_value <= option->max;
}

static bool is_choice(const char *choices, const char *text)
{
    size_t len = strlen(text);

    for (const char *at = choices; *at != '\0'; at += *at == '|') {
        size_t word = strcspn(at, "|");

        if (word == len && memcmp(at, text, len) == 0)
            return true;
        at += word;
    }
    return false;
}

/* What a person typed, in an error line: escaped, cut when it is long. */
static const char *quoted(const char *text, char buffer[64])
{
    struct lp_text t;

    lp_text_init(&t, buffer, 64);
    lp_text_value(&t, text);
    return buffer;
}

static bool set_value(const struct lp_option *option, const char *text, void *values,
                      char why[LP_OPTION_WHY_LEN])
{
    void *at = (char *)values + option->offset;
    struct lp_option_list *list = at;
    char shown[64];

    switch (option->kind) {
    case LP_OPTION_FLAG:
        *(bool *)at = true;
        return true;
    case LP_OPTION_STRING:
        *(const char **)at = text;
        return true;
    case LP_OPTION_LIST:
        if (list->count >= LP_OPTION_LIST_MAX) {
            snprintf(why, LP_OPTION_WHY_LEN, "--%s can be given %d times at most", option->name,
                     LP_OPTION_LIST_MAX);
            return false;
        }
        list->value[list->count++] = text;
        return true;
    case LP_OPTION_CHOICE:
        if (is_choice(option->argument, text)) {
            *(const char **)at = text;
            return true;
        }
        snprintf(why, LP_OPTION_WHY_LEN, "--%s %s: must be one of %s", option->name,
                 quoted(text, shown), option->argument);
        return false;
    case LP_OPTION_NUMBER:
    case LP_OPTION_BYTES:
        if (parse_number(option, text, at))
            return true;
        snprintf(why, LP_OPTION_WHY_LEN,
                 "--%s %s: must be a number from %" PRIu64 " to %" PRIu64 "%s", option->name,
                 quoted(text, shown), option->min, option->max,
                 option->kind == LP_OPTION_BYTES ? " (K, M or G may follow)" : "");
        return false;
    }
    return false;
}

/* ---- parsing ---- */

static const struct lp_option *find_option(const struct lp_program *program, const char *name,
                                           size_t len)
{
    for (size_t i = 0; i < program->option_count; i++) {
        const struct lp_option *option = &program->options[i];

        if ((strncmp(option->name, name, len) == 0 && option->name[len] == '\0') ||
            (option->alias != NULL && strncmp(option->alias, name, len) == 0 &&
             option->alias[len] == '\0'))
            return option;
    }
    return NULL;
}

static bool print_and_done(const struct lp_program *program, const char *argument)
{
    if (strcmp(argument, "--help") == 0 || strcmp(argument, "-h") == 0)
        lp_options_print_help(program, stdout);
    else if (strcmp(argument, "--version") == 0)
        printf("%s %s\n", program->name, LP_VERSION);
    else if (strcmp(argument, "--man") == 0)
        lp_options_print_man(program, stdout);
    else
        return false;
    return true;
}

/* One option at argv[*i], with its value after '=' or in the next argument. */
static bool take_option(const struct lp_program *program, int argc, char **argv, int *i,
                        bool given[], void *values, char why[LP_OPTION_WHY_LEN])
{
    const char *name = argv[*i] + 2;
    const char *equals = strchr(name, '=');
    size_t len = equals != NULL ? (size_t)(equals - name) : strlen(name);
    const struct lp_option *option = find_option(program, name, len);
    const char *value = equals != NULL ? equals + 1 : NULL;
    char shown[64];

    if (option == NULL) {
        snprintf(why, LP_OPTION_WHY_LEN, "unknown option %s (--help lists them all)",
                 quoted(argv[*i], shown));
        return false;
    }
    if (option->kind == LP_OPTION_FLAG && value != NULL) {
        snprintf(why, LP_OPTION_WHY_LEN, "--%s takes no value", option->name);
        return false;
    }
    if (option->kind != LP_OPTION_FLAG && value == NULL) {
        if (*i + 1 >= argc || strncmp(argv[*i + 1], "--", 2) == 0) {
            snprintf(why, LP_OPTION_WHY_LEN, "--%s needs a value: --%s %s", option->name,
                     option->name, option->argument);
            return false;
        }
        value = argv[++*i];
    }
    if (given[option - program->options] && option->kind != LP_OPTION_LIST) {
        snprintf(why, LP_OPTION_WHY_LEN, "--%s is given twice", option->name);
        return false;
    }
    given[option - program->options] = true;
    return set_value(option, value, values, why);
}

enum lp_options_result lp_options_parse(const struct lp_program *program, int argc, char **argv,
                                        void *values, char why[LP_OPTION_WHY_LEN])
{
    bool given[64] = {false};
    char shown[64];

    for (int i = 1; i < argc; i++) {
        if (print_and_done(program, argv[i]))
            return LP_OPTIONS_DONE;
    }
    for (int i = 1; i < argc; i++) {
        if (strncmp(argv[i], "--", 2) != 0) {
            snprintf(why, LP_OPTION_WHY_LEN, "unexpected argument %s (options begin with --)",
                     quoted(argv[i], shown));
            return LP_OPTIONS_WRONG;
        }
        if (!take_option(program, argc, argv, &i, given, values, why))
            return LP_OPTIONS_WRONG;
    }
    for (size_t i = 0; i < program->option_count; i++) {
        if (program->options[i].alone && given[i])
            return LP_OPTIONS_RUN;
    }
    for (size_t i = 0; i < program->option_count; i++) {
        const struct lp_option *option = &program->options[i];

        if (option->required && !given[i]) {
            snprintf(why, LP_OPTION_WHY_LEN, "--%s %s is missing (see --help)", option->name,
                     option->argument);
            return LP_OPTIONS_WRONG;
        }
    }
    return LP_OPTIONS_RUN;
}

bool lp_options_begin(const struct lp_program *program, int argc, char **argv, void *values,
                      enum lp_exit *ret_status)
{
    char why[LP_OPTION_WHY_LEN];

    switch (lp_options_parse(program, argc, argv, values, why)) {
    case LP_OPTIONS_DONE:
        *ret_status = LP_EXIT_OK;
        return false;
    case LP_OPTIONS_WRONG:
        lp_log_sentence(LP_LOG_ERROR, "", why);
        *ret_status = LP_EXIT_USAGE;
        return false;
    case LP_OPTIONS_RUN:
        break;
    }
    return true;
}

/* ---- help and man page ---- */

/* Text in lines of at most HELP_WIDTH, from `column` on; the first line is there already. */
static void print_wrapped(FILE *out, const char *text, int column)
{
    int at = column;

    while (*text != '\0') {
        int word = (int)strcspn(text, " ");

        if (at > column && at + 1 + word > HELP_WIDTH) {
            fprintf(out, "\n%*s", column, "");
            at = column;
        }
        at += fprintf(out, "%s%.*s", at > column ? " " : "", word, text);
        text += word;
        text += strspn(text, " ");
    }
    fputc('\n', out);
}

static void print_option(const struct lp_option *option, FILE *out)
{
    int len = fprintf(out, "  --%s%s%s", option->name, option->argument != NULL ? " " : "",
                      option->argument != NULL ? option->argument : "");

    if (len >= HELP_COLUMN)
        fprintf(out, "\n%*s", HELP_COLUMN, "");
    else
        fprintf(out, "%*s", HELP_COLUMN - len, "");
    print_wrapped(out, option->help, HELP_COLUMN);
    if (option->alias != NULL)
        fprintf(out, "%*sthe same: --%s\n", HELP_COLUMN, "", option->alias);
}

static const struct lp_option common_options[] = {
    {.name = "help", .help = "print this and exit"},
    {.name = "version", .help = "print the version and exit"},
};

void lp_options_print_help(const struct lp_program *program, FILE *out)
{
    fprintf(out, "%s: %s\n\nUsage: %s", program->name, program->summary, program->name);
    for (size_t i = 0; i < program->option_count; i++) {
        if (program->options[i].required)
            fprintf(out, " --%s %s", program->options[i].name, program->options[i].argument);
    }
    fputs(" [options]\n\n", out);
    print_wrapped(out, program->description, 0);
    fprintf(out, "\nOptions:\n");
    for (size_t i = 0; i < program->option_count; i++)
        print_option(&program->options[i], out);
    for (size_t i = 0; i < sizeof(common_options) / sizeof(common_options[0]); i++)
        print_option(&common_options[i], out);
    fprintf(out, "\nExit status:\n");
#define X(name, status, meaning) fprintf(out, "  %d  %s\n", status, meaning);
    LP_EXIT_TABLE(X)
#undef X
    fprintf(out, "\nExample:\n%s", program->example);
}

/* roff: a hyphen that may be copied is \-, and no line of text may begin with a dot or quote.
 */
static void man_text(FILE *out, const char *text)
{
    for (bool line_start = true; *text != '\0'; text++) {
        if (line_start && (*text == '.' || *text == '\''))
            fputs("\\&", out);
        if (*text == '-' || *text == '\\')
            fputc('\\', out);
        fputc(*text == '\\' ? 'e' : *text, out);
        line_start = *text == '\n';
    }
}

static void man_option_name(FILE *out, const struct lp_option *option)
{
    fputs("\\fB\\-\\-", out);
    man_text(out, option->name);
    fputs("\\fR", out);
    if (option->argument != NULL) {
        fputs(" \\fI", out);
        man_text(out, option->argument);
        fputs("\\fR", out);
    }
    fputc('\n', out);
}

static void man_option(FILE *out, const struct lp_option *option)
{
    fputs(".TP\n", out);
    man_option_name(out, option);
    man_text(out, option->help);
    fputs(".\n", out);
    if (option->alias != NULL) {
        fputs("The same: \\fB\\-\\-", out);
        man_text(out, option->alias);
        fputs("\\fR.\n", out);
    }
}

void lp_options_print_man(const struct lp_program *program, FILE *out)
{
    fprintf(out, ".TH %s 1 \"\" \"SoftLAN %s\" \"SoftLAN\"\n.SH NAME\n", program->name,
            LP_VERSION);
    man_text(out, program->name);
    fputs(" \\- ", out);
    man_text(out, program->summary);
    fprintf(out, "\n.SH SYNOPSIS\n.B %s\n", program->name);
    for (size_t i = 0; i < program->option_count; i++) {
        if (program->options[i].required)
            man_option_name(out, &program->options[i]);
    }
    fputs("[\\fIoptions\\fR]\n.SH DESCRIPTION\n", out);
    man_text(out, program->description);
    fputs("\n.SH OPTIONS\n", out);
    for (size_t i = 0; i < program->option_count; i++)
        man_option(out, &program->options[i]);
    for (size_t i = 0; i < sizeof(common_options) / sizeof(common_options[0]); i++)
        man_option(out, &common_options[i]);
    fputs(".SH EXIT STATUS\n", out);
#define X(name, status, meaning) fprintf(out, ".TP\n%d\n%s.\n", status, meaning);
    LP_EXIT_TABLE(X)
#undef X
    fputs(".SH EXAMPLE\n.nf\n", out);
    man_text(out, program->example);
    fputs(".fi\n", out);
}
