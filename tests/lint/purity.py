#!/usr/bin/python3
"""
What the pure layers' libraries need from outside, by `nm`, against allowed-symbols.txt.

    purity.py --cc "CC ARGUMENT..." LAYER LIBRARY...
"""

import fnmatch
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from house import LAYERS, PURE, Tap

# What the compiler and the linker put in by themselves.
COMPILER = re.compile(r'__stack_chk_fail|_GLOBAL_OFFSET_TABLE_|__(popcount|clz|ctz|u?div|u?mod|mul)\w*')

# Each must be refused in every layer; the second is what a finding names.
PLANTED = (
    ('clock', '#include <time.h>\nlong f(void) { struct timespec t; return clock_gettime(CLOCK_MONOTONIC,'
              ' &t) + t.tv_nsec; }', 'clock_gettime'),
    ('socket', '#include <sys/socket.h>\nint f(void) { return socket(AF_INET, SOCK_DGRAM, 0); }',
     'socket'),
    ('file', '#include <stdio.h>\nvoid *f(void) { return fopen("x", "r"); }', 'fopen'),
    ('print', '#include <stdio.h>\nvoid f(int i) { printf("%d\\n", i); }', 'printf'),
    ('random', '#include <sys/random.h>\nlong f(void *p) { return (long)getrandom(p, 1, 0); }',
     'getrandom'),
    ('sleep', '#include <unistd.h>\nint f(void) { return usleep(1); }', 'usleep'),
    ('thread', '#include <pthread.h>\nint f(pthread_t *t, void *(*g)(void *)) { return pthread_create(t, 0,'
               ' g, 0); }', 'pthread_create'),
    ('environment', '#include <stdlib.h>\nchar *f(void) { return getenv("X"); }', 'getenv'),
    ('a layer above', 'int lp_driver_new(void);\nint f(void) { return lp_driver_new(); }',
     'lp_driver_new'),
)


def nm(library: str, *options) -> set:
    said = subprocess.run(['nm', *options, library], capture_output=True, text=True, check=True)
    found = set()
    for line in said.stdout.splitlines():
        words = line.split()
        if len(words) >= 2 and len(words[-2]) == 1:
            found.add(words[-1])
    return found


def undefined(library: str) -> set:
    return nm(library, '-u')


def defined(library: str) -> set:
    return nm(library, '--defined-only', '-g')


def read_allowed(text: str) -> dict:
    """{layer: (patterns, patterns taken back)}; each group counts its own ! only."""
    allowed = {layer: [] for layer in PURE}
    layers, seen = [], False
    for line in text.splitlines():
        if not line.strip() or line.startswith('#'):
            continue
        head = re.fullmatch(r'\[([\w ]+)\] (\S.*)', line)
        if head:
            layers, seen = head[1].split(), False
        elif not layers or not line.startswith(' ') or not set(layers) <= set(PURE):
            raise ValueError(f'allowed-symbols.txt: {line}')
        else:
            words = line.split()
            for layer in layers:
                if not seen:
                    allowed[layer].append(([], []))
                for word in words:
                    allowed[layer][-1][word[0] == '!'].append(word.lstrip('!'))
            seen = True
    return allowed


def plain_name(symbol: str) -> str:
    """Fortified and C23 forms are called what the source calls them."""
    symbol = symbol.split('@')[0]
    fortified = re.fullmatch(r'__(\w+)_chk', symbol)
    c23 = re.fullmatch(r'__isoc23_(\w+)', symbol)
    return fortified[1] if fortified else c23[1] if c23 else symbol


def refused(layer: str, needed: set, offered: set, allowed: dict) -> list:
    """The needed symbols that neither the layers below offer nor the list allows."""
    bad = []
    for symbol in sorted(needed - offered):
        name = plain_name(symbol)
        if COMPILER.fullmatch(symbol):
            continue
        if not any(any(fnmatch.fnmatchcase(name, p) for p in grants) and
                   not any(fnmatch.fnmatchcase(name, p) for p in takes)
                   for grants, takes in allowed[layer]):
            bad.append(f'{layer} needs {name}')
    return bad


def self_test(tap: Tap, compiler: list, allowed: dict):
    with tempfile.TemporaryDirectory() as scratch:
        source, target = Path(scratch, 'planted.c'), Path(scratch, 'planted.o')

        def compile_and_look(code):
            source.write_text(code + '\n', encoding='ascii')
            subprocess.run([*compiler, '-O2', '-w', '-c', str(source), '-o', str(target)], check=True)
            needed = undefined(str(target))
            return [finding for layer in PURE for finding in refused(layer, needed, set(), allowed)]

        for what, code, symbol in PLANTED:
            found = compile_and_look(code)
            missed = [layer for layer in PURE if f'{layer} needs {symbol}' not in found and
                      f'{layer} needs __{symbol}' not in found]
            tap.check(f'self-test, {what}', [f'{layer}: {symbol} is not found' for layer in missed],
                      f'{len(found)} found')
        tap.clean('octets and text', compile_and_look(
            '#include <stdio.h>\n#include <string.h>\nint f(char *p, size_t n, const char *s)'
            ' { memset(p, 1, n); return snprintf(p, n, "%s", s); }'))
    patterns = read_allowed('[transport] x\n    SSL_* !SSL_*_file\n')
    tap.planted('taken back from a *', refused('transport', {'SSL_use_PrivateKey_file'}, set(),
                                               patterns), 'transport needs SSL_use_PrivateKey_file')
    tap.clean('allowed by a *', refused('transport', {'SSL_new'}, set(), patterns))
    tap.planted('allowed elsewhere only', refused('core', {'SSL_new'}, set(), patterns),
                'core needs SSL_new')


def main():
    tap = Tap()
    if sys.argv[1:2] != ['--cc'] or len(sys.argv) < 5:
        sys.exit(__doc__.strip())
    compiler = sys.argv[2].split()
    libraries = dict(zip(sys.argv[3::2], sys.argv[4::2]))
    allowed = read_allowed(Path(__file__).with_name('allowed-symbols.txt').read_text(encoding='utf-8'))
    for layer, library in libraries.items():
        below = [libraries[name] for name in LAYERS[layer] | {layer} if name in libraries]
        offered = set().union(*map(defined, below))
        needed = undefined(library)
        tap.check(f'{layer} needs nothing from outside that it must not',
                  refused(layer, needed, offered, allowed),
                  f'{len(needed - offered)} symbols from outside', least=len(defined(library)))
    self_test(tap, compiler, allowed)
    tap.finish()


if __name__ == '__main__':
    main()
