#!/usr/bin/python3
"""
The texts: links lead somewhere, nothing of the machine that they were written on is in them, files stay short, and man
pages and command lines in the pages agree with what the programs say of their options.

    docs.py [PROGRAM...]      programs that know --help and --man
"""

import re
import subprocess
import sys
from pathlib import Path

from house import ROOT, Tap, project_files, read_text, read_texts

LINES_MAX = 600
# Files above the limit, and why they are not two files.
LONG_FILES = {
}

# In pieces, so that this file does not find itself.
FORBIDDEN = (
    ('a path of some machine', r'(?<![\w.}])/(?:wor' r'k|tm' r'p|home/\w+|roo' r't|Users/\w+)(?:/[\w.]|\b(?![\w.-]))'),
    ('how it was written', r'(?i)\b(?:session[ _-]lo' r'g|helper[ _-]sessio' r'n|sub-?agen' r't)s?\b'),
    ('an issue number', r'(?i)\bissue[ _-]?' r'(?:no\. ?|#)?\d|(?i:\bissue) ' r'#'),
)


# ---- links ----------------------------------------------------------------------------------------------------


def anchors(text: str) -> set:
    found = set()
    for title in re.findall(r'^#+ +(.+?) *#*$', text, re.MULTILINE):
        found.add(re.sub(r'[^\w\- ]', '', title.replace('`', '').lower()).replace(' ', '-'))
    return found


def links(text: str):
    """(line, target) outside of code."""
    text = re.sub(r'```.*?```|`[^`\n]*`', lambda m: re.sub(r'[^\n]', ' ', m[0]), text, flags=re.DOTALL)
    for match in re.finditer(r'\]\(<?([^)\s>]+)>?(?: "[^"]*")?\)|^\[[^\]]+\]: *(\S+)', text, re.MULTILINE):
        yield text.count('\n', 0, match.start()) + 1, match[1] or match[2]


def check_links(pages: dict, exists) -> list:
    bad = []
    for path, text in pages.items():
        for line, target in links(text):
            if re.match(r'[a-z][a-z0-9+.-]*:', target):
                continue
            name, _, anchor = target.partition('#')
            parts = [] if not name else [*Path(path).parent.parts]
            for part in Path(name).parts:
                if part == '..' and parts:
                    parts.pop()
                elif part != '.':
                    parts.append(part)
            there = '/'.join(parts) if name else path
            if name.startswith('/') or not (there in pages or exists(there)):
                bad.append(f'{path}:{line}: {target} leads nowhere')
            elif anchor and there in pages and anchor not in anchors(pages[there]):
                bad.append(f'{path}:{line}: {target}: no such heading')
    return bad


# ---- words ----------------------------------------------------------------------------------------------------


def mirror_hosts() -> list:
    """Hosts of this machine's own apt sources: none of them is the project's business."""
    hosts = set()
    for path in [Path('/etc/apt/sources.list'), *Path('/etc/apt').glob('sources.list.d/*')]:
        if path.is_file():
            text = path.read_text(encoding='utf-8', errors='replace')
            hosts |= set(re.findall(r'\w+://(?:[^/@\s]*@)?([\w.-]+)', text))
    return sorted(hosts - {'localhost'})


def check_words(texts: dict, hosts: list) -> list:
    rules = [(what, re.compile(pattern)) for what, pattern in FORBIDDEN]
    if hosts:
        rules.append(("a host of this machine's apt sources",
                      re.compile(rf'(?<![\w.-])(?:{"|".join(map(re.escape, hosts))})(?![\w-])')))
    bad = []
    for path, text in texts.items():
        for what, pattern in rules:
            for match in pattern.finditer(text):
                bad.append(f'{path}:{text.count(chr(10), 0, match.start()) + 1}: {what}')
    return bad


# ---- length ---------------------------------------------------------------------------------------------------


def check_length(texts: dict, listed: dict) -> list:
    lines = {path: text.count('\n') for path, text in texts.items()}
    bad = [f'{path}: {count} lines, {LINES_MAX} are enough'
           for path, count in lines.items() if count > LINES_MAX and path not in listed]
    return bad + [f'{path} is listed as long and is not'
                  for path in listed if lines.get(path, 0) <= LINES_MAX]


# ---- options --------------------------------------------------------------------------------------------------


def options_of(text: str) -> set:
    """Long options; a man page writes their hyphens as \-, between changes of the font."""
    text = re.sub(r'\\f\w', ' ', text).replace('\\-', '-')
    return set(re.findall(r'(?<![\w-])--[a-z][a-z0-9-]*[a-z0-9]', text))


def say(program: Path, option: str) -> str:
    said = subprocess.run([program, option], capture_output=True, text=True, check=False, timeout=10)
    return said.stdout if said.returncode == 0 else ''


def check_manual(name: str, said: str, page: str) -> list:
    said, written = options_of(said), options_of(page)
    bad = [] if said else [f'{name}: --help tells no options']
    bad += [f'{name}: {option} is not in its man page' for option in sorted(said - written)]
    return bad + [f'{name}: {option} of the man page is not in --help'
                  for option in sorted(written - said)]


def check_commands(pages: dict, known: dict) -> list:
    """Command lines and single options in code, against {program: its options}."""
    bad = []
    for path, text in pages.items():
        for match in re.finditer(r'`([^`\n]+)`|^    +((?:.*\\\n)*.*)', text, re.MULTILINE):
            code = match[1] or match[2]
            line = text.count('\n', 0, match.start()) + 1
            word = re.search(r'(?:^|[\s/])(lanparty-[a-z-]+)(?=\s)', code)
            if word and word[1] in known:
                allowed = known[word[1]]
            elif code.startswith('--'):
                allowed = set().union(*known.values())
            else:
                continue
            bad += [f'{path}:{line}: {option} is no option of {word[1] if word else "any program"}'
                    for option in sorted(options_of(code) - allowed)]
    return bad


# ---- self-test ------------------------------------------------------------------------------------------------


def self_test(tap: Tap):
    pages = {'README.md': '# The House\n[a](docs/b.md#part-two) `[x](y)` [w](https://example.org)\n',
             'docs/b.md': '## Part two\n[r](../README.md) [h](../README.md#the-house) [s](../src)\n'}

    def broken(text):
        return check_links({**pages, 'docs/c.md': text}, {'src'}.__contains__)

    tap.planted('dead link', broken('[x](nothing.md)\n'), 'nothing.md leads nowhere')
    tap.planted('link by reference', broken('see [x]\n\n[x]: gone.md\n'), 'docs/c.md:3: gone.md')
    tap.planted('dead anchor', broken('[x](b.md#part-three)\n'), 'no such heading')
    tap.planted('absolute link', broken('[x](/src)\n'), 'leads nowhere')
    tap.clean('good links', broken('nothing'))

    def said(text):
        return check_words({'a.md': text}, ['mirror.example'])

    for what, text, expected in (
            ('path of a machine', 'see /wor' + 'k/main/x', 'a path of some machine'),
            ('temporary path', 'cd "/tm' + 'p/build"', 'a path of some machine'),
            ('home directory', 'in /ho' + 'me/somebody', 'a path of some machine'),
            ('mirror', '\nhttp://mirror.example/debian', 'a.md:2: a host'),
            ('how it was written', 'from the Session' + ' log', 'how it was written'),
            ('issue number', 'done in issue' + ' #2', 'an issue number')):
        tap.planted(what, said(text), expected)
    tap.clean('other words', said('network/tmp/x homework/a /usr/lib the issue: 2 a.mirror.example.org '
                                  '$dir/tmp/x'))

    tap.planted('long file', check_length({'src/a.c': '\n' * 601}, {}), 'src/a.c: 601 lines')
    tap.planted('listed and short', check_length({'src/a.c': '\n'}, {'src/a.c': 'why'}), 'and is not')
    tap.clean('a file of the full length, a listed one',
              check_length({'src/a.c': '\n' * 600, 'src/b.c': '\n' * 700}, {'src/b.c': 'why'}))
    tap.planted('option that is not in the manual', check_manual('p', '  --a-b  x\n', '.SH X'),
                '--a-b is not in')
    tap.planted('option that is gone', check_manual('p', '  --a', '\\-\\-a \\-\\-gone'), '--gone of the')
    tap.planted('program without help', check_manual('p', '', ''), 'tells no options')
    tap.clean('same options', check_manual('p', '--a-b, --c', '\\fB\\-\\-a\\-b\\fR --c'))
    known = {'lanparty-relay': {'--listen'}, 'lanparty-client': {'--relay'}}
    tap.planted('command of another program', check_commands(
        {'a.md': 'x\n\n    lanparty-relay --listen 1 \\\n        --relay x\n'}, known), 'a.md:3: --relay is no')
    tap.planted('single option', check_commands({'a.md': 'say `--gone 1`'}, known), '--gone is no')
    tap.clean('known commands', check_commands({'a.md': (
        '`--relay R` `make x --other` `sudo lanparty-client --relay R`\n'
        '    sudo build/lanparty-relay --listen 1\n')}, known))


def main():
    tap = Tap()
    programs = sys.argv[1:]
    texts = {str(path): read_text(path) for path in project_files() if 'corpus' not in path.parts}
    texts = {path: text for path, text in texts.items() if text is not None}
    pages = {path: text for path, text in texts.items() if path.endswith('.md')}
    sources = read_texts('src')

    tap.check('links of the documentation', check_links(pages, lambda path: (ROOT / path).exists()),
              f'{sum(1 for text in pages.values() for _ in links(text))} links in {len(pages)} pages',
              least=len(pages))
    tap.check('words that do not belong here', check_words(texts, mirror_hosts()),
              f'{len(texts)} files', least=len(texts))
    tap.check(f'no source file above {LINES_MAX} lines', check_length(sources, LONG_FILES),
              f'{len(sources)} files, {len(LONG_FILES)} listed as long', least=len(sources))
    said = {path.name: say(path, '--help') for path in map(Path, programs)}
    tap.check('man pages have the options of --help',
              [finding for path in map(Path, programs)
               for finding in check_manual(path.name, said[path.name], say(path, '--man'))],
              f'{len(programs)} programs')
    # Every program knows --man; its --help does not tell it to players.
    known = {name: options_of(text) | {'--man'} for name, text in said.items()}
    tap.check('command lines in the pages have options that exist',
              check_commands(pages, known) if known else [], f'{len(known)} programs')
    self_test(tap)
    tap.finish()


if __name__ == '__main__':
    main()
