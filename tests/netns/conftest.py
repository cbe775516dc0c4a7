"""The tests on the bed: /usr/bin/python3 -m pytest tests/netns [--build DIR]. Root only."""

import sys
from pathlib import Path

import pytest

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent))

from bed.party import Party  # noqa: E402
from bed.session import (  # noqa: E402, F401
    add_build_option, kept, pytest_collection_modifyitems, pytest_configure, pytest_runtest_makereport)


def pytest_addoption(parser):
    add_build_option(parser, '--build', 'build/release', 'the programs')


@pytest.fixture(scope='module')
def build(request) -> Path:
    return request.config.getoption('--build')


@pytest.fixture(scope='module')
def lan(build):
    """The bed with the party's LAN, and no relay, gateway or client yet."""
    with kept(Party(build)) as party:
        yield party


@pytest.fixture(scope='module')
def party(lan):
    """The whole party, open."""
    lan.open()
    return lan
