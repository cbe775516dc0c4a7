"""Work inside a network namespace from this process: sockets, sniffers, settings, kernel events."""

import contextlib
import ctypes
import json
import select
import socket
import subprocess
import time
from pathlib import Path

CLONE_NEWNET = 0x40000000
SO_RCVBUFFORCE = 33
ETH_P_ALL = 3
PACKET_OUTGOING = 4
RTMGRP_LINK, RTMGRP_NEIGH, RTMGRP_IPV4_IFADDR = 0x1, 0x4, 0x10
RTMGRP_IPV4_ROUTE, RTMGRP_IPV6_IFADDR, RTMGRP_IPV6_ROUTE = 0x40, 0x100, 0x400
ALL_GROUPS = (RTMGRP_LINK | RTMGRP_NEIGH | RTMGRP_IPV4_IFADDR | RTMGRP_IPV4_ROUTE |
              RTMGRP_IPV6_IFADDR | RTMGRP_IPV6_ROUTE)

libc = ctypes.CDLL(None, use_errno=True)


class Failed(Exception):
    """A check that did not hold, or an event that did not come; the text says which."""


class Deadline:
    def __init__(self, seconds: float):
        self.at = time.monotonic() + seconds

    def left(self) -> float:
        return max(0.0, self.at - time.monotonic())

    def readable(self, *fds) -> list:
        """Those of fds that are readable, as soon as one is; empty when the time is over."""
        poll = select.poll()
        by_number = {}
        for fd in fds:
            number = fd if isinstance(fd, int) else fd.fileno()
            by_number[number] = fd
            poll.register(number, select.POLLIN)
        return [by_number[number] for number, _ in poll.poll(self.left() * 1000)]


def _setns(file):
    if libc.setns(file.fileno(), CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), 'setns')


@contextlib.contextmanager
def inside(ns: str):
    """This thread is in the namespace within the block; a socket made in it stays there."""
    with open('/proc/thread-self/ns/net') as home, open(f'/run/netns/{ns}') as there:
        _setns(there)
        try:
            yield
        finally:
            _setns(home)


def set_sysctl(ns: str, name: str, value: str):
    """A setting below /proc/sys/net of the namespace; one that the kernel lacks is left out."""
    with inside(ns), contextlib.suppress(FileNotFoundError):
        Path('/proc/sys/net', name).write_text(value)


def snmp(ns: str) -> dict:
    """The kernel's counters in the namespace: {'Tcp.InCsumErrors': 0, ...}."""
    with inside(ns):
        lines = Path('/proc/thread-self/net/snmp').read_text().splitlines()
    counters = {}
    for names, values in zip(lines[::2], lines[1::2]):
        group = names.split(':')[0]
        for name, value in zip(names.split()[1:], values.split()[1:]):
            counters[f'{group}.{name}'] = int(value)
    return counters


def wait_kernel(ns: str, check, seconds: float, what: str, process=None):
    """
    Waits until check() gives something true, asking again after each change of links, addresses,
    neighbours or routes in the namespace. Gives up early when `process` ends.
    """
    deadline = Deadline(seconds)
    with inside(ns):
        events = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE)
        events.bind((0, ALL_GROUPS))
    with events:
        events.setblocking(False)
        while not (value := check()):
            ready = deadline.readable(events, *([process.pidfd] if process else []))
            if not ready:
                raise Failed(f'{what}: nothing within {seconds:g} s')
            if process and process.pidfd in ready:
                raise Failed(f'{what}: {process.name} ended ({process.wait(1)}) meanwhile')
            with contextlib.suppress(BlockingIOError):
                while events.recv(65536):
                    pass
    return value


def udp_socket(ns: str, address='0.0.0.0', port=0, timeout=3.0) -> socket.socket:
    """A UDP socket that may broadcast. Bound to an address it also sends broadcasts from there."""
    with inside(ns):
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.settimeout(timeout)
    sock.bind((address, port))
    return sock


class Port:
    """An interface to send frames out of and to see what comes in at (and goes out of) it."""

    def __init__(self, ns: str, interface: str):
        with inside(ns):
            self.sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
        self.sock.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 32 << 20)
        self.sock.bind((interface, ETH_P_ALL))
        self.sock.setblocking(False)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.sock.close()

    def send(self, frame: bytes):
        self.sock.send(frame)

    def seen(self) -> list:
        """What has come since the last call: (frame, whether it was going out). Never waits."""
        frames = []
        with contextlib.suppress(BlockingIOError):
            while True:
                frame, address = self.sock.recvfrom(70000)
                frames.append((frame, address[2] == PACKET_OUTGOING))
        return frames

    def arrived(self) -> list:
        return [frame for frame, outgoing in self.seen() if not outgoing]

    def wait_for(self, token: bytes, seconds: float) -> list:
        """All that comes in up to the frame with the token; Failed when that does not come."""
        deadline = Deadline(seconds)
        frames = []
        while not any(token in frame for frame in frames):
            if not deadline.readable(self.sock):
                raise Failed(f'the frame with {token!r} did not come within {seconds:g} s')
            frames += self.arrived()
        return frames


def ip_json(ns: str, *arguments: str) -> list:
    """What `ip -json ...` says in the namespace; nothing when the thing asked for is not there."""
    result = subprocess.run(['ip', '-n', ns, '-json', *arguments], stdout=subprocess.PIPE,
                            stderr=subprocess.DEVNULL, timeout=10, check=False)
    return json.loads(result.stdout or '[]')
