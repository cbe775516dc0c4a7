"""--json and --log-frames: whole lines, all fields, and nothing that a stranger's text can forge."""

import re

import pytest
from bed import steps
from bed.netns import Failed
from bed.party import PLAYERS, ROOM, TAP
from bed.processes import run
from bed.topology import LAN_HOST_IP, RELAY_IP

# Paths into one JSON object of diagnostics, and what is to be found there.
NUMBER, TEXT, TRUTH, LIST = (int, float), str, bool, list
TUNNEL_FIELDS = {
    'state': TEXT,
    'relay.reachable': TRUTH,
    'relay.address': TEXT,
    'relay.rtt_ms': NUMBER,
    'path.datagram_budget': NUMBER,
    'room.gateway_present': TRUTH,
    'room.mtu': NUMBER,
    'room.peers': LIST,
    'adapter.status': TEXT,
    'adapter.name': TEXT,
    'adapter.index': NUMBER,
    'adapter.mac': TEXT,
    'adapter.mtu': NUMBER,
    'adapter.addresses': LIST,
    'counters.rx_frames': NUMBER,
    'counters.tx_frames': NUMBER,
    'counters.rx_datagrams': NUMBER,
    'counters.tx_datagrams': NUMBER,
    'counters.rx_broadcast': NUMBER,
    'counters.tx_broadcast': NUMBER,
}
CLIENT_FIELDS = {
    **TUNNEL_FIELDS,
    'route.pinned': TRUTH,
    'route.source': TEXT,
    'route.next_hop': TEXT,
    'route.interface': TEXT,
    'route.prefix_len': NUMBER,
    'route.metric': NUMBER,
    'dhcp.bound': TRUTH,
    'dhcp.address': TEXT,
}
HOSTILE_NAMES = [
    'a\nb direction=from_peer action=forwarded',
    'a\r\n{"direction":"from_peer"}',
    '\x1b[2J\x1b[31mred\x07',
    '" reason="none',
    '\u202eabc\u2028line\u0085next\x9b31m',
    'x' * 300,
]
# Several values of one token or one quoted text each, and nothing else.
LOG_LINE = re.compile(r'[a-z_]+=(?:[A-Za-z0-9._:/@+-]+|"(?:[ !#-\[\]-~]|\\["\\]|\\x[0-9a-f]{2})*")'
                      r'(?: [a-z_]+=(?:[A-Za-z0-9._:/@+-]+|"(?:[ !#-\[\]-~]|\\["\\]|\\x[0-9a-f]{2})*"))*')


def find(value, path: str):
    for key in path.split('.'):
        if not isinstance(value, dict) or key not in value:
            return None
        value = value[key]
    return value


@pytest.fixture(scope='module')
def talking(lan):
    """A party in which everybody writes JSON, and the relay its frame log."""
    lan.start_relay('--client-rate', '0', '--log-frames', 'text')
    lan.start_gateway('--json')
    for player in PLAYERS:
        lan.start_client(player, '--dhcp', '--json')
    for player in PLAYERS:
        lan.wait_lease(player)
    steps.ping(lan.ns('player1'), LAN_HOST_IP)
    return lan


def check_fields(status: dict, fields: dict):
    for path, kind in fields.items():
        assert isinstance(find(status, path), kind), f'{path}: {find(status, path)!r}'
    assert status['relay']['reachable'] is True
    assert status['relay']['address'] == f'{RELAY_IP}:443'
    assert 0 <= status['relay']['rtt_ms'] < 1000
    assert status['room']['gateway_present'] is True
    assert 1200 <= status['path']['datagram_budget'] <= 1472


def test_client_fields(talking):
    client = talking.client('player1')
    address = talking.address('player1')
    status = client.wait_json(
        lambda line: find(line, 'dhcp.address') == address and find(line, 'counters.rx_frames') and
        find(line, 'relay.rtt_ms') is not None, 20, 'diagnostics with the lease')
    check_fields(status, CLIENT_FIELDS)
    assert status['route'] == {**status['route'], 'pinned': True, 'interface': 'uplink',
                               'source': '192.168.11.2', 'next_hop': '192.168.11.1',
                               'prefix_len': 32}
    assert status['adapter'] == {**status['adapter'], 'name': TAP, 'mtu': 1380,
                                 'mac': talking.mac('player1')}
    assert f'{address}/24' in status['adapter']['addresses']
    peers = {(peer['role'], peer['name']) for peer in status['room']['peers']}
    assert ('client', 'player2') in peers
    assert 'gateway' in {role for role, _ in peers}


def test_no_dhcp_is_said_without_a_lease(talking):
    """A link-local address is no lease: a client without --dhcp never claims one."""
    talking.restart_client('player2', '--json')
    status = talking.client('player2').wait_json(
        lambda line: any(a.startswith('fe80:') for a in find(line, 'adapter.addresses') or []),
        20, 'a link-local address')
    talking.restart_client('player2', '--dhcp', '--json')
    assert status['dhcp']['bound'] is False
    assert 'address' not in status['dhcp']


def test_gateway_fields(talking):
    status = talking.running['gateway'].wait_json(
        lambda line: find(line, 'counters.tx_frames') and find(line, 'relay.rtt_ms') is not None,
        20, 'diagnostics after traffic')
    check_fields(status, TUNNEL_FIELDS)
    assert status['adapter']['name'] == 'lan0'
    assert status['adapter']['mac'] == talking.bed.mac('gw', 'lan0')
    assert status['lan']['dhcp_probe'] in ('waiting', 'offered')


def test_gateway_presence_is_told(talking):
    """Diagnostics say that the gateway went, and that it came."""
    client = talking.client('player1')

    def told(connected):
        count = len(client.json_lines())
        return lambda: any(find(line, 'room.gateway_present') is connected
                           for line in client.json_lines()[count:])
    gone = told(False)
    talking.stop('gateway')
    client.wait_for(gone, 20, 'the gateway is gone')
    back = told(True)
    talking.start_gateway('--json')
    client.wait_for(back, 20, 'the gateway is back')


def test_every_line_is_one_object(talking):
    for name in 'gateway', 'client-player1', 'client-player2':
        lines = talking.running[name].json_lines()
        assert lines
        assert all(isinstance(line, dict) for line in lines)


def test_frame_log_fields(talking):
    """The relay's line of one echo request from player1 to the LAN host."""
    relay = talking.running['relay']
    player, host = talking.mac('player1'), talking.bed.mac('host', 'eth0')
    run(talking.ns('player1'), ['ping', '-c1', '-w3', '-s', '777', LAN_HOST_IP])
    line = relay.wait_line(rf'^.*direction=from_peer .*src={player} dst={host} .*'
                           rf'frame_len={777 + 42} .*$', 5)[0]
    fields = dict(re.findall(r'([a-z_]+)=(\S+)', line))
    assert fields['room'] == ROOM
    assert int(fields['peer']) > 0
    assert fields['ethertype'] == '0x0800'
    assert (fields['action'], fields['reason'], fields['targets']) == ('forwarded', 'none', '1')


@pytest.mark.parametrize('name', HOSTILE_NAMES, ids=range(len(HOSTILE_NAMES)))
def test_name_cannot_forge_a_line(talking, name):
    """A hostile name is refused, or everybody's lines stay whole while its owner plays."""
    talking.stop('client-player2')
    relay, watcher = talking.running['relay'], talking.client('player1')
    client = talking.start_client('player2', '--dhcp', '--name', name)
    try:
        talking.wait_lease('player2')
        steps.ping(talking.ns('player2'), LAN_HOST_IP, count=2)
    except Failed:
        assert client.wait(1) not in (None, 0), 'neither refused nor joined'
        talking.running.pop('client-player2')
    else:
        talking.stop('client-player2')
    log = relay.text()
    assert not re.search('[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u202e]', log)
    frame_lines = [line for line in log.split('\n') if 'direction=' in line]
    assert frame_lines
    assert [line for line in frame_lines if not LOG_LINE.fullmatch(line)] == []
    assert all(isinstance(line, dict) for line in watcher.json_lines())
    talking.start_client('player2', '--dhcp')
    talking.wait_lease('player2')


def test_json_frame_log(lan, talking):
    """--log-frames together with --json: frame lines are JSON objects too."""
    talking.restart_client('player2', '--dhcp', '--json', '--log-frames', 'json')
    steps.ping(talking.ns('player2'), LAN_HOST_IP, count=2)
    client = talking.client('player2')
    line = client.wait_json(lambda line: line.get('direction') == 'from_adapter' and
                            line.get('ethertype') == '0x0800', 5, 'a frame line')
    assert line['src'] == talking.mac('player2')
    assert line['action'] == 'forwarded'
