"""
What tests/tools/hostile_relay does to a client, and what a client then has to say and do; the same for
the clients of Linux and Windows.
"""

from dataclasses import dataclass
from pathlib import Path

REJECTED = 3       # apps/common/exit.h
RSS_GROWTH_MAX = 8 << 20
TOKEN = b'the last frame'
STRANGER_MAC = bytes((2, 0, 0, 0, 0, 5))
LOG_MAX = 64 << 10  # of what a client says about all of it
BROKEN = 'the relay broke the protocol: '
# Of bad_frames in hostile_scenarios.c, in their order there.
BAD_FRAME_DROPS = {
    'bad_overlay': 11, 'wrong_room': 1, 'wrong_peer': 1, 'unknown_origin': 1, 'bad_ethernet': 1,
    'source_not_authorised': 1, 'bad_source': 1, 'eapol': 1, 'vlan': 1, 'link_local': 1}


@dataclass
class Scenario:
    name: str
    says: str               # a regular expression for a line of the log
    status: int = None      # None: it tries again by itself
    connections: int = 2    # that come of that, one after the other
    seconds: float = 10.0   # in which they do


# Those that never let a client play.
SCENARIOS = [
    Scenario('silent', 'the relay does not answer the hello'),
    Scenario('endless-answer', 'the relay does not answer the hello'),
    Scenario('dead-after-welcome', 'nothing heard from the relay for 5 s', seconds=15),
    Scenario('bad-json', BROKEN),
    Scenario('deep-json', BROKEN),
    Scenario('huge-json', 'control frame is empty or over 64 KiB'),
    Scenario('no-json', BROKEN),
    Scenario('unknown-message', BROKEN),
    Scenario('wrong-message', BROKEN + 'a control message that a relay does not send'),
    Scenario('mtu-0', BROKEN + '.*mtu'),
    Scenario('mtu-100', BROKEN + '.*mtu'),
    Scenario('mtu-65535', BROKEN + '.*mtu'),
    Scenario('peer-0', BROKEN + '.*peer_id'),
    Scenario('reject-long', BROKEN + '.*text'),
    Scenario('reject-unknown', BROKEN + '.*code'),
    Scenario('reject-escapes', BROKEN + 'text: has a control character'),
    Scenario('reject-backwards', r'error: the room is full.*code=room_full relay_says=.*gnp\.exe',
             status=REJECTED),
    Scenario('close-at-once', r'trying again: \\x1b\[2J\\x0d\\x0aerror: go away \\xe2', connections=4),
    Scenario('let-in-and-close', 'trying again: again', connections=4),
    Scenario('bad-name', BROKEN + '.*name'),
    Scenario('too-many-peers', BROKEN + 'the relay announces more peers than a room can hold'),
    Scenario('late-hello', BROKEN + 'a control message that a relay does not send'),
]


def relay_argv(build: Path, scenario: str, certificate: Path, port: int) -> list:
    return [build.resolve() / 'tests/tools/lp-hostile-relay', '--listen', f'{port}/udp',
            '--scenario', scenario, '--dev-cert-der-out', certificate]


def connection_gaps(relay) -> list:
    """Milliseconds between one connection and the next, as the relay saw them come."""
    at = [int(line.split()[-1]) for line in relay.text().splitlines()
          if line.startswith('connection ')]
    return [later - earlier for earlier, later in zip(at, at[1:])]


def resident_bytes(pid: int, field='VmRSS') -> int:
    for line in Path(f'/proc/{pid}/status').read_text().splitlines():
        if line.startswith(f'{field}:'):
            return int(line.split()[1]) << 10
    raise ProcessLookupError(pid)


def assert_plain(said: str):
    """No octet of the relay's can move a cursor or end a line, and there is an end to what is said."""
    said = said.replace('\r\n', '\n')  # as Windows ends lines
    assert all(character == '\n' or ' ' <= character <= '~' for character in said), said
    assert len(said) < LOG_MAX
