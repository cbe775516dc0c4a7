/*
 * Command lines from a table: one row is the option's name, how it is parsed, where its value
 * goes and what --help and the man page say.
 *
 * Strings are borrowed from argv. A wrong command line gives one sentence that names the option
 * and what it takes.
 */
#ifndef LP_APPS_COMMON_OPTIONS_H
#define LP_APPS_COMMON_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "apps/common/exit.h"

#define LP_OPTION_WHY_LEN  256
#define LP_OPTION_LIST_MAX 8

enum lp_option_kind {
    LP_OPTION_FLAG,   /* bool */
    LP_OPTION_STRING, /* const char * */
    LP_OPTION_LIST,   /* struct lp_option_list: may be given several times */
    LP_OPTION_NUMBER, /* uint64_t between min and max */
    LP_OPTION_BYTES,  /* uint64_t, with suffix K, M or G (powers of 1024) */
    LP_OPTION_CHOICE, /* const char *, one of the words in `argument` ("text|json") */
};

struct lp_option_list {
    const char *value[LP_OPTION_LIST_MAX];
    unsigned count;
};

struct lp_option {
    const char *name;     /* without dashes */
    const char *alias;    /* another name, NULL */
    const char *argument; /* "FILE"; NULL for a flag */
    enum lp_option_kind kind;
    size_t offset;     /* of the value in the program's options struct */
    uint64_t min, max; /* numbers */
    bool required;
    bool alone;       /* a flag that asks for something else: nothing is required beside it */
    const char *help; /* a sentence without its full stop; defaults are said here */
};

struct lp_program {
    const char *name;
    const char *summary;     /* one line */
    const char *description; /* paragraphs, for help and man page */
    const char *example;     /* command lines, one a line */
    const struct lp_option *options;
    size_t option_count;
};

enum lp_options_result {
    LP_OPTIONS_RUN = 0,
    LP_OPTIONS_DONE,  /* --help, --version or --man was printed to stdout */
    LP_OPTIONS_WRONG, /* `why` says what */
};

/* Fills `values`, which holds the defaults before. --help, --version and --man are known to
 * all. */
enum lp_options_result lp_options_parse(const struct lp_program *program, int argc, char **argv,
                                        void *values, char why[LP_OPTION_WHY_LEN]);

/*
 * How main() begins: parses, and says what is wrong. True: go on; false: end with *ret_status.
 */
bool lp_options_begin(const struct lp_program *program, int argc, char **argv, void *values,
                      enum lp_exit *ret_status);

void lp_options_print_help(const struct lp_program *program, FILE *out);
void lp_options_print_man(const struct lp_program *program, FILE *out);

#endif
