"""A whole party: what the demo shows, each step a test of its own."""

import pytest
from bed import steps
from bed.netns import ip_json
from bed.party import PLAYERS, TAP
from bed.topology import (LAN_HOST_IP, PARTY_ROUTER_IP, RELAY_IP, RELAY_IP6, changes, pids_in,
                          snapshot)


@pytest.mark.parametrize('step', [function for _, function in steps.STEPS],
                         ids=[function.__name__ for _, function in steps.STEPS])
def test_step(party, step):
    assert step(party)


def test_adapter_is_as_promised(party):
    """MAC locally administered and unicast, room MTU, no default router taken from RAs."""
    mac = bytes.fromhex(party.mac('player1').replace(':', ''))
    assert mac[0] & 0x03 == 0x02
    assert steps.tap_mtu(party, 'player1') == 1380
    setting = steps.run(party.ns('player1'), ['cat', f'/proc/sys/net/ipv6/conf/{TAP}/accept_ra_defrtr'])
    assert setting.stdout.strip() == '0'


def test_relay_route_is_pinned(party):
    """The way to the relay is a host route through the interface that it had."""
    pinned = [route for route in ip_json(party.ns('player1'), 'route') if route['dst'] == RELAY_IP]
    assert [route['dev'] for route in pinned] == ['uplink']


def test_players_reach_the_party_router(party):
    for player in PLAYERS:
        assert steps.ping(party.ns(player), PARTY_ROUTER_IP, count=3)


def test_client_leaves_nothing(party):
    """Adapter, address, pinned route and DHCP client are gone when a client has ended."""
    party.stop('client-player1')
    left = changes(party.untouched['player1'], snapshot(party.ns('player1')))
    processes = pids_in(party.ns('player1'))
    party.start_client('player1', '--dhcp')
    party.wait_lease('player1')
    assert left == []
    assert processes == []
    assert party.problems == []


def test_adapter_that_was_there_stays(party):
    """A TAP that existed before is used, and is left as it was."""
    ns = party.ns('player2')
    party.stop('client-player2')
    steps.run(ns, ['ip', 'tuntap', 'add', 'dev', TAP, 'mode', 'tap'])
    before = ip_json(ns, 'link', 'show', 'dev', TAP)[0]
    party.start_client('player2', '--dhcp')
    party.wait_lease('player2')
    party.stop('client-player2')
    after = ip_json(ns, 'link', 'show', 'dev', TAP)
    steps.run(ns, ['ip', 'link', 'del', TAP])
    party.start_client('player2', '--dhcp')
    party.wait_lease('player2')
    assert [(link['address'], link['mtu']) for link in after] == [(before['address'],
                                                                   before['mtu'])]
    assert party.problems == []


def test_over_ipv6(party):
    """The same relay over IPv6: a full TAP MTU still passes."""
    party.restart_client('player1', '--dhcp', relay=RELAY_IP6)
    figure = steps.ping(party.ns('player1'), LAN_HOST_IP, '-M', 'do', '-s', str(1380 - 28), count=5)
    party.restart_client('player1', '--dhcp')
    assert figure


def test_ends_clean(party):
    """Every program ends with status 0 on SIGTERM and the players' machines are as before."""
    party.stop_programs()
    assert party.problems == []
