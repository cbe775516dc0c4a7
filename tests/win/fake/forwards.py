#!/usr/bin/python3
"""
forwards.py SOURCE.c OBJDUMP DLL REAL: the .def file of a stand-in for DLL, to standard output.

The stand-in exports what DLL exports. What SOURCE.c defines as shim_<name>() is its own, whether
DLL has it or not; everything else is handed on to REAL, which is DLL under another name.
"""

import re
import subprocess
import sys
from pathlib import Path


def exports(objdump: str, dll: str) -> list:
    said = subprocess.run([objdump, '-p', dll], capture_output=True, text=True, check=True,
                          errors='replace').stdout
    names = said.split('[Ordinal/Name Pointer] Table')[1]
    return re.findall(r'^\s*\[\s*\d+\](?: \+base\[\s*\d+\])?\s+(?:[0-9a-f]+ )?(\w+)', names, re.MULTILINE)


def main():
    source, objdump, dll, real = sys.argv[1:]
    own = set(re.findall(r'\bshim_(\w+)\(', Path(source).read_text()))
    print(f'LIBRARY {Path(dll).name}')
    print('EXPORTS')
    for name in sorted(own):
        print(f'{name} = shim_{name}')
    for name in exports(objdump, dll):
        if name not in own:
            print(f'{name} = {real}.{name}')


main()
