"""
The Windows client under Wine, against the Linux relay and gateway. Root only:
/usr/bin/python3 -m pytest tests/win [--build DIR] [--win-build DIR].
"""

import os
import signal
import sys
from pathlib import Path

import pytest

sys.dont_write_bytecode = True
HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / 'netns')]

from winbed.party import WindowsParty  # noqa: E402

REPOSITORY = HERE.parents[1]
up_now = []  # parties, for the logs of a test that fails


def pytest_addoption(parser):
    parser.addoption('--build', type=Path, default=REPOSITORY / 'build/release',
                     help='build directory with the Linux programs (default: build/release)')
    parser.addoption('--win-build', type=Path, default=REPOSITORY / 'build/win',
                     help='build directory with the Windows programs (default: build/win)')


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
            report.sections.append(('what was done to Windows', '\n'.join(party.wine.lines()[-60:])))


@pytest.fixture(scope='module')
def lan(request):
    """The party's LAN and Wine with the adapter, and no relay, gateway or client yet."""
    option = request.config.getoption
    party = WindowsParty(option('--build'), option('--win-build'))
    up_now.append(party)
    try:
        party.up()
        yield party
    finally:
        up_now.remove(party)
        problems = party.down()
    assert problems == []
