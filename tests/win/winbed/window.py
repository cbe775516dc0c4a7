"""
The player at softlan.exe: what its window says, by tools/window.c, and presses. Nothing is read from
pictures, and nothing in the program helps.
"""

import json
import re
import shutil
import subprocess
from pathlib import Path

from bed.netns import Failed

from .party import HOST, STARTS, WindowsParty
from .wine import REPOSITORY, find

CLASS = 'SoftLAN.Window'
VIEW_H = REPOSITORY / 'src/apps/gui-win/view.h'
FIRST_ID = 100  # LP_CONTROL_FIRST in apps/gui-win/controls.h
PROGRAM = 'softlan'


def element_names() -> list:
    """The elements in the order of their table, which is that of their ids."""
    table = re.search(r'#define LP_ELEMENT_TABLE\(X\)(.*?[^\\])\n', VIEW_H.read_text(), re.DOTALL)[1]
    return re.findall(r'\bX\((\w+), \w+, \w+\)', table)


ELEMENTS = element_names()


class Page:
    """One line of tools/window.c: what is shown, by the names of view.h."""

    def __init__(self, line: str):
        said = json.loads(line)
        self.process = said['process']
        self.visible = said.get('visible', False)
        self.menu = said.get('menu', False)
        self.shown = {ELEMENTS[control['id'] - FIRST_ID]: control
                      for control in said.get('controls', []) if control['visible']}

    def text(self, element: str) -> str:
        """Without the marks of access keys; empty for what is not shown."""
        return self.shown[element]['text'].replace('&', '') if element in self.shown else ''

    @property
    def heading(self) -> str:
        return self.text('HEADING')

    @property
    def facts(self) -> dict:
        return {self.text(f'FACT_LABEL_{number}'): self.text(f'FACT_{number}')
                for number in range(6) if f'FACT_{number}' in self.shown}

    @property
    def players(self) -> list:
        return [tuple(row) for row in self.shown['PLAYERS']['rows']] if 'PLAYERS' in self.shown else []

    def __str__(self):
        return f'{self.heading} | {self.text("BODY")} | {self.text("REMEDY")} | {self.facts} | ' \
            f'{self.players}'


class Player:
    """softlan.exe and who sits in front of it. Pages are waited for in order: none is seen twice."""

    def __init__(self, party: WindowsParty):
        self.party = party
        self.exe = find(party.wine.build, 'softlan.exe')
        self.watcher = party.start('window', HOST, party.wine.argv(
            find(party.wine.build, 'window.exe'), CLASS), stdin=subprocess.PIPE)
        self.at = 0  # lines of the watcher that were seen
        self.watcher.wait_line('^{', 60)

    # ---- the program ----

    def forget(self):
        """A first start: no parties, no name."""
        for users in (self.party.wine.prefix / 'drive_c/users').glob('*/AppData/Local/SoftLAN'):
            shutil.rmtree(users)

    def start(self, *arguments):
        """Until there is its window; see STARTS in party.py."""
        self.at = len(self.lines())
        for _ in range(STARTS):
            process = self.party.start(PROGRAM, HOST, self.party.wine.argv(self.exe, *arguments))
            try:
                return self.wait(lambda page: page.visible, 30, 'a window', process)
            except Failed:
                if process.status is None:
                    raise
                del self.party.running[PROGRAM]
        raise Failed(f'softlan.exe does not start: it ended with {process.status}')

    def start_again(self, *arguments) -> int:
        """A second start while the window is there; its exit status."""
        return self.party.run_windows(self.exe, *arguments).returncode

    def wait_end(self, seconds=15.0):
        status = self.party.running[PROGRAM].wait(seconds)
        if status is not None:
            del self.party.running[PROGRAM]
        return status

    def kill(self):
        """Ends it as the task manager does, whatever it is at."""
        if PROGRAM in self.party.running:
            self.party.kill(PROGRAM)

    # ---- what the window says ----

    def lines(self) -> list:
        return self.watcher.out.read_text().split('\n')[:-1]

    def page(self) -> Page:
        """The newest."""
        return Page([line for line in self.lines() if line.startswith('{"process"')][-1])

    def wait(self, check, seconds: float, what: str, process=None) -> Page:
        """The first page from here on for which check(page) holds; the newest one counts too."""
        def found():
            lines = self.lines()
            for number in range(max(self.at - 1, 0), len(lines)):
                if lines[number].startswith('{"process"') and check(page := Page(lines[number])):
                    self.at = number + 1
                    return page
            if process is not None and process.status is not None:
                raise Failed(f'{process.name} ended with {process.status}')
            return None

        try:
            return self.watcher.wait_for(found, seconds, what)
        except Failed as failed:
            raise Failed(f'{failed}; the window says: {self.page()}') from None

    def wait_heading(self, heading: str, seconds=10.0) -> Page:
        return self.wait(lambda page: page.heading == heading, seconds, f'"{heading}"')

    def wait_players(self, players: set, seconds=10.0) -> Page:
        return self.wait(lambda page: set(page.players) == players, seconds, f'{players}')

    # ---- what the player does ----

    def act(self, *words):
        """Returns when it is done; fails when it cannot be."""
        before = len(self.lines())
        self.watcher.stdin.write(' '.join(map(str, words)).encode() + b'\n')
        self.watcher.stdin.flush()
        answer = self.watcher.wait_for(
            lambda: next((line for line in self.lines()[before:]
                          if line.startswith(('{"done"', '{"refused"'))), None), 10, words[0])
        if not answer.startswith('{"done"'):
            raise Failed(f'{" ".join(map(str, words))}: {answer}; the window says: {self.page()}')

    def press(self, element: str):
        self.at = len(self.lines())
        self.act('press', FIRST_ID + ELEMENTS.index(element))

    def write(self, element: str, text: str):
        self.act('text', FIRST_ID + ELEMENTS.index(element), text)

    def close(self):
        self.act('close')

    def choose_in_tray(self, key: str):
        self.act('tray')
        self.wait(lambda page: page.menu, 10, 'the menu of the tray icon')
        self.act('key', key)


def journal(party: WindowsParty) -> Path:
    """What the service would have to undo; it is there only while it does."""
    return party.wine.prefix / 'drive_c/ProgramData/SoftLAN/journal.txt'
