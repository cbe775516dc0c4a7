"""What is measured with: iperf3, our own small programs, and what /proc says."""

import json
import os
import signal
import time
from pathlib import Path

from bed.netns import Failed
from bed.processes import run

from .topology import BROADCAST_IP, LAN_IP, PLAYER_IP, Bed

TICK = os.sysconf('SC_CLK_TCK')
IPERF_PORTS = {'up': 5201, 'down': 5202}
GAME_PORT, COUNT_PORT, FANOUT_PORT, FLOOD_PORT = 27000, 27001, 27002, 27003
GAME_RATE, GAME_BYTES = 60, 100
LOSS_MAX = 0.01  # of the packets-a-second search


def parse(text: str, what: str) -> dict:
    try:
        return json.loads(text)
    except ValueError:
        raise Failed(f'{what}: no figures: {text.strip()[-200:]!r}') from None


# ---- /proc ----


def cpu_seconds(pids) -> float:
    """User and system time of the processes and their children, ended ones too."""
    ticks = 0
    waiting = list(pids)
    while waiting:
        pid = waiting.pop()
        try:
            words = Path(f'/proc/{pid}/stat').read_text().rpartition(')')[2].split()
            children = Path(f'/proc/{pid}/task/{pid}/children').read_text().split()
        except OSError:
            continue
        ticks += sum(map(int, words[11:15]))
        waiting += map(int, children)
    return ticks / TICK


def machine_ticks() -> tuple:
    """(busy, all) of every core since the start."""
    words = [int(word) for word in Path('/proc/stat').read_text().split('\n')[0].split()[1:9]]
    return sum(words) - words[3] - words[4], sum(words)


def resident_kb(pid: int) -> int:
    """Memory of its own: what would be free without it."""
    total = 0
    for line in Path(f'/proc/{pid}/smaps_rollup').read_text().splitlines():
        if line.startswith('Private_'):
            total += int(line.split()[1])
    return total


def idle_share(seconds: float) -> float:
    busy, everything = machine_ticks()
    time.sleep(seconds)
    busy_now, all_now = machine_ticks()
    return 1 - (busy_now - busy) / max(1, all_now - everything)


def wait_idle(wanted: float, patience: float) -> float:
    """Waits until the machine has nothing else to do; how idle it was at last."""
    end = time.monotonic() + patience
    idle = idle_share(0.5)
    while idle < wanted and time.monotonic() < end:
        idle = idle_share(0.5)
    return idle


# ---- TCP ----


class Iperf:
    """Servers on the LAN's host; clients on the player's machine."""

    def __init__(self, bed: Bed):
        self.bed = bed
        for port in IPERF_PORTS.values():
            server = bed.start('iperf', 'lan', ['iperf3', '-4', '-s', '-p', port, '--forceflush'])
            server.wait_line('listening', 5)

    def start(self, way: str, seconds: float, streams=1):
        return self.bed.start(f'iperf-{way}', 'player', [
            'iperf3', '-4', '-c', LAN_IP, '-p', IPERF_PORTS[way], '-C', 'cubic', '-t',
            max(1, round(seconds)), '-P', streams, '--json', *(['-R'] if way == 'down' else [])])

    def wait(self, client, seconds: float) -> dict:
        """{'mbit', 'bytes'} that came to the other side."""
        status = client.wait(seconds + 30)
        text = client.out.read_text(errors='replace')
        self.bed.stop(client)
        said = parse(text, client.name)
        if status != 0 or 'error' in said:
            raise Failed(f'{client.name}: {said.get("error", f"exit {status}")}')
        received = said['end']['sum_received']
        return {'mbit': received['bits_per_second'] / 1e6, 'bytes': received['bytes']}

    def measure(self, way: str, seconds: float, streams=1) -> dict:
        return self.wait(self.start(way, seconds, streams), seconds)


def with_cpu(tunnel, transfer) -> dict:
    """transfer() gives {'bytes': ...}; CPU seconds per gigabyte are added."""
    pids = [process.pid for process in tunnel.processes.values()]
    cpu, busy = cpu_seconds(pids), machine_ticks()[0]
    result = transfer()
    gigabytes = result['bytes'] / 1e9
    if gigabytes <= 0:
        raise Failed('nothing was transferred')
    result['cpu'] = None if tunnel.in_kernel else (cpu_seconds(pids) - cpu) / gigabytes
    result['machine'] = (machine_ticks()[0] - busy) / TICK / gigabytes
    return result


# ---- the game ----


class Game:
    def __init__(self, tunnel):
        self.bed = tunnel.bed
        self.program = tunnel.tool('gameflow')
        echo = self.bed.start('echo', 'lan', [self.program, 'echo', f'{LAN_IP}:{GAME_PORT}'])
        echo.wait_line('^ready', 5)

    def start(self, seconds: float, rate=GAME_RATE):
        return self.bed.start('game', 'player', [self.program, 'send', f'{LAN_IP}:{GAME_PORT}', seconds,
                                                 rate, GAME_BYTES])

    def wait(self, game, seconds: float) -> dict:
        if game.wait(seconds + 30) is None:
            raise Failed('the game flow does not end')
        text = game.out.read_text()
        self.bed.stop(game)
        figures = parse(text, 'game flow')
        if not figures['received']:
            raise Failed('nothing of the game flow came back')
        return figures

    def measure(self, seconds: float, rate=GAME_RATE) -> dict:
        return self.wait(self.start(seconds, rate), seconds)


# ---- packets a second ----


class Counter:
    """Counts one way's datagrams; each run of the sender has its own number."""

    def __init__(self, tunnel, way: str):
        self.bed = tunnel.bed
        self.program = tunnel.tool('pps')
        self.runs = 0
        self.source, target, address = (('player', 'lan', LAN_IP) if way == 'up' else
                                        ('lan', 'player', PLAYER_IP))
        self.address = f'{address}:{COUNT_PORT}'
        self.receiver = self.bed.start(f'count-{way}', target, [self.program, 'recv', self.address])
        self.receiver.wait_line('^ready', 5)

    def send(self, rate: float, seconds: float):
        self.runs += 1
        return self.bed.start('pps', self.source, [self.program, 'send', self.address, self.runs, rate,
                                                   seconds, 100])

    def result(self, sender, seconds: float) -> tuple:
        """(sent, received, seconds) of the run that is the last."""
        if sender.wait(seconds + 10) is None:
            raise Failed('the sender does not end')
        sent = parse(sender.out.read_text(), 'pps')
        self.bed.stop(sender)
        try:
            line = self.receiver.wait_line(rf'^\{{"run": {self.runs}, "received": (\d+)\}}', 4)
        except Failed:
            return sent['sent'], 0, sent['seconds']
        return sent['sent'], int(line[1]), sent['seconds']

    def share(self, rate: float, seconds: float) -> float:
        """Of the packets sent. A rate that the sender does not reach does not count as reached."""
        sent, received, took = self.result(self.send(rate, seconds), seconds)
        return received / max(1, sent) * min(1.0, 1.1 * seconds / took)


def highest_rate(share, start: float, steps: int, limit=4e6) -> float:
    """
    The highest rate at which share(rate) is at least 99 %: up by half as much again until it is less
    twice in a row, then `steps` times the half between.
    """
    def passes(rate):
        return share(rate) >= 1 - LOSS_MAX or share(rate) >= 1 - LOSS_MAX

    good, bad = 0.0, start
    while bad < limit and passes(bad):
        good, bad = bad, bad * 1.5
    for _ in range(steps):
        middle = (good + bad) / 2
        if passes(middle):
            good = middle
        else:
            bad = middle
    return good


# ---- broadcasts ----


def fanout(tunnel, interfaces: list, rate: float, seconds: float) -> dict:
    """A broadcast of the LAN's host, seen at the crowd's interfaces."""
    bed = tunnel.bed
    result = run(bed.ns('lan'), [tunnel.tool('fanout'), bed.ns('lan'), f'{BROADCAST_IP}:{FANOUT_PORT}',
                                 bed.ns('crowd'), ','.join(interfaces), rate, seconds],
                 seconds=seconds + 20)
    return parse(result.stdout, 'fanout')


def stop_and_go(processes, stopped: bool):
    for process in processes:
        process.signal(signal.SIGSTOP if stopped else signal.SIGCONT)
