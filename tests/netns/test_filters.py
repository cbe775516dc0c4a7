"""
The safety filters on the wire: each frame of frames.py, as it is and padded so that it travels in two
pieces, from a player's adapter, from the LAN, and from a client that filters nothing itself.
What must not arrive is known not to have come when two control frames sent after it have.
"""

import itertools
import subprocess

import pytest
from bed import steps
from bed.netns import Port
from bed.party import TAP
from bed.processes import run
from bed.topology import LAN_HOST_IP
from frames import ROWS

CONTROL_TYPE = b'\x88\xb6'
HOSTILE_MAC = '02:00:5e:00:66:66'
SIDES = ('player-tap', 'hostile-player', 'lan')
numbers = itertools.count(1)


def octets(mac: str) -> bytes:
    return bytes.fromhex(mac.replace(':', ''))


def new_token() -> bytes:
    return b'token%07d' % next(numbers)


class Way:
    """Frames put in at one side, and where they come out."""

    def __init__(self, send, source: str, destination: str, exit_port: Port):
        self.send = send
        self.source = source
        self.destination = destination
        self.exit = exit_port

    def control(self) -> list:
        """Sends a frame that passes, and returns all that came out up to it."""
        token = new_token()
        self.send(octets(self.destination) + octets(self.source) + CONTROL_TYPE + bytes(34) + token)
        return self.exit.wait_for(token, 3)

    def came_through(self, frame: bytes, token: bytes) -> bool:
        self.exit.seen()
        self.send(frame)
        return any(token in seen for seen in self.control() + self.control())


class Hostile:
    """The test's own client: joins a room and sends each frame given to it, unfiltered."""

    def __init__(self, party, program):
        self.process = party.start('hostile', 'player2', [
            program, *party.peer_options(), '--virtual-mac', HOSTILE_MAC], stdin=subprocess.PIPE)
        self.process.wait_line('joined', 5)

    def send(self, frame: bytes):
        self.process.stdin.write(frame.hex().encode() + b'\n')
        self.process.stdin.flush()


@pytest.fixture(scope='module')
def ports(lan):
    """The party, with a player whose adapter takes full-size frames, and ports to watch."""
    lan.start_relay('--client-rate', '0')
    lan.start_gateway()
    lan.start_client('player1', '--dhcp', '--tap-mtu', '1500')
    lan.wait_lease('player1')
    # The relay has now learned where the LAN host is.
    run(lan.ns('player1'), ['ping', '-c1', '-i0.2', '-w5', LAN_HOST_IP])
    # At the switch's port, before the switch itself filters anything.
    with Port(lan.ns('player1'), TAP) as tap, Port(lan.ns('lan'), 'sw-gw') as switch_port:
        yield {'tap': tap, 'switch': switch_port}


@pytest.fixture(scope='module')
def ways(lan, ports):
    player, host = lan.mac('player1'), lan.bed.mac('host', 'eth0')
    return {
        'player-tap': Way(ports['tap'].send, player, host, ports['switch']),
        'lan': Way(ports['switch'].send, host, player, ports['tap']),
    }


@pytest.fixture(scope='module')
def hostile_way(lan, ports, build):
    program = build.resolve() / 'tests/tools/lp-hostile-client'
    if not program.exists():
        pytest.skip(f'{program.name} is not built')
    client = Hostile(lan, program)
    return Way(client.send, HOSTILE_MAC, lan.bed.mac('host', 'eth0'), ports['switch'])


def cases():
    for side in SIDES:
        for row in ROWS:
            if (row.lan if side == 'lan' else row.remote) is not None:
                for size in 'small', 'two pieces':
                    yield pytest.param(side, row, size, id=f'{side}: {row.name}: {size}')


@pytest.mark.parametrize('side, row, size', cases())
def test_frame(ways, side, row, size, request):
    way = request.getfixturevalue('hostile_way') if side == 'hostile-player' else ways[side]
    token = new_token()
    frame = bytes(row.build(way.source, way.destination))
    frame = frame.ljust((60 if size == 'small' else 1514) - len(token), b'\0') + token
    came_through = way.came_through(frame, token)
    assert came_through == (row.lan if side == 'lan' else row.remote)


def test_frame_above_1514_from_the_lan(lan, ways):
    """A LAN with jumbo frames: what is too large for everybody else is left out."""
    for host, interface in ('lan', 'sw-gw'), ('gw', 'lan0'):
        run(lan.ns(host), ['ip', 'link', 'set', interface, 'mtu', '2000'])
    try:
        way = ways['lan']
        arrived = {}
        for length in 1514, 1515, 1600, 2014:
            token = new_token()
            head = octets(way.destination) + octets(way.source) + CONTROL_TYPE
            arrived[length] = way.came_through(head.ljust(length - len(token), b'\0') + token, token)
    finally:
        for host, interface in ('lan', 'sw-gw'), ('gw', 'lan0'):
            run(lan.ns(host), ['ip', 'link', 'set', interface, 'mtu', '1500'])
    assert arrived == {1514: True, 1515: False, 1600: False, 2014: False}


def test_party_goes_on(lan, ways):
    """After all of that nobody was thrown out, and the party still works."""
    assert lan.client('player1').status is None
    assert steps.ping(lan.ns('player1'), LAN_HOST_IP, count=3)
