#!/usr/bin/python3
"""
docs/windows.md lists what only a real Windows can show, each with its check of `--selftest` or "by hand": every check of
the table is in the page, every check of the page in the table, and nothing is without either.
"""

import re
from pathlib import Path

from house import Tap, read_text

TABLE = 'src/apps/client-win/selftest/table.h'
PAGE = 'docs/windows.md'
HEADING = 'Only a real Windows can show it'
BY_HAND = 'by hand'


def ids_of(table: str) -> list:
    rows = table.partition('#define LP_SELFTEST_TABLE(X)')[2]
    return re.findall(r'^ +X\([A-Z_]+, "([^"]+)"', rows, re.MULTILINE)


def rows_of(page: str) -> list:
    """(what, check, by hand) of each row below the heading."""
    section = re.split(r'^## ', page.partition(f'## {HEADING}\n')[2], flags=re.MULTILINE)[0]
    rows = [[cell.strip() for cell in line.strip('|').split('|')]
            for line in section.splitlines() if line.startswith('|')]
    return rows[2:]


def compare(table: str, page: str) -> list:
    ids, rows = ids_of(table), rows_of(page)
    said = [row[1].strip('`') for row in rows if row[1] != BY_HAND]
    bad = [f'{PAGE}: a row without three cells: {row}' for row in rows if len(row) != 3]
    bad += [f'{PAGE}: the check {name} is in no row' for name in ids if name not in said]
    bad += [f'{PAGE}: there is no check {name}' for name in said if name not in ids]
    bad += [f'{PAGE}: the check {name} has several rows' for name in sorted(set(said))
            if said.count(name) > 1]
    return bad + [f'{PAGE}: "{row[0]}" does not say how' for row in rows
                  if row[1] == BY_HAND and not row[-1]]


def self_test(tap: Tap):
    table = '#define LP_SELFTEST_TABLE(X) \\\n    X(A, "a-b", a) \\\n    X(C, "c", c)\n'
    page = f'## {HEADING}\n\n| w | s | h |\n|---|---|---|\n| x | `a-b` | |\n| y | `c` | z |\n'
    tap.clean('a page with all checks', compare(table, page + f'| v | {BY_HAND} | so |\n'))
    tap.planted('check without a row', compare(table + '    X(D, "d", d)\n', page), 'check d is in no row')
    tap.planted('row without a check', compare(table, page + '| v | `d` | |\n'), 'there is no check d')
    tap.planted('check with two rows', compare(table, page + '| v | `c` | |\n'), 'c has several rows')
    tap.planted('by hand and not how', compare(table, page + f'| v | {BY_HAND} | |\n'), 'not say how')
    tap.planted('other section', compare(table, page.replace(HEADING, 'Other')), 'a-b is in no row')


def main():
    tap = Tap()
    table, page = read_text(Path(TABLE)), read_text(Path(PAGE))
    tap.check('checks of the self-test and the page', compare(table, page),
              f'{len(ids_of(table))} checks, {len(rows_of(page))} rows', least=len(ids_of(table)))
    self_test(tap)
    tap.finish()


if __name__ == '__main__':
    main()
