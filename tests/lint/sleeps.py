#!/usr/bin/python3
"""No test sleeps: it waits for an event with a deadline, or it moves virtual time."""

import re

from house import Tap, project_files, read_text, strip_comments

C_SLEEP = re.compile(r'(?<!\w)(?:sleep|usleep|nanosleep|clock_nanosleep|thrd_sleep|uv_sleep)\s*\(')
PYTHON_SLEEP = re.compile(r'(?<!\w)(?:time|asyncio|gevent|trio)\.sleep\b|(?<![\w.])sleep\s*\(|'
                          r'from\s+time\s+import\s+[^\n]*\bsleep\b|'
                          r'[\'"](?:/(?:usr/)?bin/)?sleep[\'"]\s*,\s*(?:f?[\'"][\d{]|str\()|'
                          r'[\'";&|]\s*sleep\s+[\d$"{]')
SHELL_SLEEP = re.compile(r'(?:^|[;&|(`]|\bdo\b|\bthen\b|\belse\b|!)[ \t]*(?:command[ \t]+)?u?sleep[ \t]+\S',
                         re.MULTILINE)


def kind_of(path: str, text: str):
    first = text.split('\n', 1)[0]
    if path.endswith(('.c', '.h')):
        return 'c'
    if path.endswith('.py') or re.match(r'#!.*\bpython', first):
        return 'python'
    if path.endswith('.sh') or re.match(r'#!.*\b(ba|da)?sh\b', first):
        return 'shell'
    return None


def check_sleeps(texts: dict) -> list:
    bad = []
    for path, text in texts.items():
        kind = kind_of(path, text)
        if kind == 'c':
            code = re.sub(r'"(?:\\.|[^"\\\n])*"', '""', strip_comments(text))
        else:
            code = re.sub(r'(?m)(^|[ \t])#[^\n]*', '', text)
        pattern = {'c': C_SLEEP, 'python': PYTHON_SLEEP, 'shell': SHELL_SLEEP}[kind]
        bad += [f'{path}:{code.count(chr(10), 0, match.end()) + 1}: a test does not sleep'
                for match in pattern.finditer(code)]
    return bad


def self_test(tap: Tap):
    # The word is put together here, so that this file does not find itself.
    z = 'sle' + 'ep'
    shebang = '#!/bin/bash\n'
    for what, path, text in (
            ('C', 'a.c', f'void f(void)\n{{\n    u{z}(10);\n}}\n'),
            ('C, nanoseconds', 'a.c', f'int r = nano{z} (&t, NULL);\n'),
            ('Python', 'a.py', f'import time\ntime.{z}(1)\n'),
            ('Python, by name', 'a.py', f'from time import monotonic, {z}\n'),
            ('Python, a command', 'a.py', f"run(['{z}', '3'])\n"),
            ('Python, in a shell', 'a.py', f"run('sh', '-c', 'true; {z} 1')\n"),
            ('shell', 'a', f'{shebang}for i in 1 2; do {z} 1; done\n'),
            ('shell, on its own', 'a', f'{shebang}\n  {z} 0.1\n')):
        tap.planted(what, check_sleeps({path: text}), 'does not sleep')
    tap.clean('what only speaks of it', check_sleeps({
        'a.c': f'/* no {z}(1) here */\nint x = {z}_count(2); /* {z} (3) */\nconst char *s = "{z}(1)";\n',
        'a.py': f'# time.{z}(1)\nself.{z}er = asleep(1)\n',
        'b': f'{shebang}# {z} 1\necho no {z} here\n'}))


def main():
    tap = Tap()
    texts = {str(path): read_text(path) for path in project_files()
             if path.parts[0] in ('tests', 'fuzz') and 'corpus' not in path.parts}
    texts = {path: text for path, text in texts.items()
             if text is not None and kind_of(path, text) is not None}
    tap.check('no test sleeps', check_sleeps(texts), f'{len(texts)} files', least=len(texts))
    self_test(tap)
    tap.finish()


if __name__ == '__main__':
    main()
