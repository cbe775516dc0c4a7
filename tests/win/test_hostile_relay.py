"""
The relay of tests/tools/hostile_relay.c against lanparty-client-win.exe: the same answers as on Linux
(tests/netns/test_hostile_relay.py), with another stack, another adapter and settings to put back.
"""

import re

import pytest
from bed import hostile
from bed.netns import Port
from bed.party import RELAY_PORT
from winbed.party import ADAPTER, CLIENT, PC

# Of the others nothing depends on the system.
NAMES = ('bad-json', 'deep-json', 'huge-json', 'mtu-65535', 'reject-backwards', 'close-at-once',
         'let-in-and-close', 'too-many-peers')


@pytest.fixture(name='meet')
def meet_fixture(lan, request):
    lan.problems.clear()

    def meet(scenario: str, *options) -> tuple:
        relay = lan.start('relay', 'relay', hostile.relay_argv(
            request.config.getoption('--build'), scenario, lan.cert, RELAY_PORT))
        relay.wait_line('^listening', 5)
        return relay, lan.start_win(*options)

    yield meet
    for name in CLIENT, 'relay':
        if name in lan.running:
            lan.stop(name)
    assert lan.wine.settings() == {}
    assert lan.network_address() == ''
    assert lan.problems == []


@pytest.mark.parametrize('scenario', [scenario for scenario in hostile.SCENARIOS if scenario.name in NAMES],
                         ids=lambda scenario: scenario.name)
def test_hostile(lan, meet, scenario):
    relay, client = meet(scenario.name)
    if scenario.status is None:
        relay.wait_line(f'^connection {scenario.connections} ', scenario.seconds + 10)
        client.wait_line(scenario.says, 3)
        assert client.status is None
    else:
        assert client.wait(scenario.seconds + 10) == scenario.status
        del lan.running[CLIENT]
        assert re.search(scenario.says, client.text()), client.text()
    hostile.assert_plain(client.text())


def test_bad_frames(lan, meet):
    """Only the last one comes out of the adapter."""
    with Port(lan.ns(PC), ADAPTER) as port:
        relay, client = meet('bad-frames', '--json', '--report-interval', '1')
        relay.wait_line('^done', 30)
        counters = client.wait_json(lambda said: said['counters']['rx_frames'] > 0, 10,
                                    'the last frame')['counters']
        arrived = [frame for frame in port.wait_for(hostile.TOKEN, 10)
                   if frame[6:12] == hostile.STRANGER_MAC]
    drops = {name: counters.get(f'rx_dropped_{name}', 0) for name in hostile.BAD_FRAME_DROPS}
    assert (drops, counters['rx_frames']) == (hostile.BAD_FRAME_DROPS, 1)
    assert len(arrived) == 1


@pytest.mark.parametrize('scenario', ['frame-flood', 'revolving-door', 'new-gateways'])
def test_flood(lan, meet, scenario):
    """Not for each gateway that comes are addresses looked up and the cable pulled."""
    since = len(lan.wine.lines())
    relay, client = meet(scenario)
    client.wait_line('the adapter is up', 30)
    start = hostile.resident_bytes(client.pid)
    relay.wait_line('^done', 15 if scenario == 'new-gateways' else 60)
    lan.wait_events(lambda lines: [line for line in lines[since:] if line.startswith('tap media')][-1] ==
                    'tap media connected', 5, 'the cable to be in')
    assert relay.text().count('connection ') == 1
    assert client.status is None
    assert hostile.resident_bytes(client.pid, 'VmHWM') - start < hostile.RSS_GROWTH_MAX
    hostile.assert_plain(client.text())
