"""
A LAN party on one machine: network namespaces as hosts, real programs as everything else.

    netns.py      work inside a namespace from this process: sockets, sniffers, kernel events
    processes.py  programs with log files, waited for by events, ended by pid
    topology.py   the namespaces, their cables and addresses, and how all of it goes away again
    party.py      the party's own services, and the relay, gateway and clients under test
    steps.py      what a party must be able to do; the demo and the tests run the same functions

Needs root. Nothing here waits by sleeping: every wait is on an event with a deadline.
"""
