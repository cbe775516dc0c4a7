"""
lanparty-client-win.exe --selftest: every check says something exactly once, what the stand-ins can show is ok, what
is broken turns its own line to failed with a remedy, and everything is put back.
"""

import json
import re
from pathlib import Path

import pytest
from bed.topology import RELAY_IP
from winbed.party import CLIENT, PERMANENT_MAC, windows_path
from winbed.wine import CLASS_KEY, FAKES, find

TABLE = Path(__file__).resolve().parents[2] / 'src/apps/client-win/selftest/table.h'
IDS = re.findall(r'^    X\([A-Z_]+, "([a-z-]+)"', TABLE.read_text(), re.MULTILINE)
STATUSES = 'ok', 'warning', 'failed', 'not tested'
LINE = re.compile(rf'^({"|".join(STATUSES)}) {{2,}}([a-z-]+) {{2,}}(\S.*\S)$')
SUMMARY = re.compile(r'^(\d+) ok, (\d+) warnings, (\d+) failed, (\d+) not tested(, interrupted)?$')

# What Wine, the driver and the shims show where nothing is broken. As fast as a PC they need not be.
EXPECTED = {
    'windows': 'warning',             # Wine says it is build 18362
    'elevation': 'ok',
    'adapter': 'ok',
    'driver': 'ok',
    'driver-signature': 'not tested',  # no .inf installed it
    'service': 'ok',
    'driver-answer': 'ok',
    'mac-restart': 'ok',
    'relay-name': 'not tested',       # no --relay
    'relay-route': 'ok',
    'settings': 'ok',
    'media': 'ok',
    'lease': 'ok',
    'mtu': 'ok',
    'metric': 'ok',
    'default-routes': 'ok',
    'uso': 'warning',                 # Wine has neither
    'uro': 'warning',
    'udp-speed': None,
    'tap-speed': None,
    'timer': None,
    'firewall': 'not tested',         # Wine has no rules
    'broadcast': 'ok',
    'dns': 'ok',
    'overlap': 'not tested',
    'network-category': 'warning',    # Wine's networks are public
    'undo': 'ok',
}
CHAIN = IDS[IDS.index('mac-restart') + 1:IDS.index('uso')]  # each needs the one before
NEED_MEDIA = ['tap-speed', 'broadcast']
NEED_SETTINGS = ['mtu', 'metric', 'default-routes']  # and no media
DNS = '192.168.11.1'    # of the player's own network
GIVEN = '198.18.77.2'  # the test's own lease


class Said:
    def __init__(self, done):
        self.status = done.returncode
        *lines, self.summary = done.stdout.splitlines()
        matches = [LINE.match(line) for line in lines]
        assert all(matches), done.stdout + done.stderr
        self.ids = [match[2] for match in matches]
        self.result = {match[2]: match[1] for match in matches}
        self.finding = {match[2]: match[3] for match in matches}

    def with_status(self, status: str) -> list:
        return [name for name in self.ids if self.result[name] == status]


@pytest.fixture(name='service', scope='module')
def service_fixture(lan):
    exe = find(lan.wine.build, 'softlan-svc.exe')
    assert lan.run_windows(exe, '--install', seconds=60).returncode == 0
    yield exe
    assert lan.run_windows(exe, '--remove', seconds=60).returncode == 0


@pytest.fixture(name='pc')
def pc_fixture(lan, service):
    """Nothing is changed before a test, and nothing after it."""
    del service
    lan.problems.clear()
    lan.wine.lease('uplink', DNS)
    yield lan
    lan.wine.fail_nothing()
    lan.running.pop(CLIENT, None)
    lan.run_win('--restore')
    assert lan.wine.settings() == {}
    assert lan.network_address() == ''


def selftest(pc, *options) -> Said:
    return Said(pc.run_win('--selftest', *options, seconds=90))


def assert_put_back(pc):
    assert pc.wine.settings() == {}
    assert pc.network_address() == ''


def assert_only_failure(said: Said, name: str, *parts):
    """Its finding says what to do; what stands on it was not tested, and says what it stands on."""
    assert said.with_status('failed') == [name], said.finding
    for part in parts:
        assert part in said.finding[name]
    assert said.status == 1


# ---- nothing is broken ----

def test_every_check_says_something_once(pc):
    since = len(pc.wine.lines())
    said = selftest(pc)
    assert said.ids == IDS
    assert set(EXPECTED) == set(IDS)
    assert {name: status for name, status in said.result.items() if EXPECTED[name]} == {
        name: status for name, status in EXPECTED.items() if status}, said.finding
    assert not said.with_status('failed')
    assert said.status == 0
    assert f'{DNS} of "uplink"' in said.finding['dns']
    counts = [int(number) for number in SUMMARY.match(said.summary).groups()[:4]]
    assert counts == [len(said.with_status(status)) for status in STATUSES]
    assert_put_back(pc)
    starts = [line for line in pc.wine.lines()[since:] if line.startswith('tap start')]
    assert len(starts) == 2  # with the test address, and with its own again
    assert said.finding['mac-restart'].split()[-1] in starts[0]
    assert starts[1] == f'tap start mac={PERMANENT_MAC}'
    assert GIVEN in said.finding['lease']


def test_json(pc):
    done = pc.run_win('--selftest', '--json', '--relay', RELAY_IP, seconds=90)
    *checks, summary = [json.loads(line) for line in done.stdout.splitlines()]
    assert [check['id'] for check in checks] == IDS
    for check in checks:
        assert sorted(check) == ['duration_ms', 'expected', 'finding', 'id', 'shows', 'status',
                                 'type']
        assert check['type'] == 'selftest' and check['status'] in STATUSES
    result = {check['id']: check for check in checks}
    assert result['relay-name']['status'] == result['relay-route']['status'] == 'ok'
    assert RELAY_IP in result['relay-name']['finding']
    assert '192.168.11.1' in result['relay-route']['finding']
    assert summary['type'] == 'selftest_summary' and summary['failed'] == 0
    assert summary['interrupted'] is False
    assert sum(summary[key] for key in ('ok', 'warning', 'failed', 'not_tested')) == len(IDS)
    assert done.returncode == 0
    assert f'ip route add {RELAY_IP}/32 via 192.168.11.1 dev uplink metric 93' in pc.wine.lines()
    assert_put_back(pc)


# ---- something is broken ----

def test_missing_service(pc, service):
    assert pc.run_windows(service, '--remove', seconds=60).returncode == 0
    try:
        said = selftest(pc)
    finally:
        assert pc.run_windows(service, '--install', seconds=60).returncode == 0
    assert_only_failure(said, 'service', 'install SoftLAN')
    assert said.result['mac-restart'] == said.result['undo'] == 'ok'


def test_missing_adapter(pc):
    pc.run_windows('reg', 'delete', CLASS_KEY, '/f')
    try:
        said = selftest(pc)
    finally:
        pc.run_windows('reg', 'import', windows_path(FAKES / 'adapter.reg'))
    assert_only_failure(said, 'adapter', 'install')
    for name in ['driver', 'driver-answer', 'mac-restart', *NEED_MEDIA, 'undo']:
        assert said.result[name] == 'not tested', name
    assert 'see adapter' in said.finding['mac-restart']
    assert said.result['service'] == said.result['dns'] == 'ok'


def test_broken_driver(pc):
    pc.wine.fail('tap get-mac', '1+')
    said = selftest(pc)
    assert_only_failure(said, 'driver-answer', 'install the TAP-Windows6 driver again')
    for name in ['mac-restart', *CHAIN, *NEED_MEDIA, 'undo']:
        assert said.result[name] == 'not tested', name
    assert 'see driver-answer' in said.finding['mac-restart']


def test_driver_that_does_not_take_the_address(pc):
    pc.wine.fail('tap start', '1+')
    said = selftest(pc)
    assert_only_failure(said, 'mac-restart', 'did not take the', 'restart Windows')
    for name in [*CHAIN, *NEED_MEDIA]:
        assert said.result[name] == 'not tested', name
    assert said.result['undo'] == 'ok'
    assert_put_back(pc)


@pytest.mark.parametrize(('nth', 'step', 'name', 'part'), [
    ('1+', 'device enable', 'mac-restart', 'could not be restarted'),
    ('1', 'ip route add', 'relay-route', 'the route to the relay cannot be set'),
    ('1', 'ip set tap ipv4 metric', 'settings', 'IPv4 metric cannot be set'),
    ('1', 'ip set tap ipv4 default-routes', 'settings', 'IPv4 default routes cannot be set'),
    ('1', 'tap media connected', 'media', 'media'),
], ids=lambda value: value.replace(' ', '-'))
def test_failing_step(pc, nth, step, name, part):
    """Only its own line fails; what was done before is put back."""
    pc.wine.fail(step, nth)
    said = selftest(pc)
    assert_only_failure(said, name, part)
    for later in CHAIN[CHAIN.index(name) + 1 if name in CHAIN else 0:]:
        if not (name == 'media' and later in NEED_SETTINGS):
            assert said.result[later] == 'not tested', later
    assert said.result['undo'] == 'ok'
    assert_put_back(pc)


def test_undo_that_fails(pc):
    pc.wine.fail('ip set tap ipv4 metric=1>auto')
    said = selftest(pc)
    assert_only_failure(said, 'undo', 'IPv4 metric (was auto)', 'lanparty-client-win.exe --restore')
    assert pc.wine.settings() == {'tap ipv4': ['1500', '1', 'fixed', 'on']}
    assert pc.run_win('--restore').returncode == 0
    assert_put_back(pc)


def test_lost_broadcast(pc):
    """It leaves through another interface, which is named."""
    elsewhere = pc.wine.folder / 'elsewhere'
    elsewhere.touch()
    said = selftest(pc)
    elsewhere.unlink()
    assert_only_failure(said, 'broadcast', 'sends broadcasts by "uplink"', 'disable that adapter')


def test_rivals_and_overlap(pc):
    """Another interface that is as good, and a party in the player's own subnet: warnings."""
    pc.wine.state.write_text('interface uplink 4 1500 1 fixed on\n')
    process = pc.start_windows(CLIENT, pc.client_exe, '--selftest')
    process.wait_line('^ok +lease', 30)
    (pc.wine.folder / 'addresses').write_text('192.168.11.77/24\n')
    status = process.wait(60)
    pc.wine.state.write_text('')
    text = process.text().replace('\r', '')
    assert re.search(r'^warning +metric .*"uplink"', text, re.MULTILINE), text
    assert re.search(r'^warning +overlap .*192\.168\.11', text, re.MULTILINE), text
    assert status == 0


def test_default_route_on_the_adapter(pc):
    pc.wine.state.write_text('route 0.0.0.0/0 10.77.0.1 tap 9999\n')
    said = selftest(pc)
    pc.wine.state.write_text('')
    assert_only_failure(said, 'default-routes', 'gateway')


# ---- interrupted ----

def test_interrupted(pc):
    """The running check ends, the others are left out, everything is put back."""
    process = pc.start_windows(CLIENT, pc.client_exe, '--selftest')
    process.wait_line('^ok +default-routes', 30)
    pc.running.pop(CLIENT)
    process.signal(2)
    assert process.wait(30) == 1
    text = process.text().replace('\r', '')
    assert re.search('^not tested +broadcast +the test was interrupted$', text, re.MULTILINE), text
    assert re.search('^ok +undo ', text, re.MULTILINE), text
    assert text.splitlines()[-1].endswith(', interrupted')
    assert_put_back(pc)


def test_killed_then_restored(pc):
    process = pc.start_windows(CLIENT, pc.client_exe, '--selftest')
    process.wait_line('^ok +default-routes', 30)
    since = len(pc.wine.lines())
    pc.kill(CLIENT)
    pc.wait_event('tap close', since=since)
    assert pc.wine.settings()['tap ipv4'] == ['1380', '1', 'fixed', 'off']
    assert pc.network_address() != ''
    assert pc.run_win('--restore').returncode == 0
    assert_put_back(pc)
