"""The tests on the bed: /usr/bin/python3 -m pytest tests/netns [--build DIR]. Root only."""

import os
import signal
import sys
from pathlib import Path

import pytest

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent))

from bed.party import Party  # noqa: E402

REPOSITORY = Path(__file__).resolve().parents[2]
up_now = []  # parties, for the logs of a test that fails


def pytest_addoption(parser):
    parser.addoption('--build', type=Path, default=REPOSITORY / 'build/release',
                     help='build directory with the programs (default: build/release)')


def pytest_configure(config):
    def interrupted(_number, _frame):
        raise KeyboardInterrupt
    # So that what is up is taken down again on a SIGTERM too.
    for number in signal.SIGTERM, signal.SIGHUP:
        signal.signal(number, interrupted)


def pytest_collection_modifyitems(items):
    if os.geteuid() != 0:
        for item in items:
            item.add_marker(pytest.mark.skip(reason='network namespaces need root'))


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    report = (yield).get_result()
    if report.failed:
        for party in up_now:
            report.sections.append(('what the programs said', party.log_tails()))


@pytest.fixture(scope='module')
def build(request) -> Path:
    return request.config.getoption('--build')


@pytest.fixture(scope='module')
def lan(build):
    """The bed with the party's LAN, and no relay, gateway or client yet."""
    party = Party(build)
    up_now.append(party)
    try:
        party.up()
        yield party
    finally:
        up_now.remove(party)
        problems = party.down()
    assert problems == []


@pytest.fixture(scope='module')
def party(lan):
    """The whole party, open."""
    lan.open()
    return lan
