"""The shipping .exe at the party: what a player does there, and what happens to relay and gateway."""

import re
import signal
import subprocess

import pytest
from bed import steps
from bed.netns import Port, udp_socket, wait_kernel
from bed.processes import in_namespace
from bed.topology import LAN_BROADCAST, LAN_HOST_IP
from winbed.party import ADAPTER, CLIENT, GUID, HOST, PC
from winbed.wine import find

WITHIN = 3.0  # seconds after the process is up
DISCOVERY_PORT = 27777


@pytest.fixture(scope='module')
def party(lan):
    lan.start_relay('--client-rate', '0')
    lan.start_gateway()
    lan.start_win('--json')
    lan.wait_pc_lease()
    return lan


def everybody_talks(party, seconds) -> float:
    return steps.first_replies(party, (PC, LAN_HOST_IP), ('host', party.pc_addresses()[0]),
                               seconds=seconds)


def media_changes(party) -> list:
    return [line for line in party.wine.lines() if line.startswith('tap media')]


def test_lease(party):
    """The address is the party's own DHCP server's, for the adapter's MAC, which is local."""
    mac = bytes.fromhex(party.pc_mac().replace(':', ''))
    assert party.pc_addresses() == [party.lease_of(party.pc_mac())]
    assert mac[0] & 0x03 == 0x02
    assert party.network_address().lower() == mac.hex()


def test_diagnostics(party):
    """One JSON object a line, with all that a player is asked for when something is wrong."""
    address = party.pc_addresses()[0]
    said = party.running[CLIENT].wait_json(lambda report: report['dhcp']['bound'], 10, 'the lease')
    adapter, route = said['adapter'], said['route']
    assert said['state'] == 'joined'
    assert said['relay']['reachable']
    assert said['room']['gateway_present']
    assert (adapter['name'], adapter['mac'], adapter['mtu']) == (ADAPTER, party.pc_mac(), 1380)
    assert adapter['carrier']
    assert adapter['addresses'] == [f'{address}/24']
    assert said['dhcp']['address'] == address
    assert (route['interface'], route['next_hop'], route['prefix_len']) == (
        'uplink', '192.168.11.1', 32)
    assert route['pinned']
    assert said['settings']['hold']


def test_arp(party):
    said = steps.run(party.ns(PC), ['arping', '-c1', '-w5', '-I', ADAPTER, LAN_HOST_IP]).stdout
    reply = re.search(r'reply from \S+ \[([0-9A-Fa-f:]+)\]', said)
    assert reply, said
    assert reply[1].lower() == party.bed.mac('host', 'eth0')


def test_ping_to_lan(party):
    assert steps.ping(party.ns(PC), LAN_HOST_IP)


def test_ping_from_lan(party):
    assert steps.ping(party.ns('host'), party.pc_addresses()[0])


def test_round_trip_to_party(party):
    """What the window shows: a ping to the DHCP server that gave the address."""
    said = party.run_windows(find(party.wine.build, 'partyping.exe'), GUID).stdout
    assert 0 < float(said) < 900


def test_full_size_from_lan(party):
    """1500 bytes with DF come whole to the adapter, whatever its MTU."""
    with Port(party.ns(PC), ADAPTER) as port:
        steps.ping(party.ns('host'), party.pc_addresses()[0], '-M', 'do', '-s',
                   str(steps.FULL_PING), count=5)
        arrived = sum(steps.is_full_echo_request(frame) for frame in port.arrived())
    assert arrived == 5


def test_broadcast_to_lan(party):
    """The LAN host hears who asks, and its answer comes back."""
    address = party.pc_addresses()[0]
    with udp_socket(party.ns('host'), port=DISCOVERY_PORT) as server, \
            udp_socket(party.ns(PC), address) as seeker:
        seeker.sendto(b'who is there?', (LAN_BROADCAST, DISCOVERY_PORT))
        question, asker = server.recvfrom(100)
        assert (question, asker[0]) == (b'who is there?', address)
        server.sendto(b'the LAN host', asker)
        assert seeker.recvfrom(100)[1][0] == LAN_HOST_IP


def test_broadcast_from_lan(party):
    address = party.pc_addresses()[0]
    with udp_socket(party.ns('host'), LAN_HOST_IP) as seeker, \
            udp_socket(party.ns(PC), port=DISCOVERY_PORT) as server:
        seeker.sendto(b'who is there?', (LAN_BROADCAST, DISCOVERY_PORT))
        question, asker = server.recvfrom(100)
        assert (question, asker[0]) == (b'who is there?', LAN_HOST_IP)
        server.sendto(b'the PC', asker)
        assert seeker.recvfrom(100)[1][0] == address


@pytest.mark.parametrize('options', [(), ('-R',)], ids=['up', 'down'])
def test_tcp(party, record_property, options):
    rate = steps.iperf(party, PC, 'host', LAN_HOST_IP, *options)
    record_property('mbit_per_s', f'{rate:.0f}')
    print(f'{rate:.0f} Mbit/s')
    assert rate > 1  # Wine's driver path is slow, and slower beside other work


@pytest.mark.parametrize('end', ['stop', 'kill'])
def test_relay_restart(party, end):
    """Traffic resumes by itself: same process, same address, and the cable was never out."""
    client = party.running[CLIENT]
    before = client.pid, party.pc_addresses(), media_changes(party)
    getattr(party, end)('relay')
    party.start_relay('--client-rate', '0')
    everybody_talks(party, 5 + WITHIN)  # a back-off of at most 5 s may just have begun
    assert (client.pid, party.pc_addresses(), media_changes(party)) == before
    assert client.status is None


@pytest.mark.parametrize('end', ['stop', 'kill'])
def test_gateway_restart(party, end):
    before = party.pc_addresses(), media_changes(party)
    getattr(party, end)('gateway')
    party.start_gateway()
    everybody_talks(party, WITHIN)
    assert (party.pc_addresses(), media_changes(party)) == before


def test_other_gateway(party):
    """Another host takes over: the cable is pulled for a moment, so that DHCP asks that host's LAN."""
    party.stop('gateway')
    since = len(party.wine.lines())
    party.start_gateway('--name', 'another host')
    since = party.wait_event('tap media disconnected', since=since)
    party.wait_event('tap media connected', since=since)
    party.wait_pc_lease()
    everybody_talks(party, WITHIN)


def test_full_size_both_ways(party):
    """--tap-mtu 1500; the player comes again with the same MAC address and gets the same lease."""
    before = party.pc_mac(), party.pc_addresses()
    party.stop(CLIENT)
    party.start_win('--tap-mtu', '1500')
    assert (party.wait_pc_lease(), party.pc_mac()) == (before[1][0], before[0])
    options = ['-M', 'do', '-s', str(steps.FULL_PING)]
    assert steps.ping(party.ns(PC), LAN_HOST_IP, *options, count=5)
    assert steps.ping(party.ns('host'), party.pc_addresses()[0], *options, count=5)


def test_player_before_gateway(party):
    """The lease comes as soon as the gateway is there, not at the DHCP client's next try."""
    party.stop(CLIENT)
    party.stop('gateway')
    since = len(party.wine.lines())
    client = party.start_win()
    since = party.wait_event('tap media connected', since=since)
    client.wait_line('waiting for it', 5)
    assert party.pc_addresses() == []
    party.start_gateway()
    since = party.wait_event('tap media disconnected', since=since)
    party.wait_event('tap media connected', since=since)
    party.wait_pc_lease(WITHIN)
    everybody_talks(party, WITHIN)


def test_reader_that_stalls(party):
    """A line for each frame into a pipe that nobody empties: the party goes on, and so does the end."""
    party.stop(CLIENT)
    since = len(party.wine.lines())
    command = party.wine.argv(*party.win_command('--log-frames', 'json'))
    with subprocess.Popen(in_namespace(party.ns(HOST), command), stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as client:
        try:
            party.wait_event('tap media connected', seconds=20, since=since)
            wait_kernel(party.ns(PC), party.pc_addresses, 15, 'an address for the PC')
            # 3000 lines are more than pipe and queue hold
            steps.run(party.ns(PC), ['ping', '-q', '-f', '-c1500', LAN_HOST_IP], seconds=60)
            assert steps.ping(party.ns(PC), LAN_HOST_IP)
            client.send_signal(signal.SIGINT)
            assert client.wait(15) == 0
        finally:
            client.kill()


def test_ends_clean(party):
    party.stop_programs()
    assert party.problems == []
    assert party.wine.settings() == {}
    assert party.network_address() == ''
