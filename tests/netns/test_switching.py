"""The switching table on the wire: who gets a frame, who does not, and how many within the buckets."""

import itertools
import time

import pytest
from bed import steps
from bed.netns import Port
from bed.party import PLAYERS, TAP
from bed.topology import LAN_HOST_IP

STRANGER = '02:00:5e:00:12:34'
BURST, PER_SECOND = 64, 32  # both frame buckets of a client
numbers = itertools.count(1)


def frame(destination: str, source: str, length=60) -> tuple:
    """A frame and the token to know it by."""
    token = b'frame%07d' % next(numbers)
    head = bytes.fromhex((destination + source).replace(':', '')) + b'\x88\xb6'
    return head.ljust(length - len(token), b'\0') + token, token


class Room:
    """Ports at every player's adapter and at the switch's port to the gateway."""

    def __init__(self, party):
        self.party = party
        self.ports = {player: Port(party.ns(player), TAP) for player in PLAYERS}
        self.ports['lan'] = Port(party.ns('lan'), 'sw-gw')
        self.macs = {player: party.mac(player) for player in PLAYERS}
        self.macs['lan'] = party.bed.mac('host', 'eth0')
        self.macs.update(stranger=STRANGER, broadcast='ff:ff:ff:ff:ff:ff',
                         multicast4='01:00:5e:01:02:03', multicast6='33:33:00:01:02:03')

    def close(self):
        for port in self.ports.values():
            port.close()

    def settle(self, ingress: str) -> dict:
        """Sends a frame to each other place and returns all that has come to each port by then."""
        seen = {}
        for place, port in self.ports.items():
            if place != ingress:
                control, token = frame(self.macs[place], self.macs[ingress])
                self.ports[ingress].send(control)
                seen[place] = port.wait_for(token, 3)
        seen[ingress] = self.ports[ingress].arrived()
        return seen

    def who_gets(self, ingress: str, destination: str, source='', length=60) -> set:
        for port in self.ports.values():
            port.seen()
        sent, token = frame(self.macs[destination], source or self.macs[ingress], length)
        self.ports[ingress].send(sent)
        first, second = self.settle(ingress), self.settle(ingress)
        return {place for place in self.ports
                if any(token in seen for seen in first[place] + second[place])}


@pytest.fixture(scope='module')
def room(lan):
    lan.open(client_options=('--dhcp', '--tap-mtu', '1500'))
    for player in PLAYERS:
        steps.ping(lan.ns(player), LAN_HOST_IP, count=1)
    room = Room(lan)
    yield room
    room.close()


TABLE = [
    ('player1', 'player2', {'player2'}),
    ('player1', 'lan', {'lan'}),
    ('player1', 'stranger', {'lan'}),
    ('player1', 'broadcast', {'player2', 'lan'}),
    ('player1', 'multicast4', {'player2', 'lan'}),
    ('player1', 'multicast6', {'player2', 'lan'}),
    ('player1', 'player1', set()),
    ('player2', 'broadcast', {'player1', 'lan'}),
    ('lan', 'player1', {'player1'}),
    ('lan', 'player2', {'player2'}),
    ('lan', 'stranger', set()),
    ('lan', 'broadcast', {'player1', 'player2'}),
    ('lan', 'multicast4', {'player1', 'player2'}),
    ('lan', 'multicast6', {'player1', 'player2'}),
]


@pytest.mark.parametrize('length', [60, 1514], ids=['whole', 'two pieces'])
@pytest.mark.parametrize('ingress, destination, expected', TABLE,
                         ids=[f'{ingress} to {destination}' for ingress, destination, _ in TABLE])
def test_row(room, ingress, destination, expected, length):
    assert room.who_gets(ingress, destination, length=length) == expected


@pytest.mark.parametrize('destination', ['player2', 'lan', 'broadcast'])
@pytest.mark.parametrize('source', ['player2', 'lan', 'stranger'])
def test_player_with_a_source_that_is_not_its_own(room, source, destination):
    assert room.who_gets('player1', destination, source=room.macs[source]) == set()


@pytest.mark.parametrize('destination', ['player1', 'broadcast'])
def test_lan_with_the_source_of_a_player(room, destination):
    assert room.who_gets('lan', destination, source=room.macs['player2']) == set()


@pytest.mark.parametrize('destination', ['stranger', 'broadcast'])
def test_bucket(room, destination):
    """A burst of 300 is cut to what the bucket holds; learned unicast passes all along."""
    room.party.restart_client('player1', '--dhcp', '--tap-mtu', '1500')  # a bucket that is full
    room.ports['player1'].close()
    room.ports['player1'] = Port(room.party.ns('player1'), TAP)
    room.settle('player1')
    burst = [frame(room.macs[destination], room.macs['player1']) for _ in range(300)]
    tokens = {token for _, token in burst}
    started = time.monotonic()
    for sent, _ in burst:
        room.ports['player1'].send(sent)
    seen = room.settle('player1')
    refilled = (time.monotonic() - started) * PER_SECOND
    arrived = sum(any(token in got for token in tokens) for got in seen['lan'])
    # The adapter's own few broadcasts (ARP, IPv6 ND) may have taken from it before.
    own = 24 if destination == 'broadcast' else 0
    assert BURST - own <= arrived <= BURST + refilled + 1


def test_learned_unicast_has_no_bucket(room):
    burst = [frame(room.macs['lan'], room.macs['player1']) for _ in range(300)]
    tokens = {token for _, token in burst}
    for sent, _ in burst:
        room.ports['player1'].send(sent)
    seen = room.settle('player1')['lan']
    assert sum(any(token in got for token in tokens) for got in seen) == 300


def test_full_rate_tcp_is_never_unknown_unicast(room):
    party = room.party
    party.stop('relay')
    relay = party.start_relay('--client-rate', '0', '--log-frames', 'text')
    steps.first_replies(party, ('player1', LAN_HOST_IP), seconds=6)
    for options in (), ('-R',):
        steps.iperf(party, 'player1', 'host', LAN_HOST_IP, *options, amount='-n8M')
    log = relay.text()
    assert log.count('frame_len') > 10000
    assert 'rate_unknown' not in log
