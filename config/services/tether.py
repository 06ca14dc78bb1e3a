"""Runs a program that must not outlive the one who started it: `python tether.py PARENT PROGRAM ARGUMENTS…`.

Asks the kernel for a SIGTERM when the parent dies, then becomes the program. A file of its own, run
without the project's packages, because it costs a moment at each start. Where the kernel cannot do
this (outside Linux) the next start ends what was left behind.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main() -> None:
    """Ties this process to its parent and becomes the program."""
    parent = int(sys.argv[1])
    prctl = getattr(ctypes.CDLL(None), "prctl", None)
    if prctl is not None:
        prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    # the parent may have died before the kernel was asked
    if os.getppid() == parent:
        os.execv(sys.argv[2], sys.argv[2:])  # noqa: S606 - the arguments come from the supervisor


main()
