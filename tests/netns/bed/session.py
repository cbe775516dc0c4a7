"""
What a pytest run on the bed has in common, with Windows or without: a conftest.py imports the hooks, and
its fixtures keep their party up with `kept`.
"""

import contextlib
import os
import signal
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[3]
up_now = []  # parties, for the logs of a test that fails


def add_build_option(parser, name: str, default: str, what: str):
    parser.addoption(name, type=Path, default=REPOSITORY / default,
                     help=f'build directory with {what} (default: {default})')


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
            report.sections += party.sections()


@contextlib.contextmanager
def kept(party):
    """The party, up for the block; after it nothing of it may be left."""
    up_now.append(party)
    try:
        party.up()
        yield party
    finally:
        up_now.remove(party)
        problems = party.down()
    if problems:
        pytest.fail('\n'.join(map(str, problems)))
