"""Programs: started with log files, waited for by events, ended by pid and never by name."""

import contextlib
import json
import os
import re
import signal
import subprocess
from pathlib import Path

from .netns import Deadline, Failed, libc

IN_MODIFY = 2


class Process:
    """A program in the background; what it says is in <name>.out and <name>.err."""

    def __init__(self, name: str, argv: list, logs: Path, env=None, cwd=None, stdin=None):
        self.name = name
        self.out = logs / f'{name}.out'
        self.err = logs / f'{name}.err'
        # A session of its own: Ctrl-C at the terminal is for us, and we end it in order.
        with open(self.out, 'wb') as out, open(self.err, 'wb') as err:
            self._popen = subprocess.Popen(argv, stdin=stdin or subprocess.DEVNULL, stdout=out,
                                           stderr=err, env=env, cwd=cwd, start_new_session=True)
        self.pid = self._popen.pid
        self.stdin = self._popen.stdin
        self.pidfd = os.pidfd_open(self.pid)

    @property
    def status(self):
        """Exit status, negative for a signal, None while it runs."""
        return self._popen.poll()

    def text(self) -> str:
        return self.out.read_text(errors='replace') + self.err.read_text(errors='replace')

    def wait_for(self, check, seconds: float, what: str):
        """Waits until check() gives something true, asking again after each piece of output."""
        deadline = Deadline(seconds)
        watch = libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            for path in self.out, self.err:
                libc.inotify_add_watch(watch, bytes(path), IN_MODIFY)
            ready = [watch]
            while not (value := check()):
                if not ready:
                    raise Failed(f'{self.name}: {what}: nothing within {seconds:g} s')
                if self.pidfd in ready:
                    raise Failed(f'{self.name}: {what}: it ended ({self.wait(1)}) before')
                ready = deadline.readable(watch, self.pidfd)
                with contextlib.suppress(BlockingIOError):
                    os.read(watch, 65536)
            return value
        finally:
            os.close(watch)

    def wait_line(self, pattern: str, seconds: float) -> re.Match:
        """
        The first line of its output or error output that matches, as soon as all of it is there:
        a program that does not buffer writes a line in pieces.
        """
        return self.wait_for(lambda: re.search(pattern, self._whole_lines(), re.MULTILINE), seconds,
                             f'a line with /{pattern}/')

    def _whole_lines(self) -> str:
        texts = [path.read_text(errors='replace') for path in (self.out, self.err)]
        return ''.join(text[:text.rfind('\n') + 1] for text in texts)

    def json_lines(self) -> list:
        """What it has written to its output so far, whole lines of one JSON value each."""
        return [json.loads(line) for line in self.out.read_text().split('\n')[:-1]]

    def wait_json(self, check, seconds: float, what: str) -> dict:
        """The first line of its JSON output for which check() holds."""
        return self.wait_for(lambda: next((value for value in self.json_lines() if check(value)),
                                          None), seconds, what)

    def signal(self, number: int):
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self.pidfd, number)

    def wait(self, seconds: float):
        """Exit status, None when it still runs after that time."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            return self._popen.wait(seconds) if Deadline(seconds).readable(self.pidfd) else None

    def stop(self, seconds=5.0):
        """Ends it by SIGTERM. The exit status; None when it had to be killed."""
        self.signal(signal.SIGTERM)
        status = self.wait(seconds)
        if status is None:
            self.kill()
        return status

    def kill(self):
        self.signal(signal.SIGKILL)
        self.wait(5)


def in_namespace(ns: str, argv: list) -> list:
    """`ip netns exec` also gives the program the namespace's own /sys and a mount namespace."""
    return ['ip', 'netns', 'exec', ns, *map(str, argv)]


def run(ns: str, argv: list, seconds=15.0, check=True) -> subprocess.CompletedProcess:
    """Runs a command in the namespace to its end."""
    try:
        result = subprocess.run(in_namespace(ns, argv), stdin=subprocess.DEVNULL,
                                capture_output=True, text=True, errors='replace', check=False,
                                timeout=seconds)
    except subprocess.TimeoutExpired:
        raise Failed(f'{" ".join(map(str, argv))}: not done within {seconds:g} s') from None
    if check and result.returncode != 0:
        said = (result.stderr or result.stdout).strip().splitlines()[-3:]
        raise Failed(f'{" ".join(map(str, argv))}: exit {result.returncode}: {" / ".join(said)}')
    return result


def end_pids(pids: list, seconds=3.0):
    """Ends processes that need not be our children: SIGTERM, and SIGKILL for what is left."""
    fds = []
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            fds.append(os.pidfd_open(pid))
    for number in signal.SIGTERM, signal.SIGKILL:
        for fd in fds:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(fd, number)
        deadline = Deadline(seconds)
        while fds and (ended := deadline.readable(*fds)):
            for fd in ended:
                fds.remove(fd)
                os.close(fd)
    for fd in fds:
        os.close(fd)
