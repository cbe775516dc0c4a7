"""An X server with a number that is free, gone with the program."""

import os
import subprocess

SIZE = (1600, 2200)  # the pointer is in its middle, where no window reaches


class Screen:
    def __enter__(self):
        read, write = os.pipe()
        self.server = subprocess.Popen(
            ['Xvfb', '-displayfd', str(write), '-screen', '0', f'{SIZE[0]}x{SIZE[1]}x24', '-nolisten', 'tcp'],
            pass_fds=(write,), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
        os.close(write)
        with os.fdopen(read, encoding='ascii') as numbers:
            number = numbers.readline().strip()
        if not number:
            raise SystemExit('Xvfb does not start')
        self.name = f':{number}'
        return self

    def __exit__(self, *_ignored):
        self.server.terminate()
        self.server.wait()
