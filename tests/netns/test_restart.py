"""Restarts, early and late arrivals, and everything that a peer must be told in one clear line."""

import re

import pytest
from bed import steps
from bed.netns import Deadline, Failed, Port, udp_socket
from bed.party import PLAYERS, TAP
from bed.topology import LAN_HOST_IP

WITHIN = 3.0  # seconds after the process is up
DHCP_DISCOVER = b'\x63\x82\x53\x63\x35\x01\x01'  # magic cookie, then the message type


def everybody_talks(party, seconds) -> float:
    return steps.first_replies(
        party, ('player1', LAN_HOST_IP), ('host', party.address('player2')),
        ('player1', party.address('player2')), seconds=seconds)


def identity(party) -> dict:
    """What must survive: process, MAC and lease of each player."""
    return {player: (party.client(player).pid, party.client(player).status, party.mac(player),
                     party.address(player)) for player in PLAYERS}


@pytest.fixture(scope='module')
def open_party(lan):
    lan.open()
    everybody_talks(lan, 10)
    return lan


@pytest.mark.parametrize('end', ['stop', 'kill'])
def test_gateway_restart(open_party, end):
    party = open_party
    before = identity(party)
    getattr(party, end)('gateway')
    party.start_gateway()
    everybody_talks(party, WITHIN)
    assert identity(party) == before
    assert party.problems == []


@pytest.mark.parametrize('end', ['stop', 'kill'])
def test_relay_restart(open_party, end):
    party = open_party
    before = identity(party)
    getattr(party, end)('relay')
    party.start_relay()
    everybody_talks(party, WITHIN)
    assert identity(party) == before
    assert party.problems == []


def test_relay_away_for_longer(open_party):
    """Players notice, keep what they have, and come back by themselves."""
    party = open_party
    before = identity(party)
    party.kill('relay')
    with pytest.raises(Failed):
        steps.run(party.ns('player1'), ['ping', '-q', '-c1', '-i0.5', '-w8', LAN_HOST_IP])
    party.start_relay()
    everybody_talks(party, 5 + WITHIN)  # a back-off of at most 5 s may just have begun
    assert identity(party) == before


def test_killed_player_comes_back(open_party):
    """Its own dead connection does not lock a player out, and it gets the same address."""
    party = open_party
    before = party.mac('player1'), party.address('player1')
    party.kill('client-player1')
    party.start_client('player1', '--dhcp')
    party.wait_lease('player1')
    everybody_talks(party, WITHIN)
    assert (party.mac('player1'), party.address('player1')) == before


def test_player_before_gateway(open_party):
    """The lease comes as soon as the gateway is there, not at the DHCP client's next try."""
    party = open_party
    party.stop('client-player1')
    party.stop('gateway')
    client = party.start_client('player1', '--dhcp')
    steps.wait_link(party, 'player1')
    with Port(party.ns('player1'), TAP) as port:
        deadline = Deadline(10)
        discovers = 0
        while discovers < 3:
            assert deadline.readable(port.sock), 'no DHCPDISCOVER on the adapter'
            discovers += sum(DHCP_DISCOVER in frame for frame, outgoing in port.seen() if outgoing)
    assert party.addresses('player1', 'inet') == []
    party.start_gateway()
    party.wait_lease('player1', WITHIN)
    assert client.status is None
    everybody_talks(party, WITHIN)


# ---- told in one clear line ----

def one_clear_line(process, pattern: str, seconds=10.0):
    """It ends with an error status and has said exactly one error line, which matches."""
    status = process.wait(seconds)
    said = process.err.read_text()
    assert status not in (None, 0), said
    assert status > 0, f'ended by signal {-status}'
    errors = [line for line in said.splitlines() if ' error: ' in line]
    assert len(errors) == 1, said
    assert re.search(pattern, errors[0], re.IGNORECASE), said


def second_client(party, *options, host='gw', **peer):
    """A client that is to fail, on a machine that has none yet."""
    return party.start_client(host, *options, name='client-second', tap='second0', **peer)


@pytest.fixture
def failing(open_party):
    """The party, and afterwards the one that failed is gone and everybody else still plays."""
    yield open_party
    for name in 'client-second', 'gateway-second':
        process = open_party.running.pop(name, None)
        if process:
            process.stop()
    everybody_talks(open_party, WITHIN)


def test_second_gateway(failing):
    gateway = failing.start_gateway(name='gateway-second')
    one_clear_line(gateway, r'already has a gateway')


def test_duplicate_mac(failing):
    client = second_client(failing, '--virtual-mac', failing.mac('player1'))
    one_clear_line(client, r'same MAC address')


@pytest.mark.parametrize('mac', ['00:11:22:33:44:55', '03:00:00:00:00:01', 'nonsense'])
def test_mac_that_is_not_local(failing, mac):
    one_clear_line(second_client(failing, '--virtual-mac', mac), r'MAC')


@pytest.mark.parametrize('code', ['two words', 'x' * 65, 'a/b', '', 'caf\u00e9', 'a\nb'])
def test_bad_room_code(failing, code):
    one_clear_line(second_client(failing, room=code), r'room code')


def test_wrong_pin(failing):
    client = second_client(failing, trust=['--relay-pin', '00' * 32])
    one_clear_line(client, r'fingerprint|certificate')


def test_certificate_that_nobody_trusts(failing):
    client = second_client(failing, trust=[])
    one_clear_line(client, r'certificate')


def test_wrong_server_name(failing):
    client = second_client(failing, server_name='elsewhere.example')
    one_clear_line(client, r'certificate|elsewhere\.example')


def test_relay_that_never_answers(failing):
    with udp_socket(failing.ns('relay'), port=4433):
        client = second_client(failing, host='player1', port=4433)
        line = client.wait_line(r'.*UDP may be blocked.*', 10)[0]
    assert 'another' in line
    assert 'port' in line


def test_room_full(lan, open_party):
    """--max-clients 1: the first player plays on, the second is told."""
    party = open_party
    party.stop('client-player2')
    party.stop('relay')
    party.start_relay('--max-clients', '1')
    steps.first_replies(party, ('player1', LAN_HOST_IP), seconds=5 + WITHIN)
    client = party.start_client('player2', '--dhcp', name='client-second')
    one_clear_line(client, r'full')
    party.running.pop('client-second')
    steps.first_replies(party, ('player1', LAN_HOST_IP), seconds=WITHIN)
