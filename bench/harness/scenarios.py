"""
What is measured. SCENARIOS is the table: one row for each scenario with the conditions that it needs and the
figures that it gives; a function takes the Lab and returns those figures.

A phase lasts `lab.seconds(default)`: the scenario's own time unless SECONDS says otherwise.
"""

import sys
from dataclasses import dataclass, field
from pathlib import Path

from bed.netns import Failed

from . import meters
from .topology import FRIEND_IP, INNER, LAN_IP, Bed, ip_batch

LINK_MBIT = 50
ROOM = 16  # players
IDLE_RATE = 500
FLOOD_RATE, FLOOD_BYTES = 2000, 1200
SLOW_MBIT = 1
LOSS_DELAY_MS = 20


class Lab:
    """A bed with a tunnel in it, and how long to measure."""

    def __init__(self, bed: Bed, tunnel, programs: Path, seed: int, forced=None, smoke=False):
        self.bed = bed
        self.tunnel = tunnel
        self.impair_program = programs / 'bench/lp-bench-impair'
        self.seed = seed
        self.forced = forced
        self.smoke = smoke
        self._made = {}

    def seconds(self, default: float) -> float:
        return self.forced or default

    @property
    def search(self) -> tuple:
        """Of highest_rate: first rate, bisections; and how long each try takes."""
        return (500, 0, 0.2) if self.smoke else (20000, 4, 0.5)

    def once(self, key, make):
        """A thing that a bed has one of."""
        if key not in self._made:
            self._made[key] = make()
        return self._made[key]

    def iperf(self) -> meters.Iperf:
        return self.once('iperf', lambda: meters.Iperf(self.bed))

    def game(self) -> meters.Game:
        return self.once('game', lambda: meters.Game(self.tunnel))

    def counter(self, way: str) -> meters.Counter:
        return self.once(f'count {way}', lambda: meters.Counter(self.tunnel, way))

    def wire(self, delay_ms: float, loss_percent: float):
        """Another seed for each run: with one for all, the same packets are lost in all."""
        if self.bed.box:
            self.seed += 1
            self.bed.impair(self.impair_program, delay_ms, loss_percent, self.seed)


def tcp(lab: Lab) -> dict:
    figures = {}
    for streams in 1, 4:
        for way in 'up', 'down':
            result = meters.with_cpu(lab.tunnel, lambda way=way, streams=streams: lab.iperf().measure(
                way, lab.seconds(10), streams))
            figures[f'{way}{streams}'] = result['mbit']
            if streams == 1:
                figures[f'cpu_{way}'] = result['cpu']
                figures[f'machine_{way}'] = result['machine']
    return figures


def pps(lab: Lab) -> dict:
    start, steps, seconds = lab.search
    return {way: meters.highest_rate(lambda rate, way=way: lab.counter(way).share(rate, seconds), start,
                                     steps, 1000 if lab.smoke else 4e6) / 1000
            for way in ('up', 'down')}


def idle(lab: Lab) -> dict:
    result = lab.game().measure(lab.seconds(10), IDLE_RATE)
    return {'p50': result['p50_us'], 'p99': result['p99_us']}


def load(ways: tuple, delay_ms: float):
    """The game's flow beside a bulk transfer through a narrow link with a deep buffer."""
    def measure(lab: Lab) -> dict:
        lab.wire(delay_ms, 0)
        lab.bed.shape(LINK_MBIT)
        try:
            quiet = lab.game().measure(lab.seconds(10))
            seconds = lab.seconds(60)
            game = lab.game().start(seconds)
            bulks = [lab.iperf().start(way, seconds) for way in ways]
            mbits = [lab.iperf().wait(bulk, seconds)['mbit'] for bulk in bulks]
            busy = lab.game().wait(game, seconds)
        finally:
            lab.bed.unshape()
        return {
            'p50': busy['p50_us'] / 1e3, 'p99': busy['p99_us'] / 1e3, 'max': busy['max_us'] / 1e3,
            'p50_added': (busy['p50_us'] - quiet['p50_us']) / 1e3,
            'p99_added': (busy['p99_us'] - quiet['p99_us']) / 1e3,
            'lost': 100 * busy['lost'] / busy['sent'],
            'share': 100 * min(mbits) / LINK_MBIT,
        }
    return measure


def wire_bytes(lab: Lab) -> int:
    """What both ends of the player's wire have sent, before the box loses any of it."""
    return (lab.bed.octets('player', 'uplink')['tx_bytes'] +
            lab.bed.octets('router', 'player')['tx_bytes'])


def loss(lab: Lab) -> dict:
    """1 % lost and 20 ms, each way, between player and relay."""
    figures = {}
    for name, percent in ('clean', 0), ('lossy', 1):
        lab.wire(LOSS_DELAY_MS, percent)
        before = wire_bytes(lab)
        seconds = lab.seconds(60)
        result = lab.game().measure(seconds)
        after = wire_bytes(lab)
        figures[f'{name}_p50'] = result['p50_us'] / 1e3
        figures[f'{name}_p99'] = result['p99_us'] / 1e3
        figures[f'{name}_lost'] = 100 * result['lost'] / result['sent']
        figures[f'{name}_sent'] = result['sent']
        figures[f'{name}_wire'] = (after - before) / result['sent']
    figures['wire_ratio'] = figures['lossy_wire'] / figures['clean_wire']
    figures['p50_added'] = figures['lossy_p50'] - figures['clean_p50']
    figures['p99_added'] = figures['lossy_p99'] - figures['clean_p99']
    for way in 'up', 'down':
        figures[f'tcp_{way}'] = lab.iperf().measure(way, lab.seconds(30))['mbit']
    return figures


def room(lab: Lab) -> dict:
    """A broadcast of a LAN host to a room of players, and what the hub's memory grows by for each."""
    size = 3 if lab.smoke else ROOM
    hub = lab.tunnel.processes.get('hub')
    memory = meters.resident_kb(hub.pid) if hub else None
    before = len(lab.tunnel.players)
    crowd = [interface for host, interface in lab.tunnel.players if host == 'crowd']
    crowd += [lab.tunnel.add_player() for _ in range(before, size)]
    wait_for_broadcast(lab, crowd)
    if hub:
        memory = (meters.resident_kb(hub.pid) - memory) / max(1, size - before)
    slow = meters.fanout(lab.tunnel, crowd, 20, lab.seconds(10))
    start, steps, seconds = lab.search
    rate = meters.highest_rate(
        lambda rate: meters.fanout(lab.tunnel, crowd, rate, seconds)['share'], start, steps,
        1000 if lab.smoke else 1e6)
    return {'p50': slow['p50_us'], 'p99': slow['p99_us'],
            'lost': 100 * (1 - slow['share']), 'rate': rate * len(crowd) / 1000, 'memory': memory}


def wait_for_broadcast(lab: Lab, interfaces: list):
    for _ in range(40):
        if meters.fanout(lab.tunnel, interfaces, 20, 0.05)['complete']:
            return
    raise Failed('no broadcast came to all players')


def stall(lab: Lab) -> dict:
    """A friend is sent 20 Mbit/s and takes little of it, or nothing: what do the others feel?"""
    tunnel, bed = lab.tunnel, lab.bed
    if len(tunnel.players) < 2:
        tunnel.add_player()
    friend = tunnel.players[1][1]
    wait_for_broadcast(lab, [friend])
    # ARP would give a friend that says nothing up after a while.
    ip_batch(bed.ns('lan'), [f'neigh replace {FRIEND_IP} lladdr {bed.mac("crowd", friend)} dev eth0 '
                             'nud permanent'])
    ip_batch(bed.ns('crowd'), [f'neigh replace {LAN_IP} lladdr {bed.mac("lan", "eth0")} dev {friend} '
                               'nud permanent'])
    sink = bed.start('flood-sink', 'crowd', [tunnel.tool('pps'), 'recv',
                                             f'{FRIEND_IP}:{meters.FLOOD_PORT}'])
    sink.wait_line('^ready', 5)
    figures = {}
    figures['healthy'] = under_flood(lab)[0]
    bed.shape(SLOW_MBIT, ['crowd'])
    figures['slow'], figures['slow_memory'] = under_flood(lab)
    bed.unshape()
    stalled = [process for role, process in tunnel.processes.items() if role == 'crowd1']
    if stalled:
        meters.stop_and_go(stalled, True)
        try:
            figures['stalled'], figures['stalled_memory'] = under_flood(lab)
        finally:
            meters.stop_and_go(stalled, False)
        figures['stalled_ratio'] = figures['stalled'] / figures['healthy']
    figures['slow_ratio'] = figures['slow'] / figures['healthy']
    bed.stop(sink)
    return figures


def under_flood(lab: Lab) -> tuple:
    """(the player's p99 in ms, what the hub's memory grew by in KiB)"""
    seconds = lab.seconds(30)
    hub = lab.tunnel.processes.get('hub')
    memory = meters.resident_kb(hub.pid) if hub else 0
    flood = lab.bed.start('flood', 'lan', [lab.tunnel.tool('pps'), 'send',
                                           f'{FRIEND_IP}:{meters.FLOOD_PORT}', 1, FLOOD_RATE,
                                           seconds + 1, FLOOD_BYTES])
    result = lab.game().measure(seconds)
    grown = meters.resident_kb(hub.pid) - memory if hub else None
    flood.wait(5)
    lab.bed.stop(flood)
    return result['p99_us'] / 1e3, grown


def allocations(lab: Lab) -> dict:
    """Heap allocations of each program for 100,000 frames, after a time of the same traffic."""
    roles = ('player', 'hub', 'gateway')
    figures = {}

    def counted() -> list:
        return [int.from_bytes(lab.tunnel.count_file(role).read_bytes()[:8], sys.byteorder)
                for role in roles]

    def frames() -> int:
        seen = lab.bed.octets('player', INNER)
        return seen['rx_packets'] + seen['tx_packets']

    def games(seconds: float):
        senders = [(lab.counter(way), lab.counter(way).send(10000, seconds)) for way in ('up', 'down')]
        for counter, sender in senders:
            counter.result(sender, seconds)

    def bulk(seconds: float):
        for way in 'up', 'down':
            lab.iperf().measure(way, seconds)

    for name, traffic in ('small', games), ('bulk', bulk):
        traffic(min(2, lab.seconds(2)))
        before, first = counted(), frames()
        traffic(lab.seconds(10))
        passed = frames() - first
        if passed <= 0:
            raise Failed('no frame passed')
        for role, now, then in zip(roles, counted(), before):
            figures[f'{name}_{role}'] = (now - then) * 1e5 / passed
    return figures


@dataclass
class Figure:
    key: str
    title: str
    unit: str
    more_is_better: bool = False
    digits: int = 1
    compare: bool = True  # has ratios


@dataclass
class Scenario:
    name: str
    title: str
    run: object
    seconds: float  # of all its phases, for what remains
    figures: list = field(default_factory=list)
    box: bool = False
    only: tuple = ()  # tunnels; none = all
    count: bool = False  # with the allocation counter
    phases: int = 1  # that SECONDS sets
    delay_ms: float = 0  # each way, from before the tunnel starts: a path does not grow longer
    beside: int = 1  # so many tunnels at a time: narrow links leave the processors idle


def load_row(ways: tuple, delay_ms: int) -> Scenario:
    what = {('up',): 'upload', ('down',): 'download', ('up', 'down'): 'both ways'}[ways]
    short = {('up',): 'up', ('down',): 'down', ('up', 'down'): 'both'}[ways]
    return Scenario(
        f'load{delay_ms}-{short}', f'game beside a bulk {what}, 50 Mbit/s, '
        + (f'{delay_ms} ms each way' if delay_ms else 'no added delay'),
        load(ways, delay_ms), 72, box=delay_ms > 0, delay_ms=delay_ms, phases=2,
        beside=3, figures=[
            Figure('p50', 'round trip p50', 'ms'),
            Figure('p99', 'round trip p99', 'ms'),
            Figure('p50_added', 'p50 above idle', 'ms', compare=False),
            Figure('p99_added', 'p99 above idle', 'ms', compare=False),
            Figure('lost', 'lost', '%', digits=2, compare=False),
            Figure('share', "bulk's share of the link", '%', True),
        ])


def allocation_figures() -> list:
    return [Figure(f'{kind}_{role}', f'{what}, {program}', 'per 100k frames', compare=False)
            for kind, what in (('small', '100-byte packets'), ('bulk', 'TCP'))
            for role, program in (('player', 'client'), ('hub', 'relay'), ('gateway', 'gateway'))]


SCENARIOS = [
    Scenario('tcp', 'TCP', tcp, 44, phases=4, figures=[
        Figure('up1', '1 stream up', 'Mbit/s', True, 0),
        Figure('down1', '1 stream down', 'Mbit/s', True, 0),
        Figure('up4', '4 streams up', 'Mbit/s', True, 0),
        Figure('down4', '4 streams down', 'Mbit/s', True, 0),
        Figure('cpu_up', 'CPU of the tunnel, up', 's/GB', digits=2),
        Figure('cpu_down', 'CPU of the tunnel, down', 's/GB', digits=2),
        Figure('machine_up', 'CPU of the machine, up', 's/GB', digits=2),
        Figure('machine_down', 'CPU of the machine, down', 's/GB', digits=2),
    ]),
    Scenario('pps', '100-byte packets at under 1 % loss', pps, 25, phases=0, figures=[
        Figure('up', 'up', 'kpps', True),
        Figure('down', 'down', 'kpps', True),
    ]),
    Scenario('idle', 'idle', idle, 10, figures=[
        Figure('p50', 'round trip p50', 'us', digits=0),
        Figure('p99', 'round trip p99', 'us', digits=0),
    ]),
    *(load_row(ways, delay_ms) for delay_ms in (0, 10)
      for ways in (('up',), ('down',), ('up', 'down'))),
    Scenario('loss', '1 % loss and 20 ms each way', loss, 182, box=True, delay_ms=LOSS_DELAY_MS, phases=4,
             beside=3, figures=[
        Figure('tcp_up', 'TCP up', 'Mbit/s', True),
        Figure('tcp_down', 'TCP down', 'Mbit/s', True),
        Figure('lossy_lost', 'game: lost', '%', digits=3, compare=False),
        Figure('lossy_p50', 'game: round trip p50', 'ms'),
        Figure('lossy_p99', 'game: round trip p99', 'ms'),
        Figure('p50_added', 'game: p50 above the loss-free run', 'ms', digits=2, compare=False),
        Figure('p99_added', 'game: p99 above the loss-free run', 'ms', digits=2, compare=False),
        Figure('lossy_wire', 'game: wire bytes a round trip', 'bytes', digits=0),
        Figure('wire_ratio', 'game: wire bytes against the loss-free run', 'times', digits=2,
               compare=False),
    ]),
    Scenario('room', f'a room of {ROOM}', room, 45, figures=[
        Figure('p50', 'broadcast to the last player, p50', 'us', digits=0),
        Figure('p99', 'broadcast to the last player, p99', 'us', digits=0),
        Figure('lost', 'broadcast copies lost at 20 a second', '%', digits=2, compare=False),
        Figure('rate', 'broadcast copies at under 1 % loss', 'k/s', True),
        Figure('memory', "hub's memory for an idle player", 'KiB', digits=0),
    ]),
    Scenario('stall', 'another player is slow or stalled', stall, 95, phases=3, beside=3,
             figures=[
        Figure('healthy', 'p99 without that', 'ms', digits=2),
        Figure('slow', 'p99, other one slow', 'ms', digits=2),
        Figure('slow_ratio', 'p99, slow against without', 'times', digits=2, compare=False),
        Figure('slow_memory', "hub's memory grows by, slow", 'KiB', digits=0, compare=False),
        Figure('stalled', 'p99, other one stalled', 'ms', digits=2),
        Figure('stalled_ratio', 'p99, stalled against without', 'times', digits=2, compare=False),
        Figure('stalled_memory', "hub's memory grows by, stalled", 'KiB', digits=0, compare=False),
    ]),
    Scenario('alloc', 'heap allocations', allocations, 38, only=('softlan',), count=True, phases=3,
             figures=allocation_figures()),
]


def chosen(words: list) -> list:
    """Scenarios by name, or by what is before the hyphen or a digit: "load", "load10"."""
    if not words:
        return list(SCENARIOS)
    found = [s for s in SCENARIOS if any(s.name == word or s.name.split('-')[0] == word or
                                         s.name.startswith('load') and word == 'load'
                                         for word in words)]
    unknown = [word for word in words if not any(word in (s.name, s.name.split('-')[0]) or
                                                 word == 'load' for s in SCENARIOS)]
    if unknown:
        raise Failed(f'no such scenario: {" ".join(unknown)} '
                     f'(there are: {" ".join(s.name for s in SCENARIOS)})')
    return found
