"""
The benchmark: tunnels side by side on one machine, in network namespaces.

    topology.py   the namespaces and wires, what slows them down, and how all of it goes away again
    tunnels.py    SoftLAN and the others, each as its own manual says
    meters.py     what is measured with: iperf3, our own small programs, /proc
    scenarios.py  what is measured: one table
    report.py     medians, ratios, goals; text, Markdown, JSON

Needs root. The pieces of the network tests' bed (tests/netns/bed) are used here too.
"""

import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPOSITORY / 'tests/netns'))
