"""
The party of tests/netns/bed with a Windows player: the shipping .exe under Wine, in the namespace
player1, with a fake TAP driver (tests/win/fake) whose cable leads to a Linux TAP in a namespace of
its own, pc. What is done in pc is what Windows's network stack and the player's games would do.

    wine.py   the Wine prefix and what runs in it
    cable.py  a program: the Linux TAP at the end of the driver's cable
    party.py  relay, gateway, LAN and the Windows player
    screen.py an X server for windows
    window.py softlan.exe: what its window says, and its buttons

Needs root. Nothing here waits by sleeping: every wait is on an event with a deadline.
"""
