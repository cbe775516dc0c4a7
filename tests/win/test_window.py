"""
softlan.exe and softlan-svc.exe as they ship, at the party: what the player sees, what is done to
Windows, and that the party is really there behind "Connected".
"""

import contextlib
import re

import pytest
from bed import hostile, steps
from bed.netns import Port, udp_socket
from bed.topology import LAN_BROADCAST, LAN_HOST_IP, RELAY_IP
from winbed.party import CONNECTION, GUID, HOST, PC, windows_path
from winbed.screen import Screen
from winbed.window import PROGRAM, Player, journal
from winbed.wine import CLASS_KEY, FAKES, find

DISCOVERY_PORT = 27777
HOSTILE_PORT = 8443
# What turns a line around or hides in it: U+200B.. and the directional marks of Unicode.
UNSEEN = re.compile('[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069]')
ROOM = 'SATURDAY'
SERVICE_LAST = f'ip route del {RELAY_IP}/32 via 192.168.11.1 dev uplink'
CONNECTED = 'Connected to the party'
FORM = 'Join a LAN party'


@pytest.fixture(scope='module')
def display():
    with Screen() as screen:
        yield screen.name


@pytest.fixture(scope='module')
def party(lan):
    """A player's PC with the service installed."""
    exe = find(lan.wine.build, 'softlan-svc.exe')
    assert lan.run_windows(exe, '--install', seconds=60).returncode == 0
    yield lan
    assert lan.run_windows(exe, '--remove', seconds=60).returncode == 0


@pytest.fixture(scope='module')
def seat(party):
    player = Player(party)
    yield player
    player.watcher.stdin.close()


@pytest.fixture(name='player')
def player_fixture(party, seat):
    """
    Relay and gateway are there, and nobody has started the program yet; whatever the test does, it ends
    and leaves nothing changed.
    """
    if 'relay' not in party.running:
        party.start_relay('--client-rate', '0')
    if 'gateway' not in party.running:
        party.start_gateway('--name', 'host of the party')
    seat.forget()
    yield seat
    seat.kill()
    wait_undone(party)
    assert_untouched(party)


@pytest.fixture
def link(party, player):
    """With the fingerprint that the relay says it has, as its operator would read it off."""
    pin = party.running['relay'].wait_line(r'fingerprint for --relay-pin: ([0-9a-f]{64})', 5)[1]
    return f'softlan://join?relay={RELAY_IP}&room={ROOM}&pin={pin}'


def wait_undone(party):
    """The service lets the next caller in when it is done with what the last one has left."""
    party.run_windows(find(party.wine.build, 'settings.exe'), 'service', 'close')


def assert_untouched(party):
    assert party.wine.settings() == {}
    assert not journal(party).exists()
    assert party.network_address() == ''


def agree(player):
    """Yes to the link, to the end; the page that says so."""
    player.wait_heading('Join this party?')
    player.press('PRIMARY')
    return player.wait(lambda page: page.heading == CONNECTED and page.facts['Your address'] != 'none yet',
                       30, CONNECTED)


def join(player, link):
    player.start(link)
    return agree(player)


def packets_to(frames, address: str) -> list:
    octets = bytes(map(int, address.split('.')))
    return [frame for frame, _outgoing in frames
            if frame[12:14] == b'\x08\x00' and octets in (frame[26:30], frame[30:34])]


def everybody_talks(party, seconds=5.0):
    steps.first_replies(party, (PC, LAN_HOST_IP), ('host', party.pc_addresses()[0]), seconds=seconds)


# ---- before anything is done ----

def test_link_contacts_nobody(party, player, link):
    """Relay and room are named and asked about first; "no" leads to the form."""
    since = len(party.wine.lines())
    with Port(party.ns(HOST), 'uplink') as uplink:
        player.start(link)
        page = player.wait_heading('Join this party?')
        assert page.facts == {'Relay': RELAY_IP, 'Room': ROOM,
                              'Trust': 'only the certificate that the link names'}
        assert page.text('SECONDARY') == 'Not now'
        assert 'who sent it' in page.text('REMEDY')
        player.press('SECONDARY')
        player.wait_heading(FORM)
        assert packets_to(uplink.seen(), RELAY_IP) == []
    assert party.wine.lines()[since:] == []


@pytest.mark.parametrize('bad', [
    'softlan://join?relay=198.51.100.10', 'softlan://run?relay=198.51.100.10&room=A',
    '--relay=198.51.100.10', 'C:\\Windows\\System32\\calc.exe',
], ids=['no-room', 'verb', 'option', 'program'])
def test_bad_link(party, player, bad):
    """It is no link: that is said, with what to do, and nothing else happens."""
    since = len(party.wine.lines())
    with Port(party.ns(HOST), 'uplink') as uplink:
        player.start(bad)
        page = player.wait_heading('This invite link is not valid')
        assert packets_to(uplink.seen(), RELAY_IP) == []
    assert page.text('REMEDY') == 'Ask your host for a new link, or type relay and room.'
    assert page.text('BODY') != ''
    assert page.text('PRIMARY') == 'Connect'
    assert party.wine.lines()[since:] == []


def test_typed_nonsense(player):
    player.start()
    player.wait_heading(FORM)
    player.write('RELAY', 'http://relay.example/')
    player.write('ROOM', ROOM)
    player.press('PRIMARY')
    assert 'relay.example' in player.wait_heading('This is no relay address').text('REMEDY')
    player.write('RELAY', RELAY_IP)
    player.write('ROOM', 'a room')
    player.press('PRIMARY')
    player.wait_heading('This is no room code')


# ---- an evening ----

def test_evening(party, player, link):
    """One process from Connect to Disconnect, through all that happens at a party."""
    page = join(player, link)
    pid = page.process

    # connected: what the window says is so
    address = party.lease_of(party.pc_mac())
    assert page.facts['Your address'] == address
    assert page.facts['Gateway'] == 'present'
    assert page.facts['Room'] == ROOM
    assert ('host of the party', 'gateway') in page.players
    assert [kind for _name, kind in page.players if kind == 'you'] == ['you']
    everybody_talks(party)
    with udp_socket(party.ns('host'), port=DISCOVERY_PORT) as server, \
            udp_socket(party.ns(PC), address) as seeker:
        seeker.sendto(b'who is there?', (LAN_BROADCAST, DISCOVERY_PORT))
        assert server.recvfrom(100)[1][0] == address
    page = player.wait(lambda page: page.facts.get('Round trip to relay', '').endswith(' ms'), 5,
                       'the round trip to the relay')

    # another player
    own = set(page.players)
    party.start_client('player2')
    player.wait_players(own | {('player2', 'player')})
    party.stop('client-player2')
    player.wait_players(own)

    # the relay is restarted: nobody clicks
    player.at = len(player.lines())
    party.stop('relay')
    page = player.wait_heading('The connection was lost')
    assert 'by itself' in page.text('BODY')
    party.start_relay('--client-rate', '0')
    player.wait_heading(CONNECTED, 15)
    everybody_talks(party)

    # the host leaves, and comes back
    party.stop('gateway')
    page = player.wait_heading('Waiting for the party')
    assert page.facts['Gateway'] == 'missing'
    assert 'Ask your host' in page.text('REMEDY')
    party.start_gateway('--name', 'host of the party')
    player.wait_heading(CONNECTED, 20)
    everybody_talks(party)

    # the end
    player.press('PRIMARY')
    page = player.wait_heading(FORM, 15)
    assert page.shown['RECENT']['rows'] == [[ROOM, RELAY_IP]]
    assert_untouched(party)
    assert page.process == pid
    player.close()
    assert player.wait_end() == 0


# ---- closing, quitting, crashing ----

def test_close_keeps_and_quit_ends(party, player, link):
    join(player, link)
    player.close()
    player.wait(lambda page: not page.visible, 10, 'no window')
    assert PROGRAM in party.running and party.running[PROGRAM].status is None
    everybody_talks(party)
    assert player.start_again() == 0
    assert player.wait(lambda page: page.visible, 10, 'the window again').heading == CONNECTED

    player.choose_in_tray('q')
    assert player.wait_end() == 0
    assert_untouched(party)


def test_second_start_hands_its_link_on(party, player, link):
    """There is one window; the link of a second start is asked about there, while the first plays on."""
    page = join(player, link)
    other = link.replace(ROOM, 'ANOTHER')
    assert player.start_again(other) == 0
    page = player.wait_heading('Join this party?')
    assert page.facts['Room'] == 'ANOTHER'
    assert 'leave the party' in page.text('BODY')
    everybody_talks(party)
    player.press('SECONDARY')
    player.wait_heading(CONNECTED)
    assert player.start_again('softlan://join?nothing') == 0
    player.wait(lambda page: 'not valid' in page.text('REMEDY'), 10, 'that the link is not valid')
    everybody_talks(party)


def test_killed(party, player, link):
    """The service undoes all of it, at once and alone; the next start knows the party, and plays."""
    join(player, link)
    since = len(party.wine.lines())
    player.kill()
    party.wait_event(SERVICE_LAST, since=since)
    wait_undone(party)
    assert_untouched(party)
    assert player.start().shown['RECENT']['rows'] == [[ROOM, RELAY_IP]]
    assert player.start_again(link) == 0
    agree(player)


# ---- what goes wrong ----

def test_relay_does_not_answer(party, player):
    player.start(f'softlan://join?relay={RELAY_IP}:9&room={ROOM}')
    player.wait_heading('Join this party?')
    player.press('PRIMARY')
    page = player.wait_heading('The relay does not answer', 20)
    assert 'UDP may be blocked' in page.text('BODY')
    assert 'another network' in page.text('REMEDY')
    player.press('PRIMARY')
    player.wait_heading(FORM, 15)
    assert_untouched(party)


@pytest.mark.parametrize('how', ['pin', 'system'])
def test_wrong_relay(party, player, how):
    """Another fingerprint than the link's, and a certificate that nobody has signed."""
    trust = f'&pin={"0" * 64}' if how == 'pin' else ''
    player.start(f'softlan://join?relay={RELAY_IP}&room={ROOM}{trust}')
    player.wait_heading('Join this party?')
    player.press('PRIMARY')
    page = player.wait_heading('This is not the relay it should be', 20)
    assert 'certificate' in page.text('BODY')
    assert 'Ask your host' in page.text('REMEDY')
    assert_untouched(party)
    player.press('SECONDARY')
    assert player.wait_heading(FORM).text('RELAY') == RELAY_IP


def test_relay_name_that_is_none(party, player):
    player.start(f'softlan://join?relay=no-such-relay.invalid&room={ROOM}')
    player.wait_heading('Join this party?')
    player.press('PRIMARY')
    page = player.wait_heading("The relay's name was not found", 30)
    assert 'spelled right' in page.text('REMEDY')
    assert_untouched(party)


def test_step_that_fails(party, player, link):
    """What the service could not do is said in its own words, and everything before it is undone."""
    party.wine.fail('ip set tap ipv4 metric')
    with contextlib.ExitStack() as after:
        after.callback(party.wine.fail_nothing)
        player.start(link)
        player.wait_heading('Join this party?')
        player.press('PRIMARY')
        page = player.wait_heading('The SoftLAN service could not help', 20)
    assert re.search('metric', page.text('BODY'))
    assert_untouched(party)
    player.press('PRIMARY')
    player.wait_heading(CONNECTED, 30)


def test_without_the_service(party, player, link):
    exe = find(party.wine.build, 'softlan-svc.exe')
    assert party.run_windows(exe, '--remove', seconds=60).returncode == 0
    try:
        player.start(link)
        player.wait_heading('Join this party?')
        player.press('PRIMARY')
        page = player.wait_heading('The SoftLAN service could not help', 20)
        assert 'installer' in page.text('REMEDY')
        player.press('SECONDARY')
        player.wait_heading(FORM)
    finally:
        assert party.run_windows(exe, '--install', seconds=60).returncode == 0


@pytest.mark.parametrize('there, says', [
    ('none', 'no TAP-Windows6 adapter'),
    ('foreign', re.escape(f"no TAP adapter is SoftLAN's own: run SoftLAN's installer again, which makes it; "
                          f'there are others: {GUID} (Ethernet 3)')),
], ids=['none', 'foreign'])
def test_without_the_adapter(party, player, link, there, says):
    """One that is not SoftLAN's own, though it is the only one, is left alone; nobody is asked to touch it."""
    since = len(party.wine.lines())
    if there == 'none':
        party.run_windows('reg', 'add', CLASS_KEY, '/v', 'ComponentId', '/t', 'REG_SZ', '/d', 'a-network-card', '/f')
    else:
        party.run_windows('reg', 'add', CONNECTION, '/v', 'Name', '/t', 'REG_SZ', '/d', 'Ethernet 3', '/f')
    try:
        player.start(link)
        player.wait_heading('Join this party?')
        player.press('PRIMARY')
        page = player.wait_heading('The network adapter is missing', 20)
        assert "Run SoftLAN's installer again" in page.text('REMEDY')
        player.press('TOGGLE')
        page = player.wait(lambda page: 'TAP' in page.text('DETAILS'), 5, 'the details')
        assert re.search(says, page.text('DETAILS')), page.text('DETAILS')
        assert party.wine.lines()[since:] == []
    finally:
        party.run_windows('reg', 'import', windows_path(FAKES / 'adapter.reg'))
    player.press('TOGGLE')
    player.wait(lambda page: page.text('PRIMARY') == 'Try again', 5, 'the way back')
    player.press('PRIMARY')
    player.wait_heading(CONNECTED, 30)


# ---- a relay that means harm (tests/tools/hostile_relay.c) ----

@pytest.fixture
def meet(party, player, request):
    """Connects to a relay with that scenario."""
    def start(scenario: str):
        relay = party.start('relay-hostile', 'relay', hostile.relay_argv(
            request.config.getoption('--build'), scenario, party.bed.directory / 'hostile.der', HOSTILE_PORT))
        pin = relay.wait_line('^fingerprint ([0-9a-f]{64})', 5)[1]
        relay.wait_line('^listening', 5)
        player.start(f'softlan://join?relay={RELAY_IP}:{HOSTILE_PORT}&room={ROOM}&pin={pin}')
        player.wait_heading('Join this party?')
        player.press('PRIMARY')
        return relay

    yield start
    party.stop('relay-hostile')


def assert_readable(page):
    for element, control in page.shown.items():
        for text in [control['text'], *(cell for row in control.get('rows', []) for cell in row)]:
            assert not UNSEEN.search(text.replace('\r\n', '')), f'{element}: {text!r}'


@pytest.mark.parametrize('scenario', ['deep-json', 'close-at-once'])
def test_relay_that_talks_nonsense(party, player, meet, scenario):
    """It is tried again, the page says that it did not work, and the details say why."""
    relay = meet(scenario)
    page = player.wait(lambda page: page.heading == 'Connecting' and page.text('REMEDY') != '', 20,
                       'that it did not work')
    assert 'keeps trying' in page.text('BODY')
    assert 'ask your host' in page.text('REMEDY')
    relay.wait_line('^connection 3 ', 10)
    player.press('TOGGLE')
    page = player.wait(lambda page: 'Reason given: ' in page.text('DETAILS'), 5, 'the reason')
    assert_readable(page)
    player.press('TOGGLE')
    player.wait(lambda page: page.text('PRIMARY') == 'Cancel', 5, 'the way back')
    player.press('PRIMARY')
    player.wait_heading(FORM, 15)
    assert_untouched(party)


def test_relay_that_says_no_backwards(party, player, meet):
    meet('reject-backwards')
    page = player.wait_heading('The room is full', 20)
    assert_readable(page)
    assert 'exe' not in str(page)
    assert_untouched(party)


def test_relay_with_a_crowd(player, meet):
    """As many as there are, each a line of its own, and nothing in them that is not seen."""
    meet('crowd')
    page = player.wait(lambda page: len(page.players) == 61, 20, 'sixty players and oneself')
    assert_readable(page)
    assert 'In the room: 61 players' == page.text('PLAYERS_LABEL')
    assert ('%s%n%s%n', 'player') in page.players


@pytest.mark.parametrize('when', ['meanwhile', 'afterwards'])
def test_relay_with_a_revolving_door(party, player, meet, when):
    """Thousands of comings and goings, gateways among them: the window still does what it is told."""
    relay = meet('revolving-door')
    player.wait(lambda page: page.players != [], 20, 'the room')
    process = party.running[PROGRAM]
    start = hostile.resident_bytes(process.pid)
    if when == 'afterwards':
        relay.wait_line('^done', 15)
    player.wait(lambda page: page.players != [], 20, 'another page')
    player.press('PRIMARY')
    player.wait_heading(FORM, 20)
    assert hostile.resident_bytes(process.pid, 'VmHWM') - start < hostile.RSS_GROWTH_MAX
    assert_untouched(party)
