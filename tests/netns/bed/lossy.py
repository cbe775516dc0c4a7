"""A wire that loses packets: a port beside the relay's that passes on what comes, but for some."""

import os
import random
import socket
import threading

from .netns import Deadline, udp_socket


class LossyPort:
    """
    UDP from any peer to `port` of `address` in the namespace goes on to the relay's port there, and what
    the relay answers goes back. Of each direction `loss` (0 to 1) is dropped, the same ones each time.
    """

    def __init__(self, ns: str, address: str, port: int, relay_port: int, loss: float):
        self.ns, self.loss, self.relay = ns, loss, (address, relay_port)
        self.random = random.Random(port)
        self.front = udp_socket(ns, address, port)
        self.behind = {}  # peer -> the socket that stands for it at the relay
        self.passed = self.dropped = 0
        self.ended, self._end = os.pipe()
        self.thread = threading.Thread(target=self._work)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        os.close(self._end)
        self.thread.join()
        for sock in self.front, *self.behind.values():
            sock.close()
        os.close(self.ended)

    def _is_lost(self) -> bool:
        lost = self.random.random() < self.loss
        self.dropped += lost
        self.passed += not lost
        return lost

    def _from_peer(self):
        data, peer = self.front.recvfrom(65536)
        if peer not in self.behind:
            self.behind[peer] = udp_socket(self.ns, self.relay[0])
        if not self._is_lost():
            self.behind[peer].sendto(data, self.relay)

    def _from_relay(self, peer, sock: socket.socket):
        data = sock.recv(65536)
        if not self._is_lost():
            self.front.sendto(data, peer)

    def _work(self):
        while self.ended not in (ready := Deadline(3600).readable(
                self.ended, self.front, *self.behind.values())):
            if self.front in ready:
                self._from_peer()
            for peer, sock in list(self.behind.items()):
                if sock in ready:
                    self._from_relay(peer, sock)
