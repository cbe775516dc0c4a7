"""
The hosts and their wires.

    player --[box]-- router == relay          hub of every tunnel
                      |  |
        crowd --------+  +-- gateway -- lan   the party's LAN, one host

The hub has a link for the players and one for the gateway: what goes up and what comes down for one
player do not meet in one queue, as they do not on a server's full-duplex line with room to spare.

All wires are veth with MTU 1500, and only wire-sized packets cross them. The router is a namespace of
its own, so that nobody's socket feels the queue in front of the narrow link. Player, crowd and gateway
reach the relay and not each other. The box, where it stands, delays and loses frames (bench/impair.c).
"""

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
from pathlib import Path

from bed.netns import Failed, inside, ip_json, set_sysctl, wait_kernel
from bed.processes import Process, end_pids, in_namespace
from bed.topology import namespaces, pids_in, started_at

HOSTS = ('player', 'crowd', 'router', 'relay', 'gateway', 'lan', 'box')
ENDS = {'player': '10.1.0', 'relay': '10.2.0', 'gateway': '10.3.0', 'crowd': '10.4.0'}
RELAY_IP = '10.2.0.2'
LAN_IP, PLAYER_IP, FRIEND_IP, BROADCAST_IP = '10.77.0.1', '10.77.0.2', '10.77.0.3', '10.77.0.255'
INNER = 'inner'  # the player's end of the tunnel
ROOT = Path('/run/softlan-bench')

# Segments are made before the wire, not behind it: GSO itself (in software, at the sender) stays on.
OFFLOADS_OFF = ('tso', 'gro', 'tx-udp-segmentation', 'tx-gso-list', 'tx-gso-partial',
                'tx-udp_tnl-segmentation', 'tx-udp_tnl-csum-segmentation')


def ip_batch(ns: str, lines: list):
    result = subprocess.run(['ip', '-n', ns, '-batch', '-'], input='\n'.join(lines), text=True,
                            capture_output=True, check=False, timeout=30)
    if result.returncode != 0:
        raise Failed(f'ip in {ns}: {result.stderr.strip()}')


def _prefix(pid: int) -> str:
    return f'slb{pid}-'


def _remove(pid: int):
    ours = [ns for ns in namespaces() if ns.startswith(_prefix(pid))]
    left = [p for ns in ours for p in pids_in(ns)]
    for process in left:  # one that is stopped does not see its end
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, signal.SIGCONT)
    end_pids(left)
    for ns in ours:
        subprocess.run(['ip', 'netns', 'del', ns], capture_output=True, check=False)
    shutil.rmtree(ROOT / str(pid), ignore_errors=True)
    with contextlib.suppress(OSError):
        ROOT.rmdir()


def remove_stale():
    """Removes what runs that were killed have left."""
    pids = {int(m[1]) for ns in namespaces() if (m := re.match(r'slb(\d+)-', ns))}
    started = {}
    for path in ROOT.glob('*/started'):
        with contextlib.suppress(OSError, ValueError):
            started[int(path.parent.name)] = path.read_text()
    for pid in pids | set(started):
        alive = started_at(pid)
        if not alive or started.get(pid, alive) != alive:
            _remove(pid)


class Bed:
    """One at a time in a process."""

    def __init__(self, box: bool):
        self.pid = os.getpid()
        self.box = box
        self.directory = ROOT / str(self.pid)
        self.logs = self.directory / 'logs'
        self.running = []  # started first, ended last
        self.count = 0
        self.wire = None  # the box's program

    def ns(self, host: str) -> str:
        return _prefix(self.pid) + host

    # ---- up and down ----

    def up(self):
        shutil.rmtree(self.directory, ignore_errors=True)
        self.logs.mkdir(parents=True)
        (self.directory / 'started').write_text(started_at(self.pid))
        for host in HOSTS:
            subprocess.run(['ip', 'netns', 'add', self.ns(host)], check=True, timeout=30)
            for which in 'all', 'default':
                set_sysctl(self.ns(host), f'ipv6/conf/{which}/disable_ipv6', '1')
            for what in 'arptables', 'iptables', 'ip6tables':
                set_sysctl(self.ns(host), f'bridge/bridge-nf-call-{what}', '0')
            ip_batch(self.ns(host), ['link set lo up'])
        set_sysctl(self.ns('router'), 'ipv4/ip_forward', '1')
        for host, net in ENDS.items():
            self._lay_uplink(host, net)
        self._lay_second_link()
        self._lay_wire('lan', 'eth0', 'gateway', 'lan0')
        # A network card computes checksums before the wire.
        self._ethtool('lan', 'eth0', ['tx', 'off'])
        self._ethtool('lan', 'eth0', ['sg', 'on', 'gso', 'on'])
        ip_batch(self.ns('lan'), [f'addr add {LAN_IP}/24 brd + dev eth0'])

    def _lay_uplink(self, host: str, net: str):
        if host == 'player' and self.box:
            self._lay_wire('player', 'uplink', 'box', 'inside')
            self._lay_wire('box', 'outside', 'router', 'player')
        else:
            self._lay_wire(host, 'uplink', 'router', host)
        ip_batch(self.ns('router'), [f'addr add {net}.1/24 dev {host}'])
        lines = [f'addr add {net}.2/24 dev uplink']
        for other, there in ENDS.items():
            if other != host:
                way = f'via {net}.1' if 'relay' in (host, other) else ''
                lines.append(f'route add {"" if way else "blackhole "}{there}.0/24 {way}')
        ip_batch(self.ns(host), lines)

    def _lay_second_link(self):
        """Between router and hub, for what the gateway sends and gets; the hub's address stays one."""
        self._lay_wire('relay', 'uplink2', 'router', 'relay2')
        ip_batch(self.ns('router'), ['addr add 10.5.0.1/24 dev relay2',
                                     f'route add {RELAY_IP}/32 via 10.5.0.2 dev relay2 table 100',
                                     'rule add iif gateway lookup 100'])
        ip_batch(self.ns('relay'), ['addr add 10.5.0.2/24 dev uplink2',
                                    f'route replace {ENDS["gateway"]}.0/24 via 10.5.0.1 src {RELAY_IP}'])

    def _lay_wire(self, host: str, interface: str, peer: str, peer_interface: str):
        ip_batch(self.ns(host), [
            f'link add {interface} mtu 1500 type veth peer name {peer_interface} mtu 1500 '
            f'netns {self.ns(peer)}', f'link set {interface} up'])
        ip_batch(self.ns(peer), [f'link set {peer_interface} up'])
        for where, name in (host, interface), (peer, peer_interface):
            self._ethtool(where, name, [word for what in OFFLOADS_OFF for word in (what, 'off')])

    def _ethtool(self, host: str, interface: str, features: list):
        result = subprocess.run(in_namespace(self.ns(host), ['ethtool', '-K', interface, *features]),
                                capture_output=True, text=True, check=False, timeout=30)
        if result.returncode != 0:
            raise Failed(f'ethtool {interface}: {result.stderr.strip()}')

    def down(self):
        for process in reversed(self.running):
            process.signal(signal.SIGCONT)
            process.stop(3)
        self.running = []
        _remove(self.pid)

    # ---- programs ----

    def start(self, name: str, host: str, argv: list, env=None) -> Process:
        self.count += 1
        home = self.directory / 'home' / f'{name}.{self.count}'
        home.mkdir(parents=True)
        env = {**os.environ, 'HOME': str(home), 'XDG_STATE_HOME': str(home),
               'XDG_CONFIG_HOME': str(home), 'LC_ALL': 'C.UTF-8', **(env or {})}
        process = Process(f'{name}.{self.count}', in_namespace(self.ns(host), argv), self.logs,
                          env=env, cwd=home)
        self.running.append(process)
        return process

    def stop(self, process: Process):
        self.running.remove(process)
        process.signal(signal.SIGCONT)
        process.stop(3)

    def log_tails(self, lines=12) -> str:
        tails = []
        for path in sorted(self.logs.glob('*')):
            text = path.read_text(errors='replace').splitlines()[-lines:]
            if text:
                tails.append('\n'.join([f'---- {path.name}', *text]))
        return '\n'.join(tails)

    # ---- interfaces ----

    def wait_link(self, host: str, interface: str, process=None):
        wait_kernel(self.ns(host), lambda: ip_json(self.ns(host), 'link', 'show', 'dev', interface),
                    10, f'{interface} on {host}', process)

    def octets(self, host: str, interface: str) -> dict:
        """rx_bytes, rx_packets, tx_bytes and tx_packets."""
        with inside(self.ns(host)):
            lines = Path('/proc/thread-self/net/dev').read_text().splitlines()
        for line in lines:
            name, _, values = line.partition(':')
            if name.strip() == interface:
                words = values.split()
                return {'rx_bytes': int(words[0]), 'rx_packets': int(words[1]),
                        'tx_bytes': int(words[8]), 'tx_packets': int(words[9])}
        raise Failed(f'no {interface} on {host}')

    def mac(self, host: str, interface: str) -> str:
        return ip_json(self.ns(host), 'link', 'show', 'dev', interface)[0]['address']

    # ---- the narrow link and the bad wire ----

    def shape(self, mbit: float, ends=('relay', 'relay2', 'player', 'gateway')):
        """A rate and a buffer of 500 ms on the router's links towards these."""
        for end in ends:
            result = subprocess.run(
                ['tc', '-n', self.ns('router'), 'qdisc', 'replace', 'dev', end, 'root', 'tbf', 'rate',
                 f'{mbit:g}mbit', 'burst', '16k', 'latency', '500ms'],
                capture_output=True, text=True, check=False, timeout=30)
            if result.returncode != 0:
                raise Failed(f'tbf on {end}: {result.stderr.strip()}')

    def unshape(self):
        for end in (*ENDS, 'relay2'):
            subprocess.run(['tc', '-n', self.ns('router'), 'qdisc', 'del', 'dev', end, 'root'],
                           capture_output=True, check=False, timeout=30)

    def impair(self, program: Path, delay_ms: float, loss_percent: float, seed: int):
        """The box from now on; frames that are in it are lost."""
        if self.wire:
            self.stop(self.wire)
        self.wire = self.start('impair', 'box', [program, 'inside', 'outside', delay_ms,
                                                 loss_percent, seed])
        self.wire.wait_line('^ready', 5)


def show(command: list) -> str:
    """What a command says, for the report; nothing when it is not there."""
    try:
        result = subprocess.run(command, capture_output=True, text=True, check=False, timeout=10)
    except OSError:
        return ''
    return result.stdout + result.stderr


def machine() -> dict:
    cpu = re.search(r'model name\s*: (.*)', Path('/proc/cpuinfo').read_text())
    memory = re.search(r'MemTotal:\s*(\d+)', Path('/proc/meminfo').read_text())
    release = re.search(r'PRETTY_NAME="(.*)"', Path('/etc/os-release').read_text())
    return {
        'processor': cpu[1] if cpu else os.uname().machine,
        'cores': os.cpu_count(),
        'memory_gib': round(int(memory[1]) / 2**20, 1) if memory else None,
        'kernel': os.uname().release,
        'system': release[1] if release else '',
    }


def dump(path: Path, value):
    path.write_text(json.dumps(value, indent=1) + '\n', encoding='utf-8')
