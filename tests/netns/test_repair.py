"""
A player whose wire loses one packet in twenty, each way: a game's packets arrive all the same, once each,
and the counters tell by which means. How fast is not for a test to say: make bench measures.
"""

import pytest
from bed.lossy import LossyPort
from bed.netns import Deadline, udp_socket
from bed.party import RELAY_PORT
from bed.topology import LAN_HOST_IP, RELAY_IP

LOSSY_PORT = 4433
GAME_PORT = 27015
LOSS = 0.05
PACKETS = 300
FEW = 6  # of those, lost twice in a row or when QUIC had no time to find out
TURN = 0.008  # seconds to the next packet: faster flows are not sent twice


@pytest.fixture(params=['on', 'auto', 'off'])
def lossy(lan, request):
    """Relay and gateway on sound wires, player1 behind a lossy one; all of them with one --duplicate."""
    how = ('--duplicate', request.param)
    lan.start_relay('--client-rate', '0', *how)
    lan.start_gateway(*how)
    try:
        with LossyPort(lan.ns('relay'), RELAY_IP, LOSSY_PORT, RELAY_PORT, LOSS) as wire:
            lan.start_client('player1', '--dhcp', '--json', '--report-interval', '1', *how,
                             port=LOSSY_PORT)
            lan.wait_lease('player1', 30)
            lan.mode, lan.wire = request.param, wire
            yield lan
            lan.stop('client-player1')
    finally:
        for name in 'gateway', 'relay':
            lan.stop(name)


def play(lan) -> tuple:
    """A question each turn, answered by the LAN host: the numbers that came, and came back."""
    asked, answered = [], []
    with udp_socket(lan.ns('host'), LAN_HOST_IP, GAME_PORT) as host, \
            udp_socket(lan.ns('player1'), lan.address('player1')) as player:

        def turn(until):
            while ready := until.readable(host, player):
                if host in ready:
                    data, peer = host.recvfrom(100)
                    asked.append(int(data))
                    host.sendto(data, peer)
                if player in ready:
                    answered.append(int(player.recv(100)))
        for number in range(PACKETS):
            player.sendto(b'%080d' % number, (LAN_HOST_IP, GAME_PORT))
            turn(Deadline(TURN))
        turn(Deadline(1))  # what is under way, and copies of it
    return asked, answered


def test_a_game_on_a_lossy_wire(lossy):
    before = lossy.wire.dropped
    asked, answered = play(lossy)
    dropped = lossy.wire.dropped - before
    count = len(lossy.client('player1').json_lines())
    said = lossy.client('player1').wait_for(lambda: lossy.client('player1').json_lines()[count:],
                                            20, 'diagnostics')[0]
    assert dropped > 10  # or the wire was no test
    assert len(asked) == len(set(asked)) and len(answered) == len(set(answered))
    assert len(asked) >= PACKETS - FEW
    assert len(answered) >= PACKETS - 2 * FEW
    counters = said['counters']
    if lossy.mode == 'on':  # the second one is on its way when the first is lost
        assert counters.get('tx_duplicated', 0) >= PACKETS
        assert said['repair']['duplicates'] > PACKETS / 2
    if lossy.mode == 'auto':  # from the first loss on
        assert counters.get('tx_duplicated', 0) > PACKETS / 2
    if lossy.mode == 'off':  # only what QUIC finds lost goes again
        assert counters.get('tx_duplicated', 0) == 0
        assert counters.get('tx_repaired', 0) > 0
    assert said['repair']['held'] == 0
    assert lossy.problems == []
