#!/usr/bin/python3
"""
The man pages: groff formats them without a warning, and what a reader then sees has every section and every option.

    man.py PAGE...
"""

import re
import shutil
import subprocess
import sys
from pathlib import Path

from docs import options_of
from house import Tap

SECTIONS = ('NAME', 'SYNOPSIS', 'DESCRIPTION', 'OPTIONS', 'EXIT STATUS', 'EXAMPLE')
STATUSES = 6


def render(page: str):
    """(what a reader sees, what groff had to say)."""
    result = subprocess.run(['groff', '-man', '-Tutf8', '-ww', '-P-bcou', '-rLL=100n'], input=page,
                            capture_output=True, text=True, check=False, timeout=20)
    warnings = result.stderr.splitlines()
    if result.returncode != 0:
        warnings.append(f'groff ended with {result.returncode}')
    return result.stdout.replace('\u2010', '-').replace('\u2212', '-'), warnings


def check_page(name: str, page: str) -> list:
    seen, bad = render(page)
    bad = [f'{name}: {warning}' for warning in bad]
    bad += [f'{name}: no section {section}' for section in SECTIONS
            if not re.search(rf'^{section}$', seen, re.MULTILINE)]
    bad += [f'{name}: {option} is not to be seen' for option in sorted(options_of(page) - options_of(seen))]
    title = name.removesuffix('.1')
    if not re.search(rf'^ +{title} - \w', seen, re.MULTILINE):
        bad.append(f'{name}: no line with its name and what it is')
    statuses = seen.partition('\nEXIT STATUS\n')[2].partition('\nEXAMPLE\n')[0]
    if len(re.findall(r'^ +\d +\w', statuses, re.MULTILINE)) != STATUSES:
        bad.append(f'{name}: not {STATUSES} exit statuses')
    if '\\' in seen:
        bad.append(f'{name}: an escape is to be seen')
    return bad


def self_test(tap: Tap, page: str, name: str):
    tap.planted('unknown macro', check_page(name, page + '.XX\n'), 'XX')
    tap.planted('text that begins with a dot', check_page(name, page.replace('.SH OPTIONS\n', '.SH OPTIONS\n.oops x\n')),
                'oops')
    tap.planted('section that is missing', check_page(name, page.replace('.SH EXAMPLE', '.SH OTHER')), 'EXAMPLE')
    tap.planted('option in a comment', check_page(name, page + '.\\" \\-\\-hidden\n'), '--hidden is not')


def main():
    tap = Tap()
    if shutil.which('groff') is None:
        print('1..1\nok 1 - man pages # SKIP groff is not installed')
        return
    pages = {path.name: path.read_text(encoding='utf-8') for path in map(Path, sys.argv[1:])}
    for name, page in pages.items():
        tap.check(f'{name} can be read', check_page(name, page), f'{len(options_of(page))} options',
                  least=len(options_of(page)))
    name, page = next(iter(pages.items()))
    self_test(tap, page, name)
    tap.finish()


if __name__ == '__main__':
    main()
