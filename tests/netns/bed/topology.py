"""
The hosts and their cables, and how all of it goes away again.

    player1 --+                                            host (a second LAN host)
              net (routes) -- relay                         |
    player2 --+                                  lan: br0, the party's switch and router
              +-- gw ------------------- lan0 ---------+

Each host is a network namespace lp<pid>-<name>, so that runs do not collide. All cables have MTU 1500.
A bed whose owner has died without tidying up is removed by the next one; one that was kept on purpose
stays until it is taken down.
"""

import contextlib
import itertools
import json
import os
import re
import shutil
import subprocess
from pathlib import Path

from .netns import ip_json, set_sysctl, wait_kernel
from .processes import end_pids

HOSTS = ('player1', 'player2', 'net', 'relay', 'gw', 'lan', 'host')

RELAY_IP = '198.51.100.10'
RELAY_IP6 = '2001:db8:100::10'
PARTY_ROUTER_IP = '10.77.0.1'
PARTY_ROUTER_IP6 = 'fd77:77:77::1'
PARTY_PREFIX6 = 'fd77:77:77:'
LAN_HOST_IP = '10.77.0.10'
LAN_HOST_IP6 = 'fd77:77:77::10'
LAN_BROADCAST = '10.77.0.255'

BED_ROOT = Path('/run/lanparty-bed')

# host, its interface, the router's interface, IPv4 and IPv6 network
CABLES = (
    ('player1', 'uplink', 'player1', '192.168.11', '2001:db8:11:'),
    ('player2', 'uplink', 'player2', '192.168.12', '2001:db8:12:'),
    ('relay', 'uplink', 'relay', '198.51.100', '2001:db8:100:'),
    ('gw', 'uplink', 'gw', '192.168.13', '2001:db8:13:'),
)
# host, its interface, the switch's port
SWITCH_PORTS = (('gw', 'lan0', 'sw-gw'), ('host', 'eth0', 'sw-host'))


def _prefix(pid: int) -> str:
    return f'lp{pid}-'


def _batch(ns, lines: list):
    """Commands for ip, all in one process; ns None = the machine's own namespace."""
    where = ['-n', ns] if ns else []
    result = subprocess.run(['ip', *where, '-batch', '-'], input='\n'.join(lines), text=True,
                            capture_output=True, check=False, timeout=30)
    if result.returncode != 0:
        raise RuntimeError(f'ip {ns}: {result.stderr.strip()}')


def namespaces() -> list:
    listed = subprocess.run(['ip', 'netns', 'list'], capture_output=True, text=True, check=True)
    return [line.split()[0] for line in listed.stdout.splitlines()]


def pids_in(ns: str) -> list:
    listed = subprocess.run(['ip', 'netns', 'pids', ns], capture_output=True, text=True,
                            check=False)
    return [int(pid) for pid in listed.stdout.split()]


def started_at(pid: int) -> str:
    """Tells a process from a later one with the same number; empty when there is none."""
    with contextlib.suppress(OSError):
        return Path(f'/proc/{pid}/stat').read_text().rpartition(')')[2].split()[19]
    return ''


def remove(pid: int, keep_logs=False):
    """Takes down all that the run with this pid has put up. Logs go with the next start at last."""
    ours = [ns for ns in namespaces() if ns.startswith(_prefix(pid))]
    end_pids([p for ns in ours for p in pids_in(ns)])
    for ns in ours:
        subprocess.run(['ip', 'netns', 'del', ns], capture_output=True, check=False)
    if not keep_logs:
        shutil.rmtree(BED_ROOT / str(pid), ignore_errors=True)
        with contextlib.suppress(OSError):
            BED_ROOT.rmdir()


def _runs() -> dict:
    """Every run there is a trace of: pid -> what it wrote about itself."""
    runs = {int(m[1]): {} for ns in namespaces() if (m := re.match(r'lp(\d+)-', ns))}
    for owner in BED_ROOT.glob('*/owner'):
        with contextlib.suppress(OSError, ValueError):
            runs[int(owner.parent.name)] = json.loads(owner.read_text())
    return runs


def remove_stale():
    """Removes beds whose owner was killed."""
    for pid, owner in _runs().items():
        alive = started_at(pid)
        if not owner.get('kept') and (not alive or owner.get('started', alive) != alive):
            remove(pid)


def remove_kept() -> list:
    kept = [pid for pid, owner in _runs().items() if owner.get('kept')]
    for pid in kept:
        remove(pid)
    return kept


def _ip_text(ns, *arguments: str) -> str:
    where = ['-n', ns] if ns else []
    return subprocess.run(['ip', *where, *arguments], capture_output=True, text=True,
                          check=False).stdout


def snapshot(ns=None) -> dict:
    """What must be the same before and after, of a namespace or (None) of the machine itself."""
    links = _ip_text(ns, '-brief', 'link')
    routes = _ip_text(ns, 'route', 'show', 'table', 'all') + \
        _ip_text(ns, '-6', 'route', 'show', 'table', 'all')
    seen = {
        'interfaces': sorted(line.split()[0] for line in links.splitlines()),
        'routes': re.sub(r' expires \d+sec', '', routes),
    }
    if ns is None:
        seen['/etc/resolv.conf'] = Path('/etc/resolv.conf').read_bytes()
    return seen


def changes(before: dict, after: dict) -> list:
    return [what for what in before if before[what] != after[what]]


class Bed:
    def __init__(self):
        self.pid = os.getpid()
        self.directory = BED_ROOT / str(self.pid)
        self.logs = self.directory / 'logs'
        self.before = snapshot()

    def ns(self, host: str) -> str:
        return _prefix(self.pid) + host

    def up(self):
        remove_stale()
        shutil.rmtree(self.directory, ignore_errors=True)
        self.logs.mkdir(parents=True, mode=0o755)
        self._write_owner(kept=False)
        _batch(None, [f'netns add {self.ns(host)}' for host in HOSTS])
        for host in HOSTS:
            if host not in ('player1', 'player2'):
                set_sysctl(self.ns(host), 'ipv6/conf/default/accept_dad', '0')
        for host in 'net', 'lan':
            set_sysctl(self.ns(host), 'ipv4/ip_forward', '1')
            set_sysctl(self.ns(host), 'ipv6/conf/all/forwarding', '1')
        # A switch does not look into packets: no netfilter for what a bridge passes on.
        for host, what in itertools.product(('lan', 'gw'), ('arptables', 'iptables', 'ip6tables')):
            set_sysctl(self.ns(host), f'bridge/bridge-nf-call-{what}', '0')
        self._lay_cables()
        self._make_lan()
        for host in HOSTS:
            self._wait_settled(host)

    def _wait_settled(self, host: str):
        """Carrier comes a moment after a cable's second end, and routes change with it."""
        def all_up():
            return all(link['operstate'] == 'UP' for link in ip_json(self.ns(host), 'link')
                       if link['ifname'] != 'lo')
        wait_kernel(self.ns(host), all_up, 5, f'{host}: all cables up')

    def _lay_cables(self):
        router = ['link set lo up']
        for host, interface, peer_interface, net4, net6 in CABLES:
            last = 10 if host == 'relay' else 2
            _batch(self.ns(host), [
                'link set lo up',
                f'link add {interface} mtu 1500 type veth '
                f'peer name {peer_interface} mtu 1500 netns {self.ns("net")}',
                f'link set {interface} addrgenmode none',
                f'addr add {net4}.{last}/24 dev {interface}',
                f'addr add {net6}:{last}/64 dev {interface} nodad',
                f'link set {interface} up',
                f'route add default via {net4}.1',
                f'route add default via {net6}:1',
            ])
            router += [
                f'addr add {net4}.1/24 dev {peer_interface}',
                f'addr add {net6}:1/64 dev {peer_interface} nodad',
                f'link set {peer_interface} up',
            ]
        _batch(self.ns('net'), router)

    def _make_lan(self):
        _batch(self.ns('lan'), [
            'link set lo up',
            'link add br0 type bridge forward_delay 0',
            f'addr add {PARTY_ROUTER_IP}/24 dev br0',
            f'addr add {PARTY_ROUTER_IP6}/64 dev br0 nodad',
            *(f'link add {port} mtu 1500 type veth '
              f'peer name {interface} mtu 1500 netns {self.ns(host)}'
              for host, interface, port in SWITCH_PORTS),
            *(f'link set {port} master br0 up' for _, _, port in SWITCH_PORTS),
            'link set br0 up',
        ])
        # The gateway's port to the LAN has no address: it must work as the bare port that it is.
        set_sysctl(self.ns('gw'), 'ipv6/conf/lan0/disable_ipv6', '1')
        _batch(self.ns('gw'), ['link set lan0 up'])
        _batch(self.ns('host'), [
            'link set lo up',
            f'addr add {LAN_HOST_IP}/24 brd + dev eth0',
            f'addr add {LAN_HOST_IP6}/64 dev eth0 nodad',
            'link set eth0 up',
            f'route add default via {PARTY_ROUTER_IP}',
        ])

    def mac(self, host: str, interface: str) -> str:
        return ip_json(self.ns(host), 'link', 'show', 'dev', interface)[0]['address']

    def keep(self):
        self._write_owner(kept=True)

    def _write_owner(self, kept: bool):
        owner = {'started': started_at(self.pid), 'kept': kept}
        (self.directory / 'owner').write_text(json.dumps(owner))

    def down(self, keep_logs=False) -> list:
        """Removes everything; returns what had been left running and what is not as before."""
        left = [f'process {pid} was left in {host}' for host in HOSTS
                for pid in pids_in(self.ns(host))]
        remove(self.pid, keep_logs)
        left += [f'namespace {ns} is left' for ns in namespaces()
                 if ns.startswith(_prefix(self.pid))]
        left += [f'the machine has other {what} than before'
                 for what in changes(self.before, snapshot())]
        return left
