"""
What a LAN party must be able to do. Each step takes the party, raises Failed when something does not
hold, and returns the figure to show. The demo runs them in this order; each also stands alone.
"""

import json
import math
import re
import struct
import time
from pathlib import Path

from .netns import Deadline, Failed, Port, ip_json, udp_socket, wait_kernel
from .party import GAME_NAME, LAN_HOST_NAME, PLAYERS, TAP, Party
from .processes import run
from .topology import LAN_BROADCAST, LAN_HOST_IP, LAN_HOST_IP6

DISCOVERY_PORT = 27777
CUBE2_LAN_PORT = 28784
FULL_PING = 1472  # ICMP payload of a 1500-byte IPv4 packet

STEPS = []  # (title, function)


def step(title: str):
    def add(function):
        STEPS.append((title, function))
        return function
    return add


def need(holds, text: str):
    if not holds:
        raise Failed(text)


# ---- addresses ----

@step("DHCPv4 lease from the party's dnsmasq")
def dhcp_lease(party: Party) -> str:
    figures = []
    for player in PLAYERS:
        address = party.wait_lease(player)
        leased = party.lease_of(party.mac(player))
        need(address == leased, f'{player} has {address}, dnsmasq gave {leased}')
        figures.append(f'{player} {address}')
    return ', '.join(figures)


@step("IPv6 address from the party's RA")
def ra_address(party: Party) -> str:
    figures = []
    for player in PLAYERS:
        figures.append(f'{player} {party.wait_address6(player)}')
        run(party.ns(player), ['ping', '-6', '-c1', '-i0.2', '-w5', LAN_HOST_IP6])
    return ', '.join(figures)


@step('no default route and no DNS from the party')
def machine_stays_its_own(party: Party) -> str:
    resolv_conf = Path('/etc/resolv.conf').read_bytes()
    need(resolv_conf == party.bed.before['/etc/resolv.conf'], '/etc/resolv.conf was changed')
    for player in PLAYERS:
        for family in '-4', '-6':
            routes = run(party.ns(player), ['ip', family, 'route', 'show', 'default']).stdout
            need(TAP not in routes, f'{player} has a default route of the party: {routes.strip()}')
            need('dev uplink' in routes, f'{player} has lost its own default route ({family})')
    return 'each player keeps its own'


@step('ARP, player -> LAN host')
def arp(party: Party) -> str:
    said = run(party.ns('player1'), ['arping', '-c1', '-w5', '-I', TAP, LAN_HOST_IP]).stdout
    reply = re.search(r'reply from \S+ \[([0-9A-Fa-f:]+)\]', said)
    need(reply, f'arping: {said.strip()}')
    need(reply[1].lower() == party.bed.mac('host', 'eth0'), f'{reply[1]} is not the LAN host')
    return f'{LAN_HOST_IP} is at {reply[1].lower()}'


# ---- ping ----

def ping(ns: str, address: str, *options, count=10) -> str:
    """Pings without loss, or fails; the figure."""
    # The first one may wait for address resolution, and is not part of the figure.
    run(ns, ['ping', '-c1', '-i0.2', '-w5', address])
    said = run(ns, ['ping', '-q', f'-c{count}', '-i0.05', '-W2', *options, address],
               check=False).stdout
    loss = re.search(r'([\d.]+)% packet loss', said)
    times = re.search(r'= ([\d.]+)/([\d.]+)/', said)
    need(loss and float(loss[1]) == 0 and times, f'ping {address}: {said.strip()}')
    return f'min/avg {float(times[1]):.2f}/{float(times[2]):.2f} ms, loss 0 %'


@step('ping player -> LAN')
def ping_to_lan(party: Party) -> str:
    return ping(party.ns('player1'), LAN_HOST_IP)


@step('ping LAN -> player')
def ping_from_lan(party: Party) -> str:
    return ping(party.ns('host'), party.address('player1'))


@step('ping player -> player')
def ping_player(party: Party) -> str:
    return ping(party.ns('player1'), party.address('player2'))


# ---- full-size packets ----

def is_full_echo_request(frame: bytes) -> bool:
    """An IPv4 echo request in one packet of 1500 bytes that must not be fragmented."""
    return (len(frame) == 1514 and frame[12:14] == b'\x08\x00' and frame[23] == 1 and
            frame[34] == 8 and struct.unpack_from('>H', frame, 16)[0] == 1500 and
            struct.unpack_from('>H', frame, 20)[0] == 0x4000)


def is_fragment(frame: bytes) -> bool:
    return frame[12:14] == b'\x08\x00' and struct.unpack_from('>H', frame, 20)[0] & 0x3fff != 0


@step('1500 bytes with DF, LAN -> player, default TAP MTU')
def full_size_default(party: Party) -> str:
    mtu = tap_mtu(party, 'player1')
    need(mtu < 1500, f'the TAP MTU is {mtu}: this is not the default')
    with Port(party.ns('player1'), TAP) as port:
        ping(party.ns('host'), party.address('player1'), '-M', 'do', '-s', str(FULL_PING), count=5)
        frames = port.seen()
    arrived = sum(is_full_echo_request(frame) for frame, outgoing in frames if not outgoing)
    cut = sum(is_fragment(frame) for frame, outgoing in frames if outgoing)
    need(arrived == 5, f'{arrived} of 5 echo requests came whole to the TAP')
    replies = f'replies in {cut} fragments' if cut else 'replies whole'
    return f'5 of 5 whole at a TAP with MTU {mtu}, {replies}'


@step('1500 bytes with DF, both ways, --tap-mtu 1500')
def full_size_large(party: Party) -> str:
    with_tap_mtu_1500(party)
    player, host = party.ns('player2'), party.ns('host')
    options = ['-M', 'do', '-s', str(FULL_PING)]
    to_lan = ping(player, LAN_HOST_IP, *options, count=5)
    from_lan = ping(host, party.address('player2'), *options, count=5)
    return f'player2 -> LAN {to_lan.split(", ")[0]}, back {from_lan.split(", ")[0]}'


def tap_mtu(party: Party, player: str) -> int:
    return ip_json(party.ns(player), 'link', 'show', 'dev', TAP)[0]['mtu']


def with_tap_mtu_1500(party: Party):
    """player2 comes again with a larger TAP MTU, and keeps its MAC and its lease."""
    if tap_mtu(party, 'player2') == 1500:
        return
    before = party.mac('player2'), party.address('player2')
    party.restart_client('player2', '--dhcp', '--tap-mtu', '1500')
    after = party.mac('player2'), party.address('player2')
    need(after == before, f'player2 was {before} and came again as {after}')
    need(tap_mtu(party, 'player2') == 1500, 'the TAP MTU is not 1500')


# ---- discovery ----

@step('UDP broadcast discovery, both ways')
def broadcast_discovery(party: Party) -> str:
    players = {player: party.address(player) for player in PLAYERS}
    with udp_socket(party.ns('host'), port=DISCOVERY_PORT) as server, \
            udp_socket(party.ns('player1'), players['player1']) as seeker:
        seeker.sendto(b'who is there?', ('255.255.255.255', DISCOVERY_PORT))
        question, player = server.recvfrom(100)
        need(player[0] == players['player1'] and question == b'who is there?', f'from {player}')
        server.sendto(b'the LAN host', player)
        need(seeker.recvfrom(100)[1][0] == LAN_HOST_IP, 'a stranger answered')

    with udp_socket(party.ns('host'), LAN_HOST_IP) as seeker:
        servers = {player: udp_socket(party.ns(player), port=DISCOVERY_PORT) for player in PLAYERS}
        seeker.sendto(b'who is there?', (LAN_BROADCAST, DISCOVERY_PORT))
        for player, server in servers.items():
            with server:
                # player1's own broadcast from before may wait here: that is not the host's question
                while (asker := server.recvfrom(100)[1])[0] != LAN_HOST_IP:
                    pass
                server.sendto(player.encode(), asker)
        answers = {seeker.recvfrom(100) for _ in PLAYERS}
    need({(name.decode(), address[0]) for name, address in answers} == set(players.items()),
         f'answers: {answers}')
    return 'the LAN host answered player1, both players answered the LAN host'


@step('mDNS name answered by avahi')
def mdns(party: Party) -> str:
    if 'avahi-host' not in party.running:
        party.start_avahi('host', 'eth0', LAN_HOST_NAME)
    party.start_avahi('player1', TAP, 'player1')
    try:
        name = f'{LAN_HOST_NAME}.local'
        said = run(party.ns('player1'), [*party.inside_run_of('player1'),
                                         'avahi-resolve', '-4', '-n', name]).stdout
    finally:
        party.stop_avahi('player1')
    need(said.split() == [name, LAN_HOST_IP], f'avahi-resolve: {said.strip()}')
    return f'{name} is {LAN_HOST_IP}'


def cube2_strings(answer: bytes) -> tuple:
    """Numbers and strings of a Cube 2 LAN answer: a packed integer is 1, 3 or 5 bytes."""
    def number():
        nonlocal answer
        width = {0x80: 2, 0x81: 4}.get(answer[0], 0)
        raw = answer[1:1 + width] if width else answer[:1]
        answer = answer[1 + width:]
        return int.from_bytes(raw, 'little', signed=True)

    players = number()
    attributes = [number() for _ in range(number())]
    game_map, name = answer.split(b'\0')[:2]
    return players, attributes, game_map.decode(), name.decode()


@step("game server found by the game's own discovery")
def game_server(party: Party) -> str:
    """Cube 2 (Sauerbraten): clients broadcast a ping to UDP 28784, servers answer with their name."""
    if 'cube2' not in party.running:
        party.start_game_server()
    ping_time = b'\x81\x2a\x00\x00\x00'
    with udp_socket(party.ns('player1'), party.address('player1')) as game:
        game.sendto(ping_time, ('255.255.255.255', CUBE2_LAN_PORT))
        answer, server = game.recvfrom(4096)
    need(server[0] == LAN_HOST_IP and answer.startswith(ping_time), f'{server}: {answer!r}')
    players, attributes, game_map, name = cube2_strings(answer[len(ping_time):])
    need(name == GAME_NAME, f'the server is called {name!r}')
    return (f'Cube 2 server "{name}", {players}/{attributes[3]} players, '
            f'map {game_map or "not chosen yet"}')


# ---- throughput ----

def iperf(party: Party, client: str, server: str, address: str, *options, amount='-t2') -> float:
    """One TCP run from client to server (with -R back); Mbit/s as the receiver counts them."""
    process = party.start('iperf3', server, ['iperf3', '--server', '--one-off', '--forceflush'])
    try:
        process.wait_line('Server listening', 5)
        said = run(party.ns(client), ['iperf3', '--client', address, '--json', amount, *options],
                   seconds=20, check=False).stdout
    finally:
        party.stop('iperf3')
    result = json.loads(said or '{}')
    received = result.get('end', {}).get('sum_received')
    need(received, f'iperf3: {result.get("error", said)}')
    return received['bits_per_second'] / 1e6


@step('TCP by iperf3, both ways (client rate limit off)')
def throughput(party: Party) -> str:
    up = iperf(party, 'player1', 'host', LAN_HOST_IP)
    down = iperf(party, 'player1', 'host', LAN_HOST_IP, '-R')
    return f'player -> LAN {up:.0f} Mbit/s, LAN -> player {down:.0f} Mbit/s'


# ---- for the tests ----

def first_replies(party: Party, *pairs, seconds: float) -> float:
    """
    (host, address): pings without a pause until each has got its first reply. Returns how long it
    took in all; Failed when that was longer than `seconds`.
    """
    started = time.monotonic()
    deadline = Deadline(seconds)
    for host, address in pairs:
        left = max(1, math.ceil(deadline.left()))
        run(party.ns(host), ['ping', '-q', '-c1', '-i0.05', f'-w{left}', address])
    took = time.monotonic() - started
    need(took <= seconds, f'the first replies took {took:.1f} s')
    return took


def wait_link(party: Party, player: str, seconds=5.0):
    """Until the player's adapter is there and up."""
    wait_kernel(party.ns(player),
                lambda: any('UP' in link.get('flags', ())
                            for link in ip_json(party.ns(player), 'link', 'show', 'dev', TAP)),
                seconds, f'{player}: {TAP} up', party.client(player))
