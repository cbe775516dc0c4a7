"""
The tunnels. Each is set up as its manual says for this purpose: an Ethernet segment over a hub, with the
largest MTU inside that fits a 1500-byte wire whole (SoftLAN: the room's default), ciphers as its defaults are.

A tunnel starts hub and gateway, then players one by one. What belongs to it runs in `processes`.
"""

import re
import subprocess
from pathlib import Path

from bed.netns import Failed
from bed.processes import run

from .topology import (ENDS, FRIEND_IP, INNER, LAN_IP, PLAYER_IP, RELAY_IP, Bed, ip_batch, show)

PORT = 4040


class Tunnel:
    name = title = ''
    mtu = 1500
    in_kernel = False
    preload = ''  # what SoftLAN's programs are started with, to count their allocations

    def __init__(self, bed: Bed, programs: Path):
        self.bed = bed
        self.programs = programs
        self.processes = {}  # role -> Process: hub, gateway, player, crowd1...
        self.players = []  # (host, interface)
        self.folder = bed.directory / self.name
        self.folder.mkdir(exist_ok=True)

    def run(self, role: str, host: str, argv: list, env=None):
        self.processes[role] = self.bed.start(f'{self.name}-{role}', host, argv, env)
        return self.processes[role]

    def tool(self, name: str) -> Path:
        return self.programs / f'bench/lp-bench-{name}'

    # ---- to be given by each ----

    @classmethod
    def version(cls) -> str:
        return ''

    def start_hub(self):
        raise NotImplementedError

    def start_gateway(self):
        raise NotImplementedError

    def start_player(self, role: str, host: str, interface: str):
        """A program that makes the interface, or the interface itself."""
        raise NotImplementedError

    # ---- for all ----

    def start(self):
        self.start_hub()
        self.start_gateway()
        self.add_player()
        ping = ['ping', '-c', '1', '-i', '0.2', '-w', '20', LAN_IP]
        if run(self.bed.ns('player'), ping, seconds=30, check=False).returncode != 0:
            raise Failed(f'{self.title}: the LAN does not answer the player within 20 s')

    def add_player(self) -> str:
        """The first is on the player's machine; the others are a crowd on one machine."""
        number = len(self.players)
        host = 'crowd' if number else 'player'
        role = f'crowd{number}' if number else 'player'
        interface = f'{INNER}{number}' if number else INNER
        self.start_player(role, host, interface)
        self.bed.wait_link(host, interface, self.processes.get(role))
        ip_batch(self.bed.ns(host), [f'link set {interface} mtu {self.mtu} up'])
        address = {0: PLAYER_IP, 1: FRIEND_IP}.get(number)
        if address:
            ip_batch(self.bed.ns(host), [f'addr add {address}/24 brd + dev {interface}'])
        self.players.append((host, interface))
        return interface

    def bridge_lan(self, host: str, interface: str):
        """The gateway's end of the tunnel and the LAN on one bridge."""
        ip_batch(self.bed.ns(host), [
            'link add br0 type bridge forward_delay 0', 'link set br0 up',
            'link set lan0 master br0', f'link set {interface} master br0 mtu {self.mtu} up'])


class SoftLan(Tunnel):
    name = 'softlan'
    title = 'SoftLAN'
    mtu = 1380

    @classmethod
    def version(cls) -> str:
        return 'this tree, ' + (show(['git', '-C', str(Path(__file__).parent), 'describe', '--always',
                                      '--dirty']).strip() or 'no git')

    def program(self, name: str) -> Path:
        return self.programs / f'src/apps/lanparty-{name}'

    def counted(self, role: str) -> dict:
        if not self.preload:
            return {}
        return {'LD_PRELOAD': self.preload, 'LP_MALLOC_COUNT': str(self.count_file(role))}

    def count_file(self, role: str) -> Path:
        return self.folder / f'{role}.count'

    def peer_options(self) -> list:
        return ['--relay', RELAY_IP, '--room', 'BENCH', '--relay-ca-cert', self.folder / 'relay.der',
                '--server-name', 'lanparty-relay.local']

    def start_hub(self):
        relay = self.run('hub', 'relay', [
            self.program('relay'), '--listen', '0.0.0.0:443', '--client-rate', '0',
            '--state-dir', self.folder / 'state', '--dev-cert-der-out', self.folder / 'relay.der'],
            self.counted('hub'))
        relay.wait_line(r':443\b', 10)

    def start_gateway(self):
        self.run('gateway', 'gateway', [
            self.program('gateway'), *self.peer_options(), '--interface', 'lan0', '--no-probe',
            '--identity', self.folder / 'gateway.json'], self.counted('gateway'))

    def start_player(self, role: str, host: str, interface: str):
        self.run(role, host, [
            self.program('client'), *self.peer_options(), '--tap', interface, '--name', role,
            '--identity', self.folder / f'{role}.json'], self.counted(role))


class OpenVpn(Tunnel):
    name = 'openvpn'
    title = 'OpenVPN TAP'
    mtu = 1434

    @classmethod
    def version(cls) -> str:
        return show(['openvpn', '--version']).split('\n')[0][:14]

    def common(self, which: str, other: str, interface: str) -> list:
        return ['openvpn', '--dev', interface, '--dev-type', 'tap', '--proto', 'udp4',
                '--tun-mtu', self.mtu, '--mssfix', '0', '--data-ciphers', 'AES-256-GCM', '--cipher',
                'AES-256-GCM', '--auth-nocache', '--cert', self.folder / f'{which}.crt', '--key',
                self.folder / f'{which}.key', '--peer-fingerprint', self.fingerprint(other),
                '--sndbuf', '4194304', '--rcvbuf', '4194304', '--verb', '1']

    def fingerprint(self, which: str) -> str:
        said = show(['openssl', 'x509', '-in', str(self.folder / f'{which}.crt'), '-noout',
                     '-fingerprint', '-sha256'])
        return said.strip().partition('=')[2]

    def start_hub(self):
        for which in 'server', 'client':
            subprocess.run(['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt',
                            'ec_paramgen_curve:prime256v1', '-nodes', '-keyout',
                            self.folder / f'{which}.key', '-out', self.folder / f'{which}.crt',
                            '-subj', f'/CN={which}', '-days', '30'],
                           check=True, capture_output=True, timeout=30)
        hub = self.run('hub', 'relay', [
            *self.common('server', 'client', 'tap0'), '--mode', 'server', '--tls-server', '--dh', 'none',
            '--port', PORT, '--client-to-client', '--duplicate-cn', '--keepalive', '10', '60'])
        hub.wait_line('Initialization Sequence Completed', 10)
        ip_batch(self.bed.ns('relay'), ['link set tap0 up'])

    def client(self, role: str, host: str, interface: str):
        return self.run(role, host, [
            *self.common('client', 'server', interface), '--client', '--remote', RELAY_IP, PORT,
            '--nobind'])

    def start_gateway(self):
        gateway = self.client('gateway', 'gateway', 'tap0')
        gateway.wait_line('Initialization Sequence Completed', 15)
        self.bridge_lan('gateway', 'tap0')

    def start_player(self, role: str, host: str, interface: str):
        self.client(role, host, interface).wait_line('Initialization Sequence Completed', 15)


class Fastd(Tunnel):
    name = 'fastd'
    title = 'fastd'
    mtu = 1434

    @classmethod
    def version(cls) -> str:
        return show(['fastd', '--version']).strip()

    def key(self, role: str) -> tuple:
        path = self.folder / f'{role}.key'
        if not path.exists():
            path.write_text(show(['fastd', '--generate-key']))
        text = path.read_text()
        return tuple(re.search(rf'{which}: (\w+)', text)[1] for which in ('Secret', 'Public'))

    def configure(self, role: str, interface: str, rest: str) -> list:
        path = self.folder / f'{role}.conf'
        path.write_text(f'log level info;\nmode tap;\ninterface "{interface}";\nmtu {self.mtu};\n'
                        f'method "salsa2012+umac";\nsecret "{self.key(role)[0]}";\n{rest}')
        return ['fastd', '--config', path]

    def start_hub(self):
        # Whoever has a key may come: all keys here are ours.
        rest = f'bind {RELAY_IP}:{PORT};\nforward yes;\non verify "true";\n'
        self.run('hub', 'relay', self.configure('hub', 'tap0', rest))
        self.bed.wait_link('relay', 'tap0', self.processes['hub'])
        ip_batch(self.bed.ns('relay'), ['link set tap0 up'])

    def client(self, role: str, host: str, interface: str):
        peer = f'peer "hub" {{\n key "{self.key("hub")[1]}";\n remote {RELAY_IP}:{PORT};\n}}\n'
        self.run(role, host, self.configure(role, interface, peer))
        self.bed.wait_link(host, interface, self.processes[role])
        self.processes[role].wait_line('connection with .*established', 15)

    def start_gateway(self):
        self.client('gateway', 'gateway', 'tap0')
        self.bridge_lan('gateway', 'tap0')

    def start_player(self, role: str, host: str, interface: str):
        self.client(role, host, interface)


class Tinc(Tunnel):
    name = 'tinc'
    title = 'tinc'
    mtu = 1437

    @classmethod
    def version(cls) -> str:
        return show(['tincd', '--version']).split('\n')[0].replace(' version', '')

    def keys(self) -> tuple:
        """One pair for all nodes: who is who does not matter here, and making one takes its time."""
        private, public = self.folder / 'private.pem', self.folder / 'public.pem'
        if not private.exists():
            subprocess.run(['openssl', 'genrsa', '-traditional', '-out', private, '2048'], check=True,
                           capture_output=True, timeout=60)
            subprocess.run(['openssl', 'rsa', '-in', private, '-RSAPublicKey_out', '-out', public],
                           check=True, capture_output=True, timeout=30)
        return private, public.read_text()

    def host_file(self, node: str) -> str:
        where = f'Address = {RELAY_IP} {PORT}\n' if node == 'hub' else 'IndirectData = yes\n'
        return f'{where}PMTUDiscovery = no\n{self.keys()[1]}'

    def node(self, role: str, host: str, interface: str):
        folder = self.folder / role
        (folder / 'hosts').mkdir(parents=True)
        (folder / 'tinc.conf').write_text(
            f'Name = {role}\nMode = switch\nAddressFamily = ipv4\nDeviceType = tap\n'
            f'Interface = {interface}\nPrivateKeyFile = {self.keys()[0]}\n'
            # While it looks for the path's MTU, for half a minute, large frames would go by TCP.
            f'PMTUDiscovery = no\nUDPRcvBuf = 4194304\nUDPSndBuf = 4194304\n'
            f'Port = {PORT + len(self.processes)}\n' + ('' if role == 'hub' else 'ConnectTo = hub\n'))
        for node in {role, 'hub'}:
            (folder / 'hosts' / node).write_text(self.host_file(node))
        if role != 'hub':
            (self.folder / 'hub/hosts' / role).write_text(self.host_file(role))
        process = self.run(role, host, ['tincd', '-c', folder, '-D', '-d', '2', '--pidfile',
                                        folder / 'pid'])
        process.wait_line('Ready', 10)
        self.bed.wait_link(host, interface, process)
        if role != 'hub':
            process.wait_line(r'Connection with hub .* activated', 15)

    def start_hub(self):
        self.node('hub', 'relay', 'tap0')
        ip_batch(self.bed.ns('relay'), ['link set tap0 up'])

    def start_gateway(self):
        self.node('gateway', 'gateway', 'tap0')
        self.bridge_lan('gateway', 'tap0')

    def start_player(self, role: str, host: str, interface: str):
        self.node(role, host, interface)


class Naive(Tunnel):
    name = 'naive'
    title = 'naive forwarder'
    mtu = 1458

    @classmethod
    def version(cls) -> str:
        return 'bench/forwarder.c'

    def start_hub(self):
        self.run('hub', 'relay', [self.tool('forwarder'), 'hub', f'{RELAY_IP}:{PORT}'])

    def start_gateway(self):
        self.run('gateway', 'gateway', [self.tool('forwarder'), 'packet', 'lan0',
                                        f'{RELAY_IP}:{PORT}'])

    def start_player(self, role: str, host: str, interface: str):
        self.run(role, host, [self.tool('forwarder'), 'tap', interface, f'{RELAY_IP}:{PORT}'])


class Vxlan(Tunnel):
    name = 'vxlan'
    title = 'VXLAN hub, kernel'
    mtu = 1450
    in_kernel = True

    @classmethod
    def version(cls) -> str:
        return show(['uname', '-r']).strip()

    def end(self, host: str, interface: str, number: int, remote: str) -> list:
        local = f'{ENDS[host]}.2'  # and no device: the hub has two
        return [f'link add {interface} type vxlan id {number} local {local} remote {remote} '
                f'dstport 4789 nolearning', f'link set {interface} mtu {self.mtu} up']

    def hub_port(self, number: int, remote: str):
        # No hairpin: each peer has a port of its own, and a broadcast that came back to the gateway's
        # bridge would teach it that the LAN's host is behind the tunnel.
        ip_batch(self.bed.ns('relay'), [
            *self.end('relay', f'vx{number}', number, remote), f'link set vx{number} master br0'])

    def start_hub(self):
        ip_batch(self.bed.ns('relay'), ['link add br0 type bridge forward_delay 0', 'link set br0 up'])
        self.hub_port(1, '10.3.0.2')

    def start_gateway(self):
        ip_batch(self.bed.ns('gateway'), self.end('gateway', 'vx0', 1, RELAY_IP))
        self.bridge_lan('gateway', 'vx0')

    def start_player(self, role: str, host: str, interface: str):
        number = 2 + len(self.players)
        self.hub_port(number, '10.4.0.2' if host == 'crowd' else '10.1.0.2')
        ip_batch(self.bed.ns(host), self.end(host, interface, number, RELAY_IP))


TUNNELS = {tunnel.name: tunnel for tunnel in (SoftLan, Naive, Vxlan, OpenVpn, Fastd, Tinc)}
