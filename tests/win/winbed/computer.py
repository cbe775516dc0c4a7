"""A player's computer without any network, on which SoftLAN is installed and removed."""

import contextlib
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from bed.netns import Deadline, Failed, libc
from bed.processes import Process, in_namespace

from .wine import FAKES, WINESERVER, Wine, find

IN_DELETE = 0x200
FOLDER = 'drive_c/Program Files/SoftLAN'
SERVICE_KEY = r'HKLM\SYSTEM\CurrentControlSet\Services\SoftLAN'
WINDOW = 'SoftLAN.Window'

# What Wine itself writes while programs run; each with the reason.
NOISE_FILES = (
    r'windows/inf/setupapi\.(app|dev|offline)\.log$',   # SetupAPI's journal
    r'users/[^/]+/AppData/Local/Temp/~nsu[^/]*(/.*)?$',  # NSIS's copy of the uninstaller, gone at the next boot
    r'users/[^/]+/Temp/~nsu[^/]*(/.*)?$',
)
NOISE_KEYS = (
    r'HKEY_CURRENT_USER\\Software\\Wine(\\.*)?$',
    r'HKEY_CURRENT_USER\\Console$',
    # where that copy is noted, for the next boot
    r'HKEY_LOCAL_MACHINE\\System\\CurrentControlSet\\Control\\Session Manager$',
    # Explorer's own, made when the first window opens
    r'HKEY_CURRENT_USER\\Software\\Microsoft\\Windows\\CurrentVersion\\Explorer(\\.*)?$',
    # the screen, looked for each time that a first window opens
    r'HKEY_LOCAL_MACHINE\\Hardware\\DEVICEMAP\\VIDEO$',
    r'HKEY_LOCAL_MACHINE\\System\\CurrentControlSet\\Control\\Video(\\.*)?$',
    r'HKEY_LOCAL_MACHINE\\System\\CurrentControlSet\\Control\\Class\\\{4D36E96[8E]-E325-11CE-BFC1-08002BE10318\}(\\.*)?$',
    r'HKEY_LOCAL_MACHINE\\System\\CurrentControlSet\\Control\\DeviceClasses(\\.*(PCI|DISPLAY)#.*)?$',
    r'HKEY_LOCAL_MACHINE\\System\\CurrentControlSet\\Enum\\(PCI|DISPLAY)(\\.*)?$',
    r'HKEY_LOCAL_MACHINE\\System\\CurrentControlSet\\Hardware Profiles(\\.*)?$',
    # how many services have been started so far
    r'HKEY_LOCAL_MACHINE\\System\\CurrentControlSet\\Control\\ServiceCurrent$',
)

def windows_path(path: Path) -> str:
    return 'Z:' + str(path).replace('/', '\\')


def shown(said: dict) -> list:
    """The lines in the window and its visible controls."""
    texts = [control['text'] for control in said.get('controls', []) if control['visible']]
    return [line for text in [said.get('title', ''), *texts] for line in text.splitlines()]


def is_noise(name: str, patterns) -> bool:
    return any(re.match(pattern, name, re.IGNORECASE) for pattern in patterns)


class Computer:
    def __init__(self, win_build: Path):
        self.wine = Wine(win_build, name='wineprefix-installer')
        self.folder = self.wine.prefix / FOLDER
        self.dirty = self.wine.build / '.wineprefix-installer.dirty'
        self.ns = f'lp{os.getpid()}-computer'
        self.logs = Path(tempfile.mkdtemp(prefix='lp-computer-'))
        self.running = {}

    def up(self):
        subprocess.run(['ip', 'netns', 'add', self.ns], check=True)
        subprocess.run(['ip', '-n', self.ns, 'link', 'set', 'lo', 'up'], check=True)
        if self.dirty.exists():  # by a run that was interrupted
            shutil.rmtree(self.wine.prefix, ignore_errors=True)
        self.wine.up()
        self.dirty.touch()
        self.start('wineserver', 'env', f'WINEPREFIX={self.wine.prefix}', WINESERVER, '-f', '-p')
        # windows without a screen: their texts are asked for
        self.run('reg', 'add', r'HKCU\Software\Wine\Drivers', '/v', 'Graphics', '/d', 'null', '/f', check=True)
        self.run('reg', 'import', windows_path(FAKES / 'othervpn.reg'), check=True)

    def down(self):
        clean = not self.folder.exists() and self.adapters().keys() == {'Another VPN'}
        with contextlib.suppress(subprocess.SubprocessError):
            self.wine.down()
            if clean:
                self.dirty.unlink()
        for process in self.running.values():
            process.stop()
        subprocess.run(['ip', 'netns', 'del', self.ns], check=False)
        shutil.rmtree(self.logs, ignore_errors=True)

    # ---- programs ----

    def start(self, name: str, *argv, stdin=None) -> Process:
        process = Process(name, in_namespace(self.ns, argv), self.logs, stdin=stdin)
        self.running[name] = process
        return process

    def start_windows(self, name: str, *command, stdin=None) -> Process:
        return self.start(name, *self.wine.argv(*command), stdin=stdin)

    def run(self, *command, seconds=60.0, check=False) -> subprocess.CompletedProcess:
        """Into files: what Wine leaves running in the background would hold a pipe open."""
        argv = in_namespace(self.ns, self.wine.argv(*command))
        with tempfile.TemporaryFile() as out:
            done = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT,
                                  check=False, timeout=seconds)
            out.seek(0)
            said = out.read().decode(errors='replace').replace('\r', '')
        if check and done.returncode != 0:
            raise Failed(f'{command}: {done.returncode}: {said}')
        return subprocess.CompletedProcess(argv, done.returncode, said)

    def setup(self, exe: Path, *options) -> tuple:
        """Status and log of a silent run."""
        log = self.wine.folder / 'setup.log'
        log.unlink(missing_ok=True)
        done = self.run(exe, '/S', r'/LOG=C:\softlan-test\setup.log', *options, seconds=120)
        return done.returncode, log.read_text(errors='replace').replace('\r', '') if log.exists() else ''

    def uninstall(self, seconds=60.0):
        """
        As Windows does it by QuietUninstallString, whose program ends before its copy has done the work: that removes
        its own plug-ins last.
        """
        temporary = self.wine.prefix / 'drive_c/users/root/Temp'

        def plugins():
            return set(temporary.glob('ns*.tmp'))

        before = plugins()
        with self.deleted(self.folder.parent, temporary) as wait:
            self.run(self.folder / 'uninstall.exe', '/S', check=True)
            wait(lambda: not self.folder.exists() and plugins() <= before, seconds, 'SoftLAN to be removed')

    def try_uninstall(self) -> tuple:
        """
        The same without a copy: status and log, for what is refused. The folder is another: the true one would need
        quotes, which NSIS does not take there, and it looks in the true one anyway.
        """
        return self.setup(self.folder / 'uninstall.exe', r'_?=C:\softlan-test')

    @staticmethod
    @contextlib.contextmanager
    def deleted(*folders: Path):
        """wait(check, seconds, what): asks again each time that something in the folders is deleted."""
        watch = libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        for folder in folders:
            libc.inotify_add_watch(watch, bytes(folder), IN_DELETE)

        def wait(check, seconds, what):
            deadline = Deadline(seconds)
            while not check():
                if not deadline.readable(watch):
                    raise Failed(f'waited {seconds:g} s for {what}')
                with contextlib.suppress(BlockingIOError):
                    os.read(watch, 65536)
        try:
            yield wait
        finally:
            os.close(watch)

    # ---- windows ----

    def wait_window(self, check, what: str, window=WINDOW, seconds=20) -> dict:
        """What tools/window.c says of it, as soon as check(that) holds."""
        watcher = self.start_windows('window', find(self.wine.build, 'window.exe'), window, stdin=subprocess.PIPE)
        try:
            watcher.wait_line('^{', 60)
            return watcher.wait_json(check, seconds, what)
        except Failed as failed:
            raise Failed(f'{failed}; the window says: {shown((watcher.json_lines() or [{}])[-1])}') from None
        finally:
            watcher.stdin.close()
            watcher.wait(10)

    def texts(self, *words, window=WINDOW, seconds=20) -> list:
        """The lines of SoftLAN's window as soon as all words are among them."""
        said = self.wait_window(lambda said: all(word in '\n'.join(shown(said)) for word in words), f'{words}',
                                window, seconds)
        return shown(said)

    def show_link(self, link: str):
        """As a browser does it: by what is registered for such links."""
        self.run('start', link)

    def wait_no_window(self, seconds=20):
        self.wait_window(lambda said: said['process'] == 0, 'no window', seconds=seconds)

    # ---- what is so ----

    def files(self) -> list:
        return sorted(path.name for path in self.folder.iterdir()) if self.folder.exists() else []

    def query(self, key: str, *options) -> str:
        done = self.run('reg', 'query', key, *options)
        return done.stdout if done.returncode == 0 else ''

    def value(self, key: str, name: str):
        found = re.search(rf'^ +{re.escape(name)} +REG_\w+ *(.*)$', self.query(key), re.MULTILINE)
        return found[1] if found else None

    def service_answers(self) -> bool:
        done = self.run(find(self.wine.build, 'settings.exe'), 'service', 'close')
        return done.stdout.startswith('service: 0')

    def adapters(self) -> dict:
        """{connection name: instance} of the TAP adapters."""
        done = self.run(find(self.wine.build, 'lanparty-client-win.exe'), '--list-tap-adapters')
        return {name: guid for guid, name in
                re.findall(r'^(\{[^}]+\})  (.*?)(?:  \(made by SoftLAN\))?$', done.stdout, re.MULTILINE)}

    def dump(self) -> dict:
        """All files (size and time of change) and registry values, without Wine's own noise."""
        found = {}
        drive = self.wine.prefix / 'drive_c'
        for folder, _, names in os.walk(drive):
            for path in [Path(folder), *(Path(folder, name) for name in names)]:
                name = str(path.relative_to(drive))
                if name.startswith('softlan-test') or is_noise(name, NOISE_FILES):
                    continue
                state = path.lstat()
                found[name] = '' if path.is_dir() else (state.st_size, state.st_mtime_ns)
        for root in 'HKLM', 'HKCU':
            found.update(self._dump_registry(root))
        return found

    def _dump_registry(self, root: str) -> dict:
        file = self.wine.folder / 'dump.reg'
        self.run('reg', 'export', root, r'C:\softlan-test\dump.reg', '/y', check=True)
        text = file.read_text(encoding='utf-16').replace('\r', '').replace('\\\n  ', '')
        found = {}
        for section in text.split('\n['):
            key, _, values = section.partition(']\n')
            if key.startswith('HKEY') and not is_noise(key, NOISE_KEYS):
                found[key] = ''
                for line in filter(None, values.split('\n')):
                    name, _, value = line.partition('=')
                    found[f'{key} {name}'] = value
        return found


def changes(before: dict, after: dict) -> list:
    return sorted([f'+ {name}' for name in after.keys() - before.keys()] +
                  [f'- {name}' for name in before.keys() - after.keys()] +
                  [f'! {name}: {before[name]} > {after[name]}' for name in before.keys() & after.keys()
                   if before[name] != after[name]])
