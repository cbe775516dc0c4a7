/* A reader that is slow loses lines, one that goes is noticed, and nothing ever waits. */
#include "bed.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "apps/common/output.h"

#define LINE_LEN 6000 /* more than PIPE_BUF */

struct pair {
    int reader;
    struct lp_output output;
};

static void open_pair(struct pair *pair)
{
    int fds[2];

    assert_int_equal(pipe(fds), 0);
    fcntl(fds[0], F_SETFL, O_NONBLOCK);
    pair->reader = fds[0];
    lp_output_init(&pair->output, fds[1]);
}

static void close_pair(struct pair *pair)
{
    lp_output_deinit(&pair->output);
    close(pair->output.fd);
    if (pair->reader >= 0)
        close(pair->reader);
}

static void make_line(char line[LINE_LEN], unsigned number)
{
    memset(line, 'a' + (int)(number % 26), LINE_LEN);
    snprintf(line, 16, "%08u", number);
    line[8] = ' ';
}

/* Takes what is there; whole lines are counted and must be the ones that were written. */
static unsigned take(const struct pair *pair, char *text, size_t *len, size_t space)
{
    unsigned lines = 0;
    ssize_t got;

    while (*len < space && (got = read(pair->reader, text + *len, space - *len)) > 0)
        *len += (size_t)got;
    for (size_t i = 0; i < *len; i++)
        lines += text[i] == '\n';
    return lines;
}

static void lines_arrive(void **state)
{
    char text[64] = "";
    struct pair pair;
    size_t len = 0;

    (void)state;
    open_pair(&pair);
    assert_true(lp_output_line(&pair.output, "one", 3));
    assert_true(lp_output_line(&pair.output, "", 0));
    assert_true(lp_output_line(&pair.output, "three", 5));
    take(&pair, text, &len, sizeof(text) - 1);
    assert_string_equal(text, "one\n\nthree\n");
    assert_int_equal(pair.output.lost, 0);
    close_pair(&pair);
}

static void a_slow_reader_loses_whole_lines(void **state)
{
    static char text[1 << 20];
    char line[LINE_LEN];
    struct pair pair;
    unsigned lines, whole = 0;
    size_t len = 0;

    (void)state;
    open_pair(&pair);
    /* a pipe has an even number of pages, a long line takes two: one of them will be torn */
    assert_true(lp_output_line(&pair.output, "x", 1));
    for (unsigned i = 0; i < 50; i++) { /* 300 KB: more than a pipe holds */
        make_line(line, i);
        assert_true(lp_output_line(&pair.output, line, LINE_LEN));
    }
    assert_in_range(pair.output.lost, 30, 45);
    assert_int_equal(pair.output.rest_len, LINE_LEN + 1 - 4096);
    take(&pair, text, &len, sizeof(text));
    assert_true(lp_output_flush(&pair.output));
    make_line(line, 99);
    assert_true(lp_output_line(&pair.output, line, LINE_LEN));
    lines = take(&pair, text, &len, sizeof(text));
    assert_int_equal(lines, 52 - pair.output.lost);
    assert_memory_equal(text, "x\n", 2);
    for (size_t at = 2; at < len; at += LINE_LEN + 1, whole++) {
        unsigned number;

        assert_int_equal(sscanf(text + at, "%8u", &number), 1);
        make_line(line, number);
        assert_memory_equal(text + at, line, LINE_LEN);
        assert_int_equal(text[at + LINE_LEN], '\n');
    }
    assert_int_equal(whole, lines - 1);
    close_pair(&pair);
}

static void a_reader_that_went(void **state)
{
    struct pair pair;

    (void)state;
    open_pair(&pair);
    assert_true(lp_output_line(&pair.output, "one", 3));
    close(pair.reader);
    pair.reader = -1;
    assert_false(lp_output_line(&pair.output, "two", 3)); /* and no SIGPIPE */
    assert_true(pair.output.closed);
    assert_false(lp_output_line(&pair.output, "three", 5));
    assert_false(lp_output_flush(&pair.output));
    close_pair(&pair);
}

static void a_reader_that_went_in_the_middle_of_a_line(void **state)
{
    char line[LINE_LEN];
    struct pair pair;

    (void)state;
    open_pair(&pair);
    memset(line, 'x', sizeof(line));
    assert_true(lp_output_line(&pair.output, "x", 1));
    for (unsigned i = 0; i < 50 && pair.output.rest_len == 0; i++)
        assert_true(lp_output_line(&pair.output, line, sizeof(line)));
    assert_int_equal(pair.output.rest_len, LINE_LEN + 1 - 4096);
    close(pair.reader);
    pair.reader = -1;
    assert_false(lp_output_flush(&pair.output));
    close_pair(&pair);
}

static void a_full_disk_loses_lines_only(void **state)
{
    struct lp_output output;
    int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);

    (void)state;
    assert_true(fd >= 0);
    lp_output_init(&output, fd);
    assert_true(lp_output_line(&output, "one", 3));
    assert_true(lp_output_line(&output, "two", 3));
    assert_int_equal(output.lost, 2);
    assert_false(output.closed);
    lp_output_deinit(&output);
    close(fd);
}

static void closed_from_the_start(void **state)
{
    struct lp_output output;

    (void)state;
    lp_output_init(&output, 999); /* `>&-` */
    assert_false(lp_output_line(&output, "one", 3));
    lp_output_deinit(&output);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_arrive),
        cmocka_unit_test(a_slow_reader_loses_whole_lines),
        cmocka_unit_test(a_reader_that_went),
        cmocka_unit_test(a_reader_that_went_in_the_middle_of_a_line),
        cmocka_unit_test(a_full_disk_loses_lines_only),
        cmocka_unit_test(closed_from_the_start),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
