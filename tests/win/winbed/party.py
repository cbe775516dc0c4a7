"""Relay, gateway and LAN of the Linux bed, and a player with Windows."""

import re
import signal
import subprocess
import tempfile
from pathlib import Path

from bed.netns import ip_json, wait_kernel
from bed.party import Party
from bed.processes import Process, in_namespace

from .wine import CLASS_KEY, FAKES, NETWORK_CLASS, WINESERVER, Wine, find

HOST = 'player1'       # where Wine runs: the uplink is here
UPLINK = 'uplink'
PC = 'pc'              # where the adapter's traffic comes out: games run here
ADAPTER = 'SoftLAN'
WIRE_PORT, CABLE_PORT, ECHO_PORT = 27001, 27002, 27003  # the last: in fake/iphlpapi.c too
CLIENT = 'client-win'
# Wine 8 now and then ends with 1 before it has started the program, without a word. None of ours does
# that: each says why it fails.
STARTS = 3
IDENTITY = r'C:\softlan-test\identity.json'
GUID = '{410EB49D-2381-4FE7-9B36-498E22619DF0}'
CONNECTION = rf'HKLM\SYSTEM\CurrentControlSet\Control\Network\{NETWORK_CLASS}\{GUID}\Connection'
PERMANENT_MAC = '00:ff:41:0e:b4:9d'


def windows_path(path: Path) -> str:
    return 'Z:' + str(path).replace('/', '\\')


class WindowsParty(Party):
    def __init__(self, build: Path, win_build: Path, display=''):
        super().__init__(build)
        self.wine = Wine(win_build, display)
        self.wire_exe = find(self.wine.build, 'wire.exe')

    def up(self):
        super().up()
        subprocess.run(['ip', 'netns', 'add', self.ns(PC)], check=True)
        self.wine.up()
        self.start('wineserver', HOST, [
            'env', f'WINEPREFIX={self.wine.prefix}', WINESERVER, '-f', '-p'])
        self.run_windows('reg', 'import', windows_path(FAKES / 'adapter.reg'), seconds=60)
        self.start('cable', HOST, [
            '/usr/bin/python3', Path(__file__).parent / 'cable.py', self.ns(PC), ADAPTER,
            CABLE_PORT, WIRE_PORT, ECHO_PORT, UPLINK, self.wine.folder]).wait_line('the cable is laid', 10)
        self.start('wire', HOST, self.wine.argv(
            self.wire_exe, WIRE_PORT, CABLE_PORT)).wait_line('the wire is up', 60)

    def down(self, keep_logs=False) -> list:
        self.stop_programs()
        for name in reversed(list(self.running)):
            if name != 'wineserver':
                self.stop(name)
        self.wine.down()
        return super().down(keep_logs)

    # ---- Windows programs ----

    def sections(self) -> list:
        return [*super().sections(), ('what was done to Windows', '\n'.join(self.wine.lines()[-60:]))]

    def start_windows(self, name: str, *command) -> Process:
        """A program that says something when it starts; see STARTS."""
        for _ in range(STARTS):
            process = self.start(name, HOST, self.wine.argv(*command))
            process.wait_for(lambda: process.text() or process.status is not None, 60, name)
            if process.status != 1 or process.text():
                break
        return process

    def run_windows(self, *command, seconds=30.0) -> subprocess.CompletedProcess:
        for _ in range(STARTS):
            done = self._run_windows(command, seconds)
            if done.returncode != 1 or done.stdout or done.stderr:
                break
        return done

    def _run_windows(self, command, seconds) -> subprocess.CompletedProcess:
        """Into files: what Wine leaves running in the background would hold a pipe open."""
        argv = in_namespace(self.ns(HOST), self.wine.argv(*command))
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            done = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=out, stderr=err,
                                  check=False, timeout=seconds)
            said = []
            for file in out, err:
                file.seek(0)
                said.append(file.read().decode(errors='replace').replace('\r', ''))
        return subprocess.CompletedProcess(argv, done.returncode, *said)

    def stop(self, name: str):
        """A Windows program of ours ends by Ctrl-C, with status 0."""
        if not name.startswith(CLIENT):
            super().stop(name)
            return
        process = self.running[name]
        early = process.status
        process.signal(signal.SIGINT)
        status = process.wait(15)
        if status is None:
            process.kill()
        del self.running[name]
        if early is not None:
            self.problems.append(f'{process.name} had ended before ({early})')
        elif status != 0:
            self.problems.append(f'{process.name} ended with {status} on Ctrl-C')

    @property
    def client_exe(self) -> Path:
        return find(self.wine.build, 'lanparty-client-win.exe')

    def win_command(self, *options, **peer) -> list:
        options = [str(option) for option in options]
        if '--identity' not in options:
            options += ['--identity', IDENTITY]
        if '--name' not in options:
            options += ['--name', 'windows']
        argv = [windows_path(argument) if argument == self.cert else argument
                for argument in self.peer_options(**peer)]
        return [self.client_exe, *argv, *options]

    def start_win(self, *options, name=CLIENT, **peer) -> Process:
        return self.start_windows(name, *self.win_command(*options, **peer))

    def run_win(self, *options, seconds=30.0) -> subprocess.CompletedProcess:
        return self.run_windows(self.client_exe, *options, seconds=seconds)

    # ---- what is so ----

    def wait_events(self, check, seconds: float, what: str):
        """
        Waits until check(lines of the events log) gives something true, asking again after each line
        that the cable has heard.
        """
        cable = self.running['cable']
        return cable.wait_for(lambda: check(self.wine.lines()), seconds, what)

    def wait_event(self, line: str, seconds=10.0, since=0) -> int:
        """The number of lines up to and with this one."""
        def found(lines):
            return line in lines[since:] and lines.index(line, since) + 1
        return self.wait_events(found, seconds, f'the step "{line}"')

    def network_address(self) -> str:
        """The registry's NetworkAddress, empty when there is none."""
        said = self.run_windows('reg', 'query', CLASS_KEY, '/v', 'NetworkAddress').stdout
        value = re.search(r'NetworkAddress\s+REG_SZ\s+(\S+)', said)
        return value[1] if value else ''

    def pc_addresses(self) -> list:
        return [a['local'] for link in ip_json(self.ns(PC), 'addr', 'show', 'dev', ADAPTER)
                for a in link.get('addr_info', [])
                if a['family'] == 'inet' and a['scope'] == 'global']

    def wait_pc_lease(self, seconds=15.0) -> str:
        return wait_kernel(self.ns(PC), self.pc_addresses, seconds, 'an address for the PC',
                           self.running[CLIENT])[0]

    def pc_mac(self) -> str:
        return self.bed.mac(PC, ADAPTER)
