"""
The installer, silent, on a computer of its own: what it puts where, links, upgrades over what runs, what it
refuses, and that nothing is left when it is removed. No network: what is contacted would be noticed.
"""

import hashlib
import shutil
import subprocess

import pytest
from bed.netns import udp_socket
from winbed.computer import SERVICE_KEY, Computer, changes
from winbed.wine import REPOSITORY, find

PACKAGING = REPOSITORY / 'packaging/windows'
MAKE_INSTALLER = PACKAGING / 'make-installer'
PROGRAMS = ('lanparty-client-win.exe', 'softlan-svc.exe', 'softlan.exe')
FILES = sorted(('README.txt', 'uninstall.exe', *PROGRAMS))
OLD, NEW = '0.1.0', '0.2.0'
STATUS_SYSTEM, STATUS_NEWER, STATUS_IN_USE, STATUS_FAILED, STATUS_ADAPTER, STATUS_TWICE = range(3, 9)

UNINSTALL_KEY = r'HKLM\Software\Microsoft\Windows\CurrentVersion\Uninstall\SoftLAN'
LINK_KEY = r'HKLM\Software\Classes\softlan'
SHORTCUT = 'drive_c/ProgramData/Microsoft/Windows/Start Menu/Programs/SoftLAN.lnk'
OTHER = {'Another VPN': '{5C1F6A10-77E2-4E0B-9C55-0D6B8F6A2E11}'}
NO_DRIVER = 'Windows has no TAP-Windows6 driver: install it'
DRIVER_FILES = ('OemVista.inf', 'tap0901.cat', 'tap0901.sys')


# ---- installers ----

def make_driver(folder):
    folder.mkdir(parents=True, exist_ok=True)
    for name in DRIVER_FILES:
        (folder / name).write_text(f'this is {name}\n')
    write_list(folder)
    return folder


def write_list(folder):
    lines = [f'{hashlib.sha256((folder / name).read_bytes()).hexdigest()}  {name}' for name in DRIVER_FILES]
    (folder / 'SHA256SUMS').write_text('\n'.join(['# made up', *lines, '']))


def make_installer(stage, out, version, driver, check=True):
    icon = next(stage.parent.parent.glob('src/apps/gui-win/softlan.ico'))
    return subprocess.run([MAKE_INSTALLER, '--version', version, '--stage', stage, '--icon', icon, '--out', out,
                           '--driver', driver], check=check, capture_output=True, text=True, timeout=120)


class Installers:
    """The programs as they are shipped; those of the newer version differ in their last octet."""

    def __init__(self, win_build, folder):
        self.folder = folder
        shutil.rmtree(folder, ignore_errors=True)
        subprocess.run(['meson', 'install', '-C', win_build, '--no-rebuild', '--quiet', '--strip', '--destdir',
                        folder / 'root'], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=120)
        self.stage = folder / 'old'
        self.newer = folder / 'new'
        for stage in self.stage, self.newer:
            shutil.copytree(folder / 'root/bin', stage)
        for name in PROGRAMS:
            with open(self.newer / name, 'ab') as program:
                program.write(b'2')
        self.driver = make_driver(folder / 'driver')
        self.no_driver = folder / 'none'
        self.no_driver.mkdir()
        self.said = {}  # of each installer's making
        self.without = self.make('without.exe', self.stage, OLD, self.no_driver)
        self.old = self.make('old.exe', self.stage, OLD, self.driver)
        self.new = self.make('new.exe', self.newer, NEW, self.driver)

    def make(self, name, stage, version, driver):
        self.said[name] = make_installer(stage, self.folder / name, version, driver).stdout
        return self.folder / name


@pytest.fixture(name='installers', scope='module')
def installers_fixture(request):
    win_build = request.config.getoption('--win-build').resolve()
    return Installers(win_build, win_build / 'installer-test')


@pytest.fixture(name='computer', scope='module')
def computer_fixture(request):
    computer = Computer(request.config.getoption('--win-build'))
    try:
        computer.up()
        yield computer
    finally:
        computer.down()


@pytest.fixture(name='pc')
def pc_fixture(computer):
    """Nothing of SoftLAN is there, before or after."""
    for name in 'driver-store', 'driver-in-use':
        (computer.wine.folder / name).unlink(missing_ok=True)
    computer.since = len(computer.wine.lines())
    yield computer
    computer.wine.fail_nothing()
    if computer.folder.exists():
        computer.uninstall()
    assert computer.adapters() == OTHER


def device_steps(pc) -> list:
    return [line for line in pc.wine.lines(pc.since) if line.startswith(('device', 'driver'))]


def contents(pc) -> dict:
    return {name: (pc.folder / name).read_bytes() for name in PROGRAMS}


def programs_of(stage) -> dict:
    return {name: (stage / name).read_bytes() for name in PROGRAMS}


def install(pc, exe):
    status, log = pc.setup(exe)
    assert status == 0, log
    return log


def assert_complete(pc, stage, version):
    """Installed, in whole, and at work."""
    assert pc.files() == FILES
    assert contents(pc) == programs_of(stage)
    assert version in (pc.folder / 'README.txt').read_text()
    assert pc.value(UNINSTALL_KEY, 'DisplayVersion') == version
    assert pc.service_answers()


# ---- making ----

def test_same_input_same_installer(installers):
    again = installers.make('again.exe', installers.stage, OLD, installers.no_driver)
    assert again.read_bytes() == installers.without.read_bytes()


@pytest.mark.parametrize('spoil, said', [
    (lambda folder: (folder / 'tap0901.sys').write_text('another'), 'tap0901.sys is not the file that'),
    (lambda folder: (folder / 'extra.dll').write_text('x'), 'extra.dll is not in'),
    (lambda folder: (folder / 'tap0901.cat').unlink(), 'lacks tap0901.cat: put the whole driver there'),
    (lambda folder: (folder / 'SHA256SUMS').unlink(), 'OemVista.inf is not in'),
    (lambda folder: (folder / 'SHA256SUMS').write_text('what'), '"what" is no hash and name'),
], ids=['changed', 'unknown', 'incomplete', 'no-list', 'no-hash'])
def test_driver_that_is_not_in_the_list(installers, tmp_path, spoil, said):
    spoil(make_driver(tmp_path / 'driver'))
    done = make_installer(installers.stage, tmp_path / 'setup.exe', OLD, tmp_path / 'driver', check=False)
    assert done.returncode == 1
    assert said in done.stderr
    assert not (tmp_path / 'setup.exe').exists()


def test_what_it_says_of_the_driver(installers):
    for exe, said in (installers.old, 'with the TAP-Windows6 driver'), (installers.without, 'without a driver'):
        assert said in installers.said[exe.name]
        assert str(exe.stat().st_size) in installers.said[exe.name]


# ---- installed and removed ----

def test_install_and_remove(pc, installers):
    before = pc.dump()
    for _ in range(2):  # a second time after it was removed
        log = install(pc, installers.old)
        assert log.splitlines()[-2:] == ['made the adapter "SoftLAN"', f'SoftLAN {OLD} is installed.']
        assert_complete(pc, installers.stage, OLD)
        adapters = pc.adapters()
        assert adapters.keys() == {'SoftLAN', *OTHER}
        pc.uninstall()
        left = changes(before, pc.dump())
        assert not left, '\n'.join(left)
    steps = device_steps(pc)
    assert [step.split(' ROOT')[0] for step in steps] == 2 * [
        'driver add OemVista.inf', 'device register', 'device install', 'device remove', 'driver remove oem7.inf']
    assert not [step for step in steps if step.endswith('0008')]


def test_what_windows_is_told(pc, installers):
    install(pc, installers.old)
    size = int(pc.value(UNINSTALL_KEY, 'EstimatedSize'), 16)
    installed = sum((pc.folder / name).stat().st_size for name in (*PROGRAMS, 'README.txt'))
    assert abs(size - installed // 1024) <= 1
    folder = r'C:\Program Files\SoftLAN'
    for name, value in {
            'DisplayName': 'SoftLAN', 'DisplayVersion': OLD, 'Publisher': 'SoftLAN', 'InstallLocation': folder,
            'UninstallString': rf'"{folder}\uninstall.exe"', 'QuietUninstallString': rf'"{folder}\uninstall.exe" /S',
            'NoModify': '0x1', 'NoRepair': '0x1'}.items():
        assert pc.value(UNINSTALL_KEY, name) == value
    assert pc.value(rf'{LINK_KEY}\shell\open\command', '(Default)') == rf'"{folder}\softlan.exe" "%1"'
    assert pc.value(LINK_KEY, 'URL Protocol') == ''
    assert pc.value(SERVICE_KEY, 'ImagePath') == rf'"{folder}\softlan-svc.exe" --run'
    assert pc.value(SERVICE_KEY, 'Start') == '0x2'
    assert (pc.wine.prefix / SHORTCUT).exists()


def test_settings_of_the_user_go_too(pc, installers):
    install(pc, installers.old)
    user = next(pc.wine.prefix.glob('drive_c/users/root/AppData/Local')) / 'SoftLAN'
    user.mkdir()
    for name in 'window.txt', 'lanparty-client-identity.json', 'lanparty-client-identity.json.lock':
        (user / name).write_text('x')
    pc.uninstall()
    assert not user.exists()


def test_what_is_not_ours_stays(pc, installers):
    """Files are removed by name, not a folder with all that is in it."""
    install(pc, installers.old)
    user = next(pc.wine.prefix.glob('drive_c/users/root/AppData/Local')) / 'SoftLAN'
    user.mkdir()
    (user / 'precious.txt').write_text('mine')
    pc.uninstall()
    assert (user / 'precious.txt').read_text() == 'mine'
    shutil.rmtree(user)


# ---- the driver and the adapter ----

def test_without_driver(pc, installers):
    status, log = pc.setup(installers.without)
    assert status == 0
    lines = log.splitlines()
    assert lines[-3] == 'This installer was made without the TAP-Windows6 driver.'
    assert lines[-2].startswith(NO_DRIVER)
    assert lines[-1] == f'SoftLAN {OLD} is installed, without its network adapter.'
    assert_complete(pc, installers.stage, OLD)
    assert pc.adapters() == OTHER
    assert device_steps(pc) == []


def test_driver_that_windows_has(pc, installers):
    (pc.wine.folder / 'driver-store').touch()
    install(pc, installers.without)
    assert pc.adapters().keys() == {'SoftLAN', *OTHER}
    pc.uninstall()
    assert pc.adapters() == OTHER
    assert (pc.wine.folder / 'driver-store').exists(), 'not ours to remove'


def test_driver_that_windows_has_already(pc, installers):
    (pc.wine.folder / 'driver-store').touch()
    install(pc, installers.old)
    assert pc.adapters().keys() == {'SoftLAN', *OTHER}
    pc.uninstall()
    assert (pc.wine.folder / 'driver-store').exists(), 'not ours to remove'


def test_driver_that_others_use(pc, installers):
    install(pc, installers.old)
    (pc.wine.folder / 'driver-in-use').touch()
    pc.uninstall()
    assert (pc.wine.folder / 'driver-store').exists()
    assert device_steps(pc)[-1] == 'driver remove oem7.inf -> refused'


@pytest.mark.parametrize('step, undone', [
    ('driver add', []),
    ('device register', ['driver remove oem7.inf']),
    ('device install', ['device remove ROOT\\NET\\0000', 'driver remove oem7.inf']),
])
def test_adapter_fails(pc, installers, step, undone):
    """SoftLAN is there all the same; a second run makes the adapter."""
    pc.wine.fail(step)
    status, log = pc.setup(installers.old)
    assert status == STATUS_ADAPTER
    assert log.splitlines()[-1] == f'SoftLAN {OLD} is installed, without its network adapter.'
    assert_complete(pc, installers.stage, OLD)
    assert pc.adapters() == OTHER
    steps = device_steps(pc)
    assert steps[-1 - len(undone)].startswith(step)
    assert [line.upper() for line in steps[len(steps) - len(undone):]] == [line.upper() for line in undone]
    pc.wine.fail_nothing()
    install(pc, installers.old)
    assert pc.adapters().keys() == {'SoftLAN', *OTHER}


# ---- links ----

@pytest.fixture(name='installed')
def installed_fixture(pc, installers):
    install(pc, installers.old)
    return pc


def close_windows(pc):
    pc.run(pc.folder / 'softlan-svc.exe', '--close-windows', check=True)
    pc.wait_no_window()


def test_link(installed):
    with udp_socket(installed.ns, '127.0.0.1', 4433, timeout=0.5) as relay:
        installed.show_link('softlan://join?relay=127.0.0.1:4433&room=SATURDAY')
        shown = installed.texts('Join this party?', '127.0.0.1:4433', 'SATURDAY')
        assert '&Not now' in shown
        # a second link goes to the window that is open
        installed.show_link('softlan://join?relay=127.0.0.1:4433&room=SUNDAY')
        installed.texts('Join this party?', 'SUNDAY')
        close_windows(installed)
        with pytest.raises(TimeoutError):
            relay.recv(2048)


@pytest.mark.parametrize('link', [
    'softlan://join?relay=a&room=b" --restore "',
    'softlan://join?relay=a&room=b --tap-instance-id x',
    'softlan:--install',
    'softlan:--help',
    r'softlan:C:\windows\system32\cmd.exe',
    r'softlan://join?relay=\\127.0.0.1\share&room=b',
    'softlan://join?relay=%00&room=%22',
    'softlan:',
], ids=['quotes', 'spaces', 'install', 'help', 'path', 'share', 'escapes', 'empty'])
def test_hostile_link(installed, link):
    before = contents(installed), installed.query(SERVICE_KEY, '/s')
    installed.show_link(link)
    installed.texts('This invite link is not valid')
    close_windows(installed)
    assert (contents(installed), installed.query(SERVICE_KEY, '/s')) == before
    assert installed.service_answers()


def test_long_link(installed):
    """Longer than Wine hands on to what is registered."""
    name = installed.folder / 'softlan.exe'
    process = installed.start_windows('long', name, 'softlan://join?relay=a&room=' + 'b' * 20000)
    installed.texts('This invite link is not valid')
    close_windows(installed)
    assert process.wait(10) == 0


# ---- upgrades ----

def test_upgrade_over_what_runs(installed, installers):
    adapter = installed.adapters()['SoftLAN']
    user = next(installed.wine.prefix.glob('drive_c/users/root/AppData/Local')) / 'SoftLAN'
    user.mkdir()
    (user / 'window.txt').write_text('name anna\n')
    log_file = installed.wine.prefix / 'drive_c/ProgramData/SoftLAN/log.txt'
    started = log_file.read_text()
    installed.show_link('softlan://join?relay=127.0.0.1:4433&room=SATURDAY')
    installed.texts('Join this party?')

    log = install(installed, installers.new)
    assert log.splitlines()[-2] == 'kept the adapter "SoftLAN"'
    installed.wait_no_window(seconds=0)
    assert_complete(installed, installers.newer, NEW)
    assert installed.adapters() == {'SoftLAN': adapter, **OTHER}
    assert (user / 'window.txt').read_text() == 'name anna\n'
    kept = log_file.read_text()
    assert kept.startswith(started)
    assert [line.split(' ', 1)[1] for line in kept[len(started):].splitlines()][0] == 'stopped'
    # and what runs after it is the new one
    installed.show_link('softlan://join?relay=127.0.0.1:4433&room=SATURDAY')
    installed.texts('Join this party?')


def test_same_version_again(installed, installers):
    (installed.folder / 'softlan.exe').write_bytes(b'damaged')
    install(installed, installers.old)
    assert_complete(installed, installers.stage, OLD)


@pytest.fixture(name='stubborn')
def stubborn_fixture(installed):
    """A program of ours that runs and does not end when it is asked."""
    name = installed.folder / 'lanparty-client-win.exe'
    shutil.copy(find(installed.wine.build, 'window.exe'), name)
    process = installed.start_windows('stubborn', name, 'No.Such.Window', stdin=subprocess.PIPE)
    try:
        process.wait_line('^{', 30)
        yield installed
    finally:
        process.kill()


def test_file_in_use(stubborn, installers):
    before = contents(stubborn)
    for attempt in lambda: stubborn.setup(installers.new), stubborn.try_uninstall:
        status, log = attempt()
        assert status == STATUS_IN_USE
        assert log.splitlines()[-1].startswith('lanparty-client-win.exe is still running')
        assert stubborn.files() == FILES
        assert contents(stubborn) == before
        assert stubborn.value(UNINSTALL_KEY, 'DisplayVersion') == OLD
        assert stubborn.service_answers()


def test_files_cannot_be_replaced(installed, installers):
    (installed.folder / 'old').write_text('in the way')
    status, log = installed.setup(installers.new)
    assert status == STATUS_FAILED
    assert log.splitlines()[-1].endswith('What was there before is back.')
    (installed.folder / 'old').unlink()
    assert_complete(installed, installers.stage, OLD)


def test_interrupted_exchange(installed, installers):
    """An upgrade that lost power in the middle: the next one finds the files that are missing."""
    (installed.folder / 'old').mkdir()
    (installed.folder / 'softlan-svc.exe').rename(installed.folder / 'old/softlan-svc.exe')
    install(installed, installers.new)
    assert_complete(installed, installers.newer, NEW)


def test_older_version(pc, installers):
    install(pc, installers.new)
    status, log = pc.setup(installers.old)
    assert status == STATUS_NEWER
    assert log.splitlines() == [
        f'SoftLAN {NEW} is installed, which is newer than this version, {OLD}. To go back, remove SoftLAN first '
        '(Settings, Apps), then run this again.']
    assert_complete(pc, installers.newer, NEW)


# ---- refused ----

def test_old_windows(pc, installers):
    pc.run('winecfg', '-v', 'win7', check=True)
    try:
        status, log = pc.setup(installers.old)
    finally:
        pc.run('winecfg', '-v', 'win10', check=True)
    assert status == STATUS_SYSTEM
    assert log.splitlines() == ['SoftLAN needs Windows 10 or 11; this is an older Windows.']
    assert not pc.folder.exists()


def test_with_pages_and_twice(pc, installers):
    """The one with pages waits on its last page; meanwhile there is no second one."""
    process = pc.start_windows('setup', installers.without)
    try:
        pc.texts('cannot connect yet', NO_DRIVER, 'Start SoftLAN', window='#32770', seconds=60)
        status, log = pc.setup(installers.old)
        assert status == STATUS_TWICE
        assert log.splitlines() == ["SoftLAN's setup runs already: wait until it is done."]
    finally:
        process.kill()
    assert pc.files() == FILES
