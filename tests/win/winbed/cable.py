#!/usr/bin/python3
"""
cable.py NAMESPACE INTERFACE LOCAL_PORT REMOTE_PORT ECHO_PORT UPLINK FOLDER: the far end of the fake adapter's
cable.

A Linux TAP in the namespace exchanges frames with wire.exe by UDP on 127.0.0.1 of the namespace that
this was started in. The TAP does what Windows would do with the adapter, as told by the events log in
FOLDER: it has the adapter's MAC address, carrier while the media is connected, a DHCP client from then
on, and the IPv4 MTU that was set. Addresses are written to FOLDER/addresses, the DHCP server's to
FOLDER/dhcp-server, where the shim reads them. An address that comes to ECHO_PORT is pinged from the namespace,
and goes back when it has answered.

A broadcast to 255.255.255.255 that leaves by UPLINK is Wine's. Windows sends such by the adapter with the lowest
metric, so it is brought to our adapter while that has the metric 1, unless there is a file FOLDER/elsewhere.
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
ETH_P_ALL, ETH_P_IP, PACKET_OUTGOING, SO_ATTACH_FILTER = 0x0003, 0x0800, 4, 26
# Classic BPF over an IPv4 packet: load the destination, compare, take all or nothing.
TO_EVERYBODY = (0x20, 0, 0, 16), (0x15, 0, 1, 0xffffffff), (0x06, 0, 0, 0xffff), (0x06, 0, 0, 0)
FRAME_MAX = 2048
LEASE = Path(__file__).resolve().parent / 'lease'

libc = ctypes.CDLL(None, use_errno=True)


def ip(*arguments):
    subprocess.run(['ip', *arguments], check=True)


def broadcasts_of(interface: str) -> socket.socket:
    """IPv4 packets to everybody that come and go there."""
    sock = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(ETH_P_ALL))
    code = ctypes.create_string_buffer(b''.join(struct.pack('HBBI', *row) for row in TO_EVERYBODY))
    sock.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER,
                    struct.pack('HL', len(TO_EVERYBODY), ctypes.addressof(code)))
    sock.bind((interface, ETH_P_ALL))
    sock.setblocking(False)
    return sock


def from_address(packet: bytes, address: str) -> bytes:
    """The same UDP packet from another host."""
    header = 4 * (packet[0] & 15)
    top = packet[:10] + bytes(2) + socket.inet_aton(address) + packet[16:header]
    total = sum(struct.unpack(f'>{header // 2}H', top))
    total = (total & 0xffff) + (total >> 16)
    checksum = ~((total & 0xffff) + (total >> 16)) & 0xffff
    udp = packet[header:header + 6] + bytes(2) + packet[header + 8:]  # without a checksum
    return top[:10] + struct.pack('>H', checksum) + top[12:] + udp


class Cable:
    def __init__(self, namespace, interface, local, remote, echo, uplink, folder):
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
        self.mac = bytes(6)
        self.first = False
        self.broadcasts = broadcasts_of(uplink)
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
            self.mac = bytes.fromhex(started[1].replace(':', ''))
            ip('link', 'set', self.interface, 'down')
            ip('link', 'set', self.interface, 'address', started[1])
            ip('link', 'set', self.interface, 'up')
        elif line == 'tap media connected':
            self.connected()
        elif line in ('tap media disconnected', 'tap close'):
            self.disconnected()
        elif mtu := re.match(r'ip set tap ipv4 mtu=\d+>(\d+)', line):
            ip('link', 'set', self.interface, 'mtu', mtu[1])
        elif metric := re.match(r'ip set tap ipv4 metric=\w+>(\w+)', line):
            self.first = metric[1] == '1'
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

    # ---- Wine's broadcasts ----

    def broadcast(self):
        packet, (_, protocol, kind, *_) = self.broadcasts.recvfrom(FRAME_MAX)
        address = (self.folder / 'addresses').read_text().partition('/')[0]
        if kind == PACKET_OUTGOING and protocol == ETH_P_IP and self.first and address and \
                not (self.folder / 'elsewhere').exists():
            self.sock.send(b'\xff' * 6 + self.mac + struct.pack('>H', ETH_P_IP) +
                           from_address(packet, address))

    # ---- frames ----

    def carry(self):
        watch = libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        libc.inotify_add_watch(watch, bytes(self.folder / 'events.log'), IN_MODIFY)
        self.follow()
        print('the cable is laid', flush=True)
        poll = select.poll()
        for fd in self.tap, self.sock.fileno(), self.echo.fileno(), self.broadcasts.fileno(), watch:
            poll.register(fd, select.POLLIN)
        while True:
            ready = [fd for fd, _ in poll.poll()]
            if watch in ready:
                os.read(watch, 65536)
                self.follow()
            if self.echo.fileno() in ready:
                asked = threading.Thread(target=self.ping, daemon=True)
                asked.start()
            if self.broadcasts.fileno() in ready:
                self.batch(self.broadcast)
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
