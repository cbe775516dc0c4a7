"""
The settings of the player's Windows: their order, what a failure at each step and a crash leave behind
(nothing), and what hostile programs get from the service's pipe.
"""

import contextlib
import re
import subprocess

import pytest
from bed.topology import RELAY_IP, RELAY_IP6
from winbed.party import CONNECTION, GUID, HOST, windows_path
from winbed.wine import CLASS_KEY, FAKES, SECOND_KEY, find

MAC = '02:11:22:33:44:55'
MTU, METRIC = '1380', '1'
DNS, DNS6 = '192.168.11.1', '2001:db8:11::1'
SECOND_GUID = '{5C1F6A10-77E2-4E0B-9C55-0D6B8F6A2E11}'
OTHER_GUID = '{11111111-2222-3333-4444-555555555555}'

# What a whole start does to Windows, and its end; without what only looks.
START = [
    'device disable',
    'device enable',
    f'tap start mac={MAC}',
    f'ip route add {RELAY_IP}/32 via 192.168.11.1 dev uplink metric 93',
    'ip set tap ipv4 mtu=1500>1380',
    'ip set tap ipv6 mtu=1500>1380',
    'ip set tap ipv4 metric=auto>1',
    'ip set tap ipv4 default-routes=on>off',
    'ip set tap ipv6 default-routes=on>off',
    f'ip dns tap ->{DNS}',
    f'ip dns6 tap ->{DNS6}',
]
END = [
    f'ip dns6 tap {DNS6}>-',
    f'ip dns tap {DNS}>-',
    'ip set tap ipv6 default-routes=off>on',
    'ip set tap ipv4 default-routes=off>on',
    'ip set tap ipv4 metric=1>auto',
    'ip set tap ipv6 mtu=1380>1500',
    'ip set tap ipv4 mtu=1380>1500',
    f'ip route del {RELAY_IP}/32 via 192.168.11.1 dev uplink',
]
WHOLE = ('prepare', GUID, MAC, 'pin', RELAY_IP, 'configure', MTU, METRIC)
JOURNAL = 'drive_c/ProgramData/SoftLAN/journal.txt'
LOG = 'drive_c/ProgramData/SoftLAN/log.txt'
LOG_BYTES_MAX = 256 * 1024  # of svc-win/log.h

# Messages of the pipe: length, version 1, type, body.
HELLO = '00060101' + '0001'
PREPARE = '00300102' + GUID.encode().hex() + MAC.replace(':', '')
PIN = '001b0103' + '04' + '01bb' + '00000000' + 'c633640a' + '00' * 12
CONFIGURE = '00090104' + '0564' + '0001' + '00'
CHECK = '00040105'
END_REQUEST = '00040106'
OK = '00040181'
ERROR = re.compile(r'[0-9a-f]{4}0182([0-9a-f]{2})')
INVALID, MALFORMED, BUSY = '01', '05', '11'  # numbers of base/err.h, in hexadecimal



def pin_of(address: str, port='01bb') -> str:
    return PIN.replace('c633640a', address).replace('01bb', port, 1)


def pin6_of(address: str) -> str:
    return '001b0103' + '06' + '01bb' + '00000000' + address


class Machine:
    """The player's Windows, and the program that drives settings step by step."""

    def __init__(self, lan):
        self.lan = lan
        self.exe = find(lan.wine.build, 'settings.exe')
        self.journal = lan.wine.prefix / JOURNAL

    def run(self, *steps) -> list:
        """What each step said, as (name, result, rest)."""
        done = self.lan.run_windows(self.exe, *steps, seconds=60)
        assert done.returncode in (0, 9), done.stderr
        return [said_of(line) for line in done.stdout.splitlines()]

    def results(self, *steps) -> list:
        return [(name, result) for name, result, _rest in self.run(*steps)]

    def changes(self, since: int) -> list:
        """What has been done to the machine; asking the driver for its address changes nothing."""
        asking = ('tap open', 'tap get-mac', 'tap close', 'ip route get')
        return [line for line in self.lan.wine.lines(since) if not line.startswith(asking)]

    @contextlib.contextmanager
    def waiting(self, *steps, name='settings'):
        """The program at its step "wait"; a line to its stdin lets it go on."""
        argv = self.lan.wine.argv(self.exe, *steps)
        process = self.lan.start(name, HOST, argv, stdin=subprocess.PIPE)
        try:
            process.wait_line('^waiting', 30)
            yield process
        finally:
            process.stdin.close()
            self.lan.stop(name)

    def mark(self) -> int:
        return len(self.lan.wine.lines())

    def assert_untouched(self):
        assert self.lan.wine.settings() == {}
        assert self.lan.network_address() == ''
        assert not self.journal.exists()

    def fresh_driver(self):
        """The driver with its own address, so that the next start must restart it."""
        self.lan.run_windows(self.exe, 'local', 'prepare', GUID, '02:00:00:00:00:01', 'close')


def said_of(line: str) -> tuple:
    name, _, rest = line.partition(': ')
    result, _, rest = rest.partition(' ')
    return name, result, rest


def go_on(process) -> str:
    """What the first check after "wait" says."""
    process.stdin.write(b'\n')
    process.stdin.flush()
    return process.wait_line('^check: (.*)', 30)[1]


@pytest.fixture(name='machine')
def machine_fixture(lan):
    machine = Machine(lan)
    lan.wine.lease('uplink', DNS, DNS6)
    machine.fresh_driver()
    machine.assert_untouched()
    yield machine
    lan.wine.fail_nothing()
    machine.run('recover')
    machine.assert_untouched()


# ---- in the program's own process ----

def test_order(machine):
    since = machine.mark()
    said = machine.run('local', *WHOLE, 'check', 'close')
    assert [(name, result) for name, result, _ in said] == [
        (name, '0') for name in ('local', 'prepare', 'pin', 'configure', 'check', 'close')]
    assert 'pinned=1 borrowed=0 hold=1 reasserted=0' in said[4][2]
    assert 'dns=1' in said[4][2]
    assert 'prefix=32 via=192.168.11.1' in said[4][2]
    assert said[5][2] == ''
    assert machine.changes(since) == START + END


def test_no_restart_when_the_driver_has_the_address(machine):
    machine.run('local', *WHOLE, 'close')
    since = machine.mark()
    machine.run('local', *WHOLE, 'close')
    assert machine.changes(since) == START[3:] + END


@pytest.mark.parametrize('step', START[3:], ids=lambda step: step.replace(' ', '-'))
def test_failure_at_each_step(machine, step):
    """A step that fails says so, and what was done before is undone; IPv6's MTU is best effort."""
    machine.lan.wine.fail(step)
    since = machine.mark()
    said = machine.run('local', *WHOLE, 'close')
    failed = [name for name, result, _ in said if result == 'PERMISSION']
    if 'ipv6 mtu' in step:
        assert failed == []
    else:
        assert failed[0] == ('pin' if step.startswith('ip route') else 'configure')
    assert f'{step} -> failed' in machine.changes(since)
    machine.assert_untouched()


def test_restart_that_fails(machine):
    machine.lan.wine.fail('device enable', '1+')
    said = machine.run('local', 'prepare', GUID, MAC, 'close')
    assert said[1][:2] == ('prepare', 'PERMISSION')
    assert 'could not be restarted' in said[1][2]
    machine.assert_untouched()


def test_undo_that_fails(machine):
    """What could not be put back is named, stays in the journal, and is undone by the next start."""
    machine.lan.wine.fail('ip set tap ipv4 metric=1>auto')
    said = machine.run('local', *WHOLE, 'close')
    assert "could not be put back: the adapter's IPv4 metric (was auto)" in said[-1][2]
    assert 'softlan-svc.exe --recover' in said[-1][2]
    assert machine.lan.wine.settings() == {'tap ipv4': ['1500', '1', 'fixed', 'on']}
    assert machine.journal.exists()
    assert machine.results('recover') == [('recover', '1')]
    machine.assert_untouched()


@pytest.mark.parametrize('steps', [3, 5, 8])
def test_crash_then_recover(machine, steps):
    machine.run('local', *WHOLE[:steps], 'die')
    assert machine.journal.exists()
    assert machine.lan.network_address() == MAC.replace(':', '')
    said = machine.run('recover')
    assert said == [('recover', {3: '1', 5: '2', 8: '9'}[steps], '')]
    machine.assert_untouched()


def test_next_start_restores_first(machine):
    machine.run('local', *WHOLE, 'die')
    since = machine.mark()
    assert machine.results('local', 'close') == [('local', '0'), ('close', '0')]
    assert machine.changes(since) == END
    machine.assert_untouched()


def test_crash_while_undoing(machine):
    """Whatever order the crash leaves, what is still ours is put back, and what is not is left."""
    machine.run('local', *WHOLE, 'die')
    state = machine.lan.wine.state
    state.write_text(state.read_text().replace('interface tap 4 1380 1 fixed off',
                                               'interface tap 4 1400 1 fixed on'))
    machine.run('recover')
    assert machine.lan.wine.settings() == {'tap ipv4': ['1400', '25', 'auto', 'on']}
    state.write_text(state.read_text().replace('tap 4 1400', 'tap 4 1500'))


def test_damaged_journal(machine):
    machine.run('local', *WHOLE, 'die')
    text = machine.journal.read_bytes()
    machine.journal.write_bytes(text.replace(b'1380', b'1390', 1))  # the IPv4 MTU's line
    machine.run('recover')
    assert machine.lan.wine.settings() == {'tap ipv4': ['1380', '25', 'auto', 'on']}
    state = machine.lan.wine.state
    state.write_text(state.read_text().replace('tap 4 1380', 'tap 4 1500'))


def test_reassert(machine):
    """Windows changes metric and routes at a reconnect: the check puts them back."""
    state = machine.lan.wine.state
    with machine.waiting('local', *WHOLE, 'wait', 'check', 'check', 'close') as process:
        assert machine.results('local') == [('local', 'BUSY')]  # one at a time
        text = state.read_text().replace('tap 4 1380 1 fixed', 'tap 4 1380 35 auto')
        state.write_text(re.sub(r'^route .*\n', '', text, flags=re.MULTILINE))
        process.stdin.write(b'\n')
        process.stdin.flush()
        first = process.wait_line('^check: (.*)', 15)[1]
        second = process.wait_line('^check: .*\n+check: (.*)', 15)[1]
        process.wait_line('^close: 0', 15)
    assert 'pinned=1 borrowed=0 hold=1 reasserted=2' in first
    assert 'pinned=1 borrowed=0 hold=1 reasserted=0' in second


def test_borrowed_route(machine):
    """A host route that is there already is used, and is there afterwards."""
    state = machine.lan.wine.state
    state.write_text(state.read_text() + f'route {RELAY_IP}/32 192.168.11.1 uplink 5\n')
    said = machine.run('local', *WHOLE, 'check', 'close')
    assert 'pinned=1 borrowed=1' in said[4][2]
    assert machine.lan.wine.settings() == {
        f'route {RELAY_IP}/32': ['192.168.11.1', 'uplink', '5']}
    state.write_text('')


def test_refusals(machine):
    since = machine.mark()
    said = machine.run('local', 'prepare', OTHER_GUID, MAC, 'prepare', GUID, '00:11:22:33:44:55',
                       'pin', RELAY_IP, 'configure', MTU, METRIC, 'close')
    assert [result for _, result, _ in said] == [
        '0', 'NOTFOUND', 'INVALID', 'INVALID', 'INVALID', '0']
    assert machine.changes(since) == []


def test_journal_directory_that_is_none(machine):
    directory = machine.journal.parent
    aside = directory.with_name('aside')
    directory.rename(aside)
    directory.write_text('a file')
    try:
        assert machine.results('local') == [('local', 'PERMISSION')]
    finally:
        directory.unlink()
        aside.rename(directory)


def test_ipv6_relay(machine):
    """Its route is pinned as an IPv4 relay's is. Wine knows no IPv6 routes: the bed gives it one."""
    state = machine.lan.wine.state
    state.write_text(state.read_text() + f'route ::/0 {DNS6} uplink 1\n')
    since = machine.mark()
    said = machine.run('local', 'prepare', GUID, MAC, 'pin', RELAY_IP6, 'configure', MTU, METRIC,
                       'check', 'close')
    assert [result for _, result, _ in said] == ['0'] * 6, said
    assert 'pinned=1 borrowed=0 hold=1' in said[4][2]
    assert 'prefix=128' in said[4][2]
    pins = [line for line in machine.changes(since) if line.startswith('ip route')]
    assert pins == [f'ip route add {RELAY_IP6}/128 via {DNS6} dev uplink metric 93',
                    f'ip route del {RELAY_IP6}/128 via {DNS6} dev uplink']
    state.write_text('')


def test_default_routes_are_held(machine):
    """Windows allows them again, of IPv4 and of IPv6: the check disables them."""
    state = machine.lan.wine.state
    with machine.waiting('local', *WHOLE, 'wait', 'check', 'close') as process:
        since = machine.mark()
        state.write_text(re.sub(r'^(interface tap .*) off$', r'\1 on', state.read_text(),
                                flags=re.MULTILINE))
        said = go_on(process)
    assert 'hold=1 reasserted=2' in said
    assert machine.changes(since)[:2] == ['ip set tap ipv4 default-routes=on>off',
                                          'ip set tap ipv6 default-routes=on>off']


def test_adapter_that_is_lost(machine):
    """Removed while it is configured: the check says what does not hold, and nothing blocks the end."""
    lan = machine.lan
    with machine.waiting('local', *WHOLE, 'wait', 'check', 'close') as process:
        lan.run_windows('reg', 'delete', CLASS_KEY, '/f')
        try:
            said = go_on(process)
            process.wait_line('^close: 0', 30)
        finally:
            lan.run_windows('reg', 'import', windows_path(FAKES / 'adapter.reg'))
    assert 'pinned=1' in said and 'hold=0' in said and 'dns=0' in said
    assert not machine.journal.exists()
    # what goes with the adapter on a Windows stays here
    lan.wine.state.write_text('')
    set_by_hand(machine, 'Tcpip', '')
    set_by_hand(machine, 'Tcpip6', '')


# ---- DNS ----

def name_server_key(family: str) -> str:
    return rf'HKLM\SYSTEM\CurrentControlSet\Services\{family}\Parameters\Interfaces\{GUID}'


def set_by_hand(machine, family: str, servers: str):
    machine.lan.run_windows('reg', 'add', name_server_key(family), '/v', 'NameServer', '/t', 'REG_SZ',
                            '/d', servers, '/f')


def name_servers(machine) -> tuple:
    """What the registry has for the adapter, IPv4 and IPv6."""
    found = []
    for family in 'Tcpip', 'Tcpip6':
        said = machine.lan.run_windows('reg', 'query', name_server_key(family), '/v', 'NameServer').stdout
        value = re.search(r'NameServer\s+REG_SZ[ \t]+(\S+)', said)
        found.append(value[1] if value else '-')
    return tuple(found)


def test_own_dns_while_connected(machine):
    """The adapter has the player's servers, not the party's; after a crash the next start undoes it."""
    with machine.waiting('local', *WHOLE, 'wait', 'die'):
        assert name_servers(machine) == (DNS, DNS6)
    assert name_servers(machine) == (DNS, DNS6)
    assert machine.results('local', 'close') == [('local', '0'), ('close', '0')]
    assert name_servers(machine) == ('-', '-')


def test_dns_that_changes(machine):
    """Another network gives others, and somebody empties the adapter's list: the check sets both."""
    wine = machine.lan.wine
    with machine.waiting('local', *WHOLE, 'wait', 'check', 'close') as process:
        wine.lease('uplink', '9.9.9.9', '8.8.8.8')
        set_by_hand(machine, 'Tcpip6', '')
        said = go_on(process)
        process.wait_line('^close: 0', 15)
    assert 'reasserted=2' in said and 'dns=1' in said
    changed = [line for line in wine.lines() if line.startswith('ip dns')][-4:]
    assert changed == [f'ip dns tap {DNS}>9.9.9.9,8.8.8.8', f'ip dns6 tap {DNS6}>::1',
                       'ip dns6 tap ::1>-', 'ip dns tap 9.9.9.9,8.8.8.8>-']


def test_dns_within_the_partys_subnet(machine):
    """The player's server has an address of the party's subnet: asking it there would ask the party."""
    state = machine.lan.wine.state
    with machine.waiting('local', *WHOLE, 'wait', 'check', 'close') as process:
        state.write_text(state.read_text() + 'route 192.168.11.0/24 on-link tap 1\n')
        assert 'dns=1' in go_on(process)
        process.wait_line('^close: 0', 15)
    assert f'ip dns tap {DNS}>127.0.0.1' in machine.lan.wine.lines()
    state.write_text('')


def test_dns_set_by_hand_stays(machine):
    """What the player has set on the adapter is his: four servers, which no value of ours can name, and one."""
    set_by_hand(machine, 'Tcpip', '1.1.1.1 2.2.2.2,3.3.3.3,4.4.4.4')
    set_by_hand(machine, 'Tcpip6', '2001:db8::1')
    since = machine.mark()
    said = machine.run('local', *WHOLE, 'check', 'close')
    assert 'dns=1' in said[4][2]
    assert not [line for line in machine.changes(since) if line.startswith('ip dns')]
    set_by_hand(machine, 'Tcpip', '')
    set_by_hand(machine, 'Tcpip6', '')


def test_dns_in_the_registry_of_an_old_windows(machine):
    """Without SetInterfaceDnsSettings the values are written to where that would write them."""
    marker = machine.lan.wine.folder / 'old-windows'
    marker.touch()
    try:
        set_by_hand(machine, 'Tcpip', '')  # the keys are there as in Windows
        set_by_hand(machine, 'Tcpip6', '')
        since = machine.mark()
        with machine.waiting('local', *WHOLE, 'wait', 'close') as process:
            assert name_servers(machine) == (DNS, DNS6)
            process.stdin.write(b'\n')
            process.stdin.flush()
            process.wait_line('^close: 0', 15)
        assert name_servers(machine) == ('-', '-')
        assert not [line for line in machine.changes(since) if line.startswith('ip dns')]
    finally:
        marker.unlink()


# ---- through the service ----

@pytest.fixture(name='service', scope='module')
def service_fixture(lan):
    exe = find(lan.wine.build, 'softlan-svc.exe')
    assert lan.run_windows(exe, '--install', seconds=60).returncode == 0
    yield exe
    assert lan.run_windows(exe, '--remove', seconds=60).returncode == 0


@pytest.mark.usefixtures('service')
class TestService:
    def test_whole(self, machine):
        since = machine.mark()
        said = machine.run('service', *WHOLE, 'check', 'close')
        assert [result for _, result, _ in said] == ['0'] * 6, said
        assert 'pinned=1 borrowed=0 hold=1' in said[4][2]
        assert machine.changes(since) == START + END

    def test_pipe_closes(self, machine):
        """The caller crashes: everything is undone at once, and the next caller waits for that."""
        since = machine.mark()
        machine.run('service', *WHOLE, 'die')
        machine.lan.wait_event(END[-1], since=since)
        assert machine.results('service', 'close') == [('service', '0'), ('close', '0')]
        machine.assert_untouched()

    def test_failed_step_is_told(self, machine):
        machine.lan.wine.fail('ip route add')
        said = machine.run('service', *WHOLE[:5], 'pin', RELAY_IP, 'close')
        assert [result for _, result, _ in said] == ['0', '0', 'PERMISSION', '0', '0']
        assert 'the route to the relay cannot be set' in said[2][2]

    def test_only_own_adapter(self, machine):
        said = machine.run('service', 'prepare', OTHER_GUID, MAC, 'close')
        assert [result for _, result, _ in said] == ['0', 'NOTFOUND', '0']

    def test_refuses_anothers_adapter(self, machine):
        """A TAP adapter that SoftLAN has not made is another VPN's, even when it is the only one."""
        lan = machine.lan
        lan.run_windows('reg', 'import', windows_path(FAKES / 'second.reg'))
        lan.run_windows('reg', 'add', CONNECTION, '/v', 'Name', '/t', 'REG_SZ', '/d', 'Another', '/f')
        since = machine.mark()
        try:
            said = machine.run('service', 'prepare', SECOND_GUID, MAC, 'prepare', GUID, MAC, 'close')
            lan.run_windows('reg', 'delete', SECOND_KEY, '/f')
            said += machine.run('service', 'prepare', GUID, MAC, 'close')
        finally:
            lan.run_windows('reg', 'delete', SECOND_KEY, '/f')
            lan.run_windows('reg', 'import', windows_path(FAKES / 'adapter.reg'))
        refusals = [rest for name, result, rest in said if (name, result) == ('prepare', 'PERMISSION')]
        assert len(refusals) == 3
        assert all('run the installer again' in rest for rest in refusals)
        assert machine.changes(since) == []

    def test_party_dns_is_asked_for(self, machine):
        since = machine.mark()
        said = machine.run('service', *WHOLE[:5], 'party-dns', 'check', 'close')
        assert [result for _, result, _ in said] == ['0'] * 6, said
        assert 'dns=0' in said[4][2]
        assert not [line for line in machine.changes(since) if line.startswith('ip dns')]

    def test_relay_on_this_machine(self, machine):
        """It needs no route: the service takes it as the command line does."""
        since = machine.mark()
        said = machine.run('service', 'prepare', GUID, MAC, 'pin', '127.0.0.1', 'configure', MTU, METRIC,
                           'check', 'close')
        assert [result for _, result, _ in said] == ['0'] * 6, said
        assert not [line for line in machine.changes(since) if line.startswith('ip route')]

    def test_second_caller(self, machine):
        """A polite answer, and the first one's session goes on."""
        with machine.waiting('service', *WHOLE, 'wait', 'close') as first:
            (name, result, rest), = machine.run('service')
            assert (name, result) == ('service', 'BUSY')
            assert 'connected already' in rest
            assert machine.lan.wine.settings()['tap ipv4'] == ['1380', '1', 'fixed', 'off']
            first.stdin.write(b'\n')
            first.stdin.flush()
            first.wait_line('^close: 0', 15)

    @pytest.mark.parametrize('message', [
        '', '00', 'ff' * 700, HELLO[:-2], HELLO + '00', '00060201' + '0001', '00040163',
        CHECK, PREPARE, PIN, CONFIGURE, END_REQUEST, OK,
    ], ids=['empty', 'short', 'garbage', 'cut', 'trailing', 'version', 'unknown', 'check',
            'prepare', 'pin', 'configure', 'end', 'reply'])
    def test_bad_first_message(self, machine, message):
        since = machine.mark()
        said = machine.run('pipe', 'send', message, 'read', 'read', 'drop')
        assert ERROR.match(said[2][2].removeprefix('reply '))
        assert said[3][2] == 'closed'
        assert machine.changes(since) == []

    @pytest.mark.parametrize('size', ['1025', '4096', '200000'])
    def test_huge_message(self, machine, size):
        since = machine.mark()
        machine.run('pipe', 'flood', size, 'read', 'drop')
        assert machine.changes(since) == []
        self.still_serves(machine)

    @pytest.mark.parametrize('wrong', [
        HELLO, CONFIGURE, 'ff' * 40, PIN[:-2], pin_of('e0000001'),
        pin6_of('0' * 20 + 'ffff7f000001')],
        ids=['hello', 'configure', 'garbage', 'half', 'multicast', 'mapped'])
    def test_wrong_order_undoes(self, machine, wrong):
        since = machine.mark()
        said = machine.run('pipe', 'send', HELLO, 'read', 'send', PREPARE, 'read', 'send', wrong,
                           'read', 'read', 'drop')
        assert said[2][2] == said[4][2] == f'reply {OK}'
        code = ERROR.match(said[6][2].removeprefix('reply '))[1]
        assert code in (INVALID, MALFORMED)
        assert said[7][2] == 'closed'
        assert machine.changes(since) == START[:3]
        machine.assert_untouched()

    @pytest.mark.parametrize(('guid', 'mac'), [
        (SECOND_GUID, MAC), (OTHER_GUID, MAC), (GUID, '00:11:22:33:44:55'), (GUID, '03:11:22:33:44:55'),
        (GUID, '00:00:00:00:00:00'), (GUID.replace('E', 'G'), MAC), (f'..\\{GUID}'[:38], MAC)],
        ids=['another-vpn', 'nobody', 'not-local', 'group', 'zero', 'no-guid', 'path'])
    def test_prepare_of_what_is_not_ours(self, machine, guid, mac):
        """Neither another adapter nor an address that could be somebody's is ever touched."""
        lan = machine.lan
        lan.run_windows('reg', 'import', windows_path(FAKES / 'second.reg'))
        since = machine.mark()
        message = '00300102' + guid.encode().hex() + mac.replace(':', '')
        said = machine.run('pipe', 'send', HELLO, 'read', 'send', message, 'read', 'drop')
        lan.run_windows('reg', 'delete', SECOND_KEY, '/f')
        assert said[2][2] == f'reply {OK}'
        assert ERROR.match(said[4][2].removeprefix('reply '))
        assert machine.changes(since) == []
        self.still_serves(machine)

    def test_no_reply_read(self, machine):
        """A caller who asks and asks and never reads is cut off, and its work undone while it is there."""
        since = machine.mark()
        with machine.waiting('pipe', 'send', HELLO, 'read', 'send', PREPARE, 'read', 'send', PIN, 'read',
                             'stuff', CHECK, 'wait') as caller:
            assert caller.text().count(f'reply {OK}') == 3, caller.text()
            assert re.search('^stuff: 0 error 233 after', caller.text(), re.MULTILINE), caller.text()
            machine.lan.wait_event(END[-1], since=since)
            self.still_serves(machine)
        machine.assert_untouched()

    def test_hundred_callers(self, machine):
        """They keep nobody out for longer than they are there, and disturb nobody who is in."""
        with machine.waiting('service', *WHOLE, 'wait', 'check', 'close') as first:
            said = machine.run('pipe', 'crowd', '100', 'drop')
            assert re.fullmatch(r'\d+ of 100 came in', said[1][2])
            first.stdin.write(b'\n')
            first.stdin.flush()
            first.wait_line('^check: 0 pinned=1 .*hold=1', 15)
            first.wait_line('^close: 0', 15)
        self.still_serves(machine)

    def test_silent_callers(self, machine):
        """Who opens the pipe and says nothing keeps nobody else out."""
        with machine.waiting('pipe', 'wait', name='silent-1'), \
                machine.waiting('pipe', 'wait', name='silent-2'):
            self.still_serves(machine)

    def test_service_is_killed(self, machine, service):
        """What the service leaves when it dies is restored when it starts, as at boot."""
        lan = machine.lan
        with machine.waiting('service', *WHOLE, 'wait'):
            assert lan.run_windows('taskkill', '/f', '/im', 'softlan-svc.exe').returncode == 0
        assert lan.wine.settings()['tap ipv4'] == ['1380', '1', 'fixed', 'off']
        assert lan.run_windows(service, '--install', seconds=60).returncode == 0
        machine.assert_untouched()

    def test_service_is_stopped(self, machine, service):
        """It undoes everything before it says that it has stopped."""
        lan = machine.lan
        with machine.waiting('service', *WHOLE, 'wait'):
            assert lan.run_windows(service, '--remove', seconds=60).returncode == 0
            machine.assert_untouched()
        assert machine.results('service') == [('service', 'NOTFOUND')]
        assert lan.run_windows(service, '--install', seconds=60).returncode == 0

    def test_log(self, machine):
        log = (machine.lan.wine.prefix / LOG).read_text()
        assert re.search(r'^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ started, version', log, re.MULTILINE)
        assert re.search(r'process \d+ of session \d+ begins', log)

    @pytest.mark.parametrize('blocked', [False, True], ids=['turned-over', 'old-one-is-stuck'])
    def test_log_is_bounded(self, machine, blocked):
        """A full log becomes the old one; where that cannot be, what was said is lost."""
        log = machine.lan.wine.prefix / LOG
        old = log.with_name('log.old.txt')
        old.unlink(missing_ok=True)
        if blocked:
            old.mkdir()
        with log.open('a') as file:
            file.write('x' * (LOG_BYTES_MAX - log.stat().st_size) + '\n')
        try:
            self.still_serves(machine)
            self.still_serves(machine)
            assert log.stat().st_size < 4096
            assert 'begins' in log.read_text()
            if not blocked:
                assert LOG_BYTES_MAX <= old.stat().st_size < LOG_BYTES_MAX + 4096
        finally:
            if blocked:
                old.rmdir()

    def still_serves(self, machine):
        assert machine.results('service', 'close') == [('service', '0'), ('close', '0')]
