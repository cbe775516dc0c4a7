"""So that what is up is taken down again on a SIGTERM too."""

import signal


def pytest_configure(config):
    def interrupted(_number, _frame):
        raise KeyboardInterrupt
    for number in signal.SIGTERM, signal.SIGHUP:
        signal.signal(number, interrupted)
