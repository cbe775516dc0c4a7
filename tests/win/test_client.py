"""
What the shipping client does to Windows: in which order, what is undone when a step fails, what a
killed one leaves and the next start restores. Asserted from the log of the driver and of the shims.
"""

import re

import pytest
from bed import steps
from bed.netns import Port, ip_json, udp_socket, wait_kernel
from bed.topology import LAN_HOST_IP, RELAY_IP
from winbed.party import ADAPTER, CLIENT, CONNECTION, GUID, PC, PERMANENT_MAC, windows_path
from winbed.wine import FAKES, SECOND_KEY

PIN = f'ip route add {RELAY_IP}/32 via 192.168.11.1 dev uplink'
UNPIN = f'ip route del {RELAY_IP}/32'
LOOKUP = f'ip route get {RELAY_IP} dev uplink'
CONFIGURED = {
    'tap ipv4': ['1380', '1', 'fixed', 'off'], 'tap ipv6': ['1380', '25', 'auto', 'off'],
    'tap dns': ['192.168.11.53'], 'tap dns6': ['::1']}

macs = (f'02:5a:00:00:00:{number:02x}' for number in range(256))


def with_new_mac() -> tuple:
    """Our own adapter keeps its MAC address until the next restart: this makes one necessary."""
    return '--virtual-mac', next(macs)


def in_order(lines: list, *beginnings) -> list:
    """Where in the lines each of the steps is, each behind the one before; fails when one is not."""
    at, found = 0, []
    for beginning in beginnings:
        while at < len(lines) and not lines[at].startswith(beginning):
            at += 1
        if at == len(lines):
            raise AssertionError(f'no "{beginning}" where it belongs in\n' + '\n'.join(lines))
        found.append(at)
        at += 1
    return found


@pytest.fixture(scope='module')
def relay_and_gateway(lan):
    lan.start_relay('--client-rate', '0')
    lan.start_gateway()
    return lan


@pytest.fixture
def party(relay_and_gateway):
    """No client runs, before or after, and each leaves Windows as it was."""
    party = relay_and_gateway
    party.problems.clear()
    party.wine.lease('uplink', '192.168.11.53')
    party.since = len(party.wine.lines())
    yield party
    party.wine.fail_nothing()
    if CLIENT in party.running:
        party.stop(CLIENT)
    assert party.wine.settings() == {}
    assert party.problems == []


def new_lines(party) -> list:
    return party.wine.lines()[party.since:]


def start_and_join(party, *options, **how):
    client = party.start_win(*options, **how)
    client.wait_line('the adapter is up', 20)
    return client


def only_error(said: str) -> str:
    errors = [line for line in said.splitlines() if ' error: ' in line]
    assert len(errors) == 1, said
    return errors[0]


# ---- order ----

def test_order_of_the_start(party):
    """Up to the pin without the relay, the rest when it lets us in: QUIC lies between the two."""
    party.stop('relay')
    client = party.start_win(*with_new_mac())
    client.wait_line('connecting to relay', 20)
    before = new_lines(party)
    in_order(before, 'device disable', 'device enable', 'tap start', 'tap get-mac', 'tap open',
             'tap media disconnected', LOOKUP, PIN, LOOKUP)
    assert not [line for line in before if line.startswith('ip set') or line == 'tap media connected']

    party.start_relay('--client-rate', '0')
    client.wait_line('the adapter is up', 20)
    after = new_lines(party)[len(before):]
    configured = in_order(after, 'ip set tap ipv4 mtu=1500>1380', 'ip set tap ipv4 metric=auto>1',
                          'ip set tap ipv4 default-routes=on>off', 'tap media connected', LOOKUP)
    in_order(after[:configured[3]], 'ip set tap ipv6 mtu=1500>1380')
    in_order(after[:configured[3]], 'ip set tap ipv6 default-routes=on>off',
             'ip dns tap ->192.168.11.53', 'ip dns6 tap ->::1')
    settings = party.wine.settings()
    assert settings == {**CONFIGURED, f'route {RELAY_IP}/32': settings[f'route {RELAY_IP}/32']}
    party.wait_pc_lease()
    steps.first_replies(party, (PC, LAN_HOST_IP), seconds=5)


def test_party_dns_when_asked(party):
    """Then nothing is done about DNS: Windows takes what DHCP gives."""
    client = start_and_join(party, '--use-party-dns', '--json', '--report-interval', '1')
    party.wait_pc_lease()
    report = client.wait_json(lambda said: said.get('settings', {}).get('hold'), 20, 'a report')
    assert report['settings']['dns_kept'] is False
    assert not [line for line in new_lines(party) if line.startswith('ip dns')]
    assert 'tap dns' not in party.wine.settings()


def test_order_of_the_end(party):
    """Everything in reverse, the media first; the MAC setting is gone too."""
    start_and_join(party)
    started = len(new_lines(party))
    party.stop(CLIENT)
    in_order(new_lines(party)[started:], 'tap media disconnected', 'tap close',
             'ip dns6 tap ::1>-', 'ip dns tap 192.168.11.53>-',
             'ip set tap ipv4 default-routes=off>on', 'ip set tap ipv4 metric=1>auto',
             'ip set tap ipv4 mtu=1380>1500', UNPIN)
    assert party.wine.settings() == {}
    assert party.network_address() == ''


def test_unresolved_name_changes_no_route(party):
    client = party.start_win(*with_new_mac(), relay='no-such-relay.invalid')
    assert client.wait(30) not in (None, 0)
    party.running.pop(CLIENT)
    assert 'resolved' in only_error(client.text())
    lines = new_lines(party)
    in_order(lines, 'tap start', 'tap media disconnected', 'tap close')
    assert not [line for line in lines if line.startswith('ip ')]
    assert party.network_address() == ''


# ---- a failure at each step ----

@pytest.mark.parametrize(('nth', 'step', 'says'), [
    ('1+', 'device enable', 'restart'),
    ('3', 'tap get-mac', 'driver'),
    ('3', 'tap open', 'driver of adapter'),
    ('1', 'tap media disconnected', 'driver'),
    ('1+', 'ip route get', 'route to the relay'),
    ('1', 'ip route add', 'route'),
    ('2', 'ip route get', 'route to the relay'),
    ('1', 'ip set tap ipv4 mtu', 'mtu'),
    ('1', 'ip set tap ipv4 metric', 'metric'),
    ('1', 'ip set tap ipv4 default-routes', 'default'),
    ('1', 'ip set tap ipv6 default-routes', 'default'),
    ('1', 'ip dns tap', 'DNS servers'),
    ('1', 'ip dns6 tap', 'DNS servers'),
    ('1', 'tap media connected', 'media'),
    ('4+', 'ip route get', "relay's route"),
], ids=lambda value: value.replace(' ', '-'))
def test_failing_step(party, nth, step, says):
    """One clear line, an error status, and nothing is left changed."""
    party.wine.fail(step, nth)
    client = party.start_win(*with_new_mac())
    status = client.wait(40)
    party.running.pop(CLIENT).kill()
    lines = new_lines(party)
    assert any(line.startswith(step) and line.endswith('-> failed') for line in lines), lines
    assert status not in (None, 0), client.text()
    assert re.search(says, only_error(client.text()), re.IGNORECASE)
    assert party.wine.settings() == {}
    assert party.network_address() == ''
    taps = [line for line in lines if line in ('tap open', 'tap close', 'tap media connected')]
    assert taps[-1] == 'tap close'


def test_failing_ipv6_mtu_is_no_failure(party):
    """It is best effort."""
    party.wine.fail('ip set tap ipv6 mtu', '1+')
    start_and_join(party)
    assert party.wine.settings()['tap ipv4'] == CONFIGURED['tap ipv4']
    party.wait_pc_lease()


def test_failing_undo_is_told(party):
    """What could not be put back is named, and --restore tries again."""
    client = start_and_join(party)
    party.wine.fail('ip set tap ipv4 metric=1>auto')
    party.stop(CLIENT)
    assert re.search(r'could not be put back.*metric', client.text(), re.IGNORECASE), client.text()
    assert party.wine.settings() == {'tap ipv4': ['1500', '1', 'fixed', 'on']}
    assert party.run_win('--restore').returncode == 0


# ---- killed ----

def is_up(party) -> bool:
    return any(link['ifname'] == ADAPTER and link['operstate'] == 'UP'
               for link in ip_json(party.ns(PC), 'link'))


def killed_client(party):
    """Killed in the middle of the party: the cable is out, and what it changed stays changed."""
    start_and_join(party)
    party.wait_pc_lease()
    since = len(party.wine.lines())
    party.kill(CLIENT)
    party.wait_event('tap close', since=since)
    wait_kernel(party.ns(PC), lambda: not is_up(party), 5, 'the cable out')
    left = party.wine.settings()
    assert left == {**CONFIGURED, f'route {RELAY_IP}/32': left[f'route {RELAY_IP}/32']}
    assert party.network_address() != ''


def test_killed_then_restored(party):
    killed_client(party)
    done = party.run_win('--restore')
    assert done.returncode == 0, done.stderr
    assert party.wine.settings() == {}
    assert party.network_address() == ''
    assert ' 0 settings put back' in party.run_win('--restore').stderr


def test_killed_then_started(party):
    """The next start restores everything before it changes anything, and plays."""
    killed_client(party)
    since = len(party.wine.lines())
    start_and_join(party)
    in_order(party.wine.lines()[since:],
             'ip set tap ipv4 default-routes=off>on', 'ip set tap ipv4 metric=1>auto',
             'ip set tap ipv4 mtu=1380>1500', UNPIN, 'tap media disconnected', PIN,
             'ip set tap ipv4 mtu=1500>1380', 'tap media connected')
    party.wait_pc_lease()
    steps.first_replies(party, (PC, LAN_HOST_IP), seconds=5)


def test_restore_leaves_what_is_somebody_elses(party):
    """A setting that somebody else changed since stays as they made it."""
    killed_client(party)
    state = party.wine.state
    state.write_text(state.read_text().replace('1380 1 fixed', '1380 55 fixed'))
    assert party.run_win('--restore').returncode == 0
    assert party.wine.settings() == {'tap ipv4': ['1500', '55', 'fixed', 'on']}
    state.write_text('')


# ---- while it runs ----

def test_lost_pin_is_put_back(party):
    start_and_join(party)
    since = len(party.wine.lines())
    state = party.wine.state
    state.write_text(re.sub(r'^route .*\n', '', state.read_text(), flags=re.MULTILINE))
    party.wait_events(lambda lines: [line for line in lines[since:] if line.startswith(PIN)], 10,
                      'the pin again')


def test_changed_metric_is_put_back(party):
    client = start_and_join(party)
    since = len(party.wine.lines())
    state = party.wine.state
    state.write_text(state.read_text().replace('1380 1 fixed', '1380 25 auto'))
    party.wait_event('ip set tap ipv4 metric=auto>1', since=since)
    client.wait_line('put back', 5)


def test_changed_default_routes_are_put_back(party):
    client = start_and_join(party)
    since = len(party.wine.lines())
    state = party.wine.state
    state.write_text(state.read_text().replace('1380 1 fixed off', '1380 1 fixed on'))
    party.wait_event('ip set tap ipv4 default-routes=on>off', since=since)
    client.wait_line('put back', 5)


def test_own_dns_servers_that_change(party):
    """What the player's network gives him later is his too; the party's is never used."""
    start_and_join(party)
    since = len(party.wine.lines())
    party.wine.lease('uplink', '192.168.11.54', '2001:db8:11::54')
    party.wait_event('ip dns tap 192.168.11.53>192.168.11.54', since=since)
    party.wait_event('ip dns6 tap ::1>2001:db8:11::54', since=since)
    party.stop(CLIENT)
    assert party.wine.settings() == {}


def test_route_that_was_there_is_borrowed(party):
    """An identical host route is used and never deleted."""
    party.wine.state.write_text(f'route {RELAY_IP}/32 192.168.11.1 uplink 7\n')
    client = start_and_join(party, '--json')
    said = client.wait_json(lambda report: report['route']['pinned'], 10, 'the pin')
    party.stop(CLIENT)
    assert said['route']['borrowed']
    assert not [line for line in new_lines(party) if line.startswith(('ip route add', 'ip route del'))]
    assert party.wine.settings() == {f'route {RELAY_IP}/32': ['192.168.11.1', 'uplink', '7']}
    party.wine.state.write_text('')


# ---- do games find the party? ----

CHECK_MARK = b'SoftLAN?'


def checked(client) -> dict:
    return client.wait_json(lambda report: report['broadcast']['checked'], 20, 'the check')['broadcast']


@pytest.fixture
def elsewhere(party):
    """Windows sends broadcasts by another adapter."""
    mark = party.wine.folder / 'elsewhere'
    mark.touch()
    yield mark
    mark.unlink(missing_ok=True)


def test_broadcast_that_leaves_by_the_adapter(party):
    """It is seen there, and kept from the party."""
    with Port(party.ns('host'), 'eth0') as lan:
        client = start_and_join(party, '--json')
        assert checked(client) == {'checked': True, 'left_by_adapter': True, 'reason': ''}
        client.wait_line('info: broadcasts leave by the adapter', 5)
        with udp_socket(party.ns(PC), party.pc_addresses()[0]) as game:
            game.sendto(b'a game', ('255.255.255.255', 9))
        assert not [frame for frame in lan.wait_for(b'a game', 5) if CHECK_MARK in frame]


def test_broadcast_that_goes_elsewhere(party, elsewhere):
    """The player is told once by which adapter, and when a remedy has worked."""
    client = start_and_join(party, '--json')
    said = checked(client)
    assert not said['left_by_adapter']
    assert '"uplink"' in said['reason']
    elsewhere.unlink()
    state = party.wine.state
    state.write_text(state.read_text().replace('1380 1 fixed', '1380 25 auto'))  # checked again when put back
    client.wait_json(lambda report: report['broadcast']['left_by_adapter'], 15, 'the check again')
    assert len(re.findall(r'warning: games may not find', client.text())) == 1


def test_broadcast_behind_on_purpose(party):
    client = start_and_join(party, '--json', '--tap-metric', '9000')
    assert '--tap-metric' in checked(client)['reason']


# ---- options ----

def test_conservative_metric(party):
    start_and_join(party, '--tap-metric', '9000')
    assert party.wine.settings()['tap ipv4'] == ['1380', '9000', 'fixed', 'off']


def test_virtual_mac(party):
    start_and_join(party, '--virtual-mac', '02:5b:00:00:00:07')
    party.wait_pc_lease()
    assert party.pc_mac() == '02:5b:00:00:00:07'
    assert party.network_address().lower() == '025b00000007'


@pytest.mark.parametrize('mac', ['00:11:22:33:44:55', '03:00:00:00:00:01', 'nonsense'])
def test_mac_that_is_not_local(party, mac):
    done = party.run_win('--relay', RELAY_IP, '--room', 'X', '--virtual-mac', mac)
    assert done.returncode == 2
    assert 'MAC' in only_error(done.stderr) or 'mac' in only_error(done.stderr)
    assert new_lines(party) == []


def test_second_client_is_refused(party):
    """It says so, and the first one plays on."""
    start_and_join(party)
    before = party.wine.settings()
    done = party.run_win('--relay', RELAY_IP, '--room', 'X', '--relay-pin', '00' * 32,
                         '--identity', r'C:\softlan-test\second.json')
    assert done.returncode == 5
    assert 'already' in only_error(done.stderr)
    assert party.wine.settings() == before
    party.wait_pc_lease()
    steps.first_replies(party, (PC, LAN_HOST_IP), seconds=5)


def test_identity_in_use(party):
    start_and_join(party)
    done = party.run_win('--relay', RELAY_IP, '--room', 'X', '--relay-pin', '00' * 32,
                         '--identity', r'C:\softlan-test\identity.json')
    assert done.returncode == 5
    assert 'in use' in only_error(done.stderr)


# ---- which adapter ----

@pytest.fixture
def several(party):
    """Another VPN's adapter beside ours."""
    party.run_windows('reg', 'import', windows_path(FAKES / 'second.reg'))
    yield party
    party.run_windows('reg', 'delete', SECOND_KEY, '/f')
    party.run_windows('reg', 'import', windows_path(FAKES / 'adapter.reg'))


def rename_ours(party, name: str):
    party.run_windows('reg', 'add', CONNECTION, '/v', 'Name', '/t', 'REG_SZ', '/d', name, '/f')


def test_list_needs_no_relay(party):
    done = party.run_win('--list-tap-adapters')
    assert done.returncode == 0
    assert done.stdout == f'{GUID}  SoftLAN  (made by SoftLAN)\n'


def test_own_adapter_is_chosen(several):
    done = several.run_win('--list-tap-adapters', '--json')
    assert len(done.stdout.splitlines()) == 2
    start_and_join(several)


def test_several_adapters_need_a_choice(several):
    rename_ours(several, 'Ethernet 3')
    done = several.run_win('--relay', RELAY_IP, '--room', 'X', '--identity',
                           r'C:\softlan-test\second.json')
    assert done.returncode == 2
    for word in GUID, 'Ethernet 3', 'Another VPN', '--tap-instance-id':
        assert word in only_error(done.stderr)
    assert new_lines(several) == []


def test_chosen_adapter_gets_its_mac_back(several):
    """An adapter that is not ours is restarted at the end too, so that it has its own address."""
    rename_ours(several, 'Ethernet 3')
    start_and_join(several, '--tap-instance-id', GUID.lower())
    several.stop(CLIENT)
    assert f'tap start mac={PERMANENT_MAC}' in new_lines(several)[-3:]
