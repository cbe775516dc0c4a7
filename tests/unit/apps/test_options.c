/* Command lines from a table. */
#include "bed.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "apps/common/exit.h"
#include "apps/common/options.h"

struct values {
    bool flag;
    const char *string;
    struct lp_option_list list;
    uint64_t number;
    uint64_t bytes;
    const char *choice;
};

#define AT(field) offsetof(struct values, field)

static const struct lp_option options[] = {
    {.name = "flag", .kind = LP_OPTION_FLAG, .offset = AT(flag), .help = "a flag"},
    {.name = "string",
     .alias = "other-name",
     .argument = "TEXT",
     .kind = LP_OPTION_STRING,
     .required = true,
     .offset = AT(string),
     .help = "a string"},
    {.name = "list",
     .argument = "ITEM",
     .kind = LP_OPTION_LIST,
     .offset = AT(list),
     .help = "a list"},
    {.name = "number",
     .argument = "N",
     .kind = LP_OPTION_NUMBER,
     .min = 10,
     .max = 1000,
     .offset = AT(number),
     .help = "a number"},
    {.name = "bytes",
     .argument = "BYTES",
     .kind = LP_OPTION_BYTES,
     .min = 0,
     .max = UINT64_MAX,
     .offset = AT(bytes),
     .help = "octets with a help that is so long that it has to go over several lines of at "
             "most ninety-two columns each, whatever the words are"},
    {.name = "choice",
     .argument = "text|json",
     .kind = LP_OPTION_CHOICE,
     .offset = AT(choice),
     .help = ".begins with a dot, and has a back\\slash"},
};

static const struct lp_program program = {
    .name = "lanparty-test",
    .summary = "is tested",
    .description = "A description.",
    .example = "  lanparty-test --string x\n'quoted' at the start of a line\n",
    .options = options,
    .option_count = sizeof(options) / sizeof(options[0]),
};

static struct values values;
static char why[LP_OPTION_WHY_LEN];

/* Arguments up to a NULL. */
static enum lp_options_result parse(const char *first, ...)
{
    char *argv[32] = {"lanparty-test"};
    int argc = 1;
    va_list list;

    va_start(list, first);
    for (const char *text = first; text != NULL; text = va_arg(list, const char *))
        argv[argc++] = (char *)(uintptr_t)text;
    va_end(list);
    memset(&values, 0, sizeof(values));
    values.number = 77;
    why[0] = '\0';
    return lp_options_parse(&program, argc, argv, &values, why);
}

#define assert_run(...)                                                                        \
    do {                                                                                       \
        if (parse(__VA_ARGS__, NULL) != LP_OPTIONS_RUN)                                        \
            fail_msg("%s", why);                                                               \
    } while (0)
#define assert_wrong(sentence, ...)                                                            \
    do {                                                                                       \
        assert_int_equal(parse(__VA_ARGS__, NULL), LP_OPTIONS_WRONG);                          \
        assert_string_equal(why, sentence);                                                    \
    } while (0)

static void every_kind(void **state)
{
    (void)state;
    assert_run("--flag", "--string", "a b", "--list", "1", "--list=2", "--number", "10",
               "--bytes", "3K", "--choice", "json");
    assert_true(values.flag);
    assert_string_equal(values.string, "a b");
    assert_int_equal(values.list.count, 2);
    assert_string_equal(values.list.value[0], "1");
    assert_string_equal(values.list.value[1], "2");
    assert_int_equal(values.number, 10);
    assert_int_equal(values.bytes, 3072);
    assert_string_equal(values.choice, "json");
}

static void what_is_not_given_keeps_its_default(void **state)
{
    (void)state;
    assert_run("--string", "x");
    assert_false(values.flag);
    assert_int_equal(values.number, 77);
    assert_null(values.choice);
}

static void value_behind_an_equals_sign(void **state)
{
    (void)state;
    assert_run("--string=a=b", "--number=1000");
    assert_string_equal(values.string, "a=b");
    assert_int_equal(values.number, 1000);
    assert_run("--string=");
    assert_string_equal(values.string, "");
    assert_run("--string=--flag");
    assert_string_equal(values.string, "--flag");
    assert_false(values.flag);
    assert_run("--string", "-1");
    assert_string_equal(values.string, "-1");
}

static void another_name(void **state)
{
    (void)state;
    assert_run("--other-name", "x");
    assert_string_equal(values.string, "x");
    assert_run("--other-name=y");
    assert_string_equal(values.string, "y");
    assert_wrong("--string is given twice", "--string", "x", "--other-name", "y");
}

static void numbers_and_their_bounds(void **state)
{
    static const char *const bad[] = {
        "9",   "1001", "-10", "+10", " 10", "10 ",  "0x10",
        "1e2", "10.0", "",    "x",   "10K", "10,0", "18446744073709551626"};

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(parse("--string=x", "--number", bad[i], NULL), LP_OPTIONS_WRONG);
        assert_non_null(strstr(why, "must be a number from 10 to 1000"));
    }
    assert_wrong("--number 9: must be a number from 10 to 1000", "--string=x", "--number", "9");
}

static void suffixes(void **state)
{
    static const struct {
        const char *text;
        uint64_t value;
    } good[] = {
        {"0", 0},
        {"1k", 1024},
        {"2M", 2 << 20},
        {"2m", 2 << 20},
        {"1G", 1 << 30},
        {"18446744073709551615", UINT64_MAX},
        {"17179869183G", UINT64_C(17179869183) << 30},
    };
    static const char *const bad[] = {
        "K", "1KB", "1KK", "1T", "1 K", "17179869184G", "18446744073709551616", "-1K"};

    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        assert_run("--string=x", "--bytes", good[i].text);
        assert_int_equal(values.bytes, good[i].value);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(parse("--string=x", "--bytes", bad[i], NULL), LP_OPTIONS_WRONG);
        assert_non_null(strstr(why, "(K, M or G may follow)"));
    }
}

static void choices(void **state)
{
    static const char *const bad[] = {"", "tex", "texts", "TEXT", "text|json", "|", "json|"};

    (void)state;
    assert_run("--string=x", "--choice=text");
    assert_string_equal(values.choice, "text");
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(parse("--string=x", "--choice", bad[i], NULL), LP_OPTIONS_WRONG);
        assert_non_null(strstr(why, "must be one of text|json"));
    }
}

static void wrong_command_lines(void **state)
{
    (void)state;
    assert_wrong("--string TEXT is missing (see --help)", "--flag");
    assert_wrong("--string needs a value: --string TEXT", "--string");
    assert_wrong("--string needs a value: --string TEXT", "--string", "--flag");
    assert_wrong("--flag takes no value", "--flag=1");
    assert_wrong("--flag is given twice", "--flag", "--flag");
    assert_wrong("--number is given twice", "--number=10", "--number=10");
    assert_wrong("unexpected argument x (options begin with --)", "x");
    assert_wrong("unexpected argument \"\" (options begin with --)", "");
    assert_wrong("unexpected argument -f (options begin with --)", "-f");
    assert_wrong("unknown option --unknown (--help lists them all)", "--unknown");
    assert_wrong("unknown option --str (--help lists them all)", "--str", "x");
    assert_wrong("unknown option --stringx (--help lists them all)", "--stringx", "x");
    assert_wrong("unknown option -- (--help lists them all)", "--");
    assert_wrong("unknown option \"--=x\" (--help lists them all)", "--=x");
}

static void a_list_has_a_bound(void **state)
{
    (void)state;
    assert_run("--string=x", "--list=1", "--list=2", "--list=3", "--list=4", "--list=5",
               "--list=6", "--list=7", "--list=8");
    assert_int_equal(values.list.count, LP_OPTION_LIST_MAX);
    assert_wrong("--list can be given 8 times at most", "--string=x", "--list=1", "--list=2",
                 "--list=3", "--list=4", "--list=5", "--list=6", "--list=7", "--list=8",
                 "--list=9");
}

static void hostile_text_in_an_error(void **state)
{
    static const char bad[] = "\n\x1b[31m\"\xff";
    char long_text[3000];

    (void)state;
    assert_wrong("--number \"\\x0a\\x1b[31m\\\"\\xff\": must be a number from 10 to 1000",
                 "--string=x", "--number", bad);
    assert_wrong("unexpected argument \"\\x0a\\x1b[31m\\\"\\xff\" (options begin with --)",
                 bad);
    assert_wrong("unknown option \"--\\x0a\" (--help lists them all)", "--\n");
    memset(long_text, 0x1b, sizeof(long_text) - 1);
    long_text[sizeof(long_text) - 1] = '\0';
    assert_int_equal(parse(long_text, NULL), LP_OPTIONS_WRONG);
    assert_true(strlen(why) < 128);
    assert_null(strchr(why, 0x1b));
}

/* ---- help and man page ---- */

static char *printed(void (*print)(const struct lp_program *, FILE *))
{
    char *text = NULL;
    size_t len;
    FILE *out = open_memstream(&text, &len);

    print(&program, out);
    fclose(out);
    return text;
}

static void help_tells_every_option(void **state)
{
    char *text = printed(lp_options_print_help);
    char row[64];

    (void)state;
    for (size_t i = 0; i < program.option_count; i++) {
        snprintf(row, sizeof(row), "\n  --%s%s%s ", options[i].name,
                 options[i].argument != NULL ? " " : "",
                 options[i].argument != NULL ? options[i].argument : "");
        if (strstr(text, row) == NULL)
            fail_msg("not in the help: %s", row);
    }
    assert_non_null(strstr(text, "\n  --help "));
    assert_non_null(strstr(text, "\n  --version "));
    assert_non_null(strstr(text, "the same: --other-name\n"));
    assert_non_null(strstr(text, "Usage: lanparty-test --string TEXT [options]\n"));
#define X(name, status, meaning)                                                               \
    assert_non_null(strstr(text, "\n  " #status "  " meaning "\n"));
    LP_EXIT_TABLE(X)
#undef X
    for (const char *line = text; *line != '\0'; line += strcspn(line, "\n") + 1)
        assert_in_range(strcspn(line, "\n"), 0, 92);
    free(text);
}

static void man_page_tells_every_option(void **state)
{
    char *text = printed(lp_options_print_man);
    char row[64];

    (void)state;
    for (size_t i = 0; i < program.option_count; i++) {
        if (strchr(options[i].name, '-') != NULL)
            continue;
        snprintf(row, sizeof(row), "\n.TP\n\\fB\\-\\-%s\\fR", options[i].name);
        if (strstr(text, row) == NULL)
            fail_msg("not in the man page: %s", row);
    }
    assert_non_null(strstr(text, "The same: \\fB\\-\\-other\\-name\\fR.\n"));
    assert_non_null(strstr(text, "\n\\&.begins with a dot, and has a back\\eslash.\n"));
    assert_non_null(strstr(text, "\n\\&'quoted' at the start of a line\n"));
#define X(name, status, meaning)                                                               \
    assert_non_null(strstr(text, ".TP\n" #status "\n" meaning ".\n"));
    LP_EXIT_TABLE(X)
#undef X
    free(text);
}

static void what_every_program_knows(void **state)
{
    static const char *const asks[] = {"--help", "-h", "--version", "--man"};
    static const char *const says[] = {"Usage: lanparty-test", "Usage: lanparty-test",
                                       "lanparty-test " LP_VERSION "\n", ".TH lanparty-test 1"};

    (void)state;
    for (size_t i = 0; i < sizeof(asks) / sizeof(asks[0]); i++) {
        enum lp_options_result result;
        const char *text;

        bed_capture(STDOUT_FILENO);
        result = parse("--wrong", asks[i], NULL); /* even beside a mistake */
        text = bed_captured();
        assert_int_equal(result, LP_OPTIONS_DONE);
        assert_non_null(strstr(text, says[i]));
    }
}

/* Run says nothing, done prints and ends well, wrong is one error line and a usage error. */
static void how_main_begins(void **state)
{
    static const struct {
        const char *argument;
        bool goes_on;
        enum lp_exit status;
        int fd;
        const char *says;
    } cases[] = {
        {"--string=x", true, LP_EXIT_TRUST, STDERR_FILENO, NULL},
        {"--help", false, LP_EXIT_OK, STDOUT_FILENO, "Usage: lanparty-test"},
        {"--wrong", false, LP_EXIT_USAGE, STDERR_FILENO, " error: unknown option --wrong"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char *argv[] = {"lanparty-test", (char *)(uintptr_t)cases[i].argument, NULL};
        enum lp_exit status = LP_EXIT_TRUST; /* written when it ends only */
        const char *text;
        bool goes_on;

        memset(&values, 0, sizeof(values));
        bed_capture(cases[i].fd);
        goes_on = lp_options_begin(&program, 2, argv, &values, &status);
        text = bed_captured();
        assert_int_equal(goes_on, cases[i].goes_on);
        assert_int_equal(status, cases[i].status);
        if (cases[i].says == NULL)
            assert_string_equal(text, "");
        else
            assert_non_null(strstr(text, cases[i].says));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind),
        cmocka_unit_test(what_is_not_given_keeps_its_default),
        cmocka_unit_test(value_behind_an_equals_sign),
        cmocka_unit_test(another_name),
        cmocka_unit_test(numbers_and_their_bounds),
        cmocka_unit_test(suffixes),
        cmocka_unit_test(choices),
        cmocka_unit_test(wrong_command_lines),
        cmocka_unit_test(a_list_has_a_bound),
        cmocka_unit_test(hostile_text_in_an_error),
        cmocka_unit_test(help_tells_every_option),
        cmocka_unit_test(man_page_tells_every_option),
        cmocka_unit_test(what_every_program_knows),
        cmocka_unit_test(how_main_begins),
    };

    return cmocka_run_group_tests(tests, bed_up, bed_down);
}
