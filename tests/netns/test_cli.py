"""What people do wrong at the command line, and what happens around the programs while they run."""

import contextlib
import os
import re
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

import pytest
from bed import steps
from bed.netns import Failed, ip_json, udp_socket, wait_kernel
from bed.party import PLAYERS, TAP
from bed.processes import in_namespace, run
from bed.topology import LAN_HOST_IP, RELAY_IP, RELAY_IP6, changes, snapshot

FAILURE, USAGE, REJECTED, TRUST, RESOURCE = range(1, 6)
NOBODY = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', '--inh-caps=-all',
          '--bounding-set=-all']
PIN = '00' * 32


def error_line(status: int, said: str) -> str:
    """It ended by itself with that status, and the one error line is plain text."""
    lines = said.split('\n')
    errors = [line for line in lines if ' error: ' in line]
    assert len(errors) == 1, said
    assert lines[-2:] == [errors[0], ''], said
    assert re.fullmatch('[ -~]+', errors[0]), said
    assert status >= 0, f'ended by signal {-status}: {said}'
    return errors[0]


@pytest.fixture(scope='module')
def folder():
    """One that others may look into, and write to a part of it."""
    path = Path(tempfile.mkdtemp(prefix='softlan-cli-'))
    path.chmod(0o755)
    (path / 'nobody').mkdir()
    os.chown(path / 'nobody', 65534, 65534)
    for name in 'one', 'two':
        subprocess.run(['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt',
                        'ec_paramgen_curve:P-256', '-nodes', '-days', '30', '-subj', f'/CN={name}',
                        '-addext', 'subjectAltName=DNS:relay.example', '-keyout', path / f'{name}.key',
                        '-out', path / f'{name}.pem'], check=True, capture_output=True, timeout=20)
        (path / f'{name}.key').chmod(0o600)
    subprocess.run(['openssl', 'ec', '-in', path / 'one.key', '-aes128', '-passout', 'pass:x',
                    '-out', path / 'locked.key'], check=True, capture_output=True, timeout=20)
    (path / 'no.pem').write_text('nothing\n')
    yield path
    shutil.rmtree(path)


class Desk:
    """A newcomer's: runs one command line on a player's machine, to its end."""

    def __init__(self, party, folder):
        self.party = party
        self.folder = folder

    def fails(self, program: str, *options, host='player1', prefix=()) -> tuple:
        """(status, the error line) of a program that must end by itself."""
        before = snapshot(self.party.ns(host))
        result = run(self.party.ns(host), [*prefix, self.party.programs[program], *options],
                     check=False)
        assert changes(before, snapshot(self.party.ns(host))) == []
        return result.returncode, error_line(result.returncode, result.stderr)

    def relay(self, *options, **how) -> tuple:
        return self.fails('lanparty-relay', '--state-dir', self.folder / 'state', *options, **how)

    def gateway(self, *options, **how) -> tuple:
        return self.fails('lanparty-gateway', '--relay', RELAY_IP, '--room', 'R', '--identity',
                          self.folder / 'gateway.json', *options, **how)

    def client(self, *options, **how) -> tuple:
        return self.fails('lanparty-client', '--identity', self.folder / 'client.json', *options,
                          **how)


@pytest.fixture(scope='module')
def desk(lan, folder):
    return Desk(lan, folder)


# ---- the relay does not start ----

@pytest.mark.parametrize('options, status, says', [
    ('--bogus', USAGE, 'unknown option --bogus'),
    ('extra', USAGE, 'unexpected argument extra'),
    ('--listen', USAGE, '--listen needs a value'),
    ('--listen 443/tcp', USAGE, '"443/tcp" is no address to listen on: give a port'),
    ('--listen 70000', USAGE, '"70000" is no address'),
    ('--listen 1 --listen 2 --listen 3 --listen 4 --listen 5', USAGE, '8 sockets at most'),
    ('--max-clients 0', USAGE, '--max-clients 0: must be a number from 1 to 255'),
    ('--broadcast-rate 4294967296', USAGE, 'must be a number from 0 to 4294967295'),
    ('--client-rate 2T', USAGE, '--client-rate 2T: .*K, M or G may follow'),
    ('--log-frames text|json', USAGE, 'must be one of text|json'),
    ('--cert one.pem', USAGE, '--cert and --key go together'),
    ('--cert none.pem --key one.key', RESOURCE, 'none.pem: No such file'),
    ('--cert no.pem --key one.key', RESOURCE, 'no.pem holds no PEM certificate'),
    ('--cert one.pem --key two.key', RESOURCE, 'two.key: the private key does not belong'),
    ('--cert one.pem --key one.pem', RESOURCE, 'one.pem: no usable private key'),
    ('--cert one.pem --key locked.key', RESOURCE, r'locked.key: .*must not be encrypted'),
    ('--listen 192.0.2.99:443', RESOURCE, 'no interface of this machine has that address'),
    ('--listen [::1]:4433 --listen [::1]:4433', RESOURCE, 'port 4433 .* in use .*another port'),
    ('--dev-cert-der-out /dev/null', RESOURCE, '/dev/null is no regular file'),
])
def test_relay_refuses(desk, options, status, says, monkeypatch):
    monkeypatch.chdir(desk.folder)
    ended, line = desk.relay(*options.split())
    assert (ended, bool(re.search(says.replace('|', r'\|'), line))) == (status, True), line


def test_a_wrong_command_line_makes_nothing(desk):
    state = desk.folder / 'untouched'
    assert desk.fails('lanparty-relay', '--state-dir', state, '--listen', 'x')[0] == USAGE
    assert not state.exists()


def test_relay_without_root(desk):
    status, line = desk.fails('lanparty-relay', '--state-dir', desk.folder / 'nobody/state',
                              prefix=NOBODY)
    assert (status, 'ports below 1024 need root' in line) == (RESOURCE, True), line
    status, line = desk.fails('lanparty-relay', '--state-dir', desk.folder / 'nobody/state', '--cert',
                              desk.folder / 'one.pem', '--key', desk.folder / 'one.key',
                              '--listen', '4433', prefix=NOBODY)
    assert (status, 'one.key: Permission denied' in line) == (RESOURCE, True), line


def test_disk_full(desk):
    """Of 4 KiB that are used up: said, and no half file."""
    full = desk.folder / 'full'
    full.mkdir()
    script = f'mount -t tmpfs -o size=4k none {full} && head -c 4096 /dev/zero > {full}/x && ' \
        f'"$@"; status=$?; find {full} -type f -name "*.json*" -size +0 >&2; exit $status'
    prefix = ['unshare', '--mount', 'sh', '-c', script, 'sh']
    for program, options in (
            ('lanparty-relay', ['--state-dir', full / 'state', '--listen', '4433']),
            ('lanparty-client', ['--relay', RELAY_IP, '--room', 'R', '--identity', full / 'id.json'])):
        status, line = desk.fails(program, *options, prefix=prefix)
        assert (status, 'No space left on device' in line) == (RESOURCE, True), line


# ---- client and gateway do not start ----

@pytest.mark.parametrize('options, status, says', [
    ([], USAGE, '--relay HOST is missing'),
    (['--relay', 'r'], USAGE, '--room CODE is missing'),
    (['--relay', 'https://r', '--room', 'R'], USAGE, '"https://r" is no relay address'),
    (['--relay', '', '--room', 'R'], USAGE, 'no relay address'),
    (['--relay', 'a:b:c', '--room', 'R'], USAGE, 'no relay address'),
    (['--relay', 'r\x1b[31m', '--room', 'R'], USAGE, r'"r\\x1b\[31m" is no relay address'),
    (['--relay', RELAY_IP, '--room', 'two words'], USAGE, '--room "two words": a room code has'),
    (['--relay', RELAY_IP, '--room', 'R', '--name', '\x1b[31mred'], USAGE, r'--name "\\x1b\[31mred"'),
    (['--relay', RELAY_IP, '--room', 'R', '--relay-pin', '00'], USAGE, '64 hex digits'),
    (['--relay', RELAY_IP, '--room', 'R', '--relay-pin', PIN, '--relay-ca-cert', 'x'], USAGE,
     'exclude each other'),
    (['--relay', RELAY_IP, '--room', 'R', '--relay-ca-cert', 'none.der'], RESOURCE, 'none.der: No such'),
    (['--relay', RELAY_IP, '--room', 'R', '--relay-ca-cert', 'no.pem'], RESOURCE,
     'no.pem: .*not a DER certificate'),
    (['--relay', RELAY_IP, '--room', 'R', '--tap', 'a b'], USAGE, '--tap "a b"'),
    (['--relay', RELAY_IP, '--room', 'R', '--tap', 'tap%d'], USAGE, '--tap "tap%d"'),
    (['--relay', RELAY_IP, '--room', 'R', '--tap', 'x' * 16], USAGE, '1 to 15'),
    (['--relay', RELAY_IP, '--room', 'R', '--tap-mtu', '1501'], USAGE, '576 to 1500'),
    (['--relay', RELAY_IP, '--room', 'R', '--virtual-mac', '00:11:22:33:44:55'], USAGE,
     'locally administered'),
    (['--relay', RELAY_IP, '--room', 'R', '--use-party-dns'], USAGE, 'needs --dhcp'),
])
def test_client_refuses(desk, options, status, says, monkeypatch):
    monkeypatch.chdir(desk.folder)
    ended, line = desk.client(*options)
    assert (ended, bool(re.search(says, line))) == (status, True), line


@pytest.mark.parametrize('options, status, says', [
    ([], USAGE, 'give either --interface NAME or --bridge NAME'),
    (['--interface', 'a', '--bridge', 'b'], USAGE, 'give either'),
    (['--interface', 'none0'], RESOURCE, "no interface 'none0'"),
    (['--interface', 'lo'], RESOURCE, 'lo is the loopback interface: name the wired'),
    (['--bridge', 'none0'], RESOURCE, "no bridge 'none0'"),
    (['--bridge', 'uplink'], RESOURCE, 'uplink is no bridge: use --interface uplink'),
])
def test_gateway_refuses(desk, options, status, says):
    ended, line = desk.gateway(*options)
    assert (ended, says in line) == (status, True), line


def test_gateway_interface_that_is_down(desk):
    run(desk.party.ns('gw'), ['ip', 'link', 'set', 'lan0', 'down'])
    try:
        status, line = desk.gateway('--interface', 'lan0', host='gw')
        assert (status, 'ip link set lan0 up' in line) == (RESOURCE, True), line
    finally:
        run(desk.party.ns('gw'), ['ip', 'link', 'set', 'lan0', 'up'])
    wait_kernel(desk.party.ns('gw'), lambda: ip_json(desk.party.ns('gw'), 'link', 'show', 'dev', 'lan0')[0]
                ['operstate'] == 'UP', 5, 'lan0 up again')


def test_identity(desk):
    """Damaged: named, and left as it is. No file at all: named."""
    damaged = desk.folder / 'damaged.json'
    damaged.write_text('{}')
    for path, says in (damaged, 'is damaged: delete it'), ('/dev/null', 'is no regular file'):
        status, line = desk.fails('lanparty-client', '--relay', RELAY_IP, '--room', 'R',
                                  '--identity', path)
        assert (status, f'{path} {says}' in line) == (RESOURCE, True), line
    assert damaged.read_text() == '{}'


def test_no_permission(desk):
    """Said before the relay is asked to let a player in who cannot play."""
    status, line = desk.fails('lanparty-client', '--relay', RELAY_IP, '--room', 'R', '--identity',
                              desk.folder / 'nobody/id.json', prefix=NOBODY)
    assert (status, 'run as root' in line) == (RESOURCE, True), line
    status, line = desk.fails('lanparty-gateway', '--relay', RELAY_IP, '--room', 'R', '--identity',
                              desk.folder / 'nobody/id.json', '--interface', 'lan0', host='gw',
                              prefix=NOBODY)
    assert (status, 'run as root' in line) == (RESOURCE, True), line


def mounted(path, file) -> list:
    """A command behind this sees `file` as `path`."""
    return ['unshare', '--mount', '--propagation', 'private', 'sh', '-c',
            f'mount --bind {file} {path} && exec "$@"', 'sh']


def test_name_that_does_not_resolve(desk):
    conf = desk.folder / 'no-resolv.conf'
    conf.write_text('nameserver 127.0.0.1\n')  # nobody is there
    status, line = desk.client('--relay', 'relay.invalid', '--room', 'R',
                               prefix=mounted('/etc/resolv.conf', conf))
    assert (status, 'the name relay.invalid cannot be resolved' in line) == (FAILURE, True), line


def test_ctrl_c_while_dns_is_silent(lan, folder):
    """A resolver that never answers does not hold up the end."""
    conf = folder / 'silent-resolv.conf'
    conf.write_text(f'nameserver {RELAY_IP}\n')
    with udp_socket(lan.ns('relay'), port=53):
        client = lan.start('client-lost', 'player1', [
            *mounted('/etc/resolv.conf', conf), lan.programs['lanparty-client'], '--relay',
            'relay.example', '--room', 'R'])
        client.wait_line('looking up the address of relay.example takes long', 5)
        client.signal(signal.SIGINT)
        assert client.wait(1) == 0
    lan.running.pop('client-lost')


def test_tap_name_of_another_interface(desk):
    """Said before the relay is asked, which is not even there."""
    assert 'relay' not in desk.party.running
    status, line = desk.client('--relay', RELAY_IP, '--room', 'R', '--tap', 'uplink')
    assert (status, 'uplink exists and is no TAP: choose another name' in line) == (RESOURCE, True), line
    assert '(--tap NAME)' in line


def test_no_tun_device(desk):
    """The same: with no relay to ask."""
    assert 'relay' not in desk.party.running
    (desk.folder / 'empty').mkdir()
    status, line = desk.client('--relay', RELAY_IP, '--room', 'R',
                               prefix=mounted('/dev/net', desk.folder / 'empty'))
    assert status == RESOURCE, line
    assert re.search(r'/dev/net/tun is missing: .*modprobe tun.*container', line), line


# ---- while they run ----

@pytest.fixture(scope='module')
def open_party(lan, desk):
    lan.open(client_options=('--dhcp', '--report-interval', '1'))
    steps.first_replies(lan, ('player1', LAN_HOST_IP), ('player2', LAN_HOST_IP), seconds=10)
    return lan


def still_plays(party, player='player1', seconds=5):
    steps.first_replies(party, (player, LAN_HOST_IP), seconds=seconds)


def test_report_for_people(open_party):
    client = open_party.client('player1')
    address = open_party.address('player1')
    client.wait_line(r' info: state: joined, round trip [\d.]+ ms, gateway \S+, other player player2$', 5)
    client.wait_line(rf' info: adapter: {TAP} up, MTU 1380, .*{address}/24 \(DHCP\).*; relay by uplink via '
                     r'192.168.11.1, pinned$', 5)
    client.wait_line(r' info: traffic: \d+ frames from the party \(\d+ broadcast\), \d+ to it '
                     r'\(\d+ broadcast\); (nothing )?dropped', 5)


def second_player(party, *options, host='player1', tap='second0', **how):
    """Another one on the machine of the first, with what it needs of its own."""
    return party.start_client(host, '--name', 'second', *options, name='client-second', tap=tap, **how)


def ends(party, name: str, status: int, pattern: str):
    process = party.running.pop(name)
    assert process.wait(10) == status, process.text()
    line = error_line(status, process.err.read_text())
    assert re.search(pattern, line), line


def test_two_on_one_machine(open_party):
    """The same identity or TAP: refused. Both their own: both play."""
    party = open_party
    own = party.bed.directory / 'home/client-player1/softlan/lanparty-client-identity.json'
    second_player(party, '--identity', own)
    ends(party, 'client-second', RESOURCE, r'identity \S+ is in use .*--identity FILE')
    second_player(party, tap=TAP)
    ends(party, 'client-second', RESOURCE, f'TAP {TAP} is in use by another program.*another name.*--tap NAME')
    assert 'name=second' not in party.client('player2').text()  # it was not in the room for it

    def routes():
        return set(snapshot(party.ns('player1'))['routes'].splitlines())
    before = routes()
    second_player(party)
    wait_kernel(party.ns('player1'), lambda: ip_json(party.ns('player1'), 'link', 'show', 'dev', 'second0'),
                10, 'the second adapter')
    still_plays(party)
    party.stop('client-second')
    # the second took the first one's pin for its own and removed it: the first puts it back
    wait_kernel(party.ns('player1'), lambda: before <= routes(), 10, 'the routes before the second player')
    assert not [route for route in routes() if 'second0' in route]
    assert party.problems == []


def test_persistent_tap_is_given_back(open_party):
    ns = open_party.ns('player1')
    run(ns, ['ip', 'tuntap', 'add', 'dev', 'mine0', 'mode', 'tap'])
    run(ns, ['ip', 'link', 'set', 'mine0', 'address', '02:00:00:00:00:99', 'mtu', '1400'])

    def properties():
        link = ip_json(ns, 'link', 'show', 'dev', 'mine0')[0]
        return link['address'], link['mtu'], 'UP' in link['flags']
    before = properties()
    second_player(open_party, tap='mine0').wait_line('adapter mine0 is up', 10)
    assert properties() != before
    open_party.stop('client-second')
    assert properties() == before
    run(ns, ['ip', 'link', 'del', 'mine0'])
    assert open_party.problems == []


@pytest.mark.parametrize('options', [('--json', '--report-interval', '1'), ('--log-frames', 'text')],
                         ids=['diagnostics', 'frames'])
def test_reader_that_goes_away(open_party, folder, options):
    """`| head -1`: an end in good order, with nothing left behind."""
    party = open_party
    party.stop('client-player2')
    command = ['sh', '-c', '{ "$@"; echo "status=$?" >&2; } | head -n 1', 'sh',
               party.programs['lanparty-client'], *party.peer_options(), '--dhcp', '--name', 'head',
               '--identity', folder / 'head.json', *options]
    result = run(party.ns('player2'), command, seconds=20)
    assert result.stdout.count('\n') == 1
    assert 'nobody reads standard output any more: stopping' in result.stderr
    assert result.stderr.endswith('status=0\n'), result.stderr
    assert changes(party.untouched['player2'], snapshot(party.ns('player2'))) == []
    if 'name=head' in party.client('player1').text():
        party.client('player1').wait_line('a player left name=head .*reason=normal', 3)
    party.start_client('player2', '--dhcp')
    party.wait_lease('player2')


def test_reader_that_stalls(open_party, folder):
    """Nobody takes the output, more than a pipe holds: the player plays on."""
    party = open_party
    party.stop('client-player2')
    read, write = os.pipe()
    try:
        command = in_namespace(party.ns('player2'), [
            party.programs['lanparty-client'], *party.peer_options(), '--dhcp', '--log-frames', 'json',
            '--identity', folder / 'stalled.json'])
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=write,
                                   stderr=subprocess.DEVNULL)
        os.close(write)
        try:
            wait_kernel(party.ns('player2'), lambda: party.addresses('player2', 'inet'), 10, 'a lease')
            run(party.ns('player2'), ['ping', '-q', '-f', '-c', '2000', '-w', '10', LAN_HOST_IP])
            still_plays(party, 'player2')
        finally:
            process.terminate()
        assert process.wait(5) == 0
    finally:
        os.close(read)
    party.start_client('player2', '--dhcp')
    party.wait_lease('player2')


@pytest.mark.parametrize('signals', [[signal.SIGINT], [signal.SIGHUP], [signal.SIGTERM, signal.SIGTERM],
                                     [signal.SIGINT, signal.SIGINT]], ids=str)
def test_signals(open_party, signals):
    party = open_party
    client = party.running.pop('client-player2')
    for number in signals:
        client.signal(number)
    assert client.wait(5) == 0
    assert changes(party.untouched['player2'], snapshot(party.ns('player2'))) == []
    party.start_client('player2', '--dhcp')
    party.wait_lease('player2')


def test_adapter_deleted_under_it(open_party):
    client = open_party.client('player1')
    before = open_party.address('player1'), open_party.mac('player1')
    run(open_party.ns('player1'), ['ip', 'link', 'del', TAP])
    client.wait_line(f'the adapter {TAP} went away: making it anew', 3)
    open_party.wait_lease('player1')
    assert (open_party.address('player1'), open_party.mac('player1')) == before
    still_plays(open_party)


def test_cable_pulled(open_party):
    """At the switch, and the interface itself: said once, and it goes on by itself."""
    party = open_party
    gateway = party.running['gateway']
    for host, interface, gone, remedy, back in (
            ('lan', 'sw-gw', 'lan0 has no carrier', 'check the cable', 'lan0 has its carrier back'),
            ('gw', 'lan0', 'the LAN interface went down or away',
             "lan0 is down: bring it up with 'ip link set lan0 up'$", 'the LAN interface is back')):
        run(party.ns(host), ['ip', 'link', 'set', interface, 'down'])
        gateway.wait_line(gone, 5)
        gateway.wait_line(remedy, 5)
        run(party.ns(host), ['ip', 'link', 'set', interface, 'up'])
        gateway.wait_line(back, 5)
        still_plays(party)
        assert len(re.findall(gone, gateway.text())) == 1


def test_ipv6_relay(open_party):
    party = open_party
    party.restart_client('player2', '--dhcp', relay=RELAY_IP6, port=443)
    still_plays(party, 'player2')
    assert run(party.ns('player2'), ['ip', '-6', 'route', 'show', RELAY_IP6]).stdout.startswith(RELAY_IP6)
    party.restart_client('player2', '--dhcp')


def test_certificate_reload(lan, open_party, folder):
    """Good and bad files by SIGHUP; who is connected stays connected."""
    party = open_party
    cert, key = folder / 'live.pem', folder / 'live.key'

    def install(certificate, private):
        shutil.copy(folder / certificate, cert)
        shutil.copy(folder / private, key)
    install('one.pem', 'one.key')
    relay = party.start('relay-second', 'relay', [
        party.programs['lanparty-relay'], '--listen', '4433', '--cert', cert, '--key', key])
    relay.wait_line(':4433', 10)
    trusts = {name: ['--relay-ca-cert', folder / f'{name}.pem'] for name in ('one', 'two')}
    connected = second_player(party, trust=trusts['one'], server_name='relay.example', port=4433)
    connected.wait_line('adapter second0 is up', 10)
    for certificate, private, says in (
            ('two.pem', 'one.key', r'not reloaded, the old one stays: .*does not belong'),
            ('no.pem', 'two.key', r'not reloaded, the old one stays: .*no PEM'),
            ('two.pem', 'two.key', r'certificate reloaded')):
        install(certificate, private)
        relay.signal(signal.SIGHUP)
        relay.wait_line(says, 5)
    newcomer = party.start_client('player2', '--name', 'new', name='client-new', tap='new0',
                                  trust=trusts['two'], server_name='relay.example', port=4433)
    newcomer.wait_line('adapter new0 is up', 10)
    assert connected.status is None
    assert 'not connected' not in connected.text()
    party.start_client('player2', '--name', 'old', name='client-old', tap='old0', trust=trusts['one'],
                       server_name='relay.example', port=4433)
    ends(party, 'client-old', TRUST, 'the relay is not accepted: certificate not trusted')
    for name in 'client-new', 'client-second', 'relay-second':
        party.stop(name)
    assert party.problems == []


def test_relay_moves(lan, open_party, folder):
    """Its name gets another address: found there, and the route is pinned anew."""
    party = open_party
    hosts = folder / 'hosts'
    hosts.write_text(f'{RELAY_IP} relay.example\n')
    moved = '198.51.100.77'
    cert = folder / 'moving.der'

    def start_relay(listen):
        relay = party.start('relay-second', 'relay', [
            party.programs['lanparty-relay'], '--listen', listen, '--dev-cert-der-out', cert])
        relay.wait_line(':4433', 10)
    start_relay(f'{RELAY_IP}:4433')
    client = party.start('client-second', 'player1', [
        *mounted('/etc/hosts', hosts), party.programs['lanparty-client'],
        *party.peer_options(relay='relay.example', port=4433, trust=['--relay-ca-cert', cert]),
        '--tap', 'second0'])
    client.wait_line('adapter second0 is up', 10)
    run(party.ns('relay'), ['ip', 'addr', 'add', f'{moved}/24', 'dev', 'uplink'])
    try:
        hosts.write_text(f'{moved} relay.example\n')
        party.stop('relay-second')
        start_relay(f'{moved}:4433')
        client.wait_line(rf"the relay's name now means {moved}:4433", 10)
        client.wait_line('(joined|back in) the room(?s:.*)(joined|back in) the room', 10)

        def pinned():
            return [route for route in ip_json(party.ns('player1'), 'route') if route['dst'] == moved]
        wait_kernel(party.ns('player1'), pinned, 10, 'the new pin')
        party.stop('client-second')
        assert pinned() == []
        party.stop('relay-second')
    finally:
        run(party.ns('relay'), ['ip', 'addr', 'del', f'{moved}/24', 'dev', 'uplink'])
    assert party.problems == []


def test_frame_log_that_nobody_reads(lan):
    """A relay goes on without it."""
    script = '{ "$@"; echo "status=$?" >&2; } | head -n 1 >/dev/null'
    relay = lan.start('shell-relay', 'relay', [
        'sh', '-c', script, 'sh', lan.programs['lanparty-relay'], '--listen', '4434', '--log-frames', 'text',
        '--dev-cert-der-out', lan.bed.directory / 'shell.der'])
    relay.wait_line(':4434', 10)
    trust = ['--relay-ca-cert', lan.bed.directory / 'shell.der']
    clients = [lan.start_client(player, '--name', player, name=f'client-log-{player}', tap='log0', trust=trust,
                                port=4434) for player in PLAYERS]
    for client in clients:
        client.wait_line('adapter log0 is up', 10)
    relay.wait_line('nobody reads the frame log any more: it is off', 10)
    for player in PLAYERS:
        lan.stop(f'client-log-{player}')
    pid = int(run(lan.ns('relay'), ['ss', '-lunpH', 'sport = :4434']).stdout.partition('pid=')[2].split(',')[0])
    os.kill(pid, signal.SIGTERM)
    relay.wait_line('status=0', 5)
    lan.running.pop('shell-relay').wait(5)
    with contextlib.suppress(Failed):
        lan.stop_programs()
    assert lan.problems == []
