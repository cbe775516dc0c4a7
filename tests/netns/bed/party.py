"""The party's own services (DHCP, mDNS, a game) and the programs under test, on a bed."""

import os
import shutil
from pathlib import Path

from .netns import Failed, ip_json, wait_kernel
from .processes import Process, in_namespace
from .topology import (LAN_HOST_IP, PARTY_PREFIX6, RELAY_IP, Bed, changes, snapshot)

ROOM = 'SATURDAY'
RELAY_PORT = 443
PLAYERS = ('player1', 'player2')
TAP = 'softlan0'
DEV_SERVER_NAME = 'lanparty-relay.local'
LAN_HOST_NAME = 'party-host'
GAME_SERVER = Path('/usr/lib/cube2/cube2_server')
GAME_NAME = 'Saturday LAN'
PROGRAMS = ('lanparty-relay', 'lanparty-gateway', 'lanparty-client')

DNSMASQ_CONF = '''
port=0
interface=br0
no-hosts
no-ping
dhcp-authoritative
dhcp-range=10.77.0.100,10.77.0.199,255.255.255.0,1h
dhcp-range={prefix6}:,ra-only,64,1h
enable-ra
dhcp-option=option:dns-server,10.77.0.1
dhcp-option=option6:dns-server,[{prefix6}:1]
dhcp-leasefile={leases}
user=root
group=root
log-dhcp
log-facility=-
'''

AVAHI_CONF = '''
[server]
host-name={name}
use-ipv4=yes
use-ipv6=no
allow-interfaces={interface}
[publish]
publish-hinfo=no
publish-workstation=no
'''

CUBE2_CONF = f'''
serverdesc "{GAME_NAME}"
maxclients 8
updatemaster 0
'''


def find_program(build: Path, name: str) -> Path:
    found = [path for path in sorted(build.glob(f'src/apps/**/{name}')) if path.is_file()]
    if not found:
        raise Failed(f'{name} is not in {build}: run make build')
    return found[0]


class Party:
    def __init__(self, build: Path):
        build = build.resolve()
        self.programs = {name: find_program(build, name) for name in PROGRAMS}
        self.bed = Bed()
        self.running = {}   # name -> Process; started first, ended last
        self.problems = []  # what went wrong when something was ended
        self.untouched = {}  # the players' machines before any client ran
        self.starts = 0

    # ---- up and down ----

    def up(self):
        self.bed.up()
        self.untouched = {player: snapshot(self.ns(player)) for player in PLAYERS}
        self.leases = self.bed.directory / 'leases'
        self.cert = self.bed.directory / 'relay.der'
        self._start_dnsmasq()

    def stop_programs(self):
        """Ends relay, gateway and clients, and checks what they leave on the players' machines."""
        for name in reversed([name for name in self.running if self.is_ours(name)]):
            self.stop(name)
        for player, before in self.untouched.items():
            self.problems += [f'{player} has other {what} than before'
                              for what in changes(before, snapshot(self.ns(player)))]

    def down(self, keep_logs=False) -> list:
        """Takes all of it down and returns what was not as it should be."""
        self.stop_programs()
        for name in reversed(list(self.running)):
            self.stop(name)
        self.problems += self.bed.down(keep_logs)
        return self.problems

    def ns(self, host: str) -> str:
        return self.bed.ns(host)

    def start(self, name: str, host: str, argv: list, **how) -> Process:
        """Starts a program on a host; the second one of a name gets log files of its own."""
        assert name not in self.running, f'{name} runs already'
        self.starts += 1
        home = self.bed.directory / 'home' / name
        home.mkdir(parents=True, exist_ok=True)
        env = {**os.environ, 'HOME': str(home), 'XDG_STATE_HOME': str(home),
               'XDG_CONFIG_HOME': str(home), 'XDG_CACHE_HOME': str(home), 'LC_ALL': 'C.UTF-8'}
        process = Process(f'{name}.{self.starts}', in_namespace(self.ns(host), argv),
                          self.bed.logs, env=env, cwd=home, **how)
        self.running[name] = process
        return process

    def stop(self, name: str):
        """Ends it by SIGTERM. A program of ours must then end by itself, with status 0."""
        process = self.running[name]
        early = process.status
        status = process.stop()
        del self.running[name]
        if not self.is_ours(name):
            return
        if early is not None:
            self.problems.append(f'{process.name} had ended before ({early})')
        elif status != 0:
            what = 'did not end' if status is None else f'ended with {status}'
            self.problems.append(f'{process.name} {what} on SIGTERM')

    def kill(self, name: str):
        self.running.pop(name).kill()

    @staticmethod
    def is_ours(name: str) -> bool:
        return name.split('-')[0] in ('relay', 'gateway', 'client')

    def log_tails(self, lines=15) -> str:
        """The end of what relay, gateway and clients said."""
        tails = []
        for path in sorted(self.bed.logs.glob('*'), key=lambda p: int(p.name.split('.')[1])):
            text = path.read_text(errors='replace').splitlines()[-lines:]
            if self.is_ours(path.name.split('.')[0]) and text:
                tails.append('\n'.join([f'---- {path.name}', *text]))
        return '\n'.join(tails)

    def sections(self) -> list:
        """What a test that fails shows: (title, text)."""
        return [('what the programs said', self.log_tails())]

    # ---- the programs under test ----

    def start_relay(self, *options, name='relay', port=RELAY_PORT) -> Process:
        relay = self.start(name, 'relay', [
            self.programs['lanparty-relay'], '--listen', f'{port}/udp',
            '--dev-cert-der-out', self.cert, *options])
        relay.wait_line(rf':{port}\b', 10)
        return relay

    def peer_options(self, room=ROOM, relay=RELAY_IP, port=RELAY_PORT, trust=None,
                     server_name=DEV_SERVER_NAME) -> list:
        relay = f'[{relay}]' if ':' in relay else relay
        trust = ['--relay-ca-cert', self.cert] if trust is None else trust
        return ['--relay', f'{relay}:{port}', '--room', room, *trust,
                '--server-name', server_name]

    def start_gateway(self, *options, name='gateway', lan=('--interface', 'lan0'),
                      **peer) -> Process:
        return self.start(name, 'gw', [
            self.programs['lanparty-gateway'], *self.peer_options(**peer), *lan, *options])

    def start_client(self, player: str, *options, name='', tap=TAP, **peer) -> Process:
        name = name or f'client-{player}'
        return self.start(name, player, [
            self.programs['lanparty-client'], *self.peer_options(**peer), '--tap', tap,
            *(() if '--name' in options else ('--name', player)), *options])

    def restart_client(self, player: str, *options, **peer):
        """The player comes again; it keeps its identity."""
        self.stop(f'client-{player}')
        self.start_client(player, *options, **peer)
        if '--dhcp' in options:
            self.wait_lease(player)

    def client(self, player: str) -> Process:
        return self.running[f'client-{player}']

    def open(self, client_options=('--dhcp',), relay_options=('--client-rate', '0'),
             **gateway):
        """The whole party: relay, gateway and both players with their leases."""
        self.start_relay(*relay_options)
        self.start_gateway(**gateway)
        for player in PLAYERS:
            self.start_client(player, *client_options)
        for player in PLAYERS:
            self.wait_lease(player)

    # ---- what the players have ----

    def addresses(self, player: str, family: str) -> list:
        """Global addresses that can be used, on the player's TAP."""
        return [a['local'] for link in ip_json(self.ns(player), 'addr', 'show', 'dev', TAP)
                for a in link.get('addr_info', [])
                if a['family'] == family and a['scope'] == 'global' and not a.get('tentative')]

    def wait_lease(self, player: str, seconds=10.0) -> str:
        return wait_kernel(
            self.ns(player), lambda: self.addresses(player, 'inet'), seconds,
            f'{player}: IPv4 address on {TAP}', self.client(player))[0]

    def wait_address6(self, player: str, seconds=15.0) -> str:
        def party_addresses():
            return [a for a in self.addresses(player, 'inet6') if a.startswith(PARTY_PREFIX6)]
        return wait_kernel(self.ns(player), party_addresses, seconds,
                           f'{player}: IPv6 address on {TAP}', self.client(player))[0]

    def address(self, player: str) -> str:
        addresses = self.addresses(player, 'inet')
        if not addresses:
            raise Failed(f'{player} has no IPv4 address on {TAP}')
        return addresses[0]

    def mac(self, player: str) -> str:
        return self.bed.mac(player, TAP)

    def lease_of(self, mac: str) -> str:
        """The address that dnsmasq has on file for this MAC."""
        for line in self.leases.read_text().splitlines():
            fields = line.split()
            if len(fields) >= 3 and fields[1].lower() == mac:
                return fields[2]
        raise Failed(f'dnsmasq has no lease for {mac}')

    # ---- the party's services ----

    def _start_dnsmasq(self):
        conf = self.bed.directory / 'dnsmasq.conf'
        conf.write_text(DNSMASQ_CONF.format(prefix6=PARTY_PREFIX6, leases=self.leases))
        dnsmasq = self.start('dnsmasq', 'lan', ['dnsmasq', '--keep-in-foreground',
                                                f'--conf-file={conf}', '--pid-file'])
        dnsmasq.wait_line('router advertisement on', 5)

    def start_avahi(self, host: str, interface: str, name: str) -> Process:
        """
        A real mDNS responder, with its own D-Bus. /run is a directory of the host's own for both of
        them, in a mount namespace that they alone have.
        """
        run = self.bed.directory / f'run-{host}'
        shutil.rmtree(run, ignore_errors=True)
        for path in run / 'dbus', run / 'avahi-daemon':
            path.mkdir(parents=True)
        (run / 'avahi.conf').write_text(AVAHI_CONF.format(name=name, interface=interface))
        dbus = self.start(f'dbus-{host}', host, [
            'unshare', '--mount', '--propagation', 'private', 'sh', '-c',
            f'mount --bind {run} /run && exec dbus-daemon --system --nofork --nopidfile '
            '--nosyslog --print-address'])
        dbus.wait_line('system_bus_socket', 5)
        avahi = self.start(f'avahi-{host}', host, [
            *self.inside_run_of(host), 'avahi-daemon', '--file=/run/avahi.conf',
            '--no-drop-root', '--no-chroot', '--no-rlimits'])
        avahi.wait_line('Server startup complete', 10)
        return avahi

    def inside_run_of(self, host: str) -> list:
        """Prefix for commands that talk to the host's avahi."""
        return ['nsenter', f'--target={self.running[f"dbus-{host}"].pid}', '--mount']

    def stop_avahi(self, host: str):
        self.stop(f'avahi-{host}')
        self.stop(f'dbus-{host}')

    def start_game_server(self) -> Process:
        """A dedicated server of the Cube 2 engine. It answers LAN discovery without any map."""
        if not GAME_SERVER.exists():
            raise Failed(f'{GAME_SERVER} is not installed: run scripts/deps demo')
        home = self.bed.directory / 'cube2'
        home.mkdir(exist_ok=True)
        (home / 'server-init.cfg').write_text(CUBE2_CONF)
        # -m without a name: it registers at no master server
        server = self.start('cube2', 'host', [GAME_SERVER, f'-q{home}', '-m'])
        server.wait_line('dedicated server started', 10)
        return server

    def look_around(self) -> str:
        lines = [f'ip netns exec {self.ns(host)} {command}' for host, command in (
            ('player1', f'ping {LAN_HOST_IP}'),
            ('player1', f'ip addr show dev {TAP}'),
            ('host', 'tcpdump -eni eth0'),
            ('lan', 'bridge fdb show br br0'),
            ('relay', 'ss -lunp'),
        )]
        lines.append(f'cat {self.leases}')
        lines.append(f'ls {self.bed.logs}')
        return '\n'.join(f'    {line}' for line in lines)
