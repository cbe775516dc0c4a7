"""A private Wine prefix with the fake adapter, made once for each build directory."""

import fcntl
import shutil
import subprocess
from pathlib import Path

from bed.netns import Failed

REPOSITORY = Path(__file__).resolve().parents[3]
WINE = REPOSITORY / 'scripts/wine'
WINESERVER = '/usr/lib/wine/wineserver64'
BUILTINS = Path('/usr/lib/x86_64-linux-gnu/wine/x86_64-windows')
SHIMS = ('iphlpapi', 'newdev', 'setupapi')
FAKES = Path(__file__).resolve().parents[1] / 'fake'
NETWORK_CLASS = '{4D36E972-E325-11CE-BFC1-08002BE10318}'
# the adapter's driver in fake/adapter.reg and the one in fake/second.reg
CLASS_KEY = rf'HKLM\SYSTEM\CurrentControlSet\Control\Class\{NETWORK_CLASS}\0007'
SECOND_KEY = rf'HKLM\SYSTEM\CurrentControlSet\Control\Class\{NETWORK_CLASS}\0008'


def find(build: Path, name: str) -> Path:
    """What was just built: copies that are staged or installed for a test may be older."""
    found = [path for part in ('src', 'tests') for path in sorted((build / part).glob(f'**/{name}'))
             if path.is_file()]
    if not found:
        raise Failed(f'{name} is not in {build}: run make win')
    return found[0]


class Wine:
    """
    Files and environment of the prefix, with an X display for its windows or without. Locked: two
    parties cannot have the same one.
    """

    def __init__(self, build: Path, display='', name='wineprefix'):
        self.build = build.resolve()
        self.prefix = self.build / name
        self.folder = self.prefix / 'drive_c/softlan-test'
        self.events = self.folder / 'events.log'
        self.state = self.folder / 'state'
        self.env = {'WINEPREFIX': str(self.prefix), 'WINEDLLOVERRIDES': f'{",".join(SHIMS)}=n,b'}
        if display:
            self.env |= {'DISPLAY': display, 'SOFTLAN_WINE_DISPLAY': '1'}
        self._lock = None

    def argv(self, *command) -> list:
        """A Windows program in this prefix. The process is the program itself."""
        return ['env', *(f'{key}={value}' for key, value in self.env.items()), str(WINE),
                *map(str, command)]

    def up(self):
        """The prefix as a fresh Windows has it: adapter unconfigured, no log, no state."""
        self.build.mkdir(parents=True, exist_ok=True)
        self._lock = open(self.build / f'.{self.prefix.name}.lock', 'w')
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Failed(f'{self.prefix} is in use by another run') from None
        self._make()
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir()
        self.events.touch()
        shutil.copy(find(self.build, 'faketap.sys'), self.folder)
        for name in SHIMS:
            shutil.copy(find(self.build, f'{name}.dll'), self.prefix / 'drive_c/windows/system32')

    def down(self):
        """Ends everything that runs in this prefix."""
        subprocess.run(self.argv('--end'), check=False, timeout=30)
        if self._lock:
            self._lock.close()

    def _make(self):
        """Wine's own libraries stay reachable under another name, for the shims."""
        system = self.prefix / 'drive_c/windows/system32'
        if all((system / f'wine_{name}.dll').exists() for name in SHIMS):
            return
        shutil.rmtree(self.prefix, ignore_errors=True)
        for command in (['reg', 'query', 'HKLM'], ['--end']):
            subprocess.run(self.argv(*command), check=True, timeout=180, stdin=subprocess.DEVNULL,
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for name in SHIMS:
            # Without Wine's mark the copy is loaded as any other DLL, under its own name.
            code = (BUILTINS / f'{name}.dll').read_bytes().replace(b'Wine builtin DLL', bytes(16))
            (system / f'wine_{name}.dll').write_bytes(code)

    # ---- what the driver and the shims say and are told ----

    def lease(self, adapter: str, *servers):
        """The network of that adapter gives these DNS servers from now on; none: as Windows comes."""
        text = self.state.read_text() if self.state.exists() else ''
        lines = [line for line in text.splitlines() if not line.startswith(f'lease {adapter} ')]
        if servers:
            lines.append(f'lease {adapter} {",".join(servers)}')
        self.state.write_text(''.join(f'{line}\n' for line in lines))

    def lines(self, since=0) -> list:
        return self.events.read_text(errors='replace').splitlines()[since:]

    def fail(self, step: str, nth='1'):
        """The nth step from now on whose line begins so will fail; '2+': and all later ones."""
        (self.folder / 'fail').write_text(f'{nth} {step}')

    def fail_nothing(self):
        (self.folder / 'fail').unlink(missing_ok=True)

    def settings(self) -> dict:
        """What the shim keeps, without rows that have Windows's defaults."""
        kept = {}
        text = self.state.read_text() if self.state.exists() else ''
        for line in text.splitlines():
            kind, name, *values = line.split()
            if kind == 'interface' and values[1:] != ['1500', '25', 'auto', 'on']:
                kept[f'{name} ipv{values[0]}'] = values[1:]
            if kind == 'route':
                kept[f'route {name}'] = values
            if kind in ('dns', 'dns6') and values != ['-']:
                kept[f'{name} {kind}'] = values
        return kept
