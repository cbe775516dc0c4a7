#!/usr/bin/python3
"""
broadcasts.py FROM NAMESPACE TO: what Windows does with metric 1 on the adapter and Wine cannot, as its sockets are
Linux's. IPv4 broadcasts to 255.255.255.255 that leave through the interface FROM, here, leave through TO in the
namespace too.
"""

import contextlib
import ctypes
import signal
import socket
import sys

CLONE_NEWNET = 0x40000000
ETH_P_ALL = 3
EVERYBODY = b'\xff' * 6

libc = ctypes.CDLL(None, use_errno=True)


def packet_socket(interface: str) -> socket.socket:
    sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
    sock.bind((interface, ETH_P_ALL))
    return sock


def main():
    here, namespace, there = sys.argv[1:]
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    signal.signal(signal.SIGINT, lambda *_: sys.exit(0))
    source = packet_socket(here)
    with open(f'/run/netns/{namespace}') as other:
        if libc.setns(other.fileno(), CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), 'setns')
    target = packet_socket(there)
    print('broadcasts are carried', flush=True)
    while True:
        frame, address = source.recvfrom(2048)
        if (address[2] == socket.PACKET_OUTGOING and frame[:6] == EVERYBODY and
                frame[12:14] == b'\x08\x00' and frame[23] == socket.IPPROTO_UDP):
            with contextlib.suppress(OSError):  # the adapter was down for a moment: the socket says so once
                target.send(frame)
                continue
            target.send(frame)


main()
