"""
The Windows client under Wine, against the Linux relay and gateway. Root only:
/usr/bin/python3 -m pytest tests/win [--build DIR] [--win-build DIR].
"""

import sys
from pathlib import Path

import pytest

sys.dont_write_bytecode = True
HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / 'netns')]

from bed.session import (  # noqa: E402, F401
    add_build_option, kept, pytest_collection_modifyitems, pytest_configure, pytest_runtest_makereport)
from winbed.party import WindowsParty  # noqa: E402


def pytest_addoption(parser):
    add_build_option(parser, '--build', 'build/release', 'the Linux programs')
    add_build_option(parser, '--win-build', 'build/win', 'the Windows programs')


@pytest.fixture(scope='module')
def display():
    """None; tests of windows have one."""
    return ''


@pytest.fixture(scope='module')
def lan(request, display):
    """The party's LAN and Wine with the adapter, and no relay, gateway or client yet."""
    option = request.config.getoption
    with kept(WindowsParty(option('--build'), option('--win-build'), display)) as party:
        yield party
