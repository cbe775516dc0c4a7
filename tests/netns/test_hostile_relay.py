"""
A relay that means harm, against lanparty-client: a clear sentence, another try with back-off or the end
with the right status, bounded memory, and the player's machine as it was.
"""

import re

import pytest
from bed import hostile
from bed.party import RELAY_PORT
from bed.topology import changes, snapshot

CLIENT = 'client-player1'


@pytest.fixture(name='meet')
def meet_fixture(lan, build, monkeypatch):
    """Starts a relay with a scenario and a client that meets it; both are gone afterwards."""
    # What the sanitizer keeps of freed memory is no growth.
    monkeypatch.setenv('ASAN_OPTIONS', 'abort_on_error=1:quarantine_size_mb=1')
    before = snapshot(lan.ns('player1'))
    lan.problems.clear()

    def meet(scenario: str, *options) -> tuple:
        relay = lan.start('relay', 'relay',
                          hostile.relay_argv(build, scenario, lan.cert, RELAY_PORT))
        relay.wait_line('^listening', 5)
        return relay, lan.start_client('player1', *options)

    yield meet
    for name in CLIENT, 'relay':
        if name in lan.running:
            lan.stop(name)
    assert lan.problems == []
    assert changes(before, snapshot(lan.ns('player1'))) == []


@pytest.mark.parametrize('scenario', hostile.SCENARIOS, ids=lambda scenario: scenario.name)
def test_hostile(lan, meet, scenario):
    relay, client = meet(scenario.name)
    if scenario.status is None:
        relay.wait_line(f'^connection {scenario.connections} ', scenario.seconds)
        client.wait_line(scenario.says, 3)
        assert client.status is None
    else:
        assert client.wait(scenario.seconds) == scenario.status
        del lan.running[CLIENT]
        assert re.search(scenario.says, client.text()), client.text()
    hostile.assert_plain(client.text())


@pytest.mark.parametrize('scenario', ['close-at-once', 'let-in-and-close'])
def test_backs_off(meet, scenario):
    """A relay that throws everybody out is not asked in a spin: 250 ms, 500 ms, 1 s, less a half."""
    relay, _client = meet(scenario)
    relay.wait_line('^connection 4 ', 10)
    for gap, least in zip(hostile.connection_gaps(relay), (125, 250, 500)):
        assert gap >= least


def test_crowd(meet):
    """Names that are allowed and not nice stay within their line and their quotes."""
    relay, client = meet('crowd')
    client.wait_line('a player is in the room.*peer=159', 10)
    assert relay.text().count('connection ') == 1
    hostile.assert_plain(client.text())
    said = [line for line in client.text().splitlines() if 'peer=' in line]
    assert len([line for line in said if 'a player is in the room' in line]) == 60
    assert not re.search('^info: joined', client.text(), re.MULTILINE)


def test_revolving_door(meet):
    """Twenty thousand messages about peers who come, go, and come again: map and log stay small."""
    relay, client = meet('revolving-door')
    client.wait_line('joined the room', 5)
    start = hostile.resident_bytes(client.pid)
    relay.wait_line('^done', 30)
    assert relay.text().count('connection ') == 1
    assert hostile.resident_bytes(client.pid, 'VmHWM') - start < hostile.RSS_GROWTH_MAX
    hostile.assert_plain(client.text())


@pytest.mark.parametrize('scenario', ['bad-frames', 'endless-streams'])
def test_bad_frames(meet, scenario):
    """Not one comes out of the adapter, each is counted, and the good one after them passes."""
    relay, client = meet(scenario, '--json', '--report-interval', '1')
    client.wait_line('joined the room', 5)
    start = hostile.resident_bytes(client.pid)
    relay.wait_line('^done', 5)
    counters = client.wait_json(lambda said: said['counters']['rx_frames'] > 0, 5,
                                'the last frame')['counters']
    drops = {name: counters.get(f'rx_dropped_{name}', 0) for name in hostile.BAD_FRAME_DROPS}
    assert (drops, counters['rx_frames']) == (hostile.BAD_FRAME_DROPS, 1)
    assert hostile.resident_bytes(client.pid, 'VmHWM') - start < hostile.RSS_GROWTH_MAX
    assert client.status is None
    assert relay.text().count('connection ') == 1


def test_frame_flood(meet):
    """Fifty thousand frames as fast as the path takes them: memory does not grow with them."""
    relay, client = meet('frame-flood', '--json', '--report-interval', '1')
    client.wait_line('joined the room', 5)
    start = hostile.resident_bytes(client.pid)
    relay.wait_line('^done', 30)
    client.wait_json(lambda said: said['counters'].get('rx_frames', 0) >= 40000, 5, 'the frames')
    assert hostile.resident_bytes(client.pid, 'VmHWM') - start < hostile.RSS_GROWTH_MAX
    assert relay.text().count('connection ') == 1
