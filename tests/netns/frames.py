"""
Frames that a filter must judge, as a table: what they are, and on which way they pass.

Each row builds a frame from a source and a destination MAC. `remote`: from a player, does it reach the
LAN (SPEC: the full set of filters); `lan`: from the LAN, does it reach a player (the both-directions
set, and no VLAN tags). None = not said.
"""

import struct
from dataclasses import dataclass
from typing import Callable, Optional

from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.inet6 import (ICMPv6EchoRequest, ICMPv6ND_NA, ICMPv6ND_NS, ICMPv6ND_RA,
                                ICMPv6ND_Redirect, ICMPv6ND_RS, IPv6, IPv6ExtHdrDestOpt,
                                IPv6ExtHdrFragment, IPv6ExtHdrHopByHop, IPv6ExtHdrRouting)
from scapy.layers.ipsec import AH, ESP
from scapy.layers.l2 import LLC, SNAP, Dot1AD, Dot1Q, Dot3, Ether
from scapy.packet import Raw

V4, V6 = ('10.77.0.77', '10.77.0.88'), ('fe80::77', 'fe80::88')


@dataclass
class Row:
    name: str
    build: Callable  # (source MAC, destination MAC) -> scapy packet
    remote: Optional[bool]
    lan: Optional[bool]


ROWS = []


def row(name, build, remote, lan):
    ROWS.append(Row(name, build, remote, lan))


def both(name, build, passes):
    row(name, build, passes, passes)


def remote_only(name, build):
    """Filtered from a player; the LAN's own reach the players."""
    row(name, build, False, True)


def ether(payload, ethertype=None):
    def build(src, dst):
        frame = Ether(src=src, dst=dst)
        if ethertype is not None:
            frame.type = ethertype
        return frame / payload
    return build


def ip4(payload, **fields):
    return IP(src=V4[0], dst=V4[1], **fields) / payload


def ip6(*headers, **fields):
    packet = IPv6(src=V6[0], dst=V6[1], hlim=255, **fields)
    for header, following in zip(headers, [*headers[1:], None]):
        if isinstance(header, AH):  # the one header whose next header scapy does not fill in
            header = AH(bytes(header))
            header.nh = IPv6(bytes(IPv6() / following)).nh
        packet /= header
    return packet


def udp(sport, dport):
    return UDP(sport=sport, dport=dport) / Raw(b'x' * 20)


def snap(payload, ethertype, oui=0):
    def build(src, dst):
        return Dot3(src=src, dst=dst) / LLC(dsap=0xaa, ssap=0xaa, ctrl=3) / \
            SNAP(OUI=oui, code=ethertype) / payload
    return build


def tagged(tag, payload):
    return lambda src, dst: Ether(src=src, dst=dst) / tag / payload


def to(destination, ethertype=0x88b6):
    return lambda src, _: Ether(src=src, dst=destination, type=ethertype) / Raw(b'x' * 20)


def from_(source):
    return lambda _, dst: Ether(src=source, dst=dst, type=0x88b6) / Raw(b'x' * 20)


def padding_header(next_header, length):
    """A destination options header of so many bytes, all of it padding."""
    header = struct.pack('>BB', next_header, length // 8 - 1)
    while len(header) < length:
        filler = min(length - len(header), 257) - 2
        header += struct.pack('>BB', 1, filler) + bytes(filler)
    return Raw(header)


RA = ICMPv6ND_RA(routerlifetime=1800)
REDIRECT = ICMPv6ND_Redirect(tgt=V6[0], dst='2001:db8::1')
NS = ICMPv6ND_NS(tgt=V6[1])
ECHO6 = ICMPv6EchoRequest(data=b'x' * 20)
DHCP6_REPLY, DHCP6_REQUEST = udp(547, 546), udp(546, 547)
DHCP4_REPLY, DHCP4_REQUEST = udp(67, 68), udp(68, 67)


# ---- both directions ----

for last in (0x00, 0x01, 0x02, 0x03, 0x0e, 0x0f):
    both(f'to 01:80:c2:00:00:{last:02x}', to(f'01:80:c2:00:00:{last:02x}'), False)
both('to 01:80:c2:00:00:10', to('01:80:c2:00:00:10'), True)
both('to 01:80:c2:00:01:00', to('01:80:c2:00:01:00'), True)
both('to Cisco cc', to('01:00:0c:cc:cc:cc'), False)
both('to Cisco cd', to('01:00:0c:cc:cc:cd'), False)
both('to Cisco ce', to('01:00:0c:cc:cc:ce'), True)
for name, ethertype in (('EAPOL', 0x888e), ('LLDP', 0x88cc), ('slow protocols', 0x8809),
                        ('PAUSE', 0x8808)):
    both(name, ether(Raw(b'x' * 20), ethertype), False)
    both(f'{name} in SNAP', snap(Raw(b'x' * 20), ethertype), False)
    both(f'beside {name}', ether(Raw(b'x' * 20), ethertype ^ 0x20), True)
both('source multicast', from_('03:00:5e:00:00:01'), False)
both('source broadcast', from_('ff:ff:ff:ff:ff:ff'), False)
both('source zero', from_('00:00:00:00:00:00'), False)

# ---- DHCPv4 ----

remote_only('DHCPv4 reply', ether(ip4(DHCP4_REPLY)))
remote_only('DHCPv4 reply, other source port', ether(ip4(udp(1067, 68))))
remote_only('DHCPv4 reply, IP options', ether(ip4(DHCP4_REPLY, options=[b'\x01'] * 40)))
remote_only('DHCPv4 reply, first fragment', ether(ip4(DHCP4_REPLY, flags='MF')))
both('DHCPv4 request', ether(ip4(DHCP4_REQUEST)), True)
both('UDP to port 69', ether(ip4(udp(67, 69))), True)
both('TCP to port 68', ether(ip4(TCP(sport=67, dport=68))), True)
remote_only('DHCPv4 reply in SNAP', snap(ip4(DHCP4_REPLY), 0x0800))
remote_only('DHCPv4 reply in SNAP, OUI 0000f8', snap(ip4(DHCP4_REPLY), 0x0800, 0xf8))
both('DHCPv4 request in SNAP', snap(ip4(DHCP4_REQUEST), 0x0800), True)

# ---- IPv4 fragments and other protocols ----

both('IPv4 first fragment', ether(ip4(udp(4000, 4001), flags='MF')), True)
both('IPv4 later fragment', ether(ip4(Raw(b'x' * 20), flags='MF', frag=10, proto=17)), True)
both('IPv4 last fragment', ether(ip4(Raw(b'x' * 20), frag=10, proto=17)), True)
remote_only('IPv4 first fragment, short UDP', ether(ip4(Raw(b'\x00\x43\x00'), flags='MF', proto=17)))
remote_only('IPv4 first fragment, no UDP', ether(ip4(Raw(b''), flags='MF', proto=17)))
remote_only('IPv4 first fragment, short TCP', ether(ip4(Raw(b'x' * 12), flags='MF', proto=6)))
both('ICMP echo', ether(ip4(ICMP() / Raw(b'x' * 20))), True)
both('unknown IPv4 protocol', ether(ip4(Raw(b'x' * 20), proto=253)), True)

# ---- IPv6: each filtered message behind each chain of extension headers ----

ROUTING = IPv6ExtHdrRouting(type=253, segleft=0)
CHAINS = {
    'plain': [],
    'hop-by-hop': [IPv6ExtHdrHopByHop()],
    'routing': [ROUTING],
    'destination': [IPv6ExtHdrDestOpt()],
    'AH': [AH(spi=1, seq=1, icv=b'x' * 12, payloadlen=4)],
    'hop-by-hop, destination, routing, destination': [
        IPv6ExtHdrHopByHop(), IPv6ExtHdrDestOpt(), ROUTING, IPv6ExtHdrDestOpt()],
    'three destination': [IPv6ExtHdrDestOpt()] * 3,
}
ATOMIC = IPv6ExtHdrFragment(offset=0, m=0, id=7)
FIRST = IPv6ExtHdrFragment(offset=0, m=1, id=7)
LATER = IPv6ExtHdrFragment(offset=10, m=0, id=7)

for chain, headers in CHAINS.items():
    for name, message in (('RA', RA), ('redirect', REDIRECT), ('DHCPv6 reply', DHCP6_REPLY)):
        remote_only(f'{name}, {chain}', ether(ip6(*headers, message)))
        remote_only(f'{name}, {chain}, first fragment', ether(ip6(*headers, FIRST, message)))
        remote_only(f'{name}, {chain}, atomic fragment', ether(ip6(*headers, ATOMIC, message)))
    both(f'echo, {chain}', ether(ip6(*headers, ECHO6)), True)
    both(f'DHCPv6 request, {chain}', ether(ip6(*headers, DHCP6_REQUEST)), True)
remote_only('RA, destination behind a fragment header',
            ether(ip6(FIRST, IPv6ExtHdrDestOpt(), RA)))
remote_only('DHCPv6 reply, other source port', ether(ip6(udp(1547, 546))))
for name, message in (('NS', NS), ('NA', ICMPv6ND_NA(tgt=V6[0])), ('RS', ICMPv6ND_RS())):
    both(name, ether(ip6(message)), True)
    remote_only(f'{name}, first fragment', ether(ip6(FIRST, message)))
    remote_only(f'{name}, atomic fragment', ether(ip6(ATOMIC, message)))
both('echo, first fragment', ether(ip6(FIRST, ECHO6)), True)
both('echo, atomic fragment', ether(ip6(ATOMIC, ECHO6)), True)
both('IPv6 later fragment', ether(ip6(LATER, Raw(b'x' * 20))), True)
remote_only('IPv6 first fragment, short UDP',
            ether(ip6(IPv6ExtHdrFragment(offset=0, m=1, id=7, nh=17), Raw(b'\x02\x23\x02'))))
remote_only('IPv6 first fragment, cut extension header',
            ether(ip6(IPv6ExtHdrFragment(offset=0, m=1, id=7, nh=60), Raw(b'\x3a\x01'))))
remote_only('RA behind more headers than are walked', ether(ip6(*[IPv6ExtHdrDestOpt()] * 12, RA)))
remote_only('echo behind more headers than are walked',
            ether(ip6(*[IPv6ExtHdrDestOpt()] * 12, ECHO6)))
both('ESP', ether(ip6(ESP(spi=1, seq=1, data=b'x' * 20))), True)
both('no next header', ether(ip6(Raw(b'x' * 20), nh=59)), True)
both('unknown IPv6 protocol', ether(ip6(Raw(b'x' * 20), nh=253)), True)
remote_only('RA behind a destination header of 1,296 bytes',
            ether(ip6(padding_header(58, 1296), RA, nh=60)))
remote_only('RA in SNAP', snap(ip6(RA), 0x86dd))
remote_only('RA in SNAP, OUI 0000f8', snap(ip6(RA), 0x86dd, 0xf8))
remote_only('RA in SNAP, hop-by-hop', snap(ip6(IPv6ExtHdrHopByHop(), RA), 0x86dd))
remote_only('DHCPv6 reply in SNAP', snap(ip6(DHCP6_REPLY), 0x86dd))
both('echo in SNAP', snap(ip6(ECHO6), 0x86dd), True)

# ---- VLAN tags: none from players; from the LAN only the priority tag, taken off ----

for name, payload in (('echo', ip6(ECHO6)), ('RA', ip6(RA)), ('DHCPv4 reply', ip4(DHCP4_REPLY))):
    row(f'VLAN 0, {name}', tagged(Dot1Q(vlan=0), payload), False, True)
    row(f'VLAN 0 priority 7, {name}', tagged(Dot1Q(vlan=0, prio=7), payload), False, True)
    row(f'VLAN 5, {name}', tagged(Dot1Q(vlan=5), payload), False, False)
    row(f'VLAN 5 in 802.1ad, {name}', tagged(Dot1AD(vlan=5), payload), False, False)
    row(f'QinQ 6.5, {name}', tagged(Dot1AD(vlan=6) / Dot1Q(vlan=5), payload), False, False)
    row(f'QinQ 0.0, {name}', tagged(Dot1Q(vlan=0) / Dot1Q(vlan=0), payload), False, None)
    for tpid in 0x9100, 0x9200:
        row(f'tag {tpid:#x}, {name}',
            ether(Raw(struct.pack('>HH', 5, 0x86dd if payload.name == 'IPv6' else 0x0800) +
                      bytes(payload)), tpid), False, False)
row('VLAN 5 in SNAP', snap(Dot1Q(vlan=5) / ip6(RA), 0x8100), False, None)
row('VLAN 0, LLDP', tagged(Dot1Q(vlan=0, type=0x88cc), Raw(b'x' * 20)), False, False)

# ---- neither IP nor anything known ----

both('ARP-like unknown type', ether(Raw(b'x' * 20), 0x88b6), True)
both('raw 802.3 IPX', lambda src, dst: Dot3(src=src, dst=dst) / Raw(b'\xff\xff' + b'x' * 30), True)
both('IPX in Ethernet II', ether(Raw(b'\xff\xff' + b'x' * 30), 0x8137), True)
both('NetBEUI in LLC', lambda src, dst: Dot3(src=src, dst=dst) / LLC(dsap=0xf0, ssap=0xf0, ctrl=3) /
     Raw(b'x' * 30), True)
