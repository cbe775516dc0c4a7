#!/usr/bin/python3
"""
cable.py NAMESPACE INTERFACE LOCAL_PORT REMOTE_PORT ECHO_PORT FOLDER: the far end of the fake adapter's cable.

A Linux TAP in the namespace exchanges frames with wire.exe by UDP on 127.0.0.1 of the namespace that
this was started in. The TAP does what Windows would do with the adapter, as told by the events log in
FOLDER: it has the adapter's MAC address, carrier while the media is connected, a DHCP client from then
on, and the IPv4 MTU that was set. Addresses are written to FOLDER/addresses, the DHCP server's to
FOLDER/dhcp-server, where the shim reads them. An address that comes to ECHO_PORT is pinged from the namespace,
and goes back when it has answered.
"""

import contextlib
import ctypes
import fcntl
import os
import re
import select
import signal
import socket
import struct
import subprocess
import sys
import threading
from pathlib import Path

CLONE_NEWNET = 0x40000000
IN_MODIFY = 2
TUNSETIFF, TUNSETCARRIER = 0x400454ca, 0x400454e2
IFF_TAP, IFF_NO_PI = 0x0002, 0x1000
FRAME_MAX = 2048
LEASE = Path(__file__).resolve().parent / 'lease'

libc = ctypes.CDLL(None, use_errno=True)


def ip(*arguments):
    subprocess.run(['ip', *arguments], check=True)


class Cable:
    def __init__(self, namespace, interface, local, remote, echo, folder):
        self.interface = interface
        self.folder = Path(folder)
        self.log = open(self.folder / 'events.log', errors='replace')
        self.dhcp = None
        self.part = ''
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        self.sock.bind(('127.0.0.1', int(local)))
        self.sock.connect(('127.0.0.1', int(remote)))
        self.sock.setblocking(False)
        self.echo = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.echo.bind(('127.0.0.1', int(echo)))
        with open(f'/run/netns/{namespace}') as there:
            if libc.setns(there.fileno(), CLONE_NEWNET) != 0:
                raise OSError(ctypes.get_errno(), 'setns')
        self.tap = os.open('/dev/net/tun', os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        fcntl.ioctl(self.tap, TUNSETIFF,
                    struct.pack('16sH22x', interface.encode(), IFF_TAP | IFF_NO_PI))
        self.carrier(False)
        ip('link', 'set', 'lo', 'up')
        ip('link', 'set', interface, 'up')

    def carrier(self, on: bool):
        fcntl.ioctl(self.tap, TUNSETCARRIER, struct.pack('i', on))

    # ---- what the adapter does ----

    def connected(self):
        self.carrier(True)
        if self.dhcp is None:
            self.dhcp = subprocess.Popen(
                ['udhcpc', '-f', '-i', self.interface, '-s', str(LEASE), '-t', '3', '-T', '1',
                 '-A', '1'], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env={**os.environ, 'ADDRESSES': str(self.folder / 'addresses'),
                     'SERVER': str(self.folder / 'dhcp-server')})

    def disconnected(self):
        self.carrier(False)
        if self.dhcp is not None:
            self.dhcp.send_signal(signal.SIGKILL)
            self.dhcp.wait()
            self.dhcp = None
        ip('-4', 'addr', 'flush', 'dev', self.interface)
        (self.folder / 'addresses').write_text('')

    def heard(self, line: str):
        if line.endswith('-> failed'):
            return
        if started := re.fullmatch(r'tap start mac=(\S+)', line):
            self.disconnected()
            ip('link', 'set', self.interface, 'down')
            ip('link', 'set', self.interface, 'address', started[1])
            ip('link', 'set', self.interface, 'up')
        elif line == 'tap media connected':
            self.connected()
        elif line in ('tap media disconnected', 'tap close'):
            self.disconnected()
        elif mtu := re.match(r'ip set tap ipv4 mtu=\d+>(\d+)', line):
            ip('link', 'set', self.interface, 'mtu', mtu[1])
        print(line, flush=True)

    def follow(self):
        *lines, self.part = (self.part + self.log.read()).split('\n')
        for line in lines:
            self.heard(line)

    # ---- pings ----

    def ping(self):
        address, asker = self.echo.recvfrom(64)
        if subprocess.run(['ping', '-c1', '-W1', address.decode()], check=False,
                          stdout=subprocess.DEVNULL).returncode == 0:
            self.echo.sendto(address, asker)

    # ---- frames ----

    def carry(self):
        watch = libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        libc.inotify_add_watch(watch, bytes(self.folder / 'events.log'), IN_MODIFY)
        self.follow()
        print('the cable is laid', flush=True)
        poll = select.poll()
        for fd in self.tap, self.sock.fileno(), self.echo.fileno(), watch:
            poll.register(fd, select.POLLIN)
        while True:
            ready = [fd for fd, _ in poll.poll()]
            if watch in ready:
                os.read(watch, 65536)
                self.follow()
            if self.echo.fileno() in ready:
                asked = threading.Thread(target=self.ping, daemon=True)
                asked.start()
            if self.tap in ready:
                self.batch(lambda: self.sock.send(os.read(self.tap, FRAME_MAX)))
            if self.sock.fileno() in ready:
                self.batch(lambda: os.write(self.tap, self.sock.recv(FRAME_MAX)))

    @staticmethod
    def batch(move):
        with contextlib.suppress(BlockingIOError, ConnectionRefusedError, OSError):
            for _ in range(64):
                move()


def ended(_number, _frame):
    raise SystemExit(0)


signal.signal(signal.SIGTERM, ended)
cable = Cable(*sys.argv[1:])
try:
    cable.carry()
finally:
    if cable.dhcp is not None:
        cable.dhcp.kill()
