"""What the lint programs share: the layers, the files of the project, and TAP output."""

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

# A layer and those that it may use besides itself.
LAYERS = {
    'base': set(),
    'proto': {'base'},
    'diag': {'base'},
    'core': {'base', 'proto', 'diag'},
    'transport': {'base', 'proto', 'diag', 'core'},
    'node': {'base', 'proto', 'diag', 'core', 'transport'},
    'relay': {'base', 'proto', 'diag', 'core', 'transport'},
    'platform': {'base'},
    'loop': {'base', 'proto', 'diag', 'core', 'transport', 'node', 'relay', 'platform'},
    'apps': {'base', 'proto', 'diag', 'core', 'transport', 'node', 'relay', 'platform', 'loop'},
}
PURE = ('base', 'proto', 'diag', 'core', 'transport', 'node', 'relay')


def project_files() -> list:
    """Paths from the root of what is or would be tracked. Without git: all but what a build makes."""
    git = subprocess.run(['git', '-C', str(ROOT), 'ls-files', '-z', '--cached', '--others',
                          '--exclude-standard'], capture_output=True, check=False)
    if git.returncode == 0:
        paths = {Path(os.fsdecode(name)) for name in git.stdout.split(b'\0') if name}
    else:
        paths = {path.relative_to(ROOT) for path in ROOT.rglob('*')}
        made = {'.git', '.cache', '.pytest_cache', 'build', '__pycache__'}
        paths = {path for path in paths if not made & set(path.parts)}
    return sorted(p for p in paths if (ROOT / p).is_file())


def read_text(path: Path):
    """None for what is not text."""
    data = (ROOT / path).read_bytes()
    return None if b'\0' in data[:8192] else data.decode('utf-8', 'replace')


def read_texts(directory: str, suffixes=('.c', '.h')) -> dict:
    """{path from the root: text} of the files below a directory."""
    return {str(path.relative_to(ROOT)): path.read_text(encoding='utf-8')
            for path in sorted((ROOT / directory).rglob('*')) if path.suffix in suffixes}


def strip_comments(text: str) -> str:
    """C without its comments; the number of lines stays."""
    def blank(match):
        found = match[0]
        return found if found[0] in '"\'' else re.sub(r'[^\n]', ' ', found)
    return re.sub(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', blank, text,
                  flags=re.DOTALL)


class Tap:
    """One line for each check, with what it looked at; what it found follows as diagnostics."""

    SHOWN = 40

    def __init__(self):
        self.count = 0
        self.failed = 0

    def check(self, title: str, findings: list, looked_at: str, least=None):
        """`least`: how many things the check looked at; none at all is a failure."""
        self.count += 1
        findings = list(findings)
        if least == 0:
            findings.append('nothing was there to look at')
        good = not findings
        self.failed += not good
        said = looked_at if good else f'{looked_at}, {len(findings)} bad'
        print(f'{"ok" if good else "not ok"} {self.count} - {title}: {said}')
        for finding in findings[:self.SHOWN]:
            print(f'# {finding}')
        if len(findings) > self.SHOWN:
            print(f'# and {len(findings) - self.SHOWN} more')

    def planted(self, what: str, findings: list, expected: str):
        """A self-test: the check must have found what was planted, and said so."""
        hits = [finding for finding in findings if expected in finding]
        self.check(f'self-test, {what}',
                   [] if hits else [f'nothing with "{expected}" was found, but: {findings}'],
                   f'{len(hits)} found')

    def clean(self, what: str, findings: list):
        """A self-test: what is right is not reported."""
        self.check(f'self-test, {what} passes', findings, 'none found')

    def finish(self):
        print(f'1..{self.count}')
        sys.exit(1 if self.failed else 0)
